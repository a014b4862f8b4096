//! The file in which a search keeps its scores, so that it can be stopped and taken up again.
//!
//! One line of JSON that says what the scores depend on, then one a score. Lines are only ever added; a last line that was
//! not written whole is dropped.

use rubrique::error::{Error, Result};
use rubrique::eval::{ScoreKey, Scores, TuningIdentity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const SCHEMA: &str = "rubrique.search/1";

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    key: ScoreKey,
    // Named here because a line without a score is damaged; one whose score is undefined holds null.
    #[serde(deserialize_with = "Option::deserialize")]
    score: Option<f64>,
}

pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Opens a journal, or begins one where there is none, and gives the scores that it holds.
    pub fn open(path: &Path, identity: &TuningIdentity) -> Result<(Journal, Scores)> {
        let mut header = Map::from_iter([("schema".to_string(), Value::from(SCHEMA))]);
        if let Ok(Value::Object(identity)) = serde_json::to_value(identity) {
            header.extend(identity);
        }
        let first = format!("{}\n", Value::Object(header.clone()));
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(Error::usage("is no file (allowed: a file of an earlier search, or none)").at(path));
        }
        let unreadable =
            |e: &dyn std::fmt::Display| Error::artifact(format!("the search cannot be read: {e}")).at(path);
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(unreadable(&e)),
        };
        // A last line may be cut anywhere, inside a character too.
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let text = std::str::from_utf8(&bytes[..whole]).map_err(|e| unreadable(&e))?;
        let known = match text.split_once('\n') {
            // What a search leaves that was stopped at its very first line; anything else is somebody's file.
            None if first.as_bytes().starts_with(&bytes) => Scores::new(),
            None => return Err(damaged(1).at(path)),
            Some((found, lines)) => {
                refuse_others(found, &header).map_err(|e| e.at(path))?;
                scores(lines).map_err(|e| e.at(path))?
            }
        };
        let open = || {
            // Whatever another search adds meanwhile stays.
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            if whole < bytes.len() {
                file.set_len(whole as u64)?;
            }
            if whole == 0 {
                file.write_all(first.as_bytes())?;
            }
            Ok(file)
        };
        let file = open().map_err(|e: std::io::Error| cannot_write(path, &e))?;
        Ok((Journal { path: path.to_path_buf(), file: Mutex::new(file) }, known))
    }

    /// Adds scores.
    pub fn keep(&self, scores: &Scores) -> Result<()> {
        let mut text = String::new();
        for (key, score) in scores {
            text += &serde_json::to_string(&Line { key: key.clone(), score: *score }).unwrap_or_default();
            text.push('\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes()).map_err(|e| cannot_write(&self.path, &e))
    }
}

/// Scores that depend on anything else are of no use here.
fn refuse_others(found: &str, wanted: &Map<String, Value>) -> Result<()> {
    let Ok(Value::Object(found)) = serde_json::from_str(found) else { return Err(damaged(1)) };
    for (name, value) in wanted {
        let theirs = found.get(name).unwrap_or(&Value::Null);
        if theirs != value {
            return Err(Error::artifact(format!(
                "a search that differs in {name} (found {theirs}; this one is {value})"
            ))
            .hint("name another file with --resume, or search again as before"));
        }
    }
    Ok(())
}

fn scores(lines: &str) -> Result<Scores> {
    let line = |(i, line): (usize, &str)| {
        let Line { key, score } = serde_json::from_str(line).map_err(|_| damaged(i as u64 + 2))?;
        Ok((key, score))
    };
    lines.lines().enumerate().map(line).collect()
}

fn damaged(line: u64) -> Error {
    Error::artifact("not a line of a search").line(line).hint("name another file with --resume")
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("the search cannot be kept: {error}")).at(path)
}
