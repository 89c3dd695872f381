//! Makes `LIGHTCONE_ENGINE`: a hash over everything that can change the result of a run, so that results of
//! different engines are never mixed up.

#[path = "build/sources.rs"]
mod sources;

use sha2::{Digest, Sha256};
use std::fs;

fn main() {
    for source in sources::SOURCES {
        println!("cargo:rerun-if-changed={source}");
    }
    let mut hash = Sha256::new();
    for file in sources::files() {
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
