//! Stems.

use rust_stemmers::Algorithm;
use std::borrow::Cow;

/// The stemmer's name and version, kept in every model: another stemmer would make other terms of the same words.
pub const STEMMER_NAME: &str = "french (rust-stemmers 1.2.0)";

/// The French Snowball stemmer. It expects words in lower case with composed accents.
pub struct Stemmer(rust_stemmers::Stemmer);

impl Default for Stemmer {
    fn default() -> Self {
        Stemmer(rust_stemmers::Stemmer::create(Algorithm::French))
    }
}

impl Stemmer {
    /// The stem of a normalised word.
    pub fn stem<'a>(&self, word: &'a str) -> Cow<'a, str> {
        self.0.stem(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_its_stem() {
        // Expected stems: the published French vocabulary of the Snowball project.
        let stemmer = Stemmer::default();
        for (word, stem) in [
            ("continuellement", "continuel"),
            ("majestueusement", "majestu"),
            ("quotidiennes", "quotidien"),
            ("militaires", "militair"),
        ] {
            assert_eq!(stemmer.stem(word), stem);
        }
    }
}
