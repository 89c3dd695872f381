//! Makes `LIGHTCONE_ENGINE`: a hash over everything that can change the result of a run, so that results of
//! different engines are never mixed up.

use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// What decides results, from this folder. Left out: what only reads finished runs.
const SOURCES: [&str; 5] =
    ["src", "data", "../parallel-evm/src", "../parallel-evm/contracts", "../Cargo.lock"];
const LEFT_OUT: [&str; 5] =
    ["src/sweep", "src/compare", "src/observe/figures", "src/observe/plot", "src/observe/report"];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        walk(Path::new(source), &mut files);
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let bytes = fs::read(&file).unwrap_or_default();
        let name = file.to_string_lossy().replace('\\', "/");
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    let hex: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    println!("cargo:rustc-env=LIGHTCONE_ENGINE={hex}");
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
