//! Fitting and using the models of all tasks together.

use super::config::{Config, PipelineParams};
use super::decision::{Decision, OutOfFold};
use super::featurizer::{AnalyzedTexts, FittedBlocks};
use super::scoring::Scoring;
use super::task_model::{TaskModel, Wanted, fit_regressions};
use crate::error::{Error, Result};
use crate::linear::{Convergence, LogisticRegression};
use crate::sparse::SparseMatrix;
use crate::split::{Item, groups_by_stratum, strata, stratified_group_folds};
use crate::task::{LabelId, LabelSet, Prediction, Score, TaskKind, TaskSpec};
use half::f16;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Calibration and thresholds are learnt from scores of this many inner folds, or fewer where groups are few.
const INNER_FOLDS: usize = 3;
/// How near the optimum their fits come, which is enough for curves and thresholds: it takes a few sweeps.
const INNER_TOLERANCE: f64 = 1e-2;
/// A label with fewer rows than this is not calibrated, and does not lower the number of inner folds.
const LEAST_ROWS: usize = 10;

/// Labelled texts, analysed: what a classifier can be fitted on.
pub struct TrainingSet<'a> {
    /// The tasks.
    pub tasks: &'a [TaskSpec],
    /// The group of each text.
    pub groups: Vec<&'a str>,
    /// The gold labels of each text by task; `None` where it is not labelled.
    pub gold: Vec<&'a [Option<LabelSet>]>,
    /// The texts, analysed for the configuration.
    pub texts: AnalyzedTexts,
}

/// The fitted models of one or more tasks.
pub struct Classifier {
    tasks: Vec<TaskModel>,
    scoring: Scoring,
}

/// What a fit on some rows says of others.
#[derive(Debug, Clone)]
pub struct FoldAnswers {
    /// How scores became labels, by task.
    pub decisions: Vec<Decision>,
    /// How well the regressions have converged, by task.
    pub convergence: Vec<Convergence>,
    /// One prediction a task for each row.
    pub predictions: Vec<Vec<Prediction>>,
}

/// Tasks that are fitted on the same rows with the same features, and so share them.
struct Bundle<'a> {
    /// Positions in the list of tasks.
    tasks: Vec<usize>,
    params: &'a PipelineParams,
    rows: Vec<usize>,
}

/// A position in the list of tasks, with its weights and its decision.
type FittedTask = (usize, LogisticRegression, Decision);

impl<'a> TrainingSet<'a> {
    /// Fits every task on the given rows, and on nothing else.
    ///
    /// # Errors
    ///
    /// No labelled row for a task; settings that the solver does not carry, or under which weights do not stay finite or do
    /// not fit into 16 bits.
    pub fn fit(&self, config: &Config, rows: &[usize], seed: u64) -> Result<Classifier> {
        let mut models: Vec<Option<TaskModel>> = self.tasks.iter().map(|_| None).collect();
        for bundle in self.bundles(config, rows)? {
            let (blocks, fitted) = self.fit_bundle(config, &bundle, seed)?;
            let featurizer = Arc::new(blocks.featurizer());
            for (t, regression, decision) in fitted {
                let spec = self.tasks[t].clone();
                let params = config.for_task(&spec.name).clone();
                let featurizer = Arc::clone(&featurizer);
                models[t] = Some(TaskModel { spec, params, featurizer, regression, decision });
            }
        }
        Ok(Classifier::from_tasks(models.into_iter().flatten().collect()))
    }

    /// Fits every task on the rows `train` and predicts for the rows `test`, whose text is not analysed again: what
    /// [`TrainingSet::fit`]'s classifier would answer, bit for bit, without making it.
    ///
    /// # Errors
    ///
    /// As [`TrainingSet::fit`].
    pub fn fit_and_predict(&self, config: &Config, train: &[usize], test: &[usize], seed: u64) -> Result<FoldAnswers> {
        let mut decisions: Vec<Option<(Decision, Convergence)>> = self.tasks.iter().map(|_| None).collect();
        let mut columns: Vec<Vec<Prediction>> = self.tasks.iter().map(|_| Vec::new()).collect();
        for bundle in self.bundles(config, train)? {
            let (blocks, fitted) = self.fit_bundle(config, &bundle, seed)?;
            let unseen = blocks.matrix(test);
            for (t, regression, decision) in fitted {
                columns[t] = regression.score_rows(&unseen).iter().map(|scores| decision.decide(scores)).collect();
                decisions[t] = Some((decision, regression.convergence()));
            }
        }
        let predictions = (0..test.len()).map(|i| columns.iter().map(|column| column[i].clone()).collect()).collect();
        let (decisions, convergence) = decisions.into_iter().flatten().unzip();
        Ok(FoldAnswers { decisions, convergence, predictions })
    }

