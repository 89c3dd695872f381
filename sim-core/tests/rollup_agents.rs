//! Arbitrageurs on a fleet: prices follow those outside, profits are real, somebody is second, and what may be written.

mod fleet_support;

use fleet_support::run;
use sim_core::observe::markets::{self, MarketSummary};
use sim_core::observe::record::{Fate, Party, RunRecord};
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Simulation;

fn parse(fleet: &str) -> Result<Plan, String> {
    fleet_support::parse(10, fleet)
}

/// People who trade little, and a price outside that moves 1.4 % a minute (both tokens of a pair at 40 % a day).
fn fleet(count: u32, market: &str) -> String {
    format!(
        "count: {count}, preset: \"op-like\", liquidity: Equal, sequencers: 2, proof: Off, market: ({market}), \
         demand: (rate: \"2 tx/s\", mix: {{ \"swap\": 100 }}, instances: 3, accounts: 60, \
         trade: (median: 0.000001, p90: 2)), batch: (max_delay: \"20 s\", compression: 1)"
    )
}

const MOVING: &str = "volatility: 0.4, arbitrageurs: 1, cost_ppb: 1";

fn summary(record: &RunRecord) -> MarketSummary {
    markets::summarise(record, &record.rollups.fleets[0]).expect("there is a price outside")
}

#[test]
fn arbitrage_keeps_prices_near_those_outside_and_without_it_they_go_their_way() {
    let watched = summary(&run(parse(&fleet(4, MOVING)).unwrap()));
    let alone = summary(&run(parse(&fleet(4, "volatility: 0.4, arbitrageurs: 0")).unwrap()));
    let p95 = |summary: &MarketSummary| summary.mispricing.percentile(950).unwrap() as f64 / 1e9;
    // The fee is 0.30 % and the cost adds 0.01 %. Blocks of 2 s and the way there leave some 4 s in which the price moves
    // on by 0.38 % (one deviation); between two moves of the price it cannot be told apart.
    assert!(p95(&watched) < 0.0031 + 2.0 * 0.0038, "{}", p95(&watched));
    assert!(p95(&alone) > 0.015, "{}", p95(&alone));
    assert!(watched.done > 50 && alone.sent == 0, "{watched:?}");
    assert!(watched.gas_share > 0.1 && watched.gas_share < 1.0);
}

#[test]
fn arbitrage_gains_and_what_it_gains_the_pools_lose_less_the_fees_they_kept() {
    let record = run(parse(&fleet(4, MOVING)).unwrap());
    let market = summary(&record);
    assert!(market.gained > 0.0 && market.gained < market.sold, "{market:?}");
    let swaps = record.rollups.transactions.iter().filter_map(|tx| Some((tx, tx.trade?)));
    for (tx, trade) in swaps.filter(|(tx, trade)| tx.party == Party::Arbitrageur && trade.cost_ppb.is_some())
    {
        assert_eq!(tx.fate, Fate::Included);
        // It gave up nothing at the price it saw; until execution that price moved by a few times 0.19 % (a deviation a second).
        let sold = trade.size_ppb as f64 / 1e9;
        assert!(trade.gain_atto as f64 / 1e18 > -0.02 * sold - 1e-12, "{trade:?}");
    }
}

#[test]
fn of_several_arbitrageurs_some_come_second_and_are_reverted() {
    let market = summary(&run(parse(&fleet(4, "volatility: 0.4, arbitrageurs: 4, cost_ppb: 1")).unwrap()));
    assert!(market.reverted > 20 && market.done > 50, "{market:?}");
    let one = summary(&run(parse(&fleet(4, MOVING)).unwrap()));
    assert!(one.reverted * 10 < market.reverted, "{one:?}");
}

#[test]
fn equal_plans_give_equal_digests_in_one_two_or_three_partitions() {
    let digest = |partitions: u32| {
        let mut plan = parse(&fleet(5, "volatility: 0.4, arbitrageurs: 3, cost_ppb: 1")).unwrap();
        plan.run.partitions = partitions;
        run(plan).digest
    };
    let one = digest(1);
    assert_eq!([2, 3].map(digest), [one.clone(), one]);
}

#[test]
fn a_run_continued_from_a_checkpoint_ends_as_one_that_was_not_interrupted() {
    let plan = parse(&fleet(3, MOVING)).unwrap();
    let whole = run(plan.clone()).digest;
    let mut simulation = Simulation::new(plan).unwrap();
    simulation.run_until(sim_core::kernel::time::SimTime(50_000_000_000), u64::MAX).unwrap();
    let checkpoint = simulation.checkpoint();
    simulation.run().unwrap();
    simulation.restore(&checkpoint);
    simulation.run().unwrap();
    assert_eq!(simulation.finish().digest, whole);
}

#[test]
fn mistakes_are_one_message_with_their_place() {
    let cases: [(&str, &[&str]); 6] = [
        (
            "count: 10001, market: (step: \"1 s\")",
            &["mine.ron:2:", "rollups.0.market.arbitrageurs", "10,001", "10,000"],
        ),
        ("market: (arbitrageurs: 25)", &["rollups.0.market.arbitrageurs", "25"]),
        ("market: (volatility: 11)", &["rollups.0.market.volatility", "11"]),
        ("market: (jump: 1.5)", &["rollups.0.market.jump", "1.5"]),
        ("market: (step: \"1 ms\")", &["rollups.0.market.step", "1 ms"]),
        ("market: (step: \"1 s\"), demand: (mix: { \"erc20\": 1 })", &["rollups.0.market", "nobody swaps"]),
    ];
    for (fleet, parts) in cases {
        let message = parse(fleet).expect_err(fleet);
        for part in parts {
            assert!(message.contains(part), "{fleet}\n{message}\nlacks `{part}`");
        }
    }
    // Without arbitrageurs nobody has to watch them all.
    assert!(parse("count: 10001, market: (arbitrageurs: 0)").is_ok());
}
