//! What a block costs on a kind of machine.
//!
//! **Captures** four stages in this order: recovering the senders' keys on all cores, the transactions under
//! the chosen algorithm (ordered commit included), the state root over touched keys on one core. All scale
//! with the machine's speed. **Leaves out** overlap between stages (a client may recover senders while the
//! block arrives, or hash while it executes) and storage that does not speed up with the cores.
//! **Parameters** the execution plan: algorithm, cores, speed, [profile](super::profile). **Source** the order
//! of stages in an execution client's `engine_newPayload`. **Checked against** hand-computed sums and measured
//! serial times of recorded blocks (`tests/execution_blocks.rs`).
//!
//! Rounding: picoseconds inside, every division rounds up, the result is rounded up to a nanosecond. A replay
//! depends on (block, number of cores, profile, algorithm) only; the speed scales its result, so the caller
//! keeps one [`BlockTime`] per block and class of machine.

use super::profile::{self, ProfileError, Rates};
use super::trace::BlockTrace;
use super::virtual_cores::{self, BlockWork, PPM, Schedule, bounds, stretch};
use crate::execution::params::{Algorithm, ExecutionPlan};
use crate::execution::record::ExecutionRecord;
use crate::net::params::HardwareClass;

/// The cores a block runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Cores used, at least 1.
    pub cores: u32,
    /// Speed of one core relative to the profile's reference core, parts per million.
    pub speed_ppm: u64,
}

impl Machine {
    /// A machine of a hardware class under a plan: the plan's cores, else the class's; the product of both
    /// speeds, rounded to the nearest ppm and at least 1.
    pub fn of(plan: &ExecutionPlan, class: &HardwareClass) -> Self {
        let product = u128::from(plan.speed_ppm) * u128::from(class.speed_ppm);
        let speed = (product + u128::from(PPM / 2)) / u128::from(PPM);
        Self {
            cores: plan.cores.unwrap_or(class.cores).max(1),
            speed_ppm: u64::try_from(speed).unwrap_or(u64::MAX).max(1),
        }
    }
}

/// Turns executed blocks into time under one execution plan.
#[derive(Clone, Debug)]
pub struct BlockTimer {
    rates: Rates,
    algorithm: Algorithm,
}

/// Time of one block on a machine of speed 1, ps, by stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockTime {
    /// Recovering all senders' keys.
    pub recovery_ps: u64,
    /// The transactions.
    pub schedule: Schedule,
    /// State root and database commit.
    pub state_root_ps: u64,
}

impl BlockTime {
    /// All stages, ps.
    pub fn total_ps(&self) -> u64 {
        self.recovery_ps + self.schedule.total_ps + self.state_root_ps
    }

    /// All stages at a speed, ns, rounded up.
    pub fn duration_ns(&self, speed_ppm: u64) -> u64 {
        stretch(self.total_ps(), speed_ppm).div_ceil(1_000)
    }
}

impl BlockTimer {
    /// Checks the plan's profile.
    ///
    /// # Errors
    /// What is wrong with the profile.
    pub fn new(plan: &ExecutionPlan) -> Result<Self, ProfileError> {
        Ok(Self { rates: Rates::new(&plan.profile)?, algorithm: plan.algorithm })
    }

    /// Prices in use.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The replay of a block on so many cores of speed 1.
    pub fn time(&self, trace: &BlockTrace, cores: u32) -> BlockTime {
        self.time_of(trace, &trace.work(&self.rates), self.algorithm, cores)
    }

    /// What a block costs on a machine, ns.
    pub fn duration_ns(&self, trace: &BlockTrace, machine: Machine) -> u64 {
        self.time(trace, machine.cores).duration_ns(machine.speed_ppm)
    }

    fn time_of(&self, trace: &BlockTrace, work: &BlockWork, algorithm: Algorithm, cores: u32) -> BlockTime {
        let cores = cores.max(1);
        let senders = trace.transactions.len() as u64;
        let busy = senders.min(u64::from(cores)).max(1);
        let recovery_ps = self.rates.sender_recovery_ps * senders.div_ceil(busy);
        BlockTime {
            recovery_ps: stretch(recovery_ps, self.rates.costs.efficiency_ppm(busy as usize)),
            schedule: virtual_cores::replay(work, algorithm, cores, &self.rates.costs),
            state_root_ps: self.rates.state_root_key_ps * trace.touched_keys,
        }
    }

    /// The block's line in the run's record, for a machine; all times are at its speed.
    ///
    /// `serial_ns` and `scheduled_ns` contain the same recovery and state root and differ in the schedule
    /// only. `critical_path_ns` is the chain no schedule of this kind beats: of a dependent transaction it
    /// counts what follows the read ([`bounds::pipelined_critical_path_ps`]). Utilisation is that of the
    /// transactions' stage.
    pub fn record(&self, trace: &BlockTrace, machine: Machine) -> ExecutionRecord {
        let work = trace.work(&self.rates);
        let scheduled = self.time_of(trace, &work, self.algorithm, machine.cores);
        let serial = self.time_of(trace, &work, Algorithm::Serial, machine.cores);
        let cores = match self.algorithm {
            Algorithm::Serial => 1,
            Algorithm::BlockStm => machine.cores.max(1),
        };
        let at_speed = |ps: u64| stretch(ps, machine.speed_ppm).div_ceil(1_000);
        ExecutionRecord {
            serial_ns: serial.duration_ns(machine.speed_ppm),
            scheduled_ns: scheduled.duration_ns(machine.speed_ppm),
            critical_path_ns: at_speed(bounds::pipelined_critical_path_ps(&work)),
            longest_transaction_ns: at_speed(work.longest_ps()),
            cores,
            aborts: scheduled.schedule.re_executions,
            utilisation_ppm: scheduled.schedule.utilisation_ppm(cores),
            extrapolated: cores > self.rates.measured_cores,
            work: profile::work_by_name(trace.transactions.iter().map(|tx| &tx.work)),
        }
    }
}
