//! The Ethereum state tests (GeneralStateTest format), Frontier to Osaka: state root and logs must be those the
//! test lists, from the serial engine and from executions ahead that were given wrong balances and nonces. A case
//! is one transaction; threads have something to do only in a block of several, so each case is also executed as
//! a block of repetitions, which must come out serially as on 1, 2, 4 and 8 threads.

mod case;
#[path = "../support/data.rs"]
mod data;
mod root;

use case::{Case, Rejected};
use parallel_evm::{Block, BlockOutput, ExecuteError, Executor, Stress, TxEnv};
use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

/// Test functions that share the files, so that they run side by side.
const SHARDS: usize = 4;

/// Transactions in the block that is made of a case.
const REPETITIONS: u64 = 4;

fn files() -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(&data::part("evm-tests")?, &mut found);
    found.sort();
    if found.is_empty() {
        data::say("skipped: no state tests in evm-tests");
        return None;
    }
    Some(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

/// Cases by fork, and failures.
#[derive(Default)]
struct Tally {
    cases: BTreeMap<String, usize>,
    /// By fork, with the reason.
    skipped: BTreeMap<String, usize>,
    rejected: usize,
    /// Executions ahead, of single transactions on wrong values, that were committed.
    ahead: u64,
    /// Blocks of repetitions that are valid.
    repeated: usize,
    failures: Vec<String>,
}

fn shard(number: usize) {
    let Some(files) = files() else { return };
    let mut tally = Tally::default();
    let mut listed = 0;
    for path in files.iter().skip(number).step_by(SHARDS) {
        let text = fs::read_to_string(path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (name, test) in file.as_object().expect("tests by name") {
            let posts = test["post"].as_object().expect("results by fork").values();
            listed += posts.map(|posts| posts.as_array().map_or(0, Vec::len)).sum::<usize>();
            let skipped = case::each(test, |fork, index, case| {
                let name = format!("{}: {name}, {fork}, {index}", path.display());
                let checked = check(&case, &mut tally);
                tally.failures.extend(checked.err().map(|what| format!("{name}: {what}")));
                *tally.cases.entry(fork.to_owned()).or_default() += 1;
            });
            skipped.into_iter().for_each(|(why, cases)| *tally.skipped.entry(why).or_default() += cases);
        }
    }
    let total: usize = tally.cases.values().sum();
    let skipped: usize = tally.skipped.values().sum();
    data::say(&format!(
        "state tests {} of {SHARDS}: {total} cases run {:?}, {} rejected as they must be, {} of {} executions on \
         wrong values held, {} valid blocks of {REPETITIONS} repetitions on 1, 2, 4, 8 threads; {skipped} skipped {:?}",
        number + 1,
        tally.cases,
        tally.rejected,
        tally.ahead,
        2 * total,
        tally.repeated,
        tally.skipped,
    ));
    assert!(tally.failures.is_empty(), "{} failed:\n{}", tally.failures.len(), tally.failures.join("\n"));
    assert_eq!(total + skipped, listed, "a case was dropped");
    assert!(tally.ahead as usize > total / 2, "executions ahead hardly ever held: {}", tally.ahead);
    assert!(tally.repeated > total / 2, "hardly any block of repetitions was valid: {}", tally.repeated);
}

fn check(case: &Case, tally: &mut Tally) -> Result<(), String> {
    let Ok(block) = &case.block else {
        tally.rejected += 1;
        return match case.must_reject {
            true => Ok(()),
            false => Err("the transaction cannot be decoded".to_owned()),
        };
    };
    let serial = Executor::serial().execute(block, &case.state);
    verify(case, &serial)?;
    tally.rejected += usize::from(serial.is_err());
    // Without reports, ordinary transfers are executed without an EVM.
    let silent = Executor::serial().with_reports(false).execute(block, &case.state);
    verify(case, &silent).map_err(|what| format!("without reports: {what}"))?;
    match (&serial, &silent) {
        (Ok(serial), Ok(silent)) if serial.receipts != silent.receipts || serial.state != silent.state => {
            return Err(format!("without reports: {}", difference(serial, silent)));
        }
        (Err(serial), Err(silent)) if serial != silent => {
            return Err(format!("without reports: {silent}, with: {serial}"));
        }
        _ => {}
    }
    for seed in 0..2 {
        // Small numbers of threads do not matter for one transaction; wrong values do.
        let stress = Stress { seed, pretend: true, ..Stress::default() };
        let executor = Executor::parallel(NonZeroUsize::MIN).with_stress(stress);
        let ahead = executor.execute(block, &case.state);
        verify(case, &ahead).map_err(|what| format!("executed ahead, seed {seed}: {what}"))?;
        match (&serial, &ahead) {
            (Ok(serial), Ok(ahead)) if !serial.same_results(ahead) => {
                return Err(format!("executed ahead, seed {seed}: {}", difference(serial, ahead)));
            }
            (Err(serial), Err(ahead)) if serial != ahead => {
                return Err(format!("executed ahead, seed {seed}: {ahead}, serially: {serial}"));
            }
            _ => {}
        }
        tally.ahead += ahead.map_or(0, |ahead| u64::from(ahead.diagnostics.aborts == 0));
    }
    tally.repeated += usize::from(repeat(case, block)?);
    Ok(())
}

/// Executes a block of the case's transaction several times, with ascending nonces, on every number of threads.
/// Returns whether the block is valid; if it is not, all must say so alike.
fn repeat(case: &Case, block: &Block) -> Result<bool, String> {
    let once = &block.transactions[0];
    let nonces = (0..REPETITIONS).map(|more| once.nonce.saturating_add(more));
    let mut block = block.clone();
    block.transactions = nonces.map(|nonce| TxEnv { nonce, ..once.clone() }).collect();
    block.env.gas_limit = block.env.gas_limit.saturating_mul(REPETITIONS);
    let serial = Executor::serial().execute(&block, &case.state);
    for threads in [1, 2, 4, 8] {
        let executor =
            Executor::parallel(NonZeroUsize::new(threads).unwrap()).with_small_blocks_serial(false);
        match (&serial, &executor.execute(&block, &case.state)) {
            (Ok(serial), Ok(parallel)) if !serial.same_results(parallel) => {
                return Err(format!("repeated, {threads} threads: {}", difference(serial, parallel)));
            }
            (Ok(_), Ok(_)) => {}
            (Err(serial), Err(parallel)) if serial == parallel => {}
            (serial, parallel) => {
                let (serial, parallel) = (serial.as_ref().err(), parallel.as_ref().err());
                return Err(format!("repeated, {threads} threads: {parallel:?}, serially {serial:?}"));
            }
        }
    }
    Ok(serial.is_ok())
}

fn difference(a: &BlockOutput, b: &BlockOutput) -> String {
    if a.receipts != b.receipts {
        format!("receipts {:?}, serially {:?}", b.receipts, a.receipts)
    } else if a.state != b.state {
        format!("state {:?}, serially {:?}", b.state, a.state)
    } else {
        format!("report {:?}, serially {:?}", b.transactions, a.transactions)
    }
}

fn verify(case: &Case, result: &Result<BlockOutput, ExecuteError>) -> Result<(), String> {
    let (root, logs) = match result {
        Ok(_) if case.must_reject => return Err("an invalid transaction was executed".to_owned()),
        Ok(output) => {
            (root::state_root(&case.accounts, Some(&output.state)), root::logs_hash(&output.receipts[0].logs))
        }
        Err(ExecuteError::InvalidTransaction { index: 0, .. }) if case.must_reject => {
            (root::state_root(&case.accounts, None), root::logs_hash(&[]))
        }
        Err(error) => return Err(error.to_string()),
    };
    if root != case.root {
        return Err(format!("state root {root}, expected {}", case.root));
    }
    if logs != case.logs {
        return Err(format!("logs hash {logs}, expected {}", case.logs));
    }
    Ok(())
}

#[test]
fn every_case_holds_1_of_4() {
    shard(0);
}

#[test]
fn every_case_holds_2_of_4() {
    shard(1);
}

#[test]
fn every_case_holds_3_of_4() {
    shard(2);
}

#[test]
fn every_case_holds_4_of_4() {
    shard(3);
}

#[test]
fn a_broken_case_is_found() {
    let text = r#"{"env":{"currentCoinbase":"0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba","currentDifficulty":"0x0",
        "currentGasLimit":"0xffffff","currentNumber":"0x01","currentTimestamp":"0x03e8","currentBaseFee":"0x0a",
        "currentRandom":"0x0000000000000000000000000000000000000000000000000000000000020000"},
        "pre":{"0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b":{"balance":"0xffffffffff","nonce":"0x0","code":"0x","storage":{}}},
        "transaction":{"data":["0x"],"gasLimit":["0xffff"],"gasPrice":"0x0a","nonce":"0x0","value":["0x1"],
        "to":"0x00000000000000000000000000000000000000aa","sender":"0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"},
        "post":{"London":[{"hash":"0x01","logs":"0x02","indexes":{"data":0,"gas":0,"value":0}}]}}"#;
    let mut failures = 0;
    let test = serde_json::from_str(text).unwrap();
    let skipped =
        case::each(&test, |_, _, case| failures += usize::from(check(&case, &mut Tally::default()).is_err()));
    assert_eq!((failures, skipped.len()), (1, 0));
    assert!(matches!(case::number(&serde_json::json!("0xzz")), Err(Rejected)));
}
