//! The search for settings, nested in a cross-validation: the score reported is that of the whole procedure.
//!
//! The score of the best of many settings is too good: it was chosen for being high, luck included. So each outer
//! training part is searched on its own, by a cross-validation inside it; the setting that is best there is fitted on
//! that part and judged on the outer test part, which no choice has seen. At last all of the data is searched in the
//! same way; what wins there is the result, and the nested score estimates what that procedure gives. Each task is searched
//! as if it stood alone.
//!
//! Sources: Varma and Simon 2006, "Bias in error estimation when using cross-validation for model selection"; Cawley and
//! Talbot 2010, "On Over-fitting in Model Selection and Subsequent Selection Bias in Performance Evaluation".

use super::cross_validate::{CrossValidation, dealt_report};
use super::deal::Deal;
use super::interval::Estimate;
use super::metrics::{Judged, Metric};
use super::report::{DataSummary, FoldSummary, Report, Said};
use crate::dataset::Dataset;
use crate::digest::digits;
use crate::error::{Error, Result};
use crate::model::{Calibration, Config, FoldAnswers, PipelineParams, Setting, TrainingSet};
use crate::split::Fold;
use crate::task::{LabelSet, Prediction, TaskKind, TaskSpec};
use crate::training::analyzed_set;
use indexmap::IndexMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The schema of a search as JSON.
pub const TUNING_SCHEMA: &str = "rubrique.tuning/1";

/// Settings that share their features are fitted together, and each on its path; but no more than this at once: all their
/// weights stand in memory, and a search that is stopped loses what it has begun.
const AT_ONCE: usize = 8;

/// How a search is judged.
#[derive(Debug, Clone, Copy)]
pub struct SearchPlan {
    /// Outer folds a repeat.
    pub folds: usize,
    /// Outer repeats.
    pub repeats: usize,
    /// Folds inside each outer training part.
    pub inner_folds: usize,
    /// What the settings are ranked by.
    pub metric: Metric,
    /// The seed of all deals.
    pub seed: u64,
}

/// What scores depend on besides their settings: scores of another identity cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuningIdentity {
    /// The program's version.
    pub program: String,
    /// The hash of the examples: see `Dataset::sha256`.
    pub data: String,
    /// The tasks: the same cells may answer tasks of either kind.
    pub tasks: Vec<TaskSpec>,
    /// The hash of the outer deal: see [`FoldSummary::sha256`].
    pub deal: String,
    /// The seed.
    pub seed: u64,
    /// Folds inside each outer training part.
    pub inner_folds: usize,
    /// The metric's name.
    pub metric: String,
}

/// Which score it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScoreKey {
    /// The outer training part as `repeat/fold`, from 0, or `all`.
    pub part: String,
    /// The task.
    pub task: String,
    /// The hash of the settings, and of those that come before them on their path.
    pub setting: String,
}

/// Scores by what they are of; one that is undefined holds nothing.
pub type Scores = BTreeMap<ScoreKey, Option<f64>>;

/// One setting of a task, and how it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettingScores {
    /// Its place in the space, from 1.
    pub number: usize,
    /// What of it varies in the space; null where a block is left out.
    pub values: IndexMap<String, Value>,
    /// Its score by cross-validation on all of the data.
    pub score: Option<f64>,
    /// Its score by cross-validation inside each outer training part.
    pub inner: Vec<Option<f64>>,
    /// In how many outer training parts it was the best.
    pub chosen: usize,
}

/// What was chosen in one outer training part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The repeat, from 0.
    pub repeat: usize,
    /// The fold, from 0.
    pub fold: usize,
    /// The setting's number.
    pub setting: usize,
    /// Its score inside the training part, by which it was chosen.
    pub inner: Option<f64>,
    /// Its score on the test part.
    pub outer: Option<f64>,
}

/// The search for one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskSearch {
    /// The number of the setting that is best on all of the data; the first of equals.
    pub winner: usize,
    /// Its settings in full.
    pub config: PipelineParams,
    /// What the procedure reaches on paragraphs that no choice has seen, with its interval.
    pub nested: Estimate,
    /// The outer folds.
    pub choices: Vec<Choice>,
    /// Every setting, in the order of the space.
    pub settings: Vec<SettingScores>,
}

