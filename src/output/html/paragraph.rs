//! A paragraph on a page: its labels, its probabilities, its text with the words that decided.

use super::super::figures::{Sheet, signed};
use super::page::{plain, titled_table};
use crate::model::LabelReasons;
use crate::task::{LabelId, LabelSet, TaskSpec};
use maud::{Markup, html};
use std::ops::Range;

/// The labels of a task, each in a box of its own.
pub(super) fn chips(spec: &TaskSpec, labels: &LabelSet) -> Markup {
    html! {
        @for name in spec.names(labels) { span.chip { (plain(name)) } " " }
        @if labels.is_empty() { span class="chip none" { "none" } }
    }
}

/// The probability of every label as a bar and a number; and whether it was given and, where that is known, right.
pub(super) fn probabilities(
    spec: &TaskSpec,
    probabilities: impl IntoIterator<Item = f64>,
    given: &LabelSet,
    gold: Option<&LabelSet>,
) -> Markup {
    let yes = |yes: bool| if yes { "yes" } else { "–" };
    let header: &[&str] = match gold {
        Some(_) => &["label", "probability", "right", "given"],
        None => &["label", "probability", "given"],
    };
    let rows = html! {
        @for ((k, name), p) in spec.labels.iter().enumerate().zip(probabilities) {
            @let wanted = gold.map(|gold| gold.contains(LabelId(k)));
            tr {
                th scope="row" { (plain(name)) }
                td {
                    span.track aria-hidden="true" { span style={ "width:" (format!("{:.0}", 100.0 * p)) "%" } {} }
                    (format!("{p:.2}"))
                }
                @if let Some(wanted) = wanted { td { (yes(wanted)) } }
                @match (given.contains(LabelId(k)), wanted) {
                    (true, Some(false)) => td.wrong { "yes (wrong)" },
                    (false, Some(true)) => td.wrong { "– (missed)" },
                    (given, _) => td { (yes(given)) },
                }
            }
        }
    };
    titled_table(&Sheet::new(&spec.name, header, Vec::new()), "", rows)
}

/// The words that speak for or against a label.
pub(super) struct Words<'a> {
    label: &'a str,
    speaks_for: bool,
    words: Vec<&'a (Range<usize>, f64)>,
}

impl<'a> Words<'a> {
    /// The strongest words on one side, `most` at most.
    pub fn of(label: &'a str, reasons: &'a LabelReasons, speaks_for: bool, most: usize) -> Self {
        Words { label, speaks_for, words: reasons.speaking(speaks_for).take(most).collect() }
    }

    /// The places of the words, each with its weight as a share of the strongest.
    fn shares(&self) -> impl Iterator<Item = (&Range<usize>, f64)> {
        let most = self.words.first().map_or(1.0, |(_, weight)| *weight);
        self.words.iter().map(move |(place, weight)| (place, weight / most))
    }
}

/// A text in French with words marked, the more the stronger, and below it which word speaks for what.
pub(super) fn quoted(text: &str, reasons: &[Words<'_>]) -> Markup {
    let mut marks: Vec<(&Range<usize>, f64)> = reasons.iter().flat_map(Words::shares).collect();
    marks.sort_by(|a, b| (a.0.start, a.0.end).cmp(&(b.0.start, b.0.end)).then(b.1.total_cmp(&a.1)));
    // The same word may speak for several labels, and one place may reach into the next: each byte is shown once.
    let mut pieces: Vec<(&str, Option<f64>)> = Vec::new();
    let mut shown = 0;
    for (place, share) in marks {
        let (start, end) = (place.start.max(shown), place.end);
        if start < end {
            pieces.push((&text[shown..start], None));
            pieces.push((&text[start..end], Some(share)));
            shown = end;
        }
    }
    pieces.push((&text[shown..], None));
    html! {
        blockquote lang="fr" {
            @for (piece, share) in pieces.iter().filter(|(piece, _)| !piece.is_empty()) {
                @if let Some(share) = share {
                    mark style={ "--weight:" (format!("{share:.2}")) } { (plain(piece)) }
                } @else {
                    (plain(piece))
                }
            }
        }
        @for reason in reasons {
            p {
                (if reason.speaks_for { "For " } else { "Against " }) strong { (plain(reason.label)) } ": "
                @if reason.words.is_empty() { "no word" }
                @for (i, (place, weight)) in reason.words.iter().enumerate() {
                    @if i > 0 { ", " }
                    span lang="fr" { (plain(&text[place.clone()])) } " " (signed(Some(*weight)))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_marks_show_every_byte_once_and_the_stronger_share() {
        let text = "un été <chaud>";
        let reasons = |words| LabelReasons { score: 0.0, intercept: 0.0, words };
        // "été", "été <chaud>" and a word against.
        let (one, two) =
            (reasons(vec![(3..8, 2.0), (0..2, -1.5), (3..16, 0.5)]), reasons(vec![(3..8, 1.0), (0..2, 0.5)]));
        let words = [Words::of("a", &one, true, 9), Words::of("b", &two, true, 1)];
        let markup = quoted(text, &words).into_string();
        let quote = "<blockquote lang=\"fr\">un <mark style=\"--weight:1.00\">été</mark>\
                     <mark style=\"--weight:0.25\"> &lt;chaud&gt;</mark></blockquote>";
        assert!(markup.starts_with(quote), "{markup}");
        assert!(markup.contains("For <strong>b</strong>: <span lang=\"fr\">été</span> +1.000</p>"), "{markup}");
    }
}
