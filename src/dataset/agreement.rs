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
    fn agreement_on_what_never_varies_is_undefined() {
        assert_eq!(krippendorff_alpha(&[vec![1, 1], vec![1, 1]]), None);
        assert_eq!(krippendorff_alpha(&[vec![1], vec![2]]), None, "nothing was read twice");
        assert_eq!(krippendorff_alpha(&[vec![1, 1], vec![2, 2]]), Some(1.0));
    }
}
