//! Block flooding: what the event loop costs, in nanoseconds an event.
//!
//! The yardstick is a loop written by hand (`support/flood_yardstick.rs`). The full model is measured beside
//! it, in turn, through the public facade, on the same graph, sizes, rates and latencies, and is to stay
//! within 1.3 times of it per event. `causes` is the full model that also keeps every node's first arrival
//! with its cause, which is what reports are made of.
//!
//! `cargo bench --profile dist -p sim-core --bench flood [-- --large]`

#![allow(clippy::disallowed_types, reason = "a benchmark reads the clock")]
#![allow(missing_docs, reason = "a benchmark has no readers of its documentation")]

#[path = "support/clock.rs"]
mod clock;
#[path = "support/flood_yardstick.rs"]
mod flood_yardstick;

use flood_yardstick::{DEGREE, Flood, YardstickResult};
use sim_core::kernel::{InverseCdf, Purpose, draw};
use sim_core::net::topology::Topology;
use sim_core::scenario::plan::*;
use sim_core::simulation::{Resources, Simulation};

const SEED: u64 = 7;
const REGIONS: u64 = 8;

/// A network every model is measured on: random neighbours, eight regions, 5 to 140 ms between them.
struct Network {
    n_nodes: u32,
    /// The same graph for both: regular, so that every row has [`DEGREE`] entries.
    adjacency: Vec<u32>,
    region: Vec<u8>,
    base_latency_ns: Vec<u64>,
    jitter: InverseCdf,
}

