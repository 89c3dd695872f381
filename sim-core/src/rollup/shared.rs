//! One sequencer for all rollups of a fleet: one clock, and transactions that are taken together or not at all.
//!
//! **Captures.** All rollups of the fleet have their blocks on the same ticks, built by one node. Transactions for several
//! of them may come in one message, a *bundle*. At a tick the sequencer goes through every queue; a bundle of which one
//! part cannot be taken (its rollup's gas, base fee, bytes, or an earlier transaction of its sender that is missing)
//! stays out of all blocks of the tick and waits for a later one, until its deadline or the queue's. One that is part of
//! no valid block is refused whole. Then all blocks are executed on the node's cores, and confirmed together when the last
//! one is. With atomic *inclusion* that is all: parts may still revert one by one. With atomic *execution* a bundle
//! with a part that reverts is taken out of all blocks and refused whole, what it left is filled up, and the blocks
//! concerned are executed once more, at the cost of that time.
//!
//! **Leaves out.** Consensus among several sequencers, and its time; builders who bid; promises of rollups with
//! other rules; tokens that cross within a tick. A rollup whose blocks are ready early waits for the others of the tick.
//!
//! **Parameters.** [`super::params::SequencingPlan::Shared`]. **Source** the two kinds of atomicity: shared sequencers'
//! own words (`sim-core/data/rollups/presets.ron`). **Checked against** all-or-none of every bundle in whole runs, in
//! an outage too (`tests/rollup_shared.rs`). May import what `rollup` may. Must never be true: that one part of a
//! bundle is in a block and another is not, or is in a block of another tick.

