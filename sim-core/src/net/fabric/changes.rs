//! Link rates and latencies that change while messages are under way.
//!
//! **Captures.** A change of a node's rates takes hold of its links at once. What is in service keeps the bits
//! already sent and sends the rest at the new rate; what waits behind it follows without a gap, in its order.
//! A change of latencies holds for every message whose last bit leaves its sender after it, with the same
//! draw of jitter; what is in the air arrives when it would have.
//!
//! **Leaves out.** Senders that notice and adapt.
//!
//! **Parameters.** Factors on the scenario's own rates and latencies, parts per million.
//!
//! Exactness: the part in service is stretched by the ratio of the rates and rounded up, at most 1 ns a
//! change; all else are whole transfers at the new rate. Interventions are rare, so each looks at every
//! pending event; between them nothing costs more than before.
//!
//! What really happened to a message is known afterwards ([`Fabric::legs`]): where no change met it, from the
//! rates in force at the time; where one did, from a record written then.

use super::{BodyDraws, Direct, Fabric, INLINE_SLOTS, LinkRates, OTHER_LATENCY, pair, transfer_ns};
use crate::kernel::event::Event;
use crate::kernel::ids::NodeId;
use crate::kernel::random::draw;
use crate::kernel::time::SimTime;
use crate::net::LatencyModel;
use crate::net::items::{Arrival, Slot};
use crate::net::message::{MessageKind, class, wire};
use crate::net::params::Scope;
use std::collections::BTreeMap;
use std::sync::Arc;

/// When a first copy occupied the links on its way, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legs {
    /// First bit on the sender's uplink.
    pub up_start_ns: u64,
    /// Last bit off the sender's uplink.
    pub up_finish_ns: u64,
    /// First bit on the receiver's downlink.
    pub down_start_ns: u64,
}

/// A message's time on its sender's uplink, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub start_ns: u64,
    pub finish_ns: u64,
}

/// A message: its sender and the sender's running number.
type Key = (u32, u64);
/// One leg of one copy: (slot, receiver, sender, when the leg ended).
type Leg = (u32, u32, u32, u64);

/// What interventions have done to the network.
#[derive(Clone)]
pub(super) struct Changes {
    /// Hardware class by node.
    hardware: Vec<u16>,
    /// Rates by hardware class, as the scenario has them.
    own_rates: Vec<LinkRates>,
    own_latency: Arc<LatencyModel>,
    /// Factor on the rates by node, parts per million.
    factors: Vec<u64>,
    /// (when, whose, factor): what the rates were at any time.
    history: Vec<(u64, Scope, u64)>,
    /// Pending uploads and flights that today's rates and latencies do not explain.
    uploads: BTreeMap<Key, Upload>,
    /// Start of such transfers at the receiver.
    downloads: BTreeMap<Key, u64>,
    /// The same by copy, for tracked items, until they are forgotten.
    up_legs: BTreeMap<Leg, Upload>,
    down_legs: BTreeMap<Leg, u64>,
    /// Outages by node: from, until (`u64::MAX`: not over), ns.
    pub(super) outages: BTreeMap<u32, Vec<(u64, u64)>>,
    /// Bytes lost by kind.
    pub(super) lost: [u64; MessageKind::COUNT],
}

impl Changes {
    pub(super) fn hardware(&self, node: NodeId) -> usize {
        self.hardware[node.index()] as usize
    }

    /// Forgets what is known of an item's copies.
    pub(super) fn forget(&mut self, slot: Slot) {
        let of_slot = (slot.0, 0, 0, 0)..=(slot.0, u32::MAX, u32::MAX, u64::MAX);
        let keys: Vec<Leg> = self.up_legs.range(of_slot.clone()).map(|(k, _)| *k).collect();
        for key in keys {
            self.up_legs.remove(&key);
        }
        let keys: Vec<Leg> = self.down_legs.range(of_slot).map(|(k, _)| *k).collect();
        for key in keys {
            self.down_legs.remove(&key);
        }
    }

    fn scaled(&self, node: usize, factor_ppm: u64) -> LinkRates {
        self.own_rates[self.hardware[node] as usize].scaled(factor_ppm)
    }

