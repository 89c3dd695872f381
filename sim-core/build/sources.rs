//! Which files decide what a run's file holds. Their hash names the engine, so that results of different engines are
//! never mixed up. A new file counts until it is listed as one that only reads finished runs.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files, from the package's folder.
pub const SOURCES: [&str; 5] =
    ["src", "data", "../parallel-evm/src", "../parallel-evm/contracts", "../Cargo.lock"];
/// Left out: what lays out a design (a run's plan is in its name), or only reads finished runs.
pub const LEFT_OUT: [&str; 20] = [
    "src/compare",
    "src/observe/figures",
    "src/observe/plot",
    "src/observe/report",
    "src/sweep/alike.rs",
    "src/sweep/axis.rs",
    "src/sweep/changed.rs",
    "src/sweep/constraint.rs",
    "src/sweep/design.rs",
    "src/sweep/effects.rs",
    "src/sweep/figures",
    "src/sweep/figures.rs",
    "src/sweep/grid.rs",
    "src/sweep/load.rs",
    "src/sweep/merge.rs",
    "src/sweep/mod.rs",
    "src/sweep/report.rs",
    "src/sweep/spec.rs",
    "src/sweep/stats.rs",
    "src/sweep/tables.rs",
];

/// The files, sorted.
pub fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    SOURCES.iter().for_each(|source| walk(Path::new(source), &mut files));
    files.sort();
    files
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    if LEFT_OUT.iter().any(|left_out| Path::new(left_out) == path) {
        return;
    }
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| walk(&entry.path(), files)),
        Err(_) => files.push(path.to_owned()),
    }
}
