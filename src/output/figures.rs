//! Numbers and tables as text.

use crate::eval::Estimate;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets};

/// A titled table.
pub(super) struct Sheet {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    pub fn new(title: impl Into<String>, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        Sheet { title: title.into(), header: header.iter().map(ToString::to_string).collect(), rows }
    }

    /// The sheet for a terminal or in Markdown, with the blank line that parts it from what stands before.
    pub fn text(self, markdown: bool) -> String {
        if markdown {
            format!("\n### {}\n\n{}", escaped(&self.title), markdown_table(&self.header, &self.rows))
        } else {
            format!("\n{}\n{}\n", printable(&self.title), table(&self.header, self.rows, true))
        }
    }
}

/// Three decimals, or "n/a" where a figure is undefined.
pub(super) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".into(), |v| format!("{v:.3}"))
}

/// Three decimals with their sign, or "n/a".
pub(super) fn signed(value: Option<f64>) -> String {
    // A difference that rounds to nothing has no sign.
    value.map_or_else(|| "n/a".into(), |v| if v.abs() < 5e-4 { "0.000".into() } else { format!("{v:+.3}") })
}

/// A figure with its interval: `0.712 [0.690, 0.734]`.
pub(super) fn estimate(e: Estimate) -> String {
    match (e.low, e.high) {
        (Some(low), Some(high)) => format!("{} [{low:.3}, {high:.3}]", figure(e.mean)),
        _ => figure(e.mean),
    }
}

/// Text without characters that would steer a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A table for terminals, whatever its cells hold, of one or several lines; the columns from the second on are right-aligned
/// if `numbers`.
pub(super) fn table<S: AsRef<str>>(header: &[S], rows: Vec<Vec<String>>, numbers: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    let cell = |text: &str| text.split('\n').map(printable).collect::<Vec<_>>().join("\n");
    table.set_header(header.iter().map(|name| cell(name.as_ref())));
    for row in rows {
        table.add_row(row.iter().map(|text| cell(text)));
    }
    if numbers {
        // No lines between rows that take one line each: a report has many.
        table.style_mut().row_separator = LineStyle::none();
        table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    }
    table.trim_fmt()
}

/// Text as Markdown shows it: on one line, with a backslash before what would mean something. (An underscore within a word
/// means nothing.)
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '<' | '&' | '|' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Lines as a list in Markdown.
pub fn markdown_list<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    lines.into_iter().map(|line| format!("- {}\n", escaped(line.as_ref()))).collect()
}

/// A table in Markdown.
pub(super) fn markdown_table<S: AsRef<str>>(header: &[S], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let header: Vec<String> = header.iter().map(|name| name.as_ref().to_string()).collect();
    let mut text = line(&header);
    text += &format!("|{}\n", "---|".repeat(header.len()));
    rows.iter().for_each(|row| text += &line(row));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_nothing_in_a_table_of_markdown() {
        let cells = [vec!["a|b\nc".to_string(), "<script>&amp; *x* `y` macro_f1".to_string()]];
        let expected = "| label | F1 |\n|---|---|\n| a\\|b c | \\<script>\\&amp; \\*x\\* \\`y\\` macro_f1 |\n";
        assert_eq!(markdown_table(&["label", "F1"], &cells), expected);
    }

    #[test]
    fn no_table_steers_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
        let sheet = Sheet::new("t\u{9b}", &["h\u{7}"], vec![vec!["a\u{1b}[31m\nb".into()]]).text(false);
        assert!(sheet.chars().all(|c| c == '\n' || !c.is_control()), "{sheet:?}");
        assert!(sheet.contains(" a\u{fffd}[31m\n b\n"), "a cell may have two lines: {sheet:?}");
    }
}
