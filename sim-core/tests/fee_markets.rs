//! What holds for every fee market: on random blocks, and on blocks that are really executed.

use parallel_evm::contracts::{amm, erc20};
use parallel_evm::{Address, Executor, SpecId, TxKind, U256};
use proptest::prelude::*;
use sim_core::chain::account::{AccountKind, address};
use sim_core::chain::block::{BlockHeader, BlockId};
use sim_core::chain::fee_market::blob::{BlobMarket, GAS_PER_BLOB};
use sim_core::chain::fee_market::cap::AccountCap;
use sim_core::chain::fee_market::cap_and_local::CapAndLocal;
use sim_core::chain::fee_market::local::LocalPrice;
use sim_core::chain::fee_market::resources::{self, Resources};
use sim_core::chain::fee_market::windows::{Target, Windows};
use sim_core::chain::fee_market::{
    Ask, BlockUse, Eip1559, FeeMarket, FeeMarketPlan, KeyedBy, MarketState, Quote,
};
use sim_core::chain::mempool::{Mempool, TransactionLog};
use sim_core::chain::transaction::{Transaction, TxId};
use sim_core::execution::builder::{BlockExecutor, ExecutionCache, Rules};
use sim_core::execution::draft::{BuiltBlock, PoolView, Terms};
use sim_core::execution::state::{Genesis, WorldState};
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::path::Path;
use std::sync::Arc;

const LIMIT: u64 = 3_000_000;
const BASE_FEE: u64 = 1_000;
const PEOPLE: u32 = 60;
const RULES: Rules = Rules { spec: SpecId::OSAKA, chain_id: 7 };
const BASE: Eip1559 = Eip1559::MAINNET;

fn local(keyed_by: KeyedBy) -> LocalPrice {
    LocalPrice { keyed_by, target_ppm: 100_000, change_denominator: 8, base: BASE }
}

fn cap_and_local(keyed_by: KeyedBy) -> CapAndLocal {
    CapAndLocal { cap_ppm: 200_000, local: local(keyed_by) }
}

fn markets() -> Vec<FeeMarketPlan> {
    let mut markets = vec![
        FeeMarketPlan::default(),
        FeeMarketPlan::Windows(Windows {
            floor_wei: BASE_FEE,
            targets: vec![
                Target { gas_per_s: 500_000, window_s: 9 },
                Target { gas_per_s: 200_000, window_s: 300 },
            ],
        }),
        FeeMarketPlan::Resources(Resources { base: BASE }),
    ];
    for keyed_by in [KeyedBy::To, KeyedBy::AccessList, KeyedBy::WriteSet] {
        markets.push(FeeMarketPlan::Cap(AccountCap { keyed_by, cap_ppm: 200_000, base: BASE }));
        markets.push(FeeMarketPlan::Local(local(keyed_by)));
        markets.push(FeeMarketPlan::CapAndLocal(cap_and_local(keyed_by)));
    }
    markets
}

fn contract(index: u64) -> Address {
    address(AccountKind::Contract, index)
}

fn person(index: u32) -> Address {
    address(AccountKind::Person, u64::from(index))
}

// --- on random blocks --------------------------------------------------------------------------------------

/// Transactions as (gas, key, another key).
fn used(transactions: &[(u64, u64, u64)]) -> BlockUse {
    let mut used = BlockUse::new(LIMIT);
    for &(gas, a, b) in transactions {
        let mut keys = vec![contract(a), contract(b)];
        keys.dedup();
        used.add(&Ask { gas, keys: &keys, blob_gas: 0 }, [gas / 2, gas - gas / 2, 0, 0]);
    }
    used
}

fn any_block() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    prop::collection::vec((21_000_u64..400_000, 0_u64..6, 0_u64..6), 0..12)
}

