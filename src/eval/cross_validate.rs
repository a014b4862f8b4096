//! Cross-validation of whole pipelines: everything that learns is learnt anew in each fold's training part.

use super::baseline::AnswerCounts;
use super::deal::{Deal, Turn};
use super::interval::Estimate;
use super::metrics::Metric;
use super::report::{
    Answer, CurveFigures, CurvePoint, DataSummary, DecisionSummary, PredictionRecord, Report, SCHEMA, Said, Split,
    Spread, labels_value, task_report,
};
use crate::dataset::{Dataset, Example};
use crate::error::Result;
use crate::model::{Config, Decision, FoldAnswers, TrainingSet};
use crate::split::share_of_groups;
use crate::task::{Prediction, TaskSpec};
use crate::training::training_set;
use rayon::prelude::*;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The shares of the training groups on a learning curve.
pub const SHARES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 1.0];

/// How often, and into how many parts, the data is dealt.
#[derive(Debug, Clone, Copy)]
pub struct CrossValidation<'a> {
    /// Folds a repeat.
    pub folds: usize,
    /// Repeats, each with a deal of its own; a time line is cut once.
    pub repeats: usize,
    /// The seed of the first repeat; the next repeats take the next seeds.
    pub seed: u64,
    /// Dealt by groups or cut by dates.
    pub split: Split,
    /// A report whose deal (folds, repeats and seed) is kept; only groups that it does not have are dealt.
    pub folds_from: Option<&'a Report>,
}

impl CrossValidation<'_> {
    /// One deal of all groups.
    pub fn new(folds: usize, repeats: usize, seed: u64) -> Self {
        CrossValidation { folds, repeats, seed, split: Split::Groups, folds_from: None }
    }
}

/// Cross-validates a configuration on the examples of a data set; `done` is called after each fold.
///
/// # Errors
///
/// Fewer groups than folds; a date that is missing or unreadable, where they are asked for; a report without folds to
/// keep; a fold that cannot be fitted.
pub fn cross_validate(
    dataset: &Dataset,
    config: &Config,
    plan: &CrossValidation<'_>,
    done: &(dyn Fn() + Sync),
) -> Result<Report> {
    let examples = &dataset.examples;
    let set = training_set(&dataset.tasks, examples, config);
    let deal = Deal::of(dataset, &set.groups, plan)?;
    let results = take_turns(&set, config, &deal.turns, deal.seed, done)?;
    Ok(dealt_report(dataset, config, deal, &results))
}

/// The report of all turns of a deal.
pub(super) fn dealt_report(dataset: &Dataset, config: &Config, deal: Deal, results: &[FoldAnswers]) -> Report {
    let examples = &dataset.examples;
    let baselines = answer_counts(dataset, &deal.turns);
    let judged = judgements(examples, &deal.turns, results, &baselines);
    let decided = |t: usize| summaries(&dataset.tasks[t], results.iter().map(|answers| &answers.decisions[t]));
    let decisions: Vec<Vec<DecisionSummary>> = (0..dataset.tasks.len()).map(decided).collect();
    let folds = deal.summary(dataset, &judged);
    let spread = Spread::Folds { test_to_train: folds.test_to_train() };
    let mut report = assemble(dataset, examples, config, &judged, &spread, &decisions, deal.seed);
    report.folds = Some(folds);
    report.notes = deal.notes;
    for (t, spec) in dataset.tasks.iter().enumerate() {
        let early = results.iter().map(|answers| answers.convergence[t]).filter(|found| !found.converged);
        let (fits, worst) = early.fold((0, 0.0f64), |(fits, worst), found| (fits + 1, worst.max(found.gradient)));
        if fits > 0 {
            let what = format!("the solver stopped early in {fits} of {} fits", results.len());
            report.notes.push(format!("task `{}`: {what} (relative gradient up to {worst:.1e})", spec.name));
        }
    }
    report
}

