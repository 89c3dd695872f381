//! Who sends what, when, from where; and what proposers put into blocks.
//!
//! * [`users`]: people in regions send transactions to RPC nodes, which gossip them in bundles; proposers pick
//!   by fee from what has reached them.
//! * [`recorded`]: real blocks are proposed in turn, each on its own pre-state.
//! * Empty blocks.
//!
//! May import kernel, net, gossip, chain and execution. Must never be true: that a proposer includes a
//! transaction its node has not received (except where contents are pinned, and then the plan says so).

pub mod delivery;
pub mod economy;
pub mod load;
pub mod params;
pub mod recorded;
pub mod users;

use crate::chain::account;
use crate::chain::block::{Block, BlockHeader, BlockId, Body, wire_size_bytes};
use crate::chain::fee_market::{self, BlockUse, FeeRecord, MarketState};
use crate::chain::tree::BlockIx;
use crate::execution::block_time::{BlockTimer, Machine};
use crate::execution::draft::Paid;
use crate::execution::host::{Host, RunError};
use crate::execution::record::ExecutionRecord;
use crate::execution::state::WorldState;
use crate::execution::trace::BlockTrace;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::fabric::Fabric;
use recorded::Recorded;
use std::sync::Arc;
use users::Users;

/// What is asked of a source when a slot begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// Chain number.
    pub chain: u32,
    /// Slot.
    pub slot: u32,
    /// Proposing node.
    pub proposer: NodeId,
    /// Block to build on.
    pub parent: BlockIx,
    /// Start of the slot, ns.
    pub slot_start_ns: u64,
    /// Most gas in the block.
    pub gas_limit: u64,
}

/// Where a node stands on its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standpoint {
    /// The block it would build on.
    pub head: BlockIx,
    /// The latest block that is final for it.
    pub root: BlockIx,
    /// Base fee of the head, wei per gas.
    pub base_fee_wei: u64,
}

/// A built block.
pub struct Draft {
    /// The block.
    pub block: Block,
    /// Number of transactions.
    pub transactions: u32,
    /// Name and verdict of a recorded block.
    pub recorded: Option<(String, bool)>,
    /// Execution by hardware class, ns.
    pub durations_ns: Vec<u64>,
    /// Execution on the reference machine.
    pub execution: ExecutionRecord,
    /// What its transactions did, to price it again.
    pub trace: Arc<BlockTrace>,
    /// Who paid what to whom.
    pub fees: FeeRecord,
    /// What it leaves behind, if it belongs to a chain of states.
    pub after: Option<After>,
}

/// What a block of people's transactions leaves behind.
#[derive(Clone, Debug)]
pub struct After {
    /// The state.
    pub world: WorldState,
    /// The prices it had.
    pub prices: MarketState,
    /// What was used at those.
    pub used: BlockUse,
    /// What its transactions paid, in their order.
    pub paid: Arc<[Paid]>,
}

/// Prices blocks for every hardware class of a run.
#[derive(Clone, Debug)]
pub struct Pricing {
    /// Turns executed blocks into time.
    pub timer: BlockTimer,
    /// One machine per hardware class.
    pub machines: Vec<Machine>,
}

impl Pricing {
    /// Execution by hardware class, ns.
    pub fn durations_ns(&self, trace: &BlockTrace) -> Vec<u64> {
        let mut by_cores = std::collections::BTreeMap::new();
        let durations = self.machines.iter().map(|m| {
            let time = by_cores.entry(m.cores).or_insert_with(|| self.timer.time(trace, m.cores));
            time.duration_ns(m.speed_ppm)
        });
        durations.collect()
    }

    /// (execution by class, the reference record).
    fn price(&self, trace: &BlockTrace) -> (Vec<u64>, ExecutionRecord) {
        let reference = Machine { cores: self.machines[0].cores, speed_ppm: self.machines[0].speed_ppm };
        (self.durations_ns(trace), self.timer.record(trace, reference))
    }
}

