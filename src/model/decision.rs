//! From scores to labels: calibration and thresholds, learnt from scores that a model gave to rows it had not seen.

use super::config::{Calibration, ClassifierParams, Thresholds};
use crate::linear::{BinaryCalibrator, Temperature};
use crate::task::{LabelId, LabelSet, Prediction, Probability, Score, TaskKind};
use serde::{Deserialize, Serialize};

/// How one label of a multi-label task is decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelDecision {
    /// The slope of the calibration curve.
    pub slope: f64,
    /// The offset of the calibration curve.
    pub offset: f64,
    /// Whether the curve was learnt; else the score was read as log-odds, for want of examples, because the curve
    /// would have fallen, or by configuration.
    pub calibrated: bool,
    /// The least probability of a yes.
    pub threshold: f64,
    /// What is added to the calibrated log-odds, for a label that is more or less frequent than in training.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shift: f64,
}

fn is_zero(shift: &f64) -> bool {
    *shift == 0.0
}

/// How a task's scores become labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Decision {
    /// Each label on its own.
    Multi(Vec<LabelDecision>),
    /// The most probable class.
    Single {
        /// One over the temperature.
        inverse_temperature: f64,
        /// Whether the temperature was learnt.
        calibrated: bool,
        /// What is added to the log-probability of each class, up to a constant, for another class mix than that of
        /// training; empty where nothing is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shifts: Vec<f64>,
    },
}

/// Learnt thresholds stay inside these bounds: beyond them a few rows decide.
const THRESHOLD_BOUNDS: [f64; 2] = [0.1, 0.9];
/// The threshold where nothing was learnt.
const EVEN: f64 = 0.5;

/// What a fit on some rows says of one that it has not seen: a score by label, or nothing where all of its own rows had one
/// answer, since the score of the other is then no measure of anything.
pub(super) type OutOfFold = Vec<Option<Score>>;

impl Decision {
    /// Whether the settings ask for anything that is learnt from out-of-fold scores.
    pub(super) fn is_learnt(kind: TaskKind, params: &ClassifierParams) -> bool {
        params.calibration == Calibration::Platt
            || (kind == TaskKind::Multi && matches!(params.thresholds, Thresholds::Learnt(_)))
    }

    /// The decision that nothing was learnt for.
    pub(super) fn unlearnt(kind: TaskKind, labels: usize, params: &ClassifierParams) -> Self {
        Self::learn(kind, labels, params, &[], &[])
    }

    /// Learns from out-of-fold scores and gold labels, row by row.
    pub(super) fn learn(
        kind: TaskKind,
        labels: usize,
        params: &ClassifierParams,
        scores: &[&OutOfFold],
        gold: &[&LabelSet],
    ) -> Self {
        let platt = params.calibration == Calibration::Platt;
        match kind {
            TaskKind::Single => {
                let classes = gold.iter().filter_map(|g| g.first()).map(|l| l.0);
                let (scores, classes): (Vec<&[Option<Score>]>, Vec<usize>) =
                    scores.iter().map(|row| &row[..]).zip(classes).filter(|(row, class)| row[*class].is_some()).unzip();
                let fitted = if platt { Temperature::fit(&scores, &classes) } else { None };
                Decision::Single {
                    inverse_temperature: fitted.unwrap_or(Temperature::IDENTITY).inverse,
                    calibrated: fitted.is_some(),
                    shifts: Vec::new(),
                }
            }
            TaskKind::Multi => Decision::Multi(
                (0..labels)
                    .map(|k| {
                        let (own, answers): (Vec<Score>, Vec<bool>) = scores
                            .iter()
                            .zip(gold)
                            .filter_map(|(row, gold)| Some((row[k]?, gold.contains(LabelId(k)))))
                            .unzip();
                        let fitted = if platt { BinaryCalibrator::fit(&own, &answers) } else { None };
                        let curve = fitted.unwrap_or(BinaryCalibrator::IDENTITY);
                        let threshold = match params.thresholds {
                            Thresholds::Fixed(t) => t,
                            Thresholds::Learnt(_) => {
                                let p = own.iter().map(|&s| curve.probability(s).get()).collect();
                                best_threshold(p).unwrap_or(EVEN)
                            }
                        };
                        LabelDecision {
                            slope: curve.slope,
                            offset: curve.offset,
                            calibrated: fitted.is_some(),
                            threshold,
                            shift: 0.0,
                        }
                    })
                    .collect(),
            ),
        }
    }

