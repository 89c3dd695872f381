//! One base fee from several targets, each over a time of its own.
//!
//! **Captures** the rule of Arbitrum since ArbOS 51: every target `i` allows `T_i` gas a second and keeps a
//! backlog of what was used beyond it, `B_i = max(0, B_i + gas - T_i dt)`; the base fee is
//! `floor * exp(sum_i B_i / (T_i A_i))` with the target's adjustment window `A_i`. A short window answers bursts, a
//! long one lasting load. **Leaves out** the polynomial of degree four by which nitro approximates `exp` (5 % too
//! low at an exponent of 2, more beyond); weights by kind of resource. **Parameters** the lowest base fee and the
//! targets ([`Windows`]). **Source** nitro, `arbos/l2pricing/model.go`; the chain parameters of Arbitrum One.
//! **Checked against** the formula in floating point.
//!
//! Rounding: gas allowed in a time is rounded down; each `B_i / (T_i A_i)` is rounded down to a billionth; the
//! exponential is the integer one of EIP-4844, rounded down.

use super::{BlockUse, FeeMarket, MarketState};
use alloy_eips::eip4844::fake_exponential;
use serde::{Deserialize, Serialize};

/// Parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// Lowest base fee, wei per gas.
    pub floor_wei: u64,
    /// The targets; the state's gauges are their backlogs, gas.
    pub targets: Vec<Target>,
}

/// A rate of use, and how long a backlog of it takes to multiply the base fee by e.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Gas a second, at least 1.
    pub gas_per_s: u64,
    /// Adjustment window, s, at least 1.
    pub window_s: u64,
}

/// Unit of the exponent.
const BILLION: u64 = 1_000_000_000;

impl Target {
    /// The backlog's part of the exponent, billionths.
    fn exponent(&self, backlog: u64) -> u128 {
        let e_fold = u128::from(self.gas_per_s) * u128::from(self.window_s);
        u128::from(backlog) * u128::from(BILLION) / e_fold.max(1)
    }
}

impl Windows {
    fn base_fee_wei(&self, backlogs: &[u64]) -> u64 {
        let exponent: u128 = self.targets.iter().zip(backlogs).map(|(t, b)| t.exponent(*b)).sum();
        let fee = fake_exponential(u128::from(self.floor_wei), exponent, u128::from(BILLION));
        u64::try_from(fee).unwrap_or(u64::MAX)
    }

    /// Backlogs after `gas` was used and `elapsed_ns` passed.
    fn backlogs(&self, before: &[u64], gas: u64, elapsed_ns: u64) -> Vec<u64> {
        let owed = before.iter().copied().chain(std::iter::repeat(0));
        let after = self.targets.iter().zip(owed).map(|(target, backlog)| {
            let allowed = u128::from(target.gas_per_s) * u128::from(elapsed_ns) / u128::from(BILLION);
            let backlog = backlog.saturating_add(gas);
            backlog.saturating_sub(u64::try_from(allowed).unwrap_or(u64::MAX))
        });
        after.collect()
    }
}

impl FeeMarket for Windows {
    fn open(&self, state: &MarketState, elapsed_ns: u64) -> MarketState {
        let gauges = self.backlogs(&state.gauges, 0, elapsed_ns);
        MarketState { base_fee_wei: self.base_fee_wei(&gauges), gauges, ..MarketState::default() }
    }

    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState {
        let gauges = self.backlogs(&state.gauges, used.gas, 0);
        MarketState { base_fee_wei: self.base_fee_wei(&gauges), gauges, ..MarketState::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(gas_per_s: u64, window_s: u64) -> Windows {
        Windows { floor_wei: 20_000_000, targets: vec![Target { gas_per_s, window_s }] }
    }

    fn used(gas: u64) -> BlockUse {
        BlockUse { gas, ..BlockUse::new(32_000_000) }
    }

    #[test]
    fn an_e_fold_of_backlog_multiplies_the_floor_by_e_and_time_pays_it_back() {
        let windows = one(7_000_000, 100);
        let after = windows.update(&MarketState::default(), &used(700_000_000));
        assert_eq!(after.base_fee_wei, 54_365_636, "20,000,000 e, rounded down");
        let later = windows.open(&after, 100_000_000_000);
        assert_eq!((later.base_fee_wei, later.gauges), (20_000_000, vec![0]));
        assert_eq!(windows.open(&after, 50_000_000_000).gauges, [350_000_000]);
    }

    #[test]
    fn extremes_saturate() {
        let windows = one(1, 1);
        let after = windows.update(&MarketState::default(), &used(u64::MAX));
        assert_eq!(after.base_fee_wei, u64::MAX);
        assert_eq!(windows.open(&after, u64::MAX).gauges, [u64::MAX - u64::MAX / BILLION]);
    }

    proptest! {
        #[test]
        fn the_base_fee_is_that_of_the_formula(
            targets in prop::collection::vec((1_000_000_u64..60_000_000, 9_u64..90_000), 1..6),
            blocks in prop::collection::vec((0_u64..32_000_000, 1_u64..2_000), 1..60),
        ) {
            let target = |(gas_per_s, window_s): (u64, u64)| Target { gas_per_s, window_s };
            let windows = Windows {
                floor_wei: 1_000_000_000,
                targets: targets.iter().copied().map(target).collect(),
            };
            let mut state = MarketState::default();
            let mut backlogs = vec![0.0_f64; targets.len()];
            for (number, (gas, elapsed_ms)) in (1_u32..).zip(blocks) {
                state = windows.open(&windows.update(&state, &used(gas)), elapsed_ms * 1_000_000);
                let (mut exponent, mut blur) = (0.0, 0.0);
                for (backlog, (rate, window)) in backlogs.iter_mut().zip(&targets) {
                    *backlog = (*backlog + gas as f64 - *rate as f64 * elapsed_ms as f64 / 1e3).max(0.0);
                    exponent += *backlog / (*rate as f64 * *window as f64);
                    // A billionth of rounding, and less than a gas of backlog a block.
                    blur += 1e-9 + f64::from(number) / (*rate as f64 * *window as f64);
                }
                let expected = (1e9 * libm::exp(exponent)).min(u64::MAX as f64);
                // What the exponent is blurred by (small: the price by as much, and its square), a wei at the end.
                let tolerance = expected * blur * 1.01 + 2.0;
                prop_assert!((state.base_fee_wei as f64 - expected).abs() < tolerance,
                    "{} {expected}", state.base_fee_wei);
            }
        }

        #[test]
        fn more_gas_never_makes_the_next_block_cheaper(a in 0_u64..1 << 40, b in 0_u64..1 << 40) {
            let windows = one(7_000_000, 102);
            let price = |gas| windows.update(&MarketState::default(), &used(gas)).base_fee_wei;
            prop_assert!(price(a.max(b)) >= price(a.min(b)) && price(a) >= windows.floor_wei);
        }
    }
}