/// Where blocks' contents come from.
#[derive(Clone)]
pub enum Source {
    /// People.
    Users(Box<Users>),
    /// Recorded blocks.
    Recorded(Box<Recorded>),
    /// Nothing.
    Empty(Box<Pricing>),
}

impl Source {
    /// Sets the first timers.
    pub fn start<D: Dissemination>(&mut self, host: &mut Host<'_, D>, chain: u32) {
        if let Self::Users(users) = self {
            users.start(host, chain);
        }
    }

    /// An RPC node closes a bundle.
    pub fn on_bundle<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        chain: u32,
        sequence: u32,
        at: Standpoint,
    ) {
        if let Self::Users(users) = self {
            users.on_bundle(host, now, node, chain, sequence, at);
        }
    }

    /// Transactions sent straight to a proposer are there.
    pub fn on_transactions(&mut self, number: u32) {
        if let Self::Users(users) = self {
            users.on_transactions(number);
        }
    }

    /// Builds a block.
    ///
    /// # Errors
    /// When the contents cannot be executed at all.
    pub fn build(
        &mut self,
        request: &BuildRequest,
        parent: &BlockHeader,
        fabric: &Fabric,
    ) -> Result<Draft, RunError> {
        match self {
            Self::Users(users) => users.build(request, parent, fabric),
            Self::Recorded(recorded) => recorded.build(request, parent),
            Self::Empty(pricing) => {
                let header = next_header(request, parent, base_fee_after(parent));
                let size_bytes = wire_size_bytes(&header, []);
                let block = Block { header, body: Body::Transactions(Vec::new()), size_bytes };
                let trace = Arc::new(BlockTrace::default());
                let (durations_ns, execution) = pricing.price(&trace);
                Ok(Draft {
                    block,
                    transactions: 0,
                    recorded: None,
                    durations_ns,
                    execution,
                    trace,
                    fees: FeeRecord::default(),
                    after: None,
                })
            }
        }
    }

    /// Prices blocks built from now on in another way.
    pub fn set_pricing(&mut self, new: &Pricing) {
        match self {
            Self::Users(users) => users.set_pricing(new.clone()),
            Self::Recorded(recorded) => recorded.set_pricing(new.clone()),
            Self::Empty(pricing) => **pricing = new.clone(),
        }
    }

    /// The people, if there are any.
    pub fn users_mut(&mut self) -> Option<&mut Users> {
        match self {
            Self::Users(users) => Some(users),
            _ => None,
        }
    }

    /// The block of the last draft was given a handle.
    pub fn built(&mut self, ix: BlockIx, after: Option<After>) {
        if let (Self::Users(users), Some(after)) = (self, after) {
            users.built(ix, after);
        }
    }

    /// A block is closed: note what its users saw. `times(node)` says when the node had executed it and when
    /// it was final there, ns (0: never); nobody waits for an `absent` node.
    pub fn confirm(
        &mut self,
        ix: BlockIx,
        body: &Body,
        times: impl Fn(NodeId) -> [u64; 2],
        absent: impl Fn(NodeId) -> bool,
    ) {
        if let Self::Users(users) = self {
            users.confirm(ix, body, times, absent);
        }
    }
}

/// Base fee of the block after `parent` where nobody pays it, by EIP-1559.
fn base_fee_after(parent: &BlockHeader) -> u64 {
    fee_market::next_base_fee(parent.base_fee_wei, parent.gas_used, parent.gas_limit)
}

/// The header of an empty block on `parent`.
fn next_header(request: &BuildRequest, parent: &BlockHeader, base_fee_wei: u64) -> BlockHeader {
    BlockHeader {
        id: BlockId { chain: request.chain, slot: request.slot, proposer: request.proposer.0 },
        parent: Some(parent.id),
        height: parent.height + 1,
        slot_start_ns: request.slot_start_ns,
        beneficiary: account::address(account::AccountKind::Proposer, u64::from(request.proposer.0)),
        gas_limit: request.gas_limit,
        gas_used: 0,
        base_fee_wei,
    }
}
