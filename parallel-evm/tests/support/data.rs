//! Recorded data that is not part of the tree. A test that needs some skips without it, and says so.

use std::{io::Write, path::PathBuf};

/// The folder with this part of the data; without, tells what is skipped.
pub fn part(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("LIGHTCONE_DATA") else {
        say(&format!("skipped: LIGHTCONE_DATA not set, no {name}"));
        return None;
    };
    let folder = PathBuf::from(root).join(name);
    if !folder.is_dir() {
        say(&format!("skipped: no {name} in LIGHTCONE_DATA: {} is no folder", folder.display()));
        return None;
    }
    Some(folder)
}

/// A line that is seen even if the test passes: not by a print macro, which the test harness would swallow.
pub fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).expect("stderr");
}
