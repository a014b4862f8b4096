//! Wrong input gets its exit code and a message that says where, what was found, what is allowed and what to try.

use super::util::{Place, TASKS, small_labels};
use serde_json::{Value, json};

/// Runs, and checks the exit code, every part of the message, and that no file appeared.
fn refused(place: &Place, arguments: &[&str], code: i32, says: &[&str]) {
    let before = place.files();
    let ran = place.run(arguments);
    assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
    for part in says {
        assert!(ran.stderr.contains(part), "{arguments:?}: {part:?} is not in {}", ran.stderr);
    }
    assert_eq!(ran.stdout, "", "{arguments:?}");
    assert_eq!(place.files(), before, "{arguments:?} left a file");
}

const TRAIN: [&str; 4] = ["train", "labels", "--output", "model.safetensors"];

#[test]
fn tasks_that_cannot_be_used() {
    for (tasks, says) in [
        ("kind = \"both\"\nlabels = [\"sea\"]", "unknown variant `both`"),
        ("kind = \"single\"\nlabels = [\"sea\"]", "too few labels (found 1; at least 2 needed)"),
        ("kind = \"multi\"\nlabels = [\"sea\", \"sea\"]", "label `sea` stands twice"),
        ("kind = \"multi\"\nlabels = [\"sea|hill\"]", "unusable label `sea|hill`"),
    ] {
        let place = Place::new().with_small_labels();
        place.write("labels/tasks.toml", format!("[tasks.subject]\n{tasks}\n"));
        refused(&place, &TRAIN, 3, &["labels/tasks.toml", says]);
    }
}

#[test]
fn weights_that_do_not_fit_into_16_bits() {
    let place = Place::new().with_small_labels();
    place.write("great.toml", "[features.words]\nnorm = 0.00001\n[classifier]\nprecision = 16\n");
    let says = ["do not fit into 16 bits (found ", "a greater norm, or set precision = 32"];
    refused(&place, &[&TRAIN[..], &["--config", "great.toml"]].concat(), 2, &says);
}

#[test]
#[cfg(target_os = "linux")]
fn an_error_that_cannot_be_printed_is_still_told_by_the_exit_code() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_rubrique"));
    assert_eq!(program.args(["classify", "nowhere.txt"]).stderr(full).status().unwrap().code(), Some(3));
}

#[test]
fn labels_that_cannot_be_used() {
    let header = "id,group,text,subject,mood\n";
    let cases: [(String, &[&str]); 8] = [
        // missing column
        ("id,texte,subject,mood\n1,a,sea,good\n".into(), &["labels/x.csv:1:", "no column `text`", "`texte`", "--text"]),
        // missing task
        ("id,text,subject\n1,a,sea\n".into(), &["no column `mood`", "--task"]),
        // unknown label
        (
            format!("{header}1,g,a,sea,good\n2,g,b,lake,bad\n"),
            &["labels/x.csv:3:", "found `lake`", "allowed: sea, hill"],
        ),
        // no row
        (header.into(), &["labels", "no labelled paragraph"]),
        // empty file
        (String::new(), &["labels/x.csv", "empty file"]),
        // a label without example
        (format!("{header}1,g,a,sea,good\n2,h,b,,bad\n"), &["label `hill`", "no example", "found 0 of 2"]),
        // a repeated id
        (
            format!("{header}1,g,a,sea,good\n1,h,b,hill,bad\n"),
            &["labels/x.csv:3:", "id `1` stands twice", "labels/x.csv:2"],
        ),
        // an unclosed quote
        (format!("{header}1,g,\"a,sea,good\n2,h,b,hill,bad\n"), &["labels/x.csv:2:", "never closed"]),
    ];
    for (csv, says) in cases {
        let place = Place::new();
        place.write("labels/tasks.toml", TASKS);
        place.write("labels/x.csv", csv);
        refused(&place, &TRAIN, 3, says);
    }
}

