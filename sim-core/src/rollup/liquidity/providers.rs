//! Providers of liquidity: they take it out where it loses and bring it back where it gains.
//!
//! **Captures.** All liquidity belongs to a few providers, in equal parts. After every block with swaps a sequencer shows
//! them what the pools hold and how many shares there are, by a message that travels. What a share holds moves by trades
//! only; its change at the tokens' values outside is a provider's result against rebalancing, fees included. It is summed
//! over about a window (an exponential mean) and divided by what a share is worth. Once a window at most, pool by
//! pool, a provider whose result is below minus a threshold takes out [`PART_PERMILLE`] of what it had at first, down to
//! that part; one whose result is above zero brings as much back. Both are transactions that travel, queue and
//! pay; what is brought back is in the proportion last shown, and what is out of proportion by then is a gift to the pool.
//!
//! **Leaves out.** Other uses of what is taken out; pools with liquidity in ranges, which nobody moves;
//! providers who foresee. **Parameters.** [`ProvidersPlan`]. **Source** loss versus rebalancing: Milionis, Moallemi,
//! Roughgarden, Zhang (2022); the rule is ours. **Checked against** books that add up and who leaves when
//! (`tests/rollup_providers.rs`).

use super::agents::Shown;
use super::arbitrage::PRICE_ONE;
use super::books::worth;
use super::pool::Pool;
use super::trades::{ppb, reserves};
use super::{Reserves, float};
use crate::chain::transaction::{Transaction, TxId};
use crate::execution::host::Host;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::math;
use crate::rollup::fleet::Fleet;
use crate::rollup::params::{FleetPlan, ProvidersPlan};
use crate::rollup::shares::Shares;
use crate::rollup::users::Tx;
use crate::workload::economy::{Economy, RESERVE};
use crate::workload::params::TxKind;
use parallel_evm::contracts::{amm, openamm};
use parallel_evm::{Receipt, TxKind as To, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is taken out or brought back at a time, and what stays, thousandths of what was there at first.
pub const PART_PERMILLE: u64 = 250;
/// Providers pay up to so many times what most people would.
const FEE_ROOM: u64 = 4;
/// Their tip is this part of what most people would pay at most, as most people's is.
const TIP_SHARE: u64 = 20;

/// Liquidity that was added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Which pool.
    pub pool: u32,
    /// Added, or removed.
    pub added: bool,
    /// Shares, over those of a pool that holds all liquidity, parts per billion.
    pub part_ppb: u64,
    /// What it took out less what it put in, at values outside, units.
    pub surplus_units: i128,
}

/// A provider's liquidity in a pool.
#[derive(Clone, Copy, Debug)]
struct Stake {
    /// Its shares at first.
    shares: U256,
    /// Of these in the pool, thousandths.
    in_permille: u64,
    /// Block last shown, and what the pool held and its shares.
    block: u64,
    pool: Reserves,
    supply: U256,
    /// Result over the window, over what a share is worth, as of `since_ns`.
    result: f64,
    since_ns: u64,
    decided_ns: u64,
    busy: bool,
}

/// A provider's transaction.
#[derive(Clone, Copy, Debug)]
pub struct Provision {
    pool: u32,
    add: bool,
    shares: U256,
    amounts: [U256; 2],
}

/// All providers of a fleet.
#[derive(Clone, Debug)]
pub struct Providers {
    /// Gateways from this one on are theirs.
    first: usize,
    plan: Option<ProvidersPlan>,
    /// By provider, rollup and pool.
    stakes: Vec<Vec<Vec<Stake>>>,
    /// By gateway and its count.
    sent: BTreeMap<(u16, u32), Provision>,
}

