//! Term frequency times inverse document frequency, as scikit-learn defines it.

use super::corpus::{Corpus, run_lengths};
use super::vocabulary::Vocabulary;
use crate::sparse::{SparseMatrix, SparseRow};
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
    idf: Vec<f64>,
    sublinear_tf: bool,
    norm: f64,
}

/// What was learnt from some texts of a corpus, for weighing its texts without reading them again.
///
/// A fold of a cross-validation needs no more: [`vectorizer`](Self::vectorizer) makes it fit for other texts.
#[derive(Debug, Clone)]
pub struct CorpusTfidf<'a> {
    corpus: &'a Corpus,
    params: TfidfParams,
    /// By term of the corpus its column, or [`NOWHERE`].
    columns: Vec<u32>,
    /// By column.
    idf: Vec<f64>,
}

const NOWHERE: u32 = u32::MAX;

impl TfidfParams {
    /// Learns vocabulary and idf from the given rows of a corpus, and from nothing else in it.
    pub fn fit<'a>(&self, corpus: &'a Corpus, rows: &[usize]) -> CorpusTfidf<'a> {
        let mut df = vec![0usize; corpus.terms.len()];
        for &i in rows {
            for &(id, _) in &corpus.counts[i] {
                df[id as usize] += 1;
            }
        }
        let n = rows.len() as f64;
        let most = self.max_df * n;
        let mut columns = vec![NOWHERE; df.len()];
        let mut idf = Vec::new();
        for (column, &df) in columns.iter_mut().zip(&df) {
            if df >= self.min_df.max(1) && df as f64 <= most {
                *column = idf.len() as u32;
                idf.push(((1.0 + n) / (1.0 + df as f64)).ln() + 1.0);
            }
        }
        CorpusTfidf { corpus, params: *self, columns, idf }
    }
}

impl CorpusTfidf<'_> {
    /// The number of columns.
    pub fn width(&self) -> usize {
        self.idf.len()
    }

    /// Leaves out the columns that are not to be kept, as if their terms were unknown; the others move together.
    pub fn keep(&mut self, kept: &[bool]) {
        let mut width = 0;
        for column in self.columns.iter_mut().filter(|column| **column != NOWHERE) {
            let stays = kept[*column as usize];
            *column = if stays { width } else { NOWHERE };
            width += u32::from(stays);
        }
        let mut stays = kept.iter();
        self.idf.retain(|_| stays.next().is_some_and(|stays| *stays));
    }

    /// Adds the weights of text `i` of the corpus to a matrix's open row, the first column at `first`.
    pub fn extend_row(&self, i: usize, first: u32, matrix: &mut SparseMatrix) {
        let counts = self.corpus.counts[i].iter();
        let known = counts.map(|&(id, count)| (self.columns[id as usize], count)).filter(|(c, _)| *c != NOWHERE);
        let start = matrix.stored();
        let weights = weights(known, &self.idf, self.params.sublinear_tf);
        matrix.extend_row(weights.map(|(column, weight)| (first + column, weight)));
        let weights = matrix.open_values(start);
        let length = length(weights.iter().copied());
        weights.iter_mut().for_each(|weight| *weight = *weight / length * self.params.norm);
    }

    /// The most values that [`extend_row`](Self::extend_row) adds for text `i`.
    pub fn most(&self, i: usize) -> usize {
        self.corpus.counts[i].len()
    }

    /// The vectorizer for texts outside the corpus.
    pub fn vectorizer(&self) -> TfidfVectorizer {
        let kept = self.corpus.terms.iter().zip(&self.columns).filter(|(_, column)| **column != NOWHERE);
        // A corpus's terms are sorted and distinct, and so is every selection of them.
        let vocabulary = Vocabulary::from_sorted(kept.map(|(term, _)| &**term)).unwrap_or_default();
        let TfidfParams { sublinear_tf, norm, .. } = self.params;
        TfidfVectorizer { vocabulary, idf: self.idf.clone(), sublinear_tf, norm }
    }
}

impl TfidfVectorizer {
    /// Puts a vectorizer together from its stored parts; `None` if they do not fit each other.
    pub fn from_parts(vocabulary: Vocabulary, idf: Vec<f64>, params: &TfidfParams) -> Option<Self> {
        let sound = vocabulary.len() == idf.len() && idf.iter().all(|v| v.is_finite());
        let TfidfParams { sublinear_tf, norm, .. } = *params;
        sound.then_some(TfidfVectorizer { vocabulary, idf, sublinear_tf, norm })
    }

    /// The terms it knows.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The inverse document frequencies by column.
    pub fn idf(&self) -> &[f64] {
        &self.idf
    }

    /// The row of a text whose terms `each_term` passes one by one; unknown terms count for nothing.
    pub fn row(&self, each_term: impl FnOnce(&mut dyn FnMut(&str))) -> SparseRow {
        let mut columns = Vec::new();
        each_term(&mut |term| columns.extend(self.vocabulary.column(term)));
        let mut row = Vec::new();
        self.weigh(&run_lengths(&mut columns), 0, &mut row);
        SparseRow::from_sorted(row)
    }

    /// Adds to a row the weights of terms by increasing column, the first column at `first`, with the number of times that
    /// each stands in a text.
    pub(crate) fn weigh(&self, counts: &[(u32, u32)], first: u32, row: &mut Vec<(u32, f64)>) {
        let start = row.len();
        let counts = counts.iter().map(|&(column, count)| (column - first, count));
        let weights = weights(counts, &self.idf, self.sublinear_tf);
        row.extend(weights.map(|(column, weight)| (first + column, weight)));
        let weighed = &mut row[start..];
        let length = length(weighed.iter().map(|(_, weight)| *weight));
        weighed.iter_mut().for_each(|(_, weight)| *weight = *weight / length * self.norm);
    }
}

/// tf' · idf
fn weights<'a>(
    counts: impl Iterator<Item = (u32, u32)> + 'a,
    idf: &'a [f64],
    sublinear_tf: bool,
) -> impl Iterator<Item = (u32, f64)> + 'a {
    let small = &*SMALL;
    counts.map(move |(column, count)| {
        let tf = match small.get(count as usize) {
            _ if !sublinear_tf => f64::from(count),
            Some(&tf) => tf,
            None => 1.0 + f64::from(count).ln(),
        };
        (column, tf * idf[column as usize])
    })
}

/// The Euclidean norm.
fn length(weights: impl Iterator<Item = f64>) -> f64 {
    weights.map(|w| w * w).sum::<f64>().sqrt()
}

/// 1 + ln n for small n: a logarithm takes longer than the rest of a weight, and most counts are small.
static SMALL: LazyLock<[f64; 32]> = LazyLock::new(|| std::array::from_fn(|n| 1.0 + (n as f64).ln()));

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
        assert!(vectorizer.idf().iter().zip(idf).all(|(found, expected)| (found - expected).abs() < 1e-12));
        let row: Vec<(u32, f64)> =
            vectorizer.row(|emit| ["b", "a", "c"].iter().for_each(|term| emit(term))).iter().collect();
        let length = idf[0].hypot(idf[1]);
        assert!(row.iter().zip(idf).all(|((_, value), idf)| (value - idf / length).abs() < 1e-12) && row.len() == 2);
        let mut matrix = SparseMatrix::empty(2);
        fitted.extend_row(0, 0, &mut matrix);
        matrix.end_row();
        assert_eq!(matrix.row(0), (&[0, 1][..], &[row[0].1, row[1].1][..]));
    }
}
