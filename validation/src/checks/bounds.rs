//! How fast a message can possibly reach everyone.

use crate::check::{Check, Effort, Expected, Finding, Row};
use crate::nets::{self, Study, gossipsub, machine};
use crate::plots::{self, Frame, Series};
use anyhow::Result;
use petgraph::graph::{DiGraph, NodeIndex};
use sim_core::kernel::math;
use sim_core::kernel::random::DrawRng;
use sim_core::kernel::random::Purpose;
use sim_core::net::data;
use sim_core::net::topology::Topology;
use sim_core::observe::record::RunRecord;
use sim_core::scenario::plan::{GossipPlan, StakePlan, TopologyPlan};

/// Bounds that hold for every protocol.
pub const NEVER_BEATEN: Check = Check {
    name: "broadcast-bounds",
    family: "dissemination",
    question: "Is a message of F bits ever at all N receivers sooner than light, lines and the graph allow?",
    expected: "time to all >= F/u_source; F/d_min; N F/(u_source + sum u_i); ceil(log2(N + 1)) F/u_max; and at each node >= \
               the shortest path over the graph, each hop at its latency floor, alone and with F/u + F/d added (store and forward)",
    source: "Kumar and Ross 2006 (fluid bounds); Mundinger, Weber and Weiss 2008 with one part (doubling); shortest paths by petgraph's Dijkstra",
    tolerance: "none: a bound that is beaten once, by a nanosecond, is a miss (fluid bounds are compared as 64-bit floats, relative rounding 1e-15)",
    understood_miss: None,
    run: never_beaten,
};

/// Bounds that are reached.
pub const REACHED: Check = Check {
    name: "broadcast-exact",
    family: "dissemination",
    question: "Where nothing is left to chance, does a message take exactly the time that bytes, rates and distances give?",
    expected: "star of N leaves, hub publishes: N F/u + latency + F/d; line of h hops: h (F/u + latency + F/d); \
               triangle: 2 F/u + latency + F/d, and 4 copies in all",
    source: "addition; transfer times rounded up to a nanosecond",
    tolerance: "none: integers, and nothing is random in the comparison",
    understood_miss: None,
    run: reached,
};

const DRAWS: Purpose = Purpose(Purpose::FIRST_CUSTOM + 2);

/// A network nobody would build, from a seed.
fn random_study(seed: u64) -> Result<Study> {
    let mut random = DrawRng::new(seed, DRAWS, 0);
    let mut between = |low: f64, high: f64| {
        let u = random.below(1 << 30) as f64 / (1_u64 << 30) as f64;
        low * math::exp(u * math::ln(high / low))
    };
    let nodes = 2 * between(5.0, 80.0) as u32;
    let degree = (between(3.0, 17.0) as u32).min(nodes - 1);
    let mut study = Study::new(nodes, TopologyPlan::RandomRegular { degree });
    let mut class = || (machine(between(3e6, 1e9) as u64, between(3e6, 1e9) as u64), 1);
    study.hardware = vec![class(), class(), class()];
    study.latency = ["aws-2026", "gervais", "ethshadow", "simblock-2019"][(seed % 4) as usize];
    study.latency_scale_ppm = between(1e4, 3e6) as u64;
    study.jitter = data::default_jitter();
    study.payload_bytes = between(300.0, 3e6) as u64;
    study.payloads = 4;
    // Payloads behind each other's backs only make everything slower.
    study.interval_ns = between(1e9, 2e11) as u64;
    study.seed = seed;
    if seed.is_multiple_of(2) {
        study.gossip = GossipPlan::Gossipsub(gossipsub());
    }
    Ok(study)
}

/// The bounds' names and, for each, the least measured time over the bound.
const NAMES: [&str; 6] = [
    "source's uplink, F/u_source",
    "slowest downlink, F/d_min",
    "all uplinks together, N F/(u_source + sum u_i)",
    "doubling, ceil(log2(N + 1)) F/u_max",
    "latency floors along the shortest path, each node",
    "latency floors, F/u and F/d along the shortest path, each node",
];

/// What one network showed.
struct Margins {
    least: [f64; 6],
    beaten: [u64; 6],
    compared: u64,
    unfinished: u64,
    /// (best bound, measured) time to all by payload, ms.
    points: Vec<(f64, f64)>,
}

