//! One thing, closely: the node that is chosen, with its queues and how the shown block came to it; else the
//! block; else the nodes that were brushed.

use super::map::Stage;
use super::{Cx, Panel, nothing};
use crate::format;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align, Align2, FontId, Grid, Layout, Rect, RichText, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo,
    pos2, vec2,
};
use sim_core::net::message::MessageKind;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::snapshot::{BlockSummary, NO_SENDER, NodeDetail, Step};

/// The inspector.
#[derive(Default)]
pub struct Inspector;

impl Panel for Inspector {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let Some(plan) = cx.session.plan().cloned().filter(|_| cx.session.is_ready()) else {
            nothing(ui, tokens, "");
            return;
        };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            let chosen = cx.session.selection.node;
            let detail = cx.session.snapshot().node.clone().filter(|d| Some(d.node) == chosen);
            match detail {
                Some(detail) => node(ui, cx, &plan, &detail),
                None if !cx.session.selection.nodes.is_empty() => brushed(ui, cx, &plan),
                None => match cx.session.block().cloned() {
                    Some(found) => block(ui, cx, &found),
                    None => nothing(ui, tokens, "Click a node or a block"),
                },
            }
        });
    }
}

fn title(ui: &mut Ui, tokens: &Tokens, text: &str, note: &str) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(text).size(15.0).color(tokens.ink).strong());
        ui.label(RichText::new(note).size(size::SMALL).color(tokens.faint));
    });
}

fn section(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint).strong());
}

/// Rows of a label and a value.
fn rows(ui: &mut Ui, tokens: &Tokens, id: &str, rows: &[(&str, String)]) {
    Grid::new(id).num_columns(2).spacing([12.0, 2.0]).show(ui, |ui| {
        for (label, value) in rows {
            ui.label(RichText::new(*label).size(12.0).color(tokens.faint));
            ui.label(RichText::new(value).size(12.0).color(tokens.ink));
            ui.end_row();
        }
    });
}

