//! Blocks and their size on the wire.
//!
//! **Captures** a block as consensus and the network see it: identity, header fields, body, exact RLP length
//! of a post-Prague header and of the body's transactions. **Leaves out** state and transaction roots as data
//! (they only have a length), withdrawals, blobs. **Parameters** none. **Source** Ethereum yellow paper
//! section 4.3 with EIP-1559, 4895, 4844, 4788 and 7685. **Checked against** hand-computed lengths below.

use super::mempool::TxIx;
use super::transaction::{list_len, string_len};
use alloy_rlp::Encodable;
use parallel_evm::{Address, BlockEnv, U256};

/// Identity of a block by content: a proposer makes at most one block in a slot of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// Number of the chain.
    pub chain: u32,
    /// Slot it was proposed in; 0 for the genesis.
    pub slot: u32,
    /// Node that proposed it.
    pub proposer: u32,
}

impl BlockId {
    /// The genesis block of a chain.
    pub fn genesis(chain: u32) -> Self {
        Self { chain, slot: 0, proposer: 0 }
    }

    /// Decides between equally good blocks: the lowest (slot, proposer) wins.
    pub fn tie_key(&self) -> (u32, u32) {
        (self.slot, self.proposer)
    }
}

/// What a block says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Identity.
    pub id: BlockId,
    /// Identity of the parent; `None` for the genesis.
    pub parent: Option<BlockId>,
    /// Distance from the genesis.
    pub height: u32,
    /// Start of its slot, ns of simulated time.
    pub slot_start_ns: u64,
    /// Where fees go.
    pub beneficiary: Address,
    /// Gas limit.
    pub gas_limit: u64,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// Base fee, wei per gas.
    pub base_fee_wei: u64,
}

/// Start of simulated time as a UNIX timestamp, s: 2026-01-01T00:00:00Z.
pub const EPOCH_S: u64 = 1_767_225_600;

impl BlockHeader {
    /// UNIX timestamp, s; rounded down.
    pub fn timestamp_s(&self) -> u64 {
        EPOCH_S + self.slot_start_ns / 1_000_000_000
    }

    /// What the EVM needs to know of it. `prevrandao` is derived from the block's identity.
    pub fn to_env(&self) -> BlockEnv {
        let mut seed = [0_u8; 12];
        seed[..4].copy_from_slice(&self.id.chain.to_be_bytes());
        seed[4..8].copy_from_slice(&self.id.slot.to_be_bytes());
        seed[8..].copy_from_slice(&self.id.proposer.to_be_bytes());
        let mut env = BlockEnv {
            number: U256::from(self.height),
            beneficiary: self.beneficiary,
            timestamp: U256::from(self.timestamp_s()),
            gas_limit: self.gas_limit,
            basefee: self.base_fee_wei,
            difficulty: U256::ZERO,
            prevrandao: Some(alloy_primitives::keccak256(seed)),
            ..BlockEnv::default()
        };
        env.slot_num = u64::from(self.id.slot);
        env
    }

    /// RLP length of the header's 21 fields, bytes.
    pub fn wire_size_bytes(&self) -> u64 {
        // parent, ommers, state root, transactions root, receipts root, mix hash, withdrawals root, parent
        // beacon root, requests hash.
        const WORDS: usize = 9;
        let payload = WORDS * string_len(32)
            + string_len(20) // beneficiary
            + string_len(256) // bloom
            + 1 // difficulty, zero
            + u64::from(self.height).length()
            + self.gas_limit.length()
            + self.gas_used.length()
            + self.timestamp_s().length()
            + string_len(EXTRA_DATA_BYTES)
            + string_len(8) // nonce
            + self.base_fee_wei.length()
            + 1 // blob gas used, zero
            + 1; // excess blob gas, zero
        list_len(payload) as u64
    }
}

/// Length of a header's free text, bytes (at most 32 on mainnet; builders' names are about this long).
pub const EXTRA_DATA_BYTES: usize = 16;

/// What a block contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// User transactions in order: handles into the chain's transaction log.
    Transactions(Vec<TxIx>),
    /// A recorded block that brings its own pre-state: its position in the workload's list of files.
    Recorded(u32),
}

impl Body {
    /// The user transactions; none in a recorded block.
    pub fn transactions(&self) -> &[TxIx] {
        match self {
            Self::Transactions(transactions) => transactions,
            Self::Recorded(_) => &[],
        }
    }
}

/// A block. Immutable once proposed; shared by all nodes that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it says about itself.
    pub header: BlockHeader,
    /// What it contains.
    pub body: Body,
    /// Size on the wire, bytes: [`wire_size_bytes`], or the recorded size.
    pub size_bytes: u64,
}

/// RLP length in bytes of a block with these transactions (given by their EIP-2718 sizes, all of type 1 or
/// higher), no ommers and an empty list of withdrawals.
pub fn wire_size_bytes(header: &BlockHeader, transaction_sizes: impl IntoIterator<Item = u64>) -> u64 {
    // A typed transaction is a string in the block's list.
    let transactions: usize = transaction_sizes.into_iter().map(|size| string_len(size as usize)).sum();
    let payload = header.wire_size_bytes() as usize + list_len(transactions) + 1 + 1;
    list_len(payload) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> BlockHeader {
        BlockHeader {
            id: BlockId { chain: 0, slot: 7, proposer: 3 },
            parent: Some(BlockId::genesis(0)),
            height: 1,
            slot_start_ns: 14_000_000_000,
            beneficiary: Address::repeat_byte(1),
            gas_limit: 120_000_000,
            gas_used: 60_000_000,
            base_fee_wei: 1_000_000_000,
        }
    }

    #[test]
    fn the_header_is_as_long_as_its_fields() {
        // 9 words of 33, address 21, bloom 259, three zeros 3, height 1, limit 5, used 5, time 5, extra 17,
        // nonce 9, base fee 5: 627 and 3 of list header.
        assert_eq!(header().wire_size_bytes(), 630);
    }

    #[test]
    fn a_block_is_header_transactions_and_their_list_headers() {
        assert_eq!(wire_size_bytes(&header(), []), 630 + 1 + 2 + 3);
        // 117 bytes each need a header of 2; 10 of them a list header of 3.
        assert_eq!(wire_size_bytes(&header(), [117; 10]), 630 + 10 * 119 + 3 + 2 + 3);
    }

    #[test]
    fn the_environment_is_that_of_the_header() {
        let env = header().to_env();
        assert_eq!(env.timestamp, U256::from(EPOCH_S + 14));
        assert_eq!((env.gas_limit, env.basefee), (120_000_000, 1_000_000_000));
        assert_ne!(env.prevrandao, BlockHeader { id: BlockId::genesis(0), ..header() }.to_env().prevrandao);
    }
}
