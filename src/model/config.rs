//! The configuration file: features, classifier, and what single tasks do differently.

use crate::analysis::{AnalyzerParams, Stemmer, StopWords, Unit};
use crate::error::{Error, Result, toml_fault};
use crate::features::TfidfParams;
use crate::linear::{ClassWeight, LogisticParams, Solver};
use half::f16;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The shipped configuration.
const PRESS: &str = include_str!("../../models/press.toml");

/// The share of its norm at zero to which a solver brings the gradient: nearer, and answers stay the same.
const TOLERANCE: f64 = 1e-3;

/// The size of the prior where none is stated.
const NAIVE_BAYES: f64 = 1.0;

/// One block of features: how terms are made and weighed. Blocks stand side by side, each with rows of its own norm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlockParams {
    /// Whether the block stands at all: what one task leaves out of the blocks of all. A configuration that has been read
    /// holds only blocks that stand.
    #[serde(rename = "use", skip_serializing_if = "stands")]
    pub used: bool,
    /// Words or characters inside words.
    pub analyzer: Unit,
    /// The least and the greatest n of the n-grams.
    pub ngrams: [usize; 2],
    /// Whether words are stemmed.
    pub stem: bool,
    /// Which stemmer stems them; the lexicon keeps to its own.
    pub stemmer: Stemmer,
    /// How many letters of a word count, from its first; 0 for all of them.
    pub prefix: usize,
    /// Which words are left out.
    pub stop_words: StopWords,
    /// Whether a term that stands tf times counts 1 + ln tf.
    pub sublinear_tf: bool,
    /// The least number of training texts that must hold a term.
    pub min_df: usize,
    /// The greatest share of training texts that may hold a term.
    pub max_df: f64,
    /// The Euclidean norm of the block's rows: how much it counts beside the others.
    pub norm: f64,
}

impl BlockParams {
    /// Says which key is out of range, with what was found and what is allowed.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let [least, most] = self.ngrams;
        if least == 0 || least > most || most > 20 {
            let allowed = "1 <= least <= greatest <= 20";
            return Err(format!("ngrams out of range (found [{least}, {most}]; allowed: {allowed})"));
        }
        if !(self.max_df > 0.0 && self.max_df <= 1.0) {
            return Err(format!("max_df out of range (found {}; allowed: above 0, at most 1)", self.max_df));
        }
        if !(1e-6..=1e6).contains(&self.norm) {
            return Err(format!("norm out of range (found {}; allowed: 0.000001 to 1000000)", self.norm));
        }
        Ok(())
    }
}

impl Default for BlockParams {
    fn default() -> Self {
        BlockParams {
            used: true,
            analyzer: Unit::Word,
            ngrams: [1, 1],
            stem: true,
            stemmer: Stemmer::default(),
            prefix: 0,
            stop_words: StopWords::French,
            sublinear_tf: true,
            min_df: 1,
            max_df: 1.0,
            norm: 1.0,
        }
    }
}

fn stands(used: &bool) -> bool {
    *used
}

impl BlockParams {
    /// How text becomes terms.
    pub fn analyzer(&self) -> AnalyzerParams {
        AnalyzerParams {
            unit: self.analyzer,
            ngrams: self.ngrams,
            stemmer: self.stem.then_some(self.stemmer),
            prefix: (self.prefix > 0).then_some(self.prefix),
            stop_words: self.stop_words,
        }
    }

    /// How terms are weighed.
    pub fn tfidf(&self) -> TfidfParams {
        TfidfParams { sublinear_tf: self.sublinear_tf, min_df: self.min_df, max_df: self.max_df, norm: self.norm }
    }
}

/// How scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calibration {
    /// Platt's curve a label, or one temperature for the classes of a single-label task.
    Platt,
    /// Scores are read as log-odds.
    None,
}

