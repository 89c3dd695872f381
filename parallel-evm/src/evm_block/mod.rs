//! Real and synthetic blocks from `evm-block/1` files: input, pre-state and what the execution must yield.
//!
//! Reading checks what can be checked without executing (schema, code hashes, counts); [`verify`] compares an
//! execution with what the chain recorded. Not part of a file's expectations: block rewards, withdrawals,
//! system calls and the post-state root.

mod file;

use crate::{Block, BlockOutput, MemoryState};
use alloy_primitives::Bloom;
use revm::primitives::B256;
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The forks whose rules a file can name, earliest first.
pub const FORKS: [&str; 14] = file::FORKS;

/// The longest file that is read, unpacked: many times the largest known.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// A block file, ready to execute.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadedBlock {
    /// The file's name without folder and extensions.
    pub name: String,
    /// Where the data comes from, as the file states it.
    pub source: String,
    /// The block.
    pub block: Block,
    /// All state the block touches.
    pub pre_state: MemoryState,
    /// Each transaction's size in its EIP-2718 encoding; 0 where the file does not state it.
    pub transaction_sizes_bytes: Vec<u32>,
    /// The whole block's size on the wire, if the file states it.
    pub block_size_bytes: Option<u64>,
    /// Identity of a block that exists on a chain.
    pub header: Option<BlockHeader>,
    /// What an execution must yield.
    pub expected: Expected,
}

/// The parts of a chain's block header that identify it and its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// The block's hash.
    pub hash: B256,
    /// Its parent's hash.
    pub parent_hash: B256,
    /// Root of the state after the block.
    pub state_root: B256,
    /// Root of the transactions' trie.
    pub transactions_root: B256,
    /// Root of the receipts' trie.
    pub receipts_root: B256,
}

/// What an execution of a block must yield; `None` where nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// Gas used by all transactions.
    pub gas_used: Option<u64>,
    /// Root of the receipts' trie; unknown before Byzantium.
    pub receipts_root: Option<B256>,
    /// Bloom filter over all logs.
    pub logs_bloom: Option<Bloom>,
    /// How many transactions the block has.
    pub tx_count: usize,
}

/// Why a block file cannot be used. Every message names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlockFileError {
    /// The file cannot be read, or its compression is broken or cut short.
    #[error("{}: cannot read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The content is not JSON, or lacks or mistypes a field.
    #[error("{}: not an evm-block file: {error}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what, by line and column.
        error: serde_json::Error,
    },
    /// The file declares a schema this version does not read.
    #[error("{}: schema {found:?} is not supported, expected \"evm-block/1\"", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The declared schema, if any.
        found: Option<String>,
    },
    /// The fields contradict each other or are out of range.
    #[error("{}: {what}", path.display())]
    Inconsistent {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// A difference between an execution and what the block file expects.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// Number of receipts.
    #[error("{found} transactions executed, expected {expected}")]
    TxCount {
        /// What the file expects.
        expected: usize,
        /// What was executed.
        found: usize,
    },
    /// Gas.
    #[error("gas used is {found}, expected {expected}")]
    GasUsed {
        /// What the file expects.
        expected: u64,
        /// What was used.
        found: u64,
    },
    /// Logs.
    #[error("the logs' bloom filter differs")]
    LogsBloom,
    /// Receipts.
    #[error("receipts root is {}, expected {expected}", .found.map_or_else(|| "not defined".to_owned(), |root| root.to_string()))]
    ReceiptsRoot {
        /// What the file expects.
        expected: B256,
        /// What was computed.
        found: Option<B256>,
    },
}

/// Reads a block from a `.json.gz` or `.json` file.
///
/// # Errors
/// [`BlockFileError`] names the file and what is wrong with it.
pub fn read(path: impl AsRef<Path>) -> Result<LoadedBlock, BlockFileError> {
    let path = path.as_ref();
    let unreadable = |error| BlockFileError::Unreadable { path: path.to_owned(), error };
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut content: Box<dyn Read> = match packed {
        true => Box::new(flate2::read::GzDecoder::new(&mut file)),
        false => Box::new(&mut file),
    };
    // A few kilobytes can be packed to stand for more than there is memory.
    content.by_ref().take(MAX_FILE_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let what = format!("longer than {MAX_FILE_BYTES} bytes, unpacked");
        return Err(BlockFileError::Inconsistent { path: path.to_owned(), what });
    }
    drop(content);
    file::parse(path, &text)
}

/// Reads a block from the content of a file; `path` names it in errors.
///
/// # Errors
/// As [`read`], save that nothing needs to be opened.
pub fn parse(path: impl AsRef<Path>, content: &[u8]) -> Result<LoadedBlock, BlockFileError> {
    file::parse(path.as_ref(), content)
}

/// All block files in a folder, ordered by block number; files without a number come last, by name.
///
/// # Errors
/// The folder cannot be listed.
pub fn list(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, BlockFileError> {
    let folder = folder.as_ref();
    let unreadable = |error| BlockFileError::Unreadable { path: folder.to_owned(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".json.gz") || name.ends_with(".json") {
            files.push(path);
        }
    }
    files.sort_by_cached_key(|path| {
        let name = block_name(path);
        (name.parse().unwrap_or(u64::MAX), name)
    });
    Ok(files)
}

/// Compares an execution with what the block's file expects.
///
/// # Errors
/// The first difference.
pub fn verify(loaded: &LoadedBlock, output: &BlockOutput) -> Result<(), Mismatch> {
    let expected = &loaded.expected;
    if output.receipts.len() != expected.tx_count {
        return Err(Mismatch::TxCount { expected: expected.tx_count, found: output.receipts.len() });
    }
    if let Some(gas) = expected.gas_used
        && gas != output.gas_used
    {
        return Err(Mismatch::GasUsed { expected: gas, found: output.gas_used });
    }
    if expected.logs_bloom.is_some_and(|bloom| bloom != output.logs_bloom()) {
        return Err(Mismatch::LogsBloom);
    }
    if let Some(root) = expected.receipts_root {
        let found = output.receipts_root();
        if found != Some(root) {
            return Err(Mismatch::ReceiptsRoot { expected: root, found });
        }
    }
    Ok(())
}

fn block_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(".gz").trim_end_matches(".json").to_owned()
}
