//! Labelled paragraphs.
//!
//! In: CSV, TSV and JSONL files and the tasks to look for. Out: examples with gold labels, and every fault with its
//! place. It must not know models or metrics.

mod agreement;
mod near_duplicates;
mod quality;

pub use agreement::{cohen_kappa, krippendorff_alpha};
pub use near_duplicates::{LEAST_SIMILARITY, joined_groups, near_duplicates};
pub use quality::{LabelQuality, PairAgreement, Quality, TaskQuality};

use crate::digest::digits;
use crate::error::{Error, Result};
use crate::task::{LabelSet, TaskKind, TaskSpec};
use crate::text::{Columns, Format, Row, Rows, Source, reach};
use indexmap::IndexSet;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The file that describes the tasks of a directory of labels.
const TASKS_FILE: &str = "tasks.toml";
/// Who gave a single reading.
const ANNOTATOR: &str = "annotator";

/// A labelled paragraph.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The row's id, or its [name](Place::name).
    pub id: String,
    /// The article it belongs to; without one, its own id.
    pub group: String,
    /// The text, as it stands in the file.
    pub text: String,
    /// The gold labels by task; `None` where the paragraph is not labelled.
    pub gold: Vec<Option<LabelSet>>,
    /// What its `date` column says.
    pub date: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as reached from the argument.
    pub path: String,
    /// The line, counted from 1.
    pub line: u64,
}

impl Place {
    /// What a row without an id is called: the file by its own name, whatever the way to it, and the line. What is said of
    /// labels does not depend on where they lie.
    pub fn name(&self) -> String {
        let file =
            Path::new(&self.path).file_name().map_or_else(|| self.path.clone().into(), |name| name.to_string_lossy());
        format!("{file}:{}", self.line)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// One annotator's labels for a paragraph that others have read too.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The id of the paragraph.
    pub id: String,
    /// Who read.
    pub annotator: String,
    /// The labels by task.
    pub gold: Vec<Option<LabelSet>>,
}

/// Which tasks to read.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskChoice {
    /// Those of `tasks.toml`, in the labels' directory or beside the file.
    Described,
    /// These columns, with the labels found in the data, ordered by their bytes.
    Columns(Vec<(String, TaskKind)>),
    /// Exactly these, where their column exists.
    Known(Vec<TaskSpec>),
}

/// Labelled paragraphs, and what their files hold besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The tasks.
    pub tasks: Vec<TaskSpec>,
    /// The paragraphs to learn from: all but those with `split` = `test`.
    pub examples: Vec<Example>,
    /// The paragraphs with `split` = `test`.
    pub test: Vec<Example>,
    /// Single readings of paragraphs that stand several times.
    pub readings: Vec<Reading>,
    /// What was passed over, in words.
    pub notes: Vec<String>,
}

/// What reading found: the sound part, and every fault.
#[derive(Debug)]
pub struct Checked {
    /// The sound rows.
    pub dataset: Dataset,
    /// What is wrong with the others, in order of place.
    pub faults: Vec<Error>,
}

impl Dataset {
    /// Reads a labelled file or directory.
    ///
    /// # Errors
    ///
    /// As [`Dataset::check`]; and the first fault of any row, with the number of the others.
    pub fn read(path: &Path, columns: &Columns, tasks: &TaskChoice) -> Result<Dataset> {
        let (checked, _) = Self::gather(path, columns, tasks)?;
        let others = checked.faults.len().saturating_sub(1);
        match checked.faults.into_iter().next() {
            None if checked.dataset.examples.is_empty() && checked.dataset.test.is_empty() => Err(no_row().at(path)),
            None => Ok(checked.dataset),
            Some(first) if others == 0 => Err(first),
            Some(first) => {
                let faults = if others == 1 { "fault" } else { "faults" };
                let listed = format!("; {others} more {faults}: `rubrique check {}` lists all", path.display());
                Err(first.and(&listed).hint("mend this row"))
            }
        }
    }

    /// Reads a labelled file or directory and gathers the faults of its rows, single readings included.
    ///
    /// # Errors
    ///
    /// What leaves nothing to read: no such file, no row, no tasks, a column that no file has.
    pub fn check(path: &Path, columns: &Columns, tasks: &TaskChoice) -> Result<Checked> {
        let (mut checked, of_readings) = Self::gather(path, columns, tasks)?;
        checked.faults.extend(of_readings);
        in_order_of_place(&mut checked.faults);
        Ok(checked)
    }

