//! What plots share: size, the palette of CSS variables, and the SVG's frame.

use std::fmt::Write;

use plotters::prelude::RGBColor;

/// Width and height of a plot in its own units; the page scales it.
pub(super) const SIZE: (u32, u32) = (560, 270);

/// Face and size of the labels; the page puts its own face in place.
pub(super) const LABELS: (&str, u32) = ("sans-serif", 16);

/// Colours that stand for CSS variables: drawn as themselves, renamed when the SVG is framed.
/// plotters writes fixed colours only; these are so close to black that no plot uses them in earnest.
pub(super) const INK: RGBColor = RGBColor(0, 0, 1);
pub(super) const GRID: RGBColor = RGBColor(0, 0, 2);
pub(super) const MUTED: RGBColor = RGBColor(0, 0, 3);
pub(super) const BASELINE: RGBColor = RGBColor(0, 0, 4);
pub(super) const CANDIDATE: RGBColor = RGBColor(0, 0, 5);
pub(super) const FAIL: RGBColor = RGBColor(0, 0, 6);
pub(super) const PASS: RGBColor = RGBColor(0, 0, 7);

const NAMES: [(RGBColor, &str); 7] = [
    (INK, "ink"),
    (GRID, "line"),
    (MUTED, "muted"),
    (BASELINE, "baseline"),
    (CANDIDATE, "candidate"),
    (FAIL, "fail"),
    (PASS, "pass"),
];

/// Lines told apart by colour: the family and eleven metrics. Further ones are drawn muted and not named.
pub(super) const SERIES_MAX: usize = 12;

/// The colour of the `index`-th line, `--series-0` … `--series-11` on the page.
pub(super) fn series(index: usize) -> RGBColor {
    u8::try_from(index)
        .ok()
        .filter(|&index| usize::from(index) < SERIES_MAX)
        .map_or(MUTED, |i| RGBColor(0, 1, i))
}

/// One entry of a plot's legend.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(in crate::report) struct Series {
    /// The CSS variable of its colour, without dashes.
    pub(in crate::report) colour: String,
    /// What it is.
    pub(in crate::report) name: String,
}

impl Series {
    pub(super) fn new(index: usize, name: impl Into<String>) -> Self {
        Self { colour: format!("series-{index}"), name: name.into() }
    }
}

/// What the plot shows, for those who cannot see it.
pub(super) struct Caption<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
}

/// Puts plotters' drawing into a frame of our own: scalable, described, coloured by variables.
pub(super) fn framed(drawing: &str, caption: &Caption<'_>) -> Option<String> {
    let body = drawing.split_once('\n')?.1; // the first line is plotters' own <svg …>
    let (width, height) = SIZE;
    let Caption { id, title, description } = caption;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\n",
        escaped(title),
        escaped(description)
    );
    svg.push_str(&coloured(body));
    Some(svg)
}

fn coloured(body: &str) -> String {
    let series_names = (0..SERIES_MAX).map(|index| (series(index), format!("series-{index}")));
    let names = NAMES.into_iter().map(|(colour, name)| (colour, name.to_owned())).chain(series_names);
    names.fold(body.to_owned(), |body, (RGBColor(r, g, b), name)| {
        // In quotes it can only be an attribute: plotters escapes the quotes of text.
        body.replace(&format!("\"#{r:02X}{g:02X}{b:02X}\""), &format!("\"var(--{name})\""))
    })
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        // Writing to a String cannot fail.
        let _ = match letter {
            '<' | '>' | '&' | '"' | '\'' => write!(out, "&#{};", u32::from(letter)),
            letter => write!(out, "{letter}"),
        };
    }
    out
}
