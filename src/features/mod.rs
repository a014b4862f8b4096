//! From terms to weighted sparse rows.
//!
//! In: terms, as strings. Out: a vocabulary and rows of TF-IDF weights. It must not know how text becomes terms, nor
//! what the rows are used for.

mod corpus;
mod idf;
mod spelling;
mod tfidf;
mod vocabulary;

pub use corpus::{Corpus, CorpusCounter};
pub(crate) use spelling::{Spelling, WHOLE, place_among};
pub use tfidf::{CorpusTfidf, TfidfParams, TfidfVectorizer};
pub(crate) use vocabulary::Noted;
pub use vocabulary::Vocabulary;
