//! The event loop: one network, its nodes and the chains they carry, for one dissemination protocol.
//!
//! Everything that happens to a node goes through [`World::dispatch`], in the total order of events. Between
//! events, at *barriers* of simulated time, what nobody needs any more is forgotten and the digest trail is
//! written; barriers are the same for any number of partitions.

mod fleets;
mod interventions;

pub use interventions::Levers;

use super::timeline::Timeline;
use crate::chain::tree::BlockIx;
use crate::consensus::broadcast::Broadcast;
use crate::consensus::slots::Slots;
use crate::consensus::{Host, PassOn, RunError, Tasks, timers};
use crate::execution::pipeline::CpuState;
use crate::gossip::Dissemination;
use crate::kernel::digest::{DigestTrail, NodeDigest};
use crate::kernel::event::{Event, Moment};
use crate::kernel::ids::NodeId;
use crate::kernel::time::SimTime;
use crate::net::fabric::{Delivery, Fabric};
use crate::net::items::{Item, Slot};
use crate::net::message::{MessageKind, class, timer};
use crate::rollup::fleet::Fleet;

/// Time between barriers, ns.
const BARRIER_NS: u64 = 500_000_000;
/// Items younger than this are never forgotten, ns.
const RETENTION_NS: u64 = 2_000_000_000;

/// A chain in a simulation.
#[derive(Clone)]
pub enum ChainState {
    /// Runs the `Slots` protocol.
    Slots(Box<Slots>),
    /// Runs `Broadcast`.
    Broadcast(Box<Broadcast>),
    /// Rollups of one kind on one of the chains before it.
    Fleet(Box<Fleet>),
}

/// A running simulation.
#[derive(Clone)]
pub struct World<D> {
    pub(super) fabric: Fabric,
    pub(super) gossip: D,
    pub(super) cpus: Vec<CpuState>,
    tasks: Tasks,
    pub(super) chains: Vec<ChainState>,
    forward_check_ns: u64,
    /// Everything before this has happened.
    now: SimTime,
    next_barrier: SimTime,
    end: SimTime,
    pub(super) events: u64,
    pub(super) trail: DigestTrail,
    pub(super) archive: super::archive::Archive,
    pub(super) stakes: std::sync::Arc<[u64]>,
    pub(super) timeline: Timeline,
    levers: Levers,
    /// Timers of nodes that are down.
    parked: Vec<Event>,
}

macro_rules! host {
    ($world:expr) => {
        Host {
            fabric: &mut $world.fabric,
            gossip: &mut $world.gossip,
            cpus: &mut $world.cpus,
            tasks: &mut $world.tasks,
        }
    };
}

impl<D: Dissemination> World<D> {
    /// A world at time 0 with the first timers set.
    #[allow(clippy::too_many_arguments, reason = "the parts of a world, assembled in one place")]
    pub(super) fn new(
        fabric: Fabric,
        gossip: D,
        chains: Vec<ChainState>,
        forward_check_ns: u64,
        end: SimTime,
        archive: super::archive::Archive,
        stakes: std::sync::Arc<[u64]>,
        (levers, timeline): (Levers, Timeline),
    ) -> Self {
        let nodes = fabric.node_count();
        let mut world = Self {
            cpus: vec![CpuState::default(); nodes as usize],
            trail: DigestTrail::new(nodes, nodes.div_ceil(64).max(1)),
            fabric,
            gossip,
            tasks: Tasks::default(),
            chains,
            forward_check_ns,
            now: SimTime(0),
            next_barrier: SimTime(BARRIER_NS),
            end,
            events: 0,
            archive,
            stakes,
            timeline,
            levers,
            parked: Vec::new(),
        };
        world.gossip.start(&mut world.fabric);
        for chain in &mut world.chains {
            let mut host = host!(world);
            match chain {
                ChainState::Slots(slots) => slots.start(&mut host),
                ChainState::Broadcast(broadcast) => broadcast.start(&mut host),
                ChainState::Fleet(fleet) => fleet.start(&mut host),
            }
        }
        world.fabric.scheduler.flush();
        world
    }

    /// Simulated time: everything before it has happened.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// When the run ends.
    pub fn end(&self) -> SimTime {
        self.end
    }

