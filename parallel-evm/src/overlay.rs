//! The state as of the last committed transaction: changes over a pre-state.
//!
//! Transactions are applied strictly in block order. Fees that were kept apart are credited here, one
//! transaction after the other, because crediting can create or clear the beneficiary's account.

use crate::{
    AccountChange, AccountDelta, AccountFields, PreState, StateDelta, StateError,
    evm::{AccountRead, Writes},
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
    state_clearing: bool,
    accounts: HashMap<Address, Entry>,
    codes: BTreeMap<B256, Bytecode>,
}

struct Entry {
    current: AccountRead,
    info_written: bool,
    storage_cleared: bool,
    storage: HashMap<U256, U256>,
}

impl<'p> Overlay<'p> {
    /// No changes yet. `state_clearing`: whether touched empty accounts vanish (EIP-161).
    pub(crate) fn new(pre: &'p dyn PreState, beneficiary: Address, state_clearing: bool) -> Self {
        Self { pre, beneficiary, state_clearing, accounts: HashMap::default(), codes: BTreeMap::new() }
    }

    pub(crate) fn account(&self, address: Address) -> Result<AccountRead, StateError> {
        match self.accounts.get(&address) {
            Some(entry) => Ok(entry.current),
            None => Ok(AccountRead::from_info(self.pre.account(address)?)),
        }
    }

    pub(crate) fn slot(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(entry) = self.accounts.get(&address) {
            if let Some(value) = entry.storage.get(&slot) {
                return Ok(*value);
            }
            if entry.storage_cleared {
                return Ok(U256::ZERO);
            }
        }
        self.pre.storage(address, slot)
    }

    pub(crate) fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        match self.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.pre.code(hash),
        }
    }

    pub(crate) fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.pre.block_hash(number)
    }

    /// Commits the next transaction.
    pub(crate) fn apply(&mut self, writes: Writes) -> Result<(), StateError> {
        for write in writes.accounts {
            let entry = self.entry(write.address)?;
            if let Some(balance) = write.balance {
                entry.current.balance = balance;
            }
            if let Some(nonce) = write.nonce {
                entry.current.nonce = nonce;
            }
            if let Some(code) = write.code {
                (entry.current.exists, entry.current.code_hash) = (code.exists, code.code_hash);
            }
            entry.info_written |= write.balance.is_some() || write.nonce.is_some() || write.code.is_some();
            if write.storage_cleared {
                entry.storage_cleared = true;
                entry.storage.clear();
            }
            entry.storage.extend(write.slots);
        }
        self.codes.extend(writes.codes);
        if let Some(fee) = writes.fee {
            let state_clearing = self.state_clearing;
            let entry = self.entry(self.beneficiary)?;
            let before = entry.current;
            entry.current.credit_fee(fee, state_clearing);
            entry.info_written |= entry.current != before;
        }
        Ok(())
    }

    fn entry(&mut self, address: Address) -> Result<&mut Entry, StateError> {
        use revm::primitives::hash_map::Entry as Slot;
        match self.accounts.entry(address) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => Ok(slot.insert(Entry {
                current: AccountRead::from_info(self.pre.account(address)?),
                info_written: false,
                storage_cleared: false,
                storage: HashMap::default(),
            })),
        }
    }

    /// All changes, in order.
    pub(crate) fn into_delta(self) -> StateDelta {
        let accounts = self.accounts.into_iter().filter_map(|(address, entry)| {
            let current = entry.current;
            let info = match (entry.info_written, current.exists) {
                (false, _) => AccountChange::Unchanged,
                (true, false) => AccountChange::Deleted,
                (true, true) => AccountChange::Updated(AccountFields {
                    nonce: current.nonce,
                    balance: current.balance,
                    code_hash: current.code_hash,
                }),
            };
            let delta = AccountDelta {
                info,
                storage_cleared: entry.storage_cleared,
                storage: entry.storage.into_iter().collect(),
            };
            (delta != AccountDelta::default()).then_some((address, delta))
        });
        StateDelta { accounts: accounts.collect(), codes: self.codes }
    }
}
