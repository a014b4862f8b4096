//! One task's fitted pipeline.

use super::config::PipelineParams;
use super::decision::Decision;
use super::featurizer::Featurizer;
use crate::linear::{LogisticParams, LogisticRegression, Targets};
use crate::sparse::{SparseMatrix, SparseRow};
use crate::task::{LabelId, LabelSet, Prediction, TaskKind, TaskSpec};
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

    /// Answers for one row of its features.
    pub fn predict(&self, row: &SparseRow) -> Prediction {
        self.decision.decide(&self.regression.scores(row))
    }
}

/// Fits the regression of a task on rows and their gold labels.
pub(super) fn fit_regression(
    spec: &TaskSpec,
    params: &LogisticParams,
    x: &SparseMatrix,
    gold: &[&LabelSet],
) -> crate::Result<LogisticRegression> {
    let labels = spec.labels.len();
    match spec.kind {
        TaskKind::Multi => {
            let answers: Vec<bool> =
                gold.iter().flat_map(|set| (0..labels).map(|k| set.contains(LabelId(k)))).collect();
            params.fit(x, Targets::Binary { outputs: labels, answers: &answers })
        }
        TaskKind::Single => {
            let classes: Vec<usize> = gold.iter().map(|set| set.first().map_or(0, |label| label.0)).collect();
            params.fit(x, Targets::Classes { classes: labels, labels: &classes })
        }
    }
}
