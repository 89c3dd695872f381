//! The optimistic engine: run transactions ahead of order, check what they read, run again what read stale
//! values, commit in order.
//!
//! `driver` decides who does what and when, `memory` holds what everybody wrote, `view` shows it to a running
//! transaction, `pool` keeps the threads. Here they meet revm. What the threads did shows in [`Diagnostics`] and
//! nowhere else. `docs/algorithm.md` says why the results cannot differ from serial ones.

mod driver;
mod memory;
mod pool;
mod sync;
mod view;

use crate::{
    Block, BlockOutput, Diagnostics, ExecuteError, PreState,
    commit::Ledger,
    evm::{Outcome, Runner},
    executor::Options,
};
use driver::{Check, Driver, Finished, Verdict, Work};
use memory::{Memory, Written};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use sync::lock;
use view::{ReadLog, TxView};

/// Executes a block on so many threads, the calling one included.
pub(crate) fn execute(
    block: &Block,
    pre: &dyn PreState,
    options: Options,
    threads: usize,
) -> Result<BlockOutput, ExecuteError> {
    let started = Instant::now();
    let count = block.transactions.len();
    let run = Run {
        block,
        options,
        memory: Memory::new(block, pre),
        attempts: (0..count).map(|_| Mutex::new(Attempt::default())).collect(),
        ledger: Mutex::new(Ledger::new(block)),
        failure: Mutex::new(None),
        executions: AtomicU64::new(0),
        resting_nanos: AtomicU64::new(0),
    };
    let driver = Driver::new(count);
    let helpers = threads.min(count).saturating_sub(1);
    let crashed = pool::run(helpers, &|| run.work(&driver));
    let wall = started.elapsed();
    run.finish(&driver, crashed, wall.as_nanos() as u64 * (helpers as u64 + 1))
}

/// One block's execution, shared by its threads.
struct Run<'b> {
    block: &'b Block,
    options: Options,
    memory: Memory<'b>,
    attempts: Vec<Mutex<Attempt>>,
    ledger: Mutex<Ledger>,
    failure: Mutex<Option<ExecuteError>>,
    executions: AtomicU64,
    resting_nanos: AtomicU64,
}

/// The latest attempt at a transaction.
#[derive(Default)]
struct Attempt {
    incarnation: u32,
    outcome: Option<Outcome>,
    reads: ReadLog,
    written: Written,
}

/// What a thread has of its own.
struct Worker<'w> {
    view: &'w TxView<'w>,
    runner: Runner<'w>,
    resting_since: Option<Instant>,
}

impl Run<'_> {
    fn work(&self, driver: &Driver) {
        let _release = HaltOnPanic(driver);
        let view = TxView::new(&self.memory, self.options.stress);
        let runner = Runner::new(self.block, &view, self.options.reports, true);
        driver.work(self, &mut Worker { view: &view, runner, resting_since: None });
    }

    fn fail(&self, error: ExecuteError) {
        *lock(&self.failure) = Some(error);
    }

    /// Executes on the final state and commits.
    fn execute_definitely(&self, worker: &mut Worker<'_>, index: usize) -> Finished {
        let tx = &self.block.transactions[index];
        let mut ledger = lock(&self.ledger);
        if let Err(error) = ledger.check_gas_limit(tx) {
            self.fail(error);
            return Finished::Failed;
        }
        drop(ledger);
        worker.view.start(index, true);
        let outcome = worker.runner.run(tx, true);
        ledger = lock(&self.ledger);
        let mut executed = match ledger.accept(outcome) {
            Ok(executed) => executed,
            Err(error) => {
                self.fail(error);
                return Finished::Failed;
            }
        };
        let mut attempt = lock(&self.attempts[index]);
        attempt.incarnation += 1;
        let Attempt { incarnation, written, .. } = &*attempt;
        match self.memory.fold(index, *incarnation, &mut executed.effects, written, false) {
            Ok((corrected, disturbed)) => {
                if corrected {
                    executed.renew_report();
                }
                ledger.push(executed);
                Finished::Committed { disturbed }
            }
            Err(error) => {
                self.fail(ExecuteError::State { index, error });
                Finished::Failed
            }
        }
    }

    /// Whether what an attempt read still holds, and the highest estimate in the way.
    fn holds(&self, index: usize, attempt: &Attempt, committed: bool) -> (bool, Option<usize>) {
        // A failure may be due to stale values; it is repeated where nothing is stale.
        let Some(Outcome::Executed(executed)) = &attempt.outcome else { return (false, None) };
        let mut blocker = None;
        for (at, loaded) in attempt.reads.accounts.iter().zip(&executed.accounts) {
            let (holds, by) = self.memory.admits(index, *at, loaded, committed);
            if !holds {
                return (false, by.max(blocker));
            }
            blocker = blocker.max(by);
        }
        for seen in &attempt.reads.slots {
            let (holds, by) = self.memory.still_reads(index, seen);
            if !holds {
                return (false, by.max(blocker));
            }
            blocker = blocker.max(by);
        }
        (true, blocker)
    }

    fn finish(self, driver: &Driver, crashed: bool, thread_nanos: u64) -> Result<BlockOutput, ExecuteError> {
        if let Some(error) = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        if crashed {
            return Err(ExecuteError::WorkerPanicked { index: driver.committed() });
        }
        let tally = driver.tally();
        let incarnations = self.attempts.iter().map(|attempt| lock(attempt).incarnation);
        let resting = self.resting_nanos.into_inner().min(thread_nanos);
        let diagnostics = Diagnostics {
            parallel: true,
            executions: self.executions.into_inner(),
            aborts: tally.in_vain as u64,
            waits: tally.waits as u64,
            validations: tally.checks as u64,
            incarnations_max: incarnations.max().unwrap_or(0),
            utilisation: 1.0 - resting as f64 / thread_nanos.max(1) as f64,
            durations: Vec::new(),
        };
        let ledger = self.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(ledger.finish(self.memory.into_delta(), diagnostics))
    }
}

