//! Runs side by side are the runs they would be alone.

mod common;

use common::plan;
use sim_core::kernel::time::SimTime;
use sim_core::scenario::plan::*;
use sim_core::simulation::Resources;
use sim_core::simulation::experiment::{Monitor, run_paired};
use sim_core::simulation::lockstep::Lockstep;
use std::num::NonZeroUsize;

/// A base and arms that share its contents, one with an outage, and one that does not.
fn plans() -> Vec<Plan> {
    let mut base = plan(40);
    base.interventions = vec![
        Intervention { at_ns: 3_700_000_000, change: Change::Kill { of: Scope::Region(0) } },
        Intervention { at_ns: 7_100_000_000, change: Change::Restore { of: Scope::Region(0) } },
    ];
    let named = |name: &str| Plan { name: name.into(), ..base.clone() };
    let mut faster = named("faster");
    faster.chains[0].execution.speed_ppm *= 10;
    let mut narrower = named("narrower");
    narrower.network.bandwidth_scale_ppm /= 8;
    let mut fuller = named("fuller");
    fuller.chains[0].gas_limit /= 2;
    vec![base, faster, narrower, fuller]
}

#[test]
fn a_run_side_by_side_has_the_digest_it_has_in_an_experiment() {
    let plans = plans();
    let monitor = Monitor::new(plans.len());
    let records = run_paired(&plans[0], &plans[1..], NonZeroUsize::MIN, &monitor).unwrap();
    let mut together = Lockstep::new(plans, &Resources::default()).unwrap();
    assert_eq!([1, 2, 3].map(|run| together.is_paired(run)), [true, true, false]);
    // By budgets that cut everywhere, with a way back in the middle.
    let half = SimTime(together.end().0 / 2);
    while !together.run_until(half, 1_777).unwrap() {
        let base = together.runs()[0].now();
        assert!(together.runs()[1..].iter().all(|arm| arm.now() <= base), "no arm is ahead of the base");
    }
    let saved = together.checkpoint();
    while !together.run_until(SimTime(half.0 + 5_000_000_000), 2_001).unwrap() {}
    together.restore(&saved);
    while !together.run_until(SimTime::MAX, 1_999).unwrap() {}
    assert!(together.is_finished());
    let digests: Vec<String> = together.into_runs().map(|run| run.finish().digest).collect();
    assert_eq!(digests, records.iter().map(|r| r.digest.clone()).collect::<Vec<_>>());
}

#[test]
fn the_first_difference_is_found_to_the_nanosecond_and_the_node() {
    let mut plans = plans();
    plans.truncate(2);
    // Something that changes nothing, then something that does.
    plans[1] = Plan { name: "later".into(), ..plans[0].clone() };
    let at_ns = 5_123_456_789;
    let change = Change::Latency { factor_ppm: 1_500_000 };
    plans[1].interventions.insert(1, Intervention { at_ns, change });
    let mut together = Lockstep::new(plans, &Resources::default()).unwrap();
    let start = together.checkpoint();
    together.run_until(SimTime(4_900_000_000), u64::MAX).unwrap();
    assert_eq!(together.divergence(1), None);
    together.run_until(SimTime(9_500_000_000), u64::MAX).unwrap();
    let coarse = together.divergence(1).expect("they differ by now");
    assert_eq!(coarse.second, 6, "the first recorded after the change");
    let different = together.different_nodes(1);
    assert!(coarse.nodes.clone().any(|n| different.contains(&n)), "{coarse}: {different:?}");
    together.restore(&start);
    let until = SimTime(coarse.second * 1_000_000_000 + 1);
    let parting = together.parting(1, until, |_| true).unwrap().expect("they part");
    assert!(parting.at_ns >= at_ns && parting.at_ns < until.0, "{parting:?}");
    // Equal until then, different from then on.
    together.restore(&start);
    together.run_until(SimTime(parting.at_ns), u64::MAX).unwrap();
    assert!(!together.differs(1));
    together.run_until(SimTime(parting.at_ns + 1), u64::MAX).unwrap();
    assert_eq!(together.different_nodes(1), parting.nodes);
    // And a search that is stopped finds nothing.
    together.restore(&start);
    assert_eq!(together.parting(1, until, |_| false).unwrap(), None);
}

#[test]
fn equal_runs_do_not_part() {
    let base = plan(30);
    let twin = Plan { name: "twin".into(), ..base.clone() };
    let mut together = Lockstep::new(vec![base, twin], &Resources::default()).unwrap();
    let end = together.end();
    assert_eq!(together.parting(1, end, |_| true).unwrap(), None);
    assert_eq!(together.divergence(1), None);
}
