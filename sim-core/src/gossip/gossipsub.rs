//! libp2p gossipsub v1.1 with IDONTWANT (v1.2): eager push in a mesh, lazy announcements outside it.
//!
//! **Captures.** One mesh for all topics. Every node keeps between D_low and D_high mesh neighbours (GRAFT,
//! PRUNE at heartbeats), pushes new items to its mesh, and at each heartbeat announces (IHAVE) what came in
//! during the last `history_gossip` heartbeats to `lazy` neighbours outside the mesh, which ask (IWANT) for
//! what they lack. A large item's first copy makes the receiver tell its mesh not to send it (IDONTWANT);
//! copies still queued for it, or for a peer that has meanwhile sent the item itself, are dropped (without
//! IDONTWANT nothing queued is revoked). Each node's bodies leave one after the other: which one goes next
//! is decided when the uplink is free, so that a request not to send still has effect. Control messages are
//! tiny and do not wait for queued bodies, only for the one on the wire (implementations keep a queue of
//! their own for them).
//!
//! **Leaves out.** Peer scores, backoff after PRUNE, peer exchange, fanout, per-topic meshes, churn. The mesh
//! is formed before the first event, as in a network that has been up for a while.
//!
//! **Parameters.** [`GossipsubPlan`]; Ethereum's values are D 8, D_low 6, D_high 12, D_lazy 6, heartbeat 0.7 s,
//! mcache 6/3 (consensus specification, p2p interface). **Source.** libp2p specs, `pubsub/gossipsub`.
//!
//! **Checked against.** Duplicates in `validation`: every copy is accounted for by the measured degree of the
//! mesh ([`MeshRecord`]), D - 2 + 2/N where nothing is cancelled.

use super::Dissemination;
use super::params::{GossipsubPlan, MeshRecord};
use crate::kernel::event::{Event, Kind, Moment};
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, draw};
use crate::kernel::time::SimDuration;
use crate::net::Topology;
use crate::net::fabric::Fabric;
use crate::net::items::{Item, Slot};
use crate::net::message::{MessageKind, class, timer, wire};
use std::collections::VecDeque;
use std::sync::Arc;

/// Transactions that have waited this long for the uplink are dropped from the queue (rust-libp2p's forward
/// queue duration); blocks and aggregates are kept, since nobody could recover them otherwise.
const STALE_NS: u64 = 1_000_000_000;
/// Announcement of items held.
const IHAVE: u8 = wire::LIST;
/// Request for announced items.
const IWANT: u8 = wire::LIST + 1;
/// "Do not send me this item."
const IDONTWANT: u8 = wire::ITEM_CONTROL;
/// "You are in my mesh now."
const GRAFT: u8 = wire::CONTROL;
/// "You are no longer in my mesh."
const PRUNE: u8 = wire::CONTROL + 1;

/// The gossipsub protocol.
#[derive(Clone)]
pub struct Gossipsub {
    plan: GossipsubPlan,
    topology: Arc<Topology>,
    nodes: Vec<Node>,
    /// By directed edge (position in the topology's adjacency): the neighbour is in the owner's mesh.
    in_mesh: Vec<bool>,
    scratch: Vec<Slot>,
    /// Sums over all nodes, for the record only: no node ever reads them.
    tally: MeshRecord,
}

/// One node's protocol state.
#[derive(Clone, Default)]
struct Node {
    mesh_degree: u32,
    heartbeat: u32,
    /// Bodies waiting for the uplink, in order.
    queue: VecDeque<Queued>,
    /// An `UPLINK` event is pending.
    pumping: bool,
    /// By item: neighbours that have it or said they do not want it. Oldest first.
    unwanted: VecDeque<Unwanted>,
    /// Items received, by heartbeat, newest first: (item, generation).
    history: VecDeque<Vec<(Slot, u32)>>,
    /// Items asked for and not yet here.
    asked: Vec<(Slot, u32)>,
}

/// Neighbours that need not be sent an item. When the array is full a further one is not noted, which costs
/// at most a needless copy.
#[derive(Clone, Copy)]
struct Unwanted {
    slot: Slot,
    generation: u32,
    /// Heartbeat of the first note.
    since: u32,
    count: u32,
    peers: [u32; 16],
}

impl Node {
    fn note_unwanted(&mut self, peer: u32, slot: Slot, generation: u32) {
        let since = self.heartbeat;
        let known = self.unwanted.iter_mut().rev().find(|u| u.slot == slot && u.generation == generation);
        let entry = match known {
            Some(entry) => entry,
            None => {
                self.unwanted.push_back(Unwanted { slot, generation, since, count: 0, peers: [0; 16] });
                self.unwanted.back_mut().expect("just pushed")
            }
        };
        if let Some(free) = entry.peers.get_mut(entry.count as usize) {
            *free = peer;
            entry.count += 1;
        }
    }

