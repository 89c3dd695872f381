//! The event queue: a radix-256 hierarchical wheel.
//!
//! An event's tick is its time divided by a power of two (`2^shift` ns). Relative to the current tick, an
//! event lies on the level of the highest byte in which the two ticks differ, in the bucket named by that
//! byte; each level is 256 buckets and a 256-bit occupancy map. Everything on a lower level precedes
//! everything on a higher one, so the next bucket is found with a few bit scans. A bucket of a higher
//! level is spread over the levels below it when its turn comes; a bucket of one tick is *opened*: sorted
//! by 8-byte keys (offset in the tick, slot), runs of equal time by the tie-breaker, and then consumed.
//! What is pushed at or before the open tick waits in a small binary heap beside it.
//!
//! `shift` tunes itself so that an opened bucket holds a few dozen distinct times. The rule depends only
//! on the operations performed, and the order of events does not depend on it at all.
//!
//! **Must never be true:** the order depends on `shift`, on insertion order, or on calls that only look.
//!
//! Source of the idea: R. K. Ahuja et al., "Faster algorithms for the shortest path problem" (1990, radix
//! heaps); G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels" (1987).

mod late;
mod pool;
mod sort;
mod tuning;

use super::event::{Event, EventKey};
use super::time::SimTime;
use late::{Earliest, precedes};
use pool::{Chain, Pool};
use sort::sort_keys;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use tuning::Tuning;

const LEVELS: usize = 8;
const BUCKETS: usize = 256;

/// What the wheel needs to know of an event. The default value fills unused memory and is never popped.
pub trait Timed: Copy + Default {
    /// Orders events of equal time. Together with the time it identifies an event.
    type Tie: Ord + Copy;

    /// Nanoseconds since the start.
    fn time_ns(&self) -> u64;

    /// The tie-breaker.
    fn tie(&self) -> Self::Tie;
}

/// A priority queue of events, least (time, tie) first, for times that never go back.
///
/// Pushing is legal at any time from that of the last popped event on.
///
/// ```
/// use sim_core::kernel::{Event, Kind, Moment, NodeId, SimTime, Wheel};
///
/// let mut queue = Wheel::new();
/// for (sequence, ms) in [(0, 30), (1, 10), (2, 20)] {
///     let when = Moment::at(SimTime::from_millis(ms));
///     queue.push(Event::at(when, Kind::new(1, 0), NodeId(7), NodeId(7), sequence, 0));
/// }
/// assert_eq!(queue.pop().map(|e| e.sequence), Some(1));
/// assert_eq!(queue.pop_before(SimTime::from_millis(20)).map(|e| e.sequence), None);
/// assert_eq!(queue.next_time(), Some(SimTime::from_millis(20)));
/// ```
#[derive(Clone)]
pub struct Wheel<E: Timed = Event> {
    /// Times of the open bucket, latest first: `!(offset in the tick << 32 | slot)`.
    open: Vec<u64>,
    /// Events in the open bucket when it was opened.
    opened: usize,
    /// Time of the last popped event.
    now: u64,
    /// Earliest tombstone, `u64::MAX` if there is none: what an ordinary pop compares with.
    first_tombstone: u64,
    /// The open tick. Every event on the levels has a greater one.
    tick: u64,
    /// The tick whose events were last told to a `hint`.
    hinted: u64,
    /// log2 of the nanoseconds in a tick, at most 32.
    shift: u32,
    /// Bit l: level l is occupied.
    levels: u32,
    occupied: [[u64; BUCKETS / 64]; LEVELS],
    buckets: Box<[Chain; LEVELS * BUCKETS]>,
    pool: Pool<E>,
    /// Events pushed at or before the open tick since it was opened.
    late: BinaryHeap<Earliest<E>>,
    /// Chunks of the open bucket, kept until it is consumed.
    open_chain: Chain,
    /// Least time on the levels if known, else 0: a push only ever lowers it.
    least_on_levels: u64,
    stored: usize,
    /// The argument of `push_late`.
    arriving: E,
    tuning: Tuning,
    tombstones: BTreeSet<(u64, E::Tie)>,
}

