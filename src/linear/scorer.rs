//! Scores of several regressions in one reading of their weights.

use super::logistic::LogisticRegression;
use crate::sparse::SparseRow;
use crate::table::Table;
use crate::task::Score;
use prefetch_index::prefetch_index;
use pulp::{Arch, NullaryFnOnce};
use std::cmp::Ordering;

/// Looks up the weights of regressions over the same columns, which have to be the same every time.
///
/// A row has many columns, each of them in another place of memory, and waiting for these places is what scores cost. So
/// the weights of a column are kept side by side. They are brought there when the column is first met: a few texts do not
/// wait for all columns; many do, once.
pub struct Scorer {
    /// The weights of all outputs, column by column, in one or several groups.
    weights: Table<[f32; LANES]>,
    width: usize,
    groups: usize,
    /// How many rows were scored.
    rows: usize,
    /// A bit for each column whose weights are there.
    met: Vec<u64>,
    /// Those of the last row.
    sums: Vec<f64>,
    arch: Arch,
}

/// With eight weights of 32 bits a column touches one line of a cache.
const LANES: usize = 8;

/// A processor is told to bring the weights of so many columns before they are added.
const AHEAD: usize = 16;

/// After so many rows the weights of all columns are brought.
const ROWS: usize = 500;

impl Scorer {
    /// Room for regressions over so many columns, and so many outputs of them all.
    pub fn new(width: usize, outputs: usize) -> Self {
        let groups = outputs.div_ceil(LANES);
        Scorer {
            weights: Table::zeros(width * groups),
            width,
            groups,
            rows: 0,
            met: vec![0; width.div_ceil(64)],
            sums: vec![0.0; groups * LANES],
            arch: Arch::new(),
        }
    }

    /// What [`LogisticRegression::scores`] says of a row, bit for bit, of one regression after the other.
    pub fn scores<'a, R: Iterator<Item = &'a LogisticRegression> + Clone>(
        &mut self,
        regressions: R,
        row: &SparseRow,
    ) -> impl Iterator<Item = Score> + use<'a, '_, R> {
        match self.rows.cmp(&ROWS) {
            Ordering::Less => row.iter().for_each(|(column, _)| self.meet(regressions.clone(), column as usize)),
            Ordering::Equal => (0..self.width).for_each(|column| self.meet(regressions.clone(), column)),
            Ordering::Greater => {}
        }
        self.rows += 1;
        // With the widest registers that the processor has; sums do not depend on them.
        self.arch.dispatch(Sums { weights: &self.weights, groups: self.groups, row, sums: &mut self.sums });
        regressions.flat_map(|r| r.intercepts()).zip(&self.sums).map(|(intercept, sum)| Score(sum + intercept))
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
}

/// For each group of lanes the sum of weights times values.
struct Sums<'a> {
    weights: &'a [[f32; LANES]],
    groups: usize,
    row: &'a SparseRow,
    sums: &'a mut [f64],
}

impl NullaryFnOnce for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Sums { weights, groups, row, sums } = self;
        let ahead = row.columns().get(AHEAD..).unwrap_or_default();
        for (group, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let place = |column: u32| column as usize * groups + group;
            // Of its own, so that it stays in registers.
            let mut eight = [0.0; LANES];
            let mut ahead = ahead.iter();
            for (column, value) in row.iter() {
                if let Some(&ahead) = ahead.next() {
                    prefetch_index(weights, place(ahead));
                }
                let weights = &weights[place(column)];
                for k in 0..LANES {
                    eight[k] += value * f64::from(weights[k]);
                }
            }
            *sums = eight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut scorer = Scorer::new(20, 11);
        for row in [vec![], vec![(19, 0.1)], vec![(0, 0.3), (3, 0.7), (4, 1e-9), (11, 0.123_456_789), (19, 7.0)]] {
            let row = SparseRow::from_sorted(row);
            let alone: Vec<Score> = regressions.iter().flat_map(|r| r.scores(&row)).collect();
            for _ in 0..2 {
                let found: Vec<Score> = scorer.scores(regressions.iter(), &row).collect();
                assert_eq!(found, alone);
            }
        }
    }
}
