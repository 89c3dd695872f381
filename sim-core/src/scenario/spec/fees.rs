//! Fee markets and bursts of demand, as written.

use crate::scenario::units::{Duration, Factor, GasAmount, Price, Real};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who gets into blocks and at what price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum FeeMarketSpec {
    /// One base fee, moved by the parent's gas.
    Eip1559(Eip1559Spec),
    /// One base fee from several targets, each over a time of its own (Arbitrum).
    Windows(WindowsSpec),
    /// One base fee, and a cap on the gas that may touch any one account in a block (Solana).
    Cap(CapSpec),
    /// A base fee for all, and a price for every account that is in demand.
    Local(LocalSpec),
    /// The cap and the prices.
    CapAndLocal(CapAndLocalSpec),
    /// One base fee that follows the scarcest of four resources; the gas limit holds for each of them apart
    /// (EIP-8011).
    Resources(ResourcesSpec),
}

/// Parameters of EIP-1559. The defaults are Ethereum's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Eip1559Spec {
    /// Gas limit over gas target. Allowed: 1 to 1000. Default: 2.
    pub elasticity: Option<u64>,
    /// A block at twice its target raises the base fee by one part in this many. Allowed: 1 to 1,000,000.
    /// Default: 8.
    pub denominator: Option<u64>,
}

/// Parameters of `Windows`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WindowsSpec {
    /// Lowest base fee. Allowed: 1 wei to 1 eth. Default: `chain.base_fee`.
    pub floor: Option<Price>,
    /// The targets. Default: those of Arbitrum One since ArbOS 51: 60 Mgas a second over 9 s, 41 over 52 s, 29
    /// over 329 s, 20 over 2105 s, 14 over 13485 s, 10 over 86400 s.
    pub targets: Option<Vec<TargetSpec>>,
}

/// A target of `Windows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// Gas a second. Allowed: 1 gas to 1000 Ggas.
    pub per_second: GasAmount,
    /// How long gas at twice the target multiplies the base fee by e. Allowed: 1 s to 30 days, whole seconds.
    pub window: Duration,
}

/// How a market knows what a transaction touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum KeySpec {
    /// Its callee.
    To,
    /// Its callee and what it declares: wallets put what they call on an access list, which costs bytes and gas.
    AccessList,
    /// What it turned out to write. Proposers execute in vain what then cannot pay, or finds its account full.
    WriteSet,
}

/// Parameters of `Cap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CapSpec {
    /// Most gas that may touch an account in a block, as a share of the gas limit. Allowed: more than 0, at most
    /// 1. Default: 0.2 (Solana: 12 of 60 million compute units).
    pub cap: Option<Real>,
    /// How it is known what a transaction touches. Default: To.
    pub key: Option<KeySpec>,
    /// The base fee.
    pub base: Option<Eip1559Spec>,
}

/// Parameters of `Local`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LocalSpec {
    /// Gas a block that touches an account at which its price stays, as a share of the gas limit. Allowed: more
    /// than 0, at most 1. Default: 0.1.
    pub target: Option<Real>,
    /// An account used at twice its target or more becomes dearer by one part in this many a block. Allowed: 1 to
    /// 1,000,000. Default: 8.
    pub denominator: Option<u64>,
    /// How it is known what a transaction touches. Default: To.
    pub key: Option<KeySpec>,
    /// The base fee.
    pub base: Option<Eip1559Spec>,
}

/// Parameters of `CapAndLocal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CapAndLocalSpec {
    /// Most gas that may touch an account in a block, as a share of the gas limit. Allowed: more than `target`, at
    /// most 1. Default: 0.2.
    pub cap: Option<Real>,
    /// Gas a block that touches an account at which its price stays, as a share of the gas limit. Allowed: more
    /// than 0, less than `cap`. Default: half the cap.
    pub target: Option<Real>,
    /// An account used at twice its target or more becomes dearer by one part in this many a block. Allowed: 1 to
    /// 1,000,000. Default: 8.
    pub denominator: Option<u64>,
    /// How it is known what a transaction touches. Default: To.
    pub key: Option<KeySpec>,
    /// The base fee.
    pub base: Option<Eip1559Spec>,
}

/// Parameters of `Resources`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResourcesSpec {
    /// The base fee.
    pub base: Option<Eip1559Spec>,
}

/// One application is in demand for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BurstSpec {
    /// The application: a kind of the mix other than transfer and the number of an instance, such as "erc20/0".
    pub app: String,
    /// When it begins, from the start of the run.
    pub from: Duration,
    /// When it ends. Allowed: after `from`.
    pub until: Duration,
    /// Demand over the usual. Allowed: more than 1, at most 1000.
    pub factor: Factor,
    /// Accounts of those who come for it; they send nothing else. Allowed: 1 to 100,000,000. Default: as many as
    /// `accounts`.
    #[serde(default)]
    pub accounts: Option<u64>,
}
