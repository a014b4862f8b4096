//! Who is fitted on and who is judged, in every turn of a cross-validation.

use super::cross_validate::{CrossValidation, Judgement};
use super::report::{FoldSummary, LabelRate, Report, Split};
use crate::dataset::{Dataset, Example};
use crate::digest::digits;
use crate::error::{Error, Result};
use crate::split::{Fold, Item, groups_by_stratum, strata, stratified_group_folds, time_folds};
use crate::task::{LabelId, LabelSet, TaskSpec};
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

/// One fit and the rows it is judged on.
#[derive(Clone)]
pub(super) struct Turn {
    pub repeat: usize,
    pub number: usize,
    pub fold: Fold,
}

/// All turns, and how they came about.
pub(super) struct Deal {
    pub turns: Vec<Turn>,
    pub k: usize,
    pub repeats: usize,
    pub seed: u64,
    pub split: Split,
    /// What the user did not ask for and is to be told.
    pub notes: Vec<String>,
}

impl Deal {
    /// Deals a data set whose examples belong to these groups.
    pub(super) fn of(dataset: &Dataset, groups: &[&str], plan: &CrossValidation<'_>) -> Result<Self> {
        let specs: Vec<&TaskSpec> = dataset.tasks.iter().collect();
        let row_strata: Vec<Vec<usize>> = dataset
            .examples
            .iter()
            .map(|e| strata(&specs, &e.gold.iter().map(Option::as_ref).collect::<Vec<Option<&LabelSet>>>()))
            .collect();
        let items: Vec<Item<'_>> =
            groups.iter().zip(&row_strata).map(|(group, strata)| Item { group, strata }).collect();
        let mut deal = Deal {
            turns: Vec::new(),
            k: plan.folds,
            repeats: plan.repeats,
            seed: plan.seed,
            split: plan.split,
            notes: Vec::new(),
        };
        if plan.split == Split::Time {
            deal.repeats = 1;
            deal.push(0, time_folds(groups, &dates(&dataset.examples)?, plan.folds)?);
            return Ok(deal);
        }
        let earlier = plan.folds_from.map(EarlierFolds::of).transpose()?;
        match &earlier {
            Some(earlier) => {
                (deal.k, deal.repeats, deal.seed) = (earlier.summary.k, earlier.summary.repeats, earlier.summary.seed)
            }
            None => deal.lower_for_rare_labels(dataset, &items, groups),
        }
        for repeat in 0..deal.repeats {
            let kept = earlier.as_ref().map(|e| e.keep(repeat, &dataset.examples, groups, &mut deal.notes));
            let kept = kept.unwrap_or_default();
            let seed = deal.seed.wrapping_add(repeat as u64);
            let folds = stratified_group_folds(&items, deal.k, seed, &kept)?;
            let tested: Vec<HashSet<&str>> =
                folds.iter().map(|fold| fold.test.iter().map(|&row| groups[row]).collect()).collect();
            for (group, &fold) in &kept {
                if !tested[fold].contains(group) {
                    deal.notes.push(format!(
                        "repeat {repeat}: the article of `{group}` left fold {fold} of the report for one that was empty"
                    ));
                }
            }
            deal.push(repeat, folds);
        }
        Ok(deal)
    }

    fn push(&mut self, repeat: usize, folds: Vec<Fold>) {
        self.turns.extend(folds.into_iter().enumerate().map(|(number, fold)| Turn { repeat, number, fold }));
    }

