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
//! one that is expected to read what a lower one is about to write is put off until that is executed; nobody
//! runs further ahead than a window; if nearly everything is executed twice, the next stretch is executed in
//! order, by one thread at a time.

use super::sync::{
    AtomicBool, AtomicU8, AtomicUsize, Condvar, Mutex, SPINS, SeqCst, WINDOW, lock, spin, try_lock, wait,
};
use std::collections::BTreeSet;

/// What is driven. Transactions are numbered from 0.
/// `Worker` is what a thread needs to execute.
pub(super) trait Work<Worker>: Sync {
    /// Executes a transaction. `definite`: all lower ones are committed; then this also commits it. Otherwise
    /// it may commit it instead of recording it if `arrived` says that they are committed by the end.
    fn execute(
        &self,
        worker: &mut Worker,
        index: usize,
        definite: bool,
        arrived: &dyn Fn() -> bool,
    ) -> Finished;
    /// Whether what an executed transaction read still holds, as far as is known.
    fn check(&self, index: usize) -> Check;
    /// Marks the writes of an executed transaction as estimates.
    fn retract(&self, index: usize);
    /// Commits an executed transaction if its reads hold. All lower ones are committed.
    fn commit(&self, worker: &mut Worker, index: usize) -> Verdict;
    /// A lower transaction that is likely to write what this one reads: better executed first.
    fn expects(&self, _index: usize) -> Option<usize> {
        None
    }
    /// Whether a transaction is so short that executing it ahead costs more than it saves: then it is left to
    /// whoever brings the frontier there.
    fn is_brief(&self, _worker: &Worker, _index: usize) -> bool {
        false
    }
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
    /// Executed ahead; all lower ones are committed, and its reads do not hold.
    Stale,
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
/// Not executed yet, and waiting for a lower one to be.
const DEFERRED: u8 = 6;
/// Not executed yet, and left to whoever brings the frontier here.
const LEFT: u8 = 7;

/// Commits after which it is decided whether executing ahead pays.
const STRETCH: usize = 16;
/// Executions in vain, of a stretch, from which on it does not.
const STRETCH_VAIN: usize = 10;
/// The first and the longest stretch executed in order, transactions.
const IN_ORDER_MIN: usize = 64;
const IN_ORDER_MAX: usize = 512;

pub(super) struct Driver {
    transactions: Box<[Transaction]>,
    window: usize,
    /// Nobody has claimed anything from here on.
    next: Line<AtomicUsize>,
    committed: Line<AtomicUsize>,
    committing: Line<Mutex<()>>,
    /// Transactions to execute that were claimed before, and how many.
    redo: Line<Mutex<BTreeSet<usize>>>,
    redo_len: Line<AtomicUsize>,
    /// Seldom written.
    flags: Line<Flags>,
    /// Counts reasons to look for work again.
    news: Line<AtomicUsize>,
    sleepers: Mutex<()>,
    sleeping: AtomicUsize,
    wake: Condvar,
    in_vain: AtomicUsize,
    /// Of these, in the present stretch.
    in_vain_lately: AtomicUsize,
    waits: AtomicUsize,
    checks: AtomicUsize,
    fallbacks: AtomicUsize,
}

/// Cache lines of its own, so that threads that write different things do not disturb each other.
#[repr(align(128))]
pub(super) struct Line<T>(pub(super) T);

#[repr(align(64))]
struct Transaction {
    phase: AtomicU8,
    /// Whether anybody waits, or is about to.
    awaited: AtomicBool,
    waiters: Mutex<Vec<usize>>,
}

struct Flags {
    halted: AtomicBool,
    /// Somebody would claim transactions if the window allowed it.
    held_back: AtomicBool,
    /// How often a transaction may have disturbed higher ones.
    disturbances: AtomicUsize,
    /// Below this index transactions are executed only at the frontier.
    in_order_until: AtomicUsize,
    /// Commits up to here belong to the present stretch.
    stretch_end: AtomicUsize,
    /// How long the next stretch in order will be.
    in_order_next: AtomicUsize,
}

/// What happened; differs from run to run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) in_vain: usize,
    pub(super) waits: usize,
    pub(super) checks: usize,
    pub(super) fallbacks: usize,
}

