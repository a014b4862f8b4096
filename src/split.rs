//! Folds: who is trained on and who is tested.
//!
//! In: group names and the strata (labels) of each row. Out: lists of row numbers. It sees no text, and what it deals
//! depends on the set of groups, their strata and the seed alone: never on the order of rows, nor on threads.

use crate::error::{Error, Result};
use crate::task::{LabelSet, TaskKind, TaskSpec};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One turn of a cross-validation: the rows to learn from and the rows to be judged on, both increasing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to score.
    pub test: Vec<usize>,
}

/// What the dealer knows of a row.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// Rows of one group never stand on both sides of a fold.
    pub group: &'a str,
    /// The strata the row counts in: any numbers, one for each label it carries.
    pub strata: &'a [usize],
}

/// The strata of a row: one for each label of each task it carries, and one for "read, and none applies".
pub fn strata(tasks: &[&TaskSpec], gold: &[Option<&LabelSet>]) -> Vec<usize> {
    let mut strata = Vec::new();
    let mut first = 0;
    for (task, gold) in tasks.iter().zip(gold) {
        if let Some(set) = gold {
            strata.extend(set.iter().map(|label| first + label.0));
            if set.is_empty() && task.kind == TaskKind::Multi {
                strata.push(first + task.labels.len());
            }
        }
        first += task.labels.len() + 1;
    }
    strata
}

