//! The optimistic engine: run transactions ahead of order, check what they read, run again what read stale
//! values, commit in order.
//!
//! `driver` decides who does what and when, `hints` guesses what it had better put off, `memory` and `cells` hold what
//! everybody wrote, `marks` know what nobody wrote, `view` shows it to a running transaction, `pool` keeps the threads.
//! Here they meet revm. What the threads did shows in [`Diagnostics`] and nowhere else. `docs/algorithm.md` says why the
//! results cannot differ from serial ones.

mod cells;
mod changes;
mod driver;
mod hints;
mod marks;
mod memory;
mod pool;
mod sync;
#[cfg(test)]
mod tests;
mod view;

use crate::{
    Block, BlockOutput, Diagnostics, ExecuteError, PreState,
    commit::Ledger,
    evm::{Effects, Executed, Outcome, Runner},
    executor::Options,
};
use driver::{Check, Driver, Finished, Line, Verdict, Work};
use hints::Hints;
use memory::{Memory, Written};
use pool::POOL;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
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
    let helpers = threads.min(count).saturating_sub(1);
    // They wake up while memory is set up.
    POOL.rouse(helpers);
    let run = Run {
        block,
        options,
        memory: Memory::new(block, pre),
        attempts: (0..count).map(|_| Line(Mutex::default())).collect(),
        hints: Hints::new(block),
        committed: Line(AtomicUsize::new(0)),
        ledger: Line(Mutex::new(Ledger::new(block))),
        failure: Mutex::new(None),
        executions: AtomicU64::new(0),
        incarnations_max: AtomicU32::new(0),
        at_work_nanos: AtomicU64::new(0),
        waking_nanos: AtomicU64::new(u64::MAX),
    };
    let driver = Driver::new(count, threads);
    let ready = Instant::now();
    let caller = thread::current().id();
    let crashed = POOL.run(helpers, &|| {
        if thread::current().id() != caller {
            run.waking_nanos.fetch_min(ready.elapsed().as_nanos() as u64, Ordering::Relaxed);
        }
        run.work(&driver);
    });
    let done = Instant::now();
    let thread_nanos = (done - ready).as_nanos() as u64 * (helpers as u64 + 1);
    let mut output = run.finish(&driver, crashed, thread_nanos)?;
    output.diagnostics.setting_up = ready - started;
    output.diagnostics.finishing = done.elapsed();
    Ok(output)
}

/// One block's execution, shared by its threads.
struct Run<'b> {
    block: &'b Block,
    options: Options,
    memory: Memory<'b>,
    attempts: Vec<Line<Mutex<Attempt>>>,
    hints: Hints<'b>,
    /// How many transactions are committed.
    committed: Line<AtomicUsize>,
    ledger: Line<Mutex<Ledger>>,
    failure: Mutex<Option<ExecuteError>>,
    executions: AtomicU64,
    incarnations_max: AtomicU32,
    /// Of all threads that took part, their rests left out.
    at_work_nanos: AtomicU64,
    /// Until the first helper began.
    waking_nanos: AtomicU64,
}

/// The latest attempt at a transaction.
#[derive(Default)]
struct Attempt {
    incarnation: u32,
    /// How many transactions were committed when it began.
    committed_then: usize,
    outcome: Option<Outcome>,
    reads: ReadLog,
    written: Written,
}

/// What a thread has of its own.
struct Worker<'w> {
    view: &'w TxView<'w>,
    runner: Runner<'w>,
    /// Memory of earlier attempts, to be used again.
    spare: Vec<(ReadLog, Written)>,
    executions: u64,
    incarnations_max: u32,
    resting_since: Option<Instant>,
    rested: Duration,
}

/// More is not kept for later.
const SPARE_MAX: usize = 64;

/// What a transfer uses.
const TRANSFER_GAS: u64 = 21_000;

impl Worker<'_> {
    /// Takes the memory of an attempt that is over.
    fn recycle(&mut self, attempt: &mut Attempt) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push((std::mem::take(&mut attempt.reads), std::mem::take(&mut attempt.written)));
        }
    }
}

