//! Term frequency times inverse document frequency, as scikit-learn defines it.

use super::corpus::{Corpus, run_lengths};
use super::idf::Idf;
use super::vocabulary::Vocabulary;
use crate::sparse::{SparseMatrix, SparseRow};
use crate::sum::{FixedPoint, greatest, reach};
use std::cmp::Reverse;
use std::sync::LazyLock;

/// How terms are chosen and weighed.
///
/// The weight of a term that occurs `tf` times in a text is `tf' · idf`, with `tf' = tf`, or `1 + ln tf` if
/// `sublinear_tf`, and `idf = ln((1 + n) / (1 + df)) + 1`, where `n` is the number of texts fitted on and `df` the number
/// of those that hold the term. Each row is then brought to the Euclidean norm `norm`.
///
/// Source: scikit-learn's `TfidfVectorizer` with `smooth_idf=True, norm="l2"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TfidfParams {
    /// Damps repeated terms.
    pub sublinear_tf: bool,
    /// A term is kept if at least this many texts hold it.
    pub min_df: usize,
    /// A term is kept if at most this share of the texts holds it.
    pub max_df: f64,
    /// The Euclidean norm of every row that is not empty; above zero.
    pub norm: f64,
}

/// Weighs texts by what it has learnt from those it was fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct TfidfVectorizer {
    vocabulary: Vocabulary,
    idf: Idf,
    damping: Damping,
    norm: f64,
}

/// What was learnt from some texts of a corpus, for weighing its texts without reading them again.
///
/// A fold of a cross-validation needs no more: [`vectorizer`](Self::vectorizer) makes it fit for other texts.
#[derive(Debug, Clone)]
pub struct CorpusTfidf<'a> {
    corpus: &'a Corpus,
    params: TfidfParams,
    /// By term of the corpus. Column and frequency lie together, since a term's text asks for both.
    places: Vec<Place>,
    width: usize,
    /// The idf by document frequency.
    idf: Vec<f64>,
    /// Whether columns follow the terms of the corpus, and not their frequencies.
    sorted: bool,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// The term's column, or [`NOWHERE`].
    column: u32,
    /// How many of the texts fitted on hold it.
    df: u32,
}

const NOWHERE: u32 = u32::MAX;

impl TfidfParams {
    /// Learns vocabulary and idf from the given rows of a corpus, and from nothing else in it.
    pub fn fit<'a>(&self, corpus: &'a Corpus, rows: &[usize]) -> CorpusTfidf<'a> {
        let mut places = vec![Place { column: NOWHERE, df: 0 }; corpus.terms.len()];
        for &i in rows {
            for &(id, _) in &corpus.counts[i] {
                places[id as usize].df += 1;
            }
        }
        let n = rows.len() as f64;
        let most = self.max_df * n;
        let mut width = 0;
        for place in &mut places {
            if place.df as usize >= self.min_df.max(1) && f64::from(place.df) <= most {
                place.column = width;
                width += 1;
            }
        }
        let idf = (0..=rows.len()).map(|df| ((1.0 + n) / (1.0 + df as f64)).ln() + 1.0).collect();
        CorpusTfidf { corpus, params: *self, places, width: width as usize, idf, sorted: true }
    }
}

