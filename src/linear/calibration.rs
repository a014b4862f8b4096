//! From scores to probabilities.

use super::{sigmoid, softmax};
use crate::task::{Probability, Score};
use std::collections::BTreeMap;

/// Under this many examples of either answer a calibration is not to be trusted.
const LEAST_EXAMPLES: usize = 10;
/// A share of a sum of many numbers that is lost among their roundings.
const ROUNDING: f64 = 1e-13;

/// A logistic curve over a score: p = 1 / (1 + e^-(slope · s + offset)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinaryCalibrator {
    /// How fast the probability rises with the score; above zero.
    pub slope: f64,
    /// The log-odds at score zero.
    pub offset: f64,
}

impl BinaryCalibrator {
    /// Reads the score itself as log-odds.
    pub const IDENTITY: BinaryCalibrator = BinaryCalibrator { slope: 1.0, offset: 0.0 };

    /// Platt's fit: maximum likelihood with the smoothed targets (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2).
    ///
    /// `None` under 10 examples of either answer, or where the probability would not rise with the score: of few articles
    /// that comes about by chance, and a level curve would throw away what the scores say.
    ///
    /// Source: Platt 1999; the Newton method with backtracking of Lin, Lin and Weng 2007.
    pub fn fit(scores: &[Score], answers: &[bool]) -> Option<Self> {
        let positive = answers.iter().filter(|&&y| y).count();
        let negative = answers.len() - positive;
        if positive < LEAST_EXAMPLES || negative < LEAST_EXAMPLES {
            return None;
        }
        let high = (positive as f64 + 1.0) / (positive as f64 + 2.0);
        let low = 1.0 / (negative as f64 + 2.0);
        let points: Vec<(f64, f64)> =
            scores.iter().zip(answers).map(|(s, &y)| (s.0, if y { high } else { low })).collect();
        let loss = |slope: f64, offset: f64| -> f64 {
            points
                .iter()
                .map(|&(s, t)| {
                    let z = slope * s + offset;
                    (-z.abs()).exp().ln_1p() + z.max(0.0) - t * z
                })
                .sum()
        };
        let (mut slope, mut offset) = (0.0, ((positive as f64 + 1.0) / (negative as f64 + 1.0)).ln());
        let mut current = loss(slope, offset);
        for _ in 0..100 {
            let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-12, 0.0, 1e-12);
            for &(s, t) in &points {
                let p = sigmoid(slope * s + offset);
                let (d, h) = (p - t, p * (1.0 - p));
                ga += d * s;
                gb += d;
                haa += h * s * s;
                hab += h * s;
                hbb += h;
            }
            if ga.abs() < 1e-7 && gb.abs() < 1e-7 {
                break;
            }
            let determinant = haa * hbb - hab * hab;
            let (da, db) = (-(hbb * ga - hab * gb) / determinant, -(haa * gb - hab * ga) / determinant);
            let fall = ga * da + gb * db;
            if -fall <= ROUNDING * current {
                // Too little for the loss to show, and so near that Newton's method needs no watching.
                (slope, offset) = (slope + da, offset + db);
                break;
            }
            let mut step = 1.0;
            loop {
                let next = loss(slope + step * da, offset + step * db);
                if next <= current + 1e-4 * step * fall {
                    (slope, offset, current) = (slope + step * da, offset + step * db, next);
                    break;
                }
                step *= 0.5;
                if step < 1e-10 {
                    break;
                }
            }
            if step < 1e-10 {
                break;
            }
        }
        (slope > 0.0 && slope.is_finite() && offset.is_finite()).then_some(BinaryCalibrator { slope, offset })
    }

    /// The probability of a yes.
    pub fn probability(&self, score: Score) -> Probability {
        Probability::clamped(sigmoid(self.slope * score.0 + self.offset))
    }
}

/// One temperature for all classes: p = softmax(s · inverse). The most probable class stays that of the highest score.
///
/// Source: Guo et al. 2017, "On Calibration of Modern Neural Networks"; the targets after Platt 1999.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// One over the temperature; above zero.
    pub inverse: f64,
}

impl Temperature {
    /// Reads the scores themselves as log-probabilities up to a constant.
    pub const IDENTITY: Temperature = Temperature { inverse: 1.0 };

    /// The inverse temperature in [0.01, 100] of the greatest likelihood, where its derivative is zero: Newton's method,
    /// held between bounds that close in, since the likelihood is concave. `None` under 10 examples.
    ///
    /// A row has a score of its own class, and of each other that was told from it. Targets are smoothed as Platt's: of a row of
    /// class k, which n_k rows have, class k counts (n_k + 1) / (n_k + 2), and the others share the rest evenly. Where scores
    /// tell all rows apart the likelihood of the gold classes alone would grow for ever.
    pub fn fit(scores: &[&[Option<Score>]], labels: &[usize]) -> Option<Self> {
        if labels.len() < LEAST_EXAMPLES {
            return None;
        }
        let mut rows_of: BTreeMap<usize, f64> = BTreeMap::new();
        labels.iter().for_each(|&label| *rows_of.entry(label).or_default() += 1.0);
        // Each row with the score that its targets expect.
        let rows: Vec<(Vec<f64>, f64)> = scores
            .iter()
            .zip(labels)
            .map(|(scores, &label)| {
                let own = scores[label].map_or(0.0, |s| s.0);
                let scores: Vec<f64> = scores.iter().flatten().map(|s| s.0).collect();
                // A row that has no other says nothing.
                let others = match scores.len() {
                    1 => own,
                    n => (scores.iter().sum::<f64>() - own) / (n as f64 - 1.0),
                };
                let n = rows_of[&label];
                (scores, ((n + 1.0) * own + others) / (n + 2.0))
            })
            .collect();
        let mut p = Vec::new();
        // The first and second derivative of the log-likelihood: the wanted score less the expected one, and the variance of
        // the score taken away.
        let mut derivatives = |inverse: f64| -> (f64, f64) {
            let (mut slope, mut curvature) = (0.0, 0.0);
            for (scores, wanted) in &rows {
                p.clear();
                p.extend(scores.iter().map(|s| s * inverse));
                softmax(&mut p);
                let mean: f64 = p.iter().zip(scores).map(|(p, s)| p * s).sum();
                slope += wanted - mean;
                curvature -= p.iter().zip(scores).map(|(p, s)| p * (s - mean) * (s - mean)).sum::<f64>();
            }
            (slope, curvature)
        };
        let (mut low, mut high) = (0.01, 100.0);
        let mut inverse = 1.0;
        for _ in 0..200 {
            let (slope, curvature) = derivatives(inverse);
            if slope > 0.0 {
                low = inverse
            } else {
                high = inverse
            }
            let newton = inverse - slope / curvature;
            let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
            let moved = (next - inverse).abs();
            inverse = next;
            if moved <= 1e-12 * inverse {
                break;
            }
        }
        Some(Temperature { inverse })
    }

    /// One probability a class; they sum to one.
    pub fn probabilities(&self, scores: &[Score]) -> Vec<Probability> {
        let mut p: Vec<f64> = scores.iter().map(|s| s.0 * self.inverse).collect();
        softmax(&mut p);
        p.into_iter().map(Probability::clamped).collect()
    }
}
