//! Why a command did not do what it was asked, and the exit code that says so.

use sim_core::scenario::ScenarioError;
use std::io;

/// Why a command failed. Prints as one message.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The input is at fault; exit code 2.
    #[error("{0}")]
    BadInput(String),
    /// The scenario is at fault; exit code 2.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The run, or writing its results, failed; exit code 1.
    #[error("{0}")]
    Failed(String),
    /// A sweep went through and some of its runs failed; exit code 3.
    #[error("{0}")]
    SomeRunsFailed(String),
    /// Whoever read our output stopped, as `| head` does: not an error.
    #[error("nobody reads the output")]
    ReaderGone,
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Failed(_) => 1,
            Self::BadInput(_) | Self::Scenario(_) => 2,
            Self::SomeRunsFailed(_) => 3,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Failed(format!("cannot write the output: {error}")),
        }
    }
}
