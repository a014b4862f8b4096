//! Predictions, paragraph by paragraph, in every format of `classify`.

use super::figures::{self, printable};
use super::html::ClassificationPage;
use super::record::{OWN_NAMES, Record, kept_name};
use crate::error::{Error, Result};
use crate::model::LabelReasons;
use crate::task::{LabelId, LabelSet, Prediction, TaskKind, TaskSpec};
use crate::text::{Document, Paragraph};
use indexmap::IndexSet;
use serde_json::Value;
use std::borrow::Cow;
use std::io::Write;

/// A paragraph with what a model says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledParagraph {
    /// Its number in the document, from 1.
    pub number: usize,
    /// Its text and place.
    pub paragraph: Paragraph,
    /// One prediction a task, in task order.
    pub predictions: Vec<Prediction>,
    /// Where unsure answers are withheld: the labels left undecided, by task.
    pub undecided: Option<Vec<LabelSet>>,
    /// Where asked for: by task and label, where the score comes from, and how many words to show.
    pub reasons: Option<(Vec<Vec<LabelReasons>>, usize)>,
}

/// The formats of predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionFormat {
    /// For a terminal.
    Table,
    /// One object a line.
    Jsonl,
    /// One array.
    Json,
    /// Comma-separated, with a column for each probability.
    Csv,
    /// A page for a browser, written when everything is known.
    Html,
}

/// The width at which a table cuts a paragraph's text.
const TEXT_WIDTH: usize = 72;

/// Writes the paragraphs of one document after another.
pub struct PredictionWriter<'a, W: Write> {
    out: W,
    format: PredictionFormat,
    tasks: &'a [TaskSpec],
    /// The columns that a CSV output has of its own...
    own_columns: Vec<String>,
    /// ...and those of the input: what is expected, and after the first document also the columns of that.
    input_columns: IndexSet<String>,
    header_written: bool,
    documents: usize,
    page: ClassificationPage,
}

impl<'a, W: Write> PredictionWriter<'a, W> {
    /// Starts an output.
    pub fn new(out: W, format: PredictionFormat, tasks: &'a [TaskSpec]) -> Self {
        let (own_columns, page) = (own_columns(tasks, false), ClassificationPage::default());
        PredictionWriter {
            out,
            format,
            tasks,
            own_columns,
            input_columns: IndexSet::new(),
            header_written: false,
            documents: 0,
            page,
        }
    }

    /// Tells that unsure answers may be withheld, for which a CSV output has columns.
    #[must_use]
    pub fn abstaining(mut self, abstains: bool) -> Self {
        self.own_columns = own_columns(self.tasks, abstains);
        self
    }

    /// Tells which columns tables of the input have, by table, so that a CSV output has room for all of them.
    #[must_use]
    pub fn expecting(mut self, tables: Vec<Vec<String>>) -> Self {
        for table in tables {
            let kept = |name: &String| {
                kept_name(name, |own| self.is_own(own), |other| table.iter().any(|t| t == other)).into_owned()
            };
            let kept: Vec<String> = table.iter().map(kept).collect();
            self.input_columns.extend(kept);
        }
        self
    }

    /// Whether a CSV output has a column of this name of its own, or one that looks like it.
    fn is_own(&self, name: &str) -> bool {
        let [of_probability, of_undecided] = ["p_", UNDECIDED].map(|prefix| name.strip_prefix(prefix));
        let taken = |task: &TaskSpec| {
            let label = of_probability.and_then(|rest| rest.strip_prefix(&*task.name));
            label.is_some_and(|rest| rest.starts_with('_')) || of_undecided == Some(&task.name)
        };
        OWN_NAMES.contains(&name) || self.own_columns.iter().any(|own| own == name) || self.tasks.iter().any(taken)
    }

