//! Runs side by side on one clock: a base and the arms it is compared with, always at about the same simulated
//! time, so that they can be looked at, stopped and taken back together.
//!
//! **Pairing.** As in [`super::experiment`], an arm with the base's workload repeats the base's block contents.
//! What goes into the block of a slot is decided at the slot's start; so the base goes first, an arm never
//! overtakes it, and what the base has decided is handed to the arms before they get there. An arm therefore has
//! the digest that [`super::experiment::run_paired`] gives it, although the base is not over (tested).
//!
//! Must never be true: that an arm is past a moment that its base has not reached.

use super::experiment::same_contents;
use super::{Checkpoint, Resources, SetupError, Simulation};
use crate::consensus::RunError;
use crate::kernel::digest::{Digest, DigestFold, Divergence, first_divergence};
use crate::kernel::time::SimTime;
use crate::scenario::plan::{ConsensusPlan, Plan, WorkloadPlan};
use crate::workload::users::Pinned;
use std::sync::Arc;

/// The base is ahead of its arms by no more than this, ns.
const STRIDE_NS: u64 = 20_000_000;

/// A base and its arms.
pub struct Lockstep {
    runs: Vec<Simulation>,
    /// Whether a run repeats the base's contents; never the base itself.
    paired: Vec<bool>,
    /// What the base has put into its blocks, as far as it has ever got.
    contents: Arc<Vec<Arc<Pinned>>>,
    /// Slots of all the base's chains that have begun so far; new contents come with a slot.
    begun: u64,
    /// Slot of every chain of the base, ns.
    slots_ns: Vec<u64>,
}

/// Saved states of all runs at one time.
pub struct SavedRuns(Vec<Checkpoint>);

/// The first moment at which two runs do something different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// When, ns: equal before, different after what happens at this nanosecond.
    pub at_ns: u64,
    /// Nodes whose histories differ then, ascending.
    pub nodes: Vec<u32>,
}

impl Lockstep {
    /// All at time 0; the first plan is the base.
    ///
    /// # Errors
    /// As [`Simulation::new`]; the position of the plan comes with it.
    ///
    /// # Panics
    /// Without a plan.
    pub fn new(plans: Vec<Plan>, resources: &Resources) -> Result<Self, (usize, SetupError)> {
        let base = plans.first().expect("a base");
        let users = base.chains.iter().any(|c| matches!(c.workload, WorkloadPlan::Users(_)));
        let slots_ns = slots_ns(base);
        let mut paired = vec![false];
        paired.extend(plans[1..].iter().map(|arm| users && same_contents(base, arm)));
        let contents: Arc<Vec<Arc<Pinned>>> = Arc::new(vec![Arc::default(); base.chains.len()]);
        let mut runs = Vec::with_capacity(plans.len());
        for (index, plan) in plans.into_iter().enumerate() {
            let pinned = paired[index].then(|| Arc::clone(&contents));
            let resources = Resources { pinned, ..resources.clone() };
            runs.push(Simulation::with_resources(plan, &resources).map_err(|e| (index, e))?);
        }
        Ok(Self { runs, paired, contents, begun: 0, slots_ns })
    }

    /// Runs that share nothing: none repeats another's contents. All at the same time, the first is the base.
    ///
    /// # Panics
    /// Without a run.
    pub fn apart(runs: Vec<Simulation>) -> Self {
        let base = runs.first().expect("a base").plan();
        let contents: Arc<Vec<Arc<Pinned>>> = Arc::new(vec![Arc::default(); base.chains.len()]);
        let slots_ns = slots_ns(base);
        Self { paired: vec![false; runs.len()], runs, contents, begun: 0, slots_ns }
    }

    /// The runs, the base first.
    pub fn runs(&self) -> &[Simulation] {
        &self.runs
    }

    /// Takes the runs apart, the base first.
    pub fn into_runs(self) -> impl Iterator<Item = Simulation> {
        self.runs.into_iter()
    }

    /// The only run, to change it; `None` where there are arms: what they are compared with stays.
    pub fn alone_mut(&mut self) -> Option<&mut Simulation> {
        if let [run] = &mut self.runs[..] { Some(run) } else { None }
    }

