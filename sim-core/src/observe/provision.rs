//! Liquidity that providers took out of pools: how much of it lay idle, and for how long.
//!
//! Pure functions of records, over the whole run. What is out is counted in shares of the pools, over those there were at
//! first in all pools of the fleet; a change counts from the time its block was executed. *Idle capital* is what is out,
//! on average over time.

use super::format::{count, percent};
use super::markets;
use super::record::{Fate, FleetRecord, RunRecord};

/// What providers did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Provision {
    /// Times liquidity was taken out.
    pub removed: u64,
    /// Times it was brought back.
    pub added: u64,
    /// Out on average over the run, over all there was.
    pub idle: f64,
    /// Out at the end.
    pub idle_at_end: f64,
    /// Most that was out at a time.
    pub idle_most: f64,
}

/// What providers of a fleet did; `None` where nobody can leave.
pub fn summarise(run: &RunRecord, fleet: &FleetRecord) -> Option<Provision> {
    fleet.provided_ppm?;
    let plan = markets::plan(run, fleet)?;
    // A pool of each kind has all liquidity, or every rollup's has.
    let wholes = if plan.liquidity.is_some() { 1 } else { plan.count };
    let all = f64::from(plan.demand.instances) * f64::from(wholes);
    let mut moves: Vec<(u64, bool, f64)> = run
        .rollups
        .transactions
        .iter()
        .filter(|tx| tx.chain == fleet.chain && tx.fate == Fate::Included)
        .filter_map(|tx| {
            let moved = tx.moved?;
            Some((tx.executed_ns?, moved.added, moved.part_ppb as f64 / 1e9 / all))
        })
        .collect();
    moves.sort_by_key(|(at_ns, added, _)| (*at_ns, *added));
    let last = run.rollups.transactions.iter().filter(|tx| tx.chain == fleet.chain);
    let end_ns = last.filter_map(|tx| tx.executed_ns).max()?;
    let (mut out, mut most, mut area, mut since_ns) = (0.0_f64, 0.0_f64, 0.0, 0);
    for (at_ns, added, part) in &moves {
        area += out * (at_ns - since_ns) as f64;
        since_ns = *at_ns;
        out += if *added { -part } else { *part };
        most = most.max(out);
    }
    area += out * (end_ns - since_ns) as f64;
    let of = |kind: bool| moves.iter().filter(|(_, added, _)| *added == kind).count() as u64;
    Some(Provision {
        removed: of(false),
        added: of(true),
        idle: if end_ns > 0 { area / end_ns as f64 } else { 0.0 },
        idle_at_end: out,
        idle_most: most,
    })
}

/// What providers did, in a line of the report; none where nobody can leave.
pub fn line(run: &RunRecord, fleet: &FleetRecord) -> Option<String> {
    let provision = summarise(run, fleet)?;
    Some(format!(
        "    liquidity was taken out {} times and brought back {}: idle {} of it on average, {} at most, {} at the end",
        count(provision.removed),
        count(provision.added),
        percent(provision.idle),
        percent(provision.idle_most),
        percent(provision.idle_at_end),
    ))
}
