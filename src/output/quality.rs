//! What `check` found.

use super::figures::{Sheet, figure, markdown_list, printable};
use crate::dataset::{Dataset, Quality, TaskQuality};
use crate::error::{Error, Result};
use crate::eval::Suspect;

/// Counts, agreement, advice and likely label errors, for a terminal.
pub fn quality_table(quality: &Quality, suspects: &[Suspect]) -> String {
    render(quality, suspects, false)
}

/// The same in Markdown.
pub fn quality_markdown(quality: &Quality, suspects: &[Suspect]) -> String {
    render(quality, suspects, true)
}

fn render(quality: &Quality, suspects: &[Suspect], markdown: bool) -> String {
    let show = |title: &str, header: &[&str], rows: Vec<Vec<String>>| Sheet::new(title, header, rows).text(markdown);
    let mut text = format!("{} paragraphs of {} articles", quality.paragraphs, quality.groups);
    text += &if quality.test > 0 { format!(", {} of them for testing\n", quality.test) } else { "\n".into() };
    for (name, task) in &quality.tasks {
        let mut rows: Vec<Vec<String>> = task
            .labels
            .iter()
            .map(|(label, l)| vec![label.clone(), l.paragraphs.to_string(), l.groups.to_string(), figure(l.alpha)])
            .collect();
        if let Some(n) = task.without_label {
            rows.push(vec!["(none)".into(), n.to_string(), String::new(), String::new()]);
        } else {
            rows.push(vec!["(all)".into(), task.labelled.to_string(), String::new(), figure(task.alpha)]);
        }
        let header = ["label", "paragraphs", "articles", "Krippendorff's alpha"];
        text += &show(&format!("{name} ({} labelled)", task.labelled), &header, rows);
        if !task.pairs.is_empty() {
            let header = ["annotators", "both read", "label", "Cohen's kappa"];
            text += &show(&format!("{name}: readings two by two"), &header, kappas(task));
        }
    }
    let pairs: Vec<Vec<String>> = quality.pairs.iter().map(|(pair, n)| vec![pair.clone(), n.to_string()]).collect();
    if !pairs.is_empty() {
        text += &show("labels together", &["labels", "paragraphs"], pairs);
    }
    if !suspects.is_empty() {
        let header = ["place", "task", "labelled", "p", "suggested", "p"];
        let title = "labels that a model which had not seen them finds hard to believe";
        text += &show(title, &header, suspects.iter().map(suspect_row).collect());
    }
    if !quality.advice.is_empty() {
        text += if markdown { "\n### advice\n\n" } else { "\nadvice\n" };
        text += &if markdown {
            markdown_list(&quality.advice)
        } else {
            quality.advice.iter().map(|line| format!("  {}\n", printable(line))).collect()
        };
    }
    text
}

fn kappas(task: &TaskQuality) -> Vec<Vec<String>> {
    let rows = task.pairs.iter().flat_map(|pair| {
        let row =
            |label: String, kappa| vec![pair.annotators.join(", "), pair.paragraphs.to_string(), label, figure(kappa)];
        let all = pair.labels.is_empty().then(|| row("(all)".into(), pair.kappa));
        pair.labels.iter().map(move |(label, kappa)| row(label.clone(), *kappa)).chain(all).collect::<Vec<_>>()
    });
    rows.collect()
}

fn suspect_row(suspect: &Suspect) -> Vec<String> {
    let place = format!("{}:{}", suspect.place.path, suspect.place.line);
    let (p_given, p_suggested) = (figure(Some(suspect.p_given)), figure(Some(suspect.p_suggested)));
    vec![place, suspect.task.clone(), suspect.given.clone(), p_given, suspect.suggested.clone(), p_suggested]
}

/// Suspects as a sheet to work through: one row each with its text, and empty columns for the decision and a comment.
///
/// # Errors
///
/// None that this data can cause: what the CSV writer reports.
pub fn suspects_csv(dataset: &Dataset, suspects: &[Suspect]) -> Result<Vec<u8>> {
    let fault = |e: String| Error::data(format!("the sheet cannot be written: {e}"));
    let mut sheet = csv::Writer::from_writer(Vec::new());
    let header = [
        "id",
        "path",
        "line",
        "task",
        "labelled",
        "p_labelled",
        "suggested",
        "p_suggested",
        "text",
        "decision",
        "comment",
    ];
    sheet.write_record(header).map_err(|e| fault(e.to_string()))?;
    let texts: std::collections::HashMap<&str, &str> =
        dataset.examples.iter().map(|e| (e.id.as_str(), e.text.as_str())).collect();
    for s in suspects {
        let text = texts.get(s.id.as_str()).copied().unwrap_or_default();
        let (line, p_given, p_suggested) =
            (s.place.line.to_string(), figure(Some(s.p_given)), figure(Some(s.p_suggested)));
        let row = [&s.id, &s.place.path, &line, &s.task, &s.given, &p_given, &s.suggested, &p_suggested, text, "", ""];
        sheet.write_record(row).map_err(|e| fault(e.to_string()))?;
    }
    sheet.into_inner().map_err(|e| fault(e.to_string()))
}
