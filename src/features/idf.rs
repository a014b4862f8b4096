//! Inverse document frequencies by column, in little memory.

/// Numbers by column of which neighbours are mostly equal, as those of terms in order of frequency are.
///
/// Of each 64 columns the different numbers stand together, and a pattern says which of them is a column's. Where all are
/// equal it is one pattern, so that what rows ask for stays near the processor.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Idf {
    values: Vec<f64>,
    /// The first is all zeros.
    patterns: Vec<[u8; 64]>,
    /// Of each 64 columns where their values begin, and their pattern.
    nears: Vec<(u32, u32)>,
    len: usize,
}

impl From<&[f64]> for Idf {
    fn from(numbers: &[f64]) -> Self {
        let mut idf = Idf { patterns: vec![[0; 64]], len: numbers.len(), ..Idf::default() };
        for near in numbers.chunks(64) {
            // The last value before may be the first of these as well.
            let shared = usize::from(idf.values.last() == Some(&near[0]));
            let start = idf.values.len() - shared;
            // Without a way out of the loop: it is then done several numbers at a time.
            if near.iter().fold(true, |equal, number| equal & (*number == near[0])) {
                idf.values.extend((shared == 0).then_some(near[0]));
                idf.nears.push((start as u32, 0));
                continue;
            }
            let mut pattern = [0; 64];
            for (offset, number) in pattern.iter_mut().zip(near) {
                let own = &idf.values[start..];
                let at = own.iter().rposition(|value| value == number).unwrap_or(own.len());
                if at == own.len() {
                    idf.values.push(*number);
                }
                *offset = at as u8;
            }
            idf.nears.push((start as u32, idf.patterns.len() as u32));
            idf.patterns.push(pattern);
        }
        idf
    }
}

impl Idf {
    /// The number of columns.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The numbers of the `near`th 64 columns.
    #[inline(always)]
    pub fn near(&self, near: usize) -> impl Fn(usize) -> f64 {
        let (start, pattern) = self.nears[near];
        let (values, pattern) = (&self.values[start as usize..], &self.patterns[pattern as usize]);
        move |at| values[usize::from(pattern[at])]
    }

    /// The numbers by column.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = f64> {
        (0..self.len()).map(|column| self.near(column / 64)(column % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_its_number() {
        // Nothing but different ones, nothing but equal ones, and runs that end anywhere.
        for divisor in [1, 1000, 7, 50] {
            let numbers: Vec<f64> = (0..1000).map(|column| f64::from(column / divisor)).collect();
            let idf = Idf::from(&numbers[..]);
            assert!(idf.iter().eq(numbers) && idf.values.len() <= 1000usize.div_ceil(divisor as usize) + 16);
        }
        assert_eq!(Idf::default().len(), 0);
    }
}
