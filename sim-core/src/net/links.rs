//! The arithmetic of a link: how long bits occupy it, and how long they travel.
//!
//! **Captures.** A first-in-first-out access link of finite rate, shared by everything its node sends (or
//! receives): [`LinkState`]. One-way latency with jitter: [`LatencyModel`].
//!
//! **Leaves out.** Events, priorities, packets, loss, rates that change during a transfer: the network built
//! on this module knows them.
//!
//! **Parameters.** Rates in bit/s, sizes in bytes, times in ns.
//!
//! **Source.** Transfer time = 8 bytes / rate, exact, rounded up to the nanosecond ([`transfer_time`]): a
//! link never carries more than its rate.
//!
//! **Checked against.** Conservation and order for random arrivals, exact transfer times, and that a link is
//! free when the last bit has *left* (a published simulator holds it until the last bit has arrived)
//! (`tests/net_links.rs`).

pub use super::latency::{LatencyError, LatencyModel};
use crate::kernel::time::transfer_time;

/// Rates of a class of access links, bit/s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRates {
    /// Uplink.
    pub up_bps: u64,
    /// Downlink.
    pub down_bps: u64,
}

impl LinkRates {
    /// Transfer times of `bytes` up and down, ns, rounded up.
    pub fn transfer_ns(&self, bytes: u64) -> [u64; 2] {
        [transfer_ns(bytes, self.up_bps), transfer_ns(bytes, self.down_bps)]
    }
}

/// Time of `bytes` on a link, ns, rounded up.
#[inline(always)]
pub(super) fn transfer_ns(bytes: u64, bps: u64) -> u64 {
    transfer_time(bytes, bps).0
}

/// When a message occupies a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// First bit, ns.
    pub start_ns: u64,
    /// Last bit, ns.
    pub finish_ns: u64,
}

impl Slot {
    /// Time in the queue, ns.
    pub fn queued_ns(&self, now_ns: u64) -> u64 {
        self.start_ns - now_ns
    }

    /// Time on the link, ns.
    pub fn transfer_ns(&self) -> u64 {
        self.finish_ns - self.start_ns
    }
}

/// One direction of an access link: first in, first out, store and forward.
///
/// Invariants: slots do not overlap and follow the order of calls; the link is never idle while something
/// waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// The link is free from this moment on, ns.
    pub free_at_ns: u64,
}

impl LinkState {
    /// Queues a message at `now_ns` behind all earlier ones and says when it occupies the link. Calls must
    /// come in the order in which messages queue; `bps` is the rate for the whole transfer; at a rate of zero it
    /// never finishes (`u64::MAX`).
    #[inline]
    pub fn enqueue(&mut self, now_ns: u64, bytes: u64, bps: u64) -> Slot {
        let start_ns = now_ns.max(self.free_at_ns);
        let finish_ns = start_ns.saturating_add(transfer_time(bytes, bps).0);
        debug_assert!(start_ns == now_ns || start_ns == self.free_at_ns, "idle while something waits");
        debug_assert!(finish_ns >= self.free_at_ns, "slots overlap");
        self.free_at_ns = finish_ns;
        Slot { start_ns, finish_ns }
    }

    /// Work still queued at `now_ns`, ns of link time.
    #[inline]
    pub fn backlog_ns(&self, now_ns: u64) -> u64 {
        self.free_at_ns.saturating_sub(now_ns)
    }
}
