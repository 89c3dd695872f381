//! People on rollups: gateways, transactions, nonces.
//!
//! **Captures.** One Poisson process over the whole fleet, split over gateways (the RPC nodes people talk to, as
//! for other chains); each arrival draws its rollup by share, its sender among the gateway's own accounts, a call
//! of the mix and fees. The gateway sends it to the rollup's sequencer at once. People have the same address on
//! every rollup and a nonce on each; when a transaction is refused, the nonce is used again. What is not answered is
//! sent again ([`super::resend`]).
//!
//! **Leaves out.** The way from the person to the gateway; people who choose their rollup by its price.
//!
//! A transaction's body is a function of (seed, gateway, number) and its nonce: it is made when it is needed, never
//! stored.

use super::fleet::Fleet;
use super::params::OrderPlan;
use super::record::Fate;
use super::resend::Unanswered;
use crate::chain::transaction::{Transaction, TxId};
use crate::execution::host::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::math;
use crate::kernel::random::{
    Purpose, Weighted, WeightsError, Zipf, draw, exponential_duration, log_normal, uniform_below,
};
use crate::kernel::time::SimDuration;
use crate::net::message::MessageKind;
use crate::workload::economy::Economy;
use crate::workload::params::UsersPlan;
use parallel_evm::TxKind as To;
use std::collections::{BTreeMap, BTreeSet};

/// 90th percentile of the standard normal distribution.
pub(super) const Z90: f64 = 1.281_551_565_544_600_4;
/// People beyond this rank are equally popular counterparties.
const POPULAR_PEOPLE: usize = 10_000;
/// The median tip is the median of the most people pay, over this (our assumption: wallets tip little on rollups).
const TIP_SHARE: u64 = 20;
/// A gateway looks at its next arrival at least this often, so that a changed load takes hold, ns.
const LOOK_NS: u64 = 250_000_000;
/// Chain ids of rollups start here.
const FIRST_CHAIN_ID: u64 = 10_000_000;
/// Chain ids of a fleet.
const CHAIN_IDS: u64 = 20_000_000;

/// Fields of a transaction, as entities of its draws.
mod field {
    pub const GAP: u64 = 0;
    pub const ACCOUNT: u64 = 1;
    pub const KIND: u64 = 2;
    pub const INSTANCE: u64 = 3;
    pub const OTHER: u64 = 4;
    pub const CALL: u64 = 5;
    pub const FEE: u64 = 6;
    pub const TIP: u64 = 7;
    pub const ROLLUP: u64 = 8;
    pub const LANE: u64 = 9;
    pub const SIGNATURE: u64 = 10;
}

/// What transactions are drawn from.
pub(super) struct Samplers {
    kinds: Weighted,
    instances: Zipf,
    people: Zipf,
    fee_sigma: f64,
}

impl Samplers {
    pub(super) fn new(plan: &UsersPlan, economy: &Economy) -> Result<Self, WeightsError> {
        let exponent = plan.zipf_ppm as f64 / 1e6;
        Ok(Self {
            kinds: Weighted::new(plan.mix.iter().map(|(_, weight)| *weight))?,
            instances: Zipf::new(economy.instances(), exponent)?,
            people: Zipf::new((economy.people() as usize).min(POPULAR_PEOPLE), exponent)?,
            fee_sigma: math::ln(plan.max_fee_p90_ppm as f64 / 1e6) / Z90,
        })
    }
}

/// A node that takes transactions from people.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub node: NodeId,
    pub region: u32,
    seed: u64,
    entity: u64,
    mean_gap_ns: u64,
    next_ns: u64,
    arrivals: u32,
    accounts: std::ops::Range<u32>,
    /// By (rollup, account): the next nonce.
    nonces: BTreeMap<(u32, u32), u32>,
    /// By (rollup, account): nonces of refused transactions, used first; kept for those who cross bridges.
    returned: Option<BTreeMap<(u32, u32), BTreeSet<u32>>>,
    /// By count: whose it is, where several have one journey each.
    owners: BTreeMap<u32, u32>,
    pub unanswered: Unanswered,
    /// In the order of submission.
    pub txs: Vec<u32>,
}

/// A transaction, without its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tx {
    pub submitted_ns: u64,
    pub received_ns: u64,
    pub executed_ns: u64,
    pub soft_ns: u64,
    pub rollup: u32,
    /// Count of its gateway.
    pub sequence: u32,
    pub nonce: u32,
    pub batch: u32,
    pub gateway: u16,
    pub kind: u8,
    pub fate: Fate,
    /// Its gateway has an answer.
    pub told: bool,
}

