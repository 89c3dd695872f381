//! Multi-version memory: the committed state, and over it what executed transactions would change.
//!
//! Every account and every slot has a cell: its committed value and the entries of uncommitted transactions, in
//! order. Transaction `i` sees the committed value with the entries below `i` folded in. Entries of retracted
//! attempts stay, as estimates: they are read, and told. Committing a transaction folds its entries into the
//! committed values, so cells stay short. Storage belongs to an account's life: a slot written before the account
//! was last destroyed or created counts as zero.
//!
//! Cells live in shards, each behind a lock held for one access; a handle finds a cell again without hashing.
//! No two locks are held at once.

use super::sync::{AtomicBool, Mutex, SeqCst, lock};
use crate::{
    Block, PreState, StateDelta, StateError,
    account::{AccountRead, AccountState, Change, Facts},
    evm::{AccountEffect, Effects, Loaded},
    overlay::account_delta,
};
use revm::{
    primitives::{Address, B256, HashMap, U256, hardfork::SpecId},
    state::Bytecode,
};
use std::{collections::BTreeMap, convert::Infallible, sync::PoisonError};

/// Many more shards than threads, so that threads seldom meet at a lock.
const SHARD_BITS: u32 = 6;

pub(super) struct Memory<'p> {
    pre: &'p dyn PreState,
    beneficiary: Address,
    clearing: bool,
    accounts: Box<[Shard<Address, AccountCell>]>,
    slots: Box<[Shard<(Address, U256), SlotCell>]>,
    /// Whether any storage was ever voided; spares the look at the account until then.
    any_voided: AtomicBool,
    /// Codes that committed transactions have set.
    codes: Mutex<BTreeMap<B256, Bytecode>>,
}

/// Own cache lines for each, so that locks do not disturb each other.
#[repr(align(128))]
struct Shard<K, C>(Mutex<Cells<K, C>>);

struct Cells<K, C> {
    by_key: HashMap<K, u32>,
    cells: Vec<C>,
}

/// Where a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    shard: u32,
    cell: u32,
}

struct AccountCell {
    address: Address,
    state: AccountState,
    /// Changes with everything that can change what a transaction sees, commits of what it saw excepted.
    stamp: u32,
    /// The last committed transaction that voided the storage.
    voided: Option<u32>,
    entries: Vec<AccountEntry>,
    /// One above the highest transaction that has read it.
    readers: u32,
}

struct AccountEntry {
    tx: u32,
    estimate: bool,
    change: Change,
}

struct SlotCell {
    key: (Address, U256),
    pre: Option<U256>,
    committed: Option<SlotValue>,
    entries: Vec<SlotEntry>,
    readers: u32,
}

#[derive(Clone, Copy)]
struct SlotValue {
    tx: u32,
    incarnation: u32,
    value: U256,
}

struct SlotEntry {
    written: SlotValue,
    estimate: bool,
}

/// Where a slot's value came from: equal versions mean equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Pre,
    Written { tx: u32, incarnation: u32 },
    Voided { tx: u32 },
}

/// An account as a transaction sees it.
pub(super) struct AccountSeen {
    pub(super) read: AccountRead,
    pub(super) code: Option<Bytecode>,
    pub(super) handle: Handle,
    pub(super) stamp: u32,
    pub(super) blocker: Option<usize>,
}

/// A slot as a transaction sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotSeen {
    pub(super) value: U256,
    pub(super) version: Version,
    pub(super) handle: Handle,
    pub(super) blocker: Option<usize>,
}

/// Where a transaction's last attempt has entries.
#[derive(Default)]
pub(super) struct Written {
    accounts: Vec<Address>,
    slots: Vec<(Address, U256)>,
}

fn shard_of(address: &Address, slot: &U256) -> u32 {
    let mut low = [0; 8];
    low.copy_from_slice(&address[12..]);
    let limbs = slot.as_limbs();
    let mixed = u64::from_le_bytes(low) ^ limbs[0].rotate_left(17) ^ limbs[3];
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SHARD_BITS)) as u32
}

