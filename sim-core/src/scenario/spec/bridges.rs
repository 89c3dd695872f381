//! Bridges between rollups and people who cross them, as written.

use super::{Deserialize, Duration, Factor, JsonSchema, Real, Serialize, TxRate};

/// A bridge between the rollups of a fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum BridgeSpec {
    /// Through the L1: tokens wait for the rollup's proof to take effect there, are claimed, and derived by the
    /// destination.
    Canonical {
        /// Name shown in reports; unique. Default: "canonical".
        #[serde(default)]
        name: Option<String>,
        /// Numbers of the rollups it connects, from 0. Default: all.
        #[serde(default)]
        between: Option<Vec<u64>>,
    },
    /// Relayers advance tokens at the destination and are paid back later.
    Intents {
        /// Name shown in reports; unique. Default: "intents".
        #[serde(default)]
        name: Option<String>,
        /// Numbers of the rollups it connects, from 0. Default: all.
        #[serde(default)]
        between: Option<Vec<u64>>,
        /// What relayers keep, over the amount. Allowed: 0 to 0.5. Default: 0.0006.
        #[serde(default)]
        fee: Option<Real>,
        /// How many relayers take turns. Allowed: 1 to 100. Default: 3.
        #[serde(default)]
        relayers: Option<u64>,
        /// What all of them have of each token on each rollup, over a pool that holds all liquidity. Allowed: above 0, to
        /// 1000. Default: 0.01.
        #[serde(default)]
        inventory: Option<Real>,
        /// From a payment until it is paid back, and from a deadline until a refund. Allowed: 5 s to 30 days. Default:
        /// "2 h".
        #[serde(default)]
        repay: Option<Duration>,
    },
    /// Burnt and minted on the word of an attester who waits for blocks of the source.
    Fast {
        /// Name shown in reports; unique. Default: "fast".
        #[serde(default)]
        name: Option<String>,
        /// Numbers of the rollups it connects, from 0. Default: all.
        #[serde(default)]
        between: Option<Vec<u64>>,
        /// Blocks of the source it waits for. Allowed: 0 to 100,000. Default: 1.
        #[serde(default)]
        confirmations: Option<u64>,
        /// Time for its word after that. Allowed: 0 to 1 h. Default: "6 s".
        #[serde(default)]
        attest: Option<Duration>,
        /// What it keeps, over the amount. Allowed: 0 to 0.5. Default: 0.0001.
        #[serde(default)]
        fee: Option<Real>,
    },
    /// Burnt and minted, for nothing, on the word of an attester who waits for the L1.
    Standard {
        /// Name shown in reports; unique. Default: "standard".
        #[serde(default)]
        name: Option<String>,
        /// Numbers of the rollups it connects, from 0. Default: all.
        #[serde(default)]
        between: Option<Vec<u64>>,
        /// From the finality of the batch on the L1 until its word. Allowed: 0 to 7 days. Default: 65 slots of the L1.
        #[serde(default)]
        after_final: Option<Duration>,
    },
    /// The destination's sequencer takes the source's word: the next block.
    Interop {
        /// Name shown in reports; unique. Default: "interop".
        #[serde(default)]
        name: Option<String>,
        /// Numbers of the rollups it connects, from 0. Default: all.
        #[serde(default)]
        between: Option<Vec<u64>>,
    },
}

/// People with something to do, at home or over a bridge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TravellersSpec {
    /// Name shown in reports; unique. Default: the policy in words, with its bridge.
    pub name: Option<String>,
    /// How many start, over all gateways. Allowed: up to 10,000 tx/s. Default: 1 tx/s.
    pub rate: Option<TxRate>,
    /// Nobody starts later than this after the run's beginning. Default: as long as the others send.
    pub until: Option<Duration>,
    /// What they do. Default: Local.
    pub policy: Option<PolicySpec>,
    /// What they bring, over a pool that holds all liquidity: median (log-normal). Allowed: 0.000001 to 1. Default:
    /// 0.0001.
    pub value: Option<Real>,
    /// 90th percentile of that over the median. Allowed: 1 to 1000. Default: 5.
    pub value_p90: Option<Factor>,
    /// Time they give it; advances after it are refused. Allowed: 1 s to 60 days. Default: "2 min".
    pub deadline: Option<Duration>,
    /// What a trade may yield less than they were quoted when they started. Allowed: 0 to 1. Default: 0.01.
    pub slippage: Option<Real>,
    /// Number of the rollup they start from. Default: drawn by `shares`.
    pub home: Option<u64>,
    /// Number of the rollup of what they want. Default: drawn by `liquidity`, or `shares` without.
    pub target: Option<u64>,
    /// Accounts that take turns, each at one of at most 8 nodes; at least one a node. Allowed: 1 to 100,000. Default: 500.
    pub accounts: Option<u64>,
}

/// What travellers do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum PolicySpec {
    /// Trade at home.
    Local,
    /// Trade over home and the rollups that hold most, as the best route says.
    Route {
        /// At most so many rollups. Allowed: 2 to 1000. Default: 4.
        #[serde(default)]
        chains: Option<u64>,
        /// Name of the bridge. Default: the first.
        #[serde(default)]
        bridge: Option<String>,
        /// What comes out is brought home. Default: true.
        #[serde(default)]
        back: Option<bool>,
        /// What each further rollup costs them beside, over a pool that holds all liquidity, parts per billion.
        /// Allowed: 0 to 1,000,000,000. Default: 10.
        #[serde(default)]
        hop_cost_ppb: Option<u64>,
    },
    /// Trade over several rollups at once, with balances on each and without a bridge; in one bundle where a sequencer is
    /// shared.
    Together {
        /// At most so many rollups: those where it yields most. Allowed: 2 to 1000. Default: 4.
        #[serde(default)]
        chains: Option<u64>,
        /// What each further rollup costs them beside, over a pool that holds all liquidity, parts per billion.
        /// Allowed: 0 to 1,000,000,000. Default: 10.
        #[serde(default)]
        hop_cost_ppb: Option<u64>,
    },
    /// Trade at the target.
    Bridge {
        /// Name of the bridge. Default: the first.
        #[serde(default)]
        bridge: Option<String>,
        /// What comes out is brought home. Default: true.
        #[serde(default)]
        back: Option<bool>,
    },
    /// Only bring it to the target.
    Move {
        /// Name of the bridge. Default: the first.
        #[serde(default)]
        bridge: Option<String>,
    },
}