use super::fleet::{Fleet, NONE};
use super::params::{Atomic, SequencingPlan};
use super::queue::Budget;
use super::record::{BUNDLE_FAILED, Fate, INVALID, WAITED_TOO_LONG};
use super::sequencer::Verdict;
use crate::execution::builder::ExecutedBlock;
use crate::execution::host::{Host, RunError, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Transactions for several rollups that are taken together or not at all.
#[derive(Clone, Debug)]
pub(super) struct Bundle {
    pub txs: Vec<u32>,
    /// It is refused at the first tick after this, ns.
    deadline_ns: u64,
}

/// What a shared sequencer keeps.
#[derive(Clone)]
pub(super) struct Shared {
    atomic: Atomic,
    tick_pending: bool,
    /// Places of rollups with a block of the tick under execution.
    building: Vec<usize>,
    pub bundles: Vec<Bundle>,
    /// By transaction.
    of: BTreeMap<u32, u32>,
    /// Bundles that wait.
    waiting: BTreeSet<u32>,
}

impl Shared {
    /// Nothing sent yet; `None` where rollups have sequencers of their own, or none.
    pub fn new(plan: SequencingPlan) -> Option<Box<Self>> {
        let SequencingPlan::Shared { atomic } = plan else { return None };
        Some(Box::new(Self {
            atomic,
            tick_pending: false,
            building: Vec::new(),
            bundles: Vec::new(),
            of: BTreeMap::new(),
            waiting: BTreeSet::new(),
        }))
    }
}

/// A tick's blocks while they are put together, by place.
#[derive(Default)]
struct Tick {
    budgets: BTreeMap<usize, Budget>,
    chosen: BTreeMap<usize, Vec<u32>>,
    blocks: BTreeMap<usize, (Arc<ExecutedBlock>, Arc<[u64]>)>,
    /// Bundles that wait for a later one.
    out: BTreeSet<u32>,
    /// What must be chosen anew, and executed.
    open: BTreeSet<usize>,
    end_ns: u64,
}

impl Tick {
    /// How many of some transactions are in its blocks.
    fn holds(&self, txs: &[u32], place_of: impl Fn(u32) -> usize) -> usize {
        let inside = |tx: &&u32| self.chosen.get(&place_of(**tx)).is_some_and(|block| block.contains(tx));
        txs.iter().filter(inside).count()
    }
}

impl Fleet {
    /// The bundle a transaction is part of.
    pub(super) fn bundle_of(&self, handle: u32) -> Option<&Bundle> {
        let shared = self.shared.as_ref()?;
        shared.of.get(&handle).map(|bundle| &shared.bundles[*bundle as usize])
    }

    fn place_of(&self, handle: u32) -> usize {
        self.places[self.txs[handle as usize].rollup as usize] as usize
    }

    /// Sends transactions of one gateway to the shared sequencer in one message.
    pub(super) fn send_together<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        txs: Vec<u32>,
        deadline_ns: u64,
    ) {
        let Some(shared) = self.shared.as_mut() else { return };
        let number = shared.bundles.len() as u32;
        shared.of.extend(txs.iter().map(|tx| (*tx, number)));
        shared.bundles.push(Bundle { txs: txs.clone(), deadline_ns });
        let from = self.gateways[self.txs[txs[0] as usize].gateway as usize].node;
        if from == self.hosts[0].node {
            return self.on_transaction(host, now, txs[0]);
        }
        self.send(host, now, txs[0], 0);
        for tx in txs {
            self.await_answer(host, now, tx, 0);
        }
    }

    /// A bundle has reached the sequencer for the first time, named by one of its transactions.
    pub(super) fn on_bundle<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, handle: u32) {
        let Some(shared) = self.shared.as_mut() else { return };
        let number = shared.of[&handle];
        let txs = shared.bundles[number as usize].txs.clone();
        let queue_max = self.common.plan.rules.queue_max as usize;
        let mut full = false;
        for tx in &txs {
            self.txs[*tx as usize].received_ns = now.time.0;
            let place = self.activate(self.txs[*tx as usize].rollup);
            full |= queue_max > 0 && self.active[place].queued() >= queue_max;
        }
        if full {
            let refused: Vec<(u32, u8)> = txs.iter().map(|tx| (*tx, 0)).collect();
            return self.refuse(host, now, self.place_of(handle), &refused);
        }
        self.shared.as_mut().expect("it is shared").waiting.insert(number);
        for tx in txs {
            let place = self.enqueue(now, tx);
            self.await_block(host, now, place);
        }
    }

    /// Sets the timer of the next tick.
    pub(super) fn await_tick<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment) {
        let soft_ns = self.common.plan.rules.soft_ns;
        let phase_ns = self.phase_ns(0);
        let Some(shared) = self.shared.as_mut().filter(|s| !s.tick_pending && s.building.is_empty()) else {
            return;
        };
        shared.tick_pending = true;
        let at_ns = phase_ns + ((now.time.0 + soft_ns - phase_ns) / soft_ns) * soft_ns;
        let node = self.hosts[0].node;
        host.task_timer(now, at_ns - now.time.0, node, timers::SEQUENCE, (self.chain, NONE));
    }

    /// Time for a block of every rollup with something to put in.
    pub(super) fn on_tick<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
    ) -> Result<(), RunError> {
        let shared = self.shared.as_mut().expect("it is shared");
        shared.tick_pending = false;
        if !shared.building.is_empty() {
            // The blocks of the last tick are not executed yet; the next begins after them.
            return Ok(());
        }
        let mut tick = Tick { end_ns: now.time.0, ..Tick::default() };
        self.open_tick(host, now, &mut tick);
        while !tick.open.is_empty() {
            let open = self.choose_together(now, &mut tick);
            self.execute_together(host, now, &mut tick, open)?;
            if tick.open.is_empty() {
                self.drop_failed(host, now, &mut tick);
            }
        }
        let shared = self.shared.as_mut().expect("it is shared");
        for place in tick.blocks.keys() {
            for tx in &tick.chosen[place] {
                if let Some(bundle) = shared.of.get(tx) {
                    shared.waiting.remove(bundle);
                }
            }
        }
        shared.building = tick.blocks.keys().copied().collect();
        if shared.building.is_empty() {
            self.await_more(host, now);
            return Ok(());
        }
        for (place, (executed, durations)) in std::mem::take(&mut tick.blocks) {
            let chosen = tick.chosen.remove(&place).unwrap_or_default();
            self.begin_building(now, place, chosen, &executed, durations)?;
        }
        let (node, wait_ns) = (self.hosts[0].node, tick.end_ns - now.time.0);
        host.task_timer(now, wait_ns, node, timers::SEALED, (self.chain, NONE));
        Ok(())
    }

    fn await_more<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment) {
        if self.active.iter().any(|rollup| rollup.queued() > 0) {
            self.await_tick(host, now);
        }
    }

    /// The blocks of a tick are executed: all of them count.
    pub(super) fn on_tick_sealed<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
    ) -> Result<(), RunError> {
        let building = std::mem::take(&mut self.shared.as_mut().expect("it is shared").building);
        for place in building {
            self.on_sealed(host, now, place as u32)?;
        }
        self.await_more(host, now);
        Ok(())
    }

    /// Drops what has waited too long and opens a block on every rollup with something in its queue.
    fn open_tick<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, tick: &mut Tick) {
        let queued = |rollup: &super::sequencer::Rollup| rollup.queued() > 0;
        let places: Vec<usize> = (0..self.active.len()).filter(|p| queued(&self.active[*p])).collect();
        for place in &places {
            self.give_up(host, now, *place);
        }
        let (txs, shared) = (&self.txs, self.shared.as_mut().expect("it is shared"));
        let Shared { waiting, bundles, .. } = &mut **shared;
        // All parts came at once, so that all have waited too long at once.
        waiting.retain(|bundle| {
            let first = bundles[*bundle as usize].txs[0];
            txs[first as usize].fate == Fate::Queued
        });
        let late = |bundle: &&u32| bundles[**bundle as usize].deadline_ns < now.time.0;
        let late: Vec<u32> = waiting.iter().filter(late).copied().collect();
        self.refuse_bundles(host, now, &late, WAITED_TOO_LONG);
        for place in places {
            if !queued(&self.active[place]) {
                continue;
            }
            let budget = self.open_block(now, place);
            tick.budgets.insert(place, budget);
            tick.open.insert(place);
        }
    }

    /// Chooses blocks in which every bundle is whole or absent; the places that were chosen anew.
    fn choose_together(&mut self, now: Moment, tick: &mut Tick) -> BTreeSet<usize> {
        let mut done = BTreeSet::new();
        while !tick.open.is_empty() {
            for place in std::mem::take(&mut tick.open) {
                let bundles = &self.shared.as_ref().expect("it is shared").bundles;
                let stays_out = tick.out.iter().flat_map(|bundle| &bundles[*bundle as usize].txs);
                let stays_out: BTreeSet<u32> = stays_out.copied().collect();
                let chosen = self.choose(now, place, tick.budgets[&place], |tx| stays_out.contains(&tx));
                tick.chosen.insert(place, chosen);
                done.insert(place);
            }
            let shared = self.shared.as_ref().expect("it is shared");
            let mut partial = Vec::new();
            for bundle in shared.waiting.iter().filter(|bundle| !tick.out.contains(bundle)) {
                let txs = &shared.bundles[*bundle as usize].txs;
                let inside = tick.holds(txs, |tx| self.place_of(tx));
                if inside > 0 && inside < txs.len() {
                    partial.push(*bundle);
                }
            }
            for bundle in partial {
                tick.out.insert(bundle);
                tick.open.extend(shared.bundles[bundle as usize].txs.iter().map(|tx| self.place_of(*tx)));
            }
        }
        done
    }

    /// Executes the blocks at `places`; where something is invalid, it is refused and the places concerned are open again.
    fn execute_together<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        tick: &mut Tick,
        places: BTreeSet<usize>,
    ) -> Result<(), RunError> {
        let node = self.hosts[0].node;
        for place in places {
            tick.blocks.remove(&place);
            match self.execute_once(now, place, &tick.chosen[&place])? {
                Verdict::Nothing => {}
                Verdict::Executed(executed) => {
                    let durations: Arc<[u64]> = self.pricing.durations_ns(&executed.trace).into();
                    let duration = durations[host.fabric.class(node)];
                    let (_, end) = host.cpus[node.index()].run(now.time.0, duration);
                    self.active[place].totals.execution_ns += duration;
                    tick.end_ns = tick.end_ns.max(end);
                    tick.blocks.insert(place, (executed, durations));
                }
                Verdict::Invalid(refused) => {
                    let of = &self.shared.as_ref().expect("it is shared").of;
                    let bundles = refused.iter().filter_map(|(tx, _)| of.get(tx).copied());
                    let bundles: BTreeSet<u32> = bundles.collect();
                    let alone = refused.iter().filter(|(tx, _)| !of.contains_key(tx));
                    let alone: Vec<(u32, u8)> = alone.copied().collect();
                    self.take_out(now, &alone);
                    self.refuse(host, now, place, &alone);
                    tick.open.insert(place);
                    let bundles: Vec<u32> = bundles.into_iter().collect();
                    tick.open.extend(self.refuse_bundles(host, now, &bundles, INVALID));
                }
            }
        }
        Ok(())
    }

    /// With atomic execution, bundles with a part that reverts are refused and their places are open again.
    fn drop_failed<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, tick: &mut Tick) {
        let shared = self.shared.as_ref().expect("it is shared");
        if shared.atomic == Atomic::Inclusion {
            return;
        }
        let mut failed = BTreeSet::new();
        for (place, (executed, _)) in &tick.blocks {
            for (tx, receipt) in tick.chosen[place].iter().zip(&executed.output.receipts) {
                if let Some(bundle) = shared.of.get(tx).filter(|_| !receipt.success) {
                    failed.insert(*bundle);
                }
            }
        }
        let failed: Vec<u32> = failed.into_iter().collect();
        tick.open.extend(self.refuse_bundles(host, now, &failed, BUNDLE_FAILED));
    }

    /// Refuses bundles, all of each; the places they were waiting at.
    fn refuse_bundles<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        bundles: &[u32],
        reason: u8,
    ) -> BTreeSet<usize> {
        let mut places = BTreeSet::new();
        for bundle in bundles {
            let shared = self.shared.as_mut().expect("it is shared");
            shared.waiting.remove(bundle);
            let txs = shared.bundles[*bundle as usize].txs.iter();
            let refused: Vec<(u32, u8)> = txs.map(|tx| (*tx, reason)).collect();
            let concerned: BTreeSet<usize> = refused.iter().map(|(tx, _)| self.place_of(*tx)).collect();
            self.take_out(now, &refused);
            if let Some(place) = concerned.first() {
                self.refuse(host, now, *place, &refused);
            }
            places.extend(concerned);
        }
        places
    }

    /// Takes transactions out of the queues they wait in.
    fn take_out(&mut self, now: Moment, txs: &[(u32, u8)]) {
        for (tx, _) in txs {
            let place = self.place_of(*tx);
            self.active[place].remove(now.time.0, |waiting| waiting.tx == *tx);
        }
    }

    /// Bundles that were sent, that are in blocks, that were refused.
    pub(super) fn bundle_counts(&self) -> [u64; 3] {
        let Some(shared) = &self.shared else { return [0; 3] };
        let fate = |bundle: &&Bundle| self.txs[bundle.txs[0] as usize].fate;
        let count = |is: &dyn Fn(Fate) -> bool| shared.bundles.iter().filter(|b| is(fate(b))).count() as u64;
        let refused = count(&|fate| matches!(fate, Fate::Dropped(_)));
        [shared.bundles.len() as u64, count(&|fate| fate == Fate::Included), refused]
    }

    /// What a bundle is called everywhere: its gateway, and that one's count of its first transaction.
    pub(super) fn bundle_name(&self, handle: u32) -> Option<u64> {
        let first = self.txs[self.bundle_of(handle)?.txs[0] as usize];
        Some(u64::from(first.gateway) << 32 | u64::from(first.sequence))
    }
}
