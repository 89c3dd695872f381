//! The blocks of one chain and how they hang together.
//!
//! **Captures** a tree of blocks shared by all nodes of a chain, and LMD-GHOST fork choice over the part of it
//! that a node knows. **Leaves out** justification filters, proposer boost and equivocation (one block per
//! proposer and slot). **Parameters** none. **Source** Buterin et al., "Combining GHOST and Casper" (2020),
//! algorithm 4.1 (LMD GHOST). **Checked against** a brute-force fork choice on random trees
//! (`tests/chain_properties.rs`).
//!
//! A node's view is given by closures: which blocks it knows, and how much stake it saw voting for a block
//! directly. Ties are decided by content: the lowest (slot, proposer) wins.

use super::block::BlockId;
use thiserror::Error;

/// Position of a block in a [`BlockTree`]: a handle, not an identity. Parents come before children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockIx(pub u32);

impl BlockIx {
    /// The genesis block of every tree.
    pub const GENESIS: Self = Self(0);

    /// The handle as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Why a block could not be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// The tree has no such parent. Fetch the parent first.
    #[error("the tree has no parent at position {0}")]
    UnknownParent(u32),
    /// The parent was pruned: the block conflicts with finality. Drop it.
    #[error("the parent at position {0} was pruned")]
    PrunedParent(u32),
    /// A block must be in a later slot than its parent.
    #[error("block in slot {slot} on a parent in slot {parent_slot}")]
    SlotNotAfterParent {
        /// The block's slot.
        slot: u32,
        /// The parent's slot.
        parent_slot: u32,
    },
    /// The block belongs to another chain.
    #[error("a block of chain {found} in the tree of chain {expected}")]
    OtherChain {
        /// The tree's chain.
        expected: u32,
        /// The block's chain.
        found: u32,
    },
}

#[derive(Clone, Debug)]
struct Node {
    id: BlockId,
    height: u32,
    parent: BlockIx,
    first_child: Option<BlockIx>,
    next_sibling: Option<BlockIx>,
    pruned: bool,
}

/// The tree of one chain's blocks. Cheap links, no allocation while walking.
#[derive(Clone, Debug)]
pub struct BlockTree {
    nodes: Vec<Node>,
    live: usize,
}

impl BlockTree {
    /// A tree that holds the genesis block only.
    pub fn new(genesis: BlockId) -> Self {
        let node = Node {
            id: genesis,
            height: 0,
            parent: BlockIx::GENESIS,
            first_child: None,
            next_sibling: None,
            pruned: false,
        };
        Self { nodes: vec![node], live: 1 }
    }

    /// Adds a block under `parent` and returns its handle.
    ///
    /// Siblings are kept in content order, so the tree's shape does not depend on the order of insertion.
    pub fn insert(&mut self, id: BlockId, parent: BlockIx) -> Result<BlockIx, TreeError> {
        let above = self.nodes.get(parent.index()).ok_or(TreeError::UnknownParent(parent.0))?;
        if above.pruned {
            return Err(TreeError::PrunedParent(parent.0));
        }
        if above.id.chain != id.chain {
            return Err(TreeError::OtherChain { expected: above.id.chain, found: id.chain });
        }
        if id.slot <= above.id.slot {
            return Err(TreeError::SlotNotAfterParent { slot: id.slot, parent_slot: above.id.slot });
        }
        let height = above.height + 1;
        let ix = BlockIx(u32::try_from(self.nodes.len()).expect("fewer than 2^32 blocks"));
        // Find the place among the siblings.
        let mut before = None;
        let mut after = above.first_child;
        while let Some(sibling) = after {
            if self.nodes[sibling.index()].id.tie_key() > id.tie_key() {
                break;
            }
            before = Some(sibling);
            after = self.nodes[sibling.index()].next_sibling;
        }
        self.nodes.push(Node { id, height, parent, first_child: None, next_sibling: after, pruned: false });
        self.live += 1;
        match before {
            Some(sibling) => self.nodes[sibling.index()].next_sibling = Some(ix),
            None => self.nodes[parent.index()].first_child = Some(ix),
        }
        Ok(ix)
    }

    /// Identity of a block.
    pub fn id(&self, ix: BlockIx) -> BlockId {
        self.nodes[ix.index()].id
    }

    /// Height of a block; the genesis has 0.
    pub fn height(&self, ix: BlockIx) -> u32 {
        self.nodes[ix.index()].height
    }

    /// Parent of a block; `None` for the genesis.
    pub fn parent(&self, ix: BlockIx) -> Option<BlockIx> {
        (ix != BlockIx::GENESIS).then(|| self.nodes[ix.index()].parent)
    }

