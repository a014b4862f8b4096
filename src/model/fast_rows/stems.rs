//! The stems of rust-stemmers, at the speed of the rest.
//!
//! The French stemmer of Snowball (Porter 2001; <https://snowballstem.org/algorithms/french/stemmer.html>) as rust-stemmers
//! 1.2.0 has it, letter for letter (tested), written out for speed: no allocation for a stem that is the beginning of its
//! word, and no search among suffixes that end in other letters.

use crate::analysis::Stemmer;
use std::borrow::Cow;

/// The stem of a normalised word.
pub(super) fn stem(word: &str) -> Cow<'_, str> {
    if word.len() > LONGEST {
        return Stemmer::RustStemmers.stem(word);
    }
    // No rule makes a word longer.
    let mut letters = [0; LONGEST + 2 * MARGIN];
    letters[MARGIN..][..word.len()].copy_from_slice(word.as_bytes());
    let end = Word::new(&mut letters, word.len()).stem();
    let stem = &letters[MARGIN..end];
    if word.as_bytes().starts_with(stem) {
        return Cow::Borrowed(&word[..stem.len()]);
    }
    Cow::Owned(String::from_utf8_lossy(stem).into_owned())
}

/// The stems of longer words, in bytes, are left to the library.
const LONGEST: usize = 32;
/// Zeros before and after the letters of a word, so that they can be looked at many at a time.
const MARGIN: usize = 16;

/// A suffix as a number of its bytes, to be compared in one step; at most sixteen bytes.
#[derive(Clone, Copy)]
struct Suffix {
    bytes: u128,
    mask: u128,
    length: usize,
}

const fn suffix(text: &str) -> Suffix {
    let (text, mut bytes, mut mask, mut at) = (text.as_bytes(), 0, 0, 0);
    while at < text.len() {
        let shift = 8 * (16 - text.len() + at);
        bytes |= (text[at] as u128) << shift;
        mask |= 0xff << shift;
        at += 1;
    }
    Suffix { bytes, mask, length: text.len() }
}

/// A word on its way to its stem. `I`, `U` and `Y` are those letters where they are consonants.
struct Word<'a> {
    letters: &'a mut [u8; LONGEST + 2 * MARGIN],
    /// What is left of the word.
    end: usize,
    /// Where the regions RV, R1 and R2 begin.
    rv: usize,
    r1: usize,
    r2: usize,
}

/// Where the letters of a word begin: a bit for each of its vowels and each of its consonants.
#[derive(Clone, Copy)]
struct Sounds {
    vowels: u64,
    consonants: u64,
    /// Where the word ends.
    end: usize,
}

impl Sounds {
    /// Where the letter after the next of some letters begins, no earlier than at an offset; the end if there is none.
    fn after(self, at: usize, letters: u64) -> usize {
        let next = letters & u64::MAX << at;
        // Without the lowest letter that is left.
        let beyond = (self.vowels | self.consonants) & !(next ^ next.wrapping_sub(1));
        if next == 0 || beyond == 0 { self.end } else { beyond.trailing_zeros() as usize }
    }
}

