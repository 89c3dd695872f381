//! The facade: build a simulation from a plan, run it, take its record. CLI, GUI and validation use only this.
//!
//! ```
//! # use sim_core::simulation::Simulation;
//! # use sim_core::scenario::plan::Plan;
//! fn run(plan: Plan) -> Result<String, Box<dyn std::error::Error>> {
//!     let mut simulation = Simulation::new(plan)?;
//!     simulation.run()?;
//!     Ok(simulation.finish().digest)
//! }
//! ```
//!
//! Must never be true: that anything but the plan, the contents pinned from another run of the same scenario
//! and the version of this code can change a result. Host threads only change how long it takes.

mod archive;
mod assemble;
mod detail;
pub mod experiment;
mod finish;
pub mod lockstep;
mod observer;
pub mod snapshot;
mod timeline;
mod world;

pub use observer::Observer;

use crate::consensus::RunError;
use crate::execution::builder::ExecutionCache;
use crate::execution::profile::ProfileError;
use crate::gossip::Dissemination;
use crate::gossip::flood::Flood;
use crate::gossip::gossipsub::Gossipsub;
use crate::gossip::params::GossipPlan;
use crate::kernel::digest::{Digest, DigestTrail, NodeDigest};
use crate::kernel::time::SimTime;
use crate::net::fabric::Fabric;
use crate::net::geography::PlacementError;
use crate::net::links::LatencyError;
use crate::net::topology::{Topology, TopologyError};
use crate::observe::record::RunRecord;
use crate::scenario::intervention::ChangeError;
use crate::scenario::limits::INTERVENTIONS_MAX;
use crate::scenario::plan::{Change, Intervention, Plan};
use crate::workload::economy::Economies;
use crate::workload::recorded::{RecordedBlocks, RecordedError};
use crate::workload::users::Pinned;
use snapshot::{Request, Snapshot};
use std::num::NonZeroUsize;
use std::sync::Arc;
use thiserror::Error;
use timeline::Timeline;
use world::World;

/// A plan cannot be turned into a simulation.
#[derive(Debug, Error)]
pub enum SetupError {
    /// No such graph, or not connected.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// Latencies or jitter make no sense.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// Nodes cannot be placed.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// The cost profile is incomplete.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A recorded block cannot be used.
    #[error(transparent)]
    Recorded(#[from] RecordedError),
    /// The contracts of the `Users` workload cannot be executed.
    #[error("the workload's contracts cannot be executed: {0}")]
    Contracts(#[from] parallel_evm::ExecuteError),
    /// An intervention of the plan cannot be made.
    #[error("an intervention: {0}")]
    Change(#[from] ChangeError),
    /// A number in the plan makes no sense together with another.
    #[error("{0}")]
    Plan(String),
}

/// A change cannot be applied to a simulation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// The change makes no sense in this run.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The run is over: restore an earlier checkpoint first.
    #[error("the run is over")]
    Over,
    /// More interventions than a run can have.
    #[error("a run can have at most {INTERVENTIONS_MAX} interventions")]
    TooMany,
    /// The list differs from what has already taken effect: restore an earlier checkpoint first.
    #[error(
        "what took effect at {at_ns} ns is not in the list, or not in its place: the past cannot be changed"
    )]
    Past {
        /// When, ns.
        at_ns: u64,
    },
    /// The list has something new before the present: restore an earlier checkpoint first.
    #[error("an intervention at {at_ns} ns comes too late: the run has got to {now_ns} ns")]
    Late {
        /// When it should take effect, ns.
        at_ns: u64,
        /// The earliest moment possible, ns.
        now_ns: u64,
    },
}

/// What runs of one experiment share, and how much of the host they may use. Never changes a result.
#[derive(Clone, Debug)]
pub struct Resources {
    /// Executed blocks by content.
    pub executions: Arc<ExecutionCache>,
    /// Accounts, contracts and genesis states by workload.
    pub economies: Arc<Economies>,
    /// Recorded blocks by file, read and executed.
    pub recorded: Arc<RecordedBlocks>,
    /// Threads for executing one block.
    pub execution_threads: NonZeroUsize,
    /// Contents of blocks to repeat, by chain.
    pub pinned: Option<Arc<Vec<Arc<Pinned>>>>,
    /// Keep every node's first arrivals with their causes. Without, runs are smaller and faster, and records
    /// have no propagation figures. Never changes what happens.
    pub causes: bool,
}

