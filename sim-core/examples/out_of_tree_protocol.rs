//! A dissemination protocol of one's own, in one file, without touching the simulator.
//!
//! `PushK` passes a new item on to k of its neighbours, chosen at random for each item, instead of to all. It
//! runs here beside the flood it saves bytes against, over the same network with the same latencies:
//!
//! ```text
//! cargo run --release -p sim-core --example out_of_tree_protocol
//! ```
//!
//! Expect: fewer bytes than flood, in proportion to k; earlier arrivals while uplinks are what binds, because
//! there is less to queue behind; and for small k nodes that never hear of an item, because nothing repairs.

use sim_core::gossip::Dissemination;
use sim_core::gossip::flood::Flood;
use sim_core::kernel::event::Moment;
use sim_core::kernel::ids::NodeId;
use sim_core::kernel::random::{Purpose, draw};
use sim_core::net::Topology;
use sim_core::net::fabric::Fabric;
use sim_core::net::items::Slot;
use sim_core::observe::record::RunRecord;
use sim_core::observe::stats::Sample;
use sim_core::scenario::plan::Plan;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::{Resources, Simulation};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// Draws of this protocol; numbers from `FIRST_CUSTOM` on collide with nobody's.
const CHOICE: Purpose = Purpose(Purpose::FIRST_CUSTOM);

/// Push to k random neighbours.
#[derive(Clone)]
struct PushK {
    k: usize,
    topology: Arc<Topology>,
}

impl PushK {
    fn new(k: usize, fabric: &Fabric) -> Self {
        Self { k, topology: Arc::clone(fabric.topology()) }
    }

    fn push(&self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, except: NodeId) {
        // The choice depends on what the item is and on both nodes, never on the handle `slot` or on what
        // was drawn before: that is what keeps a run repeatable.
        let (seed, content) = (fabric.seed(), fabric.item(slot).id.to_bits());
        let pair = |to: u32| u64::from(node.0) << 32 | u64::from(to);
        let mut targets: Vec<u32> = self.topology.neighbours(node.0).to_vec();
        targets.retain(|to| *to != except.0);
        targets.sort_by_cached_key(|to| draw(seed, CHOICE, content, pair(*to)));
        targets.truncate(self.k);
        fabric.send_body(now, node, &targets, slot, except, false);
    }
}

impl Dissemination for PushK {
    fn start(&mut self, _: &mut Fabric) {}

    fn publish(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot) {
        self.push(fabric, now, node, slot, node);
    }

    fn forward(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, from: NodeId) {
        self.push(fabric, now, node, slot, from);
    }
}

/// A network without a chain: 256 KiB every two seconds, 1,000 nodes on office lines.
const SCENARIO: &str = r#"(
  version: 1, base: "broadcast", seed: 1,
  run: (blocks: 20, warm_up: 2),
  nodes: (count: 1000, hardware: { "attester": 100 }),
  network: (topology: RandomRegular(degree: 16)),
  consensus: Broadcast(payload: "256 KiB", poisson: false),
)"#;

fn main() -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::parse(SCENARIO, Path::new("example"), &Library::default(), &Changes::default())?;
    println!("protocol     p50 arrival  p95 arrival  never heard  sent per node");
    report("flood", run(&scenario.base, Flood::new)?);
    for k in [4, 6, 8, 12] {
        report(&format!("push to {k}"), run(&scenario.base, |fabric| PushK::new(k, fabric))?);
    }
    Ok(())
}

fn run<D: Dissemination>(
    plan: &Plan,
    protocol: impl FnOnce(&Fabric) -> D,
) -> Result<RunRecord, Box<dyn Error>> {
    let mut simulation = Simulation::with_dissemination(plan.clone(), &Resources::default(), protocol)?;
    simulation.run()?;
    Ok(simulation.finish())
}

fn report(name: &str, record: RunRecord) {
    let heard: Vec<Option<u64>> = record
        .node_blocks
        .iter()
        .map(|at| (at, &record.blocks[at.block as usize]))
        .filter(|(_, block)| block.measured)
        .filter_map(|(at, block)| at.arrived_ns.map(|ns| Some(ns - block.slot_start_ns)))
        .collect();
    // A node that never heard of an item leaves no row; it still counts.
    let awaited = record.nodes.len() * record.blocks.iter().filter(|b| b.measured).count();
    let silent = awaited - heard.len();
    let arrivals: Sample = heard.into_iter().chain(std::iter::repeat_n(None, silent)).collect();
    let ms = |permille| match arrivals.percentile(permille) {
        Some(ns) => format!("{:.0} ms", ns as f64 / 1e6),
        None => "never".to_owned(),
    };
    let never = 100.0 * arrivals.missing() as f64 / arrivals.len() as f64;
    let sent: u64 = record.nodes.iter().flat_map(|n| n.sent_bytes).sum();
    let sent_mib = sent as f64 / record.nodes.len() as f64 / f64::from(1 << 20);
    println!("{name:<12} {:>11}  {:>11}  {never:>9.2} %  {sent_mib:>9.1} MiB", ms(500), ms(950));
}
