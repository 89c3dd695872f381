//! What journeys look like while they are under way: plain data for a window to draw. Looking changes nothing.

use super::Step as Action;
use super::record::Stage;
use crate::rollup::fleet::Fleet;
use crate::rollup::look::{Step, TripView, TxStep};

/// Most of the latest journeys that are listed.
const RECENT_MAX: usize = 40;

impl Fleet {
    /// The latest journeys, newest first.
    pub(in crate::rollup) fn latest_trips(&self) -> Vec<TripView> {
        let trips = 0..self.crossings.trips.len() as u32;
        trips.rev().take(RECENT_MAX).filter_map(|trip| self.look_at_trip(trip)).collect()
    }

    /// A journey from the desk over its bridges and trades, as far as it has come.
    pub(in crate::rollup) fn look_at_trip(&self, number: u32) -> Option<TripView> {
        let trip = self.crossings.trips.get(number as usize)?;
        let desk = self.crossings.first + trip.desk as usize;
        let desk_node = self.gateways[desk].node.0;
        let sequencer = |rollup: u32| self.hosts[self.host_index(rollup) as usize].node.0;
        let mut steps = vec![TxStep { what: Step::SetOut, at_ns: trip.started_ns, node: desk_node }];
        let mut push = |what: Step, at_ns: u64, node: u32| {
            if at_ns > 0 {
                steps.push(TxStep { what, at_ns, node });
            }
        };
        let of_trip = |leg: u32| self.crossings.legs[leg as usize].trip == number;
        for message in self.crossings.messages.iter().filter(|message| of_trip(message.leg)) {
            let (from, to) = (message.from, message.to);
            push(Step::Sent { from, to }, message.sent_ns, sequencer(from));
            push(Step::Ready { to }, message.ready_ns, sequencer(to));
            let back = matches!(message.stage, Stage::Returned);
            push(
                if back { Step::Returned { from } } else { Step::Landed { to } },
                message.arrived_ns,
                sequencer(to),
            );
        }
        let mine = (desk as u16, 0)..=(desk as u16, u32::MAX);
        for ((_, sequence), action) in self.crossings.steps.range(mine) {
            let Action::Swap(leg) = action else { continue };
            if let Some(handle) = self.gateways[desk].txs.get(*sequence as usize).filter(|_| of_trip(*leg)) {
                let tx = &self.txs[*handle as usize];
                push(Step::Traded { rollup: tx.rollup }, tx.executed_ns, sequencer(tx.rollup));
            }
        }
        if trip.open == 0 {
            push(Step::Over, trip.ended_ns, desk_node);
        }
        steps.sort_by_key(|step| step.at_ns);
        Some(TripView {
            number,
            home: trip.home,
            target: trip.target,
            legs: trip.legs,
            outcome: trip.outcome.filter(|_| trip.open == 0),
            steps,
        })
    }
}
