//! Scenario files in the window: what is open as text, what of it is saved, what of it runs.
//!
//! - `document`: the text; interventions get into it as they are made.
//! - `flow`: what the commands about files do, step by step.
//! - `desk`: the thread on which all of it is done that may take a while.
//! - `disk`, `check`: reading and writing files, finding what is wrong with a text.
//! - `chooser`, `system`: dialogs for paths, in the window and of the desktop.
//! - `question`, `recovery`: what is asked before work could be lost, and what survives a crash.
//! - `shipped`: the scenarios that come with the program.
//!
//! Must never be true: that the window waits for a disk or a dialog; that a file is half written, or replaced
//! without its owner's word; that unsaved work goes away unasked.

pub mod check;
mod chooser;
mod desk;
mod disk;
mod document;
mod flow;
mod question;
mod recovery;
pub mod shipped;
mod system;

pub use question::Intent;

use check::Checked;
use chooser::{Chooser, Purpose};
use desk::{Answer, Desk};
use document::Document;
use question::Question;
use recovery::{Recovery, Work};
use sim_core::scenario::explain::{Explanation, explain};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A pause in typing after which the text is looked at.
const PAUSE: Duration = Duration::from_millis(250);

/// All about files.
pub struct Files {
    /// What is open.
    pub document: Document,
    /// What the last check found, and of which text: number and version of the document.
    checked: Option<((u64, u64), Checked)>,
    /// The text whose check is under way.
    checking: Option<(u64, u64)>,
    /// When the text was last seen to change.
    changed: (u64, Instant),
    /// What is being read, with the document's version when that began.
    reading: Option<(PathBuf, u64)>,
    /// What is being written: what is to come after it.
    writing: Option<Option<Intent>>,
    /// A path is being chosen: what is to come after it is saved there.
    after_saving: Option<Intent>,
    asking_system: bool,
    desk: Desk,
    question: Option<Question>,
    chooser: Option<Chooser>,
    recovery: Recovery,
    meanings: BTreeMap<String, Option<Box<Explanation>>>,
    /// The window may close.
    closing: bool,
}

impl Files {
    /// Nothing open but an empty text; `wake` is called from another thread when there is something new.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            document: Document::new("untitled", ""),
            checked: None,
            checking: None,
            changed: (0, Instant::now()),
            reading: None,
            writing: None,
            after_saving: None,
            asking_system: false,
            desk: Desk::start(wake),
            question: None,
            chooser: None,
            recovery: Recovery::none(),
            meanings: BTreeMap::new(),
            closing: false,
        }
    }

    /// Keeps unsaved work in `folder` from now on, and looks there for that of windows that are gone.
    ///
    /// # Errors
    /// Why nothing can be kept there.
    pub fn recover_from(&mut self, folder: &Path) -> Result<(), String> {
        self.recovery = Recovery::within(folder)?;
        let folder = folder.to_path_buf();
        self.desk.ask(move || Answer::Found(recovery::orphans(&folder)));
        Ok(())
    }

    /// What is under way, in words; `None`: nothing.
    pub fn busy(&self) -> Option<String> {
        let reading = self.reading.as_ref().map(|(path, _)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            format!("Reading {name}")
        });
        reading.or_else(|| self.writing.is_some().then(|| "Saving".to_owned()))
    }

    /// The file that is being read is not wanted any more.
    pub fn cancel_reading(&mut self) {
        self.reading = None;
    }

    /// What is wrong with the text as it is, or as it was a moment ago; `None`: not yet known.
    pub fn checked(&self) -> Option<&Checked> {
        let number = self.document.number();
        self.checked.as_ref().filter(|((of, _), _)| *of == number).map(|(_, checked)| checked)
    }

    /// What a field means, once that is known; asks for it. `path` may go further than there are fields.
    pub fn meaning(&mut self, path: &str) -> Option<&Explanation> {
        if !self.meanings.contains_key(path) {
            self.meanings.insert(path.to_owned(), None);
            let path = path.to_owned();
            self.desk.ask(move || {
                // The nearest field of which something is known.
                let mut shorter = Some(path.as_str());
                let mut meaning = None;
                while let Some(key) = shorter.filter(|_| meaning.is_none()) {
                    meaning = explain(key).ok().filter(|e| e.path == key).map(Box::new);
                    shorter = key.rfind('.').map(|at| &key[..at]);
                }
                Answer::Explained { path, meaning }
            });
        }
        self.meanings.get(path)?.as_deref()
    }

    /// Has the text checked when its writer pauses, and its unsaved part kept.
    fn look_after(&mut self) {
        let now = (self.document.number(), self.document.version());
        if self.changed.0 != now.1 {
            self.changed = (now.1, Instant::now());
        }
        let known = self.checked.as_ref().is_some_and(|(of, _)| *of == now);
        if !known && self.checking.is_none() && self.changed.1.elapsed() >= PAUSE {
            self.check(false);
        }
        let document = &self.document;
        let work = document.is_dirty().then(|| Work {
            path: document.path.clone(),
            name: document.name(),
            text: document.text().to_owned(),
        });
        if let Some(keep) = self.recovery.keep(work) {
            self.desk.ask(move || keep().map_or_else(Answer::NotKept, |()| Answer::Done));
        }
    }

    /// Has the text checked now, and run if it can be.
    fn check(&mut self, run: bool) {
        let (number, version) = (self.document.number(), self.document.version());
        let (text, path) = (self.document.text().to_owned(), self.document.reference());
        self.checking = Some((number, version));
        self.desk.ask(move || {
            let checked = check::check(&text, &path);
            Answer::Checked { number, version: Some(version), run: run.then_some(text), checked }
        });
    }

    /// Something will have to be done in a moment, even if nothing happens.
    pub fn is_waiting(&self) -> bool {
        let now = (self.document.number(), self.document.version());
        let unchecked = self.checked.as_ref().is_none_or(|(of, _)| *of != now);
        unchecked || self.recovery.is_behind(self.document.is_dirty())
    }

    /// Opens the dialog for a path.
    fn choose(&mut self, purpose: Purpose, system: bool, start: PathBuf) {
        if self.asking_system || self.chooser.is_some() {
            return;
        }
        let reference = self.document.reference();
        let name = match purpose {
            Purpose::Save => reference.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Purpose::Open => String::new(),
        };
        if system && system::is_there() {
            self.asking_system = true;
            self.desk
                .ask_apart(move || Answer::Asked { purpose, asked: system::ask(purpose, &start, &name) });
        } else {
            self.chooser = Some(Chooser::new(purpose, &start, &name));
        }
    }

    /// Where a dialog begins.
    fn folder(&self, recent: &[PathBuf]) -> PathBuf {
        let last = self.document.path.as_deref().or(recent.first().map(PathBuf::as_path));
        let folder = last.and_then(Path::parent).map(Path::to_path_buf);
        folder.or_else(|| std::env::current_dir().ok()).unwrap_or_else(|| PathBuf::from("/"))
    }
}

/// What the window's title says.
pub fn title(files: &Files) -> String {
    let mark = if files.document.is_dirty() { "\u{25cf} " } else { "" };
    format!("{mark}{} \u{2014} Lightcone", files.document.name())
}

/// The interventions of the simulation are in the text.
pub fn follow(files: &mut Files, session: &crate::session::Session) {
    if session.comparison.is_none() {
        files.document.runs_only_in(session.generation());
    }
    if session.is_ready() {
        let list = Arc::clone(&session.frame.interventions);
        files.document.follow(session.generation(), &list);
    }
}
