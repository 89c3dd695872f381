//! Items: the immutable objects that spread over the network, and who has them since when.
//!
//! An item is named by its content identity (producer, producer's sequence). A *slot* is a handle into the
//! store: it is reused after the item is retired and never enters an event key, a digest or an output.
//!
//! Retirement happens only at the simulation's barriers, by rules on content (age and copies in flight), so
//! that it is the same for any number of partitions.

use super::message::MessageKind;
use crate::kernel::ids::{ItemId, NodeId};

/// Handle of a live item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

impl Slot {
    /// The handle as an index.
    #[inline(always)]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An item as every node sees it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Content identity.
    pub id: ItemId,
    /// What it carries, for accounting.
    pub kind: MessageKind,
    /// Chain it belongs to.
    pub chain: u32,
    /// The chain's own index of what it carries (block, bundle, aggregate).
    pub content: u32,
    /// Size on the wire, bytes.
    pub bytes: u64,
    /// Moment of publication, ns.
    pub published_ns: u64,
    /// Nodes that have it.
    pub holders: u32,
    /// Messages under way that carry or name it.
    pub in_flight: u32,
    /// Counts reuses of the slot.
    pub generation: u32,
    live: bool,
}

/// First arrival of an item at a node, with its cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(32))]
pub struct Arrival {
    /// First copy reached the downlink, ns; 0: none yet.
    pub arrive_ns: u64,
    /// First copy complete, ns; 0: not yet.
    pub delivered_ns: u64,
    /// The node began to pass it on, ns; 0: not yet.
    pub forwarded_ns: u64,
    /// Sender of the first copy; the top bit says that the copy was asked for (pulled).
    from: u32,
    /// One-way latency of the first copy, jitter included, ns.
    pub latency_ns: u32,
}

const PULLED: u32 = 1 << 31;

impl Arrival {
    /// Sender of the first copy.
    pub fn from(&self) -> NodeId {
        NodeId(self.from & !PULLED)
    }

    /// The first copy was asked for.
    pub fn pulled(&self) -> bool {
        self.from & PULLED != 0
    }
}

/// All live items.
#[derive(Clone)]
pub struct Items {
    nodes: usize,
    items: Vec<Item>,
    free: Vec<u32>,
    /// Seen bits of slots from 64 on, `overflow_words` words a node; the first 64 live in the node's hot line.
    overflow: Vec<u64>,
    overflow_words: usize,
    arrivals: Vec<Vec<Arrival>>,
    /// `[slot * classes + class]`: transfer time over the class's uplink and downlink, ns.
    transfer_ns: Vec<[u64; 2]>,
    classes: usize,
}

/// Slots whose seen bits live in the nodes' hot lines.
pub const INLINE_SLOTS: u32 = 64;

impl Items {
    /// No items yet; `nodes` nodes of `classes` link classes.
    pub fn new(nodes: u32, classes: usize) -> Self {
        Self {
            nodes: nodes as usize,
            items: Vec::new(),
            free: Vec::new(),
            overflow: Vec::new(),
            overflow_words: 0,
            arrivals: Vec::new(),
            transfer_ns: Vec::new(),
            classes,
        }
    }

