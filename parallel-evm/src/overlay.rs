//! The state as of the last committed transaction: changes over a pre-state.
//!
//! Transactions are applied strictly in block order. Fees that were kept apart are credited here, one
//! transaction after the other, because crediting can create or clear the beneficiary's account.

use crate::{
    PreState, StateDelta, StateError,
    account::{AccountRead, AccountState, by_address},
    evm::{Effects, Given},
};
use revm::{
    primitives::{Address, B256, HashMap, U256},
    state::Bytecode,
};
use std::collections::BTreeMap;

/// Committed changes over a pre-state.
pub(crate) struct Overlay<'p> {
    pre: &'p dyn PreState,
    beneficiary: Address,
    clearing: bool,
    accounts: HashMap<Address, Entry>,
    codes: BTreeMap<B256, Bytecode>,
}

struct Entry {
    state: AccountState,
    storage: HashMap<U256, U256>,
}

impl<'p> Overlay<'p> {
    /// No changes yet. `clearing`: whether touched empty accounts vanish (EIP-161); `capacity`: about how many
    /// accounts will change.
    pub(crate) fn new(pre: &'p dyn PreState, beneficiary: Address, clearing: bool, capacity: usize) -> Self {
        let accounts = HashMap::with_capacity_and_hasher(capacity, Default::default());
        Self { pre, beneficiary, clearing, accounts, codes: BTreeMap::new() }
    }

    pub(crate) fn account(&self, address: Address) -> Result<Given, StateError> {
        let (read, code) = match self.accounts.get(&address) {
            Some(entry) => (entry.state.read, entry.state.code.clone()),
            None => AccountRead::from_info(self.pre.account(address)?),
        };
        Ok(Given { read, code, place: None })
    }

    pub(crate) fn slot(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(entry) = self.accounts.get(&address) {
            if let Some(value) = entry.storage.get(&slot) {
                return Ok(*value);
            }
            if entry.state.storage_cleared {
                return Ok(U256::ZERO);
            }
        }
        self.pre.storage(address, slot)
    }

    pub(crate) fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        if !self.codes.is_empty()
            && let Some(code) = self.codes.get(&hash)
        {
            return Ok(code.clone());
        }
        self.pre.code(hash)
    }

    pub(crate) fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.pre.block_hash(number)
    }

    /// Commits the next transaction.
    pub(crate) fn apply(&mut self, effects: &Effects) -> Result<(), StateError> {
        let clearing = self.clearing;
        for (effect, slots) in effects.iter() {
            if let Some((hash, code)) = effect.change.code.as_ref().filter(|(_, code)| !code.is_empty()) {
                self.codes.insert(*hash, code.clone());
            }
            let entry = self.accounts.entry(effect.address).or_insert_with(|| Entry {
                // Nobody has written it: it is what the transaction was given.
                state: AccountState::new(effect.given, None),
                storage: HashMap::default(),
            });
            let facts = entry.state.apply(&effect.change, clearing);
            debug_assert_eq!(facts, effect.expected, "the transaction ran on exactly this state");
            if facts.voids_storage(&effect.change) {
                entry.storage.clear();
            }
            entry.storage.extend(slots.iter().copied());
        }
        if let Some(fee) = effects.fee {
            self.beneficiary()?.state.credit_fee(fee, clearing);
        }
        Ok(())
    }

    fn beneficiary(&mut self) -> Result<&mut Entry, StateError> {
        use revm::primitives::hash_map::Entry as Slot;
        match self.accounts.entry(self.beneficiary) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => {
                let (read, code) = AccountRead::from_info(self.pre.account(self.beneficiary)?);
                Ok(slot.insert(Entry { state: AccountState::new(read, code), storage: HashMap::default() }))
            }
        }
    }

    /// All changes, in order.
    pub(crate) fn into_delta(mut self) -> StateDelta {
        let entries = by_address(self.accounts.iter_mut(), |(address, _)| **address);
        let accounts = entries.filter_map(|(address, entry)| {
            let storage = std::mem::take(&mut entry.storage);
            Some((*address, entry.state.delta(storage.into_iter().collect())?))
        });
        StateDelta { accounts: accounts.collect(), codes: self.codes }
    }
}
