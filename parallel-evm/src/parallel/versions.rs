//! Multi-version memory: for every location the latest write of every transaction.
//!
//! A read by transaction `i` sees the write of the highest index below `i`, else the pre-state. Balance,
//! nonce, code and each slot are locations of their own. A write of an aborted attempt stays as an estimate:
//! whoever reads it waits. Deletion and creation leave a mark that hides older slots. Fees kept apart are
//! summed up by whoever reads the beneficiary.

use super::{lock, view::ReadLog};
use crate::{
    Block, PreState, StateError,
    evm::{AccountRead, Footprint, ViewError, Writes},
};
use revm::{
    primitives::{Address, B256, HashMap, U256, hardfork::SpecId},
    state::Bytecode,
};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

/// More shards than threads, so that threads seldom meet at a lock.
const SHARDS: usize = 64;

type AccountShard = Mutex<HashMap<Address, AccountHistory>>;
type SlotShard = Mutex<HashMap<(Address, U256), History<U256>>>;

pub(super) struct Versions<'p> {
    pre: &'p dyn PreState,
    beneficiary: Address,
    state_clearing: bool,
    accounts: Vec<AccountShard>,
    slots: Vec<SlotShard>,
    /// Whether any storage was ever cleared; spares the look at the account until then.
    any_cleared: AtomicBool,
    /// By content, so entries of aborted attempts do no harm.
    codes: Mutex<HashMap<B256, Bytecode>>,
    transactions: Vec<Mutex<Recorded>>,
}

#[derive(Default)]
struct AccountHistory {
    balance: History<U256>,
    nonce: History<u64>,
    code: History<(bool, B256)>,
    cleared: History<()>,
}

/// Where a transaction's latest attempt wrote, and the fee it left to be credited.
#[derive(Default)]
struct Recorded {
    accounts: Vec<Address>,
    slots: Vec<(Address, U256)>,
    /// `None` until known; then the fee, if the transaction left one.
    fee: Option<Option<U256>>,
}

