//! What a pool with a wrong price is worth to whoever puts it right.
//!
//! **Captures.** With reserves x of token 0 and y of token 1, a reference price P (token 1 for token 0) and g = 0.997
//! left of what is paid in, the most profitable purchase of token 0 pays in `(sqrt(P x y g) - y) / g` and is worth
//! `(sqrt(P x) - sqrt(y / g))^2` of token 1; a sale likewise with the roles exchanged. Neither exists while the pool's
//! price is within the fee of P. With a cost c a trade, nobody trades while the profit is below it: for a small
//! mispricing z (a logarithm) of a pool of value V = 2 y the profit is near `V (z - fee)^2 / 8`, which reaches c at the
//! edge of the no-trade band, `z* = fee + sqrt(8 c / V)`. A pool with an n-th of the liquidity has a band
//! whose second part is sqrt(n) times as wide.
//!
//! With liquidity in ranges the same holds on every stretch: the best trade ends where the next unit gains nothing, at a
//! price of P / g for a sale and P g for a purchase, or where the liquidity ends.
//!
//! **Leaves out.** Competition for the profit; several pools at once; the time until the trade is executed.
//!
//! **Parameters.** None. **Source** derived from the contract's formula. **Checked against** neighbouring amounts
//! here, and profits of executed swaps (`validation`, `liquidity-arbitrage`).

use super::{FEE_PER_THOUSAND, Reserves};
use parallel_evm::U256;
use parallel_evm::contracts::ranges::Market;

/// A price of 1: prices are units of token 1 for 10^18 units of token 0.
pub const PRICE_ONE: u128 = 1_000_000_000_000_000_000;

/// A trade that profits from a wrong price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arbitrage {
    /// Whether token 0 is sold.
    pub zero_for_one: bool,
    /// Paid in.
    pub amount_in: U256,
    /// Received.
    pub amount_out: U256,
    /// What was received less what was paid in at the reference price, units of token 1.
    pub profit: U256,
}

/// Value of an amount of token 0 in token 1, rounded down; `None` beyond 256 bits.
pub fn value(token0: U256, price: u128) -> Option<U256> {
    Some(token0.checked_mul(U256::from(price))? / U256::from(PRICE_ONE))
}

/// The most profitable trade of one pool at a reference price; `None` if there is none, the pool is empty, or numbers
/// exceed 256 bits (reserves and prices up to 2^80 never do).
pub fn best(pool: Reserves, price: u128) -> Option<Arbitrage> {
    if price == 0 || pool.token0.is_zero() || pool.token1.is_zero() {
        return None;
    }
    [false, true].into_iter().find_map(|zero_for_one| towards(pool, price, zero_for_one))
}

/// As [`best`], where liquidity lies in ranges.
pub fn best_in_ranges(market: &Market, price: u128) -> Option<Arbitrage> {
    [false, true].into_iter().find_map(|zero_for_one| {
        let (whole, left) = (U256::from(1_000), U256::from(1_000 - FEE_PER_THOUSAND));
        let (more, less) = if zero_for_one { (whole, left) } else { (left, whole) };
        // Roots are in units of 2^-80.
        let square = U256::from(price).checked_mul(U256::ONE << 160)? / U256::from(PRICE_ONE);
        let end = (square.checked_mul(more)? / less).root(2);
        let amount_in = market.amount_to(zero_for_one, end)?;
        let amount_out = market.clone().swap(zero_for_one, amount_in)?;
        let profit = profit(zero_for_one, amount_in, amount_out, price)?;
        (!profit.is_zero()).then_some(Arbitrage { zero_for_one, amount_in, amount_out, profit })
    })
}

/// What a trade gains at a reference price, units of token 1.
fn profit(zero_for_one: bool, amount_in: U256, amount_out: U256, price: u128) -> Option<U256> {
    if zero_for_one {
        amount_out.checked_sub(value(amount_in, price)?)
    } else {
        value(amount_out, price)?.checked_sub(amount_in)
    }
}

