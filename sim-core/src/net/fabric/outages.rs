//! Nodes that fail and come back.
//!
//! **Captures.** A node that is down neither sends nor receives. When it fails, what has not wholly left its
//! uplink is lost, and so is what has not wholly come in; what is in the air arrives. What reaches it while it
//! is down is lost. It keeps what it had. Lost messages are counted, in full, even if bits of them were sent.
//!
//! **Leaves out.** Neighbours that notice: they keep sending to it, and their uplinks carry it. Partial
//! failures, lost disks.

use super::{Fabric, INLINE_SLOTS};
use crate::kernel::event::Event;
use crate::kernel::ids::NodeId;
use crate::net::items::Slot;
use crate::net::message::{MessageKind, class, wire};
use crate::net::params::Scope;

impl Fabric {
    /// Takes nodes down at `at_ns`; everything before it must have happened and nothing at it. Returns the
    /// nodes that were up, and their own pending events (timers, waits for the uplink), which are the
    /// caller's from now on.
    pub fn fail(&mut self, at_ns: u64, of: Scope) -> (Vec<NodeId>, Vec<Event>) {
        let up = |node: &NodeId| of.contains(node.0, self.region(*node)) && !self.nodes[node.index()].down;
        let failing: Vec<NodeId> = (0..self.node_count).map(NodeId).filter(up).collect();
        let mut changes = self.take_changes();
        let mut hit = vec![false; self.nodes.len()];
        for node in &failing {
            hit[node.index()] = true;
            changes.outages.entry(node.0).or_default().push((at_ns, u64::MAX));
            let hot = &mut self.nodes[node.index()];
            hot.down = true;
            let unsent_ns = hot.up_free_ns.saturating_sub(at_ns);
            self.books.correct_busy(node.index(), |busy_ns| busy_ns - unsent_ns);
            hot.up_free_ns = hot.up_free_ns.min(at_ns);
            hot.down_free_ns = hot.down_free_ns.min(at_ns);
        }
        let (mut pending, mut own, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for event in self.scheduler.take_all() {
            let (from, to) = (event.source.index(), event.destination().index());
            let list = match event.class() {
                class::ARRIVE if hit[from] && self.upload(&changes, &event).finish_ns > at_ns => &mut lost,
                class::ARRIVE => &mut pending,
                class::DELIVER if hit[to] => &mut lost,
                class::DELIVER => &mut pending,
                _ if hit[to] => &mut own,
                _ => &mut pending,
            };
            list.push(event);
        }
        self.scheduler.put_back(&pending);
        self.changes = Some(changes);
        for event in &lost {
            if event.class() == class::DELIVER && event.aux() < wire::DIRECT {
                let (slot, node) = (Slot(event.payload), event.destination().index());
                let forgotten = self.items.forget_arrival(slot, node, event.source);
                if forgotten && slot.0 < INLINE_SLOTS {
                    self.nodes[node].arrived &= !(1 << slot.0);
                }
            }
            self.lose(event);
        }
        (failing, own)
    }

    /// Brings nodes back at `at_ns`: those that were down.
    pub fn recover(&mut self, at_ns: u64, of: Scope) -> Vec<NodeId> {
        let down = |node: &NodeId| of.contains(node.0, self.region(*node)) && self.nodes[node.index()].down;
        let back: Vec<NodeId> = (0..self.node_count).map(NodeId).filter(down).collect();
        let mut changes = self.take_changes();
        for node in &back {
            self.nodes[node.index()].down = false;
            if let Some((_, until_ns)) = changes.outages.get_mut(&node.0).and_then(|list| list.last_mut()) {
                *until_ns = at_ns;
            }
        }
        self.changes = Some(changes);
        back
    }

    /// A message is lost: nothing waits for it any more.
    #[cold]
    pub(super) fn lose(&mut self, event: &Event) {
        let aux = event.aux();
        let (mut kind, bytes) = (MessageKind::Control, self.bytes_of(event));
        match aux {
            wire::DIRECT => {
                kind = self.direct[event.payload as usize].kind;
                self.direct_free.push(event.payload);
            }
            wire::LIST..wire::CONTROL => self.release_list(event.payload),
            wire::CONTROL.. => {}
            _ => {
                let item = self.items.get_mut(Slot(event.payload));
                item.in_flight -= 1;
                if aux < wire::DIRECT {
                    kind = item.kind;
                }
            }
        }
        let mut changes = self.take_changes();
        changes.lost[kind as usize] += bytes;
        self.changes = Some(changes);
    }

    /// The node is down.
    pub fn is_down(&self, node: NodeId) -> bool {
        self.nodes[node.index()].down
    }

    /// Some node has been down: messages may be missing somewhere.
    pub fn had_outage(&self) -> bool {
        self.changes.as_ref().is_some_and(|c| !c.outages.is_empty())
    }

    /// The node has been down.
    pub fn was_down(&self, node: NodeId) -> bool {
        self.changes.as_ref().is_some_and(|c| c.outages.contains_key(&node.0))
    }

    /// For how long a node was down between two moments, ns.
    pub fn down_ns(&self, node: NodeId, from_ns: u64, until_ns: u64) -> u64 {
        let outages = self.changes.as_ref().and_then(|c| c.outages.get(&node.0));
        let overlap = |&(from, until): &(u64, u64)| until.min(until_ns).saturating_sub(from.max(from_ns));
        outages.map_or(0, |list| list.iter().map(overlap).sum())
    }

    /// When the current outage of a node began, ns.
    pub fn down_since(&self, node: NodeId) -> Option<u64> {
        let outages = self.changes.as_ref()?.outages.get(&node.0)?;
        outages.last().filter(|(_, until)| *until == u64::MAX).map(|(from, _)| *from)
    }

    /// Bytes lost with nodes that were down, by kind.
    pub fn lost_bytes(&self) -> [u64; MessageKind::COUNT] {
        self.changes.as_ref().map_or([0; MessageKind::COUNT], |c| c.lost)
    }
}
