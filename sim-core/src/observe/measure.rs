//! The numbers of one run.
//!
//! *Measured* blocks, node-blocks and transactions are those outside the warm-up, by the record's flags.
//! Times run from the start of the block's slot. All percentiles follow the rule in [`super::stats`].

use super::burst::BurstSummary;
use super::record::{BlockRecord, Breakdown, MessageKind, NodeBlockRecord, Part, RunRecord};
use super::stats::{Distribution, Sample, ratio};
use super::verdict::Verdict;
use crate::scenario::plan::{ConsensusPlan, WorkloadPlan};
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything reported about one arm of a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct ArmSummary {
    /// The arm's name.
    pub name: String,
    /// Digest of the run.
    pub digest: String,
    /// Root seed.
    pub seed: u64,
    /// Nodes.
    pub nodes: u64,
    /// Nodes whose blocks were recorded one by one.
    pub observed_nodes: u64,
    /// Simulated end, ns.
    pub end_ns: u64,
    /// Events processed.
    pub events: u64,
    /// Some measured block is executed by the nodes that receive it (not so on `Broadcast` chains).
    pub executes: bool,
    /// Blocks after the warm-up.
    pub blocks_measured: u64,
    /// Of these, blocks on the chain that won.
    pub blocks_canonical: u64,
    /// Share of the measured blocks that are not on the chain that won.
    pub stale_share: f64,
    /// **Headline.** Slot start until a node has received and executed the block (received, on a
    /// `Broadcast` chain), over measured canonical blocks and observed nodes.
    pub to_verified: Distribution,
    /// Slot start until a node holds the whole block, same population.
    pub to_arrived: Distribution,
    /// Slot start until a node has seen 2/3 of the stake vote for the block, same population; empty on
    /// `Broadcast` chains.
    pub to_final: Distribution,
    /// Gas in measured canonical blocks over the measured time, gas/s, summed over chains.
    pub gas_per_second: f64,
    /// Transactions in measured canonical blocks over the measured time, 1/s, summed over chains.
    pub transactions_per_second: f64,
    /// Gas used over gas limit of measured canonical blocks.
    pub gas_utilisation: f64,
    /// Measured user transactions: submission until the user's node has verified the including block.
    pub user_included: Distribution,
    /// Measured user transactions: submission until that block is final at the user's node.
    pub user_final: Distribution,
    /// Votes that should have been cast after the warm-up.
    pub votes_due: u64,
    /// Votes cast in time for the slot's own block.
    pub votes_timely: u64,
    /// Share of due votes that were missed or late.
    pub missed_votes_share: f64,
    /// Bits of measured canonical blocks an observed node received (first copies) a second, bit/s, mean.
    pub goodput_bps: f64,
    /// Bits a node received a second over the whole run, all kinds and copies, bit/s, mean.
    pub received_bps: f64,
    /// Copies beyond the first per item delivered.
    pub duplicates_per_item: f64,
    /// Neighbours in a node's mesh when it passes an item on, mean over the whole run; `None` without a mesh.
    pub mesh_degree: Option<f64>,
    /// Share of the whole run's time for which a node's uplink was busy, mean over nodes.
    pub uplink_utilisation: f64,
    /// Share of the whole run's time for which a node's cores were executing, mean over nodes.
    pub execution_utilisation: f64,
    /// Bytes sent over the whole run by kind of message.
    pub sent_bytes: BTreeMap<&'static str, u64>,
    /// Mean time from slot start to verified by part, ns.
    pub mean_breakdown_ns: BTreeMap<&'static str, f64>,
    /// How everybody fared while one application was in demand; `None` in a plan without.
    pub burst: Option<BurstSummary>,
    /// What limits the blocks.
    pub verdict: Verdict,
    /// Things to check before trusting the numbers.
    pub warnings: Vec<String>,
}

/// The chain has no agreement and no execution: a block counts as verified when it has arrived.
pub fn is_broadcast(record: &RunRecord, chain: u32) -> bool {
    matches!(record.plan.chains.get(chain as usize).map(|c| &c.consensus), Some(ConsensusPlan::Broadcast(_)))
}

/// The block enters the statistics: measured and canonical.
pub fn counts(block: &BlockRecord) -> bool {
    block.measured && block.canonical
}

/// Number of nodes recorded block by block: every `observed_every`-th.
pub fn observed_nodes(record: &RunRecord) -> u64 {
    (record.nodes.len() as u64).div_ceil(u64::from(record.observed_every.max(1)))
}

