//! State root and logs hash, computed here from the plain data of a test and the changes of a block.

use alloy_rlp::Encodable;
use alloy_trie::{HashBuilder, Nibbles};
use parallel_evm::{AccountChange, Address, B256, Log, StateDelta, U256};
use revm::primitives::keccak256;
use std::collections::BTreeMap;

#[derive(Clone)]
pub struct PlainAccount {
    pub balance: U256,
    pub nonce: u64,
    pub code_hash: B256,
    pub storage: BTreeMap<U256, U256>,
}

pub fn state_root(before: &BTreeMap<Address, PlainAccount>, changes: Option<&StateDelta>) -> B256 {
    let mut accounts = before.clone();
    for (address, change) in changes.into_iter().flat_map(|delta| &delta.accounts) {
        if matches!(change.info, AccountChange::Deleted) {
            accounts.remove(address);
            continue;
        }
        let account = accounts.entry(*address).or_insert_with(|| PlainAccount {
            balance: U256::ZERO,
            nonce: 0,
            code_hash: keccak256([]),
            storage: BTreeMap::new(),
        });
        if let AccountChange::Updated(fields) = change.info {
            (account.balance, account.nonce, account.code_hash) =
                (fields.balance, fields.nonce, fields.code_hash);
        }
        if change.storage_cleared {
            account.storage.clear();
        }
        account.storage.extend(change.storage.iter().map(|(slot, value)| (*slot, *value)));
    }
    let leaves = accounts.iter().map(|(address, account)| {
        let storage = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let slots =
            storage.map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), alloy_rlp::encode(value)));
        let storage_root = trie_root(slots.collect());
        let mut payload = Vec::new();
        account.nonce.encode(&mut payload);
        account.balance.encode(&mut payload);
        storage_root.encode(&mut payload);
        account.code_hash.encode(&mut payload);
        (keccak256(address), list(payload))
    });
    trie_root(leaves.collect())
}

pub fn logs_hash(logs: &[Log]) -> B256 {
    let mut payload = Vec::new();
    for log in logs {
        log.encode(&mut payload);
    }
    keccak256(list(payload))
}

fn list(payload: Vec<u8>) -> Vec<u8> {
    let mut encoded = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut encoded);
    encoded.extend(payload);
    encoded
}

fn trie_root(leaves: BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in &leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}
