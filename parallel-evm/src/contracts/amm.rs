//! A constant-product market for two tokens, fee 0.30 % (`contracts/Amm.sol`).

use super::{
    abi::{call, mapping_slot, word},
    erc20,
};
use crate::MemoryState;
use revm::{
    primitives::{Address, B256, Bytes, Log, U256, b256},
    state::Bytecode,
};

/// Selector of `swap(bool,uint256,uint256)`.
pub const SWAP: [u8; 4] = [0x08, 0xc8, 0x4c, 0x21];
/// Selector of `addLiquidity(uint256,uint256)`.
pub const ADD_LIQUIDITY: [u8; 4] = [0x9c, 0xd4, 0x41, 0xda];
/// First topic of the event `Swap(address,bool,uint256,uint256)`.
pub const SWAP_EVENT: B256 = b256!("bfd50a04f1e6e4aee344f5d0e7f15d74d0dbb58cd1f711daa6463094ca9508cd");

/// Where the address of token 0 is stored.
pub const TOKEN0_SLOT: U256 = U256::ZERO;
/// Where the address of token 1 is stored.
pub const TOKEN1_SLOT: U256 = U256::ONE;
/// Where the reserve of token 0 is stored.
pub const RESERVE0_SLOT: U256 = U256::from_limbs([2, 0, 0, 0]);
/// Where the reserve of token 1 is stored.
pub const RESERVE1_SLOT: U256 = U256::from_limbs([3, 0, 0, 0]);
/// Where the number of shares is stored.
pub const TOTAL_SHARES_SLOT: U256 = U256::from_limbs([4, 0, 0, 0]);

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/Amm.runtime.hex"))
}

/// The input of a creating transaction.
pub fn init_code(token0: Address, token1: Address) -> Bytes {
    super::init(include_str!("../../contracts/Amm.init.hex"), &[word(token0), word(token1)])
}

/// Input of `swap`: sells exactly `amount_in` of token 0 (or 1) for at least `min_out` of the other.
pub fn swap(zero_for_one: bool, amount_in: U256, min_out: U256) -> Bytes {
    call(SWAP, &[U256::from(zero_for_one), amount_in, min_out])
}

/// Input of `addLiquidity`.
pub fn add_liquidity(amount0: U256, amount1: U256) -> Bytes {
    call(ADD_LIQUIDITY, &[amount0, amount1])
}

/// What a swap yields: `in * 997 * reserve_out / (reserve_in * 1000 + in * 997)`, rounded down; `None` where
/// the contract's 256-bit arithmetic would overflow or divide by zero.
pub fn amount_out(amount_in: U256, reserve_in: U256, reserve_out: U256) -> Option<U256> {
    let paid = amount_in.checked_mul(U256::from(997))?;
    let denominator = reserve_in.checked_mul(U256::from(1000))?.checked_add(paid)?;
    paid.checked_mul(reserve_out)?.checked_div(denominator)
}

/// A swap as its event tells it: whether token 0 was sold, what was paid in, what was paid out.
pub fn read_swap_event(log: &Log) -> Option<(bool, U256, U256)> {
    let topics = log.data.topics();
    let word = |n: usize| log.data.data.get(n * 32..n * 32 + 32).map(U256::from_be_slice);
    (topics.first() == Some(&SWAP_EVENT)).then(|| Some((!word(0)?.is_zero(), word(1)?, word(2)?)))?
}

/// Where the shares of `provider` are stored.
pub fn shares_slot(provider: Address) -> U256 {
    mapping_slot(word(provider), U256::from(5))
}

/// A market to place: its tokens, placed before, and its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The market's address.
    pub address: Address,
    /// Address of token 0.
    pub token0: Address,
    /// Address of token 1.
    pub token1: Address,
    /// Reserve of token 0.
    pub reserve0: U256,
    /// Reserve of token 1.
    pub reserve1: U256,
    /// Who owns all shares; so many as a first deposit of the reserves would have minted.
    pub provider: Address,
}

impl Pool {
    /// Places the market and credits it with its reserves in both tokens, which must be placed already.
    /// `traders` may swap right away: each gets an unlimited allowance for the market on both tokens.
    ///
    /// The tokens' supplies grow by the reserves.
    ///
    /// # Panics
    /// If a supply or the product of the reserves exceeds 256 bits, or a token is not placed.
    pub fn place(&self, state: &mut MemoryState, traders: impl IntoIterator<Item = Address>) {
        let product = self.reserve0.checked_mul(self.reserve1).expect("the product fits 256 bits");
        let shares = product.root(2);
        state.insert_contract(self.address, runtime_code());
        for (slot, value) in [
            (TOKEN0_SLOT, word(self.token0)),
            (TOKEN1_SLOT, word(self.token1)),
            (RESERVE0_SLOT, self.reserve0),
            (RESERVE1_SLOT, self.reserve1),
            (TOTAL_SHARES_SLOT, shares),
            (shares_slot(self.provider), shares),
        ] {
            state.insert_storage(self.address, slot, value);
        }
        for (token, reserve) in [(self.token0, self.reserve0), (self.token1, self.reserve1)] {
            for slot in [erc20::balance_slot(self.address), erc20::TOTAL_SUPPLY_SLOT] {
                let grown = state.slot(token, slot).checked_add(reserve).expect("the supply fits 256 bits");
                state.insert_storage(token, slot, grown);
            }
        }
        for trader in traders {
            for token in [self.token0, self.token1] {
                state.insert_storage(token, erc20::allowance_slot(trader, self.address), U256::MAX);
            }
        }
    }
}
