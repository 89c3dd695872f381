//! Time this process has spent on a processor: on a shared machine the wall clock measures the others.

use std::time::{Duration, Instant};

/// A running measurement.
pub struct Clock {
    wall: Instant,
    on_cpu: Option<u64>,
}

impl Clock {
    /// Starts measuring.
    pub fn start() -> Self {
        Self { wall: Instant::now(), on_cpu: on_cpu_ns() }
    }

    /// Processor time since the start where the system tells (Linux), else wall time.
    pub fn elapsed(&self) -> Duration {
        match (self.on_cpu, on_cpu_ns()) {
            (Some(start), Some(end)) => Duration::from_nanos(end - start),
            _ => self.wall.elapsed(),
        }
    }
}

/// Nanoseconds on a processor; exact to a scheduler tick, so measure at least some ten milliseconds.
fn on_cpu_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
