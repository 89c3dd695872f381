//! The moving of bits: access links, latency, and the two events every message costs.
//!
//! **Captures.** Each node has one uplink and one downlink of finite rate, shared by all its connections and
//! served first in, first out (store and forward). A message waits for the sender's uplink, is serialised at
//! the uplink's rate, travels the one-way latency of its region pair with jitter, waits for the receiver's
//! downlink, and is serialised again at the downlink's rate. Bytes are conserved and accounted by kind.
//!
//! **Leaves out.** Packets, loss, transport windows and handshakes; cross traffic other than the
//! simulation's own; asymmetric routes.
//!
//! **Parameters.** Rates by hardware class (bit/s), latency table and jitter, see [`crate::net`].
//!
//! **Checked against.** M/D/1 waiting times, Little's law and broadcast bounds in `validation`.
//!
//! Invariant: a handler sees only its own node through this type, and the total order of events does not
//! depend on handles.

mod changes;
mod outages;

pub use changes::Legs;

use super::items::{Arrival, INLINE_SLOTS, Item, Items, Slot};
use super::message::{CONTROL_BYTES, ID_BYTES, MessageKind, class, wire};
use super::scheduler::Scheduler;
use super::{LatencyModel, Topology};
use crate::kernel::digest::NodeDigest;
use crate::kernel::event::{Event, Kind, Moment};
use crate::kernel::ids::{ItemId, NodeId};
use crate::kernel::prefetch::prefetch;
use crate::kernel::random::{Purpose, draw};
use crate::kernel::time::{SimDuration, SimTime, transfer_time};
use std::sync::Arc;

/// What every message touches: one cache line a node.
#[derive(Clone, Default)]
#[repr(C, align(64))]
struct HotNode {
    up_free_ns: u64,
    down_free_ns: u64,
    sequence: u64,
    digest: NodeDigest,
    /// Seen bits of the first [`INLINE_SLOTS`] item slots.
    seen: u64,
    up_busy_ns: u64,
    duplicates: u32,
    first_arrivals: u32,
    /// Link class: nodes whose rates are the same.
    class: u16,
    /// Neither sends nor receives.
    down: bool,
}

const _: () = assert!(size_of::<HotNode>() == 64);

/// Bytes by kind, in a cache line of its own: what is received is counted at every message, what is sent only
/// when an item is passed on.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
struct Traffic([u64; MessageKind::COUNT]);

/// Rates of a class of access links, bit/s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRates {
    /// Uplink.
    pub up_bps: u64,
    /// Downlink.
    pub down_bps: u64,
}

/// A message sent straight to one node, outside the dissemination protocol, and what happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// Kind, for accounting.
    pub kind: MessageKind,
    /// Chain it belongs to.
    pub chain: u32,
    /// The chain's own index of what it carries.
    pub content: u32,
    /// Size, bytes.
    pub bytes: u64,
    /// Handed to the uplink, ns.
    pub enqueued_ns: u64,
    /// Serialisation on the uplink began, ns.
    pub up_start_ns: u64,
    /// Serialisation on the uplink ended, ns.
    pub up_finish_ns: u64,
    /// Reached the downlink, ns.
    pub arrive_ns: u64,
    /// Serialisation on the downlink began, ns, where a change of rates met it there; else 0.
    down_start_ns: u64,
    /// Complete, ns; 0: not yet.
    pub delivered_ns: u64,
}

/// What a delivered message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The first complete copy of an item at this node.
    First(Slot),
    /// Another copy.
    Duplicate(Slot),
    /// A message straight to this node.
    Direct(u32),
    /// One of the dissemination protocol's own messages.
    Control,
}

/// The network of one simulation.
#[derive(Clone)]
pub struct Fabric {
    /// Pending events.
    pub scheduler: Scheduler,
    nodes: Vec<HotNode>,
    /// Region of each node, apart from the rest: it is read for every neighbour of a sender.
    regions: Vec<u16>,
    sent: Vec<Traffic>,
    received: Vec<Traffic>,
    topology: Arc<Topology>,
    latency: Arc<LatencyModel>,
    rates: Vec<LinkRates>,
    items: Items,
    direct: Vec<Direct>,
    direct_free: Vec<u32>,
    lists: Vec<List>,
    list_free: Vec<u32>,
    seed: u64,
    node_count: u32,
    /// What interventions have done so far; absent until the first.
    changes: Option<Box<changes::Changes>>,
}

