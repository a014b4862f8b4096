//! The command line: arguments in, exit code out.
//!
//! In: what was typed. Out: results on stdout, everything else on stderr, and an exit code. The only room that knows of
//! terminals and exit codes; nobody uses it.

mod adapt;
mod check;
mod classify;
mod compare;
mod evaluate;
mod github;
mod inspect;
mod journal;
mod options;
mod stream;
mod train;
mod tune;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use rubrique::error::{Category, Error, on_one_line};
use std::io::Write;
use std::process::ExitCode;

/// Label paragraphs of the French-language press by theme and tone
#[derive(Parser)]
#[command(version, about, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no: `compare` failed, `check` found faults
  2  wrong usage
  3  input data could not be read or is wrong
  4  a model or report file could not be read, is damaged, or does not match
  5  `compare` is inconclusive and --require-evidence was given";

#[derive(Subcommand)]
enum Command {
    Train(train::Args),
    Classify(classify::Args),
    Evaluate(evaluate::Args),
    Compare(compare::Args),
    Tune(tune::Args),
    Adapt(adapt::Args),
    Check(check::Args),
    Inspect(inspect::Args),
}

/// Why a command ended early.
pub(crate) enum Stop {
    /// Something is wrong; the message has not been printed.
    Failed(Error),
    /// Data was wrong and has been reported; the rest is done.
    Reported,
    /// The answer is no, and the results say why.
    No,
    /// There is no answer, and one was required.
    NoEvidence,
    /// The reader of stdout went away, which is no error.
    PipeClosed,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Stop::PipeClosed
        } else {
            Stop::Failed(Error::usage(format!("the output cannot be written: {error}")))
        }
    }
}

pub(crate) type Outcome = Result<(), Stop>;

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Train(args) => train::run(&args),
        Command::Classify(args) => classify::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Tune(args) => tune::run(&args),
        Command::Adapt(args) => adapt::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Inspect(args) => inspect::run(&args),
    };
    match outcome {
        Ok(()) | Err(Stop::PipeClosed) => ExitCode::SUCCESS,
        Err(Stop::No) => ExitCode::from(1),
        Err(Stop::NoEvidence) => ExitCode::from(5),
        Err(Stop::Reported) => ExitCode::from(3),
        Err(Stop::Failed(error)) => {
            complain(&error);
            if error.category() == Category::Data {
                github::annotate(std::slice::from_ref(&error));
            }
            ExitCode::from(match error.category() {
                Category::Usage => 2,
                Category::Data => 3,
                Category::Artifact => 4,
            })
        }
    }
}

/// Prints an error; where it cannot be printed, the exit code still tells.
pub(crate) fn complain(error: &Error) {
    let _ = writeln!(std::io::stderr(), "rubrique: {error}");
}

/// Prints what a user may want to know, unless asked to be quiet.
pub(crate) fn note(quiet: bool, text: &str) {
    if !quiet {
        let _ = writeln!(std::io::stderr(), "rubrique: {}", on_one_line(text));
    }
}

/// A bar that shows how many steps of this name are done, unless asked to be quiet.
pub(crate) fn progress(quiet: bool, steps: usize, name: &str) -> ProgressBar {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(steps as u64) };
    let template = format!("{{bar:30}} {{pos}}/{{len}} {name}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_arguments_is_sound() {
        Cli::command().debug_assert();
    }
}
