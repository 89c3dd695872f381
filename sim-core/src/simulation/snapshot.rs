//! What a running simulation looks like at one instant: plain data for a window to draw.
//!
//! A snapshot is taken by an [`Observer`](super::Observer), between events. Taking one changes nothing: the
//! digest of a run that is watched is that of the run that is not.
//!
//! **Leaves out** messages under way (only their number, and the first copies that have arrived) except those of
//! the node and the link asked for, transactions one by one, other chains than the one asked for. All times are nanoseconds of simulated time.

use crate::kernel::digest::Digest;
pub use crate::net::fabric::Leg;
use crate::net::message::MessageKind;
use crate::observe::record::{Breakdown, Part};
pub use crate::rollup::look::{FleetView, Followed};
pub use crate::rollup::record::BlobBlockRecord;
use std::sync::Arc;

/// What to look at closely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Chain.
    pub chain: u32,
    /// Block whose way is shown; `None`: the newest.
    pub block: Option<BlockKey>,
    /// Node described in full.
    pub node: Option<u32>,
    /// Link described in full, by its two ends.
    pub link: Option<[u32; 2]>,
    /// Nodes that are compared with the rest, in ascending order.
    pub group: Option<Arc<[u32]>>,
    /// Fleet of rollups described.
    pub fleet: Option<FleetRequest>,
    /// Up to so many nodes are listed one by one; above, every k-th.
    pub states_max: u32,
}

impl Default for Request {
    fn default() -> Self {
        Self { chain: 0, block: None, node: None, link: None, group: None, fleet: None, states_max: 10_000 }
    }
}

/// What to look at of rollups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetRequest {
    /// Which of the fleets, counted from 0.
    pub index: u32,
    /// Transaction or journey that is followed.
    pub follow: Option<Followed>,
}

/// Names a block of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockKey {
    /// Slot (or running number, from 1).
    pub slot: u32,
    /// Node that made it.
    pub proposer: u32,
}

/// A simulation at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Simulated time: everything before it has happened.
    pub now_ns: u64,
    /// When the run ends.
    pub end_ns: u64,
    /// Events handled.
    pub events: u64,
    /// Events waiting.
    pub pending_events: u64,
    /// Bytes held by nodes, items and queues.
    pub heap_bytes: u64,
    /// Digest of all nodes' histories so far.
    pub digest: Digest,
    /// Chain that is shown.
    pub chain: u32,
    /// Number of nodes.
    pub nodes: u32,
    /// The block whose way is shown; an index into `blocks`.
    pub focus: Option<usize>,
    /// That block at every `states_every`-th node, from node 0.
    pub states: Vec<NodeState>,
    /// Every k-th node is listed; 1: all.
    pub states_every: u32,
    /// Copies of that block under way.
    pub copies_under_way: u32,
    /// That block by region, counted over the listed nodes.
    pub regions: Vec<Progress>,
    /// All blocks so far, in the order of building, without the genesis.
    pub blocks: Vec<Arc<BlockSummary>>,
    /// How long users waited.
    pub confirmation: Arc<Confirmation>,
    /// The node asked for.
    pub node: Option<Box<NodeDetail>>,
    /// The link asked for.
    pub link: Option<Box<LinkDetail>>,
    /// The group asked for, and the rest.
    pub groups: Option<Box<[GroupDetail; 2]>>,
    /// The fleet asked for, and the latest blocks of its L1.
    pub fleet: Option<Box<FleetDetail>>,
}

/// A fleet and its L1, described in full.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetDetail {
    /// The fleet.
    pub view: FleetView,
    /// Blobs of the L1's latest [`BLOB_BLOCKS_MAX`] blocks, by slot and proposer; whether they win is not told.
    pub blobs: Vec<BlobBlockRecord>,
}

/// Most blocks of an L1 whose blobs are listed.
pub const BLOB_BLOCKS_MAX: usize = 400;

/// One block at one node. 0: not yet (or not known).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeState {
    /// The first bit of the first copy left its sender; known while the block is open.
    pub sent_ns: u64,
    /// The first copy was complete.
    pub arrived_ns: u64,
    /// The node had executed it.
    pub executed_ns: u64,
    /// The node voted for it.
    pub voted_ns: u64,
    /// It was final at the node.
    pub final_ns: u64,
    /// Sender of the first copy; [`NO_SENDER`] where none came and at the proposer.
    pub sender: u32,
    /// Overlay hops from the proposer; known once the block is closed.
    pub hops: u16,
    /// The node is down now.
    pub down: bool,
}

/// Nobody sent it.
pub const NO_SENDER: u32 = u32::MAX;

/// How many nodes a block has reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Nodes counted.
    pub nodes: u32,
    /// Have the block.
    pub arrived: u32,
    /// Have executed it.
    pub executed: u32,
    /// Have voted for it.
    pub voted: u32,
    /// Hold it final.
    pub finalised: u32,
}

