//! `trips.parquet`, `crossings.parquet`, `bridges.parquet`, `inventories.parquet`.

use super::rollups::{Row, arm, fleet_name};
use super::{Column, Get, column};
use crate::observe::record::{
    BridgeRecord, CrossingRecord, InventoryRecord, OUTCOMES, RunRecord, TripRecord,
};

fn fleet<'a, T: 'a>(of: fn(&Row<'a, T>) -> Option<String>) -> Column<Row<'a, T>> {
    column("fleet", "-", "name of the fleet", Get::OptText(of))
}

fn travellers_name(run: &RunRecord, trip: &TripRecord) -> Option<String> {
    let fleet = (trip.chain as usize).checked_sub(run.plan.chains.len())?;
    Some(run.plan.rollups.get(fleet)?.travellers.get(trip.travellers as usize)?.name.clone())
}

fn bridge_name(run: &RunRecord, chain: u32, bridge: u32) -> Option<String> {
    let fleet = (chain as usize).checked_sub(run.plan.chains.len())?;
    Some(run.plan.rollups.get(fleet)?.bridges.get(bridge as usize)?.name.clone())
}

/// Columns of `trips.parquet`.
pub fn trip_columns<'a>() -> Vec<Column<Row<'a, TripRecord>>> {
    vec![
        arm(),
        fleet(|r| fleet_name(r.run, r.record.chain)),
        column(
            "travellers",
            "-",
            "name of the travellers",
            Get::OptText(|r: &Row<'_, TripRecord>| travellers_name(r.run, r.record)),
        ),
        column("home", "-", "number of the rollup they started from", Get::U64(|r| r.record.home.into())),
        column(
            "target",
            "-",
            "of the rollup they went to; of a route, where most went",
            Get::U64(|r| r.record.target.into()),
        ),
        column("legs", "-", "rollups it was spread over", Get::U64(|r| r.record.legs.into())),
        column("hops", "-", "bridge crossings", Get::U64(|r| r.record.hops.into())),
        column(
            "size",
            "pool",
            "what was brought, over a pool with all liquidity",
            Get::OptF64(|r| Some(r.record.size)),
        ),
        column("started_ns", "ns", "started", Get::U64(|r| r.record.started_ns)),
        column(
            "ended_ns",
            "ns",
            "the traveller knew that it was over; null: under way",
            Get::OptU64(|r| r.record.ended_ns),
        ),
        column(
            "outcome",
            "-",
            "how it ended; null: under way",
            Get::OptText(|r| r.record.outcome.map(|outcome| OUTCOMES[outcome as usize].to_owned())),
        ),
        column(
            "loss",
            "-",
            "part of its value that was lost at the price when it started; null: it did not end well",
            Get::OptF64(|r| r.record.loss),
        ),
        column(
            "bridge_fees",
            "-",
            "part of its value that bridges kept",
            Get::OptF64(|r| Some(r.record.bridge_fees)),
        ),
        column(
            "through",
            "-",
            "part of what was brought that went through",
            Get::OptF64(|r| Some(r.record.through)),
        ),
        column(
            "gas_eth",
            "ether",
            "fees the traveller paid for gas, reverted trades among them",
            Get::OptF64(|r| Some(r.record.paid_wei as f64 / 1e18)),
        ),
        column(
            "measured",
            "-",
            "inside the measured part of the run",
            Get::OptBool(|r| Some(r.record.measured)),
        ),
    ]
}

/// Columns of `crossings.parquet`.
pub fn crossing_columns<'a>() -> Vec<Column<Row<'a, CrossingRecord>>> {
    vec![
        arm(),
        fleet(|r| fleet_name(r.run, r.record.chain)),
        column(
            "bridge",
            "-",
            "name of the bridge",
            Get::OptText(|r: &Row<'_, CrossingRecord>| bridge_name(r.run, r.record.chain, r.record.bridge)),
        ),
        column("from", "-", "number of the source", Get::U64(|r| r.record.from.into())),
        column("to", "-", "number of the destination", Get::U64(|r| r.record.to.into())),
        column(
            "amount",
            "pool",
            "what was sent, over a pool with all liquidity",
            Get::OptF64(|r| Some(r.record.amount)),
        ),
        column("fee", "pool", "what the bridge keeps of it", Get::OptF64(|r| Some(r.record.fee))),
        column(
            "asked_ns",
            "ns",
            "the transaction that sends it was handed in",
            Get::U64(|r| r.record.asked_ns),
        ),
        column("sent_ns", "ns", "executed at the source; null: never", Get::OptU64(|r| r.record.sent_ns)),
        column(
            "ready_ns",
            "ns",
            "what the bridge waits for was there; null: never",
            Get::OptU64(|r| r.record.ready_ns),
        ),
        column(
            "derived_ns",
            "ns",
            "its claim's L1 block was final at the destination; null: never, or no claim",
            Get::OptU64(|r| r.record.derived_ns),
        ),
        column(
            "arrived_ns",
            "ns",
            "there, or back at the source; null: never",
            Get::OptU64(|r| r.record.arrived_ns),
        ),
        column(
            "settled_ns",
            "ns",
            "its relayer was paid back; null: never, or no relayer",
            Get::OptU64(|r| r.record.settled_ns),
        ),
        column("stage", "-", "how far it got", Get::OptText(|r| Some(r.record.stage.name().to_owned()))),
        column(
            "waited",
            "-",
            "its relayer had too little when it came",
            Get::OptBool(|r| Some(r.record.waited)),
        ),
        column(
            "measured",
            "-",
            "inside the measured part of the run",
            Get::OptBool(|r| Some(r.record.measured)),
        ),
    ]
}

/// Columns of `bridges.parquet`.
pub fn bridge_columns<'a>() -> Vec<Column<Row<'a, BridgeRecord>>> {
    vec![
        arm(),
        fleet(|r| fleet_name(r.run, r.record.chain)),
        column(
            "bridge",
            "-",
            "name of the bridge",
            Get::OptText(|r: &Row<'_, BridgeRecord>| Some(r.record.name.clone())),
        ),
        column("kind", "-", "how it works", Get::OptText(|r| Some(r.record.kind.clone()))),
        column(
            "idle_mean",
            "pool",
            "mean of what relayers had at hand, over a pool with all liquidity",
            Get::OptF64(|r| Some(r.record.idle_mean)),
        ),
        column("owed_mean", "pool", "mean of what they were owed", Get::OptF64(|r| Some(r.record.owed_mean))),
        column("claims", "-", "claims on the L1's winning chain", Get::U64(|r| r.record.claims)),
        column(
            "claims_eth",
            "eth",
            "what they paid",
            Get::OptF64(|r| Some(r.record.claims_wei as f64 / 1e18)),
        ),
    ]
}

/// Columns of `inventories.parquet`.
pub fn inventory_columns<'a>() -> Vec<Column<Row<'a, InventoryRecord>>> {
    vec![
        arm(),
        fleet(|r| fleet_name(r.run, r.record.chain)),
        column(
            "bridge",
            "-",
            "name of the bridge",
            Get::OptText(|r: &Row<'_, InventoryRecord>| bridge_name(r.run, r.record.chain, r.record.bridge)),
        ),
        column("at_ns", "ns", "when", Get::U64(|r| r.record.at_ns)),
        column(
            "idle",
            "pool",
            "what its relayers had at hand, over a pool with all liquidity",
            Get::OptF64(|r| Some(r.record.idle)),
        ),
        column("owed", "pool", "what they were owed", Get::OptF64(|r| Some(r.record.owed))),
    ]
}