/// Which probability is enough for a label of a multi-label task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"f1\" or a number between 0 and 1")]
pub enum Thresholds {
    /// For each label the one of the greatest expected F1.
    Learnt(LearntThresholds),
    /// The same for every label.
    Fixed(f64),
}

/// By what thresholds are learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LearntThresholds {
    /// Expected F1.
    F1,
}

/// The classifier and its decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifierParams {
    /// Who fits.
    pub solver: Solver,
    /// The inverse strength of regularisation.
    pub c: f64,
    /// How examples are weighed.
    pub class_weight: ClassWeight,
    /// The size of the naive Bayes weights that the classifier's are pulled towards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naive_bayes: Option<f64>,
    /// How scores become probabilities.
    pub calibration: Calibration,
    /// How probabilities become labels.
    pub thresholds: Thresholds,
    /// The share of the features that is left out: those that matter least to a first fit, before a second one. 0 for none,
    /// and one fit.
    pub prune: f64,
    /// How many bits a weight has, in a model file and in use.
    pub precision: Precision,
}

/// How exactly weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Precision {
    /// 16 bits: three decimal digits.
    Half,
    /// 32 bits: seven decimal digits.
    #[default]
    Single,
}

impl Precision {
    /// A number as it is kept; infinite if it is too great.
    pub(super) fn rounded(self, value: f32) -> f32 {
        match self {
            Precision::Half => f16::from_f32(value).to_f32(),
            Precision::Single => value,
        }
    }
}

impl TryFrom<u8> for Precision {
    type Error = String;

    fn try_from(bits: u8) -> std::result::Result<Self, String> {
        match bits {
            16 => Ok(Precision::Half),
            32 => Ok(Precision::Single),
            _ => Err(format!("precision out of range (found {bits}; allowed: 16 or 32)")),
        }
    }
}

impl From<Precision> for u8 {
    fn from(precision: Precision) -> u8 {
        match precision {
            Precision::Half => 16,
            Precision::Single => 32,
        }
    }
}

impl Default for ClassifierParams {
    fn default() -> Self {
        ClassifierParams {
            solver: Solver::Auto,
            c: 4.0,
            class_weight: ClassWeight::Balanced,
            naive_bayes: Some(NAIVE_BAYES),
            calibration: Calibration::Platt,
            thresholds: Thresholds::Learnt(LearntThresholds::F1),
            prune: 0.0,
            precision: Precision::Single,
        }
    }
}

impl ClassifierParams {
    /// The settings of the regression.
    pub fn logistic(&self) -> LogisticParams {
        LogisticParams {
            solver: self.solver,
            c: self.c,
            class_weight: self.class_weight,
            naive_bayes: self.naive_bayes.unwrap_or(0.0),
            tolerance: TOLERANCE,
        }
    }
}

/// Everything that is set for one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineParams {
    /// Blocks of features by name.
    pub features: BTreeMap<String, BlockParams>,
    /// The classifier.
    #[serde(default)]
    pub classifier: ClassifierParams,
}

/// A configuration: what holds for every task, and what holds for single ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    common: PipelineParams,
    tasks: BTreeMap<String, PipelineParams>,
}

impl Default for Config {
    /// The shipped configuration.
    fn default() -> Self {
        match Config::from_toml(PRESS) {
            Ok(config) => config,
            Err(e) => unreachable!("the shipped configuration is tested: {e}"),
        }
    }
}

