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

/// How it ended with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As its header says.
    Verified,
    /// There is no header to compare it with; the engines agree.
    Unheaded,
    /// Not as its header says, or one engine is not as the other.
    Differs,
    /// It cannot be executed.
    Failed,
}

/// What became of one file.
struct Row {
    /// `None` of a block that was not executed or holds nothing.
    speed_up: Option<f64>,
    end: End,
}

pub fn exec(task: &ExecTask, out: &mut dyn Write) -> Result<(), Failure> {
    let available = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = task.threads.unwrap_or(available);
    writeln!(
        out,
        "{:<26} {:>6} {:>12} {:>10} {:>10} {:>8} {:>7} {:>9} {:>9} {:>7}  header",
        "block", "txs", "gas", "serial ms", "ms", "speed-up", "aborts", "chain", "crit. ms", "bound"
    )?;
    let (mut rows, mut unread) = (Vec::new(), Vec::new());
    for file in &task.files {
        match evm_block::read(file) {
            Ok(loaded) => rows.push(block(&loaded, threads, out)?),
            Err(error) => {
                writeln!(out, "{:<26} cannot be read", file.display())?;
                unread.push(error.to_string());
            }
        }
    }
    let count = |end: End| rows.iter().filter(|row| row.end == end).count();
    let sound = rows.iter().filter(|row| matches!(row.end, End::Verified | End::Unheaded));
    let speed_ups: Vec<f64> = sound.filter_map(|row| row.speed_up).collect();
    let logs: f64 = speed_ups.iter().map(|speed_up| speed_up.ln()).sum();
    let mean = (!speed_ups.is_empty()).then(|| (logs / speed_ups.len() as f64).exp());
    let mean = mean.map_or_else(|| "none".to_owned(), |mean| format!("{mean:.2}"));
    let counts = [
        (count(End::Unheaded), "without a header"),
        (count(End::Differs), "differ"),
        (count(End::Failed), "cannot be executed"),
        (unread.len(), "unreadable"),
    ];
    let others: String = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!(", {count} {what}"))
        .collect();
    writeln!(
        out,
        "{} blocks, {} verified{others}, geometric-mean speed-up {mean} on {threads} threads",
        rows.len() + unread.len(),
        count(End::Verified),
    )?;
    match (count(End::Differs), count(End::Failed)) {
        (0, 0) if unread.is_empty() => Ok(()),
        (0, 0) => Err(Failure::BadInput(unread.join("\n"))),
        (differ, failed) => {
            let wrong = format!(
                "of {} blocks {differ} differ from their header or between engines, {failed} cannot be executed",
                rows.len()
            );
            unread.insert(0, wrong);
            Err(Failure::Failed(unread.join("\n")))
        }
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
            return Ok(Row { speed_up: None, end: End::Failed });
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
        wrong.as_deref().unwrap_or(if loaded.header.is_some() { "verified" } else { "none" }),
    )?;
    let end = match (&wrong, &loaded.header) {
        (Some(_), _) => End::Differs,
        (None, Some(_)) => End::Verified,
        (None, None) => End::Unheaded,
    };
    Ok(Row { speed_up: (!block.transactions.is_empty()).then_some(speed_up), end })
}

type Measured = (Duration, Duration, BlockOutput, BlockOutput);

fn median(measured: &[Measured], of: impl Fn(&Measured) -> Duration) -> Duration {
    let mut times: Vec<Duration> = measured.iter().map(of).collect();
    times.sort_unstable();
    times[times.len() / 2]
}
