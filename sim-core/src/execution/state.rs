//! The state of a chain, cheap to fork.
//!
//! **Captures** accounts, storage and codes as persistent hash maps: a clone is a few pointers, a block's
//! changes copy only the paths they touch, and forks share the rest. **Leaves out** the Merkle trie: states
//! have an identity, but no root; hashes of earlier blocks are stand-ins. **Parameters** none.
//! **Source** Bagwell, "Ideal hash trees" (2001), through the `rpds` crate. **Checked against** a plain map
//! under random changes (`tests/execution_blocks.rs`).
//!
//! The maps hash with a fixed function without a seed, and nothing iterates over them: what is inside can only
//! be asked for by key, so no result depends on their order.

use parallel_evm::{
    AccountChange, AccountDelta, AccountFields, AccountInfo, Address, B256, Bytecode, PreState, StateDelta,
    StateError, U256,
};
use rpds::HashTrieMapSync;
use std::hash::{BuildHasherDefault, Hasher};

/// A seedless 64-bit hash for addresses, slots and hashes: multiply and rotate a word at a time, then the
/// finaliser of MurmurHash3. Not secure against chosen keys, which cost time here, never correctness.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHasher(u64);

impl FixedHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for FixedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.mix(u64::from_le_bytes(word.try_into().expect("chunks of eight")));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }

    fn finish(&self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

type Map<K, V> = HashTrieMapSync<K, V, BuildHasherDefault<FixedHasher>>;

fn empty_map<K: Eq + std::hash::Hash, V>() -> Map<K, V> {
    HashTrieMapSync::new_with_hasher_and_ptr_kind(BuildHasherDefault::default())
}

#[derive(Clone, Debug)]
struct Account {
    fields: AccountFields,
    storage: Map<U256, U256>,
}

/// The state of a chain after a block. Cloning is cheap and shares everything.
#[derive(Clone, Debug)]
pub struct WorldState {
    accounts: Map<Address, Account>,
    codes: Map<B256, Bytecode>,
    id: B256,
}

impl WorldState {
    /// A state without accounts.
    pub fn empty() -> Self {
        Self { accounts: empty_map(), codes: empty_map(), id: B256::ZERO }
    }

    /// What identifies the state: equal for states reached from the same genesis by the same blocks. Not a
    /// state root.
    pub fn id(&self) -> B256 {
        self.id
    }

    /// Number of accounts that exist.
    pub fn accounts(&self) -> usize {
        self.accounts.size()
    }

    /// Transactions sent by an account, or contracts created by it.
    pub fn nonce(&self, address: Address) -> u64 {
        self.accounts.get(&address).map_or(0, |account| account.fields.nonce)
    }

    /// Balance of an account, wei.
    pub fn balance(&self, address: Address) -> U256 {
        self.accounts.get(&address).map_or(U256::ZERO, |account| account.fields.balance)
    }

    /// Value of a storage slot; zero if never written.
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        let account = self.accounts.get(&address);
        account.and_then(|account| account.storage.get(&slot)).copied().unwrap_or_default()
    }

    /// The state after the changes of a block, identified by `id`. `self` stays as it is.
    #[must_use]
    pub fn apply(&self, delta: &StateDelta, id: B256) -> Self {
        let mut next = Self { id, ..self.clone() };
        for (hash, code) in &delta.codes {
            next.codes.insert_mut(*hash, code.clone());
        }
        for (address, change) in &delta.accounts {
            if matches!(change.info, AccountChange::Deleted) {
                next.accounts.remove_mut(address);
                continue;
            }
            // In place where nobody shares the account, else copied by the map.
            if next.accounts.get(address).is_none() {
                next.accounts.insert_mut(*address, Account { fields: NO_FIELDS, storage: empty_map() });
            }
            let account = next.accounts.get_mut(address).expect("inserted above");
            if let AccountChange::Updated(fields) = change.info {
                account.fields = fields;
            }
            if change.storage_cleared {
                account.storage = empty_map();
            }
            for (slot, value) in &change.storage {
                if value.is_zero() {
                    account.storage.remove_mut(slot);
                } else {
                    account.storage.insert_mut(*slot, *value);
                }
            }
        }
        next
    }
}

const NO_FIELDS: AccountFields =
    AccountFields { nonce: 0, balance: U256::ZERO, code_hash: alloy_primitives::KECCAK256_EMPTY };

impl PreState for WorldState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.accounts.get(&address).map(|account| AccountInfo {
            nonce: account.fields.nonce,
            balance: account.fields.balance,
            code_hash: account.fields.code_hash,
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

    /// A stand-in that depends on the number only: simulated blocks have no hash.
    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        Ok(alloy_primitives::keccak256(number.to_be_bytes()))
    }
}

/// Collects what exists before the first block.
#[derive(Clone, Debug, Default)]
pub struct Genesis {
    delta: StateDelta,
}

impl Genesis {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn fields(&mut self, address: Address) -> (&mut AccountDelta, AccountFields) {
        let account = self.delta.accounts.entry(address).or_default();
        let fields = match account.info {
            AccountChange::Updated(fields) => fields,
            AccountChange::Unchanged | AccountChange::Deleted => NO_FIELDS,
        };
        (account, fields)
    }

    /// Sets an account's balance, wei.
    pub fn balance(&mut self, address: Address, balance: U256) -> &mut Self {
        let (account, fields) = self.fields(address);
        account.info = AccountChange::Updated(AccountFields { balance, ..fields });
        self
    }

    /// Places a contract with nonce 1, keeping balance and storage set before.
    pub fn contract(&mut self, address: Address, code: Bytecode) -> &mut Self {
        let code_hash = code.hash_slow();
        if code_hash != alloy_primitives::KECCAK256_EMPTY {
            self.delta.codes.insert(code_hash, code);
        }
        let (account, fields) = self.fields(address);
        account.info = AccountChange::Updated(AccountFields { nonce: 1, code_hash, ..fields });
        self
    }

    /// Sets a storage slot. The account comes into existence if it is not there yet.
    pub fn storage(&mut self, address: Address, slot: U256, value: U256) -> &mut Self {
        let (account, fields) = self.fields(address);
        account.info = AccountChange::Updated(fields);
        account.storage.insert(slot, value);
        self
    }

    /// Adds changes found by executing set-up transactions on the genesis so far.
    pub fn append(&mut self, delta: &StateDelta) -> &mut Self {
        self.delta.append(delta);
        self
    }

    /// The state; its identity is a hash over all that was put in.
    pub fn build(&self) -> WorldState {
        WorldState::empty().apply(&self.delta, self.delta.digest())
    }
}
