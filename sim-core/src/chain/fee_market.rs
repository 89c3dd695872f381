//! What a chain charges for its blocks' space: markets behind one trait, one file each.
//!
//! A market has three duties. It *quotes* what a transaction pays per gas, given the prices that hold in a block;
//! it *admits* a transaction into a block, given what the block already holds; and it *updates* its prices from
//! what the block used. All of it is integer arithmetic with a stated rounding.
//!
//! A price has two parts. The **base fee** is the same for everybody; it stands in the header and in the EVM's
//! block environment. On top of it comes a **surcharge** for what the transaction touches. Both are burnt; what
//! the user offers beyond them is the tip. The EVM knows one price per gas: the builder hands it a priority fee
//! of surcharge + tip, so that balance checks, refunds and the `GASPRICE` opcode are those of a transaction that
//! pays this price, and after the last transaction takes the surcharges out of the beneficiary's balance. Hence
//! users pay exactly what is burnt plus the tips.
//!
//! A surcharge needs to know what a transaction touches before it runs, and the EVM does not. [`KeyedBy`] says
//! which answer a chain gives.
//!
//! Prices that hold after a block travel beside its state, so that every fork has its own.
//!
//! May import what `chain` may. Must never be true: that a price depends on anything but the blocks below it.

pub mod blob;
pub mod cap;
pub mod cap_and_local;
pub mod eip1559;
pub mod local;
pub mod resources;
pub mod windows;

use super::transaction::{Transaction, effective_tip};
use parallel_evm::{Address, Location, TxReport};
use resources::RESOURCES;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use eip1559::{Eip1559, next_base_fee};

/// A rule for who gets into blocks and at what price.
pub trait FeeMarket {
    /// How it knows what a transaction touches; `None` if it does not ask.
    fn keyed_by(&self) -> Option<KeyedBy> {
        None
    }

    /// The prices in a block that begins `elapsed_ns` after its parent, which left `state` behind.
    fn open(&self, state: &MarketState, elapsed_ns: u64) -> MarketState {
        let _ = elapsed_ns;
        state.clone()
    }

    /// What a transaction that touches `keys` is charged in a block with these prices.
    fn quote(&self, state: &MarketState, keys: &[Address]) -> Quote {
        let _ = keys;
        Quote { base_fee_wei: state.base_fee_wei, ..Quote::default() }
    }

    /// Whether a block that already holds `used` may take this as well. Its gas limit is the caller's business.
    fn admit(&self, used: &BlockUse, ask: &Ask<'_>) -> bool {
        let _ = (used, ask);
        true
    }

    /// How much of its gas limit a block has spent, gas.
    fn metered(&self, used: &BlockUse) -> u64 {
        used.gas
    }

    /// The prices that a block with the prices `state` leaves behind when it is done.
    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState;
}

/// A fee market of a chain, as a plan carries it. A line here makes a market known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeeMarketPlan {
    /// One base fee.
    Eip1559(Eip1559),
    /// One base fee from several targets over several times.
    Windows(windows::Windows),
    /// A cap on the gas of every key in a block.
    Cap(cap::AccountCap),
    /// A price for every key.
    Local(local::LocalPrice),
    /// Both.
    CapAndLocal(cap_and_local::CapAndLocal),
    /// A block is as full as its scarcest resource.
    Resources(resources::Resources),
}

impl Default for FeeMarketPlan {
    fn default() -> Self {
        Self::Eip1559(Eip1559::MAINNET)
    }
}

impl FeeMarketPlan {
    /// The market.
    pub fn market(&self) -> &dyn FeeMarket {
        match self {
            Self::Eip1559(market) => market,
            Self::Windows(market) => market,
            Self::Cap(market) => market,
            Self::Local(market) => market,
            Self::CapAndLocal(market) => market,
            Self::Resources(market) => market,
        }
    }
}

/// How a market knows what a transaction touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyedBy {
    /// Its callee. Free, known before execution, and blind to what the callee calls.
    To,
    /// Its callee and the addresses of its access list. Known before execution; declaring costs 2,400 gas and 22
    /// bytes an address, and nothing makes anybody declare what it only reads or writes in passing.
    AccessList,
    /// The accounts whose storage it wrote or whose balance it raised, as the executor reports them. Exact, and
    /// known only after execution: a builder that finds out that a transaction cannot pay for what it touched, or
    /// touched an account that is full, leaves it out and has executed it in vain.
    WriteSet,
}

