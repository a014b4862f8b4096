//! From files to paragraphs.
//!
//! In: paths, directories, standard input. Out: documents and their clean paragraphs with byte offsets, and the raw
//! rows of tables. It must not know tasks, labels or models.

mod cleaner;
mod document;
mod rows;
mod source;

pub use cleaner::{CLEANER_VERSION, Cleaner};
pub use document::{Document, Paragraph};
pub(crate) use rows::missing_column;
pub use rows::{Columns, Row, Rows};
pub(crate) use source::reach;
pub use source::{Documents, Format, Source};

use crate::error::{Error, Result};

/// Decodes UTF-8, or says on which line the first bad byte stands.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() as u64;
        not_utf8(e.as_bytes()[at]).line(line)
    })
}

pub(crate) fn not_utf8(byte: u8) -> Error {
    Error::data(format!("not UTF-8 (found byte 0x{byte:02x}; allowed: UTF-8 text)"))
        .hint("convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW")
}
