//! A searcher's contract (`contracts/Cycle.sol`): looks at a ring of markets on chain and trades around it where that
//! gains something; else does nothing, and has used the gas of looking.

use super::{
    abi::{call_with_list, word},
    amm, erc20,
};
use crate::MemoryState;
use revm::{
    primitives::{Address, Bytes, U256},
    state::Bytecode,
};

/// Selector of `probe(uint256[],uint256)`.
pub const PROBE: [u8; 4] = [0x60, 0x12, 0x07, 0x2a];

const ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/Cycle.runtime.hex"))
}

/// The input of a creating transaction.
pub fn init_code() -> Bytes {
    super::init(include_str!("../../contracts/Cycle.init.hex"), &[])
}

/// A market of a ring, and whether the way forward sells its token 0.
pub type Leg = (Address, bool);

/// Input of `probe`: trades around the ring, either way, where that gains at least `least` of the first leg's token.
pub fn probe(legs: &[Leg], least: U256) -> Bytes {
    let words = legs.iter().map(|(market, zero)| word(*market) | U256::from(*zero) << 160);
    call_with_list(PROBE, &words.collect::<Vec<_>>(), &[least])
}

/// What the contract would do with a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Whether it goes forward.
    pub forward: bool,
    /// What the first leg takes in.
    pub amount_in: U256,
    /// What comes out at the end beyond that.
    pub gain: U256,
}

/// What the contract finds in a ring of markets with these reserves, each given as what the way forward takes in and
/// pays out; `None` where nothing is to be gained, or beyond the contract's arithmetic.
pub fn best(reserves: &[(U256, U256)]) -> Option<Round> {
    let backward: Vec<(U256, U256)> = reserves.iter().rev().map(|(a, b)| (*b, *a)).collect();
    let way = |forward: bool, reserves: &[(U256, U256)]| {
        let (amount_in, gain) = one_way(reserves)?;
        (!gain.is_zero()).then_some(Round { forward, amount_in, gain })
    };
    way(true, reserves).or_else(|| way(false, &backward))
}

fn one_way(reserves: &[(U256, U256)]) -> Option<(U256, U256)> {
    let [kept, whole, scale]: [U256; 3] = [U256::from(997), U256::from(1_000), U256::ONE << 128];
    let (mut rate, mut slope) = (ONE, U256::ZERO);
    for (reserve_in, reserve_out) in reserves {
        let reserve_in = whole.checked_mul(*reserve_in)?;
        let part: U256 = (kept * scale).checked_div(reserve_in)?;
        slope = slope.checked_add(rate.checked_mul(part)? / ONE)?;
        rate = rate.checked_mul(kept)?.checked_mul(*reserve_out)? / reserve_in;
    }
    if rate <= ONE || slope.is_zero() {
        return None;
    }
    let amount_in = (rate.checked_mul(ONE)?.root(2) - ONE).checked_mul(scale)? / slope / ONE;
    let out = reserves.iter().try_fold(amount_in, |amount, (a, b)| amm::amount_out(amount, *a, *b))?;
    Some((amount_in, out.saturating_sub(amount_in)))
}

/// Places a searcher's contract with holdings `(token, units)` and unlimited allowances `(token, market)`. The tokens must
/// be placed already; their supplies grow.
///
/// # Panics
/// If a supply exceeds 256 bits.
pub fn place(
    state: &mut MemoryState,
    contract: Address,
    holdings: impl IntoIterator<Item = (Address, U256)>,
    allowances: impl IntoIterator<Item = (Address, Address)>,
) {
    state.insert_contract(contract, runtime_code());
    for (token, units) in holdings {
        for slot in [erc20::balance_slot(contract), erc20::TOTAL_SUPPLY_SLOT] {
            let grown = state.slot(token, slot).checked_add(units).expect("the supply fits 256 bits");
            state.insert_storage(token, slot, grown);
        }
    }
    for (token, market) in allowances {
        state.insert_storage(token, erc20::allowance_slot(contract, market), U256::MAX);
    }
}
