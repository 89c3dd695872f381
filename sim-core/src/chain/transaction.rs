//! User transactions and their size on the wire.
//!
//! **Captures** EIP-1559 transactions (type 2) with their exact EIP-2718/RLP length, and the length of recorded
//! transactions of types 0, 1 and 2. **Leaves out** signatures as data: every signature counts 32 bytes for
//! each of `r` and `s` and one for the parity. A real one is a byte shorter in 1 of 128 cases, because RLP
//! drops leading zeros. **Parameters** none. **Source** EIP-155, EIP-2718, EIP-2930, EIP-1559.
//! **Checked against** the lengths of all such transactions in the recorded mainnet blocks
//! (`tests/chain_properties.rs`) and literal encodings below.

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_rlp::{Encodable, Header};
use parallel_evm::{Address, Bytes, TxEnv, TxKind, U256};

/// Identity of a user transaction: the node that accepted it from its user, and that node's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId {
    /// Node number of the RPC node.
    pub producer: u32,
    /// The RPC node's own running number.
    pub sequence: u64,
}

/// A user transaction of type 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who took it from the user, and when in that node's own order.
    pub id: TxId,
    /// Number of the sending account ([`AccountKind::Person`](super::account::AccountKind)).
    pub sender: u32,
    /// Address of the sending account.
    pub from: Address,
    /// The sender's own count of transactions.
    pub nonce: u64,
    /// Callee, or creation.
    pub to: TxKind,
    /// Wei sent along.
    pub value: U256,
    /// Call data.
    pub input: Bytes,
    /// Most gas it may use.
    pub gas_limit: u64,
    /// Most it pays per gas, wei.
    pub max_fee_per_gas: u64,
    /// Most of that which goes to the proposer, wei.
    pub max_priority_fee_per_gas: u64,
    /// EIP-155 id of its chain.
    pub chain_id: u64,
    /// Addresses of its access list; without slots.
    pub access_list: Vec<Address>,
}

impl Transaction {
    /// What reaches the proposer per gas at a base fee, wei: `min(max priority, max fee - base fee)`.
    /// `None` if it cannot pay the base fee.
    pub fn effective_tip(&self, base_fee: u64) -> Option<u64> {
        effective_tip(self.max_fee_per_gas, self.max_priority_fee_per_gas, base_fee)
    }

    /// Size on the wire (EIP-2718 bytes), signature included.
    pub fn wire_size_bytes(&self) -> u64 {
        let fields = Fields {
            tx_type: 2,
            chain_id: Some(self.chain_id),
            nonce: self.nonce,
            priority_fee: u128::from(self.max_priority_fee_per_gas),
            price: u128::from(self.max_fee_per_gas),
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            input: &self.input,
            access_list_len: list_len(self.access_list.len() * ACCESS_LEN),
        };
        fields.encoded_len() as u64
    }

    /// Its access list.
    fn declared(&self) -> AccessList {
        let items = self.access_list.iter();
        AccessList(items.map(|a| AccessListItem { address: *a, storage_keys: Vec::new() }).collect())
    }

    /// What the EVM needs to know of it.
    pub fn to_env(&self) -> TxEnv {
        TxEnv {
            tx_type: 2,
            caller: self.from,
            gas_limit: self.gas_limit,
            gas_price: u128::from(self.max_fee_per_gas),
            kind: self.to,
            value: self.value,
            data: self.input.clone(),
            nonce: self.nonce,
            chain_id: Some(self.chain_id),
            gas_priority_fee: Some(u128::from(self.max_priority_fee_per_gas)),
            access_list: self.declared(),
            ..TxEnv::default()
        }
    }

