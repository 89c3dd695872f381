//! `transactions.parquet`.

use super::{Column, Get, column};
use crate::observe::record::{RunRecord, TransactionRecord};
use crate::scenario::plan::{TxKind, WorkloadPlan};

/// A transaction and the run it belongs to.
pub struct TransactionRow<'a> {
    run: &'a RunRecord,
    transaction: &'a TransactionRecord,
}

/// All user transactions of all arms.
pub fn rows(records: &[RunRecord]) -> impl Iterator<Item = TransactionRow<'_>> {
    records
        .iter()
        .flat_map(|run| run.transactions.iter().map(move |transaction| TransactionRow { run, transaction }))
}

/// Name of a kind of transaction, as in scenario files.
pub fn kind_name(kind: TxKind) -> &'static str {
    match kind {
        TxKind::Transfer => "transfer",
        TxKind::Erc20 => "erc20",
        TxKind::Swap => "swap",
        TxKind::Mint => "mint",
        TxKind::Compute => "compute",
    }
}

/// Columns of `transactions.parquet`.
pub fn columns<'a>() -> Vec<Column<TransactionRow<'a>>> {
    vec![
        column(
            "arm",
            "-",
            "arm of the comparison",
            Get::OptText(|r: &TransactionRow| Some(r.run.plan.name.clone())),
        ),
        column("chain", "-", "chain index", Get::U64(|r| r.transaction.chain.into())),
        column(
            "region",
            "-",
            "name of the user's region",
            Get::OptText(|r| {
                let regions = &r.run.plan.network.latency.regions;
                regions.get(r.transaction.region as usize).map(|x| x.name.clone())
            }),
        ),
        column(
            "kind",
            "-",
            "kind of transaction",
            Get::OptText(|r| {
                match r.run.plan.chains.get(r.transaction.chain as usize).map(|c| &c.workload) {
                    Some(WorkloadPlan::Users(users)) => users
                        .mix
                        .get(r.transaction.kind as usize)
                        .map(|&(kind, _)| kind_name(kind).to_owned()),
                    _ => None,
                }
            }),
        ),
        column("submitted_ns", "ns", "handed to the RPC node", Get::U64(|r| r.transaction.submitted_ns)),
        column(
            "block",
            "-",
            "number of the including block on the winning chain; null: not included",
            Get::OptU64(|r| r.transaction.block.map(u64::from)),
        ),
        column(
            "included_ns",
            "ns",
            "moment the RPC node had verified that block; null: never",
            Get::OptU64(|r| r.transaction.included_ns),
        ),
        column(
            "final_ns",
            "ns",
            "moment that block was final at the RPC node; null: never",
            Get::OptU64(|r| r.transaction.final_ns),
        ),
        column(
            "group",
            "-",
            "bursting: calls the application in demand; related: touches its contracts; unrelated; null: no burst",
            Get::OptText(|r| r.transaction.group.map(|group| group.name().to_owned())),
        ),
        column(
            "gas_used",
            "gas",
            "gas used in that block; null: not included",
            Get::OptU64(|r| r.transaction.paid.map(|paid| paid.gas_used)),
        ),
        column(
            "surcharge_wei",
            "wei/gas",
            "paid beyond the base fee for what it touched, burnt; null: not included",
            Get::OptU64(|r| r.transaction.paid.map(|paid| paid.surcharge_wei)),
        ),
        column(
            "tip_wei",
            "wei/gas",
            "paid to the proposer; null: not included",
            Get::OptU64(|r| r.transaction.paid.map(|paid| paid.tip_wei)),
        ),
        column("measured", "-", "outside the warm-up", Get::OptBool(|r| Some(r.transaction.measured))),
    ]
}
