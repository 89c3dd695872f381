//! Block flooding: what the event loop costs, in nanoseconds an event.
//!
//! The yardstick is a loop written by hand (`support/flood_yardstick.rs`); the full model is measured beside
//! it on the same network and is to stay within 1.3 times of it.
//!
//! `cargo bench --profile dist -p sim-core --bench flood [-- --large]`

#![allow(clippy::disallowed_types, reason = "a benchmark reads the clock")]
#![allow(missing_docs, reason = "a benchmark has no readers of its documentation")]

#[path = "support/clock.rs"]
mod clock;
#[path = "support/flood_yardstick.rs"]
mod flood_yardstick;

use flood_yardstick::{DEGREE, Flood, YardstickResult};
use sim_core::kernel::random::uniform_below;
use sim_core::kernel::{InverseCdf, Purpose, draw};

const SEED: u64 = 7;
const REGIONS: u64 = 8;

/// A network every model is measured on: random neighbours, eight regions, 5 to 140 ms between them.
struct Network {
    n_nodes: u32,
    adjacency: Vec<u32>,
    region: Vec<u8>,
    base_latency_ns: Vec<u64>,
    jitter: InverseCdf,
}

impl Network {
    fn new(n_nodes: u32) -> Self {
        let n = u64::from(n_nodes);
        let edge = |i| {
            let me = i / DEGREE as u64;
            // Anyone but oneself.
            let step = 1 + uniform_below(draw(SEED, Purpose::TOPOLOGY, 0, i), n - 1);
            ((me + step) % n) as u32
        };
        let distance_ns = |i: u64| 5_000_000 + (i / REGIONS).abs_diff(i % REGIONS) * 19_000_000;
        Self {
            n_nodes,
            adjacency: (0..n * DEGREE as u64).map(edge).collect(),
            region: (0..n).map(|i| (draw(SEED, Purpose::PLACEMENT, i, 0) % REGIONS) as u8).collect(),
            base_latency_ns: (0..REGIONS * REGIONS).map(distance_ns).collect(),
            jitter: InverseCdf::log_normal(1.05, 1.8, 1.0).expect("valid percentiles"),
        }
    }

    fn flood(&self, blocks: u32) -> Flood<'_> {
        Flood {
            n_nodes: self.n_nodes,
            adjacency: &self.adjacency,
            region: &self.region,
            base_latency_ns: &self.base_latency_ns,
            jitter: &self.jitter,
            bytes: 20_000,
            up_bps: 100_000_000,
            down_bps: 500_000_000,
            blocks,
            gap_ns: 3_000_000_000,
            seed: SEED,
        }
    }
}

fn yardstick(network: &Network, blocks: u32, rounds: usize) -> (f64, YardstickResult) {
    let flood = network.flood(blocks);
    let mut least = f64::INFINITY;
    let mut result = None;
    for _ in 0..rounds {
        let start = clock::Clock::start();
        let now = flood_yardstick::run(&flood);
        least = least.min(start.elapsed().as_secs_f64());
        assert!(result.is_none_or(|before| before == now), "two runs differ");
        result = Some(now);
    }
    (least, result.expect("at least one round"))
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    if has("--list") {
        return;
    }
    let sizes: &[(u32, u32, usize)] = match () {
        () if has("--test") => &[(1_000, 2, 2)],
        () if has("--large") => &[(10_000, 16, 5), (100_000, 8, 5), (1_000_000, 2, 2)],
        () => &[(10_000, 16, 5), (100_000, 8, 5)],
    };
    println!("{:<10} {:>9} {:>12} {:>10} {:>12}  digest", "model", "nodes", "events", "ns/event", "ms/block");
    for &(n_nodes, blocks, rounds) in sizes {
        let network = Network::new(n_nodes);
        let (seconds, result) = yardstick(&network, blocks, rounds);
        let YardstickResult { events, deliveries, digest } = result;
        // Eight out-edges reach all but a few nodes (those nobody chose: a share of e^-8).
        assert!(deliveries as f64 > 0.99 * f64::from(n_nodes * blocks));
        println!(
            "{:<10} {n_nodes:>9} {events:>12} {:>10.1} {:>12.2}  {digest}",
            "yardstick",
            seconds * 1e9 / events as f64,
            seconds * 1e3 / f64::from(blocks),
        );
    }
}
