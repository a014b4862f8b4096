//! Dual coordinate descent, row by row, over all outputs in one reading of the rows.
//!
//! The optimal weights are a combination of the rows, W = Xᵀ A, where a row's numbers are the negative derivatives of its
//! loss by its scores: A = -G. A sweep takes the rows in random order and gives each the numbers that minimise the
//! objective's dual with all others held still, which [`proximal`] finds; the weights follow at once.
//!
//! The intercepts are free, for which the numbers of all rows must sum to zero. They are held to it by the method of
//! multipliers: b = m + ρ Σ_i A_i moves with every row, and after each sweep m takes the value of b.
//!
//! While sweeping, A + G of each row as it was met says how far the search is, for nothing. Where that is promising the
//! gradient Xᵀ (A + G) itself is measured, at intercepts that a few Newton steps have made the best for the weights; it
//! alone ends a search.
//!
//! Each independent question, and each set of classes, is a search of its own. None depends on those beside it, nor on
//! threads.
//!
//! Sources: Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM"; Yu, Huang and Lin 2011, "Dual
//! coordinate descent methods for logistic regression and maximum entropy models"; Bertsekas 1982, "Constrained
//! Optimization and Lagrange Multiplier Methods".

use super::naive_bayes::{self, Prior};
use super::objective::Problem;
use super::proximal;
use super::rows::{Real, Rows, Weights};
use super::{sigmoid, softmax};
use crate::sparse::SparseMatrix;
use std::ops::Range;

const MOST_SWEEPS: usize = 1000;
/// The gradient is measured at least this often.
const MOST_UNMEASURED: usize = 20;
/// What share of A + G as it was met in a sweep the gradient after it is, until it was measured: mostly it is less.
const LIKELY_RATIO: f64 = 0.5;
/// Sums in single precision bring the gradient down to about a millionth of what it was.
const SINGLE_PRECISION: f64 = 2e-5;
const MOST_INTERCEPT_STEPS: usize = 20;

/// Minimises each problem's objective until its gradient norms are below its tolerance times their norms at zero; gives
/// the solutions and the worst of those shares.
pub(super) fn solve(x: &SparseMatrix, problems: &[&Problem]) -> Vec<(Vec<f64>, f64)> {
    let (fine, coarse): (Vec<usize>, Vec<usize>) =
        (0..problems.len()).partition(|&p| problems[p].tolerance < SINGLE_PRECISION);
    let pick = |chosen: &[usize]| chosen.iter().map(|&p| problems[p]).collect::<Vec<_>>();
    let mut solved: Vec<_> = fine.iter().copied().zip(minimise::<f64>(x, &pick(&fine))).collect();
    solved.extend(coarse.iter().copied().zip(minimise::<f32>(x, &pick(&coarse))));
    solved.sort_by_key(|(p, _)| *p);
    solved.into_iter().map(|(_, solution)| solution).collect()
}

fn minimise<T: Real>(x: &SparseMatrix, problems: &[&Problem]) -> Vec<(Vec<f64>, f64)> {
    if problems.is_empty() {
        return Vec::new();
    }
    let rows = Rows::<T>::of(x);
    let priors = naive_bayes::priors(&rows, problems);
    let mut searches: Vec<Search<'_, T>> = Vec::new();
    for (problem, prior) in problems.iter().zip(&priors) {
        let lanes = if problem.softmax { problem.outputs } else { 1 };
        let search = |k| Search::new(problem, k..k + lanes, prior.as_ref(), &rows);
        searches.extend((0..problem.outputs).step_by(lanes).map(search));
    }
    measure(&rows, None, &mut searches.iter_mut().collect::<Vec<_>>());
    sweep_until_done(&rows, searches.iter_mut().filter(|search| !search.is_done()).collect());
    let mut searches = searches.into_iter();
    problems
        .iter()
        .zip(&priors)
        .map(|(problem, prior)| {
            let own: Vec<Search<'_, T>> =
                searches.by_ref().take(if problem.softmax { 1 } else { problem.outputs }).collect();
            let mut solution = vec![0.0; x.width() * problem.outputs];
            for search in &own {
                let lanes = search.lanes();
                for (k, output) in search.outputs.clone().enumerate() {
                    let mut weights = rows.columns(&search.weights[k], |i| search.a[i * lanes + k]);
                    if let Some(prior) = prior {
                        // The search sees what the prior leaves to be explained.
                        weights.iter_mut().zip(&prior.weights[output]).for_each(|(w, p)| *w += p);
                    }
                    rows.spread(&weights, problem.outputs, &mut solution[output..]);
                }
            }
            solution.extend(own.iter().flat_map(|search| &search.b));
            (solution, own.iter().map(|search| search.share).fold(0.0, f64::max))
        })
        .collect()
}

