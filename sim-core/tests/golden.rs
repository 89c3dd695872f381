//! Golden digests: reduced variants of every shipped scenario, all arms.
//!
//! A digest changes when the behaviour of the simulator does. If that was meant, say so in the changelog and
//! write the new ones with `LIGHTCONE_BLESS=1 cargo test --profile checked -p sim-core --test golden`.

use sim_core::scenario::{Changes, Scenario};
use sim_core::simulation::experiment::{Monitor, run_paired};
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// What every scenario is reduced to.
const SMALL: [&str; 3] = ["nodes.count=60", "run.blocks=3", "run.warm_up=1"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_path_buf()
}

/// Scenario name, further reductions, whether recorded blocks are needed.
const SCENARIOS: [(&str, &[&str], bool); 18] = [
    ("bandwidth-wall", &["chain.gas_limit=\"20 Mgas\""], false),
    ("based-rollup", &["run.blocks=8", "interventions=[]"], false),
    (
        "bridges",
        &[
            "nodes.count=40",
            "run.blocks=12",
            "rollups.0.demand.accounts=60",
            "rollups.0.batch.max_delay=\"15 s\"",
            "rollups.0.proof=On(latency: \"5 s\", window: \"10 s\")",
        ],
        false,
    ),
    ("concentrated-liquidity", &["rollups.0.demand.accounts=60"], false),
    (
        "local-fee-markets",
        &[
            "run.blocks=10",
            "workload.accounts=300",
            "workload.instances=4",
            "workload.burst.accounts=200",
            "workload.burst.from=\"6 s\"",
            "workload.burst.until=\"16 s\"",
        ],
        false,
    ),
    ("mainnet-blocks", &[], true),
    (
        "million-rollups",
        &[
            "run.blocks=6",
            "nodes.count=40",
            "rollups.0.demand.rate=\"40 tx/s\"",
            "rollups.0.batch.max_delay=\"20 s\"",
        ],
        false,
    ),
    (
        "one-parallel-chain-vs-n-rollups",
        &["rollups.0.demand.accounts=60", "rollups.0.market.volatility=0.3"],
        false,
    ),
    (
        "parallel-chain-at-its-limit",
        &["run.blocks=1", "nodes.count=40", "rollups.0.demand.accounts=2000"],
        false,
    ),
    ("quickstart", &["chain.gas_limit=\"20 Mgas\"", "workload.rate=\"200 tx/s\""], false),
    ("region-outage", &["run.blocks=14", "run.warm_up=2", "workload.rate=\"100 tx/s\""], false),
    (
        "rollup-finality",
        &[
            "run.blocks=8",
            "nodes.count=20",
            "rollups.3.batch.max_delay=\"20 s\"",
            "rollups.4.batch.max_delay=\"20 s\"",
            "interventions=[]",
        ],
        false,
    ),
    ("searcher-spam", &["rollups.0.demand.accounts=60"], false),
    ("serial-vs-parallel", &["chain.gas_limit=\"20 Mgas\""], false),
    ("shared-sequencing", &["run.blocks=4", "nodes.count=40", "rollups.0.demand.accounts=60"], false),
    ("smart-routing", &["run.blocks=6", "nodes.count=40", "rollups.0.demand.accounts=60"], false),
    ("split-liquidity", &["rollups.0.demand.accounts=60"], false),
    ("where-small-trades-go", &["run.blocks=8", "rollups.0.demand.accounts=60"], false),
];

/// One line per arm: scenario, arm, digest.
fn digests(name: &str, further: &[&str]) -> String {
    let path = root().join("scenarios").join(format!("{name}.ron"));
    let set = SMALL.iter().chain(further).map(ToString::to_string).collect();
    let scenario =
        Scenario::load_with(&path, &Changes { set, ..Changes::default() }).expect("a sound scenario");
    let monitor = Monitor::new(1 + scenario.arms.len());
    let threads = NonZeroUsize::new(2).expect("not zero");
    let records = run_paired(&scenario.base, &scenario.arms, threads, &monitor).expect("it runs");
    let mut lines = String::new();
    for record in &records {
        writeln!(lines, "{name} | {} | {}", record.plan.name, record.digest).expect("memory");
        if name == "mainnet-blocks" {
            assert!(record.blocks.iter().all(|b| b.verified_header == Some(true)), "a header does not match");
        }
    }
    lines
}

#[test]
fn every_shipped_scenario_has_its_golden_digest() {
    let file = root().join("sim-core/tests/golden.txt");
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    let shipped = std::fs::read_dir(root().join("scenarios")).expect("scenarios");
    let shipped =
        shipped.filter(|e| e.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|x| x == "ron")));
    assert_eq!(shipped.count(), SCENARIOS.len(), "a scenario is missing here");
    let mut now = String::new();
    for (name, further, needs_data) in SCENARIOS {
        let data = std::env::var_os("LIGHTCONE_DATA").map(PathBuf::from);
        if needs_data && !data.is_some_and(|data| data.join("blocks").is_dir()) {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("skipped: {name}: LIGHTCONE_DATA not set, or without blocks\n").as_bytes(),
            );
            let kept = golden.lines().filter(|l| l.starts_with(name));
            kept.for_each(|line| writeln!(now, "{line}").expect("memory"));
            continue;
        }
        now += &digests(name, further);
    }
    if std::env::var_os("LIGHTCONE_BLESS").is_some() {
        std::fs::write(&file, &now).expect("the golden file can be written");
    }
    assert_eq!(now, std::fs::read_to_string(&file).expect("golden.txt"), "behaviour has changed");
}
