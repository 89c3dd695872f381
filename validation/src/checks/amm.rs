//! Fragmented liquidity on the bytecode of our own market.

use crate::check::{Check, Effort, Expected, Finding, Row};
use anyhow::{Context, Result};
use parallel_evm::contracts::{amm, erc20};
use parallel_evm::{Address, Block, BlockEnv, Executor, MemoryState, SpecId, TxEnv, TxKind, U256};
use std::num::NonZeroUsize;

/// Splitting liquidity.
pub const SPLIT: Check = Check {
    name: "amm-split",
    family: "execution",
    question: "What does a trade lose when the liquidity of one constant-product pool is spread over n?",
    expected: "with d = what is paid in after the 0.3 % fee, over the reserve: slippage d/(1 + d) in the whole pool, nd/(1 + nd) in one of n equal parts, \
               d/(1 + d) again if the trade is split evenly; output = floor(997 in R_out / (1000 R_in + 997 in)) to the last unit",
    source: "x y = k; vectors for d = 0.01 in the project's closed forms: 0.0099, 0.01961, 0.03846, 0.07407",
    tolerance: "outputs: none, 256-bit integers. Slippages: 1e-12 for 64-bit floats. Vectors: half of their last digit. A split trade rounds down n times: \
                at most n - 1 units less",
    understood_miss: None,
    run: split,
};

const TRADER: Address = Address::repeat_byte(0x77);
const PROVIDER: Address = Address::repeat_byte(0x55);
const TOKENS: [Address; 2] = [Address::repeat_byte(0xA0), Address::repeat_byte(0xB0)];

fn pool(index: u8) -> Address {
    Address::repeat_byte(0xC0 + index)
}

/// 10^21: tokens with 18 decimals, by the thousand.
fn unit() -> U256 {
    U256::from(10).pow(U256::from(21))
}

/// Whole reserves and the whole trade: 997 to 10, so that after the fee exactly a hundredth is paid in.
fn reserves() -> [U256; 2] {
    [U256::from(997 * 8) * unit(), U256::from(3_000 * 8) * unit()]
}

fn trade() -> U256 {
    U256::from(10 * 8) * unit()
}

/// Sells `amounts[i]` of token 0 to the i-th of `pools` equal pools, by both engines; what came out in all.
fn sell(pools: u64, amounts: &[U256]) -> Result<U256> {
    let mut state = MemoryState::new();
    state.insert_balance(TRADER, U256::from(10).pow(U256::from(24)));
    erc20::place(&mut state, TOKENS[0], [(TRADER, trade())], []);
    erc20::place(&mut state, TOKENS[1], [], []);
    let [reserve0, reserve1] = reserves().map(|r| r / U256::from(pools));
    for index in 0..pools as u8 {
        let (address, provider) = (pool(index), PROVIDER);
        let [token0, token1] = TOKENS;
        amm::Pool { address, token0, token1, reserve0, reserve1, provider }.place(&mut state, [TRADER]);
    }
    let transactions = amounts.iter().enumerate().map(|(index, amount)| TxEnv {
        caller: TRADER,
        kind: TxKind::Call(pool(index as u8)),
        data: amm::swap(true, *amount, U256::ZERO),
        nonce: index as u64,
        gas_limit: 1_000_000,
        gas_price: 1,
        chain_id: Some(1),
        ..TxEnv::default()
    });
    let env = BlockEnv { gas_limit: 30_000_000, ..BlockEnv::default() };
    let block = Block { spec: SpecId::OSAKA, chain_id: 1, env, transactions: transactions.collect() };
    let output = Executor::serial().execute(&block, &state)?;
    let threads = NonZeroUsize::new(2).context("two is not zero")?;
    let parallel = Executor::parallel(threads).execute(&block, &state)?;
    anyhow::ensure!(output.same_results(&parallel), "the two engines disagree");
    anyhow::ensure!(output.receipts.iter().all(|r| r.success), "a swap was reverted");
    state.apply(&output.state);
    Ok(state.slot(TOKENS[1], erc20::balance_slot(TRADER)))
}

/// As a float; exact to 2^-53.
fn float(value: U256) -> f64 {
    value.as_limbs().iter().rev().fold(0.0, |sum, limb| sum * 18_446_744_073_709_551_616.0 + *limb as f64)
}

/// The formula, on integers.
fn formula(amount: U256, pools: u64) -> U256 {
    let [reserve_in, reserve_out] = reserves().map(|r| r / U256::from(pools));
    let paid = amount * U256::from(997);
    paid * reserve_out / (reserve_in * U256::from(1_000) + paid)
}

fn split(_: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let whole = sell(1, &[trade()])?;
    // Without slippage, after the fee: a hundredth of the other reserve.
    let ideal = float(reserves()[1]) / 100.0;
    let mut row = |case: String, measured: f64, expected: Expected, unit: &'static str| {
        finding.rows.push(Row::new(case, measured, expected, unit, "1 block, two engines"));
    };
    let vectors = [(1, 0.0099, 5.0e-5), (2, 0.01961, 5.0e-6), (4, 0.03846, 5.0e-6), (8, 0.07407, 5.0e-6)];
    for (n, vector, half_digit) in vectors {
        let one = sell(n, &[trade()])?;
        let difference = one.abs_diff(formula(trade(), n));
        row(format!("one of {n}: output less formula"), float(difference), Expected::Exactly(0.0), "units");
        let slippage = 1.0 - float(one) / ideal;
        let value = n as f64 * 0.01 / (1.0 + n as f64 * 0.01);
        row(format!("one of {n}: slippage"), slippage, Expected::Near { value, tolerance: 1e-12 }, "");
        let near = Expected::Near { value: vector, tolerance: half_digit };
        row(format!("one of {n}: slippage, published"), slippage, near, "");
        let even: Vec<U256> = (0..n).map(|_| trade() / U256::from(n)).collect();
        let parts = sell(n, &even)?;
        let less = if whole >= parts { float(whole - parts) } else { -float(parts - whole) };
        let most = (n - 1) as f64;
        row(
            format!("split over {n}: less than the whole pool"),
            less,
            Expected::Within { low: 0.0, high: most },
            "units",
        );
        if n > 1 {
            // Two parts a hundredth off: still worse than even, so even is the best.
            let mut uneven = even;
            let shift = uneven[0] / U256::from(100);
            uneven[0] += shift;
            uneven[1] -= shift;
            let worse = float(parts) - float(sell(n, &uneven)?);
            row(format!("split over {n}, uneven: loss"), worse, Expected::AtLeast(1.0), "units");
        }
    }
    Ok(finding)
}
