//! The sparse solver: timed by criterion, or run beside its peers.
//!
//! `cargo bench --bench solvers` times fits on the project's labels and on made text. `cargo bench --bench solvers --
//! --write FOLDER [--small]` writes matrices, answers and our results, with their CPU seconds on one thread, to FOLDER, for
//! `benches/peers/solvers.py`.

use cpu_time::ProcessTime;
use criterion::Criterion;
use linfa::Dataset as Dense;
use linfa::traits::Fit;
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};
use rubrique::analysis::Analyzer;
use rubrique::dataset::{Dataset, TaskChoice};
use rubrique::features::CorpusCounter;
use rubrique::linear::{ClassWeight, LogisticParams, LogisticRegression, Solver, Targets, fit_together};
use rubrique::model::Config;
use rubrique::sparse::{SparseMatrix, SparseRow};
use rubrique::task::LabelId;
use rubrique::text::Columns;
use std::path::Path;

/// The features of the made text.
const WIDTH: usize = 50_000;
const CLASSES: usize = 5;
/// Rows of the project's labels, from the first.
const PARAGRAPHS: usize = 2_000;
/// Peers are held to a gap in the objective, which a tolerance does not tell beforehand.
const TOLERANCES: [f64; 8] = [2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4];
/// What takes the place of the optimum.
const FINEST: f64 = 1e-7;

/// A matrix, and the answers to one question or several about its rows.
struct Problem {
    name: String,
    x: SparseMatrix,
    outputs: usize,
    /// Of classes one hot.
    answers: Vec<bool>,
}

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--write").skip(1);
    match arguments.next() {
        Some(folder) => write(Path::new(&folder)),
        None => time(),
    }
}

fn params(c: f64, tolerance: f64) -> LogisticParams {
    LogisticParams { solver: Solver::Sparse, c, class_weight: ClassWeight::None, naive_bayes: 0.0, tolerance }
}

fn fit(problem: &Problem, kind: &str, params: LogisticParams) -> LogisticRegression {
    let (outputs, answers) = (problem.outputs, problem.answers.as_slice());
    let fitted = if kind == "questions" {
        params.fit(&problem.x, Targets::Binary { outputs, answers })
    } else {
        let class = |row: &[bool]| row.iter().position(|&y| y).unwrap_or(0);
        let labels: Vec<usize> = answers.chunks(outputs).map(class).collect();
        params.fit(&problem.x, Targets::Classes { classes: outputs, labels: &labels })
    };
    let fitted = fitted.expect("fits");
    assert!(fitted.convergence().converged, "{} did not converge", problem.name);
    fitted
}

fn time() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let [theme, tone] = labels();
    let made = made(20_000);
    for (name, problem, kind, c) in [
        ("2,000 paragraphs, four themes", &theme, "questions", 10.0),
        ("2,000 paragraphs, tone", &tone, "classes", 10.0),
        ("20,000 made rows, five questions", &made, "questions", 1.0),
        ("20,000 made rows, five classes", &made, "classes", 1.0),
    ] {
        criterion.bench_function(name, |b| b.iter(|| fit(problem, kind, params(c, 1e-3))));
    }
    let rising = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0];
    let targets = Targets::Binary { outputs: theme.outputs, answers: &theme.answers };
    let path = rising.map(|c| (params(c, 1e-3), targets));
    let fitted = fit_together(&theme.x, &path).expect("fits");
    assert!(fitted.iter().all(|fitted| fitted.convergence().converged), "a C did not converge");
    criterion.bench_function("2,000 paragraphs, four themes, six C along a path", |b| {
        b.iter(|| fit_together(&theme.x, &path).expect("fits"));
    });
    criterion.bench_function("2,000 paragraphs, four themes, six C one by one", |b| {
        b.iter(|| rising.map(|c| fit(&theme, "questions", params(c, 1e-3))));
    });
    criterion.final_summary();
}

