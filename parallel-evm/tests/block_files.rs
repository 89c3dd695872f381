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
