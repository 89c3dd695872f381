//! Spec to plan: every default filled in, every name looked up, every number checked.
//!
//! Resolving may read files (latency tables, edge lists, block folders); reading a scenario never does.

mod bridges;
mod chain;
mod fees;
mod interventions;
mod markets;
mod network;
mod nodes;
mod rollups;
mod workload;

use super::de::from_node;
use super::error::{ScenarioError, Warning};
use super::library::{Library, Missing};
use super::limits;
use super::merge;
use super::plan::{Plan, RunPlan};
use super::spec::Spec;
use super::tree::{Node, Sources, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

pub(super) use workload::KINDS;

/// Resolves a merged tree (preset, file and overrides, without `compare`) into the plan called `name`.
pub fn resolve(
    name: &str,
    tree: &Node,
    sources: &Sources,
    library: &Library,
) -> Result<(Plan, Vec<Warning>), ScenarioError> {
    let spec: Spec = from_node(tree, sources, "")?;
    let warnings = RefCell::new(Vec::new());
    let context = Context { tree, sources, library, prefix: String::new(), warnings: &warnings };
    let run = RunPlan {
        blocks: context.count_u32("run.blocks", spec.run.blocks, 1, limits::BLOCKS_MAX)?,
        warm_up: context.count_u32("run.warm_up", spec.run.warm_up, 0, limits::BLOCKS_MAX)?,
        partitions: context.count_u32("run.partitions", spec.run.partitions, 1, limits::PARTITIONS_MAX)?,
    };
    let seed = context.given("seed", spec.seed)?;
    let latency = network::latency(&context, &spec.network)?;
    let nodes = nodes::resolve(&context, &spec.nodes, &latency)?;
    let network = network::resolve(&context, &spec.network, latency, &nodes)?;
    let mut chains = vec![chain::resolve(&context, "main".to_owned(), &spec.main_chain(), &nodes)?];
    let further = spec.chains.as_deref().unwrap_or_default();
    context.at_most("chains", further.len(), limits::CHAINS_MAX, "chains")?;
    for index in 0..further.len() {
        chains.push(further_chain(&context, index, &nodes)?);
    }
    let mut names = BTreeSet::new();
    for (index, chain) in chains.iter().enumerate() {
        if !names.insert(&chain.name) {
            let path = format!("chains.{}.name", index.saturating_sub(1));
            return Err(context.error(&path, format!("two chains are called `{}`", chain.name)));
        }
    }
    let rollups =
        rollups::resolve(&context, spec.rollups.as_deref().unwrap_or_default(), &nodes, &mut chains)?;
    let interventions = Vec::new();
    let mut plan = Plan { name: name.to_owned(), seed, run, nodes, network, chains, rollups, interventions };
    plan.interventions = interventions::resolve(&context, spec.interventions.as_deref(), &plan)?;
    super::warnings::look_over(&context, &plan);
    Ok((plan, warnings.into_inner()))
}

/// A further chain: the top-level values with the entry's own laid over them.
fn further_chain(
    context: &Context<'_>,
    index: usize,
    nodes: &super::plan::NodesPlan,
) -> Result<super::plan::ChainPlan, ScenarioError> {
    let prefix = format!("chains.{index}");
    let entry = context.tree.nearest(&prefix);
    let mut main = context.tree.clone();
    for key in ["version", "base", "seed", "run", "nodes", "network", "chains", "rollups", "interventions"] {
        merge::take(&mut main, key);
    }
    let merged = merge::over(&main, entry);
    let spec: super::spec::ChainSpec = from_node(&merged, context.sources, &prefix)?;
    let own = Context { tree: &merged, prefix: prefix.clone(), ..*context };
    let Some(name) = spec.name.clone().filter(|n| !n.trim().is_empty()) else {
        let error = ScenarioError::at(context.sources, entry.span, prefix, "a further chain needs a name");
        return Err(error.help("add `name: \"...\"`"));
    };
    chain::resolve(&own, name, &spec, nodes)
}

impl Spec {
    /// The chain described by the top-level sections.
    fn main_chain(&self) -> super::spec::ChainSpec {
        super::spec::ChainSpec {
            name: None,
            chain: self.chain.clone(),
            consensus: self.consensus.clone(),
            execution: self.execution.clone(),
            workload: self.workload.clone(),
        }
    }
}

/// What every step of resolving needs: the tree for places, the library for names, a bin for warnings.
pub(super) struct Context<'a> {
    pub tree: &'a Node,
    pub sources: &'a Sources,
    pub library: &'a Library,
    /// Path of `tree` in the scenario: empty, or `chains.N`.
    pub prefix: String,
    pub warnings: &'a RefCell<Vec<Warning>>,
}

impl Context<'_> {
    fn full(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}.{path}", self.prefix) }
    }

    /// An error about the value at `path`.
    pub fn error(&self, path: &str, problem: impl Into<String>) -> ScenarioError {
        ScenarioError::at(self.sources, self.tree.nearest(path).span, self.full(path), problem)
    }

    /// Something of the library that could not be had.
    pub fn missing(&self, path: &str, found: &str, missing: Missing) -> ScenarioError {
        let mut error = self.error(path, missing.problem);
        if !missing.allowed.is_empty() {
            error = error.allowed(found, missing.allowed);
        }
        match missing.help {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// A warning about the value at `path`.
    pub fn warn(&self, path: &str, message: impl Into<String>) {
        let place = self.sources.place(self.tree.nearest(path).span);
        self.warnings.borrow_mut().push(Warning { place, path: self.full(path), message: message.into() });
    }

    /// Whether somebody wrote this value for this scenario, rather than a preset.
    pub fn written(&self, path: &str) -> bool {
        self.tree
            .find(path)
            .is_some_and(|n| !matches!(n.value, Value::Null) && !self.sources.is_default(n.span))
    }

    /// A value that the preset gives and nobody may unset.
    pub fn given<T>(&self, path: &str, value: Option<T>) -> Result<T, ScenarioError> {
        value.ok_or_else(|| self.error(path, "a value is needed here"))
    }

    /// A number between two bounds, which are shown as `show` writes them.
    pub fn between(
        &self,
        path: &str,
        value: u64,
        (low, high): (u64, u64),
        show: impl Fn(u64) -> String,
    ) -> Result<u64, ScenarioError> {
        if (low..=high).contains(&value) {
            return Ok(value);
        }
        let side = if value < low { "too little" } else { "too much" };
        let problem = format!("{} is {side}; allowed: {} to {}", show(value), show(low), show(high));
        Err(self.error(path, problem))
    }

    /// A whole number between two bounds, as 32 bits.
    pub fn count_u32(
        &self,
        path: &str,
        value: Option<u64>,
        low: u64,
        high: u64,
    ) -> Result<u32, ScenarioError> {
        let value = self.given(path, value)?;
        let value = self.between(path, value, (low, high.min(u64::from(u32::MAX))), thousands)?;
        Ok(u32::try_from(value).unwrap_or(u32::MAX))
    }

    pub fn at_most(&self, path: &str, length: usize, most: usize, what: &str) -> Result<(), ScenarioError> {
        if length <= most {
            return Ok(());
        }
        Err(self.error(path, format!("{length} {what} are too many; at most {most}")))
    }
}

/// Writes 1234567 as 1,234,567.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