    /// The features of a bundle, and each of its tasks with weights and decision.
    fn fit_bundle<'s>(
        &'s self,
        config: &Config,
        bundle: &Bundle<'s>,
        seed: u64,
    ) -> Result<(FittedBlocks<'s>, Vec<FittedTask>)> {
        let decisions = self.learn_decisions(config, bundle, seed)?;
        let wanted = self.wanted(config, bundle, &bundle.rows);
        let (mut blocks, regressions) = self.fit_features(bundle.params, &bundle.rows, &wanted)?;
        let old = blocks.by_frequency();
        let fitted = bundle.tasks.iter().zip(regressions).zip(decisions).map(|((&t, regression), decision)| {
            let name = &self.tasks[t].name;
            let found = regression.greatest();
            if !found.is_finite() {
                return Err(
                    Error::data(format!("task `{name}`: the fit did not stay finite")).hint("lower classifier.c")
                );
            }
            // Rounded here, not when written: a model from a file answers like the one that was fitted.
            let precision = config.for_task(name).classifier.precision;
            let regression = regression.rounded(|weight| precision.rounded(weight)).reordered(&old);
            if regression.greatest().is_finite() {
                return Ok((t, regression, decision));
            }
            let most = f16::MAX;
            Err(Error::usage(format!(
                "weights of task `{name}` do not fit into 16 bits (found {found}; at most {most})"
            ))
            .hint("give the blocks of features a greater norm, or set precision = 32"))
        });
        let fitted = fitted.collect::<Result<_>>()?;
        Ok((blocks, fitted))
    }

    /// The features of some rows and the regressions of a bundle's tasks; pruned, if the settings say so.
    fn fit_features<'s>(
        &'s self,
        params: &'s PipelineParams,
        rows: &[usize],
        wanted: &[Wanted<'_>],
    ) -> Result<(FittedBlocks<'s>, Vec<LogisticRegression>)> {
        let mut blocks = FittedBlocks::fit(&params.features, &self.texts, rows);
        let x = blocks.matrix(rows);
        let regressions = fit_regressions(&x, wanted)?;
        let share = params.classifier.prune;
        if share == 0.0 {
            return Ok((blocks, regressions));
        }
        blocks.keep(&mattering(&x, &regressions, share));
        let regressions = fit_regressions(&blocks.matrix(rows), wanted)?;
        Ok((blocks, regressions))
    }

    /// What the tasks of a bundle want fitted on some of its rows.
    fn wanted(&self, config: &Config, bundle: &Bundle<'_>, rows: &[usize]) -> Vec<Wanted<'a>> {
        let of = |&t: &usize| {
            let spec = &self.tasks[t];
            (spec, config.for_task(&spec.name).classifier.logistic(), self.gold(t, rows))
        };
        bundle.tasks.iter().map(of).collect()
    }

    fn gold(&self, task: usize, rows: &[usize]) -> Vec<&'a LabelSet> {
        rows.iter().filter_map(|&i| self.gold[i][task].as_ref()).collect()
    }

    fn bundles<'c>(&self, config: &'c Config, train: &[usize]) -> Result<Vec<Bundle<'c>>> {
        let mut bundles: Vec<Bundle<'c>> = Vec::new();
        for (t, spec) in self.tasks.iter().enumerate() {
            let params = config.for_task(&spec.name);
            let rows: Vec<usize> = train.iter().copied().filter(|&i| self.gold[i][t].is_some()).collect();
            if rows.is_empty() {
                return Err(Error::data(format!("no labelled row to learn task `{}` from", spec.name)).hint(
                    "label more articles for the task, or leave it out; rows with `split` = `test` are not learnt from",
                ));
            }
            let alike =
                |b: &PipelineParams| b.features == params.features && b.classifier.prune == params.classifier.prune;
            match bundles.iter_mut().find(|b| b.rows == rows && alike(b.params)) {
                Some(bundle) => bundle.tasks.push(t),
                None => bundles.push(Bundle { tasks: vec![t], params, rows }),
            }
        }
        Ok(bundles)
    }

    /// The decisions of a bundle's tasks, learnt from inner folds of its rows.
    fn learn_decisions(&self, config: &Config, bundle: &Bundle<'_>, seed: u64) -> Result<Vec<Decision>> {
        let specs: Vec<&TaskSpec> = bundle.tasks.iter().map(|&t| &self.tasks[t]).collect();
        let settings: Vec<_> = specs.iter().map(|s| &config.for_task(&s.name).classifier).collect();
        let unlearnt = || {
            specs.iter().zip(&settings).map(|(s, params)| Decision::unlearnt(s.kind, s.labels.len(), params)).collect()
        };
        if !specs.iter().zip(&settings).any(|(s, params)| Decision::is_learnt(s.kind, params)) {
            return Ok(unlearnt());
        }
        let row_strata: Vec<Vec<usize>> = bundle
            .rows
            .iter()
            .map(|&i| {
                let gold: Vec<Option<&LabelSet>> = bundle.tasks.iter().map(|&t| self.gold[i][t].as_ref()).collect();
                strata(&specs, &gold)
            })
            .collect();
        let items: Vec<Item<'_>> =
            bundle.rows.iter().zip(&row_strata).map(|(&i, strata)| Item { group: self.groups[i], strata }).collect();
        let k = inner_folds(&items);
        if k < 2 {
            return Ok(unlearnt());
        }
        let scored: Vec<Vec<(usize, Vec<OutOfFold>)>> = stratified_group_folds(&items, k, seed, &BTreeMap::new())?
            .into_par_iter()
            .map(|fold| {
                let pick = |part: &[usize]| part.iter().map(|&j| bundle.rows[j]).collect::<Vec<_>>();
                let (train, test) = (pick(&fold.train), pick(&fold.test));
                let mut wanted = self.wanted(config, bundle, &train);
                wanted.iter_mut().for_each(|(_, params, _)| params.tolerance = params.tolerance.max(INNER_TOLERANCE));
                let (blocks, regressions) = self.fit_features(bundle.params, &train, &wanted)?;
                let unseen = blocks.matrix(&test);
                let scores: Vec<Vec<Vec<Score>>> = regressions.iter().map(|r| r.score_rows(&unseen)).collect();
                let learnt: Vec<Vec<bool>> = wanted.iter().map(|(spec, _, gold)| learnt(spec, gold)).collect();
                let told = |scores: &[Score], learnt: &[bool]| {
                    scores.iter().zip(learnt).map(|(&score, &learnt)| learnt.then_some(score)).collect()
                };
                let of_row =
                    |i: usize| scores.iter().zip(&learnt).map(|(task, learnt)| told(&task[i], learnt)).collect();
                Ok(fold.test.iter().enumerate().map(|(i, &j)| (j, of_row(i))).collect())
            })
            .collect::<Result<_>>()?;
        let mut by_row: Vec<(usize, Vec<OutOfFold>)> = scored.into_iter().flatten().collect();
        by_row.sort_unstable_by_key(|(j, _)| *j);
        Ok(bundle
            .tasks
            .iter()
            .zip(&settings)
            .enumerate()
            .map(|(at, (&t, params))| {
                let spec = &self.tasks[t];
                let scores: Vec<&OutOfFold> = by_row.iter().map(|(_, tasks)| &tasks[at]).collect();
                Decision::learn(spec.kind, spec.labels.len(), params, &scores, &self.gold(t, &bundle.rows))
            })
            .collect())
    }
}

