//! Searchers: they spend block space on looking.
//!
//! **Captures.** Each has a contract of its own that reads a ring of pools on chain and trades around it when that gains
//! something ([`parallel_evm::contracts::cycle`]); else the call does nothing and its gas is paid all the same. Searchers do not
//! know what is there to gain: they send such probes to every rollup at random times, at a low tip, as many as pay.
//! A probe pays while its chance times what it gains is above its price. Both are learned from own probes: with gains
//! of so much ether a second lately (an exponential mean over the window) at a rate of probes r, the chance times the gain is
//! that over r; so the rate at which the next probe just pays is the gains a second over the price of a probe (with the margin
//! asked for). Gas per probe and its price are those of the receipts seen. So cheap gas makes more probes; of
//! several searchers each has the others' probes between its own and gains less; and as a whole they spend
//! on gas what they take, whatever the price. Every rollup is probed at least once in a window, to learn.
//!
//! **Leaves out.** Probes sent because of a pending transaction (sequencers show none); amounts found off chain; bids for
//! the first place; contracts' upkeep. Gas that a probe reserved and did not use is not offered to others within a block,
//! as for everybody ([`crate::rollup::sequencer`]): near the gas limit probes crowd more than on rollups whose builders
//! fill up.
//!
//! **Parameters.** [`SearchersPlan`], [`RATE_MAX`], [`UNDERWAY_MAX`], [`FEE_ROOM`]. **Source** cyclic arbitrage searched on
//! chain uses over half of the gas on Base and Optimism, 7 % on Arbitrum, and pays under a quarter of the fees (arXiv
//! 2506.14768). **Checked against** gains equal to spending, and more probes at lower prices
//! (`tests/rollup_searchers.rs`, `validation`, `searchers-spend-what-they-take`).

use super::arbitrage::PRICE_ONE;
use crate::chain::transaction::{Transaction, TxId};
use crate::execution::host::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::math;
use crate::kernel::random::{Purpose, draw, exponential};
use crate::rollup::fleet::Fleet;
use crate::rollup::params::{FleetPlan, SearchersPlan};
use crate::rollup::users::Tx;
use crate::workload::economy::Economy;
use crate::workload::params::TxKind;
use parallel_evm::contracts::cycle;
use parallel_evm::{TxKind as To, U256};

/// Most probes a second that one searcher sends to one rollup.
pub const RATE_MAX: f64 = 200.0;
/// While so many are under way to a rollup, no more are sent there.
pub const UNDERWAY_MAX: u32 = 2_000;
/// Probes may cost up to so many times the price last seen.
pub const FEE_ROOM: u64 = 4;
/// How much of a probe's gas a receipt changes in what is expected.
const GAS_WEIGHT: f64 = 0.05;
/// Apart from the entities of reference prices.
const PROBES: u64 = 1 << 62;

/// What a searcher knows of a rollup.
#[derive(Clone, Debug)]
struct Target {
    /// Gains a second, wei, as of `since_ns`.
    gains: f64,
    since_ns: u64,
    /// Gas of a probe.
    gas: f64,
    /// Base fee last seen, wei.
    base_fee_wei: u64,
    underway: u32,
    probes: u64,
}

/// A probe that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    searcher: u32,
    /// Least gain it trades for, units of the first token.
    least: u128,
    max_fee_wei: u64,
}

/// All searchers of a fleet.
#[derive(Clone, Debug)]
pub struct Searchers {
    /// Gateways from this one on are theirs.
    first: usize,
    plan: Option<SearchersPlan>,
    /// By searcher and rollup.
    targets: Vec<Vec<Target>>,
    /// By searcher and its gateway's count.
    sent: Vec<Vec<Probe>>,
}

impl Target {
    /// Gains a second by now, wei.
    fn gains_at(&self, now_ns: u64, window_s: f64) -> f64 {
        let since_s = now_ns.saturating_sub(self.since_ns) as f64 / 1e9;
        self.gains * math::exp(-since_s / window_s)
    }

    /// Probes a second that pay.
    fn rate(&self, now_ns: u64, plan: SearchersPlan) -> f64 {
        let window_s = plan.window_ns as f64 / 1e9;
        let price = self.gas * (self.base_fee_wei as f64 + plan.tip_wei as f64);
        let asked = price * (1.0 + plan.margin_ppm as f64 / 1e6);
        let least = 1.0 / window_s;
        if asked > 0.0 { (self.gains_at(now_ns, window_s) / asked).clamp(least, RATE_MAX) } else { RATE_MAX }
    }
}

impl Searchers {
    /// Searchers of a fleet whose other gateways are `first`.
    pub(in crate::rollup) fn new(plan: &FleetPlan, first: usize, economy: &Economy) -> Self {
        let searchers = plan.market.as_ref().and_then(|market| market.searchers);
        let many = searchers.and(plan.demand.trade).map_or(0, |trade| trade.searchers);
        let target = Target {
            gains: 0.0,
            since_ns: 0,
            gas: economy.idle_probe_gas() as f64,
            base_fee_wei: plan.rules.base_fee_min_wei,
            underway: 0,
            probes: 0,
        };
        Self {
            first,
            plan: searchers,
            targets: vec![vec![target; plan.count as usize]; many as usize],
            sent: vec![Vec::new(); many as usize],
        }
    }

    /// Whether a gateway is a searcher's.
    pub(in crate::rollup) fn sits_at(&self, gateway: u16) -> bool {
        (self.first..self.first + self.sent.len()).contains(&usize::from(gateway))
    }

    /// The probe behind a transaction of a searcher.
    pub(in crate::rollup) fn probe(&self, tx: &Tx) -> Option<Probe> {
        let searcher = usize::from(tx.gateway).checked_sub(self.first)?;
        self.sent.get(searcher)?.get(tx.sequence as usize).copied()
    }
}

