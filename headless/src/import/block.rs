//! A block as nodes tell it, and as block files hold it.

use super::body::Body;
use super::client::Client;
use super::encode;
use super::forks::{Rules, has_state_roots_in_receipts};
use super::header::Header;
use super::{ImportError, inconsistent};
use parallel_evm::{Address, B256, Bytes, U256};
use serde::Deserialize;
use serde_json::{Value, json};

/// A block with its transactions and whatever else of it the hash of its header proves; nothing that it does not.
pub struct RpcBlock {
    pub number: u64,
    pub timestamp: u64,
    pub gas_used: u64,
    pub header: Header,
    chain_id: u64,
    transactions: Vec<Transaction>,
    body: Body,
}

/// A transaction as nodes tell it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    pub hash: B256,
    #[serde(rename = "type")]
    pub tx_type: Option<U256>,
    pub from: Address,
    pub to: Option<Address>,
    pub nonce: U256,
    pub gas: U256,
    pub value: U256,
    pub input: Bytes,
    pub chain_id: Option<U256>,
    pub gas_price: Option<U256>,
    pub max_fee_per_gas: Option<U256>,
    pub max_priority_fee_per_gas: Option<U256>,
    pub access_list: Option<Vec<AccessEntry>>,
    pub max_fee_per_blob_gas: Option<U256>,
    pub blob_versioned_hashes: Option<Vec<B256>>,
    pub authorization_list: Option<Vec<Authorization>>,
    pub v: U256,
    pub r: U256,
    pub s: U256,
    pub y_parity: Option<U256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessEntry {
    pub address: Address,
    pub storage_keys: Vec<B256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    pub chain_id: U256,
    pub address: Address,
    pub nonce: U256,
    pub y_parity: U256,
    pub r: U256,
    pub s: U256,
}

impl Transaction {
    pub fn tx_type(&self) -> u8 {
        self.tx_type.map_or(0, |number| number.saturating_to())
    }
}

fn narrow<T: TryFrom<U256>>(name: &str, value: U256) -> Result<T, ImportError> {
    T::try_from(value)
        .map_err(|_| inconsistent(format!("{name} is {value:#x}, more than its field can hold")))
}

impl RpcBlock {
    /// Fetches a block and checks what can be checked of it without its state.
    pub fn fetch(client: &Client<'_>, number: u64, chain_id: u64) -> Result<Self, ImportError> {
        if number == 0 {
            return Err(ImportError::Usage("block 0 has no parent: there is nothing to execute".to_owned()));
        }
        let method = "eth_getBlockByNumber";
        let raw: Value = client.get(method, &json!([format!("{number:#x}"), true]))?;
        let malformed = |error: serde_json::Error| super::RpcError::Malformed {
            method: method.to_owned(),
            what: super::client::legible(format!("block {number}: {error}")),
        };
        let header: Header = serde_json::from_value(raw.clone()).map_err(malformed)?;
        let transactions: Vec<Transaction> =
            serde_json::from_value(raw["transactions"].clone()).map_err(malformed)?;
        if header.number != U256::from(number) {
            return Err(inconsistent(format!("asked for block {number}, it gives block {}", header.number)));
        }
        header.check().map_err(inconsistent)?;
        for (index, tx) in transactions.iter().enumerate() {
            check(tx).map_err(|what| inconsistent(format!("transaction {index} {what}")))?;
        }
        let root = encode::transactions_root(&transactions);
        if root != header.transactions_root {
            return Err(inconsistent(format!(
                "the transactions' root is {root}, not {} as in the header",
                header.transactions_root
            )));
        }
        let body = Body::prove(client, &raw, &header, &transactions)?;
        Ok(Self {
            number,
            timestamp: narrow("timestamp", header.timestamp)?,
            gas_used: narrow("gasUsed", header.gas_used)?,
            header,
            chain_id,
            transactions,
            body,
        })
    }

    /// The hash of the first transaction that carries blobs.
    pub fn first_with_blobs(&self) -> Option<B256> {
        self.transactions.iter().find(|tx| tx.tx_type() == 3).map(|tx| tx.hash)
    }

    pub fn number_hex(&self) -> String {
        format!("{:#x}", self.number)
    }

