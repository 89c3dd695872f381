//! The batcher: from executed blocks to bytes on the L1.
//!
//! **Captures.** Executed blocks fill a channel. It is due when its first transaction is old enough or it is likely
//! to fill the blobs wanted. A node runs the batchers of its rollups: four times a slot it looks at its own view of
//! the L1, takes of what is due the best payers that cover the price of blob gas, as many as a block could hold,
//! closes and compresses them ([`super::compress`]) and offers them to the proposer of the next slot. What the
//! channel gathers until then goes along. A tip doubles every so often until the batch is in; so among equals the
//! oldest goes first. One batch of a rollup is under way at a time; it is done when its L1 block is final at the
//! node, and offered again when that block lost. With sharing, batches of a node's rollups are packed into common
//! blobs, each compressed by itself; a common blob bids what the most willing of its members would.
//!
//! **Leaves out.** Channels that span several L1 transactions; fee bumps by the rules of a mempool (an offer is
//! simply made anew); what batchers earn.
//!
//! **Parameters.** [`super::params::BatcherPlan`]. Willingness to pay is rounded down to a quarter of an octave.
//! **Source** op-batcher: one pending transaction by default; EIP-4844.

use super::compress;
use super::fleet::{Fleet, NONE};
use super::params::DataPlan;
use super::users::Z90;
use crate::chain::blob::BLOB_PAYLOAD_BYTES;
use crate::chain::fee_market::blob::GAS_PER_BLOB;
use crate::chain::offer::{Offer, calldata_gas};
use crate::chain::tree::BlockIx;
use crate::consensus::slots::Slots;
use crate::consensus::slots::offers::Notice;
use crate::execution::host::{Host as Sim, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::math;
use crate::kernel::random::{Purpose, draw, log_normal};
use std::collections::{BTreeMap, BTreeSet};

/// How often a batcher looks at the L1 in a slot.
const LOOKS_A_SLOT: u64 = 4;
/// Gas of a transaction without calldata.
const PLAIN_GAS: u64 = 21_000;
/// Size of a transaction without its data, bytes: EIP-1559 or EIP-4844 fields with a signature.
const TX_BYTES: u64 = 180;
/// A blob's hash in a transaction, bytes.
const HASH_BYTES: u64 = 33;
/// Head of a batch in a common blob, bytes: rollup and length.
const PART_BYTES: u64 = 8;
/// Other transactions (proofs) offered at once.
const PROOFS_AT_ONCE: usize = 64;
/// Willingness to pay is a quarter of an octave or more apart.
const STEPS_AN_OCTAVE: f64 = 4.0;
/// Most a tip is raised: 2^20 times.
const DOUBLINGS_MAX: f64 = 20.0;
/// Compressed over raw before anything is known, parts per million.
const FIRST_RATIO_PPM: u64 = 600_000;
/// Accounts of provers are apart from those of batchers.
const PROVER: u64 = 1 << 40;
/// Accounts of nodes that post common blobs.
const COMMON: u64 = 1 << 41;

/// Entities of the draws of a rollup's willingness to pay.
const LIMIT: u64 = 1;
const TIP: u64 = 2;

/// What is executed and not in a batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    raw: Vec<u8>,
    txs: Vec<(u32, u32)>,
    opened_ns: u64,
    last_block_ns: u64,
    /// When it became due, ns; 0: not yet.
    due_ns: u64,
    /// A batch is under way.
    posting: bool,
    wanting: bool,
    ratio_ppm: u64,
    batches: u32,
    /// Executed and not in an L1 block the node has executed, bytes.
    pub unposted_bytes: u64,
}

impl Channel {
    pub fn heap_bytes(&self) -> usize {
        self.raw.capacity() + self.txs.capacity() * 8
    }

    /// Batches closed.
    pub fn batches(&self) -> u32 {
        self.batches
    }

    /// Bytes not in any batch.
    pub fn open_bytes(&self) -> u64 {
        self.raw.len() as u64
    }

    fn compressed_estimate(&self) -> u64 {
        let ratio = if self.ratio_ppm == 0 { FIRST_RATIO_PPM } else { self.ratio_ppm };
        self.raw.len() as u64 * ratio / 1_000_000
    }
}

