//! A minimal ERC-20 token (`contracts/Erc20.sol`).

use super::abi::{call, mapping_slot, word};
use crate::MemoryState;
use revm::{
    primitives::{Address, Bytes, U256},
    state::Bytecode,
};

/// Selector of `transfer(address,uint256)`.
pub const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
/// Selector of `approve(address,uint256)`.
pub const APPROVE: [u8; 4] = [0x09, 0x5e, 0xa7, 0xb3];
/// Selector of `transferFrom(address,address,uint256)`.
pub const TRANSFER_FROM: [u8; 4] = [0x23, 0xb8, 0x72, 0xdd];
/// Selector of `balanceOf(address)`.
pub const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/Erc20.runtime.hex"))
}

/// The input of a creating transaction; the whole supply goes to its sender.
pub fn init_code(supply: U256) -> Bytes {
    super::init(include_str!("../../contracts/Erc20.init.hex"), &[supply])
}

/// Input of `transfer`: the caller pays.
pub fn transfer(to: Address, amount: U256) -> Bytes {
    call(TRANSFER, &[word(to), amount])
}

/// Input of `approve`: the caller allows `spender` to spend. `U256::MAX` means without limit.
pub fn approve(spender: Address, amount: U256) -> Bytes {
    call(APPROVE, &[word(spender), amount])
}

/// Input of `transferFrom`: the caller spends what `from` allowed it to.
pub fn transfer_from(from: Address, to: Address, amount: U256) -> Bytes {
    call(TRANSFER_FROM, &[word(from), word(to), amount])
}

/// Input of `balanceOf`.
pub fn balance_of(owner: Address) -> Bytes {
    call(BALANCE_OF, &[word(owner)])
}

/// Where the balance of `owner` is stored.
pub fn balance_slot(owner: Address) -> U256 {
    mapping_slot(word(owner), U256::ZERO)
}

/// Where the allowance of `spender` over the tokens of `owner` is stored.
pub fn allowance_slot(owner: Address, spender: Address) -> U256 {
    mapping_slot(word(spender), mapping_slot(word(owner), U256::ONE))
}

/// Where the total supply is stored.
pub const TOTAL_SUPPLY_SLOT: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Places a token with given balances and allowances `(owner, spender, amount)`; the supply is their sum.
///
/// Of several balances of one owner the last counts.
///
/// # Panics
/// If the supply exceeds 256 bits.
pub fn place(
    state: &mut MemoryState,
    token: Address,
    balances: impl IntoIterator<Item = (Address, U256)>,
    allowances: impl IntoIterator<Item = (Address, Address, U256)>,
) {
    state.insert_contract(token, runtime_code());
    let balances: std::collections::BTreeMap<_, _> = balances.into_iter().collect();
    let mut supply = U256::ZERO;
    for (owner, amount) in balances {
        supply = supply.checked_add(amount).expect("the supply fits 256 bits");
        state.insert_storage(token, balance_slot(owner), amount);
    }
    state.insert_storage(token, TOTAL_SUPPLY_SLOT, supply);
    for (owner, spender, amount) in allowances {
        state.insert_storage(token, allowance_slot(owner, spender), amount);
    }
}
