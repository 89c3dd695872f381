//! Small transactions over a small multi-version memory, after the pattern of the crate's own.

use crate::{
    driver::{Check, Finished, Verdict, Work},
    sync::{Mutex, lock},
};

/// What each transaction reads and writes: it writes a mix of all it reads, to its second target only if the
/// mix is odd.
#[derive(Clone)]
pub struct Program {
    transactions: Vec<(Vec<usize>, Vec<usize>)>,
    fails_at: Option<usize>,
    false_alarms: bool,
    /// Which lower transaction each expects to conflict with.
    expectations: Option<u64>,
    /// Which ones are left to the frontier.
    brief: Option<u64>,
}

const CELLS: usize = 4;

impl Program {
    fn new(transactions: Vec<(Vec<usize>, Vec<usize>)>) -> Self {
        Self { transactions, fails_at: None, false_alarms: false, expectations: None, brief: None }
    }

    pub fn chain(count: usize) -> Self {
        Self::new((0..count).map(|_| (vec![0], vec![0])).collect())
    }

    pub fn independent(count: usize) -> Self {
        Self::new((0..count).map(|index| (vec![index % CELLS], vec![])).collect())
    }

    /// Reads and writes drawn from so many cells.
    pub fn mixed(seed: u64, count: usize, cells: usize) -> Self {
        let draw = |index: usize, salt: u64| (mix(seed ^ salt, index as u64) % cells as u64) as usize;
        let transaction =
            |index| (vec![draw(index, 1), draw(index, 2)], vec![draw(index, 3), draw(index, 4)]);
        Self::new((0..count).map(transaction).collect())
    }

    /// Followed by so many that each write what the next one reads; nobody before reads that.
    pub fn then_chain(mut self, count: usize) -> Self {
        self.transactions.iter_mut().for_each(|(reads, _)| reads.retain(|cell| *cell > 0));
        self.transactions.extend((0..count).map(|_| (vec![0], vec![0])));
        self
    }

    pub fn failing_at(mut self, index: usize) -> Self {
        self.fails_at = Some(index);
        self
    }

    pub fn with_false_alarms(mut self) -> Self {
        self.false_alarms = true;
        self
    }

    /// Every other transaction expects a conflict with a lower one, rightly or not.
    pub fn with_expectations(mut self, seed: u64) -> Self {
        self.expectations = Some(seed);
        self
    }

