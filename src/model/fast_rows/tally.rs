//! How often each column was met.

use std::collections::HashMap;

/// Counts columns and gives them back in order, in time that depends on how many were met.
pub(super) struct Tally {
    columns: Vec<Columns>,
    /// One for each element of `columns` that was met.
    met: Vec<[u8; 8]>,
    /// What did not fit into single bytes.
    carried: HashMap<u32, u32>,
}

/// 64 columns side by side.
#[derive(Clone, Copy)]
struct Columns {
    counts: [u8; 64],
    /// A bit for each that was met.
    met: u64,
}

impl Tally {
    pub fn new(width: usize) -> Self {
        let columns = vec![Columns { counts: [0; 64], met: 0 }; width.div_ceil(64)];
        Tally { met: vec![[0; 8]; columns.len().div_ceil(8)], columns, carried: HashMap::new() }
    }

    #[inline]
    pub fn add(&mut self, columns: &[u32]) {
        let met = self.met.as_flattened_mut();
        for &column in columns {
            let (at, bit) = (column as usize / 64, column % 64);
            let columns = &mut self.columns[at];
            columns.met |= 1 << bit;
            let count = &mut columns.counts[bit as usize];
            *count = count.wrapping_add(1);
            if *count == 0 {
                *self.carried.entry(column).or_default() += 1 << u8::BITS;
            }
            met[at] = 1;
        }
    }

    /// Appends the columns that were met with their counts, by increasing column, and forgets them.
    pub fn drain(&mut self, out: &mut Vec<(u32, u32)>) {
        for (i, met) in self.met.iter_mut().enumerate() {
            let mut met = u64::from_le_bytes(std::mem::take(met));
            while met != 0 {
                let at = i * 8 + met.trailing_zeros() as usize / 8;
                met &= met - 1;
                let columns = &mut self.columns[at];
                let mut own = std::mem::take(&mut columns.met);
                out.extend((0..own.count_ones()).map(|_| {
                    let bit = own.trailing_zeros();
                    own &= own - 1;
                    (at as u32 * 64 + bit, u32::from(std::mem::take(&mut columns.counts[bit as usize % 64])))
                }));
            }
        }
        if !self.carried.is_empty() {
            out.iter_mut().for_each(|(column, count)| *count += self.carried.remove(column).unwrap_or(0));
        }
    }
}
