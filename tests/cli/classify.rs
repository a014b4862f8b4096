//! `classify`

use super::util::Place;
use serde_json::Value;
use std::path::Path;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const PAGE: &str = "\u{feff}Menu\n\nL’armée a repris la ville,\u{a0}après trois   jours de combats.\n\
                    Lire aussi : la ville en images\nLe prix du baril de pétrole a baissé de deux dollars lundi.\n";

/// `tests/old_model/` is by the first program with the present analyzer (commit e54f4b5), its model's terms sorted and
/// its header without a hash: `train labels.csv --config config.toml --output model.safetensors`, and `classify texts.csv
/// --model model.safetensors --format jsonl > predictions.jsonl`.
#[test]
fn an_old_model_still_says_what_it_said() {
    let place = Place::new();
    let old = |name: &str| std::fs::read(Path::new("tests/old_model").join(name)).unwrap();
    ["model.safetensors", "texts.csv"].iter().for_each(|name| place.write(name, old(name)));
    let classify = |model: &str| {
        let ran = place.run(&["classify", "texts.csv", "--model", model, "--format", "jsonl"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        lines(&ran.stdout)
    };
    let expected = lines(&String::from_utf8(old("predictions.jsonl")).unwrap());
    let found = classify("model.safetensors");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found["labels"], expected["labels"], "{expected}");
        for (task, label) in [("place", "sea"), ("place", "hill"), ("mood", "good"), ("mood", "bad")] {
            let of = |line: &Value| line["probabilities"][task][label].as_f64().unwrap();
            assert!((of(found) - of(expected)).abs() < 1e-6, "{found}\n{expected}");
        }
    }
    // Written again, as `adapt` does, it is a model of today.
    let moved = place.run(&["adapt", "model.safetensors", "--prior", "mood.good=0.5", "--output", "new.safetensors"]);
    assert_eq!(moved.code, 0, "{}", moved.stderr);
    let hashed = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains(",\\\"sha256\\\":");
    assert!(!hashed(old("model.safetensors")) && hashed(std::fs::read(place.path("new.safetensors")).unwrap()));
    assert_eq!(classify("new.safetensors"), found, "half of the paragraphs were good in training, too");
}

