//! Takes snapshots of a running world: reads, never touches.
//!
//! What cannot change any more (closed blocks, what their users saw) is computed once and shared between
//! snapshots; what is open is counted anew. A snapshot of 10,000 nodes costs about a millisecond.

use super::archive;
use super::snapshot::{
    BlockKey, BlockSummary, Confirmation, NO_SENDER, NodeState, Progress, Request, Snapshot,
};
use super::world::{ChainState, World};
use crate::chain::tree::BlockIx;
use crate::consensus::broadcast::Broadcast;
use crate::consensus::slots::Slots;
use crate::gossip::Dissemination;
use crate::kernel::digest::DigestFold;
use crate::kernel::ids::NodeId;
use crate::observe::record::{BlockRecord, NodeBlockRecord};
use crate::workload::Source;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes snapshots and remembers what need not be computed again.
///
/// Use one observer for one simulation; going back in time is noticed, and what was remembered forgotten.
#[derive(Default)]
pub struct Observer {
    chain: u32,
    last_ns: u64,
    /// By position in the ledger: summaries of closed blocks.
    done: Vec<Option<Arc<BlockSummary>>>,
    /// By position in the ledger: who completed two thirds of the stake, found while the block was open.
    closing: BTreeMap<usize, Closing>,
    /// By position in the ledger: percentiles while the block was open, over the nodes that were up.
    open: BTreeMap<usize, [[Option<u64>; 4]; 3]>,
    /// Nodes that are up now.
    up: u32,
    confirmation: Arc<Confirmation>,
    class_counts: Vec<u32>,
    scratch: Vec<u64>,
}

/// Who completed two thirds of the stake, and where the time went.
#[derive(Clone, Copy)]
struct Closing {
    node: u32,
    spent: crate::observe::record::Breakdown,
}

impl Observer {
    /// Forgets what was computed. Needed after a change of the past that time alone does not show.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Fills `into` from a world.
    pub(super) fn observe<D: Dissemination>(
        &mut self,
        world: &World<D>,
        request: &Request,
        into: &mut Snapshot,
    ) {
        let now_ns = world.now().0;
        if now_ns < self.last_ns || request.chain != self.chain {
            self.forget();
        }
        (self.last_ns, self.chain) = (now_ns, request.chain);
        let nodes = world.fabric.node_count();
        if self.class_counts.is_empty() {
            for node in (0..nodes).map(NodeId) {
                let class = world.fabric.class(node);
                if self.class_counts.len() <= class {
                    self.class_counts.resize(class + 1, 0);
                }
                self.class_counts[class] += 1;
            }
        }
        self.up = nodes;
        if world.fabric.had_outage() {
            self.up = (0..nodes).filter(|n| !world.fabric.is_down(NodeId(*n))).count() as u32;
        }
        let mut fold = DigestFold::new();
        world.fabric.digests().for_each(|d| fold.absorb(d.value()));
        into.now_ns = now_ns;
        into.events = world.events;
        into.pending_events = world.fabric.scheduler.len() as u64;
        into.heap_bytes = world.fabric.heap_bytes() as u64;
        into.digest = fold.finish();
        into.chain = request.chain;
        into.nodes = nodes;
        into.blocks.clear();
        into.states.clear();
        into.regions.clear();
        (into.states_every, into.copies_under_way) = (1, 0);
        into.focus = None;
        (into.node, into.link, into.groups, into.fleet) = (None, None, None, None);
        match world.chains.get(request.chain as usize) {
            Some(ChainState::Slots(slots)) => self.slots(world, slots, request, into),
            Some(ChainState::Broadcast(broadcast)) => self.broadcast(world, broadcast, request, into),
            Some(ChainState::Fleet(_)) | None => {}
        }
        into.confirmation = Arc::clone(&self.confirmation);
        if let Some(node) = request.node.filter(|n| *n < nodes) {
            into.node = Some(Box::new(super::detail::describe(world, request, into, node)));
        }
        if let Some(request) = request.fleet {
            into.fleet = super::detail::fleet(&world.chains, request).map(Box::new);
        }
        let inside = |ends: &[u32; 2]| ends[0] != ends[1] && ends.iter().all(|n| *n < nodes);
        if let Some(ends) = request.link.filter(inside) {
            into.link = Some(Box::new(super::detail::link(world, request, into, ends)));
        }
        if let Some(group) = request.group.as_ref().filter(|g| !g.is_empty()) {
            into.groups = super::detail::groups(world, request, into, group).map(Box::new);
        }
    }

