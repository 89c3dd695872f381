//! The accounts and contracts people use, and the calls they make.
//!
//! **Captures.** `instances` of each kind of contract of ours (ERC-20 tokens, constant-product pools between
//! neighbouring tokens, NFT collections, compute contracts), placed at genesis; every person holds every token
//! and has approved every pool. Searchers' contracts likewise. **Leaves out.** Deployments, approvals, other contracts.
//!
//! The bytecode is the real thing: see `parallel-evm/contracts`.

use super::params::{PoolsPlan, TradePlan, TxKind, UsersPlan};
use crate::chain::account::{AccountKind, address};
use crate::execution::builder::Rules;
use crate::execution::state::{Genesis, WorldState};
use crate::kernel::math;
use crate::kernel::random::log_normal;
use alloy_primitives::keccak256;
use parallel_evm::contracts::ranges::{self, Around};
use parallel_evm::contracts::{amm, compute, cycle, erc20, nft, openamm};
use parallel_evm::{
    Address, B256, Block, BlockEnv, Bytecode, Bytes, ExecuteError, Executor, PreState, SpecId, StateDelta,
    TxEnv, TxKind as To, U256,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Rules of the chains people use.
pub const RULES: Rules = Rules { spec: SpecId::OSAKA, chain_id: 1 };

/// Wei every person starts with: 1,000 ether.
const BALANCE_WEI: u128 = 1_000 * 1_000_000_000_000_000_000;
/// Units of every token every person starts with.
const TOKENS: u128 = 1_000_000_000_000_000_000_000;
/// Units of every token every person starts with where the sizes of swaps are given: ten whole pools.
const TRADERS_TOKENS: u128 = 10 * RESERVE;
/// Units of both tokens in every pool, or in all pools of a kind together where liquidity is spread over chains.
pub const RESERVE: u128 = 1_000_000_000_000_000_000_000_000;
/// Wallets add this to the estimate, percent.
const GAS_MARGIN_PERCENT: u64 = 15;

/// The contracts and what calls to them need.
#[derive(Clone, Debug)]
pub struct Economy {
    people: Vec<Address>,
    tokens: Vec<Address>,
    pools: Vec<Address>,
    collections: Vec<Address>,
    computers: Vec<Address>,
    compute_iterations: u64,
    trade: Option<TradePlan>,
    /// Contracts of searchers.
    searchers: Vec<Address>,
    /// The last of the people: arbitrageurs, searchers, providers.
    agents: u32,
    providers: u32,
    /// Gas limits of adding and of removing liquidity.
    provide_gas: [u64; 2],
    /// Gas limit of a searcher's probe, and what one uses that finds nothing.
    probe_gas: [u64; 2],
    /// Gas limit people give a call of each kind, in the order of [`TxKind::ALL`].
    gas_limits: [u64; TxKind::ALL.len()],
    /// Gas limit of a swap that crosses no edge of a range.
    usual_swap_gas: u64,
}

/// Economies already built: arms of a comparison mostly share one.
#[derive(Debug, Default)]
pub struct Economies(Mutex<Vec<(UsersPlan, Arc<Economy>, WorldState)>>);

impl Economies {
    /// The economy of a plan and its genesis state.
    ///
    /// # Errors
    /// As [`Economy::new`].
    pub fn get(&self, plan: &UsersPlan) -> Result<(Arc<Economy>, WorldState), ExecuteError> {
        // A panic elsewhere cannot leave a half-written entry: pushing is the last step.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, economy, genesis)) = known.iter().find(|(p, _, _)| p == plan) {
            return Ok((Arc::clone(economy), genesis.clone()));
        }
        let (economy, genesis) = Economy::new(plan)?;
        let economy = Arc::new(economy);
        known.push((plan.clone(), Arc::clone(&economy), genesis.clone()));
        Ok((economy, genesis))
    }
}

/// Where a call goes and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Callee.
    pub to: Address,
    /// Wei sent along.
    pub value: U256,
    /// Call data.
    pub input: Bytes,
    /// Gas limit.
    pub gas_limit: u64,
    /// The contracts it touches; none for a plain transfer.
    pub touches: Vec<Address>,
}