fn margins(record: &RunRecord) -> Result<Margins> {
    let graph = nets::graph(&record.plan)?;
    let rates = nets::rates(record);
    let floor = |a: usize, b: usize| {
        nets::latency_floor_ns(&record.plan, record.nodes[a].region, record.nodes[b].region)
    };
    let arrivals = nets::arrivals(record);
    let receivers = record.nodes.len() as f64 - 1.0;
    let mut out =
        Margins { least: [f64::INFINITY; 6], beaten: [0; 6], compared: 0, unfinished: 0, points: Vec::new() };
    for (block, arrived) in record.blocks.iter().zip(&arrivals) {
        let source = block.proposer as usize;
        let bits = block.size_bytes as f64 * 8e9;
        let latency_only = paths(&graph, source, |a, b| floor(a, b) as f64);
        let whole = paths(&graph, source, |a, b| {
            bits / rates[a].0 as f64 + floor(a, b) as f64 + bits / rates[b].1 as f64
        });
        let since: Vec<Option<f64>> =
            arrived.iter().map(|at| at.map(|at| (at - block.published_ns) as f64)).collect();
        let mut note = |bound: usize, time: f64, least: f64| {
            // Less than half a nanosecond under a bound of some 1e9 ns is the bound's own rounding.
            out.beaten[bound] += u64::from(time < least * (1.0 - 1e-15) - 1e-6);
            if least > 0.0 {
                out.least[bound] = out.least[bound].min(time / least);
            }
            out.compared += 1;
        };
        for node in (0..since.len()).filter(|n| *n != source) {
            if let Some(time) = since[node] {
                note(4, time, latency_only[node]);
                note(5, time, whole[node]);
            }
        }
        let Some(last) = since.iter().copied().collect::<Option<Vec<f64>>>() else {
            out.unfinished += 1;
            continue;
        };
        let last = last.into_iter().fold(0.0, f64::max);
        let slowest =
            rates.iter().enumerate().filter(|(n, _)| *n != source).map(|(_, r)| r.1).min().unwrap_or(1);
        let fastest = rates.iter().map(|r| r.0).max().unwrap_or(1);
        let together: f64 = rates.iter().map(|r| r.0 as f64).sum();
        let doublings = f64::from((receivers as u32 + 1).next_power_of_two().trailing_zeros());
        let all = [
            bits / rates[source].0 as f64,
            bits / slowest as f64,
            receivers * bits / together,
            doublings * bits / fastest as f64,
        ];
        all.iter().enumerate().for_each(|(bound, least)| note(bound, last, *least));
        let best = all.into_iter().chain(whole).fold(0.0, f64::max);
        out.points.push((best / 1e6, last / 1e6));
    }
    Ok(out)
}

/// Shortest paths from `source` with these costs of a hop.
fn paths(graph: &Topology, source: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut costs: DiGraph<(), f64> = DiGraph::new();
    for _ in 0..graph.nodes() {
        costs.add_node(());
    }
    for from in 0..graph.nodes() {
        for &to in graph.neighbours(from) {
            costs.add_edge(
                NodeIndex::new(from as usize),
                NodeIndex::new(to as usize),
                cost(from as usize, to as usize),
            );
        }
    }
    let found = petgraph::algo::dijkstra(&costs, NodeIndex::new(source), None, |edge| *edge.weight());
    (0..graph.nodes() as usize)
        .map(|n| found.get(&NodeIndex::new(n)).copied().unwrap_or(f64::INFINITY))
        .collect()
}

