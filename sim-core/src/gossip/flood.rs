//! Flood: push every new item to every neighbour but the one it came from.
//!
//! **Captures.** The fastest simple push: on a graph where every node has D neighbours each node sends D-1
//! copies (its producer D) and, once the item is everywhere, has received D copies less the ones it sent
//! first: on average D - 2 duplicates and a bit, exactly D - 2 + 2/N (N nodes).
//!
//! **Leaves out.** Announcements; any reaction to copies already under way.
//!
//! **Parameters.** None. **Checked against** the duplicate count above, hop counts and broadcast bounds in
//! `validation`.

use super::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::Topology;
use crate::net::fabric::Fabric;
use crate::net::items::Slot;
use std::sync::Arc;

/// The flood protocol. It has no state beyond who has what.
#[derive(Clone)]
pub struct Flood {
    topology: Arc<Topology>,
}

impl Flood {
    /// Flood over the fabric's graph.
    pub fn new(fabric: &Fabric) -> Self {
        Self { topology: Arc::clone(fabric.topology()) }
    }
}

/// No node: nobody to leave out.
const NOBODY: NodeId = NodeId(u32::MAX);

impl Dissemination for Flood {
    fn start(&mut self, _: &mut Fabric) {}

    fn publish(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot) {
        fabric.send_body(now, node, self.topology.neighbours(node.0), slot, NOBODY, false);
    }

    #[inline]
    fn forward(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, from: NodeId) {
        fabric.send_body(now, node, self.topology.neighbours(node.0), slot, from, false);
    }
}
