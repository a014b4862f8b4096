//! A report for a terminal and in Markdown.

use super::figures::{estimate, figure, markdown_table, table};
use crate::eval::metrics::Metric;
use crate::eval::{Report, TaskReport};

struct Sheet {
    title: String,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The report for a terminal.
pub fn report_table(report: &Report) -> String {
    let mut text = format!("{}\n", headline(report));
    for (name, task) in &report.tasks {
        for sheet in sheets(name, task) {
            text += &format!("\n{}\n{}\n", sheet.title, table(&sheet.header, sheet.rows, true));
        }
        text += &confusion(name, task, false);
    }
    if let Some(sheet) = curve(report) {
        text += &format!("\n{}\n{}\n", sheet.title, table(&sheet.header, sheet.rows, true));
    }
    text
}

/// The report in Markdown.
pub fn report_markdown(report: &Report) -> String {
    let mut text = format!("{}\n", headline(report));
    for (name, task) in &report.tasks {
        for sheet in sheets(name, task) {
            text += &format!("\n### {}\n\n{}", sheet.title, markdown_table(&sheet.header, &sheet.rows));
        }
        text += &confusion(name, task, true);
    }
    if let Some(sheet) = curve(report) {
        text += &format!("\n### {}\n\n{}", sheet.title, markdown_table(&sheet.header, &sheet.rows));
    }
    text
}

fn headline(report: &Report) -> String {
    let data = &report.data;
    let how = match (&report.folds, &report.held_out) {
        (Some(folds), _) => format!(
            "{} folds, {} repeat{}, seed {}; groups stay together. 95 % intervals: corrected resampled t.",
            folds.k,
            folds.repeats,
            if folds.repeats == 1 { "" } else { "s" },
            folds.seed
        ),
        (None, Some(held_out)) => {
            format!("A saved model on held-out data. 95 % intervals: bootstrap over groups, {} draws.", held_out.draws)
        }
        (None, None) => String::new(),
    };
    format!(
        "{} paragraphs of {} articles (data {}).\n{how}",
        data.paragraphs,
        data.groups,
        &data.sha256[..12.min(data.sha256.len())]
    )
}

fn sheets(name: &str, task: &TaskReport) -> [Sheet; 2] {
    let all = Metric::ALL.iter().map(|m| vec![m.name().to_string(), estimate(task.estimate(*m))]).collect();
    let labels = task
        .labels
        .iter()
        .map(|(label, l)| {
            let ratio = |name: &str| l.intervals.get(name).copied().map_or_else(|| "n/a".into(), estimate);
            vec![
                label.clone(),
                ratio("precision"),
                ratio("recall"),
                ratio("f1"),
                figure(l.average_precision),
                l.support.to_string(),
                l.threshold.map_or_else(|| "–".into(), |t| format!("{t:.2}")),
            ]
        })
        .collect();
    [
        Sheet { title: format!("{name} ({} paragraphs)", task.paragraphs), header: vec!["metric", "value"], rows: all },
        Sheet {
            title: format!("{name} by label"),
            header: vec!["label", "precision", "recall", "F1", "avg. precision", "support", "threshold"],
            rows: labels,
        },
    ]
}

fn curve(report: &Report) -> Option<Sheet> {
    let points = report.learning_curve.as_ref()?;
    let rows = points.iter().flat_map(|point| {
        point.tasks.iter().map(move |(task, figures)| {
            vec![
                format!("{:.0} %", point.share * 100.0),
                format!("{:.0}", point.paragraphs),
                task.clone(),
                estimate(figures.accuracy),
                estimate(figures.macro_f1),
            ]
        })
    });
    let header = vec!["share of groups", "paragraphs", "task", "accuracy", "macro_f1"];
    Some(Sheet { title: "learning curve".into(), header, rows: rows.collect() })
}

fn confusion(name: &str, task: &TaskReport, markdown: bool) -> String {
    let Some(confusion) = &task.confusion else { return String::new() };
    let title = format!("{name}: gold in rows, given in columns");
    let mut header = vec![""];
    header.extend(confusion.labels.iter().map(String::as_str));
    let rows: Vec<Vec<String>> = confusion
        .labels
        .iter()
        .zip(&confusion.rows)
        .map(|(label, counts)| {
            let counts = counts.iter().map(|c| if c.fract() == 0.0 { format!("{c:.0}") } else { format!("{c:.1}") });
            [label.clone()].into_iter().chain(counts).collect()
        })
        .collect();
    if markdown {
        format!("\n### {title}\n\n{}", markdown_table(&header, &rows))
    } else {
        format!("\n{title}\n{}\n", table(&header, rows, true))
    }
}
