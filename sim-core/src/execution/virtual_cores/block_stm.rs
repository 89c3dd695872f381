//! Replay of Block-STM's collaborative scheduler.
//!
//! Idle cores take, in this order: the commit of the lowest uncommitted transaction if it is validated; the
//! lowest transaction to validate; the lowest transaction to execute. A first execution that wrote sends
//! everything above it to validation again; a failed validation marks the transaction's writes as estimates,
//! sends everything above it to validation and executes it again on the same core; an execution that reads an
//! estimate stops there and waits for its author (Block-STM, algorithms 1, 4 and 5).
//!
//! Cores slow each other down by the efficiency curve. At any moment all busy cores have the same speed, so
//! the replay runs in *work time* (ps of work a busy core has had the chance to do) and real time is
//! integrated alongside, rounded up at each step.

use super::{BlockWork, Conflicts, Costs, Schedule, stretch};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a read found: the author and its incarnation, or the state before the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    PreState,
    Written { by: u32, incarnation: u32 },
    Estimate { by: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// May be executed.
    Ready,
    Executing,
    /// Waits for the author of an estimate.
    Blocked,
    Executed,
    Committed,
}

/// What has become of a transaction's writes in the versioned memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Unwritten,
    Published,
    Estimates,
}

#[derive(Clone, Debug)]
struct Tx {
    status: Status,
    values: Values,
    incarnation: u32,
    /// What its contended reads found, in their order.
    observed: Vec<Version>,
    /// Transactions that wait for it.
    dependents: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// `read` is the next contended read to happen; all done: the next event is the end.
    Execute {
        tx: u32,
        read: usize,
        started_work_ps: u64,
    },
    Validate {
        tx: u32,
        incarnation: u32,
    },
    Commit {
        tx: u32,
    },
}

/// Replays a block on `cores` cores (at least one).
pub fn replay(work: &BlockWork, cores: u32, costs: &Costs) -> Schedule {
    let mut replay = Replay::new(work, cores.max(1), costs);
    replay.run();
    replay.schedule
}

struct Replay<'a> {
    work: &'a BlockWork,
    costs: &'a Costs,
    conflicts: Conflicts,
    txs: Vec<Tx>,
    /// By transaction: validated since anything below it last changed.
    validated: Vec<bool>,
    execution_next: u32,
    /// No transaction from here on has been executed.
    execution_end: u32,
    validation_next: u32,
    /// All transactions below are committed.
    committed: u32,
    committing: bool,
    tasks: Vec<Option<Task>>,
    idle: BinaryHeap<Reverse<u32>>,
    /// (work time, transaction, core) of the next thing that happens on each busy core.
    events: BinaryHeap<Reverse<(u64, u32, u32)>>,
    work_now_ps: u64,
    now_ps: u64,
    schedule: Schedule,
}

impl<'a> Replay<'a> {
    fn new(work: &'a BlockWork, cores: u32, costs: &'a Costs) -> Self {
        let conflicts = Conflicts::new(work);
        let count = work.transactions.len();
        let tx = |index: usize| Tx {
            status: Status::Ready,
            values: Values::Unwritten,
            incarnation: 0,
            observed: Vec::with_capacity(conflicts.reads(index as u32).len()),
            dependents: Vec::new(),
        };
        Self {
            txs: (0..count).map(tx).collect(),
            validated: vec![false; count],
            work,
            costs,
            conflicts,
            execution_next: 0,
            execution_end: 0,
            validation_next: 0,
            committed: 0,
            committing: false,
            tasks: vec![None; cores as usize],
            idle: (0..cores).map(Reverse).collect(),
            events: BinaryHeap::new(),
            work_now_ps: 0,
            now_ps: 0,
            schedule: Schedule { start_ps: vec![0; count], finish_ps: vec![0; count], ..Schedule::default() },
        }
    }

    fn count(&self) -> u32 {
        self.txs.len() as u32
    }

    fn run(&mut self) {
        self.assign();
        while self.committed < self.count() {
            let Reverse((work_ps, _, core)) = self.events.pop().expect("an uncommitted block has work left");
            self.advance(work_ps);
            self.step(core);
            self.assign();
        }
        self.schedule.total_ps = self.now_ps;
    }

