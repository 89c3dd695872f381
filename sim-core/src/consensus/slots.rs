//! `Slots`: a proposer per slot, attestation before a deadline, aggregation, finality by two thirds.
//!
//! **Captures.** Time is divided into slots. The slot's proposer, drawn by stake, executes the block it builds
//! on its head and publishes it. Every node executes a block once it has the parent executed, and votes as
//! soon as the slot's own block is its head, or at the attestation deadline for whatever is. A vote travels to
//! its committee's aggregator; the aggregator publishes an aggregate when two thirds of its committee's stake
//! voted for one block, and at the aggregation deadline what else came in. A block is final for a node that
//! has executed it and seen votes of two thirds of all stake for it (its ancestors with it). The head follows
//! LMD-GHOST over the votes a node has seen, counting each slot's votes (a later vote does not cancel an
//! earlier one, which lies on the same branch unless the voter changed sides). A late block loses votes, and a
//! proposer that has not executed its predecessor in time builds on an older one: a fork.
//!
//! **Leaves out.** Epochs, justification in two steps, proposer boost, slashing, sampling of committees by
//! duty (every node with stake votes in every slot), equivocation. Votes that reach the aggregator after its
//! deadline are lost. Nodes that were down fetch the blocks they missed ([`catch_up`]).
//!
//! **Parameters.** [`SlotsPlan`]. **Source.** The shape is Ethereum's (consensus specification, phase 0: honest
//! validator), with a sub-slot aggregate so that finality follows the network and not the slot's timer.
//!
//! **Checked against.** Conservation of votes and the additive decomposition of time to finality, in tests.

mod aggregation;
mod catch_up;
mod changes;
pub mod offers;

use super::ledger::{GENESIS, Ledger, LedgerBlock};
use super::params::SlotsPlan;
use super::votes::{Aggregate, Collection, Vote};
use super::{Host, PassOn, RunError, timers};
use crate::chain::schedule::Schedule;
use crate::chain::tree::BlockIx;
use crate::gossip::Dissemination;
use crate::gossip::params::ForwardRule;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::items::Slot;
use crate::net::message::MessageKind;
use crate::workload::{BuildRequest, Source, Standpoint};
use std::collections::BTreeMap;

/// Up to this many nodes, first arrivals of aggregates are kept for the decomposition of time to finality.
pub const TRACKED_NODES_MAX: u32 = 5_000;

/// One chain's instance of the protocol.
#[derive(Clone)]
pub struct Slots {
    /// Number of the chain.
    pub chain: u32,
    /// Parameters.
    pub plan: SlotsPlan,
    /// Last slot with a proposal.
    pub last_slot: u32,
    /// Duties.
    pub schedule: Schedule,
    /// Blocks and what nodes know of them.
    pub ledger: Ledger,
    /// Where blocks' contents come from.
    pub source: Source,
    /// All votes.
    pub votes: Vec<Vote>,
    /// All aggregates.
    pub aggregates: Vec<Aggregate>,
    /// Votes due and cast in time, by node, after the warm-up.
    pub duty: Vec<Duty>,
    forward: ForwardRule,
    nodes: Vec<NodeState>,
    collections: BTreeMap<(u32, u32), Collection>,
    committee_stake: BTreeMap<u32, Vec<u64>>,
    first_measured_slot: u32,
    tracked: bool,
    /// Most gas in the blocks to come.
    gas_limit: u64,
    /// Executions that a change of execution met: their durations, ns.
    running: BTreeMap<(BlockIx, NodeId), u64>,
    repair: catch_up::Repair,
    /// Blobs and other parties' transactions, where the chain takes them.
    pub offers: Option<Box<offers::Offers>>,
}

/// A node's record of votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duty {
    /// Votes the node should have cast for the slot's block.
    pub due: u64,
    /// Votes it cast for it before the deadline.
    pub timely: u64,
}

/// What a node remembers between events.
#[derive(Clone, Debug)]
struct NodeState {
    head: BlockIx,
    /// Latest final block.
    root: BlockIx,
    voted_slot: u32,
    /// There are known blocks beside the head's branch: the head must be computed from votes.
    forked: bool,
    /// Blocks that wait for their parent.
    waiting: Vec<BlockIx>,
    /// Number of items made, for their content identity.
    items: u32,
    /// The node is down.
    down: bool,
    /// It came back and is to listen first, until then, ns.
    quiet_until_ns: u64,
}

