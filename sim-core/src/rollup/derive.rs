//! Nodes that derive a rollup from its L1: they take nobody's word, only what was posted.
//!
//! **Captures.** Of each rollup [`FleetPlan::derivers`](super::params::FleetPlan) nodes. When such a node has executed an L1 block with
//! a batch of its rollup, it needs the batch's bytes. Calldata came with the block, and where nodes keep whole blobs they
//! have those, too. Where a node has only its columns of a blob, it asks one that had it whole to offer or to propose it, the batch's own node or
//! the block's proposer, for the blobs, whole and over the network; if nothing comes in [`PATIENCE_NS`], the other of the two, each time twice
//! as patient. Then it executes the blocks which the batch completes, one after the other, at the price of its own
//! hardware and on the cores that it shares with all else it does. Batches are taken in the order in which the node
//! executed their L1 blocks. What it derives belongs to the L1 block: of a batch in a block that loses nothing counts as
//! derived, and it is derived again where the winning chain holds it.
//!
//! **Leaves out.** Blobs put together from columns of many nodes; checking them against their commitments, decompressing (a
//! few ms); following one head only: a node derives from every L1 block it executes. **Parameters** the number of nodes; the
//! size of a request is that of an announcement. **Source** the OP Stack specification (the safe head is derived from the
//! L1 alone), EIP-7594 (custody of columns). **Checked against** the order of labels, the sequencer's own states and the wait on a quiet
//! network in closed form (`tests/rollup_derivers.rs`).

use super::fleet::{Fleet, NONE};
use super::record::{DerivationRecord, RollupsRecord};
use crate::chain::blob::Sampling;
use crate::chain::fee_market::blob::BLOB_BYTES;
use crate::chain::tree::BlockIx;
use crate::consensus::slots::Slots;
use crate::consensus::slots::offers::{Notice, OFFER_BYTES};
use crate::execution::host::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, draw};
use crate::net::message::{CONTROL_BYTES, MessageKind};
use parallel_evm::B256;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// After so long without an answer a node asks somebody else, ns (our assumption).
pub const PATIENCE_NS: u64 = 10_000_000_000;
/// Patience is doubled so often at most.
const DOUBLINGS_MAX: u32 = 6;
/// Entity of the draws that place these nodes.
const DERIVERS: u64 = 11;
/// Entity of the draws that choose whom to ask first.
const HOLDERS: u64 = 12;
/// Tells these messages from others of a node.
const LETTER: u64 = 1 << 38;

/// What to derive, and how far nodes are.
#[derive(Clone, Debug, Default)]
pub(super) struct Derivation {
    /// By rollup: blocks that are not wholly in closed batches.
    open: BTreeMap<u32, VecDeque<Piece>>,
    /// By batch.
    contents: BTreeMap<u32, Content>,
    /// By transaction of a block that two batches share: the batch that completes it.
    split: BTreeMap<u32, u32>,
    /// L1 blocks whose batches are known.
    known: BTreeSet<BlockIx>,
    /// By L1 block and node that has not executed it: the batches to derive from it there.
    due: BTreeMap<(BlockIx, NodeId), Vec<u32>>,
    fetches: Vec<Fetch>,
    /// By node and post.
    fetch_of: BTreeMap<(NodeId, u32), u32>,
    works: Vec<Work>,
    /// By rollup and node: what waits for its bytes, in order.
    queues: BTreeMap<(u32, NodeId), VecDeque<u32>>,
}

/// A block of a rollup, or a part of one that was confirmed.
#[derive(Clone, Debug)]
struct Piece {
    txs: Vec<u32>,
    /// Its transactions that are in no closed batch.
    left: usize,
    /// Execution by hardware class, ns.
    durations: Vec<u64>,
    height: u64,
    state: B256,
}

/// What a batch completes.
#[derive(Clone, Debug, Default)]
struct Content {
    /// Execution by hardware class, ns; empty: it completes no block.
    durations: Vec<u64>,
    blocks: u32,
    transactions: u32,
    /// Of the last block.
    height: u64,
    state: B256,
}

/// The blobs of a post on their way to a node.
#[derive(Clone, Debug)]
struct Fetch {
    node: NodeId,
    post: u32,
    holders: [NodeId; 2],
    attempts: u32,
    here_ns: Option<u64>,
}

/// A batch in an L1 block, for one node.
#[derive(Clone, Debug)]
struct Work {
    node: NodeId,
    batch: u32,
    block: BlockIx,
    fetch: u32,
    l1_ns: u64,
    here_ns: Option<u64>,
    derived_ns: Option<u64>,
    execution_ns: u64,
}

