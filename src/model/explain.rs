//! Which words of a text a score comes from.
//!
//! A linear score is a sum over terms, so it can be taken apart exactly: each term's part is shared equally by the places
//! where it stands, and each place is read as the printed words that it touches.

use super::classifier::Classifier;
use super::task_model::TaskModel;
use std::collections::BTreeMap;
use std::ops::Range;

/// Where the score of one label comes from: `score = intercept + Σ words`.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelReasons {
    /// The uncalibrated score.
    pub score: f64,
    /// What the score is before any word.
    pub intercept: f64,
    /// What each printed word, or run of words, adds; by its bytes in the text. Strongest first, whatever the sign.
    pub words: Vec<(Range<usize>, f64)>,
}

impl LabelReasons {
    /// The words that speak for the label, or those that speak against it; strongest first.
    pub fn speaking(&self, speaks_for: bool) -> impl Iterator<Item = &(Range<usize>, f64)> {
        self.words.iter().filter(move |(_, weight)| if speaks_for { *weight > 0.0 } else { *weight < 0.0 })
    }
}

impl Classifier {
    /// The reasons for the scores of a text: by task, one a label.
    pub fn explain(&self, text: &str) -> Vec<Vec<LabelReasons>> {
        self.tasks().iter().map(|task| explain(task, text)).collect()
    }
}

fn explain(task: &TaskModel, text: &str) -> Vec<LabelReasons> {
    let (row, places) = task.featurizer.row_with_places(text);
    let regression = &task.regression;
    let outputs = regression.outputs();
    let white: Vec<Range<usize>> =
        text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, c)| at..at + c.len_utf8()).collect();
    let mut parts: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for (column, value) in row.iter() {
        let Some(places) = places.get(&column) else { continue };
        let weights = &regression.weights()[column as usize * outputs..][..outputs];
        let share = value / places.len() as f64;
        for place in places {
            let printed = printed_words(text, &white, place);
            let sums = parts.entry((printed.start, printed.end)).or_insert_with(|| vec![0.0; outputs]);
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += share * f64::from(*weight));
        }
    }
    let scores = regression.scores(&row);
    (0..outputs)
        .map(|k| {
            let mut words: Vec<(Range<usize>, f64)> =
                parts.iter().map(|(&(start, end), sums)| (start..end, sums[k])).collect();
            words.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.start.cmp(&b.0.start)));
            LabelReasons { score: scores[k].0, intercept: regression.intercepts()[k], words }
        })
        .collect()
}

/// The words that a place touches of a text with this white space, without the punctuation around them.
fn printed_words(text: &str, white: &[Range<usize>], place: &Range<usize>) -> Range<usize> {
    let before = white.partition_point(|space| space.end <= place.start);
    let after = white.partition_point(|space| space.start < place.end);
    let start = before.checked_sub(1).map_or(0, |at| white[at].end);
    let end = white.get(after).map_or(text.len(), |space| space.start);
    let words = &text[start..end];
    let bare = words.trim_matches(|c: char| !c.is_alphanumeric());
    if bare.is_empty() {
        return start..end;
    }
    let offset = bare.as_ptr() as usize - words.as_ptr() as usize;
    start + offset..start + offset + bare.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelFile;

    #[test]
    fn intercept_and_words_add_up_to_the_score() {
        let model = ModelFile::built_in().unwrap().classifier;
        for text in
            ["", "…", "L’armée a saisi deux F-16 ; l'armée — elle — « attend » le pétrole, le pétrole !", "cœur 19 500"]
        {
            let predictions = model.predict(text);
            for ((task, reasons), prediction) in model.tasks().iter().zip(model.explain(text)).zip(predictions) {
                let scores = reasons.iter().map(|r| crate::task::Score(r.score)).collect::<Vec<_>>();
                assert_eq!(task.decision().decide(&scores), prediction);
                for r in reasons {
                    let sum: f64 = r.intercept + r.words.iter().map(|(_, part)| part).sum::<f64>();
                    assert!((sum - r.score).abs() < 1e-9, "{text}: {sum} {}", r.score);
                    assert!(r.words.iter().all(|(place, _)| !text[place.clone()].is_empty()));
                }
            }
        }
    }

    #[test]
    fn places_are_printed_words_without_their_punctuation() {
        let text = "« L’armée, dit-il, avance. »";
        let white: Vec<Range<usize>> = text.match_indices(' ').map(|(at, _)| at..at + 1).collect();
        let place = |part: &str| {
            let start = text.find(part).unwrap();
            &text[printed_words(text, &white, &(start..start + part.len()))]
        };
        assert_eq!((place("armée"), place("dit"), place("armée, dit")), ("L’armée", "dit-il", "L’armée, dit-il"));
        assert_eq!(place("»"), "»");
    }
}