/// Which columns are kept where the given share is left out: those that add least to the scores of the rows fitted on, by
/// the greatest |w_jk| over all outputs k times the Euclidean norm of column j. Of equals the first go.
fn mattering(x: &SparseMatrix, regressions: &[LogisticRegression], share: f64) -> Vec<bool> {
    let mut squares = vec![0.0; x.width()];
    for i in 0..x.height() {
        let (columns, values) = x.row(i);
        columns.iter().zip(values).for_each(|(&column, value)| squares[column as usize] += value * value);
    }
    let greatest = |column: usize| {
        let of = |r: &LogisticRegression| {
            let weights = &r.weights()[column * r.outputs()..][..r.outputs()];
            weights.iter().fold(0.0, |most: f32, weight| most.max(weight.abs()))
        };
        f64::from(regressions.iter().map(of).fold(0.0, f32::max))
    };
    let matters: Vec<f64> = squares.iter().enumerate().map(|(j, square)| greatest(j) * square.sqrt()).collect();
    let mut order: Vec<usize> = (0..x.width()).collect();
    order.sort_by(|&a, &b| matters[a].total_cmp(&matters[b]));
    let mut kept = vec![true; x.width()];
    order[..(share * x.width() as f64) as usize].iter().for_each(|&column| kept[column] = false);
    kept
}