impl Content {
    fn add(&mut self, piece: &Piece) {
        if self.durations.is_empty() {
            self.durations = vec![0; piece.durations.len()];
        }
        self.durations.iter_mut().zip(&piece.durations).for_each(|(sum, ns)| *sum += ns);
        self.blocks += 1;
        self.transactions += piece.txs.len() as u32;
        (self.height, self.state) = (piece.height, piece.state);
    }
}

impl Derivation {
    /// A block of a rollup counts and is on its way into batches.
    fn holds(&mut self, rollup: u32, piece: Piece) {
        self.open.entry(rollup).or_default().push_back(piece);
    }

    /// Bytes it holds, open blocks not counted.
    pub fn heap_bytes(&self) -> usize {
        self.works.capacity() * size_of::<Work>() + self.fetches.capacity() * size_of::<Fetch>()
    }

    /// A batch holds the next `count` transactions of its rollup.
    fn close(&mut self, rollup: u32, batch: u32, mut count: usize) {
        let Some(open) = self.open.get_mut(&rollup) else { return };
        let content = self.contents.entry(batch).or_default();
        while let Some(piece) = open.front_mut().filter(|piece| piece.left <= count) {
            count -= piece.left;
            if piece.left < piece.txs.len() {
                self.split.extend(piece.txs.iter().map(|tx| (*tx, batch)));
            }
            content.add(piece);
            open.pop_front();
        }
        if let Some(piece) = open.front_mut().filter(|_| count > 0) {
            piece.left -= count;
            self.split.extend(piece.txs.iter().map(|tx| (*tx, NONE)));
        }
    }
}

impl Fleet {
    fn is_derived(&self) -> bool {
        self.common.plan.derivers > 0
    }

    /// The nodes that derive a rollup. Places are drawn at random, so neighbours in number are anywhere.
    fn derivers(&self, rollup: u32, nodes: u32) -> impl Iterator<Item = NodeId> {
        let entity = DERIVERS | u64::from(self.chain) << 8 | u64::from(rollup) << 16;
        let first = draw(self.common.seed, Purpose::PLACEMENT, entity, 0) % u64::from(nodes);
        let host = self.hosts[self.host_index(rollup) as usize].node;
        let all = (0..u64::from(nodes)).map(move |step| NodeId(((first + step) % u64::from(nodes)) as u32));
        all.filter(move |node| *node != host).take(self.common.plan.derivers as usize)
    }

    /// A sequencer's block counts: what executing it takes elsewhere.
    pub(super) fn note_block(&mut self, place: usize, txs: &[u32], durations: &[u64]) {
        if self.is_derived() {
            let rollup = &self.active[place];
            let (number, height, state) = (rollup.number, rollup.totals.blocks, rollup.state.id());
            let (txs, durations) = (txs.to_vec(), durations.to_vec());
            self.derivation.holds(number, Piece { left: txs.len(), txs, durations, height, state });
        }
    }

    /// A batch was closed over the next `count` transactions of its rollup.
    pub(super) fn note_batch(&mut self, rollup: u32, batch: u32, count: usize) {
        if self.is_derived() {
            self.derivation.close(rollup, batch, count);
        }
    }

    /// A proposer's batch is one whole block.
    pub(super) fn note_based(
        &mut self,
        batch: u32,
        transactions: usize,
        durations: Vec<u64>,
        (height, state): (u32, B256),
    ) {
        if self.is_derived() {
            let (transactions, height) = (transactions as u32, height.into());
            let content = Content { durations, blocks: 1, transactions, height, state };
            self.derivation.contents.insert(batch, content);
        }
    }

