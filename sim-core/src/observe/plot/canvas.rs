//! A figure's page: title, subtitle, legend, and panels with axes below each other or side by side.

use super::scale::Scale;
use super::svg::{Anchor, Svg, TextStyle};
use super::theme;

/// Space left and right of everything.
pub const MARGIN: f64 = 20.0;

/// How an entry of a legend is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swatch {
    /// A piece of line with this dash pattern.
    Line(&'static str),
    /// A filled square.
    Square,
    /// A dot.
    Dot,
}

/// One entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendItem {
    /// Text.
    pub label: String,
    /// Colour.
    pub colour: &'static str,
    /// Symbol.
    pub swatch: Swatch,
}

impl LegendItem {
    /// An entry.
    pub fn new(label: impl Into<String>, colour: &'static str, swatch: Swatch) -> Self {
        Self { label: label.into(), colour, swatch }
    }
}

/// A page being filled from top to bottom.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// What has been drawn.
    pub svg: Svg,
    /// Everything above is taken.
    pub top: f64,
    title: String,
}

impl Canvas {
    /// A page with a title and a line that says what is shown.
    pub fn new(title: &str, subtitle: &str) -> Self {
        let mut svg = Svg::default();
        let style = TextStyle { size: theme::TITLE_SIZE, ..TextStyle::LABEL.bold() };
        svg.text((MARGIN, 30.0), style, title);
        svg.text((MARGIN, 51.0), TextStyle::LABEL.colour(theme::FAINT_INK), subtitle);
        Self { svg, top: 62.0, title: title.to_owned() }
    }

    /// Adds a legend that wraps at the page's width.
    pub fn legend(&mut self, items: &[LegendItem]) {
        let mut x = MARGIN;
        let mut y = self.top + 14.0;
        for item in items {
            let width = 24.0 + theme::text_width(&item.label, theme::TEXT_SIZE) + 14.0;
            if x > MARGIN && x + width > theme::WIDTH - MARGIN {
                x = MARGIN;
                y += 20.0;
            }
            match item.swatch {
                Swatch::Line(dash) => {
                    self.svg.line((x, y - 4.0), (x + 18.0, y - 4.0), item.colour, 2.5, dash);
                }
                Swatch::Square => self.svg.rect((x + 3.0, y - 10.0, 12.0, 12.0), item.colour, ""),
                Swatch::Dot => self.svg.circle((x + 9.0, y - 4.0), 5.0, item.colour, 1.0, ""),
            }
            self.svg.text((x + 24.0, y), TextStyle::LABEL, &item.label);
            x += width;
        }
        self.top = y + 10.0;
    }

    /// The document; the page ends `below` units under what has been drawn.
    pub fn finish(self, below: f64, description: &str) -> String {
        self.svg.finish(self.top + below, &self.title, description)
    }
}

/// A plotting area with two number axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Left edge of the area.
    pub left: f64,
    /// Top edge of the area.
    pub top: f64,
    /// Width of the area.
    pub width: f64,
    /// Height of the area.
    pub height: f64,
    /// Horizontal scale.
    pub x: Scale,
    /// Vertical scale, upwards.
    pub y: Scale,
}

/// Space above a panel for the label of its vertical axis.
pub const PANEL_HEAD: f64 = 30.0;
/// Space below a panel for ticks and the label of its horizontal axis.
pub const PANEL_FOOT: f64 = 44.0;
/// Space left of a panel for tick labels.
pub const PANEL_LEFT: f64 = 56.0;

impl Panel {
    /// A panel over the page's width, below everything drawn; takes the room it needs.
    pub fn below(canvas: &mut Canvas, height: f64, x: Scale, y: Scale) -> Self {
        let top = canvas.top + PANEL_HEAD;
        canvas.top = top + height + PANEL_FOOT;
        let left = MARGIN + PANEL_LEFT;
        Self { left, top, width: theme::WIDTH - MARGIN - 14.0 - left, height, x, y }
    }

    /// `count` panels side by side of one shape, below everything drawn.
    pub fn row(canvas: &mut Canvas, count: usize, height: f64, x: Scale, y: Scale) -> Vec<Self> {
        let top = canvas.top + PANEL_HEAD;
        canvas.top = top + height + PANEL_FOOT;
        let each = (theme::WIDTH - 2.0 * MARGIN) / count as f64;
        (0..count)
            .map(|n| Self {
                left: MARGIN + each * n as f64 + PANEL_LEFT,
                top,
                width: each - PANEL_LEFT - 14.0,
                height,
                x,
                y,
            })
            .collect()
    }

    /// Horizontal position of a value.
    pub fn px(&self, value: f64) -> f64 {
        self.left + self.x.position(value) * self.width
    }

    /// Vertical position of a value.
    pub fn py(&self, value: f64) -> f64 {
        self.top + (1.0 - self.y.position(value)) * self.height
    }

    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Grid, ticks and labels of the vertical axis; its label stands above the axis, so that it reads
    /// without turning one's head.
    pub fn draw_y(&self, svg: &mut Svg, label: &str) {
        for tick in self.y.ticks(5.0) {
            let y = self.py(tick.at);
            svg.line((self.left, y), (self.right(), y), theme::GRID, 1.0, "");
            svg.text((self.left - 8.0, y + 4.0), TextStyle::NOTE.at(Anchor::End), &tick.label);
        }
        svg.text((self.left - PANEL_LEFT + 6.0, self.top - 12.0), TextStyle::NOTE, label);
    }

    /// Axis line, ticks and label of the horizontal axis.
    pub fn draw_x(&self, svg: &mut Svg, label: &str) {
        let wanted = (self.width / 90.0).max(3.0);
        for tick in self.x.ticks(wanted) {
            let x = self.px(tick.at);
            svg.line((x, self.bottom()), (x, self.bottom() + 4.0), theme::AXIS, 1.0, "");
            svg.text((x, self.bottom() + 18.0), TextStyle::NOTE.at(Anchor::Middle), &tick.label);
        }
        self.draw_floor(svg, label);
    }

    /// Axis line and label of a horizontal axis without ticks of its own.
    pub fn draw_floor(&self, svg: &mut Svg, label: &str) {
        svg.line((self.left, self.bottom()), (self.right(), self.bottom()), theme::AXIS, 1.0, "");
        let middle = self.left + self.width / 2.0;
        svg.text((middle, self.bottom() + 36.0), TextStyle::NOTE.at(Anchor::Middle), label);
    }
}