fn node(ui: &mut Ui, cx: &mut Cx<'_>, plan: &Plan, detail: &NodeDetail) {
    let tokens = cx.tokens;
    let region = plan.network.latency.regions.get(detail.region as usize).map_or("?", |r| r.name.as_str());
    let class = plan.nodes.hardware.get(detail.class as usize).map_or("?", |(c, _)| c.name.as_str());
    title(ui, tokens, &format!("Node {}", detail.node), &format!("{region} · {class}"));

    if let Some(block) = cx.session.block().cloned() {
        section(ui, tokens, &format!("Block {} here", block.height));
        arrival(ui, cx, &block, detail);
        if !detail.way.is_empty() {
            section(ui, tokens, "How it came: the chain of causes");
            waterfall(ui, tokens, &detail.way, &block);
            if ui.small_button("Copy as table").clicked() {
                ui.ctx().copy_text(table(&detail.way));
                cx.notices.info("The chain of causes is in the clipboard");
            }
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
                cx.session.selection.node = Some(state.sender);
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

/// The chain of causes, a row a step, on one time axis.
fn waterfall(ui: &mut Ui, tokens: &Tokens, way: &[Step], block: &BlockSummary) {
    const ROW: f32 = 16.0;
    const LABEL: f32 = 118.0;
    let (Some(first), Some(last)) = (way.first(), way.last()) else { return };
    let (start, end) = (first.start_ns, last.end_ns.max(first.start_ns + 1));
    let size = vec2(ui.available_width(), ROW * way.len() as f32 + 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Chain of causes"));
    let painter = ui.painter_at(rect);
    let right = rect.right() - 46.0;
    let x = |ns: u64| {
        rect.left() + LABEL + (ns - start) as f32 / (end - start) as f32 * (right - rect.left() - LABEL)
    };
    let mut hop = first.node;
    for (index, step) in way.iter().enumerate() {
        let top = rect.top() + index as f32 * ROW;
        if step.node != hop {
            painter.hline(rect.x_range(), top, Stroke::new(0.6, tokens.line));
            hop = step.node;
        }
        let y = top + ROW / 2.0;
        let font = FontId::proportional(11.0);
        painter.text(
            pos2(rect.left(), y),
            Align2::LEFT_CENTER,
            step.node.to_string(),
            FontId::monospace(10.0),
            tokens.faint,
        );
        painter.text(
            pos2(rect.left() + 34.0, y),
            Align2::LEFT_CENTER,
            short_name(step),
            font.clone(),
            tokens.ink,
        );
        let (from, to) = (x(step.start_ns), x(step.end_ns));
        let bar = Rect::from_min_max(pos2(from, top + 3.0), pos2(to.max(from + 1.5), top + ROW - 3.0));
        painter.rect_filled(bar, 2, tokens.part(step.part));
        let text = format::duration(step.end_ns - step.start_ns);
        painter.text(pos2(to + 4.0, y), Align2::LEFT_CENTER, text, FontId::proportional(10.5), tokens.faint);
    }
    if let Some(pointer) = response.hover_pos() {
        let row = ((pointer.y - rect.top()) / ROW) as usize;
        if let Some(step) = way.get(row) {
            let from = format::duration(step.start_ns - block.slot_start_ns.min(step.start_ns));
            response.on_hover_ui_at_pointer(|ui| {
                ui.strong(step.part.name());
                ui.label(format!(
                    "node {}, {} into the slot, for {}",
                    step.node,
                    from,
                    format::duration(step.end_ns - step.start_ns)
                ));
                ui.label(format!("resource: {}", step.part.resource().name()));
            });
        }
    }
}

/// The chain of causes as comma-separated values.
fn table(way: &[Step]) -> String {
    let row = |s: &Step| format!("{},{},{},{}\n", s.node, s.part.name(), s.start_ns, s.end_ns);
    std::iter::once("node,part,start_ns,end_ns\n".to_owned()).chain(way.iter().map(row)).collect()
}

fn short_name(step: &Step) -> &'static str {
    use sim_core::observe::record::Part;
    match step.part {
        Part::SerialisationUp => "sending",
        Part::SerialisationDown => "receiving",
        Part::QueueUp => "uplink queue",
        Part::QueueDown => "downlink queue",
        Part::Propagation => "on the way",
        Part::Protocol => "asked for",
        other => other.name(),
    }
}

/// The links of a node: to whom, how far, whether the block came or went over it first.
fn neighbours(ui: &mut Ui, cx: &mut Cx<'_>, plan: &Plan, detail: &NodeDetail) {
    let tokens = cx.tokens;
    let Some(placement) = cx.session.placement().cloned() else { return };
    let list = placement.topology.neighbours(detail.node);
    section(ui, tokens, &format!("Links ({})", list.len()));
    let table = &plan.network.latency;
    Grid::new("links").num_columns(4).spacing([12.0, 2.0]).show(ui, |ui| {
        for &other in list.iter().take(60) {
            let region = usize::from(placement.regions[other as usize]);
            let base = table.one_way_ns[detail.region as usize][region];
            let one_way_ns =
                (u128::from(base) * u128::from(plan.network.latency_scale_ppm) / 1_000_000) as u64;
            if ui.link(RichText::new(format!("node {other}")).size(12.0)).clicked() {
                cx.session.selection.node = Some(other);
            }
            ui.label(RichText::new(&table.regions[region].name).size(12.0).color(tokens.faint));
            ui.label(RichText::new(format::duration(one_way_ns)).size(12.0).color(tokens.ink));
            let came = detail.state.sender == other && detail.state.arrived_ns > 0;
            let went = cx.session.state(other).is_some_and(|s| s.sender == detail.node && s.arrived_ns > 0);
            let text = if came {
                "brought it"
            } else if went {
                "got it from here"
            } else {
                ""
            };
            ui.label(RichText::new(text).size(12.0).color(if came { tokens.accent } else { tokens.good }));
            ui.end_row();
        }
    });
}

fn block(ui: &mut Ui, cx: &mut Cx<'_>, block: &BlockSummary) {
    let tokens = cx.tokens;
    let pinned = cx.session.selection.block.is_some();
    title(ui, tokens, &format!("Block {}", block.height), if pinned { "chosen" } else { "the newest" });
    ui.horizontal(|ui| {
        ui.label(RichText::new("proposed by").size(12.0).color(tokens.faint));
        if ui.link(RichText::new(format!("node {}", block.key.proposer)).size(12.0)).clicked() {
            cx.session.selection.node = Some(block.key.proposer);
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
                cx.session.selection.node = Some(node);
            }
        });
    }
}

/// Nodes that were brushed: how many, where, how far.
fn brushed(ui: &mut Ui, cx: &mut Cx<'_>, plan: &Plan) {
    let tokens = cx.tokens;
    let Some(placement) = cx.session.placement().cloned() else { return };
    let nodes = cx.session.selection.nodes.clone();
    title(ui, tokens, &format!("{} nodes", format::count(nodes.len() as u64)), "brushed on the map");
    let shown_ns = cx.session.shown_ns();
    let mut by_region: std::collections::BTreeMap<usize, [u32; 5]> = Default::default();
    for node in &nodes {
        let region = usize::from(placement.regions[*node as usize]);
        let stage = cx.session.state(*node).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
        by_region.entry(region).or_default()[stage as usize] += 1;
    }
    ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
        Grid::new("brushed").num_columns(6).spacing([12.0, 2.0]).show(ui, |ui| {
            ui.label("");
            for stage in Stage::ALL {
                ui.label(RichText::new(stage.name()).size(size::SMALL).color(stage.colour(tokens)));
            }
            ui.end_row();
            for (region, counts) in by_region {
                ui.label(
                    RichText::new(&plan.network.latency.regions[region].name).size(12.0).color(tokens.faint),
                );
                for count in counts {
                    ui.label(RichText::new(format::count(count.into())).size(12.0).color(tokens.ink));
                }
                ui.end_row();
            }
        });
    });
    section(ui, tokens, "Slowest of them");
    let mut slowest: Vec<(u64, u32)> = nodes
        .iter()
        .filter_map(|n| {
            cx.session.state(*n).map(|s| (if s.executed_ns == 0 { u64::MAX } else { s.executed_ns }, *n))
        })
        .collect();
    slowest.sort_unstable_by(|a, b| b.cmp(a));
    let start = cx.session.block().map_or(0, |b| b.slot_start_ns);
    for (ns, node) in slowest.into_iter().take(12) {
        ui.horizontal(|ui| {
            if ui.link(RichText::new(format!("node {node}")).size(12.0)).clicked() {
                cx.session.selection.node = Some(node);
            }
            let text = if ns == u64::MAX {
                "not executed yet".to_owned()
            } else {
                format!("executed {} into the slot", format::duration(ns.saturating_sub(start)))
            };
            ui.label(RichText::new(text).size(12.0).color(tokens.faint));
        });
    }
}
