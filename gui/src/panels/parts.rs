//! Where the time went: for the last blocks, the way to the node that completes two thirds of the stake, cut
//! into its causes. The parts add up.

use super::inspector::mean_ns;
use super::{Cx, Panel, nothing};
use crate::export::Exportable;
use crate::format;
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align2, FontId, Painter, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::observe::plot::bars::{Piece, Row, stacked_rows};
use sim_core::observe::plot::canvas::{Canvas, LegendItem, Swatch};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::observe::record::{Breakdown, Part, Resource};
use sim_core::observe::verdict::by_resource;
use sim_core::simulation::snapshot::{BlockSummary, GroupDetail};
use std::sync::Arc;

/// The bars.
#[derive(Default)]
pub struct Parts;

/// In the order in which the parts happen.
pub const ORDER: [Part; Part::COUNT] = [
    Part::LeaderWait,
    Part::Build,
    Part::ForwardCheck,
    Part::Protocol,
    Part::QueueUp,
    Part::SerialisationUp,
    Part::Propagation,
    Part::QueueDown,
    Part::SerialisationDown,
    Part::CpuWait,
    Part::Execution,
    Part::VoteWait,
    Part::Aggregation,
    Part::Offline,
];

/// Space left of the bars.
const LABELS: f32 = 58.0;

/// Blocks whose time is known.
fn spent(session: &Session) -> Vec<&Arc<BlockSummary>> {
    session.snapshot().blocks.iter().filter(|b| b.spent.is_some()).collect()
}

/// Mean times of the brushed nodes and of the rest, for the shown block.
fn groups(session: &Session) -> Vec<(&'static str, Breakdown)> {
    let Some(groups) = session.snapshot().groups.as_deref() else { return Vec::new() };
    let mean = |group: &GroupDetail| {
        let mut mean = group.spent;
        mean.0.iter_mut().for_each(|ns| *ns /= u64::from(group.spent_nodes.max(1)));
        mean
    };
    let named = ["selected", "the rest"].into_iter().zip(groups);
    named.filter(|(_, group)| mean_ns(group) > 0).map(|(name, group)| (name, mean(group))).collect()
}

