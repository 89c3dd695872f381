//! Bridges between the rollups of a fleet, and people who cross them.
//!
//! * [`canonical`], [`intents`], [`attestation`], [`interop`]: what a bridge waits for until tokens may arrive.
//! * [`trips`]: people with something to do, at home or elsewhere, by what they have been shown.
//! * `together`: people who trade on several rollups at once.
//! * `effects`: what blocks with their transactions bring about. `accounts`: contracts, accounts, the transactions they send. [`ledger`]: what is on the way is what was sent and is not there.
//! * [`params`], [`record`]: what a plan says, what a run leaves behind.
//!
//! **Captures.** Tokens move by transactions on bytecode: somebody sends them to the bridge's contract at the source,
//! where they leave circulation; a letter travels over the network to whoever acts for the bridge; that one sends a transaction to the
//! destination's sequencer, which lets them arrive or advances them. Each of these travels, queues, pays and may be
//! reverted or refused; what operators and relayers send is sent again until it is in.
//!
//! **Leaves out.** Bridges between fleets, and to accounts on the L1; ether; contracts of the L1 (a claim there takes gas and bytes and pays, and is not executed, as
//! batches are not); attesters who lie, reorganised rollups. Letters to nodes that are down are lost.
//!
//! May import what `rollup` may. Must never be true: that tokens arrive that were not sent, or arrive twice; that
//! somebody acts on what has not reached their node.

mod accounts;
mod look;
pub mod attestation;
pub mod canonical;
mod effects;
pub mod interop;
pub mod intents;
pub mod ledger;
pub mod params;
pub mod record;
mod report;
mod together;
pub mod trips;

pub(in crate::rollup) use accounts::{CROSSERS, address_of};
pub use accounts::{STOCK, contract};

use self::intents::Book;
use self::ledger::Ledger;
use self::params::{BridgeKind, BridgePlan};
use self::record::Stage;
use self::trips::{Arrivals, Leg, Trip, View};
use super::fleet::{Answer, Fleet};
use super::liquidity::Reserves;
use super::params::FleetPlan;
use super::users::Gateway;
use crate::execution::host::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::message::{CONTROL_BYTES, MessageKind};
use crate::workload::params::TxKind;
use parallel_evm::U256;
use std::collections::BTreeMap;

/// Travellers' gateways: the first so many of the fleet's.
const DESKS_MAX: usize = 8;
/// A message of a bridge in a letter, bytes: number, token, account, amount (our estimate).
const MESSAGE_BYTES: u64 = 160;
/// Tells these letters from other messages of a node.
const LETTER: u64 = 1 << 37;
/// What was refused is sent again after so long at least, ns.
const RETRY_NS: u64 = 1_000_000_000;

/// What a transaction of these accounts does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rollup) enum Step {
    /// A traveller sends a message's tokens.
    Send(u32),
    /// A traveller trades for a leg.
    Swap(u32),
    /// An operator lets a message's tokens arrive.
    Arrive(u32),
    /// A relayer advances them.
    Fill(u32),
    /// An operator pays the relayer back.
    Repay(u32),
    /// An operator gives them back at the source.
    Refund(u32),
}

/// What nodes tell each other.
#[derive(Clone, Debug)]
pub(in crate::rollup) enum Letter {
    /// A sequencer shows a desk what pools hold.
    Pools { desk: u32, rollup: u32, block: u64, pools: Vec<(u32, Reserves)> },
    /// A message was sent: to its relayer or the attester.
    Seen(u32),
    /// A message is final on the L1: to the attester.
    Signed(u32),
    /// A message was sent: to the destination's sequencer.
    Carried(u32),
    /// It has arrived: to its traveller.
    Arrived(u32),
    /// It was given back: to its traveller.
    Returned(u32),
    /// Its relayer has been paid back.
    Repaid(u32),
}

/// What a timer is for.
#[derive(Clone, Debug)]
enum Wake {
    Nothing,
    /// Send again.
    Retry {
        gateway: u16,
        rollup: u32,
        step: Step,
    },
    /// The attester has waited long enough.
    Attested(u32),
    /// The window after a proof is over: these may be claimed by a node of sequencers, for a tip.
    Claimable {
        host: u32,
        tip_wei: u64,
        messages: Vec<u32>,
    },
    /// Time to tell the attester that these are final.
    Final(Vec<u32>),
    /// A relayer is to be paid back.
    Repay(u32),
    /// A message's deadline, and the time until refunds, is over.
    Expired(u32),
    /// A relayer looks again.
    Look {
        bridge: u32,
        relayer: u32,
    },
}

