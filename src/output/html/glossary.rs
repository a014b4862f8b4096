//! What the figures are, in a line each.

use crate::eval::metrics::Metric;
use maud::{Markup, html};

fn meaning(metric: Metric) -> &'static str {
    match metric {
        Metric::Accuracy => "the share of paragraphs whose whole answer is right: every label of it, none too many",
        Metric::MacroF1 => "the mean of the labels' F1, so that rare labels count as much as frequent ones",
        Metric::MicroF1 => "F1 of all labels' answers taken together, so that frequent labels count more",
        Metric::MacroPrecision => "the mean of the labels' precision",
        Metric::MacroRecall => "the mean of the labels' recall",
        Metric::MicroPrecision => "the share of labels given that are right",
        Metric::MicroRecall => "the share of right labels that are given",
        Metric::HammingLoss => "the share of single yes-or-no answers that are wrong; less is better",
        Metric::Kappa => "agreement with the right answer beyond what chance gives: 0 is chance, 1 is perfect",
        Metric::LogLoss => "how surprised the probabilities are by the right answer; less is better",
        Metric::Brier => "the mean squared distance of the probabilities from the right answer; less is better",
        Metric::Ece => "how far probabilities are from the shares that come true, on average; less is better",
        Metric::Aurc => {
            "the mean share of errors when the surest answers alone are given, from few to all; less is better"
        }
    }
}

/// Every figure of a page and what it means.
pub(super) fn glossary() -> Markup {
    let more = [
        ("precision", "of the paragraphs that were given the label, the share that should have it"),
        ("recall", "of the paragraphs that should have the label, the share that were given it"),
        ("F1", "between precision and recall, nearer to the worse: 2tp / (2tp + fp + fn)"),
        ("avg. precision", "the area under the precision-recall curve: how well the probability ranks the label"),
        ("ROC AUC", "how often a paragraph with the label gets a higher probability than one without: 0.5 is chance"),
        ("support", "the number of paragraphs that should have the label"),
        ("threshold", "the probability from which on the label is given, the mean over folds"),
        ("majority", "what is reached by always giving the most frequent answer of the training data"),
        ("random", "what is reached by drawing an answer from those of the training data"),
        ("95 % interval", "where the figure would lie on other data of this size, as far as this data can tell"),
        ("n/a", "undefined, such as the recall of a label that no paragraph has"),
    ];
    html! {
        dl {
            @for metric in Metric::ALL { dt { code { (metric.name()) } } dd { (meaning(metric)) } }
            @for (name, meaning) in more { dt { (name) } dd { (meaning) } }
        }
    }
}
