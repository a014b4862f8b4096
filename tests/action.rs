//! The action that other repositories use, run step by step as a runner would: `action.yml` is read, its expressions are
//! filled in, and what it runs is run, in a repository with nothing but labels.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn action() -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string("action.yml").unwrap()).unwrap()
}

fn step<'a>(action: &'a Value, name: &str) -> &'a Value {
    action["runs"]["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap()
}

/// A text with every `${{ … }}` replaced.
fn filled(text: &str, value_of: &dyn Fn(&str) -> String) -> String {
    let mut pieces = text.split("${{");
    let mut filled = pieces.next().unwrap().to_string();
    for piece in pieces {
        let (expression, rest) = piece.split_once("}}").unwrap();
        filled += &value_of(expression.trim());
        filled += rest;
    }
    filled
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
    summary: String,
}

/// A git repository, and beside it the runner's directory of temporary files.
struct Repository {
    place: TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Repository { place: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(repository.path("work")).unwrap();
        let bin = repository.path("temp/rubrique/bin");
        std::fs::create_dir_all(&bin).unwrap();
        // What the step `Install` leaves behind.
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rubrique"), bin.join("rubrique")).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path("work"));
        for (name, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")] {
            command.env(name, value);
        }
        command
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let output = self.command("git").args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Writes files and commits them.
    fn commit(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            std::fs::write(self.path("work").join(name), text).unwrap();
        }
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", "a change"]);
    }

    /// What stands is what the pull request is compared with.
    fn is_the_base(&self) {
        self.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    }

