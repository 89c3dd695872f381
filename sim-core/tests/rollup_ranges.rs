//! Pools with liquidity in a range of prices on a fleet: every swap is the reference's to the unit, what depth is worth and
//! what it costs, what becomes of swaps where it ends, and what may be written.

mod fleet_support;

use fleet_support::run;
use parallel_evm::U256;
use parallel_evm::contracts::erc20;
use parallel_evm::contracts::ranges::{Around, Market};
use sim_core::kernel::math;
use sim_core::observe::markets;
use sim_core::observe::record::{Fate, Party, RollupTxRecord, RunRecord};
use sim_core::rollup::liquidity::trades::Trade;
use sim_core::scenario::plan::{Plan, PoolsPlan};
use sim_core::workload::economy::{Economy, RESERVE};
use std::collections::BTreeMap;

fn parse(fleet: &str) -> Result<Plan, String> {
    fleet_support::parse(10, fleet)
}

/// Two rollups with half of the liquidity each; people's swaps have this median, over all liquidity.
fn fleet(pools: &str, market: &str, median: &str, p90: &str) -> String {
    format!(
        "count: 2, preset: \"op-like\", liquidity: Equal, sequencers: 1, followers: 0, proof: Off, pools: {pools}, {market} \
         demand: (rate: \"4 tx/s\", mix: {{ \"swap\": 100 }}, instances: 3, accounts: 60, hot_spot: Uniform, \
         trade: (median: {median}, p90: {p90})), batch: (max_delay: \"20 s\", compression: 1)"
    )
}

/// Swaps that were executed, by rollup and pool, in their order.
fn swaps(record: &RunRecord) -> BTreeMap<(u32, u32), Vec<(&RollupTxRecord, Trade)>> {
    let mut swaps: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for tx in record.rollups.transactions.iter().filter(|tx| tx.fate == Fate::Included) {
        let Some(trade) = tx.trade else { continue };
        swaps.entry((tx.rollup, trade.pool)).or_default().push((tx, trade));
    }
    swaps.values_mut().for_each(|swaps| swaps.sort_by_key(|(_, trade)| trade.order));
    swaps
}

/// Goes through all swaps of a run beside the reference; how many there were, and how many of these it refused.
fn follow(record: &RunRecord, edges: i32) -> (usize, usize) {
    let (mut all, mut refused) = (0, 0);
    for ((_, pool), swaps) in swaps(record) {
        let mut market = Around::new(edges, U256::from(RESERVE / 2)).unwrap().market();
        for (tx, trade) in swaps {
            all += 1;
            if trade.cost_ppb.is_none() {
                assert_eq!(trade.bought, 0);
                refused += usize::from(trade.out_of_range);
                let fails =
                    [true, false].map(|side| market.clone().swap(side, U256::from(trade.sold)).is_none());
                assert!(!trade.out_of_range || fails.contains(&true), "pool {pool}: {tx:?}");
                continue;
            }
            // Selling the first token brings its price down.
            let zero_for_one = (trade.log_ppb as f64) < log_price(&market) * 1e9;
            let out = market.swap(zero_for_one, U256::from(trade.sold));
            assert_eq!(out, Some(U256::from(trade.bought)), "pool {pool}: {tx:?}");
            assert!((log_price(&market) - trade.log_ppb as f64 / 1e9).abs() < 2e-9);
        }
    }
    (all, refused)
}

fn log_price(market: &Market) -> f64 {
    let root: f64 = market.root.to_string().parse().unwrap();
    2.0 * math::ln(root / math::pow(2.0, 80.0))
}

#[test]
fn every_swap_of_a_run_pays_what_the_reference_does_to_the_unit() {
    let market = "market: (volatility: 0.2, arbitrageurs: 2, cost_ppb: 1),";
    let record = run(parse(&fleet("Concentrated(range: 0.05)", market, "0.002", "4")).unwrap());
    let (all, _) = follow(&record, 8);
    assert!(all > 400, "{all}");
    let of = |party| {
        record.rollups.transactions.iter().filter(|tx| tx.party == party && tx.trade.is_some()).count()
    };
    assert!(
        of(Party::Person) > 300 && of(Party::Arbitrageur) > 30,
        "{} {}",
        of(Party::Person),
        of(Party::Arbitrageur)
    );
}

