//! The one error type of the crate.
//!
//! In: what went wrong, where, and what would be allowed. Out: one message that names all three.
//! It must not know of exit codes, commands or terminals: the binary decides what a category means to a shell.

use std::fmt;
use std::path::{Path, PathBuf};

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing is at fault, so that a caller can react without reading the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// The request itself: an option, a configuration, a name.
    Usage,
    /// Input data that cannot be read or is wrong.
    Data,
    /// A model or report file that is damaged, of another schema, or not comparable.
    Artifact,
}

#[derive(Debug)]
struct Detail {
    category: Category,
    message: String,
    path: Option<PathBuf>,
    line: Option<u64>,
    hint: Option<String>,
}

/// An error with its place and, where there is one, a way out.
///
/// Displayed as `path:line: what is wrong (found; allowed)`, then `try: …` on a line of its own.
#[derive(Debug)]
pub struct Error(Box<Detail>);

impl Error {
    fn new(category: Category, message: impl Into<String>) -> Self {
        let message = on_one_line(&message.into());
        Error(Box::new(Detail { category, message, path: None, line: None, hint: None }))
    }

    /// The request cannot be carried out as stated.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Category::Usage, message)
    }

    /// Input data is unreadable or wrong.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Category::Data, message)
    }

    /// A model or report file is unusable.
    pub fn artifact(message: impl Into<String>) -> Self {
        Self::new(Category::Artifact, message)
    }

    /// Names the file at fault; the innermost place wins, since it is the most exact.
    #[must_use]
    pub fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path.get_or_insert_with(|| path.as_ref().to_path_buf());
        self
    }

    /// Names the line at fault, counted from 1, if it is known.
    #[must_use]
    pub fn line(mut self, line: impl Into<Option<u64>>) -> Self {
        self.0.line = self.0.line.or(line.into());
        self
    }

    /// Adds to what is wrong.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        self.0.message += &on_one_line(more);
        self
    }

    /// Says what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| on_one_line(&hint.into()));
        self
    }

    /// What kind of thing is at fault.
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// The message alone, without its place and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file at fault, if one is known.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The line at fault, counted from 1, if one is known.
    pub fn line_number(&self) -> Option<u64> {
        self.0.line
    }
}

/// What a reader of TOML finds wrong, and on which line of the text, if it tells.
pub(crate) fn toml_fault(text: &str, error: &toml::de::Error) -> (String, Option<u64>) {
    match error.span() {
        Some(span) => {
            let before = &text.as_bytes()[..span.start.min(text.len())];
            (error.message().to_string(), Some(1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64))
        }
        None => (error.to_string().trim_end().replace('\n', " "), None),
    }
}

/// Text of a file as messages show it: on one line, and nothing that steers what reads them.
pub fn on_one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = &self.0;
        if let Some(path) = &detail.path {
            write!(f, "{}:", on_one_line(&path.to_string_lossy()))?;
            if let Some(line) = detail.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&detail.message)?;
        if let Some(hint) = &detail.hint {
            write!(f, "\n  try: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_message_and_hint_stand_in_one_order() {
        let error = Error::data("unknown label (found `war`; allowed: military, energy)")
            .line(12)
            .at("labels.csv")
            .hint("correct the cell or add the label to tasks.toml");
        assert_eq!(
            error.to_string(),
            "labels.csv:12: unknown label (found `war`; allowed: military, energy)\n  \
             try: correct the cell or add the label to tasks.toml"
        );
    }

    #[test]
    fn the_innermost_place_wins() {
        let error = Error::data("x").at("inner.csv").at("outer");
        assert_eq!(error.path(), Some(Path::new("inner.csv")));
    }
}
