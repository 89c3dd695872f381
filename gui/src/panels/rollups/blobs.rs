//! Blobs of the L1's latest blocks against target and most, and the price of blob gas.

use super::chains::gwei;
use crate::panels::nothing;
use crate::theme::Tokens;
use eframe::egui::{Align2, FontId, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use sim_core::observe::plot::canvas::{Canvas, Panel as Plot};
use sim_core::observe::plot::line;
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::observe::record::Resource;
use sim_core::simulation::snapshot::BlobBlockRecord;

/// Widest a bar gets.
const BAR_MAX: f32 = 14.0;

pub fn show(ui: &mut Ui, tokens: &Tokens, blocks: &[BlobBlockRecord]) {
    if blocks.is_empty() {
        nothing(ui, tokens, "Appears with the first block of the L1");
        return;
    }
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Blobs by block"));
    let painter = ui.painter_at(rect);
    let font = FontId::proportional(10.5);
    let text = "blobs by block of the L1 (bars; lines: target and most), and the price of blob gas (curve, logarithmic)";
    painter.text(rect.left_top(), Align2::LEFT_TOP, text, font.clone(), tokens.faint);
    let plot = Rect::from_min_max(rect.min + vec2(22.0, 18.0), rect.max - vec2(64.0, 16.0));
    let fit = ((plot.width() / 3.0) as usize).max(1);
    let shown = &blocks[blocks.len().saturating_sub(fit)..];
    let step = (plot.width() / shown.len() as f32).min(BAR_MAX);
    let most = shown.iter().map(|b| b.max.max(b.blobs)).max().unwrap_or(1).max(1) as f32;
    let y = |blobs: u32| plot.bottom() - blobs as f32 / most * plot.height();
    for (value, name) in [(shown[0].target, "target"), (shown[0].max, "most")] {
        painter.hline(plot.x_range(), y(value), Stroke::new(1.0, tokens.line));
        let at = pos2(plot.left() - 4.0, y(value));
        painter.text(at, Align2::RIGHT_CENTER, value.to_string(), font.clone(), tokens.faint);
        let at = pos2(plot.right() + 4.0, y(value));
        painter.text(at, Align2::LEFT_CENTER, name, font.clone(), tokens.faint);
    }
    let logs = |b: &BlobBlockRecord| (b.blob_fee_wei.max(1) as f64).log10();
    let (low, high) = shown.iter().fold((f64::MAX, f64::MIN), |(l, h), b| (l.min(logs(b)), h.max(logs(b))));
    let (low, high) = if high - low < 0.5 { (low - 0.25, high + 0.25) } else { (low, high) };
    let mut curve: Vec<Pos2> = Vec::new();
    let mut under = None;
    for (index, block) in shown.iter().enumerate() {
        let left = plot.left() + index as f32 * step;
        let bar = Rect::from_min_max(
            pos2(left + 0.5, y(block.blobs)),
            pos2(left + (step - 0.5).max(1.0), plot.bottom()),
        );
        painter.rect_filled(bar, 0.0, tokens.accent.gamma_multiply(0.7));
        let share = ((logs(block) - low) / (high - low)) as f32;
        curve.push(pos2(left + step / 2.0, plot.bottom() - share * plot.height()));
        let column = Rect::from_min_max(pos2(left, plot.top()), pos2(left + step, plot.bottom()));
        if response.hover_pos().is_some_and(|p| column.contains(p)) {
            painter.rect_filled(column, 0.0, tokens.ink.gamma_multiply(0.08));
            under = Some(block);
        }
    }
    if let (Some(end), Some(last)) = (curve.last(), shown.last()) {
        let price = gwei(u64::try_from(last.blob_fee_wei).unwrap_or(u64::MAX));
        painter.text(*end + vec2(6.0, 8.0), Align2::LEFT_CENTER, price, font.clone(), tokens.warning);
    }
    painter.add(Shape::line(curve, Stroke::new(1.6, tokens.warning)));
    for (at, align) in [(shown.first(), Align2::LEFT_TOP), (shown.last(), Align2::RIGHT_TOP)] {
        let x = if align == Align2::LEFT_TOP { plot.left() } else { plot.left() + shown.len() as f32 * step };
        let slot = at.map_or(0, |b| b.slot);
        if align == Align2::LEFT_TOP || shown.len() > 8 {
            painter.text(
                pos2(x, plot.bottom() + 3.0),
                align,
                format!("slot {slot}"),
                font.clone(),
                tokens.faint,
            );
        }
    }
    if let Some(block) = under {
        response.on_hover_ui_at_pointer(|ui| {
            ui.strong(format!("Slot {}", block.slot));
            ui.label(format!("{} blobs; target {}, most {}", block.blobs, block.target, block.max));
            let price = u64::try_from(block.blob_fee_wei).unwrap_or(u64::MAX);
            ui.label(format!("price of blob gas {}", gwei(price)));
            ui.label(format!("{} posts; {} could have been in it", block.offers, block.eligible));
        });
    }
}

pub fn numbers(blocks: &[BlobBlockRecord]) -> DataTable {
    let mut table =
        DataTable::new(["slot", "proposer", "blobs", "target", "most", "price (wei)", "posts", "eligible"]);
    for block in blocks {
        table.push(vec![
            Cell::Int(block.slot.into()),
            Cell::Int(block.proposer.into()),
            Cell::Int(block.blobs.into()),
            Cell::Int(block.target.into()),
            Cell::Int(block.max.into()),
            Cell::Num(block.blob_fee_wei as f64),
            Cell::Int(block.offers.into()),
            Cell::Int(block.eligible.into()),
        ]);
    }
    table
}

pub fn drawing(blocks: &[BlobBlockRecord]) -> Option<String> {
    let (first, last) = (blocks.first()?, blocks.last()?);
    let subtitle =
        format!("Slots {} to {}; target {}, most {}", first.slot, last.slot, last.target, last.max);
    let mut canvas = Canvas::new("Blobs and their price", &subtitle);
    let slots = Scale::Linear { low: f64::from(first.slot), high: f64::from(last.slot.max(first.slot + 1)) };
    let plot = Plot::below(&mut canvas, 180.0, slots, Scale::from_zero(f64::from(last.max)));
    plot.draw_y(&mut canvas.svg, "blobs in the block");
    plot.draw_floor(&mut canvas.svg, "");
    let points = |value: fn(&BlobBlockRecord) -> f64| -> Vec<Option<(f64, f64)>> {
        blocks.iter().map(|b| Some((f64::from(b.slot), value(b)))).collect()
    };
    let blue = paper::resource_colour(Resource::Uplink);
    line::draw(&mut canvas.svg, &plot, &points(|b| f64::from(b.blobs)), blue, 1.5, "");
    let price = |b: &BlobBlockRecord| b.blob_fee_wei.max(1) as f64 / 1e9;
    let plot = Plot::below(&mut canvas, 180.0, slots, Scale::log_around(blocks.iter().map(price)));
    plot.draw_y(&mut canvas.svg, "price of blob gas (gwei)");
    plot.draw_x(&mut canvas.svg, "slot");
    let colour = paper::resource_colour(Resource::Execution);
    line::draw(&mut canvas.svg, &plot, &points(|b| b.blob_fee_wei.max(1) as f64 / 1e9), colour, 1.5, "");
    Some(canvas.finish(8.0, "Blobs of the blocks of an L1, and the price of blob gas."))
}