    /// The same decision with so much added to the log-odds of each label, in place of what was added before.
    pub(super) fn shifted(&self, shifts: Vec<f64>) -> Self {
        match self {
            Decision::Multi(labels) => {
                Decision::Multi(labels.iter().zip(shifts).map(|(d, shift)| LabelDecision { shift, ..*d }).collect())
            }
            Decision::Single { inverse_temperature, calibrated, .. } => {
                Decision::Single { inverse_temperature: *inverse_temperature, calibrated: *calibrated, shifts }
            }
        }
    }

    /// Whether it can decide on a task of this kind with so many labels.
    pub(super) fn fits(&self, kind: TaskKind, labels: usize) -> bool {
        let finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
        match (self, kind) {
            (Decision::Multi(decisions), TaskKind::Multi) => {
                let sound =
                    |d: &LabelDecision| finite(&[d.slope, d.offset, d.shift]) && (0.0..=1.0).contains(&d.threshold);
                decisions.len() == labels && decisions.iter().all(sound)
            }
            (Decision::Single { inverse_temperature: inverse, shifts, .. }, TaskKind::Single) => {
                (shifts.is_empty() || shifts.len() == labels) && finite(shifts) && inverse.is_finite() && *inverse > 0.0
            }
            _ => false,
        }
    }

    /// Decides on one row.
    pub fn decide(&self, scores: &[Score]) -> Prediction {
        match self {
            Decision::Multi(decisions) => {
                let probabilities: Vec<Probability> = scores
                    .iter()
                    .zip(decisions)
                    .map(|(&s, d)| BinaryCalibrator { slope: d.slope, offset: d.offset + d.shift }.probability(s))
                    .collect();
                let labels = (0..scores.len())
                    .filter(|&k| probabilities[k].get() >= decisions[k].threshold)
                    .map(LabelId)
                    .collect();
                Prediction { labels, probabilities }
            }
            Decision::Single { inverse_temperature, shifts, .. } => {
                let inverse = *inverse_temperature;
                // What is added to a log-probability is added to the score, in the score's units.
                let moved =
                    scores.iter().zip(shifts).map(|(s, shift)| Score(s.0 + shift / inverse)).collect::<Vec<_>>();
                let scores = if shifts.is_empty() { scores } else { &moved };
                let probabilities = Temperature { inverse }.probabilities(scores);
                // By score, not by probability: two probabilities can round to the same number.
                let best = (0..scores.len()).fold(0, |best, k| if scores[k].0 > scores[best].0 { k } else { best });
                Prediction { labels: [LabelId(best)].into_iter().collect(), probabilities }
            }
        }
    }
}

