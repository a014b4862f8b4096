//! Whether a verdict of `compare` can be believed: how often it calls equal models different.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rubrique::eval::metrics::{Judged, Metric};
use rubrique::eval::{Report, compare};
use rubrique::task::{LabelId, LabelSet, TaskKind};
use serde_json::json;

const PARAGRAPHS: usize = 150;
const FOLDS: usize = 5;
const REPEATS: usize = 5;
const LABELS: [&str; 2] = ["no", "yes"];

/// What a simulated model says: the gold class and the given class, by repeat and paragraph.
type Answers = Vec<Vec<(usize, usize)>>;

/// A model that is right on seven paragraphs of ten. Which ones is drawn once and mostly holds in every repeat, as it
/// does for a real model that is fitted again on nearly the same rows.
fn model(gold: &[usize], random: &mut fastrand::Rng) -> Answers {
    let right: Vec<bool> = gold.iter().map(|_| random.f64() < 0.7).collect();
    (0..REPEATS)
        .map(|_| {
            let answer = |(&class, &right): (&usize, &bool)| {
                let right = if random.f64() < 0.1 { random.f64() < 0.7 } else { right };
                (class, if right { class } else { 1 - class })
            };
            gold.iter().zip(&right).map(answer).collect()
        })
        .collect()
}

fn set(class: usize) -> LabelSet {
    [LabelId(class)].into_iter().collect()
}

/// The report that `evaluate` would have written.
fn report(answers: &Answers, folds: &[Vec<usize>]) -> Report {
    let mean = |metric: Metric| {
        let sum: f64 = answers
            .iter()
            .map(|repeat| {
                let sets: Vec<(LabelSet, LabelSet)> = repeat.iter().map(|&(g, a)| (set(g), set(a))).collect();
                let rows: Vec<Judged<'_>> =
                    sets.iter().map(|(gold, labels)| Judged { gold, labels, probabilities: &[0.5, 0.5] }).collect();
                metric.of(TaskKind::Single, 2, &rows).unwrap()
            })
            .sum();
        json!({"mean": sum / REPEATS as f64, "low": null, "high": null})
    };
    let label = json!({"precision": null, "recall": null, "f1": null, "average_precision": null, "roc_auc": null,
                       "support": 0, "threshold": null, "intervals": {}});
    let mut task = json!({"kind": "single", "paragraphs": PARAGRAPHS, "labels": {"no": label, "yes": label}});
    for metric in Metric::ALL {
        task[metric.name()] = mean(metric);
    }
    let predictions: Vec<_> = answers
        .iter()
        .enumerate()
        .flat_map(|(r, repeat)| {
            repeat.iter().enumerate().map(move |(i, &(gold, given))| {
                json!({"id": format!("p{i}"), "group": format!("g{i}"), "repeat": r, "fold": folds[r][i],
                       "gold": {"t": LABELS[gold]}, "labels": {"t": LABELS[given]},
                       "probabilities": {"t": {"no": 0.5, "yes": 0.5}}})
            })
        })
        .collect();
    let value = json!({
        "schema": "rubrique.report/1",
        "data": {"sha256": "simulated", "paragraphs": PARAGRAPHS, "groups": PARAGRAPHS},
        "folds": {"k": FOLDS, "repeats": REPEATS, "seed": 0, "sha256": "simulated"},
        "config": {}, "tasks": {"t": task}, "predictions": predictions,
    });
    Report::from_json(value.to_string().as_bytes()).unwrap()
}

/// Of 500 pairs of equal models, those whose interval leaves out zero.
///
/// A test at 5 % that keeps its promise raises at most 34 false alarms in 500 with a probability of 95 % (binomial).
#[test]
fn equal_models_are_seldom_called_different() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut alarms = 0;
    for _ in 0..500 {
        let gold: Vec<usize> = (0..PARAGRAPHS).map(|_| random.usize(..2)).collect();
        let folds: Vec<Vec<usize>> = (0..REPEATS)
            .map(|_| {
                let mut folds: Vec<usize> = (0..PARAGRAPHS).map(|i| i % FOLDS).collect();
                random.shuffle(&mut folds);
                folds
            })
            .collect();
        let [a, b] = [model(&gold, &mut random), model(&gold, &mut random)].map(|m| report(&m, &folds));
        let decided = compare(&a, &b, 0.02).unwrap().tasks["t"].decided_on.clone();
        alarms += usize::from(decided.low.unwrap() > 0.0 || decided.high.unwrap() < 0.0);
    }
    assert!(alarms <= 34, "{alarms} false alarms in 500");
}
