//! Two kinds of small figure, drawn with the simulator's plotter: lines with dots, and columns.

use sim_core::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::{line, theme};

/// A series of a figure.
pub struct Series {
    /// Name in the legend.
    pub name: &'static str,
    /// Points in data units.
    pub points: Vec<(f64, f64)>,
    /// Drawn as a line through the points, else as dots.
    pub is_line: bool,
}

/// Axes and title of a figure.
pub struct Frame {
    /// Title.
    pub title: &'static str,
    /// What is shown.
    pub subtitle: &'static str,
    /// Label of the horizontal axis.
    pub x: &'static str,
    /// Label of the vertical axis.
    pub y: &'static str,
    /// Logarithmic vertical axis.
    pub log_y: bool,
    /// Logarithmic horizontal axis.
    pub log_x: bool,
}

/// Draws the series in one panel.
pub fn draw(frame: &Frame, series: &[Series]) -> String {
    let mut canvas = Canvas::new(frame.title, frame.subtitle);
    let items: Vec<LegendItem> = series
        .iter()
        .enumerate()
        .map(|(n, s)| {
            let swatch = if s.is_line { Swatch::Line("") } else { Swatch::Dot };
            LegendItem::new(s.name, theme::series_colour(n), swatch)
        })
        .collect();
    canvas.legend(&items);
    let all = || series.iter().flat_map(|s| s.points.iter().copied());
    let scale = |log: bool, values: Vec<f64>| {
        if log {
            Scale::log_around(values.into_iter())
        } else {
            Scale::from_zero(values.into_iter().fold(0.0, f64::max))
        }
    };
    let x = scale(frame.log_x, all().map(|p| p.0).collect());
    let y = scale(frame.log_y, all().map(|p| p.1).collect());
    let panel = Panel::below(&mut canvas, 240.0, x, y);
    panel.draw_y(&mut canvas.svg, frame.y);
    panel.draw_x(&mut canvas.svg, frame.x);
    for (n, s) in series.iter().enumerate() {
        let colour = theme::series_colour(n);
        if s.is_line {
            let points: Vec<_> = s.points.iter().copied().map(Some).collect();
            line::draw(&mut canvas.svg, &panel, &points, colour, 2.0, "");
        } else {
            for &(x, y) in &s.points {
                let tip = format!("{}: {x:.4}, {y:.4}", s.name);
                canvas.svg.circle((panel.px(x), panel.py(y)), 4.0, colour, 0.85, &tip);
            }
        }
    }
    canvas.finish(8.0, frame.subtitle)
}
