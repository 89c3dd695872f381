//! A comparison: a base run and its arms, paired.
//!
//! Arms share the base's seeds, so that latencies, proposers and users draw the same numbers, and, where the
//! workload is the same, the base's block contents: every arm then executes the same blocks, and each distinct
//! block is executed once for all of them.

use super::{Resources, RunError, SetupError, Simulation};
use crate::kernel::time::SimTime;
use crate::observe::record::RunRecord;
use crate::scenario::plan::{ConsensusPlan, Plan, WorkloadPlan};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use thiserror::Error;

/// An experiment failed.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// A plan cannot be turned into a simulation.
    #[error("arm `{arm}`: {error}")]
    Setup {
        /// Name of the arm.
        arm: String,
        /// Why not.
        error: Box<SetupError>,
    },
    /// A run stopped.
    #[error("arm `{arm}`: {error}")]
    Run {
        /// Name of the arm.
        arm: String,
        /// Why.
        error: RunError,
    },
    /// It was told to stop.
    #[error("cancelled")]
    Cancelled,
}

/// How far a run is. Read it from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Simulated time reached, ns.
    pub now_ns: AtomicU64,
    /// Simulated end, ns; 0 before the run has started.
    pub end_ns: AtomicU64,
    /// Events handled.
    pub events: AtomicU64,
    /// The run is over.
    pub done: AtomicBool,
}

/// An experiment's progress, and the switch that stops it.
#[derive(Debug)]
pub struct Monitor {
    /// By arm, the base first.
    pub runs: Vec<Progress>,
    /// Set to stop.
    pub cancel: AtomicBool,
}

impl Monitor {
    /// For an experiment of `runs` runs.
    pub fn new(runs: usize) -> Self {
        Self { runs: (0..runs).map(|_| Progress::default()).collect(), cancel: AtomicBool::new(false) }
    }
}

/// Simulated time between two looks at the monitor, ns.
const SLICE_NS: u64 = 200_000_000;

/// Whether two plans produce the same transactions, so that the contents of blocks can be shared.
pub fn same_contents(a: &Plan, b: &Plan) -> bool {
    let slot_ns = |c: &ConsensusPlan| match c {
        ConsensusPlan::Slots(s) => Some(s.slot_ns),
        ConsensusPlan::Broadcast(_) => None,
    };
    let chains = a.chains.len() == b.chains.len()
        && a.chains.iter().zip(&b.chains).all(|(x, y)| {
            x.workload == y.workload
                && x.gas_limit == y.gas_limit
                && x.fee_market == y.fee_market
                && x.initial_base_fee_wei == y.initial_base_fee_wei
                && slot_ns(&x.consensus) == slot_ns(&y.consensus)
        });
    let contents = |plan: &Plan| {
        let changes = plan.interventions.iter().filter(|i| i.change.affects_contents());
        changes.cloned().collect::<Vec<_>>()
    };
    chains
        && contents(a) == contents(b)
        && a.seed == b.seed
        && (a.run.blocks, a.run.warm_up) == (b.run.blocks, b.run.warm_up)
        && a.nodes.count == b.nodes.count
        && a.nodes.region_weights == b.nodes.region_weights
        && a.nodes.stake == b.nodes.stake
}

/// Runs the base, then its arms on up to `threads` threads; records in the order of the plans.
///
/// # Errors
/// The first failure, in the order of the plans.
pub fn run_paired(
    base: &Plan,
    arms: &[Plan],
    threads: NonZeroUsize,
    monitor: &Monitor,
) -> Result<Vec<RunRecord>, ExperimentError> {
    let resources = Resources { execution_threads: threads, ..Resources::default() };
    let (record, contents) = run_one(base, &resources, monitor, 0)?;
    let users = base.chains.iter().any(|c| matches!(c.workload, WorkloadPlan::Users(_)));
    let contents = users.then(|| Arc::new(contents));
    let next = AtomicUsize::new(0);
    let serial = Resources { execution_threads: NonZeroUsize::MIN, ..resources };
    let worker = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(arm) = arms.get(index) else { return results };
            let pinned = contents.clone().filter(|_| same_contents(base, arm));
            let resources = Resources { pinned, ..serial.clone() };
            results.push((index, run_one(arm, &resources, monitor, index + 1)));
        }
    };
    let mut results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.get().min(arms.len())).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|w| w.join().expect("a worker does not panic")).collect::<Vec<_>>()
    });
    results.sort_by_key(|(index, _)| *index);
    let mut records = vec![record];
    for (index, result) in results {
        let (mut record, _) = result?;
        if users && !same_contents(base, &arms[index]) {
            record
                .warnings
                .push("its blocks are not those of the base: the workload or its timing differs".to_owned());
        }
        records.push(record);
    }
    Ok(records)
}

type Outcome = (RunRecord, Vec<Arc<crate::workload::users::Pinned>>);

fn run_one(
    plan: &Plan,
    resources: &Resources,
    monitor: &Monitor,
    index: usize,
) -> Result<Outcome, ExperimentError> {
    let setup = |error| ExperimentError::Setup { arm: plan.name.clone(), error: Box::new(error) };
    let mut simulation = Simulation::with_resources(plan.clone(), resources).map_err(setup)?;
    let progress = &monitor.runs[index];
    progress.end_ns.store(simulation.end().0, Ordering::Relaxed);
    while !simulation.is_finished() {
        if monitor.cancel.load(Ordering::Relaxed) {
            return Err(ExperimentError::Cancelled);
        }
        let until = SimTime(simulation.now().0 + SLICE_NS);
        let run = |error| ExperimentError::Run { arm: plan.name.clone(), error };
        simulation.run_until(until, u64::MAX).map_err(run)?;
        progress.now_ns.store(simulation.now().0, Ordering::Relaxed);
        progress.events.store(simulation.events(), Ordering::Relaxed);
    }
    progress.done.store(true, Ordering::Relaxed);
    let contents = simulation.contents();
    Ok((simulation.finish(), contents))
}