    /// The same, where what it touches costs `surcharge_wei` per gas beyond the base fee: to the EVM that is part
    /// of the priority fee. The surcharge must be covered ([`Quote::tip_wei`](super::fee_market::Quote::tip_wei)).
    pub fn to_env_with(&self, base_fee: u64, surcharge_wei: u64) -> TxEnv {
        let mut env = self.to_env();
        if surcharge_wei > 0 {
            let room = self.max_fee_per_gas.saturating_sub(base_fee);
            let tip = self.max_priority_fee_per_gas.saturating_add(surcharge_wei).min(room);
            env.gas_priority_fee = Some(u128::from(tip));
        }
        env
    }
}

/// A signature, as a number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Parity of the point's y.
    pub odd: bool,
    /// The point's x, big-endian.
    pub r: [u8; 32],
    /// The proof, big-endian.
    pub s: [u8; 32],
}

impl Transaction {
    /// Appends the transaction's EIP-2718 encoding with a signature.
    pub fn encode_signed(&self, signature: &Signature, out: &mut Vec<u8>) {
        let [r, s] = [signature.r, signature.s].map(U256::from_be_bytes::<32>);
        let to: &[u8] = self.to.to().map_or(&[], |to| to.as_slice());
        let access_list = self.declared();
        let fields: [&dyn Encodable; 12] = [
            &self.chain_id,
            &self.nonce,
            &self.max_priority_fee_per_gas,
            &self.max_fee_per_gas,
            &self.gas_limit,
            &to,
            &self.value,
            &self.input,
            &access_list,
            &signature.odd,
            &r,
            &s,
        ];
        let payload_length = fields.iter().map(|field| field.length()).sum();
        out.push(2);
        Header { list: true, payload_length }.encode(out);
        fields.iter().for_each(|field| field.encode(out));
    }
}

/// What reaches the proposer per gas, wei; `None` if `max_fee` does not cover the base fee.
pub fn effective_tip(max_fee: u64, max_priority_fee: u64, base_fee: u64) -> Option<u64> {
    Some(max_priority_fee.min(max_fee.checked_sub(base_fee)?))
}

/// EIP-2718 length in bytes of a transaction of type 0, 1 or 2 with a full-length signature; `None` for other
/// types (their blobs and authorisations are not modelled; recorded blocks state their sizes).
pub fn encoded_len(tx: &TxEnv) -> Option<usize> {
    if tx.tx_type > 2 {
        return None;
    }
    let fields = Fields {
        tx_type: tx.tx_type,
        chain_id: tx.chain_id,
        nonce: tx.nonce,
        priority_fee: tx.gas_priority_fee.unwrap_or(tx.gas_price),
        price: tx.gas_price,
        gas_limit: tx.gas_limit,
        to: tx.kind,
        value: tx.value,
        input: &tx.data,
        access_list_len: tx.access_list.length(),
    };
    Some(fields.encoded_len())
}

/// RLP length of an entry of an access list without slots: an address, an empty list and the entry's header.
const ACCESS_LEN: usize = 1 + 21 + 1;
/// RLP length of a 32-byte string: one byte of header. `r` and `s` are such strings.
const WORD_LEN: usize = 33;

struct Fields<'a> {
    tx_type: u8,
    chain_id: Option<u64>,
    nonce: u64,
    priority_fee: u128,
    price: u128,
    gas_limit: u64,
    to: TxKind,
    value: U256,
    input: &'a [u8],
    access_list_len: usize,
}

impl Fields<'_> {
    fn encoded_len(&self) -> usize {
        let to_len = match self.to {
            TxKind::Call(address) => address.length(),
            // The empty string.
            TxKind::Create => 1,
        };
        let mut payload = self.nonce.length()
            + self.price.length()
            + self.gas_limit.length()
            + to_len
            + self.value.length()
            + self.input.length()
            + 2 * WORD_LEN;
        if self.tx_type == 0 {
            // v: 27 or 28, or 35 or 36 + 2 chain_id (EIP-155); both values of a pair are equally long.
            payload += self.chain_id.map_or(27, |id| id.saturating_mul(2).saturating_add(35)).length();
        } else {
            // Parity is 0 or 1, one byte either way.
            payload += self.chain_id.unwrap_or(0).length() + self.access_list_len + 1;
        }
        if self.tx_type == 2 {
            payload += self.priority_fee.length();
        }
        list_len(payload) + usize::from(self.tx_type != 0)
    }
}

