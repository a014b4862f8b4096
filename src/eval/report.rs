//! The report of an evaluation: figures, and every prediction behind them.

use super::interval::Estimate;
use super::metrics::{Counts, Judged, Metric, average_precision, confusion, roc_auc};
use crate::error::{Error, Result};
use crate::task::{LabelId, LabelSet, TaskKind, TaskSpec};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The schema that this program writes, and the only one it reads.
pub const SCHEMA: &str = "rubrique.report/1";

/// What was judged on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSummary {
    /// The hash of the examples: see `Dataset::sha256`.
    pub sha256: String,
    /// The number of paragraphs.
    pub paragraphs: usize,
    /// The number of articles.
    pub groups: usize,
}

/// How the data was dealt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldSummary {
    /// Folds a repeat.
    pub k: usize,
    /// Repeats.
    pub repeats: usize,
    /// The seed of the first repeat.
    pub seed: u64,
    /// The hash of the deal: one line of JSON `[repeat, id, fold]` a paragraph, by repeat and id.
    pub sha256: String,
}

/// How held-out data was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutSummary {
    /// The hash of the data that the model was fitted on.
    pub trained_on_sha256: String,
    /// The number of bootstrap draws behind the intervals.
    pub draws: usize,
    /// The seed of the draws.
    pub seed: u64,
}

/// One point of a learning curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// The share of each training part's groups that was fitted on.
    pub share: f64,
    /// The mean number of paragraphs fitted on.
    pub paragraphs: f64,
    /// By task.
    pub tasks: IndexMap<String, CurveFigures>,
}

/// What a learning curve shows of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveFigures {
    /// See [`Metric::Accuracy`].
    pub accuracy: Estimate,
    /// See [`Metric::MacroF1`].
    pub macro_f1: Estimate,
}

/// The figures of one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelReport {
    /// tp / (tp + fp)
    pub precision: Option<f64>,
    /// tp / (tp + fn)
    pub recall: Option<f64>,
    /// 2tp / (2tp + fp + fn)
    pub f1: Option<f64>,
    /// See [`average_precision`].
    pub average_precision: Option<f64>,
    /// See [`roc_auc`].
    pub roc_auc: Option<f64>,
    /// The number of paragraphs that carry the label.
    pub support: usize,
    /// The least probability of a yes, the mean over folds; `None` for the classes of a single-label task.
    pub threshold: Option<f64>,
    /// The share of the fits whose probabilities were calibrated; elsewhere the score is read as log-odds, for want of
    /// examples or by configuration.
    #[serde(default)]
    pub calibrated: f64,
    /// The same ratios with their intervals.
    pub intervals: BTreeMap<String, Estimate>,
}

/// The confusion matrix of a single-label task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfusionReport {
    /// The classes of rows and columns.
    pub labels: Vec<String>,
    /// Gold classes in rows, given classes in columns: mean counts over repeats.
    pub rows: Vec<Vec<f64>>,
}

/// The figures of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskReport {
    /// Multi or single.
    pub kind: TaskKind,
    /// The paragraphs that are labelled for the task.
    pub paragraphs: usize,
    /// See [`Metric::Accuracy`].
    pub accuracy: Estimate,
    /// See [`Metric::MacroF1`].
    pub macro_f1: Estimate,
    /// See [`Metric::MicroF1`].
    pub micro_f1: Estimate,
    /// See [`Metric::HammingLoss`].
    pub hamming_loss: Estimate,
    /// See [`Metric::LogLoss`].
    pub log_loss: Estimate,
    /// See [`Metric::Brier`].
    pub brier: Estimate,
    /// See [`Metric::Ece`].
    pub ece: Estimate,
    /// The labels by name, in task order.
    pub labels: IndexMap<String, LabelReport>,
    /// For single-label tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<ConfusionReport>,
}

impl TaskReport {
    /// A figure by metric.
    pub fn estimate(&self, metric: Metric) -> Estimate {
        match metric {
            Metric::Accuracy => self.accuracy,
            Metric::MacroF1 => self.macro_f1,
            Metric::MicroF1 => self.micro_f1,
            Metric::HammingLoss => self.hamming_loss,
            Metric::LogLoss => self.log_loss,
            Metric::Brier => self.brier,
            Metric::Ece => self.ece,
        }
    }
}

