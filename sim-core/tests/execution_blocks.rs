//! State, builder, recorded blocks and cost profiles, on real executions.

use parallel_evm::WorkClass;
use parallel_evm::evm_block::{self, LoadedBlock};
use sim_core::execution::block_time::{BlockTimer, Machine};
use sim_core::execution::builder::{BlockExecutor, ExecutionCache};
use sim_core::execution::fit::{self, Row};
use sim_core::execution::profile;
use sim_core::execution::virtual_cores::{block_stm, bounds};
use sim_core::scenario::plan::{Algorithm, ExecutionPlan, Pipeline};
use std::path::PathBuf;
use std::sync::Arc;

fn recorded() -> Option<Vec<LoadedBlock>> {
    let Ok(folder) = std::env::var("LIGHTCONE_DATA") else {
        eprintln!("skipped: LIGHTCONE_DATA not set");
        return None;
    };
    let files = evm_block::list(PathBuf::from(folder).join("blocks")).unwrap();
    Some(files.iter().map(|file| evm_block::read(file).unwrap()).collect())
}

fn executor() -> BlockExecutor {
    BlockExecutor::new(parallel_evm::Executor::serial(), Arc::new(ExecutionCache::new(100)))
}

const MEASURED: &str = include_str!("../data/profiles/measured-serial-revm43.csv");

/// (block, measured median ns).
fn measured() -> Vec<(String, f64)> {
    let rows = MEASURED.lines().filter(|line| !line.starts_with('#') && !line.starts_with("block"));
    rows.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_owned(), fields[4].parse::<f64>().unwrap() * 1e6)
    })
    .collect()
}

const MICRO: &str = include_str!("../data/profiles/measured-micro-revm43.csv");
const PRIOR: &str = include_str!("../data/profiles/prior-revm43.csv");

fn lines(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.splitn(3, ',').collect())
}

/// (name, measured ps, units by class) of the loops.
fn micro() -> Vec<Row> {
    let row = |fields: Vec<&str>| {
        let mut units = vec![0.0; WorkClass::COUNT];
        for (class, count) in fields[2].split(' ').map(|unit| unit.split_once('=').unwrap()) {
            let class = WorkClass::ALL.into_iter().find(|known| known.name() == class).unwrap();
            units[class as usize] = count.parse().unwrap();
        }
        Row { units, time: fields[1].parse::<f64>().unwrap() * 1e3, weight: 1.0 }
    };
    lines(MICRO).map(row).collect()
}

/// The prices of `revm43-memory-2026`, ps, from the tables beside it and recorded blocks.
fn fitted(blocks: &[Row]) -> Vec<f64> {
    let prior: Vec<(&str, f64)> =
        lines(PRIOR).map(|fields| (fields[0], fields[1].parse().unwrap())).collect();
    let names: Vec<&str> = prior.iter().map(|(class, _)| *class).collect();
    assert_eq!(names, WorkClass::names());
    let prior: Vec<f64> = prior.into_iter().map(|(_, ps)| ps).collect();
    fit::fit(&[blocks, &micro()].concat(), &prior, 0.01)
}

/// Name, measured time and work of the recorded blocks.
fn measured_rows(blocks: &[LoadedBlock]) -> Vec<(String, Row)> {
    let row = |(name, ns): (String, f64)| {
        let block = blocks.iter().find(|block| block.name == name).unwrap();
        let (executed, verified) = executor().execute_recorded(block).unwrap();
        verified.unwrap();
        let mut units = vec![0.0; WorkClass::COUNT];
        for tx in &executed.trace.transactions {
            for (sum, count) in units.iter_mut().zip(tx.work.counts()) {
                *sum += f64::from(*count);
            }
        }
        (name, Row { units, time: ns * 1e3, weight: 1.0 })
    };
    measured().into_iter().map(row).collect()
}

fn predicted_over_measured(row: &Row, prices: &[f64]) -> f64 {
    row.units.iter().zip(prices).map(|(units, price)| units * price).sum::<f64>() / row.time
}

