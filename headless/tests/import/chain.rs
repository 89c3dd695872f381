//! A short chain made here: signed transactions, a state with its trie, headers that name each other. Everything a
//! node of the newest rules is asked for can be answered from it, proofs included.

use crate::node::Answer;
use crate::recorded::{answer_from, number, rpc_block};
use alloy_primitives::{Signature, U256, keccak256};
use alloy_rlp::{BufMut, Encodable};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use parallel_evm::{Address, B256, Bytes, Executor, evm_block};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Is paid, and nobody looks at its balance. (Digits only: no two ways to write them.)
pub const PAYEE: &str = "0x0000000000000000000000000000000000002200";
/// Exists although it is empty.
pub const EMPTY: &str = "0x0000000000000000000000000000000000003300";
const CONTRACT: &str = "0x0000000000000000000000000000000000004400";
const BEACON_ROOTS: &str = "0x000f3df6d732807ef1319fb7b8bb8522d0beac02";

#[derive(Clone)]
pub struct Chain {
    pub number: u64,
    file: Value,
    block: Value,
    headers: BTreeMap<u64, Value>,
}

impl Chain {
    pub fn balance_of(&self, address: &str) -> String {
        self.file["pre_state"][address]["balance"].as_str().unwrap().to_owned()
    }

    /// The block as a node tells it.
    pub fn block(&self) -> &Value {
        &self.block
    }

    pub fn answers(&self) -> impl Fn(&str, &Value) -> Answer + Send + Sync + use<> {
        let chain = self.clone();
        move |method, params| match method {
            "eth_getBlockByNumber" if params[0] != chain.block["number"] => {
                let asked: u64 = number(&params[0]).to();
                Answer::Result(chain.headers.get(&asked).cloned().unwrap_or(Value::Null))
            }
            "eth_getProof" => Answer::Result(chain.proof(params)),
            _ => answer_from(&chain.file, &chain.block, method, params),
        }
    }

    fn proof(&self, params: &Value) -> Value {
        let address = params[0].as_str().unwrap();
        let account = &self.file["pre_state"][address];
        let (_, account_proof) = trie(&account_leaves(&self.file), Some(key(&bytes(&params[0]))));
        let leaves = storage_leaves(account);
        let slots = params[1].as_array().unwrap().iter().map(|slot| {
            let hashed = key(&B256::from(number(slot)).0);
            let (_, proof) = trie(&leaves, Some(hashed));
            let stored = account["storage"].as_object();
            let value = stored.and_then(|s| s.iter().find(|(k, _)| number(&json!(k)) == number(slot)));
            json!({ "key": slot, "value": value.map_or(json!("0x0"), |(_, value)| value.clone()), "proof": proof })
        });
        json!({
            "address": address,
            "balance": account.get("balance").cloned().unwrap_or(json!("0x0")),
            "nonce": format!("{:#x}", account["nonce"].as_u64().unwrap_or(0)),
            "codeHash": account.get("code_hash").cloned().unwrap_or(json!(keccak256([]))),
            "storageHash": trie(&leaves, None).0,
            "accountProof": account_proof,
            "storageProof": slots.collect::<Vec<_>>(),
        })
    }
}

