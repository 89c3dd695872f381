//! What can go wrong while writing results. Every variant names the path and says what to do next.

use std::path::{Path, PathBuf};

/// A result folder could not be written. Nothing partial is left behind.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// There is no run to write.
    #[error("no run to write to {}: the list of records is empty", path.display())]
    NoRuns {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The path has no last component that could be a folder's name.
    #[error("{} cannot be a result folder: the path must end in a folder name", path.display())]
    InvalidPath {
        /// The path asked for.
        path: PathBuf,
    },
    /// A finished result folder is already there.
    #[error("{} already holds results: choose another folder or allow overwriting", path.display())]
    Exists {
        /// The folder asked for.
        path: PathBuf,
    },
    /// Something that is not a result folder is already there; it is never deleted.
    #[error(
        "{} exists and is not a result folder ({found}): it is left untouched, choose another folder",
        path.display()
    )]
    NotAResultFolder {
        /// The folder asked for.
        path: PathBuf,
        /// What gave it away.
        found: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A table could not be encoded.
    #[error("cannot encode {}: {source}", path.display())]
    Table {
        /// The table's file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A value could not be written as JSON.
    #[error("cannot encode {}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

impl OutputError {
    /// The same error, with its path below `to` instead of below `from`.
    pub(crate) fn moved(mut self, from: &Path, to: &Path) -> Self {
        let path = match &mut self {
            Self::NoRuns { path }
            | Self::InvalidPath { path }
            | Self::Exists { path }
            | Self::NotAResultFolder { path, .. }
            | Self::Io { path, .. }
            | Self::Table { path, .. }
            | Self::Json { path, .. } => path,
        };
        if let Ok(rest) = path.strip_prefix(from) {
            *path = to.join(rest);
        }
        self
    }

    /// Wraps a table's error; an error of the file below it is reported as such.
    pub(crate) fn table(path: PathBuf, source: parquet::errors::ParquetError) -> Self {
        match source {
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
                Ok(io) => Self::Io { action: "write", path, source: *io },
                Err(other) => Self::Table { path, source: parquet::errors::ParquetError::External(other) },
            },
            source => Self::Table { path, source },
        }
    }
}
