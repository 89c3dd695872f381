//! Runs transactions one at a time on one EVM instance.

use super::{
    Ctx, Executed, Footprint, TxEvm, Writes,
    fee::FeeApartHandler,
    instructions::{counting_table, observing_table},
    outcome,
    precompiles::CountingPrecompiles,
    view::{TxDb, View, ViewError},
};
use crate::{Block, InvalidReason, Receipt, StateError, WorkClass, WorkVector};
use revm::{
    Context, ExecuteEvm,
    context::{
        Evm, TxEnv,
        result::{EVMError, ExecutionResult, Output},
    },
    handler::{Handler, instructions::EthInstructions},
    interpreter::instructions::gas_table_spec,
    primitives::TxKind,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How an attempt at a transaction ended.
pub(crate) enum Outcome {
    Executed(Box<Executed>),
    Invalid(InvalidReason),
    State(StateError),
    Panicked,
    /// It needs a value that an earlier transaction is still computing.
    Blocked {
        by: usize,
    },
}

impl Outcome {
    /// Which of the values it saw the outcome depends on.
    pub(crate) fn footprint(&self) -> &Footprint {
        match self {
            Self::Executed(executed) => &executed.footprint,
            _ => &Footprint::All,
        }
    }
}

/// An EVM bound to a block's environment and to a view of the state.
pub(crate) struct Runner<'v> {
    evm: TxEvm<'v>,
    block: &'v Block,
    view: &'v dyn View,
    reports: bool,
}

impl<'v> Runner<'v> {
    pub(crate) fn new(block: &'v Block, view: &'v dyn View, reports: bool) -> Self {
        Self { evm: build(block, view, reports), block, view, reports }
    }

    /// Runs one transaction. The view must show the state before it.
    pub(crate) fn run(&mut self, tx: &TxEnv) -> Outcome {
        match catch_unwind(AssertUnwindSafe(|| self.attempt(tx))) {
            Ok(outcome) => outcome,
            Err(_) => {
                // The journal may be in any state: start from a fresh one.
                self.evm = build(self.block, self.view, self.reports);
                Outcome::Panicked
            }
        }
    }

    fn attempt(&mut self, tx: &TxEnv) -> Outcome {
        let ctx: &mut Ctx<'v> = &mut self.evm.ctx;
        ctx.error = Ok(());
        let db = &mut ctx.journaled_state.database;
        db.clear();
        db.work = work_upfront(tx);
        db.observe_balance(tx.caller);
        db.log.nonces_matter = tx.kind.is_create() || !tx.authorization_list.is_empty();
        ctx.tx.clone_from(tx);
        let result = FeeApartHandler::default().run(&mut self.evm);
        let state = self.evm.finalize();
        let result = match result {
            Ok(result) => result,
            Err(EVMError::Database(ViewError::Blocked { by })) => return Outcome::Blocked { by },
            Err(EVMError::Database(ViewError::State(error))) => return Outcome::State(error),
            Err(EVMError::Transaction(reason)) => return Outcome::Invalid(reason.into()),
            Err(EVMError::Header(reason)) => return Outcome::Invalid(reason.into()),
            Err(EVMError::Custom(reason)) => return Outcome::Invalid(InvalidReason::Other(reason)),
            Err(EVMError::CustomAny(reason)) => {
                return Outcome::Invalid(InvalidReason::Other(reason.to_string()));
            }
        };
        let db = &self.evm.ctx.journaled_state.database;
        let receipt = receipt(tx, result);
        let writes = Writes::collect(state, db.fee);
        let footprint = outcome::footprint(db, tx.caller, &writes);
        let report =
            self.reports.then(|| outcome::report(db, tx.caller, &footprint, &writes, receipt.gas_used));
        Outcome::Executed(Box::new(Executed { receipt, writes, footprint, report }))
    }
}

fn build<'v>(block: &Block, view: &'v dyn View, reports: bool) -> TxEvm<'v> {
    let ctx: Ctx<'v> = Context::new(TxDb::new(view), block.spec);
    let ctx = ctx.with_cfg(block.cfg()).with_block(block.env.clone());
    let table = if reports { counting_table() } else { observing_table() };
    let instructions = EthInstructions::new(table, gas_table_spec(block.spec), block.spec);
    Evm::new(ctx, instructions, CountingPrecompiles::new(block.spec, reports))
}

/// What is known before anything is read.
fn work_upfront(tx: &TxEnv) -> WorkVector {
    let mut work = WorkVector::ZERO;
    let input_len = tx.data.len() as u64;
    work.add(WorkClass::Transaction, 1);
    work.add_wide(WorkClass::CalldataByte, input_len);
    if tx.kind == TxKind::Create {
        work.add(WorkClass::Create, 1);
        work.add_wide(WorkClass::CreateByte, input_len);
    }
    work
}

fn receipt(tx: &TxEnv, result: ExecutionResult) -> Receipt {
    let gas_used = result.tx_gas_used();
    let success = result.is_success();
    let (logs, contract_address, output) = match result {
        ExecutionResult::Success { logs, output, .. } => match output {
            Output::Call(data) => (logs, None, data),
            Output::Create(data, address) => (logs, address, data),
        },
        ExecutionResult::Revert { logs, output, .. } => (logs, None, output),
        ExecutionResult::Halt { logs, .. } => (logs, None, Default::default()),
    };
    Receipt { tx_type: tx.tx_type, success, cumulative_gas_used: 0, gas_used, logs, contract_address, output }
}
