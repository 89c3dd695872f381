//! The price of a rollup's gas: a market with one base fee, and a lowest one.
//!
//! **Captures** any of the chains' markets that has a base fee and nothing else ([`FeesPlan`]): EIP-1559 with a rollup's own
//! parameters, or several targets over several times, as Arbitrum has it. Blocks that a rollup does not make, because
//! nobody wants anything, count as empty ones, and time passes. **Leaves out** what a rollup charges for data on the L1; prices by account or resource. **Parameters** [`RulesPlan`]. **Source** the markets'.
//! **Checked against** the formula in integers, block by block of a saturated rollup (`tests/rollup_fees.rs`).

use super::params::{FeesPlan, RulesPlan};
use crate::chain::fee_market::windows::Windows;
use crate::chain::fee_market::{BlockUse, FeeMarket, MarketState};

/// Empty blocks that are followed at most; by then the base fee is at its least.
const EMPTY_BLOCKS_MAX: u64 = 4_096;

impl RulesPlan {
    /// Before the first block.
    pub(super) fn first_prices(&self) -> MarketState {
        MarketState::flat(self.base_fee_min_wei)
    }

    /// The prices of a block that comes `blocks` after one with the prices `state`, which used `gas`, and `elapsed_ns`
    /// later; those between are empty.
    pub(super) fn next_prices(
        &self,
        mut state: MarketState,
        mut gas: u64,
        mut blocks: u64,
        elapsed_ns: u64,
    ) -> MarketState {
        let windows;
        let market: &dyn FeeMarket = match &self.fees {
            FeesPlan::Eip1559(market) => market,
            FeesPlan::Windows(targets) => {
                windows = Windows { floor_wei: self.base_fee_min_wei, targets: targets.clone() };
                &windows
            }
        };
        while blocks > 0 {
            let mut next = market.update(&state, &BlockUse { gas, ..BlockUse::new(self.gas_limit) });
            next.base_fee_wei = next.base_fee_wei.max(self.base_fee_min_wei);
            if gas == 0 && next == state {
                break;
            }
            (state, gas) = (next, 0);
            blocks = (blocks - 1).min(EMPTY_BLOCKS_MAX);
        }
        market.open(&state, elapsed_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::fee_market::windows::Target;
    use crate::rollup::presets;

    fn rules(fees: FeesPlan) -> RulesPlan {
        RulesPlan { fees, ..presets::named("arbitrum-like").expect("it is there").rules }
    }

    #[test]
    fn time_pays_back_and_empty_blocks_do_not() {
        let target = Target { gas_per_s: 1_000_000, window_s: 10 };
        let rules = rules(FeesPlan::Windows(vec![target]));
        let first = rules.first_prices();
        // An e-fold of backlog, and none of it paid back.
        let dear = rules.next_prices(first.clone(), 10_000_000, 1, 0);
        assert_eq!(dear.base_fee_wei, 54_365_636, "20,000,000 e, rounded down");
        assert_eq!(rules.next_prices(dear.clone(), 0, 40, 0), dear);
        // After ten seconds, whatever blocks there were in them.
        for blocks in [1, 40] {
            let later = rules.next_prices(dear.clone(), 0, blocks, 10_000_000_000);
            assert_eq!((later.base_fee_wei, later.gauges), (20_000_000, vec![0]));
        }
    }

    #[test]
    fn under_eip_1559_empty_blocks_lower_the_fee_to_its_least_and_time_does_nothing() {
        let rules = rules(FeesPlan::Eip1559(crate::chain::fee_market::Eip1559::MAINNET));
        let full = rules.next_prices(rules.first_prices(), rules.gas_limit, 1, 0);
        assert_eq!(full.base_fee_wei, 22_500_000);
        assert_eq!(rules.next_prices(full.clone(), rules.gas_limit / 2, 1, 1 << 40), full);
        assert_eq!(rules.next_prices(full, 0, 2, 0), rules.first_prices());
    }
}
