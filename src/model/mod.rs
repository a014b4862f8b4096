//! Whole pipelines: from text to decided labels.
//!
//! In: a configuration and labelled texts, or a model file. Out: classifiers that turn text into predictions, and model
//! files. It must not know where labelled texts come from, how predictions are judged, nor how they are printed.

mod adaptation;
mod classifier;
mod config;
mod decision;
mod explain;
mod fast_rows;
mod featurizer;
mod file;
mod scoring;
mod space;
mod task_model;

pub use adaptation::{Adaptation, GivenShare, LEAST_PARAGRAPHS, LabelMix, Origin};
pub use classifier::{Classifier, FoldAnswers, TrainingSet};
pub use config::{
    BlockParams, Calibration, ClassifierParams, Config, LearntThresholds, PipelineParams, Precision, Thresholds,
};
pub use decision::{Decision, LabelDecision};
pub use explain::LabelReasons;
pub use featurizer::{AnalyzedTexts, Featurizer};
pub use file::{FORMAT, ModelFile, Provenance, ReportSummary};
pub use space::{Candidates, Search, Setting, Space};
pub use task_model::TaskModel;
