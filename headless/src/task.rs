//! The arguments as meant: what is to be done.

use sim_core::scenario::Changes;
use sim_core::scenario::describe::Notation;
use sim_core::sweep::{Shard, SweepChanges};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// One thing to do.
#[derive(Debug)]
pub enum Task {
    /// Run a scenario.
    Run(RunTask),
    /// Check a scenario.
    Check(CheckTask),
    /// Write a scenario to start from, to a file or to the output.
    New {
        /// The file.
        file: Option<PathBuf>,
    },
    /// Explain a field, or list all fields.
    Explain {
        /// The field.
        key: Option<String>,
    },
    /// Print the JSON Schema.
    Schema,
    /// List what there is.
    List {
        /// Folder with scenarios, if one was named.
        dir: Option<PathBuf>,
    },
    /// Do something with a sweep.
    Sweep(SweepTask),
    /// Tell how two runs differ.
    Diff([SideTask; 2]),
    /// Compare two scenarios over replications.
    Compare(CompareTask),
    /// Execute block files.
    Exec(ExecTask),
    /// Make block files.
    ImportBlock(ImportTask),
    /// Print completions.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
}

/// Run a scenario.
#[derive(Debug)]
pub struct RunTask {
    /// The file.
    pub file: PathBuf,
    /// What is changed in it.
    pub changes: Changes,
    /// Where the results go, if it was said.
    pub out: Option<PathBuf>,
    /// Replace what is there.
    pub overwrite: bool,
    /// Host threads, if it was said.
    pub threads: Option<NonZeroUsize>,
    /// No progress lines.
    pub quiet: bool,
    /// The command as typed.
    pub command_line: String,
}

/// Check a scenario.
#[derive(Debug)]
pub struct CheckTask {
    /// The file.
    pub file: PathBuf,
    /// What is changed in it.
    pub changes: Changes,
    /// Print the plan of this arm in this notation, instead of a report.
    pub resolved: Option<(Notation, String)>,
}

/// Execute block files.
#[derive(Debug)]
pub struct ExecTask {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Threads of the parallel engine, if it was said.
    pub threads: Option<NonZeroUsize>,
}

/// Make block files from what a node tells.
#[derive(Debug)]
pub struct ImportTask {
    /// Address of the node.
    pub rpc: String,
    /// The blocks' numbers.
    pub numbers: Vec<u64>,
    /// The rules, if it was said.
    pub fork: Option<String>,
    /// The update fraction of the blob base fee, if it was said.
    pub blob_fee_fraction: Option<u64>,
    /// Where the files go.
    pub dir: PathBuf,
    /// For each answer of the node.
    pub timeout: Duration,
    /// For everything, if it was said.
    pub total_timeout: Option<Duration>,
    /// Repetitions of a request that is not answered.
    pub retries: u32,
    /// No progress line.
    pub quiet: bool,
}

/// Do something with a sweep.
#[derive(Debug)]
pub enum SweepTask {
    /// Say what it would be.
    Plan(SweepTarget),
    /// Run what is missing.
    Run(SweepRunTask),
    /// Say what is there.
    Status(SweepTarget),
    /// Make tables.
    Merge(MergeTask),
    /// Make the page.
    Report(SweepTarget),
    /// Print a job file.
    Emit {
        /// For this engine.
        engine: Engine,
        /// The sweep.
        target: SweepTarget,
        /// Parts.
        shards: NonZeroUsize,
        /// Runs at a time in a part.
        jobs: NonZeroUsize,
    },
}

/// A sweep and its folder.
#[derive(Debug)]
pub struct SweepTarget {
    /// The sweep file.
    pub file: PathBuf,
    /// Its folder.
    pub out: PathBuf,
    /// What is changed in it.
    pub changes: SweepChanges,
}

/// Run what is missing of a sweep.
#[derive(Debug)]
pub struct SweepRunTask {
    /// The sweep.
    pub target: SweepTarget,
    /// Runs at a time, if it was said.
    pub jobs: Option<NonZeroUsize>,
    /// The part to run.
    pub shard: Shard,
    /// Run again what failed.
    pub retry_failed: bool,
    /// A result folder for every run.
    pub reports: bool,
    /// No progress line.
    pub quiet: bool,
}

/// Make tables of a sweep's runs.
#[derive(Debug)]
pub struct MergeTask {
    /// The sweep.
    pub target: SweepTarget,
    /// Further folders.
    pub from: Vec<PathBuf>,
    /// Although runs are missing.
    pub partial: bool,
}

/// What runs shards side by side.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    /// A Slurm job array.
    Slurm,
    /// A HyperQueue task array.
    Hyperqueue,
    /// GNU parallel.
    GnuParallel,
}

/// One of two things to compare.
#[derive(Debug)]
pub struct SideTask {
    /// A scenario file or a result folder.
    pub path: PathBuf,
    /// Which run, if it was said.
    pub arm: Option<String>,
    /// What is changed in a scenario file.
    pub set: Vec<String>,
}

/// Compare two scenarios over replications.
#[derive(Debug)]
pub struct CompareTask {
    /// What is compared.
    pub sides: [SideTask; 2],
    /// Pairs of runs.
    pub replications: u32,
    /// Pairs at a time, if it was said.
    pub jobs: Option<NonZeroUsize>,
    /// Where the page goes.
    pub out: PathBuf,
    /// No progress line.
    pub quiet: bool,
    /// The command as typed.
    pub command_line: String,
}
