//! Rows of CSV, TSV and JSONL, one at a time.

use crate::error::{Error, Result};
use crate::text::source::{Format, Source};
use crate::text::{Document, not_utf8};
use memchr::memchr3;
use serde_json::{Map, Value};
use simdutf8::compat::from_utf8;
use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::sync::Arc;

/// The most bytes of a row. A quote that is never closed, or a file that is no table, would fill the memory otherwise.
const LONGEST_ROW: u64 = 16 << 20;

/// The mark that some programs put before UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// So many bytes are asked of a file at once.
const BUFFER: usize = 1 << 17;

/// The names of the columns that a command reads; everything else passes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The column of the text.
    pub text: String,
    /// The column of the row's id; without one, `id` where it exists, else `path:line`.
    pub id: Option<String>,
    /// The column of the article a row belongs to; without one, `group` where it exists, else the row's id.
    pub group: Option<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Columns { text: "text".into(), id: None, group: None }
    }
}

impl Columns {
    /// A column that was named and is not there.
    fn absent(&self, is_there: impl Fn(&str) -> bool) -> Option<&str> {
        let named = [Some(&self.text), self.id.as_ref(), self.group.as_ref()];
        named.into_iter().flatten().map(String::as_str).find(|name| !is_there(name))
    }
}

/// One row of a table: its cells by column, in the file's order, and the line it starts on.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line of the file on which the row starts, counted from 1.
    pub line: u64,
    /// The cells by column name: strings for CSV and TSV, any JSON value for JSONL.
    pub cells: Map<String, Value>,
}

impl Row {
    /// The text of a cell: `None` where the column is absent or null.
    ///
    /// # Errors
    ///
    /// A JSON value that is neither text, a number nor null.
    pub fn text(&self, column: &str) -> Result<Option<String>> {
        text_of(self.cells.get(column).cloned(), column).map_err(|e| e.line(self.line))
    }

    /// Turns the row into a document of one paragraph.
    ///
    /// # Errors
    ///
    /// A column that was named is absent, or the text column does not hold text.
    pub fn into_document(mut self, columns: &Columns, path: &Arc<str>) -> Result<Document> {
        if let Some(absent) = columns.absent(|name| self.cells.contains_key(name)) {
            return Err(missing_column(absent, self.cells.keys()).line(self.line));
        }
        let id = match self.text(columns.id.as_deref().unwrap_or("id"))? {
            Some(id) if !id.is_empty() => id,
            _ => format!("{path}:{}", self.line),
        };
        let cell = match &*columns.text {
            // Every output gives a text by this name, so that it is not kept twice.
            "text" => self.cells.shift_remove("text"),
            other => self.cells.get(other).cloned(),
        };
        let Some(text) = text_of(cell, &columns.text).map_err(|e| e.line(self.line))? else {
            let error = format!("column `{}` does not hold text (found null; allowed: a string)", columns.text);
            return Err(Error::data(error).line(self.line));
        };
        Ok(Document { id, text, place: (path.clone(), Some(self.line)), cells: Some(self.cells) })
    }
}

fn text_of(cell: Option<Value>, column: &str) -> Result<Option<String>> {
    match cell {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => {
            let error = format!("column `{column}` does not hold text (found {other}; allowed: a string)");
            Err(Error::data(error))
        }
    }
}

/// The error for a column that is not there.
pub(crate) fn missing_column<'a>(wanted: &str, found: impl Iterator<Item = &'a String>) -> Error {
    let found: Vec<String> = found.map(|name| format!("`{name}`")).collect();
    Error::data(format!("no column `{wanted}` (found {})", found.join(", ")))
        .hint("name the column with --text, --id or --group, or correct the header")
}

type RowIterator = Box<dyn Iterator<Item = Result<Row>> + Send>;

/// The rows of a table, read as they are asked for.
///
/// Each item is a row or what is wrong with one, with path and line; reading goes on after a bad row.
pub struct Rows {
    header: Vec<String>,
    rows: RowIterator,
}

