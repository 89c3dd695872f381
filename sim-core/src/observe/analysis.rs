//! From records to numbers and an answer. Pure functions.

use super::format;
use super::measure::{ArmSummary, counts, summarise, to_verified_ns};
use super::record::RunRecord;
use super::stats::{Sample, median_signed, quantile_signed, relative_change};
use super::verdict::groups;
use serde::Serialize;
use std::collections::BTreeMap;

/// Numbers of all arms, their differences with the base, and the answer.
#[derive(Clone, Debug, Serialize)]
pub struct Analysis {
    /// What a person reads at a glance.
    pub answer: Answer,
    /// One entry per run; the first is the base.
    pub arms: Vec<ArmSummary>,
    /// One entry per run but the first, in the same order.
    pub comparisons: Vec<Comparison>,
}

/// The answer in two lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// For example `Bottleneck: uplink in 71 % of blocks. 3x bandwidth: p95 -52 %, bound by execution.`
    pub headline: String,
    /// What p95 is, the base's value and the sample size.
    pub detail: String,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.headline, self.detail)
    }
}

/// An arm against the base. Relative changes are (arm - base) / base.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The arm's name.
    pub arm: String,
    /// Change of the headline p95; `None` if one of them has no value or the base's is zero.
    pub p95_change: Option<f64>,
    /// Change of the headline median.
    pub p50_change: Option<f64>,
    /// Change of p95 of the time to finality.
    pub final_p95_change: Option<f64>,
    /// Change of gas per second.
    pub gas_per_second_change: Option<f64>,
    /// Change of the median user confirmation (inclusion).
    pub user_included_p50_change: Option<f64>,
    /// Difference of missed-vote shares, arm minus base (absolute).
    pub missed_votes_difference: f64,
    /// Difference of stale shares, arm minus base (absolute).
    pub stale_difference: f64,
    /// Block by block.
    pub paired: Option<Paired>,
}

/// Differences block by block: p95 over the observed nodes of one block in the arm, minus the same in the
/// base, over the (chain, slot) pairs measured and canonical in both and with a value in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paired {
    /// Blocks compared.
    pub blocks: u64,
    /// Lower quartile of the difference, ns.
    pub p25_ns: i64,
    /// Median difference, ns.
    pub median_ns: i64,
    /// Upper quartile of the difference, ns.
    pub p75_ns: i64,
}

/// Computes all numbers. The first record is the base; without records there are no numbers and the answer
/// says so.
pub fn analyse(records: &[RunRecord]) -> Analysis {
    let arms: Vec<ArmSummary> = records.iter().map(summarise).collect();
    let mut comparisons = Vec::new();
    if let (Some((base_record, other_records)), Some((base, others))) =
        (records.split_first(), arms.split_first())
    {
        let base_blocks = block_p95s(base_record);
        for (record, arm) in other_records.iter().zip(others) {
            comparisons.push(compare(base, arm, paired(&base_blocks, &block_p95s(record))));
        }
    }
    Analysis { answer: answer(&arms, &comparisons), arms, comparisons }
}

/// p95 over observed nodes of each measured canonical block, by (chain, slot), ns.
fn block_p95s(record: &RunRecord) -> BTreeMap<(u32, u32), u64> {
    let mut p95s = BTreeMap::new();
    for group in groups(record) {
        let Some(block) = record.blocks.get(group[0].block as usize).filter(|b| counts(b)) else { continue };
        let sample: Sample = group.iter().map(|nb| to_verified_ns(record, nb, block)).collect();
        if let Some(p95) = sample.percentile(950) {
            p95s.insert((block.chain, block.slot), p95);
        }
    }
    p95s
}

fn paired(base: &BTreeMap<(u32, u32), u64>, arm: &BTreeMap<(u32, u32), u64>) -> Option<Paired> {
    let mut differences: Vec<i64> = arm
        .iter()
        .filter_map(|(key, &ns)| Some(ns.cast_signed().wrapping_sub(base.get(key)?.cast_signed())))
        .collect();
    Some(Paired {
        blocks: differences.len() as u64,
        p25_ns: quantile_signed(&mut differences, 250)?,
        median_ns: median_signed(&mut differences)?,
        p75_ns: quantile_signed(&mut differences, 750)?,
    })
}

