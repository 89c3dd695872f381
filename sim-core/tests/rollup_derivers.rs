//! Nodes that take a rollup from its L1 alone: what they derive is what the sequencer did, never before the L1 has it, and
//! after the time that fetching and executing takes.

use sim_core::net::links::LinkRates;
use sim_core::observe::record::{DerivationRecord, RunRecord};
use sim_core::scenario::plan::{Change, Intervention, Plan, Scope};
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const SECOND: u64 = 1_000_000_000;

fn parse(fleet: &str, set: &[&str]) -> Result<Plan, String> {
    let text = format!(
        "(version: 1, seed: 13, run: (blocks: 16, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty,\n\
         rollups: [Fleet({fleet})])"
    );
    let changes = Changes { set: set.iter().map(ToString::to_string).collect(), ..Changes::default() };
    let scenario = Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &changes);
    scenario.map(|s| s.base).map_err(|e| e.to_string())
}

fn simulate(plan: Plan) -> RunRecord {
    let mut simulation = Simulation::new(plan).expect("a sound plan");
    simulation.run().expect("it runs");
    simulation.finish()
}

fn run(fleet: &str, set: &[&str]) -> RunRecord {
    simulate(parse(fleet, set).unwrap_or_else(|e| panic!("{e}")))
}

/// Those from the winning chain that are complete, by rollup and node in the order in which they were derived.
fn chains(record: &RunRecord) -> BTreeMap<(u32, u32), Vec<&DerivationRecord>> {
    let mut chains: BTreeMap<(u32, u32), Vec<&DerivationRecord>> = BTreeMap::new();
    for work in record.rollups.derivations.iter().filter(|w| w.canonical && w.derived_ns.is_some()) {
        chains.entry((work.rollup, work.node)).or_default().push(work);
    }
    chains.values_mut().for_each(|works| works.sort_by_key(|w| (w.derived_ns, w.number)));
    chains
}

/// Nothing before its time or out of order, and every node of a rollup at the states that its sequencer went through.
fn check(record: &RunRecord, derivers: usize, has_sequencer: bool) {
    for work in &record.rollups.derivations {
        let times = [Some(work.l1_ns), work.here_ns, work.derived_ns];
        assert!(times.iter().flatten().is_sorted(), "{work:?}");
        assert!(work.derived_ns.is_none_or(|ns| ns >= work.here_ns.unwrap() + work.execution_ns), "{work:?}");
        assert!(work.derived_ns.is_none() || (work.blocks > 0) == (work.execution_ns > 0), "{work:?}");
    }
    let mut states = BTreeMap::new();
    let mut times: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    let mut counted: BTreeMap<u32, u64> = BTreeMap::new();
    let mut nodes: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for ((rollup, node), works) in chains(record) {
        let mut height = 0;
        for pair in works.windows(2) {
            assert!(pair[0].number < pair[1].number, "batches come in their order");
            assert!(!has_sequencer || pair[0].number + 1 == pair[1].number, "and without gaps");
        }
        for work in works.iter().filter(|work| work.blocks > 0) {
            height += u64::from(work.blocks);
            assert_eq!(work.height, height, "no block is left out");
            assert_eq!(*states.entry((rollup, work.height)).or_insert(work.state), work.state);
            *counted.entry(rollup).or_default() += u64::from(work.transactions);
            times.entry(rollup).or_default().extend(work.derived_ns);
        }
        nodes.entry(rollup).or_default().insert(node);
    }
    assert!(!states.is_empty());
    let distinct: BTreeSet<_> = states.values().collect();
    assert_eq!(distinct.len(), states.len(), "no two heights, and no two rollups, are in one state");
    assert!(nodes.values().all(|nodes| nodes.len() <= derivers));
    // Transaction by transaction it is the same that batches say.
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    for tx in record.rollups.transactions.iter().filter(|tx| !tx.derived_ns.is_empty()) {
        *seen.entry(tx.rollup).or_default() += tx.derived_ns.len() as u64;
        assert!(tx.derived_ns.iter().all(|ns| *ns > tx.executed_ns.unwrap()), "{tx:?}");
        assert!(tx.derived_ns.iter().all(|ns| times[&tx.rollup].contains(ns)), "{tx:?}");
    }
    assert_eq!(seen, counted);
}

