//! The event and its total order.
//!
//! Two events are compared by (time, microstep, class, aux, destination, source, the source's own
//! sequence). All of it is content: the order is the same whatever the order of insertion, the number of
//! partitions or the state of the allocator. The payload is a handle and therefore not part of the key.

use super::ids::NodeId;
use super::time::{SimDuration, SimTime};
use super::wheel::Timed;
use std::fmt;

/// A point in the order of events: an instant and the step within it.
///
/// Causes precede effects even when no time passes: an effect of zero delay happens one microstep later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// The instant.
    pub time: SimTime,
    /// Zero-delay steps since the first event of this instant's causal chain.
    pub microstep: u16,
}

impl Moment {
    /// Microstep 0 of `time`.
    #[inline]
    pub const fn at(time: SimTime) -> Self {
        Self { time, microstep: 0 }
    }

    /// The moment `delay` after this one: the next microstep if `delay` is zero, else microstep 0.
    ///
    /// # Panics
    /// After 65,535 zero-delay steps at one instant: that is a loop in the model, not a simulation.
    #[inline]
    pub fn after(self, delay: SimDuration) -> Self {
        if delay.is_zero() {
            let microstep = self.microstep.checked_add(1);
            let microstep = microstep.expect("65,536 zero-delay events in a row at one instant: a loop");
            Self { time: self.time, microstep }
        } else {
            Self::at(self.time + delay)
        }
    }
}

/// What an event is, as far as the order is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Rank among events of the same moment; 0 is reserved for interventions. The dispatcher matches on it.
    pub class: u8,
    /// Free for the class (a port, a stage, a chain's local number); ranks after the class.
    pub aux: u8,
}

impl Kind {
    /// Class and aux together.
    #[inline]
    pub const fn new(class: u8, aux: u8) -> Self {
        Self { class, aux }
    }
}

/// A scheduled occurrence at one node: 32 bytes, `Copy`, dispatched by a `match` on [`Event::class`].
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Event {
    /// When it happens.
    pub time: SimTime,
    /// microstep:16 | class:8 | aux:8 | destination:32
    order: u64,
    /// Who caused it.
    pub source: NodeId,
    /// Handle of what it carries, meaningful to the class. Not part of the order.
    pub payload: u32,
    /// The source's own running number. A (source, sequence) pair is used once.
    pub sequence: u64,
}

const _: () = assert!(size_of::<Event>() == 32);

impl Event {
    /// An event at an absolute moment, for starting a run or replaying an intervention.
    #[inline]
    pub fn at(
        moment: Moment,
        kind: Kind,
        destination: NodeId,
        source: NodeId,
        sequence: u64,
        payload: u32,
    ) -> Self {
        let order = u64::from(moment.microstep) << 48
            | u64::from(kind.class) << 40
            | u64::from(kind.aux) << 32
            | u64::from(destination.0);
        Self { time: moment.time, order, source, payload, sequence }
    }

    /// An event `delay` after its cause (see [`Moment::after`]).
    ///
    /// Between two different nodes the delay is at least 1 ns (checked in debug builds): that is what
    /// allows them to run in different partitions.
    #[inline]
    pub fn after(
        cause: Moment,
        delay: SimDuration,
        kind: Kind,
        destination: NodeId,
        source: NodeId,
        sequence: u64,
        payload: u32,
    ) -> Self {
        debug_assert!(
            !delay.is_zero() || destination == source,
            "zero delay between {source} and {destination}"
        );
        Self::at(cause.after(delay), kind, destination, source, sequence, payload)
    }

    /// Time and microstep: the `cause` of whatever this event schedules.
    #[inline]
    pub fn moment(&self) -> Moment {
        Moment { time: self.time, microstep: self.microstep() }
    }

    /// Zero-delay steps before this event at its instant.
    #[inline]
    pub const fn microstep(&self) -> u16 {
        (self.order >> 48) as u16
    }

    /// What kind of event it is.
    #[inline(always)]
    pub const fn class(&self) -> u8 {
        (self.order >> 40) as u8
    }

    /// The class's own small number.
    #[inline(always)]
    pub const fn aux(&self) -> u8 {
        (self.order >> 32) as u8
    }

