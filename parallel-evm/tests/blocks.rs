//! Real main-net blocks: gas, logs and receipts must be those of the chain, whatever the engine.

use parallel_evm::{BlockOutput, Executor, PreState, evm_block};
use std::{io::Write, num::NonZeroUsize, path::PathBuf};

fn block_files() -> Option<Vec<PathBuf>> {
    let Ok(folder) = std::env::var("LIGHTCONE_DATA") else {
        // Not by a print macro: the test harness would swallow it.
        std::io::stderr().write_all(b"skipped: LIGHTCONE_DATA not set\n").unwrap();
        return None;
    };
    Some(evm_block::list(PathBuf::from(folder).join("blocks")).unwrap())
}

#[test]
fn every_block_yields_what_the_chain_recorded_from_every_engine() {
    let Some(files) = block_files() else { return };
    assert!(!files.is_empty(), "no blocks found");
    for path in files {
        let loaded = evm_block::read(&path).unwrap();
        let serial = Executor::serial().execute(&loaded.block, &loaded.pre_state).unwrap();
        evm_block::verify(&loaded, &serial).unwrap_or_else(|error| panic!("{}: {error}", loaded.name));
        reports_are_sound(&loaded.name, &serial);
        let silent =
            Executor::serial().with_reports(false).execute(&loaded.block, &loaded.pre_state).unwrap();
        assert!(silent.transactions.is_empty());
        assert_eq!((&silent.receipts, &silent.state), (&serial.receipts, &serial.state), "{}", loaded.name);
        for threads in [1, 2, 4, 8] {
            let executor =
                Executor::parallel(NonZeroUsize::new(threads).unwrap()).with_small_blocks_serial(false);
            let parallel = executor.execute(&loaded.block, &loaded.pre_state).unwrap();
            assert!(parallel.same_results(&serial), "{} on {threads} threads", loaded.name);
            assert_eq!(parallel.state.digest(), serial.state.digest());
        }
        let mut after = loaded.pre_state.clone();
        after.apply(&serial.state);
        for (address, change) in &serial.state.accounts {
            for (slot, value) in &change.storage {
                assert_eq!(after.storage(*address, *slot).unwrap(), *value);
            }
        }
    }
}

fn reports_are_sound(name: &str, output: &BlockOutput) {
    assert_eq!(output.transactions.len(), output.receipts.len());
    for (index, report) in output.transactions.iter().enumerate() {
        assert!(report.reads.is_sorted_by(|a, b| a.location < b.location), "{name}, transaction {index}");
        assert!(report.writes.is_sorted_by(|a, b| a < b), "{name}, transaction {index}");
        for access in &report.reads {
            assert!(access.prefix.is_within(&report.work), "{name}, transaction {index}: {access:?}");
        }
        assert_eq!(report.gas_used, output.receipts[index].gas_used);
    }
}
