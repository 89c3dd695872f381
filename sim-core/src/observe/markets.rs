//! Prices on rollups against those outside, and what arbitrage takes.
//!
//! Pure functions of records. The reference path is worked out again from the plan; a pool's price is what its last
//! swap left. A pool's *mispricing* is the difference of the two logarithms, whatever its sign; it is looked at
//! [`TIMES`] times in the measured part of a run, for every rollup and pool, used or not.

use super::format::{count, percent};
use super::record::{Fate, FleetRecord, Party, RollupTxRecord, RunRecord};
use super::stats::{Sample, ratio};
use crate::rollup::liquidity::agents::Path;
use crate::rollup::liquidity::trades::Trade;
use crate::scenario::plan::FleetPlan;

/// How often in the measured part of a run prices are looked at.
pub const TIMES: u64 = 60;

/// A fleet's prices and its arbitrageurs.
#[derive(Clone, Debug)]
pub struct MarketSummary {
    /// Mispricings, parts per billion.
    pub mispricing: Sample,
    /// Swaps arbitrageurs sent.
    pub sent: u64,
    /// Of these: went through.
    pub done: u64,
    /// Of these: were reverted.
    pub reverted: u64,
    /// Part of the gas of all swaps that arbitrageurs' used.
    pub gas_share: f64,
    /// What they gained at reference prices, over all liquidity of a pool (summed over pools).
    pub gained: f64,
    /// What they sold, at the same prices.
    pub sold: f64,
    /// What people lost against reference prices, likewise.
    pub people_lost: f64,
    /// What people sold, likewise.
    pub people_sold: f64,
    /// Part of the time that the price outside was beyond a pool's range; `None` where pools have liquidity at all prices.
    pub out_of_range: Option<f64>,
    /// Swaps, of whomever, that were reverted because the liquidity ended.
    pub refused: u64,
}

/// The prices of a fleet; `None` if there is no price outside.
pub fn summarise(run: &RunRecord, fleet: &FleetRecord) -> Option<MarketSummary> {
    plan(run, fleet)?;
    let swaps = || {
        let of_fleet = run.rollups.transactions.iter().filter(|tx| tx.chain == fleet.chain);
        of_fleet.flat_map(|tx| tx.swaps().map(move |trade| (tx, trade)))
    };
    let agents = || {
        let all = run.rollups.transactions.iter();
        all.filter(|tx| tx.chain == fleet.chain && tx.party == Party::Arbitrageur)
    };
    let sum = |party: Party, get: &dyn Fn(&Trade) -> f64| -> f64 {
        swaps()
            .filter(|(tx, trade)| tx.party == party && trade.cost_ppb.is_some())
            .map(|(_, t)| get(&t))
            .sum()
    };
    let gas = |arbitrage: bool| -> u64 {
        let all = swaps().filter(|(tx, _)| !arbitrage || tx.party == Party::Arbitrageur);
        all.map(|(_, t)| t.gas).sum()
    };
    let (gain, sold) = (|t: &Trade| t.gain_atto as f64 / 1e18, |t: &Trade| t.sold_atto as f64 / 1e18);
    Some(MarketSummary {
        mispricing: mispricing(run, fleet),
        sent: agents().count() as u64,
        done: agents().filter(|tx| tx.trade.is_some_and(|trade| trade.cost_ppb.is_some())).count() as u64,
        reverted: agents().filter(|tx| tx.trade.is_some_and(|trade| trade.cost_ppb.is_none())).count() as u64,
        gas_share: ratio(gas(true), gas(false)),
        gained: sum(Party::Arbitrageur, &gain),
        sold: sum(Party::Arbitrageur, &sold),
        people_lost: -sum(Party::Person, &gain),
        people_sold: sum(Party::Person, &sold),
        out_of_range: out_of_range(run, fleet),
        refused: swaps().filter(|(_, trade)| trade.out_of_range).count() as u64,
    })
}

fn mispricing(run: &RunRecord, fleet: &FleetRecord) -> Sample {
    let mut found = Vec::new();
    replay(run, fleet, TIMES, &mut |_, logs, outside| {
        let off =
            |(place, log): (usize, &f64)| Some(((log - outside[place % outside.len()]).abs() * 1e9) as u64);
        found.extend(logs.iter().enumerate().map(off));
    });
    found.into_iter().collect()
}

