//! Who got the shown block from whom: the propagation tree, from the states of the listed nodes.

use sim_core::simulation::snapshot::{NO_SENDER, NodeState, Snapshot};

/// The tree. Nodes that do not have the block at the time it is made for are not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ways {
    /// The proposer, if it is listed and has published the block.
    pub root: Option<u32>,
    /// Nodes with the block, sender before receiver.
    pub order: Vec<u32>,
    /// By node: who sent it; [`NO_SENDER`] at the root and outside the tree.
    pub sender: Vec<u32>,
    /// By node: hops from the proposer; 0 outside the tree.
    pub depth: Vec<u16>,
    /// By node: those it was first to bring the block, in the order of their arrivals.
    children: Vec<Vec<u32>>,
}

impl Ways {
    /// The tree of the block that `snapshot` shows, at `shown_ns`. `None` before publication, and where only
    /// every k-th node is listed: then most senders are unknown.
    pub fn new(snapshot: &Snapshot, shown_ns: u64) -> Option<Self> {
        let block = &snapshot.blocks[snapshot.focus?];
        let published = block.published_ns > 0 && block.published_ns <= shown_ns;
        if snapshot.states_every != 1 || !published {
            return None;
        }
        let count = snapshot.states.len();
        let has = |s: &NodeState| s.arrived_ns > 0 && s.arrived_ns <= shown_ns;
        let root = Some(block.key.proposer).filter(|n| (*n as usize) < count)?;
        let mut arrived: Vec<(u64, u32)> = (0..)
            .zip(&snapshot.states)
            .filter(|(n, s)| *n != root && has(s) && s.sender != NO_SENDER)
            .map(|(n, s)| (s.arrived_ns, n))
            .collect();
        // A sender has the block before it can be complete at the receiver.
        arrived.sort_unstable();
        let mut ways = Self {
            root: Some(root),
            order: vec![root],
            sender: vec![NO_SENDER; count],
            depth: vec![0; count],
            children: vec![Vec::new(); count],
        };
        for (_, node) in arrived {
            let sender = snapshot.states[node as usize].sender;
            let known = sender == root || ways.sender.get(sender as usize).is_some_and(|s| *s != NO_SENDER);
            // A frame may be half of one block and half of another.
            if !known {
                continue;
            }
            ways.sender[node as usize] = sender;
            ways.depth[node as usize] = ways.depth[sender as usize] + 1;
            ways.children[sender as usize].push(node);
            ways.order.push(node);
        }
        Some(ways)
    }

    /// Those that a node was first to bring the block, in the order of their arrivals.
    pub fn children(&self, node: u32) -> &[u32] {
        self.children.get(node as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether a node is in the tree.
    pub fn holds(&self, node: u32) -> bool {
        self.root == Some(node) || self.sender.get(node as usize).is_some_and(|s| *s != NO_SENDER)
    }

    /// A node and those the block came over to it, back to the proposer.
    pub fn back(&self, node: u32) -> Vec<u32> {
        let mut way = vec![node];
        while let Some(sender) = self.sender.get(way[way.len() - 1] as usize).filter(|s| **s != NO_SENDER) {
            way.push(*sender);
        }
        way
    }

    /// How many nodes have the block through a node, itself not counted.
    pub fn below(&self) -> Vec<u32> {
        let mut below = vec![0; self.sender.len()];
        for node in self.order.iter().rev() {
            let sender = self.sender[*node as usize];
            if sender != NO_SENDER {
                below[sender as usize] += below[*node as usize] + 1;
            }
        }
        below
    }

    /// The row of every node when each leaf has a row of its own and a sender stands in the middle of its
    /// receivers, and the number of rows.
    pub fn rows(&self) -> (Vec<f32>, f32) {
        let mut rows = vec![0.0; self.sender.len()];
        let mut next = 0.0;
        // Depth first without recursion: (node, whether its children are done).
        let mut stack: Vec<(u32, bool)> = self.root.map(|root| (root, false)).into_iter().collect();
        while let Some((node, done)) = stack.pop() {
            let children = self.children(node);
            match (children.first(), children.last()) {
                (Some(first), Some(last)) if done => {
                    rows[node as usize] = (rows[*first as usize] + rows[*last as usize]) / 2.0;
                }
                (Some(_), _) => {
                    stack.push((node, true));
                    stack.extend(children.iter().rev().map(|child| (*child, false)));
                }
                (None, _) => {
                    rows[node as usize] = next;
                    next += 1.0;
                }
            }
        }
        (rows, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::simulation::snapshot::{BlockKey, BlockSummary};
    use std::sync::Arc;

    /// 0 -> 1 -> {2, 3}, 0 -> 4; node 5 has nothing.
    fn snapshot() -> Snapshot {
        let state = |arrived_ns, sender| NodeState { arrived_ns, sender, ..NodeState::default() };
        let block = BlockSummary {
            key: BlockKey { slot: 1, proposer: 0 },
            published_ns: 10,
            ..BlockSummary::default()
        };
        Snapshot {
            focus: Some(0),
            blocks: vec![Arc::new(block)],
            states_every: 1,
            states: vec![
                state(10, NO_SENDER),
                state(20, 0),
                state(40, 1),
                state(30, 1),
                state(25, 0),
                state(0, NO_SENDER),
            ],
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_tree_is_who_got_it_from_whom() {
        let ways = Ways::new(&snapshot(), 100).expect("it is published");
        assert_eq!(ways.order, [0, 1, 4, 3, 2]);
        assert_eq!(ways.depth, [0, 1, 2, 2, 1, 0]);
        assert_eq!(ways.children(1), [3, 2]);
        assert_eq!(ways.back(2), [2, 1, 0]);
        assert_eq!(ways.below(), [4, 2, 0, 0, 0, 0]);
        assert!(ways.holds(0) && ways.holds(2) && !ways.holds(5));
        let (rows, count) = ways.rows();
        assert_eq!(count, 3.0);
        assert_eq!((rows[3], rows[2], rows[4], rows[1], rows[0]), (0.0, 1.0, 2.0, 0.5, 1.25));
    }

    #[test]
    fn it_grows_with_time_and_is_not_there_before_publication() {
        assert_eq!(Ways::new(&snapshot(), 27).expect("published").order, [0, 1, 4]);
        assert_eq!(Ways::new(&snapshot(), 9), None);
        let part = Snapshot { states_every: 3, ..snapshot() };
        assert_eq!(Ways::new(&part, 100), None);
    }
}
