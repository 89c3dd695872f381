//! Providers of liquidity on a fleet: who leaves when, what that costs people, books that add up, what may be written.

mod fleet_support;

use fleet_support::run;
use sim_core::observe::record::{Fate, Party, RollupTxRecord, RunRecord};
use sim_core::observe::{provision, rollups, welfare};
use sim_core::scenario::plan::Plan;
use sim_core::workload::economy::RESERVE;

fn parse(fleet: &str) -> Result<Plan, String> {
    fleet_support::parse(40, fleet)
}

/// People's swaps of so much of all liquidity each, and prices outside that move so much a day.
fn fleet(volatility: &str, median: &str, providers: &str) -> String {
    format!(
        "count: 2, preset: \"op-like\", liquidity: Equal, sequencers: 1, followers: 0, proof: Off, \
         market: (volatility: {volatility}, arbitrageurs: 1, worth_eth: 1000, {providers}), \
         demand: (rate: \"4 tx/s\", mix: {{ \"swap\": 100 }}, instances: 2, accounts: 60, hot_spot: Uniform, \
         trade: (median: {median}, p90: 2)), batch: (max_delay: \"20 s\", compression: 1)"
    )
}

const TWO: &str = "providers: (count: 2, window: \"30 s\")";
const NEVER: &str = "providers: (count: 2, window: \"30 s\", leave: 1)";

fn left_ppm(record: &RunRecord) -> u64 {
    record.rollups.fleets[0].provided_ppm.expect("they can leave")
}

fn moves(record: &RunRecord, added: bool) -> usize {
    let moved = record.rollups.transactions.iter().filter_map(|tx| tx.moved);
    moved.filter(|moved| moved.added == added).count()
}

#[test]
fn providers_leave_where_prices_move_and_nobody_trades_and_people_pay_for_it() {
    // A pair moves 0.38 % in a second: arbitrage takes some 3 in 10^5 of the liquidity a window, people pay a twentieth of that.
    let fled = run(parse(&fleet("0.8", "0.00001", TWO)).unwrap());
    let stayed = run(parse(&fleet("0.8", "0.00001", NEVER)).unwrap());
    // A quarter stays; what was brought back in a proportion that had moved on (by up to 1 %) has minted that much less.
    assert!((247_500..500_000).contains(&left_ppm(&fled)), "{}", left_ppm(&fled));
    assert_eq!((left_ppm(&stayed), moves(&stayed, false)), (1_000_000, 0));
    assert!(moves(&fled, false) >= 12, "{}", moves(&fled, false));
    let cost = |record: &RunRecord| rollups::fleets(record)[0].mean_trade_cost.expect("people swap");
    assert!(cost(&fled) > cost(&stayed), "{} {}", cost(&fled), cost(&stayed));
    let sent = fled.rollups.transactions.iter().filter(|tx| tx.party == Party::Provider);
    assert!(sent.filter(|tx| tx.fate == Fate::Included).all(|tx| tx.moved.is_some() && tx.trade.is_none()));
}

#[test]
fn providers_stay_where_people_trade_and_prices_hardly_move() {
    let record = run(parse(&fleet("0.005", "0.0003", TWO)).unwrap());
    // A bad window now and then is made good in the next.
    assert!(left_ppm(&record) >= 750_000, "{} {}", left_ppm(&record), moves(&record, false));
    assert!(moves(&record, true) <= moves(&record, false), "nobody brings back what never left");
}

