//! State, builder, recorded blocks and cost profiles, on real executions.

use alloy_primitives::KECCAK256_EMPTY;
use parallel_evm::contracts::erc20;
use parallel_evm::evm_block::{self, LoadedBlock};
use parallel_evm::{
    AccountChange, AccountDelta, AccountFields, Address, B256, Executor, MemoryState, PreState, SpecId,
    StateDelta, TxEnv, TxKind, U256, WorkClass,
};
use proptest::prelude::*;
use sim_core::chain::account::{AccountKind, address};
use sim_core::chain::block::{BlockHeader, BlockId};
use sim_core::chain::fee_market::{Eip1559, MarketState};
use sim_core::chain::mempool::{Mempool, TransactionLog};
use sim_core::chain::transaction::{Transaction, TxId};
use sim_core::execution::block_time::{BlockTimer, Machine};
use sim_core::execution::builder::{BlockExecutor, ExecutionCache, Rules};
use sim_core::execution::draft::{BuiltBlock, PoolView, Terms};
use sim_core::execution::fit::{self, Row};
use sim_core::execution::profile;
use sim_core::execution::state::WorldState;
use sim_core::execution::virtual_cores::{block_stm, bounds};
use sim_core::kernel::math;
use sim_core::scenario::plan::{Algorithm, ExecutionPlan, Pipeline};
use std::path::PathBuf;
use std::sync::Arc;

/// A line that is seen even if the test passes: not `eprintln!`, which the test harness would hide.
fn note(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn recorded() -> Option<Vec<LoadedBlock>> {
    let Some(folder) = std::env::var_os("LIGHTCONE_DATA").map(|root| PathBuf::from(root).join("blocks"))
    else {
        note("skipped: LIGHTCONE_DATA not set");
        return None;
    };
    if !folder.is_dir() {
        note(&format!("skipped: {} is no folder", folder.display()));
        return None;
    }
    let files = evm_block::list(folder).unwrap();
    Some(files.iter().map(|file| evm_block::read(file).unwrap()).collect())
}

fn executor() -> BlockExecutor {
    BlockExecutor::new(Executor::serial(), Arc::new(ExecutionCache::new(100)))
}

const MEASURED: &str = include_str!("../data/profiles/measured-serial-revm43.csv");

/// (block, measured median ns).
fn measured() -> Vec<(String, f64)> {
    let rows = MEASURED.lines().filter(|line| !line.starts_with('#') && !line.starts_with("block"));
    rows.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_owned(), fields[4].parse::<f64>().unwrap() * 1e6)
    })
    .collect()
}

const MICRO: &str = include_str!("../data/profiles/measured-micro-revm43.csv");
const PRIOR: &str = include_str!("../data/profiles/prior-revm43.csv");

fn lines(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.splitn(3, ',').collect())
}

/// (name, measured ps, units by class) of the loops.
fn micro() -> Vec<Row> {
    let row = |fields: Vec<&str>| {
        let mut units = vec![0.0; WorkClass::COUNT];
        for (class, count) in fields[2].split(' ').map(|unit| unit.split_once('=').unwrap()) {
            let class = WorkClass::ALL.into_iter().find(|known| known.name() == class).unwrap();
            units[class as usize] = count.parse().unwrap();
        }
        Row { units, time: fields[1].parse::<f64>().unwrap() * 1e3, weight: 1.0 }
    };
    lines(MICRO).map(row).collect()
}

/// The prices of `revm43-memory-2026`, ps, from the tables beside it and recorded blocks.
fn fitted(blocks: &[Row]) -> Vec<f64> {
    let prior: Vec<(&str, f64)> =
        lines(PRIOR).map(|fields| (fields[0], fields[1].parse().unwrap())).collect();
    let names: Vec<&str> = prior.iter().map(|(class, _)| *class).collect();
    assert_eq!(names, WorkClass::names());
    let prior: Vec<f64> = prior.into_iter().map(|(_, ps)| ps).collect();
    fit::fit(&[blocks, &micro()].concat(), &prior, 0.01)
}

/// Name, measured time and work of the recorded blocks.
fn measured_rows(blocks: &[LoadedBlock]) -> Vec<(String, Row)> {
    let row = |(name, ns): (String, f64)| {
        let block = blocks.iter().find(|block| block.name == name).unwrap();
        let (executed, verified) = executor().execute_recorded(block).unwrap();
        verified.unwrap();
        let mut units = vec![0.0; WorkClass::COUNT];
        for tx in &executed.trace.transactions {
            for (sum, count) in units.iter_mut().zip(tx.work.counts()) {
                *sum += f64::from(*count);
            }
        }
        (name, Row { units, time: ns * 1e3, weight: 1.0 })
    };
    measured().into_iter().map(row).collect()
}

