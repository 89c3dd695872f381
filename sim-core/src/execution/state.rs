//! The state of a chain, cheap to fork.
//!
//! **Captures** a genesis in memory, shared by all states, and what changed since as persistent hash maps: a
//! clone is a few pointers, a block's changes copy only the paths they touch, and forks share the rest.
//! **Leaves out** the Merkle trie: states have an identity, but no root; hashes of earlier blocks are
//! stand-ins. **Parameters** none. **Source** Bagwell, "Ideal hash trees" (2001), through the `rpds` crate. **Checked against** a plain map
//! under random changes (`tests/execution_blocks.rs`).
//!
//! The maps hash with a fixed function without a seed, and nothing iterates over them but to sum modulo 2^256: what is
//! inside can only be asked for by key, so no result depends on their order.

use parallel_evm::{
    AccountChange, AccountDelta, AccountFields, AccountInfo, Address, B256, Bytecode, MemoryState, PreState,
    StateDelta, StateError, U256,
};
use rpds::HashTrieMapSync;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

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

/// An account that changed since the base.
#[derive(Clone, Debug)]
struct Account {
    /// `None`: it does not exist.
    fields: Option<AccountFields>,
    /// Slots that changed; with zeros where the base has something else.
    storage: Map<U256, U256>,
    /// The base's storage of this account is void.
    cleared: bool,
}

/// The state of a chain after a block: changes over a shared base. Cloning is cheap and shares everything.
#[derive(Clone, Debug)]
pub struct WorldState {
    base: Arc<MemoryState>,
    accounts: Map<Address, Account>,
    codes: Map<B256, Bytecode>,
    id: B256,
}

impl WorldState {
    /// The state before the first block; see [`Genesis`] to put one together. `id` must differ between bases that differ, for example a hash over
    /// all parameters they are made from: it is where the identities of all later states start.
    pub fn genesis(base: Arc<MemoryState>, id: B256) -> Self {
        Self { base, accounts: empty_map(), codes: empty_map(), id }
    }

    /// What identifies the state: equal for states reached from the same genesis by the same blocks. Not a
    /// state root.
    pub fn id(&self) -> B256 {
        self.id
    }

    /// Accounts that changed since the genesis.
    pub fn changed_accounts(&self) -> usize {
        self.accounts.size()
    }

    /// Transactions sent by an account, or contracts created by it.
    pub fn nonce(&self, address: Address) -> u64 {
        self.fields(address).map_or(0, |fields| fields.nonce)
    }

    /// Balance of an account, wei.
    pub fn balance(&self, address: Address) -> U256 {
        self.fields(address).map_or(U256::ZERO, |fields| fields.balance)
    }

    /// Value of a storage slot; zero if never written.
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        if let Some(account) = self.accounts.get(&address) {
            if let Some(value) = account.storage.get(&slot) {
                return *value;
            }
            if account.cleared {
                return U256::ZERO;
            }
        }
        self.base.storage(address, slot).unwrap_or_default()
    }

    /// Balances of all accounts that changed since the base, summed in `origin` and here, wei modulo 2^256. `origin` is a
    /// state that this one grew from.
    pub fn ether_against(&self, origin: &Self) -> [U256; 2] {
        let add = |[then, now]: [U256; 2], address: &Address| {
            [then.wrapping_add(origin.balance(*address)), now.wrapping_add(self.balance(*address))]
        };
        self.accounts.keys().fold([U256::ZERO; 2], add)
    }

    /// All slots of an account that changed since the base, summed in `origin` and here, modulo 2^256. `origin` is a state
    /// that this one grew from. `None`: the account's storage was voided in between.
    pub fn slots_against(&self, origin: &Self, address: Address) -> Option<[U256; 2]> {
        let Some(account) = self.accounts.get(&address) else { return Some([U256::ZERO; 2]) };
        let add = |[then, now]: [U256; 2], (slot, value): (&U256, &U256)| {
            [then.wrapping_add(origin.slot(address, *slot)), now.wrapping_add(*value)]
        };
        (!account.cleared).then(|| account.storage.iter().fold([U256::ZERO; 2], add))
    }

    fn fields(&self, address: Address) -> Option<AccountFields> {
        if let Some(account) = self.accounts.get(&address) {
            return account.fields;
        }
        let info = self.base.account(address).ok().flatten()?;
        Some(AccountFields { nonce: info.nonce, balance: info.balance, code_hash: info.code_hash })
    }

    /// The state after the changes of a block, identified by `id`. `self` stays as it is.
    #[must_use]
    pub fn apply(&self, delta: &StateDelta, id: B256) -> Self {
        let mut next = Self { id, ..self.clone() };
        for (hash, code) in &delta.codes {
            next.codes.insert_mut(*hash, code.clone());
        }
        for (address, change) in &delta.accounts {
            let mut account = next.accounts.get(address).cloned().unwrap_or_else(|| Account {
                fields: next.fields(*address),
                storage: empty_map(),
                cleared: false,
            });
            if change.storage_cleared || matches!(change.info, AccountChange::Deleted) {
                account.storage = empty_map();
                account.cleared = true;
            }
            account.fields = match change.info {
                AccountChange::Unchanged => Some(account.fields.unwrap_or(NO_FIELDS)),
                AccountChange::Updated(fields) => Some(fields),
                AccountChange::Deleted => None,
            };
            if account.fields.is_none() {
                next.accounts.insert_mut(*address, account);
                continue;
            }
            for (slot, value) in &change.storage {
                if value.is_zero() && account.cleared {
                    account.storage.remove_mut(slot);
                } else {
                    account.storage.insert_mut(*slot, *value);
                }
            }
            next.accounts.insert_mut(*address, account);
        }
        next
    }
}

const NO_FIELDS: AccountFields =
    AccountFields { nonce: 0, balance: U256::ZERO, code_hash: alloy_primitives::KECCAK256_EMPTY };

impl PreState for WorldState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.fields(address).map(|fields| AccountInfo {
            nonce: fields.nonce,
            balance: fields.balance,
            code_hash: fields.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        Ok(self.slot(address, slot))
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        match self.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.base.code(hash),
        }
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
        let mut base = MemoryState::new();
        base.apply(&self.delta);
        WorldState::genesis(Arc::new(base), self.delta.digest())
    }
}
