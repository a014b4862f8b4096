//! Dual coordinate descent, row by row, over all outputs in one reading of the rows.
//!
//! The optimal weights are a combination of the rows, W = Xᵀ A, where a row's numbers are the negative derivatives of its
//! loss by its scores: A = -G. A sweep takes the rows in blocks, the blocks in random order, and brings each row near the
//! numbers that minimise the objective's dual with all others held still, which [`proximal`] finds; the weights follow at
//! once. A block's rows lie side by side in memory, which fetches them ahead, and come from all parts of the matrix.
//!
//! The intercepts are free, for which the numbers of all rows must sum to zero. They are held to it by the method of
//! multipliers: b = m + ρ Σ_i A_i moves with every row, and after each sweep m takes the value of b. With a large ρ the
//! intercepts tie each row to those just before it, so that blocks would take several times as many sweeps, and make each
//! row stiffer; with a small one they are found late. ρ is such that all rows of a block together move a row about as much
//! as it moves itself.
//!
//! While sweeping, A + G of each row as it was met says how far the search is, for nothing. Where that is promising the
//! gradient Xᵀ (A + G) itself is measured, at intercepts that a few Newton steps have made the best for the weights; it
//! alone ends a search.
//!
//! Each independent question, and each set of classes, has a goal of its own. None depends on those beside it, nor on
//! threads. A search holds up to eight questions, or one set of classes, so that a row answers eight at a time: see
//! [`lanes`](super::lanes). What is found stands still until the whole search is done; then the search goes on, from
//! where it is, to the same problem with the next greater C that is wanted.
//!
//! Sources: Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM"; Yu, Huang and Lin 2011, "Dual
//! coordinate descent methods for logistic regression and maximum entropy models"; Bertsekas 1982, "Constrained
//! Optimization and Lagrange Multiplier Methods".

#![expect(clippy::needless_range_loop, reason = "plain loops over lanes are what becomes vector instructions")]

use super::lanes::{LANES, Lanes, softmax, wrong};
use super::naive_bayes::{self, Prior};
use super::objective::{Problem, least_norm};
use super::proximal;
use super::rows::{Real, Rows, Weights};
use crate::sparse::SparseMatrix;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Most rows to a block, and blocks there are at least where rows are enough.
const BLOCK: usize = 32;
const BLOCKS: usize = 64;
/// So much of the way to its best numbers a row goes. What many rows have in common is then not overdone by those that are
/// answered first, and a sweep ends two to four times nearer to the least objective than with whole steps.
const RELAXATION: f64 = 0.85;
const MOST_SWEEPS: usize = 1000;
/// The gradient is measured at least this often.
const MOST_UNMEASURED: usize = 20;
/// What share of A + G as it was met in a sweep the gradient after it is, until it was measured: mostly it is less.
const LIKELY_RATIO: f64 = 0.7;
/// Sums in single precision bring the gradient down to about a millionth of what it was.
const SINGLE_PRECISION: f64 = 2e-5;
const MOST_INTERCEPT_STEPS: usize = 20;
/// By no more than this the numbers of rows grow from one C to the next: where C is large they hardly grow at all.
const MOST_GROWTH: f64 = 2.5;
/// The intercept of lanes beyond the classes: nothing is ever of them.
const NOWHERE: f64 = -1e300;

/// Minimises each problem's objective until its gradient norms are below its tolerance times their norms at zero; gives
/// the solutions and the worst of those shares.
pub(super) fn solve(x: &SparseMatrix, problems: &[&Problem]) -> Vec<(Vec<f64>, f64)> {
    let (fine, coarse): (Vec<usize>, Vec<usize>) =
        (0..problems.len()).partition(|&p| problems[p].params.tolerance < SINGLE_PRECISION);
    let pick = |chosen: &[usize]| chosen.iter().map(|&p| problems[p]).collect::<Vec<_>>();
    let mut solved: Vec<_> = fine.iter().copied().zip(minimise::<f64>(x, &pick(&fine))).collect();
    solved.extend(coarse.iter().copied().zip(minimise::<f32>(x, &pick(&coarse))));
    solved.sort_by_key(|(p, _)| *p);
    solved.into_iter().map(|(_, solution)| solution).collect()
}

