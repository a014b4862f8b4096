//! Drawings as SVG, by hand: few forms, plain numbers.
//!
//! In: figures. Out: SVG whose colours the page's style sets, so that it follows light, dark and print. Forms differ,
//! not only colours. It must not know what the figures mean.

use super::page::plain;
use maud::{Markup, html};

/// How wide a letter is, about: no font is at hand to measure.
const LETTER: f64 = 7.0;
const LEGEND_LINE: f64 = 18.0;

/// The numbers that an axis spans, with a tick at every step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    low: f64,
    step: f64,
    steps: usize,
}

impl Span {
    /// From 0 to 1.
    pub const UNIT: Span = Span { low: 0.0, step: 0.2, steps: 5 };

    /// The least round span that holds all values; their number, or nothing, may be small.
    pub fn over(values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let (mut low, mut high) = finite.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
        if low > high {
            return Span::UNIT;
        }
        // One value alone has no extent: it stands in the middle of a little.
        if high - low < 1e-9 {
            (low, high) = (low - 0.01, high + 0.01);
        }
        let rough = (high - low) / 5.0;
        let magnitude = 10f64.powi(rough.log10().floor() as i32);
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * magnitude).into_iter().find(|s| *s >= rough).unwrap_or(rough);
        let first = (low / step + 1e-9).floor();
        let steps = ((high / step - 1e-9).ceil() - first) as usize;
        Span { low: first * step, step, steps }
    }

    /// Where a value lies: 0 at the lower end, 1 at the upper.
    fn share(self, value: f64) -> f64 {
        (value - self.low) / (self.step * self.steps as f64)
    }

    fn ticks(self) -> impl Iterator<Item = (f64, String)> {
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        (0..=self.steps).map(move |i| {
            let value = self.low + self.step * i as f64;
            // No "-0": the sum of steps may miss zero by a hair.
            let value = if value.abs() < self.step / 1e6 { 0.0 } else { value };
            (value, format!("{value:.decimals$}"))
        })
    }
}

/// The form of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Dot,
    Diamond,
    Cross,
    Ring,
    Line,
    Dashes,
}

/// The forms of things that stand beside the main figure, in turn.
pub(super) const OTHERS: [Form; 3] = [Form::Cross, Form::Ring, Form::Diamond];

fn point(form: Form, x: f64, y: f64) -> Markup {
    html! {
        @match form {
            Form::Dot => circle.first cx=(n(x)) cy=(n(y)) r="3.6" {},
            Form::Ring => circle.second.hollow cx=(n(x)) cy=(n(y)) r="4" {},
            Form::Cross => path.second.line d={ "M" (n(x - 4.0)) " " (n(y - 4.0)) "l8 8m0-8l-8 8" } {},
            Form::Diamond => path.second d={ "M" (n(x)) " " (n(y - 6.0)) "l6 6l-6 6l-6-6z" } {},
            Form::Line => path.first.line d={ "M" (n(x - 8.0)) " " (n(y)) "H" (n(x + 8.0)) } {},
            Form::Dashes => path.guide d={ "M" (n(x - 8.0)) " " (n(y)) "H" (n(x + 8.0)) } {},
        }
    }
}

/// A number in a drawing: tenths are finer than a screen.
fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".into() } else { text.into() }
}

/// What the forms mean, from the top left; and how high it is.
fn legend(items: &[(Form, &str)], left: f64, width: f64) -> (Markup, f64) {
    let (mut x, mut y) = (left + 8.0, 10.0);
    let mut placed = Vec::new();
    for (form, name) in items {
        let wide = 34.0 + LETTER * name.chars().count() as f64;
        if x > left + 8.0 && x + wide > width {
            (x, y) = (left + 8.0, y + LEGEND_LINE);
        }
        placed.push((*form, *name, x, y));
        x += wide;
    }
    let markup = html! {
        @for (form, name, x, y) in placed {
            (point(form, x, y))
            text x=(n(x + 13.0)) y=(n(y + 4.0)) { (plain(name)) }
        }
    };
    (markup, if items.is_empty() { 0.0 } else { y + LEGEND_LINE })
}

/// A row of [`Rows`].
#[derive(Debug, Default)]
pub(super) struct Row {
    pub label: String,
    pub value: Option<f64>,
    pub interval: Option<(f64, f64)>,
    /// Single values, drawn faintly.
    pub points: Vec<f64>,
    /// Values to compare with, one for each of [`Rows::others`].
    pub others: Vec<Option<f64>>,
}

