//! What is reached without reading the text: every figure of a model stands beside these.

use super::report::Said;
use crate::split::draw;
use crate::task::{LabelId, LabelSet};
use std::collections::BTreeMap;

/// The names of the baselines, in the order of their answers.
pub(super) const NAMES: [&str; 2] = ["majority", "random"];

/// The answers of a training part, counted.
#[derive(Debug, Clone, Default)]
pub(super) struct AnswerCounts {
    counts: BTreeMap<LabelSet, usize>,
    total: usize,
    /// By label the share of the answers that carry it.
    shares: Vec<f64>,
}

impl AnswerCounts {
    /// Counts the gold sets of a task with so many labels.
    pub(super) fn of(labels: usize, gold: impl Iterator<Item = LabelSet>) -> Self {
        let mut counts = BTreeMap::new();
        gold.for_each(|set| *counts.entry(set).or_insert(0) += 1);
        Self::from_counts(labels, counts)
    }

    /// Takes counts as a model file holds them.
    pub(super) fn from_counts(labels: usize, mut counts: BTreeMap<LabelSet, usize>) -> Self {
        counts.retain(|_, count| *count > 0);
        let total: usize = counts.values().sum();
        let share = |k: usize| {
            let carry = counts.iter().filter(|(set, _)| set.contains(LabelId(k))).map(|(_, count)| count);
            carry.sum::<usize>() as f64 / total as f64
        };
        let shares = (0..labels).map(share).collect();
        AnswerCounts { counts, total, shares }
    }

    /// The two baselines for one paragraph, by name. `majority` gives the most frequent answer; `random` draws one with
    /// the frequency that it has (stratified), by a number that depends on its arguments alone. Both give each label
    /// its share of the training part as probability.
    pub(super) fn answers(&self, seed: u64, id: &str, repeat: usize) -> Vec<(&'static str, Said)> {
        // Of equally frequent answers the first in order.
        let Some(majority) = self.counts.iter().rev().max_by_key(|(_, count)| **count).map(|(set, _)| set) else {
            return Vec::new();
        };
        let mut left = draw(seed, id, repeat) % self.total as u64;
        let random = self.counts.iter().find(|(_, count)| {
            let found = left < **count as u64;
            left = left.saturating_sub(**count as u64);
            found
        });
        let random = random.map_or(majority, |(set, _)| set);
        let said = |set: &LabelSet| Said { labels: set.clone(), probabilities: self.shares.clone() };
        NAMES.into_iter().zip([majority, random].map(said)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(labels: &[usize]) -> LabelSet {
        labels.iter().copied().map(LabelId).collect()
    }

    #[test]
    fn the_majority_is_the_most_frequent_set_and_draws_follow_the_shares() {
        let gold = [set(&[]), set(&[0]), set(&[0, 1]), set(&[0]), set(&[])].into_iter();
        let counts = AnswerCounts::of(2, gold.cycle().take(50));
        let mut drawn: BTreeMap<LabelSet, usize> = BTreeMap::new();
        for i in 0..1000 {
            let answers = counts.answers(0, &format!("p{i}"), 0);
            assert_eq!(answers[0].1.labels, set(&[]), "of two equally frequent sets the first");
            assert_eq!(answers[0].1.probabilities, [0.6, 0.2]);
            *drawn.entry(answers[1].1.labels.clone()).or_default() += 1;
        }
        // Four standard deviations of a binomial with n = 1,000: 62 at p = 0.4, 51 at p = 0.2.
        assert!(drawn[&set(&[])].abs_diff(400) < 62 && drawn[&set(&[0, 1])].abs_diff(200) < 51, "{drawn:?}");
    }
}
