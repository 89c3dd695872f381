//! The wheel against a reference: a binary heap of the same events in the same order.

#![allow(clippy::disallowed_types, reason = "a test may compare with anything")]

use proptest::prelude::*;
use sim_core::kernel::{Event, EventKey, Kind, Moment, NodeId, Purpose, SimDuration, SimTime, Wheel, draw};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// The reference. Keys identify events, so comparing keys and payloads compares everything.
#[derive(Default, Clone)]
struct Reference {
    heap: BinaryHeap<Reverse<(EventKey, u32)>>,
    cancelled: HashSet<EventKey>,
}

impl Reference {
    fn push(&mut self, e: Event) {
        self.heap.push(Reverse((e.key(), e.payload)));
    }

    fn drop_cancelled(&mut self) {
        while self.heap.peek().is_some_and(|Reverse((key, _))| self.cancelled.contains(key)) {
            self.heap.pop();
        }
    }

    fn pop(&mut self) -> Option<(EventKey, u32)> {
        self.drop_cancelled();
        self.heap.pop().map(|Reverse(e)| e)
    }

    fn pop_before(&mut self, limit: SimTime) -> Option<(EventKey, u32)> {
        self.drop_cancelled();
        let due = self.heap.peek().is_some_and(|Reverse((key, _))| key.time < limit);
        if due { self.heap.pop().map(|Reverse(e)| e) } else { None }
    }

    fn next_time(&mut self) -> Option<SimTime> {
        self.drop_cancelled();
        self.heap.peek().map(|Reverse((key, _))| key.time)
    }
}

/// Both queues driven by the same operations.
#[derive(Default, Clone)]
struct Pair {
    wheel: Wheel,
    reference: Reference,
    sequence: u64,
    now: Moment,
    pushed: Vec<EventKey>,
}

impl Pair {
    fn push_after(&mut self, delay: u64, scramble: u64) {
        let (node, source) = (NodeId(scramble as u32 % 5), NodeId((scramble >> 8) as u32 % 3));
        let delay = SimDuration(delay.min(u64::MAX - self.now.time.0));
        let source = if delay.is_zero() { node } else { source };
        // Sequences fall while time rises: insertion order must not help.
        let sequence = u64::MAX - self.sequence;
        let kind = Kind::new((scramble >> 16) as u8 % 3, (scramble >> 24) as u8 % 2);
        let payload = scramble as u32;
        let e = Event::after(self.now, delay, kind, node, source, sequence, payload);
        self.sequence += 1;
        self.pushed.push(e.key());
        self.wheel.push(e);
        self.reference.push(e);
    }

    fn pop_before(&mut self, limit: SimTime) -> bool {
        let got = self.wheel.pop_before(limit);
        assert_eq!(got.map(|e| (e.key(), e.payload)), self.reference.pop_before(limit));
        if let Some(e) = got {
            self.now = e.moment();
            assert_eq!(self.wheel.now(), e.time);
        }
        got.is_some()
    }

    fn pop(&mut self) -> bool {
        let got = self.wheel.pop();
        assert_eq!(got.map(|e| (e.key(), e.payload)), self.reference.pop());
        if let Some(e) = got {
            self.now = e.moment();
        }
        got.is_some()
    }

    fn cancel(&mut self, key: EventKey) {
        assert_eq!(self.wheel.cancel(key), key.time >= self.now.time);
        self.reference.cancelled.insert(key);
    }

    fn drain(&mut self) {
        while self.pop() {}
        assert!(self.wheel.is_empty());
    }
}

fn bits(i: u64) -> u64 {
    draw(11, Purpose::CONTENT, 0, i)
}

#[derive(Clone, Debug)]
enum Step {
    Push { delay: u64, scramble: u64 },
    Pop,
    Window { length: u64 },
    Look,
    Cancel { which: prop::sample::Index },
    CancelUnknown { delay: u64 },
    Clone,
    Drain,
}

