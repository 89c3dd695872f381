//! The thread's loop: obeys orders, lets time pass, publishes frames.

use super::checkpoints::Checkpoints;
use super::pace::{Pace, Speed};
use super::publish::Meter;
use super::script::Script;
use super::{Busy, Frame, Limits, Order, Report, Shared};
use crate::change;
use sim_core::kernel::digest::Digest;
use sim_core::kernel::time::SimTime;
use sim_core::scenario::estimate::estimate;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::lockstep::Lockstep;
use sim_core::simulation::snapshot::Request;
use sim_core::simulation::{Observer, Resources, SetupError, Simulation};
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
/// Least simulated time between checkpoints, ns.
const SPACING_NS: u64 = 250_000_000;

/// Places that were left whose digests are remembered.
const MARKS_MAX: usize = 1_000;

/// A simulation, or several side by side, and what belongs to them.
pub(super) struct Live {
    pub generation: u64,
    pub runs: Lockstep,
    pub observers: Vec<Observer>,
    pub checkpoints: Checkpoints,
    checkpoint_cost: Duration,
    checkpointed: Instant,
    pub script: Script,
    pace: Pace,
    pub meter: Meter,
    pub verified: Option<(u64, bool)>,
    /// Everything before the present has happened, and nothing of it.
    pub exact: bool,
    /// Digests at places that were left, by time, ns.
    marks: BTreeMap<u64, Digest>,
    finished: bool,
    /// Digests of the records, once the run is over.
    outcomes: Arc<Vec<String>>,
}