    fn slots<D: Dissemination>(
        &mut self,
        world: &World<D>,
        slots: &Slots,
        request: &Request,
        into: &mut Snapshot,
    ) {
        for ix in slots.ledger.handles().skip(1) {
            let summary = match self.done.get(ix.index()).and_then(Option::as_ref) {
                Some(done) => Arc::clone(done),
                None => {
                    let summary = Arc::new(self.summarise(world, slots, ix));
                    if summary.closed {
                        self.close(slots, ix, &summary);
                    }
                    summary
                }
            };
            into.blocks.push(summary);
        }
        into.focus = focus(request, &into.blocks);
        let Some(ix) = into.focus.map(|at| BlockIx(at as u32 + 1)) else { return };
        let block = slots.ledger.get(ix);
        let key = into.blocks[ix.index() - 1].key;
        if block.closed {
            let records = world.archive.node_blocks.get(&(request.chain, key.slot, key.proposer));
            from_records(records.map_or(&[], |r| r), world.archive.observed_every, request, into);
        } else {
            let every = into.nodes.div_ceil(request.states_max.max(1)).max(1);
            into.states_every = every;
            let arrivals = block.item.map_or(&[][..], |item| world.fabric.items().arrivals(item));
            into.copies_under_way = block.item.map_or(0, |item| world.fabric.item(item).in_flight);
            for node in (0..into.nodes).step_by(every as usize) {
                let mut state = NodeState { sender: NO_SENDER, ..NodeState::default() };
                if let Some(arrival) = arrivals.get(node as usize).filter(|a| a.delivered_ns > 0) {
                    state.arrived_ns = arrival.delivered_ns;
                    if let Some(item) = block.item.filter(|_| node != key.proposer) {
                        state.sender = arrival.from().0;
                        state.sent_ns = world.fabric.legs(item, NodeId(node), arrival).up_start_ns;
                    }
                }
                let view = block.views[node as usize];
                (state.executed_ns, state.final_ns) = (view.verified_ns, view.final_ns);
                into.states.push(state);
            }
        }
        let first = slots.votes.partition_point(|v| v.slot < key.slot);
        let votes = slots.votes[first..].iter().take_while(|v| v.slot == key.slot);
        for vote in votes.filter(|v| v.block == ix) {
            if let Some(state) = listed(&mut into.states, into.states_every, vote.voter.0) {
                state.voted_ns = vote.cast_ns;
            }
        }
        count_regions(world, into);
    }

    fn broadcast<D: Dissemination>(
        &mut self,
        world: &World<D>,
        broadcast: &Broadcast,
        request: &Request,
        into: &mut Snapshot,
    ) {
        for (number, payload) in broadcast.payloads.iter().enumerate() {
            if let Some(done) = self.done.get(number + 1).and_then(Option::as_ref) {
                into.blocks.push(Arc::clone(done));
                continue;
            }
            let key = BlockKey { slot: number as u32 + 1, proposer: payload.producer.0 };
            let mut summary = BlockSummary {
                key,
                height: key.slot,
                slot_start_ns: payload.published_ns,
                build_start_ns: payload.published_ns,
                published_ns: payload.published_ns,
                size_bytes: broadcast.plan.payload_bytes,
                measured: key.slot > broadcast.warm_up,
                closed: payload.item.is_none(),
                ..BlockSummary::default()
            };
            summary.progress.nodes = into.nodes;
            match payload.item {
                Some(item) => {
                    let arrivals = world.fabric.items().arrivals(item);
                    let times = arrivals.iter().map(|a| a.delivered_ns);
                    summary.network_ns = self.quantiles(times, payload.published_ns, into.nodes);
                    summary.progress.arrived = world.fabric.item(item).holders;
                }
                None => {
                    let id = (broadcast.chain, key.slot, key.proposer);
                    if let Some(record) = world.archive.blocks.get(&id) {
                        summary.network_ns = record.arrival_quantiles_ns;
                        summary.progress.arrived = into.nodes;
                    }
                    if let Some(records) = world.archive.node_blocks.get(&id) {
                        let closing = closing(records, &world.stakes);
                        summary.closing_node = closing.map(|c| c.node);
                        summary.spent = closing.map(|c| c.spent);
                    }
                }
            }
            let summary = Arc::new(summary);
            if summary.closed {
                self.remember(number + 1, &summary);
            }
            into.blocks.push(summary);
        }
        into.focus = focus(request, &into.blocks);
        let Some(at) = into.focus else { return };
        let (key, payload) = (into.blocks[at].key, &broadcast.payloads[at]);
        match payload.item {
            Some(item) => {
                let every = into.nodes.div_ceil(request.states_max.max(1)).max(1);
                into.states_every = every;
                into.copies_under_way = world.fabric.item(item).in_flight;
                let arrivals = world.fabric.items().arrivals(item).iter().enumerate();
                for (node, arrival) in arrivals.step_by(every as usize) {
                    let mut state = NodeState { sender: NO_SENDER, ..NodeState::default() };
                    if arrival.delivered_ns > 0 && node as u32 != key.proposer {
                        state.sender = arrival.from().0;
                        state.sent_ns = world.fabric.legs(item, NodeId(node as u32), arrival).up_start_ns;
                    }
                    state.arrived_ns = arrival.delivered_ns;
                    into.states.push(state);
                }
            }
            None => {
                let records = world.archive.node_blocks.get(&(request.chain, key.slot, key.proposer));
                from_records(records.map_or(&[], |r| r), world.archive.observed_every, request, into);
            }
        }
        count_regions(world, into);
    }

