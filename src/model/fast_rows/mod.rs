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
//! - **Weights are made from counts** by the same function as on the plain path. Rows have them in the order of columns; for
//!   scores, which no order changes, those of a single block stay in the order in which columns were met.

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
mod words;

use super::featurizer::Block;
use crate::analysis::{Analyzer, AnalyzerParams, Beginning, Stemmer, Unit, Word, tokenize};
use crate::features::{Corpus, CorpusCounter};
use crate::sparse::{SparseRow, UnorderedRow};
use characters::Characters;
use grams::{Grams, Walk};
use marks::{Marker, Portable};
use memo::{Meaning, Memo, Place, Sought};
use numbers::Numbers;
use pieces::{Bounds, Piece};
use pulp::NullaryFnOnce;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;
use stems::stem;
use tally::{SECTION, Tally};
use thread_local::ThreadLocal;
use words::for_each_plain_token;

/// Makes the rows of texts for one list of blocks, which has to be the same every time.
#[derive(Default)]
pub(super) struct FastRows {
    /// Made for the first text.
    layout: OnceLock<Layout>,
    /// What each thread has remembered.
    memories: ThreadLocal<RefCell<Memory>>,
}

/// Where the blocks stand.
struct Layout {
    stands: Vec<Stand>,
    /// Whether a block asks for stems of rust-stemmers.
    stems: bool,
    /// Whether signs part, because no block counts them.
    signs_part: bool,
    /// Of a single block by column.
    idf: Vec<f64>,
}

/// Where one block stands.
struct Stand {
    /// Its sections of a tally.
    sections: Range<usize>,
    /// The place of its first column.
    first: u32,
    /// Its n-grams of two words and more, if it has some.
    grams: Option<Grams>,
}

/// So many pieces are brought near, ...
const AHEAD: usize = 256;
/// ... then so many of them looked up, and counted.
const BATCH: usize = 64;

/// What one thread works with.
struct Memory {
    bounds: Bounds,
    /// Of [`AHEAD`] pieces.
    sought: Vec<Sought>,
    /// Where the meanings of [`BATCH`] of them stand.
    places: Vec<Place>,
    memo: Memo,
    tally: Tally,
    /// The columns of pieces that have several.
    columns: Numbers,
    /// The words of a text for all blocks with n-grams, and for one of them.
    words: Numbers,
    sequence: Vec<u32>,
    walk: Walk,
    finder: Finder,
    row: SparseRow,
    /// The greatest value of a row that is in the tally.
    greatest: f64,
}

/// Finds out what a piece means that is not remembered.
#[derive(Default)]
struct Finder {
    columns: Vec<u32>,
    words: Vec<u32>,
    characters: Characters,
    /// Of a token, and of its stem.
    letters: String,
    stem: String,
}

impl FastRows {
    /// The row of a text.
    pub fn row(&self, blocks: &[Block], text: &str) -> SparseRow {
        self.read::<false, _>(blocks, text, |memory| std::mem::take(&mut memory.row))
    }

    /// What is made of a text's row, its columns in any order.
    pub fn read_unordered<T>(&self, blocks: &[Block], text: &str, made_of: impl FnOnce(UnorderedRow<'_>) -> T) -> T {
        if blocks.len() == 1 {
            return self.read::<true, _>(blocks, text, |memory| made_of(memory.unordered()));
        }
        self.read::<false, _>(blocks, text, |memory| made_of(UnorderedRow::from(&memory.row)))
    }

    fn read<const AS_MET: bool, T>(&self, blocks: &[Block], text: &str, made_of: impl FnOnce(&mut Memory) -> T) -> T {
        let layout = self.layout.get_or_init(|| Layout::new(blocks));
        let mut memory = self.memories.get_or(|| RefCell::new(Memory::new(layout))).borrow_mut();
        memory.read_by_processor::<AS_MET>(blocks, layout, text);
        made_of(&mut memory)
    }
}

/// The making of a row, compiled for several kinds of processor.
struct Read<'a, M, const AS_MET: bool> {
    marker: M,
    memory: &'a mut Memory,
    blocks: &'a [Block],
    layout: &'a Layout,
    text: &'a str,
}