    /// The sound rows and the faults of others, and those of single readings.
    fn gather(path: &Path, columns: &Columns, tasks: &TaskChoice) -> Result<(Checked, Vec<Error>)> {
        let mut faults = Vec::new();
        let files = read_files(path, columns, &mut faults)?;
        let found: BTreeSet<&String> = files.iter().flat_map(|f| &f.columns).collect();
        let mut notes = Vec::new();
        if found.is_empty() {
            return if faults.is_empty() { Err(no_row().at(path)) } else { Ok(nothing_but(faults)) };
        }

        let specs = match tasks {
            TaskChoice::Described => described_tasks(path, &found)?,
            TaskChoice::Known(specs) => {
                let (there, gone): (Vec<_>, Vec<_>) = specs.iter().cloned().partition(|s| found.contains(&s.name));
                notes.extend(gone.iter().map(|s| format!("no column `{}`: that task is left out", s.name)));
                if there.is_empty() {
                    let names: Vec<String> = specs.iter().map(|s| format!("`{}`", s.name)).collect();
                    return Err(Error::data(format!(
                        "no column for any task (found {}; wanted one of {})",
                        quoted(&found),
                        names.join(", ")
                    ))
                    .at(path));
                }
                there
            }
            TaskChoice::Columns(wanted) => {
                for (at, (name, _)) in wanted.iter().enumerate() {
                    if wanted[..at].iter().any(|(other, _)| other == name) {
                        return Err(Error::usage(format!("task `{name}` is asked for twice")));
                    }
                    require_column(name, &files, path)?;
                }
                let spec = |(name, kind): &(String, TaskKind)| spec_from_data(name, *kind, &files);
                match wanted.iter().map(spec).collect::<Result<_>>() {
                    Ok(specs) => specs,
                    // Where hardly a row can be read, those that cannot tell more than the labels that are missing.
                    Err(_) if !faults.is_empty() => return Ok(nothing_but(faults)),
                    Err(e) => return Err(e.at(path)),
                }
            }
        };
        if matches!(tasks, TaskChoice::Described) {
            for spec in &specs {
                require_column(&spec.name, &files, path)?;
            }
        }
        // A table without its text column is an error even if others have it.
        for file in &files {
            if !file.columns.is_empty() && !file.columns.contains(&columns.text) {
                return Err(crate::text::missing_column(&columns.text, file.columns.iter()).at(&file.path).line(1));
            }
        }
        for (option, column) in [("--id", &columns.id), ("--group", &columns.group)] {
            if let Some(column) = column
                && !found.contains(column)
            {
                return Err(
                    Error::usage(format!("no column `{column}` for {option} (found {})", quoted(&found))).at(path)
                );
            }
        }
        let mut of_readings = Vec::new();
        let dataset = assemble(files, columns, specs, notes, &mut faults, &mut of_readings);
        in_order_of_place(&mut faults);
        Ok((Checked { dataset, faults }, of_readings))
    }

    /// Leaves out of the paragraphs to learn from whatever belongs to those on which the model will be judged: their
    /// articles, and near duplicates of their texts with the articles of these. Gives the number of paragraphs left out.
    ///
    /// Articles are told by their names. A row that has no name but its line is told by its text alone, since the same line
    /// of another version of a file may hold another row.
    pub fn keep_apart(&mut self, judged: &[Example]) -> usize {
        let named = |of: &str, e: &Example| {
            let nameless = e.group == e.place.name();
            Example { group: if nameless { format!("{of}\n{}", e.group) } else { e.group.clone() }, ..e.clone() }
        };
        let both: Vec<Example> =
            judged.iter().map(|e| named("judged", e)).chain(self.examples.iter().map(|e| named("", e))).collect();
        let joined = joined_groups(&both);
        let (away, own) = joined.split_at(judged.len());
        let away: BTreeSet<&str> = away.iter().copied().collect();
        let before = self.examples.len();
        let mut own = own.iter();
        self.examples.retain(|_| own.next().is_none_or(|group| !away.contains(group)));
        before - self.examples.len()
    }

