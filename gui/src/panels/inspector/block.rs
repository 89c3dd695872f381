//! A block: what is in it, how far it is, who closed it.

use super::{Cx, rows, section, title};
use crate::format;
use crate::panels::map::Stage;
use crate::theme::size;
use eframe::egui::{Grid, RichText, Ui};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::simulation::snapshot::BlockSummary;

pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, block: &BlockSummary) {
    let tokens = cx.tokens;
    let pinned = cx.session.selection.block.is_some();
    title(ui, tokens, &format!("Block {}", block.height), if pinned { "chosen" } else { "the newest" });
    ui.horizontal(|ui| {
        ui.label(RichText::new("proposed by").size(12.0).color(tokens.faint));
        if ui.link(RichText::new(format!("node {}", block.key.proposer)).size(12.0)).clicked() {
            cx.session.selection.choose_node(Some(block.key.proposer));
        }
        let parent = block.parent.map_or_else(|| "genesis".to_owned(), |p| format!("slot {}", p.slot));
        ui.label(
            RichText::new(format!("in slot {}, on {parent}", block.key.slot)).size(12.0).color(tokens.faint),
        );
    });
    let gas = format!(
        "{}gas of {}",
        format::prefixed(block.gas_used as f64),
        format::prefixed(block.gas_limit as f64)
    );
    let speed_up = block.serial_ns as f64 / block.scheduled_ns.max(1) as f64;
    rows(
        ui,
        tokens,
        "block",
        &[
            (
                "size",
                format!(
                    "{} · {} transactions",
                    format::bytes(block.size_bytes),
                    format::count(block.transactions.into())
                ),
            ),
            ("gas", gas),
            ("base fee", format!("{} gwei", format::three_digits(block.base_fee_wei as f64 / 1e9))),
            ("execution", format!("{} at the median node", format::duration(block.execution_ns))),
            (
                "in parallel",
                format!(
                    "{}x on {} cores, {} aborts",
                    format::three_digits(speed_up),
                    block.cores,
                    block.aborts
                ),
            ),
        ],
    );
    section(ui, tokens, "How long until this share of the nodes");
    Grid::new("quantiles").num_columns(5).spacing([14.0, 2.0]).show(ui, |ui| {
        for head in ["", "50 %", "90 %", "95 %", "all"] {
            ui.label(RichText::new(head).size(size::SMALL).color(tokens.faint));
        }
        ui.end_row();
        let since = block.published_ns.saturating_sub(block.slot_start_ns);
        let lines = [
            ("has it", Stage::Arrived, block.network_ns.map(|q| q.map(|ns| ns + since))),
            ("executed it", Stage::Executed, block.executed_ns),
            ("holds it final", Stage::Voted, block.final_ns),
        ];
        for (name, stage, quantiles) in lines {
            ui.label(RichText::new(name).size(12.0).color(stage.colour(tokens)));
            for ns in quantiles {
                ui.label(RichText::new(format::maybe(ns)).size(12.0).color(tokens.ink));
            }
            ui.end_row();
        }
    });
    if block.total_stake > 0 {
        let share = block.votes_stake as f64 / block.total_stake as f64;
        let votes = format!("{} of the stake", format::percent(share));
        rows(ui, tokens, "votes", &[("published votes", votes)]);
    }
    if let Some(node) = block.closing_node {
        ui.horizontal(|ui| {
            ui.label(RichText::new("two thirds of the stake with").size(12.0).color(tokens.faint));
            if ui.link(RichText::new(format!("node {node}")).size(12.0)).clicked() {
                cx.session.selection.choose_node(Some(node));
            }
        });
    }
}

/// How long until these shares of the nodes were that far.
pub fn numbers(block: &BlockSummary) -> DataTable {
    let mut table =
        DataTable::new(["share of the nodes (%)", "has it (ms)", "executed it (ms)", "holds it final (ms)"]);
    let since = block.published_ns.saturating_sub(block.slot_start_ns);
    for (at, share) in [50, 90, 95, 100].into_iter().enumerate() {
        let ms = |ns: Option<u64>| Cell::maybe(ns.map(|ns| ns as f64 / 1e6));
        let network = block.network_ns[at].map(|ns| ns + since);
        table.push(vec![Cell::Int(share), ms(network), ms(block.executed_ns[at]), ms(block.final_ns[at])]);
    }
    table
}
