//! The state a block starts from.
//!
//! Executors read it through [`PreState`] and never write it: what a block changes comes out as a
//! [`StateDelta`], which a [`MemoryState`] can apply.

use crate::{AccountChange, StateDelta, StateError};
use revm::{
    primitives::{Address, B256, HashMap, KECCAK_EMPTY, U256},
    state::{AccountInfo, Bytecode},
};

/// Read access to the state before a block.
///
/// Answers must not change while a block executes. Several threads read at once.
pub trait PreState: Sync {
    /// The account, or `None` if it does not exist. `code` may be left `None`; [`PreState::code`] is asked then.
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError>;
    /// The value of a slot; zero if it was never written.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;
    /// The code with the given hash. Never asked for the empty code.
    fn code(&self, hash: B256) -> Result<Bytecode, StateError>;
    /// The hash of an earlier block.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;
}

/// A state held in memory: accounts, storage, codes, block hashes.
#[derive(Clone, Debug, Default)]
pub struct MemoryState {
    accounts: HashMap<Address, MemoryAccount>,
    codes: HashMap<B256, Bytecode>,
    block_hashes: HashMap<u64, B256>,
}

#[derive(Clone, Debug)]
struct MemoryAccount {
    nonce: u64,
    balance: U256,
    code_hash: B256,
    storage: HashMap<U256, U256>,
}

impl Default for MemoryAccount {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK_EMPTY, storage: HashMap::default() }
    }
}

impl MemoryState {
    /// An empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an account's nonce, balance and code, keeping its storage. Code in `info` is stored too.
    pub fn insert_account(&mut self, address: Address, info: AccountInfo) {
        let mut code_hash = info.code_hash;
        if let Some(code) = info.code.filter(|code| !code.is_empty()) {
            code_hash = self.insert_code(code);
        } else if code_hash.is_zero() {
            code_hash = KECCAK_EMPTY;
        }
        let account = self.accounts.entry(address).or_default();
        (account.nonce, account.balance, account.code_hash) = (info.nonce, info.balance, code_hash);
    }

    /// Sets an account's balance, creating the account if needed.
    pub fn insert_balance(&mut self, address: Address, balance: U256) {
        self.accounts.entry(address).or_default().balance = balance;
    }

    /// Places a contract: nonce 1, the given code, no balance unless it had one.
    pub fn insert_contract(&mut self, address: Address, code: Bytecode) {
        let code_hash = self.insert_code(code);
        let account = self.accounts.entry(address).or_default();
        (account.nonce, account.code_hash) = (1, code_hash);
    }

    /// Sets a storage slot, creating the account if needed.
    pub fn insert_storage(&mut self, address: Address, slot: U256, value: U256) {
        let storage = &mut self.accounts.entry(address).or_default().storage;
        if value.is_zero() {
            storage.remove(&slot);
        } else {
            storage.insert(slot, value);
        }
    }

    /// The value of a storage slot; zero if it was never written.
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        let value = self.accounts.get(&address).and_then(|account| account.storage.get(&slot));
        value.copied().unwrap_or_default()
    }

    /// Stores a code under its hash, which is returned.
    pub fn insert_code(&mut self, code: Bytecode) -> B256 {
        let hash = code.hash_slow();
        if hash != KECCAK_EMPTY {
            self.codes.insert(hash, code);
        }
        hash
    }

    /// Sets the hash of an earlier block.
    pub fn insert_block_hash(&mut self, number: u64, hash: B256) {
        self.block_hashes.insert(number, hash);
    }

    /// How many accounts exist.
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// Applies what a block changed.
    pub fn apply(&mut self, delta: &StateDelta) {
        for (hash, code) in &delta.codes {
            self.codes.insert(*hash, code.clone());
        }
        for (address, change) in &delta.accounts {
            if matches!(change.info, AccountChange::Deleted) {
                self.accounts.remove(address);
                continue;
            }
            let account = self.accounts.entry(*address).or_default();
            if let AccountChange::Updated(fields) = change.info {
                (account.nonce, account.balance, account.code_hash) =
                    (fields.nonce, fields.balance, fields.code_hash);
            }
            if change.storage_cleared {
                account.storage.clear();
            }
            for (slot, value) in &change.storage {
                if value.is_zero() {
                    account.storage.remove(slot);
                } else {
                    account.storage.insert(*slot, *value);
                }
            }
        }
    }
}

impl PreState for MemoryState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.accounts.get(&address).map(|account| AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        Ok(self.slot(address, slot))
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.codes.get(&hash).cloned().ok_or(StateError::MissingCode(hash))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.block_hashes.get(&number).copied().ok_or(StateError::MissingBlockHash(number))
    }
}
