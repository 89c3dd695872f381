//! What the engine's parts promise each other; what blocks yield is tested from outside, all interleavings by a model
//! checker (`tests/model`).

use super::{
    driver::{Check, Driver, Finished, Verdict, Work},
    memory::{Memory, SlotSeen, Written},
    pool::Pool,
    view::TxView,
};
use crate::{
    Address, Block, BlockEnv, MemoryState, SpecId, U256,
    account::{AccountRead, Change, Shift},
    evm::{AccountEffect, Effects, Loaded, View},
};
use std::{
    collections::BTreeSet,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

const ALICE: Address = Address::repeat_byte(0xa1);
const CONTRACT: Address = Address::repeat_byte(0xc0);

fn state() -> MemoryState {
    let mut state = MemoryState::new();
    state.insert_balance(ALICE, U256::from(100));
    state.insert_contract(CONTRACT, crate::Bytecode::new_raw([0x00].into()));
    state
}

fn block() -> Block {
    Block { spec: SpecId::OSAKA, chain_id: 1, env: BlockEnv::default(), transactions: Vec::new() }
}

/// Slots of the contract set to values.
fn sets(slots: &[(u64, u64)]) -> Effects {
    effects(CONTRACT, Shift::NONE, slots)
}

fn effects(address: Address, shift: Shift, slots: &[(u64, u64)]) -> Effects {
    let change = Change { reset: None, shift, nonce: None, code: None };
    let given = AccountRead { exists: true, ..AccountRead::ABSENT };
    let expected = { given }.apply(&change, true);
    let effect = AccountEffect { address, place: None, given, change, slots: slots.len(), expected };
    let slots = slots.iter().map(|(slot, value)| (U256::from(*slot), U256::from(*value))).collect();
    Effects { accounts: vec![effect], slots, fee: None }
}

#[test]
fn of_several_estimates_the_view_remembers_the_highest() {
    let (state, block) = (state(), block());
    let memory = Memory::new(&block, &state);
    for (index, slot) in [(1, 10), (3, 30), (2, 20)] {
        let mut written = Written::default();
        memory.record(index, 1, &sets(&[(slot, 7)]), &mut written).unwrap();
        memory.retract(index, &written);
    }
    let view = TxView::new(&memory, None);
    view.start(5, false);
    for slot in [30, 10, 20] {
        assert_eq!(view.slot(CONTRACT, None, U256::from(slot)).unwrap(), U256::from(7), "estimates are read");
    }
    assert_eq!(view.take_reads(Default::default()).blocker, Some(3));
}

#[test]
fn a_read_of_another_version_holds_if_the_value_is_the_same() {
    let (state, block) = (state(), block());
    let memory = Memory::new(&block, &state);
    let mut written = Written::default();
    let mut record = |incarnation, value| {
        memory.record(1, incarnation, &sets(&[(5, value)]), &mut written).unwrap();
    };
    record(1, 7);
    let seen: SlotSeen = memory.slot(4, CONTRACT, None, U256::from(5)).unwrap();
    assert_eq!(memory.still_reads(4, &seen), (true, None), "the same version");
    record(2, 7);
    let again = memory.slot(4, CONTRACT, None, U256::from(5)).unwrap();
    assert_ne!(seen.version, again.version);
    assert_eq!(memory.still_reads(4, &seen), (true, None), "another version, the same value");
    record(3, 8);
    assert_eq!(memory.still_reads(4, &seen), (false, None), "another value");
    // Equal versions are not compared further.
    let pretended =
        SlotSeen { value: U256::from(9), ..memory.slot(4, CONTRACT, None, U256::from(5)).unwrap() };
    assert_eq!(memory.still_reads(4, &pretended), (true, None));
}

#[test]
fn a_read_of_a_changed_balance_holds_within_its_range() {
    let (state, block) = (state(), block());
    let memory = Memory::new(&block, &state);
    let seen = memory.account(4, ALICE, |_| true).unwrap();
    let mut loaded = Loaded::new(ALICE, seen.read);
    loaded.checked(U256::from(100), U256::from(60));
    let admits = |loaded: &Loaded| memory.admits(4, (seen.handle, seen.stamp), loaded, false);
    assert_eq!(admits(&loaded), (true, None), "as it was");
    for (index, paid, holds) in [(1, 30, true), (2, 20, false)] {
        let paid = effects(ALICE, Shift::Down(U256::from(paid)), &[]);
        memory.record(index, 1, &paid, &mut Written::default()).unwrap();
        assert_eq!(admits(&loaded), (holds, None), "70 cover 60, 50 do not");
    }
    loaded = Loaded::new(ALICE, seen.read);
    assert_eq!(admits(&loaded), (true, None), "nothing was asked of it");
}

/// Five transactions on two threads. When the first is executed, the second and the fourth turn out stale; at this
/// moment the fifth has read what both had written.
#[derive(Default)]
struct TwoEstimates {
    happened: Mutex<BTreeSet<(&'static str, usize)>>,
    news: Condvar,
    executions: [AtomicUsize; 5],
    late: AtomicBool,
}

impl TwoEstimates {
    fn tell(&self, what: &'static str, index: usize) {
        self.happened.lock().unwrap().insert((what, index));
        self.news.notify_all();
    }

    /// Waits for something that another thread does; not forever, so that a defect fails the test.
    fn await_that(&self, what: &'static str, index: usize) {
        let happened = self.happened.lock().unwrap();
        let waiting = |happened: &mut BTreeSet<_>| !happened.contains(&(what, index));
        let (_happened, result) =
            self.news.wait_timeout_while(happened, Duration::from_secs(20), waiting).unwrap();
        self.late.fetch_or(result.timed_out(), Ordering::SeqCst);
    }
}

impl Work<()> for TwoEstimates {
    fn execute(&self, (): &mut (), index: usize, definite: bool, _: &dyn Fn() -> bool) -> Finished {
        let before = self.executions[index].fetch_add(1, Ordering::SeqCst);
        let (mut blocker, mut disturbed) = (None, None);
        match (index, before) {
            (0, _) => {
                self.await_that("begun", 4);
                disturbed = Some(3);
            }
            (1, 1) => {
                self.await_that("checked", 4);
                assert!(!self.late.load(Ordering::SeqCst), "the fifth waited for more than the fourth");
            }
            (4, 0) => {
                self.tell("begun", 4);
                self.await_that("retracted", 3);
                blocker = Some(3);
            }
            _ => {}
        }
        match definite {
            true => Finished::Committed { disturbed },
            false => Finished::Recorded { blocker, disturbed },
        }
    }

    fn check(&self, index: usize) -> Check {
        self.tell("checked", index);
        match index {
            1 | 3 if self.executions[index].load(Ordering::SeqCst) == 1 => Check::Stale,
            _ => Check::Holds,
        }
    }

    fn retract(&self, index: usize) {
        self.tell("retracted", index);
    }

    fn commit(&self, (): &mut (), _: usize) -> Verdict {
        Verdict::Committed
    }
}

#[test]
fn a_blocked_transaction_waits_for_the_highest_blocker_alone() {
    let (driver, work) = (Driver::new(5, 2), TwoEstimates::default());
    thread::scope(|scope| {
        scope.spawn(|| driver.work(&work, &mut ()));
        driver.work(&work, &mut ());
    });
    assert_eq!(driver.committed(), 5);
    assert_eq!(driver.tally().waits, 1, "one edge");
    assert_eq!(driver.tally().in_vain, 2);
    // It held when its blocker had been executed: it was checked, not repeated.
    assert_eq!(work.executions.map(AtomicUsize::into_inner), [1, 2, 1, 2, 1]);
}

fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new()))
}

