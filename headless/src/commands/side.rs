//! What `diff` and `compare` compare: a scenario file, or a finished result folder.

use crate::failure::Failure;
use crate::memory;
use crate::task::SideTask;
use sim_core::compare::Side;
use sim_core::compare::side::SideError;
use sim_core::observe::reader::read_manifest;
use sim_core::scenario::estimate::estimate;
use sim_core::scenario::{Changes, Scenario};
use std::io::Write;

/// Reads one side.
pub fn load(task: &SideTask, out: &mut dyn Write) -> Result<Side, Failure> {
    let source = task.path.display().to_string();
    let runs = if task.path.is_dir() {
        let manifest = read_manifest(&task.path).map_err(|e| Failure::BadInput(e.to_string()))?;
        if !task.set.is_empty() {
            writeln!(out, "note: --set changes no finished result: {source} is taken as it is")?;
        }
        manifest.arms.into_iter().map(|arm| (arm.plan, Some(arm.digest))).collect()
    } else {
        let changes = Changes { set: task.set.clone(), ..Changes::default() };
        let scenario = Scenario::load_with(&task.path, &changes)?;
        for warning in &scenario.warnings {
            writeln!(out, "warning: {source}: {warning}")?;
        }
        std::iter::once(scenario.base).chain(scenario.arms).map(|plan| (plan, None)).collect()
    };
    Side::of(&source, runs, task.arm.as_deref()).map_err(|e| Failure::BadInput(e.to_string()))
}

/// Refuses a side that cannot be run on this machine.
pub fn affordable(side: &Side) -> Result<(), Failure> {
    estimate(side.plan())
        .check(&side.label, memory::available_bytes())
        .map_err(|e| Failure::BadInput(e.to_string()))
}

/// A plan that cannot be set up is bad input; a run that breaks is a failure.
pub fn failure(error: SideError) -> Failure {
    match error {
        SideError::Setup { .. } => Failure::BadInput(error.to_string()),
        SideError::Run { .. } => Failure::Failed(error.to_string()),
    }
}
