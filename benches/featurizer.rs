//! From text to rows and from text to labels: speeds, and rows for other tools to compare.
//!
//! `cargo bench --bench featurizer -- FOLDER` serves `benches/peers/featurizer.py`, which wrote corpora to FOLDER, one
//! paragraph a line. It writes the rows of some paragraphs (`rows-characters.jsonl`: by term its weight) beside them, and
//! then answers each line of its input, a way to read, a corpus and the number of a slice of it with tabs between, with the
//! speed in MiB a CPU second on one thread.
//! `-- --rows FILE` makes the built-in model's rows of the lines of FILE and nothing else, for `benches/peers/counts.py`.

use cpu_time::ProcessTime;
use rubrique::analysis::Analyzer;
use rubrique::dataset::{Dataset, TaskChoice};
use rubrique::features::TfidfVectorizer;
use rubrique::model::{Classifier, Config, Featurizer, ModelFile};
use rubrique::sparse::SparseRow;
use rubrique::task::Prediction;
use rubrique::text::Columns;
use rubrique::training::training_set;
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;

const PRESS: &str = include_str!("../models/press.toml");
const WORDS: &str = "[features.words]\n";
const PAIRS: &str = "[features.words]\nngrams = [1, 2]\n";
/// What scikit-learn can make too, term for term.
const CHARACTERS: &str = "[features.characters]\nanalyzer = \"char_wb\"\nngrams = [3, 5]\n";

/// Memories are filled with the first.
const CORPORA: [&str; 4] = ["known", "unknown-2", "unknown-10", "typographic"];
/// A corpus has so many slices.
const SLICES: usize = 9;
/// So many paragraphs of a corpus are made by the plain path too, and of a slice.
const CHECKED: usize = 2000;
/// So many rows are written.
const WRITTEN: usize = 500;

/// What is done with a paragraph.
type Way<'a> = Box<dyn Fn(&str) + 'a>;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next().filter(|argument| argument != "--bench") else { return };
    if folder == "--rows" {
        return rows(&arguments.next().expect("a file"));
    }
    let text =
        |name: &str| std::fs::read_to_string(Path::new(&folder).join(name)).expect("the folder holds the corpora");
    let texts = CORPORA.map(|name| text(&format!("{name}.txt")));
    let corpora: HashMap<&str, Vec<&str>> =
        CORPORA.into_iter().zip(&texts).map(|(name, text)| (name, text.lines().collect())).collect();

    let fits = [("words", WORDS), ("words and pairs", PAIRS), ("shipped", PRESS)].map(|(name, of)| (name, fitted(of)));
    let built_in = ModelFile::built_in().expect("the built-in model is sound").classifier;
    let mut ways: HashMap<String, Way> = HashMap::new();
    for (name, classifier) in &fits {
        let featurizer = classifier.tasks()[0].featurizer();
        let plain = analyzers(featurizer);
        for line in corpora.values().flat_map(|lines| &lines[..CHECKED]) {
            let row = featurizer.row(line);
            let row = row.iter().map(|(column, value)| (column, value.to_bits()));
            assert!(row.eq(plain_row(&plain, line)), "{line}");
        }
        let plain_way = move |line: &str| drop(black_box(plain_row(&plain, line)));
        ways.insert(name.to_string(), Box::new(|line| drop(black_box(featurizer.row(line)))));
        ways.insert(format!("{name}, plain path"), Box::new(plain_way));
    }
    let (_, of_words) = &fits[0];
    for (name, model) in [("labels", &built_in), ("labels by words", of_words)] {
        let plain = analyzers(model.tasks()[0].featurizer());
        for line in corpora.values().flat_map(|lines| &lines[..CHECKED]) {
            assert_eq!(model.predict(line), plain_labels(model, &plain, line), "{line}");
        }
        let plain_way = move |line: &str| drop(black_box(plain_labels(model, &plain, line)));
        ways.insert(name.to_string(), Box::new(|line| drop(black_box(model.predict(line)))));
        ways.insert(format!("{name}, plain path"), Box::new(plain_way));
    }
    for (_, way) in ways.iter().filter(|(name, _)| !name.ends_with("plain path")) {
        corpora["known"].iter().for_each(|line| way(line));
    }
    write_characters(&Path::new(&folder).join("rows-characters.jsonl"), &corpora["unknown-10"]);
    for line in std::io::stdin().lines() {
        let line = line.expect("readable");
        let request: Vec<&str> = line.split('\t').collect();
        let &[way, corpus, slice] = &request[..] else { panic!("a way, a corpus and a number: {line}") };
        let lines = &corpora[corpus];
        let slice: usize = slice.parse().expect("a number");
        let slice = lines.chunks(lines.len().div_ceil(SLICES)).nth(slice).expect("a slice");
        let slice = if way.ends_with("plain path") { &slice[..CHECKED.min(slice.len())] } else { slice };
        report(&speed(slice, &ways[way]).to_string());
    }
}

