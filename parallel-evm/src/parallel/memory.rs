//! Multi-version memory: the committed state, and over it what executed transactions would change.
//!
//! Every account and every slot has a cell: its committed value and the entries of uncommitted transactions, in
//! order. Transaction `i` sees the committed value with the entries below `i` folded in. Entries of retracted
//! attempts stay, as estimates: they are read, and told. Committing a transaction folds its entries into the
//! committed values, so cells stay short. Storage belongs to an account's life: a slot written before the account
//! was last destroyed or created counts as zero.
//!
//! Cells live in shards, each behind a lock held for one access; a handle finds a cell again without hashing.
//! Slots are keyed by their account's handle. No two locks are held at once.

use super::{
    cells::{AccountCell, AccountEntry, SlotCell, SlotKey, SlotValue, Version},
    sync::{AtomicBool, Mutex, SeqCst, lock},
};
use crate::{
    Block, PreState, StateDelta, StateError,
    account::AccountRead,
    evm::{Effects, Loaded},
};
use revm::{
    primitives::{Address, B256, HashMap, U256, hardfork::SpecId},
    state::{AccountId, Bytecode},
};
use std::{collections::BTreeMap, convert::Infallible, sync::PoisonError};

/// Many more shards than threads, so that threads seldom meet at a lock.
const SHARD_BITS: u32 = 6;

pub(super) struct Memory<'p> {
    pre: &'p dyn PreState,
    beneficiary: Address,
    clearing: bool,
    accounts: Box<[Shard<Address, AccountCell>]>,
    slots: Box<[Shard<SlotKey, SlotCell>]>,
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

/// Where a cell is: its shard in the upper bits, its index there in the lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Handle(u32);

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

/// Where a transaction's last attempt has entries: one for every account of its effects, one for every slot.
#[derive(Default)]
pub(super) struct Written {
    accounts: Vec<Handle>,
    slots: Vec<Handle>,
    /// Memory of the attempt before.
    before: (Vec<Handle>, Vec<Handle>),
}

impl Written {
    /// Whether it has neither content nor memory.
    pub(super) fn is_unused(&self) -> bool {
        self.accounts.capacity() == 0
    }

    pub(super) fn clear(&mut self) {
        self.accounts.clear();
        self.slots.clear();
    }
}

impl Handle {
    fn new(shard: usize, cell: u32) -> Self {
        debug_assert!(cell < 1 << (32 - SHARD_BITS));
        Self((shard as u32) << (32 - SHARD_BITS) | cell)
    }

    const fn shard(self) -> usize {
        (self.0 >> (32 - SHARD_BITS)) as usize
    }

    const fn cell(self) -> usize {
        (self.0 & ((1 << (32 - SHARD_BITS)) - 1)) as usize
    }

    pub(super) const fn number(self) -> u32 {
        self.0
    }

    /// As revm carries it from an account to its slots.
    pub(super) fn place(self) -> Option<AccountId> {
        AccountId::new(self.0 as usize)
    }
}

impl From<AccountId> for Handle {
    fn from(place: AccountId) -> Self {
        Self(place.get() as u32)
    }
}

fn spread(mixed: u64) -> usize {
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SHARD_BITS)) as usize
}

fn shard_of(address: &Address) -> usize {
    let mut low = [0; 8];
    low.copy_from_slice(&address[12..]);
    spread(u64::from_le_bytes(low))
}

fn slot_shard_of(key: &SlotKey) -> usize {
    let limbs = key.slot.as_limbs();
    spread(u64::from(key.account.0) << 20 ^ limbs[0].rotate_left(17) ^ limbs[3])
}