impl Rows {
    /// Starts reading a CSV, TSV or JSONL source.
    ///
    /// # Errors
    ///
    /// A source that cannot be opened, that is no table, or whose header is unusable.
    pub fn open(source: &Source) -> Result<Rows> {
        let path = source.id().to_string();
        let input = source.open()?;
        let (header, rows) = match source.format() {
            Format::Csv => delimited(input, b',').map_err(|e| e.at(&path))?,
            Format::Tsv => delimited(input, b'\t').map_err(|e| e.at(&path))?,
            Format::Jsonl => (Vec::new(), json_lines(input)),
            Format::Article => {
                return Err(Error::data("not a table (allowed: .csv, .tsv, .jsonl)").at(&path));
            }
        };
        Ok(Rows { header, rows: Box::new(rows.map(move |row| row.map_err(|e| e.at(&path)))) })
    }

    /// Makes sure that the header has the columns that were named.
    ///
    /// # Errors
    ///
    /// It lacks one. JSONL has no header: there each row is looked at.
    pub(super) fn check(&self, columns: &Columns) -> Result<()> {
        let absent = columns.absent(|name| self.header.is_empty() || self.header.iter().any(|own| own == name));
        absent.map_or(Ok(()), |name| Err(missing_column(name, self.header.iter()).line(1)))
    }

    /// The columns that the header names; JSONL has no header.
    pub fn header(&self) -> &[String] {
        &self.header
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

fn delimited(input: Box<dyn Read + Send>, delimiter: u8) -> Result<(Vec<String>, RowIterator)> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .buffer_capacity(BUFFER)
        .from_reader(RowWatch::new(input, delimiter));
    let header = reader.byte_headers().map_err(|e| Error::data(format!("cannot be read: {e}")))?.clone();
    let mut names: Vec<String> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for name in &header {
        let name = from_utf8(name).map_err(|e| not_utf8(name[e.valid_up_to()]).line(1))?.trim_start_matches('\u{feff}');
        if !known.insert(name) {
            return Err(Error::data(format!("column `{name}` stands twice in the header")).line(1));
        }
        names.push(name.to_string());
    }
    if names.is_empty() {
        return Err(Error::data("empty file (found no header line; allowed: a header and rows)"));
    }
    let header_names = names.clone();
    let mut record = csv::ByteRecord::new();
    let mut failed = false;
    let rows = std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let from = reader.position().byte();
        let read = reader.read_byte_record(&mut record);
        let line = reader.get_mut().line_from(from);
        match read {
            Ok(true) => {
                if reader.get_ref().open_at(reader.position().byte()) {
                    failed = true;
                    return Some(Err(Error::data("a quoted cell is never closed (found the end of the file)")
                        .line(line)
                        .hint("close the cell with \", and write a \" inside a quoted cell as \"\"")));
                }
                Some(cells(&names, &record).map(|cells| Row { line, cells }).map_err(|e| e.line(line)))
            }
            Ok(false) => None,
            Err(e) => {
                failed = true;
                Some(Err(if reader.get_ref().overlong() {
                    too_long().line(line).hint("close the quoted cell of this row; nothing after it was read")
                } else {
                    Error::data(format!("cannot be read: {e}")).line(line)
                }))
            }
        }
    });
    Ok((header_names, Box::new(rows)))
}

fn too_long() -> Error {
    Error::data(format!("a row is too long (found more than {0} MiB; allowed: {0} MiB)", LONGEST_ROW >> 20))
}

fn cells(names: &[String], record: &csv::ByteRecord) -> Result<Map<String, Value>> {
    if record.len() != names.len() {
        return Err(Error::data(format!(
            "wrong number of cells (found {}; the header has {})",
            record.len(),
            names.len()
        ))
        .hint("put a cell that holds the separator between double quotes"));
    }
    names
        .iter()
        .zip(record)
        .map(|(name, cell)| match from_utf8(cell) {
            Ok(text) => Ok((name.clone(), Value::String(text.to_string()))),
            Err(e) => Err(not_utf8(cell[e.valid_up_to()])),
        })
        .collect()
}

