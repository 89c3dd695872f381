//! A collection that anyone may mint from (`contracts/Nft.sol`). All mints of a block conflict.

use super::abi::{call, mapping_slot, word};
use crate::MemoryState;
use revm::{
    primitives::{Address, Bytes, U256},
    state::Bytecode,
};

/// Selector of `mint()`.
pub const MINT: [u8; 4] = [0x12, 0x49, 0xc5, 0x8b];

/// Where the next number to mint is stored.
pub const NEXT_ID_SLOT: U256 = U256::ZERO;

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/Nft.runtime.hex"))
}

/// The input of a creating transaction.
pub fn init_code() -> Bytes {
    super::init(include_str!("../../contracts/Nft.init.hex"), &[])
}

/// Input of `mint`: the caller gets the next number.
pub fn mint() -> Bytes {
    call(MINT, &[])
}

/// Where the owner of a number is stored.
pub fn owner_slot(token_id: U256) -> U256 {
    mapping_slot(token_id, U256::ONE)
}

/// Where the number of items `owner` has is stored.
pub fn balance_slot(owner: Address) -> U256 {
    mapping_slot(word(owner), U256::from(2))
}

/// Places a collection whose first numbers, from 0 on, belong to the given owners.
pub fn place(state: &mut MemoryState, collection: Address, owners: impl IntoIterator<Item = Address>) {
    state.insert_contract(collection, runtime_code());
    let mut next_id = U256::ZERO;
    for owner in owners {
        state.insert_storage(collection, owner_slot(next_id), word(owner));
        let items = state.slot(collection, balance_slot(owner));
        state.insert_storage(collection, balance_slot(owner), items + U256::ONE);
        next_id += U256::ONE;
    }
    state.insert_storage(collection, NEXT_ID_SLOT, next_id);
}
