//! From labelled paragraphs to a model.
//!
//! In: a data set and a configuration. Out: a training set to fit parts of, or a model of all of it. It must not know how good
//! a model is.

use crate::dataset::{Dataset, Example, joined_groups};
use crate::error::{Error, Result};
use crate::model::{AnalyzedTexts, Config, ModelFile, PipelineParams, Provenance, TrainingSet};
use crate::task::{LabelId, TaskKind, TaskSpec};

/// Fits every task on the examples of a data set; `seed` deals the inner folds of calibration.
///
/// # Errors
///
/// A label that no example carries, or every one; a task without a feature; and those of [`TrainingSet::fit`].
pub fn train(dataset: &Dataset, config: &Config, seed: u64) -> Result<ModelFile> {
    let examples = &dataset.examples;
    refuse_empty_labels(dataset)?;
    let rows: Vec<usize> = (0..examples.len()).collect();
    let classifier = training_set(&dataset.tasks, examples, config).fit(config, &rows, seed)?;
    for task in classifier.tasks() {
        let name = &task.spec().name;
        if task.featurizer().width() == 0 {
            return Err(Error::data(format!(
                "task `{name}` has no feature to learn from (found 0; at least 1 needed)"
            ))
            .hint("lower min_df, raise max_df, add a block, or name the column of the texts with --text"));
        }
    }
    let provenance = Provenance {
        data_sha256: dataset.sha256(examples),
        paragraphs: examples.len(),
        groups: Dataset::groups(examples),
        seed,
        label_sets: dataset.label_sets(examples),
        report: None,
        adaptation: None,
    };
    Ok(ModelFile { classifier, provenance })
}

fn refuse_empty_labels(dataset: &Dataset) -> Result<()> {
    for (t, spec) in dataset.tasks.iter().enumerate() {
        let labelled: Vec<_> = dataset.examples.iter().filter_map(|e| e.gold[t].as_ref()).collect();
        // Without any the fit says more.
        for (k, label) in spec.labels.iter().enumerate().filter(|_| !labelled.is_empty()) {
            let carry = labelled.iter().filter(|set| set.contains(LabelId(k))).count();
            if carry == 0 {
                return Err(Error::data(format!(
                    "label `{label}` of task `{}` has no example (found 0 of {} paragraphs; at least 1 needed)",
                    spec.name,
                    labelled.len()
                ))
                .hint(
                    "label a paragraph with it that is neither a single reading nor a row with `split` = `test`, or list \
                     the labels without it in a tasks.toml",
                ));
            }
            if spec.kind == TaskKind::Multi && carry == labelled.len() {
                return Err(Error::data(format!(
                    "every paragraph carries label `{label}` of task `{}` (at least 1 without it needed)",
                    spec.name
                ))
                .hint("add paragraphs to which it does not apply"));
            }
        }
    }
    Ok(())
}

/// A data set made ready for fitting under a configuration; groups that share near duplicates count as one.
pub fn training_set<'a>(tasks: &'a [TaskSpec], examples: &'a [Example], config: &Config) -> TrainingSet<'a> {
    analyzed_set(tasks, examples, tasks.iter().map(|t| config.for_task(&t.name)))
}

/// A data set made ready for fitting any of these pipelines.
pub(crate) fn analyzed_set<'a, 'p>(
    tasks: &'a [TaskSpec],
    examples: &'a [Example],
    pipelines: impl Iterator<Item = &'p PipelineParams>,
) -> TrainingSet<'a> {
    let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    TrainingSet {
        tasks,
        groups: joined_groups(examples),
        gold: examples.iter().map(|e| e.gold.as_slice()).collect(),
        texts: AnalyzedTexts::new(&texts, pipelines),
    }
}
