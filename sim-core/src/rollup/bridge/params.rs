//! Parameters of bridges and of people who cross them: plain data, as a resolved plan carries them.

use serde::{Deserialize, Serialize};

/// A bridge between the rollups of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgePlan {
    /// Name shown in reports.
    pub name: String,
    /// The rollups it connects, in increasing order; `None`: all.
    pub between: Option<Vec<u32>>,
    /// How it works.
    pub kind: BridgeKind,
}

/// How a bridge works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BridgeKind {
    /// Through the L1: proven there, claimed there, derived at the destination.
    Canonical,
    /// Relayers pay at the destination out of their own pockets and are paid back later.
    Intents {
        /// What they keep, parts per billion.
        fee_ppb: u64,
        /// How many there are; orders go round.
        relayers: u32,
        /// What all of them together have of each token on each rollup, parts per billion of a pool that holds all
        /// liquidity.
        inventory_ppb: u64,
        /// From a payment until it is paid back, and from a deadline until a refund, ns.
        repay_ns: u64,
    },
    /// Burnt and minted on the word of an attester who waits for blocks of the source.
    Fast {
        /// Blocks of the source.
        confirmations: u32,
        /// Then, until the word is given, ns.
        attest_ns: u64,
        /// What is kept, parts per billion.
        fee_ppb: u64,
    },
    /// Burnt and minted on the word of an attester who waits for the L1.
    Standard {
        /// From the finality of the batch on the L1 until the word is given, ns.
        after_final_ns: u64,
    },
    /// The destination's sequencer takes the source's word.
    Interop,
}

impl BridgeKind {
    /// Its name in scenarios and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Intents { .. } => "intents",
            Self::Fast { .. } => "fast attestation",
            Self::Standard { .. } => "standard attestation",
            Self::Interop => "interop",
        }
    }

    /// What it keeps, parts per billion.
    pub fn fee_ppb(&self) -> u64 {
        match self {
            Self::Intents { fee_ppb, .. } | Self::Fast { fee_ppb, .. } => *fee_ppb,
            Self::Canonical | Self::Standard { .. } | Self::Interop => 0,
        }
    }
}

impl BridgePlan {
    /// Whether it serves a rollup.
    pub fn serves(&self, rollup: u32) -> bool {
        self.between.as_ref().is_none_or(|between| between.binary_search(&rollup).is_ok())
    }
}

/// People who want something done, here or elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TravellersPlan {
    /// Name shown in reports.
    pub name: String,
    /// How many start over all gateways, thousandths a second.
    pub rate_milli_tps: u64,
    /// Nobody starts after this, ns; `None`: as long as people send.
    pub until_ns: Option<u64>,
    /// What they do.
    pub policy: PolicyPlan,
    /// What they bring: median, parts per million of a pool that holds all liquidity ...
    pub value_ppm: u64,
    /// ... and 90th percentile over the median, parts per million.
    pub value_p90_ppm: u64,
    /// Time they give it, ns.
    pub deadline_ns: u64,
    /// What a trade may yield less than they were quoted, parts per billion.
    pub slippage_ppb: u64,
    /// The rollup they start from; `None`: drawn by the fleet's shares of demand.
    pub home: Option<u32>,
    /// The rollup of what they want; `None`: drawn by the shares of liquidity, or of demand where it is not spread.
    pub target: Option<u32>,
    /// Accounts that take turns.
    pub accounts: u32,
}

/// What travellers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyPlan {
    /// Trade at home.
    Local,
    /// Trade over several rollups, home among them.
    Route {
        /// At most so many.
        chains: u32,
        /// The bridge, a position in the fleet's list.
        bridge: u32,
        /// What comes out is brought home.
        back: bool,
        /// What each further rollup costs them beside, parts per billion of a pool that holds all liquidity.
        hop_cost_ppb: u64,
    },
    /// Trade at the target.
    Bridge {
        /// The bridge.
        bridge: u32,
        /// What comes out is brought home.
        back: bool,
    },
    /// Trade over several rollups at once, with what they have on each.
    Together {
        /// At most so many.
        chains: u32,
        /// What each further rollup costs them beside, parts per billion of a pool that holds all liquidity.
        hop_cost_ppb: u64,
    },
    /// Bring what they have to the target.
    Move {
        /// The bridge.
        bridge: u32,
    },
}

impl PolicyPlan {
    /// Whether they trade on several rollups at once.
    pub fn is_together(&self) -> bool {
        matches!(self, Self::Together { .. })
    }

    /// The bridge they use.
    pub fn bridge(&self) -> Option<u32> {
        match self {
            Self::Local | Self::Together { .. } => None,
            Self::Route { bridge, .. } | Self::Bridge { bridge, .. } | Self::Move { bridge } => Some(*bridge),
        }
    }
}
