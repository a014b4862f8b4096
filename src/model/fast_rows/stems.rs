//! The stems of rust-stemmers, at the speed of the rest.
//!
//! The French stemmer of Snowball (Porter 2001; <https://snowballstem.org/algorithms/french/stemmer.html>) as rust-stemmers
//! 1.2.0 has it, letter for letter (tested), written out for speed: no allocation for a stem that is the beginning of its
//! word, vowels and consonants told by their bytes all at once, and one walk over the last letters for all suffixes.

use crate::analysis::{Beginning, Stemmer};
use crate::features::Spelling;
use wide::{u8x16, u8x32};

/// The stem of a normalised word. `room` is room to work in.
#[inline]
pub(super) fn stem<'a>(word: Beginning<'a>, room: &'a mut String) -> Beginning<'a> {
    let Beginning { of: text, length } = word;
    if length > LONGEST {
        room.clear();
        room.push_str(&Stemmer::RustStemmers.stem(word.as_str()));
        return Beginning::whole(room);
    }
    // No rule makes a word longer.
    let mut letters = [0; LONGEST + 2 * MARGIN];
    let spelling = Spelling::part(text.as_bytes(), 0..length);
    if spelling.is_whole() {
        // All at once: a processor waits where what it wrote by parts is read as a whole.
        letters[MARGIN..][..16].copy_from_slice(&spelling.bytes());
    } else {
        letters[MARGIN..][..length].copy_from_slice(&text.as_bytes()[..length]);
    }
    let (end, replaced) = Word::new(&mut letters, length).stem();
    let length = end - MARGIN;
    if !replaced {
        return Beginning { of: text, length };
    }
    letters[end..].fill(0);
    room.clear();
    room.push_str(std::str::from_utf8(&letters[MARGIN..]).unwrap_or_default());
    Beginning { of: room, length }
}

/// The stems of longer words, in bytes, are left to the library.
const LONGEST: usize = 32;
/// The letters of a word of so many bytes are marked at once.
const AT_ONCE: usize = 16;
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
    /// Whether letters beyond ASCII may be among them.
    accented: bool,
    /// Whether what is left may be no beginning of the word.
    replaced: bool,
    /// Whether `I`, `U` and `Y` may be among its letters.
    turned: bool,
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
        // Without the next one and what is before it; without all, if there is none.
        let beyond = (self.vowels | self.consonants) & !(next ^ next.wrapping_sub(1));
        (beyond | 1 << self.end).trailing_zeros() as usize
    }
}

/// What is done to a word that ends in a standard suffix.
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

const STANDARD: &[(&str, Standard)] = &[
    ("ance", DeleteInR2),
    ("ances", DeleteInR2),
    ("iqUe", DeleteInR2),
    ("iqUes", DeleteInR2),
    ("isme", DeleteInR2),
    ("ismes", DeleteInR2),
    ("able", DeleteInR2),
    ("ables", DeleteInR2),
    ("iste", DeleteInR2),
    ("istes", DeleteInR2),
    ("eux", DeleteInR2),
    ("atrice", Ation),
    ("atrices", Ation),
    ("ateur", Ation),
    ("ateurs", Ation),
    ("ation", Ation),
    ("ations", Ation),
    ("logie", ReplaceInR2("log")),
    ("logies", ReplaceInR2("log")),
    ("usion", ReplaceInR2("u")),
    ("usions", ReplaceInR2("u")),
    ("ution", ReplaceInR2("u")),
    ("utions", ReplaceInR2("u")),
    ("ence", ReplaceInR2("ent")),
    ("ences", ReplaceInR2("ent")),
    ("ement", Ement),
    ("ements", Ement),
    ("ité", Ite),
    ("ités", Ite),
    ("if", Ive),
    ("ifs", Ive),
    ("ive", Ive),
    ("ives", Ive),
    ("eaux", Eaux),
    ("aux", Aux),
    ("euse", Euse),
    ("euses", Euse),
    ("issement", Issement),
    ("issements", Issement),
    ("amment", Amment("ant")),
    ("emment", Amment("ent")),
    ("ment", Ment),
    ("ments", Ment),
];

/// Suffixes of verbs in -ir.
const IR: &[&str] = &[
    "i", "ie", "ies", "ir", "ira", "irai", "iraIent", "irais", "irait", "iras", "irent", "irez", "iriez", "irions",
    "irons", "iront", "is", "issaIent", "issais", "issait", "issant", "issante", "issantes", "issants", "isse",
    "issent", "isses", "issez", "issiez", "issions", "issons", "it", "îmes", "ît", "îtes",
];

