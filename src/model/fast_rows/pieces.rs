//! Cutting a text into pieces that can be understood one by one.

use crate::features::{Spelling, WHOLE};

/// What stands between white space; white space between two ASCII digits does not part (`19 500`).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Piece<'a> {
    pub text: &'a str,
    pub spelling: Spelling,
}

/// The pieces of a text, in order.
pub(super) struct Pieces<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Pieces<'a> {
    pub fn new(text: &'a str) -> Self {
        Pieces { text, at: 0 }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    #[inline]
    fn next(&mut self) -> Option<Piece<'a>> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            let start = self.at;
            let first = block(bytes, start);
            let (mut at, mut marks) = (start, marks(first));
            let (end, space) = loop {
                while marks == 0 {
                    at += 16;
                    marks = self::marks(block(bytes, at));
                }
                let end = at + marks.trailing_zeros() as usize / 8;
                // The end of the text is marked, too.
                let space = if end < bytes.len() { white_space(bytes, end) } else { 1 };
                let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
                let joins = end > start && digit(end - 1) && digit(end + space);
                if space > 0 && !joins {
                    break (end, space);
                }
                marks &= !(0xff << (8 * (end - at)));
            };
            self.at = end + space;
            if end > start {
                let text = &self.text[start..end];
                let spelling = match end - start {
                    length @ ..=WHOLE => Spelling::whole(first, length),
                    _ => Spelling::of(text.as_bytes()),
                };
                return Some(Piece { text, spelling });
            }
        }
        None
    }
}

/// Sixteen bytes of a text, the first the lowest; what is past its end is white space.
#[inline]
fn block(bytes: &[u8], at: usize) -> u128 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(all) => u128::from_le_bytes(*all),
        None => {
            let rest = bytes.get(at..).unwrap_or_default();
            let mut block = [b' '; 16];
            block[..rest.len()].copy_from_slice(rest);
            u128::from_le_bytes(block)
        }
    }
}

/// The highest bit of every byte at which white space may begin: of control characters, of the space, and of the first
/// bytes of all other white space, which some letters and signs share. Bytes are looked at all at once, without carries
/// from one to the next.
#[inline]
fn marks(block: u128) -> u128 {
    const fn all(byte: u8) -> u128 {
        u128::from_le_bytes([byte; 16])
    }
    let not_zero = |bytes: u128| ((bytes & all(0x7f)) + all(0x7f)) | bytes;
    let above_space = ((block & all(0x7f)) + all(0x7f - b' ')) | block;
    let not_first = not_zero((block | all(0x20)) ^ all(0xe2)) & not_zero((block | all(2)) ^ all(0xe3));
    !(above_space & not_first) & all(0x80)
}

/// The length in bytes of the white space that begins at an offset; zero for anything else.
#[inline]
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
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        let pieces: Vec<Piece<'_>> = Pieces::new(text).collect();
        assert!(pieces.iter().all(|piece| piece.spelling == Spelling::of(piece.text.as_bytes())));
        pieces.iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn every_white_space_of_unicode_parts_and_nothing_else_does() {
        for c in ('\0'..=char::MAX).filter(|c| *c != 'x') {
            let text = format!("x{c}x");
            assert_eq!(pieces(&text), text.split_whitespace().collect::<Vec<_>>(), "{c:?}");
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
        }
        assert!(pieces("").is_empty() && pieces(" \u{3000}\n").is_empty());
    }
}