proptest! {
    #[test]
    fn a_quote_never_undercuts_the_base_fee_and_more_keys_never_cost_less(
        blocks in prop::collection::vec(any_block(), 1..20),
    ) {
        for plan in markets() {
            let market = plan.market();
            let mut state = MarketState::flat(BASE_FEE);
            for block in &blocks {
                state = market.open(&market.update(&state, &used(block)), 1_000_000_000);
                let all: Vec<Address> = (0..6).map(contract).collect();
                let mut before = Quote { base_fee_wei: state.base_fee_wei, ..Quote::default() };
                for keys in 0..=all.len() {
                    let quote = market.quote(&state, &all[..keys]);
                    prop_assert_eq!(quote.base_fee_wei, state.base_fee_wei);
                    prop_assert!(quote.surcharge_wei >= before.surcharge_wei);
                    before = quote;
                }
                prop_assert!(state.by_key.values().all(|price| *price > state.base_fee_wei));
            }
        }
    }

    #[test]
    fn admitted_transactions_stay_under_the_cap(block in any_block()) {
        for keyed_by in [KeyedBy::To, KeyedBy::WriteSet] {
            let (cap, both) = (AccountCap { keyed_by, cap_ppm: 200_000, base: BASE }, cap_and_local(keyed_by));
            for market in [&cap as &dyn FeeMarket, &both] {
                let mut held = BlockUse::new(LIMIT);
                for &(gas, a, _) in &block {
                    let keys = [contract(a)];
                    let ask = Ask { gas, keys: &keys, blob_gas: 0 };
                    let fits = held.of(&keys[0]) + gas <= LIMIT / 5;
                    prop_assert_eq!(market.admit(&held, &ask), fits);
                    if fits {
                        held.add(&ask, [0; 4]);
                    }
                }
                prop_assert!(held.by_key.values().all(|gas| *gas <= LIMIT / 5));
            }
        }
    }

    #[test]
    fn with_one_key_that_everybody_touches_a_local_price_is_a_base_fee_with_another_target(
        gas in prop::collection::vec(0_u64..LIMIT, 1..40),
    ) {
        // The common base fee has a target that is never reached, so that it only falls.
        let base = Eip1559 { elasticity: 1, change_denominator: 8 };
        let market = LocalPrice { base, ..local(KeyedBy::To) };
        let mut state = MarketState { base_fee_wei: 0, by_key: [(contract(0), BASE_FEE)].into(), gauges: vec![] };
        let (target, mut price) = (LIMIT / 10, BASE_FEE);
        let step = Eip1559 { elasticity: 2, change_denominator: 8 };
        for gas in gas {
            state = market.update(&state, &used(&[(gas, 0, 0)]));
            price = step.next_base_fee(price, gas.min(2 * target), 2 * target);
            prop_assert_eq!(market.quote(&state, &[contract(0)]).surcharge_wei, price);
        }
    }

    #[test]
    fn cap_and_local_price_are_its_two_parts(blocks in prop::collection::vec(any_block(), 1..20)) {
        let (both, alone) = (cap_and_local(KeyedBy::To), local(KeyedBy::To));
        let (mut a, mut b) = (MarketState::flat(BASE_FEE), MarketState::flat(BASE_FEE));
        for block in &blocks {
            (a, b) = (both.update(&a, &used(block)), alone.update(&b, &used(block)));
            prop_assert_eq!(&a, &b);
        }
    }

    #[test]
    fn the_parts_of_a_transaction_sum_to_its_gas(counts in prop::collection::vec(0_u32..5_000, 24), gas in 21_000_u64..16_000_000) {
        let mut work = parallel_evm::WorkVector::ZERO;
        for (class, units) in parallel_evm::WorkClass::ALL.into_iter().zip(counts) {
            work.add(class, units);
        }
        prop_assert_eq!(resources::split(&work, gas).iter().sum::<u64>(), gas);
    }

    #[test]
    fn a_blob_market_admits_up_to_its_most_and_leaves_the_base_fee_alone(
        blobs in prop::collection::vec(1_u64..9, 0..12), base_fee in 0_u64..1 << 40,
    ) {
        let market = BlobMarket::named("bpo2").unwrap();
        let mut held = BlockUse::new(LIMIT);
        for blobs in blobs {
            let ask = Ask { gas: 21_000, keys: &[], blob_gas: blobs * GAS_PER_BLOB };
            let fits = blobs <= 6 && held.blob_gas / GAS_PER_BLOB + blobs <= 21;
            prop_assert_eq!(market.admit(&held, &ask), fits);
            if fits {
                held.add(&ask, [0; 4]);
            }
        }
        let state = MarketState { gauges: vec![30_000_000], ..MarketState::flat(base_fee) };
        let next = market.update(&state, &held);
        prop_assert_eq!(next.base_fee_wei, base_fee);
        let excess = sim_core::chain::fee_market::blob::BlobParent {
            excess_gas: 30_000_000, used_gas: held.blob_gas, base_fee_wei: base_fee,
        };
        prop_assert_eq!(next.gauges, vec![market.next_excess(excess)]);
        prop_assert_eq!(market.quote(&state, &[]).blob_fee_wei, market.fee_wei(30_000_000));
    }
}

