//! The model file: safetensors, with everything that is not a number in one JSON string.
//!
//! Layout, format 1: metadata key `rubrique` holds [`Header`] as JSON; for featurizer `i` and block `name`,
//! `features.i.name.terms` (bytes: the terms by column, each ended by a line feed) and `features.i.name.idf` (f64); for
//! each task `task.name.weights` (f32, or f16 where its settings say so; columns × outputs) and `task.name.intercepts` (f32).

use super::adaptation::Adaptation;
use super::classifier::Classifier;
use super::config::{BlockParams, PipelineParams, Precision};
use super::decision::Decision;
use super::featurizer::Featurizer;
use super::task_model::TaskModel;
use crate::analysis::{ANALYZER_VERSION, Stemmer};
use crate::digest::digits;
use crate::error::{Error, Result};
use crate::features::{TfidfVectorizer, Vocabulary};
use crate::linear::LogisticRegression;
use crate::task::TaskSpec;
use crate::text::CLEANER_VERSION;
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// The format that this program writes, and the only one it reads.
pub const FORMAT: u32 = 1;

const METADATA_KEY: &str = "rubrique";

/// At addresses of which eight is a divisor, so that its numbers can be used where they stand.
#[repr(C, align(8))]
struct Aligned<B: ?Sized>(B);

static PRESS: &Aligned<[u8]> = &Aligned(*include_bytes!("../../models/press.safetensors"));

/// Says of some bytes that they last as long as the program.
type Lasting<'a> = fn(&'a [u8]) -> &'static [u8];

/// What a model was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The hash of the labelled data, as a report states it.
    pub data_sha256: String,
    /// The number of labelled paragraphs fitted on.
    pub paragraphs: usize,
    /// The number of articles they come from.
    pub groups: usize,
    /// The seed of the inner folds.
    pub seed: u64,
    /// How often each set of labels was given, by task and by its names joined by `|`.
    #[serde(default)]
    pub label_sets: BTreeMap<String, BTreeMap<String, usize>>,
    /// The evaluation of the same configuration on the same data, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportSummary>,
    /// The class mix that the decisions were moved to, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<Adaptation>,
}

impl Provenance {
    /// Each paragraph was given one set of labels at most, so that sums of these counts stay in range.
    fn check(&self) -> Result<()> {
        for (task, counts) in &self.label_sets {
            let sum = counts.values().try_fold(0, |sum: usize, &count| sum.checked_add(count));
            if sum.is_none_or(|sum| sum > self.paragraphs) {
                let allowed = self.paragraphs;
                return Err(damaged(&format!("label_sets of task `{task}`: more than its {allowed} paragraphs")));
            }
        }
        Ok(())
    }
}

/// The figures of an evaluation that a model carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportSummary {
    /// The hash of the report as JSON.
    pub sha256: String,
    /// By task and metric: mean, low and high.
    pub figures: BTreeMap<String, BTreeMap<String, [Option<f64>; 3]>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    cleaner: u32,
    analyzer: u32,
    stemmer: String,
    provenance: Provenance,
    featurizers: Vec<BTreeMap<String, BlockParams>>,
    tasks: Vec<TaskHeader>,
    /// The hash of this header without it and of all numbers and terms; models of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskHeader {
    spec: TaskSpec,
    params: PipelineParams,
    featurizer: usize,
    decision: Decision,
}

/// A classifier and what it was made from.
pub struct ModelFile {
    /// The fitted models.
    pub classifier: Classifier,
    /// What they were made from.
    pub provenance: Provenance,
}

impl ModelFile {
    /// The model built into the program, fitted on `labels/` with `models/press.toml`.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::from_bytes`]; a test sees to it that there are none.
    pub fn built_in() -> Result<Self> {
        Self::read(&PRESS.0, Some(|bytes| bytes))
    }

    /// The stemmers that its blocks ask, by name and version.
    pub fn stemmers(&self) -> String {
        let blocks = self.classifier.tasks().iter().flat_map(|task| task.featurizer.blocks());
        stemmers(blocks.map(|(_, params, _)| params))
    }

