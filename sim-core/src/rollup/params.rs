//! Parameters of rollups: plain data, as a resolved plan carries them.

use super::bridge::params::{BridgePlan, TravellersPlan};
use super::liquidity::price::PricePlan;
use crate::chain::fee_market::Eip1559;
use crate::chain::fee_market::windows::Target;
use crate::execution::params::ExecutionPlan;
use crate::workload::economy::RESERVE;
use crate::workload::params::UsersPlan;
use parallel_evm::U256;
use serde::{Deserialize, Serialize};

/// Rollups of one kind on one L1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetPlan {
    /// Name shown in reports.
    pub name: String,
    /// Name of the preset it started from.
    pub preset: String,
    /// The chain it posts to, as a position in the plan's chains.
    pub l1: u32,
    /// Number of rollups.
    pub count: u32,
    /// How demand is spread over them.
    pub shares: SharesPlan,
    /// How the liquidity of every pool is spread over them; `None`: each has as much as a chain of its own.
    #[serde(default)]
    pub liquidity: Option<SharesPlan>,
    /// Prices outside and those who even them out, if there are any.
    #[serde(default)]
    pub market: Option<MarketPlan>,
    /// Bridges between its rollups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bridges: Vec<BridgePlan>,
    /// People who cross them, or do at home what others cross them for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub travellers: Vec<TravellersPlan>,
    /// What people send, over all of them.
    pub demand: UsersPlan,
    /// Nodes that run sequencers and batchers; each serves an equal number of rollups.
    pub sequencers: u32,
    /// Nodes that follow each rollup beside its sequencer: they are sent every block and execute it.
    pub followers: u32,
    /// Nodes that derive each rollup from the L1: they are sent nothing, and execute what is posted.
    #[serde(default)]
    pub derivers: u32,
    /// Blocks and fees.
    pub rules: RulesPlan,
    /// Posting.
    pub batcher: BatcherPlan,
    /// Proofs or assertions.
    pub proof: Option<ProofPlan>,
    /// How blocks are executed.
    pub execution: ExecutionPlan,
}

/// Prices outside and arbitrageurs, as many as the demand's [`TradePlan`](crate::workload::params::TradePlan) says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarketPlan {
    /// How the value of each token moves; a pair's price has the variance of both.
    pub price: PricePlan,
    /// Time between two moves, ns.
    pub step_ns: u64,
    /// What a trade costs an arbitrageur beside the fee, and so the least profit it trades for: parts per billion of
    /// the reserve that one pool with all liquidity holds.
    pub cost_ppb: u64,
    /// What the reserve that one pool with all liquidity holds of one token is worth, thousandths of an ether. With it, what a
    /// trade costs an arbitrageur is the gas its rollup sells at the price last shown, instead of `cost_ppb`, and gas and
    /// gains can be compared.
    #[serde(default)]
    pub worth_milli_eth: Option<u64>,
    /// Searchers, if there are any: as many as the demand's trade plan says.
    #[serde(default)]
    pub searchers: Option<SearchersPlan>,
    /// Providers of liquidity who can leave, if they can: as many as the demand's trade plan says.
    #[serde(default)]
    pub providers: Option<ProvidersPlan>,
}

/// How providers decide; see [`providers`](super::liquidity::providers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvidersPlan {
    /// Results are summed over about this long; a provider decides about a pool at most once in it, ns.
    pub window_ns: u64,
    /// It takes a part out when its result against rebalancing over the window is below minus this, over what it has in the
    /// pool, parts per billion.
    pub leave_ppb: u64,
}

/// How searchers decide; see [`searchers`](super::liquidity::searchers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchersPlan {
    /// Tip per gas they pay, wei.
    pub tip_wei: u64,
    /// Gains are averaged over about this long; each rollup is probed at least once in it, ns.
    pub window_ns: u64,
    /// What a probe must be expected to gain beyond its price, over that price, parts per million.
    pub margin_ppm: u64,
}

impl MarketPlan {
    /// Units of outside value that so much ether buys; `None` where nobody says what liquidity is worth.
    pub fn units(&self, wei: u128) -> Option<U256> {
        let worth_wei = U256::from(self.worth_milli_eth?) * U256::from(MILLI_ETH_WEI);
        U256::from(wei).checked_mul(U256::from(RESERVE))?.checked_div(worth_wei)
    }

    /// Ether for so many units of outside value, wei.
    pub fn wei(&self, units: f64) -> Option<f64> {
        Some(units * (self.worth_milli_eth? as f64 * MILLI_ETH_WEI as f64 / RESERVE as f64))
    }
}

/// A thousandth of an ether, wei.
const MILLI_ETH_WEI: u64 = 1_000_000_000_000_000;

