"""CPU seconds of the sparse solver beside scikit-learn's, LIBLINEAR's and linfa's, to the same objective on one thread.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1 liblinear-official==2.50.0
    venv/bin/python benches/peers/solvers.py [--small] [--made]

Every result's objective is computed here by one function. Each solver is given the loosest tolerance of a ladder with
which its objective is within 1e-4 of the best, as a share of it; the CPU time of that run counts. LIBLINEAR penalises its
intercept, so it is held to the best value of its own objective; its copy of the data is not counted. --small makes
50,000 rows where else there are 200,000. --made leaves out the project's labels, where sag needs minutes.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from liblinear import liblinear
from scipy.sparse import csr_matrix
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
GAP = 1e-4
LARGE = 30_000


def objectives(x, y, weights, intercepts, c, classes, penalised=False):
    """Of classes one objective; of questions one each. `weights` are outputs by columns, `y` is rows by outputs."""
    scores = x @ weights.T + intercepts
    penalty = 0.5 * (weights**2).sum(axis=1) + (0.5 * intercepts**2 if penalised else 0)
    if classes:
        loss = (logsumexp(scores, axis=1) - (scores * y).sum(axis=1)).sum()
        return np.array([penalty.sum() + c * loss])
    return penalty + c * np.logaddexp(0, np.where(y, -scores, scores)).sum(axis=0)


def scikit_learn(x, y, c, classes, solver, tolerance):
    model = LogisticRegression(C=c, solver=solver, tol=tolerance, max_iter=2_000)
    weights, intercepts, seconds = [], [], 0.0
    for answers in [y.argmax(axis=1)] if classes else y.T:
        start = time.process_time()
        model.fit(x, answers)
        seconds += time.process_time() - start
        weights.append(model.coef_)
        intercepts.append(model.intercept_)
    return np.vstack(weights), np.concatenate(intercepts), seconds


def liblinear_dual(problem, y, c, width, tolerance):
    weights, intercepts, seconds = [], [], 0.0
    for answers in y.T:
        for i, yes in enumerate(answers):
            problem.y[i] = 1 if yes else -1
        parameter = liblinear.parameter(f"-s 7 -c {c} -e {tolerance} -q")
        start = time.process_time()
        model = liblinear.liblinear.train(problem, parameter)
        seconds += time.process_time() - start
        sign = 1 if model.contents.label[0] == 1 else -1
        found = sign * np.ctypeslib.as_array(model.contents.w, (width + 1,)).copy()
        weights.append(found[:-1])
        intercepts.append(found[-1])
    return np.array(weights), np.array(intercepts), seconds


def ladder(tolerances, run, value, best):
    """The seconds of the first run within the gap."""
    for tolerance in tolerances:
        weights, intercepts, seconds = run(tolerance)
        if (value(weights, intercepts) <= (1 + GAP) * best).all():
            return seconds
    return None


def show(name, solver, seconds, ours):
    ratio = f"{seconds:.3f} | {seconds / ours:.1f}" if seconds else "not reached |"
    print(f"| {name} | {solver} | {ratio} |", flush=True)


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    command = ["cargo", "bench", "--quiet", "--bench", "solvers", "--", "--write", str(folder), *sys.argv[1:]]
    subprocess.run(command, check=True, cwd=ROOT)
    runs = json.loads((folder / "runs.json").read_text())
    print("| problem | solver | CPU seconds | ratio |\n|---|---|---|---|")
    for name, kind in dict.fromkeys((run["problem"], run["kind"]) for run in runs):
        if "--made" in sys.argv and not name.startswith("made"):
            continue
        own = [run for run in runs if (run["problem"], run["kind"]) == (name, kind)]
        c, outputs, width = (own[0][key] for key in ("c", "outputs", "width"))
        lengths = np.fromfile(folder / f"{name}.lengths", "<u4")
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        columns = np.fromfile(folder / f"{name}.columns", "<i4")
        x = csr_matrix((np.fromfile(folder / f"{name}.values", "<f8"), columns, starts), (len(lengths), width))
        y = np.fromfile(folder / f"{name}.answers", "u1").reshape(-1, outputs).astype(bool)
        classes = kind == "classes"

        def value(weights, intercepts, penalised=False):
            return objectives(x, y, weights, intercepts, c, classes, penalised)

        def written(run):
            what = "linfa" if run["solver"] == "linfa" else kind
            solution = np.fromfile(folder / f"{name}.{what}.{run['at']}", "<f8").reshape(width + 1, outputs)
            return solution[:-1].T, solution[-1], run["seconds"]

        mine = [run for run in own if run["solver"] == "rubrique"]
        best = value(*written(mine[-1])[:2])
        ours = ladder(mine, written, value, best)
        title = f"{name}, {outputs} {kind}"
        show(title, "rubrique", ours, ours)
        linfa = [run for run in own if run["solver"] == "linfa"]
        if linfa:
            show(title, "linfa-logistic, dense", ladder(linfa, written, value, best), ours)
        for solver in ("sag",) if len(lengths) > LARGE else ("lbfgs", "newton-cg", "sag", "saga"):
            fit = lambda tolerance: scikit_learn(x, y, c, classes, solver, tolerance)
            show(title, f"scikit-learn {solver}", ladder((1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5), fit, value, best), ours)
        if not classes:
            problem = liblinear.problem(np.ones(len(lengths)), x, bias=1)
            fit = lambda tolerance: liblinear_dual(problem, y, c, width, tolerance)
            penalised = lambda weights, intercepts: value(weights, intercepts, penalised=True)
            finest = penalised(*fit(1e-3)[:2])
            seconds = ladder((1000, 300, 100, 30, 10, 3, 1, 0.1), fit, penalised, finest)
            show(title, "LIBLINEAR dual", seconds, ours)
