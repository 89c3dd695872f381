//! One thing, closely: what was chosen last: a node with its queues and how the shown block came to it, a link,
//! the nodes that were brushed; else the block that is shown.

mod block;
mod group;
mod link;
mod node;
mod waterfall;

pub use group::mean_ns;

use super::{Cx, Panel, nothing};
use crate::export::Exportable;
use crate::format;
use crate::session::{Focus, Session};
use crate::theme::{Tokens, size};
use eframe::egui::{Grid, RichText, ScrollArea, Ui};
use sim_core::net::message::MessageKind;
use sim_core::observe::plot::table::DataTable;
use sim_core::simulation::snapshot::{Load, NodeDetail};

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
        tabs(ui, cx);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            let selection = &cx.session.selection;
            match (selection.focus, selection.link, node_of(cx.session)) {
                (Focus::Link, Some(ends), _) => link::show(ui, cx, &plan, ends),
                (Focus::Node, _, Some(detail)) => {
                    let detail = detail.clone();
                    node::show(ui, cx, &plan, &detail);
                }
                (Focus::Group, ..) if !selection.nodes.is_empty() => group::show(ui, cx, &plan),
                _ => match cx.session.block().cloned() {
                    Some(found) => block::show(ui, cx, &found),
                    None => nothing(ui, tokens, "Click a node, a link or a block"),
                },
            }
        });
    }
}

/// The detail of the chosen node, once it has come.
fn node_of(session: &Session) -> Option<&NodeDetail> {
    session.snapshot().node.as_deref().filter(|d| Some(d.node) == session.selection.node)
}

/// What else is chosen: one step away.
fn tabs(ui: &mut Ui, cx: &mut Cx<'_>) {
    let selection = &cx.session.selection;
    let mut there = vec![(Focus::Block, "Block".to_owned())];
    there.extend(selection.node.map(|n| (Focus::Node, format!("Node {n}"))));
    there.extend(selection.link.map(|[a, b]| (Focus::Link, format!("Link {a} - {b}"))));
    if !selection.nodes.is_empty() {
        there.push((Focus::Group, format!("{} nodes", format::count(selection.nodes.len() as u64))));
    }
    if there.len() > 1 {
        ui.horizontal_wrapped(|ui| {
            for (focus, name) in there {
                ui.selectable_value(
                    &mut cx.session.selection.focus,
                    focus,
                    RichText::new(name).size(size::SMALL),
                );
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

/// Messages by kind, two columns; kinds without any are left out.
fn loads(ui: &mut Ui, tokens: &Tokens, id: &str, columns: [(&str, &[Load; MessageKind::COUNT]); 2]) {
    let used = |kind: &MessageKind| columns.iter().any(|(_, l)| l[*kind as usize].messages > 0);
    let kinds: Vec<MessageKind> = MessageKind::ALL.into_iter().filter(used).collect();
    if kinds.is_empty() {
        ui.label(RichText::new("nothing").size(12.0).color(tokens.faint));
        return;
    }
    Grid::new(id).num_columns(3).spacing([14.0, 2.0]).show(ui, |ui| {
        ui.label("");
        for (name, _) in columns {
            ui.label(RichText::new(name).size(size::SMALL).color(tokens.faint));
        }
        ui.end_row();
        for kind in kinds {
            ui.label(RichText::new(kind.name()).size(12.0).color(tokens.faint));
            for (_, loads) in columns {
                let load = loads[kind as usize];
                let text = match load.messages {
                    0 => "-".to_owned(),
                    n => format!("{} · {}", format::count(n.into()), format::bytes(load.bytes)),
                };
                ui.label(RichText::new(text).size(12.0).color(tokens.ink));
            }
            ui.end_row();
        }
    });
}

impl Exportable for Inspector {
    fn stem(&self) -> &'static str {
        "inspector"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let (snapshot, selection, block) = (session.snapshot(), &session.selection, session.block()?);
        match (selection.focus, &snapshot.link, node_of(session), &snapshot.groups) {
            (Focus::Link, Some(detail), ..) => Some(link::numbers(detail, snapshot.now_ns)),
            (Focus::Node, _, Some(detail), _) => Some(waterfall::numbers(&detail.way, block.slot_start_ns)),
            (Focus::Group, _, _, Some(groups)) => Some(group::numbers(groups)),
            _ => Some(block::numbers(block)),
        }
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let detail = node_of(session).filter(|_| session.selection.focus == Focus::Node)?;
        waterfall::drawing(&detail.way, session.block()?, detail.node)
    }
}
