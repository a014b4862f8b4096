//! Truncated Newton on sparse rows.
//!
//! Each step solves the Newton equations by conjugate gradients, preconditioned by the Hessian's diagonal and stopped
//! early (the residual's share falls with the gradient's, which keeps convergence superlinear), then halves the step
//! until the objective falls enough (Armijo). Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.1.
//!
//! All outputs of a task share each pass over the matrix: weights lie column by column, so that one stored value serves
//! every output. Independent questions keep their own step lengths; softmax classes move together. Sums run in one
//! fixed order, so the result does not depend on threads.

use super::logistic::Problem;
use super::sigmoid;
use crate::sparse::{SparseMatrix, SparseRow};

const MOST_NEWTON_STEPS: usize = 100;
const MOST_CG_STEPS: usize = 200;
const MOST_HALVINGS: usize = 30;
/// The share of the predicted decrease that a step must deliver.
const ARMIJO: f64 = 1e-4;
/// How exactly the first Newton equations are solved.
const LOOSEST_RESIDUAL: f64 = 0.25;

/// Minimises the problem's objective until each gradient norm is below `tolerance` times its norm at zero.
pub(super) fn solve(problem: &Problem<'_>, tolerance: f64) -> Vec<f64> {
    let condensed = Condensed::of(problem.x);
    let small =
        Problem { x: &condensed.matrix, answers: problem.answers.clone(), costs: problem.costs.clone(), ..*problem };
    condensed.expand(&minimise(&small, tolerance), problem.outputs)
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

fn minimise(problem: &Problem<'_>, tolerance: f64) -> Vec<f64> {
    let (x, lanes) = (problem.x, problem.outputs);
    let groups = Groups::of(problem);
    let weights = x.width() * lanes;
    let size = weights + lanes;

    let mut solution = vec![0.0; size];
    let mut scores = vec![0.0; x.height() * lanes];
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
        let direction = newton_direction(problem, &groups, &state, &gradient, &active, &residual_shares);

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
    solution
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

/// The gradient's Euclidean norm at a solution: one number an independent output, one for all softmax classes.
pub(super) fn gradient_norms(problem: &Problem<'_>, solution: &[f64]) -> Vec<f64> {
    let mut scores = vec![0.0; problem.x.height() * problem.outputs];
    forward(problem.x, problem.outputs, solution, &mut scores);
    let state = State::at(problem, &scores);
    Groups::of(problem).norms(&gradient_of(problem, &state, solution))
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
    let mut through = vec![0.0; problem.x.height() * lanes];
    let mut product = vec![0.0; gradient.len()];

    for _ in 0..MOST_CG_STEPS {
        hessian_times(problem, state, &search, &mut through, &mut product);
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

/// The Hessian times a vector; `through` is room for one number a row and lane.
fn hessian_times(problem: &Problem<'_>, state: &State, vector: &[f64], through: &mut [f64], product: &mut [f64]) {
    let (x, lanes) = (problem.x, problem.outputs);
    forward(x, lanes, vector, through);
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
    backward(x, lanes, through, product);
    let weights = x.width() * lanes;
    for (p, v) in product[..weights].iter_mut().zip(vector) {
        *p += v;
    }
}

/// X W + b for weights and intercepts laid out as a solution is: `lanes` numbers a row.
fn forward(x: &SparseMatrix, lanes: usize, vector: &[f64], out: &mut [f64]) {
    in_lanes(lanes, |first, count| match count {
        1 => forward_lanes::<1>(x, lanes, first, vector, out),
        2 => forward_lanes::<2>(x, lanes, first, vector, out),
        3 => forward_lanes::<3>(x, lanes, first, vector, out),
        _ => forward_lanes::<4>(x, lanes, first, vector, out),
    });
}

/// Xᵀ R and the column sums of R, laid out as a solution is.
fn backward(x: &SparseMatrix, lanes: usize, rows: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    in_lanes(lanes, |first, count| match count {
        1 => backward_lanes::<1>(x, lanes, first, rows, out),
        2 => backward_lanes::<2>(x, lanes, first, rows, out),
        3 => backward_lanes::<3>(x, lanes, first, rows, out),
        _ => backward_lanes::<4>(x, lanes, first, rows, out),
    });
}

/// Deals lanes in fours, then what is left: a fixed count lets the compiler keep the sums in registers.
fn in_lanes(lanes: usize, mut pass: impl FnMut(usize, usize)) {
    let mut first = 0;
    while first < lanes {
        let count = (lanes - first).min(4);
        pass(first, count);
        first += count;
    }
}

fn forward_lanes<const L: usize>(x: &SparseMatrix, stride: usize, first: usize, vector: &[f64], out: &mut [f64]) {
    let intercepts = x.width() * stride + first;
    let add = |sums: &mut [f64; L], column: u32, value: f64| {
        let at = column as usize * stride + first;
        let weights = &vector[at..at + L];
        for k in 0..L {
            sums[k] += value * weights[k];
        }
    };
    for i in 0..x.height() {
        // Two chains of sums, since one would wait for each addition to end before it starts the next.
        let (mut even, mut odd) = ([0.0; L], [0.0; L]);
        let (columns, values) = x.row(i);
        let (columns_of_two, values_of_two) = (columns.chunks_exact(2), values.chunks_exact(2));
        let rest = columns_of_two.remainder().iter().zip(values_of_two.remainder());
        for (c, v) in columns_of_two.zip(values_of_two) {
            add(&mut even, c[0], v[0]);
            add(&mut odd, c[1], v[1]);
        }
        rest.for_each(|(&c, &v)| add(&mut even, c, v));
        for k in 0..L {
            out[i * stride + first + k] = even[k] + odd[k] + vector[intercepts + k];
        }
    }
}

fn backward_lanes<const L: usize>(x: &SparseMatrix, stride: usize, first: usize, rows: &[f64], out: &mut [f64]) {
    let mut totals = [0.0; L];
    for i in 0..x.height() {
        let mut row = [0.0; L];
        row.copy_from_slice(&rows[i * stride + first..i * stride + first + L]);
        for k in 0..L {
            totals[k] += row[k];
        }
        let (columns, values) = x.row(i);
        for (&column, &value) in columns.iter().zip(values) {
            let at = column as usize * stride + first;
            let weights = &mut out[at..at + L];
            for k in 0..L {
                weights[k] += value * row[k];
            }
        }
    }
    let intercepts = x.width() * stride + first;
    out[intercepts..intercepts + L].copy_from_slice(&totals);
}
