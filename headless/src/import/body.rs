//! What a block holds besides its transactions, as far as its header proves it: withdrawals by their root, uncles by
//! the hash of their headers, and the size, which follows from all of it. What is not proven is left out.

use super::block::Transaction;
use super::client::Client;
use super::header::Header;
use super::{ImportError, RpcError, encode, inconsistent};
use alloy_rlp::{BufMut, Encodable, Header as RlpHeader};
use parallel_evm::{Address, B256, U256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// More uncles no block can have.
const UNCLES_MAX: usize = 2;

/// Each part: none if the node does not tell enough to prove it.
pub struct Body {
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// Hashes of their headers.
    pub uncles: Option<Vec<B256>>,
    /// The block's encoding, bytes.
    pub size_bytes: Option<usize>,
}

/// A withdrawal as nodes tell it (EIP-4895).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Withdrawal {
    index: U256,
    validator_index: U256,
    address: Address,
    amount: U256,
}

impl Withdrawal {
    fn encode(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        self.index.encode(&mut fields);
        self.validator_index.encode(&mut fields);
        self.address.encode(&mut fields);
        self.amount.encode(&mut fields);
        encode::listed(&fields)
    }
}

impl Body {
    /// Checks what the node tells in `raw` against the header.
    ///
    /// # Errors
    /// The header says otherwise.
    pub fn prove(
        client: &Client<'_>,
        raw: &Value,
        header: &Header,
        transactions: &[Transaction],
    ) -> Result<Self, ImportError> {
        let withdrawals = withdrawals(told(raw, "withdrawals")?, header)?;
        let uncles = uncles(client, told(raw, "uncles")?, header)?;
        let size_bytes = match (&withdrawals, &uncles) {
            (Some(withdrawals), Some((_, uncles))) => {
                let mut payload = header.encode();
                let mut items = Vec::new();
                for tx in transactions {
                    let encoded = encode::transaction(tx).map_err(inconsistent)?;
                    match tx.tx_type() {
                        0 => items.extend_from_slice(&encoded),
                        _ => encoded.as_slice().encode(&mut items),
                    }
                }
                payload.extend(encode::listed(&items));
                payload.extend(encode::listed(uncles));
                if header.withdrawals_root.is_some() {
                    let all: Vec<u8> = withdrawals.iter().flat_map(Withdrawal::encode).collect();
                    payload.extend(encode::listed(&all));
                }
                Some(RlpHeader { list: true, payload_length: payload.len() }.length_with_payload())
            }
            _ => None,
        };
        Ok(Self { withdrawals, uncles: uncles.map(|(hashes, _)| hashes), size_bytes })
    }
}

fn told<T: serde::de::DeserializeOwned>(raw: &Value, name: &str) -> Result<Option<Vec<T>>, ImportError> {
    let list = raw.get(name).cloned().unwrap_or(Value::Null);
    serde_json::from_value(list).map_err(|error| {
        let (method, what) =
            ("eth_getBlockByNumber".to_owned(), super::client::legible(format!("{name}: {error}")));
        RpcError::Malformed { method, what }.into()
    })
}

fn withdrawals(
    told: Option<Vec<Withdrawal>>,
    header: &Header,
) -> Result<Option<Vec<Withdrawal>>, ImportError> {
    let Some(root) = header.withdrawals_root else {
        return match told {
            Some(list) if !list.is_empty() => {
                Err(inconsistent("there are withdrawals, and no root of them in the header"))
            }
            _ => Ok(Some(Vec::new())),
        };
    };
    let Some(list) = told else { return Ok(None) };
    let found = alloy_trie::root::ordered_trie_root_with_encoder(&list, |withdrawal, out| {
        out.put_slice(&withdrawal.encode());
    });
    if found != root {
        return Err(inconsistent(format!("the withdrawals' root is {found}, not {root} as in the header")));
    }
    Ok(Some(list))
}

/// Hashes of the uncles, and their headers' encodings one after the other.
type Uncles = (Vec<B256>, Vec<u8>);

fn uncles(
    client: &Client<'_>,
    told: Option<Vec<B256>>,
    header: &Header,
) -> Result<Option<Uncles>, ImportError> {
    let has_none = header.sha3_uncles == alloy_primitives::keccak256(encode::listed(&[]));
    let Some(hashes) = told else { return Ok(has_none.then(Default::default)) };
    if hashes.is_empty() != has_none || hashes.len() > UNCLES_MAX {
        return Err(inconsistent(format!(
            "it tells of {} uncles, which cannot hash to {} as in the header",
            hashes.len(),
            header.sha3_uncles
        )));
    }
    let mut headers = Vec::new();
    for (index, hash) in hashes.iter().enumerate() {
        let params = json!([format!("{:#x}", header.number), format!("{index:#x}")]);
        let uncle = client.offered::<Header>("eth_getUncleByBlockNumberAndIndex", &params)?;
        let Some(uncle) = uncle else { return Ok(None) };
        uncle.check().map_err(inconsistent)?;
        if uncle.hash != *hash {
            return Err(inconsistent(format!("uncle {index} has hash {}, not {hash}", uncle.hash)));
        }
        headers.extend(uncle.encode());
    }
    let found = alloy_primitives::keccak256(encode::listed(&headers));
    if found != header.sha3_uncles {
        return Err(inconsistent(format!(
            "the uncles hash to {found}, not to {} as in the header",
            header.sha3_uncles
        )));
    }
    Ok(Some((hashes, headers)))
}
