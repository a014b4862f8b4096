//! What pieces were found to mean, remembered by their spelling.

use super::BATCH;
use super::numbers::Numbers;
use super::pieces::Piece;
use crate::features::{Spelling, WHOLE};
use crate::table::Table;
use bytemuck::{Pod, Zeroable};
use std::hint::black_box;

/// The table has between so many buckets...
const FEWEST_BUCKETS: usize = 1 << 9;
/// ...and so many: room for the forms of a language that a reader meets more than once.
const MOST_BUCKETS: usize = 1 << 16;
/// So many pieces enter when they are met; further ones when they are met again, so that words that stand once in all texts
/// do not fill the table.
const FREELY: usize = MOST_BUCKETS;
/// Before it holds more, the table is emptied.
const MOST_PIECES: usize = MOST_BUCKETS * 3 / 2;
/// As many numbers are kept at most for all pieces.
const MOST_ITEMS: usize = 1 << 22;
/// A piece is looked for in so many buckets.
const MOST_PROBES: usize = 8;
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
    /// A hash table with open addressing. Slots are filled one after the other, so that a piece which is in no slot of a
    /// bucket with room is in no further one.
    buckets: Table<Bucket>,
    pieces: usize,
    items: Items,
    /// The bytes of pieces that are too long for their spelling.
    long: Vec<u8>,
    marks: Vec<u16>,
}

/// Two slots side by side: one line of a cache.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C, align(64))]
struct Bucket([Slot; 2]);

#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
struct Slot {
    spelling: Spelling,
    /// Where a long piece begins in `long`.
    long: u32,
    place: Place,
}

/// Where a meaning stands in a memo, until it is emptied.
#[derive(Debug, Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Place {
    /// The columns and words themselves, if they are no more than these; otherwise where they begin in `items`, and the
    /// number of words.
    numbers: [u32; 2],
    columns: u16,
    /// The number of words, or [`MANY`].
    words: u16,
}

/// The columns and words of meanings, one after the other.
struct Items {
    room: Table<u32>,
    length: usize,
}

/// Says of a meaning that it stands in `items`.
const MANY: u16 = u16::MAX;

impl Items {
    fn extend(&mut self, numbers: &[u32]) {
        let end = self.length + numbers.len();
        if end > self.room.len() {
            let old = std::mem::replace(&mut self.room, Table::zeros(2 * end));
            self.room[..self.length].copy_from_slice(&old[..self.length]);
        }
        self.room[self.length..end].copy_from_slice(numbers);
        self.length = end;
    }
}

impl Bucket {
    /// How many of its slots are taken.
    #[inline(always)]
    fn taken(&self) -> usize {
        self.0.iter().map(|slot| usize::from(slot.spelling != Spelling::NONE)).sum()
    }
}

impl Memo {
    pub fn new() -> Self {
        Memo {
            buckets: Table::zeros(FEWEST_BUCKETS),
            pieces: 0,
            items: Items { room: Table::zeros(0), length: 0 },
            long: Vec::new(),
            marks: vec![0; MARKS],
        }
    }

    /// Makes sure that so many pieces more can be learnt, by emptying the memo if it is full.
    pub fn make_room(&mut self, pieces: usize) {
        while self.pieces + pieces > self.buckets.len() && self.buckets.len() < MOST_BUCKETS {
            let size = 2 * self.buckets.len();
            let old = std::mem::replace(&mut self.buckets, Table::zeros(size));
            for slot in old.iter().flat_map(|bucket| &bucket.0[..bucket.taken()]) {
                match self.free(slot.spelling) {
                    Some([bucket, free]) => self.buckets[bucket].0[free] = *slot,
                    None => self.pieces -= 1,
                }
            }
        }
        if self.pieces + pieces > MOST_PIECES || self.items.length > MOST_ITEMS {
            self.buckets.fill(Bucket::default());
            self.items.length = 0;
            self.long.clear();
            self.pieces = 0;
        }
    }

    /// Where the meanings of pieces stand, of up to [`BATCH`] of them, as far as a first look tells: a bit for each piece that
    /// is not found.
    #[inline(always)]
    pub fn glance(&self, spellings: &[Spelling], places: &mut [Place]) -> u64 {
        let (all, mut found) = (&self.buckets[..], [0; BATCH]);
        for (bucket, spelling) in found.iter_mut().zip(spellings) {
            *bucket = spelling.hash() as usize & (all.len() - 1);
        }
        // Read by themselves, so that a processor waits for all of them at once.
        black_box(found[..spellings.len()].iter().fold(0, |sum, &bucket| sum ^ all[bucket].0[0].long));
        let mut strange = 0;
        for (i, (&spelling, place)) in spellings.iter().zip(places).enumerate() {
            // Without a branch: processors guess wrong.
            let slots = &all[found[i]].0;
            let [first, second] = [slots[0].spelling == spelling, slots[1].spelling == spelling];
            *place = slots[usize::from(second)].place;
            strange |= u64::from(!((first | second) & spelling.is_whole())) << i;
        }
        strange
    }

