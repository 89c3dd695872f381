//! Where the time went: for the last blocks, the way to the node that completes two thirds of the stake, cut
//! into its causes. The parts add up.

use super::{Cx, Panel, nothing};
use crate::format;
use crate::session::verdict::verdict;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align2, FontId, Painter, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::observe::record::{Breakdown, Part, Resource};
use sim_core::observe::verdict::by_resource;
use sim_core::simulation::snapshot::BlockSummary;
use std::sync::Arc;

/// The bars.
#[derive(Default)]
pub struct Parts;

/// In the order in which the parts happen.
const ORDER: [Part; Part::COUNT] = [
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

impl Panel for Parts {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let Some(verdict) = verdict(cx.session.snapshot()) else {
            nothing(ui, tokens, "Appears with the first block that two thirds of the stake have executed");
            return;
        };
        shares(ui, tokens, &verdict.spent);
        ui.add_space(2.0);
        let blocks: Vec<&Arc<BlockSummary>> =
            cx.session.snapshot().blocks.iter().filter(|b| b.spent.is_some()).collect();
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Where the time went, by block"));
        let painter = ui.painter_at(rect);
        let axis = 18.0;
        let bar = 22.0_f32.min((rect.height() - axis) / 4.0);
        let gap = 4.0;
        let rows = (((rect.height() - axis - bar - 10.0) / (bar * 0.62 + gap)) as usize).clamp(1, 12);
        let rows = &blocks[blocks.len().saturating_sub(rows)..];
        let totals = rows.iter().filter_map(|b| b.spent).map(|s| s.total_ns());
        let longest = totals.chain([verdict.spent.total_ns()]).max().unwrap_or(1);
        let step = nice_step(longest);
        let end = longest.div_ceil(step) * step;
        let x = |ns: u64| rect.left() + LABELS + ns as f32 / end as f32 * (rect.width() - LABELS - 12.0);
        for tick in (0..=end).step_by(step as usize) {
            let at = pos2(x(tick), rect.bottom() - axis);
            painter.vline(at.x, rect.top()..=at.y, Stroke::new(1.0, tokens.line));
            let text = if tick == 0 { "0".to_owned() } else { short(tick) };
            painter.text(
                at + vec2(0.0, 3.0),
                Align2::CENTER_TOP,
                text,
                FontId::proportional(10.5),
                tokens.faint,
            );
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
        let mut top = rect.top() + bar + 10.0;
        let mut clicked = None;
        for block in rows.iter().rev() {
            if let Some(spent) = &block.spent {
                let chosen = cx.session.selection.block == Some(block.key);
                row(top, bar * 0.62, &format!("#{}", block.height), spent, chosen);
            }
            let line = Rect::from_x_y_ranges(rect.x_range(), top..=top + bar * 0.62 + gap);
            if response.clicked() && response.interact_pointer_pos().is_some_and(|p| line.contains(p)) {
                clicked = Some(block.key);
            }
            top += bar * 0.62 + gap;
        }
        if clicked.is_some() {
            let same = cx.session.selection.block == clicked;
            cx.session.selection.block = clicked.filter(|_| !same);
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
