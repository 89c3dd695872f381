//! Whole simulations: determinism, exact accounting, conservation.

mod common;

use common::{broadcast, chain, plan};
use sim_core::net::message::MessageKind;
use sim_core::observe::record::RunRecord;
use sim_core::scenario::plan::*;
use sim_core::simulation::{Resources, Simulation};

fn run(plan: Plan) -> RunRecord {
    let mut simulation = Simulation::new(plan).expect("the plan is sound");
    simulation.run().expect("the run ends");
    simulation.finish()
}

#[test]
fn a_small_chain_becomes_final_everywhere() {
    let record = run(plan(60));
    assert_eq!(record.blocks.len(), 7);
    for block in &record.blocks {
        assert!(block.canonical, "{block:?}");
        assert!(block.final_quantiles_ns[3].is_some(), "{block:?}");
        assert!(block.votes_stake * 3 >= block.total_stake * 2, "{block:?}");
        assert!(block.transactions > 50, "{block:?}");
        assert!(block.gas_used <= block.gas_limit);
    }
    let included = record.transactions.iter().filter(|t| t.block.is_some()).count();
    assert!(included > 1_000, "{included} of {}", record.transactions.len());
    for t in record.transactions.iter().filter(|t| t.final_ns.is_some()) {
        assert!(t.submitted_ns < t.included_ns.unwrap() && t.included_ns <= t.final_ns, "{t:?}");
    }
}
