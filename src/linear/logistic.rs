//! Logistic regression: what is fitted, by which solver, and what comes out.

use super::objective::{Problem, relative_gradient};
use super::scorer::Scorer;
use super::{dense, descent};
use crate::error::{Error, Result};
use crate::sparse::{SparseMatrix, SparseRow, UnorderedRow};
use crate::sum::{FixedPoint, reach};
use crate::task::Score;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::iter;

/// Which solver minimises the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// The sparse solver.
    Auto,
    /// `linfa-logistic` on an exact dense reduction: no class weights, at most 6,000 rows.
    Linfa,
    /// Dual coordinate descent on sparse rows, all outputs at a time.
    Sparse,
}

/// How much an example weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeight {
    /// n / (K · n_k) for an example of class k of K, as in scikit-learn: every class weighs the same in sum.
    Balanced,
    /// One.
    None,
}

/// The answers to learn, one row an example.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// Yes or no to each of `outputs` independent questions; row-major.
    Binary {
        /// The number of questions.
        outputs: usize,
        /// The answers, `outputs` to a row.
        answers: &'a [bool],
    },
    /// One class of `classes`.
    Classes {
        /// The number of classes.
        classes: usize,
        /// The class of each row.
        labels: &'a [usize],
    },
}

/// Settings of a logistic regression.
///
/// Minimises ½‖W - P‖² + C · Σ_i s_i · loss_i, where loss_i is ln(1 + e^(-y·f)) summed over independent questions, or
/// -ln softmax(f)_y for classes, f = W x_i + b, s_i is the class weight, and P is zero or the weights of complement
/// naive Bayes. The intercepts b are free. With P = 0 this is scikit-learn's `LogisticRegression` and, with alpha = 1/C,
/// linfa's; two classes, of which scikit-learn makes one question, have weights each here, so that its C is twice ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticParams {
    /// Who minimises.
    pub solver: Solver,
    /// The inverse strength of regularisation, above zero.
    pub c: f64,
    /// How examples are weighed.
    pub class_weight: ClassWeight,
    /// The size of P: the root mean square of the scores that it gives to the training rows. 0 is no prior.
    pub naive_bayes: f64,
    /// The solver stops where the gradient's norm is below this share of its norm at zero. Where columns say next to nothing,
    /// that norm counts as a ten thousandth of the greatest that it could be.
    pub tolerance: f64,
}

impl LogisticParams {
    /// Refuses what the solver does not carry.
    ///
    /// # Errors
    ///
    /// `linfa` with class weights or a prior.
    pub fn check(&self) -> Result<()> {
        if self.solver != Solver::Linfa {
            return Ok(());
        }
        if self.naive_bayes != 0.0 {
            return Err(Error::usage(format!(
                "the linfa solver has no naive Bayes prior (found naive_bayes = {}; allowed: 0)",
                self.naive_bayes
            ))
            .hint("set solver = \"sparse\", or naive_bayes = 0"));
        }
        if self.class_weight != ClassWeight::None {
            return Err(Error::usage(
                "the linfa solver has no class weights (found class_weight = \"balanced\"; allowed: \"none\")",
            )
            .hint("set solver = \"sparse\", or class_weight = \"none\""));
        }
        Ok(())
    }
}

/// How well a fit has converged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convergence {
    /// The gradient's Euclidean norm at the result, over its norm at zero weights: the worst of the outputs.
    pub gradient: f64,
    /// Whether the solver reached its tolerance.
    pub converged: bool,
}

/// A fitted logistic regression. Its numbers are rounded to 32 bits when a fit ends, so that one that was written to a file
/// and read again answers like the one that was fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticRegression {
    outputs: usize,
    weights: Cow<'static, [f32]>,
    /// How far the weights are from zero at most.
    greatest: f32,
    intercepts: Vec<f64>,
    convergence: Convergence,
}

/// The score of an answer that the training rows never gave (negative) or always gave (positive): its odds are beyond
/// anything that evidence could have said, and still a finite number.
const CERTAIN: f64 = 30.0;

