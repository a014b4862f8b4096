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
use characters::Characters;
use grams::{Grams, Walk};
use memo::{Meaning, Memo, Place};
use numbers::Numbers;
use pieces::{Bounds, Piece};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use stems::stem;
use tally::Tally;

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
    /// The first column of each block, and the number of all columns.
    firsts: Vec<u32>,
    /// The n-grams of two words and more of each block; `None` where a block has none.
    grams: Vec<Option<Grams>>,
    /// Whether a block asks for stems of rust-stemmers.
    stems: bool,
    /// Whether signs part, because no block counts them.
    signs_part: bool,
}

/// So many pieces are cut, then looked up, then counted.
const BATCH: usize = 32;

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
    counts: Vec<(u32, u32)>,
    row: Vec<(u32, f64)>,
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
    /// What is made of a text's row: columns, strictly increasing, with their weights.
    pub fn read<T>(&self, blocks: &[Block], text: &str, made_of: impl FnOnce(&[(u32, f64)]) -> T) -> T {
        let layout = self.layout.get_or_init(|| Layout::new(blocks));
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = idle().pop();
        let mut memory = memory.unwrap_or_else(|| Memory::new(layout));
        memory.read(blocks, layout, text);
        let made = made_of(&memory.row);
        idle().push(memory);
        made
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
            bounds.find(text, params.unit != Unit::CharWb);
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
        let mut layout = Layout { firsts: vec![0], grams: Vec::new(), stems, signs_part };
        let (mut column, mut word) = (0, 0);
        for block in blocks {
            let (params, vocabulary) = (block.analyzer.params(), block.vectorizer.vocabulary());
            let grams = (params.unit == Unit::Word && params.ngrams[1] > 1)
                .then(|| Grams::new(vocabulary, params.ngrams, word, column));
            word = grams.as_ref().map_or(word, Grams::end);
            column += vocabulary.len() as u32;
            layout.grams.push(grams);
            layout.firsts.push(column);
        }
        layout
    }

    fn width(&self) -> usize {
        self.firsts[self.firsts.len() - 1] as usize
    }
}

impl Memory {
    fn new(layout: &Layout) -> Self {
        Memory {
            bounds: Bounds::default(),
            memo: Memo::new(),
            tally: Tally::new(layout.width()),
            few: Numbers::default(),
            words: Numbers::default(),
            sequence: Vec::new(),
            walk: Walk::default(),
            finder: Finder::default(),
            counts: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Makes the row of a text.
    fn read(&mut self, blocks: &[Block], layout: &Layout, text: &str) {
        let Memory { bounds, memo, tally, few, words, sequence, walk, finder, counts, row } = self;
        let mut spellings = [Spelling::default(); BATCH];
        let mut glances = [(false, Place::default()); BATCH];
        bounds.find(text, layout.signs_part);
        words.clear();
        // Spelling, looking up and counting each go over many pieces before the next begins: a processor waits for memory
        // once for many pieces, not once for each.
        for bounds in bounds.batches(BATCH) {
            memo.make_room(bounds.len());
            for (spelling, &[start, end]) in spellings.iter_mut().zip(bounds) {
                *spelling = Spelling::part(text.as_bytes(), start..end);
            }
            for (glance, spelling) in glances.iter_mut().zip(&spellings[..bounds.len()]) {
                *glance = memo.glance(*spelling);
            }
            few.clear();
            for ((&(known, place), &spelling), &[start, end]) in glances.iter().zip(&spellings).zip(bounds) {
                if known {
                    memo.pass_on(place, few, |many| tally.add(many), words);
                    continue;
                }
                let piece = Piece { text: &text[start..end], spelling };
                match memo.place(&piece) {
                    Some(place) => memo.pass_on(place, few, |many| tally.add(many), words),
                    None => {
                        let meaning = finder.meaning(blocks, layout, &piece);
                        tally.add(meaning.columns);
                        words.extend(meaning.words);
                        memo.learn(&piece, meaning);
                    }
                }
            }
            tally.add(few.all());
        }
        for grams in layout.grams.iter().flatten() {
            sequence.clear();
            sequence.extend(words.all().iter().copied().filter(|&word| grams.has(word)));
            grams.for_each_column(sequence, walk, |column| tally.add(&[column]));
        }
        counts.clear();
        tally.drain(counts);
        row.clear();
        let mut rest = &counts[..];
        for (block, bounds) in blocks.iter().zip(layout.firsts.windows(2)) {
            let (own, others) = rest.split_at(rest.partition_point(|&(column, _)| column < bounds[1]));
            block.vectorizer.weigh(own, bounds[0], row);
            rest = others;
        }
    }
}

impl Finder {
    fn meaning(&mut self, blocks: &[Block], layout: &Layout, piece: &Piece<'_>) -> Meaning<'_> {
        let Finder { columns, words, characters, letters } = self;
        columns.clear();
        words.clear();
        let places = || blocks.iter().zip(&layout.firsts).zip(&layout.grams);
        // One token after another, so that all blocks share its stem.
        let mut token = |token: &str| {
            let mut word = Word::new(token);
            if layout.stems {
                word = word.with_stem(Stemmer::RustStemmers, stem(token));
            }
            for ((block, &first), grams) in places() {
                let vocabulary = block.vectorizer.vocabulary();
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
        match only_word(piece.text, letters) {
            Some(word) => token(word),
            None => tokenize(piece.text).for_each(|found| token(&found.text)),
        }
        for ((block, &first), _) in places().filter(|((block, _), _)| block.analyzer.params().unit == Unit::CharWb) {
            let lengths = block.analyzer.params().ngrams;
            for part in piece.text.split_whitespace() {
                characters.find(part, lengths, block.vectorizer.vocabulary(), |column| {
                    columns.push(first + column);
                });
            }
        }
        Meaning { columns, words }
    }
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
    // An apostrophe may elide, a hyphen make a designation, and the t between hyphens is no token.
    let plain = at - start > 1 && !matches!(rest, [b'\'' | b'`' | b'-', ..]) && rest.iter().all(sign);
    plain.then_some(letters)
}
