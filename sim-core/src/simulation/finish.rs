//! From a finished world to its record.

use super::snapshot::{Request, Snapshot};
use super::timeline::Timeline;
use super::world::{ChainState, World};
use super::{Observer, Placement, Run};
use crate::consensus::RunError;
use crate::gossip::Dissemination;
use crate::kernel::digest::{Digest, DigestFold, DigestTrail, NodeDigest};
use crate::kernel::ids::NodeId;
use crate::kernel::time::SimTime;
use crate::net::topology::stats::stats;
use crate::observe::record::{BlockRecord, NodeBlockRecord, NodeRecord, RunRecord, TransactionRecord};
use crate::rollup::labels;
use crate::rollup::record::RollupsRecord;
use crate::scenario::plan::Plan;
use crate::workload::Source;
use crate::workload::users::Pinned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl<D: Dissemination> Run for World<D> {
    fn now(&self) -> SimTime {
        World::now(self)
    }

    fn end(&self) -> SimTime {
        World::end(self)
    }

    fn events(&self) -> u64 {
        self.events
    }

    fn run_until(&mut self, until: SimTime, budget: u64) -> Result<bool, RunError> {
        World::run_until(self, until, budget)
    }

    fn pending(&self) -> usize {
        self.fabric.scheduler.len()
    }

    fn next_free_moment(&self) -> SimTime {
        World::next_free_moment(self)
    }

    fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    fn timeline_mut(&mut self) -> &mut Timeline {
        &mut self.timeline
    }

    fn heap_bytes(&self) -> usize {
        self.fabric.heap_bytes()
    }

    fn checkpoint_bytes(&self) -> usize {
        super::observer::checkpoint_bytes(self)
    }

    fn trail(&self) -> &DigestTrail {
        &self.trail
    }

    fn state_digest(&self) -> Digest {
        let mut fold = DigestFold::new();
        self.fabric.digests().for_each(|d| fold.absorb(d.value()));
        fold.finish()
    }

    fn contents(&self) -> Vec<Arc<Pinned>> {
        let contents = self.chains.iter().map(|chain| match chain {
            ChainState::Slots(slots) => match &slots.source {
                Source::Users(users) => Arc::new(users.contents().clone()),
                _ => Arc::default(),
            },
            ChainState::Broadcast(_) | ChainState::Fleet(_) => Arc::default(),
        });
        contents.collect()
    }

    fn pin(&mut self, contents: &[Arc<Pinned>]) {
        for (chain, contents) in self.chains.iter_mut().zip(contents) {
            if let ChainState::Slots(slots) = chain
                && let Source::Users(users) = &mut slots.source
            {
                users.pin(Arc::clone(contents));
            }
        }
    }

    fn node_digests(&self) -> Vec<NodeDigest> {
        self.fabric.digests().collect()
    }

    fn observe(&self, observer: &mut Observer, request: &Request, into: &mut Snapshot) {
        observer.observe(self, request, into);
    }

    fn placement(&self) -> Placement {
        let nodes = || (0..self.fabric.node_count()).map(NodeId);
        Placement {
            regions: nodes().map(|n| self.fabric.region(n) as u16).collect(),
            classes: nodes().map(|n| self.fabric.class(n) as u16).collect(),
            stakes: Arc::clone(&self.stakes),
            topology: Arc::clone(self.fabric.topology()),
        }
    }

    fn clone_box(&self) -> Box<dyn Run> {
        Box::new(self.clone())
    }

    fn finish(mut self: Box<Self>, plan: Plan) -> RunRecord {
        self.close_all();
        let mut record = RunRecord {
            digest: String::new(),
            end_ns: self.now().0,
            events: self.events,
            topology: stats(self.fabric.topology()),
            mesh: self.gossip.mesh(),
            nodes: self.nodes(),
            blocks: Vec::new(),
            node_blocks: Vec::new(),
            transactions: Vec::new(),
            rollups: RollupsRecord::default(),
            lost_bytes: self.fabric.lost_bytes(),
            observed_every: self.archive.observed_every,
            warnings: Vec::new(),
            plan,
        };
        self.blocks(&mut record);
        self.transactions(&mut record);
        self.rollups(&mut record);
        record.digest = self.outcome_digest(&record).to_string();
        record.warnings = warnings(&record);
        record
    }
}

type Key = (u32, u32, u32);

