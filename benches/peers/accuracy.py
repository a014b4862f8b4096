"""Scores classical peers on the very folds of `rubrique evaluate`, or on a file kept apart.

    python -m venv venv && venv/bin/pip install -r benches/peers/requirements.txt
    cargo build --release
    venv/bin/python benches/peers/accuracy.py FOLDER --task topic --seed 0
    venv/bin/python benches/peers/accuracy.py labels --task theme:multi --test FILE

FOLDER holds CSV files with the columns `id`, `text` and the task's labels. The README's figures are of three:
`masakhanews-fra/{train50,dev}.csv` (MasakhaNEWS, French: Adelani et al. 2023), `xlmt-fr/{train,val}.csv` (French
tweets of XLM-T: Barbieri et al. 2022) and `sib200-fr/{train,dev}.csv` (SIB-200, French: Adelani et al. 2023).

Which rows are judged, with what gold and in which fold, is read from rubrique's report. Peers get training texts, their
labels and test texts, and give labels. All but scikit-learn out of the box get rubrique's own tokens without its stop
words, as stems. Where several settings stand in PEERS, those with the best macro-F1 over three folds inside the
training part are taken, articles kept whole. Every peer runs on one thread from a fixed seed. With --test all of FOLDER
is learnt from, by rubrique with its default too, and FILE is judged.
"""

import argparse
import csv
import functools
import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unicodedata

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import Stemmer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 1
STOP_WORDS = set(re.findall(r'"([^"]+)"', (ROOT / "src/analysis/stop_words.rs").read_text().split("FRENCH_SET")[0]))
STEM = Stemmer.Stemmer("french").stemWord
ELISION = re.compile(r"\b(jusqu|lorsqu|puisqu|quoiqu|presqu|qu|[ldjmtsnc])'(?=[aeiouyhàâäéèêëîïôöùûüœ\d])", re.I)


def normalise(text):
    text = unicodedata.normalize("NFC", text).lower().replace("œ", "oe").replace("æ", "ae")
    return re.sub("[’‘ʼ′´`]", "'", text)


@functools.cache
def stems(text):
    text = ELISION.sub(r"\1' ", normalise(text))
    tokens = re.findall(r"[^\W_]+(?:'[^\W_]+|')?", text)
    return tuple(STEM(token) for token in tokens if token not in STOP_WORDS)


def fit_and_predict(features, classifier, texts, gold, test_texts):
    """Of a multi-label task one question a label, yes from 0.5 on."""
    if gold.ndim == 2:
        classifier = OneVsRestClassifier(classifier)
    return make_pipeline(features, classifier).fit(texts, gold).predict(test_texts)


def scikit_learn(texts, gold, test_texts):
    return fit_and_predict(TfidfVectorizer(), LogisticRegression(), texts, gold, test_texts)


def scikit_learn_stems(texts, gold, test_texts, C, class_weight):
    features = TfidfVectorizer(analyzer=stems, sublinear_tf=True)
    classifier = LogisticRegression(C=C, class_weight=class_weight, max_iter=2000)
    return fit_and_predict(features, classifier, texts, gold, test_texts)


def scikit_learn_characters(texts, gold, test_texts):
    features = make_union(
        TfidfVectorizer(analyzer=stems, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), preprocessor=normalise, sublinear_tf=True),
    )
    classifier = LogisticRegression(C=10, class_weight="balanced", max_iter=2000)
    return fit_and_predict(features, classifier, texts, gold, test_texts)