    /// The bytes of the file; the same model gives the same bytes.
    ///
    /// # Errors
    ///
    /// A model that the container cannot hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut featurizers: Vec<&Arc<Featurizer>> = Vec::new();
        let mut tasks = Vec::new();
        for task in self.classifier.tasks() {
            let known = featurizers.iter().position(|f| Arc::ptr_eq(f, &task.featurizer));
            let featurizer = known.unwrap_or_else(|| {
                featurizers.push(&task.featurizer);
                featurizers.len() - 1
            });
            let (outputs, width) = (task.regression.outputs(), task.featurizer.width());
            let name = &task.spec.name;
            let weights = task.regression.weights();
            let (dtype, weights) = match task.params.classifier.precision {
                Precision::Half => (Dtype::F16, weights.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect()),
                Precision::Single => (Dtype::F32, weights.iter().flat_map(|v| v.to_le_bytes()).collect()),
            };
            tensors.push((format!("task.{name}.weights"), dtype, vec![width, outputs], weights));
            let intercepts = task.regression.intercepts().iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
            tensors.push((format!("task.{name}.intercepts"), Dtype::F32, vec![outputs], intercepts));
            tasks.push(TaskHeader {
                spec: task.spec.clone(),
                params: task.params.clone(),
                featurizer,
                decision: task.decision.clone(),
            });
        }
        for (i, featurizer) in featurizers.iter().enumerate() {
            for (name, _, vectorizer) in featurizer.blocks() {
                let terms = vectorizer.vocabulary().lines().as_bytes().to_vec();
                tensors.push((format!("features.{i}.{name}.terms"), Dtype::U8, vec![terms.len()], terms));
                let idf: Vec<u8> = vectorizer.idf().flat_map(f64::to_le_bytes).collect();
                tensors.push((format!("features.{i}.{name}.idf"), Dtype::F64, vec![vectorizer.idf().len()], idf));
            }
        }
        let mut header = Header {
            format: FORMAT,
            cleaner: CLEANER_VERSION,
            analyzer: ANALYZER_VERSION,
            stemmer: self.stemmers(),
            provenance: self.provenance.clone(),
            featurizers: featurizers
                .iter()
                .map(|f| f.blocks().map(|(name, params, _)| (name.to_string(), params.clone())).collect())
                .collect(),
            tasks,
            sha256: Some(String::new()),
        };
        let fault = |e: &dyn std::fmt::Display| Error::artifact(format!("the model cannot be written: {e}"));
        let unsigned = serde_json::to_string(&header).map_err(|e| fault(&e))?;
        let parts = tensors.iter().map(|(name, .., bytes)| (name.as_str(), bytes.as_slice()));
        header.sha256 = Some(sha256(&unsigned, parts.collect()));
        let header = serde_json::to_string(&header).map_err(|e| fault(&e))?;
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|e| fault(&e))?;
        // One metadata key only: the container keeps several in no fixed order.
        let metadata = HashMap::from([(METADATA_KEY.to_string(), header)]);
        safetensors::serialize(views, Some(metadata)).map_err(|e| fault(&e))
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// A place that cannot be written to.
    pub fn save(&self, path: &Path) -> Result<()> {
        crate::store::write(path, &self.to_bytes()?)
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or as [`ModelFile::from_bytes`].
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| {
            Error::artifact(format!("the model cannot be read: {e}"))
                .at(path)
                .hint("make one with `rubrique train LABELS --output MODEL`, or leave --model out")
        })?;
        Self::from_bytes(&bytes).map_err(|e| e.at(path))
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// Bytes that are damaged, of another format or of another version of cleaning, analysis or stemming.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes, None)
    }

    fn read<'a>(bytes: &'a [u8], lasting: Option<Lasting<'a>>) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| damaged(&format!("not a safetensors file: {e}")))?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e.to_string()))?;
        let json = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(METADATA_KEY))
            .ok_or_else(|| damaged("a safetensors file, but no rubrique model"))?;
        let header = read_header(json)?;
        // What was compiled in is not damaged.
        if let Some(stated) = header.sha256.as_ref().filter(|_| lasting.is_none()) {
            let parts = tensors.iter().map(|(name, tensor)| (name, tensor.data())).collect();
            if sha256(&json.replace(stated, ""), parts) != *stated {
                return Err(damaged("its contents are not those that it was written with"));
            }
        }
        let stored = Stored { tensors, lasting };
        let featurizers: Vec<Arc<Featurizer>> = header
            .featurizers
            .into_iter()
            .enumerate()
            .map(|(i, blocks)| Ok(Arc::new(stored.featurizer(i, blocks)?)))
            .collect::<Result<_>>()?;
        let tasks = header
            .tasks
            .into_iter()
            .map(|task| {
                let featurizer = featurizers
                    .get(task.featurizer)
                    .ok_or_else(|| damaged(&format!("task `{}` names no featurizer", task.spec.name)))?;
                stored.task(task, Arc::clone(featurizer))
            })
            .collect::<Result<Vec<_>>>()?;
        if tasks.is_empty() {
            return Err(damaged("a model without tasks"));
        }
        let names: BTreeSet<&str> = tasks.iter().map(|task| task.spec.name.as_str()).collect();
        if names.len() < tasks.len() {
            return Err(damaged("two tasks of one name"));
        }
        header.provenance.check()?;
        Ok(ModelFile { classifier: Classifier::from_tasks(tasks), provenance: header.provenance })
    }
}

