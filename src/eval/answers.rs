//! What a report's predictions say of one task, read back into label sets.
//!
//! In: the predictions of a report. Out: typed answers, their figures by fold, and the worst of them. It must not know
//! how the answers came about.

use super::interval::mean;
use super::metrics::{Counts, Judged, LABEL_FIGURES, LabelRows, Metric};
use super::report::{PredictionRecord, Report, damaged};
use crate::error::Result;
use crate::task::{LabelId, LabelSet, TaskKind, TaskSpec};
use serde_json::Value;
use std::collections::BTreeMap;

/// One prediction, as far as one task goes.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskAnswer<'a> {
    /// The prediction.
    pub record: &'a PredictionRecord,
    /// The right answer.
    pub gold: LabelSet,
    /// The answer given.
    pub labels: LabelSet,
    /// One probability a label, in task order.
    pub probabilities: Vec<f64>,
}

impl TaskAnswer<'_> {
    /// The answer as metrics take it.
    pub fn judged(&self) -> Judged<'_> {
        Judged { gold: &self.gold, labels: &self.labels, probabilities: &self.probabilities }
    }

    /// How far the probabilities are from the gold: the mean over labels of the probability of the wrong yes or no.
    pub fn distance(&self) -> f64 {
        distance(&self.gold, &self.probabilities)
    }
}

/// See [`TaskAnswer::distance`].
pub(super) fn distance(gold: &LabelSet, probabilities: &[f64]) -> f64 {
    let wrong = |(k, &p): (usize, &f64)| if gold.contains(LabelId(k)) { 1.0 - p } else { p };
    probabilities.iter().enumerate().map(wrong).sum::<f64>() / probabilities.len() as f64
}

/// The figures of one fold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoldFigures {
    /// The repeat, from 0.
    pub repeat: usize,
    /// The fold, from 0.
    pub fold: usize,
    /// The paragraphs judged.
    pub paragraphs: usize,
    /// See [`Metric::Accuracy`].
    pub accuracy: Option<f64>,
    /// See [`Metric::MacroF1`].
    pub macro_f1: Option<f64>,
}

/// The figures of each fold, by repeat and fold.
pub fn fold_figures(spec: &TaskSpec, answers: &[TaskAnswer<'_>]) -> Vec<FoldFigures> {
    let mut folds: BTreeMap<(usize, usize), Vec<Judged<'_>>> = BTreeMap::new();
    for answer in answers {
        folds.entry((answer.record.repeat, answer.record.fold)).or_default().push(answer.judged());
    }
    let of = |((repeat, fold), rows): ((usize, usize), Vec<Judged<'_>>)| {
        let figure = |metric: Metric| metric.of(spec.kind, spec.labels.len(), &rows);
        let (accuracy, macro_f1) = (figure(Metric::Accuracy), figure(Metric::MacroF1));
        FoldFigures { repeat, fold, paragraphs: rows.len(), accuracy, macro_f1 }
    };
    folds.into_iter().map(of).collect()
}

/// The mean over repeats of a figure of all answers of a repeat.
pub(super) fn over_repeats(answers: &[TaskAnswer<'_>], figure: impl Fn(&[Judged<'_>]) -> Option<f64>) -> Option<f64> {
    let mut repeats: BTreeMap<usize, Vec<Judged<'_>>> = BTreeMap::new();
    for answer in answers {
        repeats.entry(answer.record.repeat).or_default().push(answer.judged());
    }
    mean(repeats.values().filter_map(|rows| figure(rows)))
}

/// The wrong answers, the farthest from the gold first; of a paragraph that several repeats judged, the worst alone.
pub fn worst_errors<'a, 'b>(answers: &'b [TaskAnswer<'a>]) -> Vec<&'b TaskAnswer<'a>> {
    let mut worst: BTreeMap<&str, &TaskAnswer<'a>> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| answer.labels != answer.gold) {
        let kept = worst.entry(&answer.record.id).or_insert(answer);
        if answer.distance() > kept.distance() {
            *kept = answer;
        }
    }
    let mut errors: Vec<&TaskAnswer<'a>> = worst.into_values().collect();
    // Stable: errors as far from the gold stay ordered by id.
    errors.sort_by(|a, b| b.distance().total_cmp(&a.distance()));
    errors
}

impl Report {
    /// The tasks of the report, in its order.
    pub fn specs(&self) -> Vec<TaskSpec> {
        let spec = |(name, task): (&String, &super::report::TaskReport)| TaskSpec {
            name: name.clone(),
            kind: task.kind,
            labels: task.labels.keys().cloned().collect(),
        };
        self.tasks.iter().map(spec).collect()
    }