/// Tokens on a bridge.
#[derive(Clone, Debug)]
pub(in crate::rollup) struct Message {
    /// The desk of its traveller, and that desk's own count: what it is called everywhere.
    pub desk: u32,
    pub order: u32,
    pub bridge: u32,
    pub from: u32,
    pub to: u32,
    /// Position of the token in the economy.
    pub token: u32,
    pub amount: U256,
    pub fee: U256,
    /// Who sends and receives.
    pub account: u32,
    pub leg: u32,
    pub deadline_ns: u64,
    pub stage: Stage,
    /// The transaction that sent it.
    pub sent_by: u32,
    /// An advance of it was executed.
    pub filled: bool,
    /// Its relayer had too little.
    pub waited: bool,
    /// Its claim has been derived at the destination.
    pub derived_ns: u64,
    pub asked_ns: u64,
    pub sent_ns: u64,
    pub ready_ns: u64,
    pub arrived_ns: u64,
    pub settled_ns: u64,
}

impl Message {
    /// What distinguishes it from all others of its fleet: 34 bits.
    pub(super) fn name(&self) -> u64 {
        u64::from(self.desk) << 31 | u64::from(self.order)
    }
}

/// What came of an executed transaction of these accounts.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    step: Step,
    success: bool,
    out: U256,
    /// Fees, wei.
    paid_wei: u128,
}

/// Bridges of a fleet and those who use them.
#[derive(Clone, Debug, Default)]
pub(in crate::rollup) struct Crossings {
    /// Gateways from this one on are theirs: desks, operators at sequencers, the attester, relayers.
    first: usize,
    hosts: usize,
    /// By desk: the gateway of people it shares a node with.
    twins: Vec<u16>,
    pub(super) bridges: Vec<BridgePlan>,
    /// Accounts of travellers.
    pub(super) purses: u32,
    /// By traveller's plan: its first account.
    first_purse: Vec<u32>,
    arrivals: Vec<Arrivals>,
    views: Vec<Vec<View>>,
    /// By gateway and its count.
    pub(super) steps: BTreeMap<(u16, u32), Step>,
    receipts: BTreeMap<u32, Receipt>,
    pub(super) messages: Vec<Message>,
    pub(super) trips: Vec<Trip>,
    pub(super) legs: Vec<Leg>,
    /// By rollup: messages that wait for a label there.
    labelled: BTreeMap<u32, Vec<u32>>,
    /// By post: the messages it claims.
    claims: BTreeMap<u32, Vec<u32>>,
    /// By node of sequencers: claims it has made.
    claimed: BTreeMap<u32, u32>,
    /// By desk: messages it has made.
    orders: Vec<u32>,
    wakes: Vec<Wake>,
    wakes_free: Vec<u32>,
    /// By bridge.
    books: Vec<Book>,
    pub(super) ledger: Ledger,
}

/// Where gateways of these accounts are.
pub(in crate::rollup) struct Places<'a> {
    /// Gateways that exist already.
    pub before: usize,
    /// Those of people.
    pub people: &'a [(NodeId, u32, u64)],
    /// Nodes of sequencers.
    pub hosts: &'a [NodeId],
    /// Nodes of the attester and of relayers, taken in turn.
    pub others: &'a [(NodeId, u32)],
}

impl Crossings {
    /// Those of a plan, and their gateways.
    pub(in crate::rollup) fn new(
        plan: &FleetPlan,
        places: &Places<'_>,
        seed: u64,
        chain: u32,
    ) -> (Self, Vec<Gateway>) {
        if plan.bridges.is_empty() && plan.travellers.is_empty() {
            return (Self::default(), Vec::new());
        }
        let desks = places.people.len().min(DESKS_MAX);
        let mut made = Self {
            first: places.before,
            hosts: places.hosts.len(),
            twins: (0..desks as u16).collect(),
            orders: vec![0; desks],
            bridges: plan.bridges.clone(),
            ..Self::default()
        };
        for travellers in &plan.travellers {
            made.first_purse.push(CROSSERS + made.purses);
            made.purses += travellers.accounts.max(desks as u32);
        }
        let mut gateways = Vec::new();
        let mut add = |place, account| {
            let number = (places.before + gateways.len()) as u64;
            gateways.push(Gateway::of_crosser(place, account, number, seed, chain));
        };
        for (node, region, _) in &places.people[..desks] {
            add((*node, *region), CROSSERS);
        }
        let operators: Vec<u32> = made.operators().collect();
        for (node, account) in places.hosts.iter().zip(&operators) {
            add((*node, 0), *account);
        }
        let mut others = places.others.iter().cycle().copied();
        let mut place = || others.next().unwrap_or((places.hosts[0], 0));
        let attester = *operators.last().unwrap_or(&CROSSERS);
        add(place(), attester);
        let mut next = attester + 1;
        for bridge in &plan.bridges {
            let mut book = Book::default();
            if let BridgeKind::Intents { relayers, inventory_ppb, .. } = bridge.kind {
                let first = (next - attester - 1) as usize;
                book = Book::new(first, relayers, accounts::inventory(inventory_ppb, relayers));
                let served = bridge.between.as_ref().map_or(plan.count as usize, Vec::len) as u64;
                book.begin(served * u64::from(plan.demand.instances));
                for _ in 0..relayers {
                    add(place(), next);
                    next += 1;
                }
            }
            made.books.push(book);
        }
        made.prepare(plan, seed, chain);
        (made, gateways)
    }