    /// The number of distinct groups among some examples.
    pub fn groups(examples: &[Example]) -> usize {
        examples.iter().map(|e| e.group.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// How often each set of labels was given, by task and by its names joined by `|`.
    pub fn label_sets(&self, examples: &[Example]) -> BTreeMap<String, BTreeMap<String, usize>> {
        let sets = |(t, spec): (usize, &TaskSpec)| {
            let mut counts = BTreeMap::new();
            for set in examples.iter().filter_map(|e| e.gold[t].as_ref()) {
                *counts.entry(spec.names(set).collect::<Vec<_>>().join("|")).or_default() += 1;
            }
            (spec.name.clone(), counts)
        };
        self.tasks.iter().enumerate().map(sets).collect()
    }

    /// SHA-256 over examples as read, in hexadecimal: for each one line of JSON with id, group, text and, by task, the
    /// names of its gold labels, or null.
    pub fn sha256(&self, examples: &[Example]) -> String {
        let mut hash = Sha256::new();
        for example in examples {
            // By name of the task, in whichever order they were asked for.
            let gold: BTreeMap<&str, Option<Vec<&str>>> = self
                .tasks
                .iter()
                .zip(&example.gold)
                .map(|(spec, gold)| (&*spec.name, gold.as_ref().map(|set| spec.names(set).collect())))
                .collect();
            hash.update(serde_json::json!([example.id, example.group, example.text, gold]).to_string());
            hash.update(b"\n");
        }
        digits(hash)
    }
}

fn in_order_of_place(faults: &mut [Error]) {
    faults.sort_by_key(|e| (e.path().map(Path::to_path_buf), e.line_number()));
}

struct LabelledFile {
    path: String,
    columns: IndexSet<String>,
    rows: Vec<Row>,
    /// By row whether it is a single reading.
    readings: Vec<bool>,
}

/// What is left where no row can be read.
fn nothing_but(faults: Vec<Error>) -> (Checked, Vec<Error>) {
    let nothing =
        Dataset { tasks: Vec::new(), examples: Vec::new(), test: Vec::new(), readings: Vec::new(), notes: Vec::new() };
    (Checked { dataset: nothing, faults }, Vec::new())
}

fn quoted(names: &BTreeSet<&String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Where the tasks of a labelled file or directory are described, if they are.
fn description_of(path: &Path) -> PathBuf {
    let directory = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    directory.join(TASKS_FILE)
}

/// What is read of labels, as far as it can be: their files, and the description of their tasks.
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    let mut files = labelled_files(path).unwrap_or_default();
    files.push(description_of(path));
    files
}

/// The files of a labelled file or directory, by sorted path.
///
/// # Errors
///
/// Nothing at the path, a directory that cannot be listed or holds no labelled file.
fn labelled_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !reach(path)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let fault = |e: std::io::Error| Error::data(format!("cannot be listed: {e}")).at(path);
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fault)? {
        let entry = entry.map_err(fault)?.path();
        // A link to nowhere is taken too: reading says so.
        let is_file = reach(&entry).map_or(true, |there| there.is_file());
        if is_file && Format::of(&entry) != Format::Article {
            paths.push(entry);
        }
    }
    if paths.is_empty() {
        return Err(Error::data("no labelled files in this directory (found no .csv, .tsv or .jsonl file)").at(path));
    }
    paths.sort();
    Ok(paths)
}

fn read_files(path: &Path, columns: &Columns, faults: &mut Vec<Error>) -> Result<Vec<LabelledFile>> {
    let mut files: Vec<LabelledFile> = labelled_files(path)?
        .iter()
        .map(|path| {
            let source = Source::file(path);
            let rows = Rows::open(&source)?;
            let columns = rows.header().iter().cloned().collect();
            let path = source.id().to_string();
            let mut file = LabelledFile { path, columns, rows: Vec::new(), readings: Vec::new() };
            for row in rows {
                match row {
                    Ok(row) => {
                        for name in row.cells.keys() {
                            if !file.columns.contains(name) {
                                file.columns.insert(name.clone());
                            }
                        }
                        file.rows.push(row);
                    }
                    Err(fault) => faults.push(fault),
                }
            }
            Ok(file)
        })
        .collect::<Result<_>>()?;
    // A row that repeats an id with an annotator is a single reading, whatever else is wrong with it.
    let mut rows_of: HashMap<String, usize> = HashMap::new();
    let ids = files.iter().flat_map(|file| file.rows.iter().map(|row| id_of(row, &file.path, columns)));
    ids.flatten().for_each(|id| *rows_of.entry(id).or_default() += 1);
    for file in &mut files {
        let repeats = |row: &Row| id_of(row, &file.path, columns).is_ok_and(|id| rows_of[&id] > 1);
        let is_reading = |row: &Row| matches!(cell(row, ANNOTATOR), Ok(Some(_))) && repeats(row);
        file.readings = file.rows.iter().map(is_reading).collect();
    }
    Ok(files)
}

fn id_of(row: &Row, path: &str, columns: &Columns) -> Result<String> {
    let stated = cell(row, columns.id.as_deref().unwrap_or("id"))?;
    Ok(stated.unwrap_or_else(|| Place { path: path.to_string(), line: row.line }.name()))
}

