//! What `check` found, for a terminal.

use super::figures::{figure, table};
use crate::dataset::Quality;

/// Counts, agreement and advice.
pub fn quality_table(quality: &Quality) -> String {
    let mut text = format!("{} paragraphs of {} articles\n", quality.paragraphs, quality.groups);
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
        text += &format!("\n{name} ({} labelled)\n{}\n", task.labelled, table(&header, rows, true));
    }
    let pairs: Vec<Vec<String>> = quality.pairs.iter().map(|(pair, n)| vec![pair.clone(), n.to_string()]).collect();
    if !pairs.is_empty() {
        text += &format!("\nlabels together\n{}\n", table(&["labels", "paragraphs"], pairs, true));
    }
    if !quality.advice.is_empty() {
        text += "\nadvice\n";
        quality.advice.iter().for_each(|line| text += &format!("  {line}\n"));
    }
    text
}
