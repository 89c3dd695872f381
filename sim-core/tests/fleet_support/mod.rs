//! A fleet on a small quiet network, as text and as a run.

use sim_core::observe::record::RunRecord;
use sim_core::scenario::plan::Plan;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::path::Path;

/// The plan of a fleet, given as text, for so many blocks of the L1; or why there is none.
pub fn parse(blocks: u32, fleet: &str) -> Result<Plan, String> {
    let text = format!(
        "(version: 1, seed: 5, run: (blocks: {blocks}, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty,\n\
         rollups: [Fleet({fleet})])"
    );
    let scenario = Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &Changes::default());
    scenario.map(|scenario| scenario.base).map_err(|error| error.to_string())
}

/// The record of a run to its end.
pub fn run(plan: Plan) -> RunRecord {
    let mut simulation = Simulation::new(plan).expect("a sound plan");
    simulation.run().expect("it runs");
    simulation.finish()
}
