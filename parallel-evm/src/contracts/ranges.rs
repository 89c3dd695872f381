//! A market whose liquidity lies in ranges of price (`contracts/Ranges.sol`), and the same on integers.
//!
//! Edge e is at the price 1.006^e, token 1 for token 0; roots of prices are in units of 2^-80. Between two neighbouring edges
//! the market is a constant-product one with the liquidity L of all ranges over that stretch: reserves `L / root` and
//! `L root`, of which a range holds what is between its own edges. Fee 0.30 %, to the ranges in use.

use super::abi::{call, mapping_slot, word};
use crate::MemoryState;
use revm::{
    primitives::{Address, Bytes, I256, U256},
    state::Bytecode,
};
use std::collections::BTreeMap;

/// Selector of `add(int256,int256,uint256)`.
pub const ADD: [u8; 4] = [0x7b, 0xf9, 0x0b, 0xbc];
/// Selector of `remove(int256,int256,uint256)`.
pub const REMOVE: [u8; 4] = [0x17, 0x4a, 0xa6, 0xb6];
/// Edges are from minus to plus this.
pub const EDGE_MAX: i32 = 1_000;
/// Liquidity and amounts are below this power of two.
pub const LIQUIDITY_BITS: usize = 90;
/// Bits of a root behind the point.
const ROOT_BITS: usize = 80;
/// Root of 1.006, in units of 2^-80.
const STEP: U256 = U256::from_limbs([5_791_713_761_141_319_294, 65_732, 0, 0]);

/// The deployed code.
pub fn runtime_code() -> Bytecode {
    super::runtime(include_str!("../../contracts/Ranges.runtime.hex"))
}

/// The input of a creating transaction; the price is that of an edge.
pub fn init_code(token0: Address, token1: Address, edge: i32) -> Bytes {
    super::init(include_str!("../../contracts/Ranges.init.hex"), &[word(token0), word(token1), signed(edge)])
}

fn signed(edge: i32) -> U256 {
    I256::try_from(edge).map_or(U256::ZERO, I256::into_raw)
}

/// Input of `add`: adds liquidity to the sender's range.
pub fn add(lower: i32, upper: i32, liquidity: U256) -> Bytes {
    call(ADD, &[signed(lower), signed(upper), liquidity])
}

/// Input of `remove`: takes liquidity out of the sender's range, or none, and pays out its fees.
pub fn remove(lower: i32, upper: i32, liquidity: U256) -> Bytes {
    call(REMOVE, &[signed(lower), signed(upper), liquidity])
}

/// Root of an edge's price, units of 2^-80, as the contract works it out; `None` beyond [`EDGE_MAX`].
pub fn root_at(edge: i32) -> Option<U256> {
    let one = U256::ONE << ROOT_BITS;
    let (mut power, mut result, mut n) = (STEP, one, edge.unsigned_abs());
    if n > EDGE_MAX.unsigned_abs() {
        return None;
    }
    while n > 0 {
        if n & 1 == 1 {
            result = result * power / one;
        }
        power = power * power / one;
        n >>= 1;
    }
    Some(if edge < 0 { one * one / result } else { result })
}

/// Where the root of the price is stored, the edge below it, the liquidity there, and the mapping of edges.
const ROOT_SLOT: U256 = U256::from_limbs([2, 0, 0, 0]);
const AT_SLOT: U256 = U256::from_limbs([3, 0, 0, 0]);
const LIQUIDITY_SLOT: U256 = U256::from_limbs([4, 0, 0, 0]);
const EDGES_SLOT: U256 = U256::from_limbs([7, 0, 0, 0]);

/// Where the change of the liquidity at an edge is stored; the sum of all liquidity that begins or ends there follows.
fn edge_slot(edge: i32) -> U256 {
    mapping_slot(signed(edge), EDGES_SLOT)
}

/// All liquidity of a market in one range, as far up as down from the price of edge 0, where the price is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// Edges to either side.
    pub edges: i32,
    /// Liquidity.
    pub liquidity: u128,
}

impl Around {
    /// As much liquidity as `reserve` of both tokens makes: `reserve / (1 - 1.006^(-edges / 2))`, rounded down, so that
    /// both suffice to add it. `None` beyond the contract's bounds.
    pub fn new(edges: i32, reserve: U256) -> Option<Self> {
        let one = U256::ONE << ROOT_BITS;
        let (low, high) = (root_at(-edges)?, root_at(edges)?);
        let by0 = reserve.checked_mul(high)?.checked_div(high.checked_sub(one)?)?;
        let by1 = reserve.checked_mul(one)?.checked_div(one.checked_sub(low)?)?;
        let liquidity = by0.min(by1);
        (liquidity >> LIQUIDITY_BITS).is_zero().then(|| Self { edges, liquidity: liquidity.saturating_to() })
    }