impl Fleet {
    /// Sets the first timers of searchers.
    pub(in crate::rollup) fn start_searchers<D: Dissemination>(&self, host: &mut Host<'_, D>) {
        let many = self.searchers.targets.len() * self.common.plan.count as usize;
        for number in 0..many {
            self.await_probe(host, Moment::default(), number as u32);
        }
    }

    fn of_number(&self, number: u32) -> (usize, u32) {
        let count = self.common.plan.count;
        ((number / count) as usize, number % count)
    }

    /// The time of the next probe by the rate that pays now; looked at again after a window at the latest.
    fn await_probe<D: Dissemination>(&self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let Some(plan) = self.searchers.plan else { return };
        let (searcher, rollup) = self.of_number(number);
        let target = &self.searchers.targets[searcher][rollup as usize];
        let entity = PROBES | u64::from(self.chain) << 32 | u64::from(number);
        let random = draw(self.common.seed, Purpose::MARKET, entity, target.probes);
        let wait_s = exponential(random, 1.0 / target.rate(now.time.0, plan));
        let wait_ns = ((wait_s * 1e9) as u64).clamp(1, plan.window_ns);
        if now.time.0 + wait_ns <= self.common.last_ns {
            let node = self.gateways[self.searchers.first + searcher].node;
            host.task_timer(now, wait_ns, node, timers::SEARCHER, (self.chain, number));
        }
    }

    /// Time for a probe.
    pub(in crate::rollup) fn on_searcher<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) {
        let (searcher, rollup) = self.of_number(number);
        let target = &mut self.searchers.targets[searcher][rollup as usize];
        target.probes += 1;
        if target.underway < UNDERWAY_MAX {
            target.underway += 1;
            self.send_probe(host, now, searcher, rollup);
        }
        self.await_probe(host, now, number);
    }

    fn send_probe<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        searcher: usize,
        rollup: u32,
    ) {
        let (common, Some(plan)) = (&self.common, self.searchers.plan) else { return };
        let price_wei = self.searchers.targets[searcher][rollup as usize].base_fee_wei + plan.tip_wei;
        // What trading adds to the gas of looking has to come out of the gain.
        let more = common.economy.probe_gas_limit() - common.economy.idle_probe_gas();
        let market = common.plan.market.as_ref();
        let units = market.and_then(|market| market.units(u128::from(more) * u128::from(price_wei)));
        let value = self.agents.values(now.time.0, 0).map_or(PRICE_ONE, |[token0, _]| token0.max(1));
        let least = units.map_or(U256::ZERO, |units| units * U256::from(PRICE_ONE) / U256::from(value));
        let probe = Probe {
            searcher: searcher as u32,
            least: least.saturating_to(),
            max_fee_wei: price_wei.saturating_mul(FEE_ROOM),
        };
        let index = self.searchers.first + searcher;
        let mix = &self.common.plan.demand.mix;
        let kind = mix.iter().position(|(kind, _)| *kind == TxKind::Swap).unwrap_or(0) as u8;
        let sequence = self.gateways[index].count();
        self.searchers.sent[searcher].push(probe);
        debug_assert_eq!(self.searchers.sent[searcher].len(), sequence as usize + 1, "one count");
        self.hand_in(host, now, index, (rollup, kind, sequence));
    }

    /// The body of a searcher's transaction.
    pub(in crate::rollup) fn probe_body(&self, tx: &Tx, probe: Probe) -> Transaction {
        let (common, gateway) = (&self.common, &self.gateways[tx.gateway as usize]);
        let tip_wei = self.searchers.plan.map_or(0, |plan| plan.tip_wei);
        let sender = gateway.account(tx.sequence);
        Transaction {
            // Apart from what people hand in at the same node.
            id: TxId { producer: gateway.node.0, sequence: u64::from(tx.sequence) | u64::from(sender) << 32 },
            sender,
            from: common.economy.person(sender),
            nonce: u64::from(tx.nonce),
            to: To::Call(common.economy.searcher(probe.searcher)),
            value: U256::ZERO,
            input: cycle::probe(&common.economy.ring(), U256::from(probe.least)),
            gas_limit: common.economy.probe_gas_limit(),
            max_fee_per_gas: probe.max_fee_wei.max(tip_wei),
            max_priority_fee_per_gas: tip_wei,
            chain_id: self.chain_id(tx.rollup),
            access_list: Vec::new(),
        }
    }

    /// A searcher is told what became of a probe.
    pub(in crate::rollup) fn on_probe_answer(&mut self, now: Moment, handle: u32) {
        let tx = self.txs[handle as usize];
        let (Some(probe), Some(plan)) = (self.searchers.probe(&tx), self.searchers.plan) else { return };
        let gained: i128 =
            self.legs.get(&handle).map_or(0, |legs| legs.iter().map(|l| l.surplus_units).sum());
        let wei =
            self.common.plan.market.as_ref().and_then(|market| market.wei(gained as f64)).unwrap_or(0.0);
        let target = &mut self.searchers.targets[probe.searcher as usize][tx.rollup as usize];
        target.underway = target.underway.saturating_sub(1);
        let window_s = plan.window_ns as f64 / 1e9;
        target.gains = target.gains_at(now.time.0, window_s) + wei.max(0.0) / window_s;
        target.since_ns = now.time.0;
        // A refused one has no receipt.
        if let Some(paid) = self.paid.get(&handle) {
            target.gas += GAS_WEIGHT * (paid.gas as f64 - target.gas);
            target.base_fee_wei = paid.base_fee_wei;
        }
    }
}
