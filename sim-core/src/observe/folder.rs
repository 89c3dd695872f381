//! The result folder: all of it, or nothing.
//!
//! Everything is written into a hidden sibling folder, synced, and renamed into place, `manifest.json` last:
//! a folder with a manifest is complete. An existing result folder is replaced only when asked to, and only
//! if it holds nothing that we did not write; anything else that is in the way is left alone. Only a process
//! killed while it writes leaves its hidden folder (`.NAME.partial-PID-N`) behind; it is safe to delete.

use super::analysis::Analysis;
use super::error::OutputError;
use super::record::RunRecord;
use super::{figures, json, report, tables};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

/// What the caller knows about a run and the records do not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportMeta {
    /// Name of the scenario (its file stem).
    pub scenario_name: String,
    /// Head comment of the scenario: question, prediction.
    pub question: String,
    /// Command that reproduces the result.
    pub command_line: String,
    /// Version of Lightcone (with the commit, if known).
    pub version: String,
    /// Facts about the host (`cores`, `os`, ...); written to the manifest only.
    pub host: Vec<(String, String)>,
    /// Wall time of each run, s, in the order of the records; written to the manifest only.
    pub wall_seconds: Vec<f64>,
    /// Warnings about the scenario that no single run knows of.
    pub warnings: Vec<String>,
}

/// How to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Replace a result folder that is already there.
    pub overwrite: bool,
    /// Fail as a full disk does after this many bytes in all.
    pub limit_bytes: Option<u64>,
}

/// Names at the top of a result folder, besides the tables.
const OWN_NAMES: [&str; 5] = ["manifest.json", "summary.json", "report.html", "SCHEMA.md", "plots"];

/// Checks, before a long run, that a result folder could be written at `dir`. Leaves nothing behind.
///
/// # Errors
/// As [`write_results`] would fail: something is in the way, or the place is not writable.
pub fn check_destination(dir: &Path, options: &WriteOptions) -> Result<(), OutputError> {
    let dir = destination(dir)?;
    check_occupant(&dir, options.overwrite)?;
    Staging::new(&dir).map(drop)
}

/// Writes a result folder at `dir`; missing parents are created.
///
/// # Errors
/// There is no run, something is in the way, or writing failed. Nothing partial is left behind.
pub fn write_results(
    dir: &Path,
    records: &[RunRecord],
    analysis: &Analysis,
    meta: &ReportMeta,
    options: &WriteOptions,
) -> Result<(), OutputError> {
    if records.is_empty() {
        return Err(OutputError::NoRuns { path: dir.to_owned() });
    }
    let dir = destination(dir)?;
    check_occupant(&dir, options.overwrite)?;
    let mut staging = Staging::new(&dir)?;
    // Errors name the place asked for, not the hidden one.
    fill(&staging.path, records, analysis, meta, options).map_err(|e| e.moved(&staging.path, &dir))?;
    staging.publish(&dir, options.overwrite)
}

/// Writes everything into an empty folder, the manifest last.
fn fill(
    dir: &Path,
    records: &[RunRecord],
    analysis: &Analysis,
    meta: &ReportMeta,
    options: &WriteOptions,
) -> Result<(), OutputError> {
    let mut left = options.limit_bytes.unwrap_or(u64::MAX);
    for table in &tables::ALL {
        let path = dir.join(table.file);
        let mut file = Output::create(&path, &mut left)?;
        (table.write)(records, &mut file).map_err(|e| OutputError::table(path.clone(), e))?;
        file.finish(&path)?;
    }
    let figures = figures::all(records);
    let plots = dir.join("plots");
    fs::create_dir(&plots).map_err(io_error("create", &plots))?;
    for figure in &figures {
        write_file(&plots.join(format!("{}.svg", figure.name)), &figure.svg, &mut left)?;
        write_file(&plots.join(format!("{}.csv", figure.name)), &figure.table.csv(), &mut left)?;
    }
    let as_json = |name: &str, text: serde_json::Result<String>| {
        text.map_err(|source| OutputError::Json { path: dir.join(name), source })
    };
    let summary = as_json("summary.json", json::summary(analysis, meta))?;
    let manifest = as_json("manifest.json", json::manifest(records, meta))?;
    let html = report::html(records, analysis, meta, &figures);
    for (name, text) in [
        ("SCHEMA.md", &tables::schema_markdown()),
        ("report.html", &html),
        ("summary.json", &summary),
        ("manifest.json", &manifest),
    ] {
        write_file(&dir.join(name), text, &mut left)?;
    }
    sync_folder(&plots);
    sync_folder(dir);
    Ok(())
}

/// The destination with a name and an absolute, link-free parent where it exists.
fn destination(dir: &Path) -> Result<PathBuf, OutputError> {
    let invalid = || OutputError::InvalidPath { path: dir.to_owned() };
    if !matches!(dir.components().next_back(), Some(Component::Normal(_))) {
        return Err(invalid());
    }
    // A link to a folder is followed, so that the folder is replaced and not the link.
    if dir.is_dir() {
        return fs::canonicalize(dir).map_err(io_error("read", dir));
    }
    Ok(match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => dir.to_owned(),
        _ => Path::new(".").join(dir),
    })
}

