//! Builds `evm-block/1` files from a node's ordinary JSON-RPC methods.
//!
//! The block is executed over a state that asks the node for what the execution reads, as of the parent block,
//! and remembers the answers; where the node offers the prestate tracer, one request brings most of them. What
//! the node says is believed only as far as it proves itself: the header must hash to the block's hash, the
//! transactions and withdrawals to their roots, uncles to theirs; each transaction must be signed by its sender,
//! headers below must be named by the one above, codes are filed under hashes computed here, sizes are measured here; gas, logs and receipts must come out as the header says. Where the node
//! offers proofs, accounts and slots must lead to the parent's state root as well; without, a wrong balance that
//! makes no difference to the header stays unnoticed. **Left out**: whatever else a node tells of a block or
//! transaction, uncles and withdrawals that it does not tell enough of to prove them, and, as in all block files: rewards, withdrawals, system
//! calls at the end of a block, the state root.

mod block;
mod body;
mod client;
mod encode;
mod forks;
mod header;
mod headers;
mod proof;
mod state;
mod system;

pub use client::{Patience, RpcError};

use block::RpcBlock;
use client::Client;
use flate2::{Compression, write::GzEncoder};
use forks::Rules;
use parallel_evm::evm_block::{self, BlockFileError, LoadedBlock, Mismatch};
use parallel_evm::{BlockOutput, ExecuteError, Executor};
use serde_json::{Value, json};
use state::RemoteState;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Where blocks come from, and what is known beforehand.
pub struct Source<'a> {
    /// Address of the node.
    pub rpc: &'a str,
    /// The rules of a chain other than the Ethereum main net, as block files spell them.
    pub fork: Option<&'a str>,
    /// The update fraction of the blob base fee, if not the fork's own.
    pub blob_fee_fraction: Option<u64>,
    pub patience: Patience,
    /// Hears how many requests were made, at each.
    pub watch: &'a (dyn Fn(u64) + Sync),
}

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    pub transactions: usize,
    pub gas_used: u64,
    pub accounts: usize,
    pub slots: usize,
    pub requests: u64,
    /// Whether all of the state is proven against the parent's state root.
    pub proven: bool,
}

