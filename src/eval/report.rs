//! The report of an evaluation: figures, and every prediction behind them.

use super::baseline;
use super::interval::{Estimate, mean};
use super::metrics::{
    Counts, Judged, LABEL_FIGURES, LabelRows, Metric, ReliabilityBin, confusion, ratio, reliability, risk_coverage,
};
use crate::error::{Error, Result};
use crate::task::{LabelId, LabelSet, Prediction, TaskKind, TaskSpec};
use indexmap::IndexMap;
use rayon::prelude::*;
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
    /// Whether articles were dealt, or cut by their dates.
    #[serde(default)]
    pub split: Split,
    /// The hash of the deal: one line of JSON `[repeat, id, fold]` a paragraph, by repeat and id.
    pub sha256: String,
    /// By task and label, the share of paragraphs that carry it.
    #[serde(default)]
    pub label_rates: IndexMap<String, IndexMap<String, LabelRate>>,
}

impl FoldSummary {
    /// The number of test rows for each training row, as the corrected interval wants it: 1/(k-1) of dealt folds; of the
    /// k cuts of a time line into k + 1 equal parts the mean of 1/1, 1/2 … 1/k.
    pub(super) fn test_to_train(&self) -> f64 {
        match self.split {
            Split::Groups => 1.0 / (self.k as f64 - 1.0),
            Split::Time => (1..=self.k).map(|i| 1.0 / i as f64).sum::<f64>() / self.k as f64,
        }
    }
}

/// How rows come to be on one side of a fold or the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Whole groups are dealt, label by label.
    #[default]
    Groups,
    /// Fold i trains on the first i of k + 1 parts of the time line and is judged on the next.
    Time,
}

/// How evenly a label is spread over the test parts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRate {
    /// Its share of everything judged.
    pub all: f64,
    /// The least of any test part.
    pub low: f64,
    /// The most of any test part.
    pub high: f64,
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
    /// See [`average_precision`](super::metrics::average_precision).
    pub average_precision: Option<f64>,
    /// See [`roc_auc`](super::metrics::roc_auc).
    pub roc_auc: Option<f64>,
    /// See [`Counts::kappa`].
    #[serde(default)]
    pub kappa: Option<f64>,
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

/// One bin of the probabilities, and how often they came true: mean counts over repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityRow {
    /// The lower end of the bin.
    pub low: f64,
    /// The upper end of the bin.
    pub high: f64,
    /// How many probabilities fell into it.
    pub count: f64,
    /// Their mean.
    pub mean_probability: Option<f64>,
    /// The share of them that came true.
    pub share_right: Option<f64>,
}

/// What is left when every answer below a probability is withheld, as `classify --abstain-below` does: mean counts over
/// repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbstentionRow {
    /// The least probability of an answer.
    pub abstain_below: f64,
    /// How many answers are given; see [`risk_coverage`].
    pub answers: f64,
    /// Their share of all answers.
    pub coverage: Option<f64>,
    /// The share of them that are wrong.
    pub error: Option<f64>,
}

/// What is reached without reading the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineReport {
    /// The figures of the task.
    #[serde(flatten)]
    pub metrics: IndexMap<Metric, Estimate>,
    /// F1 by label.
    pub f1: IndexMap<String, Estimate>,
}

/// The figures of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Multi or single.
    pub kind: TaskKind,
    /// The paragraphs that are labelled for the task.
    pub paragraphs: usize,
    /// Every [`Metric`], each under its name.
    #[serde(flatten)]
    pub metrics: IndexMap<Metric, Estimate>,
    /// The labels by name, in task order.
    pub labels: IndexMap<String, LabelReport>,
    /// For single-label tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<ConfusionReport>,
    /// Ten bins: of the probability of the given class, or of all (paragraph, label) pairs of a multi-label task.
    #[serde(default)]
    pub reliability: Vec<ReliabilityRow>,
    /// The risk-coverage curve at some probabilities; its area is the metric `aurc`.
    #[serde(default)]
    pub risk_coverage: Vec<AbstentionRow>,
    /// By name: the most frequent answer of the training part (`majority`), and one drawn from its answers (`random`).
    #[serde(default)]
    pub baselines: IndexMap<String, BaselineReport>,
}

impl TaskReport {
    /// A figure by metric.
    pub fn estimate(&self, metric: Metric) -> Estimate {
        self.metrics.get(&metric).copied().unwrap_or_default()
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
    /// What is to be said of how the data was dealt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
    /// Bytes that are no report, or one of another schema; predictions that are not one a repeat for each paragraph, that do
    /// not fit the folds or the tasks, or that give another macro-F1 than is stated.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(bytes).map_err(|e| damaged(format!("no JSON: {e}")))?;
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => {
                let report: Report = serde_json::from_value(value).map_err(|e| damaged(e.to_string()))?;
                report.validate()?;
                Ok(report)
            }
            Some(other) => Err(damaged(format!("schema: found {other}; this program knows {SCHEMA}"))),
            None => Err(damaged(format!("no schema; this program knows {SCHEMA}"))),
        }
    }

    /// The deal that another evaluation can keep.
    ///
    /// # Errors
    ///
    /// A report of held-out data, or of data cut by its dates.
    pub fn dealt(&self) -> Result<&FoldSummary> {
        let unusable = |what: &str| Error::usage(format!("no folds to keep: {what}"));
        let folds = self.folds.as_ref().ok_or_else(|| unusable("the report is of held-out data"))?;
        if folds.split == Split::Groups { Ok(folds) } else { Err(unusable("the report was split by time")) }
    }
}

