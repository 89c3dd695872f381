//! What users get: throughput, and how long a transaction waits until it is included and final.

use super::{Cx, Panel};
use crate::format;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align2, Color32, FontId, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use egui_plot::{GridMark, HoverPosition, Line, Plot};
use sim_core::simulation::snapshot::{BlockSummary, Histogram};
use std::sync::Arc;

/// The figures and plots.
#[derive(Default)]
pub struct Users;

/// Blocks over which throughput is averaged.
const WINDOW: usize = 10;

impl Panel for Users {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let snapshot = cx.session.snapshot();
        let slot_ns = cx.session.opened.as_ref().map_or(1, |o| o.slot_ns).max(1);
        let blocks = published(&snapshot.blocks);
        let recent = &blocks[blocks.len().saturating_sub(WINDOW)..];
        let seconds = seconds_of(recent, slot_ns);
        let sum = |f: fn(&BlockSummary) -> u64| recent.iter().map(|b| f(b)).sum::<u64>() as f64 / seconds;
        let (included, finalised) = totals(&snapshot.confirmation.included, &snapshot.confirmation.finalised);
        let at = |h: &Histogram, permille| format::maybe(h.percentile(permille));
        ui.columns(4, |columns| {
            figure(
                &mut columns[0],
                tokens,
                "gas",
                &format!("{}gas/s", format::prefixed(sum(|b| b.gas_used))),
            );
            let transactions = format!("{} tx/s", format::three_digits(sum(|b| b.transactions.into())));
            figure(&mut columns[1], tokens, "transactions", &transactions);
            figure(&mut columns[2], tokens, "included, median", &at(&included, 500));
            figure(&mut columns[3], tokens, "final, 95 %", &at(&finalised, 950));
        });
        ui.add_space(4.0);
        let height = ui.available_height();
        ui.horizontal_top(|ui| {
            let width = ui.available_width();
            ui.allocate_ui(vec2(width * 0.42, height), |ui| gas_by_block(ui, tokens, &blocks));
            ui.vertical(|ui| waits(ui, tokens, &included, &finalised));
        });
    }
}

fn published(blocks: &[Arc<BlockSummary>]) -> Vec<&BlockSummary> {
    blocks.iter().map(|b| &**b).filter(|b| b.published_ns > 0).collect()
}

/// Time that some blocks stand for, s.
fn seconds_of(blocks: &[&BlockSummary], slot_ns: u64) -> f64 {
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return 1.0 };
    (last.slot_start_ns - first.slot_start_ns + slot_ns) as f64 / 1e9
}

fn totals(included: &[Histogram], finalised: &[Histogram]) -> (Histogram, Histogram) {
    let total = |parts: &[Histogram]| {
        let mut sum = Histogram::default();
        parts.iter().for_each(|h| sum.merge(h));
        sum
    };
    (total(included), total(finalised))
}

/// A number with what it is.
pub fn figure(ui: &mut Ui, tokens: &Tokens, label: &str, value: &str) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.label(RichText::new(label).size(size::SMALL).color(tokens.faint));
        ui.add(eframe::egui::Label::new(RichText::new(value).size(16.0).color(tokens.ink)).truncate());
    });
}

/// Gas of the last blocks as bars, against the limit.
fn gas_by_block(ui: &mut Ui, tokens: &Tokens, blocks: &[&BlockSummary]) {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Gas by block"));
    let painter = ui.painter_at(rect);
    let plot = Rect::from_min_max(rect.min + vec2(0.0, 16.0), rect.max - vec2(6.0, 14.0));
    let font = FontId::proportional(10.5);
    painter.text(
        rect.left_top(),
        Align2::LEFT_TOP,
        "gas by block, against the limit",
        font.clone(),
        tokens.faint,
    );
    let fit = ((plot.width() / 7.0) as usize).max(1);
    let shown = &blocks[blocks.len().saturating_sub(fit)..];
    let top = shown.iter().map(|b| b.gas_limit.max(b.gas_used)).max().unwrap_or(1).max(1) as f32;
    let step = plot.width() / fit.min(60) as f32;
    let shown = &shown[shown.len().saturating_sub(fit.min(60))..];
    let y = |gas: u64| plot.bottom() - gas as f32 / top * plot.height();
    for (index, block) in shown.iter().enumerate() {
        let left = plot.left() + index as f32 * step;
        let bar =
            Rect::from_min_max(pos2(left + 0.5, y(block.gas_used)), pos2(left + step - 1.0, plot.bottom()));
        let lost = block.closed && block.progress.finalised == 0;
        let colour = if lost { tokens.error } else { tokens.accent };
        painter.rect_filled(bar, 1, colour.gamma_multiply(if block.closed { 0.85 } else { 0.45 }));
        let limit = y(block.gas_limit);
        painter.hline(left..=left + step, limit, Stroke::new(1.0, tokens.faint));
        let column = Rect::from_min_max(pos2(left, plot.top()), pos2(left + step, plot.bottom()));
        if response.hover_pos().is_some_and(|p| column.contains(p)) {
            painter.rect_filled(column, 0.0, tokens.ink.gamma_multiply(0.06));
            response.clone().on_hover_ui_at_pointer(|ui| {
                ui.strong(format!("Block {}, slot {}", block.height, block.key.slot));
                ui.label(format!(
                    "{}gas of {}",
                    format::prefixed(block.gas_used as f64),
                    format::prefixed(block.gas_limit as f64)
                ));
                ui.label(format!(
                    "{} · {} transactions",
                    format::bytes(block.size_bytes),
                    format::count(block.transactions.into())
                ));
            });
        }
    }
    if let (Some(first), Some(last)) = (shown.first(), shown.last()) {
        let at = pos2(plot.left(), plot.bottom() + 2.0);
        painter.text(at, Align2::LEFT_TOP, format!("#{}", first.height), font.clone(), tokens.faint);
        let right = pos2(plot.left() + shown.len() as f32 * step, plot.bottom() + 2.0);
        if shown.len() > 4 {
            painter.text(right, Align2::RIGHT_TOP, format!("#{}", last.height), font, tokens.faint);
        }
    }
}

/// How many users have waited no longer than that.
fn waits(ui: &mut Ui, tokens: &Tokens, included: &Histogram, finalised: &Histogram) {
    if included.total() == 0 {
        let text = "Users' waits appear with the first final block that holds their transactions";
        super::nothing(ui, tokens, text);
        return;
    }
    let samples = format!("users who waited no longer · {} transactions", format::count(included.total()));
    ui.label(RichText::new(samples).size(10.5).color(tokens.faint));
    let curve = |name: &str, histogram: &Histogram, colour: Color32| {
        let points: Vec<[f64; 2]> =
            histogram.cumulative().map(|(ns, share)| [ns as f64 / 1e9, share * 100.0]).collect();
        Line::new(name.to_owned(), points).color(colour).width(2.0)
    };
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
        .x_axis_formatter(|mark: GridMark, _: &_| format!("{} s", mark.value))
        .y_axis_formatter(|mark: GridMark, _: &_| format!("{:.0} %", mark.value))
        .label_formatter(|at| {
            let HoverPosition::NearDataPoint { plot_name, position, .. } = at else { return None };
            Some(format!("{plot_name}: {:.0} % within {} s", position.y, format::three_digits(position.x)))
        });
    plot.show(ui, |plot| {
        plot.line(curve("included", included, tokens.executed));
        plot.line(curve("final", finalised, tokens.voted));
    });
}