    fn is_unwanted(&self, peer: u32, slot: Slot, generation: u32) -> bool {
        let entry = self.unwanted.iter().rev().find(|u| u.slot == slot && u.generation == generation);
        entry.is_some_and(|u| u.peers[..u.count as usize].contains(&peer))
    }
}

#[derive(Clone, Copy)]
struct Queued {
    slot: Slot,
    generation: u32,
    to: u32,
    pulled: bool,
    since_ns: u64,
}

impl Gossipsub {
    /// Gossipsub over the fabric's graph.
    pub fn new(plan: GossipsubPlan, fabric: &Fabric) -> Self {
        let topology = Arc::clone(fabric.topology());
        Self {
            plan,
            nodes: vec![Node::default(); fabric.node_count() as usize],
            in_mesh: vec![false; topology.neighbours.len()],
            topology,
            scratch: Vec::new(),
            tally: MeshRecord::default(),
        }
    }

    /// Neighbours in the mesh of `node`.
    pub fn mesh_degree(&self, node: NodeId) -> u32 {
        self.nodes[node.index()].mesh_degree
    }

    /// Lays out a symmetric mesh: every node in turn asks random neighbours that still have room.
    fn form_mesh(&mut self, seed: u64) {
        for node in 0..self.nodes.len() as u32 {
            let edges = self.shuffled_edges(seed, node, 0);
            for edge in edges {
                if self.nodes[node as usize].mesh_degree >= self.plan.mesh {
                    break;
                }
                let peer = self.topology.neighbours[edge];
                let room = self.nodes[peer as usize].mesh_degree < self.plan.mesh;
                if room && !self.in_mesh[edge] {
                    self.set_mesh(node, edge, true);
                    self.set_mesh(peer, self.topology.reverse[edge] as usize, true);
                }
            }
        }
    }

    fn set_mesh(&mut self, node: u32, edge: usize, member: bool) {
        if self.in_mesh[edge] != member {
            self.in_mesh[edge] = member;
            let degree = &mut self.nodes[node as usize].mesh_degree;
            *degree = if member { *degree + 1 } else { *degree - 1 };
        }
    }

    /// The node's edges in an order that depends on (seed, node, round) only.
    fn shuffled_edges(&self, seed: u64, node: u32, round: u64) -> Vec<usize> {
        let range = self.topology.edge_range(node);
        let key = |edge: &usize| draw(seed, Purpose::GOSSIP, u64::from(node) << 32 | round, *edge as u64);
        let mut edges: Vec<usize> = range.collect();
        edges.sort_by_cached_key(key);
        edges
    }

