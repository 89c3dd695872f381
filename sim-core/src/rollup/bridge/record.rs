//! What a run leaves behind of bridges and of people who cross them: plain data.

use serde::{Deserialize, Serialize};

/// How a journey can end.
pub const OUTCOMES: [&str; 10] = [
    "done",
    "slippage",
    "deadline",
    "no inventory",
    "refunded",
    "stuck",
    "refused",
    "no bridge",
    "partial",
    "overdue",
];

/// How a journey ended: a position in [`OUTCOMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Outcome {
    /// Done in time.
    Done,
    /// The trade at home would have yielded too little and was reverted.
    Slippage,
    /// Done, but after the deadline.
    Deadline,
    /// No relayer had enough before the deadline; the money came back.
    NoInventory,
    /// The money came back for another reason.
    Refunded,
    /// The money is elsewhere and the trade there, or the way home, did not happen.
    Stuck,
    /// A sequencer refused the transaction until the deadline.
    Refused,
    /// The bridge does not serve the two rollups.
    NoBridge,
    /// Of trades on several rollups at once, some were done and others not.
    Partial,
    /// Not over when the run ended, though its deadline had passed.
    Overdue,
}

/// One journey: what somebody wanted, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TripRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Position in the fleet's travellers.
    pub travellers: u32,
    /// Where it started.
    pub home: u32,
    /// Where it led to (of a route: where most is).
    pub target: u32,
    /// Rollups it was spread over.
    pub legs: u32,
    /// Bridge crossings.
    pub hops: u32,
    /// What was brought, over a pool that holds all liquidity.
    pub size: f64,
    /// Started, ns.
    pub started_ns: u64,
    /// The traveller knew that it was over, ns.
    pub ended_ns: Option<u64>,
    /// How it ended; `None`: it was under way when the run ended, and in time.
    pub outcome: Option<Outcome>,
    /// What was lost of its value at the price when it started; `None`: it did not end well.
    pub loss: Option<f64>,
    /// Of that, what bridges kept.
    pub bridge_fees: f64,
    /// Part of what was brought that went through.
    pub through: f64,
    /// Fees the traveller paid for gas, reverted trades among them, wei.
    pub paid_wei: u128,
    /// Inside the measured part of the run.
    pub measured: bool,
}

/// Where tokens on a bridge are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The transaction that sends them is under way.
    Asked,
    /// Sent, and waiting for what the bridge waits for.
    Travelling,
    /// The transaction that lets them arrive is under way.
    Arriving,
    /// There.
    Arrived,
    /// There, and whoever paid for it has it back.
    Settled,
    /// The transaction that gives them back is under way.
    Returning,
    /// Back where they came from.
    Returned,
    /// They were never sent.
    Failed,
}

impl Stage {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Travelling => "travelling",
            Self::Arriving => "arriving",
            Self::Arrived => "arrived",
            Self::Settled => "settled",
            Self::Returning => "returning",
            Self::Returned => "returned",
            Self::Failed => "failed",
        }
    }
}

/// One crossing of a bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossingRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Position in the fleet's bridges.
    pub bridge: u32,
    /// From this rollup.
    pub from: u32,
    /// To this one.
    pub to: u32,
    /// Amount, over a pool that holds all liquidity.
    pub amount: f64,
    /// Fee, likewise; what arrives is less by it.
    pub fee: f64,
    /// The transaction was handed in, ns.
    pub asked_ns: u64,
    /// Executed at the source, ns.
    pub sent_ns: Option<u64>,
    /// What the bridge waits for (proof, finality, the attester) was there, ns.
    pub ready_ns: Option<u64>,
    /// The claim's block of the L1 was final at the destination's sequencer, ns.
    pub derived_ns: Option<u64>,
    /// There, or back at the source, ns.
    pub arrived_ns: Option<u64>,
    /// Whoever paid for it has it back, ns.
    pub settled_ns: Option<u64>,
    /// How far it got.
    pub stage: Stage,
    /// Its relayer had too little when it came.
    pub waited: bool,
    /// Inside the measured part of the run.
    pub measured: bool,
}

/// One bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Name.
    pub name: String,
    /// How it works.
    pub kind: String,
    /// Mean over the run of what relayers have at hand, over a pool that holds all liquidity.
    pub idle_mean: f64,
    /// Mean of what they are owed, likewise.
    pub owed_mean: f64,
    /// What claims on the L1 paid, wei.
    pub claims_wei: u128,
    /// Claims on the L1's winning chain.
    pub claims: u64,
}

/// What relayers had at a time, over a pool that holds all liquidity; summed over rollups and tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InventoryRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Position in the fleet's bridges.
    pub bridge: u32,
    /// When, ns.
    pub at_ns: u64,
    /// At hand.
    pub idle: f64,
    /// Owed to them.
    pub owed: f64,
}
