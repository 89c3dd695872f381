//! Blocks made from a fuzzer's bytes: the parallel engine, disturbed in every way, against the serial one, and
//! that against plain revm. The generator is that of the `equivalence` test.
//!
//! `cargo +nightly fuzz run blocks` in `parallel-evm`.
#![no_main]

#[path = "../../tests/equivalence/random_block.rs"]
#[allow(dead_code)]
mod random_block;
#[path = "../../tests/equivalence/reference.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;
use parallel_evm::{Executor, Stress};
use random_block::{Draws, RandomBlock};
use std::num::NonZeroUsize;

fuzz_target!(|bytes: &[u8]| {
    let random = RandomBlock::from_draws(Draws::from_bytes(bytes));
    let serial = Executor::serial().execute(&random.block, &random.state);
    let seed = bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    for threads in [1, 3] {
        let executor = Executor::parallel(NonZeroUsize::new(threads).unwrap());
        for (aborts, pretend) in [(20, false), (0, true)] {
            let stress = Stress { seed, delays: 10, aborts, pretend };
            match (&serial, executor.with_stress(stress).execute(&random.block, &random.state)) {
                (Ok(serial), Ok(parallel)) => assert!(serial.same_results(&parallel), "{threads}, {stress:?}"),
                (Err(serial), Err(parallel)) => assert_eq!(*serial, parallel, "{threads}, {stress:?}"),
                (serial, parallel) => panic!("{serial:?} but {parallel:?}, {threads}, {stress:?}"),
            }
        }
    }
    if let Ok(serial) = &serial {
        reference::compare(seed, &random, serial);
    }
});