    /// The market on integers.
    pub fn market(&self) -> Market {
        let change = self.liquidity as i128;
        Market {
            root: U256::ONE << ROOT_BITS,
            at: 0,
            liquidity: U256::from(self.liquidity),
            edges: BTreeMap::from([(-self.edges, change), (self.edges, -change)]),
        }
    }

    /// What the contract stores of it, tokens and owner left out; fees are zero.
    pub fn slots(&self) -> Vec<(U256, U256)> {
        let (lower, upper, liquidity) =
            (edge_slot(-self.edges), edge_slot(self.edges), U256::from(self.liquidity));
        vec![
            (ROOT_SLOT, U256::ONE << ROOT_BITS),
            (LIQUIDITY_SLOT, liquidity),
            (lower, liquidity),
            (lower + U256::ONE, liquidity),
            (upper, U256::ZERO.wrapping_sub(liquidity)),
            (upper + U256::ONE, liquidity),
        ]
    }
}

/// What matters of a market for swaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Root of the price, units of 2^-80.
    pub root: U256,
    /// The price is from this edge to the next.
    pub at: i32,
    /// Liquidity there.
    pub liquidity: U256,
    /// By edge: change of the liquidity when the price passes upwards.
    pub edges: BTreeMap<i32, i128>,
}

impl Market {
    /// An empty market at the price of an edge; `None` beyond [`EDGE_MAX`].
    pub fn new(edge: i32) -> Option<Self> {
        Some(Self { root: root_at(edge)?, at: edge, liquidity: U256::ZERO, edges: BTreeMap::new() })
    }

    /// The market as the contract stores it, slot by slot, if ranges begin and end at these edges; `None` where that is
    /// no market.
    pub fn read(slot: impl Fn(U256) -> U256, edges: impl IntoIterator<Item = i32>) -> Option<Self> {
        let changes = edges.into_iter().map(|edge| {
            let change = i128::try_from(I256::from_raw(slot(edge_slot(edge)))).ok()?;
            Some((edge, change))
        });
        Some(Self {
            root: slot(ROOT_SLOT),
            at: i32::try_from(I256::from_raw(slot(AT_SLOT))).ok()?,
            liquidity: slot(LIQUIDITY_SLOT),
            edges: changes.collect::<Option<_>>()?,
        })
    }

    /// What has to be sold, fee included, to bring the price near a root, and not beyond it or where there is no liquidity;
    /// 0 if it is there or beyond. `None` outside of all edges.
    pub fn amount_to(&self, zero_for_one: bool, root: U256) -> Option<U256> {
        let (kept, all) = (U256::from(997), U256::from(1_000));
        let (mut price, mut at, mut depth, mut amount) = (self.root, self.at, self.liquidity, U256::ZERO);
        while if zero_for_one { price > root } else { price < root } {
            let next = if zero_for_one { at } else { at + 1 };
            let edge = root_at(next)?;
            let target = if zero_for_one { edge.max(root) } else { edge.min(root) };
            if depth.is_zero() && target != price {
                break;
            }
            let passes = target == edge;
            let net = match zero_for_one {
                true => first(target, price, depth, passes),
                false => second(price, target, depth, passes),
            };
            amount += if passes { (net * all).div_ceil(kept) } else { net * all / kept };
            price = target;
            if passes {
                let change = self.edges.get(&next).copied().unwrap_or(0);
                depth = moved(depth, if zero_for_one { -change } else { change })?;
                at += if zero_for_one { -1 } else { 1 };
            }
        }
        Some(amount)
    }

    /// Adds liquidity over a range; what that takes of both tokens. `None` where the contract refuses.
    pub fn add(&mut self, lower: i32, upper: i32, liquidity: u128) -> Option<[U256; 2]> {
        if lower >= upper || liquidity == 0 || liquidity >> LIQUIDITY_BITS > 0 {
            return None;
        }
        let held = self.holdings(lower, upper, liquidity, true)?;
        self.change(lower, upper, i128::try_from(liquidity).ok()?)?;
        Some(held)
    }

    /// Takes liquidity out of a range that has it; what that pays out of both tokens, without fees.
    pub fn remove(&mut self, lower: i32, upper: i32, liquidity: u128) -> Option<[U256; 2]> {
        let held = self.holdings(lower, upper, liquidity, false)?;
        self.change(lower, upper, -i128::try_from(liquidity).ok()?)?;
        Some(held)
    }