/// Values on lines of their own over one axis.
#[derive(Default)]
pub(super) struct Rows<'a> {
    /// What it shows, for those who do not see it.
    pub about: &'a str,
    pub value: &'a str,
    pub others: Vec<&'a str>,
    pub span: Option<Span>,
    /// Whether 0 is on the axis, with a line of its own.
    pub zero: bool,
    /// Below it lies what is not wanted.
    pub bound: Option<(f64, &'a str)>,
    pub rows: Vec<Row>,
}

impl Rows<'_> {
    pub fn svg(&self) -> Markup {
        const WIDTH: f64 = 420.0;
        const ROW: f64 = 26.0;
        let letters = self.rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0).min(22);
        let (left, right) = (16.0 + LETTER * letters as f64, WIDTH - 16.0);
        let values = self.rows.iter().flat_map(|row| {
            let ends = row.interval.into_iter().flat_map(|(low, high)| [low, high]);
            row.value
                .into_iter()
                .chain(ends)
                .chain(row.points.iter().copied())
                .chain(row.others.iter().flatten().copied())
        });
        let bound = self.bound.map(|(bound, _)| bound).into_iter().chain(self.zero.then_some(0.0));
        let span = self.span.unwrap_or_else(|| Span::over(values.chain(bound)));
        let x = |value: f64| left + (right - left) * span.share(value).clamp(0.0, 1.0);
        let interval = self.rows.iter().any(|row| row.interval.is_some());
        let mut items = vec![(Form::Dot, self.value)];
        items.extend(interval.then_some((Form::Line, "95 % interval")));
        items.extend(self.rows.iter().any(|row| !row.points.is_empty()).then_some((Form::Ring, "one fold")));
        items.extend(OTHERS.into_iter().cycle().zip(self.others.iter().copied()));
        items.extend(self.bound.map(|(_, name)| (Form::Dashes, name)));
        let (legend, top) = legend(&items, 0.0, WIDTH);
        let bottom = top + ROW * self.rows.len() as f64;
        html! {
            svg role="img" aria-label=(plain(self.about)) viewBox={ "0 0 " (n(WIDTH)) " " (n(bottom + 22.0)) } {
                (legend)
                @if let Some((bound, _)) = self.bound {
                    rect.zone x=(n(left)) y=(n(top)) width=(n(x(bound) - left)) height=(n(bottom - top)) {}
                }
                @for (value, text) in span.ticks() {
                    path.rule d={ "M" (n(x(value))) " " (n(top)) "V" (n(bottom)) } {}
                    text.tick x=(n(x(value))) y=(n(bottom + 15.0)) text-anchor="middle" { (text) }
                }
                @if self.zero { path.zero d={ "M" (n(x(0.0))) " " (n(top)) "V" (n(bottom)) } {} }
                @if let Some((bound, _)) = self.bound {
                    path.guide d={ "M" (n(x(bound))) " " (n(top)) "V" (n(bottom)) } {}
                }
                @for (i, row) in self.rows.iter().enumerate() {
                    @let y = top + ROW * (i as f64 + 0.5);
                    text x=(n(left - 8.0)) y=(n(y + 4.0)) text-anchor="end" { (plain(&shortened(&row.label))) }
                    @if let Some((low, high)) = row.interval {
                        path.first.line d={
                            "M" (n(x(low))) " " (n(y)) "H" (n(x(high)))
                            "M" (n(x(low))) " " (n(y - 6.0)) "v12M" (n(x(high))) " " (n(y - 6.0)) "v12"
                        } {}
                    }
                    // Equal values would hide each other: three heights take turns.
                    @for (j, value) in row.points.iter().enumerate() {
                        circle.second.point cx=(n(x(*value))) cy=(n(y + 5.0 * ((j % 3) as f64 - 1.0))) r="4" {}
                    }
                    @for (form, other) in OTHERS.into_iter().cycle().zip(&row.others) {
                        @if let Some(other) = other { (point(form, x(*other), y)) }
                    }
                    @if let Some(value) = row.value { (point(Form::Dot, x(value), y)) }
                }
            }
        }
    }
}

fn shortened(label: &str) -> String {
    let kept: String = label.chars().take(21).collect();
    if label.chars().count() > 22 { kept + "…" } else { label.into() }
}

/// A line over [`Plane`].
pub(super) struct Series<'a> {
    pub name: &'a str,
    pub form: Form,
    pub path: Path,
    pub points: Vec<Place>,
}

/// How the points of a series are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// Not at all.
    None,
    /// By straight lines.
    Straight,
    /// Each point's height holds from the point before, so that the area below is Σ (x - x before) · y.
    Steps,
}

/// A point of a series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Place {
    pub x: f64,
    pub y: f64,
    pub interval: Option<(f64, f64)>,
}

/// Two axes.
pub(super) struct Plane<'a> {
    pub about: &'a str,
    pub across: &'a str,
    pub up: &'a str,
    pub x: Span,
    pub y: Span,
    /// A line of what would be expected, from its left end to its right end.
    pub guide: Option<(&'a str, f64, f64)>,
    pub series: Vec<Series<'a>>,
}

