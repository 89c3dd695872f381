//! What a window sees of rollups while they run is what the record says in the end.

use sim_core::kernel::time::SimTime;
use sim_core::observe::record::{Fate, Part};
use sim_core::rollup::look::{Step, TxView};
use sim_core::rollup::samples::Sample;
use sim_core::scenario::plan::Plan;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::snapshot::{FleetDetail, FleetRequest, Followed, Request, Snapshot};
use sim_core::simulation::{Observer, Simulation};
use std::path::Path;

fn plan() -> Plan {
    let text = r#"(
      version: 1, seed: 5, run: (blocks: 14, warm_up: 1), nodes: (count: 24, hardware: "attester"),
      network: (topology: RandomRegular(degree: 8)), chain: (slot: "12 s"), workload: Empty,
      rollups: [Fleet(
        count: 5, preset: "zk-realtime", shares: Zipf(1.0), liquidity: Equal, sequencers: 2,
        demand: (rate: "4 tx/s", mix: { "swap": 100 }, instances: 3, accounts: 200, trade: (median: 0.002, p90: 5)),
        batch: (max_delay: "20 s", compression: 3, max_blob_fee: "50 gwei"),
      )],
    )"#;
    let scenario = Scenario::parse(text, Path::new("test.ron"), &Library::default(), &Changes::default());
    scenario.unwrap_or_else(|e| panic!("{e}")).base
}

fn look(simulation: &Simulation, tx: Option<u32>) -> FleetDetail {
    let (mut observer, mut snapshot) = (Observer::default(), Snapshot::default());
    let request = Request {
        fleet: Some(FleetRequest { index: 0, follow: tx.map(Followed::Tx) }),
        ..Request::default()
    };
    simulation.snapshot(&mut observer, &request, &mut snapshot);
    *snapshot.fleet.expect("there is a fleet")
}

fn time(tx: &TxView, is: impl Fn(&Step) -> bool) -> Option<u64> {
    tx.steps.iter().find(|step| is(&step.what)).map(|step| step.at_ns)
}

#[test]
fn every_transaction_is_followed_as_it_is_recorded() {
    let mut simulation = Simulation::new(plan()).expect("a sound plan");
    simulation.run().expect("it runs");
    let detail = look(&simulation, None);
    let view = &detail.view;
    let mut followed: Vec<_> = (0..view.submitted as u32)
        .map(|tx| look(&simulation, Some(tx)).view.followed.expect("it was submitted"))
        .map(|tx| {
            assert!(tx.steps.is_sorted_by_key(|step| step.at_ns), "{tx:?}");
            let times = [
                time(&tx, |s| *s == Step::HandedIn),
                time(&tx, |s| *s == Step::Received),
                time(&tx, |s| *s == Step::Executed),
                time(&tx, |s| *s == Step::Confirmed),
                time(&tx, |s| matches!(s, Step::Posted { .. })),
                time(&tx, |s| *s == Step::Settled),
                time(&tx, |s| *s == Step::Proven),
            ];
            (tx.rollup, tx.region, times)
        })
        .collect();
    let record = simulation.finish();
    let fleet = &record.rollups.fleets[0];
    assert_eq!((view.submitted, view.executed, view.active), (fleet.submitted, fleet.included, fleet.active));
    assert_eq!((view.dropped, view.waiting), (fleet.dropped.iter().sum(), fleet.queued));
    assert_eq!(view.gas_used, fleet.gas_used);
    assert_eq!(view.busiest.iter().map(|r| r.gas_used).sum::<u64>(), fleet.gas_used);
    assert_eq!(view.batches, record.rollups.batches.len() as u64);
    let mut recorded: Vec<_> = record
        .rollups
        .transactions
        .iter()
        .map(|tx| {
            let times = [tx.received_ns, tx.executed_ns, tx.soft_ns, tx.posted_ns, tx.final_ns, tx.proven_ns];
            let times = [Some(tx.submitted_ns)].into_iter().chain(times).collect::<Vec<_>>();
            (tx.rollup, tx.region, <[Option<u64>; 7]>::try_from(times).expect("seven"))
        })
        .collect();
    followed.sort_unstable();
    recorded.sort_unstable();
    assert_eq!(followed, recorded);
    let ends = |n: usize| recorded.iter().filter(|(.., times)| times[n].is_some()).count();
    assert!(ends(4) > 100 && ends(6) > 30, "some are posted, some proven: {} {}", ends(4), ends(6));
    assert!(record.rollups.transactions.iter().any(|tx| tx.fate == Fate::Included));
    let mut shown = detail.blobs;
    shown.iter_mut().zip(&record.rollups.blob_blocks).for_each(|(s, r)| s.canonical = r.canonical);
    assert_eq!(shown, record.rollups.blob_blocks);
}

