//! Inverse document frequencies by column, in little memory.

/// Numbers by column of which neighbours are mostly equal, as those of terms in order of frequency are.
///
/// Of each 64 columns the different numbers stand together, and a byte says which of them is a column's: what rows ask for
/// stays near the processor.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Idf {
    values: Vec<f64>,
    /// Where the values of each 64 columns begin.
    starts: Vec<u32>,
    /// Which of them is each column's.
    offsets: Vec<[u8; 64]>,
    len: usize,
}

impl FromIterator<f64> for Idf {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut idf = Idf::default();
        let mut start = 0;
        for number in numbers {
            if idf.len % 64 == 0 {
                // The last value before may be theirs as well.
                start = idf.values.len().saturating_sub(1);
                idf.starts.push(start as u32);
                idf.offsets.push([0; 64]);
            }
            let near = &idf.values[start..];
            let offset = near.iter().rposition(|value| *value == number).unwrap_or(near.len());
            if offset == near.len() {
                idf.values.push(number);
            }
            idf.offsets[idf.len / 64][idf.len % 64] = offset as u8;
            idf.len += 1;
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
        let (values, offsets) = (&self.values[self.starts[near] as usize..], &self.offsets[near]);
        move |at| values[usize::from(offsets[at])]
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
            let idf: Idf = numbers.iter().copied().collect();
            assert!(idf.iter().eq(numbers) && idf.values.len() <= 1000usize.div_ceil(divisor as usize) + 16);
        }
        assert_eq!(Idf::default().len(), 0);
    }
}