    /// The block file, still without state.
    pub fn to_file(&self, rules: &Rules, node: &str) -> Result<Value, ImportError> {
        let head = &self.header;
        let transactions = self.transactions.iter().map(transaction).collect::<Result<Vec<_>, _>>()?;
        let mut file = json!({
            "schema": "evm-block/1",
            "chain_id": self.chain_id,
            "source": format!("block {} of chain {}, from the node at {node}", self.number, self.chain_id),
            "spec": rules.spec,
            "header": head,
            "env": {
                "number": self.number,
                "timestamp": self.timestamp,
                "coinbase": head.miner,
                "gas_limit": narrow::<u64>("gasLimit", head.gas_limit)?,
                "base_fee_per_gas": narrow::<u64>("baseFeePerGas", head.base_fee_per_gas.unwrap_or_default())?,
                "difficulty": head.difficulty,
                "prev_randao": head.mix_hash,
                "excess_blob_gas": head.excess_blob_gas.map(|gas| narrow::<u64>("excessBlobGas", gas)).transpose()?,
                "blob_fee_fraction": rules.blob_fee_fraction,
            },
            "block_size_bytes": self.body.size_bytes,
            "block_hashes": {},
            "transactions": transactions,
            "pre_state": {},
            "codes": {},
            "expected": {
                "gas_used": self.gas_used,
                "receipts_root": (!has_state_roots_in_receipts(&rules.spec)).then_some(head.receipts_root),
                "logs_bloom": head.logs_bloom,
                "tx_count": self.transactions.len(),
            },
        });
        if let Some(uncles) = &self.body.uncles {
            file["uncles"] = json!(uncles);
        }
        if let Some(withdrawals) = &self.body.withdrawals {
            file["withdrawals"] = json!(withdrawals);
        }
        Ok(file)
    }
}

/// Whether a transaction hashes to what the node says, and was signed by whom the node says.
fn check(tx: &Transaction) -> Result<(), String> {
    let encoded = encode::transaction(tx).map_err(|what| format!("cannot be encoded: {what}"))?;
    let hash = alloy_primitives::keccak256(&encoded);
    if hash != tx.hash {
        return Err(format!("hashes to {hash}, not to {}", tx.hash));
    }
    match encode::signer(tx)? {
        signer if signer == tx.from => Ok(()),
        signer => Err(format!("is signed by {signer}, not by {}", tx.from)),
    }
}

fn transaction(tx: &Transaction) -> Result<Value, ImportError> {
    let tx_type = tx.tx_type();
    let price = |name: &str, value: Option<U256>| value.map(|value| narrow::<u128>(name, value)).transpose();
    // Numbers beyond 64 bits do not survive JSON; no price on any chain needs them.
    let price = |name: &str, value: Option<U256>| -> Result<Option<u64>, ImportError> {
        price(name, value)?.map(|value| narrow::<u64>(name, U256::from(value))).transpose()
    };
    let access_list = tx.access_list.iter().flatten();
    let access_list =
        access_list.map(|entry| json!({ "address": entry.address, "storage_keys": entry.storage_keys }));
    let mut file = json!({
        "hash": tx.hash,
        "type": tx_type,
        "from": tx.from,
        "to": tx.to,
        "nonce": narrow::<u64>("nonce", tx.nonce)?,
        "gas_limit": narrow::<u64>("gas", tx.gas)?,
        "value": tx.value,
        "input": tx.input,
        "chain_id": encode::chain_id(tx).map(|id| narrow::<u64>("chainId", id)).transpose()?,
        "v": encode::v(tx),
        "r": tx.r,
        "s": tx.s,
        "encoded_len": encode::transaction(tx).map_err(inconsistent)?.len(),
    });
    if tx_type < 2 {
        file["gas_price"] = json!(price("gasPrice", tx.gas_price)?);
    } else {
        file["max_fee_per_gas"] = json!(price("maxFeePerGas", tx.max_fee_per_gas)?);
        file["max_priority_fee_per_gas"] = json!(price("maxPriorityFeePerGas", tx.max_priority_fee_per_gas)?);
    }
    if tx_type > 0 {
        file["y_parity"] = json!(encode::v(tx));
        file["access_list"] = access_list.collect();
    }
    if tx_type == 3 {
        file["max_fee_per_blob_gas"] = json!(price("maxFeePerBlobGas", tx.max_fee_per_blob_gas)?);
        file["blob_versioned_hashes"] = json!(tx.blob_versioned_hashes);
    }
    if tx_type == 4 {
        let mut list = Vec::new();
        for entry in tx.authorization_list.iter().flatten() {
            list.push(json!({
                "chain_id": entry.chain_id,
                "address": entry.address,
                "nonce": narrow::<u64>("an authorisation's nonce", entry.nonce)?,
                "y_parity": narrow::<u8>("an authorisation's yParity", entry.y_parity)?,
                "r": entry.r,
                "s": entry.s,
            }));
        }
        file["authorization_list"] = json!(list);
    }
    Ok(file)
}