/// Fits several regressions on the same rows; together they take fewer readings of them.
///
/// Those that differ in C alone are found one after another, the least C first, and each search starts from what the one
/// before has found: it takes a half to a third of the sweeps. Such a regression is the same as if it were fitted with those
/// of a smaller C only; any other as if it were fitted alone.
///
/// # Errors
///
/// As [`LogisticParams::fit`].
pub fn fit_together(x: &SparseMatrix, wanted: &[(LogisticParams, Targets<'_>)]) -> Result<Vec<LogisticRegression>> {
    if x.height() == 0 {
        return Err(Error::data("no row to learn from"));
    }
    let drafts: Vec<Draft> = wanted.iter().map(|(params, targets)| Draft::new(x.height(), params, *targets)).collect();
    // Without a column only intercepts are left to fit, which linfa does not do.
    let by_linfa = |at: usize| wanted[at].0.solver == Solver::Linfa && x.width() > 0;
    let sparse = |&at: &usize| !by_linfa(at) && drafts[at].problem.outputs > 0;
    let by_descent: Vec<usize> = (0..wanted.len()).filter(sparse).collect();
    let problems: Vec<&Problem> = by_descent.iter().map(|&at| &drafts[at].problem).collect();
    let mut solved = descent::solve(x, &problems).into_iter();
    let mut solutions = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.iter().enumerate() {
        solutions.push(if by_descent.contains(&at) {
            solved.next().unwrap_or_default()
        } else if draft.problem.outputs > 0 {
            let solution = dense::solve(x, &draft.problem, &wanted[at].0)?;
            let gradient = relative_gradient(x, &draft.problem, &solution);
            (solution, gradient)
        } else {
            (Vec::new(), 0.0)
        });
    }
    Ok(drafts
        .into_iter()
        .zip(solutions)
        .map(|(draft, (solution, gradient))| draft.finish(x, solution, gradient))
        .collect())
}

/// A regression whose answers that do not vary are settled, and whose others are put as a problem to a solver.
struct Draft {
    problem: Problem,
    /// The outputs that the problem is about.
    kept: Vec<usize>,
    intercepts: Vec<f64>,
}

impl Draft {
    /// A draft for `n` rows.
    fn new(n: usize, params: &LogisticParams, targets: Targets<'_>) -> Self {
        let (outputs, one_hot, softmax) = match targets {
            Targets::Binary { outputs, answers } => (outputs, answers.to_vec(), false),
            Targets::Classes { classes, labels } => {
                let one_hot = labels.iter().flat_map(|&label| (0..classes).map(move |k| k == label)).collect();
                (classes, one_hot, true)
            }
        };
        let counts: Vec<usize> =
            (0..outputs).map(|k| one_hot.iter().skip(k).step_by(outputs).filter(|&&y| y).count()).collect();
        let varies = |k: &usize| counts[*k] > 0 && counts[*k] < n;
        let kept: Vec<usize> = (0..outputs).filter(varies).collect();
        let problem = Problem {
            outputs: kept.len(),
            answers: one_hot.chunks(outputs).flat_map(|row| kept.iter().map(|&k| row[k])).collect(),
            costs: params.costs(&one_hot, &counts, &kept, softmax, n),
            softmax,
            params: *params,
        };
        let certain = |&positive: &usize| if positive == n { CERTAIN } else { -CERTAIN };
        Draft { problem, kept, intercepts: counts.iter().map(certain).collect() }
    }

    fn finish(self, x: &SparseMatrix, solution: Vec<f64>, gradient: f64) -> LogisticRegression {
        let (outputs, kept) = (self.intercepts.len(), self.kept.len());
        let (solved, found) = solution.split_at(x.width() * kept);
        let mut intercepts = self.intercepts;
        self.kept.iter().zip(found).for_each(|(&to, &intercept)| intercepts[to] = f64::from(intercept as f32));
        let mut weights = vec![0.0; x.width() * outputs];
        if kept > 0 {
            for (weights, solved) in weights.chunks_exact_mut(outputs).zip(solved.chunks_exact(kept)) {
                self.kept.iter().zip(solved).for_each(|(&to, &weight)| weights[to] = weight as f32);
            }
        }
        let convergence = Convergence { gradient, converged: gradient <= self.problem.params.tolerance };
        LogisticRegression { outputs, greatest: furthest(&weights), weights: weights.into(), intercepts, convergence }
    }
}

impl LogisticParams {
    /// Fits on the rows of `x`.
    ///
    /// A question that every row answers alike has zero weights and an intercept of ±30; a class that no row has, zero
    /// weights and an intercept of -30.
    ///
    /// # Errors
    ///
    /// No rows; settings that the chosen solver does not carry (class weights, a prior or too many rows with `linfa`); a
    /// solver that breaks down.
    pub fn fit(&self, x: &SparseMatrix, targets: Targets<'_>) -> Result<LogisticRegression> {
        let fitted = fit_together(x, &[(*self, targets)])?;
        fitted.into_iter().next().ok_or_else(|| Error::data("nothing was fitted"))
    }

    /// Whether nothing but C sets them apart from others: [`fit_together`] then finds both along one path.
    pub fn equal_but_for_c(&self, other: &LogisticParams) -> bool {
        LogisticParams { c: other.c, ..*self } == *other
    }

    /// C · s_i for each row and kept output.
    fn costs(&self, one_hot: &[bool], counts: &[usize], kept: &[usize], softmax: bool, n: usize) -> Vec<f64> {
        if self.class_weight == ClassWeight::None {
            return vec![self.c; n * kept.len()];
        }
        let outputs = counts.len();
        one_hot
            .chunks(outputs)
            .flat_map(|row| {
                let class = row.iter().position(|&y| y);
                kept.iter().map(move |&k| match class {
                    Some(class) if softmax => self.c * n as f64 / (kept.len() * counts[class]) as f64,
                    _ if row[k] => self.c * n as f64 / (2 * counts[k]) as f64,
                    _ => self.c * n as f64 / (2 * (n - counts[k])) as f64,
                })
            })
            .collect()
    }
}

/// How far weights are from zero at most; not finite if one of them is not.
fn furthest(weights: &[f32]) -> f32 {
    // As integers, which order like numbers above zero and are compared several at a time.
    f32::from_bits(weights.iter().fold(0, |most, weight| most.max(weight.abs().to_bits())))
}

impl LogisticRegression {
    /// Puts a regression together from its parts: weights column by column, as many to a column as there are intercepts.
    /// `None` for other numbers of weights, and for what is not finite.
    pub fn from_parts(weights: impl Into<Cow<'static, [f32]>>, intercepts: Vec<f64>) -> Option<Self> {
        let weights = weights.into();
        let outputs = intercepts.len();
        let greatest = furthest(&weights);
        let finite = greatest.is_finite() && intercepts.iter().all(|v| v.is_finite());
        let convergence = Convergence { gradient: 0.0, converged: true };
        (outputs > 0 && weights.len().is_multiple_of(outputs) && finite).then_some(LogisticRegression {
            outputs,
            weights,
            greatest,
            intercepts,
            convergence,
        })
    }

    /// One score an output for a row.
    pub fn scores(&self, row: &SparseRow) -> Vec<Score> {
        let products = FixedPoint::below(self.reach() * reach(UnorderedRow::from(row).greatest(), row.len()));
        let mut sums = vec![0u64; self.outputs];
        for (column, value) in row.iter() {
            let at = column as usize * self.outputs;
            for (sum, &weight) in sums.iter_mut().zip(&self.weights[at..at + self.outputs]) {
                *sum = sum.wrapping_add(products.part(value * f64::from(weight)));
            }
        }
        let score = |(&sum, intercept): (&u64, &f64)| Score(products.sum(sum, row.len()) + intercept);
        sums.iter().zip(&self.intercepts).map(score).collect()
    }

    /// The scores of every row of a matrix, as [`scores`](Self::scores) gives them.
    pub fn score_rows(&self, x: &SparseMatrix) -> Vec<Vec<Score>> {
        let mut scorer = Scorer::new(iter::once(self), x.width()).ready(iter::once(self));
        let row = |i| {
            let (columns, values) = x.row(i);
            scorer.scores(iter::once(self), UnorderedRow::new(columns, values)).to_vec()
        };
        (0..x.height()).map(row).collect()
    }

    /// How far the weights are from zero at most; not finite if one of them is not.
    pub fn greatest(&self) -> f32 {
        self.greatest
    }

    /// A power of two that no weight reaches.
    pub(super) fn reach(&self) -> f64 {
        reach(self.greatest.into(), 1)
    }

    /// The number of scores of a row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weights column by column, [`outputs`](Self::outputs) to a column.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// One intercept an output.
    pub fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// How well the fit converged.
    pub fn convergence(&self) -> Convergence {
        self.convergence
    }

    /// The same regression with its weights as `round` gives them.
    #[must_use]
    pub fn rounded(mut self, round: impl Fn(f32) -> f32) -> Self {
        self.weights.to_mut().iter_mut().for_each(|weight| *weight = round(*weight));
        self.greatest = furthest(&self.weights);
        self
    }

    /// The same regression over the columns in another order, given by the old column of each.
    #[must_use]
    pub fn reordered(mut self, old: &[u32]) -> Self {
        let of = |&column: &u32| &self.weights[column as usize * self.outputs..][..self.outputs];
        self.weights = old.iter().flat_map(of).copied().collect();
        self
    }
}