impl CorpusTfidf<'_> {
    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Leaves out the columns that are not to be kept, as if their terms were unknown; the others move together.
    pub fn keep(&mut self, kept: &[bool]) {
        let mut width = 0;
        for place in self.places.iter_mut().filter(|place| place.column != NOWHERE) {
            let stays = kept[place.column as usize];
            place.column = if stays { width } else { NOWHERE };
            width += u32::from(stays);
        }
        self.width = width as usize;
    }

    /// Puts the columns of frequent terms first, equally frequent ones as they were, and gives the old column of each.
    ///
    /// What belongs to frequent terms then lies together in memory, which makes looking up faster; nothing else hangs on it.
    pub fn by_frequency(&mut self) -> Vec<u32> {
        let mut known: Vec<&mut Place> = self.places.iter_mut().filter(|place| place.column != NOWHERE).collect();
        known.sort_by_key(|place| (Reverse(place.df), place.column));
        self.sorted = false;
        (0..).zip(known).map(|(new, place)| std::mem::replace(&mut place.column, new)).collect()
    }

    /// Adds the weights of text `i` of the corpus to a matrix's open row, the first column at `first`.
    pub fn extend_row(&self, i: usize, first: u32, matrix: &mut SparseMatrix) {
        let start = matrix.stored();
        let damping = Damping::of(self.params.sublinear_tf);
        let weighed = self.corpus.counts[i].iter().map(|&(id, count)| {
            let Place { column, df } = self.places[id as usize];
            (column != NOWHERE, first.wrapping_add(column), damping.tf(count) * self.idf[df as usize])
        });
        if self.sorted {
            matrix.extend_row_where(weighed);
        } else {
            let mut known: Vec<(bool, u32, f64)> = weighed.filter(|(known, ..)| *known).collect();
            known.sort_unstable_by_key(|&(_, column, _)| column);
            matrix.extend_row_where(known.into_iter());
        }
        let weights = matrix.open_values(start);
        normalize(weights, self.params.norm);
    }

    /// The most values that [`extend_row`](Self::extend_row) adds for text `i`.
    pub fn most(&self, i: usize) -> usize {
        self.corpus.counts[i].len()
    }

    /// The vectorizer for texts outside the corpus.
    ///
    /// # Panics
    ///
    /// If its terms together have 4 GiB or more.
    pub fn vectorizer(&self) -> TfidfVectorizer {
        let known = self.places.iter().zip(&self.corpus.terms).filter(|(place, _)| place.column != NOWHERE);
        let mut known: Vec<(&Place, &str)> = known.map(|(place, term)| (place, &**term)).collect();
        known.sort_by_key(|(place, _)| place.column);
        // A corpus's terms are distinct and without line feeds, and so is every selection of them.
        let vocabulary = Vocabulary::from_terms(known.iter().map(|(_, term)| *term));
        let vocabulary = vocabulary.unwrap_or_else(|| panic!("terms of 4 GiB or more"));
        let idf: Vec<f64> = known.iter().map(|(place, _)| self.idf[place.df as usize]).collect();
        let TfidfParams { sublinear_tf, norm, .. } = self.params;
        TfidfVectorizer { vocabulary, idf: Idf::from(&idf[..]), damping: Damping::of(sublinear_tf), norm }
    }
}

impl TfidfVectorizer {
    /// Puts a vectorizer together from its stored parts; `None` if they do not fit each other.
    pub fn from_parts(vocabulary: Vocabulary, idf: &[f64], params: &TfidfParams) -> Option<Self> {
        // As its formula gives it of less than 2^64 texts.
        let sound = vocabulary.len() == idf.len() && idf.iter().fold(true, |sound, v| sound & (1.0..64.0).contains(v));
        let TfidfParams { sublinear_tf, norm, .. } = *params;
        sound.then(|| TfidfVectorizer { vocabulary, idf: idf.into(), damping: Damping::of(sublinear_tf), norm })
    }

    /// The terms it knows.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The inverse document frequencies by column.
    pub fn idf(&self) -> impl ExactSizeIterator<Item = f64> {
        self.idf.iter()
    }

    /// The row of a text whose terms `each_term` passes one by one; unknown terms count for nothing.
    pub fn row(&self, each_term: impl FnOnce(&mut dyn FnMut(&str))) -> SparseRow {
        let mut columns = Vec::new();
        each_term(&mut |term| columns.extend(self.vocabulary.column(term)));
        let weighed = run_lengths(&mut columns);
        let weights: Vec<f64> = weighed
            .iter()
            .map(|&(column, count)| self.weigh(column as usize / 64)(column as usize % 64, count))
            .collect();
        let columns: Vec<u32> = weighed.into_iter().map(|(column, _)| column).collect();
        let mut row = SparseRow::default();
        row.extend(&columns, &weights);
        self.normalize(row.values_mut(0));
        row
    }

    /// What weighs a term, before normalization, by its column and the number of times that it stands in a text.
    #[inline(always)]
    pub(crate) fn weigh(&self, near: usize) -> impl Fn(usize, u32) -> f64 {
        let (damping, idf) = (self.damping, self.idf.near(near));
        move |at, count| damping.tf(count) * idf(at)
    }

