//! Rollups on an L1 of slots: nothing is lost, labels come in order, the bound of the L1 holds.

use sim_core::chain::fee_market::blob::GAS_PER_BLOB;
use sim_core::observe::record::{Fate, RunRecord};
use sim_core::scenario::plan::{Change, Plan};
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::collections::BTreeMap;
use std::path::Path;

/// A small network with a fleet; `rollups` is the fleet's text, `set` changes the scenario.
fn plan(rollups: &str, set: &[&str]) -> Plan {
    let text = format!(
        "(version: 1, seed: 11, run: (blocks: 12, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty, \
         rollups: [{rollups}])"
    );
    let set = set.iter().map(ToString::to_string).collect();
    let changes = Changes { set, ..Changes::default() };
    let scenario = Scenario::parse(&text, Path::new("test.ron"), &Library::default(), &changes);
    scenario.unwrap_or_else(|e| panic!("{e}")).base
}

fn run(plan: Plan) -> RunRecord {
    let mut simulation = Simulation::new(plan).expect("a sound plan");
    simulation.run().expect("it runs");
    simulation.finish()
}

/// A fleet whose batches are due within a few slots.
const QUICK: &str = "Fleet(count: 6, preset: \"zk-realtime\", shares: Zipf(1.0), demand: (rate: \"12 tx/s\"), \
                     sequencers: 2, batch: (max_delay: \"20 s\", compression: 5, max_blob_fee: \"50 gwei\"))";

#[test]
fn every_transaction_ends_in_exactly_one_fate_and_none_is_lost() {
    let fleet = "Fleet(count: 3, preset: \"arbitrum-like\", demand: (rate: \"60 tx/s\"), sequencers: 1, \
                 gas_limit: \"150000 gas\", queue: 40, timeout: \"4 s\", batch: (max_delay: \"20 s\", compression: 4))";
    let record = run(plan(fleet, &[]));
    let fleet = &record.rollups.fleets[0];
    let dropped: u64 = fleet.dropped.iter().sum();
    assert!(fleet.submitted > 5_000 && fleet.included > 1_000, "{fleet:?}");
    assert!(fleet.dropped[0] > 100, "an overloaded queue turns some away: {fleet:?}");
    assert_eq!(fleet.submitted, fleet.included + fleet.queued + fleet.travelling + dropped);
    assert_eq!(record.rollups.transactions.len() as u64, fleet.submitted);
    // What is in batches and channels is what was executed, transaction by transaction.
    let batched: u64 = record.rollups.batches.iter().map(|b| u64::from(b.transactions)).sum();
    let in_batches = record.rollups.transactions.iter().filter(|t| t.posted_ns.is_some()).count() as u64;
    assert!(in_batches > 0 && in_batches <= batched && batched <= fleet.included);
    for tx in &record.rollups.transactions {
        assert_eq!(tx.executed_ns.is_some(), tx.fate == Fate::Included);
    }
}

#[test]
fn labels_come_in_their_order() {
    let record = run(plan(QUICK, &[]));
    let (mut posted, mut proven) = (0, 0);
    for tx in record.rollups.transactions.iter().filter(|t| t.fate == Fate::Included) {
        let times =
            [Some(tx.submitted_ns), tx.received_ns, tx.executed_ns, tx.posted_ns, tx.final_ns, tx.proven_ns];
        let known: Vec<u64> = times.iter().flatten().copied().collect();
        assert!(known.is_sorted(), "{tx:?}");
        // No later label without the earlier ones.
        let first_gap = times.iter().position(Option::is_none).unwrap_or(times.len());
        assert!(times[first_gap..].iter().all(Option::is_none), "{tx:?}");
        assert!(tx.soft_ns.is_none_or(|soft| soft >= tx.executed_ns.expect("executed")));
        posted += usize::from(tx.posted_ns.is_some());
        proven += usize::from(tx.proven_ns.is_some());
    }
    assert!(posted > 500 && proven > 100, "{posted} {proven}");
}

#[test]
fn blocks_never_hold_more_than_the_most_blobs_and_prices_follow_the_rule() {
    // Ten times the demand the L1 can take: blocks are full.
    let fleet = "Fleet(count: 40, preset: \"op-like\", demand: (rate: \"40 tx/s\"), sequencers: 4, \
                 batch: (max_delay: \"5 s\", compression: 1, max_blob_fee: \"50 gwei\"), proof: Off)";
    let record = run(plan(fleet, &["chain.blobs=(target: 2, max: 3, excess: 100000000)"]));
    let blobs = &record.rollups.blob_blocks;
    assert!(blobs.iter().all(|b| b.blobs <= 3 && b.max == 3));
    assert!(blobs.iter().filter(|b| b.blobs == 3).count() > 5, "{blobs:?}");
    assert!(record.rollups.fleets[0].waiting_to_post > 0);
    let rules = record.plan.chains[0].blobs.clone().expect("blobs");
    let headers: BTreeMap<u32, u64> =
        record.blocks.iter().filter(|b| b.canonical).map(|b| (b.slot, b.base_fee_wei)).collect();
    let chain: Vec<_> = blobs.iter().filter(|b| b.canonical).collect();
    for pair in chain.windows(2) {
        let expected = rules.next_excess(pair[0].excess, pair[0].blobs, headers[&pair[0].slot]);
        assert_eq!(pair[1].excess, expected);
        assert_eq!(pair[1].blob_fee_wei, rules.market.fee_wei(expected));
    }
    // Posted bytes a second stay below the bound.
    let posted: u64 =
        record.rollups.batches.iter().filter(|b| b.slot.is_some()).map(|b| b.compressed_bytes).sum();
    let slots = chain.len() as u64;
    assert!(posted <= slots * 3 * GAS_PER_BLOB);
    assert!(posted / (slots * 12) <= rules.market.bytes_per_s(12_000_000_000)[1]);
}

