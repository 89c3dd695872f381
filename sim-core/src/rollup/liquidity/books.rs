//! Books of a fleet with prices outside: what transactions paid for gas, and what the pools came to.
//!
//! **Captures.** Of every executed transaction the gas and its price. Beside it, seen from the other side and from the state
//! alone: what each block changed in the pools' own storage (of concentrated pools, in what tokens say they hold), at the tokens' values outside when it was executed; what it
//! added to the account of the sequencer's node (the tips); its gas times the base fee. A block moves tokens between
//! traders and pools and ether from senders to the rollup: so what all traders gained and what the pools
//! gained sums to zero but for rounding, and so do fees. **Leaves out.** What people want their trades for. **Parameters.**
//! None. **Source** the definitions. **Checked against** each other in whole runs (`tests/rollup_searchers.rs`).

use super::Reserves;
use super::arbitrage::value;
use super::trades::reserves;
use crate::execution::builder::ExecutedBlock;
use crate::execution::state::WorldState;
use crate::kernel::event::Moment;
use crate::rollup::fleet::Fleet;
use crate::rollup::record::Party;
use crate::workload::params::PoolsPlan;
use parallel_evm::contracts::erc20;
use parallel_evm::{Address, Receipt, U256};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a transaction paid for its gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// Gas used.
    pub gas: u64,
    /// Base fee of its block, wei.
    pub base_fee_wei: u64,
    /// Tip per gas, wei.
    pub tip_wei: u64,
    /// It was not reverted.
    pub success: bool,
}

impl Paid {
    /// Fee, wei.
    pub fn fee_wei(&self) -> u128 {
        u128::from(self.gas) * (u128::from(self.base_fee_wei) + u128::from(self.tip_wei))
    }
}

/// What a fleet's blocks changed, from their states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// What pools gained at values outside, units: their result against a portfolio that made the same trades there.
    pub pools_units: i128,
    /// Gas used times the base fee, wei.
    pub base_wei: u128,
    /// What beneficiaries received, wei.
    pub tips_wei: u128,
}

impl std::ops::AddAssign for Books {
    fn add_assign(&mut self, other: Self) {
        self.pools_units += other.pools_units;
        self.base_wei += other.base_wei;
        self.tips_wei += other.tips_wei;
    }
}

/// What one amount is worth less another, units; saturates far beyond what pools hold.
pub(super) fn worth((more, more_value): (U256, u128), (less, less_value): (U256, u128)) -> i128 {
    let units = |amount: U256, at: u128| {
        value(amount, at).and_then(|units| i128::try_from(units).ok()).unwrap_or(i128::MAX)
    };
    units(more, more_value).saturating_sub(units(less, less_value))
}

impl Fleet {
    /// Whose gateway it is.
    pub(in crate::rollup) fn party(&self, gateway: u16) -> Party {
        if self.crossings.sits_at(gateway) {
            // Travellers are people.
            if self.crossings.serves_at(gateway) { Party::Bridge } else { Party::Person }
        } else if self.agents.sits_at(gateway) {
            Party::Arbitrageur
        } else if self.searchers.sits_at(gateway) {
            Party::Searcher
        } else if self.providers.sits_at(gateway) {
            Party::Provider
        } else {
            Party::Person
        }
    }

    /// Notes what a transaction of the block under execution paid.
    pub(super) fn note_payment(&mut self, place: usize, handle: u32, receipt: &Receipt) {
        let body = self.transaction(&self.txs[handle as usize]);
        let base_fee_wei = self.active[place].base_fee_wei;
        let tip_wei = body.effective_tip(base_fee_wei).unwrap_or(0);
        let paid = Paid { gas: receipt.gas_used, base_fee_wei, tip_wei, success: receipt.success };
        self.paid.insert(handle, paid);
    }

    /// What a block on the rollup's state comes to for pools and the sequencer.
    pub(in crate::rollup) fn books_of(
        &mut self,
        now: Moment,
        place: usize,
        executed: &ExecutedBlock,
        beneficiary: Address,
    ) -> Books {
        let common = Arc::clone(&self.common);
        let mut books = Books::default();
        let Some(after) = &executed.state else { return books };
        let before: WorldState = self.active[place].state.clone();
        for (pool, address) in common.economy.pools().iter().enumerate() {
            let Some([value0, value1]) = self.agents.values(now.time.0, pool as u32) else { return books };
            let holds = |state: &WorldState| -> Reserves {
                match common.economy.pools_plan() {
                    PoolsPlan::Constant => reserves(state, *address),
                    // What it has earned in fees is the pool's too.
                    PoolsPlan::Concentrated { .. } => {
                        let held = |token| state.slot(token, erc20::balance_slot(*address));
                        let [token0, token1] = common.economy.pair(pool);
                        Reserves { token0: held(token0), token1: held(token1) }
                    }
                }
            };
            let (then, held) = (holds(&before), holds(after));
            books.pools_units += worth((held.token0, value0), (then.token0, value0))
                + worth((held.token1, value1), (then.token1, value1));
        }
        let base_fee_wei = self.active[place].base_fee_wei;
        books.base_wei = u128::from(executed.output.gas_used) * u128::from(base_fee_wei);
        let tips = after.balance(beneficiary) - before.balance(beneficiary);
        books.tips_wei = tips.saturating_to();
        books
    }
}
