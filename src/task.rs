//! What is asked of a paragraph, and what an answer looks like.
//!
//! In: names of tasks and labels from a `tasks.toml`, a command line or the data. Out: small types that the other rooms
//! agree on. It must not know any task or label by name, nor where text or numbers come from.

use crate::error::{Error, Result, toml_fault};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Whether a paragraph carries any number of a task's labels or exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// Any number of labels, or none: one binary question a label.
    Multi,
    /// Exactly one label of several.
    Single,
}

/// A question asked of every paragraph: its name, its kind and its labels in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// The task's name, which is also the name of its column in labelled files.
    pub name: String,
    /// Multi-label or single-label.
    pub kind: TaskKind,
    /// The labels, in the order in which they are printed everywhere.
    pub labels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TasksFile {
    tasks: BTreeMap<String, TaskEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskEntry {
    kind: TaskKind,
    labels: Vec<String>,
}

impl TaskSpec {
    /// Checks that the names can be told apart in files and cells.
    ///
    /// # Errors
    ///
    /// An empty or repeated label, a label that holds `|` (the separator of multi-label cells), or fewer labels than
    /// the kind needs (one for multi, two for single).
    pub fn check(&self) -> Result<()> {
        let fault = |what: String| Err(Error::data(format!("task `{}`: {what}", self.name)));
        if self.name.trim().is_empty() {
            return Err(Error::data("a task has an empty name"));
        }
        let least = match self.kind {
            TaskKind::Multi => 1,
            TaskKind::Single => 2,
        };
        if self.labels.len() < least {
            return fault(format!("too few labels (found {}; at least {least} needed)", self.labels.len()));
        }
        for (i, label) in self.labels.iter().enumerate() {
            if label.trim() != label || label.is_empty() || label.contains('|') {
                return fault(format!("unusable label `{label}` (empty, with outer space, or with `|`)"));
            }
            if self.labels[..i].contains(label) {
                return fault(format!("label `{label}` stands twice"));
            }
        }
        Ok(())
    }

    /// Reads the text of a `tasks.toml`; tasks come back sorted by name.
    ///
    /// # Errors
    ///
    /// Text that is not such a file, or a task that [`TaskSpec::check`] refuses.
    pub fn read_all(toml_text: &str) -> Result<Vec<TaskSpec>> {
        let file: TasksFile = toml::from_str(toml_text).map_err(|e| {
            let (what, line) = toml_fault(toml_text, &e);
            Error::data(format!("not a usable tasks file: {what}"))
                .line(line)
                .hint("[tasks.NAME] with kind = \"multi\" or \"single\" and labels = [\"…\", \"…\"]")
        })?;
        let specs: Vec<TaskSpec> = file
            .tasks
            .into_iter()
            .map(|(name, entry)| TaskSpec { name, kind: entry.kind, labels: entry.labels })
            .collect();
        if specs.is_empty() {
            return Err(Error::data("the tasks file names no task").hint("add a [tasks.NAME] table"));
        }
        for spec in &specs {
            spec.check()?;
        }
        Ok(specs)
    }

    /// The position of a label, if the task has it.
    pub fn label_id(&self, label: &str) -> Option<LabelId> {
        self.labels.iter().position(|l| l == label).map(LabelId)
    }

    /// The names of a set's labels, in task order.
    pub fn names<'a>(&'a self, set: &'a LabelSet) -> impl Iterator<Item = &'a str> {
        set.iter().map(|id| self.labels[id.0].as_str())
    }
}

/// The position of a label in its task's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LabelId(pub usize);

/// A set of labels of one task, sorted; a single-label answer is a set of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSet(SmallVec<[LabelId; 2]>);

impl LabelSet {
    /// Whether the label is in the set.
    pub fn contains(&self, label: LabelId) -> bool {
        self.0.binary_search(&label).is_ok()
    }

    /// The labels in task order.
    pub fn iter(&self) -> impl Iterator<Item = LabelId> + '_ {
        self.0.iter().copied()
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no label applies.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first label: the answer of a single-label task.
    pub fn first(&self) -> Option<LabelId> {
        self.0.first().copied()
    }
}

impl FromIterator<LabelId> for LabelSet {
    fn from_iter<I: IntoIterator<Item = LabelId>>(labels: I) -> Self {
        let mut labels: SmallVec<[LabelId; 2]> = labels.into_iter().collect();
        labels.sort_unstable();
        labels.dedup();
        LabelSet(labels)
    }
}

/// A classifier's raw answer for one label: a log-odds that nothing has calibrated.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Score(pub f64);

/// A number in [0, 1] that is meant to be read as a frequency.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Probability(f64);

impl Probability {
    /// Keeps a number inside [0, 1]; what is not a number becomes 0.5, the answer of one who knows nothing.
    pub fn clamped(p: f64) -> Self {
        Probability(if p.is_nan() { 0.5 } else { p.clamp(0.0, 1.0) })
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// What a model says of one paragraph on one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The labels decided on.
    pub labels: LabelSet,
    /// One probability a label, in task order; of a single-label task they sum to one.
    pub probabilities: Vec<Probability>,
}

impl Prediction {
    /// Takes back every answer whose probability (see [`confidence`]) is below `least`, and gives the labels it concerns:
    /// of a single-label task the label given, or nothing; of a multi-label task each label whose yes or no is too unsure.
    pub fn abstain_below(&mut self, kind: TaskKind, least: f64) -> LabelSet {
        let unsure = |label: &LabelId| {
            let given = self.labels.contains(*label);
            (given || kind == TaskKind::Multi) && confidence(given, self.probabilities[label.0].get()) < least
        };
        let undecided: LabelSet = (0..self.probabilities.len()).map(LabelId).filter(unsure).collect();
        self.labels = self.labels.iter().filter(|label| !undecided.contains(*label)).collect();
        undecided
    }
}

/// The probability of an answer to one label, given or not: p of a yes, 1 - p of a no.
pub fn confidence(given: bool, p: f64) -> f64 {
    if given { p } else { 1.0 - p }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tasks_file_gives_tasks_by_name_with_labels_in_order() {
        let specs = TaskSpec::read_all(
            "[tasks.tone]\nkind = \"single\"\nlabels = [\"b\", \"a\"]\n[tasks.theme]\nkind = \"multi\"\nlabels = [\"x\"]",
        )
        .unwrap();
        assert_eq!(specs.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["theme", "tone"]);
        assert_eq!(specs[1].labels, ["b", "a"]);
        assert_eq!(specs[1].label_id("a"), Some(LabelId(1)));
    }

    #[test]
    fn faulty_tasks_are_refused_with_a_reason() {
        let cases = [
            ("", "not a usable tasks file"),
            ("[tasks]", "names no task"),
            ("[tasks.t]\nkind = \"both\"\nlabels = [\"a\"]", "not a usable tasks file"),
            ("[tasks.t]\nkind = \"single\"\nlabels = [\"a\"]", "too few labels"),
            ("[tasks.t]\nkind = \"multi\"\nlabels = [\"a\", \"a\"]", "stands twice"),
            ("[tasks.t]\nkind = \"multi\"\nlabels = [\"a|b\"]", "unusable label"),
        ];
        for (text, reason) in cases {
            let message = TaskSpec::read_all(text).unwrap_err().to_string();
            assert!(message.contains(reason), "{text:?} gave {message:?}");
        }
    }

    #[test]
    fn answers_too_unsure_are_taken_back() {
        let prediction = |labels: &[usize], p: &[f64]| Prediction {
            labels: labels.iter().copied().map(LabelId).collect(),
            probabilities: p.iter().map(|p| Probability::clamped(*p)).collect(),
        };
        let set = |labels: &[usize]| labels.iter().copied().map(LabelId).collect::<LabelSet>();
        // A yes of 0.9, a yes of 0.6 (given from a threshold below it), a no of 1 - 0.45, a no of 1 - 0.2.
        let mut multi = prediction(&[0, 1], &[0.9, 0.6, 0.45, 0.2]);
        assert_eq!(multi.abstain_below(TaskKind::Multi, 0.7), set(&[1, 2]));
        assert_eq!(multi.labels, set(&[0]));
        // Of classes only the one given can be taken back; the bar itself is sure enough.
        let mut single = prediction(&[1], &[0.1, 0.6, 0.3]);
        assert_eq!((single.abstain_below(TaskKind::Single, 0.6), single.labels.len()), (set(&[]), 1));
        assert_eq!((single.abstain_below(TaskKind::Single, 0.61), single.labels.len()), (set(&[1]), 0));
    }

    #[test]
    fn a_label_set_is_sorted_and_without_repeats() {
        let set: LabelSet = [LabelId(2), LabelId(0), LabelId(2)].into_iter().collect();
        assert_eq!(set.iter().map(|l| l.0).collect::<Vec<_>>(), [0, 2]);
        assert!(set.contains(LabelId(2)) && !set.contains(LabelId(1)));
    }
}
