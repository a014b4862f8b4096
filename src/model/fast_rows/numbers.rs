//! Numbers that are gathered one after another.

/// A list that can be added to without a branch: processors guess wrong whether a word has a term.
#[derive(Default)]
pub(super) struct Numbers {
    /// The numbers, and room for more.
    room: Vec<u32>,
    length: usize,
}

/// So many numbers are copied at once: most words have no more columns.
pub(super) const AT_ONCE: usize = 32;

impl Numbers {
    pub fn clear(&mut self) {
        self.length = 0;
    }

    pub fn all(&self) -> &[u32] {
        &self.room[..self.length]
    }

    pub fn extend(&mut self, numbers: &[u32]) {
        if numbers.is_empty() {
            return;
        }
        self.room.truncate(self.length);
        self.room.extend_from_slice(numbers);
        self.length = self.room.len();
    }

    /// Adds so many numbers from the beginning of a list that goes on after them: [`AT_ONCE`] by [`AT_ONCE`], so that a
    /// processor seldom has to guess how many.
    #[inline(always)]
    pub fn extend_at_once(&mut self, list: &[u32], how_many: usize) {
        let most = self.length + how_many + AT_ONCE;
        if self.room.len() < most {
            self.room.resize(2 * most, 0);
        }
        let (from, to) = (list.chunks_exact(AT_ONCE), self.room[self.length..].chunks_exact_mut(AT_ONCE));
        let parts = how_many.div_ceil(AT_ONCE);
        debug_assert!(parts * AT_ONCE <= list.len());
        from.zip(to).take(parts).for_each(|(from, to)| to.copy_from_slice(from));
        self.length += how_many;
    }

    /// Adds each number that stands with a one; others stand with a zero.
    #[inline(always)]
    pub fn extend_if(&mut self, numbers: impl ExactSizeIterator<Item = (u32, usize)>) {
        let most = self.length + numbers.len();
        if self.room.len() < most {
            self.room.resize(2 * most, 0);
        }
        let room = &mut self.room[self.length..];
        // On its own, so that it stays in a register.
        let mut length = 0;
        for (number, one) in numbers {
            if let Some(place) = room.get_mut(length) {
                *place = number;
            }
            length += one;
        }
        self.length += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_added_as_are_asked_for() {
        let list: Vec<u32> = (0..200).collect();
        let (mut numbers, mut expected) = (Numbers::default(), Vec::new());
        for how_many in [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 100, 2, 0, 3 * AT_ONCE] {
            numbers.extend_at_once(&list, how_many);
            numbers.extend_if([(7, 1), (8, 0), (9, 1)].into_iter());
            expected.extend(&list[..how_many]);
            expected.extend([7, 9]);
            assert_eq!(numbers.all(), expected);
        }
    }
}
