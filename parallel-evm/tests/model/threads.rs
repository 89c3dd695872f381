//! The pool's own source: started, run, panicked in, used again, shared, closed. A thread that somebody still waits for
//! at the end, or that is never told to end, is a deadlock, which shuttle reports.

use crate::{
    driver::Driver,
    iterations,
    pool::Pool,
    sync::{AtomicBool, AtomicUsize, SeqCst},
    toy::{Program, Toy},
};
use std::sync::Arc;

/// A pool of its own for every schedule; the few bytes are never given back.
fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new()))
}

/// Has something run; panics in one of the threads if wanted.
fn run(pool: &'static Pool, helpers: usize, panics: bool) {
    let (inside, calls, first) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(true));
    let crashed = pool.run(helpers, &|| {
        inside.fetch_add(1, SeqCst);
        calls.fetch_add(1, SeqCst);
        shuttle::thread::yield_now();
        inside.fetch_sub(1, SeqCst);
        if panics && first.swap(false, SeqCst) {
            // Not by the macro: shuttle's hook would take it for the test's own.
            std::panic::resume_unwind(Box::new("part of the test"));
        }
    });
    assert_eq!(inside.load(SeqCst), 0, "somebody is still at work");
    assert!((1..=helpers + 1).contains(&calls.load(SeqCst)));
    assert_eq!(crashed, panics);
}

fn check(what: fn(&'static Pool), count: usize) {
    let all = move || {
        let pool = pool();
        what(pool);
        pool.close();
    };
    shuttle::check_random(all, iterations(count));
    shuttle::check_pct(all, iterations(count / 2), 3);
}

#[test]
fn helpers_join_and_nobody_is_left_behind() {
    check(|pool| run(pool, 2, false), 1_500);
}

#[test]
fn threads_are_used_again_for_the_next_block() {
    let blocks = |pool| {
        (0..3).for_each(|_| run(pool, 2, false));
        pool.rouse(1);
        run(pool, 1, false);
        assert!(pool.threads() <= 2, "{} threads were made for two helpers", pool.threads());
    };
    check(blocks, 1_000);
}

#[test]
fn a_panic_of_owner_or_helper_is_told_and_the_threads_go_on() {
    let blocks = |pool| {
        run(pool, 2, true);
        run(pool, 2, false);
        run(pool, 1, true);
    };
    check(blocks, 1_000);
}

#[test]
fn several_owners_share_the_threads() {
    let owners = |pool| {
        let other = shuttle::thread::spawn(move || (0..2).for_each(|_| run(pool, 1, false)));
        run(pool, 2, false);
        other.join().unwrap();
        assert!(pool.threads() <= 3);
    };
    check(owners, 1_000);
}

#[test]
fn blocks_one_after_the_other_commit_in_order_on_the_same_threads() {
    let blocks = |pool: &'static Pool| {
        for program in [Program::chain(3), Program::mixed(5, 4, 2)] {
            let driver = Arc::new(Driver::new(program.len(), 3));
            let toy = Toy::new(program);
            let crashed = pool.run(2, &|| driver.work(&toy, &mut ()));
            assert!(!crashed);
            toy.compare_with_serial(driver.committed());
        }
    };
    check(blocks, 1_000);
}
