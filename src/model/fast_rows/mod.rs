//! The rows of texts, at the speed of memory.
//!
//! In: the blocks of a featurizer, and texts. Out: the rows that the blocks' analyzers and vectorizers make of them, bit
//! for bit; and, before there are blocks, the counts of terms. Nothing else knows how; the doors are [`FastRows`] and
//! [`counted`].
//!
//! What makes it fast: a text is cut at white space without a look at its characters, and what a piece means (the columns
//! of its terms in every block) is remembered by its bytes as they are written, so that a piece that was met before is
//! neither lower-cased, nor stemmed, nor taken apart.
//!
//! What it rests on:
//!
//! - **A piece says all of itself.** No token and no n-gram of characters reaches over white space, and no rule of the
//!   tokenizer looks past it, but for numbers with separators of thousands: white space between two ASCII digits does not
//!   part. Where no block counts characters the same holds of most signs of ASCII, and fewer forms are met. So the tokens
//!   of a text are those of its pieces one after another, and its n-grams of characters those of the pieces' parts. N-grams
//!   of words do reach over white space: they are walks over the pieces' words.
//! - **Memory is not state.** What is remembered of a piece is what would be found anew; whether it is remembered changes no
//!   row. It belongs to one thread at a time, is bounded, and is emptied when full.
//! - **Weights are made from counts** in the order of columns, by the same function as on the plain path.

mod characters;
mod grams;
mod marks;
mod memo;
mod numbers;
mod pieces;
mod stems;
mod tally;
#[cfg(test)]
mod tests;

use super::featurizer::Block;
use crate::analysis::{Analyzer, AnalyzerParams, Stemmer, Unit, Word, tokenize};
use crate::features::{Corpus, CorpusCounter, Spelling};
use crate::sparse::SparseRow;
use characters::Characters;
use grams::{Grams, Walk};
use marks::{Marker, Portable};
use memo::{Meaning, Memo, Place};
use numbers::Numbers;
use pieces::{Bounds, Piece};
use pulp::NullaryFnOnce;
use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};
use stems::stem;
use tally::{SECTION, Tally};
use wide::u8x16;

/// Makes the rows of texts for one list of blocks, which has to be the same every time.
#[derive(Default)]
pub(super) struct FastRows {
    /// Made for the first text.
    layout: OnceLock<Layout>,
    /// What the threads that are not at work have remembered.
    idle: Mutex<Vec<Memory>>,
}

/// Where the blocks stand.
struct Layout {
    /// Of each block its sections of a tally.
    sections: Vec<Range<usize>>,
    /// The n-grams of two words and more of each block; `None` where a block has none.
    grams: Vec<Option<Grams>>,
    /// Whether a block asks for stems of rust-stemmers.
    stems: bool,
    /// Whether signs part, because no block counts them.
    signs_part: bool,
}

/// So many pieces are cut, then looked up, then counted.
const BATCH: usize = 64;

/// What one thread works with.
struct Memory {
    bounds: Bounds,
    memo: Memo,
    tally: Tally,
    /// The columns of pieces of a text that have few.
    few: Numbers,
    /// The words of a text for all blocks with n-grams, and for one of them.
    words: Numbers,
    sequence: Vec<u32>,
    walk: Walk,
    finder: Finder,
    row: SparseRow,
}

/// Finds out what a piece means that is not remembered.
#[derive(Default)]
struct Finder {
    columns: Vec<u32>,
    words: Vec<u32>,
    characters: Characters,
    letters: String,
}

impl FastRows {
    /// What is made of a text's row.
    pub fn read<T>(&self, blocks: &[Block], text: &str, made_of: impl FnOnce(&SparseRow) -> T) -> T {
        let layout = self.layout.get_or_init(|| Layout::new(blocks));
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = idle().pop();
        let mut memory = memory.unwrap_or_else(|| Memory::new(layout));
        memory.read_by_processor(blocks, layout, text);
        let made = made_of(&memory.row);
        idle().push(memory);
        made
    }
}

/// The making of a row, compiled for several kinds of processor.
struct Read<'a, M> {
    marker: M,
    memory: &'a mut Memory,
    blocks: &'a [Block],
    layout: &'a Layout,
    text: &'a str,
}

impl<M: Marker> NullaryFnOnce for Read<'_, M> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.memory.read(self.blocks, self.layout, self.text, self.marker);
    }
}

/// Texts counted as by their analyzer. It takes each piece apart once, where terms do not reach over pieces.
pub(super) fn counted(texts: &[&str], params: &AnalyzerParams) -> Corpus {
    let analyzer = Analyzer::new(params);
    let mut counter = CorpusCounter::default();
    let mut known: HashMap<&str, Vec<u32>> = HashMap::new();
    let mut bounds = Bounds::default();
    for text in texts {
        if params.unit == Unit::Word && params.ngrams[1] > 1 {
            analyzer.for_each_term(text, |term, _| counter.add(term));
        } else {
            bounds.find(text, params.unit != Unit::CharWb, Portable);
            for piece in bounds.batches(BATCH).flatten().map(|&[start, end]| &text[start..end]) {
                let ids = known.entry(piece).or_insert_with(|| {
                    let mut ids = Vec::new();
                    analyzer.for_each_term(piece, |term, _| ids.push(counter.id(term)));
                    ids
                });
                counter.add_ids(ids);
            }
        }
        counter.end_text();
    }
    counter.finish()
}