/// The hash of a header and of named bytes, sorted by name.
fn sha256(header: &str, mut parts: Vec<(&str, &[u8])>) -> String {
    parts.sort_unstable();
    let mut hash = Sha256::new_with_prefix(header);
    for (name, bytes) in parts {
        hash.update(format!("\n{name} {}\n", bytes.len()));
        hash.update(bytes);
    }
    digits(hash)
}

fn damaged(what: &str) -> Error {
    Error::artifact(format!("not a usable model ({what})")).hint("train it again with `rubrique train`")
}

fn read_header(json: &str) -> Result<Header> {
    let versions: serde_json::Value = serde_json::from_str(json).map_err(|e| damaged(&e.to_string()))?;
    for (key, known) in [
        ("format", u64::from(FORMAT)),
        ("cleaner", u64::from(CLEANER_VERSION)),
        ("analyzer", u64::from(ANALYZER_VERSION)),
    ] {
        let found = &versions[key];
        if found.as_u64() != Some(known) {
            return Err(damaged(&format!("{key} version: found {found}; this program knows {known}")));
        }
    }
    let header: Header = serde_json::from_str(json).map_err(|e| damaged(&e.to_string()))?;
    let (found, known) = (&header.stemmer, stemmers(header.featurizers.iter().flat_map(BTreeMap::values)));
    if *found != known {
        return Err(damaged(&format!("stemmer: found \"{found}\"; this program knows \"{known}\"")));
    }
    Ok(header)
}

/// Which stemmers blocks ask, with their versions; the default stands also where none is asked.
fn stemmers<'a>(blocks: impl Iterator<Item = &'a BlockParams>) -> String {
    let mut asked: BTreeSet<Stemmer> = blocks.filter_map(|block| block.analyzer().asks()).collect();
    if asked.is_empty() {
        asked.insert(Stemmer::default());
    }
    let asked: Vec<&str> = asked.into_iter().map(Stemmer::version).collect();
    format!("french ({})", asked.join(", "))
}

/// Bytes as the numbers that they are on this machine, if they stand where such numbers may.
fn in_place<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Option<&[T]> {
    bytemuck::try_cast_slice(bytes).ok().filter(|_| cfg!(target_endian = "little"))
}

struct Stored<'a> {
    tensors: SafeTensors<'a>,
    /// Where the bytes last, they are not copied.
    lasting: Option<Lasting<'a>>,
}

