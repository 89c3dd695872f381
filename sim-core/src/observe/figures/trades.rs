//! What swaps cost, by their size and by how liquidity is spread; how far prices are off those outside.

use super::Figure;
use crate::observe::dispersion::{self, Dispersion};
use crate::observe::markets;
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{RollupTxRecord, RunRecord};
use crate::observe::stats::Sample;
use crate::rollup::liquidity::trades::Trade;

/// Bins of size, two for every factor of ten, from a billionth on.
const BINS: usize = 18;
/// Fewer swaps make no median.
const LEAST: u64 = 10;

/// Where a bin begins, over all liquidity.
fn begins(bin: usize) -> f64 {
    1e-9 * crate::kernel::math::pow(10.0, bin as f64 / 2.0)
}

/// A swap, and what it cost with its gas, parts per billion of what was sold; `None` where that is not known.
type Swap = (Trade, Option<u64>);

/// The swaps of a run by size, those measured.
fn bins(run: &RunRecord) -> Vec<Vec<Swap>> {
    let mut bins = vec![Vec::new(); BINS];
    for tx in run.rollups.transactions.iter().filter(|tx| tx.measured && tx.of_people()) {
        let Some(trade) = tx.trade else { continue };
        let size = trade.size_ppb as f64 / 1e9;
        let bin = (0..BINS).rev().find(|bin| size >= begins(*bin)).unwrap_or(0);
        bins[bin].push((trade, with_gas_ppb(run, tx, trade)));
    }
    bins
}

/// What a swap that went through cost with its gas, over what was sold, parts per billion.
fn with_gas_ppb(run: &RunRecord, tx: &RollupTxRecord, trade: Trade) -> Option<u64> {
    let fleet = run.rollups.fleets.iter().find(|fleet| fleet.chain == tx.chain)?;
    let worth_milli_eth = markets::plan(run, fleet)?.market.as_ref()?.worth_milli_eth?;
    let sold_wei = trade.size_ppb as f64 * worth_milli_eth as f64 * 1e6;
    Some((trade.cost_ppb? as f64 + 1e9 * tx.paid?.fee_wei() as f64 / sold_wei) as u64)
}

/// Cost by size, arm by arm.
pub fn costs(records: &[RunRecord]) -> Option<Figure> {
    let mut table = DataTable::new([
        "arm",
        "parts of the liquidity",
        "from size",
        "swaps",
        "reverted",
        "median size",
        "median cost",
        "p95 cost",
        "median cost with gas",
    ]);
    let mut arms = Vec::new();
    for run in records {
        let parts = run.rollups.fleets.iter().find_map(|fleet| fleet.liquidity_parts_milli);
        let mut points = Vec::new();
        let mut points_with_gas = Vec::new();
        for (bin, trades) in bins(run).iter().enumerate().filter(|(_, trades)| !trades.is_empty()) {
            let sizes: Sample = trades.iter().map(|(trade, _)| Some(trade.size_ppb)).collect();
            let costs: Sample = trades.iter().map(|(trade, _)| trade.cost_ppb).collect();
            let all: Sample = trades.iter().map(|(_, with_gas)| *with_gas).collect();
            let all = share(all.percentile(500));
            let (size, cost) = (share(sizes.percentile(500)), share(costs.percentile(500)));
            table.push(vec![
                Cell::Text(run.plan.name.clone()),
                Cell::maybe(parts.map(|parts| parts as f64 / 1e3)),
                Cell::Num(begins(bin)),
                Cell::Int(costs.len()),
                Cell::Int(costs.missing()),
                Cell::maybe(size),
                Cell::maybe(cost),
                Cell::maybe(share(costs.percentile(950))),
                Cell::maybe(all),
            ]);
            let enough = costs.len() >= LEAST;
            points.extend(size.zip(cost).filter(|_| enough));
            points_with_gas.extend(size.zip(all).filter(|_| enough));
        }
        if !points.is_empty() {
            arms.push((run, points, points_with_gas));
        }
    }
    let all = || arms.iter().flat_map(|(_, points, _)| points.iter().copied());
    all().next()?;
    let subtitle = "Median by size of the swap; against the pool's price the moment before";
    let mut canvas = Canvas::new("What a swap costs", subtitle);
    let legend = arms.iter().enumerate().map(|(n, (run, ..))| {
        LegendItem::new(&run.plan.name, theme::series_colour(n), Swatch::Line(theme::series_dash(n)))
    });
    canvas.legend(&legend.collect::<Vec<LegendItem>>());
    let x = Scale::log_around(all().map(|(size, _)| size));
    let without: Vec<&Curve> = arms.iter().map(|(_, points, _)| points).collect();
    draw_costs(&mut canvas, x, "cost (%)", &without);
    let with_gas: Vec<&Curve> = arms.iter().map(|(.., points)| points).collect();
    if with_gas.iter().any(|points| !points.is_empty()) {
        draw_costs(&mut canvas, x, "cost with gas (%)", &with_gas);
    }
    Some(Figure {
        name: "trade-costs",
        title: "What a swap costs".to_owned(),
        see: "Small swaps pay the fee of 0.3 % wherever they go. Where a curve leaves that level, the pool is shallow for \
              the size: spreading liquidity moves the bend to smaller swaps."
            .to_owned(),
        how: "Executed swaps of measured transactions on rollups, binned by what they sold over the reserve that one pool with all \
              liquidity would hold, two bins a factor of ten, bins of ten swaps or more. Cost: 1 - out x / (in y) with \
              the pool's reserves x of what is sold and y of what is bought. With gas where it is known what liquidity is worth."
            .to_owned(),
        svg: canvas.finish(8.0, "Median cost of swaps by size, one line an arm."),
        table,
    })
}

