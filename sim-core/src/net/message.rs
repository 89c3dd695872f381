//! Names of what travels and of what happens: message kinds, wire types, event classes.

use crate::kernel::ids::NodeId;
use serde::{Deserialize, Serialize};

/// What a message carries, for byte accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum MessageKind {
    /// A block.
    Block = 0,
    /// A bundle of user transactions.
    Transactions = 1,
    /// A single vote on its way to an aggregator.
    Vote = 2,
    /// An aggregate of votes.
    Aggregate = 3,
    /// Gossip control: announcements, requests, IDONTWANT, mesh upkeep.
    Control = 4,
    /// Blobs, and the offers of transactions that carry them.
    Blob = 5,
}

impl MessageKind {
    /// Number of kinds.
    pub const COUNT: usize = 6;
    /// All kinds in order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Block, Self::Transactions, Self::Vote, Self::Aggregate, Self::Control, Self::Blob];
    /// Name used in tables and plots.
    pub fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Transactions => "transactions",
            Self::Vote => "vote",
            Self::Aggregate => "aggregate",
            Self::Control => "control",
            Self::Blob => "blob",
        }
    }
}

/// A message sent straight to one node, outside the dissemination protocol, and what happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// Kind, for accounting.
    pub kind: MessageKind,
    /// Chain it belongs to.
    pub chain: u32,
    /// The chain's own index of what it carries.
    pub content: u32,
    /// Size, bytes.
    pub bytes: u64,
    /// Handed to the uplink, ns.
    pub enqueued_ns: u64,
    /// Serialisation on the uplink began, ns.
    pub up_start_ns: u64,
    /// Serialisation on the uplink ended, ns.
    pub up_finish_ns: u64,
    /// Reached the downlink, ns.
    pub arrive_ns: u64,
    /// Serialisation on the downlink began, ns, where a change of rates met it there; else 0.
    pub(super) down_start_ns: u64,
    /// Complete, ns; 0: not yet.
    pub delivered_ns: u64,
    /// What its latency is drawn by.
    pub(super) key: u64,
}

/// Event classes: their rank among events of the same moment, and what the dispatcher matches on.
pub mod class {
    /// A change from outside (rates, faults). Always first.
    pub const INTERVENTION: u8 = 0;
    /// A timer; `aux` says whose (see [`super::timer`]).
    pub const TIMER: u8 = 1;
    /// A message reached the receiver's downlink; `aux` is its wire type.
    pub const ARRIVE: u8 = 2;
    /// A message is complete at the receiver; `aux` is its wire type.
    pub const DELIVER: u8 = 3;
    /// The uplink is free for the next queued message (protocols that choose lazily).
    pub const UPLINK: u8 = 4;
}

/// Owners of timers (`aux` of class `TIMER`).
pub mod timer {
    /// The dissemination protocol.
    pub const GOSSIP: u8 = 0;
    /// A chain's consensus; the payload is the host's handle of (chain, timer).
    pub const CONSENSUS: u8 = 1;
    /// A chain's workload.
    pub const WORKLOAD: u8 = 2;
    /// An item may now be passed on (its check is done).
    pub const FORWARD: u8 = 3;
}

/// Wire types (`aux` of classes `ARRIVE` and `DELIVER`).
pub mod wire {
    /// An item's body, pushed.
    pub const PUSH: u8 = 0;
    /// An item's body, asked for.
    pub const PULL: u8 = 1;
    /// A message straight to this node; the payload is its record.
    pub const DIRECT: u8 = 2;
    /// From here on: the dissemination protocol's own messages about one item (the payload is its slot).
    pub const ITEM_CONTROL: u8 = 16;
    /// From here on: the protocol's own messages that carry a list of items.
    pub const LIST: u8 = 32;
    /// From here on: the protocol's own messages that name no item.
    pub const CONTROL: u8 = 48;
}

/// Size of a control message, bytes: framing, encryption and protobuf overhead of a libp2p RPC (our estimate,
/// about 40 bytes) and one 20-byte message id.
pub const CONTROL_BYTES: u64 = 64;
/// What every further message id adds to a control message, bytes.
pub const ID_BYTES: u64 = 22;