/// Refuses what may not be replaced.
fn check_occupant(dir: &Path, overwrite: bool) -> Result<(), OutputError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !dir.is_symlink() => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory && fs::symlink_metadata(dir).is_err() => {
            // A component above is a regular file.
            return Err(OutputError::Io { action: "create", path: dir.to_owned(), source: e });
        }
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            return Err(OutputError::Io { action: "read", path: dir.to_owned(), source: e });
        }
        Err(_) => {
            let found = "it is not a folder".to_owned();
            return Err(OutputError::NotAResultFolder { path: dir.to_owned(), found });
        }
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("read", dir))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    let ours = |name: &str| OWN_NAMES.contains(&name) || tables::ALL.iter().any(|t| t.file == name);
    if let Some(foreign) = names.iter().find(|name| !ours(name)) {
        let found = format!("it holds {foreign}");
        return Err(OutputError::NotAResultFolder { path: dir.to_owned(), found });
    }
    let manifest = fs::read_to_string(dir.join("manifest.json")).unwrap_or_default();
    if !manifest.contains(json::FORMAT) {
        let found = "it has no manifest of ours".to_owned();
        return Err(OutputError::NotAResultFolder { path: dir.to_owned(), found });
    }
    if overwrite { Ok(()) } else { Err(OutputError::Exists { path: dir.to_owned() }) }
}

/// A hidden sibling folder; removed with its contents unless published.
struct Staging {
    path: PathBuf,
    /// Parents created for it, innermost first; removed again (if empty) unless published.
    created_parents: Vec<PathBuf>,
    published: bool,
}

impl Staging {
    fn new(dir: &Path) -> Result<Self, OutputError> {
        let parent = dir.parent().unwrap_or_else(|| Path::new("."));
        let mut staging = Self { path: PathBuf::new(), created_parents: Vec::new(), published: false };
        let absent = parent.ancestors().filter(|a| !a.as_os_str().is_empty()).take_while(|a| !a.is_dir());
        for ancestor in absent.collect::<Vec<_>>().into_iter().rev() {
            match fs::create_dir(ancestor) {
                Ok(()) => staging.created_parents.insert(0, ancestor.to_owned()),
                // Somebody else, perhaps another thread, has made it meanwhile: not ours to remove.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && ancestor.is_dir() => {}
                Err(source) => {
                    return Err(OutputError::Io { action: "create", path: ancestor.to_owned(), source });
                }
            }
        }
        let path = unused_sibling(dir, "partial");
        fs::create_dir(&path).map_err(io_error("create", dir))?;
        staging.path = path;
        Ok(staging)
    }

    /// Moves the finished folder to its place.
    fn publish(&mut self, dir: &Path, overwrite: bool) -> Result<(), OutputError> {
        check_occupant(dir, overwrite)?;
        if dir.is_dir() {
            // Removes it only if empty.
            if fs::remove_dir(dir).is_err() {
                let old = unused_sibling(dir, "replaced");
                fs::rename(dir, &old).map_err(io_error("replace", dir))?;
                if let Err(source) = fs::rename(&self.path, dir) {
                    // Puts the old one back; if that fails too, it is still there under its hidden name.
                    let _ = fs::rename(&old, dir);
                    return Err(OutputError::Io { action: "replace", path: dir.to_owned(), source });
                }
                self.published = true;
                let removed = fs::remove_dir_all(&old).map_err(io_error("remove the old results in", &old));
                sync_parent(dir);
                return removed;
            }
        }
        fs::rename(&self.path, dir).map_err(io_error("create", dir))?;
        self.published = true;
        sync_parent(dir);
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.path);
        }
        for parent in &self.created_parents {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// A name beside `dir` that is not taken: `.NAME.WHAT`, `.NAME.WHAT-1`, ...
fn unused_sibling(dir: &Path, what: &str) -> PathBuf {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let parent = dir.parent().unwrap_or_else(|| Path::new("."));
    let process = std::process::id();
    let mut n = 0_u32;
    loop {
        let path = parent.join(format!(".{name}.{what}-{process}-{n}"));
        if fs::symlink_metadata(&path).is_err() {
            return path;
        }
        n += 1;
    }
}

/// A buffered file that counts its bytes against what is left.
struct Output<'a> {
    file: BufWriter<fs::File>,
    left: &'a mut u64,
}

impl<'a> Output<'a> {
    fn create(path: &Path, left: &'a mut u64) -> Result<Self, OutputError> {
        let file = fs::File::create_new(path).map_err(io_error("create", path))?;
        Ok(Self { file: BufWriter::with_capacity(1 << 16, file), left })
    }

    /// Flushes and syncs.
    fn finish(self, path: &Path) -> Result<(), OutputError> {
        let file = self.file.into_inner().map_err(|e| e.into_error()).map_err(io_error("write", path))?;
        file.sync_all().map_err(io_error("write", path))
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > *self.left {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.file.write(bytes)?;
        *self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write_file(path: &Path, text: &str, left: &mut u64) -> Result<(), OutputError> {
    let mut file = Output::create(path, left)?;
    file.write_all(text.as_bytes()).map_err(io_error("write", path))?;
    file.finish(path)
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> OutputError + 'a {
    move |source| OutputError::Io { action, path: path.to_owned(), source }
}

/// Best effort: not every system can sync a folder.
fn sync_folder(path: &Path) {
    if let Ok(folder) = fs::File::open(path) {
        let _ = folder.sync_all();
    }
}

fn sync_parent(dir: &Path) {
    if let Some(parent) = dir.parent() {
        sync_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    }
}
