//! `sweep run`: what is missing, on all cores.

use super::{LISTED, load, of_store, other_engines, plan};
use crate::failure::Failure;
use crate::task::SweepRunTask;
use indicatif::{ProgressBar, ProgressStyle};
use sim_core::sweep::run::{RunOptions, SweepError, SweepProgress, run as run_sweep};
use sim_core::sweep::store::Store;
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

const REDRAW: Duration = Duration::from_millis(50);

pub fn run(task: &SweepRunTask, out: &mut dyn Write) -> Result<(), Failure> {
    let sweep = load(&task.target, out)?;
    plan::affordable(&sweep)?;
    let store = Store::create(&task.target.out, &sweep).map_err(of_store)?;
    other_engines(&store, out)?;
    let jobs = task.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let started = Instant::now();
    let clock = || started.elapsed().as_secs_f64();
    let (shard, retry_failed, reports) = (task.shard, task.retry_failed, task.reports);
    let options = RunOptions { jobs, shard, retry_failed, reports, clock_s: &clock };
    let progress = SweepProgress::default();
    let result = thread::scope(|scope| {
        let worker = scope.spawn(|| run_sweep(&sweep, &store, &options, &progress));
        let bar = bar(task.quiet);
        while !worker.is_finished() {
            redraw(&bar, &progress, clock());
            thread::sleep(REDRAW);
        }
        bar.finish_and_clear();
        worker.join().expect("a sweep catches the panics of its runs")
    });
    let summary = result.map_err(|error| match error {
        SweepError::Scenario(error) => error.into(),
        SweepError::Store(error) => of_store(error),
    })?;
    let points = (0..sweep.points.len()).filter(|p| shard.holds(*p)).count();
    writeln!(
        out,
        "{points} points: {} runs made, {} found, {} failed; {} blocks executed, {} executions saved; {}",
        summary.made,
        summary.skipped,
        summary.failed.len(),
        summary.executed,
        summary.executions_saved,
        plan::duration(clock())
    )?;
    if summary.damaged > 0 {
        let files = if summary.damaged == 1 { "file was" } else { "files were" };
        writeln!(out, "{} damaged run {files} made again", summary.damaged)?;
    }
    for (point, replication, error) in summary.failed.iter().take(LISTED) {
        let values = sweep.points[*point].describe(&sweep.axes);
        writeln!(out, "failed: point {point} ({values}), replication {replication}: {error}")?;
    }
    if summary.left > 0 {
        writeln!(out, "the time budget is spent with {} runs left: run again to go on", summary.left)?;
    }
    match summary.failed.len() {
        0 => Ok(()),
        failed => Err(Failure::SomeRunsFailed(format!(
            "{failed} of {} runs failed and are recorded with their errors; the others are done. `--retry-failed` \
             runs them again",
            summary.made + summary.skipped
        ))),
    }
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:28} {pos}/{len} {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn redraw(bar: &ProgressBar, progress: &SweepProgress, seconds: f64) {
    let get = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
    let (wanted, skipped, made) = (get(&progress.wanted), get(&progress.skipped), get(&progress.made));
    bar.set_length(wanted as u64);
    bar.set_position((skipped + made) as u64);
    let left = wanted.saturating_sub(skipped + made) as f64;
    let time = if made == 0 {
        "estimating the time left".to_owned()
    } else {
        format!("about {} left", plan::duration(seconds / made as f64 * left))
    };
    bar.set_message(format!("{skipped} found, {} failed, {time}", get(&progress.failed)));
}
