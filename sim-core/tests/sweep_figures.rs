//! What a sweep's figures compare: like with like, whatever was left out. Runs are made up, so that what is true is
//! known.

use sim_core::sweep::figures::{self, Figure};
use sim_core::sweep::grid::Grid;
use sim_core::sweep::merge::PointRuns;
use sim_core::sweep::stats::Intervals;
use sim_core::sweep::store::{ENGINE, Outcome, RunFile};
use sim_core::sweep::{Merged, Sweep, SweepChanges, effects, metrics};
use std::fs;

const SCENARIO: &str = "(version: 1, base: \"broadcast\", seed: 1, run: (blocks: 1, warm_up: 0), nodes: (count: 30), \
                        network: (topology: RandomRegular(degree: 4)))";
const METRIC: &str = "arrived_p95_ms";

fn load(rest: &str) -> Sweep {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("base.ron"), SCENARIO).expect("written");
    let path = folder.path().join("sweep.ron");
    fs::write(&path, format!("(version: 1, scenario: \"base.ron\", metrics: [\"{METRIC}\"], {rest})"))
        .expect("written");
    Sweep::load(&path, &SweepChanges::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// Three axes of two values each.
fn cube(rest: &str) -> Sweep {
    load(&format!(
        "axes: [(path: \"nodes.count\", values: [20, 30]), (path: \"network.bandwidth\", values: [\"1x\", \"2x\"]), \
         (path: \"network.latency\", from: \"1x\", to: \"2x\", steps: 2)], {rest}"
    ))
}

/// Runs with the values that `value` gives for (labels of the point, replication); `None` for one that failed.
fn made_up(sweep: &Sweep, value: impl Fn(&[&str], u32) -> Option<Option<f64>>) -> Merged {
    let metric = metrics::position(METRIC).expect("a metric");
    let mut merged = Merged::default();
    for (point, at) in sweep.points.iter().enumerate() {
        let labels: Vec<&str> =
            at.values.iter().map(|v| v.as_ref().map_or("-", |v| v.label.as_str())).collect();
        let run = |number: Option<f64>| {
            let mut numbers = vec![None; metrics::count()];
            numbers[metric] = number;
            let done = Outcome::Done { digest: String::new(), metrics: numbers, warnings: Vec::new() };
            let failed = || Outcome::Failed { error: "made to fail".to_owned() };
            RunFile {
                key: String::new(),
                engine: ENGINE.to_owned(),
                seed: 0,
                pinned: false,
                outcome: number.map_or_else(failed, |_| done),
                wall_seconds: 0.0,
            }
        };
        let runs = (0..).map_while(|replication| value(&labels, replication)).map(run).collect();
        merged.points.push(PointRuns { point, runs });
    }
    merged
}

fn means(sweep: &Sweep, merged: &Merged) -> Vec<Option<f64>> {
    let grid = Grid::new(sweep, merged, metrics::position(METRIC).expect("a metric"));
    grid.fields.iter().flatten().map(|field| field.mean()).collect()
}

fn figure(sweep: &Sweep, merged: &Merged, name: &str) -> Figure {
    let mut all = figures::all(sweep, merged);
    let names: Vec<String> = all.iter().map(|f| f.name.clone()).collect();
    let at =
        names.iter().position(|n| n.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {names:?}"));
    all.swap_remove(at)
}

/// A column of a figure's table.
fn column(figure: &Figure, name: &str) -> Vec<String> {
    let csv = figure.table.csv();
    let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let at = head.iter().position(|h| h.contains(name)).unwrap_or_else(|| panic!("no {name} in {head:?}"));
    lines.map(|line| line[at].clone()).collect()
}

#[test]
fn what_a_constraint_left_out_of_a_field_does_not_look_like_an_effect() {
    // Latency does much, bandwidth little, nodes nothing; (20 nodes, 1x) was not run with 2x the latency.
    let sweep = cube(
        "constraints: [Exclude({ \"nodes.count\": 20, \"network.bandwidth\": \"1x\", \"network.latency\": \"2x\" })]",
    );
    let of = |at: &[&str]| if at[2] == "1x" { 10.0 } else { 1_000.0 };
    let merged = made_up(&sweep, |at, r| (r < 2).then_some(Some(of(at) + f64::from(at[1] == "2x"))));
    assert_eq!(means(&sweep, &merged), [10.0, 11.0, 10.0, 11.0].map(Some));
    let heat = figure(&sweep, &merged, "heat-");
    assert!(heat.svg.contains("1 of 2 combinations of the other axes"), "the caption says what was compared");
    let lines = column(&figure(&sweep, &merged, "lines-"), "arrived");
    // Along the latency, one line a number of nodes: where bandwidths differ they are those that all have.
    assert_eq!(lines, ["11", "1001", "11", "1001"]);
}

#[test]
fn a_field_with_more_replications_at_one_of_its_points_weighs_its_points_alike() {
    let sweep =
        cube("replications: UntilWidth(metric: \"arrived_p95_ms\", relative: \"5 %\", min: 2, max: 6)");
    // A stop rule wanted six replications of one point and two of the others.
    let merged = made_up(&sweep, |at, r| {
        let most = if *at == ["20", "1x", "2x"] { 6 } else { 2 };
        (r < most).then_some(Some(if at[2] == "1x" { 10.0 } else { 30.0 }))
    });
    assert_eq!(means(&sweep, &merged), [Some(20.0); 4]);
    // A replication that failed somewhere counts nowhere.
    let merged = made_up(&sweep, |at, r| {
        let value = f64::from(r) * 100.0 + if at[2] == "1x" { 10.0 } else { 30.0 };
        (r < 2).then_some(Some(value).filter(|_| r == 0 || *at != ["30", "2x", "1x"]))
    });
    assert_eq!(means(&sweep, &merged), [Some(20.0); 4]);
}

#[test]
fn where_no_combination_is_everywhere_the_figure_is_a_slice_and_says_so() {
    let sweep = cube(
        "constraints: [
            Exclude({ \"nodes.count\": 20, \"network.bandwidth\": \"1x\", \"network.latency\": \"2x\" }),
            Exclude({ \"nodes.count\": 30, \"network.bandwidth\": \"2x\", \"network.latency\": \"1x\" })]",
    );
    let merged = made_up(&sweep, |at, r| (r < 1).then_some(Some(if at[2] == "1x" { 10.0 } else { 1_000.0 })));
    assert_eq!(means(&sweep, &merged), [Some(10.0), Some(10.0), Some(10.0), None]);
    let heat = figure(&sweep, &merged, "heat-");
    assert!(heat.svg.contains("at network.latency 1x only"), "{}", &heat.svg[..900]);
}

#[test]
fn a_point_alone_in_its_field_has_all_its_replications() {
    let sweep = load(
        "axes: [(path: \"nodes.count\", values: [20, 30]), (path: \"network.bandwidth\", values: [\"1x\", \"2x\"])]",
    );
    let merged =
        made_up(&sweep, |at, r| (r < if at[0] == "20" { 2 } else { 4 }).then_some(Some(f64::from(r))));
    assert_eq!(means(&sweep, &merged), [Some(0.5), Some(0.5), Some(1.5), Some(1.5)]);
}

#[test]
fn main_effects_of_a_drawn_design_stand_in_the_order_of_their_values() {
    let sweep = load(
        "seed: 3, design: Random(points: 12), axes: [(path: \"nodes.count\", from: 20, to: 40), \
         (path: \"network.bandwidth\", from: \"1x\", to: \"4x\")]",
    );
    let merged = made_up(&sweep, |_, r| (r < 1).then_some(Some(1.0)));
    let metric = metrics::position(METRIC).expect("a metric");
    let found = effects::main_effects(&sweep, &merged, metric, &mut Intervals::new(0.95));
    let of_axis = |axis: usize| -> Vec<f64> {
        let levels = found.iter().filter(|e| e.axis == axis);
        levels.map(|e| e.level.trim_end_matches('x').parse().expect("a number")).collect()
    };
    for axis in [0, 1] {
        let levels = of_axis(axis);
        assert!(levels.len() > 4 && levels.is_sorted(), "{levels:?}");
    }
}

#[test]
fn many_drawn_values_are_put_into_ranges_and_mapped() {
    let sweep = load(
        "seed: 3, design: LatinHypercube(points: 60), axes: [(path: \"nodes.count\", from: 20, to: 4000), \
         (path: \"network.bandwidth\", from: \"1x\", to: \"4x\")]",
    );
    let merged = made_up(&sweep, |_, r| (r < 1).then_some(Some(7.0)));
    let grid = Grid::new(&sweep, &merged, metrics::position(METRIC).expect("a metric"));
    assert_eq!((grid.rows.len(), grid.columns.len()), (4, 4));
    assert_eq!(grid.fields.iter().flatten().map(|f| f.points.len()).sum::<usize>(), 60);
    assert!(grid.rows.iter().all(|row| row.contains(" to ")), "{:?}", grid.rows);
}

#[test]
fn differences_are_drawn_in_pairs_where_points_share_random_numbers() {
    let axes = "axes: [(path: \"nodes.count\", values: [20, 30, 40])]";
    // Replications scatter widely, and the same at every point; 40 nodes cost 5 more each time.
    let value = |at: &[&str], r: u32| {
        let extra = if at[0] == "40" { 5.0 } else { 0.0 };
        let noise =
            f64::from(r) * 100.0 + if at[0] == "20" { 0.0 } else { [1.0, -1.0, 1.0, -1.0][r as usize % 4] };
        (r < 4).then_some(Some(noise + extra))
    };
    let clear = |rest: &str| -> Vec<bool> {
        let sweep = load(&format!("{axes}, {rest}"));
        let figure = figure(&sweep, &made_up(&sweep, value), "differences-");
        assert_eq!(column(&figure, "point"), ["1", "2"]);
        assert!(figure.svg.contains("Point 0: nodes.count 20"));
        let number = |text: String| text.parse::<f64>().expect("a number");
        let low = column(&figure, "low").into_iter().map(number);
        let high = column(&figure, "high").into_iter().map(number);
        low.zip(high).map(|(low, high)| low > 0.0 || high < 0.0).collect()
    };
    assert_eq!(clear("random_numbers: Common"), [false, true]);
    assert_eq!(clear("random_numbers: Independent"), [false, false], "the same numbers, not paired");
}

#[test]
fn sobol_indices_are_a_figure_with_its_numbers() {
    let sweep = load(
        "design: SobolIndices(base: 64), axes: [(path: \"nodes.count\", from: 20, to: 4000), \
         (path: \"network.bandwidth\", from: \"1x\", to: \"4x\")]",
    );
    // Only the nodes do something.
    let merged = made_up(&sweep, |at, r| (r < 1).then(|| at[0].parse::<f64>().ok()));
    let figure = figure(&sweep, &merged, "indices-");
    assert!(figure.svg.contains("<circle") && figure.svg.contains("95 % bootstrap intervals"));
    let total: Vec<f64> =
        column(&figure, "total").into_iter().map(|text| text.parse().expect("a number")).collect();
    assert!(total[0] > 0.9 && total[1].abs() < 0.01, "{total:?}");
}