#[test]
fn samples_are_the_same_however_the_run_is_cut_and_dispersion_begins_with_the_first_swaps() {
    let samples = |step_ns: u64| -> Vec<Sample> {
        let mut simulation = Simulation::new(plan()).expect("a sound plan");
        while !simulation.is_finished() {
            simulation.run_until(SimTime(simulation.now().0 + step_ns), u64::MAX).expect("it runs");
            look(&simulation, Some(3));
        }
        look(&simulation, None).view.samples
    };
    let fine = samples(700_000_000);
    assert_eq!(fine, samples(60_000_000_000));
    assert!(fine.len() > 30 && fine.is_sorted_by_key(|s| s.at_ns), "{}", fine.len());
    let last = fine.last().expect("not empty");
    assert!(last.active > 1 && last.base_fee_wei.is_sorted() && last.base_fee_wei[0] > 0);
    // All pools are alike at first; people's swaps drive them apart.
    assert!(last.dispersion.is_some_and(|d| d > 0.0), "{last:?}");
    let first = fine.iter().find_map(|s| s.dispersion).expect("swaps are followed");
    assert!(first < last.dispersion.expect("two are active"));
}

#[test]
fn a_fleet_or_transaction_that_is_not_there_is_not_described() {
    let simulation = Simulation::new(plan()).expect("a sound plan");
    assert_eq!(look(&simulation, Some(0)).view.followed, None);
    let (mut observer, mut snapshot) = (Observer::default(), Snapshot::default());
    let request = Request { fleet: Some(FleetRequest { index: 7, follow: None }), ..Request::default() };
    simulation.snapshot(&mut observer, &request, &mut snapshot);
    assert_eq!(snapshot.fleet, None);
}

#[test]
fn the_way_of_a_block_with_blobs_adds_up_at_every_node_while_it_is_under_way_and_after() {
    let mut simulation = Simulation::new(plan()).expect("a sound plan");
    let (mut observer, mut snapshot) = (Observer::default(), Snapshot::default());
    let (mut whole, mut waited) = (0, 0);
    while !simulation.is_finished() {
        simulation.run_until(SimTime(simulation.now().0 + 310_000_000), u64::MAX).expect("it runs");
        for node in 0..24 {
            let request = Request { node: Some(node), ..Request::default() };
            simulation.snapshot(&mut observer, &request, &mut snapshot);
            let (Some(detail), Some(at)) = (&snapshot.node, snapshot.focus) else { continue };
            let (Some(last), true) = (detail.way.last(), detail.state.executed_ns > 0) else { continue };
            let took: u64 = detail.way.iter().map(|step| step.end_ns - step.start_ns).sum();
            assert_eq!(took, last.end_ns - snapshot.blocks[at].slot_start_ns);
            assert_eq!(last.end_ns, detail.state.executed_ns.max(detail.state.voted_ns));
            let blobs = detail.way.iter().rev().take(3).any(|step| step.part == Part::Protocol);
            (whole, waited) = (whole + 1, waited + usize::from(blobs));
        }
    }
    assert!(whole > 1_000 && waited > 10, "{whole} {waited}");
}
