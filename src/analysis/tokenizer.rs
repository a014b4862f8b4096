//! Words, elided words and numbers, with their place in the text.

use super::normalize::{is_apostrophe, is_invisible, normalize};
use std::borrow::Cow;
use unicode_normalization::char::is_combining_mark;

/// A word or number of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// The token as normalised: see [`normalize`].
    pub text: Cow<'a, str>,
    /// Offset in bytes of its first byte in the text as given.
    pub start: usize,
    /// Offset in bytes just past its last byte in the text as given.
    pub end: usize,
}

/// What an elided word looks like before its apostrophe; before a vowel it stands as a token of its own.
const ELIDED: &[&str] =
    &["l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "presqu"];

/// Up to this many letters before a hyphen and a digit are part of a designation: F-16, Su-25, AK-47.
const MOST_LETTERS_DESIGNATION: usize = 3;

/// Splits a text into tokens, in order.
///
/// - Letters, digits and combining marks make words; everything else separates them.
/// - An elided word is a token with its apostrophe (`l'`, `qu'`, `jusqu'`) where a vowel, a mute `h` or a number
///   follows: `l'économie` is `l'` and `économie`, but `aujourd'hui`, `quelqu'un` and `N'Djamena` stay whole.
/// - A hyphen separates (`dit-il`, `porte-parole`) and the `t` of `a-t-il` is no token; but a short designation keeps
///   its number: `F-16`.
/// - A number is one token with its separators of thousands and decimals: `19 500` is `19500`, `1,5` is `1.5`.
///
/// ```
/// let words: Vec<_> = rubrique::analysis::tokenize("Jusqu’où ira-t-il ?").map(|t| t.text.into_owned()).collect();
/// assert_eq!(words, ["jusqu'", "où", "ira", "il"]);
/// ```
pub fn tokenize(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text[at..].find(|c: char| c.is_alphanumeric())?;
            let first = text[start..].chars().next()?;
            let end = if first.is_numeric() { number_end(text, start) } else { word_end(text, start) };
            let end = if end > start { end } else { start + first.len_utf8() };
            at = end;
            if is_euphonic_t(text, start, end) {
                continue;
            }
            let token =
                if first.is_ascii_digit() { plain_number(&text[start..end]) } else { normalize(&text[start..end]) };
            return Some(Token { text: token, start, end });
        }
    })
}

