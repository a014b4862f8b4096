//! `adapt`

use super::util::Place;
use serde_json::Value;

/// A place with a model of the small labels: `sea` in 36 of 48 paragraphs, `good` in 16.
fn with_model() -> Place {
    let place = Place::new().with_small_labels();
    let ran = place.run(&["train", "labels", "--output", "model.safetensors"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    place
}

/// Rows of text, of which one in `every` is good.
fn rows(count: usize, every: usize) -> String {
    let texts = (0..count).map(|i| {
        let end =
            if i % every == 0 { "sous un beau soleil et tout va bien" } else { "sous une pluie triste et tout va mal" };
        format!("r{i},La marée monte sur le port {end} numéro {i}.\n")
    });
    String::from("id,text\n") + &texts.collect::<String>()
}

fn probabilities(place: &Place, model: &str) -> Vec<Value> {
    let ran = place.run(&["classify", "rows.csv", "--model", model, "--format", "jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["probabilities"].clone()).collect()
}

#[test]
fn stated_shares_move_log_odds_by_bayes_rule() {
    let place = with_model();
    place.write("rows.csv", rows(20, 3));
    let adapt = ["adapt", "model.safetensors", "--prior", "subject.sea=0.5", "--prior", "mood.good=0.6"];
    let ran = place.run(&[&adapt[..], &["--output", "moved.safetensors"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let line = |label: &str| ran.stdout.lines().find(|line| line.trim().starts_with(label)).unwrap().to_string();
    let cells = |label: &str| line(label).split_whitespace().skip(1).map(String::from).collect::<Vec<_>>();
    // By hand: odds 3 become 1, so ln(1/3); shares 1/3 and 2/3 become 0.6 and 0.4, so ln 1.8 and ln 0.6.
    assert_eq!(cells("sea"), ["0.750", "0.500", "stated", "-1.099", "n/a", "n/a"]);
    assert_eq!(cells("hill")[2..4], ["kept", "0.000"]);
    assert_eq!(cells("good"), ["0.333", "0.600", "stated", "+0.588", "n/a", "n/a"]);
    assert_eq!(cells("bad"), ["0.667", "0.400", "kept", "-0.511", "n/a", "n/a"]);

    let logit = |p: &Value| {
        let p = p.as_f64().unwrap();
        (p / (1.0 - p)).ln()
    };
    let pairs = probabilities(&place, "model.safetensors").into_iter().zip(probabilities(&place, "moved.safetensors"));
    for (before, after) in pairs {
        let moved = |task: &str, label: &str| logit(&after[task][label]) - logit(&before[task][label]);
        assert!((moved("subject", "sea") + 3f64.ln()).abs() < 1e-9);
        assert!((moved("mood", "good") - 3f64.ln()).abs() < 1e-9, "ln 1.8 - ln 0.6");
        assert_eq!(after["subject"]["hill"], before["subject"]["hill"]);
    }

    let explained =
        place.run(&["classify", "rows.csv", "--model", "moved.safetensors", "--format", "jsonl", "--explain=2"]);
    for line in explained.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        for reasons in
            line["reasons"].as_object().unwrap().values().flat_map(|labels| labels.as_object().unwrap().values())
        {
            let number = |key: &str| reasons[key].as_f64().unwrap();
            let words = reasons["words"].as_array().unwrap().iter().map(|w| w["weight"].as_f64().unwrap()).sum::<f64>();
            assert!((number("intercept") + words + number("rest") - number("score")).abs() < 1e-6);
        }
    }
    let card = place.run(&["inspect", "moved.safetensors"]).stdout;
    assert!(card.contains("subject: class mix") && card.contains("-1.099"), "{card}");
    assert!(!place.run(&["inspect", "model.safetensors"]).stdout.contains("class mix"));
    let header = std::fs::read(place.path("model.safetensors")).unwrap();
    assert!(!String::from_utf8_lossy(&header).contains("shift"), "a model as trained has no new key");
}

#[test]
fn unlabelled_text_tells_its_mix() {
    let place = with_model();
    place.write("rows.csv", rows(100, 10));
    let adapt = |model: &str, output: &str, threads: &str| {
        let ran = place.run(&[
            "adapt",
            model,
            "--unlabelled",
            "rows.csv",
            "--output",
            output,
            "--format",
            "json",
            "--threads",
            threads,
        ]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let mix: Value = serde_json::from_str(&adapt("model.safetensors", "one", "1")).unwrap();
    assert_eq!(mix["paragraphs"], 100);
    let good = &mix["tasks"]["mood"][0];
    assert_eq!((&good["label"], &good["origin"]), (&"good".into(), &"estimated".into()));
    // One in ten is good, of which one in three was in training.
    let share = good["adapted"].as_f64().unwrap();
    assert!((0.05..0.2).contains(&share), "{mix}");
    let sum: f64 = mix["tasks"]["mood"].as_array().unwrap().iter().map(|m| m["adapted"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9);

    let read = |name: &str| std::fs::read(place.path(name)).unwrap();
    adapt("model.safetensors", "two", "2");
    assert!(read("one") == read("two"), "the same bytes on any number of threads");
    adapt("one", "again", "1");
    assert!(read("one") == read("again"), "an earlier adaptation is replaced, not added to");
    let piped = ["adapt", "one", "--unlabelled", "-", "--stdin-format", "csv", "--output", "piped", "--quiet"];
    assert_eq!(place.run_with_input(&piped, &rows(100, 10)).code, 0);
    assert!(read("one") == read("piped"));
}

#[test]
fn what_cannot_be_adapted_to_is_refused() {
    let place = with_model();
    place.write("few.csv", rows(49, 2));
    place.write("enough.csv", rows(50, 2) + "one cell\n");
    let files = place.files();
    let cases: [(&[&str], i32, &[&str]); 6] = [
        (&[], 2, &["--unlabelled", "--prior"]),
        (&["--unlabelled", "few.csv"], 3, &["found 49 paragraphs; at least 50 needed", "--prior"]),
        (&["--prior", "mood.fine=0.1"], 2, &["no such label", "mood.good"]),
        (&["--prior", "mood.good=1"], 2, &["mood.good=1", "below 1"]),
        (&["--prior", "mood.good=half"], 2, &["`half` is no number"]),
        (&["--prior", "mood.good"], 2, &["TASK.LABEL=SHARE"]),
    ];
    for (arguments, code, says) in cases {
        let ran = place.run(&[&["adapt", "model.safetensors", "--output", "new"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        says.iter().for_each(|part| assert!(ran.stderr.contains(part), "{part:?} is not in {}", ran.stderr));
        assert_eq!((ran.stdout.as_str(), place.files()), ("", files.clone()), "{arguments:?}");
    }
    let ran = place.run(&["adapt", "model.safetensors", "--unlabelled", "enough.csv", "--output", "new"]);
    assert_eq!(ran.code, 3, "one bad row does not stop the rest");
    assert!(ran.stderr.contains("enough.csv:52: wrong number of cells"), "{}", ran.stderr);
    assert!(ran.stdout.contains("from 50 unlabelled paragraphs") && place.files().contains(&"new".to_string()));
}