    /// Moves both clocks forward.
    fn advance(&mut self, work_ps: u64) {
        let busy = self.tasks.len() - self.idle.len();
        let elapsed_ps = stretch(work_ps - self.work_now_ps, self.costs.efficiency_ppm(busy));
        self.work_now_ps = work_ps;
        self.now_ps += elapsed_ps;
        self.schedule.busy_ps += elapsed_ps * busy as u64;
    }

    /// Gives tasks to idle cores, lowest core first.
    fn assign(&mut self) {
        while !self.idle.is_empty() {
            let Some(task) = self.next_task() else { return };
            let Some(Reverse(core)) = self.idle.pop() else { return };
            self.begin(core, task);
        }
    }

    fn next_task(&mut self) -> Option<Task> {
        if let Some(task) = self.next_commit() {
            return Some(task);
        }
        loop {
            if self.validation_next < self.execution_next {
                let tx = self.validation_next;
                self.validation_next += 1;
                if self.txs[tx as usize].status == Status::Executed {
                    return Some(self.validation(tx));
                }
            } else if self.execution_next < self.count() {
                let tx = self.execution_next;
                self.execution_next += 1;
                self.execution_end = self.execution_end.max(self.execution_next);
                if self.txs[tx as usize].status == Status::Ready {
                    return Some(self.execution(tx));
                }
            } else {
                return None;
            }
        }
    }

    /// The lowest uncommitted transaction, once validated and with nothing below it left to change. Commits
    /// that cost nothing happen at once.
    fn next_commit(&mut self) -> Option<Task> {
        while !self.committing && self.committed < self.count() {
            let tx = self.committed;
            let executed = self.txs[tx as usize].status == Status::Executed;
            if !executed || !self.validated[tx as usize] || !self.reads_hold(tx) {
                return None;
            }
            if self.commit_work_ps(tx) > 0 {
                self.committing = true;
                return Some(Task::Commit { tx });
            }
            self.commit(tx);
        }
        None
    }

    fn commit_work_ps(&self, tx: u32) -> u64 {
        self.costs.commit_write_ps * self.work.transactions[tx as usize].write_count()
    }

    fn commit(&mut self, tx: u32) {
        self.txs[tx as usize].status = Status::Committed;
        self.committed = tx + 1;
    }

    fn validation(&self, tx: u32) -> Task {
        Task::Validate { tx, incarnation: self.txs[tx as usize].incarnation }
    }

    fn execution(&mut self, tx: u32) -> Task {
        let state = &mut self.txs[tx as usize];
        state.status = Status::Executing;
        state.observed.clear();
        self.schedule.start_ps[tx as usize] = self.now_ps;
        Task::Execute { tx, read: 0, started_work_ps: self.work_now_ps }
    }

    /// Starts or continues a task on a core: decides when its next event is.
    fn begin(&mut self, core: u32, task: Task) {
        let (tx, at_ps) = match task {
            Task::Execute { tx, read, started_work_ps } => {
                let within_ps = match self.conflicts.reads(tx).get(read) {
                    Some(&(prefix_ps, ..)) => self.read_after_ps(tx, prefix_ps),
                    None => self.execution_work_ps(tx),
                };
                (tx, started_work_ps + within_ps)
            }
            Task::Validate { tx, .. } => {
                let reads = self.work.transactions[tx as usize].read_count();
                let work_ps = self.costs.dispatch_ps + self.costs.validate_read_ps * reads;
                (tx, self.work_now_ps + work_ps)
            }
            Task::Commit { tx } => (tx, self.work_now_ps + self.commit_work_ps(tx)),
        };
        self.tasks[core as usize] = Some(task);
        self.events.push(Reverse((at_ps, tx, core)));
    }

    /// Dispatch, the transaction itself, and versioned memory for each of its reads and writes.
    fn execution_work_ps(&self, tx: u32) -> u64 {
        let own = &self.work.transactions[tx as usize];
        self.costs.dispatch_ps + own.duration_ps + self.versioned_work_ps(tx)
    }

    fn versioned_work_ps(&self, tx: u32) -> u64 {
        let own = &self.work.transactions[tx as usize];
        self.costs.versioned_access_ps * (own.read_count() + own.write_count())
    }