impl Economy {
    /// The economy of a plan and its genesis state.
    ///
    /// # Errors
    /// When a sample call of some kind cannot be executed, which means that the bytecode is broken.
    pub fn new(plan: &UsersPlan) -> Result<(Self, WorldState), ExecuteError> {
        let instances = u64::from(plan.instances.max(1));
        let contracts =
            |kind: u64| (0..instances).map(move |i| address(AccountKind::Contract, kind * (1 << 32) + i));
        let comers = plan.burst.as_ref().map_or(0, |burst| u64::from(burst.accounts));
        let searchers = plan.trade.map_or(0, |trade| trade.searchers);
        let providers = plan.trade.map_or(0, |trade| trade.providers);
        let agents = plan.trade.map_or(0, |trade| trade.arbitrageurs) + searchers + providers;
        let people = 0..u64::from(plan.accounts) + comers + u64::from(agents);
        let mut economy = Self {
            people: people.map(|i| address(AccountKind::Person, i)).collect(),
            tokens: contracts(0).collect(),
            pools: contracts(1).collect(),
            collections: contracts(2).collect(),
            computers: contracts(3).collect(),
            compute_iterations: plan.compute_iterations,
            trade: plan.trade,
            searchers: (0..u64::from(searchers))
                .map(|i| address(AccountKind::Contract, 4 * (1 << 32) + i))
                .collect(),
            agents,
            providers,
            provide_gas: [0; 2],
            probe_gas: [0; 2],
            gas_limits: [0; TxKind::ALL.len()],
            usual_swap_gas: 0,
        };
        let genesis = economy.genesis();
        economy.estimate_gas(&genesis)?;
        if searchers > 0 {
            economy.estimate_probes(&genesis)?;
        }
        if providers > 0 {
            economy.estimate_provision(&genesis)?;
        }
        Ok((economy, genesis))
    }

    /// Address of a person; arbitrageurs, searchers and providers come after the others, in this order.
    pub fn person(&self, index: u32) -> Address {
        self.people[index as usize]
    }

    /// Number of people, those included who come for an application in demand, and without agents of any kind.
    pub fn people(&self) -> u32 {
        self.people.len() as u32 - self.agents
    }

    /// Address of a provider of liquidity.
    fn provider(&self, index: u32) -> Address {
        self.person(self.people.len() as u32 - self.providers + index)
    }

    /// A provider's shares of a pool at the genesis, where the pool holds so much of both tokens; all sum to that.
    pub fn provider_shares(&self, index: u32, reserve: U256) -> U256 {
        let each = reserve / U256::from(self.providers.max(1));
        let rest = reserve - each * U256::from(self.providers);
        if index == 0 { each + rest } else { each }
    }

    /// Gas limit of adding liquidity, or of removing it.
    pub fn provide_gas_limit(&self, add: bool) -> u64 {
        self.provide_gas[usize::from(!add)]
    }

    /// Contract of a searcher.
    pub fn searcher(&self, index: u32) -> Address {
        self.searchers[index as usize]
    }

    /// The ring of all pools, from the first token back to it.
    pub fn ring(&self) -> Vec<cycle::Leg> {
        self.pools.iter().map(|pool| (*pool, true)).collect()
    }

    /// Gas limit of a searcher's probe of the ring.
    pub fn probe_gas_limit(&self) -> u64 {
        self.probe_gas[0]
    }

    /// What a probe uses that finds nothing.
    pub fn idle_probe_gas(&self) -> u64 {
        self.probe_gas[1]
    }

    /// Gas limit people give a call of a kind.
    pub fn gas_limit(&self, kind: TxKind) -> u64 {
        self.gas_limits[kind as usize]
    }

    /// What an ordinary swap may use: less than the limit, which leaves room for crossing a range from end to end.
    pub fn usual_swap_gas(&self) -> u64 {
        self.usual_swap_gas
    }

    /// What kind of market pools are.
    pub fn pools_plan(&self) -> PoolsPlan {
        self.trade.map_or(PoolsPlan::Constant, |trade| trade.pools)
    }

