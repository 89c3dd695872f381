//! Block files that cannot be used say which file and what is wrong.

use flate2::{Compression, write::GzEncoder};
use parallel_evm::evm_block::{self, BlockFileError};
use std::{fs, io::Write, path::PathBuf};

const BLOCK: &str = r#"{
  "schema": "evm-block/1", "chain_id": 1, "source": "test", "spec": "OSAKA", "header": null,
  "env": { "number": 1, "timestamp": 1, "coinbase": "0x00000000000000000000000000000000000000fe",
    "gas_limit": 30000000, "base_fee_per_gas": 0, "difficulty": "0x0",
    "prev_randao": "0x0000000000000000000000000000000000000000000000000000000000000000",
    "excess_blob_gas": 0 },
  "block_hashes": {},
  "transactions": [ { "hash": "0x00", "type": 0, "from": "0x00000000000000000000000000000000000000aa",
    "to": "0x00000000000000000000000000000000000000bb", "nonce": 0, "gas_limit": 21000, "value": "0x5",
    "input": "0x", "chain_id": 1, "gas_price": 1, "encoded_len": 100 } ],
  "pre_state": { "0x00000000000000000000000000000000000000aa":
    { "balance": "0xffffff", "nonce": 0, "storage": {} } },
  "codes": { "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470": "0x" },
  "expected": { "gas_used": 21000, "receipts_root": null, "logs_bloom": null, "tx_count": 1 }
}"#;