impl<'w> Work<Worker<'w>> for Run<'_> {
    fn execute(&self, worker: &mut Worker<'w>, index: usize, definite: bool) -> Finished {
        self.executions.fetch_add(1, Ordering::Relaxed);
        if definite {
            return self.execute_definitely(worker, index);
        }
        worker.view.start(index, false);
        let outcome = worker.runner.run(&self.block.transactions[index], false);
        let reads = worker.view.take_reads();
        let mut attempt = lock(&self.attempts[index]);
        attempt.incarnation += 1;
        let Attempt { incarnation, written, .. } = &mut *attempt;
        let nothing = crate::evm::Effects::default();
        let effects = match &outcome {
            Outcome::Executed(executed) => &executed.effects,
            _ => &nothing,
        };
        let disturbed = self.memory.record(index, *incarnation, effects, written);
        let blocker = reads.blocker;
        attempt.outcome = Some(outcome);
        attempt.reads = reads;
        Finished::Recorded { blocker, disturbed }
    }

    fn check(&self, index: usize) -> Check {
        let attempt = lock(&self.attempts[index]);
        if self.options.stress.is_some_and(|stress| stress.aborts(index, attempt.incarnation)) {
            return Check::Stale;
        }
        match self.holds(index, &attempt, false) {
            (_, Some(by)) => Check::Blocked(by),
            (true, None) => Check::Holds,
            (false, None) => Check::Stale,
        }
    }

    fn retract(&self, index: usize) {
        let attempt = lock(&self.attempts[index]);
        self.memory.retract(index, &attempt.written);
    }

    fn commit(&self, index: usize) -> Verdict {
        let mut attempt = lock(&self.attempts[index]);
        let mut ledger = lock(&self.ledger);
        let stressed = self.options.stress.is_some_and(|stress| stress.aborts(index, attempt.incarnation));
        // Whatever is wrong is found again, and told, by executing definitely.
        if stressed
            || ledger.check_gas_limit(&self.block.transactions[index]).is_err()
            || !self.holds(index, &attempt, true).0
        {
            return Verdict::Stale;
        }
        let attempt = &mut *attempt;
        let Some(Outcome::Executed(mut executed)) = attempt.outcome.take() else { return Verdict::Stale };
        let effects = &mut executed.effects;
        match self.memory.fold(index, attempt.incarnation, effects, &attempt.written, true) {
            Ok((corrected, _)) => {
                if corrected {
                    executed.renew_report();
                }
                ledger.push(executed);
                Verdict::Committed
            }
            Err(error) => {
                self.fail(ExecuteError::State { index, error });
                Verdict::Failed
            }
        }
    }

    fn may_be_definite(&self, index: usize) -> bool {
        self.options.stress.is_none() || lock(&self.attempts[index]).incarnation > 0
    }

    fn rests(&self, worker: &mut Worker<'w>, rests: bool) {
        if rests {
            worker.resting_since = Some(Instant::now());
        } else if let Some(since) = worker.resting_since.take() {
            self.resting_nanos.fetch_add(since.elapsed().as_nanos() as u64, Ordering::Relaxed);
        }
    }
}

/// Lets the other threads go home when one dies.
struct HaltOnPanic<'d>(&'d Driver);

impl Drop for HaltOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.halt();
        }
    }
}
