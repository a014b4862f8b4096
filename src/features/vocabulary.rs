//! Terms and their columns.

use super::spelling::Spelling;

/// A set of terms sorted by their bytes; a term's column is its position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vocabulary {
    terms: Vec<Box<str>>,
    /// A hash table with open addressing, at most three quarters full: the terms' spellings, and their columns.
    spellings: Vec<Spelling>,
    columns: Vec<u32>,
    /// Some bits a term, one of them set by its hash: small enough to be near when the table is not, and most strings
    /// that are no terms go no further.
    filter: Vec<u64>,
}

impl Vocabulary {
    /// Makes a vocabulary of terms that are already sorted and distinct; `None` where they are not.
    pub fn from_sorted(terms: Vec<Box<str>>) -> Option<Self> {
        if !terms.is_sorted_by(|a, b| a < b) || terms.len() > (u32::MAX / 4) as usize {
            return None;
        }
        let slots = (terms.len() + terms.len() / 3 + 1).next_power_of_two();
        let (spellings, columns) = (vec![Spelling::NONE; slots], vec![0; slots]);
        let mut vocabulary = Vocabulary { terms, spellings, columns, filter: vec![0; slots.div_ceil(8)] };
        for column in 0..vocabulary.terms.len() {
            let spelling = Spelling::of(vocabulary.terms[column].as_bytes());
            let mut slot = spelling.hash() as usize & (slots - 1);
            while vocabulary.spellings[slot] != Spelling::NONE {
                slot = (slot + 1) & (slots - 1);
            }
            vocabulary.spellings[slot] = spelling;
            vocabulary.columns[slot] = column as u32;
            let bit = vocabulary.bit(spelling);
            vocabulary.filter[bit / 64] |= 1 << (bit % 64);
        }
        Some(vocabulary)
    }

    /// The column of a term, if it is known.
    pub fn column(&self, term: &str) -> Option<u32> {
        let spelling = Spelling::of(term.as_bytes());
        let last = self.spellings.len().checked_sub(1)?;
        let bit = self.bit(spelling);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return None;
        }
        let mut slot = spelling.hash() as usize & last;
        while self.spellings[slot] != Spelling::NONE {
            let column = self.columns[slot];
            let same = self.spellings[slot] == spelling;
            if same && (spelling.is_whole() || *self.terms[column as usize] == *term) {
                return Some(column);
            }
            slot = (slot + 1) & last;
        }
        None
    }

    #[inline]
    fn bit(&self, spelling: Spelling) -> usize {
        (spelling.hash() >> 32) as usize & (self.filter.len() * 64 - 1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_terms_have_their_columns_and_others_have_none() {
        let mut terms: Vec<Box<str>> =
            ["", "a", "a\0", "abcdefghijklmno", "abcdefghijklmnop", "anticonstitutionnellement"].map(Box::from).into();
        terms.extend((0..5000).map(|i| format!("b{i:020}").into_boxed_str()));
        let vocabulary = Vocabulary::from_sorted(terms.clone()).unwrap();
        assert!((0..).zip(&terms).all(|(column, term)| vocabulary.column(term) == Some(column)));
        for other in ["\0", "a\0\0", "abcdefghijklmn", "abcdefghijklmnoq", "anticonstitutionnellemenu", "b5000"] {
            assert_eq!(vocabulary.column(other), None, "{other:?}");
        }
        assert_eq!(Vocabulary::default().column("a"), None);
        assert_eq!(Vocabulary::from_sorted(vec!["b".into(), "a".into()]), None);
    }
}
