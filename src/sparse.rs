//! Sparse rows and matrices of finite numbers.
//!
//! In: pairs of column and value. Out: rows sorted by column and a compressed matrix of them. It must not know what a
//! column means.

use crate::sum::greatest;

/// One row: columns strictly increasing, values finite and not zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseRow {
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl SparseRow {
    /// Makes a row of pairs that are already sorted by column without repeats; zeros are left out.
    ///
    /// # Panics
    ///
    /// In debug builds, if columns do not increase strictly or a value is not finite.
    pub fn from_sorted(pairs: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let pairs = pairs.into_iter();
        let room = pairs.size_hint().0;
        let mut row = SparseRow { columns: Vec::with_capacity(room), values: Vec::with_capacity(room) };
        for (column, value) in pairs {
            debug_assert!(value.is_finite());
            debug_assert!(row.columns.last().is_none_or(|&last| last < column));
            if value != 0.0 {
                row.columns.push(column);
                row.values.push(value);
            }
        }
        row
    }

    /// Room for so many pairs.
    pub fn reserve(&mut self, pairs: usize) {
        self.columns.reserve(pairs);
        self.values.reserve(pairs);
    }

    /// Forgets all pairs.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.values.clear();
    }

    /// Adds pairs with columns that go on increasing strictly; no value may be zero.
    ///
    /// # Panics
    ///
    /// In debug builds, if columns do not increase strictly.
    #[inline(always)]
    pub fn extend(&mut self, columns: &[u32], values: &[f64]) {
        debug_assert!(columns.is_sorted_by(|a, b| a < b) && columns.len() == values.len());
        debug_assert!(self.columns.last() < columns.first() || columns.is_empty());
        self.columns.extend_from_slice(columns);
        self.values.extend_from_slice(values);
    }

    /// The values from the `from`th on, to be changed to others that are not zero.
    #[inline(always)]
    pub fn values_mut(&mut self, from: usize) -> &mut [f64] {
        &mut self.values[from..]
    }

    /// The stored pairs, by increasing column.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.columns.iter().copied().zip(self.values.iter().copied())
    }

    /// The columns alone.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// The number of stored pairs.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// A row whose columns may stand in any order, each once.
#[derive(Debug, Clone, Copy)]
pub struct UnorderedRow<'a> {
    columns: &'a [u32],
    values: &'a [f64],
    greatest: f64,
}

impl<'a> UnorderedRow<'a> {
    /// A row of columns and as many values.
    pub fn new(columns: &'a [u32], values: &'a [f64]) -> Self {
        UnorderedRow { columns, values, greatest: greatest(values) }
    }

    /// A row of columns and as many values, of which the greatest absolute value is known.
    #[inline(always)]
    pub(crate) fn with_greatest(columns: &'a [u32], values: &'a [f64], greatest: f64) -> Self {
        debug_assert_eq!(self::greatest(values), greatest);
        UnorderedRow { columns, values, greatest }
    }

    /// The columns.
    pub fn columns(self) -> &'a [u32] {
        self.columns
    }

    /// The value of each column.
    pub fn values(self) -> &'a [f64] {
        self.values
    }

    /// The greatest absolute value, zero if there are no values.
    pub fn greatest(self) -> f64 {
        self.greatest
    }
}

impl<'a> From<&'a SparseRow> for UnorderedRow<'a> {
    fn from(row: &'a SparseRow) -> Self {
        UnorderedRow::new(&row.columns, &row.values)
    }
}

