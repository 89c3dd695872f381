//! What a finished run leaves behind: plain data, complete enough for every table, plot and verdict.
//!
//! Invariant: a record holds simulated quantities only; host time and host facts live in the manifest.
//! All times are nanoseconds of simulated time; vectors are in a content-derived order.

pub use crate::chain::fee_market::FeeRecord;
pub use crate::execution::draft::Paid;
pub use crate::execution::record::ExecutionRecord;
pub use crate::gossip::params::MeshRecord;
pub use crate::net::message::MessageKind;
pub use crate::net::params::TopologyStats;
pub use crate::rollup::bridge::record::{
    BridgeRecord, CrossingRecord, InventoryRecord, OUTCOMES, Outcome, Stage, TripRecord,
};
pub use crate::rollup::record::{
    BatchRecord, BlobBlockRecord, ConservationRecord, DROP_REASONS, DerivationRecord, Fate, FleetRecord,
    Party, RollupTxRecord, RollupsRecord,
};
use crate::scenario::plan::Plan;
pub use crate::workload::users::Group;
use serde::{Deserialize, Serialize};

/// Everything one run left behind.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// What was run.
    pub plan: Plan,
    /// Hex digest of all node histories and outputs.
    pub digest: String,
    /// Simulated end, ns.
    pub end_ns: u64,
    /// Events processed.
    pub events: u64,
    /// Statistics of the graph.
    pub topology: TopologyStats,
    /// What the dissemination protocol's mesh did, if it has one.
    pub mesh: Option<MeshRecord>,
    /// One entry per node, by node number.
    pub nodes: Vec<NodeRecord>,
    /// One entry per block, by (chain, slot).
    pub blocks: Vec<BlockRecord>,
    /// One entry per (block, observed node): indices into `blocks` and `nodes`. By (block, node).
    pub node_blocks: Vec<NodeBlockRecord>,
    /// One entry per user transaction, by (chain, submission order).
    pub transactions: Vec<TransactionRecord>,
    /// What became of rollups, if there were any.
    pub rollups: RollupsRecord,
    /// Bytes lost on the way to or from nodes that were down, by kind of message.
    pub lost_bytes: [u64; MessageKind::COUNT],
    /// Nodes observed in `node_blocks`: every k-th; 1 means all.
    pub observed_every: u32,
    /// Things to check before trusting the result.
    pub warnings: Vec<String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRecord {
    /// Region index.
    pub region: u32,
    /// Hardware class index.
    pub class: u32,
    /// Stake.
    pub stake: u64,
    /// Bytes sent by kind of message.
    pub sent_bytes: [u64; MessageKind::COUNT],
    /// Bytes received by kind of message.
    pub received_bytes: [u64; MessageKind::COUNT],
    /// Copies of items received beyond the first.
    pub duplicates: u64,
    /// Items received for the first time.
    pub first_arrivals: u64,
    /// Time the uplink was busy, ns.
    pub uplink_busy_ns: u64,
    /// Time the execution cores were busy with a block, ns.
    pub execution_busy_ns: u64,
    /// Votes this node should have cast (after warm-up).
    pub votes_due: u64,
    /// Votes for the slot's own block cast in time.
    pub votes_timely: u64,
}

/// Where a piece of time went. The parts of one chain of causes add up exactly to its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Part {
    /// The proposer (or its CPU) was not ready at the slot's start.
    LeaderWait = 0,
    /// Building: the proposer executes the block before proposing.
    Build = 1,
    /// Bytes over the sender's uplink at its line rate.
    SerialisationUp = 2,
    /// Bytes over the receiver's downlink at its line rate.
    SerialisationDown = 3,
    /// Waiting behind other traffic on an uplink, own copies to other peers included.
    QueueUp = 4,
    /// Waiting behind other traffic on a downlink.
    QueueDown = 5,
    /// Light and routes: base latency and jitter.
    Propagation = 6,
    /// Checks before passing on.
    ForwardCheck = 7,
    /// Protocol waits: announce and request, heartbeat.
    Protocol = 8,
    /// The node's cores were busy with another block, or the parent was missing.
    CpuWait = 9,
    /// Executing the block.
    Execution = 10,
    /// Waiting to vote.
    VoteWait = 11,
    /// Waiting in an aggregator for more votes.
    Aggregation = 12,
    /// The node, or the one it waited for, was down.
    Offline = 13,
}

impl Part {
    /// Number of parts.
    pub const COUNT: usize = 14;
    /// All parts in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::LeaderWait,
        Self::Build,
        Self::SerialisationUp,
        Self::SerialisationDown,
        Self::QueueUp,
        Self::QueueDown,
        Self::Propagation,
        Self::ForwardCheck,
        Self::Protocol,
        Self::CpuWait,
        Self::Execution,
        Self::VoteWait,
        Self::Aggregation,
        Self::Offline,
    ];
    /// Name used in tables and plots.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeaderWait => "leader wait",
            Self::Build => "build",
            Self::SerialisationUp => "uplink serialisation",
            Self::SerialisationDown => "downlink serialisation",
            Self::QueueUp => "uplink queue",
            Self::QueueDown => "downlink queue",
            Self::Propagation => "propagation",
            Self::ForwardCheck => "forward check",
            Self::Protocol => "protocol wait",
            Self::CpuWait => "cpu wait",
            Self::Execution => "execution",
            Self::VoteWait => "vote wait",
            Self::Aggregation => "vote aggregation",
            Self::Offline => "offline",
        }
    }
    /// The physical resource behind the part, for the verdict.
    pub fn resource(self) -> Resource {
        match self {
            Self::SerialisationUp | Self::QueueUp => Resource::Uplink,
            Self::SerialisationDown | Self::QueueDown => Resource::Downlink,
            Self::Propagation => Resource::Latency,
            Self::Build | Self::CpuWait | Self::Execution | Self::ForwardCheck => Resource::Execution,
            Self::LeaderWait | Self::Protocol | Self::VoteWait | Self::Aggregation | Self::Offline => {
                Resource::Protocol
            }
        }
    }
}

