//! `Broadcast`: a payload of fixed size is published at intervals and spreads. No agreement.
//!
//! **Captures.** Dissemination alone: propagation times, duplicates, hops, queueing of payloads behind each
//! other, and (with exponential gaps) how often a payload is published by a node that does not yet have the
//! previous one, which is what a fork is under Poisson proposers.
//!
//! **Leaves out.** Contents, execution, votes. **Parameters.** [`BroadcastPlan`].
//! **Checked against** flood duplicates, rumour hops and fork probability in `validation`.

use super::params::BroadcastPlan;
use super::{Host, timers};
use crate::chain::schedule::Schedule;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, draw, exponential_duration};
use crate::kernel::time::SimDuration;
use crate::net::items::Slot;
use crate::net::message::MessageKind;

/// One published payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Who published it.
    pub producer: NodeId,
    /// When, ns.
    pub published_ns: u64,
    /// Its item, while it is open.
    pub item: Option<Slot>,
    /// The producer did not have the previous payload yet.
    pub uninformed: bool,
}

/// One chain's instance of the protocol.
#[derive(Clone)]
pub struct Broadcast {
    /// Number of the chain.
    pub chain: u32,
    /// Parameters.
    pub plan: BroadcastPlan,
    /// Who publishes when, in order.
    times: Vec<(u64, NodeId)>,
    /// What was published, in order.
    pub payloads: Vec<Payload>,
    /// Payloads at the start that are not measured.
    pub warm_up: u32,
    tracked: bool,
    items: Vec<u32>,
}

impl Broadcast {
    /// An instance that has not started. `tracked`: keep first arrivals with their causes.
    pub fn new(
        chain: u32,
        plan: BroadcastPlan,
        schedule: &Schedule,
        seed: u64,
        nodes: u32,
        (warm_up, blocks): (u32, u32),
        tracked: bool,
    ) -> Self {
        let mut at = 0;
        let times = (0..warm_up + blocks).map(|k| {
            let random = draw(seed, Purpose::PROPOSER, u64::from(chain) << 40 | 1 << 39, u64::from(k));
            at += if plan.poisson {
                exponential_duration(random, SimDuration(plan.interval_ns)).0
            } else {
                plan.interval_ns
            };
            (at, schedule.proposer(k))
        });
        let times = times.collect();
        Self { chain, plan, times, payloads: Vec::new(), warm_up, tracked, items: vec![0; nodes as usize] }
    }

    /// Sets the timers.
    pub fn start<D: Dissemination>(&mut self, host: &mut Host<'_, D>) {
        for (k, (at, node)) in self.times.iter().enumerate() {
            host.task_timer(Moment::default(), *at, *node, timers::PROPOSE, (self.chain, k as u32));
        }
    }

    /// The last publication, ns.
    pub fn last_ns(&self) -> u64 {
        self.times.last().map_or(0, |(at, _)| *at)
    }

    /// A payload goes out.
    pub fn on_propose<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        self.items[node.index()] += 1;
        let sequence = self.items[node.index()] << 8 | (self.chain & 0xff);
        let previous = self.payloads.last().and_then(|p| p.item);
        let uninformed = previous.is_some_and(|item| !host.fabric.has(node, item));
        let bytes = self.plan.payload_bytes;
        let kind = MessageKind::Block;
        let item =
            host.fabric.create_item(now, node, sequence, kind, self.chain, number, bytes, self.tracked);
        // Payloads of producers that were down leave a gap.
        let nothing = Payload { producer: node, published_ns: 0, item: None, uninformed: false };
        self.payloads.resize(self.payloads.len().max(number as usize + 1), nothing);
        self.payloads[number as usize] =
            Payload { producer: node, published_ns: now.time.0, item: Some(item), uninformed };
        host.publish(now, node, item);
    }
}
