//! Options that mean the same in every command.

use super::{Stop, note};
use clap::{Args, ValueEnum};
use rubrique::dataset::{Dataset, TaskChoice, files_of};
use rubrique::error::{Error, Result};
use rubrique::eval::Report;
use rubrique::model::Config;
use rubrique::store::PendingFile;
use rubrique::task::TaskKind;
use rubrique::text::{Columns, Format};
#[cfg(unix)]
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// More threads than any machine has processors take longer to start than most texts to read.
const MOST_THREADS: usize = 1024;

/// How much is said, and by how many threads.
#[derive(Args)]
pub struct Common {
    /// Threads to use; never changes a result [default: all]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Say nothing but errors on stderr
    #[arg(long)]
    pub quiet: bool,
}

impl Common {
    /// Sets the number of threads.
    pub fn start(&self) -> Result<()> {
        match self.threads {
            Some(n) if !(1..=MOST_THREADS).contains(&n) => {
                Err(Error::usage(format!("--threads {n} (allowed: 1 to {MOST_THREADS})")))
            }
            Some(n) => rayon::ThreadPoolBuilder::new()
                .num_threads(n)
                .build_global()
                .map_err(|e| Error::usage(format!("threads cannot be started: {e}"))),
            None => Ok(()),
        }
    }
}

/// Which columns of a labelled file are read.
#[derive(Args)]
pub struct DataOptions {
    #[command(flatten)]
    pub columns: ColumnOptions,
    /// A task and the column that holds its labels: NAME:multi or NAME:single [default: tasks.toml beside the labels]
    #[arg(long = "task", value_name = "NAME:KIND", value_parser = task)]
    pub tasks: Vec<(String, TaskKind)>,
}

impl DataOptions {
    /// The tasks asked for.
    pub fn choice(&self) -> TaskChoice {
        if self.tasks.is_empty() { TaskChoice::Described } else { TaskChoice::Columns(self.tasks.clone()) }
    }
}

/// How texts are read that nobody has labelled.
#[derive(Args)]
pub struct TextOptions {
    /// What standard input holds
    #[arg(long, value_name = "NAME", default_value = "article")]
    stdin_format: StdinFormat,
    #[command(flatten)]
    columns: ColumnOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum StdinFormat {
    Article,
    Csv,
    Tsv,
    Jsonl,
}

impl TextOptions {
    /// The layout of standard input.
    pub fn stdin_format(&self) -> Format {
        match self.stdin_format {
            StdinFormat::Article => Format::Article,
            StdinFormat::Csv => Format::Csv,
            StdinFormat::Tsv => Format::Tsv,
            StdinFormat::Jsonl => Format::Jsonl,
        }
    }