// --- on executed blocks ------------------------------------------------------------------------------------

/// Contracts 0 to 2 are tokens, 3 is a pool of the first two.
fn genesis() -> WorldState {
    let mut genesis = Genesis::new();
    for index in 0..PEOPLE {
        genesis.balance(person(index), U256::from(10_u64.pow(18)));
    }
    let (pool, rich) = (contract(3), U256::from(1_u64 << 60));
    for token in (0..3).map(contract) {
        genesis.contract(token, erc20::runtime_code());
        for holder in (0..PEOPLE).map(person).chain([pool]) {
            genesis.storage(token, erc20::balance_slot(holder), rich);
        }
        for holder in (0..PEOPLE).map(person) {
            genesis.storage(token, erc20::allowance_slot(holder, pool), U256::MAX);
        }
    }
    genesis.contract(pool, amm::runtime_code());
    let slots = [
        (amm::TOKEN0_SLOT, contract(0).into_word().into()),
        (amm::TOKEN1_SLOT, contract(1).into_word().into()),
        (amm::RESERVE0_SLOT, rich),
        (amm::RESERVE1_SLOT, rich),
        (amm::TOTAL_SHARES_SLOT, rich),
    ];
    for (slot, value) in slots {
        genesis.storage(pool, slot, value);
    }
    genesis.build()
}

/// What somebody sends: 0 to 2 move a token, 3 swaps, 4 sends ether.
fn transaction(order: u64, nonce: u64, what: u64, max_fee: u64, tip: u64, declares: bool) -> Transaction {
    let sender = (order % u64::from(PEOPLE)) as u32;
    let other = person((sender + 1) % PEOPLE);
    let one = U256::from(1_000);
    let (to, input, value, touches) = match what {
        0..=2 => (contract(what), erc20::transfer(other, one), U256::ZERO, vec![]),
        3 => (
            contract(3),
            amm::swap(order.is_multiple_of(2), one, U256::ZERO),
            U256::ZERO,
            vec![contract(0), contract(1)],
        ),
        _ => (other, Default::default(), one, vec![]),
    };
    Transaction {
        id: TxId { producer: 0, sequence: order },
        sender,
        from: person(sender),
        nonce,
        to: TxKind::Call(to),
        value,
        input,
        gas_limit: 200_000,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip.min(max_fee),
        chain_id: RULES.chain_id,
        access_list: if declares { touches } else { vec![] },
    }
}

fn header(base_fee_wei: u64) -> BlockHeader {
    BlockHeader {
        id: BlockId { chain: 0, slot: 3, proposer: 1 },
        parent: Some(BlockId::genesis(0)),
        height: 1,
        slot_start_ns: 6_000_000_000,
        beneficiary: address(AccountKind::Proposer, 1),
        gas_limit: LIMIT,
        gas_used: 0,
        base_fee_wei,
    }
}

fn engine() -> BlockExecutor {
    BlockExecutor::new(Executor::serial(), Arc::new(ExecutionCache::new(0)))
}

/// The second token is in demand: five times the base fee. So are the pool and its second token, a little.
fn prices() -> MarketState {
    let by_key = [(contract(1), 5 * BASE_FEE), (contract(2), 3 * BASE_FEE), (contract(3), BASE_FEE + 7)];
    MarketState { by_key: by_key.into(), ..MarketState::flat(BASE_FEE) }
}

fn build(plan: &FeeMarketPlan, log: &TransactionLog, prices: &MarketState) -> BuiltBlock {
    let mut pool = Mempool::new(100_000);
    for (ix, _) in log.iter() {
        pool.insert(log, ix).unwrap();
    }
    let source = PoolView { log, pool: &pool, visible: &|_| true, address: &person };
    let terms = Terms { market: plan.market(), prices };
    engine().build(RULES, &header(BASE_FEE).to_env(), &genesis(), source, terms).unwrap()
}