impl TaskSearch {
    /// The settings by their score on all of the data, the winner first; of equals the earlier.
    pub fn best_first(&self, metric: Metric) -> Vec<&SettingScores> {
        let mut order: Vec<&SettingScores> = self.settings.iter().collect();
        let badness = |s: &SettingScores| s.score.map_or(f64::INFINITY, |v| if metric.is_loss() { v } else { -v });
        order.sort_by(|a, b| badness(a).total_cmp(&badness(b)));
        order
    }
}

/// A finished search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuning {
    /// [`TUNING_SCHEMA`].
    pub schema: String,
    /// What was searched on.
    pub data: DataSummary,
    /// The outer folds, as in the report.
    pub folds: Option<FoldSummary>,
    /// Folds inside each outer training part, as asked for.
    pub inner_folds: usize,
    /// What the settings were ranked by.
    pub metric: Metric,
    /// By task.
    pub tasks: IndexMap<String, TaskSearch>,
    /// What is to be said of how the data was dealt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Rows that are searched on their own.
struct Part {
    name: String,
    folds: Vec<Fold>,
}

/// Settings of one task, each with the hash of what its scores depend on.
struct TaskSettings {
    settings: Vec<Setting>,
    keys: Vec<String>,
    /// By their places: what differs in C alone, by rising C, is fitted one after another.
    paths: Vec<Vec<usize>>,
}

/// Paths of a task that share their features, to be scored on a part.
struct Unit<'a> {
    part: &'a Part,
    task: usize,
    settings: Vec<usize>,
}

/// A search that is ready to run: texts analysed for every setting, rows dealt.
pub struct Tuner<'a> {
    dataset: &'a Dataset,
    /// By task.
    by_task: Vec<TaskSettings>,
    plan: SearchPlan,
    set: TrainingSet<'a>,
    deal: Deal,
    /// The training part of each turn, then everything.
    parts: Vec<Part>,
    notes: Vec<String>,
}

impl<'a> Tuner<'a> {
    /// Deals the data and analyses its texts; `settings` holds the settings to try, by task.
    ///
    /// # Errors
    ///
    /// Less than two folds, or fewer groups than folds, outer or inner.
    pub fn new(dataset: &'a Dataset, settings: Vec<Vec<Setting>>, plan: SearchPlan) -> Result<Self> {
        if plan.inner_folds < 2 {
            let found = plan.inner_folds;
            return Err(Error::usage(format!("too few inner folds (found {found}; at least 2 needed)")));
        }
        let pipelines = settings.iter().flatten().map(|s| &s.params);
        let set = analyzed_set(&dataset.tasks, &dataset.examples, pipelines);
        let outer = CrossValidation::new(plan.folds, plan.repeats, plan.seed);
        let deal = Deal::of(dataset, &set.groups, &outer)?;
        let mut parts = Vec::new();
        for turn in &deal.turns {
            let name = format!("{}/{}", turn.repeat, turn.number);
            parts.push(Part { name, folds: inner_deal(dataset, &set.groups, &turn.fold.train, &plan)?.0 });
        }
        let everything: Vec<usize> = (0..dataset.examples.len()).collect();
        let (folds, notes) = inner_deal(dataset, &set.groups, &everything, &plan)?;
        parts.push(Part { name: "all".into(), folds });
        let by_task = settings.into_iter().map(TaskSettings::new).collect();
        Ok(Tuner { dataset, by_task, plan, set, deal, parts, notes })
    }

    /// What the scores of this search depend on besides their settings.
    pub fn identity(&self) -> TuningIdentity {
        TuningIdentity {
            program: env!("CARGO_PKG_VERSION").into(),
            data: self.dataset.sha256(&self.dataset.examples),
            tasks: self.dataset.tasks.clone(),
            deal: self.deal.sha256(&self.dataset.examples),
            seed: self.plan.seed,
            inner_folds: self.plan.inner_folds,
            metric: self.plan.metric.name().into(),
        }
    }

