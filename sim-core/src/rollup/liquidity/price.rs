//! A reference price: what the tokens are worth elsewhere.
//!
//! **Captures.** A geometric Brownian motion with jumps (Merton 1976) without drift: over a time t the logarithm
//! gains a normal number of variance `sigma^2 t`, and with probability `1 - exp(-r t)` one of variance `j^2` more, each
//! less half its variance, so that the expected price stays where it is. A step is a function of (seed, entity, number
//! of the step): who asks in the same steps sees the same path, in every arm of a comparison.
//!
//! **Leaves out.** Volatility that changes; several jumps within one step, which matter only for steps near 1 / r.
//!
//! **Parameters.** [`PricePlan`]. **Source** Merton, "Option pricing when underlying stock returns are discontinuous"
//! (1976). **Checked against** its moments here; the probability that a pool is out of its band after a block
//! (`validation`, `liquidity-lvr`).

use super::arbitrage::PRICE_ONE;
use crate::kernel::math;
use crate::kernel::random::{Purpose, chance, draw, standard_normal};
use serde::{Deserialize, Serialize};

/// Apart from draws for other purposes of the same entity.
const MOVE: u64 = 1 << 32;
const JUMPS: u64 = MOVE + 1;
const JUMP: u64 = MOVE + 2;
/// Prices stay within e^24 of 1: far beyond what a run shows, and within the arithmetic of pools.
const LOG_MAX: f64 = 24.0;

/// Parameters of a reference price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PricePlan {
    /// Standard deviation of the logarithm over a second (over a day: 294 times as much), parts per billion.
    pub volatility_ppb: u64,
    /// Jumps a day, thousandths.
    pub jumps_milli_per_day: u64,
    /// Standard deviation of a jump's logarithm, parts per million.
    pub jump_ppm: u64,
}

/// A price by its logarithm: units of token 1 for 10^18 units of token 0.
pub fn of_log(log: f64) -> u128 {
    (math::exp(log.clamp(-2.0 * LOG_MAX, 2.0 * LOG_MAX)) * PRICE_ONE as f64) as u128
}

/// A price and how far it has come.
#[derive(Clone, Copy, Debug)]
pub struct ReferencePrice {
    plan: PricePlan,
    seed: u64,
    entity: u64,
    step: u64,
    log: f64,
}

impl ReferencePrice {
    /// A price of 1, before its first step. `entity` tells prices of one seed apart.
    pub fn new(plan: PricePlan, seed: u64, entity: u64) -> Self {
        Self { plan, seed, entity: entity << 34, step: 0, log: 0.0 }
    }

    /// One step of so many ns.
    pub fn advance(&mut self, elapsed_ns: u64) {
        let random = |field: u64| draw(self.seed, Purpose::MARKET, self.entity | field, self.step);
        let seconds = elapsed_ns as f64 / 1e9;
        let variance = math::pow(self.plan.volatility_ppb as f64 / 1e9, 2.0) * seconds;
        self.log += math::sqrt(variance) * standard_normal(random(MOVE)) - variance / 2.0;
        let rate = self.plan.jumps_milli_per_day as f64 / 1e3 / 86_400.0;
        if chance(random(JUMPS), -math::exp_m1(-rate * seconds)) {
            let size = self.plan.jump_ppm as f64 / 1e6;
            self.log += size * standard_normal(random(JUMP)) - size * size / 2.0;
        }
        self.log = self.log.clamp(-LOG_MAX, LOG_MAX);
        self.step += 1;
    }

    /// Units of token 1 for 10^18 units of token 0.
    pub fn price(&self) -> u128 {
        of_log(self.log)
    }

    /// Its logarithm.
    pub fn log(&self) -> f64 {
        self.log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: u64 = 40_000;

    fn path(plan: PricePlan, elapsed_ns: u64) -> Vec<f64> {
        let mut price = ReferencePrice::new(plan, 9, 3);
        let mut before = price.log();
        (0..STEPS)
            .map(|_| {
                price.advance(elapsed_ns);
                std::mem::replace(&mut before, price.log()) - price.log()
            })
            .collect()
    }

    fn variance(steps: &[f64]) -> f64 {
        steps.iter().map(|d| d * d).sum::<f64>() / steps.len() as f64
    }

    #[test]
    fn the_variance_of_a_step_is_that_of_its_parts() {
        // The error of a variance of n normal numbers is sqrt(2 / n) of it, 0.7 % here; three of these are 2.1 %.
        let smooth = PricePlan { volatility_ppb: 100_000, jumps_milli_per_day: 0, jump_ppm: 0 };
        for seconds in [1, 12] {
            let expected = 1e-8 * seconds as f64;
            let found = variance(&path(smooth, seconds * 1_000_000_000));
            assert!((found / expected - 1.0).abs() < 0.021, "{seconds}: {found} {expected}");
        }
        // A jump in every tenth step. Of 4,000 numbers the error is 2.2 %, and as many jumps come as they do, 1.6 %:
        // three of both together are 8.3 %.
        let rate_milli = (-math::ln(0.9) * 86_400.0 * 1e3) as u64;
        let jumping = PricePlan { volatility_ppb: 0, jumps_milli_per_day: rate_milli, jump_ppm: 10_000 };
        let found = variance(&path(jumping, 1_000_000_000));
        assert!((found / 1e-5 - 1.0).abs() < 0.083, "{found}");
    }

    #[test]
    fn a_path_repeats_and_another_entity_has_another() {
        let plan = PricePlan { volatility_ppb: 100_000, jumps_milli_per_day: 1_000, jump_ppm: 10_000 };
        let mut prices = [3, 3, 4].map(|entity| ReferencePrice::new(plan, 9, entity));
        for _ in 0..100 {
            prices.iter_mut().for_each(|price| price.advance(12_000_000_000));
        }
        assert_eq!(prices[0].price(), prices[1].price());
        assert_ne!(prices[0].price(), prices[2].price());
        assert_eq!(ReferencePrice::new(plan, 9, 3).price(), PRICE_ONE);
    }
}