impl Panel for Parts {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let Some(verdict) = cx.session.verdict() else {
            nothing(ui, tokens, "Appears with the first block that two thirds of the stake have executed");
            return;
        };
        shares(ui, tokens, &verdict.spent);
        ui.add_space(2.0);
        let blocks = spent(cx.session);
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Where the time went, by block"));
        let painter = ui.painter_at(rect);
        let axis = 18.0;
        let groups = groups(cx.session);
        let bar = 22.0_f32.min((rect.height() - axis) / 4.0);
        let gap = 4.0;
        let head = (bar + gap) * (1 + groups.len()) as f32 + 6.0;
        let rows = (((rect.height() - axis - head) / (bar * 0.62 + gap)) as usize).clamp(1, 12);
        let rows = &blocks[blocks.len().saturating_sub(rows)..];
        let totals = rows.iter().filter_map(|b| b.spent).map(|s| s.total_ns());
        let totals = totals.chain(groups.iter().map(|(_, spent)| spent.total_ns()));
        let longest = totals.chain([verdict.spent.total_ns()]).max().unwrap_or(1);
        let step = nice_step(longest);
        let end = longest.div_ceil(step) * step;
        let x = |ns: u64| rect.left() + LABELS + ns as f32 / end as f32 * (rect.width() - LABELS - 12.0);
        // As many marks as have room for their words.
        let crowded = (46.0 / (x(step) - x(0)).max(1.0)).ceil().max(1.0) as u64;
        for tick in (0..=end).step_by((step * crowded) as usize) {
            let at = pos2(x(tick), rect.bottom() - axis);
            painter.vline(at.x, rect.top()..=at.y, Stroke::new(1.0, tokens.line));
            let text = if tick == 0 { "0".to_owned() } else { short(tick) };
            // The last one may stand at the edge.
            let (at, align) = match at.x + 16.0 > rect.right() {
                true => (pos2(rect.right(), at.y), Align2::RIGHT_TOP),
                false => (at, Align2::CENTER_TOP),
            };
            painter.text(at + vec2(0.0, 3.0), align, text, FontId::proportional(10.5), tokens.faint);
        }
        let pointer = response.hover_pos();
        let mut tip = None;
        let mut row = |top: f32, height: f32, label: &str, spent: &Breakdown, strong: bool| {
            let colour = if strong { tokens.ink } else { tokens.faint };
            let font = FontId::proportional(if strong { size::BODY } else { size::SMALL });
            let at = pos2(rect.left() + LABELS - 8.0, top + height / 2.0);
            painter.text(at, Align2::RIGHT_CENTER, label, font, colour);
            let hit = stack(&painter, tokens, spent, top, height, &x, pointer);
            tip = tip.or(hit);
        };
        row(rect.top() + 2.0, bar, "mean", &verdict.spent, true);
        for (at, (name, spent)) in groups.iter().enumerate() {
            row(rect.top() + 2.0 + (at + 1) as f32 * (bar + gap), bar, name, spent, true);
        }
        let mut top = rect.top() + head;
        let mut under = None;
        for block in rows.iter().rev() {
            if let Some(spent) = &block.spent {
                let chosen = cx.session.selection.block == Some(block.key);
                row(top, bar * 0.62, &format!("#{}", block.height), spent, chosen);
            }
            let line = Rect::from_x_y_ranges(rect.x_range(), top..=top + bar * 0.62 + gap);
            if pointer.is_some_and(|p| line.contains(p)) {
                under = Some(block.key);
            }
            if cx.session.selection.hovered_block == Some(block.key) {
                painter.rect_filled(line.expand2(vec2(0.0, 1.0)), 2, tokens.ink.gamma_multiply(0.06));
            }
            top += bar * 0.62 + gap;
        }
        if let Some(block) = under {
            cx.session.hover_block(block);
            if response.clicked() {
                cx.session.selection.choose_block(block);
            }
        }
        if let Some((part, ns, total)) = tip {
            response.on_hover_ui_at_pointer(|ui| {
                ui.strong(part.name());
                let share = format::percent(ns as f64 / total.max(1) as f64);
                ui.label(format!("{} · {share}", format::duration(ns)));
                ui.label(format!("resource: {}", part.resource().name()));
                ui.weak("click a row to look at its block");
            });
        }
    }
}

/// Draws one stacked bar; the part under the pointer.
pub fn stack(
    painter: &Painter,
    tokens: &Tokens,
    spent: &Breakdown,
    top: f32,
    height: f32,
    x: &impl Fn(u64) -> f32,
    pointer: Option<Pos2>,
) -> Option<(Part, u64, u64)> {
    let mut clock = 0;
    let mut hit = None;
    for part in ORDER {
        let ns = spent.get(part);
        if ns == 0 {
            continue;
        }
        let piece = Rect::from_min_max(pos2(x(clock), top), pos2(x(clock + ns), top + height));
        painter.rect_filled(piece, 0.0, tokens.part(part));
        if piece.width() > 2.0 {
            painter.rect_stroke(piece, 0.0, Stroke::new(0.8, tokens.panel), StrokeKind::Inside);
        }
        if pointer.is_some_and(|p| piece.expand2(vec2(0.5, 1.0)).contains(p)) {
            hit = Some((part, ns, spent.total_ns()));
            painter.rect_stroke(piece, 0.0, Stroke::new(1.4, tokens.ink), StrokeKind::Inside);
        }
        clock += ns;
    }
    hit
}

/// Resources with their shares: the legend.
fn shares(ui: &mut Ui, tokens: &Tokens, spent: &Breakdown) {
    let (sums, total) = (by_resource(spent), spent.total_ns().max(1));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for resource in Resource::ALL {
            let share = sums[resource as usize] as f64 / total as f64;
            if share < 0.005 {
                continue;
            }
            let text = format!("{} {}", resource.name(), format::percent(share));
            let galley = ui.painter().layout_no_wrap(text, FontId::proportional(size::SMALL), tokens.ink);
            // Mark and name wrap together.
            let (rect, _) = ui.allocate_exact_size(galley.size() + vec2(22.0, 2.0), Sense::hover());
            let mark = Rect::from_center_size(rect.left_center() + vec2(5.0, 0.0), vec2(10.0, 10.0));
            ui.painter().rect_filled(mark, 2, tokens.resource(resource));
            ui.painter().galley(rect.left_top() + vec2(15.0, 1.0), galley, tokens.ink);
        }
    });
}

