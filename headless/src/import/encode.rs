//! Transactions as they are hashed and sent (EIP-2718 with EIP-2930, 1559, 4844 and 7702).

use super::block::Transaction;
use alloy_primitives::Signature;
use alloy_rlp::{BufMut, Encodable, Header};
use parallel_evm::{Address, B256, U256};

/// The root of the transactions' trie.
pub fn transactions_root(transactions: &[Transaction]) -> B256 {
    alloy_trie::root::ordered_trie_root_with_encoder(transactions, |tx, out| {
        // Called on transactions that have been encoded before.
        out.put_slice(&transaction(tx).unwrap_or_default());
    })
}

/// A transaction's encoding, or what it lacks.
pub fn transaction(tx: &Transaction) -> Result<Vec<u8>, String> {
    let mut fields = fields(tx)?;
    [v(tx), tx.r, tx.s].iter().for_each(|number| number.encode(&mut fields));
    Ok(with_type(tx, &fields))
}

/// The first part of the signature as it is hashed: since types, a parity.
pub fn v(tx: &Transaction) -> U256 {
    if tx.tx_type() == 0 { tx.v } else { tx.y_parity.unwrap_or(tx.v) }
}

/// The chain's id as it is signed: in a field, or hidden in `v` (EIP-155).
pub fn chain_id(tx: &Transaction) -> Option<U256> {
    match tx.tx_type() {
        0 => tx.v.checked_sub(U256::from(35)).map(|v| v >> 1),
        _ => tx.chain_id,
    }
}

/// Who signed a transaction, or why nobody can have.
pub fn signer(tx: &Transaction) -> Result<Address, String> {
    let mut fields = fields(tx)?;
    let v = v(tx);
    let odd = match (tx.tx_type(), u64::try_from(v)) {
        (0, Ok(v @ 35..)) => {
            // EIP-155: the chain's id is signed, and hidden in v.
            ((v - 35) / 2).encode(&mut fields);
            [0_u8, 0].iter().for_each(|zero| zero.encode(&mut fields));
            v % 2 == 0
        }
        (0, Ok(v @ 27..=28)) => v == 28,
        (1..=4, Ok(v @ 0..=1)) => v == 1,
        _ => return Err(format!("{v} is no parity of a signature")),
    };
    let hash = alloy_primitives::keccak256(with_type(tx, &fields));
    let signature = Signature::new(tx.r, tx.s, odd);
    signature.recover_address_from_prehash(&hash).map_err(|error| format!("no valid signature: {error}"))
}

/// Everything that is signed, save what EIP-155 adds, as payload of a list.
fn fields(tx: &Transaction) -> Result<Vec<u8>, String> {
    let lacks = |name: &str| format!("{name} is missing");
    let tx_type = tx.tx_type();
    let mut fields = Vec::new();
    if tx_type > 0 {
        tx.chain_id.ok_or_else(|| lacks("chainId"))?.encode(&mut fields);
    }
    tx.nonce.encode(&mut fields);
    match tx_type {
        0 | 1 => tx.gas_price.ok_or_else(|| lacks("gasPrice"))?.encode(&mut fields),
        2..=4 => {
            tx.max_priority_fee_per_gas.ok_or_else(|| lacks("maxPriorityFeePerGas"))?.encode(&mut fields);
            tx.max_fee_per_gas.ok_or_else(|| lacks("maxFeePerGas"))?.encode(&mut fields);
        }
        other => return Err(format!("type {other} is not known; known are 0 to 4")),
    }
    tx.gas.encode(&mut fields);
    match tx.to {
        Some(to) => to.encode(&mut fields),
        None => fields.put_u8(alloy_rlp::EMPTY_STRING_CODE),
    }
    tx.value.encode(&mut fields);
    tx.input.encode(&mut fields);
    if tx_type > 0 {
        access_list(tx, &mut fields);
    }
    if tx_type == 3 {
        tx.max_fee_per_blob_gas.ok_or_else(|| lacks("maxFeePerBlobGas"))?.encode(&mut fields);
        let hashes = tx.blob_versioned_hashes.as_ref().ok_or_else(|| lacks("blobVersionedHashes"))?;
        let mut payload = Vec::new();
        hashes.iter().for_each(|hash| hash.encode(&mut payload));
        list(&payload, &mut fields);
    }
    if tx_type == 4 {
        let mut payload = Vec::new();
        for entry in tx.authorization_list.as_ref().ok_or_else(|| lacks("authorizationList"))? {
            let mut item = Vec::new();
            entry.chain_id.encode(&mut item);
            entry.address.encode(&mut item);
            [entry.nonce, entry.y_parity, entry.r, entry.s]
                .iter()
                .for_each(|number| number.encode(&mut item));
            list(&item, &mut payload);
        }
        list(&payload, &mut fields);
    }
    Ok(fields)
}

fn with_type(tx: &Transaction, fields: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    if tx.tx_type() > 0 {
        encoded.push(tx.tx_type());
    }
    list(fields, &mut encoded);
    encoded
}

fn access_list(tx: &Transaction, out: &mut Vec<u8>) {
    let mut payload = Vec::new();
    for entry in tx.access_list.iter().flatten() {
        let mut keys = Vec::new();
        entry.storage_keys.iter().for_each(|key| key.encode(&mut keys));
        let mut item = Vec::new();
        entry.address.encode(&mut item);
        list(&keys, &mut item);
        list(&item, &mut payload);
    }
    list(&payload, out);
}

/// An item that holds items.
pub fn listed(payload: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    list(payload, &mut encoded);
    encoded
}

fn list(payload: &[u8], out: &mut Vec<u8>) {
    Header { list: true, payload_length: payload.len() }.encode(out);
    out.extend_from_slice(payload);
}
