//! A search space: a configuration file in which a list holds the alternatives of a key.

use super::config::{PipelineParams, checked, merge};
use crate::error::{Error, Result, toml_fault};
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The built-in space.
const SPACE: &str = include_str!("../../models/space.toml");
/// More settings than this are refused: the best of so many is mostly the luckiest.
const MOST: usize = 1_000;
/// A random search gives up where so many draws a trial bring nothing that can be fitted.
const DRAWS_PER_TRIAL: u64 = 100;

/// The alternatives by the path of their key. The order of paths is the order of the space.
type Axes = BTreeMap<Vec<String>, Vec<toml::Value>>;

/// What may be set, key by key.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    common: Axes,
    tasks: BTreeMap<String, Axes>,
}

/// How settings are taken from a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// All of them.
    Grid,
    /// Some, drawn without replacement (Bergstra and Bengio 2012).
    Random {
        /// How many.
        trials: usize,
        /// The seed of the draw.
        seed: u64,
    },
}

/// One point of a space.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The settings of a task.
    pub params: PipelineParams,
    /// What of them varies in the space, by the key's path; null where the key's block is left out.
    pub values: IndexMap<String, serde_json::Value>,
}

/// The settings to try for one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    /// In the order of the space: by the keys' paths, the last key moving fastest, values as listed; each once.
    pub settings: Vec<Setting>,
    /// How many were passed over because nothing can be fitted with them: no block is left, or the `linfa` solver was to
    /// carry class weights or a prior.
    pub passed_over: usize,
}

impl Default for Space {
    /// The built-in space.
    fn default() -> Self {
        match Space::from_toml(SPACE) {
            Ok(space) => space,
            Err(e) => unreachable!("the built-in space is tested: {e}"),
        }
    }
}

impl Space {
    /// Reads a space. A value that the configuration would take is the only value of its key; otherwise it is a list of
    /// such values. `[tasks.NAME]` replaces alternatives for one task.
    ///
    /// # Errors
    ///
    /// Text that is not TOML, an unknown key (the message names the known ones), a value that its key does not take.
    pub fn from_toml(text: &str) -> Result<Self> {
        let mut table: toml::Table = toml::from_str(text).map_err(|e| {
            let (what, line) = toml_fault(text, &e);
            Error::usage(format!("not a usable search space: {what}")).line(line)
        })?;
        let mut tasks = BTreeMap::new();
        for (name, own) in match table.remove("tasks") {
            None => toml::Table::new(),
            Some(toml::Value::Table(tasks)) => tasks,
            Some(other) => return Err(not_a_table("tasks", &other)),
        } {
            let toml::Value::Table(own) = own else { return Err(not_a_table(&format!("tasks.{name}"), &own)) };
            let above = format!("tasks.{name}.");
            tasks.insert(name, axes(own, &above)?);
        }
        Ok(Space { common: axes(table, "")?, tasks })
    }

    /// The tasks with alternatives of their own.
    pub fn own_tasks(&self) -> impl Iterator<Item = &str> {
        self.tasks.keys().map(String::as_str)
    }

