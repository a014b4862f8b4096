//! The commands of README and data card, run as they stand there, with the output that they show.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

/// The console blocks: each command with the lines shown under it.
fn commands() -> Vec<(String, Vec<String>)> {
    let text = ["README.md", "labels/README.md"].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for block in text.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => found.push((command.to_string(), Vec::new())),
                None => found.last_mut().unwrap().1.push(line.to_string()),
            }
        }
    }
    found
}

/// Commands that take minutes in a test build: `.ci/run` runs them in a release build.
const IN_CI: [&str; 1] = ["tune labels --task tone:single --folds 3 --inner-folds 2 --winner"];

#[test]
fn each_command_succeeds_and_prints_what_is_shown() {
    let place = tempfile::tempdir().unwrap();
    for name in ["labels", "seeds", "models"] {
        std::fs::create_dir(place.path().join(name)).unwrap();
        for entry in std::fs::read_dir(Path::new(name)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, place.path().join(&path)).unwrap();
        }
    }
    let commands = commands();
    assert!(commands.len() >= 8, "the README has lost its commands");
    for (command, shown) in commands {
        let arguments = match command.strip_prefix("rubrique ").or(command.strip_prefix("cargo run --release -- ")) {
            Some(arguments) => arguments,
            None => {
                assert_eq!(command, "cargo test", "a command that nothing runs");
                continue;
            }
        };
        if let Some(slow) = IN_CI.iter().find(|slow| arguments.starts_with(**slow)) {
            assert!(std::fs::read_to_string(".ci/run").unwrap().contains(slow), "{slow} is not in .ci/run");
            continue;
        }
        let output = Command::new(env!("CARGO_BIN_EXE_rubrique"))
            .args(arguments.split(' '))
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let shown: Vec<&str> = shown.iter().map(String::as_str).take_while(|line| *line != "…").collect();
        let printed: Vec<&str> = printed.lines().take(shown.len()).collect();
        assert_eq!(printed, shown, "{command}");
    }
}
