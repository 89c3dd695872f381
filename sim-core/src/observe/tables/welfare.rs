//! `welfare.parquet`.

use super::{Column, Get, column};
use crate::observe::record::RunRecord;
use crate::observe::welfare::{Entry, PartySummary, ledger, summarise};

/// A line of the books of a fleet.
pub struct Row {
    arm: String,
    fleet: String,
    entry: Entry,
}

/// All lines of all arms.
pub fn rows(records: &[RunRecord]) -> impl Iterator<Item = Row> + '_ {
    records.iter().flat_map(|run| {
        run.rollups.fleets.iter().flat_map(move |fleet| {
            let entries = summarise(run, fleet).map_or_else(Vec::new, |welfare| ledger(&welfare));
            entries.into_iter().map(move |entry| Row {
                arm: run.plan.name.clone(),
                fleet: fleet.name.clone(),
                entry,
            })
        })
    })
}

/// Columns of `welfare.parquet`.
pub fn columns() -> Vec<Column<Row>> {
    fn sent(get: fn(&PartySummary) -> u64, row: &Row) -> Option<u64> {
        row.entry.sent.as_ref().map(get)
    }
    vec![
        column("arm", "-", "arm of the comparison", Get::OptText(|r: &Row| Some(r.arm.clone()))),
        column("fleet", "-", "name of the fleet", Get::OptText(|r| Some(r.fleet.clone()))),
        column(
            "party",
            "-",
            "people, arbitrageurs, searchers, bridges, providers; pools, rollups, L1",
            Get::OptText(|r| Some(r.entry.name.to_owned())),
        ),
        column(
            "sent",
            "-",
            "transactions sent; null: sends none on rollups",
            Get::OptU64(|r| sent(|s| s.sent, r)),
        ),
        column("included", "-", "of these, in a block", Get::OptU64(|r| sent(|s| s.included, r))),
        column("reverted", "-", "of these, reverted", Get::OptU64(|r| sent(|s| s.reverted, r))),
        column(
            "idle",
            "-",
            "of those in a block, swapped nothing, reverted ones included",
            Get::OptU64(|r| sent(|s| s.idle, r)),
        ),
        column("gas", "gas", "gas they used", Get::OptU64(|r| sent(|s| s.gas, r))),
        column("gas_share", "-", "part of the gas of the fleet", Get::OptF64(|r| r.entry.gas_share)),
        column("fee_share", "-", "part of its fees", Get::OptF64(|r| r.entry.fee_share)),
        column(
            "surplus_eth",
            "ether",
            "bought less sold at values outside; of pools, their result against rebalancing",
            Get::OptF64(|r| Some(r.entry.surplus_eth)),
        ),
        column(
            "fees_eth",
            "ether",
            "paid for gas or data; below 0: received",
            Get::OptF64(|r| Some(r.entry.fees_eth)),
        ),
        column(
            "net_eth",
            "ether",
            "surplus less fees; over all parties zero but for rounding",
            Get::OptF64(|r| Some(r.entry.net_eth())),
        ),
    ]
}
