//! From votes to finality: aggregators collect their committee's votes and publish, nodes add up what they see.

use super::Slots;
use crate::chain::tree::BlockIx;
use crate::consensus::ledger::View;
use crate::consensus::votes::{Aggregate, Trigger};
use crate::consensus::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::message::MessageKind;

impl Slots {
    /// A vote reached its aggregator.
    pub fn on_vote<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        self.collect(host, now, node, number);
    }

    pub(super) fn collect<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let vote = self.votes[number as usize];
        let committee = self.schedule.committee(vote.voter, vote.slot);
        let key = (vote.slot, committee);
        let close_ns = u64::from(vote.slot) * self.plan.slot_ns + self.plan.aggregate_by_ns;
        if now.time.0 > close_ns {
            return;
        }
        if !self.collections.contains_key(&key) {
            let task = (self.chain, vote.slot << 10 | committee);
            host.task_timer(now, close_ns - now.time.0, node, timers::AGGREGATE, task);
        }
        let collection = self.collections.entry(key).or_default();
        if collection.closed {
            return;
        }
        let tally = collection.tallies.entry(vote.block).or_default();
        tally.stake += self.schedule.stake(vote.voter);
        let tally = *tally;
        let quorum = two_thirds(self.committee_stake(vote.slot, committee));
        if tally.published == 0 && tally.stake >= quorum {
            self.publish_aggregate(host, now, node, key, vote.block, Trigger::Quorum(number));
        }
    }

    fn committee_stake(&mut self, slot: u32, committee: u32) -> u64 {
        let schedule = &self.schedule;
        let nodes = self.nodes.len() as u32;
        let stakes = self.committee_stake.entry(slot).or_insert_with(|| {
            let mut stakes = vec![0; schedule.committees() as usize];
            for node in (0..nodes).map(NodeId) {
                stakes[schedule.committee(node, slot) as usize] += schedule.stake(node);
            }
            stakes
        });
        stakes[committee as usize]
    }

    /// An aggregator's deadline: publish what has not been published.
    pub fn on_aggregate_deadline<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let key = (number >> 10, number & 0x3ff);
        let Some(collection) = self.collections.get_mut(&key) else { return };
        collection.closed = true;
        let blocks: Vec<BlockIx> = collection.tallies.keys().copied().collect();
        for block in blocks {
            self.publish_aggregate(host, now, node, key, block, Trigger::Deadline);
        }
        self.collections.remove(&key);
        self.committee_stake.retain(|slot, _| *slot >= key.0);
    }

    fn publish_aggregate<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        key: (u32, u32),
        block: BlockIx,
        trigger: Trigger,
    ) {
        let collection = self.collections.get_mut(&key).expect("an open collection");
        let tally = collection.tallies.get_mut(&block).expect("a tally of the collection");
        let stake = tally.stake - tally.published;
        if stake == 0 {
            return;
        }
        tally.published = tally.stake;
        self.ledger.get_mut(block).votes_stake += stake;
        let number = self.aggregates.len() as u32;
        let members = (self.nodes.len() as u64).div_ceil(u64::from(self.plan.committees.max(1)));
        let bytes = self.plan.aggregate_bytes + members.div_ceil(8);
        let sequence = self.next_item(node);
        let kind = MessageKind::Aggregate;
        let item =
            host.fabric.create_item(now, node, sequence, kind, self.chain, number, bytes, self.tracked);
        self.aggregates.push(Aggregate {
            slot: key.0,
            block,
            stake,
            aggregator: node,
            published_ns: now.time.0,
            trigger,
            item: self.tracked.then_some(item),
        });
        host.publish(now, node, item);
        self.on_aggregate(host, now, node, number);
    }

    pub(super) fn on_aggregate<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let Aggregate { block, stake, .. } = self.aggregates[number as usize];
        host.fabric.witness(node, now.time.0 ^ stake.rotate_left(40));
        if let Some(view) = self.ledger.view_mut(block, node) {
            view.votes += stake;
        }
        self.close_quorum(node, block, now, number + 1);
    }

    /// Makes a block final for a node if it has executed it and seen two thirds of the stake vote for it, and
    /// with it its ancestors.
    pub(super) fn close_quorum(&mut self, node: NodeId, block: BlockIx, now: Moment, closing_aggregate: u32) {
        let quorum = two_thirds(self.schedule.total_stake());
        let View { verified_ns, votes, final_ns, .. } = self.ledger.view(block, node);
        if verified_ns == 0 || votes < quorum || final_ns > 0 {
            return;
        }
        let mut at = Some(block);
        while let Some(ix) = at {
            let Some(view) = self.ledger.view_mut(ix, node) else { break };
            if view.final_ns > 0 {
                break;
            }
            view.final_ns = now.time.0;
            view.closing_aggregate = closing_aggregate;
            view.closing_block = block.0;
            self.ledger.get_mut(ix).final_nodes += 1;
            self.notice(node, ix, true);
            at = self.ledger.tree.parent(ix);
        }
        let state = &mut self.nodes[node.index()];
        if self.ledger.id(block).slot > self.ledger.id(state.root).slot {
            state.root = block;
        }
    }
}

/// The least stake that is at least two thirds of `total`.
fn two_thirds(total: u64) -> u64 {
    (u128::from(total) * 2).div_ceil(3) as u64
}