impl<'a> Stored<'a> {
    fn bytes(&self, name: &str, dtype: Dtype) -> Result<&'a [u8]> {
        let tensor = self.tensors.tensor(name).map_err(|_| damaged(&format!("no tensor `{name}`")))?;
        if tensor.dtype() != dtype {
            return Err(damaged(&format!("tensor `{name}`: found {:?}; expected {dtype:?}", tensor.dtype())));
        }
        Ok(tensor.data())
    }

    fn f16s(&self, name: &str) -> Result<Vec<f32>> {
        let bytes = self.bytes(name, Dtype::F16)?;
        Ok(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect())
    }

    fn f32s(&self, name: &str) -> Result<Cow<'static, [f32]>> {
        let bytes = self.bytes(name, Dtype::F32)?;
        let there = self.lasting.and_then(|lasting| in_place(lasting(bytes)));
        Ok(there.map_or_else(|| bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(), Cow::Borrowed))
    }

    fn f64s(&self, name: &str) -> Result<Cow<'a, [f64]>> {
        let bytes = self.bytes(name, Dtype::F64)?;
        let copied = || bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
        Ok(in_place(bytes).map_or_else(copied, Cow::Borrowed))
    }

    fn featurizer(&self, i: usize, blocks: BTreeMap<String, BlockParams>) -> Result<Featurizer> {
        let blocks = blocks
            .into_iter()
            .map(|(name, params)| {
                params.check().map_err(|what| damaged(&format!("block `{name}`: {what}")))?;
                let terms = self.bytes(&format!("features.{i}.{name}.terms"), Dtype::U8)?;
                let terms = match self.lasting {
                    Some(lasting) => std::str::from_utf8(lasting(terms)).map(Cow::Borrowed),
                    None => std::str::from_utf8(terms).map(|terms| Cow::Owned(terms.to_string())),
                };
                let terms = terms.map_err(|_| damaged("terms that are not UTF-8"))?;
                let vocabulary = Vocabulary::from_lines(terms).ok_or_else(|| damaged("terms that are not distinct"))?;
                let idf = self.f64s(&format!("features.{i}.{name}.idf"))?;
                let vectorizer = TfidfVectorizer::from_parts(vocabulary, &idf, &params.tfidf())
                    .ok_or_else(|| damaged(&format!("block `{name}`: terms and idf do not match")))?;
                Ok((name, params, vectorizer))
            })
            .collect::<Result<_>>()?;
        Ok(Featurizer::assemble(blocks))
    }

    fn task(&self, task: TaskHeader, featurizer: Arc<Featurizer>) -> Result<TaskModel> {
        let TaskHeader { spec, params, decision, .. } = task;
        let name = &spec.name;
        let bad = |what: &str| damaged(&format!("task `{name}`: {what}"));
        spec.check().map_err(|e| bad(e.message()))?;
        let weights = format!("task.{name}.weights");
        let weights = match params.classifier.precision {
            Precision::Half => self.f16s(&weights)?.into(),
            Precision::Single => self.f32s(&weights)?,
        };
        let intercepts: Vec<f64> = self.f32s(&format!("task.{name}.intercepts"))?.iter().map(|&v| v.into()).collect();
        if intercepts.len() != spec.labels.len() || weights.len() != featurizer.width() * spec.labels.len() {
            return Err(bad("weights do not match labels and features"));
        }
        let regression =
            LogisticRegression::from_parts(weights, intercepts).ok_or_else(|| bad("weights that are not finite"))?;
        if !decision.fits(spec.kind, spec.labels.len()) {
            return Err(bad("its decision does not match its kind and labels"));
        }
        Ok(TaskModel { spec, params, featurizer, regression, decision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_numbers_of_the_built_in_model_are_used_where_they_stand() {
        let tensors = SafeTensors::deserialize(&PRESS.0).unwrap();
        assert!(tensors.len() > 10);
        for (name, tensor) in tensors.iter() {
            match tensor.dtype() {
                Dtype::F32 => assert!(in_place::<f32>(tensor.data()).is_some(), "{name}"),
                Dtype::F64 => assert!(in_place::<f64>(tensor.data()).is_some(), "{name}"),
                other => assert_eq!(other, Dtype::U8, "{name}"),
            }
        }
    }
}
