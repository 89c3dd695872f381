//! Intents: relayers advance tokens at the destination and are paid back later.
//!
//! **Captures.** The source's sequencer tells a relayer (they take turns) of tokens that were sent; if the relayer has as much of the token at
//! the destination, it pays there by a transaction with the order's deadline in it, and keeps a fee. What it paid is out of its
//! hands until the bridge pays it back there, by a transaction, some time later. What it cannot pay it keeps in mind,
//! oldest first, until it can or the deadline is over. After the deadline and the same time again the bridge gives
//! the tokens back at the source. What relayers have at hand and are owed is counted at every block.
//!
//! **Leaves out.** Auctions for orders, fees that rise as inventories run low, relayers who move tokens about
//! on their own; repayment on another rollup than the one where they paid.
//!
//! **Parameters** [`super::params::BridgeKind::Intents`]. **Source** Across: 0.02 to 0.12 % of the amount, repaid after two hours of liveness or
//! more. **Checked against** Little's law: owed = flow x lag (`validation`, `bridge-relayers`).

use super::params::BridgeKind;
use super::record::{InventoryRecord, Stage};
use super::{Crossings, Fleet, Letter, Message, Step, Wake};
use crate::execution::host::Host;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::rollup::liquidity::float;
use crate::workload::economy::RESERVE;
use parallel_evm::U256;
use std::collections::BTreeMap;

/// Inventories are noted at most so often, ns.
const SAMPLE_NS: u64 = 1_000_000_000;

/// One relayer, as it knows itself.
#[derive(Clone, Debug, Default)]
struct Relayer {
    /// By rollup and token: what it can still pay; what it had at first where there is no entry.
    have: BTreeMap<(u32, u32), U256>,
    /// Orders it could not pay yet.
    waiting: Vec<u32>,
}

/// A payment of a relayer, or one back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at_ns: u64,
    message: u64,
    back: bool,
    amount: U256,
    /// What is owed for it.
    owed: U256,
}

/// Relayers of a bridge.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// The first one's gateway, counted from that of the first relayer of all.
    first: usize,
    relayers: Vec<Relayer>,
    at_first: U256,
    /// What all have at first in all places.
    all_at_first: U256,
    changes: Vec<Change>,
}

impl Book {
    pub(super) fn new(first: usize, relayers: u32, at_first: U256) -> Self {
        Self { first, relayers: vec![Relayer::default(); relayers as usize], at_first, ..Self::default() }
    }

    /// All have what they had at first in so many places.
    pub(super) fn begin(&mut self, places: u64) {
        self.all_at_first = self.at_first * U256::from(self.relayers.len()) * U256::from(places);
    }

    /// The gateway of the relayer whose turn it is, counted as `first` is.
    pub(super) fn gateway(&self, message: &Message) -> usize {
        self.first + self.turn(message) as usize
    }

    /// Whether its messages are advanced.
    pub(super) fn advances(&self) -> bool {
        !self.relayers.is_empty()
    }

    fn turn(&self, message: &Message) -> u32 {
        message.desk.wrapping_add(message.order) % (self.relayers.len().max(1) as u32)
    }

    fn paid(&mut self, at_ns: u64, message: u64, amount: U256, owed: U256) {
        self.changes.push(Change { at_ns, message, back: false, amount, owed });
    }

    pub(super) fn repaid(&mut self, at_ns: u64, message: u64, amount: U256) {
        self.changes.push(Change { at_ns, message, back: true, amount, owed: amount });
    }

    /// What is at hand and owed after every change, in the order of time: (ns, at hand, owed).
    fn history(&self) -> Vec<(u64, U256, U256)> {
        let mut changes = self.changes.clone();
        changes.sort_unstable();
        let mut last = (0, self.all_at_first, U256::ZERO);
        let mut history = vec![last];
        for change in changes {
            let (_, idle, owed) = last;
            last = if change.back {
                (change.at_ns, idle + change.amount, owed - change.owed)
            } else {
                (change.at_ns, idle - change.amount, owed + change.owed)
            };
            history.push(last);
        }
        history
    }

    /// Means over a run of what is at hand and owed, over a pool that holds all liquidity.
    pub(super) fn means(&self, end_ns: u64) -> [f64; 2] {
        let history = self.history();
        let ends = history.iter().skip(1).map(|(ns, ..)| *ns).chain([end_ns]);
        let mut areas = [U256::ZERO; 2];
        for ((from_ns, idle, owed), to_ns) in history.iter().zip(ends) {
            let span = U256::from(to_ns.saturating_sub(*from_ns));
            areas = [areas[0] + *idle * span, areas[1] + *owed * span];
        }
        areas.map(|area| float(area) / (end_ns.max(1) as f64) / RESERVE as f64)
    }

    /// The same over time, at most one value a second.
    pub(super) fn samples(&self, chain: u32, bridge: u32) -> Vec<InventoryRecord> {
        let part = |amount: U256| float(amount) / RESERVE as f64;
        let mut samples: Vec<InventoryRecord> = Vec::new();
        for (at_ns, idle, owed) in self.history() {
            let sample = InventoryRecord { chain, bridge, at_ns, idle: part(idle), owed: part(owed) };
            match samples.last_mut() {
                // The first of all stays.
                Some(last) if last.at_ns > 0 && last.at_ns / SAMPLE_NS == at_ns / SAMPLE_NS => *last = sample,
                _ => samples.push(sample),
            }
        }
        samples
    }
}