    /// The number of fits that are left: `done` of [`Tuner::run`] is told of so many.
    pub fn fits(&self, known: &Scores) -> usize {
        let units = self.units(known);
        units.iter().map(|unit| unit.settings.len() * unit.part.folds.len()).sum::<usize>() + self.deal.turns.len()
    }

    /// Searches. Scores that are `known` are taken as they are; `keep` is handed each new one as soon as it is there,
    /// `done` the number of fits behind it. Neither threads nor what is known change the result.
    ///
    /// # Errors
    ///
    /// A fit that fails, or `keep`.
    pub fn run(
        self,
        known: &Scores,
        keep: &(dyn Fn(&Scores) -> Result<()> + Sync),
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<(Tuning, Report, Config)> {
        let new: Vec<Scores> = self
            .units(known)
            .par_iter()
            .map(|unit| {
                let mut scores = self.score(unit, done)?;
                scores.retain(|key, _| !known.contains_key(key));
                keep(&scores)?;
                Ok(scores)
            })
            .collect::<Result<_>>()?;
        let new: Scores = new.into_iter().flatten().collect();
        let score = |part: &Part, task: usize, at: usize| {
            let key = self.key(part, task, at);
            new.get(&key).or_else(|| known.get(&key)).copied().flatten()
        };
        let best = |part: &Part, task: usize| {
            let scores: Vec<Option<f64>> = (0..self.settings(task).len()).map(|at| score(part, task, at)).collect();
            first_best(self.plan.metric, &scores)
        };
        let tasks = || 0..self.dataset.tasks.len();
        let chosen: Vec<Vec<usize>> = self.parts.iter().map(|part| tasks().map(|t| best(part, t)).collect()).collect();
        let config_of = |chosen: &[usize]| {
            let of_task = |t: usize| (self.dataset.tasks[t].name.clone(), self.settings(t)[chosen[t]].params.clone());
            Config::from_tasks(tasks().map(of_task))
        };
        let results: Vec<FoldAnswers> = self
            .deal
            .turns
            .par_iter()
            .zip(&chosen)
            .map(|(turn, chosen)| {
                let Fold { train, test } = &turn.fold;
                let answers = self.set.fit_and_predict(&config_of(chosen), train, test, self.deal.seed)?;
                done(1);
                Ok(answers)
            })
            .collect::<Result<_>>()?;

        let turns = self.deal.turns.len();
        let (inner_parts, everything) = (&self.parts[..turns], &self.parts[turns]);
        let choice = |t: usize, at: usize| {
            let (turn, setting) = (&self.deal.turns[at], chosen[at][t]);
            let said =
                turn.fold.test.iter().zip(&results[at].predictions).map(|(&row, prediction)| (row, &prediction[t]));
            Choice {
                repeat: turn.repeat,
                fold: turn.number,
                setting: setting + 1,
                inner: score(&self.parts[at], t, setting),
                outer: self.figure(t, said),
            }
        };
        let searches: Vec<TaskSearch> = tasks()
            .map(|t| TaskSearch {
                winner: chosen[turns][t] + 1,
                config: self.settings(t)[chosen[turns][t]].params.clone(),
                nested: Estimate::default(),
                choices: (0..turns).map(|at| choice(t, at)).collect(),
                settings: (0..self.settings(t).len())
                    .map(|at| SettingScores {
                        number: at + 1,
                        values: self.settings(t)[at].values.clone(),
                        score: score(everything, t, at),
                        inner: inner_parts.iter().map(|part| score(part, t, at)).collect(),
                        chosen: chosen[..turns].iter().filter(|chosen| chosen[t] == at).count(),
                    })
                    .collect(),
            })
            .collect();
        let winner = config_of(&chosen[turns]);
        let mut report = dealt_report(self.dataset, &winner, self.deal, &results);
        report.notes.push(format!(
            "nested: in each fold the settings were chosen anew inside the training part, by {}; `config` is what all of \
             the data chooses",
            self.plan.metric.name()
        ));
        let named = searches.into_iter().zip(&report.tasks).map(|(mut search, (name, figures))| {
            search.nested = figures.estimate(self.plan.metric);
            (name.clone(), search)
        });
        let tuning = Tuning {
            schema: TUNING_SCHEMA.into(),
            data: report.data.clone(),
            folds: report.folds.clone(),
            inner_folds: self.plan.inner_folds,
            metric: self.plan.metric,
            tasks: named.collect(),
            notes: self.notes,
        };
        Ok((tuning, report, winner))
    }

    fn settings(&self, task: usize) -> &[Setting] {
        &self.by_task[task].settings
    }

    fn key(&self, part: &Part, task: usize, at: usize) -> ScoreKey {
        ScoreKey {
            part: part.name.clone(),
            task: self.dataset.tasks[task].name.clone(),
            setting: self.by_task[task].keys[at].clone(),
        }
    }

    /// What is left to be scored. A path of which a score is missing is fitted whole, or its end would start elsewhere.
    fn units(&self, known: &Scores) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for part in &self.parts {
            for (task, TaskSettings { settings, paths, .. }) in self.by_task.iter().enumerate() {
                let mut open: Vec<Unit<'_>> = Vec::new();
                for path in paths {
                    if path.iter().all(|&at| known.contains_key(&self.key(part, task, at))) {
                        continue;
                    }
                    let first = &settings[path[0]];
                    let shares = |unit: &&mut Unit<'_>| {
                        unit.settings.len() + path.len() <= AT_ONCE
                            && share_features(&settings[unit.settings[0]], first)
                    };
                    match open.iter_mut().find(shares) {
                        Some(unit) => unit.settings.extend(path),
                        None => open.push(Unit { part, task, settings: path.clone() }),
                    }
                }
                units.append(&mut open);
            }
        }
        units
    }

    /// The scores of a unit's settings, each on the pooled predictions of the part's folds.
    ///
    /// Every setting is a task of its own, so that those with equal features share one matrix. Nothing that is learnt
    /// depends on which paths stand together: only rows and gold labels enter a deal, and those are the same.
    fn score(&self, unit: &Unit<'_>, done: &(dyn Fn(usize) + Sync)) -> Result<Scores> {
        let spec = &self.dataset.tasks[unit.task];
        let settings = self.settings(unit.task);
        // As messages name it.
        let name = |at: usize| format!("{}, setting {}", spec.name, at + 1);
        let specs: Vec<TaskSpec> =
            unit.settings.iter().map(|&at| TaskSpec { name: name(at), ..spec.clone() }).collect();
        let params = unit.settings.iter().map(|&at| (name(at), self.enough(spec.kind, &settings[at].params)));
        let config = Config::from_tasks(params);
        let gold: Vec<Vec<Option<LabelSet>>> =
            self.set.gold.iter().map(|gold| vec![gold[unit.task].clone(); specs.len()]).collect();
        let set = TrainingSet {
            tasks: &specs,
            groups: self.set.groups.clone(),
            gold: gold.iter().map(Vec::as_slice).collect(),
            texts: self.set.texts.clone(),
        };
        let predicted: Vec<Vec<Vec<Prediction>>> = unit
            .part
            .folds
            .par_iter()
            .map(|fold| {
                let answers = set.fit_and_predict(&config, &fold.train, &fold.test, self.plan.seed)?;
                done(specs.len());
                Ok(answers.predictions)
            })
            .collect::<Result<_>>()?;
        let scored = unit.settings.iter().enumerate().map(|(i, &at)| {
            let said = unit.part.folds.iter().zip(&predicted).flat_map(|(fold, predictions)| {
                fold.test.iter().zip(predictions).map(move |(&row, prediction)| (row, &prediction[i]))
            });
            (self.key(unit.part, unit.task, at), self.figure(unit.task, said))
        });
        Ok(scored.collect())
    }

    /// The settings with what the metric cannot see left out: the most probable class is the same at every temperature,
    /// and learning one takes several fits more.
    fn enough(&self, kind: TaskKind, params: &PipelineParams) -> PipelineParams {
        let mut params = params.clone();
        if kind == TaskKind::Single && !self.plan.metric.reads_probabilities() {
            params.classifier.calibration = Calibration::None;
        }
        params
    }

    /// The metric of predictions for some rows.
    fn figure<'p>(&self, task: usize, said: impl Iterator<Item = (usize, &'p Prediction)>) -> Option<f64> {
        let spec = &self.dataset.tasks[task];
        let labelled = |(row, prediction): (usize, &Prediction)| {
            let gold = self.set.gold[row][task].as_ref()?;
            Some((gold, Said::from(prediction)))
        };
        let answers: Vec<(&LabelSet, Said)> = said.filter_map(labelled).collect();
        let rows: Vec<Judged<'_>> = answers
            .iter()
            .map(|(gold, said)| Judged { gold, labels: &said.labels, probabilities: &said.probabilities })
            .collect();
        self.plan.metric.of(spec.kind, spec.labels.len(), &rows)
    }
}