/// Writes what the peers need, numbers in the byte order of x86.
fn write(folder: &Path) {
    let [theme, tone] = labels();
    let small = std::env::args().any(|argument| argument == "--small");
    let mut runs = Vec::new();
    for (problem, kinds, c) in [
        (theme, &["questions"][..], 10.0),
        (tone, &["classes"], 10.0),
        (made(1_000), &["classes"], 1.0),
        (made(20_000), &["questions", "classes"], 1.0),
        (made(if small { 50_000 } else { 200_000 }), &["questions", "classes"], 1.0),
    ] {
        let put = |what: &str, bytes: Vec<u8>| {
            std::fs::write(folder.join(format!("{}.{what}", problem.name)), bytes)
                .expect("the folder can be written to");
        };
        let x = &problem.x;
        let rows = || (0..x.height()).map(|i| x.row(i));
        put("lengths", rows().flat_map(|(columns, _)| (columns.len() as u32).to_le_bytes()).collect());
        put("columns", rows().flat_map(|(columns, _)| columns.iter().flat_map(|c| c.to_le_bytes())).collect());
        put("values", rows().flat_map(|(_, values)| values.iter().flat_map(|v| v.to_le_bytes())).collect());
        put("answers", problem.answers.iter().map(|&y| u8::from(y)).collect());
        for &kind in kinds {
            for (at, tolerance) in TOLERANCES.into_iter().chain([FINEST]).enumerate() {
                let start = ProcessTime::now();
                let fitted = fit(&problem, kind, params(c, tolerance));
                let seconds = start.elapsed().as_secs_f64();
                let weights = fitted.weights().iter().map(|&w| f64::from(w));
                let solution = weights.chain(fitted.intercepts().iter().copied());
                put(&format!("{kind}.{at}"), solution.flat_map(f64::to_le_bytes).collect());
                runs.push(serde_json::json!({
                    "problem": problem.name, "kind": kind, "c": c, "at": at, "solver": "rubrique",
                    "outputs": problem.outputs, "width": x.width(), "tolerance": tolerance, "seconds": seconds,
                }));
            }
        }
        if x.height() == 1_000 {
            for (at, tolerance) in [1.0, 1e-1, 1e-2, 1e-3].into_iter().enumerate() {
                let (solution, seconds) = dense(&problem, c, tolerance);
                put(&format!("linfa.{at}"), solution.into_iter().flat_map(f64::to_le_bytes).collect());
                runs.push(serde_json::json!({
                    "problem": problem.name, "kind": "classes", "c": c, "at": at, "solver": "linfa",
                    "outputs": problem.outputs, "width": x.width(), "tolerance": tolerance, "seconds": seconds,
                }));
            }
        }
    }
    let runs = serde_json::to_string(&runs).expect("numbers and names");
    std::fs::write(folder.join("runs.json"), runs).expect("the folder can be written to");
}

/// linfa-logistic on the matrix as it is.
fn dense(problem: &Problem, c: f64, tolerance: f64) -> (Vec<f64>, f64) {
    let x = &problem.x;
    let mut rows = Array2::zeros((x.height(), x.width()));
    for i in 0..x.height() {
        let (columns, values) = x.row(i);
        columns.iter().zip(values).for_each(|(&column, &value)| rows[[i, column as usize]] = value);
    }
    let labels: Array1<usize> =
        problem.answers.chunks(problem.outputs).map(|row| row.iter().position(|&y| y).unwrap_or(0)).collect();
    let data = Dense::new(rows, labels);
    let start = ProcessTime::now();
    let fitted = MultiLogisticRegression::default()
        .alpha(1.0 / c)
        .max_iterations(1_000)
        .gradient_tolerance(tolerance)
        .fit(&data)
        .expect("fits");
    let seconds = start.elapsed().as_secs_f64();
    (fitted.params().iter().chain(fitted.intercept()).copied().collect(), seconds)
}

