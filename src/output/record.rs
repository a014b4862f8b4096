//! A labelled paragraph as a JSON object.

use super::LabelledParagraph;
use crate::eval::labels_value;
use crate::model::LabelReasons;
use crate::task::TaskSpec;
use crate::text::Document;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Names that an output row has of its own; an input column of such a name is kept under [another](kept_name).
pub(super) const OWN_NAMES: [&str; 8] =
    ["document", "paragraph", "start", "end", "labels", "probabilities", "undecided", "reasons"];

/// The name under which an input column is kept: its own, or where an output row has this name of its own, that with
/// `input_` before it, as often as it takes to be no other's of the same input.
pub(super) fn kept_name<'a>(
    name: &'a str,
    own: impl Fn(&str) -> bool,
    is_column: impl Fn(&str) -> bool,
) -> Cow<'a, str> {
    let mut kept = Cow::Borrowed(name);
    let taken = |kept: &str| own(kept) || kept != name && is_column(kept);
    while taken(&kept) {
        kept = format!("input_{kept}").into();
    }
    kept
}

/// A paragraph, what a model says of it, and the columns of its input; written as it is read, since a stream has many.
pub(super) struct Record<'a> {
    pub tasks: &'a [TaskSpec],
    pub document: &'a Document,
    pub labelled: &'a LabelledParagraph,
}

/// Pairs of a key and a value as a JSON object.
struct Object<I>(I);

impl<K: Serialize, V: Serialize, I: Iterator<Item = (K, V)> + Clone> Serialize for Object<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Record { tasks, document, labelled } = *self;
        let names = tasks.iter().map(|task| &task.name);
        let predictions = || tasks.iter().zip(&labelled.predictions);
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("document", &document.id)?;
        object.serialize_entry("paragraph", &labelled.number)?;
        object.serialize_entry("start", &labelled.paragraph.start)?;
        object.serialize_entry("end", &labelled.paragraph.end)?;
        object.serialize_entry("text", &labelled.paragraph.text)?;
        let labels = predictions().map(|(task, p)| labels_value(task, &p.labels));
        object.serialize_entry("labels", &Object(names.clone().zip(labels)))?;
        let probabilities = predictions()
            .map(|(task, prediction)| Object(task.labels.iter().zip(prediction.probabilities.iter().map(|p| p.get()))));
        object.serialize_entry("probabilities", &Object(names.clone().zip(probabilities)))?;
        if let Some(undecided) = &labelled.undecided {
            let lists = tasks.iter().zip(undecided).map(|(task, set)| task.names(set).collect::<Vec<_>>());
            object.serialize_entry("undecided", &Object(names.clone().zip(lists)))?;
        }
        if let Some((reasons, most)) = &labelled.reasons {
            let origins = labelled.paragraph.origins(&document.text);
            let value = |reasons| reasons_value(reasons, *most, labelled, &origins);
            let by_task =
                tasks.iter().zip(reasons).map(|(task, r)| Object(task.labels.iter().zip(r.iter().map(&value))));
            object.serialize_entry("reasons", &Object(names.zip(by_task)))?;
        }
        for (name, value) in document.cells.iter().flatten() {
            if name == "text" && value.as_str() == Some(&labelled.paragraph.text) {
                continue;
            }
            let own = |name: &str| name == "text" || OWN_NAMES.contains(&name);
            let is_column = |name: &str| document.cells.iter().any(|cells| cells.contains_key(name));
            object.serialize_entry(&*kept_name(name, own, is_column), value)?;
        }
        object.end()
    }
}

/// The strongest words with their place in the document; what the others add is `rest`.
fn reasons_value(reasons: &LabelReasons, most: usize, labelled: &LabelledParagraph, origins: &[usize]) -> Value {
    let (shown, others) = reasons.words.split_at(most.min(reasons.words.len()));
    let words: Vec<Value> = shown
        .iter()
        .map(|(place, weight)| {
            let text = &labelled.paragraph.text[place.clone()];
            // The end is taken from the last byte: what follows may be white space of any length.
            json!({"text": text, "start": origins[place.start], "end": origins[place.end - 1] + 1, "weight": weight})
        })
        .collect();
    // From zero: a sum of nothing is -0.
    let rest = others.iter().fold(0.0, |sum, (_, weight)| sum + weight);
    json!({"score": reasons.score, "intercept": reasons.intercept, "rest": rest, "words": words})
}
