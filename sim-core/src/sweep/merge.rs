//! All runs of a sweep, from one folder or many, in the order of the design.
//!
//! Which replications count is decided here, by the stop rule over replications in their order: what else lies in
//! a folder, and who put it there, does not matter.

use super::contents::Recipe;
use super::load::{Replications, Sweep};
use super::run::run_key;
use super::stats::Intervals;
use super::store::{Found, Outcome, RunFile, Store, StoreError};
use crate::scenario::ScenarioError;
use std::path::PathBuf;

/// A point with the replications that count, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct PointRuns {
    /// Position of the point.
    pub point: usize,
    /// Its runs.
    pub runs: Vec<RunFile>,
}

impl PointRuns {
    /// A metric over the replications that have it.
    pub fn values(&self, metric: usize) -> Vec<f64> {
        self.paired(metric).into_iter().flatten().collect()
    }

    /// A metric by replication; `None` where the run has no such number.
    pub fn paired(&self, metric: usize) -> Vec<Option<f64>> {
        self.runs.iter().map(|run| number(run, metric)).collect()
    }
}

fn number(run: &RunFile, metric: usize) -> Option<f64> {
    match &run.outcome {
        Outcome::Done { metrics, .. } => metrics.get(metric).copied().flatten(),
        Outcome::Failed { .. } => None,
    }
}

/// A sweep's runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// Every point, in the order of the design.
    pub points: Vec<PointRuns>,
    /// Runs that are wanted and not there: point, replication.
    pub missing: Vec<(usize, u32)>,
    /// Files that are there and damaged.
    pub damaged: Vec<PathBuf>,
    /// Runs found in more than one folder, with the same result.
    pub repeated: usize,
}

impl Merged {
    /// Nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Runs that failed: point, replication, error.
    pub fn failed(&self) -> Vec<(usize, u32, &str)> {
        let mut failed = Vec::new();
        for point in &self.points {
            for (replication, run) in point.runs.iter().enumerate() {
                if let Outcome::Failed { error } = &run.outcome {
                    failed.push((point.point, replication as u32, error.as_str()));
                }
            }
        }
        failed
    }
}

/// Runs cannot be brought together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A point's plan cannot be made.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A folder cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Two folders say different things of one run.
    #[error(
        "{} and {} are the same run of the same engine with different results: one of them was changed, or the \
         engine is not deterministic on one of the machines; nothing was merged", .first.display(), .second.display()
    )]
    Conflict {
        /// A file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
}

/// Brings the runs of a sweep together from `stores`.
///
/// # Errors
/// [`MergeError`]; missing and damaged runs are no error but told.
pub fn merge(sweep: &Sweep, stores: &[Store]) -> Result<Merged, MergeError> {
    let mut merged = Merged::default();
    let (min, max) = sweep.replications.bounds();
    for point in 0..sweep.points.len() {
        let mut runs: Vec<RunFile> = Vec::new();
        let mut whole = true;
        let recipe = Recipe::new(sweep, point)?;
        for replication in 0..max {
            if replication >= min
                && (!whole || enough(&sweep.replications, &values_of(&sweep.replications, runs.iter())))
            {
                break;
            }
            let (plan, source) = recipe.at(sweep, replication);
            match find(stores, &run_key(&plan, source.as_ref()), &mut merged)? {
                Some(run) => runs.push(run),
                None => {
                    whole = false;
                    merged.missing.push((point, replication));
                }
            }
        }
        merged.points.push(PointRuns { point, runs });
    }
    Ok(merged)
}

/// The run of this name from any folder.
fn find(stores: &[Store], key: &str, merged: &mut Merged) -> Result<Option<RunFile>, MergeError> {
    let mut first: Option<(RunFile, &Store)> = None;
    for store in stores {
        match store.find(key)? {
            Found::Absent => {}
            Found::Damaged => merged.damaged.push(store.run_path(key)),
            Found::Run(run) => match &first {
                None => first = Some((*run, store)),
                Some((known, _)) if known.same_result(&run) => merged.repeated += 1,
                Some((_, other)) => {
                    let (first, second) = (other.run_path(key), store.run_path(key));
                    return Err(MergeError::Conflict { first, second });
                }
            },
        }
    }
    Ok(first.map(|(run, _)| run))
}

/// The stop rule's metric over runs; empty entries for runs without it.
pub(super) fn values_of<'r>(
    rule: &Replications,
    runs: impl Iterator<Item = &'r RunFile>,
) -> Vec<Option<f64>> {
    match rule {
        Replications::Fixed(_) => runs.map(|_| None).collect(),
        Replications::UntilWidth { metric, .. } => runs.map(|run| number(run, *metric)).collect(),
    }
}

/// Whether these replications, in their order, are enough.
pub(super) fn enough(rule: &Replications, so_far: &[Option<f64>]) -> bool {
    let n = so_far.len() as u32;
    match *rule {
        Replications::Fixed(wanted) => n >= wanted,
        Replications::UntilWidth { relative, confidence, min, max, .. } => {
            if n < min || n >= max {
                return n >= max;
            }
            let values: Vec<f64> = so_far.iter().copied().flatten().collect();
            match Intervals::new(confidence).of(&values) {
                // A point that gives no number will not give one the next time either.
                None => true,
                Some(interval) => interval.half.is_some_and(|half| half <= relative * interval.mean.abs()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_rule_looks_at_the_width_from_the_least_number_on() {
        let rule = Replications::UntilWidth { metric: 0, relative: 0.1, confidence: 0.95, min: 3, max: 5 };
        let values = |list: &[f64]| list.iter().map(|v| Some(*v)).collect::<Vec<_>>();
        assert!(!enough(&rule, &values(&[1.0, 1.0])));
        assert!(enough(&rule, &values(&[1.0, 1.0, 1.0])));
        assert!(!enough(&rule, &values(&[1.0, 2.0, 3.0])));
        assert!(enough(&rule, &values(&[1.0, 2.0, 3.0, 1.0, 2.0])));
        assert!(enough(&rule, &[None, None, None]));
        assert!(enough(&Replications::Fixed(2), &[None, None]));
    }
}
