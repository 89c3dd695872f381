//! What limits the chain.
//!
//! **Definition.** Take a measured canonical block. Sort the observed nodes by the moment they have verified
//! it (received it, on a `Broadcast` chain; ties by node number) and walk until they hold 2/3 of the observed
//! nodes' stake: the node reached is the one that *closes* the block, because 2/3 of the stake can vote for
//! it only then. The time from slot start to that moment is decomposed exactly into parts
//! ([`super::record::Part`]); each part belongs to one physical resource. The resource with the largest sum
//! is the block's bottleneck (ties go to the first in the order uplink, downlink, latency, execution,
//! protocol). The verdict is the share of blocks bound by each. Where no observed node has stake, nodes count
//! equally. A block that never reached 2/3, or took no time, has no bottleneck and is counted apart.

use super::measure::{counts, to_verified_ns};
use super::record::{Breakdown, NodeBlockRecord, Part, Resource, RunRecord};
use serde::Serialize;

/// Text of the definition, for reports.
pub const DEFINITION: &str = "For every measured block on the winning chain, the node whose verification \
completes 2/3 of the observed stake is taken; its time since the start of the slot is split exactly into \
causes; the resource behind the largest sum is that block's bottleneck.";

/// What binds, over the measured canonical blocks of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Blocks with a bottleneck.
    pub blocks: u64,
    /// Measured canonical blocks without one: 2/3 of the stake never verified them, or it took no time.
    pub unresolved: u64,
    /// Blocks bound by each resource, in the order of `Resource::ALL`.
    pub bound_blocks: [u64; 5],
    /// Share of the closing nodes' time spent on each resource, in the order of `Resource::ALL`.
    pub time_share: [f64; 5],
    /// Names of the resources, in the same order.
    pub resources: [&'static str; 5],
}

impl Verdict {
    /// The resource that binds most blocks (the first of equals) and its share of blocks; `None` without
    /// blocks.
    pub fn leader(&self) -> Option<(Resource, f64)> {
        let mut best: Option<(Resource, u64)> = None;
        for (&resource, &bound) in Resource::ALL.iter().zip(&self.bound_blocks) {
            if bound > 0 && best.is_none_or(|(_, most)| bound > most) {
                best = Some((resource, bound));
            }
        }
        best.map(|(resource, bound)| (resource, bound as f64 / self.blocks as f64))
    }
}

/// Time by resource, ns, in the order of `Resource::ALL`.
pub fn by_resource(breakdown: &Breakdown) -> [u64; 5] {
    let mut sums = [0; 5];
    for part in Part::ALL {
        sums[part.resource() as usize] += breakdown.get(part);
    }
    sums
}

/// The resource with the largest sum; `None` if no time passed.
pub fn bottleneck(breakdown: &Breakdown) -> Option<Resource> {
    let sums = by_resource(breakdown);
    let most = *sums.iter().max()?;
    let first = sums.iter().position(|&ns| ns == most)?;
    (most > 0).then(|| Resource::ALL[first])
}

/// The node-block that closes 2/3 of the observed stake, among the node-blocks of one block.
pub fn closing_node<'a>(record: &RunRecord, of_block: &'a [NodeBlockRecord]) -> Option<&'a NodeBlockRecord> {
    let block = record.blocks.get(of_block.first()?.block as usize)?;
    let stake = |nb: &NodeBlockRecord| record.nodes.get(nb.node as usize).map_or(0, |n| n.stake);
    let total: u128 = of_block.iter().map(|nb| u128::from(stake(nb))).sum();
    let weight = |nb: &NodeBlockRecord| if total == 0 { 1 } else { u128::from(stake(nb)) };
    let total = if total == 0 { of_block.len() as u128 } else { total };

    let mut reached: Vec<(u64, u32, &NodeBlockRecord)> =
        of_block.iter().filter_map(|nb| Some((to_verified_ns(record, nb, block)?, nb.node, nb))).collect();
    reached.sort_unstable_by_key(|&(ns, node, _)| (ns, node));
    let mut sum = 0;
    for (_, _, nb) in reached {
        sum += weight(nb);
        if sum * 3 >= total * 2 {
            return Some(nb);
        }
    }
    None
}

/// The node-blocks of each block, as slices; they are stored by (block, node).
pub fn groups(record: &RunRecord) -> impl Iterator<Item = &[NodeBlockRecord]> {
    record.node_blocks.chunk_by(|a, b| a.block == b.block)
}

/// Bottleneck of one block given its node-blocks; `None` as in [`Verdict::unresolved`].
pub fn block_bottleneck(record: &RunRecord, of_block: &[NodeBlockRecord]) -> Option<Resource> {
    closing_node(record, of_block).and_then(|nb| bottleneck(&nb.to_verified))
}

/// The verdict of a run.
pub fn verdict(record: &RunRecord) -> Verdict {
    let mut verdict = Verdict { resources: Resource::ALL.map(Resource::name), ..Verdict::default() };
    let mut time = [0_u128; 5];
    for group in groups(record) {
        if !record.blocks.get(group[0].block as usize).is_some_and(counts) {
            continue;
        }
        let closing = closing_node(record, group);
        let Some((nb, resource)) = closing.and_then(|nb| Some((nb, bottleneck(&nb.to_verified)?))) else {
            continue;
        };
        verdict.blocks += 1;
        verdict.bound_blocks[resource as usize] += 1;
        for (sum, ns) in time.iter_mut().zip(by_resource(&nb.to_verified)) {
            *sum += u128::from(ns);
        }
    }
    // Blocks without any node-block are unresolved too.
    let canonical = record.blocks.iter().filter(|b| counts(b)).count() as u64;
    verdict.unresolved = canonical.saturating_sub(verdict.blocks);
    let total: u128 = time.iter().sum();
    if total > 0 {
        verdict.time_share = time.map(|ns| ns as f64 / total as f64);
    }
    verdict
}
