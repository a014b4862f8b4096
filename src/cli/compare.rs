//! `rubrique compare`

use super::github::{announce, append_summary};
use super::options::{Common, choose_format, read_report, refuse_inputs, write_result};
use super::{Outcome, Stop, note};
use clap::ValueEnum;
use rubrique::error::{Error, Result};
use rubrique::eval::metrics::Metric;
use rubrique::eval::{Comparison, Report, Verdict, compare};
use rubrique::output::{
    Checked, candidates_table, comparison_html, comparison_junit, comparison_markdown, comparison_table, markdown_list,
    verdict_line,
};
use rubrique::task::LabelId;
use std::path::PathBuf;

/// Is a candidate worse than a baseline? Reads reports of `evaluate`; never fits or predicts
#[derive(clap::Args)]
pub struct Args {
    /// Report of the baseline
    baseline: PathBuf,
    /// Report of the candidate; several give a table
    #[arg(required = true, value_name = "CANDIDATE")]
    candidates: Vec<PathBuf>,
    /// A candidate may be worse by so much of its primary metric (macro-F1)
    #[arg(long, value_name = "M", default_value_t = 0.02, allow_negative_numbers = true)]
    margin: f64,
    /// A floor or ceiling for a candidate: TASK.METRIC>=NUMBER, TASK.LABEL.METRIC>=NUMBER, or with <=
    #[arg(long = "require", value_name = "CONDITION", value_parser = condition)]
    required: Vec<Condition>,
    /// Exit with 5 if the data cannot tell
    #[arg(long)]
    require_evidence: bool,
    /// Output format [default: table, or what the extension of --output tells]
    #[arg(long, value_name = "NAME")]
    format: Option<ComparisonFormat>,
    /// Output file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, ValueEnum)]
enum ComparisonFormat {
    Table,
    Json,
    Markdown,
    Html,
    Junit,
}

/// `task.metric>=number` or `task.label.metric<=number`
#[derive(Debug, Clone)]
struct Condition {
    text: String,
    /// What stands before the comparison. Which task, label and metric it names is told by the report, since names may
    /// hold dots.
    figure: String,
    at_least: bool,
    bound: f64,
}

fn condition(text: &str) -> std::result::Result<Condition, String> {
    let allowed = "allowed: TASK.METRIC>=NUMBER, TASK.LABEL.METRIC>=NUMBER, or with <=";
    let last = |operator| text.rfind(operator).map(|at| (at, operator == ">="));
    let (at, at_least) = last(">=").max(last("<=")).ok_or(allowed)?;
    let figure = text[..at].trim();
    let bound: f64 = text[at + 2..].trim().parse().map_err(|_| allowed)?;
    if !figure.contains('.') || !bound.is_finite() {
        return Err(allowed.into());
    }
    Ok(Condition { text: text.into(), figure: figure.into(), at_least, bound })
}

impl Condition {
    /// Whether a report meets it; an undefined figure does not.
    fn met(&self, report: &Report, comparison: &Comparison) -> Result<(bool, Option<f64>)> {
        let unknown = |what: &str, known: Vec<&str>| {
            Error::usage(format!("--require {}: no {what} of that name (known: {})", self.text, known.join(", ")))
        };
        let specs = report.specs();
        let of_tasks = specs.iter().filter_map(|spec| Some((spec, after(&spec.name, &self.figure)?)));
        // Of names that begin alike, the longest.
        let (spec, figure) = of_tasks
            .max_by_key(|(spec, _)| spec.name.len())
            .ok_or_else(|| unknown("task", specs.iter().map(|spec| spec.name.as_str()).collect()))?;
        let value = match comparison.tasks[&spec.name].difference(figure) {
            Some(found) => found.candidate,
            None => {
                let labels = spec.labels.iter().enumerate();
                let of_labels = labels.filter_map(|(k, label)| Some((LabelId(k), after(label, figure)?)));
                let (label, figure) =
                    of_labels.min_by_key(|(_, figure)| figure.len()).ok_or_else(|| match figure.contains('.') {
                        true => unknown("label", spec.labels.iter().map(String::as_str).collect()),
                        false => unknown("metric", Metric::ALL.iter().map(|metric| metric.name()).collect()),
                    })?;
                let known = &report.tasks[&spec.name].labels[label.0].intervals;
                if !known.contains_key(figure) {
                    return Err(unknown("metric", known.keys().map(String::as_str).collect()));
                }
                report.label_figure(spec, label, figure)?
            }
        };
        let met = value.is_some_and(|v| if self.at_least { v >= self.bound } else { v <= self.bound });
        Ok((met, value))
    }
}

/// What follows a name and a dot.
fn after<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(name)?.strip_prefix('.')
}