/// A closed batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub rollup: u32,
    pub number: u32,
    pub transactions: u32,
    pub raw_bytes: u64,
    pub compressed_bytes: u64,
    pub opened_ns: u64,
    pub due_ns: u64,
    pub closed_ns: u64,
    pub post: u32,
    /// The post with its proof.
    pub proof: u32,
}

/// A transaction for the L1.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub host: u32,
    pub offer: Offer,
    pub first_tip_wei: u64,
    pub due_ns: u64,
    pub batches: Vec<u32>,
    pub is_proof: bool,
    /// L1 blocks with it that the node has executed.
    pub blocks: Vec<BlockIx>,
}

/// A node that runs batchers.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub node: NodeId,
    /// Rollups with a channel that is due, by what they would pay per blob gas, best first.
    wanting: BTreeMap<i32, BTreeSet<(i64, u32)>>,
    /// Posts that are not final.
    pending: Vec<u32>,
    /// Slot whose proposer was last told something, and what.
    target: u32,
    told: BTreeSet<u32>,
    /// Batches for a common blob.
    common: Vec<u32>,
    common_bytes: u64,
    posts: u32,
}

impl Host {
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            wanting: BTreeMap::new(),
            pending: Vec::new(),
            target: 0,
            told: BTreeSet::new(),
            common: Vec::new(),
            common_bytes: 0,
            posts: 0,
        }
    }
}

/// The price of a step of willingness, wei.
fn step_price(step: i32) -> u128 {
    math::exp2(f64::from(step) / STEPS_AN_OCTAVE) as u128
}

impl Fleet {
    /// Time between looks at the L1, ns.
    pub(super) fn tick_ns(&self) -> u64 {
        (self.common.slot_ns / LOOKS_A_SLOT).max(1)
    }

    fn rollup_draw(&self, rollup: u32, entity: u64) -> u64 {
        draw(self.common.seed, Purpose::MARKET, u64::from(self.chain) << 8 | entity, u64::from(rollup))
    }

    /// Most a rollup pays per blob gas, as a step.
    fn limit_step(&self, rollup: u32) -> i32 {
        let plan = &self.common.plan.batcher;
        let sigma = math::ln(plan.max_blob_fee_p90_ppm as f64 / 1e6) / Z90;
        let limit = log_normal(self.rollup_draw(rollup, LIMIT), plan.max_blob_fee_median_wei as f64, sigma);
        (math::log2(limit.max(1.0)) * STEPS_AN_OCTAVE) as i32
    }

    /// The tip a rollup begins with, wei.
    pub(super) fn first_tip_wei(&self, rollup: u32) -> u64 {
        let sigma = math::ln(2.0) / Z90;
        let tip = log_normal(self.rollup_draw(rollup, TIP), self.common.plan.batcher.tip_wei as f64, sigma);
        (tip as u64).max(1)
    }

    /// An executed block goes into its rollup's channel.
    pub(super) fn fill_channel<D: Dissemination>(
        &mut self,
        host: &mut Sim<'_, D>,
        now: Moment,
        place: usize,
        (start_ns, txs, raw, ends): (u64, &[u32], &[u8], &[u32]),
    ) {
        let plan = &self.common.plan.batcher;
        let rollup = &mut self.active[place];
        let channel = &mut rollup.channel;
        let number = rollup.number;
        let was_empty = channel.raw.is_empty();
        let since_ms = (start_ns - channel.last_block_ns) / 1_000_000;
        channel.last_block_ns = start_ns;
        let mut head = Vec::with_capacity(8);
        compress::encode_block_head(since_ms, txs.len() as u32, &mut head);
        channel.raw.extend_from_slice(&head);
        let mut from = 0;
        for (index, (tx, end)) in txs.iter().zip(ends).enumerate() {
            let own = end - from + if index == 0 { head.len() as u32 } else { 0 };
            channel.txs.push((*tx, own));
            from = *end;
        }
        channel.raw.extend_from_slice(raw);
        channel.unposted_bytes += (head.len() + raw.len()) as u64;
        if was_empty {
            channel.opened_ns = now.time.0;
            let node = self.hosts[number as usize % self.hosts.len()].node;
            host.task_timer(now, plan.max_delay_ns, node, timers::CHANNEL, (self.chain, place as u32));
        }
        let full = u64::from(plan.target_blobs) * BLOB_PAYLOAD_BYTES;
        if channel.due_ns == 0 && channel.compressed_estimate() >= full {
            channel.due_ns = now.time.0;
        }
        self.want(now, place);
    }

