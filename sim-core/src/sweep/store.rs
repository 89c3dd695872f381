//! The folder of a sweep: one file a run, named by content, complete or absent.
//!
//! ```text
//! DIR/sweep.json            what is being swept, by which engine: all that is needed to repeat it
//! DIR/runs/ENGINE/KEY.ron   one finished run; KEY hashes the resolved plan and what was pinned
//! DIR/contents/ENGINE/KEY   block contents that runs repeat
//! DIR/executions/ENGINE/..  executed blocks by content
//! DIR/reports/KEY/          a run's own report, where it was asked for
//! ```
//!
//! A file is written under a temporary name and renamed. Its first line holds a hash of the rest, so that a
//! damaged file (a full disk, a lost power supply) is found and counts as absent.

use super::changed::differences;
use super::load::Sweep;
use crate::execution::builder::ExecutionCache;
use alloy_primitives::keccak256;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Hash over the sources of this engine, 16 hex digits.
pub const ENGINE: &str = env!("LIGHTCONE_ENGINE");
/// First word of a run file; changes with what is kept of a run.
const RUN_FORMAT: &str = "lightcone-run/1";
/// Executed blocks kept in memory; all of them are in the folder as well. A block with its state takes up to some
/// megabytes, so this bounds what a sweep holds.
const CACHED_BLOCKS: usize = 128;
/// Marks `sweep.json`.
const SWEEP_FORMAT: &str = "lightcone-sweep/1";

/// The sweep's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something that is not a sweep's folder is there.
    #[error("{} exists and is not the folder of a sweep: it is left untouched, choose another", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The folder belongs to another sweep.
    #[error("{} holds the sweep `{found}`, not `{wanted}`: choose another folder", path.display())]
    OtherSweep {
        /// The folder.
        path: PathBuf,
        /// The sweep that is there.
        found: String,
        /// The sweep that was asked for.
        wanted: String,
    },
    /// The folder's sweep has the same name and asks for other runs.
    #[error(
        "{} holds another version of the sweep `{name}`: {}; nothing was changed there. Give another folder, such \
         as --out {}, or the values that it was run with (runs are named by what they depend on: those that both \
         versions share are found again if `runs` is copied over)",
        path.display(), differences.join("; "), free.display()
    )]
    Changed {
        /// The folder.
        path: PathBuf,
        /// The sweep.
        name: String,
        /// What differs.
        differences: Vec<String>,
        /// A folder that does not exist.
        free: PathBuf,
    },
    /// There is none.
    #[error("there is no sweep in {}: `headless sweep run` makes one", path.display())]
    Absent {
        /// The folder.
        path: PathBuf,
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
        source: io::Error,
    },
}

pub(crate) fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// Its name: a hash of the resolved plan and of what was pinned.
    pub key: String,
    /// The engine that ran it.
    pub engine: String,
    /// Seed of the run.
    pub seed: u64,
    /// It repeated block contents.
    pub pinned: bool,
    /// What came out.
    pub outcome: Outcome,
    /// Wall time, s. A fact about the host; enters no table.
    pub wall_seconds: f64,
}

impl RunFile {
    /// Equal but for facts about the host.
    pub fn same_result(&self, other: &Self) -> bool {
        (&self.key, &self.engine, self.seed, self.pinned, &self.outcome)
            == (&other.key, &other.engine, other.seed, other.pinned, &other.outcome)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// With numbers.
    Done {
        /// Digest of the run.
        digest: String,
        /// Numbers in the order of [`super::metrics::all`].
        metrics: Vec<Option<f64>>,
        /// Things to check before trusting them.
        warnings: Vec<String>,
    },
    /// Without: the plan makes no simulation, or the run broke.
    Failed {
        /// Why.
        error: String,
    },
}

/// What became of a run file.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// There is none.
    Absent,
    /// It is damaged, and counts as absent.
    Damaged,
    /// It is fine.
    Run(Box<RunFile>),
}

