//! The whole pipeline, from text to decided labels: what every fitted classifier must keep.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rubrique::dataset::{Dataset, Example, TaskChoice};
use rubrique::eval::metrics::{Judged, Metric};
use rubrique::eval::{CrossValidation, SHARES, cross_validate, learning_curve};
use rubrique::model::{Classifier, Config, ModelFile};
use rubrique::split::share_of_groups;
use rubrique::task::{LabelId, Score, TaskKind};
use rubrique::text::{Cleaner, Columns, Format, Source};
use rubrique::training::training_set;
use std::path::Path;

fn labels() -> Dataset {
    Dataset::read(Path::new("labels"), &Columns::default(), &TaskChoice::Described).unwrap()
}

/// A part of the project's labels, small enough to fit many times.
fn some_labels(articles: usize) -> Dataset {
    let mut dataset = labels();
    let mut groups: Vec<String> = dataset.examples.iter().map(|e| e.group.clone()).collect();
    groups.dedup();
    groups.truncate(articles);
    dataset.examples.retain(|e| groups.contains(&e.group));
    dataset
}

fn fit(dataset: &Dataset, config: &Config, rows: &[usize]) -> Classifier {
    training_set(&dataset.tasks, &dataset.examples, config).fit(config, rows, 0).unwrap()
}

fn configs() -> [(&'static str, Config); 2] {
    [
        ("press", Config::from_toml(include_str!("../models/press.toml")).unwrap()),
        ("baseline", Config::from_toml(include_str!("../models/baseline.toml")).unwrap()),
    ]
}

#[test]
fn a_fold_never_sees_a_word_of_its_test_part() {
    let mut dataset = some_labels(60);
    let n = dataset.examples.len();
    // A word of its own in every text.
    for (i, example) in dataset.examples.iter_mut().enumerate() {
        example.text.push_str(&format!(" zyx{i}qwv"));
    }
    for (name, config) in configs() {
        let set = training_set(&dataset.tasks, &dataset.examples, &config);
        let (train, test): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| i % 4 != 0);
        let classifier = set.fit(&config, &train, 0).unwrap();
        for task in classifier.tasks() {
            let terms: Vec<&str> = task.featurizer().terms().map(|(_, term)| term).collect();
            let known = |i: usize| terms.contains(&format!("zyx{i}qwv").as_str());
            let has_words = task.params().features.contains_key("words");
            assert!(has_words && train.iter().all(|&i| known(i)), "{name}: the training part is known");
            assert!(test.iter().all(|&i| !known(i)), "{name}: the test part is not");
        }
    }
}

#[test]
fn a_fit_in_a_fold_is_bit_for_bit_the_fit_from_its_raw_texts() {
    let dataset = some_labels(60);
    for (name, config) in configs() {
        let (train, test): (Vec<usize>, Vec<usize>) = (0..dataset.examples.len()).partition(|i| i % 5 != 2);
        let set = training_set(&dataset.tasks, &dataset.examples, &config);
        let in_fold = set.fit(&config, &train, 0).unwrap();
        let answers = set.fit_and_predict(&config, &train, &test, 0).unwrap();
        let alone: Vec<Example> = train.iter().map(|&i| dataset.examples[i].clone()).collect();
        let raw = training_set(&dataset.tasks, &alone, &config)
            .fit(&config, &(0..alone.len()).collect::<Vec<_>>(), 0)
            .unwrap();
        for ((a, b), decision) in in_fold.tasks().iter().zip(raw.tasks()).zip(&answers.decisions) {
            assert!(a.featurizer().terms().eq(b.featurizer().terms()), "{name}");
            assert_eq!(a.regression(), b.regression(), "{name}");
            assert_eq!(a.decision(), b.decision(), "{name}");
            assert_eq!(decision, b.decision(), "{name}");
        }
        for (&i, prediction) in test.iter().zip(&answers.predictions) {
            assert_eq!(prediction, &raw.predict(&dataset.examples[i].text), "{name}: counted and raw text alike");
        }
    }
}

#[test]
fn save_and_load_keep_every_prediction() {
    let dataset = some_labels(40);
    let two_stemmers = "[features.words]\nstemmer = \"frostem\"\n[features.fields]\nanalyzer = \"fields\"\n";
    for (name, config) in configs().into_iter().chain([("two stemmers", Config::from_toml(two_stemmers).unwrap())]) {
        let classifier = fit(&dataset, &config, &(0..dataset.examples.len()).collect::<Vec<_>>());
        let provenance = ModelFile::built_in().unwrap().provenance;
        let file = ModelFile { classifier, provenance };
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("model.safetensors");
        file.save(&path).unwrap();
        let read = ModelFile::load(&path).unwrap();
        assert!(file.to_bytes().unwrap() == read.to_bytes().unwrap(), "{name}: written again, the same bytes");
        for example in &dataset.examples {
            assert_eq!(file.classifier.predict(&example.text), read.classifier.predict(&example.text), "{name}");
        }
    }
}

