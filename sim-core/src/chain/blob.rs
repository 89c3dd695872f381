//! Blobs as bytes: what fits into one, and what those of a block weigh on the network.
//!
//! **Captures** the size of blobs on the gossip network, whole ([`Sampling::Full`], as before Fusaka) or as the
//! columns a node has custody of ([`Sampling::Columns`], EIP-7594, by volume), and on their way to a proposer. Their
//! price is [`super::fee_market::blob`]'s. **Leaves out** commitments and proofs as data (they only have a length),
//! and which columns a node has: every node passes on as many bytes as its columns weigh. **Parameters**
//! [`BlobPlan`]. **Source** EIP-4844, EIP-7594. **Checked against** sizes computed by hand below.

use super::fee_market::blob::{BLOB_BYTES, BlobMarket, BlobParent, GAS_PER_BLOB};
use serde::{Deserialize, Serialize};

/// Payload that fits into a blob, bytes: 31 whole bytes and 6 bits of each of 4,096 field elements, less a
/// length (OP Stack specification, "Blob encoding": (4 * 31 + 3) * 1024 - 4).
pub const BLOB_PAYLOAD_BYTES: u64 = 130_044;
/// Commitment and proof of a whole blob, bytes.
const PROOF_BYTES: u64 = 96;
/// A cell: one blob's part of a column (64 field elements), bytes.
const CELL_BYTES: u64 = 2_048;
/// Proof of a cell, or commitment beside it, bytes.
const CELL_PROOF_BYTES: u64 = 48;
/// Columns of an extended blob.
const COLUMNS: u64 = 128;
/// Columns a node samples (EIP-7594, `SAMPLES_PER_SLOT`).
const SAMPLED: u32 = 8;

/// The blob rules of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobPlan {
    /// Name of the schedule, or `given`.
    pub schedule: String,
    /// Numbers of blobs and their price.
    pub market: BlobMarket,
    /// Excess blob gas of the genesis block.
    pub initial_excess: u64,
    /// How blobs spread.
    pub sampling: Sampling,
}

/// What of the blobs a node downloads and passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampling {
    /// All of them.
    Full,
    /// So many of the 128 columns.
    Columns(u32),
}

impl BlobPlan {
    /// The rules of a schedule of [`super::fee_market::blob::SCHEDULES`].
    pub fn named(schedule: &str) -> Option<Self> {
        let peer_das = matches!(schedule, "osaka" | "bpo1" | "bpo2");
        Some(Self {
            schedule: schedule.to_owned(),
            market: BlobMarket::named(schedule)?,
            initial_excess: 0,
            sampling: if peer_das { Sampling::Columns(SAMPLED) } else { Sampling::Full },
        })
    }

    /// Excess blob gas of the block after one with this excess, number of blobs and base fee (wei per gas).
    pub fn next_excess(&self, excess_gas: u64, blobs: u32, base_fee_wei: u64) -> u64 {
        let used_gas = u64::from(blobs) * GAS_PER_BLOB;
        self.market.next_excess(BlobParent { excess_gas, used_gas, base_fee_wei })
    }

    /// Most blobs in a block.
    pub fn max_blobs(&self) -> u32 {
        u32::try_from(self.market.max_blobs).unwrap_or(u32::MAX)
    }

    /// What the blobs of a block weigh for every node that passes them on, bytes.
    pub fn gossip_bytes(&self, blobs: u32) -> u64 {
        let blobs = u64::from(blobs);
        match self.sampling {
            Sampling::Full => blobs * (BLOB_BYTES + PROOF_BYTES),
            Sampling::Columns(columns) => blobs * u64::from(columns) * (CELL_BYTES + 2 * CELL_PROOF_BYTES),
        }
    }

    /// What a transaction's blobs weigh on their way to a proposer, bytes: whole, with a proof a cell where
    /// blobs are sampled.
    pub fn sidecar_bytes(&self, blobs: u32) -> u64 {
        let proofs = match self.sampling {
            Sampling::Full => PROOF_BYTES,
            Sampling::Columns(_) => CELL_PROOF_BYTES * (COLUMNS + 1),
        };
        u64::from(blobs) * (BLOB_BYTES + proofs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_columns_are_an_eighth_of_the_blob_and_proofs() {
        let plan = BlobPlan::named("bpo2").expect("a schedule");
        assert_eq!(plan.gossip_bytes(1), 8 * (2_048 + 96));
        assert_eq!(plan.sidecar_bytes(2), 2 * (131_072 + 129 * 48));
        let whole = BlobPlan { sampling: Sampling::Full, ..plan };
        assert_eq!(whole.gossip_bytes(3), 3 * (131_072 + 96));
    }
}
