//! `rubrique adapt`

use super::options::{Common, TextOptions, refuse_inputs, write_result};
use super::{Outcome, Stop, complain, note, stream};
use clap::{ArgGroup, ValueEnum};
use rubrique::error::{Error, Result};
use rubrique::model::{Classifier, GivenShare, ModelFile};
use rubrique::output::adaptation_text;
use rubrique::task::{LabelId, Score};
use rubrique::text::{Cleaner, Document, Source};
use std::path::PathBuf;

/// Fit a model's decisions to a class mix: estimated from unlabelled text, or stated
#[derive(clap::Args)]
#[command(group(ArgGroup::new("mix").required(true).multiple(true).args(["unlabelled", "priors"])))]
pub struct Args {
    /// Model file [default: the model built into the program]
    model: Option<PathBuf>,
    /// Texts whose mix of labels is estimated: articles (.txt), tables (.csv, .tsv, .jsonl), directories of articles, or `-`
    /// for standard input; may be repeated
    #[arg(long, value_name = "INPUT")]
    unlabelled: Vec<String>,
    /// The share of paragraphs that carry a label, in place of an estimate; may be repeated
    #[arg(long = "prior", value_name = "TASK.LABEL=SHARE")]
    priors: Vec<String>,
    /// Model file to write (`-` is stdout)
    #[arg(long, value_name = "MODEL")]
    output: PathBuf,
    /// Format of the shares before and after, on stdout
    #[arg(long, value_name = "NAME", default_value = "table")]
    format: MixFormat,
    #[command(flatten)]
    texts: TextOptions,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, ValueEnum)]
enum MixFormat {
    Table,
    Json,
    Markdown,
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    let texts = Source::files_of(&args.unlabelled, args.texts.stdin_format());
    refuse_inputs(Some(&args.output), texts.iter().map(PathBuf::as_path).chain(args.model.as_deref()))?;
    let mut model = match &args.model {
        Some(path) => ModelFile::load(path)?,
        None => ModelFile::built_in()?,
    };
    let given = args.priors.iter().map(|prior| given(prior, &model.classifier)).collect::<Result<Vec<_>>>()?;
    let mut faults = 0;
    let unlabelled = if args.unlabelled.is_empty() {
        None
    } else {
        let columns = args.texts.columns();
        let documents = Source::documents_of(&args.unlabelled, args.texts.stdin_format(), &columns);
        Some(scores(&model.classifier, documents, &mut faults))
    };
    model.adapt(&given, unlabelled.as_deref())?;
    write_result(Some(&args.output), &model.to_bytes()?)?;
    if args.output.as_os_str() != "-" {
        let text = match args.format {
            MixFormat::Table => adaptation_text(&model, false),
            MixFormat::Markdown => adaptation_text(&model, true),
            MixFormat::Json => format!("{:#}\n", serde_json::json!(model.provenance.adaptation)),
        };
        write_result(None, text.trim_start().as_bytes())?;
    }
    note(args.common.quiet, &format!("wrote {}", args.output.display()));
    if faults > 0 { Err(Stop::Reported) } else { Ok(()) }
}

/// Of each task the scores of all paragraphs, one after another; what cannot be read is reported and counted.
fn scores(
    classifier: &Classifier,
    documents: impl Iterator<Item = Result<Document>> + Send,
    faults: &mut usize,
) -> Vec<Vec<Score>> {
    let mut all = vec![Vec::new(); classifier.tasks().len()];
    let add = |all: &mut [Vec<Score>], scores: Vec<Vec<Score>>| {
        all.iter_mut().zip(scores).for_each(|(all, scores)| all.extend(scores));
    };
    let bytes = |document: &Result<Document>| document.as_ref().map_or(0, Document::bytes);
    let work = |document: Result<Document>| -> Result<Vec<Vec<Score>>> {
        let mut of_document = vec![Vec::new(); classifier.tasks().len()];
        let paragraphs = Cleaner.paragraphs(&document?);
        paragraphs.iter().for_each(|paragraph| add(&mut of_document, classifier.scores(&paragraph.text)));
        Ok(of_document)
    };
    let Ok(()) = stream::in_order(documents, bytes, work, |scored| {
        match scored {
            Ok(scores) => add(&mut all, scores),
            Err(error) => {
                complain(&error);
                *faults += 1;
            }
        }
        Ok::<(), std::convert::Infallible>(())
    });
    all
}

/// Reads `TASK.LABEL=SHARE`.
fn given(argument: &str, classifier: &Classifier) -> Result<GivenShare> {
    let fault = |what: String| Err(Error::usage(format!("--prior {argument}: {what}")));
    let Some((name, share)) = argument.rsplit_once('=') else {
        return fault("no share (allowed: TASK.LABEL=SHARE)".into());
    };
    let Ok(share) = share.trim().parse() else {
        return fault(format!("`{share}` is no number (allowed: above 0 and below 1)"));
    };
    let mut known = Vec::new();
    for (t, task) in classifier.tasks().iter().enumerate() {
        for (k, label) in task.spec().labels.iter().enumerate() {
            let full = format!("{}.{label}", task.spec().name);
            if full == name {
                return Ok(GivenShare { task: t, label: LabelId(k), share });
            }
            known.push(full);
        }
    }
    fault(format!("the model has no such label (its labels: {})", known.join(", ")))
}
