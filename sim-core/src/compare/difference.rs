//! Two runs made anew beside each other: where they part first, and what became different.

use super::inputs::{self, Changed};
use super::side::{Side, SideError};
use crate::kernel::time::SimTime;
use crate::observe::measure::summarise;
use crate::simulation::lockstep::{Lockstep, Parting};
use crate::simulation::{Resources, Simulation};
use crate::sweep::metrics;

/// Simulated time after which digests are compared, before the moment is closed in on, ns.
const STRIDE_NS: u64 = 1_000_000_000;

/// What became of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it is called.
    pub label: String,
    /// Its digest now.
    pub digest: String,
    /// Its digest when it was run before.
    pub recorded: Option<String>,
    /// Its numbers, in the order of [`metrics::all`].
    pub metrics: Vec<Option<f64>>,
}

/// A node at which two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstNode {
    /// Its number.
    pub node: u32,
    /// Its region.
    pub region: String,
    /// Its hardware class.
    pub class: String,
}

/// How two runs differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Values of the plans that differ.
    pub inputs: Vec<Changed>,
    /// When they part and which nodes differ then; `None` if they never do.
    pub parting: Option<Parting>,
    /// The lowest of those nodes; `None` where the runs have different numbers of nodes, or never part.
    pub first: Option<FirstNode>,
    /// Events that both had handled alike before.
    pub events_before: u64,
    /// Both sides.
    pub outcomes: [Outcome; 2],
}

/// Runs both sides beside each other and tells how they differ.
///
/// # Errors
/// [`SideError`]: one of them cannot be run.
pub fn difference(a: &Side, b: &Side) -> Result<Difference, SideError> {
    let resources = Resources::default();
    let mut pair = Lockstep::apart(vec![a.simulation(&resources)?, b.simulation(&resources)?]);
    let stopped = |(run, error)| if run == 0 { a.stopped(error) } else { b.stopped(error) };
    let same_size = a.plan().nodes.count == b.plan().nodes.count;
    let mut events_before = 0;
    let parting = loop {
        let (now, end) = (pair.now(), pair.end());
        if pair.differs(1) {
            // Different numbers of nodes.
            break Some(Parting { at_ns: now.0, nodes: pair.different_nodes(1) });
        }
        if pair.is_finished() {
            break None;
        }
        let before = pair.checkpoint();
        let to = SimTime(end.0.min(now.0.saturating_add(STRIDE_NS)));
        pair.run_until(to, u64::MAX).map_err(stopped)?;
        if pair.differs(1) {
            pair.restore(&before);
            events_before = pair.runs()[0].events();
            break pair.parting(1, to, |_| true).map_err(stopped)?;
        }
    };
    let first = parting.as_ref().filter(|_| same_size).and_then(|p| {
        let node = *p.nodes.first()?;
        let simulation = &pair.runs()[0];
        let (place, plan) = (simulation.placement(), simulation.plan());
        let region = plan.network.latency.regions.get(usize::from(*place.regions.get(node as usize)?))?;
        let class = plan.nodes.hardware.get(usize::from(*place.classes.get(node as usize)?))?;
        Some(FirstNode { node, region: region.name.clone(), class: class.0.name.clone() })
    });
    let mut runs = pair.into_runs();
    let mut finish = |side: &Side| {
        let run: Option<Simulation> = runs.next();
        run.map(|run| outcome(side, run)).transpose()
    };
    let (Some(first_outcome), Some(second_outcome)) = (finish(a)?, finish(b)?) else {
        unreachable!("a pair has two runs");
    };
    Ok(Difference {
        inputs: inputs::changed(a.plan(), b.plan()),
        parting,
        first,
        events_before,
        outcomes: [first_outcome, second_outcome],
    })
}

fn outcome(side: &Side, mut run: Simulation) -> Result<Outcome, SideError> {
    run.run().map_err(|source| side.stopped(source))?;
    let record = run.finish();
    Ok(Outcome {
        label: side.label.clone(),
        metrics: metrics::of(&summarise(&record)),
        digest: record.digest,
        recorded: side.recorded.clone(),
    })
}

impl Difference {
    /// Both did the same at every node, all the time.
    pub fn is_none(&self) -> bool {
        self.parting.is_none() && self.outcomes[0].digest == self.outcomes[1].digest
    }
}