/// What was said of one paragraph, once a repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionRecord {
    /// The paragraph.
    pub id: String,
    /// Its article.
    pub group: String,
    /// The repeat, from 0.
    pub repeat: usize,
    /// The fold that tested it, from 0.
    pub fold: usize,
    /// The gold labels by task: a list, a name, or null where it is not labelled.
    pub gold: Map<String, Value>,
    /// The labels given, in the same form.
    pub labels: Map<String, Value>,
    /// By task and label.
    pub probabilities: Map<String, Value>,
}

/// An evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What was judged on.
    pub data: DataSummary,
    /// How it was dealt, if it was cross-validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<FoldSummary>,
    /// How a saved model was judged, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutSummary>,
    /// The scores at growing shares of the training groups, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_curve: Option<Vec<CurvePoint>>,
    /// The settings of each task.
    pub config: Map<String, Value>,
    /// The figures of each task, in task order.
    pub tasks: IndexMap<String, TaskReport>,
    /// Everything that was said.
    pub predictions: Vec<PredictionRecord>,
}

impl Report {
    /// The report as one line of JSON with a line feed.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string(self).unwrap_or_default();
        json.push('\n');
        json
    }

    /// Reads a report.
    ///
    /// # Errors
    ///
    /// Bytes that are no report, or one of another schema.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let damaged = |what: String| Error::artifact(format!("not a usable report ({what})"));
        let value: Value = serde_json::from_slice(bytes).map_err(|e| damaged(format!("no JSON: {e}")))?;
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => serde_json::from_value(value).map_err(|e| damaged(e.to_string())),
            Some(other) => Err(damaged(format!("schema: found {other}; this program knows {SCHEMA}"))),
            None => Err(damaged(format!("no schema; this program knows {SCHEMA}"))),
        }
    }
}

/// One paragraph judged on one task.
pub(super) struct Answer {
    pub group: usize,
    pub repeat: usize,
    pub fold: usize,
    pub gold: LabelSet,
    pub labels: LabelSet,
    pub probabilities: Vec<f64>,
}

impl Answer {
    fn judged(&self) -> Judged<'_> {
        Judged { gold: &self.gold, labels: &self.labels, probabilities: &self.probabilities }
    }
}

/// How intervals are made.
pub(super) enum Spread {
    /// From the values of folds.
    Folds { k: usize },
    /// From draws of groups with replacement.
    Bootstrap { draws: usize, seed: u64 },
}

/// How a label was decided, over all fits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DecisionSummary {
    /// The mean threshold, if it has one.
    pub threshold: Option<f64>,
    /// The share of fits that were calibrated.
    pub calibrated: f64,
}

