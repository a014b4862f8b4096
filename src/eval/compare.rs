//! Is the candidate worse than the baseline? Two reports on the same data, the same folds and the same tasks.
//!
//! In: two reports. Out: for each task a verdict on its primary metric, and everything that stands beside it. It never
//! fits or predicts: all figures are recomputed from the reports' predictions.

use super::answers::{answer_of, distance, labels_of};
use super::held_out::DRAWS;
use super::interval::{mean, resampled_error, t_below, t_quantile};
use super::metrics::{Counts, Judged, Metric};
use super::report::{FoldSummary, PredictionRecord, Report, drawn};
use crate::error::{Error, Result};
use crate::task::{LabelId, LabelSet, TaskSpec};
use indexmap::IndexMap;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;
use statrs::distribution::DiscreteCDF;
use std::collections::{BTreeMap, BTreeSet};

/// The seed of the draws for held-out reports: a comparison has no settings that could be turned.
const SEED: u64 = 0;
/// The power for which the smallest detectable effect is stated.
const POWER: f64 = 0.8;

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Not worse than the baseline by more than the margin.
    Pass,
    /// Worse by more than the margin.
    Fail,
    /// The data cannot tell.
    Inconclusive,
}

impl Verdict {
    /// Its name in comparisons.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Inconclusive => "inconclusive",
        }
    }

    /// pass if low >= -margin, fail if high < -margin, else inconclusive.
    fn of(low: f64, high: f64, margin: f64) -> Self {
        if low >= -margin {
            Verdict::Pass
        } else if high < -margin {
            Verdict::Fail
        } else {
            Verdict::Inconclusive
        }
    }
}

/// The difference of one metric, candidate less baseline.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The baseline's value.
    pub baseline: Option<f64>,
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// Candidate less baseline.
    pub difference: Option<f64>,
    /// The lower end of the 95 % interval.
    pub low: Option<f64>,
    /// The upper end of the 95 % interval.
    pub high: Option<f64>,
    /// Two-sided p-value against no difference, adjusted after Holm over the metrics shown of the task; `None` for the
    /// primary metric, which alone decides, and where it is undefined.
    pub p_holm: Option<f64>,
}

/// How likely the candidate is worse by more than the margin, as good within the margin, or better by more than it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Posterior {
    /// P(difference < -margin)
    pub worse: f64,
    /// P(-margin <= difference <= margin)
    pub equivalent: f64,
    /// P(difference > margin)
    pub better: f64,
}

/// A paragraph whose answer is right in one report and wrong in the other.
#[derive(Debug, Clone, Serialize)]
pub struct Flip {
    /// The paragraph.
    pub id: String,
    /// The repeat.
    pub repeat: usize,
    /// The gold labels.
    pub gold: Value,
    /// What the baseline said.
    pub baseline: Value,
    /// What the candidate said.
    pub candidate: Value,
    /// How much probability moved away from the gold answer: the mean over labels.
    pub moved: f64,
}

/// McNemar's exact test for one label on held-out data: shown, never decides.
#[derive(Debug, Clone, Serialize)]
pub struct McNemar {
    /// Right in the baseline only.
    pub lost: usize,
    /// Right in the candidate only.
    pub gained: usize,
    /// Two-sided exact binomial p-value of that split.
    pub p: f64,
}

/// The comparison of one task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskComparison {
    /// The groups compared on: those of the paragraphs that were judged.
    pub groups: usize,
    /// The paragraphs compared on.
    pub paragraphs: usize,
    /// The metric that decides.
    pub primary: String,
    /// What it says.
    pub verdict: Verdict,
    /// The primary metric's difference.
    pub decided_on: Difference,
    /// The Bayesian reading, for cross-validated reports.
    pub posterior: Option<Posterior>,
    /// The smallest difference that this much data would have shown in four cases of five.
    pub detectable: Option<f64>,
    /// Of an inconclusive task: about how many more paragraphs would settle it, if the difference stays as it is.
    pub more_paragraphs: Option<usize>,
    /// Every other metric.
    pub others: IndexMap<String, Difference>,
    /// By label, for held-out reports.
    pub mcnemar: IndexMap<String, McNemar>,
    /// Right before, wrong now; worst first.
    pub lost: Vec<Flip>,
    /// Wrong before, right now; best first.
    pub gained: Vec<Flip>,
}

