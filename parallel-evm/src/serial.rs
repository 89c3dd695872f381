//! The baseline: transactions one after the other on the caller's thread.

use crate::{
    Block, BlockOutput, Diagnostics, ExecuteError, PreState, StateError,
    commit::Ledger,
    evm::{Given, Runner, View},
    executor::Options,
    overlay::Overlay,
};
use revm::{
    primitives::{Address, B256, U256, hardfork::SpecId},
    state::{AccountId, Bytecode},
};
use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

/// Executes a block in order.
pub(crate) fn execute(
    block: &Block,
    pre: &dyn PreState,
    options: Options,
) -> Result<BlockOutput, ExecuteError> {
    let clearing = block.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
    let capacity = block.transactions.len() * 3 / 2;
    let state = Committed(RefCell::new(Overlay::new(pre, block.env.beneficiary, clearing, capacity)));
    let mut ledger = Ledger::new(block);
    let mut runner = Runner::new(block, &state, options.reports, false);
    let mut durations = Vec::new();
    for (index, tx) in block.transactions.iter().enumerate() {
        ledger.check_gas_limit(tx)?;
        let started = options.timing.then(Instant::now);
        let executed = ledger.accept(runner.run(tx, true))?;
        // The beneficiary is loaded here, by a state that may panic as it may while a transaction runs.
        let applied = catch_unwind(AssertUnwindSafe(|| state.0.borrow_mut().apply(&executed.effects)));
        let applied = applied.map_err(|_| ExecuteError::WorkerPanicked { index })?;
        applied.map_err(|error| ExecuteError::State { index, error })?;
        durations.extend(started.map(|started| started.elapsed()));
        runner.recycle(ledger.push(executed));
    }
    drop(runner);
    let executions = block.transactions.len() as u64;
    let incarnations_max = u32::from(executions > 0);
    let diagnostics = Diagnostics { executions, incarnations_max, durations, ..Diagnostics::serial() };
    Ok(ledger.finish(state.0.into_inner().into_delta(), diagnostics))
}

/// The view of a transaction whose predecessors are all committed.
struct Committed<'p>(RefCell<Overlay<'p>>);

impl View for Committed<'_> {
    fn account(&self, address: Address) -> Result<Given, StateError> {
        self.0.borrow().account(address)
    }

    fn slot(&self, address: Address, _: Option<AccountId>, slot: U256) -> Result<U256, StateError> {
        self.0.borrow().slot(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.0.borrow().code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.0.borrow().block_hash(number)
    }
}