    /// The settings to try for a task; keys that the space does not name keep the value that they have in `base`.
    ///
    /// # Errors
    ///
    /// Too many settings, none that can be fitted, or a value out of its key's range.
    pub fn candidates(&self, task: &str, base: &PipelineParams, search: Search) -> Result<Candidates> {
        let mut axes = self.common.clone();
        axes.extend(self.tasks.get(task).cloned().unwrap_or_default());
        let sizes = axes.values().map(|values| values.len() as u64);
        let total = sizes.clone().try_fold(1, u64::checked_mul).unwrap_or(u64::MAX);
        let (order, wanted): (Box<dyn Iterator<Item = u64>>, usize) = match search {
            Search::Grid if total > MOST as u64 => {
                let sizes: Vec<String> = sizes.map(|n| n.to_string()).collect();
                return Err(Error::usage(format!(
                    "too many settings for task `{task}` (found {}; at most {MOST})",
                    sizes.join(" x ")
                ))
                .hint("list fewer values, or draw some of them with --search random --trials 50"));
            }
            Search::Grid => (Box::new(0..total), MOST),
            Search::Random { trials, .. } if trials == 0 || trials > MOST => {
                return Err(Error::usage(format!(
                    "number of trials out of range (found {trials}; allowed: 1 to {MOST})"
                )));
            }
            Search::Random { trials, seed } => {
                let most = total.min(DRAWS_PER_TRIAL * trials as u64);
                (Box::new(shuffled(total, seed).take(usize::try_from(most).unwrap_or(usize::MAX))), trials)
            }
        };
        let base = toml::Value::try_from(base).map_err(|e| Error::usage(format!("not a usable configuration: {e}")))?;
        let mut found: BTreeMap<u64, Setting> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut passed_over = 0;
        for at in order {
            match setting(&axes, &base, at)? {
                None => passed_over += 1,
                // Two points are one setting where they differ in a block that both leave out.
                Some(setting) => {
                    if seen.insert(serde_json::to_string(&setting.params).unwrap_or_default()) {
                        found.insert(at, setting);
                    }
                }
            }
            if found.len() == wanted {
                break;
            }
        }
        if found.is_empty() {
            return Err(Error::usage(format!("no setting of the space can be fitted for task `{task}`"))
                .hint("leave a block in; the linfa solver takes class_weight = \"none\" and naive_bayes = 0 only"));
        }
        Ok(Candidates { settings: found.into_values().collect(), passed_over })
    }
}

fn not_a_table(path: &str, found: &toml::Value) -> Error {
    Error::usage(format!("`{path}` is not a table (found {found}; allowed: [tasks.NAME.classifier])"))
}

/// The alternatives of every key of a table, whose path is printed after `above`.
fn axes(table: toml::Table, above: &str) -> Result<Axes> {
    let mut axes = Axes::new();
    let mut left: Vec<(Vec<String>, toml::Value)> = table.into_iter().map(|(key, value)| (vec![key], value)).collect();
    while let Some((path, value)) = left.pop() {
        match value {
            // A table without keys is a block with nothing but defaults.
            toml::Value::Table(table) if !table.is_empty() => {
                left.extend(table.into_iter().map(|(key, value)| ([path.as_slice(), &[key]].concat(), value)));
            }
            value => {
                let values = alternatives(&path, value)
                    .map_err(|what| Error::usage(format!("{above}{}: {what}", path.join("."))))?;
                axes.insert(path, values);
            }
        }
    }
    Ok(axes)
}

fn alternatives(path: &[String], value: toml::Value) -> std::result::Result<Vec<toml::Value>, String> {
    let fault = |e: toml::de::Error| e.message().to_string();
    match (takes(path, &value), value) {
        (Ok(()), value) => Ok(vec![value]),
        (Err(_), toml::Value::Array(values)) if values.is_empty() => {
            Err("an empty list (at least one value needed)".into())
        }
        (Err(_), toml::Value::Array(values)) => {
            values.iter().try_for_each(|value| takes(path, value)).map_err(fault)?;
            Ok(values)
        }
        (Err(e), _) => Err(fault(e)),
    }
}

/// Whether a configuration takes this value at this place.
fn takes(path: &[String], value: &toml::Value) -> std::result::Result<(), toml::de::Error> {
    let mut alone = toml::Value::Table([("features".to_string(), toml::Table::new().into())].into_iter().collect());
    merge(&mut alone, nested(path, value.clone()));
    alone.try_into::<PipelineParams>().map(|_| ())
}

fn nested(path: &[String], value: toml::Value) -> toml::Value {
    path.iter().rev().fold(value, |value, key| toml::Value::Table([(key.clone(), value)].into_iter().collect()))
}

