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
//!   part. So the tokens of a text are those of its pieces one after another, and its n-grams of characters those of the
//!   pieces' parts. N-grams of words do reach over white space: they are walks over the pieces' words.
//! - **Memory is not state.** What is remembered of a piece is what would be found anew; whether it is remembered changes no
//!   row. It belongs to one thread at a time, is bounded, and is emptied when full.
//! - **Weights are made from counts** in the order of columns, by the same function as on the plain path.

mod grams;
mod memo;
mod numbers;
mod pieces;
mod tally;
#[cfg(test)]
mod tests;

use super::featurizer::Block;
use crate::analysis::{Analyzer, AnalyzerParams, Scratch, Unit, Word, tokenize};
use crate::features::{Corpus, CorpusCounter};
use grams::{Grams, Walk};
use memo::{Meaning, Memo, Place};
use numbers::Numbers;
use pieces::{Piece, Pieces};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
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
}

/// So many pieces are cut, then looked up, then counted.
const BATCH: usize = 32;

/// What one thread works with.
struct Memory {
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

/// Finds out what a piece means, the plain way.
#[derive(Default)]
struct Finder {
    columns: Vec<u32>,
    words: Vec<u32>,
    scratch: Scratch,
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
    for text in texts {
        if params.unit == Unit::Word && params.ngrams[1] > 1 {
            analyzer.for_each_term(text, |term, _| counter.add(term));
        } else {
            for piece in Pieces::new(text) {
                let ids = known.entry(piece.text).or_insert_with(|| {
                    let mut ids = Vec::new();
                    analyzer.for_each_term(piece.text, |term, _| ids.push(counter.id(term)));
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
        let mut layout = Layout { firsts: vec![0], grams: Vec::new() };
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
        let Memory { memo, tally, few, words, sequence, walk, finder, counts, row } = self;
        let mut batch = [(Piece::default(), Place::default(), false); BATCH];
        let mut pieces = Pieces::new(text);
        words.clear();
        // Cutting, looking up and counting each go over many pieces before the next begins: a processor waits for memory
        // once for many pieces, not once for each.
        loop {
            let mut filled = 0;
            while filled < BATCH
                && let Some(piece) = pieces.next()
            {
                batch[filled].0 = piece;
                filled += 1;
            }
            if filled == 0 {
                break;
            }
            memo.make_room(filled);
            for (piece, place, known) in &mut batch[..filled] {
                (*known, *place) = memo.glance(piece);
            }
            few.clear();
            for (piece, place, known) in &batch[..filled] {
                match known.then_some(*place).or_else(|| memo.place(piece)) {
                    Some(place) => memo.pass_on(place, few, |many| tally.add(many), words),
                    None => {
                        let meaning = finder.meaning(blocks, layout, piece);
                        tally.add(meaning.columns);
                        words.extend(meaning.words);
                        memo.learn(piece, meaning);
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
        let Finder { columns, words, scratch } = self;
        columns.clear();
        words.clear();
        let places = || blocks.iter().zip(&layout.firsts).zip(&layout.grams);
        // One token after another, so that all blocks share its stem.
        for token in tokenize(piece.text) {
            let word = Word::new(&token.text);
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
        }
        for ((block, &first), _) in places().filter(|((block, _), _)| block.analyzer.params().unit == Unit::CharWb) {
            let vocabulary = block.vectorizer.vocabulary();
            for part in piece.text.split_whitespace() {
                block.analyzer.characters_of(part, scratch, |gram| {
                    columns.extend(vocabulary.column(gram).map(|column| first + column));
                });
            }
        }
        Meaning { columns, words }
    }
}
