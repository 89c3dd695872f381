//! The `evm-block/1` file as written, and its conversion to what the executor takes.

use super::{BlockFileError, BlockHeader, Expected, LoadedBlock, block_name};
use crate::{Block, MemoryState};
use alloy_primitives::Bloom;
use revm::{
    context::{BlockEnv, TxEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        either::Either,
        transaction::{AccessList, AccessListItem, Authorization, SignedAuthorization},
    },
    primitives::{
        Address, B256, Bytes, TxKind, U256,
        eip4844::{BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN, BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE},
        hardfork::SpecId,
    },
    state::{AccountInfo, Bytecode},
};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

const SCHEMA: &str = "evm-block/1";

#[derive(Deserialize)]
struct SchemaOnly {
    schema: Option<String>,
}

#[derive(Deserialize)]
struct File {
    chain_id: u64,
    source: String,
    spec: String,
    header: Option<Header>,
    env: Env,
    block_size_bytes: Option<u64>,
    #[serde(default)]
    block_hashes: BTreeMap<String, B256>,
    transactions: Vec<Transaction>,
    pre_state: BTreeMap<Address, Account>,
    codes: BTreeMap<B256, Bytes>,
    expected: ExpectedFields,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    hash: B256,
    parent_hash: B256,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    // What an execution can be compared with, and what the environment repeats.
    gas_used: Option<U256>,
    logs_bloom: Option<Bloom>,
    number: Option<U256>,
    timestamp: Option<U256>,
    miner: Option<Address>,
    gas_limit: Option<U256>,
    base_fee_per_gas: Option<U256>,
    excess_blob_gas: Option<U256>,
}

#[derive(Deserialize)]
struct Env {
    number: u64,
    timestamp: u64,
    coinbase: Address,
    gas_limit: u64,
    base_fee_per_gas: u64,
    difficulty: U256,
    prev_randao: Option<B256>,
    excess_blob_gas: Option<u64>,
    /// The update fraction of the blob base fee, where it is not the fork's own (EIP-7892).
    blob_fee_fraction: Option<u64>,
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(rename = "type")]
    tx_type: u8,
    from: Address,
    to: Option<Address>,
    nonce: u64,
    gas_limit: u64,
    value: U256,
    input: Bytes,
    chain_id: Option<u64>,
    gas_price: Option<u128>,
    max_fee_per_gas: Option<u128>,
    max_priority_fee_per_gas: Option<u128>,
    access_list: Option<Vec<AccessEntry>>,
    max_fee_per_blob_gas: Option<u128>,
    blob_versioned_hashes: Option<Vec<B256>>,
    authorization_list: Option<Vec<AuthorizationEntry>>,
    encoded_len: Option<u32>,
}

#[derive(Deserialize)]
struct AccessEntry {
    address: Address,
    storage_keys: Vec<B256>,
}

#[derive(Deserialize)]
struct AuthorizationEntry {
    chain_id: U256,
    address: Address,
    nonce: u64,
    y_parity: u8,
    r: U256,
    s: U256,
}

#[derive(Deserialize)]
struct Account {
    balance: U256,
    nonce: u64,
    code_hash: Option<B256>,
    #[serde(default)]
    storage: BTreeMap<U256, U256>,
}

#[derive(Deserialize)]
struct ExpectedFields {
    gas_used: Option<u64>,
    receipts_root: Option<B256>,
    logs_bloom: Option<Bloom>,
    tx_count: Option<usize>,
}

/// Parses and checks a file's content.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<LoadedBlock, BlockFileError> {
    let malformed = |error| BlockFileError::Malformed { path: path.to_owned(), error };
    // The schema first: a newer one may differ in every other field.
    let schema = serde_json::from_slice::<SchemaOnly>(text).map_err(malformed)?.schema;
    if schema.as_deref() != Some(SCHEMA) {
        return Err(BlockFileError::Schema { path: path.to_owned(), found: schema });
    }
    let file: File = serde_json::from_slice(text).map_err(malformed)?;
    convert(block_name(path), file)
        .map_err(|what| BlockFileError::Inconsistent { path: path.to_owned(), what })
}

