//! What each node sent and received, in bytes by kind: kept apart from what every message touches.
//!
//! An entry goes to a short journal in the cache; when it is full, it is posted to the nodes' totals in one
//! go, with their memory asked for ahead of time. Posting one by one would fetch a node's totals from memory
//! in the middle of every event that passes an item on.

use super::message::MessageKind;
use crate::kernel::prefetch::prefetch;

/// Totals of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub struct Traffic {
    /// Bytes handed to the uplink, by kind.
    pub sent: [u64; MessageKind::COUNT],
    /// Bytes completely received, by kind.
    pub received: [u64; MessageKind::COUNT],
    /// Time the uplink was or will be busy with what it was handed, ns.
    pub up_busy_ns: u64,
    /// Items of others that the node has or had.
    pub first_arrivals: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    node: u32,
    column: Column,
    kind: u8,
    bytes: u64,
    busy_ns: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Sent,
    Received,
    FirstArrival,
}

impl Entry {
    #[inline(always)]
    fn post(&self, total: &mut Traffic) {
        match self.column {
            Column::Sent => total.sent[self.kind as usize] += self.bytes,
            Column::Received => total.received[self.kind as usize] += self.bytes,
            Column::FirstArrival => total.first_arrivals += 1,
        }
        total.up_busy_ns += self.busy_ns;
    }
}

/// Entries a journal holds: 24 KB.
const JOURNAL: usize = 1024;
/// How many entries ahead memory is asked for.
const AHEAD: usize = 8;

/// The totals of all nodes.
#[derive(Clone)]
pub(super) struct Books {
    totals: Vec<Traffic>,
    journal: Vec<Entry>,
}

impl Books {
    pub(super) fn new(nodes: usize) -> Self {
        Self { totals: vec![Traffic::default(); nodes], journal: Vec::with_capacity(JOURNAL) }
    }

    /// A node handed `bytes` of a kind to its uplink, which takes `busy_ns` over them.
    #[inline(always)]
    pub(super) fn sent(&mut self, node: usize, kind: MessageKind, bytes: u64, busy_ns: u64) {
        self.enter(node, Column::Sent, kind as u8, bytes, busy_ns);
    }

    /// A node received `bytes` of a kind.
    #[inline(always)]
    pub(super) fn received(&mut self, node: usize, kind: u8, bytes: u64) {
        self.enter(node, Column::Received, kind, bytes, 0);
    }

    /// A node has an item for the first time.
    #[inline(always)]
    pub(super) fn first_arrival(&mut self, node: usize) {
        self.enter(node, Column::FirstArrival, 0, 0, 0);
    }

    #[inline(always)]
    fn enter(&mut self, node: usize, column: Column, kind: u8, bytes: u64, busy_ns: u64) {
        if self.journal.len() == self.journal.capacity() {
            self.post();
        }
        self.journal.push(Entry { node: node as u32, column, kind, bytes, busy_ns });
    }

    /// Corrects the time a node's uplink is busy. For rare changes of what was handed to it.
    pub(super) fn correct_busy(&mut self, node: usize, corrected: impl Fn(u64) -> u64) {
        self.post();
        let busy_ns = &mut self.totals[node].up_busy_ns;
        *busy_ns = corrected(*busy_ns);
    }

    /// Empties the journal.
    #[inline(never)]
    pub(super) fn post(&mut self) {
        for (index, entry) in self.journal.iter().enumerate() {
            if let Some(next) = self.journal.get(index + AHEAD) {
                prefetch(&self.totals, next.node as usize);
            }
            entry.post(&mut self.totals[entry.node as usize]);
        }
        self.journal.clear();
        // A clone's journal has no room beyond its entries.
        self.journal.reserve_exact(JOURNAL);
    }

    /// A node's totals. For many nodes call [`Books::post`] first.
    pub(super) fn total(&self, node: usize) -> Traffic {
        let mut total = self.totals[node];
        self.journal.iter().filter(|e| e.node as usize == node).for_each(|e| e.post(&mut total));
        total
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.totals.capacity() * size_of::<Traffic>() + self.journal.capacity() * size_of::<Entry>()
    }
}
