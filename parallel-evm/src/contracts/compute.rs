//! Pure computation (`contracts/Compute.sol`): much gas, few bytes, no conflicts between callers.

use super::abi::{call, mapping_slot, word};
use crate::MemoryState;
use revm::{
    primitives::{Address, B256, Bytes, U256},
    state::Bytecode,
};

/// Selector of `keccakLoop(uint256,bytes32)`.
pub const KECCAK_LOOP: [u8; 4] = [0xcd, 0xa6, 0xe2, 0x07];
/// Selector of `mulmodLoop(uint256,uint256)`.
pub const MULMOD_LOOP: [u8; 4] = [0x68, 0x4b, 0xaa, 0x99];

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/Compute.runtime.hex"))
}

/// The input of a creating transaction.
pub fn init_code() -> Bytes {
    super::init(include_str!("../../contracts/Compute.init.hex"), &[])
}

/// Input of `keccakLoop`: hashes the seed `n` times.
pub fn keccak_loop(n: u64, seed: B256) -> Bytes {
    call(KECCAK_LOOP, &[U256::from(n), seed.into()])
}

/// Input of `mulmodLoop`: squares the seed `n` times modulo 2^255 - 19.
pub fn mulmod_loop(n: u64, seed: U256) -> Bytes {
    call(MULMOD_LOOP, &[U256::from(n), seed])
}

/// Where the last result of a caller is stored.
pub fn result_slot(caller: Address) -> U256 {
    mapping_slot(word(caller), U256::ZERO)
}

/// Places the contract.
pub fn place(state: &mut MemoryState, address: Address) {
    state.insert_contract(address, runtime_code());
}
