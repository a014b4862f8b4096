//! Values that scikit-learn and scipy computed; `tests/oracle/make.py` makes them again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rubrique::eval::metrics::{Counts, Judged, Metric, average_precision, confusion, risk_coverage, roc_auc};
use rubrique::features::{Corpus, CorpusCounter, TfidfParams};
use rubrique::linear::{BinaryCalibrator, ClassWeight, LogisticParams, Solver, Targets, Temperature, fit_together};
use rubrique::sparse::{SparseMatrix, SparseRow};
use rubrique::task::{LabelId, LabelSet, Score, TaskKind};
use serde::Deserialize;
use std::collections::BTreeMap;

use rubrique::analysis::{Analyzer, AnalyzerParams, StopWords, Unit};

#[derive(Deserialize)]
struct Oracle {
    texts: Vec<String>,
    tfidf: BTreeMap<String, Tfidf>,
    logistic: BTreeMap<String, Logistic>,
    metrics: BTreeMap<String, Metrics>,
    platt: Platt,
    temperature: TemperatureCase,
}

#[derive(Deserialize)]
struct Tfidf {
    terms: Vec<String>,
    idf: Vec<f64>,
    rows: Vec<Vec<(u32, f64)>>,
    unseen: Vec<(u32, f64)>,
}

#[derive(Deserialize)]
struct Logistic {
    x: Vec<Vec<(u32, f64)>>,
    width: usize,
    classes: usize,
    labels: Vec<usize>,
    fits: Vec<Fit>,
}

impl Logistic {
    fn matrix(&self) -> SparseMatrix {
        SparseMatrix::from_rows(self.width, self.x.iter().map(|row| SparseRow::from_sorted(row.iter().copied())))
    }

    /// Whether each row is of the first class.
    fn answers(&self) -> Vec<bool> {
        self.labels.iter().map(|&label| label == 0).collect()
    }

    fn targets<'a>(&'a self, answers: &'a [bool]) -> Targets<'a> {
        match self.classes {
            2 => Targets::Binary { outputs: 1, answers },
            classes => Targets::Classes { classes, labels: &self.labels },
        }
    }
}

#[derive(Deserialize)]
struct Fit {
    c: f64,
    balanced: bool,
    weights: Vec<Vec<f64>>,
    intercepts: Vec<f64>,
    logits: Vec<Vec<f64>>,
}

impl Fit {
    fn params(&self, solver: Solver) -> LogisticParams {
        let class_weight = if self.balanced { ClassWeight::Balanced } else { ClassWeight::None };
        LogisticParams { solver, c: self.c, class_weight, naive_bayes: 0.0, tolerance: 1e-9 }
    }
}

#[derive(Deserialize)]
struct Metrics {
    gold: Vec<Vec<u8>>,
    given: Vec<Vec<u8>>,
    probabilities: Vec<Vec<f64>>,
    values: BTreeMap<String, f64>,
    precision: Vec<f64>,
    recall: Vec<f64>,
    average_precision: Vec<f64>,
    roc_auc: Vec<f64>,
    confusion: Option<Vec<Vec<usize>>>,
}

#[derive(Deserialize)]
struct Platt {
    scores: Vec<f64>,
    answers: Vec<bool>,
    slope: f64,
    offset: f64,
}

#[derive(Deserialize)]
struct TemperatureCase {
    scores: Vec<Vec<f64>>,
    labels: Vec<usize>,
    inverse: f64,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("oracle/oracle.json")).unwrap()
}

fn close(ours: f64, theirs: f64, tolerance: f64) {
    assert!((ours - theirs).abs() <= tolerance * theirs.abs().max(1.0), "{ours} is not {theirs}");
}

fn same_row(ours: &SparseRow, theirs: &[(u32, f64)]) {
    assert_eq!(ours.len(), theirs.len());
    for ((column, value), &(their_column, their_value)) in ours.iter().zip(theirs) {
        assert_eq!(column, their_column);
        close(value, their_value, 1e-14);
    }
}

/// Passes the terms of a text on, one by one.
type TermsOf<'a> = &'a dyn Fn(&str, &mut dyn FnMut(&str));

fn counted(texts: &[String], terms_of: TermsOf<'_>) -> Corpus {
    let mut counter = CorpusCounter::default();
    for text in texts {
        terms_of(text, &mut |term| counter.add(term));
        counter.end_text();
    }
    counter.finish()
}

