//! The arguments as typed.

mod compare;
mod sweep;

use crate::task::{CheckTask, ExecTask, ImportTask, RunTask, Task};
use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use compare::{CompareArgs, DiffArgs};
use sim_core::scenario::Changes;
use sim_core::scenario::describe::Notation;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use sweep::SweepCommand;

/// Lightcone: what limits a blockchain, its wires or its virtual machine?
#[derive(Debug, Parser)]
#[command(name = "headless", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario and its arms; ends with the answer and a report
    Run(RunArgs),
    /// Check a scenario file: what was understood, warnings, and what it will cost
    Check(CheckArgs),
    /// Write a commented scenario to start from
    New {
        /// File to write; printed if absent. Never overwritten.
        file: Option<PathBuf>,
    },
    /// Say what a field of a scenario means: its form, default, bounds and source
    Explain {
        /// Path or name of a field, such as `network.gossip` or `attest_by`; all fields if absent
        key: Option<String>,
    },
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// List the scenarios of a folder, and the presets and tables a scenario can name
    List {
        /// Folder with scenario files [default: ./scenarios]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Many runs of one scenario with some of its values varied: plan, run, resume, merge, hand to a cluster
    #[command(subcommand)]
    Sweep(SweepCommand),
    /// Run two things again beside each other: what changed going in, what came out differently, and the first node
    /// and moment at which they part
    Diff(DiffArgs),
    /// Run two things in pairs with shared random numbers: differences with intervals, and a page with both over
    /// each other
    Compare(CompareArgs),
    /// Execute recorded blocks serially and in parallel, compare with their headers, tell what was gained
    ///
    /// Compared are gas used, logs bloom and receipts root, as far as the header has them, and that number, time, miner
    /// and base fee are those of the execution environment; state and transactions root and the block's own hash are not.
    /// Exit codes: 0 all agree, 1 a block differs or cannot be executed, 2 a file cannot be read.
    Exec {
        /// Block files (evm-block/1), .json or .json.gz
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Threads of the parallel engine [default: all cores]
        #[arg(long, value_name = "N")]
        threads: Option<NonZeroUsize>,
    },
    /// Make block files from a node's ordinary JSON-RPC methods, each checked against its header
    ImportBlock {
        /// Address of a node that knows the state before the blocks
        #[arg(long, value_name = "URL")]
        rpc: String,
        /// Numbers of the blocks
        #[arg(required = true)]
        numbers: Vec<u64>,
        /// Rules in force; needed for chains other than the Ethereum main net
        #[arg(long, value_parser = PossibleValuesParser::new(parallel_evm::evm_block::FORKS))]
        fork: Option<String>,
        /// Update fraction of the blob base fee, where it is not the fork's own (EIP-7892)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        blob_fee_fraction: Option<u64>,
        /// Folder for the files
        #[arg(long, default_value = ".")]
        dir: PathBuf,
        /// Seconds to wait for each answer of the node
        #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
        timeout: u64,
        /// Seconds for all blocks together; what is not done by then is given up
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
        total_timeout: Option<u64>,
        /// How often to repeat a request that is not answered
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=10))]
        retries: u32,
        /// No progress line
        #[arg(long)]
        quiet: bool,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What a scenario is loaded with, the same for every command that takes one.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// Scenario file, RON or JSON
    pub scenario: PathBuf,
    /// Change a value of the base, such as network.gossip=Flood (may be repeated)
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Compare with a further arm that changes a value (may be repeated)
    #[arg(long, value_name = "PATH=VALUE")]
    pub vs: Vec<String>,
    /// Replace the seed
    #[arg(long)]
    pub seed: Option<u64>,
}

impl ScenarioArgs {
    /// The file and what is changed in it.
    pub fn meant(self) -> (PathBuf, Changes) {
        (self.scenario, Changes { set: self.set, vs: self.vs, seed: self.seed })
    }
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Folder for the results; must not exist [default: results/NAME, replaced]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a result folder that is already at --out
    #[arg(long)]
    overwrite: bool,
    /// Host threads to use; never changes a result [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// No progress lines
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Print the resolved plan instead, every default filled in
    #[arg(long, value_name = "NOTATION", num_args = 0..=1, require_equals = true, default_missing_value = "ron")]
    resolved: Option<NotationArg>,
    /// Which arm to print with --resolved [default: base]
    #[arg(long, requires = "resolved", value_name = "NAME")]
    arm: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NotationArg {
    Ron,
    Json,
}

/// Reads the process's arguments and says what they mean.
pub fn parse() -> Result<Task, clap::Error> {
    Cli::try_parse().map(|cli| cli.command.meant())
}

/// The parser itself, for completions.
pub fn parser() -> clap::Command {
    Cli::command()
}

impl Command {
    fn meant(self) -> Task {
        match self {
            Self::Run(args) => {
                let RunArgs { scenario, out, overwrite, threads, quiet } = args;
                let (file, changes) = scenario.meant();
                let command_line = command_line();
                Task::Run(RunTask { file, changes, out, overwrite, threads, quiet, command_line })
            }
            Self::Check(args) => {
                let (file, changes) = args.scenario.meant();
                let notation = args.resolved.map(|n| match n {
                    NotationArg::Ron => Notation::Ron,
                    NotationArg::Json => Notation::Json,
                });
                let arm = args.arm.unwrap_or_else(|| "base".to_owned());
                Task::Check(CheckTask { file, changes, resolved: notation.map(|n| (n, arm)) })
            }
            Self::New { file } => Task::New { file },
            Self::Explain { key } => Task::Explain { key },
            Self::Schema => Task::Schema,
            Self::List { dir } => Task::List { dir },
            Self::Sweep(command) => command.meant(),
            Self::Diff(args) => args.meant(),
            Self::Compare(args) => args.meant(),
            Self::Exec { files, threads } => Task::Exec(ExecTask { files, threads }),
            Self::ImportBlock {
                rpc,
                numbers,
                fork,
                blob_fee_fraction,
                dir,
                timeout,
                total_timeout,
                retries,
                quiet,
            } => Task::ImportBlock(ImportTask {
                rpc,
                numbers,
                fork,
                blob_fee_fraction,
                dir,
                timeout: Duration::from_secs(timeout),
                total_timeout: total_timeout.map(Duration::from_secs),
                retries,
                quiet,
            }),
            Self::Completions { shell } => Task::Completions { shell },
        }
    }
}

/// The command as typed, for the report; arguments with blanks or quotes are quoted for a POSIX shell.
fn command_line() -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@%".contains(c);
    let quoted = |arg: String| {
        if !arg.is_empty() && arg.chars().all(plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', "'\\''"))
        }
    };
    let arguments = std::env::args_os().skip(1).map(|a| quoted(a.to_string_lossy().into_owned()));
    std::iter::once("headless".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}
