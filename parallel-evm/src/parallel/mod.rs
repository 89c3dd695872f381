//! The optimistic engine: run transactions out of order, check what they read, run again what read stale
//! values, commit in order.
//!
//! After Block-STM (Gelashvili et al., 2022): a multi-version memory keeps every transaction's latest writes,
//! a scheduler hands out executions and validations, the lower index first. A transaction's reads are checked
//! by value. Correctness rests on validation alone; estimates and waiting only save work. What the threads
//! did shows in [`Diagnostics`] and nowhere else.

mod scheduler;
mod versions;
mod view;

use crate::{
    Block, BlockOutput, Diagnostics, ExecuteError, PreState,
    commit::Commit,
    evm::{Outcome, Runner, Writes},
};
use scheduler::{Scheduler, Task};
use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};
use versions::Versions;
use view::{ReadLog, TxView};

/// Executes a block on so many threads.
pub(crate) fn execute(
    block: &Block,
    pre: &dyn PreState,
    reports: bool,
    threads: NonZeroUsize,
) -> Result<BlockOutput, ExecuteError> {
    let count = block.transactions.len();
    let run = Run {
        block,
        reports,
        versions: Versions::new(block, pre),
        scheduler: Scheduler::new(count),
        attempts: (0..count).map(|_| Mutex::new(None)).collect(),
    };
    let threads = threads.get().min(count.max(1));
    let crashed = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| run.work())).collect();
        let mut crashed = false;
        for worker in workers {
            crashed |= worker.join().is_err();
        }
        crashed
    });
    run.commit(pre, crashed)
}

/// One block's execution, shared by its threads.
struct Run<'b> {
    block: &'b Block,
    reports: bool,
    versions: Versions<'b>,
    scheduler: Scheduler,
    /// The latest finished attempt at each transaction.
    attempts: Vec<Mutex<Option<Attempt>>>,
}

struct Attempt {
    outcome: Outcome,
    reads: ReadLog,
}

impl Run<'_> {
    fn work(&self) {
        let _release = HaltOnPanic(&self.scheduler);
        let view = TxView::new(&self.versions);
        let mut runner = Runner::new(self.block, &view, self.reports);
        let mut task = self.scheduler.next();
        loop {
            task = match task {
                Task::Execute { index } => self.execute(index, &view, &mut runner),
                Task::Validate { index, incarnation } => self.validate(index, incarnation),
                Task::Done => return,
            };
        }
    }

    fn execute(&self, index: usize, view: &TxView<'_>, runner: &mut Runner<'_>) -> Task {
        loop {
            view.start(index);
            let outcome = runner.run(&self.block.transactions[index]);
            let reads = view.take_reads();
            if let Outcome::Blocked { by } = outcome {
                if self.scheduler.wait_for(index, by) {
                    return self.scheduler.next();
                }
                // The value has arrived in the meantime.
                continue;
            }
            let nothing = Writes::default();
            let writes = match &outcome {
                Outcome::Executed(executed) => &executed.writes,
                _ => &nothing,
            };
            let wrote_new = self.versions.record(index, writes);
            *lock(&self.attempts[index]) = Some(Attempt { outcome, reads });
            return self.scheduler.executed(index, wrote_new);
        }
    }

    fn validate(&self, index: usize, incarnation: u32) -> Task {
        let valid = match &*lock(&self.attempts[index]) {
            Some(Attempt { outcome, reads }) => self.versions.still_holds(index, reads, outcome.footprint()),
            None => false,
        };
        if !valid && self.scheduler.try_abort(index, incarnation) {
            self.versions.mark_estimates(index);
            return self.scheduler.aborted(index);
        }
        self.scheduler.validated()
    }

    fn commit(self, pre: &dyn PreState, crashed: bool) -> Result<BlockOutput, ExecuteError> {
        let diagnostics: Diagnostics = self.scheduler.diagnostics();
        let mut commit = Commit::new(self.block, pre);
        for (index, (tx, attempt)) in self.block.transactions.iter().zip(self.attempts).enumerate() {
            match attempt.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Some(attempt) if !crashed => commit.push(tx, attempt.outcome)?,
                _ => return Err(ExecuteError::WorkerPanicked { index }),
            }
        }
        Ok(commit.finish(diagnostics))
    }
}

/// Lets the other threads go home when one dies.
struct HaltOnPanic<'s>(&'s Scheduler);

impl Drop for HaltOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.halt();
        }
    }
}

/// Locks a mutex whose data stay usable even if a thread panicked: the run is given up then anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