    fn mesh_peers(&self, node: NodeId) -> impl Iterator<Item = u32> + '_ {
        let range = self.topology.edge_range(node.0);
        range.filter(|&e| self.in_mesh[e]).map(|e| self.topology.neighbours[e])
    }

    fn remember(&mut self, node: NodeId, slot: Slot, generation: u32) {
        let history = &mut self.nodes[node.index()].history;
        if history.is_empty() {
            history.push_front(Vec::new());
        }
        history[0].push((slot, generation));
    }

    fn enqueue(
        &mut self,
        fabric: &mut Fabric,
        now: Moment,
        node: NodeId,
        slot: Slot,
        from: NodeId,
        all: bool,
    ) {
        let generation = fabric.item(slot).generation;
        let content = fabric.item(slot).id.to_bits();
        let mut targets: Vec<(u64, u32)> = Vec::with_capacity(16);
        let published = from.0 == u32::MAX;
        let (mut by_mesh, mut beyond) = (published, 0);
        for edge in self.topology.edge_range(node.0) {
            let to = self.topology.neighbours[edge];
            let member = self.in_mesh[edge];
            if to == from.0 {
                by_mesh = member;
            } else if all || member {
                beyond += u64::from(!member);
                // Every item meets the mesh in an order of its own.
                targets.push((
                    draw(fabric.seed(), Purpose::GOSSIP, u64::from(to) ^ content, u64::from(node.0)),
                    to,
                ));
            }
        }
        targets.sort_unstable();
        self.tally.passed_on += 1;
        self.tally.degree_sum += u64::from(self.nodes[node.index()].mesh_degree);
        self.tally.from_beyond += u64::from(!by_mesh);
        self.tally.to_beyond += beyond;
        fabric.note_forwarded(node, slot, now);
        let since_ns = now.time.0;
        let queue = &mut self.nodes[node.index()].queue;
        queue.extend(targets.iter().map(|&(_, to)| Queued { slot, generation, to, pulled: false, since_ns }));
        self.pump(fabric, now, node);
    }

    /// Sends the next wanted body if the uplink is free, and comes back when it is free again.
    fn pump(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId) {
        if self.nodes[node.index()].pumping {
            return;
        }
        while fabric.uplink_free(node) <= now.time {
            let state = &mut self.nodes[node.index()];
            let Some(next) = state.queue.pop_front() else { return };
            let stale = now.time.0 - next.since_ns > STALE_NS;
            let dropped = !fabric.items().is_current(next.slot, next.generation)
                || (stale && fabric.item(next.slot).kind == MessageKind::Transactions)
                || (!next.pulled && state.is_unwanted(next.to, next.slot, next.generation));
            if dropped {
                self.tally.cancelled += 1;
            } else {
                fabric.send_body(now, node, &[next.to], next.slot, NodeId(u32::MAX), next.pulled);
            }
        }
        let state = &mut self.nodes[node.index()];
        if !state.queue.is_empty() {
            state.pumping = true;
            let wait = fabric.uplink_free(node).since(now.time);
            fabric.self_event(now, wait, Kind::new(class::UPLINK, 0), node, 0);
        }
    }

    fn heartbeat(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId) {
        self.mend_mesh(fabric, now, node);
        self.announce(fabric, now, node);
        let keep = self.plan.history_length.max(1) as usize;
        let state = &mut self.nodes[node.index()];
        state.history.truncate(keep.saturating_sub(1));
        state.history.push_front(Vec::new());
        // Notes are needed as long as copies may wait in the queue.
        let (heartbeat, busy) = (state.heartbeat, !state.queue.is_empty());
        while state.unwanted.front().is_some_and(|u| !busy && u.since + 2 <= heartbeat) {
            state.unwanted.pop_front();
        }
        // An unanswered request may be repeated after a heartbeat.
        state.asked.clear();
        state.heartbeat += 1;
        fabric.timer(now, SimDuration(self.plan.heartbeat_ns), node, timer::GOSSIP, 0);
    }

    fn mend_mesh(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId) {
        let degree = self.nodes[node.index()].mesh_degree;
        let (low, high) = (self.plan.mesh_low, self.plan.mesh_high);
        if (low..=high).contains(&degree) {
            return;
        }
        let round = u64::from(self.nodes[node.index()].heartbeat) + 1;
        let graft = degree < low;
        for edge in self.shuffled_edges(fabric.seed(), node.0, round) {
            if self.nodes[node.index()].mesh_degree == self.plan.mesh {
                break;
            }
            if self.in_mesh[edge] != graft {
                self.set_mesh(node.0, edge, graft);
                let peer = NodeId(self.topology.neighbours[edge]);
                fabric.send_control(now, node, peer, if graft { GRAFT } else { PRUNE }, round as u32);
            }
        }
    }

    /// IHAVE: tells `lazy` neighbours outside the mesh what came in lately.
    fn announce(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId) {
        let state = &self.nodes[node.index()];
        let recent = state.history.iter().take(self.plan.history_gossip as usize).flatten();
        self.scratch.clear();
        self.scratch.extend(recent.filter(|(s, g)| fabric.items().is_current(*s, *g)).map(|(s, _)| *s));
        if self.scratch.is_empty() || self.plan.lazy == 0 {
            return;
        }
        let heartbeat = u64::from(state.heartbeat);
        let edges = self.shuffled_edges(fabric.seed(), node.0, heartbeat << 1 | 1 << 31);
        let outside = edges.into_iter().filter(|&e| !self.in_mesh[e]).take(self.plan.lazy as usize);
        let targets: Vec<u32> = outside.map(|e| self.topology.neighbours[e]).collect();
        fabric.send_list(now, node, &targets, IHAVE, &self.scratch, heartbeat);
    }

    fn asked_for(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, peer: NodeId) {
        let state = &mut self.nodes[node.index()];
        for &slot in &self.scratch {
            let generation = fabric.item(slot).generation;
            if state.history.iter().flatten().any(|held| *held == (slot, generation)) {
                self.tally.to_beyond += 1;
                state.queue.push_back(Queued {
                    slot,
                    generation,
                    to: peer.0,
                    pulled: true,
                    since_ns: now.time.0,
                });
            }
        }
        self.pump(fabric, now, node);
    }

    fn told_of(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, peer: NodeId) {
        let state = &mut self.nodes[node.index()];
        self.scratch.retain(|&slot| {
            let named = (slot, fabric.item(slot).generation);
            let wanted = !fabric.has(node, slot) && !state.asked.contains(&named);
            if wanted {
                state.asked.push(named);
            }
            wanted
        });
        let Some(&first) = self.scratch.first() else { return };
        let content = fabric.item(first).id.to_bits();
        fabric.send_list(now, node, &[peer.0], IWANT, &self.scratch, content);
    }
}