    /// Reads where meanings of many columns stand, so that a processor waits for all of them at once.
    #[inline(always)]
    pub fn touch_meanings(&self, places: &[Place]) -> u32 {
        let items = &self.items.room[..self.items.length];
        let item = |at: usize| items.get(at).copied().unwrap_or(0);
        places.iter().fold(0, |sum, place| {
            let (start, columns) =
                if place.words == MANY { (place.numbers[0] as usize, place.columns) } else { (0, 0) };
            sum ^ item(start) ^ item(start + usize::from(columns / 2)) ^ item(start + usize::from(columns))
        })
    }

    /// Where the meaning of a piece stands, if it is remembered.
    pub fn place(&self, piece: &Piece<'_>) -> Option<Place> {
        for bucket in self.probes(piece.spelling).map(|bucket| &self.buckets[bucket]) {
            let same = |slot: &&Slot| {
                let same = slot.spelling == piece.spelling;
                same && (piece.spelling.is_whole() || self.is_long(slot, piece.text.as_bytes()))
            };
            if let Some(slot) = bucket.0.iter().find(same) {
                return Some(slot.place);
            }
            if bucket.taken() < bucket.0.len() {
                return None;
            }
        }
        None
    }

    /// Passes on the columns and the words of a meaning: few columns to `few`, others to `many`.
    #[inline(always)]
    pub fn pass_on(&self, place: Place, few: &mut Numbers, many: impl FnOnce(&[u32]), words: Option<&mut Numbers>) {
        let Place { numbers, columns: first, words: second } = place;
        let first = usize::from(first);
        if second != MANY {
            few.extend_some(numbers, first);
            if let Some(words) = words {
                words.extend_some([numbers[first & 1], numbers[1]], second.into());
            }
        } else {
            let own = &self.items.room[numbers[0] as usize..][..first + numbers[1] as usize];
            let (columns, own) = own.split_at(first);
            many(columns);
            if let Some(words) = words {
                words.extend(own);
            }
        }
    }

    /// Remembers a piece that is not remembered, if there is much room or it was met before.
    pub fn learn(&mut self, piece: &Piece<'_>, meaning: Meaning<'_>) -> Option<Place> {
        let hash = piece.spelling.hash();
        let mark = &mut self.marks[(hash >> 32) as usize % MARKS];
        let sign = (hash >> 48) as u16;
        let met = std::mem::replace(mark, sign) == sign;
        if !met && self.pieces >= FREELY || meaning.columns.len() > u16::MAX.into() {
            return None;
        }
        let [bucket, free] = self.free(piece.spelling).filter(|_| piece.text.len() <= LONGEST)?;
        let long = self.long.len() as u32;
        if piece.text.len() > WHOLE {
            self.long.extend_from_slice(piece.text.as_bytes());
            self.long.push(END);
        }
        let place = self.keep(meaning);
        self.buckets[bucket].0[free] = Slot { spelling: piece.spelling, long, place };
        self.pieces += 1;
        Some(place)
    }

    /// Keeps a meaning, of no more than 65,535 columns, until the memo is emptied.
    pub fn keep(&mut self, Meaning { columns, words }: Meaning<'_>) -> Place {
        let mut numbers = [0; 2];
        let few = columns.len() + words.len() <= numbers.len();
        if few {
            numbers.iter_mut().zip(columns.iter().chain(words)).for_each(|(number, own)| *number = *own);
        } else {
            numbers = [self.items.length as u32, words.len() as u32];
            self.items.extend(columns);
            self.items.extend(words);
        }
        Place { numbers, columns: columns.len() as u16, words: if few { words.len() as u16 } else { MANY } }
    }

    fn is_long(&self, slot: &Slot, text: &[u8]) -> bool {
        self.long[slot.long as usize..].strip_prefix(text).is_some_and(|rest| rest.first() == Some(&END))
    }

    /// The buckets in which a piece may be, the likeliest first.
    fn probes(&self, spelling: Spelling) -> impl Iterator<Item = usize> + use<> {
        let (first, last) = (spelling.hash() as usize, self.buckets.len() - 1);
        (0..MOST_PROBES).map(move |probe| first.wrapping_add(probe) & last)
    }

    /// The first bucket with room in which a piece may be, and its next slot.
    fn free(&self, spelling: Spelling) -> Option<[usize; 2]> {
        let mut probes = self.probes(spelling).map(|bucket| [bucket, self.buckets[bucket].taken()]);
        probes.find(|&[bucket, taken]| taken < self.buckets[bucket].0.len())
    }
}
