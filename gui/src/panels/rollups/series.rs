//! A fleet over time: base fees, how far prices are apart, what waits.

use crate::panels::nothing;
use crate::panels::users::{quarters, seconds};
use crate::theme::Tokens;
use eframe::egui::{Color32, RichText, Ui};
use egui_plot::{GridMark, HoverPosition, Line, LineStyle, Plot};
use sim_core::observe::plot::canvas::{Canvas, LegendItem, Panel as SvgPlot, Swatch};
use sim_core::observe::plot::line;
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::rollup::samples::Sample;
use sim_core::simulation::snapshot::FleetView;

/// A curve: its name, its value of a sample.
type Curve = (&'static str, fn(&Sample) -> Option<f64>);

/// A plot: its title with the unit, its curves.
struct Figure {
    title: &'static str,
    curves: &'static [Curve],
}

const FIGURES: [Figure; 3] = [
    Figure {
        title: "base fee of rollups (gwei)",
        curves: &[
            ("median", |s| Some(s.base_fee_wei[1] as f64 / 1e9)),
            ("least", |s| Some(s.base_fee_wei[0] as f64 / 1e9)),
            ("most", |s| Some(s.base_fee_wei[2] as f64 / 1e9)),
        ],
    },
    Figure {
        title: "dispersion of prices over rollups (%)",
        curves: &[("standard deviation", |s| s.dispersion.map(|d| d * 100.0))],
    },
    Figure {
        title: "transactions waiting, and kB executed but not posted",
        curves: &[
            ("waiting", |s| Some(s.queued as f64)),
            ("not posted (kB)", |s| Some(s.unposted_bytes as f64 / 1e3)),
        ],
    },
];

/// Plots that have something to show.
fn figures(view: &FleetView) -> impl Iterator<Item = &'static Figure> + '_ {
    FIGURES.iter().filter(|figure| {
        view.samples.iter().filter(|s| s.active > 0).any(|s| figure.curves.iter().any(|c| (c.1)(s).is_some()))
    })
}

fn points(view: &FleetView, value: fn(&Sample) -> Option<f64>) -> Vec<[f64; 2]> {
    let used = view.samples.iter().filter(|s| s.active > 0);
    used.filter_map(|s| Some([s.at_ns as f64 / 1e9, value(s)?])).collect()
}

pub fn show(ui: &mut Ui, tokens: &Tokens, view: &FleetView) {
    let shown: Vec<&Figure> = figures(view).collect();
    if shown.is_empty() {
        nothing(ui, tokens, "Appears with the first transaction");
        return;
    }
    let height = ui.available_height() / shown.len() as f32 - 20.0;
    let colours: [Color32; 3] = [tokens.accent, tokens.good, tokens.warning];
    for figure in shown {
        ui.label(RichText::new(figure.title).size(10.5).color(tokens.faint));
        let plot = Plot::new(figure.title)
            .height(height.max(60.0))
            .grid_color(tokens.line)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .legend(egui_plot::Legend::default().position(egui_plot::Corner::LeftTop))
            .include_y(0.0)
            .x_grid_spacer(quarters)
            .x_axis_formatter(|mark: GridMark, _: &_| seconds(mark))
            .label_formatter(|at| {
                let HoverPosition::NearDataPoint { plot_name, position, .. } = at else { return None };
                let value = crate::format::three_digits(position.y);
                Some(format!("{plot_name}: {value} at {:.0} s", position.x))
            });
        plot.show(ui, |plot| {
            for ((at, (name, value)), colour) in figure.curves.iter().enumerate().zip(colours) {
                let style = if at == 0 { LineStyle::Solid } else { LineStyle::dashed_dense() };
                plot.line(Line::new(*name, points(view, *value)).color(colour).width(1.8).style(style));
            }
        });
    }
}

pub fn numbers(view: &FleetView) -> DataTable {
    let curves = || FIGURES.iter().flat_map(|figure| figure.curves.iter().map(move |c| (figure.title, c)));
    let names = curves().map(|(title, (name, _))| format!("{title}: {name}"));
    let mut table =
        DataTable::new(["time (s)".to_owned(), "rollups in use".to_owned()].into_iter().chain(names));
    for sample in &view.samples {
        let values = curves().map(|(_, (_, value))| Cell::maybe(value(sample)));
        let first = [Cell::Num(sample.at_ns as f64 / 1e9), Cell::Int(sample.active.into())];
        table.push(first.into_iter().chain(values).collect());
    }
    table
}

pub fn drawing(view: &FleetView) -> Option<String> {
    let end_s = view.samples.last()?.at_ns as f64 / 1e9;
    let mut canvas = Canvas::new(&format!("{} over time", view.name), "Over the rollups in use");
    for figure in figures(view) {
        let curves: Vec<(&str, Vec<[f64; 2]>)> =
            figure.curves.iter().map(|(name, value)| (*name, points(view, *value))).collect();
        let legend = |(at, (name, _)): (usize, &(&str, Vec<[f64; 2]>))| {
            LegendItem::new(*name, paper::series_colour(at), Swatch::Line(paper::series_dash(at)))
        };
        canvas.legend(&curves.iter().enumerate().map(legend).collect::<Vec<_>>());
        let most = curves.iter().flat_map(|(_, points)| points).fold(0.0, |most: f64, p| most.max(p[1]));
        let plot = SvgPlot::below(&mut canvas, 150.0, Scale::from_zero(end_s), Scale::from_zero(most));
        plot.draw_y(&mut canvas.svg, figure.title);
        plot.draw_x(&mut canvas.svg, "time (s)");
        for (at, (_, points)) in curves.iter().enumerate() {
            let points: Vec<Option<(f64, f64)>> = points.iter().map(|[x, y]| Some((*x, *y))).collect();
            let (colour, dash) = (paper::series_colour(at), paper::series_dash(at));
            line::draw(&mut canvas.svg, &plot, &points, colour, 1.8, dash);
        }
    }
    Some(canvas.finish(8.0, "Base fees, dispersion of prices and backlogs of a fleet of rollups over time."))
}