    /// A fold that tests a label should train on it too, and the other way round: that takes as many groups with the
    /// label as there are folds.
    fn lower_for_rare_labels(&mut self, dataset: &Dataset, items: &[Item<'_>], groups: &[&str]) {
        let mut names = groups.to_vec();
        names.sort_unstable();
        names.dedup();
        if names.len() < self.k {
            return;
        }
        let asked = self.k;
        let holders = groups_by_stratum(items);
        let mut first = 0;
        for spec in &dataset.tasks {
            for (k, label) in spec.labels.iter().enumerate() {
                let held = holders.get(&(first + k)).copied().unwrap_or(0);
                if held == 1 {
                    self.notes.push(format!(
                        "label `{label}` of task `{}` stands in one article only: no model is judged on it that has learnt it",
                        spec.name
                    ));
                } else if (2..self.k).contains(&held) {
                    self.k = held;
                    self.notes.push(format!(
                        "{held} folds instead of {asked}: label `{label}` of task `{}` stands in {held} articles",
                        spec.name
                    ));
                }
            }
            first += spec.labels.len() + 1;
        }
    }

    /// Who is judged in which fold: see [`FoldSummary::sha256`].
    pub(super) fn sha256(&self, examples: &[Example]) -> String {
        let mut lines: Vec<(usize, &str, usize)> = Vec::new();
        for turn in &self.turns {
            lines.extend(turn.fold.test.iter().map(|&row| (turn.repeat, examples[row].id.as_str(), turn.number)));
        }
        lines.sort_unstable();
        let mut hash = Sha256::new();
        for line in lines {
            hash.update(serde_json::json!(line).to_string());
            hash.update(b"\n");
        }
        digits(hash)
    }

    /// The deal as a report states it.
    pub(super) fn summary(&self, dataset: &Dataset, judged: &[Judgement<'_>]) -> FoldSummary {
        FoldSummary {
            k: self.k,
            repeats: self.repeats,
            seed: self.seed,
            split: self.split,
            sha256: self.sha256(&dataset.examples),
            label_rates: label_rates(dataset, judged),
        }
    }
}

/// The folds of a report, by repeat.
struct EarlierFolds<'a> {
    summary: &'a FoldSummary,
    of_id: BTreeMap<(usize, &'a str), usize>,
    of_group: BTreeMap<(usize, &'a str), usize>,
}

impl<'a> EarlierFolds<'a> {
    fn of(report: &'a Report) -> Result<Self> {
        Ok(EarlierFolds {
            summary: report.dealt()?,
            of_id: report.predictions.iter().map(|p| ((p.repeat, p.id.as_str()), p.fold)).collect(),
            of_group: report.predictions.iter().map(|p| ((p.repeat, p.group.as_str()), p.fold)).collect(),
        })
    }

    /// The fold of each group that the report has: by its paragraphs, or else by its name.
    fn keep<'g>(
        &self,
        repeat: usize,
        examples: &[Example],
        groups: &[&'g str],
        notes: &mut Vec<String>,
    ) -> BTreeMap<&'g str, usize> {
        let mut votes: BTreeMap<&str, BTreeMap<usize, usize>> = BTreeMap::new();
        for (example, group) in examples.iter().zip(groups) {
            let known = self.of_id.get(&(repeat, example.id.as_str()));
            if let Some(&fold) = known.or_else(|| self.of_group.get(&(repeat, example.group.as_str()))) {
                *votes.entry(group).or_default().entry(fold).or_default() += 1;
            }
        }
        votes
            .into_iter()
            .filter_map(|(group, votes)| {
                let fold = votes.iter().rev().max_by_key(|(_, rows)| **rows).map(|(fold, _)| *fold)?;
                if votes.len() > 1 {
                    notes.push(format!(
                        "repeat {repeat}: the article of `{group}` stood in {} folds of the report; now whole in fold {fold}",
                        votes.len()
                    ));
                }
                Some((group, fold))
            })
            .collect()
    }
}

/// The time of each example.
fn dates(examples: &[Example]) -> Result<Vec<jiff::civil::DateTime>> {
    let date = |example: &Example| {
        let fault = |found: &str| {
            Error::data(format!("no usable date (found {found}; allowed: 2023-05-31, or with a time)"))
                .at(&example.place.path)
                .line(example.place.line)
                .hint("fill the `date` column, or leave --split time out")
        };
        let Some(text) = &example.date else { return Err(fault("none")) };
        let zoned = text.parse().map(|time| jiff::tz::Offset::UTC.to_datetime(time));
        zoned.or_else(|_| text.parse()).map_err(|_| fault(&format!("`{text}`")))
    };
    examples.iter().map(date).collect()
}

fn label_rates(dataset: &Dataset, judged: &[Judgement<'_>]) -> IndexMap<String, IndexMap<String, LabelRate>> {
    let mut parts: BTreeMap<(usize, usize), Vec<&Example>> = BTreeMap::new();
    for j in judged {
        parts.entry((j.repeat, j.fold)).or_default().push(j.example);
    }
    let rate = |t: usize, label: LabelId| {
        let count = |part: &Vec<&Example>| {
            let gold = || part.iter().filter_map(|e| e.gold[t].as_ref());
            (gold().filter(|set| set.contains(label)).count(), gold().count())
        };
        let counts: Vec<(usize, usize)> = parts.values().map(count).filter(|(_, of)| *of > 0).collect();
        let share = |(carry, of): (usize, usize)| carry as f64 / of as f64;
        let all = counts.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        (all.1 > 0).then(|| LabelRate {
            all: share(all),
            low: counts.iter().copied().map(share).fold(f64::INFINITY, f64::min),
            high: counts.iter().copied().map(share).fold(0.0, f64::max),
        })
    };
    let task = |(t, spec): (usize, &TaskSpec)| {
        let labels = spec.labels.iter().enumerate();
        (spec.name.clone(), labels.filter_map(|(k, name)| Some((name.clone(), rate(t, LabelId(k))?))).collect())
    };
    dataset.tasks.iter().enumerate().map(task).collect()
}
