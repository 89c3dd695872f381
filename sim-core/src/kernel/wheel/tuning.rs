//! How the wheel chooses the length of its ticks.
//!
//! Too long: buckets are large, sorting dominates and pushes land in the open bucket. Too short: buckets
//! hold one event each and the wheel spends its time finding them. In between the optimum is flat, so the
//! rule acts only outside a factor of eight, and no more often than re-placing all events is worth.

/// Distinct times an opened bucket should hold.
const TARGET: u64 = 24;
/// Mean occupancy (as an event sees it) below which ticks are lengthened, above which they are shortened.
const LOW: u64 = 8;
const HIGH: u64 = 72;
/// Distinct times between two looks at the mean.
const SAMPLE: u64 = 256;
/// Late events (see the wheel) tolerated before ticks are questioned.
const LATE_LIMIT: usize = 96;

/// 65 us: a tick for a network of some thousand busy nodes, until something better is known.
pub(super) const INITIAL_SHIFT: u32 = 16;
/// An offset within a tick has to fit 32 bits.
const MAX_SHIFT: u32 = 32;

#[derive(Clone)]
pub(super) struct Tuning {
    /// Sum of d and of d^2 over opened buckets, d being the distinct times in them.
    sum: u64,
    sum_of_squares: u64,
    /// Distinct times opened since the last rebuild: what pays for the next one.
    credit: u64,
    /// Length of the late heap at which to question the tick's length.
    pub(super) late_limit: usize,
}

impl Tuning {
    pub(super) const fn new() -> Self {
        Self { sum: 0, sum_of_squares: 0, credit: u64::MAX / 2, late_limit: LATE_LIMIT }
    }

    /// Notes an opened bucket; returns a new shift if the present one is far off.
    #[inline]
    pub(super) fn after_opening(&mut self, distinct: usize, shift: u32, stored: usize) -> Option<u32> {
        let d = distinct as u64;
        self.sum += d;
        self.sum_of_squares = self.sum_of_squares.saturating_add(d * d);
        self.late_limit = LATE_LIMIT;
        if self.sum < SAMPLE { None } else { self.evaluate(shift, stored) }
    }

    #[inline(never)]
    fn evaluate(&mut self, shift: u32, stored: usize) -> Option<u32> {
        // The bucket size that an event finds itself in, on average.
        let mean = self.sum_of_squares / self.sum;
        self.credit = self.credit.saturating_add(self.sum);
        (self.sum, self.sum_of_squares) = (0, 0);
        let wanted = if mean > HIGH {
            shift.saturating_sub(log2_ratio(mean, TARGET))
        } else if mean < LOW {
            (shift + log2_ratio(TARGET, mean.max(1))).min(MAX_SHIFT)
        } else {
            shift
        };
        self.spend(wanted, shift, stored)
    }

    /// `late` events spanning `span` ns wait at or before the open tick; returns a shorter shift if that
    /// would spread them.
    pub(super) fn after_late_pushes(
        &mut self,
        late: usize,
        span: u64,
        shift: u32,
        stored: usize,
    ) -> Option<u32> {
        self.late_limit = late * 2;
        // The tick in which TARGET of them would fit, were they evenly spaced. Equal times cannot be.
        let tick = u128::from(span) * u128::from(TARGET) / late as u128;
        let wanted = tick.checked_ilog2().unwrap_or(shift);
        // Progress within a bucket is not counted as it happens; late pushes are evidence of as much.
        self.credit = self.credit.saturating_add(late as u64 / 2);
        let new = self.spend(wanted.min(shift), shift, stored)?;
        self.late_limit = LATE_LIMIT;
        Some(new)
    }

    /// Agrees to a change if enough has happened since the last one to pay for it.
    fn spend(&mut self, wanted: u32, shift: u32, stored: usize) -> Option<u32> {
        if wanted == shift || self.credit < stored as u64 / 8 {
            return None;
        }
        self.credit = 0;
        Some(wanted)
    }
}

/// log2(a / b), rounded down, for a >= b.
fn log2_ratio(a: u64, b: u64) -> u32 {
    (a / b).max(1).ilog2()
}
