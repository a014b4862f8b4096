//! What a solver minimises: the objective of [`LogisticParams`](super::LogisticParams), less its prior.

use super::{LogisticParams, sigmoid, softmax};
use crate::sparse::SparseMatrix;

/// What a solver is given: at least one output, and both answers to each.
///
/// A solution is laid out as the weights column by column, `outputs` to a column, then the intercepts.
pub(super) struct Problem {
    pub outputs: usize,
    pub answers: Vec<bool>,
    /// C · s_i, `outputs` to a row; of classes the same for all.
    pub costs: Vec<f64>,
    /// Whether the outputs are classes of one question.
    pub softmax: bool,
    /// The settings that it was made by.
    pub params: LogisticParams,
}

impl Problem {
    /// Whether it is the other problem but for C.
    pub fn equals_but_for_c(&self, other: &Problem) -> bool {
        self.params.equal_but_for_c(&other.params) && self.softmax == other.softmax && self.answers == other.answers
    }
}

/// The gradient's norm at a solution over its norm at zero; of independent outputs the worst.
pub(super) fn relative_gradient(x: &SparseMatrix, problem: &Problem, solution: &[f64]) -> f64 {
    let (here, at_zero) = (gradient_norms(x, problem, solution), norms_at_zero(x, problem));
    here.iter().zip(&at_zero).map(|(g, g0)| g / g0.max(f64::MIN_POSITIVE)).fold(0.0, f64::max)
}

/// The gradient's norm at zero weights and intercepts, or [`least_norm`]: of independent outputs one each, of classes one.
pub(super) fn norms_at_zero(x: &SparseMatrix, problem: &Problem) -> Vec<f64> {
    let mut norms = gradient_norms(x, problem, &vec![0.0; (x.width() + 1) * problem.outputs]);
    let square = (0..x.height()).flat_map(|i| x.row(i).1).map(|value| value * value).sum::<f64>() / x.height() as f64;
    let outputs_of_norm = problem.outputs / norms.len();
    for (k, norm) in norms.iter_mut().enumerate() {
        let own = k * outputs_of_norm..(k + 1) * outputs_of_norm;
        let stakes = problem.costs.chunks_exact(problem.outputs).flat_map(|costs| &costs[own.clone()]).sum();
        *norm = norm.max(least_norm(stakes, square));
    }
    norms
}

/// The least norm of a gradient that a search measures its progress by, given the sum of C · s_i over losses and the mean of
/// ‖x_i‖²: where columns say nothing, the norm at zero is what roundings leave, and zero is the answer.
pub(super) fn least_norm(stakes: f64, square: f64) -> f64 {
    1e-4 * stakes * square.sqrt()
}

fn gradient_norms(x: &SparseMatrix, problem: &Problem, solution: &[f64]) -> Vec<f64> {
    let lanes = problem.outputs;
    let (weights, intercepts) = solution.split_at(x.width() * lanes);
    let mut residuals = x.times(weights, lanes);
    for row in residuals.chunks_exact_mut(lanes) {
        row.iter_mut().zip(intercepts).for_each(|(sum, intercept)| *sum += intercept);
    }
    if problem.softmax {
        residuals.chunks_exact_mut(lanes).for_each(softmax);
    } else {
        residuals.iter_mut().for_each(|s| *s = sigmoid(*s));
    }
    for ((r, &y), cost) in residuals.iter_mut().zip(&problem.answers).zip(&problem.costs) {
        *r = cost * (*r - f64::from(u8::from(y)));
    }
    let mut gradient = x.transposed_times(&residuals, lanes);
    gradient.iter_mut().zip(weights).for_each(|(g, w)| *g += w);
    gradient.extend((0..lanes).map(|k| residuals.iter().skip(k).step_by(lanes).sum::<f64>()));
    let mut squares = vec![0.0; lanes];
    gradient.chunks_exact(lanes).for_each(|row| squares.iter_mut().zip(row).for_each(|(s, g)| *s += g * g));
    if problem.softmax {
        vec![squares.iter().sum::<f64>().sqrt()]
    } else {
        squares.into_iter().map(f64::sqrt).collect()
    }
}
