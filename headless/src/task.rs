//! The arguments as meant: what is to be done.

use sim_core::scenario::Changes;
use sim_core::scenario::describe::Notation;
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
    /// Repetitions of a request that is not answered.
    pub retries: u32,
}
