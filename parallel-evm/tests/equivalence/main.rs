//! Random blocks full of conflicts: the parallel engine must yield what the serial one yields, and the serial
//! one what plain revm yields. Every block is a function of its number; a failure names it.

mod jitter;
mod random_block;
mod reference;

use jitter::Jitter;
use parallel_evm::{AccountChange, BlockOutput, ExecuteError, Executor, Stress};
use random_block::RandomBlock;
use std::num::NonZeroUsize;

/// Blocks per test run; `EQUIVALENCE_BLOCKS` overrides it.
fn block_count() -> u64 {
    std::env::var("EQUIVALENCE_BLOCKS").ok().and_then(|count| count.parse().ok()).unwrap_or(3_000)
}

#[test]
fn random_conflicting_blocks_yield_the_same_from_every_engine() {
    let mut seen = Seen::default();
    let count = block_count();
    for seed in 0..count {
        let random = RandomBlock::new(seed);
        let serial = Executor::serial().execute(&random.block, &random.state);
        for threads in [1, 2, 4, 8] {
            let executor = Executor::parallel(NonZeroUsize::new(threads).unwrap());
            // Undisturbed, with checks that fail for no reason, on wrong balances: in turn.
            let executor = match (seed + threads as u64) % 3 {
                0 => executor.with_small_blocks_serial(false),
                1 => executor.with_stress(Stress { seed, delays: 10, aborts: 20, pretend: false }),
                _ => executor.with_stress(Stress { seed, delays: 10, aborts: 0, pretend: true }),
            };
            let parallel = executor.execute(&random.block, &Jitter::new(&random.state, seed));
            match (&serial, &parallel) {
                (Ok(serial), Ok(parallel)) => {
                    assert_eq!(serial.receipts, parallel.receipts, "block {seed}, {threads} threads");
                    assert_eq!(serial.state, parallel.state, "block {seed}, {threads} threads");
                    assert_eq!(serial.transactions, parallel.transactions, "block {seed}, {threads} threads");
                    assert!(serial.same_results(parallel), "block {seed}, {threads} threads");
                    assert_eq!(serial.state.digest(), parallel.state.digest());
                    seen.aborts += parallel.diagnostics.aborts;
                    seen.waits += parallel.diagnostics.waits;
                }
                (Err(serial), Err(parallel)) => {
                    assert_eq!(serial, parallel, "block {seed}, {threads} threads")
                }
                _ => panic!("block {seed}, {threads} threads: {serial:?} but {parallel:?}"),
            }
        }
        if let Ok(serial) = &serial {
            seen.block(serial);
            let silent =
                Executor::serial().with_reports(false).execute(&random.block, &random.state).unwrap();
            assert_eq!(silent.receipts, serial.receipts, "block {seed}: reports change the result");
            assert_eq!(silent.state, serial.state, "block {seed}: reports change the result");
            reference::compare(seed, &random, serial);
        }
    }
    println!("{count} blocks: {seen:?}");
    assert!(seen.valid * 2 > count, "too few valid blocks to show anything: {seen:?}");
    let enough = [seen.aborts, seen.waits, seen.reverted, seen.deleted, seen.created];
    assert!(enough.iter().all(|times| *times > count / 8), "too little happened: {seen:?}");
}

/// What the random blocks covered.
#[derive(Debug, Default)]
struct Seen {
    valid: u64,
    aborts: u64,
    waits: u64,
    reverted: u64,
    deleted: u64,
    created: u64,
    delegated: u64,
}

impl Seen {
    fn block(&mut self, output: &BlockOutput) {
        self.valid += 1;
        self.reverted += output.receipts.iter().filter(|receipt| !receipt.success).count() as u64;
        for change in output.state.accounts.values() {
            self.deleted += u64::from(matches!(change.info, AccountChange::Deleted));
            self.created += u64::from(change.storage_cleared);
        }
        self.delegated += output.state.codes.values().filter(|code| code.is_eip7702()).count() as u64;
    }
}

#[test]
fn errors_are_those_of_the_lowest_index_from_every_engine() {
    let mut kinds = [0_u32; 4];
    for seed in 0..200 {
        let mut random = RandomBlock::new(seed);
        let spoilt = random.spoil(seed);
        let serial = Executor::serial().execute(&random.block, &random.state).unwrap_err();
        let ExecuteError::InvalidTransaction { index, .. } = &serial else { panic!("{serial:?}") };
        assert!(*index <= spoilt);
        kinds[(seed % 4) as usize] += 1;
        for threads in [1, 3, 8] {
            let executor = Executor::parallel(NonZeroUsize::new(threads).unwrap())
                .with_reports(false)
                .with_small_blocks_serial(false);
            let parallel = executor.execute(&random.block, &random.state).unwrap_err();
            assert_eq!(serial, parallel, "block {seed}, {threads} threads");
        }
    }
    assert_eq!(kinds, [50; 4]);
}
