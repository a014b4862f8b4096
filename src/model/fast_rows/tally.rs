//! How often each column was met.

use std::collections::HashMap;

/// Counts columns and gives them back in order, in time that depends on how many were met.
pub(super) struct Tally {
    /// Single bytes, which stay near the processor...
    counts: Vec<u8>,
    /// ...and what did not fit into them.
    carried: HashMap<u32, u32>,
    /// A bit for each column that was met.
    met: Vec<u64>,
    /// A bit for each word of `met` that is not zero.
    words: Vec<u64>,
}

impl Tally {
    pub fn new(width: usize) -> Self {
        let words = width.div_ceil(64);
        Tally {
            counts: vec![0; width],
            carried: HashMap::new(),
            met: vec![0; words],
            words: vec![0; words.div_ceil(64)],
        }
    }

    #[inline]
    pub fn add(&mut self, columns: &[u32]) {
        for &column in columns {
            let at = column as usize;
            self.counts[at] = self.counts[at].wrapping_add(1);
            if self.counts[at] == 0 {
                *self.carried.entry(column).or_default() += 1 << u8::BITS;
            }
            self.met[at / 64] |= 1 << (at % 64);
            self.words[at / 4096] |= 1 << (at / 64 % 64);
        }
    }

    /// Appends the columns that were met with their counts, by increasing column, and forgets them.
    pub fn drain(&mut self, out: &mut Vec<(u32, u32)>) {
        for (i, words) in self.words.iter_mut().enumerate() {
            let mut words = std::mem::take(words);
            while words != 0 {
                let word = i * 64 + words.trailing_zeros() as usize;
                words &= words - 1;
                let mut met = std::mem::take(&mut self.met[word]);
                while met != 0 {
                    let column = word * 64 + met.trailing_zeros() as usize;
                    met &= met - 1;
                    out.push((column as u32, u32::from(std::mem::take(&mut self.counts[column]))));
                }
            }
        }
        if !self.carried.is_empty() {
            out.iter_mut().for_each(|(column, count)| *count += self.carried.remove(column).unwrap_or(0));
        }
    }
}
