//! The `interventions` list.

use super::Context;
use crate::net::params::Scope;
use crate::scenario::error::ScenarioError;
use crate::scenario::limits;
use crate::scenario::plan::{Algorithm, Change, Intervention, Plan};
use crate::scenario::spec::{AlgorithmSpec, ChangeSpec, InterventionSpec, ScopeSpec};

/// Resolves the list against the rest of the plan, in the order of times.
pub(super) fn resolve(
    context: &Context<'_>,
    spec: Option<&[InterventionSpec]>,
    plan: &Plan,
) -> Result<Vec<Intervention>, ScenarioError> {
    let list = spec.unwrap_or_default();
    context.at_most("interventions", list.len(), limits::INTERVENTIONS_MAX, "interventions")?;
    let mut resolved = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        let path = format!("interventions.{index}.change");
        let change = change(context, &path, &entry.change, plan)?;
        if let Err(error) = change.check(plan) {
            return Err(context.error(&path, error.to_string()));
        }
        resolved.push((index, Intervention { at_ns: entry.at.0, change }));
    }
    resolved.sort_by_key(|(_, i)| i.at_ns);
    super::super::warnings::interventions(context, plan, &resolved);
    Ok(resolved.into_iter().map(|(_, i)| i).collect())
}

fn change(
    context: &Context<'_>,
    path: &str,
    spec: &ChangeSpec,
    plan: &Plan,
) -> Result<Change, ScenarioError> {
    let of = |scope: &ScopeSpec, field: &str| scope_of(context, &format!("{path}{field}"), scope, plan);
    Ok(match spec {
        ChangeSpec::Bandwidth { factor, of: scope } => Change::Bandwidth {
            of: scope.as_ref().map_or(Ok(Scope::All), |scope| of(scope, ".of"))?,
            factor_ppm: factor.0,
        },
        ChangeSpec::Latency(factor) => Change::Latency { factor_ppm: factor.0 },
        ChangeSpec::ExecutionSpeed(factor) => Change::ExecutionSpeed { factor_ppm: factor.0 },
        ChangeSpec::Cores(cores) => {
            Change::Cores { cores: context.count_u32(path, Some(*cores), limits::CORES.0, limits::CORES.1)? }
        }
        ChangeSpec::Algorithm(AlgorithmSpec::Serial) => Change::Algorithm(Algorithm::Serial),
        ChangeSpec::Algorithm(AlgorithmSpec::BlockStm) => Change::Algorithm(Algorithm::BlockStm),
        ChangeSpec::GasLimit(gas) => Change::GasLimit { gas: gas.0 },
        ChangeSpec::Load(factor) => Change::Load { factor_ppm: factor.0 },
        ChangeSpec::Kill(scope) => Change::Kill { of: of(scope, ".Kill")? },
        ChangeSpec::Restore(scope) => Change::Restore { of: of(scope, ".Restore")? },
    })
}

fn scope_of(
    context: &Context<'_>,
    path: &str,
    spec: &ScopeSpec,
    plan: &Plan,
) -> Result<Scope, ScenarioError> {
    let count = plan.nodes.count;
    match spec {
        ScopeSpec::All => Ok(Scope::All),
        ScopeSpec::Node(node) => match u32::try_from(*node).ok().filter(|n| *n < count) {
            Some(node) => Ok(Scope::Node(node)),
            None => {
                let problem = format!("there is no node {node}: there are {count}, counted from 0");
                Err(context.error(path, problem))
            }
        },
        ScopeSpec::Region(name) => {
            let latency = &plan.network.latency;
            match latency.regions.iter().position(|r| r.name == *name) {
                Some(region) => Ok(Scope::Region(region)),
                None => {
                    let problem = format!("the latency table `{}` has no region `{name}`", latency.name);
                    let names = latency.regions.iter().map(|r| r.name.as_str());
                    Err(context.error(path, problem).allowed(name, names))
                }
            }
        }
    }
}