impl<'p> Versions<'p> {
    pub(super) fn new(block: &Block, pre: &'p dyn PreState) -> Self {
        Self {
            pre,
            beneficiary: block.env.beneficiary,
            state_clearing: block.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON),
            accounts: (0..SHARDS).map(|_| Mutex::default()).collect(),
            slots: (0..SHARDS).map(|_| Mutex::default()).collect(),
            any_cleared: AtomicBool::new(false),
            codes: Mutex::default(),
            transactions: block.transactions.iter().map(|_| Mutex::default()).collect(),
        }
    }

    /// The account as the transaction at `index` sees it.
    pub(super) fn account(&self, index: usize, address: Address) -> Result<AccountRead, ViewError> {
        let (balance, nonce, code) = match lock(self.account_shard(address)).get(&address) {
            Some(history) => {
                (history.balance.before(index)?, history.nonce.before(index)?, history.code.before(index)?)
            }
            None => (None, None, None),
        };
        let mut read = match (balance, nonce, code) {
            (Some((_, balance)), Some((_, nonce)), Some((_, (exists, code_hash)))) => {
                AccountRead { exists, nonce, balance, code_hash }
            }
            _ => AccountRead::from_info(self.pre.account(address)?),
        };
        if address == self.beneficiary {
            return self.with_fees(index, read, balance, nonce, code);
        }
        if let Some((_, nonce)) = nonce {
            read.nonce = nonce;
        }
        if let Some((_, balance)) = balance {
            read.balance = balance;
        }
        if let Some((_, (exists, code_hash))) = code {
            (read.exists, read.code_hash) = (exists, code_hash);
        }
        Ok(read)
    }

    /// Replays, in order, writes to the beneficiary and the fees left to it.
    fn with_fees(
        &self,
        index: usize,
        mut read: AccountRead,
        balance: Option<(usize, U256)>,
        nonce: Option<(usize, u64)>,
        code: Option<(usize, (bool, B256))>,
    ) -> Result<AccountRead, ViewError> {
        // Whether a fee meets an empty account depends on all fields as of then; before the last write of a
        // field only the outcome of later ones matters, because that write followed an exact look at all.
        let writers = [balance.map(|(at, _)| at), nonce.map(|(at, _)| at), code.map(|(at, _)| at)];
        let from = writers.into_iter().flatten().max();
        if let Some((_, nonce)) = nonce {
            read.nonce = nonce;
        }
        if let Some((at, balance)) = balance {
            read.balance = balance.saturating_add(self.fees_between(at + 1, from.unwrap_or(at))?);
        } else if let Some(from) = from {
            read.balance = read.balance.saturating_add(self.fees_between(0, from)?);
        }
        if let Some((_, (_, code_hash))) = code {
            read.code_hash = code_hash;
        }
        if from.is_some() {
            // A write that left existence as it was found an existing account, if only by a fee before.
            read.exists = match code {
                Some((at, (exists, _))) if Some(at) == from => exists,
                _ => true,
            };
        }
        for earlier in from.map_or(0, |from| from + 1)..index {
            if let Some(fee) = self.fee(earlier)? {
                read.credit_fee(fee, self.state_clearing);
            }
        }
        Ok(read)
    }

    fn fees_between(&self, from: usize, to: usize) -> Result<U256, ViewError> {
        let mut sum = U256::ZERO;
        for index in from..to {
            sum = sum.saturating_add(self.fee(index)?.unwrap_or_default());
        }
        Ok(sum)
    }

    fn fee(&self, index: usize) -> Result<Option<U256>, ViewError> {
        lock(&self.transactions[index]).fee.ok_or(ViewError::Blocked { by: index })
    }

    /// The slot as the transaction at `index` sees it.
    pub(super) fn slot(&self, index: usize, address: Address, slot: U256) -> Result<U256, ViewError> {
        let written = match lock(self.slot_shard(address, slot)).get(&(address, slot)) {
            Some(history) => history.before(index)?,
            None => None,
        };
        let mut cleared = None;
        if self.any_cleared.load(Ordering::Acquire)
            && let Some(history) = lock(self.account_shard(address)).get(&address)
        {
            cleared = history.cleared.before(index)?.map(|(at, ())| at);
        }
        match written {
            Some((at, value)) if cleared.is_none_or(|cleared| cleared <= at) => Ok(value),
            _ if cleared.is_some() => Ok(U256::ZERO),
            _ => Ok(self.pre.storage(address, slot)?),
        }
    }

    pub(super) fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        if let Some(code) = lock(&self.codes).get(&hash) {
            return Ok(code.clone());
        }
        self.pre.code(hash)
    }

    pub(super) fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.pre.block_hash(number)
    }

    /// Replaces a transaction's writes by those of a new attempt. Returns whether it wrote where its previous
    /// attempt had not: then later transactions may have missed it.
    pub(super) fn record(&self, index: usize, writes: &Writes) -> bool {
        let mut recorded = lock(&self.transactions[index]);
        if !writes.codes.is_empty() {
            lock(&self.codes).extend(writes.codes.iter().cloned());
        }
        let mut wrote_new = false;
        for write in &writes.accounts {
            if write.storage_cleared {
                self.any_cleared.store(true, Ordering::Release);
            }
            let mut shard = lock(self.account_shard(write.address));
            let history = shard.entry(write.address).or_default();
            wrote_new |= history.balance.replace(index, write.balance);
            wrote_new |= history.nonce.replace(index, write.nonce);
            wrote_new |= history.code.replace(index, write.code.map(|code| (code.exists, code.code_hash)));
            wrote_new |= history.cleared.replace(index, write.storage_cleared.then_some(()));
            drop(shard);
            for (slot, value) in &write.slots {
                let mut shard = lock(self.slot_shard(write.address, *slot));
                let history = shard.entry((write.address, *slot)).or_default();
                wrote_new |= history.replace(index, Some(*value));
            }
        }
        let accounts: Vec<_> = writes.accounts.iter().map(|write| write.address).collect();
        let slots = writes
            .accounts
            .iter()
            .flat_map(|write| write.slots.iter().map(|(slot, _)| (write.address, *slot)));
        let slots: Vec<_> = slots.collect();
        // Only now what the previous attempt wrote and this one did not.
        for address in recorded.accounts.iter().filter(|address| accounts.binary_search(address).is_err()) {
            if let Some(history) = lock(self.account_shard(*address)).get_mut(address) {
                history.balance.remove(index);
                history.nonce.remove(index);
                history.code.remove(index);
                history.cleared.remove(index);
            }
        }
        for key in recorded.slots.iter().filter(|key| slots.binary_search(key).is_err()) {
            if let Some(history) = lock(self.slot_shard(key.0, key.1)).get_mut(key) {
                history.remove(index);
            }
        }
        *recorded = Recorded { accounts, slots, fee: Some(writes.fee) };
        wrote_new
    }

    /// Turns an aborted attempt's writes into estimates.
    pub(super) fn mark_estimates(&self, index: usize) {
        let mut recorded = lock(&self.transactions[index]);
        recorded.fee = None;
        for address in &recorded.accounts {
            if let Some(history) = lock(self.account_shard(*address)).get_mut(address) {
                history.balance.estimate(index);
                history.nonce.estimate(index);
                history.code.estimate(index);
                history.cleared.estimate(index);
            }
        }
        for key in &recorded.slots {
            if let Some(history) = lock(self.slot_shard(key.0, key.1)).get_mut(key) {
                history.estimate(index);
            }
        }
    }

    /// Whether everything that mattered to an attempt would be read the same now.
    pub(super) fn still_holds(&self, index: usize, reads: &ReadLog, footprint: &Footprint) -> bool {
        reads.accounts.iter().all(|(address, seen)| match (self.account(index, *address), seen) {
            (Ok(now), Ok(seen)) => {
                let observed = footprint.of(*address);
                now.exists == seen.exists
                    && now.code_hash == seen.code_hash
                    && now.is_empty() == seen.is_empty()
                    && (!observed.balance || now.balance == seen.balance)
                    && (!observed.nonce || now.nonce == seen.nonce)
            }
            (Err(ViewError::State(now)), Err(seen)) => now == *seen,
            _ => false,
        }) && reads.slots.iter().all(|((address, slot), seen)| {
            match (self.slot(index, *address, *slot), seen) {
                (Ok(now), Ok(seen)) => now == *seen,
                (Err(ViewError::State(now)), Err(seen)) => now == *seen,
                _ => false,
            }
        })
    }

    fn account_shard(&self, address: Address) -> &AccountShard {
        &self.accounts[usize::from(address[19]) % SHARDS]
    }

    fn slot_shard(&self, address: Address, slot: U256) -> &SlotShard {
        &self.slots[(usize::from(address[19]) ^ usize::from(slot.byte(0))) % SHARDS]
    }
}

