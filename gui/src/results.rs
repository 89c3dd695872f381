//! Finished result folders: read and run again on threads of their own, reduced to what is drawn.
//!
//! Must never be true: that the window waits for a file, or that a folder is shown in part.

use crate::compare::{Measure, Row, row, words};
use crate::format;
use crate::notice::Notices;
use sim_core::observe::measure::{ArmSummary, measured_node_blocks, reached_breakdowns};
use sim_core::observe::reader::{Manifest, ResultFolder};
use sim_core::observe::record::{Breakdown, Part, RunRecord};
use sim_core::observe::{analyse, read_results};
use sim_core::scenario::Scenario;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::experiment::{Monitor, run_paired};
use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// Points of a curve at most.
const POINTS_MAX: usize = 400;

/// A result folder, as it is drawn.
pub struct Folder {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// What was run, and on what.
    pub manifest: Manifest,
    /// The answer in a line.
    pub answer: String,
    /// By run, the base first.
    pub runs: Vec<Run>,
    /// What running it again showed, by run: the digests are equal.
    pub again: Option<Result<Vec<bool>, String>>,
}

/// A run of a folder, as it is drawn.
pub struct Run {
    /// Its numbers.
    pub summary: ArmSummary,
    /// It is drawn.
    pub shown: bool,
    /// Logarithms of ms, by block: publication to 95 % of the nodes, execution at the median node.
    pub crossover: Vec<[f64; 2]>,
    /// Waits of users until final: s, and % who waited no longer.
    pub waits: Vec<[f64; 2]>,
    /// Gas by slot, Mgas.
    pub gas: Vec<[f64; 2]>,
    /// Mean time until a node has verified a block, by part.
    pub spent: Option<Breakdown>,
}

/// Something done on another thread.
struct Job<T> {
    path: PathBuf,
    outcome: Receiver<Result<T, String>>,
    monitor: Option<Arc<Monitor>>,
}

impl<T: Send + 'static> Job<T> {
    fn start(
        path: &Path,
        monitor: Option<Arc<Monitor>>,
        wake: impl Fn() + Send + 'static,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Self {
        let (sender, outcome) = channel();
        let name = std::thread::Builder::new().name("results".to_owned());
        let spawned = name.spawn(move || {
            let done = catch_unwind(AssertUnwindSafe(work));
            // Nobody listens any more: then nobody needs to know.
            let _ = sender.send(done.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))));
            wake();
        });
        // Without a thread there is no sender, and the job ends as one that broke off.
        drop(spawned);
        Self { path: path.to_owned(), outcome, monitor }
    }

    fn poll(&self) -> Option<Result<T, String>> {
        match self.outcome.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err("it broke off".to_owned())),
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    format!("the simulator panicked: {text}")
}

/// All that are open.
#[derive(Default)]
pub struct Results {
    /// In the order in which they were opened.
    pub folders: Vec<Folder>,
    reading: Vec<Job<Folder>>,
    running: Option<Job<Vec<bool>>>,
}

