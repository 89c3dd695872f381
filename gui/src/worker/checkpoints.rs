//! Saved states under a byte budget: dense near the present, ever sparser towards the past.

use sim_core::kernel::digest::Digest;
use sim_core::simulation::lockstep::SavedRuns;

/// A saved state.
struct Saved {
    at_ns: u64,
    bytes: u64,
    digest: Digest,
    state: SavedRuns,
}

/// All saved states of a simulation, oldest first.
pub struct Checkpoints {
    saved: Vec<Saved>,
    bytes: u64,
    budget_bytes: u64,
}

/// More than this many are not kept, whatever they hold.
const COUNT_MAX: usize = 200;

impl Checkpoints {
    /// None yet.
    pub fn new(budget_bytes: u64) -> Self {
        Self { saved: Vec::new(), bytes: 0, budget_bytes }
    }

    /// Adds a state, later than all others; then lets go of what the budget does not allow. The first and the
    /// last stay.
    pub fn add(&mut self, at_ns: u64, bytes: u64, digest: Digest, state: SavedRuns) {
        debug_assert!(self.saved.last().is_none_or(|s| s.at_ns < at_ns));
        self.saved.push(Saved { at_ns, bytes, digest, state });
        self.bytes += bytes;
        while self.saved.len() > 2 && (self.bytes > self.budget_bytes || self.saved.len() > COUNT_MAX) {
            let victim = least_missed(&self.times());
            self.bytes -= self.saved.remove(victim).bytes;
        }
    }

    /// The latest state at or before `at_ns`, with its time.
    pub fn before(&self, at_ns: u64) -> Option<(u64, &SavedRuns)> {
        let index = self.saved.partition_point(|s| s.at_ns <= at_ns).checked_sub(1)?;
        let saved = &self.saved[index];
        Some((saved.at_ns, &saved.state))
    }

    /// The first saved time after `at_ns`, and the digest there.
    pub fn next_after(&self, at_ns: u64) -> Option<(u64, Digest)> {
        let index = self.saved.partition_point(|s| s.at_ns <= at_ns);
        self.saved.get(index).map(|s| (s.at_ns, s.digest))
    }

    /// The future is another one now: forgets states later than `at_ns`.
    pub fn forget_after(&mut self, at_ns: u64) {
        let keep = self.saved.partition_point(|s| s.at_ns <= at_ns);
        self.saved.truncate(keep);
        self.bytes = self.saved.iter().map(|s| s.bytes).sum();
    }

    /// Times, ns.
    pub fn times(&self) -> Vec<u64> {
        self.saved.iter().map(|s| s.at_ns).collect()
    }

    /// Time of the last, ns.
    pub fn last_ns(&self) -> Option<u64> {
        self.saved.last().map(|s| s.at_ns)
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Which of some ascending times leaves the smallest hole relative to its age; neither the first nor the
/// last.
fn least_missed(times: &[u64]) -> usize {
    let now = times[times.len() - 1];
    let hole = |i: usize| {
        let gap = (times[i + 1] - times[i - 1]) as f64;
        let age = (now - times[i]) as f64;
        gap / age.max(1.0)
    };
    let candidates = 1..times.len() - 1;
    candidates.min_by(|a, b| hole(*a).total_cmp(&hole(*b))).expect("at least three times")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_dense_near_the_present() {
        let mut times: Vec<u64> = vec![0];
        for now in 1..=1_000 {
            times.push(now);
            if times.len() > 20 {
                times.remove(least_missed(&times));
            }
        }
        assert_eq!((times[0], times[19]), (0, 1_000));
        let gaps: Vec<u64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        // Later gaps are smaller, in the main: the last few are a hundredth of the first ones.
        assert!(gaps[16..].iter().sum::<u64>() <= 20, "{times:?}");
        assert!(gaps[..4].iter().all(|g| *g >= 60), "{times:?}");
        // No part of the past is without.
        assert!(*gaps.iter().max().unwrap() <= 500, "{times:?}");
    }
}
