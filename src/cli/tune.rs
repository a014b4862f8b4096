//! `rubrique tune`

use super::github::append_summary;
use super::journal::Journal;
use super::options::{
    Common, DataOptions, Sink, choose_format, read_config, refuse_repeats, refuse_unwritable, warn_of_foreign_tasks,
};
use super::{Outcome, note, progress};
use clap::ValueEnum;
use rubrique::dataset::Dataset;
use rubrique::error::{Error, Result};
use rubrique::eval::metrics::Metric;
use rubrique::eval::{Report, Scores, SearchPlan, Tuner, Tuning};
use rubrique::model::{Config, Search, Setting, Space};
use rubrique::output::{tuning_csv, tuning_markdown, tuning_table};
use std::path::{Path, PathBuf};

/// Search for the settings that suit labelled paragraphs, and say by nested cross-validation what the search gives
#[derive(clap::Args)]
#[command(after_help = SPACE_HELP)]
pub struct Args {
    /// Labelled file (.csv, .tsv, .jsonl) or directory of such files
    labels: PathBuf,
    /// What to try (TOML): a configuration with lists of values [default: models/space.toml, built in]
    #[arg(long, value_name = "FILE")]
    space: Option<PathBuf>,
    /// Configuration (TOML) that holds what the space does not name [default: the shipped one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Every setting of the space, or some drawn at random
    #[arg(long, value_name = "HOW", default_value = "grid")]
    search: SearchBy,
    /// Settings to draw for each task with --search random [default: 20]
    #[arg(long, value_name = "N")]
    trials: Option<usize>,
    /// Parts the data is dealt into; each is judged once by what the others chose
    #[arg(long, value_name = "K", default_value_t = 5)]
    folds: usize,
    /// Deals, each into all its folds
    #[arg(long, value_name = "R", default_value_t = 1)]
    repeats: usize,
    /// Parts that each training part, and at last all of the data, is dealt into to score the settings
    #[arg(long, value_name = "K", default_value_t = 3)]
    inner_folds: usize,
    /// What settings are ranked by: a metric of reports
    #[arg(long, value_name = "METRIC", default_value = "macro_f1", value_parser = metric)]
    metric: Metric,
    /// Seed of the deals and of the draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write the winning settings as a configuration, for --config of other commands
    #[arg(long, value_name = "FILE")]
    winner: Option<PathBuf>,
    /// Write the nested evaluation as a report of `evaluate` (JSON), for `compare`
    #[arg(long, value_name = "REPORT")]
    report: Option<PathBuf>,
    /// Keep finished scores in this file, and take up a search that it holds
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Output format [default: table, or what the extension of --output tells]
    #[arg(long, value_name = "NAME")]
    format: Option<TuningFormat>,
    /// File for the whole search (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    common: Common,
}

const SPACE_HELP: &str = "\
A search space is a configuration in which a list holds alternatives; [tasks.NAME] replaces them for one task:

  [classifier]
  c = [1.0, 3.0, 10.0]
  class_weight = [\"balanced\", \"none\"]

  [features.characters]
  use = [true, false]           # with this block of features, and without it
  ngrams = [[3, 5], [4, 6]]     # a list of lists, since one value is a list";

/// Trials of a random search.
const TRIALS: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SearchBy {
    Grid,
    Random,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TuningFormat {
    Table,
    Json,
    Markdown,
    Csv,
}

fn metric(name: &str) -> std::result::Result<Metric, String> {
    Metric::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        format!("allowed: {}", names.join(", "))
    })
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let known = [
        ("txt", TuningFormat::Table),
        ("json", TuningFormat::Json),
        ("md", TuningFormat::Markdown),
        ("csv", TuningFormat::Csv),
    ];
    let format = choose_format(args.format, args.output.as_ref(), &known)?;
    refuse_repeats(args.repeats)?;
    refuse_shared_outputs(args)?;
    let config = read_config(args.config.as_deref())?;
    let space = read_space(args)?;
    let dataset = Dataset::read(&args.labels, &args.data.columns.columns(), &args.data.choice())?;
    dataset.notes.iter().for_each(|n| note(args.common.quiet, n));
    warn_of_foreign_tasks(&config, &dataset, args.common.quiet);
    let settings = settings(args, &space, &config, &dataset)?;
    // A place that cannot be written to is better found before the search than after it.
    for written in [&args.output, &args.winner, &args.report] {
        refuse_unwritable(written.as_ref(), &args.labels, &[args.config.as_ref(), args.space.as_ref()])?;
    }
    let output = Sink::open(args.output.as_ref())?;
    let winner = args.winner.as_ref().map(|path| Sink::open(Some(path))).transpose()?;
    let report = args.report.as_ref().map(|path| Sink::open(Some(path))).transpose()?;

    let (tuning, nested, chosen) = search(args, &dataset, settings)?;
    tuning.notes.iter().chain(&nested.notes).for_each(|n| note(args.common.quiet, n));
    let text = match format {
        TuningFormat::Table => tuning_table(&tuning, &nested).into_bytes(),
        TuningFormat::Markdown => tuning_markdown(&tuning, &nested).into_bytes(),
        TuningFormat::Csv => tuning_csv(&tuning)?,
        TuningFormat::Json => format!("{}\n", serde_json::to_string(&tuning).unwrap_or_default()).into_bytes(),
    };
    output.write_whole(&text)?;
    for (sink, text) in [(winner, chosen.to_toml()), (report, nested.to_json())] {
        if let Some(sink) = sink {
            sink.write_whole(text.as_bytes())?;
        }
    }
    append_summary(|| format!("## rubrique tune\n\n{}\n", tuning_markdown(&tuning, &nested)))?;
    for path in [&args.output, &args.winner, &args.report].into_iter().flatten().filter(|p| p.as_os_str() != "-") {
        note(args.common.quiet, &format!("wrote {}", path.display()));
    }
    Ok(())
}

