//! What waits at a sequencer, and which of it goes into the next block.
//!
//! **Captures.** Transactions in the rollup's order, the nonces of a sender without gaps: whichever stands first among
//! those whose sender's earlier ones are in. One that overtook its predecessor on the way is therefore taken right after
//! it. One that does not fit, cannot pay the base fee or whose turn is not yet come holds up its sender and nobody else.
//! Gas is reserved by limit.
//!
//! **Leaves out.** Gas that was reserved and not used is not offered again within a block; builders that reorder for
//! profit. **Parameters** [`OrderPlan`]. **Checked against** going through the queue until nothing more is taken, on
//! random queues. May import what `rollup` may. Must never be true: that a transaction is taken before an earlier one of
//! its sender.

use super::params::OrderPlan;
use crate::chain::mempool::MIN_TRANSACTION_GAS;
use crate::chain::transaction::effective_tip;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A transaction in the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub tx: u32,
    pub sender: u32,
    pub nonce: u64,
    pub turn_ns: u64,
    pub gas_limit: u64,
    pub max_fee_wei: u64,
    pub tip_wei: u64,
    pub bytes: u64,
}

/// What a block, or a part of one, may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub gas: u64,
    pub bytes: u64,
}

/// Brings a queue into the rollup's order.
pub(super) fn sort(queue: &mut [Waiting], order: OrderPlan, base_fee_wei: u64) {
    match order {
        OrderPlan::FirstCome => {}
        OrderPlan::Timeboost { .. } => queue.sort_by_key(|w| w.turn_ns),
        OrderPlan::PriorityFee => {
            queue
                .sort_by_key(|w| (Reverse(effective_tip(w.max_fee_wei, w.tip_wei, base_fee_wei)), w.turn_ns));
        }
    }
}

/// The next block's transactions of a sorted queue, in order; `nonce_of` is a sender's nonce in the rollup's state, and
/// those that are `out` wait for another block.
pub(super) fn choose(
    queue: &[Waiting],
    now_ns: u64,
    base_fee_wei: u64,
    mut budget: Budget,
    nonce_of: impl Fn(u32) -> u64,
    out: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut next: BTreeMap<u32, u64> = BTreeMap::new();
    // Passed over because an earlier one of the sender was missing: by sender, nonce and place in the order.
    let mut early: BTreeSet<(u32, u64, usize)> = BTreeSet::new();
    let mut chosen = Vec::new();
    for (place, first) in queue.iter().enumerate() {
        let nonce = next.entry(first.sender).or_insert_with(|| nonce_of(first.sender));
        if first.nonce > *nonce {
            early.insert((first.sender, first.nonce, place));
            continue;
        }
        // This one, and then those before it in the order that waited for it: all of its own sender.
        let mut open = Some(first);
        while let Some(waiting) = open.take() {
            if budget.gas < MIN_TRANSACTION_GAS {
                return chosen;
            }
            let fits = waiting.gas_limit <= budget.gas && waiting.bytes <= budget.bytes;
            let its_turn = waiting.turn_ns <= now_ns && !out(waiting.tx);
            if its_turn && waiting.nonce == *nonce && waiting.max_fee_wei >= base_fee_wei && fits {
                *nonce += 1;
                budget.gas -= waiting.gas_limit;
                budget.bytes -= waiting.bytes;
                chosen.push(waiting.tx);
            }
            let waits = early.range((first.sender, *nonce, 0)..=(first.sender, *nonce, usize::MAX)).next();
            if let Some(found) = waits.copied() {
                early.remove(&found);
                open = Some(&queue[found.2]);
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn waiting(tx: u32, sender: u32, nonce: u64) -> Waiting {
        Waiting { tx, sender, nonce, turn_ns: 0, gas_limit: 30_000, max_fee_wei: 10, tip_wei: 0, bytes: 100 }
    }

    const ROOM: Budget = Budget { gas: 30_000_000, bytes: u64::MAX };

    #[test]
    fn one_that_overtook_its_predecessors_is_taken_right_after_them() {
        let queue =
            [waiting(0, 1, 2), waiting(1, 2, 0), waiting(2, 1, 1), waiting(3, 1, 0), waiting(4, 2, 1)];
        assert_eq!(choose(&queue, 0, 10, ROOM, |_| 0, |_| false), [1, 3, 2, 0, 4]);
        assert_eq!(choose(&queue, 0, 10, ROOM, |_| 0, |tx| tx == 2), [1, 3, 4]);
    }

    #[test]
    fn one_that_does_not_fit_holds_up_its_sender_and_nobody_else() {
        let large = Waiting { gas_limit: 80_000, ..waiting(0, 1, 0) };
        let poor = Waiting { max_fee_wei: 9, ..waiting(1, 2, 0) };
        let late = Waiting { turn_ns: 5, ..waiting(2, 3, 0) };
        let rest = [waiting(3, 1, 1), waiting(4, 2, 1), waiting(5, 3, 1), waiting(6, 4, 0), waiting(7, 5, 0)];
        let queue: Vec<Waiting> = [large, poor, late].into_iter().chain(rest).collect();
        assert_eq!(choose(&queue, 4, 10, Budget { gas: 70_000, ..ROOM }, |_| 0, |_| false), [6, 7]);
    }

    /// Goes through the queue until nothing more is taken, from the front after each that is.
    fn by_passes(queue: &[Waiting], now_ns: u64, fee_wei: u64, mut budget: Budget) -> Vec<u32> {
        let (mut next, mut chosen) = (BTreeMap::<u32, u64>::new(), Vec::new());
        let mut open: Vec<Waiting> = queue.to_vec();
        loop {
            let nonce = |w: &Waiting| next.get(&w.sender).copied().unwrap_or(0);
            let Some(at) = open.iter().position(|w| w.nonce == nonce(w)) else { return chosen };
            let waiting = open.remove(at);
            let pays = waiting.turn_ns <= now_ns && waiting.max_fee_wei >= fee_wei;
            if pays && waiting.gas_limit <= budget.gas && waiting.bytes <= budget.bytes {
                *next.entry(waiting.sender).or_default() += 1;
                budget.gas -= waiting.gas_limit;
                budget.bytes -= waiting.bytes;
                chosen.push(waiting.tx);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_what_repeated_passes_take(
            drawn in prop::collection::vec((0_u32..5, 0_u64..6, 0_u64..4, 21_000_u64..90_000, 8_u64..14, 50_u64..400), 0..60),
            gas in 0_u64..2_000_000, bytes in 0_u64..9_000,
        ) {
            let queue: Vec<Waiting> = (0..).zip(drawn).map(|(tx, (sender, nonce, turn_ns, gas_limit, max_fee_wei, bytes))| {
                Waiting { turn_ns, gas_limit, max_fee_wei, bytes, ..waiting(tx, sender, nonce) }
            }).collect();
            let budget = Budget { gas, bytes };
            prop_assert_eq!(choose(&queue, 2, 10, budget, |_| 0, |_| false), by_passes(&queue, 2, 10, budget));
        }
    }
}
