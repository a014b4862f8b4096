//! The page of an evaluation.

use super::super::figures::{Sheet, figure};
use super::super::report::{abstention, confusion, count, curve, headline, labels, metrics, rates, reliability};
use super::charts::{Form, Path, Place, Plane, Row, Rows, Series, Span};
use super::glossary::glossary;
use super::page::{Part, Section, drawn, page, plain, table, titled_table};
use super::paragraph::{Words, chips, probabilities, quoted};
use crate::error::Result;
use crate::eval::metrics::{Judged, Metric, PrecisionRecall, precision_recall_curve, risk_coverage};
use crate::eval::{Estimate, Report, TaskAnswer, TaskReport, fold_figures, worst_errors};
use crate::model::{Config, LabelReasons, PipelineParams};
use crate::task::{LabelId, TaskKind, TaskSpec};
use maud::{Markup, html};
use serde_json::{Value, json};
use std::collections::HashMap;

/// How many errors of a task are shown, and how many words for each label of one.
const ERRORS: usize = 20;
const WORDS: usize = 8;
/// So many points of a risk-coverage curve are drawn, evenly spread over the coverage.
const DRAWN: usize = 100;

/// The reasons for the scores of one task's labels in a text.
pub type Explain<'a> = dyn Fn(&TaskSpec, &str) -> Vec<LabelReasons> + 'a;

/// What the page shows of errors and a report does not hold.
#[derive(Default)]
pub struct Evidence<'a> {
    /// Texts by the ids of their paragraphs.
    pub texts: HashMap<&'a str, &'a str>,
    /// Where the model that gave the answers is at hand: why it did.
    pub explain: Option<&'a Explain<'a>>,
}

/// The report as a page.
///
/// # Errors
///
/// Predictions that do not answer the report's tasks.
pub fn report_html(report: &Report, evidence: &Evidence<'_>) -> Result<String> {
    let mut parts = vec![summary(report)];
    for (spec, task) in report.specs().iter().zip(report.tasks.values()) {
        parts.push(of_task(report, spec, task, &report.answers(spec)?, evidence));
    }
    parts.push(data(report));
    let lead = html! { @for line in headline(report).lines() { p { (line) } } };
    Ok(page("Evaluation", &lead, &parts))
}

fn summary(report: &Report) -> Part {
    let main = [Metric::Accuracy, Metric::MacroF1];
    let chosen: Vec<(String, Metric, &TaskReport)> = report
        .tasks
        .iter()
        .flat_map(|(name, task)| main.map(|metric| (format!("{name}: {}", metric.name()), metric, task)))
        .collect();
    let rows = chosen.iter().map(|(label, metric, task)| figure_row(label.clone(), *metric, task)).collect();
    let names = baseline_names(chosen.first().map(|(_, _, task)| *task));
    let svg = Rows {
        about: "The main figures of every task",
        value: "value",
        others: names,
        span: Some(Span::UNIT),
        rows,
        ..Rows::default()
    }
    .svg();
    let mut sheet = Sheet::new("main figures", &[], Vec::new());
    for (name, task) in &report.tasks {
        let of_task = metrics(name, task);
        // The widest: of a task that nothing is known of, less is said.
        if sheet.header.len() <= of_task.header.len() {
            sheet.header = [vec!["task".to_string()], of_task.header].concat();
        }
        let kept = of_task.rows.into_iter().filter(|row| main.iter().any(|metric| metric.name() == row[0]));
        sheet.rows.extend(kept.map(|row| [vec![name.clone()], row].concat()));
    }
    let how = "Farther right is better. The line is the 95 % interval; what needs no reading of the text stands \
        beside it, and a model must lie clearly to the right of that. Every other figure is explained at the end of \
        the page.";
    let lead = html! {
        p.how { (how) }
        figure { (svg) }
        (table(&sheet))
        @if !report.notes.is_empty() {
            p { "To be kept in mind:" }
            ul { @for note in &report.notes { li { (plain(note)) } } }
        }
    };
    Part { title: "Summary".into(), lead, sections: Vec::new() }
}

fn baseline_names(task: Option<&TaskReport>) -> Vec<&str> {
    task.map_or(Vec::new(), |task| task.baselines.keys().map(String::as_str).collect())
}

