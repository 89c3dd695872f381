//! Nothing is made and nothing is lost.
//!
//! **Captures.** Three statements, to the unit, in every fleet, whoever sequences it. After every executed block of a
//! rollup: the balances of each token sum to what they summed to before, and all ether does less the base fees that were
//! burnt (tips are with whoever collected them). After a rollup's first block, its second, fourth, eighth and so on, and at the end of
//! the run: all accounts that differ from the rollup's genesis, read from its state, hold together what they held there, but for all base
//! fees burnt since; so a balance that no block changed is found, too. A run in which one of them fails ends with an error.
//! The first costs what the block wrote; the second looks at a state when it may have doubled, so together that is no
//! more than a few times what all blocks wrote. What is on bridges between rollups: [`super::bridge::ledger`].
//!
//! **Leaves out.** Ether on the L1 and what batches pay there. **Parameters** none. **Source** the definition of a
//! transfer; EIP-1559 for what is burnt. **Checked against** random fleets (`tests/rollup_conservation.rs`), and by breaking
//! each.

use super::fleet::Fleet;
use super::record::ConservationRecord;
use crate::execution::builder::ExecutedBlock;
use crate::execution::host::RunError;
use crate::execution::state::WorldState;
use parallel_evm::{AccountChange, Address, StateDelta, U256};

/// What a block was executed on.
pub(super) struct Standing {
    pub rollup: u32,
    pub state: WorldState,
    /// Blocks below it, and what they burnt together, wei.
    pub blocks: u64,
    pub burnt_wei: u128,
    /// Of the block itself.
    pub base_fee_wei: u64,
    pub beneficiary: Address,
}

/// Tokens, to be looked up by address.
#[derive(Clone, Debug)]
pub(super) struct Tokens(Vec<(Address, usize)>);

impl Tokens {
    /// Those of a list, numbered in its order.
    pub fn new(addresses: &[Address]) -> Self {
        let mut sorted: Vec<_> = addresses.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    fn number(&self, address: &Address) -> Option<usize> {
        let at = self.0.binary_search_by_key(address, |(token, _)| *token).ok()?;
        Some(self.0[at].1)
    }
}

/// What a block did to tokens and ether; the words of an error where something appeared or vanished. Whatever else a token
/// stores (allowances without limit, the supply) no call changes.
fn audit_block(
    before: &WorldState,
    delta: &StateDelta,
    tokens: &Tokens,
    burnt_wei: u128,
) -> Result<(), String> {
    let mut wei = [U256::ZERO; 2];
    for (address, account) in &delta.accounts {
        if let Some(number) = tokens.number(address) {
            let add = |[old, new]: [U256; 2], (slot, value): (&U256, &U256)| {
                [old.wrapping_add(before.slot(*address, *slot)), new.wrapping_add(*value)]
            };
            let [old, new] = account.storage.iter().fold([U256::ZERO; 2], add);
            if old != new || account.storage_cleared {
                return Err(format!(
                    "balances of token {number} summed to {old} and sum to {new} after a block"
                ));
            }
        }
        let after = match account.info {
            AccountChange::Unchanged => continue,
            AccountChange::Updated(fields) => fields.balance,
            AccountChange::Deleted => U256::ZERO,
        };
        wei = [wei[0].wrapping_add(before.balance(*address)), wei[1].wrapping_add(after)];
    }
    let [old, new] = wei;
    if old != new.wrapping_add(U256::from(burnt_wei)) {
        return Err(format!(
            "{old} wei were there before a block, {new} after it, and {burnt_wei} were burnt"
        ));
    }
    Ok(())
}

/// What all blocks since the genesis together did, from the two states alone.
fn audit_state(
    genesis: &WorldState,
    state: &WorldState,
    tokens: &Tokens,
    burnt_wei: u128,
) -> Result<(), String> {
    for (token, number) in &tokens.0 {
        let sums = state.slots_against(genesis, *token);
        if sums.is_none_or(|[then, now]| then != now) {
            return Err(format!("balances of token {number} summed to other than now at genesis: {sums:?}"));
        }
    }
    let [then, now] = state.ether_against(genesis);
    if then != now.wrapping_add(U256::from(burnt_wei)) {
        return Err(format!("{then} wei were there at genesis, {now} are, and {burnt_wei} were burnt"));
    }
    Ok(())
}

impl Fleet {
    pub(super) fn broken(&self, rollup: u32, reason: String) -> RunError {
        RunError::Conservation { chain: self.chain, rollup, reason }
    }

    /// What the next block of a rollup with a sequencer is executed on.
    pub(super) fn standing(&self, place: usize) -> Standing {
        let rollup = &self.active[place];
        Standing {
            rollup: rollup.number,
            state: rollup.state.clone(),
            blocks: rollup.totals.blocks,
            burnt_wei: rollup.burnt_wei,
            base_fee_wei: rollup.base_fee_wei,
            beneficiary: self.beneficiary(place),
        }
    }

