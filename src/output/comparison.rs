//! A comparison in words and tables.

use super::figures::{Sheet, escaped, figure, markdown_table, signed, table};
use crate::error::on_one_line;
use crate::eval::{Comparison, Difference, Flip, McNemar, TaskComparison, Verdict};

/// How many flipped paragraphs of each kind a text shows.
const FLIPS: usize = 5;

/// The verdict on one task as a sentence.
pub fn verdict_line(name: &str, task: &TaskComparison) -> String {
    let name = on_one_line(name);
    let d = &task.decided_on;
    let says = match task.verdict {
        Verdict::Pass => "not worse",
        Verdict::Fail => "worse",
        Verdict::Inconclusive => "cannot tell",
    };
    let interval = match (d.low, d.high) {
        (Some(low), Some(high)) => format!("95 % from {} to {}", signed(Some(low)), signed(Some(high))),
        _ => "no interval".into(),
    };
    let wanted = task
        .more_paragraphs
        .map_or_else(String::new, |n| format!("; about {n} more paragraphs like these would settle it"));
    format!(
        "{name}: {says}: {} {} -> {} ({}, {interval}, {} groups){wanted}",
        task.primary.replace("macro_f1", "macro-F1"),
        figure(d.baseline),
        figure(d.candidate),
        signed(d.difference),
        task.groups
    )
}

/// The comparison for a terminal.
pub fn comparison_table(comparison: &Comparison) -> String {
    render(comparison, false)
}

/// The comparison in Markdown.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    render(comparison, true)
}

/// Several candidates side by side: one row a candidate and task.
pub fn candidates_table(comparisons: &[(String, Comparison)], markdown: bool) -> String {
    let Sheet { header, rows, .. } = candidates(comparisons.iter().map(|(name, c)| (name.as_str(), c)));
    if markdown { markdown_table(&header, &rows) } else { table(&header, rows, true) + "\n" }
}

pub(super) fn candidates<'a>(comparisons: impl Iterator<Item = (&'a str, &'a Comparison)>) -> Sheet {
    let rows = comparisons.flat_map(|(candidate, comparison)| {
        comparison.tasks.iter().map(move |(name, task)| {
            let d = &task.decided_on;
            let verdict = task.verdict.name().to_string();
            let mut row = vec![candidate.to_string(), name.clone(), figure(d.baseline), figure(d.candidate)];
            row.extend([signed(d.difference), signed(d.low), signed(d.high), verdict]);
            row
        })
    });
    let header = ["candidate", "task", "baseline", "candidate's", "difference", "low", "high", "verdict"];
    Sheet::new("candidates", &header, rows.collect())
}

fn render(comparison: &Comparison, markdown: bool) -> String {
    let mut text = String::new();
    for (name, task) in &comparison.tasks {
        let line = verdict_line(name, task);
        text += &if markdown { format!("- {}\n", escaped(&line)) } else { format!("{line}\n") };
    }
    for (name, task) in &comparison.tasks {
        if let Some(sheet) = posterior(name, task, comparison.margin) {
            text += &sheet.text(markdown);
        }
        if let Some(line) = detectable(task) {
            let line = format!("{}: {line}", on_one_line(name));
            text += &format!("\n{}\n", if markdown { escaped(&line) } else { line });
        }
        let sheets = [others(name, task)].into_iter().chain(mcnemar(name, task)).chain(flips(name, task, FLIPS));
        text.extend(sheets.map(|sheet| sheet.text(markdown)));
    }
    text
}

pub(super) fn posterior(name: &str, task: &TaskComparison, margin: f64) -> Option<Sheet> {
    let p = task.posterior?;
    let parts = if margin == 0.0 {
        "below 0, at 0, above 0".into()
    } else {
        format!("below -{margin}, within ±{margin}, above +{margin}")
    };
    let title = format!("{name}: probability of a difference {parts}");
    let row = [p.worse, p.equivalent, p.better].map(|p| format!("{p:.3}")).into();
    Some(Sheet::new(title, &["P(worse)", "P(equivalent)", "P(better)"], vec![row]))
}

/// What difference could have been seen, as a sentence.
pub(super) fn detectable(task: &TaskComparison) -> Option<String> {
    task.detectable.map(|d| format!("this much data shows a difference of {d:.3} in four cases of five."))
}

pub(super) fn others(name: &str, task: &TaskComparison) -> Sheet {
    let rows = task.others.iter().map(|(metric, d)| difference_row(metric, d)).collect();
    let header = ["metric", "baseline", "candidate", "difference", "low", "high", "p (Holm)"];
    Sheet::new(format!("{name}: other metrics, which do not decide"), &header, rows)
}

pub(super) fn mcnemar(name: &str, task: &TaskComparison) -> Option<Sheet> {
    let row = |(label, m): (&String, &McNemar)| {
        vec![label.clone(), m.lost.to_string(), m.gained.to_string(), format!("{:.3}", m.p)]
    };
    let rows: Vec<Vec<String>> = task.mcnemar.iter().map(row).collect();
    let title = format!("{name}: McNemar by label");
    if rows.is_empty() { None } else { Some(Sheet::new(title, &["label", "lost", "gained", "p"], rows)) }
}

/// The paragraphs lost and won, `most` of each at most.
pub(super) fn flips(name: &str, task: &TaskComparison, most: usize) -> Vec<Sheet> {
    let both = [(&task.lost, "right before, wrong now"), (&task.gained, "wrong before, right now")];
    let sheet = |(flips, what): (&Vec<Flip>, &str)| {
        let shown = most.min(flips.len());
        let rows = flips[..shown].iter().map(flip_row).collect();
        let title = format!("{name}: {what} ({shown} of {})", flips.len());
        Sheet::new(title, &["paragraph", "gold", "baseline", "candidate"], rows)
    };
    both.into_iter().filter(|(flips, _)| !flips.is_empty()).map(sheet).collect()
}

fn difference_row(metric: &str, d: &Difference) -> Vec<String> {
    vec![
        metric.to_string(),
        figure(d.baseline),
        figure(d.candidate),
        signed(d.difference),
        signed(d.low),
        signed(d.high),
        figure(d.p_holm),
    ]
}

fn flip_row(flip: &Flip) -> Vec<String> {
    let id = if flip.repeat == 0 { flip.id.clone() } else { format!("{} (repeat {})", flip.id, flip.repeat + 1) };
    vec![id, labels_text(&flip.gold), labels_text(&flip.baseline), labels_text(&flip.candidate)]
}

/// Labels as reports hold them, for people.
fn labels_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(name) => name.clone(),
        serde_json::Value::Array(names) if names.is_empty() => "–".into(),
        serde_json::Value::Array(names) => names.iter().filter_map(|n| n.as_str()).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
