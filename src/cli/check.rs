//! `rubrique check`

use super::github::{annotate, append_summary};
use super::options::{Common, DataOptions, choose_format, read_config, refuse_unwritable, write_result};
use super::{Outcome, Stop, complain, note};
use clap::ValueEnum;
use rubrique::dataset::{Checked, Dataset};
use rubrique::error::{Category, Result};
use rubrique::eval::{CrossValidation, Suspect, cross_validate, suspects};
use rubrique::model::Config;
use rubrique::output::{faults_junit, markdown_list, quality_markdown, quality_table, suspects_csv};
use serde_json::json;
use std::path::PathBuf;

/// Suspects that a table shows unless told otherwise.
const SHOWN: usize = 20;

/// Look for faults, duplicates and likely label errors in labelled data; count labels; measure agreement between readings
#[derive(clap::Args)]
pub struct Args {
    /// Labelled file (.csv, .tsv, .jsonl) or directory of such files
    labels: PathBuf,
    /// How many likely label errors to list; 0 does not look for them, which saves a cross-validation [default: 20, or
    /// all in JSON and CSV]
    #[arg(long, value_name = "N")]
    suspects: Option<usize>,
    /// Configuration (TOML) of the models that look for likely label errors [default: the shipped one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Seed of their folds
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Output format; csv is a sheet of likely label errors to work through [default: table, or what the extension of
    /// --output tells]
    #[arg(long, value_name = "NAME")]
    format: Option<CheckFormat>,
    /// Output file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, ValueEnum)]
enum CheckFormat {
    Table,
    Json,
    Markdown,
    Csv,
    Junit,
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let known = [
        ("txt", CheckFormat::Table),
        ("json", CheckFormat::Json),
        ("md", CheckFormat::Markdown),
        ("csv", CheckFormat::Csv),
        ("xml", CheckFormat::Junit),
    ];
    let format = choose_format(args.format, args.output.as_ref(), &known)?;
    refuse_unwritable(args.output.as_ref(), &args.labels, &[args.config.as_ref()])?;
    let config = read_config(args.config.as_deref())?;
    let mut checked = Dataset::check(&args.labels, &args.data.columns.columns(), &args.data.choice())?;
    let quality = checked.quality();
    let faults = &checked.faults;
    let wanted = args.suspects.unwrap_or(match format {
        CheckFormat::Table | CheckFormat::Markdown => SHOWN,
        CheckFormat::Json | CheckFormat::Csv => usize::MAX,
        CheckFormat::Junit => 0,
    });
    let looked = if wanted == 0 { Some(Vec::new()) } else { look_for_suspects(args, &config, &checked)? };
    let mut found = looked.as_deref().unwrap_or_default();
    let all = found.len();
    found = &found[..wanted.min(all)];
    let markdown = || {
        let faults = markdown_list(faults.iter().map(ToString::to_string));
        let between = if faults.is_empty() { "" } else { "\n" };
        format!("{faults}{between}{}", quality_markdown(&quality, found))
    };
    let text = match format {
        CheckFormat::Table => quality_table(&quality, found).into_bytes(),
        CheckFormat::Markdown => markdown().into_bytes(),
        CheckFormat::Csv => suspects_csv(&checked.dataset, found)?,
        CheckFormat::Junit => faults_junit(faults)?.into_bytes(),
        CheckFormat::Json => {
            let faults: Vec<_> = faults
                .iter()
                .map(|e| json!({"path": e.path(), "line": e.line_number(), "message": e.message()}))
                .collect();
            let suspects = looked.as_ref().map(|_| found);
            format!("{:#}\n", json!({"faults": faults, "quality": quality, "suspects": suspects})).into_bytes()
        }
    };
    write_result(args.output.as_ref(), &text)?;
    faults.iter().for_each(complain);
    annotate(faults);
    append_summary(|| format!("## rubrique check\n\n{}\n", markdown()))?;
    if found.len() < all {
        note(args.common.quiet, &format!("{} of {all} likely label errors shown; --format csv lists all", found.len()));
    }
    match faults.len() {
        0 => note(args.common.quiet, "no faults"),
        n => note(args.common.quiet, &format!("{n} fault{}", if n == 1 { "" } else { "s" })),
    }
    if faults.is_empty() { Ok(()) } else { Err(Stop::No) }
}

/// Labels that models of the other folds find hard to believe. Where there are faults, or too little to fit on, they are not
/// looked for, and that is said.
fn look_for_suspects(args: &Args, config: &Config, checked: &Checked) -> Result<Option<Vec<Suspect>>> {
    let not_looked = |why: &str| {
        note(args.common.quiet, &format!("no look for likely label errors: {why}"));
        Ok(None)
    };
    if !checked.faults.is_empty() {
        return not_looked("the faults are to be mended first");
    }
    match cross_validate(&checked.dataset, config, &CrossValidation::new(5, 1, args.seed), &|| ()) {
        Ok(report) => Ok(Some(suspects(&checked.dataset, &report))),
        Err(why) if why.category() == Category::Data => not_looked(why.message()),
        Err(why) => Err(why),
    }
}
