//! ABI words and storage slots, as the Solidity compiler lays them out.

use revm::primitives::{Address, Bytes, U256, keccak256};

/// The input of a call: selector and static arguments.
pub(super) fn call(selector: [u8; 4], arguments: &[U256]) -> Bytes {
    let mut data = Vec::with_capacity(4 + 32 * arguments.len());
    data.extend_from_slice(&selector);
    for argument in arguments {
        data.extend_from_slice(&argument.to_be_bytes::<32>());
    }
    data.into()
}

/// The input of a call whose first argument is a list of words; the others are static.
pub(super) fn call_with_list(selector: [u8; 4], list: &[U256], arguments: &[U256]) -> Bytes {
    // Where the list begins: after the heads of all arguments.
    let place = U256::from(32 * (1 + arguments.len()));
    let head = std::iter::once(place).chain(arguments.iter().copied());
    let words: Vec<U256> = head.chain([U256::from(list.len())]).chain(list.iter().copied()).collect();
    call(selector, &words)
}

/// An address as an argument or a stored value.
pub(super) fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

/// The slot of `mapping[key]` for a mapping declared at `slot`.
pub(super) fn mapping_slot(key: U256, slot: U256) -> U256 {
    let mut preimage = [0; 64];
    preimage[..32].copy_from_slice(&key.to_be_bytes::<32>());
    preimage[32..].copy_from_slice(&slot.to_be_bytes::<32>());
    keccak256(preimage).into()
}
