//! A document and its paragraphs.

use serde_json::{Map, Value};
use std::sync::Arc;

/// One decoded input: an article, or one row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The path as reached from the argument, `-` for standard input, or the row's id.
    pub id: String,
    /// The decoded text; a byte-order mark is part of it, so that offsets count from the first byte of the file.
    pub text: String,
    /// The path of its source, and the line on which it begins there if it is a row.
    pub place: (Arc<str>, Option<u64>),
    /// `None` for an article; for a row, its cells as read, which every output keeps, but for the text where its column is `text`.
    pub cells: Option<Map<String, Value>>,
}

impl Document {
    /// About how many bytes of text it holds, its cells included.
    pub fn bytes(&self) -> usize {
        let cells = self.cells.iter().flatten().map(|(name, cell)| name.len() + bytes(cell));
        self.text.len() + cells.sum::<usize>()
    }
}

/// About how many bytes of text a cell holds; what stands in it costs some more by itself.
fn bytes(cell: &Value) -> usize {
    let inside = match cell {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes).sum(),
        Value::Object(items) => items.iter().map(|(name, item)| name.len() + bytes(item)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}

/// A paragraph of a document's own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// The text between `start` and `end` with each run of white space made one space; a row's text is untouched.
    pub text: String,
    /// Offset in bytes of the first byte in the decoded document.
    pub start: usize,
    /// Offset in bytes just past the last byte in the decoded document.
    pub end: usize,
}

impl Paragraph {
    /// The paragraph that stands between two byte offsets of an article.
    pub(super) fn of(document: &str, start: usize, end: usize) -> Self {
        let text = document[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
        Paragraph { text, start, end }
    }

    /// For each byte of the paragraph's text the byte of the document that it comes from.
    pub fn origins(&self, document: &str) -> Vec<usize> {
        let source = &document[self.start..self.end];
        if source == self.text {
            return (self.start..self.end).collect();
        }
        let mut origins = Vec::with_capacity(self.text.len());
        let mut end = self.start;
        for word in source.split_whitespace() {
            let start = self.start + (word.as_ptr() as usize - source.as_ptr() as usize);
            if !origins.is_empty() {
                // The one space that stands for all white space between two words.
                origins.push(end);
            }
            end = start + word.len();
            origins.extend(start..end);
        }
        origins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_stands_beside_a_text_counts() {
        let Value::Object(cells) = json!({"page": "x".repeat(1000), "list": [{"y": "z".repeat(500)}]}) else {
            unreachable!()
        };
        let document =
            Document { id: "1".into(), text: "deux".into(), place: ("t.csv".into(), Some(2)), cells: Some(cells) };
        assert!((1504..2000).contains(&document.bytes()), "{}", document.bytes());
    }
}