/// A problem, and its place among those to solve.
type Placed<'p> = (usize, &'p Problem);
/// Weights and intercepts as [`Problem`] lays them out, and the share of the gradient that was left.
type Solution = (Vec<f64>, f64);

fn minimise<T: Real>(x: &SparseMatrix, problems: &[&Problem]) -> Vec<Solution> {
    if problems.is_empty() {
        return Vec::new();
    }
    let rows = Rows::<T>::of(x, spread(x.height()));
    let paths = paths(problems);
    let priors = naive_bayes::priors(&rows, &paths.iter().map(|path| path[0].1).collect::<Vec<_>>());
    let mut searches: Vec<Search<'_, T>> = Vec::new();
    for (path, prior) in paths.iter().zip(&priors) {
        let problem = path[0].1;
        let at_once = if problem.softmax { problem.outputs } else { LANES };
        for first in (0..problem.outputs).step_by(at_once) {
            let outputs = first..problem.outputs.min(first + at_once);
            searches.push(Search::new(path, outputs, prior.as_ref(), &rows));
        }
    }
    let mut solutions: Vec<Solution> =
        problems.iter().map(|problem| (vec![0.0; (x.width() + 1) * problem.outputs], 0.0)).collect();
    Arch::new().dispatch(Minimise { rows: &rows, searches, solutions: &mut solutions });
    solutions
}

/// The problems, those that differ in C alone on one path, by rising C.
fn paths<'p>(problems: &[&'p Problem]) -> Vec<Vec<Placed<'p>>> {
    let mut placed: Vec<Placed<'p>> = problems.iter().copied().enumerate().collect();
    placed.sort_by(|(_, a), (_, b)| a.params.c.total_cmp(&b.params.c));
    let mut paths: Vec<Vec<Placed<'p>>> = Vec::new();
    for (place, problem) in placed {
        match paths.iter_mut().find(|path| path[0].1.equals_but_for_c(problem)) {
            Some(path) => path.push((place, problem)),
            None => paths.push(vec![(place, problem)]),
        }
    }
    paths
}

/// All of the work on rows, compiled for several kinds of processor; the present one's is chosen when it runs.
struct Minimise<'m, 'a, T> {
    rows: &'m Rows<T>,
    searches: Vec<Search<'a, T>>,
    solutions: &'m mut [Solution],
}

impl<T: Real> WithSimd for Minimise<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        measure(self.rows, None, &mut self.searches);
        sweep_until_done(self.rows, self.searches, self.solutions);
    }
}

#[inline(always)]
fn sweep_until_done<T: Real>(rows: &Rows<T>, mut searches: Vec<Search<'_, T>>, solutions: &mut [Solution]) {
    searches.iter_mut().for_each(|search| search.start_intercepts());
    let mut weights = rows.weights(searches.iter().map(|s| s.lanes()).sum());
    let at_once = block(rows.height());
    let mut random = fastrand::Rng::with_seed(0);
    let mut blocks: Vec<usize> = (0..rows.height()).step_by(at_once).collect();
    loop {
        if searches.iter().any(|search| search.is_done()) {
            let mut kept = Vec::new();
            let mut first = 0;
            for search in &mut searches {
                let lanes = first..first + search.lanes();
                first = lanes.end;
                while search.is_done() {
                    search.write(rows, &weights, lanes.start, solutions);
                    let Some(by) = search.go_on(rows) else { break };
                    weights.scale(lanes.clone(), by);
                }
                if !search.is_done() {
                    kept.extend(lanes);
                }
            }
            if kept.len() < first {
                weights = weights.of_outputs(&kept);
                searches.retain(|search| !search.is_done());
            }
        }
        if searches.is_empty() {
            return;
        }
        random.shuffle(&mut blocks);
        let (mut products, mut steps) = (room(&searches), room(&searches));
        for i in blocks.iter().flat_map(|&first| first..rows.height().min(first + at_once)) {
            rows.read(i, &weights, &mut products);
            let mut first = 0;
            for search in &mut searches {
                let room = first..first + search.room();
                search.answer_row(i, rows.own(i), rows.square(i), &products[room.clone()], &mut steps[room]);
                first += search.lanes();
            }
            rows.add(i, &steps, &mut weights);
        }
        searches.iter_mut().for_each(|search| search.end_sweep());
        if searches.iter().any(|search| search.is_promising()) {
            measure(rows, Some(&weights), &mut searches);
        }
    }
}