impl TaskSettings {
    fn new(settings: Vec<Setting>) -> Self {
        let c = |at: usize| settings[at].params.classifier.c;
        let mut rising: Vec<usize> = (0..settings.len()).collect();
        rising.sort_by(|&a, &b| c(a).total_cmp(&c(b)));
        let mut paths: Vec<Vec<usize>> = Vec::new();
        for at in rising {
            let continued =
                |path: &&mut Vec<usize>| path.len() < AT_ONCE && share_path(&settings[path[0]], &settings[at]);
            match paths.iter_mut().find(continued) {
                Some(path) => path.push(at),
                None => paths.push(vec![at]),
            }
        }
        let mut keys = vec![String::new(); settings.len()];
        for path in &paths {
            let mut before = Sha256::new();
            for &at in path {
                before.update(serde_json::to_string(&settings[at].params).unwrap_or_default());
                keys[at] = digits(before.clone());
            }
        }
        TaskSettings { settings, keys, paths }
    }
}

/// Whether two settings can be fitted on one matrix. What is pruned depends on the weights, and so on the setting.
fn share_features(a: &Setting, b: &Setting) -> bool {
    let pruned = |setting: &Setting| setting.params.classifier.prune > 0.0;
    a.params.features == b.params.features && !pruned(a) && !pruned(b)
}

