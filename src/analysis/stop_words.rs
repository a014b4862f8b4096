//! Words that say nothing of a subject.

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

static FRENCH_SET: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| FRENCH.iter().copied().flatten().copied().collect());

/// The lengths of the words on the list by their first byte, as bits: most other words are told by these.
static LENGTHS: LazyLock<[u16; 256]> = LazyLock::new(|| {
    let mut lengths = [0; 256];
    FRENCH_SET.iter().for_each(|word| lengths[word.as_bytes()[0] as usize] |= 1 << word.len());
    lengths
});

/// Whether a normalised token is on the French list.
pub fn is_french_stop_word(token: &str) -> bool {
    let lengths = token.bytes().next().map_or(0, |first| LENGTHS[first as usize]);
    token.len() < 16 && lengths >> token.len() & 1 == 1 && FRENCH_SET.contains(token)
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
    fn negations_are_no_stop_words() {
        assert!(["pas", "sans", "aucun", "contre", "jamais", "mais"].iter().all(|w| !is_french_stop_word(w)));
    }
}
