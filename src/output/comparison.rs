//! A comparison in words and tables.

use super::figures::{figure, markdown_table, signed, table};
use crate::eval::{Comparison, Difference, Flip, TaskComparison, Verdict};

/// How many flipped paragraphs of each kind a text shows.
const FLIPS: usize = 5;

/// The verdict on one task as a sentence.
pub(super) fn verdict_line(name: &str, task: &TaskComparison, groups: usize) -> String {
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
        "{name}: {says}: {} {} -> {} ({}, {interval}, {groups} groups){wanted}",
        task.primary.replace("macro_f1", "macro-F1"),
        figure(d.baseline),
        figure(d.candidate),
        signed(d.difference)
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
    let rows: Vec<Vec<String>> = comparisons
        .iter()
        .flat_map(|(candidate, comparison)| {
            comparison.tasks.iter().map(move |(name, task)| {
                let d = &task.decided_on;
                let verdict = task.verdict.name().to_string();
                let mut row = vec![candidate.clone(), name.clone(), figure(d.baseline), figure(d.candidate)];
                row.extend([signed(d.difference), signed(d.low), signed(d.high), verdict]);
                row
            })
        })
        .collect();
    let header = ["candidate", "task", "baseline", "candidate's", "difference", "low", "high", "verdict"];
    if markdown { markdown_table(&header, &rows) } else { table(&header, rows, true) + "\n" }
}

fn render(comparison: &Comparison, markdown: bool) -> String {
    let show = |title: String, header: &[&str], rows: Vec<Vec<String>>| {
        if markdown {
            format!("\n### {title}\n\n{}", markdown_table(header, &rows))
        } else {
            format!("\n{title}\n{}\n", table(header, rows, true))
        }
    };
    let mut text = String::new();
    for (name, task) in &comparison.tasks {
        let line = verdict_line(name, task, comparison.groups);
        text += &if markdown { format!("- {line}\n") } else { format!("{line}\n") };
    }
    for (name, task) in &comparison.tasks {
        if let Some(p) = task.posterior {
            let margin = comparison.margin;
            let header = ["P(worse)", "P(equivalent)", "P(better)"];
            let title =
                format!("{name}: probability of a difference below -{margin}, within ±{margin}, above +{margin}");
            text += &show(title, &header, vec![[p.worse, p.equivalent, p.better].map(|p| format!("{p:.3}")).into()]);
        }
        if let Some(detectable) = task.detectable {
            let line = format!("{name}: this much data shows a difference of {detectable:.3} in four cases of five.");
            text += &format!("\n{line}\n");
        }
        let rows = task.others.iter().map(|(metric, d)| difference_row(metric, d)).collect();
        let header = ["metric", "baseline", "candidate", "difference", "low", "high", "p (Holm)"];
        text += &show(format!("{name}: other metrics, which do not decide"), &header, rows);
        if !task.mcnemar.is_empty() {
            let rows = task
                .mcnemar
                .iter()
                .map(|(label, m)| vec![label.clone(), m.lost.to_string(), m.gained.to_string(), format!("{:.3}", m.p)])
                .collect();
            text += &show(format!("{name}: McNemar by label"), &["label", "lost", "gained", "p"], rows);
        }
        for (flips, what) in [(&task.lost, "right before, wrong now"), (&task.gained, "wrong before, right now")] {
            if !flips.is_empty() {
                let shown = FLIPS.min(flips.len());
                let title = format!("{name}: {what} ({shown} of {})", flips.len());
                let rows = flips[..shown].iter().map(flip_row).collect();
                text += &show(title, &["paragraph", "gold", "baseline", "candidate"], rows);
            }
        }
    }
    text
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
    let labels = |value: &serde_json::Value| match value {
        serde_json::Value::String(name) => name.clone(),
        serde_json::Value::Array(names) if names.is_empty() => "–".into(),
        serde_json::Value::Array(names) => names.iter().filter_map(|n| n.as_str()).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let id = if flip.repeat == 0 { flip.id.clone() } else { format!("{} (repeat {})", flip.id, flip.repeat + 1) };
    vec![id, labels(&flip.gold), labels(&flip.baseline), labels(&flip.candidate)]
}
