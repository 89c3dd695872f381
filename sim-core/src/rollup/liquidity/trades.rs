//! What swaps came to.
//!
//! **Captures.** Every executed swap of a followed fleet: its size, and its cost against the price that its pool had
//! the moment before, `1 - out x / (in y)` with reserves x of what is sold and y of what is bought: the effective half
//! spread, fee and slippage together, as the transaction met them after whatever stood before it in the block.
//! **Leaves out.** The way from the price a trader saw to the one the trade met. **Parameters** none.
//! **Source** the definition. **Checked against** the pools' own storage after every block (debug assertion) and the
//! closed form (`tests/rollup_liquidity.rs`). Swaps of a probe around a ring are read from the pools' events.

use super::Reserves;
use super::books::worth;
use super::pool::Pool;
use crate::execution::builder::ExecutedBlock;
use crate::execution::state::WorldState;
use crate::kernel::event::Moment;
use crate::rollup::fleet::Fleet;
use crate::workload::economy::RESERVE;
use crate::workload::params::TxKind;
use parallel_evm::contracts::amm;
use parallel_evm::{Address, Receipt, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts of a whole in which sizes and costs are counted.
const WHOLE: u64 = 1_000_000_000;

/// One executed swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// What was sold, over the reserve of a pool that holds the liquidity of all chains; parts per billion.
    pub size_ppb: u64,
    /// What was lost against the pool's price before it, parts per billion; `None`: it was reverted.
    pub cost_ppb: Option<u64>,
    /// Which pool.
    pub pool: u32,
    /// The rollup's own count of swaps.
    pub order: u32,
    /// Gas used.
    pub gas: u64,
    /// Where there is a reference price: what was bought less what was sold at that price when it was executed, over
    /// the reserve of a pool that holds all liquidity; parts per 10^18.
    pub gain_atto: i64,
    /// What was sold at that price, likewise.
    pub sold_atto: i64,
    /// Logarithm of the pool's price after it, parts per billion.
    pub log_ppb: i64,
    /// Where there are prices outside: what was bought less what was sold at the tokens' values outside when it was
    /// executed, units (a pool that holds all liquidity holds [`RESERVE`] of each token).
    pub surplus_units: i128,
    /// What was sold at these values, units.
    pub sold_units: i128,
    /// Sold, units; of a reverted one, what should have been.
    pub sold: u128,
    /// Bought, units; of a reverted one none.
    pub bought: u128,
    /// It was reverted for want of liquidity: the pool's range of prices ends before so much is sold.
    pub out_of_range: bool,
}

/// A swap that went through, as its call or its event tells it.
#[derive(Clone, Copy, Debug)]
struct Executed {
    pool: u32,
    zero_for_one: bool,
    amount: U256,
    out: U256,
}

/// The direction and amount that a call of `swap` names.
fn read_swap(input: &[u8]) -> Option<(bool, U256)> {
    let words = input.strip_prefix(&amm::SWAP)?;
    let word = |n: usize| words.get(n * 32..n * 32 + 32).map(U256::from_be_slice);
    Some((!word(0)?.is_zero(), word(1)?))
}

/// What a pool holds in a state.
pub(in crate::rollup) fn reserves(state: &WorldState, pool: Address) -> Reserves {
    let slot = |slot| state.slot(pool, slot);
    Reserves { token0: slot(amm::RESERVE0_SLOT), token1: slot(amm::RESERVE1_SLOT) }
}

/// `part` of `whole` in parts per billion, rounded down and at most 2^64 - 1.
pub(super) fn ppb(part: U256, whole: U256) -> u64 {
    part.saturating_mul(U256::from(WHOLE)).checked_div(whole).map_or(0, |ratio| ratio.saturating_to())
}

