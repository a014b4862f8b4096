//! How far readings of the same paragraphs agree.

use std::collections::BTreeMap;

/// Krippendorff's alpha for nominal values: 1 - observed / expected disagreement, over units that at least two have
/// read. 1 is perfect agreement, 0 what chance would give. Undefined where nothing varies, or no unit was read twice.
///
/// With o_ck the coincidences of values c and k (each ordered pair of readings of a unit of m readings counts
/// 1/(m - 1)), n_c their sums and n the sum of all: alpha = 1 - (n - 1) · Σ_{c≠k} o_ck / Σ_{c≠k} n_c n_k.
///
/// Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
pub fn krippendorff_alpha<V: Ord + Copy>(units: &[Vec<V>]) -> Option<f64> {
    let mut sums: BTreeMap<V, f64> = BTreeMap::new();
    let mut disagreement = 0.0;
    for unit in units.iter().filter(|unit| unit.len() > 1) {
        let mut counts: BTreeMap<V, f64> = BTreeMap::new();
        unit.iter().for_each(|value| *counts.entry(*value).or_default() += 1.0);
        let m = unit.len() as f64;
        for (value, count) in &counts {
            *sums.entry(*value).or_default() += count;
            disagreement += count * (m - count) / (m - 1.0);
        }
    }
    let n: f64 = sums.values().sum();
    let expected: f64 = sums.values().map(|count| count * (n - count)).sum();
    (expected > 0.0).then(|| 1.0 - (n - 1.0) * disagreement / expected)
}

/// Cohen's kappa of a square table of counts, what one says in rows, the other in columns: (o - e) / (1 - e), with o the
/// share of agreement and e the one expected of two that draw from these same marginal shares. Undefined where both say
/// one and the same of everything.
///
/// Source: Cohen 1960, "A coefficient of agreement for nominal scales".
pub fn cohen_kappa(table: &[Vec<usize>]) -> Option<f64> {
    let n: usize = table.iter().flatten().sum();
    let agreed: usize = table.iter().enumerate().map(|(k, row)| row[k]).sum();
    let column = |k: usize| table.iter().map(|row| row[k]).sum::<usize>();
    let by_chance: usize = table.iter().enumerate().map(|(k, row)| row.iter().sum::<usize>() * column(k)).sum();
    // Both shares are over n²: counts first, one division last.
    let (n, agreed, by_chance) = (n as f64, agreed as f64, by_chance as f64);
    let apart = n * n - by_chance;
    (apart > 0.0).then(|| (n * agreed - by_chance) / apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One string a reader, one character a unit, `.` where the reader did not read it.
    fn alpha(readers: &[&str]) -> f64 {
        let units: Vec<Vec<char>> = (0..readers[0].len())
            .map(|i| readers.iter().filter_map(|r| r.chars().nth(i)).filter(|c| *c != '.').collect())
            .collect();
        krippendorff_alpha(&units).unwrap()
    }

    #[test]
    fn alpha_is_that_of_krippendorffs_worked_examples() {
        assert!((alpha(&["0100000010", "1110010000"]) - 0.095).abs() < 5e-4, "his example A");
        assert!((alpha(&["aabbdcccedda", "babbbccceddd"]) - 0.692).abs() < 5e-4, "his example B");
        let four = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."];
        assert!((alpha(&four) - 0.743).abs() < 5e-4, "his example C, with four readers and gaps");
    }

    #[test]
    fn kappa_is_worked_by_hand() {
        // 35 of 50 agree (0.7); by chance 0.5 · 0.6 + 0.5 · 0.4 = 0.5; so 0.2 / 0.5.
        assert!((cohen_kappa(&[vec![20, 5], vec![10, 15]]).unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(cohen_kappa(&[vec![7, 0], vec![0, 0]]), None);
    }

    #[test]
    fn agreement_on_what_never_varies_is_undefined() {
        assert_eq!(krippendorff_alpha(&[vec![1, 1], vec![1, 1]]), None);
        assert_eq!(krippendorff_alpha(&[vec![1], vec![2]]), None, "nothing was read twice");
        assert_eq!(krippendorff_alpha(&[vec![1, 1], vec![2, 2]]), Some(1.0));
    }
}
