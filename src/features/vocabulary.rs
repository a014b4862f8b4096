//! Terms and their columns.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// A set of terms sorted by their bytes; a term's column is its position.
///
/// The terms stand in one string, as in a model file, and the table holds columns alone, so that reading a model makes no
/// string for each term.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// The terms, each ended by a line feed.
    lines: String,
    /// Where each term ends in it.
    ends: Vec<u32>,
    /// Columns by the hash of their terms.
    columns: HashTable<u32>,
}

/// The same on every run, so that nothing depends on where a term lies.
const HASH: FixedState = FixedState::with_seed(0);

impl Vocabulary {
    /// Makes a vocabulary of terms that are already sorted and distinct, without line feeds and of less than 4 GiB; `None`
    /// where they are not.
    pub fn from_sorted<'a>(terms: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut lines = String::new();
        let mut count = 0;
        for term in terms {
            lines.push_str(term);
            lines.push('\n');
            count += 1;
        }
        Self::from_lines(lines).filter(|vocabulary| vocabulary.len() == count)
    }

    /// The same of terms that each end in a line feed.
    pub fn from_lines(lines: String) -> Option<Self> {
        let complete = lines.is_empty() || lines.ends_with('\n');
        if !complete || u32::try_from(lines.len()).is_err() {
            return None;
        }
        let ends: Vec<u32> = memchr::memchr_iter(b'\n', lines.as_bytes()).map(|at| at as u32).collect();
        let mut vocabulary = Vocabulary { lines, columns: HashTable::with_capacity(ends.len()), ends };
        if !vocabulary.terms().is_sorted_by(|a, b| a < b) {
            return None;
        }
        for column in 0..vocabulary.len() {
            let hash = HASH.hash_one(vocabulary.term(column));
            // Nothing is hashed again: the table was made large enough.
            vocabulary.columns.insert_unique(hash, column as u32, |_| hash);
        }
        Some(vocabulary)
    }

    /// The terms, each ended by a line feed.
    pub fn lines(&self) -> &str {
        &self.lines
    }

    /// The column of a term, if it is known.
    pub fn column(&self, term: &str) -> Option<u32> {
        self.columns.find(HASH.hash_one(term), |&column| self.term(column as usize) == term).copied()
    }

    fn term(&self, column: usize) -> &str {
        let start = if column == 0 { 0 } else { self.ends[column - 1] as usize + 1 };
        &self.lines[start..self.ends[column] as usize]
    }

    /// The terms by column.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|column| self.term(column))
    }

    /// The number of terms.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no term is known.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        // The rest follows from the terms.
        self.lines == other.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_has_its_position_for_column() {
        let terms: Vec<String> = (0..5000).map(|i| format!("terme{i:05}é")).collect();
        let vocabulary = Vocabulary::from_sorted(terms.iter().map(String::as_str)).unwrap();
        assert!(vocabulary.terms().eq(terms.iter().map(String::as_str)));
        for (column, term) in (0..).zip(&terms) {
            assert_eq!(vocabulary.column(term), Some(column));
        }
        for unknown in ["", "terme", "terme00000", "terme00000éterme00001é", "zone"] {
            assert_eq!(vocabulary.column(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn terms_out_of_order_or_repeated_are_refused() {
        assert!(Vocabulary::from_sorted(["a", "b"]).is_some() && Vocabulary::from_sorted([]).is_some());
        assert!(Vocabulary::from_sorted(["b", "a"]).is_none());
        assert!(Vocabulary::from_sorted(["a", "a"]).is_none());
        assert!(Vocabulary::from_sorted(["a\nb"]).is_none(), "a line feed would make it two");
        assert!(Vocabulary::from_lines("a\nb".into()).is_none(), "cut short");
    }
}
