//! Where tokens leave a chain and arrive on it (`contracts/Bridge.sol`).

use super::abi::{call, mapping_slot, word};
use revm::{
    primitives::{Address, Bytes, U256},
    state::Bytecode,
};

/// Selector of `send(address,uint256,uint256)`.
pub const SEND: [u8; 4] = [0x67, 0xdf, 0x93, 0xf2];
/// Selector of `arrive(address,address,uint256,uint256,uint256)`.
pub const ARRIVE: [u8; 4] = [0xd2, 0x8d, 0x73, 0xec];
/// Selector of `fill(address,address,uint256,uint256,uint256)`.
pub const FILL: [u8; 4] = [0x1f, 0x72, 0x5f, 0x91];

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/Bridge.runtime.hex"))
}

/// The input of a creating transaction. Nobody may let anything arrive until the storage names operators.
pub fn init_code() -> Bytes {
    super::init(include_str!("../../contracts/Bridge.init.hex"), &[])
}

/// Input of `send`: the caller's tokens leave circulation here, as message `number`.
pub fn send(token: Address, amount: U256, number: U256) -> Bytes {
    call(SEND, &[word(token), amount, number])
}

/// Input of `arrive`: `amount` goes to `to`, and `fee` to the caller, an operator. Once for every number.
pub fn arrive(token: Address, to: Address, amount: U256, fee: U256, number: U256) -> Bytes {
    call(ARRIVE, &[word(token), word(to), amount, fee, number])
}

/// Input of `fill`: the caller pays `amount` to `to`, until `deadline` (unix time, seconds). Once for every number.
pub fn fill(token: Address, to: Address, amount: U256, number: U256, deadline: U256) -> Bytes {
    call(FILL, &[word(token), word(to), amount, number, deadline])
}

/// Where it says whether `account` is an operator (1) or not (0).
pub fn operator_slot(account: Address) -> U256 {
    mapping_slot(word(account), U256::ZERO)
}

/// Where it says whether message `number` has arrived here (1) or not (0).
pub fn done_slot(number: U256) -> U256 {
    mapping_slot(number, U256::ONE)
}
