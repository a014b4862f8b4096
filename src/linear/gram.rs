//! Products with X Xᵀ, the inner products of all rows, without ever writing them down.

use crate::sparse::SparseMatrix;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul};

/// Lanes that are multiplied in one reading of the matrix.
const WIDE: usize = 8;
const NARROW: usize = 4;

/// A floating-point type that products are summed in.
pub(super) trait Real:
    Copy + Default + AddAssign + Add<Output = Self> + Mul<Output = Self> + Sum + Sync
{
    fn of(value: f64) -> Self;
    fn get(self) -> f64;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }
    fn get(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn get(self) -> f64 {
        self
    }
}

/// A matrix, made ready for products of X Xᵀ with vectors of one number a row.
///
/// Columns that hold one row only, the greater part of any vocabulary, add to the diagonal alone. The others are ordered
/// by how many rows hold them, so that the sums in constant use lie together in the cache.
pub(super) struct Gram<T> {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<T>,
    width: usize,
    /// By row, the squares of the values that no other row shares a column with.
    own: Vec<f64>,
    diagonal: Vec<f64>,
}

/// What is asked of a vector v.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Asked {
    /// X Xᵀ v
    Product,
    /// ‖Xᵀ v‖²
    Square,
}

/// One vector and what is asked of it; a product takes the vector's place, a square its first number's.
pub(super) struct Lane<'a> {
    pub asked: Asked,
    pub vector: &'a mut [f64],
}

impl<T: Real> Gram<T> {
    pub fn of(x: &SparseMatrix) -> Self {
        let mut holders = vec![0u32; x.width()];
        for i in 0..x.height() {
            x.row(i).0.iter().for_each(|&column| holders[column as usize] += 1);
        }
        let mut shared: Vec<u32> = (0..x.width() as u32).filter(|&c| holders[c as usize] > 1).collect();
        shared.sort_by_key(|&c| (std::cmp::Reverse(holders[c as usize]), c));
        let mut places = vec![None; x.width()];
        (0u32..).zip(&shared).for_each(|(new, &old)| places[old as usize] = Some(new));
        let mut gram = Gram {
            starts: vec![0],
            columns: Vec::with_capacity(x.stored()),
            values: Vec::with_capacity(x.stored()),
            width: shared.len(),
            own: Vec::with_capacity(x.height()),
            diagonal: Vec::with_capacity(x.height()),
        };
        for i in 0..x.height() {
            let (columns, values) = x.row(i);
            let (mut own, mut square) = (0.0, 0.0);
            for (&column, &value) in columns.iter().zip(values) {
                square += value * value;
                match places[column as usize] {
                    Some(place) => {
                        gram.columns.push(place);
                        gram.values.push(T::of(value));
                    }
                    None => own += value * value,
                }
            }
            gram.starts.push(gram.columns.len());
            gram.own.push(own);
            gram.diagonal.push(square);
        }
        gram
    }

    /// The squared norm of each row.
    pub fn diagonal(&self) -> &[f64] {
        &self.diagonal
    }

    /// Answers what is asked of each lane. An answer does not depend on the lanes beside it.
    pub fn answer(&self, lanes: &mut [Lane<'_>]) {
        for lanes in lanes.chunks_mut(WIDE) {
            if lanes.len() > NARROW { self.pass::<WIDE>(lanes) } else { self.pass::<NARROW>(lanes) }
        }
    }

    fn pass<const W: usize>(&self, lanes: &mut [Lane<'_>]) {
        let mut sums = vec![[T::default(); W]; self.width];
        for i in 0..self.own.len() {
            let mut row = [T::default(); W];
            row.iter_mut().zip(&*lanes).for_each(|(to, lane)| *to = T::of(lane.vector[i]));
            let (columns, values) = self.row(i);
            for (&column, &value) in columns.iter().zip(values) {
                let sums = &mut sums[column as usize];
                for k in 0..W {
                    sums[k] += value * row[k];
                }
            }
        }
        for (k, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.asked == Asked::Square) {
            let shared: f64 = sums.iter().map(|sums| sums[k].get().powi(2)).sum();
            let own: f64 = lane.vector.iter().zip(&self.own).map(|(v, own)| own * v * v).sum();
            lane.vector[0] = shared + own;
        }
        if lanes.iter().all(|lane| lane.asked == Asked::Square) {
            return;
        }
        for i in 0..self.own.len() {
            let products = self.forward(i, &sums);
            for (product, lane) in products.iter().zip(lanes.iter_mut()).filter(|(_, l)| l.asked == Asked::Product) {
                lane.vector[i] = product.get() + self.own[i] * lane.vector[i];
            }
        }
    }

    fn forward<const W: usize>(&self, i: usize, sums: &[[T; W]]) -> [T; W] {
        let (columns, values) = self.row(i);
        let (pairs, last) = columns.as_chunks::<2>();
        let (value_pairs, last_value) = values.as_chunks::<2>();
        // Two chains of sums, since one would wait for each addition to end before it starts the next.
        let (mut even, mut odd) = ([T::default(); W], [T::default(); W]);
        for (c, v) in pairs.iter().zip(value_pairs) {
            let (a, b) = (&sums[c[0] as usize], &sums[c[1] as usize]);
            for k in 0..W {
                even[k] += v[0] * a[k];
                odd[k] += v[1] * b[k];
            }
        }
        for (&c, &v) in last.iter().zip(last_value) {
            for k in 0..W {
                even[k] += v * sums[c as usize][k];
            }
        }
        std::array::from_fn(|k| even[k] + odd[k])
    }

    fn row(&self, i: usize) -> (&[u32], &[T]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::SparseRow;

    #[test]
    fn products_and_squares_worked_by_hand() {
        // Rows (1, 0, 2), (3, 0, 0), (0, 4, 1): the middle column is held by one row.
        let rows = [[(0, 1.0), (2, 2.0)].to_vec(), [(0, 3.0)].to_vec(), [(1, 4.0), (2, 1.0)].to_vec()];
        let gram = Gram::<f64>::of(&SparseMatrix::from_rows(3, rows.map(SparseRow::from_sorted)));
        assert_eq!(gram.diagonal(), [5.0, 9.0, 17.0]);
        // X Xᵀ = [[5, 3, 2], [3, 9, 0], [2, 0, 17]]; Xᵀ v = (7, -4, 1) for v = (1, 2, -1).
        let (mut product, mut square) = ([1.0, 2.0, -1.0], [1.0, 2.0, -1.0]);
        gram.answer(&mut [
            Lane { asked: Asked::Product, vector: &mut product },
            Lane { asked: Asked::Square, vector: &mut square },
        ]);
        assert_eq!(product, [9.0, 21.0, -15.0]);
        assert_eq!(square[0], 66.0);
    }
}