impl Providers {
    /// Providers of a fleet whose other gateways are `first`; all they have is in the pools.
    pub(in crate::rollup) fn new(
        plan: &FleetPlan,
        first: usize,
        economy: &Economy,
        liquidity: Option<&Shares>,
    ) -> Self {
        let providers = plan.market.as_ref().and_then(|market| market.providers);
        let many = providers.and(plan.demand.trade).map_or(0, |trade| trade.providers);
        let stake = |provider: u32, rollup: u32| {
            let whole = U256::from(RESERVE);
            let reserve = liquidity.map_or(whole, |shares| shares.part(rollup, whole));
            Stake {
                shares: economy.provider_shares(provider, reserve),
                in_permille: 1_000,
                block: 0,
                pool: Reserves { token0: reserve, token1: reserve },
                supply: reserve,
                result: 0.0,
                since_ns: 0,
                decided_ns: 0,
                busy: false,
            }
        };
        let of_provider = |provider: u32| -> Vec<Vec<Stake>> {
            (0..plan.count).map(|rollup| vec![stake(provider, rollup); economy.pools().len()]).collect()
        };
        let stakes = (0..many).map(of_provider).collect();
        Self { first, plan: providers, stakes, sent: BTreeMap::new() }
    }

    /// How many there are.
    pub(in crate::rollup) fn many(&self) -> usize {
        self.stakes.len()
    }

    /// Gateway of the first.
    pub(in crate::rollup) fn first(&self) -> usize {
        self.first
    }

    /// Whether a gateway is a provider's.
    pub(in crate::rollup) fn sits_at(&self, gateway: u16) -> bool {
        (self.first..self.first + self.stakes.len()).contains(&usize::from(gateway))
    }

    /// What is behind a transaction of a provider.
    pub(in crate::rollup) fn provision(&self, tx: &Tx) -> Option<Provision> {
        self.sits_at(tx.gateway).then(|| self.sent.get(&(tx.gateway, tx.sequence)).copied()).flatten()
    }
}

impl Stake {
    /// Takes note of what the pool holds now, at these values of its tokens.
    fn look(&mut self, now_ns: u64, window_ns: u64, pool: Reserves, supply: U256, values: [u128; 2]) {
        let value = |pool: Reserves, supply: U256| {
            let tokens = [(pool.token0, values[0]), (pool.token1, values[1])];
            let sum: f64 = tokens.iter().map(|(t, v)| float(*t) * (*v as f64 / PRICE_ONE as f64)).sum();
            sum / float(supply).max(1.0)
        };
        let (before, after) = (value(self.pool, self.supply), value(pool, supply));
        let gone = now_ns.saturating_sub(self.since_ns) as f64 / window_ns as f64;
        self.result *= math::exp(-gone);
        if before > 0.0 {
            self.result += (after - before) / before;
        }
        (self.pool, self.supply, self.since_ns) = (pool, supply, now_ns);
    }

    /// What to do now; `None`: nothing.
    fn decide(&mut self, now_ns: u64, plan: ProvidersPlan, pool: u32) -> Option<Provision> {
        if self.busy || now_ns < self.decided_ns + plan.window_ns || self.supply.is_zero() {
            return None;
        }
        let loses = self.result < -(plan.leave_ppb as f64 / 1e9);
        let add = self.result > 0.0;
        let can = if add { self.in_permille < 1_000 } else { loses && self.in_permille > PART_PERMILLE };
        if !can {
            return None;
        }
        self.decided_ns = now_ns;
        self.busy = true;
        let shares = self.shares * U256::from(PART_PERMILLE) / U256::from(1_000);
        let amounts = [self.pool.token0, self.pool.token1].map(|held| held * shares / self.supply);
        Some(Provision { pool, add, shares, amounts })
    }
}