fn write_characters(path: &Path, lines: &[&str]) {
    let classifier = fitted(CHARACTERS);
    let featurizer = classifier.tasks()[0].featurizer();
    let terms: Vec<&str> = featurizer.terms().map(|(_, term)| term).collect();
    let mut out = std::fs::File::create(path).expect("a writable folder");
    for line in &lines[..WRITTEN] {
        let row = featurizer.row(line);
        let row: BTreeMap<&str, f64> = row.iter().map(|(column, value)| (terms[column as usize], value)).collect();
        writeln!(out, "{}", serde_json::to_string(&row).expect("finite")).expect("a writable folder");
    }
}

fn rows(file: &str) {
    let text = std::fs::read_to_string(file).expect("a file of text");
    let model = ModelFile::built_in().expect("the built-in model is sound").classifier;
    let featurizer = model.tasks()[0].featurizer();
    let stored: usize = text.lines().map(|line| featurizer.row(line).len()).sum();
    report(&format!("{{\"stored\":{stored}}}"));
}

#[expect(clippy::print_stdout, reason = "the result of this bench")]
fn report(line: &str) {
    println!("{line}");
}

/// Features learnt from the project's labels, with weights of a quick fit, on which no speed depends.
fn fitted(features: &str) -> Classifier {
    let features = features.split("[classifier]").next().unwrap_or(features);
    let quick = "[classifier]\nc = 1e-6\nnaive_bayes = 0\ncalibration = \"none\"\nthresholds = 0.5\n";
    let config = Config::from_toml(&format!("{features}{quick}")).expect("a sound configuration");
    let labels = Path::new("labels/composed.csv");
    let dataset = Dataset::read(labels, &Columns::default(), &TaskChoice::Described).expect("the labels are sound");
    let rows: Vec<usize> = (0..dataset.examples.len()).collect();
    let set = training_set(&dataset.tasks, &dataset.examples, &config);
    set.fit(&config, &rows, 0).expect("fits")
}

/// MiB a CPU second.
fn speed(lines: &[&str], work: &Way) -> f64 {
    let start = ProcessTime::now();
    lines.iter().for_each(|line| work(line));
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    bytes as f64 / start.elapsed().as_secs_f64() / f64::from(1 << 20)
}

fn analyzers(featurizer: &Featurizer) -> Vec<(Analyzer, &TfidfVectorizer)> {
    featurizer.blocks().map(|(_, params, tfidf)| (Analyzer::new(&params.analyzer()), tfidf)).collect()
}

/// Labels by the plain row, one task after another; all tasks share their features.
fn plain_labels(model: &Classifier, blocks: &[(Analyzer, &TfidfVectorizer)], text: &str) -> Vec<Prediction> {
    let row = plain_row(blocks, text).into_iter().map(|(column, value)| (column, f64::from_bits(value)));
    let row = SparseRow::from_sorted(row);
    model.tasks().iter().map(|task| task.decision().decide(&task.regression().scores(&row))).collect()
}

/// A row by analyzer and vocabulary, as bits.
fn plain_row(blocks: &[(Analyzer, &TfidfVectorizer)], text: &str) -> Vec<(u32, u64)> {
    let (mut row, mut first) = (Vec::new(), 0);
    for (analyzer, vectorizer) in blocks {
        let block = vectorizer.row(|emit| analyzer.for_each_term(text, |term, _| emit(term)));
        row.extend(block.iter().map(|(column, value)| (first + column, value.to_bits())));
        first += vectorizer.vocabulary().len() as u32;
    }
    row
}
