//! Fleets of rollups in the event loop: their timers and messages, and what their nodes come to know of the L1.
//!
//! A fleet stands behind the plan's own chains in the list of chains, so that it and its L1 can be held at once.

use super::{ChainState, World};
use crate::consensus::slots::Slots;
use crate::consensus::{Host, RunError};
use crate::gossip::Dissemination;
use crate::kernel::event::{Event, Moment};
use crate::net::message::MessageKind;
use crate::rollup::fleet::Fleet;

impl ChainState {
    pub(super) fn fleet_mut(&mut self) -> Option<&mut Fleet> {
        match self {
            Self::Fleet(fleet) => Some(fleet),
            _ => None,
        }
    }
}

/// A fleet and its L1.
fn with_l1(chains: &mut [ChainState], index: usize) -> Option<(&mut Fleet, &mut Slots)> {
    let (before, rest) = chains.split_at_mut(index);
    let fleet = rest.first_mut()?.fleet_mut()?;
    match before.get_mut(fleet.l1 as usize)? {
        ChainState::Slots(l1) => Some((fleet, l1)),
        _ => None,
    }
}

impl<D: Dissemination> World<D> {
    /// A timer of a fleet.
    #[inline(never)]
    pub(super) fn fleet_timer(&mut self, event: &Event, chain: u32, number: u32) -> Result<(), RunError> {
        let mut host = Host {
            fabric: &mut self.fabric,
            gossip: &mut self.gossip,
            cpus: &mut self.cpus,
            tasks: &mut self.tasks,
        };
        match with_l1(&mut self.chains, chain as usize) {
            Some((fleet, l1)) => fleet.on_timer(&mut host, l1, event.moment(), event.aux(), number),
            None => unreachable!("a fleet has an L1 of slots: assembling checked it"),
        }
    }

    /// At the end everything on bridges is accounted for.
    pub(super) fn audit_fleets(&self) -> Result<(), RunError> {
        let fleets = self.chains.iter().filter_map(|chain| match chain {
            ChainState::Fleet(fleet) => Some(fleet),
            _ => None,
        });
        fleets.into_iter().try_for_each(|fleet| fleet.audit())
    }

    /// A message of a fleet.
    pub(super) fn fleet_message(&mut self, event: &Event, chain: u32, kind: MessageKind, content: u32) {
        let mut host = Host {
            fabric: &mut self.fabric,
            gossip: &mut self.gossip,
            cpus: &mut self.cpus,
            tasks: &mut self.tasks,
        };
        if let Some(fleet) = self.chains[chain as usize].fleet_mut() {
            fleet.on_message(&mut host, event.moment(), event.destination(), kind, content);
        }
    }

    /// What nodes have come to know of an L1 goes to its fleets.
    #[inline]
    pub(super) fn tell_fleets(&mut self, now: Moment, l1: usize) {
        let ChainState::Slots(slots) = &mut self.chains[l1] else { return };
        if slots.offers.is_none() {
            return;
        }
        let notices = slots.take_notices();
        if notices.is_empty() {
            return;
        }
        let mut host = Host {
            fabric: &mut self.fabric,
            gossip: &mut self.gossip,
            cpus: &mut self.cpus,
            tasks: &mut self.tasks,
        };
        for index in l1 + 1..self.chains.len() {
            if let Some((fleet, slots)) =
                with_l1(&mut self.chains, index).filter(|(f, _)| f.l1 as usize == l1)
            {
                notices.iter().for_each(|notice| fleet.on_notice(&mut host, slots, now, *notice));
            }
        }
    }
}