fn delays() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0u64),
        3 => 1..50u64,
        3 => Just(1_000),
        4 => 1..1_000_000u64,
        4 => 1..1_000_000_000u64,
        1 => 1..u64::MAX / 1_000_000,
        1 => Just(u64::MAX / 2),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (delays(), any::<u64>()).prop_map(|(delay, scramble)| Step::Push { delay, scramble }),
        7 => Just(Step::Pop),
        2 => (0..100_000_000u64).prop_map(|length| Step::Window { length }),
        2 => Just(Step::Look),
        2 => any::<prop::sample::Index>().prop_map(|which| Step::Cancel { which }),
        1 => delays().prop_map(|delay| Step::CancelUnknown { delay }),
        1 => Just(Step::Clone),
        1 => Just(Step::Drain),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_pops_in_the_order_of_the_reference(
        schedule in prop::collection::vec(steps(), 1..400),
    ) {
        let mut pair = Pair::default();
        for step in schedule {
            match step {
                Step::Push { delay, scramble } => pair.push_after(delay, scramble),
                Step::Pop => _ = pair.pop(),
                Step::Window { length } => {
                    let limit = pair.now.time.saturating_add(SimDuration(length));
                    while pair.pop_before(limit) {}
                }
                Step::Look => prop_assert_eq!(pair.wheel.next_time(), pair.reference.next_time()),
                Step::Cancel { which } => if !pair.pushed.is_empty() {
                    // Some of these are pending, some popped, some cancelled before.
                    pair.cancel(pair.pushed[which.index(pair.pushed.len())]);
                },
                Step::CancelUnknown { delay } => {
                    let time = pair.now.time.saturating_add(SimDuration(delay));
                    let unknown = Event::at(Moment::at(time), Kind::new(9, 9), NodeId(9), NodeId(9), 0, 0);
                    pair.cancel(unknown.key());
                }
                Step::Clone => pair = pair.clone(),
                Step::Drain => pair.drain(),
            }
        }
        pair.drain();
    }
}

/// One pop, one push, exponential-like delays around `mean`: a long run at each density.
#[test]
fn long_hold_runs_agree_at_every_density() {
    for (pending, mean) in [(1, 1), (10, 1_000_000_000), (1_000, 50), (1_000, 1 << 30), (50_000, 1 << 27)] {
        let mut pair = Pair::default();
        let delay = |i| (bits(i) >> 32) * (bits(i + 1) >> 32) / (1 << 31) * mean / (1 << 32);
        (0..pending).for_each(|i| pair.push_after(delay(i), bits(2 * i)));
        for i in 0..200_000 {
            assert!(pair.pop());
            pair.push_after(delay(3 * i), bits(i));
        }
        pair.drain();
    }
}

#[test]
fn a_hundred_thousand_ties_come_out_in_order_and_in_time() {
    let mut pair = Pair::default();
    for i in 0..100_000 {
        pair.push_after(12_000_000_000, bits(i));
    }
    // Ties that spawn zero-delay ties, and others at the same later time.
    for i in 0..50_000 {
        assert!(pair.pop());
        pair.push_after(0, bits(i));
        pair.push_after(1_000, bits(i + 1));
    }
    pair.drain();
}

#[test]
fn large_inserts_into_the_open_bucket_agree() {
    let mut pair = Pair::default();
    (0..1_000).for_each(|i| pair.push_after(bits(i) % 1_000_000_000, bits(i)));
    for round in 0..20 {
        assert!(pair.pop());
        // Far more events than the tuned bucket holds, all within the next microseconds.
        (0..20_000).for_each(|i| pair.push_after(1 + bits(round * i) % 3_000, bits(i)));
        (0..15_000).for_each(|_| assert!(pair.pop()));
    }
    pair.drain();
}

#[test]
fn chains_of_zero_delay_self_events_keep_their_microsteps() {
    let mut pair = Pair::default();
    (0..10).for_each(|i| pair.push_after(1_000, bits(i)));
    for i in 0..30_000 {
        assert!(pair.pop());
        pair.push_after(0, bits(i));
    }
    assert!(pair.now.microstep > 2_000);
    pair.drain();
}

#[test]
fn the_far_future_is_reached_and_the_queue_reused_after_it() {
    let mut pair = Pair::default();
    for delay in [u64::MAX / 2, 5, u64::MAX / 4, 1 << 40, u64::MAX / 2 + 1, 0] {
        pair.push_after(delay, delay);
    }
    pair.drain();
    assert_eq!(pair.now.time, SimTime(u64::MAX / 2 + 1));
    for round in 0..50 {
        (0..round * 7).for_each(|i| pair.push_after(bits(i) % 10_000_000, bits(i)));
        pair.drain();
    }
    let end = Event::at(Moment::at(SimTime::MAX), Kind::default(), NodeId(0), NodeId(0), 0, 0);
    pair.wheel.push(end);
    assert!(pair.wheel.pop_before(SimTime::MAX).is_none());
    assert_eq!(pair.wheel.next_time(), Some(SimTime::MAX));
    assert_eq!(pair.wheel.pop().map(|e| e.key()), Some(end.key()));
}

