//! dummy
pub mod analysis;
pub mod dataset;
pub mod error;
pub mod eval;
pub mod features;
pub mod linear;
pub mod model;
pub mod output;
pub mod sparse;
pub mod split;
pub mod store;
pub mod task;
pub mod text;
pub use error::{Error, Result};
