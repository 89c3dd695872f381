//! Two chains over one network: the same machines, links and processors carry both.
//!
//! ```text
//! cargo run --release -p sim-core --example two_chains
//! ```
//!
//! First alone, then beside a second chain whose blocks are large: what does a neighbour on the same uplinks
//! cost? Chains are plural in a scenario, too: see `chains` in `headless explain chains`.

use sim_core::observe::record::RunRecord;
use sim_core::observe::stats::Sample;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::error::Error;
use std::path::Path;

/// 200 machines; a further chain starts from the values above it.
const SCENARIO: &str = r#"(
  version: 1, base: "ethereum-2026", seed: 2,
  run: (blocks: 12, warm_up: 2),
  nodes: (count: 200),
  chain: (slot: "2 s", attest_by: "1 s", gas_limit: "30 Mgas"),
  workload: Users(rate: "100 tx/s", hot_spot: Zipf(0.8), mix: { "transfer": 50, "erc20": 50 }),
  chains: [(name: "payloads", consensus: Broadcast(payload: "1 MiB", interval: "2 s"), workload: Empty)],
)"#;

fn main() -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::parse(SCENARIO, Path::new("example"), &Library::default(), &Changes::default())?;
    let together = scenario.base;
    let mut alone = together.clone();
    alone.chains.truncate(1);
    for (name, plan) in [("alone", alone), ("together", together)] {
        let chains: Vec<String> = plan.chains.iter().map(|c| c.name.clone()).collect();
        let mut simulation = Simulation::new(plan)?;
        simulation.run()?;
        let record = simulation.finish();
        for (index, chain) in chains.iter().enumerate() {
            println!("{name:<10} {}", line(&record, index as u32, chain));
        }
    }
    Ok(())
}

/// When a chain's blocks were received (and, where they are executed, verified) by its nodes.
fn line(record: &RunRecord, chain: u32, name: &str) -> String {
    let of_chain = || {
        let blocks = record.node_blocks.iter().map(|at| (at, &record.blocks[at.block as usize]));
        blocks.filter(|(_, b)| b.chain == chain && b.measured)
    };
    let arrived: Sample = of_chain().map(|(at, b)| at.arrived_ns.map(|ns| ns - b.slot_start_ns)).collect();
    let ms = |ns: Option<u64>| ns.map_or("never".to_owned(), |ns| format!("{:.0} ms", ns as f64 / 1e6));
    let timely: u64 = record.nodes.iter().map(|n| n.votes_timely).sum();
    let due: u64 = record.nodes.iter().map(|n| n.votes_due).sum();
    let votes = if of_chain().any(|(at, _)| at.verified_ns.is_some()) {
        format!(", {:.1} % of votes in time", 100.0 * timely as f64 / due.max(1) as f64)
    } else {
        String::new()
    };
    format!(
        "chain {name:<9} blocks arrive after {} (median), {} (p95){votes}",
        ms(arrived.percentile(500)),
        ms(arrived.percentile(950))
    )
}