/// One block's numbers. Percentiles are over the nodes that are up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockSummary {
    /// Name.
    pub key: BlockKey,
    /// Distance from the genesis.
    pub height: u32,
    /// Name of the parent; `None` for the genesis.
    pub parent: Option<BlockKey>,
    /// Start of its slot.
    pub slot_start_ns: u64,
    /// The proposer began to build.
    pub build_start_ns: u64,
    /// Handed to the network; 0: not yet.
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
    /// Execution at the median node: with its cores, speed and the chosen algorithm.
    pub execution_ns: u64,
    /// Execution on the reference core, one transaction after the other.
    pub serial_ns: u64,
    /// Execution with the chosen algorithm on a node of speed 1.
    pub scheduled_ns: u64,
    /// Cores of that.
    pub cores: u32,
    /// Aborted executions.
    pub aborts: u32,
    /// From publication until 50 %, 90 %, 95 % and 100 % of the nodes have it.
    pub network_ns: [Option<u64>; 4],
    /// From the slot's start until 50 %, 90 %, 95 % and 100 % have executed it.
    pub executed_ns: [Option<u64>; 4],
    /// From the slot's start until it is final at 50 %, 90 %, 95 % and 100 %.
    pub final_ns: [Option<u64>; 4],
    /// How far it is.
    pub progress: Progress,
    /// Stake of the published votes.
    pub votes_stake: u64,
    /// All stake.
    pub total_stake: u64,
    /// The node whose execution (arrival, where nothing is executed) completed two thirds of the stake.
    pub closing_node: Option<u32>,
    /// Where that node's time since the slot's start went.
    pub spent: Option<Breakdown>,
    /// Outside the warm-up.
    pub measured: bool,
    /// Nothing more can happen to it.
    pub closed: bool,
}

/// How long users waited from handing in a transaction, over the blocks that are closed and final.
#[derive(Clone, Debug, Default)]
pub struct Confirmation {
    /// Until their RPC node had executed the block with it, by region of the user.
    pub included: Vec<Histogram>,
    /// Until that block was final there, by region of the user.
    pub finalised: Vec<Histogram>,
}

/// One node, described in full.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeDetail {
    /// Number.
    pub node: u32,
    /// Region.
    pub region: u32,
    /// Hardware class.
    pub class: u32,
    /// Stake.
    pub stake: u64,
    /// Uplink rate, bit/s.
    pub up_bps: u64,
    /// Downlink rate, bit/s.
    pub down_bps: u64,
    /// The uplink's queue is empty after this, ns.
    pub uplink_queue_ns: u64,
    /// The downlink's queue is empty after this, ns.
    pub downlink_queue_ns: u64,
    /// The cores are free after this, ns.
    pub cpu_queue_ns: u64,
    /// Time the uplink was busy, work accepted included, ns.
    pub uplink_busy_ns: u64,
    /// Time the cores were busy, work accepted included, ns.
    pub cpu_busy_ns: u64,
    /// Bytes sent by kind of message.
    pub sent_bytes: [u64; MessageKind::COUNT],
    /// Bytes received by kind of message.
    pub received_bytes: [u64; MessageKind::COUNT],
    /// Copies of items received beyond the first.
    pub duplicates: u64,
    /// Items received for the first time.
    pub first_arrivals: u64,
    /// Votes due after the warm-up.
    pub votes_due: u64,
    /// Votes for the slot's own block, cast in time.
    pub votes_timely: u64,
    /// The block that is shown at this node.
    pub state: NodeState,
    /// How that block came here: the chain of causes from the slot's start, without gaps.
    pub way: Vec<Step>,
    /// What waits at its links, by kind of message.
    pub queues: Queues,
    /// What it has waiting and under way with its peers, by peer; those without anything are left out.
    pub links: Vec<LinkLoad>,
    /// Neighbours to which its dissemination protocol pushes at once, if it chooses among them.
    pub mesh: Vec<u32>,
}

/// Messages counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// How many.
    pub messages: u32,
    /// Their bytes.
    pub bytes: u64,
}

impl Load {
    /// Counts one more.
    pub fn add(&mut self, bytes: u64) {
        self.messages += 1;
        self.bytes += bytes;
    }
}

/// What waits at a node's links, what is just being sent or received included, by kind of message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// At the uplink: what the dissemination protocol holds back for it included.
    pub uplink: [Load; MessageKind::COUNT],
    /// At the downlink.
    pub downlink: [Load; MessageKind::COUNT],
}

/// What a node has with one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkLoad {
    /// The peer.
    pub peer: u32,
    /// Waiting at this node's uplink for it.
    pub waiting: Load,
    /// Left this node, not yet complete there.
    pub going: Load,
    /// Left the peer, not yet complete here.
    pub coming: Load,
}