    fn change(&mut self, lower: i32, upper: i32, change: i128) -> Option<()> {
        *self.edges.entry(lower).or_default() += change;
        *self.edges.entry(upper).or_default() -= change;
        if (lower..upper).contains(&self.at) {
            self.liquidity = moved(self.liquidity, change)?;
        }
        (self.liquidity >> LIQUIDITY_BITS).is_zero().then_some(())
    }

    /// What so much liquidity over a range holds of both tokens.
    pub fn holdings(&self, lower: i32, upper: i32, liquidity: u128, round_up: bool) -> Option<[U256; 2]> {
        let (low, high, depth) = (root_at(lower)?, root_at(upper)?, U256::from(liquidity));
        let middle = self.root.clamp(low, high);
        Some([first(middle, high, depth, round_up), second(low, middle, depth, round_up)])
    }

    /// A swap: what it pays out; `None`, and nothing changes, where the contract refuses.
    pub fn swap(&mut self, zero_for_one: bool, amount_in: U256) -> Option<U256> {
        if !(amount_in >> LIQUIDITY_BITS).is_zero() {
            return None;
        }
        let (mut after, mut left, mut out) = (self.clone(), amount_in, U256::ZERO);
        while !left.is_zero() {
            let next = if zero_for_one { after.at } else { after.at + 1 };
            let (target, mut passes) = (root_at(next)?, true);
            let mut price = target;
            if !after.liquidity.is_zero() {
                let step = Step::new(zero_for_one, after.root, target, after.liquidity, left);
                (passes, price) = (step.passes, step.price);
                left -= step.paid;
                out += step.out;
            }
            after.root = price;
            if passes {
                let net = after.edges.get(&next).copied().unwrap_or(0);
                after.liquidity = moved(after.liquidity, if zero_for_one { -net } else { net })?;
                after.at += if zero_for_one { -1 } else { 1 };
                if after.at < -EDGE_MAX || after.at >= EDGE_MAX {
                    return None;
                }
            }
        }
        if out.is_zero() {
            return None;
        }
        *self = after;
        Some(out)
    }
}

/// A liquidity changed by so much; `None` below zero.
fn moved(liquidity: U256, change: i128) -> Option<U256> {
    let size = U256::from(change.unsigned_abs());
    if change < 0 { liquidity.checked_sub(size) } else { liquidity.checked_add(size) }
}

/// One stretch of a swap.
struct Step {
    passes: bool,
    paid: U256,
    out: U256,
    price: U256,
}

impl Step {
    fn new(zero_for_one: bool, from: U256, to: U256, depth: U256, left: U256) -> Self {
        let (kept, all): (U256, U256) = (U256::from(997), U256::from(1_000));
        let net = left * kept / all;
        let whole = if zero_for_one { first(to, from, depth, true) } else { second(from, to, depth, true) };
        let passes = net >= whole;
        let scaled = depth << ROOT_BITS;
        let (paid, price) = if passes {
            ((whole * all).div_ceil(kept), to)
        } else if zero_for_one {
            (left, (scaled * from).div_ceil(scaled + net * from))
        } else {
            (left, from + (net << ROOT_BITS) / depth)
        };
        let out =
            if zero_for_one { second(price, from, depth, false) } else { first(from, price, depth, false) };
        Self { passes, paid, out, price }
    }
}

/// Token 0 between two roots.
fn first(low: U256, high: U256, depth: U256, round_up: bool) -> U256 {
    let (numerator, denominator) = ((depth << ROOT_BITS) * (high - low), low * high);
    if round_up { numerator.div_ceil(denominator) } else { numerator / denominator }
}

/// Token 1 between two roots.
fn second(low: U256, high: U256, depth: U256, round_up: bool) -> U256 {
    let (numerator, one) = (depth * (high - low), U256::ONE << ROOT_BITS);
    if round_up { numerator.div_ceil(one) } else { numerator / one }
}

/// Places an empty market at the price of an edge. The tokens must be placed already.
///
/// # Panics
/// If the edge is beyond [`EDGE_MAX`].
pub fn place(state: &mut MemoryState, address: Address, tokens: [Address; 2], edge: i32) {
    let root = root_at(edge).expect("an edge within bounds");
    state.insert_contract(address, runtime_code());
    let values = [word(tokens[0]), word(tokens[1]), root, signed(edge)];
    for (slot, value) in (0_u64..).zip(values) {
        state.insert_storage(address, U256::from(slot), value);
    }
}
