//! Parameters of consensus: plain data, as a resolved plan carries them.

use serde::{Deserialize, Serialize};

/// How blocks are made and agreed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConsensusPlan {
    /// A proposer per slot, attestation before a deadline, aggregation, finality by 2/3 of the stake.
    Slots(SlotsPlan),
    /// No agreement: a payload of fixed size is published at intervals and spreads. For network studies.
    Broadcast(BroadcastPlan),
}

/// Parameters of the `Slots` protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotsPlan {
    /// Time between slots, ns.
    pub slot_ns: u64,
    /// Attestation deadline after the slot's start, ns.
    pub attest_by_ns: u64,
    /// Aggregators publish what they have at this time after the slot's start, ns.
    pub aggregate_by_ns: u64,
    /// Number of vote committees (and aggregators) a slot.
    pub committees: u32,
    /// Size of one vote on the wire, bytes.
    pub vote_bytes: u64,
    /// Fixed size of an aggregate, bytes; one bit per committee member comes on top.
    pub aggregate_bytes: u64,
}

/// Parameters of the `Broadcast` protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BroadcastPlan {
    /// Mean time between payloads, ns.
    pub interval_ns: u64,
    /// Exponential gaps instead of equal ones.
    pub poisson: bool,
    /// Size of a payload, bytes.
    pub payload_bytes: u64,
}