#[test]
fn bytes_that_are_not_utf_8() {
    let place = Place::new();
    place.write("labels/tasks.toml", TASKS);
    place.write("labels/x.csv", b"id,text,subject,mood\n1,caf\xe9,sea,good\n");
    refused(&place, &TRAIN, 3, &["labels/x.csv:2:", "not UTF-8", "0xe9", "iconv"]);
    place.write("page.txt", b"Une ligne.\nLe caf\xe9 est ferm\xe9.\n");
    refused(&place, &["classify", "page.txt"], 3, &["page.txt:2:", "not UTF-8", "iconv"]);
}

#[test]
fn places_that_do_not_exist() {
    let place = Place::new().with_small_labels();
    refused(&place, &["train", "nowhere", "--output", "m"], 3, &["nowhere", "no such file"]);
    refused(&place, &["classify", "nowhere"], 3, &["nowhere", "no such file"]);
    refused(&place, &["classify", "labels"], 3, &["labels", "no articles", "classify FILE.csv"]);
    refused(
        &place,
        &["classify", "labels/small.csv", "--model", "none"],
        4,
        &["none", "cannot be read", "rubrique train"],
    );
    refused(&place, &["train", "labels", "--output", "no/such/dir/m"], 2, &["no/such/dir/m", "cannot be written"]);
    refused(&place, &["train", "labels", "--output", "labels"], 2, &["is a directory"]);
    // Before anything is read or fitted.
    for command in ["train", "evaluate", "check"] {
        refused(&place, &[command, "nowhere", "--output", "no/r.json"], 2, &["no/r.json", "cannot be written"]);
    }
}

#[test]
fn tasks_that_nothing_describes() {
    let place = Place::new();
    place.write("tweets.csv", small_labels());
    refused(&place, &["evaluate", "tweets.csv"], 2, &["tasks.toml", "`mood`", "`subject`", "--task COLUMN:multi"]);
    refused(&place, &["evaluate", "tweets.csv", "--task", "mood"], 2, &["NAME:single"]);
    refused(&place, &["evaluate", "tweets.csv", "--task", "tone:single"], 3, &["no column `tone`", "`mood`"]);
    refused(
        &place,
        &["evaluate", "tweets.csv", "--task", "mood:single", "--group", "article"],
        2,
        &["no column `article` for --group"],
    );
    // Of the 24 articles some are near duplicates, and count as one.
    refused(
        &place,
        &["evaluate", "tweets.csv", "--task", "mood:single", "--folds", "90"],
        3,
        &["too few groups for 90 folds (found 18)"],
    );
    refused(&place, &["evaluate", "tweets.csv", "--task", "mood:single", "--folds", "1"], 2, &["at least 2"]);
}

#[test]
fn configurations_that_cannot_be_used() {
    let place = Place::new().with_small_labels();
    place.write("c.toml", "[classifier]\nspeed = 3\n");
    refused(
        &place,
        &["train", "labels", "--config", "c.toml", "--output", "m"],
        2,
        &["c.toml", "unknown field `speed`", "`class_weight`"],
    );
    place.write("c.toml", "[classifier]\nsolver = \"linfa\"\nclass_weight = \"balanced\"\n");
    refused(
        &place,
        &["train", "labels", "--config", "c.toml", "--output", "m"],
        2,
        &["c.toml: the linfa solver has no class weights", "solver = \"sparse\""],
    );
    refused(
        &place,
        &["train", "labels", "--config", "none.toml", "--output", "m"],
        2,
        &["none.toml", "cannot be read"],
    );
}

