//! Carries out checks, two at a time. Results come back in the order of the registry.

use crate::check::{Check, Effort, Outcome};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Carries out all checks on `threads` threads; `done` hears of each as it ends.
pub fn all(checks: &[Check], effort: Effort, threads: usize, done: impl Fn(&Outcome) + Sync) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, checks.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(check) = checks.get(index) else { return };
                    let outcome = Outcome::of(check, effort);
                    done(&outcome);
                    outcomes.lock().expect("no check panics while it reports").push((index, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no check panics while it reports");
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}