/// Passes bytes on and remembers what the csv reader does not tell: on which line a row begins, whatever ends the lines, and
/// whether the bytes end inside a quoted cell.
///
/// A quote opens a cell only at its start; inside, each quote flips the state, so that a doubled one flips it twice.
struct RowWatch {
    input: Box<dyn Read + Send>,
    delimiter: u8,
    quoted: bool,
    cell_start: bool,
    passed: u64,
    row_start: u64,
    /// The line that is passed on, counted from 1, and whether a carriage return ended the one before.
    line: u64,
    returned: bool,
    /// Whether the next byte that ends no line begins a row.
    between_rows: bool,
    /// Where rows begin that were passed on and not asked for, and on which lines.
    rows: VecDeque<(u64, u64)>,
}

impl RowWatch {
    fn new(input: Box<dyn Read + Send>, delimiter: u8) -> Self {
        RowWatch {
            input,
            delimiter,
            quoted: false,
            cell_start: true,
            passed: 0,
            row_start: 0,
            line: 1,
            returned: false,
            between_rows: true,
            rows: VecDeque::new(),
        }
    }

    /// The line of the first row that begins at this byte or later; earlier rows are forgotten.
    fn line_from(&mut self, byte: u64) -> u64 {
        while self.rows.front().is_some_and(|&(start, _)| start < byte) {
            self.rows.pop_front();
        }
        self.rows.front().map_or(self.line, |&(_, line)| line)
    }

    /// Whether a record that ends at this byte leaves a quote open: only one cut short by the end of the file can.
    fn open_at(&self, record_end: u64) -> bool {
        self.quoted && record_end == self.passed
    }

    /// What is left from the first byte on that changes anything but how many have passed.
    fn past_uneventful<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let event = match self {
            RowWatch { quoted: true, .. } => memchr3(b'"', b'\n', b'\r', bytes),
            RowWatch { cell_start: false, between_rows: false, delimiter, .. } => {
                memchr3(*delimiter, b'\n', b'\r', bytes)
            }
            _ => Some(0),
        };
        let passed = event.unwrap_or(bytes.len());
        self.passed += passed as u64;
        self.returned &= passed == 0;
        &bytes[passed..]
    }

    fn overlong(&self) -> bool {
        self.passed - self.row_start > LONGEST_ROW
    }
}