/// A link between two nodes, described in full.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkDetail {
    /// Its ends; direction 0 goes from the first to the second.
    pub ends: [u32; 2],
    /// They are neighbours in the network's graph.
    pub neighbours: bool,
    /// The sender of each direction pushes to the other at once.
    pub in_mesh: [bool; 2],
    /// One-way latency of each direction without jitter, ns.
    pub latency_ns: [u64; 2],
    /// Rate of the sender's uplink in each direction, bit/s.
    pub up_bps: [u64; 2],
    /// Rate of the receiver's downlink in each direction, bit/s.
    pub down_bps: [u64; 2],
    /// All that waits at each end's links, whomever it is for.
    pub queues: [Queues; 2],
    /// Waiting at the sender's uplink or under way on this link, by direction and kind.
    pub load: [[Load; MessageKind::COUNT]; 2],
    /// The same one by one, the first to come first; at most [`MESSAGES_MAX`].
    pub messages: Vec<Message>,
}

/// Most messages that a link lists.
pub const MESSAGES_MAX: usize = 200;

/// A message on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// 0: from the link's first end to its second; 1: back.
    pub direction: u8,
    /// What it carries.
    pub kind: MessageKind,
    /// Its size, bytes.
    pub bytes: u64,
    /// It is a copy of the block that is shown.
    pub shown_block: bool,
    /// Where it is.
    pub leg: Leg,
    /// When that ends, ns; `None` while the dissemination protocol holds it back.
    pub until_ns: Option<u64>,
}

/// Some nodes and how the shown block fared at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDetail {
    /// How many; of a closed block: those that are on record.
    pub nodes: u32,
    /// How far they are.
    pub progress: Progress,
    /// From the slot's start until 50 %, 90 %, 95 % and 100 % of them have it.
    pub arrived_ns: [Option<u64>; 4],
    /// The same until they have executed it.
    pub executed_ns: [Option<u64>; 4],
    /// First copies that came from a node of the same group.
    pub from_inside: u32,
    /// Sum of where their time until execution (arrival, where nothing is executed) went, ns.
    pub spent: Breakdown,
    /// Nodes in that sum.
    pub spent_nodes: u32,
}

/// A piece of a chain of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it happened; for propagation: where the copy went.
    pub node: u32,
    /// What it was.
    pub part: Part,
    /// From.
    pub start_ns: u64,
    /// To.
    pub end_ns: u64,
}

/// Counts of durations in bins of at most 3.2 % width: 32 bins for each doubling, exact below 32 ns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

impl Histogram {
    /// Counts a duration.
    pub fn add(&mut self, ns: u64) {
        let bin = bin_of(ns);
        if self.counts.len() <= bin {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
        self.total += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
        self.total += other.total;
    }

    /// Durations counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The percentile at `permille` by nearest rank, rounded up to its bin's end, ns; `None` if empty.
    pub fn percentile(&self, permille: u32) -> Option<u64> {
        let rank = (self.total * u64::from(permille.min(1000))).div_ceil(1000).max(1);
        let mut below = 0;
        let reached = |count: &u32| {
            below += u64::from(*count);
            below >= rank
        };
        self.counts.iter().position(reached).map(bin_end)
    }

    /// Ends of the bins that hold something, with the share of all durations up to there.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        let mut below = 0;
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(move |(bin, count)| {
            below += u64::from(*count);
            (bin_end(bin), below as f64 / self.total as f64)
        })
    }
}

const BITS: u32 = 5;

fn bin_of(ns: u64) -> usize {
    let shift = (64 - ns.leading_zeros()).saturating_sub(BITS + 1);
    ((u64::from(shift) << BITS) + (ns >> shift)) as usize
}

/// The largest duration of a bin, ns.
fn bin_end(bin: usize) -> u64 {
    let shift = (bin >> BITS).saturating_sub(1) as u32;
    let first = (bin as u64 - (u64::from(shift) << BITS)) << shift;
    first + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_in_order_and_narrow() {
        let mut last = 0;
        for ns in (0..4_000).chain((12..63).flat_map(|e| [(1 << e) - 1, 1 << e, (1 << e) + (1 << (e - 2))])) {
            let bin = bin_of(ns);
            assert!(bin >= last, "{ns}");
            assert!(bin_end(bin) >= ns && bin_end(bin) as f64 <= ns as f64 * 1.032, "{ns} {}", bin_end(bin));
            last = bin;
        }
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(500), None);
        (1..=20).for_each(|ns| histogram.add(ns));
        assert_eq!(histogram.percentile(500), Some(10));
        assert_eq!(histogram.percentile(950), Some(19));
        assert_eq!(histogram.percentile(1000), Some(20));
        let mut both = histogram.clone();
        both.merge(&histogram);
        assert_eq!((both.total(), both.percentile(500)), (40, Some(10)));
        assert_eq!(both.cumulative().last(), Some((20, 1.0)));
    }
}
