//! `rubrique check`

use super::options::{Common, DataOptions, choose_format, write_result};
use super::{Outcome, Stop, complain, note};
use clap::ValueEnum;
use rubrique::dataset::Dataset;
use rubrique::output::quality_table;
use serde_json::json;
use std::path::PathBuf;

/// Look for faults and duplicates in labelled data; count labels; measure agreement between readings
#[derive(clap::Args)]
pub struct Args {
    /// Labelled file (.csv, .tsv, .jsonl) or directory of such files
    labels: PathBuf,
    /// Output format [default: table, or what the extension of --output tells]
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
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let known = [("txt", CheckFormat::Table), ("json", CheckFormat::Json)];
    let format = choose_format(args.format, args.output.as_ref(), &known, CheckFormat::Table)?;
    let mut checked = Dataset::check(&args.labels, &args.data.columns.columns(), &args.data.choice())?;
    let quality = checked.quality();
    let text = match format {
        CheckFormat::Table => quality_table(&quality),
        CheckFormat::Json => {
            let faults: Vec<_> = checked
                .faults
                .iter()
                .map(|e| json!({"path": e.path(), "line": e.line_number(), "message": e.message()}))
                .collect();
            format!("{:#}\n", json!({"faults": faults, "quality": quality}))
        }
    };
    write_result(args.output.as_ref(), text.as_bytes())?;
    checked.faults.iter().for_each(complain);
    match checked.faults.len() {
        0 => note(args.common.quiet, "no faults"),
        n => note(args.common.quiet, &format!("{n} fault{}", if n == 1 { "" } else { "s" })),
    }
    if checked.faults.is_empty() { Ok(()) } else { Err(Stop::No) }
}
