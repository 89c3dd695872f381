//! Searchers on a fleet: what they take and spend, what cheap gas makes of it, books that add up, what may be written.

mod fleet_support;

use fleet_support::run;
use sim_core::observe::record::{Fate, Party, RollupTxRecord, RunRecord};
use sim_core::observe::welfare::{self, Welfare};
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Simulation;

fn parse(fleet: &str) -> Result<Plan, String> {
    fleet_support::parse(15, fleet)
}

/// People whose swaps leave gaps between two pools of one pair; gas at so much wei.
fn fleet(count: u32, searchers: &str, base_fee: &str) -> String {
    format!(
        "count: {count}, preset: \"base-like\", flashblock: \"2 s\", order: FirstCome, liquidity: Equal, sequencers: 1, \
         followers: 0, proof: Off, base_fee: \"{base_fee}\", \
         market: (volatility: 0.05, arbitrageurs: 1, worth_eth: 5, {searchers}), \
         demand: (rate: \"4 tx/s\", mix: {{ \"swap\": 100 }}, instances: 2, accounts: 60, hot_spot: Uniform, \
         max_fee: \"4 gwei\", trade: (median: 0.0005, p90: 5)), batch: (max_delay: \"20 s\", compression: 1)"
    )
}

const THREE: &str = "searchers: (count: 3, window: \"10 s\")";

fn of(record: &RunRecord) -> Welfare {
    welfare::summarise(record, &record.rollups.fleets[0]).expect("there are prices outside")
}

fn probes(record: &RunRecord) -> impl Iterator<Item = &RollupTxRecord> {
    record.rollups.transactions.iter().filter(|tx| tx.party == Party::Searcher)
}

#[test]
fn probes_find_something_now_and_then_and_pay_always() {
    let record = run(parse(&fleet(1, THREE, "0.02 gwei")).unwrap());
    let executed: Vec<_> = probes(&record).filter(|tx| tx.fate == Fate::Included).collect();
    let traded: Vec<_> = executed.iter().filter(|tx| !tx.legs.is_empty()).collect();
    assert!(executed.len() > 200 && traded.len() > 10, "{} {}", executed.len(), traded.len());
    assert!(traded.len() * 2 < executed.len(), "most find nothing: {} {}", executed.len(), traded.len());
    for tx in &executed {
        let paid = tx.paid.expect("it was executed");
        assert!(paid.success && paid.gas > 21_000 && paid.fee_wei() > 0);
        assert!(tx.legs.is_empty() || tx.legs.len() == 2, "around both pools");
        assert_eq!(tx.trade, None, "it is no swap of its own");
        if !tx.legs.is_empty() {
            let surplus: i128 = tx.legs.iter().map(|leg| leg.surplus_units).sum();
            // Each of four valuations is rounded down to a unit.
            assert!(
                surplus > -4,
                "the contract trades where it ends with more than it began with: {surplus}"
            );
        }
    }
}

#[test]
fn searchers_as_a_whole_spend_about_what_they_take() {
    let record = run(parse(&fleet(1, THREE, "0.02 gwei")).unwrap());
    let searchers = of(&record).party(Party::Searcher);
    // What was taken in the last window is spent after the end, and the first window was spent on nothing: one of eighteen
    // windows either way. Gains are few and very unequal; their mean over a window is off by as much again and more.
    let ratio = searchers.fees_eth / searchers.surplus_eth;
    assert!((0.6..1.4).contains(&ratio), "{ratio} {searchers:?}");
}

#[test]
fn cheaper_gas_makes_more_probes_and_their_share_of_gas_is_above_that_of_fees() {
    let dear = of(&run(parse(&fleet(1, THREE, "0.2 gwei")).unwrap()));
    let cheap = of(&run(parse(&fleet(1, THREE, "0.02 gwei")).unwrap()));
    let share = |welfare: &Welfare| welfare.gas_share(Party::Searcher);
    let sent = |welfare: &Welfare| welfare.party(Party::Searcher).included;
    // By the rule ten times as many, less what more probes find together.
    assert!(sent(&cheap) > 4 * sent(&dear), "{} {}", sent(&cheap), sent(&dear));
    assert!(share(&cheap) > share(&dear));
    assert!(cheap.fee_share(Party::Searcher) < share(&cheap), "their tips are low");
}