impl Run<'_> {
    fn work(&self, driver: &Driver) {
        let began = Instant::now();
        let _release = HaltOnPanic(driver);
        let view = TxView::new(&self.memory, self.options.stress);
        let runner = Runner::new(self.block, &view, self.options.reports, true);
        let mut worker = Worker {
            view: &view,
            runner,
            spare: Vec::new(),
            executions: 0,
            incarnations_max: 0,
            resting_since: None,
            rested: Duration::ZERO,
        };
        driver.work(self, &mut worker);
        let at_work = began.elapsed().saturating_sub(worker.rested).as_nanos() as u64;
        self.at_work_nanos.fetch_add(at_work, Ordering::Relaxed);
        self.executions.fetch_add(worker.executions, Ordering::Relaxed);
        self.incarnations_max.fetch_max(worker.incarnations_max, Ordering::Relaxed);
    }

    fn fail(&self, error: ExecuteError) {
        *lock(&self.failure) = Some(error);
    }

    /// Executes on the final state and commits.
    fn execute_definitely(&self, worker: &mut Worker<'_>, index: usize) -> Finished {
        let tx = &self.block.transactions[index];
        let mut ledger = lock(&self.ledger.0);
        if let Err(error) = ledger.check_gas_limit(tx) {
            self.fail(error);
            return Finished::Failed;
        }
        drop(ledger);
        worker.view.start(index, true);
        let outcome = worker.runner.run(tx, true);
        ledger = lock(&self.ledger.0);
        let executed = match ledger.accept(outcome) {
            Ok(executed) => executed,
            Err(error) => {
                self.fail(error);
                return Finished::Failed;
            }
        };
        drop(ledger);
        let mut attempt = lock(&self.attempts[index].0);
        attempt.incarnation += 1;
        worker.incarnations_max = worker.incarnations_max.max(attempt.incarnation);
        match self.enter(worker, index, &mut attempt, executed, false) {
            Ok(disturbed) => Finished::Committed { disturbed },
            Err(error) => {
                self.fail(error);
                Finished::Failed
            }
        }
    }

    /// Commits what was executed. All lower ones are committed; this is what it does to the state they leave.
    fn enter(
        &self,
        worker: &mut Worker<'_>,
        index: usize,
        attempt: &mut Attempt,
        mut executed: Box<Executed>,
        recorded: bool,
    ) -> Result<Option<usize>, ExecuteError> {
        let Attempt { incarnation, written, .. } = attempt;
        let folded = self.memory.fold(index, *incarnation, &mut executed.effects, written, recorded);
        let (corrected, disturbed) = folded.map_err(|error| ExecuteError::State { index, error })?;
        if corrected {
            executed.renew_report();
        }
        let spare = lock(&self.ledger.0).push(executed);
        self.committed.0.store(index + 1, Ordering::SeqCst);
        worker.runner.recycle(spare);
        worker.recycle(attempt);
        Ok(disturbed)
    }

    /// Commits an attempt at the transaction at the frontier if its reads hold: then returns who may have missed
    /// what it does.
    fn try_commit(
        &self,
        worker: &mut Worker<'_>,
        index: usize,
        attempt: &mut Attempt,
        recorded: bool,
    ) -> Result<Option<Option<usize>>, ExecuteError> {
        let stressed = self.options.stress.is_some_and(|stress| stress.aborts(index, attempt.incarnation));
        let fits = lock(&self.ledger.0).check_gas_limit(&self.block.transactions[index]).is_ok();
        let holds = fits && self.holds(index, attempt, true).0;
        self.hints.learn(index, attempt.committed_then, !holds);
        // Whatever is wrong is found again, and told, by executing definitely.
        if stressed || !holds {
            return Ok(None);
        }
        let Some(Outcome::Executed(executed)) = attempt.outcome.take() else {
            return Ok(None);
        };
        self.enter(worker, index, attempt, executed, recorded).map(Some)
    }

    /// Whether what an attempt read still holds, and the highest estimate in the way.
    fn holds(&self, index: usize, attempt: &Attempt, committed: bool) -> (bool, Option<usize>) {
        // A failure may be due to stale values; it is repeated where nothing is stale.
        let Some(Outcome::Executed(executed)) = &attempt.outcome else {
            return (false, None);
        };
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
        let at_work = self.at_work_nanos.into_inner().min(thread_nanos);
        let diagnostics = Diagnostics {
            parallel: true,
            executions: self.executions.into_inner(),
            aborts: tally.in_vain as u64,
            waits: tally.waits as u64,
            validations: tally.checks as u64,
            incarnations_max: self.incarnations_max.into_inner(),
            fallbacks: tally.fallbacks as u64,
            utilisation: at_work as f64 / thread_nanos.max(1) as f64,
            waking_up: match self.waking_nanos.into_inner() {
                u64::MAX => Duration::ZERO,
                nanos => Duration::from_nanos(nanos),
            },
            ..Diagnostics::default()
        };
        let ledger = self.ledger.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(ledger.finish(self.memory.into_delta(), diagnostics))
    }
}

