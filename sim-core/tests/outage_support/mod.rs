//! Which node sequences, and plans in which nodes are down for a while.

use sim_core::kernel::time::SimTime;
use sim_core::rollup::look::Step;
use sim_core::scenario::plan::{Change, Intervention, Plan, Scope};
use sim_core::simulation::snapshot::{FleetRequest, Followed, Request, Snapshot};
use sim_core::simulation::{Observer, Simulation};

/// The node that the first transactions of a plan's only fleet are received at.
pub fn sequencer(plan: &Plan) -> u32 {
    let mut simulation = Simulation::new(plan.clone()).expect("a sound plan");
    simulation.run_until(SimTime(20_000_000_000), u64::MAX).expect("it runs");
    let received = |tx: u32| {
        let (mut observer, mut snapshot) = (Observer::default(), Snapshot::default());
        let follow = Some(Followed::Tx(tx));
        let request = Request { fleet: Some(FleetRequest { index: 0, follow }), ..Request::default() };
        simulation.snapshot(&mut observer, &request, &mut snapshot);
        let tx = snapshot.fleet.expect("there is a fleet").view.followed?;
        tx.steps.iter().find(|step| step.what == Step::Received).map(|step| step.node)
    };
    (0..40).find_map(received).expect("something was received")
}

/// The plan with these nodes down from one time to another, ms.
pub fn with_outage(plan: Plan, nodes: impl IntoIterator<Item = u32>, [from, to]: [u64; 2]) -> Plan {
    let of: Vec<Scope> = nodes.into_iter().map(Scope::Node).collect();
    let at = |ms: u64, change| Intervention { at_ns: ms * 1_000_000, change };
    let down = of.iter().map(|of| at(from, Change::Kill { of: *of }));
    let back = of.iter().map(|of| at(to, Change::Restore { of: *of }));
    Plan { interventions: down.chain(back).collect(), ..plan }
}