pub fn run(args: &Args) -> Outcome {
    args.common.start()?;
    if !(args.margin.is_finite() && args.margin >= 0.0) {
        return Err(Error::usage(format!("--margin {} (allowed: 0 or more)", args.margin)).into());
    }
    refuse_inputs(args.output.as_ref(), [&args.baseline].into_iter().chain(&args.candidates))?;
    let known = [
        ("txt", ComparisonFormat::Table),
        ("json", ComparisonFormat::Json),
        ("md", ComparisonFormat::Markdown),
        ("html", ComparisonFormat::Html),
        ("xml", ComparisonFormat::Junit),
    ];
    let format = choose_format(args.format, args.output.as_ref(), &known)?;
    let baseline = read_report(&args.baseline)?;
    let mut comparisons: Vec<(String, Comparison)> = Vec::new();
    let mut conditions: Vec<Checked> = Vec::new();
    for path in &args.candidates {
        let candidate = read_report(path)?;
        let comparison = compare(&baseline, &candidate, args.margin).map_err(|e| e.at(path))?;
        for condition in &args.required {
            let (met, value) = condition.met(&candidate, &comparison)?;
            conditions.push(Checked {
                candidate: path.display().to_string(),
                condition: condition.text.clone(),
                found: value,
                met,
            });
        }
        comparisons.push((path.display().to_string(), comparison));
    }
    let unmet: Vec<String> = conditions.iter().filter_map(Checked::fault).collect();
    let text = match (format, comparisons.as_slice()) {
        (ComparisonFormat::Json, [(_, only)]) => json(only),
        (ComparisonFormat::Json, several) => {
            json(&several.iter().map(|(name, c)| (name.clone(), c)).collect::<std::collections::BTreeMap<_, _>>())
        }
        (ComparisonFormat::Table, [(_, only)]) => comparison_table(only),
        (ComparisonFormat::Markdown, [(_, only)]) => comparison_markdown(only),
        (ComparisonFormat::Table, several) => candidates_table(several, false),
        (ComparisonFormat::Markdown, several) => candidates_table(several, true),
        (ComparisonFormat::Html, all) => comparison_html(answer(all, &unmet), all, &conditions),
        (ComparisonFormat::Junit, all) => comparison_junit(all, &conditions, args.require_evidence)?,
    };
    write_result(args.output.as_ref(), text.as_bytes())?;
    append_summary(|| {
        let body = match comparisons.as_slice() {
            [(_, only)] => comparison_markdown(only),
            several => candidates_table(several, true),
        };
        let floors = markdown_list(&unmet);
        let verdict = answer(&comparisons, &unmet).name();
        format!("## rubrique compare: {verdict}\n\n{floors}{body}\n")
    })?;
    for (_, comparison) in &comparisons {
        for (name, task) in comparison.tasks.iter().filter(|(_, task)| task.verdict != Verdict::Pass) {
            let is_error = task.verdict == Verdict::Fail || args.require_evidence;
            announce(is_error, &verdict_line(name, task));
        }
    }
    unmet.iter().for_each(|line| announce(true, line));
    // A condition that is not met is an answer, not a remark: --quiet does not hide it.
    unmet.iter().for_each(|line| note(false, line));
    match answer(&comparisons, &unmet) {
        Verdict::Fail => Err(Stop::No),
        Verdict::Inconclusive if args.require_evidence => {
            note(args.common.quiet, "inconclusive, and --require-evidence was given");
            Err(Stop::NoEvidence)
        }
        Verdict::Inconclusive => {
            let hint = "the data cannot tell; label more articles, or evaluate with more --repeats";
            note(args.common.quiet, &format!("warning: inconclusive: {hint}"));
            Ok(())
        }
        Verdict::Pass => Ok(()),
    }
}

/// The answer to all candidates and conditions together.
fn answer(comparisons: &[(String, Comparison)], unmet: &[String]) -> Verdict {
    let any = |verdict| comparisons.iter().any(|(_, c)| c.verdict == verdict);
    match (any(Verdict::Fail) || !unmet.is_empty(), any(Verdict::Inconclusive)) {
        (true, _) => Verdict::Fail,
        (false, true) => Verdict::Inconclusive,
        (false, false) => Verdict::Pass,
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
