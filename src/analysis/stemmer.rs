//! Stems.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A French Snowball stemmer. It expects words in lower case with composed accents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stemmer {
    /// `rust-stemmers`: the algorithm as it was first published.
    #[default]
    RustStemmers,
    /// `frostem`: the algorithm as the Snowball project has it now.
    Frostem,
}

impl Stemmer {
    /// How many there are.
    pub(super) const COUNT: usize = Stemmer::Frostem as usize + 1;

    /// Its name and version, kept in every model: another stemmer would make other terms of the same words.
    pub fn version(self) -> &'static str {
        match self {
            Stemmer::RustStemmers => "rust-stemmers 1.2.0",
            Stemmer::Frostem => "frostem 2.20261016.1",
        }
    }

    /// The stem of a normalised word.
    pub fn stem(self, word: &str) -> Cow<'_, str> {
        match self {
            Stemmer::RustStemmers => rust_stemmers::Stemmer::create(rust_stemmers::Algorithm::French).stem(word),
            Stemmer::Frostem => frostem::Stemmer::new(frostem::Algorithm::French).stem(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_its_stem() {
        // Expected stems: the published French vocabulary of the Snowball project, in its first version and now (the same by
        // PyStemmer 3.1.0).
        for (word, then, now) in [
            ("continuellement", "continuel", "continuel"),
            ("majestueusement", "majestu", "majestu"),
            ("quotidiennes", "quotidien", "quotidien"),
            ("militaires", "militair", "militair"),
            ("japonaises", "japonais", "japon"),
            ("jaloux", "jaloux", "jalou"),
        ] {
            assert_eq!((&*Stemmer::RustStemmers.stem(word), &*Stemmer::Frostem.stem(word)), (then, now));
        }
    }
}