/// What is done to a verb that ends in some other suffix.
#[derive(Clone, Copy)]
enum Verb {
    DeleteInR2,
    Delete,
    DeleteWithE,
}

use Verb::{Delete, DeleteWithE};

const VERBS: &[(&str, Verb)] = &[
    ("ions", Verb::DeleteInR2),
    ("é", Delete),
    ("ée", Delete),
    ("ées", Delete),
    ("és", Delete),
    ("èrent", Delete),
    ("er", Delete),
    ("era", Delete),
    ("erai", Delete),
    ("eraIent", Delete),
    ("erais", Delete),
    ("erait", Delete),
    ("eras", Delete),
    ("erez", Delete),
    ("eriez", Delete),
    ("erions", Delete),
    ("erons", Delete),
    ("eront", Delete),
    ("ez", Delete),
    ("iez", Delete),
    ("a", DeleteWithE),
    ("ai", DeleteWithE),
    ("aIent", DeleteWithE),
    ("ais", DeleteWithE),
    ("ait", DeleteWithE),
    ("ant", DeleteWithE),
    ("ante", DeleteWithE),
    ("antes", DeleteWithE),
    ("ants", DeleteWithE),
    ("as", DeleteWithE),
    ("asse", DeleteWithE),
    ("assent", DeleteWithE),
    ("asses", DeleteWithE),
    ("assiez", DeleteWithE),
    ("assions", DeleteWithE),
    ("âmes", DeleteWithE),
    ("ât", DeleteWithE),
    ("âtes", DeleteWithE),
];

/// All these suffixes as a trie of their bytes from the last to the first: one walk finds the longest of each list.
struct Suffixes {
    /// The number of each byte that stands in a suffix; of others zero, which leads nowhere.
    classes: [u8; 256],
    /// By node and class the next node; zero, where all walks begin, if there is none.
    next: [[u8; 32]; 256],
    rules: [Rules; 256],
}

/// What is done to words that end in the suffix which leads to a node.
#[derive(Clone, Copy)]
struct Rules {
    /// The number in its list, from one; zero if it is not there.
    standard: u8,
    ir: bool,
    verb: Option<Verb>,
}

static SUFFIXES: Suffixes = Suffixes::new();

impl Suffixes {
    const fn new() -> Self {
        let none = Rules { standard: 0, ir: false, verb: None };
        let mut all = Suffixes { classes: [0; 256], next: [[0; 32]; 256], rules: [none; 256] };
        let (mut classes, mut nodes, mut at) = (0, 0, 0);
        while at < STANDARD.len() {
            let node = all.insert(STANDARD[at].0, &mut classes, &mut nodes);
            at += 1;
            all.rules[node].standard = at as u8;
        }
        at = 0;
        while at < IR.len() {
            let node = all.insert(IR[at], &mut classes, &mut nodes);
            all.rules[node].ir = true;
            at += 1;
        }
        at = 0;
        while at < VERBS.len() {
            let node = all.insert(VERBS[at].0, &mut classes, &mut nodes);
            all.rules[node].verb = Some(VERBS[at].1);
            at += 1;
        }
        all
    }

    /// The node that a suffix leads to, which is made if there is none. (More nodes or classes than there is room for do not
    /// compile.)
    const fn insert(&mut self, suffix: &str, classes: &mut u8, nodes: &mut u8) -> usize {
        let (bytes, mut node, mut left) = (suffix.as_bytes(), 0, suffix.len());
        while left > 0 {
            left -= 1;
            let class = &mut self.classes[bytes[left] as usize];
            if *class == 0 {
                *classes += 1;
                *class = *classes;
            }
            let next = &mut self.next[node][*class as usize];
            if *next == 0 {
                *nodes += 1;
                *next = *nodes;
            }
            node = *next as usize;
        }
        node
    }
}

/// The longest suffix of each list that a word ends in, by where it begins; of the last two lists, in RV.
#[derive(Default)]
struct Found {
    /// With its number in the list, from one; zero if there is none.
    standard: (usize, u8),
    ir: Option<usize>,
    verb: Option<(usize, Verb)>,
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
        let mut word = Word { letters, end, rv: end, r1: end, r2: end, accented: true, replaced: false, turned: true };
        let sounds = word.mark_at_once().unwrap_or_else(|| word.mark_one_by_one());
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

