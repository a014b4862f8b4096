//! `rubrique evaluate`

use super::github::append_summary;
use super::options::{
    Common, DataOptions, choose_format, read_config, read_report, refuse_repeats, refuse_unwritable,
    warn_of_foreign_tasks, write_result,
};
use super::train::left_out;
use super::{Outcome, note, progress};
use clap::ValueEnum;
use rubrique::dataset::{Dataset, Example, TaskChoice};
use rubrique::error::{Error, Result};
use rubrique::eval::metrics::Metric;
use rubrique::eval::{CrossValidation, Report, SHARES, Split, cross_validate, hold_out, learning_curve};
use rubrique::model::ModelFile;
use rubrique::output::{Evidence, report_html, report_markdown, report_table};
use rubrique::task::{LabelId, TaskSpec};
use rubrique::training::train;
use std::path::{Path, PathBuf};

/// Cross-validate the whole pipeline on labelled paragraphs, or score a saved model on them
#[derive(clap::Args)]
pub struct Args {
    /// Labelled file (.csv, .tsv, .jsonl) or directory of such files
    labels: PathBuf,
    /// Configuration (TOML) [default: the shipped one]
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    config: Option<PathBuf>,
    /// Score this model on the labels as held-out data, instead of cross-validating
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Parts the data is dealt into
    #[arg(long, value_name = "K", default_value_t = 5, conflicts_with = "model")]
    folds: usize,
    /// Deals, each into all its folds
    #[arg(long, value_name = "R", default_value_t = 1, conflicts_with = "model")]
    repeats: usize,
    /// Keep the folds, repeats and seed of this report, and deal only articles that it does not have
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["model", "folds", "repeats", "seed"])]
    folds_from: Option<PathBuf>,
    /// What is judged: whole articles dealt at random, the next part of the time line (column `date`), or the rows whose
    /// column `split` says `test`
    #[arg(long, value_name = "BY", default_value = "groups", conflicts_with = "folds_from")]
    split: SplitBy,
    /// Seed of the deals, or of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Score also at growing shares of the training articles
    #[arg(long, conflicts_with = "model")]
    learning_curve: bool,
    /// Output format [default: table, or what the extension of --output tells]
    #[arg(long, value_name = "NAME")]
    format: Option<ReportFormat>,
    /// Report file (`-` is stdout)
    #[arg(long, value_name = "REPORT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitBy {
    Groups,
    Time,
    Column,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    Table,
    Json,
    Markdown,
    Html,
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let known = [
        ("txt", ReportFormat::Table),
        ("json", ReportFormat::Json),
        ("md", ReportFormat::Markdown),
        ("html", ReportFormat::Html),
    ];
    let format = choose_format(args.format, args.output.as_ref(), &known)?;
    let others = [args.config.as_ref(), args.model.as_ref(), args.folds_from.as_ref()];
    refuse_unwritable(args.output.as_ref(), &args.labels, &others)?;
    let evaluated = match &args.model {
        Some(path) => held_out(args, ModelFile::load(path)?)?,
        None => fitted_here(args)?,
    };
    let report = &evaluated.report;
    report.notes.iter().for_each(|n| note(args.common.quiet, n));
    for (name, task) in &report.tasks {
        for (label, figures) in task.labels.iter().filter(|(_, l)| l.support > 0 && l.threshold.is_some()) {
            if figures.calibrated < 1.0 && asks_for_calibration(report, name) {
                let share = 100.0 * (1.0 - figures.calibrated);
                let why = "too few examples, or scores that point the wrong way: they are read as log-odds";
                note(
                    args.common.quiet,
                    &format!("label `{label}` of task `{name}` is uncalibrated in {share:.0} % of the fits ({why})"),
                );
            }
        }
    }
    let text = match format {
        ReportFormat::Table => report_table(report),
        ReportFormat::Json => report.to_json(),
        ReportFormat::Markdown => report_markdown(report),
        ReportFormat::Html => page(&evaluated)?,
    };
    write_result(args.output.as_ref(), text.as_bytes())?;
    append_summary(|| format!("## rubrique evaluate\n\n{}\n", report_markdown(report)))?;
    if let Some(path) = args.output.as_ref().filter(|path| path.as_os_str() != "-") {
        for (name, task) in &report.tasks {
            let figure = |value: Option<f64>| value.map_or_else(|| "n/a".into(), |v| format!("{v:.3}"));
            let (accuracy, f1) =
                (figure(task.estimate(Metric::Accuracy).mean), figure(task.estimate(Metric::MacroF1).mean));
            note(args.common.quiet, &format!("{name}: accuracy {accuracy}, macro-F1 {f1}"));
        }
        note(args.common.quiet, &format!("wrote {}", path.display()));
    }
    Ok(())
}

