//! One thread's view of the state before the transaction it runs, with a log of all it answered.

use super::memory::{AccountSeen, Handle, Memory, SlotSeen};
use crate::{
    StateError,
    account::AccountRead,
    evm::{Given, View, own_copy},
    stress::Stress,
};
use revm::{
    primitives::{Address, B256, HashMap, KECCAK_EMPTY, U256},
    state::{AccountId, Bytecode},
};
use std::cell::{Cell, RefCell};

/// What an attempt was told: accounts (with the stamp of what was told) and slots, each in order.
#[derive(Default)]
pub(super) struct ReadLog {
    pub(super) accounts: Vec<(Handle, u32)>,
    pub(super) slots: Vec<SlotSeen>,
    /// The highest transaction of which an estimate was told.
    pub(super) blocker: Option<usize>,
}

pub(super) struct TxView<'r> {
    memory: &'r Memory<'r>,
    stress: Option<Stress>,
    index: Cell<usize>,
    definite: Cell<bool>,
    reads: RefCell<ReadLog>,
    codes: RefCell<HashMap<B256, Known>>,
    /// Accounts with code as in the pre-state, to be read without a lock while nobody has written them.
    contracts: RefCell<HashMap<Address, (Handle, AccountRead)>>,
}

/// A code that this thread has used.
enum Known {
    /// Once.
    Shared(Bytecode),
    /// Often enough for a copy.
    Own(Bytecode),
}

impl<'r> TxView<'r> {
    pub(super) fn new(memory: &'r Memory<'r>, stress: Option<Stress>) -> Self {
        Self {
            memory,
            stress,
            index: Cell::new(0),
            definite: Cell::new(true),
            reads: RefCell::default(),
            codes: RefCell::default(),
            contracts: RefCell::default(),
        }
    }

    fn look(&self, index: usize, address: Address) -> Result<(AccountSeen, Option<Bytecode>), StateError> {
        if self.memory.is_unwritten_account(&address)
            && let Some((handle, read)) = self.contracts.borrow().get(&address)
        {
            let (handle, read) = (*handle, *read);
            let seen = AccountSeen { read, code: None, handle, stamp: 0, blocker: None };
            return Ok((seen, self.known(&read.code_hash)));
        }
        let mut code = None;
        let knows = |hash: &B256| {
            code = if *hash == KECCAK_EMPTY { None } else { self.known(hash) };
            code.is_some()
        };
        let mut seen = self.memory.account(index, address, knows)?;
        if let Some(shared) = seen.code.take() {
            self.learn(seen.read.code_hash, &shared);
            code = Some(shared);
        }
        if seen.stamp == 0 && seen.read.code_hash != KECCAK_EMPTY {
            self.contracts.borrow_mut().insert(address, (seen.handle, seen.read));
        }
        Ok((seen, code))
    }

    fn known(&self, hash: &B256) -> Option<Bytecode> {
        let mut codes = self.codes.borrow_mut();
        let known = codes.get_mut(hash)?;
        if let Known::Shared(code) = known {
            *known = Known::Own(own_copy(code));
        }
        let (Known::Shared(code) | Known::Own(code)) = known;
        Some(code.clone())
    }

    fn learn(&self, hash: B256, code: &Bytecode) {
        self.codes.borrow_mut().insert(hash, Known::Shared(code.clone()));
    }

    /// From now on shows the state before the transaction with this index.
    pub(super) fn start(&self, index: usize, definite: bool) {
        self.index.set(index);
        self.definite.set(definite);
        self.again();
    }

    /// What was told since the start, in exchange for memory for the next log.
    pub(super) fn take_reads(&self, spare: ReadLog) -> ReadLog {
        self.reads.replace(spare)
    }
}

impl View for TxView<'_> {
    fn account(&self, address: Address) -> Result<Given, StateError> {
        let index = self.index.get();
        let (mut seen, code) = self.look(index, address)?;
        if !self.definite.get() {
            if let Some(stress) = self.stress {
                stress.stumble(index as u64 ^ u64::from(address[19]));
                stress.pretend(&mut seen.read, index, address);
                // No stamp vouches for what is pretended.
                seen.stamp = u32::MAX;
            }
            let mut reads = self.reads.borrow_mut();
            reads.accounts.push((seen.handle, seen.stamp));
            reads.blocker = reads.blocker.max(seen.blocker);
        }
        Ok(Given { read: seen.read, code, place: seen.handle.place() })
    }

    fn slot(&self, address: Address, place: Option<AccountId>, slot: U256) -> Result<U256, StateError> {
        let seen = self.memory.slot(self.index.get(), address, place, slot)?;
        if !self.definite.get() {
            if let Some(stress) = self.stress {
                stress.stumble(self.index.get() as u64 ^ slot.as_limbs()[0]);
            }
            let mut reads = self.reads.borrow_mut();
            reads.slots.push(seen);
            reads.blocker = reads.blocker.max(seen.blocker);
        }
        Ok(seen.value)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        if let Some(code) = self.known(&hash) {
            return Ok(code);
        }
        let code = self.memory.code(hash)?;
        self.learn(hash, &code);
        Ok(code)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.memory.block_hash(number)
    }

    fn again(&self) {
        let mut reads = self.reads.borrow_mut();
        reads.accounts.clear();
        reads.slots.clear();
        reads.blocker = None;
    }
}
