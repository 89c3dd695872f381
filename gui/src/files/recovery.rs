//! Unsaved work that survives a crash: kept in a folder of the program's own, offered at the next start.
//!
//! Each window keeps its work in one file and holds a lock on another beside it. The system lets go of the lock
//! when the process ends, however it ends; so work whose lock can be had belongs to nobody any more.

use super::disk::{self, Replace, Unwritten};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two times that work is kept.
const EVERY: Duration = Duration::from_millis(1_500);

/// Unsaved work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Where the text is saved, if anywhere.
    pub path: Option<PathBuf>,
    /// What it was called.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Unsaved work of a window that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The work.
    pub work: Work,
    /// How long ago it was kept.
    pub age: Duration,
    file: PathBuf,
}

impl Kept {
    /// Deletes what is kept of it.
    pub fn forget(&self) {
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_file(self.file.with_extension("lock"));
    }
}

/// Where this window's work is kept.
pub struct Recovery {
    place: Option<Arc<Place>>,
    kept: Option<Work>,
    when: Option<Instant>,
}

/// The two files of a window.
struct Place {
    file: PathBuf,
    /// Held as long as the window is there.
    lock: File,
}

impl Recovery {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self { place: None, kept: None, when: None }
    }

    /// Keeps this window's work in `folder`.
    ///
    /// # Errors
    /// Why that is not possible.
    pub fn within(folder: &Path) -> Result<Self, String> {
        let place = Place::new(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(Self { place: Some(Arc::new(place)), kept: None, when: None })
    }

    /// What is to be done now so that `work` is kept; `None` as work: everything is saved.
    pub fn keep(&mut self, work: Option<Work>) -> Option<impl FnOnce() -> Result<(), String> + Send + use<>> {
        let place = Arc::clone(self.place.as_ref()?);
        // What is saved is let go of at once; what is typed is kept now and then.
        let due = work.is_none() || self.when.is_none_or(|at| at.elapsed() >= EVERY);
        if work == self.kept || !due {
            return None;
        }
        self.kept.clone_from(&work);
        self.when = Some(Instant::now());
        Some(move || match work {
            Some(work) => place.keep(&work),
            None => {
                let _ = fs::remove_file(&place.file);
                Ok(())
            }
        })
    }

    /// Whether there is something newer than what is kept, which [`Self::keep`] will keep in a moment.
    pub fn is_behind(&self, dirty: bool) -> bool {
        self.place.is_some() && dirty
    }
}

impl Place {
    fn new(folder: &Path) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let name = format!("{}-{}", std::process::id(), now.as_nanos());
        let file = folder.join(name).with_extension("ron");
        let lock = File::create(file.with_extension("lock"))?;
        lock.lock()?;
        Ok(Self { file, lock })
    }

    fn keep(&self, work: &Work) -> Result<(), String> {
        let text = ron::ser::to_string(work).map_err(|e| e.to_string())?;
        disk::write(&self.file, &text, &Replace::Anything).map_err(|e| match e {
            Unwritten::Failed(why) => why,
            Unwritten::Exists(why) => why.to_owned(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Without work the lock is of no use. With it, the window went without an answer: it is offered again.
        if !self.file.exists() {
            let _ = fs::remove_file(self.file.with_extension("lock"));
        }
        let _ = self.lock.unlock();
    }
}

/// Work in `folder` whose window is gone, newest first.
pub fn orphans(folder: &Path) -> Vec<Kept> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.path();
        let is_work = file.extension().is_some_and(|e| e == "ron");
        if !is_work || !is_free(&file.with_extension("lock")) {
            continue;
        }
        let text = fs::read_to_string(&file).ok();
        let Some(work) = text.and_then(|text| ron::from_str::<Work>(&text).ok()) else { continue };
        let kept = entry.metadata().and_then(|m| m.modified()).ok();
        let age = kept.and_then(|at| at.elapsed().ok()).unwrap_or_default();
        found.push(Kept { work, age, file });
    }
    found.sort_by_key(|kept| kept.age);
    found
}

/// Nobody holds this lock.
fn is_free(lock: &Path) -> bool {
    match File::open(lock) {
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(text: &str) -> Work {
        Work { path: Some("/a/b.ron".into()), name: "b".to_owned(), text: text.to_owned() }
    }

    fn keep(recovery: &mut Recovery, work: Option<Work>) {
        recovery.when = None;
        recovery.keep(work).expect("it is due")().expect("it is kept");
    }

    #[test]
    fn work_of_a_window_that_is_there_is_its_own_and_of_one_that_is_gone_is_found() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut one = Recovery::within(folder.path()).expect("it can keep");
        let mut other = Recovery::within(folder.path()).expect("it can keep");
        keep(&mut one, Some(work("\"one\"\n// \\")));
        keep(&mut other, Some(work("other")));
        assert_eq!(orphans(folder.path()), []);
        drop(one);
        let found = orphans(folder.path());
        assert_eq!(found.iter().map(|k| &k.work).collect::<Vec<_>>(), [&work("\"one\"\n// \\")]);
        found[0].forget();
        // What was saved in the end is not offered.
        keep(&mut other, None);
        drop(other);
        assert_eq!(orphans(folder.path()), []);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn the_same_work_is_kept_once_and_not_at_every_letter() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut recovery = Recovery::within(folder.path()).expect("it can keep");
        keep(&mut recovery, Some(work("a")));
        assert!(recovery.keep(Some(work("ab"))).is_none(), "too soon");
        recovery.when = None;
        assert!(recovery.keep(Some(work("a"))).is_none(), "nothing new");
        assert!(recovery.keep(Some(work("ab"))).is_some());
    }
}
