//! N-grams of characters of words that are new.

use crate::features::{Noted, Vocabulary};

/// Room to work in.
#[derive(Default)]
pub(super) struct Characters {
    /// A normalised word with a space on each side, and room to read on.
    padded: String,
    /// Where its characters begin, and where the last ends.
    bounds: Vec<usize>,
    /// N-grams that are likely to be known, so many at a time.
    noted: Vec<Noted>,
}

const AT_A_TIME: usize = 64;
const ROOM: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

impl Characters {
    /// Passes on the columns of a normalised word's n-grams, as
    /// [`Analyzer::characters_of`](crate::analysis::Analyzer) makes them.
    pub fn find(&mut self, word: &str, [least, most]: [usize; 2], vocabulary: &Vocabulary, mut each: impl FnMut(u32)) {
        let Characters { padded, bounds, noted } = self;
        padded.clear();
        padded.push(' ');
        padded.push_str(word);
        padded.push(' ');
        bounds.clear();
        bounds.extend(padded.bytes().enumerate().filter(|(_, byte)| byte & 0xc0 != 0x80).map(|(at, _)| at));
        bounds.push(padded.len());
        padded.push_str(ROOM);
        let length = bounds.len() - 1;
        noted.resize(AT_A_TIME, Noted::default());
        let mut count = 0;
        let mut look_up = |noted: &[Noted]| {
            noted.iter().filter_map(|gram| vocabulary.noted(padded, gram)).for_each(&mut each);
        };
        // N-grams are noted, without a branch, before any is looked up: a processor waits for the memory of many at once.
        let mut note = |gram| {
            let likely;
            (noted[count], likely) = vocabulary.note(padded, gram);
            count += usize::from(likely);
            if count == AT_A_TIME {
                look_up(noted);
                count = 0;
            }
        };
        for n in least..=most {
            // A word shorter than n counts once, as it is, and only for the first such n.
            if n >= length {
                note([0, bounds[length]]);
                break;
            }
            bounds.iter().zip(&bounds[n..]).for_each(|(&start, &end)| note([start, end]));
        }
        look_up(&noted[..count]);
    }
}