    /// Every other transaction is left to the frontier.
    pub fn with_brief_ones(mut self, seed: u64) -> Self {
        self.brief = Some(seed);
        self
    }

    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    fn outcome(&self, index: usize, read: &[u64]) -> Vec<(usize, u64)> {
        let mixed = read.iter().fold(index as u64, |sum, value| mix(sum, *value));
        let targets = self.transactions[index].1.iter().enumerate();
        let mut writes: Vec<_> =
            targets.filter(|(n, _)| *n == 0 || mixed & 1 == 1).map(|(_, cell)| (*cell, mixed)).collect();
        writes.dedup();
        writes
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let z = (a ^ b.rotate_left(29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (z >> 17)
}

#[derive(Default)]
struct Cell {
    committed: u64,
    /// Writer, value, whether it is an estimate; sorted.
    entries: Vec<(usize, u64, bool)>,
    readers: usize,
}

#[derive(Default)]
struct Attempt {
    incarnation: usize,
    read: Vec<u64>,
    writes: Vec<(usize, u64)>,
}

pub struct Toy {
    program: Program,
    cells: Vec<Mutex<Cell>>,
    attempts: Vec<Mutex<Attempt>>,
    committed: Mutex<Vec<Vec<(usize, u64)>>>,
}

impl Toy {
    pub fn new(program: Program) -> Self {
        let attempts = (0..program.len()).map(|_| Mutex::new(Attempt::default())).collect();
        let cells = (0..CELLS).map(|_| Mutex::new(Cell::default())).collect();
        Self { program, cells, attempts, committed: Mutex::new(Vec::new()) }
    }

    /// How often a transaction was executed.
    pub fn executions(&self, index: usize) -> usize {
        lock(&self.attempts[index]).incarnation
    }

    pub fn compare_with_serial(&self, committed: usize) {
        let mut cells = [0; CELLS];
        let found = lock(&self.committed);
        assert_eq!(found.len(), committed);
        assert_eq!(committed, self.program.fails_at.unwrap_or(self.program.len()));
        for (index, found) in found.iter().enumerate() {
            let read: Vec<_> = self.program.transactions[index].0.iter().map(|cell| cells[*cell]).collect();
            let writes = self.program.outcome(index, &read);
            assert_eq!(*found, writes, "transaction {index}");
            writes.iter().for_each(|(cell, value)| cells[*cell] = *value);
        }
        for (cell, value) in self.cells.iter().zip(cells) {
            let cell = lock(cell);
            assert_eq!(cell.committed, value);
        }
    }

    fn read(&self, index: usize) -> (Vec<u64>, Option<usize>) {
        let mut blocker = None;
        let read = self.program.transactions[index].0.iter().map(|cell| {
            let mut cell = lock(&self.cells[*cell]);
            cell.readers = cell.readers.max(index + 1);
            match cell.entries.iter().rev().find(|(writer, ..)| *writer < index) {
                Some((writer, value, estimate)) => {
                    blocker = blocker.max(estimate.then_some(*writer));
                    *value
                }
                None => cell.committed,
            }
        });
        (read.collect(), blocker)
    }

    /// Replaces the entries of an attempt, or commits in their place. Returns who may have missed something.
    fn write(&self, index: usize, old: &[(usize, u64)], new: &[(usize, u64)], commit: bool) -> Option<usize> {
        let mut readers = 0;
        for (number, cell) in self.cells.iter().enumerate() {
            let mut cell = lock(cell);
            let value = new.iter().find(|(at, _)| *at == number).map(|(_, value)| *value);
            let had = old.iter().any(|(at, _)| *at == number);
            if !had && value.is_none() {
                continue;
            }
            cell.entries.retain(|(writer, ..)| *writer != index);
            readers = readers.max(cell.readers);
            match value {
                Some(value) if commit => cell.committed = value,
                Some(value) => {
                    cell.entries.push((index, value, false));
                    cell.entries.sort_unstable();
                }
                None => {}
            }
        }
        readers.checked_sub(1).filter(|reader| *reader > index)
    }

    fn false_alarm(&self, index: usize, attempt: &Attempt) -> bool {
        self.program.false_alarms && attempt.incarnation == 1 && index % 2 == 1
    }
}

impl Work<()> for Toy {
    fn execute(&self, (): &mut (), index: usize, definite: bool, arrived: &dyn Fn() -> bool) -> Finished {
        assert!(lock(&self.committed).len() <= index, "{index} is committed");
        let (read, blocker) = self.read(index);
        let writes = self.program.outcome(index, &read);
        if definite && self.program.fails_at == Some(index) {
            return Finished::Failed;
        }
        let mut attempt = lock(&self.attempts[index]);
        attempt.incarnation += 1;
        if definite || arrived() {
            let alarm = !definite && self.false_alarm(index, &attempt);
            let fails = self.program.fails_at == Some(index);
            if !definite && (fails || alarm || self.read(index).0 != read) {
                return Finished::Stale;
            }
            let disturbed = self.write(index, &attempt.writes, &writes, true);
            let mut committed = lock(&self.committed);
            assert_eq!(committed.len(), index, "out of order");
            committed.push(writes);
            return Finished::Committed { disturbed };
        }
        let disturbed = self.write(index, &attempt.writes, &writes, false);
        (attempt.read, attempt.writes) = (read, writes);
        Finished::Recorded { blocker, disturbed }
    }

    fn check(&self, index: usize) -> Check {
        let attempt = lock(&self.attempts[index]);
        if self.false_alarm(index, &attempt) {
            return Check::Stale;
        }
        match self.read(index) {
            (_, Some(by)) => Check::Blocked(by),
            (now, None) if now == attempt.read => Check::Holds,
            _ => Check::Stale,
        }
    }

    fn retract(&self, index: usize) {
        let attempt = lock(&self.attempts[index]);
        for (cell, _) in &attempt.writes {
            let mut cell = lock(&self.cells[*cell]);
            cell.entries.iter_mut().filter(|entry| entry.0 == index).for_each(|entry| entry.2 = true);
        }
    }

    fn commit(&self, (): &mut (), index: usize) -> Verdict {
        let attempt = lock(&self.attempts[index]);
        let fails = self.program.fails_at == Some(index);
        if fails || self.false_alarm(index, &attempt) || self.read(index).0 != attempt.read {
            return Verdict::Stale;
        }
        self.write(index, &attempt.writes, &attempt.writes, true);
        let mut committed = lock(&self.committed);
        assert_eq!(committed.len(), index, "out of order");
        committed.push(attempt.writes.clone());
        Verdict::Committed
    }

    fn is_brief(&self, (): &(), index: usize) -> bool {
        self.program.brief.is_some_and(|seed| mix(!seed, index as u64) & 1 == 1)
    }

    fn expects(&self, index: usize) -> Option<usize> {
        let seed = self.program.expectations?;
        let draw = mix(seed, index as u64);
        (draw & 1 == 1 && index > 0).then(|| (draw >> 1) as usize % index)
    }
}