    fn summarise<D: Dissemination>(&mut self, world: &World<D>, slots: &Slots, ix: BlockIx) -> BlockSummary {
        let block = slots.ledger.get(ix);
        let header = &block.block.header;
        let nodes = world.fabric.node_count();
        let key = BlockKey { slot: header.id.slot, proposer: header.id.proposer };
        let mut summary = BlockSummary {
            key,
            height: header.height,
            parent: header.parent.map(|p| BlockKey { slot: p.slot, proposer: p.proposer }),
            slot_start_ns: header.slot_start_ns,
            build_start_ns: block.build_start_ns,
            published_ns: block.published_ns,
            size_bytes: block.block.size_bytes,
            transactions: block.transactions,
            gas_used: header.gas_used,
            gas_limit: header.gas_limit,
            base_fee_wei: header.base_fee_wei,
            execution_ns: self.median_duration(&block.durations_ns, nodes),
            serial_ns: block.execution.serial_ns,
            scheduled_ns: block.execution.scheduled_ns,
            cores: block.execution.cores,
            aborts: block.execution.aborts,
            votes_stake: block.votes_stake,
            total_stake: slots.schedule.total_stake(),
            measured: slots.is_measured(header.id.slot),
            closed: block.closed,
            ..BlockSummary::default()
        };
        summary.progress.nodes = nodes;
        summary.progress.finalised = block.final_nodes;
        if block.closed {
            let id = (slots.chain, key.slot, key.proposer);
            if let Some(record) = world.archive.blocks.get(&id) {
                from_record(&mut summary, record);
            }
            // Over all nodes, those that were down included, a percentile may have no value.
            if let Some([network, executed, finalised]) = self.open.remove(&ix.index()) {
                let fill = |own: &mut [Option<u64>; 4], seen: [Option<u64>; 4]| {
                    own.iter_mut().zip(seen).for_each(|(own, seen)| *own = own.or(seen));
                };
                fill(&mut summary.network_ns, network);
                fill(&mut summary.executed_ns, executed);
                fill(&mut summary.final_ns, finalised);
            }
            let records = world.archive.node_blocks.get(&id);
            let closing = records.and_then(|records| closing(records, &world.stakes));
            let closing = closing.or_else(|| self.closing.remove(&ix.index()));
            (summary.closing_node, summary.spent) = (closing.map(|c| c.node), closing.map(|c| c.spent));
            return summary;
        }
        let start = header.slot_start_ns;
        let arrivals = block.item.map_or(&[][..], |item| world.fabric.items().arrivals(item));
        let holders = block.item.map_or(0, |item| world.fabric.item(item).holders);
        summary.progress.arrived = holders;
        let (up, published) = (self.up, block.published_ns);
        summary.network_ns = self.quantiles(arrivals.iter().map(|a| a.delivered_ns), published, up);
        summary.executed_ns = self.quantiles(block.views.iter().map(|v| v.verified_ns), start, up);
        summary.progress.executed = self.scratch.len() as u32;
        summary.final_ns = self.quantiles(block.views.iter().map(|v| v.final_ns), start, up);
        self.open.insert(ix.index(), [summary.network_ns, summary.executed_ns, summary.final_ns]);
        let closing = self.closing.get(&ix.index()).copied().or_else(|| {
            let verified = block.views.iter().zip(world.stakes.iter()).filter(|(v, _)| v.verified_ns > 0);
            let stake: u128 = verified.map(|(_, stake)| u128::from(*stake)).sum();
            let reached = stake > 0 && stake * 3 >= u128::from(summary.total_stake) * 2;
            let found = reached.then(|| archive::so_far(slots, &world.fabric, ix))?;
            closing(&found, &world.stakes)
        });
        if let Some(found) = closing {
            self.closing.insert(ix.index(), found);
        }
        (summary.closing_node, summary.spent) = (closing.map(|c| c.node), closing.map(|c| c.spent));
        summary
    }

