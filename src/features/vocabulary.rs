//! Terms and their columns.

use std::collections::HashMap;

/// A set of terms sorted by their bytes; a term's column is its position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vocabulary {
    terms: Vec<Box<str>>,
    columns: HashMap<Box<str>, u32>,
}

impl Vocabulary {
    /// Makes a vocabulary of terms that are already sorted and distinct; `None` where they are not.
    pub fn from_sorted(terms: Vec<Box<str>>) -> Option<Self> {
        if !terms.is_sorted_by(|a, b| a < b) || terms.len() > u32::MAX as usize {
            return None;
        }
        let columns = terms.iter().cloned().zip(0..).collect();
        Some(Vocabulary { terms, columns })
    }

    /// The column of a term, if it is known.
    pub fn column(&self, term: &str) -> Option<u32> {
        self.columns.get(term).copied()
    }

    /// The terms by column.
    pub fn terms(&self) -> &[Box<str>] {
        &self.terms
    }

    /// The number of terms.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether no term is known.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}
