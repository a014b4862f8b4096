//! Truncated Newton in the space of rows.
//!
//! The optimal weights are a combination of the rows, W = Xᵀ A, with one number a row and output. Each Newton step solves
//! (D⁻¹ + X Xᵀ) δ + 1 μᵀ = -D⁻¹ (A + G) with Σ_i δ_i = 0, where G holds each row's derivative of the loss by its scores, D
//! its second derivatives, and μ is the step of the free intercepts. Conjugate gradients, preconditioned by
//! (D⁻¹ + diag X Xᵀ)⁻¹ and kept in the space of vectors that sum to zero, stop early: the residual's share falls with the
//! gradient's, which keeps convergence superlinear. The step is then halved until the objective falls enough (Armijo).
//!
//! Each independent question, and each set of classes, is minimised on its own; those that wait for a product with X Xᵀ
//! share one reading of the matrix. None depends on those beside it, nor on threads.
//!
//! Source: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.1 and 16.2; Keerthi et al. 2005, "A Fast
//! Dual Algorithm for Kernel Logistic Regression", for the dual view.

use super::gram::{Asked, Gram, Lane, Real};
use super::logistic::{Problem, forward};
use super::{sigmoid, softmax};
use crate::sparse::SparseMatrix;

const MOST_NEWTON_STEPS: usize = 100;
const MOST_CG_STEPS: usize = 200;
const MOST_HALVINGS: usize = 30;
/// The share of the predicted decrease that a step must deliver.
const ARMIJO: f64 = 1e-4;
/// How exactly the first Newton equations are solved.
const LOOSEST_RESIDUAL: f64 = 0.5;
/// Products in single precision bring the gradient down to about a millionth of what it was.
const SINGLE_PRECISION: f64 = 2e-5;
/// Curvatures are not taken to be smaller than this.
const FLATTEST: f64 = 1e-12;

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

/// The gradient's norm at a solution over its norm at zero; of independent outputs the worst.
pub(super) fn relative_gradient(x: &SparseMatrix, problem: &Problem, solution: &[f64]) -> f64 {
    let (here, at_zero) = (gradient_norms(x, problem, solution), norms_at_zero(x, problem));
    here.iter().zip(&at_zero).map(|(g, g0)| g / g0.max(f64::MIN_POSITIVE)).fold(0.0, f64::max)
}

/// The gradient's norm at zero weights and intercepts: of independent outputs one each, of classes one.
pub(super) fn norms_at_zero(x: &SparseMatrix, problem: &Problem) -> Vec<f64> {
    gradient_norms(x, problem, &vec![0.0; (x.width() + 1) * problem.outputs])
}

fn gradient_norms(x: &SparseMatrix, problem: &Problem, solution: &[f64]) -> Vec<f64> {
    let lanes = problem.outputs;
    let residuals = residuals(problem, forward(x, lanes, solution));
    let mut gradient = backward(x, lanes, &residuals);
    gradient.iter_mut().zip(&solution[..x.width() * lanes]).for_each(|(g, w)| *g += w);
    let mut squares = vec![0.0; lanes];
    gradient.chunks_exact(lanes).for_each(|row| squares.iter_mut().zip(row).for_each(|(s, g)| *s += g * g));
    if problem.softmax {
        vec![squares.iter().sum::<f64>().sqrt()]
    } else {
        squares.into_iter().map(f64::sqrt).collect()
    }
}

fn residuals(problem: &Problem, scores: Vec<f64>) -> Vec<f64> {
    let mut residuals = scores;
    if problem.softmax {
        residuals.chunks_exact_mut(problem.outputs).for_each(softmax);
    } else {
        residuals.iter_mut().for_each(|s| *s = sigmoid(*s));
    }
    for ((r, &y), cost) in residuals.iter_mut().zip(&problem.answers).zip(&problem.costs) {
        *r = cost * (*r - f64::from(u8::from(y)));
    }
    residuals
}

