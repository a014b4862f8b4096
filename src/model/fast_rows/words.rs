//! The tokens of short pieces of plain words: letters of ASCII and Latin-1 between signs of ASCII.

use super::pieces::Piece;
use crate::analysis::{Beginning, elides};
use wide::u8x16;

/// Passes on the tokens of a piece, as [`tokenize`](crate::analysis::tokenize) finds them, if it is plain; otherwise returns
/// false. `room` is room to work in.
///
/// The bytes of the piece are looked at all at once.
pub(super) fn for_each_plain_token(piece: &Piece<'_>, room: &mut String, mut each: impl FnMut(Beginning<'_>)) -> bool {
    if !piece.spelling.is_whole() {
        return false;
    }
    let block = piece.spelling.bytes();
    let (bytes, before) = (u8x16::new(block), u8x16::new((u128::from_le_bytes(block) << 8).to_le_bytes()));
    let all = u8x16::splat;
    let same = |bytes: u8x16, byte: u8| bytes.simd_eq(all(byte));
    let within = |bytes: u8x16, least: u8, greatest: u8| {
        let above = bytes - all(least);
        above.simd_eq(above.min(all(greatest - least)))
    };
    // Not Æ, æ, × and ÷.
    let others = same(bytes | all(0x20), 0xa6) | same(bytes | all(0x20), 0xb7);
    let latin = same(before, 0xc3) & within(bytes, 0x80, 0xbf) & !others;
    let capitals = within(bytes, b'A', b'Z') | latin & within(bytes, 0x80, 0x9e);
    let small = bytes | capitals & all(0x20);
    let latin = latin.to_bitmask();
    let letters = within(small, b'a', b'z').to_bitmask() | latin | latin >> 1;
    // A grave accent may be an apostrophe.
    let signs = within(bytes, 0, 0x7f) & !(within(bytes, b'0', b'9') | same(bytes, b'`'));
    if (letters | signs.to_bitmask()) & 0xffff != 0xffff {
        return false;
    }
    let mut text = piece.text.of;
    if capitals.any() {
        room.clear();
        room.push_str(std::str::from_utf8(&small.to_array()).unwrap_or_default());
        text = room;
    }
    let bytes = small.to_array();
    let after = |at: usize| at + (!(letters >> at)).trailing_zeros() as usize;
    let mut left = letters;
    while left != 0 {
        let start = left.trailing_zeros() as usize;
        let mut end = after(start);
        // Letters after an apostrophe go on, or something was elided.
        let mut token_end = end;
        while bytes[end] == b'\'' && letters >> (end + 1) & 1 == 1 {
            if text[end + 1..].chars().next().is_some_and(|next| elides(&text[start..end], next)) {
                token_end = end + 1;
                break;
            }
            end = after(end + 1);
            token_end = end;
        }
        left &= u32::MAX << token_end;
        let euphonic = &bytes[start..end + 1] == b"t-" && start > 0 && bytes[start - 1] == b'-';
        if !euphonic {
            each(Beginning { of: &text[start..], length: token_end - start });
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tokenize;
    use crate::features::Spelling;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// The tokens of a piece with something after it, and of one that ends its text; `None` if it is not plain.
    fn plain(piece: &str) -> [Option<Vec<String>>; 2] {
        [format!("{piece} été"), piece.to_string()].map(|text| {
            let bounds = [0, piece.len()];
            let piece = Piece::new(&text, bounds, Spelling::part(text.as_bytes(), bounds[0]..bounds[1]));
            let mut tokens = Vec::new();
            for_each_plain_token(&piece, &mut String::new(), |token| tokens.push(token.as_str().to_string()))
                .then_some(tokens)
        })
    }

    #[test]
    fn plain_pieces_are_told_from_others() {
        for (piece, tokens) in [
            ("L'Écharpe,", vec!["l'", "écharpe"]),
            ("a-t-il", vec!["a", "il"]),
            ("(N'Djamena)", vec!["n'djamena"]),
            ("...", vec![]),
        ] {
            let tokens = Some(tokens.into_iter().map(String::from).collect());
            assert_eq!(plain(piece), [tokens.clone(), tokens]);
        }
        for piece in ["F-16", "cœur", "l’art", "l`art", "æquo", "3×4", "intergouvernemental", "e\u{301}", "«"] {
            assert_eq!(plain(piece), [const { None }; 2], "{piece}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn tokens_are_those_of_the_tokenizer(
            parts in prop::collection::vec(
                select(vec!["l", "L", "qu", "jusqu", "t", "T", "a", "il", "œ", "ß", "Ÿ", "×", "Æ", "é", "É", "ç", "h", "x", "'", "'", "-", "-", ".", "`", "1"]),
                0..9,
            ),
            any in "[ -~À-ÿ]{0,9}",
        ) {
            for piece in [parts.concat(), any] {
                let tokens: Vec<String> = tokenize(&piece).map(|token| token.text.into_owned()).collect();
                for found in plain(&piece) {
                    prop_assert!(found.is_none_or(|found| found == tokens), "{piece}");
                }
            }
        }
    }
}
