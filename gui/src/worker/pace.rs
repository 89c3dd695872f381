//! How fast simulated time passes.

use std::time::{Duration, Instant};

/// Simulated seconds a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many.
    Times(f64),
    /// As many as the machine can do.
    Unlimited,
}

impl Default for Speed {
    fn default() -> Self {
        Self::Times(1.0)
    }
}

impl Speed {
    /// Slowest.
    pub const MIN: f64 = 1e-3;
    /// Fastest with a number.
    pub const MAX: f64 = 1e3;

    /// Twice as fast, at most unlimited.
    pub fn faster(self) -> Self {
        match self {
            Self::Times(times) if times < Self::MAX => Self::Times((times * 2.0).min(Self::MAX)),
            _ => Self::Unlimited,
        }
    }

    /// Half as fast.
    pub fn slower(self) -> Self {
        match self {
            Self::Times(times) => Self::Times((times / 2.0).max(Self::MIN)),
            Self::Unlimited => Self::Times(Self::MAX),
        }
    }

    /// In words: `1x`, `1/8x`, `as fast as possible`.
    pub fn text(self) -> String {
        match self {
            Self::Unlimited => "as fast as possible".to_owned(),
            Self::Times(times) if times >= 0.995 => {
                if (times - times.round()).abs() < 0.005 {
                    format!("{times:.0}x")
                } else {
                    format!("{times:.2}x")
                }
            }
            Self::Times(times) => {
                let inverse = 1.0 / times;
                let rounded = if inverse < 9.5 { (inverse * 10.0).round() / 10.0 } else { inverse.round() };
                format!("1/{rounded}x")
            }
        }
    }
}

/// Says until when the simulation may run.
pub struct Pace {
    anchor: Instant,
    anchor_ns: u64,
}

/// Further behind than this, time is not made up for.
const BEHIND_MAX: Duration = Duration::from_millis(150);

impl Pace {
    /// Starts now at a simulated time.
    pub fn new(now: Instant, sim_ns: u64) -> Self {
        Self { anchor: now, anchor_ns: sim_ns }
    }

    /// Simulated time that may be reached by now, ns; `None`: any.
    pub fn limit_ns(&mut self, now: Instant, sim_ns: u64, speed: Speed) -> Option<u64> {
        let Speed::Times(times) = speed else {
            *self = Self::new(now, sim_ns);
            return None;
        };
        let due = |pace: &Self| pace.anchor_ns + ((now - pace.anchor).as_secs_f64() * times * 1e9) as u64;
        let slack_ns = (BEHIND_MAX.as_secs_f64() * times * 1e9) as u64;
        if due(self) > sim_ns + slack_ns {
            // The machine cannot keep up: go on from here.
            *self = Self { anchor: now - BEHIND_MAX / 4, anchor_ns: sim_ns };
        }
        Some(due(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_read_well() {
        let texts = [1.0, 2.0, 0.5, 0.001, 1.5, 0.125].map(|t| Speed::Times(t).text());
        assert_eq!(texts, ["1x", "2x", "1/2x", "1/1000x", "1.50x", "1/8x"]);
        assert_eq!(Speed::Times(Speed::MAX).faster(), Speed::Unlimited);
        assert_eq!(Speed::Unlimited.slower(), Speed::Times(Speed::MAX));
        assert_eq!(Speed::Times(Speed::MIN).slower(), Speed::Times(Speed::MIN));
    }

    #[test]
    fn simulated_time_follows_the_clock_and_is_not_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 0);
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(pace.limit_ns(at(100), 0, Speed::Times(0.5)), Some(50_000_000));
        // Stuck for ten seconds: goes on at about the old place.
        let limit = pace.limit_ns(at(10_000), 50_000_000, Speed::Times(1.0)).unwrap();
        assert!((50_000_000..100_000_000).contains(&limit), "{limit}");
        assert_eq!(pace.limit_ns(at(10_000), 7, Speed::Unlimited), None);
    }
}