impl TaskComparison {
    /// The difference of a metric by its name in reports.
    pub fn difference(&self, metric: &str) -> Option<&Difference> {
        if metric == self.primary { Some(&self.decided_on) } else { self.others.get(metric) }
    }
}

/// A comparison of two reports.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Fail if any task fails, else inconclusive if any is, else pass.
    pub verdict: Verdict,
    /// The margin within which a difference does not matter.
    pub margin: f64,
    /// The groups compared on, of any task.
    pub groups: usize,
    /// The paragraphs compared on, of any task.
    pub paragraphs: usize,
    /// By task.
    pub tasks: IndexMap<String, TaskComparison>,
}

/// Compares a candidate with a baseline.
///
/// Cross-validated reports: the corrected resampled t interval of the differences of the folds (Nadeau and Bengio 2003;
/// the correction 1/(k-1)), and its Bayesian reading, the same t as a posterior (Corani and Benavoli 2015). Held-out
/// reports: the percentile bootstrap of the difference over groups.
///
/// # Errors
///
/// Reports on other data, folds or tasks: the message says what differs.
pub fn compare(baseline: &Report, candidate: &Report, margin: f64) -> Result<Comparison> {
    refuse_unlike(baseline, candidate)?;
    let mut tasks = IndexMap::new();
    for spec in baseline.specs() {
        let pairs = Pairs::of(&spec, baseline, candidate)?;
        let ratio = baseline.folds.as_ref().map(FoldSummary::test_to_train);
        tasks.insert(spec.name.clone(), pairs.compare(&spec, ratio, margin));
    }
    let any = |verdict| tasks.values().any(|task: &TaskComparison| task.verdict == verdict);
    let verdict = [Verdict::Fail, Verdict::Inconclusive].into_iter().find(|v| any(*v)).unwrap_or(Verdict::Pass);
    let judged = || baseline.predictions.iter().filter(|p| p.gold.values().any(|gold| !gold.is_null()));
    let groups = judged().map(|p| &p.group).collect::<BTreeSet<_>>().len();
    let paragraphs = judged().map(|p| &p.id).collect::<BTreeSet<_>>().len();
    Ok(Comparison { verdict, margin, groups, paragraphs, tasks })
}

fn refuse_unlike(a: &Report, b: &Report) -> Result<()> {
    let unlike = |what: &str, a: &str, b: &str| {
        Err(Error::artifact(format!("two reports that cannot be compared: other {what} (baseline {a}; candidate {b})"))
            .hint("evaluate both on the same labels with the same --folds, --repeats and --seed"))
    };
    // The order of tasks is no difference; the hash of the data holds their labels, so that it would differ too.
    let [x, y] = [a, b].map(|report| {
        let mut specs = report.specs();
        specs.sort_by(|one, other| one.name.cmp(&other.name));
        specs
    });
    if x != y {
        let describe = |specs: &[TaskSpec]| {
            let task = |t: &TaskSpec| format!("`{}` ({:?}: {})", t.name, t.kind, t.labels.join(", ")).to_lowercase();
            specs.iter().map(task).collect::<Vec<_>>().join("; ")
        };
        return unlike("tasks", &describe(&x), &describe(&y));
    }
    if a.data.sha256 != b.data.sha256 {
        return unlike("data", &a.data.sha256, &b.data.sha256);
    }
    match (&a.folds, &b.folds) {
        (Some(x), Some(y)) if x.sha256 != y.sha256 => return unlike("folds", &x.sha256, &y.sha256),
        (Some(_), None) => return unlike("way of judging", "cross-validated", "held out"),
        (None, Some(_)) => return unlike("way of judging", "held out", "cross-validated"),
        _ => {}
    }
    Ok(())
}

