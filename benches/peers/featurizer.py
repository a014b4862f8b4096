"""CPU seconds from text to TF-IDF rows beside scikit-learn's, on the same corpora, one thread.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1 PyStemmer==3.1.0
    OMP_NUM_THREADS=1 venv/bin/python benches/peers/featurizer.py

Both learn their features from `labels/composed.csv`. Ours reads another corpus of known words first, so that what it
remembers of words is remembered; unknown words are new to both. scikit-learn gets the first paragraphs of the same corpus
(its speed does not depend on how many), its own token pattern and PyStemmer; its rows of the shipped features have no
prefixes. Our rows are checked bit for bit against our plain path, and those of characters, which both tools make term for
term, against scikit-learn's.
"""

import json
import pathlib
import re
import subprocess
import tempfile
import time

import Stemmer
from accuracy import normalise
from corpus import ROOT, build, training_texts
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union

MEBIBYTES = 16
# The share of unknown words, and whether apostrophes and spaces are those of printers.
CORPORA = {"known": (0, False), "unknown-2": (0.02, False), "unknown-10": (0.1, False), "typographic": (0.02, True)}
TOKENS = re.compile(r"(?u)\b\w\w+\b").findall
STEMMER = Stemmer.Stemmer("french")


def stems(text):
    return STEMMER.stemWords(TOKENS(text.lower()))


def stems_and_pairs(text):
    one = stems(text)
    return one + [f"{a} {b}" for a, b in zip(one, one[1:])]


def words(analyzer):
    return TfidfVectorizer(analyzer=analyzer, sublinear_tf=True)


def characters():
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), preprocessor=normalise, sublinear_tf=True)


# By name of the features: scikit-learn's, and how many paragraphs it gets.
PEERS = {
    "words": (words(stems), 4000),
    "words and pairs": (words(stems_and_pairs), 4000),
    "shipped": (make_union(words(stems), characters()), 1000),
}


def check_characters(rows, texts, training):
    vectorizer = characters().fit(training)
    terms = vectorizer.get_feature_names_out()
    ours = [json.loads(line) for line in rows.read_text().splitlines()]
    theirs = vectorizer.transform(texts[: len(ours)])
    for i, row in enumerate(ours):
        start, end = theirs.indptr[i : i + 2]
        other = dict(zip(terms[theirs.indices[start:end]], theirs.data[start:end]))
        assert row.keys() == other.keys(), texts[i]
        assert all(abs(row[term] - other[term]) < 1e-9 for term in row), texts[i]
    print(f"{len(ours)} rows of characters are equal")


def main():
    training = training_texts()
    corpora = {name: build(MEBIBYTES, *of, seed) for seed, (name, of) in enumerate(CORPORA.items())}
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for name, texts in corpora.items():
            (folder / f"{name}.txt").write_text("".join(text + "\n" for text in texts))
        command = ["cargo", "bench", "--quiet", "--bench", "featurizer", "--", folder]
        out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        check_characters(folder / "rows-characters.jsonl", corpora["unknown-10"], training)
    print("| features | corpus | rubrique, MiB/s | plain path | scikit-learn | ratio |\n|---|---|---|---|---|---|")
    for line in map(json.loads, out.splitlines()):
        vectorizer, paragraphs = PEERS[line["features"]]
        if not hasattr(vectorizer, "is_fitted"):
            vectorizer.fit(training).is_fitted = True
        texts = corpora[line["corpus"]][:paragraphs]
        start = time.process_time()
        vectorizer.transform(texts)
        seconds = time.process_time() - start
        theirs = sum(len(text.encode()) + 1 for text in texts) / seconds / 2**20
        ours = line["bytes"] / line["seconds"] / 2**20
        plain = line["plain_bytes"] / line["plain_seconds"] / 2**20
        columns = f"{ours:.1f} | {plain:.1f} | {theirs:.2f} | {ours / theirs:.0f}"
        print(f"| {line['features']} | {line['corpus']} | {columns} |", flush=True)


if __name__ == "__main__":
    main()
