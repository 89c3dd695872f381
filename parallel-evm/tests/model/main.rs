//! The concurrent core under a model checker: the driver's own source, on threads whose every interleaving
//! [shuttle](https://docs.rs/shuttle) chooses, driving small transactions over a small multi-version memory, and
//! over the crate's own; the pool of threads that runs it, with owners that share it and work that panics; the hints.
//! All that hints can decide, toy transactions decide that expect conflicts at random.
//!
//! Whatever the order: every transaction commits once, in order, with the values of serial execution; a failure
//! is that of the lowest index; nobody sleeps forever (shuttle reports a deadlock).

#[path = "../../src/parallel/driver.rs"]
#[allow(dead_code, reason = "no toy transaction fails to commit")]
#[allow(clippy::reversed_empty_ranges, reason = "nobody spins here: `SPINS` is zero")]
mod driver;
mod guesses;
#[path = "../../src/parallel/hints.rs"]
mod hints;
mod ledger;
#[path = "../../src/parallel/pool.rs"]
#[allow(dead_code, reason = "the model makes pools of its own")]
mod pool;
mod threads;
mod toy;

#[path = "../../src/account.rs"]
#[allow(dead_code, reason = "half of it belongs to the serial engine")]
mod account;
#[path = "../../src/parallel/cells.rs"]
mod cells;
#[path = "../../src/parallel/changes.rs"]
mod changes;
#[path = "../../src/parallel/marks.rs"]
mod marks;
#[path = "../../src/parallel/memory.rs"]
#[allow(dead_code, reason = "nobody asks for codes or block hashes here")]
mod memory;

#[path = "../../src/evm/effects.rs"]
#[allow(dead_code, reason = "no journal is emptied here")]
mod effects;
#[path = "../../src/evm/observation.rs"]
#[allow(dead_code, reason = "no opcode runs here")]
mod observation;

/// As much of the crate's module as the memory needs.
mod evm {
    pub(crate) use crate::effects::{AccountEffect, Effects};
    pub(crate) use crate::observation::Loaded;
}

use driver::Driver;
use ledger::{Ledger, Step};
use parallel_evm::{AccountChange, AccountDelta, AccountFields, Block, PreState, StateDelta, StateError};
use std::sync::Arc;
use toy::{Program, Toy};

/// The driver's view of threads, as in the crate, but shuttle's.
mod sync {
    pub(super) use shuttle::sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::SeqCst},
    };

    /// Sleep at once: a spinning thread has no end under a model checker.
    pub(super) const SPINS: u32 = 0;

    /// So small that it holds threads back.
    pub(super) const WINDOW: usize = 1;

    /// So few that locations share them.
    pub(super) const MARKS: (usize, usize) = (2, 2);

    pub(super) fn spin() {
        shuttle::thread::yield_now();
    }

    pub(super) fn look_away() {
        spin();
    }

    /// There is no time in a model: the first look comes too early, the second too late.
    pub(super) struct Stopwatch(std::cell::Cell<bool>);

    impl Stopwatch {
        pub(super) fn start() -> Self {
            Self(std::cell::Cell::new(true))
        }

        pub(super) fn is_below(&self, _: std::time::Duration) -> bool {
            self.0.replace(false)
        }
    }

    pub(super) fn start(_: String, run: impl FnOnce() + Send + 'static) -> bool {
        shuttle::thread::spawn(run);
        true
    }

    pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }

    pub(super) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        mutex.try_lock().ok()
    }

    pub(super) fn wait<'g, T>(condvar: &Condvar, guard: MutexGuard<'g, T>) -> MutexGuard<'g, T> {
        condvar.wait(guard).unwrap()
    }
}

/// Runs a program on so many threads and compares with serial execution.
fn run(program: &Program, threads: usize) -> (Arc<Driver>, Arc<Toy>) {
    let driver = Arc::new(Driver::new(program.len(), threads));
    let toy = Arc::new(Toy::new(program.clone()));
    let helpers: Vec<_> = (1..threads)
        .map(|_| {
            let (driver, toy) = (Arc::clone(&driver), Arc::clone(&toy));
            shuttle::thread::spawn(move || driver.work(&*toy, &mut ()))
        })
        .collect();
    driver.work(&*toy, &mut ());
    helpers.into_iter().for_each(|helper| helper.join().unwrap());
    toy.compare_with_serial(driver.committed());
    let tally = driver.tally();
    assert!(tally.waits <= tally.checks + tally.in_vain + program.len() * 4);
    (driver, toy)
}