impl<D: Dissemination> World<D> {
    fn nodes(&self) -> Vec<NodeRecord> {
        let nodes = (0..self.fabric.node_count()).map(NodeId).map(|node| {
            let traffic = self.fabric.traffic(node);
            let slots = self.chains.iter().filter_map(|chain| match chain {
                ChainState::Slots(slots) => Some(slots),
                ChainState::Broadcast(_) | ChainState::Fleet(_) => None,
            });
            let stake = self.stakes[node.index()];
            let (mut votes_due, mut votes_timely) = (0, 0);
            for chain in slots {
                votes_due += chain.duty[node.index()].due;
                votes_timely += chain.duty[node.index()].timely;
            }
            NodeRecord {
                region: self.fabric.region(node) as u32,
                class: self.fabric.class(node) as u32,
                stake,
                sent_bytes: traffic.sent,
                received_bytes: traffic.received,
                duplicates: self.fabric.duplicates(node),
                first_arrivals: traffic.first_arrivals,
                uplink_busy_ns: traffic.up_busy_ns,
                execution_busy_ns: self.cpus[node.index()].busy_ns,
                votes_due,
                votes_timely,
            }
        });
        nodes.collect()
    }

    /// Fills in the blocks, in the order of (chain, slot, proposer), with parents and canonical marks.
    fn blocks(&mut self, record: &mut RunRecord) {
        let position: BTreeMap<Key, u32> =
            self.archive.blocks.keys().enumerate().map(|(i, key)| (*key, i as u32)).collect();
        let mut canonical: BTreeSet<Key> = BTreeSet::new();
        let mut parents: BTreeMap<Key, Key> = BTreeMap::new();
        for chain in &mut self.chains {
            let ChainState::Slots(slots) = chain else { continue };
            let key = |id: crate::chain::block::BlockId| (id.chain, id.slot, id.proposer);
            let best = slots.canonical();
            canonical.extend(best.iter().map(|ix| key(slots.ledger.id(*ix))));
            for ix in slots.ledger.handles().skip(1) {
                let parent = slots.ledger.tree.parent(ix).expect("not the genesis");
                parents.insert(key(slots.ledger.id(ix)), key(slots.ledger.id(parent)));
            }
        }
        let blocks = std::mem::take(&mut self.archive.blocks).into_iter();
        record.blocks = blocks
            .map(|(key, block)| BlockRecord {
                parent: parents.get(&key).and_then(|p| position.get(p)).copied(),
                canonical: block.canonical || canonical.contains(&key),
                ..block
            })
            .collect();
        for (key, nodes) in std::mem::take(&mut self.archive.node_blocks) {
            let block = position[&key];
            record
                .node_blocks
                .extend(Arc::unwrap_or_clone(nodes).into_iter().map(|n| NodeBlockRecord { block, ..n }));
        }
    }

    fn transactions(&mut self, record: &mut RunRecord) {
        let position: BTreeMap<(u32, u32, u32), u32> = record
            .blocks
            .iter()
            .enumerate()
            .map(|(i, b)| ((b.chain, b.slot, b.proposer), i as u32))
            .collect();
        for (number, chain) in self.chains.iter_mut().enumerate() {
            let ChainState::Slots(slots) = chain else { continue };
            let first_measured_ns = slots.plan.slot_ns * u64::from(record.plan.run.warm_up + 1);
            let last_measured_ns = slots.plan.slot_ns * u64::from(slots.last_slot);
            let best = slots.canonical();
            let Source::Users(users) = &slots.source else { continue };
            let mut included = vec![None; users.submitted()];
            for ix in best {
                for (n, tx) in slots.ledger.get(ix).block.body.transactions().iter().enumerate() {
                    included[tx.index()] = Some((ix, n));
                }
            }
            record.transactions.extend(users.fates().map(|(tx, fate)| {
                let included = included[tx.index()];
                let paid = included.and_then(|(ix, n)| users.paid(ix, n));
                let [included_ns, final_ns] = included.map_or([None; 2], |(ix, _)| users.user_saw(ix, fate));
                let block = included.map(|(ix, _)| {
                    let id = slots.ledger.id(ix);
                    position[&(id.chain, id.slot, id.proposer)]
                });
                TransactionRecord {
                    chain: number as u32,
                    region: fate.region,
                    kind: fate.kind,
                    submitted_ns: fate.submitted_ns,
                    block,
                    included_ns,
                    final_ns,
                    measured: (first_measured_ns..last_measured_ns).contains(&fate.submitted_ns),
                    group: fate.group,
                    paid,
                }
            }));
        }
    }

