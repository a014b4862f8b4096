//! Counts first, ratios last; 0/0 is undefined, not zero.

use super::interval::mean;
use crate::dataset::cohen_kappa;
use crate::task::{LabelId, LabelSet, TaskKind, confidence};
use serde::{Deserialize, Serialize};

/// One judged paragraph.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The right answer.
    pub gold: &'a LabelSet,
    /// The answer given.
    pub labels: &'a LabelSet,
    /// One probability a label.
    pub probabilities: &'a [f64],
}

/// How often a label was there, and how often it was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Found and there.
    pub tp: usize,
    /// Found and not there.
    pub fp: usize,
    /// There and not found.
    pub fn_: usize,
}

impl Counts {
    /// The counts of one label.
    pub fn of(rows: &[Judged<'_>], label: LabelId) -> Self {
        let mut counts = Counts::default();
        for row in rows {
            match (row.gold.contains(label), row.labels.contains(label)) {
                (true, true) => counts.tp += 1,
                (false, true) => counts.fp += 1,
                (true, false) => counts.fn_ += 1,
                (false, false) => {}
            }
        }
        counts
    }

    /// The counts of so many labels, in one reading of the rows.
    pub fn of_all(rows: &[Judged<'_>], labels: usize) -> Vec<Self> {
        let mut counts = vec![Counts::default(); labels];
        for Judged { gold, labels, .. } in rows {
            for label in labels.iter() {
                let there = gold.contains(label);
                if let Some(counts) = counts.get_mut(label.0) {
                    counts.tp += usize::from(there);
                    counts.fp += usize::from(!there);
                }
            }
            for label in gold.iter().filter(|&label| !labels.contains(label)) {
                if let Some(counts) = counts.get_mut(label.0) {
                    counts.fn_ += 1;
                }
            }
        }
        counts
    }

    /// tp / (tp + fp): undefined where the label was never found.
    pub fn precision(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// tp / (tp + fn): undefined where the label was never there.
    pub fn recall(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// 2tp / (2tp + fp + fn): 0 where a gold label is never found, undefined where the label was never there.
    pub fn f1(self) -> Option<f64> {
        if self.tp + self.fn_ == 0 { None } else { ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_) }
    }

    /// Cohen's kappa of the yes and no to so many rows; see [`Metric::Kappa`]. Undefined where the label was never there.
    pub fn kappa(self, rows: usize) -> Option<f64> {
        let Counts { tp, fp, fn_ } = self;
        if tp + fn_ == 0 { None } else { cohen_kappa(&[vec![tp, fn_], vec![fp, rows - tp - fp - fn_]]) }
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Counts::default(), |a, b| Counts { tp: a.tp + b.tp, fp: a.fp + b.fp, fn_: a.fn_ + b.fn_ })
    }
}

pub(super) fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A metric of a whole task, by the name it has in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The share of paragraphs whose whole set of labels is right (subset accuracy).
    Accuracy,
    /// The mean F1 of the labels that have gold.
    MacroF1,
    /// F1 of the summed counts of all labels.
    MicroF1,
    /// The mean precision of the labels that have gold; a label never given counts 0 there, as in scikit-learn.
    MacroPrecision,
    /// The mean recall of the labels that have gold.
    MacroRecall,
    /// Precision of the summed counts of all labels.
    MicroPrecision,
    /// Recall of the summed counts of all labels.
    MicroRecall,
    /// [`cohen_kappa`] of given against gold labels. Single: over the classes. Multi: the mean over the labels that have
    /// gold of the kappa of their yes and no.
    Kappa,
    /// Multi: the share of wrong (paragraph, label) pairs. Single: the share of wrong paragraphs.
    HammingLoss,
    /// Multi: mean over pairs of -ln of the probability given to the right yes or no. Single: mean of -ln p of the gold
    /// class. Probabilities are kept from 0 by 1e-15.
    LogLoss,
    /// Multi: mean over pairs of (p - y)². Single: mean over paragraphs of Σ (p - y)² over classes. Brier 1950.
    Brier,
    /// Expected calibration error over 10 equal-width bins: Σ share of bin · |mean p - share right|. Single: of the most
    /// probable class; multi: of all (paragraph, label) pairs. Guo et al. 2017.
    Ece,
    /// The area under the risk-coverage curve: (1/n) Σ r_i over i = 1 … n, r_i the share of errors among the i answers with
    /// the highest probability; answers with equal probabilities share their errors evenly. An answer is that of
    /// [`risk_coverage`]. Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks".
    Aurc,
}

impl Metric {
    /// The metric by which reports are compared.
    pub const PRIMARY: Metric = Metric::MacroF1;

