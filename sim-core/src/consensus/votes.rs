//! Votes and aggregates of one chain: shared logs of immutable entries, written by their makers.

use crate::chain::tree::BlockIx;
use crate::kernel::ids::NodeId;
use crate::net::items::Slot;
use std::collections::BTreeMap;

/// One node's vote in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub voter: NodeId,
    /// In which slot.
    pub slot: u32,
    /// For which block.
    pub block: BlockIx,
    /// Decided at, ns.
    pub cast_ns: u64,
    /// Record of the message to the aggregator; `None` when the voter aggregates itself.
    pub message: Option<u32>,
}

/// What made an aggregator publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// This vote completed two thirds of the committee.
    Quorum(u32),
    /// The deadline.
    Deadline,
}

/// Votes of one committee for one block, published as one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Slot of the votes.
    pub slot: u32,
    /// Block voted for.
    pub block: BlockIx,
    /// Stake behind it.
    pub stake: u64,
    /// Who published it.
    pub aggregator: NodeId,
    /// When, ns.
    pub published_ns: u64,
    /// Why then.
    pub trigger: Trigger,
    /// Its item, while it is live and its arrivals are kept.
    pub item: Option<Slot>,
}

/// What an aggregator holds for one (slot, committee).
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// By block: stake not yet published, and whether a quorum aggregate went out.
    pub tallies: BTreeMap<BlockIx, Tally>,
    /// The deadline has passed: later votes are lost.
    pub closed: bool,
}

/// Votes of one committee for one block at its aggregator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Stake collected in all.
    pub stake: u64,
    /// Part of it that was published.
    pub published: u64,
}