    /// The columns of tables.
    pub fn columns(&self) -> Columns {
        self.columns.columns()
    }
}

/// The columns of a foreign table.
#[derive(Args)]
pub struct ColumnOptions {
    /// Column of the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    pub text: String,
    /// Column of the id [default: id, else the file and line]
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Column of the article a row belongs to [default: group, else every row its own]
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
}

impl ColumnOptions {
    /// The same, as the library knows it.
    pub fn columns(&self) -> Columns {
        Columns { text: self.text.clone(), id: self.id.clone(), group: self.group.clone() }
    }
}

fn task(argument: &str) -> std::result::Result<(String, TaskKind), String> {
    let (name, kind) = argument.rsplit_once(':').unwrap_or((argument, ""));
    let kind = match kind {
        "multi" => TaskKind::Multi,
        "single" => TaskKind::Single,
        _ => return Err("allowed: NAME:multi or NAME:single, where NAME is a column".into()),
    };
    if name.is_empty() { Err("the name is empty".into()) } else { Ok((name.to_string(), kind)) }
}

/// Reads `--config`, or takes the shipped configuration.
pub fn read_config(path: Option<&Path>) -> Result<Config> {
    let Some(path) = path else { return Ok(Config::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::usage(format!("the configuration cannot be read: {e}")).at(path))?;
    Config::from_toml(&text).map_err(|e| e.at(path))
}

/// Reads a report of `evaluate`.
pub fn read_report(path: &Path) -> Result<Report> {
    let bytes = std::fs::read(path).map_err(|e| {
        Error::artifact(format!("the report cannot be read: {e}"))
            .at(path)
            .hint("make one with `rubrique evaluate LABELS --output REPORT.json`")
    })?;
    Report::from_json(&bytes).map_err(|e| e.at(path))
}

/// Settings for a task that the labels do not have are not used, which may be a slip of whoever made them.
pub fn warn_of_foreign_tasks(config: &Config, dataset: &Dataset, quiet: bool) {
    if *config == Config::default() {
        return;
    }
    for name in config.own_tasks() {
        if !dataset.tasks.iter().any(|t| t.name == name) {
            note(quiet, &format!("the configuration has settings for task `{name}`, which the labels do not have"));
        }
    }
}

/// More deals than these tell nothing new.
const MOST_REPEATS: usize = 1000;

/// Refuses numbers of repeats that make no cross-validation.
pub fn refuse_repeats(repeats: usize) -> Result<()> {
    if (1..=MOST_REPEATS).contains(&repeats) {
        return Ok(());
    }
    Err(Error::usage(format!("--repeats {repeats} (allowed: 1 to {MOST_REPEATS})")))
}

/// So many bytes are written at once.
const BUFFER: usize = 1 << 17;

/// Where results go: stdout, or a file that appears when it is complete.
pub enum Sink {
    Stdout(BufWriter<std::io::Stdout>),
    File(BufWriter<PendingFile>),
}

impl Sink {
    /// `-` and nothing are stdout.
    pub fn open(path: Option<&PathBuf>) -> Result<Self> {
        match path {
            Some(path) if path.as_os_str() != "-" => {
                #[cfg(unix)]
                let mut temporary = temporary_files();
                let file = PendingFile::create(path)?;
                #[cfg(unix)]
                temporary.extend(file.temporary_path().map(Path::to_path_buf));
                Ok(Sink::File(BufWriter::with_capacity(BUFFER, file)))
            }
            _ => Ok(Sink::Stdout(BufWriter::with_capacity(BUFFER, std::io::stdout()))),
        }
    }

    /// Writes a whole result. That a reader of stdout went away is no error, and changes no answer.
    pub fn write_whole(mut self, bytes: &[u8]) -> std::result::Result<(), Stop> {
        match self.write_all(bytes).map_err(Stop::from).and_then(|()| self.commit()) {
            Err(Stop::PipeClosed) => Ok(()),
            written => written,
        }
    }

    /// Completes the output.
    pub fn commit(self) -> std::result::Result<(), Stop> {
        match self {
            Sink::Stdout(mut out) => out.flush()?,
            Sink::File(out) => out.into_inner().map_err(|e| e.into_error())?.commit()?,
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Sink::Stdout(out) => out.write(bytes),
            Sink::File(out) => out.write(bytes),
        }
    }

    /// As above, at once: a row of JSON is written in many small parts.
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Sink::Stdout(out) => out.write_all(bytes),
            Sink::File(out) => out.write_all(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Sink::Stdout(out) => out.flush(),
            Sink::File(out) => out.flush(),
        }
    }
}

/// The temporary files of all outputs. When the program is interrupted or terminated they are removed, and it ends as the
/// signal would have it. Who holds the list may add to it before that.
#[cfg(unix)]
fn temporary_files() -> MutexGuard<'static, Vec<PathBuf>> {
    static FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    static WATCH: Once = Once::new();
    let files = || FILES.lock().unwrap_or_else(PoisonError::into_inner);
    WATCH.call_once(|| {
        // Where signals cannot be caught, files are left behind, and nothing else.
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                for file in files().iter() {
                    let _ = std::fs::remove_file(file);
                }
                let _ = emulate_default_handler(signal);
            }
        });
    });
    files()
}

/// Finds out whether a result of labels can be written before the work is done that it takes, and whether it would take the
/// place of them, or of other files that are read.
pub fn refuse_unwritable(path: Option<&PathBuf>, labels: &Path, others: &[Option<&PathBuf>]) -> Result<()> {
    // What is wrong with the labels is said when they are read.
    refuse_inputs(path, files_of(labels).iter().chain(others.iter().copied().flatten()))?;
    path.filter(|path| path.as_os_str() != "-").map_or(Ok(()), |path| PendingFile::check(path))
}

/// Refuses an output that is one of the files read.
pub fn refuse_inputs<P: AsRef<Path>>(output: Option<&PathBuf>, files: impl IntoIterator<Item = P>) -> Result<()> {
    // What does not exist yet is no input.
    let file = output.filter(|path| path.as_os_str() != "-");
    let Some((output, target)) = file.and_then(|path| Some((path, path.canonicalize().ok()?))) else {
        return Ok(());
    };
    if target.is_file() && files.into_iter().any(|file| file.as_ref().canonicalize().is_ok_and(|file| file == target)) {
        return Err(Error::usage("is read, and would be replaced (allowed: a file that is no input)")
            .at(output)
            .hint("give the output another name"));
    }
    Ok(())
}

/// Writes a whole result: see [`Sink::write_whole`].
pub fn write_result(path: Option<&PathBuf>, bytes: &[u8]) -> std::result::Result<(), Stop> {
    Sink::open(path)?.write_whole(bytes)
}

/// The format asked for, or the one that the output file's extension tells, or the first of `known`.
pub fn choose_format<F: Copy, const N: usize>(
    asked: Option<F>,
    output: Option<&PathBuf>,
    known: &[(&str, F); N],
) -> Result<F> {
    match (asked, output) {
        (Some(format), _) => Ok(format),
        (None, Some(path)) if path.as_os_str() != "-" => {
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
            known.iter().find(|(name, _)| *name == extension).map(|(_, format)| *format).ok_or_else(|| {
                let names: Vec<String> = known.iter().map(|(name, _)| format!(".{name}")).collect();
                Error::usage(format!("no format for extension `{extension}` (known: {})", names.join(", ")))
                    .at(path)
                    .hint("name the format with --format")
            })
        }
        _ => Ok(known[0].1),
    }
}
