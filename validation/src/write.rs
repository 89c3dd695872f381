//! The result folder: all of it under its name, or nothing.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What the folder holds.
const NAMES: [&str; 2] = ["index.html", "results.json"];

/// The page cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The place is taken by something that is not an earlier page.
    #[error("`{}` is in the way: {what}; give another folder with --out", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
        /// What is there.
        what: String,
    },
    /// The system refused.
    #[error("cannot write to `{}`: {source}", path.display())]
    Refused {
        /// The place asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Checks, before a long run, that the folder could be written. Leaves nothing behind but missing parents.
///
/// # Errors
/// As [`page`] would fail.
pub fn check(folder: &Path) -> Result<(), WriteError> {
    occupant(folder)?;
    let stage = stage(folder)?;
    fs::remove_dir(&stage).map_err(refused(folder))
}

/// Writes the folder under a temporary name beside its place, then renames it. An earlier page is replaced.
///
/// # Errors
/// Something else is in the way, or the system refused. Nothing partial is left.
pub fn page(folder: &Path, html: &str, json: &str) -> Result<(), WriteError> {
    occupant(folder)?;
    let stage = stage(folder)?;
    let done = fill(&stage, [html, json]).and_then(|()| swap(&stage, folder));
    if done.is_err() {
        let _ = fs::remove_dir_all(&stage);
    }
    done.map_err(refused(folder))
}

fn refused(folder: &Path) -> impl Fn(std::io::Error) -> WriteError + '_ {
    |source| WriteError::Refused { path: folder.to_owned(), source }
}

/// What is at the place may be replaced.
fn occupant(folder: &Path) -> Result<(), WriteError> {
    let taken = |what: String| Err(WriteError::Occupied { path: folder.to_owned(), what });
    let Ok(meta) = fs::symlink_metadata(folder) else { return Ok(()) };
    if !meta.is_dir() {
        return taken("it is not a folder".to_owned());
    }
    for entry in fs::read_dir(folder).map_err(refused(folder))? {
        let name = entry.map_err(refused(folder))?.file_name();
        if !NAMES.iter().any(|ours| name == *ours) {
            return taken(format!("it holds `{}`, which is not ours", name.display()));
        }
    }
    Ok(())
}

/// A new folder beside the place.
fn stage(folder: &Path) -> Result<PathBuf, WriteError> {
    let absolute = std::path::absolute(folder).map_err(refused(folder))?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        let what = "it has no name of its own".to_owned();
        return Err(WriteError::Occupied { path: folder.to_owned(), what });
    };
    fs::create_dir_all(parent).map_err(refused(folder))?;
    let stage = parent.join(format!(".{}.partial-{}", name.display(), std::process::id()));
    fs::create_dir(&stage).map_err(refused(folder))?;
    Ok(stage)
}

fn fill(stage: &Path, texts: [&str; 2]) -> std::io::Result<()> {
    for (name, text) in NAMES.iter().zip(texts) {
        let mut file = fs::File::create(stage.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(())
}

fn swap(stage: &Path, folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return fs::rename(stage, folder);
    }
    // A folder that is not empty cannot be renamed over: the earlier page steps aside first.
    let aside = stage.with_extension("old");
    fs::rename(folder, &aside)?;
    match fs::rename(stage, folder) {
        Ok(()) => fs::remove_dir_all(&aside),
        Err(error) => {
            fs::rename(&aside, folder)?;
            Err(error)
        }
    }
}
