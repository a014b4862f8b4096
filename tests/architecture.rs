//! The rooms of DESIGN.md and the arrows between them: data flows one way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The table under "Rooms" in DESIGN.md: the room and what it may use.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let design = std::fs::read_to_string("DESIGN.md").unwrap();
    let rooms = design.split("## Rooms").nth(1).unwrap().split("\n## ").next().unwrap();
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches('/').to_string()).collect()
    };
    rooms
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            (names(cells[1]).into_iter().next().unwrap(), names(cells[3]))
        })
        .collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// `src/text/rows.rs` is in room `text`, `src/split.rs` in room `split`.
fn room_of(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap().with_extension("");
    below.components().next().unwrap().as_os_str().to_string_lossy().into_owned()
}

#[test]
fn every_arrow_between_rooms_is_one_that_design_md_allows() {
    let allowed = allowed();
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut seen = BTreeSet::new();
    for path in files {
        let room = room_of(&path);
        if room == "lib" {
            continue;
        }
        // The program is another crate: it may use the library, and the library cannot use it.
        let of_program = room == "main" || room == "cli";
        let may_use = allowed.get(&room).unwrap_or_else(|| panic!("{} is in no room of DESIGN.md", path.display()));
        seen.insert(room.clone());
        let text = std::fs::read_to_string(&path).unwrap();
        // What tests use is their own affair.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (at, _) in text.match_indices("crate::") {
            let rest = &text[at + "crate::".len()..];
            let used: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let root_item = used.starts_with(char::is_uppercase);
            assert!(
                of_program || used == room || root_item || may_use.contains(&used),
                "{}: room `{room}` may not use `{used}` (DESIGN.md allows {may_use:?})",
                path.display()
            );
        }
    }
    assert_eq!(seen, allowed.into_keys().collect(), "every room of DESIGN.md exists");
}

#[test]
fn metrics_reports_and_comparisons_never_see_a_model() {
    for name in ["answers", "compare", "interval", "metrics", "report", "validate"] {
        let text = std::fs::read_to_string(format!("src/eval/{name}.rs")).unwrap();
        assert!(!text.contains("model::") && !text.contains("crate::model"), "{name} uses a model");
    }
}
