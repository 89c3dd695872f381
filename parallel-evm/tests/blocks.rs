//! Real main-net blocks: gas, logs and receipts must be those of the chain, whatever the engine.

#[path = "support/data.rs"]
mod data;

use parallel_evm::{BlockOutput, Executor, PreState, evm_block};
use std::{collections::BTreeMap, num::NonZeroUsize};

/// Blocks of no chain, with the gas that other executions of them used.
const SYNTHETIC: [(&str, u64); 4] = [
    ("synth_erc20_indep", 53_875_960),
    ("synth_erc20_clusters", 68_714_084),
    ("synth_univ3_indep", 59_494_100),
    ("synth_univ3_onepool", 55_811_003),
];

#[test]
fn every_block_yields_what_the_chain_recorded_from_every_engine() {
    let Some(folder) = data::part("blocks") else { return };
    let files = evm_block::list(folder).unwrap();
    let mut forks: BTreeMap<String, usize> = BTreeMap::new();
    let (mut transactions, mut roots) = (0, 0);
    for path in &files {
        let loaded = evm_block::read(path).unwrap();
        let serial = Executor::serial().execute(&loaded.block, &loaded.pre_state).unwrap();
        evm_block::verify(&loaded, &serial).unwrap_or_else(|error| panic!("{}: {error}", loaded.name));
        // Whatever is known of the header has been compared: nothing may be missing unnoticed.
        if let Some((_, gas)) = SYNTHETIC.iter().find(|(name, _)| *name == loaded.name) {
            assert_eq!(serial.gas_used, *gas, "{}", loaded.name);
        } else {
            assert!(loaded.expected.gas_used.is_some(), "{} states no gas", loaded.name);
        }
        if loaded.header.is_some() {
            assert!(loaded.expected.logs_bloom.is_some(), "{} states no bloom filter", loaded.name);
            let known = loaded.expected.receipts_root.is_some();
            assert_eq!(known, serial.receipts_root().is_some(), "{}: receipts root", loaded.name);
            roots += usize::from(known);
        }
        *forks.entry(format!("{:?}", loaded.block.spec)).or_default() += 1;
        transactions += loaded.block.transactions.len();
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
            let silent = executor.with_reports(false).execute(&loaded.block, &loaded.pre_state).unwrap();
            assert_eq!(
                (&silent.receipts, &silent.state),
                (&serial.receipts, &serial.state),
                "{}",
                loaded.name
            );
        }
        let mut after = loaded.pre_state.clone();
        after.apply(&serial.state);
        for (address, change) in &serial.state.accounts {
            for (slot, value) in &change.storage {
                assert_eq!(after.storage(*address, *slot).unwrap(), *value);
            }
        }
    }
    data::say(&format!(
        "blocks: {} verified, {roots} with their receipts root, {transactions} transactions, serially and on 1, 2, 4, 8 \
         threads {forks:?}",
        files.len(),
    ));
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
