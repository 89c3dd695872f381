//! Nothing is made and nothing is lost.
//!
//! **Captures.** Three statements, to the unit, in every fleet with bridges. After every executed block of a rollup: the balances of
//! each token sum to what they summed to before, and all ether does less the base fees that were burnt (tips are with the
//! sequencers). After every block that counts and has a bridge's transaction in it: what the bridge's contract
//! holds of each token, read from the rollup's state, is what it held at first, and what was sent, less what
//! arrived, was paid back or returned. At the same time and at the end of the run: over all rollups, what the
//! contracts hold beyond that is the sum of all messages that were sent and not settled. A run in which one of them fails ends with an error.
//!
//! **Leaves out.** Ether on the L1 and what batches pay there. **Parameters** none. **Source** the definition of a
//! transfer. **Checked against** random fleets and bridges (`tests/rollup_bridges.rs`), and by breaking each.

use super::accounts::{STOCK, contract};
use super::record::{ConservationRecord, Stage};
use super::{Crossings, Fleet};
use crate::execution::builder::ExecutedBlock;
use crate::execution::host::RunError;
use crate::execution::state::WorldState;
use crate::rollup::sequencer::Rollup;
use parallel_evm::contracts::erc20;
use parallel_evm::{AccountChange, Address, StateDelta, U256};
use std::collections::BTreeMap;

/// What was sent and what was released, by rollup and token.
#[derive(Clone, Debug, Default)]
pub(in crate::rollup) struct Ledger {
    entries: BTreeMap<(u32, u32), [U256; 2]>,
    pub record: ConservationRecord,
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

/// Sums of changed balances of a token before and after a block. Whatever else a token stores (allowances without limit, the supply) no
/// call changes.
fn token_sums(before: &WorldState, delta: &StateDelta, token: Address) -> [U256; 2] {
    let Some(account) = delta.accounts.get(&token) else { return [U256::ZERO; 2] };
    let add = |[old, new]: [U256; 2], (slot, value): (&U256, &U256)| {
        [old.wrapping_add(before.slot(token, *slot)), new.wrapping_add(*value)]
    };
    account.storage.iter().fold([U256::ZERO; 2], add)
}

/// Sums of changed balances in wei before and after a block.
fn ether_sums(before: &WorldState, delta: &StateDelta) -> [U256; 2] {
    let mut sums = [U256::ZERO; 2];
    for (address, account) in &delta.accounts {
        let after = match account.info {
            AccountChange::Unchanged => continue,
            AccountChange::Updated(fields) => fields.balance,
            AccountChange::Deleted => U256::ZERO,
        };
        sums = [sums[0] + before.balance(*address), sums[1] + after];
    }
    sums
}

/// What a block did to tokens and ether; the words of an error where something appeared or vanished.
fn audit_block(
    before: &WorldState,
    delta: &StateDelta,
    tokens: &[Address],
    burnt: U256,
) -> Result<(), String> {
    for (number, token) in tokens.iter().enumerate() {
        let [old, new] = token_sums(before, delta, *token);
        if old != new {
            return Err(format!("balances of token {number} summed to {old} and sum to {new} after a block"));
        }
    }
    let [old, new] = ether_sums(before, delta);
    if old != new + burnt {
        return Err(format!("{old} wei were there before a block, {new} after it, and {burnt} were burnt"));
    }
    Ok(())
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
    pub(super) fn broken(&self, rollup: u32, reason: String) -> RunError {
        RunError::Conservation { chain: self.chain, rollup, reason }
    }

    /// Accounts for a block that was executed on a rollup's state.
    ///
    /// # Errors
    /// When a token or ether appeared or vanished.
    pub(in crate::rollup) fn audit_execution(
        &mut self,
        place: usize,
        base_fee_wei: u64,
        executed: &ExecutedBlock,
    ) -> Result<(), RunError> {
        if !self.crossings.active() {
            return Ok(());
        }
        let (rollup, output) = (&self.active[place], &executed.output);
        let burnt = u128::from(base_fee_wei) * u128::from(output.gas_used);
        let tokens = self.common.economy.tokens();
        audit_block(&rollup.state, &output.state, tokens, U256::from(burnt))
            .map_err(|reason| self.broken(rollup.number, reason))?;
        let beneficiary = self.beneficiary(place);
        let tips = match output.state.accounts.get(&beneficiary).map(|account| account.info) {
            Some(AccountChange::Updated(fields)) => fields.balance - rollup.state.balance(beneficiary),
            _ => U256::ZERO,
        };
        let record = &mut self.crossings.ledger.record;
        record.blocks += 1;
        record.burnt_wei += burnt;
        record.tips_wei += tips.saturating_to::<u128>();
        Ok(())
    }

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
        if cfg!(debug_assertions) { self.audit() } else { Ok(()) }
    }

    /// Accounts for all tokens over all rollups and bridges.
    ///
    /// # Errors
    /// When what bridges hold is not what is on the way.
    pub fn audit(&self) -> Result<(), RunError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::state::Genesis;
    use parallel_evm::{AccountFields, B256};

    fn addresses() -> [Address; 3] {
        [1, 2, 3].map(Address::with_last_byte)
    }

    fn changed(balances: [u64; 2], slots: [u64; 2]) -> StateDelta {
        let [token, one, other] = addresses();
        let mut delta = StateDelta::default();
        for (address, wei) in [one, other].into_iter().zip(balances) {
            let fields = AccountFields { nonce: 1, balance: U256::from(wei), code_hash: B256::ZERO };
            delta.accounts.entry(address).or_default().info = AccountChange::Updated(fields);
        }
        for (holder, units) in [one, other].into_iter().zip(slots) {
            let storage = &mut delta.accounts.entry(token).or_default().storage;
            storage.insert(erc20::balance_slot(holder), U256::from(units));
        }
        delta
    }

    #[test]
    fn a_unit_or_a_wei_more_or_less_is_found() {
        let [token, one, _] = addresses();
        let mut genesis = Genesis::new();
        genesis.balance(one, U256::from(100));
        genesis.storage(token, erc20::balance_slot(one), U256::from(50));
        let before = genesis.build();
        let audit = |balances, slots, burnt: u64| {
            audit_block(&before, &changed(balances, slots), &[token], U256::from(burnt))
        };
        assert_eq!(audit([70, 20], [30, 20], 10), Ok(()));
        assert!(audit([70, 20], [30, 21], 10).unwrap_err().contains("token 0"));
        assert!(audit([70, 20], [30, 19], 10).unwrap_err().contains("token 0"));
        assert!(audit([70, 20], [30, 20], 9).unwrap_err().contains("wei"));
        assert!(audit([70, 21], [30, 20], 10).unwrap_err().contains("wei"));
        assert_eq!(ether_sums(&before, &StateDelta::default()), [U256::ZERO; 2]);
    }
}
