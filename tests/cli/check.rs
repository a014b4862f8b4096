//! `check`: faults with their place, exit 1; counts and agreement, exit 0.

use super::util::Place;
use serde_json::Value;

#[test]
fn sound_labels_are_counted() {
    let place = Place::new();
    place.write("labels/tasks.toml", super::util::TASKS);
    place.write(
        "labels/x.csv",
        "id,group,text,annotator,subject,mood\n1,g,La mer est calme.,,sea,good\n2,g,Le col est fermé.,,hill,bad\n\
         3,h,Du col on voit la mer.,,sea|hill,\n4,i,Rien de tel ici.,,,good\n\
         1,,,r1,sea,good\n1,,,r2,sea,good\n2,,,r1,hill,bad\n2,,,r2,,bad\n",
    );
    let ran = place.run(&["check", "labels", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&found["faults"], &found["quality"]["groups"]), (&serde_json::json!([]), &3.into()));
    let tasks = &found["quality"]["tasks"];
    assert_eq!(
        (&tasks["subject"]["labels"]["sea"]["paragraphs"], &tasks["subject"]["without_label"]),
        (&2.into(), &1.into())
    );
    assert_eq!((&tasks["mood"]["labelled"], &tasks["mood"]["alpha"]), (&3.into(), &1.0.into()));
    // Hill: no no, yes no. By hand: 1 - 3 · 2 / (2 · 3 · 1) = 0.
    assert_eq!(tasks["subject"]["labels"]["hill"]["alpha"], 0.0);
    assert_eq!(found["quality"]["pairs"][0], serde_json::json!(["mood.bad + subject.hill", 1]));
}

