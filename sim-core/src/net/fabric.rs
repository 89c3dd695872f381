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
mod under_way;

pub use changes::Legs;
pub use under_way::{Leg, UnderWay};

use super::bodies::{Bodies, BodyDraws, pair};
use super::books::Books;
pub use super::books::Traffic;
use super::items::{Arrival, INLINE_SLOTS, Item, Items, Slot};
pub use super::links::LinkRates;
use super::links::transfer_ns;
pub use super::message::Direct;
use super::message::{CONTROL_BYTES, ID_BYTES, MessageKind, class, wire};
use super::scheduler::Scheduler;
use super::{LatencyModel, Topology};
use crate::kernel::digest::NodeDigest;
use crate::kernel::event::{Event, Kind, Moment};
use crate::kernel::ids::{ItemId, NodeId};
use crate::kernel::prefetch::prefetch;
use crate::kernel::random::{Purpose, draw};
use crate::kernel::time::{SimDuration, SimTime};
use std::sync::Arc;

/// What every message touches: one cache line a node.
#[derive(Clone, Default)]
#[repr(C, align(64))]
struct HotNode {
    up_free_ns: u64,
    down_free_ns: u64,
    sequence: u64,
    digest: NodeDigest,
    /// Seen bits of the first [`INLINE_SLOTS`] item slots: a copy is complete.
    seen: u64,
    /// The same for copies that reached the downlink. Kept for tracked items only.
    arrived: u64,
    /// Bytes received of kind `run_kind` that the books do not have yet.
    run_bytes: u64,
    /// Complete copies of items.
    copies: u32,
    /// Link class: nodes whose rates are the same.
    class: u16,
    run_kind: u8,
    /// Neither sends nor receives.
    down: bool,
}

const _: () = assert!(size_of::<HotNode>() == 64);

impl HotNode {
    /// Books received bytes: runs of one kind stay in the hot line.
    #[inline(always)]
    fn receive(&mut self, books: &mut Books, node: usize, kind: MessageKind, bytes: u64) {
        if self.run_kind != kind as u8 {
            books.received(node, self.run_kind, self.run_bytes);
            self.run_kind = kind as u8;
            self.run_bytes = 0;
        }
        self.run_bytes += bytes;
    }
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
    books: Books,
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
    round: u64,
    under_way: u32,
}

