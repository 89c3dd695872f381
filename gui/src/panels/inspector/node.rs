//! A node: its queues, how the shown block came to it, its links.

use super::{Cx, loads, rows, section, title, waterfall};
use crate::change::region_name;
use crate::format;
use crate::theme::Tokens;
use eframe::egui::{Align, Grid, Rect, RichText, Role, Sense, Ui, WidgetInfo, vec2};
use sim_core::net::message::MessageKind;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::snapshot::{BlockSummary, NO_SENDER, NodeDetail};

pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, plan: &Plan, detail: &NodeDetail) {
    let tokens = cx.tokens;
    let region = region_name(plan, detail.region as usize);
    let class = plan.nodes.hardware.get(detail.class as usize).map_or("?", |(c, _)| c.name.as_str());
    title(ui, tokens, &format!("Node {}", detail.node), &format!("{region} · {class}"));

    if let Some(block) = cx.session.block().cloned() {
        section(ui, tokens, &format!("Block {} here", block.height));
        arrival(ui, cx, &block, detail);
        if !detail.way.is_empty() {
            section(ui, tokens, "How it came: the chain of causes");
            waterfall::show(ui, tokens, &detail.way, &block);
        }
    }
    section(ui, tokens, "Waiting here now");
    let second = 1e9;
    queue(ui, tokens, "uplink", detail.uplink_queue_ns, &bytes_of(detail.uplink_queue_ns, detail.up_bps));
    queue(
        ui,
        tokens,
        "downlink",
        detail.downlink_queue_ns,
        &bytes_of(detail.downlink_queue_ns, detail.down_bps),
    );
    queue(ui, tokens, "cores", detail.cpu_queue_ns, "");
    ui.add_space(2.0);
    loads(
        ui,
        tokens,
        "waiting",
        [("at the uplink", &detail.queues.uplink), ("at the downlink", &detail.queues.downlink)],
    );
    let now_s = cx.session.snapshot().now_ns.max(1) as f64 / second;
    let busy = |ns: u64| format::percent((ns as f64 / second / now_s).min(1.0));
    rows(
        ui,
        tokens,
        "node",
        &[
            (
                "links",
                format!(
                    "{} up, {} down",
                    format::bits_per_s(detail.up_bps),
                    format::bits_per_s(detail.down_bps)
                ),
            ),
            (
                "busy so far",
                format!("uplink {}, cores {}", busy(detail.uplink_busy_ns), busy(detail.cpu_busy_ns)),
            ),
            ("stake", format::count(detail.stake)),
            (
                "votes in time",
                format!("{} of {}", format::count(detail.votes_timely), format::count(detail.votes_due)),
            ),
            (
                "copies beyond the first",
                format!(
                    "{} of {}",
                    format::count(detail.duplicates),
                    format::count(detail.duplicates + detail.first_arrivals)
                ),
            ),
        ],
    );
    section(ui, tokens, "Bytes by kind");
    Grid::new("bytes").num_columns(3).spacing([14.0, 2.0]).show(ui, |ui| {
        for kind in MessageKind::ALL {
            let both = [detail.sent_bytes[kind as usize], detail.received_bytes[kind as usize]];
            ui.label(RichText::new(kind.name()).size(12.0).color(tokens.faint));
            ui.label(RichText::new(format!("{} sent", format::bytes(both[0]))).size(12.0).color(tokens.ink));
            ui.label(
                RichText::new(format!("{} received", format::bytes(both[1]))).size(12.0).color(tokens.ink),
            );
            ui.end_row();
        }
    });
    neighbours(ui, cx, plan, detail);
}

/// Bytes that take `ns` on a link.
fn bytes_of(ns: u64, bps: u64) -> String {
    format::bytes((u128::from(ns) * u128::from(bps) / 8_000_000_000) as u64)
}

