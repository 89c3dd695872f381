//! The best way to sell over pools on several chains.
//!
//! **Captures.** A trader sells an amount into constant-product pools, and what goes to another chain is reduced by a
//! bridge's fee. The most comes out where a further unit yields the same in every pool used:
//! `x + g q = u sqrt(g x y)` with reserves x (in) and y (out), g what is left of a unit after bridge and pool, q what is
//! sold there, and one u for all; the sum of the q is the amount, which gives u. Pools whose first unit yields less are
//! left out. With a fixed cost for every further chain, [`best`] tries how many are worth it. For n equal pools that
//! hold L in all, the least cost is near `m* = sqrt((n q^2 / L - q b) / c)` chains (trade q, bridge fee b, fixed cost c).
//!
//! **Leaves out.** Prices that move while the parts travel; trades that go through a third token.
//!
//! **Parameters.** [`Costs`]. **Source** equal marginal yields, derived; the closed form of m* likewise. **Checked
//! against** every shift of a unit share between two pools, and outputs of the bytecode (`validation`, `liquidity-*`).

use super::{FEE_PER_THOUSAND, Reserves};
use parallel_evm::U256;

/// Parts of a whole in which fees are counted.
const WHOLE: u64 = 1_000_000_000;

/// What it costs to trade elsewhere than at home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// For every further chain, units of what is bought.
    pub chain_out: U256,
    /// What a bridge keeps of what goes to another chain, parts per billion.
    pub bridge_ppb: u64,
}

/// A trade split over pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What is sold for each pool, before a bridge's fee; sums to the amount.
    pub parts: Vec<U256>,
    /// What comes out of all, before fixed costs.
    pub out: U256,
    /// Further chains that are used.
    pub further: u32,
}

impl Route {
    /// What remains after fixed costs; zero if they take all.
    pub fn net(&self, costs: Costs) -> U256 {
        self.out.saturating_sub(costs.chain_out.saturating_mul(U256::from(self.further)))
    }
}

/// What arrives at a pool of `amount` sent there; the first pool is at home.
pub fn arriving(index: usize, amount: U256, costs: Costs) -> U256 {
    if index == 0 {
        amount
    } else {
        amount * U256::from(WHOLE - costs.bridge_ppb.min(WHOLE)) / U256::from(WHOLE)
    }
}

/// A pool as the split sees it: `weight` and `floor` with q = u weight - floor.
#[derive(Clone, Copy)]
struct Line {
    index: usize,
    weight: U256,
    floor: U256,
}

/// Splits a sale of `amount` over all `pools` (the first is at home) so that the most comes out; fixed costs are not
/// looked at. `None` if no pool holds anything, or an amount or reserve is 2^100 or more: products stay below 2^256.
pub fn split(amount: U256, zero_for_one: bool, pools: &[Reserves], costs: Costs) -> Option<Route> {
    let most = U256::ONE << 100;
    if amount >= most || pools.iter().any(|pool| pool.token0 >= most || pool.token1 >= most) {
        return None;
    }
    let mut lines = Vec::with_capacity(pools.len());
    for (index, pool) in pools.iter().enumerate() {
        let bridge = if index == 0 { 0 } else { costs.bridge_ppb.min(WHOLE) };
        let left = u128::from(WHOLE - bridge) * u128::from(1_000 - FEE_PER_THOUSAND) / 1_000;
        let (x, y) = pool.sides(zero_for_one);
        if left == 0 || x.is_zero() || y.is_zero() {
            continue;
        }
        let floor = x.checked_mul(U256::from(WHOLE))? / U256::from(left);
        lines.push(Line { index, weight: floor.checked_mul(y)?.root(2), floor });
    }
    lines.retain(|line| !line.weight.is_zero());
    // Best first unit first: floor / weight is least where y g / x is largest.
    lines.sort_by(|a, b| (a.floor * b.weight).cmp(&(b.floor * a.weight)).then(a.index.cmp(&b.index)));
    let (mut weights, mut sum, mut used) = (U256::ZERO, amount, 0);
    for line in &lines {
        // A pool joins while its first unit yields more than the last one does in those that joined before.
        if used > 0 && sum.checked_mul(line.weight)? <= line.floor.checked_mul(weights)? {
            break;
        }
        (weights, sum, used) = (weights + line.weight, sum.checked_add(line.floor)?, used + 1);
    }
    let mut parts = vec![U256::ZERO; pools.len()];
    let mut rest = amount;
    for line in &lines[..used] {
        let part = (sum.checked_mul(line.weight)? / weights).saturating_sub(line.floor).min(rest);
        parts[line.index] = part;
        rest -= part;
    }
    // Rounding leaves a few units: to where a unit yields most.
    parts[lines.first()?.index] += rest;
    finish(parts, zero_for_one, pools, costs)
}

fn finish(parts: Vec<U256>, zero_for_one: bool, pools: &[Reserves], costs: Costs) -> Option<Route> {
    let (mut out, mut further) = (U256::ZERO, 0);
    for (index, (part, pool)) in parts.iter().zip(pools).enumerate().filter(|(_, (part, _))| !part.is_zero())
    {
        out = out.checked_add(pool.quote(zero_for_one, arriving(index, *part, costs))?)?;
        further += u32::from(index > 0);
    }
    Some(Route { parts, out, further })
}