impl<'w> Work<Worker<'w>> for Run<'_> {
    fn execute(
        &self,
        worker: &mut Worker<'w>,
        index: usize,
        definite: bool,
        arrived: &dyn Fn() -> bool,
    ) -> Finished {
        worker.executions += 1;
        if definite {
            return self.execute_definitely(worker, index);
        }
        let committed_then = self.committed.0.load(Ordering::SeqCst);
        worker.view.start(index, false);
        let outcome = worker.runner.run(&self.block.transactions[index], false);
        let mut attempt = lock(&self.attempts[index].0);
        attempt.incarnation += 1;
        worker.incarnations_max = worker.incarnations_max.max(attempt.incarnation);
        attempt.committed_then = committed_then;
        attempt.outcome = Some(outcome);
        let mut spare = std::mem::take(&mut attempt.reads);
        if spare.accounts.capacity() == 0
            && let Some((reads, written)) = worker.spare.pop()
        {
            spare = reads;
            if attempt.written.is_unused() {
                attempt.written = written;
                attempt.written.clear();
            }
        }
        attempt.reads = worker.view.take_reads(spare);
        // Nobody need see what is about to be committed.
        if arrived() && self.options.stress.is_none_or(|stress| stress.hurries(index)) {
            return match self.try_commit(worker, index, &mut attempt, false) {
                Ok(Some(disturbed)) => Finished::Committed { disturbed },
                Ok(None) => Finished::Stale,
                Err(error) => {
                    self.fail(error);
                    Finished::Failed
                }
            };
        }
        let Attempt { incarnation, outcome, reads, written, .. } = &mut *attempt;
        let nothing = Effects::default();
        let effects = match outcome {
            Some(Outcome::Executed(executed)) => &executed.effects,
            _ => &nothing,
        };
        let blocker = reads.blocker;
        match self.memory.record(index, *incarnation, effects, written) {
            Ok(disturbed) => Finished::Recorded { blocker, disturbed },
            // All accounts were loaded when it was executed.
            Err(error) => {
                self.fail(ExecuteError::State { index, error });
                Finished::Failed
            }
        }
    }

    fn check(&self, index: usize) -> Check {
        let attempt = lock(&self.attempts[index].0);
        if self.options.stress.is_some_and(|stress| stress.aborts(index, attempt.incarnation)) {
            return Check::Stale;
        }
        match self.holds(index, &attempt, false) {
            (_, Some(by)) => Check::Blocked(by),
            (true, None) => Check::Holds,
            (false, None) => {
                self.hints.learn(index, attempt.committed_then, true);
                Check::Stale
            }
        }
    }

    fn retract(&self, index: usize) {
        let attempt = lock(&self.attempts[index].0);
        self.memory.retract(index, &attempt.written);
    }

    fn commit(&self, worker: &mut Worker<'w>, index: usize) -> Verdict {
        let mut attempt = lock(&self.attempts[index].0);
        match self.try_commit(worker, index, &mut attempt, true) {
            Ok(Some(_)) => Verdict::Committed,
            Ok(None) => Verdict::Stale,
            Err(error) => {
                self.fail(error);
                Verdict::Failed
            }
        }
    }

    fn expects(&self, index: usize) -> Option<usize> {
        self.hints.expected(index)
    }

    fn is_brief(&self, worker: &Worker<'w>, index: usize) -> bool {
        let tx = &self.block.transactions[index];
        let Some(payee) = worker.runner.transfers_to(tx) else {
            return false;
        };
        // With no more gas than that, code does nothing either.
        tx.gas_limit == TRANSFER_GAS || !self.memory.had_code(payee)
    }

    fn may_be_definite(&self, index: usize) -> bool {
        self.options.stress.is_none() || lock(&self.attempts[index].0).incarnation > 0
    }

    fn rests(&self, worker: &mut Worker<'w>, rests: bool) {
        if rests {
            worker.resting_since = Some(Instant::now());
        } else if let Some(since) = worker.resting_since.take() {
            worker.rested += since.elapsed();
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
