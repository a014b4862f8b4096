//! `evaluate`

use super::util::Place;
use serde_json::Value;
use std::collections::BTreeMap;

fn report(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.run(&[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_report_can_be_recomputed_from_its_predictions() {
    let place = Place::new().with_small_labels();
    let report = report(&place, &["evaluate", "labels", "--folds", "4", "--repeats", "2"]);
    assert_eq!(report["schema"], "rubrique.report/1");
    assert_eq!((&report["data"]["paragraphs"], &report["data"]["groups"]), (&48.into(), &24.into()));
    assert_eq!((&report["folds"]["k"], &report["folds"]["repeats"]), (&4.into(), &2.into()));
    let predictions = report["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 96);

    let mut fold_of_group: BTreeMap<(u64, &str), u64> = BTreeMap::new();
    let mut right = [0.0; 2];
    for p in predictions {
        let repeat = p["repeat"].as_u64().unwrap();
        let fold = *fold_of_group.entry((repeat, p["group"].as_str().unwrap())).or_insert(p["fold"].as_u64().unwrap());
        assert_eq!(Some(fold), p["fold"].as_u64(), "a group is on one side of a fold");
        right[repeat as usize] += f64::from(u8::from(p["gold"]["subject"] == p["labels"]["subject"]));
    }
    let mean = report["tasks"]["subject"]["accuracy"]["mean"].as_f64().unwrap();
    assert!((mean - (right[0] + right[1]) / 96.0).abs() < 1e-12);
    let labels = &report["tasks"]["subject"]["labels"];
    assert_eq!(labels["sea"]["support"], 36);
    assert!(labels["sea"]["threshold"].is_number());
    assert_eq!(report["tasks"]["mood"]["confusion"]["labels"], serde_json::json!(["good", "bad"]));
}

#[test]
fn reports_are_the_same_bytes_on_any_number_of_threads() {
    let place = Place::new().with_small_labels();
    let run = |threads| place.run(&["evaluate", "labels", "--format", "json", "--threads", threads]).stdout;
    assert_eq!(run("1"), run("2"));
}

#[test]
fn a_column_of_labels_is_enough() {
    let place = Place::new();
    place.write("tweets.csv", super::util::small_labels());
    let report = report(&place, &["evaluate", "tweets.csv", "--task", "mood:single"]);
    assert_eq!(
        report["tasks"]["mood"]["confusion"]["labels"],
        serde_json::json!(["bad", "good"]),
        "ordered by their bytes"
    );
    assert_eq!(report["tasks"].as_object().unwrap().len(), 1);
}

#[test]
fn a_saved_model_is_scored_on_held_out_rows() {
    let place = Place::new().with_small_labels();
    assert_eq!(place.run(&["train", "labels", "--output", "m"]).code, 0);
    place.write("new.csv", "text,mood\nSous un beau soleil.,good\nDans la peine.,bad\nLa mer.,\n");
    let ran = place.run(&["evaluate", "new.csv", "--model", "m", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("no column `subject`: that task is left out"), "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(report["held_out"]["draws"] == 2000 && report.get("folds").is_none());
    assert_eq!(report["tasks"]["mood"]["paragraphs"], 2, "an unlabelled row is not judged");
    assert_eq!(report["tasks"]["mood"]["accuracy"]["mean"], 1.0);
    assert_eq!(report["predictions"][2]["gold"]["mood"], Value::Null);

    place.write("new.csv", "text,mood\nSous un beau soleil.,great\n");
    let ran = place.run(&["evaluate", "new.csv", "--model", "m"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("found `great`; allowed: good, bad"), "{}", ran.stderr);
    place.write("new.csv", "text,tone\nSous un beau soleil.,good\n");
    assert_eq!(place.run(&["evaluate", "new.csv", "--model", "m"]).code, 3);
    let ran = place.run(&["evaluate", "labels", "--model", "m", "--task", "tone:single"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("the model has no task `tone`"), "{}", ran.stderr);
}

#[test]
fn a_label_without_gold_is_null_and_not_zero() {
    let place = Place::new().with_small_labels();
    place.write("labels/tasks.toml", super::util::TASKS.replace("\"hill\"", "\"hill\", \"moon\""));
    let report = report(&place, &["evaluate", "labels"]);
    let subject = &report["tasks"]["subject"];
    assert!(subject["labels"]["moon"]["f1"].is_null());
    let f1 = |label: &str| subject["labels"][label]["f1"].as_f64().unwrap();
    let macro_f1 = subject["macro_f1"]["mean"].as_f64().unwrap();
    assert!((macro_f1 - (f1("sea") + f1("hill")) / 2.0).abs() < 1e-12);
    assert!(place.run(&["evaluate", "labels"]).stdout.contains("n/a"));
}

#[test]
fn rows_set_aside_for_testing_are_not_cross_validated() {
    let place = Place::new();
    let mut csv = super::util::small_labels().replace("\n", ",train\n").replacen("mood,train", "mood,split", 1);
    csv += "t1,gt,Une ligne de test.,sea,good,test\n";
    place.write("all.csv", csv);
    let report = report(&place, &["evaluate", "all.csv", "--task", "mood:single"]);
    assert_eq!(report["data"]["paragraphs"], 48);
}

#[test]
fn a_label_with_too_few_examples_is_not_calibrated_and_it_is_said() {
    let place = Place::new();
    place.write("labels/tasks.toml", super::util::TASKS);
    // Of 48 rows nine carry `hill`: one under the least that a calibration is fitted on.
    let mut kept = 0;
    let thinned: String = super::util::small_labels()
        .lines()
        .map(|line| {
            kept += usize::from(line.contains(",sea|hill,") || line.contains(",hill,"));
            let line =
                if kept > 9 { line.replace("sea|hill", "sea").replace(",hill,", ",,") } else { line.to_string() };
            line + "\n"
        })
        .collect();
    place.write("labels/small.csv", thinned);
    let ran = place.run(&["evaluate", "labels", "--format", "json", "--folds", "3"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("label `hill` of task `subject` is uncalibrated in 100 % of the fits"),
        "{}",
        ran.stderr
    );
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["tasks"]["subject"]["labels"]["hill"]["calibrated"], 0.0);
    assert_eq!(report["tasks"]["mood"]["labels"]["good"]["calibrated"], 1.0);
}
