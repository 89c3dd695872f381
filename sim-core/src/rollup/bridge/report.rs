//! What bridges leave behind: records of journeys, crossings, bridges and inventories.

use super::record::{BridgeRecord, CrossingRecord, Outcome, TripRecord};
use super::trips::Trip;
use super::{Fleet, Message};
use crate::rollup::liquidity::float;
use crate::rollup::record::RollupsRecord;
use crate::workload::economy::RESERVE;
use parallel_evm::U256;
use std::collections::BTreeMap;

impl Fleet {
    /// Adds what became of bridges and journeys; `slots` are the posts on the L1's winning chain with what they paid.
    pub(in crate::rollup) fn record_bridges(
        &self,
        slots: &BTreeMap<u32, (u32, u128)>,
        end_ns: u64,
        measured: [u64; 2],
        into: &mut RollupsRecord,
    ) {
        if !self.crossings.active() {
            return;
        }
        let (trips, crossings) = self.trip_records(end_ns, measured);
        into.trips.extend(trips);
        into.crossings.extend(crossings);
        for (number, (bridge, book)) in (0..).zip(self.crossings.bridges.iter().zip(&self.crossings.books)) {
            let [idle_mean, owed_mean] = book.means(end_ns);
            let of_bridge = |message: &u32| self.crossings.messages[*message as usize].bridge == number;
            let claims = self.crossings.claims.iter().filter(|(_, messages)| messages.iter().any(of_bridge));
            let paid: Vec<u128> = claims.filter_map(|(post, _)| Some(slots.get(post)?.1)).collect();
            into.bridges.push(BridgeRecord {
                chain: self.chain,
                name: bridge.name.clone(),
                kind: bridge.kind.name().to_owned(),
                idle_mean,
                owed_mean,
                claims_wei: paid.iter().sum(),
                claims: paid.len() as u64,
            });
            if book.advances() {
                into.inventories.extend(book.samples(self.chain, number));
            }
        }
    }

    /// Journeys and crossings as they are.
    pub(in crate::rollup) fn trip_records(
        &self,
        end_ns: u64,
        [from_ns, to_ns]: [u64; 2],
    ) -> (Vec<TripRecord>, Vec<CrossingRecord>) {
        let chain = self.chain;
        let measured = |ns: u64| (from_ns..to_ns).contains(&ns);
        let part = |amount: U256| float(amount) / RESERVE as f64;
        let time = |ns: u64| (ns > 0).then_some(ns);
        let trip = |trip: &Trip| {
            let over = trip.open == 0;
            let overdue = (trip.deadline_ns < end_ns).then_some(Outcome::Overdue);
            let outcome = if over { trip.outcome } else { overdue };
            let well = matches!(outcome, Some(Outcome::Done | Outcome::Deadline));
            TripRecord {
                chain,
                travellers: trip.plan,
                home: trip.home,
                target: trip.target,
                legs: trip.legs,
                hops: trip.hops,
                size: part(trip.amount),
                started_ns: trip.started_ns,
                ended_ns: over.then_some(trip.ended_ns),
                outcome,
                loss: (well && trip.fair > 0.0).then(|| 1.0 - float(trip.received) / trip.fair),
                bridge_fees: trip.fees,
                through: float(trip.through) / float(trip.amount).max(1.0),
                paid_wei: trip.paid_wei,
                measured: measured(trip.started_ns),
            }
        };
        let crossing = |message: &Message| CrossingRecord {
            chain,
            bridge: message.bridge,
            from: message.from,
            to: message.to,
            amount: part(message.amount),
            fee: part(message.fee),
            asked_ns: message.asked_ns,
            sent_ns: time(message.sent_ns),
            ready_ns: time(message.ready_ns),
            derived_ns: time(message.derived_ns),
            arrived_ns: time(message.arrived_ns),
            settled_ns: time(message.settled_ns),
            stage: message.stage,
            waited: message.waited,
            measured: measured(message.asked_ns),
        };
        // In an order that does not depend on how events of different nodes were interleaved.
        let mut trips: Vec<&Trip> = self.crossings.trips.iter().collect();
        trips.sort_unstable_by_key(|trip| (trip.plan, trip.desk, trip.order));
        let mut messages: Vec<&Message> = self.crossings.messages.iter().collect();
        messages.sort_unstable_by_key(|message| message.name());
        (trips.into_iter().map(trip).collect(), messages.into_iter().map(crossing).collect())
    }
}
