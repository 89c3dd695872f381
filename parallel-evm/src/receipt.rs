//! Receipts, their bloom filter and their trie root.

use alloy_primitives::Bloom;
use alloy_rlp::{BufMut, Encodable, Header};
use revm::primitives::{Address, B256, Bytes, Log};

/// The outcome of one transaction as users see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// EIP-2718 type of the transaction.
    pub tx_type: u8,
    /// Whether the transaction ended without revert or halt.
    pub success: bool,
    /// Gas used by this and all earlier transactions of the block.
    pub cumulative_gas_used: u64,
    /// Gas used by this transaction, after refunds.
    pub gas_used: u64,
    /// Logs in the order of emission; none unless `success`.
    pub logs: Vec<Log>,
    /// The contract created by a creating transaction that succeeded.
    pub contract_address: Option<Address>,
    /// Return or revert data; the deployed code of a creation.
    pub output: Bytes,
}

impl Receipt {
    /// The bloom filter over this receipt's logs.
    pub fn logs_bloom(&self) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in &self.logs {
            bloom.accrue_log(log);
        }
        bloom
    }

    /// The consensus encoding since Byzantium: RLP, with the type byte in front for typed transactions.
    fn encode_2718(&self, out: &mut dyn BufMut) {
        let bloom = self.logs_bloom();
        let logs_payload: usize = self.logs.iter().map(Encodable::length).sum();
        let logs_header = Header { list: true, payload_length: logs_payload };
        let payload_length = self.success.length()
            + self.cumulative_gas_used.length()
            + bloom.length()
            + logs_header.length_with_payload();
        if self.tx_type != 0 {
            out.put_u8(self.tx_type);
        }
        Header { list: true, payload_length }.encode(out);
        self.success.encode(out);
        self.cumulative_gas_used.encode(out);
        bloom.encode(out);
        logs_header.encode(out);
        for log in &self.logs {
            log.encode(out);
        }
    }
}

/// The root of the receipts' trie, in the encoding used since Byzantium.
pub(crate) fn receipts_root(receipts: &[Receipt]) -> B256 {
    alloy_trie::root::ordered_trie_root_with_encoder(receipts, |receipt, out| receipt.encode_2718(out))
}
