//! Judging a saved model on data that it was not fitted on.

use super::cross_validate::{Judgement, assemble, summaries};
use super::report::{DecisionSummary, HeldOutSummary, Report, Spread};
use crate::dataset::{Dataset, Example};
use crate::error::{Error, Result};
use crate::model::ModelFile;
use crate::task::{Prediction, TaskSpec};
use rayon::prelude::*;

/// Bootstrap draws behind each interval.
const DRAWS: usize = 2_000;

/// Scores a model on every example of a data set whose tasks are among the model's.
///
/// # Errors
///
/// A task that the model does not have.
pub fn hold_out(dataset: &Dataset, model: &ModelFile, seed: u64) -> Result<Report> {
    let models = dataset
        .tasks
        .iter()
        .map(|spec| {
            let found = model.classifier.tasks().iter().position(|task| task.spec() == spec);
            found.ok_or_else(|| Error::usage(format!("the model has no task like `{}`", spec.name)))
        })
        .collect::<Result<Vec<usize>>>()?;
    let examples: Vec<Example> = dataset.examples.iter().chain(&dataset.test).cloned().collect();
    let predictions: Vec<Vec<Prediction>> = examples
        .par_iter()
        .map(|e| {
            let all = model.classifier.predict(&e.text);
            models.iter().map(|&t| all[t].clone()).collect()
        })
        .collect();
    let judged: Vec<Judgement<'_>> = examples
        .iter()
        .zip(&predictions)
        .enumerate()
        .map(|(row, (example, prediction))| Judgement { example, row, repeat: 0, fold: 0, prediction })
        .collect();
    let decided =
        |(spec, &t): (&TaskSpec, &usize)| summaries(spec, std::iter::once(model.classifier.tasks()[t].decision()));
    let decisions: Vec<Vec<DecisionSummary>> = dataset.tasks.iter().zip(&models).map(decided).collect();
    let spread = Spread::Bootstrap { draws: DRAWS, seed };
    let mut report = assemble(dataset, &examples, &model.classifier.config(), &judged, &spread, &decisions);
    let trained_on_sha256 = model.provenance.data_sha256.clone();
    report.held_out = Some(HeldOutSummary { trained_on_sha256, draws: DRAWS, seed });
    Ok(report)
}