/// One location's writes by index; `None` stands for an estimate. Few entries, appended mostly in order.
struct History<T>(Vec<(usize, Option<T>)>);

impl<T> Default for History<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> History<T> {
    /// The last write below `index`, with its writer.
    fn before(&self, index: usize) -> Result<Option<(usize, T)>, ViewError> {
        let end = self.0.partition_point(|(at, _)| *at < index);
        match end.checked_sub(1).map(|last| self.0[last]) {
            None => Ok(None),
            Some((at, Some(value))) => Ok(Some((at, value))),
            Some((at, None)) => Err(ViewError::Blocked { by: at }),
        }
    }

    /// Sets or removes the write of `index`; returns whether a write appeared where none was.
    fn replace(&mut self, index: usize, value: Option<T>) -> bool {
        match (self.0.binary_search_by_key(&index, |(at, _)| *at), value) {
            (Ok(found), Some(_)) => self.0[found].1 = value,
            (Ok(found), None) => drop(self.0.remove(found)),
            (Err(gap), Some(_)) => {
                self.0.insert(gap, (index, value));
                return true;
            }
            (Err(_), None) => {}
        }
        false
    }

    fn remove(&mut self, index: usize) {
        self.replace(index, None);
    }

    fn estimate(&mut self, index: usize) {
        if let Ok(found) = self.0.binary_search_by_key(&index, |(at, _)| *at) {
            self.0[found].1 = None;
        }
    }
}
