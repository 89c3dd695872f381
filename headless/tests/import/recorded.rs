//! Recorded blocks, told as a node tells them.

use crate::node::Answer;
use parallel_evm::evm_block::{self, LoadedBlock};
use parallel_evm::{Block, Executor, Location, MemoryState, PreState};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::PathBuf;

/// A recorded block as its file holds it, or `None` without the data.
pub fn recorded(name: &str) -> Option<Value> {
    let skipped = |why: &str| {
        // Not by a print macro: the test harness would swallow it.
        std::io::stderr().write_all(format!("skipped: {why}, no block {name}\n").as_bytes()).unwrap();
    };
    let Some(folder) = std::env::var_os("LIGHTCONE_DATA") else {
        skipped("LIGHTCONE_DATA not set");
        return None;
    };
    let path = PathBuf::from(folder).join(format!("blocks/{name}.json.gz"));
    let Ok(file) = std::fs::File::open(&path) else {
        skipped(&format!("no {}", path.display()));
        return None;
    };
    Some(serde_json::from_reader(flate2::read::GzDecoder::new(file)).unwrap())
}

fn hex(value: &Value) -> Value {
    value.as_u64().map_or(value.clone(), |number| json!(format!("{number:#x}")))
}

/// The block as a node tells it.
pub fn rpc_block(file: &Value) -> Value {
    let names = [
        ("gas_limit", "gas"),
        ("chain_id", "chainId"),
        ("gas_price", "gasPrice"),
        ("max_fee_per_gas", "maxFeePerGas"),
        ("max_priority_fee_per_gas", "maxPriorityFeePerGas"),
        ("max_fee_per_blob_gas", "maxFeePerBlobGas"),
        ("blob_versioned_hashes", "blobVersionedHashes"),
        ("y_parity", "yParity"),
    ];
    let transactions = file["transactions"].as_array().unwrap().iter().map(|tx| {
        let mut out = serde_json::Map::new();
        for (key, value) in tx.as_object().unwrap() {
            let name = names.iter().find(|(from, _)| from == key).map_or(key.as_str(), |(_, to)| to);
            out.insert(name.to_owned(), hex(value));
        }
        if let Some(list) = tx["access_list"].as_array() {
            let list =
                list.iter().map(|e| json!({"address": e["address"], "storageKeys": e["storage_keys"]}));
            out.insert("accessList".to_owned(), list.collect());
        }
        if let Some(list) = tx["authorization_list"].as_array() {
            let list = list.iter().map(|e| {
                json!({ "chainId": e["chain_id"], "address": e["address"], "nonce": hex(&e["nonce"]),
                    "yParity": hex(&e["y_parity"]), "r": e["r"], "s": e["s"] })
            });
            out.insert("authorizationList".to_owned(), list.collect());
        }
        Value::Object(out)
    });
    let mut block = file["header"].clone();
    block["transactions"] = transactions.collect();
    for name in ["uncles", "withdrawals"] {
        if let Some(told) = file.get(name) {
            block[name] = told.clone();
        }
    }
    block["size"] = hex(&file["block_size_bytes"]);
    block
}

/// A node that serves one block and the state before it.
pub fn answer_from(file: &Value, block: &Value, method: &str, params: &Value) -> Answer {
    let account = || &file["pre_state"][params[0].as_str().unwrap()];
    let zero = |value: &Value| if value.is_null() { json!("0x0") } else { hex(value) };
    Answer::Result(match method {
        "eth_chainId" => json!("0x1"),
        "eth_getBlockByNumber" if params[0] == block["number"] => block.clone(),
        "eth_getUncleByBlockNumberAndIndex" if file["uncle_headers"].is_array() => {
            file["uncle_headers"][number(&params[1]).to::<usize>()].clone()
        }
        // Of other blocks nothing was recorded.
        "eth_getBlockByNumber" => Value::Null,
        "eth_getBalance" => zero(&account()["balance"]),
        "eth_getTransactionCount" => zero(&account()["nonce"]),
        "eth_getCode" => match account()["code_hash"].as_str() {
            Some(hash) => file["codes"][hash].clone(),
            None => json!("0x"),
        },
        "eth_getStorageAt" => {
            let wanted = number(&params[1]);
            let slots = account()["storage"].as_object();
            let found = slots.and_then(|slots| slots.iter().find(|(slot, _)| number(&json!(slot)) == wanted));
            found.map_or(json!("0x0"), |(_, value)| value.clone())
        }
        _ => return Answer::Refusal("the method does not exist"),
    })
}

pub fn number(value: &Value) -> alloy_primitives::U256 {
    serde_json::from_value(value.clone()).unwrap()
}

/// What the prestate tracer tells of a block: for every transaction the state before it of all it meets, the
/// beneficiary included.
pub fn traces(file: &Value) -> Value {
    let LoadedBlock { block, pre_state: mut state, .. } =
        evm_block::parse("traced.json", file.to_string().as_bytes()).unwrap();
    let mut traces = Vec::new();
    for tx in &block.transactions {
        let one = Block { transactions: vec![tx.clone()], ..block.clone() };
        let output = Executor::serial().execute(&one, &state).unwrap();
        let mut met = Map::new();
        add(&mut met, &state, Location::Code(block.env.beneficiary));
        let reads = output.transactions[0].reads.iter().map(|access| access.location);
        reads.for_each(|location| add(&mut met, &state, location));
        traces.push(json!({ "result": met }));
        state.apply(&output.state);
    }
    json!(traces)
}

fn add(met: &mut Map<String, Value>, state: &MemoryState, location: Location) {
    let address = location.address();
    let account = state.account(address).unwrap();
    let entry = met.entry(address.to_string()).or_insert_with(|| {
        // geth leaves out what is zero, save the balance.
        let mut entry = Map::new();
        let info = account.unwrap_or_default();
        entry.insert("balance".to_owned(), json!(info.balance));
        if info.nonce != 0 {
            entry.insert("nonce".to_owned(), json!(info.nonce));
        }
        if !info.is_empty_code_hash() && !info.code_hash.is_zero() {
            let code = state.code(info.code_hash).unwrap();
            entry.insert("code".to_owned(), json!(code.original_bytes()));
        }
        Value::Object(entry)
    });
    if let Location::Slot(_, slot) = location {
        let key = parallel_evm::B256::from(slot).to_string();
        entry["storage"][key] = json!(parallel_evm::B256::from(state.slot(address, slot)));
    }
}