/// A report, and what it was made from.
struct Evaluated {
    report: Report,
    dataset: Dataset,
    /// The model that gave the answers, unless each fold had its own.
    model: Option<ModelFile>,
}

fn page(evaluated: &Evaluated) -> Result<String> {
    let Evaluated { report, dataset, model } = evaluated;
    let texts = dataset.examples.iter().chain(&dataset.test).map(|e| (e.id.as_str(), e.text.as_str())).collect();
    let explain = |spec: &TaskSpec, text: &str| {
        let Some(model) = model else { return Vec::new() };
        let of_task = model.classifier.tasks().iter().position(|task| task.spec() == spec);
        of_task.map_or(Vec::new(), |t| model.classifier.explain(text).swap_remove(t))
    };
    report_html(report, &Evidence { texts, explain: model.is_some().then_some(&explain) })
}

fn asks_for_calibration(report: &Report, task: &str) -> bool {
    report.config.get(task).is_some_and(|params| params["classifier"]["calibration"] == "platt")
}

fn fitted_here(args: &Args) -> Result<Evaluated> {
    let config = read_config(args.config.as_deref())?;
    let mut dataset = Dataset::read(&args.labels, &args.data.columns.columns(), &args.data.choice())?;
    say_notes(args, &dataset);
    warn_of_foreign_tasks(&config, &dataset, args.common.quiet);
    if args.split == SplitBy::Column {
        refuse_without_test_rows(args, &dataset)?;
        let judged = dataset.test.clone();
        let n = dataset.keep_apart(&judged);
        if n > 0 {
            note(args.common.quiet, &left_out(n));
        }
        let model = train(&dataset, &config, args.seed).map_err(|e| e.at(&args.labels))?;
        let report = hold_out(&dataset, &judged, &model, args.seed)?;
        return Ok(Evaluated { report, dataset, model: Some(model) });
    }
    refuse_repeats(args.repeats)?;
    if args.split == SplitBy::Time && args.repeats > 1 {
        return Err(Error::usage(format!("--repeats {} with --split time (a time line is cut once)", args.repeats)));
    }
    let earlier = args.folds_from.as_deref().map(dealt_report).transpose()?;
    let plan = CrossValidation {
        folds: args.folds,
        repeats: args.repeats,
        seed: args.seed,
        split: if args.split == SplitBy::Time { Split::Time } else { Split::Groups },
        folds_from: earlier.as_ref(),
    };
    let scored = if args.learning_curve { 1 + SHARES.len() } else { 1 };
    let (folds, repeats) =
        earlier.as_ref().and_then(|r| r.folds.as_ref()).map_or((plan.folds, plan.repeats), |f| (f.k, f.repeats));
    let fits = folds.saturating_mul(repeats).saturating_mul(scored);
    let bar = progress(args.common.quiet, fits, "folds");
    let done = || bar.inc(1);
    let mut report = cross_validate(&dataset, &config, &plan, &done).map_err(|e| e.at(&args.labels))?;
    if args.learning_curve {
        let points = learning_curve(&dataset, &config, &plan, &done).map_err(|e| e.at(&args.labels))?;
        for point in points.iter().filter(|point| point.tasks.values().all(|task| task.accuracy.mean.is_none())) {
            let share = 100.0 * point.share;
            let why = "a training part has no labelled row of some task then";
            report.notes.push(format!("no figures of the learning curve at {share} % of the articles: {why}"));
        }
        report.learning_curve = Some(points);
    }
    bar.finish_and_clear();
    Ok(Evaluated { report, dataset, model: None })
}

