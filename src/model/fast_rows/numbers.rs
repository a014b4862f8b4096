//! Numbers that are gathered one after another.

/// A list that can be added to without a branch: processors guess wrong whether a word has a term.
#[derive(Default)]
pub(super) struct Numbers {
    /// The numbers, and room for some more.
    room: Vec<u32>,
    length: usize,
}

/// As much room is there at least.
const ROOM: usize = 16;

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
        self.room.resize(self.length + ROOM, 0);
    }

    /// Adds the first of two numbers, or both, or neither.
    #[inline(always)]
    pub fn extend_some(&mut self, numbers: [u32; 2], how_many: usize) {
        if self.room.len() < self.length + ROOM {
            self.room.resize(2 * self.length + ROOM, 0);
        }
        self.room[self.length..][..2].copy_from_slice(&numbers);
        self.length += how_many;
    }
}
