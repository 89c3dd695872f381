//! Hover, click and brush on the map, and what a node or a link under the pointer is.

use super::{Cx, Flying, Map, Stage};
use crate::change::region_name;
use crate::format;
use crate::map::dot_radius;
use crate::session::{Ends, Session};
use eframe::egui::{Painter, PointerButton, Pos2, Rect, Response, Stroke, StrokeKind, Ui};
use sim_core::simulation::snapshot::{LinkDetail, Load, NO_SENDER};

/// How near to a link the pointer must be, points.
const NEAR: f32 = 5.0;

impl Map {
    /// Hover, click, brush.
    pub(super) fn choose(
        &mut self,
        ui: &Ui,
        response: &Response,
        painter: &Painter,
        cx: &mut Cx<'_>,
        flying: &[Flying],
    ) {
        let Some(drawn) = &self.drawn else { return };
        let reach = dot_radius(drawn.places.nodes.len()) * self.dots(drawn.key.0) + 3.0;
        let pointer = response.hover_pos();
        let copy = pointer.and_then(|p| flying.iter().find(|f| f.at.distance(p) < NEAR));
        let node = pointer.filter(|_| copy.is_none()).and_then(|p| drawn.places.nearest(p, reach));
        let link = copy.map(|f| f.ends).or_else(|| {
            let at = pointer.filter(|_| node.is_none())?;
            self.link_under(at, cx.session)
        });
        if let Some(node) = node {
            cx.session.hover(node);
            response.clone().on_hover_ui_at_pointer(|ui| tip(ui, cx.session, node));
        } else if let Some([a, b]) = link {
            cx.session.hover_link(a, b);
            response.clone().on_hover_ui_at_pointer(|ui| link_tip(ui, cx.session, [a.min(b), a.max(b)]));
        }
        if response.clicked() {
            match link {
                Some([a, b]) => cx.session.selection.choose_link(a, b),
                None => {
                    cx.session.selection.nodes.clear();
                    cx.session.selection.choose_node(node);
                }
            }
        }
        if response.drag_started_by(PointerButton::Primary) {
            // Where it was pressed: by now the pointer has moved.
            let pressed = ui.input(|i| i.pointer.press_origin());
            self.brush = pressed.or(response.interact_pointer_pos());
        }
        if let (Some(from), Some(to)) = (self.brush, response.interact_pointer_pos()) {
            let area = Rect::from_two_pos(from, to);
            let (fill, line) = (cx.tokens.accent.gamma_multiply(0.12), Stroke::new(1.0, cx.tokens.accent));
            painter.rect(area, 2, fill, line, StrokeKind::Inside);
            if response.drag_stopped() {
                let inside = drawn.places.nodes.iter().enumerate().filter(|(_, p)| area.contains(**p));
                let inside = inside.map(|(n, _)| n as u32).collect();
                cx.session.selection.choose_nodes(inside);
                self.brush = None;
                ui.ctx().request_repaint();
            }
        }
    }

    /// The link under a place, among those that are drawn: the chosen node's, the chosen one, and those the block
    /// came over.
    fn link_under(&self, at: Pos2, session: &Session) -> Option<Ends> {
        let (drawn, placement) = (self.drawn.as_ref()?, session.placement()?);
        let selection = &session.selection;
        let of_node = selection.node.into_iter().flat_map(|node| {
            let peers = placement.topology.neighbours(node).iter().map(move |peer| [node, *peer]);
            peers.chain(super::layers::way(session, node))
        });
        let all = of_node.chain(selection.link);
        let place = |n: u32| drawn.places.nodes.get(n as usize).copied();
        let distance = |[a, b]: Ends| Some((to_segment(at, place(a)?, place(b)?), [a, b]));
        let nearest = all.filter_map(distance).min_by(|a, b| a.0.total_cmp(&b.0))?;
        (nearest.0 < NEAR).then_some(nearest.1)
    }
}

/// Distance from a point to the segment between two others.
pub fn to_segment(point: Pos2, a: Pos2, b: Pos2) -> f32 {
    let along = b - a;
    let share = ((point - a).dot(along) / along.length_sq().max(1e-6)).clamp(0.0, 1.0);
    point.distance(a + along * share)
}

/// What a node is and how far it has got.
pub fn tip(ui: &mut Ui, session: &Session, node: u32) {
    let (Some(plan), Some(placement)) = (session.plan(), session.placement()) else { return };
    let region = placement.regions.get(node as usize).map_or(0, |r| usize::from(*r));
    let class = placement.classes.get(node as usize).map_or(0, |c| usize::from(*c));
    let hardware = plan.nodes.hardware.get(class).map_or("?", |(c, _)| c.name.as_str());
    ui.strong(format!("Node {node}"));
    ui.label(format!("{}, {hardware}", region_name(plan, region)));
    let (Some(state), Some(block)) = (session.state(node), session.block()) else { return };
    let (stage, since_ns) = Stage::of(state, session.shown_ns());
    if stage == Stage::Waiting {
        ui.label("waiting for the block");
    } else {
        let after = since_ns.saturating_sub(block.slot_start_ns);
        ui.label(format!("{} {} after the slot began", stage.name(), format::duration(after)));
    }
    if state.sender != NO_SENDER && stage != Stage::Waiting {
        ui.label(format!("first copy from node {}", state.sender));
    }
}

/// What a link is and what is on it.
pub fn link_tip(ui: &mut Ui, session: &Session, ends: Ends) {
    let [a, b] = ends;
    ui.strong(format!("Link {a} - {b}"));
    let (Some(plan), Some(placement)) = (session.plan(), session.placement()) else { return };
    let region = |node: u32| {
        let region = placement.regions.get(node as usize).map_or(0, |r| usize::from(*r));
        region_name(plan, region)
    };
    ui.label(format!("{} - {}", region(a), region(b)));
    let Some(detail) = session.snapshot().link.as_deref().filter(|l| l.ends == ends) else { return };
    ui.label(format!("{} one way", format::duration(detail.latency_ns[0])));
    ui.label(on_it(detail));
    for (node, queues) in ends.iter().zip(&detail.queues) {
        let up = total(&queues.uplink);
        if up.messages > 0 {
            ui.label(format!("node {node}'s uplink holds {} ({})", up.messages, format::bytes(up.bytes)));
        }
    }
    ui.weak("click to look closer");
}

/// What is on a link, in words.
fn on_it(detail: &LinkDetail) -> String {
    let both = total(detail.load.as_flattened());
    match both.messages {
        0 => "nothing on it now".to_owned(),
        n => format!("{n} messages wait or travel, {}", format::bytes(both.bytes)),
    }
}

/// All kinds together.
pub fn total(loads: &[Load]) -> Load {
    loads.iter().fold(Load::default(), |sum, l| Load {
        messages: sum.messages + l.messages,
        bytes: sum.bytes + l.bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn the_distance_to_a_link_is_that_to_its_nearest_point() {
        let (a, b) = (pos2(0.0, 0.0), pos2(10.0, 0.0));
        assert_eq!(to_segment(pos2(4.0, 3.0), a, b), 3.0);
        assert_eq!(to_segment(pos2(13.0, 4.0), a, b), 5.0);
        assert_eq!(to_segment(pos2(3.0, 4.0), a, a), 5.0);
    }
}