    /// Number of instances of each kind of contract.
    pub fn instances(&self) -> usize {
        self.tokens.len()
    }

    /// Addresses of the tokens.
    pub fn tokens(&self) -> &[Address] {
        &self.tokens
    }

    /// Addresses of the pools; the n-th is for the n-th token and the next.
    pub fn pools(&self) -> &[Address] {
        &self.pools
    }

    /// The two tokens of a pool.
    pub fn pair(&self, pool: usize) -> [Address; 2] {
        [self.tokens[pool], self.tokens[(pool + 1) % self.tokens.len()]]
    }

    fn genesis(&self) -> WorldState {
        let mut genesis = Genesis::new();
        for person in &self.people {
            genesis.balance(*person, U256::from(BALANCE_WEI));
        }
        let tokens = U256::from(if self.trade.is_some() { TRADERS_TOKENS } else { TOKENS });
        let holders = self.people.len() + self.searchers.len();
        let supply = tokens * U256::from(holders) + U256::from(RESERVE) * U256::from(2);
        for token in &self.tokens {
            genesis.contract(*token, erc20::runtime_code());
            genesis.storage(*token, erc20::TOTAL_SUPPLY_SLOT, supply);
            for person in &self.people {
                genesis.storage(*token, erc20::balance_slot(*person), tokens);
            }
        }
        for (index, pool) in self.pools.iter().enumerate() {
            genesis.contract(*pool, self.market_code());
            for provider in 0..self.providers {
                let shares = self.provider_shares(provider, U256::from(RESERVE));
                genesis.storage(*pool, amm::shares_slot(self.provider(provider)), shares);
            }
            // Both kinds of market keep their tokens in the same slots.
            let tokens = [
                (amm::TOKEN0_SLOT, self.pair(index)[0].into_word().into()),
                (amm::TOKEN1_SLOT, self.pair(index)[1].into_word().into()),
            ];
            for (slot, value) in tokens.into_iter().chain(self.market_slots(U256::from(RESERVE))) {
                genesis.storage(*pool, slot, value);
            }
            for token in self.pair(index) {
                genesis.storage(token, erc20::balance_slot(*pool), U256::from(RESERVE));
                for person in &self.people {
                    genesis.storage(token, erc20::allowance_slot(*person, *pool), U256::MAX);
                }
            }
        }
        for searcher in &self.searchers {
            genesis.contract(*searcher, cycle::runtime_code());
            for token in &self.tokens {
                genesis.storage(*token, erc20::balance_slot(*searcher), tokens);
            }
            for (index, pool) in self.pools.iter().enumerate() {
                for token in self.pair(index) {
                    genesis.storage(token, erc20::allowance_slot(*searcher, *pool), U256::MAX);
                }
            }
        }
        for collection in &self.collections {
            genesis.contract(*collection, nft::runtime_code());
        }
        for computer in &self.computers {
            genesis.contract(*computer, compute::runtime_code());
        }
        genesis.build()
    }

    fn market_code(&self) -> Bytecode {
        match self.pools_plan() {
            PoolsPlan::Concentrated { .. } => ranges::runtime_code(),
            PoolsPlan::Constant if self.providers > 0 => openamm::runtime_code(),
            PoolsPlan::Constant => amm::runtime_code(),
        }
    }

    /// What a pool stores that holds so much of both tokens.
    fn market_slots(&self, reserve: U256) -> Vec<(U256, U256)> {
        match self.pools_plan() {
            PoolsPlan::Constant => {
                let slots = [amm::RESERVE0_SLOT, amm::RESERVE1_SLOT, amm::TOTAL_SHARES_SLOT];
                slots.map(|slot| (slot, reserve)).to_vec()
            }
            PoolsPlan::Concentrated { edges } => {
                Around::new(edges as i32, reserve).map_or_else(Vec::new, |around| around.slots())
            }
        }
    }

