//! Two scenarios run many times in pairs: both with the same seed, the second repeating the first's block contents where
//! it has the same workload. What they share cancels out of the differences.

use super::side::Side;
use crate::kernel::math::sqrt;
use crate::observe::measure::{measured_node_blocks, summarise, to_verified_ns};
use crate::observe::record::RunRecord;
use crate::scenario::plan::{Plan, WorkloadPlan};
use crate::simulation::experiment::{ExperimentError, Monitor, run_paired, same_contents};
use crate::sweep::load::replication_seed;
use crate::sweep::metrics;
use crate::sweep::stats::{Difference, Interval, Intervals, mean};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Steps of a distribution that is drawn: from the least to the greatest value.
pub const STEPS: usize = 100;

/// What is kept of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Digest of the run.
    pub digest: String,
    /// Its numbers, in the order of [`metrics::all`].
    pub metrics: Vec<Option<f64>>,
    /// Quantiles of the time until verified at 0, 1/[`STEPS`], ... 1, ms; empty if no block was.
    pub verified_ms: Vec<f64>,
}

/// One pair of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Seed of both.
    pub seed: u64,
    /// The first and the second.
    pub runs: [Kept; 2],
}

/// A metric over all pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Position of the metric.
    pub metric: usize,
    /// Mean of the first and of the second, over pairs in which both have it.
    pub means: [Interval; 2],
    /// Second minus first, by pair.
    pub difference: Difference,
}

impl Row {
    /// The difference over the first's mean, with its interval's ends; `None` where the mean is zero.
    pub fn relative(&self) -> Option<[Option<f64>; 3]> {
        let base = self.means[0].mean.abs();
        let i = &self.difference.interval;
        (base > 0.0).then(|| [Some(i.mean / base), i.low().map(|v| v / base), i.high().map(|v| v / base)])
    }

    /// The interval of the difference leaves zero out.
    pub fn is_clear(&self) -> bool {
        let i = &self.difference.interval;
        matches!((i.low(), i.high()), (Some(low), Some(high)) if low > 0.0 || high < 0.0)
    }
}

/// All pairs of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicated {
    /// What the two are called.
    pub labels: [String; 2],
    /// Root of the seeds.
    pub seed: u64,
    /// The second repeated the first's block contents.
    pub pinned: bool,
    /// Pairs, by replication.
    pub pairs: Vec<Pair>,
    /// Every metric that some pair has on both sides.
    pub rows: Vec<Row>,
}

/// Runs `count` pairs on up to `threads` threads; `done` counts the finished ones.
///
/// # Errors
/// The first failure, by replication.
pub fn replicate(
    a: &Side,
    b: &Side,
    count: u32,
    threads: NonZeroUsize,
    done: &AtomicUsize,
) -> Result<Replicated, ExperimentError> {
    let root = a.plan().seed;
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<(usize, Result<Pair, ExperimentError>)>> = Mutex::default();
    let work = || {
        loop {
            let replication = next.fetch_add(1, Ordering::Relaxed);
            if replication >= count as usize {
                return;
            }
            let pair = pair(a, b, replication_seed(root, 0, replication as u32));
            done.fetch_add(1, Ordering::Relaxed);
            made.lock().unwrap_or_else(PoisonError::into_inner).push((replication, pair));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(count as usize) {
            scope.spawn(work);
        }
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|(replication, _)| *replication);
    let pairs: Vec<Pair> = made.into_iter().map(|(_, pair)| pair).collect::<Result<_, _>>()?;
    let users = a.plan().chains.iter().any(|c| matches!(c.workload, WorkloadPlan::Users(_)));
    let pinned = users && same_contents(a.plan(), &b.seeded(root));
    let labels = [a.label.clone(), b.label.clone()];
    let rows = rows(&pairs);
    Ok(Replicated { labels, seed: root, pinned, pairs, rows })
}

impl Side {
    /// Its plan with a seed.
    fn seeded(&self, seed: u64) -> Plan {
        Plan { seed, ..self.plan().clone() }
    }
}

fn pair(a: &Side, b: &Side, seed: u64) -> Result<Pair, ExperimentError> {
    let (mut first, mut second) = (a.seeded(seed), b.seeded(seed));
    // Errors name the side.
    first.name.clone_from(&a.label);
    second.name.clone_from(&b.label);
    let records = run_paired(&first, &[second], NonZeroUsize::MIN, &Monitor::new(2))?;
    let [x, y] = &records[..] else { unreachable!("a base and an arm make two records") };
    Ok(Pair { seed, runs: [kept(x), kept(y)] })
}

fn kept(record: &RunRecord) -> Kept {
    let times = measured_node_blocks(record).filter_map(|(nb, block)| to_verified_ns(record, nb, block));
    let mut times: Vec<u64> = times.collect();
    times.sort_unstable();
    let last = times.len().checked_sub(1);
    let verified_ms = last.map_or_else(Vec::new, |last| {
        (0..=STEPS).map(|step| times[step * last / STEPS] as f64 / 1e6).collect()
    });
    Kept { digest: record.digest.clone(), metrics: metrics::of(&summarise(record)), verified_ms }
}

/// Statistics of every metric that some pair has on both sides.
fn rows(pairs: &[Pair]) -> Vec<Row> {
    let mut intervals = Intervals::new(crate::sweep::tables::CONFIDENCE);
    let mut rows = Vec::new();
    for metric in 0..metrics::count() {
        let both = |pair: &Pair| Some((pair.runs[0].metrics[metric]?, pair.runs[1].metrics[metric]?));
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().filter_map(both).unzip();
        let means = (intervals.of(&a), intervals.of(&b), intervals.paired(&a, &b));
        if let (Some(first), Some(second), Some(difference)) = means {
            rows.push(Row { metric, means: [first, second], difference });
        }
    }
    rows
}

/// By step, the mean over pairs of one side's distribution of the time until verified, ms.
pub fn mean_distribution(pairs: &[Pair], side: usize) -> Vec<f64> {
    let lists: Vec<&Vec<f64>> =
        pairs.iter().map(|p| &p.runs[side].verified_ms).filter(|list| !list.is_empty()).collect();
    let step = |n: usize| mean(&lists.iter().map(|list| list[n]).collect::<Vec<_>>());
    (0..=STEPS).map_while(step).collect()
}

/// How many times fewer pairs this needs than as many independent runs for an interval of the same width: the variance
/// of a difference of independent runs over that of the paired ones. `None` where either is unknown or zero.
pub fn gain_of_pairing(row: &Row) -> Option<f64> {
    let [a, b] = row.means.map(|i| i.half);
    let (a, b, paired) = (a?, b?, row.difference.interval.half?);
    (paired > 0.0).then(|| {
        let apart = sqrt(a * a + b * b) / paired;
        apart * apart
    })
}
