//! How much the chain carries: gas and transactions of its blocks.

use super::users::figure;
use super::{Cx, Panel};
use crate::export::Exportable;
use crate::format;
use crate::session::Session;
use crate::theme::Tokens;
use eframe::egui::{Align2, FontId, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use sim_core::observe::plot::canvas::{Canvas, LegendItem, Panel as Plot, Swatch};
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::observe::record::Resource;
use sim_core::simulation::snapshot::{BlockKey, BlockSummary};
use std::sync::Arc;

/// The figures and bars.
#[derive(Default)]
pub struct Throughput;

/// Blocks over which throughput is averaged.
const WINDOW: usize = 10;

/// What the chain carried of late, a second.
pub struct Pace {
    /// Gas.
    pub gas: f64,
    /// Transactions.
    pub transactions: f64,
}

/// The pace over the last blocks.
pub fn pace(session: &Session) -> Pace {
    let slot_ns = session.opened.as_ref().map_or(1, |o| o.slot_ns).max(1);
    let blocks = published(&session.snapshot().blocks);
    let recent = &blocks[blocks.len().saturating_sub(WINDOW)..];
    let seconds = seconds_of(recent, slot_ns);
    let sum = |f: fn(&BlockSummary) -> u64| recent.iter().map(|b| f(b)).sum::<u64>() as f64 / seconds;
    Pace { gas: sum(|b| b.gas_used), transactions: sum(|b| b.transactions.into()) }
}

impl Panel for Throughput {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let pace = pace(cx.session);
        ui.columns(2, |columns| {
            figure(&mut columns[0], tokens, "gas", &format!("{}gas/s", format::prefixed(pace.gas)));
            let transactions = format!("{} tx/s", format::three_digits(pace.transactions));
            figure(&mut columns[1], tokens, "transactions", &transactions);
        });
        ui.add_space(4.0);
        let blocks = published(&cx.session.snapshot().blocks);
        let chosen = cx.session.selection.hovered_block.or(cx.session.selection.block);
        if let Some((block, clicked)) = gas_by_block(ui, tokens, &blocks, chosen) {
            cx.session.hover_block(block);
            if clicked {
                cx.session.selection.choose_block(block);
            }
        }
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

/// Gas of the last blocks as bars, against the limit. The block under the pointer, and whether it is clicked.
fn gas_by_block(
    ui: &mut Ui,
    tokens: &Tokens,
    blocks: &[&BlockSummary],
    chosen: Option<BlockKey>,
) -> Option<(BlockKey, bool)> {
    let mut under = None;
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
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
        if chosen == Some(block.key) {
            painter.rect_filled(column, 0.0, tokens.ink.gamma_multiply(0.08));
        }
        if response.hover_pos().is_some_and(|p| column.contains(p)) {
            under = Some((block.key, response.clicked()));
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
    under
}

impl Exportable for Throughput {
    fn stem(&self) -> &'static str {
        "throughput"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let mut table = DataTable::new([
            "block",
            "slot",
            "gas (Mgas)",
            "limit (Mgas)",
            "transactions",
            "size (kB)",
            "base fee (gwei)",
            "final",
        ]);
        for block in published(&session.snapshot().blocks).into_iter().rev() {
            let lost = block.closed && block.progress.finalised == 0;
            let state = if lost {
                "never"
            } else if block.progress.finalised > 0 {
                "yes"
            } else {
                "not yet"
            };
            table.push(vec![
                Cell::Int(block.height.into()),
                Cell::Int(block.key.slot.into()),
                Cell::Num(block.gas_used as f64 / 1e6),
                Cell::Num(block.gas_limit as f64 / 1e6),
                Cell::Int(block.transactions.into()),
                Cell::Num(block.size_bytes as f64 / 1e3),
                Cell::Num(block.base_fee_wei as f64 / 1e9),
                Cell::Text(state.to_owned()),
            ]);
        }
        Some(table)
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let blocks = published(&session.snapshot().blocks);
        let (first, last) = (blocks.first()?, blocks.last()?);
        let most = blocks.iter().map(|b| b.gas_limit.max(b.gas_used)).max()? as f64 / 1e6;
        let mut canvas = Canvas::new("Gas by block", "Against the limit");
        let (used, limit) = (paper::resource_colour(Resource::Uplink), paper::LIMIT);
        canvas.legend(&[
            LegendItem::new("gas used", used, Swatch::Square),
            LegendItem::new("limit", limit, Swatch::Line("")),
        ]);
        let (low, high) = (f64::from(first.height) - 0.5, f64::from(last.height) + 0.5);
        let plot = Plot::below(&mut canvas, 260.0, Scale::Linear { low, high }, Scale::from_zero(most));
        plot.draw_y(&mut canvas.svg, "Mgas");
        plot.draw_x(&mut canvas.svg, "block");
        for block in &blocks {
            let (gas, height) = (block.gas_used as f64 / 1e6, f64::from(block.height));
            let (left, right, top) = (plot.px(height - 0.4), plot.px(height + 0.4), plot.py(gas));
            let tip = format!("block {}: {gas:.1} Mgas", block.height);
            canvas.svg.rect((left, top, right - left, plot.bottom() - top), used, &tip);
            let y = plot.py(block.gas_limit as f64 / 1e6);
            canvas.svg.line((plot.px(height - 0.5), y), (plot.px(height + 0.5), y), limit, 1.5, "");
        }
        Some(canvas.finish(8.0, "Bars of gas used by block, with the gas limit."))
    }
}