/// Xᵀ R and the column sums of R, laid out as a solution is.
fn backward(x: &SparseMatrix, lanes: usize, rows: &[f64]) -> Vec<f64> {
    let mut out = x.transposed_times(rows, lanes);
    out.extend((0..lanes).map(|k| rows.iter().skip(k).step_by(lanes).sum::<f64>()));
    out
}

fn minimise<T: Real>(x: &SparseMatrix, problems: &[&Problem]) -> Vec<(Vec<f64>, f64)> {
    if problems.is_empty() {
        return Vec::new();
    }
    let gram = Gram::<T>::of(x);
    let mut searches: Vec<Search<'_>> = Vec::new();
    for problem in problems {
        let lanes = if problem.softmax { problem.outputs } else { 1 };
        searches
            .extend((0..problem.outputs).step_by(lanes).map(|k| Search::new(problem, k..k + lanes, gram.diagonal())));
    }
    let mut asked: Vec<Vec<f64>> = searches.iter().flat_map(Search::asks).collect();
    loop {
        let waiting = searches.iter().filter(|s| s.wants.is_some());
        let kinds: Vec<Asked> = waiting.flat_map(|s| s.wants.into_iter().cycle().take(s.lanes)).collect();
        if kinds.is_empty() {
            break;
        }
        let mut lanes: Vec<Lane<'_>> =
            kinds.into_iter().zip(&mut asked).map(|(asked, vector)| Lane { asked, vector }).collect();
        gram.answer(&mut lanes);
        let mut answers = asked.into_iter();
        for search in searches.iter_mut().filter(|s| s.wants.is_some()) {
            let own: Vec<Vec<f64>> = answers.by_ref().take(search.lanes).collect();
            search.take(&own);
        }
        asked = searches.iter().flat_map(Search::asks).collect();
    }
    let mut searches = searches.into_iter();
    problems
        .iter()
        .map(|problem| {
            let own: Vec<Search<'_>> =
                searches.by_ref().take(if problem.softmax { 1 } else { problem.outputs }).collect();
            let mut rows = vec![0.0; x.height() * problem.outputs];
            for search in &own {
                for (row, a) in rows.chunks_exact_mut(problem.outputs).zip(search.a.chunks_exact(search.lanes)) {
                    row[search.first..search.first + search.lanes].copy_from_slice(a);
                }
            }
            let mut solution = x.transposed_times(&rows, problem.outputs);
            solution.extend(own.iter().flat_map(|search| &search.b));
            (solution, own.iter().map(|search| search.share).fold(0.0, f64::max))
        })
        .collect()
}

/// The minimisation of one question, or of one set of classes, between two products with X Xᵀ.
///
/// Vectors hold `lanes` numbers a row.
struct Search<'a> {
    softmax: bool,
    /// The first of its outputs in the problem.
    first: usize,
    lanes: usize,
    tolerance: f64,
    diagonal: &'a [f64],
    /// The gold answers as 0 and 1.
    y: Vec<f64>,
    /// One a row and lane; the same in all lanes of a row.
    costs: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    /// X Xᵀ a
    product: Vec<f64>,
    /// What is added to the scores.
    offsets: Vec<f64>,
    probabilities: Vec<f64>,
    residuals: Vec<f64>,
    loss: f64,
    start_norm: f64,
    share: f64,
    steps: usize,
    wants: Option<Asked>,
    cg: ConjugateGradients,
}

/// Where the solution of one step's Newton equations stands.
#[derive(Default)]
struct ConjugateGradients {
    residual: Vec<f64>,
    preconditioned: Vec<f64>,
    search: Vec<f64>,
    energy: f64,
    target: f64,
    steps: usize,
    /// δ
    step: Vec<f64>,
    /// X Xᵀ δ
    product: Vec<f64>,
    /// μ
    intercepts: Vec<f64>,
    /// The inverse of Σ_i D_i (I + k_ii D_i)⁻¹.
    projection: Vec<f64>,
}

