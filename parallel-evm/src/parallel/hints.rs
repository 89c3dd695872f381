//! Which transactions are likely to conflict: learned from the block while it is executed.
//!
//! Two transactions that call the same contract may or may not meet in a slot; it depends on the function. So for
//! every function (the first four bytes of the input; what a contract does without input is a function of its own) it
//! is counted how often a call that was executed ahead while an earlier call of the same contract was under way turned
//! out stale, and how often not; once for calls by the same sender and once for all. Only who executes what when
//! follows from it, never a result.
//!
//! Nothing is set up, looked up or counted before the first transactions were executed in vain.

use super::sync::{AtomicUsize, SeqCst};
use crate::Block;
use revm::primitives::{Address, HashMap, TxKind};
use std::sync::OnceLock;

/// Executions in vain before which nothing is learned.
const PATIENCE: usize = 2;

/// What a plain transfer uses.
const TRANSFER_GAS: u64 = 21_000;

/// How many more stale executions than others make a call put off.
const DOUBT: usize = 1;

pub(super) struct Hints<'b> {
    block: &'b Block,
    in_vain: AtomicUsize,
    learned: OnceLock<Learned>,
}

struct Learned {
    calls: Vec<Option<Call>>,
    functions: Vec<[Score; 2]>,
}

/// A transaction that may call a contract.
#[derive(Clone, Copy)]
struct Call {
    function: usize,
    /// The last lower call of the same contract: by the same sender, by anybody.
    before: [Option<usize>; 2],
}

#[derive(Default)]
struct Score {
    stale: AtomicUsize,
    held: AtomicUsize,
}

impl<'b> Hints<'b> {
    pub(super) fn new(block: &'b Block) -> Self {
        Self { block, in_vain: AtomicUsize::new(0), learned: OnceLock::new() }
    }

    /// The lower transaction that this one is likely to conflict with.
    pub(super) fn expected(&self, index: usize) -> Option<usize> {
        let learned = self.learned.get()?;
        let call = learned.calls[index].as_ref()?;
        let scores = call.before.iter().zip(&learned.functions[call.function]);
        scores
            .filter(|(before, score)| before.is_some() && score.is_bad())
            .filter_map(|(before, _)| *before)
            .max()
    }

    /// A transaction executed ahead, when so many were committed, turned out to have read stale values or not.
    pub(super) fn learn(&self, index: usize, committed_then: usize, stale: bool) {
        if stale && self.in_vain.fetch_add(1, SeqCst) + 1 == PATIENCE {
            self.learned.get_or_init(|| Learned::new(self.block));
        }
        let Some(learned) = self.learned.get() else { return };
        let Some(call) = learned.calls[index].as_ref() else { return };
        for (before, score) in call.before.iter().zip(&learned.functions[call.function]) {
            if before.is_some_and(|before| before >= committed_then) {
                // Who was put off does not show what would have happened otherwise.
                if stale {
                    score.stale.fetch_add(1, SeqCst);
                } else if !score.is_bad() {
                    score.held.fetch_add(1, SeqCst);
                }
            }
        }
    }
}

impl Score {
    /// More often stale than not. Nothing was counted before the first executions in vain, so a few of them say
    /// nothing yet.
    fn is_bad(&self) -> bool {
        self.stale.load(SeqCst) > self.held.load(SeqCst) + DOUBT
    }
}

impl Learned {
    fn new(block: &Block) -> Self {
        let mut functions: HashMap<(Option<Address>, [u8; 4]), usize> = HashMap::default();
        let mut by_sender: HashMap<(Address, Address), usize> = HashMap::default();
        let mut by_anybody: HashMap<Address, usize> = HashMap::default();
        let calls = block.transactions.iter().enumerate().map(|(index, tx)| {
            let TxKind::Call(callee) = tx.kind else { return None };
            let function = match tx.data.first_chunk::<4>() {
                Some(function) => (None, *function),
                // A transfer can do no more.
                None if tx.gas_limit <= TRANSFER_GAS => return None,
                None => (Some(callee), [0; 4]),
            };
            let number = functions.len();
            let function = *functions.entry(function).or_insert(number);
            let before = [by_sender.insert((tx.caller, callee), index), by_anybody.insert(callee, index)];
            Some(Call { function, before })
        });
        let calls = calls.collect();
        Self { calls, functions: functions.into_values().map(|_| Default::default()).collect() }
    }
}
