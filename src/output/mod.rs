//! What people and programs read: predictions, reports, models as text.
//!
//! In: predictions, reports, fitted models. Out: bytes in one of several formats, one file each. It must not fit,
//! predict or judge anything.

mod adaptation;
mod comparison;
mod figures;
mod html;
mod junit;
mod model_card;
mod predictions;
mod quality;
mod record;
mod report;
mod tuning;

pub use adaptation::adaptation_text;
pub use comparison::{candidates_table, comparison_markdown, comparison_table, verdict_line};
pub use figures::markdown_list;
pub use html::{Evidence, Explain, comparison_html, report_html};
pub use junit::{Checked, comparison_junit, faults_junit};
pub use model_card::{model_json, model_markdown, model_table};
pub use predictions::{LabelledParagraph, PredictionFormat, PredictionWriter};
pub use quality::{quality_markdown, quality_table, suspects_csv};
pub use report::{report_markdown, report_table};
pub use tuning::{tuning_csv, tuning_markdown, tuning_table};