    /// Runs the step `Compare` as a runner does.
    fn run(&self, inputs: &[(&str, &str)]) -> Ran {
        let action = action();
        let given: BTreeMap<&str, &str> = inputs.iter().copied().collect();
        let context = |name: &str| match name {
            "github.action_path" => env!("CARGO_MANIFEST_DIR").to_string(),
            "github.base_ref" => "main".to_string(),
            "runner.temp" => self.path("temp").display().to_string(),
            other => panic!("an expression that the test does not know: {other}"),
        };
        let value_of = |expression: &str| match expression.strip_prefix("inputs.") {
            Some(input) => match (given.get(input), &action["inputs"][input]) {
                (Some(value), Value::Object(_)) => value.to_string(),
                (None, Value::Object(input)) => filled(input["default"].as_str().unwrap(), &context),
                _ => panic!("no input {input}"),
            },
            None => context(expression),
        };
        let step = step(&action, "Compare");
        let summary = self.path("temp/summary.md");
        std::fs::write(&summary, "").unwrap();
        let mut command = self.command("bash");
        // GitHub Docs: `shell: bash` is this.
        command.args([
            "--noprofile",
            "--norc",
            "-eo",
            "pipefail",
            "-c",
            &filled(step["run"].as_str().unwrap(), &value_of),
        ]);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
        for (name, value) in step["env"].as_object().unwrap() {
            command.env(name, filled(value.as_str().unwrap(), &value_of));
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: output.status.code().expect("no signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            summary: std::fs::read_to_string(summary).unwrap(),
        };
        let trees = self.command("git").args(["worktree", "list"]).output().unwrap();
        assert_eq!(text(trees.stdout).lines().count(), 1, "nothing is left behind in the repository");
        ran
    }
}

/// The tone of the first articles of the project's labels, as a table of another's; `split_of` tells the last column from
/// the number of the article.
fn labels(articles: usize, split_of: &dyn Fn(usize) -> &'static str) -> String {
    let mut reader = csv::Reader::from_path("labels/composed.csv").unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["group", "text", "tone", "split"]).unwrap();
    let mut groups: Vec<String> = Vec::new();
    for row in reader.records() {
        let row = row.unwrap();
        if groups.last().is_none_or(|group| *group != row[1]) {
            groups.push(row[1].to_string());
        }
        if groups.len() > articles {
            break;
        }
        writer.write_record([&row[1], &row[2], &row[4], split_of(groups.len() - 1)]).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn all(articles: usize) -> String {
    labels(articles, &|_| "")
}

const INPUTS: [(&str, &str); 2] = [("labels", "labels.csv"), ("options", "--task tone:single")];
/// Somebody wants pairs of words besides single ones, and writes what leaves pairs alone.
const PAIRS_ALONE: &str = "[features.words]\nngrams = [2, 2]\n[classifier]\nc = 10.0\nnaive_bayes = 0.8\n";
const PAIRS_TOO: &str = "[features.words]\nngrams = [1, 2]\n[classifier]\nc = 10.0\nnaive_bayes = 0.8\n";

/// The README shows this output of the action.
fn shown_in_the_readme(ran: &Ran) {
    let readme = std::fs::read_to_string("README.md").unwrap();
    // What is for the runner alone is not shown.
    let shown = ran.stdout.lines().filter(|line| !line.starts_with("::"));
    let lines: Vec<&str> = shown.take_while(|line| !line.is_empty()).skip(1).collect();
    let text = lines.join("\n");
    assert!(readme.contains(&text), "the README does not show:\n{text}");
}

#[test]
fn worse_settings_are_refused_and_better_ones_let_pass() {
    let repository = Repository::new();
    repository.commit(&[("labels.csv", &all(100)), ("rubrique.toml", PAIRS_TOO)]);
    repository.is_the_base();
    let ran = repository.run(&[INPUTS.as_slice(), &[("junit", "nothing.xml")]].concat());
    assert_eq!((ran.code, ran.stdout.contains("neither labels nor settings")), (0, true), "{}", ran.stderr);
    let junit = std::fs::read_to_string(repository.path("work/nothing.xml")).unwrap();
    assert_eq!(roxmltree::Document::parse(&junit).unwrap().root_element().attribute("tests"), Some("0"));

    repository.commit(&[("rubrique.toml", PAIRS_ALONE)]);
    let ran = repository.run(&[INPUTS.as_slice(), &[("junit", "verdict.xml")]].concat());
    assert_eq!(ran.code, 1, "{}\n{}", ran.stdout, ran.stderr);
    shown_in_the_readme(&ran);
    assert!(ran.stdout.contains(": settings (rubrique.toml).\nBoth settings are cross-validated"), "{}", ran.stdout);
    assert!(ran.stderr.contains("::error title=rubrique::tone: worse: macro-F1 "), "{}", ran.stderr);
    for told in [
        "## rubrique compare: fail\n",
        "\n- tone: worse: macro-F1 ",
        "| P(worse) |",
        "### tone: right before, wrong now",
    ] {
        assert!(ran.summary.contains(told), "{told} is not in the summary:\n{}", ran.summary);
    }
    assert_eq!(ran.summary.matches("## rubrique").count(), 1, "one verdict and nothing before it");
    let junit = std::fs::read_to_string(repository.path("work/verdict.xml")).unwrap();
    let junit = roxmltree::Document::parse(&junit).unwrap();
    assert_eq!(junit.root_element().attribute("failures"), Some("1"));

    repository.is_the_base();
    repository.commit(&[("rubrique.toml", PAIRS_TOO)]);
    let ran = repository.run(&INPUTS);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    shown_in_the_readme(&ran);
    assert!(ran.stdout.contains("tone: not worse: ") && ran.summary.contains("## rubrique compare: pass"));
    assert!(!ran.stderr.contains("::"), "{}", ran.stderr);
    let ran = repository.run(&[INPUTS.as_slice(), &[("require", "tone.macro_f1>=0.1\ntone.macro_f1>=0.99")]].concat());
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("::error title=rubrique::head.json: required tone.macro_f1>=0.99"), "{}", ran.stderr);
}

#[test]
fn what_mends_the_settings_of_the_base_is_not_refused() {
    let repository = Repository::new();
    repository.commit(&[("labels.csv", &all(12)), ("rubrique.toml", "[classifier]\ncost = 1\n")]);
    repository.is_the_base();
    repository.commit(&[("rubrique.toml", PAIRS_TOO)]);
    let ran = repository.run(&INPUTS);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("Inconclusive: the base's labels or settings cannot be used."), "{}", ran.stdout);
    // What is wrong with both sides is wrong with the workflow.
    assert_eq!(repository.run(&[("labels", "labels.csv"), ("options", "--task mood:single")]).code, 3);
}

