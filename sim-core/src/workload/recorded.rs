//! `Blocks`: recorded blocks are proposed in turn, with their real sizes and contents.
//!
//! **Captures.** Each block is executed for real on its own pre-state, and its gas, logs bloom and receipts
//! root are compared with its header; its size on the wire is the recorded one. **Leaves out.** Mempool, base
//! fee and state after the block: such blocks are *detached*, the chain they form here has no state.
//!
//! **Parameters.** The files ([`BlocksPlan`](super::params::BlocksPlan)).

use super::{BuildRequest, Draft, Pricing, next_header};
use crate::chain::block::{Block, BlockHeader, Body};
use crate::chain::fee_market::FeeRecord;
use crate::execution::builder::BlockExecutor;
use crate::execution::host::RunError;
use crate::execution::trace::BlockTrace;
use parallel_evm::ExecuteError;
use parallel_evm::evm_block::{self, BlockFileError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;

/// A recorded block cannot be used.
#[derive(Debug, Error)]
pub enum RecordedError {
    /// The file cannot be read. The message names it.
    #[error(transparent)]
    Load(#[from] BlockFileError),
    /// The block cannot be executed on its pre-state.
    #[error("{name}: {error}")]
    Execute {
        /// Name of the block.
        name: String,
        /// What the executor said.
        error: ExecuteError,
    },
}

/// One recorded block, executed.
#[derive(Debug)]
struct Entry {
    name: String,
    transactions: u32,
    gas_used: u64,
    gas_limit: u64,
    base_fee_wei: u64,
    size_bytes: u64,
    verified: bool,
    trace: Arc<BlockTrace>,
}

/// Recorded blocks already read and executed, by file: arms of a comparison mostly share all of them.
#[derive(Debug, Default)]
pub struct RecordedBlocks(Mutex<BTreeMap<String, Arc<Entry>>>);

impl RecordedBlocks {
    fn get(&self, file: &str, executor: &BlockExecutor) -> Result<Arc<Entry>, RecordedError> {
        // A panic elsewhere cannot leave a half-written entry: inserting is the last step.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(file) {
            return Ok(Arc::clone(entry));
        }
        let entry = Arc::new(Entry::load(Path::new(file), executor)?);
        known.insert(file.to_owned(), Arc::clone(&entry));
        Ok(entry)
    }
}

/// The workload of one chain.
#[derive(Clone, Debug)]
pub struct Recorded {
    entries: Arc<[Arc<Entry>]>,
    pricing: Pricing,
    next: usize,
}

impl Recorded {
    /// Reads and executes the files that `shared` does not hold yet.
    ///
    /// # Errors
    /// [`RecordedError`] for the first file that cannot be read or executed.
    pub fn load(
        files: &[String],
        shared: &RecordedBlocks,
        executor: &BlockExecutor,
        pricing: Pricing,
    ) -> Result<Self, RecordedError> {
        let entries = files.iter().map(|file| shared.get(file, executor));
        Ok(Self { entries: entries.collect::<Result<_, _>>()?, pricing, next: 0 })
    }

    /// Prices blocks proposed from now on in another way.
    pub fn set_pricing(&mut self, pricing: Pricing) {
        self.pricing = pricing;
    }

    /// Proposes the next block.
    ///
    /// # Errors
    /// None at present: everything was executed when it was loaded.
    pub fn build(&mut self, request: &BuildRequest, parent: &BlockHeader) -> Result<Draft, RunError> {
        let number = self.next % self.entries.len();
        let entry = &self.entries[number];
        self.next += 1;
        let mut header = next_header(request, parent, entry.base_fee_wei);
        header.gas_limit = entry.gas_limit;
        header.gas_used = entry.gas_used;
        let (durations_ns, execution) = self.pricing.price(&entry.trace);
        Ok(Draft {
            block: Block { header, body: Body::Recorded(number as u32), size_bytes: entry.size_bytes },
            transactions: entry.transactions,
            recorded: Some((entry.name.clone(), entry.verified)),
            durations_ns,
            execution,
            trace: Arc::clone(&entry.trace),
            fees: FeeRecord::default(),
            after: None,
        })
    }
}

impl Entry {
    fn load(path: &Path, executor: &BlockExecutor) -> Result<Self, RecordedError> {
        let loaded = evm_block::read(path)?;
        let failed = |error| RecordedError::Execute { name: loaded.name.clone(), error };
        let (executed, verdict) = executor.execute_recorded(&loaded).map_err(failed)?;
        let encoded: u64 = loaded.transaction_sizes_bytes.iter().map(|l| u64::from(*l)).sum();
        Ok(Self {
            name: loaded.name.clone(),
            transactions: loaded.block.transactions.len() as u32,
            gas_used: executed.output.gas_used,
            gas_limit: loaded.block.env.gas_limit,
            base_fee_wei: loaded.block.env.basefee,
            size_bytes: loaded.block_size_bytes.unwrap_or(encoded + 600),
            verified: verdict.is_ok(),
            trace: executed.trace,
        })
    }
}
