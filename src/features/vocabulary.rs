//! Terms and their columns.

use super::spelling::Spelling;

/// A set of terms sorted by their bytes; a term's column is its position.
///
/// The terms stand in one string, as in a model file, so that reading a model makes no string for each term; a short term
/// is found without a look at it.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// The terms, each ended by a line feed.
    lines: String,
    /// Where each term ends in it.
    ends: Vec<u32>,
    /// The spelling of each.
    spellings: Vec<Spelling>,
    /// A hash table with open addressing, at most three quarters full.
    slots: Vec<Slot>,
}

/// A term's column from one, zero if the slot is free, and some bits of its hash: few other terms share them.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    column: u32,
    sign: u32,
}

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
        let mut spellings: Vec<Spelling> = Vec::with_capacity(ends.len());
        let mut slots = vec![Slot::default(); (ends.len() + ends.len() / 3 + 1).next_power_of_two()];
        let mask = slots.len() - 1;
        let (mut start, mut before): (_, &[u8]) = (0, &[]);
        for (column, &end) in (1..).zip(&ends) {
            let term = &lines.as_bytes()[start..end as usize];
            let spelling = Spelling::of(term);
            let last = spellings.last();
            if !last.is_none_or(|last| last.is_before(spelling).unwrap_or_else(|| before < term)) {
                return None;
            }
            spellings.push(spelling);
            let hash = spelling.hash();
            let mut at = hash as usize & mask;
            while slots[at].column != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = Slot { column, sign: (hash >> 32) as u32 };
            (start, before) = (end as usize + 1, term);
        }
        Some(Vocabulary { lines, ends, spellings, slots })
    }

    /// The terms, each ended by a line feed.
    pub fn lines(&self) -> &str {
        &self.lines
    }

    /// The column of a term, if it is known.
    pub fn column(&self, term: &str) -> Option<u32> {
        let spelling = Spelling::of(term.as_bytes());
        let (hash, mask) = (spelling.hash(), self.slots.len().checked_sub(1)?);
        let mut at = hash as usize & mask;
        loop {
            let Slot { column, sign } = self.slots[at];
            let column = column.checked_sub(1)?;
            let same = sign == (hash >> 32) as u32 && self.spellings[column as usize] == spelling;
            if same && (spelling.is_whole() || self.term(column as usize) == term) {
                return Some(column);
            }
            at = (at + 1) & mask;
        }
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
    fn long_and_short_terms_have_their_columns_and_others_have_none() {
        let terms = ["", "a", "a\0", "abcdefghijklmno", "abcdefghijklmnop", "anticonstitutionnellement"];
        let vocabulary = Vocabulary::from_sorted(terms).unwrap();
        assert!((0..).zip(terms).all(|(column, term)| vocabulary.column(term) == Some(column)));
        for other in ["\0", "a\0\0", "abcdefghijklmn", "abcdefghijklmnoq", "anticonstitutionnellemenu"] {
            assert_eq!(vocabulary.column(other), None, "{other:?}");
        }
        assert_eq!(Vocabulary::default().column("a"), None);
    }

    #[test]
    fn terms_out_of_order_or_repeated_are_refused() {
        assert!(Vocabulary::from_sorted(["a", "b"]).is_some() && Vocabulary::from_sorted([]).is_some());
        assert!(Vocabulary::from_sorted(["b", "a"]).is_none());
        assert!(Vocabulary::from_sorted(["a", "a"]).is_none());
        assert!(Vocabulary::from_sorted(["a\0", "a"]).is_none() && Vocabulary::from_sorted(["é", "z"]).is_none());
        assert!(Vocabulary::from_sorted(["abcdefghijklmnop", "abcdefghijklmno"]).is_none());
        assert!(Vocabulary::from_sorted(["abcdefghijklmnop", "abcdefghijklmnop"]).is_none());
        assert!(Vocabulary::from_sorted(["a\nb"]).is_none(), "a line feed would make it two");
        assert!(Vocabulary::from_lines("a\nb".into()).is_none(), "cut short");
    }
}