    /// A block is closed: its summary stays, and its users have seen what they will see.
    fn close(&mut self, slots: &Slots, ix: BlockIx, summary: &Arc<BlockSummary>) {
        self.remember(ix.index(), summary);
        let (Source::Users(users), true) = (&slots.source, summary.progress.finalised > 0) else { return };
        let confirmation = Arc::make_mut(&mut self.confirmation);
        for tx in slots.ledger.get(ix).block.body.transactions() {
            let fate = users.fate(*tx);
            let region = fate.region as usize;
            let regions = confirmation.included.len().max(region + 1);
            confirmation.included.resize_with(regions, Default::default);
            confirmation.finalised.resize_with(regions, Default::default);
            let [included_ns, final_ns] = users.user_saw(ix, fate);
            if let Some(ns) = included_ns {
                confirmation.included[region].add(ns.saturating_sub(fate.submitted_ns));
            }
            if let Some(ns) = final_ns {
                confirmation.finalised[region].add(ns.saturating_sub(fate.submitted_ns));
            }
        }
    }

    fn remember(&mut self, index: usize, summary: &Arc<BlockSummary>) {
        if self.done.len() <= index {
            self.done.resize(index + 1, None);
        }
        self.done[index] = Some(Arc::clone(summary));
    }

    /// The duration at the median node, ns.
    fn median_duration(&self, by_class: &[u64], nodes: u32) -> u64 {
        let mut classes: Vec<(u64, u32)> =
            by_class.iter().copied().zip(self.class_counts.iter().copied()).collect();
        classes.sort_unstable();
        let mut below = 0;
        for (ns, count) in classes {
            below += count;
            if below * 2 >= nodes {
                return ns;
            }
        }
        0
    }

    /// Percentiles over `nodes` nodes of the times that are not 0, since `start_ns`; leaves them in `scratch`.
    fn quantiles(&mut self, times: impl Iterator<Item = u64>, start_ns: u64, nodes: u32) -> [Option<u64>; 4] {
        self.scratch.clear();
        self.scratch.extend(times.filter(|t| *t > 0).map(|t| t.saturating_sub(start_ns)));
        let times = &mut self.scratch;
        [50, 90, 95, 100].map(|percent| {
            let rank = (u64::from(nodes) * percent).div_ceil(100).max(1) as usize;
            (rank <= times.len()).then(|| *times.select_nth_unstable(rank - 1).1)
        })
    }
}

/// About what a clone of a world holds for itself alone, bytes: what clones share (states, closed blocks'
/// nodes, topology) is not counted.
pub(super) fn checkpoint_bytes<D: Dissemination>(world: &World<D>) -> usize {
    let chains = world.chains.iter().map(|chain| match chain {
        ChainState::Slots(slots) => {
            let blocks = slots.ledger.handles().map(|ix| {
                let block = slots.ledger.get(ix);
                std::mem::size_of_val(block)
                    + block.views.len() * 32
                    + block.block.body.transactions().len() * 4
                    + block.execution.work.len() * 8
            });
            let users = match &slots.source {
                // Its fate, its place at the RPC node and in the pool; bodies are shared.
                Source::Users(users) => users.submitted() * 150,
                _ => 0,
            };
            blocks.sum::<usize>()
                + slots.votes.len() * size_of::<crate::consensus::votes::Vote>()
                + slots.aggregates.len() * size_of::<crate::consensus::votes::Aggregate>()
                + slots.duty.len() * 80
                + users
        }
        ChainState::Broadcast(broadcast) => {
            broadcast.payloads.len() * size_of::<crate::consensus::broadcast::Payload>()
        }
        ChainState::Fleet(fleet) => fleet.heap_bytes(),
    });
    world.fabric.heap_bytes()
        + world.cpus.len() * 16
        + world.archive.blocks.len() * size_of::<BlockRecord>()
        + chains.sum::<usize>()
}

