//! CPU seconds from text to rows, and the rows for other tools to compare.
//!
//! `cargo bench --bench featurizer -- FOLDER` reads corpora that `benches/peers/featurizer.py` wrote to FOLDER, one
//! paragraph a line, and writes the rows of some paragraphs (`rows-characters.jsonl`: by term its weight) beside them.

use cpu_time::ProcessTime;
use rubrique::analysis::Analyzer;
use rubrique::dataset::{Dataset, TaskChoice};
use rubrique::eval::training_set;
use rubrique::model::{Config, Featurizer};
use rubrique::text::Columns;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const PRESS: &str = include_str!("../models/press.toml");
const WORDS: &str = "[features.words]\n";
const PAIRS: &str = "[features.words]\nngrams = [1, 2]\n";
/// What scikit-learn can make too, term for term.
const CHARACTERS: &str = "[features.characters]\nanalyzer = \"char_wb\"\nngrams = [3, 5]\n";

/// The first corpus only fills memories.
const CORPORA: [&str; 4] = ["known", "unknown-2", "unknown-10", "typographic"];
/// So many paragraphs of a corpus are made by the plain path too.
const CHECKED: usize = 2000;
/// So many rows are written.
const WRITTEN: usize = 500;

fn main() {
    let Some(folder) = std::env::args().nth(1).filter(|argument| !argument.starts_with("--")) else { return };
    let text =
        |name: &str| std::fs::read_to_string(Path::new(&folder).join(name)).expect("the folder holds the corpora");
    let corpora = CORPORA.map(|name| (name, text(&format!("{name}.txt"))));
    for (name, features) in [("words", WORDS), ("words and pairs", PAIRS), ("shipped", PRESS)] {
        let featurizer = fitted(features);
        for (corpus, text) in &corpora {
            let start = ProcessTime::now();
            let stored: usize = text.lines().map(|line| featurizer.row(line).len()).sum();
            let seconds = start.elapsed().as_secs_f64();
            let checked: Vec<&str> = text.lines().take(CHECKED).collect();
            let start = ProcessTime::now();
            let plain: Vec<_> = checked.iter().map(|line| plain_row(&featurizer, line)).collect();
            let plain_seconds = start.elapsed().as_secs_f64();
            for (line, plain) in checked.iter().zip(plain) {
                let row = featurizer.row(line);
                assert!(row.iter().map(|(column, value)| (column, value.to_bits())).eq(plain), "{line}");
            }
            let plain_bytes: usize = checked.iter().map(|line| line.len() + 1).sum();
            report(&format!(
                "{{\"features\":\"{name}\",\"corpus\":\"{corpus}\",\"columns\":{},\"stored\":{stored},\
                 \"bytes\":{},\"seconds\":{seconds:.4},\"plain_bytes\":{plain_bytes},\"plain_seconds\":{plain_seconds:.4}}}",
                featurizer.width(),
                text.len()
            ));
        }
    }
    let featurizer = fitted(CHARACTERS);
    let terms: Vec<&str> = featurizer.terms().map(|(_, term)| term).collect();
    let mut out = std::fs::File::create(Path::new(&folder).join("rows-characters.jsonl")).expect("a writable folder");
    for line in corpora[2].1.lines().take(WRITTEN) {
        let row = featurizer.row(line);
        let row: BTreeMap<&str, f64> = row.iter().map(|(column, value)| (terms[column as usize], value)).collect();
        writeln!(out, "{}", serde_json::to_string(&row).expect("finite")).expect("a writable folder");
    }
}

#[expect(clippy::print_stdout, reason = "the result of this bench")]
fn report(line: &str) {
    println!("{line}");
}

/// Features learnt from the project's labels, with weights that nobody asks.
fn fitted(features: &str) -> Arc<Featurizer> {
    let features = features.split("[classifier]").next().unwrap_or(features);
    let quick = "[classifier]\nc = 1e-6\nnaive_bayes = 0\ncalibration = \"none\"\nthresholds = 0.5\n";
    let config = Config::from_toml(&format!("{features}{quick}")).expect("a sound configuration");
    let labels = Path::new("labels/composed.csv");
    let dataset = Dataset::read(labels, &Columns::default(), &TaskChoice::Described).expect("the labels are sound");
    let rows: Vec<usize> = (0..dataset.examples.len()).collect();
    let set = training_set(&dataset.tasks, &dataset.examples, &config);
    let classifier = set.fit(&config, &rows, 0).expect("fits");
    Arc::clone(classifier.tasks()[0].featurizer())
}

/// A row by analyzer and vocabulary, as bits.
fn plain_row(featurizer: &Featurizer, text: &str) -> Vec<(u32, u64)> {
    let (mut row, mut first) = (Vec::new(), 0);
    for (_, params, vectorizer) in featurizer.blocks() {
        let analyzer = Analyzer::new(&params.analyzer());
        let block = vectorizer.row(|emit| analyzer.for_each_term(text, |term, _| emit(term)));
        row.extend(block.iter().map(|(column, value)| (first + column, value.to_bits())));
        first += vectorizer.vocabulary().len() as u32;
    }
    row
}