    /// Where it happens.
    #[inline(always)]
    pub const fn destination(&self) -> NodeId {
        NodeId(self.order as u32)
    }

    /// Identity and rank of the event.
    #[inline]
    pub const fn key(&self) -> EventKey {
        EventKey { time: self.time, order: self.order, source: self.source, sequence: self.sequence }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} payload {}", self.key(), self.payload)
    }
}

/// An event's place in the total order; also its identity, for cancelling a timer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// When the event happens.
    pub time: SimTime,
    order: u64,
    source: NodeId,
    sequence: u64,
}

impl EventKey {
    /// The key without its time, as the queue's tie-breaker.
    #[inline(always)]
    pub(crate) const fn tie(self) -> EventTie {
        EventTie { order: self.order, source: self.source, sequence: self.sequence }
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (order, ns) = (self.order, self.time.0);
        let (microstep, class, aux) = ((order >> 48) as u16, (order >> 40) as u8, (order >> 32) as u8);
        write!(f, "{ns} ns+{microstep} class {class}.{aux} ")?;
        write!(f, "{} -> {} #{}", self.source, NodeId(order as u32), self.sequence)
    }
}

/// What orders two events of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTie {
    order: u64,
    source: NodeId,
    sequence: u64,
}

impl Timed for Event {
    type Tie = EventTie;

    #[inline(always)]
    fn time_ns(&self) -> u64 {
        self.time.0
    }

    #[inline(always)]
    fn tie(&self) -> EventTie {
        self.key().tie()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(t: u64, microstep: u16, kind: Kind, dst: u32, src: u32, sequence: u64) -> Event {
        let moment = Moment { time: SimTime(t), microstep };
        Event::at(moment, kind, NodeId(dst), NodeId(src), sequence, 0)
    }

    #[test]
    fn order_is_time_microstep_class_aux_destination_source_sequence() {
        let (low, high) = (Kind::new(0, 9), Kind::new(1, 0));
        let ascending = [
            event(1, 9, high, 9, 9, 9),
            event(2, 0, high, 9, 9, 9),
            event(2, 1, low, 9, 9, 9),
            event(2, 1, high, 0, 9, 9),
            event(2, 1, high, 1, 0, 9),
            event(2, 1, high, 1, 1, 0),
            event(2, 1, high, 1, 1, 1),
            event(2, 1, Kind::new(1, 1), 0, 0, 0),
            event(2, u16::MAX, low, 0, 0, 0),
        ];
        assert!(ascending.windows(2).all(|w| w[0].key() < w[1].key()));
        assert!(ascending.windows(2).all(|w| (w[0].time, w[0].tie()) < (w[1].time, w[1].tie())));
    }

    #[test]
    fn fields_survive_packing() {
        let e = event(7, 513, Kind::new(250, 3), u32::MAX, 5, 1 << 40);
        assert_eq!((e.microstep(), e.class(), e.aux(), e.destination()), (513, 250, 3, NodeId(u32::MAX)));
        assert_eq!(e.moment(), Moment { time: SimTime(7), microstep: 513 });
        assert_eq!(format!("{e:?}"), "7 ns+513 class 250.3 n5 -> n4294967295 #1099511627776 payload 0");
    }

    #[test]
    fn zero_delay_advances_the_microstep_and_any_other_delay_resets_it() {
        let cause = Moment { time: SimTime(10), microstep: 4 };
        assert_eq!(cause.after(SimDuration::ZERO), Moment { time: SimTime(10), microstep: 5 });
        assert_eq!(cause.after(SimDuration(3)), Moment::at(SimTime(13)));
        let node = NodeId(2);
        let echo = Event::after(cause, SimDuration::ZERO, Kind::default(), node, node, 0, 0);
        assert_eq!(echo.moment(), cause.after(SimDuration::ZERO));
    }

    #[test]
    #[should_panic(expected = "a loop")]
    fn an_endless_zero_delay_loop_is_reported() {
        let _ = Moment { time: SimTime(1), microstep: u16::MAX }.after(SimDuration::ZERO);
    }
}
