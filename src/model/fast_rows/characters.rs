//! N-grams of characters of words that are new.

use crate::analysis::CharacterNgrams;
use crate::features::{Noted, Vocabulary};

/// Room to work in.
#[derive(Default)]
pub(super) struct Characters {
    grams: CharacterNgrams,
    /// N-grams that are likely to be known, so many at a time.
    noted: Vec<Noted>,
}

const AT_A_TIME: usize = 64;

impl Characters {
    /// Passes on the columns of a word's n-grams.
    pub fn find(&mut self, word: &str, lengths: [usize; 2], vocabulary: &Vocabulary, mut each: impl FnMut(u32)) {
        let Characters { grams, noted } = self;
        noted.resize(AT_A_TIME, Noted::default());
        let mut count = 0;
        let mut look_up = |padded: &str, noted: &[Noted]| {
            noted.iter().filter_map(|gram| vocabulary.noted(padded, gram)).for_each(&mut each);
        };
        // N-grams are noted, without a branch, before any is looked up: a processor waits for the memory of many at once.
        let padded = grams.for_each(word, lengths, |padded, gram| {
            let likely;
            (noted[count], likely) = vocabulary.note(padded, gram);
            count += usize::from(likely);
            if count == AT_A_TIME {
                look_up(padded, noted);
                count = 0;
            }
        });
        look_up(padded, &noted[..count]);
    }
}