/// The threshold with the greatest expected F1, if the probabilities are true: 2 Σ_{taken} p / (taken + Σ_{all} p) over
/// every number of rows taken from the most probable down; half-way to the next probability, inside the bounds.
///
/// Source: Ye, Chai, Lee and Chieu 2012, "Optimizing F-measure: A Tale of Two Approaches" (the plug-in estimate).
fn best_threshold(mut probabilities: Vec<f64>) -> Option<f64> {
    probabilities.sort_unstable_by(|a, b| b.total_cmp(a));
    let all: f64 = probabilities.iter().sum();
    let mut taken = 0.0;
    let mut best: Option<(f64, f64)> = None;
    for (i, p) in probabilities.iter().enumerate() {
        taken += p;
        let next = probabilities.get(i + 1).copied().unwrap_or(0.0);
        // Rows of one probability are taken together or not at all.
        if next < *p {
            let f1 = 2.0 * taken / ((i + 1) as f64 + all);
            if best.is_none_or(|(most, _)| f1 > most) {
                best = Some((f1, 0.5 * (p + next)));
            }
        }
    }
    best.map(|(_, threshold)| threshold.clamp(THRESHOLD_BOUNDS[0], THRESHOLD_BOUNDS[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_maximises_expected_f1() {
        // By hand: Σ p = 1.7. Taking 1, 2, 3 or 4 rows: 1.8/2.7, 3.0/3.7, 3.2/4.7, 3.4/5.7; the second is greatest.
        assert_eq!(best_threshold(vec![0.1, 0.9, 0.1, 0.6]), Some(0.35));
        assert_eq!(best_threshold(vec![0.01, 0.05]), Some(0.1), "kept inside the bounds");
        assert_eq!(best_threshold(vec![]), None);
    }

    #[test]
    fn rows_of_a_class_that_was_not_learnt_say_nothing_of_the_temperature() {
        let set = |label: usize| [LabelId(label)].into_iter().collect::<LabelSet>();
        let row = |scores: [f64; 2]| [Some(Score(scores[0])), Some(Score(scores[1])), None].to_vec();
        // Three of four rows are right.
        let rows: Vec<(OutOfFold, LabelSet)> =
            (0..32).map(|i| (if i % 8 < 6 { row([1.0, 0.0]) } else { row([0.0, 1.0]) }, set(0))).collect();
        let learn = |rows: &[(OutOfFold, LabelSet)]| {
            let (scores, gold): (Vec<&OutOfFold>, Vec<&LabelSet>) = rows.iter().map(|(r, s)| (r, s)).unzip();
            Decision::learn(TaskKind::Single, 3, &ClassifierParams::default(), &scores, &gold)
        };
        let Decision::Single { inverse_temperature, .. } = learn(&rows) else { unreachable!() };
        // By hand: of 32 rows 24 have the margin 1 and 8 the margin -1; with targets of 33/34 and 1/34 a softmax of the
        // margin m has the mean target (24 · 33 + 8 · 1) / (32 · 34) = 800/1088, so that m = ln(800/288).
        assert!((inverse_temperature - (800.0f64 / 288.0).ln()).abs() < 1e-9);
        let rare = (0..3).map(|_| (row([1.0, 0.0]), set(2)));
        let more: Vec<_> = rows.iter().cloned().chain(rare).collect();
        assert_eq!(learn(&more), learn(&rows));
    }

    #[test]
    fn scores_that_tell_all_rows_apart_do_not_make_certain() {
        let set = |label: usize| [LabelId(label)].into_iter().collect::<LabelSet>();
        let row = |label: usize| [0, 1].map(|k| Some(Score(if k == label { 1.0 } else { -1.0 }))).to_vec();
        let rows: Vec<(OutOfFold, LabelSet)> = (0..22).map(|i| (row(i % 2), set(i % 2))).collect();
        let (scores, gold): (Vec<&OutOfFold>, Vec<&LabelSet>) = rows.iter().map(|(r, s)| (r, s)).unzip();
        let learnt = Decision::learn(TaskKind::Single, 2, &ClassifierParams::default(), &scores, &gold);
        // By hand: eleven rows a class, so that the targets are 12/13 and 1/13, reached at the margin ln 12.
        let said = learnt.decide(&[Score(1.0), Score(-1.0)]);
        assert!((said.probabilities[0].get() - 12.0 / 13.0).abs() < 1e-9);
    }

    #[test]
    fn a_shift_moves_calibrated_log_odds() {
        // By hand: log-odds 2 · 0.5 - 1 = 0, moved by ln 3 to the probability 3/4.
        let label = LabelDecision { slope: 2.0, offset: -1.0, calibrated: true, threshold: 0.6, shift: 0.0 };
        let multi = Decision::Multi(vec![label]);
        assert!(multi.decide(&[Score(0.5)]).labels.is_empty());
        let moved = multi.shifted(vec![3f64.ln()]).decide(&[Score(0.5)]);
        assert!((moved.probabilities[0].get() - 0.75).abs() < 1e-12 && moved.labels.len() == 1);
        // By hand: softmax(0.5 · (2 ln 2, 0)) = (2/3, 1/3); times (1/4, 1) and normalised (1/3, 2/3).
        let single = Decision::Single { inverse_temperature: 0.5, calibrated: true, shifts: Vec::new() };
        let scores = [Score(2.0 * 2f64.ln()), Score(0.0)];
        assert_eq!(single.decide(&scores).labels.first(), Some(LabelId(0)));
        let moved = single.shifted(vec![0.25f64.ln(), 0.0]);
        let said = moved.decide(&scores);
        assert!((said.probabilities[0].get() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(said.labels.first(), Some(LabelId(1)));
        assert_eq!(moved.shifted(Vec::new()), single, "what was added before is replaced");
    }

    #[test]
    fn without_out_of_fold_scores_scores_are_log_odds() {
        let params = ClassifierParams::default();
        let multi = Decision::unlearnt(TaskKind::Multi, 2, &params);
        let prediction = multi.decide(&[Score(0.1), Score(-0.1)]);
        assert_eq!(prediction.labels, [LabelId(0)].into_iter().collect());
        let single = Decision::unlearnt(TaskKind::Single, 3, &params);
        let prediction = single.decide(&[Score(0.0), Score(1.0), Score(1.0)]);
        assert_eq!(prediction.labels.first(), Some(LabelId(1)), "the first of equals");
        assert!((prediction.probabilities.iter().map(|p| p.get()).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