impl Driver {
    pub(super) fn new(count: usize, threads: usize) -> Self {
        let transaction = |_| Transaction {
            phase: AtomicU8::new(READY),
            awaited: AtomicBool::new(false),
            waiters: Mutex::new(Vec::new()),
        };
        let flags = Flags {
            halted: AtomicBool::new(false),
            held_back: AtomicBool::new(false),
            disturbances: AtomicUsize::new(0),
            in_order_until: AtomicUsize::new(0),
            stretch_end: AtomicUsize::new(STRETCH),
            in_order_next: AtomicUsize::new(IN_ORDER_MIN),
        };
        Self {
            transactions: (0..count).map(transaction).collect(),
            window: WINDOW.saturating_mul(threads),
            next: Line(AtomicUsize::new(0)),
            committed: Line(AtomicUsize::new(0)),
            committing: Line(Mutex::new(())),
            redo: Line(Mutex::new(BTreeSet::new())),
            redo_len: Line(AtomicUsize::new(0)),
            flags: Line(flags),
            news: Line(AtomicUsize::new(0)),
            sleepers: Mutex::new(()),
            sleeping: AtomicUsize::new(0),
            wake: Condvar::new(),
            in_vain: AtomicUsize::new(0),
            in_vain_lately: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
            checks: AtomicUsize::new(0),
            fallbacks: AtomicUsize::new(0),
        }
    }