/// What is done to a word that ends in some suffix.
#[derive(Clone, Copy)]
enum Standard {
    DeleteInR2,
    Ation,
    ReplaceInR2(&'static str),
    Ement,
    Ite,
    Ive,
    Eaux,
    Aux,
    Euse,
    Issement,
    Amment(&'static str),
    Ment,
}

use Standard::{Amment, Ation, Aux, DeleteInR2, Eaux, Ement, Euse, Issement, Ite, Ive, Ment, ReplaceInR2};

/// The standard suffixes that end in two bytes, the longest first.
fn standard_suffixes(last: [u8; 2]) -> &'static [(Suffix, Standard)] {
    match &last {
        b"ce" => {
            const { &[(suffix("atrice"), Ation), (suffix("ance"), DeleteInR2), (suffix("ence"), ReplaceInR2("ent"))] }
        }
        b"ie" => const { &[(suffix("logie"), ReplaceInR2("log"))] },
        b"Ue" => const { &[(suffix("iqUe"), DeleteInR2)] },
        b"le" => const { &[(suffix("able"), DeleteInR2)] },
        b"me" => const { &[(suffix("isme"), DeleteInR2)] },
        b"se" => const { &[(suffix("euse"), Euse)] },
        b"te" => const { &[(suffix("iste"), DeleteInR2)] },
        b"ve" => const { &[(suffix("ive"), Ive)] },
        b"es" => {
            const {
                &[
                    (suffix("atrices"), Ation),
                    (suffix("logies"), ReplaceInR2("log")),
                    (suffix("iqUes"), DeleteInR2),
                    (suffix("ances"), DeleteInR2),
                    (suffix("ences"), ReplaceInR2("ent")),
                    (suffix("ables"), DeleteInR2),
                    (suffix("ismes"), DeleteInR2),
                    (suffix("euses"), Euse),
                    (suffix("istes"), DeleteInR2),
                    (suffix("ives"), Ive),
                ]
            }
        }
        b"ns" => {
            const { &[(suffix("usions"), ReplaceInR2("u")), (suffix("ations"), Ation), (suffix("utions"), ReplaceInR2("u"))] }
        }
        b"rs" => const { &[(suffix("ateurs"), Ation)] },
        b"ts" => const { &[(suffix("issements"), Issement), (suffix("ements"), Ement), (suffix("ments"), Ment)] },
        [0xa9, b's'] => const { &[(suffix("ités"), Ite)] },
        b"fs" => const { &[(suffix("ifs"), Ive)] },
        b"nt" => {
            const {
                &[
                    (suffix("issement"), Issement),
                    (suffix("amment"), Amment("ant")),
                    (suffix("emment"), Amment("ent")),
                    (suffix("ement"), Ement),
                    (suffix("ment"), Ment),
                ]
            }
        }
        b"on" => {
            const { &[(suffix("usion"), ReplaceInR2("u")), (suffix("ation"), Ation), (suffix("ution"), ReplaceInR2("u"))] }
        }
        b"ux" => const { &[(suffix("eaux"), Eaux), (suffix("aux"), Aux), (suffix("eux"), DeleteInR2)] },
        b"ur" => const { &[(suffix("ateur"), Ation)] },
        b"if" => const { &[(suffix("if"), Ive)] },
        [0xc3, 0xa9] => const { &[(suffix("ité"), Ite)] },
        _ => &[],
    }
}

/// The suffixes of verbs in -ir that end in two bytes, the longest first.
fn ir_suffixes(last: [u8; 2]) -> &'static [Suffix] {
    match &last {
        b"ra" => const { &[suffix("ira")] },
        b"te" => const { &[suffix("issante")] },
        b"se" => const { &[suffix("isse")] },
        b"ie" => const { &[suffix("ie")] },
        b"ai" => const { &[suffix("irai"), suffix("i")] },
        [_, b'i'] => const { &[suffix("i")] },
        b"ir" => const { &[suffix("ir")] },
        b"es" => const { &[suffix("issantes"), suffix("isses"), suffix("îmes"), suffix("îtes"), suffix("ies")] },
        b"ns" => const { &[suffix("issions"), suffix("irions"), suffix("issons"), suffix("irons")] },
        b"ts" => const { &[suffix("issants")] },
        b"is" => const { &[suffix("issais"), suffix("irais"), suffix("is")] },
        b"as" => const { &[suffix("iras")] },
        b"nt" => {
            const {
                &[
                    suffix("issaIent"),
                    suffix("iraIent"),
                    suffix("issant"),
                    suffix("issent"),
                    suffix("irent"),
                    suffix("iront"),
                ]
            }
        }
        b"it" => const { &[suffix("issait"), suffix("irait"), suffix("it")] },
        [0xae, b't'] => const { &[suffix("ît")] },
        b"ez" => const { &[suffix("issiez"), suffix("iriez"), suffix("issez"), suffix("irez")] },
        _ => &[],
    }
}

#[derive(Clone, Copy)]
enum Verb {
    DeleteInR2,
    Delete,
    DeleteWithE,
}

