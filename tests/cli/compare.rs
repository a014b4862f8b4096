//! `compare`: verdicts, exit codes, refusals.

use super::util::{Place, small_labels};
use serde_json::Value;

/// Reports of the shipped settings and of a ruined model, on the same folds.
fn place() -> Place {
    let place = Place::new().with_small_labels();
    place.write(
        "ruined.toml",
        "[classifier]\nc = 1e-5\nnaive_bayes = 0\ncalibration = \"none\"\nthresholds = 0.5\nclass_weight = \"none\"\n",
    );
    for (report, more) in
        [("good.json", vec![]), ("ruined.json", vec!["--config", "ruined.toml"]), ("seed.json", vec!["--seed", "7"])]
    {
        let ran = place.run(&[&["evaluate", "labels", "--repeats", "2", "--output", report], more.as_slice()].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    place
}

/// A report with other names for a task and a label.
fn text_of_names(report: &str) -> String {
    report.replace("\"subject\"", "\"the.sub>=ject\"").replace("\"sea\"", "\"U.S.\"")
}

#[test]
fn the_answer_does_not_hang_on_who_reads_it() {
    use std::process::{Command, Stdio};
    let place = place();
    place.write("bad.csv", "text,mood\nUne phrase.,good\nUne phrase.,bad\n");
    for arguments in [
        &["compare", "good.json", "ruined.json", "--format", "json"][..],
        &["check", "bad.csv", "--task", "mood:single"],
        &["classify", "nowhere.txt", "bad.csv"],
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_rubrique"));
        program.args(arguments).current_dir(place.path("")).stderr(Stdio::null());
        let heard = program.stdout(Stdio::null()).status().unwrap().code();
        let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
        // The pipe is closed before anything is written.
        drop(program.stdout.take());
        assert_eq!(program.wait().unwrap().code(), heard, "{arguments:?}");
        assert!(heard.is_some_and(|code| code != 0));
    }
}

#[test]
fn a_report_is_not_worse_than_itself() {
    let place = place();
    let ran = place.run(&["compare", "good.json", "good.json", "--threads", "2"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("subject: not worse: macro-F1"), "{}", ran.stdout);
    assert!(ran.stdout.contains("(0.000, 95 % from 0.000 to 0.000, 24 groups)"), "{}", ran.stdout);
}

#[test]
fn a_ruined_model_fails_and_its_mending_passes() {
    let place = place();
    let ran = place.run(&["compare", "good.json", "ruined.json", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let comparison: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mood = &comparison["tasks"]["mood"];
    assert_eq!((&comparison["verdict"], &mood["verdict"]), (&"fail".into(), &"fail".into()));
    let number = |key: &str| mood["decided_on"][key].as_f64().unwrap();
    assert!(number("high") < -0.02 && number("low") < number("high"));
    assert!((number("candidate") - number("baseline") - number("difference")).abs() < 1e-12);
    assert!(mood["posterior"]["worse"].as_f64().unwrap() > 0.97);
    assert!(!mood["lost"].as_array().unwrap().is_empty());
    assert_eq!(place.run(&["compare", "ruined.json", "good.json"]).code, 0);
}

#[test]
fn what_the_data_cannot_tell_is_said_and_can_be_refused() {
    let place = Place::new();
    // Two settings that differ little, on little data, with no margin: nothing can be told of them.
    place.write("labels/tasks.toml", "[tasks.mood]\nkind = \"single\"\nlabels = [\"good\", \"bad\"]\n");
    place.write("labels/small.csv", super::util::small_labels());
    for (report, c) in [("a.json", "0.3"), ("b.json", "0.05")] {
        place.write("c.toml", format!("[classifier]\nc = {c}\nnaive_bayes = 1.5\n"));
        assert_eq!(place.run(&["evaluate", "labels", "--config", "c.toml", "--output", report]).code, 0);
    }
    let margin = ["--margin", "0"];
    let verdict = |more: &[&str]| place.run(&[&["compare", "a.json", "b.json"], &margin[..], more].concat());
    let ran = verdict(&["--format", "json"]);
    let comparison: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(comparison["verdict"], "inconclusive", "{}", comparison["tasks"]["mood"]["decided_on"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("inconclusive"), "{}", ran.stderr);
    assert_eq!(verdict(&["--require-evidence"]).code, 5);
}

#[test]
fn floors_are_kept_and_an_undefined_figure_is_no_pass() {
    let place = place();
    let compare = |condition: &str| place.run(&["compare", "good.json", "good.json", "--require", condition]);
    assert_eq!(compare("subject.macro_f1>=0.1").code, 0);
    assert_eq!(compare("subject.log_loss<=10").code, 0);
    let ran = compare("subject.sea.f1>=1.01");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("good.json: required subject.sea.f1>=1.01, found"), "{}", ran.stderr);
    for (condition, says) in [
        ("subject.f3>=0.1", "no metric of that name (known: accuracy, macro_f1"),
        ("theme.macro_f1>=0.1", "no task of that name (known: mood, subject)"),
        ("subject.lake.f1>=0.1", "no label of that name (known: sea, hill)"),
        ("subject.macro_f1=0.1", "TASK.METRIC>=NUMBER"),
    ] {
        let ran = compare(condition);
        assert_eq!(ran.code, 2, "{condition}");
        assert!(ran.stderr.contains(says), "{condition}: {}", ran.stderr);
    }
    // Names may hold what a condition is written with.
    let dotted = text_of_names(&place.read("good.json"));
    place.write("dotted.json", dotted);
    let compare = |condition: &str| place.run(&["compare", "dotted.json", "dotted.json", "--require", condition]);
    assert_eq!(compare("the.sub>=ject.macro_f1>=0.1").code, 0);
    assert_eq!(compare("the.sub>=ject.U.S..f1<=1").code, 0);
    assert_eq!(compare("the.sub>=ject.U.S..f1>=1.01").code, 1);
    let ran = compare("the.sub>=ject.U.K..f1>=0");
    assert!(ran.code == 2 && ran.stderr.contains("no label of that name (known: U.S., hill)"), "{}", ran.stderr);
    // What is stated of a label counts for nothing.
    let mut stated: Value = serde_json::from_str(&place.read("good.json")).unwrap();
    stated["tasks"]["subject"]["labels"]["sea"]["intervals"]["f1"]["mean"] = 2.into();
    place.write("stated.json", stated.to_string());
    let ran = place.run(&["compare", "good.json", "stated.json", "--require", "subject.sea.f1>=1.01"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    place.write("labels/tasks.toml", super::util::TASKS.replace("\"hill\"", "\"hill\", \"moon\""));
    assert_eq!(place.run(&["evaluate", "labels", "--output", "moon.json"]).code, 0);
    let ran = place.run(&["compare", "moon.json", "moon.json", "--require", "subject.moon.f1>=0"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("found n/a"), "{}", ran.stderr);
}

#[test]
fn unlike_reports_are_refused_with_the_difference() {
    let place = place();
    let refused = |candidate: &str, says: &str| {
        let ran = place.run(&["compare", "good.json", candidate]);
        assert_eq!(ran.code, 4, "{candidate}");
        assert!(ran.stderr.contains(says), "{candidate}: {}", ran.stderr);
    };
    refused("seed.json", "other folds");
    refused("none.json", "cannot be read");
    // A name that looks like two tasks; other answers, right ones too, to the same paragraphs.
    let text = place.read("good.json");
    let mut other: Value =
        serde_json::from_str(&text.replace("\"subject\":", "\"mood (good, bad); subject\":")).unwrap();
    other["tasks"].as_object_mut().unwrap().remove("mood");
    place.write("name.json", other.to_string());
    refused(
        "name.json",
        "other tasks (baseline `mood` (single: good, bad); `subject` (multi: sea, hill); candidate `mood (",
    );
    for (from, to, says) in [
        ("\"id\":\"p7\"", "\"id\":\"q7\"", "the candidate has no prediction for `p7`"),
        ("\"group\":\"g7\"", "\"group\":\"h7\"", "the candidate has another group, fold or gold for `p14`"),
    ] {
        place.write("other.json", text.replace(from, to));
        refused("other.json", says);
    }
    place.write("bad.json", "{\"schema\":\"rubrique.report/9\"}");
    refused("bad.json", "found rubrique.report/9; this program knows rubrique.report/1");
    place.write("bad.json", "{");
    refused("bad.json", "no JSON");
    assert_eq!(
        place
            .run(&["evaluate", "labels/small.csv", "--task", "mood:single", "--repeats", "2", "--output", "m.json"])
            .code,
        0
    );
    refused("m.json", "other tasks");
    assert_eq!(place.run(&["train", "labels", "--output", "model"]).code, 0);
    assert_eq!(place.run(&["evaluate", "labels", "--model", "model", "--output", "held.json"]).code, 0);
    refused("held.json", "other way of judging");
    place.write("labels/small.csv", place.read("labels/small.csv").replacen("soleil", "vent", 1));
    assert_eq!(place.run(&["evaluate", "labels", "--output", "other.json"]).code, 0);
    refused("other.json", "other data");
}

#[test]
fn figures_are_taken_from_the_predictions() {
    let place = place();
    let mut report: Value = serde_json::from_str(&place.read("good.json")).unwrap();
    report["tasks"]["mood"]["accuracy"]["mean"] = 7.5.into();
    place.write("boast.json", report.to_string());
    let ran = place.run(&["compare", "good.json", "boast.json", "--format", "json", "--require", "mood.accuracy>=7"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let comparison: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(comparison["tasks"]["mood"]["others"]["accuracy"]["difference"], 0.0);
}

#[test]
fn several_candidates_give_a_table() {
    let place = place();
    let ran = place.run(&["compare", "good.json", "good.json", "ruined.json", "--format", "markdown"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stdout.lines().filter(|l| l.starts_with("| ruined.json |")).count(), 2, "{}", ran.stdout);
}

#[test]
fn held_out_reports_are_compared_by_groups() {
    let place = place();
    for (model, more) in [("m1", vec![]), ("m2", vec!["--config", "ruined.toml"])] {
        assert_eq!(place.run(&[&["train", "labels", "--output", model], more.as_slice()].concat()).code, 0);
        let report = format!("{model}.json");
        assert_eq!(place.run(&["evaluate", "labels", "--model", model, "--output", &report]).code, 0);
    }
    let ran = place.run(&["compare", "m1.json", "m2.json", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let comparison: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mood = &comparison["tasks"]["mood"];
    assert!(mood["posterior"].is_null() && mood["mcnemar"]["good"]["lost"].as_u64().unwrap() > 5);
}

#[test]
fn a_task_is_compared_on_what_was_judged() {
    let place = Place::new().with_small_labels();
    // The first twelve paragraphs, of six articles, have a mood.
    let labels = small_labels();
    let without = |line: &str| format!("{},\n", line.rsplit_once(',').unwrap().0);
    let rows = labels.lines().enumerate().map(|(i, line)| if i > 12 { without(line) } else { format!("{line}\n") });
    place.write("labels/small.csv", rows.collect::<String>());
    assert_eq!(place.run(&["evaluate", "labels", "--folds", "2", "--output", "report.json"]).code, 0);
    let ran = place.run(&["compare", "report.json", "report.json"]);
    assert!(ran.stdout.contains(", 24 groups)") && ran.stdout.contains(", 6 groups)"), "{}", ran.stdout);
    let ran = place.run(&["compare", "report.json", "report.json", "--format", "json"]);
    let comparison: Value = serde_json::from_str(&ran.stdout).unwrap();
    let compared = |of: &Value| [&of["groups"], &of["paragraphs"]].map(|n| n.as_u64().unwrap());
    assert_eq!(compared(&comparison), [24, 48]);
    assert_eq!(compared(&comparison["tasks"]["subject"]), [24, 48]);
    assert_eq!(compared(&comparison["tasks"]["mood"]), [6, 12]);
}
