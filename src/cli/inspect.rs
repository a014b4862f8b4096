//! `rubrique inspect`

use super::Outcome;
use super::options::{Common, choose_format, refuse_inputs, write_result};
use clap::ValueEnum;
use rubrique::model::ModelFile;
use rubrique::output::{model_json, model_markdown, model_table};
use std::path::PathBuf;

/// Show a model's tasks, settings, data and the strongest words of each label
#[derive(clap::Args)]
pub struct Args {
    /// Model file [default: the model built into the program]
    model: Option<PathBuf>,
    /// Print the configuration as TOML instead
    #[arg(long, conflicts_with = "format")]
    config: bool,
    /// Output format; markdown is the model card [default: table, or what the extension of --output tells]
    #[arg(long, value_name = "NAME")]
    format: Option<CardFormat>,
    /// Output file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, ValueEnum)]
enum CardFormat {
    Table,
    Json,
    Markdown,
    #[value(skip)]
    Config,
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let known = [("txt", CardFormat::Table), ("json", CardFormat::Json), ("md", CardFormat::Markdown)];
    let asked = if args.config { Some(CardFormat::Config) } else { args.format };
    let format = choose_format(asked, args.output.as_ref(), &known)?;
    refuse_inputs(args.output.as_ref(), &args.model)?;
    let model = match &args.model {
        Some(path) => ModelFile::load(path)?,
        None => ModelFile::built_in()?,
    };
    let text = match format {
        CardFormat::Table => model_table(&model),
        CardFormat::Json => format!("{:#}\n", model_json(&model)),
        CardFormat::Markdown => model_markdown(&model),
        CardFormat::Config => model.classifier.config().to_toml(),
    };
    write_result(args.output.as_ref(), text.as_bytes())
}
