//! Running a sweep's runs on threads, skipping those that are there.
//!
//! Order and number of threads decide when a run happens and nothing else. A run that fails, or panics, is
//! recorded with its error and the rest goes on; a folder that cannot be written ends the call.

use super::contents::{Contents, Recipe};
use super::load::Sweep;
use super::merge::{enough, values_of};
use super::metrics;
use super::store::{ENGINE, Found, Outcome, RunFile, Store, StoreError, hash};
use crate::observe::measure::summarise;
use crate::observe::{ReportMeta, WriteOptions, analyse, write_results};
use crate::scenario::ScenarioError;
use crate::scenario::plan::{Plan, WorkloadPlan};
use crate::simulation::{Resources, Simulation};
use crate::workload::users::Pinned;
use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A part of a sweep: the points whose position leaves the remainder `index` - 1 by `of`. Replications of a point
/// stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1.
    pub index: usize,
    /// How many parts there are.
    pub of: usize,
}

impl Shard {
    /// The whole.
    pub const ALL: Self = Self { index: 1, of: 1 };

    /// Reads `i/n`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not a shard; write i/n with i from 1 to n, such as 2/8");
        let (index, of) = text.split_once('/').ok_or_else(form)?;
        let (index, of) = (index.trim().parse().map_err(|_| form())?, of.trim().parse().map_err(|_| form())?);
        if index == 0 || index > of { Err(form()) } else { Ok(Self { index, of }) }
    }

    /// Whether a point belongs to it.
    pub fn holds(self, point: usize) -> bool {
        point % self.of == self.index - 1
    }
}

/// How a sweep is run. Changes no result.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// Runs at a time.
    pub jobs: NonZeroUsize,
    /// The part to run.
    pub shard: Shard,
    /// Runs again what failed.
    pub retry_failed: bool,
    /// Writes a result folder for every run that has none; makes it once more for that where it is there already.
    pub reports: bool,
    /// A clock, s; for wall times and the time budget.
    pub clock_s: &'a (dyn Fn() -> f64 + Sync),
}

/// How far a call is. Read it from another thread.
#[derive(Debug, Default)]
pub struct SweepProgress {
    /// Runs known to be wanted; grows where a stop rule asks for more.
    pub wanted: AtomicUsize,
    /// Of these, found in the folder.
    pub skipped: AtomicUsize,
    /// Made now.
    pub made: AtomicUsize,
    /// Of those skipped or made, failed.
    pub failed: AtomicUsize,
    /// Files found damaged.
    pub damaged: AtomicUsize,
    /// Set to stop: no run is started after it.
    pub cancel: AtomicBool,
}

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunSummary {
    /// Found in the folder.
    pub skipped: usize,
    /// Made.
    pub made: usize,
    /// Failed runs, found or made: point, replication, error.
    pub failed: Vec<(usize, u32, String)>,
    /// Files found damaged, and made again.
    pub damaged: usize,
    /// Runs not started because time was up or it was told to stop.
    pub left: usize,
    /// Blocks that had to be executed.
    pub executed: u64,
    /// Block executions found in memory or on disk instead of being done.
    pub executions_saved: u64,
}

/// A sweep could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A point's plan cannot be made any more: a file it names has changed.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One run to do.
#[derive(Clone, Copy)]
struct Job {
    point: usize,
    replication: u32,
}

struct Queue {
    jobs: VecDeque<Job>,
    busy: usize,
    /// Finished replications by point, in their order from 0; `None` until they are there.
    done: BTreeMap<usize, Vec<Option<RunFile>>>,
    summary: RunSummary,
    error: Option<SweepError>,
}

struct Runner<'a> {
    sweep: &'a Sweep,
    store: &'a Store,
    options: &'a RunOptions<'a>,
    progress: &'a SweepProgress,
    resources: Resources,
    contents: Contents<'a>,
    recipe: Mutex<Option<Arc<Recipe>>>,
    queue: Mutex<Queue>,
    changed: Condvar,
    started_s: f64,
}

