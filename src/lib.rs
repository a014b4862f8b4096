//! dummy
pub mod error;
pub mod sparse;
pub mod task;
pub mod text;