def fasttext(texts, gold, test_texts, lr, epoch):
    import fasttext

    classes = sorted(set(gold))
    words = ["</s>", *sorted({word for text in texts for word in stems(text)})]
    with tempfile.TemporaryDirectory() as place:
        rows, vectors = pathlib.Path(place, "rows.txt"), pathlib.Path(place, "first.vec")
        rows.write_text(
            "".join(f"__label__{classes.index(label)} {' '.join(stems(text))}\n" for text, label in zip(texts, gold))
        )
        # On one thread fastText 0.9.3 draws a tenth of its first weights and leaves the others as memory was: they are
        # drawn here as it would draw them.
        first = np.random.default_rng(SEED).uniform(-0.01, 0.01, (len(words), 100))
        lines = (f"{word} {' '.join(map(str, vector))}\n" for word, vector in zip(words, first))
        vectors.write_text(f"{len(words)} 100\n" + "".join(lines))
        options = {"dim": 100, "pretrainedVectors": str(vectors), "thread": 1, "seed": SEED, "verbose": 0}
        model = fasttext.train_supervised(str(rows), lr=lr, epoch=epoch, **options)
    labels, _ = model.predict([" ".join(stems(text)) for text in test_texts])
    return np.array([classes[int(label[0].removeprefix("__label__"))] for label in labels])


def vowpal_wabbit(texts, gold, test_texts, passes, ngram):
    from vowpalwabbit import Workspace

    classes = sorted(set(gold))
    # Stems hold letters, digits and apostrophes: none of the signs that mean something in a line of Vowpal Wabbit.
    rows = [f"{classes.index(label) + 1} | {' '.join(stems(text))}" for text, label in zip(texts, gold)]
    options = f"--oaa {len(classes)} --loss_function logistic -b 20 --random_seed {SEED} --quiet"
    model = Workspace(options + (f" --ngram {ngram}" if ngram > 1 else ""))
    order = random.Random(SEED)
    for _ in range(passes):
        order.shuffle(rows)
        for row in rows:
            model.learn(row)
    given = [classes[model.predict(f"| {' '.join(stems(text))}") - 1] for text in test_texts]
    model.finish()
    return np.array(given)


def spacy(texts, gold, test_texts, epochs):
    import spacy
    from spacy.training import Example
    from spacy.util import fix_random_seed, minibatch

    fix_random_seed(SEED)
    nlp = spacy.blank("fr")
    model = {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": True,
        "ngram_size": 1,
        "no_output_layer": False,
    }
    textcat = nlp.add_pipe("textcat", config={"model": model})
    classes = sorted(set(gold))
    for label in classes:
        textcat.add_label(label)

    def document(text):
        return spacy.tokens.Doc(nlp.vocab, words=list(stems(text)) or ["-"])

    examples = [
        Example.from_dict(document(text), {"cats": {label: float(label == own) for label in classes}})
        for text, own in zip(texts, gold)
    ]
    optimizer = nlp.initialize(lambda: examples)
    order = random.Random(SEED)
    for _ in range(epochs):
        order.shuffle(examples)
        for batch in minibatch(examples, 16):
            nlp.update(batch, sgd=optimizer)
    return np.array([max(doc.cats, key=doc.cats.get) for doc in nlp.pipe(document(text) for text in test_texts)])


# Name, function, the alternatives of each setting, and whether it knows multi-label tasks.
PEERS = [
    ("scikit-learn, out of the box", scikit_learn, {}, True),
    (
        "scikit-learn, stems, C and class weights tuned",
        scikit_learn_stems,
        {"C": [0.3, 1, 3, 10, 30, 100], "class_weight": [None, "balanced"]},
        True,
    ),
    ("scikit-learn, stems and characters 3 to 5, C = 10, balanced", scikit_learn_characters, {}, True),
    ("fastText, tuned", fasttext, {"lr": [0.5, 1.0], "epoch": [25, 100]}, False),
    ("Vowpal Wabbit, tuned", vowpal_wabbit, {"passes": [2, 5, 20], "ngram": [1, 2]}, False),
    ("spaCy, bag of words", spacy, {"epochs": [20]}, False),
]


def macro_f1(gold, given):
    return f1_score(gold, given, average="macro", zero_division=0)


def chosen(peer, alternatives, texts, gold, groups):
    """The settings with the best macro-F1 over three folds inside the training part."""
    settings = [dict(zip(alternatives, values)) for values in itertools.product(*alternatives.values())]
    if len(settings) == 1:
        return settings[0]
    deal = GroupKFold if gold.ndim == 2 else StratifiedGroupKFold
    folds = list(deal(3, shuffle=True, random_state=SEED).split(texts, gold, groups))

    def score(setting):
        given = gold.copy()
        for train, test in folds:
            given[test] = peer(texts[train], gold[train], texts[test], **setting)
        return macro_f1(gold, given)

    return max(settings, key=score)