fn compare(base: &ArmSummary, arm: &ArmSummary, paired: Option<Paired>) -> Comparison {
    let times = |base: Option<u64>, arm: Option<u64>| relative_change(base? as f64, arm? as f64);
    Comparison {
        arm: arm.name.clone(),
        p95_change: times(base.to_verified.p95_ns, arm.to_verified.p95_ns),
        p50_change: times(base.to_verified.p50_ns, arm.to_verified.p50_ns),
        final_p95_change: times(base.to_final.p95_ns, arm.to_final.p95_ns),
        gas_per_second_change: relative_change(base.gas_per_second, arm.gas_per_second),
        user_included_p50_change: times(base.user_included.p50_ns, arm.user_included.p50_ns),
        missed_votes_difference: arm.missed_votes_share - base.missed_votes_share,
        stale_difference: arm.stale_share - base.stale_share,
        paired,
    }
}

/// The headline change of one arm in words: `p95 -38 %`.
fn change_text(base: &ArmSummary, arm: &ArmSummary, comparison: &Comparison) -> String {
    match (comparison.p95_change, base.to_verified.p95_ns, arm.to_verified.p95_ns) {
        (Some(change), _, _) => format!("p95 {}", format::change(change)),
        (None, Some(base), Some(arm)) => {
            format!("p95 {} -> {}", format::duration(base), format::duration(arm))
        }
        (None, None, Some(arm)) => format!("p95 {} (base: not reached)", format::duration(arm)),
        (None, _, None) if arm.to_verified.samples == 0 => "no measured blocks".to_owned(),
        (None, _, None) => "p95 not reached".to_owned(),
    }
}

/// Where the bottleneck of an arm is another one than the base's: `, bound by execution`.
fn moved_text(base: &ArmSummary, arm: &ArmSummary) -> String {
    let leader = |arm: &ArmSummary| arm.verdict.leader().map(|(resource, _)| resource);
    match (leader(base), leader(arm)) {
        (Some(before), Some(after)) if before != after => format!(", bound by {}", after.name()),
        _ => String::new(),
    }
}

fn answer(arms: &[ArmSummary], comparisons: &[Comparison]) -> Answer {
    let Some((base, others)) = arms.split_first() else {
        return Answer { headline: "No answer: no run.".to_owned(), detail: String::new() };
    };
    let mut headline = match base.verdict.leader() {
        Some((resource, share)) => {
            format!("Bottleneck: {} in {} of blocks.", resource.name(), format::percent(share))
        }
        None if base.blocks_canonical == 0 => "No bottleneck: no canonical block was measured.".to_owned(),
        None => "No bottleneck: no measured block took time to reach 2/3 of the stake.".to_owned(),
    };
    let changes: Vec<String> = others
        .iter()
        .zip(comparisons)
        .map(|(arm, comparison)| {
            format!("{}: {}{}", arm.name, change_text(base, arm, comparison), moved_text(base, arm))
        })
        .collect();
    if !changes.is_empty() {
        headline.push_str(&format!(" {}.", changes.join("; ")));
    }
    Answer { headline, detail: detail(base) }
}

fn detail(base: &ArmSummary) -> String {
    let d = &base.to_verified;
    if d.samples == 0 {
        return "p95 has no value: no measured block, or no observed node.".to_owned();
    }
    let value = d.p95_ns.map_or_else(|| "not reached".to_owned(), format::duration);
    let median = d.p50_ns.map_or_else(|| "not reached".to_owned(), format::duration);
    format!(
        "p95 = time from slot start until a node has {} the block; base: {value} (median \
         {median}; {} samples from {} blocks at {} of {} nodes).",
        if base.executes { "received and executed" } else { "received" },
        format::count(d.samples),
        format::count(base.blocks_canonical),
        format::count(base.observed_nodes),
        format::count(base.nodes),
    )
}
