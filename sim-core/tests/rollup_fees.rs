//! The base fee of rollups: block by block what the formula says, and what may be written.

use sim_core::scenario::plan::{FeesPlan, Plan};
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::collections::BTreeMap;
use std::path::Path;

fn parse(fleet: &str) -> Result<Plan, String> {
    let text = format!(
        "(version: 1, seed: 5, run: (blocks: 4, warm_up: 0), nodes: (count: 16, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 6)), chain: (slot: \"12 s\"), workload: Empty,\n\
         rollups: [Fleet({fleet})])"
    );
    let scenario = Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &Changes::default());
    scenario.map(|s| s.base).map_err(|e| e.to_string())
}

fn fees(fleet: &str) -> FeesPlan {
    parse(fleet).unwrap_or_else(|e| panic!("{e}")).rollups[0].rules.fees.clone()
}

/// EIP-4844, `fake_exponential`, as it is written there.
fn fake_exponential(factor: u128, numerator: u128, denominator: u128) -> u128 {
    let (mut i, mut output, mut term) = (1, 0, factor * denominator);
    while term > 0 {
        output += term;
        term = term * numerator / (denominator * i);
        i += 1;
    }
    output / denominator
}

/// Gas and base fee of the blocks of the only rollup, in order; the fleet has prices outside, so that payments are kept.
fn blocks(fleet: &str) -> Vec<(u64, u64)> {
    let mut simulation =
        Simulation::new(parse(fleet).unwrap_or_else(|e| panic!("{e}"))).expect("a sound plan");
    simulation.run().expect("it runs");
    let record = simulation.finish();
    let mut blocks: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for tx in &record.rollups.transactions {
        if let (Some(ns), Some(paid)) = (tx.executed_ns, tx.paid) {
            let block = blocks.entry(ns).or_insert((0, paid.base_fee_wei));
            assert_eq!(block.1, paid.base_fee_wei, "a block has one base fee");
            block.0 += paid.gas;
        }
    }
    blocks.into_values().collect()
}

/// Nobody is refused or given up, and everybody can pay; payments are kept.
fn trading(rate: u32) -> String {
    format!(
        "liquidity: Equal, market: (volatility: 0, arbitrageurs: 0), followers: 0, sequencers: 1, proof: Off, queue: 0, \
         timeout: \"0 s\", demand: (rate: \"{rate} tx/s\", mix: {{ \"swap\": 1 }}, instances: 3, accounts: 500, \
         max_fee: \"100000 gwei\", trade: (median: 0.00001, p90: 4))"
    )
}

#[test]
fn a_saturated_arbitrum_like_rollup_has_the_prices_of_the_formula_to_the_wei() {
    // Arbitrum One's targets over twenty, and its windows; a block holds a dozen swaps every 250 ms.
    let windows: [(u128, u128); 6] = [
        (3_000_000, 9),
        (2_050_000, 52),
        (1_450_000, 329),
        (1_000_000, 2_105),
        (700_000, 13_485),
        (500_000, 86_400),
    ];
    let targets: Vec<String> = windows
        .iter()
        .map(|(rate, window)| format!("(per_second: \"{rate} gas\", window: \"{window} s\")"))
        .collect();
    let blocks = blocks(&format!(
        "preset: \"arbitrum-like\", gas_limit: \"1500000 gas\", fees: Windows(targets: [{}]), {}",
        targets.join(", "),
        trading(100)
    ));
    assert!(blocks.len() > 150, "{}", blocks.len());
    let mut backlogs = [0_u128; 6];
    for (number, (gas, base_fee_wei)) in blocks.iter().enumerate() {
        let parts =
            backlogs.iter().zip(windows).map(|(b, (rate, window))| b * 1_000_000_000 / (rate * window));
        let expected = fake_exponential(20_000_000, parts.sum(), 1_000_000_000);
        assert_eq!(u128::from(*base_fee_wei), expected, "block {number}");
        // There is always something waiting, so blocks begin 250 ms apart: a quarter of what a second pays back.
        for (backlog, (rate, _)) in backlogs.iter_mut().zip(windows) {
            *backlog = (*backlog + u128::from(*gas)).saturating_sub(rate / 4);
        }
    }
    let (first, highest) = (blocks[0].1, blocks.iter().map(|block| block.1).max().unwrap());
    assert!(first == 20_000_000 && highest > 10 * first, "{highest}");
}

#[test]
fn under_eip_1559_blocks_on_demand_have_the_prices_of_the_formula() {
    // A little more than half of what fits, so that the price goes up and down and nobody is priced out.
    let fleet =
        format!("preset: \"arbitrum-like\", gas_limit: \"2000000 gas\", fees: Eip1559(), {}", trading(70));
    let blocks = blocks(&fleet);
    let mut expected = 20_000_000;
    for (number, (gas, base_fee_wei)) in blocks.iter().enumerate() {
        assert_eq!(*base_fee_wei, expected, "block {number}");
        let change = expected * gas.abs_diff(1_000_000) / 1_000_000 / 8;
        expected = if *gas > 1_000_000 { expected + change.max(1) } else { expected - change };
        expected = expected.max(20_000_000);
    }
    assert!(blocks.len() > 150 && blocks.iter().any(|block| block.1 > 40_000_000));
}

#[test]
fn arbitrum_like_rollups_have_arbitrum_one_s_targets_and_others_their_own_market() {
    let arbitrum = fees("preset: \"arbitrum-like\"");
    assert_eq!(
        arbitrum,
        fees("preset: \"op-like\", fees: Windows()"),
        "those of `Windows` unless told otherwise"
    );
    assert!(matches!(&arbitrum, FeesPlan::Windows(targets) if targets.len() == 6));
    let FeesPlan::Eip1559(base) = fees("preset: \"base-like\", fees: Eip1559(denominator: 50)") else {
        panic!("it was asked for")
    };
    assert_eq!((base.elasticity, base.change_denominator), (6, 50), "what is left out is the preset's");
    let FeesPlan::Eip1559(plain) = fees("preset: \"arbitrum-like\", fees: Eip1559()") else {
        panic!("it was asked for")
    };
    assert_eq!((plain.elasticity, plain.change_denominator), (2, 8));
}

#[test]
fn markets_that_contradict_a_rollup_are_refused() {
    let cases = [
        ("fees: Cap()", "`Cap` is no market of a rollup: its gas has one base fee"),
        ("fees: Resources()", "`Resources` is no market of a rollup"),
        ("fees: Windows(floor: \"1 gwei\")", "the lowest base fee of a rollup is its `base_fee`"),
        ("fees: Windows(), base_fee: \"0 wei\"", "a base fee that starts from nothing stays there"),
        ("fees: Windows(targets: [])", "at least one target"),
        ("fees: Eip1559(elasticity: 0)", "0 is too little"),
    ];
    for (field, expected) in cases {
        let message = parse(&format!("preset: \"op-like\", {field}")).expect_err(field);
        assert!(message.contains(expected) && message.contains("mine.ron:2"), "{field}: {message}");
    }
}
