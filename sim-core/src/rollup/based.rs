//! Based rollups: whoever proposes the L1's next block sequences them.
//!
//! **Captures.** A gateway sends its transactions to the proposers of the next [`LEADERS`] slots, and again to later
//! ones until it holds an L1 block with them final. `lead_ns` before its slot a proposer takes what has reached it, on
//! the state that the L1 block it holds as head leads to, in the rollup's order, as far as gas, the base fee and the
//! blobs of one batch allow; executes it on its own cores; compresses it; and offers the batch to itself. A batch that is
//! not ready when the slot begins, or that others outbid, is lost, and so is one in an L1 block that loses: its
//! transactions go to later proposers. A batch whose L1 block was built on another branch than the batch is void: it is
//! paid for and changes nothing. There is no sequencer and no soft confirmation: the first thing people see is the L1
//! block. State follows the L1's tree of blocks, so a reorganisation of the L1 is one of the rollup.
//!
//! **Leaves out.** Promises of proposers to include (preconfirmations); proposers that keep rollups waiting for profit;
//! several batches of a rollup in an L1 block; swaps that are followed, arbitrageurs, common blobs.
//!
//! **Parameters.** [`super::params::SequencingPlan::Based`]. **Source** "Based rollups" (J. Drake, ethresear.ch, 2023):
//! sequencing by the next L1 proposer, liveness and reorganisations those of the L1. **Checked against** a replay of the
//! winning batches from the genesis, conservation of transactions and the wait for a slot (`tests/rollup_based.rs`).

use super::batcher::{Batch, Post};
use super::compress;
use super::conservation::Standing;
use super::fleet::{Fleet, NONE};
use super::params::{OrderPlan, SequencingPlan};
use super::record::Fate;
use crate::chain::account::{AccountKind, address};
use crate::chain::blob::BLOB_PAYLOAD_BYTES;
use crate::chain::block::EPOCH_S;
use crate::chain::fee_market::MarketState;
use crate::chain::offer::Offer;
use crate::chain::schedule::Schedule;
use crate::chain::tree::BlockIx;
use crate::consensus::slots::Slots;
use crate::execution::builder::{ExecutedBlock, Rules};
use crate::execution::host::{Host, RunError, timers};
use crate::execution::state::WorldState;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::message::{CONTROL_BYTES, MessageKind};
use parallel_evm::{Address, BlockEnv, ExecuteError, SpecId, TxEnv, U256};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Proposers a transaction is sent to at once.
pub const LEADERS: u32 = 2;
/// Gateways look whether something must be sent again in the middle of every slot.
const LOOKS_AT: u64 = 2;
/// Tells the messages of gateways from others.
const LETTER: u64 = 1 << 37;

/// What based sequencing keeps.
#[derive(Clone)]
pub(super) struct Based {
    schedule: Arc<Schedule>,
    lead_ns: u64,
    last_slot: u32,
    /// By slot, what has reached its proposer.
    inboxes: BTreeMap<u32, Vec<u32>>,
    /// From gateways to proposers: slot and transactions.
    letters: Vec<(u32, Vec<u32>)>,
    /// By gateway: transactions that are not final on the L1, with the last slot they were sent to.
    pending: Vec<BTreeMap<u32, u32>>,
    /// By post.
    built: BTreeMap<u32, Built>,
    /// By rollup: L1 blocks with a batch that holds, and its post, as somebody executed them first.
    landed: BTreeMap<u32, Vec<(BlockIx, u32)>>,
    known: BTreeSet<BlockIx>,
    /// Batches that do not hold in the L1 block they are in.
    void: BTreeSet<(BlockIx, u32)>,
}

/// A batch, and what it leads to.
#[derive(Clone)]
struct Built {
    rollup: u32,
    slot: u32,
    /// The post with the batch before it, on whose state it stands.
    parent: Option<u32>,
    state: WorldState,
    burnt_wei: u128,
    height: u32,
    prices: MarketState,
    gas_used: u64,
    execution_ns: u64,
    raw_bytes: u64,
    ready_ns: u64,
    txs: Vec<u32>,
}

