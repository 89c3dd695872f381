//! The cells of the multi-version memory: one account or one slot each, its committed value and the entries of
//! uncommitted transactions over it, in order. Whoever uses a cell holds the lock of its shard.

use super::memory::{Handle, SlotSeen};
use crate::{
    PreState, StateError,
    account::{AccountRead, AccountState, Change, Facts},
};
use revm::{
    primitives::{Address, U256},
    state::Bytecode,
};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// A slot of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotKey {
    pub(super) account: Handle,
    pub(super) slot: U256,
}

pub(super) struct AccountCell {
    pub(super) address: Address,
    pub(super) state: AccountState,
    /// Changes with everything that can change what a transaction sees, commits of what it saw excepted.
    pub(super) stamp: u32,
    /// The last committed transaction that voided the storage.
    pub(super) voided: Option<u32>,
    pub(super) entries: SmallVec<[AccountEntry; 1]>,
    /// The state with all entries folded in, if that is known, they do no more than shift and count, and none
    /// is an estimate: what most readers of an account with many entries see.
    pub(super) tip: Option<AccountRead>,
    /// One above the highest transaction that has read it.
    pub(super) readers: u32,
}

pub(super) struct AccountEntry {
    pub(super) tx: u32,
    pub(super) estimate: bool,
    pub(super) change: Change,
}

pub(super) struct SlotCell {
    pub(super) key: SlotKey,
    pub(super) pre: Option<U256>,
    pub(super) committed: Option<SlotValue>,
    pub(super) entries: SmallVec<[SlotEntry; 1]>,
    pub(super) readers: u32,
}

#[derive(Clone, Copy)]
pub(super) struct SlotValue {
    pub(super) tx: u32,
    pub(super) incarnation: u32,
    pub(super) value: U256,
}

pub(super) struct SlotEntry {
    pub(super) written: SlotValue,
    pub(super) estimate: bool,
}

/// Where a slot's value came from: equal versions mean equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Pre,
    Written { tx: u32, incarnation: u32 },
    Voided { tx: u32 },
}

impl Hash for SlotKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.account.number());
        self.slot.as_limbs().iter().for_each(|limb| state.write_u64(*limb));
    }
}

impl AccountCell {
    pub(super) fn load(pre: &dyn PreState, address: Address) -> Result<Self, StateError> {
        let (read, code) = AccountRead::from_info(pre.account(address)?);
        let state = AccountState::new(read, code);
        Ok(Self { address, state, stamp: 0, voided: None, entries: SmallVec::new(), tip: None, readers: 0 })
    }

    /// The tip, if it is what the transaction at `index` sees.
    pub(super) fn seen_tip(&self, index: usize) -> Option<&AccountRead> {
        let last = self.entries.last()?;
        self.tip.as_ref().filter(|_| (last.tx as usize) < index)
    }

    /// As below, without the code.
    pub(super) fn resolve_read(&self, index: usize, clearing: bool) -> (AccountRead, Option<usize>) {
        if self.entries.is_empty() {
            return (self.state.read, None);
        }
        if let Some(tip) = self.seen_tip(index) {
            return (*tip, None);
        }
        let (read, _, blocker) = self.resolve(index, clearing);
        (read, blocker)
    }

    pub(super) fn resolve(
        &self,
        index: usize,
        clearing: bool,
    ) -> (AccountRead, Option<&Bytecode>, Option<usize>) {
        if let Some(tip) = self.seen_tip(index) {
            return (*tip, self.state.code.as_ref(), None);
        }
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
        (read, code, blocker)
    }

    pub(super) fn voided(&self, index: usize, clearing: bool) -> (Option<u32>, Option<usize>) {
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
    pub(super) fn put(&mut self, new: AccountEntry, clearing: bool) -> bool {
        self.stamp = self.stamp.wrapping_add(1);
        let tip = if self.entries.is_empty() { Some(self.state.read) } else { self.tip };
        let is_last = self.entries.last().is_none_or(|last| last.tx < new.tx);
        self.tip = tip.filter(|_| is_last && !new.change.disturbs()).map(|mut tip| {
            tip.apply(&new.change, clearing);
            tip
        });
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

    pub(super) fn take(&mut self, tx: u32) {
        self.stamp = self.stamp.wrapping_add(1);
        self.tip = None;
        self.entries.retain(|entry| entry.tx != tx);
    }

    /// Returns what was found out, and whether higher transactions may have missed more than a shift.
    pub(super) fn fold(&mut self, tx: u32, change: &Change, clearing: bool, recorded: bool) -> (Facts, bool) {
        if recorded {
            // The lowest: what all entries amount to stays the same.
            if let Ok(own) = self.entries.binary_search_by_key(&tx, |entry| entry.tx) {
                self.entries.remove(own);
            }
        } else {
            self.stamp = self.stamp.wrapping_add(1);
            self.tip = None;
        }
        let facts = self.state.apply(change, clearing);
        if facts.voids_storage(change) {
            self.voided = Some(tx);
        }
        (facts, !recorded && change.disturbs())
    }
}

impl SlotCell {
    pub(super) const fn new(key: SlotKey) -> Self {
        Self { key, pre: None, committed: None, entries: SmallVec::new_const(), readers: 0 }
    }

    /// What the transaction at `index` sees, and the highest estimate in it. No value: that of the pre-state,
    /// which nobody has asked for yet.
    pub(super) fn version(
        &self,
        index: usize,
        voided: (Option<u32>, Option<usize>),
    ) -> (Version, Option<U256>, Option<usize>) {
        let below = self.entries.partition_point(|entry| (entry.written.tx as usize) < index);
        let entry = self.entries[..below].last();
        let written = entry.map(|entry| entry.written).or(self.committed);
        let estimate = entry.filter(|entry| entry.estimate).map(|entry| entry.written.tx as usize);
        let (voided, void_estimate) = voided;
        let (version, value) = match (written, voided) {
            (Some(SlotValue { tx, incarnation, value }), _) if voided.is_none_or(|voided| voided <= tx) => {
                (Version::Written { tx, incarnation }, Some(value))
            }
            (_, Some(tx)) => (Version::Voided { tx }, Some(U256::ZERO)),
            _ => (Version::Pre, self.pre),
        };
        (version, value, estimate.max(void_estimate))
    }

    pub(super) fn resolve(
        &mut self,
        index: usize,
        voided: (Option<u32>, Option<usize>),
        handle: Handle,
        address: Address,
        pre: &dyn PreState,
    ) -> Result<SlotSeen, StateError> {
        let (version, value, blocker) = self.version(index, voided);
        let value = match value {
            Some(value) => value,
            None => *self.pre.insert(pre.storage(address, self.key.slot)?),
        };
        Ok(SlotSeen { value, version, key: self.key, handle: Some(handle), blocker })
    }

    /// Returns whether the value is not what was there already.
    pub(super) fn put(&mut self, written: SlotValue) -> bool {
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
    pub(super) fn disturbs(&self) -> bool {
        self.reset.is_some() || self.code.is_some()
    }
}