fn sweep_until_done<T: Real>(rows: &Rows<T>, mut searches: Vec<&mut Search<'_, T>>) {
    let mut weights = rows.weights(searches.iter().map(|s| s.lanes()).sum());
    let mut order: Vec<usize> = (0..rows.height()).collect();
    let mut random = fastrand::Rng::with_seed(0);
    for sweep in 1..=MOST_SWEEPS {
        if searches.is_empty() {
            return;
        }
        random.shuffle(&mut order);
        let lanes: usize = searches.iter().map(|s| s.lanes()).sum();
        let (mut products, mut steps) = (vec![0.0; lanes], vec![0.0; lanes]);
        for &i in &order {
            rows.read(i, &weights, &mut products);
            let mut first = 0;
            for search in &mut searches {
                let lanes = first..first + search.lanes();
                search.answer_row(i, rows.own(i), rows.square(i), &products[lanes.clone()], &mut steps[lanes.clone()]);
                first = lanes.end;
            }
            rows.add(i, &steps, &mut weights);
        }
        searches.iter_mut().for_each(|search| search.end_sweep(sweep == MOST_SWEEPS));
        if searches.iter().any(|search| search.promising) {
            measure(rows, Some(&weights), &mut searches);
            let mut kept = Vec::new();
            let mut first = 0;
            for search in &mut searches {
                let lanes = first..first + search.lanes();
                first = lanes.end;
                if search.is_done() || sweep == MOST_SWEEPS {
                    search.weights = lanes.map(|lane| weights.of_output(lane)).collect();
                } else {
                    kept.extend(lanes);
                }
            }
            if kept.len() < first {
                weights = weights.of_outputs(&kept);
                searches.retain(|search| !search.is_done());
            }
        }
    }
}

/// Measures the gradient of each promising search at its weights; without weights, of every search at zero.
fn measure<T: Real>(rows: &Rows<T>, weights: Option<&Weights<T>>, searches: &mut [&mut Search<'_, T>]) {
    let lanes: usize = searches.iter().map(|s| s.lanes()).sum();
    if let Some(weights) = weights {
        let mut products = vec![0.0; lanes];
        for i in 0..rows.height() {
            rows.read(i, weights, &mut products);
            let mut first = 0;
            for search in searches.iter_mut() {
                search.see_row(i, rows.own(i), &products[first..first + search.lanes()]);
                first += search.lanes();
            }
        }
        searches.iter_mut().filter(|search| search.promising).for_each(|search| search.polish_intercepts());
    }
    let promising: usize = searches.iter().filter(|s| s.promising).map(|s| s.lanes()).sum();
    let mut gradient = rows.weights(promising);
    let mut own = vec![0.0; promising];
    let mut row = vec![0.0; promising];
    for i in 0..rows.height() {
        let mut first = 0;
        for search in searches.iter().filter(|search| search.promising) {
            search.gap(i, &mut row[first..first + search.lanes()]);
            first += search.lanes();
        }
        own.iter_mut().zip(&row).for_each(|(own, r)| *own += rows.own(i) * r * r);
        rows.add(i, &row, &mut gradient);
    }
    let squares: Vec<f64> = gradient.squares().iter().zip(own).map(|(shared, own)| shared + own).collect();
    let mut first = 0;
    for search in searches.iter_mut().filter(|search| search.promising) {
        let lanes = first..first + search.lanes();
        search.end_measurement(squares[lanes.clone()].iter().sum());
        first = lanes.end;
    }
}

/// The minimisation of one question, or of one set of classes. Vectors hold one number an output and row.
struct Search<'a, T> {
    problem: &'a Problem,
    /// What is added to the scores of each row, laid out as the problem's vectors are; empty for nothing.
    offsets: &'a [f64],
    /// Its outputs in the problem.
    outputs: Range<usize>,
    a: Vec<f64>,
    b: Vec<f64>,
    /// At the end of the search, Xᵀ A over the shared columns by output; empty for zero.
    weights: Vec<Vec<T>>,
    /// m
    multipliers: Vec<f64>,
    /// Σ_i A_i
    sums: Vec<f64>,
    /// ρ
    bias: f64,
    /// The scores when the gradient was last measured, less the intercepts.
    scores: Vec<f64>,
    /// Room for one row's.
    near: Vec<f64>,
    point: Vec<f64>,
    /// Σ_i ‖x_i‖² ‖A_i + G_i‖², each as it was met.
    met: f64,
    /// The gradient's norm over the square root of that, when it was last measured.
    ratio: f64,
    unmeasured: usize,
    promising: bool,
    start_norm: f64,
    /// The gradient's norm over that at zero.
    share: f64,
}

