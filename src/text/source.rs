//! Where text is read from.

use crate::error::{Error, Result};
use crate::text::{Columns, Document, Rows, decode};
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a source is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Plain text of an article as scraped: cleaned and split into paragraphs.
    Article,
    /// Comma-separated rows under a header.
    Csv,
    /// Tab-separated rows under a header.
    Tsv,
    /// One JSON object a line.
    Jsonl,
}

impl Format {
    /// The format that a file's extension tells; anything unknown is read as an article.
    pub fn of(path: &Path) -> Format {
        match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Format::Csv,
            Some("tsv") => Format::Tsv,
            Some("jsonl" | "ndjson") => Format::Jsonl,
            _ => Format::Article,
        }
    }
}

/// The documents of a source, or what is wrong with one.
pub type Documents = Box<dyn Iterator<Item = Result<Document>> + Send>;

/// One file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    id: String,
    path: Option<PathBuf>,
    format: Format,
}

impl Source {
    /// A single file.
    pub fn file(path: &Path) -> Source {
        Source { id: slashed(path), path: Some(path.to_path_buf()), format: Format::of(path) }
    }

    /// Standard input, read as the given format.
    pub fn stdin(format: Format) -> Source {
        Source { id: "-".into(), path: None, format }
    }

    /// Turns an argument into sources: `-`, a file, or a directory with its `.txt` articles, recursively, by sorted
    /// path. A path that does not exist, a directory without articles, and each directory that cannot be listed is an
    /// error in its place.
    pub fn expand(argument: &str, stdin_format: Format) -> Vec<Result<Source>> {
        if argument == "-" {
            return vec![Ok(Source::stdin(stdin_format))];
        }
        let path = Path::new(argument);
        if let Err(error) = reach(path) {
            return vec![Err(error.hint("check the path; `-` reads standard input"))];
        }
        if !path.is_dir() {
            if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
                // As an article it would have no paragraph.
                return vec![Err(Error::data(
                    "neither article nor table (found .json; allowed: .txt, .csv, .tsv, .jsonl)",
                )
                .at(path)
                .hint("write one object a line to a .jsonl"))];
            }
            return vec![Ok(Source::file(path))];
        }
        let mut found = Vec::new();
        articles_below(path, &mut found);
        found.sort_by_cached_key(|(path, _)| slashed(path));
        if found.is_empty() {
            return vec![Err(Error::data("no articles in this directory (found no .txt file)")
                .at(path)
                .hint("name tables one by one: rubrique classify FILE.csv"))];
        }
        found.into_iter().map(|(path, listed)| listed.map(|()| Source::file(&path))).collect()
    }

    /// The files that several arguments lead to, as far as they can be reached.
    pub fn files_of(arguments: &[String], stdin_format: Format) -> Vec<PathBuf> {
        let sources = arguments.iter().flat_map(|argument| Source::expand(argument, stdin_format));
        sources.flatten().filter_map(|source| source.path).collect()
    }

    /// The documents of several arguments, one after another, each read when it is asked for. What is wrong with an
    /// argument, a file or a row is an item in its place, and reading goes on after it.
    pub fn documents_of<'a>(
        arguments: &'a [String],
        stdin_format: Format,
        columns: &'a Columns,
    ) -> impl Iterator<Item = Result<Document>> + Send + 'a {
        let sources = arguments.iter().flat_map(move |argument| Source::expand(argument, stdin_format));
        sources.flat_map(|source| match source.and_then(|source| source.documents(columns)) {
            Ok(documents) => documents,
            Err(error) => Box::new(std::iter::once(Err(error))),
        })
    }

    /// The columns of the tables among several arguments, without that of the text: of a CSV or TSV file those of its header,
    /// of a JSONL file those of its first row. What cannot be read has none; a pipe is not touched.
    pub fn headers_of(arguments: &[String], columns: &Columns) -> Vec<Vec<String>> {
        let files = arguments.iter().map(Path::new).filter(|path| path.is_file()).map(Source::file);
        let header = |source: Source| {
            let mut rows = Rows::open(&source).ok()?;
            let mut names = rows.header().to_vec();
            if source.format == Format::Jsonl {
                names = rows.find_map(Result::ok)?.cells.keys().cloned().collect();
            }
            names.retain(|name| !(name == "text" && columns.text == "text"));
            Some(names)
        };
        files.filter_map(header).collect()
    }

    /// The source's name in outputs: the path as reached from the argument, with `/`, or `-`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the source is laid out.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Opens the source for reading.
    pub(super) fn open(&self) -> Result<Box<dyn Read + Send>> {
        match &self.path {
            None => Ok(Box::new(std::io::stdin())),
            Some(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(e) => Err(Error::data(format!("cannot be opened: {e}")).at(&self.id)),
            },
        }
    }

    /// The documents of the source: one for an article, one a row for a table.
    ///
    /// # Errors
    ///
    /// A source that cannot be opened or decoded; a bad row is an item of the iterator, and reading goes on after it.
    pub fn documents(&self, columns: &Columns) -> Result<Documents> {
        if self.format == Format::Article {
            let mut bytes = Vec::new();
            self.open()?
                .read_to_end(&mut bytes)
                .map_err(|e| Error::data(format!("cannot be read: {e}")).at(&self.id))?;
            let text = decode(bytes).map_err(|e| e.at(&self.id))?;
            let place = (self.id.as_str().into(), None);
            return Ok(Box::new(std::iter::once(Ok(Document { id: self.id.clone(), text, place, cells: None }))));
        }
        let (path, columns) = (Arc::<str>::from(self.id.as_str()), columns.clone());
        let rows = Rows::open(self)?;
        rows.check(&columns).map_err(|e| e.at(&*path))?;
        Ok(Box::new(rows.map(move |row| row.and_then(|r| r.into_document(&columns, &path)).map_err(|e| e.at(&*path)))))
    }
}

/// What stands at a path.
///
/// # Errors
///
/// Nothing, or what cannot be looked at.
pub(crate) fn reach(path: &Path) -> Result<Metadata> {
    std::fs::metadata(path).map_err(|e| {
        let nothing = e.kind() == std::io::ErrorKind::NotFound;
        let error = if nothing { "no such file or directory".into() } else { format!("cannot be opened: {e}") };
        Error::data(error).at(path)
    })
}

fn slashed(path: &Path) -> String {
    let path = path.to_string_lossy();
    // Where it parts names; elsewhere a name may hold it.
    if cfg!(windows) { path.replace('\\', "/") } else { path.into_owned() }
}

/// Adds the articles of a directory and of those in it, and what cannot be listed.
fn articles_below(directory: &Path, found: &mut Vec<(PathBuf, Result<()>)>) {
    let fault =
        |e: std::io::Error| (directory.into(), Err(Error::data(format!("cannot be listed: {e}")).at(directory)));
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) => return found.push(fault(e)),
    };
    for entry in entries {
        let (path, kind) = match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
            Ok(known) => known,
            Err(e) => {
                found.push(fault(e));
                continue;
            }
        };
        // A link to a directory is not followed: a circle of links would never end.
        if kind.is_dir() {
            articles_below(&path, found);
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("txt")) {
            found.push((path, Ok(())));
        }
    }
}
