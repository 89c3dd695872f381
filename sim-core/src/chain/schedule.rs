//! Who proposes, who votes where, who aggregates: pure functions of the seed and the slot.

use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, draw, uniform_below};

/// The duties of every slot of one chain.
#[derive(Clone, Debug)]
pub struct Schedule {
    seed: u64,
    chain: u32,
    /// Cumulative stake by node; the last is the total.
    cumulative: Vec<u64>,
    committees: u32,
}

impl Schedule {
    /// Duties for nodes with these stakes (nodes without stake neither propose nor vote).
    ///
    /// # Panics
    /// If nobody has stake, or the total does not fit 63 bits: resolving a plan refuses both.
    pub fn new(seed: u64, chain: u32, stakes: &[u64], committees: u32) -> Self {
        let mut total = 0_u64;
        let cumulative = stakes.iter().map(|s| {
            total = total.checked_add(*s).expect("the total stake fits 64 bits");
            total
        });
        let cumulative: Vec<u64> = cumulative.collect();
        assert!(total > 0, "somebody has stake");
        Self { seed, chain, cumulative, committees: committees.max(1) }
    }

    /// Stake of a node.
    pub fn stake(&self, node: NodeId) -> u64 {
        let before = node.index().checked_sub(1).map_or(0, |i| self.cumulative[i]);
        self.cumulative[node.index()] - before
    }

    /// Stake of all nodes.
    pub fn total_stake(&self) -> u64 {
        *self.cumulative.last().expect("at least one node")
    }

    /// Number of committees.
    pub fn committees(&self) -> u32 {
        self.committees
    }

    /// The proposer of a slot: a node drawn with probability proportional to its stake.
    pub fn proposer(&self, slot: u32) -> NodeId {
        self.by_stake(Purpose::PROPOSER, u64::from(slot), 0)
    }

    /// The committee a node votes in: reshuffled every slot.
    pub fn committee(&self, node: NodeId, slot: u32) -> u32 {
        let entity = self.entity(1);
        let random = draw(self.seed, Purpose::COMMITTEE, entity ^ u64::from(node.0), u64::from(slot));
        uniform_below(random, u64::from(self.committees)) as u32
    }

    /// The node that collects a committee's votes, drawn by stake.
    pub fn aggregator(&self, slot: u32, committee: u32) -> NodeId {
        self.by_stake(Purpose::COMMITTEE, u64::from(slot), u64::from(committee) + 2)
    }

    fn by_stake(&self, purpose: Purpose, counter: u64, sub_entity: u64) -> NodeId {
        let point =
            uniform_below(draw(self.seed, purpose, self.entity(sub_entity), counter), self.total_stake());
        NodeId(self.cumulative.partition_point(|c| *c <= point) as u32)
    }

    fn entity(&self, sub_entity: u64) -> u64 {
        u64::from(self.chain) << 40 | sub_entity << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposers_are_drawn_in_proportion_to_stake() {
        let schedule = Schedule::new(1, 0, &[1, 0, 3], 4);
        let mut counts = [0_u32; 3];
        for slot in 0..40_000 {
            counts[schedule.proposer(slot).index()] += 1;
        }
        assert_eq!(counts[1], 0);
        // 30,000 expected with a standard deviation of 87.
        assert!((29_500..30_500).contains(&counts[2]), "{counts:?}");
    }

    #[test]
    fn stakes_are_those_given() {
        let schedule = Schedule::new(1, 0, &[5, 0, 7], 4);
        assert_eq!([0, 1, 2].map(|n| schedule.stake(NodeId(n))), [5, 0, 7]);
        assert_eq!(schedule.total_stake(), 12);
    }

    #[test]
    fn committees_are_reshuffled_and_of_similar_size() {
        let schedule = Schedule::new(9, 0, &[1; 8_000], 8);
        let mut sizes = [0_u32; 8];
        (0..8_000).for_each(|n| sizes[schedule.committee(NodeId(n), 3) as usize] += 1);
        assert!(sizes.iter().all(|s| (880..1_120).contains(s)), "{sizes:?}");
        assert!((0..50).any(|n| schedule.committee(NodeId(n), 3) != schedule.committee(NodeId(n), 4)));
    }
}