    /// Handles events before `until` (at most `budget`, rounded up to a window); true when it got there.
    pub fn run_until(&mut self, until: SimTime, budget: u64) -> Result<bool, RunError> {
        let until = until.min(self.end);
        let stop_at = self.events.saturating_add(budget);
        let goes_on = self.now < until;
        while self.now < until {
            self.intervene();
            let limit = until.min(self.next_barrier).min(self.timeline.next());
            if !self.drain(limit, stop_at)? {
                return Ok(false);
            }
            self.now = limit;
            if limit == self.next_barrier {
                self.barrier();
            }
        }
        if goes_on && self.now == self.end {
            self.audit_fleets()?;
        }
        Ok(true)
    }

    /// Handles all events before `limit`; false if the budget ran out first.
    fn drain(&mut self, limit: SimTime, stop_at: u64) -> Result<bool, RunError> {
        while let Some(window) = self.fabric.scheduler.open_window(limit) {
            for partition in 0..self.fabric.scheduler.partitions() {
                self.fabric.scheduler.select(partition);
                while let Some(event) = self.fabric.next_event(window) {
                    self.dispatch(event)?;
                    self.events += 1;
                    if self.events >= stop_at && self.fabric.scheduler.partitions() == 1 {
                        self.now = event.time;
                        return Ok(false);
                    }
                }
            }
            self.now = window;
            if self.events >= stop_at {
                return Ok(window >= limit);
            }
        }
        Ok(true)
    }

    // By value all the way down to what is not inlined: the event then lives in registers.
    #[inline(always)]
    fn dispatch(&mut self, event: Event) -> Result<(), RunError> {
        match event.class() {
            class::ARRIVE => self.fabric.arrive(event),
            class::DELIVER => self.deliver(event),
            class::UPLINK => self.gossip.uplink(&mut self.fabric, &{ event }),
            class::TIMER => return self.timer(event),
            other => unreachable!("nobody schedules events of class {other}"),
        }
        Ok(())
    }

    #[inline(always)]
    fn deliver(&mut self, event: Event) {
        let (now, node, from) = (event.moment(), event.destination(), event.source);
        match self.fabric.deliver(event) {
            Delivery::First(slot) => self.first(now, node, slot, from),
            Delivery::Duplicate(slot) => self.gossip.duplicate(&mut self.fabric, now, node, slot, from),
            Delivery::Direct(index) => self.on_direct(event, index),
            Delivery::Control => self.gossip.control(&mut self.fabric, &{ event }),
        }
    }

    /// The first copy of an item is complete at a node.
    #[inline]
    fn first(&mut self, now: Moment, node: NodeId, slot: Slot, from: NodeId) {
        self.gossip.received(&mut self.fabric, now, node, slot, from);
        match self.on_item(now, node, slot) {
            PassOn::Now => self.gossip.forward(&mut self.fabric, now, node, slot, from),
            PassOn::After(ns) => {
                self.fabric.hold(slot);
                let mut host = host!(self);
                host.task_timer(now, ns, node, timer::FORWARD, (slot.0, from.0));
            }
            PassOn::Later => {}
        }
    }

    #[inline]
    fn on_item(&mut self, now: Moment, node: NodeId, slot: Slot) -> PassOn {
        let chain = self.fabric.item(slot).chain as usize;
        match &mut self.chains[chain] {
            ChainState::Slots(slots) => {
                let mut host = host!(self);
                let pass_on = slots.on_item(&mut host, now, node, slot);
                self.tell_fleets(now, chain);
                pass_on
            }
            ChainState::Fleet(_) => PassOn::Now,
            ChainState::Broadcast(_) if self.forward_check_ns == 0 => PassOn::Now,
            ChainState::Broadcast(_) => PassOn::After(self.forward_check_ns),
        }
    }

    #[inline(never)]
    fn on_direct(&mut self, event: Event, index: u32) {
        let message = *self.fabric.direct(index);
        if matches!(self.chains[message.chain as usize], ChainState::Fleet(_)) {
            self.fleet_message(&event, message.chain, message.kind, message.content);
            return self.fabric.free_direct(index);
        }
        let ChainState::Slots(slots) = &mut self.chains[message.chain as usize] else {
            unreachable!("only the slots protocol sends straight to nodes");
        };
        let mut host = host!(self);
        let (now, node, content) = (event.moment(), event.destination(), message.content);
        let vote = message.kind == MessageKind::Vote;
        match message.kind {
            MessageKind::Vote => slots.on_vote(&mut host, now, node, content),
            MessageKind::Control => slots.on_request(&mut host, now, node, content),
            MessageKind::Block => slots.on_fetched(&mut host, now, node, BlockIx(content), index),
            MessageKind::Blob => slots.on_letter(&mut host, now, node, content),
            MessageKind::Transactions | MessageKind::Aggregate => slots.on_transactions(content),
        }
        if !(vote && slots.keeps_vote_messages()) {
            self.fabric.free_direct(index);
        }
        self.tell_fleets(now, message.chain as usize);
    }