/// How demand or liquidity is spread over the rollups of a fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SharesPlan {
    /// All alike.
    Equal,
    /// The r-th in proportion to r^-exponent.
    Zipf {
        /// Exponent, parts per million.
        exponent_ppm: u64,
    },
    /// Relative shares, one a rollup.
    Given(Vec<u64>),
}

/// Blocks of a rollup and the price of its gas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesPlan {
    /// Time between blocks, ns.
    pub block_ns: u64,
    /// Time between soft confirmations, ns: a part of the block time (flashblocks), or all of it.
    pub soft_ns: u64,
    /// A block begins as soon as there is something to put in, `block_ns` after the last at the earliest;
    /// otherwise blocks begin on a clock.
    pub on_demand: bool,
    /// Gas limit of a block.
    pub gas_limit: u64,
    /// Which transaction goes first.
    pub order: OrderPlan,
    /// Who orders.
    #[serde(default)]
    pub sequencing: SequencingPlan,
    /// Transactions that may wait at a sequencer; 0: no limit.
    pub queue_max: u32,
    /// After this long in the queue a transaction is given up, ns; 0: never.
    pub timeout_ns: u64,
    /// How the base fee moves.
    pub fees: FeesPlan,
    /// Least base fee, wei per gas; also the first.
    pub base_fee_min_wei: u64,
}

/// How a rollup's base fee moves: the chains' markets that have nothing but a base fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeesPlan {
    /// With the gas of the block before.
    Eip1559(Eip1559),
    /// With the gas used beyond each of several targets ([`Windows`](crate::chain::fee_market::windows::Windows)).
    Windows(Vec<Target>),
}

/// Which transaction goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderPlan {
    /// As they arrive at the sequencer.
    FirstCome,
    /// By tip on gas.
    PriorityFee,
    /// As they arrive, all but an express lane's `delay_ns` later.
    Timeboost {
        /// Delay of everybody else, ns.
        delay_ns: u64,
        /// Share of the transactions that are in the express lane, parts per million.
        express_ppm: u64,
    },
}

/// Who orders a rollup's transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SequencingPlan {
    /// A node of its own, or one it shares with others of the fleet.
    #[default]
    Own,
    /// Whoever proposes the L1's next block.
    Based {
        /// How long before its slot a proposer builds, ns.
        lead_ns: u64,
    },
    /// One node for all rollups of the fleet, on one clock.
    Shared {
        /// What it promises of transactions for several rollups that are sent together.
        atomic: Atomic,
    },
}

/// What a shared sequencer promises of transactions for several rollups that are sent together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Atomic {
    /// All of them are in blocks of the same tick, or none.
    Inclusion,
    /// And none if one of them would revert.
    Execution,
}

/// How a rollup posts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatcherPlan {
    /// A channel is due this long after its first transaction, ns.
    pub max_delay_ns: u64,
    /// It is due earlier once it is likely to fill so many blobs.
    pub target_blobs: u32,
    /// Most blobs in one batch.
    pub max_blobs: u32,
    /// Brotli quality, 0 to 11.
    pub brotli_quality: u8,
    /// Where batches go.
    pub data: DataPlan,
    /// Most a rollup pays per blob gas: median over rollups (log-normal), wei.
    pub max_blob_fee_median_wei: u64,
    /// 90th percentile of that over the median, parts per million.
    pub max_blob_fee_p90_ppm: u64,
    /// Tip per gas at first: median over rollups (log-normal, 90th percentile twice the median), wei.
    pub tip_wei: u64,
    /// The tip doubles every so long until the batch is posted, ns.
    pub tip_doubles_ns: u64,
    /// Limits what sequencers put into blocks when posting is behind.
    pub throttle: Option<ThrottlePlan>,
    /// Batches of several rollups of one sequencer node share blobs.
    pub sharing: bool,
}

/// Where batches go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataPlan {
    /// Into blobs.
    Blobs,
    /// Into calldata, at most so many bytes a batch.
    Calldata {
        /// Bytes.
        max_bytes: u32,
    },
    /// Into blobs, or into calldata when that is cheaper for the batch at the prices the batcher sees.
    Cheaper {
        /// Most bytes of calldata in a batch.
        max_bytes: u32,
    },
}

/// Throttling by what is not posted yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrottlePlan {
    /// Above so many bytes executed and not posted ...
    pub backlog_bytes: u64,
    /// ... a block holds at most so many bytes of transactions.
    pub block_bytes: u64,
}

/// How a batch comes to count as proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofPlan {
    /// From the batch's L1 block, executed at the prover's node, until the proof or assertion is ready, ns.
    pub latency_ns: u64,
    /// Gas of the transaction with it.
    pub gas: u64,
    /// Size of that transaction, bytes.
    pub bytes: u64,
    /// From that transaction's finality until it takes effect (dispute window, execution delay), ns. Added by
    /// rule, not simulated.
    pub window_ns: u64,
}