/// The text of a cell that is not blank.
fn cell(row: &Row, name: &str) -> Result<Option<String>> {
    Ok(row.text(name)?.filter(|text| !text.trim().is_empty()))
}

fn no_row() -> Error {
    Error::data("no labelled paragraph (found no row; at least one needed)")
}

fn described_tasks(path: &Path, found: &BTreeSet<&String>) -> Result<Vec<TaskSpec>> {
    let file = description_of(path);
    if !file.is_file() {
        return Err(Error::usage(format!(
            "which columns hold labels? (found no {TASKS_FILE} beside the labels, and no --task; columns: {})",
            quoted(found)
        ))
        .at(path)
        .hint("--task COLUMN:multi or --task COLUMN:single, or a tasks.toml"));
    }
    let text = std::fs::read(&file)
        .map_err(|e| Error::data(format!("cannot be read: {e}")))
        .and_then(crate::text::decode)
        .map_err(|e| e.at(&file))?;
    TaskSpec::read_all(&text).map_err(|e| e.at(&file))
}

fn require_column(name: &String, files: &[LabelledFile], path: &Path) -> Result<()> {
    if files.iter().any(|f| f.columns.contains(name)) {
        return Ok(());
    }
    let found: BTreeSet<&String> = files.iter().flat_map(|f| &f.columns).collect();
    let place = if let [only] = files { only.path.clone() } else { path.display().to_string() };
    Err(Error::data(format!("no column `{name}` for the task of that name (found {})", quoted(&found)))
        .at(place)
        .line(1)
        .hint("correct the header, or name the task's column with --task COLUMN:multi or COLUMN:single"))
}

/// The labels of a cell: `None` where the paragraph is not labelled.
fn label_names(row: &Row, name: &str, kind: TaskKind) -> Result<Option<Vec<String>>> {
    let trimmed = |text: &str| text.trim().to_string();
    let names: Vec<String> = match row.cells.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(items)) if kind == TaskKind::Multi => items
            .iter()
            .map(|item| {
                item.as_str().map(trimmed).ok_or_else(|| {
                    let error = format!("column `{name}`: a label is no text (found {item}; allowed: strings)");
                    Error::data(error).line(row.line)
                })
            })
            .collect::<Result<_>>()?,
        Some(_) => {
            let cell = row.text(name)?.unwrap_or_default();
            match kind {
                TaskKind::Single => vec![trimmed(&cell)],
                TaskKind::Multi => cell.split('|').map(trimmed).collect(),
            }
        }
    };
    let names: Vec<String> = names.into_iter().filter(|label| !label.is_empty()).collect();
    if let Some(label) = names.iter().find(|label| label.contains('|')) {
        let allowed =
            if kind == TaskKind::Single { "one label" } else { "labels without `|`, which parts them in CSV" };
        let error = format!("column `{name}` holds no label (found `{label}`; allowed: {allowed})");
        return Err(Error::data(error).line(row.line));
    }
    Ok((kind == TaskKind::Multi || !names.is_empty()).then_some(names))
}

fn spec_from_data<'a>(name: &str, kind: TaskKind, files: &'a [LabelledFile]) -> Result<TaskSpec> {
    let mut labels = BTreeSet::new();
    let mut unreadable = None;
    // Where nothing is settled yet, readings are all there is.
    let any_settled = files.iter().any(|f| f.readings.contains(&false));
    let read = |f: &'a LabelledFile| {
        let rows = f.rows.iter().zip(&f.readings).filter(move |(_, reading)| !(any_settled && **reading));
        rows.map(move |(row, _)| (f, row))
    };
    for (file, row) in files.iter().flat_map(read) {
        match label_names(row, name, kind) {
            Ok(found) => labels.extend(found.unwrap_or_default()),
            Err(e) => {
                unreadable.get_or_insert(e.line(row.line).at(&file.path));
            }
        }
    }
    let spec = TaskSpec { name: name.to_string(), kind, labels: labels.into_iter().collect() };
    let Err(e) = spec.check() else { return Ok(spec) };
    // A cell that cannot be read is otherwise reported with its row, later.
    Err(match unreadable {
        Some(unreadable) => unreadable,
        None if files.iter().all(|f| f.rows.is_empty()) => no_row(),
        None => Error::data(format!("column `{name}` is no usable task: {}", e.message())),
    })
}

