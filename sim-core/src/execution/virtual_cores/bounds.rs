//! What no schedule can beat, and a heuristic that comes close.
//!
//! - `work / N` and the longest transaction bound every schedule that executes each transaction once.
//! - [`pipelined_critical_path_ps`] bounds every schedule in which a transaction reads a value only after the
//!   execution that wrote it ended. A reader may start before its writer ends, as long as it gets to the read
//!   later: so only the rest after the read follows the writer.
//! - [`critical_path_ps`] is the classical path, whole transactions after whole transactions. It bounds
//!   schedules that start a transaction only after all it depends on has ended, such as list scheduling.
//! - [`list_schedule`] is a heuristic, not a bound: Graham's (2 - 1/N) of the optimum among those.

use super::{BlockWork, Conflicts, Schedule};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Least time of any schedule on `cores` cores: `max(ceil(work / cores), longest transaction)`, ps.
pub fn resource_bound_ps(work: &BlockWork, cores: u32) -> u64 {
    work.total_ps().div_ceil(u64::from(cores.max(1))).max(work.longest_ps())
}

/// Longest chain of transactions that read each other's values, each counted whole, ps.
pub fn critical_path_ps(work: &BlockWork) -> u64 {
    path(work, |finish_ps, duration_ps, _| finish_ps + duration_ps)
}

/// Longest chain of reads: of each dependent transaction counts what comes after the read, ps.
/// Never above [`critical_path_ps`] and never below the longest transaction.
pub fn pipelined_critical_path_ps(work: &BlockWork) -> u64 {
    path(work, |finish_ps, duration_ps, prefix_ps| finish_ps + (duration_ps - prefix_ps))
}

fn path(work: &BlockWork, after: impl Fn(u64, u64, u64) -> u64) -> u64 {
    let conflicts = Conflicts::new(work);
    let mut finish_ps: Vec<u64> = Vec::with_capacity(work.transactions.len());
    for (tx, own) in work.transactions.iter().enumerate() {
        let earliest = conflicts
            .dependencies(tx as u32)
            .map(|(writer, prefix_ps)| after(finish_ps[writer as usize], own.duration_ps, prefix_ps))
            .fold(own.duration_ps, u64::max);
        finish_ps.push(earliest);
    }
    finish_ps.into_iter().max().unwrap_or(0)
}

/// Greedy list scheduling of the dependency graph: whenever a core is free, it takes the first transaction in
/// block order whose dependencies have ended. Costs nothing but the transactions themselves.
///
/// With an optimum `o` for the same graph, `total <= (2 - 1/cores) o` (Graham 1969); in terms of what can be
/// computed, `total <= work / cores + (1 - 1/cores) critical path`.
pub fn list_schedule(work: &BlockWork, cores: u32) -> Schedule {
    let count = work.transactions.len();
    let conflicts = Conflicts::new(work);
    let mut waits_for = vec![0_u32; count];
    let mut dependents: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut ready = BinaryHeap::new();
    for tx in 0..count as u32 {
        let mut writers: Vec<u32> = conflicts.dependencies(tx).map(|(writer, _)| writer).collect();
        writers.sort_unstable();
        writers.dedup();
        waits_for[tx as usize] = writers.len() as u32;
        if writers.is_empty() {
            ready.push(Reverse(tx));
        }
        for writer in writers {
            dependents[writer as usize].push(tx);
        }
    }
    let mut schedule =
        Schedule { start_ps: vec![0; count], finish_ps: vec![0; count], ..Schedule::default() };
    let mut free = cores.max(1);
    let mut running = BinaryHeap::new();
    let mut now_ps = 0;
    loop {
        while free > 0
            && let Some(Reverse(tx)) = ready.pop()
        {
            let duration_ps = work.transactions[tx as usize].duration_ps;
            schedule.start_ps[tx as usize] = now_ps;
            schedule.finish_ps[tx as usize] = now_ps + duration_ps;
            schedule.busy_ps += duration_ps;
            running.push(Reverse((now_ps + duration_ps, tx)));
            free -= 1;
        }
        let Some(Reverse((end_ps, tx))) = running.pop() else { break };
        now_ps = end_ps;
        free += 1;
        for &dependent in &dependents[tx as usize] {
            waits_for[dependent as usize] -= 1;
            if waits_for[dependent as usize] == 0 {
                ready.push(Reverse(dependent));
            }
        }
    }
    schedule.total_ps = now_ps;
    schedule
}
