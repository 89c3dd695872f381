//! Parameters of workloads: plain data, as a resolved plan carries them.

use crate::kernel::math;
use serde::{Deserialize, Serialize};

/// What goes into the blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorkloadPlan {
    /// People sending transactions, executed on our contracts.
    Users(UsersPlan),
    /// Recorded blocks (`evm-block/1`), proposed in turn, each on its own pre-state.
    Blocks(BlocksPlan),
    /// Nothing: empty blocks, or a `Broadcast` payload.
    Empty,
}

/// Parameters of the `Users` workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsersPlan {
    /// Transactions a second over all regions, thousandths.
    pub rate_milli_tps: u64,
    /// Number of accounts.
    pub accounts: u32,
    /// Zipf exponent of which contract instance, counterparty or pool is used, parts per million (0 =
    /// uniform).
    pub zipf_ppm: u64,
    /// Number of instances of each contract kind (tokens, pools, collections, compute contracts).
    pub instances: u32,
    /// Relative weights of the kinds.
    pub mix: Vec<(TxKind, u64)>,
    /// Loop iterations of a `Compute` call.
    pub compute_iterations: u64,
    /// Median of what a sender is willing to pay per gas, wei (log-normal).
    pub max_fee_median_wei: u64,
    /// 90th percentile over the median, parts per million.
    pub max_fee_p90_ppm: u64,
    /// How transactions get from RPC nodes to proposers.
    pub delivery: Delivery,
    /// RPC nodes collect transactions for this long before they send them as one bundle, ns.
    pub bundle_ns: u64,
    /// RPC nodes a region (users talk to one in their own region).
    pub rpc_nodes_per_region: u32,
    /// An application is in demand for a while.
    #[serde(default)]
    pub burst: Option<BurstPlan>,
    /// Sizes of swaps; `None`: about a millionth of a pool each.
    #[serde(default)]
    pub trade: Option<TradePlan>,
}

/// Sizes of swaps (log-normal), over the reserve of a pool that holds all liquidity there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradePlan {
    /// Median, parts per million.
    pub median_ppm: u64,
    /// 90th percentile over the median, parts per million.
    pub p90_ppm: u64,
    /// Arbitrageurs with an inventory of every token, beside the accounts of people.
    pub arbitrageurs: u32,
    /// Searchers with a contract each that probes the ring of pools, after the arbitrageurs.
    #[serde(default)]
    pub searchers: u32,
    /// Providers of all liquidity in equal parts, who can leave, after the searchers; 0: nobody can.
    #[serde(default)]
    pub providers: u32,
    /// What kind of market pools are.
    #[serde(default, skip_serializing_if = "PoolsPlan::is_constant")]
    pub pools: PoolsPlan,
}

/// What kind of market pools are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolsPlan {
    /// Constant product: liquidity at all prices.
    #[default]
    Constant,
    /// All liquidity in one range around the first price; one edge is a factor of 1.006 in price.
    Concentrated {
        /// Edges to either side, 1 to 1,000.
        edges: u32,
    },
}

/// Price of an edge over that of the one below.
const EDGE: f64 = 1.006;

impl PoolsPlan {
    /// Whether it is the constant-product market.
    pub fn is_constant(&self) -> bool {
        *self == Self::Constant
    }

    /// The range that reaches nearest to a price of `1 + part`, at least one edge.
    pub fn concentrated(part: f64) -> Self {
        let edges = math::ln(1.0 + part) / math::ln(EDGE);
        Self::Concentrated { edges: (edges.round() as u32).max(1) }
    }

    /// Logarithm of the price at the upper end of the range; `None` for the constant-product market.
    pub fn log_end(&self) -> Option<f64> {
        match self {
            Self::Constant => None,
            Self::Concentrated { edges } => Some(f64::from(*edges) * math::ln(EDGE)),
        }
    }

    /// How many times as deep a pool is at the first price as a constant-product one of the same capital:
    /// `1 / (1 - 1 / sqrt(P))`, with the price P at the upper end of the range.
    pub fn depth(&self) -> f64 {
        self.log_end().map_or(1.0, |end| 1.0 / (1.0 - math::exp(-end / 2.0)))
    }
}

/// One application's demand is a multiple of its usual for a while. Those who come for it have accounts of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurstPlan {
    /// Kind of the application's contract: one of the mix.
    pub kind: TxKind,
    /// Which instance.
    pub instance: u32,
    /// From when, ns.
    pub from_ns: u64,
    /// Until when, ns.
    pub until_ns: u64,
    /// Demand over the usual, parts per million, above 1,000,000.
    pub factor_ppm: u64,
    /// Accounts of those who come for it.
    pub accounts: u32,
}

/// How transactions get from RPC nodes to proposers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// Every bundle is gossiped to every node.
    Gossip,
    /// Every bundle goes straight to the proposers of the next slots, and what they leave over is sent again
    /// to the ones after.
    Leaders {
        /// Number of slots ahead, at least 1.
        ahead: u32,
    },
}

/// A kind of user transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TxKind {
    /// Plain value transfer.
    Transfer,
    /// ERC-20 transfer.
    Erc20,
    /// Swap on a constant-product pool.
    Swap,
    /// NFT mint.
    Mint,
    /// A loop of keccak and mulmod.
    Compute,
}

/// Parameters of the `Blocks` workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlocksPlan {
    /// The files, in the order in which they are proposed (absolute paths or as given, already expanded).
    pub files: Vec<String>,
}

impl TxKind {
    /// All kinds, in the order of their discriminants.
    pub const ALL: [Self; 5] = [Self::Transfer, Self::Erc20, Self::Swap, Self::Mint, Self::Compute];
}
