//! The baseline: transactions one after the other on the caller's thread.

use crate::{
    Block, BlockOutput, Diagnostics, ExecuteError, PreState,
    commit::Commit,
    evm::{AccountRead, Runner, View, ViewError},
    overlay::Overlay,
};
use revm::{
    primitives::{Address, B256, U256},
    state::Bytecode,
};
use std::cell::RefCell;

/// Executes a block in order.
pub(crate) fn execute(block: &Block, pre: &dyn PreState, reports: bool) -> Result<BlockOutput, ExecuteError> {
    let commit = Committed(RefCell::new(Commit::new(block, pre)));
    let mut runner = Runner::new(block, &commit, reports);
    for tx in &block.transactions {
        commit.0.borrow().check_gas_limit(tx)?;
        let outcome = runner.run(tx);
        commit.0.borrow_mut().push(tx, outcome)?;
    }
    drop(runner);
    let executions = block.transactions.len() as u64;
    let diagnostics =
        Diagnostics { executions, incarnations_max: u32::from(executions > 0), ..Diagnostics::default() };
    Ok(commit.0.into_inner().finish(diagnostics))
}

/// The view of a transaction whose predecessors are all committed.
struct Committed<'p>(RefCell<Commit<'p>>);

impl Committed<'_> {
    fn with<T>(&self, read: impl FnOnce(&Overlay<'_>) -> T) -> T {
        read(self.0.borrow().overlay())
    }
}

impl View for Committed<'_> {
    fn account(&self, address: Address) -> Result<AccountRead, ViewError> {
        Ok(self.with(|overlay| overlay.account(address))?)
    }

    fn slot(&self, address: Address, slot: U256) -> Result<U256, ViewError> {
        Ok(self.with(|overlay| overlay.slot(address, slot))?)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, ViewError> {
        Ok(self.with(|overlay| overlay.code(hash))?)
    }

    fn block_hash(&self, number: u64) -> Result<B256, ViewError> {
        Ok(self.with(|overlay| overlay.block_hash(number))?)
    }
}
