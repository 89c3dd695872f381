//! Liquidity spread over a fleet: what swaps cost, that tokens are where they were, and what may be written.

use parallel_evm::U256;
use parallel_evm::contracts::{amm, erc20};
use sim_core::execution::state::WorldState;
use sim_core::observe::record::{Fate, RunRecord};
use sim_core::rollup::params::SharesPlan;
use sim_core::rollup::shares::Shares;
use sim_core::scenario::plan::Plan;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use sim_core::workload::economy::{Economy, RESERVE};
use std::path::Path;

fn parse(fleet: &str) -> Result<Plan, String> {
    let text = format!(
        "(version: 1, seed: 11, run: (blocks: 8, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty,\n\
         rollups: [Fleet({fleet})])"
    );
    let scenario = Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &Changes::default());
    scenario.map(|scenario| scenario.base).map_err(|error| error.to_string())
}

fn run(plan: Plan) -> RunRecord {
    let mut simulation = Simulation::new(plan).expect("a sound plan");
    simulation.run().expect("it runs");
    simulation.finish()
}

fn fleet(count: u32, liquidity: &str) -> String {
    let sequencers = count.min(2);
    format!(
        "count: {count}, preset: \"op-like\", liquidity: {liquidity}, sequencers: {sequencers}, proof: Off, \
         demand: (rate: \"20 tx/s\", mix: {{ \"swap\": 90, \"erc20\": 10 }}, instances: 3, accounts: 60, \
         trade: (median: 0.00001, p90: 4)), batch: (max_delay: \"20 s\", compression: 1)"
    )
}

/// Loss of a trade against the price before it, with `part` of all liquidity in the pool.
fn loss(size: f64, part: f64) -> f64 {
    1.0 - 0.997 / (1.0 + 0.997 * size / part)
}

#[test]
fn a_swap_costs_what_the_closed_form_says_for_the_part_of_the_liquidity_its_chain_has() {
    for (count, liquidity, parts) in
        [(1, "Equal", vec![1.0]), (5, "Equal", vec![0.2; 5]), (3, "Given([6, 3, 1])", vec![0.6, 0.3, 0.1])]
    {
        let record = run(parse(&fleet(count, liquidity)).unwrap());
        let followed = record.rollups.transactions.iter().filter_map(|tx| Some((tx, tx.trade?)));
        let mut swaps = 0;
        for (tx, trade) in followed {
            assert_eq!(tx.fate, Fate::Included);
            let size = trade.size_ppb as f64 / 1e9;
            let cost = trade.cost_ppb.expect("nobody sets a limit") as f64 / 1e9;
            let part = parts[tx.rollup as usize];
            // Swaps before it have moved the reserves: some 600 of a few hundred-thousandths in random directions, by
            // at most a sixth of the smallest pool here; sizes and costs are known to a billionth.
            let (low, high) = (loss(size, part * 1.2), loss(size, part * 0.8));
            assert!((low - 1e-6..=high + 1e-6).contains(&cost), "{count} {trade:?}: {low} {high}");
            swaps += 1;
        }
        assert!(swaps > 1_000, "{swaps}");
    }
}

#[test]
fn plain_transfers_have_no_trade_and_neither_has_a_fleet_whose_sizes_are_not_given() {
    let record = run(parse(&fleet(2, "Equal")).unwrap());
    let plan = &record.plan.rollups[0].demand.mix;
    for tx in record.rollups.transactions.iter().filter(|tx| tx.fate == Fate::Included) {
        let swap = plan[tx.kind as usize].0 == sim_core::scenario::plan::TxKind::Swap;
        assert_eq!(tx.trade.is_some(), swap);
    }
    let plain = run(parse("count: 2, demand: (rate: \"20 tx/s\"), sequencers: 1, proof: Off").unwrap());
    assert!(plain.rollups.transactions.iter().all(|tx| tx.trade.is_none()));
    assert_eq!(plain.rollups.fleets[0].liquidity_parts_milli, None);
}

