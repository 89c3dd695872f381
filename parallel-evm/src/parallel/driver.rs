//! Who executes, checks and commits what, and when. Knows transactions only as numbers.
//!
//! Every transaction has a phase; a thread owns what it has moved, by one atomic exchange, into a phase of work.
//! Transactions are claimed in order. One at the commit frontier (all lower ones are committed) is executed
//! definitely: what it sees is final, so it is committed without a check. Any other is executed ahead, on the
//! state as far as it is known, and its writes are recorded for higher ones to see. The frontier advances under a
//! lock that nobody waits for, over executed transactions whose reads still hold; one whose reads do not is
//! executed again, definitely, by the thread that found out.
//!
//! That alone is correct. The rest saves work: a transaction that wrote where a higher one had read has the
//! higher ones checked at once; one that fails is retracted (its writes become estimates) and executed again;
//! one that met an estimate runs to its end and then waits for the highest transaction it met an estimate of;
//! if nearly everything is executed twice, the next stretch is executed in order, by one thread at a time.

use super::sync::{
    AtomicBool, AtomicU8, AtomicUsize, Condvar, Mutex, SPINS, SeqCst, lock, spin, try_lock, wait,
};
use std::collections::BTreeSet;

/// What is driven. Transactions are numbered from 0.
/// `Worker` is what a thread needs to execute.
pub(super) trait Work<Worker>: Sync {
    /// Executes a transaction. `definite`: all lower ones are committed; then this also commits it.
    fn execute(&self, worker: &mut Worker, index: usize, definite: bool) -> Finished;
    /// Whether what an executed transaction read still holds, as far as is known.
    fn check(&self, index: usize) -> Check;
    /// Marks the writes of an executed transaction as estimates.
    fn retract(&self, index: usize);
    /// Commits an executed transaction if its reads hold. All lower ones are committed.
    fn commit(&self, index: usize) -> Verdict;
    /// Whether an attempt at the frontier may be definite; otherwise it is recorded and checked like any other.
    fn may_be_definite(&self, _index: usize) -> bool {
        true
    }
    /// A thread runs out of work, or has some again.
    fn rests(&self, _worker: &mut Worker, _rests: bool) {}
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finished {
    /// Executed ahead and recorded.
    Recorded {
        /// The highest transaction of which an estimate was read.
        blocker: Option<usize>,
        /// The highest transaction that may have missed what was written.
        disturbed: Option<usize>,
    },
    /// Executed definitely and committed.
    Committed {
        /// As above.
        disturbed: Option<usize>,
    },
    /// Executed definitely, and the block cannot go on.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Holds,
    Stale,
    /// An estimate of this transaction is in the way.
    Blocked(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Committed,
    Stale,
    Failed,
}

const READY: u8 = 0;
const EXECUTING: u8 = 1;
const EXECUTED: u8 = 2;
/// Executed, and waiting for a lower one before it is checked.
const WAITING: u8 = 3;
/// Being retracted, or being committed.
const CLAIMED: u8 = 4;
const COMMITTED: u8 = 5;

/// Commits after which it is decided whether executing ahead pays.
const STRETCH: usize = 16;
/// Executions in vain, of a stretch, from which on it does not.
const STRETCH_VAIN: usize = 10;
/// The first and the longest stretch executed in order, transactions.
const IN_ORDER_MIN: usize = 64;
const IN_ORDER_MAX: usize = 512;

pub(super) struct Driver {
    phases: Box<[AtomicU8]>,
    /// Nobody has claimed anything from here on.
    next: AtomicUsize,
    committed: AtomicUsize,
    committing: Mutex<()>,
    /// Retracted transactions that nobody has claimed, and how many.
    redo: Mutex<BTreeSet<usize>>,
    redo_len: AtomicUsize,
    /// Who waits for whom.
    waiters: Box<[Mutex<Vec<usize>>]>,
    /// How often a transaction may have disturbed higher ones.
    disturbances: AtomicUsize,
    halted: AtomicBool,
    /// Below this index transactions are executed only at the frontier.
    in_order_until: AtomicUsize,
    stretch: Mutex<Stretch>,
    /// Counts reasons to look for work again.
    news: AtomicUsize,
    sleepers: Mutex<()>,
    sleeping: AtomicUsize,
    wake: Condvar,
    in_vain: AtomicUsize,
    waits: AtomicUsize,
    checks: AtomicUsize,
}

struct Stretch {
    end: usize,
    in_vain: usize,
    in_order: usize,
}

/// What happened; differs from run to run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) in_vain: usize,
    pub(super) waits: usize,
    pub(super) checks: usize,
}

impl Driver {
    pub(super) fn new(count: usize) -> Self {
        Self {
            phases: (0..count).map(|_| AtomicU8::new(READY)).collect(),
            next: AtomicUsize::new(0),
            committed: AtomicUsize::new(0),
            committing: Mutex::new(()),
            redo: Mutex::new(BTreeSet::new()),
            redo_len: AtomicUsize::new(0),
            waiters: (0..count).map(|_| Mutex::new(Vec::new())).collect(),
            disturbances: AtomicUsize::new(0),
            halted: AtomicBool::new(false),
            in_order_until: AtomicUsize::new(0),
            stretch: Mutex::new(Stretch { end: STRETCH, in_vain: 0, in_order: IN_ORDER_MIN }),
            news: AtomicUsize::new(0),
            sleepers: Mutex::new(()),
            sleeping: AtomicUsize::new(0),
            wake: Condvar::new(),
            in_vain: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
            checks: AtomicUsize::new(0),
        }
    }

