//! Nodes that were down fetch what they missed.
//!
//! **Captures.** A node that receives a block whose parent it does not have asks the sender for the ancestors
//! it lacks: one request with what it has since its last final block, answered with the blocks themselves,
//! oldest first, at most [`BLOCKS_PER_ANSWER`] of them, each a message on the sender's uplink and the asking
//! node's downlink. It asks again, at most once a slot, as long as blocks come in that it cannot place. It
//! executes what it gets in order and then votes again. A node that came back listens for a slot before it
//! proposes or votes, and does neither while it is behind; its missed votes count as due. In a run without
//! outages nothing is ever lost, and nothing here happens.
//!
//! **Leaves out.** Snapshots, several sources at once, votes of the past (a later block's quorum makes them
//! final), peers that answer wrongly. What was being executed or built when a node failed is begun anew or
//! lost; what an aggregator had collected is lost.
//!
//! **Parameters.** [`BLOCKS_PER_ANSWER`], [`ROOT_BYTES`]. **Source.** Ethereum consensus specification, p2p
//! interface: `BeaconBlocksByRoot`, `MAX_REQUEST_BLOCKS_DENEB` = 128; 32-byte roots. The list of known blocks is
//! Bitcoin's block locator, written out.

use super::super::{Host, timers};
use super::Slots;
use crate::chain::tree::BlockIx;
use crate::gossip::Dissemination;
use crate::kernel::event::{Event, Moment};
use crate::kernel::ids::NodeId;
use crate::net::message::{CONTROL_BYTES, MessageKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Most blocks in one answer.
pub const BLOCKS_PER_ANSWER: usize = 128;
/// A block named in a request, bytes.
pub const ROOT_BYTES: u64 = 32;
/// A node counts as behind while a block of so many slots back still waits for its parent.
const BEHIND_SLOTS: u32 = 8;

/// Requests and repairs under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Repair {
    requests: Vec<Request>,
    /// When each node last asked, ns.
    asked_ns: BTreeMap<NodeId, u64>,
    /// Blocks that nodes have fetched and not yet executed.
    fetched: BTreeSet<(BlockIx, NodeId)>,
    /// Executions that an outage cut off.
    interrupted: BTreeSet<(NodeId, BlockIx)>,
}

/// A request for ancestors.
#[derive(Clone, Debug)]
struct Request {
    node: NodeId,
    /// The block whose ancestors are wanted.
    of: BlockIx,
    /// Blocks in later slots only.
    after_slot: u32,
    /// Of these, the node has these.
    known: Vec<BlockIx>,
}

impl Slots {
    /// A node came back and still listens, or has blocks it cannot place.
    pub(super) fn is_behind(&self, node: NodeId, now: Moment) -> bool {
        let state = &self.nodes[node.index()];
        if state.quiet_until_ns == 0 {
            return false;
        }
        let slot = self.slot_at(now);
        let recent = |ix: &BlockIx| self.ledger.id(*ix).slot + BEHIND_SLOTS >= slot;
        now.time.0 < state.quiet_until_ns || state.waiting.iter().any(recent)
    }

    /// Counts votes that were due in some slots and were not cast.
    pub(super) fn miss_votes(&mut self, node: NodeId, slots: RangeInclusive<u32>) {
        let first = self.first_measured_slot.max(self.nodes[node.index()].voted_slot + 1);
        let (from, to) = (first.max(*slots.start()), self.last_slot.min(*slots.end()));
        if self.schedule.stake(node) > 0 && from <= to {
            self.duty[node.index()].due += u64::from(to - from + 1);
            self.nodes[node.index()].voted_slot = to;
        }
    }

