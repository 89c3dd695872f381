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

    /// At the end everything on rollups and bridges is accounted for.
    pub(super) fn audit_fleets(&mut self) -> Result<(), RunError> {
        self.chains.iter_mut().filter_map(ChainState::fleet_mut).try_for_each(Fleet::audit)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gossip::flood::Flood;
    use crate::kernel::time::SimTime;
    use crate::scenario::{Changes, Library, Scenario};
    use crate::simulation::Resources;
    use crate::simulation::assemble::assemble;
    use std::path::Path;

    fn world(fleet: &str) -> World<Flood> {
        let text = format!(
            "(version: 1, seed: 3, run: (blocks: 10, warm_up: 0), nodes: (count: 16, hardware: \"attester\"), \
             network: (topology: RandomRegular(degree: 6), gossip: Flood), chain: (slot: \"12 s\"), workload: Empty, \
             rollups: [Fleet({fleet})])"
        );
        let scenario =
            Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &Changes::default());
        let plan = scenario.unwrap_or_else(|e| panic!("{e}")).base;
        assemble(&plan, &Resources::default(), Flood::new).expect("a sound plan")
    }

    /// Runs for a while, gives somebody a wei, and goes on.
    fn forged(fleet: &str) -> RunError {
        let mut world = world(fleet);
        assert_eq!(world.run_until(SimTime(60_000_000_000), u64::MAX), Ok(true));
        let fleet = world.chains[1].fleet_mut().expect("behind the L1 stands a fleet");
        assert!(fleet.active_rollups() > 0);
        fleet.forge_a_wei(0);
        world.run_until(SimTime(u64::MAX), u64::MAX).expect_err("a wei came from nowhere")
    }

    #[test]
    fn a_wei_that_no_block_brought_ends_the_run_whoever_sequences() {
        for preset in ["op-like", "arbitrum-like", "zk-realtime"] {
            let error = forged(&format!("preset: \"{preset}\", demand: (rate: \"3 tx/s\")"));
            assert!(error.to_string().contains("rollup 0: not everything is accounted for"), "{error}");
        }
        // Nobody builds on the state of a based rollup that stands there: it is that of batches.
        let mut world = world("preset: \"based\", demand: (rate: \"3 tx/s\")");
        assert_eq!(world.run_until(SimTime(u64::MAX), u64::MAX), Ok(true));
        let fleet = world.chains[1].fleet_mut().expect("behind the L1 stands a fleet");
        assert_eq!(fleet.audit(), Ok(()));
        fleet.forge_a_wei(0);
        assert!(fleet.audit().is_err());
    }

    #[test]
    fn an_account_is_taken_once_however_often_a_finished_run_is_asked_to_go_on() {
        let mut world = world("preset: \"op-like\", demand: (rate: \"3 tx/s\")");
        assert_eq!(world.run_until(SimTime(u64::MAX), u64::MAX), Ok(true));
        world.chains[1].fleet_mut().expect("behind the L1 stands a fleet").forge_a_wei(0);
        assert_eq!(world.run_until(SimTime(u64::MAX), u64::MAX), Ok(true));
    }
}
