//! The ordered end of every execution: outcomes go in by index, the block's output comes out.
//!
//! Both engines end here, so errors, cumulative gas and fees cannot differ between them.

use crate::{
    Block, BlockOutput, Diagnostics, ExecuteError, InvalidReason, PreState, Receipt, TxReport, evm::Outcome,
    overlay::Overlay,
};
use revm::{context::TxEnv, primitives::hardfork::SpecId};

/// A block's committed transactions.
pub(crate) struct Commit<'p> {
    spec: SpecId,
    gas_limit: u64,
    gas_used: u64,
    overlay: Overlay<'p>,
    receipts: Vec<Receipt>,
    reports: Vec<TxReport>,
}

impl<'p> Commit<'p> {
    pub(crate) fn new(block: &Block, pre: &'p dyn PreState) -> Self {
        let state_clearing = block.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
        Self {
            spec: block.spec,
            gas_limit: block.env.gas_limit,
            gas_used: 0,
            overlay: Overlay::new(pre, block.env.beneficiary, state_clearing),
            receipts: Vec::with_capacity(block.transactions.len()),
            reports: Vec::new(),
        }
    }

    pub(crate) fn overlay(&self) -> &Overlay<'p> {
        &self.overlay
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

    /// Commits the next transaction's final outcome.
    pub(crate) fn push(&mut self, tx: &TxEnv, outcome: Outcome) -> Result<(), ExecuteError> {
        self.check_gas_limit(tx)?;
        let index = self.receipts.len();
        let executed = match outcome {
            Outcome::Executed(executed) => *executed,
            Outcome::Invalid(reason) => return Err(ExecuteError::InvalidTransaction { index, reason }),
            Outcome::State(error) => return Err(ExecuteError::State { index, error }),
            Outcome::Panicked | Outcome::Blocked { .. } => {
                return Err(ExecuteError::WorkerPanicked { index });
            }
        };
        self.overlay.apply(executed.writes).map_err(|error| ExecuteError::State { index, error })?;
        let mut receipt = executed.receipt;
        self.gas_used = self.gas_used.saturating_add(receipt.gas_used);
        receipt.cumulative_gas_used = self.gas_used;
        self.receipts.push(receipt);
        self.reports.extend(executed.report);
        Ok(())
    }

    pub(crate) fn finish(self, diagnostics: Diagnostics) -> BlockOutput {
        BlockOutput {
            spec: self.spec,
            receipts: self.receipts,
            gas_used: self.gas_used,
            state: self.overlay.into_delta(),
            transactions: self.reports,
            diagnostics,
        }
    }
}
