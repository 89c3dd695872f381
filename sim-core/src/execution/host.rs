//! What the protocols of a node act through: the network, the dissemination protocol, the cores, timers.

use super::pipeline::CpuState;
use crate::gossip::Dissemination;
use crate::kernel::event::{Kind, Moment};
use crate::kernel::ids::NodeId;
use crate::kernel::time::SimDuration;
use crate::net::fabric::Fabric;
use crate::net::items::Slot;
use crate::net::message::class;
use thiserror::Error;

/// Timers of consensus and workload: `aux` of class `TIMER` from 16 on. The payload is a chain number, or
/// what the timer says.
pub mod timers {
    /// A slot begins at its proposer. Payload: chain.
    pub const SLOT: u8 = 16;
    /// A block is built and goes out. Payload: task.
    pub const PROPOSE: u8 = 17;
    /// The attestation deadline at a node. Payload: chain.
    pub const ATTEST: u8 = 18;
    /// An aggregator's deadline. Payload: task.
    pub const AGGREGATE: u8 = 19;
    /// A block is executed at a node. Payload: task.
    pub const VERIFIED: u8 = 20;
    /// RPC nodes close their bundles. Payload: chain.
    pub const BUNDLE: u8 = 21;
    /// A gateway of a fleet of rollups looks for arrivals. Payload: task; so are the following.
    pub const ARRIVAL: u8 = 22;
    /// Time for a rollup's next block.
    pub const SEQUENCE: u8 = 23;
    /// A rollup's block is executed.
    pub const SEALED: u8 = 24;
    /// A rollup's channel is old enough to post.
    pub const CHANNEL: u8 = 25;
    /// A batcher looks at its L1.
    pub const BATCHER: u8 = 26;
    /// A proof is ready.
    pub const PROVED: u8 = 27;
    /// An arbitrageur looks at the reference price.
    pub const AGENT: u8 = 28;
    /// A searcher sends its next probe.
    pub const SEARCHER: u8 = 29;
    /// Somebody starts on a journey.
    pub const TRIP: u8 = 40;
    /// A bridge does what it has waited for.
    pub const CROSSING: u8 = 41;
    /// A proposer of the L1 builds the batches of based rollups.
    pub const BASED: u8 = 42;
    /// A batch of a based rollup is executed at its proposer.
    pub const BUILT: u8 = 43;
    /// A gateway of based rollups looks whether something must be sent again.
    pub const RESEND: u8 = 44;
    /// A node that derives a rollup has waited long enough for blobs it asked for.
    pub const FETCH: u8 = 45;
    /// It has executed what a batch completes.
    pub const DERIVED: u8 = 46;
}

/// What a task's timer is about: (chain, the chain's own number).
pub type Task = (u32, u32);

/// What a protocol acts through: the network, the dissemination protocol, the nodes' cores.
pub struct Host<'a, D> {
    /// Links and queues.
    pub fabric: &'a mut Fabric,
    /// How items spread.
    pub gossip: &'a mut D,
    /// Each node's execution cores, shared by all chains.
    pub cpus: &'a mut [CpuState],
    /// Tasks with a timer pending.
    pub tasks: &'a mut Tasks,
}

/// Tasks with a timer pending: handles in, handles out.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tasks: Vec<Task>,
    free: Vec<u32>,
}

impl Tasks {
    fn insert(&mut self, task: Task) -> u32 {
        if let Some(index) = self.free.pop() {
            self.tasks[index as usize] = task;
            return index;
        }
        self.tasks.push(task);
        (self.tasks.len() - 1) as u32
    }

    /// The task of a timer that is pending.
    pub fn get(&self, index: u32) -> Task {
        self.tasks[index as usize]
    }

    /// The task of a timer that fired.
    pub fn take(&mut self, index: u32) -> Task {
        self.free.push(index);
        self.tasks[index as usize]
    }
}

impl<D: Dissemination> Host<'_, D> {
    /// Sets a timer of a task at a node.
    pub fn task_timer(&mut self, now: Moment, delay_ns: u64, node: NodeId, timer: u8, task: Task) {
        let payload = self.tasks.insert(task);
        self.timer(now, delay_ns, node, timer, payload);
    }

    /// Sets a timer at a node.
    pub fn timer(&mut self, now: Moment, delay_ns: u64, node: NodeId, timer: u8, payload: u32) {
        self.fabric.self_event(now, SimDuration(delay_ns), Kind::new(class::TIMER, timer), node, payload);
    }

    /// Begins to spread an item its producer has just created.
    pub fn publish(&mut self, now: Moment, node: NodeId, slot: Slot) {
        self.gossip.publish(self.fabric, now, node, slot);
    }
}

/// What to do with an item that has just become complete at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassOn {
    /// Pass it on at once.
    Now,
    /// Pass it on after a check of this many ns.
    After(u64),
    /// The protocol will say when.
    Later,
}

/// A run cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunError {
    /// A block could not be executed. Final: the input is at fault.
    #[error("chain {chain}, slot {slot}: {reason}")]
    Execution {
        /// Chain number.
        chain: u32,
        /// Slot of the block.
        slot: u32,
        /// What the executor said.
        reason: String,
    },
    /// Tokens or ether appeared or vanished. Final: the simulator is at fault.
    #[error("chain {chain}, rollup {rollup}: not everything is accounted for: {reason}")]
    Conservation {
        /// Chain number of the fleet.
        chain: u32,
        /// Rollup.
        rollup: u32,
        /// What does not add up.
        reason: String,
    },
}
