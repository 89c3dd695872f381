//! A thread for all that may take a while: disks, parsing, explaining. Jobs are done in order; each has one
//! answer. The window never waits for it.

use super::check::Checked;
use super::chooser::{Listing, Purpose};
use super::disk::Unwritten;
use super::recovery::Kept;
use super::system::Asked;
use sim_core::scenario::explain::Explanation;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// What has become of a job.
#[derive(Debug)]
pub enum Answer {
    /// A file was read to be opened.
    Read { path: PathBuf, text: Result<(String, Checked), String> },
    /// A text was checked, that of the document in a version or else what runs; it is to be run, if it was
    /// checked for that.
    Checked { number: u64, version: Option<u64>, run: Option<String>, checked: Checked },
    /// A file was written, or not.
    Written { path: PathBuf, text: String, result: Result<(), Unwritten> },
    /// A folder was looked into.
    Listed(Listing),
    /// A dialog of the desktop was answered.
    Asked { purpose: Purpose, asked: Asked },
    /// Unsaved work of former windows.
    Found(Vec<Kept>),
    /// Unsaved work could not be kept for the case of a crash.
    NotKept(String),
    /// What a field means.
    Explained { path: String, meaning: Option<Box<Explanation>> },
    /// Done, and nothing to say.
    Done,
    /// A job panicked.
    Panicked(String),
}

type Job = Box<dyn FnOnce() -> Answer + Send>;

/// The window's end.
pub struct Desk {
    jobs: Option<Sender<Job>>,
    answers: Receiver<Answer>,
    outbox: Sender<Answer>,
    wake: Arc<dyn Fn() + Send + Sync>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Starts the thread; `wake` is called from it when there is an answer.
    pub fn start(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (jobs, inbox) = channel::<Job>();
        let (outbox, answers) = channel();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let thread = {
            let (outbox, wake) = (outbox.clone(), Arc::clone(&wake));
            let name = std::thread::Builder::new().name("files".to_owned());
            name.spawn(move || {
                for job in inbox {
                    let answer = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
                        Answer::Panicked(crate::worker::words(panic.as_ref()).to_owned())
                    });
                    let _ = outbox.send(answer);
                    wake();
                }
            })
        };
        Self { jobs: Some(jobs), answers, outbox, wake, thread: thread.ok() }
    }

    /// Asks for something.
    pub fn ask(&self, job: impl FnOnce() -> Answer + Send + 'static) {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Box::new(job)).is_ok());
        if !sent {
            let _ = self.outbox.send(Answer::Panicked("the thread for files is gone".to_owned()));
        }
    }

    /// Asks for something on a thread of its own, because it waits for a person.
    pub fn ask_apart(&self, job: impl FnOnce() -> Answer + Send + 'static) {
        let (outbox, wake) = (self.outbox.clone(), Arc::clone(&self.wake));
        std::thread::spawn(move || {
            let answer = catch_unwind(AssertUnwindSafe(job))
                .unwrap_or_else(|panic| Answer::Panicked(crate::worker::words(panic.as_ref()).to_owned()));
            let _ = outbox.send(answer);
            wake();
        });
    }

    /// The next answer; `None` if there is none yet.
    pub fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // What has been asked for is still done: a save is not lost because the window closes.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