    /// Whether a run repeats the base's block contents.
    pub fn is_paired(&self, run: usize) -> bool {
        self.paired[run]
    }

    /// Time that all runs have reached (or their own end).
    pub fn now(&self) -> SimTime {
        let on = self.runs.iter().filter(|r| !r.is_finished()).map(Simulation::now).min();
        on.unwrap_or_else(|| self.end())
    }

    /// When the last of them ends.
    pub fn end(&self) -> SimTime {
        self.runs.iter().map(Simulation::end).max().unwrap_or_default()
    }

    /// All are over.
    pub fn is_finished(&self) -> bool {
        self.runs.iter().all(Simulation::is_finished)
    }

    /// Events handled so far, by all.
    pub fn events(&self) -> u64 {
        self.runs.iter().map(Simulation::events).sum()
    }

    /// Digest of all nodes' histories so far: of one run its own, of several a hash of theirs, in order.
    pub fn digest(&self) -> Digest {
        if let [run] = &self.runs[..] {
            return run.digest();
        }
        let mut fold = DigestFold::new();
        for Digest(digest) in self.runs.iter().map(Simulation::digest) {
            fold.absorb(digest as u64);
            fold.absorb((digest >> 64) as u64);
        }
        fold.finish()
    }

    /// Runs all until `until` or their end, or until about `budget` events were handled in one of them; true
    /// when they got there.
    ///
    /// # Errors
    /// [`RunError`]: one of the runs cannot go on; its position comes with it.
    pub fn run_until(&mut self, until: SimTime, budget: u64) -> Result<bool, (usize, RunError)> {
        let mut left = budget;
        loop {
            let now = self.now();
            if now >= until.min(self.end()) {
                return Ok(true);
            }
            let stride = if self.runs.len() == 1 { u64::MAX } else { STRIDE_NS };
            let ahead = self.runs[0].now().0 > now.0 && !self.runs[0].is_finished();
            if !ahead {
                let to = SimTime(until.0.min(now.0.saturating_add(stride)));
                self.advance(0, to, &mut left)?;
                self.share();
            }
            let base = &self.runs[0];
            let limit =
                if base.is_finished() { until.0.min(now.0.saturating_add(stride)) } else { base.now().0 };
            for run in 1..self.runs.len() {
                self.advance(run, SimTime(limit.min(until.0)), &mut left)?;
            }
            if left == 0 {
                return Ok(self.now() >= until.min(self.end()));
            }
        }
    }

    fn advance(&mut self, run: usize, to: SimTime, left: &mut u64) -> Result<(), (usize, RunError)> {
        let simulation = &mut self.runs[run];
        if simulation.now() >= to || *left == 0 {
            return Ok(());
        }
        let before = simulation.events();
        simulation.run_until(to, *left).map_err(|e| (run, e))?;
        *left = left.saturating_sub(simulation.events() - before);
        Ok(())
    }

    /// Handles the next event of the base, and what the arms do until then.
    ///
    /// # Errors
    /// As [`Lockstep::run_until`].
    pub fn step(&mut self) -> Result<(), (usize, RunError)> {
        self.runs[0].step().map_err(|e| (0, e))?;
        self.share();
        let now = self.runs[0].now();
        for run in 1..self.runs.len() {
            self.advance(run, now, &mut no_limit())?;
        }
        Ok(())
    }

    /// Hands on what the base has put into its blocks since the last time.
    fn share(&mut self) {
        // The start of a slot has been handled once the base is past it.
        let past_ns = self.runs[0].now().0.saturating_sub(1);
        let begun: u64 = self.slots_ns.iter().map(|slot_ns| past_ns / slot_ns).sum();
        if begun > self.begun && self.paired.contains(&true) {
            self.begun = begun;
            self.contents = Arc::new(self.runs[0].contents());
            self.pin();
        }
    }

    fn pin(&mut self) {
        for (run, paired) in self.runs.iter_mut().zip(&self.paired) {
            if *paired {
                run.world.pin(&self.contents);
            }
        }
    }

