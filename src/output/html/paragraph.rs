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
    let yes = |set: &LabelSet, label: LabelId| if set.contains(label) { "yes" } else { "–" };
    let header = ["label", "probability", "given", "right answer"];
    let sheet = Sheet::new(&spec.name, &header[..if gold.is_some() { 4 } else { 3 }], Vec::new());
    titled_table(
        &sheet,
        "",
        html! {
            @for ((k, name), p) in spec.labels.iter().enumerate().zip(probabilities) {
                tr {
                    th scope="row" { (plain(name)) }
                    td {
                        span.track aria-hidden="true" { span style={ "width:" (format!("{:.0}", 100.0 * p)) "%" } {} }
                        (format!("{p:.2}"))
                    }
                    td { (yes(given, LabelId(k))) }
                    @if let Some(gold) = gold {
                        @let missed = gold.contains(LabelId(k)) != given.contains(LabelId(k));
                        td class=(if missed { "wrong" } else { "" }) {
                            (yes(gold, LabelId(k))) @if missed { " (wrong)" }
                        }
                    }
                }
            }
        },
    )
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
}

/// A text in French with words marked, and below it which word speaks for what.
pub(super) fn quoted(text: &str, reasons: &[Words<'_>]) -> Markup {
    let mut places: Vec<&Range<usize>> = reasons.iter().flat_map(|r| r.words.iter().map(|(place, _)| place)).collect();
    places.sort_by_key(|place| (place.start, place.end));
    // The same word may speak for several labels, and one place may reach into the next: each byte is shown once.
    let mut pieces: Vec<(&str, bool)> = Vec::new();
    let mut shown = 0;
    for place in places {
        let (start, end) = (place.start.max(shown), place.end);
        if start < end {
            pieces.push((&text[shown..start], false));
            pieces.push((&text[start..end], true));
            shown = end;
        }
    }
    pieces.push((&text[shown..], false));
    html! {
        blockquote lang="fr" {
            @for (piece, marked) in pieces.iter().filter(|(piece, _)| !piece.is_empty()) {
                @if *marked { mark { (plain(piece)) } } @else { (plain(piece)) }
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