    /// Puts `I`, `U` and `Y` for the letters that are consonants, all at once; `None` for a long word, for one with letters
    /// beyond Latin-1, or where one of these letters follows another and what becomes of it hangs on that.
    fn mark_at_once(&mut self) -> Option<Sounds> {
        let length = self.end - MARGIN;
        let word: &mut [u8; AT_ONCE] = self.letters[MARGIN..].first_chunk_mut().filter(|_| length <= AT_ONCE)?;
        let bytes = u8x16::new(*word);
        let same = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        let ends = |set: u8, of: u8| (bytes & u8x16::splat(!set)).simd_eq(u8x16::splat(of));
        let bits = |mask: u8x16| u64::from(mask.to_bitmask());
        let continuations = bits(ends(0x3f, 0x80));
        let latin = bits(same(0xc3));
        if continuations != latin << 1 {
            return None;
        }
        let starts = ((1 << length) - 1) & !continuations;
        let [u, i, y] = [same(b'u'), same(b'i'), same(b'y')];
        let accented = ends(0x02, 0xa0) | ends(0x03, 0xa8) | ends(0x01, 0xae) | same(0xb4) | ends(0x02, 0xb9);
        let plain = bits(same(b'a') | same(b'e') | i | same(b'o') | u | y);
        let vowels = plain | bits(accented) >> 1 & latin;
        // What follows a letter of one byte stands one further; what goes before one may have two bytes.
        let followed = vowels >> 1;
        let after = |letters: u64| (letters & !latin) << 1 | (letters & latin) << 2;
        let between = after(vowels) & followed;
        let turned =
            bits(u) & (between | bits(same(b'q')) << 1) | bits(i) & between | bits(y) & (after(vowels) | followed);
        if turned & turned << 1 != 0 {
            return None;
        }
        let mut left = turned;
        while left != 0 {
            word[left.trailing_zeros() as usize].make_ascii_uppercase();
            left &= left - 1;
        }
        let vowels = vowels & !turned;
        self.accented = latin != 0;
        self.turned = turned != 0;
        Some(Sounds { vowels: vowels << MARGIN, consonants: (starts & !vowels) << MARGIN, end: self.end })
    }

