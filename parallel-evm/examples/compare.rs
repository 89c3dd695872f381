//! Measures block files: plain revm, the serial engine, the parallel engine on several numbers of threads, in
//! turn, in one process; prints a Markdown table with the bounds that the block's own dependencies set, and one of
//! these dependencies.
//!
//! `cargo run --release -p parallel-evm --example compare -- [--repeat R] [--threads 1,2] [--reports] FILE...`
//!
//! Times are medians of R repetitions (default 15); every variant runs once per repetition, so that what else
//! happens on the machine hits all alike. Reading files and building pre-states is not measured. "At once" is what
//! the machine gives: how many serial executions two threads complete in the time that one needs for one.
//! `--least` takes the least instead of the median: better where other programs disturb, and too good.
//! `--forced` executes nothing serially by rule: what the parallel engine costs on one thread, and on small blocks.
//! `--details` prints what the threads did to standard error.

#[path = "../tests/support/plain.rs"]
mod plain;

use parallel_evm::{Dependencies, Executor, MemoryState, evm_block, is_small};
use plain::Pre;
use revm::{Context, ExecuteCommitEvm, MainBuilder, MainContext, context::CfgEnv, database::CacheDB};
use std::{
    hint::black_box,
    num::NonZeroUsize,
    sync::Barrier,
    time::{Duration, Instant},
};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut files, mut repeat, mut threads, mut reports) = (Vec::new(), 15, vec![1, 2], false);
    let (mut least, mut details, mut forced) = (false, false, false);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().expect("a value after the option");
        match argument.as_str() {
            "--repeat" => repeat = number().parse().expect("a number of repetitions"),
            "--threads" => {
                threads = number().split(',').map(|n| n.parse().expect("numbers of threads")).collect();
            }
            "--reports" => reports = true,
            "--least" => least = true,
            "--details" => details = true,
            "--forced" => forced = true,
            _ => files.push(argument),
        }
    }
    let kind = if least { "least" } else { "medians" };
    println!("{}; {repeat} repetitions, {kind}\n", machine());
    let heads: Vec<_> =
        threads.iter().map(|n| format!(" {n} thr. | over revm | bound | of it | aborts |")).collect();
    println!("| block | txs | Mgas | plain revm ms | serial ms | serial/plain | at once |{}", heads.concat());
    println!("|---|--:|--:|--:|--:|--:|--:|{}", "--:|--:|--:|--:|--:|".repeat(threads.len()));
    let speed = vec![Vec::new(); threads.len()];
    let mut sums = Sums { overhead: Vec::new(), at_once: Vec::new(), speed, dependencies: Vec::new() };
    let options = Options { repeat, threads: &threads, reports, least, details, forced };
    for file in &files {
        measure(file, &options, &mut sums);
    }
    summary(&threads, &sums);
}

type Pick = fn(&Speed) -> bool;

fn summary(threads: &[usize], sums: &Sums) {
    println!("\nserial / plain revm, geometric mean: {:.3}", mean(sums.overhead.iter().copied()));
    println!("serial executions at once on two threads: {:.3}", mean(sums.at_once.iter().copied()));
    for (n, speed) in threads.iter().zip(&sums.speed) {
        println!("{n} threads, geometric means and the worst:");
        let picks: [(&str, Pick); 3] = [
            ("all blocks", |_| true),
            ("above 2 Mgas", |speed| speed.large),
            ("of these executed in parallel", |speed| speed.large && speed.parallel),
        ];
        for (name, pick) in picks {
            let picked = || speed.iter().filter(|speed| pick(speed));
            println!(
                "  {name} ({}): {:.3} over serial, {:.3} over plain revm, bound {:.3}, of the bound {:.3}, worst {:.3}",
                picked().count(),
                mean(picked().map(|speed| speed.speed_up)),
                mean(picked().map(|speed| speed.over_plain)),
                mean(picked().map(|speed| speed.bound)),
                mean(picked().map(|speed| speed.speed_up / speed.bound)),
                picked().map(|speed| speed.speed_up).fold(f64::INFINITY, f64::min),
            );
        }
    }
    println!(
        "\nDependencies by whole accounts, then by fine conflicts: transactions with one (%), longest chain,"
    );
    println!("and what the critical path would allow on any number of cores, by time and by gas.\n");
    println!(
        "| block | % | chain | by time | by gas | % | chain | by time | by gas |\n|---|{}",
        "--:|".repeat(8)
    );
    sums.dependencies.iter().for_each(|row| println!("{row}"));
}

/// What this runs on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, NonZeroUsize::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown processor");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!("{cores} cores of {model}, load average {load} when it began")
}

struct Options<'o> {
    repeat: usize,
    threads: &'o [usize],
    reports: bool,
    least: bool,
    details: bool,
    forced: bool,
}

struct Sums {
    overhead: Vec<f64>,
    at_once: Vec<f64>,
    speed: Vec<Vec<Speed>>,
    /// Rows of the table of dependencies.
    dependencies: Vec<String>,
}

#[derive(Clone)]
struct Speed {
    speed_up: f64,
    over_plain: f64,
    bound: f64,
    parallel: bool,
    large: bool,
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = values.map(f64::ln).collect();
    (logs.iter().sum::<f64>() / logs.len() as f64).exp()
}

