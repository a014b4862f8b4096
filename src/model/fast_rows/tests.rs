//! The fast rows beside the plain ones.

use super::marks::Portable;
use super::{Layout, Memory, counted};
use crate::analysis::Analyzer;
use crate::features::CorpusCounter;
use crate::model::featurizer::FittedBlocks;
use crate::model::{AnalyzedTexts, Config, Featurizer, ModelFile};
use crate::sparse::UnorderedRow;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::LazyLock;

/// Every kind of block: alone, beside others, beside others of its kind.
const CONFIGURATIONS: &[&str] = &[
    include_str!("../../../models/press.toml"),
    include_str!("../../../models/baseline.toml"),
    "[features.a]\nngrams = [1, 2]\n[features.b]\nngrams = [2, 3]\nstem = false\nstop_words = \"none\"",
    "[features.a]\nngrams = [1, 4]\nprefix = 3\nstop_words = \"none\"\n[features.b]\nanalyzer = \"char_wb\"\nngrams = [1, 2]
[features.c]\nngrams = [2, 2]\nmin_df = 2\n[features.d]\nanalyzer = \"char_wb\"\nngrams = [6, 7]\nsublinear_tf = false",
    "[features.a]\nngrams = [1, 3]\nsublinear_tf = false\nnorm = 3",
    "[features.a]\nanalyzer = \"char_wb\"\nngrams = [2, 4]",
    "[features.a]\nstemmer = \"frostem\"\n[features.b]\nngrams = [1, 2]\n[features.c]\nanalyzer = \"fields\"",
    "[features.a]\nanalyzer = \"fields\"\n[features.b]\nanalyzer = \"valence\"\n[features.c]\nngrams = [1, 2]",
];

/// What the tokenizer has rules for, and what looks like it.
const PARTS: &[&str] = &[
    "armée",
    "Armée",
    "arme\u{301}e",
    "ARMÉE",
    "l",
    "L",
    "d",
    "qu",
    "lorsqu",
    "aujourd",
    "hui",
    "N",
    "Djamena",
    "t",
    "T",
    "a",
    "il",
    "'",
    "’",
    "`",
    "´",
    "-",
    "\u{2011}",
    " ",
    " ",
    " ",
    " ",
    "\u{a0}",
    "\u{202f}",
    "\u{2009}",
    "\u{3000}",
    "\u{85}",
    "\n",
    "  ",
    "\t",
    "\0",
    "\u{1}",
    "19",
    "500",
    "5",
    "2020",
    "1",
    ",",
    ".",
    "%",
    "h",
    "e",
    "½",
    "²",
    "٣",
    "F",
    "Su",
    "16",
    "cœur",
    "CŒUR",
    "œ",
    "æ",
    "\u{ad}",
    "\u{200b}",
    "\u{feff}",
    "«",
    "»",
    "…",
    "—",
    "(",
    ")",
    "de",
    "la",
    "gouvernement",
    "gouvernementaux",
    "gouvernements,",
    "anticonstitutionnellement",
    "İ",
    "ß",
    "ſ",
    "ﬁ",
    "漢字",
    "🙂",
    "\u{301}",
    "\u{345}",
    "ᾳ",
    "é",
    "è",
    "x",
    "y",
];

fn texts(parts: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        9 => prop::collection::vec(select(PARTS), 0..parts).prop_map(|parts| parts.concat()),
        1 => "\\PC{0,80}",
    ]
}

fn fitted(configuration: &str, texts: &[String]) -> Featurizer {
    let config = Config::from_toml(configuration).unwrap();
    let params = config.for_task("any");
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let rows: Vec<usize> = (0..texts.len()).collect();
    let analyzed = AnalyzedTexts::new(&texts, [params]);
    FittedBlocks::fit(&params.features, &analyzed, &rows).featurizer()
}

