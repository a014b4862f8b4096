//! The program as a user meets it: exit codes, messages, and what stands in the outputs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adapt;
mod check;
mod classify;
mod compare;
mod evaluate;
mod html;
mod train;
mod tune;
mod util;
mod wrong_input;