impl Config {
    /// Reads a configuration file, by itself: what is shipped for single tasks does not hold in it. Without any
    /// `[features.NAME]` the shipped blocks are taken; with one, the blocks of the file alone. Absent keys of a block are
    /// those of [`BlockParams::default`], not those of a shipped block of the same name; absent keys of the classifier are
    /// those of [`ClassifierParams::default`], which are the shipped ones; with the `linfa` solver, which has neither class
    /// weights nor a prior, `class_weight = "none"` and `naive_bayes = 0`.
    ///
    /// # Errors
    ///
    /// Text that is not TOML, an unknown key (the message names the known ones), a value out of range, or what the solver does
    /// not carry.
    pub fn from_toml(text: &str) -> Result<Self> {
        let mut table: toml::Table = toml::from_str(text).map_err(|e| fault(text, &e))?;
        if let Some(key) = table.keys().find(|key| !["features", "classifier", "tasks"].contains(&key.as_str())) {
            let allowed = "allowed: `features`, `classifier`, `tasks`";
            return Err(Error::usage(format!("not a usable configuration: unknown field `{key}` ({allowed})")));
        }
        let tasks = match table.remove("tasks") {
            None => toml::Table::new(),
            Some(toml::Value::Table(tasks)) => tasks,
            Some(other) => {
                return Err(Error::usage(format!(
                    "`tasks` is not a table (found {other}; allowed: [tasks.NAME.classifier])"
                )));
            }
        };
        if !table.contains_key("features") {
            let shipped: toml::Table = toml::from_str(PRESS).map_err(|e| fault(PRESS, &e))?;
            table.extend(shipped.into_iter().filter(|(key, _)| key == "features"));
        }
        let common = checked(table.clone())?;
        common.classifier.logistic().check()?;
        let mut own = BTreeMap::new();
        for (name, overrides) in tasks {
            let there = |block: &String| table["features"].get(block).is_some();
            let left_out = overrides.get("features").and_then(toml::Value::as_table).into_iter().flatten();
            let left_out = left_out.filter(|(_, block)| block.get("use") == Some(&toml::Value::Boolean(false)));
            if let Some((block, _)) = left_out.into_iter().find(|(block, _)| !there(block)) {
                return Err(Error::usage(format!(
                    "tasks.{name}.features.{block}: there is no such block to leave out (found {})",
                    common.features.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
                )));
            }
            let mut merged = toml::Value::Table(table.clone());
            merge(&mut merged, overrides);
            let toml::Value::Table(merged) = merged else {
                return Err(Error::usage(format!(
                    "`tasks.{name}` is not a table (allowed: [tasks.{name}.classifier])"
                )));
            };
            let params = checked(merged).map_err(|e| Error::usage(format!("of task `{name}`: {}", e.message())))?;
            params.classifier.logistic().check()?;
            if params != common {
                own.insert(name, params);
            }
        }
        Ok(Config { common, tasks: own })
    }

    /// Makes a configuration of the settings of single tasks.
    pub fn from_tasks(tasks: impl IntoIterator<Item = (String, PipelineParams)>) -> Self {
        let mut tasks: BTreeMap<String, PipelineParams> = tasks.into_iter().collect();
        match tasks.values().next().cloned() {
            None => Config::default(),
            Some(common) => {
                tasks.retain(|_, params| *params != common);
                Config { common, tasks }
            }
        }
    }

    /// What holds for a task.
    pub fn for_task(&self, task: &str) -> &PipelineParams {
        self.tasks.get(task).unwrap_or(&self.common)
    }

    /// The tasks with settings of their own.
    pub fn own_tasks(&self) -> impl Iterator<Item = &str> {
        self.tasks.keys().map(String::as_str)
    }

    /// The configuration as a TOML file that reads back to the same.
    pub fn to_toml(&self) -> String {
        #[derive(Serialize)]
        struct File<'a> {
            features: &'a BTreeMap<String, BlockParams>,
            classifier: &'a ClassifierParams,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            tasks: BTreeMap<String, PipelineParams>,
        }
        let mut tasks = self.tasks.clone();
        for params in tasks.values_mut() {
            // A task has every common block that it does not say to be without.
            for (name, block) in &self.common.features {
                params.features.entry(name.clone()).or_insert_with(|| BlockParams { used: false, ..block.clone() });
            }
        }
        let file = File { features: &self.common.features, classifier: &self.common.classifier, tasks };
        toml::to_string(&file).unwrap_or_default()
    }
}

