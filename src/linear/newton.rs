//! Truncated Newton on sparse rows.
//!
//! Each step solves the Newton equations by conjugate gradients, preconditioned by the Hessian's diagonal and stopped
//! early (the residual's share falls with the gradient's, which keeps convergence superlinear), then halves the step
//! until the objective falls enough (Armijo). Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.1.
//!
//! All outputs of a task share each pass over the matrix: weights lie column by column, so that one stored value serves
//! every output. Independent questions keep their own step lengths; softmax classes move together. Sums run in one
//! fixed order, so the result does not depend on threads.

use super::logistic::{Problem, forward};
use super::sigmoid;
use crate::sparse::{SparseMatrix, SparseRow};

const MOST_NEWTON_STEPS: usize = 100;
const MOST_CG_STEPS: usize = 200;
const MOST_HALVINGS: usize = 30;
/// The share of the predicted decrease that a step must deliver.
const ARMIJO: f64 = 1e-4;
/// How exactly the first Newton equations are solved.
const LOOSEST_RESIDUAL: f64 = 0.25;

/// Minimises the problem's objective until each gradient norm is below `tolerance` times its norm at zero; gives the
/// solution and the worst of those shares.
pub(super) fn solve(problem: &Problem<'_>, tolerance: f64) -> (Vec<f64>, f64) {
    let condensed = Condensed::of(problem.x);
    let small = Problem {
        x: &condensed.matrix,
        offsets: problem.offsets.clone(),
        answers: problem.answers.clone(),
        costs: problem.costs.clone(),
        ..*problem
    };
    let (solution, gradient) = minimise(&small, tolerance);
    // Merging keeps every norm, the gradient's too.
    (condensed.expand(&solution, problem.outputs), gradient)
}

/// The gradient's norm at a solution over its norm at zero; of independent outputs the worst.
pub(super) fn relative_gradient(problem: &Problem<'_>, solution: &[f64]) -> f64 {
    let groups = Groups::of(problem);
    let norms_at = |solution: &[f64]| {
        let mut scores = vec![0.0; problem.x.height() * problem.outputs];
        forward(problem.x, problem.outputs, solution, &mut scores);
        groups.norms(&gradient_of(problem, &State::at(problem, &scores), solution))
    };
    worst_share(&norms_at(solution), &norms_at(&vec![0.0; solution.len()]))
}

fn worst_share(norms: &[f64], at_zero: &[f64]) -> f64 {
    norms.iter().zip(at_zero).map(|(g, g0)| g / g0.max(f64::MIN_POSITIVE)).fold(0.0, f64::max)
}

/// The same problem with fewer columns in a better order.
///
/// Columns that hold one row only, the greater part of any vocabulary, are merged row by row: at the optimum their
/// weights are proportional to their values, so one column with the norm of their values stands for all of them, exactly.
/// The others are ordered by how many rows hold them, so that the weights in constant use lie together in the cache.
struct Condensed {
    matrix: SparseMatrix,
    /// For each original column its new one and the factor to its weight.
    places: Vec<(u32, f64)>,
}

impl Condensed {
    fn of(x: &SparseMatrix) -> Self {
        let mut holders = vec![0u32; x.width()];
        for i in 0..x.height() {
            x.row(i).0.iter().for_each(|&column| holders[column as usize] += 1);
        }
        let mut shared: Vec<u32> = (0..x.width() as u32).filter(|&c| holders[c as usize] > 1).collect();
        shared.sort_by_key(|&c| (std::cmp::Reverse(holders[c as usize]), c));
        let mut places = vec![(0, 0.0); x.width()];
        for (new, &old) in (0..).zip(&shared) {
            places[old as usize] = (new, 1.0);
        }
        let mut width = shared.len() as u32;
        let rows: Vec<SparseRow> = (0..x.height())
            .map(|i| {
                let (columns, values) = x.row(i);
                let single = |column: u32| holders[column as usize] == 1;
                let mut pairs: Vec<(u32, f64)> = Vec::with_capacity(columns.len());
                let mut square = 0.0;
                for (&column, &value) in columns.iter().zip(values) {
                    if single(column) {
                        square += value * value;
                    } else {
                        pairs.push((places[column as usize].0, value));
                    }
                }
                pairs.sort_unstable_by_key(|&(column, _)| column);
                if square > 0.0 {
                    let norm = square.sqrt();
                    for (&column, &value) in columns.iter().zip(values).filter(|(c, _)| single(**c)) {
                        places[column as usize] = (width, value / norm);
                    }
                    pairs.push((width, norm));
                    width += 1;
                }
                SparseRow::from_sorted(pairs)
            })
            .collect();
        Condensed { matrix: SparseMatrix::from_rows(width as usize, rows), places }
    }

