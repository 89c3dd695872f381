//! Threads that stay, for the whole process, and help whoever executes a block.
//!
//! Help is offered, not assigned: a thread that has not begun by the time the block is done is not waited for.
//! On a busy machine waking a thread can take longer than a small block. Hence also: a helper stays awake for a
//! moment after a block, and who waits for a helper to leave looks for it a while before going to sleep.
//!
//! It knows nothing of blocks, and of threads only what `sync` offers: the model check compiles it with others.

use super::sync::{
    Arc, AtomicBool, AtomicUsize, Condvar, Mutex, SeqCst, Stopwatch, lock, look_away, start, wait,
};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// The one that all executions of a process share.
pub(super) static POOL: Pool = Pool::new();

/// More threads than this are never made, whatever is asked for.
const THREADS_MAX: usize = 256;

/// How long a helper looks for another block before it goes to sleep: ten times what waking it up takes.
const AWAKE: Duration = Duration::from_micros(500);

/// How long the owner of a block looks for the last helper to leave before it goes to sleep.
const PARTING: Duration = Duration::from_micros(100);

pub(super) struct Pool {
    state: Mutex<State>,
    /// How many offers there are; to look at without the lock.
    open: AtomicUsize,
    offered: Condvar,
}

struct State {
    /// One entry for every helper that is wanted.
    offers: VecDeque<Arc<Job>>,
    idle: usize,
    /// Those of the idle that must be woken up.
    asleep: usize,
    threads: usize,
    /// How many helpers all open jobs want; more threads are not made, though some may still be on their way back from
    /// a job that is over.
    wanted: usize,
    /// Threads with nothing to do end.
    closing: bool,
}

/// Work that helpers may join until it is closed.
struct Job {
    work: *const (dyn Fn() + Sync),
    helpers: Mutex<Helpers>,
    left: Condvar,
    crashed: AtomicBool,
}

#[derive(Default)]
struct Helpers {
    closed: bool,
    at_work: usize,
    /// Whether the owner sleeps until they have left.
    awaited: bool,
}

// SAFETY: `work` points to something that is `Sync`, and is followed only while its owner waits (see `help`).
unsafe impl Send for Job {}
// SAFETY: as above; everything else in it is `Sync`.
unsafe impl Sync for Job {}

/// Closes the job and waits for those that have begun, however its owner goes on.
struct Close<'j> {
    pool: &'j Pool,
    job: &'j Arc<Job>,
    helpers: usize,
}

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let Self { pool, job, helpers } = *self;
        let mut state = lock(&pool.state);
        state.wanted -= helpers;
        state.offers.retain(|offer| !Arc::ptr_eq(offer, job));
        pool.open.store(state.offers.len(), SeqCst);
        drop(state);
        let mut helpers = lock(&job.helpers);
        helpers.closed = true;
        let closed = Stopwatch::start();
        while helpers.at_work > 0 && closed.is_below(PARTING) {
            drop(helpers);
            look_away();
            helpers = lock(&job.helpers);
        }
        helpers.awaited = true;
        while helpers.at_work > 0 {
            helpers = wait(&job.left, helpers);
        }
    }
}

impl Job {
    fn help(&self) {
        let mut helpers = lock(&self.helpers);
        if helpers.closed {
            return;
        }
        helpers.at_work += 1;
        drop(helpers);
        // SAFETY: the job was not closed when this thread was counted in, under the lock; its owner returns only
        // after closing it and then seeing nobody at work, under the same lock.
        let work = unsafe { &*self.work };
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            self.crashed.store(true, SeqCst);
        }
        let mut helpers = lock(&self.helpers);
        helpers.at_work -= 1;
        if helpers.awaited {
            self.left.notify_all();
        }
    }
}

impl Pool {
    /// A pool without threads; they are made when they are wanted.
    pub(super) const fn new() -> Self {
        let state =
            State { offers: VecDeque::new(), idle: 0, asleep: 0, threads: 0, wanted: 0, closing: false };
        Self { state: Mutex::new(state), open: AtomicUsize::new(0), offered: Condvar::new() }
    }

    /// Runs `work` on the calling thread and on up to so many helpers at once. Returns whether it panicked anywhere.
    ///
    /// If the system refuses threads, fewer must do.
    pub(super) fn run(&'static self, helpers: usize, work: &(dyn Fn() + Sync)) -> bool {
        if helpers == 0 {
            return catch_unwind(AssertUnwindSafe(work)).is_err();
        }
        let pointer: *const (dyn Fn() + Sync + '_) = work;
        // SAFETY: only the lifetime changes. `Close` lets nobody follow the pointer once this function has returned.
        let pointer = unsafe {
            std::mem::transmute::<*const (dyn Fn() + Sync + '_), *const (dyn Fn() + Sync + 'static)>(pointer)
        };
        let job = Arc::new(Job {
            work: pointer,
            helpers: Mutex::new(Helpers::default()),
            left: Condvar::new(),
            crashed: AtomicBool::new(false),
        });
        lock(&self.state).wanted += helpers;
        let close = Close { pool: self, job: &job, helpers };
        self.offer(&job, helpers);
        let crashed = catch_unwind(AssertUnwindSafe(work)).is_err();
        drop(close);
        crashed || job.crashed.load(SeqCst)
    }

    /// So many helpers will be wanted soon: those that sleep wake up.
    pub(super) fn rouse(&self, helpers: usize) {
        let state = lock(&self.state);
        let awake = state.idle - state.asleep;
        let (wanted, asleep) = (helpers.saturating_sub(awake), state.asleep);
        drop(state);
        self.wake(wanted.min(asleep));
    }

    /// Ends the threads, each when it has nothing to do.
    #[cfg(test)]
    pub(super) fn close(&self) {
        lock(&self.state).closing = true;
        self.offered.notify_all();
    }

    /// How many threads were made.
    #[cfg(test)]
    pub(super) fn threads(&self) -> usize {
        lock(&self.state).threads
    }

    fn offer(&'static self, job: &Arc<Job>, helpers: usize) {
        let mut state = lock(&self.state);
        state.offers.extend((0..helpers).map(|_| Arc::clone(job)));
        self.open.store(state.offers.len(), SeqCst);
        while state.idle < state.offers.len() && state.threads < state.wanted.min(THREADS_MAX) {
            if !start(format!("evm-{}", state.threads), || self.serve()) {
                break;
            }
            state.threads += 1;
            // Idle until it takes an offer.
            state.idle += 1;
        }
        let awake = state.idle - state.asleep;
        let wanted = state.offers.len().saturating_sub(awake);
        drop(state);
        self.wake(wanted);
    }

    fn wake(&self, wanted: usize) {
        match wanted {
            0 => {}
            1 => self.offered.notify_one(),
            _ => self.offered.notify_all(),
        }
    }

    fn serve(&self) {
        let mut state = lock(&self.state);
        loop {
            match state.offers.pop_front() {
                Some(job) => {
                    state.idle -= 1;
                    self.open.store(state.offers.len(), SeqCst);
                    drop(state);
                    job.help();
                    drop(job);
                    state = lock(&self.state);
                    state.idle += 1;
                }
                None => {
                    drop(state);
                    let since = Stopwatch::start();
                    while self.open.load(SeqCst) == 0 && since.is_below(AWAKE) {
                        look_away();
                    }
                    state = lock(&self.state);
                    if state.offers.is_empty() && !state.closing {
                        state.asleep += 1;
                        state = wait(&self.offered, state);
                        state.asleep -= 1;
                    }
                    if state.offers.is_empty() && state.closing {
                        return;
                    }
                }
            }
        }
    }
}
