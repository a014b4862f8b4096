//! What pieces were found to mean, remembered by their spelling.

use super::numbers::AT_ONCE;
use super::pieces::Piece;
use crate::features::{Spelling, WHOLE};
use crate::table::Table;
use bytemuck::{Pod, Zeroable};
use prefetch_index::prefetch_index;

/// The table has between so many buckets...
const FEWEST_BUCKETS: usize = 1 << 9;
/// ...and so many: room for the forms of a language that a reader meets more than once.
const MOST_BUCKETS: usize = 1 << 17;
/// So many pieces enter when they are met; further ones when they are met again, so that words that stand once in all texts
/// do not fill the table.
const FREELY: usize = 1 << 16;
/// Before it holds more, the table is emptied.
const MOST_PIECES: usize = 3 << 15;
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

/// A piece that is looked for: its spelling, and the bucket where it may be.
#[derive(Clone, Copy, Default)]
pub(super) struct Sought {
    pub spelling: Spelling,
    pub bucket: usize,
}

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
    /// A hash table with open addressing. A piece which is in no slot of a bucket that was not passed is in no further one.
    buckets: Table<Bucket>,
    pieces: usize,
    items: Items,
    /// The bytes of pieces that are too long for their spelling.
    long: Vec<u8>,
    marks: Vec<u8>,
}

/// Says of a full bucket that some piece stands in a further one.
const PASSED: u32 = 1 << 31;

/// Two slots side by side: one line of a cache.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C, align(64))]
struct Bucket([Slot; 2]);

#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
struct Slot {
    /// The spelling of its piece, or [apart](Spelling::apart) from that of a long one: a glance is to find no long pieces.
    spelling: Spelling,
    /// Where a long piece begins in `long`; with [`PASSED`] in the second slot of a bucket.
    long: u32,
    place: Place,
}

/// Where a meaning stands in a memo, until it is emptied.
#[derive(Debug, Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Place {
    /// The column of a meaning of few numbers, or [`NO_COLUMN`]; otherwise where it begins in `items`, with [`MANY`].
    column: u32,
    /// The word, if there is one; otherwise the number of words in `items`.
    word: u32,
    /// The number of columns in `items`.
    columns: u16,
    /// The number of words here, one or none.
    few_words: u16,
}

/// Says of a meaning that it stands in `items`.
const MANY: u32 = 1 << 31;
/// No column is as great.
const NO_COLUMN: u32 = MANY - 1;

impl Place {
    /// The place of a meaning of one column and one word at most: it says all of it.
    #[inline(always)]
    pub fn of_few(Meaning { columns, words }: Meaning<'_>) -> Option<Self> {
        let column = columns.first().copied().unwrap_or(NO_COLUMN);
        let word = words.first().copied().unwrap_or_default();
        (columns.len() <= 1 && words.len() <= 1).then_some(Place {
            column,
            word,
            columns: 0,
            few_words: words.len() as u16,
        })
    }

    /// Whether the meaning is of many numbers.
    #[inline(always)]
    pub fn is_many(self) -> bool {
        self.column >= MANY
    }

    /// The column of a meaning of few numbers; greater than all if there is none, or many.
    #[inline(always)]
    pub fn column(self) -> u32 {
        self.column
    }

    /// Where a meaning of many numbers begins.
    #[inline(always)]
    fn start(self) -> usize {
        (self.column & !MANY) as usize
    }

    /// A number, and whether it is the word of a meaning of few: one or zero.
    #[inline(always)]
    pub fn few_words(self) -> (u32, usize) {
        (self.word, self.few_words.into())
    }
}

/// The columns and words of meanings, one after the other, and room for [`AT_ONCE`] after them.
struct Items {
    room: Table<u32>,
    length: usize,
}