#[test]
fn equal_plans_give_equal_digests_in_one_two_or_three_partitions_and_other_shares_give_others() {
    let digest = |liquidity: &str, partitions: u32| {
        let mut plan = parse(&fleet(7, liquidity)).unwrap();
        plan.run.partitions = partitions;
        run(plan).digest
    };
    let one = digest("Zipf(1.0)", 1);
    assert_eq!([2, 3].map(|partitions| digest("Zipf(1.0)", partitions)), [one.clone(), one.clone()]);
    assert_ne!(digest("Equal", 1), one);
}

/// Units of a token that the people and pools of a state hold, and its supply.
fn tokens(economy: &Economy, state: &WorldState, token: usize) -> (U256, U256) {
    let token = economy.tokens()[token];
    let people = (0..economy.people()).map(|person| economy.person(person));
    let holders = people.chain(economy.pools().iter().copied());
    let held = holders.map(|holder| state.slot(token, erc20::balance_slot(holder))).sum();
    (held, state.slot(token, erc20::TOTAL_SUPPLY_SLOT))
}

#[test]
fn the_pools_of_all_chains_hold_one_chain_s_liquidity_to_the_unit_and_supplies_are_what_is_held() {
    let plan = parse(&fleet(9, "Zipf(0.7)")).unwrap();
    let (economy, genesis) = Economy::new(&plan.rollups[0].demand).unwrap();
    let shares = Shares::new(&SharesPlan::Zipf { exponent_ppm: 700_000 }, 9).unwrap();
    let chains: Vec<WorldState> = (0..9)
        .map(|rollup| economy.with_reserves(&genesis, shares.part(rollup, U256::from(RESERVE))))
        .collect();
    for pool in economy.pools() {
        for slot in [amm::RESERVE0_SLOT, amm::RESERVE1_SLOT, amm::TOTAL_SHARES_SLOT] {
            let all: U256 = chains.iter().map(|state| state.slot(*pool, slot)).sum();
            assert_eq!(all, U256::from(RESERVE));
        }
    }
    for state in chains.iter().chain([&genesis]) {
        for token in 0..economy.tokens().len() {
            let (held, supply) = tokens(&economy, state, token);
            assert_eq!(held, supply);
        }
    }
    let mut ids: Vec<_> = chains.iter().map(WorldState::id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9, "every part is a genesis of its own");
}

#[test]
fn mistakes_are_one_message_with_their_place() {
    let swaps = "demand: (mix: { \"swap\": 1 }, trade: (median: 0.001))";
    let cases: [(String, &[&str]); 6] = [
        (
            format!("count: 3, liquidity: Given([1, 0, 1]), {swaps}"),
            &["mine.ron:2:", "rollups.0.liquidity", "rollup 1 has no liquidity"],
        ),
        (
            format!("count: 3, liquidity: Given([1]), {swaps}"),
            &["rollups.0.liquidity", "1 shares for 3 rollups"],
        ),
        (
            "liquidity: Equal, demand: (instances: 1)".to_owned(),
            &["rollups.0.demand.instances", "needs two tokens"],
        ),
        (
            "demand: (mix: { \"erc20\": 1 }, trade: (p90: 2))".to_owned(),
            &["rollups.0.demand.trade", "nobody swaps"],
        ),
        (
            "demand: (mix: { \"swap\": 1 }, trade: (median: 1.5))".to_owned(),
            &["rollups.0.demand.trade.median", "1.5"],
        ),
        (
            "demand: (mix: { \"swap\": 1 }, trade: (p90: 0.5))".to_owned(),
            &["rollups.0.demand.trade.p90", "0.5"],
        ),
    ];
    for (fleet, parts) in cases {
        let message = parse(&fleet).expect_err(&fleet);
        for part in parts {
            assert!(message.contains(part), "{fleet}\n{message}\nlacks `{part}`");
        }
    }
}
