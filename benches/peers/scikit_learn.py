"""Scores scikit-learn's pipeline on the very folds of `rubrique evaluate`, with the same features and settings.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1 PyStemmer==3.1.0
    cargo build --release
    venv/bin/python benches/peers/scikit_learn.py FOLDER

FOLDER holds `masakhanews-fra/{train50,dev}.csv` (MasakhaNEWS, French: Adelani et al. 2023), `xlmt-fr/{train,val}.csv`
(French tweets of XLM-T: Barbieri et al. 2022) and `sib200-fr/{train,dev}.csv` (SIB-200, French: Adelani et al. 2023),
with the columns `id`, `text` and the label.
"""

import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unicodedata

import numpy as np
import Stemmer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline, make_union

SETS = [
    ("MasakhaNEWS", ["masakhanews-fra/train50.csv", "masakhanews-fra/dev.csv"], "topic"),
    ("XLM-T", ["xlmt-fr/train.csv", "xlmt-fr/val.csv"], "tone"),
    ("SIB-200", ["sib200-fr/train.csv", "sib200-fr/dev.csv"], "topic"),
]
ROOT = pathlib.Path(__file__).resolve().parents[2]
STOP_WORDS = set(re.findall(r'"([^"]+)"', (ROOT / "src/analysis/stop_words.rs").read_text().split("FRENCH_SET")[0]))
STEM = Stemmer.Stemmer("french").stemWord
ELISION = re.compile(r"\b(jusqu|lorsqu|puisqu|quoiqu|presqu|qu|[ldjmtsnc])'(?=[aeiouyhàâäéèêëîïôöùûüœ\d])", re.I)


def normalise(text):
    text = unicodedata.normalize("NFC", text).lower().replace("œ", "oe").replace("æ", "ae")
    return re.sub("[’‘ʼ′´`]", "'", text)


def words(text):
    text = ELISION.sub(r"\1' ", normalise(text))
    tokens = re.findall(r"[^\W_]+(?:'[^\W_]+|')?", text)
    return [STEM(token) for token in tokens if token not in STOP_WORDS]


def pipeline():
    return make_pipeline(
        make_union(
            TfidfVectorizer(analyzer=words, sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), preprocessor=normalise, sublinear_tf=True),
        ),
        LogisticRegression(C=10, class_weight="balanced", max_iter=2000),
    )


def main(folder):
    print("| set | rubrique accuracy / macro-F1 | scikit-learn accuracy / macro-F1 |\n|---|---|---|")
    for name, files, task in SETS:
        rows = [row for file in files for row in csv.DictReader(open(folder / file, newline=""))]
        with tempfile.TemporaryDirectory() as place:
            data = pathlib.Path(place, "data.csv")
            with open(data, "w", newline="") as out:
                writer = csv.DictWriter(out, rows[0].keys())
                writer.writeheader()
                writer.writerows(rows)
            command = [ROOT / "target/release/rubrique", "evaluate", data, "--task", f"{task}:single"]
            command += ["--format", "json", "--quiet"]
            report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        fold_of = {p["id"]: p["fold"] for p in report["predictions"]}
        texts = np.array([row["text"] for row in rows], dtype=object)
        gold = np.array([row[task] for row in rows])
        folds = np.array([fold_of[row["id"]] for row in rows])
        given = gold.copy()
        for fold in range(report["folds"]["k"]):
            train, test = folds != fold, folds == fold
            given[test] = pipeline().fit(texts[train], gold[train]).predict(texts[test])
        ours = report["tasks"][task]
        theirs = accuracy_score(gold, given), f1_score(gold, given, average="macro")
        ours = ours["accuracy"]["mean"], ours["macro_f1"]["mean"]
        print(f"| {name} | {ours[0]:.3f} / {ours[1]:.3f} | {theirs[0]:.3f} / {theirs[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
