//! Terms and their columns.

use super::spelling::{Spelling, is_short, key_and_hash, place_among};
use prefetch_index::prefetch_index;
use std::borrow::Cow;
use wide::u8x64;

/// A list of distinct terms; a term's column is its position.
///
/// The terms stand in one string, as in a model file, so that reading a model makes no string for each term; a short term
/// is found without a look at it.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// The terms, each ended by a line feed.
    lines: Cow<'static, str>,
    /// Where each term ends in it.
    ends: Vec<u32>,
    /// A hash table with open addressing, three quarters full.
    slots: Vec<Slot>,
    /// Bits by hash, at most an eighth of them set: most strings that are no term are told by them, in a place that is small
    /// enough to stay near the processor.
    filter: Vec<u64>,
}

/// The key of a term's spelling in two halves, so that slots lie close, and its column from one; zero if the slot is free.
/// (An array, so that a table comes as zeros that nobody writes.)
type Slot = [u32; 3];

/// A part of a text that is looked for: its place, the key of its spelling and the hash of that.
#[derive(Clone, Copy, Default)]
pub(crate) struct Noted {
    place: [usize; 2],
    key: u64,
    hash: u64,
}

impl Noted {
    #[inline(always)]
    fn new(text: &str, place: [usize; 2]) -> Self {
        let (key, hash) = key_and_hash(text.as_bytes(), place[0]..place[1]);
        Noted { place, key, hash }
    }
}

/// So many terms are read before they are put into a table, so that a processor brings its memory for many at once.
const AT_A_TIME: usize = 64;