/// The worker's side.
pub struct Runner {
    pub(super) inbox: Receiver<Order>,
    pub(super) outbox: Sender<Report>,
    pub(super) shared: Arc<Shared>,
    pub(super) limits: Limits,
    pub(super) queue: VecDeque<Order>,
    pub(super) gone: bool,
    pub(super) live: Option<Live>,
    /// Put aside while others are compared.
    pub(super) aside: Option<Live>,
    pub(super) generation: u64,
    pub(super) playing: bool,
    pub(super) speed: Speed,
    pub(super) request: Request,
    pub(super) spare: Vec<Arc<Frame>>,
    pub(super) number: u64,
    pub(super) published: Option<Instant>,
    pub(super) publish_cost: Duration,
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
            aside: None,
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
    pub(super) fn collect(&mut self) {
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
    pub(super) fn guarded(&mut self, action: impl FnOnce(&mut Self) -> Result<(), String>) {
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
            Order::Compare { plans, generation, until_ns } => {
                return self.compare(plans, generation, until_ns);
            }
            Order::EndComparison { generation } => self.end_comparison(generation),
            Order::FindDivergence(arm) => {
                let outcome = self.find_divergence(arm);
                let _ = self.outbox.send(Report::SearchOver);
                outcome?;
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
                    live.runs.step().map_err(stopped)?;
                    live.exact = false;
                }
            }
            Order::StepBlock => {
                self.playing = false;
                self.step_block()?;
            }
            Order::Seek(at_ns) => self.seek(at_ns, false)?,
            Order::Apply(change) => self.apply(change)?,
            #[cfg(test)]
            Order::Panic => panic!("asked to by a test"),
            Order::Undo | Order::Redo => {
                let Some(live) = self.live.as_mut().filter(|l| l.runs.runs().len() == 1) else {
                    return Ok(());
                };
                let now_ns = live.runs.now().0;
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
    pub(super) fn resume(&mut self) {
        if let Some(live) = &mut self.live {
            live.pace = Pace::new(Instant::now(), live.runs.now().0);
        }
    }

    fn open(&mut self, plan: Plan, generation: u64, play: bool, first_ns: Option<u64>) -> Result<(), String> {
        (self.live, self.aside) = (None, None);
        if self.set_up(vec![plan], generation) {
            if let Some(first_ns) = first_ns {
                self.run_to(first_ns, "Warming up")?;
            }
            self.playing = play;
            self.resume();
        }
        self.publish(None);
        Ok(())
    }

    /// Sets simulations up, in place of the present ones; false if they are refused, and nothing runs then.
    pub(super) fn set_up(&mut self, plans: Vec<Plan>, generation: u64) -> bool {
        self.live = None;
        (self.generation, self.playing) = (generation, false);
        self.publish(Some(Busy { what: "Setting up", share: None }));
        match self.made(plans) {
            Ok(live) => {
                let placements = live.runs.runs().iter().map(|run| Arc::new(run.placement())).collect();
                let paired = (0..live.runs.runs().len()).map(|run| live.runs.is_paired(run)).collect();
                self.live = Some(live);
                let _ = self.outbox.send(Report::Opened { generation, placements, paired });
                self.checkpoint(true);
                true
            }
            Err(reason) => {
                let _ = self.outbox.send(Report::Refused { generation, reason });
                false
            }
        }
    }

    fn made(&self, plans: Vec<Plan>) -> Result<Live, String> {
        let mut left = self.limits.available_bytes;
        for plan in &plans {
            let cost = estimate(plan);
            cost.check(&plan.name, left).map_err(|e| e.to_string())?;
            // What one of them takes the others cannot have.
            left = left.map(|bytes| bytes.saturating_sub(cost.memory_bytes));
        }
        let execution_threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
        let resources = Resources { execution_threads, ..Resources::default() };
        let names: Vec<String> = plans.iter().map(|p| p.name.clone()).collect();
        let refused = |(at, error): (usize, SetupError)| match names.len() {
            1 => error.to_string(),
            _ => format!("arm `{}`: {error}", names[at]),
        };
        // A panic here is that of a plan, not of a run.
        let made = catch_unwind(AssertUnwindSafe(|| Lockstep::new(plans, &resources)));
        let runs = made
            .map_err(|panic| format!("the simulator panicked: {}", words(panic.as_ref())))?
            .map_err(refused)?;
        let script = Script::new(change::list(&runs.runs()[0]));
        let now = Instant::now();
        Ok(Live {
            generation: self.generation,
            observers: runs.runs().iter().map(|_| Observer::default()).collect(),
            runs,
            checkpoints: Checkpoints::new(self.limits.checkpoint_bytes),
            checkpoint_cost: Duration::ZERO,
            checkpointed: now,
            script,
            pace: Pace::new(now, 0),
            meter: Meter::new(now),
            verified: None,
            exact: true,
            marks: BTreeMap::new(),
            finished: false,
            outcomes: Arc::default(),
        })
    }

    /// Lets time pass for a moment.
    fn slice(&mut self) -> Result<(), String> {
        let (started, speed) = (Instant::now(), self.speed);
        let Some(live) = &mut self.live else { return Ok(()) };
        let (now_ns, end_ns) = (live.runs.now().0, live.runs.end().0);
        let limit_ns = live.pace.limit_ns(started, now_ns, speed).unwrap_or(end_ns).min(end_ns);
        let deadline = started + SLICE;
        self.advance(limit_ns, deadline)?;
        self.checkpoint(false);
        self.publish_if_due(None);
        let Some(live) = &self.live else { return Ok(()) };
        if live.runs.is_finished() {
            self.finish();
        } else if live.runs.now().0 >= limit_ns {
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
            let outcomes: Vec<String> = live.runs.runs().iter().map(Simulation::outcome_digest).collect();
            let _ =
                self.outbox.send(Report::Finished { digest: outcomes.first().cloned().unwrap_or_default() });
            live.outcomes = Arc::new(outcomes);
        }
        self.publish(None);
    }

    /// Runs until `until_ns`, or until the deadline; true when it got there. Compares digests with those of
    /// earlier visits.
    pub(super) fn advance(&mut self, until_ns: u64, deadline: Instant) -> Result<bool, String> {
        let Some(live) = &mut self.live else { return Ok(true) };
        loop {
            let now_ns = live.runs.now().0;
            if now_ns >= until_ns {
                return Ok(true);
            }
            let known = live.checkpoints.next_after(now_ns);
            let target_ns = known.map_or(until_ns, |(at_ns, _)| at_ns.min(until_ns));
            let reached = live.runs.run_until(SimTime(target_ns), EVENTS).map_err(stopped)?;
            live.exact = reached;
            if let Some((at_ns, digest)) = known.filter(|(at_ns, _)| reached && *at_ns == target_ns) {
                let equal = live.runs.digest() == digest;
                live.verified = Some((at_ns, equal));
                let _ = self.outbox.send(Report::Replayed { at_ns, equal });
            }
            if Instant::now() >= deadline {
                return Ok(live.runs.now().0 >= until_ns);
            }
        }
    }

    /// Runs to a time as fast as possible, showing progress; can be cancelled, and gives way to new orders
    /// to go elsewhere.
    pub(super) fn run_to(&mut self, at_ns: u64, what: &'static str) -> Result<(), String> {
        let from_ns = self.live.as_ref().map_or(0, |l| l.runs.now().0);
        let at_ns = self.live.as_ref().map_or(0, |l| at_ns.min(l.runs.end().0));
        loop {
            if self.advance(at_ns, Instant::now() + SLICE)? {
                break;
            }
            self.checkpoint(false);
            let now_ns = self.live.as_ref().map_or(0, |l| l.runs.now().0);
            let share = (now_ns - from_ns) as f32 / (at_ns - from_ns).max(1) as f32;
            self.publish_if_due(Some(Busy { what, share: Some(share) }));
            self.collect();
            let elsewhere =
                |o: &Order| matches!(o, Order::Seek(_) | Order::Open { .. } | Order::EndComparison { .. });
            let cancelled = self.shared.cancel.swap(false, Ordering::Relaxed);
            if cancelled || self.gone || self.queue.iter().any(elsewhere) {
                break;
            }
        }
        if self.live.as_ref().is_some_and(|l| l.runs.is_finished()) {
            self.finish();
        }
        self.resume();
        Ok(())
    }

    /// Goes to a time: from the nearest checkpoint before it, or from here.
    pub(super) fn seek(&mut self, at_ns: u64, anew: bool) -> Result<(), String> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let now_ns = live.runs.now().0;
        if live.exact && !anew {
            live.marks.insert(now_ns, live.runs.digest());
            if live.marks.len() > MARKS_MAX {
                live.marks.pop_first();
            }
        }
        if let Some((saved_ns, state)) = live.checkpoints.before(at_ns)
            && (anew || at_ns < now_ns || saved_ns > now_ns)
        {
            live.runs.restore(state);
            if let Some(alone) = live.runs.alone_mut() {
                change::replace(alone, live.script.list())?;
            }
            live.observers.iter_mut().for_each(Observer::forget);
            live.finished = false;
            live.verified = None;
            live.exact = true;
        }
        self.run_to(at_ns, "Going there")?;
        let Some(live) = &mut self.live else { return Ok(()) };
        let now_ns = live.runs.now().0;
        if let Some(before) = live.marks.get(&now_ns).filter(|_| live.exact) {
            let equal = live.runs.digest() == *before;
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
            let request = Request { states_max: 1, ..runner.request.clone() };
            live.runs.runs()[0].snapshot(&mut live.observers[0], &request, &mut snapshot);
            snapshot.blocks.iter().filter(|b| b.published_ns > 0).count()
        };
        let before = count(self);
        while count(self) == before {
            let Some(live) = &self.live else { return Ok(()) };
            let now_ns = live.runs.now().0;
            if live.runs.is_finished() || self.shared.cancel.swap(false, Ordering::Relaxed) {
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
        let Some(alone) = live.runs.alone_mut() else {
            let reason =
                "knobs stay as they are while runs are compared: end the comparison first".to_owned();
            let _ = self.outbox.send(Report::ChangeRefused { reason });
            return Ok(());
        };
        match change::apply(alone, change) {
            Ok(made) => {
                let list = change::list(alone);
                live.forget_from(made.at_ns);
                live.script.edited(list);
            }
            Err(reason) => {
                let _ = self.outbox.send(Report::ChangeRefused { reason });
            }
        }
        Ok(())
    }

    /// Handles what is left of the present nanosecond, so that a run to the same time arrives at the same state.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let Some(live) = &mut self.live else { return Ok(()) };
        if !live.exact {
            // The base is the furthest.
            let next = SimTime(live.runs.runs()[0].now().0.max(live.runs.now().0) + 1);
            live.runs.run_until(next, u64::MAX).map_err(stopped)?;
            live.exact = true;
        }
        Ok(())
    }

    /// Saves the state if it is time to: never more than a twentieth of the time is spent on it.
    pub(super) fn checkpoint(&mut self, first: bool) {
        let Some(live) = &mut self.live else { return };
        let now_ns = live.runs.now().0;
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
        let now_ns = live.runs.now().0;
        let state = live.runs.checkpoint();
        let (bytes, digest) = (live.runs.checkpoint_bytes() as u64, live.runs.digest());
        live.checkpoints.add(now_ns, bytes, digest, state);
        live.checkpoint_cost = started.elapsed();
        live.checkpointed = Instant::now();
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

    /// Digests of the records, while the run is at its end.
    pub(super) fn outcomes(&self) -> Arc<Vec<String>> {
        if self.finished { Arc::clone(&self.outcomes) } else { Arc::default() }
    }
}

/// Why a run stopped, in words.
pub(super) fn stopped((_, error): (usize, impl std::fmt::Display)) -> String {
    error.to_string()
}

/// What a panic said.
pub fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