/// An Osaka block after the second blob fork: a transaction of every type; one contract looks at the price of blob
/// gas, the beacon root, the hash of the third block below, and a slot.
pub fn osaka() -> Chain {
    let (number, timestamp) = (24_500_000_u64, 1_767_747_671 + 12_000);
    let (beacon_root, headers) = (B256::repeat_byte(0x5e), |state_root| ancestors(number, state_root));
    let slot = timestamp % 8_191 + 8_191;
    let observes = format!(
        "0x4a600052 61{slot:04x}608052 6020602060206080 73{} 5a fa 50 63{:08x} 40 604052 6005 54 606052 60806000a0 00",
        &BEACON_ROOTS[2..],
        number - 3,
    );
    let (call, pay) = (json!({ "to": CONTRACT, "value": "0x0" }), json!({ "to": PAYEE, "value": "0x5" }));
    let mut with_list = call.clone();
    with_list["access_list"] = json!([{ "address": CONTRACT, "storage_keys": [B256::with_last_byte(5)] }]);
    let mut with_blob = call.clone();
    with_blob["access_list"] = json!([]);
    with_blob["max_fee_per_blob_gas"] = json!(3_000_000_000_u64);
    let mut blob = B256::repeat_byte(7);
    blob.0[0] = 1;
    with_blob["blob_versioned_hashes"] = json!([blob]);
    let mut with_authorisation = pay.clone();
    with_authorisation["access_list"] = json!([]);
    with_authorisation["authorization_list"] = json!([{ "chain_id": "0x0", "address": CONTRACT, "nonce": 0, "y_parity": 0, "r": "0x1", "s": "0x1" }]);
    let wanted = [(0, pay), (1, with_list), (2, call), (3, with_blob), (4, with_authorisation)];
    let env = json!({
        "number": number, "timestamp": timestamp, "coinbase": "0x0000000000000000000000000000000000001100",
        "gas_limit": 60_000_000, "base_fee_per_gas": 7, "difficulty": "0x0", "prev_randao": B256::repeat_byte(9),
        "excess_blob_gas": 250_000_000, "blob_fee_fraction": 11_684_671,
    });
    let contracts = [
        (CONTRACT, observes.replace(' ', "")),
        (BEACON_ROOTS, "0x60003554600052 60206000f3".replace(' ', "")),
    ];
    let mut file = file("OSAKA", env, &wanted, &contracts);
    file["pre_state"][CONTRACT]["storage"] = json!({ "0x5": "0x2a" });
    file["pre_state"][BEACON_ROOTS]["storage"] = json!({ (format!("{slot:#x}")): "0x1" });
    file["pre_state"][PAYEE] = json!({ "balance": "0x64", "nonce": 0, "storage": {} });
    let headers = headers(trie(&account_leaves(&file), None).0);
    // What the block is really executed on: the beacon root has been written, the hash is known.
    let mut executed = file.clone();
    executed["pre_state"][BEACON_ROOTS]["storage"][format!("{slot:#x}")] = json!(beacon_root);
    let third: B256 = serde_json::from_value(headers[&(number - 3)]["hash"].clone()).unwrap();
    executed["block_hashes"] = json!({ ((number - 3).to_string()): third });
    let output = execute(&executed);
    let seen = &output.receipts[2].logs[0].data.data;
    // EIP-4844's exponential, computed apart.
    assert_eq!(seen[..32], U256::from(1_958_712_485_u64).to_be_bytes::<32>());
    assert_eq!((&seen[32..64], &seen[64..96]), (&beacon_root[..], &third[..]));
    assert_eq!(seen[96..], U256::from(42).to_be_bytes::<32>());
    let withdrawals: Vec<_> = (1..=2_u64)
        .map(|n| {
            json!({ "index": hex(&json!(n)), "validatorIndex": "0x47318", "address": PAYEE, "amount": hex(&json!(n << 40)) })
        })
        .collect();
    let leaves = withdrawals.iter().map(|withdrawal| {
        let numbers =
            ["index", "validatorIndex", "amount"].map(|name| rlp(crate::recorded::number(&withdrawal[name])));
        let [index, validator, amount] = numbers;
        Bytes::from(list(&[index, validator, string(&withdrawal["address"]), amount]))
    });
    let withdrawals_root = root_of(leaves.collect());
    file["withdrawals"] = json!(withdrawals);
    file["uncles"] = json!([]);
    let more = json!({
        "baseFeePerGas": "0x7", "withdrawalsRoot": withdrawals_root, "blobGasUsed": "0x20000",
        "excessBlobGas": "0xee6b280", "parentBeaconBlockRoot": beacon_root, "requestsHash": B256::repeat_byte(2),
    });
    finish(file, headers, &output, more)
}

