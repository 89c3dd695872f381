//! Where the time went: the chain of causes from a slot's start to an event at a node, in parts that add up
//! to the nanosecond.
//!
//! The first copy of an item at a node was sent by a node whose own first copy was sent by another, back to
//! the producer. Each hop is cut at known instants: complete at the sender, passed on, on the wire, off the
//! wire, at the downlink, complete. Nothing is estimated and nothing is left over.
//!
//! Definitions: serialisation is bytes over the link's own rate; what sharing adds is queueing (a node's own
//! copies to other peers included); an item that was asked for waited for the protocol until its copy began.

use super::record::{Breakdown, Part};
use crate::kernel::ids::NodeId;
use crate::net::fabric::Direct;
use crate::net::items::Arrival;

/// How an item reached the nodes.
#[derive(Clone, Debug)]
pub struct Spread {
    /// By node: from the base instant to the complete first copy; `None` where it never came.
    pub arrived: Vec<Option<Breakdown>>,
    /// By node: hops from the producer.
    pub hops: Vec<u32>,
}

/// What happened at a node between having an item and passing it on.
pub trait Holding {
    /// Adds the parts of the `ns` that `node` held the item.
    fn explain(&self, node: NodeId, ns: u64, breakdown: &mut Breakdown);
}

/// Holding an item is a check.
pub struct Checked;

impl Holding for Checked {
    fn explain(&self, _: NodeId, ns: u64, breakdown: &mut Breakdown) {
        breakdown.add(Part::ForwardCheck, ns);
    }
}

/// Follows an item from its producer to every node.
///
/// `at_producer` is what came before publication; `transfer(node)` gives the item's transfer times over the
/// node's uplink and downlink, ns.
pub fn follow(
    arrivals: &[Arrival],
    producer: NodeId,
    at_producer: Breakdown,
    transfer: impl Fn(NodeId) -> [u64; 2],
    holding: &impl Holding,
) -> Spread {
    let mut spread = Spread { arrived: vec![None; arrivals.len()], hops: vec![0; arrivals.len()] };
    spread.arrived[producer.index()] = Some(at_producer);
    let mut order: Vec<u32> = (0..arrivals.len() as u32).filter(|n| *n != producer.0).collect();
    order.retain(|n| arrivals[*n as usize].delivered_ns > 0);
    // A copy is complete after its sender's own: senders come before receivers.
    order.sort_unstable_by_key(|n| arrivals[*n as usize].delivered_ns);
    for node in order.into_iter().map(NodeId) {
        let arrival = &arrivals[node.index()];
        let from = arrival.from();
        let sender = &arrivals[from.index()];
        let mut breakdown = spread.arrived[from.index()].expect("the sender had the item first");
        let [up_ns, _] = transfer(from);
        let [_, down_ns] = transfer(node);
        let up_start = arrival.arrive_ns - u64::from(arrival.latency_ns) - up_ns;
        holding.explain(from, sender.forwarded_ns - sender.delivered_ns, &mut breakdown);
        let waited = if arrival.pulled() { Part::Protocol } else { Part::QueueUp };
        breakdown.add(waited, up_start - sender.forwarded_ns);
        breakdown.add(Part::SerialisationUp, up_ns);
        breakdown.add(Part::Propagation, u64::from(arrival.latency_ns));
        breakdown.add(Part::QueueDown, arrival.delivered_ns - arrival.arrive_ns - down_ns);
        breakdown.add(Part::SerialisationDown, down_ns);
        spread.arrived[node.index()] = Some(breakdown);
        spread.hops[node.index()] = spread.hops[from.index()] + 1;
    }
    spread
}

/// Adds the parts of a direct message, from the moment it was handed to the uplink until it was complete.
pub fn add_direct(breakdown: &mut Breakdown, message: &Direct, down_ns: u64) {
    breakdown.add(Part::QueueUp, message.up_start_ns - message.enqueued_ns);
    breakdown.add(Part::SerialisationUp, message.up_finish_ns - message.up_start_ns);
    breakdown.add(Part::Propagation, message.arrive_ns - message.up_finish_ns);
    breakdown.add(Part::QueueDown, message.delivered_ns - message.arrive_ns - down_ns);
    breakdown.add(Part::SerialisationDown, down_ns);
}
