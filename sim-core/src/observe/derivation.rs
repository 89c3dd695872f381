//! Nodes that derive rollups from the L1: how far they are behind, what that takes.
//!
//! Pure functions of records. A transaction counts once for each node that is to derive its rollup; where a node has not
//! got that far, it counts as later than all that have.

use super::format::{count, duration_or_never, percent};
use super::record::{DerivationRecord, Fate, FleetRecord, RollupTxRecord, RunRecord};
use super::stats::{Sample, ratio};
use crate::scenario::plan::SequencingPlan;
use std::collections::BTreeSet;

/// The nodes of a fleet that derive.
#[derive(Clone, Debug)]
pub struct DerivationSummary {
    /// Nodes a rollup.
    pub derivers: u32,
    /// From handing in a transaction until a node has derived its block.
    pub since: Sample,
    /// The label that `behind` is counted from, as its users see it: "soft", or "posted" where nobody confirms.
    pub label: &'static str,
    /// From that label until a node has derived the transaction's block.
    pub behind: Sample,
    /// From a node's having executed an L1 block until it had the bytes of a batch in it.
    pub bytes: Sample,
    /// Batches derived from the winning chain, over all nodes.
    pub batches: u64,
    /// Batches derived from blocks that lost.
    pub in_vain: u64,
    /// Execution for both, ns.
    pub execution_ns: u64,
    /// Part of its time that one node's cores were busy with one rollup.
    pub busy: f64,
}

/// What nodes derived of a fleet; `None` if there are none that do.
pub fn summarise(run: &RunRecord, fleet: &FleetRecord) -> Option<DerivationSummary> {
    let plan = run.plan.rollups.get((fleet.chain as usize).checked_sub(run.plan.chains.len())?)?;
    let derivers = plan.derivers;
    if derivers == 0 {
        return None;
    }
    let confirmed = !matches!(plan.rules.sequencing, SequencingPlan::Based { .. });
    let of_fleet = |tx: &&RollupTxRecord| {
        let counts = tx.measured && tx.of_people() && !matches!(tx.fate, Fate::Dropped(_));
        tx.chain == fleet.chain && counts
    };
    let after = |from: &dyn Fn(&RollupTxRecord) -> Option<u64>| -> Sample {
        let txs = run.rollups.transactions.iter().filter(of_fleet);
        txs.flat_map(|tx| {
            let since = |n: u32| Some(tx.derived_ns.get(n as usize)?.saturating_sub(from(tx)?));
            (0..derivers).map(since).collect::<Vec<_>>()
        })
        .collect()
    };
    let label = |tx: &RollupTxRecord| if confirmed { tx.soft_ns } else { tx.posted_ns };
    let works = || run.rollups.derivations.iter().filter(|work| work.chain == fleet.chain);
    let done = |canonical: bool| {
        works().filter(|work| work.canonical == canonical && work.derived_ns.is_some()).count() as u64
    };
    let wait = |work: &DerivationRecord| Some(work.here_ns? - work.l1_ns);
    let execution_ns = works().map(|work| work.execution_ns).sum();
    let places: BTreeSet<(u32, u32)> = works().map(|work| (work.rollup, work.node)).collect();
    Some(DerivationSummary {
        derivers,
        since: after(&|tx| Some(tx.submitted_ns)),
        label: if confirmed { "soft" } else { "posted" },
        behind: after(&label),
        bytes: works().filter(|work| work.canonical).map(wait).collect(),
        batches: done(true),
        in_vain: done(false),
        execution_ns,
        busy: ratio(execution_ns, run.end_ns.saturating_mul(places.len() as u64)),
    })
}

/// The same in lines.
pub fn lines(run: &RunRecord, fleet: &FleetRecord) -> Vec<String> {
    let Some(found) = summarise(run, fleet) else { return Vec::new() };
    let three = |sample: &Sample| [500, 950, 990].map(|p| duration_or_never(sample.percentile(p)));
    let ([p50, p95, p99], behind) = (three(&found.behind), &found.behind);
    let [here, here95, _] = three(&found.bytes);
    let each_ns = found.execution_ns.checked_div(found.batches + found.in_vain);
    vec![
        format!(
            "    derived from the L1 at {} nodes a rollup, after {}: p50 {p50}, p95 {p95}, p99 {p99} ({} of {})",
            found.derivers,
            found.label,
            count(behind.len() - behind.missing()),
            count(behind.len()),
        ),
        format!(
            "    bytes there p50 {here}, p95 {here95} after the L1 block; {} batches derived, {} more from L1 blocks that lost; \
             {} of execution a batch, {} of a node's time",
            count(found.batches),
            count(found.in_vain),
            duration_or_never(each_ns),
            percent(found.busy),
        ),
    ]
}