/// What binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Resource {
    /// Senders' access links.
    Uplink,
    /// Receivers' access links.
    Downlink,
    /// Light, routes and jitter.
    Latency,
    /// Cores executing blocks.
    Execution,
    /// Rules of the protocol: timers, quorums, announcements.
    Protocol,
}

impl Resource {
    /// All resources in order.
    pub const ALL: [Self; 5] = [Self::Uplink, Self::Downlink, Self::Latency, Self::Execution, Self::Protocol];
    /// Name used in the answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uplink => "uplink",
            Self::Downlink => "downlink",
            Self::Latency => "latency",
            Self::Execution => "execution",
            Self::Protocol => "protocol",
        }
    }
}

/// Time by part, ns. The sum is the length of the chain of causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown(pub [u64; Part::COUNT]);

impl Breakdown {
    /// Adds `ns` to a part.
    pub fn add(&mut self, part: Part, ns: u64) {
        self.0[part as usize] += ns;
    }
    /// Sum over all parts, ns.
    pub fn total_ns(&self) -> u64 {
        self.0.iter().sum()
    }
    /// Time of one part, ns.
    pub fn get(&self, part: Part) -> u64 {
        self.0[part as usize]
    }
}

/// One block.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockRecord {
    /// Chain index.
    pub chain: u32,
    /// Slot.
    pub slot: u32,
    /// Height.
    pub height: u32,
    /// Proposing node.
    pub proposer: u32,
    /// Index (in `RunRecord::blocks`) of the parent, unless it is the genesis.
    pub parent: Option<u32>,
    /// On the chain that won.
    pub canonical: bool,
    /// Inside the measured part of the run (not warm-up).
    pub measured: bool,
    /// Start of the slot, ns.
    pub slot_start_ns: u64,
    /// Moment the proposer handed the block to the network, ns.
    pub published_ns: u64,
    /// Size on the wire, bytes.
    pub size_bytes: u64,
    /// Transactions.
    pub transactions: u32,
    /// Gas used.
    pub gas_used: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Base fee, wei per gas.
    pub base_fee_wei: u64,
    /// Name of the recorded block it replays, if any.
    pub recorded: Option<String>,
    /// Recorded block: gas, bloom and receipts root matched the header.
    pub verified_header: Option<bool>,
    /// Execution on the reference core and its schedule.
    pub execution: ExecutionRecord,
    /// Who paid what to whom.
    pub fees: FeeRecord,
    /// Stake that voted for this block, and total stake.
    pub votes_stake: u64,
    /// Total stake.
    pub total_stake: u64,
    /// Stake that had verified this block before the attestation deadline.
    pub timely_stake: u64,
    /// First arrival at 50 %, 90 %, 95 % and 100 % of the nodes, ns after `slot_start_ns`; `None` where it
    /// did not reach that share.
    pub arrival_quantiles_ns: [Option<u64>; 4],
    /// Verified (executed) by 50 %, 90 %, 95 % and 100 % of the nodes, ns after `slot_start_ns`.
    pub verified_quantiles_ns: [Option<u64>; 4],
    /// Final at 50 %, 90 %, 95 % and 100 % of the nodes, ns after `slot_start_ns`.
    pub final_quantiles_ns: [Option<u64>; 4],
}

/// One block at one node. Times are absolute; 0 in `*_ns` never occurs after the genesis.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeBlockRecord {
    /// Index into `RunRecord::blocks`.
    pub block: u32,
    /// Node number.
    pub node: u32,
    /// Complete first copy at the node, ns.
    pub arrived_ns: Option<u64>,
    /// Executed, ns.
    pub verified_ns: Option<u64>,
    /// 2/3 of the stake seen, ns.
    pub final_ns: Option<u64>,
    /// Sender of the first copy; `None` at the proposer and where none came.
    pub sender: Option<u32>,
    /// Overlay hops from the proposer.
    pub hops: u32,
    /// Execution at the node itself, ns: part of `to_verified`.
    pub executing_ns: u64,
    /// For how long the node itself was down between `arrived_ns` and `verified_ns`, ns.
    pub offline_ns: u64,
    /// For how long it waited for the block's blobs after `arrived_ns`, ns: part of `to_verified`.
    pub blobs_ns: u64,
    /// From the slot's start to `verified_ns` (to `arrived_ns` where there is no execution).
    pub to_verified: Breakdown,
    /// From the slot's start to `final_ns`.
    pub to_final: Option<Breakdown>,
}

/// One user transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionRecord {
    /// Chain index.
    pub chain: u32,
    /// Region of the user.
    pub region: u32,
    /// Index into the plan's mix.
    pub kind: u32,
    /// Handed to the RPC node, ns.
    pub submitted_ns: u64,
    /// Index of the canonical block that includes it.
    pub block: Option<u32>,
    /// The user's RPC node has verified that block, ns.
    pub included_ns: Option<u64>,
    /// That block is final at the user's RPC node, ns.
    pub final_ns: Option<u64>,
    /// Inside the measured part of the run.
    pub measured: bool,
    /// What it has to do with the application in demand; `None` in a plan without.
    pub group: Option<Group>,
    /// What it paid in that block.
    pub paid: Option<Paid>,
}