#[test]
fn every_node_that_derives_goes_through_the_sequencer_s_states_and_never_before_its_l1() {
    let fleet = "count: 4, preset: \"zk-realtime\", shares: Zipf(1.0), demand: (rate: \"12 tx/s\"), sequencers: 2, \
                 derivers: 3, batch: (max_delay: \"20 s\", compression: 5, max_blob_fee: \"50 gwei\")";
    let record = run(fleet, &[]);
    check(&record, 3, true);
    assert_eq!(chains(&record).len(), 12, "three nodes a rollup");
    // All that was posted early enough is derived everywhere.
    let early = record.end_ns - 30 * SECOND;
    let posted = record.rollups.transactions.iter().filter(|tx| tx.posted_ns.is_some_and(|ns| ns < early));
    assert!(posted.clone().count() > 500);
    assert!(posted.filter(|tx| tx.derived_ns.len() == 3).count() > 500);
    // A report has it, and its figure.
    let lines = sim_core::observe::rollups::lines(&record);
    assert!(lines.iter().any(|line| line.contains("derived from the L1 at 3 nodes a rollup, after soft")));
    let figure =
        sim_core::observe::figures::rollups::labels(std::slice::from_ref(&record)).expect("a figure");
    assert!(figure.svg.contains(">derived<"));
}

#[test]
fn blocks_that_two_batches_share_are_derived_with_the_second() {
    // A few kilobytes of calldata a batch, and blocks with more in them.
    let fleet = "preset: \"op-like\", demand: (rate: \"40 tx/s\"), derivers: 2, proof: Off, \
                 batch: (max_delay: \"5 s\", compression: 1, data: Calldata(\"4 kB\"))";
    let record = run(fleet, &[]);
    check(&record, 2, true);
    let empty = record.rollups.derivations.iter().filter(|work| work.blocks == 0).count();
    assert!(empty > 0 && record.rollups.derivations.iter().any(|work| work.blocks > 0));
    // Calldata is in the block: nothing is fetched.
    assert!(record.rollups.derivations.iter().all(|work| work.here_ns == Some(work.l1_ns)));
}

#[test]
fn on_a_quiet_network_blobs_take_two_ways_and_their_transfer_and_calldata_nothing() {
    let one_place = "nodes.regions={ \"eu-central-1\": 1 }";
    let fleet = "preset: \"zk-realtime\", demand: (rate: \"4 tx/s\"), derivers: 4, followers: 0, proof: Off, \
                 batch: (max_delay: \"12 s\", compression: 5)";
    let plan = parse(fleet, &[one_place, "network.jitter=Off"]).unwrap();
    let region = plan.network.latency.regions.iter().position(|r| r.name == "eu-central-1").expect("known");
    let way_ns = plan.network.latency.one_way_ns[region][region];
    let class = &plan.nodes.hardware[0].0;
    let rates = LinkRates { up_bps: class.up_bps, down_bps: class.down_bps };
    let record = simulate(plan);
    check(&record, 4, true);
    let blobs: BTreeMap<u32, u64> =
        record.rollups.batches.iter().map(|batch| (batch.number, batch.blobs.into())).collect();
    // Of a request (a header and 56 bytes) and of the answer (a header and the blobs), up and down.
    let control = sim_core::net::message::CONTROL_BYTES;
    let fetch_ns = |blobs: u64| {
        let transfers = [control + 56, control + blobs * 131_072].map(|bytes| rates.transfer_ns(bytes));
        2 * way_ns + transfers.iter().flatten().sum::<u64>()
    };
    let mut waits = Vec::new();
    for work in record.rollups.derivations.iter().filter(|work| work.canonical) {
        let Some(here) = work.here_ns else { continue };
        let expected = fetch_ns(blobs[&work.number]);
        if here > work.l1_ns {
            // Others' requests may be ahead, votes share the links; nothing is faster.
            assert!(here - work.l1_ns >= expected, "{} {expected} {work:?}", here - work.l1_ns);
            waits.push(here - work.l1_ns - expected);
        }
    }
    waits.sort_unstable();
    assert!(waits.len() > 30, "{}", waits.len());
    // Somebody is alone on the links but for votes of some hundred bytes each ...
    assert!(waits[0] < 1_000_000, "{waits:?}");
    // ... and before nobody is more than the answers to the three others, the columns that the proposer sends to
    // its 8 neighbours, and 10 ms of blocks, votes and aggregates.
    let columns = 8 * rates.transfer_ns(8 * (2_048 + 96))[0];
    let answers = 3 * rates.transfer_ns(control + 131_072)[0];
    assert!(waits.iter().all(|ns| *ns <= answers + columns + 10_000_000), "{waits:?}");
}