/// Executed blocks kept for reuse.
const CACHED_BLOCKS: usize = 4_096;

impl Default for Resources {
    fn default() -> Self {
        Self {
            executions: Arc::new(ExecutionCache::new(CACHED_BLOCKS)),
            economies: Arc::default(),
            recorded: Arc::default(),
            execution_threads: NonZeroUsize::MIN,
            pinned: None,
            causes: true,
        }
    }
}

/// What the facade needs of a world, whatever its dissemination protocol.
trait Run: Send {
    fn now(&self) -> SimTime;
    fn end(&self) -> SimTime;
    fn events(&self) -> u64;
    fn run_until(&mut self, until: SimTime, budget: u64) -> Result<bool, RunError>;
    fn pending(&self) -> usize;
    fn next_free_moment(&self) -> SimTime;
    fn timeline(&self) -> &Timeline;
    fn timeline_mut(&mut self) -> &mut Timeline;
    fn heap_bytes(&self) -> usize;
    fn checkpoint_bytes(&self) -> usize;
    fn trail(&self) -> &DigestTrail;
    fn state_digest(&self) -> Digest;
    fn contents(&self) -> Vec<Arc<Pinned>>;
    fn pin(&mut self, contents: &[Arc<Pinned>]);
    fn node_digests(&self) -> Vec<NodeDigest>;
    fn observe(&self, observer: &mut Observer, request: &Request, into: &mut Snapshot);
    fn placement(&self) -> Placement;
    fn clone_box(&self) -> Box<dyn Run>;
    fn finish(self: Box<Self>, plan: Plan) -> RunRecord;
}

/// A simulation that can be run, stepped, saved and restored.
pub struct Simulation {
    world: Box<dyn Run>,
    plan: Plan,
}

/// What does not change while a simulation runs.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Region of every node.
    pub regions: Vec<u16>,
    /// Hardware class of every node.
    pub classes: Vec<u16>,
    /// Stake of every node.
    pub stakes: Arc<[u64]>,
    /// Who is connected to whom.
    pub topology: Arc<Topology>,
}

/// A saved state of a simulation.
pub struct Checkpoint(Box<dyn Run>);

impl Simulation {
    /// A simulation of `plan` at time 0.
    ///
    /// # Errors
    /// [`SetupError`] where the plan contradicts itself or names blocks that cannot be used.
    pub fn new(plan: Plan) -> Result<Self, SetupError> {
        Self::with_resources(plan, &Resources::default())
    }

    /// A simulation that shares executions with others.
    ///
    /// # Errors
    /// As [`Simulation::new`].
    pub fn with_resources(plan: Plan, resources: &Resources) -> Result<Self, SetupError> {
        match plan.network.gossip.clone() {
            GossipPlan::Flood => Self::with_dissemination(plan, resources, Flood::new),
            GossipPlan::Gossipsub(gossipsub) => {
                Self::with_dissemination(plan, resources, |fabric| Gossipsub::new(gossipsub, fabric))
            }
        }
    }

    /// A simulation with a dissemination protocol of the caller's own in place of the plan's.
    ///
    /// # Errors
    /// As [`Simulation::new`].
    pub fn with_dissemination<D: Dissemination>(
        plan: Plan,
        resources: &Resources,
        protocol: impl FnOnce(&Fabric) -> D,
    ) -> Result<Self, SetupError> {
        let world: World<D> = assemble::assemble(&plan, resources, protocol)?;
        let mut plan = plan;
        plan.interventions = world.timeline.list().to_vec();
        Ok(Self { world: Box::new(world), plan })
    }

    /// What is being run, interventions made so far included.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Simulated time: everything before it has happened.
    pub fn now(&self) -> SimTime {
        self.world.now()
    }

    /// When the run ends.
    pub fn end(&self) -> SimTime {
        self.world.end()
    }

    /// The run is over.
    pub fn is_finished(&self) -> bool {
        self.world.now() >= self.world.end()
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.world.events()
    }

    /// Events waiting.
    pub fn pending_events(&self) -> usize {
        self.world.pending()
    }

    /// Bytes held by nodes, items and queues (states and records not counted).
    pub fn heap_bytes(&self) -> usize {
        self.world.heap_bytes()
    }

