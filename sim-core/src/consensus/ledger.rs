//! The blocks of one chain and what every node knows of each.
//!
//! A block is immutable and shared; what differs between nodes is one [`View`] per (block, node). A node's
//! handlers touch only the node's own views.

use crate::chain::block::{Block, BlockId};
use crate::chain::fee_market::FeeRecord;
use crate::chain::tree::{BlockIx, BlockTree};
use crate::execution::record::ExecutionRecord;
use crate::execution::trace::BlockTrace;
use crate::kernel::ids::NodeId;
use crate::net::items::Slot;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one node knows of one block. All times ns; 0: not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(32))]
pub struct View {
    /// The node has executed the block.
    pub verified_ns: u64,
    /// Stake of the votes for the block that the node has seen.
    pub votes: u64,
    /// The block is final for the node.
    pub final_ns: u64,
    /// Aggregate that made it final: its number plus one; 0: the node's own execution came last.
    pub closing_aggregate: u32,
    /// The block whose quorum made it final: itself or a descendant.
    pub closing_block: u32,
}

/// What a block costs to execute on each hardware class, ns.
pub type Durations = Vec<u64>;

/// A block and its state at all nodes.
#[derive(Clone, Debug)]
pub struct LedgerBlock {
    /// The block.
    pub block: Block,
    /// Number of transactions.
    pub transactions: u32,
    /// Name and verdict of a recorded block.
    pub recorded: Option<(String, bool)>,
    /// Execution by hardware class, ns.
    pub durations_ns: Durations,
    /// What the durations were before they changed, each until that moment, ns.
    pub earlier_ns: Vec<(u64, Durations)>,
    /// What its transactions did, to price it again; while it is open.
    pub trace: Option<Arc<BlockTrace>>,
    /// Execution on the reference machine.
    pub execution: ExecutionRecord,
    /// Who paid what to whom.
    pub fees: FeeRecord,
    /// The proposer began to build, ns.
    pub build_start_ns: u64,
    /// Handed to the network, ns; 0: not yet.
    pub published_ns: u64,
    /// Its item on the network, while it is open.
    pub item: Option<Slot>,
    /// By node, while it is open.
    pub views: Vec<View>,
    /// Nodes for which it is final.
    pub final_nodes: u32,
    /// Stake of the published votes.
    pub votes_stake: u64,
    /// Its numbers have been taken; the views are gone.
    pub closed: bool,
}

/// All blocks of a chain.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Parents and children.
    pub tree: BlockTree,
    blocks: Vec<LedgerBlock>,
    nodes: usize,
    /// Closed blocks that a node which was down has not executed.
    lacking: BTreeSet<(BlockIx, NodeId)>,
}

/// The genesis block's handle.
pub const GENESIS: BlockIx = BlockIx(0);

impl Ledger {
    /// A chain that consists of its genesis block, which every node has and holds final.
    pub fn new(genesis: Block, nodes: u32) -> Self {
        let tree = BlockTree::new(genesis.header.id);
        let known = View { verified_ns: 1, final_ns: 1, ..View::default() };
        let blocks = vec![LedgerBlock {
            block: genesis,
            transactions: 0,
            recorded: None,
            durations_ns: Vec::new(),
            earlier_ns: Vec::new(),
            trace: None,
            execution: ExecutionRecord::default(),
            fees: FeeRecord::default(),
            build_start_ns: 0,
            published_ns: 1,
            item: None,
            views: vec![known; nodes as usize],
            final_nodes: nodes,
            votes_stake: 0,
            closed: true,
        }];
        Self { tree, blocks, nodes: nodes as usize, lacking: BTreeSet::new() }
    }

    /// Adds a block on `parent`; no node knows it yet.
    pub fn insert(&mut self, block: LedgerBlock, parent: BlockIx) -> BlockIx {
        let ix = self.tree.insert(block.block.header.id, parent).expect("one block a slot and proposer");
        debug_assert_eq!(ix.index(), self.blocks.len());
        self.blocks.push(LedgerBlock { views: vec![View::default(); self.nodes], ..block });
        ix
    }

    /// A block.
    #[inline]
    pub fn get(&self, ix: BlockIx) -> &LedgerBlock {
        &self.blocks[ix.index()]
    }

    /// A block, to change its shared counters.
    #[inline]
    pub fn get_mut(&mut self, ix: BlockIx) -> &mut LedgerBlock {
        &mut self.blocks[ix.index()]
    }

    /// Identity of a block.
    pub fn id(&self, ix: BlockIx) -> BlockId {
        self.blocks[ix.index()].block.header.id
    }

    /// What a node knows of a block. A closed block is known and final everywhere, except where it is lacking.
    #[inline]
    pub fn view(&self, ix: BlockIx, node: NodeId) -> View {
        let views = &self.blocks[ix.index()].views;
        match views.get(node.index()) {
            Some(view) => *view,
            None if self.lacking.contains(&(ix, node)) => View::default(),
            None => CLOSED,
        }
    }

    /// A block is closed although `node`, which was down, has not executed it.
    pub fn note_lacking(&mut self, ix: BlockIx, node: NodeId) {
        self.lacking.insert((ix, node));
    }

    /// The block is closed and the node has not executed it.
    pub fn lacks(&self, ix: BlockIx, node: NodeId) -> bool {
        self.lacking.contains(&(ix, node))
    }

    /// A node has executed a closed block it lacked.
    pub fn supply(&mut self, ix: BlockIx, node: NodeId) {
        self.lacking.remove(&(ix, node));
    }

    /// What a node knows of a block, to change it; `None` once the block is closed.
    #[inline]
    pub fn view_mut(&mut self, ix: BlockIx, node: NodeId) -> Option<&mut View> {
        self.blocks[ix.index()].views.get_mut(node.index())
    }

    /// The node has executed the block.
    #[inline]
    pub fn is_verified(&self, ix: BlockIx, node: NodeId) -> bool {
        self.view(ix, node).verified_ns > 0
    }

    /// Number of blocks, genesis included.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The block inserted last.
    pub fn last(&self) -> BlockIx {
        BlockIx(self.blocks.len() as u32 - 1)
    }

    /// Never: there is always the genesis.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// All handles in the order of insertion.
    pub fn handles(&self) -> impl Iterator<Item = BlockIx> + use<> {
        (0..self.blocks.len() as u32).map(BlockIx)
    }
}

/// A closed block was final at every node, or is so old that nobody builds on it.
const CLOSED: View = View { verified_ns: 1, votes: 0, final_ns: 1, closing_aggregate: 0, closing_block: 0 };