fn convert(name: String, file: File) -> Result<LoadedBlock, String> {
    let spec =
        spec(&file.spec).ok_or_else(|| format!("spec is {:?}; known are {}", file.spec, FORKS.join(", ")))?;
    let tx_count = file.expected.tx_count.unwrap_or(file.transactions.len());
    if tx_count != file.transactions.len() {
        return Err(format!("expects {tx_count} transactions but holds {}", file.transactions.len()));
    }
    let known = expected(&file, spec, tx_count)?;
    let env = env(&file.env, spec)?;
    let pre_state = pre_state(file.pre_state, file.codes, file.block_hashes)?;
    let transaction_sizes_bytes = file.transactions.iter().map(|tx| tx.encoded_len.unwrap_or(0)).collect();
    let transactions = file.transactions.into_iter().enumerate();
    let transactions: Vec<TxEnv> = transactions
        .map(|(index, tx)| transaction(tx).map_err(|what| format!("transaction {index}: {what}")))
        .collect::<Result<_, _>>()?;
    Ok(LoadedBlock {
        name,
        source: file.source,
        block: Block { spec, chain_id: file.chain_id, env, transactions },
        pre_state,
        transaction_sizes_bytes,
        block_size_bytes: file.block_size_bytes,
        header: file.header.map(|header| BlockHeader {
            hash: header.hash,
            parent_hash: header.parent_hash,
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
        }),
        expected: known,
    })
}

/// What an execution must yield: what the header says, which what else is in the file must not contradict.
fn expected(file: &File, spec: SpecId, tx_count: usize) -> Result<Expected, String> {
    let given = &file.expected;
    let Some(header) = &file.header else {
        let (gas_used, receipts_root, logs_bloom) = (given.gas_used, given.receipts_root, given.logs_bloom);
        return Ok(Expected { gas_used, receipts_root, logs_bloom, tx_count });
    };
    let quantity = |name: &str, value: Option<U256>| {
        let number = |v: U256| u64::try_from(v).map_err(|_| format!("header.{name} is no 64-bit number"));
        value.map(number).transpose()
    };
    let env = &file.env;
    same("env.number", "header.number", Some(env.number), quantity("number", header.number)?)?;
    same("env.timestamp", "header.timestamp", Some(env.timestamp), quantity("timestamp", header.timestamp)?)?;
    same("env.coinbase", "header.miner", Some(env.coinbase), header.miner)?;
    same("env.gas_limit", "header.gasLimit", Some(env.gas_limit), quantity("gasLimit", header.gas_limit)?)?;
    let base_fee = quantity("baseFeePerGas", header.base_fee_per_gas)?;
    same("env.base_fee_per_gas", "header.baseFeePerGas", Some(env.base_fee_per_gas), base_fee)?;
    let excess = quantity("excessBlobGas", header.excess_blob_gas)?;
    same("env.excess_blob_gas", "header.excessBlobGas", env.excess_blob_gas, excess)?;
    let gas = quantity("gasUsed", header.gas_used)?;
    // Before Byzantium receipts hold state roots, which no file has.
    let root = spec.is_enabled_in(SpecId::BYZANTIUM).then_some(header.receipts_root);
    Ok(Expected {
        gas_used: same("expected.gas_used", "header.gasUsed", given.gas_used, gas)?,
        receipts_root: same("expected.receipts_root", "header.receiptsRoot", given.receipts_root, root)?,
        logs_bloom: same("expected.logs_bloom", "header.logsBloom", given.logs_bloom, header.logs_bloom)?,
        tx_count,
    })
}

/// One of two values that must not differ where both are there.
fn same<T: PartialEq + std::fmt::Display>(
    name: &str,
    of_header: &str,
    given: Option<T>,
    header: Option<T>,
) -> Result<Option<T>, String> {
    match (given, header) {
        (Some(given), Some(header)) if given != header => {
            Err(format!("{name} is {given} but {of_header} is {header}"))
        }
        (given, header) => Ok(header.or(given)),
    }
}

/// Rules by the names that files have for them, earliest first.
const SPECS: [(&str, SpecId); 14] = [
    ("FRONTIER", SpecId::FRONTIER),
    ("HOMESTEAD", SpecId::HOMESTEAD),
    ("TANGERINE", SpecId::TANGERINE),
    ("SPURIOUS_DRAGON", SpecId::SPURIOUS_DRAGON),
    ("BYZANTIUM", SpecId::BYZANTIUM),
    ("PETERSBURG", SpecId::PETERSBURG),
    ("ISTANBUL", SpecId::ISTANBUL),
    ("BERLIN", SpecId::BERLIN),
    ("LONDON", SpecId::LONDON),
    ("MERGE", SpecId::MERGE),
    ("SHANGHAI", SpecId::SHANGHAI),
    ("CANCUN", SpecId::CANCUN),
    ("PRAGUE", SpecId::PRAGUE),
    ("OSAKA", SpecId::OSAKA),
];

/// Their names.
pub(super) const FORKS: [&str; SPECS.len()] = {
    let (mut names, mut at) = ([""; SPECS.len()], 0);
    while at < names.len() {
        names[at] = SPECS[at].0;
        at += 1;
    }
    names
};