impl KeyedBy {
    /// What is known of a transaction's keys before it runs: sorted, each once. For a write set this is a guess.
    pub fn before(self, transaction: &Transaction) -> Vec<Address> {
        let mut keys: Vec<Address> = transaction.to.to().copied().into_iter().collect();
        if self == Self::AccessList {
            keys.extend_from_slice(&transaction.access_list);
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// A transaction's keys after it ran, with what was known before.
    pub fn after(self, before: Vec<Address>, sender: Address, report: &TxReport) -> Vec<Address> {
        if self != Self::WriteSet {
            return before;
        }
        let written = report.writes.iter().filter_map(|location| match location {
            Location::Slot(address, _) => Some(*address),
            Location::Balance(address) => (*address != sender).then_some(*address),
            Location::Nonce(_) | Location::Code(_) => None,
        });
        let mut keys: Vec<Address> = written.collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// What a market remembers between blocks. The meaning of all but the first is the market's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketState {
    /// Base fee of the next block, wei per gas.
    pub base_fee_wei: u64,
    /// Prices of keys above the base fee, wei per gas.
    pub by_key: BTreeMap<Address, u64>,
    /// Other numbers.
    pub gauges: Vec<u64>,
}

impl MarketState {
    /// Nothing but a base fee.
    pub fn flat(base_fee_wei: u64) -> Self {
        Self { base_fee_wei, ..Self::default() }
    }
}

/// What a transaction is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Wei per gas that everybody is charged; burnt.
    pub base_fee_wei: u64,
    /// Wei per gas for what it touches; burnt.
    pub surcharge_wei: u64,
    /// Wei per blob gas; burnt.
    pub blob_fee_wei: u128,
}

impl Quote {
    /// What remains for the proposer per gas, wei, of an offer; `None` if it does not cover the charges.
    pub fn tip_wei(&self, max_fee: u64, max_priority_fee: u64) -> Option<u64> {
        effective_tip(max_fee, max_priority_fee, self.base_fee_wei.checked_add(self.surcharge_wei)?)
    }
}

/// Space in a block that a transaction wants: at most, before it ran; exactly, afterwards.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// Gas.
    pub gas: u64,
    /// What it touches, each once.
    pub keys: &'a [Address],
    /// Blob gas.
    pub blob_gas: u64,
}

/// What the transactions of a block have used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockUse {
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Gas.
    pub gas: u64,
    /// Gas of the transactions that touched a key.
    pub by_key: BTreeMap<Address, u64>,
    /// Gas by resource; sums to `gas` once everything is executed.
    pub by_resource: [u64; RESOURCES],
    /// Blob gas.
    pub blob_gas: u64,
}

impl BlockUse {
    /// An empty block.
    pub fn new(gas_limit: u64) -> Self {
        Self { gas_limit, ..Self::default() }
    }

    /// Gas of the transactions that touched a key.
    pub fn of(&self, key: &Address) -> u64 {
        self.by_key.get(key).copied().unwrap_or(0)
    }

    /// Adds a transaction, all sums saturating.
    pub fn add(&mut self, ask: &Ask<'_>, by_resource: [u64; RESOURCES]) {
        self.gas = self.gas.saturating_add(ask.gas);
        self.blob_gas = self.blob_gas.saturating_add(ask.blob_gas);
        for key in ask.keys {
            let of_key = self.by_key.entry(*key).or_default();
            *of_key = of_key.saturating_add(ask.gas);
        }
        for (sum, more) in self.by_resource.iter_mut().zip(by_resource) {
            *sum = sum.saturating_add(more);
        }
    }
}

/// Who paid what to whom in a block, and how full it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRecord {
    /// Base fees, wei; burnt.
    pub base_wei: u128,
    /// Surcharges, wei; burnt.
    pub surcharge_wei: u128,
    /// Tips, wei; to the proposer.
    pub tips_wei: u128,
    /// Gas as the market meters it.
    pub metered_gas: u64,
    /// Gas by resource, in the order of [`resources::RESOURCE_NAMES`].
    pub by_resource: [u64; RESOURCES],
    /// Gas of the calls of the application in demand.
    pub hot_gas: u64,
    /// What calling it costs beyond the base fee, wei per gas.
    pub hot_surcharge_wei: u64,
    /// Transactions the proposer executed in vain, because of what they turned out to touch.
    pub turned_away: u32,
}

/// `share_ppm` of `whole`, rounded down.
fn share(whole: u64, share_ppm: u64) -> u64 {
    (u128::from(whole) * u128::from(share_ppm) / 1_000_000).min(u128::from(u64::MAX)) as u64
}
