//! Liquidity that is spread over chains, and what those who trade on it can make of it.
//!
//! * [`route`]: the best split of a trade over pools on several chains, and over how many it is worth going.
//! * [`arbitrage`]: what a pool whose price is off is worth to whoever puts it right; the band in which nobody does.
//! * [`pool`]: a pool of either kind, constant-product or with its liquidity in a range of prices.
//! * [`price`]: a reference price that moves while nobody looks: a geometric Brownian motion with jumps.
//! * [`agents`]: arbitrageurs who act on what they have been shown, by transactions that travel, queue and may revert.
//! * [`searchers`]: searchers whose probes look for trades in a circle on chain and use block space whether or not there are.
//! * [`providers`]: those whose liquidity is in the pools, who take it out where it loses and bring it back where it gains.
//! * [`books`]: what transactions paid for gas, what pools and the rollup came to.
//! * [`trades`]: what the executed swaps of a fleet cost.
//!
//! All of it is arithmetic on what a trader sees: the reserves of constant-product pools with a fee of 0.30 %
//! ([`parallel_evm::contracts::amm`]), or the price and depth of concentrated ones. Routes, searchers' rings and providers
//! are for the former. Amounts are integers in a token's smallest unit; what a trade yields is the
//! contract's own rounding. How a fleet's liquidity is shared out is in [`super::shares`].
//!
//! May import what `rollup` may. Must never be true: that a quote differs from what the bytecode pays out for
//! the same reserves.

pub mod agents;
pub mod arbitrage;
pub mod books;
pub mod pool;
pub mod price;
pub mod providers;
pub mod route;
pub mod searchers;
pub mod trades;

use crate::kernel::math;
use parallel_evm::U256;
use parallel_evm::contracts::amm;

/// What a pool keeps of every thousand units paid in before it prices the rest.
pub const FEE_PER_THOUSAND: u64 = 3;

/// What a pool holds, in a token's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserves {
    /// Of token 0.
    pub token0: U256,
    /// Of token 1, in which prices are expressed.
    pub token1: U256,
}

impl Reserves {
    /// The reserve that a sale of token 0 (or of token 1) adds to, and the one that it is paid from.
    pub fn sides(&self, zero_for_one: bool) -> (U256, U256) {
        if zero_for_one { (self.token0, self.token1) } else { (self.token1, self.token0) }
    }

    /// What a swap pays out, to the unit; `None` beyond the contract's arithmetic and for an empty pool.
    pub fn quote(&self, zero_for_one: bool, amount_in: U256) -> Option<U256> {
        let (reserve_in, reserve_out) = self.sides(zero_for_one);
        amm::amount_out(amount_in, reserve_in, reserve_out)
    }

    /// Logarithm of the pool's price: token 1 for token 0.
    pub fn log_price(&self) -> f64 {
        math::ln(float(self.token1) / float(self.token0))
    }

    /// The pool after a swap of `amount_in` that paid out `amount_out`; `None` if it never could have.
    pub fn after(&self, zero_for_one: bool, amount_in: U256, amount_out: U256) -> Option<Self> {
        let (reserve_in, reserve_out) = self.sides(zero_for_one);
        let (more, less) = (reserve_in.checked_add(amount_in)?, reserve_out.checked_sub(amount_out)?);
        let (token0, token1) = if zero_for_one { (more, less) } else { (less, more) };
        Some(Self { token0, token1 })
    }
}

/// As a float, to 2^-52.
pub(in crate::rollup) fn float(value: U256) -> f64 {
    value.as_limbs().iter().rev().fold(0.0, |sum, limb| sum * 18_446_744_073_709_551_616.0 + *limb as f64)
}
