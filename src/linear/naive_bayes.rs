//! Weights of complement naive Bayes, as the point that a logistic regression is pulled towards.

use super::objective::{Problem, forward};
use crate::sparse::SparseMatrix;

/// Added to each column's sum, so that no logarithm is of zero: Lidstone's smoothing.
const SMOOTHING: f64 = 0.1;

/// The weights, laid out as a solution is with zero intercepts, and the scores they give to the rows.
///
/// With G_jk the sum of column j over the rows that are not of class k, plus 0.1, the weight of column j for class k is
/// -ln(G_jk / Σ_j G_jk), less its mean over columns and then over classes. All are scaled so that the scores of the rows
/// have `strength` as their root mean square; of a yes-or-no question that is the score of each of its two classes, and
/// the log-odds is their difference.
///
/// Source: Rennie et al. 2003, "Tackling the Poor Assumptions of Naive Bayes Text Classifiers"; a prior mean for
/// logistic regression as in Chelba and Acero 2006.
pub(super) fn prior(x: &SparseMatrix, problem: &Problem, strength: f64) -> (Vec<f64>, Vec<f64>) {
    let lanes = problem.outputs;
    let answers: Vec<f64> = problem.answers.iter().map(|&y| f64::from(u8::from(y))).collect();
    let own = x.transposed_times(&answers, lanes);
    let all = x.column_sums();
    let mut solution = vec![0.0; (x.width() + 1) * lanes];
    let mut put = |k: usize, weights: &[f64]| {
        solution.iter_mut().skip(k).step_by(lanes).zip(weights).for_each(|(to, w)| *to = *w);
    };
    for k in 0..lanes {
        let others: Vec<f64> = (0..x.width()).map(|j| all[j] - own[j * lanes + k]).collect();
        if problem.softmax {
            put(k, &complement(&others));
        } else {
            let yes = complement(&others);
            let no = complement(&(0..x.width()).map(|j| own[j * lanes + k]).collect::<Vec<f64>>());
            // Less the mean of the two, which is half of what sets them apart.
            put(k, &yes.iter().zip(&no).map(|(yes, no)| 0.5 * (yes - no)).collect::<Vec<f64>>());
        }
    }
    if problem.softmax {
        for column in solution[..x.width() * lanes].chunks_exact_mut(lanes) {
            let mean = column.iter().sum::<f64>() / lanes as f64;
            column.iter_mut().for_each(|w| *w -= mean);
        }
    }
    let mut scores = forward(x, lanes, &solution);
    // Classes share one scale; each question has its own.
    let scale = |scores: &mut dyn Iterator<Item = &f64>| {
        let (sum, n) = scores.fold((0.0, 0usize), |(sum, n), s| (sum + s * s, n + 1));
        let size = (sum / n.max(1) as f64).sqrt();
        if size > 0.0 { strength / size } else { 0.0 }
    };
    let scales: Vec<f64> = if problem.softmax {
        vec![scale(&mut scores.iter()); lanes]
    } else {
        (0..lanes).map(|k| 2.0 * scale(&mut scores.iter().skip(k).step_by(lanes))).collect()
    };
    for values in [&mut solution, &mut scores] {
        for row in values.chunks_exact_mut(lanes) {
            row.iter_mut().zip(&scales).for_each(|(value, scale)| *value *= scale);
        }
    }
    (solution, scores)
}

/// -ln of the smoothed shares of the columns' sums, less their mean.
fn complement(sums: &[f64]) -> Vec<f64> {
    let total: f64 = sums.iter().map(|sum| sum + SMOOTHING).sum();
    // All - own may come out a rounding below zero.
    let mut weights: Vec<f64> = sums.iter().map(|sum| -((sum.max(0.0) + SMOOTHING) / total).ln()).collect();
    let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
    weights.iter_mut().for_each(|w| *w -= mean);
    weights
}