impl Plane<'_> {
    pub fn svg(&self) -> Markup {
        const WIDTH: f64 = 340.0;
        const HEIGHT: f64 = 220.0;
        let items: Vec<(Form, &str)> = self
            .series
            .iter()
            .map(|series| (series.form, series.name))
            .chain(self.guide.map(|(name, _, _)| (Form::Dashes, name)))
            .collect();
        let (legend, top) = legend(&items, 0.0, WIDTH);
        let (left, right, bottom) = (48.0, WIDTH - 14.0, top + HEIGHT);
        let x = |value: f64| left + (right - left) * self.x.share(value).clamp(0.0, 1.0);
        let y = |value: f64| bottom - HEIGHT * self.y.share(value).clamp(0.0, 1.0);
        let middle = top + HEIGHT / 2.0;
        html! {
            svg.plane role="img" aria-label=(plain(self.about)) viewBox={ "0 0 " (n(WIDTH)) " " (n(bottom + 38.0)) } {
                (legend)
                @for (value, text) in self.x.ticks() {
                    path.rule d={ "M" (n(x(value))) " " (n(top)) "V" (n(bottom)) } {}
                    text.tick x=(n(x(value))) y=(n(bottom + 15.0)) text-anchor="middle" { (text) }
                }
                @for (value, text) in self.y.ticks() {
                    path.rule d={ "M" (n(left)) " " (n(y(value))) "H" (n(right)) } {}
                    text.tick x=(n(left - 6.0)) y=(n(y(value) + 4.0)) text-anchor="end" { (text) }
                }
                text x=(n((left + right) / 2.0)) y=(n(bottom + 32.0)) text-anchor="middle" { (self.across) }
                text x="12" y=(n(middle)) text-anchor="middle" transform={ "rotate(-90 12 " (n(middle)) ")" } {
                    (self.up)
                }
                @if let Some((_, from, to)) = self.guide {
                    path.guide d={ "M" (n(left)) " " (n(y(from))) "L" (n(right)) " " (n(y(to))) } {}
                }
                @for series in &self.series {
                    @let class = if series.form == Form::Dot || series.form == Form::Line { "first" } else { "second" };
                    @let dashed = if series.path == Path::Straight && class == "second" { " dashed" } else { "" };
                    @if series.path != Path::None {
                        path class={ (class) " line" (dashed) } d=(joined(series, &x, &y)) {}
                    }
                    @for place in &series.points {
                        @if let Some((low, high)) = place.interval {
                            path class={ (class) } d={ "M" (n(x(place.x))) " " (n(y(low))) "V" (n(y(high))) } {}
                        }
                        @if series.form != Form::Line { (point(series.form, x(place.x), y(place.y))) }
                    }
                }
            }
        }
    }
}

fn joined(series: &Series<'_>, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let Some(first) = series.points.first() else { return String::new() };
    if series.path == Path::Straight {
        let at = |place: &Place| format!("{} {}", n(x(place.x)), n(y(place.y)));
        return format!("M{}", series.points.iter().map(at).collect::<Vec<_>>().join("L"));
    }
    let mut path = format!("M{} {}", n(x(0.0)), n(y(first.y)));
    // A step that is narrower than a screen can show is drawn with the next.
    let mut drawn = x(0.0);
    for (i, place) in series.points.iter().enumerate() {
        let to = x(place.x);
        if to - drawn >= 0.5 || i + 1 == series.points.len() {
            path += &format!("V{}H{}", n(y(place.y)), n(to));
            drawn = to;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers_that_hold_everything() {
        let ticks = |values: &[f64]| -> Vec<String> {
            Span::over(values.iter().copied()).ticks().map(|(_, text)| text).collect()
        };
        assert_eq!(ticks(&[0.0, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks(&[-0.03, 0.041]), ["-0.04", "-0.02", "0.00", "0.02", "0.04", "0.06"]);
        assert_eq!(ticks(&[120.0, 4900.0]), ["0", "1000", "2000", "3000", "4000", "5000"]);
        assert_eq!(ticks(&[]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks(&[0.5]).len(), 5, "one value has an axis too");
    }

    #[test]
    fn the_area_under_steps_is_that_of_average_precision() {
        let place = |x, y| Place { x, y, interval: None };
        let series =
            Series { name: "", form: Form::Line, path: Path::Steps, points: vec![place(0.5, 1.0), place(1.0, 0.5)] };
        assert_eq!(joined(&series, &|x| 100.0 * x, &|y| 100.0 - 100.0 * y), "M0 0V0H50V50H100");
    }
}
