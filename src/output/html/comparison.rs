//! The page of a comparison.

use super::super::comparison::{candidates, detectable, flips, mcnemar, others, posterior, verdict_line};
use super::super::figures::Sheet;
use super::super::junit::Checked;
use super::charts::{Row, Rows};
use super::glossary::glossary;
use super::page::{Part, Section, drawn, page, plain, table};
use crate::eval::metrics::Metric;
use crate::eval::{Comparison, Difference, TaskComparison, Verdict};
use maud::{Markup, html};

/// How many flipped paragraphs of each kind a page shows.
const FLIPS: usize = 50;

/// The comparison of one or several candidates with a baseline as a page; `answer` is that to all of them together.
pub fn comparison_html(answer: Verdict, comparisons: &[(String, Comparison)], conditions: &[Checked]) -> String {
    let names = display_names(comparisons);
    let named: Vec<(&str, &Comparison)> =
        names.iter().map(String::as_str).zip(comparisons.iter().map(|c| &c.1)).collect();
    let mut parts = vec![summary(&named)];
    if !conditions.is_empty() {
        let title = |condition: &Checked| {
            comparisons.iter().position(|(path, _)| *path == condition.candidate).map_or("", |at| names[at].as_str())
        };
        parts.push(floors(conditions, title));
    }
    for (candidate, comparison) in &named {
        for (name, task) in &comparison.tasks {
            let several = if named.len() > 1 { format!("{candidate}: ") } else { String::new() };
            parts.push(of_task(format!("{several}Task {name}"), name, task, comparison));
        }
    }
    let how = "What the names of the figures mean.";
    let words = Section::new("Figures", how, glossary());
    parts.push(Part { title: "Glossary".into(), lead: html! {}, sections: vec![words] });
    page(&format!("Comparison: {}", answer.name()), &lead(answer, &named), &parts)
}

/// Names without the folders that the reports happen to lie in.
fn display_names(comparisons: &[(String, Comparison)]) -> Vec<String> {
    let file =
        |path: &str| std::path::Path::new(path).file_name().map_or_else(String::new, |f| f.to_string_lossy().into());
    match comparisons {
        [_] => vec!["candidate".into()],
        several => (1..).zip(several).map(|(i, (path, _))| format!("candidate {i} ({})", file(path))).collect(),
    }
}

fn lead(answer: Verdict, comparisons: &[(&str, &Comparison)]) -> Markup {
    let says = match answer {
        Verdict::Pass => "No candidate is worse than the baseline by more than the margin.",
        Verdict::Fail => "A candidate is worse than the baseline by more than the margin, or a requirement is not met.",
        Verdict::Inconclusive => "The data cannot tell whether a candidate is worse than the baseline.",
    };
    html! {
        p.verdict { (says) }
        @if let Some((_, first)) = comparisons.first() {
            p { (first.paragraphs) " paragraphs of " (first.groups) " articles; the margin is " (first.margin) "." }
        }
    }
}

fn difference_row(label: String, d: &Difference) -> Row {
    Row { label, value: d.difference, interval: d.low.zip(d.high), ..Row::default() }
}

fn summary(comparisons: &[(&str, &Comparison)]) -> Part {
    let several = comparisons.len() > 1;
    let rows = (1..).zip(comparisons).flat_map(|(i, (_, comparison))| {
        let label = move |name: &String| if several { format!("{i}: {name}") } else { name.clone() };
        comparison.tasks.iter().map(move |(name, task)| difference_row(label(name), &task.decided_on))
    });
    let margin = comparisons.first().map_or(0.0, |(_, comparison)| comparison.margin);
    let svg = Rows {
        about: "Difference of the deciding figure of every task, candidate less baseline",
        value: "difference",
        zero: true,
        bound: Some((-margin, "margin")),
        rows: rows.collect(),
        ..Rows::default()
    }
    .svg();
    let how = "Candidate less baseline in the figure that decides, macro-F1, with its 95 % interval. Right of 0 the \
        candidate is better. An interval that does not reach into the shaded zone left of the margin passes, one \
        that lies wholly inside fails, and of any other the data cannot tell.";
    let lead = html! {
        ul {
            @for (candidate, comparison) in comparisons {
                @for (name, task) in &comparison.tasks {
                    li { @if several { (plain(candidate)) ": " } (plain(&verdict_line(name, task))) }
                }
            }
        }
        p.how { (how) }
        figure { (svg) }
        (table(&candidates(comparisons.iter().copied())))
    };
    Part { title: "Verdict".into(), lead, sections: Vec::new() }
}

fn floors<'a>(conditions: &[Checked], title: impl Fn(&Checked) -> &'a str) -> Part {
    let row = |c: &Checked| {
        let met = if c.met { "met" } else { "not met" };
        vec![c.condition.clone(), c.found_text(), met.into(), title(c).to_string()]
    };
    let header = ["required", "found", "answer", "of"];
    let lead = html! {
        p.how { "What was required of a candidate besides. An undefined figure does not meet anything." }
        (table(&Sheet::new("requirements", &header, conditions.iter().map(row).collect())))
    };
    Part { title: "Requirements".into(), lead, sections: Vec::new() }
}

fn of_task(title: String, name: &str, task: &TaskComparison, comparison: &Comparison) -> Part {
    let lead = html! { p.verdict { (plain(&verdict_line(name, task))) } };
    let mut sections = Vec::new();
    if task.posterior.is_some() || task.detectable.is_some() {
        let how = "How likely the candidate is worse by more than the margin, equivalent within it, or better by \
            more: the same interval read as a degree of belief.";
        let body = html! {
            @if let Some(sheet) = posterior(name, task, comparison.margin) { (table(&sheet)) }
            @if let Some(line) = detectable(task) { p { "With intervals like these, " (line) } }
        };
        sections.push(Section::new("How sure", how, body));
    }
    sections.push(other_metrics(name, task));
    if let Some(sheet) = mcnemar(name, task) {
        let how = "Answers that changed, label by label: lost were right in the baseline only, gained in the \
            candidate only. A small p says that so uneven a split is hardly chance. It is shown and does not decide.";
        sections.push(Section::new("Changes by label", how, table(&sheet)));
    }
    let changed = flips(name, task, FLIPS);
    let how = "Paragraphs whose answer changed between right and wrong, those first whose probabilities moved most. \
        A report holds no texts: look them up by their names.";
    let body = html! {
        @if changed.is_empty() { p { "None." } }
        @for sheet in &changed { (table(sheet)) }
    };
    sections.push(Section::new("Changed paragraphs", how, body));
    Part { title, lead, sections }
}

fn other_metrics(name: &str, task: &TaskComparison) -> Section {
    let loss = |name: &str| Metric::ALL.iter().any(|metric| metric.is_loss() && metric.name() == name);
    let drawing = |losses: bool, what: &str| {
        let chosen = task.others.iter().filter(|(metric, _)| loss(metric) == losses);
        let rows = chosen.map(|(metric, d)| difference_row(metric.clone(), d)).collect();
        let about = format!("{name}: {}", what.to_lowercase());
        let svg = Rows { about: &about, value: "difference", zero: true, rows, ..Rows::default() }.svg();
        let mut sheet = others(name, task);
        sheet.rows.retain(|row| loss(&row[0]) == losses);
        html! { h4 { (what) } (drawn(&svg, &sheet)) }
    };
    let how =
        "They do not decide. p is against no difference, adjusted after Holm for looking at so many figures at once.";
    let body = html! {
        (drawing(false, "Right of 0 the candidate is better"))
        (drawing(true, "Left of 0 the candidate is better"))
    };
    Section::new("Other figures", how, body)
}