/// One paragraph's answers in both reports.
struct Pair<'a> {
    id: &'a str,
    group: &'a str,
    repeat: usize,
    fold: usize,
    gold: LabelSet,
    answers: [(LabelSet, Vec<f64>); 2],
}

struct Pairs<'a>(Vec<Pair<'a>>);

impl<'a> Pairs<'a> {
    fn of(spec: &TaskSpec, baseline: &'a Report, candidate: &'a Report) -> Result<Self> {
        let mut others: BTreeMap<(usize, &str), &PredictionRecord> =
            candidate.predictions.iter().map(|p| ((p.repeat, p.id.as_str()), p)).collect();
        let mut pairs = Vec::new();
        for p in &baseline.predictions {
            let missing = || Error::artifact(format!("the candidate has no prediction for `{}`", p.id));
            let q = others.remove(&(p.repeat, p.id.as_str())).ok_or_else(missing)?;
            if (&p.group, p.fold, &p.gold) != (&q.group, q.fold, &q.gold) {
                return Err(Error::artifact(format!("the candidate has another group, fold or gold for `{}`", p.id)));
            }
            let Some(gold) = labels_of(spec, p.gold.get(&spec.name))? else { continue };
            pairs.push(Pair {
                id: &p.id,
                group: &p.group,
                repeat: p.repeat,
                fold: p.fold,
                gold,
                answers: [answer_of(spec, p)?, answer_of(spec, q)?],
            });
        }
        match others.into_values().next() {
            Some(q) => Err(Error::artifact(format!("the baseline has no prediction for `{}`", q.id))),
            None => Ok(Pairs(pairs)),
        }
    }

    fn compare(&self, spec: &TaskSpec, test_to_train: Option<f64>, margin: f64) -> TaskComparison {
        let primary = Metric::PRIMARY;
        let values = self.values(spec);
        let mut others = IndexMap::new();
        let mut decided = None;
        for ((metric, [baseline, candidate]), spread) in
            Metric::ALL.into_iter().zip(values).zip(self.spreads(spec, test_to_train))
        {
            let difference = baseline.zip(candidate).map(|(a, b)| b - a);
            let (low, high) = spread.interval(difference);
            let p_holm = if metric == primary { None } else { spread.p(difference) };
            let shown = Difference { baseline, candidate, difference, low, high, p_holm };
            if metric == primary {
                decided = Some((shown, spread));
            } else {
                others.insert(metric.name().to_string(), shown);
            }
        }
        holm(others.values_mut().filter_map(|d| d.p_holm.as_mut()).collect());
        let (decided_on, spread) = decided.unwrap_or_else(|| unreachable!("the primary metric is one of all"));
        let verdict = match (decided_on.low, decided_on.high) {
            (Some(low), Some(high)) => Verdict::of(low, high, margin),
            _ => Verdict::Inconclusive,
        };
        let (lost, gained) = self.flips(spec);
        let paragraphs = self.0.iter().map(|p| p.id).collect::<BTreeSet<_>>().len();
        TaskComparison {
            groups: self.0.iter().map(|p| p.group).collect::<BTreeSet<_>>().len(),
            paragraphs,
            primary: primary.name().into(),
            verdict,
            posterior: spread.posterior(decided_on.difference, margin),
            detectable: spread.detectable(),
            more_paragraphs: match verdict {
                Verdict::Inconclusive => more_paragraphs(&decided_on, margin, paragraphs),
                Verdict::Pass | Verdict::Fail => None,
            },
            decided_on,
            others,
            mcnemar: if test_to_train.is_none() { self.mcnemar(spec) } else { IndexMap::new() },
            lost,
            gained,
        }
    }