/// Absolute relative errors, sorted.
fn errors(ratios: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut errors: Vec<f64> = ratios.map(|ratio| (ratio - 1.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

#[test]
#[ignore = "prints the prices fitted to the measurements, and how well they predict a block left out"]
fn fit_the_memory_profile() {
    let Some(blocks) = recorded() else { return };
    let named = measured_rows(&blocks);
    let rows: Vec<Row> = named.iter().map(|(_, row)| row.clone()).collect();
    let prices = fitted(&rows);
    for (class, price) in WorkClass::ALL.iter().zip(&prices) {
        println!("{}: {price:.0}", class.name());
    }
    let left_out = errors((0..rows.len()).map(|left_out| {
        let mut others = rows.clone();
        let row = others.remove(left_out);
        predicted_over_measured(&row, &fitted(&others))
    }));
    println!(
        "block left out: median error {:.3}, greatest {:.3?}",
        left_out[rows.len() / 2],
        left_out.last()
    );
    for (name, row) in &named {
        let ratio = predicted_over_measured(row, &prices);
        println!("{name} measured {:.3} ms, predicted / measured {ratio:.3}", row.time / 1e9);
    }
}

/// A linear model of 24 classes, on times that range from 4 us to 8 ms.
#[test]
fn the_memory_profile_predicts_recorded_blocks() {
    let Some(blocks) = recorded() else { return };
    let profile = profile::named("revm43-memory-2026").unwrap();
    let prices: Vec<f64> = WorkClass::ALL.iter().map(|class| profile.unit_ps[class.name()] as f64).collect();
    let rows = measured_rows(&blocks);
    let all = errors(rows.iter().map(|(_, row)| predicted_over_measured(row, &prices)));
    assert!(all[all.len() / 2] < 0.15, "median error {}", all[all.len() / 2]);
    for (name, row) in rows.iter().filter(|(_, row)| row.time >= 1e9) {
        let ratio = predicted_over_measured(row, &prices);
        assert!((0.75..1.35).contains(&ratio), "block {name} of a millisecond or more: {ratio}");
    }
    let total: f64 = rows.iter().map(|(_, row)| row.time).sum();
    let predicted: f64 = rows.iter().map(|(_, row)| row.time * predicted_over_measured(row, &prices)).sum();
    assert!((predicted / total - 1.0).abs() < 0.08, "all blocks together: {}", predicted / total);
}

#[test]
#[ignore = "prints what Block-STM costs on one core and gains on more, over recorded blocks"]
fn print_replays() {
    let Some(blocks) = recorded() else { return };
    for name in profile::names() {
        let plan = plan(name, Algorithm::BlockStm);
        let timer = BlockTimer::new(&plan).unwrap();
        let mut logs = [0.0; 6];
        let mut count = 0.0;
        for block in blocks.iter().filter(|block| block.block.transactions.len() > 1) {
            let (executed, _) = executor().execute_recorded(block).unwrap();
            let work = executed.trace.work(timer.rates());
            let mut line = format!("{name} {} {:.3} ms", block.name, work.total_ps() as f64 / 1e9);
            for (log, cores) in logs.iter_mut().zip([1, 2, 4, 8, 16, 32]) {
                let schedule = block_stm::replay(&work, cores, &timer.rates().costs);
                let gain = work.total_ps() as f64 / schedule.total_ps as f64;
                *log += libm::log(gain);
                line += &format!(", {cores}: {gain:.2} ({})", schedule.re_executions);
            }
            count += 1.0;
            let total = timer.duration_ns(&executed.trace, Machine { cores: 8, speed_ppm: 1_000_000 });
            println!(
                "{line}; path {:.2}; keys {}; all stages on 8 cores {:.1} ms",
                work.total_ps() as f64 / bounds::pipelined_critical_path_ps(&work) as f64,
                executed.trace.touched_keys,
                total as f64 / 1e6
            );
        }
        println!("{name} geometric means {:.2?}", logs.map(|log| libm::exp(log / count)));
    }
}

fn plan(profile: &str, algorithm: Algorithm) -> ExecutionPlan {
    ExecutionPlan {
        algorithm,
        cores: None,
        speed_ppm: 1_000_000,
        pipeline: Pipeline::BeforeVoting,
        profile: profile::named(profile).unwrap(),
    }
}