impl Read for RowWatch {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.overlong() {
            return Err(std::io::Error::other("a row is too long"));
        }
        let mut n = self.input.read(buffer)?;
        // A byte-order mark may come in parts; alone it would be taken for the end.
        while self.passed == 0 && 0 < n && n < buffer.len() && MARK.starts_with(&buffer[..n]) {
            match self.input.read(&mut buffer[n..]) {
                Ok(0) => break,
                Ok(more) => n += more,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let mut rest = &buffer[..n];
        if self.passed == 0 && rest.starts_with(MARK) {
            // A byte-order mark is no part of the first cell.
            self.passed = MARK.len() as u64;
            rest = &rest[MARK.len()..];
        }
        while let Some((&byte, after)) = self.past_uneventful(rest).split_first() {
            rest = after;
            let ends_line = matches!(byte, b'\n' | b'\r');
            if self.between_rows && !ends_line {
                self.rows.push_back((self.passed, self.line));
                self.between_rows = false;
            }
            self.passed += 1;
            if ends_line {
                // The line feed after a carriage return ends the same line.
                self.line += u64::from(byte == b'\r' || !self.returned);
            }
            self.returned = byte == b'\r';
            match byte {
                b'"' if self.quoted => {
                    self.quoted = false;
                    // A second quote right after this one reopens the cell: it was a doubled quote.
                    self.cell_start = true;
                }
                b'"' if self.cell_start => self.quoted = true,
                _ if self.quoted => {}
                b'\n' | b'\r' => {
                    self.cell_start = true;
                    self.between_rows = true;
                    self.row_start = self.passed;
                }
                _ => self.cell_start = byte == self.delimiter,
            }
        }
        Ok(n)
    }
}

fn json_lines(input: Box<dyn Read + Send>) -> RowIterator {
    let mut reader = BufReader::with_capacity(BUFFER, input);
    let mut line = 0;
    let mut bytes = Vec::new();
    let mut failed = false;
    Box::new(std::iter::from_fn(move || {
        loop {
            if failed {
                return None;
            }
            bytes.clear();
            match reader.by_ref().take(LONGEST_ROW + 1).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(e) => {
                    failed = true;
                    return Some(Err(Error::data(format!("cannot be read: {e}")).line(line + 1)));
                }
            }
            line += 1;
            if bytes.len() as u64 > LONGEST_ROW {
                // The rest of the line is passed over unread.
                if let Err(e) = reader.skip_until(b'\n') {
                    failed = true;
                    return Some(Err(Error::data(format!("cannot be read: {e}")).line(line)));
                }
                return Some(Err(too_long().line(line).hint("write one object a line")));
            }
            let text = match from_utf8(&bytes) {
                Ok(text) => text.trim_start_matches('\u{feff}').trim(),
                Err(e) => return Some(Err(not_utf8(bytes[e.valid_up_to()]).line(line))),
            };
            if text.is_empty() {
                continue;
            }
            return Some(match serde_json::from_str::<Map<String, Value>>(text) {
                Ok(cells) => Ok(Row { line, cells }),
                Err(e) => Err(Error::data(format!("not a JSON object ({e})"))
                    .line(line)
                    .hint("write one object a line: {\"text\": \"…\"}")),
            });
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn rows(format: Format, bytes: &[u8]) -> Vec<std::result::Result<Row, String>> {
        rows_of(format, Box::new(std::io::Cursor::new(bytes.to_vec())))
    }

    fn rows_of(format: Format, input: Box<dyn Read + Send>) -> Vec<std::result::Result<Row, String>> {
        let rows = match format {
            Format::Csv => delimited(input, b',').map(|(_, rows)| rows),
            Format::Tsv => delimited(input, b'\t').map(|(_, rows)| rows),
            _ => Ok(json_lines(input)),
        };
        match rows {
            Ok(rows) => {
                rows.map(|r| r.map_err(|e| format!("{}:{}", e.line_number().unwrap_or(0), e.message()))).collect()
            }
            Err(e) => vec![Err(e.message().to_string())],
        }
    }

    #[test]
    fn quoted_cells_hold_separators_quotes_and_line_breaks() {
        let found = rows(Format::Csv, "\u{feff}id,text\n1,\"a, \"\"b\"\"\nc\"\n2,d\n".as_bytes());
        let first = found[0].as_ref().unwrap();
        assert_eq!((first.line, first.text("text").unwrap().unwrap().as_str()), (2, "a, \"b\"\nc"));
        assert_eq!(found[1].as_ref().unwrap().line, 4);
        assert_eq!(first.text("id").unwrap().as_deref(), Some("1"), "the byte-order mark is not part of the name");
    }

    #[test]
    fn a_quote_after_the_byte_order_mark_opens_a_cell() {
        for (format, text) in [
            (Format::Csv, "\u{feff}\"id, nom,\",text\n1,a\n2,b\n"),
            (Format::Tsv, "\u{feff}\"n\t\"\ttext\n1\ta\n2\tb\n"),
        ] {
            let lines: Vec<u64> = rows(format, text.as_bytes()).into_iter().map(|row| row.unwrap().line).collect();
            assert_eq!(lines, [2, 3]);
            let dripping = Dripping(std::io::Cursor::new(text.into()));
            assert_eq!(rows_of(format, Box::new(dripping)), rows(format, text.as_bytes()));
        }
    }

    #[test]
    fn a_bad_row_is_reported_with_its_line_and_the_next_is_read() {
        let found = rows(Format::Csv, b"id,text\n1\n2,\xff\n3,ok\n");
        assert_eq!(found[0], Err("2:wrong number of cells (found 1; the header has 2)".into()));
        assert!(found[1].as_ref().unwrap_err().starts_with("3:not UTF-8 (found byte 0xff"));
        assert_eq!(found[2].as_ref().unwrap().line, 4);
    }

    #[test]
    fn rows_are_on_the_lines_that_an_editor_shows() {
        for (end, name) in [("\n", "line feeds"), ("\r\n", "both"), ("\r", "carriage returns")] {
            let text = ["id,text", "1,a", "", "", "2,\"b", "", "c\"", "3", "4,d", ""].join(end);
            let found = rows(Format::Csv, text.as_bytes());
            let lines: Vec<_> = found.iter().map(|row| row.as_ref().map(|row| row.line)).collect();
            let fault = "8:wrong number of cells (found 1; the header has 2)".to_string();
            assert_eq!(lines, [Ok(2), Ok(5), Err(&fault), Ok(9)], "{name}");
        }
        // More than the reader takes at once.
        let many = "1,a\r\n".repeat(100_000);
        let last = rows(Format::Csv, format!("id,text\r\n{many}").as_bytes()).pop().unwrap();
        assert_eq!(last.unwrap().line, 100_001);
    }

    /// Reads one byte at a time.
    struct Dripping(std::io::Cursor<Vec<u8>>);

    impl Read for Dripping {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }

    proptest! {
        #[test]
        fn rows_do_not_depend_on_how_many_bytes_are_read_at_once(
            parts in prop::collection::vec(select(vec!["a", "é", "\"", "\"", ",", ",", "\n", "\r", "\r\n", "bc d"]), 0..60),
        ) {
            let bytes = format!("id,text\n{}", parts.concat()).into_bytes();
            let dripping = Dripping(std::io::Cursor::new(bytes.clone()));
            prop_assert_eq!(rows_of(Format::Csv, Box::new(dripping)), rows(Format::Csv, &bytes));
        }
    }

    #[test]
    fn a_quote_opens_a_cell_after_the_separator_of_the_table_alone() {
        let cells = |format, bytes: &[u8]| rows(format, bytes)[0].as_ref().unwrap().text("text").unwrap().unwrap();
        assert_eq!(cells(Format::Csv, b"id,text\n1,foo\t\"bar baz\n"), "foo\t\"bar baz");
        assert_eq!(cells(Format::Tsv, b"id\ttext\n1\til dit,\"bonjour\n"), "il dit,\"bonjour");
    }

    #[test]
    fn an_unclosed_quote_does_not_swallow_the_rest_in_silence() {
        let found = rows(Format::Csv, b"id,text\n1,fine\n2,\"open\n3,lost\n");
        assert!(found[0].is_ok());
        assert!(found[1].as_ref().unwrap_err().contains("never closed"));
        assert_eq!(found.len(), 2);
        assert!(rows(Format::Csv, b"id,text\n1,5\" pipe\n")[0].is_ok(), "a quote inside a plain cell is text");
        assert!(rows(Format::Csv, b"id,text\n1,\"a \"\"b\"\"\"\n")[0].is_ok());
    }

    #[test]
    fn a_row_without_end_is_not_gathered() {
        let long = "x".repeat(LONGEST_ROW as usize + 100_000);
        let found = rows(Format::Csv, format!("id,text\n1,fine\n2,\"open\n{long}\n3,lost\n").as_bytes());
        assert!(found[0].is_ok());
        assert_eq!(found[1], Err("3:a row is too long (found more than 16 MiB; allowed: 16 MiB)".into()));
        assert_eq!(found.len(), 2);
        let found = rows(Format::Jsonl, format!("{{\"text\":\"{long}\"}}\n{{\"text\":\"next\"}}\n").as_bytes());
        assert_eq!(found[0], Err("1:a row is too long (found more than 16 MiB; allowed: 16 MiB)".into()));
        assert_eq!(found[1].as_ref().unwrap().line, 2);
    }

    #[test]
    fn headers_must_exist_and_be_distinct() {
        assert!(rows(Format::Csv, b"")[0].as_ref().unwrap_err().contains("empty file"));
        assert!(rows(Format::Tsv, b"a\ta\n")[0].as_ref().unwrap_err().contains("stands twice"));
    }

    #[test]
    fn json_lines_keep_values_and_skip_blank_lines() {
        let found = rows(Format::Jsonl, b"{\"text\":\"a\",\"n\":3}\n\n[1]\n{\"text\":null}\n");
        assert_eq!(found[0].as_ref().unwrap().text("n").unwrap().as_deref(), Some("3"));
        assert!(found[1].as_ref().unwrap_err().starts_with("3:not a JSON object"));
        assert_eq!(found[2].as_ref().unwrap().text("text").unwrap(), None);
    }
}
