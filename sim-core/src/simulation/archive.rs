//! Takes the numbers out of blocks that nothing more can happen to, and lets the rest go.
//!
//! A block is closed when it is final at every node, when it is so old that nothing refers to it any more, or
//! when the run ends. Closing only reads; it never changes what happens next.

use super::world::ChainState;
use crate::chain::tree::BlockIx;
use crate::consensus::broadcast::Broadcast;
use crate::consensus::ledger::View;
use crate::consensus::slots::Slots;
use crate::consensus::votes::Trigger;
use crate::gossip::params::ForwardRule;
use crate::kernel::ids::NodeId;
use crate::net::fabric::Fabric;
use crate::net::items::Arrival;
use crate::observe::causes::{Checked, Holding, Spread, add_direct, follow};
use crate::observe::record::{BlockRecord, Breakdown, NodeBlockRecord, Part};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Slots after which an unfinished block is closed anyway.
const OPEN_SLOTS_MAX: u32 = 24;
/// About this many per-node records are kept in a run; above, every k-th node is observed.
const NODE_RECORDS_MAX: u64 = 200_000;

/// The first block that has to be closed.
const AFTER_GENESIS: usize = 1;

/// Records of closed blocks.
#[derive(Clone, Default)]
pub struct Archive {
    /// Blocks by (chain, slot, proposer).
    pub blocks: BTreeMap<(u32, u32, u32), BlockRecord>,
    /// Blocks at observed nodes.
    pub node_blocks: BTreeMap<(u32, u32, u32), Arc<Vec<NodeBlockRecord>>>,
    /// Every k-th node is observed.
    pub observed_every: u32,
    /// Slots of warm-up.
    warm_up: u32,
    /// By chain: what may still have to be closed.
    open: BTreeMap<u32, Open>,
}

/// What of a chain is not closed yet: looking for what is finished passes over the rest.
#[derive(Clone, Default)]
struct Open {
    /// Blocks or payloads below this have been looked at; those of them that are open are listed.
    seen: u32,
    /// Open ones, in order.
    numbers: Vec<u32>,
}

impl Open {
    /// The open ones in `all`, in order; put back what stays open.
    fn take(&mut self, all: Range<usize>) -> Vec<u32> {
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.extend(self.seen.max(all.start as u32)..all.end as u32);
        self.seen = all.end as u32;
        numbers
    }
}

impl Archive {
    /// An empty archive for a run of `nodes` nodes and `blocks` blocks over all chains.
    pub fn new(nodes: u32, blocks: u64, warm_up: u32) -> Self {
        let every = (u64::from(nodes) * blocks).div_ceil(NODE_RECORDS_MAX).max(1);
        Self { observed_every: every as u32, warm_up, ..Self::default() }
    }

    /// Closes what is finished.
    pub fn close_finished(&mut self, chain: &mut ChainState, fabric: &mut Fabric) {
        match chain {
            ChainState::Slots(slots) => {
                let newest = slots.ledger.id(slots.ledger.last()).slot;
                let mut open = self.open(slots.chain, AFTER_GENESIS..slots.ledger.len());
                // In order, and stopping at the first open one: a block may have been made final by a later
                // one, whose numbers must still be there.
                let unfinished = open.iter().position(|&number| {
                    let ix = BlockIx(number);
                    let finished = slots.ledger.get(ix).final_nodes == fabric.node_count();
                    !finished && slots.ledger.id(ix).slot + OPEN_SLOTS_MAX > newest
                });
                for number in open.drain(..unfinished.unwrap_or(open.len())) {
                    self.close_block(slots, BlockIx(number), fabric);
                }
                self.still_open(slots.chain, open);
            }
            ChainState::Broadcast(broadcast) => {
                let mut open = self.open(broadcast.chain, 0..broadcast.payloads.len());
                open.retain(|&number| {
                    let item = broadcast.payloads[number as usize].item.expect("open until it is closed");
                    let finished = fabric.item(item).holders == fabric.node_count();
                    if finished {
                        self.close_payload(broadcast, number as usize, fabric);
                    }
                    !finished
                });
                self.still_open(broadcast.chain, open);
            }
            ChainState::Fleet(_) => {}
        }
    }

