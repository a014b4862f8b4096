//! Cross-validation of whole pipelines: everything that learns is learnt anew in each fold's training part.

use super::report::{
    Answer, CurveFigures, CurvePoint, DataSummary, DecisionSummary, FoldSummary, PredictionRecord, Report, SCHEMA,
    Spread, labels_value, task_report,
};
use crate::dataset::{Dataset, Example, joined_groups};
use crate::error::Result;
use crate::model::{AnalyzedTexts, Config, Decision, TrainingSet};
use crate::split::{Fold, Item, share_of_groups, strata, stratified_group_folds};
use crate::task::{LabelSet, Prediction, TaskSpec};
use rayon::prelude::*;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The shares of the training groups on a learning curve.
pub const SHARES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 1.0];

/// How often, and into how many parts, the data is dealt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossValidation {
    /// Folds a repeat.
    pub folds: usize,
    /// Repeats, each with a deal of its own.
    pub repeats: usize,
    /// The seed of the first repeat; the next repeats take the next seeds.
    pub seed: u64,
}

/// A data set made ready for fitting under a configuration; groups that share near duplicates count as one.
pub fn training_set<'a>(tasks: &'a [TaskSpec], examples: &'a [Example], config: &Config) -> TrainingSet<'a> {
    let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    TrainingSet {
        tasks,
        groups: joined_groups(examples),
        gold: examples.iter().map(|e| e.gold.as_slice()).collect(),
        texts: AnalyzedTexts::new(&texts, tasks.iter().map(|t| config.for_task(&t.name))),
    }
}

/// Cross-validates a configuration on the examples of a data set; `done` is called after each fold.
///
/// # Errors
///
/// Fewer groups than folds; a fold that cannot be fitted.
pub fn cross_validate(
    dataset: &Dataset,
    config: &Config,
    plan: CrossValidation,
    done: &(dyn Fn() + Sync),
) -> Result<Report> {
    let examples = &dataset.examples;
    let set = training_set(&dataset.tasks, examples, config);
    let turns = turns(dataset, &set.groups, plan)?;
    let results = take_turns(&set, config, &turns, plan.seed, done)?;
    let judged = judgements(examples, &turns, &results);
    let decided = |t: usize| summaries(&dataset.tasks[t], results.iter().map(|(decisions, _)| &decisions[t]));
    let decisions: Vec<Vec<DecisionSummary>> = (0..dataset.tasks.len()).map(decided).collect();
    let mut report = assemble(dataset, examples, config, &judged, &Spread::Folds { k: plan.folds }, &decisions);
    report.folds =
        Some(FoldSummary { k: plan.folds, repeats: plan.repeats, seed: plan.seed, sha256: deal_sha256(&judged) });
    Ok(report)
}

