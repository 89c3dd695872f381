//! Labels of a transaction as its user sees them: soft, posted, L1-final, proven.
//!
//! **Captures.** *Soft*: the sequencer's confirmation is at the user's gateway. *Posted*: the gateway has executed the
//! L1 block with the batch (of the block that became final, where it got that far). *L1-final*: that block is final
//! there. *Proven*: the L1 block with the proof or assertion is final there, and the window after it is over; the
//! window is added by rule and may end after the run. So the labels come in this order by construction of the
//! events, which a test checks.
//!
//! *Derived*: a node that takes nothing but the L1 has executed the transaction's block (`derive`).
//!
//! **Leaves out.** Gateways that derive and execute batches themselves: they check that data is there.

use super::fleet::{Fleet, NONE};
use super::record::{
    BatchRecord, BlobBlockRecord, DROP_REASONS, Fate, FleetRecord, RollupTxRecord, RollupsRecord,
};
use crate::chain::tree::BlockIx;
use crate::consensus::slots::Slots;
use crate::consensus::slots::offers::Notice;
use crate::kernel::event::Moment;
use std::collections::{BTreeMap, BTreeSet};

/// When a gateway saw a post.
#[derive(Clone, Debug, Default)]
pub(super) struct Sighting {
    /// L1 blocks with it, and when they were executed, ns.
    executed: Vec<(BlockIx, u64)>,
    /// The final one, and since when, ns.
    settled: Option<(BlockIx, u64)>,
}

impl Sighting {
    /// The L1 block with it that became final, or the first that was executed.
    pub fn block(&self) -> Option<BlockIx> {
        let settled = self.settled.map(|(block, _)| block);
        settled.or_else(|| self.executed.first().map(|(block, _)| *block))
    }

    /// (posted, final), ns.
    pub fn times(&self) -> [Option<u64>; 2] {
        let settled = self.settled.map(|(block, _)| block);
        let of = self.executed.iter().find(|(block, _)| settled.is_none_or(|s| s == *block));
        [of.map(|(_, ns)| *ns), self.settled.map(|(_, ns)| ns)]
    }
}

impl Fleet {
    /// A gateway has executed an L1 block with a post, or holds it final.
    pub(super) fn sight(&mut self, l1: &Slots, now: Moment, post: u32, gateway: u32, notice: Notice) {
        let sighting = self.sightings.entry((post, gateway)).or_default();
        if notice.is_final {
            if sighting.settled.is_none() {
                sighting.settled = Some((notice.block, now.time.0));
            }
            let known = sighting.executed.iter().any(|(block, _)| *block == notice.block);
            let view = l1.ledger.view(notice.block, self.gateways[gateway as usize].node);
            if !known {
                sighting.executed.push((notice.block, view.verified_ns));
            }
        } else {
            sighting.executed.push((notice.block, now.time.0));
        }
    }

    /// What became of everything; `canonical` are the blocks of the L1's winning chain.
    pub fn record(
        &self,
        l1: &Slots,
        canonical: &[BlockIx],
        end_ns: u64,
        measured: [u64; 2],
        into: &mut RollupsRecord,
    ) {
        if self.based.is_some() {
            return self.as_settled(l1, canonical).record_as_is(l1, canonical, end_ns, measured, into);
        }
        self.record_as_is(l1, canonical, end_ns, measured, into);
    }

    fn record_as_is(
        &self,
        l1: &Slots,
        canonical: &[BlockIx],
        end_ns: u64,
        measured: [u64; 2],
        into: &mut RollupsRecord,
    ) {
        let slots = self.posted_slots(l1, canonical);
        into.fleets.push(self.totals(&slots, end_ns));
        let derived = self.derived_times(canonical);
        for gateway in &self.gateways {
            let txs = gateway.txs.iter().map(|tx| RollupTxRecord {
                derived_ns: derived.get(&self.completing_batch(*tx as usize)).cloned().unwrap_or_default(),
                ..self.tx_record(*tx as usize, measured)
            });
            into.transactions.extend(txs);
        }
        self.record_derivations(l1, canonical, into);
        let mut batches: Vec<BatchRecord> = self
            .batches
            .iter()
            .map(|batch| {
                let post = self.posts.get(batch.post as usize);
                let posted = slots.get(&batch.post);
                BatchRecord {
                    chain: self.chain,
                    rollup: batch.rollup,
                    number: batch.number,
                    transactions: batch.transactions,
                    raw_bytes: batch.raw_bytes,
                    compressed_bytes: batch.compressed_bytes,
                    blobs: post.map_or(0, |p| p.offer.blobs),
                    shared_by: post.map_or(0, |p| p.batches.len() as u32),
                    opened_ns: batch.opened_ns,
                    due_ns: batch.due_ns,
                    closed_ns: batch.closed_ns,
                    slot: posted.map(|(slot, _)| *slot),
                    cost_wei: posted.map_or(0, |(_, cost)| *cost),
                }
            })
            .collect();
        batches.sort_unstable_by_key(|b| (b.rollup, b.number));
        into.batches.extend(batches);
        into.conservation.push(self.conservation_record());
        self.record_bridges(&slots, end_ns, measured, into);
    }

    /// By post on the winning chain: its slot, and what it paid, wei.
    fn posted_slots(&self, l1: &Slots, canonical: &[BlockIx]) -> BTreeMap<u32, (u32, u128)> {
        let Some(market) = &l1.offers else { return BTreeMap::new() };
        let mut slots = BTreeMap::new();
        for ix in canonical {
            let contents = market.contents(*ix);
            let base_fee = l1.ledger.get(*ix).block.header.base_fee_wei;
            // A void batch is paid for, too.
            for offer in contents.offers.iter().filter(|offer| offer.id.0 == self.chain) {
                let cost = offer.cost_wei(base_fee, contents.blob_fee_wei);
                slots.insert(offer.number, (l1.ledger.id(*ix).slot, cost));
            }
        }
        slots
    }