fn is_word_char(c: char) -> bool {
    match c {
        // Most of French, without a look at the tables.
        '\0'..='\x7f' => c.is_ascii_alphanumeric(),
        'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ' => true,
        _ => c.is_alphanumeric() || is_combining_mark(c) || is_invisible(c),
    }
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

fn word_end(text: &str, start: usize) -> usize {
    let mut at = start;
    let mut apostrophes = false;
    loop {
        at += text.as_bytes()[at..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let mut chars = text[at..].chars();
        let Some(c) = chars.next() else { return at };
        let next = chars.next();
        if is_apostrophe(c) {
            match next {
                // No elided word holds an apostrophe: only what stands before the first one can be such a word.
                Some(n) if !apostrophes && elides(&normalize(&text[start..at]), n) => return at + c.len_utf8(),
                Some(n) if n.is_alphabetic() => apostrophes = true,
                _ => return at,
            }
        }
        let designates = is_hyphen(c)
            && next.is_some_and(|n| n.is_ascii_digit())
            && text[start..at].chars().count() <= MOST_LETTERS_DESIGNATION
            && text[start..at].chars().all(char::is_alphabetic);
        if !is_apostrophe(c) && !is_word_char(c) && !designates {
            return at;
        }
        at += c.len_utf8();
    }
}

/// Whether the normalised letters before an apostrophe are an elided word, by what follows it: elision happens before a vowel
/// sound; `N'Djamena` and `M'Bala` are names.
pub(crate) fn elides(before: &str, next: char) -> bool {
    let called_for = next.is_ascii_digit() || "aeiouyhàâäéèêëîïôöùûüœæAEIOUYHÀÂÄÉÈÊËÎÏÔÖÙÛÜŒÆ".contains(next);
    called_for && ELIDED.contains(&before)
}

/// The `t` of "a-t-il", which stands only for the ear.
fn is_euphonic_t(text: &str, start: usize, end: usize) -> bool {
    matches!(&text[start..end], "t" | "T") && text[..start].ends_with(is_hyphen) && text[end..].starts_with(is_hyphen)
}

/// The end of a number with its decimals (`1,5`), its thousands (`19 500`, `1.200.000`) and its unit if glued (`15h`).
fn number_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let digits_from = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits_from(start);
    let leading = end - start;
    loop {
        let Some(separator) = text[end..].chars().next() else { return end };
        let after = end + separator.len_utf8();
        let digits = digits_from(after) - after;
        let groups = matches!(separator, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}') && digits == 3 && leading <= 3;
        let decimal = matches!(separator, ',' | '.') && digits > 0;
        if !groups && !decimal {
            break;
        }
        end = after + digits;
    }
    // "15h30", "2e", "4x4": what is glued to a number belongs to it.
    end + text[end..].find(|c| !is_word_char(c)).unwrap_or(text.len() - end)
}

fn plain_number(number: &str) -> Cow<'_, str> {
    let plain = normalize(number);
    if plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return plain;
    }
    Cow::Owned(plain.chars().filter(|c| !c.is_whitespace()).map(|c| if c == ',' { '.' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        tokenize(text).map(|t| t.text.into_owned()).collect()
    }

    #[test]
    fn elided_words_stand_alone_with_every_apostrophe() {
        for apostrophe in ['\'', '’', 'ʼ', '‘', '′', '´', '`'] {
            let text = format!("L{apostrophe}armée d{apostrophe}Israël qu{apostrophe}il lorsqu{apostrophe}elle");
            assert_eq!(words(&text), ["l'", "armée", "d'", "israël", "qu'", "il", "lorsqu'", "elle"]);
        }
        for (text, tokens) in [
            ("j'ai", vec!["j'", "ai"]),
            ("m'a", vec!["m'", "a"]),
            ("t'es", vec!["t'", "es"]),
            ("s'est", vec!["s'", "est"]),
            ("n'y", vec!["n'", "y"]),
            ("C'ÉTAIT", vec!["c'", "était"]),
            ("jusqu'ici", vec!["jusqu'", "ici"]),
            ("puisqu'on", vec!["puisqu'", "on"]),
            ("quoiqu'il", vec!["quoiqu'", "il"]),
            ("presqu'île", vec!["presqu'", "île"]),
            ("d'1,5 million", vec!["d'", "1.5", "million"]),
            ("l'Hexagone", vec!["l'", "hexagone"]),
        ] {
            assert_eq!(words(text), tokens);
        }
    }

    #[test]
    fn words_that_hold_an_apostrophe_stay_whole() {
        assert_eq!(words("aujourd’hui"), ["aujourd'hui"]);
        assert_eq!(words("d’Aujourd’hui"), ["d'", "aujourd'hui"]);
        assert_eq!(words("quelqu'un à N’Djamena"), ["quelqu'un", "à", "n'djamena"]);
        assert_eq!(words("les 'experts'"), ["les", "experts"]);
    }

    #[test]
    fn hyphens_separate_clitics_and_compounds_but_not_designations() {
        assert_eq!(
            words("Y a-t-il, dit-elle, un porte‑parole ?"),
            ["y", "a", "il", "dit", "elle", "un", "porte", "parole"]
        );
        assert_eq!(words("va-t'en"), ["va", "t'", "en"]);
        assert_eq!(words("des F-16 et des Su-25"), ["des", "f-16", "et", "des", "su-25"]);
        assert_eq!(words("Covid-19"), ["covid", "19"]);
    }

    #[test]
    fn numbers_keep_thousands_and_decimals_together() {
        assert_eq!(words("19 500 hommes"), ["19500", "hommes"]);
        assert_eq!(words("19\u{a0}500, 1\u{202f}200\u{202f}000"), ["19500", "1200000"]);
        assert_eq!(words("en 2020 300 morts"), ["en", "2020", "300", "morts"]);
        assert_eq!(words("2,5 % à 15h30."), ["2.5", "à", "15h30"]);
        assert_eq!(words("le 26, 3 fois"), ["le", "26", "3", "fois"]);
    }

    #[test]
    fn decomposed_accents_do_not_break_words() {
        assert_eq!(words("E\u{301}lectricite\u{301}"), ["électricité"]);
        assert_eq!(words("gou\u{ad}vernement"), ["gouvernement"]);
    }

    #[test]
    fn a_word_of_many_apostrophes_is_read_once() {
        // Normalised anew at each of its apostrophes, it would take half an hour.
        let text = "b'".repeat(1_000_000) + "b";
        assert_eq!(words(&text), [text]);
        assert_eq!(words("lors\u{ad}qu’il presqu\u{ad}\u{200b}’île"), ["lorsqu'", "il", "presqu'", "île"]);
    }

    proptest! {
        #[test]
        fn a_word_ends_at_the_first_apostrophe_that_elides(
            text in "[lLqujsBbéœ1 \u{301}\u{ad}'’´-]{0,30}",
        ) {
            for token in tokenize(&text).filter(|token| !token.text.starts_with(char::is_numeric)) {
                for (at, c) in text[token.start..token.end].char_indices().filter(|(_, c)| is_apostrophe(*c)) {
                    let (at, after) = (token.start + at, token.start + at + c.len_utf8());
                    let next = text[after..].chars().next();
                    let elided = next.is_some_and(|n| elides(&normalize(&text[token.start..at]), n));
                    prop_assert_eq!(elided, after == token.end, "{:?} in {:?}", token, text);
                }
            }
        }

        #[test]
        fn places_slice_back_to_the_token(text in "\\PC{0,80}") {
            let mut last = 0;
            for token in tokenize(&text) {
                prop_assert!(token.start >= last && token.end > token.start);
                last = token.end;
                let again = &text[token.start..token.end];
                let plain = if again.starts_with(|c: char| c.is_ascii_digit()) { plain_number(again) } else { normalize(again) };
                prop_assert_eq!(plain, token.text);
            }
        }
    }
}