/// Where a proposer collects its tips.
fn tips_of(node: NodeId) -> Address {
    address(AccountKind::Proposer, u64::from(node.0))
}

/// On what a batch is built.
struct Ground {
    post: Option<u32>,
    state: WorldState,
    burnt_wei: u128,
    height: u32,
    prices: MarketState,
}

impl Based {
    /// Nothing sent yet; `None` where the plan has sequencers.
    pub fn new(
        plan: SequencingPlan,
        schedule: &Schedule,
        last_slot: u32,
        gateways: usize,
    ) -> Option<Box<Self>> {
        let SequencingPlan::Based { lead_ns } = plan else { return None };
        Some(Box::new(Self {
            schedule: Arc::new(schedule.clone()),
            lead_ns,
            last_slot,
            inboxes: BTreeMap::new(),
            letters: Vec::new(),
            pending: vec![BTreeMap::new(); gateways],
            built: BTreeMap::new(),
            landed: BTreeMap::new(),
            known: BTreeSet::new(),
            void: BTreeSet::new(),
        }))
    }

    /// Whether a post changes nothing in an L1 block.
    pub fn is_void(&self, block: BlockIx, post: u32) -> bool {
        self.void.contains(&(block, post))
    }

    /// The post of a rollup that an L1 block and those before it lead to.
    fn latest(&self, l1: &Slots, rollup: u32, block: BlockIx) -> Option<u32> {
        let landed = self.landed.get(&rollup)?;
        let on_branch = |(ix, _): &&(BlockIx, u32)| l1.ledger.tree.is_ancestor(*ix, block);
        landed.iter().rev().find(on_branch).map(|(_, post)| *post)
    }
}

impl Fleet {
    /// Sets the timers of all slots: a proposer that is down misses its own only.
    pub(super) fn start_based<D: Dissemination>(&mut self, host: &mut Host<'_, D>) {
        let Some(based) = &self.based else { return };
        let slot_ns = self.common.slot_ns;
        for slot in 1..=based.last_slot {
            let at_ns = u64::from(slot) * slot_ns - based.lead_ns;
            let node = based.schedule.proposer(slot);
            host.task_timer(Moment::default(), at_ns, node, timers::BASED, (self.chain, slot));
        }
        for (number, gateway) in (0..).zip(&self.gateways) {
            let task = (self.chain, number);
            host.task_timer(
                Moment::default(),
                slot_ns + slot_ns / LOOKS_AT,
                gateway.node,
                timers::RESEND,
                task,
            );
        }
    }

    // --- from people to proposers ----------------------------------------------------------------------