    /// Whether there is anything to do.
    pub(in crate::rollup) fn active(&self) -> bool {
        !self.bridges.is_empty() || !self.twins.is_empty()
    }

    /// Whether a gateway is one of theirs.
    pub(in crate::rollup) fn sits_at(&self, gateway: u16) -> bool {
        self.active() && usize::from(gateway) >= self.first
    }

    /// Whether a gateway is of an operator or a relayer.
    pub(in crate::rollup) fn serves_at(&self, gateway: u16) -> bool {
        self.active() && usize::from(gateway) >= self.first + self.twins.len()
    }

    /// The gateway of people that a desk shares its node with.
    pub(in crate::rollup) fn twin(&self, gateway: u16) -> Option<u16> {
        self.twins.get(usize::from(gateway).checked_sub(self.first).filter(|_| self.active())?).copied()
    }

    fn operator_gateway(&self, host: u32) -> usize {
        self.first + self.twins.len() + host as usize
    }

    fn attester_gateway(&self) -> usize {
        self.first + self.twins.len() + self.hosts
    }

    fn kind(&self, message: u32) -> &BridgeKind {
        &self.bridges[self.messages[message as usize].bridge as usize].kind
    }

    /// Bytes it holds.
    pub(in crate::rollup) fn heap_bytes(&self) -> usize {
        self.messages.capacity() * size_of::<Message>()
            + self.trips.capacity() * size_of::<Trip>()
            + self.legs.capacity() * size_of::<Leg>()
            + self.steps.len() * size_of::<((u16, u32), Step)>()
    }
}