def run(rubrique, *arguments):
    command = [rubrique, *map(str, arguments), "--quiet"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def evaluate(rubrique, labels, *options):
    return json.loads(run(rubrique, "evaluate", labels, "--format", "json", *options))


def rows_of(report, task, labels):
    """Texts, gold, rubrique's answers, groups and folds of a report's rows."""
    files = sorted(labels.glob("*.csv")) if labels.is_dir() else [labels]
    texts = {row["id"]: row["text"] for file in files for row in csv.DictReader(open(file, newline="")) if row["text"]}
    rows = report["predictions"]

    def answers(key):
        if report["tasks"][task]["kind"] == "single":
            return np.array([row[key][task] for row in rows])
        return np.array([[int(name in row[key][task]) for name in report["tasks"][task]["labels"]] for row in rows])

    return (
        np.array([texts[row["id"]] for row in rows], dtype=object),
        answers("gold"),
        answers("labels"),
        np.array([row["group"] for row in rows]),
        np.array([row.get("fold", 0) for row in rows]),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("labels", type=pathlib.Path, metavar="FOLDER", help="directory of labelled CSV files")
    parser.add_argument("--task", required=True, help="NAME, or NAME:multi where several labels may apply")
    parser.add_argument("--test", type=pathlib.Path, metavar="FILE", help="judge on this file instead of on folds")
    parser.add_argument("--folds", default="5")
    parser.add_argument("--seed", default="0", help="of the folds")
    parser.add_argument("--peers", help="only peers whose name has this in it")
    parser.add_argument("--config", help="rubrique's configuration, else its default")
    parser.add_argument("--rubrique", default=ROOT / "target/release/rubrique", help="the program")
    arguments = parser.parse_args()
    task, _, kind = arguments.task.partition(":")
    of_task = ["--task", f"{task}:{kind or 'single'}"]
    settings = ["--config", arguments.config] if arguments.config else []

    if arguments.test is None:
        of_task += ["--folds", arguments.folds, "--seed", arguments.seed]
        report = evaluate(arguments.rubrique, arguments.labels, *of_task, *settings)
        texts, gold, ours, groups, folds = rows_of(report, task, arguments.labels)
        parts = [(folds != fold, folds == fold) for fold in sorted(set(folds))]
    else:
        with tempfile.TemporaryDirectory() as place:
            model = pathlib.Path(place, "model.safetensors")
            run(arguments.rubrique, "train", arguments.labels, *of_task, *settings, "--output", model)
            learnt = evaluate(arguments.rubrique, arguments.labels, *of_task, "--model", model)
            judged = evaluate(arguments.rubrique, arguments.test, *of_task, "--model", model)
        both = rows_of(learnt, task, arguments.labels), rows_of(judged, task, arguments.test)
        texts, gold, ours, groups, _ = (np.concatenate(pair) for pair in zip(*both))
        test = np.arange(len(texts)) >= len(learnt["predictions"])
        parts = [(~test, test)]
    judged = np.logical_or.reduce([test for _, test in parts])

    def line(name, given):
        scores = accuracy_score(gold[judged], given[judged]), macro_f1(gold[judged], given[judged])
        print(f"| {name} | {scores[0]:.3f} | {scores[1]:.3f} |", flush=True)

    print("| classifier | accuracy | macro-F1 |\n|---|---|---|")
    line(f"rubrique, {arguments.config or 'default'}", ours)
    for name, peer, alternatives, multi in PEERS:
        if (gold.ndim == 2 and not multi) or (arguments.peers and arguments.peers not in name):
            continue
        given = gold.copy()
        try:
            for train, test in parts:
                setting = chosen(peer, alternatives, texts[train], gold[train], groups[train])
                given[test] = peer(texts[train], gold[train], texts[test], **setting)
        except ModuleNotFoundError as error:
            print(f"{name}: skipped ({error})", file=sys.stderr)
            continue
        line(name, given)


if __name__ == "__main__":
    main()
