//! Linear classifiers: objectives, solvers, calibration.
//!
//! In: sparse rows and targets as numbers. Out: weights, intercepts, and functions from scores to probabilities. It must
//! not know words, label names or files.

mod calibration;
mod dense;
mod descent;
mod lanes;
mod logistic;
mod naive_bayes;
mod objective;
mod proximal;
mod rows;
mod scorer;

pub use calibration::{BinaryCalibrator, Temperature};
pub use logistic::{ClassWeight, Convergence, LogisticParams, LogisticRegression, Solver, Targets, fit_together};
pub use scorer::Scorer;

/// The logistic function 1 / (1 + e^-s).
#[inline]
pub fn sigmoid(s: f64) -> f64 {
    1.0 / (1.0 + lanes::exp(-s))
}

/// Turns scores into probabilities that sum to one, in place.
pub fn softmax(scores: &mut [f64]) {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for s in scores.iter_mut() {
        *s = lanes::exp(*s - most);
        sum += *s;
    }
    for s in scores.iter_mut() {
        *s /= sum;
    }
}