    /// A gateway sends transactions to the proposers of the next slots that do not have them.
    pub(super) fn send_to_proposers<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        index: usize,
        txs: &[u32],
    ) {
        let (slot_ns, from) = (self.common.slot_ns, self.gateways[index].node);
        let Some(based) = &mut self.based else { return };
        let first = ((now.time.0 + based.lead_ns) / slot_ns) as u32 + 1;
        let mut letters = Vec::new();
        for slot in (first..first + LEADERS).take_while(|slot| *slot <= based.last_slot) {
            let pending = &mut based.pending[index];
            let new = txs.iter().copied().filter(|tx| pending.get(tx).is_none_or(|sent| *sent < slot));
            let new: Vec<u32> = new.collect();
            pending.extend(new.iter().map(|tx| (*tx, slot)));
            if !new.is_empty() {
                letters.push((slot, new, based.schedule.proposer(slot)));
            }
        }
        for (slot, txs, to) in letters {
            let sizes = txs.iter().map(|tx| self.transaction(&self.txs[*tx as usize]).wire_size_bytes());
            let bytes = CONTROL_BYTES + sizes.sum::<u64>();
            let Some(based) = &mut self.based else { return };
            let number = based.letters.len() as u32;
            based.letters.push((slot, txs));
            if to == from {
                self.on_handed_over(now, number);
            } else {
                let (kind, round) = (MessageKind::Transactions, LETTER | u64::from(number));
                host.fabric.send_direct(now, from, to, kind, bytes, self.chain, number, round);
            }
        }
    }

    /// Transactions are at a proposer.
    pub(super) fn on_handed_over(&mut self, now: Moment, number: u32) {
        let Some(based) = &mut self.based else { return };
        let Some((slot, txs)) = based.letters.get_mut(number as usize).map(std::mem::take) else { return };
        for tx in &txs {
            let tx = &mut self.txs[*tx as usize];
            if tx.received_ns == 0 {
                (tx.received_ns, tx.fate) = (now.time.0, Fate::Queued);
            }
        }
        based.inboxes.entry(slot).or_default().extend(txs);
    }

    /// A gateway looks whether what it sent is on the L1.
    pub(super) fn on_resend<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &mut Slots,
        now: Moment,
        index: usize,
    ) {
        let node = self.gateways[index].node;
        let head = l1.head(node);
        let Some(based) = &self.based else { return };
        let mut states: BTreeMap<u32, Option<&WorldState>> = BTreeMap::new();
        let is_on_l1 = |tx: &&u32| {
            let tx = &self.txs[**tx as usize];
            let state = states
                .entry(tx.rollup)
                .or_insert_with(|| based.latest(l1, tx.rollup, head).map(|post| &based.built[&post].state));
            let person = self.common.economy.person(self.gateways[index].account(tx.sequence));
            state.is_some_and(|state| state.nonce(person) > u64::from(tx.nonce))
        };
        let on_l1: BTreeSet<u32> = based.pending[index].keys().filter(is_on_l1).copied().collect();
        let missing: Vec<u32> =
            based.pending[index].keys().filter(|tx| !on_l1.contains(tx)).copied().collect();
        self.send_to_proposers(host, now, index, &missing);
        host.task_timer(now, self.common.slot_ns, node, timers::RESEND, (self.chain, index as u32));
    }

    // --- at the proposer -------------------------------------------------------------------------------

    /// A proposer builds the batches for its slot, one for each rollup that has something.
    ///
    /// # Errors
    /// When a batch cannot be executed at all.
    pub(super) fn on_build<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &mut Slots,
        now: Moment,
        slot: u32,
    ) -> Result<(), RunError> {
        let Some(based) = &mut self.based else { return Ok(()) };
        if u64::from(slot) * self.common.slot_ns <= now.time.0 {
            // The node was down: its slot has begun without it.
            return Ok(());
        }
        let node = based.schedule.proposer(slot);
        let here = based.inboxes.remove(&slot).unwrap_or_default();
        based.inboxes = based.inboxes.split_off(&slot);
        let head = l1.head(node);
        let mut by_rollup: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for tx in here {
            by_rollup.entry(self.txs[tx as usize].rollup).or_default().insert(tx);
        }
        for (rollup, txs) in by_rollup {
            self.build(host, l1, now, (slot, node, head), rollup, &txs)?;
        }
        Ok(())
    }

    fn build<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &Slots,
        now: Moment,
        (slot, node, head): (u32, NodeId, BlockIx),
        rollup: u32,
        txs: &BTreeSet<u32>,
    ) -> Result<(), RunError> {
        let place = self.activate(rollup);
        let ground = self.ground(l1, place, slot, head);
        let mut chosen = self.choose_based(&ground, txs);
        let limit = u64::from(self.common.plan.batcher.max_blobs) * BLOB_PAYLOAD_BYTES;
        let (executed, raw, packed) = loop {
            let Some(executed) = self.execute_based(&ground, (now, slot, node, rollup), &mut chosen)? else {
                return Ok(());
            };
            let (raw, _) = self.encode(&chosen);
            let packed = compress::compress(&raw, self.common.plan.batcher.brotli_quality).len() as u64;
            if packed <= limit || chosen.len() == 1 {
                break (executed, raw.len() as u64, packed);
            }
            // More than a batch holds: fewer of them, for the same room.
            let fewer = chosen.len() as u64 * limit * 97 / 100 / packed;
            chosen.truncate((fewer as usize).clamp(1, chosen.len() - 1));
        };
        let on = Standing {
            rollup,
            state: ground.state,
            blocks: ground.height.into(),
            burnt_wei: ground.burnt_wei,
            base_fee_wei: ground.prices.base_fee_wei,
            beneficiary: tips_of(node),
        };
        let burnt_wei = self.account_for(&on, &executed)?;
        let durations = self.pricing.durations_ns(&executed.trace);
        let execution_ns = durations[host.fabric.class(node)];
        let (_, ready_ns) = host.cpus[node.index()].run(now.time.0, execution_ns);
        let state = executed.state.clone().expect("a block on a state leads to a state");
        let post = self.add_based_post((slot, node, rollup), now, (chosen.len() as u32, raw, packed));
        let batch = self.posts[post as usize].batches[0];
        self.note_based(batch, chosen.len(), durations, (ground.height + 1, state.id()));
        host.task_timer(now, ready_ns - now.time.0, node, timers::BUILT, (self.chain, post));
        let built = Built {
            rollup,
            slot,
            parent: ground.post,
            state,
            burnt_wei,
            height: ground.height + 1,
            prices: ground.prices,
            gas_used: executed.output.gas_used,
            execution_ns,
            raw_bytes: raw,
            ready_ns,
            txs: chosen,
        };
        self.based.as_mut().expect("it is based").built.insert(post, built);
        Ok(())
    }

    /// What a batch for `slot` stands on where an L1 block is the head.
    fn ground(&self, l1: &Slots, place: usize, slot: u32, head: BlockIx) -> Ground {
        let (rules, based) = (&self.common.plan.rules, self.based.as_ref().expect("it is based"));
        let rollup = &self.active[place];
        let Some(post) = based.latest(l1, rollup.number, head) else {
            let (state, prices) = (self.genesis_of(rollup.number), rules.first_prices());
            return Ground { post: None, state, burnt_wei: 0, height: 0, prices };
        };
        let before = &based.built[&post];
        let slots = u64::from(slot.saturating_sub(before.slot).max(1));
        let elapsed_ns = slots * self.common.slot_ns;
        let prices = rules.next_prices(before.prices.clone(), before.gas_used, slots, elapsed_ns);
        let (state, burnt_wei, height) = (before.state.clone(), before.burnt_wei, before.height);
        Ground { post: Some(post), state, burnt_wei, height, prices }
    }

    /// The transactions of a batch, in the rollup's order, nonces without gaps.
    fn choose_based(&self, ground: &Ground, txs: &BTreeSet<u32>) -> Vec<u32> {
        let rules = &self.common.plan.rules;
        let bodies = txs.iter().map(|tx| (*tx, self.transaction(&self.txs[*tx as usize])));
        let mut waiting: Vec<_> = bodies.collect();
        match rules.order {
            OrderPlan::PriorityFee => waiting.sort_by_key(|(tx, body)| {
                (Reverse(body.effective_tip(ground.prices.base_fee_wei)), self.txs[*tx as usize].received_ns)
            }),
            // By nonce among those that came in one message.
            _ => waiting.sort_by_key(|(tx, body)| (self.txs[*tx as usize].received_ns, body.nonce)),
        }
        let (mut gas, mut next) = (rules.gas_limit, BTreeMap::new());
        let mut chosen = Vec::new();
        // A later nonce may stand before an earlier one, which then opens the way: once more over the rest.
        loop {
            let before = chosen.len();
            waiting.retain(|(tx, body)| {
                let nonce = next.entry(body.sender).or_insert_with(|| ground.state.nonce(body.from));
                let takes = body.nonce == *nonce
                    && body.max_fee_per_gas >= ground.prices.base_fee_wei
                    && body.gas_limit <= gas;
                if takes {
                    *nonce += 1;
                    gas -= body.gas_limit;
                    chosen.push(*tx);
                }
                !takes
            });
            if chosen.len() == before {
                return chosen;
            }
        }
    }

    /// Executes what was chosen; what cannot be part of a batch is given up, with what its sender sent after it.
    fn execute_based(
        &mut self,
        ground: &Ground,
        (now, slot, node, rollup): (Moment, u32, NodeId, u32),
        chosen: &mut Vec<u32>,
    ) -> Result<Option<Arc<ExecutedBlock>>, RunError> {
        while !chosen.is_empty() {
            let bodies = chosen.iter().map(|tx| self.transaction(&self.txs[*tx as usize]));
            let (senders, envs): (Vec<u32>, Vec<TxEnv>) = bodies.map(|b| (b.sender, b.to_env())).unzip();
            let rules = Rules { spec: SpecId::OSAKA, chain_id: self.chain_id(rollup) };
            let env = BlockEnv {
                number: U256::from(ground.height + 1),
                beneficiary: tips_of(node),
                timestamp: U256::from(EPOCH_S + u64::from(slot) * self.common.slot_ns / 1_000_000_000),
                gas_limit: self.common.plan.rules.gas_limit,
                basefee: ground.prices.base_fee_wei,
                difficulty: U256::ZERO,
                prevrandao: Some(alloy_primitives::keccak256(ground.height.to_be_bytes())),
                ..BlockEnv::default()
            };
            match self.executor.execute(rules, &env, &ground.state, envs) {
                Ok(executed) => return Ok(Some(executed)),
                Err(ExecuteError::InvalidTransaction { index, .. }) => {
                    // It may be valid on another branch: its gateway sends it again.
                    let sender = senders[index];
                    let mut at = 0..;
                    chosen.retain(|_| {
                        let here = at.next().unwrap_or(0);
                        here < index || senders[here] != sender
                    });
                }
                Err(error) => {
                    let reason = format!("{error} ({now:?})");
                    return Err(RunError::Execution { chain: self.chain, slot, reason });
                }
            }
        }
        Ok(None)
    }

    fn add_based_post(
        &mut self,
        (slot, node, rollup): (u32, NodeId, u32),
        now: Moment,
        (transactions, raw_bytes, compressed_bytes): (u32, u64, u64),
    ) -> u32 {
        let (post, batch) = (self.posts.len() as u32, self.batches.len() as u32);
        let opened_ns = now.time.0;
        self.batches.push(Batch {
            rollup,
            number: slot,
            transactions,
            raw_bytes,
            compressed_bytes,
            opened_ns,
            due_ns: opened_ns,
            closed_ns: opened_ns,
            post,
            proof: NONE,
        });
        let blobs = compressed_bytes.div_ceil(BLOB_PAYLOAD_BYTES).max(1) as u32;
        let (gas, bytes, max_blob_fee_wei) = self.post_terms(rollup, blobs);
        let id = (self.chain, u64::from(rollup), slot);
        let offer = Offer {
            id,
            number: post,
            host: node,
            blobs,
            gas,
            bytes,
            max_fee_wei: 0,
            tip_wei: 0,
            max_blob_fee_wei,
        };
        let (host, first_tip_wei) = (self.host_index(rollup), self.first_tip_wei(rollup));
        let (batches, blocks) = (vec![batch], Vec::new());
        self.posts.push(Post {
            host,
            offer,
            first_tip_wei,
            due_ns: opened_ns,
            batches,
            is_proof: false,
            blocks,
        });
        post
    }

    /// A batch is executed at its proposer, who offers it to its own block; too late, if the slot has begun.
    pub(super) fn on_built<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        l1: &mut Slots,
        now: Moment,
        post: u32,
    ) {
        let Some(slot) = self.based.as_ref().map(|based| based.built[&post].slot) else { return };
        let node = self.posts[post as usize].offer.host;
        let head = l1.head(node);
        let Some((base_fee_wei, _)) = l1.next_prices(head) else { return };
        self.bid(now, post, base_fee_wei);
        let offer = self.posts[post as usize].offer;
        l1.announce(host, now, node, slot, vec![offer]);
    }

    // --- on the L1 -------------------------------------------------------------------------------------

    /// Somebody is the first to have executed an L1 block with offers: its batches hold, or are void.
    pub(super) fn land(&mut self, l1: &Slots, block: BlockIx) {
        let Some(market) = &l1.offers else { return };
        let Some(based) = &mut self.based else { return };
        if !based.known.insert(block) {
            return;
        }
        let parent = l1.ledger.tree.parent(block).expect("a block with offers is not the genesis");
        let offers = &market.contents(block).offers;
        let posts = offers.iter().filter(|o| o.id.0 == self.chain).map(|o| o.number);
        for post in posts.filter(|post| !self.posts[*post as usize].is_proof) {
            let built = &based.built[&post];
            if based.latest(l1, built.rollup, parent) != built.parent {
                based.void.insert((block, post));
                continue;
            }
            based.landed.entry(built.rollup).or_default().push((block, post));
            let place = self.places[built.rollup as usize] as usize;
            let batch = self.posts[post as usize].batches[0];
            self.active[place].stands_at(
                built.state.clone(),
                built.burnt_wei,
                built.height,
                built.prices.clone(),
            );
            self.active[place].totals.blocks += 1;
            self.active[place].totals.gas_used += built.gas_used;
            self.tally.executed += built.txs.len() as u64;
            for tx in &built.txs {
                let tx = &mut self.txs[*tx as usize];
                (tx.executed_ns, tx.fate, tx.batch) = (built.ready_ns, Fate::Included, batch);
            }
        }
    }

    /// An L1 block is final at a node: its gateway need not send again what the block holds.
    pub(super) fn settle_based(&mut self, gateway: u32, post: u32) {
        let Some(based) = &mut self.based else { return };
        if let Some(built) = based.built.get(&post) {
            let pending = &mut based.pending[gateway as usize];
            built.txs.iter().for_each(|tx| _ = pending.remove(tx));
        }
    }

    /// The fleet as the winning L1 blocks leave it: what only lost blocks hold is waiting.
    pub(super) fn as_settled(&self, l1: &Slots, canonical: &[BlockIx]) -> Self {
        let mut fleet = self.clone();
        let (Some(based), Some(market)) = (&self.based, &l1.offers) else { return fleet };
        for tx in fleet.txs.iter_mut().filter(|tx| tx.fate == Fate::Included) {
            (tx.fate, tx.executed_ns, tx.batch) = (Fate::Queued, 0, NONE);
        }
        for rollup in &mut fleet.active {
            rollup.totals = Default::default();
        }
        for block in canonical {
            let offers = market.contents(*block).offers.iter();
            for post in offers.filter(|o| o.id.0 == self.chain).map(|o| o.number) {
                let Some(built) = based.built.get(&post).filter(|_| !based.is_void(*block, post)) else {
                    continue;
                };
                let totals = &mut fleet.active[self.places[built.rollup as usize] as usize].totals;
                totals.blocks += 1;
                totals.gas_used += built.gas_used;
                totals.execution_ns += built.execution_ns;
                totals.raw_bytes += built.raw_bytes;
                for tx in &built.txs {
                    let tx = &mut fleet.txs[*tx as usize];
                    let batch = self.posts[post as usize].batches[0];
                    (tx.fate, tx.executed_ns, tx.batch) = (Fate::Included, built.ready_ns, batch);
                }
            }
        }
        fleet
    }
}
