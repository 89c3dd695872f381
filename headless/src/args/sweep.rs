//! Arguments of `sweep`.

use crate::task::{Engine, MergeTask, SweepRunTask, SweepTarget, SweepTask, Task};
use clap::{Args, Subcommand, ValueEnum};
use sim_core::sweep::{Shard, SweepChanges};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum SweepCommand {
    /// Print the points, what they will cost and how long they will take; runs nothing
    Plan {
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Run what is missing; may be killed and called again at any time
    Run {
        #[command(flatten)]
        target: TargetArgs,
        /// Runs at a time; never changes a result [default: all cores]
        #[arg(long, value_name = "N")]
        jobs: Option<NonZeroUsize>,
        /// Run only part I of N: the points whose position leaves remainder I - 1
        #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
        shard: Option<Shard>,
        /// Run failed runs again
        #[arg(long)]
        retry_failed: bool,
        /// Write a result folder with a report for every run that has none, running it again for that if need be
        #[arg(long)]
        reports: bool,
        /// No progress line
        #[arg(long, short)]
        quiet: bool,
    },
    /// Say what is there, what is missing, what failed
    Status {
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Bring the runs together into tables, from this folder and others
    Merge {
        #[command(flatten)]
        target: TargetArgs,
        /// A further folder with runs of this sweep (may be repeated)
        #[arg(long, value_name = "DIR")]
        from: Vec<PathBuf>,
        /// Merge although runs are missing
        #[arg(long)]
        partial: bool,
    },
    /// Write one self-contained page with plots of what is there, each also as SVG and CSV
    Report {
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Print a job file for an engine that runs shards side by side
    Emit {
        /// The engine
        engine: EngineArg,
        #[command(flatten)]
        target: TargetArgs,
        /// Parts to run
        #[arg(long, value_name = "N", default_value = "8")]
        shards: NonZeroUsize,
        /// Runs at a time in each part
        #[arg(long, value_name = "N", default_value = "1")]
        jobs: NonZeroUsize,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum EngineArg {
    Slurm,
    Hyperqueue,
    GnuParallel,
}

#[derive(Debug, Args)]
pub struct TargetArgs {
    /// Sweep file (RON)
    sweep: PathBuf,
    /// Folder of the sweep [default: results/sweeps/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Change a value at every point, such as nodes.count=100 (may be repeated)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Run every point so often, instead of what the file says
    #[arg(long, value_name = "N")]
    replications: Option<u32>,
}

impl TargetArgs {
    fn meant(self) -> SweepTarget {
        let stem = self.sweep.file_stem().unwrap_or_default().to_owned();
        let out = self.out.unwrap_or_else(|| PathBuf::from("results/sweeps").join(stem));
        let changes = SweepChanges { set: self.set, replications: self.replications };
        SweepTarget { file: self.sweep, out, changes }
    }
}

impl SweepCommand {
    /// What is to be done.
    pub fn meant(self) -> Task {
        Task::Sweep(match self {
            Self::Plan { target } => SweepTask::Plan(target.meant()),
            Self::Run { target, jobs, shard, retry_failed, reports, quiet } => {
                let (target, shard) = (target.meant(), shard.unwrap_or(Shard::ALL));
                SweepTask::Run(SweepRunTask { target, jobs, shard, retry_failed, reports, quiet })
            }
            Self::Status { target } => SweepTask::Status(target.meant()),
            Self::Merge { target, from, partial } => {
                SweepTask::Merge(MergeTask { target: target.meant(), from, partial })
            }
            Self::Report { target } => SweepTask::Report(target.meant()),
            Self::Emit { engine, target, shards, jobs } => {
                let engine = match engine {
                    EngineArg::Slurm => Engine::Slurm,
                    EngineArg::Hyperqueue => Engine::Hyperqueue,
                    EngineArg::GnuParallel => Engine::GnuParallel,
                };
                SweepTask::Emit { engine, target: target.meant(), shards, jobs }
            }
        })
    }
}
