"""Computes the expected values of the oracle tests with scikit-learn and scipy, and writes oracle.json beside this file.

Made with Python 3.11, numpy 2, scikit-learn 1.9.1, scipy 1; run it again with: python tests/oracle/make.py
"""

import json
import pathlib

import numpy as np
import sklearn.metrics as m
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.calibration import _SigmoidCalibration
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

TEXTS = [
    "l'armée avance vers la ville et l'armée tient la route",
    "le prix du baril monte encore et le prix du gaz aussi",
    "la ville attend le gaz et le courant depuis un an",
    "",
    "le ministre reçoit l'ambassadeur à la ville à midi",
    "été à l'été",
]


def rows(matrix):
    matrix = matrix.tocsr()
    matrix.sort_indices()
    return [
        [[int(c), float(v)] for c, v in zip(matrix[i].indices, matrix[i].data)] for i in range(matrix.shape[0])
    ]


def tfidf(**settings):
    vectorizer = TfidfVectorizer(lowercase=False, **settings)
    matrix = vectorizer.fit_transform(TEXTS)
    unseen = vectorizer.transform(["le baril et le gaz inconnu à la ville"])
    return {
        "terms": vectorizer.get_feature_names_out().tolist(),
        "idf": vectorizer.idf_.tolist(),
        "rows": rows(matrix),
        "unseen": rows(unseen)[0],
    }


def logistic(n, d, classes, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.3)
    x[1] = 0.0  # an empty row
    x[3] = x[2]  # a row that stands twice
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    truth = x @ rng.normal(size=(d, classes)) * 3 + rng.normal(size=(n, classes))
    y = truth.argmax(axis=1)
    fits = []
    for c in (1.0, 10.0):
        for weight in (None, "balanced"):
            targets = (y == 0).astype(int) if classes == 2 else y
            model = LogisticRegression(C=c, class_weight=weight, tol=1e-9, max_iter=100000, solver="lbfgs")
            model.fit(x, targets)
            fits.append(
                {
                    "c": c,
                    "balanced": weight is not None,
                    "weights": model.coef_.tolist(),
                    "intercepts": model.intercept_.tolist(),
                    "logits": np.atleast_2d(model.decision_function(x).T).T.tolist()
                    if classes > 2
                    else model.decision_function(x)[:, None].tolist(),
                }
            )
    return {
        "x": [[[int(j), float(v)] for j, v in enumerate(row) if v != 0.0] for row in x],
        "width": d,
        "classes": classes,
        "labels": [int(v) for v in (1 - (y == 0) if classes == 2 else y)],
        "fits": fits,
    }


def platt(seed):
    rng = np.random.default_rng(seed)
    answers = rng.random(200) < 0.3
    scores = rng.normal(size=200) + 1.5 * answers - 1
    fitted = _SigmoidCalibration().fit(scores, answers)
    # scikit-learn writes 1 / (1 + exp(a s + b)).
    return {
        "scores": scores.tolist(),
        "answers": answers.tolist(),
        "slope": -float(fitted.a_),
        "offset": -float(fitted.b_),
    }


def temperature(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size=150)
    scores = rng.normal(size=(150, 3)) * 2
    scores[np.arange(150), labels] += 2
    # Platt's targets: (n + 1) / (n + 2) for the own class of n rows, and the rest for the two others.
    n = np.bincount(labels)[labels][:, None]
    targets = np.where(np.eye(3)[labels] == 1, (n + 1) / (n + 2), 1 / (n + 2) / 2)
    loss = lambda t: -(targets * log_softmax(scores * t, axis=1)).sum()
    best = minimize_scalar(loss, bounds=(0.01, 100), method="bounded", options={"xatol": 1e-12})
    return {"scores": scores.tolist(), "labels": labels.tolist(), "inverse": float(best.x)}


