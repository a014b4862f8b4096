//! Decisions for another class mix than that of the training data.
//!
//! Probabilities carry the class mix of what a model was fitted on. Where texts of each class stay what they were and only
//! their shares differ, Bayes' rule moves each log-odds by the logarithm of the ratio of new to old odds. The new shares
//! are given, or estimated from what the model says of unlabelled texts. Probabilities are taken to carry the mix of
//! training, which calibration sees to.

use super::decision::Decision;
use super::file::ModelFile;
use crate::error::{Error, Result};
use crate::task::{LabelId, Score, TaskKind, TaskSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Under this many unlabelled paragraphs a mix is not estimated.
pub const LEAST_PARAGRAPHS: usize = 50;

/// An estimate ends when no share moves by more than this,
const TOLERANCE: f64 = 1e-9;
/// or after so many rounds.
const MOST_ROUNDS: usize = 10_000;

/// The class mix that a model's decisions were moved to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adaptation {
    /// The number of unlabelled paragraphs read; 0 where every share was given.
    pub paragraphs: usize,
    /// By task its labels, in task order. A task that was left as it was is not here.
    pub tasks: BTreeMap<String, Vec<LabelMix>>,
}

/// One label's share in training, and the one that decisions go by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelMix {
    /// The label.
    pub label: String,
    /// The share of the training paragraphs that carry it.
    pub training: f64,
    /// The share that decisions now go by.
    pub adapted: f64,
    /// Where that is from.
    pub origin: Origin,
    /// What was added to the log-odds.
    pub shift: f64,
    /// The share of the unlabelled paragraphs that were given the label before, and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<[f64; 2]>,
}

/// Where a share is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The user.
    Given,
    /// Unlabelled text.
    Estimated,
    /// The model as trained: beside given shares of other labels, and in proportion to them in a single-label task.
    Kept,
}

/// A label's share as a user states it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenShare {
    /// The position of the task in the model.
    pub task: usize,
    /// The label.
    pub label: LabelId,
    /// The share of paragraphs that carry it, above 0 and below 1.
    pub share: f64,
}

impl ModelFile {
    /// Moves the decisions to the given shares and, for labels without one, to those estimated from the scores of
    /// unlabelled texts: of each task one list, text by text and there label by label. An earlier adaptation is replaced.
    ///
    /// The estimate is the maximum of the likelihood Π_i Σ_k π_k / τ_k · p_ik over the shares π, where p are the
    /// probabilities as trained and τ the shares of training, found by expectation maximisation: each p_ik times
    /// π_k / τ_k, normalised over k; then π_k is their mean over i. A label of a multi-label task is a task of two classes.
    /// No share is let under half a paragraph.
    ///
    /// Source: Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori
    /// probabilities".
    ///
    /// # Errors
    ///
    /// Too few texts; given shares that are out of range or do not leave room for the rest; a model that does not say
    /// what it was trained on.
    pub fn adapt(&mut self, given: &[GivenShare], unlabelled: Option<&[Vec<Score>]>) -> Result<()> {
        let scores_of = |t: usize| unlabelled.map_or(&[][..], |scores| &scores[t]);
        let first = self.classifier.tasks().first();
        let paragraphs = first.map_or(0, |task| scores_of(0).len() / task.spec.labels.len());
        if unlabelled.is_some() && paragraphs < LEAST_PARAGRAPHS {
            return Err(Error::data(format!(
                "too little text to estimate shares from (found {paragraphs} paragraphs; at least {LEAST_PARAGRAPHS} needed)"
            ))
            .hint("add texts, or state the shares: --prior TASK.LABEL=SHARE"));
        }
        let mut tasks = BTreeMap::new();
        let mut decisions = Vec::new();
        for (t, task) in self.classifier.tasks().iter().enumerate() {
            let spec = &task.spec;
            let own = given_shares(spec, given.iter().filter(|g| g.task == t))?;
            let trained = task.decision.shifted(unshifted(spec));
            if unlabelled.is_none() && own.iter().all(Option::is_none) {
                decisions.push(trained);
                continue;
            }
            let counts = self.provenance.label_sets.get(&spec.name);
            let training = training_shares(spec, counts.into_iter().flatten())?;
            let (posteriors, before) = said(&trained, scores_of(t), spec.labels.len());
            let adapted = adapted_shares(spec.kind, &posteriors, &training, &own);
            let shifts: Vec<f64> =
                adapted.iter().zip(&training).map(|(new, old)| shift(spec.kind, *new, *old)).collect();
            let moved = trained.shifted(shifts.clone());
            let (_, after) = said(&moved, scores_of(t), spec.labels.len());
            let mix = (0..spec.labels.len()).map(|k| LabelMix {
                label: spec.labels[k].clone(),
                training: training[k],
                adapted: adapted[k],
                origin: match (own[k], unlabelled) {
                    (Some(_), _) => Origin::Given,
                    (None, Some(_)) => Origin::Estimated,
                    (None, None) => Origin::Kept,
                },
                shift: shifts[k],
                decided: unlabelled.map(|_| [before[k], after[k]]),
            });
            tasks.insert(spec.name.clone(), mix.collect());
            decisions.push(moved);
        }
        for (task, decision) in self.classifier.tasks_mut().iter_mut().zip(decisions) {
            task.decision = decision;
        }
        self.provenance.adaptation = Some(Adaptation { paragraphs, tasks });
        Ok(())
    }
}

