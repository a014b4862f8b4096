//! The chain from text to terms.

use super::lexicon::{self, Marks};
use super::{Stemmer, StopWords, is_french_stop_word, normalize, tokenize};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

/// What a term is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Tokens: see [`tokenize`].
    Word,
    /// Characters inside the words between white space, padded with one space on each side: scikit-learn's `char_wb`.
    CharWb,
    /// The semantic fields of tokens by their stems, and the domains of these fields: see [`lexicon`].
    Fields,
    /// Whether tokens speak well or ill, by their stems: see [`lexicon`].
    Valence,
}

/// How text becomes terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnalyzerParams {
    /// What is counted.
    pub unit: Unit,
    /// The least and the greatest length of an n-gram, in words or characters; fields and valence take no notice.
    pub ngrams: [usize; 2],
    /// What stems words, if they are stemmed; other units take no notice.
    pub stemmer: Option<Stemmer>,
    /// How many letters of a word count, from its first; other units take no notice.
    pub prefix: Option<usize>,
    /// Which words are left out; other units take no notice.
    pub stop_words: StopWords,
}

impl AnalyzerParams {
    /// The stemmer that is asked, if any.
    pub fn asks(&self) -> Option<Stemmer> {
        match self.unit {
            Unit::Word => self.stemmer,
            Unit::CharWb => None,
            Unit::Fields | Unit::Valence => Some(lexicon::STEMMER),
        }
    }
}

/// What a text begins with. What follows in the text means nothing, but a processor takes more bytes at once where there are
/// some, and guesses right that there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beginning<'a> {
    /// The text.
    pub of: &'a str,
    /// Its length in bytes.
    pub length: usize,
}

impl<'a> Beginning<'a> {
    /// All of a text.
    pub fn whole(text: &'a str) -> Self {
        Beginning { of: text, length: text.len() }
    }

    pub fn as_str(self) -> &'a str {
        &self.of[..self.length]
    }
}

/// A normalised token: stemmed once at most by each stemmer, and looked up once, for all analyzers that ask.
pub(crate) struct Word<'a> {
    token: Beginning<'a>,
    is_stop_word: bool,
    /// A stem that was found elsewhere.
    known: Option<(Stemmer, Beginning<'a>)>,
    stems: [OnceCell<Cow<'a, str>>; Stemmer::COUNT],
    marks: OnceCell<Marks>,
}

impl<'a> Word<'a> {
    /// A token with, if that is known, its stem by one stemmer.
    #[inline]
    pub fn new(token: Beginning<'a>, known: Option<(Stemmer, Beginning<'a>)>) -> Self {
        let is_stop_word = is_french_stop_word(token.as_str());
        Word { token, is_stop_word, known, stems: Default::default(), marks: OnceCell::new() }
    }

    #[inline]
    fn stem(&self, stemmer: Stemmer) -> Beginning<'_> {
        match self.known {
            Some((by, stem)) if by == stemmer => stem,
            _ => Beginning::whole(self.stems[stemmer as usize].get_or_init(|| stemmer.stem(self.token.as_str()))),
        }
    }

    fn marks(&self) -> Marks {
        *self.marks.get_or_init(|| Marks::of(self.stem(lexicon::STEMMER).as_str()))
    }
}

/// Turns text into terms. Built from [`AnalyzerParams`]; it learns nothing.
pub struct Analyzer {
    params: AnalyzerParams,
}

impl Analyzer {
    /// Prepares the chain.
    pub fn new(params: &AnalyzerParams) -> Self {
        Analyzer { params: params.clone() }
    }

    /// How it was built.
    pub(crate) fn params(&self) -> &AnalyzerParams {
        &self.params
    }

    /// Calls `emit` with each term of the text and the bytes of the text that it stands on.
    pub fn for_each_term(&self, text: &str, emit: impl FnMut(&str, Range<usize>)) {
        match self.params.unit {
            Unit::Word => self.words(text, emit),
            Unit::CharWb => self.characters(text, emit),
            Unit::Fields | Unit::Valence => self.lexical(text, emit),
        }
    }

    /// The terms of a text, in order of their beginning.
    pub fn terms(&self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        self.for_each_term(text, |term, _| terms.push(term.to_string()));
        terms
    }

    /// What a token stands for in n-grams of words; `None` for a stop word.
    #[inline]
    pub(crate) fn part<'a>(&self, word: &'a Word<'_>) -> Option<Beginning<'a>> {
        if self.params.stop_words == StopWords::French && word.is_stop_word {
            return None;
        }
        let whole = self.params.stemmer.map_or(word.token, |stemmer| word.stem(stemmer));
        let end = self.params.prefix.and_then(|letters| whole.of.char_indices().nth(letters));
        let most = end.map_or(whole.length, |(end, _)| end);
        Some(Beginning { length: whole.length.min(most), ..whole })
    }

