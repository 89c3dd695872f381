//! Shares of a whole by rollup: of the demand, of the liquidity.
//!
//! **Captures.** All alike, Zipf's law, or given numbers. A whole amount is shared out without remainder: rollup i
//! gets what lies between the rounded-down beginnings of its share and the next. **Leaves out.** Shares that change.
//! **Parameters.** [`SharesPlan`]. **Source** the inverse of the Herfindahl index is the usual number of equal shares
//! that are as concentrated. **Checked against** its sums and closed forms here.

use super::params::SharesPlan;
use crate::kernel::random::{Weighted, WeightsError, Zipf, uniform_below};
use parallel_evm::U256;

/// A share for every rollup.
#[derive(Clone, Debug)]
pub enum Shares {
    /// All alike: how many.
    Equal(u64),
    /// By rank.
    Zipf(Zipf),
    /// Given numbers.
    Given(Weighted),
}

impl Shares {
    /// Shares of `count` rollups.
    ///
    /// # Errors
    /// When they make no distribution.
    pub fn new(plan: &SharesPlan, count: u32) -> Result<Self, WeightsError> {
        match plan {
            SharesPlan::Equal => Ok(Self::Equal(u64::from(count.max(1)))),
            SharesPlan::Zipf { exponent_ppm } => {
                Zipf::new(count as usize, *exponent_ppm as f64 / 1e6).map(Self::Zipf)
            }
            SharesPlan::Given(weights) => Weighted::new(weights.iter().copied()).map(Self::Given),
        }
    }

    /// A rollup drawn by share.
    pub fn sample(&self, bits: u64) -> u32 {
        match self {
            Self::Equal(count) => uniform_below(bits, *count) as u32,
            Self::Zipf(zipf) => zipf.sample(bits) as u32,
            Self::Given(weighted) => weighted.sample(bits) as u32,
        }
    }

    /// Number of rollups.
    pub fn count(&self) -> u32 {
        match self {
            Self::Equal(count) => *count as u32,
            Self::Zipf(zipf) => zipf.weights().len() as u32,
            Self::Given(weighted) => weighted.len() as u32,
        }
    }

    /// What a rollup's share begins at, ends at, and what all shares sum to.
    fn span(&self, rollup: u32) -> (u64, u64, u64) {
        let of = |weights: &Weighted| {
            let end = weights.up_to(rollup as usize);
            (end - weights.weight(rollup as usize), end, weights.total())
        };
        match self {
            Self::Equal(count) => (u64::from(rollup), u64::from(rollup) + 1, *count),
            Self::Zipf(zipf) => of(zipf.weights()),
            Self::Given(weighted) => of(weighted),
        }
    }

    /// A rollup's part of `whole`, which must be below 2^192; the parts sum to it.
    pub fn part(&self, rollup: u32, whole: U256) -> U256 {
        let (from, to, total) = self.span(rollup);
        let at = |place: u64| whole * U256::from(place) / U256::from(total);
        at(to) - at(from)
    }

    /// How many equal shares are as concentrated as these: one over the sum of their squares.
    pub fn effective_number(&self) -> f64 {
        let share = |rollup: u32| {
            let (from, to, total) = self.span(rollup);
            (to - from) as f64 / total as f64
        };
        1.0 / (0..self.count()).map(|rollup| share(rollup) * share(rollup)).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plans(given: Vec<u64>) -> [SharesPlan; 4] {
        [
            SharesPlan::Equal,
            SharesPlan::Zipf { exponent_ppm: 1_000_000 },
            SharesPlan::Zipf { exponent_ppm: 2_500_000 },
            SharesPlan::Given(given),
        ]
    }

    proptest! {
        #[test]
        fn the_parts_sum_to_the_whole_and_none_is_larger_than_its_share_by_a_unit(
            given in prop::collection::vec(1_u64..1_000_000, 1..60), whole in any::<u128>(),
        ) {
            let count = given.len() as u32;
            for plan in plans(given) {
                let shares = Shares::new(&plan, count).unwrap();
                prop_assert_eq!(shares.count(), count);
                let whole = U256::from(whole);
                let parts: Vec<U256> = (0..count).map(|rollup| shares.part(rollup, whole)).collect();
                prop_assert_eq!(parts.iter().sum::<U256>(), whole);
                for (rollup, part) in parts.into_iter().enumerate() {
                    let (from, to, total) = shares.span(rollup as u32);
                    let share = whole * U256::from(to - from) / U256::from(total);
                    prop_assert!(part.abs_diff(share) <= U256::ONE);
                }
            }
        }
    }

    #[test]
    fn effective_numbers_are_those_of_their_closed_forms() {
        let number = |plan: SharesPlan, count| Shares::new(&plan, count).unwrap().effective_number();
        assert!((number(SharesPlan::Equal, 64) - 64.0).abs() < 1e-9);
        assert!((number(SharesPlan::Given(vec![5, 0, 5, 0]), 4) - 2.0).abs() < 1e-9);
        // (sum 1/r)^2 / sum 1/r^2 for ten ranks.
        let zipf = 2.928_968_253_968_254_f64 * 2.928_968_253_968_254 / 1.549_767_731_166_540_7;
        // Weights are multiples of 2^-40.
        assert!((number(SharesPlan::Zipf { exponent_ppm: 1_000_000 }, 10) - zipf).abs() < 1e-9);
        // 46.6, 30.9, 6 and 16.5 % over 50 more: a Herfindahl index of 0.317.
        let shares = [46_600, 30_900, 6_000].into_iter().chain([330; 50]).collect();
        assert!((number(SharesPlan::Given(shares), 53) - 3.15).abs() < 0.02);
    }
}