fn unshifted(spec: &TaskSpec) -> Vec<f64> {
    match spec.kind {
        TaskKind::Multi => vec![0.0; spec.labels.len()],
        TaskKind::Single => Vec::new(),
    }
}

fn given_shares<'a>(spec: &TaskSpec, given: impl Iterator<Item = &'a GivenShare>) -> Result<Vec<Option<f64>>> {
    let mut shares = vec![None; spec.labels.len()];
    for g in given {
        let name = format!("{}.{}", spec.name, spec.labels[g.label.0]);
        if !(g.share > 0.0 && g.share < 1.0) {
            return Err(Error::usage(format!("--prior {name}={} (allowed: above 0 and below 1)", g.share)));
        }
        if shares[g.label.0].replace(g.share).is_some() {
            return Err(Error::usage(format!("--prior {name} stands twice")));
        }
    }
    if spec.kind == TaskKind::Single && shares.iter().any(Option::is_some) {
        let sum: f64 = shares.iter().flatten().sum();
        let complete = shares.iter().all(Option::is_some);
        if if complete { (sum - 1.0).abs() > 1e-6 } else { sum >= 1.0 } {
            let allowed =
                if complete { "1, since every class has one" } else { "under 1, since other classes share the rest" };
            return Err(Error::usage(format!("the given shares of `{}` sum to {sum} (allowed: {allowed})", spec.name)));
        }
    }
    Ok(shares)
}

/// The share of each label among the labelled paragraphs that the model was fitted on.
fn training_shares<'a>(spec: &TaskSpec, label_sets: impl Iterator<Item = (&'a String, &'a usize)>) -> Result<Vec<f64>> {
    let mut counts = vec![0; spec.labels.len()];
    let mut rows = 0;
    for (names, &count) in label_sets {
        rows += count;
        names.split('|').filter_map(|name| spec.label_id(name)).for_each(|label| counts[label.0] += count);
    }
    if counts.iter().any(|&count| count == 0 || count == rows) {
        return Err(Error::artifact(format!("the model does not say how frequent each label of `{}` was", spec.name))
            .hint("train it again with `rubrique train`"));
    }
    Ok(counts.iter().map(|&count| count as f64 / rows as f64).collect())
}

/// What a decision makes of scores that stand row by row: the probabilities, row by row, and the share of the rows that
/// were given each label.
fn said(decision: &Decision, scores: &[Score], labels: usize) -> (Vec<f64>, Vec<f64>) {
    let mut probabilities = Vec::with_capacity(scores.len());
    let mut counts = vec![0usize; labels];
    for row in scores.chunks_exact(labels) {
        let prediction = decision.decide(row);
        probabilities.extend(prediction.probabilities.iter().map(|p| p.get()));
        prediction.labels.iter().for_each(|label| counts[label.0] += 1);
    }
    let rows = (scores.len() / labels).max(1) as f64;
    (probabilities, counts.iter().map(|&count| count as f64 / rows).collect())
}

/// The shares to go by, from the probabilities of unlabelled rows, row by row.
fn adapted_shares(kind: TaskKind, said: &[f64], training: &[f64], given: &[Option<f64>]) -> Vec<f64> {
    match kind {
        TaskKind::Single => estimate(said, training, given),
        TaskKind::Multi => (0..training.len())
            .map(|k| {
                let own = said.iter().skip(k).step_by(training.len());
                let posteriors: Vec<f64> = own.flat_map(|p| [*p, 1.0 - p]).collect();
                estimate(&posteriors, &[training[k], 1.0 - training[k]], &[given[k], given[k].map(|share| 1.0 - share)])
                    [0]
            })
            .collect(),
    }
}

fn shift(kind: TaskKind, new: f64, old: f64) -> f64 {
    match kind {
        TaskKind::Single => (new / old).ln(),
        TaskKind::Multi => (new / (1.0 - new)).ln() - (old / (1.0 - old)).ln(),
    }
}

