//! Nodes that were brushed, against the rest.

use super::{Cx, rows, section, title};
use crate::change::region_name;
use crate::format;
use crate::panels::map::Stage;
use crate::theme::{Tokens, size};
use eframe::egui::{Grid, Rect, RichText, Role, Sense, Ui, WidgetInfo, vec2};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::record::Resource;
use sim_core::observe::verdict::by_resource;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::snapshot::GroupDetail;
use std::collections::BTreeMap;

pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, plan: &Plan) {
    let tokens = cx.tokens;
    let Some(placement) = cx.session.placement().cloned() else { return };
    let nodes = cx.session.selection.nodes.clone();
    title(ui, tokens, &format!("{} nodes", format::count(nodes.len() as u64)), "against the rest");
    if let Some(groups) = cx.session.snapshot().groups.clone() {
        compare(ui, tokens, &groups);
        section(ui, tokens, "Where their time went, mean of a node");
        let longest = groups.iter().map(mean_ns).max().unwrap_or(1).max(1);
        for (name, group) in ["selected", "the rest"].into_iter().zip(groups.iter()) {
            bar(ui, tokens, name, group, longest);
        }
    } else {
        rows(ui, tokens, "no block", &[("compared", "with the first block".to_owned())]);
    }
    section(ui, tokens, "By region");
    let shown_ns = cx.session.shown_ns();
    let mut by_region: BTreeMap<usize, [u32; 5]> = BTreeMap::new();
    for node in &nodes {
        let region = placement.regions.get(*node as usize).map_or(0, |r| usize::from(*r));
        let stage = cx.session.state(*node).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
        by_region.entry(region).or_default()[stage as usize] += 1;
    }
    Grid::new("brushed").num_columns(6).spacing([10.0, 2.0]).show(ui, |ui| {
        ui.label("");
        for stage in Stage::ALL {
            ui.label(RichText::new(stage.name()).size(size::SMALL).color(tokens.faint));
        }
        ui.end_row();
        for (region, counts) in by_region {
            ui.label(RichText::new(region_name(plan, region)).size(12.0).color(tokens.faint));
            for count in counts {
                ui.label(RichText::new(format::count(count.into())).size(12.0).color(tokens.ink));
            }
            ui.end_row();
        }
    });
    slowest(ui, cx);
}

fn compare(ui: &mut Ui, tokens: &Tokens, groups: &[GroupDetail; 2]) {
    Grid::new("groups").num_columns(3).spacing([14.0, 2.0]).show(ui, |ui| {
        for head in ["", "selected", "the rest"] {
            ui.label(RichText::new(head).size(size::SMALL).color(tokens.faint));
        }
        ui.end_row();
        for (name, value) in LINES {
            ui.label(RichText::new(name).size(12.0).color(tokens.faint));
            for group in groups {
                ui.label(RichText::new(value(group)).size(12.0).color(tokens.ink));
            }
            ui.end_row();
        }
    });
}