fn figure_row(label: String, metric: Metric, task: &TaskReport) -> Row {
    let others = task.baselines.values().map(|b| b.metrics.get(&metric).and_then(|e| e.mean)).collect();
    row(label, task.estimate(metric), others)
}

fn row(label: String, estimate: Estimate, others: Vec<Option<f64>>) -> Row {
    Row { label, value: estimate.mean, interval: estimate.low.zip(estimate.high), points: Vec::new(), others }
}

fn of_task(
    report: &Report,
    spec: &TaskSpec,
    task: &TaskReport,
    answers: &[TaskAnswer<'_>],
    evidence: &Evidence<'_>,
) -> Part {
    let kind = match spec.kind {
        TaskKind::Multi => "any number of these labels, or none",
        TaskKind::Single => "exactly one of these labels",
    };
    let lead =
        html! { p { (task.paragraphs) " paragraphs. Each gets " (kind) ": " (plain(&spec.labels.join(", "))) "." } };
    let sections = [figures(spec, task), by_label(spec, task)]
        .into_iter()
        .chain(confusions(spec, task))
        .chain([calibration(spec, task), withholding(spec, task, answers), rankings(spec, task, answers)])
        .chain(learning(report, spec))
        .chain(folds(report, spec, answers))
        .chain([errors(report, spec, answers, evidence)]);
    Part { title: format!("Task {}", spec.name), lead, sections: sections.collect() }
}

fn figures(spec: &TaskSpec, task: &TaskReport) -> Section {
    let drawing = |losses: bool, what: &str| {
        let Sheet { title, header, rows } = metrics(&spec.name, task);
        let chosen: Vec<Metric> = Metric::ALL.into_iter().filter(|metric| metric.is_loss() == losses).collect();
        let named = |row: &Vec<String>| chosen.iter().any(|metric| metric.name() == row[0]);
        let sheet = Sheet { title, header, rows: rows.into_iter().filter(named).collect() };
        let rows = chosen.iter().map(|metric| figure_row(metric.name().into(), *metric, task)).collect();
        let others = baseline_names(Some(task));
        let about = format!("{}: {}", spec.name, what.to_lowercase());
        let svg = Rows { about: &about, value: "value", others, rows, ..Rows::default() }.svg();
        html! { h4 { (what) } (drawn(&svg, &sheet)) }
    };
    let body = html! { (drawing(false, "More is better")) (drawing(true, "Less is better")) };
    let how =
        "Dots are the model's figures with their 95 % intervals, the other forms what is reached without reading.";
    Section::new("Figures", how, body)
}

fn by_label(spec: &TaskSpec, task: &TaskReport) -> Section {
    let rows = task.labels.iter().map(|(label, l)| {
        let others = task.baselines.values().map(|b| b.f1.get(label).and_then(|e| e.mean)).collect();
        row(label.clone(), l.intervals.get("f1").copied().unwrap_or_default(), others)
    });
    let others = baseline_names(Some(task));
    let about = format!("F1 of each label of {}", spec.name);
    let svg =
        Rows { about: &about, value: "F1", others, span: Some(Span::UNIT), rows: rows.collect(), ..Rows::default() }
            .svg();
    let how = "A label with low precision is given too often, one with low recall too seldom. Wide intervals come \
        from few or unlike paragraphs: see the support.";
    Section::new("By label", how, html! { figure { (svg) } (table(&labels(&spec.name, task))) })
}

fn confusions(spec: &TaskSpec, task: &TaskReport) -> Option<Section> {
    let (sheet, counts) = (confusion(&spec.name, task)?, task.confusion.as_ref()?);
    let cells = html! {
        @for (i, (label, row)) in counts.labels.iter().zip(&counts.rows).enumerate() {
            @let all: f64 = row.iter().sum();
            tr {
                th scope="row" { (plain(label)) }
                @for (j, cell) in row.iter().enumerate() {
                    @let share = if all > 0.0 { cell / all } else { 0.0 };
                    td class=(if i == j { "right" } else { "" }) style={ "--share:" (format!("{share:.3}")) } {
                        (count(*cell)) small { (format!("{:.0} %", 100.0 * share)) }
                    }
                }
            }
        }
    };
    let how = "A row is a right answer, a column the answer given; in a cell the number of paragraphs and its share \
        of the row. What is right stands on the framed diagonal, and a dark cell beside it is a confusion.";
    Some(Section::new("Confusion", how, titled_table(&sheet, "heat", cells)))
}

fn calibration(spec: &TaskSpec, task: &TaskReport) -> Section {
    let places = task.reliability.iter().filter_map(|bin| Some((bin.mean_probability?, bin.share_right?)));
    let points = places.map(|(x, y)| Place { x, y, interval: None }).collect();
    let svg = Plane {
        about: &format!("Reliability of the probabilities of {}", spec.name),
        across: "mean probability",
        up: "share that came true",
        x: Span::UNIT,
        y: Span::UNIT,
        guide: Some(("as it should be", 0.0, 1.0)),
        series: vec![Series { name: "probabilities by tenths", form: Form::Dot, path: Path::Straight, points }],
    }
    .svg();
    let of = match spec.kind {
        TaskKind::Multi => "the probabilities of all labels",
        TaskKind::Single => "the probabilities of the labels given",
    };
    let how = format!(
        "Of answers with probability 0.7, seven in ten should be right. These are {of}, in ten bins. Below the \
         diagonal the model is too sure, above it not sure enough; bins with few answers, see the table, say little."
    );
    Section::new("Reliability", &how, drawn(&svg, &reliability(&spec.name, task)))
}

fn withholding(spec: &TaskSpec, task: &TaskReport, answers: &[TaskAnswer<'_>]) -> Section {
    let rows: Vec<Judged<'_>> = answers.iter().map(TaskAnswer::judged).collect();
    let curve = risk_coverage(spec.kind, spec.labels.len(), &rows);
    let all = curve.last().map_or(0, |point| point.answers) as f64;
    let mut points: Vec<Place> = Vec::new();
    for point in &curve {
        let x = point.answers as f64 / all;
        if points.last().map_or(1.0 / DRAWN as f64, |last| last.x + 1.0 / DRAWN as f64) <= x || x == 1.0 {
            points.push(Place { x, y: point.errors as f64 / point.answers as f64, interval: None });
        }
    }
    let svg = Plane {
        about: &format!("Risk and coverage of {}", spec.name),
        across: "share of answers given",
        up: "share of them wrong",
        x: Span::UNIT,
        y: Span::over(points.iter().map(|p| p.y).chain([0.0])),
        guide: None,
        series: vec![Series { name: "surest answers first", form: Form::Line, path: Path::Straight, points }],
    }
    .svg();
    let of = match spec.kind {
        TaskKind::Multi => "An answer is the yes or no to one label of a paragraph, and as sure as its probability",
        TaskKind::Single => "An answer is the label of a paragraph, and as sure as its probability",
    };
    let how = format!(
        "{of}. From left to right more of the less sure answers are given; the curve should rise. The table says what \
         `classify --abstain-below` with that number gives up, and how many errors are left."
    );
    Section::new("Risk and coverage", &how, drawn(&svg, &abstention(&spec.name, task)))
}

fn rankings(spec: &TaskSpec, task: &TaskReport, answers: &[TaskAnswer<'_>]) -> Section {
    let rows: Vec<Judged<'_>> = answers.iter().map(TaskAnswer::judged).collect();
    let how = "From left to right the label is given more freely: more of the right paragraphs are found, at the \
        price of wrong ones. The diamond is where the model decides. The nearer to the upper right corner, the \
        better; guessing stays on the dashed line.";
    let body = html! {
        div.grid {
            @for (k, (name, label)) in task.labels.iter().enumerate() {
                @let curve = precision_recall_curve(&rows, LabelId(k));
                div {
                    h4 { (plain(name)) }
                    @if let Some(last) = curve.last() {
                        @let given = label.recall.zip(label.precision);
                        (ranking(&format!("{}: {name}", spec.name), &curve, last.precision, given))
                    } @else {
                        p { "No paragraph has this label." }
                    }
                }
            }
        }
    };
    Section::new("Precision and recall", how, body)
}

fn ranking(name: &str, curve: &[PrecisionRecall], share: f64, given: Option<(f64, f64)>) -> Markup {
    // Where recall stays, precision only falls: such points have no width.
    let mut points: Vec<Place> = Vec::new();
    for point in curve {
        if points.last().is_none_or(|last| point.recall > last.x) && point.recall > 0.0 {
            points.push(Place { x: point.recall, y: point.precision, interval: None });
        }
    }
    let decided = given.map(|(x, y)| Place { x, y, interval: None }).into_iter().collect();
    let svg = Plane {
        about: &format!("Precision-recall curve of {name}"),
        across: "recall",
        up: "precision",
        x: Span::UNIT,
        y: Span::UNIT,
        guide: Some(("guessing", share, share)),
        series: vec![
            Series { name: "ranked", form: Form::Line, path: Path::Steps, points },
            Series { name: "decided", form: Form::Diamond, path: Path::None, points: decided },
        ],
    }
    .svg();
    let row = |tenth: usize| {
        let point = curve.iter().find(|point| point.recall >= tenth as f64 / 10.0 - 1e-12)?;
        let least = format!("{:.1}", tenth as f64 / 10.0);
        Some(vec![least, figure(Some(point.recall)), figure(Some(point.precision)), figure(Some(point.threshold))])
    };
    let header = ["recall of at least", "recall", "precision", "threshold"];
    drawn(&svg, &Sheet::new(name, &header, (1..=10).filter_map(row).collect()))
}

fn learning(report: &Report, spec: &TaskSpec) -> Option<Section> {
    let (points, mut sheet) = (report.learning_curve.as_ref()?, curve(report)?);
    sheet.rows.retain(|row| row[2] == spec.name);
    let series = |metric: Metric, form: Form| {
        let point = |at: &crate::eval::CurvePoint| {
            let figures = at.tasks.get(&spec.name)?;
            let estimate = if metric == Metric::Accuracy { figures.accuracy } else { figures.macro_f1 };
            Some(Place { x: at.paragraphs, y: estimate.mean?, interval: estimate.low.zip(estimate.high) })
        };
        Series { name: metric.name(), form, path: Path::Straight, points: points.iter().filter_map(point).collect() }
    };
    let series = vec![series(Metric::Accuracy, Form::Dot), series(Metric::MacroF1, Form::Ring)];
    let all = || series.iter().flat_map(|s| &s.points);
    let heights = all().flat_map(|p| [Some(p.y), p.interval.map(|i| i.0), p.interval.map(|i| i.1)]).flatten();
    let svg = Plane {
        about: &format!("Learning curve of {}", spec.name),
        across: "paragraphs learnt from",
        up: "score",
        x: Span::over(all().map(|p| p.x).chain([0.0])),
        y: Span::over(heights),
        guide: None,
        series,
    }
    .svg();
    let how = "The same folds, fitted on a part of the articles. A curve that still rises at its right end says \
        that more labels would help; a flat one, that other features or better labels are needed.";
    Some(Section::new("Learning curve", how, drawn(&svg, &sheet)))
}

fn folds(report: &Report, spec: &TaskSpec, answers: &[TaskAnswer<'_>]) -> Option<Section> {
    report.folds.as_ref()?;
    let folds = fold_figures(spec, answers);
    let task = report.tasks.get(&spec.name)?;
    let row = |metric: Metric, points: Vec<f64>| Row {
        label: metric.name().into(),
        value: task.estimate(metric).mean,
        points,
        ..Row::default()
    };
    let rows = vec![
        row(Metric::Accuracy, folds.iter().filter_map(|f| f.accuracy).collect()),
        row(Metric::MacroF1, folds.iter().filter_map(|f| f.macro_f1).collect()),
    ];
    let about = format!("Figures of each fold of {}", spec.name);
    let svg = Rows { about: &about, value: "all together", rows, ..Rows::default() }.svg();
    let line = |f: &crate::eval::FoldFigures| {
        let (repeat, fold) = (f.repeat + 1, f.fold + 1);
        vec![format!("{repeat}.{fold}"), f.paragraphs.to_string(), figure(f.accuracy), figure(f.macro_f1)]
    };
    let header = ["repeat.fold", "paragraphs", "accuracy", "macro_f1"];
    let sheet = Sheet::new(format!("{}: folds", spec.name), &header, folds.iter().map(line).collect());
    let how = "Each ring is a fold: a model judged on articles that it was not fitted on. Far apart, they say that \
        the figures hang on which articles are asked about.";
    Some(Section::new("Folds", how, drawn(&svg, &sheet)))
}

fn errors(report: &Report, spec: &TaskSpec, answers: &[TaskAnswer<'_>], evidence: &Evidence<'_>) -> Section {
    let errors = worst_errors(answers);
    let shown = &errors[..ERRORS.min(errors.len())];
    let repeats = report.folds.as_ref().map_or(1, |folds| folds.repeats);
    let why = match evidence.explain {
        Some(_) => {
            " Marked words drew the answer the wrong way; each number is what the word adds to the label's log-odds."
        }
        None => "",
    };
    let how = format!(
        "{} of {} paragraphs with a wrong answer, those first whose probabilities are farthest from the right one. \
         Some will turn out to be errors of the labels.{why}",
        shown.len(),
        errors.len()
    );
    let body = html! {
        @for error in shown {
            article.paragraph {
                h4 { (plain(&error.record.id)) }
                p {
                    "Article " (plain(&error.record.group))
                    @if repeats > 1 { ", repeat " (error.record.repeat + 1) }
                }
                p { "Right answer: " (chips(spec, &error.gold)) " Given: " (chips(spec, &error.labels)) }
                @if let Some(text) = evidence.texts.get(error.record.id.as_str()) {
                    @let reasons = evidence.explain.map(|explain| explain(spec, text)).unwrap_or_default();
                    (quoted(text, &causes(spec, error, &reasons)))
                }
                (probabilities(spec, error.probabilities.iter().copied(), &error.labels, Some(&error.gold)))
            }
        }
    };
    Section::new("Worst errors", &how, body)
}

/// For each label that was wrongly given, what spoke for it; for each that was missed, what spoke against it.
fn causes<'a>(spec: &'a TaskSpec, error: &TaskAnswer<'_>, reasons: &'a [LabelReasons]) -> Vec<Words<'a>> {
    let wrong = |(k, label): (usize, &'a String)| {
        let (gold, given) = (error.gold.contains(LabelId(k)), error.labels.contains(LabelId(k)));
        (gold != given).then(|| Some(Words::of(label, reasons.get(k)?, given, WORDS))).flatten()
    };
    spec.labels.iter().enumerate().filter_map(wrong).collect()
}

fn data(report: &Report) -> Part {
    let row = |name: &str, value: String| vec![name.to_string(), value];
    let mut rows = vec![
        row("paragraphs", report.data.paragraphs.to_string()),
        row("articles", report.data.groups.to_string()),
        row("sha256 of the data", report.data.sha256.clone()),
    ];
    if let Some(folds) = &report.folds {
        rows.push(row("folds", folds.k.to_string()));
        rows.push(row("repeats", folds.repeats.to_string()));
        rows.push(row("seed", folds.seed.to_string()));
        rows.push(row("sha256 of the folds", folds.sha256.clone()));
    }
    if let Some(held_out) = &report.held_out {
        rows.push(row("sha256 of the training data", held_out.trained_on_sha256.clone()));
        rows.push(row("bootstrap draws", held_out.draws.to_string()));
        rows.push(row("seed", held_out.seed.to_string()));
    }
    let mut sections = vec![Section::new(
        "Data",
        "Two evaluations can be compared when these agree.",
        table(&Sheet::new("data", &["what", "value"], rows)),
    )];
    if let Some(sheet) = rates(report) {
        let how =
            "How evenly the labels were dealt: shares of all paragraphs, and the least and greatest of any test part.";
        sections.push(Section::new("Labels in the test parts", how, table(&sheet)));
    }
    let settings = |(name, value): (&String, &Value)| Some((name.clone(), serde_json::from_value(value.clone()).ok()?));
    // Of another version of the program they may not be read, and are shown as they stand in the report.
    let tasks: Option<Vec<(String, PipelineParams)>> = report.config.iter().map(settings).collect();
    let config =
        tasks.map_or_else(|| format!("{:#}", json!(report.config)), |tasks| Config::from_tasks(tasks).to_toml());
    let how = "The settings behind every figure, in the form that --config reads.";
    sections.push(Section::new("Configuration", how, html! { pre tabindex="0" { (plain(&config)) } }));
    let how = "What the names of the figures mean.";
    sections.push(Section::new("Glossary", how, glossary()));
    Part { title: "Data and settings".into(), lead: html! {}, sections }
}
