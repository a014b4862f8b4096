//! The rows of a matrix, made ready for being read one by one, again and again.

use crate::sparse::SparseMatrix;
use std::ops::{Add, AddAssign, Mul, Range};

/// Outputs that are read or changed at once; of few outputs, the half.
const WIDE: usize = 8;
const NARROW: usize = 4;

/// A floating-point type that products are summed in.
pub(super) trait Real: Copy + Default + AddAssign + Add<Output = Self> + Mul<Output = Self> {
    fn of(value: f64) -> Self;
    fn get(self) -> f64;
}

impl Real for f32 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn get(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn get(self) -> f64 {
        self
    }
}

/// Columns that hold one row only, the greater part of any vocabulary, are kept apart: they touch no other row. The others
/// are ordered so that weights that are used together lie together in the cache: first by how often they are used, to a
/// power of two, then by the first row that holds them, since the n-grams of a rare word come and go together.
pub(super) struct Rows<T> {
    /// The matrix's row of each row.
    order: Vec<u32>,
    heads: Vec<Head>,
    /// Column and value of each stored number in a shared column.
    entries: Vec<(u32, T)>,
    /// The matrix's column of each shared column.
    shared: Vec<u32>,
    /// Row, the matrix's column and value of what stands alone in its column.
    alone: Vec<(usize, u32, f64)>,
    width: usize,
}

/// What is known of a row besides its entries.
struct Head {
    /// Where its entries start, and where they end.
    start: usize,
    end: usize,
    own: f64,
    square: f64,
}

/// Weights of several outputs over the shared columns of some [`Rows`].
pub(super) struct Weights<T> {
    outputs: usize,
    /// Outputs side by side, 4 or 8 at a time; of each such set, column by column.
    sets: Vec<Vec<T>>,
}

impl<T: Real> Rows<T> {
    /// All rows of a matrix, in the order given.
    pub fn of(x: &SparseMatrix, order: Vec<u32>) -> Self {
        // By column how many rows hold it; and the columns by the first of them.
        let mut holders = vec![0u32; x.width()];
        let mut shared = Vec::new();
        for i in 0..x.height() {
            for &column in x.row(i).0 {
                let rows = &mut holders[column as usize];
                if *rows == 0 {
                    shared.push(column);
                }
                *rows += 1;
            }
        }
        shared.retain(|&column| holders[column as usize] > 1);
        shared.sort_by_key(|&column| u32::BITS - holders[column as usize].ilog2());
        const ALONE: u32 = u32::MAX;
        let mut places = vec![ALONE; x.width()];
        (0u32..).zip(&shared).for_each(|(new, &old)| places[old as usize] = new);
        let mut heads: Vec<Head> = Vec::with_capacity(order.len());
        let mut turns = vec![0; order.len()];
        let mut start = 0;
        for (i, &row) in order.iter().enumerate() {
            turns[row as usize] = i;
            heads.push(Head { start, end: start, own: 0.0, square: 0.0 });
            start += x.row(row as usize).0.len();
        }
        let (mut entries, mut alone) = (vec![(0, T::default()); start], Vec::new());
        let mut apart = vec![0; x.width()];
        // In the order of the matrix, which is faster to follow in reading than in writing.
        for (row, &i) in turns.iter().enumerate() {
            let (columns, values) = x.row(row);
            let head = &mut heads[i];
            let entries = &mut entries[head.start..head.start + columns.len()];
            let mut kept = 0;
            for (at, (&column, &value)) in columns.iter().zip(values).enumerate() {
                // Both are written, and the wrong one written over by the next, so that no branch has to be guessed.
                let place = places[column as usize];
                entries[kept] = (place, T::of(value));
                apart[at - kept] = at;
                kept += usize::from(place != ALONE);
            }
            head.end += kept;
            head.square = values.iter().map(|value| value * value).sum();
            for &at in &apart[..columns.len() - kept] {
                head.own += values[at] * values[at];
                alone.push((i, columns[at], values[at]));
            }
        }
        Rows { order, heads, entries, shared, alone, width: x.width() }
    }

    #[inline(always)]
    pub fn height(&self) -> usize {
        self.heads.len()
    }

    /// The matrix's columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The matrix's row that is row `i` here.
    #[inline(always)]
    pub fn original(&self, i: usize) -> usize {
        self.order[i] as usize
    }

    /// The squared norm of row `i`.
    #[inline(always)]
    pub fn square(&self, i: usize) -> f64 {
        self.heads[i].square
    }

    /// The part of [`square`](Self::square) in columns that no other row holds.
    #[inline(always)]
    pub fn own(&self, i: usize) -> f64 {
        self.heads[i].own
    }

