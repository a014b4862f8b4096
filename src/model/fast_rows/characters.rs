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
        grams.read(word);
        noted.resize(AT_A_TIME, Noted::default());
        let padded = grams.padded();
        let mut look_up = |noted: &[Noted]| {
            noted.iter().filter_map(|gram| vocabulary.noted(padded, gram)).for_each(&mut each);
        };
        // N-grams are noted, without a branch, before any is looked up: a processor brings the memory of many at once.
        let mut count = 0;
        for places in grams.places(lengths) {
            for place in places {
                let likely;
                (noted[count], likely) = vocabulary.note(padded, place);
                count += usize::from(likely);
                if count == AT_A_TIME {
                    look_up(noted);
                    count = 0;
                }
            }
        }
        look_up(&noted[..count]);
    }
}
