//! How good a model is, and how sure one can be of it.
//!
//! In: labelled data and a configuration, or a fitted model. Out: a report with figures, intervals and every prediction.
//! It must not know files, formats of output or terminals. Here only [`cross_validate`], [`Tuner`] and [`hold_out`] touch models;
//! metrics and reports see nothing but gold labels, decided labels and probabilities.

mod answers;
mod baseline;
mod compare;
mod cross_validate;
mod deal;
mod held_out;
mod interval;
pub mod metrics;
mod report;
mod suspects;
mod tune;
mod validate;

pub use answers::{FoldFigures, TaskAnswer, fold_figures, worst_errors};
pub use compare::{Comparison, Difference, Flip, McNemar, Posterior, TaskComparison, Verdict, compare};
pub use cross_validate::{CrossValidation, SHARES, cross_validate, learning_curve};
pub use held_out::hold_out;
pub use interval::Estimate;
pub(crate) use report::labels_value;
pub use report::{
    AbstentionRow, BaselineReport, ConfusionReport, CurveFigures, CurvePoint, DataSummary, FoldSummary, HeldOutSummary,
    LabelRate, LabelReport, PredictionRecord, ReliabilityRow, Report, SCHEMA, Split, TaskReport,
};
pub use suspects::{Suspect, suspects};
pub use tune::{
    Choice, ScoreKey, Scores, SearchPlan, SettingScores, TUNING_SCHEMA, TaskSearch, Tuner, Tuning, TuningIdentity,
};