    /// Closes everything.
    pub fn close_all(&mut self, chain: &mut ChainState, fabric: &mut Fabric) {
        match chain {
            ChainState::Slots(slots) => {
                for number in self.open(slots.chain, AFTER_GENESIS..slots.ledger.len()) {
                    self.close_block(slots, BlockIx(number), fabric);
                }
            }
            ChainState::Broadcast(broadcast) => {
                for number in self.open(broadcast.chain, 0..broadcast.payloads.len()) {
                    self.close_payload(broadcast, number as usize, fabric);
                }
            }
            ChainState::Fleet(_) => {}
        }
    }

    /// The open ones among a chain's blocks or payloads.
    fn open(&mut self, chain: u32, all: Range<usize>) -> Vec<u32> {
        self.open.entry(chain).or_default().take(all)
    }

    fn still_open(&mut self, chain: u32, numbers: Vec<u32>) {
        self.open.entry(chain).or_default().numbers = numbers;
    }

    fn close_block(&mut self, slots: &mut Slots, ix: BlockIx, fabric: &mut Fabric) {
        let chain = Chronicle { slots, fabric };
        let story = chain.tell(ix);
        let record = chain.record(ix, self.warm_up);
        let key = (record.chain, record.slot, record.proposer);
        let nodes = chain.node_records(ix, &story, self.observed_every);
        // A block whose proposer failed while building it never was.
        if record.published_ns > 0 || !fabric.was_down(NodeId(record.proposer)) {
            self.blocks.insert(key, record);
            self.node_blocks.insert(key, Arc::new(nodes));
        }
        let views = std::mem::take(&mut slots.ledger.get_mut(ix).views);
        slots.settle(ix);
        if fabric.had_outage() {
            let nodes = (0..views.len()).filter(|n| views[*n].verified_ns == 0).map(|n| NodeId(n as u32));
            slots.note_lacking(ix, nodes.filter(|n| fabric.was_down(*n)));
        }
        let times = |node: NodeId| views.get(node.index()).map_or([0; 2], |v| [v.verified_ns, v.final_ns]);
        let absent = |node: NodeId| fabric.was_down(node);
        slots.source.confirm(ix, &slots.ledger.get(ix).block.body, times, absent);
        let block = slots.ledger.get_mut(ix);
        block.closed = true;
        if let Some(item) = block.item.take() {
            fabric.take_arrivals(item);
        }
        let of_block = slots.aggregates.iter_mut().filter(|a| a.block == ix);
        for item in of_block.filter_map(|a| a.item.take()) {
            fabric.take_arrivals(item);
        }
    }

    fn close_payload(&mut self, broadcast: &mut Broadcast, number: usize, fabric: &mut Fabric) {
        let payload = &mut broadcast.payloads[number];
        let item = payload.item.take().expect("a payload is closed once");
        let arrivals = fabric.take_arrivals(item);
        let bytes = fabric.item(item).bytes;
        let (slot, proposer) = (number as u32 + 1, payload.producer.0);
        let key = (broadcast.chain, slot, proposer);
        let start = payload.published_ns;
        let mut nodes = Vec::new();
        if !arrivals.is_empty() {
            let spread = follow(fabric, item, &arrivals, payload.producer, Breakdown::default(), &Checked);
            for node in (0..arrivals.len()).step_by(self.observed_every as usize) {
                let arrived_ns = spread.arrived[node].map(|_| arrivals[node].delivered_ns);
                let to_verified = spread.arrived[node].unwrap_or_default();
                let hops = spread.hops[node];
                let sender = sender(&arrivals[node], node, payload.producer);
                let node = node as u32;
                let (verified_ns, final_ns, to_final) = (None, None, None);
                let record = NodeBlockRecord {
                    block: 0,
                    node,
                    arrived_ns,
                    verified_ns,
                    final_ns,
                    sender,
                    hops,
                    executing_ns: 0,
                    offline_ns: 0,
                    blobs_ns: 0,
                    to_verified,
                    to_final,
                };
                nodes.push(record);
            }
        }
        let since = arrivals.iter().filter(|a| a.delivered_ns > 0).map(|a| a.delivered_ns - start);
        let record = BlockRecord {
            chain: broadcast.chain,
            slot,
            height: slot,
            proposer,
            parent: None,
            canonical: true,
            measured: slot > broadcast.warm_up,
            slot_start_ns: start,
            published_ns: start,
            size_bytes: bytes,
            transactions: 0,
            gas_used: 0,
            gas_limit: 0,
            base_fee_wei: 0,
            recorded: None,
            verified_header: None,
            execution: Default::default(),
            fees: Default::default(),
            votes_stake: 0,
            total_stake: 0,
            timely_stake: 0,
            arrival_quantiles_ns: quantiles(since.collect(), fabric.node_count()),
            verified_quantiles_ns: [None; 4],
            final_quantiles_ns: [None; 4],
        };
        self.blocks.insert(key, record);
        self.node_blocks.insert(key, Arc::new(nodes));
    }
}