/// Purpose of latency draws for all messages but bodies. All latencies are keyed by the pair of nodes and by
/// content, never by a count of what was sent before, so that arms of a comparison share them.
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
            books: Books::new(placement.len()),
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
        if tracked && slot.0 < INLINE_SLOTS {
            self.nodes[producer.index()].arrived |= 1 << slot.0;
        }
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
        self.items.note_forwarded(slot, from.index(), now.time.0);
        let hot = &mut self.nodes[from.index()];
        let item = self.items.get(slot);
        let bodies = Bodies {
            from,
            targets,
            except,
            slot,
            aux: if pulled { wire::PULL } else { wire::PUSH },
            up_ns: self.items.up_ns(slot, hot.class as usize),
            draws: BodyDraws { seed: self.seed, from: from.0, content: item.id.to_bits() },
            latencies: self.latency.from_region(self.regions[from.index()]),
            regions: &self.regions,
        };
        let start = (hot.up_free_ns.max(now.time.0), hot.sequence);
        let (free, sequence) = match self.scheduler.only_queue() {
            Some(queue) => bodies.send(start, |event| queue.push(event)),
            None => bodies.send(start, |event| self.scheduler.push(event)),
        };
        let sent = sequence - hot.sequence;
        hot.sequence = sequence;
        hot.up_free_ns = if sent == 0 { hot.up_free_ns } else { free };
        self.books.sent(from.index(), item.kind, sent * item.bytes, sent * bodies.up_ns);
        self.items.get_mut(slot).in_flight += sent as u32;
    }

    /// Sends one of the dissemination protocol's own messages about one item, which stays live until then.
    pub fn send_item_control(&mut self, now: Moment, from: NodeId, to: NodeId, wire_type: u8, slot: Slot) {
        debug_assert!((wire::ITEM_CONTROL..wire::LIST).contains(&wire_type));
        self.items.get_mut(slot).in_flight += 1;
        self.send_small(now, from, to, wire_type, CONTROL_BYTES, slot.0);
    }

    /// Sends one of the dissemination protocol's own messages that names no item. `round` tells it from others
    /// of its type between the two nodes: for example the number of the heartbeat.
    pub fn send_control(&mut self, now: Moment, from: NodeId, to: NodeId, wire_type: u8, round: u32) {
        debug_assert!(wire_type >= wire::CONTROL);
        self.send_small(now, from, to, wire_type, CONTROL_BYTES, round);
    }

    /// Sends a list of items (announcement or request) to each of `targets`; `round` as in
    /// [`Fabric::send_control`].
    pub fn send_list(
        &mut self,
        now: Moment,
        from: NodeId,
        targets: &[u32],
        wire_type: u8,
        slots: &[Slot],
        round: u64,
    ) {
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
        list.round = round;
        let bytes = list.bytes();
        for &to in targets {
            self.send_small(now, from, NodeId(to), wire_type, bytes, index);
        }
    }

    fn send_small(&mut self, now: Moment, from: NodeId, to: NodeId, wire_type: u8, bytes: u64, payload: u32) {
        let content = self.content_key(wire_type, payload);
        let (arrive, sequence, _) = self.transmit(now, from, to, bytes, MessageKind::Control, content);
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

    /// Sends a message straight to one node. Its record can be read until [`Fabric::free_direct`]. `round` tells
    /// it from others of its kind and chain between the two nodes: for example the slot.
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
        round: u64,
    ) -> u32 {
        let key = round ^ u64::from(chain) << 40 ^ (kind as u64) << 48 ^ u64::from(wire::DIRECT) << 56;
        let (arrive, sequence, [up_start_ns, up_finish_ns]) = self.transmit(now, from, to, bytes, kind, key);
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
            key,
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

    /// What the latency of a message that is not a body is drawn by, besides its two ends.
    fn content_key(&self, aux: u8, payload: u32) -> u64 {
        let content = match aux {
            wire::DIRECT => return self.direct[payload as usize].key,
            wire::LIST..wire::CONTROL => self.lists[payload as usize].round,
            wire::CONTROL.. => u64::from(payload),
            _ => self.items.get(Slot(payload)).id.to_bits(),
        };
        content ^ u64::from(aux) << 56
    }

    /// Puts `bytes` on a node's uplink: (arrival at the other end, sequence, [start, finish]).
    fn transmit(
        &mut self,
        now: Moment,
        from: NodeId,
        to: NodeId,
        bytes: u64,
        kind: MessageKind,
        content: u64,
    ) -> (SimTime, u64, [u64; 2]) {
        let sequence = self.next_sequence(from);
        let [from_region, to_region] = [from, to].map(|n| u32::from(self.regions[n.index()]));
        let hot = &mut self.nodes[from.index()];
        let up_ns = transfer_ns(bytes, self.rates[hot.class as usize].up_bps);
        let start = hot.up_free_ns.max(now.time.0);
        hot.up_free_ns = start + up_ns;
        self.books.sent(from.index(), kind, bytes, up_ns);
        let random = draw(self.seed, OTHER_LATENCY, pair(from.0, to.0), content);
        let latency = self.latency.sample(from_region, to_region, random);
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
    #[inline(always)]
    pub fn arrive(&mut self, event: Event) {
        let (to, aux) = (event.destination(), event.aux());
        let hot = &self.nodes[to.index()];
        let class = hot.class as usize;
        if hot.down {
            return self.lose(&{ event });
        }
        let down_ns = if aux < wire::DIRECT {
            let slot = Slot(event.payload);
            // It may have to be passed on when it is complete.
            self.topology.prefetch_if(slot.0 >= INLINE_SLOTS || hot.seen >> slot.0 & 1 == 0, to.0);
            if self.items.is_tracked(slot) {
                self.note_arrive(event, slot, aux == wire::PULL);
            }
            self.items.down_ns(slot, class)
        } else {
            transfer_ns(self.control_bytes(aux, event.payload), self.rates[class].down_bps)
        };
        let hot = &mut self.nodes[to.index()];
        let finish = hot.down_free_ns.max(event.time.0) + down_ns;
        hot.down_free_ns = finish;
        let kind = Kind::new(class::DELIVER, aux);
        let at = Moment::at(SimTime(finish));
        self.scheduler.push(Event::at(at, kind, to, event.source, event.sequence, event.payload));
    }

    /// Notes the first copy of a tracked item at a downlink.
    #[inline(always)]
    fn note_arrive(&mut self, event: Event, slot: Slot, pulled: bool) {
        let (to, from) = (event.destination(), event.source);
        if slot.0 < INLINE_SLOTS {
            let arrived = &mut self.nodes[to.index()].arrived;
            let mask = 1 << slot.0;
            if *arrived & mask != 0 {
                return;
            }
            *arrived |= mask;
        } else if !self.items.wants_arrival(slot, to.index()) {
            return;
        }
        let draws = BodyDraws { seed: self.seed, from: from.0, content: self.items.get(slot).id.to_bits() };
        let latencies = self.latency.from_region(self.regions[from.index()]);
        let latency = latencies.sample(self.regions[to.index()], draws.to(to.0));
        self.items.note_arrive(slot, to.index(), from, pulled, event.time.0, latency);
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
    #[inline(always)]
    pub fn deliver(&mut self, event: Event) -> Delivery {
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
            let hot = &mut self.nodes[index];
            hot.receive(&mut self.books, index, kind, bytes);
            hot.copies += 1;
            hot.digest.mix(event.time.0 ^ id.rotate_left(32) ^ u64::from(event.source.0));
            if first {
                self.books.first_arrival(index);
                self.items.note_delivered(slot, index, event.time.0);
                return Delivery::First(slot);
            }
            return Delivery::Duplicate(slot);
        }
        self.deliver_other(event)
    }

    #[inline(never)]
    fn deliver_other(&mut self, event: Event) -> Delivery {
        let (index, aux) = (event.destination().index(), event.aux());
        let bytes = self.control_bytes(aux, event.payload);
        let hot = &mut self.nodes[index];
        hot.digest.mix(event.time.0 ^ u64::from(event.source.0) ^ (u64::from(aux) << 56));
        if aux == wire::DIRECT {
            let record = &mut self.direct[event.payload as usize];
            record.delivered_ns = event.time.0;
            hot.receive(&mut self.books, index, record.kind, bytes);
            return Delivery::Direct(event.payload);
        }
        hot.receive(&mut self.books, index, MessageKind::Control, bytes);
        if aux < wire::LIST {
            self.items.get_mut(Slot(event.payload)).in_flight -= 1;
        }
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
            for node in &mut self.nodes {
                node.seen &= !inline;
                node.arrived &= !inline;
            }
        }
    }

    /// The next event before `limit`. The hot lines that events will touch are asked for ahead of time.
    #[inline(always)]
    pub fn next_event(&mut self, limit: SimTime) -> Option<Event> {
        let nodes = &self.nodes;
        self.scheduler.pop_hinting(limit, |event| prefetch(nodes, event.destination().index()))
    }

    /// Closes the books, so that [`Fabric::traffic`] is cheap.
    pub fn post_books(&mut self) {
        self.books.post();
    }

    /// What a node sent and received.
    pub fn traffic(&self, node: NodeId) -> Traffic {
        let hot = &self.nodes[node.index()];
        let mut total = self.books.total(node.index());
        total.received[hot.run_kind as usize] += hot.run_bytes;
        total
    }

    /// Copies of items beyond the first that a node received.
    pub fn duplicates(&self, node: NodeId) -> u64 {
        u64::from(self.nodes[node.index()].copies) - self.books.total(node.index()).first_arrivals
    }

    /// Bytes held by nodes, items and queues.
    pub fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<HotNode>()
            + self.books.heap_bytes()
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
