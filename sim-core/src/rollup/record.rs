//! What a run leaves behind of its rollups: plain data.

use super::bridge::record::{BridgeRecord, CrossingRecord, InventoryRecord, TripRecord};
use super::liquidity::books::{Books, Paid};
use super::liquidity::providers::Moved;
use super::liquidity::trades::Trade;
use parallel_evm::B256;
use serde::{Deserialize, Serialize};

/// One fleet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetRecord {
    /// Name.
    pub name: String,
    /// Chain number of the fleet; chains of the plan come first.
    pub chain: u32,
    /// Rollups there are.
    pub rollups: u64,
    /// Rollups that were sent at least one transaction. Only these were simulated; the others cost nothing.
    pub active: u64,
    /// Rollups that executed something.
    pub executed_something: u64,
    /// Rollups with a batch on the L1's winning chain.
    pub posted_something: u64,
    /// Rollups with executed transactions that are not posted, at the end.
    pub waiting_to_post: u64,
    /// Transactions people sent.
    pub submitted: u64,
    /// Of these: in a block of their rollup.
    pub included: u64,
    /// Of these: on their way to a sequencer, or lost with a node that was down.
    pub travelling: u64,
    /// Of these: waiting at a sequencer.
    pub queued: u64,
    /// Of these: dropped, by [`DROP_REASONS`].
    pub dropped: [u64; DROP_REASONS.len()],
    /// Messages with transactions that gateways sent again because nobody answered.
    pub sent_again: u64,
    /// Bundles, of transactions that are included together or not at all, that were sent.
    pub bundles: u64,
    /// Of these: in blocks.
    pub bundles_included: u64,
    /// Of these: refused.
    pub bundles_refused: u64,
    /// Gas the included transactions used.
    pub gas_used: u64,
    /// Blocks (or parts of blocks that were confirmed) of all rollups.
    pub blocks: u64,
    /// Execution of all blocks on the sequencers' nodes, ns.
    pub execution_ns: u64,
    /// Bytes of the included transactions, as signed.
    pub raw_bytes: u64,
    /// Executed and not in any batch at the end, bytes as signed.
    pub unbatched_bytes: u64,
    /// Time integral of the number of transactions waiting at sequencers, transactions x ns.
    pub queue_area: u128,
    /// As many equal parts are as concentrated as the liquidity, thousandths; `None`: it is not spread.
    pub liquidity_parts_milli: Option<u64>,
    /// What pools and the rollups came to, where there are prices outside.
    pub books: Option<Books>,
    /// Shares of pools in use that are there at the end, over those at the start, parts per million; `None`: nobody can leave.
    pub provided_ppm: Option<u64>,
    /// Bytes the simulator holds for all rollups together, states not counted.
    pub heap_bytes: u64,
}

/// Why a transaction was dropped.
pub const DROP_REASONS: [&str; 5] =
    ["queue full", "waited too long", "invalid", "after a dropped one", "part of a bundle reverts"];
/// Position of "waited too long".
pub(super) const WAITED_TOO_LONG: u8 = 1;
/// Position of "invalid".
pub(super) const INVALID: u8 = 2;
/// Position of "after a dropped one".
pub(super) const AFTER_A_DROPPED_ONE: u8 = 3;
/// Position of "part of a bundle reverts".
pub(super) const BUNDLE_FAILED: u8 = 4;

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// On its way to the sequencer.
    Travelling,
    /// At the sequencer.
    Queued,
    /// In a block.
    Included,
    /// Given up: position in [`DROP_REASONS`].
    Dropped(u8),
}

/// One transaction on a rollup. Times are what the user's node saw, ns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupTxRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Rollup.
    pub rollup: u32,
    /// The bundle it is part of; the same for all of its parts, and for no others of the fleet.
    pub bundle: Option<u64>,
    /// Region of the user.
    pub region: u32,
    /// Index into the plan's mix.
    pub kind: u32,
    /// Handed to the gateway, ns.
    pub submitted_ns: u64,
    /// What became of it.
    pub fate: Fate,
    /// At the sequencer, ns.
    pub received_ns: Option<u64>,
    /// Executed at the sequencer, ns.
    pub executed_ns: Option<u64>,
    /// The sequencer's confirmation is at the gateway, ns.
    pub soft_ns: Option<u64>,
    /// The gateway has executed the L1 block with the batch, ns.
    pub posted_ns: Option<u64>,
    /// That block is final at the gateway, ns.
    pub final_ns: Option<u64>,
    /// The proof's L1 block is final at the gateway and the window is over, ns (may lie after the run's end).
    pub proven_ns: Option<u64>,
    /// When nodes that derive the rollup had its state with the transaction, ns; only those that got so far, in the order of
    /// time.
    pub derived_ns: Vec<u64>,
    /// Inside the measured part of the run.
    pub measured: bool,
    /// Who sent it.
    pub party: Party,
    /// What it paid for gas, where there are prices outside and it was executed.
    pub paid: Option<Paid>,
    /// What an executed swap came to, where the sizes of swaps are given.
    pub trade: Option<Trade>,
    /// What the swaps of a searcher's probe came to, where it traded.
    pub legs: Vec<Trade>,
    /// Liquidity it added or removed.
    pub moved: Option<Moved>,
}

