//! A cap on every key and a price for every key: the price rations what the cap leaves, the cap keeps space for
//! others until the price has risen.
//!
//! **Captures** [`cap`](super::cap) and [`local`](super::local) together, over one base fee. **Leaves out** what
//! they leave out. **Parameters** those of both. **Source** Solana's caps with the prices proposed in SIMD-0110.
//! **Checked against** both parts on random blocks.

use super::cap::AccountCap;
use super::local::LocalPrice;
use super::{Ask, BlockUse, FeeMarket, KeyedBy, MarketState, Quote, share};
use parallel_evm::Address;
use serde::{Deserialize, Serialize};

/// Parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapAndLocal {
    /// Most gas that may touch a key, as a share of the block's gas limit, parts per million.
    pub cap_ppm: u64,
    /// The prices, and how keys are known.
    pub local: LocalPrice,
}

impl CapAndLocal {
    /// Most gas that may touch a key in such a block.
    pub fn cap(&self, gas_limit: u64) -> u64 {
        share(gas_limit, self.cap_ppm)
    }

    fn capped(&self) -> AccountCap {
        AccountCap { keyed_by: self.local.keyed_by, cap_ppm: self.cap_ppm, base: self.local.base }
    }
}

impl FeeMarket for CapAndLocal {
    fn keyed_by(&self) -> Option<KeyedBy> {
        self.local.keyed_by()
    }

    fn quote(&self, state: &MarketState, keys: &[Address]) -> Quote {
        self.local.quote(state, keys)
    }

    fn admit(&self, used: &BlockUse, ask: &Ask<'_>) -> bool {
        self.capped().admit(used, ask)
    }

    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState {
        self.local.update(state, used)
    }
}
