//! Accounts and slots with a proof that they belong to a state root (EIP-1186).

use super::client::Client;
use super::{ImportError, encode, inconsistent};
use alloy_rlp::Encodable;
use alloy_trie::{Nibbles, proof::verify_proof};
use parallel_evm::{Address, B256, Bytes, U256};
use serde::Deserialize;
use serde_json::json;

/// An account of the state before a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub exists: bool,
    pub balance: U256,
    pub nonce: u64,
    /// None if it has no code.
    pub code_hash: Option<B256>,
}

impl Account {
    /// An account that exists unless it is empty.
    pub fn new(balance: U256, nonce: u64, code_hash: Option<B256>) -> Self {
        let exists = nonce != 0 || !balance.is_zero() || code_hash.is_some();
        Self { exists, balance, nonce, code_hash }
    }
}

/// What a node has proven.
pub struct Proven {
    pub account: Account,
    pub slots: Vec<(U256, U256)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    balance: U256,
    nonce: U256,
    code_hash: B256,
    storage_hash: B256,
    account_proof: Vec<Bytes>,
    storage_proof: Vec<StorageProof>,
}

#[derive(Deserialize)]
struct StorageProof {
    key: U256,
    value: U256,
    proof: Vec<Bytes>,
}

/// Asks for an account and some of its slots, with proofs; none if the node offers none.
///
/// # Errors
/// The proofs do not lead from the answer to the root.
pub fn ask(
    client: &Client<'_>,
    at: &str,
    root: B256,
    address: Address,
    slots: &[U256],
) -> Result<Option<Proven>, ImportError> {
    let keys: Vec<B256> = slots.iter().map(|slot| B256::from(*slot)).collect();
    let Some(answer) = client.offered::<Answer>("eth_getProof", &json!([address, keys, at]))? else {
        return Ok(None);
    };
    let unproven = |what: String| inconsistent(format!("eth_getProof of {address}: {what}"));
    let empty_code = alloy_primitives::keccak256([]);
    let code_hash = if answer.code_hash.is_zero() { empty_code } else { answer.code_hash };
    let key = Nibbles::unpack(alloy_primitives::keccak256(address));
    let mut account = Account::new(
        answer.balance,
        u64::try_from(answer.nonce).map_err(|_| unproven(format!("the nonce is {}", answer.nonce)))?,
        (code_hash != empty_code).then_some(code_hash),
    );
    let mut leaf = Vec::new();
    account.nonce.encode(&mut leaf);
    account.balance.encode(&mut leaf);
    answer.storage_hash.encode(&mut leaf);
    code_hash.encode(&mut leaf);
    let present = Some(encode::listed(&leaf));
    if verify_proof(root, key, present, &answer.account_proof).is_ok() {
        account.exists = true;
    } else {
        // It may be that it does not exist; anything else is a lie.
        verify_proof(root, key, None, &answer.account_proof).map_err(|error| {
            unproven(format!("the proof does not lead to the state root {root}: {error}"))
        })?;
        if account.exists {
            return Err(unproven(
                "the proof says that the account does not exist, the answer that it does".to_owned(),
            ));
        }
    }
    let mut proven = Vec::new();
    for slot in slots {
        let Some(given) = answer.storage_proof.iter().find(|given| given.key == *slot) else {
            return Err(unproven(format!("slot {slot:#x} is missing")));
        };
        let key = Nibbles::unpack(alloy_primitives::keccak256(slot.to_be_bytes::<32>()));
        let value = (!given.value.is_zero()).then(|| alloy_rlp::encode(given.value));
        // Without storage there is no trie to prove anything by.
        if account.exists || value.is_some() {
            verify_proof(answer.storage_hash, key, value, &given.proof)
                .map_err(|error| unproven(format!("slot {slot:#x}: {error}")))?;
        }
        proven.push((*slot, given.value));
    }
    Ok(Some(Proven { account, slots: proven }))
}
