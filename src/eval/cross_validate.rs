//! Cross-validation of whole pipelines: everything that learns is learnt anew in each fold's training part.

use super::report::{
    Answer, DataSummary, FoldSummary, PredictionRecord, Report, SCHEMA, Spread, labels_value, task_report,
};
use crate::dataset::{Dataset, Example};
use crate::error::Result;
use crate::model::{AnalyzedTexts, Config, Decision, TrainingSet};
use crate::split::{Fold, Item, strata, stratified_group_folds};
use crate::task::{LabelSet, Prediction, TaskSpec};
use rayon::prelude::*;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

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

/// A data set made ready for fitting under a configuration.
pub fn training_set<'a>(tasks: &'a [TaskSpec], examples: &'a [Example], config: &Config) -> TrainingSet<'a> {
    let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    TrainingSet {
        tasks,
        groups: examples.iter().map(|e| e.group.as_str()).collect(),
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
    let deals = (0..plan.repeats as u64)
        .map(|repeat| deal(dataset, plan.folds, plan.seed.wrapping_add(repeat)))
        .collect::<Result<Vec<_>>>()?;
    let turns: Vec<(usize, usize, &Fold)> = deals
        .iter()
        .enumerate()
        .flat_map(|(repeat, folds)| folds.iter().enumerate().map(move |(f, fold)| (repeat, f, fold)))
        .collect();
    let results: Vec<(Vec<Decision>, Vec<Vec<Prediction>>)> = turns
        .par_iter()
        .map(|(_, _, fold)| {
            let (classifier, predictions) = set.fit_and_predict(config, &fold.train, &fold.test, plan.seed)?;
            done();
            // A fold's weights are not kept: fifty models at once would fill the memory.
            Ok((classifier.tasks().iter().map(|task| task.decision().clone()).collect(), predictions))
        })
        .collect::<Result<_>>()?;

    let mut judged: Vec<Judgement<'_>> = Vec::new();
    for ((repeat, f, fold), (_, predictions)) in turns.iter().zip(&results) {
        for (&i, prediction) in fold.test.iter().zip(predictions) {
            judged.push(Judgement { example: &examples[i], row: i, repeat: *repeat, fold: *f, prediction });
        }
    }
    judged.sort_by_key(|j| (j.repeat, j.row));
    let thresholds: Vec<Option<Vec<f64>>> =
        (0..dataset.tasks.len()).map(|t| mean_thresholds(results.iter().map(|(decisions, _)| &decisions[t]))).collect();
    let mut report = assemble(dataset, examples, config, &judged, &Spread::Folds { k: plan.folds }, &thresholds);
    report.folds =
        Some(FoldSummary { k: plan.folds, repeats: plan.repeats, seed: plan.seed, sha256: deal_sha256(&judged) });
    Ok(report)
}

fn deal(dataset: &Dataset, k: usize, seed: u64) -> Result<Vec<Fold>> {
    let specs: Vec<&TaskSpec> = dataset.tasks.iter().collect();
    let row_strata: Vec<Vec<usize>> = dataset
        .examples
        .iter()
        .map(|e| strata(&specs, &e.gold.iter().map(Option::as_ref).collect::<Vec<Option<&LabelSet>>>()))
        .collect();
    let items: Vec<Item<'_>> =
        dataset.examples.iter().zip(&row_strata).map(|(e, strata)| Item { group: &e.group, strata }).collect();
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

fn mean_thresholds<'a>(decisions: impl Iterator<Item = &'a Decision>) -> Option<Vec<f64>> {
    let mut sums: Vec<f64> = Vec::new();
    let mut n = 0.0;
    for decision in decisions {
        let Decision::Multi(labels) = decision else { return None };
        sums.resize(labels.len(), 0.0);
        sums.iter_mut().zip(labels).for_each(|(sum, label)| *sum += label.threshold);
        n += 1.0;
    }
    sums.iter_mut().for_each(|sum| *sum /= n);
    Some(sums)
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

/// Makes the report of judged examples, but for how they were dealt.
pub(super) fn assemble(
    dataset: &Dataset,
    examples: &[Example],
    config: &Config,
    judged: &[Judgement<'_>],
    spread: &Spread,
    thresholds: &[Option<Vec<f64>>],
) -> Report {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for judgement in judged {
        let next = groups.len();
        groups.entry(&judgement.example.group).or_insert(next);
    }
    let tasks = dataset
        .tasks
        .par_iter()
        .enumerate()
        .map(|(t, spec)| {
            let answers: Vec<Answer> = judged
                .iter()
                .filter_map(|j| {
                    let gold = j.example.gold[t].clone()?;
                    let Prediction { labels, probabilities } = j.prediction[t].clone();
                    let probabilities = probabilities.iter().map(|p| p.get()).collect();
                    let group = groups[j.example.group.as_str()];
                    Some(Answer { group, repeat: j.repeat, fold: j.fold, gold, labels, probabilities })
                })
                .collect();
            (spec.name.clone(), task_report(spec, &answers, spread, thresholds[t].as_deref()))
        })
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
