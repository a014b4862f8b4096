//! `linfa-logistic` on an exact dense reduction.
//!
//! linfa fits dense arrays only. The optimal weights are a combination of the rows (the representer theorem), so with
//! fewer rows than columns nothing is lost by fitting on the n × r factor L of X Xᵀ = L Lᵀ, found by a pivoted Cholesky
//! factorisation that stops at the numerical rank r. The weights come back as w = X_Bᵀ L_B⁻ᵀ u, where B are the pivot
//! rows: L_B is lower triangular, and X_Bᵀ L_B⁻ᵀ has orthonormal columns, so that ‖w‖ = ‖u‖ and the objective is the same.

use super::logistic::LogisticParams;
use super::objective::{self, Problem};
use crate::error::{Error, Result};
use crate::sparse::SparseMatrix;
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use ndarray::{Array1, Array2, s};

/// More rows than this would make a dense square of over 288 MB.
pub const MOST_ROWS: usize = 6_000;

const MOST_ITERATIONS: u64 = 2_000;

/// Fits every output through linfa; the layout of the result is that of [`Problem`].
pub(super) fn solve(x: &SparseMatrix, problem: &Problem, params: &LogisticParams) -> Result<Vec<f64>> {
    params.check()?;
    if x.height() > MOST_ROWS {
        return Err(Error::data(format!(
            "too many rows for the linfa solver (found {}; at most {MOST_ROWS})",
            x.height()
        ))
        .hint("set solver = \"sparse\""));
    }
    let reduction = if x.height() <= x.width() { Reduction::by_rows(x) } else { Reduction::none(x) };
    let mut solution = vec![0.0; (x.width() + 1) * problem.outputs];
    // linfa's tolerance is of the gradient's norm itself, and its objective is ours over C.
    let tolerances: Vec<f64> =
        objective::norms_at_zero(x, problem).into_iter().map(|norm| params.tolerance * norm / params.c).collect();
    let fits: Vec<(Array1<f64>, f64)> = if problem.softmax {
        fit_classes(&reduction.rows, problem, params, tolerances[0])?
    } else {
        let fit = |(k, &tolerance)| fit_binary(&reduction.rows, problem, k, params, tolerance);
        tolerances.iter().enumerate().map(fit).collect::<Result<_>>()?
    };
    for (k, (u, intercept)) in fits.iter().enumerate() {
        for (column, weight) in reduction.weights(x, u).into_iter().enumerate() {
            solution[column * problem.outputs + k] = weight;
        }
        solution[x.width() * problem.outputs + k] = *intercept;
    }
    Ok(solution)
}

fn fit_binary(
    rows: &Array2<f64>,
    problem: &Problem,
    k: usize,
    params: &LogisticParams,
    tolerance: f64,
) -> Result<(Array1<f64>, f64)> {
    let answers: Array1<bool> = problem.answers.iter().skip(k).step_by(problem.outputs).copied().collect();
    let data = DatasetBase::new(rows.view(), answers);
    let fitted = with_looser_tolerances(tolerance, |tolerance| {
        LogisticRegression::default()
            .alpha(1.0 / params.c)
            .max_iterations(MOST_ITERATIONS)
            .gradient_tolerance(tolerance)
            .fit(&data)
    })?;
    // linfa calls the more frequent class positive.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    Ok((fitted.params() * sign, fitted.intercept() * sign))
}

fn fit_classes(
    rows: &Array2<f64>,
    problem: &Problem,
    params: &LogisticParams,
    tolerance: f64,
) -> Result<Vec<(Array1<f64>, f64)>> {
    let labels: Array1<usize> =
        problem.answers.chunks(problem.outputs).map(|row| row.iter().position(|&y| y).unwrap_or(0)).collect();
    let data = DatasetBase::new(rows.view(), labels);
    let fitted = with_looser_tolerances(tolerance, |tolerance| {
        MultiLogisticRegression::default()
            .alpha(1.0 / params.c)
            .max_iterations(MOST_ITERATIONS)
            .gradient_tolerance(tolerance)
            .fit(&data)
    })?;
    // Every output of a problem has a row, so linfa's sorted classes are 0..outputs.
    Ok((0..problem.outputs).map(|k| (fitted.params().column(k).to_owned(), fitted.intercept()[k])).collect())
}

