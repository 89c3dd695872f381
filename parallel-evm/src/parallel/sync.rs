//! What driver, memory and pool need of threads. The model check compiles them against a module of the same shape.

pub(super) use std::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::SeqCst},
};
use std::{
    sync::{MutexGuard, PoisonError, TryLockError},
    thread,
    time::{Duration, Instant},
};

/// How often a thread looks for work before it goes to sleep: some ten microseconds, less than it takes to be
/// woken up.
pub(super) const SPINS: u32 = 3_000;

/// How far beyond the frontier transactions are executed ahead, per thread.
pub(super) const WINDOW: usize = 64;

/// How many marks there are for accounts, and for slots.
pub(super) const MARKS: (usize, usize) = (1 << 12, 1 << 14);

pub(super) fn spin() {
    std::hint::spin_loop();
}

/// Some tenths of a microsecond, and a chance for others if the machine is busy.
pub(super) fn look_away() {
    for _ in 0..16 {
        spin();
    }
    thread::yield_now();
}

/// Time since it was started.
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn is_below(&self, limit: Duration) -> bool {
        self.0.elapsed() < limit
    }
}

/// Starts a thread that nobody waits for. Returns whether the system had one to give.
pub(super) fn start(name: String, run: impl FnOnce() + Send + 'static) -> bool {
    thread::Builder::new().name(name).spawn(run).is_ok()
}

/// Locks a mutex whose data stay usable even if a thread panicked: the run is given up then anyway.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

pub(super) fn wait<'g, T>(condvar: &Condvar, guard: MutexGuard<'g, T>) -> MutexGuard<'g, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
