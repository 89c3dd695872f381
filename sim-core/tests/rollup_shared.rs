//! One sequencer for several rollups: bundles are whole or absent, an outage halves none, what fails is counted.

mod fleet_support;
mod outage_support;

use fleet_support::{parse, run};
use outage_support::{sequencer, with_outage};
use sim_core::observe::record::{Fate, Outcome, RollupTxRecord, RunRecord};
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Simulation;
use std::collections::{BTreeMap, BTreeSet};

const SECOND: u64 = 1_000_000_000;
const INCLUSION: &str = "Shared(atomic: Inclusion)";
const EXECUTION: &str = "Shared(atomic: Execution)";

/// Four rollups whose people move prices, and some who trade on all of them at once with little room for that.
fn fleet(sequencing: &str, more: &str) -> String {
    format!(
        "count: 4, preset: \"shared\", sequencing: {sequencing}, followers: 0, liquidity: Equal, proof: Off, \
         demand: (rate: \"8 tx/s\", mix: {{ \"swap\": 100 }}, instances: 2, accounts: 100, hot_spot: Uniform, \
         trade: (median: 0.0003, p90: 5)), batch: (max_delay: \"20 s\", compression: 1), \
         travellers: [(policy: Together(chains: 4, hop_cost_ppb: 0), rate: \"2 tx/s\", value: 0.002, value_p90: 2, \
         slippage: 0.002, deadline: \"20 s\", accounts: 40)]{more}"
    )
}

fn plan(sequencing: &str, more: &str) -> Plan {
    parse(15, &fleet(sequencing, more)).unwrap_or_else(|error| panic!("{error}"))
}

fn bundles(record: &RunRecord) -> BTreeMap<u64, Vec<&RollupTxRecord>> {
    let mut found: BTreeMap<u64, Vec<&RollupTxRecord>> = BTreeMap::new();
    for tx in &record.rollups.transactions {
        if let Some(bundle) = tx.bundle {
            found.entry(bundle).or_default().push(tx);
        }
    }
    found
}

/// Every bundle is in the blocks of one tick or in none, and all of it has the same fate; how many are in blocks.
fn whole_or_absent(record: &RunRecord) -> usize {
    let mut included = 0;
    let all = bundles(record);
    for parts in all.values() {
        let fates: BTreeSet<String> = parts.iter().map(|tx| format!("{:?}", tx.fate)).collect();
        assert_eq!(fates.len(), 1, "{parts:?}");
        // The blocks of a tick are confirmed at one time, and those of two ticks never are.
        let times: BTreeSet<Option<u64>> = parts.iter().map(|tx| tx.executed_ns).collect();
        assert_eq!(times.len(), 1, "{parts:?}");
        let rollups: BTreeSet<u32> = parts.iter().map(|tx| tx.rollup).collect();
        assert!(parts.len() > 1 && rollups.len() == parts.len(), "{parts:?}");
        included += usize::from(parts[0].fate == Fate::Included);
    }
    let fleet = &record.rollups.fleets[0];
    assert_eq!((fleet.bundles, fleet.bundles_included), (all.len() as u64, included as u64));
    let dropped: u64 = fleet.dropped.iter().sum();
    assert_eq!(fleet.submitted, fleet.included + fleet.queued + fleet.travelling + dropped, "{fleet:?}");
    included
}

fn outcomes(record: &RunRecord, outcome: Outcome) -> usize {
    record.rollups.trips.iter().filter(|trip| trip.outcome == Some(outcome)).count()
}

fn reverted(tx: &&RollupTxRecord) -> bool {
    tx.trade.is_some_and(|trade| trade.cost_ppb.is_none())
}