    /// The first transaction of a channel is old enough.
    pub(super) fn on_channel(&mut self, now: Moment, place: u32) {
        let channel = &mut self.active[place as usize].channel;
        // A batch may have taken that transaction; the rest has a later deadline.
        let old = channel.opened_ns + self.common.plan.batcher.max_delay_ns <= now.time.0;
        if !channel.raw.is_empty() && old && channel.due_ns == 0 {
            channel.due_ns = now.time.0;
        }
        self.want(now, place as usize);
    }

    /// A due channel waits for its turn.
    fn want(&mut self, now: Moment, place: usize) {
        let channel = &self.active[place].channel;
        let number = self.active[place].number;
        if channel.due_ns == 0 || channel.posting || channel.wanting || channel.raw.is_empty() {
            return;
        }
        let host = self.host_index(number) as usize;
        if self.common.plan.batcher.sharing {
            self.share(now, place, host);
            return;
        }
        // Tips double at the same pace for all, so who is ahead now stays ahead: the order is fixed.
        let lead = math::log2(self.first_tip_wei(number) as f64);
        let ahead = (lead * self.common.plan.batcher.tip_doubles_ns as f64) as i64;
        let key = channel.due_ns as i64 - ahead;
        let step = self.limit_step(number);
        self.hosts[host].wanting.entry(step).or_default().insert((key, number));
        self.active[place].channel.wanting = true;
    }

    /// The next rollup of a node that covers a price.
    fn pop_wanting(&mut self, host: usize, blob_fee_wei: u128) -> Option<u32> {
        let wanting = &mut self.hosts[host].wanting;
        let able = wanting.iter().filter(|(step, _)| step_price(**step) >= blob_fee_wei);
        let (first, step) = able.filter_map(|(step, set)| Some((*set.first()?, *step))).min()?;
        let set = wanting.get_mut(&step)?;
        set.remove(&first);
        if set.is_empty() {
            wanting.remove(&step);
        }
        Some(first.1)
    }

    /// Closes a channel: a prefix of its transactions, compressed, at most `limit` bytes. Returns the batch and
    /// its compressed bytes.
    fn close(&mut self, now: Moment, place: usize, limit: u64) -> (u32, Vec<u8>) {
        let quality = self.common.plan.batcher.brotli_quality;
        let number = self.batches.len() as u32;
        let rollup = &mut self.active[place];
        let channel = &mut rollup.channel;
        let ratio = if channel.ratio_ppm == 0 { FIRST_RATIO_PPM } else { channel.ratio_ppm };
        let mut raw_limit = u128::from(limit) * 1_000_000 / u128::from(ratio.max(1));
        let (count, raw_len, packed) = loop {
            let (mut count, mut raw_len) = (0, 0_u128);
            for (_, len) in &channel.txs {
                if count > 0 && raw_len + u128::from(*len) > raw_limit {
                    break;
                }
                (count, raw_len) = (count + 1, raw_len + u128::from(*len));
            }
            let packed = compress::compress(&channel.raw[..raw_len as usize], quality);
            if packed.len() as u64 <= limit || count == 1 {
                break (count, raw_len as usize, packed);
            }
            // It compressed worse than the last one: take less.
            raw_limit = raw_len * u128::from(limit) * 97 / 100 / packed.len() as u128;
        };
        channel.ratio_ppm = (packed.len() as u64 * 1_000_000 / raw_len as u64).max(1);
        let batch = Batch {
            rollup: rollup.number,
            number: channel.batches,
            transactions: count as u32,
            raw_bytes: raw_len as u64,
            compressed_bytes: packed.len() as u64,
            opened_ns: channel.opened_ns,
            due_ns: channel.due_ns,
            closed_ns: now.time.0,
            post: NONE,
            proof: NONE,
        };
        channel.batches += 1;
        for (tx, _) in channel.txs.drain(..count) {
            self.txs[tx as usize].batch = number;
        }
        channel.raw.drain(..raw_len);
        if channel.raw.is_empty() {
            (channel.raw, channel.txs) = (Vec::new(), Vec::new());
        }
        channel.opened_ns = channel.txs.first().map_or(0, |(tx, _)| self.txs[*tx as usize].executed_ns);
        channel.due_ns = 0;
        channel.posting = true;
        channel.wanting = false;
        self.batches.push(batch);
        self.note_batch(batch.rollup, number, count);
        (number, packed)
    }

