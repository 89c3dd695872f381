//! Wires or EVM: for every block, how long the network takes against how long execution takes. On the
//! diagonal both take the same; above it a faster EVM helps, below it only better wires do.

mod figure;

use super::{Cx, Panel, nothing};
use crate::change::Levels;
use crate::format;
use crate::session::forecast::forecast;
use crate::session::{Selection, Session};
use crate::theme::{Tokens, sequential, size};
use eframe::egui::{Align2, Color32, RichText, Stroke, Ui};
use egui_plot::{
    GridInput, GridMark, HoverPosition, Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotUi, Points,
    Polygon, Text,
};
use sim_core::observe::record::{Part, Resource};
use sim_core::simulation::snapshot::{BlockKey, BlockSummary, GroupDetail};
use std::sync::Arc;

/// The chart.
#[derive(Default)]
pub struct Crossover;

/// Newest blocks that are drawn.
const BLOCKS_MAX: usize = 400;

/// One block's place.
pub struct Dot {
    key: BlockKey,
    /// Publication to arrival at 95 % of the nodes, ms.
    network_ms: f64,
    /// Execution at the median node, ms.
    execution_ms: f64,
    /// From 0, old, to 1, new.
    age: f32,
}

impl Panel for Crossover {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let dots = dots(&cx.session.snapshot().blocks);
        ui.horizontal(|ui| {
            ui.label(RichText::new(headline(&dots)).color(tokens.ink));
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                for (over_time, name) in [(true, "over time"), (false, "crossover")] {
                    let name = RichText::new(name).size(size::SMALL);
                    ui.selectable_value(&mut cx.settings.over_time, over_time, name);
                }
            });
        });
        if dots.is_empty() {
            nothing(ui, tokens, "Appears with the first block that has reached 95 % of the nodes");
            return;
        }
        let under = if cx.settings.over_time {
            over_time(ui, tokens, &dots, cx);
            None
        } else {
            let (groups, ghost) = (groups(cx.session), ghost(cx.session, &dots));
            against(ui, tokens, &dots, &cx.session.selection, ghost, &groups)
        };
        if let Some((key, clicked)) = under {
            cx.session.hover_block(key);
            if clicked {
                cx.session.selection.choose_block(key);
            }
        }
    }
}

/// What the newest block says.
fn headline(dots: &[Dot]) -> String {
    let Some(newest) = dots.last() else { return String::new() };
    let ratio = newest.network_ms / newest.execution_ms.max(1e-6);
    if ratio >= 1.0 {
        format!("Wires take {}x as long", format::three_digits(ratio))
    } else {
        format!("Execution takes {}x as long", format::three_digits(1.0 / ratio))
    }
}

/// Where the shown block stands for the brushed nodes and for the rest: name and place.
fn groups(session: &Session) -> Vec<(&'static str, [f64; 2])> {
    let (Some(groups), Some(block)) = (session.snapshot().groups.as_deref(), session.block()) else {
        return Vec::new();
    };
    let published = block.published_ns.saturating_sub(block.slot_start_ns);
    let place = |group: &GroupDetail| {
        let network = group.arrived_ns[2]?.saturating_sub(published).max(1);
        let own = group.spent.get(Part::Execution) / u64::from(group.spent_nodes.max(1));
        let execution = if own > 0 { own } else { block.execution_ns };
        (execution > 0).then(|| [network, execution].map(|ns| (ns as f64 / 1e6).log10()))
    };
    ["selected", "the rest"].into_iter().zip(groups).filter_map(|(name, g)| Some((name, place(g)?))).collect()
}

/// Where the newest block would be if the knob that is being turned were let go.
fn ghost(session: &Session, dots: &[Dot]) -> Option<[f64; 2]> {
    let (change, plan, last) = (session.draft.as_ref()?, session.plan()?, dots.last()?);
    let levels = Levels::at(plan, &session.frame.interventions, session.snapshot().now_ns);
    let found = forecast(change, &levels, &session.verdict()?.spent)?;
    Some([(last.network_ms * found.network).log10(), (last.execution_ms * found.execution).log10()])
}

/// The blocks whose times are known, oldest first.
pub fn dots(blocks: &[Arc<BlockSummary>]) -> Vec<Dot> {
    let known = |b: &&Arc<BlockSummary>| b.network_ns[2].is_some() && b.execution_ns > 0;
    let known: Vec<&Arc<BlockSummary>> = blocks.iter().filter(known).collect();
    let shown = &known[known.len().saturating_sub(BLOCKS_MAX)..];
    let last = shown.len().saturating_sub(1).max(1) as f32;
    let dot = |(index, b): (usize, &&Arc<BlockSummary>)| Dot {
        key: b.key,
        network_ms: b.network_ns[2].unwrap_or(0).max(1) as f64 / 1e6,
        execution_ms: b.execution_ns as f64 / 1e6,
        age: index as f32 / last,
    };
    shown.iter().enumerate().map(dot).collect()
}

