//! Whether a search can be believed: what it reports is what new paragraphs would give.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rubrique::dataset::{Dataset, Example, Place};
use rubrique::eval::metrics::Metric;
use rubrique::eval::{CrossValidation, Report, SearchPlan, Tuner, Tuning, cross_validate};
use rubrique::model::{Config, Search, Setting, Space};
use rubrique::task::{LabelId, LabelSet, TaskKind, TaskSpec};
use std::collections::BTreeMap;

const WORDS: [[&str; 5]; 2] =
    [["mer", "port", "navire", "quai", "marin"], ["feu", "forge", "braise", "four", "cendre"]];
const COMMON: [&str; 12] =
    ["jour", "ville", "matin", "soir", "année", "rue", "maison", "route", "pont", "voix", "pays", "monde"];

/// Paragraphs, two a group, of two subjects; a share of them tells theirs.
fn paragraphs(n: usize, told: f64, kind: TaskKind, seed: u64) -> Dataset {
    let mut random = fastrand::Rng::with_seed(seed);
    let examples = (0..n).map(|i| {
        let class = random.usize(..2);
        let mut text: Vec<&str> = (0..8).map(|_| COMMON[random.usize(..COMMON.len())]).collect();
        if random.f64() < told {
            text.push(WORDS[class][random.usize(..5)]);
        }
        let both = kind == TaskKind::Multi && i % 7 == 0;
        let gold: LabelSet = (0..2).filter(|&k| both || k == class).map(LabelId).collect();
        Example {
            id: format!("p{i}"),
            group: format!("g{}", i / 2),
            // The number keeps the texts from being near duplicates.
            text: format!("{} {i}", text.join(" ")),
            gold: vec![Some(gold)],
            date: None,
            place: Place { path: "made.csv".into(), line: i as u64 + 2 },
        }
    });
    let spec = TaskSpec { name: "t".into(), kind, labels: ["sea", "fire"].map(String::from).to_vec() };
    Dataset {
        tasks: vec![spec],
        examples: examples.collect(),
        test: Vec::new(),
        readings: Vec::new(),
        notes: Vec::new(),
    }
}

fn settings(space: &str) -> Vec<Setting> {
    let base = Config::from_toml("[features.words]\nngrams = [1, 1]\n").unwrap();
    Space::from_toml(space).unwrap().candidates("t", base.for_task("t"), Search::Grid).unwrap().settings
}

fn search(dataset: &Dataset, settings: Vec<Setting>, metric: Metric) -> (Tuning, Report, Config) {
    let plan = SearchPlan { folds: 4, repeats: 1, inner_folds: 3, metric, seed: 5 };
    Tuner::new(dataset, vec![settings], plan).unwrap().run(&BTreeMap::new(), &|_| Ok(()), &|_| ()).unwrap()
}

#[test]
fn the_setting_that_learns_is_chosen_and_one_that_learns_nothing_is_not() {
    let dataset = paragraphs(120, 0.9, TaskKind::Single, 1);
    let space = "[classifier]\nc = [0.000001, 10]\nnaive_bayes = 0\nclass_weight = \"none\"\n";
    let (tuning, _, config) = search(&dataset, settings(space), Metric::MacroF1);
    assert_eq!(config.for_task("t").classifier.c, 10.0);
    let t = &tuning.tasks["t"];
    assert!(t.choices.iter().all(|choice| choice.setting == 2), "{:?}", t.choices);
    assert!(t.nested.mean.unwrap() > 0.8 && t.settings[0].score.unwrap() < 0.6, "{t:?}");
}

#[test]
fn a_search_among_one_setting_is_an_evaluation_of_it() {
    let dataset = paragraphs(100, 0.8, TaskKind::Multi, 2);
    let (_, mut nested, config) = search(&dataset, settings("[classifier]\nc = 3\n"), Metric::MacroF1);
    let plain = cross_validate(&dataset, &config, &CrossValidation::new(4, 1, 5), &|| ()).unwrap();
    assert_eq!(nested.notes.len(), 1);
    nested.notes.clear();
    assert_eq!(nested.to_json(), plain.to_json());
}