fn gold_labels(row: &Row, spec: &TaskSpec) -> Result<Option<LabelSet>> {
    let Some(names) = label_names(row, &spec.name, spec.kind)? else { return Ok(None) };
    let ids = names
        .iter()
        .map(|label| {
            spec.label_id(label).ok_or_else(|| {
                Error::data(format!(
                    "unknown label of task `{}` (found `{label}`; allowed: {})",
                    spec.name,
                    spec.labels.join(", ")
                ))
                .line(row.line)
            })
        })
        .collect::<Result<LabelSet>>()?;
    Ok(Some(ids))
}

fn assemble(
    files: Vec<LabelledFile>,
    columns: &Columns,
    tasks: Vec<TaskSpec>,
    notes: Vec<String>,
    faults: &mut Vec<Error>,
    faults_of_readings: &mut Vec<Error>,
) -> Dataset {
    struct Parsed {
        example: Example,
        annotator: String,
        is_reading: bool,
        test: bool,
    }
    let mut parsed: Vec<Parsed> = Vec::new();
    for file in &files {
        for (row, &is_reading) in file.rows.iter().zip(&file.readings) {
            let one = (|| -> Result<Parsed> {
                let cell = |name: &str| cell(row, name);
                let annotator = cell(ANNOTATOR)?.unwrap_or_default();
                let text = match cell(&columns.text)? {
                    Some(text) => text,
                    // A reading need not repeat the text of its settled row.
                    None if !annotator.is_empty() => String::new(),
                    None => {
                        let found = format!("no text (found an empty `{}`; allowed: a paragraph)", columns.text);
                        return Err(Error::data(found));
                    }
                };
                let place = Place { path: file.path.clone(), line: row.line };
                let id = id_of(row, &file.path, columns)?;
                let group = cell(columns.group.as_deref().unwrap_or("group"))?.unwrap_or_else(|| id.clone());
                let gold = tasks.iter().map(|spec| gold_labels(row, spec)).collect::<Result<_>>()?;
                let test = cell("split")?.is_some_and(|split| split.trim().eq_ignore_ascii_case("test"));
                let date = cell("date")?.map(|date| date.trim().to_string());
                Ok(Parsed { example: Example { id, group, text, gold, date, place }, annotator, is_reading, test })
            })();
            match one {
                Ok(one) => parsed.push(one),
                Err(fault) => {
                    let faults = if is_reading { &mut *faults_of_readings } else { &mut *faults };
                    faults.push(fault.line(row.line).at(&file.path));
                }
            }
        }
    }
    let mut settled: BTreeMap<String, Place> = BTreeMap::new();
    let mut dataset = Dataset { tasks, examples: Vec::new(), test: Vec::new(), readings: Vec::new(), notes };
    for Parsed { example, annotator, is_reading, test } in parsed {
        if is_reading {
            dataset.readings.push(Reading { id: example.id, annotator, gold: example.gold });
            continue;
        }
        if example.text.is_empty() {
            let found =
                format!("a reading without text of a paragraph that no other row holds (found id `{}`)", example.id);
            faults.push(Error::data(found).at(&example.place.path).line(example.place.line));
            continue;
        }
        if let Some(first) = settled.get(&example.id) {
            faults.push(
                Error::data(format!("id `{}` stands twice (first at {}:{})", example.id, first.path, first.line))
                    .at(&example.place.path)
                    .line(example.place.line)
                    .hint("give each paragraph its own id, or name the readers in an `annotator` column"),
            );
            continue;
        }
        settled.insert(example.id.clone(), example.place.clone());
        if test { dataset.test.push(example) } else { dataset.examples.push(example) }
    }
    let unsettled: BTreeSet<&String> =
        dataset.readings.iter().map(|r| &r.id).filter(|id| !settled.contains_key(*id)).collect();
    if !unsettled.is_empty() {
        let note =
            format!("{} paragraphs have readings but no settled row (an empty annotator): left out", unsettled.len());
        dataset.notes.push(note);
    }
    dataset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_name_are_told_by_their_texts_since_lines_move() {
        let row = |line: u64, text: &str| {
            let place = Place { path: "t.csv".into(), line };
            Example { id: place.name(), group: place.name(), text: text.into(), gold: vec![], date: None, place }
        };
        let judged = [row(2, "la marée monte"), row(3, "la braise luit")];
        let examples = vec![row(2, "le vent tourne"), row(3, "le four chauffe"), row(4, "La marée monte !")];
        let mut dataset = Dataset { tasks: vec![], examples, test: vec![], readings: vec![], notes: vec![] };
        assert_eq!(dataset.keep_apart(&judged), 1);
        let left: Vec<&str> = dataset.examples.iter().map(|e| e.text.as_str()).collect();
        assert_eq!(left, ["le vent tourne", "le four chauffe"]);
    }
}