#[test]
fn with_inclusion_a_bundle_is_whole_or_absent_and_its_parts_revert_one_by_one() {
    let record = run(plan(INCLUSION, ""));
    assert!(whole_or_absent(&record) > 150);
    assert!(outcomes(&record, Outcome::Done) > 10 && outcomes(&record, Outcome::Partial) > 10);
    for trip in record.rollups.trips.iter().filter(|trip| trip.outcome == Some(Outcome::Partial)) {
        assert!(trip.through > 0.0 && trip.through < 1.0 && trip.paid_wei > 0 && trip.loss.is_none());
    }
    let mut parts = bundles(&record).into_values().flatten();
    assert!(parts.any(|tx| reverted(&tx)));
}

#[test]
fn with_execution_nothing_of_a_bundle_reverts_and_those_that_would_pay_nothing() {
    let record = run(plan(EXECUTION, ""));
    assert!(whole_or_absent(&record) > 10);
    assert_eq!(outcomes(&record, Outcome::Partial), 0);
    let parts: Vec<_> = bundles(&record).into_values().flatten().collect();
    assert!(!parts.iter().any(reverted));
    let failed: Vec<_> =
        record.rollups.trips.iter().filter(|trip| trip.outcome == Some(Outcome::Slippage)).collect();
    // A part that stands alone is no bundle: it may revert and pays for it.
    let of_bundles: Vec<_> = failed.iter().filter(|trip| trip.legs > 1).collect();
    assert!(of_bundles.len() > 10, "{}", of_bundles.len());
    assert!(of_bundles.iter().all(|trip| trip.paid_wei == 0 && trip.through == 0.0));
    assert_eq!(
        record.rollups.fleets[0].dropped[4],
        parts.iter().filter(|t| t.fate == Fate::Dropped(4)).count() as u64
    );
    // The same people, sent by themselves: what is executed again costs time.
    let inclusion = run(plan(INCLUSION, ""));
    let per_block =
        |r: &RunRecord| r.rollups.fleets[0].execution_ns as f64 / r.rollups.fleets[0].blocks as f64;
    assert!(per_block(&record) > per_block(&inclusion), "{} {}", per_block(&record), per_block(&inclusion));
}

#[test]
fn with_sequencers_of_their_own_parts_go_by_themselves_and_some_trades_are_done_in_part() {
    let record = run(plan("Own", ""));
    assert!(bundles(&record).is_empty());
    let [done, partial] = [Outcome::Done, Outcome::Partial].map(|outcome| outcomes(&record, outcome));
    assert!(done > 10 && partial > 10, "{done} {partial}");
    let all: usize = record.rollups.trips.iter().filter(|trip| trip.outcome.is_some()).count();
    assert_eq!(
        all,
        done + partial + outcomes(&record, Outcome::Slippage) + outcomes(&record, Outcome::Deadline)
    );
}

#[test]
fn on_crowded_rollups_bundles_wait_for_room_in_all_of_their_blocks_and_expire_whole() {
    for sequencing in [INCLUSION, EXECUTION] {
        let record = run(plan(sequencing, ", shares: Zipf(1.5), gas_limit: \"700000 gas\""));
        let included = whole_or_absent(&record);
        let expired = bundles(&record).values().filter(|parts| parts[0].fate == Fate::Dropped(1)).count();
        assert!(included > 10 && expired > 5, "{sequencing}: {included} {expired}");
        let mut included = bundles(&record).into_values().filter(|parts| parts[0].fate == Fate::Included);
        // Whoever found room at once is in the next tick.
        let waited = |parts: &Vec<&RollupTxRecord>| {
            parts[0].executed_ns.expect("it is in a block") - parts[0].received_ns.expect("it was there")
                > 3 * SECOND
        };
        assert!(included.any(|parts| waited(&parts)), "{sequencing}: some waited for a later tick");
    }
}