    /// Gas and bytes of a transaction with blobs of a rollup, and the most it pays per blob gas, wei.
    pub(super) fn post_terms(&self, rollup: u32, blobs: u32) -> (u64, u64, u128) {
        let bytes = TX_BYTES + HASH_BYTES * u64::from(blobs);
        (PLAIN_GAS, bytes, step_price(self.limit_step(rollup)))
    }

    /// Closes the channel of a rollup whose turn has come and makes an offer of it.
    fn post_alone(&mut self, now: Moment, host: usize, rollup: u32, prices: (u64, u128)) -> u32 {
        let place = self.places[rollup as usize] as usize;
        let plan = &self.common.plan.batcher;
        let (data, most) = (plan.data, u64::from(plan.max_blobs) * BLOB_PAYLOAD_BYTES);
        let due_ns = self.active[place].channel.due_ns;
        let limit = match data {
            DataPlan::Calldata { max_bytes } => u64::from(max_bytes),
            DataPlan::Blobs | DataPlan::Cheaper { .. } => most,
        };
        let (batch, packed) = self.close(now, place, limit);
        let blobs = (packed.len() as u64).div_ceil(BLOB_PAYLOAD_BYTES).max(1) as u32;
        let in_calldata = match data {
            DataPlan::Blobs => false,
            DataPlan::Calldata { .. } => true,
            DataPlan::Cheaper { max_bytes } => {
                let (base_fee, blob_fee) = prices;
                let blob_cost = u128::from(blobs) * u128::from(GAS_PER_BLOB) * blob_fee
                    + u128::from(PLAIN_GAS) * u128::from(base_fee);
                packed.len() as u64 <= u64::from(max_bytes)
                    && u128::from(calldata_gas(&packed)) * u128::from(base_fee) < blob_cost
            }
        };
        let (blobs, gas, bytes) = if in_calldata {
            (0, calldata_gas(&packed), TX_BYTES + packed.len() as u64)
        } else {
            (blobs, PLAIN_GAS, TX_BYTES + HASH_BYTES * u64::from(blobs))
        };
        let (number, tip) = (self.batches[batch as usize].number, self.first_tip_wei(rollup));
        let limit = step_price(self.limit_step(rollup));
        let id = (self.chain, u64::from(rollup), number);
        self.add_post(host, id, (blobs, gas, bytes), limit, tip, due_ns, vec![batch], false)
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a post, given once")]
    pub(super) fn add_post(
        &mut self,
        host: usize,
        id: (u32, u64, u32),
        (blobs, gas, bytes): (u32, u64, u64),
        max_blob_fee_wei: u128,
        first_tip_wei: u64,
        due_ns: u64,
        batches: Vec<u32>,
        is_proof: bool,
    ) -> u32 {
        let number = self.posts.len() as u32;
        let node = self.hosts[host].node;
        let offer =
            Offer { id, number, host: node, blobs, gas, bytes, max_fee_wei: 0, tip_wei: 0, max_blob_fee_wei };
        for batch in &batches {
            let batch = &mut self.batches[*batch as usize];
            if is_proof {
                batch.proof = number;
            } else {
                batch.post = number;
            }
        }
        let (host, blocks) = (host as u32, Vec::new());
        self.posts.push(Post { host, offer, first_tip_wei, due_ns, batches, is_proof, blocks });
        self.hosts[host as usize].pending.push(number);
        number
    }

    // --- sharing ---------------------------------------------------------------------------------------

    /// A due channel is closed into the node's common blob.
    fn share(&mut self, now: Moment, place: usize, host: usize) {
        let (batch, packed) = self.close(now, place, BLOB_PAYLOAD_BYTES - PART_BYTES);
        let bytes = PART_BYTES + packed.len() as u64;
        if self.hosts[host].common_bytes + bytes > BLOB_PAYLOAD_BYTES {
            self.post_common(host);
        }
        self.hosts[host].common.push(batch);
        self.hosts[host].common_bytes += bytes;
    }

    /// Makes an offer of a node's common blob.
    fn post_common(&mut self, host: usize) {
        let batches = std::mem::take(&mut self.hosts[host].common);
        self.hosts[host].common_bytes = 0;
        let members = || batches.iter().map(|batch| &self.batches[*batch as usize]);
        let (Some(limit), Some(tip), Some(due_ns)) = (
            members().map(|b| self.limit_step(b.rollup)).max(),
            members().map(|b| self.first_tip_wei(b.rollup)).max(),
            members().map(|b| b.due_ns).min(),
        ) else {
            return;
        };
        let id = (self.chain, COMMON | host as u64, self.hosts[host].posts);
        self.hosts[host].posts += 1;
        let size = (1, PLAIN_GAS, TX_BYTES + HASH_BYTES);
        self.add_post(host, id, size, step_price(limit), tip, due_ns, batches, false);
    }

    // --- offering --------------------------------------------------------------------------------------

    /// A batcher looks at the L1 and offers the next proposer what it should.
    pub(super) fn on_batcher<D: Dissemination>(
        &mut self,
        host: &mut Sim<'_, D>,
        l1: &mut Slots,
        now: Moment,
        index: usize,
    ) {
        let node = self.hosts[index].node;
        host.task_timer(now, self.tick_ns(), node, timers::BATCHER, (self.chain, index as u32));
        let target = l1.slot_at(now) + 1;
        if self.hosts[index].target != target {
            self.hosts[index].target = target;
            self.hosts[index].told.clear();
        }
        let head = l1.head(node);
        let (Some(prices), Some(market)) = (l1.next_prices(head), &l1.offers) else { return };
        let most = market.plan.max_blobs();
        let slot_ns = self.common.slot_ns;
        let oldest = self.hosts[index].common.first().map(|b| self.batches[*b as usize].closed_ns);
        if oldest.is_some_and(|ns| ns + slot_ns <= now.time.0) {
            self.post_common(index);
        }
        let on_branch = |post: &Post| post.blocks.iter().any(|ix| l1.ledger.tree.is_ancestor(*ix, head));
        let pending = self.hosts[index].pending.iter().copied();
        let mut offers: Vec<u32> = pending.filter(|p| !on_branch(&self.posts[*p as usize])).collect();
        let able = |post: &Post| post.offer.blobs > 0 && post.offer.max_blob_fee_wei >= prices.1;
        let mut blobs: u32 =
            offers.iter().map(|p| &self.posts[*p as usize]).filter(|p| able(p)).map(|p| p.offer.blobs).sum();
        while blobs < most {
            // Who may use calldata does not depend on the price of blobs.
            let in_blobs = self.common.plan.batcher.data == DataPlan::Blobs;
            let Some(rollup) = self.pop_wanting(index, if in_blobs { prices.1 } else { 0 }) else { break };
            let post = self.post_alone(now, index, rollup, prices);
            blobs += self.posts[post as usize].offer.blobs.max(1);
            offers.push(post);
        }
        for post in &offers {
            self.bid(now, *post, prices.0);
        }
        // The best that could go into one block, and a few that carry nothing.
        offers.sort_unstable_by_key(|p| {
            let offer = &self.posts[*p as usize].offer;
            (std::cmp::Reverse(offer.tip_wei), offer.id)
        });
        let (mut blobs, mut others) = (0, 0);
        offers.retain(|p| {
            let offer = &self.posts[*p as usize].offer;
            if offer.blobs == 0 {
                others += 1;
                return others <= PROOFS_AT_ONCE;
            }
            let fits = offer.max_blob_fee_wei >= prices.1 && blobs + offer.blobs <= most;
            blobs += if fits { offer.blobs } else { 0 };
            fits
        });
        let told = &mut self.hosts[index].told;
        offers.retain(|post| told.insert(*post));
        let offers = offers.iter().map(|p| self.posts[*p as usize].offer).collect();
        l1.announce(host, now, node, target, offers);
    }

    /// What a post pays now.
    pub(super) fn bid(&mut self, now: Moment, post: u32, base_fee_wei: u64) {
        let doubles_ns = self.common.plan.batcher.tip_doubles_ns.max(1) as f64;
        let post = &mut self.posts[post as usize];
        let waited = now.time.0.saturating_sub(post.due_ns) as f64 / doubles_ns;
        let tip = post.first_tip_wei as f64 * math::exp2(waited.min(DOUBLINGS_MAX));
        post.offer.tip_wei = tip as u64;
        post.offer.max_fee_wei = base_fee_wei.saturating_mul(2).saturating_add(post.offer.tip_wei);
    }

    /// The node of a post has executed an L1 block with it, or holds it final.
    pub(super) fn posted<D: Dissemination>(
        &mut self,
        host: &mut Sim<'_, D>,
        now: Moment,
        number: u32,
        notice: Notice,
    ) {
        let post = &mut self.posts[number as usize];
        let (first, index) = (post.blocks.is_empty(), post.host as usize);
        if !notice.is_final {
            post.blocks.push(notice.block);
        }
        let (is_proof, batches) = (post.is_proof, post.batches.clone());
        let newly = first && !notice.is_final;
        if newly && !is_proof {
            for batch in batches.iter().filter(|_| self.based.is_none()).map(|b| self.batches[*b as usize]) {
                let place = self.places[batch.rollup as usize] as usize;
                self.active[place].channel.unposted_bytes -= batch.raw_bytes;
            }
            if let Some(proof) = self.common.plan.proof {
                let node = self.hosts[index].node;
                host.task_timer(now, proof.latency_ns, node, timers::PROVED, (self.chain, number));
            }
        }
        if notice.is_final
            && let Some(at) = self.hosts[index].pending.iter().position(|p| *p == number)
        {
            self.hosts[index].pending.remove(at);
            for batch in batches.iter().filter(|_| !is_proof) {
                let place = self.places[self.batches[*batch as usize].rollup as usize] as usize;
                self.next_batch(host, now, place);
            }
            self.on_final_post(host, now, number);
        }
    }

    /// A rollup's batch is done: its channel may be due already.
    fn next_batch<D: Dissemination>(&mut self, host: &mut Sim<'_, D>, now: Moment, place: usize) {
        let plan = &self.common.plan.batcher;
        let node = self.hosts[self.active[place].number as usize % self.hosts.len()].node;
        let channel = &mut self.active[place].channel;
        channel.posting = false;
        if channel.raw.is_empty() {
            return;
        }
        let full = channel.compressed_estimate() >= u64::from(plan.target_blobs) * BLOB_PAYLOAD_BYTES;
        let left_ns = (channel.opened_ns + plan.max_delay_ns).saturating_sub(now.time.0);
        if channel.due_ns == 0 && (full || left_ns == 0) {
            channel.due_ns = now.time.0;
        } else if channel.due_ns == 0 {
            // What the last batch left over has a deadline of its own.
            host.task_timer(now, left_ns, node, timers::CHANNEL, (self.chain, place as u32));
        }
        self.want(now, place);
    }

    /// A proof (or an assertion) of a post's batches is ready.
    pub(super) fn on_proved(&mut self, post: u32) {
        let Some(proof) = self.common.plan.proof else { return };
        let Post { host, batches, offer, first_tip_wei, due_ns, .. } = self.posts[post as usize].clone();
        let id = (self.chain, PROVER | offer.id.1, offer.id.2);
        let size = (0, proof.gas, proof.bytes);
        self.add_post(host as usize, id, size, 0, first_tip_wei, due_ns, batches, true);
    }
}