/// A Homestead block in which a contract calls an account that exists although it is empty.
pub fn homestead() -> Chain {
    let number = 1_200_000_u64;
    let env = json!({
        "number": number, "timestamp": 1_458_700_000_u64, "coinbase": "0x0000000000000000000000000000000000001100",
        "gas_limit": 4_000_000, "base_fee_per_gas": 0, "difficulty": "0x5", "prev_randao": B256::repeat_byte(9),
        "excess_blob_gas": null,
    });
    let calls = format!("0x6000600060006000600073{}61c350f100", &EMPTY[2..]);
    let mut file =
        file("HOMESTEAD", env, &[(0, json!({ "to": CONTRACT, "value": "0x0" }))], &[(CONTRACT, calls)]);
    file["pre_state"][EMPTY] = json!({ "balance": "0x0", "nonce": 0, "storage": {} });
    let headers = ancestors(number, trie(&account_leaves(&file), None).0);
    let output = execute(&file);
    assert!(output.gas_used < 25_000, "a new account would have cost 25,000");
    let uncle = other_header(number - 1);
    file["uncles"] = json!([uncle["hash"]]);
    let sha3_uncles = keccak256(list(&[encoded(&uncle)]));
    file["uncle_headers"] = json!([uncle]);
    finish(file, headers, &output, json!({ "sha3Uncles": sha3_uncles }))
}

/// A header that is none of the chain's.
pub fn other_header(number: u64) -> Value {
    header(number, B256::repeat_byte(0x77), B256::ZERO, &json!({}))
}

fn execute(file: &Value) -> parallel_evm::BlockOutput {
    let loaded = evm_block::parse("made.json", file.to_string().as_bytes()).unwrap();
    Executor::serial().execute(&loaded.block, &loaded.pre_state).unwrap()
}

/// Three headers below a block; the parent's names the state.
fn ancestors(number: u64, state_root: B256) -> BTreeMap<u64, Value> {
    let mut headers = BTreeMap::new();
    let mut parent = B256::repeat_byte(3);
    for below in (1..=3).rev() {
        let root = if below == 1 { state_root } else { B256::repeat_byte(below as u8) };
        let header = header(number - below, parent, root, &json!({}));
        parent = serde_json::from_value(header["hash"].clone()).unwrap();
        headers.insert(number - below, header);
    }
    headers
}

/// The block file, with senders that can pay, but without header.
fn file(spec: &str, env: Value, wanted: &[(u8, Value)], contracts: &[(&str, String)]) -> Value {
    let replay_protected = spec != "HOMESTEAD";
    let (mut accounts, mut codes) = (Map::new(), Map::new());
    for (address, code) in contracts {
        let hash = keccak256(bytes(&json!(code)));
        codes.insert(hash.to_string(), json!(code));
        let account = json!({ "balance": "0x0", "nonce": 1, "code_hash": hash, "storage": {} });
        accounts.insert((*address).to_owned(), account);
    }
    let transactions: Vec<Value> = wanted
        .iter()
        .map(|(tx_type, fields)| {
            let tx = signed(*tx_type, fields, replay_protected);
            let account = json!({ "balance": "0xde0b6b3a7640000", "nonce": 0, "storage": {} });
            accounts.insert(tx["from"].as_str().unwrap().to_owned(), account);
            tx
        })
        .collect();
    json!({
        "schema": "evm-block/1", "chain_id": 1, "source": "test", "spec": spec, "header": null, "env": env,
        "block_size_bytes": 1_000, "block_hashes": {}, "transactions": transactions, "pre_state": accounts,
        "codes": codes, "expected": {},
    })
}

