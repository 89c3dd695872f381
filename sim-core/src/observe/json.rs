//! `summary.json` (numbers) and `manifest.json` (what was run, on what, at what cost in wall time).
//!
//! Everything but the manifest's `host` and `wall_seconds` depends on the records alone.

use super::analysis::Analysis;
use super::folder::ReportMeta;
use super::record::{MeshRecord, MessageKind, RunRecord, TopologyStats};
use super::verdict;
use crate::scenario::plan::Plan;
use serde::Serialize;
use std::collections::BTreeMap;

/// Marks a folder as ours; stored in `manifest.json` under `format`.
pub const FORMAT: &str = "lightcone-result/1";

#[derive(Serialize)]
struct Summary<'a> {
    format: &'static str,
    scenario: &'a str,
    question: &'a str,
    percentile_rule: &'static str,
    verdict_definition: &'static str,
    #[serde(flatten)]
    analysis: &'a Analysis,
}

#[derive(Serialize)]
struct Manifest<'a> {
    format: &'static str,
    scenario: &'a str,
    question: &'a str,
    version: &'a str,
    command: &'a str,
    /// Of the base.
    digest: &'a str,
    arms: Vec<ManifestArm<'a>>,
    host: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct ManifestArm<'a> {
    name: &'a str,
    seed: u64,
    digest: &'a str,
    events: u64,
    end_ns: u64,
    cost_profiles: Vec<&'a str>,
    topology: &'a TopologyStats,
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh: Option<MeshRecord>,
    lost_bytes: [u64; MessageKind::COUNT],
    observed_every: u32,
    /// The run's own; those about its numbers stand in `summary.json`.
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_seconds: Option<f64>,
    plan: &'a Plan,
}

/// `summary.json`: the answer, the numbers of every arm, differences with the base.
///
/// # Errors
/// When a value cannot be represented in JSON.
pub fn summary(analysis: &Analysis, meta: &ReportMeta) -> serde_json::Result<String> {
    pretty(&Summary {
        format: FORMAT,
        scenario: &meta.scenario_name,
        question: &meta.question,
        percentile_rule: "nearest rank; what never happened ranks last",
        verdict_definition: verdict::DEFINITION,
        analysis,
    })
}

/// `manifest.json`: resolved plans, seeds, digests, version, command, host facts and wall time.
///
/// # Errors
/// When a value cannot be represented in JSON.
pub fn manifest(records: &[RunRecord], meta: &ReportMeta) -> serde_json::Result<String> {
    let arms = records.iter().enumerate().map(|(n, record)| ManifestArm {
        name: &record.plan.name,
        seed: record.plan.seed,
        digest: &record.digest,
        events: record.events,
        end_ns: record.end_ns,
        cost_profiles: record.plan.chains.iter().map(|c| c.execution.profile.name.as_str()).collect(),
        topology: &record.topology,
        mesh: record.mesh,
        lost_bytes: record.lost_bytes,
        observed_every: record.observed_every,
        warnings: &record.warnings,
        wall_seconds: meta.wall_seconds.get(n).copied().filter(|s| s.is_finite()),
        plan: &record.plan,
    });
    pretty(&Manifest {
        format: FORMAT,
        scenario: &meta.scenario_name,
        question: &meta.question,
        version: &meta.version,
        command: &meta.command_line,
        digest: records.first().map_or("", |r| &r.digest),
        arms: arms.collect(),
        host: meta.host.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
    })
}

fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}
