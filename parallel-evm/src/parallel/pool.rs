//! Threads that stay, for the whole process, and help whoever executes a block.
//!
//! Help is offered, not assigned: a thread that has not begun by the time the block is done is not waited for.
//! On a busy machine waking a thread can take longer than a small block. Hence also: a helper stays awake for a
//! moment after a block, and who waits for a helper to leave looks for it a while before going to sleep.

use super::sync::lock;
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::Builder,
    time::{Duration, Instant},
};

static POOL: Pool = Pool {
    state: Mutex::new(State { offers: VecDeque::new(), idle: 0, asleep: 0, threads: 0 }),
    open: AtomicUsize::new(0),
    offered: Condvar::new(),
};

/// More threads than this are never made, whatever is asked for.
const THREADS_MAX: usize = 256;

/// How long a helper looks for another block before it goes to sleep: ten times what waking it up takes.
const AWAKE: Duration = Duration::from_micros(500);

/// How long the owner of a block looks for the last helper to leave before it goes to sleep.
const PARTING: Duration = Duration::from_micros(100);

struct Pool {
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

/// Runs `work` on the calling thread and on up to so many helpers at once. Returns whether it panicked anywhere.
///
/// If the system refuses threads, fewer must do.
pub(super) fn run(helpers: usize, work: &(dyn Fn() + Sync)) -> bool {
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
        helpers: Mutex::default(),
        left: Condvar::new(),
        crashed: AtomicBool::new(false),
    });
    let close = Close(&job);
    POOL.offer(&job, helpers);
    let crashed = catch_unwind(AssertUnwindSafe(work)).is_err();
    drop(close);
    crashed || job.crashed.load(Ordering::SeqCst)
}

/// So many helpers will be wanted soon: those that sleep wake up.
pub(super) fn rouse(helpers: usize) {
    let state = lock(&POOL.state);
    let awake = state.idle - state.asleep;
    let (wanted, asleep) = (helpers.saturating_sub(awake), state.asleep);
    drop(state);
    POOL.wake(wanted.min(asleep));
}

/// Closes the job and waits for those that have begun, however its owner goes on.
struct Close<'j>(&'j Arc<Job>);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let mut state = lock(&POOL.state);
        state.offers.retain(|offer| !Arc::ptr_eq(offer, self.0));
        POOL.open.store(state.offers.len(), Ordering::SeqCst);
        drop(state);
        let mut helpers = lock(&self.0.helpers);
        helpers.closed = true;
        let closed = Instant::now();
        while helpers.at_work > 0 && closed.elapsed() < PARTING {
            drop(helpers);
            look_away();
            helpers = lock(&self.0.helpers);
        }
        helpers.awaited = true;
        while helpers.at_work > 0 {
            helpers = self.0.left.wait(helpers).unwrap_or_else(PoisonError::into_inner);
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
            self.crashed.store(true, Ordering::SeqCst);
        }
        let mut helpers = lock(&self.helpers);
        helpers.at_work -= 1;
        if helpers.awaited {
            self.left.notify_all();
        }
    }
}

/// Some tenths of a microsecond, and a chance for others if the machine is busy.
fn look_away() {
    for _ in 0..16 {
        std::hint::spin_loop();
    }
    std::thread::yield_now();
}

impl Pool {
    fn offer(&'static self, job: &Arc<Job>, helpers: usize) {
        let mut state = lock(&self.state);
        state.offers.extend((0..helpers).map(|_| Arc::clone(job)));
        self.open.store(state.offers.len(), Ordering::SeqCst);
        while state.idle < state.offers.len() && state.threads < THREADS_MAX {
            let builder = Builder::new().name(format!("evm-{}", state.threads));
            if builder.spawn(|| self.serve()).is_err() {
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
                    self.open.store(state.offers.len(), Ordering::SeqCst);
                    drop(state);
                    job.help();
                    drop(job);
                    state = lock(&self.state);
                    state.idle += 1;
                }
                None => {
                    drop(state);
                    let since = Instant::now();
                    while self.open.load(Ordering::SeqCst) == 0 && since.elapsed() < AWAKE {
                        look_away();
                    }
                    state = lock(&self.state);
                    if state.offers.is_empty() {
                        state.asleep += 1;
                        state = self.offered.wait(state).unwrap_or_else(PoisonError::into_inner);
                        state.asleep -= 1;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn helpers_join_and_nobody_is_left_behind() {
        for round in 0..500 {
            let helpers = round % 4;
            let (inside, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let crashed = run(helpers, &|| {
                inside.fetch_add(1, Ordering::SeqCst);
                calls.fetch_add(1, Ordering::SeqCst);
                std::thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
            });
            assert!(!crashed);
            assert_eq!(inside.load(Ordering::SeqCst), 0, "somebody is still at work");
            assert!((1..=helpers + 1).contains(&calls.load(Ordering::SeqCst)));
        }
    }

    #[test]
    fn a_panic_anywhere_is_told_and_the_threads_go_on() {
        for _ in 0..20 {
            let first = AtomicBool::new(true);
            let crashed = run(2, &|| {
                assert!(!first.swap(false, Ordering::SeqCst), "this panic is part of a test");
            });
            assert!(crashed);
            assert!(!run(2, &|| {}));
        }
    }

    #[test]
    fn several_owners_share_the_threads() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let calls = AtomicUsize::new(0);
                        let work = || {
                            calls.fetch_add(1, Ordering::SeqCst);
                        };
                        assert!(!run(3, &work));
                        assert!(calls.into_inner() > 0);
                    }
                });
            }
        });
    }
}
