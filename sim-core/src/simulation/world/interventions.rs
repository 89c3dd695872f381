//! Interventions take effect, between events: before everything else of their instant.
//!
//! What each means for what is under way is said where it happens: links in [`crate::net::fabric`]'s
//! `changes`, outages in its `outages`, blocks in [`crate::consensus::slots`]'s `changes` and `catch_up`, users
//! in [`crate::workload::load`]. Here: which of them is meant, the nodes' cores, and the timers of nodes that
//! are down.
//!
//! **Cores.** A change of execution holds for every block whose execution begins after it. What runs goes on
//! as it was; what waits for a node's cores is priced again and follows without a gap, in its order.
//!
//! **Timers.** A node's own timers stop with it. Back up, a protocol's timers go on with the time they had
//! left; slots, deadlines and bundles resume with their next turn; work in hand is begun anew or lost.

use super::{ChainState, World};
use crate::chain::tree::BlockIx;
use crate::consensus::slots::Slots;
use crate::consensus::{Host, timers};
use crate::execution::block_time::{BlockTimer, Machine};
use crate::execution::params::ExecutionPlan;
use crate::gossip::Dissemination;
use crate::kernel::event::{Event, Moment};
use crate::kernel::ids::NodeId;
use crate::kernel::time::SimTime;
use crate::net::items::Slot;
use crate::net::message::{class, timer};
use crate::net::params::{HardwareClass, Scope};
use crate::scenario::plan::{Change, Plan};
use crate::workload::Pricing;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What interventions are relative to, and the settings they have changed.
#[derive(Clone)]
pub struct Levers {
    hardware: Arc<[HardwareClass]>,
    /// Execution by chain, as the scenario has it.
    own: Arc<[ExecutionPlan]>,
    /// Execution by chain, as it is.
    current: Vec<ExecutionPlan>,
}

impl Levers {
    /// The settings of a plan.
    pub fn new(plan: &Plan) -> Self {
        let chains = plan.chains.iter().map(|c| c.execution.clone());
        let current: Vec<ExecutionPlan> =
            chains.chain(plan.rollups.iter().map(|fleet| fleet.execution.clone())).collect();
        let hardware = plan.nodes.hardware.iter().map(|(class, _)| class.clone()).collect();
        Self { hardware, own: current.clone().into(), current }
    }

    fn pricing(&self, chain: usize) -> Pricing {
        let plan = &self.current[chain];
        let timer = BlockTimer::new(plan).expect("the profile was in use before");
        Pricing { timer, machines: self.hardware.iter().map(|class| Machine::of(plan, class)).collect() }
    }
}

/// An execution that is pending at a node.
struct Pending {
    node: NodeId,
    end_ns: u64,
    index: usize,
    chain: usize,
    ix: BlockIx,
    duration_ns: u64,
}

impl<D: Dissemination> World<D> {
    /// The earliest moment at which an intervention can still take effect: after the last event handled.
    pub fn next_free_moment(&self) -> SimTime {
        let last = self.fabric.scheduler.last_popped();
        let begun = self.events > 0 && last >= self.now;
        SimTime(self.now.0 + u64::from(begun))
    }

    /// Whatever is due takes effect.
    pub(super) fn intervene(&mut self) {
        while let Some(intervention) = self.timeline.take_due(self.now) {
            self.change(&intervention.change);
        }
    }

    fn change(&mut self, change: &Change) {
        let at_ns = self.now.0;
        match *change {
            Change::Bandwidth { of, factor_ppm } => self.fabric.change_rates(at_ns, of, factor_ppm),
            Change::Latency { factor_ppm } => self.fabric.change_latency(at_ns, factor_ppm),
            Change::ExecutionSpeed { factor_ppm } => self.change_execution(|own, current| {
                let speed = u128::from(own.speed_ppm) * u128::from(factor_ppm) / 1_000_000;
                current.speed_ppm = u64::try_from(speed).unwrap_or(u64::MAX).max(1);
            }),
            Change::Cores { cores } => self.change_execution(|_, current| current.cores = Some(cores)),
            Change::Algorithm(algorithm) => {
                self.change_execution(|_, current| current.algorithm = algorithm);
            }
            Change::GasLimit { gas } => self.slots().for_each(|slots| slots.set_gas_limit(gas)),
            Change::Load { factor_ppm } => {
                let users = self.slots().filter_map(|slots| slots.source.users_mut());
                users.for_each(|users| users.set_load(at_ns, factor_ppm));
                let fleets = self.chains.iter_mut().filter_map(ChainState::fleet_mut);
                fleets.for_each(|fleet| fleet.set_load(at_ns, factor_ppm));
            }
            Change::Kill { of } => self.fail(of),
            Change::Restore { of } => self.recover(of),
        }
    }