impl<'p> Memory<'p> {
    pub(super) fn new(block: &Block, pre: &'p dyn PreState) -> Self {
        // About two accounts and two slots a transaction; more make a shard grow.
        let capacity = (block.transactions.len() * 2) >> SHARD_BITS;
        Self {
            pre,
            beneficiary: block.env.beneficiary,
            clearing: block.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON),
            accounts: (0..1 << SHARD_BITS).map(|_| Shard::new(capacity)).collect(),
            slots: (0..1 << SHARD_BITS).map(|_| Shard::new(capacity)).collect(),
            any_voided: AtomicBool::new(false),
            codes: Mutex::new(BTreeMap::new()),
        }
    }

    /// The account as the transaction at `index` sees it; its code unless who asks `knows` it.
    pub(super) fn account(
        &self,
        index: usize,
        address: Address,
        knows: impl FnOnce(&B256) -> bool,
    ) -> Result<AccountSeen, StateError> {
        let shard = shard_of(&address);
        let mut cells = lock(&self.accounts[shard].0);
        let at = cells.find_or(address, || AccountCell::load(self.pre, address))?;
        let cell = &mut cells.cells[at as usize];
        cell.readers = cell.readers.max(index as u32 + 1);
        let (read, code, blocker) = cell.resolve(index, self.clearing);
        let code = code.filter(|_| !knows(&read.code_hash)).cloned();
        Ok(AccountSeen { read, code, handle: Handle::new(shard, at), stamp: cell.stamp, blocker })
    }

    /// The slot as the transaction at `index` sees it.
    pub(super) fn slot(
        &self,
        index: usize,
        address: Address,
        place: Option<AccountId>,
        slot: U256,
    ) -> Result<SlotSeen, StateError> {
        let account = self.handle(address, place)?;
        let voided = self.voided(index, account);
        let key = SlotKey { account, slot };
        let shard = slot_shard_of(&key);
        let mut cells = lock(&self.slots[shard].0);
        let Ok(at) = cells.find_or(key, || Ok::<_, Infallible>(SlotCell::new(key)));
        let cell = &mut cells.cells[at as usize];
        cell.readers = cell.readers.max(index as u32 + 1);
        cell.resolve(index, voided, Handle::new(shard, at), address, self.pre)
    }

    fn handle(&self, address: Address, place: Option<AccountId>) -> Result<Handle, StateError> {
        if let Some(place) = place {
            return Ok(place.into());
        }
        let shard = shard_of(&address);
        let at = lock(&self.accounts[shard].0).find_or(address, || AccountCell::load(self.pre, address))?;
        Ok(Handle::new(shard, at))
    }

    pub(super) fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.pre.code(hash)
    }

    pub(super) fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.pre.block_hash(number)
    }

    /// The last transaction below `index` that voided the account's storage, and the highest estimate among
    /// those that touched the account.
    fn voided(&self, index: usize, account: Handle) -> (Option<u32>, Option<usize>) {
        if !self.any_voided.load(SeqCst) {
            return (None, None);
        }
        lock(&self.accounts[account.shard()].0).cells[account.cell()].voided(index, self.clearing)
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
        let cells = lock(&self.accounts[handle.shard()].0);
        let cell = &cells.cells[handle.cell()];
        let unchanged = cell.stamp == stamp;
        // At the frontier there are no estimates below.
        if unchanged && !loaded.static_nonce && (committed || cell.entries.is_empty()) {
            return (true, None);
        }
        let (now, blocker) = cell.resolve_read(index, self.clearing);
        (loaded.admits(&now, committed), blocker)
    }

    /// Whether the transaction at `index` would read the same from a slot.
    pub(super) fn still_reads(&self, index: usize, seen: &SlotSeen) -> (bool, Option<usize>) {
        let handle = seen.handle;
        let voided = match self.any_voided.load(SeqCst) {
            false => (None, None),
            true => {
                let account = lock(&self.slots[handle.shard()].0).cells[handle.cell()].key.account;
                self.voided(index, account)
            }
        };
        let cells = lock(&self.slots[handle.shard()].0);
        // First versions, which say more often than not that nothing happened; then values.
        let (version, value, blocker) = cells.cells[handle.cell()].version(index, voided);
        (version == seen.version || value == Some(seen.value), blocker)
    }

    /// Replaces a transaction's entries by those of a new attempt. Returns the highest transaction that may
    /// have missed them. Shifts of balances do not count: what they invalidate is found at the frontier.
    ///
    /// # Errors
    /// The pre-state does not give an account.
    pub(super) fn record(
        &self,
        index: usize,
        incarnation: u32,
        effects: &Effects,
        written: &mut Written,
    ) -> Result<Option<usize>, StateError> {
        let tx = index as u32;
        let mut readers = 0;
        written.before.0.clone_from(&written.accounts);
        written.before.1.clone_from(&written.slots);
        written.clear();
        for (effect, slots) in effects.iter() {
            if effect.change.reset.is_some() {
                self.any_voided.store(true, SeqCst);
            }
            let account = self.handle(effect.address, effect.place)?;
            let mut cells = lock(&self.accounts[account.shard()].0);
            let cell = &mut cells.cells[account.cell()];
            let entry = AccountEntry { tx, estimate: false, change: effect.change.clone() };
            let disturbs = cell.put(entry, self.clearing);
            readers = readers.max(if disturbs { cell.readers } else { 0 });
            drop(cells);
            written.accounts.push(account);
            for (slot, value) in slots {
                let key = SlotKey { account, slot: *slot };
                let shard = slot_shard_of(&key);
                let mut cells = lock(&self.slots[shard].0);
                let Ok(at) = cells.find_or(key, || Ok::<_, Infallible>(SlotCell::new(key)));
                let cell = &mut cells.cells[at as usize];
                let disturbs = cell.put(SlotValue { tx, incarnation, value: *value });
                readers = readers.max(if disturbs { cell.readers } else { 0 });
                written.slots.push(Handle::new(shard, at));
            }
        }
        let (accounts, slots) = std::mem::take(&mut written.before);
        readers = readers.max(self.remove(tx, (&accounts, &slots), written));
        written.before = (accounts, slots);
        Ok((readers as usize).checked_sub(1).filter(|reader| *reader > index))
    }

    /// Removes the entries of an attempt where its successor has none. Returns who may have read them.
    fn remove(&self, tx: u32, old: (&[Handle], &[Handle]), new: &Written) -> u32 {
        fn gone(old: &[Handle], new: &[Handle]) -> Vec<Handle> {
            if old == new {
                return Vec::new();
            }
            let mut kept = new.to_vec();
            kept.sort_unstable();
            old.iter().copied().filter(|handle| kept.binary_search(handle).is_err()).collect()
        }
        let mut readers = 0;
        for handle in gone(old.0, &new.accounts) {
            let mut cells = lock(&self.accounts[handle.shard()].0);
            let cell = &mut cells.cells[handle.cell()];
            cell.take(tx);
            readers = readers.max(cell.readers);
        }
        for handle in gone(old.1, &new.slots) {
            let mut cells = lock(&self.slots[handle.shard()].0);
            let cell = &mut cells.cells[handle.cell()];
            cell.entries.retain(|entry| entry.written.tx != tx);
            readers = readers.max(cell.readers);
        }
        readers
    }

    /// Turns an attempt's entries into estimates.
    pub(super) fn retract(&self, index: usize, written: &Written) {
        let tx = index as u32;
        for handle in &written.accounts {
            let mut cells = lock(&self.accounts[handle.shard()].0);
            let cell = &mut cells.cells[handle.cell()];
            cell.tip = None;
            cell.entries.iter_mut().filter(|entry| entry.tx == tx).for_each(|entry| entry.estimate = true);
        }
        for handle in &written.slots {
            let mut cells = lock(&self.slots[handle.shard()].0);
            let entries = &mut cells.cells[handle.cell()].entries;
            entries.iter_mut().filter(|entry| entry.written.tx == tx).for_each(|entry| entry.estimate = true);
        }
    }

    /// Commits a transaction's effects; all lower ones are committed. Facts that turn out otherwise than the
    /// effects expect are put right in them. `recorded`: the effects are those that were recorded last, where
    /// `written` says. Returns whether any fact was put right, and who may have missed the effects if they had
    /// not been recorded.
    ///
    /// # Errors
    /// The pre-state does not give an account.
    pub(super) fn fold(
        &self,
        index: usize,
        incarnation: u32,
        effects: &mut Effects,
        written: &mut Written,
        recorded: bool,
    ) -> Result<(bool, Option<usize>), StateError> {
        let tx = index as u32;
        let (mut corrected, mut readers) = (false, 0);
        if !recorded && !written.accounts.is_empty() {
            let (accounts, slots) =
                (std::mem::take(&mut written.accounts), std::mem::take(&mut written.slots));
            readers = self.remove(tx, (&accounts, &slots), written);
        }
        let mut rest = effects.slots.as_slice();
        let mut handles = written.slots.iter();
        for (at, effect) in effects.accounts.iter_mut().enumerate() {
            let (slots, others) = rest.split_at(effect.slots);
            rest = others;
            let change = &effect.change;
            if let Some((hash, code)) = change.code.as_ref().filter(|(_, code)| !code.is_empty()) {
                lock(&self.codes).insert(*hash, code.clone());
            }
            let account = match recorded {
                true => written.accounts[at],
                false => self.handle(effect.address, effect.place)?,
            };
            let mut cells = lock(&self.accounts[account.shard()].0);
            let cell = &mut cells.cells[account.cell()];
            let (facts, disturbs) = cell.fold(tx, change, self.clearing, recorded);
            readers = readers.max(if disturbs { cell.readers } else { 0 });
            drop(cells);
            if facts.voids_storage(change) {
                self.any_voided.store(true, SeqCst);
            }
            corrected |= facts != effect.expected;
            effect.expected = facts;
            for (slot, value) in slots {
                let value = SlotValue { tx, incarnation, value: *value };
                if let (true, Some(handle)) = (recorded, handles.next()) {
                    let mut cells = lock(&self.slots[handle.shard()].0);
                    let cell = &mut cells.cells[handle.cell()];
                    cell.entries.retain(|entry| entry.written.tx != tx);
                    cell.committed = Some(value);
                } else {
                    let key = SlotKey { account, slot: *slot };
                    let mut cells = lock(&self.slots[slot_shard_of(&key)].0);
                    let Ok(at) = cells.find_or(key, || Ok::<_, Infallible>(SlotCell::new(key)));
                    let cell = &mut cells.cells[at as usize];
                    readers = readers.max(cell.readers);
                    cell.committed = Some(value);
                }
            }
        }
        if let Some(fee) = effects.fee {
            let mut cells = lock(&self.accounts[shard_of(&self.beneficiary)].0);
            let at = cells.find_or(self.beneficiary, || AccountCell::load(self.pre, self.beneficiary))?;
            let cell = &mut cells.cells[at as usize];
            cell.state.credit_fee(fee, self.clearing);
            cell.stamp = cell.stamp.wrapping_add(1);
            cell.tip = None;
        }
        Ok((corrected, (readers as usize).checked_sub(1).filter(|reader| *reader > index)))
    }

    /// All committed changes, in order.
    pub(super) fn into_delta(self) -> StateDelta {
        let mut slots = Vec::new();
        for Shard(cells) in self.slots {
            let cells = cells.into_inner().unwrap_or_else(PoisonError::into_inner);
            let written = cells.cells.into_iter().filter_map(|cell| Some((cell.key, cell.committed?)));
            slots.extend(written.map(|(key, written)| (key.account, key.slot, written)));
        }
        slots.sort_unstable_by_key(|(account, slot, _)| (*account, *slot));
        let shards = self.accounts.into_iter().map(|Shard(cells)| cells.into_inner());
        let shards: Vec<_> =
            shards.map(|cells| cells.unwrap_or_else(PoisonError::into_inner).cells).collect();
        // References are sorted, which is cheaper than sorting what they refer to.
        let handled = |(shard, cells)| {
            std::iter::zip(0.., cells)
                .map(move |(at, cell): (u32, &AccountCell)| (Handle::new(shard, at), cell))
        };
        let mut cells: Vec<_> = shards.iter().enumerate().flat_map(handled).collect();
        cells.sort_unstable_by_key(|(_, cell)| cell.address);
        let accounts =
            cells.into_iter().filter_map(|(handle, AccountCell { address, state, voided, .. })| {
                let first = slots.partition_point(|(account, ..)| *account < handle);
                let own = slots[first..].iter().take_while(|(account, ..)| *account == handle);
                let valid = own.filter(|(_, _, written)| voided.is_none_or(|voided| voided <= written.tx));
                let storage: BTreeMap<_, _> =
                    valid.map(|(_, slot, written)| (*slot, written.value)).collect();
                Some((*address, state.delta(storage)?))
            });
        let accounts = accounts.collect();
        let codes = self.codes.into_inner().unwrap_or_else(PoisonError::into_inner);
        StateDelta { accounts, codes }
    }
}

impl<K: std::hash::Hash + Eq + Copy, C> Shard<K, C> {
    fn new(capacity: usize) -> Self {
        let by_key = HashMap::with_capacity_and_hasher(capacity, Default::default());
        Self(Mutex::new(Cells { by_key, cells: Vec::with_capacity(capacity) }))
    }
}

impl<K: std::hash::Hash + Eq + Copy, C> Cells<K, C> {
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
