"""CPU seconds from text to TF-IDF rows, and to labels, beside those of peers, on the same corpora, one thread.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1 PyStemmer==3.1.0 fasttext==0.9.3
    OMP_NUM_THREADS=1 venv/bin/python benches/peers/featurizer.py

All learn their features from `labels/composed.csv`. A corpus is cut into slices, and each slice is read by one tool after
the other before the next: how fast a machine is changes by the second when others work on it. Speeds and ratios are medians
over slices. Ours reads another corpus of known words first, so that what it remembers of words is remembered; unknown words
are new to all. Peers in Python get the first paragraphs of a slice (their speed does not depend on how many), scikit-learn its
own token pattern and PyStemmer.

What is compared: `words` and `words and pairs` are stems and pairs of stems in both. `shipped` is the shipped configuration
beside stems, prefixes and characters: scikit-learn has nothing like our blocks of the lexicon, which are more work for us
alone. `labels` goes on to the labels of both tasks: the built-in model beside logistic regressions on these three blocks,
whose fits are cut short, since their speed does not depend on the weights. `labels by words` are those of both tasks from
stems alone, in both; fastText gives but the tone, from words as written, and from these and pairs of them. Our rows and labels
are checked bit for bit against our plain path, and rows of characters, which both tools make term for term, against
scikit-learn's.

The peers in Rust stand in `rust/`, a crate of its own, which cargo builds: rows of linfa-preprocessing (words as written, not
stems) and of the plain way (lower case, rust-stemmers, hash tables), tokens alone of tantivy's analyzer with French stems and
of tokenizers at word level.
"""

import csv
import json
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
import warnings

import fasttext
import numpy as np
import Stemmer
from accuracy import normalise
from corpus import ROOT, build, training_texts
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_union

MEBIBYTES = 16
# Not many more: what a tool remembers has left the cache when its turn comes again, and is first brought back.
SLICES = 9
# The share of unknown words, and whether apostrophes and spaces are those of printers.
CORPORA = {"known": (0, False), "unknown-2": (0.02, False), "unknown-10": (0.1, False), "typographic": (0.02, True)}
TOKENS = re.compile(r"(?u)\b\w\w+\b").findall
STEMMER = Stemmer.Stemmer("french")


def stems(text):
    return STEMMER.stemWords(TOKENS(text.lower()))


def stems_and_pairs(text):
    one = stems(text)
    return one + [f"{a} {b}" for a, b in zip(one, one[1:])]


def prefixes(text):
    return [token[:5] for token in TOKENS(text.lower())]


def words(analyzer):
    return TfidfVectorizer(analyzer=analyzer, sublinear_tf=True)


def characters():
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), preprocessor=normalise, sublinear_tf=True)


