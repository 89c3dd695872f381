//! Runs side by side: begun from the present simulation, which is put aside, and ended by taking it again.

use super::run::{Live, Runner, stopped};
use super::{Busy, Diverged, Report};
use sim_core::kernel::time::SimTime;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Observer;
use sim_core::simulation::snapshot::{BlockKey, NodeState, Request, Snapshot};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Nanoseconds a second.
const SECOND: u64 = 1_000_000_000;
/// Blocks that are looked through for the one that differs, newest first.
const BLOCKS: usize = 8;

impl Runner {
    /// Puts the present simulation aside and runs others up to `until_ns`. If they are refused, it is taken again.
    pub(super) fn compare(&mut self, plans: Vec<Plan>, generation: u64, until_ns: u64) -> Result<(), String> {
        let (before, playing) = (self.generation, self.playing);
        if self.aside.is_none() {
            self.aside = self.live.take();
        }
        if self.set_up(plans, generation) {
            self.run_to(until_ns, "Catching up with the present")?;
            self.playing = playing;
            self.resume();
        } else {
            (self.live, self.generation) = (self.aside.take(), before);
        }
        self.publish(None);
        Ok(())
    }

    /// Takes the simulation again that was put aside.
    pub(super) fn end_comparison(&mut self, generation: u64) {
        if let Some(aside) = self.aside.take() {
            self.live = Some(aside);
        }
        (self.generation, self.playing) = (generation, false);
    }

    /// Goes to the first moment at which an arm parts from the base, and says where that is.
    pub(super) fn find_divergence(&mut self, arm: usize) -> Result<(), String> {
        self.playing = false;
        self.settle()?;
        let known = |live: &Live| live.runs.divergence(arm);
        if self.live.as_ref().is_none_or(|l| arm == 0 || arm >= l.runs.runs().len()) {
            return Ok(());
        }
        // On, until a second differs.
        while let Some(live) = &self.live
            && known(live).is_none()
            && !live.runs.is_finished()
        {
            let (now_ns, end_ns) = (live.runs.now().0, live.runs.end().0);
            self.advance(now_ns + SECOND / 4, Instant::now() + Duration::from_millis(8))?;
            let share = now_ns as f32 / end_ns.max(1) as f32;
            self.publish_if_due(Some(Busy { what: "Looking for a difference", share: Some(share) }));
            if self.shared.cancel.swap(false, Ordering::Relaxed) || self.gone {
                return Ok(());
            }
        }
        let Some(coarse) = self.live.as_ref().and_then(known) else {
            let _ = self.outbox.send(Report::Diverged { arm, found: None });
            return Ok(());
        };
        // Everything was equal a second earlier: from there, in ever shorter strides.
        let equal_ns = coarse.second.saturating_sub(1) * SECOND;
        self.seek(equal_ns, true)?;
        let Some(live) = &mut self.live else { return Ok(()) };
        if live.runs.now().0 != equal_ns {
            return Ok(());
        }
        let until = SimTime(coarse.second * SECOND + 1);
        let shared = &self.shared;
        let go_on = |_| !shared.cancel.swap(false, Ordering::Relaxed);
        let Some(parting) = live.runs.parting(arm, until, go_on).map_err(stopped)? else {
            return self.seek(equal_ns, true);
        };
        self.seek(parting.at_ns + 1, true)?;
        let Some(live) = &self.live else { return Ok(()) };
        let block = parting.nodes.first().and_then(|node| different_block(live, arm, *node));
        let found = Diverged { second: coarse.second, at_ns: parting.at_ns, nodes: parting.nodes, block };
        let _ = self.outbox.send(Report::Diverged { arm, found: Some(found) });
        Ok(())
    }
}

/// The newest block that a node has another state of in an arm than in the base, or that only one of them has.
fn different_block(live: &Live, arm: usize, node: u32) -> Option<BlockKey> {
    let at = |run: usize, block: Option<BlockKey>| {
        let mut snapshot = Snapshot::default();
        let request = Request { block, states_max: u32::MAX, ..Request::default() };
        live.runs.runs()[run].snapshot(&mut Observer::default(), &request, &mut snapshot);
        snapshot
    };
    let keys = |s: &Snapshot| s.blocks.iter().rev().take(BLOCKS).map(|b| b.key).collect::<Vec<_>>();
    let (base, other) = (at(0, None), at(arm, None));
    let mut all = keys(&base);
    all.extend(keys(&other));
    all.sort_unstable();
    all.dedup();
    let state = |s: &Snapshot, key: BlockKey| -> Option<(NodeState, u64)> {
        let block = &s.blocks[s.focus?];
        let state = s.states.get((node / s.states_every.max(1)) as usize)?;
        (block.key == key).then_some((*state, block.published_ns))
    };
    all.into_iter().rev().find(|key| state(&at(0, Some(*key)), *key) != state(&at(arm, Some(*key)), *key))
}
