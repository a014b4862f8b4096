//! `rubrique classify`

use super::options::{Common, Sink, TextOptions, choose_format, refuse_inputs};
use super::{Outcome, Stop, complain, note, stream};
use clap::ValueEnum;
use rubrique::error::Result;
use rubrique::model::{Classifier, ModelFile};
use rubrique::output::{LabelledParagraph, PredictionFormat, PredictionWriter};
use rubrique::task::TaskSpec;
use rubrique::text::{Cleaner, Document, Paragraph, Source};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Label every paragraph of articles
#[derive(clap::Args)]
pub struct Args {
    /// Articles (.txt), tables (.csv, .tsv, .jsonl), directories of articles, or `-` for standard input
    #[arg(value_name = "INPUT")]
    inputs: Vec<String>,
    /// Model file [default: the model built into the program]
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Output format [default: table, or what the extension of --output tells]
    #[arg(long, value_name = "NAME")]
    format: Option<OutputFormat>,
    /// Output file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Add the words that decided, N a label (jsonl, json, html and table) [default N: 10]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "10")]
    explain: Option<usize>,
    /// Leave undecided what the model would answer with a probability below P: a yes counts with its probability p, a no
    /// with 1 - p
    #[arg(long, value_name = "P", value_parser = share)]
    abstain_below: Option<f64>,
    #[command(flatten)]
    texts: TextOptions,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, ValueEnum)]
enum OutputFormat {
    Table,
    Jsonl,
    Json,
    Csv,
    Html,
}

fn share(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|p| (0.0..=1.0).contains(p)).ok_or_else(|| "allowed: a number from 0 to 1".into())
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let known = [
        ("txt", PredictionFormat::Table),
        ("jsonl", PredictionFormat::Jsonl),
        ("json", PredictionFormat::Json),
        ("csv", PredictionFormat::Csv),
        ("html", PredictionFormat::Html),
    ];
    let asked = args.format.map(|f| match f {
        OutputFormat::Table => PredictionFormat::Table,
        OutputFormat::Jsonl => PredictionFormat::Jsonl,
        OutputFormat::Json => PredictionFormat::Json,
        OutputFormat::Csv => PredictionFormat::Csv,
        OutputFormat::Html => PredictionFormat::Html,
    });
    let format = choose_format(asked, args.output.as_ref(), &known)?;
    let model = match &args.model {
        Some(path) => ModelFile::load(path)?,
        None => ModelFile::built_in()?,
    };
    let classifier = &model.classifier;
    let tasks: Vec<TaskSpec> = classifier.tasks().iter().map(|t| t.spec().clone()).collect();
    let texts = Source::files_of(&args.inputs, args.texts.stdin_format());
    refuse_inputs(args.output.as_ref(), texts.iter().map(PathBuf::as_path).chain(args.model.as_deref()))?;
    let sink = Sink::open(args.output.as_ref())?;
    let inputs = if args.inputs.is_empty() {
        if std::io::stdin().is_terminal() {
            note(args.common.quiet, "reading an article from the terminal; end it with Ctrl-D");
        }
        vec!["-".to_string()]
    } else {
        args.inputs.clone()
    };
    let columns = args.texts.columns();
    let mut writer = PredictionWriter::new(sink, format, &tasks).abstaining(args.abstain_below.is_some());
    if format == PredictionFormat::Csv {
        writer = writer.expecting(Source::headers_of(&inputs, &columns));
    }
    let documents = Source::documents_of(&inputs, args.texts.stdin_format(), &columns);
    let (explain, abstain_below) = (args.explain, args.abstain_below);
    let mut run = Run { classifier, writer, explain, abstain_below, done: 0, faults: 0 };
    let read = run.label(documents);
    let faults = run.faults;
    // Where nothing could be read, an output of before stays as it is.
    if read.is_ok() && run.done == 0 && faults > 0 {
        return Err(Stop::Reported);
    }
    match read.and_then(|()| run.writer.finish()?.commit()) {
        // Where nobody reads on, what was wrong until then was wrong.
        Ok(()) | Err(Stop::PipeClosed) if faults > 0 => Err(Stop::Reported),
        written => written,
    }
}

struct Run<'a> {
    classifier: &'a Classifier,
    writer: PredictionWriter<'a, Sink>,
    /// How many words a label to explain it by.
    explain: Option<usize>,
    abstain_below: Option<f64>,
    /// How many documents were written, and how many could not be.
    done: usize,
    faults: usize,
}

impl Run<'_> {
    /// Labels documents as they come and writes them in order; one bad input does not stop the rest.
    fn label(&mut self, documents: impl Iterator<Item = Result<Document>> + Send) -> Outcome {
        let (classifier, explain, least) = (self.classifier, self.explain, self.abstain_below);
        let label = |(number, paragraph): (usize, Paragraph)| {
            let mut predictions = classifier.predict(&paragraph.text);
            let kinds = classifier.tasks().iter().map(|task| task.spec().kind);
            let undecided =
                least.map(|p| predictions.iter_mut().zip(kinds).map(|(x, k)| x.abstain_below(k, p)).collect());
            let reasons = explain.map(|most| (classifier.explain(&paragraph.text), most));
            LabelledParagraph { number, paragraph, predictions, undecided, reasons }
        };
        let work = |document: Result<Document>| {
            let document = document?;
            let labelled: Vec<LabelledParagraph> = (1..).zip(Cleaner.paragraphs(&document)).map(label).collect();
            Ok((document, labelled))
        };
        let bytes = |document: &Result<Document>| document.as_ref().map_or(0, Document::bytes);
        stream::in_order(documents, bytes, work, |labelled: Result<_>| {
            let written = match labelled {
                Ok((document, paragraphs)) => self.writer.document(&document, &paragraphs)?,
                Err(error) => Err(error),
            };
            match written {
                Ok(()) => self.done += 1,
                Err(error) => {
                    complain(&error);
                    self.faults += 1;
                }
            }
            Ok(())
        })
    }
}
