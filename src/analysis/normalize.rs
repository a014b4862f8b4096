//! One spelling for what is written in several.

use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Whether a character is one of the apostrophes found in French text.
pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '\u{02bc}' | '\u{2032}' | '\u{00b4}' | '`' | '\u{ff07}')
}

/// Whether a character is invisible inside a word: a soft hyphen, a joiner, a byte-order mark.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Composes accents (NFC), lowers case, writes every apostrophe as `'`, `œ` as `oe` and `æ` as `ae`, and drops
/// characters that are invisible inside words.
///
/// ```
/// assert_eq!(rubrique::analysis::normalize("L’E\u{301}cole du CŒUR"), "l'école du coeur");
/// ```
pub fn normalize(text: &str) -> Cow<'_, str> {
    // ASCII and the accented letters of Latin-1 (0xc3 and another byte), which is most of French: nothing to compose, to
    // write otherwise (æ, Æ) or to drop.
    let simple = text.bytes().all(|b| (b < 0xc0 || b == 0xc3) && !matches!(b, b'`' | 0x86 | 0xa6));
    if !simple {
        return Cow::Owned(by_characters(text));
    }
    let capitals = text.bytes().any(|b| matches!(b, b'A'..=b'Z' | 0x80..=0x9e));
    if capitals { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) }
}

fn by_characters(text: &str) -> String {
    let composed: Cow<'_, str> = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().collect()),
    };
    let mut plain = String::with_capacity(composed.len());
    for c in composed.chars().flat_map(char::to_lowercase) {
        match c {
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            c if is_apostrophe(c) => plain.push('\''),
            c if is_invisible(c) => {}
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_become_one() {
        for (written, plain) in [
            ("École", "école"),
            ("E\u{301}COLE", "école"),
            ("L\u{2019}Été", "l'été"),
            ("Sœur", "soeur"),
            ("ŒUVRE", "oeuvre"),
            ("gou\u{ad}ver\u{ad}nement", "gouvernement"),
            ("déjà vu", "déjà vu"),
            ("ex ÆQUO, æquo", "ex aequo, aequo"),
            ("7 × 7 ÷ Ÿ ÿ Þ ß", "7 × 7 ÷ ÿ ÿ þ ß"),
            ("l`été", "l'été"),
        ] {
            assert_eq!(normalize(written), plain);
        }
    }

    #[test]
    fn every_character_is_normalised_the_same_way_alone_and_among_others() {
        for c in '\0'..=char::MAX {
            for text in [format!("{c}"), format!("É{c}a")] {
                assert_eq!(normalize(&text), by_characters(&text), "{c:?}");
            }
        }
    }
}
