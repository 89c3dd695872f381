//! Where the time went: the chain of causes from a slot's start to an event at a node, in parts that add up
//! to the nanosecond.
//!
//! The first copy of an item at a node was sent by a node whose own first copy was sent by another, back to
//! the producer. Each hop is cut at known instants: complete at the sender, passed on, on the wire, off the
//! wire, at the downlink, complete. Nothing is estimated and nothing is left over.
//!
//! Definitions: serialisation is bytes over the link's own rate, or the rates it had while they passed; what
//! sharing adds is queueing (a node's own copies to other peers included); an item that was asked for waited
//! for the protocol until its copy began, less the time for which the node was down.

use super::record::{Breakdown, Part};
use crate::kernel::ids::NodeId;
use crate::net::fabric::{Direct, Fabric};
use crate::net::items::{Arrival, Slot};

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
    /// Adds the parts of the time for which `node` held the item.
    fn explain(&self, node: NodeId, from_ns: u64, until_ns: u64, breakdown: &mut Breakdown);
}

/// Holding an item is a check.
pub struct Checked;

impl Holding for Checked {
    fn explain(&self, _: NodeId, from_ns: u64, until_ns: u64, breakdown: &mut Breakdown) {
        breakdown.add(Part::ForwardCheck, until_ns - from_ns);
    }
}

/// Follows an item in `slot`, whose first arrivals are `arrivals`, from its producer to every node.
/// `at_producer` is what came before publication.
pub fn follow(
    fabric: &Fabric,
    slot: Slot,
    arrivals: &[Arrival],
    producer: NodeId,
    at_producer: Breakdown,
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
        let legs = fabric.legs(slot, node, arrival);
        // Who is asked may answer before it passes the item on, or without ever doing so.
        let passed_on_ns = match sender.forwarded_ns {
            0 => sender.delivered_ns,
            ns => ns.min(legs.up_start_ns),
        };
        holding.explain(from, sender.delivered_ns, passed_on_ns, &mut breakdown);
        let mut down_ns = fabric.down_ns(from, passed_on_ns, legs.up_start_ns);
        let mut waited = Part::QueueUp;
        if arrival.pulled() {
            waited = Part::Protocol;
            down_ns = down_ns.max(fabric.down_ns(node, passed_on_ns, legs.up_start_ns));
        }
        breakdown.add(Part::Offline, down_ns);
        breakdown.add(waited, legs.up_start_ns - passed_on_ns - down_ns);
        breakdown.add(Part::SerialisationUp, legs.up_finish_ns - legs.up_start_ns);
        breakdown.add(Part::Propagation, arrival.arrive_ns - legs.up_finish_ns);
        breakdown.add(Part::QueueDown, legs.down_start_ns - arrival.arrive_ns);
        breakdown.add(Part::SerialisationDown, arrival.delivered_ns - legs.down_start_ns);
        spread.arrived[node.index()] = Some(breakdown);
        spread.hops[node.index()] = spread.hops[from.index()] + 1;
    }
    spread
}

/// Adds the parts of a direct message, from the moment it was handed to the uplink until it was complete.
/// `down_start_ns` is when it began to occupy the receiver's downlink.
pub fn add_direct(breakdown: &mut Breakdown, message: &Direct, down_start_ns: u64) {
    breakdown.add(Part::QueueUp, message.up_start_ns - message.enqueued_ns);
    breakdown.add(Part::SerialisationUp, message.up_finish_ns - message.up_start_ns);
    breakdown.add(Part::Propagation, message.arrive_ns - message.up_finish_ns);
    breakdown.add(Part::QueueDown, down_start_ns - message.arrive_ns);
    breakdown.add(Part::SerialisationDown, message.delivered_ns - down_start_ns);
}