/// The scores of the same folds with growing shares of each training part's groups; `done` is called after each fold.
///
/// # Errors
///
/// As [`cross_validate`].
pub fn learning_curve(
    dataset: &Dataset,
    config: &Config,
    plan: CrossValidation,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<CurvePoint>> {
    let set = training_set(&dataset.tasks, &dataset.examples, config);
    let whole = turns(dataset, &set.groups, plan)?;
    SHARES
        .iter()
        .map(|&share| {
            let mut turns = whole.clone();
            for turn in &mut turns {
                turn.fold.train = share_of_groups(&set.groups, &turn.fold.train, share, plan.seed);
            }
            let results = take_turns(&set, config, &turns, plan.seed, done)?;
            let judged = judgements(&dataset.examples, &turns, &results);
            let spread = Spread::Folds { k: plan.folds };
            let tasks = dataset.tasks.iter().enumerate().map(|(t, spec)| {
                let report = task_report(spec, &answers(&judged, t), &spread, &[]);
                (spec.name.clone(), CurveFigures { accuracy: report.accuracy, macro_f1: report.macro_f1 })
            });
            let rows: usize = turns.iter().map(|turn| turn.fold.train.len()).sum();
            Ok(CurvePoint { share, paragraphs: rows as f64 / turns.len() as f64, tasks: tasks.collect() })
        })
        .collect()
}

/// One fit and the rows it is judged on.
#[derive(Clone)]
struct Turn {
    repeat: usize,
    number: usize,
    fold: Fold,
}

fn turns(dataset: &Dataset, groups: &[&str], plan: CrossValidation) -> Result<Vec<Turn>> {
    let mut turns = Vec::new();
    for repeat in 0..plan.repeats {
        let folds = deal(dataset, groups, plan.folds, plan.seed.wrapping_add(repeat as u64))?;
        turns.extend(folds.into_iter().enumerate().map(|(number, fold)| Turn { repeat, number, fold }));
    }
    Ok(turns)
}

/// What a turn leaves behind. Its weights are not kept: fifty models at once would fill the memory.
type TurnResult = (Vec<Decision>, Vec<Vec<Prediction>>);

fn take_turns(
    set: &TrainingSet<'_>,
    config: &Config,
    turns: &[Turn],
    seed: u64,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<TurnResult>> {
    turns
        .par_iter()
        .map(|turn| {
            let (classifier, predictions) = set.fit_and_predict(config, &turn.fold.train, &turn.fold.test, seed)?;
            done();
            Ok((classifier.tasks().iter().map(|task| task.decision().clone()).collect(), predictions))
        })
        .collect()
}

fn judgements<'a>(examples: &'a [Example], turns: &[Turn], results: &'a [TurnResult]) -> Vec<Judgement<'a>> {
    let mut judged = Vec::new();
    for (turn, (_, predictions)) in turns.iter().zip(results) {
        for (&row, prediction) in turn.fold.test.iter().zip(predictions) {
            judged.push(Judgement { example: &examples[row], row, repeat: turn.repeat, fold: turn.number, prediction });
        }
    }
    judged.sort_by_key(|j| (j.repeat, j.row));
    judged
}

fn deal(dataset: &Dataset, groups: &[&str], k: usize, seed: u64) -> Result<Vec<Fold>> {
    let specs: Vec<&TaskSpec> = dataset.tasks.iter().collect();
    let row_strata: Vec<Vec<usize>> = dataset
        .examples
        .iter()
        .map(|e| strata(&specs, &e.gold.iter().map(Option::as_ref).collect::<Vec<Option<&LabelSet>>>()))
        .collect();
    let items: Vec<Item<'_>> = groups.iter().zip(&row_strata).map(|(group, strata)| Item { group, strata }).collect();
    stratified_group_folds(&items, k, seed)
}

/// One example with what a model that had not seen it said.
pub(super) struct Judgement<'a> {
    pub example: &'a Example,
    pub row: usize,
    pub repeat: usize,
    pub fold: usize,
    pub prediction: &'a [Prediction],
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

fn deal_sha256(judged: &[Judgement<'_>]) -> String {
    let mut lines: Vec<(usize, &str, usize)> =
        judged.iter().map(|j| (j.repeat, j.example.id.as_str(), j.fold)).collect();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(serde_json::json!(line).to_string());
        hash.update(b"\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answers to one task, of the examples that are labelled for it.
fn answers(judged: &[Judgement<'_>], task: usize) -> Vec<Answer> {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    judged
        .iter()
        .filter_map(|j| {
            let gold = j.example.gold[task].clone()?;
            let Prediction { labels, probabilities } = j.prediction[task].clone();
            let probabilities = probabilities.iter().map(|p| p.get()).collect();
            let next = groups.len();
            let group = *groups.entry(&j.example.group).or_insert(next);
            Some(Answer { group, repeat: j.repeat, fold: j.fold, gold, labels, probabilities })
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
) -> Report {
    let tasks = dataset
        .tasks
        .par_iter()
        .enumerate()
        .map(|(t, spec)| (spec.name.clone(), task_report(spec, &answers(judged, t), spread, &decisions[t])))
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
        predictions,
    }
}

pub(crate) fn probabilities_value(spec: &TaskSpec, prediction: &Prediction) -> Value {
    spec.labels
        .iter()
        .zip(&prediction.probabilities)
        .map(|(label, p)| (label.clone(), Value::from(p.get())))
        .collect::<Map<_, _>>()
        .into()
}