    /// Zero weights.
    pub fn weights(&self, outputs: usize) -> Weights<T> {
        let at_once = Weights::<T>::at_once(outputs);
        let set = || vec![T::default(); self.shared.len() * at_once];
        Weights { outputs, sets: (0..outputs.div_ceil(at_once)).map(|_| set()).collect() }
    }

    /// The product of row `i` with the weights of each output.
    #[inline(always)]
    pub fn read(&self, i: usize, weights: &Weights<T>, products: &mut [f64]) {
        let at_once = Weights::<T>::at_once(weights.outputs);
        for (set, products) in weights.sets.iter().zip(products.chunks_mut(at_once)) {
            if at_once == WIDE {
                self.read_set::<WIDE>(i, set, products)
            } else {
                self.read_set::<NARROW>(i, set, products)
            }
        }
    }

    /// Adds row `i`, times one number an output, to the weights.
    #[inline(always)]
    pub fn add(&self, i: usize, times: &[f64], weights: &mut Weights<T>) {
        let at_once = Weights::<T>::at_once(weights.outputs);
        for (set, times) in weights.sets.iter_mut().zip(times.chunks(at_once)) {
            if at_once == WIDE { self.add_set::<WIDE>(i, times, set) } else { self.add_set::<NARROW>(i, times, set) }
        }
    }

    #[inline(always)]
    fn read_set<const W: usize>(&self, i: usize, set: &[T], products: &mut [f64]) {
        let set = set.as_chunks::<W>().0;
        let (fours, last) = self.row(i).as_chunks::<4>();
        // Four chains of sums, since one would wait for each addition to end before it starts the next.
        let (mut first, mut second, mut third, mut fourth) =
            ([T::default(); W], [T::default(); W], [T::default(); W], [T::default(); W]);
        for [a, b, c, d] in fours {
            let (a_weights, b_weights) = (&set[a.0 as usize], &set[b.0 as usize]);
            let (c_weights, d_weights) = (&set[c.0 as usize], &set[d.0 as usize]);
            for k in 0..W {
                first[k] += a.1 * a_weights[k];
                second[k] += b.1 * b_weights[k];
                third[k] += c.1 * c_weights[k];
                fourth[k] += d.1 * d_weights[k];
            }
        }
        for &(column, value) in last {
            let weights = &set[column as usize];
            for k in 0..W {
                first[k] += value * weights[k];
            }
        }
        for (k, product) in products.iter_mut().enumerate() {
            *product = ((first[k] + second[k]) + (third[k] + fourth[k])).get();
        }
    }

    #[inline(always)]
    fn add_set<const W: usize>(&self, i: usize, times: &[f64], set: &mut [T]) {
        if times.iter().all(|&v| v == 0.0) {
            return;
        }
        let set = set.as_chunks_mut::<W>().0;
        let mut by = [T::default(); W];
        by.iter_mut().zip(times).for_each(|(by, &v)| *by = T::of(v));
        for &(column, value) in self.row(i) {
            let weights = &mut set[column as usize];
            for k in 0..W {
                weights[k] += value * by[k];
            }
        }
    }

    /// The weights of one output over the columns: the shared ones as given, or zero where none are, then of each other
    /// what `times`, a number a row, makes of it.
    pub fn columns(&self, shared: &[T], times: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut weights: Vec<f64> = shared.iter().map(|weight| weight.get()).collect();
        weights.resize(self.shared.len(), 0.0);
        weights.extend(self.alone.iter().map(|&(i, _, value)| value * times(i)));
        weights
    }

    /// Writes weights in the order of [`columns`](Self::columns) to where their columns stand in the matrix, of `out` that
    /// has `step` numbers to a column.
    pub fn spread(&self, weights: &[f64], step: usize, out: &mut [f64]) {
        let alone = self.alone.iter().map(|(_, column, _)| column);
        for (&column, weight) in self.shared.iter().chain(alone).zip(weights) {
            out[column as usize * step] = *weight;
        }
    }

    /// The products of all rows with weights in the order of [`columns`](Self::columns), a list an output: as many numbers
    /// to a row.
    pub fn scores(&self, weights: &[Vec<f64>]) -> Vec<f64> {
        let outputs = weights.len();
        let mut shared = self.weights(outputs);
        for (k, weights) in weights.iter().enumerate() {
            shared.set_output(k, weights);
        }
        let mut scores = vec![0.0; self.height() * outputs];
        for (i, scores) in scores.chunks_exact_mut(outputs).enumerate() {
            self.read(i, &shared, scores);
        }
        for (at, &(i, _, value)) in (self.shared.len()..).zip(&self.alone) {
            for (score, weights) in scores[i * outputs..].iter_mut().zip(weights) {
                *score += value * weights[at];
            }
        }
        scores
    }