impl Results {
    /// Begins to read a folder; `wake` is called from another thread when it is there.
    pub fn open(&mut self, path: &Path, wake: impl Fn() + Send + 'static) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if self.reading.iter().any(|job| job.path == path) {
            return;
        }
        let from = path.clone();
        let read = move || read_results(&from).map(Folder::new).map_err(|e| e.to_string());
        self.reading.push(Job::start(&path, None, wake, read));
    }

    /// Folders are being read.
    pub fn is_reading(&self) -> bool {
        !self.reading.is_empty()
    }

    /// A folder is being run again: which, and how much of it is done.
    pub fn running(&self) -> Option<(&Path, f32)> {
        let job = self.running.as_ref()?;
        let monitor = job.monitor.as_ref()?;
        let share = |run: &sim_core::simulation::experiment::Progress| {
            let (now, end) = (run.now_ns.load(Ordering::Relaxed), run.end_ns.load(Ordering::Relaxed));
            now as f32 / end.max(1) as f32
        };
        let sum: f32 = monitor.runs.iter().map(share).sum();
        Some((&job.path, sum / monitor.runs.len().max(1) as f32))
    }

    /// Runs the plans of a folder again and compares digests.
    pub fn run_again(&mut self, folder: usize, wake: impl Fn() + Send + 'static) {
        let Some(folder) = self.folders.get(folder).filter(|_| self.running.is_none()) else { return };
        let plans: Vec<Plan> = folder.manifest.arms.iter().map(|a| a.plan.clone()).collect();
        let digests: Vec<String> = folder.manifest.arms.iter().map(|a| a.digest.clone()).collect();
        let monitor = Arc::new(Monitor::new(plans.len()));
        let watched = Arc::clone(&monitor);
        let work = move || {
            let (base, arms) = plans.split_first().ok_or("the folder holds no run")?;
            let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
            let records = run_paired(base, arms, threads, &watched).map_err(|e| e.to_string())?;
            Ok(records.iter().zip(&digests).map(|(r, d)| r.digest == *d).collect())
        };
        self.running = Some(Job::start(&folder.path, Some(monitor), wake, work));
    }

    /// Stops running a folder again.
    pub fn cancel(&self) {
        if let Some(monitor) = self.running.as_ref().and_then(|job| job.monitor.as_ref()) {
            monitor.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Takes in what is done.
    pub fn update(&mut self, notices: &mut Notices) {
        let mut done = Vec::new();
        self.reading.retain(|job| match job.poll() {
            Some(outcome) => {
                done.push(outcome);
                false
            }
            None => true,
        });
        for outcome in done {
            match outcome {
                Ok(folder) => {
                    self.folders.retain(|f| f.path != folder.path);
                    self.folders.push(folder);
                }
                Err(reason) => notices.error(reason),
            }
        }
        let Some(outcome) = self.running.as_ref().and_then(Job::poll) else { return };
        let path = self.running.take().map(|job| job.path).unwrap_or_default();
        match &outcome {
            Ok(equal) if equal.iter().all(|e| *e) => notices.info("Run again: all digests are equal"),
            Ok(_) => notices.error("Run again: a digest differs from that in the folder"),
            Err(reason) => notices.warning(format!("Running it again ended: {reason}")),
        }
        if let Some(folder) = self.folders.iter_mut().find(|f| f.path == path) {
            folder.again = Some(outcome);
        }
    }

    /// The runs that are drawn, with their folders' numbers.
    pub fn shown(&self) -> Vec<(&Folder, &Run)> {
        let runs = self.folders.iter().flat_map(|f| f.runs.iter().map(move |r| (f, r)));
        runs.filter(|(_, r)| r.shown).collect()
    }

    /// Shows a run or not; no more are shown than have colours.
    pub fn show(&mut self, folder: usize, run: usize, shown: bool) {
        let room = self.shown().len() < crate::compare::LANES_MAX;
        if let Some(run) = self.folders.get_mut(folder).and_then(|f| f.runs.get_mut(run)) {
            run.shown = shown && (room || run.shown);
        }
    }
}

impl Folder {
    fn new(read: ResultFolder) -> Self {
        let analysis = analyse(&read.records);
        let name = read.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let arms = read.records.iter().zip(analysis.arms).enumerate();
        let runs = arms.map(|(at, (record, summary))| Run::new(record, summary, at < 3)).collect();
        Self {
            path: read.path,
            name,
            manifest: read.manifest,
            answer: analysis.answer.to_string(),
            runs,
            again: None,
        }
    }

    /// The scenario it was run from, as the plans say.
    pub fn scenario(&self) -> Option<Scenario> {
        let mut plans = self.manifest.arms.iter().map(|a| a.plan.clone());
        Some(Scenario {
            path: self.path.join("manifest.json"),
            comment: self.manifest.question.lines().map(str::to_owned).collect(),
            preset: String::new(),
            base: plans.next()?,
            arms: plans.collect(),
            warnings: Vec::new(),
        })
    }
}

impl Run {
    fn new(record: &RunRecord, summary: ArmSummary, shown: bool) -> Self {
        let log = |ns: u64| (ns.max(1) as f64 / 1e6).log10();
        let mut executing = vec![Vec::new(); record.blocks.len()];
        for (nb, _) in measured_node_blocks(record) {
            executing[nb.block as usize].push(nb.executing_ns);
        }
        let mut crossover = Vec::new();
        for (block, times) in record.blocks.iter().zip(&mut executing) {
            let Some(arrived_ns) = block.arrival_quantiles_ns[2] else { continue };
            let published_ns = block.published_ns.saturating_sub(block.slot_start_ns);
            // The proposer has executed it before: a node that reports no time is left out.
            times.retain(|ns| *ns > 0);
            let Some(middle) = times.len().checked_sub(1) else { continue };
            let median = *times.select_nth_unstable(middle / 2).1;
            crossover.push([log(arrived_ns.saturating_sub(published_ns)), log(median)]);
        }
        let measured = record.transactions.iter().filter(|t| t.measured);
        let waits = measured.filter_map(|t| t.final_ns.map(|ns| ns.saturating_sub(t.submitted_ns)));
        let gas = record.blocks.iter().filter(|b| b.canonical && b.chain == 0);
        let gas = gas.map(|b| [f64::from(b.slot), b.gas_used as f64 / 1e6]).collect();
        Self { summary, shown, crossover, waits: cumulative(waits.collect()), gas, spent: mean(record) }
    }
}

/// Mean time to verified, by part; `None` of nothing.
fn mean(record: &RunRecord) -> Option<Breakdown> {
    let (mut sums, mut count) = ([0_u128; Part::COUNT], 0_u128);
    for breakdown in reached_breakdowns(record) {
        sums.iter_mut().zip(breakdown.0).for_each(|(sum, ns)| *sum += u128::from(ns));
        count += 1;
    }
    (count > 0).then(|| Breakdown(sums.map(|sum| (sum / count) as u64)))
}

/// Times in s with the share of them that are no longer, in %.
fn cumulative(mut times: Vec<u64>) -> Vec<[f64; 2]> {
    times.sort_unstable();
    let count = times.len();
    let step = count.div_ceil(POINTS_MAX).max(1);
    let places = (0..count).step_by(step).chain(count.checked_sub(1));
    places.map(|at| [times[at] as f64 / 1e9, (at + 1) as f64 / count as f64 * 100.0]).collect()
}

/// The numbers of runs, each against the first.
pub fn rows(runs: &[&ArmSummary]) -> Vec<Row> {
    let all = |f: &dyn Fn(&ArmSummary) -> Option<f64>| runs.iter().map(|r| f(r)).collect::<Vec<_>>();
    let ns = |v: Option<u64>| v.map(|ns| ns as f64);
    vec![
        row("verified, median", &all(&|r| ns(r.to_verified.p50_ns)), Measure::Time),
        row("verified, 95 %", &all(&|r| ns(r.to_verified.p95_ns)), Measure::Time),
        row("arrived, 95 %", &all(&|r| ns(r.to_arrived.p95_ns)), Measure::Time),
        row("final, 95 %", &all(&|r| ns(r.to_final.p95_ns)), Measure::Time),
        row("gas", &all(&|r| Some(r.gas_per_second)), Measure::Rate("gas/s")),
        row("transactions", &all(&|r| Some(r.transactions_per_second)), Measure::Rate("tx/s")),
        row("users: included, median", &all(&|r| ns(r.user_included.p50_ns)), Measure::Time),
        row("users: final, 95 %", &all(&|r| ns(r.user_final.p95_ns)), Measure::Time),
        row("missed votes", &all(&|r| Some(r.missed_votes_share)), Measure::Share),
        row("stale blocks", &all(&|r| Some(r.stale_share)), Measure::Share),
        row("uplinks busy", &all(&|r| Some(r.uplink_utilisation)), Measure::Share),
        row("cores busy", &all(&|r| Some(r.execution_utilisation)), Measure::Share),
        words(
            "bottleneck",
            runs.iter().map(|r| r.verdict.leader().map_or("-".to_owned(), |(x, _)| x.name().to_owned())),
        ),
        words("blocks", runs.iter().map(|r| format::count(r.blocks_canonical))),
        words("digest", runs.iter().map(|r| r.digest.chars().take(12).collect())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_short_and_ends_at_all_of_them() {
        let curve = cumulative((1..=10_000).rev().map(|s| s * 1_000_000_000).collect());
        assert!(curve.len() <= POINTS_MAX + 1, "{}", curve.len());
        assert_eq!(curve.last(), Some(&[10_000.0, 100.0]));
        assert!(curve.windows(2).all(|w| w[0][0] <= w[1][0] && w[0][1] <= w[1][1]));
        assert!(cumulative(Vec::new()).is_empty());
    }
}
