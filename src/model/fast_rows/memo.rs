//! What pieces were found to mean, remembered by their spelling.

use super::numbers::Numbers;
use super::pieces::Piece;
use crate::features::{Spelling, WHOLE};

/// The table has between so many slots...
const FEWEST_SLOTS: usize = 1 << 10;
/// ...and so many: room for the forms of a language that a reader meets more than once.
const MOST_SLOTS: usize = 1 << 17;
/// So many pieces enter when they are met; further ones when they are met again, so that words that stand once in all texts
/// do not fill the table.
const FREELY: usize = MOST_SLOTS / 2;
/// As many numbers are kept at most for all pieces.
const MOST_ITEMS: usize = 1 << 22;
/// A piece is looked for in so many slots.
const MOST_PROBES: usize = 16;
/// Pieces with more bytes are not remembered.
const LONGEST: usize = 64;
/// Marks of pieces that were met once.
const MARKS: usize = 1 << 14;
/// What follows a long piece; no text holds this byte.
const END: u8 = 0xff;

/// What a piece means to all blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Meaning<'a> {
    /// The columns of its terms of one unit, of every block; a column stands as often as its term.
    pub columns: &'a [u32],
    /// Its words as blocks of n-grams number them: see [`Grams`](super::grams::Grams).
    pub words: &'a [u32],
}

/// A bounded table from pieces to meanings; when it is full, it is emptied.
pub(super) struct Memo {
    /// A hash table with open addressing, at most three quarters full: what lies close stays near the processor.
    slots: Vec<Slot>,
    pieces: usize,
    items: Vec<u32>,
    /// The bytes of pieces that are too long for their spelling.
    long: Vec<u8>,
    marks: Vec<u16>,
}

#[derive(Clone, Copy, Default)]
#[repr(align(32))]
struct Slot {
    spelling: Spelling,
    /// Where a long piece begins in `long`.
    long: u32,
    place: Place,
}

/// Where a meaning stands in a memo, until it is emptied: columns, then words.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// The numbers themselves, if they are no more than these; otherwise the first is where they begin in `items`.
    numbers: [u32; 2],
    columns: u16,
    words: u16,
}

impl Memo {
    pub fn new() -> Self {
        Memo {
            slots: vec![Slot::default(); FEWEST_SLOTS],
            pieces: 0,
            items: Vec::new(),
            long: Vec::new(),
            marks: vec![0; MARKS],
        }
    }

    /// Makes sure that so many pieces more can be learnt, by emptying the memo if it is full.
    pub fn make_room(&mut self, pieces: usize) {
        let full = |slots: &[Slot], pieces: usize| 4 * pieces > 3 * slots.len();
        while full(&self.slots, self.pieces + pieces) && self.slots.len() < MOST_SLOTS {
            let size = 2 * self.slots.len();
            let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
            for slot in old.into_iter().filter(|slot| slot.spelling != Spelling::NONE) {
                let free = self.free(slot.spelling);
                self.pieces -= usize::from(free.is_none());
                free.into_iter().for_each(|free| self.slots[free] = slot);
            }
        }
        if full(&self.slots, self.pieces + pieces) || self.items.len() > MOST_ITEMS {
            self.slots.fill(Slot::default());
            self.items.clear();
            self.long.clear();
            self.pieces = 0;
        }
    }

    /// Where the meaning of a piece stands, if a first look finds it. (Without a branch, so that a processor looks for many
    /// pieces at once.)
    #[inline]
    pub fn glance(&self, spelling: Spelling) -> (bool, Place) {
        let slot = &self.slots[spelling.hash() as usize & (self.slots.len() - 1)];
        (slot.spelling == spelling && spelling.is_whole(), slot.place)
    }

    /// Where the meaning of a piece stands, if it is remembered.
    pub fn place(&self, piece: &Piece<'_>) -> Option<Place> {
        for probe in self.probes(piece.spelling) {
            let slot = &self.slots[probe];
            if slot.spelling == Spelling::NONE {
                return None;
            }
            let same = slot.spelling == piece.spelling;
            if same && (piece.spelling.is_whole() || self.is_long(slot, piece.text.as_bytes())) {
                return Some(slot.place);
            }
        }
        None
    }

    /// Passes on the columns and the words of a meaning: few columns to `few`, others to `many`.
    #[inline]
    pub fn pass_on(&self, place: Place, few: &mut Numbers, many: impl FnOnce(&[u32]), words: &mut Numbers) {
        let Place { numbers, columns: first, words: second } = place;
        let (first, second) = (first as usize, second as usize);
        if first + second <= 2 {
            few.extend_some(numbers, first);
            words.extend_some([numbers[first & 1], numbers[1]], second);
        } else {
            let numbers = &self.items[numbers[0] as usize..];
            many(&numbers[..first]);
            words.extend(&numbers[first..first + second]);
        }
    }

    /// Remembers a piece that is not remembered, if there is much room or it was met before.
    pub fn learn(&mut self, piece: &Piece<'_>, meaning: Meaning<'_>) {
        let hash = piece.spelling.hash();
        let mark = &mut self.marks[(hash >> 32) as usize % MARKS];
        let sign = (hash >> 48) as u16;
        let met = std::mem::replace(mark, sign) == sign;
        if !met && self.pieces >= FREELY {
            return;
        }
        let (Ok(columns), Ok(words)) = (u16::try_from(meaning.columns.len()), u16::try_from(meaning.words.len()))
        else {
            return;
        };
        let Some(free) = self.free(piece.spelling).filter(|_| piece.text.len() <= LONGEST) else { return };
        let long = self.long.len() as u32;
        if piece.text.len() > WHOLE {
            self.long.extend_from_slice(piece.text.as_bytes());
            self.long.push(END);
        }
        let mut numbers = [self.items.len() as u32, 0];
        if meaning.columns.len() + meaning.words.len() <= 2 {
            let own = meaning.columns.iter().chain(meaning.words);
            numbers.iter_mut().zip(own).for_each(|(number, own)| *number = *own);
        } else {
            self.items.extend_from_slice(meaning.columns);
            self.items.extend_from_slice(meaning.words);
        }
        let place = Place { numbers, columns, words };
        self.slots[free] = Slot { spelling: piece.spelling, long, place };
        self.pieces += 1;
    }

    fn is_long(&self, slot: &Slot, text: &[u8]) -> bool {
        self.long[slot.long as usize..].strip_prefix(text).is_some_and(|rest| rest.first() == Some(&END))
    }

    fn probes(&self, spelling: Spelling) -> impl Iterator<Item = usize> + use<> {
        let (first, last) = (spelling.hash() as usize, self.slots.len() - 1);
        (0..MOST_PROBES).map(move |probe| first.wrapping_add(probe) & last)
    }

    fn free(&self, spelling: Spelling) -> Option<usize> {
        self.probes(spelling).find(|&probe| self.slots[probe].spelling == Spelling::NONE)
    }
}