    /// Every answer to a task whose gold is known, in the order of the predictions.
    ///
    /// # Errors
    ///
    /// A prediction that does not answer the task, or with labels that it lacks.
    pub fn answers(&self, spec: &TaskSpec) -> Result<Vec<TaskAnswer<'_>>> {
        let mut answers = Vec::with_capacity(self.predictions.len());
        for record in &self.predictions {
            let Some(gold) = labels_of(spec, record.gold.get(&spec.name))? else { continue };
            let (labels, probabilities) = answer_of(spec, record)?;
            answers.push(TaskAnswer { record, gold, labels, probabilities });
        }
        Ok(answers)
    }

    /// The figure of a label of that name, as the predictions give it; `None` where it is undefined or no figure of labels has
    /// that name.
    ///
    /// # Errors
    ///
    /// As [`answers`](Self::answers).
    pub fn label_figure(&self, spec: &TaskSpec, label: LabelId, name: &str) -> Result<Option<f64>> {
        let answers = self.answers(spec)?;
        let figure = LABEL_FIGURES.iter().find(|(known, _)| *known == name);
        Ok(figure.and_then(|(_, of)| {
            over_repeats(&answers, |rows| of(&LabelRows::of(rows, label, Counts::of(rows, label))))
        }))
    }
}

pub(super) fn labels_of(spec: &TaskSpec, value: Option<&Value>) -> Result<Option<LabelSet>> {
    let names = match (spec.kind, value) {
        (_, None | Some(Value::Null)) => return Ok(None),
        (TaskKind::Single, Some(name)) => std::slice::from_ref(name),
        (TaskKind::Multi, Some(Value::Array(names))) => names,
        (TaskKind::Multi, Some(other)) => {
            return Err(damaged(format!("labels of task `{}`: found {other}; allowed: a list", spec.name)));
        }
    };
    let label = |name: &Value| {
        let found =
            || damaged(format!("a label of task `{}`: found {name}; allowed: {}", spec.name, spec.labels.join(", ")));
        name.as_str().and_then(|name| spec.label_id(name)).ok_or_else(found)
    };
    Ok(Some(names.iter().map(label).collect::<Result<_>>()?))
}

pub(super) fn answer_of(spec: &TaskSpec, record: &PredictionRecord) -> Result<(LabelSet, Vec<f64>)> {
    let missing = || damaged(format!("no answer to `{}` for `{}`", spec.name, record.id));
    let labels = labels_of(spec, record.labels.get(&spec.name))?.ok_or_else(missing)?;
    let probabilities = record.probabilities.get(&spec.name).and_then(Value::as_object).ok_or_else(missing)?;
    let of = |label: &String| {
        let p = probabilities.get(label).and_then(Value::as_f64).filter(|p| (0.0..=1.0).contains(p));
        p.ok_or_else(|| damaged(format!("no probability of `{label}` of task `{}` for `{}`", spec.name, record.id)))
    };
    Ok((labels, spec.labels.iter().map(of).collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(id: &str, repeat: usize, fold: usize, gold: Value, given: &str, p: f64) -> PredictionRecord {
        let of_task = |value: Value| json!({"t": value}).as_object().cloned().unwrap();
        let probabilities = of_task(json!({"a": p, "b": 1.0 - p}));
        let (gold, labels) = (of_task(gold), of_task(given.into()));
        PredictionRecord { id: id.into(), group: id.into(), repeat, fold, gold, labels, probabilities }
    }

    fn read<'a>(spec: &TaskSpec, records: &'a [PredictionRecord]) -> Vec<TaskAnswer<'a>> {
        let answer = |record: &'a PredictionRecord| {
            let gold = labels_of(spec, record.gold.get("t")).unwrap()?;
            let (labels, probabilities) = answer_of(spec, record).unwrap();
            Some(TaskAnswer { record, gold, labels, probabilities })
        };
        records.iter().filter_map(answer).collect()
    }

    #[test]
    fn folds_are_judged_apart_and_errors_come_once_with_the_worst_first() {
        let spec = TaskSpec { name: "t".into(), kind: TaskKind::Single, labels: vec!["a".into(), "b".into()] };
        let records = [
            record("w", 0, 0, "a".into(), "a", 0.9),
            record("x", 0, 0, "a".into(), "b", 0.4),
            record("y", 0, 1, "b".into(), "a", 0.7),
            record("z", 0, 1, Value::Null, "a", 0.7),
            record("x", 1, 0, "a".into(), "b", 0.1),
        ];
        let answers = read(&spec, &records);
        assert_eq!(answers.len(), 4, "what has no gold is not judged");
        let folds = fold_figures(&spec, &answers);
        let accuracies: Vec<_> = folds.iter().map(|f| (f.repeat, f.fold, f.paragraphs, f.accuracy)).collect();
        assert_eq!(accuracies, [(0, 0, 2, Some(0.5)), (0, 1, 1, Some(0.0)), (1, 0, 1, Some(0.0))]);
        // Fold (0, 0): class a found once, missed once: 2 · 1 / (2 · 1 + 0 + 1); b has no gold.
        assert_eq!(folds[0].macro_f1, Some(2.0 / 3.0));
        let errors: Vec<_> = worst_errors(&answers).iter().map(|e| (e.record.id.as_str(), e.record.repeat)).collect();
        assert_eq!(errors, [("x", 1), ("y", 0)]);
        // The mean of 1 - 0.1 for a, which is gold, and 0.9 for b, which is not.
        assert!((answers[3].distance() - 0.9).abs() < 1e-12);
    }
}