type Offer = (u64, u64, u64);

fn log_of(offers: &[Offer], declares: bool) -> TransactionLog {
    let mut log = TransactionLog::new();
    for (order, &(what, max_fee, tip)) in offers.iter().enumerate() {
        let nonce = order as u64 / u64::from(PEOPLE);
        log.push(transaction(order as u64, nonce, what, max_fee, tip, declares));
    }
    log
}

fn ether(state: &WorldState) -> U256 {
    let everybody = (0..PEOPLE).map(person).chain([address(AccountKind::Proposer, 1)]);
    everybody.map(|who| state.balance(who)).sum()
}

fn any_offers() -> impl Strategy<Value = Vec<Offer>> {
    prop::collection::vec((0_u64..5, 500_u64..12_000, 0_u64..900), 0..110)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_users_pay_is_what_is_burnt_and_the_tips(offers in any_offers()) {
        for plan in markets() {
            let declares = plan.market().keyed_by() == Some(KeyedBy::AccessList);
            let (log, prices) = (log_of(&offers, declares), prices());
            let built = build(&plan, &log, &prices);
            let before = genesis();
            let after = built.executed.state.as_ref().unwrap();
            let (mut burnt, mut tips) = (U256::ZERO, U256::ZERO);
            let mut bills = vec![U256::ZERO; PEOPLE as usize];
            for (ix, paid) in built.transactions.iter().zip(&built.paid) {
                let transaction = log.get(*ix);
                let gas = U256::from(paid.gas_used);
                let price = BASE_FEE + paid.surcharge_wei + paid.tip_wei;
                prop_assert!(price <= transaction.max_fee_per_gas);
                prop_assert!(paid.tip_wei <= transaction.max_priority_fee_per_gas);
                burnt += gas * U256::from(BASE_FEE + paid.surcharge_wei);
                tips += gas * U256::from(paid.tip_wei);
                bills[transaction.sender as usize] += gas * U256::from(price);
            }
            prop_assert_eq!(ether(&before) - ether(after), burnt);
            prop_assert_eq!(after.balance(address(AccountKind::Proposer, 1)), tips);
            prop_assert_eq!(bills.into_iter().sum::<U256>(), burnt + tips);
        }
    }

    #[test]
    fn everybody_is_charged_for_exactly_what_the_market_keys_by(offers in any_offers()) {
        let touched = |what: u64, exact: bool| match what {
            3 if exact => vec![contract(0), contract(1), contract(3)],
            0..=3 => vec![contract(what)],
            _ => vec![],
        };
        for keyed_by in [KeyedBy::To, KeyedBy::AccessList, KeyedBy::WriteSet] {
            let plan = FeeMarketPlan::CapAndLocal(cap_and_local(keyed_by));
            let (log, prices) = (log_of(&offers, keyed_by == KeyedBy::AccessList), prices());
            let built = build(&plan, &log, &prices);
            let mut of_key = std::collections::BTreeMap::new();
            for (ix, paid) in built.transactions.iter().zip(&built.paid) {
                let keys = touched(offers[ix.index()].0, keyed_by != KeyedBy::To);
                prop_assert_eq!(paid.surcharge_wei, plan.market().quote(&prices, &keys).surcharge_wei);
                keys.into_iter().for_each(|key| *of_key.entry(key).or_insert(0) += paid.gas_used);
            }
            prop_assert!(of_key.values().all(|gas| *gas <= LIMIT / 5));
            for (key, gas) in of_key {
                prop_assert_eq!(built.used.of(&key), gas);
            }
        }
    }

    #[test]
    fn a_built_block_repeats_to_the_same_state(offers in any_offers()) {
        for plan in markets() {
            let declares = plan.market().keyed_by() == Some(KeyedBy::AccessList);
            let (log, prices) = (log_of(&offers, declares), prices());
            let built = build(&plan, &log, &prices);
            let terms = Terms { market: plan.market(), prices: &prices };
            let env = header(BASE_FEE).to_env();
            let list = built.transactions.clone();
            let again = engine().repeat(RULES, &env, &genesis(), &log, list, terms);
            // Where gas is not what is metered, the EVM's own limit refuses a whole block.
            let over = built.transactions.iter().map(|ix| log.get(*ix).gas_limit).sum::<u64>() > LIMIT;
            let Some(again) = again else {
                prop_assert!(plan.market().keyed_by() == Some(KeyedBy::WriteSet) || over);
                continue;
            };
            prop_assert_eq!(&again.paid, &built.paid);
            prop_assert_eq!(&again.used, &built.used);
            let ids = [&again, &built].map(|b| b.executed.state.as_ref().unwrap().id());
            prop_assert_eq!(ids[0], ids[1]);
        }
    }
}