#[test]
fn every_fault_is_listed_with_its_place() {
    let place = Place::new();
    let text = "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze";
    place.write("labels/tasks.toml", super::util::TASKS);
    place.write(
        "labels/x.csv",
        format!(
            "id,group,text,subject,mood\n1,g,{text},sea,good\n2,g,b,lake,good\n3,h,{text} quinze,sea,good\n\
             4,g,{text},hill,bad\n5,g,c\n1,g,d,sea,good\n"
        ),
    );
    let ran = place.run(&["check", "labels"]);
    assert_eq!(ran.code, 1);
    for fault in [
        "labels/x.csv:3: unknown label of task `subject` (found `lake`",
        "labels/x.csv:4: a near duplicate in another group",
        "labels/x.csv:5: one text with two label sets",
        "labels/x.csv:6: wrong number of cells (found 3; the header has 5)",
        "labels/x.csv:7: id `1` stands twice (first at labels/x.csv:2)",
    ] {
        assert!(ran.stderr.contains(fault), "{fault}: {}", ran.stderr);
    }
    let ran = place.run(&["check", "labels", "--format", "markdown"]);
    assert!(ran.stdout.starts_with("- labels/x.csv:3: unknown label"), "{}", ran.stdout);
    // Not looked for is not none found.
    let ran = place.run(&["check", "labels", "--format", "json"]);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(found["suspects"].is_null() && ran.stderr.contains("no look for likely label errors"), "{}", ran.stderr);
    let ran = place.run(&["check", "labels", "--format", "json", "--suspects", "0"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["suspects"], serde_json::json!([]));
}

#[test]
fn a_configuration_that_cannot_be_used_is_wrong_usage() {
    let place = Place::new();
    let row = |i: usize| format!("p{i},la mer numéro {i},{}\n", ["calme", "haute"][i % 2]);
    place.write("t.csv", ["id,text,c\n".to_string()].into_iter().chain((0..20).map(row)).collect::<String>());
    place.write("c.toml", "[classifier]\nsolver = \"linfa\"\nclass_weight = \"balanced\"\n");
    let ran = place.run(&["check", "t.csv", "--task", "c:single", "--config", "c.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no class weights"), "{}", ran.stderr);
}

#[test]
fn a_label_that_nothing_supports_leads_the_sheet() {
    let place = Place::new();
    // Row 7 is about the sea and says that it is not.
    let row = |i: usize| {
        let words = [["la mer et le port", "le port et le quai"], ["le feu et la forge", "la forge et la braise"]];
        let class = if i == 7 { "b" } else { ["b", "a"][i % 2] };
        format!("p{i},{} du jour {i},{class}\n", words[1 - i % 2][i / 2 % 2])
    };
    place.write("t.csv", ["id,text,c\n".to_string()].into_iter().chain((0..60).map(row)).collect::<String>());
    let ran = place.run(&["check", "t.csv", "--task", "c:single", "--format", "csv"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut lines = ran.stdout.lines();
    assert_eq!(
        lines.next().unwrap(),
        "id,path,line,task,labelled,p_labelled,suggested,p_suggested,text,decision,comment"
    );
    assert!(lines.next().unwrap().starts_with("p7,t.csv,9,c,b,"), "{}", ran.stdout);
    let none = place.run(&["check", "t.csv", "--task", "c:single", "--suspects", "0"]);
    assert!(!none.stdout.contains("hard to believe"));
}

#[test]
fn faults_are_junit_failures_and_annotations_on_a_runner() {
    let place = Place::new();
    place.write("t,1.csv", "id,text,c\np1,un,a\np1,deux,b\n");
    let ran = place.run(&["check", "t,1.csv", "--task", "c:single", "--format", "junit"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("failures=\"1\"") && ran.stdout.contains("<testcase name=\"t,1.csv:3\""),
        "{}",
        ran.stdout
    );
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_rubrique"))
        .args(["check", "t,1.csv", "--task", "c:single"])
        .current_dir(place.path(""))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", place.path("summary.md"))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("::error file=t%2C1.csv,line=3::id `p1` stands twice"), "{stderr}");
    assert!(place.read("summary.md").starts_with("## rubrique check\n\n- t,1.csv:3: id \\`p1\\` stands twice"));
}

#[test]
fn one_annotator_is_one_reader() {
    let place = Place::new();
    place.write(
        "x.csv",
        "id,text,annotator,tone\np1,Texte un.,,x\np1,,u,x\np1,,u,x\np2,Texte deux.,,\"y\"\np2,,u,y\np2,,u,y\n",
    );
    let ran = place.run(&["check", "x.csv", "--task", "tone:single", "--suspects", "0", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(found["quality"]["tasks"]["tone"]["alpha"].is_null(), "nobody else has read: {}", ran.stdout);
    let advice = found["quality"]["advice"].to_string();
    assert!(
        advice.contains("2 readings are by an annotator who has read the paragraph before, as that of `p1` by `u`")
    );
}

#[test]
fn a_cell_does_not_begin_a_line_of_a_message() {
    let place = Place::new();
    place.write("tasks.toml", "[tasks.tone]\nkind = \"single\"\nlabels = [\"x\", \"y\"]\n");
    place.write("l.csv", "id,text,tone\na,Un texte.,x\nb,Un autre.,\"y\n::error title=faux::bonjour\"\n");
    let ran = place.run(&["check", "l.csv", "--suspects", "0"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("(found `y\\n::error title=faux::bonjour`; allowed: x, y)"), "{}", ran.stderr);
}

#[test]
fn nothing_in_the_data_steers_what_reads_the_messages() {
    let place = Place::new();
    // A line that a GitHub runner would take for a command, letters that a terminal would, and Markdown.
    place.write("x.csv", "id,text,\"mood\n::warning::no\"\n1,a,good\n");
    let ran = place.run(&["check", "x.csv", "--task", "mood:single"]);
    assert!(ran.code == 3 && ran.stderr.contains("`mood\\n::warning::no`"), "{}", ran.stderr);
    place.write("y.csv", "id,text,mood\n1,a,good\n2,b,good\n3,c,bad\u{1b}[31m\n3,d,good\n1,<img> **b**,good\n1,e\n");
    let ran = place.run(&["check", "y.csv", "--task", "mood:single"]);
    assert!(ran.code == 1 && !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("y.csv:")).collect();
    assert!(lines.len() == 3 && lines.is_sorted(), "in order of place: {lines:?}");
    place.write("z.csv", "id,text,mood\n1,a,good\n2,b,`x` <img> **b**\n");
    place.write("tasks.toml", "[tasks.mood]\nkind = \"single\"\nlabels = [\"good\", \"bad\"]\n");
    let ran = place.run(&["check", "z.csv", "--format", "markdown"]);
    assert!(ran.stdout.contains("\\<img> \\*\\*b\\*\\*"), "{}", ran.stdout);
    let ran = place.run(&["train", "y.csv", "--task", "mood:single", "--output", "m"]);
    assert!(ran.stderr.contains("; 2 more faults: `rubrique check y.csv` lists all"), "{}", ran.stderr);
}

#[test]
fn only_check_reads_single_readings() {
    let place = Place::new();
    let settled = |i: usize| format!("p{i},phrase numéro {i},{},\n", ["good", "bad"][i % 2]);
    let rows = format!("id,text,mood,annotator\n{}", (0..20).map(settled).collect::<String>());
    place.write("plain.csv", &rows);
    // A reader's slip is no label, and no fault where readings are not used.
    place.write("read.csv", format!("{rows}p1,,goood,ana\np1,,bad,bob\n"));
    let evaluate = |file: &str| {
        let ran = place.run(&["evaluate", file, "--task", "mood:single", "--folds", "2", "--format", "json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        (report["tasks"]["mood"]["confusion"].clone(), report["data"]["sha256"].clone())
    };
    assert_eq!(evaluate("read.csv"), evaluate("plain.csv"));
    place.write("tasks.toml", "[tasks.mood]\nkind = \"single\"\nlabels = [\"good\", \"bad\"]\n");
    let ran = place.run(&["train", "read.csv", "--output", "m"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    place.write("alone.csv", "id,text,mood,annotator\n1,a,good,ana\n1,,good,bob\n2,b,bad,ana\n2,,good,bob\n");
    let ran = place.run(&["check", "alone.csv", "--task", "mood:single"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = place.run(&["check", "read.csv"]);
    assert!(ran.code == 1 && ran.stderr.contains("read.csv:22: unknown label"), "{}", ran.stderr);
}

#[test]
fn rows_of_which_none_can_be_read_are_all_told() {
    let place = Place::new();
    place.write("labels/tasks.toml", super::util::TASKS);
    place.write("labels/a.jsonl", "[1]\n{\"text\":\n");
    for arguments in [&["check", "labels"][..], &["check", "labels", "--task", "mood:single"]] {
        let ran = place.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        let lines: Vec<&Value> = found["faults"].as_array().unwrap().iter().map(|fault| &fault["line"]).collect();
        assert_eq!(lines, [1, 2], "{arguments:?}");
    }
    assert_eq!(place.run(&["train", "labels", "--output", "m"]).code, 3);
    let small = Place::new().with_small_labels();
    assert_eq!(small.run(&["train", "labels", "--output", "m.st"]).code, 0);
    small.write("bad.jsonl", "{\"text\":\n");
    let ran = small.run(&["evaluate", "bad.jsonl", "--model", "m.st"]);
    assert!(ran.code == 3 && ran.stderr.contains("bad.jsonl:1: not a JSON object"), "{}", ran.stderr);
}