    /// Children of a block that were not pruned, in content order.
    pub fn children(&self, ix: BlockIx) -> impl Iterator<Item = BlockIx> + '_ {
        let mut next = self.nodes[ix.index()].first_child;
        std::iter::from_fn(move || {
            let child = next?;
            next = self.nodes[child.index()].next_sibling;
            Some(child)
        })
    }

    /// Whether a block was pruned.
    pub fn is_pruned(&self, ix: BlockIx) -> bool {
        self.nodes[ix.index()].pruned
    }

    /// Handles given out so far, genesis included: handles are below this.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: the genesis is always there.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Blocks that were not pruned, genesis included.
    pub fn live_blocks(&self) -> usize {
        self.live
    }

    /// The block itself, its parent, ... down to the genesis.
    pub fn ancestors(&self, ix: BlockIx) -> impl Iterator<Item = BlockIx> + '_ {
        std::iter::successors(Some(ix), move |ix| self.parent(*ix))
    }

    /// Whether `ancestor` is `ix` or above it.
    pub fn is_ancestor(&self, ancestor: BlockIx, ix: BlockIx) -> bool {
        let height = self.height(ancestor);
        self.ancestors(ix).find(|ix| self.height(*ix) <= height) == Some(ancestor)
    }

    /// The ancestor of `ix` (or itself) with the greatest slot not after `slot`.
    pub fn ancestor_at_slot(&self, ix: BlockIx, slot: u32) -> BlockIx {
        self.ancestors(ix).find(|ix| self.id(*ix).slot <= slot).unwrap_or(BlockIx::GENESIS)
    }

    /// The latest block that both chains of ancestors contain.
    pub fn common_ancestor(&self, a: BlockIx, b: BlockIx) -> BlockIx {
        let (mut a, mut b) = (a, b);
        while a != b {
            if self.height(a) >= self.height(b) {
                a = self.nodes[a.index()].parent;
            } else {
                b = self.nodes[b.index()].parent;
            }
        }
        a
    }

    /// The chain that ends in `head`, genesis first.
    pub fn canonical_chain(&self, head: BlockIx) -> Vec<BlockIx> {
        let mut chain: Vec<BlockIx> = self.ancestors(head).collect();
        chain.reverse();
        chain
    }

    /// LMD-GHOST: from `root`, step to the child whose subtree has the most weight until there is no child.
    ///
    /// Only blocks for which `is_known` holds take part; a known block below an unknown one cannot be reached.
    /// `direct_weight` is the stake whose latest vote names exactly this block. Equal weights are decided by
    /// the lowest (slot, proposer).
    pub fn ghost_head(
        &self,
        root: BlockIx,
        is_known: impl Fn(BlockIx) -> bool,
        direct_weight: impl Fn(BlockIx) -> u64,
    ) -> BlockIx {
        let mut head = root;
        loop {
            let mut known = self.children(head).filter(|child| is_known(*child));
            let Some(mut best) = known.next() else { return head };
            let mut best_weight = None;
            // Weights are only needed where there is a choice. Siblings come in content order, so a later one
            // must be strictly heavier.
            for child in known {
                let incumbent =
                    *best_weight.get_or_insert_with(|| self.subtree_weight(best, &is_known, &direct_weight));
                let weight = self.subtree_weight(child, &is_known, &direct_weight);
                if weight > incumbent {
                    (best, best_weight) = (child, Some(weight));
                }
            }
            head = best;
        }
    }

    /// Weight of a known block and all known blocks that hang below it. Saturates.
    pub fn subtree_weight(
        &self,
        top: BlockIx,
        is_known: impl Fn(BlockIx) -> bool,
        direct_weight: impl Fn(BlockIx) -> u64,
    ) -> u64 {
        let mut total = 0_u64;
        let mut at = top;
        loop {
            // Down into a known block, sideways past an unknown one, up when a family is done.
            let known = is_known(at);
            if known {
                total = total.saturating_add(direct_weight(at));
            }
            let down = if known { self.nodes[at.index()].first_child } else { None };
            at = match down {
                Some(child) => child,
                None => loop {
                    if at == top {
                        return total;
                    }
                    match self.nodes[at.index()].next_sibling {
                        Some(sibling) => break sibling,
                        None => at = self.nodes[at.index()].parent,
                    }
                },
            };
        }
    }

    /// Drops every block that is neither an ancestor nor a descendant of the final block `root`, and returns
    /// the dropped handles in order. Handles stay valid for `id`, `height`, `parent` and `ancestors`.
    pub fn prune(&mut self, root: BlockIx) -> Vec<BlockIx> {
        let mut dropped = Vec::new();
        let mut kept = root;
        while let Some(parent) = self.parent(kept) {
            let siblings: Vec<BlockIx> = self.children(parent).filter(|child| *child != kept).collect();
            if !siblings.is_empty() {
                self.nodes[parent.index()].first_child = Some(kept);
                self.nodes[kept.index()].next_sibling = None;
            }
            let mut pending = siblings;
            while let Some(ix) = pending.pop() {
                pending.extend(self.children(ix));
                self.nodes[ix.index()].pruned = true;
                self.live -= 1;
                dropped.push(ix);
            }
            kept = parent;
        }
        dropped.sort_unstable();
        dropped
    }
}
