//! Random blocks full of conflicts: the parallel engine must yield what the serial one yields, and the serial
//! one what plain revm yields. Every block is a function of its number; a failure names it.

mod coverage;
mod jitter;
mod random;
mod reference;

use coverage::Coverage;
use jitter::Jitter;
use parallel_evm::{BlockOutput, ExecuteError, Executor, InvalidReason, PreState, Stress};
use random::RandomBlock;
use std::{collections::BTreeMap, num::NonZeroUsize};

/// Blocks per test run; `EQUIVALENCE_BLOCKS` overrides it, `EQUIVALENCE_FROM` is the number of the first.
fn blocks() -> std::ops::Range<u64> {
    let given = |name: &str| std::env::var(name).ok().and_then(|count| count.parse().ok());
    let from = given("EQUIVALENCE_FROM").unwrap_or(0);
    from..from + given("EQUIVALENCE_BLOCKS").unwrap_or(2_000)
}

fn parallel(threads: usize) -> Executor {
    Executor::parallel(NonZeroUsize::new(threads).unwrap()).with_small_blocks_serial(false)
}

#[test]
fn random_conflicting_blocks_yield_the_same_from_every_engine() {
    let mut seen = Coverage::default();
    let numbers = blocks();
    let count = numbers.end - numbers.start;
    for seed in numbers {
        let mut random = RandomBlock::new(seed);
        // As drawn, it may be invalid.
        let serial = Executor::serial().execute(&random.block, &random.state);
        agrees(&serial, &parallel(3), &random, &random.state, &format!("block {seed} as drawn"));
        // Without reports transfers are executed without an EVM; invalid ones must be found out all the same.
        for silent in [Executor::serial(), parallel(2)] {
            let silent = silent.with_reports(false).execute(&random.block, &random.state);
            assert_eq!(
                silent.map(|output| output.receipts),
                serial.as_ref().map(|output| output.receipts.clone()).map_err(Clone::clone),
                "block {seed} as drawn, without reports"
            );
        }
        seen.invalid += u64::from(serial.is_err());
        random.settle();
        let serial = Executor::serial().execute(&random.block, &random.state);
        for threads in [1, 2, 4, 8] {
            // Undisturbed, with checks that fail for no reason, on wrong balances: in turn.
            let executor = match (seed + threads as u64) % 3 {
                0 => parallel(threads),
                1 => parallel(threads).with_stress(Stress { seed, delays: 10, aborts: 20, pretend: false }),
                _ => parallel(threads).with_stress(Stress { seed, delays: 10, aborts: 0, pretend: true }),
            };
            let state = Jitter::new(&random.state, seed);
            let name = format!("block {seed}, {threads} threads");
            if let Some(parallel) = agrees(&serial, &executor, &random, &state, &name) {
                seen.aborts += parallel.diagnostics.aborts;
                seen.waits += parallel.diagnostics.waits;
            }
        }
        let serial = serial.unwrap_or_else(|error| panic!("block {seed} is settled, but: {error}"));
        let aborts = Stress { seed, delays: 10, aborts: 20, pretend: false };
        let pretends = Stress { seed, delays: 10, aborts: 0, pretend: true };
        let stressed = parallel(3).with_stress(if seed % 2 == 0 { aborts } else { pretends });
        for silent in [Executor::serial(), parallel(2), stressed] {
            let state = Jitter::new(&random.state, seed);
            let silent = silent.with_reports(false).execute(&random.block, &state).unwrap();
            assert_eq!(silent.receipts, serial.receipts, "block {seed}: reports change the result");
            assert_eq!(silent.state, serial.state, "block {seed}: reports change the result");
        }
        reference::compare(seed, &random, &serial);
        seen.block(&random, &serial);
    }
    println!("{count} blocks: {seen:#?}");
    seen.suffices(count);
}

/// Executes the block with an engine, which must yield what the serial one did. Returns the output.
fn agrees(
    serial: &Result<BlockOutput, ExecuteError>,
    executor: &Executor,
    random: &RandomBlock,
    state: &dyn PreState,
    name: &str,
) -> Option<BlockOutput> {
    let parallel = executor.execute(&random.block, state);
    match (serial, parallel) {
        (Ok(serial), Ok(parallel)) => {
            assert_eq!(serial.receipts, parallel.receipts, "{name}");
            assert_eq!(serial.state, parallel.state, "{name}");
            assert_eq!(serial.transactions, parallel.transactions, "{name}");
            assert!(serial.same_results(&parallel), "{name}");
            assert_eq!(serial.state.digest(), parallel.state.digest(), "{name}");
            Some(parallel)
        }
        (Err(serial), Err(parallel)) => {
            assert_eq!(*serial, parallel, "{name}");
            None
        }
        (serial, parallel) => panic!("{name}: {serial:?} but {parallel:?}"),
    }
}

#[test]
fn what_spoils_a_block_is_found_where_it_is_by_every_engine() {
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..800 {
        let mut random = RandomBlock::new(seed);
        random.settle();
        if random.block.transactions.is_empty() {
            continue;
        }
        let spoilt = random.spoil(seed);
        let serial = Executor::serial().execute(&random.block, &random.state).unwrap_err();
        let ExecuteError::InvalidTransaction { index, reason } = &serial else { panic!("{serial:?}") };
        assert_eq!(*index, spoilt, "block {seed}: {reason}");
        let reason = match reason {
            InvalidReason::Transaction(reason) => format!("{reason:?}"),
            other => format!("{other:?}"),
        };
        let name: String = reason.chars().take_while(|c| c.is_alphanumeric()).collect();
        *reasons.entry(name).or_default() += 1;
        for (threads, reports) in [(1, true), (3, false), (8, true)] {
            let executor = parallel(threads).with_reports(reports);
            let parallel = executor.execute(&random.block, &random.state).unwrap_err();
            assert_eq!(serial, parallel, "block {seed}, {threads} threads");
        }
    }
    println!("{reasons:#?}");
    for expected in [
        "NonceTooHigh",
        "NonceTooLow",
        "BlockGasLimit",
        "InvalidChainId",
        "CallGasCostMoreThanGasLimit",
        "GasPriceLessThanBasefee",
        "PriorityFeeGreaterThanMaxFee",
        "EmptyBlobs",
        "BlobVersionNotSupported",
        "EmptyAuthorizationList",
        "CreateInitCodeSizeLimit",
    ] {
        assert!(reasons.contains_key(expected), "{expected} never came up: {reasons:?}");
    }
}