    /// What `kind` says: `instance` chooses the contract, `other` the counterparty, `random` the rest.
    pub fn call(&self, kind: TxKind, instance: usize, other: u32, random: u64) -> Call {
        let amount = U256::from(1 + random % 1_000_000);
        let (to, value, input) = match kind {
            TxKind::Transfer => (self.person(other), amount, Bytes::new()),
            TxKind::Erc20 => (self.tokens[instance], U256::ZERO, erc20::transfer(self.person(other), amount)),
            TxKind::Swap => {
                let amount = self.swap_amount(random);
                (self.pools[instance], U256::ZERO, amm::swap(random & 1 == 0, amount, U256::ZERO))
            }
            TxKind::Mint => (self.collections[instance], U256::ZERO, nft::mint()),
            TxKind::Compute => {
                let n = self.compute_iterations;
                let input = if random & 1 == 0 {
                    compute::keccak_loop(n, B256::left_padding_from(&random.to_be_bytes()))
                } else {
                    compute::mulmod_loop(n, U256::from(random))
                };
                (self.computers[instance], U256::ZERO, input)
            }
        };
        let touches = match kind {
            TxKind::Transfer => Vec::new(),
            TxKind::Erc20 | TxKind::Mint | TxKind::Compute => vec![to],
            TxKind::Swap => std::iter::once(to).chain(self.pair(instance)).collect(),
        };
        Call { to, value, input, gas_limit: self.gas_limits[kind as usize], touches }
    }

    /// How much a swap sells.
    fn swap_amount(&self, random: u64) -> U256 {
        let Some(trade) = self.trade else {
            return U256::from(RESERVE / 1_000_000 + u128::from(random % 1_000_000_000));
        };
        let sigma = math::ln(trade.p90_ppm as f64 / 1e6) / math::normal_quantile(0.9);
        let units = log_normal(random, trade.median_ppm as f64 / 1e6 * RESERVE as f64, sigma) as u128;
        U256::from(units.clamp(RESERVE / 1_000_000_000, RESERVE))
    }

    /// The genesis, where every pool holds `reserve` of both its tokens instead of all there is.
    pub fn with_reserves(&self, genesis: &WorldState, reserve: U256) -> WorldState {
        let mut delta = StateDelta::default();
        let mut write = |account: Address, slot: U256, value: U256| {
            delta.accounts.entry(account).or_default().storage.insert(slot, value);
        };
        for (index, pool) in self.pools.iter().enumerate() {
            for (slot, value) in self.market_slots(reserve) {
                write(*pool, slot, value);
            }
            for token in self.pair(index) {
                write(token, erc20::balance_slot(*pool), reserve);
            }
            for provider in 0..self.providers {
                let shares = self.provider_shares(provider, reserve);
                write(*pool, amm::shares_slot(self.provider(provider)), shares);
            }
        }
        // Every token is in two pools.
        let less = (U256::from(RESERVE) - reserve) * U256::from(2);
        for token in &self.tokens {
            write(*token, erc20::TOTAL_SUPPLY_SLOT, genesis.slot(*token, erc20::TOTAL_SUPPLY_SLOT) - less);
        }
        let mut id = genesis.id().to_vec();
        id.extend_from_slice(&reserve.to_be_bytes::<32>());
        genesis.apply(&delta, keccak256(id))
    }

    /// Like a wallet: run each kind of call once on the genesis state and add a margin.
    fn estimate_gas(&mut self, genesis: &WorldState) -> Result<(), ExecuteError> {
        for kind in TxKind::ALL {
            let mut worst = 0;
            for random in 0..2 {
                let call = self.call(kind, 0, 1 % self.people(), random);
                worst = worst.max(self.sample(genesis, &call)?);
            }
            let exact = kind == TxKind::Transfer;
            let margin = if exact { 0 } else { worst * GAS_MARGIN_PERCENT / 100 };
            self.gas_limits[kind as usize] = worst + margin;
        }
        self.usual_swap_gas = self.gas_limits[TxKind::Swap as usize];
        if let PoolsPlan::Concentrated { edges } = self.pools_plan() {
            self.estimate_crossing(genesis, edges as i32)?;
        }
        Ok(())
    }

