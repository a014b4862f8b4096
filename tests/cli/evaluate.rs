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

/// The C library takes other instructions for logarithms and exponentials where a processor lacks these; elsewhere than on
/// x86-64 with glibc this says nothing.
#[test]
fn the_arithmetic_of_another_processor_moves_no_figure_by_a_millionth() {
    let place = Place::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("labels");
    let mut table = csv::Reader::from_path(root.join("composed.csv")).unwrap();
    let mut few = csv::Writer::from_writer(Vec::new());
    few.write_record(table.headers().unwrap()).unwrap();
    table.records().take(400).for_each(|row| few.write_record(&row.unwrap()).unwrap());
    place.write("labels/few.csv", few.into_inner().unwrap());
    place.write("labels/tasks.toml", std::fs::read(root.join("tasks.toml")).unwrap());
    let run = |tunables| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_rubrique"));
        command.current_dir(place.path("")).args(["evaluate", "labels", "--folds", "3", "--format", "json"]);
        let output = command.env("GLIBC_TUNABLES", tunables).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let worst = difference(&run(""), &run("glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA"));
    assert!(worst < 1e-6, "{worst}");
}

/// The greatest difference of two numbers at the same place; all else has to be equal.
fn difference(a: &Value, b: &Value) -> f64 {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()));
            a.values().zip(b.values()).map(|(a, b)| difference(a, b)).fold(0.0, f64::max)
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).map(|(a, b)| difference(a, b)).fold(0.0, f64::max)
        }
        (Value::Number(a), Value::Number(b)) => (a.as_f64().unwrap() - b.as_f64().unwrap()).abs(),
        _ => {
            assert_eq!(a, b);
            0.0
        }
    }
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

    // One article says nothing of others.
    place.write("one.csv", "group,text,mood\na,Sous un beau soleil.,good\na,Dans la peine.,bad\n");
    let ran = place.run(&["evaluate", "one.csv", "--model", "m", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let accuracy = &report["tasks"]["mood"]["accuracy"];
    assert!(accuracy["mean"] == 1.0 && accuracy["low"].is_null() && accuracy["high"].is_null(), "{accuracy}");

    // A task that no row answers is told with undefined figures, on a page too.
    place.write("none.csv", "text,subject,mood\nLa mer.,sea,\nLa neige.,hill,\n");
    let ran = place.run(&["evaluate", "none.csv", "--model", "m", "--output", "none.html"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(place.read("none.html").contains("majority"));

    place.write("new.csv", "text,mood\nSous un beau soleil.,great\n");
    let ran = place.run(&["evaluate", "new.csv", "--model", "m"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("found `great`; allowed: good, bad"), "{}", ran.stderr);
    place.write("new.csv", "text,tone\nSous un beau soleil.,good\n");
    assert_eq!(place.run(&["evaluate", "new.csv", "--model", "m"]).code, 3);
    let twice = ["--task", "mood:single", "--task", "mood:single"];
    assert_eq!(place.run(&[&["evaluate", "labels", "--model", "m"], &twice[..]].concat()).code, 2);
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

#[test]
fn reports_keep_to_the_published_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../src/eval/report.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let place = Place::new().with_small_labels();
    assert_eq!(place.run(&["train", "labels", "--output", "m.safetensors"]).code, 0);
    for arguments in [
        &["evaluate", "labels", "--repeats", "2", "--learning-curve"][..],
        &["evaluate", "labels", "--model", "m.safetensors"],
    ] {
        let mut report = report(&place, arguments);
        let faults: Vec<String> = schema.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}");
        report["tasks"]["mood"]["kappa"]["mean"] = "high".into();
        assert!(!schema.is_valid(&report), "the schema lets anything through");
    }
}

#[test]
fn every_figure_stands_beside_those_reached_without_reading() {
    let place = Place::new();
    // Four paragraphs of five are of one class, and the text tells nothing.
    let rows = (0..50).map(|i| format!("le même texte numéro {i},{}\n", if i % 5 == 0 { "rare" } else { "usual" }));
    place.write("t.csv", ["text,c\n".to_string()].into_iter().chain(rows).collect::<String>());
    let report = report(&place, &["evaluate", "t.csv", "--task", "c:single"]);
    let baselines = &report["tasks"]["c"]["baselines"];
    assert_eq!(baselines["majority"]["accuracy"]["mean"], 0.8);
    assert_eq!(baselines["majority"]["kappa"]["mean"], 0.0);
    assert_eq!(baselines["majority"]["f1"]["rare"]["mean"], 0.0);
    // Two that draw with these shares agree in 0.8² + 0.2² = 0.68 of all; four standard deviations of 50 draws: 0.26.
    let drawn = baselines["random"]["accuracy"]["mean"].as_f64().unwrap();
    assert!((drawn - 0.68).abs() < 0.26, "{drawn}");
    let rate = &report["folds"]["label_rates"]["c"]["rare"];
    assert_eq!((&rate["all"], &rate["low"], &rate["high"]), (&0.2.into(), &0.2.into(), &0.2.into()));
}

#[test]
fn folds_of_an_earlier_report_are_kept() {
    let place = Place::new();
    let rows = |n: usize| -> String {
        let row =
            |i: usize| format!("p{i},g{},{} de la note {i},{}\n", i / 2, ["mer", "feu"][i % 2], ["a", "b"][i % 2]);
        ["id,group,text,c\n".to_string()].into_iter().chain((0..n).map(row)).collect()
    };
    place.write("before.csv", rows(40));
    place.write("after.csv", rows(60));
    let evaluate = ["evaluate", "before.csv", "--task", "c:single", "--folds", "4", "--repeats", "2", "--seed", "3"];
    let before = report(&place, &evaluate);
    assert_eq!(place.run(&[&evaluate[..], &["--output", "r.json"]].concat()).code, 0);
    let after = report(&place, &["evaluate", "after.csv", "--task", "c:single", "--folds-from", "r.json"]);
    let folds = |report: &Value| -> BTreeMap<(String, u64), u64> {
        let all = report["predictions"].as_array().unwrap().iter();
        all.map(|p| ((p["id"].as_str().unwrap().into(), p["repeat"].as_u64().unwrap()), p["fold"].as_u64().unwrap()))
            .collect()
    };
    let (kept, now) = (folds(&before), folds(&after));
    assert_eq!((kept.len(), now.len()), (80, 120));
    assert!(kept.iter().all(|(key, fold)| now[key] == *fold));
    for fold in 0..4 {
        let size = now.iter().filter(|((_, repeat), f)| *repeat == 0 && **f == fold).count();
        assert!((14..=16).contains(&size), "the new articles fill the folds up: {size}");
    }
    let again = report(&place, &["evaluate", "before.csv", "--task", "c:single", "--folds-from", "r.json"]);
    assert_eq!(again["folds"], before["folds"]);
}

#[test]
fn the_past_is_fitted_on_and_the_next_part_judged() {
    let place = Place::new();
    let row = |i: usize| {
        format!("p{i},{} de la note {i},{},2024-{:02}-03\n", ["mer", "feu"][i % 2], ["a", "b"][i % 2], i % 12 + 1)
    };
    place.write("t.csv", ["id,text,c,date\n".to_string()].into_iter().chain((0..48).map(row)).collect::<String>());
    let arguments = ["evaluate", "t.csv", "--task", "c:single", "--split", "time", "--folds", "3"];
    let report = report(&place, &arguments);
    assert_eq!((&report["folds"]["split"], &report["folds"]["k"]), (&"time".into(), &3.into()));
    for p in report["predictions"].as_array().unwrap() {
        let month = p["id"].as_str().unwrap()[1..].parse::<u64>().unwrap() % 12;
        assert_eq!(p["fold"].as_u64().unwrap() + 1, month / 3, "three months a part, the first never judged");
    }
    place.write("t.csv", "id,text,c,date\np0,un,a,2024-01-01\np1,deux,b,hier\n");
    let ran = place.run(&arguments);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("t.csv:3: no usable date (found `hier`; allowed: 2023-05-31"), "{}", ran.stderr);
}

#[test]
fn rows_kept_for_testing_are_judged_by_a_model_of_the_others() {
    let place = Place::new();
    let row = |i: usize| {
        let split = if i < 40 { "train" } else { "test" };
        format!("p{i},{} de la note {i},{},{split}\n", ["mer", "feu"][i % 2], ["a", "b"][i % 2])
    };
    place.write("t.csv", ["id,text,c,split\n".to_string()].into_iter().chain((0..60).map(row)).collect::<String>());
    let here = report(&place, &["evaluate", "t.csv", "--task", "c:single", "--split", "column"]);
    assert_eq!((&here["data"]["paragraphs"], &here["tasks"]["c"]["accuracy"]["mean"]), (&20.into(), &1.0.into()));
    let train = ["train", "t.csv", "--task", "c:single", "--output", "m.safetensors"];
    assert_eq!(place.run(&train).code, 0);
    let saved = report(&place, &["evaluate", "t.csv", "--model", "m.safetensors", "--split", "column"]);
    assert_eq!(here["held_out"], saved["held_out"]);
    assert_eq!(here["tasks"], saved["tasks"], "fitted here or read from a file: the same model");
    place.write("t.csv", "id,text,c\np0,un,a\np1,deux,b\n");
    let ran = place.run(&["evaluate", "t.csv", "--task", "c:single", "--split", "column"]);
    assert!(ran.code == 3 && ran.stderr.contains("found no row with `test`"), "{}", ran.stderr);
}

#[test]
fn nothing_is_learnt_from_what_belongs_to_the_rows_kept_for_testing() {
    let place = Place::new();
    let row = |i: usize| format!("p{i},a{i},{} de la note {i} tout au long du jour,{}", ["mer", "feu"][i % 2], i % 2);
    // However `test` is written.
    let split = |i: usize| ["test", "Test", " TEST "].get(i).copied().unwrap_or("");
    let mut rows: Vec<String> = (0..20).map(|i| format!("{},{}\n", row(i), split(i))).collect();
    let table = |rows: &[String]| format!("id,group,text,c,split\n{}", rows.concat());
    place.write("kept.csv", table(&rows));
    // A text of the test part, nearly the same one, and a paragraph of an article that is judged.
    rows.push(row(0).replace("p0,a0", "q0,b0") + ",\n");
    rows.push(row(1).replace("p1,a1", "q1,b1").replace("jour", "jour !") + ",\n");
    rows.push("q2,a2,Un autre paragraphe du même article,0,\n".into());
    place.write("all.csv", table(&rows));
    let evaluate = |more: &[&str]| {
        let ran = place.run(&[&["evaluate"], more, &["--split", "column", "--format", "json"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        (serde_json::from_str::<Value>(&ran.stdout).unwrap(), ran.stderr)
    };
    let (kept, said) = evaluate(&["kept.csv", "--task", "c:single"]);
    assert!(kept["data"]["paragraphs"] == 3 && !said.contains("left out"), "{said}");
    let (all, said) = evaluate(&["all.csv", "--task", "c:single"]);
    assert!(said.contains("3 paragraphs left out of the fit: they belong to the rows for testing\n"), "{said}");
    assert_eq!(all, kept, "the same as of a table without them");

    assert_eq!(place.run(&["train", "all.csv", "--task", "c:single", "--output", "m"]).code, 0);
    let (_, said) = evaluate(&["all.csv", "--model", "m"]);
    assert!(said.contains("3 of the paragraphs that the model was fitted on belong to the rows for testing"), "{said}");
    assert_eq!(place.run(&["train", "kept.csv", "--task", "c:single", "--output", "m"]).code, 0);
    let (_, said) = evaluate(&["kept.csv", "--model", "m"]);
    assert!(!said.contains("fitted on"), "{said}");
}

#[test]
fn folds_are_lowered_to_what_a_rare_label_allows() {
    let place = Place::new();
    let row = |i: usize| {
        let c = match i {
            0..3 => "rare",
            3 => "alone",
            _ => ["a", "b"][i % 2],
        };
        format!("la note {i} sur {c},{c}\n")
    };
    place.write("t.csv", ["text,c\n".to_string()].into_iter().chain((0..40).map(row)).collect::<String>());
    let ran = place.run(&["evaluate", "t.csv", "--task", "c:single", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["folds"]["k"], 3);
    for said in [
        "3 folds instead of 5: label `rare` of task `c` stands in 3 articles",
        "label `alone` of task `c` stands in one article only",
    ] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        assert!(report["notes"].to_string().contains(said));
    }
}

#[test]
#[cfg(unix)]
fn a_report_is_written_through_a_pipe() {
    let place = Place::new().with_small_labels();
    // Standard output is a pipe here.
    let options = ["evaluate", "labels", "--folds", "2", "--quiet", "--format", "json"];
    let through = place.run(&[&options[..], &["--output", "/dev/stdout"]].concat());
    assert_eq!((through.code, &through.stdout), (0, &place.run(&options).stdout));
    assert!(through.stdout.starts_with("{\"schema\":"), "{}", through.stdout);
}

#[test]
fn a_learning_curve_ends_in_the_figures_of_the_report_and_leaves_out_what_cannot_be_learnt() {
    let place = Place::new().with_small_labels();
    // One mood is known of three articles only: a tenth of the others holds none.
    let few: String =
        super::util::small_labels()
            .lines()
            .enumerate()
            .map(|(i, line)| {
                if matches!(i, 0..=12) {
                    format!("{line}\n")
                } else {
                    format!("{},\n", line.rsplit_once(',').unwrap().0)
                }
            })
            .collect();
    let full = report(&place, &["evaluate", "labels", "--folds", "4", "--learning-curve"]);
    let points = full["learning_curve"].as_array().unwrap();
    let last = &points[points.len() - 1]["tasks"]["mood"]["macro_f1"];
    assert_eq!(*last, full["tasks"]["mood"]["macro_f1"], "the whole of each part gives the report's own figures");
    place.write("labels/small.csv", few);
    let ran = place.run(&["evaluate", "labels", "--folds", "2", "--learning-curve", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let thin: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(thin["learning_curve"][0]["tasks"]["mood"]["macro_f1"]["mean"].is_null());
    assert!(ran.stderr.contains("no figures of the learning curve at 10 % of the articles"), "{}", ran.stderr);
}

#[test]
fn fits_that_stopped_early_are_told() {
    let place = Place::new();
    // Few words, of which no answer follows, and next to no regularisation.
    let words = ["baie", "col", "digue", "neige", "port", "sommet"];
    let row = |i: usize| {
        let text = [i, i / 6, i * i / 5].map(|at| words[at % 6]).join(" ");
        format!("{text},{}\n", ["good", "bad"][i * i / 7 % 2])
    };
    place.write("rows.csv", format!("text,mood\n{}", (0..120).map(row).collect::<String>()));
    place.write("steep.toml", "[features.words]\n[classifier]\nc = 1e6\n");
    let of = ["rows.csv", "--task", "mood:single", "--config", "steep.toml", "--output"];
    let ran = place.run(&[&["train"], &of[..], &["m"]].concat());
    assert!(ran.stderr.contains("the solver stopped early"), "{}", ran.stderr);
    let ran = place.run(&[&["evaluate", "--folds", "2"], &of[..], &["r.json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("the solver stopped early in 2 of 2 fits (relative gradient up to"), "{}", ran.stderr);
    assert!(place.read("r.json").contains("the solver stopped early in 2 of 2 fits"));
}

#[test]
fn a_fold_without_a_gold_positive_says_nothing_of_a_label() {
    let place = Place::new();
    // `rare` stands in one article of ten and is given everywhere.
    let row = |i: usize| {
        let label = if i / 4 == 0 { "rare" } else { ["often", ""][i % 2] };
        format!("g{},phrase numéro {i} du texte {},{label}\n", i / 4, i * 7)
    };
    place.write("rows.csv", format!("group,text,topic\n{}", (0..40).map(row).collect::<String>()));
    place.write("low.toml", "[classifier]\nthresholds = 0.001\n");
    let report = report(&place, &["evaluate", "rows.csv", "--task", "topic:multi", "--config", "low.toml"]);
    let [rare, often] = ["rare", "often"].map(|label| &report["tasks"]["topic"]["labels"][label]["intervals"]);
    for figure in ["precision", "recall", "f1"] {
        assert!(rare[figure]["low"].is_null() && often[figure]["low"].is_number(), "{figure}: {rare} {often}");
    }
}