#[test]
fn a_label_absent_from_a_training_part_has_its_base_rate() {
    let dataset = some_labels(60);
    let terrorism = LabelId(dataset.tasks[0].labels.iter().position(|l| l == "terrorism").unwrap());
    let without: Vec<usize> = (0..dataset.examples.len())
        .filter(|&i| dataset.examples[i].gold[0].as_ref().is_some_and(|set| !set.contains(terrorism)))
        .collect();
    let classifier = fit(&dataset, &Config::default(), &without);
    for example in &dataset.examples {
        let prediction = &classifier.predict(&example.text)[0];
        assert!(prediction.probabilities[terrorism.0].get() < 1e-12);
        assert!(!prediction.labels.contains(terrorism));
    }
}

#[test]
fn texts_without_a_known_term_get_the_prior_and_no_panic() {
    let built_in = ModelFile::built_in().unwrap().classifier;
    let words = Config::from_toml("[features.words]\n").unwrap();
    let dataset = some_labels(40);
    let of_words = fit(&dataset, &words, &(0..dataset.examples.len()).collect::<Vec<_>>());
    let without = ["", " ", "☃☃☃", "\u{0}\u{1}"];
    // The built-in model knows of any word that it has no valence.
    for (model, texts) in [(&built_in, &without[..]), (&of_words, &[&without[..], &["qqqqzzzz"]].concat())] {
        for text in texts {
            for (task, prediction) in model.tasks().iter().zip(model.predict(text)) {
                let intercepts: Vec<Score> = task.regression().intercepts().iter().copied().map(Score).collect();
                assert_eq!(prediction, task.decision().decide(&intercepts), "{text:?}, {}", task.spec().name);
                assert!(prediction.probabilities.iter().all(|p| p.get().is_finite()));
            }
        }
    }
    assert!(built_in.predict("qqqqzzzz").iter().flat_map(|p| &p.probabilities).all(|p| p.get().is_finite()));
}

#[test]
fn the_shipped_model_comes_from_the_labels_and_the_shipped_configuration() {
    let shipped = ModelFile::built_in().unwrap();
    let dataset = labels();
    let config = Config::default();
    assert_eq!(
        shipped.provenance.data_sha256,
        dataset.sha256(&dataset.examples),
        "labels changed: train the model again"
    );
    assert_eq!(shipped.classifier.config(), config, "models/press.toml changed: train the model again");
    let again = fit(&dataset, &config, &(0..dataset.examples.len()).collect::<Vec<_>>());
    for (old, new) in shipped.classifier.tasks().iter().zip(again.tasks()) {
        assert!(old.featurizer().terms().eq(new.featurizer().terms()));
        let weights = old.regression().weights().iter().zip(new.regression().weights());
        let most = weights.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-6, "weights differ by {most}");
    }
    for source in Source::expand("seeds", Format::Article) {
        for document in source.unwrap().documents(&Columns::default()).unwrap() {
            for p in Cleaner.paragraphs(&document.unwrap()) {
                let labels = |c: &Classifier| c.predict(&p.text).into_iter().map(|p| p.labels).collect::<Vec<_>>();
                assert_eq!(labels(&shipped.classifier), labels(&again), "{}", p.text);
            }
        }
    }
}

#[test]
fn a_model_states_the_stemmers_of_its_blocks_and_one_without_new_settings_keeps_its_bytes() {
    let built_in = ModelFile::built_in().unwrap();
    assert_eq!(built_in.stemmers(), "french (rust-stemmers 1.2.0)");
    assert!(built_in.to_bytes().unwrap() == include_bytes!("../models/press.safetensors"));
    let dataset = some_labels(10);
    for (blocks, stemmers) in [
        ("[features.a]\nstemmer = \"frostem\"\n", "french (frostem 2.20261016.1)"),
        ("[features.a]\nstemmer = \"frostem\"\nstem = false\n", "french (rust-stemmers 1.2.0)"),
        (
            "[features.a]\nstemmer = \"frostem\"\n[features.b]\nanalyzer = \"valence\"\n",
            "french (rust-stemmers 1.2.0, frostem 2.20261016.1)",
        ),
    ] {
        let classifier =
            fit(&dataset, &Config::from_toml(blocks).unwrap(), &(0..dataset.examples.len()).collect::<Vec<_>>());
        assert_eq!(ModelFile { classifier, provenance: built_in.provenance.clone() }.stemmers(), stemmers, "{blocks}");
    }
}

