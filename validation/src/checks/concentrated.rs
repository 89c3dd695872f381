//! Concentrated pools on rollups, in whole runs.

use crate::check::{Check, Effort, Expected, Finding, Row};
use anyhow::{Context, Result, ensure};
use sim_core::observe::markets;
use sim_core::observe::record::RunRecord;
use sim_core::scenario::plan::PoolsPlan;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::collections::BTreeMap;
use std::path::Path;

/// What depth is worth, and what it costs.
pub const DEPTH: Check = Check {
    name: "concentrated-liquidity",
    family: "rollups",
    question: "Does the same capital in a range of prices slip less by its depth, and lose more to arbitrage by as much?",
    expected: "1 / (1 - 1 / sqrt(P)) times, with the price P at the end of the range, while prices stay inside: reserves of L / root and L root as if at all prices, \
               of which the range holds what is between its ends; loss versus rebalancing is in proportion to L",
    source: "derived from x y = k between two prices; loss versus rebalancing of any market maker: Milionis, Moallemi, Roughgarden, Zhang (2022)",
    tolerance: "slippage: a hundred-thousandth, of costs in parts per billion. Arbitrage: 5 %, people's own swaps move shallow pools by two millionths more, which now and \
                then decides whether a trade at the edge of the band is sent, and so what its sender sends next; the largest trades are worth some hundredths of all",
    understood_miss: None,
    run: depth,
};

fn simulate(pools: &str, trades: &str, market: &str, blocks: u64) -> Result<RunRecord> {
    let text = format!(
        "(version: 1, seed: 9, run: (blocks: {blocks}, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty, \
         rollups: [Fleet(count: 2, preset: \"op-like\", liquidity: Equal, sequencers: 1, followers: 0, proof: Off, \
         pools: {pools}, {market} demand: (rate: \"4 tx/s\", mix: {{ \"swap\": 100 }}, instances: 3, accounts: 60, \
         hot_spot: Uniform, trade: ({trades})), batch: (max_delay: \"20 s\", compression: 1))])"
    );
    let path = Path::new("concentrated.ron");
    let scenario = Scenario::parse(&text, path, &Library::default(), &Changes::default())?;
    let mut simulation = Simulation::new(scenario.base)?;
    simulation.run()?;
    Ok(simulation.finish())
}

/// What the first swap of each pool slips beyond the fee, over what it would slip in the limit of small ones.
fn first_slips(record: &RunRecord) -> Vec<f64> {
    let mut first: BTreeMap<(u32, u32), (u32, u64)> = BTreeMap::new();
    for tx in &record.rollups.transactions {
        let Some((trade, cost)) = tx.trade.and_then(|trade| Some((trade, trade.cost_ppb?))) else { continue };
        let known = first.entry((tx.rollup, trade.pool)).or_insert((trade.order, cost));
        *known = (*known).min((trade.order, cost));
    }
    let slip = |cost: u64| 1.0 - (1.0 - cost as f64 / 1e9) / 0.997;
    first.into_values().map(|(_, cost)| slip(cost) / (1.0 - slip(cost))).collect()
}

fn depth(effort: Effort) -> Result<Finding> {
    const TRADES: &str = "median: 0.005, p90: 2";
    const TINY: &str = "median: 0.000001, p90: 2";
    const MARKET: &str = "market: (volatility: 0.4, arbitrageurs: 1, cost_ppb: 0),";
    let mut finding = Finding::default();
    let blocks = effort.pick(10, 25);
    let whole = first_slips(&simulate("Constant", TRADES, "", 4)?);
    let record = simulate("Constant", TINY, MARKET, blocks)?;
    let taken = markets::summarise(&record, &record.rollups.fleets[0]).context("prices outside")?;
    for range in [0.2, 0.5] {
        let pools = format!("Concentrated(range: {range})");
        let value = PoolsPlan::concentrated(range).depth();
        let parts = first_slips(&simulate(&pools, TRADES, "", 4)?);
        ensure!(whole.len() == parts.len(), "the same people trade");
        let worst = whole.iter().zip(&parts).map(|(whole, part)| whole / part);
        let worst = worst.max_by(|a, b| (a - value).abs().total_cmp(&(b - value).abs())).context("swaps")?;
        let expected = Expected::Near { value, tolerance: 1e-5 * value };
        let sample = format!("{} pools, the worst", parts.len());
        finding.rows.push(Row::new(
            format!("range {range}: slippage over that here"),
            worst,
            expected,
            "",
            sample,
        ));
        let record = simulate(&pools, TINY, MARKET, blocks)?;
        let here = markets::summarise(&record, &record.rollups.fleets[0]).context("prices outside")?;
        ensure!(here.out_of_range == Some(0.0), "prices stay inside");
        let expected = Expected::Near { value, tolerance: 0.05 * value };
        let (ratio, sample) = (here.gained / taken.gained, format!("{} trades of arbitrage", here.done));
        finding.rows.push(Row::new(
            format!("range {range}: loss to arbitrage over that at all prices"),
            ratio,
            expected,
            "",
            sample,
        ));
    }
    Ok(finding)
}