fn dealt_report(path: &Path) -> Result<Report> {
    let report = read_report(path)?;
    report.dealt().map_err(|e| e.at(path))?;
    Ok(report)
}

fn held_out(args: &Args, model: ModelFile) -> Result<Evaluated> {
    let specs: Vec<TaskSpec> = model.classifier.tasks().iter().map(|task| task.spec().clone()).collect();
    let wanted: Vec<TaskSpec> = if args.data.tasks.is_empty() {
        specs.clone()
    } else {
        let asked = &args.data.tasks;
        asked
            .iter()
            .enumerate()
            .map(|(at, (name, kind))| match specs.iter().find(|s| s.name == *name) {
                _ if asked[..at].iter().any(|(other, _)| other == name) => {
                    Err(Error::usage(format!("task `{name}` is asked for twice")))
                }
                Some(spec) if spec.kind == *kind => Ok(spec.clone()),
                Some(_) => Err(Error::usage(format!("task `{name}` is of the other kind in the model"))),
                None => {
                    let names: Vec<&str> = specs.iter().map(|s| s.name.as_str()).collect();
                    Err(Error::usage(format!("the model has no task `{name}` (its tasks: {})", names.join(", "))))
                }
            })
            .collect::<Result<_>>()?
    };
    let dataset = Dataset::read(&args.labels, &args.data.columns.columns(), &TaskChoice::Known(wanted))?;
    say_notes(args, &dataset);
    if dataset.sha256(&dataset.examples) == model.provenance.data_sha256 {
        if args.split == SplitBy::Column {
            let n = dataset.clone().keep_apart(&dataset.test);
            if n > 0 {
                let what = format!("{n} of the paragraphs that the model was fitted on belong to the rows for testing");
                note(args.common.quiet, &format!("{what}: `train --apart-from` leaves them out"));
            }
        } else {
            let what = "these are the paragraphs that the model was fitted on: the figures say nothing of new ones";
            note(args.common.quiet, what);
        }
    }
    if args.split == SplitBy::Time {
        return Err(Error::usage("--split time with --model (a saved model is judged on all rows, or by column)"));
    }
    if args.split == SplitBy::Column {
        refuse_without_test_rows(args, &dataset)?;
    }
    let mut all: Vec<Example> = match args.split {
        SplitBy::Column => dataset.test.clone(),
        _ => dataset.examples.iter().chain(&dataset.test).cloned().collect(),
    };
    // As read: the figures do not depend on which rows are marked for testing.
    all.sort_by(|a, b| (&a.place.path, a.place.line).cmp(&(&b.place.path, b.place.line)));
    let report = hold_out(&dataset, &all, &model, args.seed)?;
    Ok(Evaluated { report, dataset, model: Some(model) })
}

fn refuse_without_test_rows(args: &Args, dataset: &Dataset) -> Result<()> {
    if dataset.test.is_empty() {
        return Err(
            Error::data("nothing to judge on (found no row with `test` in its column `split`)").at(&args.labels)
        );
    }
    Ok(())
}

fn say_notes(args: &Args, dataset: &Dataset) {
    dataset.notes.iter().for_each(|n| note(args.common.quiet, n));
    for (t, spec) in dataset.tasks.iter().enumerate() {
        for (k, label) in spec.labels.iter().enumerate() {
            let mut gold = dataset.examples.iter().chain(&dataset.test).filter_map(|e| e.gold[t].as_ref());
            if !gold.any(|set| set.contains(LabelId(k))) {
                note(
                    args.common.quiet,
                    &format!("label `{label}` of task `{}` has no example: its figures are n/a", spec.name),
                );
            }
        }
    }
}
