//! Plots of the compared runs laid over each other, each in its colour.

pub mod figure;

use super::crossover::{decades, dots, ms_label, place};
use super::parts::{nice_step, short, stack};
use super::users::{quarters, seconds};
use super::{Cx, Panel, nothing};
use crate::session::Session;
use crate::session::verdict::verdict;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align2, FontId, Rect, RichText, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use egui_plot::{GridMark, Line, LineStyle, MarkerShape, Plot, Points};
use sim_core::observe::record::Breakdown;
use sim_core::simulation::snapshot::{BlockSummary, Histogram, Snapshot};

/// The plots.
#[derive(Default)]
pub struct Overlay;

/// Newest blocks of a run in the crossover chart.
const BLOCKS_MAX: usize = 60;
/// Blocks over which throughput is averaged.
const WINDOW: usize = 5;

/// What is drawn of a run.
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Which of the runs it is: gives its colour, dash and mark.
    pub lane: usize,
    /// Logarithms of ms, by block: publication to 95 % of the nodes, execution at the median node.
    pub crossover: Vec<[f64; 2]>,
    /// Waits of users until final: s, and % who waited no longer.
    pub waits: Vec<[f64; 2]>,
    /// Gas by slot.
    pub gas: Vec<[f64; 2]>,
    /// Where the time went.
    pub spent: Option<Breakdown>,
}

impl Panel for Overlay {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let curves = curves(cx.session);
        if curves.is_empty() {
            nothing(ui, cx.tokens, "Appears with a comparison");
            return;
        }
        plots(ui, cx.tokens, &curves, ["two thirds of the stake: mean time", "gas by slot, Mgas/s"]);
    }
}

/// Draws one plot of the curves.
type Draws = fn(&mut Ui, &'static Tokens, &[Curve]);

/// All plots, with a legend, in all of `ui`; the names of those whose meaning depends on where they come from.
pub fn plots(ui: &mut Ui, tokens: &'static Tokens, curves: &[Curve], [time, gas]: [&str; 2]) {
    legend(ui, tokens, curves);
    let area = ui.available_rect_before_wrap();
    let columns = if area.width() > area.height() * 1.8 { 4 } else { 2 };
    let (wide, high) = (area.width() / columns as f32, area.height() / (4 / columns) as f32);
    let all: [(&str, Draws); 4] = [
        ("network against execution", crossover),
        ("users who waited no longer until final", waits),
        (gas, throughput),
        (time, bars),
    ];
    for (index, (name, draw)) in all.into_iter().enumerate() {
        let at = vec2((index % columns) as f32 * wide, (index / columns) as f32 * high);
        let cell = Rect::from_min_size(area.min + at, vec2(wide, high)).shrink2(vec2(4.0, 2.0));
        ui.scope_builder(UiBuilder::new().max_rect(cell).id_salt(("overlay", index)), |ui| {
            ui.label(RichText::new(name).size(size::SMALL).color(tokens.faint));
            draw(ui, tokens, curves);
        });
    }
}

/// The compared runs as they are now.
fn curves(session: &Session) -> Vec<Curve> {
    let Some(comparison) = session.comparison.as_ref().filter(|_| session.is_ready()) else {
        return Vec::new();
    };
    let curve = |(lane, l): (usize, &crate::compare::Lane)| {
        let snapshot = session.snapshot_of(lane);
        let all = dots(&snapshot.blocks);
        let newest = &all[all.len().saturating_sub(BLOCKS_MAX)..];
        Curve {
            name: l.name.clone(),
            lane,
            crossover: newest.iter().map(place).collect(),
            waits: cumulative(snapshot),
            gas: mean_gas(snapshot.blocks.iter().map(|b| &**b), l.slot_ns),
            spent: verdict(snapshot).map(|v| v.spent),
        }
    };
    comparison.lanes.iter().enumerate().map(curve).collect()
}

fn cumulative(snapshot: &Snapshot) -> Vec<[f64; 2]> {
    let mut all = Histogram::default();
    snapshot.confirmation.finalised.iter().for_each(|h| all.merge(h));
    all.cumulative().map(|(ns, share)| [ns as f64 / 1e9, share * 100.0]).collect()
}

/// Not by colour alone: every run has a dash of its own.
pub fn style(lane: usize) -> LineStyle {
    match lane {
        0 => LineStyle::Solid,
        n if n % 3 == 1 => LineStyle::Dashed { length: 9.0 },
        n if n % 3 == 2 => LineStyle::Dotted { spacing: 5.0 },
        _ => LineStyle::Dashed { length: 4.0 },
    }
}

/// Marks of the runs in scatter plots.
fn marker(lane: usize) -> MarkerShape {
    const SHAPES: [MarkerShape; 7] = [
        MarkerShape::Circle,
        MarkerShape::Diamond,
        MarkerShape::Square,
        MarkerShape::Up,
        MarkerShape::Down,
        MarkerShape::Left,
        MarkerShape::Right,
    ];
    SHAPES[lane % SHAPES.len()]
}

fn legend(ui: &mut Ui, tokens: &Tokens, curves: &[Curve]) {
    ui.horizontal_wrapped(|ui| {
        for run in curves {
            let font = FontId::proportional(size::SMALL);
            let galley = ui.painter().layout_no_wrap(run.name.clone(), font, tokens.ink);
            let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(24.0, 2.0), Sense::hover());
            response
                .widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Colour of {}", run.name)));
            let mark = Rect::from_center_size(rect.left_center() + vec2(6.0, 0.0), vec2(12.0, 4.0));
            ui.painter().rect_filled(mark, 1, tokens.lane(run.lane));
            ui.painter().galley(rect.left_top() + vec2(16.0, 1.0), galley, tokens.ink);
        }
    });
}

