//! What bridges leave behind: records of journeys, crossings, bridges, inventories and what was checked.

use super::Fleet;
use super::record::{BridgeRecord, ConservationRecord};
use crate::rollup::record::RollupsRecord;
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
        let (trips, crossings) = self.trip_records(measured);
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
        into.conservation.push(ConservationRecord { chain: self.chain, ..self.crossings.ledger.record });
    }
}