/// How many of so many rows lie side by side and are answered one after another.
fn block(rows: usize) -> usize {
    (rows / BLOCKS).clamp(1, BLOCK)
}

/// So many rows, ordered so that the rows of a block stand far apart in the matrix: files are often sorted.
fn spread(rows: usize) -> Vec<u32> {
    let blocks = rows.div_ceil(block(rows));
    (0..blocks).flat_map(|first| (first..rows).step_by(blocks)).map(|row| row as u32).collect()
}

/// ρ for rows of a mean squared norm and a mean cost.
fn bias(square: f64, cost: f64, rows: usize) -> f64 {
    // Where costs are low the loss makes rows stiff, and light intercepts would be found too late.
    (square + 0.25 / cost) / block(rows) as f64
}

/// Room for a number to each lane of the searches, that of the last filled up.
fn room<T: Real>(searches: &[Search<'_, T>]) -> Vec<f64> {
    let lanes: usize = searches.iter().map(|search| search.lanes()).sum();
    vec![0.0; lanes + LANES]
}

/// Measures the gradient of each promising search at its weights; without weights, of every search at zero.
#[inline(always)]
fn measure<T: Real>(rows: &Rows<T>, weights: Option<&Weights<T>>, searches: &mut [Search<'_, T>]) {
    if let Some(weights) = weights {
        let mut row = room(searches);
        for i in 0..rows.height() {
            rows.read(i, weights, &mut row);
            let mut first = 0;
            for search in searches.iter_mut() {
                if search.is_promising() {
                    search.see_row(i, rows.own(i), &row[first..first + search.room()]);
                }
                first += search.lanes();
            }
        }
        for search in searches.iter_mut() {
            search.polish_intercepts();
        }
    }
    let lanes = searches.iter().map(|s| s.lanes()).sum();
    let mut gradient = rows.weights(lanes);
    let (mut own, mut sums) = (vec![0.0; lanes], vec![0.0; lanes]);
    let mut row = room(searches);
    for i in 0..rows.height() {
        let mut first = 0;
        for search in searches.iter_mut() {
            if search.is_promising() {
                search.gap(i, &mut row[first..first + search.room()]);
            }
            first += search.lanes();
        }
        for k in 0..lanes {
            own[k] += rows.own(i) * row[k] * row[k];
            sums[k] += row[k];
        }
        rows.add(i, &row, &mut gradient);
    }
    let mut squares = gradient.squares();
    squares.iter_mut().zip(own).for_each(|(shared, own)| *shared += own);
    let mut first = 0;
    for search in searches.iter_mut() {
        let lanes = first..first + search.lanes();
        first = lanes.end;
        search.end_measurement(&squares[lanes.clone()], &sums[lanes]);
    }
}

/// What is searched for a row: its numbers, what it stakes, and what is added to its scores.
#[derive(Clone, Copy)]
struct Row<T> {
    a: [T; LANES],
    stakes: [T; LANES],
    offsets: [T; LANES],
}

/// How far one question, or one set of classes, has come.
struct Goal {
    /// Its outputs in the search.
    lanes: Range<usize>,
    /// Σ_i ‖x_i‖² ‖A_i + G_i‖², each as it was met in the last sweep.
    met: f64,
    /// The gradient's norm over the square root of that, when it was last measured.
    ratio: f64,
    unmeasured: usize,
    promising: bool,
    start_norm: f64,
    /// The gradient's norm over that at zero.
    share: f64,
}

impl Goal {
    fn new(lanes: Range<usize>) -> Self {
        Goal { lanes, met: 0.0, ratio: LIKELY_RATIO, unmeasured: 0, promising: true, start_norm: 0.0, share: 1.0 }
    }
}

/// The minimisation of some questions, or of one set of classes, for one C after another. Vectors hold one number an
/// output, in whole lanes.
struct Search<'a, T> {
    place: usize,
    problem: &'a Problem,
    /// What is still to come on the path.
    rest: &'a [Placed<'a>],
    /// Its outputs in the problem.
    outputs: Range<usize>,
    prior: Option<&'a Prior>,
    /// Sweeps for the present problem.
    sweeps: usize,
    goals: Vec<Goal>,
    /// Whole lanes at a time.
    rows: Vec<Row<T>>,
    b: Vec<f64>,
    /// m
    multipliers: Vec<f64>,
    /// Σ_i A_i
    sums: Vec<f64>,
    /// ρ
    bias: f64,
    /// The mean over rows of ‖x_i‖², and over all losses of C · s_i.
    square: f64,
    cost: f64,
    /// The scores of the rows when the gradient was last measured, less the intercepts.
    scores: Vec<[T; LANES]>,
    /// Of each output Σ_i ‖x_i‖² (A_i + G_i)², each as it was met in the present sweep.
    met: Vec<f64>,
    /// One for what is still searched, zero for what is found.
    open: Vec<f64>,
    /// Room for one row's.
    near: Vec<Lanes>,
    point: Vec<Lanes>,
    stakes: Vec<Lanes>,
    spare: [Vec<Lanes>; 2],
}