fn still(name: &'static str, tokens: &Tokens) -> Plot<'static> {
    Plot::new(name)
        .grid_color(tokens.line)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
}

fn crossover(ui: &mut Ui, tokens: &'static Tokens, curves: &[Curve]) {
    let values = || curves.iter().flat_map(|c| &c.crossover).flatten();
    let (low, high) = values().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    if low > high {
        return;
    }
    let (low, high) = (((low - 0.1) * 2.0).floor() / 2.0, ((high + 0.1) * 2.0).ceil() / 2.0);
    let plot = still("overlaid crossover", tokens)
        .x_grid_spacer(decades)
        .y_grid_spacer(|input| decades(input).split_off(1))
        .x_axis_formatter(|mark, _| ms_label(mark))
        .y_axis_formatter(|mark, _| ms_label(mark));
    plot.show(ui, |plot| {
        plot.set_plot_bounds_x(low..=high);
        plot.set_plot_bounds_y(low..=high);
        let ridge = Line::new("both the same", vec![[low, low], [high, high]]).color(tokens.faint).width(1.0);
        plot.line(ridge.allow_hover(false));
        for run in curves.iter().filter(|run| !run.crossover.is_empty()) {
            let colour = tokens.lane(run.lane);
            let mark = Points::new(run.name.clone(), run.crossover.clone()).shape(marker(run.lane));
            plot.points(mark.radius(2.6).color(colour.gamma_multiply(0.55)));
            let count = run.crossover.len() as f64;
            let add = |m: [f64; 2], p: &[f64; 2]| [m[0] + p[0] / count, m[1] + p[1] / count];
            let mean = run.crossover.iter().fold([0.0; 2], add);
            let mark = Points::new(format!("{}, mean", run.name), vec![mean]).shape(marker(run.lane));
            plot.points(mark.radius(6.5).color(colour));
        }
    });
}

fn waits(ui: &mut Ui, tokens: &'static Tokens, curves: &[Curve]) {
    let plot = still("overlaid waits", tokens)
        .include_x(0.0)
        .include_y(0.0)
        .include_y(100.0)
        .x_grid_spacer(quarters)
        .x_axis_formatter(|mark: GridMark, _: &_| seconds(mark))
        .y_axis_formatter(|mark: GridMark, _: &_| format!("{:.0} %", mark.value));
    plot.show(ui, |plot| {
        for run in curves {
            let line = Line::new(run.name.clone(), run.waits.clone()).color(tokens.lane(run.lane));
            plot.line(line.width(1.8).style(style(run.lane)));
        }
    });
}

fn throughput(ui: &mut Ui, tokens: &'static Tokens, curves: &[Curve]) {
    still("overlaid throughput", tokens).include_y(0.0).show(ui, |plot| {
        for run in curves {
            let line = Line::new(run.name.clone(), run.gas.clone()).color(tokens.lane(run.lane));
            plot.line(line.width(1.8).style(style(run.lane)));
        }
    });
}

/// Gas a second over the last blocks, by slot.
fn mean_gas<'a>(blocks: impl Iterator<Item = &'a BlockSummary>, slot_ns: u64) -> Vec<[f64; 2]> {
    let known: Vec<(f64, f64)> = blocks
        .filter(|b| b.published_ns > 0)
        .map(|b| (f64::from(b.key.slot), b.gas_used as f64 / 1e6))
        .collect();
    let seconds = slot_ns.max(1) as f64 / 1e9;
    let mean = |end: usize| {
        let window = &known[end.saturating_sub(WINDOW - 1)..=end];
        let slots = window[window.len() - 1].0 - window[0].0 + 1.0;
        [known[end].0, window.iter().map(|(_, gas)| gas).sum::<f64>() / (slots * seconds)]
    };
    (0..known.len()).map(mean).collect()
}