impl Vocabulary {
    /// Makes a vocabulary of distinct terms without line feeds and of less than 4 GiB; `None` where they are not.
    pub fn from_terms<'a>(terms: impl IntoIterator<Item = &'a str>) -> Option<Self> {
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
    pub fn from_lines(lines: impl Into<Cow<'static, str>>) -> Option<Self> {
        let lines = lines.into();
        let complete = lines.is_empty() || lines.ends_with('\n');
        if !complete || u32::try_from(lines.len()).is_err() {
            return None;
        }
        let ends = line_feeds(lines.as_bytes());
        let slots = vec![[0; 3]; ends.len() + ends.len() / 3 + 1];
        let filter = ends.len() / 8 + 1;
        let mut vocabulary = Vocabulary { lines, ends, slots, filter: vec![0; filter] };
        let mut read = [Noted::default(); AT_A_TIME];
        let (mut column, mut start) = (0, 0);
        while column < vocabulary.len() {
            let end = vocabulary.len().min(column + AT_A_TIME);
            let read = &mut read[..end - column];
            for (noted, &end) in read.iter_mut().zip(&vocabulary.ends[column..end]) {
                *noted = Noted::new(&vocabulary.lines, [start, end as usize]);
                prefetch_index(&vocabulary.slots[..], vocabulary.first_slot(noted.hash));
                start = end as usize + 1;
            }
            for noted in read {
                let at = vocabulary.seek(&vocabulary.lines, noted);
                let [.., taken] = vocabulary.slots[at];
                if taken != 0 {
                    return None;
                }
                column += 1;
                vocabulary.slots[at] = [noted.key as u32, (noted.key >> 32) as u32, column as u32];
                let (word, bit) = vocabulary.bit(noted.hash);
                vocabulary.filter[word] |= 1 << bit;
            }
        }
        Some(vocabulary)
    }

    /// The terms, each ended by a line feed.
    pub fn lines(&self) -> &str {
        &self.lines
    }

    /// The column of a term, if it is known.
    pub fn column(&self, term: &str) -> Option<u32> {
        self.column_of(term, term.len())
    }

    /// The column of the term that so many bytes of a text are, from its beginning; sooner than by
    /// [`column`](Self::column) where the text goes on.
    #[inline]
    pub(crate) fn column_of(&self, text: &str, length: usize) -> Option<u32> {
        let spelling = Spelling::part(text.as_bytes(), 0..length);
        let noted = Noted { place: [0, length], key: spelling.key(), hash: spelling.hash() };
        self.is_likely(noted.hash).then(|| self.noted(text, &noted)).flatten()
    }

    /// What it takes to look for a part of a text, and whether that is likely to be a term. If so, a processor is told to
    /// bring near where it is looked for.
    #[inline(always)]
    pub(crate) fn note(&self, text: &str, place: [usize; 2]) -> (Noted, bool) {
        let noted = Noted::new(text, place);
        let likely = self.is_likely(noted.hash);
        // Without a branch: a processor guesses wrong.
        prefetch_index(&self.slots[..], usize::from(likely) * self.first_slot(noted.hash));
        (noted, likely)
    }

    /// The column of a part of a text that was noted.
    #[inline(always)]
    pub(crate) fn noted(&self, text: &str, noted: &Noted) -> Option<u32> {
        self.slots[self.seek(text, noted)][2].checked_sub(1)
    }

    /// The slot of a term, or the free one that ends the search for it. There must be slots.
    #[inline(always)]
    fn seek(&self, text: &str, noted: &Noted) -> usize {
        let [start, end] = noted.place;
        let mut at = self.first_slot(noted.hash);
        loop {
            let [low, high, column] = self.slots[at];
            let key = u64::from(low) | u64::from(high) << 32;
            let same = |column| key == noted.key && (is_short(end - start) || self.term(column) == &text[start..end]);
            if column.checked_sub(1).is_none_or(|column| same(column as usize)) {
                return at;
            }
            at = if at + 1 < self.slots.len() { at + 1 } else { 0 };
        }
    }

    #[inline(always)]
    fn is_likely(&self, hash: u64) -> bool {
        let (word, bit) = self.bit(hash);
        self.filter.get(word).is_some_and(|bits| bits >> bit & 1 == 1)
    }

    /// The word and the bit of the filter for a hash, by its lower half.
    #[inline(always)]
    fn bit(&self, hash: u64) -> (usize, usize) {
        let bit = place_among(64 * self.filter.len(), hash as u32);
        (bit / 64, bit % 64)
    }

    /// By its upper half the slot in which a term is looked for first.
    #[inline(always)]
    fn first_slot(&self, hash: u64) -> usize {
        place_among(self.slots.len(), (hash >> 32) as u32)
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

/// Where line feeds stand, in less than 4 GiB; they may lie close.
fn line_feeds(bytes: &[u8]) -> Vec<u32> {
    let mut found = Vec::with_capacity(memchr::memchr_iter(b'\n', bytes).count());
    for (start, part) in (0..).step_by(64).zip(bytes.chunks(64)) {
        let mut block = [0; 64];
        block[..part.len()].copy_from_slice(part);
        let mut feeds = u8x64::new(block).simd_eq(u8x64::splat(b'\n')).to_bitmask();
        while feeds != 0 {
            found.push(start + feeds.trailing_zeros());
            feeds &= feeds - 1;
        }
    }
    found
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
        let vocabulary = Vocabulary::from_terms(terms.iter().map(String::as_str)).unwrap();
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
        let vocabulary = Vocabulary::from_terms(terms).unwrap();
        assert!((0..).zip(terms).all(|(column, term)| vocabulary.column(term) == Some(column)));
        for other in ["\0", "a\0\0", "abcdefghijklmn", "abcdefghijklmnoq", "anticonstitutionnellemenu"] {
            assert_eq!(vocabulary.column(other), None, "{other:?}");
        }
        assert_eq!(Vocabulary::default().column("a"), None);
    }

    #[test]
    fn repeated_terms_are_refused() {
        assert!(Vocabulary::from_terms(["b", "a"]).is_some() && Vocabulary::from_terms([]).is_some());
        assert!(Vocabulary::from_terms(["a", "b", "a"]).is_none());
        assert!(Vocabulary::from_terms(["abcdefghijklmnop", "abcdefghijklmno"]).is_some());
        assert!(Vocabulary::from_terms(["abcdefghijklmnop", "", "abcdefghijklmnop"]).is_none());
        assert!(Vocabulary::from_terms(["a\nb"]).is_none(), "a line feed would make it two");
        assert!(Vocabulary::from_lines("a\nb").is_none(), "cut short");
    }
}
