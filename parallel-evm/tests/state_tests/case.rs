//! Cases of a state test file. A transaction that cannot even be decoded is a rejected one.

use crate::root::PlainAccount;
use parallel_evm::{
    AccountInfo, Address, B256, Block, BlockEnv, Bytecode, Bytes, MemoryState, SpecId, TxEnv, TxKind, U256,
};
use revm::{
    context_interface::{
        block::BlobExcessGasAndPrice,
        transaction::{AccessList, AccessListItem},
    },
    primitives::{
        eip4844::{BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN, BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE},
        hex, keccak256,
    },
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The sender of the well-known key that most tests use.
const KNOWN_SENDER: &str = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b";
const KNOWN_KEY: &str = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8";

pub struct Case {
    pub block: Result<Block, Rejected>,
    pub state: MemoryState,
    pub accounts: BTreeMap<Address, PlainAccount>,
    pub must_reject: bool,
    pub root: B256,
    pub logs: B256,
}

/// The transaction does not fit its fields.
#[derive(Clone, Copy, Debug)]
pub struct Rejected;

/// Calls back with every case of a test: fork, index, case. Returns how many are skipped, by reason.
///
/// # Panics
/// On a fork that nobody has decided about.
pub fn each(test: &Value, mut callback: impl FnMut(&str, usize, Case)) -> BTreeMap<String, usize> {
    let mut skipped = BTreeMap::new();
    for (fork, posts) in test["post"].as_object().into_iter().flatten() {
        let posts = posts.as_array().expect("a list of results");
        let Some(spec) = spec(fork) else {
            assert_eq!(fork, "Constantinople", "unknown fork");
            let why = format!("{fork}: never ran on the main net without its fix, revm has no rules for it");
            *skipped.entry(why).or_default() += posts.len();
            continue;
        };
        for (index, post) in posts.iter().enumerate() {
            callback(fork, index, case(test, spec, post).expect("a well-formed test"));
        }
    }
    skipped
}

fn spec(fork: &str) -> Option<SpecId> {
    Some(match fork {
        "Frontier" => SpecId::FRONTIER,
        "Homestead" => SpecId::HOMESTEAD,
        "EIP150" => SpecId::TANGERINE,
        "EIP158" => SpecId::SPURIOUS_DRAGON,
        "Byzantium" => SpecId::BYZANTIUM,
        "ConstantinopleFix" => SpecId::PETERSBURG,
        "Istanbul" => SpecId::ISTANBUL,
        "Berlin" => SpecId::BERLIN,
        "London" => SpecId::LONDON,
        "Paris" | "Merge" => SpecId::MERGE,
        "Shanghai" => SpecId::SHANGHAI,
        "Cancun" => SpecId::CANCUN,
        "Prague" => SpecId::PRAGUE,
        "Osaka" => SpecId::OSAKA,
        _ => return None,
    })
}

pub fn number(value: &Value) -> Result<U256, Rejected> {
    let text = value.as_str().ok_or(Rejected)?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.is_empty() { Ok(U256::ZERO) } else { U256::from_str_radix(digits, 16).map_err(|_| Rejected) }
}

fn narrow<T: TryFrom<U256>>(value: &Value) -> Result<T, Rejected> {
    T::try_from(number(value)?).map_err(|_| Rejected)
}

fn bytes(value: &Value) -> Result<Bytes, Rejected> {
    hex::decode(value.as_str().ok_or(Rejected)?).map(Bytes::from).map_err(|_| Rejected)
}

fn address(value: &Value) -> Result<Address, Rejected> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or(Rejected)
}

fn word(value: &Value) -> Result<B256, Rejected> {
    number(value).map(B256::from)
}

fn case(test: &Value, spec: SpecId, post: &Value) -> Result<Case, Rejected> {
    let mut state = MemoryState::new();
    let mut accounts = BTreeMap::new();
    for (key, account) in test["pre"].as_object().ok_or(Rejected)? {
        let key = key.parse().map_err(|_| Rejected)?;
        let code = bytes(&account["code"])?;
        let code = Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code));
        let (balance, nonce, code_hash) =
            (number(&account["balance"])?, narrow(&account["nonce"])?, code.hash_slow());
        let info = AccountInfo { balance, nonce, code_hash, code: Some(code), ..AccountInfo::default() };
        state.insert_account(key, info);
        let mut storage = BTreeMap::new();
        for (slot, value) in account["storage"].as_object().ok_or(Rejected)? {
            let (slot, value) = (number(&Value::String(slot.clone()))?, number(value)?);
            state.insert_storage(key, slot, value);
            storage.insert(slot, value);
        }
        accounts.insert(key, PlainAccount { balance, nonce, code_hash, storage });
    }
    let env = env(&test["env"], spec)?;
    let number_now = env.number.saturating_to::<u64>();
    for number in number_now.saturating_sub(256)..number_now {
        state.insert_block_hash(number, keccak256(number.to_string()));
    }
    let block = transaction(&test["transaction"], &post["indexes"]).map(|tx| Block {
        spec,
        chain_id: 1,
        env,
        transactions: vec![tx],
    });
    Ok(Case {
        block,
        state,
        accounts,
        must_reject: post.get("expectException").is_some(),
        root: word(&post["hash"])?,
        logs: word(&post["logs"])?,
    })
}