impl<M: Marker, const AS_MET: bool> NullaryFnOnce for Read<'_, M, AS_MET> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.memory.read::<AS_MET>(self.blocks, self.layout, self.text, self.marker);
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
        let idf = if let [block] = blocks { block.vectorizer.idf().collect() } else { Vec::new() };
        let mut layout = Layout { stands: Vec::new(), stems, signs_part, idf };
        let (mut section, mut word) = (0, 0);
        for block in blocks {
            let (params, vocabulary) = (block.analyzer.params(), block.vectorizer.vocabulary());
            let first = (section * SECTION) as u32;
            let grams = (params.unit == Unit::Word && params.ngrams[1] > 1)
                .then(|| Grams::new(vocabulary, params.ngrams, word, first));
            word = grams.as_ref().map_or(word, Grams::end);
            let sections = section..section + vocabulary.len().div_ceil(SECTION);
            section = sections.end;
            layout.stands.push(Stand { sections, first, grams });
        }
        layout
    }

    /// The number of all sections.
    fn end(&self) -> usize {
        self.stands.last().map_or(0, |stand| stand.sections.end)
    }
}

impl Memory {
    fn new(layout: &Layout) -> Self {
        Memory {
            bounds: Bounds::default(),
            sought: vec![Sought::default(); AHEAD],
            places: vec![Place::default(); BATCH],
            memo: Memo::new(),
            tally: Tally::new(layout.end()),
            columns: Numbers::default(),
            words: Numbers::default(),
            sequence: Vec::new(),
            walk: Walk::default(),
            finder: Finder::default(),
            row: SparseRow::default(),
            greatest: 0.0,
        }
    }

    /// The row that was made last as its columns were met.
    fn unordered(&mut self) -> UnorderedRow<'_> {
        let (columns, values) = self.tally.as_met();
        UnorderedRow::with_greatest(columns, values, self.greatest)
    }

    /// Makes the row of a text, as the present processor does it soonest.
    fn read_by_processor<const AS_MET: bool>(&mut self, blocks: &[Block], layout: &Layout, text: &str) {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = pulp::x86::V3::try_new() {
            return v3.vectorize(Read::<_, AS_MET> { memory: self, blocks, layout, text, marker: v3 });
        }
        self.read::<AS_MET>(blocks, layout, text, Portable);
    }

    /// Makes the row of a text. `AS_MET` is for a single block: its columns stay in the tally, as they were met.
    #[inline(always)]
    fn read<const AS_MET: bool>(&mut self, blocks: &[Block], layout: &Layout, text: &str, marker: impl Marker) {
        let Memory { bounds, sought, places, memo, tally, columns, words, sequence, walk, finder, row, greatest } =
            self;
        bounds.find(text, layout.signs_part, marker);
        words.clear();
        let has_grams = layout.stands.iter().any(|stand| stand.grams.is_some());
        // Each step goes over many pieces before the next begins, so that a processor brings memory for many at once.
        for ahead in bounds.batches(AHEAD) {
            memo.make_room(ahead.len());
            memo.approach(text.as_bytes(), ahead, sought);
            for (bounds, sought) in ahead.chunks(BATCH).zip(sought.chunks(BATCH)) {
                let places = &mut places[..bounds.len()];
                let mut strange = memo.glance(sought, places);
                while let Some(i) = next_bit(&mut strange) {
                    let piece = Piece::new(text, bounds[i], sought[i].spelling);
                    places[i] = memo.place(&piece, sought[i].bucket).unwrap_or_else(|| {
                        let meaning = finder.meaning(blocks, layout, &piece);
                        memo.learn(&piece, meaning).or_else(|| Place::of_few(meaning)).unwrap_or_else(|| {
                            tally.add::<AS_MET>(meaning.columns.iter().copied());
                            memo.keep(Meaning { columns: &[], ..meaning })
                        })
                    });
                }
                let mut many = 0;
                tally.add::<AS_MET>(places.iter().rev().map(|place| {
                    many = many << 1 | u64::from(place.is_many());
                    place.column()
                }));
                if has_grams && many == 0 {
                    words.extend_if(places.iter().map(|place| place.few_words()));
                } else if has_grams {
                    for &place in &*places {
                        if place.is_many() {
                            words.extend(memo.many_words(place));
                        } else {
                            words.extend_if([place.few_words()].into_iter());
                        }
                    }
                }
                if !layout.signs_part {
                    memo.approach_meanings(places);
                }
                columns.clear();
                while let Some(i) = next_bit(&mut many) {
                    let (list, how_many) = memo.many_columns(places[i]);
                    columns.extend_at_once(list, how_many);
                }
                tally.add::<AS_MET>(columns.all().iter().copied());
            }
        }
        for grams in layout.stands.iter().filter_map(|stand| stand.grams.as_ref()) {
            sequence.clear();
            sequence.extend(words.all().iter().copied().filter(|&word| grams.has(word)));
            tally.add::<AS_MET>(grams.columns(sequence, walk).iter().copied());
        }
        let room = tally.make_room();
        if AS_MET {
            if let [Block { vectorizer, .. }] = blocks {
                let (tf, idf) = (vectorizer.damping(), &layout.idf[..]);
                tally.weigh_as_met(|column, count| tf(count) * idf[column]);
                *greatest = vectorizer.normalize(tally.as_met().1);
            }
            return;
        }
        row.clear();
        row.reserve(room);
        let mut first = 0;
        for (Block { vectorizer, .. }, Stand { sections, .. }) in blocks.iter().zip(&layout.stands) {
            let start = row.len();
            let (columns, weights) = tally.drain(sections.clone(), first, |near| vectorizer.weigh(near));
            row.extend(columns, weights);
            vectorizer.normalize(row.values_mut(start));
            first += vectorizer.vocabulary().len() as u32;
        }
    }
}

