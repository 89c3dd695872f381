//! What sequencers tell: gateways what became of their transactions, followers what is in a block.
//!
//! **Captures.** One message a block to each gateway with something in it, of the size of the receipts; one to each
//! follower with the block. **Leaves out.** Receipts of others that a gateway might ask for. **Parameters**
//! [`RECEIPT_BYTES`] and the plan's followers. May import what `rollup` may. Must never be true: that a gateway
//! knows what became of a transaction before it was told.

use super::fleet::{Answer, Fleet};
use super::record::Fate;
use super::sequencer::Building;
use crate::execution::host::Host;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, draw};
use crate::net::message::{CONTROL_BYTES, MessageKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A transaction's receipt in a confirmation, bytes: hash, status, gas, position (our estimate).
pub(super) const RECEIPT_BYTES: u64 = 64;
/// Entity of the draws that place followers.
const FOLLOWERS: u64 = 6;
/// Tells blocks for followers from confirmations.
const FEED: u64 = 1 << 39;

impl Fleet {
    pub(super) fn write(&mut self, answer: Answer) -> u32 {
        match self.answers_free.pop() {
            Some(number) => {
                self.answers[number as usize] = answer;
                number
            }
            None => {
                self.answers.push(answer);
                self.answers.len() as u32 - 1
            }
        }
    }

    /// Sends a block to the rollup's followers.
    pub(super) fn feed<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        block: &Building,
    ) {
        let (number, height) = (self.active[place].number, self.active[place].totals.blocks);
        let from = self.hosts[self.host_index(number) as usize].node;
        let nodes = u64::from(host.fabric.node_count());
        let entity = FOLLOWERS | u64::from(self.chain) << 8 | u64::from(number) << 16;
        let first = draw(self.common.seed, Purpose::PLACEMENT, entity, 0) % nodes;
        let bytes = CONTROL_BYTES + block.raw.len() as u64;
        // Places are drawn at random, so neighbours in number are anywhere.
        let others = (0..nodes).map(|step| NodeId(((first + step) % nodes) as u32)).filter(|to| *to != from);
        for to in others.take(self.common.plan.followers as usize) {
            let durations = Some(Arc::clone(&block.durations));
            let letter = self.write(Answer { block: durations, ..Answer::default() });
            let round = FEED ^ height << 24 ^ u64::from(number);
            host.fabric.send_direct(now, from, to, MessageKind::Block, bytes, self.chain, letter, round);
        }
    }

    /// Drops transactions, each with its reason, and tells their gateways.
    pub(super) fn refuse<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        refused: &[(u32, u8)],
    ) {
        self.tally.dropped += refused.len() as u64;
        for (tx, reason) in refused {
            self.txs[*tx as usize].fate = Fate::Dropped(*reason);
        }
        let txs: Vec<u32> = refused.iter().map(|(tx, _)| *tx).collect();
        self.answer(host, now, place, &txs, true);
    }

    /// One message to each gateway with something among `txs`.
    pub(super) fn answer<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        txs: &[u32],
        refused: bool,
    ) {
        let mut by_gateway: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
        for tx in txs {
            let gateway = self.txs[*tx as usize].gateway;
            // Arbitrageurs learn of their inclusion with what they are shown of the block.
            if refused || !self.agents.sits_at(gateway) {
                by_gateway.entry(gateway).or_default().push(*tx);
            }
        }
        for (gateway, txs) in by_gateway {
            self.answer_one(host, now, place, (gateway, txs), refused, 0);
        }
    }

    /// Tells a gateway what became of some of its transactions; `again` tells a repeated answer from the first.
    pub(super) fn answer_one<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        (gateway, txs): (u16, Vec<u32>),
        refused: bool,
        again: u64,
    ) {
        let from = self.hosts[self.host_index(self.active[place].number) as usize].node;
        let bytes = CONTROL_BYTES + RECEIPT_BYTES * txs.len() as u64;
        let first = self.txs[txs[0] as usize].sequence;
        let to = self.gateways[gateway as usize].node;
        let number = self.write(Answer { txs, refused, ..Answer::default() });
        if to == from {
            self.on_answer(host, now, to, number);
        } else {
            let searcher = self.searchers.sits_at(gateway);
            let provider = self.providers.sits_at(gateway);
            let round = u64::from(first) << 1 | u64::from(refused) | u64::from(searcher) << 37;
            let round = round | u64::from(provider) << 36 | again;
            host.fabric.send_direct(now, from, to, MessageKind::Block, bytes, self.chain, number, round);
        }
    }
}
