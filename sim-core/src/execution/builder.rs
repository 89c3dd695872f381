//! Executing blocks once, and building them.
//!
//! **Captures** one real execution per distinct (parent state, environment, transactions), shared by all nodes,
//! arms and threads through an [`ExecutionCache`]; a builder that packs by gas limit, executes, and refills
//! what the transactions left unused. **Leaves out** bundles, private order flow, and ordering by anything but
//! the pool's choice. **Parameters** [`BUILD_ROUNDS`]; the engine (results do not depend on it).
//! **Source** go-ethereum's `miner` (fill by tip, drop what turns out invalid). **Checked against** serial
//! execution of the finished list, and recorded blocks' headers (`tests/execution_blocks.rs`).

use super::disk::BlockFolder;
use super::state::WorldState;
use super::trace::BlockTrace;
use crate::chain::mempool::{Mempool, TransactionLog, TxIx};
use alloy_primitives::Keccak256;
use parallel_evm::evm_block::{self, LoadedBlock};
use parallel_evm::{
    Address, B256, Block, BlockEnv, BlockOutput, ExecuteError, Executor, InvalidReason, InvalidTransaction,
    SpecId, StateDelta, TxEnv,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// How often a builder asks the pool for transactions: once, and again for what is left of the gas.
pub const BUILD_ROUNDS: usize = 3;

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

/// A transaction that a builder had to leave out although the pool offered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Which one.
    pub transaction: TxIx,
    /// Why.
    pub reason: DropReason,
}

/// Why a builder left a transaction out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The EVM's validation refused it.
    Invalid(InvalidReason),
    /// An earlier transaction of the same sender was dropped.
    AfterDropped,
}

impl DropReason {
    /// A short name to count by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AfterDropped => "after a dropped one",
            Self::Invalid(InvalidReason::Transaction(reason)) => match reason {
                InvalidTransaction::LackOfFundForMaxFee { .. } => "lack of funds",
                InvalidTransaction::NonceTooLow { .. } | InvalidTransaction::NonceTooHigh { .. } => "nonce",
                InvalidTransaction::GasPriceLessThanBasefee => "below the base fee",
                _ => "invalid",
            },
            Self::Invalid(InvalidReason::BlockGasLimit { .. }) => "block gas limit",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// What a builder made.
#[derive(Clone, Debug)]
pub struct BuiltBlock {
    /// The chosen transactions in order.
    pub transactions: Vec<TxIx>,
    /// Their execution.
    pub executed: Arc<ExecutedBlock>,
    /// What had to be left out.
    pub dropped: Vec<Dropped>,
    /// How often the pool was asked and had something.
    pub rounds: usize,
}

/// Where a builder takes its transactions from: a pool as one proposer sees it.
#[derive(Clone, Copy)]
pub struct PoolView<'a> {
    /// Bodies.
    pub log: &'a TransactionLog,
    /// The pending set.
    pub pool: &'a Mempool,
    /// Whether the proposer has received a transaction.
    pub visible: &'a dyn Fn(TxIx) -> bool,
    /// Address of a sender.
    pub address: &'a dyn Fn(u32) -> Address,
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
        let block = Block { spec: rules.spec, chain_id: rules.chain_id, env: env.clone(), transactions };
        let key = content_key(parent.id(), &block);
        if let Some(found) = self.cache.get(&key) {
            return Ok(found);
        }
        if let Some(found) = self.cache.load(&key, rules.spec, parent) {
            return Ok(found);
        }
        let output = self.executor.with_reports(true).execute(&block, parent)?;
        Ok(self.keep(&block, parent, output))
    }

    /// Remembers what a block on `parent` came to.
    fn keep(&self, block: &Block, parent: &WorldState, output: BlockOutput) -> Arc<ExecutedBlock> {
        let key = content_key(parent.id(), block);
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

    /// Builds a block: takes the pool's choice for the gas limit, executes it, asks the pool again for the gas
    /// that was reserved but not used, at most [`BUILD_ROUNDS`] times.
    ///
    /// What validation refuses is dropped, with the sender's later transactions. The result is that of
    /// executing the final list in order.
    ///
    /// # Errors
    /// Only if the state fails or the environment is one no transaction can run in.
    pub fn build(
        &self,
        rules: Rules,
        env: &BlockEnv,
        parent: &WorldState,
        source: PoolView<'_>,
    ) -> Result<BuiltBlock, ExecuteError> {
        let mut draft = Draft {
            rules,
            env,
            log: source.log,
            state: parent.clone(),
            accepted: Vec::new(),
            gas_used: 0,
            dropped: Vec::new(),
            out: BTreeSet::new(),
            pieces: Vec::new(),
        };
        let mut rounds = 0;
        while rounds < BUILD_ROUNDS {
            let offered = source.pool.select(
                env.basefee,
                env.gas_limit - draft.gas_used,
                |ix| !draft.out.contains(&ix) && (source.visible)(ix),
                |sender| draft.state.nonce((source.address)(sender)),
            );
            if offered.is_empty() {
                break;
            }
            rounds += 1;
            draft.add(self, offered)?;
        }
        let pieces = std::mem::take(&mut draft.pieces);
        let executed = match pieces.into_iter().reduce(joined) {
            Some(output) => {
                let transactions = draft.envs(&draft.accepted);
                let block =
                    Block { spec: rules.spec, chain_id: rules.chain_id, env: env.clone(), transactions };
                self.keep(&block, parent, output)
            }
            // Nothing was accepted.
            None => self.execute(rules, env, parent, Vec::new())?,
        };
        Ok(BuiltBlock { transactions: draft.accepted, executed, dropped: draft.dropped, rounds })
    }
}

