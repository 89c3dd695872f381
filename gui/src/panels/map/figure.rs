//! The map as numbers and as a drawing.

use super::{Map, Stage};
use crate::change::region_name;
use crate::export::Exportable;
use crate::format;
use crate::session::Session;
use sim_core::observe::plot::canvas::Canvas;
use sim_core::observe::plot::map::{Place, colour_bar, draw};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::simulation::snapshot::NO_SENDER;

impl Exportable for Map {
    fn stem(&self) -> &'static str {
        "nodes"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let (plan, placement, block) = (session.plan()?, session.placement()?, session.block()?);
        let mut table = DataTable::new([
            "node",
            "region",
            "hardware",
            "stage",
            "first copy from",
            "arrived (ms)",
            "executed (ms)",
            "voted (ms)",
            "final (ms)",
            "selected",
        ]);
        let since =
            |ns: u64| Cell::maybe((ns > 0).then(|| ns.saturating_sub(block.slot_start_ns) as f64 / 1e6));
        let snapshot = session.snapshot();
        for (index, state) in snapshot.states.iter().enumerate() {
            let node = index as u32 * snapshot.states_every;
            let class = usize::from(placement.classes[node as usize]);
            let stage = if state.down { "down" } else { Stage::of(state, session.shown_ns()).0.name() };
            let sender = if state.sender == NO_SENDER { Cell::Empty } else { Cell::Int(state.sender.into()) };
            let selected = session.selection.nodes.contains(&node);
            table.push(vec![
                Cell::Int(node.into()),
                Cell::Text(region_name(plan, placement.regions[node as usize].into()).to_owned()),
                Cell::Text(plan.nodes.hardware.get(class).map_or("?", |(c, _)| c.name.as_str()).to_owned()),
                Cell::Text(stage.to_owned()),
                sender,
                since(state.arrived_ns),
                since(state.executed_ns),
                since(state.voted_ns),
                since(state.final_ns),
                Cell::Text(if selected { "yes" } else { "" }.to_owned()),
            ]);
        }
        Some(table)
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let (plan, block) = (session.plan()?, session.block()?);
        let snapshot = session.snapshot();
        let since = format::duration(session.shown_ns().saturating_sub(block.slot_start_ns));
        let executes = snapshot.regions.iter().any(|r| r.executed > 0);
        let what = if executes { "executed" } else { "received" };
        let mut canvas = Canvas::new(
            &format!("Block {} in the world", block.height),
            &format!(
                "{since} into slot {}: share of each region's nodes that have {what} it",
                block.key.slot
            ),
        );
        colour_bar(&mut canvas, &format!("{what} by"), "0 %", "100 %");
        let most = snapshot.regions.iter().map(|r| r.nodes).max().unwrap_or(1).max(1);
        let mut places = Vec::new();
        let regions = plan.network.latency.regions.iter().zip(&snapshot.regions);
        for (region, progress) in regions.filter(|(_, progress)| progress.nodes > 0) {
            let done = if executes { progress.executed } else { progress.arrived };
            let share = f64::from(done) / f64::from(progress.nodes);
            places.push(Place {
                name: region.name.clone(),
                note: format!("{} nodes, {}", format::count(progress.nodes.into()), format::percent(share)),
                latitude: region.latitude_mdeg as f64 / 1e3,
                longitude: region.longitude_mdeg as f64 / 1e3,
                radius: 3.0 + 13.0 * (f64::from(progress.nodes) / f64::from(most)).sqrt(),
                colour: paper::sequential(share),
            });
        }
        draw(&mut canvas, &places);
        Some(canvas.finish(8.0, "World map of regions and how far a block is in each."))
    }
}