fn env(env: &Value, spec: SpecId) -> Result<BlockEnv, Rejected> {
    let merged = spec.is_enabled_in(SpecId::MERGE);
    let cancun = spec.is_enabled_in(SpecId::CANCUN);
    let update_fraction = match spec.is_enabled_in(SpecId::PRAGUE) {
        true => BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
        false => BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN,
    };
    let excess = env.get("currentExcessBlobGas").map_or(Ok(0), narrow)?;
    let basefee = env.get("currentBaseFee").map_or(Ok(0), narrow)?;
    Ok(BlockEnv {
        number: number(&env["currentNumber"])?,
        beneficiary: address(&env["currentCoinbase"])?,
        timestamp: number(&env["currentTimestamp"])?,
        gas_limit: narrow(&env["currentGasLimit"])?,
        basefee: if spec.is_enabled_in(SpecId::LONDON) { basefee } else { 0 },
        difficulty: number(&env["currentDifficulty"])?,
        prevrandao: merged.then(|| env.get("currentRandom").map_or(Ok(B256::ZERO), word)).transpose()?,
        blob_excess_gas_and_price: cancun.then(|| BlobExcessGasAndPrice::new(excess, update_fraction)),
        slot_num: 0,
    })
}

fn transaction(tx: &Value, indexes: &Value) -> Result<TxEnv, Rejected> {
    let at = |what: &str| indexes[what].as_u64().map(|index| index as usize).ok_or(Rejected);
    let given = |what: &str| tx.get(what).filter(|value| !value.is_null());
    let known = || (tx["secretKey"].as_str() == Some(KNOWN_KEY)).then(|| KNOWN_SENDER.parse().unwrap());
    let caller = given("sender").map(address).transpose()?.or_else(known).ok_or(Rejected)?;
    let access = given("accessLists").and_then(|lists| lists.get(at("data").ok()?)).filter(|v| !v.is_null());
    let access_list = access.map(access_list).transpose()?;
    let tx_type = if given("maxFeePerBlobGas").is_some() || given("blobVersionedHashes").is_some() {
        3
    } else if given("maxFeePerGas").is_some() {
        2
    } else {
        u8::from(access_list.is_some())
    };
    let blob_hashes = given("blobVersionedHashes").and_then(Value::as_array).into_iter().flatten();
    Ok(TxEnv {
        tx_type,
        caller,
        gas_limit: narrow(&tx["gasLimit"][at("gas")?])?,
        gas_price: given("gasPrice").or(given("maxFeePerGas")).ok_or(Rejected).and_then(narrow)?,
        kind: match tx["to"].as_str() {
            None | Some("") => TxKind::Create,
            Some(_) => TxKind::Call(address(&tx["to"])?),
        },
        value: number(&tx["value"][at("value")?])?,
        data: bytes(&tx["data"][at("data")?])?,
        nonce: narrow(&tx["nonce"])?,
        chain_id: Some(1),
        access_list: access_list.unwrap_or_default(),
        gas_priority_fee: given("maxPriorityFeePerGas").map(narrow).transpose()?,
        blob_hashes: blob_hashes.map(word).collect::<Result<_, _>>()?,
        max_fee_per_blob_gas: given("maxFeePerBlobGas").map(narrow).transpose()?.unwrap_or_default(),
        authorization_list: Vec::new(),
    })
}

fn access_list(list: &Value) -> Result<AccessList, Rejected> {
    let items = list.as_array().ok_or(Rejected)?.iter().map(|item| {
        let keys = item["storageKeys"].as_array().ok_or(Rejected)?.iter().map(word);
        Ok(AccessListItem {
            address: address(&item["address"])?,
            storage_keys: keys.collect::<Result<_, _>>()?,
        })
    });
    Ok(AccessList(items.collect::<Result<_, _>>()?))
}
