//! Fitting and using the models of all tasks together.

use super::config::{Config, PipelineParams};
use super::decision::Decision;
use super::featurizer::{AnalyzedTexts, Featurizer};
use super::task_model::{TaskModel, Wanted, fit_regressions};
use crate::error::{Error, Result};
use crate::sparse::{SparseMatrix, SparseRow};
use crate::split::{Item, groups_by_stratum, strata, stratified_group_folds};
use crate::task::{LabelSet, Prediction, Score, TaskSpec};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Calibration and thresholds are learnt from scores of this many inner folds, or fewer where groups are few.
const INNER_FOLDS: usize = 5;
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
}

/// What a fitted classifier says of rows it was not fitted on: one prediction a task for each row.
pub type FoldPredictions = Vec<Vec<Prediction>>;

/// Tasks that are fitted on the same rows with the same features, and so share them.
struct Bundle<'a> {
    /// Positions in the list of tasks.
    tasks: Vec<usize>,
    params: &'a PipelineParams,
    rows: Vec<usize>,
}

impl<'a> TrainingSet<'a> {
    /// Fits every task on the given rows, and on nothing else.
    ///
    /// # Errors
    ///
    /// No labelled row for a task; settings that the solver does not carry.
    pub fn fit(&self, config: &Config, rows: &[usize], seed: u64) -> Result<Classifier> {
        Ok(self.fit_and_predict(config, rows, &[], seed)?.0)
    }

    /// Fits every task on the rows `train` and predicts for the rows `test`, whose text is not analysed again.
    ///
    /// # Errors
    ///
    /// As [`TrainingSet::fit`].
    pub fn fit_and_predict(
        &self,
        config: &Config,
        train: &[usize],
        test: &[usize],
        seed: u64,
    ) -> Result<(Classifier, FoldPredictions)> {
        let mut models: Vec<Option<TaskModel>> = self.tasks.iter().map(|_| None).collect();
        let mut columns: Vec<Vec<Prediction>> = self.tasks.iter().map(|_| Vec::new()).collect();
        for bundle in self.bundles(config, train)? {
            let decisions = self.learn_decisions(config, &bundle, seed)?;
            let (featurizer, fold_rows) = Featurizer::fit(&bundle.params.features, &self.texts, &bundle.rows);
            let featurizer = Arc::new(featurizer);
            let x = fold_rows.matrix(&featurizer, &self.texts, &bundle.rows);
            let unseen = fold_rows.matrix(&featurizer, &self.texts, test);
            let regressions = fit_regressions(&x, &self.wanted(config, &bundle, &bundle.rows))?;
            for ((&t, decision), regression) in bundle.tasks.iter().zip(decisions).zip(regressions) {
                let spec = &self.tasks[t];
                let model = TaskModel {
                    spec: spec.clone(),
                    params: config.for_task(&spec.name).clone(),
                    featurizer: Arc::clone(&featurizer),
                    // Rounded here, not when written: a model from a file answers like the one that was fitted.
                    regression: regression.rounded_to_f32(),
                    decision,
                };
                columns[t] = (0..test.len()).map(|i| model.predict(&row_of(&unseen, i))).collect();
                models[t] = Some(model);
            }
        }
        let predictions = (0..test.len()).map(|i| columns.iter().map(|column| column[i].clone()).collect()).collect();
        Ok((Classifier { tasks: models.into_iter().flatten().collect() }, predictions))
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
                return Err(Error::data(format!("no labelled row for task `{}`", spec.name))
                    .hint("fill the task's column, or leave the task out"));
            }
            match bundles.iter_mut().find(|b| b.rows == rows && b.params.features == params.features) {
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
        let scored: Vec<Vec<(usize, Vec<Vec<Score>>)>> = stratified_group_folds(&items, k, seed, &BTreeMap::new())?
            .into_par_iter()
            .map(|fold| {
                let pick = |part: &[usize]| part.iter().map(|&j| bundle.rows[j]).collect::<Vec<_>>();
                let (train, test) = (pick(&fold.train), pick(&fold.test));
                let (featurizer, fold_rows) = Featurizer::fit(&bundle.params.features, &self.texts, &train);
                let x = fold_rows.matrix(&featurizer, &self.texts, &train);
                let unseen = fold_rows.matrix(&featurizer, &self.texts, &test);
                let regressions = fit_regressions(&x, &self.wanted(config, bundle, &train))?;
                Ok(fold
                    .test
                    .iter()
                    .enumerate()
                    .map(|(i, &j)| (j, regressions.iter().map(|r| r.scores(&row_of(&unseen, i))).collect()))
                    .collect())
            })
            .collect::<Result<_>>()?;
        let mut by_row: Vec<(usize, Vec<Vec<Score>>)> = scored.into_iter().flatten().collect();
        by_row.sort_unstable_by_key(|(j, _)| *j);
        Ok(bundle
            .tasks
            .iter()
            .zip(&settings)
            .enumerate()
            .map(|(at, (&t, params))| {
                let spec = &self.tasks[t];
                let scores: Vec<Vec<Score>> = by_row.iter().map(|(_, tasks)| tasks[at].clone()).collect();
                Decision::learn(spec.kind, spec.labels.len(), params, &scores, &self.gold(t, &bundle.rows))
            })
            .collect())
    }
}

/// How many inner folds leave every label that can be calibrated a positive group in each.
fn inner_folds(items: &[Item<'_>]) -> usize {
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    for stratum in items.iter().flat_map(|item| item.strata) {
        *rows.entry(*stratum).or_default() += 1;
    }
    let groups: std::collections::BTreeSet<&str> = items.iter().map(|item| item.group).collect();
    let enough = |stratum: &usize| rows[stratum] >= LEAST_ROWS;
    let held = groups_by_stratum(items).into_iter().filter(|(s, _)| enough(s)).map(|(_, held)| held);
    held.chain([groups.len(), INNER_FOLDS]).min().unwrap_or(0)
}

fn row_of(matrix: &SparseMatrix, i: usize) -> SparseRow {
    let (columns, values) = matrix.row(i);
    SparseRow::from_sorted(columns.iter().copied().zip(values.iter().copied()))
}

impl Classifier {
    pub(super) fn from_tasks(tasks: Vec<TaskModel>) -> Self {
        Classifier { tasks }
    }

    /// The models, in task order.
    pub fn tasks(&self) -> &[TaskModel] {
        &self.tasks
    }

    /// The configuration that the models were fitted with.
    pub fn config(&self) -> Config {
        Config::from_tasks(self.tasks.iter().map(|t| (t.spec.name.clone(), t.params.clone())))
    }

    /// Labels one text: one prediction a task, in task order.
    pub fn predict(&self, text: &str) -> Vec<Prediction> {
        let mut rows: Vec<(&Arc<Featurizer>, SparseRow)> = Vec::new();
        self.tasks
            .iter()
            .map(|task| {
                let known = rows.iter().position(|(featurizer, _)| Arc::ptr_eq(featurizer, &task.featurizer));
                let at = known.unwrap_or_else(|| {
                    rows.push((&task.featurizer, task.featurizer.row(text)));
                    rows.len() - 1
                });
                task.predict(&rows[at].1)
            })
            .collect()
    }
}
