//! CPU seconds of the sparse solver on the project's own labels, and the same matrix for other solvers.
//!
//! `cargo bench --bench solvers -- FOLDER` writes the matrix (`x.svm`, svmlight form), the answers to the four themes
//! (`theme.csv`) and the classes of tone (`tone.csv`) to FOLDER, for `benches/peers/solvers.py`.

use cpu_time::ProcessTime;
use rubrique::analysis::Analyzer;
use rubrique::dataset::{Dataset, TaskChoice};
use rubrique::features::CorpusCounter;
use rubrique::linear::{ClassWeight, LogisticParams, LogisticRegression, Solver, Targets};
use rubrique::model::Config;
use rubrique::sparse::SparseMatrix;
use rubrique::task::LabelId;
use rubrique::text::Columns;
use std::fmt::Write;
use std::path::Path;

fn main() {
    let dataset =
        Dataset::read(Path::new("labels"), &Columns::default(), &TaskChoice::Described).expect("the labels are sound");
    let x = matrix(&dataset);
    let themes = dataset.tasks[0].labels.len();
    let gold = |t: usize| dataset.examples.iter().map(move |e| e.gold[t].clone().unwrap_or_default());
    let answers: Vec<bool> = gold(0).flat_map(|set| (0..themes).map(move |k| set.contains(LabelId(k)))).collect();
    let classes: Vec<usize> = gold(1).map(|set| set.first().map_or(0, |label| label.0)).collect();

    if let Some(folder) = std::env::args().nth(1).filter(|argument| !argument.starts_with("--")) {
        write(Path::new(&folder), &x, &answers, themes, &classes).expect("the folder can be written to");
    }
    let params = LogisticParams {
        solver: Solver::Sparse,
        c: 10.0,
        class_weight: ClassWeight::Balanced,
        naive_bayes: 0.0,
        tolerance: 1e-4,
    };
    let theme = timed(|| params.fit(&x, Targets::Binary { outputs: themes, answers: &answers }));
    let tone = timed(|| params.fit(&x, Targets::Classes { classes: 3, labels: &classes }));
    for (name, (fitted, seconds)) in [("theme", theme), ("tone", tone)] {
        let gradient = fitted.convergence().gradient;
        assert!(gradient <= 1e-4, "{name} did not converge");
        report(&format!(
            "{{\"task\":\"{name}\",\"rows\":{},\"columns\":{},\"stored\":{},\"gradient\":{gradient:e},\"seconds\":{seconds:.3}}}",
            x.height(),
            x.width(),
            x.stored()
        ));
    }
}

#[expect(clippy::print_stdout, reason = "the result of this bench")]
fn report(line: &str) {
    println!("{line}");
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

fn timed(fit: impl Fn() -> rubrique::Result<LogisticRegression>) -> (LogisticRegression, f64) {
    // The least of three: what the machine did besides can only add.
    (0..3)
        .map(|_| {
            let start = ProcessTime::now();
            let fitted = fit().expect("fits");
            (fitted, start.elapsed().as_secs_f64())
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .expect("three runs")
}

fn write(folder: &Path, x: &SparseMatrix, answers: &[bool], themes: usize, classes: &[usize]) -> std::io::Result<()> {
    let mut svm = String::new();
    for i in 0..x.height() {
        svm.push('0');
        let (columns, values) = x.row(i);
        for (column, value) in columns.iter().zip(values) {
            let _ = write!(svm, " {column}:{value}");
        }
        svm.push('\n');
    }
    let lines = |row: &[bool]| row.iter().map(|&y| if y { "1" } else { "0" }).collect::<Vec<_>>().join(",") + "\n";
    let theme: String = answers.chunks(themes).map(lines).collect();
    let tone: String = classes.iter().map(|c| format!("{c}\n")).collect();
    std::fs::write(folder.join("x.svm"), svm)?;
    std::fs::write(folder.join("theme.csv"), theme)?;
    std::fs::write(folder.join("tone.csv"), tone)
}