impl<E: Timed> Default for Wheel<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Timed> Wheel<E> {
    /// An empty queue at time zero.
    pub fn new() -> Self {
        Self {
            open: Vec::new(),
            opened: 0,
            now: 0,
            first_tombstone: u64::MAX,
            tick: 0,
            hinted: 0,
            shift: tuning::INITIAL_SHIFT,
            levels: 0,
            occupied: [[0; BUCKETS / 64]; LEVELS],
            buckets: Box::new([Chain::EMPTY; LEVELS * BUCKETS]),
            pool: Pool::new(),
            late: BinaryHeap::new(),
            open_chain: Chain::EMPTY,
            least_on_levels: 0,
            stored: 0,
            arriving: E::default(),
            tuning: Tuning::new(),
            tombstones: BTreeSet::new(),
        }
    }

    /// Schedules an event.
    ///
    /// Its time must not be before [`Wheel::now`] (checked in debug builds): an effect before its cause.
    #[inline]
    pub fn push(&mut self, event: E) {
        let t = event.time_ns();
        debug_assert!(t >= self.now, "event at {t} ns pushed when the time is {} ns", self.now);
        self.stored += 1;
        let tick = t >> self.shift;
        if tick > self.tick {
            if t < self.least_on_levels {
                self.least_on_levels = t;
            }
            self.place(tick, event);
        } else {
            // Not as an argument: it would be passed in memory, and then be kept there on the way to a
            // bucket too, to be read back in other widths than it was written (a third of a push's time).
            self.arriving = event;
            self.push_late();
        }
    }

