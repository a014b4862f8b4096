//! How often each column was met.

use std::collections::HashMap;
use std::ops::Range;
use wide::u8x64;

/// So many columns make a section of a [`Tally`].
pub(super) const SECTION: usize = 64 * 64;

/// Counts columns and gives them back, in time that depends on how many were met: by increasing column, or in the order in
/// which they were met, which takes less.
///
/// A column has a place; the places of a block's columns follow each other from the beginning of a section.
pub(super) struct Tally {
    /// 64 counts side by side; the last ones are nobody's, and of these the last is never zero.
    counts: Vec<[u8; 64]>,
    /// By section for each element of `counts` whether it was met: zero or one.
    met: Vec<[u8; 64]>,
    /// The places in the order in which they were met, and room for more.
    list: Vec<u32>,
    listed: usize,
    /// As many of them were weighed last.
    weighed: usize,
    /// What did not fit into single bytes, by place.
    carried: HashMap<usize, u32>,
    /// As many places were added.
    added: usize,
    /// Room for what is given back, of which more is written than is meant.
    columns: Vec<u32>,
    weights: Vec<f64>,
}

/// So many columns of 64 are written without a look at how many there are: a processor guesses wrong about few.
const BLINDLY: usize = 2;

impl Tally {
    pub fn new(sections: usize) -> Self {
        let mut counts = vec![[0; 64]; sections * 64 + 1];
        counts[sections * 64] = [1; 64];
        Tally {
            counts,
            met: vec![[0; 64]; sections + 1],
            list: Vec::new(),
            listed: 0,
            weighed: 0,
            carried: HashMap::new(),
            added: 0,
            columns: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// Adds places, to be given back by increasing column or as they are met; numbers past all of them are nothing.
    #[inline(always)]
    pub fn add<const AS_MET: bool>(&mut self, places: impl ExactSizeIterator<Item = u32>) {
        let counts = self.counts.as_flattened_mut();
        let met = self.met.as_flattened_mut();
        let Some(nobody) = counts.len().checked_sub(1) else { return };
        let most = if AS_MET { self.listed + places.len() } else { 0 };
        if self.list.len() < most {
            self.list.resize(2 * most, 0);
        }
        let list = &mut self.list[self.listed..];
        // On its own, so that it stays in a register.
        let mut listed = 0;
        self.added += places.len();
        for place in places {
            // Nothing is counted as well: a processor guesses wrong.
            let place = nobody.min(place as usize);
            let count = &mut counts[place];
            if AS_MET {
                list[listed] = place as u32;
                listed += usize::from(*count == 0);
            }
            *count = count.wrapping_add(1);
            if *count == 0 {
                // Never zero, which says that a column was not met.
                *count = 1;
                carry(&mut self.carried, place);
            }
            if !AS_MET {
                met[place / 64] = 1;
            }
        }
        self.listed += listed;
    }

    /// Room for all that can be given back, and how much that is.
    pub fn make_room(&mut self) -> usize {
        let most = std::mem::take(&mut self.added).min(self.counts.len() * 64);
        if self.columns.len() < most + 64 {
            self.columns.resize(most + 64, 0);
            self.weights.resize(most + 64, 0.0);
        }
        most
    }

    /// The columns of a block that were met, by increasing column from `first` on, with their weights. They are then
    /// forgotten. There must be room.
    ///
    /// `near` is asked once for 64 columns of the block; what it gives makes a weight of a column's position among them and
    /// of how often it was met.
    #[inline(always)]
    pub fn drain<N: Fn(usize, u32) -> f64>(
        &mut self,
        sections: Range<usize>,
        first: u32,
        near: impl Fn(usize) -> N,
    ) -> (&[u32], &[f64]) {
        let start = sections.start;
        let carried = self.carried(&sections);
        let all = &mut self.counts[start * 64..sections.end * 64];
        let (columns, weights) = (&mut self.columns[..], &mut self.weights[..]);
        let mut found = 0;
        for (section, met) in self.met[sections].iter_mut().enumerate() {
            let mut groups = marks(met);
            *met = [0; 64];
            while groups != 0 {
                let group = section * 64 + groups.trailing_zeros() as usize % 64;
                groups &= groups - 1;
                let counts = &mut all[group];
                let mut own = marks(counts);
                let (columns, weights) = (&mut columns[found..][..64], &mut weights[found..][..64]);
                let many = own.count_ones() as usize;
                found += many;
                let weight = near(group);
                for to in 0..many.max(BLINDLY) {
                    let bit = own.trailing_zeros() as usize % 64;
                    own &= own.wrapping_sub(1);
                    columns[to] = first + (group * 64 + bit) as u32;
                    weights[to] = weight(bit, counts[bit].into());
                }
                *counts = [0; 64];
            }
        }
        let (columns, weights) = (&columns[..found], &mut weights[..found]);
        for (column, times) in carried {
            if let Ok(at) = columns.binary_search(&(first + column as u32)) {
                weights[at] = near(column / 64)(column % 64, times);
            }
        }
        (columns, weights)
    }

    /// Weighs the places that were met by what each is and how often it was met, and forgets how often. There must be room.
    #[inline(always)]
    pub fn weigh_as_met(&mut self, weight: impl Fn(usize, u32) -> f64) {
        self.weighed = std::mem::take(&mut self.listed);
        let carried: HashMap<usize, u32> = self.carried(&(0..self.counts.len() / 64)).into_iter().collect();
        let counts = self.counts.as_flattened_mut();
        let (places, weights) = (&self.list[..self.weighed], &mut self.weights[..self.weighed]);
        let nobody = counts.len() - 1;
        for (&place, to) in places.iter().zip(&mut *weights) {
            let place = nobody.min(place as usize);
            *to = weight(place, counts[place].into());
            counts[place] = 0;
        }
        if !carried.is_empty() {
            for (&place, to) in places.iter().zip(weights) {
                if let Some(&times) = carried.get(&(place as usize)) {
                    *to = weight(place as usize, times);
                }
            }
        }
    }

    /// The places that were weighed last, in the order in which they were met, and their weights.
    pub fn as_met(&mut self) -> (&[u32], &mut [f64]) {
        (&self.list[..self.weighed], &mut self.weights[..self.weighed])
    }

    /// The columns of some sections whose count did not fit into a byte, and how often they were met.
    fn carried(&mut self, sections: &Range<usize>) -> Vec<(usize, u32)> {
        let places = sections.start * SECTION..sections.end * SECTION;
        let counts = self.counts.as_flattened();
        let carried = self.carried.extract_if(|place, _| places.contains(place));
        carried.map(|(place, times)| (place - places.start, times + u32::from(counts[place]))).collect()
    }
}

/// Keeps what a byte no longer holds; nobody's count saturates.
///
/// Out of line: it is called seldom, from the hottest loop.
#[cold]
#[inline(never)]
fn carry(carried: &mut HashMap<usize, u32>, place: usize) {
    let times = carried.entry(place).or_default();
    *times = times.saturating_add(u8::MAX.into());
}

/// A bit for each byte that is not zero.
#[inline(always)]
fn marks(bytes: &[u8; 64]) -> u64 {
    !u8x64::new(*bytes).simd_eq(u8x64::splat(0)).to_bitmask()
}
