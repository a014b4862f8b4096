//! The shell of a page, and the tables in it.
//!
//! In: titles and markup. Out: one page that needs nothing beside it: no network and no script. It must not know what
//! it shows.

use super::super::figures::Sheet;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");

/// A chapter of a page.
pub(super) struct Part {
    pub title: String,
    /// What stands before the sections.
    pub lead: Markup,
    pub sections: Vec<Section>,
}

/// A titled piece of a part.
pub(super) struct Section {
    pub title: String,
    pub body: Markup,
}

impl Section {
    /// A section that opens with how it is read.
    pub fn new(title: impl Into<String>, how: &str, body: Markup) -> Self {
        Section { title: title.into(), body: html! { p.how { (how) } (body) } }
    }
}

/// The whole page. Anchors are numbers, since names of tasks and documents may be anything.
pub(super) fn page(title: &str, lead: &Markup, parts: &[Part]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (plain(title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (plain(title)) }
                (lead)
                (contents(parts))
                main {
                    @for (i, part) in (1..).zip(parts) {
                        section aria-labelledby={ "part-" (i) } {
                            h2 id={ "part-" (i) } { (plain(&part.title)) }
                            (part.lead)
                            @for (j, section) in (1..).zip(&part.sections) {
                                h3 id={ "part-" (i) "-" (j) } { (plain(&section.title)) }
                                (section.body)
                            }
                            p.up { a href="#contents" { "To the contents" } }
                        }
                    }
                }
            }
        }
    };
    page.into_string() + "\n"
}

fn contents(parts: &[Part]) -> Markup {
    html! {
        nav id="contents" aria-label="Contents" {
            ul {
                @for (i, part) in (1..).zip(parts) {
                    li {
                        a href={ "#part-" (i) } { (plain(&part.title)) }
                        @if !part.sections.is_empty() {
                            ul {
                                @for (j, section) in (1..).zip(&part.sections) {
                                    li { a href={ "#part-" (i) "-" (j) } { (plain(&section.title)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Text without the control characters that a page may not hold; its bytes keep their places but for those.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !c.is_whitespace() { '\u{fffd}' } else { c }).collect()
}

/// A table whose first column names the row.
pub(super) fn table(sheet: &Sheet) -> Markup {
    let numbers = numbers(sheet);
    titled_table(
        sheet,
        "",
        html! {
            @for row in &sheet.rows {
                tr {
                    @for (i, cell) in row.iter().enumerate() {
                        @if i == 0 {
                            th scope="row" { (plain(cell)) }
                        } @else {
                            td.number[numbers.get(i) == Some(&true)] { (plain(cell)) }
                        }
                    }
                }
            }
        },
    )
}

/// Which columns hold numbers, or what stands for a missing one.
fn numbers(sheet: &Sheet) -> Vec<bool> {
    let missing = |cell: &str| matches!(cell, "" | "n/a" | "–");
    let number = |cell: &String| missing(cell) || cell.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
    let column =
        |i: usize| i > 0 && !sheet.rows.is_empty() && sheet.rows.iter().all(|row| row.get(i).is_none_or(number));
    (0..sheet.header.len()).map(column).collect()
}

/// The frame of a table: the sheet's title and header, and rows as given. It has a box of its own, where a wide one
/// scrolls, also with the keyboard.
pub(super) fn titled_table(sheet: &Sheet, class: &str, rows: Markup) -> Markup {
    let numbers = numbers(sheet);
    html! {
        div.scroll role="region" tabindex="0" aria-label=(plain(&sheet.title)) {
            table class=(class) {
                caption { (plain(&sheet.title)) }
                thead {
                    tr {
                        @for (name, number) in sheet.header.iter().zip(numbers) {
                            th.number[number] scope="col" { (plain(name)) }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}

/// A drawing, and below it the same as a table.
pub(super) fn drawn(svg: &Markup, sheet: &Sheet) -> Markup {
    html! {
        figure { (svg) }
        details { summary { "The same as a table" } (table(sheet)) }
    }
}
