//! Executing blocks once.
//!
//! **Captures** one real execution per distinct (parent state, environment, transactions), shared by all nodes,
//! arms and threads through an [`ExecutionCache`]; surcharges of a fee market, burnt when the block ends.
//! [`draft`](super::draft) builds blocks with it. **Leaves out** nothing of the execution. **Parameters** the
//! engine (results do not depend on it). **Source** the executor is `parallel-evm`. **Checked against** recorded
//! blocks' headers (`tests/execution_blocks.rs`).

use super::disk::BlockFolder;
use super::state::WorldState;
use super::trace::BlockTrace;
use alloy_primitives::Keccak256;
use parallel_evm::evm_block::{self, LoadedBlock};
use parallel_evm::{
    AccountChange, Address, B256, Block, BlockEnv, BlockOutput, ExecuteError, Executor, SpecId, StateDelta,
    TxEnv, U256,
};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The rules of a chain, as far as the EVM is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The fork.
    pub spec: SpecId,
    /// EIP-155 id.
    pub chain_id: u64,
}

/// A block that was executed. Immutable, shared.
#[derive(Clone, Debug)]
pub struct ExecutedBlock {
    /// Receipts, gas, state changes. The per-transaction reports have moved to `trace`.
    pub output: BlockOutput,
    /// What the transactions did, for timing.
    pub trace: Arc<BlockTrace>,
    /// The state after the block; `None` for a recorded block, which is detached.
    pub state: Option<WorldState>,
}

impl ExecutedBlock {
    fn new(mut output: BlockOutput, block: &Block) -> Self {
        let senders: Vec<Address> = block.transactions.iter().map(|tx| tx.caller).collect();
        let reports = std::mem::take(&mut output.transactions);
        let trace = BlockTrace::new(&reports, &senders, touched_keys(&output.state));
        Self { output, trace: Arc::new(trace), state: None }
    }
}

/// Changed accounts and changed slots: what a state root has to visit.
pub fn touched_keys(delta: &StateDelta) -> u64 {
    delta.accounts.values().map(|account| 1 + account.storage.len() as u64).sum()
}

/// Executed blocks by content, shared between nodes, arms and threads. Bounded; the oldest go first. What it
/// holds never shows in a result.
#[derive(Debug)]
pub struct ExecutionCache {
    capacity: usize,
    folder: Option<BlockFolder>,
    inner: Mutex<CacheInner>,
}

#[derive(Debug, Default)]
struct CacheInner {
    blocks: BTreeMap<B256, Arc<ExecutedBlock>>,
    order: VecDeque<B256>,
    hits: u64,
    executed: u64,
}

impl ExecutionCache {
    /// A cache of at most so many blocks.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, folder: None, inner: Mutex::default() }
    }

    /// A cache of at most so many blocks in memory, and of all of them in a folder that other processes of the
    /// same engine may use as well.
    pub fn with_folder(capacity: usize, folder: PathBuf) -> Self {
        Self { folder: Some(BlockFolder::new(folder)), ..Self::new(capacity) }
    }

    /// An execution found in the folder.
    fn load(&self, key: &B256, spec: SpecId, parent: &WorldState) -> Option<Arc<ExecutedBlock>> {
        let (output, trace) = self.folder.as_ref()?.read(key, spec)?;
        let state = Some(parent.apply(&output.state, *key));
        let block = Arc::new(ExecutedBlock { output, trace: Arc::new(trace), state });
        self.lock().hits += 1;
        self.insert(*key, &block);
        Some(block)
    }

    fn keep(&self, key: B256, block: &Arc<ExecutedBlock>) {
        if let Some(folder) = &self.folder {
            folder.write(&key, &block.output, &block.trace);
        }
        self.lock().executed += 1;
        self.insert(key, block);
    }

    /// Blocks held, and executions saved so far. For host-side statistics only.
    pub fn stats(&self) -> (usize, u64) {
        let inner = self.lock();
        (inner.blocks.len(), inner.hits)
    }

    /// Blocks that had to be executed. For host-side statistics only.
    pub fn executed(&self) -> u64 {
        self.lock().executed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, CacheInner> {
        // A panic elsewhere cannot leave a half-written entry: inserts are single steps.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &B256) -> Option<Arc<ExecutedBlock>> {
        let mut inner = self.lock();
        let found = inner.blocks.get(key).cloned();
        inner.hits += u64::from(found.is_some());
        found
    }

    fn insert(&self, key: B256, block: &Arc<ExecutedBlock>) {
        let mut inner = self.lock();
        if self.capacity == 0 || inner.blocks.contains_key(&key) {
            return;
        }
        if inner.order.len() == self.capacity
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.blocks.remove(&oldest);
        }
        inner.blocks.insert(key, block.clone());
        inner.order.push_back(key);
    }
}

/// Executes and builds blocks for one run.
#[derive(Clone, Debug)]
pub struct BlockExecutor {
    executor: Executor,
    cache: Arc<ExecutionCache>,
}

impl BlockExecutor {
    /// An executor that shares a cache.
    pub fn new(executor: Executor, cache: Arc<ExecutionCache>) -> Self {
        Self { executor, cache }
    }