    /// Each metric in both reports: the mean over repeats of its value on a repeat's pooled answers.
    fn values(&self, spec: &TaskSpec) -> Vec<[Option<f64>; 2]> {
        let mut repeats: BTreeMap<usize, Vec<&Pair<'_>>> = BTreeMap::new();
        for pair in &self.0 {
            repeats.entry(pair.repeat).or_default().push(pair);
        }
        let figures =
            [0, 1].map(|side| -> Vec<_> { repeats.values().map(|pairs| figures(spec, pairs, side)).collect() });
        let of_metric = |m: usize| figures.each_ref().map(|repeats| mean(repeats.iter().filter_map(|all| all[m])));
        (0..Metric::ALL.len()).map(of_metric).collect()
    }

    /// How far the difference of each metric could be off: by folds, or by draws of groups.
    fn spreads(&self, spec: &TaskSpec, test_to_train: Option<f64>) -> Vec<Spread> {
        let mut parts: BTreeMap<(usize, usize, &str), Vec<&Pair<'_>>> = BTreeMap::new();
        for pair in &self.0 {
            let part = if test_to_train.is_some() { (pair.repeat, pair.fold, "") } else { (0, 0, pair.group) };
            parts.entry(part).or_default().push(pair);
        }
        let parts: Vec<Vec<&Pair<'_>>> = parts.into_values().collect();
        let differences: Vec<Vec<Option<f64>>> = match test_to_train {
            Some(_) => parts.par_iter().map(|pairs| differences(spec, pairs)).collect(),
            None if parts.len() < 2 => Vec::new(),
            None => {
                (0..DRAWS as u64).into_par_iter().map(|draw| differences(spec, &drawn(&parts, SEED, draw))).collect()
            }
        };
        let of_metric = |m: usize| {
            let mut values: Vec<f64> = differences.iter().filter_map(|all| all[m]).collect();
            match test_to_train {
                Some(ratio) => match resampled_error(&values, ratio) {
                    Some((degrees, error)) => Spread::Student { degrees, error },
                    None => Spread::Unknown,
                },
                None if values.len() < 2 => Spread::Unknown,
                None => {
                    values.sort_unstable_by(f64::total_cmp);
                    Spread::Draws(values)
                }
            }
        };
        (0..Metric::ALL.len()).map(of_metric).collect()
    }

    fn mcnemar(&self, spec: &TaskSpec) -> IndexMap<String, McNemar> {
        let test = |k: usize| {
            let right =
                |p: &Pair<'_>, side: usize| p.answers[side].0.contains(LabelId(k)) == p.gold.contains(LabelId(k));
            let lost = self.0.iter().filter(|p| right(p, 0) && !right(p, 1)).count();
            let gained = self.0.iter().filter(|p| !right(p, 0) && right(p, 1)).count();
            McNemar { lost, gained, p: two_sided_binomial(lost, gained) }
        };
        spec.labels.iter().enumerate().map(|(k, name)| (name.clone(), test(k))).collect()
    }

    fn flips(&self, spec: &TaskSpec) -> (Vec<Flip>, Vec<Flip>) {
        let away = |p: &Pair<'_>, side: usize| distance(&p.gold, &p.answers[side].1);
        let flip = |p: &Pair<'_>, moved: f64| Flip {
            id: p.id.into(),
            repeat: p.repeat,
            gold: super::labels_value(spec, &p.gold),
            baseline: super::labels_value(spec, &p.answers[0].0),
            candidate: super::labels_value(spec, &p.answers[1].0),
            moved,
        };
        let (mut lost, mut gained) = (Vec::new(), Vec::new());
        for p in &self.0 {
            let moved = away(p, 1) - away(p, 0);
            match (p.answers[0].0 == p.gold, p.answers[1].0 == p.gold) {
                (true, false) => lost.push(flip(p, moved)),
                (false, true) => gained.push(flip(p, -moved)),
                _ => {}
            }
        }
        for flips in [&mut lost, &mut gained] {
            flips.sort_by(|a, b| b.moved.total_cmp(&a.moved).then(a.repeat.cmp(&b.repeat)).then(a.id.cmp(&b.id)));
        }
        (lost, gained)
    }
}

