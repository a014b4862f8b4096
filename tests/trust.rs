//! Whether a verdict can be believed: what is worse is stopped, and equal models are seldom called different.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rubrique::dataset::{Dataset, Example, Place, TaskChoice};
use rubrique::eval::metrics::{Judged, Metric};
use rubrique::eval::{CrossValidation, Estimate, Report, Verdict, compare, cross_validate, fold_figures};
use rubrique::model::Config;
use rubrique::task::{LabelId, LabelSet, TaskKind, TaskSpec};
use rubrique::text::Columns;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

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

/// Paragraphs whose class stands in their words, but for a share that tells nothing: four a group.
fn labelled(groups: usize, told: f64, random: &mut fastrand::Rng) -> Dataset {
    let words = [["mer", "port", "navire", "quai", "marin"], ["feu", "forge", "braise", "four", "cendre"]];
    let common = ["le", "la", "jour", "ville", "matin", "soir", "année", "rue", "maison", "route", "pont", "voix"];
    let spec = TaskSpec { name: "t".into(), kind: TaskKind::Single, labels: LABELS.map(String::from).to_vec() };
    let example = |i: usize, random: &mut fastrand::Rng| {
        let class = usize::from(random.f64() < 0.3);
        let mut text: Vec<&str> = (0..20).map(|_| common[random.usize(..common.len())]).collect();
        if random.f64() < told {
            text.extend((0..2).map(|_| words[class][random.usize(..5)]));
        }
        Example {
            id: format!("p{i}"),
            group: format!("g{}", i / 4),
            // The number keeps the texts from being near duplicates.
            text: format!("{} {i}", text.join(" ")),
            gold: vec![Some(set(class))],
            date: None,
            place: Place { path: "made.csv".into(), line: i as u64 + 2 },
        }
    };
    let examples = (0..4 * groups).map(|i| example(i, random)).collect();
    Dataset { tasks: vec![spec], examples, test: Vec::new(), readings: Vec::new(), notes: Vec::new() }
}

fn evaluated(dataset: &Dataset, config: &str) -> Report {
    let config = Config::from_toml(config).unwrap();
    cross_validate(dataset, &config, &CrossValidation::new(5, 2, 0), &|| ()).unwrap()
}

/// Of pairs of really fitted, equally good pipelines, those whose interval leaves out zero: at most as many as a test at
/// 5 % raises with a probability of 95 %.
///
/// In each trial articles are drawn from the project's labels, and the toss of a coin puts every word of theirs before one
/// of two readers. Both pipelines have the same settings, paragraphs, tones and folds; each reads the words of one reader.
/// Exchanging them changes the distribution of nothing, so that neither is the better one; yet their answers differ, and
/// what the models of one fold have learnt by luck is mostly learnt again in the next, as by any pipelines.
#[test]
#[ignore = "takes minutes: cargo test --release --test trust -- --ignored --nocapture"]
#[expect(clippy::print_stdout, reason = "the README gives the figures")]
fn equally_good_pipelines_are_seldom_called_different() {
    const TRIALS: usize = 500;
    const ARTICLES: usize = 100;
    let tone = TaskChoice::Columns(vec![("tone".into(), TaskKind::Single)]);
    let labels = Dataset::read(Path::new("labels"), &Columns::default(), &tone).unwrap();
    let spec = &labels.tasks[0];
    let articles: BTreeSet<&str> = labels.examples.iter().map(|e| e.group.as_str()).collect();
    let config = Config::from_toml(WORDS).unwrap();
    let mut random = fastrand::Rng::with_seed(3);
    let (mut alarms, mut uncorrected) = (0, 0);
    for _ in 0..TRIALS {
        let drawn: BTreeSet<&str> = random.choose_multiple(articles.iter().copied(), ARTICLES).into_iter().collect();
        let mut first = labels.clone();
        first.examples.retain(|e| drawn.contains(e.group.as_str()));
        let mut second = first.clone();
        for (mine, yours) in first.examples.iter_mut().zip(&mut second.examples) {
            let (heads, tails): (Vec<&str>, Vec<&str>) = yours.text.split_whitespace().partition(|_| random.bool());
            (mine.text, yours.text) = (heads.join(" "), tails.join(" "));
        }
        let plan = CrossValidation::new(FOLDS, 2, random.u64(..1_000_000));
        let [a, mut b] = [first, second].map(|half| cross_validate(&half, &config, &plan, &|| ()).unwrap());
        // The same paragraphs, read in two ways: only the texts differ in their hashes.
        b.data.sha256.clone_from(&a.data.sha256);
        let decided = compare(&a, &b, 0.02).unwrap().tasks["tone"].decided_on.clone();
        // What an ordinary paired t-test makes of the same folds.
        let scores = |report: &Report| -> Vec<f64> {
            fold_figures(spec, &report.answers(spec).unwrap()).iter().map(|fold| fold.macro_f1.unwrap()).collect()
        };
        let differences: Vec<f64> = scores(&a).iter().zip(scores(&b)).map(|(a, b)| b - a).collect();
        let ordinary = Estimate::corrected(decided.difference, &differences, 0.0);
        let different = |low: Option<f64>, high: Option<f64>| low.unwrap() > 0.0 || high.unwrap() < 0.0;
        alarms += usize::from(different(decided.low, decided.high));
        uncorrected += usize::from(different(ordinary.low, ordinary.high));
    }
    println!("{alarms} of {TRIALS} called different; {uncorrected} by an ordinary paired t-test");
    assert!(alarms <= 34, "{alarms} false alarms in {TRIALS}");
}

const WORDS: &str = "[features.words]\nngrams = [1, 1]\n";

#[test]
fn a_model_is_as_good_as_itself_and_regressions_are_stopped() {
    let dataset = labelled(60, 0.9, &mut fastrand::Rng::with_seed(2));
    let usual = evaluated(&dataset, WORDS);
    // Next to no weight may grow: what is left is the intercept, and so the more frequent class.
    let worse = evaluated(
        &dataset,
        &format!(
            "{WORDS}[classifier]\nc = 0.00001\nnaive_bayes = 0\nclass_weight = \"none\"\ncalibration = \"none\"\nthresholds = 0.5\n"
        ),
    );
    let verdict = |a: &Report, b: &Report| compare(a, b, 0.02).unwrap().verdict;
    let same = compare(&usual, &usual, 0.02).unwrap();
    let decided = &same.tasks["t"].decided_on;
    assert_eq!((same.verdict, decided.low, decided.high), (Verdict::Pass, Some(0.0), Some(0.0)), "A against A");
    assert_eq!(verdict(&usual, &worse), Verdict::Fail, "a planted regression");
    assert_eq!(verdict(&worse, &usual), Verdict::Pass, "a planted improvement");
}