impl Fleet {
    /// A provider is shown pools.
    pub(super) fn on_provider_view<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        provider: usize,
        shown: Shown,
    ) {
        let Some(plan) = self.providers.plan else { return };
        let rollup = shown.rollup;
        let mut orders = Vec::new();
        for ((pool, held), supply) in shown.pools.into_iter().zip(shown.supplies) {
            let (Pool::Constant(held), Some(values)) = (held, self.agents.values(now.time.0, pool)) else {
                continue;
            };
            let stake = &mut self.providers.stakes[provider][rollup as usize][pool as usize];
            // A message may overtake an earlier one.
            if shown.block <= stake.block {
                continue;
            }
            stake.block = shown.block;
            stake.look(now.time.0, plan.window_ns, held, supply, values);
            orders.extend(stake.decide(now.time.0, plan, pool));
        }
        for order in orders {
            let index = self.providers.first + provider;
            let mix = &self.common.plan.demand.mix;
            let kind = mix.iter().position(|(kind, _)| *kind == TxKind::Swap).unwrap_or(0) as u8;
            let sequence = self.gateways[index].count();
            self.providers.sent.insert((index as u16, sequence), order);
            self.hand_in(host, now, index, (rollup, kind, sequence));
        }
    }

    /// The body of a provider's transaction.
    pub(in crate::rollup) fn provision_body(&self, tx: &Tx, order: Provision) -> Transaction {
        let (common, gateway) = (&self.common, &self.gateways[tx.gateway as usize]);
        let median = common.plan.demand.max_fee_median_wei;
        let sender = gateway.account(tx.sequence);
        let [amount0, amount1] = order.amounts;
        Transaction {
            // Apart from what people hand in at the same node.
            id: TxId { producer: gateway.node.0, sequence: u64::from(tx.sequence) | u64::from(sender) << 32 },
            sender,
            from: common.economy.person(sender),
            nonce: u64::from(tx.nonce),
            to: To::Call(common.economy.pools()[order.pool as usize]),
            value: U256::ZERO,
            input: if order.add {
                amm::add_liquidity(amount0, amount1)
            } else {
                openamm::remove_liquidity(order.shares)
            },
            gas_limit: common.economy.provide_gas_limit(order.add),
            max_fee_per_gas: median.saturating_mul(FEE_ROOM),
            max_priority_fee_per_gas: median / TIP_SHARE,
            chain_id: self.chain_id(tx.rollup),
            access_list: Vec::new(),
        }
    }

    /// A provider is told what became of its transaction.
    pub(in crate::rollup) fn on_provision_answer(&mut self, handle: u32) {
        let tx = self.txs[handle as usize];
        let Some(order) = self.providers.provision(&tx) else { return };
        let provider = usize::from(tx.gateway) - self.providers.first;
        let stake = &mut self.providers.stakes[provider][tx.rollup as usize][order.pool as usize];
        stake.busy = false;
        if self.moved.contains_key(&handle) {
            stake.in_permille =
                if order.add { stake.in_permille + PART_PERMILLE } else { stake.in_permille - PART_PERMILLE };
        }
    }

    /// Liquidity that a transaction of the block under execution moved, by its event.
    pub(super) fn note_provision(
        &mut self,
        now: Moment,
        place: usize,
        handle: u32,
        receipt: &Receipt,
        pools: &mut BTreeMap<u32, Pool>,
    ) {
        for log in &receipt.logs {
            let pool = self.common.economy.pools().iter().position(|pool| *pool == log.address);
            let Some((pool, change)) = pool.zip(openamm::read_event(log)) else { continue };
            let openamm::Change { added, amount0, amount1, shares } = change;
            let (address, pool) = (log.address, pool as u32);
            let state = &self.active[place].state;
            let held = pools.entry(pool).or_insert_with(|| Pool::Constant(reserves(state, address)));
            // Providers can leave constant-product pools only.
            let Pool::Constant(held) = held else { continue };
            let (nothing, [value0, value1]) =
                (U256::ZERO, self.agents.values(now.time.0, pool).unwrap_or([PRICE_ONE; 2]));
            let units =
                worth((amount0, value0), (nothing, value0)) + worth((amount1, value1), (nothing, value1));
            if added {
                (held.token0, held.token1) = (held.token0 + amount0, held.token1 + amount1);
            } else {
                (held.token0, held.token1) = (held.token0 - amount0, held.token1 - amount1);
            }
            let surplus_units = if added { -units } else { units };
            let moved = Moved { pool, added, part_ppb: ppb(shares, U256::from(RESERVE)), surplus_units };
            self.moved.insert(handle, moved);
        }
    }

    /// Shares in the pools of rollups in use over those at first, parts per million; `None` where nobody can leave.
    pub(in crate::rollup) fn provided_ppm(&self) -> Option<u64> {
        if self.providers.many() == 0 {
            return None;
        }
        let (mut there, mut at_first) = (0.0, 0.0);
        for rollup in &self.active {
            let whole = U256::from(RESERVE);
            let reserve =
                self.common.liquidity.as_ref().map_or(whole, |shares| shares.part(rollup.number, whole));
            for pool in self.common.economy.pools() {
                there += float(rollup.state.slot(*pool, amm::TOTAL_SHARES_SLOT));
                at_first += float(reserve);
            }
        }
        (at_first > 0.0).then(|| (there / at_first * 1e6).round() as u64)
    }
}
