//! A pre-state that makes threads stumble: some reads, chosen by a hash, put their thread to sleep, so that
//! transactions overlap and overtake each other even if they are short and cores are few.

use crate::random::Draws;
use parallel_evm::{AccountInfo, Address, B256, Bytecode, MemoryState, PreState, StateError, U256};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

pub struct Jitter<'s> {
    state: &'s MemoryState,
    seed: u64,
    reads: AtomicU64,
}

impl<'s> Jitter<'s> {
    pub fn new(state: &'s MemoryState, seed: u64) -> Self {
        Self { state, seed, reads: AtomicU64::new(0) }
    }

    fn stumble(&self) {
        let read = self.reads.fetch_add(1, Ordering::Relaxed);
        match Draws::new(self.seed ^ (read << 32)).below(24) {
            0 => thread::sleep(Duration::from_micros(1)),
            1..=4 => thread::yield_now(),
            _ => {}
        }
    }
}

impl PreState for Jitter<'_> {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.stumble();
        self.state.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.stumble();
        self.state.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.state.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}
