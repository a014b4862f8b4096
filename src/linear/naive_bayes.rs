//! Weights of complement naive Bayes, as the point that a logistic regression is pulled towards.

use super::objective::Problem;
use super::rows::{Real, Rows};

/// Added to each column's sum, so that no logarithm is of zero: Lidstone's smoothing.
const SMOOTHING: f64 = 0.1;

/// Weights below this are what roundings leave of sums that are equal.
const ROUNDING: f64 = 1e-6;

/// The point that a solution is pulled towards, and what it says of the rows.
pub(super) struct Prior {
    /// By output, the weights of the columns as [`Rows::spread`] takes them.
    pub weights: Vec<Vec<f64>>,
    /// The scores of each row, one an output.
    pub scores: Vec<f64>,
}

/// The priors of the problems that want one, in two readings of the rows.
///
/// With G_jk the sum of column j over the rows that are not of class k, plus 0.1, the weight of column j for class k is
/// -ln(G_jk / Σ_j G_jk), less its mean over columns and then over classes. All are scaled so that the scores of the rows
/// have the problem's `naive_bayes` as their root mean square; of a yes-or-no question that is the score of each of its two
/// classes, and the log-odds is their difference.
///
/// Source: Rennie et al. 2003, "Tackling the Poor Assumptions of Naive Bayes Text Classifiers"; a prior mean for
/// logistic regression as in Chelba and Acero 2006.
pub(super) fn priors<T: Real>(rows: &Rows<T>, problems: &[&Problem]) -> Vec<Option<Prior>> {
    let wants = |problem: &Problem| problem.params.naive_bayes > 0.0;
    let wanting: Vec<&Problem> = problems.iter().copied().filter(|problem| wants(problem)).collect();
    let mut made = if wanting.is_empty() { Vec::new() } else { together(rows, &wanting) }.into_iter();
    problems.iter().map(|problem| if wants(problem) { made.next() } else { None }).collect()
}

/// The priors of problems that all want one.
fn together<T: Real>(rows: &Rows<T>, problems: &[&Problem]) -> Vec<Prior> {
    let outputs: usize = problems.iter().map(|problem| problem.outputs).sum();
    // The rows of each output, and all rows.
    let belongs = |i: usize, k: usize| -> f64 {
        let mut k = k;
        for problem in problems {
            if k < problem.outputs {
                return f64::from(u8::from(problem.answers[rows.original(i) * problem.outputs + k]));
            }
            k -= problem.outputs;
        }
        1.0
    };
    let mut sums = rows.weights(outputs + 1);
    let mut row = vec![0.0; outputs + 1];
    for i in 0..rows.height() {
        row.iter_mut().enumerate().for_each(|(k, to)| *to = belongs(i, k));
        rows.add(i, &row, &mut sums);
    }
    let sum_of = |k: usize| rows.columns(&sums.of_output(k), |i| belongs(i, k));
    let all = sum_of(outputs);
    let mut first = 0;
    let mut weights: Vec<Vec<f64>> = Vec::new();
    for problem in problems {
        for own in (first..first + problem.outputs).map(sum_of) {
            let mut yes = complement(all.iter().zip(&own).map(|(all, own)| all - own).collect());
            if !problem.softmax {
                // Less the mean of the two answers, which is half of what sets them apart.
                yes.iter_mut().zip(complement(own)).for_each(|(yes, no)| *yes = 0.5 * (*yes - no));
            }
            weights.push(yes);
        }
        if problem.softmax {
            center(&mut weights[first..]);
        }
        first += problem.outputs;
    }
    let scores = rows.scores(&weights);
    let mut first = 0;
    problems
        .iter()
        .map(|problem| {
            let own = first..first + problem.outputs;
            first = own.end;
            let weights = weights.drain(..problem.outputs).collect();
            let scores = scores.chunks_exact(outputs).flat_map(|row| &row[own.clone()]).copied().collect();
            Prior { weights, scores }.scaled(problem.params.naive_bayes, problem.softmax)
        })
        .collect()
}

impl Prior {
    /// Brought to a size, the root mean square of the scores.
    fn scaled(mut self, size: f64, softmax: bool) -> Self {
        let outputs = self.weights.len();
        let says = |k: usize| self.weights[k].iter().any(|w| w.abs() > ROUNDING);
        let squares = |k: usize| self.scores.iter().skip(k).step_by(outputs).map(|s| s * s).sum::<f64>();
        let mut squares: Vec<f64> = (0..outputs).map(|k| if says(k) { squares(k) } else { 0.0 }).collect();
        let rows = self.scores.len() as f64 / outputs as f64;
        if softmax {
            // Classes share one scale; each question has its own.
            squares = vec![squares.iter().sum::<f64>() / outputs as f64; outputs];
        }
        for (k, square) in squares.into_iter().enumerate() {
            let found = (square / rows).sqrt();
            let scale = if found > 0.0 { size / found } else { 0.0 };
            let scale = if softmax { scale } else { 2.0 * scale };
            self.weights[k].iter_mut().for_each(|w| *w *= scale);
            self.scores.iter_mut().skip(k).step_by(outputs).for_each(|s| *s *= scale);
        }
        self
    }
}

/// Takes away each column's mean over the outputs.
fn center(weights: &mut [Vec<f64>]) {
    let outputs = weights.len() as f64;
    for j in 0..weights.first().map_or(0, Vec::len) {
        let mean = weights.iter().map(|w| w[j]).sum::<f64>() / outputs;
        weights.iter_mut().for_each(|w| w[j] -= mean);
    }
}

/// -ln of the smoothed shares of the columns' sums, less their mean.
fn complement(mut sums: Vec<f64>) -> Vec<f64> {
    let total: f64 = sums.iter().map(|sum| sum + SMOOTHING).sum();
    // All - own may come out a rounding below zero.
    sums.iter_mut().for_each(|sum| *sum = -((sum.max(0.0) + SMOOTHING) / total).ln());
    let mean = sums.iter().sum::<f64>() / sums.len().max(1) as f64;
    sums.iter_mut().for_each(|w| *w -= mean);
    sums
}
