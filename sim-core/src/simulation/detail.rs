//! One node in full, and the chain of causes that brought it a block.

mod fleets;
mod groups;
mod links;

pub(super) use fleets::fleet;
pub(super) use groups::groups;
pub(super) use links::link;

use super::archive;
use super::snapshot::{NodeDetail, Request, Snapshot, Step};
use super::world::{ChainState, World};
use crate::chain::tree::BlockIx;
use crate::gossip::Dissemination;
use crate::kernel::ids::NodeId;
use crate::observe::record::{Breakdown, NodeBlockRecord, Part};
use std::borrow::Cow;

/// Parts of a hop in the order in which they happen: at the sender, on the way, at the receiver.
const HOP: [Part; 10] = [
    Part::CpuWait,
    Part::Execution,
    Part::ForwardCheck,
    Part::Offline,
    Part::Protocol,
    Part::QueueUp,
    Part::SerialisationUp,
    Part::Propagation,
    Part::QueueDown,
    Part::SerialisationDown,
];

/// Describes a node; `snapshot` already shows the block.
pub(super) fn describe<D: Dissemination>(
    world: &World<D>,
    request: &Request,
    snapshot: &Snapshot,
    node: u32,
) -> NodeDetail {
    let (id, now_ns) = (NodeId(node), snapshot.now_ns);
    let fabric = &world.fabric;
    let rates = fabric.rates_of(id);
    let cpu = world.cpus[id.index()];
    let traffic = fabric.traffic(id);
    let duty = match world.chains.get(request.chain as usize) {
        Some(ChainState::Slots(slots)) => slots.duty[id.index()],
        _ => Default::default(),
    };
    let listed = node.is_multiple_of(snapshot.states_every);
    let state = snapshot.states.get((node / snapshot.states_every) as usize).filter(|_| listed);
    let mut detail = NodeDetail {
        node,
        region: fabric.region(id) as u32,
        class: fabric.class(id) as u32,
        stake: world.stakes.get(id.index()).copied().unwrap_or(0),
        up_bps: rates.up_bps,
        down_bps: rates.down_bps,
        uplink_queue_ns: fabric.uplink_free(id).0.saturating_sub(now_ns),
        downlink_queue_ns: fabric.downlink_free(id).0.saturating_sub(now_ns),
        cpu_queue_ns: cpu.backlog_ns(now_ns),
        uplink_busy_ns: traffic.up_busy_ns,
        cpu_busy_ns: cpu.busy_ns,
        sent_bytes: traffic.sent,
        received_bytes: traffic.received,
        duplicates: fabric.duplicates(id),
        first_arrivals: traffic.first_arrivals,
        votes_due: duty.due,
        votes_timely: duty.timely,
        state: state.copied().unwrap_or_default(),
        way: Vec::new(),
        queues: Default::default(),
        links: Vec::new(),
        mesh: Vec::new(),
    };
    world.gossip.mesh_of(id, &mut |peer| detail.mesh.push(peer));
    (detail.queues, detail.links) = links::at_node(world, now_ns, id);
    detail.way = way(world, request, snapshot, node).unwrap_or_default();
    if let (Some(last), true) = (detail.way.last(), detail.state.voted_ns > 0) {
        let (part, start_ns, end_ns) = (Part::VoteWait, last.end_ns, detail.state.voted_ns);
        if end_ns > start_ns {
            detail.way.push(Step { node, part, start_ns, end_ns });
        }
    }
    detail
}

/// The chain of causes from the slot's start to execution at `node` (or arrival, if that is all there is).
fn way<D: Dissemination>(
    world: &World<D>,
    request: &Request,
    snapshot: &Snapshot,
    node: u32,
) -> Option<Vec<Step>> {
    let at = snapshot.focus?;
    let block = &snapshot.blocks[at];
    let records = records(world, request, snapshot)?;
    let of = |node: u32| records.binary_search_by_key(&node, |r| r.node).ok().map(|i| &records[i]);
    // What the node itself did after the block was there: offline, waiting for blobs or its cores, executing.
    let own = |record: &NodeBlockRecord| {
        let times = record.arrived_ns.zip(record.verified_ns).filter(|_| record.sender.is_some());
        let ns = times.map_or(0, |(arrived, verified)| verified.saturating_sub(arrived));
        let (offline, executing) = (record.offline_ns.min(ns), record.executing_ns.min(ns));
        let blobs = record.blobs_ns.min(ns - offline - executing);
        let waiting = ns - offline - blobs - executing;
        [
            (Part::Offline, offline),
            (Part::Protocol, blobs),
            (Part::CpuWait, waiting),
            (Part::Execution, executing),
        ]
    };
    let to_arrived = |record: &NodeBlockRecord| {
        let mut parts = record.to_verified;
        own(record).iter().for_each(|(part, ns)| parts.0[*part as usize] -= ns);
        parts
    };
    let mut path = vec![of(node)?];
    path[0].arrived_ns?;
    while let Some(sender) = path[path.len() - 1].sender {
        path.push(of(sender)?);
    }
    path.reverse();
    let mut clock_ns = block.slot_start_ns;
    let mut steps = Vec::new();
    let mut push = |node: u32, part: Part, ns: u64| {
        if ns > 0 {
            steps.push(Step { node, part, start_ns: clock_ns, end_ns: clock_ns + ns });
            clock_ns += ns;
        }
    };
    let mut before = to_arrived(path[0]);
    push(path[0].node, Part::LeaderWait, before.get(Part::LeaderWait));
    push(path[0].node, Part::Build, before.get(Part::Build));
    for pair in path.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let after = to_arrived(to);
        for part in HOP {
            let ns = difference(&after, &before, part);
            let at_receiver = matches!(part, Part::Propagation | Part::QueueDown | Part::SerialisationDown);
            push(if at_receiver { to.node } else { from.node }, part, ns);
        }
        before = after;
    }
    own(path[path.len() - 1]).into_iter().for_each(|(part, ns)| push(node, part, ns));
    Some(steps)
}

/// The shown block at the nodes, as far as it has got; in the order of nodes.
fn records<'a, D: Dissemination>(
    world: &'a World<D>,
    request: &Request,
    snapshot: &Snapshot,
) -> Option<Cow<'a, [NodeBlockRecord]>> {
    let at = snapshot.focus?;
    let block = &snapshot.blocks[at];
    match world.chains.get(request.chain as usize)? {
        ChainState::Slots(slots) if !slots.ledger.get(BlockIx(at as u32 + 1)).closed => {
            Some(Cow::Owned(archive::so_far(slots, &world.fabric, BlockIx(at as u32 + 1))))
        }
        ChainState::Slots(_) | ChainState::Broadcast(_) | ChainState::Fleet(_) => {
            let key = (request.chain, block.key.slot, block.key.proposer);
            world.archive.node_blocks.get(&key).map(|records| Cow::Borrowed(&records[..]))
        }
    }
}

fn difference(after: &Breakdown, before: &Breakdown, part: Part) -> u64 {
    after.get(part).saturating_sub(before.get(part))
}