    /// Runs swaps from the middle of a range to either end: gas limits leave room for twice the way, from end to end.
    fn estimate_crossing(&mut self, genesis: &WorldState, edges: i32) -> Result<(), ExecuteError> {
        let Some(around) = Around::new(edges, U256::from(RESERVE)) else { return Ok(()) };
        let within = self.sample(genesis, &self.call(TxKind::Swap, 0, 1 % self.people(), 0))?;
        let mut worst = 0;
        for zero_for_one in [true, false] {
            let end = ranges::root_at(if zero_for_one { -edges } else { edges }).unwrap_or(U256::ONE);
            let amount = around.market().amount_to(zero_for_one, end).unwrap_or_default();
            let input = amm::swap(zero_for_one, amount, U256::ZERO);
            let to = self.pools[0];
            let call = Call { to, value: U256::ZERO, input, gas_limit: SAMPLE_GAS, touches: Vec::new() };
            worst = worst.max(self.sample(genesis, &call)?);
        }
        let limit = &mut self.gas_limits[TxKind::Swap as usize];
        let way = worst.saturating_sub(within);
        let crossing = within + 2 * way;
        *limit = (*limit).max(crossing + crossing * GAS_MARGIN_PERCENT / 100);
        Ok(())
    }

    /// Runs a probe that finds nothing, and one that trades around the ring.
    fn estimate_probes(&mut self, genesis: &WorldState) -> Result<(), ExecuteError> {
        let input = cycle::probe(&self.ring(), U256::ZERO);
        let to = self.searcher(0);
        let call = Call { to, value: U256::ZERO, input, gas_limit: SAMPLE_GAS, touches: Vec::new() };
        let idle = self.sample(genesis, &call)?;
        // The first pool with less of its first token than it had: there is something to gain.
        let mut delta = StateDelta::default();
        let less = U256::from(RESERVE / 2);
        let token = self.pair(0)[0];
        let slots = [(self.pools[0], amm::RESERVE0_SLOT), (token, erc20::balance_slot(self.pools[0]))];
        for (account, slot) in slots {
            let left = genesis.slot(account, slot) - less;
            delta.accounts.entry(account).or_default().storage.insert(slot, left);
        }
        let off = genesis.apply(&delta, keccak256(genesis.id()));
        let trading = self.sample(&off, &call)?;
        self.probe_gas = [trading + trading * GAS_MARGIN_PERCENT / 100, idle];
        Ok(())
    }

    /// Adds to a pool and takes out of it, once each.
    fn estimate_provision(&mut self, genesis: &WorldState) -> Result<(), ExecuteError> {
        let amount = U256::from(RESERVE / 1_000);
        for (place, input) in
            [amm::add_liquidity(amount, amount), openamm::remove_liquidity(amount)].into_iter().enumerate()
        {
            let to = self.pools[0];
            let call = Call { to, value: U256::ZERO, input, gas_limit: SAMPLE_GAS, touches: Vec::new() };
            let gas = self.sample_by(self.provider(0), genesis, &call)?;
            self.provide_gas[place] = gas + gas * GAS_MARGIN_PERCENT / 100;
        }
        Ok(())
    }

    fn sample(&self, genesis: &impl PreState, call: &Call) -> Result<u64, ExecuteError> {
        self.sample_by(self.person(0), genesis, call)
    }

    fn sample_by(&self, caller: Address, genesis: &impl PreState, call: &Call) -> Result<u64, ExecuteError> {
        let gas_limit = 1 << 40;
        let transaction = TxEnv {
            caller,
            kind: To::Call(call.to),
            value: call.value,
            data: call.input.clone(),
            gas_limit: SAMPLE_GAS,
            chain_id: Some(RULES.chain_id),
            ..TxEnv::default()
        };
        let env = BlockEnv { gas_limit, ..BlockEnv::default() };
        let block =
            Block { spec: RULES.spec, chain_id: RULES.chain_id, env, transactions: vec![transaction] };
        let output = Executor::serial().with_reports(false).execute(&block, genesis)?;
        Ok(output.gas_used)
    }
}

/// Gas a sample call may use: the most a transaction may have since Osaka (EIP-7825).
const SAMPLE_GAS: u64 = 1 << 24;