/// A file in a folder of this test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Self {
        let folder = std::env::temp_dir().join(format!("parallel-evm-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn error(name: &str, content: &[u8]) -> BlockFileError {
    let file = Scratch::new(name, content);
    let error = evm_block::read(&file.0).unwrap_err();
    assert!(error.to_string().contains(name), "{error}");
    error
}

#[test]
fn a_block_is_read_plain_and_gzipped_and_verified() {
    for (name, content) in [("1.json", BLOCK.as_bytes().to_vec()), ("2.json.gz", gzip(BLOCK))] {
        let file = Scratch::new(name, &content);
        let mut loaded = evm_block::read(&file.0).unwrap();
        assert_eq!(loaded.name, name[..1]);
        assert_eq!(loaded.transaction_sizes_bytes, [100]);
        let output = parallel_evm::Executor::serial().execute(&loaded.block, &loaded.pre_state).unwrap();
        evm_block::verify(&loaded, &output).unwrap();
        loaded.expected.gas_used = Some(1);
        let mismatch = evm_block::verify(&loaded, &output).unwrap_err();
        assert_eq!(mismatch, evm_block::Mismatch::GasUsed { expected: 1, found: 21_000 });
    }
}

#[test]
fn unreadable_and_truncated_files_are_told_apart_from_malformed_ones() {
    let missing = evm_block::read("/no/such/block.json").unwrap_err();
    assert!(matches!(missing, BlockFileError::Unreadable { .. }), "{missing}");
    let compressed = gzip(BLOCK);
    let truncated = error("truncated.json.gz", &compressed[..compressed.len() / 2]);
    assert!(matches!(truncated, BlockFileError::Unreadable { .. }), "{truncated}");
    let not_gzip = error("plain.json.gz", BLOCK.as_bytes());
    assert!(matches!(not_gzip, BlockFileError::Unreadable { .. }), "{not_gzip}");
    let cut = error("cut.json", &BLOCK.as_bytes()[..300]);
    assert!(matches!(cut, BlockFileError::Malformed { .. }), "{cut}");
    let not_json = error("text.json", b"a block, honestly");
    assert!(matches!(not_json, BlockFileError::Malformed { .. }), "{not_json}");
    let lacking = error("lacking.json", BLOCK.replace("\"gas_limit\": 30000000,", "").as_bytes());
    assert!(lacking.to_string().contains("gas_limit"), "{lacking}");
}

#[test]
fn wrong_contents_are_named() {
    let newer = error("newer.json", BLOCK.replace("evm-block/1", "evm-block/2").as_bytes());
    assert!(matches!(&newer, BlockFileError::Schema { found: Some(found), .. } if found == "evm-block/2"));
    let none = error("none.json", b"{}");
    assert!(matches!(none, BlockFileError::Schema { found: None, .. }));
    for (name, from, to, says) in [
        ("spec.json", "OSAKA", "ATLANTIS", "ATLANTIS"),
        ("code.json", "\"0x\" }", "\"0x00\" }", "hashes to"),
        (
            "blobs.json",
            "\"excess_blob_gas\": 0",
            "\"excess_blob_gas\": 9223372036854775808",
            "excess_blob_gas",
        ),
        (
            "fraction.json",
            "\"excess_blob_gas\": 0",
            "\"excess_blob_gas\": 0, \"blob_fee_fraction\": 0",
            "blob_fee_fraction",
        ),
        ("type.json", "\"type\": 0,", "\"type\": 5,", "transaction 0: type 5 is not known"),
        ("count.json", "\"tx_count\": 1", "\"tx_count\": 2", "expects 2 transactions"),
        ("price.json", "\"gas_price\": 1, ", "", "transaction 0: gas_price is missing"),
    ] {
        let broken = BLOCK.replace(from, to);
        assert_ne!(broken, BLOCK, "{name}");
        let error = error(name, broken.as_bytes());
        assert!(matches!(error, BlockFileError::Inconsistent { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_file_that_unpacks_to_more_than_any_block_is_refused_before_memory_runs_out() {
    // Blanks, which JSON allows anywhere; 300 MiB of them are about a megabyte packed.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&blanks).unwrap();
    }
    let error = error("bomb.json.gz", &encoder.finish().unwrap());
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[test]
fn the_price_of_blob_gas_follows_the_files_fraction() {
    let price = |text: &str| {
        let loaded = evm_block::parse("1.json", text.as_bytes()).unwrap();
        loaded.block.env.blob_excess_gas_and_price.unwrap().blob_gasprice
    };
    let excess = BLOCK.replace("\"excess_blob_gas\": 0", "\"excess_blob_gas\": 150000000");
    // e to the power of 150,000,000 over the fraction (EIP-4844), rounded down: computed apart.
    assert_eq!(price(&excess), 10_203_738_961_070);
    let second = excess.replace("150000000", "150000000, \"blob_fee_fraction\": 11684671");
    assert_eq!(price(&second), 375_995);
    // What no fraction of the past allows, the newest does: a gigawei, and more.
    let more = second.replace("150000000", "250000000");
    assert!(price(&more) > 1_000_000_000);
}

#[test]
fn signed_authorisations_are_recovered_and_malformed_ones_skipped() {
    // Whoever it is: a signature made of small numbers is somebody's, if r is on the curve.
    let entry = |parity: u64, r: &str, s: &str, nonce: u64| {
        format!(
            r#"{{ "chain_id": "0x0", "address": "0x00000000000000000000000000000000000000cc", "nonce": {nonce},
                "y_parity": {parity}, "r": "{r}", "s": "{s}" }}"#
        )
    };
    let high = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
    let list = [
        entry(0, "0x1", "0x1", 0),
        // Malformed: s too high, no such parity, r zero; refused: a wrong nonce.
        entry(0, "0x1", high, 0),
        entry(7, "0x1", "0x1", 0),
        entry(0, "0x0", "0x1", 0),
        entry(0, "0x2", "0x1", 5),
    ];
    let file = BLOCK
        .replace("\"type\": 0,", "\"type\": 4,")
        .replace(
            "\"gas_price\": 1,",
            "\"max_fee_per_gas\": 1, \"max_priority_fee_per_gas\": 0, \"authorization_list\": [AUTH],",
        )
        .replace("AUTH", &list.join(","))
        .replace("\"gas_limit\": 21000", "\"gas_limit\": 200000")
        .replace("\"gas_used\": 21000", "\"gas_used\": 146000");
    let loaded = evm_block::parse("1.json", file.as_bytes()).unwrap();
    let serial = parallel_evm::Executor::serial().execute(&loaded.block, &loaded.pre_state).unwrap();
    // EIP-7702: 25,000 an entry, valid or not.
    evm_block::verify(&loaded, &serial).unwrap();
    let delegated: Vec<_> = serial.state.codes.values().filter(|code| code.is_eip7702()).collect();
    assert_eq!(delegated.len(), 1, "all delegate to the same address, one does so validly");
    let delegations = serial.state.accounts.values().filter(|change| {
        matches!(change.info, parallel_evm::AccountChange::Updated(fields) if serial.state.codes.contains_key(&fields.code_hash))
    });
    assert_eq!(delegations.count(), 1);
    for threads in [1, 2, 4, 8] {
        let executor = parallel_evm::Executor::parallel(std::num::NonZeroUsize::new(threads).unwrap());
        let parallel =
            executor.with_small_blocks_serial(false).execute(&loaded.block, &loaded.pre_state).unwrap();
        assert!(parallel.same_results(&serial), "{threads} threads");
    }
    // A parity that is no byte is not even a file.
    let worse = file.replace("\"y_parity\": 7", "\"y_parity\": 700");
    assert!(matches!(evm_block::parse("1.json", worse.as_bytes()), Err(BlockFileError::Malformed { .. })));
}