/// A report that no evaluation has written.
pub(super) fn damaged(what: impl std::fmt::Display) -> Error {
    Error::artifact(format!("not a usable report ({what})"))
}

/// One paragraph judged on one task.
pub(super) struct Answer {
    pub group: usize,
    pub repeat: usize,
    pub fold: usize,
    pub gold: LabelSet,
    pub said: Said,
    /// What the baselines said, by their names.
    pub baselines: Vec<(&'static str, Said)>,
}

/// An answer as it is judged.
pub(super) struct Said {
    pub labels: LabelSet,
    pub probabilities: Vec<f64>,
}

impl From<&Prediction> for Said {
    fn from(prediction: &Prediction) -> Self {
        let probabilities = prediction.probabilities.iter().map(|p| p.get()).collect();
        Said { labels: prediction.labels.clone(), probabilities }
    }
}

/// How intervals are made.
pub(super) enum Spread {
    /// From the values of folds with so many test rows for each training row.
    Folds { test_to_train: f64 },
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

/// The probabilities at which reports show the risk-coverage curve: decided labels seldom have less than a half.
const BARS: [f64; 8] = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

/// The figures of one task; `decisions` holds one summary a label, or none.
pub(super) fn task_report(
    spec: &TaskSpec,
    answers: &[Answer],
    spread: &Spread,
    decisions: &[DecisionSummary],
) -> TaskReport {
    let samples = Samples::of(answers, spread, |answer| &answer.said);
    let labels = spec.labels.len();
    let figures = |rows: &[Judged<'_>], counts: &[Counts]| {
        let label = |(k, &counts): (usize, &Counts)| {
            let own = LabelRows::of(rows, LabelId(k), counts);
            LABEL_FIGURES.map(|(_, of)| of(&own))
        };
        counts.iter().enumerate().flat_map(label).collect()
    };
    let mut estimates = samples.estimates(spec, figures).into_iter();
    let metrics = Metric::ALL.into_iter().zip(estimates.by_ref()).collect();
    let label_report = |(k, name): (usize, &String)| {
        let own: Vec<Estimate> = estimates.by_ref().take(LABEL_FIGURES.len()).collect();
        let decision = decisions.get(k).copied().unwrap_or_default();
        let gold = |rows: &Vec<Judged<'_>>| rows.iter().filter(|r| r.gold.contains(LabelId(k))).count();
        let report = LabelReport {
            precision: own[0].mean,
            recall: own[1].mean,
            f1: own[2].mean,
            average_precision: own[3].mean,
            roc_auc: own[4].mean,
            kappa: own[5].mean,
            support: samples.repeats.first().map_or(0, gold),
            threshold: decision.threshold,
            calibrated: decision.calibrated,
            intervals: LABEL_FIGURES.iter().zip(own).map(|((name, _), e)| (name.to_string(), e)).collect(),
        };
        (name.clone(), report)
    };
    let label_reports = spec.labels.iter().enumerate().map(label_report).collect();
    let repeats = samples.repeats.len().max(1) as f64;
    let confusion = (spec.kind == TaskKind::Single).then(|| {
        let mut rows = vec![vec![0.0; labels]; labels];
        for repeat in &samples.repeats {
            for (sums, counts) in rows.iter_mut().zip(confusion(repeat, labels)) {
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count as f64);
            }
        }
        rows.iter_mut().flatten().for_each(|sum| *sum /= repeats);
        ConfusionReport { labels: spec.labels.clone(), rows }
    });
    let pooled: Vec<Judged<'_>> = samples.repeats.iter().flatten().copied().collect();
    let bins = reliability(spec.kind, labels, &pooled);
    let bin = |(i, &(count, p, right)): (usize, &ReliabilityBin)| ReliabilityRow {
        low: i as f64 / 10.0,
        high: (i + 1) as f64 / 10.0,
        count: count as f64 / repeats,
        mean_probability: (count > 0).then(|| p / count as f64),
        share_right: (count > 0).then(|| right as f64 / count as f64),
    };
    let curve = risk_coverage(spec.kind, labels, &pooled);
    let all = curve.last().map_or(0, |point| point.answers);
    let abstention = |&bar: &f64| {
        let (answers, errors) =
            curve.iter().rev().find(|point| point.least >= bar).map_or((0, 0), |point| (point.answers, point.errors));
        AbstentionRow {
            abstain_below: bar,
            answers: answers as f64 / repeats,
            coverage: ratio(answers, all),
            error: ratio(errors, answers),
        }
    };
    let names = |answer: &Answer| answer.baselines.iter().map(|(name, _)| *name).collect();
    // A task that no row answers has all of them, undefined like its other figures.
    let names: Vec<&str> = answers.first().map_or(baseline::NAMES.into(), names);
    let of_baseline = |(at, name): (usize, &str)| {
        let samples = Samples::of(answers, spread, |answer| &answer.baselines[at].1);
        (name.to_string(), baseline_report(spec, &samples))
    };
    TaskReport {
        kind: spec.kind,
        paragraphs: samples.repeats.first().map_or(0, Vec::len),
        metrics,
        labels: label_reports,
        confusion,
        reliability: bins.iter().enumerate().map(bin).collect(),
        risk_coverage: BARS.iter().map(abstention).collect(),
        baselines: names.into_iter().enumerate().map(of_baseline).collect(),
    }
}

fn baseline_report(spec: &TaskSpec, samples: &Samples<'_>) -> BaselineReport {
    let f1 = |_: &[Judged<'_>], counts: &[Counts]| counts.iter().map(|c| c.f1()).collect();
    let mut estimates = samples.estimates(spec, f1).into_iter();
    BaselineReport {
        metrics: Metric::ALL.into_iter().zip(estimates.by_ref()).collect(),
        f1: spec.labels.iter().cloned().zip(estimates).collect(),
    }
}

/// The answers arranged for estimates: pooled by repeat, and in the parts whose spread makes the interval.
struct Samples<'a> {
    repeats: Vec<Vec<Judged<'a>>>,
    /// The folds, or the groups to draw from.
    parts: Vec<Vec<Judged<'a>>>,
    spread: &'a Spread,
}

impl<'a> Samples<'a> {
    fn of(answers: &'a [Answer], spread: &'a Spread, said: impl Fn(&'a Answer) -> &'a Said) -> Self {
        let mut repeats: BTreeMap<usize, Vec<Judged<'a>>> = BTreeMap::new();
        let mut parts: BTreeMap<(usize, usize), Vec<Judged<'a>>> = BTreeMap::new();
        for answer in answers {
            let Said { labels, probabilities } = said(answer);
            let judged = Judged { gold: &answer.gold, labels, probabilities };
            repeats.entry(answer.repeat).or_default().push(judged);
            let part = match spread {
                Spread::Folds { .. } => (answer.repeat, answer.fold),
                Spread::Bootstrap { .. } => (0, answer.group),
            };
            parts.entry(part).or_default().push(judged);
        }
        Samples { repeats: repeats.into_values().collect(), parts: parts.into_values().collect(), spread }
    }

    /// One estimate for each metric of a task, then for each further figure that is made of rows and the counts of labels.
    fn estimates(
        &self,
        spec: &TaskSpec,
        further: impl Fn(&[Judged<'_>], &[Counts]) -> Vec<Option<f64>> + Sync,
    ) -> Vec<Estimate> {
        let all = |rows: &[Judged<'_>]| {
            let counts = Counts::of_all(rows, spec.labels.len());
            let metrics = Metric::ALL.map(|metric| metric.of_counted(spec.kind, rows, &counts));
            [Vec::from(metrics), further(rows, &counts)].concat()
        };
        let repeats: Vec<Vec<Option<f64>>> = self.repeats.par_iter().map(|rows| all(rows)).collect();
        let parts: Vec<Vec<Option<f64>>> = match *self.spread {
            Spread::Folds { .. } => self.parts.par_iter().map(|rows| all(rows)).collect(),
            // Each draw has a seed of its own, so that threads cannot change it, and is forgotten when it is judged.
            // Draws of one group are all the same, and tell nothing of others.
            Spread::Bootstrap { draws, seed } if self.parts.len() > 1 => {
                (0..draws as u64).into_par_iter().map(|draw| all(&drawn(&self.parts, seed, draw))).collect()
            }
            Spread::Bootstrap { .. } => Vec::new(),
        };
        (0..all(&[]).len())
            .map(|i| {
                let mean = mean(repeats.iter().filter_map(|figures| figures[i]));
                let spread: Vec<f64> = parts.iter().filter_map(|figures| figures[i]).collect();
                match *self.spread {
                    Spread::Folds { test_to_train } => Estimate::corrected(mean, &spread, test_to_train),
                    Spread::Bootstrap { .. } => Estimate::percentile(mean, spread),
                }
            })
            .collect()
    }
}

/// The rows of as many groups as there are, drawn with replacement.
pub(super) fn drawn<T: Copy>(groups: &[Vec<T>], seed: u64, draw: u64) -> Vec<T> {
    // Seeds next to each other give unlike streams: the generator mixes its seed.
    let mut random = fastrand::Rng::with_seed(seed ^ draw.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (0..groups.len()).flat_map(|_| groups[random.usize(..groups.len())].iter().copied()).collect()
}

/// A set of labels as reports and predictions write it: a list for multi-label tasks, a name or null for single ones.
pub(crate) fn labels_value(spec: &TaskSpec, set: &LabelSet) -> Value {
    match spec.kind {
        TaskKind::Multi => spec.names(set).collect::<Vec<_>>().into(),
        TaskKind::Single => spec.names(set).next().into(),
    }
}