/// Each result has a place of its own, or the last one written would be all that is left.
fn refuse_shared_outputs(args: &Args) -> Result<()> {
    // However a path to it is written.
    let place = |path: &Path| {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
        path.canonicalize().unwrap_or_else(|_| directory.join(path.file_name().unwrap_or_default()))
    };
    let mut taken = vec![("--output", place(args.output.as_deref().unwrap_or(Path::new("-"))))];
    for (name, path) in [("--winner", &args.winner), ("--report", &args.report), ("--resume", &args.resume)] {
        let Some(path) = path else { continue };
        let own = place(path);
        if let Some((other, _)) = taken.iter().find(|(_, other)| *other == own) {
            return Err(Error::usage(format!("{other} and {name} are both {} (allowed: a file each)", path.display())));
        }
        taken.push((name, own));
    }
    Ok(())
}

fn read_space(args: &Args) -> Result<Space> {
    let Some(path) = &args.space else { return Ok(Space::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::usage(format!("the search space cannot be read: {e}")).at(path))?;
    Space::from_toml(&text).map_err(|e| e.at(path))
}

/// The settings to try, by task.
fn settings(args: &Args, space: &Space, config: &Config, dataset: &Dataset) -> Result<Vec<Vec<Setting>>> {
    let search = match (args.search, args.trials) {
        (SearchBy::Grid, Some(n)) => {
            return Err(Error::usage(format!("--trials {n} with --search grid (a grid is tried whole)"))
                .hint("draw settings with --search random"));
        }
        (SearchBy::Grid, None) => Search::Grid,
        (SearchBy::Random, trials) => Search::Random { trials: trials.unwrap_or(TRIALS), seed: args.seed },
    };
    for name in space.own_tasks() {
        if !dataset.tasks.iter().any(|task| task.name == name) {
            let text = format!("the search space has alternatives for task `{name}`, which the labels do not have");
            note(args.common.quiet, &text);
        }
    }
    let of_task = |name: &str| {
        let found = space.candidates(name, config.for_task(name), search);
        let found = found.map_err(|e| args.space.iter().fold(e, |e, path| e.at(path)))?;
        if found.passed_over > 0 {
            let n = found.passed_over;
            let why = "no block of features, or class weights or a prior with the linfa solver";
            note(args.common.quiet, &format!("task `{name}`: {n} settings passed over that cannot be fitted ({why})"));
        }
        Ok(found.settings)
    };
    dataset.tasks.iter().map(|task| of_task(&task.name)).collect()
}

fn search(args: &Args, dataset: &Dataset, settings: Vec<Vec<Setting>>) -> Result<(Tuning, Report, Config)> {
    let plan = SearchPlan {
        folds: args.folds,
        repeats: args.repeats,
        inner_folds: args.inner_folds,
        metric: args.metric,
        seed: args.seed,
    };
    let tuner = Tuner::new(dataset, settings, plan).map_err(|e| e.at(&args.labels))?;
    let (journal, known) = match &args.resume {
        None => (None, Scores::new()),
        Some(path) => {
            let (journal, known) = Journal::open(path, &tuner.identity())?;
            (Some(journal), known)
        }
    };
    if !known.is_empty() {
        note(args.common.quiet, &format!("{} scores of an earlier search are taken as they are", known.len()));
    }
    let fits = tuner.fits(&known);
    let bar = progress(args.common.quiet, fits, "fits");
    let done = |fits: usize| bar.inc(fits as u64);
    let found = tuner.run(&known, &|scores| journal.as_ref().map_or(Ok(()), |j| j.keep(scores)), &done);
    bar.finish_and_clear();
    found.map_err(|e| e.at(&args.labels))
}
