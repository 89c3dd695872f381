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

/// Slots (or intervals) a run goes on after the last proposal, so that it can become final.
pub const DRAIN_INTERVALS: u64 = 3;

impl ConsensusPlan {
    /// Time between slots or (mean) between payloads, ns.
    pub fn interval_ns(&self) -> u64 {
        match self {
            Self::Slots(slots) => slots.slot_ns,
            Self::Broadcast(broadcast) => broadcast.interval_ns,
        }
    }

    /// When a run of so many blocks ends, ns; `None` where that is drawn at random.
    pub fn end_ns(&self, blocks: u32) -> Option<u64> {
        match self {
            Self::Slots(slots) => Some(slots.slot_ns * (u64::from(blocks) + DRAIN_INTERVALS)),
            Self::Broadcast(broadcast) if broadcast.poisson => None,
            Self::Broadcast(broadcast) => {
                Some(broadcast.interval_ns * u64::from(blocks) + broadcast.drain_ns())
            }
        }
    }
}

impl BroadcastPlan {
    /// For how long a run goes on after the last payload, ns.
    pub fn drain_ns(&self) -> u64 {
        DRAIN_INTERVALS * self.interval_ns.max(2_000_000_000)
    }
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
