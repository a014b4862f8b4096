//! Tables that are looked up all over.
//!
//! In: how many elements. Out: room for them, zeros at first. It must not know what they mean.

use bytemuck::Pod;
use memmap2::MmapMut;
use std::ops::{Deref, DerefMut};

/// Elements that are zeros at first, in large pages of memory where there are many of them.
///
/// A processor has the addresses of a thousand or two pages at hand. Of 4 KiB each, they are less than a large table, and
/// looking it up all over waits for addresses as well. Where the system has no large pages, nothing is lost.
pub struct Table<T>(Room<T>);

enum Room<T> {
    Few(Vec<T>),
    /// Elements begin at an offset, where a large page does.
    Many {
        pages: MmapMut,
        start: usize,
        bytes: usize,
    },
}

/// The bytes of a large page on most processors; fewer do not fill one.
const LARGE_PAGE: usize = 1 << 21;

impl<T: Pod> Table<T> {
    /// A table of so many zeros.
    pub fn zeros(len: usize) -> Self {
        let bytes = len * size_of::<T>();
        let many = (bytes >= LARGE_PAGE).then(|| large_pages(bytes)).flatten();
        let few = || Table(Room::Few(vec![T::zeroed(); len]));
        many.map_or_else(few, |(pages, start)| Table(Room::Many { pages, start, bytes }))
    }
}

/// Memory of the system with room for so many bytes from an offset on, all zeros; `None` where it gives none.
fn large_pages(bytes: usize) -> Option<(MmapMut, usize)> {
    let pages = MmapMut::map_anon(bytes + LARGE_PAGE).ok()?;
    // Advice; a system that does not take it gives small pages.
    #[cfg(target_os = "linux")]
    let _ = pages.advise(memmap2::Advice::HugePage);
    let start = pages.as_ptr().align_offset(LARGE_PAGE);
    (start <= LARGE_PAGE).then_some((pages, start))
}

impl<T: Pod> Deref for Table<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Room::Few(elements) => elements,
            Room::Many { pages, start, bytes } => bytemuck::cast_slice(&pages[*start..][..*bytes]),
        }
    }
}

impl<T: Pod> DerefMut for Table<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Room::Few(elements) => elements,
            Room::Many { pages, start, bytes } => bytemuck::cast_slice_mut(&mut pages[*start..][..*bytes]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_tables_are_zeros_and_keep_what_is_written() {
        for len in [0, 1, 1000, LARGE_PAGE / 8 - 1, LARGE_PAGE / 8, LARGE_PAGE / 8 + 3, LARGE_PAGE] {
            let mut table = Table::<u64>::zeros(len);
            assert!(table.len() == len && table.iter().all(|element| *element == 0));
            table.iter_mut().zip(1..).for_each(|(element, number)| *element = number);
            assert!(table.iter().copied().eq(1..=len as u64));
        }
    }
}