    /// The solution over the original columns.
    fn expand(&self, solution: &[f64], lanes: usize) -> Vec<f64> {
        let mut expanded = Vec::with_capacity((self.places.len() + 1) * lanes);
        for &(column, factor) in &self.places {
            let at = column as usize * lanes;
            expanded.extend(solution[at..at + lanes].iter().map(|w| w * factor));
        }
        expanded.extend_from_slice(&solution[self.matrix.width() * lanes..]);
        expanded
    }
}

fn minimise(problem: &Problem<'_>, tolerance: f64) -> (Vec<f64>, f64) {
    let (x, lanes) = (problem.x, problem.outputs);
    let groups = Groups::of(problem);
    let curvature = Curvature::of(x);
    let weights = x.width() * lanes;
    let size = weights + lanes;

    let mut solution = vec![0.0; size];
    let mut scores = problem.offsets.clone();
    scores.resize(x.height() * lanes, 0.0);
    let mut state = State::at(problem, &scores);
    let mut gradient = gradient_of(problem, &state, &solution);
    let start_norms = groups.norms(&gradient);
    let mut stalled = vec![false; groups.count];

    for _ in 0..MOST_NEWTON_STEPS {
        let norms = groups.norms(&gradient);
        let active: Vec<bool> =
            (0..groups.count).map(|g| !stalled[g] && norms[g] > tolerance * start_norms[g]).collect();
        if !active.contains(&true) {
            break;
        }
        let residual_shares: Vec<f64> =
            norms.iter().zip(&start_norms).map(|(n, s)| (n / s).sqrt().min(LOOSEST_RESIDUAL)).collect();
        let direction = newton_direction(problem, &curvature, &groups, &state, &gradient, &active, &residual_shares);

        // Along the direction, scores and penalty are known functions of the step: no further pass over the matrix.
        let mut along = vec![0.0; scores.len()];
        forward(x, lanes, &direction, &mut along);
        let slope = groups.dots(&gradient, &direction);
        let cross = groups.dots(&solution[..weights], &direction[..weights]);
        let square = groups.dots(&direction[..weights], &direction[..weights]);
        let mut step: Vec<f64> = active.iter().map(|&a| if a { 1.0 } else { 0.0 }).collect();
        let mut searching = active.clone();
        let mut trial = scores.clone();
        for _ in 0..MOST_HALVINGS {
            trial.copy_from_slice(&scores);
            add_scaled(&mut trial, &groups.by_lane(&step), &along);
            let losses = losses(problem, &groups, &trial);
            for g in 0..groups.count {
                let penalty = step[g] * cross[g] + 0.5 * step[g] * step[g] * square[g];
                // Near the optimum the decrease drowns in rounding: a change of a few ulps is no failure.
                let slack = 1e-14 * state.losses[g].abs();
                if searching[g] && losses[g] - state.losses[g] + penalty <= ARMIJO * step[g] * slope[g] + slack {
                    searching[g] = false;
                }
            }
            if !searching.contains(&true) {
                break;
            }
            for g in 0..groups.count {
                if searching[g] {
                    step[g] *= 0.5;
                }
            }
        }
        for g in 0..groups.count {
            if searching[g] {
                stalled[g] = true;
                step[g] = 0.0;
            }
        }
        let step = groups.by_lane(&step);
        add_scaled(&mut solution, &step, &direction);
        add_scaled(&mut scores, &step, &along);
        state = State::at(problem, &scores);
        gradient = gradient_of(problem, &state, &solution);
    }
    let share = worst_share(&groups.norms(&gradient), &start_norms);
    (solution, share)
}