#[test]
fn little_s_law_holds_at_the_sequencers() {
    let record = run(plan(QUICK, &[]));
    let fleet = &record.rollups.fleets[0];
    // Sum of times in the queue, those still there counted to the end.
    let inside = record.rollups.transactions.iter().filter_map(|tx| {
        let from = tx.received_ns?;
        match tx.fate {
            Fate::Included => Some(u128::from(tx.executed_ns? - from)),
            Fate::Queued => Some(u128::from(record.end_ns - from)),
            Fate::Travelling | Fate::Dropped(_) => None,
        }
    });
    let sum: u128 = inside.sum();
    // L = lambda W over the whole run, both sides times its length: an identity, so no tolerance.
    assert_eq!(fleet.queue_area, sum);
    assert!(sum > 0);
}

#[test]
fn equal_plans_give_equal_digests_in_one_two_or_three_partitions_and_after_a_restore() {
    let whole = run(plan(QUICK, &[]));
    for partitions in ["run.partitions=2", "run.partitions=3"] {
        let record = run(plan(QUICK, &[partitions]));
        assert_eq!(record.digest, whole.digest, "{partitions}");
    }
    let mut simulation = Simulation::new(plan(QUICK, &[])).expect("a sound plan");
    simulation.run_until(sim_core::kernel::time::SimTime(60_000_000_000), u64::MAX).expect("it runs");
    let saved = simulation.checkpoint();
    simulation.run().expect("it runs");
    simulation.restore(&saved);
    simulation.run().expect("it runs");
    assert_eq!(simulation.finish().digest, whole.digest);
}

#[test]
fn a_change_of_load_takes_hold_and_an_outage_loses_no_count() {
    let mut simulation = Simulation::new(plan(QUICK, &[])).expect("a sound plan");
    simulation.run_until(sim_core::kernel::time::SimTime(50_000_000_000), u64::MAX).expect("it runs");
    simulation.apply(Change::Load { factor_ppm: 3_000_000 }).expect("a sound change");
    simulation.run().expect("it runs");
    let record = simulation.finish();
    let base = run(plan(QUICK, &[]));
    let sent = |r: &RunRecord, from_s: u64, to_s: u64| {
        let inside = |ns: u64| (from_s * 1_000_000_000..to_s * 1_000_000_000).contains(&ns);
        r.rollups.transactions.iter().filter(|t| inside(t.submitted_ns)).count() as f64
    };
    assert_eq!(sent(&record, 0, 50), sent(&base, 0, 50));
    let ratio = sent(&record, 50, 150) / sent(&base, 50, 150);
    // About 1,200 and 3,600 Poisson arrivals: three standard errors of the ratio are 0.3.
    assert!((2.7..3.3).contains(&ratio), "{ratio}");
    let replayed = run(Plan { interventions: record.plan.interventions.clone(), ..plan(QUICK, &[]) });
    assert_eq!(replayed.digest, record.digest);
}

#[test]
fn shared_blobs_carry_more_rollups_through_the_same_bound() {
    let fleet = |sharing: bool| {
        format!(
            "Fleet(count: 60, preset: \"op-like\", demand: (rate: \"20 tx/s\"), sequencers: 2, \
             batch: (max_delay: \"10 s\", compression: 5, sharing: {sharing}), proof: Off)"
        )
    };
    let small = ["chain.blobs=(target: 1, max: 2)"];
    let posted = |sharing| run(plan(&fleet(sharing), &small)).rollups.fleets[0].posted_something;
    let (alone, shared) = (posted(false), posted(true));
    // Two blobs a slot, 15 slots: at most 30 rollups alone; together they fit into a few blobs.
    assert!(alone <= 30 && shared == 60, "{alone} {shared}");
}

#[test]
fn idle_rollups_cost_four_bytes_and_nothing_happens_to_them() {
    let fleet = |count: u32| {
        format!("Fleet(count: {count}, shares: Equal, demand: (rate: \"1 tx/s\"), sequencers: 1, proof: Off)")
    };
    let few = run(plan(&fleet(1_000), &[]));
    let many = run(plan(&fleet(1_000_000), &[]));
    let [a, b] = [&few, &many].map(|r| &r.rollups.fleets[0]);
    assert!(b.active < 300 && b.rollups == 1_000_000);
    assert_eq!(a.submitted, b.submitted);
    // A place of four bytes each; what the active hold differs little.
    assert!(b.heap_bytes - a.heap_bytes < 999_000 * 4 + 200_000, "{} {}", a.heap_bytes, b.heap_bytes);
    assert!(many.events < few.events + 5_000, "{} {}", few.events, many.events);
}

#[test]
fn calldata_is_used_where_it_is_cheaper() {
    let fleet = "Fleet(preset: \"op-like\", demand: (rate: \"1 tx/s\"), batch: (max_delay: \"20 s\", \
                 compression: 5, data: Cheaper(\"100 kB\"), max_blob_fee: \"1 eth\"), proof: Off)";
    // Blob gas at e^40 wei: a blob costs far more than a few kilobytes of calldata.
    let dear = run(plan(fleet, &["chain.blobs=(schedule: \"bpo2\", excess: 467000000)"]));
    let cheap = run(plan(fleet, &[]));
    assert!(dear.rollups.batches.iter().any(|b| b.slot.is_some()));
    assert!(dear.rollups.batches.iter().all(|b| b.blobs == 0));
    assert!(cheap.rollups.batches.iter().all(|b| b.blobs == 1));
}
