//! What a block changed.
//!
//! Everything is ordered by key, so that two deltas of the same changes are equal, digest equally and print
//! equally. Nothing here may iterate a hash map.

use alloy_primitives::Keccak256;
use revm::{
    primitives::{Address, B256, U256},
    state::Bytecode,
};
use std::collections::BTreeMap;

/// All changes of a block relative to its pre-state.
///
/// A value written and later restored within the block stays listed, with its final value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDelta {
    /// Changed accounts.
    pub accounts: BTreeMap<Address, AccountDelta>,
    /// Codes deployed in the block, by hash.
    pub codes: BTreeMap<B256, Bytecode>,
}

/// The changes of one account. Apply in order: `info`, `storage_cleared`, `storage`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDelta {
    /// What became of nonce, balance and code.
    pub info: AccountChange,
    /// Whether storage from before the block is void: the account was deleted or its contract created.
    pub storage_cleared: bool,
    /// Slots written and their final values; zero means cleared.
    pub storage: BTreeMap<U256, U256>,
}

/// What became of an account's own fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountChange {
    /// Only storage changed.
    #[default]
    Unchanged,
    /// The account exists with these fields.
    Updated(AccountFields),
    /// The account no longer exists.
    Deleted,
}

/// An account's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFields {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Hash of the code; that of the empty string if there is none.
    pub code_hash: B256,
}

impl StateDelta {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.codes.is_empty()
    }

    /// Appends the changes of the next block, so that `self` describes both.
    pub fn append(&mut self, next: &Self) {
        for (hash, code) in &next.codes {
            self.codes.insert(*hash, code.clone());
        }
        for (address, change) in &next.accounts {
            let own = self.accounts.entry(*address).or_default();
            if !matches!(change.info, AccountChange::Unchanged) {
                own.info = change.info;
            }
            if change.storage_cleared {
                own.storage_cleared = true;
                own.storage.clear();
            }
            own.storage.extend(change.storage.iter().map(|(slot, value)| (*slot, *value)));
        }
    }

    /// A hash over all changes.
    ///
    /// Keccak-256 over, in order of address: address, tag (0 unchanged, 1 updated, 2 deleted), if updated
    /// nonce (8 bytes), balance (32) and code hash (32), then the cleared flag (1), the number of slots (8)
    /// and each slot and value (32 + 32); at the end the number of codes (8) and their hashes in order.
    /// All integers are big-endian.
    pub fn digest(&self) -> B256 {
        let mut hasher = Keccak256::new();
        for (address, change) in &self.accounts {
            hasher.update(address);
            match change.info {
                AccountChange::Unchanged => hasher.update([0]),
                AccountChange::Updated(fields) => {
                    hasher.update([1]);
                    hasher.update(fields.nonce.to_be_bytes());
                    hasher.update(fields.balance.to_be_bytes::<32>());
                    hasher.update(fields.code_hash);
                }
                AccountChange::Deleted => hasher.update([2]),
            }
            hasher.update([u8::from(change.storage_cleared)]);
            hasher.update((change.storage.len() as u64).to_be_bytes());
            for (slot, value) in &change.storage {
                hasher.update(slot.to_be_bytes::<32>());
                hasher.update(value.to_be_bytes::<32>());
            }
        }
        hasher.update((self.codes.len() as u64).to_be_bytes());
        for hash in self.codes.keys() {
            hasher.update(hash);
        }
        hasher.finalize()
    }
}
