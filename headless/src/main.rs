//! The command line of Lightcone.
//!
//! Shape: `args` holds the arguments as typed, `task` what they mean; each command is a file in `commands`
//! that writes to the output it is given and returns a [`Failure`] with one readable message.
//!
//! Exit codes: 0 fine, 1 a run or writing its results failed, 2 bad input, 3 a sweep went through and some of its runs
//! failed.

mod args;
mod commands;
mod failure;
mod import;
mod memory;
mod task;

use failure::Failure;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let task = match args::parse() {
        Ok(task) => task,
        // Help and version are not errors; clap knows, and uses code 2 for the others.
        Err(error) => error.exit(),
    };
    let mut out = std::io::stdout().lock();
    let done = commands::execute(task, &mut out).and_then(|()| out.flush().map_err(Failure::from));
    match done {
        Ok(()) | Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(failure) => {
            // If even that cannot be written, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
