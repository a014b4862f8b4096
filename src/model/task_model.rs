//! One task's fitted pipeline.

use super::config::PipelineParams;
use super::decision::Decision;
use super::featurizer::Featurizer;
use crate::linear::{LogisticParams, LogisticRegression, Targets, fit_together};
use crate::sparse::SparseMatrix;
use crate::task::{LabelId, LabelSet, TaskKind, TaskSpec};
use std::sync::Arc;

/// A fitted pipeline: features, weights and decisions of one task.
pub struct TaskModel {
    pub(super) spec: TaskSpec,
    pub(super) params: PipelineParams,
    pub(super) featurizer: Arc<Featurizer>,
    pub(super) regression: LogisticRegression,
    pub(super) decision: Decision,
}

impl TaskModel {
    /// The question it answers.
    pub fn spec(&self) -> &TaskSpec {
        &self.spec
    }

    /// The settings it was fitted with.
    pub fn params(&self) -> &PipelineParams {
        &self.params
    }

    /// Its features, which other tasks may share.
    pub fn featurizer(&self) -> &Arc<Featurizer> {
        &self.featurizer
    }

    /// Its weights.
    pub fn regression(&self) -> &LogisticRegression {
        &self.regression
    }

    /// How its scores become labels.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// A task, the settings of its regression, and the gold labels of some rows.
pub(super) type Wanted<'a> = (&'a TaskSpec, LogisticParams, Vec<&'a LabelSet>);

/// Fits the regressions of several tasks on the same rows.
pub(super) fn fit_regressions(x: &SparseMatrix, wanted: &[Wanted<'_>]) -> crate::Result<Vec<LogisticRegression>> {
    let answers: Vec<(Vec<bool>, Vec<usize>)> = wanted
        .iter()
        .map(|(spec, _, gold)| match spec.kind {
            TaskKind::Multi => {
                let labels = spec.labels.len();
                (gold.iter().flat_map(|set| (0..labels).map(|k| set.contains(LabelId(k)))).collect(), Vec::new())
            }
            TaskKind::Single => (Vec::new(), gold.iter().map(|set| set.first().map_or(0, |label| label.0)).collect()),
        })
        .collect();
    let targets = wanted.iter().zip(&answers).map(|((spec, params, _), (answers, labels))| {
        let targets = match spec.kind {
            TaskKind::Multi => Targets::Binary { outputs: spec.labels.len(), answers },
            TaskKind::Single => Targets::Classes { classes: spec.labels.len(), labels },
        };
        (*params, targets)
    });
    fit_together(x, &targets.collect::<Vec<_>>())
}