impl<'a, T: Real> Search<'a, T> {
    /// The search for some outputs of the problems of a path.
    fn new(path: &'a [Placed<'a>], outputs: Range<usize>, prior: Option<&'a Prior>, rows: &Rows<T>) -> Self {
        let (place, problem) = path[0];
        let lanes = outputs.len();
        let chunks = lanes.div_ceil(LANES);
        let mut own = Vec::with_capacity(rows.height() * chunks);
        let (mut yes, mut no) = (vec![0.0; lanes], vec![0.0; lanes]);
        for i in 0..rows.height() {
            let (first, here) = (rows.original(i) * problem.outputs, i * problem.outputs);
            for chunk in outputs.clone().step_by(LANES) {
                let nothing = [T::default(); LANES];
                let mut row = Row { a: nothing, stakes: nothing, offsets: nothing };
                for (k, output) in (chunk..outputs.end).take(LANES).enumerate() {
                    let (cost, answer) = (problem.costs[first + output], problem.answers[first + output]);
                    row.stakes[k] = T::of(if answer { cost } else { -cost });
                    (if answer { &mut yes } else { &mut no })[output - outputs.start] += cost;
                    row.offsets[k] = T::of(prior.map_or(0.0, |prior| prior.scores[here + output]));
                }
                own.push(row);
            }
        }
        let zeros = vec![0.0; chunks * LANES];
        let mut b = zeros.clone();
        if problem.softmax {
            b[lanes..].fill(NOWHERE);
        }
        // The best intercepts where neither columns nor a prior say anything.
        let mut multipliers = b.clone();
        if problem.softmax {
            let mean = yes.iter().map(|cost| cost.ln()).sum::<f64>() / lanes as f64;
            multipliers.iter_mut().zip(&yes).for_each(|(m, yes)| *m = yes.ln() - mean);
        } else {
            multipliers.iter_mut().zip(yes.iter().zip(&no)).for_each(|(m, (yes, no))| *m = (yes / no).ln());
        }
        let square = (0..rows.height()).map(|i| rows.square(i)).sum::<f64>() / rows.height() as f64;
        let cost = yes.iter().chain(&no).sum::<f64>() / (rows.height() * lanes) as f64;
        let goals =
            if problem.softmax { vec![Goal::new(0..lanes)] } else { (0..lanes).map(|k| Goal::new(k..k + 1)).collect() };
        let room = vec![[0.0; LANES]; chunks];
        Search {
            place,
            problem,
            rest: &path[1..],
            outputs,
            prior,
            sweeps: 0,
            goals,
            scores: own.iter().map(|row| row.offsets).collect(),
            rows: own,
            multipliers,
            b,
            sums: zeros.clone(),
            bias: bias(square, cost, rows.height()),
            square,
            cost,
            met: zeros.clone(),
            open: vec![1.0; chunks * LANES],
            near: room.clone(),
            point: room.clone(),
            stakes: room.clone(),
            spare: [room.clone(), room],
        }
    }

    fn lanes(&self) -> usize {
        self.outputs.len()
    }

    /// The lanes, filled up.
    fn room(&self) -> usize {
        self.near.len() * LANES
    }

    fn is_done(&self) -> bool {
        let found = |goal: &Goal| goal.share <= self.problem.params.tolerance;
        self.sweeps == MOST_SWEEPS || self.goals.iter().all(found)
    }

    /// Writes what is found to its place in the solutions; its weights over the shared columns are those from output
    /// `first` on.
    fn write(&self, rows: &Rows<T>, weights: &Weights<T>, first: usize, solutions: &mut [Solution]) {
        let (solution, share) = &mut solutions[self.place];
        let outputs = self.problem.outputs;
        for (k, output) in self.outputs.clone().enumerate() {
            let mut found = rows.columns(&weights.of_output(first + k), |i| self.number(i, k));
            if let Some(prior) = self.prior {
                // The search sees what the prior leaves to be explained.
                found.iter_mut().zip(&prior.weights[output]).for_each(|(w, p)| *w += p);
            }
            rows.spread(&found, outputs, &mut solution[output..]);
            solution[rows.width() * outputs + output] = self.b[k];
        }
        *share = self.goals.iter().map(|goal| goal.share).fold(*share, f64::max);
    }

    /// Goes on to the next problem of the path, if there is one: what the weights are to be multiplied by.
    ///
    /// With C a row's stake rises, and the share of it that the row is wrong by falls: its numbers rise about as the square
    /// root. Of an equal C all is found already.
    fn go_on(&mut self, rows: &Rows<T>) -> Option<f64> {
        let (&(place, next), rest) = self.rest.split_first()?;
        let ratio = next.params.c / self.problem.params.c;
        (self.place, self.problem, self.rest) = (place, next, rest);
        if ratio == 1.0 {
            return Some(1.0);
        }
        let by = ratio.sqrt().min(MOST_GROWTH);
        for row in &mut self.rows {
            for k in 0..LANES {
                row.stakes[k] = row.stakes[k] * T::of(ratio);
                row.a[k] = row.a[k] * T::of(by);
            }
        }
        self.sums.iter_mut().for_each(|sum| *sum *= by);
        self.multipliers.copy_from_slice(&self.b);
        self.open.fill(1.0);
        self.cost *= ratio;
        self.bias = bias(self.square, self.cost, rows.height());
        self.sweeps = 0;
        for goal in &mut self.goals {
            // At zero the gradient is C times what it is for C = 1.
            *goal = Goal { promising: false, start_norm: ratio * goal.start_norm, ..Goal::new(goal.lanes.clone()) };
        }
        Some(by)
    }

    fn is_promising(&self) -> bool {
        self.goals.iter().any(|goal| goal.promising)
    }

    /// A_ik
    fn number(&self, i: usize, k: usize) -> f64 {
        self.rows[i * self.near.len() + k / LANES].a[k % LANES].get()
    }

    /// Gives row `i` its best numbers; `steps` takes by how much they changed. `products` are those of the row with the
    /// weights, but for the columns that it alone holds.
    #[inline(always)]
    fn answer_row(&mut self, i: usize, own: f64, square: f64, products: &[f64], steps: &mut [f64]) {
        let chunks = self.near.len();
        let stiffness = square + self.bias;
        let rows = &mut self.rows[i * chunks..(i + 1) * chunks];
        let (products, multipliers) = (products.as_chunks::<LANES>().0, self.multipliers.as_chunks::<LANES>().0);
        let (sums, open) = (self.sums.as_chunks_mut::<LANES>().0, self.open.as_chunks::<LANES>().0);
        let (steps, met) = (steps.as_chunks_mut::<LANES>().0, self.met.as_chunks_mut::<LANES>().0);
        for j in 0..chunks {
            for k in 0..LANES {
                let a = rows[j].a[k].get();
                let intercept = multipliers[j][k] + self.bias * sums[j][k];
                let score = products[j][k] + own * a + rows[j].offsets[k].get() + intercept;
                self.near[j][k] = score;
                self.point[j][k] = score - stiffness * a;
                self.stakes[j][k] = rows[j].stakes[k].get();
            }
        }
        if self.problem.softmax {
            let [z, p] = &mut self.spare;
            proximal::classes(&mut self.point, &mut self.near, &self.stakes, stiffness, [z, p]);
        } else {
            proximal::questions(&mut self.point[0], &mut self.near[0], &self.stakes[0], stiffness);
        }
        for j in 0..chunks {
            for k in 0..LANES {
                let a = rows[j].a[k];
                let gap = a.get() - self.near[j][k];
                met[j][k] += square * gap * gap;
                let best = T::of(a.get() + RELAXATION * open[j][k] * (self.point[j][k] - a.get()));
                let step = best.get() - a.get();
                rows[j].a[k] = best;
                sums[j][k] += step;
                steps[j][k] = step;
            }
        }
    }

    fn end_sweep(&mut self) {
        self.sweeps += 1;
        for goal in &mut self.goals {
            for k in goal.lanes.clone() {
                self.multipliers[k] += self.bias * self.sums[k] * self.open[k];
                if self.open[k] > 0.0 {
                    self.b[k] = self.multipliers[k];
                }
            }
            goal.met = self.met[goal.lanes.clone()].iter().sum();
            goal.unmeasured += 1;
            let likely = goal.ratio * goal.met.sqrt() <= self.problem.params.tolerance * goal.start_norm;
            let open = goal.share > self.problem.params.tolerance;
            goal.promising = open && (likely || self.sweeps == MOST_SWEEPS || goal.unmeasured == MOST_UNMEASURED);
        }
        self.met.fill(0.0);
    }

    /// Takes note of a row's products with the weights, for a measurement.
    #[inline(always)]
    fn see_row(&mut self, i: usize, own: f64, products: &[f64]) {
        let chunks = self.near.len();
        let products = products.as_chunks::<LANES>().0;
        for j in 0..chunks {
            let row = &self.rows[i * chunks + j];
            let scores = &mut self.scores[i * chunks + j];
            for k in 0..LANES {
                scores[k] = T::of(products[j][k] + own * row.a[k].get() + row.offsets[k].get());
            }
        }
    }

    /// Leaves in `near` the numbers that the scores of row `i` ask for, -G, and in `point` their slopes by their scores,
    /// of classes their probabilities.
    #[inline(always)]
    fn ask(&mut self, i: usize) {
        let chunks = self.near.len();
        let b = self.b.as_chunks::<LANES>().0;
        for j in 0..chunks {
            let (row, scores) = (&self.rows[i * chunks + j], &self.scores[i * chunks + j]);
            for k in 0..LANES {
                self.point[j][k] = scores[k].get() + b[j][k];
                self.stakes[j][k] = row.stakes[k].get();
            }
        }
        if self.problem.softmax {
            softmax(&mut self.point);
            let cost = self.stakes[0][0].abs();
            for j in 0..chunks {
                for k in 0..LANES {
                    let y = if self.stakes[j][k] > 0.0 { 1.0 } else { 0.0 };
                    self.near[j][k] = cost * (y - self.point[j][k]);
                }
            }
        } else {
            let (z, stakes) = (&mut self.point[0], &self.stakes[0]);
            for k in 0..LANES {
                z[k] *= 1f64.copysign(stakes[k]);
            }
            let p = wrong(z);
            for k in 0..LANES {
                self.near[0][k] = stakes[k] * p[k];
                z[k] = stakes[k].abs() * p[k] * (1.0 - p[k]);
            }
        }
    }

    /// A + G of a row.
    #[inline(always)]
    fn gap(&mut self, i: usize, out: &mut [f64]) {
        self.ask(i);
        let chunks = self.near.len();
        let out = out.as_chunks_mut::<LANES>().0;
        for j in 0..chunks {
            let row = &self.rows[i * chunks + j];
            for k in 0..LANES {
                out[j][k] = row.a[k].get() - self.near[j][k];
            }
        }
    }

    /// Starts from the best intercepts for the prior alone.
    #[inline(always)]
    fn start_intercepts(&mut self) {
        if self.problem.params.naive_bayes > 0.0 {
            self.b.copy_from_slice(&self.multipliers);
            self.goals.iter_mut().for_each(|goal| goal.promising = true);
            self.polish_intercepts();
            self.goals.iter_mut().for_each(|goal| goal.promising = false);
        }
    }

    /// Newton's method on the intercepts, the weights held still, as long as it helps.
    #[inline(always)]
    fn polish_intercepts(&mut self) {
        let room = self.room();
        let mut best: Vec<(f64, Vec<f64>)> = vec![(f64::INFINITY, Vec::new()); self.goals.len()];
        let mut helped: Vec<bool> = self.goals.iter().map(|goal| goal.promising).collect();
        for _ in 0..MOST_INTERCEPT_STEPS {
            if !helped.contains(&true) {
                break;
            }
            let (slopes, curvatures) = self.intercept_derivatives();
            for ((goal, best), helped) in
                self.goals.iter().zip(&mut best).zip(&mut helped).filter(|(_, helped)| **helped)
            {
                let (slopes, b) = (&slopes[goal.lanes.clone()], &mut self.b[goal.lanes.clone()]);
                let norm = slopes.iter().map(|g| g * g).sum::<f64>().sqrt();
                let enough = 0.1 * self.problem.params.tolerance * goal.start_norm;
                *helped = norm < best.0 && norm > enough;
                if norm < best.0 {
                    *best = (norm, b.to_vec());
                }
                if *helped {
                    let l = b.len();
                    let curvature =
                        (0..l).flat_map(|j| &curvatures[j * room + goal.lanes.start..][..l]).copied().collect();
                    let inverse = inverse(curvature, l);
                    let mut length = 0.0;
                    for (b, inverse) in b.iter_mut().zip(inverse.chunks_exact(l)) {
                        let step = inverse.iter().zip(slopes).map(|(inverse, slope)| inverse * slope).sum::<f64>();
                        *b -= step;
                        length += step * step;
                    }
                    // The third derivatives of a loss are hardly above its second ones: of the slopes a step leaves about
                    // its length at most. Where all answers are certain a step is no number, and none is taken.
                    let left = length.sqrt() * norm;
                    if left <= enough {
                        *best = (left, b.to_vec());
                    }
                    *helped = enough < left && left < f64::INFINITY;
                }
            }
        }
        for (goal, (_, best)) in self.goals.iter().zip(best).filter(|(goal, _)| goal.promising) {
            for (k, best) in goal.lanes.clone().zip(best) {
                self.b[k] = best;
                // The next sweep then adds ρ Σ_i A_i: the sums, which are not yet zero, keep their pull. Were it taken back,
                // intercepts and what the columns of all rows say in their stead would hold each other where they are.
                self.multipliers[k] = best;
            }
        }
    }

    /// The loss's first and second derivatives by the intercepts: of questions one second derivative each, of classes as
    /// many rows of them.
    #[inline(always)]
    fn intercept_derivatives(&mut self) -> (Vec<f64>, Vec<f64>) {
        let (l, room) = (self.lanes(), self.room());
        let mut slopes = vec![0.0; room];
        let mut curvatures = vec![0.0; if self.problem.softmax { l * room } else { room }];
        for i in 0..self.rows.len() / self.near.len() {
            self.ask(i);
            for (slope, near) in slopes.iter_mut().zip(self.near.as_flattened()) {
                *slope -= near;
            }
            let p = self.point.as_flattened();
            if self.problem.softmax {
                let cost = self.stakes[0][0].abs();
                for (j, row) in curvatures.chunks_exact_mut(room).enumerate() {
                    row[j] += cost * p[j];
                    for (sum, p_k) in row.iter_mut().zip(p) {
                        *sum -= cost * p[j] * p_k;
                    }
                }
            } else {
                for (sum, slope) in curvatures.iter_mut().zip(p) {
                    *sum += slope;
                }
            }
        }
        if self.problem.softmax {
            // The intercepts of classes may all move by one number: this holds it still.
            let mean = (0..l).map(|k| curvatures[k * room + k]).sum::<f64>() / l as f64;
            curvatures.iter_mut().for_each(|v| *v += mean / l as f64);
        }
        (slopes, curvatures)
    }

    /// Ends a measurement of the weights' gradient, of which `squares` are the squared norms by output and `sums` the sums
    /// of A + G.
    fn end_measurement(&mut self, squares: &[f64], sums: &[f64]) {
        for goal in self.goals.iter_mut().filter(|goal| goal.promising) {
            let intercepts = goal.lanes.clone().map(|k| (sums[k] - self.sums[k]).powi(2)).sum::<f64>();
            let norm = (squares[goal.lanes.clone()].iter().sum::<f64>() + intercepts).sqrt();
            if goal.start_norm == 0.0 {
                let stakes = self.cost * (self.rows.len() / self.near.len() * goal.lanes.len()) as f64;
                goal.start_norm = norm.max(least_norm(stakes, self.square)).max(f64::MIN_POSITIVE);
            } else {
                goal.ratio = norm / goal.met.sqrt().max(f64::MIN_POSITIVE);
            }
            goal.share = norm / goal.start_norm;
            goal.promising = false;
            goal.unmeasured = 0;
            if goal.share <= self.problem.params.tolerance {
                self.open[goal.lanes.clone()].fill(0.0);
            }
        }
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
