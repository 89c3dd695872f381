//! Sequencers and gateways that are down for a while: what was lost is sent again, and nothing counts twice.

mod fleet_support;
mod outage_support;

use fleet_support::run;
use outage_support::{sequencer, with_outage};
use sim_core::observe::bridges::travellers;
use sim_core::observe::record::{Fate, Outcome, RollupTxRecord, RunRecord};
use sim_core::scenario::plan::{Change, Intervention, Plan, Scope};
use std::collections::BTreeMap;

const SECOND: u64 = 1_000_000_000;

fn plan() -> Plan {
    let fleet = "preset: \"op-like\", count: 2, sequencers: 1, followers: 0, proof: Off, \
                 demand: (rate: \"20 tx/s\", accounts: 400), batch: (max_delay: \"20 s\", compression: 1)";
    fleet_support::parse(16, fleet).unwrap_or_else(|error| panic!("{error}"))
}

fn within(record: &RunRecord, from_s: u64, to_s: u64) -> impl Iterator<Item = &RollupTxRecord> {
    let range = from_s * SECOND..to_s * SECOND;
    record.rollups.transactions.iter().filter(move |tx| range.contains(&tx.submitted_ns))
}

#[test]
fn after_an_outage_of_the_sequencer_every_transaction_is_included_once() {
    let record = run(with_outage(plan(), [sequencer(&plan())], [30_000, 60_000]));
    let fleet = &record.rollups.fleets[0];
    assert_eq!(fleet.dropped.iter().sum::<u64>(), 0, "{fleet:?}");
    // The longest wait until the next attempt is as long as the outage; the last ones are on their way at the end.
    let sent: Vec<_> = within(&record, 0, 120).collect();
    assert!(sent.len() > 1_500, "{}", sent.len());
    for tx in &sent {
        assert_eq!(tx.fate, Fate::Included, "{tx:?}");
        assert!(tx.soft_ns.is_some(), "{tx:?}");
    }
    let late = within(&record, 31, 59).filter(|tx| tx.soft_ns.is_some_and(|ns| ns > 60 * SECOND)).count();
    let all = within(&record, 31, 59).count();
    assert_eq!(late, all, "nobody is confirmed by a node that is down");
    assert!(fleet.sent_again > all as u64 * 8 / 10, "{fleet:?}");
    // What is in batches is what is included, once.
    let mut batched: BTreeMap<u32, u64> = BTreeMap::new();
    for batch in &record.rollups.batches {
        *batched.entry(batch.rollup).or_default() += u64::from(batch.transactions);
    }
    let included = |rollup: u32| {
        let of = |tx: &&RollupTxRecord| tx.rollup == rollup && tx.fate == Fate::Included;
        record.rollups.transactions.iter().filter(of).count() as u64
    };
    for rollup in 0..2 {
        assert!(batched[&rollup] <= included(rollup));
    }
    assert_eq!(included(0) + included(1), fleet.included);
}

#[test]
fn a_gateway_that_was_down_hears_of_what_was_executed_meanwhile() {
    let sequencer = sequencer(&plan());
    let gateways = (0..plan().nodes.count).filter(|node| *node != sequencer);
    let record = run(with_outage(plan(), gateways, [30_500, 42_000]));
    let before: Vec<_> = within(&record, 29, 30).filter(|tx| tx.executed_ns.is_some()).collect();
    let untold = before.iter().filter(|tx| tx.soft_ns.is_some_and(|ns| ns > 42 * SECOND)).count();
    assert!(untold > 0, "some answers were lost: {before:?}");
    assert!(within(&record, 0, 120).all(|tx| tx.soft_ns.is_some() && tx.fate == Fate::Included));
}

#[test]
fn a_journey_that_can_never_end_is_overdue_and_counts_as_failed() {
    let fleet = "preset: \"op-like\", count: 1, sequencers: 1, followers: 0, proof: Off, liquidity: Equal, \
                 demand: (rate: \"2 tx/s\", mix: { \"swap\": 100 }, instances: 2, hot_spot: Uniform, accounts: 50, \
                 trade: (median: 0.00003, p90: 5)), batch: (max_delay: \"20 s\", compression: 1), \
                 travellers: [(name: \"people\", policy: Local, rate: \"1 tx/s\", until: \"90 s\", deadline: \"20 s\")]";
    let plan = fleet_support::parse(16, fleet).unwrap_or_else(|error| panic!("{error}"));
    let of = Scope::Node(sequencer(&plan));
    let kill = Intervention { at_ns: 40 * SECOND, change: Change::Kill { of } };
    let record = run(Plan { interventions: vec![kill], ..plan });
    let after = || record.rollups.trips.iter().filter(|trip| trip.started_ns > 41 * SECOND);
    assert!(after().count() > 20);
    assert!(after().all(|trip| trip.outcome == Some(Outcome::Overdue)), "nobody is left under way");
    let people = &travellers(&record)[0];
    assert_eq!(people.under_way, 0);
    let failed = people.failure_rate().expect("some ended");
    assert!(failed > 0.5, "{failed}");
}

#[test]
fn nothing_is_sent_again_where_everything_is_answered() {
    let record = run(plan());
    assert_eq!(record.rollups.fleets[0].sent_again, 0);
}
