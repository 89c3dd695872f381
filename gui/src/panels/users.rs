//! What users get: how long a transaction waits until it is included and final.

use super::{Cx, Panel};
use crate::export::Exportable;
use crate::format;
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::{Color32, RichText, Ui};
use egui_plot::{GridInput, GridMark, HoverPosition, Line, LineStyle, Plot};
use sim_core::observe::plot::canvas::{Canvas, LegendItem, Panel as SvgPlot, Swatch};
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::{line, theme as paper};
use sim_core::observe::record::Resource;
use sim_core::simulation::snapshot::{BlockSummary, Histogram};
use std::collections::BTreeSet;

/// The figures and the plot.
#[derive(Default)]
pub struct Users;

impl Panel for Users {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let all = curves(cx.session).into_iter().next();
        let at = |pick: fn(&Waits) -> &Histogram, permille| {
            format::maybe(all.as_ref().and_then(|w| pick(w).percentile(permille)))
        };
        ui.columns(2, |columns| {
            figure(&mut columns[0], tokens, "included, median", &at(|w| &w.included, 500));
            figure(&mut columns[1], tokens, "final, 95 %", &at(|w| &w.finalised, 950));
        });
        ui.add_space(4.0);
        waits(ui, tokens, cx.session);
    }
}

/// How long some users waited.
struct Waits {
    /// Who; empty: all.
    who: &'static str,
    included: Histogram,
    finalised: Histogram,
}

impl Waits {
    fn of(who: &'static str, session: &Session, region: impl Fn(usize) -> bool) -> Self {
        let confirmation = &session.snapshot().confirmation;
        let sum = |parts: &[Histogram]| {
            let mut sum = Histogram::default();
            parts.iter().enumerate().filter(|(r, _)| region(*r)).for_each(|(_, h)| sum.merge(h));
            sum
        };
        Self { who, included: sum(&confirmation.included), finalised: sum(&confirmation.finalised) }
    }
}

/// All users; and where nodes are brushed, the users of their regions and the rest.
fn curves(session: &Session) -> Vec<Waits> {
    let mut curves = vec![Waits::of("", session, |_| true)];
    if let Some(placement) = session.placement().filter(|_| !session.selection.nodes.is_empty()) {
        let nodes = session.selection.nodes.iter();
        let regions: BTreeSet<usize> =
            nodes.filter_map(|n| placement.regions.get(*n as usize)).map(|r| usize::from(*r)).collect();
        curves.push(Waits::of(", selected regions", session, |r| regions.contains(&r)));
        curves.push(Waits::of(", the rest", session, |r| !regions.contains(&r)));
    }
    curves.retain(|c| c.included.total() > 0);
    curves
}

/// A number with what it is.
pub fn figure(ui: &mut Ui, tokens: &Tokens, label: &str, value: &str) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.label(RichText::new(label).size(size::SMALL).color(tokens.faint));
        ui.add(eframe::egui::Label::new(RichText::new(value).size(16.0).color(tokens.ink)).truncate());
    });
}

/// How many users have waited no longer than that.
fn waits(ui: &mut Ui, tokens: &Tokens, session: &Session) {
    let curves = curves(session);
    let Some(all) = curves.first() else {
        let text = "Users' waits appear with the first final block that holds their transactions";
        super::nothing(ui, tokens, text);
        return;
    };
    let count = format::count(all.included.total());
    let mut text = format!("users who waited no longer · {count} transactions");
    let final_but_open = |b: &&std::sync::Arc<BlockSummary>| !b.closed && b.final_ns[2].is_some();
    let open = session.snapshot().blocks.iter().filter(final_but_open).count();
    // One or two are on their way; more wait for a node that is down.
    if open > 2 {
        text += &format!(" · {open} newer blocks not counted yet: not every node has them");
    }
    ui.label(RichText::new(text).size(10.5).color(tokens.faint));
    // Those of a selection stand out from all.
    let shown = if curves.len() > 1 { &curves[1..] } else { &curves[..] };
    // One straggler must not squeeze the curves into a corner.
    let end = shown.iter().filter_map(|w| w.finalised.percentile(990).or(w.included.percentile(990))).max();
    let end_s = end.unwrap_or(1_000_000_000) as f64 / 1e9 * 1.15;
    let plot = Plot::new("waits")
        .grid_color(tokens.line)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .legend(egui_plot::Legend::default().position(egui_plot::Corner::RightBottom))
        .include_x(0.0)
        .include_y(0.0)
        .include_y(100.0)
        .x_grid_spacer(quarters)
        .x_axis_formatter(|mark: GridMark, _: &_| seconds(mark))
        .y_axis_formatter(|mark: GridMark, _: &_| format!("{:.0} %", mark.value))
        .label_formatter(|at| {
            let HoverPosition::NearDataPoint { plot_name, position, .. } = at else { return None };
            Some(format!("{plot_name}: {:.0} % within {} s", position.y, format::three_digits(position.x)))
        });
    plot.show(ui, |plot| {
        plot.set_plot_bounds_x(0.0..=end_s);
        plot.set_plot_bounds_y(0.0..=104.0);
        for (at, waits) in shown.iter().enumerate() {
            let style = if at == 0 { LineStyle::Solid } else { LineStyle::dashed_dense() };
            let curve = |name: &str, histogram: &Histogram, colour: Color32| {
                let points: Vec<[f64; 2]> = points(histogram).collect();
                Line::new(format!("{name}{}", waits.who), points).color(colour).width(2.0).style(style)
            };
            plot.line(curve("included", &waits.included, tokens.executed));
            plot.line(curve("final", &waits.finalised, tokens.voted));
        }
    });
}

