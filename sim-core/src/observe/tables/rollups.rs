//! `rollups.parquet`, `rollup_transactions.parquet`, `batches.parquet`, `derivations.parquet`, `blobs.parquet`.

use super::{Column, Get, column};
use crate::observe::record::{
    BatchRecord, BlobBlockRecord, DROP_REASONS, DerivationRecord, Fate, FleetRecord, Party, RollupTxRecord,
    RollupsRecord, RunRecord,
};
use crate::observe::{markets, provision, rollups};
use crate::workload::economy::RESERVE;

/// A record and the run it belongs to.
pub struct Row<'a, T> {
    pub(super) run: &'a RunRecord,
    pub(super) record: &'a T,
}

/// All records of a kind of all arms.
pub fn rows<'a, T: 'a>(
    records: &'a [RunRecord],
    of: fn(&RollupsRecord) -> &Vec<T>,
) -> impl Iterator<Item = Row<'a, T>> {
    records.iter().flat_map(move |run| of(&run.rollups).iter().map(move |record| Row { run, record }))
}

pub(super) fn arm<'a, T: 'a>() -> Column<Row<'a, T>> {
    column("arm", "-", "arm of the comparison", Get::OptText(|r: &Row<'_, T>| Some(r.run.plan.name.clone())))
}

pub(super) fn fleet_name(run: &RunRecord, chain: u32) -> Option<String> {
    let fleet = run.rollups.fleets.iter().find(|fleet| fleet.chain == chain)?;
    Some(fleet.name.clone())
}

/// Columns of `rollups.parquet`.
pub fn fleet_columns<'a>() -> Vec<Column<Row<'a, FleetRecord>>> {
    let mut columns = vec![
        arm(),
        column(
            "fleet",
            "-",
            "name of the fleet",
            Get::OptText(|r: &Row<'_, FleetRecord>| Some(r.record.name.clone())),
        ),
        column("rollups", "-", "rollups there are", Get::U64(|r| r.record.rollups)),
        column(
            "active",
            "-",
            "rollups sent at least one transaction; only these were simulated",
            Get::U64(|r| r.record.active),
        ),
        column("executed", "-", "rollups that executed something", Get::U64(|r| r.record.executed_something)),
        column(
            "posted",
            "-",
            "rollups with a batch on the L1's winning chain",
            Get::U64(|r| r.record.posted_something),
        ),
        column(
            "waiting_to_post",
            "-",
            "rollups with something executed and not posted at the end",
            Get::U64(|r| r.record.waiting_to_post),
        ),
        column("submitted", "-", "transactions sent", Get::U64(|r| r.record.submitted)),
        column("included", "-", "transactions in a block of their rollup", Get::U64(|r| r.record.included)),
        column(
            "travelling",
            "-",
            "transactions on their way to a sequencer",
            Get::U64(|r| r.record.travelling),
        ),
        column("queued", "-", "transactions waiting at a sequencer", Get::U64(|r| r.record.queued)),
        column(
            "sent_again",
            "-",
            "messages with transactions that gateways sent again, for want of an answer",
            Get::U64(|r| r.record.sent_again),
        ),
        column(
            "bundles",
            "-",
            "sets of transactions sent together to a shared sequencer",
            Get::U64(|r| r.record.bundles),
        ),
        column("bundles_included", "-", "of these: in blocks", Get::U64(|r| r.record.bundles_included)),
        column("bundles_refused", "-", "of these: refused", Get::U64(|r| r.record.bundles_refused)),
        column("gas_used", "gas", "gas of the included transactions", Get::U64(|r| r.record.gas_used)),
        column("blocks", "-", "blocks, or confirmed parts of blocks", Get::U64(|r| r.record.blocks)),
        column(
            "execution_ns",
            "ns",
            "execution of all blocks on the sequencers' nodes",
            Get::U64(|r| r.record.execution_ns),
        ),
        column("raw_bytes", "byte", "included transactions as signed", Get::U64(|r| r.record.raw_bytes)),
        column(
            "unbatched_bytes",
            "byte",
            "of these, in no batch at the end",
            Get::U64(|r| r.record.unbatched_bytes),
        ),
        column(
            "heap_bytes",
            "byte",
            "what the simulator holds for the fleet, states not counted",
            Get::U64(|r| r.record.heap_bytes),
        ),
        column(
            "liquidity_idle",
            "-",
            "liquidity that providers had taken out, on average over the run, over all there was; null: nobody can",
            Get::OptF64(|r| Some(provision::summarise(r.run, r.record)?.idle)),
        ),
        column(
            "liquidity_idle_most",
            "-",
            "most of it that was out at a time; null: as above",
            Get::OptF64(|r| Some(provision::summarise(r.run, r.record)?.idle_most)),
        ),
        column(
            "out_of_range",
            "-",
            "part of the time that prices outside were beyond the ranges of concentrated pools; null: other pools, or no prices",
            Get::OptF64(|r| markets::summarise(r.run, r.record)?.out_of_range),
        ),
        column(
            "liquidity_left",
            "-",
            "shares of the pools in use at the end, over those at first; null: as above",
            Get::OptF64(|r| Some(r.record.provided_ppm? as f64 / 1e6)),
        ),
        column(
            "data_cost_gwei",
            "gwei",
            "what the L1 was paid for batches on its winning chain; one with several batches counts by equal parts",
            Get::OptF64(|r| Some(rollups::data_cost_wei(r.run, r.record.chain) / 1e9)),
        ),
    ];
    for (index, name) in DROP_REASONS.iter().enumerate() {
        columns.push(column(
            &format!("dropped_{}", super::snake(name)),
            "-",
            "transactions dropped for this reason",
            Get::Nth(|r: &Row<'_, FleetRecord>, n| Some(r.record.dropped[n]), index),
        ));
    }
    columns
}

fn fate_name(fate: Fate) -> String {
    match fate {
        Fate::Travelling => "travelling".to_owned(),
        Fate::Queued => "queued".to_owned(),
        Fate::Included => "included".to_owned(),
        Fate::Dropped(reason) => {
            let reason = DROP_REASONS.get(usize::from(reason)).copied().unwrap_or_default();
            format!("dropped: {reason}")
        }
    }
}

/// Columns of `rollup_transactions.parquet`.
pub fn transaction_columns<'a>() -> Vec<Column<Row<'a, RollupTxRecord>>> {
    vec![
        arm(),
        column(
            "fleet",
            "-",
            "name of the fleet",
            Get::OptText(|r: &Row<'_, RollupTxRecord>| fleet_name(r.run, r.record.chain)),
        ),
        column("rollup", "-", "number of the rollup in its fleet", Get::U64(|r| r.record.rollup.into())),
        column(
            "bundle",
            "-",
            "names the bundle it is part of in its fleet; null: it was sent by itself",
            Get::OptU64(|r| r.record.bundle),
        ),
        column("region", "-", "index of the user's region", Get::U64(|r| r.record.region.into())),
        column("kind", "-", "index into the plan's mix", Get::U64(|r| r.record.kind.into())),
        column("fate", "-", "what became of it", Get::OptText(|r| Some(fate_name(r.record.fate)))),
        column("submitted_ns", "ns", "handed to the gateway", Get::U64(|r| r.record.submitted_ns)),
        column("received_ns", "ns", "at the sequencer; null: never", Get::OptU64(|r| r.record.received_ns)),
        column(
            "executed_ns",
            "ns",
            "executed at the sequencer; null: never",
            Get::OptU64(|r| r.record.executed_ns),
        ),
        column(
            "soft_ns",
            "ns",
            "the confirmation is at the gateway; null: never",
            Get::OptU64(|r| r.record.soft_ns),
        ),
        column(
            "posted_ns",
            "ns",
            "the gateway has executed the L1 block with the batch; null: never",
            Get::OptU64(|r| r.record.posted_ns),
        ),
        column(
            "final_ns",
            "ns",
            "that block is final at the gateway; null: never",
            Get::OptU64(|r| r.record.final_ns),
        ),
        column(
            "proven_ns",
            "ns",
            "the proof is final at the gateway and its window over (by rule); null: never",
            Get::OptU64(|r| r.record.proven_ns),
        ),
        column(
            "derived_first_ns",
            "ns",
            "derived from the L1 at the first node that does; null: at none",
            Get::OptU64(|r| r.record.derived_ns.first().copied()),
        ),
        column(
            "derived_last_ns",
            "ns",
            "derived at the last of those that had it when the run ended; null: at none",
            Get::OptU64(|r| r.record.derived_ns.last().copied()),
        ),
        column(
            "derived_at",
            "-",
            "nodes that had derived it when the run ended",
            Get::U64(|r| r.record.derived_ns.len() as u64),
        ),
        column("measured", "-", "outside the warm-up", Get::OptBool(|r| Some(r.record.measured))),
        column(
            "trade_size",
            "-",
            "what an executed swap sold, over all liquidity there is; null: no swap, or sizes not given",
            Get::OptF64(|r| Some(r.record.trade?.size_ppb as f64 / 1e9)),
        ),
        column(
            "trade_cost",
            "-",
            "what it lost against the pool's price before it; null: as above, or reverted",
            Get::OptF64(|r| Some(r.record.trade?.cost_ppb? as f64 / 1e9)),
        ),
        column(
            "trade_pool",
            "-",
            "which pool; null: no followed swap",
            Get::OptU64(|r| Some(r.record.trade?.pool.into())),
        ),
        column(
            "trade_order",
            "-",
            "the rollup's own count of swaps; null: no followed swap",
            Get::OptU64(|r| Some(r.record.trade?.order.into())),
        ),
        column(
            "trade_gas",
            "gas",
            "gas used; null: no followed swap",
            Get::OptU64(|r| Some(r.record.trade?.gas)),
        ),
        column(
            "trade_gain",
            "-",
            "what was bought less what was sold at the reference price, over all liquidity there is; null: no followed swap",
            Get::OptF64(|r| Some(r.record.trade?.gain_atto as f64 / 1e18)),
        ),
        column(
            "trade_log_price",
            "-",
            "logarithm of the pool's price after it; null: no followed swap",
            Get::OptF64(|r| Some(r.record.trade?.log_ppb as f64 / 1e9)),
        ),
        column(
            "trade_out_of_range",
            "-",
            "reverted because the pool's liquidity ended; null: no followed swap",
            Get::OptBool(|r| Some(r.record.trade?.out_of_range)),
        ),
        column(
            "arbitrageur",
            "-",
            "sent by an arbitrageur",
            Get::OptBool(|r| Some(r.record.party == Party::Arbitrageur)),
        ),
        column(
            "party",
            "-",
            "who sent it: people, arbitrageurs, searchers, bridges, providers",
            Get::OptText(|r| Some(r.record.party.name().to_owned())),
        ),
        column(
            "gas",
            "gas",
            "gas used; null: not executed, or no prices outside",
            Get::OptU64(|r| Some(r.record.paid?.gas)),
        ),
        column(
            "base_fee_wei",
            "wei/gas",
            "base fee of its block; null: as above",
            Get::OptU64(|r| Some(r.record.paid?.base_fee_wei)),
        ),
        column("tip_wei", "wei/gas", "tip; null: as above", Get::OptU64(|r| Some(r.record.paid?.tip_wei))),
        column(
            "success",
            "-",
            "not reverted; null: as above",
            Get::OptBool(|r| Some(r.record.paid?.success)),
        ),
        column(
            "liquidity_added",
            "-",
            "a provider's: it added liquidity, or removed it; null: neither",
            Get::OptBool(|r| Some(r.record.moved?.added)),
        ),
        column(
            "round_swaps",
            "-",
            "swaps of a searcher's probe that traded; 0 for all others",
            Get::U64(|r| r.record.legs.len() as u64),
        ),
        column(
            "surplus",
            "-",
            "what its swaps bought less what they sold at values outside, over all liquidity there is; null: none",
            Get::OptF64(|r| {
                let units = r.record.swaps().map(|trade| trade.surplus_units as f64).reduce(|a, b| a + b)?;
                Some(units / RESERVE as f64)
            }),
        ),
    ]
}

/// Columns of `batches.parquet`.
pub fn batch_columns<'a>() -> Vec<Column<Row<'a, BatchRecord>>> {
    vec![
        arm(),
        column(
            "fleet",
            "-",
            "name of the fleet",
            Get::OptText(|r: &Row<'_, BatchRecord>| fleet_name(r.run, r.record.chain)),
        ),
        column("rollup", "-", "number of the rollup in its fleet", Get::U64(|r| r.record.rollup.into())),
        column("number", "-", "the rollup's own count", Get::U64(|r| r.record.number.into())),
        column("transactions", "-", "transactions in it", Get::U64(|r| r.record.transactions.into())),
        column("raw_bytes", "byte", "as signed, block heads included", Get::U64(|r| r.record.raw_bytes)),
        column("compressed_bytes", "byte", "compressed", Get::U64(|r| r.record.compressed_bytes)),
        column("blobs", "-", "blobs of its L1 transaction; 0: calldata", Get::U64(|r| r.record.blobs.into())),
        column("shared_by", "-", "batches in that L1 transaction", Get::U64(|r| r.record.shared_by.into())),
        column("opened_ns", "ns", "its first transaction was executed", Get::U64(|r| r.record.opened_ns)),
        column("due_ns", "ns", "it was due", Get::U64(|r| r.record.due_ns)),
        column("closed_ns", "ns", "it was closed and compressed", Get::U64(|r| r.record.closed_ns)),
        column(
            "slot",
            "-",
            "slot of its L1 block on the winning chain; null: not posted",
            Get::OptU64(|r| r.record.slot.map(u64::from)),
        ),
        column(
            "cost_gwei",
            "gwei",
            "what its L1 transaction paid",
            Get::OptF64(|r| Some(r.record.cost_wei as f64 / 1e9)),
        ),
    ]
}

/// Columns of `derivations.parquet`.
pub fn derivation_columns<'a>() -> Vec<Column<Row<'a, DerivationRecord>>> {
    vec![
        arm(),
        column(
            "fleet",
            "-",
            "name of the fleet",
            Get::OptText(|r: &Row<'_, DerivationRecord>| fleet_name(r.run, r.record.chain)),
        ),
        column("rollup", "-", "number of the rollup in its fleet", Get::U64(|r| r.record.rollup.into())),
        column("number", "-", "the rollup's own count of batches", Get::U64(|r| r.record.number.into())),
        column("node", "-", "the node", Get::U64(|r| r.record.node.into())),
        column("slot", "-", "slot of the L1 block", Get::U64(|r| r.record.slot.into())),
        column(
            "canonical",
            "-",
            "the L1 block is on the winning chain",
            Get::OptBool(|r| Some(r.record.canonical)),
        ),
        column("l1_ns", "ns", "the node had executed the L1 block", Get::U64(|r| r.record.l1_ns)),
        column(
            "here_ns",
            "ns",
            "it had the batch's bytes and those of all before; null: never",
            Get::OptU64(|r| r.record.here_ns),
        ),
        column(
            "derived_ns",
            "ns",
            "it had executed the blocks the batch completes; null: never",
            Get::OptU64(|r| r.record.derived_ns),
        ),
        column("execution_ns", "ns", "what that took its cores", Get::U64(|r| r.record.execution_ns)),
        column("blocks", "-", "blocks the batch completes", Get::U64(|r| r.record.blocks.into())),
        column("transactions", "-", "transactions in them", Get::U64(|r| r.record.transactions.into())),
        column("height", "-", "the rollup's blocks up to then; 0: none", Get::U64(|r| r.record.height)),
        column(
            "state",
            "-",
            "what identifies the state after them; null: the batch completes none",
            Get::OptText(|r| (r.record.blocks > 0).then(|| r.record.state.to_string())),
        ),
    ]
}

/// Columns of `blobs.parquet`.
pub fn blob_columns<'a>() -> Vec<Column<Row<'a, BlobBlockRecord>>> {
    vec![
        arm(),
        column("chain", "-", "chain index", Get::U64(|r: &Row<'_, BlobBlockRecord>| r.record.chain.into())),
        column("slot", "-", "slot", Get::U64(|r| r.record.slot.into())),
        column("proposer", "-", "proposer", Get::U64(|r| r.record.proposer.into())),
        column("canonical", "-", "on the winning chain", Get::OptBool(|r| Some(r.record.canonical))),
        column("blobs", "-", "blobs", Get::U64(|r| r.record.blobs.into())),
        column("excess", "gas", "excess blob gas", Get::U64(|r| r.record.excess)),
        column(
            "blob_fee_wei",
            "wei/gas",
            "price of blob gas",
            Get::OptF64(|r| Some(r.record.blob_fee_wei as f64)),
        ),
        column("offers", "-", "others' transactions in it", Get::U64(|r| r.record.offers.into())),
        column(
            "eligible",
            "-",
            "others' transactions its proposer had that covered the prices",
            Get::U64(|r| r.record.eligible.into()),
        ),
    ]
}
