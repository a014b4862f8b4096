//! A figure and how far it can be trusted.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A figure with its 95 % interval; `None` where it is undefined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The figure.
    pub mean: Option<f64>,
    /// The lower end of the interval.
    pub low: Option<f64>,
    /// The upper end of the interval.
    pub high: Option<f64>,
}

impl Estimate {
    /// The interval of a cross-validated figure: mean ± t(0.975, m-1) · sqrt((1/m + ratio) · s²), with s² the variance
    /// of the m fold values, and `ratio` the number of test to training rows: 1/(k-1) for k folds, repeated or not.
    /// Undefined under two values.
    ///
    /// Folds share training rows, so that the naive variance s²/m is far too small; the ratio corrects it.
    ///
    /// Source: Nadeau and Bengio 2003, "Inference for the Generalization Error"; Bouckaert and Frank 2004.
    pub fn corrected(mean: Option<f64>, fold_values: &[f64], ratio: f64) -> Self {
        let Some((degrees, error)) = resampled_error(fold_values, ratio) else {
            return Estimate { mean, low: None, high: None };
        };
        let half = t_quantile(degrees, 0.975) * error;
        Estimate { mean, low: mean.map(|x| x - half), high: mean.map(|x| x + half) }
    }

    /// The percentile interval of bootstrap draws: their 2.5 and 97.5 percentiles, linearly interpolated.
    pub fn percentile(mean: Option<f64>, mut draws: Vec<f64>) -> Self {
        if draws.len() < 2 {
            return Estimate { mean, low: None, high: None };
        }
        draws.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let position = share * (draws.len() - 1) as f64;
            let (below, part) = (position.floor() as usize, position.fract());
            let above = (below + 1).min(draws.len() - 1);
            draws[below] + part * (draws[above] - draws[below])
        };
        Estimate { mean, low: Some(at(0.025)), high: Some(at(0.975)) }
    }
}

/// The average of some values, which is undefined for none.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// The degrees of freedom and the corrected standard error of the mean of fold values; see [`Estimate::corrected`].
pub(super) fn resampled_error(fold_values: &[f64], ratio: f64) -> Option<(f64, f64)> {
    if fold_values.len() < 2 {
        return None;
    }
    let m = fold_values.len() as f64;
    let average = fold_values.iter().sum::<f64>() / m;
    let variance = fold_values.iter().map(|v| (v - average) * (v - average)).sum::<f64>() / (m - 1.0);
    Some((m - 1.0, ((1.0 / m + ratio) * variance).sqrt()))
}

/// The quantile of Student's t.
pub(super) fn t_quantile(degrees: f64, share: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees).map_or(f64::NAN, |t| t.inverse_cdf(share))
}

/// The share of Student's t below a value.
pub(super) fn t_below(degrees: f64, x: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees).map_or(f64::NAN, |t| t.cdf(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_quantiles_are_those_of_the_table() {
        for (degrees, t) in [(1.0, 12.7062), (4.0, 2.7764), (9.0, 2.2622), (49.0, 2.0096)] {
            assert!((t_quantile(degrees, 0.975) - t).abs() < 1e-4 && (t_below(degrees, t) - 0.975).abs() < 1e-5);
        }
    }

    #[test]
    fn the_corrected_interval_is_the_formula_worked_by_hand() {
        // s² of 1, 2, 3, 4, 5 is 2.5; (1/5 + 1/4) · 2.5 = 1.125; 2.7764 · 1.06066 = 2.94486.
        let e = Estimate::corrected(Some(3.0), &[1.0, 2.0, 3.0, 4.0, 5.0], 0.25);
        assert!((e.high.unwrap() - 5.94486).abs() < 1e-4 && (e.low.unwrap() - 0.05514).abs() < 1e-4);
        assert_eq!(Estimate::corrected(Some(3.0), &[1.0], 0.25).low, None);
    }

    #[test]
    fn percentiles_are_interpolated() {
        let draws = (0..=40).rev().map(f64::from).collect();
        let e = Estimate::percentile(Some(20.0), draws);
        assert_eq!((e.low, e.high), (Some(1.0), Some(39.0)));
    }
}
