//! The light cone as numbers and as a drawing.

use super::{Directions, Graph, horizon_ns};
use crate::change::region_name;
use crate::export::Exportable;
use crate::panels::map::Stage;
use crate::session::Session;
use crate::session::ways::Ways;
use crate::theme;
use eframe::egui::Vec2;
use sim_core::observe::plot::canvas::Canvas;
use sim_core::observe::plot::svg::{Anchor, TextStyle};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::simulation::snapshot::NO_SENDER;
use std::f32::consts::TAU;

impl Exportable for Graph {
    fn stem(&self) -> &'static str {
        "light-cone"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let (plan, placement, block) = (session.plan()?, session.placement()?, session.block()?);
        let snapshot = session.snapshot();
        let ways = Ways::new(snapshot, session.shown_ns());
        let mut table = DataTable::new([
            "node",
            "region",
            "since publication (ms)",
            "first copy from",
            "hops",
            "selected",
        ]);
        for (index, state) in snapshot.states.iter().enumerate() {
            let node = index as u32 * snapshot.states_every;
            if state.arrived_ns == 0 || state.arrived_ns > session.shown_ns() {
                continue;
            }
            let hops = ways.as_ref().filter(|w| w.holds(node)).map(|w| w.depth[node as usize]);
            let sender = if state.sender == NO_SENDER { Cell::Empty } else { Cell::Int(state.sender.into()) };
            let selected = session.selection.nodes.contains(&node);
            table.push(vec![
                Cell::Int(node.into()),
                Cell::Text(region_name(plan, placement.regions[node as usize].into()).to_owned()),
                Cell::Num(state.arrived_ns.saturating_sub(block.published_ns) as f64 / 1e6),
                sender,
                hops.map_or(Cell::Empty, |h| Cell::Int(h.into())),
                Cell::Text(if selected { "yes" } else { "" }.to_owned()),
            ]);
        }
        Some(table)
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let (plan, placement, block) = (session.plan()?, session.placement()?, session.block()?);
        let directions = Directions::new(plan, placement, 0);
        let snapshot = session.snapshot();
        let shown_ns = session.shown_ns();
        let horizon_ns = horizon_ns(block, shown_ns.saturating_sub(block.published_ns));
        let mut canvas = Canvas::new(
            &format!("Light cone of block {}", block.height),
            "Distance from the middle: time since publication; direction: region, west on the left",
        );
        let (middle, rim) = ((paper::WIDTH / 2.0, canvas.top + 340.0), 300.0);
        for ring in 1..=4 {
            let radius = rim * f64::from(ring) / 4.0;
            let circle: Vec<(f64, f64)> = (0..=72)
                .map(|step| Vec2::angled(TAU * step as f32 / 72.0))
                .map(|v| (middle.0 + f64::from(v.x) * radius, middle.1 + f64::from(v.y) * radius))
                .collect();
            canvas.svg.polyline(&circle, paper::GRID, 1.0, "");
            let text = format!("{} ms", horizon_ns / 4 * u64::from(ring as u32) / 1_000_000);
            let at = (middle.0 + 3.0, middle.1 - radius + 12.0);
            canvas.svg.text(at, TextStyle::NOTE.halo(), &text);
        }
        let place = |node: u32| {
            let state = session.state(node);
            let arrived = state.map_or(0, |s| s.arrived_ns).saturating_sub(block.published_ns);
            let arrived = if node == block.key.proposer { 0 } else { arrived };
            let radius = rim * (arrived as f64 / horizon_ns as f64).min(1.0);
            let direction = directions.nodes[node as usize];
            (middle.0 + f64::from(direction.x) * radius, middle.1 + f64::from(direction.y) * radius)
        };
        let there =
            snapshot.states.iter().enumerate().filter(|(_, s)| s.arrived_ns > 0 && s.arrived_ns <= shown_ns);
        let there: Vec<u32> = there.map(|(index, _)| index as u32 * snapshot.states_every).collect();
        for node in &there {
            let sender = session.state(*node).map(|s| s.sender).filter(|s| *s != NO_SENDER);
            if let Some(sender) = sender.filter(|s| session.state(*s).is_some()) {
                canvas.svg.line(place(sender), place(*node), paper::AXIS, 0.35, "");
            }
        }
        for node in &there {
            let stage = session.state(*node).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
            let colour = theme::hex(stage.colour(&theme::LIGHT));
            canvas.svg.circle(place(*node), 2.6, &colour, 1.0, &format!("node {node}: {}", stage.name()));
        }
        for (region, angle, _) in directions.sectors.iter().filter(|(_, _, half)| *half > 0.07) {
            let direction = Vec2::angled(*angle);
            let at = (
                middle.0 + f64::from(direction.x) * (rim + 12.0),
                middle.1 + f64::from(direction.y) * (rim + 12.0),
            );
            let anchor = match direction.x {
                x if x > 0.35 => Anchor::Start,
                x if x < -0.35 => Anchor::End,
                _ => Anchor::Middle,
            };
            canvas.svg.text((at.0, at.1 + 4.0), TextStyle::NOTE.at(anchor), region_name(plan, *region));
        }
        canvas.top += 680.0;
        Some(canvas.finish(8.0, "Every node at the time at which a block came to it."))
    }
}
