//! `run`: a scenario in, an answer and a result folder out.

use super::check::affordable;
use crate::failure::Failure;
use crate::task::RunTask;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sim_core::observe::{ReportMeta, WriteOptions, analyse, check_destination, rollups, write_results};
use sim_core::scenario::Scenario;
use sim_core::scenario::plan::{Plan, WorkloadPlan};
use sim_core::simulation::experiment::{ExperimentError, Monitor, run_paired};
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// How often the progress lines are redrawn.
const REDRAW: Duration = Duration::from_millis(100);
/// Steps of a progress bar.
const STEPS: u64 = 1_000;

pub fn run(task: &RunTask, out: &mut dyn Write) -> Result<(), Failure> {
    let scenario = Scenario::load_with(&task.file, &task.changes)?;
    affordable(&scenario)?;
    for warning in &scenario.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    let options = WriteOptions { overwrite: task.overwrite, ..WriteOptions::default() };
    let destination = task.out.clone().unwrap_or_else(|| default_destination(&task.file));
    let options = if task.out.is_none() { WriteOptions { overwrite: true, ..options } } else { options };
    // Before the work, not after it.
    check_destination(&destination, &options).map_err(|e| Failure::BadInput(e.to_string()))?;

    let threads = task.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let monitor = Monitor::new(1 + scenario.arms.len());
    let started = Instant::now();
    let watched = Watched { scenario: &scenario, monitor: &monitor, quiet: task.quiet, started };
    let (result, wall_seconds) = watched.run(threads);
    let records = result.map_err(failure)?;
    let analysis = analyse(&records);
    let mut host = vec![("os".to_owned(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))];
    let cores = thread::available_parallelism().map_or(0, NonZeroUsize::get);
    host.push(("cores".to_owned(), cores.to_string()));
    host.push(("threads".to_owned(), threads.to_string()));
    let meta = ReportMeta {
        scenario_name: stem(&task.file),
        question: scenario.comment.join("\n"),
        command_line: task.command_line.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host,
        wall_seconds,
        warnings: scenario.warnings.iter().map(ToString::to_string).collect(),
    };
    write_results(&destination, &records, &analysis, &meta, &options)
        .map_err(|e| Failure::Failed(e.to_string()))?;
    for record in &records {
        for warning in &record.warnings {
            writeln!(out, "warning: {}: {warning}", record.plan.name)?;
        }
    }
    let events: u64 = records.iter().map(|r| r.events).sum();
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "{} runs, {events} events, {seconds:.1} s", records.len())?;
    if records.iter().any(|r| r.blocks.iter().any(|b| b.recorded.is_some())) {
        writeln!(out, "{}", recorded_line(&records[0]))?;
    }
    for line in records.iter().flat_map(rollups::lines) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "digest {}", records[0].digest)?;
    writeln!(out, "report {}", destination.join("report.html").display())?;
    writeln!(out, "{}", analysis.answer)?;
    Ok(())
}

/// How many recorded blocks matched their headers.
fn recorded_line(record: &sim_core::observe::record::RunRecord) -> String {
    let verdicts = || record.blocks.iter().filter_map(|b| b.verified_header);
    let (matched, all) = (verdicts().filter(|v| *v).count(), verdicts().count());
    format!("recorded blocks: {matched} of {all} match gas, bloom and receipts of their headers")
}

fn stem(file: &Path) -> String {
    file.file_stem().map_or_else(|| "scenario".to_owned(), |s| s.to_string_lossy().into_owned())
}

fn default_destination(file: &Path) -> PathBuf {
    Path::new("results").join(stem(file))
}

fn failure(error: ExperimentError) -> Failure {
    match error {
        // A plan that cannot be set up, or names files that cannot be read, is bad input.
        ExperimentError::Setup { .. } => Failure::BadInput(error.to_string()),
        ExperimentError::Run { .. } | ExperimentError::Cancelled => Failure::Failed(error.to_string()),
    }
}

struct Watched<'a> {
    scenario: &'a Scenario,
    monitor: &'a Monitor,
    quiet: bool,
    started: Instant,
}

type Outcome = Result<Vec<sim_core::observe::record::RunRecord>, ExperimentError>;

impl Watched<'_> {
    /// Runs the experiment beside its progress lines; also the wall time of each run, s.
    fn run(&self, threads: NonZeroUsize) -> (Outcome, Vec<f64>) {
        let Scenario { base, arms, .. } = self.scenario;
        thread::scope(|scope| {
            let worker = scope.spawn(|| run_paired(base, arms, threads, self.monitor));
            let mut clocks = vec![Clock::default(); self.monitor.runs.len()];
            let bars = self.bars();
            while !worker.is_finished() {
                self.redraw(&bars, &mut clocks);
                thread::sleep(REDRAW.min(Duration::from_millis(20)));
            }
            self.redraw(&bars, &mut clocks);
            bars.iter().for_each(ProgressBar::finish);
            let outcome = worker.join().expect("the experiment does not panic");
            (outcome, clocks.iter().map(Clock::seconds).collect())
        })
    }

    fn bars(&self) -> Vec<ProgressBar> {
        if self.quiet || !std::io::stderr().is_terminal() {
            return Vec::new();
        }
        let group = MultiProgress::new();
        let width = self.scenario.plans().map(|p| p.name.chars().count()).max().unwrap_or(4);
        let style = ProgressStyle::with_template(&format!("{{prefix:{width}}} {{bar:28}} {{msg}}"))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |plan: &Plan| {
            let bar = group.add(ProgressBar::new(STEPS).with_style(style.clone()));
            bar.set_prefix(plan.name.clone());
            bar.set_message(if has_recorded(plan) { "reading and executing blocks" } else { "waiting" });
            bar
        };
        self.scenario.plans().map(bar).collect()
    }

    fn redraw(&self, bars: &[ProgressBar], clocks: &mut [Clock]) {
        for (index, progress) in self.monitor.runs.iter().enumerate() {
            let end = progress.end_ns.load(Ordering::Relaxed);
            if end == 0 {
                continue;
            }
            let now = progress.now_ns.load(Ordering::Relaxed);
            let done = progress.done.load(Ordering::Relaxed);
            let clock = &mut clocks[index];
            let elapsed = clock.tick(self.started.elapsed(), done);
            let Some(bar) = bars.get(index) else { continue };
            let events = progress.events.load(Ordering::Relaxed);
            let rate = events as f64 / elapsed.max(1e-3) / 1e6;
            let simulated = now as f64 / 1e9;
            bar.set_position((now as u128 * u128::from(STEPS) / u128::from(end)) as u64);
            bar.set_message(format!(
                "{simulated:.0} of {:.0} s simulated in {elapsed:.1} s, {rate:.1} M events/s",
                end as f64 / 1e9
            ));
        }
    }
}

fn has_recorded(plan: &Plan) -> bool {
    plan.chains.iter().any(|c| matches!(c.workload, WorkloadPlan::Blocks(_)))
}

/// Wall time of one run.
#[derive(Clone, Default)]
struct Clock {
    first: Option<Duration>,
    last: Duration,
    stopped: bool,
}

impl Clock {
    /// Seconds since the run was first seen.
    fn tick(&mut self, now: Duration, done: bool) -> f64 {
        self.first.get_or_insert(now);
        if !self.stopped {
            self.last = now;
            self.stopped = done;
        }
        self.seconds()
    }

    fn seconds(&self) -> f64 {
        self.first.map_or(0.0, |first| (self.last - first).as_secs_f64())
    }
}