/// Reads one chain's open blocks.
struct Chronicle<'a> {
    slots: &'a Slots,
    fabric: &'a Fabric,
}

/// A block's way to every node.
struct Story {
    spread: Spread,
    /// By node: from the slot's start to execution.
    verified: Vec<Option<Breakdown>>,
}

/// Holding a block means executing it.
struct Executed<'a> {
    slots: &'a Slots,
    ix: BlockIx,
    fabric: &'a Fabric,
}

impl Holding for Executed<'_> {
    fn explain(&self, node: NodeId, from_ns: u64, until_ns: u64, breakdown: &mut Breakdown) {
        let down_ns = self.fabric.down_ns(node, from_ns, until_ns);
        let ns = until_ns - from_ns - down_ns;
        let done_ns = self.slots.ledger.get(self.ix).views[node.index()].verified_ns;
        let execution = self.slots.executed_in(self.ix, node, self.fabric.class(node), done_ns).min(ns);
        let blobs_ns = self.slots.blobs_awaited_until(self.ix, node).map_or(0, |t| t.saturating_sub(from_ns));
        let blobs_ns = blobs_ns.min(ns - execution);
        breakdown.add(Part::Offline, down_ns);
        breakdown.add(Part::Protocol, blobs_ns);
        breakdown.add(Part::Execution, execution);
        breakdown.add(Part::CpuWait, ns - execution - blobs_ns);
    }
}

