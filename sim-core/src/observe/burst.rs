//! How everybody fared while one application was in demand.
//!
//! Transactions are told apart by what they have to do with the application ([`Group`]) and by when they were
//! submitted: before the demand, outside the warm-up; or while it lasted. One counts as included if a block of a
//! slot at most [`INCLUSION_SLOTS`] after its submission holds it; those submitted so late that the run does not
//! have so many slots left are not looked at. Prices are what was paid per gas, base fee, surcharge and tip
//! together.
//!
//! **Spill-over** of a group: the median price its included transactions paid in the burst over that before.
//! **Isolation index**: `1 - (spill-over of unrelated - 1) / (spill-over of the bursting - 1)`: 1 if others pay what
//! they paid before, 0 if they pay as much more as those who want the application. It says nothing where the
//! bursting do not pay more (a cap alone rations by waiting), and is left out there. A median is that of those who
//! got in: where many do not, read it with the inclusion.

use super::measure::counts;
use super::record::{Group, RunRecord, TransactionRecord};
use super::stats::{Sample, ratio};
use crate::scenario::plan::{BurstPlan, ConsensusPlan, WorkloadPlan};
use serde::Serialize;

/// Slots within which a transaction must be included to count.
pub const INCLUSION_SLOTS: u64 = 10;

/// One group in one phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Faring {
    /// Transactions submitted.
    pub submitted: u64,
    /// Share of them that was included in time.
    pub inclusion: f64,
    /// Median price paid by those, wei per gas.
    pub median_price_wei: Option<u64>,
    /// Median time from submission until the user's node has verified the block, of those, ns.
    pub median_delay_ns: Option<u64>,
    /// The same at p95, ns.
    pub p95_delay_ns: Option<u64>,
}

/// One group before and in the burst.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupFaring {
    /// Name of the group.
    pub group: &'static str,
    /// Before.
    pub before: Faring,
    /// While it lasted.
    pub burst: Faring,
    /// Median price in the burst over that before.
    pub spill_over: Option<f64>,
}

/// How everybody fared in a burst of demand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BurstSummary {
    /// By group.
    pub groups: Vec<GroupFaring>,
    /// The isolation index.
    pub isolation: Option<f64>,
    /// Gas over gas limit of the blocks before and in the burst, as the market meters it.
    pub utilisation: [f64; 2],
    /// The application's part of the gas used in the burst.
    pub hot_gas_share: f64,
    /// Transactions that proposers executed in vain in the burst.
    pub turned_away: u64,
    /// Base fees and surcharges over the whole run, ether; burnt.
    pub burnt_eth: f64,
    /// Tips over the whole run, ether.
    pub tips_eth: f64,
}

impl BurstSummary {
    /// The faring of a group.
    pub fn of(&self, group: Group) -> Option<&GroupFaring> {
        self.groups.iter().find(|faring| faring.group == group.name())
    }
}

/// The burst of the first chain's plan, its slot time and last slot.
pub(super) fn burst_of(record: &RunRecord) -> Option<(&BurstPlan, u64, u64)> {
    let chain = record.plan.chains.first()?;
    let (WorkloadPlan::Users(users), ConsensusPlan::Slots(slots)) = (&chain.workload, &chain.consensus)
    else {
        return None;
    };
    let last_slot = u64::from(record.plan.run.warm_up) + u64::from(record.plan.run.blocks);
    Some((users.burst.as_ref()?, slots.slot_ns, last_slot))
}

/// What one transaction paid per gas in all, wei.
pub(super) fn price_wei(record: &RunRecord, transaction: &TransactionRecord) -> Option<u64> {
    let (block, paid) = (record.blocks.get(transaction.block? as usize)?, transaction.paid?);
    Some(block.base_fee_wei.saturating_add(paid.surcharge_wei).saturating_add(paid.tip_wei))
}