impl Fleet {
    /// Hands in a transaction for `step` at a gateway.
    fn take_step<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        gateway: usize,
        rollup: u32,
        step: Step,
    ) -> u32 {
        let handle = self.enter_step(now, gateway, rollup, step);
        self.dispatch(host, now, handle);
        handle
    }

    /// Makes a transaction for `step` at a gateway, which has not sent it.
    fn enter_step(&mut self, now: Moment, gateway: usize, rollup: u32, step: Step) -> u32 {
        let mix = &self.common.plan.demand.mix;
        let kind = mix.iter().position(|(kind, _)| *kind == TxKind::Swap).unwrap_or(0) as u8;
        let sequence = self.gateways[gateway].count();
        let owner = match step {
            Step::Send(message) => Some(self.crossings.messages[message as usize].account),
            Step::Swap(leg) => {
                let trip = self.crossings.legs[leg as usize].trip;
                Some(self.crossings.trips[trip as usize].account)
            }
            _ => None,
        };
        if let Some(account) = owner {
            self.gateways[gateway].own(sequence, account);
        }
        self.crossings.steps.insert((gateway as u16, sequence), step);
        self.enter(now, gateway, (rollup, kind, sequence))
    }

    fn tell<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        (from, to): (NodeId, NodeId),
        letter: Letter,
    ) {
        let bytes = CONTROL_BYTES + MESSAGE_BYTES;
        let (message, about) = match &letter {
            Letter::Pools { .. } => (None, 0),
            Letter::Seen(m) | Letter::Signed(m) | Letter::Carried(m) => (Some(*m), 0),
            Letter::Arrived(m) => (Some(*m), 1),
            Letter::Returned(m) => (Some(*m), 2),
            Letter::Repaid(m) => (Some(*m), 3),
        };
        let name = message.map_or(0, |m| self.crossings.messages[m as usize].name());
        let round = LETTER | name << 2 | about;
        self.post_letter(host, now, (from, to), letter, bytes, round);
    }

    fn post_letter<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        (from, to): (NodeId, NodeId),
        letter: Letter,
        bytes: u64,
        round: u64,
    ) {
        let number = self.write(Answer { letter: Some(letter), ..Answer::default() });
        if from == to {
            self.on_answer(host, now, to, number);
        } else {
            host.fabric.send_direct(now, from, to, MessageKind::Block, bytes, self.chain, number, round);
        }
    }

    fn wake_in<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        delay_ns: u64,
        node: NodeId,
        wake: Wake,
    ) {
        let number = match self.crossings.wakes_free.pop() {
            Some(number) => {
                self.crossings.wakes[number as usize] = wake;
                number
            }
            None => {
                self.crossings.wakes.push(wake);
                self.crossings.wakes.len() as u32 - 1
            }
        };
        host.task_timer(now, delay_ns, node, timers::CROSSING, (self.chain, number));
    }

    /// A timer of a bridge.
    pub(in crate::rollup) fn on_wake<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) {
        let wake = std::mem::replace(&mut self.crossings.wakes[number as usize], Wake::Nothing);
        self.crossings.wakes_free.push(number);
        match wake {
            Wake::Nothing => {}
            Wake::Retry { gateway, rollup, step } => {
                let handle = self.take_step(host, now, gateway.into(), rollup, step);
                self.sent_again(step, handle);
            }
            Wake::Attested(message) => self.on_attested(host, now, message),
            Wake::Claimable { host: index, tip_wei, messages } => self.claim(now, index, tip_wei, messages),
            Wake::Final(messages) => self.on_standard(host, now, &messages),
            Wake::Repay(message) => self.repay(host, now, message),
            Wake::Expired(message) => self.on_expired(host, now, message),
            Wake::Look { bridge, relayer } => self.fill_what_can_be(host, now, bridge, relayer),
        }
    }

    fn sent_again(&mut self, step: Step, handle: u32) {
        if let Step::Send(message) = step {
            self.crossings.messages[message as usize].sent_by = handle;
        }
    }

    /// A letter of a bridge or for a traveller has come.
    pub(in crate::rollup) fn on_letter<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        letter: Letter,
    ) {
        match letter {
            Letter::Pools { desk, rollup, block, pools } => {
                self.crossings.views[desk as usize][rollup as usize].show(block, &pools);
            }
            Letter::Seen(message) => match self.crossings.kind(message) {
                BridgeKind::Intents { .. } => self.on_order(host, now, message),
                _ => self.on_confirmations(host, now, message),
            },
            Letter::Signed(message) => self.on_attested(host, now, message),
            Letter::Carried(message) => self.on_carried(host, now, message),
            Letter::Arrived(message) => self.on_crossed(host, now, message, true),
            Letter::Returned(message) => self.on_crossed(host, now, message, false),
            Letter::Repaid(message) => self.on_repaid(host, now, message),
        }
    }

    /// A sequencer's word on a transaction of these accounts has come to its gateway.
    pub(in crate::rollup) fn crossing_told<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        handle: u32,
        refused: bool,
    ) {
        let tx = self.txs[handle as usize];
        let Some(step) = self.crossings.steps.get(&(tx.gateway, tx.sequence)).copied() else { return };
        match (step, refused) {
            (Step::Swap(leg), false) => self.on_swapped(host, now, leg),
            (Step::Send(message), false) => {
                if self.crossings.messages[message as usize].stage == Stage::Failed {
                    self.on_crossed(host, now, message, false);
                }
            }
            (Step::Swap(leg), true) if self.bundle_of(handle).is_some() => {
                self.on_refused_bundle(now, leg, tx.fate);
            }
            (Step::Send(_) | Step::Swap(_), true) => {
                self.on_refused_step(host, now, tx.gateway, tx.rollup, step)
            }
            (Step::Fill(message), _) => self.on_fill_told(host, now, message, refused),
            (_, false) => {}
            (_, true) => self.retry(host, now, tx.gateway, tx.rollup, step),
        }
    }

    fn retry<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        gateway: u16,
        rollup: u32,
        step: Step,
    ) {
        let node = self.gateways[usize::from(gateway)].node;
        let wait_ns = self.common.plan.rules.block_ns.max(RETRY_NS);
        self.wake_in(host, now, wait_ns, node, Wake::Retry { gateway, rollup, step });
    }
}
