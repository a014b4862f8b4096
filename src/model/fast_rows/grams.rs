//! N-grams of words as walks over numbers.

use super::numbers::Numbers;
use crate::analysis::Beginning;
use crate::features::{Vocabulary, place_among};
use prefetch_index::prefetch_index;

/// No word, no node, no column.
const NONE: u32 = u32::MAX;

/// The n-grams of two words and more that one block knows, as a trie: a word is a number, an n-gram the node that is
/// reached from its first word by the others.
pub(super) struct Grams {
    /// The words of known n-grams.
    words: Vocabulary,
    /// Its number of a word that is in none of them; the others follow it.
    first: u32,
    most: usize,
    steps: Steps,
}

impl Grams {
    /// The n-grams of a vocabulary, whose words are numbered from `first` and whose columns from `column`.
    pub fn new(vocabulary: &Vocabulary, [least, most]: [usize; 2], first: u32, column: u32) -> Self {
        let grams = || {
            let grams = vocabulary.terms().zip(column..).map(|(term, column)| (term.split(' '), column));
            grams.filter(move |(words, _)| (least.max(2)..=most).contains(&words.clone().count()))
        };
        let mut words: Vec<&str> = grams().flat_map(|(words, _)| words).collect();
        words.sort_unstable();
        words.dedup();
        let words = Vocabulary::from_terms(words).unwrap_or_default();
        // Nodes of one word are words; the others are slots, numbered on.
        let mut steps = Steps::with_room(grams().map(|(words, _)| words.count() - 1).sum());
        for (gram, column) in grams() {
            let mut gram = gram.filter_map(|word| words.column(word));
            let Some(mut node) = gram.next() else { continue };
            let mut last = None;
            for word in gram {
                let at = steps.insert(node, word);
                node = words.len() as u32 + at as u32;
                last = Some(at);
            }
            last.into_iter().for_each(|at| steps.slots[at].column = column);
        }
        Grams { words, first, most, steps }
    }

    /// The number after its last.
    pub fn end(&self) -> u32 {
        self.first + 1 + self.words.len() as u32
    }

    /// Whether a number is one of its words'.
    pub fn has(&self, number: u32) -> bool {
        (self.first..self.end()).contains(&number)
    }

    /// The number of a word.
    pub fn number(&self, word: Beginning<'_>) -> u32 {
        self.words.column_of(word.of, word.length).map_or(self.first, |at| self.first + 1 + at)
    }

    /// The columns of the n-grams of two words and more in a row of words.
    #[inline(always)]
    pub fn columns<'w>(&self, words: &[u32], walk: &'w mut Walk) -> &'w [u32] {
        let Walk { nodes, next, hashes, likely, columns } = walk;
        let word = |at: usize| (words[at] - self.first).wrapping_sub(1);
        nodes.clear();
        nodes.extend((0..words.len()).map(word));
        columns.clear();
        for n in 2..=self.most.min(words.len()) {
            // Several loops, so that a processor brings the memory of many steps at once: their bits, and the slots of those
            // that are likely. These are told without a branch, since it guesses wrong which they are.
            hashes.clear();
            hashes.extend((n - 1..words.len()).map(|at| hash(nodes[at - 1], word(at))));
            hashes.iter().for_each(|&hash| prefetch_index(&self.steps.filter[..], self.steps.bit(hash) / 64));
            likely.resize(words.len(), (0, 0));
            let mut count = 0;
            for (at, &hash) in (n - 1..).zip(hashes.iter()) {
                likely[count] = (at, hash);
                let may = usize::from(self.steps.may_hold(hash));
                prefetch_index(&self.steps.slots[..], may * self.steps.first_slot(hash));
                count += may;
            }
            let likely = &likely[..count];
            next.clear();
            next.resize(words.len(), NONE);
            for &(at, hash) in likely {
                let slot = self.steps.seek(hash, nodes[at - 1], word(at));
                let step = self.steps.slots[slot];
                next[at] = if step.from == NONE { NONE } else { self.words.len() as u32 + slot as u32 };
                columns.extend_if([(step.column, usize::from(step.column != NONE))].into_iter());
            }
            std::mem::swap(nodes, next);
        }
        columns.all()
    }
}

/// Room to walk in.
#[derive(Default)]
pub(super) struct Walk {
    /// The node of the n-gram that ends at each word, for one n and for the next.
    nodes: Vec<u32>,
    next: Vec<u32>,
    /// The hash of the last step to each n-gram.
    hashes: Vec<u64>,
    /// Words at which an n-gram may end, with that hash.
    likely: Vec<(usize, u64)>,
    columns: Numbers,
}

/// A hash table with open addressing, half full: most steps stand where they are looked for first.
struct Steps {
    slots: Vec<Step>,
    /// Bits for steps by their hash: most pairs of words are no step, and this is the cheapest way to know.
    filter: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Step {
    from: u32,
    word: u32,
    /// The column of the n-gram that ends with it, or none.
    column: u32,
}

const NO_STEP: Step = Step { from: NONE, word: NONE, column: NONE };

impl Steps {
    /// Room for so many steps.
    fn with_room(steps: usize) -> Self {
        Steps { slots: vec![NO_STEP; 2 * steps + 1], filter: vec![0; steps / 8 + 1] }
    }

    /// The slot of a step, which is made if there is none.
    fn insert(&mut self, from: u32, word: u32) -> usize {
        let hash = hash(from, word);
        let bit = self.bit(hash);
        self.filter[bit / 64] |= 1 << (bit % 64);
        let at = self.seek(hash, from, word);
        if self.slots[at].from == NONE {
            self.slots[at] = Step { from, word, column: NONE };
        }
        at
    }

    #[inline(always)]
    fn bit(&self, hash: u64) -> usize {
        place_among(64 * self.filter.len(), hash as u32)
    }

    #[inline(always)]
    fn may_hold(&self, hash: u64) -> bool {
        let bit = self.bit(hash);
        self.filter[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Where a step is looked for first.
    #[inline(always)]
    fn first_slot(&self, hash: u64) -> usize {
        place_among(self.slots.len(), (hash >> 32) as u32)
    }

    /// The slot of a step, or the free one that ends the search for it.
    #[inline(always)]
    fn seek(&self, hash: u64, from: u32, word: u32) -> usize {
        let mut at = self.first_slot(hash);
        loop {
            let step = self.slots[at];
            if step.from == NONE || (step.from, step.word) == (from, word) {
                return at;
            }
            at = if at + 1 < self.slots.len() { at + 1 } else { 0 };
        }
    }
}

#[inline(always)]
fn hash(from: u32, word: u32) -> u64 {
    // The fraction of the golden ratio.
    let product = u128::from(u64::from(from) << 32 | u64::from(word)) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}