    /// Removes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<E> {
        self.pop_until(u64::MAX, true, |_| ())
    }

    /// Removes the next event if its time is strictly before `limit`.
    ///
    /// Afterwards events may be pushed at any time from [`Wheel::now`] on, but those from `limit` on are
    /// the cheap ones.
    #[inline]
    pub fn pop_before(&mut self, limit: SimTime) -> Option<E> {
        self.pop_until(limit.0, false, |_| ())
    }

    /// As [`Wheel::pop_before`]; besides, `hint` is told of every event some time before it is popped, in
    /// no particular order, so that what it will touch can be prefetched. Events pushed at or before the
    /// open tick are left out. Never base a result on it.
    #[inline(always)]
    pub fn pop_hinting(&mut self, limit: SimTime, hint: impl Fn(&E)) -> Option<E> {
        self.pop_until(limit.0, false, hint)
    }

    #[inline(always)]
    fn pop_until(&mut self, limit: u64, inclusive: bool, hint: impl Fn(&E)) -> Option<E> {
        loop {
            let event = if self.late.is_empty() {
                match self.open.last().copied() {
                    Some(key) => {
                        let event = *self.pool.get(!key as u32);
                        if !inclusive && event.time_ns() >= limit {
                            return None;
                        }
                        self.open.pop();
                        event
                    }
                    None if self.advance(limit, inclusive, &hint) => continue,
                    None => return None,
                }
            } else {
                self.pop_merged(limit, inclusive)?
            };
            self.stored -= 1;
            let t = event.time_ns();
            if t >= self.first_tombstone && self.is_cancelled(&event) {
                continue;
            }
            self.now = t;
            return Some(event);
        }
    }

    /// The time of the next event that has not been cancelled.
    ///
    /// Looking does not move the wheel: pushes before the next event remain cheap.
    pub fn next_time(&mut self) -> Option<SimTime> {
        loop {
            let late = self.late.peek().map(|e| e.0);
            let open = self.open.last().map(|&key| *self.pool.get(!key as u32));
            let head = match (late, open) {
                (Some(a), Some(b)) => Some(if precedes(&a, &b) { a } else { b }),
                (a, b) => a.or(b),
            };
            let Some(head) = head else {
                let least = self.least_on_levels()?;
                if least < self.first_tombstone {
                    return Some(SimTime(least));
                }
                // It may have been cancelled: open its bucket and look at the event itself.
                self.advance(u64::MAX, true, &|_| ());
                continue;
            };
            let t = head.time_ns();
            if t < self.first_tombstone || !self.tombstones.contains(&(t, head.tie())) {
                return Some(SimTime(t));
            }
            // The head is cancelled. Remove it without moving the clock.
            self.tombstones.remove(&(t, head.tie()));
            self.update_first_tombstone();
            self.stored -= 1;
            match late {
                Some(a) if a.time_ns() == t && a.tie() == head.tie() => drop(self.late.pop()),
                _ => drop(self.open.pop()),
            }
        }
    }

    /// Events that will be popped after up to `k` others: a hint for prefetching what they will touch.
    ///
    /// Called after each pop with the same `k` it names each event of a bucket once: the next `k + 1` when
    /// the bucket has just been opened, one at a time after that. Late pushes are not considered. Never
    /// base a result on it.
    #[inline(always)]
    pub fn upcoming(&self, k: usize) -> impl Iterator<Item = &E> {
        let left = self.open.len();
        let nearest = if left + 1 == self.opened { left } else { left.saturating_sub(k) };
        let coming = &self.open[left.saturating_sub(k + 1)..nearest];
        coming.iter().rev().map(|&key| self.pool.get(!key as u32))
    }

    /// Shows every stored event, those cancelled but not yet due included, in no particular order.
    pub fn visit(&self, mut f: impl FnMut(&E)) {
        self.open.iter().for_each(|&key| f(self.pool.get(!key as u32)));
        self.late.iter().for_each(|late| f(&late.0));
        let buckets = self.buckets.iter().filter(|c| !c.is_empty());
        buckets.for_each(|bucket| self.pool.visit(*bucket, |_, event| f(event)));
    }

    /// Events stored, including those cancelled but not yet due.
    #[inline]
    pub fn len(&self) -> usize {
        self.stored
    }

    /// Whether nothing is stored (see [`Wheel::len`]).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.stored == 0
    }

    /// The time of the last popped event, zero before the first.
    #[inline]
    pub fn now(&self) -> SimTime {
        SimTime(self.now)
    }

    /// Bytes allocated on the heap (of the tombstones: an estimate).
    pub fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<u64>()
            + size_of_val(&*self.buckets)
            + self.pool.heap_bytes()
            + self.late.capacity() * size_of::<E>()
            + self.tombstones.len() * size_of::<(u64, E::Tie)>() * 3 / 2
    }

    /// Cancels the event with this time and tie, which must be unique to it: it will not be popped.
    ///
    /// Costs a tombstone, looked at when its time comes. Returns whether one was left: `false` if the
    /// time has passed. A tombstone for an event that does not exist is dropped when its time has passed.
    pub fn cancel_at(&mut self, time: SimTime, tie: E::Tie) -> bool {
        if time.0 < self.now {
            return false;
        }
        self.tombstones.insert((time.0, tie));
        self.first_tombstone = self.first_tombstone.min(time.0);
        true
    }

    #[cold]
    #[inline(never)]
    fn is_cancelled(&mut self, event: &E) -> bool {
        let t = event.time_ns();
        let cancelled = self.tombstones.remove(&(t, event.tie()));
        while self.tombstones.first().is_some_and(|&(time, _)| time < t) {
            self.tombstones.pop_first();
        }
        self.update_first_tombstone();
        cancelled
    }

    fn update_first_tombstone(&mut self) {
        self.first_tombstone = self.tombstones.first().map_or(u64::MAX, |&(time, _)| time);
    }

    /// Puts an event of a later tick than the open one into its bucket.
    #[inline(always)]
    fn place(&mut self, tick: u64, event: E) {
        let level = (tick ^ self.tick).ilog2() / 8;
        let digit = (tick >> (level * 8)) as usize % BUCKETS;
        let bucket = &mut self.buckets[(level as usize % LEVELS) * BUCKETS + digit];
        if self.pool.push(bucket, event) {
            self.occupied[level as usize % LEVELS][digit / 64] |= 1 << (digit % 64);
            self.levels |= 1 << level;
        }
    }

    #[inline(never)]
    fn push_late(&mut self) {
        self.late.push(Earliest(self.arriving));
        if self.late.len() >= self.tuning.late_limit {
            self.consider_narrower_ticks();
        }
    }

    /// The lesser of the open bucket's and the late events' heads; at least one of the late is there.
    #[inline(never)]
    fn pop_merged(&mut self, limit: u64, inclusive: bool) -> Option<E> {
        let late = self.late.peek()?.0;
        if let Some(&key) = self.open.last() {
            let event = *self.pool.get(!key as u32);
            if precedes(&event, &late) {
                if !inclusive && event.time_ns() >= limit {
                    return None;
                }
                self.open.pop();
                return Some(event);
            }
        }
        if !inclusive && late.time_ns() >= limit {
            return None;
        }
        self.late.pop();
        Some(late)
    }

    /// Opens the next bucket, the open one being consumed. `false` if there is none that starts before
    /// the limit; in that case the open tick starts before the limit as well.
    #[inline(never)]
    fn advance(&mut self, limit: u64, inclusive: bool, hint: &impl Fn(&E)) -> bool {
        debug_assert!(self.open.is_empty() && self.late.is_empty());
        self.pool.release_all(&mut self.open_chain);
        loop {
            if self.levels == 0 {
                return false;
            }
            let level = self.levels.trailing_zeros();
            let words = &mut self.occupied[level as usize % LEVELS];
            let word = words.iter().position(|&w| w != 0).unwrap_or(0);
            let digit = word * 64 + words[word].trailing_zeros() as usize % 64;
            // Keep the bytes above the level, set its byte, clear those below.
            let above = self.tick.checked_shr(level * 8 + 8).unwrap_or(0);
            let tick = (above << 8 | digit as u64) << (level * 8);
            if !inclusive && tick << self.shift >= limit {
                return false;
            }
            self.tick = tick;
            self.least_on_levels = 0;
            let rest = words[word] & (words[word] - 1);
            words[word] = rest;
            if rest == 0 && words.iter().all(|&w| w == 0) {
                self.levels &= !(1 << level);
            }
            let bucket = &mut self.buckets[(level as usize % LEVELS) * BUCKETS + digit];
            let mut chain = std::mem::replace(bucket, Chain::EMPTY);
            if level == 0 {
                self.open_chain = chain;
            } else {
                self.spread(&mut chain);
            }
            if !self.open_chain.is_empty() {
                if level > 0 || self.hinted != self.tick {
                    self.pool.visit(self.open_chain, |_, event| hint(event));
                }
                let distinct = self.sort_open();
                if let Some(shift) = self.tuning.after_opening(distinct, self.shift, self.stored) {
                    self.rebuild(shift);
                    if !self.late.is_empty() {
                        return true;
                    }
                    continue;
                }
                self.hint_next(hint);
                return true;
            }
        }
    }

    /// Tells `hint` of the events of the next bucket, a bucket's length ahead of their time.
    #[inline(always)]
    fn hint_next(&mut self, hint: &impl Fn(&E)) {
        let words = &self.occupied[0];
        if self.levels & 1 == 1
            && let Some(word) = words.iter().position(|&w| w != 0)
        {
            let digit = word * 64 + words[word].trailing_zeros() as usize % 64;
            self.hinted = self.tick / BUCKETS as u64 * BUCKETS as u64 + digit as u64;
            self.pool.visit(self.buckets[digit], |_, event| hint(event));
        }
    }

    /// Moves the events of a bucket of a higher level to the levels below, or to the open bucket.
    fn spread(&mut self, chain: &mut Chain) {
        while let Some((first, count)) = self.pool.detach(chain) {
            for slot in first..first + count {
                let event = *self.pool.get(slot);
                let tick = event.time_ns() >> self.shift;
                if tick == self.tick {
                    self.pool.push(&mut self.open_chain, event);
                } else {
                    self.place(tick, event);
                }
            }
            self.pool.release(first);
        }
    }

    /// Sorts the open bucket; returns its number of distinct times.
    fn sort_open(&mut self) -> usize {
        let start = self.tick << self.shift;
        let keys = &mut self.open;
        self.pool.visit(self.open_chain, |slot, event| {
            keys.push(!((event.time_ns() - start) << 32 | u64::from(slot)));
        });
        sort_keys(keys);
        let ties = keys.windows(2).filter(|w| (w[0] ^ w[1]) >> 32 == 0).count();
        if ties > 0 {
            self.sort_ties();
        }
        self.opened = self.open.len();
        self.opened - ties
    }

    #[inline(never)]
    fn sort_ties(&mut self) {
        let pool = &self.pool;
        for run in self.open.chunk_by_mut(|a, b| (a ^ b) >> 32 == 0).filter(|run| run.len() > 1) {
            let tie = |key: &u64| pool.get(!*key as u32).tie();
            run.sort_unstable_by_key(|key| Reverse(tie(key)));
            debug_assert!(
                run.windows(2).all(|w| tie(&w[0]) > tie(&w[1])),
                "two events with the same key: a source used a sequence number twice"
            );
        }
    }

    /// The late heap has grown long: narrower ticks would send most of its events to buckets.
    #[cold]
    fn consider_narrower_ticks(&mut self) {
        let times = || self.late.iter().map(|e| e.0.time_ns());
        let (first, last) = times().fold((u64::MAX, 0), |(a, b), t| (a.min(t), b.max(t)));
        let (late, stored) = (self.late.len(), self.stored);
        if let Some(shift) = self.tuning.after_late_pushes(late, last - first, self.shift, stored) {
            self.rebuild(shift);
        }
    }

    /// Re-places every event under a new tick length.
    #[cold]
    fn rebuild(&mut self, shift: u32) {
        let mut chains: Vec<Chain> = self.buckets.iter().copied().filter(|c| !c.is_empty()).collect();
        self.buckets.fill(Chain::EMPTY);
        self.occupied = [[0; BUCKETS / 64]; LEVELS];
        self.levels = 0;
        self.least_on_levels = 0;
        self.shift = shift;
        self.tick = self.now >> shift;
        // Part of the open bucket may have been popped: re-place what is left, then free its chunks.
        let mut rest: Vec<E> = self.open.drain(..).map(|key| *self.pool.get(!key as u32)).collect();
        rest.extend(std::mem::take(&mut self.late).into_iter().map(|e| e.0));
        self.pool.release_all(&mut self.open_chain);
        for event in rest {
            self.replace(event);
        }
        for chain in &mut chains {
            while let Some((first, count)) = self.pool.detach(chain) {
                for slot in first..first + count {
                    self.replace(*self.pool.get(slot));
                }
                self.pool.release(first);
            }
        }
    }

    fn replace(&mut self, event: E) {
        let tick = event.time_ns() >> self.shift;
        if tick > self.tick {
            self.place(tick, event);
        } else {
            self.late.push(Earliest(event));
        }
    }

    /// The least time on the levels, found by looking through the first bucket, then remembered.
    fn least_on_levels(&mut self) -> Option<u64> {
        if self.levels == 0 {
            return None;
        }
        if self.least_on_levels == 0 {
            let level = self.levels.trailing_zeros() as usize % LEVELS;
            let words = &self.occupied[level];
            let word = words.iter().position(|&w| w != 0)?;
            let digit = word * 64 + words[word].trailing_zeros() as usize;
            let mut least = u64::MAX;
            self.pool.visit(self.buckets[level * BUCKETS + digit], |_, e| least = least.min(e.time_ns()));
            self.least_on_levels = least;
        }
        Some(self.least_on_levels)
    }
}

impl Wheel<Event> {
    /// Cancels an event by its key: see [`Wheel::cancel_at`].
    pub fn cancel(&mut self, key: EventKey) -> bool {
        self.cancel_at(key.time, key.tie())
    }
}