impl<'a> Search<'a> {
    fn new(problem: &Problem, outputs: std::ops::Range<usize>, diagonal: &'a [f64]) -> Self {
        let (first, lanes) = (outputs.start, outputs.len());
        let pick = |from: &[f64]| -> Vec<f64> {
            from.chunks_exact(problem.outputs).flat_map(|row| row[outputs.clone()].iter().copied()).collect()
        };
        let size = diagonal.len() * lanes;
        let y: Vec<f64> = problem.answers.iter().map(|&y| f64::from(u8::from(y))).collect();
        let offsets = if problem.offsets.is_empty() { vec![0.0; size] } else { pick(&problem.offsets) };
        let mut search = Search {
            softmax: problem.softmax,
            first,
            lanes,
            tolerance: problem.tolerance,
            diagonal,
            y: pick(&y),
            costs: pick(&problem.costs),
            a: vec![0.0; size],
            b: vec![0.0; lanes],
            product: vec![0.0; size],
            offsets,
            probabilities: Vec::new(),
            residuals: Vec::new(),
            loss: 0.0,
            start_norm: 0.0,
            share: 1.0,
            steps: 0,
            wants: Some(Asked::Square),
            cg: ConjugateGradients::default(),
        };
        search.look(search.scores(0.0));
        search
    }

    /// The vectors that a product or square is wanted of, one a lane.
    fn asks(&self) -> Vec<Vec<f64>> {
        let lane = |of: &dyn Fn(usize) -> f64, k: usize| (k..self.a.len()).step_by(self.lanes).map(of).collect();
        let all = |of: &dyn Fn(usize) -> f64| (0..self.lanes).map(|k| lane(of, k)).collect();
        match self.wants {
            None => Vec::new(),
            Some(Asked::Square) => all(&|j| self.a[j] + self.residuals[j]),
            Some(Asked::Product) => all(&|j| self.cg.search[j]),
        }
    }

    /// Goes on with what was asked for, up to the next want.
    fn take(&mut self, answers: &[Vec<f64>]) {
        match self.wants {
            None => {}
            Some(Asked::Square) => {
                let bias: f64 = self.sums(&self.residuals).iter().map(|g| g * g).sum();
                let norm = (answers.iter().map(|lane| lane[0]).sum::<f64>() + bias).sqrt();
                if self.steps == 0 {
                    self.start_norm = norm.max(f64::MIN_POSITIVE);
                }
                self.share = norm / self.start_norm;
                if self.share <= self.tolerance || self.steps == MOST_NEWTON_STEPS {
                    self.wants = None;
                } else {
                    self.start_equations();
                }
            }
            Some(Asked::Product) => {
                let mut product = vec![0.0; self.a.len()];
                for (k, lane) in answers.iter().enumerate() {
                    product.iter_mut().skip(k).step_by(self.lanes).zip(lane).for_each(|(to, v)| *to = *v);
                }
                if self.solve_further(&product) {
                    self.walk();
                }
            }
        }
    }

    /// The scores after a part of the step.
    fn scores(&self, part: f64) -> Vec<f64> {
        let mut scores: Vec<f64> = self.offsets.iter().zip(&self.product).map(|(o, p)| o + p).collect();
        let (step, b) = (&self.cg.product, &self.cg.intercepts);
        if part != 0.0 {
            scores.iter_mut().zip(step).for_each(|(s, d)| *s += part * d);
        }
        for row in scores.chunks_exact_mut(self.lanes) {
            for k in 0..self.lanes {
                row[k] += self.b[k] + if part == 0.0 { 0.0 } else { part * b[k] };
            }
        }
        scores
    }

    /// Loss, probabilities and residuals at some scores.
    fn look(&mut self, scores: Vec<f64>) {
        self.loss = self.loss_at(&scores);
        self.probabilities = scores;
        if self.softmax {
            self.probabilities.chunks_exact_mut(self.lanes).for_each(softmax);
        } else {
            self.probabilities.iter_mut().for_each(|s| *s = sigmoid(*s));
        }
        let residual = |j: usize| self.costs[j] * (self.probabilities[j] - self.y[j]);
        self.residuals = (0..self.a.len()).map(residual).collect();
    }