#[test]
fn an_outage_of_the_sequencer_halves_no_bundle_and_loses_none() {
    let node = sequencer(&plan(INCLUSION, ""));
    for at_ms in [40_000, 41_300, 42_001, 43_700] {
        let record = run(with_outage(plan(INCLUSION, ""), [node], [at_ms, at_ms + 9_000]));
        assert!(whole_or_absent(&record) > 100);
        let range = 0..120 * SECOND;
        let early = record.rollups.transactions.iter().filter(|tx| range.contains(&tx.submitted_ns));
        for tx in early {
            assert!(matches!(tx.fate, Fate::Included | Fate::Dropped(1)), "{at_ms}: {tx:?}");
        }
        assert!(record.rollups.fleets[0].sent_again > 0, "{at_ms}: it was the sequencer that was down");
    }
}

#[test]
fn all_rollups_have_their_blocks_at_the_same_time() {
    let record = run(plan(INCLUSION, ""));
    let times = |rollup: Option<u32>| -> BTreeSet<u64> {
        let of = |tx: &&RollupTxRecord| rollup.is_none_or(|rollup| tx.rollup == rollup);
        record.rollups.transactions.iter().filter(of).filter_map(|tx| tx.executed_ns).collect()
    };
    let all = times(None);
    assert!(all.len() > 60);
    // Executing a few swaps takes milliseconds.
    let phases: Vec<u64> = all.iter().map(|ns| ns % (2 * SECOND)).collect();
    let (least, most) = (phases.iter().min().expect("some"), phases.iter().max().expect("some"));
    assert!(most - least < SECOND / 10, "{least} {most}");
    assert!((0..4).all(|rollup| times(Some(rollup)).len() * 2 > all.len()), "people are everywhere");
}

#[test]
fn partitions_change_nothing_and_neither_does_a_checkpoint() {
    let whole = run(plan(EXECUTION, ""));
    for partitions in [2, 3] {
        let mut parted = plan(EXECUTION, "");
        parted.run.partitions = partitions;
        let record = run(parted);
        assert_eq!(record.digest, whole.digest, "{partitions} partitions");
    }
    let mut simulation = Simulation::new(plan(EXECUTION, "")).expect("a sound plan");
    simulation.run_until(sim_core::kernel::time::SimTime(61_000_000_000), u64::MAX).expect("it runs");
    let saved = simulation.checkpoint();
    simulation.run().expect("it runs");
    simulation.restore(&saved);
    simulation.run().expect("it runs");
    let record = simulation.finish();
    assert_eq!(record.digest, whole.digest);
    assert_eq!(record.rollups.trips, whole.rollups.trips);
}

#[test]
fn tokens_cross_between_rollups_of_a_shared_sequencer_from_one_tick_to_the_next() {
    let fleet = fleet(INCLUSION, ", bridges: [Interop()]");
    let (before, after) =
        fleet.split_once("policy: Together(chains: 4, hop_cost_ppb: 0)").expect("it is there");
    let record = run(parse(15, &format!("{before}policy: Move(){after}")).unwrap());
    let crossings = record.rollups.crossings.iter().filter(|crossing| crossing.arrived_ns.is_some());
    let times: Vec<u64> = crossings.map(|c| c.arrived_ns.unwrap() - c.sent_ns.unwrap()).collect();
    assert!(times.len() > 100, "{}", times.len());
    // Blocks of a few transactions take milliseconds, not always the same.
    assert!(times.iter().all(|ns| ns.abs_diff(2 * SECOND) < SECOND / 10), "{times:?}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (sequencing, more, expected) in [
        (INCLUSION, ", sequencers: 2", "a shared sequencer is one node for all rollups"),
        (INCLUSION, ", on_demand: true", "a shared sequencer has one clock"),
        ("Shared(atomic: Both)", "", "Both"),
    ] {
        let message = parse(15, &fleet(sequencing, more)).expect_err(more);
        assert!(message.contains(expected) && message.contains("mine.ron:"), "{more}: {message}");
    }
    let one = fleet("Own", "").replace("count: 4", "count: 1");
    let message = parse(15, &one).expect_err("one rollup");
    assert!(message.contains("they trade on several rollups at once, and there is one"), "{message}");
}