/// A queue as a bar; a second fills it.
fn queue(ui: &mut Ui, tokens: &Tokens, name: &str, ns: u64, note: &str) {
    ui.horizontal(|ui| {
        ui.add_sized(
            [62.0, 14.0],
            eframe::egui::Label::new(RichText::new(name).size(12.0).color(tokens.faint)).halign(Align::LEFT),
        );
        let (rect, response) = ui.allocate_exact_size(vec2(120.0, 9.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{name} queue")));
        ui.painter().rect_filled(rect, 3, tokens.raised);
        let share = (ns as f32 / 1e9).min(1.0);
        let colour = if share > 0.5 {
            tokens.error
        } else if share > 0.1 {
            tokens.warning
        } else {
            tokens.good
        };
        let full = Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
        ui.painter().rect_filled(full, 3, colour);
        let text = if ns == 0 { "empty".to_owned() } else { format!("{}  {note}", format::duration(ns)) };
        ui.label(RichText::new(text).size(12.0).color(tokens.ink));
    });
}

/// When it came, from whom, and what happened to it.
fn arrival(ui: &mut Ui, cx: &mut Cx<'_>, block: &BlockSummary, detail: &NodeDetail) {
    let tokens = cx.tokens;
    let state = detail.state;
    let after = |ns: u64| match ns {
        0 => "not yet".to_owned(),
        ns => format!("{} into the slot", format::duration(ns.saturating_sub(block.slot_start_ns))),
    };
    if block.key.proposer == detail.node {
        rows(
            ui,
            tokens,
            "made",
            &[
                ("proposed", after(block.published_ns)),
                ("executed", after(state.executed_ns)),
                ("final", after(state.final_ns)),
            ],
        );
        return;
    }
    if state.sender != NO_SENDER {
        ui.horizontal(|ui| {
            ui.label(RichText::new("first copy from").size(12.0).color(tokens.faint));
            if ui.link(RichText::new(format!("node {}", state.sender)).size(12.0)).clicked() {
                cx.session.selection.choose_node(Some(state.sender));
            }
        });
    }
    let mut list = vec![("arrived", after(state.arrived_ns)), ("executed", after(state.executed_ns))];
    if state.voted_ns > 0 {
        list.push(("voted", after(state.voted_ns)));
    }
    list.push(("final", after(state.final_ns)));
    rows(ui, tokens, "arrival", &list);
}

/// The links of a node: to whom, how far, whether the block came or went over it first, what waits for it.
fn neighbours(ui: &mut Ui, cx: &mut Cx<'_>, plan: &Plan, detail: &NodeDetail) {
    let tokens = cx.tokens;
    let Some(placement) = cx.session.placement().cloned() else { return };
    let list = placement.topology.neighbours(detail.node);
    section(ui, tokens, &format!("Links ({}; {} in the mesh)", list.len(), detail.mesh.len()));
    Grid::new("links").num_columns(4).spacing([10.0, 2.0]).show(ui, |ui| {
        for &other in list.iter().take(60) {
            let region = usize::from(placement.regions[other as usize]);
            let mesh = if detail.mesh.contains(&other) { "mesh" } else { "" };
            let name = RichText::new(format!("{other} {mesh}")).size(12.0);
            let link = ui.link(name).on_hover_text("look at this link; mesh: pushed to at once");
            let label = format!("Link to node {other}");
            link.widget_info(|| WidgetInfo::labeled(Role::Link, true, label.clone()));
            if link.hovered() {
                cx.session.hover_link(detail.node, other);
            }
            if link.clicked() {
                cx.session.selection.choose_link(detail.node, other);
            }
            ui.label(RichText::new(region_name(plan, region)).size(12.0).color(tokens.faint));
            let came = detail.state.sender == other && detail.state.arrived_ns > 0;
            let went = cx.session.state(other).is_some_and(|s| s.sender == detail.node && s.arrived_ns > 0);
            let text = match (came, went) {
                (true, _) => "brought it",
                (_, true) => "got it",
                _ => "",
            };
            ui.label(RichText::new(text).size(12.0).color(if came { tokens.accent } else { tokens.good }));
            let load = detail.links.iter().find(|l| l.peer == other);
            let bytes = |what: &str, bytes: u64| match bytes {
                0 => String::new(),
                bytes => format!("{} {what} ", format::bytes(bytes)),
            };
            let text = load.map_or_else(String::new, |l| {
                bytes("waiting", l.waiting.bytes)
                    + &bytes("going", l.going.bytes)
                    + &bytes("coming", l.coming.bytes)
            });
            ui.label(RichText::new(text).size(12.0).color(tokens.ink));
            ui.end_row();
        }
    });
}
