//! Sparse rows and matrices of finite numbers.
//!
//! In: pairs of column and value. Out: rows sorted by column and a compressed matrix of them. It must not know what a
//! column means.

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
        let mut row = SparseRow::default();
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

    /// The stored pairs, by increasing column.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.columns.iter().copied().zip(self.values.iter().copied())
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
        let mut matrix = SparseMatrix { width, starts: vec![0], columns: Vec::new(), values: Vec::new() };
        for row in rows {
            debug_assert!(row.columns.last().is_none_or(|&last| (last as usize) < width));
            matrix.columns.extend_from_slice(&row.columns);
            matrix.values.extend_from_slice(&row.values);
            matrix.starts.push(matrix.columns.len());
        }
        matrix
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

    /// The product of row `i` with a dense vector of `width` numbers.
    pub fn dot(&self, i: usize, dense: &[f64]) -> f64 {
        let (columns, values) = self.row(i);
        columns.iter().zip(values).map(|(&c, v)| v * dense[c as usize]).sum()
    }
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
    }
}