    /// The same of any word.
    fn mark_one_by_one(&mut self) -> Sounds {
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

    /// Ends the word at an offset, with another ending.
    fn replace(&mut self, from: usize, ending: &str) {
        self.letters[from..from + ending.len()].copy_from_slice(ending.as_bytes());
        self.end = from + ending.len();
        self.replaced = true;
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

    /// Walks from the last letter to the first.
    fn suffixes(&self) -> Found {
        let mut found = Found::default();
        let (mut node, mut at) = (0, self.end);
        loop {
            at -= 1;
            let class = SUFFIXES.classes[usize::from(self.letters[at])];
            node = usize::from(SUFFIXES.next[node][usize::from(class)]);
            // The margin before the word leads nowhere.
            if node == 0 {
                return found;
            }
            let Rules { standard, ir, verb } = SUFFIXES.rules[node];
            let in_rv = at >= self.rv;
            found.standard = if standard != 0 { (at, standard) } else { found.standard };
            found.ir = if ir && in_rv { Some(at) } else { found.ir };
            found.verb = verb.filter(|_| in_rv).map(|rule| (at, rule)).or(found.verb);
        }
    }

    /// The end of the stem, and whether it may be no beginning of the word.
    fn stem(mut self) -> (usize, bool) {
        let mut found = self.suffixes();
        let (at, number) = found.standard;
        let standard = usize::from(number).checked_sub(1).map(|standard| STANDARD[standard].1);
        let taken = standard.is_some_and(|rule| {
            let before = self.end;
            let taken = self.take_standard(at, rule);
            if !taken && self.end != before {
                found = self.suffixes();
            }
            taken
        });
        let taken = taken
            || found.ir.is_some_and(|at| self.take_ir(at))
            || found.verb.is_some_and(|(at, rule)| self.take_verb(at, rule));
        if !taken {
            self.residual_suffix();
        } else if self.last() == b'Y' {
            self.replace(self.end - 1, "i");
        } else if let Some(at) = self.suffix(&const { suffix("ç") }, MARGIN) {
            self.replace(at, "c");
        }
        let doubled = match self.last() {
            b'l' => self.ends_in(&const { suffix("ell") }) || self.ends_in(&const { suffix("eill") }),
            b'n' => self.ends_in(&const { suffix("enn") }) || self.ends_in(&const { suffix("onn") }),
            b't' => self.ends_in(&const { suffix("ett") }),
            _ => false,
        };
        self.end -= usize::from(doubled);
        self.take_accent();
        if self.turned {
            self.make_small();
        }
        (self.end, self.replaced)
    }

    /// Makes `I`, `U` and `Y` vowels again.
    fn make_small(&mut self) {
        if let Some(word) = self.letters[MARGIN..].first_chunk_mut::<LONGEST>() {
            let bytes = u8x32::new(*word);
            let same = |byte: u8| bytes.simd_eq(u8x32::splat(byte));
            *word = (bytes | (same(b'I') | same(b'U') | same(b'Y')) & u8x32::splat(0x20)).to_array();
        }
    }

    /// Whether nothing more is done to the word's ending.
    fn take_standard(&mut self, at: usize, rule: Standard) -> bool {
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
        self.turned |= at.is_some();
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

    fn take_ir(&mut self, at: usize) -> bool {
        let after_consonant = matches!(self.letter_before(at), Some((start, false)) if start >= self.rv);
        if after_consonant {
            self.delete(at);
        }
        after_consonant
    }

    fn take_verb(&mut self, at: usize, rule: Verb) -> bool {
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
        match self.last() {
            b'e' => {
                if let Some(at) = self.either(&const { [suffix("ière"), suffix("Ière")] }) {
                    self.replace(at, "i");
                } else if self.end > self.rv {
                    self.delete(self.end - 1);
                }
            }
            b'r' => {
                if let Some(at) = self.either(&const { [suffix("ier"), suffix("Ier")] }) {
                    self.replace(at, "i");
                }
            }
            b'n' => {
                if let Some(at) = self.suffix(&const { suffix("ion") }, self.rv.max(self.r2))
                    && at > self.rv
                    && matches!(self.letters[at - 1], b's' | b't')
                {
                    self.delete(at);
                }
            }
            0xab => {
                if let Some(at) = self.suffix(&const { suffix("guë") }, self.rv) {
                    self.delete(at + 2);
                }
            }
            _ => {}
        }
    }

    /// Where one of two suffixes begins, in RV.
    fn either(&self, [one, other]: &[Suffix; 2]) -> Option<usize> {
        self.suffix(one, self.rv).or_else(|| self.suffix(other, self.rv))
    }

    /// The last é or è becomes e if only consonants follow, and at least one.
    fn take_accent(&mut self) {
        if !self.accented {
            return;
        }
        let mut at = self.end;
        while let Some((start, false)) = self.letter_before(at) {
            at = start;
        }
        if at < self.end && matches!(self.letters[..at], [.., 0xc3, 0xa8 | 0xa9]) {
            self.letters[at - 2] = b'e';
            self.letters.copy_within(at..self.end, at - 1);
            self.end -= 1;
            self.replaced = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_stemmers::Algorithm;

    /// The stem of a word that stands alone, which has to be that of one that stands in a text.
    fn stemmed(word: &str) -> String {
        let [alone, within] = [word.to_string(), format!("{word} élue")]
            .map(|text| stem(Beginning { of: &text, length: word.len() }, &mut String::new()).as_str().to_string());
        assert_eq!(alone, within);
        alone
    }

    fn endings() -> Vec<String> {
        let mut endings: Vec<String> = [
            "", "iqU", "abl", "ièr", "eus", "iv", "ativ", "icativ", "ic", "abil", "at", "e", "s", "es", "ière", "ion",
            "sion", "ier", "guë", "ë", "ell", "eill", "enn", "onn", "ett", "ç", "y", "è", "é", "logi",
        ]
        .map(String::from)
        .into();
        let verbs = VERBS.iter().map(|(suffix, _)| *suffix);
        let suffixes = STANDARD.iter().map(|(suffix, _)| *suffix).chain(IR.iter().copied()).chain(verbs);
        endings.extend(suffixes.map(String::from));
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
            assert_eq!(stemmed(word), theirs.stem(word), "{word}");
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
                prop_assert_eq!(stemmed(&word), theirs.stem(&word));
            }
        }
    }
}
