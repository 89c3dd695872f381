//! Frames: what the window sees of the worker, at most 30 times a second.

use super::run::Runner;
use super::{Busy, Frame};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between frames.
const FRAME: Duration = Duration::from_millis(33);

/// Measures speed over the last frames.
pub struct Meter {
    since: Instant,
    events: u64,
    sim_ns: u64,
    achieved: f64,
    events_per_s: f64,
}

impl Meter {
    /// Nothing measured yet.
    pub fn new(now: Instant) -> Self {
        Self { since: now, events: 0, sim_ns: 0, achieved: 0.0, events_per_s: 0.0 }
    }

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

impl Runner {
    /// Publishes a frame if it is time for one.
    pub(super) fn publish_if_due(&mut self, busy: Option<Busy>) {
        // Not more than a tenth of the time goes into frames.
        let interval = FRAME.max(self.publish_cost * 10);
        if self.published.is_none_or(|at| at.elapsed() >= interval) {
            self.publish(busy);
        }
    }

    /// Publishes what there is to see.
    pub(super) fn publish(&mut self, busy: Option<Busy>) {
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
                let runs = live.runs.runs();
                frame.arms.resize_with(runs.len() - 1, Default::default);
                let into = std::iter::once(&mut frame.snapshot).chain(&mut frame.arms);
                for ((run, observer), into) in runs.iter().zip(&mut live.observers).zip(into) {
                    run.snapshot(observer, &self.request, into);
                }
                frame.now_ns = live.runs.now().0;
                live.meter.read(started, live.runs.events(), frame.now_ns);
                frame.generation = live.generation;
                (frame.achieved, frame.events_per_s) = (live.meter.achieved, live.meter.events_per_s);
                frame.checkpoints = Arc::new(live.checkpoints.times());
                frame.checkpoint_bytes = live.checkpoints.bytes();
                frame.interventions = Arc::clone(live.script.list());
                frame.edits = if runs.len() == 1 { live.script.depth() } else { (0, 0) };
                frame.verified = live.verified;
                frame.outcomes = live.outcomes();
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