#[test]
fn the_same_capital_in_a_range_slips_less_by_its_depth() {
    let record = |pools: &str| run(parse(&fleet(pools, "", "0.005", "2")).unwrap());
    let (constant, narrow) = (record("Constant"), record("Concentrated(range: 0.05)"));
    let depth = PoolsPlan::concentrated(0.05).depth();
    assert!((depth - 1.0 / (1.0 - math::pow(1.006, -4.0))).abs() < 1e-9);
    // What a swap slips beyond the fee is s / (1 + s) where s is what is sold, less the fee, over what the pool holds of it;
    // in a range, over what it would hold if it were as deep at all prices. Only the first of a pool meets the first price.
    let first = |record: &RunRecord| -> Vec<(u64, f64)> {
        let swaps = swaps(record);
        let slip = |trade: &Trade| 1.0 - (1.0 - trade.cost_ppb.unwrap() as f64 / 1e9) / 0.997;
        swaps.values().map(|swaps| swaps[0].1).map(|t| (t.size_ppb, slip(&t) / (1.0 - slip(&t)))).collect()
    };
    let (constant, narrow) = (first(&constant), first(&narrow));
    assert_eq!(constant.len(), 6, "three pools on two rollups");
    for ((size, whole), (same, part)) in constant.into_iter().zip(narrow) {
        assert_eq!(size, same, "the same people with the same wishes");
        // Costs are counted in parts per billion.
        assert!((whole / part / depth - 1.0).abs() < 2e-9 / part + 1e-6, "{} {depth}", whole / part);
    }
}

#[test]
fn the_same_capital_in_a_range_loses_more_to_arbitrage_by_its_depth_while_prices_stay_inside() {
    let taken = |pools: &str| {
        let market = "market: (volatility: 0.4, arbitrageurs: 1, cost_ppb: 0),";
        let record = run(parse(&fleet(pools, market, "0.000001", "2")).unwrap());
        let market = markets::summarise(&record, &record.rollups.fleets[0]).unwrap();
        let sent = swaps(&record).into_iter().flat_map(|(place, swaps)| {
            let arbitrage = swaps.into_iter().filter(|(tx, trade)| {
                tx.party == Party::Arbitrageur && trade.cost_ppb.is_some() && trade.gain_atto > 0
            });
            // Sent at a move of the price outside, or when a block was shown: a few microseconds apart in the two runs.
            arbitrage.map(move |(tx, trade)| ((place, tx.submitted_ns / 50_000_000), trade.gain_atto as f64))
        });
        (market, sent.collect::<BTreeMap<_, _>>())
    };
    let ((constant, at_all), (wide, inside)) = (taken("Constant"), taken("Concentrated(range: 0.5)"));
    assert_eq!((constant.out_of_range, wide.out_of_range), (None, Some(0.0)));
    let depth = PoolsPlan::concentrated(0.5).depth();
    let mut ratios: Vec<f64> =
        at_all.iter().filter_map(|(key, gain)| Some(inside.get(key)? / gain / depth)).collect();
    ratios.sort_by(f64::total_cmp);
    assert!(
        ratios.len() > 100 && ratios.len() * 5 > at_all.len() * 4,
        "{} of {}",
        ratios.len(),
        at_all.len()
    );
    // Prices go the same ways. People's swaps of four millionths of a pool between trades that close some thousandths
    // change the gain of a trade by less than a hundredth.
    let median = ratios[ratios.len() / 2];
    assert!((median - 1.0).abs() < 0.01, "{median}");
    // Now and then they decide whether a trade at the edge of the band is sent at all, and so what its sender sends next: one
    // trade in thirty or so, of which the largest is worth some hundredths of all.
    let ratio = wide.gained / constant.gained / depth;
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
}

#[test]
fn where_the_range_ends_swaps_are_reverted_with_that_reason_and_the_price_stays() {
    let market = "market: (volatility: 4, arbitrageurs: 1, cost_ppb: 1),";
    let record = run(parse(&fleet("Concentrated(range: 0.02)", market, "0.002", "4")).unwrap());
    let (all, refused) = follow(&record, 3);
    let summary = markets::summarise(&record, &record.rollups.fleets[0]).unwrap();
    assert_eq!(summary.refused as usize, refused);
    assert!(refused > 20 && refused < all / 2, "{refused} of {all}");
    assert!(summary.out_of_range.unwrap() > 0.2, "{summary:?}");
    let end = (3.0 * math::ln(1.006) * 1e9) as i64;
    for (_, trade) in swaps(&record).into_values().flatten() {
        assert!(trade.log_ppb.abs() <= end + 1, "{trade:?}");
        assert!(!trade.out_of_range || trade.cost_ppb.is_none());
    }
    let fates = record.rollups.fleets[0].included + record.rollups.fleets[0].queued;
    let dropped: u64 = record.rollups.fleets[0].dropped.iter().sum();
    assert_eq!(fates + dropped + record.rollups.fleets[0].travelling, record.rollups.fleets[0].submitted);
}

