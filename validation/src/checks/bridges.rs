//! Bridges: what relayers must have, what the canonical one waits for, how often a trade elsewhere fails, and that nothing is lost.

use crate::check::{Check, Effort, Expected, Finding, Row};
use anyhow::{Context, Result};
use sim_core::kernel::math;
use sim_core::observe::record::{Outcome, RunRecord};
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::path::Path;

/// Little's law for the capital of relayers.
pub const RELAYERS: Check = Check {
    name: "bridge-relayers",
    family: "rollups",
    question: "Is what relayers are owed, in the mean, the flow over their bridge times the time until they are paid back?",
    expected: "mean owed = flow x W, where W is the lag and the rest of the block of 2 s it falls into: advances count at the ends of blocks, so a lag of whole blocks just \
               misses one and waits for the next",
    source: "Little (1961), L = λW, for amounts instead of customers",
    tolerance: "0.05 s: blocks are executed for some ms, more or less",
    understood_miss: None,
    run: relayers,
};

/// The canonical bridge against the labels users see.
pub const CANONICAL: Check = Check {
    name: "bridge-canonical",
    family: "rollups",
    question: "Can tokens be claimed on the L1 when users see the transaction that sent them proven, and not before?",
    expected: "the same time, for each crossing (its proof on the L1, final, and the window over)",
    source: "the definition of a withdrawal",
    tolerance: "0.75 s: the user's node and the one that claims do not hold the same L1 block final at the same time",
    understood_miss: None,
    run: canonical,
};

/// Trades elsewhere while prices move.
pub const SLIPPAGE: Check = Check {
    name: "bridge-slippage",
    family: "rollups",
    question: "How often does a trade at the other end fail because the price has moved on the way?",
    expected: "1 - F(s / (σ sqrt(T))) for a limit s, a price of deviation σ sqrt(T) and T from the quote to the trade; both ways together it would be twice that, but who gets more \
               than they asked for does not fail",
    source: "normal distribution of the logarithm",
    tolerance: "four deviations of the sample and 0.02: prices on rollups follow those outside within the fee of 0.3 % and with some seconds' delay, and steps of 1 s are not a \
                continuous path",
    understood_miss: None,
    run: slippage,
};

/// Nothing is made or lost.
pub const CONSERVATION: Check = Check {
    name: "bridge-conservation",
    family: "rollups",
    question: "Are tokens and ether accounted for over all rollups and bridges, and journeys by their ends?",
    expected: "after every block, to the unit (a run in which they are not ends with an error; blocks are counted here); journeys: started = ended + under way; relayers gain the fees and nothing else",
    source: "the definition of a transfer",
    tolerance: "none; relayers: 1e-9 of a pool, for sums of floats",
    understood_miss: None,
    run: conservation,
};

fn run(name: &str, blocks: u64, fleet: &str) -> Result<RunRecord> {
    let text = format!(
        "(version: 1, seed: 23, run: (blocks: {blocks}, warm_up: 0), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty, \
         rollups: [Fleet(preset: \"op-like\", liquidity: Equal, sequencers: 2, batch: (max_delay: \"15 s\", compression: 1), \
         demand: (rate: \"1 tx/s\", mix: {{ \"swap\": 100 }}, instances: 2, accounts: 60, \
         trade: (median: 0.000001, p90: 2)), {fleet})])"
    );
    let path = format!("{name}.ron");
    let scenario = Scenario::parse(&text, Path::new(&path), &Library::default(), &Changes::default())?;
    let mut simulation = Simulation::new(scenario.base)?;
    simulation.run()?;
    Ok(simulation.finish())
}

fn relayers(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    for lag in [10_u64, 41] {
        let until = effort.pick(90, 600);
        let fleet = format!(
            "count: 3, proof: Off, bridges: [Intents(inventory: 1, repay: \"{lag} s\")], \
             travellers: [(policy: Move(), rate: \"3 tx/s\", until: \"{until} s\", value_p90: 2)]"
        );
        // All are paid back before the end.
        let record = run("bridge-relayers", until / 12 + 8, &fleet)?;
        let flow =
            record.rollups.crossings.iter().map(|c| c.amount).sum::<f64>() / (record.end_ns as f64 / 1e9);
        let owed = record.rollups.bridges.first().context("a bridge")?.owed_mean;
        let expected = Expected::Near { value: (lag / 2 * 2 + 2) as f64, tolerance: 0.05 };
        let sample = format!("{} crossings", record.rollups.crossings.len());
        finding.rows.push(Row::new(
            format!("repaid after {lag} s: owed over flow"),
            owed / flow,
            expected,
            "s",
            sample,
        ));
    }
    Ok(finding)
}