/// Candidate less baseline on some paragraphs, by metric.
fn differences(spec: &TaskSpec, pairs: &[&Pair<'_>]) -> Vec<Option<f64>> {
    figures(spec, pairs, 0).into_iter().zip(figures(spec, pairs, 1)).map(|(a, b)| Some(b? - a?)).collect()
}

/// One report's figures on some paragraphs, by metric.
fn figures(spec: &TaskSpec, pairs: &[&Pair<'_>], side: usize) -> Vec<Option<f64>> {
    let mut rows = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let (labels, probabilities) = &pair.answers[side];
        rows.push(Judged { gold: &pair.gold, labels, probabilities });
    }
    let counts = Counts::of_all(&rows, spec.labels.len());
    Metric::ALL.map(|metric| metric.of_counted(spec.kind, &rows, &counts)).into()
}

/// What is known of how far a difference could be off.
enum Spread {
    Student { degrees: f64, error: f64 },
    Draws(Vec<f64>),
    Unknown,
}

impl Spread {
    fn interval(&self, difference: Option<f64>) -> (Option<f64>, Option<f64>) {
        match (self, difference) {
            (Spread::Student { degrees, error }, Some(d)) => {
                // Without any variance the interval is the point.
                let half = if *error == 0.0 { 0.0 } else { t_quantile(*degrees, 0.975) * error };
                (Some(d - half), Some(d + half))
            }
            (Spread::Draws(draws), Some(_)) => {
                let e = super::Estimate::percentile(None, draws.clone());
                (e.low, e.high)
            }
            _ => (None, None),
        }
    }

    fn p(&self, difference: Option<f64>) -> Option<f64> {
        match (self, difference?) {
            (Spread::Student { degrees, error }, d) => Some(if d == 0.0 {
                1.0
            } else if *error == 0.0 {
                0.0
            } else {
                2.0 * t_below(*degrees, -(d / error).abs())
            }),
            (Spread::Draws(draws), _) => {
                let n = draws.len() as f64;
                let tail =
                    |side: &dyn Fn(f64) -> bool| (draws.iter().filter(|d| side(**d)).count() as f64 + 1.0) / (n + 1.0);
                Some((2.0 * tail(&|d| d <= 0.0).min(tail(&|d| d >= 0.0))).min(1.0))
            }
            (Spread::Unknown, _) => None,
        }
    }

    fn posterior(&self, difference: Option<f64>, margin: f64) -> Option<Posterior> {
        let (Spread::Student { degrees, error }, Some(d)) = (self, difference) else { return None };
        let under = |x: f64| {
            if *error == 0.0 { f64::from(u8::from(d < x)) } else { t_below(*degrees, (x - d) / error) }
        };
        let (worse, not_better) = (under(-margin), under(margin));
        Some(Posterior { worse, equivalent: (not_better - worse).max(0.0), better: 1.0 - not_better })
    }

    /// (t(0.975) + t(0.8)) standard errors: the difference that a two-sided 5 % test finds in four cases of five.
    fn detectable(&self) -> Option<f64> {
        match self {
            Spread::Student { degrees, error } => {
                Some((t_quantile(*degrees, 0.975) + t_quantile(*degrees, POWER)) * error)
            }
            Spread::Draws(draws) => {
                let n = draws.len() as f64;
                let mean = draws.iter().sum::<f64>() / n;
                let variance = draws.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0);
                // The standard normal's quantiles at 0.975 and 0.8.
                Some((1.959_964 + 0.841_621) * variance.sqrt())
            }
            Spread::Unknown => None,
        }
    }
}

