//! Term frequency times inverse document frequency, as scikit-learn defines it.

use super::corpus::{Corpus, run_lengths};
use super::vocabulary::Vocabulary;
use crate::sparse::SparseRow;

/// How terms are chosen and weighed.
///
/// The weight of a term that occurs `tf` times in a text is `tf' · idf`, with `tf' = tf`, or `1 + ln tf` if
/// `sublinear_tf`, and `idf = ln((1 + n) / (1 + df)) + 1`, where `n` is the number of texts fitted on and `df` the number
/// of those that hold the term. Each row is then divided by its Euclidean norm.
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
}

/// Weighs texts by what it has learnt from those it was fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct TfidfVectorizer {
    vocabulary: Vocabulary,
    idf: Vec<f64>,
    sublinear_tf: bool,
}

/// Where a corpus's terms stand in a vectorizer's vocabulary; terms that it does not know have no column.
pub type CorpusColumns = Vec<Option<u32>>;

impl TfidfParams {
    /// Learns vocabulary and idf from the given rows of a corpus, and from nothing else in it.
    ///
    /// Returns the vectorizer and the columns of the corpus's terms, for [`TfidfVectorizer::corpus_row`].
    pub fn fit(&self, corpus: &Corpus, rows: &[usize]) -> (TfidfVectorizer, CorpusColumns) {
        let mut df = vec![0usize; corpus.terms.len()];
        for &i in rows {
            for &(id, _) in &corpus.counts[i] {
                df[id as usize] += 1;
            }
        }
        let n = rows.len() as f64;
        let most = self.max_df * n;
        let mut columns = vec![None; df.len()];
        let mut terms = Vec::new();
        let mut idf = Vec::new();
        for (id, &df) in df.iter().enumerate() {
            if df >= self.min_df.max(1) && df as f64 <= most {
                columns[id] = Some(terms.len() as u32);
                terms.push(corpus.terms[id].clone());
                idf.push(((1.0 + n) / (1.0 + df as f64)).ln() + 1.0);
            }
        }
        // A corpus's terms are sorted and distinct, and so is every selection of them.
        let vocabulary = Vocabulary::from_sorted(terms).unwrap_or_default();
        (TfidfVectorizer { vocabulary, idf, sublinear_tf: self.sublinear_tf }, columns)
    }
}

impl TfidfVectorizer {
    /// Puts a vectorizer together from its stored parts; `None` if they do not fit each other.
    pub fn from_parts(vocabulary: Vocabulary, idf: Vec<f64>, sublinear_tf: bool) -> Option<Self> {
        let sound = vocabulary.len() == idf.len() && idf.iter().all(|v| v.is_finite());
        sound.then_some(TfidfVectorizer { vocabulary, idf, sublinear_tf })
    }

    /// The terms it knows.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The inverse document frequencies by column.
    pub fn idf(&self) -> &[f64] {
        &self.idf
    }

    /// The row of a text of the corpus that the vectorizer was fitted on.
    pub fn corpus_row(&self, corpus: &Corpus, columns: &CorpusColumns, i: usize) -> SparseRow {
        let known = corpus.counts[i].iter().filter_map(|&(id, count)| columns[id as usize].map(|c| (c, count)));
        self.weigh(known)
    }

    /// The row of a text whose terms `each_term` passes one by one; unknown terms count for nothing.
    pub fn row(&self, each_term: impl FnOnce(&mut dyn FnMut(&str))) -> SparseRow {
        let mut columns = Vec::new();
        each_term(&mut |term| columns.extend(self.vocabulary.column(term)));
        self.weigh(run_lengths(&mut columns).into_iter())
    }

    fn weigh(&self, counts: impl Iterator<Item = (u32, u32)>) -> SparseRow {
        let weighed: Vec<(u32, f64)> = counts
            .map(|(column, count)| {
                let tf = f64::from(count);
                let tf = if self.sublinear_tf { 1.0 + tf.ln() } else { tf };
                (column, tf * self.idf[column as usize])
            })
            .collect();
        let norm = weighed.iter().map(|(_, w)| w * w).sum::<f64>().sqrt();
        SparseRow::from_sorted(weighed.into_iter().map(|(column, w)| (column, w / norm)))
    }
}
