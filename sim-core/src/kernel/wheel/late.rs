//! The order of events in `std`'s binary heap, which holds the few that arrive late.

use super::Timed;
use std::cmp::Ordering;

/// Whether `a` comes before `b`.
#[inline(always)]
pub(super) fn precedes<E: Timed>(a: &E, b: &E) -> bool {
    let (s, t) = (a.time_ns(), b.time_ns());
    s < t || (s == t && a.tie() < b.tie())
}

/// Makes `BinaryHeap`, whose head is the greatest, give the earliest event.
#[derive(Clone, Copy)]
pub(super) struct Earliest<E>(pub(super) E);

impl<E: Timed> Ord for Earliest<E> {
    #[inline(always)]
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = other.0.time_ns().cmp(&self.0.time_ns());
        by_time.then_with(|| other.0.tie().cmp(&self.0.tie()))
    }
}

impl<E: Timed> PartialOrd for Earliest<E> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E: Timed> PartialEq for Earliest<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E: Timed> Eq for Earliest<E> {}
