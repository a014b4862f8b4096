//! What a model is: tasks, settings, data, and the strongest words of each label.

use super::adaptation::adaptation_text;
use super::figures::{escaped, figure, markdown_table, printable, table};
use crate::analysis::Unit;
use crate::model::{BlockParams, Decision, ModelFile, TaskModel};
use serde_json::{Map, Value, json};

/// How many words of a label a table shows.
const WORDS: usize = 12;

/// The terms with the greatest weight for each label of a task, by falling weight: words where the model has them.
fn strongest(task: &TaskModel) -> Vec<(&str, Vec<(&str, f64)>)> {
    let featurizer = task.featurizer();
    let outputs = task.regression().outputs();
    let is_word =
        |block: &str| featurizer.blocks().any(|(name, params, _)| name == block && params.analyzer == Unit::Word);
    let words = featurizer.blocks().any(|(name, _, _)| is_word(name));
    task.spec()
        .labels
        .iter()
        .enumerate()
        .map(|(k, label)| {
            let mut terms: Vec<(&str, f64)> = featurizer
                .terms()
                .zip(task.regression().weights().chunks(outputs))
                .filter(|((block, _), weights)| weights[k] > 0.0 && (!words || is_word(block)))
                .map(|((_, term), weights)| (term, weights[k].into()))
                .collect();
            terms.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
            terms.truncate(WORDS);
            (label.as_str(), terms)
        })
        .collect()
}

fn facts(model: &ModelFile) -> Vec<Vec<String>> {
    let p = &model.provenance;
    let row = |name: &str, value: String| vec![name.to_string(), value];
    let mut rows = vec![
        row("fitted on", format!("{} paragraphs of {} articles", p.paragraphs, p.groups)),
        row("data sha256", p.data_sha256.clone()),
        row("seed", p.seed.to_string()),
        row("stemmer", model.stemmers()),
    ];
    for task in model.classifier.tasks() {
        let spec = task.spec();
        let kind = format!("{:?}", spec.kind).to_lowercase();
        rows.push(row(&format!("task {}", spec.name), format!("{kind}: {}", spec.labels.join(", "))));
        rows.push(row(&format!("features of {}", spec.name), task.featurizer().width().to_string()));
    }
    rows
}

/// The classifier and each block of features on a line each, with the keys and values of a configuration. What a block
/// leaves at its default is not shown, but for what its terms are.
fn settings(task: &TaskModel) -> String {
    let line = |name: &str, settings: &Value, shown: &dyn Fn(&str, &Value) -> bool| {
        let all = settings.as_object().into_iter().flatten().filter(|(key, value)| shown(key, value));
        let all: Vec<String> = all
            .map(|(key, value)| value.as_str().map_or_else(|| format!("{key} {value}"), |text| format!("{key} {text}")))
            .collect();
        format!("  {}\n", printable(&format!("{name}: {}", all.join(", "))))
    };
    let params = task.params();
    let usual = json!(BlockParams::default());
    let tells = |key: &str, value: &Value| ["analyzer", "ngrams"].contains(&key) || usual[key] != *value;
    let blocks = params.features.iter().map(|(name, block)| line(&format!("features.{name}"), &json!(block), &tells));
    line("classifier", &json!(params.classifier), &|_, _| true) + &blocks.collect::<String>()
}

fn decisions(task: &TaskModel) -> Vec<Vec<String>> {
    let learnt = |calibrated: bool| if calibrated { "learnt" } else { "none" }.to_string();
    match task.decision() {
        Decision::Multi(labels) => task
            .spec()
            .labels
            .iter()
            .zip(labels)
            .map(|(name, d)| vec![name.clone(), format!("{:.2}", d.threshold), learnt(d.calibrated)])
            .collect(),
        Decision::Single { calibrated, .. } => {
            vec![vec!["all".into(), "the most probable".into(), learnt(*calibrated)]]
        }
    }
}

fn figures(model: &ModelFile) -> Vec<Vec<String>> {
    let Some(report) = &model.provenance.report else { return Vec::new() };
    report
        .figures
        .iter()
        .flat_map(|(task, metrics)| {
            metrics.iter().map(move |(metric, [mean, low, high])| {
                vec![task.clone(), metric.clone(), figure(*mean), figure(*low), figure(*high)]
            })
        })
        .collect()
}

const FIGURES_HEADER: [&str; 5] = ["task", "metric", "mean", "low", "high"];
const DECISIONS_HEADER: [&str; 3] = ["label", "threshold", "calibration"];

/// The model for a terminal.
pub fn model_table(model: &ModelFile) -> String {
    let mut text = table(&["model", ""], facts(model), false) + "\n";
    let figures = figures(model);
    if !figures.is_empty() {
        text += &format!("\nevaluated\n{}\n", table(&FIGURES_HEADER, figures, true));
    }
    text += &adaptation_text(model, false);
    for task in model.classifier.tasks() {
        let name = printable(&task.spec().name);
        text += &format!("\n{name}: settings\n{}", settings(task));
        text += &format!("\n{name}: decisions\n{}\n", table(&DECISIONS_HEADER, decisions(task), false));
        text += &format!("\n{name}: strongest terms\n");
        for (label, terms) in strongest(task) {
            let terms: Vec<String> =
                terms.iter().map(|(term, weight)| format!("{} {weight:.2}", term.trim())).collect();
            text += &format!("  {}\n", printable(&format!("{label}: {}", terms.join(", "))));
        }
    }
    text
}

/// The model card.
pub fn model_markdown(model: &ModelFile) -> String {
    let mut text = String::from("# Model card\n\n");
    text += &markdown_table(&["model", ""], &facts(model));
    let figures = figures(model);
    if !figures.is_empty() {
        text += "\n## Evaluation\n\nCross-validated on the data it was fitted on, with 95 % intervals.\n\n";
        text += &markdown_table(&FIGURES_HEADER, &figures);
    }
    text += &adaptation_text(model, true);
    for task in model.classifier.tasks() {
        let name = &task.spec().name;
        text += &format!("\n## Task {}\n\n{}\n", escaped(name), markdown_table(&DECISIONS_HEADER, &decisions(task)));
        for (label, terms) in strongest(task) {
            let terms: Vec<String> =
                terms.iter().map(|(term, weight)| format!("{} {weight:.2}", escaped(term.trim()))).collect();
            text += &format!("- **{}**: {}\n", escaped(label), terms.join(", "));
        }
    }
    text += &format!("\n## Configuration\n\n```toml\n{}```\n", model.classifier.config().to_toml());
    text
}

/// The model as JSON.
pub fn model_json(model: &ModelFile) -> Value {
    let tasks: Map<String, Value> = model
        .classifier
        .tasks()
        .iter()
        .map(|task| {
            let words: Map<String, Value> = strongest(task)
                .into_iter()
                .map(|(label, terms)| {
                    let terms = terms.into_iter().map(|(term, weight)| json!({"term": term, "weight": weight}));
                    (label.to_string(), terms.collect())
                })
                .collect();
            let value = json!({
                "kind": task.spec().kind,
                "labels": task.spec().labels,
                "config": task.params(),
                "decision": task.decision(),
                "features": task.featurizer().width(),
                "strongest": words,
            });
            (task.spec().name.clone(), value)
        })
        .collect();
    json!({"provenance": model.provenance, "stemmer": model.stemmers(), "tasks": tasks})
}
