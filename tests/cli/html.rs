//! The pages: whole, well-formed, safe, and true to their figures.

use super::util::{Place, TASKS};
use roxmltree::{Document, Node, ParsingOptions};
use rubrique::eval::Report;
use rubrique::output::{Evidence, report_html};
use serde_json::json;
use std::collections::BTreeSet;

/// A page with its one element that is not closed made well-formed.
fn as_xml(page: &str) -> String {
    let mut xml = String::new();
    for piece in page.split_inclusive('>') {
        let open = piece.rfind("<meta").and_then(|_| piece.strip_suffix('>'));
        xml += &open.map_or_else(|| piece.to_string(), |open| format!("{open}/>"));
    }
    xml
}

fn parse(xml: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(xml, options).unwrap()
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|n| if n.is_text() { n.text() } else { None }).collect()
}

fn named<'a, 'b>(node: Node<'a, 'b>, name: &'static str) -> impl Iterator<Item = Node<'a, 'b>> {
    node.descendants().filter(move |n| n.has_tag_name(name))
}

/// The cells of the table with this caption, header first.
fn table(page: &Document<'_>, caption: &str) -> Vec<Vec<String>> {
    let has = |table: &Node<'_, '_>| named(*table, "caption").next().is_some_and(|c| text(c) == caption);
    let table = named(page.root(), "table").find(has).unwrap_or_else(|| panic!("no table `{caption}`"));
    let cells = |row: Node<'_, '_>| row.children().filter(Node::is_element).map(text).collect();
    named(table, "tr").map(cells).collect()
}

