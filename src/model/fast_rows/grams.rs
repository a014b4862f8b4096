//! N-grams of words as walks over numbers.

use crate::features::Vocabulary;
use std::collections::HashMap;

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
        // Nodes of one word are words; the others are numbered on.
        let mut nodes = words.len() as u32;
        let mut steps: HashMap<(u32, u32), (u32, u32)> = HashMap::new();
        for (gram, column) in grams() {
            let mut gram = gram.filter_map(|word| words.column(word));
            let Some(mut node) = gram.next() else { continue };
            let mut last = (node, node);
            for word in gram {
                last = (node, word);
                node = steps
                    .entry(last)
                    .or_insert_with(|| {
                        nodes += 1;
                        (nodes - 1, NONE)
                    })
                    .0;
            }
            steps.insert(last, (node, column));
        }
        Grams { words, first, most, steps: Steps::new(&steps) }
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
    pub fn number(&self, word: &str) -> u32 {
        self.words.column(word).map_or(self.first, |at| self.first + 1 + at)
    }

    /// Passes on the columns of the n-grams of two words and more in a row of words.
    pub fn for_each_column(&self, words: &[u32], walk: &mut Walk, mut each: impl FnMut(u32)) {
        let Walk { nodes, next, likely } = walk;
        let word = |at: usize| (words[at] - self.first).wrapping_sub(1);
        nodes.clear();
        nodes.extend((0..words.len()).map(word));
        for n in 2..=self.most.min(words.len()) {
            // Two loops, so that a processor waits for the memory of many steps at once.
            likely.clear();
            for at in n - 1..words.len() {
                let hash = hash(nodes[at - 1], word(at));
                if self.steps.may_hold(hash) {
                    likely.push((at, hash));
                }
            }
            next.clear();
            next.resize(words.len(), NONE);
            for &(at, hash) in &*likely {
                let step = self.steps.get(hash, nodes[at - 1], word(at));
                next[at] = step.to;
                if step.column != NONE {
                    each(step.column);
                }
            }
            std::mem::swap(nodes, next);
        }
    }
}

/// Room to walk in.
#[derive(Default)]
pub(super) struct Walk {
    /// The node of the n-gram that ends at each word, for one n and for the next.
    nodes: Vec<u32>,
    next: Vec<u32>,
    /// Words at which an n-gram may end, with the hash of the last step to it.
    likely: Vec<(usize, u64)>,
}

/// A hash table with open addressing, less than half full.
struct Steps {
    slots: Vec<Step>,
    /// A bit for each step by its hash: most pairs of words are no step, and this is the cheapest way to know.
    filter: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Step {
    from: u32,
    word: u32,
    to: u32,
    column: u32,
}

const NO_STEP: Step = Step { from: NONE, word: NONE, to: NONE, column: NONE };

impl Steps {
    fn new(steps: &HashMap<(u32, u32), (u32, u32)>) -> Self {
        let size = (2 * steps.len() + 1).next_power_of_two();
        let mut table = Steps { slots: vec![NO_STEP; size], filter: vec![0; size.div_ceil(16)] };
        for (&(from, word), &(to, column)) in steps {
            let hash = hash(from, word);
            let bit = table.bit(hash);
            table.filter[bit / 64] |= 1 << (bit % 64);
            let mut slot = hash as usize & (size - 1);
            while table.slots[slot].from != NONE {
                slot = (slot + 1) & (size - 1);
            }
            table.slots[slot] = Step { from, word, to, column };
        }
        table
    }

    #[inline]
    fn bit(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.filter.len() * 64 - 1)
    }

    #[inline]
    fn may_hold(&self, hash: u64) -> bool {
        let bit = self.bit(hash);
        self.filter[bit / 64] >> (bit % 64) & 1 == 1
    }

    #[inline]
    fn get(&self, hash: u64, from: u32, word: u32) -> Step {
        let mut slot = hash as usize;
        loop {
            let step = self.slots[slot & (self.slots.len() - 1)];
            if step.from == NONE || (step.from, step.word) == (from, word) {
                return step;
            }
            slot = slot.wrapping_add(1);
        }
    }
}

#[inline]
fn hash(from: u32, word: u32) -> u64 {
    // The fraction of the golden ratio.
    let product = u128::from(u64::from(from) << 32 | u64::from(word)) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}