    /// Works until everything is committed or somebody halts.
    pub(super) fn work<X, W: Work<X>>(&self, work: &W, worker: &mut X) {
        loop {
            let news = self.news.0.load(SeqCst);
            if self.is_over() {
                return;
            }
            match self.claim(work, worker) {
                Some(index) => self.run(work, worker, index),
                None if self.is_held_back() => {}
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
        self.flags.0.halted.store(true, SeqCst);
        self.announce();
    }

    /// How many transactions are committed.
    pub(super) fn committed(&self) -> usize {
        self.committed.0.load(SeqCst)
    }

    pub(super) fn tally(&self) -> Tally {
        Tally {
            in_vain: self.in_vain.load(SeqCst),
            waits: self.waits.load(SeqCst),
            checks: self.checks.load(SeqCst),
            fallbacks: self.fallbacks.load(SeqCst),
        }
    }

    fn len(&self) -> usize {
        self.transactions.len()
    }

    fn is_over(&self) -> bool {
        self.is_halted() || self.committed() == self.len()
    }

    fn is_halted(&self) -> bool {
        self.flags.0.halted.load(SeqCst)
    }

    fn phase(&self, index: usize) -> u8 {
        self.transactions[index].phase.load(SeqCst)
    }

    fn enter(&self, index: usize, phase: u8) {
        self.transactions[index].phase.store(phase, SeqCst);
    }

    fn moves(&self, index: usize, from: u8, to: u8) -> bool {
        self.transactions[index].phase.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
    }

    fn is_in_order(&self, frontier: usize) -> bool {
        frontier < self.flags.0.in_order_until.load(SeqCst)
    }

    /// Claims the lowest transaction there is to execute.
    fn claim<X, W: Work<X>>(&self, work: &W, worker: &X) -> Option<usize> {
        let frontier = self.committed();
        if self.is_in_order(frontier) {
            let at_frontier = frontier < self.len()
                && (self.moves(frontier, READY, EXECUTING) || self.moves(frontier, LEFT, EXECUTING));
            return at_frontier.then_some(frontier);
        }
        while self.redo_len.0.load(SeqCst) > 0 {
            let mut redo = lock(&self.redo.0);
            let lowest = redo.pop_first();
            self.redo_len.0.store(redo.len(), SeqCst);
            drop(redo);
            match lowest {
                Some(index) if self.moves(index, READY, EXECUTING) => return Some(index),
                Some(_) => {}
                None => break,
            }
        }
        while self.next.0.load(SeqCst) < self.len().min(frontier + self.window) {
            let index = self.next.0.fetch_add(1, SeqCst);
            if index >= self.len() {
                break;
            }
            let leaves = self.committed() != index && work.is_brief(worker, index);
            if leaves && self.moves(index, READY, LEFT) {
                // Whoever brings the frontier here looks for it; unless it got here before.
                if self.committed() == index && self.moves(index, LEFT, EXECUTING) {
                    return Some(index);
                }
            } else if self.moves(index, READY, EXECUTING) {
                return Some(index);
            }
        }
        None
    }

    /// Whether there is room in the window after all. If not, whoever makes room will announce it.
    fn is_held_back(&self) -> bool {
        if self.next.0.load(SeqCst) >= self.len() || self.is_in_order(self.committed()) {
            return false;
        }
        self.flags.0.held_back.store(true, SeqCst);
        self.has_room()
    }

    /// Not until half of the window is free: waking up costs more than a few transactions.
    fn has_room(&self) -> bool {
        self.next.0.load(SeqCst) <= self.committed() + self.window / 2
    }

    /// Executes a claimed transaction, and whatever that leaves to this thread.
    fn run<X, W: Work<X>>(&self, work: &W, worker: &mut X, claimed: usize) {
        let mut next = Some((claimed, false));
        while let Some((index, again)) = next.take() {
            if self.is_halted() {
                return;
            }
            let at_frontier = self.committed() == index;
            if !at_frontier
                && work.expects(index).is_some_and(|by| self.waits_for(index, by, EXECUTING, DEFERRED))
            {
                return;
            }
            let definite = again || at_frontier && work.may_be_definite(index);
            let disturbances = self.flags.0.disturbances.load(SeqCst);
            let disturbed = match work.execute(worker, index, definite, &|| self.committed() == index) {
                Finished::Failed => return self.halt(),
                Finished::Stale => {
                    self.count_in_vain();
                    next = Some((index, true));
                    continue;
                }
                Finished::Committed { disturbed } => {
                    self.enter(index, COMMITTED);
                    self.advance(index + 1);
                    disturbed
                }
                Finished::Recorded { blocker, disturbed } => {
                    if !blocker.is_some_and(|by| self.waits_for(index, by, EXECUTING, WAITING)) {
                        self.enter(index, EXECUTED);
                        // Somebody may have missed this one while it was being executed.
                        if blocker.is_some() || self.flags.0.disturbances.load(SeqCst) != disturbances {
                            self.check(work, index);
                        }
                    }
                    disturbed
                }
            };
            if let Some(disturbed) = disturbed {
                self.flags.0.disturbances.fetch_add(1, SeqCst);
                (index + 1..=disturbed).for_each(|higher| self.check(work, higher));
            }
            let mut ready = self.release(work, index);
            next = self.commit(work, worker, &mut ready);
            if next.is_none() && self.is_in_order(self.committed()) {
                next = self.claim(work, worker).map(|index| (index, false));
            }
            // One that became ready is what this thread claims next, if it has nothing else to do.
            if ready > usize::from(next.is_none()) {
                self.announce();
            }
        }
    }

    /// Commits what can be committed; adds how many others that made ready. Returns a claimed transaction at the
    /// frontier, and whether it was executed in vain before.
    fn commit<X, W: Work<X>>(&self, work: &W, worker: &mut X, ready: &mut usize) -> Option<(usize, bool)> {
        loop {
            let index = self.committed();
            if index == self.len() {
                return None;
            }
            match self.phase(index) {
                EXECUTED => {}
                LEFT if self.moves(index, LEFT, EXECUTING) => return Some((index, false)),
                _ => return None,
            }
            // Whoever has the lock looks again after giving it back.
            let guard = try_lock(&self.committing.0)?;
            loop {
                let index = self.committed();
                if index == self.len() || self.is_halted() || !self.moves(index, EXECUTED, CLAIMED) {
                    break;
                }
                match work.commit(worker, index) {
                    Verdict::Committed => {
                        self.enter(index, COMMITTED);
                        self.advance(index + 1);
                        // Some may have begun to wait since it was claimed.
                        *ready += self.release(work, index);
                    }
                    Verdict::Stale => {
                        self.count_in_vain();
                        work.retract(index);
                        self.enter(index, EXECUTING);
                        return Some((index, true));
                    }
                    Verdict::Failed => {
                        self.halt();
                        return None;
                    }
                }
            }
            drop(guard);
            if self.is_halted() {
                return None;
            }
        }
    }

    /// Moves the frontier. Only the owner of the transaction at the frontier does.
    fn advance(&self, committed: usize) {
        let flags = &self.flags.0;
        self.committed.0.store(committed, SeqCst);
        let in_order_until = flags.in_order_until.load(SeqCst);
        if committed >= flags.stretch_end.load(SeqCst) {
            let in_vain = self.in_vain_lately.swap(0, SeqCst);
            if committed >= in_order_until && in_vain >= STRETCH_VAIN {
                self.fallbacks.fetch_add(1, SeqCst);
                let in_order = flags.in_order_next.load(SeqCst);
                flags.in_order_next.store((in_order * 2).min(IN_ORDER_MAX), SeqCst);
                flags.stretch_end.store(committed + in_order + STRETCH, SeqCst);
                flags.in_order_until.store(committed + in_order, SeqCst);
            } else {
                if committed >= in_order_until + STRETCH {
                    flags.in_order_next.store(IN_ORDER_MIN, SeqCst);
                }
                flags.stretch_end.store(committed + STRETCH, SeqCst);
            }
        }
        let makes_room =
            flags.held_back.load(SeqCst) && self.has_room() && flags.held_back.swap(false, SeqCst);
        if committed == self.len() || committed == in_order_until || makes_room {
            self.announce();
        }
    }

    /// Has a transaction retracted and executed again if it is executed and its reads no longer hold.
    fn check<X, W: Work<X>>(&self, work: &W, index: usize) {
        if self.phase(index) != EXECUTED {
            return;
        }
        self.checks.fetch_add(1, SeqCst);
        match work.check(index) {
            Check::Holds => {}
            Check::Blocked(by) => {
                if self.waits_for(index, by, EXECUTED, WAITING) {
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
        self.make_ready(index);
        self.announce();
    }

    fn make_ready(&self, index: usize) {
        self.enter(index, READY);
        let mut redo = lock(&self.redo.0);
        redo.insert(index);
        self.redo_len.0.store(redo.len(), SeqCst);
    }

    fn count_in_vain(&self) {
        self.in_vain.fetch_add(1, SeqCst);
        self.in_vain_lately.fetch_add(1, SeqCst);
    }

    /// Makes a transaction wait for a lower one, unless that is executed.
    fn waits_for(&self, index: usize, by: usize, from: u8, to: u8) -> bool {
        let lower = &self.transactions[by];
        let mut waiters = lock(&lower.waiters);
        // Whoever executes it changes its phase first and looks for waiters then.
        lower.awaited.store(true, SeqCst);
        if matches!(self.phase(by), EXECUTED | COMMITTED) || !self.moves(index, from, to) {
            return false;
        }
        waiters.push(index);
        drop(waiters);
        self.waits.fetch_add(1, SeqCst);
        true
    }

    /// Lets those go on that waited for an executed transaction. Returns how many of them are to be executed.
    fn release<X, W: Work<X>>(&self, work: &W, index: usize) -> usize {
        let transaction = &self.transactions[index];
        if !transaction.awaited.load(SeqCst) {
            return 0;
        }
        // Not in the loop's head: the lock would be held through the loop, and checks take such locks.
        let waiters = std::mem::take(&mut *lock(&transaction.waiters));
        let mut ready = 0;
        for waiter in waiters {
            if self.moves(waiter, WAITING, EXECUTED) {
                self.check(work, waiter);
            } else if self.moves(waiter, DEFERRED, CLAIMED) {
                self.make_ready(waiter);
                ready += 1;
            }
        }
        ready
    }

    fn announce(&self) {
        self.news.0.fetch_add(1, SeqCst);
        if self.sleeping.load(SeqCst) > 0 {
            let guard = lock(&self.sleepers);
            self.wake.notify_all();
            drop(guard);
        }
    }

    /// Waits for news.
    fn rest(&self, news: usize) {
        for _ in 0..SPINS {
            if self.news.0.load(SeqCst) != news {
                return;
            }
            spin();
        }
        let mut guard = lock(&self.sleepers);
        self.sleeping.fetch_add(1, SeqCst);
        while self.news.0.load(SeqCst) == news {
            guard = wait(&self.wake, guard);
        }
        self.sleeping.fetch_sub(1, SeqCst);
    }
}
