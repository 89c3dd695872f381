//! Our own contracts: token, three kinds of market, bridge, collectible, pure computation, a
//! searcher's probe.
//!
//! For each: bytecode, the input of every call, the storage slots, and a way to place the contract with
//! chosen contents directly into a [`MemoryState`](crate::MemoryState), as if it had been deployed and used.
//! Sources and compiler settings are in `contracts/`; a test compares their hashes and a placed contract with
//! a deployed one. Amounts are in a token's smallest unit.

mod abi;
pub mod amm;
pub mod bridge;
pub mod compute;
pub mod cycle;
pub mod erc20;
pub mod nft;
pub mod openamm;
pub mod ranges;

use revm::{
    primitives::{Bytes, hex},
    state::Bytecode,
};

/// Runtime code from a committed hex file.
fn runtime(text: &str) -> Bytecode {
    Bytecode::new_legacy(decode(text).into())
}

/// Init code from a committed hex file, with constructor arguments appended.
fn init(text: &str, arguments: &[revm::primitives::U256]) -> Bytes {
    let mut code = decode(text);
    for argument in arguments {
        code.extend_from_slice(&argument.to_be_bytes::<32>());
    }
    code.into()
}

fn decode(text: &str) -> Vec<u8> {
    // A test decodes every file, so a broken one cannot be committed.
    hex::decode(text.trim()).expect("the committed bytecode is hex")
}