impl Network {
    fn new(n_nodes: u32) -> Self {
        let n = u64::from(n_nodes);
        let graph = TopologyPlan::RandomRegular { degree: DEGREE as u32 };
        let draws = |k| draw(SEED, Purpose::TOPOLOGY, 0, k);
        let graph = Topology::build(&graph, n_nodes, draws).expect("a regular graph");
        let distance_ns = |i: u64| 5_000_000 + (i / REGIONS).abs_diff(i % REGIONS) * 19_000_000;
        Self {
            n_nodes,
            adjacency: graph.neighbours,
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

fn yardstick(network: &Network, blocks: u32) -> (f64, YardstickResult) {
    let flood = network.flood(blocks);
    let start = clock::Clock::start();
    let result = flood_yardstick::run(&flood);
    (start.elapsed().as_secs_f64(), result)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The network as a plan.
fn plan(network: &Network, blocks: u32) -> Plan {
    let regions = REGIONS as usize;
    let region =
        |i: usize| Region { name: format!("r{i}"), latitude_mdeg: 0, longitude_mdeg: i as i32 * 1_000 };
    let row = |i: usize| network.base_latency_ns[i * regions..(i + 1) * regions].to_vec();
    let bench = "a benchmark";
    let hardware = HardwareClass {
        name: "plain".into(),
        up_bps: 100_000_000,
        down_bps: 500_000_000,
        cores: 1,
        speed_ppm: 1_000_000,
        source: bench.into(),
    };
    let profile = sim_core::execution::profile::named("revm43-memory-2026").expect("a built-in profile");
    Plan {
        name: "base".into(),
        seed: SEED,
        run: RunPlan { blocks, warm_up: 0, partitions: 1 },
        nodes: NodesPlan {
            count: network.n_nodes,
            region_weights: (0..regions).map(|r| (r, 1)).collect(),
            hardware: vec![(hardware, 1)],
            stake: StakePlan::Equal,
        },
        network: NetworkPlan {
            latency: LatencyTable {
                name: bench.into(),
                source: bench.into(),
                regions: (0..regions).map(region).collect(),
                one_way_ns: (0..regions).map(row).collect(),
            },
            latency_scale_ppm: 1_000_000,
            jitter: JitterPlan { p90_ppm: 1_400_000, floor_ppm: 1_000_000, cap_ppm: 4_000_000 },
            bandwidth_scale_ppm: 1_000_000,
            links: LinkDiscipline::Fifo,
            topology: TopologyPlan::RandomRegular { degree: DEGREE as u32 },
            gossip: GossipPlan::Flood,
            forward: ForwardRule::AfterHeaderCheck { check_ns: 0 },
        },
        interventions: Vec::new(),
        rollups: Vec::new(),
        chains: vec![ChainPlan {
            name: "main".into(),
            consensus: ConsensusPlan::Broadcast(BroadcastPlan {
                interval_ns: 3_000_000_000,
                poisson: false,
                payload_bytes: 20_000,
            }),
            gas_limit: 0,
            initial_base_fee_wei: 0,
            blobs: None,
            fee_market: Default::default(),
            execution: ExecutionPlan {
                algorithm: Algorithm::Serial,
                cores: Some(1),
                speed_ppm: 1_000_000,
                pipeline: Pipeline::BeforeVoting,
                profile,
            },
            workload: WorkloadPlan::Empty,
        }],
    }
}

/// Seconds and events of a run through the facade, setting up not counted.
fn full(plan: &Plan, causes: bool) -> (f64, u64) {
    let resources = Resources { causes, ..Resources::default() };
    let mut simulation = Simulation::with_resources(plan.clone(), &resources).expect("a sound plan");
    let start = clock::Clock::start();
    simulation.run().expect("the run ends");
    (start.elapsed().as_secs_f64(), simulation.events())
}

/// One model, again and again, for a profiler: `-- --only full`.
fn profile(model: &str) {
    let network = Network::new(100_000);
    let plan = plan(&network, 8);
    for _ in 0..5 {
        let seconds = match model {
            "yardstick" => yardstick(&network, 8).0,
            "full" => full(&plan, false).0,
            "causes" => full(&plan, true).0,
            other => panic!("no model `{other}`: yardstick, full, causes"),
        };
        println!("{model:<10} {seconds:.3} s");
    }
}

/// The most memory this process has held, MiB, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    if has("--list") {
        return;
    }
    if let Some(at) = arguments.iter().position(|a| a == "--only") {
        return profile(arguments.get(at + 1).map_or("", String::as_str));
    }
    let sizes: &[(u32, u32, usize)] = match () {
        () if has("--test") => &[(1_000, 2, 2)],
        () if has("--large") => &[(10_000, 16, 5), (100_000, 8, 5), (1_000_000, 2, 2)],
        () => &[(10_000, 16, 5), (100_000, 8, 5)],
    };
    println!(
        "{:<10} {:>9} {:>12} {:>10} {:>12} {:>8}",
        "model", "nodes", "events", "ns/event", "ms/block", "ratio"
    );
    for &(n_nodes, blocks, rounds) in sizes {
        let network = Network::new(n_nodes);
        let plan = plan(&network, blocks);
        let mut least = [f64::INFINITY; 3];
        let mut events = [0; 3];
        let mut ratios = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            let (seconds, result) = yardstick(&network, blocks);
            // A regular graph is connected: everybody gets everything.
            assert_eq!(result.deliveries, u64::from(n_nodes) * u64::from(blocks));
            let runs = [(seconds, result.events), full(&plan, false), full(&plan, true)];
            let per_event = runs.map(|(seconds, events)| seconds * 1e9 / events as f64);
            for k in 0..3 {
                least[k] = least[k].min(per_event[k]);
                events[k] = runs[k].1;
            }
            ratios[0].push(per_event[1] / per_event[0]);
            ratios[1].push(per_event[2] / per_event[0]);
        }
        for (k, model) in ["yardstick", "full", "causes"].into_iter().enumerate() {
            let ratio = k.checked_sub(1).map_or(1.0, |r| median(&mut ratios[r]));
            let ms = least[k] * events[k] as f64 / 1e6 / f64::from(blocks);
            println!("{model:<10} {n_nodes:>9} {:>12} {:>10.1} {ms:>12.2} {ratio:>8.2}", events[k], least[k]);
        }
    }
    if let Some(mib) = peak_mib() {
        println!("peak memory of all the above: {mib} MiB");
    }
}
