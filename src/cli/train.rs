//! `rubrique train`

use super::options::{
    Common, DataOptions, read_config, read_report, refuse_inputs, refuse_unwritable, warn_of_foreign_tasks,
    write_result,
};
use super::{Outcome, note};
use rubrique::dataset::{Dataset, TaskChoice, files_of};
use rubrique::digest::digits;
use rubrique::error::{Error, Result};
use rubrique::eval::metrics::Metric;
use rubrique::model::{Config, Provenance, ReportSummary};
use rubrique::training::train;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Fit every task on labelled paragraphs and write one model file
#[derive(clap::Args)]
pub struct Args {
    /// Labelled file (.csv, .tsv, .jsonl) or directory of such files
    labels: PathBuf,
    /// Model file to write (`-` is stdout)
    #[arg(long, value_name = "MODEL")]
    output: PathBuf,
    /// Configuration (TOML) [default: the shipped one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Report of `evaluate` on the same data and settings, whose figures the model then carries
    #[arg(long, value_name = "REPORT")]
    report: Option<PathBuf>,
    /// Labels (file or directory) on whose rows with `split` = `test` the model will be judged: nothing of their articles,
    /// and no near duplicate of them, is fitted on
    #[arg(long, value_name = "LABELS")]
    apart_from: Option<PathBuf>,
    /// Seed of the inner folds
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    common: Common,
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let others = [args.config.as_ref(), args.report.as_ref()];
    refuse_unwritable(Some(&args.output), &args.labels, &others)?;
    refuse_inputs(Some(&args.output), args.apart_from.iter().flat_map(|labels| files_of(labels)))?;
    let config = read_config(args.config.as_deref())?;
    let mut dataset = Dataset::read(&args.labels, &args.data.columns.columns(), &args.data.choice())?;
    dataset.notes.iter().for_each(|n| note(args.common.quiet, n));
    if let Some(path) = &args.apart_from {
        let judged = Dataset::read(path, &args.data.columns.columns(), &TaskChoice::Known(dataset.tasks.clone()))?.test;
        let n = dataset.keep_apart(&judged);
        note(args.common.quiet, &format!("{} of {}", left_out(n), path.display()));
    }
    warn_of_foreign_tasks(&config, &dataset, args.common.quiet);
    let data_sha256 = dataset.sha256(&dataset.examples);
    let report = match &args.report {
        None => None,
        Some(path) => Some(matching_report(path, &data_sha256, &dataset, &config)?),
    };
    let mut model = train(&dataset, &config, args.seed).map_err(|e| e.at(&args.labels))?;
    model.provenance.report = report;
    for task in model.classifier.tasks() {
        let convergence = task.regression().convergence();
        if !convergence.converged {
            let gradient = convergence.gradient;
            let name = &task.spec().name;
            note(
                args.common.quiet,
                &format!("task `{name}`: the solver stopped early (relative gradient {gradient:.1e})"),
            );
        }
    }
    write_result(Some(&args.output), &model.to_bytes()?)?;
    let Provenance { paragraphs, groups, .. } = model.provenance;
    let said = format!("{paragraphs} paragraphs of {groups} articles");
    note(args.common.quiet, &format!("fitted on {said}; wrote {}", args.output.display()));
    Ok(())
}

/// What is said of paragraphs that are not learnt from, since they belong to those judged on.
pub(super) fn left_out(n: usize) -> String {
    let paragraphs = if n == 1 { "paragraph" } else { "paragraphs" };
    format!("{n} {paragraphs} left out of the fit: they belong to the rows for testing")
}

fn matching_report(path: &Path, data_sha256: &str, dataset: &Dataset, config: &Config) -> Result<ReportSummary> {
    let fault = |what: String| {
        Error::artifact(what)
            .at(path)
            .hint("make the report again with `rubrique evaluate` on this data and configuration")
    };
    let report = read_report(path)?;
    if report.folds.is_none() {
        return Err(fault("a report of held-out data (wanted: a cross-validation)".into()));
    }
    if report.data.sha256 != data_sha256 {
        return Err(fault(format!(
            "a report on other data (found {}; the labels are {data_sha256})",
            report.data.sha256
        )));
    }
    let theirs = report.specs();
    for spec in &dataset.tasks {
        if !theirs.contains(spec) {
            return Err(fault(format!("a report without task `{}` of this kind and with these labels", spec.name)));
        }
        let ours = serde_json::to_value(config.for_task(&spec.name)).unwrap_or_default();
        if report.config.get(&spec.name) != Some(&ours) {
            return Err(fault(format!("a report under other settings of task `{}`", spec.name)));
        }
    }
    let figures = report.tasks.iter().map(|(name, task)| {
        let by_metric = Metric::ALL.iter().map(|m| {
            let e = task.estimate(*m);
            (m.name().to_string(), [e.mean, e.low, e.high])
        });
        (name.clone(), by_metric.collect())
    });
    let sha256 = digits(Sha256::new_with_prefix(report.to_json()));
    Ok(ReportSummary { sha256, figures: figures.collect() })
}