/// Position of the block to show.
fn focus(request: &Request, blocks: &[Arc<BlockSummary>]) -> Option<usize> {
    let chosen = request.block.and_then(|key| blocks.iter().position(|b| b.key == key));
    chosen.or(blocks.len().checked_sub(1))
}

/// The listed state of a node.
fn listed(states: &mut [NodeState], every: u32, node: u32) -> Option<&mut NodeState> {
    node.is_multiple_of(every).then(|| states.get_mut((node / every) as usize)).flatten()
}

/// States of a closed block.
fn from_records(records: &[NodeBlockRecord], observed_every: u32, request: &Request, into: &mut Snapshot) {
    let further = (records.len() as u32).div_ceil(request.states_max.max(1)).max(1);
    into.states_every = observed_every.max(1) * further;
    into.states.extend(records.iter().step_by(further as usize).map(|r| NodeState {
        sent_ns: 0,
        arrived_ns: r.arrived_ns.unwrap_or(0),
        executed_ns: r.verified_ns.unwrap_or(0),
        voted_ns: 0,
        final_ns: r.final_ns.unwrap_or(0),
        sender: r.sender.unwrap_or(NO_SENDER),
        hops: r.hops as u16,
        down: false,
    }));
}

/// Times of a closed block.
fn from_record(summary: &mut BlockSummary, record: &BlockRecord) {
    let published = summary.published_ns.saturating_sub(summary.slot_start_ns);
    summary.network_ns = record.arrival_quantiles_ns.map(|ns| Some(ns?.saturating_sub(published)));
    summary.executed_ns = record.verified_quantiles_ns;
    summary.final_ns = record.final_quantiles_ns;
    let all = |q: [Option<u64>; 4], nodes: u32| if q[3].is_some() { nodes } else { 0 };
    summary.progress.arrived = all(record.arrival_quantiles_ns, summary.progress.nodes);
    summary.progress.executed = all(record.verified_quantiles_ns, summary.progress.nodes);
}

/// The node that completes two thirds of the stake, by the rule of `observe::verdict`.
fn closing(records: &[NodeBlockRecord], stakes: &[u64]) -> Option<Closing> {
    let stake = |r: &NodeBlockRecord| u128::from(stakes.get(r.node as usize).copied().unwrap_or(0));
    let total: u128 = records.iter().map(stake).sum();
    let weight = |r: &NodeBlockRecord| if total == 0 { 1 } else { stake(r) };
    let total = if total == 0 { records.len() as u128 } else { total };
    let time = |r: &&NodeBlockRecord| r.verified_ns.or(r.arrived_ns).map(|ns| (ns, r.node));
    let executes = records.iter().any(|r| r.verified_ns.is_some());
    let mut reached: Vec<&NodeBlockRecord> =
        records.iter().filter(|r| if executes { r.verified_ns } else { r.arrived_ns }.is_some()).collect();
    reached.sort_unstable_by_key(time);
    let mut sum = 0;
    reached.into_iter().find_map(|r| {
        sum += weight(r);
        (sum * 3 >= total * 2).then_some(Closing { node: r.node, spent: r.to_verified })
    })
}

/// Counts the listed nodes by region.
fn count_regions<D: Dissemination>(world: &World<D>, into: &mut Snapshot) {
    for (index, state) in into.states.iter_mut().enumerate() {
        let node = NodeId(index as u32 * into.states_every);
        state.down = world.fabric.is_down(node);
        let region = world.fabric.region(node);
        if into.regions.len() <= region {
            into.regions.resize(region + 1, Progress::default());
        }
        let count = &mut into.regions[region];
        count.nodes += 1;
        count.arrived += u32::from(state.arrived_ns > 0);
        count.executed += u32::from(state.executed_ns > 0);
        count.voted += u32::from(state.voted_ns > 0);
        count.finalised += u32::from(state.final_ns > 0);
    }
}
