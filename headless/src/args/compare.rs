//! Arguments of `diff` and `compare`.

use super::command_line;
use crate::task::{CompareTask, SideTask, Task};
use clap::Args;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

/// Two things to compare.
#[derive(Debug, Args)]
pub struct Sides {
    /// The first: a scenario file or a result folder
    a: PathBuf,
    /// The second
    b: PathBuf,
    /// Which run of the first, if it has arms [default: its base]
    #[arg(long, value_name = "NAME")]
    arm_a: Option<String>,
    /// Which run of the second
    #[arg(long, value_name = "NAME")]
    arm_b: Option<String>,
    /// Change a value in both that are scenario files, such as nodes.count=100 (may be repeated)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
}

impl Sides {
    fn meant(self) -> [SideTask; 2] {
        let side = |path, arm| SideTask { path, arm, set: self.set.clone() };
        [side(self.a, self.arm_a), side(self.b, self.arm_b)]
    }
}

#[derive(Debug, Args)]
pub struct DiffArgs {
    #[command(flatten)]
    sides: Sides,
}

impl DiffArgs {
    /// What is to be done.
    pub fn meant(self) -> Task {
        Task::Diff(self.sides.meant())
    }
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    sides: Sides,
    /// Pairs of runs
    #[arg(long, value_name = "N", default_value = "10")]
    replications: NonZeroU32,
    /// Pairs at a time; never changes a result [default: all cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Folder for the page; holds nothing or an earlier comparison [default: results/compare]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// No progress line
    #[arg(long, short)]
    quiet: bool,
}

impl CompareArgs {
    /// What is to be done.
    pub fn meant(self) -> Task {
        let Self { sides, replications, jobs, out, quiet } = self;
        let out = out.unwrap_or_else(|| PathBuf::from("results/compare"));
        let (sides, replications) = (sides.meant(), replications.get());
        Task::Compare(CompareTask { sides, replications, jobs, out, quiet, command_line: command_line() })
    }
}
