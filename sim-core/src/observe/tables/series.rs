//! `series.parquet`: quantities over time, slot by slot.

use super::{Column, Get, column};
use crate::observe::record::{BlockRecord, RunRecord};

/// A slot of a chain: its block on the winning chain, and what was waiting then.
pub struct SlotRow<'a> {
    run: &'a RunRecord,
    block: &'a BlockRecord,
    /// User transactions submitted before and not included until the slot's start.
    waiting: Option<u64>,
}

/// All slots with a canonical block of all arms.
pub fn rows(records: &[RunRecord]) -> impl Iterator<Item = SlotRow<'_>> {
    records.iter().flat_map(|run| {
        let waiting = waiting_by_block(run);
        let pairs = run.blocks.iter().zip(waiting);
        pairs.filter(|(b, _)| b.canonical).map(move |(block, waiting)| SlotRow { run, block, waiting })
    })
}

/// For every block: user transactions of its chain submitted before its slot's start that no earlier slot
/// of the winning chain includes. `None` on chains without user transactions.
pub fn waiting_by_block(run: &RunRecord) -> Vec<Option<u64>> {
    let chains = run.blocks.iter().map(|b| b.chain as usize + 1).max().unwrap_or(0);
    // Per chain, ascending: submission times, and starts of the slots that included a transaction.
    let mut submitted = vec![Vec::new(); chains];
    let mut included = vec![Vec::new(); chains];
    for t in run.transactions.iter().filter(|t| (t.chain as usize) < chains) {
        submitted[t.chain as usize].push(t.submitted_ns);
        if let Some(block) = t.block.and_then(|b| run.blocks.get(b as usize)) {
            included[t.chain as usize].push(block.slot_start_ns);
        }
    }
    for times in submitted.iter_mut().chain(&mut included) {
        times.sort_unstable();
    }
    let before = |times: &[u64], at: u64| times.partition_point(|&t| t < at) as u64;
    run.blocks
        .iter()
        .map(|b| {
            let chain = b.chain as usize;
            (!submitted[chain].is_empty()).then(|| {
                before(&submitted[chain], b.slot_start_ns)
                    .saturating_sub(before(&included[chain], b.slot_start_ns))
            })
        })
        .collect()
}

/// Columns of `series.parquet`.
pub fn columns<'a>() -> Vec<Column<SlotRow<'a>>> {
    vec![
        column(
            "arm",
            "-",
            "arm of the comparison",
            Get::OptText(|r: &SlotRow| Some(r.run.plan.name.clone())),
        ),
        column("chain", "-", "chain index", Get::U64(|r| r.block.chain.into())),
        column("slot", "-", "slot", Get::U64(|r| r.block.slot.into())),
        column("measured", "-", "outside the warm-up", Get::OptBool(|r| Some(r.block.measured))),
        column("slot_start_ns", "ns", "start of the slot", Get::U64(|r| r.block.slot_start_ns)),
        column("base_fee_wei", "wei/gas", "base fee", Get::U64(|r| r.block.base_fee_wei)),
        column("gas_used", "gas", "gas used", Get::U64(|r| r.block.gas_used)),
        column(
            "gas_utilisation",
            "1",
            "gas used over gas limit; null: no limit",
            Get::OptF64(|r| {
                (r.block.gas_limit > 0).then(|| r.block.gas_used as f64 / r.block.gas_limit as f64)
            }),
        ),
        column("transactions", "-", "transactions in the block", Get::U64(|r| r.block.transactions.into())),
        column("size_bytes", "byte", "size on the wire", Get::U64(|r| r.block.size_bytes)),
        column(
            "waiting_transactions",
            "-",
            "user transactions submitted before the slot's start that no earlier slot includes (submitted anywhere: an upper bound of any one mempool); null: no users",
            Get::OptU64(|r| r.waiting),
        ),
        column(
            "arrival_p95_ns",
            "ns",
            "slot start until 95 % of the nodes hold the block; null: never",
            Get::OptU64(|r| r.block.arrival_quantiles_ns[2]),
        ),
        column(
            "verified_p50_ns",
            "ns",
            "slot start until half of the nodes have executed the block; null: never",
            Get::OptU64(|r| r.block.verified_quantiles_ns[0]),
        ),
        column(
            "verified_p95_ns",
            "ns",
            "slot start until 95 % of the nodes have executed the block; null: never",
            Get::OptU64(|r| r.block.verified_quantiles_ns[2]),
        ),
        column(
            "final_p95_ns",
            "ns",
            "slot start until the block is final at 95 % of the nodes; null: never",
            Get::OptU64(|r| r.block.final_quantiles_ns[2]),
        ),
    ]
}
