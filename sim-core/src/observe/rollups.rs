//! Rollups in numbers: what happened, what users waited for, how much of the data layer was used.
//!
//! Pure functions of records. Times to a label are taken over all measured transactions that were not dropped;
//! one that never got the label counts as later than all that did (see [`super::stats`]).

use super::format::{count, duration_or_never, percent, prefixed, three_digits};
use super::record::{BlobBlockRecord, DROP_REASONS, Fate, FleetRecord, RollupTxRecord, RunRecord};
use super::stats::Sample;
use super::{bridges, derivation, dispersion, markets, welfare};
use crate::chain::fee_market::blob::BLOB_BYTES;
use crate::scenario::plan::ConsensusPlan;

/// The labels of a transaction, in their order.
pub const LABELS: [&str; 4] = ["soft", "posted", "L1-final", "proven"];

/// A fleet in numbers.
#[derive(Clone, Debug)]
pub struct FleetSummary<'a> {
    /// What became of it.
    pub fleet: &'a FleetRecord,
    /// From submission to each of [`LABELS`].
    pub labels: [Sample; 4],
    /// Batches on the winning chain.
    pub batches: u64,
    /// Bytes as signed.
    pub raw_bytes: u64,
    /// Compressed.
    pub compressed_bytes: u64,
    /// Transactions in them.
    pub posted_transactions: u64,
    /// What the L1 was paid for them, wei; a transaction with several batches counts by equal parts.
    pub data_cost_wei: f64,
    /// Costs of measured swaps of a followed size, parts per billion; those that were reverted count as missing.
    pub trade_costs: Sample,
    /// What all of them that went through lost, over what they sold.
    pub mean_trade_cost: Option<f64>,
    /// From being due until it was closed and offered, over all batches: the wait for a turn.
    pub turn: Sample,
}

impl FleetSummary<'_> {
    /// What the L1 was paid for a transaction on average, gwei; `None` where nothing was posted.
    pub fn data_cost_gwei(&self) -> Option<f64> {
        (self.posted_transactions > 0).then(|| self.data_cost_wei / 1e9 / self.posted_transactions as f64)
    }
}

/// The data layer of one run in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSummary {
    /// Blocks on the winning chain after the warm-up.
    pub blocks: u64,
    /// Blobs in them.
    pub blobs: u64,
    /// Bytes a second at the target and at most.
    pub bound_bytes_per_s: [u64; 2],
    /// Bytes of blobs a second that were included.
    pub blob_bytes_per_s: f64,
    /// Bytes of batches a second in them: without what blobs were padded with.
    pub payload_bytes_per_s: f64,
    /// First, highest and last price of blob gas, wei.
    pub fee_wei: [u128; 3],
}

/// All fleets of a run.
pub fn fleets(run: &RunRecord) -> Vec<FleetSummary<'_>> {
    let summary = |fleet| {
        let of_fleet = |tx: &&RollupTxRecord| {
            tx.chain == fleet_chain(fleet)
                && tx.measured
                && tx.of_people()
                && !matches!(tx.fate, Fate::Dropped(_))
        };
        let label = |get: fn(&RollupTxRecord) -> Option<u64>| -> Sample {
            let since = |tx: &RollupTxRecord| get(tx).map(|ns| ns.saturating_sub(tx.submitted_ns));
            run.rollups.transactions.iter().filter(of_fleet).map(since).collect()
        };
        let batches = || run.rollups.batches.iter().filter(|b| b.chain == fleet_chain(fleet));
        let posted = || batches().filter(|b| b.slot.is_some());
        let trades = || run.rollups.transactions.iter().filter(of_fleet).filter_map(|tx| tx.trade);
        let (mut sold, mut lost) = (0_u128, 0_u128);
        for (size, cost) in trades().filter_map(|trade| Some((trade.size_ppb, trade.cost_ppb?))) {
            sold += u128::from(size);
            lost += u128::from(size) * u128::from(cost);
        }
        FleetSummary {
            fleet,
            labels: [
                label(|tx| tx.soft_ns),
                label(|tx| tx.posted_ns),
                label(|tx| tx.final_ns),
                label(|tx| tx.proven_ns),
            ],
            batches: posted().count() as u64,
            raw_bytes: posted().map(|b| b.raw_bytes).sum(),
            compressed_bytes: posted().map(|b| b.compressed_bytes).sum(),
            posted_transactions: posted().map(|b| u64::from(b.transactions)).sum(),
            data_cost_wei: data_cost_wei(run, fleet.chain),
            trade_costs: trades().map(|trade| trade.cost_ppb).collect(),
            mean_trade_cost: (sold > 0).then(|| lost as f64 / sold as f64 / 1e9),
            turn: batches().map(|b| Some(b.closed_ns.saturating_sub(b.due_ns))).collect(),
        }
    };
    run.rollups.fleets.iter().map(summary).collect()
}