fn never_beaten(effort: Effort) -> Result<Finding> {
    let networks = effort.pick(16, 240);
    let (mut least, mut beaten) = ([f64::INFINITY; 6], [0; 6]);
    let (mut compared, mut unfinished) = (0, 0);
    let mut points = Vec::new();
    for seed in 1..=networks {
        let found = margins(&random_study(seed)?.run()?)?;
        for bound in 0..6 {
            least[bound] = least[bound].min(found.least[bound]);
            beaten[bound] += found.beaten[bound];
        }
        compared += found.compared;
        unfinished += found.unfinished;
        points.extend(found.points);
    }
    let mut finding = Finding::default();
    let sample = format!("{networks} random networks, 4 payloads each");
    for bound in 0..6 {
        let times = Expected::Exactly(0.0);
        finding.rows.push(Row::new(
            NAMES[bound],
            f64::from(beaten[bound] as u32),
            times,
            "times beaten",
            &sample,
        ));
        let closest = format!("{}: closest, measured over bound", NAMES[bound]);
        finding.rows.push(Row::new(closest, least[bound], Expected::AtLeast(1.0 - 1e-9), "", &sample));
    }
    finding.notes.push(format!(
        "{compared} comparisons over {networks} networks of 10 to 160 nodes, degrees 3 to 16, three classes of lines \
         from 3 Mbit/s to 1 Gbit/s, four latency tables with jitter, 300 B to 3 MB, flood and gossipsub in turn. \
         {unfinished} payloads had not reached everybody when their run ended; their nodes still count in the bounds by node."
    ));
    let most = points.iter().map(|p: &(f64, f64)| p.0).fold(1.0, f64::max);
    let fewest = points.iter().map(|p| p.0).fold(most, f64::min);
    let frame = Frame {
        title: "Time to reach everyone",
        subtitle: "Every payload: measured over the greatest of its lower bounds; the line is the bound",
        x: "greatest lower bound (ms)",
        y: "measured (ms)",
        log_y: true,
        log_x: true,
    };
    let series = [
        Series { name: "bound", points: vec![(fewest, fewest), (most, most)], is_line: true },
        Series { name: "measured", points, is_line: false },
    ];
    finding.plot = Some(plots::draw(&frame, &series));
    Ok(finding)
}

fn reached(_: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let (up_ns, down_ns, latency_ns) = (80_000_000_u64, 20_000_000_u64, 100_000_000_u64);
    let lines = |mut study: Study| {
        // 100 kB: 80 ms up at 10 Mbit/s, 20 ms down at 40 Mbit/s.
        study.hardware = vec![(machine(10_000_000, 40_000_000), 1)];
        study.payload_bytes = 100_000;
        study.payloads = 3;
        study
    };
    let exactly = |case: &str, record: &RunRecord, expected: u64| {
        let last = record.blocks.iter().filter_map(|b| b.arrival_quantiles_ns[3]).max().unwrap_or(0);
        Row::new(case, last as f64, Expected::Exactly(expected as f64), "ns", "3 payloads")
    };
    for leaves in [1_u32, 7, 40] {
        let edges = (1..=leaves).map(|leaf| (0, leaf)).collect();
        let mut study = lines(Study::new(leaves + 1, TopologyPlan::Given { name: "star".into(), edges }));
        study.stake = StakePlan::Given(std::iter::once(1).chain((0..leaves).map(|_| 0)).collect());
        let expected = u64::from(leaves) * up_ns + latency_ns + down_ns;
        finding.rows.push(exactly(&format!("star of {leaves} leaves"), &study.run()?, expected));
    }
    for hops in [2_u32, 9] {
        let edges = (0..hops).map(|n| (n, n + 1)).collect();
        let mut study = lines(Study::new(hops + 1, TopologyPlan::Given { name: "line".into(), edges }));
        study.stake = StakePlan::Given(std::iter::once(1).chain((0..hops).map(|_| 0)).collect());
        let expected = u64::from(hops) * (up_ns + latency_ns + down_ns);
        finding.rows.push(exactly(&format!("line of {hops} hops"), &study.run()?, expected));
    }
    // Triangle: up is nearly free, down is slow.
    let mut study = Study::new(3, TopologyPlan::FullMesh);
    study.hardware = vec![(machine(nets::ENDLESS_BPS, 8_000_000), 1)];
    study.payload_bytes = 1_000_000;
    study.payloads = 3;
    study.interval_ns = 20_000_000_000;
    let record = study.run()?;
    // A triangle: both receivers get the source's copy first, 8 us up (16 us for the second), 1 s down.
    finding.rows.push(exactly(
        "triangle, slow downlinks: first copies",
        &record,
        16_000 + latency_ns + 1_000_000_000,
    ));
    let copies: u64 = record.nodes.iter().map(|n| n.duplicates + n.first_arrivals).sum();
    finding.rows.push(Row::new("triangle: copies", copies as f64, Expected::Exactly(12.0), "", "3 payloads"));
    Ok(finding)
}
