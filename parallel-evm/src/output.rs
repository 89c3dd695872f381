//! The output of an execution.

use crate::{Receipt, StateDelta, TxReport, receipt};
use alloy_primitives::Bloom;
use revm::primitives::{B256, hardfork::SpecId};
use std::time::Duration;

/// What executing a block yields. All but `diagnostics` is a pure function of block and pre-state.
#[derive(Clone, Debug)]
pub struct BlockOutput {
    /// The rules the block was executed under.
    pub spec: SpecId,
    /// One receipt a transaction.
    pub receipts: Vec<Receipt>,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// What the block changed.
    pub state: StateDelta,
    /// One report a transaction; empty if the executor makes none.
    pub transactions: Vec<TxReport>,
    /// What the threads happened to do. Differs from run to run; must never enter a result.
    pub diagnostics: Diagnostics,
}

impl BlockOutput {
    /// The bloom filter over all logs.
    pub fn logs_bloom(&self) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for receipt in &self.receipts {
            bloom |= receipt.logs_bloom();
        }
        bloom
    }

    /// The root of the receipts' trie; `None` before Byzantium, when receipts held intermediate state roots.
    pub fn receipts_root(&self) -> Option<B256> {
        self.spec.is_enabled_in(SpecId::BYZANTIUM).then(|| receipt::receipts_root(&self.receipts))
    }

    /// Whether two outputs hold the same results, diagnostics aside.
    pub fn same_results(&self, other: &Self) -> bool {
        self.spec == other.spec
            && self.receipts == other.receipts
            && self.gas_used == other.gas_used
            && self.state == other.state
            && self.transactions == other.transactions
    }
}

/// What an engine's threads happened to do.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Diagnostics {
    /// Whether the parallel engine executed the block; it leaves small blocks to the serial one.
    pub parallel: bool,
    /// Executions of transactions; the number of transactions if none was in vain.
    pub executions: u64,
    /// Executions whose reads turned out to be stale.
    pub aborts: u64,
    /// Transactions that had to wait for a lower one after they had met an estimate of it.
    pub waits: u64,
    /// Checks of a transaction's reads before it was its turn to be committed.
    pub validations: u64,
    /// The most executions any one transaction needed.
    pub incarnations_max: u32,
    /// How often a stretch was executed in order because too much had been executed in vain.
    pub fallbacks: u64,
    /// Share of the time of all threads asked for, between set-up and last commit, that they spent at work: neither
    /// waiting for it nor still waking up. A thread that the system does not run while it has work counts as
    /// at work.
    pub utilisation: f64,
    /// Time until the parallel engine's threads could begin.
    pub setting_up: Duration,
    /// Time until the first helper began after that; zero if none did.
    pub waking_up: Duration,
    /// Time from the last commit to the finished output.
    pub finishing: Duration,
    /// Time of every transaction in order, if the serial engine was asked for it.
    pub durations: Vec<Duration>,
}

impl Diagnostics {
    pub(crate) fn serial() -> Self {
        Self { utilisation: 1.0, ..Self::default() }
    }
}