/// The other suffixes of verbs that end in two bytes, the longest first.
fn verb_suffixes(last: [u8; 2]) -> &'static [(Suffix, Verb)] {
    use Verb::{Delete, DeleteWithE};
    match &last {
        b"ra" => const { &[(suffix("era"), Delete), (suffix("a"), DeleteWithE)] },
        [_, b'a'] => const { &[(suffix("a"), DeleteWithE)] },
        b"se" => const { &[(suffix("asse"), DeleteWithE)] },
        b"te" => const { &[(suffix("ante"), DeleteWithE)] },
        [0xa9, b'e'] => const { &[(suffix("ée"), Delete)] },
        b"ai" => const { &[(suffix("erai"), Delete), (suffix("ai"), DeleteWithE)] },
        b"er" => const { &[(suffix("er"), Delete)] },
        b"es" => {
            const {
                &[
                    (suffix("âmes"), DeleteWithE),
                    (suffix("asses"), DeleteWithE),
                    (suffix("antes"), DeleteWithE),
                    (suffix("âtes"), DeleteWithE),
                    (suffix("ées"), Delete),
                ]
            }
        }
        b"ns" => {
            const {
                &[
                    (suffix("assions"), DeleteWithE),
                    (suffix("erions"), Delete),
                    (suffix("erons"), Delete),
                    (suffix("ions"), Verb::DeleteInR2),
                ]
            }
        }
        b"ts" => const { &[(suffix("ants"), DeleteWithE)] },
        b"is" => const { &[(suffix("erais"), Delete), (suffix("ais"), DeleteWithE)] },
        b"as" => const { &[(suffix("eras"), Delete), (suffix("as"), DeleteWithE)] },
        [0xa9, b's'] => const { &[(suffix("és"), Delete)] },
        b"nt" => {
            const {
                &[
                    (suffix("eraIent"), Delete),
                    (suffix("èrent"), Delete),
                    (suffix("assent"), DeleteWithE),
                    (suffix("aIent"), DeleteWithE),
                    (suffix("eront"), Delete),
                    (suffix("ant"), DeleteWithE),
                ]
            }
        }
        b"it" => const { &[(suffix("erait"), Delete), (suffix("ait"), DeleteWithE)] },
        [0xa2, b't'] => const { &[(suffix("ât"), DeleteWithE)] },
        b"ez" => {
            const {
                &[
                    (suffix("assiez"), DeleteWithE),
                    (suffix("eriez"), Delete),
                    (suffix("erez"), Delete),
                    (suffix("iez"), Delete),
                    (suffix("ez"), Delete),
                ]
            }
        }
        [0xc3, 0xa9] => const { &[(suffix("é"), Delete)] },
        _ => &[],
    }
}

/// Whether the letter that begins with two bytes is a vowel.
#[inline]
fn is_vowel(first: u8, second: u8) -> bool {
    const PLAIN: u32 = bits(b"aeiouy", b'a');
    // à â è é ê ë î ï ô ù û
    const ACCENTED: u32 = bits(b"\xa0\xa2\xa8\xa9\xaa\xab\xae\xaf\xb4\xb9\xbb", 0xa0);
    let (set, at) =
        if first == 0xc3 { (ACCENTED, second.wrapping_sub(0xa0)) } else { (PLAIN, first.wrapping_sub(b'a')) };
    at < 32 && set >> at & 1 == 1
}

const fn bits(of: &[u8], least: u8) -> u32 {
    let (mut bits, mut at) = (0, 0);
    while at < of.len() {
        bits |= 1 << (of[at] - least);
        at += 1;
    }
    bits
}

/// The length of the letter that begins with a byte: by its upper half, a digit of this number.
#[inline]
fn width(first: u8) -> usize {
    const WIDTHS: u64 = 0x4322_1111_1111_1111;
    (WIDTHS >> (first / 16 * 4)) as usize & 7
}

impl<'a> Word<'a> {
    /// A word between margins, of so many bytes.
    fn new(letters: &'a mut [u8; LONGEST + 2 * MARGIN], length: usize) -> Self {
        let end = MARGIN + length;
        let mut word = Word { letters, end, rv: end, r1: end, r2: end };
        let sounds = word.mark_consonants();
        word.mark_regions(sounds);
        word
    }

    #[inline]
    fn is_vowel(&self, at: usize) -> bool {
        is_vowel(self.letters[at], self.letters[at + 1])
    }

