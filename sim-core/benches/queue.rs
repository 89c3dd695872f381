//! The event queue in the hold model: pop the next event, push one an exponential delay later.
//!
//! 32-byte events with deterministic ties, prefilled to n pending; beside it `std`'s `BinaryHeap` of the
//! same events in the same order, in the same run. After Criterion's figures it prints a table of ratios
//! measured in turn (wheel, heap, wheel, ...), which is what to read on a noisy machine.
//!
//! `cargo bench --profile dist -p sim-core --bench queue [-- --table-only]`

#![allow(clippy::disallowed_types, reason = "a benchmark reads the clock")]
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]

use criterion::{BenchmarkId, Criterion, Throughput};
use sim_core::kernel::random::exponential;
use sim_core::kernel::{Event, Kind, Moment, NodeId, Purpose, SimDuration, SimTime, Wheel, draw};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Duration;

#[path = "support/clock.rs"]
mod clock;

trait Queue {
    fn new() -> Self;
    fn push(&mut self, event: Event);
    fn pop(&mut self) -> Option<Event>;
}

impl Queue for Wheel {
    fn new() -> Self {
        Wheel::new()
    }
    #[inline]
    fn push(&mut self, event: Event) {
        Wheel::push(self, event);
    }
    #[inline]
    fn pop(&mut self) -> Option<Event> {
        Wheel::pop(self)
    }
}

/// What one would write without thinking further: the event itself, its order reversed.
struct Earliest(Event);

impl Ord for Earliest {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.key().cmp(&self.0.key())
    }
}
impl PartialOrd for Earliest {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Earliest {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Earliest {}

impl Queue for BinaryHeap<Earliest> {
    fn new() -> Self {
        BinaryHeap::new()
    }
    #[inline]
    fn push(&mut self, event: Event) {
        BinaryHeap::push(self, Earliest(event));
    }
    #[inline]
    fn pop(&mut self) -> Option<Event> {
        BinaryHeap::pop(self).map(|e| e.0)
    }
}

/// Delays drawn beforehand: the queue is to be measured, not the logarithm.
struct Delays(Vec<SimDuration>);

impl Delays {
    /// Exponential, mean 100 ms, whatever n: the queue has to find its own scale.
    fn exponential() -> Self {
        Self::new(|bits| exponential(bits, 1e8) as u64 + 1)
    }

    /// Half exponential as above, half a processing delay of 1 to 21 us at the same node.
    fn with_short_ones() -> Self {
        Self::new(|bits| match bits % 2 {
            0 => exponential(bits, 1e8) as u64 + 1,
            _ => 1_000 + (bits >> 32) % 20_000,
        })
    }

    /// Everything at multiples of 10 ms: long runs of equal times.
    fn ties() -> Self {
        Self::new(|bits| (1 + (bits >> 32) % 20) * 10_000_000)
    }

    fn new(f: impl Fn(u64) -> u64) -> Self {
        Self((0..1 << 16).map(|i| SimDuration(f(draw(1, Purpose::WORKLOAD, 0, i)))).collect())
    }
}

struct Hold<'a, Q> {
    queue: Q,
    delays: &'a [SimDuration],
    sequence: u64,
}

impl<'a, Q: Queue> Hold<'a, Q> {
    fn new(pending: u64, delays: &'a Delays) -> Self {
        let mut hold = Self { queue: Q::new(), delays: &delays.0, sequence: 0 };
        for i in 0..pending {
            // On a grid of 10 ms, so that the tied pattern stays on it and ties from the start.
            hold.push(Moment::at(SimTime(i % 7 * 10_000_000)));
        }
        // Into the steady state, also for whatever tunes itself.
        hold.run(2 * pending.max(50_000));
        hold
    }

    #[inline]
    fn push(&mut self, cause: Moment) {
        let i = self.sequence;
        self.sequence += 1;
        let delay = self.delays[i as usize % self.delays.len()];
        let destination = NodeId((i as u32).wrapping_mul(0x9E37_79B9) >> 12);
        self.queue.push(Event::after(cause, delay, Kind::new(1, 0), destination, NodeId(i as u32), i, 0));
    }

    fn run(&mut self, operations: u64) -> Duration {
        let start = clock::Clock::start();
        for _ in 0..operations {
            if let Some(event) = self.queue.pop() {
                self.push(black_box(event).moment());
            }
        }
        start.elapsed()
    }
}

fn criterion_group(c: &mut Criterion) {
    let delays = Delays::exponential();
    let mut group = c.benchmark_group("hold");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(1));
    for pending in [1_000, 10_000, 100_000, 1_000_000] {
        let mut wheel = Hold::<Wheel>::new(pending, &delays);
        group.bench_function(BenchmarkId::new("wheel", pending), |b| b.iter_custom(|n| wheel.run(n)));
        let mut heap = Hold::<BinaryHeap<Earliest>>::new(pending, &delays);
        group.bench_function(BenchmarkId::new("std_heap", pending), |b| b.iter_custom(|n| heap.run(n)));
    }
    group.finish();
}

/// Least ns per operation of each queue and the median of the ratios of neighbouring measurements.
fn in_turn(pending: u64, delays: &Delays) -> (f64, f64, f64) {
    let mut wheel = Hold::<Wheel>::new(pending, delays);
    let mut heap = Hold::<BinaryHeap<Earliest>>::new(pending, delays);
    let (operations, rounds) = if pending >= 1_000_000 { (200_000, 7) } else { (400_000, 11) };
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for _ in 0..rounds {
        // The wheel gets more operations: at equal ones its share of the time would be too short to read.
        let w = wheel.run(4 * operations).as_secs_f64() / (4 * operations) as f64 * 1e9;
        let h = heap.run(operations).as_secs_f64() / operations as f64 * 1e9;
        pairs.push((w, h));
    }
    let least = |f: fn(&(f64, f64)) -> f64| pairs.iter().map(f).fold(f64::INFINITY, f64::min);
    let mut ratios: Vec<f64> = pairs.iter().map(|(w, h)| h / w).collect();
    ratios.sort_by(f64::total_cmp);
    (least(|p| p.0), least(|p| p.1), ratios[ratios.len() / 2])
}

fn table() {
    println!("\nhold model, measured in turn; ns per pop + push (least), ratio (median of neighbours)");
    println!(
        "{:<14} {:>10} {:>10} {:>10} {:>8} {:>8}",
        "delays", "pending", "wheel", "std heap", "ratio", "wanted"
    );
    let row = |name: &str, pending: u64, delays: &Delays, wanted: &str| {
        let (wheel, heap, ratio) = in_turn(pending, delays);
        println!("{name:<14} {pending:>10} {wheel:>10.1} {heap:>10.1} {ratio:>7.1}x {wanted:>8}");
    };
    let exponential = Delays::exponential();
    for (pending, wanted) in
        [(1_000, "2.5x"), (10_000, "3x"), (100_000, "6x"), (1_000_000, "20x"), (10_000_000, "-")]
    {
        row("exponential", pending, &exponential, wanted);
    }
    let (short, ties) = (Delays::with_short_ones(), Delays::ties());
    for pending in [1_000, 100_000] {
        row("half short", pending, &short, "-");
        row("10 ms grid", pending, &ties, "-");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    if !has("--table-only") {
        let mut criterion = Criterion::default().configure_from_args();
        criterion_group(&mut criterion);
        criterion.final_summary();
    }
    // Under `cargo test --benches` everything runs once and nothing is measured.
    if !has("--test") && !has("--list") {
        table();
    }
}