/// The measured node-blocks of canonical blocks, with their blocks, in record order.
pub fn measured_node_blocks(record: &RunRecord) -> impl Iterator<Item = (&NodeBlockRecord, &BlockRecord)> {
    record.node_blocks.iter().filter_map(|nb| {
        let block = record.blocks.get(nb.block as usize)?;
        counts(block).then_some((nb, block))
    })
}

/// Slot start until the node has verified the block (holds it, on a `Broadcast` chain), ns.
pub fn to_verified_ns(record: &RunRecord, nb: &NodeBlockRecord, block: &BlockRecord) -> Option<u64> {
    let at = if is_broadcast(record, block.chain) { nb.arrived_ns } else { nb.verified_ns };
    at.map(|ns| ns.saturating_sub(block.slot_start_ns))
}

/// Time a chain was measured for, ns: measured slots times the slot (or mean interval).
pub fn measured_time_ns(record: &RunRecord, chain: usize) -> u64 {
    let slot_ns = record.plan.chains.get(chain).map_or(0, |c| match &c.consensus {
        ConsensusPlan::Slots(p) => p.slot_ns,
        ConsensusPlan::Broadcast(p) => p.interval_ns,
    });
    u64::from(record.plan.run.blocks).saturating_mul(slot_ns)
}

/// Mean of breakdowns, ns by part in the order of [`Part::ALL`]; zeros of nothing.
pub fn mean_breakdown<'a>(breakdowns: impl Iterator<Item = &'a Breakdown>) -> [f64; Part::COUNT] {
    let mut sums = [0_u128; Part::COUNT];
    let mut n = 0_u64;
    for breakdown in breakdowns {
        for (sum, ns) in sums.iter_mut().zip(breakdown.0) {
            *sum += u128::from(ns);
        }
        n += 1;
    }
    sums.map(|sum| if n == 0 { 0.0 } else { sum as f64 / n as f64 })
}

/// Computes everything reported about one run.
pub fn summarise(record: &RunRecord) -> ArmSummary {
    let measured = record.blocks.iter().filter(|b| b.measured).count() as u64;
    let canonical: Vec<&BlockRecord> = record.blocks.iter().filter(|b| counts(b)).collect();

    let sample = |f: &dyn Fn(&NodeBlockRecord, &BlockRecord) -> Option<u64>| -> Distribution {
        measured_node_blocks(record).map(|(nb, b)| f(nb, b)).collect::<Sample>().distribution()
    };
    let to_verified = sample(&|nb, b| to_verified_ns(record, nb, b));
    let to_arrived = sample(&|nb, b| nb.arrived_ns.map(|ns| ns.saturating_sub(b.slot_start_ns)));
    let to_final = measured_node_blocks(record)
        .filter(|(_, b)| !is_broadcast(record, b.chain))
        .map(|(nb, b)| nb.final_ns.map(|ns| ns.saturating_sub(b.slot_start_ns)))
        .collect::<Sample>()
        .distribution();

    let users = |f: fn(&super::record::TransactionRecord) -> Option<u64>| -> Distribution {
        let measured = record.transactions.iter().filter(|t| t.measured);
        measured.map(|t| f(t).map(|ns| ns.saturating_sub(t.submitted_ns))).collect::<Sample>().distribution()
    };

    let (mut gas_per_second, mut transactions_per_second) = (0.0, 0.0);
    for chain in 0..record.plan.chains.len() {
        let seconds = measured_time_ns(record, chain) as f64 / 1e9;
        let blocks = || canonical.iter().filter(|b| b.chain as usize == chain);
        if seconds > 0.0 {
            gas_per_second += blocks().map(|b| b.gas_used).sum::<u64>() as f64 / seconds;
            transactions_per_second +=
                blocks().map(|b| u64::from(b.transactions)).sum::<u64>() as f64 / seconds;
        }
    }

    let observed = observed_nodes(record);
    let goodput_bps = {
        let bytes: u64 = measured_node_blocks(record)
            .filter(|(nb, _)| nb.arrived_ns.is_some())
            .map(|(_, b)| b.size_bytes)
            .sum();
        let time_ns = (0..record.plan.chains.len()).map(|c| measured_time_ns(record, c)).max().unwrap_or(0);
        per_second_bits(bytes, time_ns, observed)
    };
    let received: u64 = record.nodes.iter().flat_map(|n| n.received_bytes).sum();
    let sum = |f: fn(&super::record::NodeRecord) -> u64| record.nodes.iter().map(f).sum::<u64>();
    let node_time = record.end_ns.saturating_mul(record.nodes.len() as u64);
    let (votes_due, votes_timely) = (sum(|n| n.votes_due), sum(|n| n.votes_timely));

    let mean = mean_breakdown(reached_breakdowns(record));
    let mut summary = ArmSummary {
        name: record.plan.name.clone(),
        digest: record.digest.clone(),
        seed: record.plan.seed,
        nodes: record.nodes.len() as u64,
        observed_nodes: observed,
        end_ns: record.end_ns,
        events: record.events,
        executes: canonical.iter().any(|b| !is_broadcast(record, b.chain)),
        blocks_measured: measured,
        blocks_canonical: canonical.len() as u64,
        stale_share: ratio(measured - canonical.len() as u64, measured),
        to_verified,
        to_arrived,
        to_final,
        gas_per_second,
        transactions_per_second,
        gas_utilisation: ratio(
            canonical.iter().map(|b| b.gas_used).sum(),
            canonical.iter().map(|b| b.gas_limit).sum(),
        ),
        user_included: users(|t| t.included_ns),
        user_final: users(|t| t.final_ns),
        votes_due,
        votes_timely,
        missed_votes_share: ratio(votes_due.saturating_sub(votes_timely), votes_due),
        goodput_bps,
        received_bps: per_second_bits(received, record.end_ns, record.nodes.len() as u64),
        duplicates_per_item: ratio(sum(|n| n.duplicates), sum(|n| n.first_arrivals)),
        mesh_degree: record.mesh.and_then(|mesh| mesh.mean_degree()),
        uplink_utilisation: ratio(sum(|n| n.uplink_busy_ns), node_time),
        execution_utilisation: ratio(sum(|n| n.execution_busy_ns), node_time),
        sent_bytes: MessageKind::ALL
            .iter()
            .map(|&kind| (kind.name(), record.nodes.iter().map(|n| n.sent_bytes[kind as usize]).sum()))
            .collect(),
        mean_breakdown_ns: Part::ALL.iter().map(|&part| (part.name(), mean[part as usize])).collect(),
        burst: super::burst::summarise(record),
        verdict: super::verdict::verdict(record),
        warnings: record.warnings.clone(),
    };
    let found = check(record, &summary);
    summary.warnings.extend(found);
    summary
}

