//! Whole blocks: plain revm, our serial engine with and without reports, the parallel engine.
//!
//! Compare within one run only. Every variant of a block is measured on the same pre-state; building the
//! state is not measured, collecting the output is.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parallel_evm::{
    Address, Block, BlockEnv, Executor, MemoryState, SpecId, TxEnv, TxKind, U256,
    contracts::{amm, compute, erc20, nft},
    evm_block,
};
use revm::{Context, ExecuteCommitEvm, MainBuilder, MainContext, context::CfgEnv, database::CacheDB};
#[path = "../tests/support/plain.rs"]
mod plain;

use plain::Pre;
use std::{hint::black_box, num::NonZeroUsize, path::PathBuf, time::Duration};

struct Case {
    name: String,
    block: Block,
    state: MemoryState,
}

fn real_cases() -> Vec<Case> {
    let Ok(folder) = std::env::var("LIGHTCONE_DATA") else {
        eprintln!("skipped real blocks: LIGHTCONE_DATA not set");
        return Vec::new();
    };
    let files = evm_block::list(PathBuf::from(folder).join("blocks")).expect("a folder with blocks");
    let load = |path| {
        let loaded = evm_block::read(path).expect("a block file");
        Case { name: loaded.name, block: loaded.block, state: loaded.pre_state }
    };
    files.into_iter().map(load).filter(|case| !case.block.transactions.is_empty()).collect()
}

fn user(index: usize) -> Address {
    Address::from_word(U256::from(0x1000 + index).into())
}

/// One transaction by each of `users` users, against contracts placed beforehand.
fn synthetic(name: &str, users: usize, input: impl Fn(usize) -> (Address, parallel_evm::Bytes)) -> Case {
    let mut state = MemoryState::new();
    let all = || (0..users).map(user);
    for sender in all() {
        state.insert_balance(sender, U256::from(10).pow(U256::from(20)));
    }
    for token in [TOKEN0, TOKEN1] {
        erc20::place(&mut state, token, all().map(|owner| (owner, U256::from(1_000_000_000))), []);
    }
    let reserve = U256::from(10).pow(U256::from(15));
    let pool = amm::Pool {
        address: MARKET,
        token0: TOKEN0,
        token1: TOKEN1,
        reserve0: reserve,
        reserve1: reserve,
        provider: user(0),
    };
    pool.place(&mut state, all());
    nft::place(&mut state, COLLECTION, []);
    compute::place(&mut state, COMPUTER);
    let transactions = (0..users).map(|index| {
        let (to, data) = input(index);
        TxEnv {
            caller: user(index),
            kind: TxKind::Call(to),
            data,
            gas_limit: 1_000_000,
            gas_price: 1,
            chain_id: Some(1),
            ..TxEnv::default()
        }
    });
    let env = BlockEnv { beneficiary: Address::repeat_byte(0xfe), ..BlockEnv::default() };
    let block = Block { spec: SpecId::OSAKA, chain_id: 1, env, transactions: transactions.collect() };
    Case { name: name.to_owned(), block, state }
}

const TOKEN0: Address = Address::repeat_byte(0xd0);
const TOKEN1: Address = Address::repeat_byte(0xd1);
const MARKET: Address = Address::repeat_byte(0xd2);
const COLLECTION: Address = Address::repeat_byte(0xd3);
const COMPUTER: Address = Address::repeat_byte(0xd4);

fn synthetic_cases() -> Vec<Case> {
    vec![
        synthetic("erc20 transfers, independent", 500, |index| {
            (TOKEN0, erc20::transfer(user(10_000 + index), U256::from(5)))
        }),
        synthetic("amm swaps, one pool", 200, |index| {
            (MARKET, amm::swap(index % 2 == 0, U256::from(1_000), U256::ONE))
        }),
        synthetic("nft mints", 200, |_| (COLLECTION, nft::mint())),
        synthetic("compute, independent", 100, |index| {
            (COMPUTER, compute::mulmod_loop(3_000, U256::from(index)))
        }),
    ]
}

fn plain_revm(case: &Case) -> u64 {
    let mut cfg = CfgEnv::new_with_spec(case.block.spec);
    cfg.chain_id = case.block.chain_id;
    let mut evm = Context::mainnet()
        .with_db(CacheDB::new(Pre(&case.state)))
        .with_cfg(cfg)
        .with_block(case.block.env.clone())
        .build_mainnet();
    let transactions = case.block.transactions.iter();
    transactions.map(|tx| evm.transact_commit(tx.clone()).expect("valid").tx_gas_used()).sum()
}

fn blocks(criterion: &mut Criterion) {
    let threads = |count| Executor::parallel(NonZeroUsize::new(count).expect("not zero"));
    let executors = [
        ("serial", Executor::serial().with_reports(false)),
        ("serial, reports", Executor::serial()),
        ("parallel 1", threads(1).with_reports(false)),
        ("parallel 2", threads(2).with_reports(false)),
        ("parallel 2, reports", threads(2)),
    ];
    for case in real_cases().into_iter().chain(synthetic_cases()) {
        let gas = plain_revm(&case);
        let mut group = criterion.benchmark_group(&case.name);
        group.throughput(Throughput::Elements(gas));
        group.bench_function(BenchmarkId::from_parameter("plain revm"), |bencher| {
            bencher.iter(|| black_box(plain_revm(&case)));
        });
        for (name, executor) in executors {
            let output = executor.execute(&case.block, &case.state).expect("valid");
            assert_eq!(output.gas_used, gas, "{}: {name}", case.name);
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| black_box(executor.execute(&case.block, &case.state).expect("valid")));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500));
    targets = blocks
}
criterion_main!(benches);