impl Fleet {
    /// Notes the swaps of a block that was executed on the rollup's state; the pools they went to.
    pub(in crate::rollup) fn note_trades(
        &mut self,
        now: Moment,
        place: usize,
        chosen: &[u32],
        executed: &ExecutedBlock,
    ) -> Vec<u32> {
        let common = Arc::clone(&self.common);
        let mut pools: BTreeMap<u32, Pool> = BTreeMap::new();
        let priced = common.plan.market.is_some();
        for (handle, receipt) in chosen.iter().zip(&executed.output.receipts) {
            let tx = self.txs[*handle as usize];
            if priced {
                self.note_payment(place, *handle, receipt);
            }
            if self.searchers.sits_at(tx.gateway) {
                self.note_round(now, place, *handle, receipt, &mut pools);
                continue;
            }
            if self.providers.sits_at(tx.gateway) {
                self.note_provision(now, place, *handle, receipt, &mut pools);
                continue;
            }
            if common.plan.demand.mix[usize::from(tx.kind)].0 != TxKind::Swap {
                continue;
            }
            let body = self.transaction(&tx);
            let pool = body.to.to().and_then(|to| common.economy.pools().iter().position(|pool| pool == to));
            let (Some(pool), Some((zero_for_one, amount))) = (pool, read_swap(&body.input)) else { continue };
            let out = receipt.success.then(|| U256::from_be_slice(&receipt.output));
            let swap = Executed { pool: pool as u32, zero_for_one, amount, out: out.unwrap_or_default() };
            let mut trade = self.note_swap(now, place, swap, out.is_some(), &mut pools);
            trade.gas = receipt.gas_used;
            self.trades.insert(*handle, trade);
        }
        debug_assert!(
            executed.state.as_ref().is_none_or(|state| {
                pools.iter().all(|(number, held)| self.pool(state, *number as usize) == *held)
            }),
            "what was noted is what the pools hold"
        );
        pools.into_keys().collect()
    }

    /// A pool as a state of a rollup has it.
    pub(in crate::rollup) fn pool(&self, state: &WorldState, number: usize) -> Pool {
        let economy = &self.common.economy;
        Pool::read(economy.pools_plan(), state, economy.pools()[number])
    }

    /// A swap, and what it leaves in its pool; without its gas.
    fn note_swap(
        &mut self,
        now: Moment,
        place: usize,
        swap: Executed,
        success: bool,
        pools: &mut BTreeMap<u32, Pool>,
    ) -> Trade {
        let Executed { pool, zero_for_one, amount, out } = swap;
        let state = &self.active[place].state;
        let held = pools.entry(pool).or_insert_with(|| self.pool(state, pool as usize));
        let rollup = &mut self.active[place];
        rollup.totals.swaps += 1;
        let mut trade = Trade {
            size_ppb: ppb(amount, U256::from(RESERVE)),
            cost_ppb: None,
            pool,
            order: rollup.totals.swaps,
            gas: 0,
            gain_atto: 0,
            sold_atto: 0,
            log_ppb: 0,
            surplus_units: 0,
            sold_units: 0,
            sold: amount.saturating_to(),
            bought: out.saturating_to(),
            out_of_range: !success
                && matches!(held, Pool::Concentrated(_))
                && held.quote(zero_for_one, amount).is_none(),
        };
        if success {
            let (reserve_in, reserve_out) = held.sides(zero_for_one);
            trade.cost_ppb = Some(WHOLE.saturating_sub(ppb(out * reserve_in, amount * reserve_out)));
            [trade.gain_atto, trade.sold_atto] =
                self.agents.gain(now.time.0, pool, zero_for_one, amount, out).unwrap_or_default();
            if let Some([value0, value1]) = self.agents.values(now.time.0, pool) {
                let [sold, bought] = if zero_for_one { [value0, value1] } else { [value1, value0] };
                trade.surplus_units = worth((out, bought), (amount, sold));
                trade.sold_units = worth((amount, sold), (U256::ZERO, sold));
            }
            *held = held.after(zero_for_one, amount, out).expect("what was paid out was there");
        }
        trade.log_ppb = (held.log_price() * WHOLE as f64) as i64;
        trade
    }

    /// The swaps of a probe that traded, by their events. Its gas is in what it paid.
    fn note_round(
        &mut self,
        now: Moment,
        place: usize,
        handle: u32,
        receipt: &Receipt,
        pools: &mut BTreeMap<u32, Pool>,
    ) {
        let mut legs = Vec::new();
        for log in &receipt.logs {
            let pool = self.common.economy.pools().iter().position(|pool| *pool == log.address);
            let Some((pool, (zero_for_one, amount, out))) = pool.zip(amm::read_swap_event(log)) else {
                continue;
            };
            let swap = Executed { pool: pool as u32, zero_for_one, amount, out };
            legs.push(self.note_swap(now, place, swap, true, pools));
        }
        if !legs.is_empty() {
            self.legs.insert(handle, legs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_swap_is_read_as_it_was_written() {
        let amount = U256::from(77_u64);
        assert_eq!(read_swap(&amm::swap(true, amount, U256::ONE)), Some((true, amount)));
        assert_eq!(read_swap(&amm::swap(false, amount, U256::ONE)), Some((false, amount)));
        assert_eq!(read_swap(&amm::add_liquidity(amount, amount)), None);
        assert_eq!(read_swap(&amm::SWAP), None);
        assert_eq!((ppb(U256::from(1), U256::from(4)), ppb(U256::MAX, U256::ONE)), (250_000_000, u64::MAX));
    }
}