impl<'a, T: Real> Search<'a, T> {
    fn new(problem: &'a Problem, outputs: Range<usize>, prior: Option<&'a Prior>, rows: &Rows<T>) -> Self {
        let lanes = outputs.len();
        let size = rows.height() * lanes;
        let mean = (0..rows.height()).map(|i| rows.square(i)).sum::<f64>() / rows.height() as f64;
        let mut search = Search {
            problem,
            offsets: prior.map_or(&[], |prior| &prior.scores),
            outputs,
            a: vec![0.0; size],
            b: vec![0.0; lanes],
            weights: vec![Vec::new(); lanes],
            multipliers: vec![0.0; lanes],
            sums: vec![0.0; lanes],
            // As a column of the matrix that every row holds would move them.
            bias: if mean > 0.0 { mean } else { 1.0 },
            scores: vec![0.0; size],
            near: vec![0.0; lanes],
            point: vec![0.0; lanes],
            met: 0.0,
            ratio: LIKELY_RATIO,
            unmeasured: 0,
            promising: true,
            start_norm: 0.0,
            share: 1.0,
        };
        for i in 0..rows.height() {
            let offsets = search.row_of(search.offsets, i).to_vec();
            search.scores[i * lanes..(i + 1) * lanes].iter_mut().zip(offsets).for_each(|(s, o)| *s = o);
        }
        search
    }

    fn lanes(&self) -> usize {
        self.outputs.len()
    }

    fn is_done(&self) -> bool {
        self.share <= self.problem.tolerance
    }