    /// A node has executed an L1 block, or holds it final without: it derives what is in it for it.
    pub(super) fn derive<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &Slots,
        now: Moment,
        notice: Notice,
    ) {
        if !self.is_derived() {
            return;
        }
        let Notice { node, block, .. } = notice;
        self.find_due(host.fabric.node_count(), l1, block);
        for batch in self.derivation.due.remove(&(block, node)).unwrap_or_default() {
            let (post, rollup) = {
                let batch = &self.batches[batch as usize];
                (batch.post, batch.rollup)
            };
            let fetch = self.fetch(host, l1, now, (node, post, block));
            let work = self.derivation.works.len() as u32;
            let (l1_ns, here_ns, derived_ns) = (now.time.0, None, None);
            let new = Work { node, batch, block, fetch, l1_ns, here_ns, derived_ns, execution_ns: 0 };
            self.derivation.works.push(new);
            self.derivation.queues.entry((rollup, node)).or_default().push_back(work);
            self.go_on(host, now, (rollup, node));
        }
    }

    /// Notes who has to derive what from an L1 block; the same whoever asks first.
    fn find_due(&mut self, nodes: u32, l1: &Slots, block: BlockIx) {
        let Some(market) = l1.offers.as_ref().filter(|_| self.derivation.known.insert(block)) else { return };
        let mine = market.contents(block).offers.iter().filter(|o| o.id.0 == self.chain).map(|o| o.number);
        let is_void = |post: &u32| self.based.as_ref().is_some_and(|based| based.is_void(block, *post));
        let posts: Vec<u32> =
            mine.filter(|post| !self.posts[*post as usize].is_proof && !is_void(post)).collect();
        for post in posts {
            for batch in self.posts[post as usize].batches.clone() {
                let derivers: Vec<NodeId> =
                    self.derivers(self.batches[batch as usize].rollup, nodes).collect();
                for node in derivers {
                    self.derivation.due.entry((block, node)).or_default().push(batch);
                }
            }
        }
    }

    // --- bytes -----------------------------------------------------------------------------------------

    /// A node needs the bytes of a post.
    fn fetch<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &Slots,
        now: Moment,
        (node, post, block): (NodeId, u32, BlockIx),
    ) -> u32 {
        if let Some(known) = self.derivation.fetch_of.get(&(node, post)) {
            return *known;
        }
        let offer = &self.posts[post as usize].offer;
        let sampled = l1.offers.as_ref().is_some_and(|m| matches!(m.plan.sampling, Sampling::Columns(_)));
        let mut holders = [offer.host, NodeId(l1.ledger.id(block).proposer)];
        let has_it = offer.blobs == 0 || !sampled || holders.contains(&node);
        let entity = HOLDERS | u64::from(self.chain) << 8 | u64::from(node.0) << 16;
        if draw(self.common.seed, Purpose::PLACEMENT, entity, offer.id.1 << 32 ^ u64::from(offer.id.2)) & 1
            > 0
        {
            holders.reverse();
        }
        let number = self.derivation.fetches.len() as u32;
        let here_ns = has_it.then_some(now.time.0);
        self.derivation.fetches.push(Fetch { node, post, holders, attempts: 0, here_ns });
        self.derivation.fetch_of.insert((node, post), number);
        self.ask(host, now, number);
        number
    }

    /// A node asks for blobs, unless they have come.
    pub(super) fn ask<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let fetch = &mut self.derivation.fetches[number as usize];
        if fetch.here_ns.is_some() {
            return;
        }
        let (node, attempts) = (fetch.node, fetch.attempts);
        let to = fetch.holders[attempts as usize % 2];
        fetch.attempts += 1;
        let bytes = CONTROL_BYTES + OFFER_BYTES;
        let round = self.letter_round(number, false);
        host.fabric.send_direct(now, node, to, MessageKind::Blob, bytes, self.chain, number, round);
        let patience_ns = PATIENCE_NS << attempts.min(DOUBLINGS_MAX);
        host.task_timer(now, patience_ns, node, timers::FETCH, (self.chain, number));
    }

    /// What tells a request or its answer from others between the two nodes.
    fn letter_round(&self, number: u32, is_answer: bool) -> u64 {
        let fetch = &self.derivation.fetches[number as usize];
        let (_, whose, count) = self.posts[fetch.post as usize].offer.id;
        let name = (whose & 0xf_ffff) << 16 ^ u64::from(count & 0xfff) << 4;
        LETTER | name ^ u64::from(fetch.attempts & 7) << 1 ^ u64::from(is_answer)
    }

    /// A request for blobs is at one that has them, or they are where they were asked for.
    pub(super) fn on_blobs<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let fetch = &mut self.derivation.fetches[number as usize];
        let post = &self.posts[fetch.post as usize];
        if fetch.node != node {
            let (to, bytes) = (fetch.node, CONTROL_BYTES + u64::from(post.offer.blobs) * BLOB_BYTES);
            let round = self.letter_round(number, true);
            host.fabric.send_direct(now, node, to, MessageKind::Blob, bytes, self.chain, number, round);
        } else if fetch.here_ns.is_none() {
            fetch.here_ns = Some(now.time.0);
            let rollups: Vec<u32> =
                post.batches.iter().map(|batch| self.batches[*batch as usize].rollup).collect();
            rollups.into_iter().for_each(|rollup| self.go_on(host, now, (rollup, node)));
        }
    }

    // --- blocks ----------------------------------------------------------------------------------------

    /// Executes what has its bytes, in order.
    fn go_on<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, of: (u32, NodeId)) {
        let (class, node) = (host.fabric.class(of.1), of.1);
        let Derivation { queues, works, fetches, contents, .. } = &mut self.derivation;
        let Some(queue) = queues.get_mut(&of) else { return };
        while let Some(number) = queue.front().copied() {
            let work = &mut works[number as usize];
            if fetches[work.fetch as usize].here_ns.is_none() {
                return;
            }
            queue.pop_front();
            work.here_ns = Some(now.time.0);
            let durations = contents.get(&work.batch).map(|content| &content.durations);
            work.execution_ns = durations.and_then(|ns| ns.get(class)).copied().unwrap_or(0);
            let (_, end_ns) = host.cpus[node.index()].run(now.time.0, work.execution_ns);
            host.task_timer(now, end_ns - now.time.0, node, timers::DERIVED, (self.chain, number));
        }
    }

    /// A node has executed what a batch completes.
    pub(super) fn on_derived<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let work = &mut self.derivation.works[number as usize];
        work.derived_ns = Some(now.time.0);
        let batch = &self.batches[work.batch as usize];
        host.fabric.witness(work.node, now.time.0 ^ u64::from(batch.rollup) << 40 ^ u64::from(batch.number));
    }

    // --- afterwards ------------------------------------------------------------------------------------

    /// The batch with which a transaction's block is complete.
    pub(super) fn completing_batch(&self, tx: usize) -> u32 {
        self.derivation.split.get(&(tx as u32)).copied().unwrap_or(self.txs[tx].batch)
    }

    /// By batch: when each of its nodes had derived it from the winning chain, ns, in the order of time.
    pub(super) fn derived_times(&self, canonical: &[BlockIx]) -> BTreeMap<u32, Vec<u64>> {
        let winning: BTreeSet<BlockIx> = canonical.iter().copied().collect();
        let mut times: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for work in self.derivation.works.iter().filter(|work| winning.contains(&work.block)) {
            times.entry(work.batch).or_default().extend(work.derived_ns);
        }
        times.values_mut().for_each(|times| times.sort_unstable());
        times
    }

    pub(super) fn record_derivations(&self, l1: &Slots, canonical: &[BlockIx], into: &mut RollupsRecord) {
        let winning: BTreeSet<BlockIx> = canonical.iter().copied().collect();
        let nothing = Content::default();
        let record = |work: &Work| {
            let batch = &self.batches[work.batch as usize];
            let content = self.derivation.contents.get(&work.batch).unwrap_or(&nothing);
            DerivationRecord {
                chain: self.chain,
                rollup: batch.rollup,
                number: batch.number,
                node: work.node.0,
                slot: l1.ledger.id(work.block).slot,
                canonical: winning.contains(&work.block),
                l1_ns: work.l1_ns,
                here_ns: work.here_ns,
                derived_ns: work.derived_ns,
                execution_ns: work.execution_ns,
                blocks: content.blocks,
                transactions: content.transactions,
                height: content.height,
                state: content.state,
            }
        };
        let mut records: Vec<DerivationRecord> = self.derivation.works.iter().map(record).collect();
        records.sort_unstable_by_key(|r| (r.rollup, r.node, r.l1_ns, r.number, r.slot));
        into.derivations.extend(records);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(txs: std::ops::Range<u32>, ns: u64, height: u64) -> Piece {
        let txs: Vec<u32> = txs.collect();
        Piece {
            left: txs.len(),
            txs,
            durations: vec![ns, 2 * ns],
            height,
            state: B256::with_last_byte(height as u8),
        }
    }

    #[test]
    fn a_block_counts_with_the_batch_that_completes_it() {
        let mut derivation = Derivation::default();
        derivation.holds(7, piece(0..3, 10, 1));
        derivation.holds(7, piece(3..8, 100, 2));
        derivation.holds(7, piece(8..9, 1_000, 3));
        // The first block and two transactions of the second; two more; the rest.
        derivation.close(7, 20, 5);
        assert_eq!(derivation.split, (3..8).map(|tx| (tx, NONE)).collect());
        derivation.close(7, 21, 2);
        assert_eq!(derivation.split[&3], NONE);
        derivation.close(7, 22, 2);
        assert_eq!(derivation.split, (3..8).map(|tx| (tx, 22)).collect());
        let [first, second, third] = [20, 21, 22].map(|batch| derivation.contents[&batch].clone());
        assert_eq!(
            (first.durations, first.blocks, first.transactions, first.height),
            (vec![10, 20], 1, 3, 1)
        );
        assert_eq!((second.durations, second.blocks, second.height), (vec![], 0, 0));
        assert_eq!((third.durations, third.blocks, third.transactions), (vec![1_100, 2_200], 2, 6));
        assert_eq!((third.height, third.state), (3, B256::with_last_byte(3)));
        assert!(derivation.open[&7].is_empty());
    }
}
