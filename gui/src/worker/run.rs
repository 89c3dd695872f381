//! The thread's loop: obeys orders, lets time pass, publishes frames.

use super::checkpoints::Checkpoints;
use super::pace::{Pace, Speed};
use super::script::Script;
use super::{Busy, Frame, Limits, Order, Report, Shared};
use crate::change;
use sim_core::kernel::digest::Digest;
use sim_core::kernel::time::SimTime;
use sim_core::scenario::estimate::estimate;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::snapshot::Request;
use sim_core::simulation::{Observer, Resources, Simulation};
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

/// A slice of work between two looks at the orders.
const SLICE: Duration = Duration::from_millis(8);
/// Events between two looks at the clock.
const EVENTS: u64 = 2_000;
/// Time between frames.
const FRAME: Duration = Duration::from_millis(33);
/// Least simulated time between checkpoints, ns.
const SPACING_NS: u64 = 250_000_000;

/// Places that were left whose digests are remembered.
const MARKS_MAX: usize = 1_000;

/// A simulation and what belongs to it.
struct Live {
    generation: u64,
    simulation: Simulation,
    observer: Observer,
    checkpoints: Checkpoints,
    checkpoint_cost: Duration,
    checkpointed: Instant,
    script: Script,
    pace: Pace,
    meter: Meter,
    verified: Option<(u64, bool)>,
    /// Everything before the present has happened, and nothing of it.
    exact: bool,
    /// Digests at places that were left, by time, ns.
    marks: BTreeMap<u64, Digest>,
    finished: bool,
}

/// Measures speed over the last frames.
struct Meter {
    since: Instant,
    events: u64,
    sim_ns: u64,
    achieved: f64,
    events_per_s: f64,
}

/// The worker's side.
pub struct Runner {
    inbox: Receiver<Order>,
    outbox: Sender<Report>,
    shared: Arc<Shared>,
    limits: Limits,
    queue: VecDeque<Order>,
    gone: bool,
    live: Option<Live>,
    generation: u64,
    playing: bool,
    speed: Speed,
    request: Request,
    spare: Vec<Arc<Frame>>,
    number: u64,
    published: Option<Instant>,
    publish_cost: Duration,
}

impl Runner {
    /// A worker without a simulation.
    pub fn new(inbox: Receiver<Order>, outbox: Sender<Report>, shared: Arc<Shared>, limits: Limits) -> Self {
        Self {
            inbox,
            outbox,
            shared,
            limits,
            queue: VecDeque::new(),
            gone: false,
            live: None,
            generation: 0,
            playing: false,
            speed: Speed::default(),
            request: Request::default(),
            spare: Vec::new(),
            number: 0,
            published: None,
            publish_cost: Duration::ZERO,
        }
    }

    /// Runs until the window is gone.
    pub fn run(mut self) {
        while !self.gone {
            self.collect();
            if let Some(order) = self.queue.pop_front() {
                self.shared.cancel.store(false, Ordering::Relaxed);
                self.guarded(|runner| runner.obey(order));
            } else if self.playing && self.live.as_ref().is_some_and(|l| !l.finished) {
                self.guarded(Self::slice);
            } else {
                match self.inbox.recv() {
                    Ok(order) => self.queue.push_back(order),
                    Err(_) => return,
                }
            }
        }
    }

    /// Takes in waiting orders.
    fn collect(&mut self) {
        loop {
            match self.inbox.try_recv() {
                // Only the last place to go to and the last thing to look at count.
                Ok(order) => {
                    if matches!(order, Order::Seek(_)) {
                        self.queue.retain(|o| !matches!(o, Order::Seek(_)));
                    }
                    if matches!(order, Order::Watch(_)) {
                        self.queue.retain(|o| !matches!(o, Order::Watch(_)));
                    }
                    self.queue.push_back(order);
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.gone = true;
                    return;
                }
            }
        }
    }

    /// Does something that may fail or panic; either ends the simulation, not the thread.
    fn guarded(&mut self, action: impl FnOnce(&mut Self) -> Result<(), String>) {
        let reason = match catch_unwind(AssertUnwindSafe(|| action(self))) {
            Ok(Ok(())) => return,
            Ok(Err(reason)) => reason,
            Err(panic) => format!("the simulator panicked: {}", words(panic.as_ref())),
        };
        self.playing = false;
        // What it was is gone; what it looked like last stays visible.
        self.live = None;
        let generation = self.generation;
        let _ = self.outbox.send(Report::Failed { generation, reason });
        let latest = self.shared.latest.lock().map(|l| Arc::clone(&l)).unwrap_or_default();
        self.number += 1;
        let number = self.number;
        let frame = Frame { number, playing: false, busy: None, ..(*latest).clone() };
        self.shared.publish(Arc::new(frame));
    }

