//! A block's header, proven by its hash.

use alloy_rlp::{BufMut, Encodable, Header as RlpHeader};
use parallel_evm::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// A header as nodes tell it: its hash and all fields that are hashed, nothing else.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub hash: B256,
    pub parent_hash: B256,
    pub sha3_uncles: B256,
    pub miner: Address,
    pub state_root: B256,
    pub transactions_root: B256,
    pub receipts_root: B256,
    pub logs_bloom: Bytes,
    pub difficulty: U256,
    pub number: U256,
    pub gas_limit: U256,
    pub gas_used: U256,
    pub timestamp: U256,
    extra_data: Bytes,
    pub mix_hash: B256,
    nonce: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_fee_per_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawals_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_gas_used: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess_blob_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_beacon_block_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_hash: Option<B256>,
}

impl Header {
    /// Whether the header hashes to what the node says it does.
    ///
    /// # Errors
    /// What it does hash to, in words.
    pub fn check(&self) -> Result<(), String> {
        let found = alloy_primitives::keccak256(self.encode());
        if found == self.hash {
            return Ok(());
        }
        Err(format!(
            "the header of block {} hashes to {found}, not to {} (or has fields that are not known here)",
            self.number, self.hash
        ))
    }

    /// The fields in the order in which each fork has added its own at the end.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        let out: &mut dyn BufMut = &mut fields;
        self.parent_hash.encode(out);
        self.sha3_uncles.encode(out);
        self.miner.encode(out);
        self.state_root.encode(out);
        self.transactions_root.encode(out);
        self.receipts_root.encode(out);
        self.logs_bloom.encode(out);
        for number in [self.difficulty, self.number, self.gas_limit, self.gas_used, self.timestamp] {
            number.encode(out);
        }
        self.extra_data.encode(out);
        self.mix_hash.encode(out);
        self.nonce.encode(out);
        // London, Shanghai, Cancun, Prague.
        self.base_fee_per_gas.iter().for_each(|fee| fee.encode(out));
        self.withdrawals_root.iter().for_each(|root| root.encode(out));
        self.blob_gas_used.iter().for_each(|gas| gas.encode(out));
        self.excess_blob_gas.iter().for_each(|gas| gas.encode(out));
        self.parent_beacon_block_root.iter().for_each(|root| root.encode(out));
        self.requests_hash.iter().for_each(|hash| hash.encode(out));
        let mut encoded = Vec::new();
        RlpHeader { list: true, payload_length: fields.len() }.encode(&mut encoded);
        encoded.extend_from_slice(&fields);
        encoded
    }
}