fn canonical(effort: Effort) -> Result<Finding> {
    let until = effort.pick(40, 200);
    let fleet = format!(
        "count: 3, proof: On(latency: \"6 s\", window: \"20 s\"), bridges: [Canonical()], \
         travellers: [(policy: Move(), rate: \"2 tx/s\", until: \"{until} s\", deadline: \"1 h\")]"
    );
    let record = run("bridge-canonical", until / 12 + 16, &fleet)?;
    let mut apart: Vec<f64> = Vec::new();
    for crossing in &record.rollups.crossings {
        let of = record.rollups.transactions.iter();
        let same = of.filter(|tx| tx.rollup == crossing.from && tx.executed_ns == crossing.sent_ns);
        let proven = same.filter_map(|tx| tx.proven_ns).min();
        if let (Some(proven), Some(ready)) = (proven, crossing.ready_ns) {
            apart.push((ready as f64 - proven as f64).abs() / 1e9);
        }
    }
    let most = apart.iter().copied().fold(0.0, f64::max);
    let mut finding = Finding::default();
    let sample = format!("{} crossings, the largest difference", apart.len());
    let expected = Expected::Near { value: 0.0, tolerance: 0.75 };
    finding.rows.push(Row::new("claimable less proven", most, expected, "s", sample));
    let open = record.rollups.crossings.iter().filter(|c| c.arrived_ns.is_none()).count();
    let sample = format!("{} crossings", record.rollups.crossings.len());
    finding.rows.push(Row::new("not arrived at the end", open as f64, Expected::Exactly(0.0), "", sample));
    Ok(finding)
}

fn slippage(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let until = effort.pick(900, 3_000);
    for (wait, limit) in [(20_u64, 0.03), (60, 0.05)] {
        let fleet = format!(
            "count: 3, proof: Off, bridges: [Fast(confirmations: 0, attest: \"{wait} s\")], \
             market: (volatility: 2, arbitrageurs: 1, cost_ppb: 1), travellers: [(policy: Bridge(back: false), \
             rate: \"3 tx/s\", until: \"{until} s\", value: 0.00001, value_p90: 1, slippage: {limit}, deadline: \"1 h\", accounts: 2000)]"
        );
        let record = run("bridge-slippage", until / 12 + 10, &fleet)?;
        // Those who were at the target already did not travel.
        let far =
            || record.rollups.trips.iter().filter(|trip| trip.home != trip.target && trip.outcome.is_some());
        let stuck = far().filter(|trip| trip.outcome == Some(Outcome::Stuck)).count() as f64;
        let many = far().count() as f64;
        // Three blocks and their ways: sent, minted, traded.
        let seconds = wait as f64 + 3.0 * 1.2;
        let deviation = 2.0 * math::sqrt(2.0 * seconds / 86_400.0);
        let value = 1.0 - math::normal_cdf(-math::ln(1.0 - limit) / deviation);
        // Those who travel at the same time meet the same price: so many seconds have one move in common.
        let apart = many.min(until as f64 / seconds * 6.0);
        let tolerance = 4.0 * math::sqrt(value * (1.0 - value) / apart) + 0.02;
        let expected = Expected::Near { value, tolerance };
        let case = format!("{wait} s on the way, limit {limit}");
        finding.rows.push(Row::new(case, stuck / many, expected, "", format!("{many} journeys")));
    }
    finding.notes.push(
        "Journeys that overlap meet the same move of the price, so the sample counts for less than its number: for three pairs, there and back, \
         in every time on the way."
            .to_owned(),
    );
    Ok(finding)
}

fn conservation(effort: Effort) -> Result<Finding> {
    let until = effort.pick(40, 200);
    let kinds = ["canonical", "intents", "fast", "standard", "interop"];
    let travellers: Vec<String> = kinds
        .iter()
        .map(|kind| format!("(name: \"{kind}\", policy: Bridge(bridge: \"{kind}\"), rate: \"0.6 tx/s\", until: \"{until} s\")"))
        .collect();
    let fleet = format!(
        "count: 4, proof: On(latency: \"6 s\", window: \"20 s\"), bridges: [Canonical(), Intents(inventory: 0.002, repay: \"20 s\"), \
         Fast(), Standard(after_final: \"24 s\"), Interop()], travellers: [{}]",
        travellers.join(", ")
    );
    let record = run("bridge-conservation", until / 12 + 30, &fleet)?;
    let mut finding = Finding::default();
    let blocks: u64 = record.rollups.fleets.iter().map(|fleet| fleet.blocks).sum();
    let checked: u64 = record.rollups.conservation.iter().map(|found| found.blocks).sum();
    let sample = "five bridges between four rollups";
    // A block may be under execution when the run ends.
    let expected = Expected::Near { value: blocks as f64, tolerance: 4.0 };
    finding.rows.push(Row::new("blocks accounted for", checked as f64, expected, "", sample));
    let trips = &record.rollups.trips;
    let ended = trips.iter().filter(|trip| trip.outcome.is_some()).count();
    let open = trips.iter().filter(|trip| trip.ended_ns.is_none()).count();
    let expected = Expected::Exactly(trips.len() as f64);
    finding.rows.push(Row::new("journeys ended or under way", (ended + open) as f64, expected, "", sample));
    let (first, last) = (record.rollups.inventories.first(), record.rollups.inventories.last());
    let gained =
        last.context("a relayer")?.idle + last.context("a relayer")?.owed - first.context("a relayer")?.idle;
    let advanced = record.rollups.crossings.iter().filter(|c| c.bridge == 1 && c.arrived_ns.is_some());
    let fees: f64 = advanced.map(|c| if c.stage.name() == "returned" { 0.0 } else { c.fee }).sum();
    let expected = Expected::Near { value: fees, tolerance: 1e-9 };
    finding.rows.push(Row::new("relayers' gain", gained, expected, "pools", sample));
    Ok(finding)
}
