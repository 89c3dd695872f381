//! What a sweep costs beyond its runs, and what a second worker is worth. Prints figures; asserts nothing.
//!
//! `cargo bench --profile dist -p sim-core --bench sweep`; needs an idle machine with two cores.

#![allow(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use sim_core::simulation::{Resources, Simulation};
use sim_core::sweep::{RunOptions, Shard, Store, Sweep, SweepChanges, SweepProgress, merge, run, tables};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

const TINY: &str = "(version: 1, base: \"broadcast\", seed: 1, run: (blocks: 1, warm_up: 0), nodes: (count: 8), network: \
                    (topology: RandomRegular(degree: 4)), consensus: Broadcast(payload: \"1 KiB\"))";
/// 100 points, 100 times each.
const TINY_SWEEP: &str = "(version: 1, scenario: \"base.ron\", axes: [(path: \"network.bandwidth\", from: \"0.5x\", to: \"4x\", \
                          steps: 10), (path: \"network.latency\", from: \"0.5x\", to: \"2x\", steps: 10)], \
                          replications: Fixed(100))";
const LARGER: &str = "(version: 1, base: \"ethereum-2026\", seed: 1, run: (blocks: 4, warm_up: 1), nodes: (count: 150), \
                      workload: Users(rate: \"100 tx/s\"))";
/// 40 runs with blocks of their own.
const LARGER_SWEEP: &str = "(version: 1, scenario: \"base.ron\", axes: [(path: \"network.bandwidth\", from: \"1x\", to: \
                            \"4x\", steps: 10)], replications: Fixed(4))";

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    overhead();
    workers();
}

fn load(folder: &Path, scenario: &str, sweep: &str) -> Sweep {
    fs::write(folder.join("base.ron"), scenario).expect("a folder for files");
    fs::write(folder.join("sweep.ron"), sweep).expect("a folder for files");
    Sweep::load(&folder.join("sweep.ron"), &SweepChanges::default()).expect("the sweep is fine")
}

/// Wall time of a call, s.
fn call(sweep: &Sweep, store: &Store, jobs: usize, shard: Shard) -> f64 {
    let started = Instant::now();
    let clock = || started.elapsed().as_secs_f64();
    let jobs = NonZeroUsize::new(jobs).expect("a worker");
    let options = RunOptions { jobs, shard, retry_failed: false, reports: false, clock_s: &clock };
    run(sweep, store, &options, &SweepProgress::default()).expect("the sweep runs");
    clock()
}

/// Memory held now, MiB.
fn resident() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0) * 4096.0
        / (1 << 20) as f64
}

fn overhead() {
    let folder = tempfile::tempdir().expect("a folder for files");
    let sweep = load(folder.path(), TINY, TINY_SWEEP);
    let runs = sweep.points.len() * 100;
    let resources = Resources::default();
    let mut alone_s = 0.0;
    for point in 0..sweep.points.len() {
        for replication in 0..100 {
            let plan = sweep.plan(point, replication).expect("a plan");
            let started = Instant::now();
            let mut simulation = Simulation::with_resources(plan, &resources).expect("a simulation");
            simulation.run().expect("it runs");
            std::hint::black_box(simulation.finish());
            alone_s += started.elapsed().as_secs_f64();
        }
    }
    let store = Store::create(&folder.path().join("out"), &sweep).expect("a folder");
    let first_s = call(&sweep, &store, 1, Shard { index: 1, of: 10 });
    let early = resident();
    let rest_s = call(&sweep, &store, 1, Shard::ALL);
    let late = resident();
    let each = (first_s + rest_s - alone_s) / runs as f64 * 1e3;
    println!("{runs} tiny runs: {alone_s:.1} s alone, {:.1} s as a sweep with one worker", first_s + rest_s);
    println!("  {each:.2} ms a run beyond the run itself ({:.2} ms)", alone_s / runs as f64 * 1e3);
    println!("  memory {early:.0} MiB after {} runs, {late:.0} MiB after {runs}", runs / 10);
    let started = Instant::now();
    call(&sweep, &store, 1, Shard::ALL);
    println!("  {:.2} s to find them all again", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let merged = merge(&sweep, std::slice::from_ref(&store)).expect("they merge");
    tables::write(&sweep, &merged, &store.dir).expect("tables");
    println!(
        "  {:.2} s to merge them into tables, then {:.0} MiB",
        started.elapsed().as_secs_f64(),
        resident()
    );
}

fn workers() {
    let mut best = [f64::MAX; 2];
    // Alternating, so that neither profits from a quieter moment; the best of three each.
    for _ in 0..3 {
        for jobs in [1, 2] {
            let folder = tempfile::tempdir().expect("a folder for files");
            let sweep = load(folder.path(), LARGER, LARGER_SWEEP);
            let store = Store::create(&folder.path().join("out"), &sweep).expect("a folder");
            best[jobs - 1] = best[jobs - 1].min(call(&sweep, &store, jobs, Shard::ALL));
        }
    }
    println!("40 runs of 150 nodes: {:.2} s with one worker, {:.2} s with two", best[0], best[1]);
    println!("  two take {:.1} % of half the time of one", best[1] / (best[0] / 2.0) * 100.0);
}