impl Gateway {
    /// The gateways at `nodes`, given with regions and weights; rates and accounts are shared by weight.
    pub(super) fn all(
        nodes: &[(NodeId, u32, u64)],
        plan: &UsersPlan,
        economy: &Economy,
        seed: u64,
        chain: u32,
    ) -> Vec<Self> {
        let total = nodes.iter().map(|(_, _, weight)| weight).sum::<u64>().max(1);
        let people = u64::from(economy.people());
        let mut before = 0;
        let gateways = nodes.iter().map(|&(node, region, weight)| {
            let from = (people * before / total) as u32;
            before += weight;
            let to = ((people * before / total) as u32).max(from + 1).min(people as u32);
            let gap = 1_000_000_000_000_u128 * u128::from(total);
            let rate = u128::from(plan.rate_milli_tps) * u128::from(weight);
            let mut gateway = Self {
                node,
                region,
                seed,
                entity: u64::from(chain) << 40 | u64::from(node.0) << 8,
                mean_gap_ns: gap.checked_div(rate).map_or(u64::MAX, |g| g as u64),
                next_ns: 0,
                arrivals: 0,
                accounts: from.min(people as u32 - 1)..to,
                nonces: BTreeMap::new(),
                returned: None,
                owners: BTreeMap::new(),
                unanswered: Unanswered::default(),
                txs: Vec::new(),
            };
            gateway.next_ns = gateway.gap_ns();
            gateway
        });
        gateways.collect()
    }

    fn random(&self, field: u64, sequence: u32) -> u64 {
        draw(self.seed, Purpose::WORKLOAD, self.entity | field, u64::from(sequence))
    }

    fn gap_ns(&self) -> u64 {
        let random = self.random(field::GAP, self.arrivals);
        exponential_duration(random, SimDuration(self.mean_gap_ns)).0.max(1)
    }

    /// Where an arbitrageur with this account sits: nobody sends anything through it.
    pub(super) fn of_agent((node, region): (NodeId, u32), account: u32, seed: u64, chain: u32) -> Self {
        Self {
            node,
            region,
            seed,
            entity: 1 << 39 | u64::from(chain) << 40 | u64::from(account) << 8,
            mean_gap_ns: u64::MAX,
            next_ns: u64::MAX,
            arrivals: 0,
            accounts: account..account + 1,
            nonces: BTreeMap::new(),
            returned: None,
            owners: BTreeMap::new(),
            unanswered: Unanswered::default(),
            txs: Vec::new(),
        }
    }

    /// Where those sit who cross bridges or act for them.
    pub(super) fn of_crosser(place: (NodeId, u32), account: u32, number: u64, seed: u64, chain: u32) -> Self {
        let entity = 3 << 38 | u64::from(chain) << 40 | number << 8;
        Self { entity, returned: Some(BTreeMap::new()), ..Self::of_agent(place, account, seed, chain) }
    }

    /// The transaction of this count is somebody else's than the gateway's.
    pub(super) fn own(&mut self, sequence: u32, account: u32) {
        self.owners.insert(sequence, account);
    }

    /// The nonce of an account's next transaction on a rollup.
    fn next_nonce(&mut self, rollup: u32, account: u32) -> u32 {
        let returned = self.returned.as_mut().and_then(|all| all.get_mut(&(rollup, account)));
        if let Some(nonce) = returned.and_then(BTreeSet::pop_first) {
            return nonce;
        }
        let next = self.nonces.entry((rollup, account)).or_default();
        *next += 1;
        *next - 1
    }

    /// A transaction was refused: its nonce is used again.
    fn return_nonce(&mut self, rollup: u32, account: u32, nonce: u32) {
        if let Some(returned) = &mut self.returned {
            returned.entry((rollup, account)).or_default().insert(nonce);
        } else if let Some(next) = self.nonces.get_mut(&(rollup, account)) {
            *next = (*next).min(nonce);
        }
    }

    /// The next of its counts.
    pub(super) fn count(&mut self) -> u32 {
        self.arrivals += 1;
        self.arrivals - 1
    }

    pub(super) fn account(&self, sequence: u32) -> u32 {
        if let Some(owner) = self.owners.get(&sequence) {
            return *owner;
        }
        let account = uniform_below(self.random(field::ACCOUNT, sequence), self.accounts.len() as u64);
        self.accounts.start + account as u32
    }
}

