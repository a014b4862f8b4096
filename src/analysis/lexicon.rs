//! What words are about, and whether they speak well or ill of it: a lexicon made for this project, word by word.
//!
//! `lexicon.tsv` has one line a stem: the stem, the most frequent word of that stem, and its marks, separated by spaces: up
//! to three semantic fields, the most fitting first, then a valence if it has one. Lines are sorted by stem.

use super::Stemmer;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::LazyLock;

const FRENCH: &str = include_str!("lexicon.tsv");

/// The stemmer of the lexicon's stems.
pub const STEMMER: Stemmer = Stemmer::RustStemmers;

/// Where each line begins, by the hash of its stem.
static LINES: LazyLock<HashTable<u32>> = LazyLock::new(|| {
    let ends = memchr::memchr_iter(b'\n', FRENCH.as_bytes());
    let mut lines = HashTable::with_capacity(ends.clone().count());
    let hash = |&at: &u32| HASH.hash_one(stem_of(at));
    let mut start = 0;
    for end in ends {
        lines.insert_unique(hash(&start), start, hash);
        start = end as u32 + 1;
    }
    lines
});

const HASH: FixedState = FixedState::with_seed(0);

/// The fields of each domain. A field stands in one domain at most.
const DOMAINS: &[(&str, &[&str])] = &[
    (
        "any state",
        &["politics", "government", "election", "parliament", "protest", "rights", "diplomacy", "nation", "migration"],
    ),
    ("any law", &["law", "crime", "corruption"]),
    ("any force", &["army", "weapon", "war", "terrorism", "violence"]),
    ("any harm", &["disaster", "death", "aid", "poverty", "safety"]),
    ("any economy", &["economy", "finance", "trade", "company", "industry", "work", "tax", "wealth"]),
    ("any resource", &["agriculture", "fishing", "mining", "energy", "oil"]),
    ("any journey", &["transport", "rail", "aviation", "shipping", "movement", "tourism"]),
    ("any place", &["building", "city", "home"]),
    ("any science", &["science", "mathematics", "physics", "chemistry", "biology", "astronomy", "measure"]),
    ("any technology", &["computing", "internet", "telecom", "machine"]),
    ("any health", &["disease", "medicine", "body", "mind", "nutrition", "sexuality"]),
    ("any nature", &["animal", "plant", "geology", "landform", "water", "weather", "climate"]),
    ("any art", &["art", "music", "cinema", "stage", "literature", "media", "celebrity", "fashion", "game", "feast"]),
    ("any mind", &["history", "religion", "philosophy", "language", "education", "custom"]),
    ("any sport", &["sport", "football", "athletics", "teamsport", "racing", "combat", "snow", "racket"]),
    ("any life", &["food", "drink", "family", "child", "woman", "people", "emotion", "character", "leisure"]),
    ("any africa", &["westafrica", "centralafrica", "eastafrica", "northafrica", "southernafrica"]),
    (
        "any world",
        &["france", "europe", "russia", "mideast", "southasia", "eastasia", "northamerica", "latinamerica", "oceania"],
    ),
];

/// Fields that belong to no domain: they say how a thing is told.
#[cfg(test)]
const GENERAL: &[&str] = &["time", "quantity", "speech", "thought", "conflict", "cooperation", "change"];

const VALENCES: &[&str] = &["++", "+", "-", "--"];
/// What [`Marks::valence`] says of a word of the lexicon without one: counted, it tells many such words from few.
const NEITHER: &str = "0";

/// What the lexicon says of a stem.
#[derive(Debug, Clone, Copy)]
pub struct Marks(&'static str);

impl Marks {
    /// Looks a stem up.
    pub fn of(stem: &str) -> Self {
        let line = LINES.find(HASH.hash_one(stem), |&at| stem_of(at) == stem);
        Marks(line.map_or("", |&at| cells(at)[2]))
    }

    fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split_ascii_whitespace()
    }

    /// The semantic fields of the stem, the most fitting first; none for a stem that the lexicon lacks.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        self.iter().filter(|mark| !VALENCES.contains(mark))
    }

    /// Whether the words of the stem speak well (`+`, `++`) or ill (`-`, `--`) of what they tell, or neither (`0`); none for
    /// a stem that the lexicon lacks.
    pub fn valence(self) -> Option<&'static str> {
        self.iter()
            .fold(None, |found, mark| if VALENCES.contains(&mark) { Some(mark) } else { found.or(Some(NEITHER)) })
    }
}

/// The domain that a field belongs to; fields that say how a thing is told have none.
pub fn domain(field: &str) -> Option<&'static str> {
    static BY_FIELD: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        DOMAINS.iter().flat_map(|(domain, fields)| fields.iter().map(move |field| (*field, *domain))).collect()
    });
    BY_FIELD.get(field).copied()
}

/// Stem, word and marks of the line that begins at an offset.
fn cells(at: u32) -> [&'static str; 3] {
    let mut cells = FRENCH[at as usize..].lines().next().unwrap_or_default().split('\t');
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// The first of them.
fn stem_of(at: u32) -> &'static str {
    let line = &FRENCH[at as usize..];
    &line[..memchr::memchr(b'\t', line.as_bytes()).unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::normalize;

    #[test]
    fn forms_of_a_word_have_its_fields_and_valence() {
        for word in ["massacre", "massacres"] {
            let stem = STEMMER.stem(word);
            assert!(Marks::of(&stem).fields().any(|field| field == "death"));
            assert_eq!(Marks::of(&stem).valence(), Some("--"));
        }
        let marks = Marks::of(&STEMMER.stem("footballeurs"));
        assert!(marks.fields().any(|field| domain(field) == Some("any sport")));
        assert_eq!(marks.valence(), Some("0"));
        assert_eq!((Marks::of("zzz").fields().next(), Marks::of("zzz").valence()), (None, None));
    }

    #[test]
    fn lines_are_sorted_stems_with_known_marks() {
        let lines: Vec<[&str; 3]> = LINES.iter().map(|&at| cells(at)).collect();
        let stems: Vec<&str> = FRENCH.lines().filter_map(|line| line.split('\t').next()).collect();
        assert!(stems.is_sorted_by(|a, b| a < b) && stems.len() == lines.len());
        for [stem, word, marks] in lines {
            assert_eq!((normalize(word).as_ref(), STEMMER.stem(word).as_ref()), (word, stem));
            let marks: Vec<&str> = marks.split(' ').collect();
            let (fields, valence) = match marks.split_last() {
                Some((last, fields)) if VALENCES.contains(last) => (fields, true),
                _ => (&marks[..], false),
            };
            assert!(fields.len() <= 3 && (valence || !fields.is_empty()), "{word}");
            assert!(
                fields.iter().all(|field| domain(field).is_some() || GENERAL.contains(field)),
                "{word}: {fields:?}"
            );
        }
    }

    #[test]
    fn a_field_stands_in_one_domain() {
        let mut all: Vec<&str> = DOMAINS.iter().flat_map(|(_, fields)| *fields).chain(GENERAL).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
