//! `train` and `inspect`.

use super::util::{Place, TASKS, small_labels};

#[test]
fn the_same_labels_give_the_same_bytes_on_any_number_of_threads() {
    let place = Place::new().with_small_labels();
    for (model, threads) in [("a", "1"), ("b", "2"), ("c", "3")] {
        let ran = place.run(&["train", "labels", "--output", model, "--threads", threads]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    let bytes = |name| std::fs::read(place.path(name)).unwrap();
    assert!(bytes("a") == bytes("b") && bytes("b") == bytes("c"));
}

#[test]
fn a_report_goes_into_the_model_only_if_data_and_settings_match() {
    let place = Place::new().with_small_labels();
    place.write("weak.toml", "[classifier]\nc = 0.01\n");
    assert_eq!(place.run(&["evaluate", "labels", "--output", "report.json"]).code, 0);
    let train =
        |more: &[&str]| place.run(&[&["train", "labels", "--report", "report.json", "--output", "m"], more].concat());
    assert_eq!(train(&[]).code, 0);
    let card = place.run(&["inspect", "m", "--format", "markdown"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&place.read("report.json")).unwrap();
    let mean = report["tasks"]["mood"]["macro_f1"]["mean"].as_f64().unwrap();
    assert!(card.contains(&format!("| mood | macro_f1 | {mean:.3} |")), "{card}");

    let other = train(&["--config", "weak.toml"]);
    assert_eq!(other.code, 4);
    assert!(other.stderr.contains("other settings of task `mood`"), "{}", other.stderr);
    assert_eq!(place.run(&["evaluate", "labels/small.csv", "--task", "mood:multi", "--output", "report.json"]).code, 0);
    let other =
        place.run(&["train", "labels/small.csv", "--task", "mood:single", "--report", "report.json", "--output", "m"]);
    assert_eq!(other.code, 4);
    assert!(other.stderr.contains("a report without task `mood` of this kind"), "{}", other.stderr);
    assert_eq!(place.run(&["evaluate", "labels", "--output", "report.json"]).code, 0);
    place.write("labels/more.csv", "id,text,subject,mood\nz,Encore la mer.,sea,good\n");
    let other = train(&[]);
    assert_eq!(other.code, 4);
    assert!(other.stderr.contains("a report on other data"), "{}", other.stderr);
}

#[test]
fn inspect_prints_a_configuration_that_trains_the_same_model() {
    let place = Place::new().with_small_labels();
    place.write("own.toml", "[features.words]\nngrams = [1, 2]\n[tasks.mood.classifier]\nc = 3.0\n");
    assert_eq!(place.run(&["train", "labels", "--config", "own.toml", "--output", "a"]).code, 0);
    let printed = place.run(&["inspect", "a", "--config"]);
    assert_eq!(printed.code, 0);
    place.write("printed.toml", printed.stdout);
    assert_eq!(place.run(&["train", "labels", "--config", "printed.toml", "--output", "b"]).code, 0);
    assert!(std::fs::read(place.path("a")).unwrap() == std::fs::read(place.path("b")).unwrap());
}

#[test]
fn pruned_features_and_short_weights_make_small_files() {
    let place = Place::new().with_small_labels();
    place.write("small.toml", "[classifier]\nprune = 0.75\nprecision = 16\n");
    assert_eq!(place.run(&["train", "labels", "--output", "large"]).code, 0);
    let ran = place.run(&["train", "labels", "--config", "small.toml", "--output", "small"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let card = |model: &str| -> serde_json::Value {
        serde_json::from_str(&place.run(&["inspect", model, "--format", "json"]).stdout).unwrap()
    };
    let features = |model: &str| card(model)["tasks"]["mood"]["features"].as_u64().unwrap();
    assert_eq!(features("small"), features("large") - features("large") * 3 / 4);
    // What stands after the header: terms and numbers.
    let size = |model: &str| {
        let bytes = std::fs::read(place.path(model)).unwrap();
        bytes.len() - 8 - u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
    };
    assert!(size("small") * 4 < size("large"), "{} {}", size("small"), size("large"));
    // What the words of either mood say survives.
    let labelled = place.run_with_input(
        &["classify", "-", "--stdin-format", "csv", "--model", "small", "--format", "csv"],
        "text\nTout va bien sous un beau soleil.\nTout va mal sous une pluie triste.\n",
    );
    let moods: Vec<&str> = labelled.stdout.lines().skip(1).map(|line| line.split(',').nth(5).unwrap()).collect();
    assert_eq!(moods, ["good", "bad"], "{}", labelled.stdout);

    for (key, says) in [("prune = 1.0", "prune out of range"), ("precision = 8", "allowed: 16 or 32")] {
        place.write("wrong.toml", format!("[classifier]\n{key}\n"));
        let ran = place.run(&["train", "labels", "--config", "wrong.toml", "--output", "m"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
}

#[test]
fn inspect_names_the_words_that_carry_a_label() {
    let place = Place::new().with_small_labels();
    assert_eq!(place.run(&["train", "labels", "--output", "m"]).code, 0);
    let card: serde_json::Value =
        serde_json::from_str(&place.run(&["inspect", "m", "--format", "json"]).stdout).unwrap();
    let strongest: Vec<&str> = card["tasks"]["mood"]["strongest"]["good"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|term| term["term"].as_str())
        .collect();
    assert!(strongest.contains(&"bien") || strongest.contains(&"soleil"), "{strongest:?}");
    assert!(!strongest.contains(&"mal"), "{strongest:?}");
}

#[test]
fn inspect_shows_the_settings_and_steers_no_terminal() {
    let place = Place::new().with_small_labels();
    place.write("labels/tasks.toml", TASKS.replace("\"good\"", "\"go\\u001b[31mod\""));
    place.write("labels/small.csv", small_labels().replace(",good\n", ",go\u{1b}[31mod\n"));
    let config = "[features.letters]\nanalyzer = \"char_wb\"\nngrams = [2, 4]\nnorm = 0.5\n\
                  [classifier]\nsolver = \"sparse\"\nc = 2.5\nnaive_bayes = 0.25\nthresholds = 0.5\n\
                  [tasks.mood.features.words]\nprefix = 4\n[tasks.mood.classifier]\ncalibration = \"none\"\n";
    place.write("c.toml", config);
    let ran = place.run(&["train", "labels", "--config", "c.toml", "--output", "m"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let shown = place.run(&["inspect", "m"]).stdout;
    let settings_of = |task: &str| {
        let (_, rest) = shown.split_once(&format!("\n{task}: settings\n")).unwrap();
        rest.split_inclusive("\n\n").next().unwrap()
    };
    let classifier = "  classifier: solver sparse, c 2.5, class_weight balanced, naive_bayes 0.25, calibration";
    let letters = "  features.letters: analyzer char_wb, ngrams [2,4], norm 0.5\n";
    for (task, says) in [
        ("subject", &[&format!("{classifier} platt, thresholds 0.5"), letters][..]),
        (
            "mood",
            &[
                &format!("{classifier} none, thresholds 0.5"),
                letters,
                "  features.words: analyzer word, ngrams [1,1], prefix 4\n",
            ],
        ),
    ] {
        let text = settings_of(task);
        says.iter().for_each(|part| assert!(text.contains(part), "{task}: {part} is not in\n{text}"));
    }
    assert!(settings_of("mood").contains("features.words") && !settings_of("subject").contains("features.words"));

    let classified = place.run(&["classify", "labels/small.csv", "--model", "m", "--explain"]).stdout;
    for text in [&shown, &classified] {
        assert!(text.contains("go\u{fffd}[31mod") && !text.contains('\u{1b}'), "{text:?}");
    }
}

#[test]
fn nothing_is_learnt_from_what_the_model_will_be_judged_on() {
    let place = Place::new();
    let word = |i: usize| ["la mer", "le feu"][i % 2];
    let row = |i: usize, split: &str| {
        format!("p{i},a{i},{} de la note {i} tout au long du jour,{},{split}\n", word(i), i % 2)
    };
    let table =
        |rows: &[String]| ["id,group,text,c,split\n".to_string()].iter().chain(rows).cloned().collect::<String>();
    let base: Vec<String> = (0..20).map(|i| row(i, if i < 4 { "test" } else { "train" })).collect();
    place.write("base.csv", table(&base));
    // Moved from the test part; of the same article; nearly the same text under another name; and three that are new.
    let mut rows: Vec<String> = (0..20).map(|i| row(i, "")).collect();
    rows.push("q1,a1,Un autre paragraphe du même article,1,\n".into());
    rows.push("q2,b1,La mer de la note 2 tout au long du jour !,0,\n".into());
    rows.extend((20..23).map(|i| row(i, "")));
    place.write("changed.csv", table(&rows));
    let ran = place.run(&["train", "changed.csv", "--task", "c:single", "--apart-from", "base.csv", "--output", "m"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let said = "6 paragraphs left out of the fit: they belong to the rows for testing of base.csv";
    assert!(ran.stderr.contains(said) && ran.stderr.contains("fitted on 19 paragraphs"), "{}", ran.stderr);
    // The same model as from a table without them.
    rows.retain(|row| ![",a0,", ",a1,", ",a2,", ",a3,", ",b1,"].iter().any(|name| row.contains(name)));
    place.write("kept.csv", table(&rows));
    assert_eq!(place.run(&["train", "kept.csv", "--task", "c:single", "--output", "n"]).code, 0);
    assert!(std::fs::read(place.path("m")).unwrap() == std::fs::read(place.path("n")).unwrap());
}

#[test]
fn a_model_does_not_depend_on_the_way_to_its_labels() {
    let place = Place::new();
    let row = |i: usize| format!("la mer numéro {i} est {0},{0}\n", ["calme", "haute"][i % 2]);
    let rows: String = ["text,tone\n".to_string()].into_iter().chain((0..40).map(row)).collect();
    place.write("here.csv", &rows);
    place.write("there/here.csv", &rows);
    let model = |labels: &str| {
        let ran = place.run(&["train", labels, "--task", "tone:single", "--output", "m"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        std::fs::read(place.path("m")).unwrap()
    };
    let here = model("here.csv");
    assert!(here == model("./here.csv") && here == model("there/here.csv"));
}
