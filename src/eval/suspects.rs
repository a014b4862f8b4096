//! Labels that a model which had not seen them finds hard to believe.

use super::report::Report;
use crate::dataset::{Dataset, Place};
use crate::task::{LabelId, TaskKind, TaskSpec};
use serde::Serialize;
use std::collections::HashMap;

/// One answer of a labelled paragraph that is likely wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// The paragraph.
    pub id: String,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// The task.
    pub task: String,
    /// What it is labelled: a class, or `LABEL` or `not LABEL`.
    pub given: String,
    /// What the model takes it for, in the same form.
    pub suggested: String,
    /// The probability of what is given, out of fold; the mean over repeats.
    pub p_given: f64,
    /// The probability of what is suggested.
    pub p_suggested: f64,
}

/// The likely label errors of a cross-validated data set, least likely labels first.
///
/// Confident learning: the threshold of a class is the mean probability of that class over the paragraphs labelled with
/// it. A paragraph whose most probable class among those above their thresholds is another than its own is a suspect;
/// suspects are ranked by the probability of the given class less that of the suggested one. Each label of a multi-label
/// task is a question of two classes.
///
/// Source: Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels".
pub fn suspects(dataset: &Dataset, report: &Report) -> Vec<Suspect> {
    let mut sums: HashMap<(&str, &str), (Vec<f64>, f64)> = HashMap::new();
    for p in &report.predictions {
        for spec in &dataset.tasks {
            let probability = |label: &String| p.probabilities.get(&spec.name)?.get(label)?.as_f64();
            let Some(own) = spec.labels.iter().map(probability).collect::<Option<Vec<f64>>>() else { continue };
            let (sum, n) = sums.entry((&p.id, &spec.name)).or_insert_with(|| (vec![0.0; own.len()], 0.0));
            sum.iter_mut().zip(own).for_each(|(sum, p)| *sum += p);
            *n += 1.0;
        }
    }
    let mut found = Vec::new();
    for (t, spec) in dataset.tasks.iter().enumerate() {
        let judged: Vec<(usize, Vec<f64>)> = (0..dataset.examples.len())
            .filter_map(|row| {
                let (sum, n) = sums.get(&(dataset.examples[row].id.as_str(), spec.name.as_str()))?;
                dataset.examples[row].gold[t].as_ref()?;
                Some((row, sum.iter().map(|p| p / n).collect()))
            })
            .collect();
        for question in questions(spec) {
            let cases: Vec<(usize, Vec<f64>, usize)> = judged
                .iter()
                .filter_map(|(row, p)| {
                    let gold = dataset.examples[*row].gold[t].as_ref()?;
                    Some(match question.label {
                        Some(label) => (*row, vec![p[label.0], 1.0 - p[label.0]], usize::from(!gold.contains(label))),
                        None => (*row, p.clone(), gold.first()?.0),
                    })
                })
                .collect();
            for (row, given, suggested, p_given, p_suggested) in doubtful(&cases, question.classes.len()) {
                let example = &dataset.examples[row];
                found.push(Suspect {
                    id: example.id.clone(),
                    place: example.place.clone(),
                    task: spec.name.clone(),
                    given: question.classes[given].clone(),
                    suggested: question.classes[suggested].clone(),
                    p_given,
                    p_suggested,
                });
            }
        }
    }
    let doubt = |s: &Suspect| s.p_given - s.p_suggested;
    found.sort_by(|a, b| {
        doubt(a).total_cmp(&doubt(b)).then_with(|| (&a.id, &a.task, &a.given).cmp(&(&b.id, &b.task, &b.given)))
    });
    found
}

/// A question with exactly one right answer.
struct Question {
    label: Option<LabelId>,
    classes: Vec<String>,
}

fn questions(spec: &TaskSpec) -> Vec<Question> {
    match spec.kind {
        TaskKind::Single => vec![Question { label: None, classes: spec.labels.clone() }],
        TaskKind::Multi => {
            let ask = |(k, name): (usize, &String)| Question {
                label: Some(LabelId(k)),
                classes: vec![name.clone(), format!("not {name}")],
            };
            spec.labels.iter().enumerate().map(ask).collect()
        }
    }
}

/// Of cases (row, probability by class, given class): row, given class, suggested class and the two probabilities.
fn doubtful(cases: &[(usize, Vec<f64>, usize)], classes: usize) -> Vec<(usize, usize, usize, f64, f64)> {
    let threshold = |class: usize| {
        let own = || cases.iter().filter(move |(_, _, given)| *given == class);
        // A class that nothing carries suggests nothing.
        if own().next().is_none() {
            f64::INFINITY
        } else {
            own().map(|(_, p, _)| p[class]).sum::<f64>() / own().count() as f64
        }
    };
    let thresholds: Vec<f64> = (0..classes).map(threshold).collect();
    cases
        .iter()
        .filter_map(|(row, p, given)| {
            let confident = (0..classes).filter(|&class| p[class] >= thresholds[class]);
            let suggested = confident.max_by(|&a, &b| p[a].total_cmp(&p[b]).then(b.cmp(&a)))?;
            (suggested != *given).then_some((*row, *given, suggested, p[*given], p[suggested]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confident_answer_against_the_given_class_is_doubtful() {
        // Thresholds by hand: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6; class 1 (0.7 + 0.5) / 2 = 0.6.
        let cases =
            [(0, [0.9, 0.1], 0), (1, [0.8, 0.2], 0), (2, [0.1, 0.9], 0), (3, [0.3, 0.7], 1), (4, [0.5, 0.5], 1)];
        let cases: Vec<(usize, Vec<f64>, usize)> =
            cases.iter().map(|(row, p, given)| (*row, p.to_vec(), *given)).collect();
        // Row 2 is confidently of class 1; row 4 is above no threshold, and so tells nothing.
        assert_eq!(doubtful(&cases, 2), [(2, 0, 1, 0.1, 0.9)]);
    }
}