/// The lowest bit that is set, which is taken away.
#[inline(always)]
fn next_bit(bits: &mut u64) -> Option<usize> {
    let next = bits.trailing_zeros() as usize;
    *bits &= bits.wrapping_sub(1);
    (next < 64).then_some(next)
}

impl Finder {
    fn meaning(&mut self, blocks: &[Block], layout: &Layout, piece: &Piece<'_>) -> Meaning<'_> {
        let Finder { columns, words, characters, letters, stem: own } = self;
        columns.clear();
        words.clear();
        // One token after another, so that all blocks share its stem.
        let mut token = |token: Beginning<'_>| {
            let stem = layout.stems.then(|| (Stemmer::RustStemmers, stem(token, own)));
            let word = Word::new(token, stem);
            for (block, Stand { first, grams, .. }) in blocks.iter().zip(&layout.stands) {
                let vocabulary = block.vectorizer.vocabulary();
                let params = block.analyzer.params();
                match params.unit {
                    Unit::Word => {
                        let Some(part) = block.analyzer.part(&word) else { continue };
                        if params.ngrams[0] == 1
                            && let Some(column) = vocabulary.column_of(part.of, part.length)
                        {
                            columns.push(first + column);
                        }
                        if let Some(grams) = grams {
                            words.push(grams.number(part));
                        }
                    }
                    Unit::Fields | Unit::Valence => {
                        let column = |mark: &str| vocabulary.column(mark).map(|column| first + column);
                        columns.extend(block.analyzer.marks(&word).filter_map(column));
                    }
                    Unit::CharWb => {}
                }
            }
        };
        if !for_each_plain_token(piece, letters, &mut token) {
            tokenize(piece.text.as_str()).for_each(|found| token(Beginning::whole(&found.text)));
        }
        for (block, Stand { first, .. }) in blocks.iter().zip(&layout.stands) {
            let params = block.analyzer.params();
            if params.unit == Unit::CharWb {
                for part in piece.text.as_str().split_whitespace() {
                    characters.find(part, params.ngrams, block.vectorizer.vocabulary(), |column| {
                        columns.push(first + column);
                    });
                }
            }
        }
        Meaning { columns, words }
    }
}