    /// What weighs a term, before normalization and with an idf of one, by the number of times that it stands in a text.
    #[inline(always)]
    pub(crate) fn damping(&self) -> impl Fn(u32) -> f64 + use<> {
        let damping = self.damping;
        move |count| damping.tf(count)
    }

    /// Brings the weights of a text to their norm. Returns the greatest, zero if there are none.
    #[inline(always)]
    pub(crate) fn normalize(&self, weights: &mut [f64]) -> f64 {
        normalize(weights, self.norm)
    }
}

/// What makes tf' of tf.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Damping {
    sublinear: bool,
    /// The values for small counts, which most are.
    small: &'static [f64; 256],
}

impl Damping {
    fn of(sublinear: bool) -> Self {
        static PLAIN: LazyLock<[f64; 256]> = LazyLock::new(|| std::array::from_fn(|tf| tf as f64));
        static SUBLINEAR: LazyLock<[f64; 256]> = LazyLock::new(|| std::array::from_fn(|tf| damped(tf as u32)));
        Damping { sublinear, small: if sublinear { &SUBLINEAR } else { &PLAIN } }
    }

    #[inline(always)]
    fn tf(self, count: u32) -> f64 {
        match self.small.get(count as usize) {
            Some(&tf) => tf,
            None if self.sublinear => damped(count),
            None => f64::from(count),
        }
    }
}

fn damped(count: u32) -> f64 {
    1.0 + f64::from(count).ln()
}

/// Brings weights to a Euclidean norm, whatever their order. Returns the greatest.
#[inline(always)]
fn normalize(weights: &mut [f64], norm: f64) -> f64 {
    let greatest = greatest(weights);
    let squares = FixedPoint::below(reach(greatest * greatest, weights.len()));
    let sum = weights.iter().fold(0u64, |sum, weight| sum.wrapping_add(squares.part(weight * weight)));
    let scale = norm / squares.sum(sum, weights.len()).sqrt();
    weights.iter_mut().for_each(|weight| *weight *= scale);
    if weights.is_empty() { 0.0 } else { greatest * scale }
}

#[cfg(test)]
mod tests {
    use super::super::CorpusCounter;
    use super::*;

    #[test]
    fn columns_left_out_are_unknown_terms() {
        let mut counter = CorpusCounter::default();
        for text in ["b a c", "c d", "a"] {
            text.split(' ').for_each(|term| counter.add(term));
            counter.end_text();
        }
        let corpus = counter.finish();
        let params = TfidfParams { sublinear_tf: false, min_df: 1, max_df: 1.0, norm: 1.0 };
        let mut fitted = params.fit(&corpus, &[0, 1]);
        fitted.keep(&[true, false, true, false]);
        let vectorizer = fitted.vectorizer();
        assert!(vectorizer.vocabulary().terms().eq(["a", "c"]) && fitted.width() == 2);
        // By hand: of two texts one holds a, both hold c: idf ln(3/2) + 1 and ln(3/3) + 1.
        let idf = [1.5f64.ln() + 1.0, 1.0];
        assert!(vectorizer.idf().zip(idf).all(|(found, expected)| (found - expected).abs() < 1e-12));
        let row: Vec<(u32, f64)> =
            vectorizer.row(|emit| ["b", "a", "c"].iter().for_each(|term| emit(term))).iter().collect();
        let length = idf[0].hypot(idf[1]);
        assert!(row.iter().zip(idf).all(|((_, value), idf)| (value - idf / length).abs() < 1e-12) && row.len() == 2);
        let mut matrix = SparseMatrix::empty(2);
        fitted.extend_row(0, 0, &mut matrix);
        matrix.end_row();
        assert_eq!(matrix.row(0), (&[0, 1][..], &[row[0].1, row[1].1][..]));
        // c is in more texts than a.
        assert_eq!(fitted.by_frequency(), [1, 0]);
        assert!(fitted.vectorizer().vocabulary().terms().eq(["c", "a"]));
        let turned: Vec<f64> = fitted.vectorizer().idf().collect();
        assert!(turned.into_iter().rev().eq(vectorizer.idf()));
        let mut matrix = SparseMatrix::empty(2);
        fitted.extend_row(0, 0, &mut matrix);
        matrix.end_row();
        assert_eq!(matrix.row(0), (&[0, 1][..], &[row[1].1, row[0].1][..]));
    }
}
