//! Copies of an item's body on their way to several nodes: the inner loop of dissemination.

use super::items::Slot;
use super::latency::LatenciesFrom;
use super::message::class;
use crate::kernel::event::{Event, Kind, Moment};
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, draw};
use crate::kernel::time::SimTime;

/// Purpose of latency draws for item bodies: keyed by content, so that arms of a comparison share them.
const BODY_LATENCY: Purpose = Purpose::LATENCY;

/// The random draws of an item's copies: one for each directed pair of nodes.
#[derive(Clone, Copy)]
pub(super) struct BodyDraws {
    pub(super) seed: u64,
    pub(super) from: u32,
    pub(super) content: u64,
}

impl BodyDraws {
    #[inline(always)]
    pub(super) fn to(&self, to: u32) -> u64 {
        draw(self.seed, BODY_LATENCY, pair(self.from, to), self.content)
    }
}

/// Copies of one item from one node, about to be put on its uplink.
pub(super) struct Bodies<'a> {
    pub(super) from: NodeId,
    pub(super) targets: &'a [u32],
    pub(super) except: NodeId,
    pub(super) slot: Slot,
    pub(super) aux: u8,
    pub(super) up_ns: u64,
    pub(super) draws: BodyDraws,
    pub(super) latencies: LatenciesFrom<'a>,
    pub(super) regions: &'a [u16],
}

impl Bodies<'_> {
    /// Pushes an arrival for each target: from (uplink free, sequence) to (uplink free, sequence).
    #[inline(always)]
    pub(super) fn send(&self, start: (u64, u64), mut push: impl FnMut(Event)) -> (u64, u64) {
        let (mut free, mut sequence) = start;
        let kind = Kind::new(class::ARRIVE, self.aux);
        for &to in self.targets {
            if to == self.except.0 {
                continue;
            }
            free += self.up_ns;
            sequence += 1;
            let latency = self.latencies.sample(self.regions[to as usize], self.draws.to(to));
            let at = Moment::at(SimTime(free + latency));
            push(Event::at(at, kind, NodeId(to), self.from, sequence, self.slot.0));
        }
        (free, sequence)
    }
}

/// Entity of a draw that belongs to a directed pair of nodes.
#[inline(always)]
pub(super) fn pair(from: u32, to: u32) -> u64 {
    u64::from(from) << 32 | u64::from(to)
}