impl Chronicle<'_> {
    fn slot_start_ns(&self, ix: BlockIx) -> u64 {
        self.slots.ledger.get(ix).block.header.slot_start_ns
    }

    fn arrivals(&self, ix: BlockIx) -> &[Arrival] {
        let item = self.slots.ledger.get(ix).item;
        item.map_or(&[], |slot| self.fabric.items().arrivals(slot))
    }

    /// The way of a block to every node.
    fn tell(&self, ix: BlockIx) -> Story {
        let block = self.slots.ledger.get(ix);
        let arrivals = self.arrivals(ix);
        let producer = NodeId(block.block.header.id.proposer);
        if arrivals.is_empty() {
            let spread = Spread { arrived: Vec::new(), hops: Vec::new() };
            return Story { spread, verified: Vec::new() };
        }
        let mut at_producer = Breakdown::default();
        at_producer.add(Part::LeaderWait, block.build_start_ns - self.slot_start_ns(ix));
        at_producer.add(Part::Build, block.published_ns - block.build_start_ns);
        let (fabric, item) = (self.fabric, block.item.expect("an item has arrivals"));
        let executed = Executed { slots: self.slots, ix, fabric };
        let spread = match self.slots.forward_rule() {
            ForwardRule::AfterHeaderCheck { .. } => {
                follow(fabric, item, arrivals, producer, at_producer, &Checked)
            }
            ForwardRule::AfterExecution => follow(fabric, item, arrivals, producer, at_producer, &executed),
        };
        let verified = (0..arrivals.len()).map(|n| {
            let mut breakdown = spread.arrived[n]?;
            let verified_ns = block.views[n].verified_ns;
            if verified_ns == 0 {
                return None;
            }
            if n != producer.index() {
                let delivered_ns = arrivals[n].delivered_ns;
                executed.explain(NodeId(n as u32), delivered_ns, verified_ns, &mut breakdown);
            }
            Some(breakdown)
        });
        let verified = verified.collect();
        Story { spread, verified }
    }

    fn record(&self, ix: BlockIx, warm_up: u32) -> BlockRecord {
        let block = self.slots.ledger.get(ix);
        let header = &block.block.header;
        let start = header.slot_start_ns;
        let deadline = start + self.slots.plan.attest_by_ns;
        let nodes = self.fabric.node_count();
        let times = |get: fn(&View) -> u64| {
            block.views.iter().map(get).filter(|t| *t > 0).map(|t| t - start).collect()
        };
        let arrivals = self.arrivals(ix).iter().filter(|a| a.delivered_ns > 0);
        let in_time =
            block.views.iter().enumerate().filter(|(_, v)| v.verified_ns > 0 && v.verified_ns <= deadline);
        let schedule = &self.slots.schedule;
        let timely_stake = in_time.map(|(n, _)| schedule.stake(NodeId(n as u32))).sum();
        BlockRecord {
            chain: header.id.chain,
            slot: header.id.slot,
            height: header.height,
            proposer: header.id.proposer,
            parent: None,
            canonical: false,
            measured: header.id.slot > warm_up,
            slot_start_ns: start,
            published_ns: block.published_ns,
            size_bytes: block.block.size_bytes,
            transactions: block.transactions,
            gas_used: header.gas_used,
            gas_limit: header.gas_limit,
            base_fee_wei: header.base_fee_wei,
            recorded: block.recorded.as_ref().map(|(name, _)| name.clone()),
            verified_header: block.recorded.as_ref().map(|(_, verified)| *verified),
            execution: block.execution.clone(),
            fees: block.fees.clone(),
            votes_stake: block.votes_stake,
            total_stake: schedule.total_stake(),
            timely_stake,
            arrival_quantiles_ns: quantiles(arrivals.map(|a| a.delivered_ns - start).collect(), nodes),
            verified_quantiles_ns: quantiles(times(|v| v.verified_ns), nodes),
            final_quantiles_ns: quantiles(times(|v| v.final_ns), nodes),
        }
    }

    fn node_records(&self, ix: BlockIx, story: &Story, every: u32) -> Vec<NodeBlockRecord> {
        let mut finals = Finals { chronicle: self, stories: BTreeMap::new(), spreads: BTreeMap::new() };
        self.node_records_with(ix, story, every, |node| finals.final_breakdown(ix, node))
    }

    fn node_records_with(
        &self,
        ix: BlockIx,
        story: &Story,
        every: u32,
        mut to_final: impl FnMut(NodeId) -> Option<Breakdown>,
    ) -> Vec<NodeBlockRecord> {
        let block = self.slots.ledger.get(ix);
        let arrivals = self.arrivals(ix);
        let producer = NodeId(block.block.header.id.proposer);
        let observed = (0..arrivals.len()).step_by(every as usize);
        let records = observed.map(|n| {
            let arrived = story.spread.arrived[n];
            let view = block.views[n];
            let own = |part: Part| match (story.verified[n], arrived) {
                (Some(verified), Some(arrived)) => verified.get(part) - arrived.get(part),
                _ => 0,
            };
            NodeBlockRecord {
                block: 0,
                node: n as u32,
                arrived_ns: arrived.map(|_| arrivals[n].delivered_ns),
                verified_ns: (view.verified_ns > 0).then_some(view.verified_ns),
                final_ns: (view.final_ns > 0).then_some(view.final_ns),
                sender: sender(&arrivals[n], n, producer),
                hops: story.spread.hops[n],
                executing_ns: own(Part::Execution),
                offline_ns: own(Part::Offline),
                blobs_ns: own(Part::Protocol),
                to_verified: story.verified[n].or(arrived).unwrap_or_default(),
                to_final: to_final(NodeId(n as u32)),
            }
        });
        records.collect()
    }
}