fn faring(record: &RunRecord, group: Group, (from_ns, until_ns): (u64, u64), horizon_ns: u64) -> Faring {
    let chosen = || {
        record.transactions.iter().filter(|t| {
            t.chain == 0 && t.group == Some(group) && (from_ns..until_ns).contains(&t.submitted_ns)
        })
    };
    let in_time = |t: &&TransactionRecord| {
        let block = t.block.and_then(|block| record.blocks.get(block as usize));
        block.is_some_and(|block| block.slot_start_ns <= t.submitted_ns.saturating_add(horizon_ns))
    };
    let submitted = chosen().count() as u64;
    let prices: Sample = chosen().filter(in_time).map(|t| price_wei(record, t)).collect();
    let delay = |t: &TransactionRecord| t.included_ns.map(|ns| ns.saturating_sub(t.submitted_ns));
    let delays: Sample = chosen().filter(in_time).map(delay).collect();
    Faring {
        submitted,
        inclusion: ratio(prices.len(), submitted),
        median_price_wei: prices.percentile(500),
        median_delay_ns: delays.percentile(500),
        p95_delay_ns: delays.percentile(950),
    }
}

/// How everybody fared; `None` for a plan without a burst on its first chain.
pub fn summarise(record: &RunRecord) -> Option<BurstSummary> {
    let (plan, slot_ns, last_slot) = burst_of(record)?;
    let horizon_ns = INCLUSION_SLOTS * slot_ns;
    let first_ns = slot_ns * (u64::from(record.plan.run.warm_up) + 1);
    let last_ns = (slot_ns * last_slot).saturating_sub(horizon_ns);
    let phases = [(first_ns, plan.from_ns.min(last_ns)), (plan.from_ns, plan.until_ns.min(last_ns))];
    let groups = Group::ALL.map(|group| {
        let [before, burst] = phases.map(|phase| faring(record, group, phase, horizon_ns));
        let ratio = |(before, burst): (u64, u64)| burst as f64 / before.max(1) as f64;
        let spill_over = before.median_price_wei.zip(burst.median_price_wei).map(ratio);
        GroupFaring { group: group.name(), before, burst, spill_over }
    });
    let spill_over = |group: Group| groups[group as usize].spill_over;
    let isolation = spill_over(Group::Unrelated)
        .zip(spill_over(Group::Hot))
        .filter(|(_, hot)| *hot > 1.0)
        .map(|(cold, hot)| 1.0 - (cold - 1.0) / (hot - 1.0));
    let blocks = |(from_ns, until_ns): (u64, u64)| {
        record
            .blocks
            .iter()
            .filter(move |b| b.chain == 0 && counts(b) && (from_ns..until_ns).contains(&b.slot_start_ns))
    };
    let utilisation = phases.map(|phase| {
        let metered = blocks(phase).map(|b| b.fees.metered_gas).sum();
        ratio(metered, blocks(phase).map(|b| b.gas_limit).sum())
    });
    let (mut burnt_wei, mut tips_wei) = (0_u128, 0_u128);
    for (transaction, paid) in record.transactions.iter().filter_map(|t| Some((t, t.paid?))) {
        let Some(block) = transaction.block.and_then(|block| record.blocks.get(block as usize)) else {
            continue;
        };
        let gas = u128::from(paid.gas_used);
        burnt_wei += gas * (u128::from(block.base_fee_wei) + u128::from(paid.surcharge_wei));
        tips_wei += gas * u128::from(paid.tip_wei);
    }
    Some(BurstSummary {
        isolation,
        utilisation,
        hot_gas_share: ratio(
            blocks(phases[1]).map(|b| b.fees.hot_gas).sum(),
            blocks(phases[1]).map(|b| b.gas_used).sum(),
        ),
        turned_away: blocks(phases[1]).map(|b| u64::from(b.fees.turned_away)).sum(),
        burnt_eth: burnt_wei as f64 / 1e18,
        tips_eth: tips_wei as f64 / 1e18,
        groups: groups.into(),
    })
}