#[test]
fn model_files_that_are_damaged_or_foreign() {
    let place = Place::new().with_small_labels();
    let both = "[features.words]\nstemmer = \"frostem\"\n[features.fields]\nanalyzer = \"fields\"\n";
    place.write("both.toml", both);
    assert_eq!(place.run(&[&TRAIN[..], &["--config", "both.toml"]].concat()).code, 0);
    let good = std::fs::read(place.path("model.safetensors")).unwrap();
    let classify = ["classify", "labels/small.csv", "--model", "bad.safetensors"];
    let header = String::from_utf8_lossy(&good[..4000]).into_owned();
    assert!(header.contains("{\\\"format\\\":1,"));
    let swapped = |from: &str, to: &str| {
        let at = good.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        [&good[..at], to.as_bytes(), &good[at + from.len()..]].concat()
    };
    let cases: [(Vec<u8>, &[&str]); 8] = [
        (b"not a model".to_vec(), &["bad.safetensors", "not a safetensors file"]),
        (Vec::new(), &["not a safetensors file"]),
        (good[..good.len() - 10].to_vec(), &["not a safetensors file"]),
        (swapped("\\\"format\\\":1,", "\\\"format\\\":7,"), &["format version: found 7; this program knows 1"]),
        (swapped("\\\"decision\\\"", "\\\"decisiom\\\""), &["unknown field `decisiom`"]),
        (swapped("rust-stemmers 1.2.0", "rust-stemmers 9.9.9"), &["rust-stemmers 9.9.9", "rust-stemmers 1.2.0"]),
        (swapped("frostem 2.20261016", "frostem 2.20310203"), &["frostem 2.20310203", "frostem 2.20261016"]),
        (swapped("\\\"frostem\\\"", "\\\"porters\\\""), &["unknown variant `porters`", "`rust-stemmers` or `frostem`"]),
    ];
    for (bytes, says) in cases {
        place.write("bad.safetensors", bytes);
        refused(&place, &classify, 4, says);
    }
}

/// A model file with something else in its header, and without the hash that would tell.
fn forged(good: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (size, rest) = good.split_at(8);
    let (outer, numbers) = rest.split_at(u64::from_le_bytes(size.try_into().unwrap()) as usize);
    let mut outer: Value = serde_json::from_slice(outer).unwrap();
    let mut header: Value = serde_json::from_str(outer["__metadata__"]["rubrique"].as_str().unwrap()).unwrap();
    header.as_object_mut().unwrap().remove("sha256");
    change(&mut header);
    outer["__metadata__"]["rubrique"] = header.to_string().into();
    let outer = outer.to_string();
    [&(outer.len() as u64).to_le_bytes(), outer.as_bytes(), numbers].concat()
}

