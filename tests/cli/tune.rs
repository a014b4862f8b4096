//! `tune`

use super::util::{Place, Ran, small_labels};
use serde_json::Value;

/// Two settings that learn next to nothing, and two that learn; features with and without characters.
const SPACE: &str = "[features.characters]\nuse = [true, false]\n[classifier]\nc = [0.000001, 10]\nnaive_bayes = 0\n\
                     class_weight = \"none\"\n";

const TUNE: [&str; 8] = ["tune", "labels", "--space", "space.toml", "--folds", "4", "--inner-folds", "2"];

fn place() -> Place {
    let place = Place::new().with_small_labels();
    place.write("space.toml", SPACE);
    place
}

fn tuned(place: &Place, more: &[&str]) -> Ran {
    let ran = place.run(&[&TUNE[..], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran
}

#[test]
fn a_search_ends_in_a_configuration_and_a_report_that_can_be_compared() {
    let place = place();
    let ran = tuned(&place, &["--winner", "best.toml", "--report", "nested.json"]);
    assert!(ran.stdout.contains("4 folds, 1 repeat, seed 0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("mood: settings on all of the data, best first (4 of 4)"), "{}", ran.stdout);
    assert!(place.read("best.toml").contains("c = 10.0"), "{}", place.read("best.toml"));

    let evaluate = ["evaluate", "labels", "--folds", "4", "--config", "best.toml", "--output", "plain.json"];
    assert_eq!(place.run(&evaluate).code, 0);
    let ran = place.run(&["compare", "plain.json", "nested.json"]);
    assert_eq!(ran.code, 0, "the same data, folds and seed: {}", ran.stderr);
    let ran = place.run(&["train", "labels", "--config", "best.toml", "--report", "nested.json", "--output", "m"]);
    assert_eq!(ran.code, 0, "the report is of the winner's settings: {}", ran.stderr);
    assert_eq!(place.run(&["evaluate", "labels", "--folds", "4", "--seed", "1", "--output", "other.json"]).code, 0);
    assert_eq!(place.run(&["compare", "other.json", "nested.json"]).code, 4);
}

#[test]
fn a_search_is_told_in_every_format() {
    let place = place();
    let json: Value = serde_json::from_str(&tuned(&place, &["--format", "json"]).stdout).unwrap();
    assert_eq!((&json["schema"], &json["metric"]), (&"rubrique.tuning/1".into(), &"macro_f1".into()));
    let mood = &json["tasks"]["mood"];
    let settings = mood["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 4);
    assert_eq!(settings[0]["values"], serde_json::json!({"classifier.c": 1e-6, "features.characters.use": true}));
    let chosen: u64 = settings.iter().map(|s| s["chosen"].as_u64().unwrap()).sum();
    assert_eq!((chosen, mood["choices"].as_array().unwrap().len()), (4, 4), "once a fold");
    let score = |number: &Value| settings[number.as_u64().unwrap() as usize - 1]["score"].as_f64().unwrap();
    assert!(settings.iter().all(|s| s["score"].as_f64().unwrap() <= score(&mood["winner"])));

    let csv = tuned(&place, &["--format", "csv"]).stdout;
    let header = "task,setting,macro_f1,chosen,winner,classifier.c,features.characters.use";
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some(header), 9));
    tuned(&place, &["--output", "search.md", "--quiet"]);
    assert!(place.read("search.md").contains("### subject: chosen in each fold"));
}

#[test]
fn neither_threads_nor_an_interruption_change_a_byte() {
    let place = place();
    let outcome = |more: &[&str]| {
        let files = ["--format", "json", "--winner", "best.toml", "--report", "nested.json"];
        let ran = tuned(&place, &[&files[..], more].concat());
        (ran.stdout, place.read("best.toml"), place.read("nested.json"), ran.stderr)
    };
    let (search, best, nested, _) = outcome(&["--threads", "1"]);
    let (again, again_best, again_nested, _) = outcome(&["--threads", "2", "--resume", "scores.jsonl"]);
    assert!((&search, &best, &nested) == (&again, &again_best, &again_nested), "threads");

    // Four training parts and all of the data, two tasks, four settings; and what they depend on.
    let kept = place.read("scores.jsonl");
    assert_eq!(kept.lines().count(), 5 * 2 * 4 + 1);
    for cut in [0, 10, kept.len() / 3, kept.len() / 2 + 7, kept.len() - 1, kept.len()] {
        place.write("scores.jsonl", &kept[..cut]);
        let (resumed, best_now, nested_now, stderr) = outcome(&["--resume", "scores.jsonl"]);
        assert!((&search, &best, &nested) == (&resumed, &best_now, &nested_now), "stopped at byte {cut}");
        let complete = kept[..cut].matches('\n').count().saturating_sub(1);
        let says = format!("{complete} scores of an earlier search are taken as they are");
        assert_eq!(stderr.contains(&says), complete > 0, "{stderr}");
        let lines = |text: &str| text.lines().map(String::from).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(lines(&place.read("scores.jsonl")), lines(&kept), "the file is whole again");
    }

    // Cut inside a character.
    place.write("scores.jsonl", [kept.as_bytes(), &"{\"té".as_bytes()[..4]].concat());
    assert_eq!(outcome(&["--resume", "scores.jsonl"]).0, search);
    assert_eq!(place.read("scores.jsonl"), kept);

    // More settings of the same search need only their own scores.
    place.write("space.toml", SPACE.replace("[0.000001, 10]", "[0.000001, 10, 20]"));
    let ran = tuned(&place, &["--resume", "scores.jsonl"]);
    assert!(ran.stderr.contains("40 scores of an earlier search"), "{}", ran.stderr);
    assert_eq!(place.read("scores.jsonl").lines().count(), 5 * 2 * 6 + 1);
}

#[test]
fn the_scores_of_another_search_are_refused() {
    let place = place();
    let search = ["--folds", "4", "--inner-folds", "2"];
    tuned(&place, &["--resume", "scores.jsonl"]);
    let kept = place.read("scores.jsonl");
    let refused = |more: &[&str], says: &str| {
        let ran = place.run(&[&TUNE[..4], &["--resume", "scores.jsonl"], more].concat());
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        assert!(ran.stderr.contains(says), "{says:?} is not in {}", ran.stderr);
    };
    refused(&[&search[..], &["--seed", "1"]].concat(), "a search that differs in deal");
    refused(
        &[&search[..], &["--metric", "accuracy"]].concat(),
        "a search that differs in metric (found \"macro_f1\"; this one is \"accuracy\")",
    );
    refused(&["--folds", "4", "--inner-folds", "3"], "a search that differs in inner_folds (found 2; this one is 3)");
    assert_eq!(place.read("scores.jsonl"), kept, "a file that is refused is left as it was");
    // The same cells, read as another kind of task.
    let mood = |kind: &str, file: &str| {
        place.run(&[
            "tune",
            "labels/small.csv",
            "--task",
            &format!("mood:{kind}"),
            "--folds",
            "2",
            "--inner-folds",
            "2",
            "--resume",
            file,
        ])
    };
    assert_eq!(mood("single", "mood.jsonl").code, 0);
    let ran = mood("multi", "mood.jsonl");
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("a search that differs in tasks"), "{}", ran.stderr);
    place.write("labels/small.csv", small_labels().replace("port", "quai"));
    refused(&search, "a search that differs in data");
    place.write("labels/small.csv", small_labels());
    place.write("scores.jsonl", kept.replacen("\"score\"", "\"scare\"", 3));
    refused(&search, "scores.jsonl:2: not a line of a search");
    for foreign in ["id,text\n", "notes without a line feed"] {
        place.write("scores.jsonl", foreign);
        refused(&search, "scores.jsonl:1: not a line of a search");
        assert_eq!(place.read("scores.jsonl"), foreign, "somebody's file is left as it was");
    }
}

#[test]
fn wrong_searches_are_refused_before_anything_is_fitted() {
    let place = place();
    let many: Vec<String> = (1..=40).map(|c| c.to_string()).collect();
    let many = many.join(", ");
    place.write("many.toml", format!("[classifier]\nc = [{many}]\nnaive_bayes = [{many}]\n"));
    place.write("unknown.toml", "[classifier]\ncost = [1, 2]\n");
    place.write("value.toml", "[features.words]\nngrams = [[1, 2], [2, 1]]\n");
    let blocks = ["words", "prefixes", "characters", "fields", "valence"];
    place.write("none.toml", blocks.map(|block| format!("[features.{block}]\nuse = false\n")).concat());
    let before = place.files();
    for (more, says) in [
        (
            &["--space", "unknown.toml"][..],
            "unknown.toml: classifier.cost: unknown field `cost`, expected one of `solver`",
        ),
        (&["--space", "value.toml"], "value.toml: features.words.ngrams out of range"),
        (&["--space", "none.toml"], "no setting of the space can be fitted for task `mood`"),
        (&["--space", "many.toml"], "too many settings for task `mood` (found 40 x 40; at most 1000)"),
        (&["--space", "many.toml"], "--search random --trials 50"),
        (&["--space", "absent.toml"], "the search space cannot be read"),
        (&["--trials", "3"], "--trials 3 with --search grid"),
        (&["--search", "random", "--trials", "0"], "number of trials out of range (found 0"),
        (&["--metric", "f1"], "allowed: accuracy, macro_f1"),
        (&["--repeats", "0"], "--repeats 0"),
        (&["--folds", "1"], "too few folds (found 1"),
        (&["--inner-folds", "1"], "too few inner folds (found 1"),
        (&["--winner", "nowhere/best.toml"], "nowhere/best.toml: cannot be written"),
        (&["--winner", "w", "--report", "w"], "--winner and --report are both w"),
        (&["--report", "-"], "--output and --report are both -"),
        (&["--resume", "labels"], "labels: is no file"),
    ] {
        let ran = place.run(&[&["tune", "labels"], more].concat());
        assert_eq!(ran.code, 2, "{more:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{more:?}: {says:?} is not in {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    let ran = place.run(&["tune", "labels", "--folds", "2", "--inner-folds", "20"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("inside a training part of 24 paragraphs: too few groups for 20 folds")
            && ran.stderr.contains("--inner-folds"),
        "{}",
        ran.stderr
    );
    assert_eq!(place.files(), before);
}

#[test]
fn a_random_search_tries_as_many_settings_as_asked_for() {
    let place = place();
    let json = tuned(&place, &["--search", "random", "--trials", "2", "--format", "json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["tasks"]["mood"]["settings"].as_array().unwrap().len(), 2);
}