class Labels:
    """Four yes-or-no questions and one of three classes, as the built-in model answers them."""

    def __init__(self, features):
        self.features = features

    def fit(self, texts):
        with open(ROOT / "labels/composed.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        names = sorted({name for row in rows for name in row["theme"].split("|") if name})
        themes = np.array([[name in row["theme"].split("|") for name in names] for row in rows], dtype=int)
        x = self.features.fit_transform(texts)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.themes = OneVsRestClassifier(LogisticRegression(max_iter=3)).fit(x, themes)
            self.tone = LogisticRegression(max_iter=3).fit(x, [row["tone"] for row in rows])
        return self

    def transform(self, texts):
        x = self.features.transform(texts)
        return self.themes.predict_proba(x), self.tone.predict_proba(x)


class FastText:
    """One of three classes, with fastText's own settings."""

    def __init__(self, ngrams):
        self.ngrams = ngrams

    def fit(self, texts):
        with open(ROOT / "labels/composed.csv", newline="") as file:
            tones = [row["tone"] for row in csv.DictReader(file)]
        with tempfile.NamedTemporaryFile("w") as rows:
            rows.writelines(f"__label__{tone} {text}\n" for tone, text in zip(tones, texts))
            rows.flush()
            # On fewer threads fastText 0.9.3 does not draw all of its first weights.
            self.model = fasttext.train_supervised(rows.name, wordNgrams=self.ngrams, thread=10, verbose=0)
        return self

    def transform(self, texts):
        return self.model.predict(texts)


def shipped():
    return make_union(words(stems), words(prefixes), characters())


# By name of the features: peers in Python, and how many paragraphs of a slice they get.
PEERS = {
    "words": {"scikit-learn": (words(stems), 450)},
    "words and pairs": {"scikit-learn": (words(stems_and_pairs), 450)},
    "shipped": {"scikit-learn": (shipped(), 100)},
    "labels": {"scikit-learn": (Labels(shipped()), 100)},
    "labels by words": {
        "scikit-learn": (Labels(words(stems)), 450),
        "fastText": (FastText(1), 2000),
        "fastText, pairs": (FastText(2), 2000),
    },
}
# Tools of rust/ by features; tokens alone are held to our rows of words, which are more work.
RUST = {
    "words": {
        "linfa-preprocessing": "linfa-preprocessing, words",
        "plain Rust": "plain Rust, words",
        "tantivy, tokens": "tantivy, tokens",
        "tokenizers, tokens": "tokenizers, tokens",
    },
    "words and pairs": {
        "linfa-preprocessing": "linfa-preprocessing, words and pairs",
        "plain Rust": "plain Rust, words and pairs",
    },
}
TOOLS = ("plain path", *PEERS["labels by words"], *RUST["words"])


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


def speed(vectorizer, texts):
    """In MiB a CPU second, as in benches/featurizer.rs."""
    start = time.process_time()
    vectorizer.transform(texts)
    seconds = time.process_time() - start
    return sum(len(text.encode()) + 1 for text in texts) / seconds / 2**20


class Program:
    """A program of this repository that tells the speed of a tool on a slice of a corpus."""

    def __init__(self, *command):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)

    def speed(self, tool, corpus, part):
        print(tool, corpus, part, sep="\t", file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def slices(texts):
    size = -(-len(texts) // SLICES)
    return [texts[first : first + size] for first in range(0, len(texts), size)]


def main():
    training = training_texts()
    corpora = {name: build(MEBIBYTES, *of, seed) for seed, (name, of) in enumerate(CORPORA.items())}
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for name, texts in {"training": training, **corpora}.items():
            (folder / f"{name}.txt").write_text("".join(text + "\n" for text in texts))
        ours = Program("cargo", "bench", "--quiet", "--bench", "featurizer", "--", folder)
        ours.speed("words", "known", 0)  # When it answers, all that it writes is written.
        check_characters(folder / "rows-characters.jsonl", corpora["unknown-10"], training)
        manifest = ROOT / "benches/peers/rust/Cargo.toml"
        run = "cargo run --quiet --release --locked --manifest-path".split()
        others = Program(*run, manifest, "--", folder)
        others.speed("tantivy, tokens", "known", 0)
        print(f"| MiB a CPU second (ratio) | corpus | rubrique | {' | '.join(TOOLS)} |")
        print("|---|---|---" + "|---" * len(TOOLS) + "|")
        for features, peers in PEERS.items():
            for peer, _ in peers.values():
                peer.fit(training)
            for corpus, texts in corpora.items():
                speeds = {tool: [] for tool in ("rubrique", *TOOLS)}
                for part, slice_texts in enumerate(slices(texts)):
                    speeds["rubrique"].append(ours.speed(features, corpus, part))
                    for tool, (peer, paragraphs) in peers.items():
                        speeds[tool].append(speed(peer, slice_texts[:paragraphs]))
                    speeds["plain path"].append(ours.speed(f"{features}, plain path", corpus, part))
                    for tool, name in RUST.get(features, {}).items():
                        speeds[tool].append(others.speed(name, corpus, part))
                cells = [f"{statistics.median(speeds['rubrique']):.1f}"]
                for theirs in map(speeds.get, TOOLS):
                    ratios = [a / b for a, b in zip(speeds["rubrique"], theirs)]
                    middle = statistics.median
                    cells.append(f"{middle(theirs):.2f} ({middle(ratios):.0f})" if theirs else "")
                print(f"| {features} | {corpus} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