fn assert_same(featurizer: &Featurizer, text: &str) {
    let mut plain: Vec<(u32, u64)> = Vec::new();
    let mut first = 0;
    for (_, params, vectorizer) in featurizer.blocks() {
        let analyzer = Analyzer::new(&params.analyzer());
        let row = vectorizer.row(|emit| analyzer.for_each_term(text, |term, _| emit(term)));
        plain.extend(row.iter().map(|(column, value)| (first + column, value.to_bits())));
        first += vectorizer.vocabulary().len() as u32;
    }
    let fast: Vec<(u32, u64)> = featurizer.row(text).iter().map(|(column, value)| (column, value.to_bits())).collect();
    assert_eq!(fast, plain, "{text:?}");
    let sorted = |row: UnorderedRow<'_>| {
        let bits = row.values().iter().map(|value| value.to_bits());
        let mut pairs: Vec<(u32, u64)> = row.columns().iter().copied().zip(bits).collect();
        pairs.sort_unstable();
        pairs
    };
    assert_eq!(featurizer.read_unordered(text, sorted), plain, "{text:?}");
    // As a processor without vector instructions of its own makes them.
    let layout = Layout::new(&featurizer.blocks);
    let mut memory = Memory::new(&layout);
    memory.read::<false>(&featurizer.blocks, &layout, text, Portable);
    assert_eq!(memory.row, featurizer.row(text), "{text:?}");
    if let [_] = featurizer.blocks[..] {
        memory.read::<true>(&featurizer.blocks, &layout, text, Portable);
        assert_eq!(sorted(memory.unordered()), plain, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rows_are_the_plain_ones_bit_for_bit(
        seen in prop::collection::vec(texts(60), 1..30),
        others in prop::collection::vec(texts(30), 40),
    ) {
        for configuration in CONFIGURATIONS {
            let featurizer = fitted(configuration, &seen);
            for (_, params, _) in featurizer.blocks() {
                let params = params.analyzer();
                let analyzer = Analyzer::new(&params);
                let mut counter = CorpusCounter::default();
                for text in &seen {
                    analyzer.for_each_term(text, |term, _| counter.add(term));
                    counter.end_text();
                }
                let texts: Vec<&str> = seen.iter().map(String::as_str).collect();
                prop_assert_eq!(counted(&texts, &params), counter.finish());
            }
            // Every text three times: when its pieces are new, when they are remembered, and what is remembered of it.
            for text in seen.iter().chain(&others).chain(&seen).chain(&others).chain(&seen).chain(&others) {
                assert_same(&featurizer, text);
            }
        }
    }
}

static MODEL: LazyLock<crate::model::Classifier> = LazyLock::new(|| ModelFile::built_in().unwrap().classifier);

const KNOWN: &str =
    "L’armée a saisi 19 500 barils au cœur du Mali, dit-il, selon les anticonstitutionnellement nommés.";

/// A featurizer that most pieces have many columns in, and one in which they have one or none.
fn many_and_few() -> [&'static Featurizer; 2] {
    static FEW: LazyLock<Featurizer> =
        LazyLock::new(|| fitted(include_str!("../../../models/baseline.toml"), &[KNOWN.into()]));
    [MODEL.tasks()[0].featurizer(), &FEW]
}

#[test]
fn a_word_may_stand_any_number_of_times() {
    for featurizer in many_and_few() {
        for times in [255, 256, 257, 70_000] {
            assert_same(featurizer, &"L’armée avance. ".repeat(times));
            assert_same(featurizer, &"de l’armée qui ".repeat(times));
        }
    }
}

#[test]
fn a_word_may_be_of_any_length() {
    for featurizer in many_and_few() {
        for letters in (1..80).chain([1000, 100_000]) {
            let word: String = "électionsdugouvernementmalien".chars().cycle().take(letters).collect();
            assert_same(featurizer, &format!("{word} {word}s, l’{word}"));
        }
    }
}

#[test]
fn a_full_memory_is_emptied_and_says_the_same() {
    for featurizer in many_and_few() {
        for round in 0..4 {
            // More pieces than are kept, each met twice.
            for piece in 0..40_000 {
                let number = round * 40_000 + piece;
                featurizer.row(&format!("m{number} m{number}"));
            }
            assert_same(featurizer, KNOWN);
        }
    }
}