/// Sizes and costs.
type Curve = Vec<(f64, f64)>;

/// One line an arm.
fn draw_costs(canvas: &mut Canvas, x: Scale, title: &str, arms: &[&Curve]) {
    let costs = arms.iter().flat_map(|points| points.iter().map(|(_, cost)| cost * 100.0));
    let panel = Panel::below(canvas, 260.0, x, Scale::log_around(costs));
    panel.draw_y(&mut canvas.svg, title);
    panel.draw_x(&mut canvas.svg, "size of the swap, over all liquidity there is");
    for (n, points) in arms.iter().enumerate().rev() {
        let points: Vec<_> = points.iter().map(|(size, cost)| Some((*size, cost * 100.0))).collect();
        line::draw(&mut canvas.svg, &panel, &points, theme::series_colour(n), 2.0, theme::series_dash(n));
    }
}

fn share(ppb: Option<u64>) -> Option<f64> {
    ppb.map(|ppb| ppb as f64 / 1e9)
}

/// How far prices are off those outside, arm by arm.
pub fn mispricing(records: &[RunRecord]) -> Option<Figure> {
    let mut table = DataTable::new([
        "arm",
        "parts of the liquidity",
        "mispricing p50",
        "mispricing p95",
        "arbitrage swaps",
        "went through",
        "reverted",
        "share of swaps' gas",
        "gained over sold",
        "people lost over sold",
        "half-life (s)",
        "half-life of distances between rollups (s)",
    ]);
    let mut arms = Vec::new();
    for run in records {
        for fleet in &run.rollups.fleets {
            let Some(market) = markets::summarise(run, fleet) else { continue };
            let share = |permille| market.mispricing.percentile(permille).map(|ppb| ppb as f64 / 1e9);
            let over = |part: f64, whole: f64| Cell::maybe((whole > 0.0).then(|| part / whole));
            let apart = dispersion::summarise(run, fleet);
            let half_life = |get: fn(&Dispersion) -> Option<u64>| {
                Cell::maybe(apart.as_ref().and_then(get).map(|ns| ns as f64 / 1e9))
            };
            table.push(vec![
                Cell::Text(run.plan.name.clone()),
                Cell::maybe(fleet.liquidity_parts_milli.map(|parts| parts as f64 / 1e3)),
                Cell::maybe(share(500)),
                Cell::maybe(share(950)),
                Cell::Int(market.sent),
                Cell::Int(market.done),
                Cell::Int(market.reverted),
                Cell::Num(market.gas_share),
                over(market.gained, market.sold),
                over(market.people_lost, market.people_sold),
                half_life(|found| found.mispricing_half_life_ns),
                half_life(|found| found.distance_half_life_ns),
            ]);
            arms.push((run, market.mispricing));
        }
    }
    let most = arms.iter().filter_map(|(_, sample)| sample.percentile(990)).max()?;
    let mut canvas = Canvas::new("How far prices are off", "Pools of all rollups against the price outside");
    let legend = arms.iter().enumerate().map(|(n, (run, _))| {
        LegendItem::new(&run.plan.name, theme::series_colour(n), Swatch::Line(theme::series_dash(n)))
    });
    canvas.legend(&legend.collect::<Vec<LegendItem>>());
    let x = Scale::from_zero(most as f64 / 1e7);
    let panel = Panel::below(&mut canvas, 240.0, x, Scale::Linear { low: 0.0, high: 100.0 });
    panel.draw_y(&mut canvas.svg, "pools (%)");
    panel.draw_x(&mut canvas.svg, "off the price outside by at most (%)");
    for (n, (_, sample)) in arms.iter().enumerate().rev() {
        let point = |share: u32| Some((sample.percentile(share * 10)? as f64 / 1e7, f64::from(share)));
        let points: Vec<_> = (0..=99).map(point).collect();
        line::draw(&mut canvas.svg, &panel, &points, theme::series_colour(n), 2.0, theme::series_dash(n));
    }
    Some(Figure {
        name: "mispricing",
        title: "How far prices are off".to_owned(),
        see: "Arbitrage leaves prices alone within the fee of 0.3 % and what its own cost adds to that; the shallower a \
              pool, the more its cost adds."
            .to_owned(),
        how: format!(
            "Differences of logarithms between a pool's price after its last swap and the reference price, at {} times of \
             the measured part, every rollup and pool; up to p99.",
            markets::TIMES
        ),
        svg: canvas.finish(8.0, "Cumulative distributions of mispricings, one line an arm."),
        table,
    })
}
