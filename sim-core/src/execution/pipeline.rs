//! When execution happens relative to consensus, and who waits for a node's cores.
//!
//! **Captures** [`BeforeVoting`](crate::execution::params::Pipeline::BeforeVoting), Ethereum's order: a proposer
//! executes the block it builds before it publishes it; everyone else executes a block, once its parent is
//! executed, before voting for it. A node executes one block at a time on all its cores, in the order in
//! which blocks became ready (first in, first out); the schedule inside a block is
//! [`virtual_cores`](super::virtual_cores)'s. **Leaves out** preemption, speculative execution of several
//! forks, and competition by signature checks and vote processing. **Parameters** none of its own.
//! **Source** Ethereum execution API (`engine_newPayload` answers before the attester signs).
//! **Checked against** hand-computed sequences below.

/// A node's execution cores as one resource that serves blocks first in, first out.
///
/// ```
/// use sim_core::execution::pipeline::CpuState;
/// let mut cpu = CpuState::default();
/// assert_eq!(cpu.run(100, 30), (100, 130));
/// // Ready while the first block still executes: waits.
/// assert_eq!(cpu.run(110, 5), (130, 135));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuState {
    /// When all work accepted so far is done, ns of simulated time.
    pub free_at_ns: u64,
    /// Work accepted so far, ns.
    pub busy_ns: u64,
}

impl CpuState {
    /// Accepts work of `duration_ns` that is ready at `now_ns`; returns its start and end, ns.
    ///
    /// Calls must come in the order of `now_ns` for the discipline to be first in, first out.
    /// `start - now` is waiting for the cores, `end - start` is execution.
    pub fn run(&mut self, now_ns: u64, duration_ns: u64) -> (u64, u64) {
        let start = now_ns.max(self.free_at_ns);
        let end = start.saturating_add(duration_ns);
        self.free_at_ns = end;
        self.busy_ns = self.busy_ns.saturating_add(duration_ns);
        (start, end)
    }

    /// How long work that becomes ready at `now_ns` would wait, ns.
    pub fn backlog_ns(&self, now_ns: u64) -> u64 {
        self.free_at_ns.saturating_sub(now_ns)
    }
}

/// When a block may start to execute: it is there and its parent is executed, ns. `parent_verified_ns` is
/// when this node finished executing the parent (0 for the genesis).
pub fn ready_ns(arrived_ns: u64, parent_verified_ns: u64) -> u64 {
    arrived_ns.max(parent_verified_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_machine_starts_at_once_and_a_busy_one_later() {
        let mut cpu = CpuState::default();
        assert_eq!(cpu.run(10, 5), (10, 15));
        assert_eq!(cpu.run(12, 7), (15, 22));
        assert_eq!(cpu.backlog_ns(20), 2);
        assert_eq!(cpu.run(100, 1), (100, 101));
        assert_eq!(cpu.busy_ns, 13);
        assert_eq!(cpu.backlog_ns(200), 0);
    }

    #[test]
    fn work_without_duration_takes_no_time_but_keeps_its_place() {
        let mut cpu = CpuState::default();
        cpu.run(0, 50);
        assert_eq!(cpu.run(10, 0), (50, 50));
    }

    #[test]
    fn a_block_waits_for_its_parent() {
        assert_eq!(ready_ns(40, 90), 90);
        assert_eq!(ready_ns(90, 40), 90);
    }
}