    /// Work from an execution's dispatch to a read; the overhead of versioned memory is spread evenly over the
    /// transaction, rounded down.
    fn read_after_ps(&self, tx: u32, prefix_ps: u64) -> u64 {
        let duration_ps = u128::from(self.work.transactions[tx as usize].duration_ps.max(1));
        let overhead_ps = u128::from(self.versioned_work_ps(tx)) * u128::from(prefix_ps) / duration_ps;
        self.costs.dispatch_ps + prefix_ps + overhead_ps as u64
    }

    /// The next event of a core has come.
    fn step(&mut self, core: u32) {
        let task = self.tasks[core as usize].take().expect("events belong to busy cores");
        let next = match task {
            Task::Execute { tx, read, started_work_ps } if read < self.conflicts.reads(tx).len() => {
                let version = self.visible(self.conflicts.reads(tx)[read]);
                if let Version::Estimate { by } = version {
                    self.schedule.stalls += 1;
                    self.schedule.re_executions += 1;
                    self.txs[tx as usize].status = Status::Blocked;
                    self.txs[by as usize].dependents.push(tx);
                    None
                } else {
                    self.txs[tx as usize].observed.push(version);
                    Some(Task::Execute { tx, read: read + 1, started_work_ps })
                }
            }
            Task::Execute { tx, .. } => self.executed(tx),
            Task::Validate { tx, incarnation } => self.validated(tx, incarnation),
            Task::Commit { tx } => {
                self.committing = false;
                self.commit(tx);
                None
            }
        };
        match next {
            Some(task) => self.begin(core, task),
            None => self.idle.push(Reverse(core)),
        }
    }

    /// An execution ended: publish, wake who waited, have it validated.
    fn executed(&mut self, tx: u32) -> Option<Task> {
        self.schedule.finish_ps[tx as usize] = self.now_ps;
        let state = &mut self.txs[tx as usize];
        let wrote_new =
            state.values == Values::Unwritten && !self.work.transactions[tx as usize].writes.is_empty();
        state.status = Status::Executed;
        state.values = Values::Published;
        for dependent in std::mem::take(&mut state.dependents) {
            self.txs[dependent as usize].status = Status::Ready;
            self.execution_next = self.execution_next.min(dependent);
        }
        if self.validation_next <= tx {
            return None;
        }
        if wrote_new {
            self.validate_again_from(tx);
            return None;
        }
        Some(self.validation(tx))
    }

    /// A validation ended: fine, or abort and execute again on this core.
    fn validated(&mut self, tx: u32, incarnation: u32) -> Option<Task> {
        self.schedule.validations += 1;
        let state = &self.txs[tx as usize];
        if state.status != Status::Executed || state.incarnation != incarnation {
            return None;
        }
        if self.reads_hold(tx) {
            self.validated[tx as usize] = true;
            return None;
        }
        self.schedule.aborts += 1;
        self.schedule.re_executions += 1;
        let state = &mut self.txs[tx as usize];
        state.status = Status::Ready;
        state.values = Values::Estimates;
        state.incarnation += 1;
        self.validated[tx as usize] = false;
        self.validate_again_from(tx + 1);
        (self.execution_next > tx).then(|| self.execution(tx))
    }

    fn validate_again_from(&mut self, tx: u32) {
        if self.validation_next > tx {
            self.validation_next = tx;
            // What was never executed was never validated.
            self.validated[tx as usize..self.execution_end as usize].fill(false);
        }
    }

    /// What a contended read finds now.
    fn visible(&self, read: (u64, u32, u32)) -> Version {
        for &by in self.conflicts.earlier_writers(read).iter().rev() {
            let writer = &self.txs[by as usize];
            match writer.values {
                Values::Published => return Version::Written { by, incarnation: writer.incarnation },
                Values::Estimates => return Version::Estimate { by },
                Values::Unwritten => {}
            }
        }
        Version::PreState
    }

    /// Whether every contended read of an executed transaction would find the same again.
    fn reads_hold(&self, tx: u32) -> bool {
        let reads = self.conflicts.reads(tx);
        reads.iter().zip(&self.txs[tx as usize].observed).all(|(read, seen)| self.visible(*read) == *seen)
    }
}