impl RollupTxRecord {
    /// All its swaps that were followed, reverted ones among them.
    pub fn swaps(&self) -> impl Iterator<Item = Trade> + '_ {
        self.trade.into_iter().chain(self.legs.iter().copied())
    }

    /// Whether nobody but a person sent it.
    pub fn of_people(&self) -> bool {
        self.party == Party::Person
    }
}

/// Who sends transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Party {
    /// Someone with a use for it.
    #[default]
    Person,
    /// Someone who evens out prices with those outside.
    Arbitrageur,
    /// Someone who probes for trades in a circle.
    Searcher,
    /// Someone who acts for a bridge: an operator, a relayer.
    Bridge,
    /// Someone whose liquidity is in the pools.
    Provider,
}

impl Party {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 5] =
        [Self::Person, Self::Arbitrageur, Self::Searcher, Self::Bridge, Self::Provider];

    /// In words, of several.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "people",
            Self::Arbitrageur => "arbitrageurs",
            Self::Searcher => "searchers",
            Self::Bridge => "bridges",
            Self::Provider => "providers",
        }
    }
}

/// One batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Rollup.
    pub rollup: u32,
    /// The rollup's own count of batches.
    pub number: u32,
    /// Transactions in it.
    pub transactions: u32,
    /// Their size as signed, block heads included, bytes.
    pub raw_bytes: u64,
    /// Compressed, bytes.
    pub compressed_bytes: u64,
    /// Blobs of the L1 transaction it is in; 0: calldata.
    pub blobs: u32,
    /// Batches in that L1 transaction.
    pub shared_by: u32,
    /// Its first transaction was executed, ns.
    pub opened_ns: u64,
    /// It was due, ns.
    pub due_ns: u64,
    /// It was closed and compressed, ns.
    pub closed_ns: u64,
    /// Slot of the L1 block with it on the winning chain.
    pub slot: Option<u32>,
    /// What the L1 transaction paid, wei; 0: not posted.
    pub cost_wei: u128,
}

/// Blobs of one L1 block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobBlockRecord {
    /// Chain.
    pub chain: u32,
    /// Slot.
    pub slot: u32,
    /// Proposer.
    pub proposer: u32,
    /// On the winning chain.
    pub canonical: bool,
    /// Blobs.
    pub blobs: u32,
    /// Most there may be.
    pub max: u32,
    /// At which the price stands still.
    pub target: u32,
    /// Excess blob gas.
    pub excess: u64,
    /// Price of blob gas, wei.
    pub blob_fee_wei: u128,
    /// Others' transactions in it.
    pub offers: u32,
    /// Others' transactions its proposer had and that covered the prices.
    pub eligible: u32,
}

/// A batch at a node that derives its rollup, from one L1 block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivationRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Rollup.
    pub rollup: u32,
    /// The rollup's own count of batches.
    pub number: u32,
    /// The node.
    pub node: u32,
    /// Slot of the L1 block.
    pub slot: u32,
    /// The L1 block is on the winning chain; otherwise the work was in vain.
    pub canonical: bool,
    /// The node had executed the L1 block, ns.
    pub l1_ns: u64,
    /// It had the batch's bytes, and those of all before it, ns.
    pub here_ns: Option<u64>,
    /// It had executed the blocks that the batch completes, ns.
    pub derived_ns: Option<u64>,
    /// What that took its cores, ns.
    pub execution_ns: u64,
    /// Blocks (or parts that were confirmed) that the batch completes.
    pub blocks: u32,
    /// Transactions in them.
    pub transactions: u32,
    /// The rollup's count of blocks up to the last of them; 0: there is none.
    pub height: u64,
    /// What identifies the state after it.
    pub state: B256,
}

/// What was checked in a fleet (see [`conservation`](super::conservation)). A run in which it does not hold ends with an
/// error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConservationRecord {
    /// Chain number of the fleet.
    pub chain: u32,
    /// Executed blocks after which every token and all ether of their rollup were accounted for; those among them that
    /// were lost with a block of the L1.
    pub blocks: u64,
    /// Times a rollup's whole state was accounted for against its genesis.
    pub states: u64,
    /// Base fees burnt, wei.
    pub burnt_wei: u128,
    /// Tips collected by sequencers or proposers, wei.
    pub tips_wei: u128,
}

/// Everything a run leaves behind of its rollups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RollupsRecord {
    /// One entry a fleet.
    pub fleets: Vec<FleetRecord>,
    /// By fleet, gateway and order of submission.
    pub transactions: Vec<RollupTxRecord>,
    /// By fleet, rollup and number.
    pub batches: Vec<BatchRecord>,
    /// By fleet, rollup, node and time.
    pub derivations: Vec<DerivationRecord>,
    /// By chain, slot and proposer.
    pub blob_blocks: Vec<BlobBlockRecord>,
    /// By fleet, travellers, gateway and order of starting.
    pub trips: Vec<TripRecord>,
    /// By fleet, gateway and order of asking.
    pub crossings: Vec<CrossingRecord>,
    /// By fleet, in the plan's order.
    pub bridges: Vec<BridgeRecord>,
    /// By fleet, bridge and time.
    pub inventories: Vec<InventoryRecord>,
    /// One entry a fleet.
    pub conservation: Vec<ConservationRecord>,
}