#[test]
fn a_model_that_counts_more_answers_than_paragraphs() {
    let place = Place::new().with_small_labels();
    assert_eq!(place.run(&TRAIN).code, 0);
    let good = std::fs::read(place.path("model.safetensors")).unwrap();
    let counted = |counts: Value| forged(&good, |header| header["provenance"]["label_sets"]["mood"] = counts);
    place.write("forged.safetensors", counted(json!({"good": 16, "bad": 32})));
    let evaluate = ["evaluate", "labels", "--model", "forged.safetensors", "--output", "r.json"];
    let ran = place.run(&evaluate);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let half = 1u64 << 63;
    // Two whose sum is zero in 64 bits, and one more than there are paragraphs.
    for counts in [json!({"good": half, "bad": half}), json!({"good": 16, "bad": 33})] {
        place.write("forged.safetensors", counted(counts));
        let says = ["forged.safetensors", "label_sets of task `mood`: more than its 48 paragraphs"];
        refused(&place, &evaluate, 4, &says);
        refused(&place, &["adapt", "forged.safetensors", "--prior", "mood.good=0.5", "--output", "m"], 4, &says);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_listed_does_not_stop_the_rest() {
    let place = Place::new();
    place.write("press/a.txt", "Le ministre a annoncé une réforme de la justice devant les députés.");
    place.write("press/z.txt", "Le marché de l'électricité reste tendu malgré la baisse de la demande.");
    // Nobody, root included, can list a folder whose path is longer than a system allows: 24 names of 200 bytes, which
    // are put together from two halves.
    let half = vec!["d".repeat(200); 12].join("/");
    std::fs::create_dir_all(place.path("press").join(&half)).unwrap();
    std::fs::create_dir_all(place.path("press/other").join(&half)).unwrap();
    std::fs::rename(place.path("press/other"), place.path("press").join(&half).join("other")).unwrap();
    let ran = place.run(&["classify", "press", "--format", "csv"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("cannot be listed: ").count(), 1, "{}", ran.stderr);
    let documents: Vec<&str> = ran.stdout.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(documents, ["press/a.txt", "press/z.txt"]);
}

#[test]
fn report_files_that_are_damaged() {
    type Damage = fn(&mut Value);
    let cases: [(Damage, &str); 21] = [
        (|r| r["folds"]["k"] = 0.into(), "folds.k: found 0; at least 2 needed"),
        (|r| r["folds"]["k"] = 1.into(), "folds.k: found 1; at least 2 needed"),
        (|r| r["folds"]["k"] = 3.into(), "of 2 repeats and 3 folds"),
        (|r| r["folds"]["k"] = 1_000_000_000_000_000_000_u64.into(), "folds without a prediction"),
        (|r| r["folds"]["split"] = "time".into(), "folds.repeats: found 2; allowed: 1"),
        (|r| r["folds"]["repeats"] = 0.into(), "folds.repeats: found 0; allowed: 1 or more"),
        (|r| r["folds"]["repeats"] = 1.into(), "of 1 repeats and 4 folds"),
        (|r| r["folds"]["repeats"] = 1_000_000_000_000_000_000_u64.into(), "each in 1000000000000000000 repeats"),
        (|r| drop(r.as_object_mut().unwrap().remove("folds")), "either `folds` or `held_out`"),
        (|r| r["predictions"] = json!([]), "0 predictions for 0 paragraphs; wanted: 48 paragraphs, each in 2 repeats"),
        (|r| drop(r["predictions"].as_array_mut().unwrap().pop()), "95 predictions for 48 paragraphs; wanted: 48"),
        (|r| r["predictions"][1] = r["predictions"][0].clone(), "two predictions for `p0` in repeat 0"),
        (|r| r["predictions"][0]["gold"]["mood"] = "great".into(), "found \"great\"; allowed: good, bad"),
        (|r| r["predictions"][0]["gold"]["subject"] = json!(["sea", 3]), "found 3; allowed: sea, hill"),
        (|r| r["predictions"][0]["labels"]["mood"] = json!([]), "found []; allowed: good, bad"),
        (|r| r["predictions"][0]["labels"]["subject"] = "sea".into(), "found \"sea\"; allowed: a list"),
        (|r| r["predictions"][0]["labels"]["mood"] = Value::Null, "no answer to `mood` for `p0`"),
        (
            |r| r["predictions"][0]["probabilities"]["mood"]["good"] = 1.5.into(),
            "no probability of `good` of task `mood`",
        ),
        (|r| r["tasks"] = json!({}), "no task"),
        (|r| r["tasks"]["mood"]["labels"] = json!({}), "task `mood`: too few labels (found 0"),
        (
            |r| {
                let mean = &mut r["tasks"]["mood"]["macro_f1"]["mean"];
                *mean = (mean.as_f64().unwrap() - 0.3).into();
            },
            "mood.macro_f1: found",
        ),
    ];
    let place = Place::new().with_small_labels();
    let evaluate = ["evaluate", "labels", "--folds", "4", "--repeats", "2", "--output", "good.json"];
    assert_eq!(place.run(&evaluate).code, 0);
    let good: Value = serde_json::from_str(&place.read("good.json")).unwrap();
    for (damage, says) in cases {
        let mut bad = good.clone();
        damage(&mut bad);
        place.write("bad.json", bad.to_string());
        let says = ["bad.json: not a usable report (", says];
        refused(&place, &["compare", "bad.json", "bad.json"], 4, &says);
        refused(&place, &["compare", "good.json", "bad.json"], 4, &says);
        refused(&place, &["evaluate", "labels", "--folds-from", "bad.json"], 4, &says);
    }
    assert_eq!(place.run(&["train", "labels", "--output", "m"]).code, 0);
    assert_eq!(place.run(&["evaluate", "labels", "--model", "m", "--output", "held.json"]).code, 0);
    refused(&place, &["evaluate", "labels", "--folds-from", "held.json"], 2, &["held.json: no folds to keep"]);
}

#[test]
fn one_bad_article_does_not_stop_the_rest() {
    let place = Place::new();
    place.write("in/a.txt", b"\xff\xfe");
    place.write("in/b.txt", "Le bilan des inondations est lourd dans toute la vallée.\n");
    let ran = place.run(&["classify", "in", "--format", "jsonl"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("in/a.txt:1: not UTF-8"));
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stdout.contains("\"document\":\"in/b.txt\""));
}

#[test]
fn rows_that_cannot_be_read_are_named_and_not_the_labels_they_would_have_had() {
    let place = Place::new();
    place.write("t.csv", "text,tone\nun,bon,trop\ndeux,mauvais,trop\n");
    let ran = place.run(&["evaluate", "t.csv", "--task", "tone:single"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("t.csv:2: wrong number of cells"), "{}", ran.stderr);
    place.write("t.csv", "text,tone\nun,bon\ndeux,bon\n");
    let ran = place.run(&["evaluate", "t.csv", "--task", "tone:single"]);
    assert!(ran.code == 3 && ran.stderr.contains("t.csv: column `tone` is no usable task"), "{}", ran.stderr);
}

#[test]
fn columns_that_were_named_must_be_there() {
    let place = Place::new();
    place.write("rows.csv", "text,n\nUne phrase.,1\nUne autre.,2\n");
    place.write("rows.jsonl", "{\"text\":null}\n");
    for option in ["--text", "--id", "--group"] {
        let says = ["rows.csv:1: no column `nope` (found `text`, `n`)", option];
        refused(&place, &["classify", "rows.csv", option, "nope", "--output", "x.csv"], 3, &says);
    }
    let says = ["rows.jsonl:1: column `text` does not hold text (found null"];
    refused(&place, &["classify", "rows.jsonl", "--output", "x.csv"], 3, &says);
}

#[test]
fn a_task_is_asked_for_once() {
    let place = Place::new().with_small_labels();
    for second in ["mood:single", "mood:multi"] {
        let tasks = ["--task", "mood:single", "--task", second];
        for command in [&TRAIN[..], &["evaluate", "labels"], &["check", "labels"]] {
            refused(&place, &[command, &tasks].concat(), 2, &["task `mood` is asked for twice"]);
        }
    }
}

#[test]
fn there_must_be_something_to_learn_from() {
    let place = Place::new();
    place.write("signs.csv", "text,t\n...,a\nle la les,b\n???,a\n--,b\n");
    place.write("words.toml", "[features.words]\n");
    place.write("linfa.toml", "[features.words]\n[classifier]\nsolver = \"linfa\"\nclass_weight = \"none\"\n");
    for config in ["words.toml", "linfa.toml"] {
        let options = ["signs.csv", "--task", "t:single", "--config", config];
        let train = [&["train", "--output", "model.safetensors"], &options[..]].concat();
        refused(&place, &train, 3, &["task `t` has no feature", "found 0", "min_df"]);
        // A fold without features answers by the frequency of labels.
        let ran = place.run(&[&["evaluate", "--folds", "2", "--quiet", "--format", "json"], &options[..]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
}

#[test]
fn a_model_of_which_a_bit_changed_is_refused() {
    let place = Place::new().with_small_labels();
    assert_eq!(place.run(&TRAIN).code, 0);
    let sound = std::fs::read(place.path("model.safetensors")).unwrap();
    place.write("text.txt", "Le bateau quitte la baie et le port.\n");
    for share in [0.1, 0.5, 0.9, 0.999] {
        let mut bytes = sound.clone();
        let at = (share * bytes.len() as f64) as usize;
        bytes[at] ^= 4;
        place.write("damaged.safetensors", bytes);
        refused(&place, &["classify", "text.txt", "--model", "damaged.safetensors"], 4, &["damaged.safetensors"]);
    }
}
