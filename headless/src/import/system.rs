//! What the system calls at the start of a block write: not part of the state after the parent, yet there when
//! the first transaction begins.

use super::header::Header;
use alloy_primitives::address;
use parallel_evm::{Address, B256, U256};
use std::collections::BTreeMap;

/// Keeps roots of beacon blocks by time (EIP-4788).
const BEACON_ROOTS: Address = address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
/// Keeps hashes of blocks by number (EIP-2935).
const HISTORY: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");
/// How many of them each keeps.
const KEPT: u64 = 8_191;

/// Slots written before the first transaction, and their values.
pub fn writes(header: &Header, number: u64, timestamp: u64, spec: &str) -> BTreeMap<(Address, U256), U256> {
    let mut writes = BTreeMap::new();
    if let Some(root) = header.parent_beacon_block_root {
        let at = timestamp % KEPT;
        writes.insert((BEACON_ROOTS, U256::from(at)), U256::from(timestamp));
        writes.insert((BEACON_ROOTS, U256::from(at + KEPT)), word(root));
    }
    if spec == "PRAGUE" || spec == "OSAKA" {
        writes.insert((HISTORY, U256::from((number - 1) % KEPT)), word(header.parent_hash));
    }
    writes
}

fn word(hash: B256) -> U256 {
    U256::from_be_bytes(hash.0)
}