    fn obey(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Open { plan, generation, play, first_ns } => {
                return self.open(*plan, generation, play, first_ns);
            }
            Order::Play(playing) => {
                self.playing = playing && self.live.as_ref().is_some_and(|l| !l.finished);
                if !playing {
                    self.settle()?;
                }
                self.resume();
            }
            Order::Speed(speed) => {
                self.speed = speed;
                self.resume();
            }
            Order::Watch(request) => self.request = request,
            Order::StepEvent => {
                self.playing = false;
                if let Some(live) = &mut self.live {
                    live.simulation.step().map_err(|e| e.to_string())?;
                    live.exact = false;
                }
            }
            Order::StepBlock => {
                self.playing = false;
                self.step_block()?;
            }
            Order::Seek(at_ns) => self.seek(at_ns, false)?,
            Order::Apply(change) => self.apply(change)?,
            Order::Undo | Order::Redo => {
                let Some(live) = &mut self.live else { return Ok(()) };
                let now_ns = live.simulation.now().0;
                let undo = matches!(order, Order::Undo);
                if let Some(at_ns) = if undo { live.script.undo() } else { live.script.redo() } {
                    // As if it had been so from the start.
                    live.forget_from(at_ns);
                    self.seek(now_ns, true)?;
                }
            }
        }
        self.publish(None);
        Ok(())
    }

    /// Time passes from here, at the present speed.
    fn resume(&mut self) {
        if let Some(live) = &mut self.live {
            live.pace = Pace::new(Instant::now(), live.simulation.now().0);
        }
    }

    fn open(&mut self, plan: Plan, generation: u64, play: bool, first_ns: Option<u64>) -> Result<(), String> {
        self.live = None;
        (self.generation, self.playing) = (generation, false);
        let refuse = |runner: &Self, reason: String| {
            let _ = runner.outbox.send(Report::Refused { generation, reason });
        };
        if let Err(reason) = estimate(&plan).check(&plan.name, self.limits.available_bytes) {
            refuse(self, reason.to_string());
            self.publish(None);
            return Ok(());
        }
        self.publish(Some(Busy { what: "Setting up", share: None }));
        let execution_threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
        let resources = Resources { execution_threads, ..Resources::default() };
        // A panic here is that of a plan, not of a run.
        let made = catch_unwind(AssertUnwindSafe(|| Simulation::with_resources(plan, &resources)));
        let simulation = match made {
            Ok(Ok(simulation)) => simulation,
            Ok(Err(error)) => {
                refuse(self, error.to_string());
                self.publish(None);
                return Ok(());
            }
            Err(panic) => {
                refuse(self, format!("the simulator panicked: {}", words(panic.as_ref())));
                self.publish(None);
                return Ok(());
            }
        };
        let placement = Arc::new(simulation.placement());
        let script = Script::new(change::list(&simulation));
        let now = Instant::now();
        self.live = Some(Live {
            generation,
            simulation,
            observer: Observer::default(),
            checkpoints: Checkpoints::new(self.limits.checkpoint_bytes),
            checkpoint_cost: Duration::ZERO,
            checkpointed: now,
            script,
            pace: Pace::new(now, 0),
            meter: Meter { since: now, events: 0, sim_ns: 0, achieved: 0.0, events_per_s: 0.0 },
            verified: None,
            exact: true,
            marks: BTreeMap::new(),
            finished: false,
        });
        let _ = self.outbox.send(Report::Opened { generation, placement });
        self.checkpoint(true);
        if let Some(first_ns) = first_ns {
            self.run_to(first_ns, "Warming up")?;
        }
        self.playing = play;
        self.resume();
        self.publish(None);
        Ok(())
    }

    /// Lets time pass for a moment.
    fn slice(&mut self) -> Result<(), String> {
        let (started, speed) = (Instant::now(), self.speed);
        let Some(live) = &mut self.live else { return Ok(()) };
        let (now_ns, end_ns) = (live.simulation.now().0, live.simulation.end().0);
        let limit_ns = live.pace.limit_ns(started, now_ns, speed).unwrap_or(end_ns).min(end_ns);
        let deadline = started + SLICE;
        self.advance(limit_ns, deadline)?;
        self.checkpoint(false);
        self.publish_if_due(None);
        let Some(live) = &self.live else { return Ok(()) };
        if live.simulation.is_finished() {
            self.finish();
        } else if live.simulation.now().0 >= limit_ns {
            // Ahead of the clock: wait, but not for orders.
            match self.inbox.recv_timeout(Duration::from_millis(3)) {
                Ok(order) => self.queue.push_back(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.gone = true,
            }
        }
        Ok(())
    }

    fn finish(&mut self) {
        self.playing = false;
        if let Some(live) = &mut self.live
            && !live.finished
        {
            live.finished = true;
            let _ = self.outbox.send(Report::Finished { digest: live.simulation.digest().to_string() });
        }
        self.publish(None);
    }

    /// Runs until `until_ns`, or until the deadline; true when it got there. Compares digests with those of
    /// earlier visits.
    fn advance(&mut self, until_ns: u64, deadline: Instant) -> Result<bool, String> {
        let Some(live) = &mut self.live else { return Ok(true) };
        loop {
            let now_ns = live.simulation.now().0;
            if now_ns >= until_ns {
                return Ok(true);
            }
            let known = live.checkpoints.next_after(now_ns);
            let target_ns = known.map_or(until_ns, |(at_ns, _)| at_ns.min(until_ns));
            let reached = live.simulation.run_until(SimTime(target_ns), EVENTS).map_err(|e| e.to_string())?;
            live.exact = reached;
            if let Some((at_ns, digest)) = known.filter(|(at_ns, _)| reached && *at_ns == target_ns) {
                let equal = live.simulation.digest() == digest;
                live.verified = Some((at_ns, equal));
                let _ = self.outbox.send(Report::Replayed { at_ns, equal });
            }
            if Instant::now() >= deadline {
                return Ok(live.simulation.now().0 >= until_ns);
            }
        }
    }

    /// Runs to a time as fast as possible, showing progress; can be cancelled, and gives way to new orders
    /// to go elsewhere.
    fn run_to(&mut self, at_ns: u64, what: &'static str) -> Result<(), String> {
        let from_ns = self.live.as_ref().map_or(0, |l| l.simulation.now().0);
        let at_ns = self.live.as_ref().map_or(0, |l| at_ns.min(l.simulation.end().0));
        loop {
            if self.advance(at_ns, Instant::now() + SLICE)? {
                break;
            }
            self.checkpoint(false);
            let now_ns = self.live.as_ref().map_or(0, |l| l.simulation.now().0);
            let share = (now_ns - from_ns) as f32 / (at_ns - from_ns).max(1) as f32;
            self.publish_if_due(Some(Busy { what, share: Some(share) }));
            self.collect();
            let elsewhere = |o: &Order| matches!(o, Order::Seek(_) | Order::Open { .. });
            let cancelled = self.shared.cancel.swap(false, Ordering::Relaxed);
            if cancelled || self.gone || self.queue.iter().any(elsewhere) {
                break;
            }
        }
        if self.live.as_ref().is_some_and(|l| l.simulation.is_finished()) {
            self.finish();
        }
        self.resume();
        Ok(())
    }

    /// Goes to a time: from the nearest checkpoint before it, or from here.
    fn seek(&mut self, at_ns: u64, anew: bool) -> Result<(), String> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let now_ns = live.simulation.now().0;
        if live.exact && !anew {
            live.marks.insert(now_ns, live.simulation.digest());
            if live.marks.len() > MARKS_MAX {
                live.marks.pop_first();
            }
        }
        if let Some((saved_ns, state)) = live.checkpoints.before(at_ns)
            && (anew || at_ns < now_ns || saved_ns > now_ns)
        {
            live.simulation.restore(state);
            change::replace(&mut live.simulation, live.script.list())?;
            live.observer.forget();
            live.finished = false;
            live.verified = None;
            live.exact = true;
        }
        self.run_to(at_ns, "Going there")?;
        let Some(live) = &mut self.live else { return Ok(()) };
        let now_ns = live.simulation.now().0;
        if let Some(before) = live.marks.get(&now_ns).filter(|_| live.exact) {
            let equal = live.simulation.digest() == *before;
            live.verified = Some((now_ns, equal));
            let _ = self.outbox.send(Report::Replayed { at_ns: now_ns, equal });
        }
        Ok(())
    }

    /// Runs until another block is published.
    fn step_block(&mut self) -> Result<(), String> {
        let count = |runner: &mut Self| {
            let Some(live) = &mut runner.live else { return 0 };
            let mut snapshot = Default::default();
            live.simulation.snapshot(
                &mut live.observer,
                &Request { states_max: 1, ..runner.request },
                &mut snapshot,
            );
            snapshot.blocks.iter().filter(|b| b.published_ns > 0).count()
        };
        let before = count(self);
        while count(self) == before {
            let Some(live) = &self.live else { return Ok(()) };
            let now_ns = live.simulation.now().0;
            if live.simulation.is_finished() || self.shared.cancel.swap(false, Ordering::Relaxed) {
                break;
            }
            self.advance(now_ns + 5_000_000, Instant::now() + Duration::from_secs(1))?;
            self.checkpoint(false);
            self.publish_if_due(Some(Busy { what: "To the next block", share: None }));
        }
        self.settle()
    }

    /// Makes a change now. Interventions at later times stay.
    fn apply(&mut self, change: crate::change::Change) -> Result<(), String> {
        let Some(live) = &mut self.live else { return Ok(()) };
        match change::apply(&mut live.simulation, change) {
            Ok(made) => {
                live.forget_from(made.at_ns);
                live.script.edited(change::list(&live.simulation));
            }
            Err(reason) => {
                let _ = self.outbox.send(Report::ChangeRefused { reason });
            }
        }
        Ok(())
    }

    /// Handles what is left of the present nanosecond, so that a run to the same time arrives at the same state.
    fn settle(&mut self) -> Result<(), String> {
        let Some(live) = &mut self.live else { return Ok(()) };
        if !live.exact {
            let next = SimTime(live.simulation.now().0 + 1);
            live.simulation.run_until(next, u64::MAX).map_err(|e| e.to_string())?;
            live.exact = true;
        }
        Ok(())
    }

    /// Saves the state if it is time to: never more than a twentieth of the time is spent on it.
    fn checkpoint(&mut self, first: bool) {
        let Some(live) = &mut self.live else { return };
        let now_ns = live.simulation.now().0;
        let spaced = live.checkpoints.last_ns().is_none_or(|last| now_ns >= last + SPACING_NS);
        let affordable = live.checkpointed.elapsed() >= live.checkpoint_cost * 20;
        if !(first || spaced && affordable) {
            return;
        }
        if !first && self.settle().is_err() {
            return;
        }
        let Some(live) = &mut self.live else { return };
        let started = Instant::now();
        let now_ns = live.simulation.now().0;
        let state = live.simulation.checkpoint();
        let (bytes, digest) = (live.simulation.checkpoint_bytes() as u64, live.simulation.digest());
        live.checkpoints.add(now_ns, bytes, digest, state);
        live.checkpoint_cost = started.elapsed();
        live.checkpointed = Instant::now();
    }

    fn publish_if_due(&mut self, busy: Option<Busy>) {
        // Not more than a tenth of the time goes into frames.
        let interval = FRAME.max(self.publish_cost * 10);
        if self.published.is_none_or(|at| at.elapsed() >= interval) {
            self.publish(busy);
        }
    }

    /// Publishes what there is to see.
    fn publish(&mut self, busy: Option<Busy>) {
        let started = Instant::now();
        let reusable = self.spare.iter_mut().position(|f| Arc::get_mut(f).is_some());
        let mut shared = reusable.map(|i| self.spare.swap_remove(i)).unwrap_or_default();
        let Some(frame) = Arc::get_mut(&mut shared) else { return };
        self.number += 1;
        frame.number = self.number;
        frame.generation = self.generation;
        (frame.playing, frame.speed, frame.busy) = (self.playing, self.speed, busy);
        match &mut self.live {
            Some(live) => {
                live.simulation.snapshot(&mut live.observer, &self.request, &mut frame.snapshot);
                live.meter.read(started, frame.snapshot.events, frame.snapshot.now_ns);
                frame.generation = live.generation;
                (frame.achieved, frame.events_per_s) = (live.meter.achieved, live.meter.events_per_s);
                frame.checkpoints = Arc::new(live.checkpoints.times());
                frame.checkpoint_bytes = live.checkpoints.bytes();
                frame.interventions = Arc::clone(live.script.list());
                frame.edits = live.script.depth();
                frame.verified = live.verified;
            }
            None => {
                let Frame { number, generation, busy, .. } = std::mem::take(frame);
                *frame = Frame { number, generation, busy, speed: self.speed, ..Frame::default() };
            }
        }
        let old = self.shared.publish(shared);
        if self.spare.len() < 4 {
            self.spare.push(old);
        }
        self.published = Some(Instant::now());
        self.publish_cost = started.elapsed();
    }
}

impl Live {
    /// From this time on things are different now.
    fn forget_from(&mut self, at_ns: u64) {
        self.checkpoints.forget_after(at_ns.saturating_sub(1));
        self.marks.retain(|t, _| *t < at_ns);
        self.verified = None;
        self.finished = false;
    }
}

impl Meter {
    fn read(&mut self, now: Instant, events: u64, sim_ns: u64) {
        let seconds = (now - self.since).as_secs_f64();
        if seconds < 0.25 && events >= self.events && sim_ns >= self.sim_ns {
            return;
        }
        self.achieved = sim_ns.saturating_sub(self.sim_ns) as f64 / 1e9 / seconds.max(1e-9);
        self.events_per_s = events.saturating_sub(self.events) as f64 / seconds.max(1e-9);
        (self.since, self.events, self.sim_ns) = (now, events, sim_ns);
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
