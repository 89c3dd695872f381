//! `exec`: executes block files, serially and in parallel, compares with their headers, tells what was gained.
//! The bound is the zero-overhead optimistic replay with the measured time of every transaction.

use crate::failure::Failure;
use crate::task::ExecTask;
use parallel_evm::evm_block::{self, LoadedBlock};
use parallel_evm::{BlockOutput, ExecuteError, Executor};
use std::io::Write;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Repetitions of each measurement; the median counts.
const REPETITIONS: usize = 5;

/// What became of one file.
struct Row {
    speed_up: f64,
    wrong: Option<String>,
}

pub fn exec(task: &ExecTask, out: &mut dyn Write) -> Result<(), Failure> {
    let available = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = task.threads.unwrap_or(available);
    writeln!(
        out,
        "{:<26} {:>6} {:>12} {:>10} {:>10} {:>8} {:>7} {:>9} {:>9} {:>7}  header",
        "block", "txs", "gas", "serial ms", "ms", "speed-up", "aborts", "chain", "crit. ms", "bound"
    )?;
    let mut rows = Vec::new();
    for file in &task.files {
        let loaded = evm_block::read(file).map_err(|error| Failure::BadInput(error.to_string()))?;
        rows.push(block(&loaded, threads, out)?);
    }
    let wrong = rows.iter().filter(|row| row.wrong.is_some()).count();
    let logs: f64 = rows.iter().map(|row| row.speed_up.ln()).sum();
    let mean = if rows.is_empty() { 1.0 } else { (logs / rows.len() as f64).exp() };
    writeln!(
        out,
        "{} blocks, {} verified, geometric-mean speed-up {mean:.2} on {threads} threads",
        rows.len(),
        rows.len() - wrong
    )?;
    match wrong {
        0 => Ok(()),
        _ => Err(Failure::Failed(format!("{wrong} of {} blocks differ from their header", rows.len()))),
    }
}

fn block(loaded: &LoadedBlock, threads: NonZeroUsize, out: &mut dyn Write) -> Result<Row, Failure> {
    let (block, state) = (&loaded.block, &loaded.pre_state);
    let serial = Executor::serial().with_reports(false).with_timing(true);
    let parallel = Executor::parallel(threads).with_reports(false);
    let run = || -> Result<_, ExecuteError> {
        let reported = Executor::serial().execute(block, state)?;
        // In turn, so that what else the machine does hits both alike.
        let mut measured = Vec::new();
        for _ in 0..REPETITIONS {
            let started = Instant::now();
            let one = serial.execute(block, state)?;
            let (one_took, started) = (started.elapsed(), Instant::now());
            let many = parallel.execute(block, state)?;
            measured.push((one_took, started.elapsed(), one, many));
        }
        Ok((reported, measured))
    };
    let (reported, measured) = match run() {
        Ok(done) => done,
        Err(error) => {
            writeln!(out, "{:<26} cannot be executed: {error}", loaded.name)?;
            return Ok(Row { speed_up: 1.0, wrong: Some(error.to_string()) });
        }
    };
    let differs = |output: &BlockOutput| -> Option<String> {
        let same = output.receipts == reported.receipts && output.state == reported.state;
        (!same).then(|| "the engines differ".to_owned())
    };
    let wrong = match evm_block::verify(loaded, &reported) {
        Err(mismatch) => Some(mismatch.to_string()),
        Ok(()) => measured.iter().find_map(|(_, _, one, many)| differs(one).or_else(|| differs(many))),
    };
    let conflicts = reported
        .conflicts(block, state)
        .map_err(|error| Failure::Failed(format!("{}: {error}", loaded.name)))?;
    let (one_took, many_took) = (median(&measured, |m| m.0), median(&measured, |m| m.1));
    let costs: Vec<u64> = (0..block.transactions.len())
        .map(|index| median(&measured, |m| m.2.diagnostics.durations[index]).as_nanos() as u64)
        .collect();
    let total: u64 = costs.iter().sum();
    let critical = conflicts.fine.critical_path(&costs);
    let bound = total as f64 / conflicts.fine.optimistic_replay(&costs, threads.get()).max(1) as f64;
    let speed_up = one_took.as_secs_f64() / many_took.as_secs_f64().max(1e-9);
    let diagnostics = &measured[REPETITIONS - 1].3.diagnostics;
    let aborts = if diagnostics.parallel { diagnostics.aborts.to_string() } else { "serial".to_owned() };
    writeln!(
        out,
        "{:<26} {:>6} {:>12} {:>10.3} {:>10.3} {speed_up:>8.2} {aborts:>7} {:>9} {:>9.3} {bound:>7.2}  {}",
        loaded.name,
        block.transactions.len(),
        reported.gas_used,
        one_took.as_secs_f64() * 1e3,
        many_took.as_secs_f64() * 1e3,
        conflicts.fine.longest_chain(),
        critical as f64 / 1e6,
        wrong.as_deref().unwrap_or("verified"),
    )?;
    Ok(Row { speed_up, wrong })
}

type Measured = (Duration, Duration, BlockOutput, BlockOutput);

fn median(measured: &[Measured], of: impl Fn(&Measured) -> Duration) -> Duration {
    let mut times: Vec<Duration> = measured.iter().map(of).collect();
    times.sort_unstable();
    times[times.len() / 2]
}