#[test]
fn whole_blobs_are_everywhere_and_nobody_asks_for_them() {
    let fleet = "preset: \"zk-realtime\", demand: (rate: \"4 tx/s\"), derivers: 3, proof: Off, \
                 batch: (max_delay: \"12 s\", compression: 5)";
    let record = run(fleet, &["chain.blobs=\"prague\""]);
    check(&record, 3, true);
    assert!(record.rollups.derivations.iter().all(|work| work.here_ns == Some(work.l1_ns)));
}

#[test]
fn whoever_gets_no_answer_asks_somebody_else() {
    let fleet = "preset: \"zk-realtime\", demand: (rate: \"4 tx/s\"), derivers: 8, followers: 0, proof: Off, \
                 batch: (max_delay: \"12 s\", compression: 5)";
    let plan = parse(fleet, &[]).unwrap();
    let usual = simulate(plan.clone());
    let waited = |record: &RunRecord, slot: u32| {
        let of = record.rollups.derivations.iter().filter(|work| work.slot == slot && work.canonical);
        of.map(|work| work.here_ns.expect("it came") - work.l1_ns).max().expect("a batch")
    };
    let slot =
        usual.rollups.batches.iter().filter_map(|batch| batch.slot).find(|slot| *slot > 4).expect("one");
    assert!(waited(&usual, slot) < 5 * SECOND);
    // The node of the sequencer goes away as the block with its batch comes out.
    let host = usual.rollups.derivations.iter().map(|work| work.node).collect::<BTreeSet<_>>();
    let down = (0..24).filter(|node| !host.contains(node));
    let lost = down.filter(|node| {
        let of = Scope::Node(*node);
        let at_ns = u64::from(slot) * 12 * SECOND;
        let changes = [(at_ns, Change::Kill { of }), (at_ns + 30 * SECOND, Change::Restore { of })];
        let interventions = changes.map(|(at_ns, change)| Intervention { at_ns, change }).to_vec();
        let changed = Plan { interventions, ..plan.clone() };
        let record = simulate(changed);
        let there = record.rollups.derivations.iter().any(|work| work.slot == slot && work.canonical);
        // Ten seconds, then as long as it takes from the proposer.
        there && (10 * SECOND..15 * SECOND).contains(&waited(&record, slot))
    });
    assert_eq!(lost.count(), 1, "one node of these is that of the sequencer");
}

#[test]
fn what_a_lost_block_of_the_l1_held_is_not_derived_from_it() {
    // A network too slow for its blocks and blobs: some blocks of the L1 lose.
    let slow = ["network.bandwidth=0.15x", "chain.slot=1 s", "chain.attest_by=400 ms", "run.blocks=60"];
    let based = "count: 3, preset: \"based\", sequencing: Based(lead: \"200 ms\"), derivers: 3, \
                 demand: (rate: \"300 tx/s\", accounts: 3000), batch: (compression: 1)";
    let record = run(based, &slow);
    let lost = record.rollups.derivations.iter().filter(|work| !work.canonical && work.derived_ns.is_some());
    assert!(lost.count() > 0, "some work was in vain");
    check(&record, 3, false);
    let lines = sim_core::observe::rollups::lines(&record);
    assert!(lines.iter().any(|line| line.contains("derived from the L1 at 3 nodes a rollup, after posted")));
}

#[test]
fn partitions_change_nothing_and_shared_blobs_are_derived_too() {
    let fleet = "count: 20, preset: \"op-like\", demand: (rate: \"20 tx/s\"), sequencers: 2, derivers: 2, proof: Off, \
                 batch: (max_delay: \"10 s\", compression: 5, sharing: true)";
    let whole = run(fleet, &[]);
    check(&whole, 2, true);
    assert!(whole.rollups.batches.iter().any(|batch| batch.shared_by > 3));
    for partitions in ["run.partitions=2", "run.partitions=3"] {
        let record = run(fleet, &[partitions]);
        assert_eq!(record.digest, whole.digest, "{partitions}");
        assert_eq!(record.rollups.derivations, whole.rollups.derivations);
    }
    let without = run(&fleet.replace("derivers: 2, ", ""), &[]);
    assert!(without.rollups.derivations.is_empty());
}

#[test]
fn more_nodes_than_there_are_cannot_derive() {
    let message = parse("preset: \"op-like\", derivers: 24", &[]).expect_err("too many");
    assert!(
        message.contains("derivers") && message.contains("mine.ron:") && message.contains("23"),
        "{message}"
    );
}
