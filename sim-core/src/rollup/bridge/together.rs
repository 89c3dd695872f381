//! People who trade on several rollups at once, with what they have on each.
//!
//! **Captures.** Market makers and people with balances everywhere need no bridge: they split a trade over the rollups
//! where it yields most, as [`crate::rollup::liquidity::route`] says, and send all parts at the same time. Where one
//! sequencer serves all rollups they send them as one bundle (`rollup/shared.rs`), else each to its own sequencer. Every
//! part has its own slippage limit. The trade is *done* if all parts are, *partial* if some are; otherwise it ends for
//! the reason of the first. A bundle's parts that are refused are not sent again.
//!
//! **Leaves out.** Balances that run out, or are evened out over rollups afterwards; what a partial trade's rest costs to
//! sell later. **Parameters** [`super::params::PolicyPlan::Together`]. **Checked against** all-or-none of every bundle
//! (`tests/rollup_shared.rs`). May import what `rollup` may.

use super::record::Outcome;
use super::trips::View;
use super::{Fleet, Step};
use crate::execution::host::Host;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::rollup::liquidity::{Reserves, route};
use crate::rollup::record::{BUNDLE_FAILED, Fate};
use crate::workload::economy::RESERVE;
use parallel_evm::U256;
use std::cmp::Reverse;

impl Fleet {
    /// Parts of a trade over at most so many rollups, at a cost for each further one, with what each is quoted to yield.
    pub(super) fn parts_together(
        &self,
        views: &[View],
        (pool, zero_for_one): (u32, bool),
        amount: U256,
        (chains, hop_cost_ppb): (u32, u64),
    ) -> Vec<(u32, U256, U256)> {
        let view = |rollup: u32| views[rollup as usize].pools[pool as usize];
        let quote = |rollup: u32, part: U256| view(rollup).quote(zero_for_one, part).unwrap_or_default();
        let mut rollups: Vec<u32> = (0..self.common.plan.count).collect();
        rollups.sort_by_key(|rollup| (Reverse(quote(*rollup, amount)), *rollup));
        rollups.truncate(chains as usize);
        let pools: Vec<Reserves> = rollups.iter().map(|rollup| view(*rollup)).collect();
        let chain_out = U256::from(RESERVE / 1_000_000_000) * U256::from(hop_cost_ppb);
        let found = route::best(amount, zero_for_one, &pools, route::Costs { chain_out, bridge_ppb: 0 });
        let parts = found.map_or_else(|| vec![amount], |found| found.parts);
        let used = rollups.into_iter().zip(parts).filter(|(_, part)| !part.is_zero());
        used.map(|(rollup, part)| (rollup, part, quote(rollup, part))).collect()
    }

    /// All legs of a journey, from `first` on, begin: in one message where one sequencer serves them.
    pub(super) fn set_out_together<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        trip: u32,
        first: u32,
    ) {
        let of = &self.crossings.trips[trip as usize];
        let (gateway, deadline_ns) = (self.crossings.first + of.desk as usize, of.deadline_ns);
        let legs = first..self.crossings.legs.len() as u32;
        let mut txs = Vec::with_capacity(legs.len());
        for leg in legs {
            let rollup = self.crossings.legs[leg as usize].rollup;
            txs.push(self.enter_step(now, gateway, rollup, Step::Swap(leg)));
        }
        if self.shared.is_some() && txs.len() > 1 {
            return self.send_together(host, now, txs, deadline_ns);
        }
        for tx in txs {
            self.dispatch(host, now, tx);
        }
    }

    /// A desk hears that a bundle was refused, from the answer for one of its legs.
    pub(super) fn on_refused_bundle(&mut self, now: Moment, leg: u32, fate: Fate) {
        let outcome = if fate == Fate::Dropped(BUNDLE_FAILED) { Outcome::Slippage } else { Outcome::Refused };
        self.leg_over(now, leg, outcome, U256::ZERO);
    }
}
