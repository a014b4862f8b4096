//! Reports, comparisons and predictions as pages for a browser.
//!
//! In: the same as the other formats take. Out: one page each, whole in itself, the same bytes for the same input. It
//! must not know times, hosts or where reports lie, and judges nothing: its figures are those of the report.

mod charts;
mod classification;
mod comparison;
mod evaluation;
mod glossary;
mod page;
mod paragraph;

pub(super) use classification::ClassificationPage;
pub use comparison::comparison_html;
pub use evaluation::{Evidence, Explain, report_html};