impl Exportable for Parts {
    fn stem(&self) -> &'static str {
        "where-the-time-went"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let mean = session.verdict()?.spent;
        let names = ORDER.iter().map(|part| format!("{} (ms)", part.name()));
        let mut table =
            DataTable::new(["block".to_owned()].into_iter().chain(names).chain(["total (ms)".to_owned()]));
        let mut push = |name: String, spent: &Breakdown| {
            let parts = ORDER.iter().map(|part| Cell::Num(spent.get(*part) as f64 / 1e6));
            let total = Cell::Num(spent.total_ns() as f64 / 1e6);
            table.push([Cell::Text(name)].into_iter().chain(parts).chain([total]).collect());
        };
        push("mean of recent blocks".to_owned(), &mean);
        groups(session).iter().for_each(|(name, spent)| push((*name).to_owned(), spent));
        for block in spent(session).into_iter().rev() {
            if let Some(spent) = &block.spent {
                push(format!("#{}", block.height), spent);
            }
        }
        Some(table)
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let mean = session.verdict()?.spent;
        let blocks = spent(session);
        let newest = blocks.iter().rev().take(12).filter_map(|b| Some((format!("#{}", b.height), b.spent?)));
        let mut rows = vec![("mean of recent blocks".to_owned(), mean)];
        rows.extend(groups(session).into_iter().map(|(name, spent)| (name.to_owned(), spent)));
        rows.extend(newest);
        let mut canvas = Canvas::new(
            "Where the time went",
            "From the start of the slot until two thirds of the stake have executed the block, by cause",
        );
        draw_bars(&mut canvas, &rows, Some(1), "time since the start of the slot (ms)");
        Some(canvas.finish(8.0, "Stacked bars of time by cause, a block each."))
    }
}

/// Times by part as stacked bars on white ground, with a legend of the parts there are; some space before row `apart`.
pub fn draw_bars(canvas: &mut Canvas, rows: &[(String, Breakdown)], apart: Option<usize>, axis: &str) {
    let used = |part: &Part| rows.iter().any(|(_, spent)| spent.get(*part) > 0);
    let parts: Vec<Part> = ORDER.into_iter().filter(used).collect();
    let legend = |p: &Part| LegendItem::new(p.name(), paper::part_colour(*p), Swatch::Square);
    canvas.legend(&parts.iter().map(legend).collect::<Vec<_>>());
    let bar = |(at, (name, spent)): (usize, &(String, Breakdown))| Row {
        label: name.clone(),
        pieces: parts
            .iter()
            .map(|part| Piece {
                value: spent.get(*part) as f64 / 1e6,
                colour: paper::part_colour(*part),
                tip: format!("{}: {}", part.name(), format::duration(spent.get(*part))),
            })
            .collect(),
        end: format::duration(spent.total_ns()),
        group_start: apart == Some(at),
    };
    let bars: Vec<Row> = rows.iter().enumerate().map(bar).collect();
    stacked_rows(canvas, &bars, axis);
}

/// A round number of ns that cuts `longest` into three to seven pieces.
pub fn nice_step(longest: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            if longest / (step * factor) < 6 {
                return step * factor;
            }
        }
        step *= 10;
    }
}

/// A round duration: `250 ms`.
pub fn short(ns: u64) -> String {
    match ns {
        n if n >= 1_000_000_000 && n % 1_000_000_000 == 0 => format!("{} s", n / 1_000_000_000),
        n if n >= 1_000_000_000 => format!("{:.1} s", n as f64 / 1e9),
        n if n >= 1_000_000 => format!("{} ms", n / 1_000_000),
        n => format!("{} µs", n / 1_000),
    }
}