    fn next(&self, at: usize) -> usize {
        at + width(self.letters[at])
    }

    fn mark_consonants(&mut self) -> Sounds {
        let mut sounds = Sounds { vowels: 0, consonants: 0, end: self.end };
        let (mut at, mut vowel) = (MARGIN, self.is_vowel(MARGIN));
        while at < self.end {
            let after = self.next(at);
            let (here, next) = (self.letters[at], self.letters[after]);
            let mut next_vowel = self.is_vowel(after);
            let turns = match next {
                b'u' => here == b'q' || vowel && self.is_vowel(after + 1),
                b'i' => vowel && self.is_vowel(after + 1),
                b'y' => vowel,
                _ => false,
            };
            if turns {
                self.letters[after] = next.to_ascii_uppercase();
                next_vowel = false;
            } else if here == b'y' && next_vowel {
                self.letters[at] = b'Y';
                vowel = false;
            }
            sounds.vowels |= u64::from(vowel) << at;
            sounds.consonants |= u64::from(!vowel) << at;
            (at, vowel) = (after, next_vowel);
        }
        sounds
    }

    fn mark_regions(&mut self, sounds: Sounds) {
        let Sounds { vowels, consonants, .. } = sounds;
        let second = sounds.after(MARGIN, vowels | consonants);
        let third = sounds.after(second, vowels | consonants);
        self.rv = if vowels >> MARGIN & vowels >> second & 1 == 1 && third < self.end {
            sounds.after(third, vowels | consonants)
        } else if matches!(&self.letters[MARGIN..][..3], b"col" | b"par" | b"tap") {
            MARGIN + 3
        } else {
            sounds.after(second, vowels)
        };
        self.r1 = sounds.after(sounds.after(MARGIN, vowels), consonants);
        self.r2 = sounds.after(sounds.after(self.r1, vowels), consonants);
    }

    /// Where a suffix begins, if the word ends in it and it begins no earlier than `from`.
    #[inline]
    fn suffix(&self, suffix: &Suffix, from: usize) -> Option<usize> {
        let last: [u8; 16] = self.letters[self.end - 16..self.end].try_into().unwrap_or_default();
        let at = self.end - suffix.length;
        (u128::from_le_bytes(last) & suffix.mask == suffix.bytes && at >= from).then_some(at)
    }

    fn ends_in(&self, suffix: &Suffix) -> bool {
        self.suffix(suffix, MARGIN).is_some()
    }

    /// Where the letter before an offset begins, and whether it is a vowel; `None` before the first.
    fn letter_before(&self, at: usize) -> Option<(usize, bool)> {
        let mut start = at - 1;
        while self.letters[start] & 0xc0 == 0x80 {
            start -= 1;
        }
        (at > MARGIN).then(|| (start, self.is_vowel(start)))
    }

    fn last(&self) -> u8 {
        self.letters[self.end - 1]
    }

    fn last_two(&self) -> [u8; 2] {
        [self.letters[self.end - 2], self.letters[self.end - 1]]
    }

    /// Ends the word at an offset, with another ending.
    fn replace(&mut self, from: usize, ending: &str) {
        self.letters[from..from + ending.len()].copy_from_slice(ending.as_bytes());
        self.end = from + ending.len();
    }

    fn delete(&mut self, from: usize) {
        self.end = from;
    }

    /// Takes a suffix away in R2, puts another in its place before R2.
    fn delete_or_replace(&mut self, at: usize, ending: &str) {
        if at >= self.r2 { self.delete(at) } else { self.replace(at, ending) }
    }

    fn delete_in_r2(&mut self, suffix: &Suffix) -> bool {
        let at = self.suffix(suffix, self.r2);
        at.into_iter().for_each(|at| self.delete(at));
        at.is_some()
    }

