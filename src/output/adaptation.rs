//! The class mix that a model's decisions were moved to.

use super::figures::{Sheet, figure, signed};
use crate::model::{Adaptation, ModelFile, Origin};

/// One sheet for each task that was moved.
pub(super) fn sheets(model: &ModelFile, adaptation: &Adaptation) -> Vec<Sheet> {
    let header = ["label", "training", "now", "", "log-odds", "given before", "given now"];
    let tasks = model.classifier.tasks().iter();
    tasks
        .filter_map(|task| adaptation.tasks.get(&task.spec().name).map(|mix| (&task.spec().name, mix)))
        .map(|(name, mix)| {
            let rows = mix.iter().map(|m| {
                let origin = match m.origin {
                    Origin::Given => "stated",
                    Origin::Estimated => "estimated",
                    Origin::Kept => "kept",
                };
                let [before, after] = m.decided.map_or([None, None], |both| both.map(Some));
                let shares = [m.training, m.adapted].map(|share| figure(Some(share)));
                let mut row = vec![m.label.clone()];
                row.extend(shares);
                row.extend([origin.into(), signed(Some(m.shift)), figure(before), figure(after)]);
                row
            });
            Sheet::new(format!("{name}: class mix{}", read(adaptation)), &header, rows.collect())
        })
        .collect()
}

fn read(adaptation: &Adaptation) -> String {
    match adaptation.paragraphs {
        0 => String::new(),
        n => format!(", from {n} unlabelled paragraphs"),
    }
}

/// The shares of labels before and after, for a terminal or in Markdown; empty for a model as trained.
pub fn adaptation_text(model: &ModelFile, markdown: bool) -> String {
    let Some(adaptation) = &model.provenance.adaptation else { return String::new() };
    sheets(model, adaptation).into_iter().map(|sheet| sheet.text(markdown)).collect()
}