/// linfa's line search gives up where the objective no longer falls in floating point: a looser tolerance is then asked
/// of it. How far it came is measured afterwards, on the objective itself.
fn with_looser_tolerances<T, E: std::fmt::Display>(
    mut tolerance: f64,
    fit: impl Fn(f64) -> std::result::Result<T, E>,
) -> Result<T> {
    let loosest = tolerance.max(1e-2);
    loop {
        match fit(tolerance) {
            Ok(fitted) => return Ok(fitted),
            // From zero, where zero weights are best, it would never grow.
            Err(_) if tolerance < loosest => tolerance = (10.0 * tolerance).max(f64::EPSILON),
            Err(e) => {
                return Err(Error::data(format!("the linfa solver failed: {e}")).hint("set solver = \"sparse\""));
            }
        }
    }
}

struct Reduction {
    rows: Array2<f64>,
    /// Pivot rows, in order; `None` where the rows are the matrix itself.
    pivots: Option<Vec<usize>>,
}

impl Reduction {
    fn none(x: &SparseMatrix) -> Self {
        let mut rows = Array2::zeros((x.height(), x.width()));
        for i in 0..x.height() {
            let (columns, values) = x.row(i);
            for (&column, &value) in columns.iter().zip(values) {
                rows[[i, column as usize]] = value;
            }
        }
        Reduction { rows, pivots: None }
    }

    fn by_rows(x: &SparseMatrix) -> Self {
        let n = x.height();
        let gram = gram(x);
        let mut left: Vec<f64> = (0..n).map(|i| gram[[i, i]]).collect();
        let most = left.iter().copied().fold(0.0, f64::max);
        let threshold = n as f64 * f64::EPSILON * most;
        let mut factor = Array2::zeros((n, n));
        let mut pivots = Vec::new();
        let mut taken = vec![false; n];
        // The first greatest residual wins, so that the order does not depend on anything but the rows.
        let greatest = |left: &[f64]| (0..n).fold(0, |best, i| if left[i] > left[best] { i } else { best });
        while pivots.len() < n {
            let (pivot, k) = (greatest(&left), pivots.len());
            if left[pivot] <= threshold {
                break;
            }
            let root = left[pivot].sqrt();
            let known: Array1<f64> = factor.slice(s![.., ..k]).dot(&factor.slice(s![pivot, ..k]));
            for i in (0..n).filter(|&i| !taken[i]) {
                let value = (gram[[i, pivot]] - known[i]) / root;
                factor[[i, k]] = value;
                left[i] -= value * value;
            }
            left[pivot] = 0.0;
            taken[pivot] = true;
            pivots.push(pivot);
        }
        let rank = pivots.len().max(1);
        Reduction { rows: factor.slice(s![.., ..rank]).to_owned(), pivots: Some(pivots) }
    }

    /// The weights over the matrix's columns of the weights `u` over the reduced ones.
    fn weights(&self, x: &SparseMatrix, u: &Array1<f64>) -> Vec<f64> {
        let Some(pivots) = &self.pivots else { return u.to_vec() };
        // L_Bᵀ v = u by back substitution, then w = X_Bᵀ v.
        let r = pivots.len();
        let mut v = vec![0.0; r];
        for k in (0..r).rev() {
            let known: f64 = (k + 1..r).map(|j| self.rows[[pivots[j], k]] * v[j]).sum();
            v[k] = (u[k] - known) / self.rows[[pivots[k], k]];
        }
        let mut weights = vec![0.0; x.width()];
        for (&pivot, v) in pivots.iter().zip(v) {
            let (columns, values) = x.row(pivot);
            for (&column, value) in columns.iter().zip(values) {
                weights[column as usize] += v * value;
            }
        }
        weights
    }
}

fn gram(x: &SparseMatrix) -> Array2<f64> {
    let n = x.height();
    let mut gram = Array2::zeros((n, n));
    let mut dense = vec![0.0; x.width()];
    for i in 0..n {
        let (columns, values) = x.row(i);
        for (&column, &value) in columns.iter().zip(values) {
            dense[column as usize] = value;
        }
        for j in i..n {
            let product = x.dot(j, &dense);
            gram[[i, j]] = product;
            gram[[j, i]] = product;
        }
        for &column in columns {
            dense[column as usize] = 0.0;
        }
    }
    gram
}