/// A list of items named by a control message, with the generation of each slot.
#[derive(Clone, Default)]
struct List {
    items: Vec<(Slot, u32)>,
    under_way: u32,
}

/// How many events ahead memory is asked for.
const AHEAD: usize = 8;
/// Purpose of latency draws for item bodies: keyed by content, so that arms of a comparison share them.
const BODY_LATENCY: Purpose = Purpose::LATENCY;
/// Purpose of latency draws for all other messages, keyed by the sender's sequence.
const OTHER_LATENCY: Purpose = Purpose(Purpose::LATENCY.0 ^ 0x8000_0000);

impl Fabric {
    /// A silent network: `placement[node]` is (region, link class).
    pub fn new(
        seed: u64,
        topology: Arc<Topology>,
        latency: Arc<LatencyModel>,
        rates: Vec<LinkRates>,
        placement: &[(u16, u16)],
        partitions: u32,
    ) -> Self {
        let node_count = placement.len() as u32;
        let nodes = placement.iter().map(|&(_, class)| HotNode { class, ..HotNode::default() });
        let lookahead_ns = latency.least_ns();
        Self {
            scheduler: Scheduler::new(node_count, partitions, lookahead_ns),
            nodes: nodes.collect(),
            regions: placement.iter().map(|&(region, _)| region).collect(),
            sent: vec![Traffic::default(); placement.len()],
            received: vec![Traffic::default(); placement.len()],
            topology,
            latency,
            items: Items::new(node_count, rates.len()),
            rates,
            direct: Vec::new(),
            direct_free: Vec::new(),
            lists: Vec::new(),
            list_free: Vec::new(),
            seed,
            node_count,
            changes: None,
        }
    }

    /// Number of nodes.
    pub fn node_count(&self) -> u32 {
        self.node_count
    }

    /// The root seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Who is connected to whom.
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// Region of a node.
    pub fn region(&self, node: NodeId) -> usize {
        self.regions[node.index()] as usize
    }

    /// Hardware class of a node.
    pub fn class(&self, node: NodeId) -> usize {
        match &self.changes {
            // Until a change of rates, link classes are the hardware classes.
            None => self.nodes[node.index()].class as usize,
            Some(changes) => changes.hardware(node),
        }
    }

    /// A live item.
    #[inline(always)]
    pub fn item(&self, slot: Slot) -> &Item {
        self.items.get(slot)
    }

    /// All live items and their arrivals.
    pub fn items(&self) -> &Items {
        &self.items
    }

    /// Takes a tracked item's arrivals out of the store.
    pub fn take_arrivals(&mut self, slot: Slot) -> Vec<Arrival> {
        self.items.take_arrivals(slot)
    }

    /// Schedules an event of a node for itself, `delay` from `now`.
    #[inline]
    pub fn timer(&mut self, now: Moment, delay: SimDuration, node: NodeId, owner: u8, payload: u32) {
        self.self_event(now, delay, Kind::new(class::TIMER, owner), node, payload);
    }

    /// Schedules an event of a node for itself.
    #[inline]
    pub fn self_event(&mut self, now: Moment, delay: SimDuration, kind: Kind, node: NodeId, payload: u32) {
        let sequence = self.next_sequence(node);
        self.scheduler.push(Event::after(now, delay, kind, node, node, sequence, payload));
    }

    #[inline(always)]
    fn next_sequence(&mut self, node: NodeId) -> u64 {
        let hot = &mut self.nodes[node.index()];
        hot.sequence += 1;
        hot.sequence
    }

