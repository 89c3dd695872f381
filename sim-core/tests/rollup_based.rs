//! Rollups sequenced by the proposers of the L1: nothing is lost, nothing counts twice, the L1 decides.

use sim_core::observe::record::{Fate, RunRecord};
use sim_core::scenario::plan::{Change, Intervention, Plan, Scope};
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn scenario(fleet: &str, set: &[&str]) -> Result<Plan, String> {
    let text = format!(
        "(version: 1, seed: 11, run: (blocks: 16, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty, \
         rollups: [Fleet({fleet})])"
    );
    let set = set.iter().map(ToString::to_string).collect();
    let changes = Changes { set, ..Changes::default() };
    let scenario = Scenario::parse(&text, Path::new("test.ron"), &Library::default(), &changes);
    scenario.map(|s| s.base).map_err(|e| e.to_string())
}

fn run(fleet: &str, set: &[&str]) -> RunRecord {
    let mut simulation =
        Simulation::new(scenario(fleet, set).unwrap_or_else(|e| panic!("{e}"))).expect("sound");
    simulation.run().expect("it runs");
    simulation.finish()
}

const BASED: &str = "count: 4, preset: \"based\", demand: (rate: \"8 tx/s\", accounts: 300)";

/// Everything submitted has one fate; what is included is posted on the winning chain, a batch a slot at most.
fn check(record: &RunRecord) {
    let fleet = &record.rollups.fleets[0];
    let dropped: u64 = fleet.dropped.iter().sum();
    assert_eq!(fleet.submitted, fleet.included + fleet.queued + fleet.travelling + dropped, "{fleet:?}");
    let winning = record.rollups.batches.iter().filter(|b| b.slot.is_some());
    let mut slots = BTreeMap::new();
    for batch in winning.clone() {
        // One made for a slot is in that slot's block or in none.
        assert_eq!(batch.slot, Some(batch.number));
        assert!(slots.insert((batch.rollup, batch.number), batch).is_none());
    }
    let held: u64 = winning.map(|batch| u64::from(batch.transactions)).sum();
    assert!(held >= fleet.included, "void batches aside, what is included is in batches");
    for tx in record.rollups.transactions.iter().filter(|tx| tx.fate == Fate::Included) {
        assert_eq!(tx.soft_ns, None, "nobody confirms before the L1");
        let executed_ns = tx.executed_ns.expect("it is executed");
        assert!(tx.received_ns.expect("it was received") <= executed_ns);
        assert!(tx.posted_ns.is_none_or(|ns| ns > executed_ns));
    }
}

#[test]
fn what_people_send_is_on_the_l1_with_the_next_slot() {
    let record = run(BASED, &[]);
    check(&record);
    let fleet = &record.rollups.fleets[0];
    assert!(fleet.included > 1_000 && fleet.included * 10 > fleet.submitted * 9, "{fleet:?}");
    // Handed in at any time of a slot, it waits half a slot and the lead; then the block travels and is executed.
    let waits: Vec<f64> = record
        .rollups
        .transactions
        .iter()
        .filter(|tx| tx.measured)
        .filter_map(|tx| Some((tx.posted_ns? - tx.submitted_ns) as f64 / 1e9))
        .collect();
    let mean = waits.iter().sum::<f64>() / waits.len() as f64;
    assert!(waits.len() > 500 && (7.0..10.5).contains(&mean), "{mean} s over {}", waits.len());
}

#[test]
fn a_lost_block_of_the_l1_takes_its_batches_with_it_and_their_transactions_come_again() {
    // A network too slow for its blocks and blobs: some blocks of the L1 lose.
    let slow = ["network.bandwidth=0.15x", "chain.slot=1 s", "chain.attest_by=400 ms", "run.blocks=60"];
    let fleet = "count: 3, preset: \"based\", sequencing: Based(lead: \"200 ms\"), \
                 demand: (rate: \"300 tx/s\", accounts: 3000), batch: (compression: 1)";
    let record = run(fleet, &slow);
    check(&record);
    let lost = record.rollups.blob_blocks.iter().filter(|b| !b.canonical && b.offers > 0).count();
    assert!(lost > 0, "some blocks with batches lost");
    let fleet = &record.rollups.fleets[0];
    assert!(fleet.included * 10 > fleet.submitted * 9, "what they held came again: {fleet:?}");
}

#[test]
fn after_an_outage_of_all_nodes_proposers_build_again() {
    let plan = scenario(BASED, &[]).unwrap_or_else(|e| panic!("{e}"));
    let at = |ms: u64, change| Intervention { at_ns: ms * 1_000_000, change };
    // Longer than the lead, over the beginning of a slot.
    let interventions =
        vec![at(46_000, Change::Kill { of: Scope::All }), at(49_000, Change::Restore { of: Scope::All })];
    let mut simulation = Simulation::new(Plan { interventions, ..plan }).expect("sound");
    simulation.run().expect("it runs");
    let record = simulation.finish();
    check(&record);
    let slots: BTreeSet<u32> = record.rollups.batches.iter().filter_map(|batch| batch.slot).collect();
    assert!((6..=16).all(|slot| slots.contains(&slot)), "{slots:?}");
    let fleet = &record.rollups.fleets[0];
    assert!(fleet.included * 10 > fleet.submitted * 8, "{fleet:?}");
}

#[test]
fn a_based_rollup_refuses_what_only_a_sequencer_could_do() {
    for (field, found) in [
        ("market: (arbitrageurs: 1)", "a based rollup takes no `market`"),
        ("flashblock: \"200 ms\"", "a based rollup takes no `flashblock`"),
        ("order: Timeboost()", "a based rollup takes no `order`"),
        ("batch: (data: Calldata(\"100 kB\"))", "a based rollup takes no `batch.data`"),
        ("sequencing: Based(lead: \"12 s\")", "sequencing.lead"),
    ] {
        let message = scenario(&format!("preset: \"based\", {field}"), &[]).expect_err(field);
        assert!(message.contains(found), "{field}: {message}");
    }
    let plan = scenario("preset: \"op-like\", sequencing: Based()", &[]).expect("any design can be based");
    assert_eq!(plan.rollups[0].rules.block_ns, 12_000_000_000);
    let plan =
        scenario("preset: \"based\", sequencing: Own, block: \"2 s\"", &[]).expect("and the other way");
    assert_eq!(plan.rollups[0].rules.block_ns, 2_000_000_000);
}
