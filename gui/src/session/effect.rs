//! What a change did to a block, measured: the blocks before it against those since, up to the next change. Users
//! go on meanwhile: where blocks since hold more or less than those before, that is said, and nothing is judged.

use super::verdict::RECENT;
use crate::change::Intervention;
use sim_core::simulation::snapshot::BlockSummary;
use std::sync::Arc;

/// Mean times from a slot's start until two thirds of the stake have executed its block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Of the last blocks before the change, ns.
    pub before_ns: u64,
    /// Of the blocks since, ns.
    pub since_ns: u64,
    /// How many blocks since there are.
    pub blocks: usize,
    /// Mean gas of a block since, as a share of that before.
    pub gas: f64,
}

/// Blocks whose gas differs by more than this share are not compared as if only the change had made the difference.
const ALIKE: f64 = 0.1;

impl Effect {
    /// Blocks on both sides hold about the same: the difference may be put down to the change.
    pub fn is_alike(&self) -> bool {
        (self.gas - 1.0).abs() <= ALIKE
    }

    /// How much longer a block takes, as a share: -0.5 is half the time.
    pub fn change(&self) -> f64 {
        self.since_ns as f64 / self.before_ns.max(1) as f64 - 1.0
    }
}

/// The effect of the `at`-th of all interventions, which are in the order of their times; `None` until there is a
/// block on either side.
pub fn effect(list: &[Intervention], at: usize, blocks: &[Arc<BlockSummary>]) -> Option<Effect> {
    let made_ns = list.get(at)?.at_ns;
    // Several changes at one moment have their effect together.
    let from_ns = list.iter().rev().map(|i| i.at_ns).find(|ns| *ns < made_ns).unwrap_or(0);
    let until_ns = list.iter().map(|i| i.at_ns).find(|ns| *ns > made_ns).unwrap_or(u64::MAX);
    let times = |range: std::ops::Range<u64>| {
        let known = blocks.iter().filter(move |b| range.contains(&b.slot_start_ns));
        known.filter_map(|b| Some((b.spent?.total_ns(), b.gas_used))).collect::<Vec<(u64, u64)>>()
    };
    let (before, since) = (times(from_ns..made_ns), times(made_ns..until_ns));
    // A block whose slot had begun when the change came is of both worlds.
    let before = &before[before.len().saturating_sub(RECENT)..];
    let mean = |blocks: &[(u64, u64)], of: fn(&(u64, u64)) -> u64| {
        (!blocks.is_empty()).then(|| blocks.iter().map(of).sum::<u64>() / blocks.len() as u64)
    };
    let gas = [before, &since].map(|blocks| mean(blocks, |b| b.1).unwrap_or(0) as f64);
    Some(Effect {
        before_ns: mean(before, |b| b.0)?,
        since_ns: mean(&since, |b| b.0)?,
        blocks: since.len(),
        gas: if gas[0] > 0.0 { gas[1] / gas[0] } else { 1.0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use sim_core::observe::record::{Breakdown, Part};

    #[test]
    fn blocks_before_are_compared_with_those_until_the_next_change() {
        let block = |start_ns: u64, took_ns: u64| {
            let mut spent = Breakdown::default();
            spent.add(Part::QueueUp, took_ns);
            Arc::new(BlockSummary {
                slot_start_ns: start_ns,
                spent: Some(spent),
                gas_used: 5,
                ..BlockSummary::default()
            })
        };
        let blocks = [block(0, 800), block(10, 400), block(20, 100), block(30, 300), block(40, 7)];
        let made = |at_ns| Intervention { at_ns, change: Change::Cores { cores: 4 } };
        let list = [made(15), made(35), made(99)];
        let first = effect(&list, 0, &blocks).expect("blocks on both sides");
        assert_eq!(first, Effect { before_ns: 600, since_ns: 200, blocks: 2, gas: 1.0 });
        assert!(first.is_alike() && !Effect { gas: 1.4, ..first }.is_alike());
        assert!((first.change() + 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(
            effect(&list, 1, &blocks),
            Some(Effect { before_ns: 200, since_ns: 7, blocks: 1, gas: 1.0 })
        );
        assert_eq!(effect(&list, 2, &blocks), None);
    }
}