/// The setting at a place of the grid, unless nothing can be fitted with it.
fn setting(axes: &Axes, base: &toml::Value, at: u64) -> Result<Option<Setting>> {
    let mut table = base.clone();
    let mut rest = at;
    for (path, values) in axes.iter().rev() {
        let n = values.len() as u64;
        merge(&mut table, nested(path, values[(rest % n) as usize].clone()));
        rest /= n;
    }
    let blocks = table.get("features").and_then(toml::Value::as_table);
    let out = |block: &toml::Value| block.get("use") == Some(&toml::Value::Boolean(false));
    if blocks.is_some_and(|blocks| blocks.values().all(out)) {
        return Ok(None);
    }
    let toml::Value::Table(table) = table else { return Ok(None) };
    let listed = serde_json::to_value(&table).unwrap_or_default();
    let params = checked(table)?;
    if params.classifier.logistic().check().is_err() {
        return Ok(None);
    }
    // Read back from the settings, so that 1 and 1.0 look alike; a default that they leave unsaid, as it is listed.
    let said = serde_json::to_value(&params).unwrap_or_default();
    let find = |json: &Value, path: &[String]| path.iter().try_fold(json, |json, key| json.get(key)).cloned();
    let read = |path: &[String]| match path {
        [features, block, key] if features == "features" && key == "use" => params.features.contains_key(block).into(),
        [features, block, ..] if features == "features" && !params.features.contains_key(block) => Value::Null,
        path => find(&said, path).or_else(|| find(&listed, path)).unwrap_or_default(),
    };
    let varying = axes.iter().filter(|(_, values)| values.len() > 1);
    let values = varying.map(|(path, _)| (path.join("."), read(path))).collect();
    Ok(Some(Setting { params, values }))
}

