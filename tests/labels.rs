//! What the data card promises of the project's own labels.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rubrique::dataset::{Dataset, Example, TaskChoice};
use rubrique::task::TaskKind;
use rubrique::text::{Cleaner, Columns, Format, Source};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

fn read(path: &str) -> Dataset {
    Dataset::read(Path::new(path), &Columns::default(), &TaskChoice::Described).unwrap()
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(String::from).collect()
}

#[test]
fn check_finds_no_fault() {
    let mut checked = Dataset::check(Path::new("labels"), &Columns::default(), &TaskChoice::Described).unwrap();
    let quality = checked.quality();
    assert!(checked.faults.is_empty(), "{}", checked.faults[0]);
    for (name, task) in &quality.tasks {
        let labels = task.labels.iter().map(|(label, quality)| (label.as_str(), quality.alpha));
        let alphas: Vec<(&str, Option<f64>)> =
            if task.alpha.is_some() { vec![("all", task.alpha)] } else { labels.collect() };
        assert!(alphas.iter().all(|(_, alpha)| alpha.is_some_and(|a| a >= 0.8)), "{name}: {alphas:?}");
    }
}

#[test]
fn composed_paragraphs_have_the_length_and_grouping_of_press_articles() {
    let dataset = read("labels/composed.csv");
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for example in &dataset.examples {
        let n = example.text.split_whitespace().filter(|w| w.chars().any(char::is_alphanumeric)).count();
        assert!((35..=112).contains(&n), "{}: {n} words", example.id);
        *groups.entry(&example.group).or_default() += 1;
    }
    // Short pieces in three to six paragraphs, and from round 8 on whole features of 750 to 950 words.
    assert!(groups.values().all(|n| (3..=14).contains(n)));
}

#[test]
fn no_run_of_twelve_words_stands_in_more_than_two_articles() {
    let dataset = read("labels");
    let mut holders: HashMap<Vec<String>, BTreeSet<&str>> = HashMap::new();
    for Example { text, group, .. } in &dataset.examples {
        for run in words(text).windows(12) {
            holders.entry(run.to_vec()).or_default().insert(group);
        }
    }
    let most = holders.iter().max_by_key(|(_, groups)| groups.len()).unwrap();
    assert!(most.1.len() <= 2, "{:?} stands in {:?}", most.0, most.1);
}

#[test]
fn the_seed_paragraphs_are_those_that_the_cleaner_finds() {
    let labelled: Vec<String> = read("labels/seeds.csv").examples.into_iter().map(|e| e.text).collect();
    let mut found = Vec::new();
    for source in Source::expand("seeds", Format::Article) {
        for document in source.unwrap().documents(&Columns::default()).unwrap() {
            found.extend(Cleaner.paragraphs(&document.unwrap()).into_iter().map(|p| p.text));
        }
    }
    assert_eq!(labelled, found);
}

#[test]
fn every_paragraph_was_read_twice() {
    let dataset = read("labels");
    let mut readers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for reading in &dataset.readings {
        readers.entry(&reading.id).or_default().insert(&reading.annotator);
    }
    for example in &dataset.examples {
        let both = ["reading-1", "reading-2"].iter().all(|reader| readers[&*example.id].contains(reader));
        assert!(both, "{}: {:?}", example.id, readers[&*example.id]);
    }
    assert_eq!(dataset.tasks.iter().map(|t| t.kind).collect::<Vec<_>>(), [TaskKind::Multi, TaskKind::Single]);
}