fn towards(pool: Reserves, price: u128, zero_for_one: bool) -> Option<Arbitrage> {
    let (reserve_in, reserve_out) = pool.sides(zero_for_one);
    // The other reserve at the reference price, in what is paid in.
    let worth = if zero_for_one {
        reserve_out.checked_mul(U256::from(PRICE_ONE))? / U256::from(price)
    } else {
        value(reserve_out, price)?
    };
    let (whole, left) = (U256::from(1_000), U256::from(1_000 - FEE_PER_THOUSAND));
    // sqrt(P x y g), with the product taken apart so that it stays below 256 bits.
    let after = (worth.checked_mul(left)? / whole).checked_mul(reserve_in)?.root(2);
    let amount_in = after.checked_sub(reserve_in)?.checked_mul(whole)? / left;
    let amount_out = pool.quote(zero_for_one, amount_in)?;
    let profit = profit(zero_for_one, amount_in, amount_out, price)?;
    (!profit.is_zero()).then_some(Arbitrage { zero_for_one, amount_in, amount_out, profit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn inside_the_fee_there_is_nothing_to_gain_and_outside_there_is() {
        let unit = U256::from(10).pow(U256::from(21));
        let pool = Reserves { token0: unit, token1: unit };
        for (price_ppm, sold) in
            [(1_002_900, None), (997_100, None), (1_003_200, Some(false)), (996_800, Some(true))]
        {
            let found = best(pool, PRICE_ONE / 1_000_000 * price_ppm);
            assert_eq!(found.map(|trade| trade.zero_for_one), sold, "{price_ppm}");
        }
        assert_eq!(best(pool, 0), None);
        assert_eq!(best(Reserves { token0: U256::ZERO, ..pool }, PRICE_ONE), None);
    }

    proptest! {
        #[test]
        fn in_a_range_no_other_amount_gains_more_and_nothing_is_left_to_gain_within_it(
            edges in 1..80_i32, price_ppm in 700_000_u128..1_400_000, first in 1_u128..1 << 76, sold in any::<bool>(),
            other_ppm in 500_000_u64..1_500_000,
        ) {
            use parallel_evm::contracts::ranges::Around;
            let mut market = Around::new(edges, U256::from(10_u128.pow(24))).unwrap().market();
            market.swap(sold, U256::from(first));
            let price = PRICE_ONE / 1_000_000 * price_ppm;
            let Some(trade) = best_in_ranges(&market, price) else { return Ok(()) };
            let amount = trade.amount_in * U256::from(other_ppm) / U256::from(1_000_000);
            let other = market.clone().swap(trade.zero_for_one, amount);
            let gained = other.and_then(|out| profit(trade.zero_for_one, amount, out, price));
            // A root is rounded by a unit, which is up to 280 units of a token where the range is narrow, at both amounts;
            // crossings of edges, 160 at most, round the payment up by a unit each. All are worth at most 1.5.
            prop_assert!(gained.unwrap_or_default() <= trade.profit + U256::from(1_024));
            prop_assert_eq!(market.swap(trade.zero_for_one, trade.amount_in), Some(trade.amount_out));
            let again = best_in_ranges(&market, price).map_or(U256::ZERO, |again| again.profit);
            prop_assert!(again <= U256::from(1_024), "{}", again);
        }

        #[test]
        fn no_other_amount_gains_more_and_nothing_is_left_to_gain(
            token0 in 1_000_000_000_000_u128..1_000_000_000_000_000_000_000_000, rate_ppm in 300_000_u128..3_000_000,
            price_ppm in 300_000_u128..3_000_000, other_ppm in 500_000_u64..1_500_000,
        ) {
            let pool = Reserves { token0: U256::from(token0), token1: U256::from(token0 / 1_000_000 * rate_ppm) };
            let price = PRICE_ONE / 1_000_000 * price_ppm;
            let Some(trade) = best(pool, price) else { return Ok(()) };
            let amount = trade.amount_in * U256::from(other_ppm) / U256::from(1_000_000);
            let out = pool.quote(trade.zero_for_one, amount).unwrap();
            let (gained, paid) = if trade.zero_for_one {
                (out, value(amount, price).unwrap())
            } else {
                (value(out, price).unwrap(), amount)
            };
            // Each of the divisions loses less than a unit, worth at most 3.4 of the other.
            prop_assert!(gained.saturating_sub(paid) <= trade.profit + U256::from(8));
            let after = pool.after(trade.zero_for_one, trade.amount_in, trade.amount_out).unwrap();
            let again = best(after, price).map_or(U256::ZERO, |again| again.profit);
            prop_assert!(again <= U256::from(8), "{again}");
        }
    }
}