/// Breakdowns to verified of measured node-blocks that got there.
pub fn reached_breakdowns(record: &RunRecord) -> impl Iterator<Item = &Breakdown> {
    measured_node_blocks(record)
        .filter(|(nb, b)| to_verified_ns(record, nb, b).is_some())
        .map(|(nb, _)| &nb.to_verified)
}

/// Mean bits a second of one of `nodes` nodes; 0 where there is no time or no node.
fn per_second_bits(bytes: u64, time_ns: u64, nodes: u64) -> f64 {
    let node_seconds = time_ns as f64 / 1e9 * nodes as f64;
    if node_seconds > 0.0 { bytes as f64 * 8.0 / node_seconds } else { 0.0 }
}

/// Warnings about the numbers, beside those the run itself gave: empty runs, broken sums, lost blocks.
fn check(record: &RunRecord, summary: &ArmSummary) -> Vec<String> {
    let mut warnings = Vec::new();
    if record.blocks.is_empty() {
        warnings.push("The run produced no block.".to_owned());
    } else if summary.blocks_measured == 0 {
        warnings.push("No block lies outside the warm-up: nothing was measured.".to_owned());
    } else if summary.blocks_canonical == 0 {
        warnings.push("No measured block is on the winning chain.".to_owned());
    }
    if summary.to_verified.missing > 0 {
        warnings.push(format!(
            "{} of {} measured node-blocks were never verified; percentiles count them as later than all others.",
            super::format::count(summary.to_verified.missing),
            super::format::count(summary.to_verified.samples)
        ));
    }
    let broken = measured_node_blocks(record)
        .filter(|(nb, b)| {
            to_verified_ns(record, nb, b).is_some_and(|total| total != nb.to_verified.total_ns())
        })
        .count();
    if broken > 0 {
        warnings.push(format!("The parts of {broken} node-blocks do not add up to their total."));
    }
    let has_users = record.plan.chains.iter().any(|c| matches!(c.workload, WorkloadPlan::Users(_)));
    if has_users && summary.user_included.samples == 0 {
        warnings.push("The plan has users, but no user transaction was measured.".to_owned());
    }
    if record.plan.chains.len() > 1 {
        warnings.push(format!(
            "Times pool the blocks of {} chains; figures over slots show the first chain.",
            record.plan.chains.len()
        ));
    }
    if summary.blocks_canonical > 0 && summary.blocks_canonical < 20 {
        warnings.push(format!(
            "Only {} canonical blocks were measured: tail percentiles are rough.",
            summary.blocks_canonical
        ));
    }
    warnings
}