    #[inline(always)]
    fn row(&self, i: usize) -> &[(u32, T)] {
        let Head { start, end, .. } = self.heads[i];
        &self.entries[start..end]
    }
}

impl<T: Real> Weights<T> {
    #[inline(always)]
    fn at_once(outputs: usize) -> usize {
        if outputs > NARROW { WIDE } else { NARROW }
    }

    /// The weights of some outputs, in the order given.
    pub fn of_outputs(&self, kept: &[usize]) -> Self {
        let (from_once, to_once) = (Self::at_once(self.outputs), Self::at_once(kept.len()));
        let width = self.sets.first().map_or(0, |set| set.len() / from_once);
        let set = |kept: &[usize]| {
            let mut set = vec![T::default(); width * to_once];
            for (to, &from) in kept.iter().enumerate() {
                let values = self.sets[from / from_once].iter().skip(from % from_once).step_by(from_once);
                set.iter_mut().skip(to).step_by(to_once).zip(values).for_each(|(to, from)| *to = *from);
            }
            set
        };
        Weights { outputs: kept.len(), sets: kept.chunks(to_once).map(set).collect() }
    }

    /// The weights of one output over the shared columns.
    pub fn of_output(&self, output: usize) -> Vec<T> {
        let at_once = Self::at_once(self.outputs);
        self.sets[output / at_once].iter().skip(output % at_once).step_by(at_once).copied().collect()
    }

    /// Multiplies the weights of some outputs.
    pub fn scale(&mut self, outputs: Range<usize>, by: f64) {
        let at_once = Self::at_once(self.outputs);
        for output in outputs {
            let weights = self.sets[output / at_once].iter_mut().skip(output % at_once).step_by(at_once);
            weights.for_each(|weight| *weight = *weight * T::of(by));
        }
    }

    fn set_output(&mut self, output: usize, weights: &[f64]) {
        let at_once = Self::at_once(self.outputs);
        let places = self.sets[output / at_once].iter_mut().skip(output % at_once).step_by(at_once);
        places.zip(weights).for_each(|(place, weight)| *place = T::of(*weight));
    }

    /// The sum of squares of each output's weights.
    pub fn squares(&self) -> Vec<f64> {
        let at_once = Self::at_once(self.outputs);
        let mut squares = vec![0.0; self.sets.len() * at_once];
        for (set, squares) in self.sets.iter().zip(squares.chunks_exact_mut(at_once)) {
            for column in set.chunks_exact(at_once) {
                squares.iter_mut().zip(column).for_each(|(sum, w)| *sum += w.get() * w.get());
            }
        }
        squares.truncate(self.outputs);
        squares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::SparseRow;

    #[test]
    fn products_worked_by_hand() {
        // Rows (1, 0, 2), (3, 0, 0), (0, 4, 1): the middle column is held by one row.
        let rows = [[(0, 1.0), (2, 2.0)].to_vec(), [(0, 3.0)].to_vec(), [(1, 4.0), (2, 1.0)].to_vec()];
        let rows = Rows::<f64>::of(&SparseMatrix::from_rows(3, rows.map(SparseRow::from_sorted)), vec![0, 1, 2]);
        assert_eq!((rows.height(), rows.square(2), rows.own(2), rows.own(0)), (3, 17.0, 16.0, 0.0));
        // Ten outputs, more than go at once: the k-th has weights k · row 0 + row 2, which is (k, 2k + 1) where shared.
        let mut weights = rows.weights(10);
        let k: Vec<f64> = (0..10).map(f64::from).collect();
        rows.add(0, &k, &mut weights);
        rows.add(2, &[1.0; 10], &mut weights);
        let mut products = [0.0; 10];
        rows.read(0, &weights, &mut products);
        assert_eq!(products, [2.0, 7.0, 12.0, 17.0, 22.0, 27.0, 32.0, 37.0, 42.0, 47.0]);
        assert_eq!(weights.squares()[..3], [1.0, 10.0, 29.0]);
        let few = weights.of_outputs(&[9, 1]);
        rows.read(1, &few, &mut products[..2]);
        assert_eq!((products[0], products[1], few.squares()), (27.0, 3.0, vec![442.0, 10.0]));
        // The middle column after the shared ones: 4 times what its row 2 gives.
        let weights = rows.columns(&[5.0, 6.0], |i| i as f64);
        assert_eq!((&weights, rows.columns(&[], |_| 1.0)), (&vec![5.0, 6.0, 8.0], vec![0.0, 0.0, 4.0]));
        let mut spread = [0.0; 6];
        rows.spread(&weights, 2, &mut spread);
        assert_eq!(spread, [5.0, 0.0, 8.0, 0.0, 6.0, 0.0]);
        assert_eq!(rows.scores(&[weights]), [17.0, 15.0, 38.0]);
    }
}
