//! How often each column was met.

/// Counts columns and gives them back in order, in time that depends on how many were met.
pub(super) struct Tally {
    counts: Vec<u32>,
    /// A bit for each column that was met.
    met: Vec<u64>,
    /// A bit for each word of `met` that is not zero.
    words: Vec<u64>,
}

impl Tally {
    pub fn new(width: usize) -> Self {
        let words = width.div_ceil(64);
        Tally { counts: vec![0; width], met: vec![0; words], words: vec![0; words.div_ceil(64)] }
    }

    #[inline]
    pub fn add(&mut self, columns: &[u32]) {
        for &column in columns {
            let at = column as usize;
            self.counts[at] += 1;
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
                    out.push((column as u32, std::mem::take(&mut self.counts[column])));
                }
            }
        }
    }
}