    /// A new item exists at its producer: it has it, and nobody else.
    #[allow(clippy::too_many_arguments, reason = "the fields of an item, given once")]
    pub fn create_item(
        &mut self,
        now: Moment,
        producer: NodeId,
        sequence: u32,
        kind: MessageKind,
        chain: u32,
        content: u32,
        bytes: u64,
        tracked: bool,
    ) -> Slot {
        let id = ItemId::new(producer.0, sequence);
        let rates = &self.rates;
        let transfer = |class: usize| rates[class].transfer_ns(bytes);
        let slot = self.items.insert(id, kind, chain, content, bytes, now.time.0, tracked, transfer);
        let first = self.mark_seen(producer, slot);
        debug_assert!(first, "a fresh slot was already seen");
        self.items.get_mut(slot).holders = 1;
        self.items.note_arrive(slot, producer.index(), producer, false, now.time.0, 0);
        self.items.note_delivered(slot, producer.index(), now.time.0);
        slot
    }

    /// Whether a node has an item.
    #[inline(always)]
    pub fn has(&self, node: NodeId, slot: Slot) -> bool {
        if slot.0 < INLINE_SLOTS {
            self.nodes[node.index()].seen >> slot.0 & 1 == 1
        } else {
            self.items.overflow_seen(node.index(), slot)
        }
    }

    #[inline(always)]
    fn mark_seen(&mut self, node: NodeId, slot: Slot) -> bool {
        if slot.0 < INLINE_SLOTS {
            let seen = &mut self.nodes[node.index()].seen;
            let mask = 1 << slot.0;
            let new = *seen & mask == 0;
            *seen |= mask;
            new
        } else {
            self.items.overflow_mark(node.index(), slot)
        }
    }

    /// Sends an item's body to each of `targets` in order: enqueued now, served first in, first out.
    #[inline]
    pub fn send_body(
        &mut self,
        now: Moment,
        from: NodeId,
        targets: &[u32],
        slot: Slot,
        except: NodeId,
        pulled: bool,
    ) {
        let (class_up, region) = {
            let hot = &self.nodes[from.index()];
            (hot.class as usize, u32::from(self.regions[from.index()]))
        };
        let up_ns = self.items.up_ns(slot, class_up);
        let (content, kind, bytes) = {
            let item = self.items.get(slot);
            (item.id.to_bits(), item.kind, item.bytes)
        };
        self.items.note_forwarded(slot, from.index(), now.time.0);
        let hot = &mut self.nodes[from.index()];
        let mut free = hot.up_free_ns.max(now.time.0);
        let mut sequence = hot.sequence;
        let mut sent = 0;
        let aux = if pulled { wire::PULL } else { wire::PUSH };
        for &to in targets {
            if to == except.0 {
                continue;
            }
            free += up_ns;
            sequence += 1;
            sent += 1;
            let latency = {
                let random = draw(self.seed, BODY_LATENCY, pair(from.0, to), content);
                self.latency.sample(region, u32::from(self.regions[to as usize]), random)
            };
            let at = Moment::at(SimTime(free + latency));
            let kind = Kind::new(class::ARRIVE, aux);
            self.scheduler.push(Event::at(at, kind, NodeId(to), from, sequence, slot.0));
        }
        let hot = &mut self.nodes[from.index()];
        hot.up_free_ns = free.max(hot.up_free_ns);
        hot.up_busy_ns += sent * up_ns;
        hot.sequence = sequence;
        self.sent[from.index()].0[kind as usize] += sent * bytes;
        self.items.get_mut(slot).in_flight += sent as u32;
    }

    /// Sends one of the dissemination protocol's own messages about one item, which stays live until then.
    pub fn send_item_control(&mut self, now: Moment, from: NodeId, to: NodeId, wire_type: u8, slot: Slot) {
        debug_assert!((wire::ITEM_CONTROL..wire::LIST).contains(&wire_type));
        self.items.get_mut(slot).in_flight += 1;
        self.send_small(now, from, to, wire_type, CONTROL_BYTES, slot.0);
    }

    /// Sends one of the dissemination protocol's own messages that names no item.
    pub fn send_control(&mut self, now: Moment, from: NodeId, to: NodeId, wire_type: u8) {
        debug_assert!(wire_type >= wire::CONTROL);
        self.send_small(now, from, to, wire_type, CONTROL_BYTES, 0);
    }

