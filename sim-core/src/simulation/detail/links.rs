//! What waits and travels at a node and on a link.

use crate::chain::tree::BlockIx;
use crate::gossip::Dissemination;
use crate::kernel::ids::NodeId;
use crate::net::fabric::{Leg, UnderWay};
use crate::net::items::Slot;
use crate::net::message::MessageKind;
use crate::simulation::snapshot::{
    LinkDetail, LinkLoad, Load, MESSAGES_MAX, Message, Queues, Request, Snapshot,
};
use crate::simulation::world::{ChainState, World};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What waits at a node's links, and what it has with each peer.
pub fn at_node<D: Dissemination>(world: &World<D>, now_ns: u64, node: NodeId) -> (Queues, Vec<LinkLoad>) {
    let mut queues = Queues::default();
    let mut links: BTreeMap<u32, LinkLoad> = BTreeMap::new();
    let mut with = |peer: u32, count: &dyn Fn(&mut LinkLoad) -> &mut Load, bytes: u64| {
        count(links.entry(peer).or_insert(LinkLoad { peer, ..LinkLoad::default() })).add(bytes);
    };
    world.fabric.under_way(
        now_ns,
        |from, to| from == node || to == node,
        |m| {
            enqueue(&mut queues, &m, node);
            match m.leg {
                _ if m.to == node && m.leg >= Leg::Flight => with(m.from.0, &|l| &mut l.coming, m.bytes),
                Leg::UplinkQueue if m.from == node => with(m.to.0, &|l| &mut l.waiting, m.bytes),
                _ if m.from == node => with(m.to.0, &|l| &mut l.going, m.bytes),
                // Still at the peer's own uplink.
                _ => {}
            }
        },
    );
    held_back(world, node, |to, kind, bytes, _| {
        queues.uplink[kind as usize].add(bytes);
        with(to, &|l| &mut l.waiting, bytes);
    });
    (queues, links.into_values().collect())
}

/// Counts a message at the queues of one of its ends.
fn enqueue(queues: &mut Queues, message: &UnderWay, node: NodeId) {
    let queue = match message.leg {
        Leg::UplinkQueue | Leg::Uplink if message.from == node => &mut queues.uplink,
        Leg::DownlinkQueue | Leg::Downlink if message.to == node => &mut queues.downlink,
        _ => return,
    };
    queue[message.kind as usize].add(message.bytes);
}

/// Bodies that the dissemination protocol holds back: receiver, kind, bytes, item.
fn held_back<D: Dissemination>(
    world: &World<D>,
    node: NodeId,
    mut f: impl FnMut(u32, MessageKind, u64, Slot),
) {
    world.gossip.waiting(&world.fabric, node, &mut |to, slot| {
        let item = world.fabric.item(slot);
        f(to, item.kind, item.bytes, slot);
    });
}

/// Describes a link; `snapshot` already shows the block.
pub fn link<D: Dissemination>(
    world: &World<D>,
    request: &Request,
    snapshot: &Snapshot,
    ends: [u32; 2],
) -> LinkDetail {
    let fabric = &world.fabric;
    let nodes = ends.map(NodeId);
    let topology = fabric.topology();
    let mut detail = LinkDetail { ends, ..LinkDetail::default() };
    detail.neighbours = topology.edge(ends[0], ends[1]).is_some();
    let shown_item = snapshot.focus.and_then(|at| match world.chains.get(request.chain as usize)? {
        ChainState::Slots(slots) => slots.ledger.get(BlockIx(at as u32 + 1)).item,
        ChainState::Broadcast(broadcast) => broadcast.payloads[at].item,
        // Not a block of its own on the wire.
        ChainState::Fleet(_) => None,
    });
    let shown = |slot| Some(slot) == shown_item;
    for direction in 0..2 {
        let (from, to) = (nodes[direction], nodes[1 - direction]);
        detail.latency_ns[direction] = fabric.base_latency_ns(from, to);
        detail.up_bps[direction] = fabric.rates_of(from).up_bps;
        detail.down_bps[direction] = fabric.rates_of(to).down_bps;
        let mut member = false;
        world.gossip.mesh_of(from, &mut |peer| member |= peer == to.0);
        detail.in_mesh[direction] = member;
    }
    let mut messages = Vec::new();
    fabric.under_way(
        snapshot.now_ns,
        |from, to| nodes.contains(&from) || nodes.contains(&to),
        |m| {
            nodes.iter().zip(&mut detail.queues).for_each(|(node, queues)| enqueue(queues, &m, *node));
            let direction = match (m.from, m.to) {
                (from, to) if [from, to] == nodes => 0,
                (from, to) if [to, from] == nodes => 1,
                _ => return,
            };
            detail.load[direction][m.kind as usize].add(m.bytes);
            messages.push(Message {
                direction: direction as u8,
                kind: m.kind,
                bytes: m.bytes,
                shown_block: m.item.is_some_and(shown),
                leg: m.leg,
                until_ns: Some(m.until_ns),
            });
        },
    );
    // Equal messages may change places, nothing else: the order does not depend on that of the events.
    let order = |m: &Message| (Reverse(m.leg), m.until_ns, m.direction, m.kind, m.bytes);
    messages.sort_by_key(order);
    for direction in 0..2 {
        held_back(world, nodes[direction], |to, kind, bytes, slot| {
            detail.queues[direction].uplink[kind as usize].add(bytes);
            if to == ends[1 - direction] {
                detail.load[direction][kind as usize].add(bytes);
                let shown_block = shown(slot);
                let (direction, leg) = (direction as u8, Leg::UplinkQueue);
                messages.push(Message { direction, kind, bytes, shown_block, leg, until_ns: None });
            }
        });
    }
    messages.truncate(MESSAGES_MAX);
    detail.messages = messages;
    detail
}
