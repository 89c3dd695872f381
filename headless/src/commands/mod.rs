//! One file a command.

mod check;
mod compare;
mod diff;
mod exec;
mod explain;
mod import_block;
mod list;
mod new;
mod run;
mod side;
mod sweep;

use crate::args;
use crate::failure::Failure;
use crate::task::Task;
use std::io::Write;

/// Does a task, writing what it has to say to `out`.
pub fn execute(task: Task, out: &mut dyn Write) -> Result<(), Failure> {
    match task {
        Task::Run(task) => run::run(&task, out),
        Task::Check(task) => check::check(&task, out),
        Task::New { file } => new::new(file.as_deref(), out),
        Task::Explain { key } => explain::explain(key.as_deref(), out),
        Task::Schema => Ok(writeln!(out, "{:#}", sim_core::scenario::explain::schema())?),
        Task::List { dir } => list::list(dir.as_deref(), out),
        Task::Sweep(task) => sweep::sweep(&task, out),
        Task::Diff(sides) => diff::diff(&sides, out),
        Task::Compare(task) => compare::compare(&task, out),
        Task::Exec(task) => exec::exec(&task, out),
        Task::ImportBlock(task) => import_block::import_block(&task, out),
        Task::Completions { shell } => {
            // clap_complete panics when it cannot write, so it writes to memory.
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut args::parser(), "headless", &mut text);
            Ok(out.write_all(&text)?)
        }
    }
}