    /// Writes one document.
    ///
    /// # Errors
    ///
    /// `Ok(Err(_))` if a document cannot be written in this format (a CSV row with columns that the header lacks);
    /// `Err(_)` if the output fails.
    pub fn document(&mut self, document: &Document, paragraphs: &[LabelledParagraph]) -> std::io::Result<Result<()>> {
        match self.format {
            PredictionFormat::Table => self.table(document, paragraphs)?,
            PredictionFormat::Jsonl => {
                for labelled in paragraphs {
                    serde_json::to_writer(&mut self.out, &Record { tasks: self.tasks, document, labelled })?;
                    self.out.write_all(b"\n")?;
                }
            }
            PredictionFormat::Json => {
                for labelled in paragraphs {
                    self.out.write_all(if self.documents == 0 { b"[\n" } else { b",\n" })?;
                    serde_json::to_writer(&mut self.out, &Record { tasks: self.tasks, document, labelled })?;
                    self.documents += 1;
                }
                return Ok(Ok(()));
            }
            PredictionFormat::Csv => {
                if let Err(error) = self.csv(document, paragraphs)? {
                    return Ok(Err(error));
                }
            }
            PredictionFormat::Html => self.page.document(self.tasks, document, paragraphs),
        }
        self.documents += 1;
        Ok(Ok(()))
    }

