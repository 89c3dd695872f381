//! Runs transactions one at a time on one EVM instance.

use super::{
    Ctx, TxEvm,
    effects::Effects,
    fee::FeeApartHandler,
    frames::Frames,
    instructions::{counting_table, observing_table, plain_table},
    observation::{Loaded, is_huge},
    precompiles::CountingPrecompiles,
    trace::Trace,
    transfer::Transfers,
    view::{AccessLog, Noting, TxDb, View},
};
use crate::{Block, InvalidReason, Receipt, StateError, TxReport, WorkClass, WorkVector};
use revm::{
    Context,
    context::{
        Evm, Transaction, TxEnv,
        result::{EVMError, ExecutionResult, InvalidTransaction, Output},
    },
    context_interface::transaction::TransactionType,
    handler::{Handler, instructions::EthInstructions},
    interpreter::instructions::gas_table_spec,
    primitives::{Address, TxKind, hardfork::SpecId},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More is not kept for later: a thread may commit what others executed.
const SPARE_MAX: usize = 64;

/// How an attempt at a transaction ended.
pub(crate) enum Outcome {
    Executed(Box<Executed>),
    Invalid(InvalidReason),
    State(StateError),
    Panicked,
}

/// A transaction that ran to its end.
#[derive(Default)]
pub(crate) struct Executed {
    /// The receipt, with `cumulative_gas_used` still to be set.
    pub(crate) receipt: Receipt,
    pub(crate) effects: Effects,
    /// What the outcome depends on, if it was noted: the accounts in the order they were fetched.
    pub(crate) accounts: Vec<Loaded>,
    /// The report and what it was made from, if reports are wanted.
    pub(crate) report: Option<Box<(TxReport, Trace)>>,
}

impl Executed {
    /// Makes the report again after a change of what the effects are known to do.
    pub(crate) fn renew_report(&mut self) {
        if let Some(made) = &mut self.report {
            made.0 = made.1.report(&self.effects);
        }
    }
}

/// An EVM bound to a block's environment and to a view of the state.
pub(crate) struct Runner<'v> {
    evm: TxEvm<'v>,
    block: &'v Block,
    view: &'v dyn View,
    reports: bool,
    speculates: bool,
    /// How transfers are executed without the EVM, if they may be.
    transfers: Option<Transfers>,
    /// Memory of earlier executions, to be used again.
    #[expect(clippy::vec_box, reason = "what is handed on and comes back is the box")]
    spare: Vec<Box<Executed>>,
}

impl<'v> Runner<'v> {
    /// `speculates`: the view may be wrong, so that everything the outcome depends on must be noted.
    pub(crate) fn new(block: &'v Block, view: &'v dyn View, reports: bool, speculates: bool) -> Self {
        let evm = build(block, view, reports, speculates);
        // A report tells of every step; only the EVM takes them.
        let transfers = Transfers::new(block).filter(|_| !reports);
        Self { evm, block, view, reports, speculates, transfers, spare: Vec::new() }
    }

    /// Whom a transaction pays if, by its form, it may be a transfer that needs no EVM.
    pub(crate) fn transfers_to(&self, tx: &TxEnv) -> Option<Address> {
        self.transfers.as_ref()?.payee(tx)
    }

