//! The market of [`amm`](super::amm) whose providers can leave again (`contracts/OpenAmm.sol`): storage slots and all other
//! calls are the same.

use super::abi::{call, word};
use revm::{
    primitives::{Address, B256, Bytes, Log, U256, b256},
    state::Bytecode,
};

/// Selector of `removeLiquidity(uint256)`.
pub const REMOVE_LIQUIDITY: [u8; 4] = [0x9c, 0x8f, 0x9f, 0x23];
/// First topic of the event `LiquidityAdded(address,uint256,uint256,uint256)`.
pub const ADDED_EVENT: B256 = b256!("64b83944e79c3ce8d4c297411de637c3e102d064677aac0c163976ebdcd6f50e");
/// First topic of the event `LiquidityRemoved(address,uint256,uint256,uint256)`.
pub const REMOVED_EVENT: B256 = b256!("1dc8bb69df2b8e91fbdcbfcf93d951b3f0000f085a95fe3f7946d6161439245d");

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/OpenAmm.runtime.hex"))
}

/// The input of a creating transaction.
pub fn init_code(token0: Address, token1: Address) -> Bytes {
    super::init(include_str!("../../contracts/OpenAmm.init.hex"), &[word(token0), word(token1)])
}

/// Input of `removeLiquidity`: gives shares back.
pub fn remove_liquidity(burnt: U256) -> Bytes {
    call(REMOVE_LIQUIDITY, &[burnt])
}

/// Liquidity that was added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Added, or removed.
    pub added: bool,
    /// Of token 0.
    pub amount0: U256,
    /// Of token 1.
    pub amount1: U256,
    /// Shares minted or burnt.
    pub shares: U256,
}

/// A change of liquidity as its event tells it.
pub fn read_event(log: &Log) -> Option<Change> {
    let topic = log.data.topics().first()?;
    let added = *topic == ADDED_EVENT;
    let word = |n: usize| log.data.data.get(n * 32..n * 32 + 32).map(U256::from_be_slice);
    if !added && *topic != REMOVED_EVENT {
        return None;
    }
    Some(Change { added, amount0: word(0)?, amount1: word(1)?, shares: word(2)? })
}