/// The most likely shares of classes whose posteriors stand row by row, those given kept. Without rows, classes that are
/// not given share the rest in the proportions of training.
fn estimate(posteriors: &[f64], training: &[f64], given: &[Option<f64>]) -> Vec<f64> {
    let room = 1.0 - given.iter().flatten().sum::<f64>();
    // What is known of each class, brought to the given shares where there are some and to the room left elsewhere.
    let fit = |found: &[f64]| -> Vec<f64> {
        let free: f64 = found.iter().zip(given).filter(|(_, given)| given.is_none()).map(|(share, _)| share).sum();
        found.iter().zip(given).map(|(share, given)| given.unwrap_or(room * share / free)).collect()
    };
    let mut shares = fit(training);
    let rows = posteriors.len() / training.len();
    if rows == 0 || given.iter().all(Option::is_some) {
        return shares;
    }
    let mut row = vec![0.0; training.len()];
    for _ in 0..MOST_ROUNDS {
        let ratios: Vec<f64> = shares.iter().zip(training).map(|(new, old)| new / old).collect();
        let mut sums = vec![0.0; training.len()];
        for posterior in posteriors.chunks_exact(training.len()) {
            row.iter_mut().zip(posterior).zip(&ratios).for_each(|((r, p), ratio)| *r = p * ratio);
            let all: f64 = row.iter().sum();
            sums.iter_mut().zip(&row).for_each(|(sum, r)| *sum += r / all);
        }
        let next = fit(&sums);
        let moved = next.iter().zip(&shares).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        shares = next;
        if moved < TOLERANCE {
            break;
        }
    }
    let least = 0.5 / rows as f64;
    fit(&shares.iter().map(|share| share.max(least)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "found {found:?}; expected {expected:?}");
    }

    #[test]
    fn shares_maximise_the_likelihood_of_unlabelled_rows() {
        // By hand: three rows lean to the first class by 4 to 1, one to the second, ten times over. With x = π₁ and τ = (1/2, 1/2),
        // each row's likelihood is 0.2 + 0.6 x or 0.8 - 0.6 x; the derivative of 3 ln(0.2 + 0.6 x) + ln(0.8 - 0.6 x) is 0
        // where 3 (0.8 - 0.6 x) = 0.2 + 0.6 x, at x = 11/12.
        let rows = [0.8, 0.2, 0.8, 0.2, 0.8, 0.2, 0.2, 0.8].repeat(10);
        close(&estimate(&rows, &[0.5, 0.5], &[None, None]), &[11.0 / 12.0, 1.0 / 12.0]);
        // The same rows as a model with shares (4/5, 1/5) says them: odds times 4. The answer does not depend on it.
        let odds = |o: f64| [o / (1.0 + o), 1.0 / (1.0 + o)];
        let rows = [odds(16.0), odds(16.0), odds(16.0), odds(1.0)].concat().repeat(10);
        close(&estimate(&rows, &[0.8, 0.2], &[None, None]), &[11.0 / 12.0, 1.0 / 12.0]);
    }

    #[test]
    fn certain_rows_are_counted_and_no_share_vanishes() {
        let rows = [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]].concat();
        // 3/4, 1/4 and half of one in four rows, brought back to a sum of one: 1 + 1/8 in all.
        close(&estimate(&rows, &[0.2, 0.3, 0.5], &[None; 3]), &[6.0 / 9.0, 2.0 / 9.0, 1.0 / 9.0]);
    }

    #[test]
    fn given_shares_are_kept_and_the_rest_is_estimated_or_kept_in_proportion() {
        close(&estimate(&[], &[0.2, 0.3, 0.5], &[None, None, Some(0.75)]), &[0.1, 0.15, 0.75]);
        close(&estimate(&[], &[0.2, 0.8], &[None, None]), &[0.2, 0.8]);
        let rows = [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]].concat();
        close(&estimate(&rows, &[0.2, 0.3, 0.5], &[None, None, Some(0.5)]), &[0.375, 0.125, 0.5]);
    }

    #[test]
    fn a_shift_is_what_bayes_rule_adds() {
        // A label of odds 1 to 4 becomes one of odds 1 to 1.
        assert!((shift(TaskKind::Multi, 0.5, 0.2) - 4f64.ln()).abs() < 1e-12);
        assert!((shift(TaskKind::Single, 0.5, 0.2) - 2.5f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn shares_that_cannot_be_are_refused() {
        let single = |name: &str| TaskSpec {
            name: name.into(),
            kind: TaskKind::Single,
            labels: ["a", "b", "c"].map(String::from).to_vec(),
        };
        let given = |shares: &[(usize, f64)]| {
            let shares: Vec<GivenShare> =
                shares.iter().map(|&(k, share)| GivenShare { task: 0, label: LabelId(k), share }).collect();
            given_shares(&single("t"), shares.iter()).map_err(|e| e.to_string())
        };
        assert_eq!(given(&[(1, 0.25)]).unwrap(), [None, Some(0.25), None]);
        assert!(given(&[(0, 0.2), (1, 0.3), (2, 0.5)]).is_ok());
        for (shares, says) in [
            (&[(0, 0.0)][..], "t.a=0 (allowed: above 0"),
            (&[(0, 1.5)], "t.a=1.5"),
            (&[(0, f64::NAN)], "t.a=NaN"),
            (&[(0, 0.5), (0, 0.4)], "t.a stands twice"),
            (&[(0, 0.5), (1, 0.5)], "sum to 1 (allowed: under 1"),
            (&[(0, 0.25), (1, 0.25), (2, 0.25)], "sum to 0.75 (allowed: 1,"),
        ] {
            let message = given(shares).unwrap_err();
            assert!(message.contains(says), "{message}");
        }
    }
}
