//! Labels paragraphs of the French-language press by theme and tone.
//!
//! A [`text::Document`] is cleaned into paragraphs, an [`analysis::Analyzer`] turns a paragraph into terms, a
//! [`features::TfidfVectorizer`] into a sparse row, a [`linear::LogisticRegression`] into scores, and a
//! [`model::Decision`] into labels. [`model::Classifier`] does all of it; [`eval`] says how well.
//!
//! ```
//! use rubrique::model::ModelFile;
//!
//! let model = ModelFile::built_in()?;
//! let text = "Deux drones ont frappé une raffinerie de pétrole ; le ministère de la Défense accuse l'armée voisine.";
//! for (task, prediction) in model.classifier.tasks().iter().zip(model.classifier.predict(text)) {
//!     let labels: Vec<&str> = task.spec().names(&prediction.labels).collect();
//!     println!("{}: {}", task.spec().name, labels.join(", "));
//! }
//! # Ok::<(), rubrique::Error>(())
//! ```
//!
//! A model of labelled paragraphs of your own, written and read again:
//!
//! ```
//! use rubrique::dataset::{Dataset, TaskChoice};
//! use rubrique::model::{Config, ModelFile};
//! use rubrique::task::TaskKind;
//! use rubrique::text::Columns;
//!
//! # let directory = tempfile::tempdir()?;
//! # let (labels, file) = (directory.path().join("labels.csv"), directory.path().join("model.safetensors"));
//! std::fs::write(&labels, "text,tone\nla récolte est belle,good\nla route est coupée,bad\n")?;
//! let tasks = TaskChoice::Columns(vec![("tone".into(), TaskKind::Single)]);
//! let dataset = Dataset::read(&labels, &Columns::default(), &tasks)?;
//! rubrique::training::train(&dataset, &Config::default(), 0)?.save(&file)?;
//! let model = ModelFile::load(&file)?;
//! let prediction = &model.classifier.predict("une belle récolte")[0];
//! assert!(dataset.tasks[0].names(&prediction.labels).eq(["good"]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `DESIGN.md` shows the rooms and the one direction in which data walks through them.

pub mod analysis;
pub mod dataset;
pub mod digest;
pub mod error;
pub mod eval;
pub mod features;
pub mod linear;
pub mod model;
pub mod output;
pub mod sparse;
pub mod split;
pub mod store;
mod sum;
mod table;
pub mod task;
pub mod text;
pub mod training;

pub use error::{Error, Result};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