    fn loss_at(&self, scores: &[f64]) -> f64 {
        let rows = scores.chunks_exact(self.lanes).zip(self.y.chunks_exact(self.lanes));
        let loss = |(scores, y): (&[f64], &[f64])| {
            if self.softmax {
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let log_sum = most + scores.iter().map(|s| (s - most).exp()).sum::<f64>().ln();
                log_sum - scores.iter().zip(y).map(|(s, y)| s * y).sum::<f64>()
            } else {
                let margin = if y[0] > 0.0 { scores[0] } else { -scores[0] };
                // ln(1 + e^-m) without overflow
                (-margin.abs()).exp().ln_1p() + (-margin).max(0.0)
            }
        };
        rows.zip(self.costs.chunks_exact(self.lanes)).map(|(row, costs)| costs[0] * loss(row)).sum()
    }

    /// The curvature that a row's loss has in one lane, others held still.
    fn curvature(&self, j: usize) -> f64 {
        let p = self.probabilities[j];
        self.costs[j] * if self.softmax { p } else { p * (1.0 - p) }
    }

    fn start_equations(&mut self) {
        self.steps += 1;
        self.cg = ConjugateGradients {
            residual: self.a.iter().zip(&self.residuals).map(|(a, g)| -(a + g)).collect(),
            preconditioned: vec![0.0; self.a.len()],
            step: vec![0.0; self.a.len()],
            product: vec![0.0; self.a.len()],
            intercepts: vec![0.0; self.lanes],
            projection: self.projection(),
            ..ConjugateGradients::default()
        };
        self.project();
        self.cg.energy = self.inner(&self.cg.residual, &self.cg.preconditioned);
        let share = self.share.sqrt().min(LOOSEST_RESIDUAL).max(0.5 * self.tolerance / self.share);
        self.cg.target = self.cg.energy * share * share;
        self.cg.search.clone_from(&self.cg.preconditioned);
        self.wants = Some(Asked::Product);
    }

    /// One step of conjugate gradients; whether the equations are solved well enough.
    fn solve_further(&mut self, product: &[f64]) -> bool {
        let search = &self.cg.search;
        let curvature = self.inner(search, search) + dot(search, product);
        let length = if curvature > 0.0 { self.cg.energy / curvature } else { 0.0 };
        let bent = self.bend(product);
        let cg = &mut self.cg;
        cg.steps += 1;
        for j in 0..product.len() {
            cg.step[j] += length * cg.search[j];
            cg.product[j] += length * product[j];
            cg.residual[j] -= length * (cg.search[j] + bent[j]);
        }
        self.project();
        let next = self.inner(&self.cg.residual, &self.cg.preconditioned);
        // Written so that what is not a number ends it too.
        let go_on = next > self.cg.target && length > 0.0 && self.cg.steps < MOST_CG_STEPS;
        if go_on {
            let keep = next / self.cg.energy;
            let cg = &mut self.cg;
            cg.search.iter_mut().zip(&cg.preconditioned).for_each(|(s, fresh)| *s = fresh + keep * *s);
            cg.energy = next;
        }
        !go_on
    }

    /// Takes as much of the step as lets the objective fall.
    fn walk(&mut self) {
        let cg = &self.cg;
        let gradient: Vec<f64> = self.a.iter().zip(&self.residuals).map(|(a, g)| a + g).collect();
        let slope = dot(&gradient, &cg.product) + dot(&self.sums(&self.residuals), &cg.intercepts);
        let (cross, square) = (dot(&self.product, &cg.step), dot(&cg.step, &cg.product));
        let mut part = 1.0;
        for _ in 0..MOST_HALVINGS {
            let scores = self.scores(part);
            let penalty = part * cross + 0.5 * part * part * square;
            // Near the optimum the decrease drowns in rounding: a change of a few ulps is no failure.
            let slack = 1e-14 * self.loss.abs();
            if self.loss_at(&scores) - self.loss + penalty <= ARMIJO * part * slope + slack {
                let cg = &self.cg;
                self.a.iter_mut().zip(&cg.step).for_each(|(a, d)| *a += part * d);
                self.b.iter_mut().zip(&cg.intercepts).for_each(|(b, d)| *b += part * d);
                self.product.iter_mut().zip(&cg.product).for_each(|(p, d)| *p += part * d);
                self.look(scores);
                self.wants = Some(Asked::Square);
                return;
            }
            part *= 0.5;
        }
        self.wants = None;
    }

