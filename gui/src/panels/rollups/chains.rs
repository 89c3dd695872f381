//! The rollups of a fleet that used the most gas, a row each.

use crate::format;
use crate::panels::nothing;
use crate::theme::{Tokens, size};
use eframe::egui::{Grid, Rect, RichText, ScrollArea, Sense, Ui, vec2};
use sim_core::observe::plot::bars::{Piece, Row, stacked_rows};
use sim_core::observe::plot::canvas::Canvas;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::observe::record::Resource;
use sim_core::rollup::look::RollupView;
use sim_core::simulation::snapshot::FleetView;

/// The columns: names and what they mean.
const COLUMNS: [(&str, &str); 7] = [
    ("rollup", "its number in the fleet"),
    ("gas used", "by its transactions so far"),
    ("blocks", "or parts of blocks that were confirmed"),
    ("base fee", "of its last block, per gas"),
    ("waiting", "transactions at its sequencer, those under execution included"),
    ("not posted", "bytes executed and in no block of the L1"),
    ("batches", "closed and compressed"),
];

pub fn show(ui: &mut Ui, tokens: &Tokens, view: &FleetView) {
    if view.busiest.is_empty() {
        nothing(ui, tokens, "Rollups appear with their first transaction");
        return;
    }
    let most = view.busiest.iter().map(|r| r.gas_used).max().unwrap_or(1).max(1);
    ScrollArea::both().id_salt("chains").auto_shrink(false).show(ui, |ui| {
        Grid::new("chains").striped(true).spacing([16.0, 4.0]).show(ui, |ui| {
            for (name, meaning) in COLUMNS {
                ui.label(RichText::new(name).size(size::SMALL).color(tokens.faint)).on_hover_text(meaning);
            }
            if view.busiest[0].price.is_some() {
                let text = RichText::new("price").size(size::SMALL).color(tokens.faint);
                ui.label(text).on_hover_text("of its first pool: the second token for the first");
            }
            ui.end_row();
            for rollup in &view.busiest {
                row(ui, tokens, rollup, rollup.gas_used as f32 / most as f32);
                ui.end_row();
            }
        });
        if (view.busiest.len() as u64) < view.active {
            let text = format!(
                "and {} more that used less gas",
                format::count(view.active - view.busiest.len() as u64)
            );
            ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint));
        }
    });
}

fn row(ui: &mut Ui, tokens: &Tokens, rollup: &RollupView, share: f32) {
    let text = |ui: &mut Ui, text: String| ui.label(RichText::new(text).size(12.5).color(tokens.ink));
    text(ui, rollup.number.to_string());
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(60.0, 10.0), Sense::hover());
        ui.painter().rect_filled(rect, 1, tokens.raised);
        let filled = Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
        ui.painter().rect_filled(filled, 1, tokens.executed);
        text(ui, format::prefixed(rollup.gas_used as f64).trim().to_owned());
    });
    text(ui, format::count(rollup.blocks));
    text(ui, gwei(rollup.base_fee_wei));
    text(ui, format::count(rollup.waiting));
    text(ui, format::bytes(rollup.unposted_bytes));
    text(ui, format::count(rollup.batches.into()));
    if let Some(price) = rollup.price {
        text(ui, format!("{price:.4}"));
    }
}

/// A price of gas: `0.020 gwei`, or `40 wei` where it is tiny.
pub fn gwei(wei: u64) -> String {
    match wei {
        0..10_000 => format!("{} wei", format::count(wei)),
        _ => format!("{} gwei", format::three_digits(wei as f64 / 1e9)),
    }
}

pub fn numbers(view: &FleetView) -> DataTable {
    let mut table = DataTable::new([
        "rollup",
        "gas used",
        "blocks",
        "base fee (wei)",
        "waiting",
        "not posted (bytes)",
        "batches",
        "price",
    ]);
    for rollup in &view.busiest {
        table.push(vec![
            Cell::Int(rollup.number.into()),
            Cell::Int(rollup.gas_used),
            Cell::Int(rollup.blocks),
            Cell::Int(rollup.base_fee_wei),
            Cell::Int(rollup.waiting),
            Cell::Int(rollup.unposted_bytes),
            Cell::Int(rollup.batches.into()),
            Cell::maybe(rollup.price),
        ]);
    }
    table
}

pub fn drawing(view: &FleetView) -> Option<String> {
    view.busiest.first()?;
    let subtitle = format!(
        "The {} of {} that used the most; {} are in use",
        view.busiest.len(),
        format::count(view.rollups),
        format::count(view.active)
    );
    let mut canvas = Canvas::new(&format!("Gas by rollup: {}", view.name), &subtitle);
    let row = |rollup: &RollupView| Row {
        label: format!("rollup {}", rollup.number),
        pieces: vec![Piece {
            value: rollup.gas_used as f64 / 1e6,
            colour: paper::resource_colour(Resource::Execution),
            tip: format!("{}gas", format::prefixed(rollup.gas_used as f64)),
        }],
        end: gwei(rollup.base_fee_wei),
        group_start: false,
    };
    let rows: Vec<Row> = view.busiest.iter().take(24).map(row).collect();
    stacked_rows(&mut canvas, &rows, "gas used (Mgas); at the end of each bar: the base fee");
    Some(canvas.finish(8.0, "Gas used by the busiest rollups of a fleet."))
}