/// Length of an RLP list with a payload of this length.
pub(crate) fn list_len(payload_length: usize) -> usize {
    Header { list: true, payload_length }.length_with_payload()
}

/// Length of an RLP string of this many bytes (more than one).
pub(crate) fn string_len(payload_length: usize) -> usize {
    Header { list: false, payload_length }.length_with_payload()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_rlp::BufMut;

    fn transfer() -> Transaction {
        Transaction {
            id: TxId { producer: 1, sequence: 2 },
            sender: 3,
            from: Address::repeat_byte(0x11),
            nonce: 9,
            to: TxKind::Call(Address::repeat_byte(0x35)),
            value: U256::from(1_000_000_000_000_000_000_u64),
            input: Bytes::new(),
            gas_limit: 21_000,
            max_fee_per_gas: 20_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            chain_id: 1,
            access_list: Vec::new(),
        }
    }

    /// Encodes for real, with the longest signature.
    fn encode(tx: &Transaction, out: &mut Vec<u8>) {
        let word = U256::MAX;
        let TxKind::Call(to) = tx.to else { panic!("calls only") };
        let mut payload = Vec::new();
        tx.chain_id.encode(&mut payload);
        tx.nonce.encode(&mut payload);
        tx.max_priority_fee_per_gas.encode(&mut payload);
        tx.max_fee_per_gas.encode(&mut payload);
        tx.gas_limit.encode(&mut payload);
        to.encode(&mut payload);
        tx.value.encode(&mut payload);
        tx.input.encode(&mut payload);
        payload.put_u8(0xc0);
        1_u8.encode(&mut payload);
        word.encode(&mut payload);
        word.encode(&mut payload);
        out.put_u8(2);
        Header { list: true, payload_length: payload.len() }.encode(out);
        out.extend_from_slice(&payload);
    }

    #[test]
    fn sizes_equal_those_of_real_encodings() {
        let sizes = [0, 1, 2, 54, 55, 56, 68, 255, 256, 1_000, 70_000];
        for (nonce, input_len) in sizes.into_iter().enumerate() {
            for first in [0_u8, 0x7f, 0x80] {
                let mut tx = transfer();
                tx.nonce = nonce as u64 * 50;
                tx.input = vec![first; input_len].into();
                let mut encoded = Vec::new();
                encode(&tx, &mut encoded);
                assert_eq!(tx.wire_size_bytes(), encoded.len() as u64);
                let mut signed = Vec::new();
                tx.encode_signed(&Signature { odd: true, r: [0xff; 32], s: [0xff; 32] }, &mut signed);
                assert_eq!(signed, encoded);
                assert_eq!(encoded_len(&tx.to_env()), Some(encoded.len()));
            }
        }
    }

    #[test]
    fn the_example_of_eip_155_is_110_bytes() {
        // Nonce 9, 20 gwei, 21,000 gas, 1 ether, chain 1: the EIP's signed example has 0x6c payload bytes,
        // two bytes of list header, and full-length r and s.
        let legacy = TxEnv { tx_type: 0, gas_priority_fee: None, ..transfer().to_env() };
        assert_eq!(encoded_len(&legacy), Some(110));
    }

    #[test]
    fn unmodelled_types_have_no_size() {
        let mut blob = transfer().to_env();
        blob.tx_type = 3;
        assert_eq!(encoded_len(&blob), None);
    }

    #[test]
    fn the_tip_is_capped_by_what_the_base_fee_leaves() {
        assert_eq!(effective_tip(100, 10, 50), Some(10));
        assert_eq!(effective_tip(100, 10, 95), Some(5));
        assert_eq!(effective_tip(100, 10, 100), Some(0));
        assert_eq!(effective_tip(100, 10, 101), None);
    }
}
