//! The façade: choose an engine, execute blocks.

use crate::{Block, BlockOutput, ExecuteError, PreState, StateError, Stress, parallel, serial};
use revm::{
    context::TxEnv,
    primitives::{Address, B256, HashMap, TxKind, U256},
    state::{AccountInfo, Bytecode},
};
use std::num::NonZeroUsize;

/// How a block is executed. The choice never shows in the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// One transaction after the other, on the calling thread.
    Serial,
    /// Optimistically, on several threads; on one, and where [too little is to gain](is_small), serially.
    Parallel {
        /// How many threads execute transactions.
        threads: NonZeroUsize,
    },
}

/// Executes blocks with a chosen engine.
#[derive(Clone, Copy, Debug)]
pub struct Executor {
    engine: Engine,
    options: Options,
}

/// What an execution does besides executing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) reports: bool,
    pub(crate) timing: bool,
    pub(crate) small_serially: bool,
    pub(crate) stress: Option<Stress>,
}

impl Executor {
    /// An executor with the given engine that makes reports.
    pub const fn new(engine: Engine) -> Self {
        let options = Options { reports: true, timing: false, small_serially: true, stress: None };
        Self { engine, options }
    }

    /// Executes serially.
    pub const fn serial() -> Self {
        Self::new(Engine::Serial)
    }

    /// Executes on so many threads.
    pub const fn parallel(threads: NonZeroUsize) -> Self {
        Self::new(Engine::Parallel { threads })
    }

    /// Whether to make a [`TxReport`](crate::TxReport) a transaction (the default). Without, nothing is
    /// counted at all.
    #[must_use]
    pub const fn with_reports(mut self, reports: bool) -> Self {
        self.options.reports = reports;
        self
    }

    /// Whether the serial engine takes the time of every transaction, for
    /// [`Diagnostics::durations`](crate::Diagnostics) (not the default).
    #[must_use]
    pub const fn with_timing(mut self, timing: bool) -> Self {
        self.options.timing = timing;
        self
    }

    /// Whether blocks that are [too small to gain](is_small), and all blocks if there is but one thread, are executed
    /// serially by the parallel engine (the default).
    #[must_use]
    pub const fn with_small_blocks_serial(mut self, serially: bool) -> Self {
        self.options.small_serially = serially;
        self
    }

    /// Disturbs the parallel engine, for tests.
    #[must_use]
    pub const fn with_stress(mut self, stress: Stress) -> Self {
        self.options.stress = Some(stress);
        self
    }

    /// The engine in use.
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// Executes a block on the given state, which is not changed.
    ///
    /// # Errors
    /// The error of the lowest index if a transaction is invalid, the pre-state fails or something panics;
    /// the same from every engine.
    pub fn execute<P: PreState + ?Sized>(&self, block: &Block, pre: &P) -> Result<BlockOutput, ExecuteError> {
        // One level of indirection instead of one copy of the EVM for every state type.
        let pre = &Borrowed(pre);
        let options = self.options;
        match self.engine {
            Engine::Parallel { threads }
                if options.stress.is_some()
                    || !options.small_serially
                    || threads.get() > 1 && !is_small(block) =>
            {
                parallel::execute(block, pre, options, threads.get())
            }
            _ => serial::execute(block, pre, options),
        }
    }
}

/// Whether a block is too small to gain from threads, or its transactions are: fewer than two transactions, an
/// estimated serial time below half a millisecond, or below two microseconds a transaction; or if four fifths of
/// that time are calls of one contract by one sender, of which each depends on the one before more often than not.
///
/// The estimate is half a microsecond for a transaction without input, most of which are plain transfers whatever gas
/// they may use; for others 1.5 microseconds and 0.12 nanoseconds a unit of gas that they may use beyond the 21,000 of a
/// transfer (gas used is not known yet). To execute a transfer ahead, record, check and commit it costs more than to
/// execute it.
pub fn is_small(block: &Block) -> bool {
    const SMALL_PICOS: u64 = 500_000_000;
    const SMALL_EACH_PICOS: u64 = 2_000_000;
    const TRANSFER_PICOS: u64 = 500_000;
    const CALL_PICOS: u64 = 1_500_000;
    const GAS_PICOS: u64 = 120;
    let picos = |tx: &TxEnv| {
        let gas = tx.gas_limit.min(block.env.gas_limit).saturating_sub(21_000);
        match tx.data.is_empty() {
            true => TRANSFER_PICOS,
            false => gas.saturating_mul(GAS_PICOS).saturating_add(CALL_PICOS),
        }
    };
    let total = block.transactions.iter().map(picos).fold(0_u64, u64::saturating_add);
    let count = block.transactions.len() as u64;
    if count < 2 || total < SMALL_PICOS || total / count < SMALL_EACH_PICOS {
        return true;
    }
    let mut chains: HashMap<(Address, TxKind), u64> = HashMap::default();
    for tx in block.transactions.iter().filter(|tx| !tx.data.is_empty()) {
        *chains.entry((tx.caller, tx.kind)).or_default() += picos(tx);
    }
    chains.into_values().max().is_some_and(|longest| longest > total / 5 * 4)
}

struct Borrowed<'p, P: ?Sized>(&'p P);

impl<P: PreState + ?Sized> PreState for Borrowed<'_, P> {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.0.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.0.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.0.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.0.block_hash(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockEnv, Bytes, SpecId};

    /// So many transactions, each from and to whom `parties` says, with some input unless it is a plain transfer.
    fn block(count: usize, input: &'static [u8], gas_limit: u64, parties: fn(u8) -> (u8, u8)) -> Block {
        let transactions = (0..count).map(|index| {
            let (from, to) = parties((index % 256) as u8);
            let (caller, callee) = (Address::repeat_byte(from), Address::repeat_byte(to));
            let (kind, data) = (TxKind::Call(callee), Bytes::from_static(input));
            TxEnv { caller, kind, data, gas_limit, ..TxEnv::default() }
        });
        let env = BlockEnv { gas_limit: 30_000_000, ..BlockEnv::default() };
        Block { spec: SpecId::OSAKA, chain_id: 1, env, transactions: transactions.collect() }
    }

    #[test]
    fn small_blocks_plain_transfers_and_the_calls_of_one_sender_are_left_to_the_serial_engine() {
        let strangers = |index| (index, 255 - index);
        assert!(!is_small(&block(100, &[1; 4], 300_000, strangers)));
        assert!(is_small(&block(1, &[1; 4], 30_000_000, strangers)), "one transaction");
        assert!(is_small(&block(10, &[1; 4], 300_000, strangers)), "below half a millisecond");
        assert!(
            is_small(&block(1_000, &[], 300_000, strangers)),
            "plain transfers, whatever their gas limit"
        );
        assert!(is_small(&block(100, &[1; 4], 300_000, |_| (1, 2))), "one sender, one contract");
        assert!(!is_small(&block(100, &[1; 4], 300_000, |index| (index, 2))), "many senders, one contract");
    }
}
