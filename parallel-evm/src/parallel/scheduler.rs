//! Who executes or validates what, next.
//!
//! Block-STM's two counters behind one lock: everything below `execution` has been handed out for execution
//! at least once, everything below `validation` for validation; both are set back when work must be redone.
//! The block is done when both are at the end and nobody is at work. A transaction waits only for a lower
//! one, so somebody can always proceed.

use super::lock;
use crate::Diagnostics;
use std::sync::{Condvar, Mutex, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Execute { index: usize },
    Validate { index: usize, incarnation: u32 },
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ready,
    Executing,
    Executed,
    /// Another transaction must finish first.
    Waiting,
    /// Found invalid; its writes are being turned into estimates.
    Aborting,
}

pub(super) struct Scheduler {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    execution: usize,
    validation: usize,
    at_work: usize,
    halted: bool,
    transactions: Vec<Transaction>,
    diagnostics: Diagnostics,
}

struct Transaction {
    phase: Phase,
    /// How many attempts were aborted.
    incarnation: u32,
    /// Who waits for it.
    waiters: Vec<usize>,
}

impl Scheduler {
    pub(super) fn new(count: usize) -> Self {
        let ready = |_| Transaction { phase: Phase::Ready, incarnation: 0, waiters: Vec::new() };
        let state = State {
            execution: 0,
            validation: 0,
            at_work: 0,
            halted: false,
            transactions: (0..count).map(ready).collect(),
            diagnostics: Diagnostics::default(),
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The next task; sleeps until there is one.
    pub(super) fn next(&self) -> Task {
        let mut state = lock(&self.state);
        loop {
            if state.halted {
                return Task::Done;
            }
            if let Some(task) = state.pick() {
                state.at_work += 1;
                return task;
            }
            if state.at_work == 0 {
                debug_assert!(state.transactions.iter().all(|tx| tx.phase == Phase::Executed));
                self.changed.notify_all();
                return Task::Done;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The execution met a value of `by` that is not ready: park the transaction, unless it is ready by now.
    pub(super) fn wait_for(&self, index: usize, by: usize) -> bool {
        let mut state = lock(&self.state);
        state.diagnostics.executions += 1;
        state.diagnostics.waits += 1;
        if state.transactions[by].phase == Phase::Executed {
            return false;
        }
        state.transactions[index].phase = Phase::Waiting;
        state.transactions[by].waiters.push(index);
        self.leave(&mut state);
        true
    }

    /// An execution is recorded.
    pub(super) fn executed(&self, index: usize, wrote_new: bool) -> Task {
        let mut state = lock(&self.state);
        state.diagnostics.executions += 1;
        state.transactions[index].phase = Phase::Executed;
        let incarnation = state.transactions[index].incarnation;
        state.diagnostics.incarnations_max = state.diagnostics.incarnations_max.max(incarnation + 1);
        for waiter in std::mem::take(&mut state.transactions[index].waiters) {
            state.transactions[waiter].phase = Phase::Ready;
            state.execution = state.execution.min(waiter);
        }
        if state.validation > index && !wrote_new {
            // Nobody else can have missed anything: check this one only.
            self.changed.notify_all();
            state.diagnostics.validations += 1;
            return Task::Validate { index, incarnation };
        }
        state.validation = state.validation.min(index);
        self.leave(&mut state);
        drop(state);
        self.next()
    }

    /// Claims the abort of an attempt; of several claims one succeeds.
    pub(super) fn try_abort(&self, index: usize, incarnation: u32) -> bool {
        let mut state = lock(&self.state);
        let transaction = &mut state.transactions[index];
        let claimed = transaction.phase == Phase::Executed && transaction.incarnation == incarnation;
        if claimed {
            transaction.phase = Phase::Aborting;
            state.diagnostics.aborts += 1;
        }
        claimed
    }

    /// The aborted attempt's writes are estimates now: check all later ones, and run it again.
    pub(super) fn aborted(&self, index: usize) -> Task {
        let mut state = lock(&self.state);
        state.transactions[index].phase = Phase::Executing;
        state.transactions[index].incarnation += 1;
        state.validation = state.validation.min(index + 1);
        self.changed.notify_all();
        if state.halted { Task::Done } else { Task::Execute { index } }
    }

    /// A validation ended without an abort.
    pub(super) fn validated(&self) -> Task {
        self.leave(&mut lock(&self.state));
        self.next()
    }

    /// Sends everybody home.
    pub(super) fn halt(&self) {
        lock(&self.state).halted = true;
        self.changed.notify_all();
    }

    pub(super) fn diagnostics(&self) -> Diagnostics {
        lock(&self.state).diagnostics
    }

    fn leave(&self, state: &mut State) {
        state.at_work -= 1;
        self.changed.notify_all();
    }
}

impl State {
    /// The lowest work there is: validations of what has been executed, then new executions.
    fn pick(&mut self) -> Option<Task> {
        while self.validation < self.execution {
            let index = self.validation;
            self.validation += 1;
            let Transaction { phase, incarnation, .. } = self.transactions[index];
            if phase == Phase::Executed {
                self.diagnostics.validations += 1;
                return Some(Task::Validate { index, incarnation });
            }
        }
        while self.execution < self.transactions.len() {
            let index = self.execution;
            self.execution += 1;
            if self.transactions[index].phase == Phase::Ready {
                self.transactions[index].phase = Phase::Executing;
                return Some(Task::Execute { index });
            }
        }
        None
    }
}
