//! A pre-state as a database of plain revm, for what compares with it.

use parallel_evm::{AccountInfo, Bytecode, MemoryState, PreState, StateError};
use revm::{
    DatabaseRef,
    database_interface::DBErrorMarker,
    primitives::{Address, B256, U256},
};

/// Plain revm's way to read the same state.
pub struct Pre<'s>(pub &'s MemoryState);

/// The state cannot answer.
#[derive(Debug)]
pub struct Failed(StateError);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}
impl DBErrorMarker for Failed {}

impl DatabaseRef for Pre<'_> {
    type Error = Failed;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Failed> {
        self.0.account(address).map_err(Failed)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Failed> {
        self.0.code(hash).map_err(Failed)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Failed> {
        self.0.storage(address, slot).map_err(Failed)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Failed> {
        self.0.block_hash(number).map_err(Failed)
    }
}