    /// Saves the state of all.
    pub fn checkpoint(&self) -> SavedRuns {
        SavedRuns(self.runs.iter().map(Simulation::checkpoint).collect())
    }

    /// About how many bytes a checkpoint taken now holds for itself alone.
    pub fn checkpoint_bytes(&self) -> usize {
        self.runs.iter().map(Simulation::checkpoint_bytes).sum()
    }

    /// Goes back (or forward) to a saved state. What the base decided later is still known: it will decide the
    /// same again.
    pub fn restore(&mut self, saved: &SavedRuns) {
        for (run, saved) in self.runs.iter_mut().zip(&saved.0) {
            run.restore(saved);
        }
        self.pin();
    }

    /// The first recorded second, and the group of nodes, in which a run differs from the base, as far as both
    /// have got.
    pub fn divergence(&self, run: usize) -> Option<Divergence> {
        let (a, b) = (self.runs[0].trail(), self.runs[run].trail());
        let both = a.seconds().len().min(b.seconds().len());
        let last = both.checked_sub(1).map(|at| a.seconds()[at].min(b.seconds()[at]));
        // A second that only one of them has got to yet is no difference; other nodes are.
        let comparable = self.runs[0].plan().nodes.count == self.runs[run].plan().nodes.count;
        first_divergence(a, b).filter(|d| !comparable || last.is_some_and(|last| d.second <= last))
    }

    /// Whether a run differs from the base now, at any node.
    pub fn differs(&self, run: usize) -> bool {
        self.runs[0].digest() != self.runs[run].digest()
    }

    /// Nodes whose histories differ between the base and a run, ascending; all where their numbers differ.
    pub fn different_nodes(&self, run: usize) -> Vec<u32> {
        let (a, b) = (self.runs[0].node_digests(), self.runs[run].node_digests());
        if a.len() != b.len() {
            return (0..a.len().max(b.len()) as u32).collect();
        }
        (0..a.len()).filter(|n| a[*n] != b[*n]).map(|n| n as u32).collect()
    }

    /// The first moment from here to `until` at which a run parts from the base; `None` if they stay equal, or
    /// when `go_on` says no. The two are moved, the others are not: [`Lockstep::restore`] puts all together.
    ///
    /// Differences never die out, so that ever shorter strides close in on the nanosecond.
    ///
    /// # Errors
    /// As [`Lockstep::run_until`].
    pub fn parting(
        &mut self,
        run: usize,
        until: SimTime,
        mut go_on: impl FnMut(u64) -> bool,
    ) -> Result<Option<Parting>, (usize, RunError)> {
        let mut stride_ns = STRIDE_NS;
        if self.differs(run) {
            return Ok(Some(Parting { at_ns: self.runs[0].now().0, nodes: self.different_nodes(run) }));
        }
        loop {
            // One of them may be over before the other.
            let start = self.runs[0].now().max(self.runs[run].now());
            if start >= until || !go_on(start.0) {
                return Ok(None);
            }
            let before = [0, run].map(|r| self.runs[r].checkpoint());
            let to = SimTime(until.0.min(start.0 + stride_ns));
            self.advance(0, to, &mut no_limit())?;
            self.share();
            self.advance(run, to, &mut no_limit())?;
            if !self.differs(run) {
                continue;
            }
            if to.0 - start.0 == 1 {
                return Ok(Some(Parting { at_ns: start.0, nodes: self.different_nodes(run) }));
            }
            for (r, saved) in [0, run].into_iter().zip(&before) {
                self.runs[r].restore(saved);
            }
            self.pin();
            stride_ns = ((to.0 - start.0) / 8).max(1);
        }
    }
}

/// Slot of every chain, ns.
fn slots_ns(plan: &Plan) -> Vec<u64> {
    let slot_ns = |c: &ConsensusPlan| match c {
        ConsensusPlan::Slots(slots) => slots.slot_ns,
        ConsensusPlan::Broadcast(_) => u64::MAX,
    };
    plan.chains.iter().map(|c| slot_ns(&c.consensus)).collect()
}

fn no_limit() -> u64 {
    u64::MAX
}
