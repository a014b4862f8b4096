//! From a paragraph's text to the terms that are counted.
//!
//! In: a `&str`. Out: tokens with their place in it, and terms: stems, n-grams of stems, or n-grams of characters. It
//! must not know which terms a model has kept, nor what they weigh.

mod analyzer;
pub mod lexicon;
mod normalize;
mod stemmer;
mod stop_words;
mod tokenizer;

pub use analyzer::{Analyzer, AnalyzerParams, Unit};
pub(crate) use analyzer::{Beginning, CharacterNgrams, Word};
pub use normalize::normalize;
pub use stemmer::Stemmer;
pub use stop_words::{StopWords, is_french_stop_word};
pub(crate) use tokenizer::elides;
pub use tokenizer::{Token, tokenize};

/// Raised whenever the terms of some text change: a model remembers the version that made its vocabulary.
pub const ANALYZER_VERSION: u32 = 2;