    fn slots(&mut self) -> impl Iterator<Item = &mut Slots> {
        self.chains.iter_mut().filter_map(|chain| match chain {
            ChainState::Slots(slots) => Some(&mut **slots),
            ChainState::Broadcast(_) | ChainState::Fleet(_) => None,
        })
    }

    fn slots_of(&mut self, chain: usize) -> Option<&mut Slots> {
        match &mut self.chains[chain] {
            ChainState::Slots(slots) => Some(slots),
            ChainState::Broadcast(_) | ChainState::Fleet(_) => None,
        }
    }

    // --- execution -------------------------------------------------------------------------------------

    fn change_execution(&mut self, change: impl Fn(&ExecutionPlan, &mut ExecutionPlan)) {
        for (own, current) in self.levers.own.iter().zip(&mut self.levers.current) {
            change(own, current);
        }
        let mut events = self.fabric.scheduler.take_all();
        let mut pending = self.pending_executions(&events);
        for chain in 0..self.chains.len() {
            let (at_ns, pricing) = (self.now.0, self.levers.pricing(chain));
            if let Some(slots) = self.slots_of(chain) {
                slots.reprice(at_ns, &pricing);
            } else if let Some(fleet) = self.chains[chain].fleet_mut() {
                fleet.set_pricing(pricing);
            }
        }
        pending.sort_unstable_by_key(|p| (p.node, p.end_ns, p.index));
        for queue in pending.chunk_by(|a, b| a.node == b.node) {
            self.requeue_executions(queue, &mut events);
        }
        self.fabric.scheduler.put_back(&events);
    }

    fn pending_executions(&mut self, events: &[Event]) -> Vec<Pending> {
        let mut pending = Vec::new();
        for (index, event) in events.iter().enumerate().filter(|(_, e)| is_work(e)) {
            let (chain, number) = self.tasks.get(event.payload);
            let (node, end_ns, ix) = (event.destination(), event.time.0, BlockIx(number));
            let class = self.fabric.class(node);
            if let Some(slots) = self.slots_of(chain as usize) {
                let duration_ns = slots.executed_in(ix, node, class, end_ns);
                pending.push(Pending { node, end_ns, index, chain: chain as usize, ix, duration_ns });
            }
        }
        pending
    }

    /// One node's pending executions, in order: only the first has begun.
    fn requeue_executions(&mut self, queue: &[Pending], events: &mut [Event]) {
        let (at_ns, node) = (self.now.0, queue[0].node);
        let class = self.fabric.class(node);
        let mut free_ns = queue[0].end_ns - queue[0].duration_ns;
        for (place, execution) in queue.iter().enumerate() {
            let Pending { ix, duration_ns, .. } = *execution;
            let event = &mut events[execution.index];
            let Some(slots) = self.chains[execution.chain].slots_mut() else { continue };
            if place == 0 && free_ns < at_ns {
                slots.note_running(ix, node, duration_ns);
                free_ns = execution.end_ns;
                continue;
            }
            if event.aux() == timers::PROPOSE {
                slots.ledger.get_mut(ix).build_start_ns = free_ns;
            }
            free_ns += slots.ledger.get(ix).durations_ns[class];
            event.time = SimTime(free_ns);
        }
        let cpu = &mut self.cpus[node.index()];
        cpu.busy_ns = cpu.busy_ns + free_ns - cpu.free_at_ns;
        cpu.free_at_ns = free_ns;
    }

    // --- outages ---------------------------------------------------------------------------------------

