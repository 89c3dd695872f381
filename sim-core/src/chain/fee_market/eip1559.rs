//! EIP-1559: one base fee for everybody.
//!
//! **Captures** the base fee of the next block from the parent's gas use, bit-exactly as consensus clients compute
//! it. **Leaves out** nothing of it; blob space has a market of its own ([`super::blob`]). **Parameters**
//! elasticity and change denominator ([`Eip1559::MAINNET`]: 2 and 8; Base in 2026: 6 and 125). **Source**
//! EIP-1559, function `base_fee` of its specification. **Checked against** the vectors of go-ethereum's
//! `TestCalcBaseFee`, the first mainnet block after London, and the long-run load of bang-bang demand, 1.06266
//! of the target (arXiv 2212.07175).

use super::{BlockUse, FeeMarket, MarketState};
use serde::{Deserialize, Serialize};

/// EIP-1559.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eip1559 {
    /// Gas limit over gas target. At least 1.
    pub elasticity: u64,
    /// A block `x` times the target above it raises the fee by `x` over this. At least 1.
    pub change_denominator: u64,
}

impl Eip1559 {
    /// Ethereum's parameters since London.
    pub const MAINNET: Self = Self { elasticity: 2, change_denominator: 8 };
}

impl Default for Eip1559 {
    fn default() -> Self {
        Self::MAINNET
    }
}

impl Eip1559 {
    /// Base fee of a block, wei per gas, from its parent's base fee, gas used and gas limit.
    ///
    /// With `target = gas_limit / elasticity`: unchanged at the target, else moved by
    /// `floor(floor(fee * |used - target| / target) / denominator)`, upward by at least 1 wei.
    ///
    /// A limit below the elasticity has no target: the fee stays. The fee saturates at `u64::MAX` wei.
    pub fn next_base_fee(&self, parent_base_fee: u64, gas_used: u64, gas_limit: u64) -> u64 {
        let target = gas_limit / self.elasticity;
        if target == 0 || gas_used == target {
            return parent_base_fee;
        }
        let distance = u128::from(gas_used.abs_diff(target));
        let change =
            u128::from(parent_base_fee) * distance / u128::from(target) / u128::from(self.change_denominator);
        if gas_used > target {
            let raised = u128::from(parent_base_fee) + change.max(1);
            u64::try_from(raised).unwrap_or(u64::MAX)
        } else {
            parent_base_fee.saturating_sub(u64::try_from(change).unwrap_or(u64::MAX))
        }
    }
}

impl FeeMarket for Eip1559 {
    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState {
        MarketState::flat(self.next_base_fee(state.base_fee_wei, used.gas, used.gas_limit))
    }
}

/// Base fee of the next block under [`Eip1559::MAINNET`], wei per gas.
pub fn next_base_fee(parent_base_fee: u64, gas_used: u64, gas_limit: u64) -> u64 {
    Eip1559::MAINNET.next_base_fee(parent_base_fee, gas_used, gas_limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_vectors_of_go_ethereum_hold() {
        // (parent base fee, parent gas limit, parent gas used, base fee)
        let vectors = [
            (1_000_000_000, 20_000_000, 10_000_000, 1_000_000_000),
            (1_000_000_000, 20_000_000, 9_000_000, 987_500_000),
            (1_000_000_000, 20_000_000, 11_000_000, 1_012_500_000),
        ];
        for (parent, limit, used, expected) in vectors {
            assert_eq!(next_base_fee(parent, used, limit), expected);
        }
    }

    #[test]
    fn the_second_block_of_london_follows_from_the_first() {
        // Mainnet block 12,965,000 used 30,025,257 of 30,029,122 gas at 1 gwei; 12,965,001 cost this.
        assert_eq!(next_base_fee(1_000_000_000, 30_025_257, 30_029_122), 1_124_967_822);
    }

    #[test]
    fn a_full_block_raises_by_an_eighth_and_an_empty_one_lowers_by_an_eighth() {
        assert_eq!(next_base_fee(8_000, 30_000_000, 30_000_000), 9_000);
        assert_eq!(next_base_fee(8_000, 0, 30_000_000), 7_000);
    }

    #[test]
    fn the_least_rise_is_one_wei_and_the_least_fall_is_none() {
        assert_eq!(next_base_fee(7, 30_000_000, 30_000_000), 8);
        assert_eq!(next_base_fee(0, 30_000_000, 30_000_000), 1);
        assert_eq!(next_base_fee(7, 0, 30_000_000), 7);
    }

    #[test]
    fn extremes_saturate() {
        assert_eq!(next_base_fee(u64::MAX, u64::MAX, 2), u64::MAX);
        assert_eq!(next_base_fee(5, 100, 0), 5);
        assert_eq!(next_base_fee(5, 100, 1), 5);
    }

    /// Demand that fills every block below a price and none above it.
    ///
    /// The fee returns to where it was, so with a share f of full blocks
    /// f ln(9/8) + (1 - f) ln(7/8) = 0, and the mean load is 2 f = 1.0626639587542361 of the target.
    #[test]
    fn bang_bang_demand_loads_the_chain_to_1_06266_of_its_target() {
        let limit = 30_000_000_u64;
        let price = 1_000_000_000_000_000_u64;
        let blocks = 200_000_u64;
        let mut base_fee = price;
        let mut gas = 0_u64;
        for _ in 0..blocks {
            let used = if base_fee <= price { limit } else { 0 };
            gas += used;
            base_fee = next_base_fee(base_fee, used, limit);
        }
        let load = gas as f64 / (blocks * (limit / 2)) as f64;
        // The fee stays within one step of the price, so the sum of log-steps is at most ln(9/8) + ln(8/7)
        // off zero and the load at most 2 / blocks off; rounding of a fee of 1e15 wei adds some 1e-15 a block.
        assert!((load - 1.062_663_958_754_236_1).abs() < 2.0 / blocks as f64, "{load}");
    }

    proptest! {
        #[test]
        fn the_fee_moves_towards_demand_and_by_at_most_an_eighth(
            fee in 8_u64..1 << 60, limit in 2_u64..1 << 40, share in 0_u64..=1_000,
        ) {
            // An even limit, as then "full" is exactly twice the target.
            let limit = limit & !1;
            let used = (u128::from(limit) * u128::from(share) / 1_000) as u64;
            let next = next_base_fee(fee, used, limit);
            prop_assert!(next <= fee + fee / 8 && next >= fee - fee / 8);
            prop_assert_eq!(next > fee, used > limit / 2);
        }
    }
}
