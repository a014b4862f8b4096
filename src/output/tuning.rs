//! A search for settings as text.

use super::figures::{Sheet, escaped, estimate, figure};
use super::report::headline;
use crate::error::{Error, Result};
use crate::eval::metrics::Metric;
use crate::eval::{Choice, Report, SettingScores, TaskSearch, Tuning};
use serde_json::Value;

/// How many settings of a task a text shows.
const SHOWN: usize = 20;

/// The search for a terminal.
pub fn tuning_table(tuning: &Tuning, report: &Report) -> String {
    render(tuning, report, false)
}

/// The search in Markdown.
pub fn tuning_markdown(tuning: &Tuning, report: &Report) -> String {
    render(tuning, report, true)
}

/// Every setting of every task, one a line: task, number, score on all of the data, in how many outer folds it was
/// chosen, whether it is the winner, then every key that varies for any task.
///
/// # Errors
///
/// None but those of the writer.
pub fn tuning_csv(tuning: &Tuning) -> Result<Vec<u8>> {
    let mut keys: Vec<&String> =
        tuning.tasks.values().flat_map(|t| &t.settings).flat_map(|s| s.values.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let fault = |e: csv::Error| Error::usage(format!("the table cannot be written: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let own = ["task", "setting", tuning.metric.name(), "chosen", "winner"];
    writer.write_record(own.into_iter().chain(keys.iter().map(|key| key.as_str()))).map_err(fault)?;
    for (name, search) in &tuning.tasks {
        for setting in &search.settings {
            let mut row = vec![name.clone(), setting.number.to_string()];
            row.push(setting.score.map_or_else(String::new, |score| score.to_string()));
            row.extend([setting.chosen.to_string(), (setting.number == search.winner).to_string()]);
            row.extend(keys.iter().map(|key| setting.values.get(*key).map_or_else(String::new, plain)));
            writer.write_record(&row).map_err(fault)?;
        }
    }
    writer.into_inner().map_err(|e| Error::usage(format!("the table cannot be written: {e}")))
}

fn render(tuning: &Tuning, report: &Report, markdown: bool) -> String {
    let metric = tuning.metric.name();
    let mut text = format!(
        "{}\nIn each training part the settings were chosen by {metric} over {} folds inside it.\n\n",
        headline(report),
        tuning.inner_folds
    );
    for (name, search) in &tuning.tasks {
        let title = if markdown { format!("- {}", escaped(name)) } else { name.clone() };
        let winner = search.settings.iter().find(|s| s.number == search.winner);
        text += &format!(
            "{title}: {metric} {}, nested; setting {} wins (its own score, {}, is the best of {}, luck included)\n",
            estimate(search.nested),
            search.winner,
            figure(winner.and_then(|s| s.score)),
            search.settings.len(),
        );
    }
    for (name, search) in &tuning.tasks {
        let (header, rows) = settings(search, tuning.metric);
        let shown = SHOWN.min(rows.len());
        let title = format!("{name}: settings on all of the data, best first ({shown} of {})", rows.len());
        let rows = rows.into_iter().take(SHOWN).collect();
        text += &Sheet { title, header, rows }.text(markdown);
        let header = ["fold", "setting", "inside the training part", "on the test part"];
        let row = |choice: &Choice| {
            let fold = format!("{}/{}", choice.repeat + 1, choice.fold + 1);
            vec![fold, choice.setting.to_string(), figure(choice.inner), figure(choice.outer)]
        };
        let rows = search.choices.iter().map(row).collect();
        text += &Sheet::new(format!("{name}: chosen in each fold"), &header, rows).text(markdown);
    }
    text
}

/// The table of a task's settings: the winner first, then by score; of equals the earlier.
fn settings(search: &TaskSearch, metric: Metric) -> (Vec<String>, Vec<Vec<String>>) {
    let keys = search.settings.first().map(|s| s.values.keys().cloned().collect()).unwrap_or_default();
    let header = [vec!["setting".to_string()], keys, vec![metric.name().to_string(), "chosen".into()]].concat();
    let row = |setting: &&SettingScores| {
        let mut row = vec![setting.number.to_string()];
        row.extend(setting.values.values().map(plain));
        row.extend([figure(setting.score), setting.chosen.to_string()]);
        row
    };
    (header, search.best_first(metric).iter().map(row).collect())
}

/// A value without quotes; nothing where its block is left out.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