fn predicted_over_measured(row: &Row, prices: &[f64]) -> f64 {
    row.units.iter().zip(prices).map(|(units, price)| units * price).sum::<f64>() / row.time
}

/// Absolute relative errors, sorted.
fn errors(ratios: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut errors: Vec<f64> = ratios.map(|ratio| (ratio - 1.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

#[test]
#[ignore = "prints the prices fitted to the measurements, and how well they predict a block left out"]
fn fit_the_memory_profile() {
    let Some(blocks) = recorded() else { return };
    let named = measured_rows(&blocks);
    let rows: Vec<Row> = named.iter().map(|(_, row)| row.clone()).collect();
    let prices = fitted(&rows);
    for (class, price) in WorkClass::ALL.iter().zip(&prices) {
        println!("{}: {price:.0}", class.name());
    }
    let left_out = errors((0..rows.len()).map(|left_out| {
        let mut others = rows.clone();
        let row = others.remove(left_out);
        predicted_over_measured(&row, &fitted(&others))
    }));
    println!(
        "block left out: median error {:.3}, greatest {:.3?}",
        left_out[rows.len() / 2],
        left_out.last()
    );
    for (name, row) in &named {
        let ratio = predicted_over_measured(row, &prices);
        println!("{name} measured {:.3} ms, predicted / measured {ratio:.3}", row.time / 1e9);
    }
}

/// A linear model of 24 classes, on times that range from 4 us to 8 ms.
#[test]
fn the_memory_profile_predicts_recorded_blocks() {
    let Some(blocks) = recorded() else { return };
    let profile = profile::named("revm43-memory-2026").unwrap();
    let prices: Vec<f64> = WorkClass::ALL.iter().map(|class| profile.unit_ps[class.name()] as f64).collect();
    let rows = measured_rows(&blocks);
    let all = errors(rows.iter().map(|(_, row)| predicted_over_measured(row, &prices)));
    assert!(all[all.len() / 2] < 0.15, "median error {}", all[all.len() / 2]);
    for (name, row) in rows.iter().filter(|(_, row)| row.time >= 1e9) {
        let ratio = predicted_over_measured(row, &prices);
        assert!((0.75..1.35).contains(&ratio), "block {name} of a millisecond or more: {ratio}");
    }
    let total: f64 = rows.iter().map(|(_, row)| row.time).sum();
    let predicted: f64 = rows.iter().map(|(_, row)| row.time * predicted_over_measured(row, &prices)).sum();
    assert!((predicted / total - 1.0).abs() < 0.08, "all blocks together: {}", predicted / total);
}

#[test]
#[ignore = "prints what Block-STM costs on one core and gains on more, over recorded blocks"]
fn print_replays() {
    let Some(blocks) = recorded() else { return };
    for name in profile::names() {
        let plan = plan(name, Algorithm::BlockStm);
        let timer = BlockTimer::new(&plan).unwrap();
        let mut logs = [0.0; 6];
        let mut count = 0.0;
        for block in blocks.iter().filter(|block| block.block.transactions.len() > 1) {
            let (executed, _) = executor().execute_recorded(block).unwrap();
            let work = executed.trace.work(timer.rates());
            let mut line = format!("{name} {} {:.3} ms", block.name, work.total_ps() as f64 / 1e9);
            for (log, cores) in logs.iter_mut().zip([1, 2, 4, 8, 16, 32]) {
                let schedule = block_stm::replay(&work, cores, &timer.rates().costs);
                let gain = work.total_ps() as f64 / schedule.total_ps as f64;
                *log += math::ln(gain);
                line += &format!(", {cores}: {gain:.2} ({})", schedule.re_executions);
            }
            count += 1.0;
            let total = timer.duration_ns(&executed.trace, Machine { cores: 8, speed_ppm: 1_000_000 });
            println!(
                "{line}; path {:.2}; keys {}; all stages on 8 cores {:.1} ms",
                work.total_ps() as f64 / bounds::pipelined_critical_path_ps(&work) as f64,
                executed.trace.touched_keys,
                total as f64 / 1e6
            );
        }
        println!("{name} geometric means {:.2?}", logs.map(|log| math::exp(log / count)));
    }
}

fn plan(profile: &str, algorithm: Algorithm) -> ExecutionPlan {
    ExecutionPlan {
        algorithm,
        cores: None,
        speed_ppm: 1_000_000,
        pipeline: Pipeline::BeforeVoting,
        profile: profile::named(profile).unwrap(),
    }
}

/// People 0..`people` with an ether each, a token they all hold, nobody's contract besides.
fn genesis(people: u64) -> WorldState {
    let mut base = MemoryState::new();
    for index in 0..people {
        base.insert_balance(address(AccountKind::Person, index), U256::from(10_u64.pow(18)));
    }
    let balances = (0..people).map(|index| (address(AccountKind::Person, index), U256::from(1_000)));
    erc20::place(&mut base, token(), balances, []);
    WorldState::genesis(Arc::new(base), B256::repeat_byte(7))
}

fn token() -> Address {
    address(AccountKind::Contract, 0)
}

const RULES: Rules = Rules { spec: SpecId::OSAKA, chain_id: 7 };

fn header(gas_limit: u64) -> BlockHeader {
    BlockHeader {
        id: BlockId { chain: 0, slot: 3, proposer: 1 },
        parent: Some(BlockId::genesis(0)),
        height: 1,
        slot_start_ns: 6_000_000_000,
        beneficiary: address(AccountKind::Proposer, 1),
        gas_limit,
        gas_used: 0,
        base_fee_wei: 100,
    }
}

/// A token transfer that reserves far more gas than it uses.
fn token_transfer(order: u64, sender: u32, nonce: u64, tip: u64) -> Transaction {
    let to = address(AccountKind::Person, (u64::from(sender) + 1) % 40);
    Transaction {
        id: TxId { producer: 0, sequence: order },
        sender,
        from: address(AccountKind::Person, u64::from(sender)),
        nonce,
        to: TxKind::Call(token()),
        value: U256::ZERO,
        input: erc20::transfer(to, U256::from(1)),
        gas_limit: 200_000,
        max_fee_per_gas: 1_000,
        max_priority_fee_per_gas: tip,
        chain_id: RULES.chain_id,
        access_list: Vec::new(),
    }
}

fn pool_of(transactions: Vec<Transaction>) -> (TransactionLog, Mempool) {
    let (mut log, mut pool) = (TransactionLog::new(), Mempool::new(100_000));
    for transaction in transactions {
        let ix = log.push(transaction);
        pool.insert(&log, ix).unwrap();
    }
    (log, pool)
}

fn build(engine: &BlockExecutor, pool: &(TransactionLog, Mempool), gas_limit: u64) -> BuiltBlock {
    let source = PoolView {
        log: &pool.0,
        pool: &pool.1,
        visible: &|_| true,
        address: &|sender| address(AccountKind::Person, u64::from(sender)),
    };
    let prices = MarketState::flat(100);
    let terms = Terms { market: &Eip1559::MAINNET, prices: &prices };
    engine.build(RULES, &header(gas_limit).to_env(), &genesis(40), source, terms).unwrap()
}

#[test]
fn a_builder_refills_what_transactions_leave_and_equals_one_serial_execution() {
    // 30 people, three transfers each; room for 10 reservations of 200,000, but each uses some 35,000-52,000.
    let transactions =
        (0..90).map(|order| token_transfer(order, (order % 30) as u32, order / 30, 5 + order % 7));
    let pool = pool_of(transactions.collect());
    let engine = executor();
    let built = build(&engine, &pool, 2_000_000);
    assert_eq!(built.rounds, 3);
    assert!(built.transactions.len() > 20, "only {}", built.transactions.len());
    assert!(built.dropped.is_empty());
    assert!(built.executed.output.gas_used <= 2_000_000);

    let envs: Vec<TxEnv> = built.transactions.iter().map(|ix| pool.0.get(*ix).to_env()).collect();
    let once = executor().execute(RULES, &header(2_000_000).to_env(), &genesis(40), envs.clone()).unwrap();
    assert!(once.output.same_results(&built.executed.output));
    assert_eq!(once.trace, built.executed.trace);
    let (a, b) = (once.state.as_ref().unwrap(), built.executed.state.as_ref().unwrap());
    assert_eq!(a.id(), b.id());
    for person in (0..40).map(|index| address(AccountKind::Person, index)) {
        assert_eq!((a.nonce(person), a.balance(person)), (b.nonce(person), b.balance(person)));
    }
    // Threads do not show.
    let threads = std::num::NonZeroUsize::new(3).unwrap();
    let parallel = BlockExecutor::new(Executor::parallel(threads), Arc::new(ExecutionCache::new(0)));
    let again = build(&parallel, &pool, 2_000_000);
    assert_eq!(again.transactions, built.transactions);
    assert!(again.executed.output.same_results(&built.executed.output));
    assert_eq!(again.executed.trace, built.executed.trace);
}

#[test]
fn what_validation_refuses_is_dropped_with_its_successors() {
    let mut transactions: Vec<Transaction> =
        (0..12).map(|order| token_transfer(order, (order % 6) as u32, order / 6, 20 - order)).collect();
    // Person 2 cannot pay for this much value; person 4 signed for another chain.
    transactions[2].value = U256::from(10_u64.pow(19));
    transactions[4].chain_id = 99;
    let pool = pool_of(transactions);
    let built = build(&executor(), &pool, 30_000_000);
    let dropped: Vec<(u32, &str)> =
        built.dropped.iter().map(|drop| (drop.transaction.0, drop.reason.name())).collect();
    assert_eq!(
        dropped,
        [(2, "lack of funds"), (8, "after a dropped one"), (4, "invalid"), (10, "after a dropped one")]
    );
    assert_eq!(built.transactions.len(), 8);
    assert_eq!(built.executed.output.receipts.len(), 8);
}

#[test]
fn the_same_block_is_executed_once() {
    let cache = Arc::new(ExecutionCache::new(10));
    let engine = BlockExecutor::new(Executor::serial(), cache.clone());
    let envs = |tip| vec![token_transfer(0, 0, 0, tip).to_env()];
    let env = header(1_000_000).to_env();
    let first = engine.execute(RULES, &env, &genesis(40), envs(5)).unwrap();
    let second = engine.clone().execute(RULES, &env, &genesis(40), envs(5)).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    let other = engine.execute(RULES, &env, &genesis(40), envs(6)).unwrap();
    assert!(
        !Arc::ptr_eq(&first, &other)
            && first.state.as_ref().unwrap().id() != other.state.as_ref().unwrap().id()
    );
    assert_eq!(cache.stats(), (2, 1));
    let next = engine.execute(RULES, &env, other.state.as_ref().unwrap(), vec![]).unwrap();
    assert_eq!(next.state.as_ref().unwrap().nonce(address(AccountKind::Person, 0)), 1);
}

#[test]
fn transfers_of_one_token_between_different_people_do_not_conflict() {
    let transactions = (0..20).map(|order| {
        let mut transaction = token_transfer(order, order as u32, 0, 5);
        let to = address(AccountKind::Person, 20 + order);
        transaction.input = erc20::transfer(to, U256::from(1));
        transaction
    });
    let pool = pool_of(transactions.collect());
    let built = build(&executor(), &pool, 30_000_000);
    assert_eq!(built.transactions.len(), 20);
    let plan = plan("revm43-memory-2026", Algorithm::BlockStm);
    let timer = BlockTimer::new(&plan).unwrap();
    let work = built.executed.trace.work(timer.rates());
    assert_eq!(bounds::critical_path_ps(&work), work.longest_ps());
    // A chain instead: everyone pays the next one.
    let chain = (0..20).map(|order| token_transfer(order, order as u32, 0, 100 - order)).collect();
    let built = build(&executor(), &pool_of(chain), 30_000_000);
    let work = built.executed.trace.work(timer.rates());
    assert!(bounds::critical_path_ps(&work) > work.total_ps() * 9 / 10);
}

#[test]
fn the_parts_of_a_block_time_add_up() {
    let transactions = (0..20).map(|order| token_transfer(order, order as u32, 0, 5));
    let built = build(&executor(), &pool_of(transactions.collect()), 30_000_000);
    let trace = &built.executed.trace;
    let plan = plan("disk-2026", Algorithm::Serial);
    let timer = BlockTimer::new(&plan).unwrap();
    let time = timer.time(trace, 8);
    // 20 senders on 8 cores: three rounds, at the speed of eight busy cores.
    assert_eq!(time.recovery_ps, (3 * plan.profile.sender_recovery_ps * 1_000_000).div_ceil(850_000));
    assert_eq!(time.schedule.total_ps, trace.work(timer.rates()).total_ps());
    assert_eq!(time.state_root_ps, trace.touched_keys * plan.profile.state_root_key_ps);
    assert_eq!(time.duration_ns(1_000_000), time.total_ps().div_ceil(1_000));
    assert_eq!(time.duration_ns(2_000_000), time.total_ps().div_ceil(2).div_ceil(1_000));
    let machine = Machine { cores: 8, speed_ppm: 500_000 };
    let record = timer.record(trace, machine);
    assert_eq!(record.serial_ns, record.scheduled_ns);
    assert_eq!(record.scheduled_ns, timer.duration_ns(trace, machine));
    assert_eq!((record.cores, record.utilisation_ppm, record.extrapolated), (1, 1_000_000, false));
    let order = plan.profile.unit_ps.keys().position(|class| class == "transaction").unwrap();
    assert_eq!(record.work[order], 20);
}

#[test]
fn the_built_in_profiles_are_sound() {
    for name in profile::names() {
        let profile = profile::named(name).unwrap();
        assert_eq!(profile.name, name);
        assert!(!profile.source.is_empty());
    }
    assert_eq!(profile::named("no such profile"), None);
}

#[test]
fn a_wrong_class_is_an_error_that_helps() {
    let mut wrong = profile::named("disk-2026").unwrap();
    let price = wrong.unit_ps.remove("storage_write").unwrap();
    let missing = profile::Rates::new(&wrong).unwrap_err();
    assert!(missing.to_string().contains("no price for the class of work \"storage_write\""), "{missing}");
    wrong.unit_ps.insert("storage_writes".into(), price);
    let unknown = profile::Rates::new(&wrong).unwrap_err();
    assert!(unknown.to_string().contains("did you mean \"storage_write\""), "{unknown}");
    let mut still = profile::named("disk-2026").unwrap();
    still.core_efficiency_ppm = vec![1_000_000, 0];
    assert!(matches!(profile::Rates::new(&still), Err(profile::ProfileError::Efficiency { .. })));
}

/// Deltas over 3 accounts and 3 slots: every kind of change, deletion and re-creation included.
fn any_delta() -> impl Strategy<Value = StateDelta> {
    let storage = prop::collection::btree_map(0_u64..3, 0_u64..3, 0..3);
    let account = (0_u8..3, 0_u64..4, any::<bool>(), storage);
    prop::collection::btree_map(0_u8..3, account, 0..3).prop_map(|accounts| {
        let mut delta = StateDelta::default();
        for (index, (kind, number, cleared, storage)) in accounts {
            let fields =
                AccountFields { nonce: number, balance: U256::from(number), code_hash: KECCAK256_EMPTY };
            let info = match kind {
                0 => AccountChange::Unchanged,
                1 => AccountChange::Updated(fields),
                _ => AccountChange::Deleted,
            };
            let deleted = kind == 2;
            let slots = storage.into_iter().map(|(slot, value)| (U256::from(slot), U256::from(value)));
            let change = AccountDelta {
                info,
                storage_cleared: cleared || deleted,
                storage: if deleted { Default::default() } else { slots.collect() },
            };
            delta.accounts.insert(Address::repeat_byte(index), change);
        }
        delta
    })
}

proptest! {
    #[test]
    fn a_forked_state_equals_a_plain_one(deltas in prop::collection::vec(any_delta(), 0..8)) {
        let mut plain = MemoryState::new();
        plain.insert_balance(Address::repeat_byte(0), U256::from(9));
        plain.insert_storage(Address::repeat_byte(0), U256::from(1), U256::from(8));
        plain.insert_storage(Address::repeat_byte(1), U256::from(2), U256::from(8));
        let mut state = WorldState::genesis(Arc::new(plain.clone()), B256::ZERO);
        let mut earlier = Vec::new();
        for delta in &deltas {
            earlier.push((plain.clone(), state.clone()));
            plain.apply(delta);
            state = state.apply(delta, B256::ZERO);
        }
        earlier.push((plain, state));
        // All of them: later changes must not reach into earlier states.
        for (plain, state) in &earlier {
            for account in (0..3).map(Address::repeat_byte) {
                prop_assert_eq!(plain.account(account).unwrap(), state.account(account).unwrap());
                for slot in (0..3).map(U256::from) {
                    prop_assert_eq!(plain.storage(account, slot), state.storage(account, slot));
                }
            }
        }
    }
}