    /// Works until everything is committed or somebody halts.
    pub(super) fn work<X, W: Work<X>>(&self, work: &W, worker: &mut X) {
        loop {
            let news = self.news.load(SeqCst);
            if self.is_over() {
                return;
            }
            match self.claim() {
                Some(index) => self.run(work, worker, index),
                None => {
                    work.rests(worker, true);
                    self.rest(news);
                    work.rests(worker, false);
                }
            }
        }
    }

    /// Sends everybody home.
    pub(super) fn halt(&self) {
        self.halted.store(true, SeqCst);
        self.announce();
    }

    /// How many transactions are committed.
    pub(super) fn committed(&self) -> usize {
        self.committed.load(SeqCst)
    }

    pub(super) fn tally(&self) -> Tally {
        Tally {
            in_vain: self.in_vain.load(SeqCst),
            waits: self.waits.load(SeqCst),
            checks: self.checks.load(SeqCst),
        }
    }

    fn is_over(&self) -> bool {
        self.halted.load(SeqCst) || self.committed() == self.phases.len()
    }

    fn moves(&self, index: usize, from: u8, to: u8) -> bool {
        self.phases[index].compare_exchange(from, to, SeqCst, SeqCst).is_ok()
    }

    /// Claims the lowest transaction there is to execute.
    fn claim(&self) -> Option<usize> {
        let frontier = self.committed();
        if frontier < self.in_order_until.load(SeqCst) {
            let at_frontier = frontier < self.phases.len() && self.moves(frontier, READY, EXECUTING);
            return at_frontier.then_some(frontier);
        }
        while self.redo_len.load(SeqCst) > 0 {
            let mut redo = lock(&self.redo);
            let lowest = redo.pop_first();
            self.redo_len.store(redo.len(), SeqCst);
            drop(redo);
            match lowest {
                Some(index) if self.moves(index, READY, EXECUTING) => return Some(index),
                Some(_) => {}
                None => break,
            }
        }
        while self.next.load(SeqCst) < self.phases.len() {
            let index = self.next.fetch_add(1, SeqCst);
            if index < self.phases.len() && self.moves(index, READY, EXECUTING) {
                return Some(index);
            }
        }
        None
    }

    /// Executes a claimed transaction, and whatever that leaves to this thread.
    fn run<X, W: Work<X>>(&self, work: &W, worker: &mut X, claimed: usize) {
        let mut next = Some((claimed, false));
        while let Some((index, again)) = next {
            if self.halted.load(SeqCst) {
                return;
            }
            let definite = again || self.committed() == index && work.may_be_definite(index);
            let disturbances = self.disturbances.load(SeqCst);
            let disturbed = match work.execute(worker, index, definite) {
                Finished::Failed => return self.halt(),
                Finished::Committed { disturbed } => {
                    self.phases[index].store(COMMITTED, SeqCst);
                    self.advance(index + 1);
                    disturbed
                }
                Finished::Recorded { blocker, disturbed } => {
                    if !blocker.is_some_and(|by| self.waits_for(index, by, EXECUTING)) {
                        self.phases[index].store(EXECUTED, SeqCst);
                        // Somebody may have missed this one while it was being executed.
                        if blocker.is_some() || self.disturbances.load(SeqCst) != disturbances {
                            self.check(work, index);
                        }
                    }
                    disturbed
                }
            };
            if let Some(disturbed) = disturbed {
                self.disturbances.fetch_add(1, SeqCst);
                (index + 1..=disturbed).for_each(|higher| self.check(work, higher));
            }
            self.release(work, index);
            next = self.commit(work).map(|stale| (stale, true));
            if next.is_none() && self.committed() < self.in_order_until.load(SeqCst) {
                next = self.claim().map(|index| (index, false));
            }
        }
    }