fn iterations(default: usize) -> usize {
    std::env::var("MODEL_ITERATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(default)
}

fn random(program: Program, threads: usize, count: usize) {
    shuttle::check_random(move || drop(run(&program, threads)), iterations(count));
}

#[test]
fn a_chain_of_conflicts_commits_in_order() {
    for threads in [2, 3] {
        random(Program::chain(5), threads, 1_500);
    }
}

#[test]
fn independent_transactions_commit_in_order() {
    random(Program::independent(5), 3, 1_000);
}

#[test]
fn mixed_conflicts_with_write_sets_that_change_commit_in_order() {
    for seed in 0..6 {
        random(Program::mixed(seed, 6, 3), 3, 500);
    }
}

#[test]
fn few_preemptions_find_what_many_hide() {
    for seed in 0..4 {
        let program = Program::mixed(seed, 5, 2);
        shuttle::check_pct(move || drop(run(&program, 3)), iterations(500), 3);
    }
}

#[test]
fn all_orders_of_two_conflicting_transactions_are_tried() {
    let program = Program::chain(2);
    shuttle::check_dfs(move || drop(run(&program, 2)), Some(iterations(8_000)));
}

#[test]
fn a_failure_stops_everybody_at_the_lowest_index() {
    for at in 0..4 {
        random(Program::mixed(7, 4, 2).failing_at(at), 3, 400);
    }
}

#[test]
fn a_stretch_in_order_is_entered_and_left() {
    // Long enough for two stretches; few iterations, since each is long.
    random(Program::chain(40), 2, 60);
}

#[test]
fn the_fallback_is_of_the_uncommitted_suffix_alone() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static FALLBACKS: AtomicUsize = AtomicUsize::new(0);
    let program = Program::independent(16).then_chain(40);
    let one = move || {
        let (driver, toy) = run(&program, 3);
        FALLBACKS.fetch_add(driver.tally().fallbacks, Ordering::SeqCst);
        // That nothing committed is executed again, the toy asserts at every execution.
        assert!((0..16).all(|index| toy.executions(index) == 1), "nobody writes what these read");
    };
    shuttle::check_random(one, iterations(60));
    assert!(FALLBACKS.load(Ordering::SeqCst) > 0, "no schedule fell back");
}

#[test]
fn transactions_that_are_put_off_commit_in_order() {
    for seed in 0..6 {
        random(Program::mixed(seed, 6, 3).with_expectations(seed), 3, 500);
        random(Program::chain(5).with_expectations(seed), 2, 300);
    }
    for seed in 0..3 {
        let program = Program::mixed(seed, 5, 2).with_expectations(seed).with_false_alarms();
        shuttle::check_pct(move || drop(run(&program, 3)), iterations(500), 3);
    }
}

#[test]
fn transactions_that_are_left_to_the_frontier_commit_in_order() {
    for seed in 0..6 {
        random(Program::mixed(seed, 6, 3).with_brief_ones(seed), 3, 500);
        random(Program::independent(6).with_brief_ones(seed), 2, 300);
        random(Program::chain(5).with_brief_ones(seed).with_expectations(seed), 3, 300);
    }
    for seed in 0..3 {
        let program = Program::mixed(seed, 5, 2).with_brief_ones(seed).with_false_alarms();
        shuttle::check_pct(move || drop(run(&program, 3)), iterations(500), 3);
    }
    random(Program::chain(40).with_brief_ones(1), 2, 40);
    let program = Program::chain(2).with_brief_ones(0);
    shuttle::check_dfs(move || drop(run(&program, 2)), Some(iterations(4_000)));
}

#[test]
fn checks_that_fail_for_no_reason_cost_time_only() {
    random(Program::mixed(3, 5, 2).with_false_alarms(), 3, 700);
}

/// Runs steps on so many threads and compares with serial execution.
fn run_ledger(steps: &[Step], threads: usize) {
    let driver = Arc::new(Driver::new(steps.len(), threads));
    let ledger = Arc::new(Ledger::new(steps.to_vec()));
    let helpers: Vec<_> = (1..threads)
        .map(|_| {
            let (driver, ledger) = (Arc::clone(&driver), Arc::clone(&ledger));
            shuttle::thread::spawn(move || driver.work(&*ledger, &mut ()))
        })
        .collect();
    driver.work(&*ledger, &mut ());
    helpers.into_iter().for_each(|helper| helper.join().unwrap());
    assert_eq!(driver.committed(), ledger.len());
    Arc::into_inner(ledger).expect("all others are gone").compare_with_serial();
}

fn random_ledger(steps: Vec<Step>, threads: usize, count: usize) {
    shuttle::check_random(move || run_ledger(&steps, threads), iterations(count));
}

#[test]
fn the_memory_keeps_payments_in_order_that_may_lack_funds() {
    let pay = |from, to, amount| Step::Pay { from, to, amount };
    // Whether the second can be paid depends on the first, and so on; the beneficiary pays from fees.
    let steps = vec![pay(0, 1, 4), pay(1, 4, 5), pay(4, 0, 5), pay(2, 0, 2), pay(0, 1, 7), pay(1, 4, 1)];
    for threads in [2, 3] {
        random_ledger(steps.clone(), threads, 700);
    }
}

#[test]
fn the_memory_keeps_the_lives_of_contracts_apart() {
    let (bump, destroy, create) =
        (|of, slot| Step::Bump { of, slot }, |of| Step::Destroy { of }, |of| Step::Create { of });
    let lives =
        vec![bump(3, 1), destroy(3), bump(3, 1), create(3), bump(3, 1), bump(3, 0), destroy(3), create(3)];
    random_ledger(lives.clone(), 2, 700);
    random_ledger(lives, 3, 500);
    let born = vec![create(4), bump(4, 1), destroy(4), create(4), bump(4, 0), create(4)];
    random_ledger(born, 3, 700);
}

#[test]
fn the_memory_shows_exact_balances_to_those_who_look() {
    let pay = |from, to, amount| Step::Pay { from, to, amount };
    let look = |at| Step::Look { at, of: 3 };
    let steps = vec![pay(0, 1, 2), look(1), pay(1, 0, 1), look(2), Step::Bump { of: 3, slot: 0 }, look(0)];
    random_ledger(steps.clone(), 3, 700);
    shuttle::check_pct(move || run_ledger(&steps, 3), iterations(400), 3);
}

#[test]
fn all_orders_of_two_steps_on_one_slot_are_tried() {
    let steps = [Step::Bump { of: 3, slot: 1 }, Step::Bump { of: 3, slot: 1 }];
    shuttle::check_dfs(move || run_ledger(&steps, 2), Some(iterations(4_000)));
}