/// The numbers below `total` in a random order: a Fisher-Yates shuffle that remembers only what it has moved.
fn shuffled(total: u64, seed: u64) -> impl Iterator<Item = u64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut moved: HashMap<u64, u64> = HashMap::new();
    (0..total).map(move |i| {
        let j = random.u64(i..total);
        let (here, there) = (moved.get(&i).copied().unwrap_or(i), moved.get(&j).copied().unwrap_or(j));
        moved.insert(j, here);
        there
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Stemmer;
    use crate::model::Config;
    use serde_json::json;

    fn candidates(space: &str, search: Search) -> Result<Candidates> {
        Space::from_toml(space)?.candidates("t", Config::default().for_task("t"), search)
    }

    fn values(candidates: &Candidates) -> Vec<Vec<serde_json::Value>> {
        candidates.settings.iter().map(|s| s.values.values().cloned().collect()).collect()
    }

    #[test]
    fn a_grid_is_every_combination_in_the_order_of_the_space() {
        let space = "[features.words]\nngrams = [[1, 1], [1, 2]]\nstem = false\n[classifier]\nc = [10, 3.0]\n";
        let found = candidates(space, Search::Grid).unwrap();
        assert_eq!(found.settings[0].values.keys().collect::<Vec<_>>(), ["classifier.c", "features.words.ngrams"]);
        let expected = [
            [json!(10.0), json!([1, 1])],
            [json!(10.0), json!([1, 2])],
            [json!(3.0), json!([1, 1])],
            [json!(3.0), json!([1, 2])],
        ];
        assert_eq!(values(&found), expected);
        let last = &found.settings[3].params;
        assert_eq!((last.classifier.c, last.features["words"].ngrams), (3.0, [1, 2]));
        assert!(!last.features["words"].stem && last.features["characters"].ngrams == [3, 5]);
    }

    #[test]
    fn a_block_can_be_left_out_and_a_list_can_be_one_value() {
        let space = "[features.characters]\nuse = [true, false]\nngrams = [4, 6]\nmin_df = [1, 2]\n";
        let found = candidates(space, Search::Grid).unwrap();
        // Without the block its least document frequency says nothing: one setting, not two.
        assert_eq!(values(&found), [[json!(1), json!(true)], [json!(null), json!(false)], [json!(2), json!(true)]]);
        assert_eq!(found.settings[0].params.features["characters"].ngrams, [4, 6]);
        assert!(!found.settings[1].params.features.contains_key("characters"));
    }

    #[test]
    fn a_default_is_shown_as_listed() {
        let space =
            "[features.words]\nstemmer = [\"rust-stemmers\", \"frostem\"]\n[classifier]\nprecision = [16, 32]\n";
        let found = candidates(space, Search::Grid).unwrap();
        let expected = [(16, "rust-stemmers"), (16, "frostem"), (32, "rust-stemmers"), (32, "frostem")];
        assert_eq!(values(&found), expected.map(|(bits, stemmer)| [json!(bits), json!(stemmer)]));
        assert_eq!(found.settings[3].params.features["words"].stemmer, Stemmer::Frostem);
    }

    #[test]
    fn what_cannot_be_fitted_is_passed_over() {
        let space = "[classifier]\nsolver = [\"sparse\", \"linfa\"]\nnaive_bayes = [0, 1]\nclass_weight = [\"none\", \"balanced\"]\n";
        let found = candidates(space, Search::Grid).unwrap();
        assert_eq!((found.settings.len(), found.passed_over), (5, 3));
        let none = "[features.words]\nuse = [true, false]\n[features.characters]\nuse = [true, false]
[features.prefixes]\nuse = false\n[features.fields]\nuse = false\n[features.valence]\nuse = false\n";
        assert_eq!(candidates(none, Search::Grid).unwrap().settings.len(), 3);
    }

    #[test]
    fn a_task_has_alternatives_of_its_own() {
        let space = "[classifier]\nc = [1, 2, 3]\n[tasks.t.classifier]\nc = [4, 5]\n";
        assert_eq!(values(&candidates(space, Search::Grid).unwrap()), [[json!(4.0)], [json!(5.0)]]);
    }

    #[test]
    fn a_random_search_draws_each_setting_once_by_its_seed() {
        let c: Vec<String> = (1..=500).map(|c| c.to_string()).collect();
        let space = format!("[classifier]\nc = [{}]\nnaive_bayes = [{}]\n", c.join(","), c.join(","));
        let draw = |trials, seed| values(&candidates(&space, Search::Random { trials, seed }).unwrap());
        let drawn = draw(40, 1);
        assert_eq!((drawn.len(), &drawn), (40, &draw(40, 1)));
        assert_ne!(drawn, draw(40, 2));
        let numbers = |row: &Vec<serde_json::Value>| (row[0].as_f64().unwrap() as u64, row[1].as_f64().unwrap() as u64);
        assert!(drawn.windows(2).all(|pair| numbers(&pair[0]) < numbers(&pair[1])), "in the order of the space");
        let all = "[classifier]\nc = [1, 2, 3]\n";
        let random = Search::Random { trials: 50, seed: 0 };
        assert_eq!(candidates(all, random).unwrap(), candidates(all, Search::Grid).unwrap());
        assert!(candidates(&space, Search::Grid).unwrap_err().to_string().contains("found 500 x 500; at most 1000"));
    }

    #[test]
    fn wrong_spaces_are_refused_with_their_place() {
        for (text, says) in [
            ("[classifier]\nd = [1, 2]", "classifier.d: unknown field `d`, expected one of `solver`, `c`"),
            ("[features.words]\nstems = [true]", "features.words.stems: unknown field `stems`, expected one of `use`"),
            ("[classifiers]\nc = 1", "classifiers.c: unknown field `classifiers`"),
            ("[tasks.tone.classifier]\nd = 1", "tasks.tone.classifier.d: unknown field"),
            ("[classifier]\nc = []", "classifier.c: an empty list"),
            ("[classifier]\nc = [1, \"2\"]", "classifier.c: invalid type: string \"2\""),
            ("[classifier]\nc = [1, -2]", "classifier.c out of range (found -2"),
            ("[features.words]\nngrams = [[1, 1], [2, 1]]", "features.words.ngrams out of range (found [2, 1]"),
            ("tasks = 1", "`tasks` is not a table"),
            ("c = ", "not a usable search space"),
        ] {
            let error = candidates(text, Search::Grid).unwrap_err();
            assert!(error.to_string().contains(says), "{text:?} gave {error}");
        }
    }

    #[test]
    fn the_built_in_space_surrounds_the_shipped_settings() {
        let shipped = Config::default();
        let found = Space::default().candidates("t", shipped.for_task("t"), Search::Grid).unwrap();
        assert_eq!((found.settings.len(), found.passed_over), (12, 0));
        assert!(found.settings.iter().any(|s| s.params == *shipped.for_task("t")));
        assert!(Space::default().own_tasks().next().is_none());
    }
}