#[test]
fn who_cannot_pay_for_what_it_wrote_is_turned_away_and_waits() {
    // A swap writes the pool and both tokens; its callee alone it could pay for.
    let log = log_of(&[(3, 2_000, 10), (0, 2_000, 10), (3, 12_000, 10)], false);
    let by_callee = build(&FeeMarketPlan::Local(local(KeyedBy::To)), &log, &prices());
    assert_eq!(by_callee.transactions.len(), 3);
    let exact = build(&FeeMarketPlan::Local(local(KeyedBy::WriteSet)), &log, &prices());
    assert_eq!(exact.turned_away, 1);
    assert!(exact.dropped.is_empty());
    let mut included: Vec<u32> = exact.transactions.iter().map(|ix| ix.0).collect();
    included.sort_unstable();
    assert_eq!(included, [1, 2]);
    let swap = exact.transactions.iter().position(|ix| ix.0 == 2).unwrap();
    assert_eq!(exact.paid[swap].surcharge_wei, 4 * BASE_FEE + 7);
}

#[test]
fn a_metered_block_holds_more_gas_than_its_limit_where_the_work_differs() {
    // Transfers of ether and of tokens use different resources.
    let offers: Vec<Offer> = (0..110).map(|n| (n % 5, 11_000, 10)).collect();
    let log = log_of(&offers, false);
    let plain = build(&FeeMarketPlan::default(), &log, &MarketState::flat(BASE_FEE));
    let metered =
        build(&FeeMarketPlan::Resources(Resources { base: BASE }), &log, &MarketState::flat(BASE_FEE));
    assert!(plain.used.gas <= LIMIT);
    assert!(metered.used.gas > plain.used.gas, "{} {}", metered.used.gas, plain.used.gas);
    assert!(metered.used.by_resource.iter().all(|gas| *gas <= LIMIT));
    assert_eq!(metered.used.by_resource.iter().sum::<u64>(), metered.used.gas);
}

// --- in whole runs ------------------------------------------------------------------------------------------

#[test]
fn every_market_gives_the_same_digest_in_one_two_or_three_partitions() {
    let mut digests = Vec::new();
    for market in [
        "Eip1559()",
        "Windows(targets: [(per_second: \"1 Mgas\", window: \"9 s\"), (per_second: \"500000 gas\", window: \"60 s\")])",
        "Resources()",
        "Cap(cap: 0.2, key: WriteSet)",
        "Local(target: 0.1, key: AccessList)",
        "CapAndLocal(cap: 0.2, target: 0.1, key: WriteSet)",
    ] {
        let text = format!(
            "(version: 1, seed: 3, run: (blocks: 8, warm_up: 1), nodes: (count: 24), \
             chain: (slot: \"2 s\", attest_by: \"1 s\", gas_limit: \"3 Mgas\", fee_market: {market}), \
             workload: Users(rate: \"40 tx/s\", accounts: 300, instances: 4, mix: {{ \"erc20\": 60, \"swap\": 40 }}, \
             burst: (app: \"swap/1\", from: \"6 s\", until: \"14 s\", factor: 20)))"
        );
        let scenario =
            Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &Changes::default());
        let base = scenario.unwrap_or_else(|error| panic!("{market}: {error}")).base;
        let digest = |partitions: u32| {
            let mut plan = base.clone();
            plan.run.partitions = partitions;
            let mut simulation = Simulation::new(plan).unwrap();
            simulation.run().unwrap();
            simulation.finish().digest
        };
        let one = digest(1);
        assert_eq!([2, 3].map(digest), [one.clone(), one.clone()], "{market}");
        digests.push(one);
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 6, "every market makes a difference");
}