    /// Sends a list of items (announcement or request) to each of `targets`.
    pub fn send_list(&mut self, now: Moment, from: NodeId, targets: &[u32], wire_type: u8, slots: &[Slot]) {
        debug_assert!((wire::LIST..wire::CONTROL).contains(&wire_type));
        if targets.is_empty() || slots.is_empty() {
            return;
        }
        let index = self.list_free.pop().unwrap_or_else(|| {
            self.lists.push(List::default());
            (self.lists.len() - 1) as u32
        });
        let items = &self.items;
        let list = &mut self.lists[index as usize];
        list.items.clear();
        list.items.extend(slots.iter().map(|&s| (s, items.get(s).generation)));
        list.under_way = targets.len() as u32;
        let bytes = list.bytes();
        for &to in targets {
            self.send_small(now, from, NodeId(to), wire_type, bytes, index);
        }
    }

    fn send_small(&mut self, now: Moment, from: NodeId, to: NodeId, wire_type: u8, bytes: u64, payload: u32) {
        let (arrive, sequence, _) = self.transmit(now, from, to, bytes, MessageKind::Control);
        let kind = Kind::new(class::ARRIVE, wire_type);
        self.scheduler.push(Event::at(Moment::at(arrive), kind, to, from, sequence, payload));
    }

    /// Reads a delivered list into `slots` (those still live) and lets it go. Call once per delivery.
    pub fn take_list(&mut self, index: u32, slots: &mut Vec<Slot>) {
        let list = &mut self.lists[index as usize];
        slots.clear();
        let live = list.items.iter().filter(|(s, generation)| self.items.is_current(*s, *generation));
        slots.extend(live.map(|(s, _)| *s));
        self.release_list(index);
    }

    fn release_list(&mut self, index: u32) {
        let list = &mut self.lists[index as usize];
        list.under_way -= 1;
        if list.under_way == 0 {
            self.list_free.push(index);
        }
    }

    /// Sends a message straight to one node. Its record can be read until [`Fabric::free_direct`].
    #[allow(clippy::too_many_arguments, reason = "the fields of a message, given once")]
    pub fn send_direct(
        &mut self,
        now: Moment,
        from: NodeId,
        to: NodeId,
        kind: MessageKind,
        bytes: u64,
        chain: u32,
        content: u32,
    ) -> u32 {
        let (arrive, sequence, [up_start_ns, up_finish_ns]) = self.transmit(now, from, to, bytes, kind);
        let record = Direct {
            from,
            to,
            kind,
            chain,
            content,
            bytes,
            enqueued_ns: now.time.0,
            up_start_ns,
            up_finish_ns,
            arrive_ns: arrive.0,
            down_start_ns: 0,
            delivered_ns: 0,
        };
        let index = match self.direct_free.pop() {
            Some(index) => {
                self.direct[index as usize] = record;
                index
            }
            None => {
                self.direct.push(record);
                (self.direct.len() - 1) as u32
            }
        };
        let kind = Kind::new(class::ARRIVE, wire::DIRECT);
        self.scheduler.push(Event::at(Moment::at(arrive), kind, to, from, sequence, index));
        index
    }

    /// Puts `bytes` on a node's uplink: (arrival at the other end, sequence, [start, finish]).
    fn transmit(
        &mut self,
        now: Moment,
        from: NodeId,
        to: NodeId,
        bytes: u64,
        kind: MessageKind,
    ) -> (SimTime, u64, [u64; 2]) {
        let sequence = self.next_sequence(from);
        let [from_region, to_region] = [from, to].map(|n| u32::from(self.regions[n.index()]));
        let hot = &mut self.nodes[from.index()];
        let up_ns = transfer_ns(bytes, self.rates[hot.class as usize].up_bps);
        let start = hot.up_free_ns.max(now.time.0);
        hot.up_free_ns = start + up_ns;
        hot.up_busy_ns += up_ns;
        let random = draw(self.seed, OTHER_LATENCY, pair(from.0, to.0), sequence);
        let latency = self.latency.sample(from_region, to_region, random);
        self.sent[from.index()].0[kind as usize] += bytes;
        (SimTime(start + up_ns + latency), sequence, [start, start + up_ns])
    }

    /// Rates of a node's links now, bit/s.
    pub fn rates_of(&self, node: NodeId) -> LinkRates {
        self.rates[self.nodes[node.index()].class as usize]
    }