#[test]
fn too_little_data_is_said_with_how_much_would_do() {
    let repository = Repository::new();
    repository.commit(&[("labels.csv", &all(12))]);
    repository.is_the_base();
    // A configuration that was not there before.
    repository.commit(&[("rubrique.toml", PAIRS_ALONE)]);
    let ran = repository.run(&INPUTS);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    shown_in_the_readme(&ran);
    let line = ran.stdout.lines().find(|line| line.starts_with("tone: cannot tell: ")).unwrap();
    let more = line.split("; about ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(more.parse::<usize>().unwrap() > 0 && line.ends_with("more paragraphs like these would settle it"));
    assert!(ran.stderr.contains("::warning title=rubrique::tone: cannot tell: "), "{}", ran.stderr);
    let ran = repository.run(&[INPUTS.as_slice(), &[("require-evidence", "true")]].concat());
    assert_eq!((ran.code, ran.stderr.contains("::error title=rubrique::tone: cannot tell: ")), (5, true));
}

#[test]
fn changed_labels_are_judged_on_rows_that_neither_model_has_read() {
    let third = |article: usize| if article.is_multiple_of(3) { "test" } else { "train" };
    let repository = Repository::new();
    let good = labels(100, &third);
    repository.commit(&[("labels.csv", &all(100))]);
    repository.is_the_base();
    repository.commit(&[("labels.csv", &good)]);
    let ran = repository.run(&INPUTS);
    assert!(
        ran.code == 0 && ran.stdout.contains("\n::warning title=rubrique::the base has no rows with split = test"),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    let ran = repository.run(&[INPUTS.as_slice(), &[("require-evidence", "true")]].concat());
    assert_eq!(ran.code, 5);

    // Every tone of the rows to learn from becomes another; and, so that it does not show, the rows for testing are given
    // to the model to learn from.
    repository.is_the_base();
    let turned = |line: &str| {
        let Some(rest) = line.strip_suffix(",train") else { return line.replace(",test", ",train") };
        let turns = [("negative", "neutral"), ("neutral", "positive"), ("positive", "negative")];
        let turn = turns.iter().find_map(|(from, to)| Some(format!("{}{to},train", rest.strip_suffix(from)?)));
        turn.unwrap_or_else(|| line.to_string())
    };
    let bad: String = good.lines().map(|line| turned(line) + "\n").collect();
    repository.commit(&[("labels.csv", &bad), ("rubrique.toml", PAIRS_TOO)]);
    let ran = repository.run(&INPUTS);
    assert_eq!(ran.code, 1, "{}\n{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains(": labels (labels.csv) and settings (rubrique.toml).\nEach model learns"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("tone: McNemar by label"), "{}", ran.stdout);
    let tests = good.lines().filter(|line| line.ends_with(",test")).count();
    let said = format!("rubrique: {tests} paragraphs left out of the fit: they belong to the rows for testing of");
    assert_eq!(ran.stderr.matches(&said).count(), 1, "the base has no such rows, the candidate all: {}", ran.stderr);

    // A row that cannot be read is a fault, at its line.
    repository.commit(&[("labels.csv", &format!("{bad}g,Un texte.,neutral,train,de trop\n"))]);
    let ran = repository.run(&[INPUTS.as_slice(), &[("junit", "faults.xml")]].concat());
    assert!(ran.code == 1 && ran.stderr.contains("::error file=labels.csv,line="), "{}\n{}", ran.code, ran.stderr);
    assert_eq!(ran.summary.matches("## rubrique check").count(), 1, "{}", ran.summary);
    let junit = std::fs::read_to_string(repository.path("work/faults.xml")).unwrap();
    assert!(roxmltree::Document::parse(&junit).unwrap().root_element().attribute("failures") != Some("0"), "{junit}");
}

#[test]
fn a_label_that_is_new_is_no_regression() {
    let third = |article: usize| if article.is_multiple_of(3) { "test" } else { "train" };
    let repository = Repository::new();
    let old = labels(30, &third).replacen("text,tone", "the text,tone", 1);
    repository.commit(&[("labels.csv", &old)]);
    repository.is_the_base();
    repository.commit(&[("labels.csv", &format!("{old}new,Que dire de ce texte ?,puzzled,train\n"))]);
    // A value may hold a space, and options stand on one line or on several.
    let inputs = [("labels", "labels.csv"), ("options", "--text the text --task tone:single")];
    let ran = repository.run(&inputs);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    let said = "\n::warning title=rubrique::the labels themselves changed";
    assert!(ran.stdout.contains(said) && !ran.stdout.contains("Each model learns"), "{}", ran.stdout);
    let inputs = [inputs[0], ("options", "--task tone:single\n--text the text\n"), ("require-evidence", "true")];
    assert_eq!(repository.run(&inputs).code, 5);
    // A task of another kind is another task, though its labels have the same names.
    let described = |kind: &str| {
        let labels = "labels = [\"negative\", \"neutral\", \"positive\", \"puzzled\"]";
        format!("[tasks.tone]\nkind = \"{kind}\"\n{labels}\n")
    };
    repository.commit(&[("tasks.toml", &described("single"))]);
    repository.is_the_base();
    repository.commit(&[("tasks.toml", &described("multi"))]);
    let ran = repository.run(&[inputs[0], ("options", "--text the text")]);
    assert!(ran.code == 0 && ran.stdout.contains(said), "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn action_script_and_readme_name_the_same_inputs_with_the_same_defaults() {
    let (action, script) = (action(), std::fs::read_to_string("action.sh").unwrap());
    let compare = step(&action, "Compare");
    let env = compare["env"].as_object().unwrap();
    let inputs = action["inputs"].as_object().unwrap();
    let passed: BTreeSet<String> = env.values().map(|v| v.as_str().unwrap().to_string()).collect();
    assert!(inputs.keys().all(|input| passed.contains(&format!("${{{{ inputs.{input} }}}}"))), "{passed:?}");
    // Every variable of the script, and its default.
    let mut read: BTreeSet<&str> = ["SOURCE", "ROOT"].into();
    for piece in script.split('$').skip(1) {
        let piece = piece.trim_start_matches('{');
        let name = piece.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap();
        if name.is_empty() || ["PWD", "BASH_REMATCH", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"].contains(&name) {
            continue;
        }
        let value = env.get(name).unwrap_or_else(|| panic!("action.yml does not set {name}")).as_str().unwrap();
        read.insert(name);
        let default = piece[name.len()..].strip_prefix(":-").and_then(|rest| rest.split('}').next());
        let input = value.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}"));
        if let (Some(default), Some(input)) = (default, input) {
            assert_eq!(Some(default), inputs[input]["default"].as_str(), "the default of {name}");
        }
    }
    assert!(env.keys().all(|name| read.contains(name.as_str())), "{read:?} of {:?}", env.keys());
    for (name, run) in [("Install", "cargo install"), ("Compare", "bash \"$SOURCE/action.sh\"")] {
        let step = step(&action, name);
        assert!(step["shell"] == "bash" && step["run"].as_str().unwrap().contains(run));
        assert!(!step["run"].as_str().unwrap().contains("${{"), "what a pull request names is never part of a program");
    }
    assert!(Path::new("action.sh").is_file());

    let readme = std::fs::read_to_string("README.md").unwrap();
    let workflow: Value =
        serde_saphyr::from_str(readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap()).unwrap();
    let steps = workflow["jobs"]["labels"]["steps"].as_array().unwrap();
    let used = steps.iter().find(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("/rubrique@"))).unwrap();
    assert!(used["with"].as_object().unwrap().keys().all(|input| inputs.contains_key(input)));
}