/// into += factor · from, with one factor a lane.
fn add_scaled(into: &mut [f64], factors: &[f64], from: &[f64]) {
    let lanes = factors.len();
    for (into, from) in into.chunks_exact_mut(lanes).zip(from.chunks_exact(lanes)) {
        for k in 0..lanes {
            into[k] += factors[k] * from[k];
        }
    }
}

/// Which outputs are optimised together: each on its own, or all as one.
struct Groups {
    count: usize,
    lanes: usize,
}

impl Groups {
    fn of(problem: &Problem<'_>) -> Self {
        Groups { count: if problem.softmax { 1 } else { problem.outputs }, lanes: problem.outputs }
    }

    /// One value a lane of one value a group.
    fn by_lane(&self, values: &[f64]) -> Vec<f64> {
        if self.count == 1 { vec![values[0]; self.lanes] } else { values.to_vec() }
    }

    fn dots(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.lanes];
        for (a, b) in a.chunks_exact(self.lanes).zip(b.chunks_exact(self.lanes)) {
            for k in 0..self.lanes {
                sums[k] += a[k] * b[k];
            }
        }
        if self.count == 1 { vec![sums.iter().sum()] } else { sums }
    }

    fn norms(&self, a: &[f64]) -> Vec<f64> {
        self.dots(a, a).into_iter().map(f64::sqrt).collect()
    }
}

/// Losses, residuals and curvatures at some scores; all already times the cost of their row.
struct State {
    losses: Vec<f64>,
    /// cost · (probability - answer)
    residuals: Vec<f64>,
    probabilities: Vec<f64>,
}

impl State {
    fn at(problem: &Problem<'_>, scores: &[f64]) -> Self {
        let probabilities = probabilities(problem, scores);
        let residuals = probabilities
            .iter()
            .zip(&problem.answers)
            .zip(&problem.costs)
            .map(|((p, &y), cost)| cost * (p - f64::from(u8::from(y))))
            .collect();
        State { losses: losses(problem, &Groups::of(problem), scores), residuals, probabilities }
    }
}

fn probabilities(problem: &Problem<'_>, scores: &[f64]) -> Vec<f64> {
    let mut probabilities = scores.to_vec();
    if problem.softmax {
        probabilities.chunks_exact_mut(problem.outputs).for_each(super::softmax);
    } else {
        probabilities.iter_mut().for_each(|s| *s = sigmoid(*s));
    }
    probabilities
}

fn losses(problem: &Problem<'_>, groups: &Groups, scores: &[f64]) -> Vec<f64> {
    let lanes = problem.outputs;
    let mut losses = vec![0.0; groups.count];
    for (i, row) in scores.chunks_exact(lanes).enumerate() {
        let answers = &problem.answers[i * lanes..(i + 1) * lanes];
        let costs = &problem.costs[i * lanes..(i + 1) * lanes];
        if problem.softmax {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = most + row.iter().map(|s| (s - most).exp()).sum::<f64>().ln();
            let own: f64 = row.iter().zip(answers).filter(|(_, y)| **y).map(|(s, _)| s).sum();
            losses[0] += costs[0] * (log_sum - own);
        } else {
            for k in 0..lanes {
                let margin = if answers[k] { row[k] } else { -row[k] };
                // ln(1 + e^-m) without overflow
                losses[k] += costs[k] * ((-margin.abs()).exp().ln_1p() + (-margin).max(0.0));
            }
        }
    }
    losses
}

fn gradient_of(problem: &Problem<'_>, state: &State, solution: &[f64]) -> Vec<f64> {
    let mut gradient = vec![0.0; solution.len()];
    backward(problem.x, problem.outputs, &state.residuals, &mut gradient);
    let weights = problem.x.width() * problem.outputs;
    for (g, w) in gradient[..weights].iter_mut().zip(solution) {
        *g += w;
    }
    gradient
}

