//! A link: its two ends, what is under way on it, what waits at both.

use super::{Cx, loads, section, title};
use crate::change::region_name;
use crate::format;
use crate::session::Ends;
use crate::theme::Tokens;
use eframe::egui::{Grid, RichText, Ui};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::scenario::plan::Plan;
use sim_core::simulation::snapshot::{Leg, LinkDetail, Message};

/// Messages listed in the panel; the table beside it has all.
const LISTED: usize = 14;

pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, plan: &Plan, ends: Ends) {
    let tokens = cx.tokens;
    let [a, b] = ends;
    title(ui, tokens, &format!("Link {a} - {b}"), "");
    let region = |node: u32| {
        let placement = cx.session.placement();
        let region = placement.and_then(|p| p.regions.get(node as usize)).map_or(0, |r| usize::from(*r));
        region_name(plan, region).to_owned()
    };
    let regions = ends.map(region);
    ui.horizontal_wrapped(|ui| {
        for (end, region) in ends.iter().zip(&regions) {
            let link = ui.link(RichText::new(format!("node {end}")).size(12.0));
            if link.hovered() {
                cx.session.hover(*end);
            }
            if link.clicked() {
                cx.session.selection.choose_node(Some(*end));
            }
            ui.label(RichText::new(region).size(12.0).color(tokens.faint));
        }
    });
    let Some(detail) = cx.session.snapshot().link.clone().filter(|l| l.ends == ends) else { return };
    if !detail.neighbours {
        let text = "no neighbours: only votes go straight between them";
        ui.label(RichText::new(text).size(12.0).color(tokens.warning));
    }
    Grid::new("directions").num_columns(3).spacing([14.0, 2.0]).show(ui, |ui| {
        let text = |ui: &mut Ui, text: &str, faint: bool| {
            ui.label(RichText::new(text).size(12.0).color(if faint { tokens.faint } else { tokens.ink }));
        };
        text(ui, "", true);
        text(ui, &format!("{a} to {b}"), true);
        text(ui, &format!("{b} to {a}"), true);
        ui.end_row();
        let lines: [(&str, [String; 2]); 4] = [
            ("one way", detail.latency_ns.map(format::duration)),
            ("sender's uplink", detail.up_bps.map(format::bits_per_s)),
            ("receiver's downlink", detail.down_bps.map(format::bits_per_s)),
            ("pushed at once", detail.in_mesh.map(|m| if m { "yes, mesh" } else { "no" }.to_owned())),
        ];
        for (name, values) in lines {
            text(ui, name, true);
            values.iter().for_each(|v| text(ui, v, false));
            ui.end_row();
        }
    });
    let count: u32 = detail.load.iter().flatten().map(|l| l.messages).sum();
    section(ui, tokens, &format!("On it now: {} messages", format::count(count.into())));
    let [there, back] = &detail.load;
    loads(ui, tokens, "on it", [(&format!("{a} to {b}"), there), (&format!("{b} to {a}"), back)]);
    messages(ui, tokens, &detail, cx.session.snapshot().now_ns);
    for (end, queues) in ends.iter().zip(&detail.queues) {
        section(ui, tokens, &format!("Waiting at node {end}, for whomever"));
        let id = format!("queues of {end}");
        loads(ui, tokens, &id, [("at the uplink", &queues.uplink), ("at the downlink", &queues.downlink)]);
    }
}

fn messages(ui: &mut Ui, tokens: &Tokens, detail: &LinkDetail, now_ns: u64) {
    Grid::new("messages").num_columns(4).spacing([10.0, 2.0]).show(ui, |ui| {
        for message in detail.messages.iter().take(LISTED) {
            let colour = if message.shown_block { tokens.accent } else { tokens.ink };
            let text = |ui: &mut Ui, text: String, colour| {
                ui.label(RichText::new(text).size(12.0).color(colour));
            };
            text(ui, if message.direction == 0 { ">" } else { "<" }.to_owned(), tokens.faint);
            let what = if message.shown_block { "this block" } else { message.kind.name() };
            text(ui, format!("{what}, {}", format::bytes(message.bytes)), colour);
            text(ui, leg(message).to_owned(), tokens.faint);
            let left = message.until_ns.map_or_else(
                || "held back".to_owned(),
                |ns| format!("for {}", format::duration(ns.saturating_sub(now_ns))),
            );
            text(ui, left, tokens.faint);
            ui.end_row();
        }
    });
    let more =
        detail.load.iter().flatten().map(|l| l.messages as usize).sum::<usize>().saturating_sub(LISTED);
    if more > 0 {
        let text = format!("and {more} more");
        ui.label(RichText::new(text).size(12.0).color(tokens.faint));
    }
}

fn leg(message: &Message) -> &'static str {
    match message.leg {
        Leg::UplinkQueue => "waits for the uplink",
        Leg::Uplink => "is being sent",
        Leg::Flight => "is on the way",
        Leg::DownlinkQueue => "waits for the downlink",
        Leg::Downlink => "is coming in",
    }
}

/// The messages as a table.
pub fn numbers(detail: &LinkDetail, now_ns: u64) -> DataTable {
    let mut table =
        DataTable::new(["from", "to", "kind", "bytes", "where", "until (ms from now)", "the shown block"]);
    for message in &detail.messages {
        let [a, b] = detail.ends;
        let (from, to) = if message.direction == 0 { (a, b) } else { (b, a) };
        table.push(vec![
            Cell::Int(from.into()),
            Cell::Int(to.into()),
            Cell::Text(message.kind.name().to_owned()),
            Cell::Int(message.bytes),
            Cell::Text(leg(message).to_owned()),
            Cell::maybe(message.until_ns.map(|ns| ns.saturating_sub(now_ns) as f64 / 1e6)),
            Cell::Text(if message.shown_block { "yes" } else { "" }.to_owned()),
        ]);
    }
    table
}