/// The number of groups that hold each stratum, by stratum.
pub fn groups_by_stratum(items: &[Item<'_>]) -> BTreeMap<usize, usize> {
    let mut holders = BTreeMap::new();
    for group in gather(items).values() {
        for &stratum in group.counts.keys() {
            *holders.entry(stratum).or_insert(0) += 1;
        }
    }
    holders
}

/// Deals whole groups into `k` folds so that every stratum is spread as evenly as groups allow.
///
/// Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) over groups: the stratum with the fewest rows left
/// is dealt next, its largest groups first, each to the fold that lacks most of it, then to the one that lacks most
/// rows. Ties are broken by a hash of the seed and the group's name. Groups in `kept` have their fold already; the others
/// are dealt around them. Where they leave more folds empty than there are others, and only there, some of them move: no
/// fold may stay empty.
///
/// # Errors
///
/// Fewer than two folds asked for, or fewer groups than folds.
pub fn stratified_group_folds(
    items: &[Item<'_>],
    k: usize,
    seed: u64,
    kept: &BTreeMap<&str, usize>,
) -> Result<Vec<Fold>> {
    let groups = gather(items);
    if k < 2 {
        return Err(Error::usage(format!("too few folds (found {k}; at least 2 needed)")));
    }
    if groups.is_empty() {
        return Err(Error::data("no labelled paragraph to deal into folds (found 0)")
            .hint("rows with `split` = `test` are set aside: label others"));
    }
    if groups.len() < k {
        return Err(Error::data(format!("too few groups for {k} folds (found {})", groups.len())).hint(
            "ask for fewer --folds, or label paragraphs of more articles; near duplicates count as one article",
        ));
    }
    let mut totals: BTreeMap<usize, f64> = BTreeMap::new();
    let mut rows = 0.0;
    for group in groups.values() {
        rows += group.rows.len() as f64;
        for (&stratum, &count) in &group.counts {
            *totals.entry(stratum).or_default() += count as f64;
        }
    }
    // What each fold still lacks: of every stratum, and of rows.
    let mut lacks: Vec<BTreeMap<usize, f64>> =
        (0..k).map(|_| totals.iter().map(|(&s, &n)| (s, n / k as f64)).collect()).collect();
    let mut lacks_rows = vec![rows / k as f64; k];
    let mut holds = vec![0usize; k];

    let mut left: BTreeMap<&str, &Group> = groups.iter().map(|(name, group)| (*name, group)).collect();
    let mut fold_of: BTreeMap<&str, usize> = BTreeMap::new();
    while !left.is_empty() {
        let rarest = totals.iter().filter(|(_, n)| **n > 0.0).min_by(|a, b| a.1.total_cmp(b.1).then(a.0.cmp(b.0)));
        let rarest = rarest.map(|(&stratum, _)| stratum);
        let mut turn: Vec<(&str, &Group)> =
            left.iter().filter(|(name, _)| kept.contains_key(*name)).map(|(n, g)| (*n, *g)).collect();
        if turn.is_empty() {
            let holds = |g: &Group| rarest.is_none_or(|s| g.counts.contains_key(&s));
            turn = left.iter().filter(|(_, g)| holds(g)).map(|(n, g)| (*n, *g)).collect();
        }
        let size = |g: &Group| rarest.map_or(g.rows.len(), |s| g.counts.get(&s).copied().unwrap_or(0));
        turn.sort_by_cached_key(|(name, g)| (std::cmp::Reverse(size(g)), draw(seed, name, k)));
        for (name, group) in turn {
            let need = |f: usize| rarest.map_or(0.0, |s| lacks[f].get(&s).copied().unwrap_or(0.0));
            let neediest = (0..k).max_by(|&a, &b| {
                need(a)
                    .total_cmp(&need(b))
                    .then(lacks_rows[a].total_cmp(&lacks_rows[b]))
                    .then(holds[b].cmp(&holds[a]))
                    .then_with(|| draw(seed, name, a).cmp(&draw(seed, name, b)))
            });
            let fold = kept.get(name).copied().or(neediest).unwrap_or(0);
            fold_of.insert(name, fold);
            holds[fold] += 1;
            lacks_rows[fold] -= group.rows.len() as f64;
            for (&stratum, &count) in &group.counts {
                *lacks[fold].entry(stratum).or_default() -= count as f64;
                *totals.entry(stratum).or_default() -= count as f64;
            }
            left.remove(name);
        }
    }
    // An empty fold lacks most of everything, so that every group that is not kept goes to one while there is one. What is
    // empty now takes a group from the fullest.
    while let Some(empty) = (0..k).find(|&f| holds[f] == 0) {
        let fullest = (0..k).max_by_key(|&f| (holds[f], std::cmp::Reverse(f))).unwrap_or(0);
        let moved = fold_of.iter().filter(|(_, f)| **f == fullest).min_by_key(|(name, _)| draw(seed, name, k));
        let Some(name) = moved.map(|(name, _)| *name) else { break };
        fold_of.insert(name, empty);
        holds[fullest] -= 1;
        holds[empty] += 1;
    }
    Ok((0..k)
        .map(|fold| {
            let (test, train) = (0..items.len()).partition(|&i| fold_of[items[i].group] == fold);
            Fold { train, test }
        })
        .collect())
}

/// Cuts a time line of rows into k + 1 parts of about equal size; fold i trains on the first i + 1 parts and tests the
/// next. A group stands at its latest time, and what has one time stays together, so that no group is judged by what was written
/// after its latest row; its earlier rows may be.
///
/// # Errors
///
/// No fold asked for, or too few times for k + 1 parts.
pub fn time_folds<T: Ord>(groups: &[&str], times: &[T], k: usize) -> Result<Vec<Fold>> {
    if k < 1 {
        return Err(Error::usage("too few folds (found 0; at least 1 needed)"));
    }
    let mut latest: BTreeMap<&str, &T> = BTreeMap::new();
    for (group, time) in groups.iter().zip(times) {
        let known = latest.entry(group).or_insert(time);
        *known = time.max(*known);
    }
    let mut rows_at: BTreeMap<&T, Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        rows_at.entry(latest[group]).or_default().push(row);
    }
    let too_few = format!(
        "too few dates for {k} folds in time (found {}; each fold needs its own, and so does what comes before them)",
        rows_at.len()
    );
    let too_few = Error::data(too_few).hint("ask for fewer --folds");
    // Before anything is made of k parts: any number may have been asked for.
    if rows_at.len() <= k {
        return Err(too_few);
    }
    let mut parts: Vec<Vec<usize>> = vec![Vec::new(); k + 1];
    let mut before = 0;
    for rows in rows_at.into_values() {
        let size = rows.len();
        // A time belongs where its middle row falls.
        parts[(before + size / 2) * (k + 1) / groups.len()].extend(rows);
        before += size;
    }
    if parts.iter().any(Vec::is_empty) {
        return Err(too_few);
    }
    let fold = |i: usize| {
        let mut fold = Fold { train: parts[..=i].concat(), test: parts[i + 1].clone() };
        fold.train.sort_unstable();
        fold.test.sort_unstable();
        fold
    };
    Ok((0..k).map(fold).collect())
}

/// The rows of a share of the groups, at least one; of one seed a smaller share lies inside every larger one.
pub fn share_of_groups(groups: &[&str], rows: &[usize], share: f64, seed: u64) -> Vec<usize> {
    let mut names: Vec<&str> = rows.iter().map(|&i| groups[i]).collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_cached_key(|name| draw(seed, name, 0));
    names.truncate(((names.len() as f64 * share).round() as usize).max(1));
    names.sort_unstable();
    rows.iter().copied().filter(|&i| names.binary_search(&groups[i]).is_ok()).collect()
}

struct Group {
    rows: Vec<usize>,
    counts: BTreeMap<usize, usize>,
}

fn gather<'a>(items: &[Item<'a>]) -> BTreeMap<&'a str, Group> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        let group = groups.entry(item.group).or_insert_with(|| Group { rows: Vec::new(), counts: BTreeMap::new() });
        group.rows.push(i);
        for &stratum in item.strata {
            *group.counts.entry(stratum).or_default() += 1;
        }
    }
    groups
}