impl Options<'_> {
    /// Of many times the one that counts, milliseconds.
    fn middle(&self, mut times: Vec<Duration>) -> f64 {
        times.sort_unstable();
        times[if self.least { 0 } else { times.len() / 2 }].as_secs_f64() * 1e3
    }
}

fn measure(file: &str, options: &Options<'_>, sums: &mut Sums) {
    let Options { repeat, threads, reports, .. } = *options;
    let loaded = evm_block::read(file).unwrap_or_else(|error| panic!("{error}"));
    let (block, state) = (&loaded.block, &loaded.pre_state);
    if block.transactions.is_empty() {
        return;
    }
    let output = Executor::serial().execute(block, state).expect("a valid block");
    let conflicts = output.conflicts(block, state).expect("a state that answers");
    let serial = Executor::serial().with_reports(reports);
    let parallel: Vec<_> = threads
        .iter()
        .map(|n| Executor::parallel(NonZeroUsize::new(*n).expect("not zero")).with_reports(reports))
        .map(|executor| executor.with_small_blocks_serial(!options.forced))
        .collect();
    let mut durations: Vec<Vec<Duration>> = vec![Vec::new(); block.transactions.len()];
    let mut times = vec![Vec::new(); 3 + threads.len()];
    let mut aborts = vec![0; threads.len()];
    for round in 0..=repeat {
        let mut took = Vec::new();
        let started = Instant::now();
        black_box(plain_revm(block, state));
        took.push(started.elapsed());
        for (at, executor) in std::iter::once(&serial).chain(&parallel).enumerate() {
            let started = Instant::now();
            let output = black_box(executor.execute(block, state).expect("a valid block"));
            took.push(started.elapsed());
            if at > 0 && options.details && round == repeat {
                eprintln!("{}: {:?}", loaded.name, output.diagnostics);
            }
            if at > 0 {
                aborts[at - 1] += output.diagnostics.aborts;
            }
        }
        took.push(at_once(&serial, block, state));
        let timed = serial.with_timing(true).execute(block, state).expect("a valid block");
        // The first round warms up.
        if round > 0 {
            times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
            durations.iter_mut().zip(timed.diagnostics.durations).for_each(|(all, took)| all.push(took));
        }
    }
    let costs: Vec<u64> = durations.into_iter().map(|all| (options.middle(all) * 1e6) as u64).collect();
    let times: Vec<f64> = times.into_iter().map(|all| options.middle(all)).collect();
    let at_once = 2.0 * times[1] / times[2 + threads.len()];
    let mut row = format!(
        "| {} | {} | {:.2} | {:.3} | {:.3} | {:.3} | {at_once:.2} |",
        loaded.name,
        block.transactions.len(),
        output.gas_used as f64 / 1e6,
        times[0],
        times[1],
        times[1] / times[0]
    );
    sums.overhead.push(times[1] / times[0]);
    sums.at_once.push(at_once);
    for (at, n) in threads.iter().enumerate() {
        let total: u64 = costs.iter().sum();
        let bound = total as f64 / conflicts.fine.optimistic_replay(&costs, *n).max(1) as f64;
        let speed_up = times[1] / times[2 + at];
        let over_plain = times[0] / times[2 + at];
        let by_rule = !options.forced && (*n == 1 || is_small(block));
        let mark = if by_rule { "*" } else { "" };
        row += &format!(
            " {speed_up:.2}{mark} | {over_plain:.2} | {bound:.2} | {:.2} | {:.1} |",
            speed_up / bound,
            aborts[at] as f64 / (repeat + 1) as f64
        );
        let large = output.gas_used > 2_000_000;
        sums.speed[at].push(Speed { speed_up, over_plain, bound, parallel: !by_rule, large });
    }
    println!("{row}");
    let gas: Vec<u64> = output.receipts.iter().map(|receipt| receipt.gas_used).collect();
    let cells = |of: &Dependencies| {
        let share = |costs: &[u64]| costs.iter().sum::<u64>() as f64 / of.critical_path(costs).max(1) as f64;
        let dependent = 100 * of.dependent() / gas.len();
        format!(" {dependent} | {} | {:.2} | {:.2} |", of.longest_chain(), share(&costs), share(&gas))
    };
    let (coarse, fine) = (cells(&conflicts.coarse), cells(&conflicts.fine));
    sums.dependencies.push(format!("| {} |{coarse}{fine}", loaded.name));
}

/// The time in which two threads execute the block serially, each by itself.
fn at_once(serial: &Executor, block: &parallel_evm::Block, state: &MemoryState) -> Duration {
    let together = Barrier::new(2);
    let alone = || {
        together.wait();
        let started = Instant::now();
        black_box(serial.execute(block, state).expect("a valid block"));
        started.elapsed()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(alone);
        let own = alone();
        own.max(other.join().expect("no panic"))
    })
}

/// revm as it comes: its own handler, its own database over the same state, every transaction committed.
fn plain_revm(block: &parallel_evm::Block, state: &MemoryState) -> u64 {
    let mut cfg = CfgEnv::new_with_spec(block.spec);
    cfg.chain_id = block.chain_id;
    let mut evm = Context::mainnet()
        .with_db(CacheDB::new(Pre(state)))
        .with_cfg(cfg)
        .with_block(block.env.clone())
        .build_mainnet();
    let transactions = block.transactions.iter();
    transactions.map(|tx| evm.transact_commit(tx.clone()).expect("a valid block").tx_gas_used()).sum()
}
