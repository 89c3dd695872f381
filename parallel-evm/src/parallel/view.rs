//! One thread's view of the state before the transaction it runs, with a log of all it answered.

use super::versions::Versions;
use crate::{
    StateError,
    evm::{AccountRead, View, ViewError},
};
use revm::{
    primitives::{Address, B256, U256},
    state::Bytecode,
};
use std::cell::{Cell, RefCell};

/// What an attempt was told, failures of the pre-state included.
#[derive(Default)]
pub(super) struct ReadLog {
    pub(super) accounts: Vec<(Address, Result<AccountRead, StateError>)>,
    pub(super) slots: Vec<((Address, U256), Result<U256, StateError>)>,
}

pub(super) struct TxView<'r> {
    versions: &'r Versions<'r>,
    index: Cell<usize>,
    reads: RefCell<ReadLog>,
}

impl<'r> TxView<'r> {
    pub(super) fn new(versions: &'r Versions<'r>) -> Self {
        Self { versions, index: Cell::new(0), reads: RefCell::default() }
    }

    /// From now on shows the state before the transaction with this index.
    pub(super) fn start(&self, index: usize) {
        self.index.set(index);
        self.reads.take();
    }

    pub(super) fn take_reads(&self) -> ReadLog {
        self.reads.take()
    }
}

/// Separates what belongs in the log from the order to wait.
fn loggable<T: Copy>(read: &Result<T, ViewError>) -> Option<Result<T, StateError>> {
    match read {
        Ok(value) => Some(Ok(*value)),
        Err(ViewError::State(error)) => Some(Err(error.clone())),
        Err(ViewError::Blocked { .. }) => None,
    }
}

impl View for TxView<'_> {
    fn account(&self, address: Address) -> Result<AccountRead, ViewError> {
        let read = self.versions.account(self.index.get(), address);
        self.reads.borrow_mut().accounts.extend(loggable(&read).map(|read| (address, read)));
        read
    }

    fn slot(&self, address: Address, slot: U256) -> Result<U256, ViewError> {
        let read = self.versions.slot(self.index.get(), address, slot);
        self.reads.borrow_mut().slots.extend(loggable(&read).map(|read| ((address, slot), read)));
        read
    }

    fn code(&self, hash: B256) -> Result<Bytecode, ViewError> {
        Ok(self.versions.code(hash)?)
    }

    fn block_hash(&self, number: u64) -> Result<B256, ViewError> {
        Ok(self.versions.block_hash(number)?)
    }
}
