//! Lines in a panel: cumulative distributions and series over time.

use super::canvas::Panel;
use super::svg::Svg;

/// Draws a line through points in data units, in pieces where points are missing.
pub fn draw(svg: &mut Svg, panel: &Panel, points: &[Option<(f64, f64)>], colour: &str, dash: &str) {
    for piece in points.split(Option::is_none) {
        let at: Vec<(f64, f64)> = piece.iter().flatten().map(|&(x, y)| (panel.px(x), panel.py(y))).collect();
        match at.as_slice() {
            [] => {}
            [only] => svg.circle(*only, 2.5, colour, 1.0, ""),
            many => svg.polyline(many, colour, 2.0, dash),
        }
    }
}
