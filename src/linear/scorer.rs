//! Scores of several regressions in one reading of their weights.

use super::logistic::LogisticRegression;
use crate::sparse::UnorderedRow;
use crate::sum::{FixedPoint, reach};
use crate::table::Table;
use crate::task::Score;
use prefetch_index::prefetch_index;
use pulp::{Arch, NullaryFnOnce};
use std::iter::repeat_n;

/// Looks up the weights of regressions over the same columns, which have to be the same every time.
///
/// A row has many columns, each of them in another place of memory, and waiting for these places is what scores cost. So
/// the weights of a column are kept side by side. They are brought there when the column is first met: a few texts do not
/// wait for all columns; many do, once.
pub struct Scorer {
    /// The weights of all outputs, column by column, in one or several groups.
    weights: Table<[f32; LANES]>,
    groups: usize,
    /// How many rows were scored while weights were still missing.
    rows: usize,
    /// A bit for each column whose weights are there.
    met: Vec<u64>,
    /// By output a power of two that none of its weights reaches, and its intercept.
    reaches: Vec<f64>,
    intercepts: Vec<f64>,
    /// Of the last row.
    sums: Vec<u64>,
    scores: Vec<Score>,
    arch: Arch,
}

/// With eight weights of 32 bits a column touches one line of a cache.
const LANES: usize = 8;

/// A processor is told to bring the weights of so many columns before they are added.
const AHEAD: usize = 16;

/// With so many rows the weights of all columns are brought.
const ROWS: usize = 500;

impl Scorer {
    /// For regressions over so many columns.
    pub fn new<'a>(regressions: impl Iterator<Item = &'a LogisticRegression> + Clone, width: usize) -> Self {
        let intercepts: Vec<f64> = regressions.clone().flat_map(|r| r.intercepts()).copied().collect();
        let (outputs, groups) = (intercepts.len(), intercepts.len().div_ceil(LANES));
        let mut reaches: Vec<f64> = regressions.flat_map(|r| repeat_n(r.reach(), r.outputs())).collect();
        reaches.resize(groups * LANES, 0.0);
        Scorer {
            weights: Table::zeros(width * groups),
            groups,
            rows: 0,
            met: vec![0; width.div_ceil(64)],
            reaches,
            intercepts,
            sums: vec![0; groups * LANES],
            scores: vec![Score(0.0); outputs],
            arch: Arch::new(),
        }
    }

    /// Brings the weights of all columns, for many rows to come.
    pub fn ready<'a>(mut self, regressions: impl Iterator<Item = &'a LogisticRegression>) -> Self {
        self.meet_all(regressions);
        self
    }

    /// What [`LogisticRegression::scores`] says of a row, bit for bit, of one regression after the other.
    pub fn scores<'a>(
        &mut self,
        regressions: impl Iterator<Item = &'a LogisticRegression> + Clone,
        row: UnorderedRow<'_>,
    ) -> &[Score] {
        if self.rows < ROWS {
            self.rows += 1;
            row.columns().iter().for_each(|&column| self.meet(regressions.clone(), column as usize));
            if self.rows == ROWS {
                self.meet_all(regressions);
            }
        }
        let Scorer { weights, groups, reaches, intercepts, sums, scores, .. } = self;
        let reach = reach(row.greatest(), row.columns().len());
        // With the widest registers that the processor has; sums do not depend on them.
        self.arch.dispatch(Sums { weights, groups: *groups, reaches, row, reach, sums });
        for (score, ((of_weights, intercept), &sum)) in
            scores.iter_mut().zip(reaches.iter().zip(intercepts).zip(&*sums))
        {
            *score = Score(FixedPoint::below(of_weights * reach).sum(sum, row.columns().len()) + *intercept);
        }
        scores
    }

    /// Makes sure that the weights of a column are there.
    fn meet<'a>(&mut self, regressions: impl Iterator<Item = &'a LogisticRegression>, column: usize) {
        if self.met[column / 64] >> (column % 64) & 1 == 1 {
            return;
        }
        self.met[column / 64] |= 1 << (column % 64);
        let weights = regressions.flat_map(|r| &r.weights()[column * r.outputs()..][..r.outputs()]);
        let side_by_side = self.weights[column * self.groups..][..self.groups].as_flattened_mut();
        side_by_side.iter_mut().zip(weights).for_each(|(place, &weight)| *place = weight);
    }

    /// Makes sure that the weights of all columns are there.
    fn meet_all<'a>(&mut self, regressions: impl Iterator<Item = &'a LogisticRegression>) {
        let lanes = self.groups * LANES;
        let mut first = 0;
        for regression in regressions {
            let outputs = regression.outputs();
            let columns = self.weights.as_flattened_mut().chunks_exact_mut(lanes);
            for (lanes, weights) in columns.zip(regression.weights().chunks_exact(outputs)) {
                lanes[first..][..outputs].copy_from_slice(weights);
            }
            first += outputs;
        }
        self.rows = ROWS;
    }
}

/// For each group of lanes the sum of weights times values.
struct Sums<'a> {
    weights: &'a [[f32; LANES]],
    groups: usize,
    reaches: &'a [f64],
    row: UnorderedRow<'a>,
    /// A power of two that no value of the row reaches.
    reach: f64,
    sums: &'a mut [u64],
}

impl NullaryFnOnce for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Sums { weights, groups, reaches, row, reach, sums } = self;
        let (columns, values) = (row.columns(), row.values());
        let ahead = columns.get(AHEAD..).unwrap_or_default();
        let lanes = sums.as_chunks_mut::<LANES>().0.iter_mut().zip(reaches.as_chunks::<LANES>().0);
        for (group, (sums, reaches)) in lanes.enumerate() {
            let products = reaches.map(|of_weights| FixedPoint::below(of_weights * reach));
            let place = |column: u32| column as usize * groups + group;
            // Of its own, so that it stays in registers.
            let mut eight = [0u64; LANES];
            let mut ahead = ahead.iter();
            for (&column, &value) in columns.iter().zip(values) {
                if let Some(&ahead) = ahead.next() {
                    prefetch_index(weights, place(ahead));
                }
                let weights = &weights[place(column)];
                for k in 0..LANES {
                    eight[k] = eight[k].wrapping_add(products[k].part(value * f64::from(weights[k])));
                }
            }
            *sums = eight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::SparseRow;

    #[test]
    fn scores_are_those_of_each_regression_alone() {
        // Three, one and seven outputs: eleven, so that one regression stands in two groups of lanes.
        let weight = |at: usize, salt: usize| (at * 7919 + salt) as f32 * 0.37 % 5.0 - 2.5;
        let regressions: Vec<LogisticRegression> = [3, 1, 7]
            .map(|outputs| {
                let weights: Vec<f32> = (0..20 * outputs).map(|at| weight(at, outputs)).collect();
                LogisticRegression::from_parts(weights, (0..outputs).map(|k| weight(k, 1).into()).collect()).unwrap()
            })
            .into();
        let mut scorer = Scorer::new(regressions.iter(), 20);
        let mut ready = Scorer::new(regressions.iter(), 20).ready(regressions.iter());
        for row in [vec![], vec![(19, 0.1)], vec![(0, 0.3), (3, 0.7), (4, 1e-9), (11, 0.123_456_789), (19, 7.0)]] {
            let row = SparseRow::from_sorted(row);
            let alone: Vec<Score> = regressions.iter().flat_map(|r| r.scores(&row)).collect();
            for _ in 0..2 {
                for scorer in [&mut scorer, &mut ready] {
                    assert_eq!(scorer.scores(regressions.iter(), UnorderedRow::from(&row)), alone);
                }
            }
        }
    }
}