/// What the L1 was paid for all batches of a fleet on its winning chain, wei.
pub fn data_cost_wei(run: &RunRecord, chain: u32) -> f64 {
    let posted = run.rollups.batches.iter().filter(|b| b.chain == chain && b.slot.is_some());
    posted.map(|b| b.cost_wei as f64 / f64::from(b.shared_by.max(1))).sum()
}

fn fleet_chain(fleet: &FleetRecord) -> u32 {
    fleet.chain
}

/// The data layer: the first chain with blobs; `None` if there is none, or no block of it was measured.
pub fn data(run: &RunRecord) -> Option<DataSummary> {
    let (chain, plan) = run.plan.chains.iter().enumerate().find(|(_, chain)| chain.blobs.is_some())?;
    let ConsensusPlan::Slots(slots) = &plan.consensus else { return None };
    let market = plan.blobs.as_ref()?.market;
    let measured =
        |b: &&BlobBlockRecord| b.chain as usize == chain && b.canonical && b.slot > run.plan.run.warm_up;
    let blocks: Vec<&BlobBlockRecord> = run.rollups.blob_blocks.iter().filter(measured).collect();
    let fees = || blocks.iter().map(|b| b.blob_fee_wei);
    let fee_wei = [fees().next()?, fees().max()?, fees().next_back()?];
    // By slots and not by blocks: a missed slot is time too.
    let seconds = u64::from(run.plan.run.blocks) as f64 * slots.slot_ns as f64 / 1e9;
    let blobs = blocks.iter().map(|b| u64::from(b.blobs)).sum::<u64>();
    let inside = |slot: Option<u32>| slot.is_some_and(|slot| slot > run.plan.run.warm_up);
    let in_blobs = run.rollups.batches.iter().filter(|b| inside(b.slot) && b.blobs > 0);
    let payload = in_blobs.map(|b| b.compressed_bytes).sum::<u64>();
    Some(DataSummary {
        blocks: blocks.len() as u64,
        blobs,
        bound_bytes_per_s: market.bytes_per_s(slots.slot_ns),
        blob_bytes_per_s: (blobs * BLOB_BYTES) as f64 / seconds,
        payload_bytes_per_s: payload as f64 / seconds,
        fee_wei,
    })
}