/// Both axes logarithmic: the coordinates are logarithms of ms. The block under the pointer, and whether it is
/// clicked.
fn against(
    ui: &mut Ui,
    tokens: &'static Tokens,
    dots: &[Dot],
    selection: &Selection,
    ghost: Option<[f64; 2]>,
    groups: &[(&'static str, [f64; 2])],
) -> Option<(BlockKey, bool)> {
    let chosen = selection.hovered_block.or(selection.block);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for v in groups.iter().map(|(_, at)| *at).chain(ghost).flatten() {
        (low, high) = (low.min(v), high.max(v));
    }
    for d in dots {
        for v in [d.network_ms.log10(), d.execution_ms.log10()] {
            (low, high) = (low.min(v), high.max(v));
        }
    }
    // Half decades around everything, so that the frame does not jump with every block.
    let low = ((low - 0.15) * 2.0).floor() / 2.0;
    let high = (((high + 0.15) * 2.0).ceil() / 2.0).max(low + 1.0);
    let plot = Plot::new("crossover")
        .show_grid(true)
        .grid_color(tokens.line)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .x_grid_spacer(decades)
        .y_grid_spacer(|input| decades(input).split_off(1))
        .x_axis_formatter(|mark, _| ms_label(mark))
        .y_axis_formatter(|mark, _| ms_label(mark))
        .x_axis_label(axis_name("network: publication to 95 % of the nodes", tokens))
        .y_axis_label(axis_name("execution at the median node", tokens))
        .label_formatter(|at| {
            let HoverPosition::NearDataPoint { plot_name, position, .. } = at else { return None };
            let both = [position.x, position.y].map(|v| format::duration((10f64.powf(v) * 1e6) as u64));
            Some(format!("{plot_name}\nnetwork {}\nexecution {}", both[0], both[1]))
        });
    let shown = plot.show(ui, |plot| {
        plot.set_plot_bounds_x(low..=high);
        plot.set_plot_bounds_y(low..=high);
        let half = |name: &str, points: Vec<[f64; 2]>, colour: Color32| {
            let fill = colour.gamma_multiply(if tokens.is_dark() { 0.10 } else { 0.08 });
            Polygon::new(name.to_owned(), points).fill_color(fill).stroke(Stroke::NONE).allow_hover(false)
        };
        let (wires, evm) = (tokens.resource(Resource::Uplink), tokens.resource(Resource::Execution));
        let (a, b) = (low - 1.0, high + 1.0);
        plot.polygon(half("wires", vec![[a, a], [b, a], [b, b]], wires));
        plot.polygon(half("execution", vec![[a, a], [b, b], [a, b]], evm));
        let ridge =
            Line::new("both the same", vec![[a, a], [b, b]]).color(tokens.ink).width(1.4).allow_hover(false);
        plot.line(ridge);
        let inset = (high - low) * 0.03;
        let text = |resource| tokens.resource_text(resource);
        let right = [high - inset, low + inset];
        let wires = ("wires bind", "a faster EVM does not help", text(Resource::Uplink));
        corner(plot, right, wires, Align2::RIGHT_BOTTOM);
        let left = [low + inset, high - inset];
        let evm = ("execution binds", "a faster EVM helps", text(Resource::Execution));
        corner(plot, left, evm, Align2::LEFT_TOP);
        let way: Vec<[f64; 2]> = dots.iter().map(place).collect();
        let trail =
            Line::new("way", way).color(tokens.faint.gamma_multiply(0.45)).width(1.0).allow_hover(false);
        plot.line(trail);
        for d in dots {
            let new = d.age >= 1.0 || dots.len() == 1;
            let colour = if tokens.is_dark() {
                sequential(0.25 + 0.75 * d.age)
            } else {
                sequential(0.85 * (1.0 - d.age))
            };
            if new || chosen == Some(d.key) {
                let ring = Points::new("ring", vec![place(d)]).radius(8.0).filled(false).color(tokens.ink);
                plot.points(ring.allow_hover(false));
            }
            let name = format!("slot {}", d.key.slot);
            plot.points(Points::new(name, vec![place(d)]).radius(if new { 5.0 } else { 3.2 }).color(colour));
        }
        if let (Some(at), Some(last)) = (ghost, dots.last()) {
            let way = Line::new("estimate", vec![place(last), at]).color(tokens.warning).width(1.5);
            plot.line(way.style(LineStyle::dashed_dense()).allow_hover(false));
            let ring = Points::new("estimate", vec![at]).radius(7.0).filled(false).color(tokens.warning);
            plot.points(ring.allow_hover(false));
            let text = RichText::new("estimate").size(size::SMALL).color(tokens.warning);
            let label = Text::new("", PlotPoint::new(at[0], at[1] - (high - low) * 0.05), text);
            plot.text(label.allow_hover(false));
        }
        for (name, at) in groups {
            let mark = Points::new(*name, vec![*at]).radius(5.5).color(tokens.accent);
            plot.points(mark.shape(egui_plot::MarkerShape::Diamond).filled(*name == "selected"));
            let text = RichText::new(*name).size(size::SMALL).color(tokens.accent);
            let label = Text::new("", PlotPoint::new(at[0], at[1] + (high - low) * 0.05), text);
            plot.text(label.allow_hover(false));
        }
        let pointer = plot.response().hover_pos()?;
        let distance = |d: &Dot| {
            let [x, y] = place(d);
            plot.screen_from_plot(PlotPoint::new(x, y)).distance(pointer)
        };
        let nearest = dots.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        (distance(nearest) < 10.0).then_some(nearest.key)
    });
    shown.inner.map(|key| (key, shown.response.clicked()))
}

/// Where a block lies: logarithms of ms.
pub fn place(dot: &Dot) -> [f64; 2] {
    [dot.network_ms.log10(), dot.execution_ms.log10()]
}

/// Which side of the diagonal it is, and what follows.
fn corner(
    plot: &mut PlotUi<'_>,
    at: [f64; 2],
    (what, follows, colour): (&str, &str, Color32),
    anchor: Align2,
) {
    let text = RichText::new(format!("{what}\n{follows}")).size(12.5).color(colour);
    plot.text(Text::new("", PlotPoint::new(at[0], at[1]), text).anchor(anchor).allow_hover(false));
}

/// Both over the slots, so that one sees what an intervention did.
fn over_time(ui: &mut Ui, tokens: &'static Tokens, dots: &[Dot], cx: &Cx<'_>) {
    let slot_ns = cx.session.opened.as_ref().map_or(1, |o| o.slot_ns).max(1);
    let interventions: Vec<f64> =
        cx.session.frame.interventions.iter().map(|i| i.at_ns as f64 / slot_ns as f64).collect();
    let highest = dots.iter().map(|d| d.network_ms.max(d.execution_ms)).fold(1.0, f64::max);
    let (first, last) = (f64::from(dots[0].key.slot), f64::from(dots[dots.len() - 1].key.slot));
    let plot = Plot::new("crossover over time")
        .grid_color(tokens.line)
        .allow_scroll(false)
        .legend(egui_plot::Legend::default())
        .x_axis_label(axis_name("slot", tokens))
        .y_axis_label(axis_name("ms", tokens))
        .include_y(0.0)
        .include_y(highest * 1.1)
        .include_x(first)
        .include_x(last.max(first + 5.0));
    plot.show(ui, |plot| {
        for at in interventions {
            let line = egui_plot::VLine::new("intervention", at)
                .color(tokens.warning)
                .style(LineStyle::dashed_loose());
            plot.vline(line);
        }
        let series = |name: &str, value: fn(&Dot) -> f64, colour: Color32| {
            let points: PlotPoints<'_> = dots.iter().map(|d| [f64::from(d.key.slot), value(d)]).collect();
            Line::new(name.to_owned(), points).color(colour).width(2.0)
        };
        plot.line(series("network to 95 %", |d| d.network_ms, tokens.resource(Resource::Uplink)));
        plot.line(series("execution", |d| d.execution_ms, tokens.resource(Resource::Execution)));
    });
}

fn axis_name(text: &str, tokens: &Tokens) -> RichText {
    RichText::new(text).size(size::SMALL).color(tokens.faint)
}

/// Grid lines at 1, 2 and 5 times the powers of ten.
pub fn decades(input: GridInput) -> Vec<GridMark> {
    let (low, high) = (input.bounds.0.floor() as i32, input.bounds.1.ceil() as i32);
    let mark = |exponent: i32, factor: f64| {
        let step_size = if factor == 1.0 { 1.0 } else { 0.3 };
        GridMark { value: f64::from(exponent) + factor.log10(), step_size }
    };
    let inside = |m: &GridMark| {
        let edge = (input.bounds.1 - input.bounds.0) * 0.02;
        m.value >= input.bounds.0 - 1e-9 && m.value <= input.bounds.1 - edge
    };
    (low..=high).flat_map(|e| [1.0, 2.0, 5.0].map(|f| mark(e, f))).filter(inside).collect()
}

/// Label of a logarithm of ms.
pub fn ms_label(mark: GridMark) -> String {
    let ms = 10f64.powf(mark.value);
    if ms >= 999.0 {
        format!("{:.0} s", ms / 1e3)
    } else if ms >= 0.99 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.0} µs", ms * 1e3)
    }
}
