//! One of the two things that are compared.

use crate::scenario::plan::{Plan, WorkloadPlan};
use crate::simulation::experiment::same_contents;
use crate::simulation::{Resources, SetupError, Simulation};
use std::sync::Arc;
use thiserror::Error;

/// A run to be compared: as it was made, or as it would be made.
#[derive(Clone, Debug)]
pub struct Side {
    /// What it is called in messages: where it came from, and which arm.
    pub label: String,
    /// The base run it was made beside.
    pub base: Plan,
    /// The arm, if it is not the base itself.
    pub arm: Option<Plan>,
    /// Digest that was recorded when it was run before.
    pub recorded: Option<String>,
}

/// There is no such arm.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{label} has no arm `{wanted}`; it has {}", known.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))]
pub struct NoArm {
    label: String,
    wanted: String,
    known: Vec<String>,
}

/// A side cannot be run.
#[derive(Debug, Error)]
pub enum SideError {
    /// Its plan cannot be turned into a simulation.
    #[error("{label}: {source}")]
    Setup {
        /// Which side.
        label: String,
        /// Why not.
        #[source]
        source: Box<SetupError>,
    },
    /// It stopped.
    #[error("{label}: {source}")]
    Run {
        /// Which side.
        label: String,
        /// Why.
        #[source]
        source: crate::consensus::RunError,
    },
}

impl Side {
    /// The base or a named arm of an experiment; `runs` are its plans, the base first, each with the digest
    /// it had where it was run before.
    ///
    /// # Errors
    /// [`NoArm`]: none of the plans has that name.
    pub fn of(source: &str, runs: Vec<(Plan, Option<String>)>, arm: Option<&str>) -> Result<Self, NoArm> {
        let known: Vec<String> = runs.iter().map(|(plan, _)| plan.name.clone()).collect();
        let at = match arm {
            None => Some(0).filter(|_| !runs.is_empty()),
            Some(name) => known.iter().position(|known| known == name),
        };
        let Some(at) = at else {
            let wanted = arm.unwrap_or("base").to_owned();
            return Err(NoArm { label: source.to_owned(), wanted, known });
        };
        let label = if at == 0 { source.to_owned() } else { format!("{source} ({})", known[at]) };
        let (chosen, recorded) = runs[at].clone();
        let base = runs.into_iter().next().map(|(plan, _)| plan);
        let arm = (at > 0).then(|| chosen.clone());
        Ok(Self { label, base: base.unwrap_or(chosen), arm, recorded })
    }

    /// The plan that is run.
    pub fn plan(&self) -> &Plan {
        self.arm.as_ref().unwrap_or(&self.base)
    }

    /// The run as its experiment makes it, at time 0: an arm with the base's workload repeats the base's block
    /// contents, for which the base is run first.
    ///
    /// # Errors
    /// [`SideError`]: it cannot be set up, or its base cannot be run.
    pub fn simulation(&self, resources: &Resources) -> Result<Simulation, SideError> {
        let users = self.base.chains.iter().any(|c| matches!(c.workload, WorkloadPlan::Users(_)));
        let make = |plan: &Plan, resources: &Resources| {
            Simulation::with_resources(plan.clone(), resources)
                .map_err(|e| SideError::Setup { label: self.label.clone(), source: Box::new(e) })
        };
        match &self.arm {
            Some(arm) if users && same_contents(&self.base, arm) => {
                let mut base = make(&self.base, resources)?;
                base.run().map_err(|source| self.stopped(source))?;
                let pinned = Some(Arc::new(base.contents()));
                make(arm, &Resources { pinned, ..resources.clone() })
            }
            _ => make(self.plan(), resources),
        }
    }

    /// The error of a run of this side.
    pub(super) fn stopped(&self, source: crate::consensus::RunError) -> SideError {
        SideError::Run { label: self.label.clone(), source }
    }
}