impl<'p> Memory<'p> {
    pub(super) fn new(block: &Block, pre: &'p dyn PreState) -> Self {
        Self {
            pre,
            beneficiary: block.env.beneficiary,
            clearing: block.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON),
            accounts: (0..1 << SHARD_BITS).map(|_| Shard::new()).collect(),
            slots: (0..1 << SHARD_BITS).map(|_| Shard::new()).collect(),
            any_voided: AtomicBool::new(false),
            codes: Mutex::new(BTreeMap::new()),
        }
    }

    /// The account as the transaction at `index` sees it.
    pub(super) fn account(&self, index: usize, address: Address) -> Result<AccountSeen, StateError> {
        let shard = shard_of(&address, &U256::ZERO);
        let mut cells = lock(&self.accounts[shard as usize].0);
        let cell = cells.find_or(address, || AccountCell::load(self.pre, address))?;
        let handle = Handle { shard, cell };
        let cell = &mut cells.cells[cell as usize];
        cell.readers = cell.readers.max(index as u32 + 1);
        let (read, code, blocker) = cell.resolve(index, self.clearing);
        Ok(AccountSeen { read, code, handle, stamp: cell.stamp, blocker })
    }

    /// The slot as the transaction at `index` sees it.
    pub(super) fn slot(&self, index: usize, address: Address, slot: U256) -> Result<SlotSeen, StateError> {
        let voided = self.voided(index, address);
        let shard = shard_of(&address, &slot);
        let mut cells = lock(&self.slots[shard as usize].0);
        let cell = cells.find_or((address, slot), || Ok::<_, Infallible>(SlotCell::new((address, slot))));
        let Ok(cell) = cell;
        let handle = Handle { shard, cell };
        let cell = &mut cells.cells[cell as usize];
        cell.readers = cell.readers.max(index as u32 + 1);
        cell.resolve(index, voided, handle, self.pre)
    }

    pub(super) fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.pre.code(hash)
    }

    pub(super) fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.pre.block_hash(number)
    }

    /// The last transaction below `index` that voided the account's storage, and the highest estimate among
    /// those that touched the account.
    fn voided(&self, index: usize, address: Address) -> (Option<u32>, Option<usize>) {
        if !self.any_voided.load(SeqCst) {
            return (None, None);
        }
        let cells = lock(&self.accounts[shard_of(&address, &U256::ZERO) as usize].0);
        match cells.find(&address) {
            Some(cell) => cells.cells[cell as usize].voided(index, self.clearing),
            None => (None, None),
        }
    }

    /// Whether an account still admits the outcome of the transaction at `index`, and the highest estimate
    /// that was looked at.
    pub(super) fn admits(
        &self,
        index: usize,
        at: (Handle, u32),
        loaded: &Loaded,
        committed: bool,
    ) -> (bool, Option<usize>) {
        let (handle, stamp) = at;
        let cells = lock(&self.accounts[handle.shard as usize].0);
        let cell = &cells.cells[handle.cell as usize];
        let unchanged = cell.stamp == stamp;
        if unchanged && !loaded.static_nonce && cell.entries.is_empty() {
            return (true, None);
        }
        let (now, _, blocker) = cell.resolve(index, self.clearing);
        (loaded.admits(&now, committed), blocker)
    }

    /// Whether the transaction at `index` would read the same from a slot.
    pub(super) fn still_reads(&self, index: usize, seen: &SlotSeen) -> (bool, Option<usize>) {
        let voided = match self.any_voided.load(SeqCst) {
            false => (None, None),
            true => {
                let address =
                    lock(&self.slots[seen.handle.shard as usize].0).cells[seen.handle.cell as usize].key.0;
                self.voided(index, address)
            }
        };
        let mut cells = lock(&self.slots[seen.handle.shard as usize].0);
        let cell = &mut cells.cells[seen.handle.cell as usize];
        match cell.resolve(index, voided, seen.handle, self.pre) {
            // First versions, which say more often than not that nothing happened; then values.
            Ok(now) => (now.version == seen.version || now.value == seen.value, now.blocker),
            Err(_) => (false, None),
        }
    }

    /// Replaces a transaction's entries by those of a new attempt. Returns the highest transaction that may
    /// have missed them. Shifts of balances do not count: what they invalidate is found at the frontier.
    pub(super) fn record(
        &self,
        index: usize,
        incarnation: u32,
        effects: &Effects,
        written: &mut Written,
    ) -> Option<usize> {
        let tx = index as u32;
        let mut readers = 0;
        let mut now = Written::default();
        for effect in &effects.accounts {
            if effect.change.reset.is_some() {
                self.any_voided.store(true, SeqCst);
            }
            let mut cells = lock(&self.accounts[shard_of(&effect.address, &U256::ZERO) as usize].0);
            if let Some(cell) = cells.find(&effect.address) {
                let cell = &mut cells.cells[cell as usize];
                let disturbs = cell.put(AccountEntry { tx, estimate: false, change: effect.change.clone() });
                readers = readers.max(if disturbs { cell.readers } else { 0 });
                now.accounts.push(effect.address);
            }
            drop(cells);
            for (slot, value) in &effect.slots {
                let key = (effect.address, *slot);
                let mut cells = lock(&self.slots[shard_of(&key.0, &key.1) as usize].0);
                let Ok(cell) = cells.find_or(key, || Ok::<_, Infallible>(SlotCell::new(key)));
                let cell = &mut cells.cells[cell as usize];
                let disturbs = cell.put(SlotValue { tx, incarnation, value: *value });
                readers = readers.max(if disturbs { cell.readers } else { 0 });
                now.slots.push(key);
            }
        }
        readers = readers.max(self.remove(tx, written, &now));
        *written = now;
        (readers as usize).checked_sub(1).filter(|reader| *reader > index)
    }

    /// Removes the entries of an attempt where its successor has none. Returns who may have read them.
    fn remove(&self, tx: u32, old: &Written, new: &Written) -> u32 {
        let mut readers = 0;
        for address in old.accounts.iter().filter(|address| !new.accounts.contains(address)) {
            let mut cells = lock(&self.accounts[shard_of(address, &U256::ZERO) as usize].0);
            if let Some(cell) = cells.find(address) {
                let cell = &mut cells.cells[cell as usize];
                cell.take(tx);
                readers = readers.max(cell.readers);
            }
        }
        for key in old.slots.iter().filter(|key| !new.slots.contains(key)) {
            let mut cells = lock(&self.slots[shard_of(&key.0, &key.1) as usize].0);
            if let Some(cell) = cells.find(key) {
                let cell = &mut cells.cells[cell as usize];
                cell.entries.retain(|entry| entry.written.tx != tx);
                readers = readers.max(cell.readers);
            }
        }
        readers
    }

    /// Turns an attempt's entries into estimates.
    pub(super) fn retract(&self, index: usize, written: &Written) {
        let tx = index as u32;
        for address in &written.accounts {
            let mut cells = lock(&self.accounts[shard_of(address, &U256::ZERO) as usize].0);
            if let Some(cell) = cells.find(address) {
                let cell = &mut cells.cells[cell as usize];
                cell.entries
                    .iter_mut()
                    .filter(|entry| entry.tx == tx)
                    .for_each(|entry| entry.estimate = true);
            }
        }
        for key in &written.slots {
            let mut cells = lock(&self.slots[shard_of(&key.0, &key.1) as usize].0);
            if let Some(cell) = cells.find(key) {
                let entries = &mut cells.cells[cell as usize].entries;
                entries
                    .iter_mut()
                    .filter(|entry| entry.written.tx == tx)
                    .for_each(|entry| entry.estimate = true);
            }
        }
    }

    /// Commits a transaction's effects; all lower ones are committed. Facts that turn out otherwise than the
    /// effects expect are put right in them. Returns whether any did, and who may have missed the effects if
    /// they had not been recorded.
    ///
    /// # Errors
    /// The pre-state does not give the beneficiary's account.
    pub(super) fn fold(
        &self,
        index: usize,
        incarnation: u32,
        effects: &mut Effects,
        written: &Written,
        recorded: bool,
    ) -> Result<(bool, Option<usize>), StateError> {
        let tx = index as u32;
        let (mut corrected, mut readers) = (false, 0);
        if !recorded {
            readers = self.remove(tx, written, &Written::default());
        }
        for effect in &mut effects.accounts {
            let AccountEffect { address, change, slots, expected, .. } = effect;
            if let Some((hash, code)) = change.code.as_ref().filter(|(_, code)| !code.is_empty()) {
                lock(&self.codes).insert(*hash, code.clone());
            }
            let mut cells = lock(&self.accounts[shard_of(address, &U256::ZERO) as usize].0);
            let Ok(cell) = cells.find_or_load(*address, self.pre) else { continue };
            let (facts, disturbs) = cells.cells[cell as usize].fold(tx, change, self.clearing, recorded);
            readers = readers.max(if disturbs { cells.cells[cell as usize].readers } else { 0 });
            drop(cells);
            if facts.voids_storage(change) {
                self.any_voided.store(true, SeqCst);
            }
            corrected |= facts != *expected;
            *expected = facts;
            for (slot, value) in slots {
                let key = (*address, *slot);
                let mut cells = lock(&self.slots[shard_of(&key.0, &key.1) as usize].0);
                let Ok(cell) = cells.find_or(key, || Ok::<_, Infallible>(SlotCell::new(key)));
                let cell = &mut cells.cells[cell as usize];
                if recorded {
                    cell.entries.retain(|entry| entry.written.tx != tx);
                } else {
                    readers = readers.max(cell.readers);
                }
                cell.committed = Some(SlotValue { tx, incarnation, value: *value });
            }
        }
        if let Some(fee) = effects.fee {
            let shard = shard_of(&self.beneficiary, &U256::ZERO) as usize;
            let mut cells = lock(&self.accounts[shard].0);
            let cell = cells.find_or_load(self.beneficiary, self.pre)?;
            let cell = &mut cells.cells[cell as usize];
            cell.state.credit_fee(fee, self.clearing);
            cell.stamp = cell.stamp.wrapping_add(1);
        }
        Ok((corrected, (readers as usize).checked_sub(1).filter(|reader| *reader > index)))
    }

    /// All committed changes, in order.
    pub(super) fn into_delta(self) -> StateDelta {
        let mut slots = Vec::new();
        for Shard(cells) in self.slots {
            let cells = cells.into_inner().unwrap_or_else(PoisonError::into_inner);
            slots.extend(cells.cells.into_iter().filter_map(|cell| Some((cell.key, cell.committed?))));
        }
        slots.sort_unstable_by_key(|(key, _)| *key);
        let shards = self.accounts.into_iter().map(|Shard(cells)| cells.into_inner());
        let shards: Vec<_> =
            shards.map(|cells| cells.unwrap_or_else(PoisonError::into_inner).cells).collect();
        // References are sorted, which is cheaper than sorting what they refer to.
        let mut cells: Vec<_> = shards.iter().flatten().collect();
        cells.sort_unstable_by_key(|cell| cell.address);
        let mut slots = slots.into_iter().peekable();
        let accounts = cells.into_iter().filter_map(|AccountCell { address, state, voided, .. }| {
            while slots.next_if(|((owner, _), _)| owner < address).is_some() {}
            let mut storage = BTreeMap::new();
            while let Some(((_, slot), written)) = slots.next_if(|((owner, _), _)| owner == address) {
                if voided.is_none_or(|voided| voided <= written.tx) {
                    storage.insert(slot, written.value);
                }
            }
            Some((*address, account_delta(state, storage)?))
        });
        let accounts = accounts.collect();
        let codes = self.codes.into_inner().unwrap_or_else(PoisonError::into_inner);
        StateDelta { accounts, codes }
    }
}

