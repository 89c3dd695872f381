//! Whatever fleet: after every block every token and all ether of its rollup is accounted for.
//!
//! The run itself ends with an error where it is not (which `simulation::world` checks by forging a wei); here random
//! fleets are run to their ends, and what was checked is held against what happened.

use proptest::prelude::*;
use sim_core::observe::record::RunRecord;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::path::Path;

fn run(fleet: &str) -> Result<RunRecord, String> {
    let text = format!(
        "(version: 1, seed: 29, run: (blocks: 10, warm_up: 0), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty,\n\
         rollups: [Fleet({fleet})])"
    );
    let scenario = Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &Changes::default());
    let mut simulation =
        Simulation::new(scenario.map_err(|e| e.to_string())?.base).map_err(|e| e.to_string())?;
    simulation.run().map_err(|error| format!("{error} ({text})"))?;
    Ok(simulation.finish())
}

fn any_mix() -> impl Strategy<Value = String> {
    prop::array::uniform5(0_u32..40).prop_map(|mut w| {
        // Where there is a market somebody swaps.
        w[2] += 1;
        let kinds = ["transfer", "erc20", "swap", "mint", "compute"];
        let named = kinds.iter().zip(w).filter(|(_, w)| *w > 0);
        let parts: Vec<String> = named.map(|(kind, w)| format!("\"{kind}\": {w}")).collect();
        format!("mix: {{ {} }}", parts.join(", "))
    })
}

fn any_order() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("FirstCome"), Just("PriorityFee"), Just("Timeboost()")]
}

/// Fields that only a fleet with sequencers takes.
fn any_sequenced() -> impl Strategy<Value = String> {
    let preset = prop_oneof![Just("op-like"), Just("arbitrum-like"), Just("base-like"), Just("zk-realtime")];
    let liquidity = prop_oneof![Just(""), Just("liquidity: Equal, "), Just("liquidity: Zipf(1.0), ")];
    let market = prop_oneof![
        Just(""),
        Just("market: (volatility: 0.5, arbitrageurs: 2), "),
        Just("market: (volatility: 0.5, worth_eth: 500, searchers: (count: 2)), "),
    ];
    let bridges = prop_oneof![
        Just(""),
        Just("bridges: [Interop()], travellers: [(policy: Bridge(), rate: \"1 tx/s\")], "),
        Just(
            "bridges: [Intents(inventory: 0.01, repay: \"10 s\")], travellers: [(policy: Route(chains: 2), rate: \"1 tx/s\")], "
        ),
        Just(
            "bridges: [Canonical()], proof: On(latency: \"2 s\", window: \"4 s\"), \
              travellers: [(policy: Move(), rate: \"1 tx/s\")], "
        ),
    ];
    let queue = prop_oneof![Just(0_u32), 2_u32..40];
    (preset, any_order(), liquidity, market, bridges, queue).prop_map(
        |(preset, order, liquidity, market, bridges, queue)| {
            format!("preset: \"{preset}\", order: {order}, queue: {queue}, {liquidity}{market}{bridges}")
        },
    )
}

fn any_based() -> impl Strategy<Value = String> {
    (prop_oneof![Just("FirstCome"), Just("PriorityFee")], 100_u32..4_000).prop_map(|(order, lead)| {
        format!("preset: \"based\", order: {order}, sequencing: Based(lead: \"{lead} ms\"), ")
    })
}

proptest! {
    // Each case is a whole run.
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]
    #[test]
    fn over_random_fleets_nothing_is_made_or_lost_after_any_block(
        fleet in prop_oneof![4 => any_sequenced(), 1 => any_based()], mix in any_mix(), count in 2_u32..6,
        rate in 1_u32..12, base_fee in prop_oneof![Just("1 wei"), Just("7 wei"), Just("0.02 gwei")],
    ) {
        let text = format!(
            "count: {count}, {fleet}sequencers: 2, base_fee: \"{base_fee}\", \
             demand: (rate: \"{rate} tx/s\", {mix}, instances: 2, accounts: 40), \
             batch: (max_delay: \"15 s\", compression: 1)"
        );
        let record = run(&text).map_err(TestCaseError::fail)?;
        let (fleet, found) = (&record.rollups.fleets[0], &record.rollups.conservation[0]);
        // A block may be under execution when the run ends, and batches may be lost.
        prop_assert!(fleet.blocks > 0 && found.blocks >= fleet.blocks, "{found:?} {fleet:?}");
        // Every used rollup's whole state at the end, and after its first block and its second.
        prop_assert!(found.states >= fleet.active + fleet.executed_something);
        // Where payments are followed, they are what was burnt and what was tipped, but for blocks that do not count yet.
        if let Some(books) = &fleet.books {
            prop_assert!(books.base_wei <= found.burnt_wei && books.tips_wei <= found.tips_wei);
            let open = u128::from(found.blocks - fleet.blocks);
            prop_assert!(open > 0 || (books.base_wei, books.tips_wei) == (found.burnt_wei, found.tips_wei));
        }
    }
}

#[test]
fn a_report_says_after_how_many_blocks_everything_was_accounted_for() {
    let record = run("count: 3, preset: \"op-like\", demand: (rate: \"3 tx/s\")").unwrap();
    let found = record.rollups.conservation[0];
    assert_eq!(found.chain, 1);
    assert!(found.burnt_wei > 0 && found.tips_wei > 0);
    let lines = sim_core::observe::rollups::lines(&record);
    let line = lines.iter().find(|line| line.contains("accounted for to the unit")).expect("it is said");
    assert!(line.contains(&format!("{} wei burnt", found.burnt_wei)), "{line}");
}