#[test]
fn windows_with_messages_from_outside_agree() {
    let mut pair = Pair::default();
    (0..3_000).for_each(|i| pair.push_after(bits(i) % 40_000_000, bits(i)));
    let window = SimDuration::from_millis(5);
    let mut end = SimTime::ZERO;
    for round in 0..400 {
        end += window;
        while pair.pop_before(end) {
            if !bits(pair.sequence).is_multiple_of(9) {
                pair.push_after(1 + bits(pair.sequence) % 60_000_000, pair.sequence);
            }
        }
        assert_eq!(pair.wheel.next_time(), pair.reference.next_time());
        // A barrier: messages for times from the window's end on.
        let gap = end - pair.now.time;
        (0..round % 40).for_each(|i| pair.push_after(gap.0 + bits(i) % 30_000_000, bits(i)));
    }
    pair.drain();
}

#[test]
fn looking_far_ahead_does_not_make_earlier_pushes_slow_or_wrong() {
    let mut pair = Pair::default();
    (0..1_000).for_each(|i| pair.push_after(12_000_000_000 + bits(i) % 1_000_000, bits(i)));
    for _ in 0..1_000 {
        assert_eq!(pair.wheel.next_time(), pair.reference.next_time());
        assert!(!pair.pop_before(SimTime::from_millis(1)));
        pair.push_after(2_000_000 + bits(pair.sequence) % 1_000_000_000, pair.sequence);
    }
    pair.drain();
}

#[test]
fn cancelled_timers_never_fire_and_leave_nothing_behind() {
    let mut pair = Pair::default();
    for i in 0..20_000 {
        pair.push_after(1 + bits(i) % 4_000_000_000, bits(i));
        if i % 3 != 0 {
            // A timer that is usually cancelled before it fires.
            pair.push_after(4_000_000_000, bits(i));
            pair.cancel(*pair.pushed.last().unwrap());
        }
        if i % 2 == 0 {
            assert!(pair.pop());
        }
        if i % 1_000 == 0 {
            assert_eq!(pair.wheel.next_time(), pair.reference.next_time());
        }
    }
    pair.drain();
}

#[test]
fn what_is_shown_is_what_will_be_popped() {
    let mut pair = Pair::default();
    (0..5_000).for_each(|i| pair.push_after(bits(i) % 3_000_000_000, bits(i)));
    for round in 0..3_000 {
        if round % 500 == 0 {
            let mut shown = Vec::new();
            pair.wheel.visit(|event| shown.push((event.key(), event.payload)));
            let mut copy = pair.wheel.clone();
            let popped: Vec<_> = std::iter::from_fn(|| copy.pop()).map(|e| (e.key(), e.payload)).collect();
            shown.sort_unstable();
            assert_eq!(shown, popped, "after {round} pops");
        }
        assert!(pair.pop());
        // Some into the open bucket, some far away.
        pair.push_after(bits(round) % 40_000, bits(round));
    }
}

#[test]
fn a_clone_continues_like_the_original() {
    let mut original = Pair::default();
    (0..5_000).for_each(|i| original.push_after(bits(i) % 3_000_000_000, bits(i)));
    for i in 0..2_500 {
        assert!(original.pop());
        original.push_after(bits(i) % 200_000, bits(i));
    }
    original.cancel(original.pushed[4_321]);
    let mut copy = original.clone();
    original.drain();
    copy.drain();
    assert_eq!(original.now, copy.now);
}

#[test]
fn memory_follows_the_number_of_pending_events() {
    let mut pair = Pair::default();
    (0..10_000).for_each(|i| pair.push_after(bits(i) % 1_000_000_000, bits(i)));
    for i in 0..500_000 {
        assert!(pair.pop());
        pair.push_after(bits(i) % 1_000_000_000, bits(i));
    }
    // 32 bytes an event, half-filled last chunks of the buckets, and growth by doubling.
    assert!(pair.wheel.heap_bytes() < 3 << 20, "{} bytes for 10,000 events", pair.wheel.heap_bytes());
}