/// By label whether rows with these gold labels tell it from its absence; where exactly one label applies, whether they
/// hold it.
fn learnt(spec: &TaskSpec, gold: &[&LabelSet]) -> Vec<bool> {
    let varies = |k: usize| {
        let positive = gold.iter().filter(|set| set.contains(LabelId(k))).count();
        positive > 0 && (spec.kind == TaskKind::Single || positive < gold.len())
    };
    (0..spec.labels.len()).map(varies).collect()
}

/// How many inner folds leave every label that can be calibrated a positive group in each. A label of a single group cannot:
/// where it is judged it was not learnt.
fn inner_folds(items: &[Item<'_>]) -> usize {
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    for stratum in items.iter().flat_map(|item| item.strata) {
        *rows.entry(*stratum).or_default() += 1;
    }
    let groups: std::collections::BTreeSet<&str> = items.iter().map(|item| item.group).collect();
    let enough = |stratum: &usize| rows[stratum] >= LEAST_ROWS;
    let held = groups_by_stratum(items).into_iter().filter(|(s, held)| enough(s) && *held > 1).map(|(_, held)| held);
    held.chain([groups.len(), INNER_FOLDS]).min().unwrap_or(0)
}

impl Classifier {
    pub(super) fn from_tasks(tasks: Vec<TaskModel>) -> Self {
        Classifier { scoring: Scoring::new(&tasks), tasks }
    }

    /// The models, in task order.
    pub fn tasks(&self) -> &[TaskModel] {
        &self.tasks
    }

    /// The configuration that the models were fitted with.
    pub fn config(&self) -> Config {
        Config::from_tasks(self.tasks.iter().map(|t| (t.spec.name.clone(), t.params.clone())))
    }

    pub(super) fn tasks_mut(&mut self) -> &mut [TaskModel] {
        &mut self.tasks
    }

    /// Labels one text: one prediction a task, in task order.
    pub fn predict(&self, text: &str) -> Vec<Prediction> {
        self.scoring.read(&self.tasks, text, |task, scores| task.decision.decide(scores))
    }

    /// What is decided on: the scores of one text, by task and label.
    pub fn scores(&self, text: &str) -> Vec<Vec<Score>> {
        self.scoring.read(&self.tasks, text, |_, scores| scores.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_one_article_leaves_the_others_their_inner_folds() {
        let groups: Vec<String> = (0..40).map(|g| format!("g{g}")).collect();
        let common: Vec<Item<'_>> = groups.iter().map(|group| Item { group, strata: &[0] }).collect();
        assert_eq!(inner_folds(&common), INNER_FOLDS);
        let of = |articles: usize| {
            let rows = (0..LEAST_ROWS).map(|row| Item { group: &groups[row % articles], strata: &[0, 1] });
            common.iter().copied().chain(rows).collect::<Vec<_>>()
        };
        assert_eq!(inner_folds(&of(1)), INNER_FOLDS);
        assert_eq!(inner_folds(&of(2)), 2);
    }
}