    /// What became of the rollups.
    fn rollups(&mut self, record: &mut RunRecord) {
        let end_ns = self.now().0;
        let mut canonical = BTreeMap::new();
        for (index, chain) in self.chains.iter_mut().enumerate() {
            if let ChainState::Slots(slots) = chain
                && slots.offers.is_some()
            {
                let winning = slots.canonical();
                labels::blob_blocks(slots, &winning, &mut record.rollups);
                canonical.insert(index as u32, winning);
            }
        }
        for chain in &self.chains {
            let ChainState::Fleet(fleet) = chain else { continue };
            let ChainState::Slots(l1) = &self.chains[fleet.l1 as usize] else { continue };
            let from_ns = l1.plan.slot_ns * u64::from(record.plan.run.warm_up + 1);
            let to_ns = l1.plan.slot_ns * u64::from(l1.last_slot);
            let canonical = canonical.get(&fleet.l1).map_or(&[][..], Vec::as_slice);
            fleet.record(l1, canonical, end_ns, [from_ns, to_ns], &mut record.rollups);
        }
    }

    /// Everything that happened at every node, and what came of it.
    fn outcome_digest(&self, record: &RunRecord) -> Digest {
        let mut fold = DigestFold::new();
        fold.absorb_bytes(&self.trail.digest().0.to_le_bytes());
        for block in &record.blocks {
            let words = [
                u64::from(block.chain) << 32 | u64::from(block.slot),
                u64::from(block.proposer) << 32 | u64::from(block.height),
                block.gas_used,
                block.size_bytes,
                block.base_fee_wei,
                block.published_ns,
                block.votes_stake,
                u64::from(block.canonical),
            ];
            words.iter().for_each(|w| fold.absorb(*w));
        }
        for tx in &record.rollups.transactions {
            let times = [tx.executed_ns, tx.soft_ns, tx.posted_ns, tx.final_ns, tx.proven_ns];
            fold.absorb(u64::from(tx.rollup) << 32 | tx.submitted_ns >> 32);
            times.iter().for_each(|ns| fold.absorb(ns.unwrap_or(0)));
            if let Some(trade) = tx.trade {
                fold.absorb(trade.size_ppb);
                fold.absorb(trade.cost_ppb.unwrap_or(u64::MAX));
                fold.absorb(trade.log_ppb as u64);
            }
            tx.legs.iter().for_each(|leg| fold.absorb(leg.log_ppb as u64));
        }
        for batch in &record.rollups.batches {
            fold.absorb(u64::from(batch.rollup) << 32 | u64::from(batch.number));
            fold.absorb(batch.compressed_bytes << 32 | u64::from(batch.slot.unwrap_or(0)));
        }
        for derivation in &record.rollups.derivations {
            fold.absorb(u64::from(derivation.rollup) << 32 | u64::from(derivation.number));
            fold.absorb(u64::from(derivation.node) << 32 | u64::from(derivation.slot));
            fold.absorb(derivation.derived_ns.unwrap_or(0));
        }
        for trip in &record.rollups.trips {
            fold.absorb(trip.started_ns);
            fold.absorb(trip.ended_ns.unwrap_or(0));
            fold.absorb(trip.outcome.map_or(u64::MAX, |outcome| outcome as u64));
            fold.absorb(trip.loss.unwrap_or(0.0).to_bits());
        }
        for block in &record.rollups.blob_blocks {
            fold.absorb(block.excess ^ u64::from(block.blobs) << 56);
        }
        fold.finish()
    }
}

/// What a reader should know before trusting the result.
fn warnings(record: &RunRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    let measured = || record.blocks.iter().filter(|b| b.measured);
    if measured().next().is_none() {
        warnings.push("no block was measured: the run produced nothing".to_owned());
    }
    let unmatched = record.blocks.iter().filter(|b| b.verified_header == Some(false)).count();
    if unmatched > 0 {
        warnings.push(format!("{unmatched} recorded blocks do not match their headers"));
    }
    if measured().any(|b| b.execution.extrapolated) {
        warnings.push("execution on more cores than were measured is extrapolated".to_owned());
    }
    let lost = measured().filter(|b| !b.canonical).count();
    if lost > 0 {
        warnings.push(format!("{lost} measured blocks are not on the canonical chain"));
    }
    let unfinished = measured().filter(|b| b.canonical && b.arrival_quantiles_ns[3].is_none());
    let unfinished = unfinished.count();
    if unfinished > 0 && record.nodes.iter().any(|n| n.first_arrivals > 0) {
        warnings.push(format!("{unfinished} measured blocks had not reached every node when the run ended"));
    }
    let lost: u64 = record.lost_bytes.iter().sum();
    if lost > 0 {
        warnings.push(format!("{lost} bytes were lost on the way to or from nodes that were down"));
    }
    if record.observed_every > 1 {
        warnings.push(format!("per-node figures are those of every {}th node", record.observed_every));
    }
    warnings
}