/// How many more paragraphs would move the nearer end of the interval to the margin: an end's distance from the
/// difference d shrinks with 1/√n, so that n · (distance / |d + margin|)² are needed in all. Undefined where d lies on
/// the margin, or where more than a thousand times the data would be needed.
fn more_paragraphs(decided_on: &Difference, margin: f64, paragraphs: usize) -> Option<usize> {
    let (d, low, high) = (decided_on.difference?, decided_on.low?, decided_on.high?);
    let room = (d + margin).abs();
    let distance = if d > -margin { d - low } else { high - d };
    let times = (distance / room).powi(2);
    (times.is_finite() && times <= 1000.0).then(|| (paragraphs as f64 * (times - 1.0)).ceil().max(0.0) as usize)
}

fn two_sided_binomial(a: usize, b: usize) -> f64 {
    let n = (a + b) as u64;
    match statrs::distribution::Binomial::new(0.5, n) {
        Ok(binomial) if n > 0 => (2.0 * binomial.cdf(a.min(b) as u64)).min(1.0),
        _ => 1.0,
    }
}

/// Holm's step-down adjustment: the i-th smallest of m p-values times (m - i + 1), never falling, at most 1.
fn holm(mut ps: Vec<&mut f64>) {
    ps.sort_by(|a, b| a.total_cmp(b));
    let m = ps.len();
    let mut most = 0.0f64;
    for (i, p) in ps.into_iter().enumerate() {
        most = most.max((*p * (m - i) as f64).min(1.0));
        *p = most;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_looks_at_both_ends_of_the_interval() {
        assert_eq!(Verdict::of(-0.01, 0.03, 0.02), Verdict::Pass);
        assert_eq!(Verdict::of(-0.02, 0.03, 0.02), Verdict::Pass, "the margin itself is allowed");
        assert_eq!(Verdict::of(-0.05, -0.021, 0.02), Verdict::Fail);
        assert_eq!(Verdict::of(-0.05, -0.02, 0.02), Verdict::Inconclusive);
    }

    #[test]
    fn holm_adjusts_as_worked_by_hand() {
        // 0.01 · 4, 0.03 · 3 (0.04 · 2 is less: it may not fall), 0.5 · 1.
        let mut ps = [0.04, 0.01, 0.5, 0.03];
        holm(ps.iter_mut().collect());
        for (p, by_hand) in ps.iter().zip([0.09, 0.04, 0.5, 0.09]) {
            assert!((p - by_hand).abs() < 1e-12, "{p} {by_hand}");
        }
    }

    #[test]
    fn the_paragraphs_missing_are_worked_by_hand() {
        let difference = |d, low, high| Difference {
            baseline: None,
            candidate: None,
            difference: Some(d),
            low: Some(low),
            high: Some(high),
            p_holm: None,
        };
        // The low end is 0.04 off and may be 0.02 off: twice as near, four times the data.
        assert_eq!(more_paragraphs(&difference(0.0, -0.04, 0.04), 0.02, 100), Some(300));
        // Below the margin it is the high end that has to come down: 0.03 off, may be 0.015.
        assert_eq!(more_paragraphs(&difference(-0.035, -0.06, -0.005), 0.02, 100), Some(300));
        assert_eq!(more_paragraphs(&difference(-0.02, -0.06, 0.02), 0.02, 100), None);
    }

    #[test]
    fn mcnemar_is_the_exact_binomial() {
        // 1 against 9 of 10: 2 · (1 + 10) / 1024.
        assert!((two_sided_binomial(1, 9) - 22.0 / 1024.0).abs() < 1e-12);
        assert_eq!(two_sided_binomial(0, 0), 1.0);
        assert_eq!(two_sided_binomial(5, 5), 1.0);
    }

    #[test]
    fn probabilities_of_the_three_readings_sum_to_one() {
        let spread = Spread::Student { degrees: 9.0, error: 0.01 };
        let p = spread.posterior(Some(0.0), 0.0226).unwrap();
        // t(0.975, 9) = 2.262
        assert!((p.worse - 0.025).abs() < 1e-3 && (p.better - 0.025).abs() < 1e-3);
        assert!((p.worse + p.equivalent + p.better - 1.0).abs() < 1e-12);
    }
}