impl Layout {
    fn new(blocks: &[Block]) -> Self {
        let stems = blocks.iter().any(|block| block.analyzer.params().asks() == Some(Stemmer::RustStemmers));
        let signs_part = blocks.iter().all(|block| block.analyzer.params().unit != Unit::CharWb);
        let mut layout = Layout { sections: Vec::new(), grams: Vec::new(), stems, signs_part };
        let (mut section, mut word) = (0, 0);
        for block in blocks {
            let (params, vocabulary) = (block.analyzer.params(), block.vectorizer.vocabulary());
            let grams = (params.unit == Unit::Word && params.ngrams[1] > 1)
                .then(|| Grams::new(vocabulary, params.ngrams, word, place(section)));
            word = grams.as_ref().map_or(word, Grams::end);
            layout.grams.push(grams);
            let sections = section..section + vocabulary.len().div_ceil(SECTION);
            section = sections.end;
            layout.sections.push(sections);
        }
        layout
    }

    /// The number of all sections.
    fn end(&self) -> usize {
        self.sections.last().map_or(0, |sections| sections.end)
    }
}

/// The first place of a section.
fn place(section: usize) -> u32 {
    (section * SECTION) as u32
}

impl Memory {
    fn new(layout: &Layout) -> Self {
        Memory {
            bounds: Bounds::default(),
            memo: Memo::new(),
            tally: Tally::new(layout.end()),
            few: Numbers::default(),
            words: Numbers::default(),
            sequence: Vec::new(),
            walk: Walk::default(),
            finder: Finder::default(),
            row: SparseRow::default(),
        }
    }

    /// Makes the row of a text, as the present processor does it soonest.
    fn read_by_processor(&mut self, blocks: &[Block], layout: &Layout, text: &str) {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = pulp::x86::V3::try_new() {
            return v3.vectorize(Read { memory: self, blocks, layout, text, marker: v3 });
        }
        self.read(blocks, layout, text, Portable);
    }

    /// Makes the row of a text.
    #[inline(always)]
    fn read(&mut self, blocks: &[Block], layout: &Layout, text: &str, marker: impl Marker) {
        let Memory { bounds, memo, tally, few, words, sequence, walk, finder, row } = self;
        let mut spellings = [Spelling::default(); BATCH];
        let mut places = [Place::default(); BATCH];
        bounds.find(text, layout.signs_part, marker);
        words.clear();
        let has_grams = layout.grams.iter().any(Option::is_some);
        // Looking up and counting each go over many pieces before the next begins: a processor waits for memory once for
        // many pieces, not once for each.
        for bounds in bounds.batches(BATCH) {
            memo.make_room(bounds.len());
            for (i, &[start, end]) in bounds.iter().enumerate() {
                spellings[i] = Spelling::part(text.as_bytes(), start..end);
            }
            let mut strange = memo.glance(&spellings[..bounds.len()], &mut places);
            while strange != 0 {
                let i = strange.trailing_zeros() as usize;
                strange &= strange - 1;
                let piece = Piece { text: &text[bounds[i][0]..bounds[i][1]], spelling: spellings[i] };
                places[i] = memo.place(&piece).unwrap_or_else(|| {
                    let meaning = finder.meaning(blocks, layout, &piece);
                    memo.learn(&piece, meaning).unwrap_or_else(|| {
                        tally.add(meaning.columns);
                        memo.keep(Meaning { columns: &[], ..meaning })
                    })
                });
            }
            let places = &places[..bounds.len()];
            if !layout.signs_part {
                black_box(memo.touch_meanings(places));
            }
            few.clear();
            for &place in places {
                let words = has_grams.then_some(&mut *words);
                memo.pass_on(place, few, |many| tally.add(many), words);
            }
            tally.add(few.all());
        }
        for grams in layout.grams.iter().flatten() {
            sequence.clear();
            sequence.extend(words.all().iter().copied().filter(|&word| grams.has(word)));
            tally.add(grams.columns(sequence, walk));
        }
        row.clear();
        tally.make_room();
        let mut first = 0;
        for (Block { vectorizer, .. }, sections) in blocks.iter().zip(&layout.sections) {
            let start = row.len();
            let (columns, weights) = tally.drain(sections.clone(), first, |near| vectorizer.weigh(near));
            row.extend(columns, weights);
            vectorizer.normalize(row.values_mut(start));
            first += vectorizer.vocabulary().len() as u32;
        }
    }
}