    /// Takes from the residual what a step of the intercepts explains, so that the preconditioned residual sums to zero.
    fn project(&mut self) {
        let rough = self.precondition(&self.cg.residual);
        let sums = self.sums(&rough);
        let l = self.lanes;
        let shift: Vec<f64> = (0..l).map(|k| dot(&self.cg.projection[k * l..(k + 1) * l], &sums)).collect();
        let rows: Vec<f64> = shift.iter().copied().cycle().take(self.a.len()).collect();
        let bent = self.bend(&rows);
        self.cg.residual.iter_mut().zip(&bent).for_each(|(r, b)| *r -= b);
        self.cg.intercepts.iter_mut().zip(&shift).for_each(|(total, s)| *total += s);
        self.cg.preconditioned = self.precondition(&self.cg.residual);
    }

    /// (I + k_ii D_i)⁻¹ v_i for each row; of classes by the formula of Sherman and Morrison.
    fn precondition(&self, vector: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; vector.len()];
        for (i, &square) in self.diagonal.iter().enumerate() {
            let row = i * self.lanes..(i + 1) * self.lanes;
            if !self.softmax {
                out[i] = vector[i] / (1.0 + square * self.curvature(i));
                continue;
            }
            let scale = self.costs[row.start] * square;
            let p = &self.probabilities[row.clone()];
            let (mut above, mut below) = (0.0, 0.0);
            for ((out, v), p) in out[row.clone()].iter_mut().zip(&vector[row.clone()]).zip(p) {
                let damped = 1.0 / (1.0 + scale * p);
                *out = v * damped;
                above += p * damped * v;
                below += p * damped;
            }
            for (out, p) in out[row].iter_mut().zip(p) {
                *out += scale * p / (1.0 + scale * p) * above / below;
            }
        }
        out
    }

    /// D v
    fn bend(&self, vector: &[f64]) -> Vec<f64> {
        if !self.softmax {
            return vector.iter().enumerate().map(|(j, v)| self.curvature(j) * v).collect();
        }
        let mut out = Vec::with_capacity(vector.len());
        let rows = vector.chunks_exact(self.lanes).zip(self.probabilities.chunks_exact(self.lanes));
        for ((row, p), costs) in rows.zip(self.costs.chunks_exact(self.lanes)) {
            let mean = dot(row, p);
            out.extend(row.iter().zip(p).map(|(v, p)| costs[0] * p * (v - mean)));
        }
        out
    }

    /// The inverse of Σ_i D_i (I + k_ii D_i)⁻¹. The intercepts of classes may all move by one number: the mean of the
    /// diagonal, spread over the sum of all classes, stands for what is not determined.
    fn projection(&self) -> Vec<f64> {
        let l = self.lanes;
        let mut sums = vec![0.0; l * l];
        for column in 0..l {
            let unit: Vec<f64> = (0..self.a.len()).map(|j| f64::from(u8::from(j % l == column))).collect();
            for (k, sum) in self.sums(&self.precondition(&self.bend(&unit))).into_iter().enumerate() {
                sums[k * l + column] = sum;
            }
        }
        if self.softmax {
            let mean = (0..l).map(|k| sums[k * l + k]).sum::<f64>() / l as f64;
            sums.iter_mut().for_each(|s| *s += mean / l as f64);
        }
        inverse(sums, l)
    }

    /// ⟨a, b⟩ in the norm of D⁻¹.
    fn inner(&self, a: &[f64], b: &[f64]) -> f64 {
        (0..a.len()).map(|j| a[j] * b[j] / self.curvature(j).max(FLATTEST)).sum()
    }

    fn sums(&self, vector: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.lanes];
        vector.chunks_exact(self.lanes).for_each(|row| sums.iter_mut().zip(row).for_each(|(s, v)| *s += v));
        sums
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
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
