//! The ordered end of every execution: outcomes go in by index, the block's output comes out.
//!
//! Both engines end here, so errors, cumulative gas and receipts cannot differ between them.

use crate::{
    Block, BlockOutput, Diagnostics, ExecuteError, InvalidReason, Receipt, StateDelta, TxReport,
    evm::{Executed, Outcome},
};
use revm::{context::TxEnv, primitives::hardfork::SpecId};

/// The committed transactions of a block.
pub(crate) struct Ledger {
    spec: SpecId,
    gas_limit: u64,
    gas_used: u64,
    receipts: Vec<Receipt>,
    reports: Vec<TxReport>,
}

impl Ledger {
    pub(crate) fn new(block: &Block) -> Self {
        Self {
            spec: block.spec,
            gas_limit: block.env.gas_limit,
            gas_used: 0,
            receipts: Vec::with_capacity(block.transactions.len()),
            reports: Vec::new(),
        }
    }

    /// Whether the next transaction's gas limit fits into what is left of the block's.
    pub(crate) fn check_gas_limit(&self, tx: &TxEnv) -> Result<(), ExecuteError> {
        let remaining = self.gas_limit.saturating_sub(self.gas_used);
        if tx.gas_limit <= remaining {
            return Ok(());
        }
        let reason = InvalidReason::BlockGasLimit { gas_limit: tx.gas_limit, remaining };
        Err(ExecuteError::InvalidTransaction { index: self.receipts.len(), reason })
    }

    /// The next transaction as executed, or why there is none.
    pub(crate) fn accept(&self, outcome: Outcome) -> Result<Box<Executed>, ExecuteError> {
        let index = self.receipts.len();
        match outcome {
            Outcome::Executed(executed) => Ok(executed),
            Outcome::Invalid(reason) => Err(ExecuteError::InvalidTransaction { index, reason }),
            Outcome::State(error) => Err(ExecuteError::State { index, error }),
            Outcome::Panicked => Err(ExecuteError::WorkerPanicked { index }),
        }
    }

    /// Enters the next transaction. Returns what is left of it: memory.
    pub(crate) fn push(&mut self, mut executed: Box<Executed>) -> Box<Executed> {
        let mut receipt = std::mem::take(&mut executed.receipt);
        self.gas_used = self.gas_used.saturating_add(receipt.gas_used);
        receipt.cumulative_gas_used = self.gas_used;
        self.receipts.push(receipt);
        self.reports.extend(executed.report.take().map(|report| report.0));
        executed
    }

    pub(crate) fn finish(self, state: StateDelta, diagnostics: Diagnostics) -> BlockOutput {
        BlockOutput {
            spec: self.spec,
            receipts: self.receipts,
            gas_used: self.gas_used,
            state,
            transactions: self.reports,
            diagnostics,
        }
    }
}