/// Runs what is missing of a shard.
///
/// # Errors
/// The folder cannot be used. What was made until then is kept.
pub fn run(
    sweep: &Sweep,
    store: &Store,
    options: &RunOptions<'_>,
    progress: &SweepProgress,
) -> Result<RunSummary, SweepError> {
    let (min, _) = sweep.replications.bounds();
    let points: Vec<usize> = (0..sweep.points.len()).filter(|p| options.shard.holds(*p)).collect();
    let jobs: VecDeque<Job> = points
        .iter()
        .flat_map(|&point| (0..min).map(move |replication| Job { point, replication }))
        .collect();
    progress.wanted.store(jobs.len(), Ordering::Relaxed);
    let done = points.iter().map(|point| (*point, vec![None; min as usize])).collect();
    let resources = Resources { executions: store.executions(), ..Resources::default() };
    let runner = Runner {
        sweep,
        store,
        options,
        progress,
        contents: Contents::new(store, &resources),
        resources,
        recipe: Mutex::default(),
        queue: Mutex::new(Queue { jobs, busy: 0, done, summary: RunSummary::default(), error: None }),
        changed: Condvar::new(),
        started_s: (options.clock_s)(),
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.get() {
            scope.spawn(|| runner.work());
        }
    });
    let executions = &runner.resources.executions;
    let (executed, executions_saved) = (executions.executed(), executions.stats().1);
    let Queue { mut summary, error, .. } = runner.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.failed.sort();
    (summary.executed, summary.executions_saved) = (executed, executions_saved);
    error.map_or(Ok(summary), Err)
}

impl Runner<'_> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time_is_up(&self) -> bool {
        let spent = (self.options.clock_s)() - self.started_s;
        self.progress.cancel.load(Ordering::Relaxed)
            || self.sweep.time_ns.is_some_and(|limit| spent * 1e9 >= limit as f64)
    }

    /// One thread: takes jobs until there are none and nobody can add any.
    fn work(&self) {
        loop {
            let job = {
                let mut queue = self.lock();
                loop {
                    if queue.error.is_some() {
                        return;
                    }
                    if let Some(job) = queue.jobs.pop_front() {
                        queue.busy += 1;
                        break job;
                    }
                    if queue.busy == 0 {
                        return;
                    }
                    queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
            };
            let result = self.find_or_make(job);
            let mut queue = self.lock();
            queue.busy -= 1;
            match result {
                Ok(Some(run)) => self.finished(&mut queue, job, run),
                Ok(None) => queue.summary.left += 1,
                Err(error) => queue.error = queue.error.take().or(Some(error)),
            }
            self.changed.notify_all();
        }
    }

    /// Notes a run; asks for the next replication of its point where the stop rule wants one.
    fn finished(&self, queue: &mut Queue, job: Job, run: RunFile) {
        if let Outcome::Failed { error } = &run.outcome {
            queue.summary.failed.push((job.point, job.replication, error.clone()));
            self.progress.failed.fetch_add(1, Ordering::Relaxed);
        }
        let done = queue.done.entry(job.point).or_default();
        if done.len() <= job.replication as usize {
            done.resize(job.replication as usize + 1, None);
        }
        done[job.replication as usize] = Some(run);
        if done.iter().any(Option::is_none) {
            return;
        }
        let so_far = values_of(&self.sweep.replications, done.iter().flatten());
        if enough(&self.sweep.replications, &so_far) {
            // Nobody asks again; the memory of finished points is given back.
            queue.done.remove(&job.point);
        } else {
            let replication = done.len() as u32;
            self.progress.wanted.fetch_add(1, Ordering::Relaxed);
            queue.jobs.push_front(Job { point: job.point, replication });
        }
    }

    /// What a point's runs are made from; replications come one after the other, so the latest is kept.
    fn recipe(&self, point: usize) -> Result<Arc<Recipe>, SweepError> {
        let lock = || self.recipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recipe) = lock().clone().filter(|recipe| recipe.is_of(point)) {
            return Ok(recipe);
        }
        let recipe = Arc::new(Recipe::new(self.sweep, point)?);
        *lock() = Some(Arc::clone(&recipe));
        Ok(recipe)
    }

    /// The run from the folder, or made now; `None` if time is up.
    fn find_or_make(&self, job: Job) -> Result<Option<RunFile>, SweepError> {
        let (plan, source) = self.recipe(job.point)?.at(self.sweep, job.replication);
        let key = run_key(&plan, source.as_ref());
        let again = |run: &RunFile| match run.outcome {
            Outcome::Failed { .. } => self.options.retry_failed,
            Outcome::Done { .. } => self.options.reports && !self.store.has_report(&key),
        };
        match self.store.find(&key)? {
            Found::Run(run) if !again(&run) => {
                self.lock().summary.skipped += 1;
                self.progress.skipped.fetch_add(1, Ordering::Relaxed);
                return Ok(Some(*run));
            }
            Found::Damaged => {
                self.lock().summary.damaged += 1;
                self.progress.damaged.fetch_add(1, Ordering::Relaxed);
            }
            Found::Run(_) | Found::Absent => {}
        }
        if self.time_is_up() {
            return Ok(None);
        }
        let from = (self.options.clock_s)();
        let seed = plan.seed;
        let pinned = source.as_ref().map(|source| self.contents.get(source)).transpose()?;
        let (outcome, pinned) = match pinned {
            Some(Err(error)) => {
                (Outcome::Failed { error: format!("the run whose blocks it repeats: {error}") }, true)
            }
            Some(Ok(contents)) => (self.simulate(plan, Some(contents), &key), true),
            None => (self.simulate(plan, None, &key), false),
        };
        let wall_seconds = (self.options.clock_s)() - from;
        let run = RunFile { key, engine: ENGINE.to_owned(), seed, pinned, outcome, wall_seconds };
        self.store.keep(&run)?;
        self.lock().summary.made += 1;
        self.progress.made.fetch_add(1, Ordering::Relaxed);
        Ok(Some(run))
    }

    fn simulate(&self, plan: Plan, pinned: Option<Arc<Vec<Arc<Pinned>>>>, key: &str) -> Outcome {
        let resources = Resources { pinned, ..self.resources.clone() };
        let result = guarded(|| {
            let mut simulation = Simulation::with_resources(plan, &resources).map_err(|e| e.to_string())?;
            simulation.run().map_err(|e| e.to_string())?;
            Ok(simulation.finish())
        });
        let record = match result {
            Ok(record) => record,
            Err(error) => return Outcome::Failed { error },
        };
        if self.options.reports {
            let records = std::slice::from_ref(&record);
            let meta = ReportMeta {
                scenario_name: self.sweep.name.clone(),
                question: self.sweep.comment.join("\n"),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..ReportMeta::default()
            };
            let options = WriteOptions { overwrite: true, ..WriteOptions::default() };
            // A report is a convenience: its failure is told by its absence, the run counts.
            let _ = write_results(&self.store.report_path(key), records, &analyse(records), &meta, &options);
        }
        let summary = summarise(&record);
        Outcome::Done { digest: record.digest, metrics: metrics::of(&summary), warnings: summary.warnings }
    }
}