/// Rows like those of text: terms by Zipf's law, one in eight moved to a term of the row's class, TF-IDF of norm 1; of
/// the classes, one in ten is wrong. Terms that no row holds are left out.
fn made(height: usize) -> Problem {
    let mut random = fastrand::Rng::with_seed(0);
    let mut sums: Vec<f64> = (0..WIDTH)
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / (rank as f64 + 10.0);
            Some(*sum)
        })
        .collect();
    let total = sums[WIDTH - 1];
    sums.iter_mut().for_each(|sum| *sum /= total);
    let mut columns: Vec<usize> = (0..WIDTH).collect();
    random.shuffle(&mut columns);
    let mut answers = Vec::with_capacity(height * CLASSES);
    let texts: Vec<Vec<(usize, f64)>> = (0..height)
        .map(|_| {
            let class = random.usize(..CLASSES);
            let length = random.usize(45..125);
            let mut terms: Vec<usize> = (0..length)
                .map(|_| {
                    let drawn = random.f64();
                    let rank = sums.partition_point(|&sum| sum < drawn).min(WIDTH - 1);
                    let topical = random.u8(..8) == 0;
                    columns[if topical { rank / CLASSES * CLASSES + class } else { rank }]
                })
                .collect();
            terms.sort_unstable();
            let said = if random.u8(..10) == 0 { random.usize(..CLASSES) } else { class };
            answers.extend((0..CLASSES).map(|k| k == said));
            terms.chunk_by(|a, b| a == b).map(|run| (run[0], 1.0 + (run.len() as f64).ln())).collect()
        })
        .collect();
    let mut df = vec![0.0; WIDTH];
    texts.iter().flatten().for_each(|&(term, _)| df[term] += 1.0);
    let places: Vec<u32> = df
        .iter()
        .scan(0, |next, &df| {
            let at = *next;
            *next += u32::from(df > 0.0);
            Some(at)
        })
        .collect();
    let width = df.iter().filter(|&&df| df > 0.0).count();
    let rows = texts.iter().map(|text| {
        let idf = |term: usize| ((1.0 + height as f64) / (1.0 + df[term])).ln() + 1.0;
        let norm = text.iter().map(|&(term, tf)| (tf * idf(term)).powi(2)).sum::<f64>().sqrt();
        SparseRow::from_sorted(text.iter().map(|&(term, tf)| (places[term], tf * idf(term) / norm)))
    });
    Problem { name: format!("made-{height}"), x: SparseMatrix::from_rows(width, rows), outputs: CLASSES, answers }
}

/// The first of the project's labels under the shipped features: themes and tones.
fn labels() -> [Problem; 2] {
    let mut dataset = Dataset::read(Path::new("labels/composed.csv"), &Columns::default(), &TaskChoice::Described)
        .expect("the labels are sound");
    dataset.examples.truncate(PARAGRAPHS);
    [0, 1].map(|t| {
        let outputs = dataset.tasks[t].labels.len();
        let gold = dataset.examples.iter().map(|e| e.gold[t].clone().unwrap_or_default());
        Problem {
            name: dataset.tasks[t].name.clone(),
            x: matrix(&dataset),
            outputs,
            answers: gold.flat_map(|set| (0..outputs).map(move |k| set.contains(LabelId(k)))).collect(),
        }
    })
}

/// The rows of the shipped configuration, the blocks side by side.
fn matrix(dataset: &Dataset) -> SparseMatrix {
    let all: Vec<usize> = (0..dataset.examples.len()).collect();
    let config = Config::default();
    let blocks = config.for_task("theme").features.values().map(|block| {
        let analyzer = Analyzer::new(&block.analyzer());
        let mut counter = CorpusCounter::default();
        for example in &dataset.examples {
            analyzer.for_each_term(&example.text, |term, _| counter.add(term));
            counter.end_text();
        }
        (block.tfidf(), counter.finish())
    });
    let blocks: Vec<_> = blocks.collect();
    let fitted: Vec<_> = blocks.iter().map(|(tfidf, corpus)| tfidf.fit(corpus, &all)).collect();
    let mut matrix = SparseMatrix::empty(fitted.iter().map(|tfidf| tfidf.width()).sum());
    for i in all {
        let mut first = 0;
        for tfidf in &fitted {
            tfidf.extend_row(i, first, &mut matrix);
            first += tfidf.width() as u32;
        }
        matrix.end_row();
    }
    matrix
}
