//! Cutting a text into pieces that can be understood one by one.

use super::marks::{Marker, Marks};
use crate::analysis::Beginning;
use crate::features::Spelling;

/// What stands between white space, or between that and signs of ASCII other than apostrophe, grave accent and hyphen. Between
/// two ASCII digits none of them parts (`19 500`, `1,5`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// What the rest of the text begins with.
    pub text: Beginning<'a>,
    pub spelling: Spelling,
}

impl<'a> Piece<'a> {
    /// What stands between two bounds of a text, with its spelling.
    pub fn new(text: &'a str, [start, end]: [usize; 2], spelling: Spelling) -> Self {
        Piece { text: Beginning { of: &text[start..], length: end - start }, spelling }
    }
}

/// Where the pieces of a text begin and end, one after the other.
#[derive(Default)]
pub(super) struct Bounds {
    /// Of which more is written than is meant.
    room: Vec<usize>,
    length: usize,
}

/// So many bounds of 64 bytes are written without a look at how many there are: a processor guesses wrong about few.
const BLINDLY: usize = 24;

impl Bounds {
    /// Finds the pieces of a text, parted by white space and, if asked, by signs.
    #[inline(always)]
    pub fn find(&mut self, text: &str, signs_part: bool, marker: impl Marker) {
        let bytes = text.as_bytes();
        let mut length = 0;
        let digit = |at: usize| u64::from(bytes.get(at).is_some_and(|byte| byte.wrapping_sub(b'0') < 10));
        // What the block before says of this one: the rest of a white space, and whether a piece goes on.
        let (mut rest, mut inside) = (0, 0);
        for at in (0..bytes.len()).step_by(64) {
            let Marks { spaces, digits, others } = marker.marks(&block(bytes, at), signs_part);
            let mut joining = 0;
            if digits != 0 {
                joining = (digits << 1 | digit(at.wrapping_sub(1))) & (digits >> 1 | digit(at + 64) << 63);
            }
            let mut white = u128::from(rest | spaces & !joining);
            let mut left = others;
            while left != 0 {
                let other = left.trailing_zeros() as usize;
                left &= left - 1;
                let length = white_space(bytes, at + other);
                if digit((at + other).wrapping_sub(1)) & digit(at + other + length) == 0 {
                    white |= ((1 << length) - 1) << other;
                }
            }
            rest = (white >> 64) as u64;
            let pieces = !white as u64;
            let mut turns = pieces ^ (pieces << 1 | inside);
            inside = pieces >> 63;
            if self.room.len() < length + 65 {
                self.room.resize(2 * length + 65, 0);
            }
            let found = turns.count_ones() as usize;
            for bound in &mut self.room[length..][..found.max(BLINDLY)] {
                *bound = at + turns.trailing_zeros() as usize;
                turns &= turns.wrapping_sub(1);
            }
            length += found;
        }
        self.length = length;
        if inside == 1 {
            self.room[length] = bytes.len();
            self.length += 1;
        }
    }

    /// So many pieces at a time; the last time it may be fewer.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = &[[usize; 2]]> {
        self.room[..self.length].as_chunks().0.chunks(size)
    }
}

/// 64 bytes of a text from an offset; what is past its end is white space.
#[inline(always)]
fn block(bytes: &[u8], at: usize) -> [u8; 64] {
    match bytes[at..].first_chunk() {
        Some(all) => *all,
        None => {
            let mut block = [b' '; 64];
            block[..bytes.len() - at].copy_from_slice(&bytes[at..]);
            block
        }
    }
}

/// The length in bytes of the white space that begins at an offset; zero for anything else.
#[inline(always)]
fn white_space(bytes: &[u8], at: usize) -> usize {
    match bytes[at..] {
        [b' ' | 9..=13, ..] => 1,
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::Portable;
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        parted(text, false)
    }

    fn parted(text: &str, by_signs: bool) -> Vec<&str> {
        let mut bounds = Bounds::default();
        bounds.find(text, by_signs, Portable);
        bounds.batches(3).flatten().map(|&[start, end]| &text[start..end]).collect()
    }

    #[test]
    fn every_white_space_of_unicode_parts_and_nothing_else_does() {
        for c in ('\0'..=char::MAX).filter(|c| *c != 'x') {
            let text = format!("x{c}x");
            assert_eq!(pieces(&text), text.split_whitespace().collect::<Vec<_>>(), "{c:?}");
        }
    }

    #[test]
    fn signs_part_where_they_are_asked_to() {
        let text = "« L’armée », dit-il (d'hier) : 1,5 % de 19.500 ; 3/4, 5. 6%7\u{202f}%";
        let expected = ["«", "L’armée", "»", "dit-il", "d'hier", "1,5", "de", "19.500", "3/4", "5", "6%7"];
        assert_eq!(parted(text, true), expected);
        for c in '\0'..='\x7f' {
            let parts = !c.is_ascii_alphanumeric() && !matches!(c, '\'' | '`' | '-');
            assert_eq!(parted(&format!("x{c}x"), true).len(), 1 + usize::from(parts), "{c:?}");
        }
    }

    #[test]
    fn numbers_are_not_parted() {
        assert_eq!(pieces(" de 19 500\u{202f}000 à 3  4\t5 m "), ["de", "19 500\u{202f}000", "à", "3", "4\t5", "m"]);
        assert_eq!(pieces("l’anticonstitutionnellement, œuvre"), ["l’anticonstitutionnellement,", "œuvre"]);
        for length in 0..40 {
            let long = "é".repeat(length);
            let text = format!("{long} a{long}\u{a0}{long}");
            assert_eq!(pieces(&text), text.split_whitespace().collect::<Vec<_>>());
            // A number may stand across any two blocks.
            let number = "19 500\u{202f}000\u{a0}7";
            for signs in [false, true] {
                assert_eq!(
                    parted(&format!("{long} {number} {long}x"), signs).get(usize::from(length > 0)),
                    Some(&number)
                );
            }
        }
        assert!(pieces("").is_empty() && pieces(" \u{3000}\n").is_empty());
    }
}