/// A transaction with a signature nobody made; whoever it belongs to is the sender.
fn signed(tx_type: u8, wanted: &Value, replay_protected: bool) -> Value {
    let mut tx = wanted.clone();
    tx["type"] = json!(tx_type);
    (tx["nonce"], tx["gas_limit"], tx["input"]) = (json!(0), json!(300_000), json!("0x"));
    if tx_type > 0 || replay_protected {
        tx["chain_id"] = json!(1);
    }
    let mut fields = Vec::new();
    if tx_type > 0 {
        fields.push(rlp(1_u64));
    }
    fields.push(rlp(0_u64));
    if tx_type < 2 {
        tx["gas_price"] = json!(9);
        fields.push(rlp(9_u64));
    } else {
        (tx["max_priority_fee_per_gas"], tx["max_fee_per_gas"]) = (json!(2), json!(9));
        fields.extend([rlp(2_u64), rlp(9_u64)]);
    }
    fields.extend([rlp(300_000_u64), string(&tx["to"]), rlp(number(&tx["value"])), rlp(Bytes::new())]);
    if tx_type > 0 {
        let entries = tx["access_list"].as_array().cloned().unwrap_or_default();
        let entry = |entry: &Value| {
            let keys: Vec<_> = entry["storage_keys"].as_array().unwrap().iter().map(string).collect();
            list(&[string(&entry["address"]), list(&keys)])
        };
        fields.push(list(&entries.iter().map(entry).collect::<Vec<_>>()));
    }
    if tx_type == 3 {
        fields.push(rlp(tx["max_fee_per_blob_gas"].as_u64().unwrap()));
        let hashes: Vec<_> = tx["blob_versioned_hashes"].as_array().unwrap().iter().map(string).collect();
        fields.push(list(&hashes));
    }
    if tx_type == 4 {
        let entry = |entry: &Value| {
            let signature = [
                rlp(entry["y_parity"].as_u64().unwrap()),
                rlp(number(&entry["r"])),
                rlp(number(&entry["s"])),
            ];
            let inner = [
                rlp(number(&entry["chain_id"])),
                string(&entry["address"]),
                rlp(entry["nonce"].as_u64().unwrap()),
            ];
            list(&[inner, signature].concat())
        };
        fields
            .push(list(&tx["authorization_list"].as_array().unwrap().iter().map(entry).collect::<Vec<_>>()));
    }
    let with_type = |fields: &[Vec<u8>]| {
        let prefix = if tx_type > 0 { vec![tx_type] } else { Vec::new() };
        [prefix, list(fields)].concat()
    };
    let mut to_sign = fields.clone();
    if tx_type == 0 && replay_protected {
        to_sign.extend([rlp(1_u64), rlp(0_u64), rlp(0_u64)]);
    }
    let hash = keccak256(with_type(&to_sign));
    let s = U256::from(12_345);
    let (r, from) = (1..100_u64)
        .find_map(|r| {
            let signature = Signature::new(U256::from(r), s, false);
            Some((U256::from(r), signature.recover_address_from_prehash(&hash).ok()?))
        })
        .expect("half of all numbers are on the curve");
    let v = match (tx_type, replay_protected) {
        (0, true) => 37_u64,
        (0, false) => 27,
        _ => 0,
    };
    fields.extend([rlp(v), rlp(r), rlp(s)]);
    let raw = with_type(&fields);
    tx["hash"] = json!(keccak256(&raw));
    (tx["from"], tx["v"], tx["r"], tx["s"]) = (json!(from), json!(format!("{v:#x}")), json!(r), json!(s));
    if tx_type > 0 {
        tx["y_parity"] = json!(0);
    }
    tx["raw"] = json!(Bytes::from(raw));
    tx
}

/// Puts header and block on top.
fn finish(
    mut file: Value,
    headers: BTreeMap<u64, Value>,
    output: &parallel_evm::BlockOutput,
    more: Value,
) -> Chain {
    let number = file["env"]["number"].as_u64().unwrap();
    let parent: B256 = serde_json::from_value(headers[&(number - 1)]["hash"].clone()).unwrap();
    let transactions = file["transactions"].as_array_mut().unwrap().iter_mut();
    let raw = transactions
        .map(|tx| serde_json::from_value(tx.as_object_mut().unwrap().remove("raw").unwrap()).unwrap());
    let transactions_root = root_of(raw.collect());
    let env = file["env"].clone();
    let mut fields = json!({
        "miner": env["coinbase"], "transactionsRoot": transactions_root,
        "receiptsRoot": output.receipts_root().unwrap_or_default(), "logsBloom": output.logs_bloom(),
        "difficulty": env["difficulty"], "gasLimit": hex(&env["gas_limit"]), "gasUsed": hex(&json!(output.gas_used)),
        "timestamp": hex(&env["timestamp"]), "mixHash": env["prev_randao"],
    });
    more.as_object().unwrap().iter().for_each(|(name, value)| fields[name] = value.clone());
    file["header"] = header(number, parent, B256::repeat_byte(8), &fields);
    let block = rpc_block(&file);
    Chain { number, file, block, headers }
}

