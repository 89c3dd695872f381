//! Elements of an SVG document, appended in drawing order.

use super::theme;
use crate::observe::format::escape;
use std::fmt::Write;

/// Where a text is anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextStyle {
    /// Font size, user units.
    pub size: f64,
    /// Bold.
    pub bold: bool,
    /// Colour.
    pub colour: &'static str,
    /// Anchor.
    pub anchor: Anchor,
}

impl TextStyle {
    /// A label in the usual size.
    pub const LABEL: Self =
        Self { size: theme::TEXT_SIZE, bold: false, colour: theme::INK, anchor: Anchor::Start };
    /// A tick label or a note.
    pub const NOTE: Self =
        Self { size: theme::TICK_SIZE, bold: false, colour: theme::FAINT_INK, anchor: Anchor::Start };

    /// The same, anchored elsewhere.
    pub const fn at(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// The same in bold.
    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same in another colour.
    pub const fn colour(self, colour: &'static str) -> Self {
        Self { colour, ..self }
    }
}

/// A growing document.
#[derive(Clone, Debug, Default)]
pub struct Svg {
    body: String,
}

/// A coordinate to 1/100, without trailing zeros.
fn n(value: f64) -> String {
    let rounded = if value.is_finite() { (value * 100.0).round() / 100.0 } else { 0.0 };
    format!("{}", rounded + 0.0)
}

impl Svg {
    /// A filled rectangle; `tip` is shown on hovering.
    pub fn rect(&mut self, (x, y, width, height): (f64, f64, f64, f64), fill: &str, tip: &str) {
        let (x, y, width, height) = (n(x), n(y), n(width.max(0.0)), n(height.max(0.0)));
        let _ = write!(
            self.body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\""
        );
        self.close("rect", tip);
    }

    /// A straight line; an empty `dash` draws it solid.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64, dash: &str) {
        let (x1, y1, x2, y2) = (n(from.0), n(from.1), n(to.0), n(to.1));
        let _ = write!(
            self.body,
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{colour}\" stroke-width=\"{}\"{}/>\n",
            n(width),
            dashed(dash)
        );
    }

    /// An open line through points.
    pub fn polyline(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dash: &str) {
        let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", n(x), n(y))).collect();
        let _ = write!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{}/>\n",
            points.join(" "),
            n(width),
            dashed(dash)
        );
    }

    /// A filled circle with a thin light rim.
    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, opacity: f64, tip: &str) {
        let _ = write!(
            self.body,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\" fill-opacity=\"{}\" stroke=\"{}\" stroke-width=\"0.75\"",
            n(x),
            n(y),
            n(radius),
            n(opacity),
            theme::BACKGROUND
        );
        self.close("circle", tip);
    }

    /// A line of text.
    pub fn text(&mut self, (x, y): (f64, f64), style: TextStyle, text: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold { " font-weight=\"600\"" } else { "" };
        let _ = write!(
            self.body,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight}>{}</text>\n",
            n(x),
            n(y),
            n(style.size),
            style.colour,
            escape(text)
        );
    }

    /// The whole document of the given height; `description` is read by screen readers.
    pub fn finish(self, height: f64, title: &str, description: &str) -> String {
        let (width, height) = (n(theme::WIDTH), n(height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"{}\">\n<title>{}</title>\n<desc>{}</desc>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n{}</svg>\n",
            theme::FONT,
            escape(title),
            escape(description),
            theme::BACKGROUND,
            self.body
        )
    }

    fn close(&mut self, element: &str, tip: &str) {
        let _ = if tip.is_empty() {
            self.body.write_str("/>\n")
        } else {
            writeln!(self.body, "><title>{}</title></{element}>", escape(tip))
        };
    }
}

fn dashed(dash: &str) -> String {
    if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") }
}
