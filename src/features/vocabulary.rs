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

/// Room to look up many terms at once.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    /// Spelling and hash of each, and whether its first slot is taken.
    short: Vec<(Spelling, u64, bool)>,
    /// Spelling and hash, a column that may be its own, and the slot to go on from if it is not.
    likely: Vec<(Spelling, u64, u32, usize)>,
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
        let hash = spelling.hash();
        let mut at = hash as usize;
        loop {
            let (column, next) = self.likely_column(hash, at)?;
            let same = self.spellings[column as usize] == spelling;
            if same && (spelling.is_whole() || self.term(column as usize) == term) {
                return Some(column);
            }
            at = next;
        }
    }

    /// Passes on the columns of those of many terms that are known, in no order.
    ///
    /// Each lookup is two looks at memory, one after the other. Here the first looks of all terms come before the second
    /// ones, so that a processor waits for many at the same time.
    pub(crate) fn for_each_column<'t>(
        &self,
        terms: impl Iterator<Item = &'t str>,
        room: &mut Lookups,
        mut each: impl FnMut(u32),
    ) {
        let Lookups { short, likely } = room;
        short.clear();
        likely.clear();
        for term in terms {
            let spelling = Spelling::of(term.as_bytes());
            if spelling.is_whole() {
                let hash = spelling.hash();
                let first = self.slots.get(hash as usize & self.slots.len().wrapping_sub(1));
                short.push((spelling, hash, first.is_some_and(|slot| slot.column != 0)));
            } else {
                self.column(term).into_iter().for_each(&mut each);
            }
        }
        for &(spelling, hash, _) in short.iter().filter(|(.., taken)| *taken) {
            let found = self.likely_column(hash, hash as usize);
            likely.extend(found.map(|(column, next)| (spelling, hash, column, next)));
        }
        for &(spelling, hash, column, next) in &*likely {
            let mut found = Some((column, next));
            while let Some((column, next)) = found {
                if self.spellings[column as usize] == spelling {
                    each(column);
                    break;
                }
                found = self.likely_column(hash, next);
            }
        }
    }

    /// The first column from a slot on whose term's hash agrees in some bits, and the slot after it.
    #[inline]
    fn likely_column(&self, hash: u64, mut at: usize) -> Option<(u32, usize)> {
        let mask = self.slots.len().checked_sub(1)?;
        loop {
            let Slot { column, sign } = self.slots[at & mask];
            let column = column.checked_sub(1)?;
            at = at.wrapping_add(1);
            if sign == (hash >> 32) as u32 {
                return Some((column, at));
            }
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
        let mut columns = Vec::new();
        let others = ["\0", "anticonstitutionnellemenu", "b"];
        vocabulary.for_each_column(terms.into_iter().chain(others), &mut Lookups::default(), |c| columns.push(c));
        columns.sort_unstable();
        assert_eq!(columns, [0, 1, 2, 3, 4, 5]);
        Vocabulary::default().for_each_column(terms.into_iter(), &mut Lookups::default(), |c| panic!("{c}"));
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