    /// When the node's uplink will be free.
    #[inline]
    pub fn uplink_free(&self, node: NodeId) -> SimTime {
        SimTime(self.nodes[node.index()].up_free_ns)
    }

    /// When the node's downlink will be free.
    pub fn downlink_free(&self, node: NodeId) -> SimTime {
        SimTime(self.nodes[node.index()].down_free_ns)
    }

    /// A message reached the downlink: queue it there; completion is another event.
    #[inline]
    pub fn arrive(&mut self, event: &Event) {
        let to = event.destination();
        let aux = event.aux();
        let hot = &mut self.nodes[to.index()];
        if hot.down {
            return self.lose(event);
        }
        let down_ns = if aux < wire::DIRECT {
            self.items.down_ns(Slot(event.payload), hot.class as usize)
        } else {
            transfer_ns(
                self.control_bytes(aux, event.payload),
                self.rates[self.nodes[to.index()].class as usize].down_bps,
            )
        };
        let hot = &mut self.nodes[to.index()];
        let finish = hot.down_free_ns.max(event.time.0) + down_ns;
        hot.down_free_ns = finish;
        if aux < wire::DIRECT {
            self.note_arrive(event, to, aux == wire::PULL);
        }
        let kind = Kind::new(class::DELIVER, aux);
        let at = Moment::at(SimTime(finish));
        self.scheduler.push(Event::at(at, kind, to, event.source, event.sequence, event.payload));
    }

    #[inline(always)]
    fn note_arrive(&mut self, event: &Event, to: NodeId, pulled: bool) {
        let slot = Slot(event.payload);
        if !self.items.wants_arrival(slot, to.index()) {
            return;
        }
        let content = self.items.get(slot).id.to_bits();
        let random = draw(self.seed, BODY_LATENCY, pair(event.source.0, to.0), content);
        let latency = self.latency.sample(self.region(event.source) as u32, self.region(to) as u32, random);
        self.items.note_arrive(slot, to.index(), event.source, pulled, event.time.0, latency);
    }

    /// Size of a message that is not a body, bytes.
    fn control_bytes(&self, aux: u8, payload: u32) -> u64 {
        match aux {
            wire::DIRECT => self.direct[payload as usize].bytes,
            wire::LIST..wire::CONTROL => self.lists[payload as usize].bytes(),
            _ => CONTROL_BYTES,
        }
    }

    /// A message is complete: account for it and say what it was.
    #[inline]
    pub fn deliver(&mut self, event: &Event) -> Delivery {
        let to = event.destination();
        let index = to.index();
        let aux = event.aux();
        if aux < wire::DIRECT {
            let slot = Slot(event.payload);
            let first = self.mark_seen(to, slot);
            let item = self.items.get_mut(slot);
            item.in_flight -= 1;
            item.holders += u32::from(first);
            let (kind, bytes, id) = (item.kind, item.bytes, item.id.to_bits());
            self.received[index].0[kind as usize] += bytes;
            let hot = &mut self.nodes[index];
            hot.digest.mix(event.time.0 ^ id.rotate_left(32) ^ u64::from(event.source.0));
            if first {
                hot.first_arrivals += 1;
                self.items.note_delivered(slot, index, event.time.0);
                return Delivery::First(slot);
            }
            hot.duplicates += 1;
            return Delivery::Duplicate(slot);
        }
        let bytes = self.control_bytes(aux, event.payload);
        let hot = &mut self.nodes[index];
        hot.digest.mix(event.time.0 ^ u64::from(event.source.0) ^ (u64::from(aux) << 56));
        if aux == wire::DIRECT {
            let record = &mut self.direct[event.payload as usize];
            record.delivered_ns = event.time.0;
            self.received[index].0[record.kind as usize] += bytes;
            return Delivery::Direct(event.payload);
        }
        if aux < wire::LIST {
            self.items.get_mut(Slot(event.payload)).in_flight -= 1;
        }
        self.received[index].0[MessageKind::Control as usize] += bytes;
        Delivery::Control
    }

    /// Keeps an item live until [`Fabric::release`].
    pub fn hold(&mut self, slot: Slot) {
        self.items.get_mut(slot).in_flight += 1;
    }