#[test]
fn what_traders_gain_pools_and_providers_lose() {
    let record = run(parse(&fleet("0.8", "0.00001", TWO)).unwrap());
    let fleet = &record.rollups.fleets[0];
    let books = fleet.books.expect("there are prices outside");
    let executed = || record.rollups.transactions.iter().filter(|tx| tx.fate == Fate::Included);
    let swaps = executed().flat_map(RollupTxRecord::swaps).filter(|trade| trade.cost_ppb.is_some());
    let (count, gained) = swaps.fold((0, 0_i128), |(n, sum), trade| (n + 1, sum + trade.surplus_units));
    let moved: i128 = executed().filter_map(|tx| tx.moved).map(|moved| moved.surplus_units).sum();
    let moves = executed().filter(|tx| tx.moved.is_some()).count() as i128;
    // Every valuation is rounded down to a unit. A swap's and a pool's token's is a difference of two: off by less than one
    // either way. A move's is a sum of two: too small by less than two.
    let pools = record.plan.rollups[0].demand.instances;
    let most = count + 2 * moves + 2 * i128::from(pools) * i128::from(fleet.blocks);
    let off = gained + moved + books.pools_units;
    assert!(off.abs() <= most, "{off} {most}");
    assert!(moved.abs() > 1_000 * most, "much was moved: {moved}");
    let summary = welfare::summarise(&record, fleet).expect("worth is stated");
    assert!(summary.off_eth().abs() < 1e-12);
    // Pools are theirs, so the books give them what pools and moves came to: 1,000 ether are a whole pool.
    let theirs = (moved + books.pools_units) as f64 / RESERVE as f64 * 1e3;
    let found = summary.party(Party::Provider).surplus_eth;
    assert!((found - theirs).abs() < 1e-9 && theirs < 0.0, "{found} {theirs}");
    let net: f64 = welfare::ledger(&summary).iter().map(welfare::Entry::net_eth).sum();
    assert!(net.abs() < 1e-9, "what everybody ends up with sums to zero: {net}");
}

#[test]
fn what_providers_take_out_is_idle_until_it_is_brought_back() {
    let record = run(parse(&fleet("0.8", "0.00001", TWO)).unwrap());
    let found = provision::summarise(&record, &record.rollups.fleets[0]).expect("they can leave");
    assert_eq!((found.removed, found.added), (moves(&record, false) as u64, moves(&record, true) as u64));
    // Shares that are out and shares in the pools are all there were, but for what comes back out of proportion.
    let left = left_ppm(&record) as f64 / 1e6;
    assert!((1.0 - found.idle_at_end - left).abs() < 1e-5, "{found:?} {left}");
    assert!(found.idle > 0.0 && found.idle <= found.idle_most && found.idle_most <= 0.7525, "{found:?}");
    let stayed = run(parse(&fleet("0.8", "0.00001", NEVER)).unwrap());
    let none = provision::summarise(&stayed, &stayed.rollups.fleets[0]).expect("they could");
    assert_eq!((none.removed, none.idle, none.idle_most), (0, 0.0, 0.0));
}

#[test]
fn tokens_and_ether_are_conserved_where_providers_leave_and_bridges_carry() {
    let text = format!(
        "{}, bridges: [Interop()], travellers: [(policy: Move(), rate: \"0.5 tx/s\")]",
        fleet("0.8", "0.00001", TWO)
    );
    let record = run(parse(&text).unwrap());
    // A run in which a unit or a wei appears or vanishes ends with an error; here is that it looked.
    let looked = record.rollups.conservation[0];
    assert!(looked.blocks > 100, "{looked:?}");
    assert!(moves(&record, false) >= 8, "{}", moves(&record, false));
    assert!(!record.rollups.crossings.is_empty());
}

#[test]
fn equal_plans_give_equal_digests_in_one_two_or_three_partitions() {
    let digest = |partitions: u32| {
        let mut plan = parse(&fleet("0.8", "0.00001", TWO)).unwrap();
        plan.run.blocks = 10;
        plan.run.partitions = partitions;
        run(plan).digest
    };
    let one = digest(1);
    assert_eq!([2, 3].map(digest), [one.clone(), one]);
}

#[test]
fn mistakes_are_one_message_with_their_place() {
    let cases: [(&str, &[&str]); 4] = [
        ("market: (providers: (count: 0))", &["mine.ron:2:", "rollups.0.market.providers.count", "0"]),
        (
            "count: 6000, market: (arbitrageurs: 0, providers: (count: 2))",
            &["rollups.0.market.providers.count", "6,000", "10,000"],
        ),
        ("market: (providers: (leave: 2))", &["rollups.0.market.providers.leave", "2"]),
        ("market: (providers: (window: \"1 ms\"))", &["rollups.0.market.providers.window", "1 ms"]),
    ];
    for (fleet, parts) in cases {
        let message = parse(fleet).expect_err(fleet);
        for part in parts {
            assert!(message.contains(part), "{fleet}\n{message}\nlacks `{part}`");
        }
    }
}
