//! A pool as a trader sees it, of either kind.
//!
//! **Captures.** A constant-product pool by its reserves; a concentrated one by the root of its price, the edge below it, the
//! liquidity there and where ranges end: everything the contract goes by
//! ([`ranges::Market`](parallel_evm::contracts::ranges::Market)). Both are read from a rollup's state, quoted to the unit, and
//! moved on by a swap. A concentrated pool whose liquidity ends before a swap is filled refuses all of it: the contract
//! takes an amount whole or reverts. Then its price stays where it is, at most at the end of the range, until somebody
//! trades the other way. **Leaves out.** Ranges that are moved. **Parameters.** [`PoolsPlan`]. **Source** the contracts.
//! **Checked against** every swap of whole runs, to the unit (`tests/rollup_ranges.rs`).

use super::arbitrage::{self, Arbitrage};
use super::trades::reserves;
use super::{Reserves, float};
use crate::execution::state::WorldState;
use crate::kernel::math;
use crate::workload::params::PoolsPlan;
use parallel_evm::contracts::ranges::{Around, Market};
use parallel_evm::{Address, U256};

/// What a constant-product pool takes in a message, bytes: number and two words.
const CONSTANT_BYTES: u64 = 68;
/// What a concentrated one takes: number, edge and two words; where ranges end is known from the genesis.
const CONCENTRATED_BYTES: u64 = 72;
/// 2^80, in which roots of prices are expressed.
const ROOT_ONE: U256 = U256::from_limbs([0, 1 << 16, 0, 0]);

/// A pool as a trader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Liquidity at all prices.
    Constant(Reserves),
    /// Liquidity in a range of prices.
    Concentrated(Market),
}

impl Pool {
    /// A pool with this reserve of both tokens that nobody has used.
    ///
    /// # Panics
    /// Where a range cannot hold it: plans do not name such ranges.
    pub fn at_genesis(kind: PoolsPlan, reserve: U256) -> Self {
        match kind {
            PoolsPlan::Constant => Self::Constant(Reserves { token0: reserve, token1: reserve }),
            PoolsPlan::Concentrated { edges } => {
                let around = Around::new(edges as i32, reserve).expect("the plan's ranges hold the reserves");
                Self::Concentrated(around.market())
            }
        }
    }

    /// A pool as a state has it.
    ///
    /// # Panics
    /// Where the state has no such pool.
    pub fn read(kind: PoolsPlan, state: &WorldState, pool: Address) -> Self {
        match kind {
            PoolsPlan::Constant => Self::Constant(reserves(state, pool)),
            PoolsPlan::Concentrated { edges } => {
                let ends = [-(edges as i32), edges as i32];
                let market = Market::read(|slot| state.slot(pool, slot), ends);
                Self::Concentrated(market.expect("the contract stores what is small enough"))
            }
        }
    }

    /// Logarithm of its price: token 1 for token 0.
    pub fn log_price(&self) -> f64 {
        match self {
            Self::Constant(reserves) => reserves.log_price(),
            Self::Concentrated(market) => 2.0 * math::ln(float(market.root) / float(ROOT_ONE)),
        }
    }

    /// Two amounts, of what a sale adds to the pool and of what it is paid from, that are worth the same at the pool's price.
    pub fn sides(&self, zero_for_one: bool) -> (U256, U256) {
        match self {
            Self::Constant(reserves) => reserves.sides(zero_for_one),
            Self::Concentrated(market) => {
                let price = market.root * market.root / ROOT_ONE;
                if zero_for_one { (ROOT_ONE, price) } else { (price, ROOT_ONE) }
            }
        }
    }

    /// What a swap pays out, to the unit; `None` where the contract refuses it.
    pub fn quote(&self, zero_for_one: bool, amount_in: U256) -> Option<U256> {
        match self {
            Self::Constant(reserves) => reserves.quote(zero_for_one, amount_in),
            Self::Concentrated(market) => market.clone().swap(zero_for_one, amount_in),
        }
    }

    /// The pool after a swap that paid out `amount_out`; `None` if it never could have.
    pub fn after(&self, zero_for_one: bool, amount_in: U256, amount_out: U256) -> Option<Self> {
        match self {
            Self::Constant(reserves) => {
                reserves.after(zero_for_one, amount_in, amount_out).map(Self::Constant)
            }
            Self::Concentrated(market) => {
                let mut after = market.clone();
                let paid = after.swap(zero_for_one, amount_in)?;
                (paid == amount_out).then_some(Self::Concentrated(after))
            }
        }
    }

    /// The most profitable trade at a reference price; see [`arbitrage`].
    pub fn arbitrage(&self, price: u128) -> Option<Arbitrage> {
        match self {
            Self::Constant(reserves) => arbitrage::best(*reserves, price),
            Self::Concentrated(market) => arbitrage::best_in_ranges(market, price),
        }
    }

    /// What it takes in a message.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Constant(_) => CONSTANT_BYTES,
            Self::Concentrated(_) => CONCENTRATED_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_begin_at_the_price_of_one_and_a_narrow_range_slips_less() {
        let reserve = U256::from(10_u128.pow(24));
        let kinds = [
            PoolsPlan::Constant,
            PoolsPlan::Concentrated { edges: 68 },
            PoolsPlan::Concentrated { edges: 3 },
        ];
        let mut before = U256::ZERO;
        for kind in kinds {
            let pool = Pool::at_genesis(kind, reserve);
            assert_eq!(pool.log_price(), 0.0);
            let (a, b) = pool.sides(true);
            assert_eq!(a, b);
            let amount = reserve / U256::from(1_000);
            let out = pool.quote(true, amount).unwrap();
            assert!(out > before, "{kind:?}");
            assert!(pool.after(true, amount, out).unwrap().log_price() < 0.0);
            assert_eq!(
                pool.after(true, amount, out + U256::from(1_u64)).is_some(),
                kind == PoolsPlan::Constant
            );
            before = out;
        }
        // Narrow: all of one token is there for a little more than all of the other, and no more.
        let narrow = Pool::at_genesis(kinds[2], reserve);
        assert_eq!(narrow.quote(true, reserve * U256::from(2)), None);
        let (_, price) = narrow.sides(true);
        assert_eq!(price, U256::ONE << 80);
    }
}
