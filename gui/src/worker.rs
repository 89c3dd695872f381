//! The thread that owns the simulation.
//!
//! The window sends [`Order`]s and reads the latest [`Frame`]; it never waits. The thread runs slices of a few
//! milliseconds, publishes a frame at most 30 times a second through one `Arc` that is swapped, keeps
//! checkpoints under a byte budget, and turns errors and panics into [`Report`]s.
//!
//! Must never be true: that the window blocks on this thread, or that a frame changes after it was published.

mod checkpoints;
mod compare;
mod pace;
mod publish;
mod run;
mod script;

pub use pace::Speed;
pub use run::words;

use crate::change::{Change, Intervention};
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Placement;
use sim_core::simulation::snapshot::{BlockKey, Request, Snapshot};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What the window asks of the worker.
pub enum Order {
    /// Begin anew with this plan; `generation` marks all frames and reports that belong to it.
    Open { plan: Box<Plan>, generation: u64, play: bool, first_ns: Option<u64> },
    /// Put the present simulation aside and run these side by side, the base first, up to a time, ns.
    Compare { plans: Vec<Plan>, generation: u64, until_ns: u64 },
    /// Take the simulation again that was put aside.
    EndComparison { generation: u64 },
    /// Go to the first moment at which an arm (1 is the first) parts from the base.
    FindDivergence(usize),
    /// Let time pass, or stop it.
    Play(bool),
    /// How fast it passes.
    Speed(Speed),
    /// Handle one event.
    StepEvent,
    /// Run until the next block is published.
    StepBlock,
    /// Go to a time, forward or back, ns.
    Seek(u64),
    /// What to look at closely.
    Watch(Request),
    /// An intervention, now.
    Apply(Change),
    /// Take the last intervention back: as if it had never been made.
    Undo,
    /// Make it again, at the time at which it was made.
    Redo,
    /// Panic, to see what becomes of the window.
    #[cfg(test)]
    Panic,
}

/// What the worker says beside frames, in order.
#[derive(Debug)]
pub enum Report {
    /// Simulations are set up: where their nodes are, and which repeat the base's blocks.
    Opened { generation: u64, placements: Vec<Arc<Placement>>, paired: Vec<bool> },
    /// It cannot be set up.
    Refused { generation: u64, reason: String },
    /// It stopped for good.
    Failed { generation: u64, reason: String },
    /// An intervention was not possible.
    ChangeRefused { reason: String },
    /// A replay came by a known time: the digest then and now.
    Replayed { at_ns: u64, equal: bool },
    /// The run is over: the digest of its record.
    Finished { digest: String },
    /// The search for a difference is over, whether it found one, was stopped or failed.
    SearchOver,
    /// Where an arm parts from the base; `None`: nowhere, up to the end.
    Diverged { arm: usize, found: Option<Diverged> },
}

/// Where an arm parts from the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged {
    /// First recorded second whose digests differ.
    pub second: u64,
    /// The nanosecond: equal before.
    pub at_ns: u64,
    /// Nodes that differ first, ascending; not empty.
    pub nodes: Vec<u32>,
    /// The block whose state at the first of them differs, if it is a block's.
    pub block: Option<BlockKey>,
}

/// Something that takes long.
#[derive(Clone, Debug, PartialEq)]
pub struct Busy {
    /// What.
    pub what: &'static str,
    /// How much of it is done, 0 to 1; `None`: nobody knows.
    pub share: Option<f32>,
}

/// The state of the simulation and of the worker at one instant. Never changes once published.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Number of the opened simulation; 0: none yet.
    pub generation: u64,
    /// Counts frames.
    pub number: u64,
    /// Time that all simulations have reached, ns.
    pub now_ns: u64,
    /// What the simulation looks like; of several, the base.
    pub snapshot: Snapshot,
    /// The arms it is compared with.
    pub arms: Vec<Snapshot>,
    /// Time passes.
    pub playing: bool,
    /// How fast it should.
    pub speed: Speed,
    /// How fast it did of late: simulated seconds a second.
    pub achieved: f64,
    /// Events handled a second of late.
    pub events_per_s: f64,
    /// Times of the checkpoints, ns.
    pub checkpoints: Arc<Vec<u64>>,
    /// What they hold, bytes.
    pub checkpoint_bytes: u64,
    /// Under way.
    pub busy: Option<Busy>,
    /// All interventions, in the order of their times.
    pub interventions: Arc<Vec<Intervention>>,
    /// Edits of that list that can be taken back, and made again.
    pub edits: (usize, usize),
    /// A replay was compared with what was there before: time and whether the digests are equal.
    pub verified: Option<(u64, bool)>,
    /// Once the run is over: the digests of the runs' records, the base's first. They are what the command line
    /// prints and result folders hold; a snapshot's is that of its moment.
    pub outcomes: Arc<Vec<String>>,
}

/// What both sides see.
struct Shared {
    latest: Mutex<Arc<Frame>>,
    cancel: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    fn publish(&self, frame: Arc<Frame>) -> Arc<Frame> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *latest, frame);
        drop(latest);
        (self.wake)();
        old
    }
}

/// Limits of the worker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Memory for checkpoints, bytes.
    pub checkpoint_bytes: u64,
    /// Memory the machine has left, bytes, if known.
    pub available_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        let available_bytes = available_bytes();
        // An eighth of what is free, at most 1 GiB.
        let checkpoint_bytes = available_bytes.map_or(256 << 20, |b| (b / 8).clamp(64 << 20, 1 << 30));
        Self { checkpoint_bytes, available_bytes }
    }
}

/// Memory that can be had without swapping; `None` where the system does not say.
pub fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The window's end of the worker. Dropping it stops the thread.
pub struct Worker {
    orders: Option<Sender<Order>>,
    reports: Receiver<Report>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread; `wake` is called from it whenever there is something new.
    pub fn start(limits: Limits, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (orders, inbox) = channel();
        let (outbox, reports) = channel();
        let shared = Arc::new(Shared {
            latest: Mutex::default(),
            cancel: AtomicBool::new(false),
            wake: Box::new(wake),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            let name = std::thread::Builder::new().name("simulation".to_owned());
            name.spawn(move || run::Runner::new(inbox, outbox, shared, limits).run())
        };
        Self { orders: Some(orders), reports, shared, thread: thread.ok() }
    }

    /// Asks for something; false when the thread is gone.
    pub fn send(&self, order: Order) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok())
    }

    /// The latest frame.
    pub fn latest(&self) -> Arc<Frame> {
        Arc::clone(&self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next report; `None` if there is none.
    pub fn report(&self) -> Option<Report> {
        self.reports.try_recv().ok()
    }

    /// Stops what takes long as soon as possible; where it stands then is where it stays.
    pub fn cancel(&self) {
        self.shared.cancel.store(true, Ordering::Relaxed);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cancel();
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported.
            let _ = thread.join();
        }
    }
}
