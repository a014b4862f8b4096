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
//! To fit on labelled paragraphs of your own, read a [`dataset::Dataset`], make it a training set with
//! [`eval::training_set`], and call [`model::TrainingSet::fit`]. `DESIGN.md` shows the rooms and the one direction in
//! which data walks through them.

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
mod table;
pub mod task;
pub mod text;

pub use error::{Error, Result};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
