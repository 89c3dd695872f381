//! A price for every key: those who want what everybody wants pay for it, others do not.
//!
//! **Captures** a base fee for each key beside the one for all: it follows the gas that touched the key by the rule
//! of EIP-1559 with a target of its own, and is never below the common base fee. A transaction pays the common base
//! fee and, for every key it touches, what the key costs beyond that. **Leaves out** prices for single slots;
//! averages over many blocks (SIMD-0110 follows a mean over 150 slots, in steps of 1 %). **Parameters** the target
//! as a share of the block's gas limit, the change denominator, how keys are known. **Source** the shape of
//! SIMD-0110 (a rate for each write-locked account, summed over them, burnt) with the step of EIP-1559.
//! **Checked against** EIP-1559 on a chain with one key.
//!
//! Rounding: the target is rounded down; a step is EIP-1559's, rounded down, upward by at least 1 wei. Use beyond
//! twice the target counts as twice: a price rises by at most one part in `change_denominator` a block.

use super::{BlockUse, Eip1559, FeeMarket, KeyedBy, MarketState, Quote, share};
use parallel_evm::Address;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalPrice {
    /// How keys are known.
    pub keyed_by: KeyedBy,
    /// Gas a block that touches a key at which its price stays, as a share of the gas limit, parts per million.
    pub target_ppm: u64,
    /// A key used at twice its target or more becomes dearer by one part in this many. At least 1.
    pub change_denominator: u64,
    /// The common base fee.
    pub base: Eip1559,
}

impl LocalPrice {
    /// The state's prices of keys: those above the common base fee.
    fn prices(&self, state: &MarketState, used: &BlockUse, base_fee_wei: u64) -> BTreeMap<Address, u64> {
        let target = share(used.gas_limit, self.target_ppm).max(1);
        let step = Eip1559 { elasticity: 2, change_denominator: self.change_denominator };
        let keys = state.by_key.keys().chain(used.by_key.keys().filter(|k| !state.by_key.contains_key(*k)));
        let prices = keys.map(|key| {
            let price = state.by_key.get(key).copied().unwrap_or(0).max(state.base_fee_wei);
            let most = target.saturating_mul(2);
            (*key, step.next_base_fee(price, used.of(key).min(most), most))
        });
        prices.filter(|(_, price)| *price > base_fee_wei).collect()
    }
}

impl FeeMarket for LocalPrice {
    fn keyed_by(&self) -> Option<KeyedBy> {
        Some(self.keyed_by)
    }

    fn quote(&self, state: &MarketState, keys: &[Address]) -> Quote {
        let base_fee_wei = state.base_fee_wei;
        let beyond = keys.iter().filter_map(|key| state.by_key.get(key)?.checked_sub(base_fee_wei));
        let surcharge_wei = beyond.fold(0, u64::saturating_add);
        Quote { base_fee_wei, surcharge_wei, ..Quote::default() }
    }

    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState {
        let base_fee_wei = self.base.update(state, used).base_fee_wei;
        MarketState { base_fee_wei, by_key: self.prices(state, used, base_fee_wei), gauges: Vec::new() }
    }
}
