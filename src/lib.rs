//! dummy
pub mod error;
pub mod sparse;
pub mod task;
pub mod text;
pub mod analysis;
pub mod features;
pub mod linear;
