//! Whether a report that comes from a file holds together.
//!
//! In: a report as it was read. Out: nothing, or the first thing in it that no evaluation writes. It must not know what the
//! report is wanted for.

use super::answers::over_repeats;
use super::metrics::Metric;
use super::report::{Report, Split, damaged};
use crate::error::Result;
use crate::task::TaskSpec;
use std::collections::BTreeSet;

/// How far a stated figure may be from the one that the predictions give: the last digits of a sum.
const ROUNDING: f64 = 1e-9;

impl Report {
    /// Every paragraph has one prediction a repeat, every fold judged something, gold and answers fit the tasks, and the
    /// figures that decide follow from them.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub(super) fn validate(&self) -> Result<()> {
        let specs = self.specs();
        if specs.is_empty() {
            return Err(damaged("no task"));
        }
        for spec in &specs {
            spec.check().map_err(|e| damaged(e.message()))?;
        }
        self.validate_deal()?;
        specs.iter().try_for_each(|spec| self.validate_answers(spec))
    }

    fn validate_deal(&self) -> Result<()> {
        let (folds, repeats, time) = match (&self.folds, &self.held_out) {
            (Some(folds), None) => (folds.k, folds.repeats, folds.split == Split::Time),
            (None, Some(_)) => (1, 1, false),
            _ => return Err(damaged("wanted: either `folds` or `held_out`")),
        };
        let least = if self.folds.is_some() && !time { 2 } else { 1 };
        if folds < least {
            return Err(damaged(format!("folds.k: found {folds}; at least {least} needed")));
        }
        if repeats < 1 || time && repeats > 1 {
            let allowed = if time { "1, as a time line is cut once" } else { "1 or more" };
            return Err(damaged(format!("folds.repeats: found {repeats}; allowed: {allowed}")));
        }
        let (mut ids, mut judged, mut parts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for p in &self.predictions {
            if p.repeat >= repeats || p.fold >= folds {
                let place = format!("`{}` in repeat {} and fold {}", p.id, p.repeat, p.fold);
                return Err(damaged(format!("{place}, counted from 0, of {repeats} repeats and {folds} folds")));
            }
            if !judged.insert((p.repeat, p.id.as_str())) {
                return Err(damaged(format!("two predictions for `{}` in repeat {}", p.id, p.repeat)));
            }
            ids.insert(p.id.as_str());
            parts.insert((p.repeat, p.fold));
        }
        // The first part of a time line is never judged.
        let whole = if time { ids.len() < self.data.paragraphs } else { ids.len() == self.data.paragraphs };
        if !whole || Some(judged.len()) != ids.len().checked_mul(repeats) {
            let (n, paragraphs) = (judged.len(), self.data.paragraphs);
            let found = format!("{n} predictions for {} paragraphs", ids.len());
            return Err(damaged(format!("{found}; wanted: {paragraphs} paragraphs, each in {repeats} repeats")));
        }
        if Some(parts.len()) != folds.checked_mul(repeats) {
            return Err(damaged(format!("folds without a prediction, of {repeats} repeats of {folds} folds")));
        }
        Ok(())
    }

    fn validate_answers(&self, spec: &TaskSpec) -> Result<()> {
        let answers = self.answers(spec)?;
        let recomputed = over_repeats(&answers, |rows| Metric::PRIMARY.of(spec.kind, spec.labels.len(), rows));
        let stated = self.tasks[&spec.name].estimate(Metric::PRIMARY).mean;
        let same = match (stated, recomputed) {
            (Some(a), Some(b)) => (a - b).abs() <= ROUNDING,
            (a, b) => a == b,
        };
        if !same {
            let number = |value: Option<f64>| value.map_or_else(|| "n/a".into(), |v| v.to_string());
            let (stated, recomputed) = (number(stated), number(recomputed));
            let figure = format!("{}.{}", spec.name, Metric::PRIMARY.name());
            return Err(damaged(format!("{figure}: found {stated}; its predictions give {recomputed}")));
        }
        Ok(())
    }
}