impl<K: std::hash::Hash + Eq + Copy, C> Shard<K, C> {
    fn new() -> Self {
        Self(Mutex::new(Cells { by_key: HashMap::default(), cells: Vec::new() }))
    }
}

impl<K: std::hash::Hash + Eq + Copy, C> Cells<K, C> {
    fn find(&self, key: &K) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    fn find_or<E>(&mut self, key: K, make: impl FnOnce() -> Result<C, E>) -> Result<u32, E> {
        use revm::primitives::hash_map::Entry;
        match self.by_key.entry(key) {
            Entry::Occupied(found) => Ok(*found.get()),
            Entry::Vacant(gap) => {
                let cell = self.cells.len() as u32;
                self.cells.push(make()?);
                Ok(*gap.insert(cell))
            }
        }
    }
}

impl Cells<Address, AccountCell> {
    fn find_or_load(&mut self, address: Address, pre: &dyn PreState) -> Result<u32, StateError> {
        self.find_or(address, || AccountCell::load(pre, address))
    }
}

impl AccountCell {
    fn load(pre: &dyn PreState, address: Address) -> Result<Self, StateError> {
        let (read, code) = AccountRead::from_info(pre.account(address)?);
        let state = AccountState::new(read, code);
        Ok(Self { address, state, stamp: 0, voided: None, entries: Vec::new(), readers: 0 })
    }

