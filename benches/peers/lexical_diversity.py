"""Compares the variety of words in the project's labels with that of real press.

    python -m venv venv && venv/bin/pip install PyStemmer==3.1.0
    venv/bin/python benches/peers/lexical_diversity.py FOLDER

FOLDER holds `masakhanews-fra/train50.csv` (MasakhaNEWS, French: Adelani et al. 2023). Distinct stems among 20,000 tokens:
the mean of ten draws of whole texts, each with a seed of its own.
"""

import csv
import pathlib
import random
import re
import sys

import Stemmer

TOKENS = 20_000
STEM = Stemmer.Stemmer("french").stemWord
ROOT = pathlib.Path(__file__).resolve().parents[2]


def distinct(texts, seed):
    order = list(texts)
    random.Random(seed).shuffle(order)
    tokens = []
    for text in order:
        if len(tokens) >= TOKENS:
            break
        tokens += re.findall(r"[^\W_]+", text.lower())
    return len({STEM(token) for token in tokens[:TOKENS]})


def mean(path):
    texts = [row["text"] for row in csv.DictReader(open(path, newline=""))]
    return sum(distinct(texts, seed) for seed in range(10)) / 10


ours = mean(ROOT / "labels/composed.csv")
press = mean(pathlib.Path(sys.argv[1], "masakhanews-fra/train50.csv"))
print(f"composed {ours:.0f} stems, press {press:.0f} stems, ratio {ours / press:.2f}")
