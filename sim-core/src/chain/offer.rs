//! Transactions that others than users want on a chain: batches of rollups, proofs of their state.
//!
//! **Captures** what a proposer needs to know of one: blobs, gas, size, what it pays. **Leaves out** its content:
//! it calls an address without code or a verifier, and changes nothing that users of the chain see; its gas is
//! counted, its execution is not. **Source** EIP-4844 (a transaction pays for gas and for blob gas, each up to a
//! limit of its own; the price of blob gas is burned, so proposers choose by the tip on gas).

use super::fee_market::blob::GAS_PER_BLOB;
use super::transaction::effective_tip;
use crate::kernel::ids::NodeId;

/// Identity by content: the fleet's chain number, the account, and the account's own count.
pub type OfferId = (u32, u64, u32);

/// A transaction on its way to a proposer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who sends it, and which of theirs it is.
    pub id: OfferId,
    /// The sender's own handle of it.
    pub number: u32,
    /// Node that has it.
    pub host: NodeId,
    /// Blobs it carries.
    pub blobs: u32,
    /// Gas it uses.
    pub gas: u64,
    /// Its size without blobs, bytes.
    pub bytes: u64,
    /// Most it pays per gas, wei.
    pub max_fee_wei: u64,
    /// Most of that which goes to the proposer, wei.
    pub tip_wei: u64,
    /// Most it pays per blob gas, wei.
    pub max_blob_fee_wei: u128,
}

impl Offer {
    /// What the proposer gets per gas at these prices, wei; `None` if the offer does not cover them.
    pub fn tip_at(&self, base_fee_wei: u64, blob_fee_wei: u128) -> Option<u64> {
        if self.blobs > 0 && self.max_blob_fee_wei < blob_fee_wei {
            return None;
        }
        effective_tip(self.max_fee_wei, self.tip_wei, base_fee_wei)
    }

    /// What is paid for it at these prices, wei.
    pub fn cost_wei(&self, base_fee_wei: u64, blob_fee_wei: u128) -> u128 {
        let tip = effective_tip(self.max_fee_wei, self.tip_wei, base_fee_wei).unwrap_or(0);
        let gas = u128::from(self.gas) * (u128::from(base_fee_wei) + u128::from(tip));
        gas + u128::from(self.blobs) * u128::from(GAS_PER_BLOB) * blob_fee_wei
    }
}

/// Gas of a transaction by what it carries: 21,000, and for calldata the floor price of EIP-7623 (10 gas a
/// token; a zero byte is one token, any other four).
pub fn calldata_gas(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    let tokens = zeros + 4 * (data.len() as u64 - zeros);
    21_000 + 10 * tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer {
            id: (1, 7, 0),
            number: 0,
            host: NodeId(0),
            blobs: 2,
            gas: 21_000,
            bytes: 250,
            max_fee_wei: 100,
            tip_wei: 10,
            max_blob_fee_wei: 50,
        }
    }

    #[test]
    fn an_offer_pays_both_prices_or_none() {
        assert_eq!(offer().tip_at(95, 50), Some(5));
        assert_eq!(offer().tip_at(95, 51), None);
        assert_eq!(offer().tip_at(101, 50), None);
        assert_eq!(Offer { blobs: 0, ..offer() }.tip_at(90, 1_000), Some(10));
        assert_eq!(offer().cost_wei(90, 3), 21_000 * 100 + 2 * 131_072 * 3);
    }

    #[test]
    fn calldata_costs_its_floor() {
        assert_eq!(calldata_gas(&[]), 21_000);
        assert_eq!(calldata_gas(&[0, 1]), 21_000 + 10 + 40);
    }
}