    /// Every metric, in the order of reports.
    pub const ALL: [Metric; 13] = [
        Metric::Accuracy,
        Metric::MacroF1,
        Metric::MicroF1,
        Metric::MacroPrecision,
        Metric::MacroRecall,
        Metric::MicroPrecision,
        Metric::MicroRecall,
        Metric::HammingLoss,
        Metric::Kappa,
        Metric::LogLoss,
        Metric::Brier,
        Metric::Ece,
        Metric::Aurc,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::MacroF1 => "macro_f1",
            Metric::MicroF1 => "micro_f1",
            Metric::MacroPrecision => "macro_precision",
            Metric::MacroRecall => "macro_recall",
            Metric::MicroPrecision => "micro_precision",
            Metric::MicroRecall => "micro_recall",
            Metric::HammingLoss => "hamming_loss",
            Metric::Kappa => "kappa",
            Metric::LogLoss => "log_loss",
            Metric::Brier => "brier",
            Metric::Ece => "ece",
            Metric::Aurc => "aurc",
        }
    }

    /// Whether less of it is better.
    pub fn is_loss(self) -> bool {
        self == Metric::HammingLoss || self.reads_probabilities()
    }

    /// Whether probabilities enter it, and not the decided labels alone.
    pub fn reads_probabilities(self) -> bool {
        matches!(self, Metric::LogLoss | Metric::Brier | Metric::Ece | Metric::Aurc)
    }