    /// The end of the stem.
    fn stem(mut self) -> usize {
        if self.standard_suffix() || self.ir_suffix() || self.verb_suffix() {
            if self.last() == b'Y' {
                self.replace(self.end - 1, "i");
            } else if let Some(at) = self.suffix(&const { suffix("ç") }, MARGIN) {
                self.replace(at, "c");
            }
        } else {
            self.residual_suffix();
        }
        let doubled = match self.last() {
            b'l' => self.ends_in(&const { suffix("ell") }) || self.ends_in(&const { suffix("eill") }),
            b'n' => self.ends_in(&const { suffix("enn") }) || self.ends_in(&const { suffix("onn") }),
            b't' => self.ends_in(&const { suffix("ett") }),
            _ => false,
        };
        self.end -= usize::from(doubled);
        self.take_accent();
        for letter in &mut self.letters[MARGIN..self.end] {
            *letter |= u8::from(matches!(letter, b'I' | b'U' | b'Y')) * 0x20;
        }
        self.end
    }

    fn standard_suffix(&mut self) -> bool {
        let suffixes = standard_suffixes(self.last_two());
        let found = suffixes.iter().find_map(|(suffix, rule)| self.suffix(suffix, MARGIN).map(|at| (at, *rule)));
        let Some((at, rule)) = found else { return false };
        let (in_rv, in_r1, in_r2) = (at >= self.rv, at >= self.r1, at >= self.r2);
        match rule {
            DeleteInR2 if in_r2 => self.delete(at),
            ReplaceInR2(ending) if in_r2 => self.replace(at, ending),
            Ation if in_r2 => {
                self.delete(at);
                self.take_ic();
            }
            Ement if in_rv => {
                self.delete(at);
                self.after_ement();
            }
            Ite if in_r2 => {
                self.delete(at);
                if let Some(at) = self.suffix(&const { suffix("abil") }, MARGIN) {
                    self.delete_or_replace(at, "abl");
                } else if !self.take_ic() {
                    self.delete_in_r2(&const { suffix("iv") });
                }
            }
            Ive if in_r2 => {
                self.delete(at);
                if self.delete_in_r2(&const { suffix("at") }) {
                    self.take_ic();
                }
            }
            Eaux => self.replace(at, "eau"),
            Aux if in_r1 => self.replace(at, "al"),
            Euse if in_r1 => self.delete_or_replace(at, "eux"),
            Issement if in_r1 && matches!(self.letter_before(at), Some((_, false))) => self.delete(at),
            // The ending of a verb follows.
            Amment(ending) if in_rv => {
                self.replace(at, ending);
                return false;
            }
            Ment => {
                if matches!(self.letter_before(at), Some((start, true)) if start >= self.rv) {
                    self.delete(at);
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    fn take_ic(&mut self) -> bool {
        let at = self.suffix(&const { suffix("ic") }, MARGIN);
        at.into_iter().for_each(|at| self.delete_or_replace(at, "iqU"));
        at.is_some()
    }

    fn after_ement(&mut self) {
        if self.ends_in(&const { suffix("iv") }) {
            if self.delete_in_r2(&const { suffix("iv") }) {
                self.delete_in_r2(&const { suffix("at") });
            }
        } else if let Some(at) = self.suffix(&const { suffix("eus") }, self.r1) {
            self.delete_or_replace(at, "eux");
        } else if let Some(at) = self.either(&const { [suffix("ièr"), suffix("Ièr")] }) {
            self.replace(at, "i");
        } else if !self.delete_in_r2(&const { suffix("iqU") }) {
            self.delete_in_r2(&const { suffix("abl") });
        }
    }

    fn ir_suffix(&mut self) -> bool {
        let Some(at) = ir_suffixes(self.last_two()).iter().find_map(|suffix| self.suffix(suffix, self.rv)) else {
            return false;
        };
        let after_consonant = matches!(self.letter_before(at), Some((start, false)) if start >= self.rv);
        if after_consonant {
            self.delete(at);
        }
        after_consonant
    }

    fn verb_suffix(&mut self) -> bool {
        let suffixes = verb_suffixes(self.last_two());
        let found = suffixes.iter().find_map(|(suffix, rule)| self.suffix(suffix, self.rv).map(|at| (at, *rule)));
        let Some((at, rule)) = found else { return false };
        if matches!(rule, Verb::DeleteInR2) && at < self.r2 {
            return false;
        }
        self.delete(at);
        if matches!(rule, Verb::DeleteWithE) {
            self.suffix(&const { suffix("e") }, self.rv).into_iter().for_each(|at| self.delete(at));
        }
        true
    }

    fn residual_suffix(&mut self) {
        if self.last() == b's'
            && let Some((start, _)) = self.letter_before(self.end - 1)
            && !matches!(self.letters[start..self.end - 1], [b'a' | b'i' | b'o' | b'u' | b's'] | [0xc3, 0xa8])
        {
            self.delete(self.end - 1);
        }
        if let Some(at) = self.either(&const { [suffix("ière"), suffix("Ière")] }) {
            self.replace(at, "i");
        } else if let Some(at) = self.either(&const { [suffix("ier"), suffix("Ier")] }) {
            self.replace(at, "i");
        } else if let Some(at) = self.suffix(&const { suffix("e") }, self.rv) {
            self.delete(at);
        } else if let Some(at) = self.suffix(&const { suffix("ion") }, self.rv.max(self.r2)) {
            if at > self.rv && matches!(self.letters[at - 1], b's' | b't') {
                self.delete(at);
            }
        } else if let Some(at) = self.suffix(&const { suffix("guë") }, self.rv) {
            self.delete(at + 2);
        }
    }

    /// Where one of two suffixes begins, in RV.
    fn either(&self, [one, other]: &[Suffix; 2]) -> Option<usize> {
        self.suffix(one, self.rv).or_else(|| self.suffix(other, self.rv))
    }

    /// The last é or è becomes e if only consonants follow, and at least one.
    fn take_accent(&mut self) {
        let mut at = self.end;
        while let Some((start, false)) = self.letter_before(at) {
            at = start;
        }
        if at < self.end && matches!(self.letters[..at], [.., 0xc3, 0xa8 | 0xa9]) {
            self.letters[at - 2] = b'e';
            self.letters.copy_within(at..self.end, at - 1);
            self.end -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_stemmers::Algorithm;

    fn spelt(suffix: &Suffix) -> String {
        String::from_utf8(suffix.bytes.to_le_bytes()[16 - suffix.length..].to_vec()).unwrap()
    }

    fn endings() -> Vec<String> {
        let mut endings: Vec<String> = [
            "", "iqU", "abl", "ièr", "eus", "iv", "ativ", "icativ", "ic", "abil", "at", "e", "s", "es", "ière", "ion",
            "sion", "ier", "guë", "ë", "ell", "eill", "enn", "onn", "ett", "ç", "y", "è", "é", "logi",
        ]
        .map(String::from)
        .into();
        for last in (0..=u16::MAX).map(u16::to_be_bytes) {
            endings.extend(standard_suffixes(last).iter().map(|(suffix, _)| spelt(suffix)));
            endings.extend(ir_suffixes(last).iter().map(spelt));
            endings.extend(verb_suffixes(last).iter().map(|(suffix, _)| spelt(suffix)));
        }
        endings.sort();
        endings.dedup();
        endings.iter_mut().for_each(|ending| *ending = ending.to_lowercase());
        endings
    }

    #[test]
    fn every_word_of_the_labels_has_the_stem_of_rust_stemmers() {
        let theirs = rust_stemmers::Stemmer::create(Algorithm::French);
        let text = std::fs::read_to_string("labels/composed.csv").unwrap();
        let words: std::collections::BTreeSet<String> =
            crate::analysis::tokenize(&text).map(|token| token.text.into_owned()).collect();
        assert!(words.len() > 20_000);
        for word in words.iter().map(String::as_str).chain(["", "s", "è", "y", "éa", "ée"]) {
            assert_eq!(stem(word), theirs.stem(word), "{word}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn composed_words_have_the_stem_of_rust_stemmers(
            start in "(par|col|tap|)[aeiouyéèbcdgqlmnst]{0,6}",
            middle in proptest::sample::select(endings()),
            ending in proptest::sample::select(endings()),
            last in "(|s|e|es|[a-zéèêëçœ漢'])",
        ) {
            let theirs = rust_stemmers::Stemmer::create(Algorithm::French);
            for word in [format!("{start}{middle}{ending}{last}"), format!("{start}{ending}"), format!("{middle}{ending}")] {
                prop_assert_eq!(stem(&word), theirs.stem(&word));
            }
        }
    }
}