    /// Undoes one [`Fabric::hold`].
    pub fn release(&mut self, slot: Slot) {
        self.items.get_mut(slot).in_flight -= 1;
    }

    /// Record of a direct message.
    pub fn direct(&self, index: u32) -> &Direct {
        &self.direct[index as usize]
    }

    /// Gives a delivered direct message's record back.
    pub fn free_direct(&mut self, index: u32) {
        debug_assert!(self.direct[index as usize].delivered_ns > 0);
        self.direct_free.push(index);
    }

    /// Notes that a node passes an item on from now (for protocols that choose targets later).
    pub fn note_forwarded(&mut self, node: NodeId, slot: Slot, now: Moment) {
        self.items.note_forwarded(slot, node.index(), now.time.0);
    }

    /// Mixes a value into a node's history.
    #[inline]
    pub fn witness(&mut self, node: NodeId, value: u64) {
        self.nodes[node.index()].digest.mix(value);
    }

    /// Every node's history, in node order.
    pub fn digests(&self) -> impl Iterator<Item = NodeDigest> + '_ {
        self.nodes.iter().map(|n| n.digest)
    }

    /// Forgets items published before `before_ns` that are no longer under way and that `keep` lets go.
    pub fn retire(&mut self, before_ns: u64, keep: impl Fn(Slot, &Item) -> bool) {
        let items = &self.items;
        let old = items.live().filter(|&s| {
            let item = items.get(s);
            item.published_ns < before_ns && item.in_flight == 0 && !keep(s, item)
        });
        let old: Vec<Slot> = old.collect();
        let mut inline = 0;
        for slot in old {
            if slot.0 < INLINE_SLOTS {
                inline |= 1 << slot.0;
            }
            self.items.retire(slot);
            if let Some(changes) = &mut self.changes {
                changes.forget(slot);
            }
        }
        if inline != 0 {
            self.nodes.iter_mut().for_each(|n| n.seen &= !inline);
        }
    }

    /// Asks for the memory that upcoming events will touch.
    #[inline(always)]
    pub fn prefetch_upcoming(&self) {
        for event in self.scheduler.upcoming(AHEAD) {
            let node = event.destination().index();
            prefetch(&self.nodes, node);
            if event.class() == class::DELIVER {
                prefetch(&self.received, node);
            }
            if event.aux() < wire::DIRECT {
                self.items.prefetch_arrival(event.payload, node);
            }
        }
    }

    /// Bytes sent and received by kind.
    pub fn traffic(&self, node: NodeId) -> ([u64; MessageKind::COUNT], [u64; MessageKind::COUNT]) {
        (self.sent[node.index()].0, self.received[node.index()].0)
    }

    /// (duplicates, first arrivals, uplink busy ns) of a node.
    pub fn counters(&self, node: NodeId) -> (u64, u64, u64) {
        let hot = &self.nodes[node.index()];
        (u64::from(hot.duplicates), u64::from(hot.first_arrivals), hot.up_busy_ns)
    }

    /// Bytes held by nodes, items and queues.
    pub fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<HotNode>()
            + (self.sent.capacity() + self.received.capacity()) * size_of::<Traffic>()
            + self.regions.capacity() * 2
            + self.items.heap_bytes()
            + self.direct.capacity() * size_of::<Direct>()
            + self.scheduler.heap_bytes()
    }
}

impl List {
    fn bytes(&self) -> u64 {
        CONTROL_BYTES + ID_BYTES * (self.items.len() as u64).saturating_sub(1)
    }
}

impl LinkRates {
    /// Transfer times of `bytes` up and down, ns, rounded up.
    pub fn transfer_ns(&self, bytes: u64) -> [u64; 2] {
        [transfer_ns(bytes, self.up_bps), transfer_ns(bytes, self.down_bps)]
    }
}

/// Entity of a draw that belongs to a directed pair of nodes.
#[inline(always)]
fn pair(from: u32, to: u32) -> u64 {
    u64::from(from) << 32 | u64::from(to)
}

/// Time of `bytes` on a link, ns, rounded up.
#[inline(always)]
fn transfer_ns(bytes: u64, bps: u64) -> u64 {
    transfer_time(bytes, bps).0
}