def precision_and_recall(gold, given):
    return {
        f"{average}_{name}": score(gold, given, average=average)
        for average in ("macro", "micro")
        for name, score in (("precision", m.precision_score), ("recall", m.recall_score))
    }


def metrics_multi(seed):
    rng = np.random.default_rng(seed)
    gold = (rng.random((60, 3)) < [0.4, 0.2, 0.1]).astype(int)
    # Rounded, so that probabilities tie.
    p = np.round(np.clip(0.5 * gold + 0.5 * rng.random((60, 3)), 0.02, 0.98), 2)
    given = (p >= 0.5).astype(int)
    return {
        "gold": gold.tolist(),
        "given": given.tolist(),
        "probabilities": p.tolist(),
        "values": {
            "accuracy": m.accuracy_score(gold, given),
            "macro_f1": m.f1_score(gold, given, average="macro"),
            "micro_f1": m.f1_score(gold, given, average="micro"),
            **precision_and_recall(gold, given),
            "hamming_loss": m.hamming_loss(gold, given),
            "kappa": float(np.mean([m.cohen_kappa_score(gold[:, k], given[:, k]) for k in range(3)])),
            "log_loss": float(np.mean([m.log_loss(gold[:, k], p[:, k]) for k in range(3)])),
            "brier": float(np.mean([m.brier_score_loss(gold[:, k], p[:, k]) for k in range(3)])),
        },
        "precision": m.precision_score(gold, given, average=None).tolist(),
        "recall": m.recall_score(gold, given, average=None).tolist(),
        "average_precision": m.average_precision_score(gold, p, average=None).tolist(),
        "roc_auc": m.roc_auc_score(gold, p, average=None).tolist(),
    }


def metrics_single(seed):
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, size=50)
    scores = rng.normal(size=(50, 3))
    scores[np.arange(50), gold] += 1
    p = np.exp(log_softmax(scores, axis=1))
    given = p.argmax(axis=1)
    one_hot = np.eye(3, dtype=int)
    return {
        "gold": one_hot[gold].tolist(),
        "given": one_hot[given].tolist(),
        "probabilities": p.tolist(),
        "values": {
            "accuracy": m.accuracy_score(gold, given),
            "macro_f1": m.f1_score(gold, given, average="macro"),
            "micro_f1": m.f1_score(gold, given, average="micro"),
            **precision_and_recall(gold, given),
            "hamming_loss": m.hamming_loss(gold, given),
            "kappa": m.cohen_kappa_score(gold, given),
            "log_loss": m.log_loss(gold, p),
            "brier": float(((p - one_hot[gold]) ** 2).sum(axis=1).mean()),
        },
        "precision": m.precision_score(gold, given, average=None).tolist(),
        "recall": m.recall_score(gold, given, average=None).tolist(),
        "average_precision": [m.average_precision_score(gold == k, p[:, k]) for k in range(3)],
        "roc_auc": [m.roc_auc_score(gold == k, p[:, k]) for k in range(3)],
        "confusion": m.confusion_matrix(gold, given).tolist(),
    }


split = str.split
out = {
    "texts": TEXTS,
    "tfidf": {
        "words": tfidf(analyzer=split),
        "words_sublinear_min_df_2": tfidf(analyzer=split, sublinear_tf=True, min_df=2),
        "words_max_df_half": tfidf(analyzer=split, max_df=0.5),
        "char_wb_3_5_sublinear": tfidf(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
    },
    "logistic": {
        "binary_wide": logistic(40, 70, 2, 1),
        "binary_tall": logistic(80, 15, 2, 2),
        "classes_wide": logistic(50, 70, 3, 3),
        "classes_tall": logistic(90, 12, 4, 4),
    },
    "metrics": {"multi": metrics_multi(7), "single": metrics_single(8)},
    "platt": platt(5),
    "temperature": temperature(6),
}
path = pathlib.Path(__file__).with_name("oracle.json")
path.write_text(json.dumps(out, ensure_ascii=False) + "\n")
