//! Arbitrageurs: they even out prices between rollups and the world outside.
//!
//! **Captures.** Each sits at a node and has an inventory of every token on every rollup. After every block with swaps the
//! rollup's sequencer shows it what the pools hold now, by a message that travels; until then it goes by what it was
//! shown last (at first: the genesis). When the reference price moves, and when it is shown something, it works out the
//! most profitable trade of the pools concerned; if that is worth more than its cost, it sends a swap that gives up
//! nothing against the reference price. The swap travels to the sequencer, queues, pays for gas and is reverted if
//! somebody was faster. While one is under way for a pool it sends no other there. Profits are counted at the
//! reference price at execution ([`super::trades::Trade::gain_atto`]).
//!
//! A trade costs a fixed part of all liquidity; or, where the plan says what liquidity is worth, the gas limit of a swap at
//! the rollup's base fee in the block it was shown last and its own tip.
//!
//! **Leaves out.** Inventories that run out, or are carried by bridges; bids for a place in the block. Trades in a circle
//! on one rollup are [`super::searchers`]'.
//!
//! **Parameters.** [`MarketPlan`], [`TIPS`]. **Source** inventory arbitrage is two thirds of what happens between chains
//! (arXiv 2501.17335). **Checked against** the band of [`super::arbitrage`] in whole runs (`tests/rollup_agents.rs`).

use super::pool::Pool;
use super::price::{PricePlan, ReferencePrice, of_log};
use super::{FEE_PER_THOUSAND, arbitrage};
use crate::chain::transaction::{Transaction, TxId};
use crate::execution::host::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::net::message::{CONTROL_BYTES, MessageKind};
use crate::rollup::answers::RECEIPT_BYTES;
use crate::rollup::fleet::{Answer, Fleet};
use crate::rollup::params::{FleetPlan, MarketPlan};
use crate::rollup::shares::Shares;
use crate::rollup::users::Tx;
use crate::workload::economy::{Economy, RESERVE};
use crate::workload::params::TxKind;
use parallel_evm::contracts::amm;
use parallel_evm::{TxKind as To, U256};
use std::collections::BTreeMap;

/// Arbitrageurs pay up to this many times what most people would, tips included.
pub const TIPS: u64 = 4;
/// Tells what arbitrageurs are shown from other messages of a sequencer.
const VIEW: u64 = 1 << 38;
/// Parts of a unit of liquidity in which gains are counted.
const ATTO: u128 = 1_000_000_000_000_000_000;

/// The values of all tokens, step by step; a function of the plan, the seed and the step.
#[derive(Clone, Debug)]
pub struct Path {
    step_ns: u64,
    tokens: Vec<ReferencePrice>,
    logs: Vec<Vec<f64>>,
}

impl Path {
    /// Values of `tokens` tokens of the fleet with this chain number.
    pub fn new(price: PricePlan, step_ns: u64, seed: u64, chain: u32, tokens: usize) -> Self {
        let entity = |token: u64| u64::from(chain) << 16 | token;
        let tokens: Vec<_> =
            (0..tokens as u64).map(|t| ReferencePrice::new(price, seed, entity(t))).collect();
        Self { step_ns: step_ns.max(1), logs: vec![vec![0.0; tokens.len()]], tokens }
    }

    /// Logarithm of the reference price of a pool at a time: its second token for its first.
    pub fn log(&mut self, at_ns: u64, pool: u32) -> f64 {
        let step = (at_ns / self.step_ns) as usize;
        while self.logs.len() <= step {
            self.tokens.iter_mut().for_each(|token| token.advance(self.step_ns));
            self.logs.push(self.tokens.iter().map(ReferencePrice::log).collect());
        }
        let (logs, first) = (&self.logs[step], pool as usize);
        logs[first] - logs[(first + 1) % logs.len()]
    }

    /// Values of a pool's two tokens outside, units for 10^18 units of each.
    pub fn values(&mut self, at_ns: u64, pool: u32) -> [u128; 2] {
        self.log(at_ns, pool);
        let (logs, first) = (&self.logs[(at_ns / self.step_ns) as usize], pool as usize);
        [logs[first], logs[(first + 1) % logs.len()]].map(of_log)
    }
}

/// What an arbitrageur knows of a rollup.
#[derive(Clone, Debug)]
struct View {
    /// Of each pool, the block it was last shown of.
    blocks: Vec<u64>,
    pools: Vec<Pool>,
    /// Logarithms of their prices.
    logs: Vec<f64>,
    /// A swap is under way there.
    busy: Vec<bool>,
    /// Price of gas in the block it was last shown of, wei.
    base_fee_wei: u64,
}