/// What every page keeps to.
fn check(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{}", &page[..80]);
    for foreign in ["http://", "https://", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let xml = as_xml(page);
    let page = parse(&xml);
    let ids: Vec<&str> = page.descendants().filter_map(|n| n.attribute("id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "every anchor stands once");
    let mut drawn = false;
    for node in page.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        assert!(!["script", "link", "img", "iframe", "object", "base", "form"].contains(&name), "{name}");
        assert!(node.attribute("src").is_none() && node.attributes().all(|a| !a.name().starts_with("on")));
        if let Some(target) = node.attribute("href") {
            assert!(ids.contains(&target.strip_prefix('#').unwrap()), "{target}");
        }
        match name {
            "svg" => {
                assert!(!drawn, "a drawing without a table before the next");
                assert_eq!(node.attribute("role"), Some("img"));
                assert!(!node.attribute("aria-label").unwrap().is_empty());
                drawn = true;
            }
            "table" => drawn = false,
            "blockquote" => assert_eq!(node.attribute("lang"), Some("fr")),
            _ => {}
        }
    }
    assert!(!drawn, "a drawing without a table");
}

/// Four paragraphs, two of them right, as a report of two folds.
fn hand_made() -> Report {
    let prediction = |id: &str, fold: usize, gold: &str, given: &str, p: f64| {
        json!({"id": id, "group": format!("article {id}"), "repeat": 0, "fold": fold, "gold": {"tone": gold},
               "labels": {"tone": given}, "probabilities": {"tone": {"good": p, "<bad>": 1.0 - p}}})
    };
    let estimate = |mean: f64| json!({"mean": mean, "low": mean - 0.125, "high": mean + 0.125});
    let f1 = json!({"f1": estimate(0.5)});
    let label = |n: usize| json!({"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": n, "intervals": f1});
    let point = |share: f64, paragraphs: f64, score: f64| {
        let figures = json!({"accuracy": estimate(score), "macro_f1": estimate(score)});
        json!({"share": share, "paragraphs": paragraphs, "tasks": {"tone": figures}})
    };
    let report = json!({
        "schema": "rubrique.report/1",
        "data": {"sha256": "0123456789abcdef", "paragraphs": 4, "groups": 4},
        "folds": {"k": 2, "repeats": 1, "seed": 0, "sha256": "fedcba"},
        "learning_curve": [point(0.5, 1.0, 0.25), point(1.0, 2.0, 0.5)],
        "config": {"tone": {"features": {"words": {}}, "classifier": {"c": 10.0}}},
        "tasks": {"tone": {
            "kind": "single", "paragraphs": 4,
            "accuracy": estimate(0.5), "macro_f1": estimate(0.5), "log_loss": estimate(0.71),
            "labels": {"good": label(2), "<bad>": label(2)},
            "confusion": {"labels": ["good", "<bad>"], "rows": [[1.0, 1.0], [1.0, 1.0]]},
            "reliability": [{"low": 0.6, "high": 0.7, "count": 2.0, "mean_probability": 0.65, "share_right": 0.0}],
            "baselines": {"majority": {"accuracy": estimate(0.375), "f1": {}}}}},
        "notes": ["few & far between"],
        "predictions": [prediction("p1", 0, "good", "good", 0.9), prediction("p2", 0, "good", "<bad>", 0.4),
                        prediction("p3", 1, "<bad>", "<bad>", 0.2), prediction("p4", 1, "<bad>", "good", 0.7)]
    });
    Report::from_json(report.to_string().as_bytes()).unwrap()
}

#[test]
fn a_page_says_what_the_report_says() {
    let report = hand_made();
    let evidence = Evidence { texts: [("p4", "Un <script>alert('x')</script>\u{1b} & un mot.")].into(), explain: None };
    let page = report_html(&report, &evidence).unwrap();
    check(&page);
    assert_eq!(page, report_html(&report, &evidence).unwrap());
    assert!(page.contains("Un &lt;script&gt;alert('x')&lt;/script&gt;\u{fffd} &amp; un mot."));
    assert!(page.contains("few &amp; far between") && page.contains("c = 10.0"));
    let xml = as_xml(&page);
    let page = parse(&xml);
    let row = |caption: &str, i: usize| table(&page, caption)[i].clone();
    assert_eq!(row("main figures", 0), ["task", "metric", "value", "majority"]);
    assert_eq!(row("main figures", 1), ["tone", "accuracy", "0.500 [0.375, 0.625]", "0.375"]);
    assert_eq!(row("tone (4 paragraphs)", 8)[..2], ["kappa", "n/a"]);
    // One paragraph, which is half of its row.
    assert_eq!(row("tone: gold in rows, given in columns", 2), ["<bad>", "150 %", "150 %"]);
    assert_eq!(row("tone: reliability", 1), ["0.6 to 0.7", "2", "0.650", "0.000"]);
    assert_eq!(row("learning curve", 2), ["100 %", "2", "tone", "0.500 [0.375, 0.625]", "0.500 [0.375, 0.625]"]);
    // Fold 1 has one of two right. Its F1 of `good` is 2 · 1 / (2 · 1 + 0 + 1); `<bad>` has no gold there.
    assert_eq!(row("tone: folds", 1), ["1.1", "2", "0.500", "0.667"]);
    // By the probability of `good`: p1 (right), p4, p2 (right), p3. Half are found with the first, all with three.
    let curve = table(&page, "tone: good");
    assert_eq!(curve.len(), 11);
    assert_eq!(curve[5], ["0.5", "0.500", "1.000", "0.900"]);
    assert_eq!(curve[6], ["0.6", "1.000", "0.667", "0.400"]);
    let errors: Vec<String> = named(page.root(), "article").map(|a| text(named(a, "h4").next().unwrap())).collect();
    assert_eq!(errors, ["p4", "p2"], "farthest from the right answer first");
}

#[test]
fn evaluate_writes_a_page_with_texts_and_the_words_behind_errors() {
    let place = Place::new();
    // A row whose words tell of the other subject: there is an error to show.
    let odd = "odd,odd,La marée monte <script>sur</script> le port & la baie.,hill,bad\n";
    place.write("labels/small.csv", super::util::small_labels() + odd);
    place.write("labels/tasks.toml", TASKS);
    place.write("held.csv", format!("id,group,text,subject,mood\n{odd}"));
    let run = |more: &[&str]| {
        let ran = place.run(&[&["evaluate", "labels"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let page = run(&["--folds", "3", "--learning-curve", "--format", "html"]);
    check(&page);
    assert!(page.contains("&lt;script&gt;sur&lt;/script&gt; le port &amp; la baie.") && !page.contains("<mark"));
    assert!(!page.contains(&*place.path("").to_string_lossy()));
    assert_eq!(page, run(&["--folds", "3", "--learning-curve", "--format", "html", "--threads", "1"]));
    place.write("fit/small.csv", super::util::small_labels());
    place.write("fit/tasks.toml", TASKS);
    assert_eq!(place.run(&["train", "fit", "--output", "model"]).code, 0);
    assert_eq!(place.run(&["evaluate", "held.csv", "--model", "model", "--output", "held.HTML"]).code, 0);
    let page = place.read("held.HTML");
    check(&page);
    assert!(page.contains("bootstrap over groups") && !page.contains(">Folds<"));
    let xml = as_xml(&page);
    let xml = parse(&xml);
    let error = named(xml.root(), "article").next().unwrap();
    let marked: Vec<String> = named(error, "mark").map(text).collect();
    assert!(marked.iter().any(|word| word == "port" || word == "baie"), "{marked:?}");
    assert!(text(error).contains("For sea: ") && text(error).contains("Against hill: "), "{}", text(error));
}

#[test]
fn the_configuration_on_a_page_is_read_back_by_config() {
    let place = Place::new().with_small_labels();
    place.write("one.toml", "[features.words]\nprefix = 4\n[tasks.mood.classifier]\nc = 2.0\nprune = 0.5\n");
    let evaluate = |config: &str, output: &str| {
        let ran = place.run(&["evaluate", "labels", "--folds", "2", "--config", config, "--output", output]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        place.read(output)
    };
    let xml = as_xml(&evaluate("one.toml", "page.html"));
    let page = parse(&xml);
    let config = named(page.root(), "pre").map(text).find(|pre| pre.contains("[classifier]")).unwrap();
    place.write("page.toml", config);
    assert_eq!(evaluate("page.toml", "again.json"), evaluate("one.toml", "first.json"));
}

#[test]
fn compare_writes_a_page_that_gives_the_verdicts_of_the_table() {
    let place = Place::new().with_small_labels();
    place.write("ruined.toml", "[classifier]\nc = 1e-5\nnaive_bayes = 0\ncalibration = \"none\"\nthresholds = 0.5\n");
    for (report, more) in [("good.json", vec![]), ("deep/ruined.json", vec!["--config", "ruined.toml"])] {
        std::fs::create_dir_all(place.path("deep")).unwrap();
        assert_eq!(place.run(&[&["evaluate", "labels", "--output", report], more.as_slice()].concat()).code, 0);
    }
    let floor = ["--require", "subject.macro_f1>=2"];
    let says = place.run(&["compare", "good.json", "deep/ruined.json"]).stdout;
    let ran = place.run(&[&["compare", "good.json", "deep/ruined.json", "--format", "html"], &floor[..]].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    check(&ran.stdout);
    let xml = as_xml(&ran.stdout);
    let page = parse(&xml);
    let title = named(page.root(), "title").next().unwrap();
    assert_eq!(text(title), "Comparison: fail");
    let lines: Vec<String> =
        named(page.root(), "p").filter(|p| p.attribute("class") == Some("verdict")).map(text).collect();
    assert_eq!(lines[1..], says.lines().take(2).map(String::from).collect::<Vec<_>>());
    assert_eq!(table(&page, "requirements")[1][2..], ["not met", "candidate"]);
    assert!(says.contains(&table(&page, "subject: other metrics, which do not decide")[1][6]));
    let several = place.run(&["compare", "good.json", "good.json", "deep/ruined.json", "--format", "html"]).stdout;
    check(&several);
    assert!(several.contains("candidate 2 (ruined.json)") && !several.contains("deep/"));
}

#[test]
fn classify_writes_a_page_of_documents_and_rows() {
    let place = Place::new();
    place.write("a.txt", "L’armée a repris la ville, après trois jours de <b>combats</b> & de peine.\n");
    place.write("rows.csv", "id,text\nr<1>,Le prix du baril de pétrole a baissé.\nr2,Le prix du gaz\u{7} aussi.\n");
    let ran = place.run(&["classify", "a.txt", "rows.csv", "--explain=3", "--output", "page.html"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = place.read("page.html");
    check(&page);
    let xml = as_xml(&page);
    let page = parse(&xml);
    let headings = |name| named(page.root(), name).map(text).collect::<Vec<_>>();
    assert_eq!(headings("h2"), ["Overview", "a.txt", "Rows"]);
    assert_eq!(headings("h4"), ["¶ 1", "r<1>", "r2"]);
    let quotes = headings("blockquote");
    assert!(quotes[0].ends_with("jours de <b>combats</b> & de peine."), "{}", quotes[0]);
    assert_eq!(quotes[2], "Le prix du gaz\u{fffd} aussi.");
    assert!(headings("mark").contains(&"armée".into()) || headings("mark").contains(&"L’armée".into()));
    assert_eq!(table(&page, "theme")[2][1], "2", "two paragraphs about energy");
    let empty = place.run_with_input(&["classify", "--format", "html"], "");
    check(&empty.stdout);
}

#[test]
fn an_unknown_format_is_refused_with_the_known_ones() {
    let place = Place::new().with_small_labels();
    for arguments in [&["evaluate", "labels"][..], &["compare", "a.json", "b.json"], &["classify", "labels/small.csv"]]
    {
        let ran = place.run(&[arguments, &["--format", "pdf"]].concat());
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("possible values:") && ran.stderr.contains("html"), "{}", ran.stderr);
        let ran = place.run(&[arguments, &["--output", "page.pdf"]].concat());
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("(known: .txt") && ran.stderr.contains(".html"), "{}", ran.stderr);
    }
}