    /// Executes transactions on a state, or finds that this was done before.
    ///
    /// # Errors
    /// Those of the engine: the lowest transaction that cannot be part of the block, or the state's failure.
    pub fn execute(
        &self,
        rules: Rules,
        env: &BlockEnv,
        parent: &WorldState,
        transactions: Vec<TxEnv>,
    ) -> Result<Arc<ExecutedBlock>, ExecuteError> {
        self.execute_charged(rules, env, parent, transactions, &[])
    }

    /// As [`BlockExecutor::execute`], where the n-th transaction pays the n-th of `surcharges` (wei per gas, none
    /// beyond the end) as part of its priority fee: that part does not stay with the beneficiary but is burnt when
    /// the block ends.
    ///
    /// # Errors
    /// As [`BlockExecutor::execute`].
    pub fn execute_charged(
        &self,
        rules: Rules,
        env: &BlockEnv,
        parent: &WorldState,
        transactions: Vec<TxEnv>,
        surcharges: &[u64],
    ) -> Result<Arc<ExecutedBlock>, ExecuteError> {
        let block = Block { spec: rules.spec, chain_id: rules.chain_id, env: env.clone(), transactions };
        let key = content_key(parent.id(), &block, surcharges);
        if let Some(found) = self.cache.get(&key) {
            return Ok(found);
        }
        if let Some(found) = self.cache.load(&key, rules.spec, parent) {
            return Ok(found);
        }
        let output = self.run(&block, parent)?;
        Ok(self.keep(&block, surcharges, parent, output))
    }

    /// Executes for real.
    pub(super) fn run(&self, block: &Block, state: &WorldState) -> Result<BlockOutput, ExecuteError> {
        self.executor.with_reports(true).execute(block, state)
    }

    /// Remembers what a block on `parent` came to, and burns its surcharges.
    pub(super) fn keep(
        &self,
        block: &Block,
        surcharges: &[u64],
        parent: &WorldState,
        mut output: BlockOutput,
    ) -> Arc<ExecutedBlock> {
        let key = content_key(parent.id(), block, surcharges);
        burn(&mut output, surcharges, block.env.beneficiary);
        let mut executed = ExecutedBlock::new(output, block);
        executed.state = Some(parent.apply(&executed.output.state, key));
        let executed = Arc::new(executed);
        self.cache.keep(key, &executed);
        executed
    }

    /// Executes a recorded block on its own pre-state and compares it with its header: `Ok(())`, or the first
    /// difference (number of transactions, gas, bloom, receipts root).
    ///
    /// # Errors
    /// Those of the engine.
    pub fn execute_recorded(
        &self,
        loaded: &LoadedBlock,
    ) -> Result<(ExecutedBlock, Result<(), evm_block::Mismatch>), ExecuteError> {
        let output = self.executor.with_reports(true).execute(&loaded.block, &loaded.pre_state)?;
        let verified = evm_block::verify(loaded, &output);
        Ok((ExecutedBlock::new(output, &loaded.block), verified))
    }
}

/// Identity of an execution by content: Keccak-256 over the parent state's identity, the rules, the
/// environment and every field of every transaction. Also the identity of the state it leads to.
fn content_key(parent: B256, block: &Block, surcharges: &[u64]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(parent);
    hasher.update([block.spec as u8]);
    hasher.update(block.chain_id.to_be_bytes());
    // A derived `Debug` names every field, so a field added later cannot be forgotten here.
    hasher.update(format!("{:?}", block.env));
    for tx in &block.transactions {
        hasher.update([tx.tx_type]);
        hasher.update(tx.caller);
        hasher.update(tx.gas_limit.to_be_bytes());
        hasher.update(tx.gas_price.to_be_bytes());
        match tx.kind.to() {
            Some(to) => hasher.update(to),
            None => hasher.update([0]),
        }
        hasher.update(tx.value.to_be_bytes::<32>());
        hasher.update((tx.data.len() as u64).to_be_bytes());
        hasher.update(&tx.data);
        hasher.update(tx.nonce.to_be_bytes());
        hasher.update(tx.chain_id.unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(tx.gas_priority_fee.unwrap_or(u128::MAX).to_be_bytes());
        if !tx.access_list.0.is_empty() || !tx.blob_hashes.is_empty() || !tx.authorization_list.is_empty() {
            hasher.update(format!("{tx:?}"));
        }
    }
    if surcharges.iter().any(|wei| *wei > 0) {
        surcharges.iter().for_each(|wei| hasher.update(wei.to_be_bytes()));
    }
    hasher.finalize()
}

/// Takes the surcharges out of what the beneficiary received.
fn burn(output: &mut BlockOutput, surcharges: &[u64], beneficiary: Address) {
    let parts = output.receipts.iter().zip(surcharges);
    let burnt: U256 = parts.map(|(receipt, wei)| U256::from(receipt.gas_used) * U256::from(*wei)).sum();
    let account = output.state.accounts.get_mut(&beneficiary);
    if let Some(AccountChange::Updated(fields)) = account.map(|account| &mut account.info) {
        debug_assert!(fields.balance >= burnt, "the surcharges were credited before");
        fields.balance = fields.balance.saturating_sub(burnt);
    } else {
        debug_assert!(burnt.is_zero(), "whoever is credited changes");
    }
}