#[test]
fn what_traders_gain_concentrated_pools_lose_and_tokens_are_conserved() {
    let market = "bridges: [Interop()], market: (volatility: 2, arbitrageurs: 1, cost_ppb: 1),";
    let record = run(parse(&fleet("Concentrated(range: 0.02)", market, "0.002", "4")).unwrap());
    let fleet = &record.rollups.fleets[0];
    let books = fleet.books.expect("there are prices outside");
    let (mut count, mut gained) = (0, 0_i128);
    for (_, trade) in swaps(&record).into_values().flatten().filter(|(_, trade)| trade.cost_ppb.is_some()) {
        (count, gained) = (count + 1, gained + trade.surplus_units);
    }
    // Valuations are rounded down to a unit: differences of two, one a swap, one a pool's token and block.
    let most = count + 2 * 3 * i128::from(fleet.blocks);
    assert!((gained + books.pools_units).abs() <= most, "{gained} {} {most}", books.pools_units);
    assert!(record.rollups.conservation[0].blocks > 40);
}

#[test]
fn pools_of_all_rollups_hold_the_liquidity_there_is_and_supplies_are_what_is_held() {
    let plan = parse(&fleet("Concentrated(range: 0.1)", "", "0.001", "4")).unwrap();
    let (economy, genesis) = Economy::new(&plan.rollups[0].demand).unwrap();
    for reserve in [RESERVE, RESERVE / 7, RESERVE / 1_000_000, 0] {
        let state = economy.with_reserves(&genesis, U256::from(reserve));
        for token in economy.tokens() {
            let people = (0..economy.people()).map(|person| economy.person(person));
            let holders = people.chain(economy.pools().iter().copied());
            let held: U256 = holders.map(|holder| state.slot(*token, erc20::balance_slot(holder))).sum();
            assert_eq!(held, state.slot(*token, erc20::TOTAL_SUPPLY_SLOT));
        }
        let around = Around::new(16, U256::from(reserve)).unwrap();
        let pool = economy.pools()[0];
        let market = Market::read(|slot| state.slot(pool, slot), [-16, 16]).unwrap();
        assert_eq!(market, around.market(), "{reserve}");
        let held = market.holdings(-16, 16, around.liquidity, true).unwrap();
        assert!(held.iter().all(|units| *units <= U256::from(reserve)), "{held:?}");
    }
    let most = economy.gas_limit(sim_core::scenario::plan::TxKind::Swap);
    assert!(economy.usual_swap_gas() < most && most < 1_000_000, "{} {most}", economy.usual_swap_gas());
}

#[test]
fn equal_plans_give_equal_digests_in_one_two_or_three_partitions() {
    let digest = |pools: &str, partitions: u32| {
        let market = "market: (volatility: 0.4, arbitrageurs: 2, cost_ppb: 1),";
        let mut plan = parse(&fleet(pools, market, "0.002", "4")).unwrap();
        plan.run.partitions = partitions;
        run(plan).digest
    };
    let one = digest("Concentrated(range: 0.05)", 1);
    assert_eq!([2, 3].map(|n| digest("Concentrated(range: 0.05)", n)), [one.clone(), one.clone()]);
    assert_ne!(digest("Constant", 1), one);
}

#[test]
fn mistakes_are_one_message_with_their_place() {
    let narrow = "pools: Concentrated(range: 0.05)";
    let cases: [(String, &[&str]); 7] = [
        (
            "pools: Concentrated(range: 0.001)".to_owned(),
            &["mine.ron:2:", "rollups.0.pools.range", "0.001", "0.006"],
        ),
        ("pools: Concentrated(range: 10)".to_owned(), &["rollups.0.pools.range", "10", "9"]),
        (format!("{narrow}, demand: (mix: {{ \"erc20\": 1 }})"), &["rollups.0.pools", "nobody swaps"]),
        (format!("{narrow}, demand: (instances: 1)"), &["rollups.0.demand.instances", "needs two tokens"]),
        (
            format!("{narrow}, market: (searchers: (count: 1))"),
            &["rollups.0.market.searchers", "constant-product pools"],
        ),
        (
            format!("{narrow}, market: (providers: (count: 1))"),
            &["rollups.0.market.providers", "do not move ranges"],
        ),
        (
            format!("count: 2, proof: Off, {narrow}, bridges: [Interop()], travellers: [(policy: Move())]"),
            &["rollups.0.travellers", "constant-product pools"],
        ),
    ];
    for (fleet, parts) in cases {
        let message = parse(&fleet).expect_err(&fleet);
        for part in parts {
            assert!(message.contains(part), "{fleet}\n{message}\nlacks `{part}`");
        }
    }
    assert!(parse("pools: Concentrated()").is_ok() && parse("pools: Constant").is_ok());
}