    fn resolve(&self, index: usize, clearing: bool) -> (AccountRead, Option<Bytecode>, Option<usize>) {
        let (mut read, mut code) = (self.state.read, self.state.code.as_ref());
        let mut blocker = None;
        for entry in self.entries.iter().take_while(|entry| (entry.tx as usize) < index) {
            let facts = read.apply(&entry.change, clearing);
            code = match &entry.change.code {
                _ if facts.gone => None,
                Some((_, code)) => Some(code),
                None => code,
            };
            if entry.estimate {
                blocker = Some(entry.tx as usize);
            }
        }
        (read, code.cloned(), blocker)
    }

    fn voided(&self, index: usize, clearing: bool) -> (Option<u32>, Option<usize>) {
        let mut read = self.state.read;
        let (mut voided, mut blocker) = (self.voided, None);
        for entry in self.entries.iter().take_while(|entry| (entry.tx as usize) < index) {
            if read.apply(&entry.change, clearing).voids_storage(&entry.change) {
                voided = Some(entry.tx);
            }
            if entry.estimate {
                blocker = Some(entry.tx as usize);
            }
        }
        (voided, blocker)
    }

    /// Returns whether the entry changes more than a balance or a nonce.
    fn put(&mut self, new: AccountEntry) -> bool {
        self.stamp = self.stamp.wrapping_add(1);
        let mut disturbs = new.change.disturbs();
        match self.entries.binary_search_by_key(&new.tx, |entry| entry.tx) {
            Ok(found) => {
                let old = &self.entries[found].change;
                disturbs |= old.disturbs();
                disturbs &= *old != new.change;
                self.entries[found] = new;
            }
            Err(gap) => self.entries.insert(gap, new),
        }
        disturbs
    }

