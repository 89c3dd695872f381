//! The time that is drawn. Frames come 30 times a second and pictures 60 times; between frames time goes on
//! smoothly, a little behind the simulation, so that what will have arrived can be drawn on its way.

use crate::worker::{Frame, Speed};

/// How far the picture may be behind while time passes, s of the viewer's time.
const LAG_S: f64 = 0.05;
/// And at least so much simulated time, where that is not long for the viewer, ns.
const LAG_SIM_NS: f64 = 90e6;
/// The longest lag, s of the viewer's time.
const LAG_MAX_S: f64 = 0.5;

/// Simulated time on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct DisplayClock {
    shown_ns: f64,
    target_ns: u64,
    generation: u64,
    moving: bool,
}

impl DisplayClock {
    /// A frame is drawn `dt` seconds after the last.
    pub fn update(&mut self, dt: f32, frame: &Frame) {
        let dt = f64::from(dt.clamp(0.0, 0.1));
        let now_ns = frame.now_ns as f64;
        let jumped = frame.generation != self.generation || now_ns < self.shown_ns;
        self.generation = frame.generation;
        self.target_ns = frame.now_ns;
        let times = match frame.speed {
            Speed::Times(times) => times,
            Speed::Unlimited => frame.achieved.max(0.01),
        };
        if jumped || (frame.busy.is_some() && !frame.playing) {
            self.shown_ns = now_ns;
        } else if frame.playing {
            let lag_ns = (LAG_S * times * 1e9).max(LAG_SIM_NS).min(LAG_MAX_S * times * 1e9);
            let behind = now_ns - self.shown_ns;
            // Faster when further behind than meant, slower when nearer: no jumps.
            let rate = times * 1e9 * (behind / lag_ns.max(1.0)).clamp(0.0, 4.0);
            self.shown_ns = (self.shown_ns + rate * dt).max(now_ns - 4.0 * lag_ns).min(now_ns);
        } else {
            // Stopped: what is drawn catches up.
            let behind = now_ns - self.shown_ns;
            let step = (behind * 8.0 * dt).max(behind.min(1e6));
            self.shown_ns = (self.shown_ns + step).min(now_ns);
        }
        self.moving = now_ns - self.shown_ns > 0.5;
    }

    /// Simulated time to draw, ns.
    pub fn shown_ns(&self) -> u64 {
        if self.moving { self.shown_ns as u64 } else { self.target_ns }
    }

    /// It has not yet come to rest.
    pub fn is_moving(&self) -> bool {
        self.moving
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(now_ns: u64, playing: bool) -> Frame {
        Frame { generation: 1, playing, now_ns, ..Frame::default() }
    }

    #[test]
    fn the_picture_follows_closely_and_arrives_when_time_stops() {
        let mut clock = DisplayClock::default();
        clock.update(0.016, &frame(1_000_000_000, true));
        let mut last = clock.shown_ns();
        for step in 1..200_u64 {
            let now_ns = 1_000_000_000 + step / 2 * 33_000_000;
            clock.update(0.0165, &frame(now_ns, true));
            let shown = clock.shown_ns();
            assert!(shown >= last && shown <= now_ns && now_ns - shown < 400_000_000, "{shown} of {now_ns}");
            last = shown;
        }
        for _ in 0..120 {
            clock.update(0.016, &frame(5_000_000_000, false));
        }
        assert_eq!((clock.shown_ns(), clock.is_moving()), (5_000_000_000, false));
        clock.update(0.016, &frame(2_000_000_000, false));
        assert_eq!(clock.shown_ns(), 2_000_000_000);
    }
}
