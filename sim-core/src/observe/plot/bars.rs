//! Bars: stacked along a row, or grouped over named columns.

use super::canvas::{Canvas, MARGIN, Panel};
use super::scale::Scale;
use super::svg::{Anchor, Svg, TextStyle};
use super::theme;

/// A piece of a stacked bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Length, data units.
    pub value: f64,
    /// Colour.
    pub colour: &'static str,
    /// Shown on hovering.
    pub tip: String,
}

/// A horizontal stacked bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name, left of the bar.
    pub label: String,
    /// Pieces from left to right.
    pub pieces: Vec<Piece>,
    /// Written at its end.
    pub end: String,
    /// Starts a new group: some space above.
    pub group_start: bool,
}

/// Draws horizontal stacked bars below everything on the page.
pub fn stacked_rows(canvas: &mut Canvas, rows: &[Row], axis: &str) {
    const BAR: f64 = 20.0;
    const STEP: f64 = 26.0;
    const GAP: f64 = 10.0;
    let names = rows.iter().map(|r| theme::text_width(&r.label, theme::TEXT_SIZE)).fold(40.0, f64::max);
    let ends = rows.iter().map(|r| theme::text_width(&r.end, theme::TEXT_SIZE)).fold(20.0, f64::max);
    let total = |r: &Row| r.pieces.iter().map(|p| p.value).sum::<f64>();
    let most = rows.iter().map(total).fold(0.0, f64::max);
    let groups = rows.iter().skip(1).filter(|r| r.group_start).count() as f64;
    let left = MARGIN + names.min(260.0) + 10.0;
    let panel = Panel {
        left,
        top: canvas.top + 10.0,
        width: theme::WIDTH - MARGIN - ends - 12.0 - left,
        height: rows.len() as f64 * STEP + groups * GAP + 4.0,
        x: Scale::Linear { low: 0.0, high: if most > 0.0 { most * 1.001 } else { 1.0 } },
        y: Scale::Linear { low: 0.0, high: 1.0 },
    };
    for tick in panel.x.ticks(6.0) {
        let x = panel.px(tick.at);
        canvas.svg.line((x, panel.top), (x, panel.bottom()), theme::GRID, 1.0, "");
    }
    let mut y = panel.top + 3.0;
    for (i, row) in rows.iter().enumerate() {
        if i > 0 && row.group_start {
            y += GAP;
        }
        canvas.svg.text((left - 10.0, y + 14.5), TextStyle::LABEL.at(Anchor::End), &row.label);
        let mut sum = 0.0;
        for piece in &row.pieces {
            let (from, to) = (panel.px(sum), panel.px(sum + piece.value));
            // A hairline of background keeps neighbours apart.
            let width = if to - from > 1.5 { to - from - 0.6 } else { to - from };
            canvas.svg.rect((from, y, width, BAR), piece.colour, &piece.tip);
            sum += piece.value;
        }
        canvas.svg.text((panel.px(sum) + 7.0, y + 14.5), TextStyle::LABEL, &row.end);
        y += STEP;
    }
    panel.draw_x(&mut canvas.svg, axis);
    canvas.top = panel.bottom() + 44.0;
}

/// Draws groups of vertical bars in a panel: `values[group][series]`, in data units of the panel's `y`.
/// A missing value is written as a dash on the floor.
pub fn grouped_columns(
    svg: &mut Svg,
    panel: &Panel,
    groups: &[String],
    values: &[Vec<Option<f64>>],
    tip: &dyn Fn(usize, usize, f64) -> String,
) {
    let each = panel.width / groups.len().max(1) as f64;
    // Names too long for their place go up and down in turn.
    let crowded = groups.iter().any(|g| theme::text_width(g, theme::TICK_SIZE) > each - 4.0);
    for (g, (name, bars)) in groups.iter().zip(values).enumerate() {
        let bar = (each * 0.76 / bars.len().max(1) as f64).min(46.0);
        let middle = panel.left + (g as f64 + 0.5) * each;
        let first = middle - bar * bars.len() as f64 / 2.0;
        for (s, value) in bars.iter().enumerate() {
            let x = first + bar * s as f64;
            match value {
                Some(value) => {
                    let top = panel.py(*value);
                    let width = if bar > 3.0 { bar - 1.0 } else { bar };
                    let shape = (x, top, width, panel.bottom() - top);
                    svg.rect(shape, theme::series_colour(s), &tip(g, s, *value));
                }
                None => {
                    let style = TextStyle::NOTE.at(Anchor::Middle);
                    svg.text((x + bar / 2.0, panel.bottom() - 3.0), style, "–");
                }
            }
        }
        let down = if crowded && g % 2 == 1 { 13.0 } else { 0.0 };
        svg.text((middle, panel.bottom() + 16.0 + down), TextStyle::NOTE.at(Anchor::Middle), name);
    }
}