    fn fail(&mut self, of: Scope) {
        let at_ns = self.now.0;
        let (nodes, timers) = self.fabric.fail(at_ns, of);
        for node in nodes {
            self.slots().for_each(|slots| slots.fail(node));
            let cpu = &mut self.cpus[node.index()];
            cpu.busy_ns -= cpu.free_at_ns.saturating_sub(at_ns);
            cpu.free_at_ns = cpu.free_at_ns.min(at_ns);
        }
        for event in timers {
            if event.class() == class::TIMER && event.aux() == timer::FORWARD {
                let (slot, _) = self.tasks.take(event.payload);
                self.fabric.release(Slot(slot));
            } else if is_work(&event) || event.class() == class::TIMER && event.aux() == timers::AGGREGATE {
                let (chain, number) = self.tasks.get(event.payload);
                match self.slots_of(chain as usize) {
                    Some(slots) => {
                        slots.abandon(event.destination(), event.aux(), number);
                        self.tasks.take(event.payload);
                    }
                    // The payloads of a broadcast have their times from the start.
                    None => self.parked.push(event),
                }
            } else {
                self.parked.push(event);
            }
        }
    }

    fn recover(&mut self, of: Scope) {
        let at_ns = self.now.0;
        let downs = |node: &NodeId| Some((*node, self.fabric.down_since(*node)?));
        let since: BTreeMap<NodeId, u64> =
            (0..self.fabric.node_count()).map(NodeId).filter_map(|n| downs(&n)).collect();
        let back = self.fabric.recover(at_ns, of);
        let is_back = |event: &Event| back.binary_search(&event.destination()).is_ok();
        let (mine, parked): (Vec<Event>, Vec<Event>) =
            std::mem::take(&mut self.parked).into_iter().partition(is_back);
        self.parked = parked;
        for event in mine {
            let failed_ns = since[&event.destination()];
            if let Some(event) = self.resumed(event, failed_ns) {
                self.fabric.scheduler.push(event);
            }
        }
        let now = Moment::at(self.now);
        for node in back {
            for chain in &mut self.chains {
                let mut host = Host {
                    fabric: &mut self.fabric,
                    gossip: &mut self.gossip,
                    cpus: &mut self.cpus,
                    tasks: &mut self.tasks,
                };
                if let ChainState::Slots(slots) = chain {
                    slots.recover(&mut host, now, node);
                }
            }
        }
        self.fabric.scheduler.flush();
    }

    /// What becomes of a timer of a node that is back.
    fn resumed(&mut self, mut event: Event, failed_ns: u64) -> Option<Event> {
        let now = self.now;
        if event.class() != class::TIMER {
            event.time = now;
            return Some(event);
        }
        match event.aux() {
            timers::SLOT => (event.time >= now).then_some(event),
            timers::PROPOSE => {
                if event.time < now {
                    self.tasks.take(event.payload);
                    return None;
                }
                Some(event)
            }
            // The slot it is for begins when it begins: built late if at all, and what was for an earlier slot builds nothing.
            timers::BASED => {
                event.time = event.time.max(now);
                Some(event)
            }
            timers::ATTEST | timers::BUNDLE => self.slots_of(event.payload as usize)?.next_turn(event, now.0),
            _ => {
                event.time = SimTime(now.0 + (event.time.0 - failed_ns));
                Some(event)
            }
        }
    }

    /// At the end: votes that nodes which are still down should have cast.
    pub(super) fn count_missed_votes(&mut self) {
        for event in std::mem::take(&mut self.parked) {
            if event.class() == class::TIMER && event.aux() == timers::ATTEST {
                let end_ns = self.now.0;
                if let Some(slots) = self.slots_of(event.payload as usize) {
                    let _ = slots.next_turn(event, end_ns);
                }
            }
        }
    }
}

/// The timer ends an execution, or a build.
fn is_work(event: &Event) -> bool {
    event.class() == class::TIMER && matches!(event.aux(), timers::VERIFIED | timers::PROPOSE)
}

impl ChainState {
    fn slots_mut(&mut self) -> Option<&mut Slots> {
        match self {
            Self::Slots(slots) => Some(slots),
            Self::Broadcast(_) | Self::Fleet(_) => None,
        }
    }
}