    /// The rates of a node just before `at_ns`.
    fn rates_before(&self, node: NodeId, region: usize, at_ns: u64) -> LinkRates {
        let held = self.history.iter().rev().find(|(t, of, _)| *t < at_ns && of.contains(node.0, region));
        self.scaled(node.index(), held.map_or(1_000_000, |(_, _, factor)| *factor))
    }
}

impl LinkRates {
    /// Both rates times a factor, parts per million; at least 1 bit/s.
    pub fn scaled(&self, factor_ppm: u64) -> Self {
        let scaled = |bps: u64| {
            let bps = u128::from(bps) * u128::from(factor_ppm) / 1_000_000;
            u64::try_from(bps).unwrap_or(u64::MAX).max(1)
        };
        Self { up_bps: scaled(self.up_bps), down_bps: scaled(self.down_bps) }
    }
}

/// Time for what `left_ns` at `old_bps` would have taken, at `new_bps`, rounded up.
fn stretched(left_ns: u64, old_bps: u64, new_bps: u64) -> u64 {
    let ns = (u128::from(left_ns) * u128::from(old_bps)).div_ceil(u128::from(new_bps.max(1)));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// A pending event of a link: whose, in which order, where in the list.
struct Waiting {
    node: u32,
    order: u64,
    index: usize,
    start_ns: u64,
    finish_ns: u64,
}

impl Fabric {
    pub(super) fn take_changes(&mut self) -> Box<Changes> {
        self.changes.take().unwrap_or_else(|| {
            Box::new(Changes {
                hardware: self.nodes.iter().map(|n| n.class).collect(),
                own_rates: self.rates.clone(),
                own_latency: Arc::clone(&self.latency),
                factors: vec![1_000_000; self.nodes.len()],
                history: Vec::new(),
                uploads: BTreeMap::new(),
                downloads: BTreeMap::new(),
                up_legs: BTreeMap::new(),
                down_legs: BTreeMap::new(),
                outages: BTreeMap::new(),
                lost: [0; MessageKind::COUNT],
            })
        })
    }

    /// Sets the rates of some nodes to the scenario's own times `factor_ppm`, from `at_ns` on. Everything
    /// before `at_ns` must have happened and nothing at it.
    pub fn change_rates(&mut self, at_ns: u64, of: Scope, factor_ppm: u64) {
        let mut changes = self.take_changes();
        let affected = |node: usize| {
            of.contains(node as u32, self.regions[node] as usize) && changes.factors[node] != factor_ppm
        };
        let affected: Vec<bool> = (0..self.nodes.len()).map(affected).collect();
        let mut events = self.scheduler.take_all();
        self.requeue_uploads(&mut changes, &mut events, at_ns, &affected, factor_ppm);
        self.requeue_downloads(&mut changes, &mut events, at_ns, &affected, factor_ppm);
        self.scheduler.put_back(&events);
        changes.history.push((at_ns, of, factor_ppm));
        let factors = changes.factors.iter_mut().zip(&affected);
        factors.filter(|(_, hit)| **hit).for_each(|(factor, _)| *factor = factor_ppm);
        self.regroup(&changes);
        self.changes = Some(changes);
    }

    /// Gives nodes that differ in hardware or factor link classes of their own.
    fn regroup(&mut self, changes: &Changes) {
        self.rates.clone_from(&changes.own_rates);
        let own = (0..changes.own_rates.len()).map(|class| ((class as u16, 1_000_000), class as u16));
        let mut classes: BTreeMap<(u16, u64), u16> = own.collect();
        for (node, hot) in self.nodes.iter_mut().enumerate() {
            let wanted = (changes.hardware[node], changes.factors[node]);
            hot.class = *classes.entry(wanted).or_insert_with(|| {
                self.rates.push(changes.scaled(node, wanted.1));
                u16::try_from(self.rates.len() - 1).expect("fewer than 65,536 different links")
            });
        }
        let rates = &self.rates;
        self.items.set_classes(rates.len(), |bytes, class| rates[class].transfer_ns(bytes));
    }

    fn requeue_uploads(
        &mut self,
        changes: &mut Changes,
        events: &mut [Event],
        at_ns: u64,
        affected: &[bool],
        factor_ppm: u64,
    ) {
        let mut waiting = Vec::new();
        let mut kept = BTreeMap::new();
        for (index, event) in events.iter().enumerate().filter(|(_, e)| e.class() == class::ARRIVE) {
            let upload = affected[event.source.index()].then(|| self.upload(changes, event));
            match upload.filter(|u| u.finish_ns > at_ns) {
                Some(Upload { start_ns, finish_ns }) => {
                    let (node, order) = (event.source.0, event.sequence);
                    waiting.push(Waiting { node, order, index, start_ns, finish_ns });
                }
                None => {
                    let key = (event.source.0, event.sequence);
                    kept.extend(changes.uploads.get(&key).map(|known| (key, *known)));
                }
            }
        }
        changes.uploads = kept;
        // A node's uplink serves in the order of its sequence.
        waiting.sort_unstable_by_key(|w| (w.node, w.order));
        let mut freed = BTreeMap::new();
        for queue in waiting.chunk_by(|a, b| a.node == b.node) {
            let node = queue[0].node as usize;
            let old_bps = changes.scaled(node, changes.factors[node]).up_bps;
            let new_bps = changes.scaled(node, factor_ppm).up_bps;
            let mut free_ns = 0;
            for (place, waiting) in queue.iter().enumerate() {
                let event = &mut events[waiting.index];
                let upload = if place == 0 {
                    let left_ns = stretched(waiting.finish_ns - at_ns, old_bps, new_bps);
                    Upload { start_ns: waiting.start_ns, finish_ns: at_ns.saturating_add(left_ns) }
                } else {
                    let ns = transfer_ns(self.bytes_of(event), new_bps);
                    Upload { start_ns: free_ns, finish_ns: free_ns.saturating_add(ns) }
                };
                free_ns = upload.finish_ns;
                let latency_ns = event.time.0 - waiting.finish_ns;
                let was = std::mem::replace(&mut event.time, SimTime(free_ns.saturating_add(latency_ns)));
                self.note_upload(changes, event, was.0, upload);
            }
            let hot = &mut self.nodes[node];
            freed.insert(node, (hot.up_free_ns, free_ns));
            let old_ns = std::mem::replace(&mut hot.up_free_ns, free_ns);
            self.books.correct_busy(node, |busy_ns| busy_ns + free_ns - old_ns);
        }
        for event in events.iter_mut().filter(|e| e.class() == class::UPLINK) {
            // Whoever waits for the uplink is told when it will now be free.
            if let Some(&(old_ns, new_ns)) = freed.get(&event.destination().index()) {
                let told_ns = event.time.0;
                event.time = SimTime(if told_ns == old_ns { new_ns } else { told_ns.min(new_ns) });
            }
        }
    }

    fn requeue_downloads(
        &mut self,
        changes: &mut Changes,
        events: &mut [Event],
        at_ns: u64,
        affected: &[bool],
        factor_ppm: u64,
    ) {
        let mut waiting = Vec::new();
        let mut kept = BTreeMap::new();
        for (index, event) in events.iter().enumerate().filter(|(_, e)| e.class() == class::DELIVER) {
            let (to, finish_ns) = (event.destination(), event.time.0);
            if affected[to.index()] && finish_ns > at_ns {
                let start_ns = self.download_start(changes, event);
                waiting.push(Waiting { node: to.0, order: finish_ns, index, start_ns, finish_ns });
            } else {
                let key = (event.source.0, event.sequence);
                kept.extend(changes.downloads.get(&key).map(|start| (key, *start)));
            }
        }
        changes.downloads = kept;
        // A downlink serves one at a time, so that ends are distinct and in the order of arrival.
        waiting.sort_unstable_by_key(|w| (w.node, w.order));
        for queue in waiting.chunk_by(|a, b| a.node == b.node) {
            let node = queue[0].node as usize;
            let old_bps = changes.scaled(node, changes.factors[node]).down_bps;
            let new_bps = changes.scaled(node, factor_ppm).down_bps;
            let mut free_ns = 0;
            for (place, waiting) in queue.iter().enumerate() {
                let event = &mut events[waiting.index];
                let start_ns = if place == 0 { waiting.start_ns } else { free_ns };
                free_ns = if place == 0 {
                    at_ns.saturating_add(stretched(waiting.finish_ns - at_ns, old_bps, new_bps))
                } else {
                    free_ns.saturating_add(transfer_ns(self.bytes_of(event), new_bps))
                };
                let was = std::mem::replace(&mut event.time, SimTime(free_ns));
                self.note_download(changes, event, was.0, start_ns);
            }
            self.nodes[node].down_free_ns = free_ns;
        }
    }

    /// Sets all base latencies to the scenario's own times `factor_ppm`, for messages whose last bit leaves
    /// after `at_ns`. Everything before `at_ns` must have happened and nothing at it.
    pub fn change_latency(&mut self, at_ns: u64, factor_ppm: u64) {
        let mut changes = self.take_changes();
        let latency = Arc::new(changes.own_latency.scaled(factor_ppm));
        let mut events = self.scheduler.take_all();
        let mut kept = BTreeMap::new();
        for event in events.iter_mut().filter(|e| e.class() == class::ARRIVE) {
            let (key, upload) = ((event.source.0, event.sequence), self.upload(&changes, event));
            let mut was = event.time;
            if upload.finish_ns > at_ns {
                let ns = self.latency_of(event, &latency);
                was = std::mem::replace(&mut event.time, SimTime(upload.finish_ns.saturating_add(ns)));
                if event.aux() != wire::DIRECT && !changes.uploads.contains_key(&key) {
                    // Explained by the new latencies as it was by the old.
                    continue;
                }
            }
            kept.insert(key, upload);
            self.note_upload(&mut changes, event, was.0, upload);
        }
        changes.uploads = kept;
        self.scheduler.put_back(&events);
        self.scheduler.set_lookahead_ns(latency.least_ns());
        self.latency = latency;
        self.changes = Some(changes);
    }

    /// When a pending message occupies its sender's uplink.
    pub(super) fn upload(&self, changes: &Changes, event: &Event) -> Upload {
        if event.aux() == wire::DIRECT {
            let record = &self.direct[event.payload as usize];
            return Upload { start_ns: record.up_start_ns, finish_ns: record.up_finish_ns };
        }
        if let Some(known) = changes.uploads.get(&(event.source.0, event.sequence)) {
            return *known;
        }
        let finish_ns = event.time.0 - self.latency_of(event, &self.latency);
        let rates = changes.rates_before(event.source, self.region(event.source), finish_ns);
        Upload { start_ns: finish_ns - transfer_ns(self.bytes_of(event), rates.up_bps), finish_ns }
    }

    pub(super) fn download_start(&self, changes: &Changes, event: &Event) -> u64 {
        let known = match event.aux() {
            wire::DIRECT => Some(self.direct[event.payload as usize].down_start_ns).filter(|ns| *ns > 0),
            _ => changes.downloads.get(&(event.source.0, event.sequence)).copied(),
        };
        known.unwrap_or_else(|| {
            let rates =
                changes.scaled(event.destination().index(), changes.factors[event.destination().index()]);
            event.time.0 - transfer_ns(self.bytes_of(event), rates.down_bps)
        })
    }

    /// Remembers a pending upload whose event was at `was_ns` before.
    fn note_upload(&mut self, changes: &mut Changes, event: &Event, was_ns: u64, upload: Upload) {
        if event.aux() == wire::DIRECT {
            let record = &mut self.direct[event.payload as usize];
            record.up_start_ns = upload.start_ns;
            record.up_finish_ns = upload.finish_ns;
            record.arrive_ns = event.time.0;
            return;
        }
        changes.uploads.insert((event.source.0, event.sequence), upload);
        let to = event.destination();
        if event.aux() < wire::DIRECT && !self.items.arrivals(Slot(event.payload)).is_empty() {
            changes.up_legs.remove(&(event.payload, to.0, event.source.0, was_ns));
            changes.up_legs.insert((event.payload, to.0, event.source.0, event.time.0), upload);
        }
    }

    /// Remembers a pending download whose event was at `was_ns` before.
    fn note_download(&mut self, changes: &mut Changes, event: &Event, was_ns: u64, start_ns: u64) {
        if event.aux() == wire::DIRECT {
            self.direct[event.payload as usize].down_start_ns = start_ns;
            return;
        }
        changes.downloads.insert((event.source.0, event.sequence), start_ns);
        let (slot, to) = (Slot(event.payload), event.destination());
        if event.aux() < wire::DIRECT && !self.items.arrivals(slot).is_empty() {
            changes.down_legs.remove(&(slot.0, to.0, event.source.0, was_ns));
            changes.down_legs.insert((slot.0, to.0, event.source.0, event.time.0), start_ns);
        }
    }

    pub(super) fn latency_of(&self, event: &Event, latency: &LatencyModel) -> u64 {
        let (from, to) = (event.source, event.destination());
        let random = if event.aux() < wire::DIRECT {
            let content = self.items.get(Slot(event.payload)).id.to_bits();
            BodyDraws { seed: self.seed, from: from.0, content }.to(to.0)
        } else {
            let content = self.content_key(event.aux(), event.payload);
            draw(self.seed, OTHER_LATENCY, pair(from.0, to.0), content)
        };
        latency.sample(self.region(from) as u32, self.region(to) as u32, random)
    }

    pub(super) fn bytes_of(&self, event: &Event) -> u64 {
        if event.aux() < wire::DIRECT {
            self.items.get(Slot(event.payload)).bytes
        } else {
            self.control_bytes(event.aux(), event.payload)
        }
    }

    fn rates_before(&self, node: NodeId, at_ns: u64) -> LinkRates {
        match &self.changes {
            None => self.rates[self.nodes[node.index()].class as usize],
            Some(changes) => changes.rates_before(node, self.region(node), at_ns),
        }
    }

    /// When the first copy of a live item occupied the links on its way to a node that has it.
    pub fn legs(&self, slot: Slot, node: NodeId, arrival: &Arrival) -> Legs {
        let (from, bytes) = (arrival.from(), self.items.get(slot).bytes);
        let key = |end_ns: u64| (slot.0, node.0, from.0, end_ns);
        let changes = self.changes.as_ref();
        let upload = changes.and_then(|c| c.up_legs.get(&key(arrival.arrive_ns)).copied());
        let upload = upload.unwrap_or_else(|| {
            let finish_ns = arrival.arrive_ns - u64::from(arrival.latency_ns);
            let up_bps = self.rates_before(from, finish_ns).up_bps;
            Upload { start_ns: finish_ns - transfer_ns(bytes, up_bps), finish_ns }
        });
        let start_ns = changes.and_then(|c| c.down_legs.get(&key(arrival.delivered_ns)).copied());
        let down_start_ns = start_ns.unwrap_or_else(|| {
            let down_bps = self.rates_before(node, arrival.delivered_ns).down_bps;
            arrival.delivered_ns - transfer_ns(bytes, down_bps)
        });
        Legs { up_start_ns: upload.start_ns, up_finish_ns: upload.finish_ns, down_start_ns }
    }

    /// When a delivered direct message began to occupy its receiver's downlink, ns.
    pub fn direct_down_start(&self, message: &Direct) -> u64 {
        if message.down_start_ns > 0 {
            return message.down_start_ns;
        }
        let down_bps = self.rates_before(message.to, message.delivered_ns).down_bps;
        message.delivered_ns - transfer_ns(message.bytes, down_bps)
    }

    /// A node got an item outside the dissemination protocol, in the direct message `index`: it has it from
    /// now on, like any other.
    pub fn obtain(&mut self, node: NodeId, slot: Slot, index: u32) {
        let message = self.direct[index as usize];
        let down_start_ns = self.direct_down_start(&message);
        if !self.mark_seen(node, slot) {
            return;
        }
        self.items.get_mut(slot).holders += 1;
        if slot.0 < INLINE_SLOTS {
            self.nodes[node.index()].arrived |= 1 << slot.0;
        }
        self.items.note_fetched(slot, node.index(), message.from, message.arrive_ns, message.delivered_ns);
        let mut changes = self.take_changes();
        let upload = Upload { start_ns: message.up_start_ns, finish_ns: message.up_finish_ns };
        changes.up_legs.insert((slot.0, node.0, message.from.0, message.arrive_ns), upload);
        changes.down_legs.insert((slot.0, node.0, message.from.0, message.delivered_ns), down_start_ns);
        self.changes = Some(changes);
    }
}