#[test]
fn tfidf_rows_are_scikit_learns() {
    let oracle = oracle();
    let characters = Analyzer::new(&AnalyzerParams {
        unit: Unit::CharWb,
        ngrams: [3, 5],
        stemmer: None,
        prefix: None,
        stop_words: StopWords::None,
    });
    let words = |text: &str, emit: &mut dyn FnMut(&str)| text.split(' ').filter(|w| !w.is_empty()).for_each(emit);
    let inside_words = |text: &str, emit: &mut dyn FnMut(&str)| characters.for_each_term(text, |term, _| emit(term));
    let cases: [(&str, TermsOf<'_>, TfidfParams); 4] = [
        ("words", &words, TfidfParams { sublinear_tf: false, min_df: 1, max_df: 1.0, norm: 1.0 }),
        ("words_sublinear_min_df_2", &words, TfidfParams { sublinear_tf: true, min_df: 2, max_df: 1.0, norm: 1.0 }),
        ("words_max_df_half", &words, TfidfParams { sublinear_tf: false, min_df: 1, max_df: 0.5, norm: 1.0 }),
        ("char_wb_3_5_sublinear", &inside_words, TfidfParams { sublinear_tf: true, min_df: 1, max_df: 1.0, norm: 1.0 }),
    ];
    assert_eq!(cases.len(), oracle.tfidf.len());
    for (name, terms_of, params) in cases {
        let theirs = &oracle.tfidf[name];
        let corpus = counted(&oracle.texts, terms_of);
        let all: Vec<usize> = (0..oracle.texts.len()).collect();
        let fitted = params.fit(&corpus, &all);
        let vectorizer = fitted.vectorizer();
        let terms: Vec<&str> = vectorizer.vocabulary().terms().collect();
        assert_eq!(terms, theirs.terms, "{name}");
        vectorizer.idf().zip(&theirs.idf).for_each(|(ours, theirs)| close(ours, *theirs, 1e-14));
        assert_eq!(theirs.rows.len(), oracle.texts.len());
        for (i, text) in oracle.texts.iter().enumerate() {
            let row = vectorizer.row(|emit| terms_of(text, emit));
            same_row(&row, &theirs.rows[i]);
            let mut counted = SparseMatrix::empty(fitted.width());
            fitted.extend_row(i, 0, &mut counted);
            counted.end_row();
            assert_eq!(counted, SparseMatrix::from_rows(fitted.width(), [row]), "alone and counted, {name}, text {i}");
        }
        let unseen = "le baril et le gaz inconnu à la ville";
        same_row(&vectorizer.row(|emit| terms_of(unseen, emit)), &theirs.unseen);
    }
}

#[test]
fn both_solvers_find_scikit_learns_optimum() {
    for (name, case) in oracle().logistic {
        let (x, answers) = (case.matrix(), case.answers());
        let targets = case.targets(&answers);
        assert_eq!(case.fits.len(), 4);
        for fit in &case.fits {
            for solver in [Solver::Sparse, Solver::Linfa] {
                let params = fit.params(solver);
                if solver == Solver::Linfa && fit.balanced {
                    assert!(params.fit(&x, targets).unwrap_err().message().contains("no class weights"));
                    continue;
                }
                let ours = params.fit(&x, targets).unwrap();
                let what = format!("{name} {solver:?} c={} balanced={}", fit.c, fit.balanced);
                assert!(ours.convergence().gradient < 1e-5, "{what}: {:?}", ours.convergence());
                // Softmax intercepts are free up to a constant; scikit-learn's sum to zero.
                let mean =
                    if case.classes == 2 { 0.0 } else { ours.intercepts().iter().sum::<f64>() / ours.outputs() as f64 };
                for k in 0..ours.outputs() {
                    close(ours.intercepts()[k] - mean, fit.intercepts[k], 1e-4);
                    for column in 0..case.width {
                        close(ours.weights()[column * ours.outputs() + k].into(), fit.weights[k][column], 1e-4);
                    }
                }
                for (row, logits) in case.x.iter().zip(&fit.logits) {
                    let scores = ours.scores(&SparseRow::from_sorted(row.iter().copied()));
                    for (score, logit) in scores.iter().zip(logits) {
                        close(score.0 - mean, *logit, 1e-4);
                    }
                }
            }
        }
    }
}

#[test]
fn linfa_comes_as_near_whatever_c() {
    for (name, case) in oracle().logistic {
        let (x, answers) = (case.matrix(), case.answers());
        for c in [0.01, 1.0, 100.0, 1000.0] {
            let params = LogisticParams { c, tolerance: 1e-3, ..case.fits[0].params(Solver::Linfa) };
            let convergence = params.fit(&x, case.targets(&answers)).unwrap().convergence();
            assert!(convergence.gradient <= 1e-3, "{name} c={c}: {convergence:?}");
        }
    }
}

#[test]
fn columns_that_say_nothing_leave_each_class_its_share() {
    // Every class has each of two texts as often; the numbers are no round ones.
    let text = |i: usize| [(0, 0.1), (1, 0.7 / 3.0)][i % 2];
    let x = SparseMatrix::from_rows(2, (0..60).map(|i| SparseRow::from_sorted([text(i)])));
    let labels: Vec<usize> = (0..60).map(|i| i % 3).collect();
    for (solver, naive_bayes) in [(Solver::Sparse, 0.0), (Solver::Sparse, 1.0), (Solver::Linfa, 0.0)] {
        let class_weight = ClassWeight::None;
        let params = LogisticParams { solver, c: 4.0, class_weight, naive_bayes, tolerance: 1e-3 };
        let fitted = params.fit(&x, Targets::Classes { classes: 3, labels: &labels }).unwrap();
        assert!(fitted.convergence().converged, "{solver:?} {naive_bayes}: {:?}", fitted.convergence());
        let greatest = fitted.scores(&SparseRow::from_sorted([text(0)])).iter().map(|s| s.0.abs()).fold(0.0, f64::max);
        assert!(greatest < 1e-6, "{solver:?} {naive_bayes}: {greatest}");
    }
}

#[test]
fn texts_that_were_labelled_two_ways_come_to_an_end() {
    // 300 texts of 20 in 900 words; every third stands three times, the third time with another class.
    let mut random = fastrand::Rng::with_seed(0);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for i in 0..300 {
        let mut columns: Vec<u32> = (0..20).map(|_| random.u32(..900)).collect();
        columns.sort_unstable();
        columns.dedup();
        let value = 1.0 / (columns.len() as f64).sqrt();
        for repeat in 0..if i % 3 == 0 { 3 } else { 1 } {
            rows.push(SparseRow::from_sorted(columns.iter().map(|&column| (column, value))));
            labels.push((i + repeat / 2) % 3);
        }
    }
    let x = SparseMatrix::from_rows(900, rows);
    for c in [10.0, 100.0] {
        let (class_weight, naive_bayes) = (ClassWeight::None, 0.0);
        let params = LogisticParams { solver: Solver::Sparse, c, class_weight, naive_bayes, tolerance: 1e-3 };
        let classes = params.fit(&x, Targets::Classes { classes: 3, labels: &labels }).unwrap();
        assert!(classes.convergence().converged, "c = {c}: {:?}", classes.convergence());
        let answers: Vec<bool> = labels.iter().flat_map(|&label| (0..3).map(move |k| k == label)).collect();
        let questions = params.fit(&x, Targets::Binary { outputs: 3, answers: &answers }).unwrap();
        assert!(questions.convergence().converged, "c = {c}: {:?}", questions.convergence());
    }
}

#[test]
fn independent_questions_fitted_together_equal_each_fitted_alone() {
    let case = &oracle().logistic["classes_wide"];
    let x = case.matrix();
    // Six questions, so that more than one group of lanes is at work.
    let question = |k: usize, label: usize| if k < 3 { label == k } else { label != k - 3 };
    let answers: Vec<bool> = case.labels.iter().flat_map(|&l| (0..6).map(move |k| question(k, l))).collect();
    let params = LogisticParams {
        solver: Solver::Sparse,
        c: 10.0,
        class_weight: ClassWeight::Balanced,
        naive_bayes: 0.0,
        tolerance: 1e-9,
    };
    let together = params.fit(&x, Targets::Binary { outputs: 6, answers: &answers }).unwrap();
    for k in 0..6 {
        let own: Vec<bool> = answers.iter().skip(k).step_by(6).copied().collect();
        let alone = params.fit(&x, Targets::Binary { outputs: 1, answers: &own }).unwrap();
        close(together.intercepts()[k], alone.intercepts()[0], 1e-7);
        for column in 0..case.width {
            assert_eq!(together.weights()[column * 6 + k], alone.weights()[column]);
        }
    }
}

#[test]
fn a_path_of_c_leads_to_scikit_learns_optima() {
    for (name, case) in oracle().logistic {
        let (x, answers) = (case.matrix(), case.answers());
        let targets = case.targets(&answers);
        let wanted: Vec<_> = case.fits.iter().map(|fit| (fit.params(Solver::Sparse), targets)).collect();
        // Two paths, of two C each, in one call.
        let fitted = fit_together(&x, &wanted).unwrap();
        for ((fit, ours), (params, targets)) in case.fits.iter().zip(&fitted).zip(&wanted) {
            let what = format!("{name} c={} balanced={}", fit.c, fit.balanced);
            assert!(ours.convergence().converged, "{what}: {:?}", ours.convergence());
            for k in 0..ours.outputs() {
                for column in 0..case.width {
                    close(ours.weights()[column * ours.outputs() + k].into(), fit.weights[k][column], 1e-4);
                }
            }
            let least = wanted.iter().filter(|(other, _)| other.equal_but_for_c(params)).all(|(o, _)| o.c >= params.c);
            if least {
                assert_eq!(*ours, params.fit(&x, *targets).unwrap(), "{what}: a path starts as a fit alone");
            }
        }
    }
}

#[test]
fn a_question_without_two_answers_is_answered_by_its_base_rate() {
    let x = SparseMatrix::from_rows(2, (0..4).map(|i| SparseRow::from_sorted([(i % 2, 1.0)])));
    let params = LogisticParams {
        solver: Solver::Auto,
        c: 1.0,
        class_weight: ClassWeight::Balanced,
        naive_bayes: 0.0,
        tolerance: 1e-6,
    };
    let answers = [true, false, true, false, true, false, true, false];
    let fitted = params.fit(&x, Targets::Binary { outputs: 2, answers: &answers }).unwrap();
    assert_eq!(fitted.intercepts(), [30.0, -30.0]);
    assert!(fitted.weights().iter().all(|&w| w == 0.0));
    let classes = params.fit(&x, Targets::Classes { classes: 3, labels: &[0, 2, 0, 2] }).unwrap();
    assert_eq!(classes.intercepts()[1], -30.0);
    let one = params.fit(&x, Targets::Classes { classes: 3, labels: &[1; 4] }).unwrap();
    assert_eq!(one.intercepts(), [-30.0, 30.0, -30.0]);
}

#[test]
fn calibrators_are_the_maximum_likelihood_of_scikit_learn_and_scipy() {
    let oracle = oracle();
    let scores: Vec<Score> = oracle.platt.scores.iter().map(|&s| Score(s)).collect();
    let fitted = BinaryCalibrator::fit(&scores, &oracle.platt.answers).unwrap();
    close(fitted.slope, oracle.platt.slope, 1e-4);
    close(fitted.offset, oracle.platt.offset, 1e-4);

    let case = oracle.temperature;
    let scores: Vec<Vec<Option<Score>>> =
        case.scores.iter().map(|row| row.iter().map(|&s| Some(Score(s))).collect()).collect();
    let scores: Vec<&[Option<Score>]> = scores.iter().map(|row| &row[..]).collect();
    close(Temperature::fit(&scores, &case.labels).unwrap().inverse, case.inverse, 1e-6);
}

#[test]
fn a_calibration_that_nothing_supports_is_not_made() {
    let scores = [Score(1.0); 30];
    let mut answers = [false; 30];
    answers[..9].fill(true);
    assert!(BinaryCalibrator::fit(&scores, &answers).is_none(), "nine positives");
    let falling: Vec<Score> = (0..30).map(|i| Score(f64::from(i))).collect();
    answers[..15].fill(true);
    assert!(BinaryCalibrator::fit(&falling, &answers).is_none(), "scores that point the wrong way");
}

#[test]
fn metrics_are_scikit_learns() {
    let set = |row: &Vec<u8>| (0..row.len()).filter(|&k| row[k] == 1).map(LabelId).collect::<LabelSet>();
    for (name, case) in oracle().metrics {
        let kind = if name == "single" { TaskKind::Single } else { TaskKind::Multi };
        let sets: Vec<(LabelSet, LabelSet)> =
            case.gold.iter().zip(&case.given).map(|(g, a)| (set(g), set(a))).collect();
        let rows: Vec<Judged<'_>> = sets
            .iter()
            .zip(&case.probabilities)
            .map(|((gold, labels), probabilities)| Judged { gold, labels, probabilities })
            .collect();
        // scikit-learn has no calibration error and no risk-coverage curve: see below.
        for metric in Metric::ALL.into_iter().filter(|m| !matches!(m, Metric::Ece | Metric::Aurc)) {
            close(metric.of(kind, 3, &rows).unwrap(), case.values[metric.name()], 1e-12);
        }
        for k in 0..3 {
            let label = LabelId(k);
            let counts = Counts::of(&rows, label);
            close(counts.precision().unwrap(), case.precision[k], 1e-12);
            close(counts.recall().unwrap(), case.recall[k], 1e-12);
            close(average_precision(&rows, label).unwrap(), case.average_precision[k], 1e-12);
            close(roc_auc(&rows, label).unwrap(), case.roc_auc[k], 1e-12);
        }
        if let Some(table) = case.confusion {
            assert_eq!(confusion(&rows, 3), table);
        }
    }
}

#[test]
fn the_calibration_error_is_that_worked_by_hand() {
    let (yes, no): (LabelSet, LabelSet) = ([LabelId(0)].into_iter().collect(), LabelSet::default());
    let row = |gold, probabilities| Judged { gold, labels: gold, probabilities };
    // Bin [0.2, 0.3): 0.2 and 0.25, one of two right: |0.45 - 1| = 0.55. Bin [0.9, 1]: 0.95 and 1.0, both: |1.95 - 2| =
    // 0.05. Over four pairs: 0.6 / 4.
    let rows = [row(&yes, &[0.2]), row(&no, &[0.25]), row(&yes, &[0.95]), row(&yes, &[1.0])];
    close(Metric::Ece.of(TaskKind::Multi, 1, &rows).unwrap(), 0.15, 1e-12);
    // Of a single-label task only the most probable class counts: 0.7, wrong.
    let gold: LabelSet = [LabelId(1)].into_iter().collect();
    close(Metric::Ece.of(TaskKind::Single, 2, &[row(&gold, &[0.7, 0.3])]).unwrap(), 0.7, 1e-12);
}

#[test]
fn the_risk_coverage_curve_and_its_area_are_those_worked_by_hand() {
    let set = |label: usize| [LabelId(label)].into_iter().collect::<LabelSet>();
    let sets = [set(0), set(1)];
    // Class 0 is given each time; 0.9 right, 0.8 wrong, 0.7 right, 0.6 right.
    let rows: Vec<Judged<'_>> = [(&[0.9, 0.1], 0), (&[0.8, 0.2], 1), (&[0.7, 0.3], 0), (&[0.6, 0.4], 0)]
        .map(|(probabilities, gold)| Judged { gold: &sets[gold], labels: &sets[0], probabilities })
        .into();
    let curve: Vec<_> =
        risk_coverage(TaskKind::Single, 2, &rows).iter().map(|p| (p.least, p.answers, p.errors)).collect();
    assert_eq!(curve, [(0.9, 1, 0), (0.8, 2, 1), (0.7, 3, 1), (0.6, 4, 1)]);
    // Risks 0, 1/2, 1/3, 1/4.
    close(Metric::Aurc.of(TaskKind::Single, 2, &rows).unwrap(), (0.5 + 1.0 / 3.0 + 0.25) / 4.0, 1e-12);
    // Of equal probabilities neither comes first: one right and one wrong at 0.8 are half an error each. 0, 0.5/2, 1/3.
    let ties = [rows[0], rows[1], Judged { gold: &sets[0], ..rows[1] }];
    close(Metric::Aurc.of(TaskKind::Single, 2, &ties).unwrap(), (0.25 + 1.0 / 3.0) / 3.0, 1e-12);
    // Yes and no of each pair: a right no of 0.9, a right yes of 0.8, a wrong yes of 0.6, a wrong no of 0.55.
    let (one, two) = ([0.1, 0.8], [0.6, 0.45]);
    let pairs = [
        Judged { gold: &sets[1], labels: &sets[1], probabilities: &one },
        Judged { gold: &sets[1], labels: &sets[0], probabilities: &two },
    ];
    close(Metric::Aurc.of(TaskKind::Multi, 2, &pairs).unwrap(), (1.0 / 3.0 + 0.5) / 4.0, 1e-12);
}

#[test]
fn undefined_ratios_are_none_and_not_zero() {
    let (yes, no): (LabelSet, LabelSet) = ([LabelId(0)].into_iter().collect(), LabelSet::default());
    let judged = |gold, labels| [Judged { gold, labels, probabilities: &[0.5] }];
    let never_there = judged(&no, &yes);
    let counts = Counts::of(&never_there, LabelId(0));
    assert_eq!((counts.precision(), counts.recall(), counts.f1()), (Some(0.0), None, None));
    let never_found = judged(&yes, &no);
    let counts = Counts::of(&never_found, LabelId(0));
    assert_eq!((counts.precision(), counts.recall(), counts.f1()), (None, Some(0.0), Some(0.0)));
    assert_eq!(average_precision(&never_there, LabelId(0)), None);
    assert_eq!(roc_auc(&never_found, LabelId(0)), None);
    assert_eq!(Metric::MacroF1.of(TaskKind::Multi, 1, &never_there), None);
}