    /// Commits what can be committed. Returns a claimed transaction that must be executed definitely.
    fn commit<X, W: Work<X>>(&self, work: &W) -> Option<usize> {
        loop {
            let guard = try_lock(&self.committing)?;
            loop {
                let index = self.committed();
                if index == self.phases.len()
                    || self.halted.load(SeqCst)
                    || !self.moves(index, EXECUTED, CLAIMED)
                {
                    break;
                }
                match work.commit(index) {
                    Verdict::Committed => {
                        self.phases[index].store(COMMITTED, SeqCst);
                        self.advance(index + 1);
                        // Some may have begun to wait since it was claimed.
                        self.release(work, index);
                    }
                    Verdict::Stale => {
                        self.count_in_vain();
                        work.retract(index);
                        self.phases[index].store(EXECUTING, SeqCst);
                        return Some(index);
                    }
                    Verdict::Failed => {
                        self.halt();
                        return None;
                    }
                }
            }
            drop(guard);
            // Whoever finished meanwhile found the lock taken and left the rest to this thread.
            let index = self.committed();
            if index == self.phases.len() || self.phases[index].load(SeqCst) != EXECUTED {
                return None;
            }
        }
    }

    /// Moves the frontier. Only the owner of the transaction at the frontier does.
    fn advance(&self, committed: usize) {
        self.committed.store(committed, SeqCst);
        let in_order_until = self.in_order_until.load(SeqCst);
        let mut stretch = lock(&self.stretch);
        if committed >= stretch.end {
            if committed >= in_order_until && stretch.in_vain >= STRETCH_VAIN {
                let until = committed + stretch.in_order;
                stretch.in_order = (stretch.in_order * 2).min(IN_ORDER_MAX);
                stretch.end = until + STRETCH;
                self.in_order_until.store(until, SeqCst);
            } else {
                if committed >= in_order_until + STRETCH {
                    stretch.in_order = IN_ORDER_MIN;
                }
                stretch.end = committed + STRETCH;
            }
            stretch.in_vain = 0;
        }
        drop(stretch);
        if committed == self.phases.len() || committed == in_order_until {
            self.announce();
        }
    }

    /// Has a transaction retracted and executed again if it is executed and its reads no longer hold.
    fn check<X, W: Work<X>>(&self, work: &W, index: usize) {
        if self.phases[index].load(SeqCst) != EXECUTED {
            return;
        }
        self.checks.fetch_add(1, SeqCst);
        match work.check(index) {
            Check::Holds => {}
            Check::Blocked(by) => {
                if self.waits_for(index, by, EXECUTED) {
                    return;
                }
                // It has arrived: look again, once. What is still wrong then shows at the frontier.
                if work.check(index) == Check::Stale {
                    self.retract(work, index);
                }
            }
            Check::Stale => self.retract(work, index),
        }
    }

    fn retract<X, W: Work<X>>(&self, work: &W, index: usize) {
        if !self.moves(index, EXECUTED, CLAIMED) {
            return;
        }
        self.count_in_vain();
        work.retract(index);
        self.phases[index].store(READY, SeqCst);
        let mut redo = lock(&self.redo);
        redo.insert(index);
        self.redo_len.store(redo.len(), SeqCst);
        drop(redo);
        self.announce();
    }

    fn count_in_vain(&self) {
        self.in_vain.fetch_add(1, SeqCst);
        lock(&self.stretch).in_vain += 1;
    }

    /// Makes a transaction wait for a lower one, unless that is executed.
    fn waits_for(&self, index: usize, by: usize, from: u8) -> bool {
        let mut waiters = lock(&self.waiters[by]);
        // Whoever executes it changes its phase first and looks for waiters then.
        if matches!(self.phases[by].load(SeqCst), EXECUTED | COMMITTED) || !self.moves(index, from, WAITING) {
            return false;
        }
        waiters.push(index);
        self.waits.fetch_add(1, SeqCst);
        true
    }

    fn release<X, W: Work<X>>(&self, work: &W, index: usize) {
        // Not in the loop's head: the lock would be held through the loop, and checks take such locks.
        let waiters = std::mem::take(&mut *lock(&self.waiters[index]));
        for waiter in waiters {
            if self.moves(waiter, WAITING, EXECUTED) {
                self.check(work, waiter);
            }
        }
    }

    fn announce(&self) {
        self.news.fetch_add(1, SeqCst);
        if self.sleeping.load(SeqCst) > 0 {
            let guard = lock(&self.sleepers);
            self.wake.notify_all();
            drop(guard);
        }
    }

    /// Waits for news.
    fn rest(&self, news: usize) {
        for _ in 0..SPINS {
            if self.news.load(SeqCst) != news {
                return;
            }
            spin();
        }
        let mut guard = lock(&self.sleepers);
        self.sleeping.fetch_add(1, SeqCst);
        while self.news.load(SeqCst) == news {
            guard = wait(&self.wake, guard);
        }
        self.sleeping.fetch_sub(1, SeqCst);
    }
}
