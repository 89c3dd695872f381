//! Builds `evm-block/1` files from a node's ordinary JSON-RPC methods.
//!
//! The block is executed over a state that asks the node for what the execution reads, as of the parent block,
//! and remembers the answers; where the node offers the prestate tracer, one request brings most of them. What
//! the node says is believed only as far as it proves itself: transactions must hash to the header's root, codes
//! are filed under hashes computed here, gas, logs and receipts must come out as the header says. **Left out**, as
//! in all block files: rewards, withdrawals, system calls, the state root.

mod block;
mod client;
mod encode;
mod forks;
mod state;

pub use client::RpcError;

use block::RpcBlock;
use client::Client;
use flate2::{Compression, write::GzEncoder};
use parallel_evm::evm_block::{self, BlockFileError, LoadedBlock, Mismatch};
use parallel_evm::{ExecuteError, Executor};
use state::RemoteState;
use std::io::Write;
use std::path::Path;

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    pub transactions: usize,
    pub gas_used: u64,
    pub accounts: usize,
    pub slots: usize,
    pub requests: u64,
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

/// Imports one block into a new file.
///
/// `fork` names the rules of a chain other than the Ethereum main net, as block files spell them.
///
/// # Errors
/// See [`ImportError`]; nothing is written then.
pub fn import(rpc: &str, number: u64, fork: Option<&str>, path: &Path) -> Result<Imported, ImportError> {
    let client = Client::new(rpc)?;
    let chain_id = client.quantity("eth_chainId", &serde_json::json!([]))?;
    let block = RpcBlock::fetch(&client, number, chain_id)?;
    let spec = match fork {
        Some(name) => name.to_owned(),
        None => forks::main_net(chain_id, number, block.timestamp).map_err(ImportError::Usage)?.to_owned(),
    };
    let mut file = block.to_file(&spec, rpc_host(rpc))?;
    let loaded = parse(path, &file)?;
    let state = RemoteState::new(&client, number);
    state.prefetch(&block);
    let verified = execute(&loaded, |executor| executor.execute(&loaded.block, &state));
    // A failure to fetch is the cause, whatever came of it.
    if let Some(error) = state.take_failure() {
        return Err(error.into());
    }
    verified?;
    let (accounts, slots) = state.write_to(&mut file);
    // Once more, from what the file will hold.
    let loaded = parse(path, &file)?;
    execute(&loaded, |executor| executor.execute(&loaded.block, &loaded.pre_state))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(file.to_string().as_bytes())?;
    std::fs::write(path, encoder.finish()?)?;
    let transactions = loaded.block.transactions.len();
    Ok(Imported { transactions, gas_used: block.gas_used, accounts, slots, requests: client.requests() })
}

fn parse(path: &Path, file: &serde_json::Value) -> Result<LoadedBlock, BlockFileError> {
    evm_block::parse(path, file.to_string().as_bytes())
}

fn execute(
    loaded: &LoadedBlock,
    run: impl FnOnce(Executor) -> Result<parallel_evm::BlockOutput, ExecuteError>,
) -> Result<(), ImportError> {
    let output = run(Executor::serial().with_reports(false))?;
    Ok(evm_block::verify(loaded, &output)?)
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