    /// A node has `ix` but not its parent: unless it is on the way, ask the one `ix` came from.
    pub(super) fn miss<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        ix: BlockIx,
    ) {
        let Some(item) = self.ledger.get(ix).item else { return };
        let asked_ns = self.repair.asked_ns.get(&node).copied();
        let lately = asked_ns.is_some_and(|ns| now.time.0 < ns + self.plan.slot_ns);
        let waits = |b: &BlockIx| !self.ledger.is_verified(*b, node) && self.has_body(host, node, *b);
        let gap = self.ledger.tree.ancestors(ix).skip(1).find(|b| !waits(b));
        if lately || gap.is_none_or(|b| self.ledger.is_verified(b, node)) {
            return;
        }
        let from = host.fabric.items().arrivals(item)[node.index()].from();
        let root = self.nodes[node.index()].root;
        let after_slot = self.ledger.id(root).slot;
        // By slot and not by handle: handles follow the order of creation, which is no content.
        let newer = self.ledger.handles().filter(|b| self.ledger.id(*b).slot > after_slot);
        let known: Vec<BlockIx> = newer.filter(|b| self.has_body(host, node, *b)).collect();
        let bytes = CONTROL_BYTES + ROOT_BYTES * known.len() as u64;
        let number = self.repair.requests.len() as u32;
        self.repair.requests.push(Request { node, of: ix, after_slot, known });
        self.repair.asked_ns.insert(node, now.time.0);
        let round = u64::from(self.ledger.id(ix).slot);
        host.fabric.send_direct(now, node, from, MessageKind::Control, bytes, self.chain, number, round);
    }

    /// The node holds the block, executed or not.
    fn has_body<D: Dissemination>(&self, host: &Host<'_, D>, node: NodeId, ix: BlockIx) -> bool {
        self.ledger.is_verified(ix, node)
            || self.ledger.get(ix).item.is_some_and(|item| host.fabric.has(node, item))
            || self.repair.fetched.contains(&(ix, node))
    }

    /// A request for ancestors reached a node: it sends those it has.
    pub fn on_request<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let request = self.repair.requests[number as usize].clone();
        let above = self.ledger.tree.ancestors(request.of).skip(1);
        let wanted = above.take_while(|ix| self.ledger.id(*ix).slot > request.after_slot);
        let mut blocks: Vec<BlockIx> =
            wanted.filter(|ix| !request.known.contains(ix) && self.has_body(host, node, *ix)).collect();
        blocks.reverse();
        for ix in blocks.into_iter().take(BLOCKS_PER_ANSWER) {
            let bytes = self.ledger.get(ix).block.size_bytes;
            let (to, round) = (request.node, u64::from(self.ledger.id(ix).slot));
            host.fabric.send_direct(now, node, to, MessageKind::Block, bytes, self.chain, ix.0, round);
        }
    }

    /// A block that was asked for is complete at a node, in the direct message `message`.
    pub fn on_fetched<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        ix: BlockIx,
        message: u32,
    ) {
        if self.has_body(host, node, ix) {
            return;
        }
        if let Some(item) = self.ledger.get(ix).item {
            host.fabric.obtain(node, item, message);
        }
        self.repair.fetched.insert((ix, node));
        self.on_block(host, now, node, ix);
    }

    /// A node has executed a closed block.
    pub(super) fn supplied(&mut self, ix: BlockIx, node: NodeId) {
        self.ledger.supply(ix, node);
    }

    /// The node has executed a block it had fetched: others have it, so it is not passed on.
    pub(super) fn was_fetched(&mut self, ix: BlockIx, node: NodeId) -> bool {
        self.repair.fetched.remove(&(ix, node))
    }

    /// The node has fetched the block and not yet executed it.
    pub(super) fn is_fetched(&self, ix: BlockIx, node: NodeId) -> bool {
        self.repair.fetched.contains(&(ix, node))
    }

    /// A block is closed although nodes that were down have not executed it.
    pub fn note_lacking(&mut self, ix: BlockIx, nodes: impl Iterator<Item = NodeId>) {
        for node in nodes {
            self.ledger.note_lacking(ix, node);
        }
    }

    /// A node goes down.
    pub fn fail(&mut self, node: NodeId) {
        self.nodes[node.index()].down = true;
    }

    /// A task of a node that went down will not be done.
    pub fn abandon(&mut self, node: NodeId, timer: u8, number: u32) {
        match timer {
            timers::VERIFIED => drop(self.repair.interrupted.insert((node, BlockIx(number)))),
            timers::AGGREGATE => drop(self.collections.remove(&(number >> 10, number & 0x3ff))),
            // A block that was being built is lost with its slot.
            _ => {}
        }
    }

    /// A node is back: it executes what it has and listens.
    pub fn recover<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId) {
        let state = &mut self.nodes[node.index()];
        state.down = false;
        state.quiet_until_ns = now.time.0 + self.plan.slot_ns;
        self.repair.asked_ns.remove(&node);
        let blocks = (node, BlockIx(0))..=(node, BlockIx(u32::MAX));
        let again: Vec<_> = self.repair.interrupted.range(blocks).copied().collect();
        for (node, ix) in again {
            self.repair.interrupted.remove(&(node, ix));
            self.execute(host, now, node, ix);
        }
        if let Some(users) = self.source.users_mut() {
            users.resume(node, now.time.0);
        }
    }

    /// Moves a periodic timer of a node that was down to its next turn at `now_ns` or later; `None` if there
    /// is none. `event` is what was pending when it failed.
    pub fn next_turn(&mut self, mut event: Event, now_ns: u64) -> Option<Event> {
        let attest = event.aux() == timers::ATTEST;
        let period_ns = if attest { self.plan.slot_ns } else { self.source.users_mut()?.bundle_ns() };
        let turns = now_ns.saturating_sub(event.time.0).div_ceil(period_ns);
        if attest && turns > 0 {
            let first = (event.time.0 / period_ns) as u32;
            self.miss_votes(event.destination(), first..=first + turns as u32 - 1);
        }
        event.time.0 += turns * period_ns;
        (event.time.0 / self.plan.slot_ns <= u64::from(self.last_slot)).then_some(event)
    }

    /// The canonical chain at the end: the head of the node with the most stake that is up and not behind,
    /// genesis first.
    pub fn canonical(&mut self) -> Vec<BlockIx> {
        let sound = |n: &NodeId| {
            let state = &self.nodes[n.index()];
            !state.down && (state.quiet_until_ns == 0 || state.waiting.is_empty())
        };
        let nodes = (0..self.nodes.len() as u32).map(NodeId);
        let heaviest = nodes.max_by_key(|n| (sound(n), self.schedule.stake(*n), std::cmp::Reverse(n.0)));
        let head = self.head(heaviest.expect("at least one node"));
        self.ledger.tree.canonical_chain(head)
    }
}