impl Crossings {
    /// The gateway of a message's relayer.
    pub(super) fn relayer_gateway_of(&self, number: u32) -> usize {
        let message = &self.messages[number as usize];
        self.attester_gateway() + 1 + self.books[message.bridge as usize].gateway(message)
    }
}

impl Fleet {
    /// An order has come to its relayer.
    pub(super) fn on_order<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let message = &self.crossings.messages[number as usize];
        let bridge = message.bridge;
        let book = &mut self.crossings.books[bridge as usize];
        let relayer = book.turn(message);
        book.relayers[relayer as usize].waiting.push(number);
        self.fill_what_can_be(host, now, bridge, relayer);
    }

    /// A relayer pays the orders it can, oldest first, and forgets those that are over.
    pub(super) fn fill_what_can_be<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        bridge: u32,
        relayer: u32,
    ) {
        let waiting =
            std::mem::take(&mut self.crossings.books[bridge as usize].relayers[relayer as usize].waiting);
        let mut kept = Vec::new();
        for number in waiting {
            let crossings = &mut self.crossings;
            let (message, book) =
                (&mut crossings.messages[number as usize], &mut crossings.books[bridge as usize]);
            if message.deadline_ns <= now.time.0 {
                continue;
            }
            let pays = message.amount - message.fee;
            let at_first = book.at_first;
            let place = (message.to, message.token);
            let have = book.relayers[relayer as usize].have.entry(place).or_insert(at_first);
            if *have < pays {
                message.waited = true;
                kept.push(number);
                continue;
            }
            *have -= pays;
            message.stage = Stage::Arriving;
            message.ready_ns = now.time.0;
            let to = message.to;
            let gateway = self.crossings.relayer_gateway_of(number);
            self.take_step(host, now, gateway, to, Step::Fill(number));
        }
        let book = &mut self.crossings.books[bridge as usize];
        // What came in the meantime is younger.
        kept.append(&mut book.relayers[relayer as usize].waiting);
        book.relayers[relayer as usize].waiting = kept;
    }

    /// An advance is in a block of the destination.
    pub(super) fn on_filled<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let BridgeKind::Intents { repay_ns, .. } = *self.crossings.kind(number) else { return };
        let message = &mut self.crossings.messages[number as usize];
        (message.stage, message.arrived_ns) = (Stage::Arrived, now.time.0);
        let (amount, pays, bridge) = (message.amount, message.amount - message.fee, message.bridge as usize);
        let name = message.name();
        self.crossings.books[bridge].paid(now.time.0, name, pays, amount);
        self.wake_in(host, now, repay_ns, node, Wake::Repay(number));
        let to = self.desk_node(number);
        self.tell(host, now, (node, to), Letter::Arrived(number));
    }

    /// Time to pay a relayer back.
    pub(super) fn repay<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let to = self.crossings.messages[number as usize].to;
        let gateway = self.crossings.operator_gateway(self.host_index(to));
        self.take_step(host, now, gateway, to, Step::Repay(number));
    }

    /// A relayer learns that it was paid back.
    pub(super) fn on_repaid<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let message = &self.crossings.messages[number as usize];
        let amount = message.amount;
        self.has_again(host, now, number, amount);
    }

    /// A relayer has an amount more where a message leads, and looks what it can pay now.
    fn has_again<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
        amount: U256,
    ) {
        let message = &self.crossings.messages[number as usize];
        let (bridge, place) = (message.bridge, (message.to, message.token));
        let book = &mut self.crossings.books[bridge as usize];
        let (relayer, at_first) = (book.turn(message), book.at_first);
        *book.relayers[relayer as usize].have.entry(place).or_insert(at_first) += amount;
        self.fill_what_can_be(host, now, bridge, relayer);
    }

    /// A relayer learns what came of its payment.
    pub(super) fn on_fill_told<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
        refused: bool,
    ) {
        let message = &mut self.crossings.messages[number as usize];
        if message.filled && !refused {
            return;
        }
        // It may be on its way back already.
        if message.stage == Stage::Arriving {
            message.stage = Stage::Travelling;
        }
        let (bridge, pays) = (message.bridge, message.amount - message.fee);
        let book = &mut self.crossings.books[bridge as usize];
        let relayer = book.turn(message);
        if refused {
            // Later, so that it does not meet the same full queue at once.
            book.relayers[relayer as usize].waiting.insert(0, number);
            let gateway = self.crossings.relayer_gateway_of(number);
            let node = self.gateways[gateway].node;
            let message = &self.crossings.messages[number as usize];
            let place = (message.to, message.token);
            let book = &mut self.crossings.books[bridge as usize];
            let at_first = book.at_first;
            *book.relayers[relayer as usize].have.entry(place).or_insert(at_first) += pays;
            let wait_ns = self.common.plan.rules.block_ns.max(super::RETRY_NS);
            self.wake_in(host, now, wait_ns, node, Wake::Look { bridge, relayer });
        } else {
            self.has_again(host, now, number, pays);
        }
    }

    /// The deadline, and the time after it, is over: what was not advanced goes back.
    pub(super) fn on_expired<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let message = &mut self.crossings.messages[number as usize];
        if message.filled {
            return;
        }
        message.stage = Stage::Returning;
        let from = message.from;
        let gateway = self.crossings.operator_gateway(self.host_index(from));
        self.take_step(host, now, gateway, from, Step::Refund(number));
    }
}
