//! Some nodes against the rest: how the shown block fared at them.

use super::{Request, Snapshot, World, records};
use crate::gossip::Dissemination;
use crate::observe::record::Part;
use crate::simulation::snapshot::GroupDetail;

/// The nodes of `group` (ascending), and all others; `None` where there is no block to compare them by.
pub fn groups<D: Dissemination>(
    world: &World<D>,
    request: &Request,
    snapshot: &Snapshot,
    group: &[u32],
) -> Option<[GroupDetail; 2]> {
    let block = &snapshot.blocks[snapshot.focus?];
    let records = records(world, request, snapshot).filter(|r| !r.is_empty())?;
    let executes = records.iter().any(|r| r.verified_ns.is_some());
    let mut found = [GroupDetail::default(), GroupDetail::default()];
    let mut times: [[Vec<u64>; 2]; 2] = Default::default();
    let side = |node: u32| usize::from(group.binary_search(&node).is_err());
    for record in records.iter() {
        let of = side(record.node);
        let detail = &mut found[of];
        detail.nodes += 1;
        detail.progress.nodes += 1;
        detail.progress.arrived += u32::from(record.arrived_ns.is_some());
        detail.progress.executed += u32::from(record.verified_ns.is_some());
        detail.progress.finalised += u32::from(record.final_ns.is_some());
        detail.from_inside += u32::from(record.sender.is_some_and(|s| side(s) == of));
        let since = |ns: Option<u64>| ns.map(|ns| ns.saturating_sub(block.slot_start_ns));
        times[of][0].extend(since(record.arrived_ns));
        times[of][1].extend(since(record.verified_ns));
        if (if executes { record.verified_ns } else { record.arrived_ns }).is_some() {
            Part::ALL.iter().for_each(|part| detail.spent.add(*part, record.to_verified.get(*part)));
            detail.spent_nodes += 1;
        }
    }
    for (index, _) in snapshot.states.iter().enumerate().filter(|(_, s)| s.voted_ns > 0) {
        found[side(index as u32 * snapshot.states_every)].progress.voted += 1;
    }
    for (detail, times) in found.iter_mut().zip(times) {
        let [arrived, executed] = times.map(|times| quantiles(times, detail.nodes));
        (detail.arrived_ns, detail.executed_ns) = (arrived, executed);
    }
    Some(found)
}

/// 50 %, 90 %, 95 % and 100 % by nearest rank over `nodes` nodes.
fn quantiles(mut times: Vec<u64>, nodes: u32) -> [Option<u64>; 4] {
    times.sort_unstable();
    [50, 90, 95, 100].map(|percent| {
        let rank = (u64::from(nodes) * percent).div_ceil(100).max(1) as usize;
        times.get(rank - 1).copied()
    })
}