/// Why a block cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The node does not answer, or not as it must.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The node's answers contradict each other.
    #[error("the node contradicts itself: {0}")]
    Inconsistent(String),
    /// The block cannot be executed over the state the node gives.
    #[error("the block cannot be executed over the node's state: {0}")]
    Execution(#[from] ExecuteError),
    /// The execution does not yield what the header says.
    #[error("the node's state does not yield the header: {0}")]
    Header(#[from] Mismatch),
    /// What was put together is no block file.
    #[error(transparent)]
    File(#[from] BlockFileError),
    /// The file cannot be written.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
}

impl ImportError {
    /// Whether there is no point in asking the node for other blocks.
    pub const fn is_silence(&self) -> bool {
        matches!(self, Self::Rpc(RpcError::NoAnswer { .. } | RpcError::OutOfTime { .. }))
    }
}

fn inconsistent(what: impl Into<String>) -> ImportError {
    ImportError::Inconsistent(what.into())
}

/// A node that blocks are imported from, one after the other.
pub struct Importer<'a> {
    source: Source<'a>,
    client: Client<'a>,
    chain_id: Option<u64>,
}

impl<'a> Importer<'a> {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(source: Source<'a>) -> Result<Self, ImportError> {
        let client = Client::new(source.rpc, source.patience, source.watch)?;
        Ok(Self { source, client, chain_id: None })
    }

    /// Imports one block into a new file.
    ///
    /// # Errors
    /// See [`ImportError`]; nothing is written then.
    pub fn import(&mut self, number: u64, path: &Path) -> Result<Imported, ImportError> {
        let requests_before = self.client.requests();
        let (client, source) = (&self.client, &self.source);
        let chain_id = match self.chain_id {
            Some(chain_id) => chain_id,
            None => client.quantity("eth_chainId", &json!([]))?,
        };
        self.chain_id = Some(chain_id);
        let block = RpcBlock::fetch(client, number, chain_id)?;
        let rules = rules(source, chain_id, &block)?;
        let mut file = block.to_file(&rules, rpc_host(source.rpc))?;
        let empty = parse(path, &file)?;
        check_blob_fee(client, &block, &empty)?;
        let state = RemoteState::new(client, &block, &rules.spec);
        let traced = state.prefetch(&block);
        let (state, outcome) = match over(&empty, &state) {
            Err(ImportError::Execution(_) | ImportError::Header(_)) if traced => {
                // Tracers differ in what they list: once more without.
                let state = RemoteState::new(client, &block, &rules.spec);
                let outcome = over(&empty, &state);
                (state, outcome)
            }
            outcome => (state, outcome),
        };
        outcome?;
        let proven = state.prove()?;
        if let Some(serde_json::Value::String(source)) = file.get_mut("source") {
            source.push_str(if proven {
                "; pre-state proven against the state root before it"
            } else {
                "; pre-state as the node told it, not proven"
            });
        }
        let (accounts, slots) = state.write_to(&mut file);
        // Once more, from what the file will hold.
        let loaded = parse(path, &file)?;
        verify(&loaded, serial().execute(&loaded.block, &loaded.pre_state))?;
        write(path, &file)?;
        let transactions = loaded.block.transactions.len();
        let requests = client.requests() - requests_before;
        Ok(Imported { transactions, gas_used: block.gas_used, accounts, slots, requests, proven })
    }
}

/// The rules of a block: as told, else those of the main net.
fn rules(source: &Source<'_>, chain_id: u64, block: &RpcBlock) -> Result<Rules, ImportError> {
    if block.number == forks::DAO_BLOCK && chain_id == 1 {
        let what = format!(
            "block {}: ether was moved in it by no transaction: no block file can say so",
            block.number
        );
        return Err(ImportError::Usage(what));
    }
    let mut rules = match source.fork {
        Some(name) => Rules { spec: name.to_owned(), blob_fee_fraction: None },
        None => forks::main_net(chain_id, block.number, block.timestamp).map_err(ImportError::Usage)?,
    };
    if source.blob_fee_fraction.is_some() {
        rules.blob_fee_fraction = source.blob_fee_fraction;
    }
    Ok(rules)
}

/// Compares the price of blob gas with that of a receipt, if there is one: nothing in the header would show a wrong
/// one, which senders pay and nobody gets.
fn check_blob_fee(client: &Client<'_>, block: &RpcBlock, loaded: &LoadedBlock) -> Result<(), ImportError> {
    let Some(hash) = block.first_with_blobs() else { return Ok(()) };
    let receipt = client.offered::<Value>("eth_getTransactionReceipt", &json!([hash]))?;
    let told = receipt.and_then(|receipt| receipt["blobGasPrice"].as_str().map(str::to_owned));
    let computed = loaded.block.env.blob_excess_gas_and_price.map_or(0, |price| price.blob_gasprice);
    match told.and_then(|told| told.parse::<parallel_evm::U256>().ok()) {
        Some(told) if told != parallel_evm::U256::from(computed) => Err(ImportError::Usage(format!(
            "a unit of blob gas costs {told} wei in block {}, by the rules that are known here {computed}: say the update \
             fraction of the blob base fee with --blob-fee-fraction",
            block.number
        ))),
        _ => Ok(()),
    }
}

const fn serial() -> Executor {
    Executor::serial().with_reports(false)
}

/// Executes a block over the node's state and compares the outcome with the header.
fn over(loaded: &LoadedBlock, state: &RemoteState<'_>) -> Result<(), ImportError> {
    let verified = verify(loaded, serial().execute(&loaded.block, state));
    // A failure to fetch is the cause, whatever came of it.
    state.take_failure().map_or(verified, Err)
}

fn verify(loaded: &LoadedBlock, output: Result<BlockOutput, ExecuteError>) -> Result<(), ImportError> {
    Ok(evm_block::verify(loaded, &output?)?)
}

/// Writes all of the file or nothing: under another name first.
fn write(path: &Path, file: &Value) -> Result<(), ImportError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(file.to_string().as_bytes())?;
    let content = encoder.finish()?;
    let unfinished = path.with_extension(format!("part-{}", std::process::id()));
    let written = File::create_new(&unfinished).and_then(|mut file| {
        file.write_all(&content)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&unfinished, path));
    if placed.is_err() {
        // Nothing more can be done if that fails, too.
        let _ = fs::remove_file(&unfinished);
    }
    Ok(placed?)
}

fn parse(path: &Path, file: &Value) -> Result<LoadedBlock, BlockFileError> {
    evm_block::parse(path, file.to_string().as_bytes())
}

/// The node without path, user and key, which may be secret.
fn rpc_host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_of_a_node_do_not_get_into_files() {
        assert_eq!(super::rpc_host("https://user:pass@node.example:8545/v3/KEY?x=1"), "node.example:8545");
        assert_eq!(super::rpc_host("http://127.0.0.1:8545"), "127.0.0.1:8545");
    }
}
