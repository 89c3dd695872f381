//! Multi-version memory: the committed state, and over it what executed transactions would change.
//!
//! Every account and every slot has a cell: its committed value and the entries of uncommitted transactions, in
//! order. Transaction `i` sees the committed value with the entries below `i` folded in. Entries of retracted
//! attempts stay, as estimates: they are read, and told. Committing a transaction folds its entries into the
//! committed values, so cells stay short. Storage belongs to an account's life: a slot written before the account
//! was last destroyed or created counts as zero.
//!
//! Cells live in shards, each behind a lock held for one access; a handle finds a cell again without hashing.
//! Slots are keyed by their account's handle. No two locks are held at once. What nobody has written yet is read from
//! the pre-state, without lock or cell.

use super::{
    cells::{AccountCell, AccountEntry, SlotCell, SlotKey, SlotValue, Version},
    changes::changes,
    marks::Marks,
    sync::{AtomicBool, MARKS, Mutex, SeqCst, lock},
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
    written_accounts: Marks,
    written_slots: Marks,
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
    /// Zero: as in the pre-state.
    pub(super) stamp: u32,
    pub(super) blocker: Option<usize>,
}

/// A slot as a transaction sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotSeen {
    pub(super) value: U256,
    pub(super) version: Version,
    pub(super) key: SlotKey,
    /// None: nobody had written it.
    pub(super) handle: Option<Handle>,
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
    pub(super) fn new(shard: usize, cell: u32) -> Self {
        debug_assert!(cell < 1 << (32 - SHARD_BITS));
        Self((shard as u32) << (32 - SHARD_BITS) | cell)
    }

    pub(super) const fn shard(self) -> usize {
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

/// A hash whose upper bits choose a shard, and the ones below a mark.
#[derive(Clone, Copy)]
struct Spread(u64);

impl Spread {
    const fn of(mixed: u64) -> Self {
        Self(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn account(address: &Address) -> Self {
        let mut low = [0; 8];
        low.copy_from_slice(&address[12..]);
        Self::of(u64::from_le_bytes(low))
    }

    fn slot(key: &SlotKey) -> Self {
        let limbs = key.slot.as_limbs();
        Self::of(u64::from(key.account.0) << 20 ^ limbs[0].rotate_left(17) ^ limbs[3])
    }

    const fn shard(self) -> usize {
        (self.0 >> (64 - SHARD_BITS)) as usize
    }

    const fn mark(self) -> u64 {
        self.0 >> 32
    }
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
            written_accounts: Marks::new(MARKS.0),
            written_slots: Marks::new(MARKS.1),
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
        let shard = Spread::account(&address).shard();
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
        let key = SlotKey { account, slot };
        let spread = Spread::slot(&key);
        if self.is_unwritten(spread) {
            let value = self.pre.storage(address, slot)?;
            return Ok(SlotSeen { value, version: Version::Pre, key, handle: None, blocker: None });
        }
        let voided = self.voided(index, account);
        let shard = spread.shard();
        let mut cells = lock(&self.slots[shard].0);
        let Ok(at) = cells.find_or(key, || Ok::<_, Infallible>(SlotCell::new(key)));
        let cell = &mut cells.cells[at as usize];
        cell.readers = cell.readers.max(index as u32 + 1);
        cell.resolve(index, voided, Handle::new(shard, at), address, self.pre)
    }

    /// Whether an account is as in the pre-state, for all that is committed or recorded.
    pub(super) fn is_unwritten_account(&self, address: &Address) -> bool {
        self.written_accounts.is_clean(Spread::account(address).mark())
    }

    /// Whether an account was given with code by the pre-state. A guess is all that is needed.
    pub(super) fn had_code(&self, address: Address) -> bool {
        let account = self.pre.account(address).ok().flatten();
        account.is_some_and(|account| !account.is_empty_code_hash() && !account.code_hash.is_zero())
    }

    fn is_unwritten(&self, slot: Spread) -> bool {
        self.written_slots.is_clean(slot.mark()) && !self.any_voided.load(SeqCst)
    }

    fn handle(&self, address: Address, place: Option<AccountId>) -> Result<Handle, StateError> {
        if let Some(place) = place {
            return Ok(place.into());
        }
        let shard = Spread::account(&address).shard();
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
        if stamp == 0 && !loaded.static_nonce && self.is_unwritten_account(&loaded.address) {
            return (true, None);
        }
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
        let spread = Spread::slot(&seen.key);
        if seen.handle.is_none() && self.is_unwritten(spread) {
            return (true, None);
        }
        let voided = self.voided(index, seen.key.account);
        let handle = match seen.handle {
            Some(handle) => handle,
            None => {
                let mut cells = lock(&self.slots[spread.shard()].0);
                let Ok(at) = cells.find_or(seen.key, || Ok::<_, Infallible>(SlotCell::new(seen.key)));
                Handle::new(spread.shard(), at)
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
            self.written_accounts.set(Spread::account(&effect.address).mark());
            let mut cells = lock(&self.accounts[account.shard()].0);
            let cell = &mut cells.cells[account.cell()];
            let entry = AccountEntry { tx, estimate: false, change: effect.change.clone() };
            let disturbs = cell.put(entry, self.clearing);
            readers = readers.max(if disturbs { cell.readers } else { 0 });
            drop(cells);
            written.accounts.push(account);
            for (slot, value) in slots {
                let key = SlotKey { account, slot: *slot };
                let spread = Spread::slot(&key);
                self.written_slots.set(spread.mark());
                let shard = spread.shard();
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
            self.written_accounts.set(Spread::account(&effect.address).mark());
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
                    let spread = Spread::slot(&key);
                    self.written_slots.set(spread.mark());
                    let mut cells = lock(&self.slots[spread.shard()].0);
                    let Ok(at) = cells.find_or(key, || Ok::<_, Infallible>(SlotCell::new(key)));
                    let cell = &mut cells.cells[at as usize];
                    readers = readers.max(cell.readers);
                    cell.committed = Some(value);
                }
            }
        }
        if let Some(fee) = effects.fee {
            let spread = Spread::account(&self.beneficiary);
            self.written_accounts.set(spread.mark());
            let mut cells = lock(&self.accounts[spread.shard()].0);
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
        let accounts = self.accounts.into_iter().map(Shard::into_cells).collect();
        let slots = self.slots.into_iter().map(Shard::into_cells).collect();
        let codes = self.codes.into_inner().unwrap_or_else(PoisonError::into_inner);
        StateDelta { accounts: changes(accounts, slots), codes }
    }
}

impl<K: std::hash::Hash + Eq + Copy, C> Shard<K, C> {
    fn new(capacity: usize) -> Self {
        let by_key = HashMap::with_capacity_and_hasher(capacity, Default::default());
        Self(Mutex::new(Cells { by_key, cells: Vec::with_capacity(capacity) }))
    }

    fn into_cells(self) -> Vec<C> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).cells
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
