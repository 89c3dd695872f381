//! The shapes that the shipped sweeps show, asserted on small versions of the same files: 80 nodes, four blocks, two
//! replications. What the full ones show, and what was predicted: `docs/studies/sweeps.md`.

use sim_core::sweep::grid::Grid;
use sim_core::sweep::{
    Merged, RunOptions, Shard, Store, Sweep, SweepChanges, SweepProgress, merge, metrics, run,
};
use std::num::NonZeroUsize;
use std::path::Path;

struct Swept {
    sweep: Sweep,
    merged: Merged,
}

impl Swept {
    fn new(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/sweeps").join(name);
        let set = ["nodes.count=80", "run.blocks=4", "run.warm_up=1"].map(str::to_owned).to_vec();
        let changes = SweepChanges { set, replications: Some(2) };
        let sweep = Sweep::load(&file, &changes).expect("a shipped sweep is sound");
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::create(&folder.path().join("out"), &sweep).expect("a folder");
        let jobs = NonZeroUsize::new(2).expect("two");
        let (shard, clock_s) = (Shard::ALL, &|| 0.0);
        let options = RunOptions { jobs, shard, retry_failed: false, reports: false, clock_s };
        run(&sweep, &store, &options, &SweepProgress::default()).expect("it runs");
        let merged = merge(&sweep, &[store]).expect("it merges");
        assert!(merged.is_complete() && merged.failed().is_empty());
        Self { sweep, merged }
    }

    /// Means of a metric, by row and column of the sweep's grid.
    fn grid(&self, metric: &str) -> Vec<Vec<f64>> {
        let metric = metrics::position(metric).expect("a metric");
        let fields = Grid::new(&self.sweep, &self.merged, metric).fields;
        let mean = |field: sim_core::sweep::grid::Field| field.mean().expect("every point has it");
        fields.into_iter().map(|row| row.into_iter().map(mean).collect()).collect()
    }
}

fn falls(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[1] < pair[0])
}

fn column(grid: &[Vec<f64>], at: usize) -> Vec<f64> {
    grid.iter().map(|row| row[at]).collect()
}

/// Rows: 1, 2, 4, 8, 16 cores; columns: 0.5x, 1x, 2x, 4x, 8x bandwidth.
#[test]
fn cores_are_worth_more_the_more_bandwidth_there_is() {
    let swept = Swept::new("cores-x-bandwidth.ron");
    let p95 = swept.grid("verified_p95_ms");
    // Points are paired and execute the same blocks: the order holds at every one of them.
    assert!(p95.iter().all(|row| falls(row)), "{p95:?}");
    assert!((0..5).all(|bandwidth| falls(&column(&p95, bandwidth))), "{p95:?}");
    let gain = |bandwidth: usize| 1.0 - p95[4][bandwidth] / p95[0][bandwidth];
    assert!(gain(4) > 2.0 * gain(0), "{} of p95 at 8x, {} at 0.5x", gain(4), gain(0));
    let execution = swept.grid("bound_by_execution_share");
    assert!(execution[0][4] > 0.5 && execution[4][0] < 0.1, "{execution:?}");
    let uplink = swept.grid("bound_by_uplink_share");
    assert!(uplink[4][0] > 0.5 && uplink[0][4] < 0.1, "{uplink:?}");
}

/// One row; columns: degrees 3, 4, 6, 8, 12, 16.
#[test]
fn a_larger_mesh_costs_bytes_and_stops_being_faster() {
    let swept = Swept::new("mesh-degree.ron");
    let bytes = &swept.grid("received_bps")[0];
    assert!(bytes.windows(2).all(|pair| pair[0] < pair[1]), "{bytes:?}");
    // Five times the neighbours bring far less than five times the bytes: copies of blocks are called off.
    assert!(bytes[5] > 2.0 * bytes[0] && bytes[5] < 4.0 * bytes[0], "{bytes:?}");
    let p95 = &swept.grid("arrived_p95_ms")[0];
    assert!(p95[3] < 0.9 * p95[0], "8 neighbours are faster than 3: {p95:?}");
    assert!((p95[5] / p95[3] - 1.0).abs() < 0.1, "16 are as fast as 8: {p95:?}");
}

/// Rows: speeds 0.25x to 4x; columns: latencies 0.1x to 2x.
#[test]
fn a_faster_machine_is_worth_more_the_nearer_the_others_are() {
    let swept = Swept::new("exec-speed-x-latency.ron");
    let p95 = swept.grid("verified_p95_ms");
    assert!((0..4).all(|latency| falls(&column(&p95, latency))), "{p95:?}");
    assert!(p95.iter().all(|row| row.windows(2).all(|pair| pair[0] < pair[1])), "{p95:?}");
    let gain = |latency: usize| 1.0 - p95[4][latency] / p95[2][latency];
    assert!(gain(0) > 2.0 * gain(3), "{} of p95 at 0.1x, {} at 2x", gain(0), gain(3));
    let execution = swept.grid("bound_by_execution_share");
    assert!(execution[0][0] > 0.9 && execution[4][3] < 0.1, "{execution:?}");
    let latency = swept.grid("bound_by_latency_share");
    assert!(latency[4][3] > 0.5 && latency[0][0] < 0.1, "{latency:?}");
}

/// Rows: 7.5, 15, 30, 60 Mgas; columns: every 1, 2, 4, 8 s.
#[test]
fn at_equal_throughput_small_blocks_often_are_verified_sooner_until_there_is_no_time_to_vote() {
    let swept = Swept::new("block-size-x-interval.ron");
    let (p95, gas) = (swept.grid("verified_p95_ms"), swept.grid("gas_per_second"));
    // The diagonal of 7.5 Mgas a second.
    let diagonal = |grid: &[Vec<f64>]| (0..4).map(|n| grid[n][n]).collect::<Vec<_>>();
    let throughput = diagonal(&gas);
    assert!(throughput.iter().all(|g| (g / throughput[0] - 1.0).abs() < 0.05), "{throughput:?}");
    assert!(falls(&diagonal(&p95).into_iter().rev().collect::<Vec<_>>()), "{p95:?}");
    assert!(p95[1][1] < 0.5 * p95[3][3], "15 Mgas every 2 s, 60 Mgas every 8 s: {p95:?}");
    let missed = swept.grid("missed_votes_share");
    assert!(missed[3][0] > 0.1 && missed[3][3] < 0.02 && missed[0][0] < 0.02, "{missed:?}");
}