impl Fleet {
    /// EIP-155 id of a rollup.
    pub(super) fn chain_id(&self, rollup: u32) -> u64 {
        FIRST_CHAIN_ID + u64::from(self.chain) * CHAIN_IDS + u64::from(rollup)
    }

    pub(super) fn await_arrival<D: Dissemination>(&self, host: &mut Host<'_, D>, now: Moment, index: usize) {
        let gateway = &self.gateways[index];
        let wait_ns = gateway.next_ns.saturating_sub(now.time.0).min(LOOK_NS);
        if gateway.mean_gap_ns < u64::MAX && now.time.0 + wait_ns <= self.common.last_ns {
            let task = (self.chain, index as u32);
            host.task_timer(now, wait_ns, gateway.node, timers::ARRIVAL, task);
        }
    }

    /// A gateway looks whether somebody sends something.
    pub(super) fn on_arrival<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, index: usize) {
        let gateway = &mut self.gateways[index];
        if now.time.0 > gateway.next_ns + 2 * LOOK_NS {
            // The node was down: what people would have sent in the meantime they did not.
            gateway.next_ns = self.load.after(now.time.0, gateway.gap_ns());
        }
        if gateway.next_ns <= now.time.0 {
            self.submit(host, now, index);
        }
        self.await_arrival(host, now, index);
    }

    fn submit<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, index: usize) {
        let common = &self.common;
        let gateway = &mut self.gateways[index];
        let sequence = gateway.arrivals;
        gateway.arrivals += 1;
        gateway.next_ns = self.load.after(gateway.next_ns, gateway.gap_ns());
        let rollup = common.shares.sample(gateway.random(field::ROLLUP, sequence));
        let kind = common.samplers.kinds.sample(gateway.random(field::KIND, sequence)) as u8;
        self.hand_in(host, now, index, (rollup, kind, sequence));
    }

    /// A gateway hands in a transaction, given as rollup, kind and its own count.
    pub(super) fn hand_in<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        index: usize,
        what: (u32, u8, u32),
    ) -> u32 {
        let handle = self.enter(now, index, what);
        self.dispatch(host, now, handle);
        handle
    }

    /// A gateway has a transaction, with a nonce, and has not sent it.
    pub(super) fn enter(
        &mut self,
        now: Moment,
        index: usize,
        (rollup, kind, sequence): (u32, u8, u32),
    ) -> u32 {
        let gateway = &mut self.gateways[index];
        let nonce = gateway.next_nonce(rollup, gateway.account(sequence));
        let handle = self.txs.len() as u32;
        gateway.txs.push(handle);
        self.txs.push(Tx {
            submitted_ns: now.time.0,
            received_ns: 0,
            executed_ns: 0,
            soft_ns: 0,
            rollup,
            sequence,
            nonce,
            batch: super::fleet::NONE,
            gateway: index as u16,
            kind,
            fate: Fate::Travelling,
            told: false,
        });
        handle
    }

    /// A gateway sends a transaction for the first time.
    pub(super) fn dispatch<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, handle: u32) {
        let tx = self.txs[handle as usize];
        let from = self.gateways[tx.gateway as usize].node;
        if self.based.is_some() {
            self.send_to_proposers(host, now, tx.gateway.into(), &[handle]);
        } else if self.hosts[self.host_index(tx.rollup) as usize].node == from {
            self.on_transaction(host, now, handle);
        } else {
            self.send(host, now, handle, 0);
            self.await_answer(host, now, handle, 0);
        }
    }

    /// Sends a transaction, or all of its bundle, from its gateway to its sequencer's node, which is another one.
    pub(super) fn send<D: Dissemination>(
        &self,
        host: &mut Host<'_, D>,
        now: Moment,
        handle: u32,
        again: u64,
    ) {
        let tx = &self.txs[handle as usize];
        let from = self.gateways[tx.gateway as usize].node;
        let to = self.hosts[self.host_index(tx.rollup) as usize].node;
        let size = |tx: &u32| self.transaction(&self.txs[*tx as usize]).wire_size_bytes();
        let bytes = self.bundle_of(handle).map_or_else(|| size(&handle), |b| b.txs.iter().map(size).sum());
        // Arbitrageurs, searchers, bridges and people at one node count apart.
        let others =
            (self.party(tx.gateway) as u64) << 36 | u64::from(self.crossings.sits_at(tx.gateway)) << 35;
        let round = u64::from(tx.sequence) | others | again;
        let kind = MessageKind::Transactions;
        host.fabric.send_direct(now, from, to, kind, bytes, self.chain, handle, round);
    }

    /// The body of a transaction.
    pub(super) fn transaction(&self, tx: &Tx) -> Transaction {
        if let Some(order) = self.agents.order(tx) {
            return self.order_body(tx, order);
        }
        if let Some(body) = self.crossing_body(tx) {
            return body;
        }
        if let Some(probe) = self.searchers.probe(tx) {
            return self.probe_body(tx, probe);
        }
        if let Some(provision) = self.providers.provision(tx) {
            return self.provision_body(tx, provision);
        }
        let (common, gateway) = (&self.common, &self.gateways[tx.gateway as usize]);
        let (plan, samplers, economy) = (&common.plan.demand, &common.samplers, &common.economy);
        let random = |field: u64| gateway.random(field, tx.sequence);
        let instance = samplers.instances.sample(random(field::INSTANCE));
        let other = samplers.people.sample(random(field::OTHER)) as u32;
        let call = economy.call(plan.mix[tx.kind as usize].0, instance, other, random(field::CALL));
        let fee = log_normal(random(field::FEE), plan.max_fee_median_wei as f64, samplers.fee_sigma);
        let max_fee = (fee as u64).max(1);
        let tip = log_normal(random(field::TIP), (plan.max_fee_median_wei / TIP_SHARE) as f64, 0.5) as u64;
        let sender = gateway.account(tx.sequence);
        Transaction {
            id: TxId { producer: gateway.node.0, sequence: u64::from(tx.sequence) },
            sender,
            from: economy.person(sender),
            nonce: u64::from(tx.nonce),
            to: To::Call(call.to),
            value: call.value,
            input: call.input,
            gas_limit: call.gas_limit,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: tip.min(max_fee),
            chain_id: self.chain_id(tx.rollup),
            access_list: Vec::new(),
        }
    }

    /// What names a transaction's signature.
    pub(super) fn signature_number(&self, tx: &Tx) -> u64 {
        self.gateways[tx.gateway as usize].random(field::SIGNATURE, tx.sequence)
    }

    /// When a transaction's turn is decided, ns: its arrival, and the delay of those outside an express lane.
    pub(super) fn turn_ns(&self, tx: &Tx) -> u64 {
        let OrderPlan::Timeboost { delay_ns, express_ppm } = self.common.plan.rules.order else {
            return tx.received_ns;
        };
        let lane = self.gateways[tx.gateway as usize].random(field::LANE, tx.sequence);
        let express = uniform_below(lane, 1_000_000) < express_ppm;
        tx.received_ns + if express { 0 } else { delay_ns }
    }

    /// A sequencer's answer is complete at a gateway.
    pub(super) fn on_answer<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let Some(answer) = self.answers.get_mut(number as usize).map(std::mem::take) else { return };
        self.answers_free.push(number);
        if let Some(durations) = answer.block {
            host.cpus[node.index()].run(now.time.0, durations[host.fabric.class(node)]);
            return;
        }
        // What was sent again may be answered twice.
        let mut txs = answer.txs;
        txs.retain(|tx| !std::mem::replace(&mut self.txs[*tx as usize].told, true));
        let shown = answer.view.is_some();
        if let Some(view) = answer.view {
            self.on_view(host, now, &txs, view);
        }
        if let Some(letter) = answer.letter {
            self.on_letter(host, now, letter);
        }
        for handle in txs {
            if !shown {
                self.agents.done(&self.txs[handle as usize]);
            }
            let tx = &mut self.txs[handle as usize];
            if answer.refused {
                let gateway = &mut self.gateways[tx.gateway as usize];
                let account = gateway.account(tx.sequence);
                gateway.return_nonce(tx.rollup, account, tx.nonce);
            } else {
                tx.soft_ns = now.time.0;
            }
            self.on_probe_answer(now, handle);
            self.crossing_told(host, now, handle, answer.refused);
            self.on_provision_answer(handle);
        }
    }

    /// From `at_ns` on people send `factor_ppm` times what the plan says.
    pub fn set_load(&mut self, at_ns: u64, factor_ppm: u64) {
        for gateway in self.gateways.iter_mut().filter(|gateway| gateway.next_ns > at_ns) {
            gateway.next_ns = self.load.rescaled(at_ns, gateway.next_ns, factor_ppm);
        }
        self.load.set(at_ns, factor_ppm);
    }
}