/// The scores of the same folds with growing shares of each training part's groups; `done` is called after each fold. A share
/// that cannot be learnt from, as it holds no row of some task, has undefined figures.
///
/// # Errors
///
/// As [`cross_validate`].
pub fn learning_curve(
    dataset: &Dataset,
    config: &Config,
    plan: &CrossValidation<'_>,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<CurvePoint>> {
    let set = training_set(&dataset.tasks, &dataset.examples, config);
    let deal = Deal::of(dataset, &set.groups, plan)?;
    SHARES
        .iter()
        .map(|&share| {
            let mut turns = deal.turns.clone();
            for turn in &mut turns {
                turn.fold.train = share_of_groups(&set.groups, &turn.fold.train, share, deal.seed);
            }
            let rows: usize = turns.iter().map(|turn| turn.fold.train.len()).sum();
            let paragraphs = rows as f64 / turns.len() as f64;
            // A share may hold no row of a task that few rows are labelled for.
            let unlabelled =
                |turn: &Turn, t: usize| turn.fold.train.iter().all(|&row| dataset.examples[row].gold[t].is_none());
            if share < 1.0 && turns.iter().any(|turn| (0..dataset.tasks.len()).any(|t| unlabelled(turn, t))) {
                let nothing = CurveFigures { accuracy: Estimate::default(), macro_f1: Estimate::default() };
                let tasks = dataset.tasks.iter().map(|spec| (spec.name.clone(), nothing.clone()));
                return Ok(CurvePoint { share, paragraphs, tasks: tasks.collect() });
            }
            let results = take_turns(&set, config, &turns, deal.seed, done)?;
            let judged = judgements(&dataset.examples, &turns, &results, &[]);
            // As many times more test rows for each training row as the whole part has more rows than its share.
            let longer = |(whole, part): (&Turn, &Turn)| whole.fold.train.len() as f64 / part.fold.train.len() as f64;
            let longer = deal.turns.iter().zip(&turns).map(longer).sum::<f64>() / turns.len() as f64;
            let spread = Spread::Folds { test_to_train: longer * deal.summary(dataset, &judged).test_to_train() };
            let tasks = dataset.tasks.iter().enumerate().map(|(t, spec)| {
                let report = task_report(spec, &answers(&judged, t, deal.seed), &spread, &[]);
                let estimate = |metric| report.estimate(metric);
                let figures =
                    CurveFigures { accuracy: estimate(Metric::Accuracy), macro_f1: estimate(Metric::MacroF1) };
                (spec.name.clone(), figures)
            });
            Ok(CurvePoint { share, paragraphs, tasks: tasks.collect() })
        })
        .collect()
}

fn take_turns(
    set: &TrainingSet<'_>,
    config: &Config,
    turns: &[Turn],
    seed: u64,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<FoldAnswers>> {
    turns
        .par_iter()
        .map(|turn| {
            let answers = set.fit_and_predict(config, &turn.fold.train, &turn.fold.test, seed)?;
            done();
            Ok(answers)
        })
        .collect()
}

/// The answers of each turn's training part, by task.
fn answer_counts(dataset: &Dataset, turns: &[Turn]) -> Vec<Vec<AnswerCounts>> {
    let of_task = |turn: &Turn, t: usize| {
        let gold = turn.fold.train.iter().filter_map(|&row| dataset.examples[row].gold[t].clone());
        AnswerCounts::of(dataset.tasks[t].labels.len(), gold)
    };
    turns.iter().map(|turn| (0..dataset.tasks.len()).map(|t| of_task(turn, t)).collect()).collect()
}

/// Every answer of every turn; `baselines` holds one list a turn, or nothing.
fn judgements<'a>(
    examples: &'a [Example],
    turns: &[Turn],
    results: &'a [FoldAnswers],
    baselines: &'a [Vec<AnswerCounts>],
) -> Vec<Judgement<'a>> {
    let mut judged = Vec::new();
    for (at, (turn, FoldAnswers { predictions, .. })) in turns.iter().zip(results).enumerate() {
        let baselines = baselines.get(at).map_or(&[][..], Vec::as_slice);
        for (&row, prediction) in turn.fold.test.iter().zip(predictions) {
            let (repeat, fold) = (turn.repeat, turn.number);
            judged.push(Judgement { example: &examples[row], row, repeat, fold, prediction, baselines });
        }
    }
    judged.sort_by_key(|j| (j.repeat, j.row));
    judged
}

