//! Threads that stay: one pool for each number of threads, made when first asked for, kept for the process.

use rayon_core::{ThreadPool, ThreadPoolBuilder};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

static POOLS: Mutex<BTreeMap<usize, Arc<ThreadPool>>> = Mutex::new(BTreeMap::new());

/// Runs `work` on the calling thread and on so many helpers at once. Returns whether it panicked anywhere.
///
/// If the system refuses threads, the calling one works alone.
pub(super) fn run(helpers: usize, work: impl Fn() + Sync) -> bool {
    let crashed = AtomicBool::new(false);
    let guarded = || {
        if catch_unwind(AssertUnwindSafe(&work)).is_err() {
            crashed.store(true, Ordering::SeqCst);
        }
    };
    match pool(helpers) {
        Some(pool) => pool.in_place_scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|_| guarded());
            }
            guarded();
        }),
        None => guarded(),
    }
    crashed.into_inner()
}

fn pool(helpers: usize) -> Option<Arc<ThreadPool>> {
    if helpers == 0 {
        return None;
    }
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&helpers) {
        return Some(Arc::clone(pool));
    }
    let builder = ThreadPoolBuilder::new().num_threads(helpers);
    let pool = Arc::new(builder.thread_name(|index| format!("evm-{index}")).build().ok()?);
    pools.insert(helpers, Arc::clone(&pool));
    Some(pool)
}
