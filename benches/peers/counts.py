"""Instructions a byte from text to rows and to labels, and peak memory: figures that do not hang on how busy a machine is.

    python benches/peers/counts.py

Needs valgrind, on Linux. Programs are run on 4 MiB and on 8 MiB of the same text, one thread; what the second half takes
is counted, so that reading the model is not. Labels are those of `classify`, from JSONL to JSONL. Peak memory is that of the
8 MiB, outside valgrind: `classify` reads a stream, the rows' bench holds the text.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile

from corpus import ROOT, build

MEBIBYTES = 8
UNKNOWN = 0.02
VALGRIND = "valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null".split()


def executables():
    """Of the program and of the bench, by name."""
    found = {}
    for command in ("build --release --bin rubrique", "bench --no-run --bench featurizer"):
        command = ["cargo", *command.split(), "--quiet", "--message-format", "json"]
        out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        for message in map(json.loads, out.splitlines()):
            if message.get("executable"):
                found[message["target"]["name"]] = message["executable"]
    return found


def instructions(command):
    told = subprocess.run([*VALGRIND, *command], check=True, capture_output=True, text=True, cwd=ROOT).stderr
    return int(re.search(r"I\s+refs:\s+([\d,]+)", told)[1].replace(",", ""))


def peak_mebibytes(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    usage = os.wait4(process.pid, 0)[2]
    return usage.ru_maxrss / 1024


with tempfile.TemporaryDirectory() as folder:
    texts = build(MEBIBYTES, UNKNOWN, False, 0)
    sizes, commands = [], {"text to rows": [], "text to labels": []}
    programs = executables()
    for part in (texts[: len(texts) // 2], texts):
        lines, rows = (pathlib.Path(folder, f"{len(part)}.{end}") for end in ("txt", "jsonl"))
        lines.write_text("".join(text + "\n" for text in part))
        rows.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in part))
        sizes.append(lines.stat().st_size)
        commands["text to rows"].append([programs["featurizer"], "--rows", lines])
        classify = [programs["rubrique"], "classify", rows, "--format", "jsonl", "--threads", "1"]
        commands["text to labels"].append(classify)
    print("| | instructions a byte | peak memory, MiB |\n|---|---|---|")
    for name, (half, whole) in commands.items():
        a_byte = (instructions(whole) - instructions(half)) / (sizes[1] - sizes[0])
        print(f"| {name} | {a_byte:.1f} | {peak_mebibytes(whole):.0f} |", flush=True)