    /// Stores a new item. `tracked`: keep every node's first arrival with its cause. `transfer_ns(class)`
    /// gives the up and down transfer times.
    #[allow(
        clippy::too_many_arguments,
        reason = "one call site per kind of item; a struct would repeat Item"
    )]
    pub fn insert(
        &mut self,
        id: ItemId,
        kind: MessageKind,
        chain: u32,
        content: u32,
        bytes: u64,
        published_ns: u64,
        tracked: bool,
        transfer_ns: impl Fn(usize) -> [u64; 2],
    ) -> Slot {
        let item = Item {
            id,
            kind,
            chain,
            content,
            bytes,
            published_ns,
            holders: 0,
            in_flight: 0,
            generation: 0,
            live: true,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                let old = &mut self.items[slot as usize];
                *old = Item { generation: old.generation + 1, ..item };
                slot
            }
            None => {
                self.items.push(item);
                self.arrivals.push(Vec::new());
                self.transfer_ns.resize(self.items.len() * self.classes, [0; 2]);
                (self.items.len() - 1) as u32
            }
        };
        let index = slot as usize;
        for class in 0..self.classes {
            self.transfer_ns[index * self.classes + class] = transfer_ns(class);
        }
        if tracked {
            self.arrivals[index] = vec![Arrival::default(); self.nodes];
        }
        if slot >= INLINE_SLOTS {
            let word = ((slot - INLINE_SLOTS) / 64) as usize;
            if word >= self.overflow_words {
                self.widen(word + 1);
            }
        }
        Slot(slot)
    }

    /// Re-lays the overflow bits with at least `words` words a node.
    fn widen(&mut self, words: usize) {
        let words = words.next_power_of_two();
        let mut wide = vec![0; words * self.nodes];
        if self.overflow_words > 0 {
            for (new, old) in
                wide.chunks_exact_mut(words).zip(self.overflow.chunks_exact(self.overflow_words))
            {
                new[..old.len()].copy_from_slice(old);
            }
        }
        self.overflow = wide;
        self.overflow_words = words;
    }

    /// A live item.
    #[inline(always)]
    pub fn get(&self, slot: Slot) -> &Item {
        &self.items[slot.index()]
    }

    /// A live item, to change its counters.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Item {
        &mut self.items[slot.index()]
    }

    /// The item is still the one it was at `generation`.
    pub fn is_current(&self, slot: Slot, generation: u32) -> bool {
        let item = &self.items[slot.index()];
        item.live && item.generation == generation
    }

    /// Transfer time over an uplink of `class`, ns.
    #[inline(always)]
    pub fn up_ns(&self, slot: Slot, class: usize) -> u64 {
        self.transfer_ns[slot.index() * self.classes + class][0]
    }

    /// Transfer time over a downlink of `class`, ns.
    #[inline(always)]
    pub fn down_ns(&self, slot: Slot, class: usize) -> u64 {
        self.transfer_ns[slot.index() * self.classes + class][1]
    }

    /// Lays the transfer times of all items out anew for `classes` link classes.
    pub fn set_classes(&mut self, classes: usize, transfer_ns: impl Fn(u64, usize) -> [u64; 2]) {
        self.classes = classes;
        self.transfer_ns.clear();
        self.transfer_ns.resize(self.items.len() * classes, [0; 2]);
        for (index, item) in self.items.iter().enumerate() {
            for class in 0..self.classes {
                self.transfer_ns[index * self.classes + class] = transfer_ns(item.bytes, class);
            }
        }
    }

    /// Whether a node has an item whose bit does not fit the hot line.
    #[inline]
    pub(super) fn overflow_seen(&self, node: usize, slot: Slot) -> bool {
        let bit = slot.0 - INLINE_SLOTS;
        self.overflow[node * self.overflow_words + (bit / 64) as usize] >> (bit % 64) & 1 == 1
    }

    /// Sets such a bit; true if it was clear.
    #[inline]
    pub(super) fn overflow_mark(&mut self, node: usize, slot: Slot) -> bool {
        let bit = slot.0 - INLINE_SLOTS;
        let word = &mut self.overflow[node * self.overflow_words + (bit / 64) as usize];
        let mask = 1 << (bit % 64);
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    /// First arrivals of the item are kept.
    #[inline(always)]
    pub(super) fn is_tracked(&self, slot: Slot) -> bool {
        !self.arrivals[slot.index()].is_empty()
    }

    /// First arrivals of a tracked item by node; empty if it is not tracked.
    #[inline(always)]
    pub fn arrivals(&self, slot: Slot) -> &[Arrival] {
        &self.arrivals[slot.index()]
    }

    /// Notes that the first copy reached a node's downlink.
    #[inline(always)]
    pub(super) fn note_arrive(
        &mut self,
        slot: Slot,
        node: usize,
        from: NodeId,
        pulled: bool,
        at_ns: u64,
        latency_ns: u64,
    ) {
        if let Some(arrival) = self.arrivals[slot.index()].get_mut(node) {
            let from = from.0 | if pulled { PULLED } else { 0 };
            let latency_ns = latency_ns as u32;
            *arrival = Arrival { arrive_ns: at_ns, delivered_ns: 0, forwarded_ns: 0, from, latency_ns };
        }
    }

    /// Forgets a first copy that reached the downlink and was lost there.
    pub(super) fn forget_arrival(&mut self, slot: Slot, node: usize, from: NodeId) -> bool {
        if let Some(arrival) = self.arrivals[slot.index()].get_mut(node)
            && arrival.delivered_ns == 0
            && arrival.from() == from
        {
            *arrival = Arrival::default();
            return true;
        }
        false
    }

    /// Notes a copy that came outside the dissemination protocol, on request.
    pub(super) fn note_fetched(
        &mut self,
        slot: Slot,
        node: usize,
        from: NodeId,
        arrive_ns: u64,
        delivered_ns: u64,
    ) {
        if let Some(arrival) = self.arrivals[slot.index()].get_mut(node) {
            *arrival = Arrival { arrive_ns, delivered_ns, from: from.0 | PULLED, ..Arrival::default() };
        }
    }

    /// Notes that the first copy is complete.
    #[inline(always)]
    pub(super) fn note_delivered(&mut self, slot: Slot, node: usize, at_ns: u64) {
        if let Some(arrival) = self.arrivals[slot.index()].get_mut(node) {
            arrival.delivered_ns = at_ns;
        }
    }

    /// Notes that a node began to pass an item on (or published it).
    #[inline(always)]
    pub(super) fn note_forwarded(&mut self, slot: Slot, node: usize, at_ns: u64) {
        if let Some(arrival) = self.arrivals[slot.index()].get_mut(node)
            && arrival.forwarded_ns == 0
        {
            arrival.forwarded_ns = at_ns;
        }
    }

    /// No copy of this tracked item has reached the node's downlink yet.
    #[inline(always)]
    pub(super) fn wants_arrival(&self, slot: Slot, node: usize) -> bool {
        self.arrivals[slot.index()].get(node).is_some_and(|a| a.arrive_ns == 0)
    }

    /// All live slots.
    pub fn live(&self) -> impl Iterator<Item = Slot> + '_ {
        (0..self.items.len() as u32).map(Slot).filter(|s| self.items[s.index()].live)
    }

    /// Takes a tracked item's arrivals out (the item stays live, untracked from now on).
    pub fn take_arrivals(&mut self, slot: Slot) -> Vec<Arrival> {
        std::mem::take(&mut self.arrivals[slot.index()])
    }

    /// Forgets an item: its slot and seen bits become free. The caller clears the inline bits.
    pub(super) fn retire(&mut self, slot: Slot) {
        let item = &mut self.items[slot.index()];
        assert!(item.live && item.in_flight == 0, "retired an item that is still under way");
        item.live = false;
        self.arrivals[slot.index()] = Vec::new();
        if slot.0 >= INLINE_SLOTS {
            let bit = slot.0 - INLINE_SLOTS;
            let (word, mask) = ((bit / 64) as usize, !(1 << (bit % 64)));
            for node in self.overflow.chunks_exact_mut(self.overflow_words) {
                node[word] &= mask;
            }
        }
        self.free.push(slot.0);
    }

    /// Bytes held.
    pub fn heap_bytes(&self) -> usize {
        let arrivals: usize = self.arrivals.iter().map(|a| a.capacity() * size_of::<Arrival>()).sum();
        arrivals
            + self.overflow.capacity() * 8
            + self.items.capacity() * size_of::<Item>()
            + self.transfer_ns.capacity() * 16
    }
}