    /// Ends the output and gives back what was written to.
    ///
    /// # Errors
    ///
    /// The output fails.
    pub fn finish(mut self) -> std::io::Result<W> {
        if self.format == PredictionFormat::Json {
            self.out.write_all(if self.documents == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        if self.format == PredictionFormat::Csv && !self.header_written {
            self.csv_header()?;
        }
        if self.format == PredictionFormat::Html {
            self.out.write_all(self.page.finish(self.tasks).as_bytes())?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn table(&mut self, document: &Document, paragraphs: &[LabelledParagraph]) -> std::io::Result<()> {
        if self.documents > 0 {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}", printable(&document.id))?;
        if paragraphs.is_empty() {
            return writeln!(self.out, "  (no paragraph)");
        }
        let mut header = vec!["¶"];
        header.extend(self.tasks.iter().map(|t| t.name.as_str()));
        header.push("text");
        let rows = paragraphs.iter().map(|labelled| {
            let mut cells = vec![labelled.number.to_string()];
            cells.extend((0..self.tasks.len()).map(|t| answer(&self.tasks[t], labelled, t)));
            let mut text = shortened(&printable(&labelled.paragraph.text));
            if labelled.reasons.is_some() {
                text += &self.reasons_text(labelled);
            }
            cells.push(text);
            cells
        });
        writeln!(self.out, "{}", figures::table(&header, rows.collect(), false))
    }

    /// One line for each label given, with the words that speak for it.
    fn reasons_text(&self, labelled: &LabelledParagraph) -> String {
        let Some((reasons, most)) = &labelled.reasons else { return String::new() };
        let mut lines = String::new();
        for ((task, prediction), reasons) in self.tasks.iter().zip(&labelled.predictions).zip(reasons) {
            for label in prediction.labels.iter() {
                let speak = reasons[label.0].speaking(true).take(*most);
                let words: Vec<String> = speak
                    .map(|(place, weight)| {
                        format!("{} {weight:+.2}", printable(&labelled.paragraph.text[place.clone()]))
                    })
                    .collect();
                lines += &format!("\n{}: {}", task.labels[label.0], words.join(", "));
            }
        }
        lines
    }

    fn csv(&mut self, document: &Document, paragraphs: &[LabelledParagraph]) -> std::io::Result<Result<()>> {
        let is_column = |name: &str| document.cells.iter().any(|cells| cells.contains_key(name));
        let cells: Vec<(Cow<'_, str>, &Value)> = document
            .cells
            .iter()
            .flatten()
            .filter(|(name, value)| !(*name == "text" && value.as_str() == Some(&document.text)))
            .map(|(name, value)| (kept_name(name, |own| self.is_own(own), is_column), value))
            .collect();
        if !self.header_written {
            self.input_columns.extend(cells.iter().map(|(name, _)| name.to_string()));
            self.csv_header()?;
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        let columns = &self.input_columns;
        let mut by_column: Vec<&Value> = vec![&Value::Null; columns.len()];
        for (name, value) in &cells {
            if let Some(at) = columns.get_index_of(&**name) {
                by_column[at] = value;
                continue;
            }
            let allowed = columns.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let (path, line) = &document.place;
            let what = format!("column `{name}` is in no header and no first row (allowed: {allowed})");
            let hint = "classify inputs with unlike columns one by one, or use --format jsonl";
            return Ok(Err(Error::data(what).at(&**path).line(*line).hint(hint)));
        }
        for labelled in paragraphs {
            let Paragraph { text, start, end } = &labelled.paragraph;
            writer.write_field(&document.id)?;
            for number in [labelled.number, *start, *end] {
                writer.write_field(number.to_string())?;
            }
            writer.write_field(text)?;
            let cell = |(task, labels): (&TaskSpec, &LabelSet)| task.names(labels).collect::<Vec<_>>().join("|");
            for of_task in self.tasks.iter().zip(labelled.predictions.iter().map(|p| &p.labels)) {
                writer.write_field(cell(of_task))?;
            }
            for probability in labelled.predictions.iter().flat_map(|p| &p.probabilities) {
                writer.write_field(probability.get().to_string())?;
            }
            for of_task in self.tasks.iter().zip(labelled.undecided.iter().flatten()) {
                writer.write_field(cell(of_task))?;
            }
            for value in &by_column {
                match value {
                    Value::Null => writer.write_field("")?,
                    Value::String(text) => writer.write_field(text)?,
                    other => writer.write_field(other.to_string())?,
                }
            }
            writer.write_record(None::<&[u8]>)?;
        }
        let bytes = writer.into_inner().map_err(|e| std::io::Error::other(e.to_string()))?;
        self.out.write_all(&bytes)?;
        Ok(Ok(()))
    }

    /// Writes the names of a CSV output's columns, those of the input last.
    fn csv_header(&mut self) -> std::io::Result<()> {
        self.header_written = true;
        let header = self.own_columns.iter().chain(&self.input_columns);
        csv::Writer::from_writer(&mut self.out).write_record(header)?;
        Ok(())
    }
}

/// The names of a CSV output's own columns. Where tasks and labels make one twice, as a task called `text` does, the later
/// one has a number: `text_2`.
fn own_columns(tasks: &[TaskSpec], abstains: bool) -> Vec<String> {
    let mut wanted: Vec<String> = ["document", "paragraph", "start", "end", "text"].map(String::from).into();
    wanted.extend(tasks.iter().map(|t| t.name.clone()));
    wanted.extend(tasks.iter().flat_map(|t| t.labels.iter().map(|l| format!("p_{}_{l}", t.name))));
    if abstains {
        wanted.extend(tasks.iter().map(undecided_column));
    }
    let mut names: Vec<String> = Vec::with_capacity(wanted.len());
    for name in wanted {
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

/// What a column of labels left undecided begins with, before the name of their task.
const UNDECIDED: &str = "undecided_";

fn undecided_column(task: &TaskSpec) -> String {
    format!("{UNDECIDED}{}", task.name)
}

/// The answer to the `t`-th task with its probabilities, one label a line; what is undecided has a question mark.
fn answer(task: &TaskSpec, labelled: &LabelledParagraph, t: usize) -> String {
    let prediction = &labelled.predictions[t];
    let line = |label: LabelId, mark: &str| {
        format!("{mark}{} {:.2}", task.labels[label.0], prediction.probabilities[label.0].get())
    };
    let undecided = labelled.undecided.iter().flat_map(|of_tasks| of_tasks[t].iter());
    let lines: Vec<String> =
        prediction.labels.iter().map(|label| line(label, "")).chain(undecided.map(|label| line(label, "? "))).collect();
    if lines.is_empty() && task.kind == TaskKind::Multi { "–".into() } else { lines.join("\n") }
}

/// The beginning of a text, in two lines at most.
fn shortened(text: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let line = &lines[lines.len() - 1];
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > TEXT_WIDTH {
            if lines.len() == 2 {
                lines[1].push('…');
                break;
            }
            lines.push(String::new());
        }
        let at = lines.len() - 1;
        if !lines[at].is_empty() {
            lines[at].push(' ');
        }
        lines[at].push_str(word);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_word() {
        let text = "mot ".repeat(80);
        let cut = shortened(&text);
        assert_eq!(cut.lines().count(), 2);
        assert!(cut.ends_with("mot…") && cut.lines().all(|l| l.chars().count() <= TEXT_WIDTH + 1));
        assert_eq!(shortened("court"), "court");
    }
}
