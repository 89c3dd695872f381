//! Dissemination protocols: how an item published at one node reaches all the others. One file each.
//!
//! A protocol owns its per-node state, reads and writes only the node it is called for, and acts through
//! [`Fabric`]. The host calls it in this order: `publish` at the producer; at every other node `received`
//! when the first copy is complete, then `forward` when the item may be passed on (at once, after a check, or
//! after execution, as the scenario says). Messages of the protocol's own come in through `control`.
//!
//! A new protocol is one file here and one line in [`crate::simulation`]'s registry; a protocol outside the
//! crate implements [`Dissemination`] and is given to `Simulation::with_dissemination`.
//!
//! Must never be true: that a protocol looks at a node that is not its own, or orders anything by a handle.

pub mod flood;
pub mod gossipsub;
pub mod params;

use crate::kernel::event::{Event, Moment};
use crate::kernel::ids::NodeId;
use crate::net::fabric::Fabric;
use crate::net::items::{Item, Slot};
use params::MeshRecord;

/// How items spread.
pub trait Dissemination: Clone + Send + 'static {
    /// Before the first event: lay out per-node state, set timers.
    fn start(&mut self, fabric: &mut Fabric);

    /// `node` made `slot` and begins to spread it.
    fn publish(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot);

    /// The first copy of `slot` is complete at `node`; it came from `from`. Nothing is passed on yet.
    #[inline]
    fn received(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, from: NodeId) {
        let _ = (fabric, now, node, slot, from);
    }

    /// Another copy of `slot` arrived at `node` from `from`.
    #[inline]
    fn duplicate(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, from: NodeId) {
        let _ = (fabric, now, node, slot, from);
    }

    /// `node` may pass `slot` on; it had come from `from`.
    fn forward(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, from: NodeId);

    /// One of the protocol's own messages arrived.
    fn control(&mut self, fabric: &mut Fabric, event: &Event) {
        let _ = (fabric, event);
    }

    /// One of the protocol's own timers fired.
    fn timer(&mut self, fabric: &mut Fabric, event: &Event) {
        let _ = (fabric, event);
    }

    /// The node's uplink is free for the next message of its queue.
    fn uplink(&mut self, fabric: &mut Fabric, event: &Event) {
        let _ = (fabric, event);
    }

    /// What the protocol's mesh did, if it has one.
    fn mesh(&self) -> Option<MeshRecord> {
        None
    }

    /// Shows the bodies that `node` wants to send and holds back until its uplink is free: receiver and item,
    /// in their order.
    fn waiting(&self, fabric: &Fabric, node: NodeId, f: &mut dyn FnMut(u32, Slot)) {
        let _ = (fabric, node, f);
    }

    /// Shows the neighbours to which `node` pushes at once; none where the protocol does not choose among them.
    fn mesh_of(&self, node: NodeId, f: &mut dyn FnMut(u32)) {
        let _ = (node, f);
    }

    /// The protocol may still need to send `item`: it must not be forgotten yet.
    fn keeps(&self, now_ns: u64, slot: Slot, item: &Item) -> bool {
        let _ = (now_ns, slot, item);
        false
    }
}