/// Marks that divide an axis into four to eight steps; all equally strong, however close.
pub fn quarters(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let rough = (high - low).max(1e-9) / 5.0;
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|f| f * decade).into_iter().find(|s| *s >= rough).unwrap_or(rough);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|n| GridMark { value: n as f64 * step, step_size: high - low }).collect()
}

/// Its label as time; none at zero, where that of the other axis stands.
pub fn seconds(mark: GridMark) -> String {
    if mark.value == 0.0 { String::new() } else { format!("{} s", (mark.value * 1e3).round() / 1e3) }
}

/// A distribution as seconds and percents.
fn points(histogram: &Histogram) -> impl Iterator<Item = [f64; 2]> + '_ {
    histogram.cumulative().map(|(ns, share)| [ns as f64 / 1e9, share * 100.0])
}

impl Exportable for Users {
    fn stem(&self) -> &'static str {
        "confirmation"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let curves = curves(session);
        curves.first()?;
        let names =
            curves.iter().flat_map(|w| ["included", "final"].map(|what| format!("{what}{} (s)", w.who)));
        let mut table = DataTable::new(["users (%)".to_owned()].into_iter().chain(names));
        for percent in [1, 5, 10, 25, 50, 75, 90, 95, 99, 100] {
            let at = |h: &Histogram| Cell::maybe(h.percentile(percent * 10).map(|ns| ns as f64 / 1e9));
            let values = curves.iter().flat_map(|w| [at(&w.included), at(&w.finalised)]);
            table.push([Cell::Int(percent.into())].into_iter().chain(values).collect());
        }
        Some(table)
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let curves = curves(session);
        let all = curves.first()?;
        let count = format::count(all.included.total());
        let mut canvas = Canvas::new(
            "How long users wait",
            &format!("Share of {count} transactions included (blue) and final (green) within a time"),
        );
        let colours = [paper::resource_colour(Resource::Uplink), paper::resource_colour(Resource::Latency)];
        let legend = curves.iter().enumerate().flat_map(|(at, waits)| {
            let names = ["included", "final"].map(|what| format!("{what}{}", waits.who));
            let swatch = Swatch::Line(DASHES[at % DASHES.len()]);
            names.into_iter().zip(colours).map(move |(name, colour)| LegendItem::new(name, colour, swatch))
        });
        canvas.legend(&legend.collect::<Vec<_>>());
        let end = all.finalised.percentile(1000).or(all.included.percentile(1000))? as f64 / 1e9;
        let y = Scale::Linear { low: 0.0, high: 100.0 };
        let plot = SvgPlot::below(&mut canvas, 320.0, Scale::from_zero(end), y);
        plot.draw_y(&mut canvas.svg, "users (%)");
        plot.draw_x(&mut canvas.svg, "time since the transaction was handed in (s)");
        for (at, waits) in curves.iter().enumerate() {
            for (histogram, colour) in [&waits.included, &waits.finalised].into_iter().zip(colours) {
                let line: Vec<Option<(f64, f64)>> = points(histogram).map(|[x, y]| Some((x, y))).collect();
                line::draw(&mut canvas.svg, &plot, &line, colour, 2.0, DASHES[at % DASHES.len()]);
            }
        }
        Some(canvas.finish(8.0, "Cumulative distributions of the time until inclusion and finality."))
    }
}

/// All, the selected, the rest.
const DASHES: [&str; 3] = ["", "7 3", "2 3"];