impl Dissemination for Gossipsub {
    fn start(&mut self, fabric: &mut Fabric) {
        self.form_mesh(fabric.seed());
        for node in (0..fabric.node_count()).map(NodeId) {
            // Heartbeats of different nodes are out of phase.
            let phase =
                draw(fabric.seed(), Purpose::GOSSIP, u64::from(node.0), u64::MAX) % self.plan.heartbeat_ns;
            let start = Moment::default();
            fabric.timer(start, SimDuration(phase + 1), node, timer::GOSSIP, 0);
        }
    }

    fn publish(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot) {
        let generation = fabric.item(slot).generation;
        self.remember(node, slot, generation);
        self.enqueue(fabric, now, node, slot, NodeId(u32::MAX), self.plan.flood_publish);
    }

    fn received(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, from: NodeId) {
        let (generation, bytes) = {
            let item = fabric.item(slot);
            (item.generation, item.bytes)
        };
        self.remember(node, slot, generation);
        if self.plan.idontwant {
            self.nodes[node.index()].note_unwanted(from.0, slot, generation);
        }
        if self.plan.idontwant && bytes >= self.plan.idontwant_threshold_bytes {
            let peers: Vec<u32> = self.mesh_peers(node).filter(|&p| p != from.0).collect();
            for peer in peers {
                fabric.send_item_control(now, node, NodeId(peer), IDONTWANT, slot);
            }
        }
    }

    fn duplicate(&mut self, fabric: &mut Fabric, _: Moment, node: NodeId, slot: Slot, from: NodeId) {
        if self.plan.idontwant {
            let generation = fabric.item(slot).generation;
            self.nodes[node.index()].note_unwanted(from.0, slot, generation);
        }
    }

    fn forward(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, from: NodeId) {
        self.enqueue(fabric, now, node, slot, from, false);
    }

    fn control(&mut self, fabric: &mut Fabric, event: &Event) {
        let (now, node, peer) = (event.moment(), event.destination(), event.source);
        match event.aux() {
            IDONTWANT => {
                let slot = Slot(event.payload);
                let generation = fabric.item(slot).generation;
                self.nodes[node.index()].note_unwanted(peer.0, slot, generation);
            }
            IHAVE | IWANT => {
                fabric.take_list(event.payload, &mut self.scratch);
                if event.aux() == IHAVE {
                    self.told_of(fabric, now, node, peer);
                } else {
                    self.asked_for(fabric, now, node, peer);
                }
            }
            GRAFT | PRUNE => {
                if let Some(edge) = self.topology.edge(node.0, peer.0) {
                    self.set_mesh(node.0, edge as usize, event.aux() == GRAFT);
                }
            }
            other => unreachable!("gossipsub never sends wire type {other}"),
        }
    }

    fn timer(&mut self, fabric: &mut Fabric, event: &Event) {
        self.heartbeat(fabric, event.moment(), event.destination());
    }

    fn uplink(&mut self, fabric: &mut Fabric, event: &Event) {
        self.nodes[event.destination().index()].pumping = false;
        self.pump(fabric, event.moment(), event.destination());
    }

    fn mesh(&self) -> Option<MeshRecord> {
        Some(self.tally)
    }

    fn waiting(&self, fabric: &Fabric, node: NodeId, f: &mut dyn FnMut(u32, Slot)) {
        let queue = self.nodes[node.index()].queue.iter();
        queue.filter(|q| fabric.items().is_current(q.slot, q.generation)).for_each(|q| f(q.to, q.slot));
    }

    fn mesh_of(&self, node: NodeId, f: &mut dyn FnMut(u32)) {
        self.mesh_peers(node).for_each(f);
    }

    fn keeps(&self, now_ns: u64, _: Slot, item: &Item) -> bool {
        let window = self.plan.heartbeat_ns * u64::from(self.plan.history_length + 1);
        item.published_ns + window > now_ns
    }
}
