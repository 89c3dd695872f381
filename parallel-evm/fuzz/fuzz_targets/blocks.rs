//! Blocks made from a fuzzer's bytes: the parallel engine, disturbed in every way, against the serial one, and
//! that against plain revm. The generator is that of the `equivalence` test.
//!
//! `cargo +nightly fuzz run blocks` in `parallel-evm`; with a stable toolchain, and without the address sanitizer,
//! `cargo fuzz run --sanitizer none blocks`.
#![no_main]

#[path = "../../tests/equivalence/random/mod.rs"]
#[allow(dead_code, reason = "the test counts what came up, this does not")]
mod random;
#[path = "../../tests/equivalence/reference.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;
use parallel_evm::{Executor, Stress};
use random::{Draws, RandomBlock};
use std::num::NonZeroUsize;

fuzz_target!(|bytes: &[u8]| {
    let mut random = RandomBlock::from_draws(Draws::from_bytes(bytes));
    let seed = bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    // As drawn, with whatever is invalid in it.
    compare(&random, seed);
    random.settle();
    compare(&random, seed ^ 1);
    if let Ok(serial) = Executor::serial().execute(&random.block, &random.state) {
        reference::compare(seed, &random, &serial);
    }
});

fn compare(random: &RandomBlock, seed: u64) {
    let serial = Executor::serial().execute(&random.block, &random.state);
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
}