/// What became of a run's rollups, in lines; none where there are none.
pub fn lines(run: &RunRecord) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(data) = data(run).filter(|_| !run.rollups.fleets.is_empty()) else { return lines };
    lines.push(format!(
        "{}: data layer: {} of blobs, {} of it batches; bound {} at the target, {} at most; {} blobs in {} blocks; \
         blob gas {} -> {} wei (highest {})",
        run.plan.name,
        rate(data.blob_bytes_per_s),
        rate(data.payload_bytes_per_s),
        rate(data.bound_bytes_per_s[0] as f64),
        rate(data.bound_bytes_per_s[1] as f64),
        count(data.blobs),
        count(data.blocks),
        wei(data.fee_wei[0]),
        wei(data.fee_wei[2]),
        wei(data.fee_wei[1]),
    ));
    for summary in fleets(run) {
        let fleet = summary.fleet;
        let dropped: u64 = fleet.dropped.iter().sum();
        let reasons = DROP_REASONS.iter().zip(fleet.dropped).filter(|(_, n)| *n > 0);
        let reasons: Vec<String> = reasons.map(|(name, n)| format!("{} {name}", count(n))).collect();
        lines.push(format!(
            "  {}: {} rollups, {} used, {} posted, {} with something to post left; {} transactions: {} executed, {} \
             waiting, {} dropped{}",
            fleet.name,
            count(fleet.rollups),
            count(fleet.active),
            count(fleet.posted_something),
            count(fleet.waiting_to_post),
            count(fleet.submitted),
            count(fleet.included),
            count(fleet.queued + fleet.travelling),
            count(dropped),
            if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) },
        ));
        let share = summary.posted_transactions as f64 / (fleet.included as f64).max(1.0);
        let per_tx = |bytes: u64| bytes as f64 / (summary.posted_transactions as f64).max(1.0);
        lines.push(format!(
            "    {} batches on the L1 with {} of what was executed; {} B a transaction as signed, {} B compressed{}",
            count(summary.batches),
            percent(share),
            three_digits(per_tx(summary.raw_bytes)),
            three_digits(per_tx(summary.compressed_bytes)),
            summary.data_cost_gwei().map_or(String::new(), |gwei| format!(", {} gwei for its data", three_digits(gwei))),
        ));
        if let Some(mean) = summary.mean_trade_cost {
            let costs = &summary.trade_costs;
            let [p50, p95] =
                [500, 950].map(|p| costs.percentile(p).map_or("-".to_owned(), |c| percent(c as f64 / 1e9)));
            let parts = fleet.liquidity_parts_milli;
            let spread = parts.map_or(String::new(), |parts| {
                format!("; liquidity as concentrated as in {} equal parts", three_digits(parts as f64 / 1e3))
            });
            lines.push(format!(
                "    {} swaps, {} of them reverted: cost p50 {p50}, p95 {p95}, by value {}{spread}",
                count(costs.len()),
                count(costs.missing()),
                percent(mean),
            ));
        }
        lines.extend(accounts_line(run, fleet));
        lines.extend(markets::line(run, fleet));
        lines.extend(dispersion::line(run, fleet));
        lines.extend(welfare::lines(run, fleet));
        for (label, sample) in LABELS.iter().zip(&summary.labels) {
            let [p50, p95, p99] = [500, 950, 990].map(|p| duration_or_never(sample.percentile(p)));
            let got = sample.len() - sample.missing();
            let without = if dropped > 0 { ", dropped ones not counted" } else { "" };
            lines.push(format!(
                "    {label}: p50 {p50}, p95 {p95}, p99 {p99} ({} of {}{without})",
                count(got),
                count(sample.len())
            ));
        }
        lines.extend(derivation::lines(run, fleet));
    }
    lines.extend(bridges::lines(run));
    lines
}

/// What was accounted for, and after how many blocks.
fn accounts_line(run: &RunRecord, fleet: &FleetRecord) -> Option<String> {
    let found = run.rollups.conservation.iter().find(|found| found.chain == fleet_chain(fleet))?;
    let bridged = run.rollups.bridges.iter().any(|bridge| bridge.chain == fleet_chain(fleet));
    (found.blocks > 0).then(|| {
        format!(
            "    accounted for to the unit after each of {} blocks, and {} times since the genesis: tokens on rollups{}; ether \
             ({} wei burnt, {} tips)",
            count(found.blocks),
            count(found.states),
            if bridged { " and bridges" } else { "" },
            found.burnt_wei,
            found.tips_wei,
        )
    })
}

fn rate(bytes_per_s: f64) -> String {
    format!("{}B/s", prefixed(bytes_per_s))
}

fn wei(wei: u128) -> String {
    prefixed(wei as f64).trim_end().to_owned()
}