    fn totals(&self, slots: &BTreeMap<u32, (u32, u128)>, end_ns: u64) -> FleetRecord {
        let [bundles, bundles_included, bundles_refused] = self.bundle_counts();
        let mut record = FleetRecord {
            name: self.plan().name.clone(),
            chain: self.chain,
            rollups: u64::from(self.plan().count),
            active: self.active.len() as u64,
            submitted: self.txs.len() as u64,
            sent_again: self.tally.sent_again,
            bundles,
            bundles_included,
            bundles_refused,
            heap_bytes: self.heap_bytes() as u64,
            provided_ppm: self.provided_ppm(),
            books: self.common.plan.market.is_some().then_some(self.books),
            liquidity_parts_milli: self
                .common
                .liquidity
                .as_ref()
                .map(|s| (s.effective_number() * 1e3).round() as u64),
            ..FleetRecord::default()
        };
        for tx in &self.txs {
            match tx.fate {
                Fate::Travelling => record.travelling += 1,
                Fate::Queued => record.queued += 1,
                Fate::Included => record.included += 1,
                Fate::Dropped(reason) => record.dropped[usize::from(reason).min(DROP_REASONS.len() - 1)] += 1,
            }
        }
        let posted = self.batches.iter().filter(|batch| slots.contains_key(&batch.post));
        let posted: BTreeSet<u32> = posted.map(|batch| batch.rollup).collect();
        record.posted_something = posted.len() as u64;
        let open = self.batches.iter().filter(|batch| !slots.contains_key(&batch.post));
        let open: BTreeSet<u32> = open.map(|batch| batch.rollup).collect();
        for rollup in &self.active {
            let unbatched = rollup.channel.open_bytes();
            record.executed_something += u64::from(rollup.totals.blocks > 0);
            record.waiting_to_post += u64::from(unbatched > 0 || open.contains(&rollup.number));
            record.unbatched_bytes += unbatched;
            record.gas_used += rollup.totals.gas_used;
            record.blocks += rollup.totals.blocks;
            record.execution_ns += rollup.totals.execution_ns;
            record.raw_bytes += rollup.totals.raw_bytes;
            record.queue_area += rollup.queue_area_until(end_ns);
        }
        record
    }

    fn tx_record(&self, index: usize, [from_ns, to_ns]: [u64; 2]) -> RollupTxRecord {
        let tx = &self.txs[index];
        let gateway = u32::from(self.crossings.twin(tx.gateway).unwrap_or(tx.gateway));
        let seen = |post: u32| {
            let sighting = (post != NONE).then(|| self.sightings.get(&(post, gateway))).flatten();
            sighting.map_or([None; 2], Sighting::times)
        };
        let batch = self.batches.get(tx.batch as usize);
        let [posted_ns, final_ns] = batch.map_or([None; 2], |batch| seen(batch.post));
        let [_, proof_ns] = batch.map_or([None; 2], |batch| seen(batch.proof));
        let window_ns = self.plan().proof.map_or(0, |proof| proof.window_ns);
        let time = |ns: u64| (ns > 0).then_some(ns);
        RollupTxRecord {
            chain: self.chain,
            rollup: tx.rollup,
            bundle: self.bundle_name(index as u32),
            region: self.gateways[tx.gateway as usize].region,
            kind: tx.kind.into(),
            submitted_ns: tx.submitted_ns,
            fate: tx.fate,
            received_ns: time(tx.received_ns),
            executed_ns: time(tx.executed_ns),
            soft_ns: time(tx.soft_ns),
            posted_ns,
            final_ns,
            proven_ns: proof_ns.map(|ns| ns + window_ns),
            derived_ns: Vec::new(),
            measured: (from_ns..to_ns).contains(&tx.submitted_ns),
            party: self.party(tx.gateway),
            moved: self.moved.get(&(index as u32)).filter(|_| tx.fate == Fate::Included).copied(),
            paid: self.paid.get(&(index as u32)).filter(|_| tx.fate == Fate::Included).copied(),
            trade: self.trades.get(&(index as u32)).filter(|_| tx.fate == Fate::Included).copied(),
            legs: self
                .legs
                .get(&(index as u32))
                .filter(|_| tx.fate == Fate::Included)
                .cloned()
                .unwrap_or_default(),
        }
    }
}

/// The blobs of a chain's blocks; `canonical` are those of its winning chain.
pub fn blob_blocks(l1: &Slots, canonical: &[BlockIx], into: &mut RollupsRecord) {
    let Some(market) = &l1.offers else { return };
    let canonical: BTreeSet<BlockIx> = canonical.iter().copied().collect();
    let mut blocks: Vec<BlobBlockRecord> = l1
        .ledger
        .handles()
        .skip(1)
        .map(|ix| {
            let (id, contents) = (l1.ledger.id(ix), market.contents(ix));
            BlobBlockRecord {
                chain: id.chain,
                slot: id.slot,
                proposer: id.proposer,
                canonical: canonical.contains(&ix),
                blobs: contents.blobs,
                max: market.plan.max_blobs(),
                target: market.plan.market.target_blobs as u32,
                excess: contents.excess,
                blob_fee_wei: contents.blob_fee_wei,
                offers: contents.offers.len() as u32,
                eligible: contents.eligible,
            }
        })
        .collect();
    blocks.sort_unstable_by_key(|b| (b.slot, b.proposer));
    into.blob_blocks.extend(blocks);
}
