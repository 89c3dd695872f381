//! What is on bridges is what was sent and has not arrived.
//!
//! **Captures.** Two statements, to the unit, beside those of every fleet ([`crate::rollup::conservation`]). After every block
//! that counts and has a bridge's transaction in it: what the bridge's contract
//! holds of each token, read from the rollup's state, is what it held at first, and what was sent, less what
//! arrived, was paid back or returned. At the same time and at the end of the run: over all rollups, what the
//! contracts hold beyond that is the sum of all messages that were sent and not settled. A run in which one of them fails ends with an error.
//!
//! **Leaves out.** Ether on the L1 and what batches pay there. **Parameters** none. **Source** the definition of a
//! transfer. **Checked against** random fleets and bridges (`tests/rollup_bridges.rs`), and by breaking each.

use super::accounts::{STOCK, contract};
use super::record::Stage;
use super::{Crossings, Fleet};
use crate::execution::host::RunError;
use crate::rollup::sequencer::Rollup;
use parallel_evm::U256;
use parallel_evm::contracts::erc20;
use std::collections::BTreeMap;

/// What was sent and what was released, by rollup and token.
#[derive(Clone, Debug, Default)]
pub(in crate::rollup) struct Ledger {
    entries: BTreeMap<(u32, u32), [U256; 2]>,
}

impl Ledger {
    pub(super) fn lock(&mut self, rollup: u32, token: u32, amount: U256) {
        self.entries.entry((rollup, token)).or_default()[0] += amount;
    }

    pub(super) fn release(&mut self, rollup: u32, token: u32, amount: U256) {
        self.entries.entry((rollup, token)).or_default()[1] += amount;
    }

    /// What the contract on a rollup must hold of a token.
    fn expected(&self, rollup: u32, token: u32) -> U256 {
        let [sent, released] = self.entries.get(&(rollup, token)).copied().unwrap_or_default();
        U256::from(STOCK) + sent - released
    }
}

impl Crossings {
    /// Tokens that were sent and have neither arrived for good nor gone back, by token.
    fn on_the_way(&self, tokens: usize) -> Vec<U256> {
        let mut sums = vec![U256::ZERO; tokens];
        for message in &self.messages {
            let open = match message.stage {
                Stage::Travelling | Stage::Arriving | Stage::Returning => true,
                // An advance leaves the tokens on the bridge until it is paid back.
                Stage::Arrived => self.books[message.bridge as usize].advances(),
                Stage::Asked | Stage::Settled | Stage::Returned | Stage::Failed => false,
            };
            if open {
                sums[message.token as usize] += message.amount;
            }
        }
        sums
    }
}

impl Fleet {
    /// Compares what the bridge holds on a rollup with what it must hold.
    ///
    /// # Errors
    /// When they differ.
    pub(super) fn audit_rollup(&self, place: usize) -> Result<(), RunError> {
        let (rollup, ledger) = (&self.active[place], &self.crossings.ledger);
        for (token, address) in (0..).zip(self.common.economy.tokens()) {
            let holds = rollup.state.slot(*address, erc20::balance_slot(contract()));
            let must = ledger.expected(rollup.number, token);
            if holds != must {
                let reason = format!("the bridge holds {holds} of token {token} and must hold {must}");
                return Err(self.broken(rollup.number, reason));
            }
        }
        if cfg!(debug_assertions) { self.audit_bridges() } else { Ok(()) }
    }

    /// Accounts for all tokens over all rollups and bridges.
    ///
    /// # Errors
    /// When what bridges hold is not what is on the way.
    pub(in crate::rollup) fn audit_bridges(&self) -> Result<(), RunError> {
        if !self.crossings.active() {
            return Ok(());
        }
        let tokens = self.common.economy.tokens();
        let on_the_way = self.crossings.on_the_way(tokens.len());
        for (number, (token, open)) in tokens.iter().zip(on_the_way).enumerate() {
            let slot = erc20::balance_slot(contract());
            // On rollups nobody used it holds what it held at first.
            let holds = |sum: U256, rollup: &Rollup| sum + rollup.state.slot(*token, slot);
            let held = self.active.iter().fold(U256::ZERO, holds);
            let at_first = U256::from(STOCK) * U256::from(self.active.len());
            if held != at_first + open {
                let reason = format!(
                    "bridges hold {held} of token {number}; {at_first} were there at first and {open} are on the way"
                );
                return Err(self.broken(0, reason));
            }
        }
        Ok(())
    }
}
