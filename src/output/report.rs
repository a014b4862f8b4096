//! A report for a terminal and in Markdown.

use super::figures::{Sheet, estimate, figure};
use crate::eval::metrics::Metric;
use crate::eval::{AbstentionRow, LabelReport, ReliabilityRow, Report, Split, TaskReport};

/// The report for a terminal.
pub fn report_table(report: &Report) -> String {
    render(report, false)
}

/// The report in Markdown.
pub fn report_markdown(report: &Report) -> String {
    render(report, true)
}

fn render(report: &Report, markdown: bool) -> String {
    let sheets = all_sheets(report).into_iter().map(|sheet| sheet.text(markdown));
    [format!("{}\n", headline(report))].into_iter().chain(sheets).collect()
}

fn all_sheets(report: &Report) -> Vec<Sheet> {
    let of_task = |(name, task): (&String, &TaskReport)| {
        let always = [metrics(name, task), labels(name, task)].into_iter();
        always.chain(confusion(name, task)).chain([reliability(name, task), abstention(name, task)])
    };
    report.tasks.iter().flat_map(of_task).chain(rates(report)).chain(curve(report)).collect()
}

/// What was judged, and how: a sentence a line.
pub(super) fn headline(report: &Report) -> String {
    let data = &report.data;
    let how = match (&report.folds, &report.held_out) {
        (Some(folds), _) if folds.split == Split::Time => format!(
            "{} folds in time, each article judged by a model of those that ended before it. 95 % intervals: corrected resampled t.",
            folds.k
        ),
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
        data.sha256.chars().take(12).collect::<String>()
    )
}

/// Every metric, and beside it what is reached without reading.
pub(super) fn metrics(name: &str, task: &TaskReport) -> Sheet {
    let mut header = vec!["metric".to_string(), "value".into()];
    header.extend(task.baselines.keys().cloned());
    let row = |metric: &Metric| {
        let baselines = task.baselines.values().map(|b| figure(b.metrics.get(metric).and_then(|e| e.mean)));
        [metric.name().to_string(), estimate(task.estimate(*metric))].into_iter().chain(baselines).collect()
    };
    let rows = Metric::ALL.iter().map(row).collect();
    Sheet { title: format!("{name} ({} paragraphs)", task.paragraphs), header, rows }
}

pub(super) fn labels(name: &str, task: &TaskReport) -> Sheet {
    let mut header: Vec<String> =
        ["label", "precision", "recall", "F1", "avg. precision", "ROC AUC", "kappa", "support", "threshold"]
            .map(String::from)
            .to_vec();
    header.extend(task.baselines.keys().map(|baseline| format!("F1 {baseline}")));
    let row = |(label, l): (&String, &LabelReport)| {
        let ratio = |name: &str| l.intervals.get(name).copied().map_or_else(|| "n/a".into(), estimate);
        let threshold = l.threshold.map_or_else(|| "–".into(), |t| format!("{t:.2}"));
        let own = [
            label.clone(),
            ratio("precision"),
            ratio("recall"),
            ratio("f1"),
            figure(l.average_precision),
            figure(l.roc_auc),
            figure(l.kappa),
            l.support.to_string(),
            threshold,
        ];
        let baselines = task.baselines.values().map(|b| figure(b.f1.get(label).and_then(|e| e.mean)));
        own.into_iter().chain(baselines).collect()
    };
    Sheet { title: format!("{name} by label"), header, rows: task.labels.iter().map(row).collect() }
}

pub(super) fn confusion(name: &str, task: &TaskReport) -> Option<Sheet> {
    let confusion = task.confusion.as_ref()?;
    let header = [String::new()].into_iter().chain(confusion.labels.iter().cloned()).collect();
    let row = |(label, counts): (&String, &Vec<f64>)| {
        [label.clone()].into_iter().chain(counts.iter().copied().map(count)).collect()
    };
    let rows = confusion.labels.iter().zip(&confusion.rows).map(row).collect();
    Some(Sheet { title: format!("{name}: gold in rows, given in columns"), header, rows })
}

pub(super) fn reliability(name: &str, task: &TaskReport) -> Sheet {
    let header = ["probability", "how many", "mean probability", "share that came true"];
    let row = |bin: &ReliabilityRow| {
        let range = format!("{:.1} to {:.1}", bin.low, bin.high);
        vec![range, count(bin.count), figure(bin.mean_probability), figure(bin.share_right)]
    };
    Sheet::new(format!("{name}: reliability"), &header, task.reliability.iter().map(row).collect())
}

/// What is left when unsure answers are withheld.
pub(super) fn abstention(name: &str, task: &TaskReport) -> Sheet {
    let header = ["abstain below", "answers", "coverage", "error"];
    let row = |row: &AbstentionRow| {
        vec![format!("{:.2}", row.abstain_below), count(row.answers), figure(row.coverage), figure(row.error)]
    };
    Sheet::new(format!("{name}: risk and coverage"), &header, task.risk_coverage.iter().map(row).collect())
}

/// How evenly the labels were dealt.
pub(super) fn rates(report: &Report) -> Option<Sheet> {
    let rates = &report.folds.as_ref()?.label_rates;
    let header = ["task", "label", "share of all", "least test part", "most"];
    let rows = rates.iter().flat_map(|(task, labels)| {
        labels.iter().map(move |(label, rate)| {
            let share = |value: f64| format!("{:.1} %", 100.0 * value);
            vec![task.clone(), label.clone(), share(rate.all), share(rate.low), share(rate.high)]
        })
    });
    Some(Sheet::new("labels in the test parts", &header, rows.collect()))
}

pub(super) fn curve(report: &Report) -> Option<Sheet> {
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
    let header = ["share of groups", "paragraphs", "task", "accuracy", "macro_f1"];
    Some(Sheet::new("learning curve", &header, rows.collect()))
}

/// A mean count over repeats.
pub(super) fn count(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}