fn spec(name: &str) -> Option<SpecId> {
    SPECS.iter().find(|(known, _)| *known == name).map(|(_, spec)| *spec)
}

/// The most excess blob gas a file may state, in update fractions. The price per blob gas grows e-fold with each: here
/// it is thirty ether, and far beyond, computing it would not end.
const EXCESS_BLOB_GAS_MAX_FRACTIONS: u64 = 45;

fn env(env: &Env, spec: SpecId) -> Result<BlockEnv, String> {
    let update_fraction = match env.blob_fee_fraction {
        Some(fraction) => fraction,
        None if spec.is_enabled_in(SpecId::PRAGUE) => BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
        None => BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN,
    };
    if update_fraction == 0 {
        return Err("blob_fee_fraction is 0, at least 1 is needed".to_owned());
    }
    let most = update_fraction.saturating_mul(EXCESS_BLOB_GAS_MAX_FRACTIONS);
    if let Some(excess) = env.excess_blob_gas.filter(|excess| *excess > most) {
        return Err(format!("excess_blob_gas is {excess}, more than {most}"));
    }
    Ok(BlockEnv {
        number: U256::from(env.number),
        beneficiary: env.coinbase,
        timestamp: U256::from(env.timestamp),
        gas_limit: env.gas_limit,
        basefee: env.base_fee_per_gas,
        difficulty: env.difficulty,
        prevrandao: env.prev_randao.filter(|_| spec.is_enabled_in(SpecId::MERGE)),
        blob_excess_gas_and_price: env
            .excess_blob_gas
            .map(|excess| BlobExcessGasAndPrice::new(excess, update_fraction)),
        slot_num: 0,
    })
}

fn transaction(tx: Transaction) -> Result<TxEnv, String> {
    if tx.tx_type > 4 {
        return Err(format!("type {} is not known; known are 0 to 4", tx.tx_type));
    }
    let gas_price = match tx.tx_type {
        0 | 1 => tx.gas_price.ok_or("gas_price is missing".to_owned())?,
        _ => tx.max_fee_per_gas.ok_or("max_fee_per_gas is missing".to_owned())?,
    };
    let access_list = tx.access_list.unwrap_or_default().into_iter();
    let access_list =
        access_list.map(|entry| AccessListItem { address: entry.address, storage_keys: entry.storage_keys });
    let authorization_list = tx.authorization_list.unwrap_or_default().into_iter().map(|entry| {
        let inner = Authorization { chain_id: entry.chain_id, address: entry.address, nonce: entry.nonce };
        Either::Left(SignedAuthorization::new_unchecked(inner, entry.y_parity, entry.r, entry.s))
    });
    Ok(TxEnv {
        tx_type: tx.tx_type,
        caller: tx.from,
        gas_limit: tx.gas_limit,
        gas_price,
        kind: tx.to.map_or(TxKind::Create, TxKind::Call),
        value: tx.value,
        data: tx.input,
        nonce: tx.nonce,
        chain_id: tx.chain_id,
        access_list: AccessList(access_list.collect()),
        gas_priority_fee: tx.max_priority_fee_per_gas,
        blob_hashes: tx.blob_versioned_hashes.unwrap_or_default(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas.unwrap_or_default(),
        authorization_list: authorization_list.collect(),
    })
}

fn pre_state(
    accounts: BTreeMap<Address, Account>,
    codes: BTreeMap<B256, Bytes>,
    block_hashes: BTreeMap<String, B256>,
) -> Result<MemoryState, String> {
    let mut state = MemoryState::new();
    for (hash, code) in &codes {
        // Code that only looks like a delegation (deployed before EIP-3541) is legacy code.
        let code =
            Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code.clone()));
        let found = code.hash_slow();
        if found != *hash {
            return Err(format!("the code listed under {hash} hashes to {found}"));
        }
        state.insert_code(code);
    }
    for (address, account) in accounts {
        if let Some(hash) = account.code_hash.filter(|hash| !codes.contains_key(hash)) {
            return Err(format!("account {address} has code {hash}, which is not listed"));
        }
        let info = AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash.unwrap_or_default(),
            code: None,
            ..AccountInfo::default()
        };
        state.insert_account(address, info);
        for (slot, value) in account.storage {
            state.insert_storage(address, slot, value);
        }
    }
    for (number, hash) in block_hashes {
        let parsed = number.parse().map_err(|_| format!("block number {number:?} is not an integer"))?;
        state.insert_block_hash(parsed, hash);
    }
    Ok(state)
}