/// Part of the time, over pools, that the price outside is beyond what a pool's range reaches.
fn out_of_range(run: &RunRecord, fleet: &FleetRecord) -> Option<f64> {
    const LOOKS: u64 = 600;
    let end = plan(run, fleet)?.demand.trade?.pools.log_end()?;
    let (mut beyond, mut all) = (0, 0);
    replay(run, fleet, LOOKS, &mut |_, _, outside| {
        beyond += outside.iter().filter(|log| log.abs() > end).count() as u64;
        all += outside.len() as u64;
    });
    Some(ratio(beyond, all))
}

/// Pools a rollup of a fleet; `None` if there is no price outside.
pub(super) fn pools(run: &RunRecord, fleet: &FleetRecord) -> Option<usize> {
    Some(plan(run, fleet)?.demand.instances as usize).filter(|pools| *pools > 0)
}

/// The plan of a fleet with prices outside.
pub(super) fn plan<'a>(run: &'a RunRecord, fleet: &FleetRecord) -> Option<&'a FleetPlan> {
    let index = (fleet.chain as usize).checked_sub(run.plan.chains.len())?;
    run.plan.rollups.get(index).filter(|plan| plan.market.is_some())
}

/// Looks at the logarithms of prices, of pools by rollup and pool and outside by pool, at a time in ns.
pub(super) type Look<'a> = dyn FnMut(u64, &[f64], &[f64]) + 'a;

/// Calls `look` at so many times of the measured part, the last at its end, with the time, the logarithms of all pools' prices by
/// rollup and pool, and those of the prices outside by pool; `None` if there are none.
pub(super) fn replay(run: &RunRecord, fleet: &FleetRecord, times: u64, look: &mut Look<'_>) -> Option<()> {
    let (plan, pools) = (plan(run, fleet)?, pools(run, fleet)?);
    let market = plan.market.as_ref()?;
    let included =
        run.rollups.transactions.iter().filter(|tx| tx.chain == fleet.chain && tx.fate == Fate::Included);
    let mut swaps: Vec<(&RollupTxRecord, Trade)> =
        included.flat_map(|tx| tx.swaps().map(move |trade| (tx, trade))).collect();
    swaps.sort_unstable_by_key(|(tx, trade)| (tx.executed_ns, tx.rollup, trade.order));
    let measured = run.rollups.transactions.iter().filter(|tx| tx.measured).map(|tx| tx.submitted_ns);
    let (from_ns, until_ns) = (measured.clone().min().unwrap_or(0), measured.max().unwrap_or(0));
    let mut path = Path::new(market.price, market.step_ns, run.plan.seed, fleet.chain, pools);
    let mut logs = vec![0.0; plan.count as usize * pools];
    let mut next = swaps.iter().peekable();
    for time in 1..=times {
        let at_ns = from_ns + (until_ns - from_ns) * time / times;
        while let Some((tx, trade)) = next.next_if(|(tx, _)| tx.executed_ns.is_some_and(|ns| ns <= at_ns)) {
            logs[tx.rollup as usize * pools + trade.pool as usize] = trade.log_ppb as f64 / 1e9;
        }
        let outside: Vec<f64> = (0..pools as u32).map(|pool| path.log(at_ns, pool)).collect();
        look(at_ns, &logs, &outside);
    }
    Some(())
}

/// What became of prices, in a line of the report.
pub fn line(run: &RunRecord, fleet: &FleetRecord) -> Option<String> {
    let market = summarise(run, fleet)?;
    let at =
        |permille| market.mispricing.percentile(permille).map_or("-".to_owned(), |p| percent(p as f64 / 1e9));
    let part = |amount: f64, of: f64| if of > 0.0 { percent(amount / of) } else { "-".to_owned() };
    let beyond = market.out_of_range.map_or(String::new(), |part| {
        format!(
            "; beyond pools' ranges {} of the time, {} swaps found no liquidity",
            percent(part),
            count(market.refused)
        )
    });
    Some(format!(
        "    prices off those outside: p50 {}, p95 {}; arbitrage: {} swaps sent, {} went through, {} reverted, {} of all \
         swaps' gas, gained {} of what it sold; people lost {} of what they sold, at prices outside{beyond}",
        at(500),
        at(950),
        count(market.sent),
        count(market.done),
        count(market.reverted),
        percent(market.gas_share),
        part(market.gained, market.sold),
        part(market.people_lost, market.people_sold),
    ))
}