    fn take(&mut self, tx: u32) {
        self.stamp = self.stamp.wrapping_add(1);
        self.entries.retain(|entry| entry.tx != tx);
    }

    /// Returns what was found out, and whether higher transactions may have missed more than a shift.
    fn fold(&mut self, tx: u32, change: &Change, clearing: bool, recorded: bool) -> (Facts, bool) {
        if recorded {
            self.entries.retain(|entry| entry.tx != tx);
        } else {
            self.stamp = self.stamp.wrapping_add(1);
        }
        let facts = self.state.apply(change, clearing);
        if facts.voids_storage(change) {
            self.voided = Some(tx);
        }
        (facts, !recorded && change.disturbs())
    }
}

impl SlotCell {
    const fn new(key: (Address, U256)) -> Self {
        Self { key, pre: None, committed: None, entries: Vec::new(), readers: 0 }
    }

    fn resolve(
        &mut self,
        index: usize,
        voided: (Option<u32>, Option<usize>),
        handle: Handle,
        pre: &dyn PreState,
    ) -> Result<SlotSeen, StateError> {
        let below = self.entries.partition_point(|entry| (entry.written.tx as usize) < index);
        let entry = self.entries[..below].last();
        let written = entry.map(|entry| entry.written).or(self.committed);
        let estimate = entry.filter(|entry| entry.estimate).map(|entry| entry.written.tx as usize);
        let (voided, void_estimate) = voided;
        let (value, version) = match (written, voided) {
            (Some(SlotValue { tx, incarnation, value }), _) if voided.is_none_or(|voided| voided <= tx) => {
                (value, Version::Written { tx, incarnation })
            }
            (_, Some(tx)) => (U256::ZERO, Version::Voided { tx }),
            _ => {
                let value = match self.pre {
                    Some(value) => value,
                    None => *self.pre.insert(pre.storage(self.key.0, self.key.1)?),
                };
                (value, Version::Pre)
            }
        };
        Ok(SlotSeen { value, version, handle, blocker: estimate.max(void_estimate) })
    }

    /// Returns whether the value is not what was there already.
    fn put(&mut self, written: SlotValue) -> bool {
        let entry = SlotEntry { written, estimate: false };
        match self.entries.binary_search_by_key(&written.tx, |entry| entry.written.tx) {
            Ok(found) => {
                let same = self.entries[found].written.value == written.value;
                self.entries[found] = entry;
                !same
            }
            Err(gap) => {
                self.entries.insert(gap, entry);
                true
            }
        }
    }
}

impl Change {
    /// Whether it changes more than a balance or a nonce, which hardly anybody reads exactly.
    fn disturbs(&self) -> bool {
        self.reset.is_some() || self.code.is_some()
    }
}