impl Items {
    fn extend(&mut self, numbers: &[u32]) {
        let end = self.length + numbers.len();
        if end + AT_ONCE > self.room.len() {
            let old = std::mem::replace(&mut self.room, Table::zeros(2 * end + AT_ONCE));
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

    #[inline(always)]
    fn was_passed(&self) -> bool {
        self.0[1].long & PASSED != 0
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
                match self.free(slot.spelling.apart()) {
                    Some([bucket, free]) => {
                        self.buckets[bucket].0[free] = Slot { long: slot.long & !PASSED, ..*slot };
                    }
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

    /// Notes the spellings of pieces, and the buckets in which they are looked for first, which a processor is told to bring
    /// near.
    ///
    /// Not written out where it is called, so that all it needs stays in registers.
    #[inline(never)]
    pub fn approach(&self, text: &[u8], pieces: &[[usize; 2]], sought: &mut [Sought]) {
        let all = &self.buckets[..];
        for (&[start, end], sought) in pieces.iter().zip(sought) {
            let spelling = Spelling::part(text, start..end);
            let bucket = spelling.hash() as usize & (all.len() - 1);
            *sought = Sought { spelling, bucket };
            prefetch_index(all, bucket);
        }
    }

    /// Where the meanings of pieces stand, of up to 64 of them, as far as a look into their first buckets tells: a bit for
    /// each piece that is not found.
    #[inline(always)]
    pub fn glance(&self, sought: &[Sought], places: &mut [Place]) -> u64 {
        let all = &self.buckets[..];
        let mut strange = 0;
        for (&Sought { spelling, bucket }, place) in sought.iter().zip(places).rev() {
            // Without a branch: processors guess wrong.
            let slots = &all[bucket].0;
            let [first, second] = [slots[0].spelling == spelling, slots[1].spelling == spelling];
            *place = slots[usize::from(second)].place;
            strange = strange << 1 | u64::from(!(first | second));
        }
        strange
    }

    /// Brings meanings of many columns near.
    #[inline(always)]
    pub fn approach_meanings(&self, places: &[Place]) {
        let items = &self.items.room[..];
        for place in places {
            let (start, columns) = if place.is_many() { (place.start(), usize::from(place.columns)) } else { (0, 0) };
            for at in [0, columns / 2, columns] {
                prefetch_index(items, start + at);
            }
        }
    }

    /// Where the meaning of a piece that was not found in its first bucket stands, if it is remembered.
    #[inline(always)]
    pub fn place(&self, piece: &Piece<'_>, bucket: usize) -> Option<Place> {
        let passed = self.buckets[bucket].was_passed();
        if passed || !piece.spelling.is_whole() { self.place_anywhere(piece) } else { None }
    }

    #[inline(never)]
    fn place_anywhere(&self, piece: &Piece<'_>) -> Option<Place> {
        for bucket in self.probes(piece.spelling).map(|bucket| &self.buckets[bucket]) {
            for slot in &bucket.0 {
                if slot.spelling == piece.spelling.apart() && (piece.spelling.is_whole() || self.is_long(slot, piece)) {
                    return Some(slot.place);
                }
            }
            if !bucket.was_passed() {
                return None;
            }
        }
        None
    }

    /// The words of a meaning of many numbers.
    #[inline(always)]
    pub fn many_words(&self, place: Place) -> &[u32] {
        &self.items.room[place.start() + usize::from(place.columns)..][..place.word as usize]
    }

    /// What begins with the columns of a meaning of many numbers, and how many they are: [`AT_ONCE`] after them are there too.
    #[inline(always)]
    pub fn many_columns(&self, place: Place) -> (&[u32], usize) {
        (&self.items.room[place.start()..], place.columns.into())
    }

    /// Remembers a piece that is not remembered, if there is much room or it was met before.
    #[inline(always)]
    pub fn learn(&mut self, piece: &Piece<'_>, meaning: Meaning<'_>) -> Option<Place> {
        let hash = piece.spelling.hash();
        let mark = &mut self.marks[(hash >> 32) as usize % MARKS];
        let sign = (hash >> 56) as u8;
        let met = std::mem::replace(mark, sign) == sign;
        let too_much = piece.text.length > LONGEST || meaning.columns.len() > u16::MAX.into();
        if !met && self.pieces >= FREELY || too_much {
            return None;
        }
        let [bucket, free] = self.free(piece.spelling)?;
        let long = self.long.len() as u32;
        if piece.text.length > WHOLE {
            self.long.extend_from_slice(piece.text.as_str().as_bytes());
            self.long.push(END);
        }
        let place = self.keep(meaning);
        self.buckets[bucket].0[free] = Slot { spelling: piece.spelling.apart(), long, place };
        self.pieces += 1;
        Some(place)
    }

    /// Keeps a meaning, of no more than 65,535 columns, until the memo is emptied.
    pub fn keep(&mut self, meaning: Meaning<'_>) -> Place {
        if let Some(place) = Place::of_few(meaning) {
            return place;
        }
        let Meaning { columns, words } = meaning;
        let start = self.items.length as u32;
        self.items.extend(columns);
        self.items.extend(words);
        Place { column: start | MANY, word: words.len() as u32, columns: columns.len() as u16, few_words: 0 }
    }

    fn is_long(&self, slot: &Slot, piece: &Piece<'_>) -> bool {
        let text = piece.text.as_str().as_bytes();
        self.long[(slot.long & !PASSED) as usize..].strip_prefix(text).is_some_and(|rest| rest.first() == Some(&END))
    }

    /// The buckets in which a piece may be, the likeliest first.
    fn probes(&self, spelling: Spelling) -> impl Iterator<Item = usize> + use<> {
        let (first, last) = (spelling.hash() as usize, self.buckets.len() - 1);
        (0..MOST_PROBES).map(move |probe| first.wrapping_add(probe) & last)
    }

    /// The first bucket with room in which a piece may be, and its next slot. It passes the buckets before.
    fn free(&mut self, spelling: Spelling) -> Option<[usize; 2]> {
        for at in self.probes(spelling) {
            let bucket = &mut self.buckets[at];
            let taken = bucket.taken();
            if taken < bucket.0.len() {
                return Some([at, taken]);
            }
            bucket.0[1].long |= PASSED;
        }
        None
    }
}