    /// A row's part of one of the problem's vectors; of an empty one, nothing.
    fn row_of<'v, V>(&self, vector: &'v [V], i: usize) -> &'v [V] {
        let first = i * self.problem.outputs;
        if vector.is_empty() { vector } else { &vector[first + self.outputs.start..first + self.outputs.end] }
    }

    /// Turns scores into probabilities.
    fn probabilities(&self, scores: &mut [f64]) {
        if self.problem.softmax { softmax(scores) } else { scores[0] = sigmoid(scores[0]) }
    }

    /// Gives row `i` its best numbers; `steps` takes by how much they changed. `products` are those of the row with the
    /// weights, but for the columns that it alone holds.
    fn answer_row(&mut self, i: usize, own: f64, square: f64, products: &[f64], steps: &mut [f64]) {
        let lanes = self.lanes();
        let at = i * lanes;
        let stiffness = square + self.bias;
        for (k, product) in products.iter().enumerate().take(lanes) {
            let a = self.a[at + k];
            self.near[k] = product + own * a + self.multipliers[k] + self.bias * self.sums[k];
        }
        let offsets = self.row_of(self.offsets, i);
        self.near.iter_mut().zip(offsets).for_each(|(score, offset)| *score += offset);
        for k in 0..lanes {
            self.point[k] = self.near[k] - stiffness * self.a[at + k];
        }
        let (answers, cost) = (self.row_of(&self.problem.answers, i), self.row_of(&self.problem.costs, i)[0]);
        if self.problem.softmax {
            proximal::classes(&mut self.point, stiffness * cost, answers, &self.near);
            softmax(&mut self.near);
        } else {
            self.point[0] = proximal::yes(self.point[0], stiffness * cost, answers[0], self.near[0]);
            self.near[0] = sigmoid(self.near[0]);
        }
        for k in 0..lanes {
            let y = f64::from(u8::from(answers[k]));
            let (a, best) = (self.a[at + k], cost * (y - self.point[k]));
            let gap = a + cost * (self.near[k] - y);
            self.met += square * gap * gap;
            self.a[at + k] = best;
            self.sums[k] += best - a;
            steps[k] = best - a;
        }
    }

    fn end_sweep(&mut self, last: bool) {
        for k in 0..self.lanes() {
            self.multipliers[k] += self.bias * self.sums[k];
        }
        self.b.clone_from(&self.multipliers);
        self.unmeasured += 1;
        let likely = self.ratio * self.met.sqrt() <= self.problem.tolerance * self.start_norm;
        self.promising = likely || last || self.unmeasured == MOST_UNMEASURED;
        if !self.promising {
            self.met = 0.0;
        }
    }

    /// Takes note of a row's products with the weights, for a measurement.
    fn see_row(&mut self, i: usize, own: f64, products: &[f64]) {
        if !self.promising {
            return;
        }
        let lanes = self.lanes();
        let offsets = self.row_of(self.offsets, i);
        for (k, product) in products.iter().enumerate().take(lanes) {
            let offset = offsets.get(k).copied().unwrap_or(0.0);
            self.scores[i * lanes + k] = product + own * self.a[i * lanes + k] + offset;
        }
    }

    /// A + G of a row.
    fn gap(&self, i: usize, out: &mut [f64]) {
        let lanes = self.lanes();
        let row = i * lanes..(i + 1) * lanes;
        for (k, s) in self.scores[row.clone()].iter().enumerate() {
            out[k] = s + self.b[k];
        }
        self.probabilities(out);
        let (answers, cost) = (self.row_of(&self.problem.answers, i), self.row_of(&self.problem.costs, i)[0]);
        for (k, a) in self.a[row].iter().enumerate() {
            out[k] = a + cost * (out[k] - f64::from(u8::from(answers[k])));
        }
    }

    /// Newton's method on the intercepts, the weights held still, as long as it helps.
    fn polish_intercepts(&mut self) {
        let l = self.lanes();
        let enough = 0.1 * self.problem.tolerance * self.start_norm;
        let mut best = (f64::INFINITY, self.b.clone());
        for _ in 0..MOST_INTERCEPT_STEPS {
            let (slopes, curvature) = self.intercept_derivatives();
            let norm = slopes.iter().map(|g| g * g).sum::<f64>().sqrt();
            if norm >= best.0 {
                break;
            }
            best = (norm, self.b.clone());
            if norm <= enough {
                break;
            }
            let inverse = inverse(curvature, l);
            for k in 0..l {
                self.b[k] -= (0..l).map(|j| inverse[k * l + j] * slopes[j]).sum::<f64>();
            }
        }
        self.b = best.1;
        for k in 0..l {
            self.multipliers[k] = self.b[k] - self.bias * self.sums[k];
        }
    }

    /// The loss's first and second derivatives by the intercepts.
    fn intercept_derivatives(&self) -> (Vec<f64>, Vec<f64>) {
        let l = self.lanes();
        let (mut slopes, mut curvature) = (vec![0.0; l], vec![0.0; l * l]);
        let mut p = vec![0.0; l];
        for (i, scores) in self.scores.chunks_exact(l).enumerate() {
            p.iter_mut().zip(scores).zip(&self.b).for_each(|((p, s), b)| *p = s + b);
            self.probabilities(&mut p);
            let (answers, cost) = (self.row_of(&self.problem.answers, i), self.row_of(&self.problem.costs, i)[0]);
            for k in 0..l {
                slopes[k] += cost * (p[k] - f64::from(u8::from(answers[k])));
                curvature[k * l + k] += cost * p[k];
                for j in 0..l {
                    curvature[k * l + j] -= cost * p[k] * p[j];
                }
            }
        }
        if self.problem.softmax {
            // The intercepts of classes may all move by one number: this holds it still.
            let mean = (0..l).map(|k| curvature[k * l + k]).sum::<f64>() / l as f64;
            curvature.iter_mut().for_each(|v| *v += mean / l as f64);
        }
        (slopes, curvature)
    }

    fn end_measurement(&mut self, shared: f64) {
        let intercepts: f64 = self.intercept_derivatives().0.iter().map(|g| g * g).sum();
        let norm = (shared + intercepts).sqrt();
        if self.start_norm == 0.0 {
            self.start_norm = norm.max(f64::MIN_POSITIVE);
        } else {
            self.ratio = norm / self.met.sqrt().max(f64::MIN_POSITIVE);
        }
        self.share = norm / self.start_norm;
        self.promising = false;
        self.unmeasured = 0;
        self.met = 0.0;
    }
}

/// The inverse of a positive definite matrix of few rows, by Gauss and Jordan.
fn inverse(mut m: Vec<f64>, l: usize) -> Vec<f64> {
    let mut inverse: Vec<f64> = (0..l * l).map(|at| f64::from(u8::from(at / l == at % l))).collect();
    for pivot in 0..l {
        let by = m[pivot * l + pivot].max(f64::MIN_POSITIVE);
        for matrix in [&mut m, &mut inverse] {
            matrix[pivot * l..(pivot + 1) * l].iter_mut().for_each(|v| *v /= by);
        }
        for row in (0..l).filter(|&row| row != pivot) {
            let factor = m[row * l + pivot];
            for matrix in [&mut m, &mut inverse] {
                for column in 0..l {
                    matrix[row * l + column] -= factor * matrix[pivot * l + column];
                }
            }
        }
    }
    inverse
}
