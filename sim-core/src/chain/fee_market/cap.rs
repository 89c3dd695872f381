//! A cap on the gas that may touch any one key in a block.
//!
//! **Captures** the limit of Solana's blocks per write-locked account, over one base fee by EIP-1559: what does not
//! fit under a key's cap waits, whatever it pays, and the space it does not get is others'. Among themselves, those
//! who want the key compete by tip. **Leaves out** scheduling within the block. **Parameters** the cap as a share
//! of the block's gas limit; how keys are known. **Source** Solana: 12 of 60 million compute units an account
//! (20 %), 40 % proposed (SIMD-0306). **Checked against** its own definition on random blocks.
//!
//! Rounding: the cap is rounded down to a gas.

use super::{Ask, BlockUse, Eip1559, FeeMarket, KeyedBy, MarketState, share};
use serde::{Deserialize, Serialize};

/// Parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCap {
    /// How keys are known.
    pub keyed_by: KeyedBy,
    /// Most gas that may touch a key, as a share of the block's gas limit, parts per million.
    pub cap_ppm: u64,
    /// The base fee.
    pub base: Eip1559,
}

impl AccountCap {
    /// Most gas that may touch a key in such a block.
    pub fn cap(&self, gas_limit: u64) -> u64 {
        share(gas_limit, self.cap_ppm)
    }
}

impl FeeMarket for AccountCap {
    fn keyed_by(&self) -> Option<KeyedBy> {
        Some(self.keyed_by)
    }

    fn admit(&self, used: &BlockUse, ask: &Ask<'_>) -> bool {
        let cap = self.cap(used.gas_limit);
        ask.keys.iter().all(|key| used.of(key).saturating_add(ask.gas) <= cap)
    }

    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState {
        self.base.update(state, used)
    }
}