/// What a sequencer shows of a block.
#[derive(Clone, Debug)]
pub struct Shown {
    pub(super) agent: u32,
    pub(super) rollup: u32,
    pub(super) block: u64,
    pub(super) pools: Vec<(u32, Pool)>,
    /// Shares of each of these pools, where providers can leave.
    pub(super) supplies: Vec<U256>,
    base_fee_wei: u64,
}

/// A swap an arbitrageur sent.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pool: u32,
    zero_for_one: bool,
    amount: U256,
    least: U256,
}

/// All arbitrageurs of a fleet.
#[derive(Clone, Debug)]
pub struct Agents {
    /// Gateways from this one on are theirs.
    first: usize,
    plan: Option<MarketPlan>,
    path: Option<Path>,
    /// By arbitrageur and rollup.
    views: Vec<Vec<View>>,
    /// By gateway and its count.
    orders: BTreeMap<(u16, u32), Order>,
}

impl Agents {
    /// Arbitrageurs of a fleet whose people have `first` gateways; they know the genesis.
    pub(in crate::rollup) fn new(
        plan: &FleetPlan,
        first: usize,
        economy: &Economy,
        liquidity: Option<&Shares>,
        seed: u64,
        chain: u32,
    ) -> Self {
        let pools = economy.pools().len();
        let (market, trade) = (plan.market.as_ref(), plan.demand.trade);
        let many = market.and(trade).map_or(0, |trade| trade.arbitrageurs);
        let view = |rollup: u32| {
            let reserve =
                liquidity.map_or(U256::from(RESERVE), |shares| shares.part(rollup, U256::from(RESERVE)));
            let pool = Pool::at_genesis(economy.pools_plan(), reserve);
            View {
                blocks: vec![0; pools],
                pools: vec![pool; pools],
                logs: vec![0.0; pools],
                busy: vec![false; pools],
                base_fee_wei: plan.rules.base_fee_min_wei,
            }
        };
        Self {
            first,
            plan: plan.market.clone(),
            path: market.map(|m| Path::new(m.price, m.step_ns, seed, chain, pools)),
            views: (0..many).map(|_| (0..plan.count).map(view).collect()).collect(),
            orders: BTreeMap::new(),
        }
    }

    /// Whether a gateway is an arbitrageur's.
    pub(in crate::rollup) fn sits_at(&self, gateway: u16) -> bool {
        (self.first..self.first + self.views.len()).contains(&usize::from(gateway))
    }

    /// Values of a pool's two tokens outside; `None` where there are none.
    pub(in crate::rollup) fn values(&mut self, at_ns: u64, pool: u32) -> Option<[u128; 2]> {
        Some(self.path.as_mut()?.values(at_ns, pool))
    }

    /// The swap behind a transaction of an arbitrageur.
    pub(in crate::rollup) fn order(&self, tx: &Tx) -> Option<Order> {
        self.sits_at(tx.gateway).then(|| self.orders.get(&(tx.gateway, tx.sequence)).copied()).flatten()
    }

    /// A transaction was executed or refused: the pool is free for the next.
    pub(in crate::rollup) fn done(&mut self, tx: &Tx) {
        if let Some(order) = self.order(tx) {
            self.views[usize::from(tx.gateway) - self.first][tx.rollup as usize].busy[order.pool as usize] =
                false;
        }
    }

    /// Logarithm of the price outside of a pool, if there is one.
    pub(in crate::rollup) fn reference(&mut self, at_ns: u64, pool: u32) -> Option<f64> {
        Some(self.path.as_mut()?.log(at_ns, pool))
    }

    /// What a swap gained at the reference price, and what it sold was worth, parts of 10^-18 of all liquidity.
    pub(in crate::rollup) fn gain(
        &mut self,
        at_ns: u64,
        pool: u32,
        zero_for_one: bool,
        amount: U256,
        out: U256,
    ) -> Option<[i64; 2]> {
        let price = of_log(self.path.as_mut()?.log(at_ns, pool));
        let (got, gave) = if zero_for_one {
            (out, arbitrage::value(amount, price)?)
        } else {
            (arbitrage::value(out, price)?, amount)
        };
        let difference = i128::try_from(got).ok()? - i128::try_from(gave).ok()?;
        let atto = |units: i128| i64::try_from(units / (RESERVE / ATTO) as i128).ok();
        Some([atto(difference)?, atto(i128::try_from(gave).ok()?)?])
    }
}