#[test]
fn helpers_join_and_nobody_is_left_behind() {
    let pool = pool();
    for round in 0..500 {
        let helpers = round % 4;
        let (inside, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let crashed = pool.run(helpers, &|| {
            inside.fetch_add(1, Ordering::SeqCst);
            calls.fetch_add(1, Ordering::SeqCst);
            thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
        });
        assert!(!crashed);
        assert_eq!(inside.load(Ordering::SeqCst), 0, "somebody is still at work");
        assert!((1..=helpers + 1).contains(&calls.load(Ordering::SeqCst)));
    }
    assert!(pool.threads() <= 3, "{} threads for three helpers", pool.threads());
    pool.close();
}

#[test]
fn blocks_one_after_the_other_are_helped_by_the_same_threads() {
    let pool = pool();
    let owner = thread::current().id();
    let helped = Mutex::new(BTreeSet::new());
    for _ in 0..200 {
        let met = AtomicBool::new(false);
        let crashed = pool.run(1, &|| {
            let me = thread::current();
            if me.id() == owner {
                // Not forever: a busy machine may not get the helper going.
                (0..10_000).take_while(|_| !met.load(Ordering::SeqCst)).for_each(|_| thread::yield_now());
            } else {
                met.store(true, Ordering::SeqCst);
                helped.lock().unwrap().insert(format!("{:?} {:?}", me.name(), me.id()));
            }
        });
        assert!(!crashed);
    }
    assert_eq!(pool.threads(), 1);
    let helped = helped.into_inner().unwrap();
    assert_eq!(helped.len(), 1, "{helped:?}");
    pool.close();
}

#[test]
fn a_panic_anywhere_is_told_and_the_threads_go_on() {
    let pool = pool();
    for _ in 0..20 {
        let first = AtomicBool::new(true);
        let crashed = pool.run(2, &|| {
            assert!(!first.swap(false, Ordering::SeqCst), "this panic is part of a test");
        });
        assert!(crashed);
        assert!(!pool.run(2, &|| {}));
    }
    pool.close();
}

#[test]
fn several_owners_share_the_threads() {
    let pool = pool();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let calls = AtomicUsize::new(0);
                    let work = || {
                        calls.fetch_add(1, Ordering::SeqCst);
                    };
                    assert!(!pool.run(3, &work));
                    assert!(calls.into_inner() > 0);
                }
            });
        }
    });
    pool.close();
}