pub(super) fn merge(into: &mut toml::Value, from: toml::Value) {
    match (into, from) {
        (toml::Value::Table(into), toml::Value::Table(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(there) => merge(there, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (into, from) => *into = from,
    }
}

pub(super) fn fault(text: &str, error: &toml::de::Error) -> Error {
    let (what, line) = toml_fault(text, error);
    Error::usage(format!("not a usable configuration: {what}")).line(line)
}

pub(super) fn checked(mut table: toml::Table) -> Result<PipelineParams> {
    // What the linfa solver does not have is not asked of it unless somebody says so.
    if let Some(classifier) = table.get_mut("classifier").and_then(toml::Value::as_table_mut)
        && classifier.get("solver").and_then(toml::Value::as_str) == Some("linfa")
    {
        classifier.entry("class_weight").or_insert("none".into());
        classifier.entry("naive_bayes").or_insert(0.0.into());
    }
    let mut params: PipelineParams =
        toml::Value::Table(table).try_into().map_err(|e: toml::de::Error| fault("", &e))?;
    let wrong = |what: String| Err(Error::usage(what));
    params.features.retain(|_, block| block.used);
    if params.features.is_empty() {
        return wrong("no block of features (found none under [features]; at least one needed)".into());
    }
    for (name, block) in &params.features {
        block.check().map_err(|what| Error::usage(format!("features.{name}.{what}")))?;
    }
    params.classifier.naive_bayes.get_or_insert(NAIVE_BAYES);
    let classifier = &params.classifier;
    // Beyond these weights do not stay finite, and nobody means them.
    if let Some(size) = classifier.naive_bayes.filter(|size| !(0.0..=1e6).contains(size)) {
        return wrong(format!("classifier.naive_bayes out of range (found {size:?}; allowed: 0 to 1e6)"));
    }
    if !(classifier.c > 0.0 && classifier.c <= 1e12) {
        return wrong(format!("classifier.c out of range (found {:?}; allowed: above 0, at most 1e12)", classifier.c));
    }
    if !(0.0..1.0).contains(&classifier.prune) {
        return wrong(format!(
            "classifier.prune out of range (found {}; allowed: 0 or more, under 1)",
            classifier.prune
        ));
    }
    if let Thresholds::Fixed(t) = classifier.thresholds
        && !(t > 0.0 && t < 1.0)
    {
        return wrong(format!(
            "classifier.thresholds out of range (found {t}; allowed: \"f1\", or a number in (0, 1))"
        ));
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys_have_the_shipped_value() {
        let shipped = Config::default();
        let empty = Config::from_toml("").unwrap();
        assert_eq!(empty.for_task("any"), shipped.for_task("any"));
        // What is shipped for a single task is not: a setting for all tasks is one for all.
        assert_eq!(empty.for_task("tone"), shipped.for_task("any"));
        let weaker = Config::from_toml("[classifier]\nc = 0.5\n").unwrap();
        assert_eq!(weaker.for_task("any").features, shipped.for_task("any").features);
        assert_eq!(weaker.for_task("any").classifier.c, 0.5);
        assert_eq!(weaker.for_task("any").classifier.class_weight, ClassWeight::Balanced);
        assert_eq!(shipped.for_task("any").classifier, ClassifierParams::default());
        // A block of the file has nothing of the shipped block of its name, and stands without the others.
        let words = Config::from_toml("[features.words]\nngrams = [1, 2]\n").unwrap();
        let block = BlockParams { ngrams: [1, 2], ..BlockParams::default() };
        assert_eq!(words.for_task("any").features, BTreeMap::from([("words".to_string(), block)]));
    }

    #[test]
    fn a_task_overrides_single_keys() {
        let text = "[features.words]\nngrams = [1, 2]\n[tasks.tone.features.words]\nstem = false\n[tasks.tone.classifier]\nc = 3.0";
        let config = Config::from_toml(text).unwrap();
        let tone = config.for_task("tone");
        assert_eq!(
            (tone.features["words"].ngrams, tone.features["words"].stem, tone.classifier.c),
            ([1, 2], false, 3.0)
        );
        assert!(config.for_task("theme").features["words"].stem);
        assert_eq!(Config::from_toml(&config.to_toml()).unwrap(), config);
    }

    #[test]
    fn what_one_task_sets_is_no_others() {
        let text = "[tasks.a.features.words]\nstemmer = \"frostem\"\nprefix = 6\nmin_df = 2\n\
            [tasks.a.classifier]\nprune = 0.5\nprecision = 16\nsolver = \"linfa\"\nthresholds = 0.4\n";
        let config = Config::from_toml(text).unwrap();
        // The settings of the first task are written for all, and taken back for the second.
        let tasks = ["a", "b"].map(|name| (name.to_string(), config.for_task(name).clone()));
        let read = Config::from_toml(&Config::from_tasks(tasks).to_toml()).unwrap();
        for name in ["a", "b"] {
            assert_eq!(read.for_task(name), config.for_task(name));
        }
    }

    #[test]
    fn linfa_is_not_asked_for_what_it_lacks() {
        let of = |text: &str| Config::from_toml(text).unwrap().for_task("any").classifier.clone();
        let linfa = of("[classifier]\nsolver = \"linfa\"\n");
        assert_eq!((linfa.class_weight, linfa.naive_bayes), (ClassWeight::None, Some(0.0)));
        for said in ["class_weight = \"balanced\"", "naive_bayes = 1"] {
            let error = Config::from_toml(&format!("[classifier]\nsolver = \"linfa\"\n{said}\n")).unwrap_err();
            assert!(error.to_string().contains("the linfa solver has no"), "{said}: {error}");
        }
    }

    #[test]
    fn a_task_can_be_without_a_block_of_the_others() {
        let text = "[tasks.tone.features.characters]\nuse = false\n";
        let config = Config::from_toml(text).unwrap();
        assert_eq!(
            config.for_task("tone").features.keys().collect::<Vec<_>>(),
            ["fields", "prefixes", "valence", "words"]
        );
        assert_eq!(config.for_task("theme"), Config::default().for_task("theme"));
        assert_eq!(Config::from_toml(&config.to_toml()).unwrap(), config);
    }

    #[test]
    fn unknown_keys_and_bad_values_are_refused_with_what_is_allowed() {
        for (text, says) in [
            ("[clasifier]", "unknown field `clasifier` (allowed: `features`, `classifier`, `tasks`)"),
            ("[tasks.tone.classifier]\nc = 0", "of task `tone`: classifier.c out of range"),
            ("[classifier]\nd = 1", "expected one of `solver`, `c`, `class_weight`, `naive_bayes`"),
            ("[features.words]\nstems = true", "`stem`"),
            ("[tasks.tone]\nc = 1", "expected `features` or `classifier`"),
            ("[classifier]\nc = 0", "above 0"),
            ("[classifier]\nc = nan", "above 0"),
            ("[classifier]\nthresholds = 1.5", "(0, 1)"),
            ("[classifier]\nthresholds = \"f2\"", "\"f1\""),
            ("[classifier]\nsolver = \"newton\"", "`auto`, `linfa`, `sparse`"),
            ("[features.words]\nngrams = [2, 1]", "1 <= least"),
            ("[features.words]\nnorm = 0", "allowed: 0.000001 to 1000000"),
            ("[features.words]\nstemmer = \"porter\"", "expected `rust-stemmers` or `frostem`"),
            ("[features]", "at least one needed"),
            ("a = ", "not a usable configuration"),
        ] {
            let error = Config::from_toml(text).unwrap_err();
            assert!(error.to_string().contains(says), "{text:?} gave {error}");
        }
    }
}
