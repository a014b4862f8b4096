//! Words that say nothing of a subject.

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Which words are left out before n-grams are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopWords {
    /// Articles, pronouns, prepositions, conjunctions and the forms of the auxiliaries.
    French,
    /// Nothing is left out.
    None,
}

/// By kind of word. Negations and oppositions (pas, sans, aucun, contre, mais, jamais) are kept out of the list: they
/// carry tone.
const FRENCH: &[&[&str]] = &[
    // Elided forms, and what is left of them where a space follows the apostrophe.
    &["l'", "d'", "j'", "m'", "t'", "s'", "n'", "c'", "qu'", "jusqu'", "lorsqu'", "puisqu'", "quoiqu'", "presqu'"],
    &["l", "d", "j", "m", "t", "s", "n", "c", "qu"],
    // Articles and determiners.
    &["le", "la", "les", "un", "une", "des", "du", "de", "au", "aux", "ce", "cet", "cette", "ces"],
    &["mon", "ma", "mes", "ton", "ta", "tes", "son", "sa", "ses", "notre", "nos", "votre", "vos", "leur", "leurs"],
    &["quel", "quelle", "quels", "quelles", "tout", "toute", "tous", "toutes"],
    // Pronouns.
    &[
        "je", "tu", "il", "elle", "on", "nous", "vous", "ils", "elles", "me", "te", "se", "moi", "toi", "soi", "lui",
        "eux",
    ],
    &[
        "y",
        "en",
        "qui",
        "que",
        "quoi",
        "dont",
        "où",
        "lequel",
        "laquelle",
        "lesquels",
        "lesquelles",
        "auquel",
        "duquel",
    ],
    &["ceci", "cela", "ça", "celui", "celle", "ceux", "celles", "ci", "là"],
    // Prepositions and conjunctions.
    &["à", "dans", "par", "pour", "sur", "avec", "sous", "chez", "vers", "entre", "depuis", "pendant", "selon", "dès"],
    &["et", "ou", "ni", "car", "or", "donc", "si", "comme", "lorsque", "puisque", "quand", "afin", "ainsi", "alors"],
    // Adverbs of no content, and the first half of every negation.
    &["ne", "aussi", "très", "plus", "même", "encore", "déjà", "puis"],
    // être
    &[
        "être", "étant", "été", "suis", "es", "est", "sommes", "êtes", "sont", "étais", "était", "étions", "étiez",
        "étaient",
    ],
    &["serai", "sera", "serons", "serez", "seront", "serais", "serait", "serions", "seraient", "fus", "fut", "furent"],
    &["sois", "soit", "soyons", "soyez", "soient", "fût"],
    // avoir
    &["avoir", "ayant", "eu", "ai", "as", "a", "avons", "avez", "ont", "avais", "avait", "avions", "aviez", "avaient"],
    &["aurai", "aura", "aurons", "aurez", "auront", "aurais", "aurait", "aurions", "auraient", "eut", "eurent"],
    &["aie", "aies", "ait", "ayons", "ayez", "aient", "eût"],
];

static FRENCH_SET: LazyLock<HashSet<&'static str, FixedState>> =
    LazyLock::new(|| FRENCH.iter().copied().flatten().copied().collect());

/// A bit for each word on the list: most other words are told by these.
static MARKS: [u64; 64] = {
    let (mut marks, mut kind) = ([0; 64], 0);
    while kind < FRENCH.len() {
        let mut at = 0;
        while at < FRENCH[kind].len() {
            let mark = mark(FRENCH[kind][at].as_bytes());
            marks[mark / 64] |= 1 << (mark % 64);
            at += 1;
        }
        kind += 1;
    }
    marks
};

/// One of 4096 bits by length, first and last byte.
const fn mark(word: &[u8]) -> usize {
    match word {
        [first, .., last] => (*first as usize + 37 * *last as usize + 1009 * word.len()) % 4096,
        [only] => *only as usize,
        [] => 0,
    }
}

/// Whether a normalised token is on the French list.
#[inline]
pub fn is_french_stop_word(token: &str) -> bool {
    let mark = mark(token.as_bytes());
    MARKS[mark / 64] >> (mark % 64) & 1 == 1 && is_listed(token)
}

// Apart, so that the look at the bits is compiled into those who ask.
fn is_listed(token: &str) -> bool {
    FRENCH_SET.contains(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::normalize;

    #[test]
    fn the_list_is_normalised_and_without_repeats() {
        let all: Vec<&str> = FRENCH.iter().copied().flatten().copied().collect();
        assert_eq!(all.len(), FRENCH_SET.len());
        assert!(all.iter().all(|w| normalize(w) == *w));
    }

    #[test]
    fn what_carries_a_negation_is_no_stop_word() {
        assert!(["pas", "sans", "aucun", "contre", "jamais", "mais"].iter().all(|w| !is_french_stop_word(w)));
    }
}
