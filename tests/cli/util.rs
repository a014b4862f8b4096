//! A temporary directory and the program run in it.

use assert_cmd::Command;
use std::path::PathBuf;
use tempfile::TempDir;

pub struct Place {
    directory: TempDir,
}

pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        Place { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all files, to see that nothing half written is left behind.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    pub fn run_with_input(&self, arguments: &[&str], stdin: &str) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_rubrique"))
            .args(arguments)
            .current_dir(self.directory.path())
            .write_stdin(stdin)
            .output()
            .unwrap();
        let ran = Ran {
            code: output.status.code().expect("no signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran
    }

    /// A small labelled set: two subjects told apart by their words, in articles of two paragraphs.
    pub fn with_small_labels(self) -> Self {
        self.write("labels/tasks.toml", TASKS);
        self.write("labels/small.csv", small_labels());
        self
    }
}

pub const TASKS: &str = "[tasks.subject]\nkind = \"multi\"\nlabels = [\"sea\", \"hill\"]\n\
                         [tasks.mood]\nkind = \"single\"\nlabels = [\"good\", \"bad\"]\n";

pub fn small_labels() -> String {
    let sea = [
        "La marée monte sur le port",
        "Le bateau quitte la baie",
        "Les pêcheurs vendent la morue",
        "La houle bat la digue",
    ];
    let hill = [
        "Le berger monte au col",
        "La neige couvre le sommet",
        "Le troupeau quitte l'alpage",
        "Le sentier longe la crête",
    ];
    let good = ["et tout va bien", "sous un beau soleil", "dans la joie"];
    let bad = ["et tout va mal", "sous une pluie triste", "dans la peine"];
    let mut csv = String::from("id,group,text,subject,mood\n");
    for i in 0..48 {
        let (subject, words) = match i % 4 {
            0 | 1 => ("sea", sea[i / 4 % 4]),
            2 => ("hill", hill[i / 4 % 4]),
            _ => ("sea|hill", "Du sommet de la crête on voit la baie et le port"),
        };
        let (mood, end) = if i % 3 == 0 { ("good", good[i / 3 % 3]) } else { ("bad", bad[i / 3 % 3]) };
        csv += &format!("p{i},g{},{words} {end} numéro {i}.,{subject},{mood}\n", i / 2);
    }
    csv
}