    /// Handles the next event (with several partitions: the next window).
    ///
    /// # Errors
    /// [`RunError`]: the run cannot go on.
    pub fn step(&mut self) -> Result<(), RunError> {
        self.world.run_until(self.world.end(), 1).map(|_| ())
    }

    /// Runs until `until` or the end, or until about `budget` events were handled; true when it got there.
    ///
    /// # Errors
    /// [`RunError`]: the run cannot go on.
    pub fn run_until(&mut self, until: SimTime, budget: u64) -> Result<bool, RunError> {
        self.world.run_until(until, budget)
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// [`RunError`]: the run cannot go on.
    pub fn run(&mut self) -> Result<(), RunError> {
        self.world.run_until(self.world.end(), u64::MAX).map(|_| ())
    }

    /// Makes a change now: after the last event handled, before every other of the moment at which it takes
    /// effect. Returns it with that moment; the list of all of them ([`Simulation::interventions`]), put into
    /// the plan, gives the same run from the start. It takes effect when the run goes on.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing has changed then.
    pub fn apply(&mut self, change: Change) -> Result<Intervention, ApplyError> {
        change.check(&self.plan)?;
        if self.is_finished() {
            return Err(ApplyError::Over);
        }
        if self.plan.interventions.len() >= INTERVENTIONS_MAX {
            return Err(ApplyError::TooMany);
        }
        let intervention = Intervention { at_ns: self.world.next_free_moment().0, change };
        self.world.timeline_mut().insert(intervention.clone());
        self.plan.interventions = self.world.timeline().list().to_vec();
        Ok(intervention)
    }

    /// All interventions: those in force and those to come.
    pub fn interventions(&self) -> &[Intervention] {
        &self.plan.interventions
    }

    /// Replaces the interventions to come. `list` is the whole list, those in force included: to replay a run
    /// with another past, restore a checkpoint from before the first difference.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing has changed then.
    pub fn set_interventions(&mut self, list: Vec<Intervention>) -> Result<(), ApplyError> {
        if list.len() > INTERVENTIONS_MAX {
            return Err(ApplyError::TooMany);
        }
        list.iter().try_for_each(|i| i.change.check(&self.plan))?;
        let now_ns = self.world.next_free_moment().0;
        let timeline = self.world.timeline_mut();
        timeline.replace(list, now_ns)?;
        self.plan.interventions = timeline.list().to_vec();
        Ok(())
    }

    /// Saves the state. Cheap: states and blocks are shared.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.world.clone_box())
    }

    /// About how many bytes a checkpoint taken now holds for itself alone.
    pub fn checkpoint_bytes(&self) -> usize {
        self.world.checkpoint_bytes()
    }

    /// Goes back (or forward) to a saved state of this simulation, its interventions included.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        self.world = checkpoint.0.clone_box();
        self.plan.interventions = self.world.timeline().list().to_vec();
    }

    /// Digest of all nodes' histories so far.
    pub fn digest(&self) -> Digest {
        self.world.state_digest()
    }

    /// Digests by group of nodes and simulated second, to locate a divergence.
    pub fn trail(&self) -> &DigestTrail {
        self.world.trail()
    }

    /// Every node's history so far, by node number.
    pub fn node_digests(&self) -> Vec<NodeDigest> {
        self.world.node_digests()
    }

    /// What the simulation looks like now. Changes nothing; `into` is filled anew, its memory reused.
    pub fn snapshot(&self, observer: &mut Observer, request: &Request, into: &mut Snapshot) {
        into.end_ns = self.world.end().0;
        self.world.observe(observer, request, into);
    }

    /// Where the nodes are, and who is connected to whom.
    pub fn placement(&self) -> Placement {
        self.world.placement()
    }

    /// Contents of the blocks built so far, by chain, to pin in another run.
    pub fn contents(&self) -> Vec<Arc<Pinned>> {
        self.world.contents()
    }

    /// The digest that the record of a run has which ends here: that of [`Simulation::finish`]. Costs a record;
    /// the simulation stays as it is.
    pub fn outcome_digest(&self) -> String {
        self.world.clone_box().finish(self.plan.clone()).digest
    }

    /// Closes the run and takes its record.
    pub fn finish(self) -> RunRecord {
        self.world.finish(self.plan)
    }
}