    /// Takes back what is no longer needed.
    pub(crate) fn recycle(&mut self, executed: Box<Executed>) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push(executed);
        }
    }

    /// Runs one transaction. The view must show the state before it; `definite`: as it will be.
    pub(crate) fn run(&mut self, tx: &TxEnv, definite: bool) -> Outcome {
        match catch_unwind(AssertUnwindSafe(|| self.attempt(tx, definite))) {
            Ok(outcome) => outcome,
            Err(_) => {
                // The journal may be in any state: start from a fresh one.
                self.evm = build(self.block, self.view, self.reports, self.speculates);
                Outcome::Panicked
            }
        }
    }

    fn attempt(&mut self, tx: &TxEnv, definite: bool) -> Outcome {
        if let Err(reason) = check_form(tx) {
            return Outcome::Invalid(reason);
        }
        let speculative = self.speculates && !definite;
        let noting = Noting {
            counts: self.reports,
            observations: self.reports || speculative,
            static_nonce: speculative,
        };
        let ctx: &mut Ctx<'v> = &mut self.evm.ctx;
        ctx.error = Ok(());
        let db = &mut ctx.journaled_state.database;
        db.start(noting, tx.caller, tx.nonce);
        if noting.counts {
            db.work = work_upfront(tx);
            db.note_balance(tx.caller);
        }
        if let Some(transfers) = &self.transfers {
            let mut executed = self.spare.pop().unwrap_or_default();
            match transfers.execute(tx, db, &mut executed.effects) {
                Ok(Some(receipt)) => {
                    executed.receipt = receipt;
                    if speculative {
                        // Since EIP-161, as where transfers are executed here.
                        conclude(&mut db.log, tx, true);
                        std::mem::swap(&mut executed.accounts, &mut db.log.accounts);
                    }
                    return Outcome::Executed(executed);
                }
                Ok(None) => {
                    self.spare.push(executed);
                    db.again();
                }
                Err(error) => return Outcome::State(error),
            }
        }
        db.log.nonces_matter = tx.kind.is_create() || !tx.authorization_list.is_empty();
        db.log.huge = is_huge(tx.value);
        ctx.tx.clone_from(tx);
        let result = FeeApartHandler::default().run(&mut self.evm);
        let clearing = self.block.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
        let journal = &mut self.evm.ctx.journaled_state;
        let mut executed = self.spare.pop().unwrap_or_default();
        executed.effects.drain(&mut journal.inner.state, journal.database.fee, clearing);
        // The journal's accounts are gone; this resets the rest of it, and keeps the memory of all.
        journal.inner.commit_tx();
        let result = match result {
            Ok(result) => result,
            Err(EVMError::Database(error)) => return Outcome::State(error),
            Err(EVMError::Transaction(reason)) => return Outcome::Invalid(reason.into()),
            Err(EVMError::Header(reason)) => return Outcome::Invalid(reason.into()),
            Err(EVMError::Custom(reason)) => return Outcome::Invalid(InvalidReason::Other(reason)),
            Err(EVMError::CustomAny(reason)) => {
                return Outcome::Invalid(InvalidReason::Other(reason.to_string()));
            }
        };
        let db = &mut self.evm.ctx.journaled_state.database;
        executed.receipt = receipt(tx, result);
        if noting.observations {
            conclude(&mut db.log, tx, clearing);
        }
        if self.reports {
            let log = std::mem::take(&mut db.log);
            if speculative {
                executed.accounts.clone_from(&log.accounts);
            }
            let gas_used = executed.receipt.gas_used;
            let trace = Trace { sender: tx.caller, gas_used, work: db.work, log };
            executed.report = Some(Box::new((trace.report(&executed.effects), trace)));
        } else if speculative {
            std::mem::swap(&mut executed.accounts, &mut db.log.accounts);
        }
        Outcome::Executed(executed)
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        let stack = std::mem::take(&mut self.evm.frame_stack);
        Frames { stack, local: std::mem::take(&mut self.evm.ctx.local) }.keep();
    }
}

/// Refuses what revm lets pass: types it does not know, which it takes for a chain's own, and creations by types that
/// cannot say so in their encoding (EIP-4844, EIP-7702).
fn check_form(tx: &TxEnv) -> Result<(), InvalidReason> {
    match TransactionType::from(tx.tx_type) {
        TransactionType::Custom => Err(InvalidReason::UnknownType(tx.tx_type)),
        TransactionType::Eip4844 if tx.kind.is_create() => {
            Err(InvalidTransaction::BlobCreateTransaction.into())
        }
        TransactionType::Eip7702 if tx.kind.is_create() => {
            Err(InvalidReason::Other("a transaction with authorisations cannot create a contract".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Adds what a valid transaction's outcome depends on besides what its programs looked at.
fn conclude(log: &mut AccessLog, tx: &TxEnv, clearing: bool) {
    // More than any balance: then the transaction would have been invalid.
    let needed = tx.max_balance_spending().unwrap_or_default();
    let authorises = !tx.authorization_list.is_empty();
    for loaded in &mut log.accounts {
        if loaded.address == tx.caller {
            let given = loaded.read.balance;
            loaded.checked(given, needed);
        } else if log.nonces_matter {
            // Any of them may be where a contract was, or was not, created.
            loaded.zero_nonce = true;
            if authorises {
                // Any of them may be an authority, whose existence decides a refund.
                loaded.exact_nonce = true;
                loaded.existence = true;
                let (read, has_code) = (loaded.read, loaded.has_code());
                loaded.emptiness_seen(read.balance, read.nonce, has_code, clearing);
            }
        }
        if log.huge {
            loaded.balance_seen();
        }
    }
}

fn build<'v>(block: &Block, view: &'v dyn View, reports: bool, speculates: bool) -> TxEvm<'v> {
    let ctx: Ctx<'v> = Context::new(TxDb::new(view), block.spec);
    let ctx = ctx.with_cfg(block.cfg()).with_block(block.env.clone());
    let table = match (reports, speculates) {
        (true, _) => counting_table(),
        (false, true) => observing_table(),
        (false, false) => plain_table(),
    };
    let instructions = EthInstructions::new(table, gas_table_spec(block.spec), block.spec);
    let precompiles = CountingPrecompiles::new(block.spec, reports);
    let Frames { stack, local } = Frames::take();
    Evm {
        ctx: ctx.with_local(local),
        inspector: (),
        instruction: instructions,
        precompiles,
        frame_stack: stack,
    }
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