/// A sweep's folder.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where it is.
    pub dir: PathBuf,
}

/// What `sweep.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SweepManifest {
    /// Marks the file.
    pub format: String,
    /// The sweep's name.
    pub name: String,
    /// Version of Lightcone.
    pub version: String,
    /// Hash over the engine's sources.
    pub engine: String,
    /// Where the sweep file was.
    pub file: PathBuf,
    /// Changes from outside.
    pub set: Vec<String>,
    /// Replications from outside, in place of the file's.
    #[serde(default)]
    pub replications: Option<u32>,
    /// Text of the sweep file.
    pub text: String,
    /// Text of its scenario.
    pub scenario: String,
    /// Names of the axes.
    pub axes: Vec<String>,
    /// Distinct points.
    pub points: usize,
    /// Root of all seeds.
    pub seed: u64,
}

impl Store {
    /// The folder of a sweep to be run: made if absent, refused if it holds something else.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is overwritten.
    pub fn create(dir: &Path, sweep: &Sweep) -> Result<Self, StoreError> {
        let store = Self { dir: dir.to_owned() };
        match store.manifest() {
            Ok(found) => store.check_same(&found, sweep)?,
            Err(StoreError::Absent { .. }) => {
                // A call killed before its first manifest leaves `runs` or a temporary file.
                let ours = |name: &str| name == "runs" || name.starts_with(".sweep.json.");
                let mut entries = fs::read_dir(dir).into_iter().flatten().flatten();
                if dir.exists() && (!dir.is_dir() || !entries.all(|e| ours(&e.file_name().to_string_lossy())))
                {
                    return Err(StoreError::Foreign { path: dir.to_owned() });
                }
            }
            Err(error) => return Err(error),
        }
        let runs = store.runs();
        fs::create_dir_all(&runs).map_err(io_error("create", &runs))?;
        let manifest = SweepManifest {
            format: SWEEP_FORMAT.to_owned(),
            name: sweep.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: ENGINE.to_owned(),
            file: sweep.path.clone(),
            set: sweep.changes.set.clone(),
            replications: sweep.changes.replications,
            text: sweep.text.clone(),
            scenario: sweep.scenario_text().to_owned(),
            axes: sweep.axes.iter().map(|axis| axis.name.clone()).collect(),
            points: sweep.points.len(),
            seed: sweep.seed,
        };
        let mut text = serde_json::to_string_pretty(&manifest)
            .map_err(io::Error::other)
            .map_err(io_error("write", dir))?;
        text.push('\n');
        let path = dir.join("sweep.json");
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(store);
        }
        write_whole(&path, text.as_bytes())?;
        Ok(store)
    }

    /// Refuses a folder whose sweep is another one, or asks for other runs.
    fn check_same(&self, found: &SweepManifest, sweep: &Sweep) -> Result<(), StoreError> {
        let path = self.dir.clone();
        if found.name != sweep.name {
            let wanted = sweep.name.clone();
            return Err(StoreError::OtherSweep { path, found: found.name.clone(), wanted });
        }
        let now = (&sweep.text, sweep.scenario_text(), &sweep.changes.set);
        if (&found.text, found.scenario.as_str(), &found.set) == now {
            return Ok(());
        }
        let differences = match Sweep::of_manifest(found) {
            Ok(there) => differences(&there, sweep),
            Err(error) => Err(error),
        };
        let differences =
            differences.unwrap_or_else(|error| vec![format!("it cannot be read any more: {error}")]);
        if differences.is_empty() {
            return Ok(());
        }
        let free = |n: u32| self.dir.with_file_name(format!("{}-{n}", sweep.name));
        let free = (2..).map(free).find(|path| !path.exists()).unwrap_or_default();
        Err(StoreError::Changed { path, name: sweep.name.clone(), differences, free })
    }

    /// The folder of this sweep, which has been run.
    ///
    /// # Errors
    /// There is none, or it holds something else.
    pub fn open_for(dir: &Path, sweep: &Sweep) -> Result<Self, StoreError> {
        let store = Self { dir: dir.to_owned() };
        store.check_same(&store.manifest()?, sweep)?;
        Ok(store)
    }

    /// The folder of a sweep that has been run.
    ///
    /// # Errors
    /// There is none, or it holds something else.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let store = Self { dir: dir.to_owned() };
        store.manifest().map(|_| store)
    }

    /// What `sweep.json` says.
    ///
    /// # Errors
    /// There is none, or it is not ours.
    pub fn manifest(&self) -> Result<SweepManifest, StoreError> {
        let path = self.dir.join("sweep.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::Absent { path: self.dir.clone() });
            }
            Err(e) => return Err(io_error("read", &path)(e)),
        };
        serde_json::from_str(&text)
            .ok()
            .filter(|m: &SweepManifest| m.format == SWEEP_FORMAT)
            .ok_or_else(|| StoreError::Foreign { path: self.dir.clone() })
    }

    fn runs(&self) -> PathBuf {
        self.dir.join("runs").join(ENGINE)
    }

    /// Where a run's file is, or will be.
    pub fn run_path(&self, key: &str) -> PathBuf {
        self.runs().join(format!("{key}.ron"))
    }

    /// Executed blocks, shared between the runs of this and other processes.
    pub(super) fn executions(&self) -> Arc<ExecutionCache> {
        Arc::new(ExecutionCache::with_folder(CACHED_BLOCKS, self.dir.join("executions").join(ENGINE)))
    }

    /// Where a run's own report is, or would be.
    pub fn report_path(&self, key: &str) -> PathBuf {
        self.dir.join("reports").join(key)
    }

    /// A run's own report is there.
    pub fn has_report(&self, key: &str) -> bool {
        self.report_path(key).join("manifest.json").is_file()
    }

    /// Looks for a run.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn find(&self, key: &str) -> Result<Found, StoreError> {
        let path = self.run_path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Found::Absent);
            }
            Err(e) => return Err(io_error("read", &path)(e)),
        };
        let run = unsealed(RUN_FORMAT, &bytes)
            .and_then(|body| ron::de::from_bytes::<RunFile>(body).ok())
            .filter(|run| run.key == key && run.engine == ENGINE);
        Ok(run.map_or(Found::Damaged, |run| Found::Run(Box::new(run))))
    }

    /// Keeps a run.
    ///
    /// # Errors
    /// Writing failed; nothing partial is left under the run's name.
    pub fn keep(&self, run: &RunFile) -> Result<(), StoreError> {
        let path = self.run_path(&run.key);
        let body = ron::to_string(run).map_err(io::Error::other).map_err(io_error("write", &path))?;
        write_whole(&path, &sealed(RUN_FORMAT, body.as_bytes()))
    }

    /// Run files of other engines in this folder: (engine, how many).
    pub fn other_engines(&self) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.dir.join("runs")).into_iter().flatten().flatten() {
            let engine = entry.file_name().to_string_lossy().into_owned();
            let count = fs::read_dir(entry.path()).into_iter().flatten().flatten().count();
            if engine != ENGINE && count > 0 {
                found.push((engine, count));
            }
        }
        found.sort();
        found
    }
}

/// A text with a first line that vouches for it.
pub(super) fn sealed(format: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{format} {}\n", hash(body)).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// What follows the first line, if that vouches for it.
pub(super) fn unsealed<'b>(format: &str, bytes: &'b [u8]) -> Option<&'b [u8]> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    let (head, body) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]);
    (head == format!("{format} {}", hash(body))).then_some(body)
}

/// 128 bits of Keccak-256, as hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    keccak256(bytes).iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// Writes a file under a temporary name beside it and renames it. A process killed on the way leaves the
/// temporary file, which nothing reads.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_file_name(format!(".{name}.{}-{n}", std::process::id()));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        StoreError::Io { action: "write", path: path.to_owned(), source }
    })
}
