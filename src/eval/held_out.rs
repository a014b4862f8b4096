//! Judging a fitted model on data that it was not fitted on.

use super::baseline::AnswerCounts;
use super::cross_validate::{Judgement, assemble, summaries};
use super::report::{DecisionSummary, HeldOutSummary, Report, Spread};
use crate::dataset::{Dataset, Example};
use crate::error::{Error, Result};
use crate::model::ModelFile;
use crate::task::{LabelSet, Prediction, TaskSpec};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Bootstrap draws behind each interval.
pub(super) const DRAWS: usize = 2_000;

/// Scores a model on some examples of a data set whose tasks are among the model's.
///
/// # Errors
///
/// A task that the model does not have.
pub fn hold_out(dataset: &Dataset, examples: &[Example], model: &ModelFile, seed: u64) -> Result<Report> {
    let models = dataset
        .tasks
        .iter()
        .map(|spec| {
            let found = model.classifier.tasks().iter().position(|task| task.spec() == spec);
            found.ok_or_else(|| Error::usage(format!("the model has no task like `{}`", spec.name)))
        })
        .collect::<Result<Vec<usize>>>()?;
    let predictions: Vec<Vec<Prediction>> = examples
        .par_iter()
        .map(|e| {
            let all = model.classifier.predict(&e.text);
            models.iter().map(|&t| all[t].clone()).collect()
        })
        .collect();
    let baselines: Vec<AnswerCounts> = dataset.tasks.iter().map(|spec| answers_fitted_on(spec, model)).collect();
    let judged: Vec<Judgement<'_>> = examples
        .iter()
        .zip(&predictions)
        .enumerate()
        .map(|(row, (example, prediction))| {
            let baselines = baselines.as_slice();
            Judgement { example, row, repeat: 0, fold: 0, prediction, baselines }
        })
        .collect();
    let decided =
        |(spec, &t): (&TaskSpec, &usize)| summaries(spec, std::iter::once(model.classifier.tasks()[t].decision()));
    let decisions: Vec<Vec<DecisionSummary>> = dataset.tasks.iter().zip(&models).map(decided).collect();
    let spread = Spread::Bootstrap { draws: DRAWS, seed };
    let mut report = assemble(dataset, examples, &model.classifier.config(), &judged, &spread, &decisions, seed);
    let trained_on_sha256 = model.provenance.data_sha256.clone();
    report.held_out = Some(HeldOutSummary { trained_on_sha256, draws: DRAWS, seed });
    Ok(report)
}

fn answers_fitted_on(spec: &TaskSpec, model: &ModelFile) -> AnswerCounts {
    let mut counts: BTreeMap<LabelSet, usize> = BTreeMap::new();
    for (names, count) in model.provenance.label_sets.get(&spec.name).into_iter().flatten() {
        let set = names.split('|').filter_map(|name| spec.label_id(name)).collect();
        *counts.entry(set).or_default() += count;
    }
    AnswerCounts::from_counts(spec.labels.len(), counts)
}