impl Finder {
    fn meaning(&mut self, blocks: &[Block], layout: &Layout, piece: &Piece<'_>) -> Meaning<'_> {
        let Finder { columns, words, characters, letters } = self;
        columns.clear();
        words.clear();
        let places = || blocks.iter().zip(&layout.sections).zip(&layout.grams);
        // One token after another, so that all blocks share its stem.
        let mut token = |token: &str| {
            let mut word = Word::new(token);
            if layout.stems {
                word = word.with_stem(Stemmer::RustStemmers, stem(token));
            }
            for ((block, sections), grams) in places() {
                let vocabulary = block.vectorizer.vocabulary();
                let first = place(sections.start);
                let column = |term: &str| vocabulary.column(term).map(|column| first + column);
                let params = block.analyzer.params();
                match params.unit {
                    Unit::Word => {
                        let Some(part) = block.analyzer.part(&word) else { continue };
                        if params.ngrams[0] == 1 {
                            columns.extend(column(part));
                        }
                        words.extend(grams.as_ref().map(|grams| grams.number(part)));
                    }
                    Unit::Fields | Unit::Valence => columns.extend(block.analyzer.marks(&word).filter_map(column)),
                    Unit::CharWb => {}
                }
            }
        };
        match small_word(piece).or_else(|| only_word(piece.text, letters)) {
            Some(word) => token(word),
            None => tokenize(piece.text).for_each(|found| token(&found.text)),
        }
        for ((block, sections), _) in places().filter(|((block, _), _)| block.analyzer.params().unit == Unit::CharWb) {
            let (lengths, first) = (block.analyzer.params().ngrams, place(sections.start));
            for part in piece.text.split_whitespace() {
                characters.find(part, lengths, block.vectorizer.vocabulary(), |column| {
                    columns.push(first + column);
                });
            }
        }
        Meaning { columns, words }
    }
}

/// As [`only_word`], sooner, of a short piece whose letters are small: its bytes are looked at all at once.
fn small_word<'a>(piece: &Piece<'a>) -> Option<&'a str> {
    if !piece.spelling.is_whole() {
        return None;
    }
    let block = piece.spelling.bytes();
    let bytes = u8x16::new(block);
    let all = u8x16::splat;
    let same = |byte: u8| bytes.simd_eq(all(byte));
    let within = |bytes: u8x16, least: u8, greatest: u8| {
        let above = bytes - all(least);
        above.simd_eq(above.min(all(greatest - least)))
    };
    let bits = |mask: u8x16| mask.to_bitmask();
    let inside = (1 << piece.text.len()) - 1;
    // Not æ and ÷.
    let accented = bits(within(bytes, 0xa0, 0xbf) & !(same(0xa6) | same(0xb7))) >> 1 & bits(same(0xc3));
    let letters = inside & (bits(within(bytes, b'a', b'z')) | accented | accented << 1);
    let signs = bits(within(bytes, 0, 0x7f) & !(within(bytes, b'0', b'9') | within(bytes | all(0x20), b'a', b'z')));
    let start = (letters | 1 << 16).trailing_zeros();
    let length = (!(letters >> start)).trailing_zeros();
    let end = start + length;
    let word = (1 << end) - (1 << start);
    // An apostrophe may elide, a hyphen make a designation, and the t between hyphens is no token.
    let plain = length > 1 && inside & !(word | signs) == 0 && !matches!(block[end as usize % 16], b'\'' | b'`' | b'-');
    plain.then(|| &piece.text[start as usize..end as usize])
}

/// The only token of a piece that is plainly one word, of letters of ASCII and Latin-1 between signs of ASCII, as
/// [`tokenize`] finds it; `None` for any other piece. `letters` is room to work in.
fn only_word<'a>(piece: &str, letters: &'a mut String) -> Option<&'a str> {
    let sign = |b: &u8| b.is_ascii() && !b.is_ascii_alphanumeric();
    let bytes = piece.as_bytes();
    let start = bytes.iter().take_while(|b| sign(b)).count();
    letters.clear();
    let mut at = start;
    loop {
        match bytes[at..] {
            [b @ (b'a'..=b'z' | b'A'..=b'Z'), ..] => {
                letters.push(b.to_ascii_lowercase().into());
                at += 1;
            }
            // Not × and ÷, and not Æ and æ, which are written otherwise.
            [0xc3, b @ (0x80..=0x96 | 0x98..=0xbf), ..] if !matches!(b, 0x86 | 0xa6 | 0xb7) => {
                let small = if b < 0x9f { b + 0x20 } else { b };
                letters.push(char::from(small | 0x40));
                at += 2;
            }
            _ => break,
        }
    }
    let rest = &bytes[at..];
    let plain = at - start > 1 && !matches!(rest, [b'\'' | b'`' | b'-', ..]) && rest.iter().all(sign);
    plain.then_some(letters)
}