/// Solves H d = -g approximately for the active groups; the others get zero.
fn newton_direction(
    problem: &Problem<'_>,
    matrix: &Curvature,
    groups: &Groups,
    state: &State,
    gradient: &[f64],
    active: &[bool],
    residual_shares: &[f64],
) -> Vec<f64> {
    let lanes = problem.outputs;
    let scale = inverse_diagonal(problem, state);
    let mut running = active.to_vec();
    let mut direction = vec![0.0; gradient.len()];
    let on = groups.by_lane(&active.iter().map(|&a| f64::from(u8::from(a))).collect::<Vec<_>>());
    let mut residual = vec![0.0; gradient.len()];
    add_scaled(&mut residual, &on.iter().map(|a| -a).collect::<Vec<_>>(), gradient);
    let mut search: Vec<f64> = residual.iter().zip(&scale).map(|(r, s)| r * s).collect();
    let mut energy = groups.dots(&residual, &search);
    let target: Vec<f64> = energy.iter().zip(residual_shares).map(|(e, share)| e * share * share).collect();
    let mut product = vec![0.0; gradient.len()];

    for _ in 0..MOST_CG_STEPS {
        matrix.hessian_times(problem, state, &search, &mut product);
        let curvature = groups.dots(&search, &product);
        let step: Vec<f64> = (0..groups.count)
            .map(|g| if running[g] && curvature[g] > 0.0 { energy[g] / curvature[g] } else { 0.0 })
            .collect();
        let step = groups.by_lane(&step);
        add_scaled(&mut direction, &step, &search);
        add_scaled(&mut residual, &step.iter().map(|s| -s).collect::<Vec<_>>(), &product);
        // From here on `product` holds the preconditioned residual.
        for ((p, r), s) in product.iter_mut().zip(&residual).zip(&scale) {
            *p = r * s;
        }
        let next = groups.dots(&residual, &product);
        for g in 0..groups.count {
            running[g] &= next[g] > target[g] && curvature[g] > 0.0;
        }
        if !running.contains(&true) {
            break;
        }
        let keep: Vec<f64> = (0..groups.count).map(|g| if running[g] { next[g] / energy[g] } else { 0.0 }).collect();
        let keep = groups.by_lane(&keep);
        for (search, fresh) in search.chunks_exact_mut(lanes).zip(product.chunks_exact(lanes)) {
            for k in 0..lanes {
                search[k] = fresh[k] + keep[k] * search[k];
            }
        }
        energy = next;
    }
    direction
}

/// One over the Hessian's diagonal.
fn inverse_diagonal(problem: &Problem<'_>, state: &State) -> Vec<f64> {
    let (x, lanes) = (problem.x, problem.outputs);
    let weights = x.width() * lanes;
    let mut diagonal = vec![1.0; weights + lanes];
    diagonal[weights..].fill(0.0);
    let mut curvature = vec![0.0; lanes];
    for i in 0..x.height() {
        for k in 0..lanes {
            let p = state.probabilities[i * lanes + k];
            curvature[k] = problem.costs[i * lanes + k] * p * (1.0 - p);
            diagonal[weights + k] += curvature[k];
        }
        let (columns, values) = x.row(i);
        for (&column, value) in columns.iter().zip(values) {
            let square = value * value;
            let at = column as usize * lanes;
            for (d, c) in diagonal[at..at + lanes].iter_mut().zip(&curvature) {
                *d += c * square;
            }
        }
    }
    diagonal.iter().map(|d| 1.0 / d.max(1e-12)).collect()
}

/// The matrix in single precision, for products with the Hessian: two thirds of the bytes, and four lanes to a
/// processor register. The Newton equations are solved inexactly anyway; gradients and losses stay in double precision,
/// so that the optimum does not move.
struct Curvature {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    width: usize,
}

/// Lanes that are multiplied at once.
const WIDE: usize = 4;

impl Curvature {
    fn of(x: &SparseMatrix) -> Self {
        let mut matrix = Curvature { starts: vec![0], columns: Vec::new(), values: Vec::new(), width: x.width() };
        for i in 0..x.height() {
            let (columns, values) = x.row(i);
            matrix.columns.extend_from_slice(columns);
            matrix.values.extend(values.iter().map(|&v| v as f32));
            matrix.starts.push(matrix.columns.len());
        }
        matrix
    }

    fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// The Hessian times a vector.
    fn hessian_times(&self, problem: &Problem<'_>, state: &State, vector: &[f64], product: &mut [f64]) {
        let lanes = problem.outputs;
        product.copy_from_slice(vector);
        // The intercepts carry no penalty.
        product[self.width * lanes..].fill(0.0);
        let rows = self.starts.len() - 1;
        let mut through = vec![0.0; rows * lanes];
        in_fours(lanes, |first, count| {
            let weights = gathered(vector, lanes, first, count);
            for i in 0..rows {
                let sums = self.forward(i, &weights);
                for k in 0..count {
                    through[i * lanes + first + k] = f64::from(sums[k]);
                }
            }
        });
        bend(problem, state, &mut through);
        in_fours(lanes, |first, count| {
            let mut sums = vec![[0.0f32; WIDE]; self.width + 1];
            for i in 0..rows {
                let mut row = [0.0f32; WIDE];
                for k in 0..count {
                    row[k] = through[i * lanes + first + k] as f32;
                }
                self.backward(i, row, &mut sums);
            }
            for (product, sums) in product.chunks_exact_mut(lanes).zip(&sums) {
                for k in 0..count {
                    product[first + k] += f64::from(sums[k]);
                }
            }
        });
    }

    fn forward(&self, i: usize, weights: &[[f32; WIDE]]) -> [f32; WIDE] {
        let (columns, values) = self.row(i);
        let (pairs, last) = columns.as_chunks::<2>();
        let (value_pairs, last_value) = values.as_chunks::<2>();
        // Two chains of sums, since one would wait for each addition to end before it starts the next.
        let (mut even, mut odd) = (weights[self.width], [0.0f32; WIDE]);
        for (c, v) in pairs.iter().zip(value_pairs) {
            let (a, b) = (&weights[c[0] as usize], &weights[c[1] as usize]);
            for k in 0..WIDE {
                even[k] += v[0] * a[k];
                odd[k] += v[1] * b[k];
            }
        }
        for (&c, v) in last.iter().zip(last_value) {
            for k in 0..WIDE {
                even[k] += v * weights[c as usize][k];
            }
        }
        std::array::from_fn(|k| even[k] + odd[k])
    }

    fn backward(&self, i: usize, row: [f32; WIDE], sums: &mut [[f32; WIDE]]) {
        let (columns, values) = self.row(i);
        for (&column, value) in columns.iter().zip(values) {
            let sums = &mut sums[column as usize];
            for k in 0..WIDE {
                sums[k] += value * row[k];
            }
        }
        for k in 0..WIDE {
            sums[self.width][k] += row[k];
        }
    }
}

/// Deals lanes in fours; the last may be fewer.
fn in_fours(lanes: usize, mut pass: impl FnMut(usize, usize)) {
    for first in (0..lanes).step_by(WIDE) {
        pass(first, (lanes - first).min(WIDE));
    }
}

/// Up to four lanes of a vector in single precision, side by side; lanes that are not there are zero.
fn gathered(vector: &[f64], lanes: usize, first: usize, count: usize) -> Vec<[f32; WIDE]> {
    let four = |column: &[f64]| std::array::from_fn(|k| if k < count { column[first + k] as f32 } else { 0.0 });
    vector.chunks_exact(lanes).map(four).collect()
}

/// Multiplies by the second derivative of each row's loss.
fn bend(problem: &Problem<'_>, state: &State, through: &mut [f64]) {
    let lanes = problem.outputs;
    for (i, row) in through.chunks_exact_mut(lanes).enumerate() {
        let p = &state.probabilities[i * lanes..(i + 1) * lanes];
        let costs = &problem.costs[i * lanes..(i + 1) * lanes];
        let mean: f64 = if problem.softmax { row.iter().zip(p).map(|(z, p)| z * p).sum() } else { 0.0 };
        for k in 0..lanes {
            row[k] = if problem.softmax {
                costs[k] * p[k] * (row[k] - mean)
            } else {
                costs[k] * p[k] * (1.0 - p[k]) * row[k]
            };
        }
    }
}

/// Xᵀ R and the column sums of R, laid out as a solution is.
fn backward(x: &SparseMatrix, lanes: usize, rows: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    let intercepts = x.width() * lanes;
    for (i, row) in rows.chunks_exact(lanes).enumerate() {
        let (columns, values) = x.row(i);
        for (&column, value) in columns.iter().zip(values) {
            let at = column as usize * lanes;
            for (sum, r) in out[at..at + lanes].iter_mut().zip(row) {
                *sum += value * r;
            }
        }
        for (sum, r) in out[intercepts..].iter_mut().zip(row) {
            *sum += r;
        }
    }
}
