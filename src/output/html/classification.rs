//! The page of labelled paragraphs.

use super::super::figures::Sheet;
use super::super::predictions::LabelledParagraph;
use super::page::{Part, Section, page, plain, titled_table};
use super::paragraph::{Words, chips, probabilities, quoted};
use crate::task::{LabelId, Prediction, TaskSpec};
use crate::text::Document;
use maud::{Markup, html};

/// Gathers documents: the contents list stands before them, so that the page is made when all are known.
#[derive(Default)]
pub(crate) struct ClassificationPage {
    documents: Vec<Part>,
    /// Whether the last part holds rows of a table.
    in_rows: bool,
    paragraphs: usize,
    /// By task and label, how many paragraphs got it.
    counts: Vec<Vec<usize>>,
}

impl ClassificationPage {
    pub fn document(&mut self, tasks: &[TaskSpec], document: &Document, paragraphs: &[LabelledParagraph]) {
        if self.counts.is_empty() {
            self.counts = tasks.iter().map(|spec| vec![0; spec.labels.len()]).collect();
        }
        for labelled in paragraphs {
            self.paragraphs += 1;
            for (prediction, counts) in labelled.predictions.iter().zip(&mut self.counts) {
                prediction.labels.iter().for_each(|label| counts[label.0] += 1);
            }
        }
        let row = document.cells.is_some();
        let shown = html! {
            @for labelled in paragraphs {
                @let title = if row { document.id.clone() } else { format!("¶ {}", labelled.number) };
                (paragraph(tasks, &title, labelled))
            }
            @if paragraphs.is_empty() { p { "No paragraph was found." } }
        };
        match self.documents.last_mut().filter(|_| row && self.in_rows) {
            // A table may have thousands of rows: they share one part, or the contents list would drown in them.
            Some(rows) => rows.lead.0.push_str(&shown.0),
            None => {
                let title = if row { "Rows".into() } else { document.id.clone() };
                self.documents.push(Part { title, lead: shown, sections: Vec::new() });
            }
        }
        self.in_rows = row;
    }

    pub fn finish(self, tasks: &[TaskSpec]) -> String {
        let lead = html! { p { (self.paragraphs) " paragraphs." } };
        let mut parts = vec![overview(tasks, &self.counts, self.paragraphs)];
        parts.extend(self.documents);
        page("Labelled paragraphs", &lead, &parts)
    }
}

fn overview(tasks: &[TaskSpec], counts: &[Vec<usize>], paragraphs: usize) -> Part {
    let section = |(spec, counts): (&TaskSpec, &Vec<usize>)| {
        let sheet = Sheet::new(&spec.name, &["label", "paragraphs", "share"], Vec::new());
        let rows = html! {
            @for (label, count) in spec.labels.iter().zip(counts) {
                @let percent = format!("{:.0}", 100.0 * *count as f64 / paragraphs.max(1) as f64);
                tr {
                    th scope="row" { (plain(label)) }
                    td { (count) }
                    td { span.track aria-hidden="true" { span style={ "width:" (percent) "%" } {} } (percent) " %" }
                }
            }
        };
        Section { title: format!("Task {}", spec.name), body: titled_table(&sheet, "", rows) }
    };
    let how = "How many paragraphs got each label. Below, every paragraph has its labels in boxes, then its text, \
        then the probability of every label: near 1 the model is sure that it fits, near 0 that it does not. Marked \
        words, where explanations were asked for, drew the model to a label, the more the stronger the mark; the \
        numbers below the text are what each adds to the label's log-odds.";
    Part {
        title: "Overview".into(),
        lead: html! { p.how { (how) } },
        sections: tasks.iter().zip(counts).map(section).collect(),
    }
}

fn paragraph(tasks: &[TaskSpec], title: &str, labelled: &LabelledParagraph) -> Markup {
    let answers = || tasks.iter().zip(&labelled.predictions);
    let words: Vec<Words<'_>> = match &labelled.reasons {
        Some((reasons, most)) => {
            let by_task = answers().zip(reasons);
            by_task.flat_map(|((spec, prediction), reasons)| given_words(spec, prediction, reasons, *most)).collect()
        }
        None => Vec::new(),
    };
    html! {
        article.paragraph {
            h4 { (plain(title)) }
            @for (t, (spec, prediction)) in answers().enumerate() {
                @let undecided = labelled.undecided.as_ref().map(|of_tasks| &of_tasks[t]).filter(|set| !set.is_empty());
                p.chips {
                    (plain(&spec.name)) ": "
                    @if !prediction.labels.is_empty() || undecided.is_none() { (chips(spec, &prediction.labels)) }
                    @if let Some(undecided) = undecided { "undecided: " (chips(spec, undecided)) }
                }
            }
            (quoted(&labelled.paragraph.text, &words))
            div.grid {
                @for (spec, prediction) in answers() {
                    (probabilities(spec, prediction.probabilities.iter().map(|p| p.get()), &prediction.labels, None))
                }
            }
        }
    }
}

fn given_words<'a>(
    spec: &'a TaskSpec,
    prediction: &'a Prediction,
    reasons: &'a [crate::model::LabelReasons],
    most: usize,
) -> Vec<Words<'a>> {
    let of_label = |label: LabelId| Words::of(&spec.labels[label.0], &reasons[label.0], true, most);
    prediction.labels.iter().map(of_label).collect()
}