impl Fleet {
    /// Sets the first timers of arbitrageurs.
    pub(in crate::rollup) fn start_agents<D: Dissemination>(&self, host: &mut Host<'_, D>) {
        for agent in 0..self.agents.views.len() {
            self.await_move(host, Moment::default(), agent);
        }
    }

    /// An arbitrageur looks again when the reference price moves.
    fn await_move<D: Dissemination>(&self, host: &mut Host<'_, D>, now: Moment, agent: usize) {
        let Some(plan) = &self.agents.plan else { return };
        let wait_ns = plan.step_ns - now.time.0 % plan.step_ns;
        if now.time.0 + wait_ns <= self.common.last_ns {
            let node = self.gateways[self.agents.first + agent].node;
            host.task_timer(now, wait_ns, node, timers::AGENT, (self.chain, agent as u32));
        }
    }

    /// The reference price has moved.
    pub(in crate::rollup) fn on_agent<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) {
        for rollup in 0..self.common.plan.count {
            self.consider(host, now, number as usize, rollup);
        }
        self.await_move(host, now, number as usize);
    }

    /// An arbitrageur looks at the pools of a rollup and trades where it pays.
    fn consider<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, agent: usize, rollup: u32) {
        let cost_ppb = self.agents.plan.as_ref().map_or(0, |plan| plan.cost_ppb);
        let fixed = U256::from(RESERVE / 1_000_000_000) * U256::from(cost_ppb);
        let of_gas = self.cost_of_gas(agent, rollup);
        for pool in 0..self.common.economy.pools().len() {
            let Some(path) = &mut self.agents.path else { return };
            let log = path.log(now.time.0, pool as u32);
            let view = &self.agents.views[agent][rollup as usize];
            // Inside the fee nothing can be gained; most pools are, most of the time.
            if view.busy[pool] || (view.logs[pool] - log).abs() < FEE_PER_THOUSAND as f64 / 1e3 {
                continue;
            }
            let price = of_log(log);
            // Gas is paid in ether, profits are counted in the pool's second token.
            let in_token1 = |units: U256| {
                let value = path.values(now.time.0, pool as u32)[1];
                units.saturating_mul(U256::from(arbitrage::PRICE_ONE)) / U256::from(value.max(1))
            };
            let cost = of_gas.map_or(fixed, in_token1);
            let Some(trade) = view.pools[pool].arbitrage(price).filter(|trade| trade.profit > cost) else {
                continue;
            };
            // The least that is worth what is paid in, at the reference price.
            let least = if trade.zero_for_one {
                arbitrage::value(trade.amount_in, price)
            } else {
                let scaled = trade.amount_in.checked_mul(U256::from(arbitrage::PRICE_ONE));
                scaled.map(|scaled| scaled / U256::from(price))
            };
            let Some(least) = least else { continue };
            let (zero_for_one, amount) = (trade.zero_for_one, trade.amount_in);
            self.place_order(
                host,
                now,
                agent,
                rollup,
                Order { pool: pool as u32, zero_for_one, amount, least },
            );
        }
    }

    /// What the gas of a swap costs at the price last shown, tip included, units of outside value.
    fn cost_of_gas(&self, agent: usize, rollup: u32) -> Option<U256> {
        let tip = self.common.plan.demand.max_fee_median_wei;
        let price = self.agents.views[agent][rollup as usize].base_fee_wei.saturating_add(tip);
        let wei = u128::from(self.common.economy.usual_swap_gas()) * u128::from(price);
        self.agents.plan.as_ref()?.units(wei)
    }

    fn place_order<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        agent: usize,
        rollup: u32,
        order: Order,
    ) {
        let index = self.agents.first + agent;
        let mix = &self.common.plan.demand.mix;
        let kind = mix.iter().position(|(kind, _)| *kind == TxKind::Swap).unwrap_or(0) as u8;
        let sequence = self.gateways[index].count();
        self.agents.views[agent][rollup as usize].busy[order.pool as usize] = true;
        self.agents.orders.insert((index as u16, sequence), order);
        self.hand_in(host, now, index, (rollup, kind, sequence));
    }

    /// The body of an arbitrageur's transaction.
    pub(in crate::rollup) fn order_body(&self, tx: &Tx, order: Order) -> Transaction {
        let (common, gateway) = (&self.common, &self.gateways[tx.gateway as usize]);
        let max_fee = common.plan.demand.max_fee_median_wei.saturating_mul(TIPS);
        let sender = gateway.account(tx.sequence);
        Transaction {
            // Apart from what people hand in at the same node.
            id: TxId { producer: gateway.node.0, sequence: u64::from(tx.sequence) | u64::from(sender) << 32 },
            sender,
            from: common.economy.person(sender),
            nonce: u64::from(tx.nonce),
            to: To::Call(common.economy.pools()[order.pool as usize]),
            value: U256::ZERO,
            input: amm::swap(order.zero_for_one, order.amount, order.least),
            gas_limit: common.economy.gas_limit(TxKind::Swap),
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: max_fee / TIPS,
            chain_id: self.chain_id(tx.rollup),
            access_list: Vec::new(),
        }
    }

    /// A sequencer shows arbitrageurs the pools that a block's swaps went to, and which of theirs are in it.
    pub(in crate::rollup) fn show<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        (txs, touched): (&[u32], &[u32]),
    ) {
        let arbitrageurs = self.agents.views.len();
        let viewers = arbitrageurs + self.providers.many();
        if viewers == 0 {
            return;
        }
        let (rollup, block) = (self.active[place].number, self.active[place].totals.blocks);
        let state = &self.active[place].state;
        let pools: Vec<(u32, Pool)> =
            touched.iter().map(|number| (*number, self.pool(state, *number as usize))).collect();
        let pool_bytes: u64 = pools.iter().map(|(_, pool)| pool.bytes()).sum();
        let supplies: Vec<U256> = if self.providers.many() > 0 {
            let supply =
                |pool: &u32| state.slot(self.common.economy.pools()[*pool as usize], amm::TOTAL_SHARES_SLOT);
            touched.iter().map(supply).collect()
        } else {
            Vec::new()
        };
        let base_fee_wei = self.active[place].base_fee_wei;
        // Who compares gas with gains is told its price.
        let price_bytes = self.agents.plan.as_ref().and_then(|plan| plan.worth_milli_eth).map_or(0, |_| 8);
        let from = self.hosts[self.host_index(rollup) as usize].node;
        for agent in 0..viewers {
            let provider = agent.checked_sub(arbitrageurs);
            let index = provider.map_or(self.agents.first + agent, |p| self.providers.first() + p);
            let own = |tx: &&u32| usize::from(self.txs[**tx as usize].gateway) == index;
            // Providers are told of their own as people are.
            let own: Vec<u32> = txs.iter().filter(own).filter(|_| provider.is_none()).copied().collect();
            if pools.is_empty() && own.is_empty() {
                continue;
            }
            let parts = RECEIPT_BYTES * own.len() as u64 + pool_bytes;
            let shares_bytes = provider.map_or(0, |_| 32 * supplies.len() as u64);
            let bytes = CONTROL_BYTES + parts + price_bytes + shares_bytes;
            let (pools, supplies) = (pools.clone(), supplies.clone());
            let view = Some(Shown { agent: agent as u32, rollup, block, pools, supplies, base_fee_wei });
            let to = self.gateways[index].node;
            let letter = self.write(Answer { txs: own, view, ..Answer::default() });
            if to == from {
                self.on_answer(host, now, to, letter);
            } else {
                let round = VIEW ^ (agent as u64) << 34 ^ block << 20 ^ u64::from(rollup);
                host.fabric.send_direct(now, from, to, MessageKind::Block, bytes, self.chain, letter, round);
            }
        }
    }

    /// What a sequencer shows has come to an arbitrageur.
    pub(in crate::rollup) fn on_view<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        own: &[u32],
        shown: Shown,
    ) {
        let agent = shown.agent as usize;
        if agent >= self.agents.views.len() {
            let provider = agent - self.agents.views.len();
            return self.on_provider_view(host, now, provider, shown);
        }
        for tx in own {
            let tx = self.txs[*tx as usize];
            self.agents.done(&tx);
        }
        let view = &mut self.agents.views[agent][shown.rollup as usize];
        if view.blocks.iter().all(|block| shown.block > *block) {
            view.base_fee_wei = shown.base_fee_wei;
        }
        for (pool, held) in shown.pools {
            let pool = pool as usize;
            // A message may overtake an earlier one.
            if shown.block > view.blocks[pool] {
                (view.blocks[pool], view.logs[pool]) = (shown.block, held.log_price());
                view.pools[pool] = held;
            }
        }
        self.consider(host, now, agent, shown.rollup);
    }
}