/// The figures of one task; `decisions` holds one summary a label, or none.
pub(super) fn task_report(
    spec: &TaskSpec,
    answers: &[Answer],
    spread: &Spread,
    decisions: &[DecisionSummary],
) -> TaskReport {
    let samples = Samples::of(answers, spread);
    let labels = spec.labels.len();
    let estimate = |metric: Metric| samples.estimate(&|rows| metric.of(spec.kind, labels, rows));
    let label_reports = spec
        .labels
        .iter()
        .enumerate()
        .map(|(k, name)| {
            let label = LabelId(k);
            let ratios: [(&str, Estimate); 5] = [
                ("precision", samples.estimate(&|rows| Counts::of(rows, label).precision())),
                ("recall", samples.estimate(&|rows| Counts::of(rows, label).recall())),
                ("f1", samples.estimate(&|rows| Counts::of(rows, label).f1())),
                ("average_precision", samples.estimate(&|rows| average_precision(rows, label))),
                ("roc_auc", samples.estimate(&|rows| roc_auc(rows, label))),
            ];
            let report = LabelReport {
                precision: ratios[0].1.mean,
                recall: ratios[1].1.mean,
                f1: ratios[2].1.mean,
                average_precision: ratios[3].1.mean,
                roc_auc: ratios[4].1.mean,
                support: samples
                    .repeats
                    .first()
                    .map_or(0, |rows| rows.iter().filter(|r| r.gold.contains(label)).count()),
                threshold: decisions.get(k).and_then(|d| d.threshold),
                calibrated: decisions.get(k).map_or(0.0, |d| d.calibrated),
                intervals: ratios.into_iter().map(|(name, e)| (name.to_string(), e)).collect(),
            };
            (name.clone(), report)
        })
        .collect();
    let confusion = (spec.kind == TaskKind::Single).then(|| {
        let repeats = samples.repeats.len().max(1) as f64;
        let mut rows = vec![vec![0.0; labels]; labels];
        for repeat in &samples.repeats {
            for (sums, counts) in rows.iter_mut().zip(confusion(repeat, labels)) {
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count as f64);
            }
        }
        rows.iter_mut().flatten().for_each(|sum| *sum /= repeats);
        ConfusionReport { labels: spec.labels.clone(), rows }
    });
    TaskReport {
        kind: spec.kind,
        paragraphs: samples.repeats.first().map_or(0, Vec::len),
        accuracy: estimate(Metric::Accuracy),
        macro_f1: estimate(Metric::MacroF1),
        micro_f1: estimate(Metric::MicroF1),
        hamming_loss: estimate(Metric::HammingLoss),
        log_loss: estimate(Metric::LogLoss),
        brier: estimate(Metric::Brier),
        ece: estimate(Metric::Ece),
        labels: label_reports,
        confusion,
    }
}

/// The answers arranged for estimates: pooled by repeat, and in the parts whose spread makes the interval.
struct Samples<'a> {
    repeats: Vec<Vec<Judged<'a>>>,
    parts: Vec<Vec<Judged<'a>>>,
    folds: Option<usize>,
}

impl<'a> Samples<'a> {
    fn of(answers: &'a [Answer], spread: &Spread) -> Self {
        let mut repeats: BTreeMap<usize, Vec<Judged<'a>>> = BTreeMap::new();
        for answer in answers {
            repeats.entry(answer.repeat).or_default().push(answer.judged());
        }
        let (parts, folds) = match *spread {
            Spread::Folds { k } => {
                let mut parts: BTreeMap<(usize, usize), Vec<Judged<'a>>> = BTreeMap::new();
                for answer in answers {
                    parts.entry((answer.repeat, answer.fold)).or_default().push(answer.judged());
                }
                (parts.into_values().collect(), Some(k))
            }
            Spread::Bootstrap { draws, seed } => {
                let mut groups: BTreeMap<usize, Vec<Judged<'a>>> = BTreeMap::new();
                for answer in answers {
                    groups.entry(answer.group).or_default().push(answer.judged());
                }
                let groups: Vec<Vec<Judged<'a>>> = groups.into_values().collect();
                let mut random = fastrand::Rng::with_seed(seed);
                let draw = |_| (0..groups.len()).flat_map(|_| groups[random.usize(..groups.len())].clone()).collect();
                (if groups.is_empty() { Vec::new() } else { (0..draws).map(draw).collect() }, None)
            }
        };
        Samples { repeats: repeats.into_values().collect(), parts, folds }
    }

    fn estimate(&self, metric: &dyn Fn(&[Judged<'_>]) -> Option<f64>) -> Estimate {
        let values: Vec<f64> = self.repeats.iter().filter_map(|rows| metric(rows)).collect();
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let spread: Vec<f64> = self.parts.iter().filter_map(|rows| metric(rows)).collect();
        match self.folds {
            Some(k) => Estimate::corrected(mean, &spread, k),
            None => Estimate::percentile(mean, spread),
        }
    }
}

/// A set of labels as reports and predictions write it: a list for multi-label tasks, a name or null for single ones.
pub(crate) fn labels_value(spec: &TaskSpec, set: &LabelSet) -> Value {
    match spec.kind {
        TaskKind::Multi => spec.names(set).collect::<Vec<_>>().into(),
        TaskKind::Single => spec.names(set).next().into(),
    }
}