/// The best route with fixed costs: all pools in the order given are tried up to the m-th, for every m. Best where
/// pools are in the order of what they hold; for equal pools it is the optimum. Errors as [`split`].
pub fn best(amount: U256, zero_for_one: bool, pools: &[Reserves], costs: Costs) -> Option<Route> {
    let mut best = split(amount, zero_for_one, pools.get(..1)?, costs)?;
    for many in 2..=pools.len() {
        let route = split(amount, zero_for_one, &pools[..many], costs)?;
        if route.net(costs) > best.net(costs) {
            best = route;
        }
    }
    best.parts.resize(pools.len(), U256::ZERO);
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pool(token0: u128, token1: u128) -> Reserves {
        Reserves { token0: U256::from(token0), token1: U256::from(token1) }
    }

    fn any_pools() -> impl Strategy<Value = Vec<Reserves>> {
        let reserve = 1_000_000_000_000_u128..1_000_000_000_000_000_000;
        prop::collection::vec((reserve.clone(), 500_u128..2_000), 1..9)
            .prop_map(|pools| pools.into_iter().map(|(x, rate)| pool(x, x / 1_000 * rate)).collect())
    }

    #[test]
    fn equal_pools_get_equal_parts_and_a_dearer_one_nothing() {
        let one = pool(1_000_000_000, 1_000_000_000);
        let dear = pool(1_000_000_000, 500_000_000);
        let route =
            split(U256::from(4_000_000), true, &[one, dear, one, one, one], Costs::default()).unwrap();
        let part = U256::from(1_000_000);
        for (index, found) in route.parts.iter().enumerate() {
            let expected = if index == 1 { U256::ZERO } else { part };
            assert!(found.abs_diff(expected) <= U256::from(4), "{index}: {found}");
        }
        assert_eq!(route.further, 3);
    }

    #[test]
    fn a_bridge_dearer_than_the_slippage_keeps_everything_at_home() {
        let one = pool(1_000_000_000, 1_000_000_000);
        let costs = Costs { bridge_ppb: 10_000_000, ..Costs::default() };
        let route = split(U256::from(1_000_000), true, &[one, one], costs).unwrap();
        assert_eq!(route.parts, [U256::from(1_000_000), U256::ZERO]);
        assert_eq!((route.further, Some(route.out)), (0, one.quote(true, U256::from(1_000_000))));
    }

    #[test]
    fn nothing_can_be_sold_to_empty_pools() {
        assert_eq!(split(U256::from(5), true, &[pool(0, 0)], Costs::default()), None);
        assert_eq!(best(U256::from(5), true, &[], Costs::default()), None);
    }

    proptest! {
        #[test]
        fn a_split_sums_to_the_amount_and_no_shift_between_two_pools_yields_more(
            pools in any_pools(), amount in 1_000_000_u128..1_000_000_000_000_000_000, zero in any::<bool>(),
            bridge_ppb in 0_u64..20_000_000, shift_ppm in 1_u64..200_000,
        ) {
            let costs = Costs { bridge_ppb, ..Costs::default() };
            let amount = U256::from(amount);
            let route = split(amount, zero, &pools, costs).unwrap();
            prop_assert_eq!(route.parts.iter().sum::<U256>(), amount);
            // Every pool and every bridge rounds down by less than a unit of what goes in or comes out; a unit that
            // goes in is worth at most two that come out (the best price here), or half as many the other way round.
            let rounding = U256::from(8 * pools.len());
            for from in 0..pools.len() {
                let shift = route.parts[from] * U256::from(shift_ppm) / U256::from(1_000_000);
                for to in (0..pools.len()).filter(|to| *to != from) {
                    let mut parts = route.parts.clone();
                    (parts[from], parts[to]) = (parts[from] - shift, parts[to] + shift);
                    let other = finish(parts, zero, &pools, costs).unwrap();
                    prop_assert!(other.out <= route.out + rounding, "{} > {}", other.out, route.out);
                }
            }
        }

        #[test]
        fn more_pools_never_yield_less_and_fixed_costs_never_make_it_worse_than_home(
            pools in any_pools(), amount in 1_000_000_u128..1_000_000_000_000_000_000, cost in 0_u64..1_000_000_000,
        ) {
            let amount = U256::from(amount);
            let mut before = U256::ZERO;
            for many in 1..=pools.len() {
                let out = split(amount, true, &pools[..many], Costs::default()).unwrap().out;
                prop_assert!(out + U256::from(8 * many) >= before);
                before = out;
            }
            let costs = Costs { chain_out: U256::from(cost), bridge_ppb: 0 };
            let best = best(amount, true, &pools, costs).unwrap();
            prop_assert!(best.net(costs) >= pools[0].quote(true, amount).unwrap());
            prop_assert_eq!(best.parts.len(), pools.len());
        }
    }
}