/// A block in the making.
struct Draft<'a> {
    rules: Rules,
    env: &'a BlockEnv,
    log: &'a TransactionLog,
    /// After all accepted transactions.
    state: WorldState,
    accepted: Vec<TxIx>,
    gas_used: u64,
    dropped: Vec<Dropped>,
    /// Handles of `dropped`.
    out: BTreeSet<TxIx>,
    /// Executions of the accepted transactions, piece by piece.
    pieces: Vec<BlockOutput>,
}

/// What two pieces come to when the second follows the first.
fn joined(mut first: BlockOutput, mut second: BlockOutput) -> BlockOutput {
    for receipt in &mut second.receipts {
        receipt.cumulative_gas_used += first.gas_used;
    }
    first.gas_used += second.gas_used;
    first.receipts.append(&mut second.receipts);
    first.transactions.append(&mut second.transactions);
    first.state.append(&second.state);
    first
}

impl Draft<'_> {
    fn envs(&self, transactions: &[TxIx]) -> Vec<TxEnv> {
        transactions.iter().map(|ix| self.log.get(*ix).to_env()).collect()
    }

    fn add(&mut self, engine: &BlockExecutor, mut rest: Vec<TxIx>) -> Result<(), ExecuteError> {
        while !rest.is_empty() {
            match self.execute(engine, &rest) {
                Ok(()) => return Ok(()),
                Err(ExecuteError::InvalidTransaction { index, reason }) => {
                    // Keep what comes before, drop the culprit and its sender's later ones, go on with the rest.
                    let tail = rest.split_off(index);
                    if !rest.is_empty() {
                        self.execute(engine, &rest)?;
                    }
                    let sender = self.log.get(tail[0]).sender;
                    self.drop(tail[0], DropReason::Invalid(reason));
                    rest = Vec::with_capacity(tail.len());
                    for ix in &tail[1..] {
                        if self.log.get(*ix).sender == sender {
                            self.drop(*ix, DropReason::AfterDropped);
                        } else {
                            rest.push(*ix);
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn drop(&mut self, transaction: TxIx, reason: DropReason) {
        self.out.insert(transaction);
        self.dropped.push(Dropped { transaction, reason });
    }

    /// Executes a piece after what was accepted so far, and accepts it.
    fn execute(&mut self, engine: &BlockExecutor, piece: &[TxIx]) -> Result<(), ExecuteError> {
        let transactions = self.envs(piece);
        let Rules { spec, chain_id } = self.rules;
        let block = Block { spec, chain_id, env: self.env.clone(), transactions };
        let output = engine.executor.with_reports(true).execute(&block, &self.state)?;
        self.gas_used += output.gas_used;
        self.state = self.state.apply(&output.state, B256::ZERO);
        self.pieces.push(output);
        self.accepted.extend_from_slice(piece);
        Ok(())
    }
}

/// Identity of an execution by content: Keccak-256 over the parent state's identity, the rules, the
/// environment and every field of every transaction. Also the identity of the state it leads to.
fn content_key(parent: B256, block: &Block) -> B256 {
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
    hasher.finalize()
}