impl Slots {
    /// An instance that has not started.
    #[allow(clippy::too_many_arguments, reason = "the parts of a chain, assembled in one place")]
    pub fn new(
        chain: u32,
        plan: SlotsPlan,
        forward: ForwardRule,
        schedule: Schedule,
        ledger: Ledger,
        source: Source,
        nodes: u32,
        (warm_up, blocks): (u32, u32),
    ) -> Self {
        let fresh = NodeState {
            head: GENESIS,
            root: GENESIS,
            voted_slot: 0,
            forked: false,
            waiting: Vec::new(),
            items: 0,
            down: false,
            quiet_until_ns: 0,
        };
        let gas_limit = ledger.get(GENESIS).block.header.gas_limit;
        Self {
            chain,
            plan,
            last_slot: warm_up + blocks,
            schedule,
            ledger,
            source,
            votes: Vec::new(),
            aggregates: Vec::new(),
            duty: vec![Duty::default(); nodes as usize],
            forward,
            nodes: vec![fresh; nodes as usize],
            collections: BTreeMap::new(),
            committee_stake: BTreeMap::new(),
            first_measured_slot: warm_up + 1,
            tracked: nodes <= TRACKED_NODES_MAX,
            gas_limit,
            running: BTreeMap::new(),
            repair: catch_up::Repair::default(),
            offers: None,
        }
    }

    /// Sets the first timers.
    pub fn start<D: Dissemination>(&mut self, host: &mut Host<'_, D>) {
        let start = Moment::default();
        for slot in 1..=self.last_slot {
            let at = u64::from(slot) * self.plan.slot_ns;
            host.timer(start, at, self.schedule.proposer(slot), timers::SLOT, self.chain);
        }
        for node in self.voters() {
            host.timer(start, self.plan.slot_ns + self.plan.attest_by_ns, node, timers::ATTEST, self.chain);
        }
        self.source.start(host, self.chain);
    }

    /// Messages that carry votes are kept for the decomposition of time to finality.
    pub fn keeps_vote_messages(&self) -> bool {
        self.tracked
    }

    /// Whether blocks of a slot count in the statistics.
    pub fn is_measured(&self, slot: u32) -> bool {
        slot >= self.first_measured_slot
    }

    /// When a block is passed on.
    pub fn forward_rule(&self) -> ForwardRule {
        self.forward
    }

