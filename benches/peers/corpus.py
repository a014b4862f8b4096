"""Corpora of any size from text of the repository, with a share of words that nobody has seen.

Paragraphs are runs of one to eight words as they stand in `labels/composed.csv`, punctuation included, one run after
another; an unknown word is one of these with two letters changed so that the labels do not hold it.

    python benches/peers/corpus.py MEBIBYTES > big.jsonl

writes rows of text as JSONL, so many MiB of it: `id` and `text`, with 2 % unknown words; texts begin again after 256 MiB.
"""

import csv
import itertools
import json
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LETTERS = "abcdefghijklmnopqrstuvwxyzéè"
WORDS_A_PARAGRAPH = 80


def training_texts():
    with open(ROOT / "labels/composed.csv", newline="") as file:
        return [" ".join(row["text"].split()) for row in csv.DictReader(file)]


def build(mebibytes, unknown, typographic, seed):
    """Paragraphs of so many MiB together; typographic ones have ’ and no-break spaces as newspapers do."""
    rng = random.Random(seed)
    words = " ".join(training_texts()).split(" ")
    seen = {word.lower() for word in words}

    def mangled(word):
        while True:
            letters = list(word)
            places = [i for i, letter in enumerate(letters) if letter.isalpha()]
            if len(places) >= 4:
                for i in rng.sample(places, 2):
                    letters[i] = rng.choice(LETTERS)
                if "".join(letters).lower() not in seen:
                    return "".join(letters)
            word = rng.choice(words)

    paragraphs, size = [], 0
    while size < mebibytes * 2**20:
        paragraph = []
        while len(paragraph) < WORDS_A_PARAGRAPH:
            at = rng.randrange(len(words))
            paragraph += words[at : at + rng.randrange(1, 9)]
        text = " ".join(mangled(word) if rng.random() < unknown else word for word in paragraph)
        if typographic:
            for plain, printed in (("'", "’"), (" ;", "\u00a0;"), (" :", "\u00a0:"), ("« ", "«\u00a0"), (" »", "\u00a0»")):
                text = text.replace(plain, printed)
        paragraphs.append(text)
        size += len(text.encode()) + 1
    return paragraphs


def write_jsonl(mebibytes, out):
    texts = itertools.cycle(build(min(mebibytes, 256), 0.02, False, 0))
    number, left = 0, mebibytes * 2**20
    while left > 0:
        row = json.dumps({"id": str(number), "text": next(texts)}, ensure_ascii=False) + "\n"
        out.write(row)
        number, left = number + 1, left - len(row.encode())


if __name__ == "__main__":
    write_jsonl(int(sys.argv[1]), sys.stdout)
