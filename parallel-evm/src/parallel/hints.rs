//! Which transactions are likely to conflict: learned from the block while it is executed.
//!
//! Two transactions that call the same contract may or may not meet in a slot; it depends on the function. So for
//! every function (the first four bytes of the input; what a contract does without input is a function of its own) it
//! is counted how often a call that was executed ahead while an earlier call of the same contract was under way turned
//! out stale, and how often not; once for calls by the same sender and once for all. Of a function of which nothing
//! was counted yet it is assumed what was counted for its contract. Only who executes what when follows from it, never a
//! result.
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
    contracts: Vec<[Score; 2]>,
}

/// A transaction that may call a contract.
#[derive(Clone, Copy)]
struct Call {
    function: usize,
    contract: usize,
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
        let scores = learned.functions[call.function].iter().zip(&learned.contracts[call.contract]);
        let scores = scores.map(|(of_function, of_contract)| match of_function.is_untold() {
            true => of_contract,
            false => of_function,
        });
        call.before
            .iter()
            .zip(scores)
            .filter(|(_, score)| score.is_bad())
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
        for (at, before) in call.before.iter().enumerate() {
            if before.is_some_and(|before| before >= committed_then) {
                learned.functions[call.function][at].count(stale);
                learned.contracts[call.contract][at].count(stale);
            }
        }
    }
}

impl Score {
    fn count(&self, stale: bool) {
        // Who was put off does not show what would have happened otherwise.
        if stale {
            self.stale.fetch_add(1, SeqCst);
        } else if !self.is_bad() {
            self.held.fetch_add(1, SeqCst);
        }
    }

    fn is_untold(&self) -> bool {
        self.stale.load(SeqCst) + self.held.load(SeqCst) == 0
    }

    /// More often stale than not. Nothing was counted before the first executions in vain, so a few of them say
    /// nothing yet.
    fn is_bad(&self) -> bool {
        self.stale.load(SeqCst) > self.held.load(SeqCst) + DOUBT
    }
}

impl Learned {
    fn new(block: &Block) -> Self {
        let mut functions: HashMap<(Option<Address>, [u8; 4]), usize> = HashMap::default();
        let mut contracts: HashMap<Address, usize> = HashMap::default();
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
            let number = contracts.len();
            let contract = *contracts.entry(callee).or_insert(number);
            let before = [by_sender.insert((tx.caller, callee), index), by_anybody.insert(callee, index)];
            Some(Call { function, contract, before })
        });
        let calls = calls.collect();
        let scores = |count| (0..count).map(|_| Default::default()).collect();
        Self { calls, functions: scores(functions.len()), contracts: scores(contracts.len()) }
    }
}