/// One stacked bar a run.
fn bars(ui: &mut Ui, tokens: &'static Tokens, curves: &[Curve]) {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Where the time went, by run"));
    let painter = ui.painter_at(rect);
    let longest = curves.iter().filter_map(|c| c.spent).map(|s| s.total_ns()).max().unwrap_or(1).max(1);
    let step = nice_step(longest);
    let end = longest.div_ceil(step) * step;
    let x = |ns: u64| rect.left() + 12.0 + ns as f32 / end as f32 * (rect.width() - 30.0);
    let axis = 16.0;
    for tick in (0..=end).step_by(step as usize) {
        let at = pos2(x(tick), rect.bottom() - axis);
        painter.vline(at.x, rect.top()..=at.y, Stroke::new(1.0, tokens.line));
        let text = if tick == 0 { "0".to_owned() } else { short(tick) };
        painter.text(at + vec2(0.0, 2.0), Align2::CENTER_TOP, text, FontId::proportional(10.0), tokens.faint);
    }
    let high = (rect.height() - axis) / curves.len().max(1) as f32;
    let bar = (high - 15.0).clamp(4.0, 22.0);
    let mut hit = None;
    for (index, run) in curves.iter().enumerate() {
        let top = rect.top() + index as f32 * high;
        let mark = Rect::from_min_size(pos2(rect.left(), top + 13.0), vec2(5.0, bar));
        painter.rect_filled(mark, 1, tokens.lane(run.lane));
        let at = pos2(x(0), top + 12.0);
        painter.text(at, Align2::LEFT_BOTTOM, &run.name, FontId::proportional(10.0), tokens.ink);
        if let Some(spent) = run.spent {
            hit = hit.or(stack(&painter, tokens, &spent, top + 13.0, bar, &x, response.hover_pos()));
        }
    }
    if let Some((part, ns, total)) = hit {
        response.on_hover_ui_at_pointer(|ui| {
            ui.strong(part.name());
            let share = crate::format::percent(ns as f64 / total.max(1) as f64);
            ui.label(format!("{} · {share}", crate::format::duration(ns)));
        });
    }
}

impl crate::export::Exportable for Overlay {
    fn stem(&self) -> &'static str {
        "laid-over-each-other"
    }

    fn numbers(&self, session: &Session) -> Option<sim_core::observe::plot::table::DataTable> {
        figure::numbers(&curves(session), "Mgas/s")
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        figure::drawing(&curves(session), "Mgas/s")
    }
}