    /// RPC nodes close their bundles.
    pub fn on_bundle<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId) {
        let sequence = self.next_item(node);
        let head = self.head(node);
        let base_fee_wei = self.ledger.get(head).block.header.base_fee_wei;
        let at = Standpoint { head, root: self.nodes[node.index()].root, base_fee_wei };
        self.source.on_bundle(host, now, node, self.chain, sequence, at);
    }

    fn voters(&self) -> impl Iterator<Item = NodeId> + use<> {
        let schedule = self.schedule.clone();
        (0..self.nodes.len() as u32).map(NodeId).filter(move |n| schedule.stake(*n) > 0)
    }

    /// The slot a moment lies in.
    pub fn slot_at(&self, now: Moment) -> u32 {
        (now.time.0 / self.plan.slot_ns) as u32
    }

    fn deadline_ns(&self, slot: u32) -> u64 {
        u64::from(slot) * self.plan.slot_ns + self.plan.attest_by_ns
    }

    // --- proposing -------------------------------------------------------------------------------------

    /// A slot begins at its proposer: build on the head.
    pub fn on_slot<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
    ) -> Result<(), RunError> {
        let slot = self.slot_at(now);
        if self.is_behind(node, now) {
            return Ok(());
        }
        let parent = self.head(node);
        let parent_header = self.ledger.get(parent).block.header.clone();
        let request = BuildRequest {
            chain: self.chain,
            slot,
            proposer: node,
            parent,
            slot_start_ns: now.time.0,
            gas_limit: self.gas_limit,
        };
        let contents = self.choose_offers(slot, parent);
        let reserved = contents.as_ref().map_or(0, offers::Contents::gas);
        let request = BuildRequest { gas_limit: self.gas_limit - reserved, ..request };
        let mut draft = self.source.build(&request, &parent_header, host.fabric)?;
        if let Some(contents) = &contents {
            contents.add_to(&mut draft, self.gas_limit);
        }
        let duration = draft.durations_ns[host.fabric.class(node)];
        let (start, end) = host.cpus[node.index()].run(now.time.0, duration);
        let after = draft.after;
        let block = LedgerBlock {
            transactions: draft.transactions,
            block: draft.block,
            recorded: draft.recorded,
            durations_ns: draft.durations_ns,
            earlier_ns: Vec::new(),
            trace: Some(draft.trace),
            execution: draft.execution,
            fees: draft.fees,
            build_start_ns: start,
            published_ns: 0,
            item: None,
            views: Vec::new(),
            final_nodes: 0,
            votes_stake: 0,
            closed: false,
        };
        let ix = self.ledger.insert(block, parent);
        self.source.built(ix, after);
        self.keep_contents(ix, contents);
        host.task_timer(now, end - now.time.0, node, timers::PROPOSE, (self.chain, ix.0));
        Ok(())
    }

    /// A block is built: publish it, and vote for it.
    pub fn on_propose<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        ix: BlockIx,
    ) {
        let sequence = self.next_item(node);
        let bytes = self.ledger.get(ix).block.size_bytes;
        let item =
            host.fabric.create_item(now, node, sequence, MessageKind::Block, self.chain, ix.0, bytes, true);
        let block = self.ledger.get_mut(ix);
        block.published_ns = now.time.0;
        block.item = Some(item);
        host.publish(now, node, item);
        self.publish_blobs(host, now, node, ix);
        self.verified(host, now, node, ix);
    }

    fn next_item(&mut self, node: NodeId) -> u32 {
        let items = &mut self.nodes[node.index()].items;
        *items += 1;
        // Several chains may make items at one node: the chain keeps their identities apart.
        *items << 8 | (self.chain & 0xff)
    }

    // --- receiving and executing -----------------------------------------------------------------------

    /// An item of this chain is complete at a node.
    pub fn on_item<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        slot: Slot,
    ) -> PassOn {
        let (kind, content) = {
            let item = host.fabric.item(slot);
            (item.kind, item.content)
        };
        match kind {
            MessageKind::Block => {
                self.on_block(host, now, node, BlockIx(content));
                match self.forward {
                    ForwardRule::AfterHeaderCheck { check_ns: 0 } => PassOn::Now,
                    ForwardRule::AfterHeaderCheck { check_ns } => PassOn::After(check_ns),
                    ForwardRule::AfterExecution => PassOn::Later,
                }
            }
            MessageKind::Aggregate => {
                self.on_aggregate(host, now, node, content);
                PassOn::Now
            }
            MessageKind::Blob => {
                self.on_blobs(host, now, node, BlockIx(content));
                PassOn::Now
            }
            _ => PassOn::Now,
        }
    }

    fn on_block<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId, ix: BlockIx) {
        let parent = self.ledger.tree.parent(ix).expect("a proposed block has a parent");
        let parent_is_verified = self.ledger.is_verified(parent, node);
        if parent_is_verified && self.has_blobs(host.fabric, node, ix) {
            self.execute(host, now, node, ix);
        } else {
            self.nodes[node.index()].waiting.push(ix);
            if !parent_is_verified && host.fabric.had_outage() {
                self.miss(host, now, node, ix);
            }
        }
    }

    fn execute<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId, ix: BlockIx) {
        let duration = self.ledger.get(ix).durations_ns[host.fabric.class(node)];
        let (_, end) = host.cpus[node.index()].run(now.time.0, duration);
        host.task_timer(now, end - now.time.0, node, timers::VERIFIED, (self.chain, ix.0));
    }

    /// A node has executed a block it received.
    pub fn on_verified<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        ix: BlockIx,
    ) {
        if !self.was_fetched(ix, node)
            && self.forward == ForwardRule::AfterExecution
            && let Some(item) = self.ledger.get(ix).item
        {
            let from = host.fabric.items().arrivals(item)[node.index()].from();
            host.gossip.forward(host.fabric, now, node, item, from);
        }
        self.verified(host, now, node, ix);
    }

    fn verified<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId, ix: BlockIx) {
        host.fabric.witness(node, now.time.0 ^ u64::from(self.ledger.id(ix).slot) << 32);
        match self.ledger.view_mut(ix, node) {
            Some(view) => view.verified_ns = now.time.0,
            None => self.supplied(ix, node),
        }
        let parent = self.ledger.tree.parent(ix);
        let state = &mut self.nodes[node.index()];
        if parent == Some(state.head) {
            state.head = ix;
        } else {
            state.forked = true;
        }
        let slot = self.ledger.id(ix).slot;
        let in_time = now.time.0 <= self.deadline_ns(slot);
        if in_time && self.nodes[node.index()].voted_slot < slot && self.head(node) == ix {
            self.vote(host, now, node, ix, slot);
        }
        self.notice(node, ix, false);
        self.close_quorum(node, ix, now, 0);
        let waiting = std::mem::take(&mut self.nodes[node.index()].waiting);
        let can_go =
            |w: &BlockIx| self.ledger.tree.parent(*w) == Some(ix) && self.has_blobs(host.fabric, node, *w);
        let (ready, waiting): (Vec<BlockIx>, Vec<BlockIx>) = waiting.into_iter().partition(can_go);
        self.nodes[node.index()].waiting = waiting;
        ready.into_iter().for_each(|child| self.execute(host, now, node, child));
    }

    // --- fork choice -----------------------------------------------------------------------------------

    /// The block a node would build on.
    pub fn head(&mut self, node: NodeId) -> BlockIx {
        let state = &self.nodes[node.index()];
        if !state.forked {
            return state.head;
        }
        let ledger = &self.ledger;
        let known = |ix: BlockIx| ledger.is_verified(ix, node);
        let weight = |ix: BlockIx| ledger.view(ix, node).votes;
        let head = ledger.tree.ghost_head(state.root, known, weight);
        let root = state.root;
        let newer = ledger.handles().skip(root.index());
        let beside = newer.filter(|ix| known(*ix) && ledger.tree.is_ancestor(root, *ix));
        let forked = beside.into_iter().any(|ix| !ledger.tree.is_ancestor(ix, head));
        let state = &mut self.nodes[node.index()];
        state.head = head;
        state.forked = forked;
        head
    }

    // --- voting ----------------------------------------------------------------------------------------

    /// The attestation deadline of the current slot at a node.
    pub fn on_attest<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId) {
        let slot = self.slot_at(now);
        if self.is_behind(node, now) {
            self.miss_votes(node, slot..=slot);
        } else if self.nodes[node.index()].voted_slot < slot {
            let head = self.head(node);
            self.vote(host, now, node, head, slot);
        }
        if slot < self.last_slot {
            host.timer(now, self.plan.slot_ns, node, timers::ATTEST, self.chain);
        }
    }

    fn vote<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        block: BlockIx,
        slot: u32,
    ) {
        self.nodes[node.index()].voted_slot = slot;
        let stake = self.schedule.stake(node);
        if stake == 0 {
            return;
        }
        if slot >= self.first_measured_slot {
            let duty = &mut self.duty[node.index()];
            duty.due += 1;
            duty.timely += u64::from(self.ledger.id(block).slot == slot);
        }
        let committee = self.schedule.committee(node, slot);
        let aggregator = self.schedule.aggregator(slot, committee);
        let number = self.votes.len() as u32;
        let vote = Vote { voter: node, slot, block, cast_ns: now.time.0, message: None };
        self.votes.push(vote);
        if aggregator == node {
            self.collect(host, now, node, number);
        } else {
            let bytes = self.plan.vote_bytes;
            let kind = MessageKind::Vote;
            let round = u64::from(slot);
            let message =
                host.fabric.send_direct(now, node, aggregator, kind, bytes, self.chain, number, round);
            self.votes[number as usize].message = Some(message);
        }
    }

    /// Transactions reached a proposer.
    pub fn on_transactions(&mut self, number: u32) {
        self.source.on_transactions(number);
    }
}