/// A matrix in compressed sparse row form.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMatrix {
    width: usize,
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl SparseMatrix {
    /// Stacks rows; every column must be below `width`.
    ///
    /// # Panics
    ///
    /// In debug builds, if a column is not below `width`.
    pub fn from_rows(width: usize, rows: impl IntoIterator<Item = SparseRow>) -> Self {
        let mut matrix = SparseMatrix::empty(width);
        for row in rows {
            matrix.extend_row(row.iter());
            matrix.end_row();
        }
        matrix
    }

    /// A matrix without rows.
    pub fn empty(width: usize) -> Self {
        SparseMatrix { width, starts: vec![0], columns: Vec::new(), values: Vec::new() }
    }

    /// Makes room for this many more values.
    pub fn reserve(&mut self, values: usize) {
        self.columns.reserve_exact(values);
        self.values.reserve_exact(values);
    }

    /// Adds pairs to the row that the next [`end_row`](Self::end_row) ends, by increasing column; zeros are left out.
    ///
    /// # Panics
    ///
    /// In debug builds, if columns do not increase strictly or are not below the width, or a value is not finite.
    pub fn extend_row(&mut self, pairs: impl IntoIterator<Item = (u32, f64)>) {
        let start = self.starts[self.starts.len() - 1];
        for (column, value) in pairs {
            debug_assert!(value.is_finite() && (column as usize) < self.width);
            debug_assert!(self.columns[start..].last().is_none_or(|&last| last < column));
            if value != 0.0 {
                self.columns.push(column);
                self.values.push(value);
            }
        }
    }

    /// As [`extend_row`](Self::extend_row), but adds only the pairs that are marked. (Without a branch on the marks, which
    /// processors cannot guess.)
    pub fn extend_row_where(&mut self, pairs: impl ExactSizeIterator<Item = (bool, u32, f64)>) {
        let start = self.columns.len();
        self.columns.resize(start + pairs.len(), 0);
        self.values.resize(start + pairs.len(), 0.0);
        let (columns, values) = (&mut self.columns[start..], &mut self.values[start..]);
        let mut added = 0;
        for (marked, column, value) in pairs {
            columns[added] = column;
            values[added] = value;
            added += usize::from(marked && value != 0.0);
        }
        debug_assert!(columns[..added].iter().all(|&column| (column as usize) < self.width));
        self.columns.truncate(start + added);
        self.values.truncate(start + added);
    }

    /// The values of the open row from its matrix's `from`th on.
    pub fn open_values(&mut self, from: usize) -> &mut [f64] {
        &mut self.values[from..]
    }

    /// Ends a row.
    pub fn end_row(&mut self) {
        self.starts.push(self.columns.len());
    }

    /// The number of rows.
    pub fn height(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of stored values.
    pub fn stored(&self) -> usize {
        self.values.len()
    }

    /// Columns and values of row `i`.
    pub fn row(&self, i: usize) -> (&[u32], &[f64]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// X W for a dense W of `lanes` numbers a column, laid out column by column: `lanes` numbers a row. Each sum runs in
    /// the order of the row's columns.
    pub fn times<W: Copy + Into<f64>>(&self, dense: &[W], lanes: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.height() * lanes];
        for first in (0..lanes).step_by(WIDE) {
            let dense = gathered(dense, lanes, first);
            for i in 0..self.height() {
                let mut sums = [0.0; WIDE];
                let (columns, values) = self.row(i);
                for (&column, value) in columns.iter().zip(values) {
                    let dense = &dense[column as usize];
                    for k in 0..WIDE {
                        sums[k] += value * dense[k];
                    }
                }
                let end = lanes.min(first + WIDE);
                out[i * lanes + first..i * lanes + end].copy_from_slice(&sums[..end - first]);
            }
        }
        out
    }

    /// Xᵀ R for a dense R of `lanes` numbers a row, laid out row by row: `lanes` numbers a column. Each sum runs in the
    /// order of the rows.
    pub fn transposed_times(&self, dense: &[f64], lanes: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.width * lanes];
        for first in (0..lanes).step_by(WIDE) {
            let mut sums = vec![[0.0; WIDE]; self.width];
            for (i, row) in gathered(dense, lanes, first).iter().enumerate() {
                let (columns, values) = self.row(i);
                for (&column, value) in columns.iter().zip(values) {
                    let sums = &mut sums[column as usize];
                    for k in 0..WIDE {
                        sums[k] += value * row[k];
                    }
                }
            }
            let end = lanes.min(first + WIDE);
            for (out, sums) in out.chunks_exact_mut(lanes).zip(&sums) {
                out[first..end].copy_from_slice(&sums[..end - first]);
            }
        }
        out
    }

    /// The product of row `i` with a dense vector of `width` numbers.
    pub fn dot(&self, i: usize, dense: &[f64]) -> f64 {
        let (columns, values) = self.row(i);
        columns.iter().zip(values).map(|(&c, v)| v * dense[c as usize]).sum()
    }
}

/// Lanes that are multiplied at once: as many as keep a processor's registers busy.
const WIDE: usize = 4;

/// Some lanes of a dense matrix side by side; lanes that are not there are zero.
fn gathered<W: Copy + Into<f64>>(dense: &[W], lanes: usize, first: usize) -> Vec<[f64; WIDE]> {
    let end = lanes.min(first + WIDE);
    dense
        .chunks_exact(lanes)
        .map(|row| {
            let mut four = [0.0; WIDE];
            four.iter_mut().zip(&row[first..end]).for_each(|(to, &from)| *to = from.into());
            four
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stack() {
        let rows = [
            SparseRow::from_sorted([(0, 1.0), (2, 0.0), (3, 2.0)]),
            SparseRow::default(),
            SparseRow::from_sorted([(1, -1.0)]),
        ];
        assert_eq!(rows[0].len(), 2, "zeros are not stored");
        let matrix = SparseMatrix::from_rows(4, rows);
        assert_eq!((matrix.height(), matrix.width(), matrix.stored()), (3, 4, 3));
        assert_eq!(matrix.dot(0, &[10.0, 20.0, 30.0, 40.0]), 90.0);
        assert_eq!(matrix.dot(1, &[10.0, 20.0, 30.0, 40.0]), 0.0);
        assert_eq!(matrix.row(2), (&[1u32][..], &[-1.0][..]));
        let mut same = SparseMatrix::empty(4);
        same.extend_row_where([(true, 0, 1.0), (false, 9, 7.0), (true, 2, 0.0), (true, 3, 2.0)].into_iter());
        same.end_row();
        assert_eq!(same.row(0), matrix.row(0));
    }

    #[test]
    fn products_worked_by_hand() {
        // Rows (1, 0, 2) and (0, 3, 0), with five lanes: one more than go at once.
        let rows = [SparseRow::from_sorted([(0, 1.0), (2, 2.0)]), SparseRow::from_sorted([(1, 3.0)])];
        let matrix = SparseMatrix::from_rows(3, rows);
        let dense: Vec<f64> = (0..15).map(f64::from).collect();
        assert_eq!(matrix.times(&dense, 5), [20.0, 23.0, 26.0, 29.0, 32.0, 15.0, 18.0, 21.0, 24.0, 27.0]);
        let rows: Vec<f64> = (1..=10).map(f64::from).collect();
        let product = [1.0, 2.0, 3.0, 4.0, 5.0, 18.0, 21.0, 24.0, 27.0, 30.0, 2.0, 4.0, 6.0, 8.0, 10.0];
        assert_eq!(matrix.transposed_times(&rows, 5), product);
    }
}
