//! What GitHub's runners read: step summaries and annotations. Where their variables are not set, nothing happens.
//!
//! Source: GitHub Docs, "Workflow commands for GitHub Actions".

use super::Stop;
use rubrique::error::Error;
use std::io::Write;

/// Annotations that one step may make.
const MOST_ANNOTATIONS: usize = 10;

/// Appends Markdown to the file named by `GITHUB_STEP_SUMMARY`, if there is one.
pub fn append_summary(markdown: impl FnOnce() -> String) -> Result<(), Stop> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let write = || std::fs::OpenOptions::new().create(true).append(true).open(&path)?.write_all(markdown().as_bytes());
    write().map_err(|e| Error::usage(format!("the step summary cannot be written: {e}")).at(&path).into())
}

/// Shows faults of the data at their lines, on a runner.
pub fn annotate(faults: &[Error]) {
    for fault in faults.iter().take(MOST_ANNOTATIONS) {
        let mut place = String::new();
        if let Some(path) = fault.path() {
            place += &format!("file={}", property(&path.display().to_string()));
        }
        if let Some(line) = fault.line_number() {
            place += &format!("{}line={line}", if place.is_empty() { "" } else { "," });
        }
        command(&format!("error {place}"), fault.message());
    }
}

/// Shows what a comparison says of the candidate, on a runner; `is_error` or a warning.
pub fn announce(is_error: bool, text: &str) {
    command(if is_error { "error title=rubrique" } else { "warning title=rubrique" }, text);
}

/// On stderr, where a runner reads it; stdout is for results.
fn command(name: &str, text: &str) {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|set| set == "true") {
        let _ = writeln!(std::io::stderr(), "::{name}::{}", data(text));
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_or_a_property_is_escaped() {
        assert_eq!(property("a:b,100 %\n"), "a%3Ab%2C100 %25%0A");
        assert_eq!(data("a:b,c"), "a:b,c");
    }
}