#[test]
fn offsets_slice_back_to_the_text() {
    let place = Place::new();
    place.write("in/page.txt", PAGE);
    place.write("in/README.md", "Ceci n'est pas un article de journal, mais une note.\n");
    let ran = place.run(&["classify", "in", "--format", "jsonl"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let found = lines(&ran.stdout);
    assert_eq!(found.len(), 2);
    for (i, line) in found.iter().enumerate() {
        assert_eq!(line["document"], "in/page.txt");
        assert_eq!(line["paragraph"], i + 1);
        let slice = &PAGE[line["start"].as_u64().unwrap() as usize..line["end"].as_u64().unwrap() as usize];
        assert_eq!(slice.split_whitespace().collect::<Vec<_>>().join(" "), line["text"].as_str().unwrap());
        assert!(line["labels"]["theme"].is_array() && line["labels"]["tone"].is_string());
        let tone: f64 = line["probabilities"]["tone"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
        assert!((tone - 1.0).abs() < 1e-9);
    }
    assert_eq!(found[0]["text"], "L’armée a repris la ville, après trois jours de combats.");
    let piped = place.run_with_input(&["classify", "-", "--format", "jsonl"], PAGE);
    assert_eq!(piped.stdout, ran.stdout.replace("in/page.txt", "-"));
    assert_eq!(place.run_with_input(&["classify", "--format", "jsonl"], PAGE).stdout, piped.stdout);
}

#[test]
fn a_row_is_one_paragraph_as_it_is_and_keeps_its_columns() {
    let place = Place::new();
    place.write("rows.csv", "id,text,source,theme\nr1,\"Menu\n deux  espaces\",presse,gold\n,Publié le 3 mai.,,\n");
    let ran = place.run(&["classify", "rows.csv", "--format", "jsonl"]);
    let found = lines(&ran.stdout);
    assert_eq!(found[0]["document"], "r1");
    assert_eq!(found[0]["text"], "Menu\n deux  espaces");
    assert_eq!((found[0]["start"].as_u64(), found[0]["end"].as_u64()), (Some(0), Some(19)));
    assert_eq!((&found[0]["source"], &found[0]["theme"]), (&"presse".into(), &"gold".into()));
    assert_eq!(found[1]["document"], "rows.csv:4", "an empty id is path:line");

    let csv = place.run(&["classify", "rows.csv", "--format", "csv"]).stdout;
    let header = csv.lines().next().unwrap();
    assert_eq!(
        header,
        "document,paragraph,start,end,text,theme,tone,p_theme_military,p_theme_energy,p_theme_diplomacy,\
         p_theme_terrorism,p_tone_positive,p_tone_neutral,p_tone_negative,id,source,input_theme"
    );
    place.write("rows.jsonl", "{\"body\":\"Une phrase.\",\"n\":7,\"labels\":1}\n");
    let ran = place.run(&["classify", "rows.jsonl", "--text", "body", "--format", "json"]);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&found[0]["n"], &found[0]["input_labels"]), (&7.into(), &1.into()));
}

#[test]
fn a_text_alone_is_labelled_as_in_a_batch() {
    let place = Place::new();
    let texts: Vec<String> =
        (0..600).map(|i| format!("{{\"text\":\"Le général {i} a visité la centrale.\"}}\n")).collect();
    place.write("all.jsonl", texts.concat());
    let all = lines(&place.run(&["classify", "all.jsonl", "--format", "jsonl", "--threads", "2"]).stdout);
    assert_eq!(all.len(), 600);
    for i in [0, 255, 256, 599] {
        place.write("one.jsonl", &texts[i]);
        let one = lines(&place.run(&["classify", "one.jsonl", "--format", "jsonl"]).stdout);
        assert_eq!((&one[0]["probabilities"], &one[0]["labels"]), (&all[i]["probabilities"], &all[i]["labels"]));
    }
}

#[test]
fn the_output_file_decides_the_format_and_appears_whole() {
    let place = Place::new();
    place.write("page.txt", PAGE);
    for (output, begins) in
        [("o.jsonl", "{\"document\""), ("o.json", "[\n{"), ("o.csv", "document,"), ("o.txt", "page.txt")]
    {
        let ran = place.run(&["classify", "page.txt", "--output", output]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
        assert!(place.read(output).starts_with(begins), "{output}");
    }
    let ran = place.run(&["classify", "page.txt", "--output", "o.xyz"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no format for extension `xyz`") && ran.stderr.contains("--format"));
}

#[test]
fn an_article_without_paragraphs_is_no_error() {
    let place = Place::new();
    place.write("empty.txt", "");
    let ran = place.run(&["classify", "empty.txt", "--format", "json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "[]\n"));
    assert_eq!(place.run(&["classify", "empty.txt"]).stdout, "empty.txt\n  (no paragraph)\n");
}

#[test]
fn reasons_add_up_to_the_score_and_slice_back_to_the_page() {
    let place = Place::new();
    place.write("page.txt", PAGE);
    let ran = place.run(&["classify", "page.txt", "--format", "jsonl", "--explain=3"]);
    for line in lines(&ran.stdout) {
        for (task, labels) in line["reasons"].as_object().unwrap() {
            assert_eq!(labels.as_object().unwrap().len(), line["probabilities"][task].as_object().unwrap().len());
            for reasons in labels.as_object().unwrap().values() {
                let number = |key: &str| reasons[key].as_f64().unwrap();
                let words = reasons["words"].as_array().unwrap();
                assert!(words.len() <= 3);
                let sum: f64 = words.iter().map(|w| w["weight"].as_f64().unwrap()).sum();
                assert!((number("intercept") + sum + number("rest") - number("score")).abs() < 1e-6);
                for word in words {
                    let slice = &PAGE[word["start"].as_u64().unwrap() as usize..word["end"].as_u64().unwrap() as usize];
                    assert_eq!(slice.split_whitespace().collect::<Vec<_>>().join(" "), word["text"].as_str().unwrap());
                }
            }
        }
    }
    let bare = lines(&place.run(&["classify", "page.txt", "--format", "jsonl"]).stdout);
    assert!(bare[0].get("reasons").is_none());
    let table = place.run(&["classify", "page.txt", "--explain"]).stdout;
    assert!(table.contains("energy: ") && table.contains("baril +"), "{table}");
}

#[test]
fn unsure_answers_are_left_undecided() {
    let place = Place::new();
    place.write("in/page.txt", PAGE);
    // An article without a paragraph comes first: a table has its columns nevertheless.
    place.write("in/a.txt", "Menu\n");
    let classify = |more: &[&str]| place.run(&[&["classify", "in"], more].concat());
    let sure = lines(&classify(&["--format", "jsonl"]).stdout);
    let bar = 0.995;
    let left = lines(&classify(&["--format", "jsonl", "--abstain-below", "0.995"]).stdout);
    let (mut kept, mut withheld) = (0, 0);
    for (before, after) in sure.iter().zip(&left) {
        assert_eq!(before["probabilities"], after["probabilities"]);
        assert!(before.get("undecided").is_none());
        let has = |list: &Value, label: &str| list.as_array().unwrap().iter().any(|l| l == label);
        for (label, p) in before["probabilities"]["theme"].as_object().unwrap() {
            let (given, p) = (has(&before["labels"]["theme"], label), p.as_f64().unwrap());
            let unsure = if given { p } else { 1.0 - p } < bar;
            assert_eq!(has(&after["undecided"]["theme"], label), unsure, "{label} {p}");
            assert_eq!(has(&after["labels"]["theme"], label), given && !unsure, "{label} {p}");
            (kept, withheld) = (kept + usize::from(!unsure), withheld + usize::from(unsure));
        }
        let tone = before["labels"]["tone"].as_str().unwrap();
        let unsure = before["probabilities"]["tone"][tone].as_f64().unwrap() < bar;
        let (label, undecided) = if unsure { (Value::Null, vec![tone]) } else { (tone.into(), vec![]) };
        assert_eq!((&after["labels"]["tone"], &after["undecided"]["tone"]), (&label, &undecided.into()));
    }
    assert!(kept > 0 && withheld > 0, "{kept} {withheld}");

    let header =
        |more: &[&str]| classify(&[&["--format", "csv"], more].concat()).stdout.lines().next().unwrap().to_string();
    assert_eq!(header(&["--abstain-below", "1"]), header(&[]) + ",undecided_theme,undecided_tone");
    // Nothing is certain: of the table every label has a question mark, of the page every answer is undecided.
    let table = classify(&["--abstain-below", "1"]).stdout;
    let tones = ["positive", "neutral", "negative"];
    assert_eq!(tones.iter().map(|tone| table.matches(&format!("? {tone} ")).count()).sum::<usize>(), 2, "{table}");
    assert!(classify(&["--abstain-below", "1", "--format", "html"]).stdout.contains("tone: undecided: <span"));
    for wrong in ["1.5", "-0.1", "sure", "NaN"] {
        let ran = classify(&[&format!("--abstain-below={wrong}")]);
        assert!(ran.code == 2 && ran.stderr.contains("allowed: a number from 0 to 1"), "{}", ran.stderr);
    }
}

#[test]
fn what_is_withheld_is_what_the_report_says() {
    let place = Place::new().with_small_labels();
    // Nothing but a prior, so that the model is unsure and often wrong.
    place.write("weak.toml", "[classifier]\nc = 0.001\nnaive_bayes = 0.3\ncalibration = \"none\"\nthresholds = 0.5\n");
    assert_eq!(place.run(&["train", "labels", "--config", "weak.toml", "--output", "m"]).code, 0);
    let report = place.run(&["evaluate", "labels", "--model", "m", "--format", "json"]).stdout;
    let report: Value = serde_json::from_str(&report).unwrap();
    let mut sizes = Vec::new();
    for bar in [0.5, 0.6, 0.7, 0.8] {
        let bar_text = bar.to_string();
        let arguments =
            ["classify", "labels/small.csv", "--model", "m", "--format", "jsonl", "--abstain-below", &bar_text];
        let answers = lines(&place.run(&arguments).stdout);
        for (task, labels) in [("mood", 1), ("subject", 2)] {
            let curve = report["tasks"][task]["risk_coverage"].as_array().unwrap();
            let row = curve.iter().find(|row| row["abstain_below"] == bar).unwrap();
            let withheld: usize = answers.iter().map(|a| a["undecided"][task].as_array().unwrap().len()).sum();
            let given = labels * answers.len() - withheld;
            assert_eq!(row["answers"].as_f64(), Some(given as f64), "{task} {bar}");
            assert_eq!(row["coverage"].as_f64(), Some(given as f64 / (labels * answers.len()) as f64));
            if labels == 1 && given > 0 {
                let wrong = |a: &&Value| !a["labels"][task].is_null() && a["labels"][task] != a["mood"];
                let errors = answers.iter().filter(wrong).count();
                assert_eq!(row["error"].as_f64(), Some(errors as f64 / given as f64));
            }
            sizes.push(given);
        }
    }
    assert!(sizes.iter().any(|n| *n != sizes[0] && *n > 0), "{sizes:?} tells nothing");
}

#[test]
fn a_table_that_was_labelled_before_keeps_all_its_columns() {
    let place = Place::new();
    place.write("rows.jsonl", "{\"text\":\"Une phrase.\",\"labels\":\"A\",\"input_labels\":\"B\"}\n");
    let found = lines(&place.run(&["classify", "rows.jsonl", "--format", "jsonl"]).stdout);
    assert_eq!((&found[0]["input_input_labels"], &found[0]["input_labels"]), (&"A".into(), &"B".into()));
    place.write("rows.csv", "text,tone\nUne phrase.,gold\n");
    assert_eq!(place.run(&["classify", "rows.csv", "--output", "once.csv"]).code, 0);
    assert_eq!(place.run(&["classify", "once.csv", "--output", "twice.csv"]).code, 0);
    let twice = place.read("twice.csv");
    let mut names: Vec<&str> = twice.lines().next().unwrap().split(',').collect();
    assert_eq!(names.last(), Some(&"input_tone"));
    assert!(twice.lines().nth(1).unwrap().ends_with(",gold"));
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

#[test]
fn an_output_stays_as_it_is_where_nothing_could_be_read() {
    let place = Place::new();
    place.write("old.jsonl", "old\n");
    place.write("bad.csv", "titre\nUne phrase.\n");
    for input in ["none.csv", "bad.csv"] {
        assert_eq!(place.run(&["classify", input, "--output", "old.jsonl"]).code, 3);
        assert_eq!(place.read("old.jsonl"), "old\n");
    }
    place.write("empty.csv", "text\n");
    assert_eq!(place.run(&["classify", "empty.csv", "--output", "new.csv"]).code, 0);
    assert!(
        place.read("new.csv").starts_with("document,paragraph,start,end,text,theme,tone,"),
        "a header without rows"
    );
}

#[test]
#[cfg(unix)]
fn an_output_keeps_its_mode_and_follows_links_and_pipes_are_written_to() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    place.write("rows.csv", "text\nUne phrase.\n");
    place.write("real.csv", "old\n");
    std::fs::set_permissions(place.path("real.csv"), std::fs::Permissions::from_mode(0o600)).unwrap();
    symlink("real.csv", place.path("link.csv")).unwrap();
    assert_eq!(place.run(&["classify", "rows.csv", "--output", "link.csv"]).code, 0);
    assert!(place.read("real.csv").starts_with("document,"));
    assert!(std::fs::symlink_metadata(place.path("link.csv")).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(place.path("real.csv")).unwrap().permissions().mode() & 0o777, 0o600);
    // Standard output is a pipe here.
    let ran = place.run(&["classify", "rows.csv", "--format", "jsonl", "--output", "/dev/stdout"]);
    assert_eq!((ran.code, lines(&ran.stdout).len()), (0, 1));
}

#[test]
fn a_number_is_a_text_like_others() {
    let place = Place::new();
    place.write("rows.jsonl", "{\"text\":\"Le port.\",\"n\":1}\n{\"text\":1789,\"n\":2}\n");
    let ran = place.run(&["classify", "rows.jsonl", "--format", "csv"]);
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(ran.stdout.as_bytes()).records().map(Result::unwrap).collect();
    assert_eq!((ran.code, rows.len()), (0, 2), "{}", ran.stderr);
    assert_eq!((&rows[1][4], rows[1].iter().next_back()), ("1789", Some("2")));
}

#[test]
#[cfg(unix)]
fn an_interrupted_program_leaves_no_temporary_file() {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    for (name, signal) in [("INT", 2), ("TERM", 15)] {
        let place = Place::new();
        let mut program = Command::new(env!("CARGO_BIN_EXE_rubrique"))
            .args(["classify", "-", "--output", "o.jsonl"])
            .current_dir(place.path(""))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // It waits for its input, which never ends: waiting for the program would end it.
        let input = program.stdin.take();
        while !place.files().iter().any(|file| file.starts_with(".rubrique-")) {
            assert!(program.try_wait().unwrap().is_none(), "it has not begun to write and is at its end");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let sent = Command::new("kill").args(["-s", name, &program.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(program.wait().unwrap().signal(), Some(signal));
        drop(input);
        assert_eq!(place.files(), Vec::<String>::new());
    }
}

#[test]
fn no_name_of_a_task_or_label_makes_a_csv_column_twice() {
    let place = Place::new();
    // `text` and `end` are columns already, and `p_a_b_c` is asked for by two tasks.
    let rows: String = (0..40)
        .map(|i| {
            let (side, other) = if i % 2 == 0 { ("b_c", "c") } else { ("z", "y") };
            let words = if i % 2 == 0 { "Le port et la mer" } else { "Le col et la neige" };
            format!("{{\"body\":\"{words} {i}.\",\"a\":\"{side}\",\"a_b\":\"{other}\",\"end\":\"{other}\",\"text\":\"{side}\"}}\n")
        })
        .collect();
    place.write("rows.jsonl", rows);
    let tasks = ["a:single", "a_b:single", "end:single", "text:single"];
    let tasks: Vec<&str> = tasks.iter().flat_map(|task| ["--task", task]).collect();
    let train = ["train", "rows.jsonl", "--text", "body", "--output", "m"];
    let ran = place.run(&[&train[..], &tasks].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    place.write("page.txt", "Le port et la mer.");
    assert_eq!(place.run(&["classify", "page.txt", "--model", "m", "--output", "o.csv"]).code, 0);
    let labelled = place.read("o.csv");
    let names: Vec<&str> = labelled.lines().next().unwrap().split(',').collect();
    assert_eq!(names[..9], ["document", "paragraph", "start", "end", "text", "a", "a_b", "end_2", "text_2"]);
    assert_eq!(names[9..13], ["p_a_b_c", "p_a_z", "p_a_b_c_2", "p_a_b_y"]);
    assert_eq!(place.run(&["classify", "o.csv", "--model", "m"]).code, 0);
}

#[test]
fn a_csv_has_room_for_the_columns_of_every_table() {
    let place = Place::new();
    place.write("a.txt", "Le ministre a présenté mardi le budget de son département devant les députés.\n");
    place.write("b.csv", "text,id\nle pétrole,1\n");
    place.write("c.jsonl", "{\"text\": \"le gaz\", \"labels\": \"x\"}\n");
    let ran = place.run(&["classify", "a.txt", "b.csv", "c.jsonl", "--format", "csv"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].ends_with(",id,input_labels"), "{}", lines[0]);
    for (line, cells) in lines[1..].iter().zip([",,", ",1,", ",,x"]) {
        assert!(line.ends_with(cells), "{line}");
    }
    assert_eq!(lines.len(), 4);
}

#[test]
fn an_output_takes_the_place_of_no_input() {
    let place = Place::new().with_small_labels();
    place.write("pages/a.txt", PAGE);
    let before = (place.read("labels/small.csv"), place.read("pages/a.txt"));
    for arguments in [
        ["train", "labels", "--output", "labels/small.csv"],
        ["evaluate", "labels/small.csv", "--output", "labels/../labels/small.csv"],
        ["classify", "pages", "--output", "pages/a.txt"],
        ["classify", "labels/small.csv", "--output", "labels/small.csv"],
    ] {
        let ran = place.run(&arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!((place.read("labels/small.csv"), place.read("pages/a.txt")), before);
    place.write("c.toml", "[features.words]\n");
    place.write("space.toml", "[classifier]\nc = [1.0, 2.0]\n");
    assert_eq!(place.run(&["train", "labels", "--output", "m.st"]).code, 0);
    assert_eq!(place.run(&["evaluate", "labels", "--folds", "2", "--output", "r.json"]).code, 0);
    for command in [
        "train labels --config c.toml --output c.toml",
        "train labels --report r.json --output r.json",
        "train labels --apart-from labels --output ./labels/tasks.toml",
        "evaluate labels --config c.toml --format json --output c.toml",
        "evaluate labels --folds-from r.json --output r.json",
        "evaluate labels --model m.st --format json --output m.st",
        "check labels --format json --output labels/tasks.toml",
        "check labels --config c.toml --format json --output c.toml",
        "tune labels --space space.toml --winner space.toml",
        "tune labels --config c.toml --report c.toml",
        "tune labels --winner w.toml --report ./w.toml",
        "compare r.json r.json --output r.json",
        "inspect m.st --format json --output m.st",
        "adapt m.st --prior mood.good=0.5 --output m.st",
        "adapt m.st --unlabelled labels/small.csv --output labels/small.csv",
        "classify pages --model m.st --format json --output m.st",
    ] {
        let read = || {
            ["m.st", "r.json", "c.toml", "space.toml", "labels/tasks.toml", "labels/small.csv"]
                .map(|name| std::fs::read(place.path(name)).unwrap())
        };
        let before = read();
        let ran = place.run(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 2, "{command}: {}", ran.stderr);
        assert!(read() == before && !place.path("w.toml").exists(), "{command}");
    }
    // What stands beside the inputs is none, and is written again.
    for arguments in
        [["classify", "pages", "--output", "pages/said.jsonl"], ["evaluate", "labels", "--output", "labels/said.txt"]]
    {
        for _ in 0..2 {
            let ran = place.run(&arguments);
            assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        }
    }
    place.write("rows.json", "[]");
    let ran = place.run(&["classify", "rows.json"]);
    assert!(ran.code == 3 && ran.stderr.contains("found .json; allowed: .txt"), "{}", ran.stderr);
}

#[test]
fn a_row_that_does_not_fit_is_told_with_its_line() {
    let place = Place::new();
    place.write("rows.jsonl", "{\"id\":\"r1\",\"text\":\"Bonjour\"}\n");
    place.write(
        "more.jsonl",
        "{\"id\":\"r1\",\"text\":\"Bonjour\"}\n{\"id\":\"r2\",\"text\":\"Salut\",\"note\":\"x\"}\n",
    );
    let ran = place.run(&["classify", "rows.jsonl", "more.jsonl", "--format", "csv"]);
    assert!(ran.code == 3 && ran.stderr.contains("more.jsonl:2: column `note` is in no header"), "{}", ran.stderr);
}

#[test]
#[cfg(unix)]
fn a_backslash_in_a_name_is_a_letter_of_it() {
    let place = Place::new();
    place.write("pages/back\\slash.txt", PAGE);
    let ran = place.run(&["classify", "pages", "--format", "jsonl"]);
    assert!(ran.stdout.contains("\"document\":\"pages/back\\\\slash.txt\""), "{}", ran.stdout);
}
