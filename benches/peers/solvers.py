"""CPU seconds of the sparse solver beside scikit-learn's and LIBLINEAR's, on the same matrix, to the same gradient.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    OMP_NUM_THREADS=1 venv/bin/python benches/peers/solvers.py

Each peer is given the loosest tolerance of a ladder with which its gradient, relative to that at zero, is below
1e-4 as ours is; the fastest such run counts. LIBLINEAR (solver="liblinear") penalises its intercept, so its optimum is another: its
time is that of its own stopping rule at 1e-2 (dual), the default of its command line being 0.1.
"""

import json
import pathlib
import subprocess
import tempfile
import time
import warnings

import numpy as np
from scipy.special import expit, softmax
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
C = 10
GRADIENT = 1e-4


def gradient_norm(x, y, coef, intercept, multinomial):
    n = len(y)
    classes, counts = np.unique(y, return_counts=True)
    weight = (n / (len(classes) * counts))[np.searchsorted(classes, y)]
    scores = x @ coef.T + intercept
    if multinomial:
        residual = softmax(scores, axis=1) - (y[:, None] == classes)
    else:
        residual = expit(scores) - (y == classes[1])[:, None]
    residual = residual * (C * weight)[:, None]
    return np.sqrt(((coef + (x.T @ residual).T) ** 2).sum() + (residual.sum(axis=0) ** 2).sum())


def timed(x, y, **settings):
    start = time.process_time()
    model = LogisticRegression(C=C, class_weight="balanced", max_iter=10_000, **settings).fit(x, y)
    return model, time.process_time() - start


def best(x, y, solver, target, multinomial):
    zero = np.zeros((len(np.unique(y)) if multinomial else 1, x.shape[1]))
    at_zero = gradient_norm(x, y, zero, np.zeros(len(zero)), multinomial)
    for tol in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        model, seconds = timed(x, y, solver=solver, tol=tol)
        if gradient_norm(x, y, model.coef_, model.intercept_, multinomial) <= target * at_zero:
            return seconds
    return None


with tempfile.TemporaryDirectory() as folder:
    command = ["cargo", "bench", "--quiet", "--bench", "solvers", "--", folder]
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    ours = {line["task"]: line for line in map(json.loads, out.splitlines())}
    x = load_svmlight_file(f"{folder}/x.svm", zero_based=True)[0].tocsr()
    x.indices, x.indptr = x.indices.astype(np.int32), x.indptr.astype(np.int32)
    theme = np.loadtxt(f"{folder}/theme.csv", delimiter=",", dtype=int)
    tone = np.loadtxt(f"{folder}/tone.csv", dtype=int)

print(f"{x.shape[0]} rows, {x.shape[1]} columns, {x.nnz} values, C = {C}, balanced")
print("| problem | solver | CPU seconds | ratio |\n|---|---|---|---|")
mine = ours["theme"]["seconds"]
print(f"| four themes | rubrique | {mine:.2f} | 1 |")
for solver in ("lbfgs", "newton-cg", "sag"):
    times = [best(x, theme[:, k], solver, GRADIENT, False) for k in range(theme.shape[1])]
    if None in times:
        print(f"| four themes | scikit-learn {solver} | not reached | |", flush=True)
    else:
        print(f"| four themes | scikit-learn {solver} | {sum(times):.2f} | {sum(times) / mine:.1f} |", flush=True)
times = [timed(x, theme[:, k], solver="liblinear", dual=True, tol=1e-2)[1] for k in range(theme.shape[1])]
print(f"| four themes | LIBLINEAR dual | {sum(times):.2f} | {sum(times) / mine:.1f} |", flush=True)
mine = ours["tone"]["seconds"]
print(f"| tone, multinomial | rubrique | {mine:.2f} | 1 |")
for solver in ("lbfgs", "newton-cg", "sag"):
    seconds = best(x, tone, solver, GRADIENT, True)
    shown = f"{seconds:.2f} | {seconds / mine:.1f}" if seconds else "not reached |"
    print(f"| tone, multinomial | scikit-learn {solver} | {shown} |", flush=True)