/// Settings that are fitted together, and without what the metric cannot see, score what they score alone and whole: to the
/// bit where none of a smaller C comes before them, else as near as the solver's tolerance brings them.
#[test]
fn a_score_is_that_of_an_evaluation_of_the_setting() {
    let path =
        "[features.words]\nsublinear_tf = [true, false]\n[classifier]\nc = [10, 0.3]\nthresholds = [\"f1\", 0.4]\n";
    let pruned = "[classifier]\nc = [10, 0.3]\nprune = [0.2, 0.6]\n";
    for (kind, metric, near) in [
        (TaskKind::Multi, Metric::MacroF1, 0.01),
        (TaskKind::Multi, Metric::LogLoss, 0.001),
        (TaskKind::Single, Metric::MacroF1, 0.01),
        (TaskKind::Single, Metric::LogLoss, 0.001),
    ] {
        let dataset = paragraphs(100, 0.7, kind, 3);
        for (space, how_many) in [(path, 8), (pruned, 4)] {
            let settings = settings(space);
            assert_eq!(settings.len(), how_many);
            let (tuning, ..) = search(&dataset, settings.clone(), metric);
            for (setting, scores) in settings.iter().zip(&tuning.tasks["t"].settings) {
                let config = Config::from_tasks([("t".to_string(), setting.params.clone())]);
                let plain = cross_validate(&dataset, &config, &CrossValidation::new(3, 1, 5), &|| ()).unwrap();
                let (own, alone) = (scores.score.unwrap(), plain.tasks["t"].estimate(metric).mean.unwrap());
                let starts = setting.params.classifier.c < 1.0 || space == pruned;
                // A sum of logarithms is taken in another order.
                let bound = if starts { 1e-12 } else { near };
                assert!((own - alone).abs() < bound, "{kind:?} {metric:?} {:?}: {own}, {alone}", setting.values);
            }
        }
    }
}

/// Many settings that differ much, so that luck has a choice.
const MANY: &str = "[features.words]\nngrams = [[1, 1], [1, 2], [2, 2]]\nstop_words = [\"none\", \"french\"]\n\
                    sublinear_tf = [true, false]\nmin_df = [1, 3]\n[classifier]\nc = [0.1, 10]\nnaive_bayes = [0, 1]\n";

/// Other texts in one fold's test part change what is said of that fold, and nothing of what is chosen for it.
#[test]
fn a_fold_is_judged_by_what_was_chosen_without_it() {
    let dataset = paragraphs(80, 0.3, TaskKind::Single, 4);
    let settings = settings(MANY);
    let (tuning, report, _) = search(&dataset, settings.clone(), Metric::Accuracy);
    let t = &tuning.tasks["t"];
    let mut chosen: Vec<usize> = t.choices.iter().map(|choice| choice.setting).collect();
    for choice in &t.choices {
        let of_fold = |at: usize| t.settings[at].inner[choice.fold].unwrap();
        let best = (0..settings.len()).fold(0, |best, at| if of_fold(at) > of_fold(best) { at } else { best });
        assert_eq!(
            (choice.setting, choice.inner),
            (best + 1, Some(of_fold(best))),
            "the best inside the training part"
        );

        let mut other = dataset.clone();
        let fold_of = |report: &Report, i: usize| {
            report.predictions.iter().find(|p| p.id == format!("p{i}")).map(|p| p.fold).unwrap()
        };
        for (i, example) in other.examples.iter_mut().enumerate() {
            if fold_of(&report, i) == choice.fold {
                example.text = format!("tout autre chose {i} {}", WORDS[i % 2].join(" "));
            }
        }
        let (again, other_report, _) = search(&other, settings.clone(), Metric::Accuracy);
        assert_eq!(fold_of(&other_report, 0), fold_of(&report, 0), "the deal sees no text");
        let u = &again.tasks["t"];
        let inner = |task: &rubrique::eval::TaskSearch| -> Vec<Option<f64>> {
            task.settings.iter().map(|s| s.inner[choice.fold]).collect()
        };
        assert_eq!(inner(u), inner(t));
        assert_eq!(u.choices[choice.fold].setting, choice.setting);
        assert_ne!(other_report.predictions, report.predictions);

        let config = Config::from_tasks([("t".to_string(), settings[choice.setting - 1].params.clone())]);
        let plain = cross_validate(&dataset, &config, &CrossValidation::new(4, 1, 5), &|| ()).unwrap();
        let said =
            |report: &Report| report.predictions.iter().filter(|p| p.fold == choice.fold).cloned().collect::<Vec<_>>();
        assert_eq!(said(&report), said(&plain), "judged as an evaluation of the chosen setting judges");
    }
    chosen.dedup();
    assert!(chosen.len() > 1, "one setting everywhere would prove little");
}

/// Labels that the text does not tell: half of the answers are right, whatever the settings. The score by which the best of
/// many was chosen says more; the nested one does not. (That no choice sees what it is judged on is shown above: ten small
/// sets of noise are too few to tell a slight leak.)
#[test]
fn luck_is_not_reported() {
    let (mut best, mut nested) = (0.0, 0.0);
    let trials = 10;
    for seed in 0..trials {
        let dataset = paragraphs(60, 0.0, TaskKind::Single, 100 + seed);
        let (tuning, ..) = search(&dataset, settings(MANY), Metric::Accuracy);
        let t = &tuning.tasks["t"];
        best += t.settings[t.winner - 1].score.unwrap() / trials as f64;
        nested += t.nested.mean.unwrap() / trials as f64;
    }
    // 600 coin flips: a standard deviation of 0.02.
    assert!((nested - 0.5).abs() < 0.05, "nested {nested}");
    assert!(best > 0.56, "best {best}");
}
