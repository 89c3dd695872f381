//! Pools of our own market in a state, traded on by both engines.

use anyhow::{Context, Result, ensure};
use parallel_evm::contracts::{amm, erc20};
use parallel_evm::{Address, Block, BlockEnv, Executor, MemoryState, SpecId, TxEnv, TxKind, U256};
use sim_core::rollup::liquidity::Reserves;
use std::num::NonZeroUsize;

const TRADER: Address = Address::repeat_byte(0x77);
const PROVIDER: Address = Address::repeat_byte(0x55);
const TOKENS: [Address; 2] = [Address::repeat_byte(0xA0), Address::repeat_byte(0xB0)];

/// One swap.
#[derive(Clone, Copy, Debug)]
pub struct Swap {
    /// Which pool.
    pub pool: usize,
    /// Whether token 0 is sold.
    pub zero_for_one: bool,
    /// How much is sold.
    pub amount: U256,
}

/// Several pools for the same two tokens.
pub struct Pools {
    state: MemoryState,
    nonce: u64,
}

fn address(index: usize) -> Address {
    Address::left_padding_from(&(0xC0_0000 + index as u64).to_be_bytes())
}

impl Pools {
    /// Pools with these reserves, and a trader who has as much of both tokens as ever needed.
    pub fn new(reserves: &[Reserves]) -> Self {
        let mut state = MemoryState::new();
        state.insert_balance(TRADER, U256::from(10).pow(U256::from(30)));
        let plenty = U256::from(1) << 120;
        for token in TOKENS {
            erc20::place(&mut state, token, [(TRADER, plenty)], []);
        }
        for (index, pool) in reserves.iter().enumerate() {
            let (reserve0, reserve1) = (pool.token0, pool.token1);
            let [token0, token1] = TOKENS;
            let address = address(index);
            amm::Pool { address, token0, token1, reserve0, reserve1, provider: PROVIDER }
                .place(&mut state, [TRADER]);
        }
        Self { state, nonce: 0 }
    }

    /// What a pool holds by its own storage.
    pub fn reserves(&self, index: usize) -> Reserves {
        let slot = |slot| self.state.slot(address(index), slot);
        Reserves { token0: slot(amm::RESERVE0_SLOT), token1: slot(amm::RESERVE1_SLOT) }
    }

    fn block(&self, swaps: &[Swap]) -> Block {
        let transactions = swaps.iter().zip(self.nonce..).map(|(swap, nonce)| TxEnv {
            caller: TRADER,
            kind: TxKind::Call(address(swap.pool)),
            data: amm::swap(swap.zero_for_one, swap.amount, U256::ZERO),
            nonce,
            gas_limit: 1_000_000,
            gas_price: 1,
            chain_id: Some(1),
            ..TxEnv::default()
        });
        let env = BlockEnv { gas_limit: 30_000_000, ..BlockEnv::default() };
        Block { spec: SpecId::OSAKA, chain_id: 1, env, transactions: transactions.collect() }
    }

    /// Executes the swaps as one block and keeps its state; what each paid out.
    pub fn swap(&mut self, swaps: &[Swap]) -> Result<Vec<U256>> {
        let output = Executor::serial().execute(&self.block(swaps), &self.state)?;
        ensure!(output.receipts.iter().all(|receipt| receipt.success), "a swap was reverted");
        self.state.apply(&output.state);
        self.nonce += swaps.len() as u64;
        Ok(output.receipts.iter().map(|receipt| U256::from_be_slice(&receipt.output)).collect())
    }

    /// The same on a copy, by both engines, which must agree.
    pub fn try_swap(&self, swaps: &[Swap]) -> Result<Vec<U256>> {
        let threads = NonZeroUsize::new(2).context("two is not zero")?;
        let block = self.block(swaps);
        let outputs =
            [Executor::serial(), Executor::parallel(threads)].map(|e| e.execute(&block, &self.state));
        let [serial, parallel] = outputs;
        let (serial, parallel) = (serial?, parallel?);
        ensure!(serial.same_results(&parallel), "the two engines disagree");
        ensure!(serial.receipts.iter().all(|receipt| receipt.success), "a swap was reverted");
        Ok(serial.receipts.iter().map(|receipt| U256::from_be_slice(&receipt.output)).collect())
    }
}

/// As a float; exact to 2^-52.
pub fn float(value: U256) -> f64 {
    value.as_limbs().iter().rev().fold(0.0, |sum, limb| sum * 18_446_744_073_709_551_616.0 + *limb as f64)
}