/// One example with what a model that had not seen it said.
pub(super) struct Judgement<'a> {
    pub example: &'a Example,
    pub row: usize,
    pub repeat: usize,
    pub fold: usize,
    pub prediction: &'a [Prediction],
    /// By task, the answers of the rows that the model was fitted on; or nothing.
    pub baselines: &'a [AnswerCounts],
}

/// How each label of a task was decided, over the decisions of several fits.
pub(super) fn summaries<'a>(spec: &TaskSpec, decisions: impl Iterator<Item = &'a Decision>) -> Vec<DecisionSummary> {
    let decisions: Vec<&Decision> = decisions.collect();
    let share = |count: usize| count as f64 / decisions.len() as f64;
    (0..spec.labels.len())
        .map(|k| {
            let of_label = |decision: &&&Decision| match decision {
                Decision::Multi(labels) => labels[k].calibrated,
                Decision::Single { calibrated, .. } => *calibrated,
            };
            let thresholds: Vec<f64> = decisions
                .iter()
                .filter_map(|decision| match decision {
                    Decision::Multi(labels) => Some(labels[k].threshold),
                    Decision::Single { .. } => None,
                })
                .collect();
            let threshold = (!thresholds.is_empty()).then(|| thresholds.iter().sum::<f64>() / thresholds.len() as f64);
            DecisionSummary { threshold, calibrated: share(decisions.iter().filter(of_label).count()) }
        })
        .collect()
}

/// The answers to one task, of the examples that are labelled for it.
fn answers(judged: &[Judgement<'_>], task: usize, seed: u64) -> Vec<Answer> {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    judged
        .iter()
        .filter_map(|j| {
            let gold = j.example.gold[task].clone()?;
            let baselines = j.baselines.get(task).map_or(Vec::new(), |b| b.answers(seed, &j.example.id, j.repeat));
            let next = groups.len();
            let group = *groups.entry(&j.example.group).or_insert(next);
            let said = Said::from(&j.prediction[task]);
            Some(Answer { group, repeat: j.repeat, fold: j.fold, gold, said, baselines })
        })
        .collect()
}

/// Makes the report of judged examples, but for how they were dealt.
pub(super) fn assemble(
    dataset: &Dataset,
    examples: &[Example],
    config: &Config,
    judged: &[Judgement<'_>],
    spread: &Spread,
    decisions: &[Vec<DecisionSummary>],
    seed: u64,
) -> Report {
    let tasks = dataset
        .tasks
        .par_iter()
        .enumerate()
        .map(|(t, spec)| (spec.name.clone(), task_report(spec, &answers(judged, t, seed), spread, &decisions[t])))
        .collect::<Vec<_>>()
        .into_iter()
        .collect();
    let by_task = |value_of: &dyn Fn(usize, &TaskSpec) -> Value| -> Map<String, Value> {
        dataset.tasks.iter().enumerate().map(|(t, spec)| (spec.name.clone(), value_of(t, spec))).collect()
    };
    let predictions = judged
        .iter()
        .map(|j| PredictionRecord {
            id: j.example.id.clone(),
            group: j.example.group.clone(),
            repeat: j.repeat,
            fold: j.fold,
            gold: by_task(&|t, spec| j.example.gold[t].as_ref().map_or(Value::Null, |set| labels_value(spec, set))),
            labels: by_task(&|t, spec| labels_value(spec, &j.prediction[t].labels)),
            probabilities: by_task(&|t, spec| probabilities_value(spec, &j.prediction[t])),
        })
        .collect();
    Report {
        schema: SCHEMA.into(),
        data: DataSummary {
            sha256: dataset.sha256(examples),
            paragraphs: examples.len(),
            groups: Dataset::groups(examples),
        },
        folds: None,
        held_out: None,
        learning_curve: None,
        config: by_task(&|_, spec| serde_json::to_value(config.for_task(&spec.name)).unwrap_or_default()),
        tasks,
        notes: Vec::new(),
        predictions,
    }
}

fn probabilities_value(spec: &TaskSpec, prediction: &Prediction) -> Value {
    spec.labels
        .iter()
        .zip(&prediction.probabilities)
        .map(|(label, p)| (label.clone(), Value::from(p.get())))
        .collect::<Map<_, _>>()
        .into()
}