#[test]
fn what_traders_gain_pools_lose_and_what_is_paid_is_received() {
    let mut plan = parse(&fleet(2, THREE, "0.02 gwei")).unwrap();
    plan.run.blocks = 8;
    let record = run(plan);
    let books = record.rollups.fleets[0].books.expect("there are prices outside");
    let executed = || record.rollups.transactions.iter().filter(|tx| tx.fate == Fate::Included);
    let swaps = executed().flat_map(RollupTxRecord::swaps).filter(|trade| trade.cost_ppb.is_some());
    let (count, gained) = swaps.fold((0, 0_i128), |(n, sum), trade| (n + 1, sum + trade.surplus_units));
    assert!(count > 300, "{count}");
    // Two valuations a swap, four a pool and block, each rounded down to a unit.
    let most = 2 * count + 4 * 2 * record.rollups.fleets[0].blocks as i128;
    assert!((gained + books.pools_units).abs() <= most, "{} {most}", gained + books.pools_units);
    assert!(gained.abs() > 1_000 * most, "there is something to add up: {gained}");
    // Fees: from receipts and bodies on one side, from blocks and the beneficiary's account on the other.
    let fees: u128 = executed().map(|tx| tx.paid.expect("executed").fee_wei()).sum();
    assert_eq!(fees, books.base_wei + books.tips_wei);
    assert!(of(&record).off_eth().abs() < 1e-12, "{}", of(&record).off_eth());
}

#[test]
fn equal_plans_give_equal_digests_in_one_two_or_three_partitions() {
    let digest = |partitions: u32| {
        let mut plan = parse(&fleet(3, THREE, "0.02 gwei")).unwrap();
        plan.run.blocks = 5;
        plan.run.partitions = partitions;
        run(plan).digest
    };
    let one = digest(1);
    assert_eq!([2, 3].map(digest), [one.clone(), one]);
}

#[test]
fn a_run_continued_from_a_checkpoint_ends_as_one_that_was_not_interrupted() {
    let mut plan = parse(&fleet(2, THREE, "0.02 gwei")).unwrap();
    plan.run.blocks = 5;
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
fn arbitrageurs_who_know_the_price_of_gas_trade_less_where_it_is_dear() {
    let arbitrage = |base_fee: &str| {
        let swaps = of(&run(parse(&fleet(1, "", base_fee)).unwrap())).party(Party::Arbitrageur);
        swaps.included
    };
    let (cheap, dear) = (arbitrage("0.02 gwei"), arbitrage("900 gwei"));
    assert!(cheap > 2 * dear.max(1), "{cheap} {dear}");
}

#[test]
fn mistakes_are_one_message_with_their_place() {
    let cases: [(&str, &[&str]); 7] = [
        (
            "market: (cost_ppb: 5, worth_eth: 10)",
            &["mine.ron:2:", "rollups.0.market.cost_ppb", "given twice", "worth_eth"],
        ),
        ("market: (cost_ppb: 5, searchers: (count: 1))", &["rollups.0.market.cost_ppb", "with searchers"]),
        ("market: (worth_eth: 0)", &["rollups.0.market.worth_eth", "0"]),
        ("market: (searchers: (count: 25))", &["rollups.0.market.searchers.count", "25"]),
        (
            "count: 4000, market: (searchers: (count: 3))",
            &["rollups.0.market.searchers.count", "4,000", "10,000"],
        ),
        (
            "market: (searchers: (count: 3)), demand: (instances: 5)",
            &["rollups.0.demand.instances", "ring", "5"],
        ),
        ("market: (searchers: (window: \"1 ms\"))", &["rollups.0.market.searchers.window", "1 ms"]),
    ];
    for (fleet, parts) in cases {
        let message = parse(fleet).expect_err(fleet);
        for part in parts {
            assert!(message.contains(part), "{fleet}\n{message}\nlacks `{part}`");
        }
    }
    assert!(parse("market: (searchers: (count: 0))").is_ok());
}

#[test]
fn transactions_of_a_sender_that_overtook_each_other_are_in_the_next_block() {
    let one = "searchers: (count: 1, window: \"10 s\")";
    let record = run(parse(&fleet(1, one, "0.002 gwei")).unwrap());
    let (mut ready_ns, mut overtook, mut executed) = (0, 0, 0);
    for tx in probes(&record) {
        let (Some(received_ns), Some(executed_ns)) = (tx.received_ns, tx.executed_ns) else { break };
        overtook += usize::from(received_ns < ready_ns);
        executed += 1;
        // Its nonce is open when all that were sent before it are there: then a block of 2 s, and its execution.
        ready_ns = ready_ns.max(received_ns);
        assert!(executed_ns - ready_ns < 2_100_000_000, "{tx:?}");
    }
    assert!(executed > 200 && overtook > 5, "{executed} {overtook}");
}
