//! A block on N virtual cores: how long its transactions take under a scheduling algorithm.
//!
//! **Captures** which transactions conflict (reads and writes by location, with the work done before each first
//! read), aborts and re-executions, waiting for another transaction's value, validation, ordered commit,
//! dispatch, the slow-down of cores that share memory. **Leaves out** that an aborted attempt may have taken
//! another path (every attempt has the final reads, writes and length), caches warmed by it, and comparison
//! by value: a value written again counts as changed. **Parameters** [`Costs`], all in picoseconds.
//! **Source** Gelashvili et al., "Block-STM" (PPoPP 2023), algorithms 1, 4 and 5; ordered rolling commit as in
//! Aptos' implementation. **Checked against** the bounds of [`bounds`] on random blocks, hand-computed
//! schedules, and the limits of independent and fully dependent blocks (`tests/execution_schedules.rs`).
//!
//! Everything is integer arithmetic in picoseconds; simultaneous events are ordered by (time, transaction,
//! core). The replay is a pure function of its input.

pub mod block_stm;
pub mod bounds;

use crate::execution::params::Algorithm;

/// What one transaction does, as far as a schedule is concerned. Locations are interned to `0..locations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxWork {
    /// Execution on the reference core, ps.
    pub duration_ps: u64,
    /// What it reads, each location once, with the work done before the first read, ps
    /// (at most `duration_ps`).
    pub reads: Vec<(u32, u64)>,
    /// What it writes, each location once.
    pub writes: Vec<u32>,
    /// Further reads, of locations that no other transaction writes: they cost, but cannot conflict.
    pub private_reads: u32,
    /// Further writes, of locations that no other transaction reads or writes.
    pub private_writes: u32,
}

impl TxWork {
    /// All reads.
    pub fn read_count(&self) -> u64 {
        self.reads.len() as u64 + u64::from(self.private_reads)
    }

    /// All writes.
    pub fn write_count(&self) -> u64 {
        self.writes.len() as u64 + u64::from(self.private_writes)
    }
}

/// What a block does, as far as a schedule is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockWork {
    /// The transactions in block order.
    pub transactions: Vec<TxWork>,
    /// Number of distinct locations; every location is below it.
    pub locations: u32,
}

impl BlockWork {
    /// All transactions one after the other, ps.
    pub fn total_ps(&self) -> u64 {
        self.transactions.iter().map(|tx| tx.duration_ps).sum()
    }

    /// Longest single transaction, ps.
    pub fn longest_ps(&self) -> u64 {
        self.transactions.iter().map(|tx| tx.duration_ps).max().unwrap_or(0)
    }
}

/// What scheduling costs on the reference core, ps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Handing one task to a core.
    pub dispatch_ps: u64,
    /// What versioned memory adds to one read or write of an execution.
    pub versioned_access_ps: u64,
    /// Validating one read.
    pub validate_read_ps: u64,
    /// Committing one write in order.
    pub commit_write_ps: u64,
    /// Speed of each core when n are busy, parts per million, for n = 1, 2, ...; the last repeats. Every
    /// entry is in 1..=1_000_000. Empty: full speed.
    pub core_efficiency_ppm: Vec<u64>,
}

impl Costs {
    /// Scheduling for free on cores that do not disturb each other: the ideal machine.
    pub const FREE: Self = Self {
        dispatch_ps: 0,
        versioned_access_ps: 0,
        validate_read_ps: 0,
        commit_write_ps: 0,
        core_efficiency_ppm: Vec::new(),
    };

    /// Speed of each core when `busy` cores are busy, parts per million.
    pub fn efficiency_ppm(&self, busy: usize) -> u64 {
        let last = self.core_efficiency_ppm.len().saturating_sub(1);
        self.core_efficiency_ppm.get(busy.saturating_sub(1).min(last)).copied().unwrap_or(PPM)
    }
}

/// Parts per million in one.
pub(crate) const PPM: u64 = 1_000_000;