    #[inline(never)]
    fn timer(&mut self, event: Event) -> Result<(), RunError> {
        let (now, node) = (event.moment(), event.destination());
        match event.aux() {
            timer::GOSSIP => self.gossip.timer(&mut self.fabric, &event),
            timer::FORWARD => {
                let (slot, from) = self.tasks.take(event.payload);
                self.fabric.release(Slot(slot));
                self.gossip.forward(&mut self.fabric, now, node, Slot(slot), NodeId(from));
            }
            timers::SLOT | timers::ATTEST | timers::BUNDLE => {
                return self.chain_timer(&event, event.payload, 0);
            }
            _ => {
                let (chain, number) = self.tasks.take(event.payload);
                return self.chain_timer(&event, chain, number);
            }
        }
        Ok(())
    }

    fn chain_timer(&mut self, event: &Event, chain: u32, number: u32) -> Result<(), RunError> {
        let (now, node) = (event.moment(), event.destination());
        if let ChainState::Fleet(_) = &self.chains[chain as usize] {
            return self.fleet_timer(event, chain, number);
        }
        let mut host = host!(self);
        match &mut self.chains[chain as usize] {
            ChainState::Fleet(_) => {}
            ChainState::Broadcast(broadcast) => broadcast.on_propose(&mut host, now, node, number),
            ChainState::Slots(slots) => match event.aux() {
                timers::SLOT => slots.on_slot(&mut host, now, node)?,
                timers::PROPOSE => slots.on_propose(&mut host, now, node, BlockIx(number)),
                timers::ATTEST => slots.on_attest(&mut host, now, node),
                timers::AGGREGATE => slots.on_aggregate_deadline(&mut host, now, node, number),
                timers::VERIFIED => slots.on_verified(&mut host, now, node, BlockIx(number)),
                timers::BUNDLE => slots.on_bundle(&mut host, now, node),
                other => unreachable!("nobody sets timer {other}"),
            },
        }
        self.tell_fleets(now, chain as usize);
        Ok(())
    }

    /// Writes the trail and forgets what nobody needs.
    fn barrier(&mut self) {
        let now_ns = self.now.0;
        if now_ns.is_multiple_of(1_000_000_000) {
            let digests: Vec<NodeDigest> = self.fabric.digests().collect();
            self.trail.record(now_ns / 1_000_000_000, &digests);
        }
        for chain in &mut self.chains {
            self.archive.close_finished(chain, &mut self.fabric);
            if let Some(fleet) = chain.fleet_mut() {
                fleet.sample(now_ns);
            }
        }
        let (gossip, chains) = (&self.gossip, &self.chains);
        let nodes = self.fabric.node_count();
        let keep = |slot: Slot, item: &Item| gossip.keeps(now_ns, slot, item) || needed(chains, nodes, item);
        self.fabric.retire(now_ns.saturating_sub(RETENTION_NS), keep);
        self.next_barrier = SimTime(self.next_barrier.0 + BARRIER_NS);
    }

    /// The run is over: take what is still open into the archive.
    pub(super) fn close_all(&mut self) {
        self.fabric.post_books();
        self.count_missed_votes();
        for chain in &mut self.chains {
            self.archive.close_all(chain, &mut self.fabric);
        }
        let digests: Vec<NodeDigest> = self.fabric.digests().collect();
        self.trail.record(self.now.0 / 1_000_000_000 + 1, &digests);
    }
}

/// A chain still needs an item's record.
fn needed(chains: &[ChainState], nodes: u32, item: &Item) -> bool {
    match (&chains[item.chain as usize], item.kind) {
        (ChainState::Slots(slots), MessageKind::Block) => !slots.ledger.get(BlockIx(item.content)).closed,
        (ChainState::Slots(slots), MessageKind::Aggregate) => {
            slots.aggregates[item.content as usize].item.is_some()
        }
        (ChainState::Broadcast(broadcast), _) => broadcast.payloads[item.content as usize].item.is_some(),
        // A fleet makes no items. A bundle, or a block's blobs, are forgotten when everybody has them.
        _ => item.holders < nodes,
    }
}