    /// Its value on some rows; `None` where it is undefined.
    pub fn of(self, kind: TaskKind, labels: usize, rows: &[Judged<'_>]) -> Option<f64> {
        self.of_counted(kind, rows, &Counts::of_all(rows, labels))
    }

    /// Its value on some rows, with [the counts of every label](Counts::of_all).
    pub(super) fn of_counted(self, kind: TaskKind, rows: &[Judged<'_>], counts: &[Counts]) -> Option<f64> {
        let labels = counts.len();
        if rows.is_empty() {
            return None;
        }
        let n = rows.len() as f64;
        match self {
            Metric::Accuracy => ratio(rows.iter().filter(|r| r.gold == r.labels).count(), rows.len()),
            Metric::MacroF1 => mean(counts.iter().filter_map(|c| c.f1())),
            Metric::MacroPrecision => {
                let there = counts.iter().filter(|c| c.tp + c.fn_ > 0);
                mean(there.map(|c| c.precision().unwrap_or(0.0)))
            }
            Metric::MacroRecall => mean(counts.iter().filter_map(|c| c.recall())),
            Metric::MicroF1 => counts.iter().copied().sum::<Counts>().f1(),
            Metric::MicroPrecision => counts.iter().copied().sum::<Counts>().precision(),
            Metric::MicroRecall => counts.iter().copied().sum::<Counts>().recall(),
            Metric::Kappa => match kind {
                TaskKind::Single => cohen_kappa(&confusion(rows, labels)),
                TaskKind::Multi => mean(counts.iter().filter_map(|c| c.kappa(rows.len()))),
            },
            Metric::HammingLoss => match kind {
                TaskKind::Single => ratio(rows.iter().filter(|r| r.gold != r.labels).count(), rows.len()),
                TaskKind::Multi => ratio(counts.iter().map(|c| c.fp + c.fn_).sum(), rows.len() * labels),
            },
            Metric::LogLoss => {
                // Not -ln 1, which is -0.
                let cost = |p: f64| 0.0 - p.max(1e-15).ln();
                Some(match kind {
                    TaskKind::Single => rows.iter().map(|r| cost(gold_probability(r))).sum::<f64>() / n,
                    TaskKind::Multi => {
                        let pairs = pairs(rows, labels).map(|(p, y)| cost(if y { p } else { 1.0 - p }));
                        pairs.sum::<f64>() / (n * labels as f64)
                    }
                })
            }
            Metric::Brier => {
                let squares = pairs(rows, labels).map(|(p, y)| {
                    let d = p - f64::from(u8::from(y));
                    d * d
                });
                Some(squares.sum::<f64>() / if kind == TaskKind::Single { n } else { n * labels as f64 })
            }
            Metric::Ece => {
                let bins = reliability(kind, labels, rows);
                let all: usize = bins.iter().map(|b| b.0).sum();
                Some(bins.iter().map(|&(_, p, right)| (p - right as f64).abs()).sum::<f64>() / all.max(1) as f64)
            }
            Metric::Aurc => {
                let (mut taken, mut wrong, mut sum) = (0.0, 0.0, 0.0);
                for step in risk_coverage(kind, labels, rows) {
                    let (more, errors) = (step.answers as f64 - taken, step.errors as f64 - wrong);
                    for i in 1..=more as usize {
                        let i = i as f64;
                        sum += (wrong + errors * i / more) / (taken + i);
                    }
                    (taken, wrong) = (step.answers as f64, step.errors as f64);
                }
                Some(sum / taken)
            }
        }
    }
}

fn gold_probability(row: &Judged<'_>) -> f64 {
    row.gold.first().map_or(0.0, |label| row.probabilities[label.0])
}

fn pairs<'a>(rows: &'a [Judged<'a>], labels: usize) -> impl Iterator<Item = (f64, bool)> + 'a {
    rows.iter().flat_map(move |r| (0..labels).map(move |k| (r.probabilities[k], r.gold.contains(LabelId(k)))))
}

/// One bin of a reliability table: pairs, summed probability, and how many were right.
pub type ReliabilityBin = (usize, f64, usize);

/// Ten equal-width bins, the last with its upper end. Single: of the most probable class; multi: of all (paragraph,
/// label) pairs.
pub fn reliability(kind: TaskKind, labels: usize, rows: &[Judged<'_>]) -> [ReliabilityBin; 10] {
    let mut bins = [(0, 0.0, 0); 10];
    let mut add = |p: f64, right: bool| {
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        bin.0 += 1;
        bin.1 += p;
        bin.2 += usize::from(right);
    };
    match kind {
        TaskKind::Multi => pairs(rows, labels).for_each(|(p, right)| add(p, right)),
        TaskKind::Single => rows.iter().for_each(|r| {
            let top = (0..labels).fold(0, |b, k| if r.probabilities[k] > r.probabilities[b] { k } else { b });
            add(r.probabilities[top], r.gold.contains(LabelId(top)));
        }),
    }
    bins
}

/// Average precision of one label: Σ (R_n - R_{n-1}) · P_n over the distinct probabilities from high to low, without
/// interpolation. Undefined where the label was never there.
///
/// Source: scikit-learn's `average_precision_score`.
pub fn average_precision(rows: &[Judged<'_>], label: LabelId) -> Option<f64> {
    average_precision_of(&ranked(rows, label))
}

fn average_precision_of(ranked: &[(f64, bool)]) -> Option<f64> {
    let steps = steps(ranked)?;
    let (mut before, mut sum) = (0, 0.0);
    for &Step { found, taken, .. } in &steps {
        sum += (found - before) as f64 * (found as f64 / taken as f64);
        before = found;
    }
    Some(sum / before as f64)
}

/// The area under the ROC curve of one label: the share of pairs of a positive and a negative that the probability puts
/// in the right order, ties counting half. Undefined without both.
///
/// Source: the Mann-Whitney statistic; scikit-learn's `roc_auc_score`.
pub fn roc_auc(rows: &[Judged<'_>], label: LabelId) -> Option<f64> {
    roc_auc_of(&ranked(rows, label))
}

fn roc_auc_of(ranked: &[(f64, bool)]) -> Option<f64> {
    let positives = ranked.iter().filter(|(_, y)| *y).count();
    let negatives = ranked.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut above, mut ordered) = (0usize, 0.0);
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let yes = ties.iter().filter(|(_, y)| *y).count();
        let no = ties.len() - yes;
        ordered += no as f64 * (above as f64 + 0.5 * yes as f64);
        above += yes;
    }
    Some(ordered / (positives * negatives) as f64)
}

/// What the figures of one label are made of.
pub(super) struct LabelRows {
    rows: usize,
    counts: Counts,
    ranked: Vec<(f64, bool)>,
}

impl LabelRows {
    pub fn of(rows: &[Judged<'_>], label: LabelId, counts: Counts) -> Self {
        LabelRows { rows: rows.len(), counts, ranked: ranked(rows, label) }
    }
}

/// A number that can be had of the rows of one label.
pub(super) type LabelFigure = fn(&LabelRows) -> Option<f64>;

/// The figures of a label by their names in reports. Rows without a gold positive give none of them a value.
pub(super) const LABEL_FIGURES: [(&str, LabelFigure); 6] = [
    ("precision", |of| of.counts.recall().and(of.counts.precision())),
    ("recall", |of| of.counts.recall()),
    ("f1", |of| of.counts.f1()),
    ("average_precision", |of| average_precision_of(&of.ranked)),
    ("roc_auc", |of| roc_auc_of(&of.ranked)),
    ("kappa", |of| of.counts.kappa(of.rows)),
];

/// A point of a precision-recall curve: what is reached by giving a label from this probability on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecall {
    /// The least probability that is taken for a yes.
    pub threshold: f64,
    /// tp / (tp + fp)
    pub precision: f64,
    /// tp / (tp + fn)
    pub recall: f64,
}

/// The precision-recall curve of one label: one point for each distinct probability, from high to low, so that recall
/// never falls. Empty where the label was never there.
///
/// Source: scikit-learn's `precision_recall_curve`, without its added last point (1, 0).
pub fn precision_recall_curve(rows: &[Judged<'_>], label: LabelId) -> Vec<PrecisionRecall> {
    let steps = steps(&ranked(rows, label)).unwrap_or_default();
    let positives = steps.last().map_or(0, |step| step.found) as f64;
    let point = |&Step { threshold, found, taken }: &Step| {
        let (precision, recall) = (found as f64 / taken as f64, found as f64 / positives);
        PrecisionRecall { threshold, precision, recall }
    };
    steps.iter().map(point).collect()
}

/// What is reached by giving a label from some probability on.
struct Step {
    threshold: f64,
    /// The rows that carry the label among those that get it.
    found: usize,
    /// The rows that get it.
    taken: usize,
}

/// One step for each distinct probability, from high to low: the last takes every row. `None` where the label was never
/// there.
fn steps(ranked: &[(f64, bool)]) -> Option<Vec<Step>> {
    let (mut found, mut taken) = (0, 0);
    let step = |ties: &[(f64, bool)]| {
        found += ties.iter().filter(|(_, y)| *y).count();
        taken += ties.len();
        Step { threshold: ties[0].0, found, taken }
    };
    let steps: Vec<Step> = ranked.chunk_by(|a, b| a.0 == b.0).map(step).collect();
    (found > 0).then_some(steps)
}

/// The probability of a label and whether it was there, row by row from high to low.
fn ranked(rows: &[Judged<'_>], label: LabelId) -> Vec<(f64, bool)> {
    let mut ranked: Vec<(f64, bool)> =
        rows.iter().map(|r| (r.probabilities[label.0], r.gold.contains(label))).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked
}

/// A point of a risk-coverage curve: what is left when answers below a probability are withheld.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskCoverage {
    /// The least probability that an answer is given with.
    pub least: f64,
    /// The answers given.
    pub answers: usize,
    /// The wrong ones among them.
    pub errors: usize,
}

/// The risk-coverage curve in counts: one point for each distinct probability of an answer, from high to low, so that the
/// last has every answer. Coverage is answers / all, risk errors / answers.
///
/// Single: an answer is a paragraph's class, with its probability. Multi: an answer is the yes or no to one (paragraph,
/// label) pair, with p or 1 - p. These are the answers that [`Prediction::abstain_below`] withholds.
///
/// Source: El-Yaniv and Wiener 2010, "On the Foundations of Noise-free Selective Classification"; Geifman and El-Yaniv
/// 2017.
///
/// [`Prediction::abstain_below`]: crate::task::Prediction::abstain_below
pub fn risk_coverage(kind: TaskKind, labels: usize, rows: &[Judged<'_>]) -> Vec<RiskCoverage> {
    let answer = |r: &Judged<'_>, label: LabelId| {
        let given = r.labels.contains(label);
        (confidence(given, r.probabilities[label.0]), given == r.gold.contains(label))
    };
    let mut answers: Vec<(f64, bool)> = match kind {
        TaskKind::Single => rows.iter().filter_map(|r| Some(answer(r, r.labels.first()?))).collect(),
        TaskKind::Multi => rows.iter().flat_map(|r| (0..labels).map(move |k| answer(r, LabelId(k)))).collect(),
    };
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut taken, mut errors) = (0, 0);
    let step = |ties: &[(f64, bool)]| {
        taken += ties.len();
        errors += ties.iter().filter(|(_, right)| !right).count();
        RiskCoverage { least: ties[0].0, answers: taken, errors }
    };
    answers.chunk_by(|a, b| a.0 == b.0).map(step).collect()
}

/// How often each gold class (rows) was given each class (columns).
pub fn confusion(rows: &[Judged<'_>], labels: usize) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; labels]; labels];
    for row in rows {
        if let (Some(gold), Some(given)) = (row.gold.first(), row.labels.first()) {
            table[gold.0][given.0] += 1;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_has_a_point_for_each_distinct_probability() {
        let sets: [LabelSet; 2] = [LabelSet::default(), [LabelId(0)].into_iter().collect()];
        // From high to low: yes; a tie of no and yes; no; yes.
        let given = [(0.9, 1), (0.5, 0), (0.5, 1), (0.3, 0), (0.1, 1)];
        let probabilities = given.map(|(p, _)| [p]);
        let rows: Vec<Judged<'_>> = given
            .iter()
            .zip(&probabilities)
            .map(|(&(_, gold), p)| Judged { gold: &sets[gold], labels: &sets[0], probabilities: p })
            .collect();
        let curve: Vec<_> =
            precision_recall_curve(&rows, LabelId(0)).iter().map(|x| (x.threshold, x.precision, x.recall)).collect();
        let by_hand =
            [(0.9, 1.0, 1.0 / 3.0), (0.5, 2.0 / 3.0, 2.0 / 3.0), (0.3, 0.5, 2.0 / 3.0), (0.1, 3.0 / 5.0, 1.0)];
        assert_eq!(curve, by_hand);
        assert_eq!(precision_recall_curve(&rows[3..4], LabelId(0)), []);
    }
}