/// A number that looks random and depends on its arguments alone.
pub(crate) fn draw(seed: u64, name: &str, salt: usize) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((salt as u64).to_le_bytes());
    hash.update(name.as_bytes());
    let digest = hash.finalize();
    u64::from_le_bytes([digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items<'a>(rows: &'a [(String, Vec<usize>)]) -> Vec<Item<'a>> {
        rows.iter().map(|(group, strata)| Item { group, strata }).collect()
    }

    fn deal(rows: &[(String, Vec<usize>)], k: usize, seed: u64) -> Result<Vec<Fold>> {
        stratified_group_folds(&items(rows), k, seed, &BTreeMap::new())
    }

    fn rows(groups: usize) -> Vec<(String, Vec<usize>)> {
        // Stratum 0 in one row of two, stratum 1 in one of five, stratum 2 in one of eleven.
        (0..groups * 3)
            .map(|i| {
                (
                    format!("g{}", i / 3),
                    [2, 5, 11].iter().enumerate().filter(|(_, m)| i % **m == 0).map(|(s, _)| s).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn strata_are_spread_evenly() {
        let rows = rows(100);
        let folds = deal(&rows, 5, 7).unwrap();
        for fold in &folds {
            let count = |s: usize| fold.test.iter().filter(|&&i| rows[i].1.contains(&s)).count();
            assert!((28..=32).contains(&count(0)), "stratum 0: {}", count(0));
            assert!((11..=13).contains(&count(1)), "stratum 1: {}", count(1));
            assert!((5..=6).contains(&count(2)), "stratum 2: {}", count(2));
            assert!((54..=66).contains(&fold.test.len()));
        }
    }

    #[test]
    fn the_deal_depends_on_the_seed_but_not_on_the_order_of_rows() {
        let rows = rows(40);
        let mut turned = rows.clone();
        turned.rotate_left(17);
        let names = |rows: &[(String, Vec<usize>)], seed| -> Vec<Vec<String>> {
            deal(rows, 4, seed)
                .unwrap()
                .iter()
                .map(|f| {
                    let mut names: Vec<String> = f.test.iter().map(|&i| rows[i].0.clone()).collect();
                    names.sort();
                    names.dedup();
                    names
                })
                .collect()
        };
        assert_eq!(names(&rows, 1), names(&turned, 1));
        assert_ne!(names(&rows, 1), names(&rows, 2));
    }

    #[test]
    fn kept_groups_stay_and_the_others_are_dealt_around_them() {
        let rows = rows(40);
        let kept: BTreeMap<&str, usize> = [("g0", 3), ("g1", 3), ("g2", 3), ("g39", 0)].into();
        let folds = stratified_group_folds(&items(&rows), 4, 1, &kept).unwrap();
        for (fold, groups) in [(3, 0..9), (0, 117..120)] {
            assert!(groups.clone().all(|row| folds[fold].test.contains(&row)), "{groups:?} in fold {fold}");
        }
        for fold in &folds {
            assert!((27..=33).contains(&fold.test.len()), "{}", fold.test.len());
            assert!((13..=17).contains(&fold.test.iter().filter(|&&i| rows[i].1.contains(&0)).count()));
        }
    }

    #[test]
    fn a_kept_group_moves_only_where_a_fold_would_stay_empty() {
        // Eight groups of one row, six of them kept in fold 0 of four: the other two fill two folds, one kept fills the last.
        let rows: Vec<(String, Vec<usize>)> = (0..8).map(|i| (format!("g{i}"), vec![i % 2])).collect();
        let names: Vec<String> = (0..6).map(|i| format!("g{i}")).collect();
        let kept: BTreeMap<&str, usize> = names.iter().map(|name| (name.as_str(), 0)).collect();
        let folds = stratified_group_folds(&items(&rows), 4, 1, &kept).unwrap();
        let mut sizes: Vec<usize> = folds.iter().map(|fold| fold.test.len()).collect();
        sizes.sort_unstable();
        assert_eq!((sizes, folds[0].test.len()), (vec![1, 1, 1, 5], 5));
        // With one kept group less in the data there are as many others as empty folds, and none moves.
        let kept: BTreeMap<&str, usize> = names[..5].iter().map(|name| (name.as_str(), 0)).collect();
        let folds = stratified_group_folds(&items(&rows), 4, 1, &kept).unwrap();
        assert_eq!(folds[0].test, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn no_group_is_judged_by_what_was_written_after_its_latest_row() {
        // Twelve rows of six days; group `a` has a row of day 1 and one of day 5.
        let days = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5];
        let groups = ["c", "d", "a", "e", "f", "g", "h", "i", "j", "k", "a", "l"];
        let folds = time_folds(&groups, &days, 2).unwrap();
        assert_eq!((folds[0].train.as_slice(), folds[0].test.as_slice()), (&[0, 1, 3][..], &[4, 5, 6, 7][..]));
        assert_eq!(folds[1].test, [2, 8, 9, 10, 11]);
        assert!(time_folds(&groups, &[1; 12], 2).is_err());
    }

    #[test]
    fn more_folds_than_dates_are_refused_however_many() {
        // Six days are enough for five folds, and for no more.
        let (groups, days) = (["a", "b", "c", "d", "e", "f"], [0, 1, 2, 3, 4, 5]);
        assert_eq!(time_folds(&groups, &days, 5).unwrap().len(), 5);
        for k in [6, 1_000_000_000_000, usize::MAX - 1, usize::MAX] {
            let message = time_folds(&groups, &days, k).unwrap_err().to_string();
            assert!(message.contains(&format!("too few dates for {k} folds in time (found 6;")), "{message}");
        }
    }

    #[test]
    fn shares_of_groups_lie_inside_each_other() {
        let groups: Vec<String> = (0..60).map(|i| format!("g{}", i / 3)).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let rows: Vec<usize> = (0..60).collect();
        let quarter = share_of_groups(&groups, &rows, 0.25, 3);
        let half = share_of_groups(&groups, &rows, 0.5, 3);
        assert_eq!((quarter.len(), half.len()), (15, 30));
        assert!(quarter.iter().all(|i| half.contains(i)));
        assert_eq!(share_of_groups(&groups, &rows, 1.0, 3), rows);
    }

    #[test]
    fn too_few_groups_are_refused() {
        let rows = rows(3);
        let message = deal(&rows, 5, 0).unwrap_err().to_string();
        assert!(message.contains("too few groups for 5 folds (found 3)"), "{message}");
    }

    proptest! {
        #[test]
        fn kept_groups_stay_where_others_can_fill_the_folds(
            rows in prop::collection::vec(("[a-h]{1,2}", prop::collection::vec(0usize..4, 0..3)), 4..60),
            folds in prop::collection::vec(prop::option::of(0usize..4), 60),
            seed in 0u64..5,
        ) {
            let groups: std::collections::BTreeSet<&str> = rows.iter().map(|(g, _)| g.as_str()).collect();
            let kept: BTreeMap<&str, usize> =
                groups.iter().zip(&folds).filter_map(|(name, fold)| Some((*name, (*fold)?))).collect();
            let empty = (0..4).filter(|fold| !kept.values().any(|kept| kept == fold)).count();
            prop_assume!(groups.len() - kept.len() >= empty);
            let folds = stratified_group_folds(&items(&rows), 4, seed, &kept).unwrap();
            for (i, (group, _)) in rows.iter().enumerate() {
                let Some(&fold) = kept.get(group.as_str()) else { continue };
                prop_assert!(folds[fold].test.contains(&i), "{} left fold {}", group, fold);
            }
        }

        #[test]
        fn every_row_is_tested_once_and_no_group_is_split(
            rows in prop::collection::vec(("[a-f]{1,2}", prop::collection::vec(0usize..4, 0..3)), 1..60),
            k in 2usize..6,
            seed in 0u64..5,
        ) {
            let groups: std::collections::BTreeSet<&str> = rows.iter().map(|(g, _)| g.as_str()).collect();
            let Ok(folds) = deal(&rows, k, seed) else {
                prop_assert!(groups.len() < k);
                return Ok(());
            };
            let mut tested: Vec<usize> = folds.iter().flat_map(|f| f.test.iter().copied()).collect();
            tested.sort_unstable();
            prop_assert_eq!(tested, (0..rows.len()).collect::<Vec<_>>());
            for fold in &folds {
                prop_assert!(!fold.test.is_empty());
                prop_assert_eq!(fold.train.len() + fold.test.len(), rows.len());
                for &i in &fold.test {
                    prop_assert!(fold.train.iter().all(|&j| rows[j].0 != rows[i].0));
                }
            }
        }
    }
}
