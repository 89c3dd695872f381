//! The façade: choose an engine, execute blocks.

use crate::{Block, BlockOutput, ExecuteError, PreState, StateError, parallel, serial};
use revm::{
    primitives::{Address, B256, U256},
    state::{AccountInfo, Bytecode},
};
use std::num::NonZeroUsize;

/// How a block is executed. The choice never shows in the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One transaction after the other, on the calling thread.
    Serial,
    /// Optimistically, on several threads.
    Parallel {
        /// How many threads execute transactions.
        threads: NonZeroUsize,
    },
}

/// Executes blocks with a chosen engine.
#[derive(Clone, Copy, Debug)]
pub struct Executor {
    engine: Engine,
    reports: bool,
}

impl Executor {
    /// An executor with the given engine that makes reports.
    pub const fn new(engine: Engine) -> Self {
        Self { engine, reports: true }
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
        self.reports = reports;
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
        match self.engine {
            Engine::Serial => serial::execute(block, pre, self.reports),
            Engine::Parallel { threads } => parallel::execute(block, pre, self.reports, threads),
        }
    }
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