/// Whether the regressions of two settings are found along one path.
fn share_path(a: &Setting, b: &Setting) -> bool {
    let logistic = |setting: &Setting| setting.params.classifier.logistic();
    share_features(a, b) && logistic(a).equal_but_for_c(&logistic(b))
}

/// The folds inside some rows, dealt as all rows would be, and what is to be said of them.
fn inner_deal(
    dataset: &Dataset,
    groups: &[&str],
    rows: &[usize],
    plan: &SearchPlan,
) -> Result<(Vec<Fold>, Vec<String>)> {
    let part = Dataset {
        tasks: dataset.tasks.clone(),
        examples: rows.iter().map(|&row| dataset.examples[row].clone()).collect(),
        test: Vec::new(),
        readings: Vec::new(),
        notes: Vec::new(),
    };
    let groups: Vec<&str> = rows.iter().map(|&row| groups[row]).collect();
    let deal = Deal::of(&part, &groups, &CrossValidation::new(plan.inner_folds, 1, plan.seed)).map_err(|e| {
        Error::data(format!("inside a training part of {} paragraphs: {}", rows.len(), e.message()))
            .hint("ask for fewer --inner-folds or --folds, or label paragraphs of more articles")
    })?;
    let whole = |own: &[usize]| own.iter().map(|&i| rows[i]).collect();
    let folds = deal.turns.iter().map(|turn| Fold { train: whole(&turn.fold.train), test: whole(&turn.fold.test) });
    Ok((folds.collect(), deal.notes))
}

/// The place of the best score; the first of equals, and one without a value after all others.
fn first_best(metric: Metric, scores: &[Option<f64>]) -> usize {
    let better = |a: f64, b: f64| if metric.is_loss() { a < b } else { a > b };
    (0..scores.len()).fold(0, |best, at| match (scores[at], scores[best]) {
        (Some(score), Some(most)) if better(score, most) => at,
        (Some(_), None) => at,
        _ => best,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_best_is_chosen() {
        let scores = [None, Some(0.2), Some(0.5), Some(0.5), Some(0.1)];
        assert_eq!(first_best(Metric::MacroF1, &scores), 2);
        assert_eq!(first_best(Metric::LogLoss, &scores), 4);
        assert_eq!(first_best(Metric::LogLoss, &[None, None]), 0);
    }
}
