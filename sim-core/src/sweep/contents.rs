//! Block contents that all points of a replication repeat.
//!
//! They come from the scenario with only those axes applied that change the workload, run with the
//! replication's seed. So points that differ in bandwidth execute the same blocks, and points that differ in the
//! gas limit each get contents made for theirs. Kept in the folder, so that every process pays once.

use super::load::Sweep;
use super::run::{guarded, run_key};
use super::store::{ENGINE, Store, StoreError, io_error, sealed, unsealed, write_whole};
use crate::chain::transaction::TxId;
use crate::scenario::ScenarioError;
use crate::scenario::overrides::Override;
use crate::scenario::plan::{Plan, WorkloadPlan};
use crate::simulation::experiment::same_contents;
use crate::simulation::{Resources, Simulation};
use crate::workload::users::Pinned;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

const FORMAT: &str = "lightcone-contents/1";

type Shared = Arc<Vec<Arc<Pinned>>>;
type Slot = Arc<OnceLock<Result<Shared, String>>>;

pub(super) struct Contents<'a> {
    store: &'a Store,
    resources: Resources,
    made: Mutex<BTreeMap<String, Slot>>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(store: &'a Store, resources: &Resources) -> Self {
        Self { store, resources: resources.clone(), made: Mutex::default() }
    }

    /// The contents of a source run: from memory, from the folder, or made now.
    pub(super) fn get(&self, source: &Plan) -> Result<Result<Shared, String>, StoreError> {
        let key = run_key(source, None);
        let slot = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(made.entry(key.clone()).or_default())
        };
        let mut failed = None;
        let result = slot.get_or_init(|| {
            if let Some(found) = self.read(&key) {
                return Ok(found);
            }
            let made = guarded(|| {
                let simulation = Simulation::with_resources(source.clone(), &self.resources);
                let mut simulation = simulation.map_err(|e| e.to_string())?;
                simulation.run().map_err(|e| e.to_string())?;
                Ok(Arc::new(simulation.contents()))
            })?;
            failed = self.write(&key, &made).err();
            Ok(made)
        });
        failed.map_or_else(|| Ok(result.clone()), Err)
    }

    fn path(&self, key: &str) -> std::path::PathBuf {
        self.store.dir.join("contents").join(ENGINE).join(key)
    }

    fn read(&self, key: &str) -> Option<Shared> {
        let bytes = std::fs::read(self.path(key)).ok()?;
        let body = unsealed(FORMAT, &bytes)?;
        type Written = Vec<BTreeMap<u32, Vec<(u32, u64)>>>;
        let written: Written = serde_json::from_slice(body).ok()?;
        let id = |(producer, sequence)| TxId { producer, sequence };
        let chain = |chain: BTreeMap<u32, Vec<(u32, u64)>>| {
            Arc::new(chain.into_iter().map(|(slot, ids)| (slot, ids.into_iter().map(id).collect())).collect())
        };
        Some(Arc::new(written.into_iter().map(chain).collect()))
    }

    fn write(&self, key: &str, contents: &Shared) -> Result<(), StoreError> {
        let path = self.path(key);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        }
        let ids = |ids: &Arc<[TxId]>| ids.iter().map(|id| (id.producer, id.sequence)).collect::<Vec<_>>();
        let chains: Vec<BTreeMap<u32, Vec<(u32, u64)>>> = contents
            .iter()
            .map(|chain| chain.iter().map(|(slot, list)| (*slot, ids(list))).collect())
            .collect();
        let body =
            serde_json::to_vec(&chains).map_err(std::io::Error::other).map_err(io_error("write", &path))?;
        write_whole(&path, &sealed(FORMAT, &body))
    }
}

/// What a point's runs are made from: replications differ in their seeds alone.
pub(super) struct Recipe {
    point: usize,
    plan: Plan,
    /// The run whose contents they repeat.
    source: Option<Plan>,
}

impl Recipe {
    /// Resolves a point.
    pub(super) fn new(sweep: &Sweep, point: usize) -> Result<Self, ScenarioError> {
        let plan = sweep.plan(point, 0)?;
        Ok(Self { point, source: source_of(sweep, point, &plan)?, plan })
    }

    /// A replication's plan, and the plan of the run whose contents it repeats.
    pub(super) fn at(&self, sweep: &Sweep, replication: u32) -> (Plan, Option<Plan>) {
        let seed = sweep.seed_of(&sweep.points[self.point], replication);
        let with_seed = |plan: &Plan| Plan { seed, ..plan.clone() };
        (with_seed(&self.plan), self.source.as_ref().map(with_seed))
    }

    /// It is that of this point.
    pub(super) fn is_of(&self, point: usize) -> bool {
        self.point == point
    }
}

/// Of each point, the first one that repeats the same contents, which are made by a run of their own; `None` for a point
/// that makes its own.
///
/// # Errors
/// A plan cannot be made.
pub fn repeated(sweep: &Sweep) -> Result<Vec<Option<usize>>, ScenarioError> {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let of = |point: usize| -> Result<Option<usize>, ScenarioError> {
        if !sweep.pin_contents {
            return Ok(None);
        }
        let source = Recipe::new(sweep, point)?.source;
        Ok(source.map(|source| *first.entry(run_key(&source, None)).or_insert(point)))
    };
    (0..sweep.points.len()).map(of).collect()
}

/// The run whose contents a run of a sweep repeats; `None` if it makes its own.
fn source_of(sweep: &Sweep, point: usize, plan: &Plan) -> Result<Option<Plan>, ScenarioError> {
    let users = plan.chains.iter().any(|c| matches!(c.workload, WorkloadPlan::Users(_)));
    if !sweep.pin_contents || !users {
        return Ok(None);
    }
    let base = sweep.plan_with(&[], plan.seed)?;
    let mut changes: Vec<Override> = Vec::new();
    for value in sweep.points[point].values.iter().flatten() {
        if !same_contents(&base, &sweep.plan_with(&value.changes, plan.seed)?) {
            changes.extend(value.changes.iter().cloned());
        }
    }
    let source = sweep.plan_with(&changes, plan.seed)?;
    // Axes may change the workload together though none does alone.
    Ok(same_contents(&source, plan).then_some(source))
}
