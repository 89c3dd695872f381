//! One event queue per partition and the windows between them.
//!
//! A partition is a contiguous range of nodes with its own wheel. Within a window no longer than the
//! *lookahead* (the least delay of any message between partitions) the partitions cannot influence each
//! other, so each drains its own wheel; what they send across is swapped at the barrier that ends the
//! window. Because the order of events is content-derived, the number of partitions never changes a result.
//!
//! With one partition there are no windows and no outboxes: pushes go straight to the wheel.

use crate::kernel::event::Event;
use crate::kernel::ids::NodeId;
use crate::kernel::time::SimTime;
use crate::kernel::wheel::Wheel;

/// The pending events of a run, by partition.
#[derive(Clone)]
pub struct Scheduler {
    /// The first partition's queue, apart from the rest: mostly there is no other.
    first: Wheel<Event>,
    others: Vec<Wheel<Event>>,
    outbox: Vec<Event>,
    /// Nodes per partition (the last may have fewer).
    nodes_per_partition: u32,
    /// Partition whose events are being handled.
    current: usize,
    /// End of the open window; only events at or after it may cross partitions.
    window_end: SimTime,
    lookahead_ns: u64,
}

impl Scheduler {
    /// Queues for `nodes` nodes in `partitions` partitions.
    ///
    /// `lookahead_ns` is the least delay of any message between nodes, at least 1.
    pub fn new(nodes: u32, partitions: u32, lookahead_ns: u64) -> Self {
        let partitions = partitions.clamp(1, nodes.max(1));
        Self {
            first: Wheel::new(),
            others: (1..partitions).map(|_| Wheel::new()).collect(),
            outbox: Vec::new(),
            nodes_per_partition: nodes.div_ceil(partitions).max(1),
            current: 0,
            window_end: SimTime(0),
            lookahead_ns: lookahead_ns.max(1),
        }
    }

    /// Schedules an event.
    #[inline(always)]
    pub fn push(&mut self, event: Event) {
        if self.others.is_empty() {
            self.first.push(event);
        } else {
            self.push_partitioned(event);
        }
    }

    fn push_partitioned(&mut self, event: Event) {
        let partition = self.partition(event.destination());
        if partition == self.current {
            self.wheel_mut(partition).push(event);
        } else {
            assert!(event.time >= self.window_end, "an event crossed partitions inside a window");
            self.outbox.push(event);
        }
    }

    fn wheels(&self) -> impl Iterator<Item = &Wheel<Event>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    #[inline(always)]
    fn wheel_mut(&mut self, partition: usize) -> &mut Wheel<Event> {
        partition.checked_sub(1).map_or(&mut self.first, |other| &mut self.others[other])
    }

    fn partition(&self, node: NodeId) -> usize {
        (node.0 / self.nodes_per_partition) as usize
    }

    /// The earliest pending time.
    pub fn next_time(&mut self) -> Option<SimTime> {
        let wheels = std::iter::once(&mut self.first).chain(&mut self.others);
        let due = wheels.filter_map(Wheel::next_time);
        due.chain(self.outbox.iter().map(|e| e.time)).min()
    }

    /// Shows every pending event, in no particular order.
    pub fn visit(&self, mut f: impl FnMut(&Event)) {
        self.wheels().for_each(|wheel| wheel.visit(&mut f));
        self.outbox.iter().for_each(f);
    }

    /// Events pending.
    pub fn len(&self) -> usize {
        self.wheels().map(Wheel::len).sum::<usize>() + self.outbox.len()
    }

    /// No events pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of partitions.
    pub fn partitions(&self) -> usize {
        1 + self.others.len()
    }

    /// The next event of the current partition before `limit`; `hint`: see [`Wheel::pop_hinting`].
    #[inline(always)]
    pub fn pop_hinting(&mut self, limit: SimTime, hint: impl Fn(&Event)) -> Option<Event> {
        self.wheel_mut(self.current).pop_hinting(limit, hint)
    }

    /// The only queue, where there are no partitions: for pushing many events in a row.
    #[inline(always)]
    pub fn only_queue(&mut self) -> Option<&mut Wheel> {
        self.others.is_empty().then_some(&mut self.first)
    }

    /// Opens the next window, which ends no later than `limit`; `None` when nothing is due before `limit`.
    pub fn open_window(&mut self, limit: SimTime) -> Option<SimTime> {
        self.flush();
        if self.others.is_empty() {
            self.window_end = limit;
            return self.first.next_time().filter(|t| *t < limit).map(|_| limit);
        }
        let start = self.next_time().filter(|t| *t < limit)?;
        self.window_end = SimTime(start.0.saturating_add(self.lookahead_ns)).min(limit);
        Some(self.window_end)
    }

    /// Makes `partition` the one whose events are popped.
    pub fn select(&mut self, partition: usize) {
        self.current = partition;
    }

    /// Hands the events sent across partitions to their queues; outside windows every push may cross.
    pub fn flush(&mut self) {
        let outbox = std::mem::take(&mut self.outbox);
        for event in &outbox {
            let partition = self.partition(event.destination());
            self.wheel_mut(partition).push(*event);
        }
        self.outbox = outbox;
        self.outbox.clear();
    }

    /// Time of the last event handled in any partition; 0 after [`Scheduler::put_back`].
    pub fn last_popped(&self) -> SimTime {
        self.wheels().map(Wheel::now).max().unwrap_or_default()
    }

    /// Takes every pending event out, to change some of them: see [`Scheduler::put_back`]. Call it between
    /// windows.
    pub fn take_all(&mut self) -> Vec<Event> {
        self.flush();
        let mut events = Vec::with_capacity(self.len());
        for wheel in std::iter::once(&mut self.first).chain(&mut self.others) {
            events.extend(std::iter::from_fn(|| wheel.pop()));
            *wheel = Wheel::new();
        }
        events
    }

    /// Schedules what [`Scheduler::take_all`] took out, wherever it belongs.
    pub fn put_back(&mut self, events: &[Event]) {
        for event in events {
            let partition = self.partition(event.destination());
            self.wheel_mut(partition).push(*event);
        }
    }

    /// Changes the least delay of any message between nodes, ns. Call it between windows.
    pub fn set_lookahead_ns(&mut self, lookahead_ns: u64) {
        self.lookahead_ns = lookahead_ns.max(1);
    }

    /// Bytes held by the queues.
    pub fn heap_bytes(&self) -> usize {
        self.wheels().map(Wheel::heap_bytes).sum::<usize>() + self.outbox.capacity() * size_of::<Event>()
    }
}