    fn words(&self, text: &str, mut emit: impl FnMut(&str, Range<usize>)) {
        let [least, most] = self.params.ngrams;
        // The last `most` kept words with their places, oldest first.
        let mut window: Vec<(String, Range<usize>)> = Vec::with_capacity(most + 1);
        let mut term = String::new();
        for token in tokenize(text) {
            let word = Word::new(Beginning::whole(&token.text), None);
            let Some(part) = self.part(&word) else { continue };
            if window.len() == most {
                window.remove(0);
            }
            window.push((part.as_str().to_string(), token.start..token.end));
            // Every n-gram is emitted when its last word arrives.
            for n in least..=most.min(window.len()) {
                let gram = &window[window.len() - n..];
                term.clear();
                for (i, (word, _)) in gram.iter().enumerate() {
                    if i > 0 {
                        term.push(' ');
                    }
                    term.push_str(word);
                }
                emit(&term, gram[0].1.start..token.end);
            }
        }
    }

    fn lexical(&self, text: &str, mut emit: impl FnMut(&str, Range<usize>)) {
        for token in tokenize(text) {
            let word = Word::new(Beginning::whole(&token.text), None);
            self.marks(&word).for_each(|mark| emit(mark, token.start..token.end));
        }
    }

    /// What the lexicon says of a token, as terms.
    pub(crate) fn marks(&self, word: &Word<'_>) -> impl Iterator<Item = &'static str> {
        let marks = word.marks();
        let (fields, valence) = match self.params.unit {
            Unit::Fields => (Some(marks.fields()), None),
            _ => (None, marks.valence()),
        };
        fields.into_iter().flatten().flat_map(|field| [Some(field), lexicon::domain(field)]).flatten().chain(valence)
    }

    fn characters(&self, text: &str, mut emit: impl FnMut(&str, Range<usize>)) {
        let mut grams = CharacterNgrams::default();
        for word in text.split_whitespace() {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            grams.read(word);
            for [first, end] in grams.places(self.params.ngrams).flatten() {
                emit(&grams.padded()[first..end], start..start + word.len());
            }
        }
    }
}

/// The n-grams of characters of what stands between white space; room is kept from one word to the next.
#[derive(Default)]
pub(crate) struct CharacterNgrams {
    /// A normalised word with a space on each side, and room to read on.
    padded: String,
    /// Where its characters begin, and where the last ends.
    bounds: Vec<usize>,
}

/// Sixteen bytes can be read from each n-gram on.
const ROOM: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

impl CharacterNgrams {
    /// Reads what stands between white space.
    pub fn read(&mut self, word: &str) {
        let CharacterNgrams { padded, bounds } = self;
        padded.clear();
        padded.push(' ');
        padded.push_str(&normalize(word));
        padded.push(' ');
        bounds.clear();
        bounds.extend(padded.char_indices().map(|(i, _)| i));
        bounds.push(padded.len());
        padded.push_str(ROOM);
    }

    /// The word that was read, with a space on each side, and room to read on.
    pub fn padded(&self) -> &str {
        &self.padded
    }

    /// Where its n-grams of some lengths stand in that, the shortest first. A word must have been read.
    #[inline(always)]
    pub fn places(&self, [least, most]: [usize; 2]) -> impl Iterator<Item = impl Iterator<Item = [usize; 2]>> {
        let bounds = &self.bounds[..];
        let length = bounds.len() - 1;
        // A word shorter than n counts once, as it is, and only for the first such n.
        let lengths = (least..=most).take_while(move |&n| n <= length.max(least)).map(move |n| n.min(length));
        lengths.map(|n| bounds.iter().zip(&bounds[n..]).map(|(&start, &end)| [start, end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn analyzer(unit: Unit, ngrams: [usize; 2], stem: bool, stop_words: StopWords) -> Analyzer {
        let stemmer = stem.then_some(Stemmer::default());
        Analyzer::new(&AnalyzerParams { unit, ngrams, stemmer, prefix: None, stop_words })
    }

    #[test]
    fn stop_words_go_before_ngrams_are_made() {
        let words = analyzer(Unit::Word, [1, 2], false, StopWords::French);
        assert_eq!(
            words.terms("L'armée de terre n'avance pas."),
            ["armée", "terre", "armée terre", "avance", "terre avance", "pas", "avance pas"]
        );
    }

    #[test]
    fn a_prefix_is_counted_in_letters() {
        let analyzer = Analyzer::new(&AnalyzerParams {
            unit: Unit::Word,
            ngrams: [1, 1],
            stemmer: None,
            prefix: Some(5),
            stop_words: StopWords::French,
        });
        assert_eq!(analyzer.terms("Les électeurs votèrent à Abéché, au gué."), ["élect", "votèr", "abéch", "gué"]);
    }

    #[test]
    fn a_term_knows_the_bytes_it_stands_on() {
        let text = "L’armée malienne";
        let mut places = Vec::new();
        analyzer(Unit::Word, [1, 2], true, StopWords::French)
            .for_each_term(text, |term, place| places.push((term.to_string(), &text[place])));
        assert_eq!(
            places,
            [
                ("armé".to_string(), "armée"),
                ("malien".to_string(), "malienne"),
                ("armé malien".to_string(), "armée malienne")
            ]
        );
    }

    #[test]
    fn nothing_to_count_gives_no_term() {
        for text in ["", " \n", "… « » !", "de la"] {
            assert!(analyzer(Unit::Word, [1, 1], true, StopWords::French).terms(text).is_empty());
        }
        assert!(analyzer(Unit::CharWb, [3, 5], true, StopWords::French).terms(" \n").is_empty());
    }
}
