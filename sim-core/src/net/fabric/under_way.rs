//! What is on the links at one instant: every message that has been handed to its sender's uplink and is not yet
//! complete at its receiver has exactly one pending event, from which its place is read.
//!
//! Looks only; costs a pass over all pending events.

use super::changes::Upload;
use super::{Fabric, transfer_ns};
use crate::kernel::event::Event;
use crate::kernel::ids::NodeId;
use crate::net::items::Slot;
use crate::net::message::{MessageKind, class, wire};

/// Where on its way a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leg {
    /// Behind others on its sender's uplink.
    UplinkQueue,
    /// Leaving the sender.
    Uplink,
    /// Between the two.
    Flight,
    /// Behind others on the receiver's downlink.
    DownlinkQueue,
    /// Coming in.
    Downlink,
}

/// A message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// What it carries.
    pub kind: MessageKind,
    /// Its size, bytes.
    pub bytes: u64,
    /// The item whose body it is.
    pub item: Option<Slot>,
    /// Where it is.
    pub leg: Leg,
    /// Since when it has been in this leg, ns; 0 where it waits (nobody notes when it joined).
    pub since_ns: u64,
    /// When the leg ends, ns.
    pub until_ns: u64,
}

impl Fabric {
    /// Shows the messages under way at `now_ns`, before which everything has happened, that `wanted` names by
    /// sender and receiver; in no particular order.
    pub fn under_way(
        &self,
        now_ns: u64,
        wanted: impl Fn(NodeId, NodeId) -> bool,
        mut f: impl FnMut(UnderWay),
    ) {
        self.scheduler.visit(|event| {
            let is_message = matches!(event.class(), class::ARRIVE | class::DELIVER);
            if is_message && wanted(event.source, event.destination()) {
                f(self.place(event, now_ns));
            }
        });
    }

    fn place(&self, event: &Event, now_ns: u64) -> UnderWay {
        let aux = event.aux();
        let item = (aux < wire::DIRECT).then_some(Slot(event.payload));
        let kind = match (item, aux) {
            (Some(slot), _) => self.item(slot).kind,
            (None, wire::DIRECT) => self.direct(event.payload).kind,
            (None, _) => MessageKind::Control,
        };
        let end_ns = event.time.0;
        let (leg, since_ns, until_ns) = if event.class() == class::ARRIVE {
            match self.upload_of(event) {
                Upload { start_ns, .. } if start_ns > now_ns => (Leg::UplinkQueue, 0, start_ns),
                Upload { start_ns, finish_ns } if finish_ns > now_ns => (Leg::Uplink, start_ns, finish_ns),
                Upload { finish_ns, .. } => (Leg::Flight, finish_ns, end_ns),
            }
        } else {
            match self.download_start_of(event) {
                start_ns if start_ns > now_ns => (Leg::DownlinkQueue, 0, start_ns),
                start_ns => (Leg::Downlink, start_ns, end_ns),
            }
        };
        let (from, to, bytes) = (event.source, event.destination(), self.bytes_of(event));
        UnderWay { from, to, kind, bytes, item, leg, since_ns, until_ns }
    }

    fn upload_of(&self, event: &Event) -> Upload {
        if let Some(changes) = &self.changes {
            return self.upload(changes, event);
        }
        if event.aux() == wire::DIRECT {
            let record = self.direct(event.payload);
            return Upload { start_ns: record.up_start_ns, finish_ns: record.up_finish_ns };
        }
        let finish_ns = event.time.0 - self.latency_of(event, &self.latency);
        let up_bps = self.rates_of(event.source).up_bps;
        Upload { start_ns: finish_ns - transfer_ns(self.bytes_of(event), up_bps), finish_ns }
    }

    fn download_start_of(&self, event: &Event) -> u64 {
        match &self.changes {
            Some(changes) => self.download_start(changes, event),
            None => {
                let down_bps = self.rates_of(event.destination()).down_bps;
                event.time.0 - transfer_ns(self.bytes_of(event), down_bps)
            }
        }
    }

    /// One-way latency from one node to another without jitter, as it is now, ns.
    pub fn base_latency_ns(&self, from: NodeId, to: NodeId) -> u64 {
        self.latency.base_ns(self.region(from) as u32, self.region(to) as u32)
    }
}