fn header(number: u64, parent: B256, state_root: B256, more: &Value) -> Value {
    let zero = B256::ZERO;
    let mut header = json!({
        "parentHash": parent, "sha3Uncles": keccak256([0xc0]), "miner": Address::ZERO, "stateRoot": state_root,
        "transactionsRoot": zero, "receiptsRoot": zero, "logsBloom": Bytes::from(vec![0; 256]), "difficulty": "0x0",
        "number": format!("{number:#x}"), "gasLimit": "0x5", "gasUsed": "0x0", "timestamp": "0x5", "extraData": "0x",
        "mixHash": zero, "nonce": "0x0000000000000000",
    });
    more.as_object().unwrap().iter().for_each(|(name, value)| header[name] = value.clone());
    header["hash"] = json!(keccak256(encoded(&header)));
    header
}

/// A header as it is hashed.
fn encoded(header: &Value) -> Vec<u8> {
    let strings =
        ["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"];
    let numbers = ["difficulty", "number", "gasLimit", "gasUsed", "timestamp"];
    let mut fields: Vec<_> = strings.iter().map(|name| string(&header[*name])).collect();
    fields.extend(numbers.iter().map(|name| rlp(self::number(&header[*name]))));
    fields.extend(["extraData", "mixHash", "nonce"].iter().map(|name| string(&header[*name])));
    // Added by London, Shanghai, Cancun, Prague.
    let later = [
        "baseFeePerGas",
        "withdrawalsRoot",
        "blobGasUsed",
        "excessBlobGas",
        "parentBeaconBlockRoot",
        "requestsHash",
    ];
    for name in later.iter().filter(|name| header.get(**name).is_some()) {
        let is_number = ["baseFeePerGas", "blobGasUsed", "excessBlobGas"].contains(name);
        fields.push(if is_number { rlp(self::number(&header[*name])) } else { string(&header[*name]) });
    }
    list(&fields)
}

fn root_of(items: Vec<Bytes>) -> B256 {
    alloy_trie::root::ordered_trie_root_with_encoder(&items, |item: &Bytes, out| out.put_slice(item))
}

fn hex(value: &Value) -> Value {
    json!(format!("{:#x}", value.as_u64().unwrap()))
}

fn account_leaves(file: &Value) -> BTreeMap<B256, Vec<u8>> {
    let accounts = file["pre_state"].as_object().unwrap().iter();
    accounts
        .map(|(address, account)| {
            let code_hash =
                account.get("code_hash").map_or_else(|| keccak256([]).to_vec(), |hash| bytes(hash).to_vec());
            let fields = [
                rlp(account["nonce"].as_u64().unwrap()),
                rlp(number(&account["balance"])),
                rlp(trie(&storage_leaves(account), None).0),
                rlp(Bytes::from(code_hash)),
            ];
            (key(&bytes(&json!(address))), list(&fields))
        })
        .collect()
}

fn storage_leaves(account: &Value) -> BTreeMap<B256, Vec<u8>> {
    let slots = account["storage"].as_object().into_iter().flatten();
    slots.map(|(slot, value)| (key(&B256::from(number(&json!(slot))).0), rlp(number(value)))).collect()
}

fn key(of: &[u8]) -> B256 {
    keccak256(of)
}

/// The root of a trie, and the way to a key.
fn trie(leaves: &BTreeMap<B256, Vec<u8>>, target: Option<B256>) -> (B256, Vec<Bytes>) {
    let path = target.map(Nibbles::unpack).unwrap_or_default();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![path]));
    leaves.iter().for_each(|(key, value)| builder.add_leaf(Nibbles::unpack(key), value));
    let root = builder.root();
    let nodes = builder.take_proof_nodes().matching_nodes_sorted(&path);
    let nodes = nodes.into_iter().map(|(_, node)| node);
    (root, if leaves.is_empty() { Vec::new() } else { nodes.collect() })
}

fn bytes(value: &Value) -> Bytes {
    serde_json::from_value(value.clone()).unwrap()
}

fn string(value: &Value) -> Vec<u8> {
    rlp(bytes(value))
}

fn rlp(value: impl Encodable) -> Vec<u8> {
    alloy_rlp::encode(value)
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut encoded = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut encoded);
    [encoded, payload].concat()
}