    /// Accounts for a block that was executed. Returns what it and all below it burnt, wei.
    ///
    /// # Errors
    /// When a token or ether appeared or vanished.
    pub(super) fn account_for(&mut self, on: &Standing, executed: &ExecutedBlock) -> Result<u128, RunError> {
        let output = &executed.output;
        let burnt_wei = u128::from(on.base_fee_wei) * u128::from(output.gas_used);
        audit_block(&on.state, &output.state, &self.common.tokens, burnt_wei)
            .map_err(|reason| self.broken(on.rollup, reason))?;
        let all_burnt_wei = on.burnt_wei + burnt_wei;
        if let Some(state) = executed.state.as_ref().filter(|_| (on.blocks + 1).is_power_of_two()) {
            self.audit_whole(on.rollup, state, all_burnt_wei)?;
        }
        let tips = match output.state.accounts.get(&on.beneficiary).map(|account| account.info) {
            Some(AccountChange::Updated(fields)) => fields.balance - on.state.balance(on.beneficiary),
            _ => U256::ZERO,
        };
        let record = &mut self.conservation;
        record.blocks += 1;
        record.burnt_wei += burnt_wei;
        record.tips_wei += tips.saturating_to::<u128>();
        Ok(all_burnt_wei)
    }

    fn audit_whole(&mut self, rollup: u32, state: &WorldState, burnt_wei: u128) -> Result<(), RunError> {
        audit_state(&self.genesis_of(rollup), state, &self.common.tokens, burnt_wei)
            .map_err(|reason| self.broken(rollup, reason))?;
        self.conservation.states += 1;
        Ok(())
    }

    /// Accounts for everything on all rollups and bridges, at the end of a run.
    ///
    /// # Errors
    /// When something is there that was not at genesis, or is missing and was not burnt.
    pub fn audit(&mut self) -> Result<(), RunError> {
        for place in 0..self.active.len() {
            let rollup = &self.active[place];
            let (number, state, burnt_wei) = (rollup.number, rollup.state.clone(), rollup.burnt_wei);
            self.audit_whole(number, &state, burnt_wei)?;
        }
        self.audit_bridges()
    }

    /// What was checked.
    pub(super) fn conservation_record(&self) -> ConservationRecord {
        ConservationRecord { chain: self.chain, ..self.conservation }
    }

    /// Gives one wei more to whoever collects a rollup's tips, out of nothing.
    #[cfg(test)]
    pub(crate) fn forge_a_wei(&mut self, place: usize) {
        let address = self.beneficiary(place);
        let rollup = &mut self.active[place];
        let balance = rollup.state.balance(address) + U256::ONE;
        let code_hash = alloy_primitives::KECCAK256_EMPTY;
        let nonce = rollup.state.nonce(address);
        let fields = parallel_evm::AccountFields { nonce, balance, code_hash };
        let mut delta = StateDelta::default();
        delta.accounts.entry(address).or_default().info = AccountChange::Updated(fields);
        rollup.state = rollup.state.apply(&delta, rollup.state.id());
    }

    /// Rollups that were sent something.
    #[cfg(test)]
    pub(crate) fn active_rollups(&self) -> usize {
        self.active.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::state::Genesis;
    use parallel_evm::contracts::erc20;
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

    fn genesis() -> WorldState {
        let [token, one, _] = addresses();
        let mut genesis = Genesis::new();
        genesis.balance(one, U256::from(100));
        genesis.storage(token, erc20::balance_slot(one), U256::from(50));
        genesis.build()
    }

    #[test]
    fn a_unit_or_a_wei_more_or_less_after_a_block_is_found() {
        let (before, tokens) = (genesis(), Tokens::new(&addresses()[..1]));
        let audit = |balances, slots, burnt| audit_block(&before, &changed(balances, slots), &tokens, burnt);
        assert_eq!(audit([70, 20], [30, 20], 10), Ok(()));
        assert!(audit([70, 20], [30, 21], 10).unwrap_err().contains("token 0"));
        assert!(audit([70, 20], [30, 19], 10).unwrap_err().contains("token 0"));
        assert!(audit([70, 20], [30, 20], 9).unwrap_err().contains("wei"));
        assert!(audit([70, 21], [30, 20], 10).unwrap_err().contains("wei"));
        assert_eq!(audit_block(&before, &StateDelta::default(), &tokens, 0), Ok(()));
    }

    #[test]
    fn a_unit_or_a_wei_more_or_less_since_the_genesis_is_found_whichever_block_it_came_with() {
        let (before, tokens) = (genesis(), Tokens::new(&addresses()[..1]));
        let audit = |balances, slots, burnt| {
            let middle = before.apply(&changed([90, 0], [10, 40]), B256::ZERO);
            let state = middle.apply(&changed(balances, slots), B256::ZERO);
            audit_state(&before, &state, &tokens, burnt)
        };
        assert_eq!(audit([70, 20], [30, 20], 10), Ok(()));
        assert!(audit([70, 20], [30, 21], 10).unwrap_err().contains("token 0"));
        assert!(audit([70, 20], [30, 20], 9).unwrap_err().contains("wei"));
        assert!(audit([70, 21], [30, 20], 10).unwrap_err().contains("wei"));
        assert_eq!(audit_state(&before, &before, &tokens, 0), Ok(()));
    }

    #[test]
    fn a_token_that_is_deleted_is_found() {
        let (before, [token, ..]) = (genesis(), addresses());
        let tokens = Tokens::new(&[token]);
        let mut delta = StateDelta::default();
        let account = delta.accounts.entry(token).or_default();
        (account.info, account.storage_cleared) = (AccountChange::Deleted, true);
        assert!(audit_block(&before, &delta, &tokens, 0).is_err());
        assert!(audit_state(&before, &before.apply(&delta, B256::ZERO), &tokens, 0).is_err());
    }
}