/// The replay of a block on virtual cores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// From the first dispatch to the last commit, ps.
    pub total_ps: u64,
    /// Time during which cores worked, summed over cores, ps.
    pub busy_ps: u64,
    /// Executions whose validation failed.
    pub aborts: u32,
    /// Executions that met a value under re-computation, stopped and waited.
    pub stalls: u32,
    /// Executions beyond the first of each transaction: aborts and stalls.
    pub re_executions: u32,
    /// Validations.
    pub validations: u32,
    /// Start of each transaction's last execution, ps.
    pub start_ps: Vec<u64>,
    /// End of each transaction's last execution, ps.
    pub finish_ps: Vec<u64>,
}

impl Schedule {
    /// Busy share of `cores` cores, parts per million.
    pub fn utilisation_ppm(&self, cores: u32) -> u64 {
        let capacity = u128::from(self.total_ps) * u128::from(cores);
        if capacity == 0 {
            return 0;
        }
        u64::try_from(u128::from(self.busy_ps) * u128::from(PPM) / capacity).unwrap_or(PPM)
    }
}

/// Replays a block under an algorithm on `cores` cores (at least one).
pub fn replay(work: &BlockWork, algorithm: Algorithm, cores: u32, costs: &Costs) -> Schedule {
    match algorithm {
        Algorithm::Serial => serial(work, costs),
        Algorithm::BlockStm => block_stm::replay(work, cores, costs),
    }
}

/// One transaction after the other on one core: the sum of durations, at the speed of a single busy core. A
/// serial executor has no versioned memory and writes as it goes, so nothing is added.
pub fn serial(work: &BlockWork, costs: &Costs) -> Schedule {
    let efficiency = costs.efficiency_ppm(1);
    let mut at_ps = 0;
    let mut schedule = Schedule::default();
    for tx in &work.transactions {
        schedule.start_ps.push(at_ps);
        at_ps += stretch(tx.duration_ps, efficiency);
        schedule.finish_ps.push(at_ps);
    }
    (schedule.total_ps, schedule.busy_ps) = (at_ps, at_ps);
    schedule
}

/// Time for work at a speed, rounded up.
pub(crate) fn stretch(work_ps: u64, speed_ppm: u64) -> u64 {
    if speed_ppm == PPM {
        return work_ps;
    }
    let time = (u128::from(work_ps) * u128::from(PPM)).div_ceil(u128::from(speed_ppm.max(1)));
    u64::try_from(time).unwrap_or(u64::MAX)
}

/// For each transaction, its reads of what earlier transactions of the block write: the only reads that a
/// schedule can get wrong. All other reads are of the pre-state.
#[derive(Clone, Debug)]
pub(crate) struct Conflicts {
    /// Writers of each location in block order.
    writers: Vec<Vec<u32>>,
    /// By transaction: (work before the read in ps, location, number of earlier writers), in that order.
    reads: Vec<Vec<(u64, u32, u32)>>,
}

impl Conflicts {
    pub(crate) fn new(work: &BlockWork) -> Self {
        let mut writers: Vec<Vec<u32>> = vec![Vec::new(); work.locations as usize];
        let mut reads = Vec::with_capacity(work.transactions.len());
        for (tx, own) in work.transactions.iter().enumerate() {
            let mut contended: Vec<(u64, u32, u32)> = own
                .reads
                .iter()
                .filter_map(|&(location, prefix_ps)| {
                    let earlier = writers[location as usize].len() as u32;
                    (earlier > 0).then_some((prefix_ps.min(own.duration_ps), location, earlier))
                })
                .collect();
            contended.sort_unstable();
            reads.push(contended);
            for &location in &own.writes {
                writers[location as usize].push(tx as u32);
            }
        }
        Self { writers, reads }
    }

    /// Contended reads of a transaction by the work done before them.
    pub(crate) fn reads(&self, tx: u32) -> &[(u64, u32, u32)] {
        &self.reads[tx as usize]
    }

    /// The earlier writers that a contended read chooses from, in block order. Never empty.
    pub(crate) fn earlier_writers(&self, read: (u64, u32, u32)) -> &[u32] {
        &self.writers[read.1 as usize][..read.2 as usize]
    }

    /// In block order, what a transaction must see: (last earlier writer, work before the read in ps).
    pub(crate) fn dependencies(&self, tx: u32) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.reads(tx).iter().map(|read| {
            let last = self.earlier_writers(*read).last().expect("a contended read has an earlier writer");
            (*last, read.0)
        })
    }
}