/// Calls `f`; a panic inside becomes an error that says where.
pub(super) fn guarded<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("the simulator panicked, which is a bug: {text}"))
    })
}

/// Name of a run: a hash of what decides its result, the engine apart.
pub fn run_key(plan: &Plan, source: Option<&Plan>) -> String {
    let mut text = serde_json::to_string(plan).unwrap_or_default();
    for chain in &plan.chains {
        if let WorkloadPlan::Blocks(recorded) = &chain.workload {
            for file in &recorded.files {
                text.push_str(&file_hash(Path::new(file)));
            }
        }
    }
    if let Some(source) = source {
        text.push_str("\npinned ");
        text.push_str(&run_key(source, None));
    }
    hash(text.as_bytes())
}

/// Hash of a file's bytes, remembered; of its absence where it cannot be read.
fn file_hash(path: &Path) -> String {
    static KNOWN: Mutex<BTreeMap<std::path::PathBuf, String>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = || std::fs::read(path).map_or_else(|_| "absent".to_owned(), |bytes| hash(&bytes));
    known.entry(path.to_owned()).or_insert_with(read).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_run_is_an_error_with_its_words() {
        let index = std::hint::black_box(7);
        let broken = guarded(|| Ok([1, 2, 3][index]));
        assert!(broken.is_err_and(|e| e.contains("which is a bug: index out of bounds")));
        assert_eq!(guarded(|| Err::<(), _>("no such graph".to_owned())), Err("no such graph".to_owned()));
        assert_eq!(guarded(|| Ok(3)), Ok(3));
    }

    #[test]
    fn every_point_is_in_one_shard() {
        for of in 1..9 {
            for point in 0..100 {
                assert_eq!((1..=of).filter(|index| Shard { index: *index, of }.holds(point)).count(), 1);
            }
        }
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Shard::parse("2/8"), Ok(Shard { index: 2, of: 8 }));
    }
}