#[test]
fn shuffled_labels_score_at_chance() {
    let mut dataset = some_labels(120);
    let n = dataset.examples.len();
    let golds: Vec<_> = dataset.examples.iter().map(|e| e.gold.clone()).collect();
    // A fixed shuffle: 7919 is prime to every smaller number.
    for (i, example) in dataset.examples.iter_mut().enumerate() {
        example.gold = golds[(i * 7919 + 13) % n].clone();
        example.group = format!("alone {i}");
    }
    let plan = CrossValidation::new(5, 1, 0);
    let report = cross_validate(&dataset, &Config::default(), &plan, &|| ()).unwrap();
    for (label, figures) in &report.tasks["theme"].labels {
        let auc = figures.intervals["roc_auc"].mean.unwrap();
        assert!((0.35..0.65).contains(&auc), "{label}: area under the ROC curve {auc}");
    }
}

#[test]
fn rows_copied_into_other_groups_do_not_raise_the_score() {
    let dataset = some_labels(120);
    let plan = CrossValidation::new(5, 1, 0);
    let once = cross_validate(&dataset, &Config::default(), &plan, &|| ()).unwrap();
    let mut copied = dataset.clone();
    for example in &dataset.examples {
        copied.examples.push(Example {
            id: format!("{} again", example.id),
            group: format!("{} again", example.group),
            ..example.clone()
        });
    }
    let twice = cross_validate(&copied, &Config::default(), &plan, &|| ()).unwrap();
    for task in ["theme", "tone"] {
        let (before, after) = (once.tasks[task].estimate(Metric::MacroF1), twice.tasks[task].estimate(Metric::MacroF1));
        assert!(after.mean.unwrap() < before.high.unwrap(), "{task}: {before:?} {after:?}");
    }
}

#[test]
fn half_a_learning_curve_is_as_unsure_as_its_few_rows_make_it() {
    let (dataset, config, plan) = (some_labels(60), &configs()[0].1, CrossValidation::new(3, 1, 0));
    let report = cross_validate(&dataset, config, &plan, &|| ()).unwrap();
    let points = learning_curve(&dataset, config, &plan, &|| ()).unwrap();
    let half = points.iter().find(|point| point.share == SHARES[2]).unwrap();
    let set = training_set(&dataset.tasks, &dataset.examples, config);
    let (t, spec) = dataset.tasks.iter().enumerate().find(|(_, spec)| spec.kind == TaskKind::Single).unwrap();
    let fold_of = |row: usize| report.predictions.iter().find(|p| p.id == dataset.examples[row].id).unwrap().fold;
    let (mut values, mut ratios) = (Vec::new(), Vec::new());
    for fold in 0..3 {
        let (test, train): (Vec<usize>, Vec<usize>) =
            (0..dataset.examples.len()).partition(|&row| fold_of(row) == fold);
        let train = share_of_groups(&set.groups, &train, SHARES[2], 0);
        let answers = set.fit_and_predict(config, &train, &test, 0).unwrap();
        let judged: Vec<Judged<'_>> = test
            .iter()
            .zip(&answers.predictions)
            .map(|(&row, said)| Judged {
                gold: dataset.examples[row].gold[t].as_ref().unwrap(),
                labels: &said[t].labels,
                probabilities: &[],
            })
            .collect();
        values.push(Metric::MacroF1.of(spec.kind, spec.labels.len(), &judged).unwrap());
        ratios.push(test.len() as f64 / train.len() as f64);
    }
    // Nadeau and Bengio 2003, with t(0.975, 2) from a table.
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|v| (v - mean(&values)).powi(2)).sum::<f64>() / 2.0;
    let expected = 4.302_652_73 * ((1.0 / 3.0 + mean(&ratios)) * variance).sqrt();
    let found = half.tasks[&spec.name].macro_f1;
    let found = (found.high.unwrap() - found.low.unwrap()) / 2.0;
    // Parts of folds are not of one size.
    assert!(mean(&ratios) > 0.9 && (found / expected - 1.0).abs() < 0.02, "{found} and {expected}: {ratios:?}");
}