/// What is compared: name and value.
type Line = (&'static str, fn(&GroupDetail) -> String);

const LINES: [Line; 8] = [
    ("nodes", |g| format::count(g.nodes.into())),
    ("have it", |g| of(g.progress.arrived, g.nodes)),
    ("median arrival", |g| format::maybe(g.arrived_ns[0])),
    ("95 % arrival", |g| format::maybe(g.arrived_ns[2])),
    ("executed it", |g| of(g.progress.executed, g.nodes)),
    ("median executed", |g| format::maybe(g.executed_ns[0])),
    ("95 % executed", |g| format::maybe(g.executed_ns[2])),
    ("first copy from inside", |g| of(g.from_inside, g.progress.arrived)),
];

fn of(part: u32, all: u32) -> String {
    if all == 0 { "-".to_owned() } else { format::percent(f64::from(part) / f64::from(all)) }
}

/// Mean time of a node, ns.
pub fn mean_ns(group: &GroupDetail) -> u64 {
    group.spent.total_ns() / u64::from(group.spent_nodes.max(1))
}

/// The mean time of a node as a bar, by resource.
fn bar(ui: &mut Ui, tokens: &Tokens, name: &str, group: &GroupDetail, longest_ns: u64) {
    ui.horizontal(|ui| {
        ui.add_sized(
            [54.0, 14.0],
            eframe::egui::Label::new(RichText::new(name).size(12.0).color(tokens.faint)),
        );
        let width = (ui.available_width() - 66.0).max(20.0);
        let (rect, response) = ui.allocate_exact_size(vec2(width, 13.0), Sense::hover());
        let total = mean_ns(group);
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Image, true, format!("{name}: {}", format::duration(total)))
        });
        let sums = by_resource(&group.spent);
        let all = group.spent.total_ns().max(1);
        let full = width * total as f32 / longest_ns as f32;
        let mut left = rect.left();
        for resource in Resource::ALL {
            let piece = full * (sums[resource as usize] as f64 / all as f64) as f32;
            let at = Rect::from_min_size(eframe::egui::pos2(left, rect.top()), vec2(piece, rect.height()));
            ui.painter().rect_filled(at, 0, tokens.resource(resource));
            left += piece;
        }
        response.on_hover_ui(|ui| {
            for resource in Resource::ALL {
                let share = sums[resource as usize] as f64 / all as f64;
                ui.label(format!("{} {}", resource.name(), format::percent(share)));
            }
        });
        ui.label(RichText::new(format::duration(total)).size(12.0).color(tokens.ink));
    });
}

fn slowest(ui: &mut Ui, cx: &mut Cx<'_>) {
    let tokens = cx.tokens;
    section(ui, tokens, "Slowest of them");
    let session = &cx.session;
    let time =
        |n: &u32| session.state(*n).map(|s| (if s.executed_ns == 0 { u64::MAX } else { s.executed_ns }, *n));
    let mut slowest: Vec<(u64, u32)> = session.selection.nodes.iter().filter_map(time).collect();
    slowest.sort_unstable_by(|a, b| b.cmp(a));
    let start = session.block().map_or(0, |b| b.slot_start_ns);
    for (ns, node) in slowest.into_iter().take(12) {
        ui.horizontal(|ui| {
            let link = ui.link(RichText::new(format!("node {node}")).size(12.0));
            if link.hovered() {
                cx.session.hover(node);
            }
            if link.clicked() {
                cx.session.selection.choose_node(Some(node));
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

/// The comparison as a table.
pub fn numbers(groups: &[GroupDetail; 2]) -> DataTable {
    let names =
        ["nodes", "have it", "executed it", "voted for it", "hold it final", "first copy from inside"];
    let counts = |g: &GroupDetail| {
        let p = g.progress;
        [g.nodes, p.arrived, p.executed, p.voted, p.finalised, g.from_inside]
    };
    let mut table = DataTable::new(["", "selected", "the rest"]);
    let both = groups.each_ref().map(counts);
    for (at, name) in names.into_iter().enumerate() {
        let cell = |side: usize| Cell::Int(both[side][at].into());
        table.push(vec![Cell::Text(name.to_owned()), cell(0), cell(1)]);
    }
    let ms = |ns: Option<u64>| Cell::maybe(ns.map(|ns| ns as f64 / 1e6));
    for (at, share) in ["50 %", "90 %", "95 %", "100 %"].into_iter().enumerate() {
        for (what, times) in [
            ("arrived", groups.each_ref().map(|g| g.arrived_ns[at])),
            ("executed", groups.each_ref().map(|g| g.executed_ns[at])),
        ] {
            table.push(vec![Cell::Text(format!("{what} at {share} (ms)")), ms(times[0]), ms(times[1])]);
        }
    }
    for resource in Resource::ALL {
        let mean = |g: &GroupDetail| {
            Cell::Num(by_resource(&g.spent)[resource as usize] as f64 / f64::from(g.spent_nodes.max(1)) / 1e6)
        };
        table.push(vec![
            Cell::Text(format!("{}, mean (ms)", resource.name())),
            mean(&groups[0]),
            mean(&groups[1]),
        ]);
    }
    table
}
