//! The stages of the pipeline on the project's own labelled paragraphs, with throughput in bytes of text.
//!
//! Each bench asserts its output once, outside the timed loop, so that a faster run that dropped work fails.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rubrique::analysis::{Analyzer, tokenize};
use rubrique::dataset::{Dataset, TaskChoice};
use rubrique::model::{Config, ModelFile};
use rubrique::text::Columns;
use rubrique::training::training_set;
use std::hint::black_box;
use std::path::Path;

const BASELINE: &str = include_str!("../models/baseline.toml");
/// So many paragraphs of `labels/composed.csv`, from the first.
const PARAGRAPHS: usize = 500;

fn paragraphs() -> Dataset {
    let choice = TaskChoice::Described;
    let mut dataset =
        Dataset::read(Path::new("labels/composed.csv"), &Columns::default(), &choice).expect("the labels are sound");
    dataset.examples.truncate(PARAGRAPHS);
    dataset
}

fn stages(c: &mut Criterion) {
    let dataset = paragraphs();
    let texts: Vec<&str> = dataset.examples.iter().map(|e| e.text.as_str()).collect();
    let bytes: usize = texts.iter().map(|t| t.len()).sum();
    let model = ModelFile::built_in().expect("the built-in model is sound").classifier;
    let task = &model.tasks()[0];

    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Bytes(bytes as u64));

    let words: usize = texts.iter().map(|t| t.split_whitespace().count()).sum();
    let tokens = |texts: &[&str]| texts.iter().map(|t| tokenize(t).count()).sum::<usize>();
    // Elisions and hyphens make more tokens than there are words, lone punctuation fewer.
    assert!((words..words * 13 / 10).contains(&tokens(&texts)));
    group.bench_function("tokenize", |b| b.iter(|| tokens(black_box(&texts))));

    for (name, block) in &task.params().features {
        let analyzer = Analyzer::new(&block.analyzer());
        let terms = |texts: &[&str]| {
            let mut count = 0;
            texts.iter().for_each(|t| analyzer.for_each_term(t, |_, _| count += 1));
            count
        };
        // Valence stands on the fewest words.
        assert!(terms(&texts) > words / 20);
        group.bench_function(format!("analyse {name}"), |b| b.iter(|| terms(black_box(&texts))));
    }

    let stored = |texts: &[&str]| texts.iter().map(|t| task.featurizer().row(t).len()).sum::<usize>();
    assert!(stored(&texts) > words / 3);
    group.bench_function("vectorize", |b| b.iter(|| stored(black_box(&texts))));

    // The plain path: analyzer and vocabulary, without what was remembered of words.
    let analyzers =
        task.featurizer().blocks().map(|(_, params, vectorizer)| (Analyzer::new(&params.analyzer()), vectorizer));
    let analyzers: Vec<_> = analyzers.collect();
    let plain = |texts: &[&str]| {
        let rows = texts.iter().flat_map(|text| {
            analyzers.iter().map(|(analyzer, vectorizer)| {
                vectorizer.row(|emit| analyzer.for_each_term(text, |term, _| emit(term))).len()
            })
        });
        rows.sum::<usize>()
    };
    assert_eq!(plain(&texts), stored(&texts));
    group.bench_function("vectorize, plain path", |b| b.iter(|| plain(black_box(&texts))));

    let right = |texts: &[&str]| {
        let predictions = texts.iter().map(|t| model.predict(t));
        predictions.zip(&dataset.examples).filter(|(p, e)| e.gold[0].as_ref() == Some(&p[0].labels)).count()
    };
    assert!(right(&texts) > PARAGRAPHS * 3 / 4, "the model has seen these paragraphs");
    group.bench_function("text to labels", |b| b.iter(|| right(black_box(&texts))));
    group.finish();
}

fn fitting(c: &mut Criterion) {
    let dataset = paragraphs();
    let rows: Vec<usize> = (0..dataset.examples.len()).collect();
    let mut group = c.benchmark_group("fit 500 paragraphs");
    group.sample_size(10);
    for (name, config) in [("press", Config::default()), ("baseline", Config::from_toml(BASELINE).expect("sound"))] {
        let set = training_set(&dataset.tasks, &dataset.examples, &config);
        let fitted = set.fit(&config, &rows, 0).expect("fits");
        assert!(fitted.tasks().iter().all(|t| t.regression().convergence().gradient < 1e-3));
        group.bench_function(name, |b| b.iter(|| set.fit(black_box(&config), &rows, 0)));
    }
    group.finish();
}

criterion_group!(benches, stages, fitting);
criterion_main!(benches);