/// An open block at every node as far as it got, without the causes of finality.
pub fn so_far(slots: &Slots, fabric: &Fabric, ix: BlockIx) -> Vec<NodeBlockRecord> {
    let chronicle = Chronicle { slots, fabric };
    chronicle.node_records_with(ix, &chronicle.tell(ix), 1, |_| None)
}

/// Who sent the first copy.
fn sender(arrival: &Arrival, node: usize, producer: NodeId) -> Option<u32> {
    (arrival.delivered_ns > 0 && node != producer.index()).then(|| arrival.from().0)
}

/// Chains of causes to finality; the ways of blocks and aggregates are followed once.
struct Finals<'a> {
    chronicle: &'a Chronicle<'a>,
    stories: BTreeMap<BlockIx, Story>,
    spreads: BTreeMap<u32, Option<Spread>>,
}

impl Finals<'_> {
    /// From the start of the block's slot until it was final at the node.
    fn final_breakdown(&mut self, ix: BlockIx, node: NodeId) -> Option<Breakdown> {
        let view = *self.chronicle.slots.ledger.get(ix).views.get(node.index())?;
        if view.final_ns == 0 {
            return None;
        }
        let by = BlockIx(view.closing_block);
        let mut breakdown = match view.closing_aggregate.checked_sub(1) {
            None => self.story(by).verified.get(node.index()).copied().flatten()?,
            Some(aggregate) => {
                let spread = self.aggregate(aggregate)?;
                spread.arrived[node.index()]?
            }
        };
        // A block that only a descendant made final waited for that one's slot.
        let chronicle = self.chronicle;
        breakdown.add(Part::Protocol, chronicle.slot_start_ns(by) - chronicle.slot_start_ns(ix));
        Some(breakdown)
    }

    fn story(&mut self, ix: BlockIx) -> &Story {
        let chronicle = self.chronicle;
        self.stories.entry(ix).or_insert_with(|| chronicle.tell(ix))
    }

    fn aggregate(&mut self, number: u32) -> Option<&Spread> {
        if !self.spreads.contains_key(&number) {
            let spread = self.follow_aggregate(number);
            self.spreads.insert(number, spread);
        }
        self.spreads[&number].as_ref()
    }

    fn follow_aggregate(&mut self, number: u32) -> Option<Spread> {
        let chronicle = self.chronicle;
        let (slots, fabric) = (chronicle.slots, chronicle.fabric);
        let aggregate = slots.aggregates[number as usize];
        let item = aggregate.item?;
        let mut base = Breakdown::default();
        match aggregate.trigger {
            Trigger::Deadline => {
                base.add(
                    Part::Aggregation,
                    aggregate.published_ns - chronicle.slot_start_ns(aggregate.block),
                );
            }
            Trigger::Quorum(vote) => {
                let vote = slots.votes[vote as usize];
                let voter = vote.voter.index();
                base = self.story(vote.block).verified.get(voter).copied().flatten()?;
                let verified_ns = slots.ledger.get(vote.block).views[voter].verified_ns;
                base.add(Part::VoteWait, vote.cast_ns - verified_ns);
                let mut ready_ns = vote.cast_ns;
                if let Some(message) = vote.message {
                    let message = fabric.direct(message);
                    add_direct(&mut base, message, fabric.direct_down_start(message));
                    ready_ns = message.delivered_ns;
                }
                base.add(Part::Aggregation, aggregate.published_ns - ready_ns);
            }
        }
        let arrivals = fabric.items().arrivals(item);
        Some(follow(fabric, item, arrivals, aggregate.aggregator, base, &Checked))
    }
}

/// The 50th, 90th, 95th and 100th percentile over all nodes by nearest rank; `None` where too few got there.
fn quantiles(mut times: Vec<u64>, nodes: u32) -> [Option<u64>; 4] {
    times.sort_unstable();
    [50, 90, 95, 100].map(|percent| {
        let rank = (u64::from(nodes) * percent).div_ceil(100).max(1);
        times.get(rank as usize - 1).copied()
    })
}
