//! The interventions of a run in the order of their times: those in force and those to come.

use super::ApplyError;
use crate::kernel::time::SimTime;
use crate::scenario::plan::Intervention;

/// What was, and what will be, changed from outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    list: Vec<Intervention>,
    /// Number of those in force.
    done: usize,
}

impl Timeline {
    /// A timeline of which nothing has happened; the order of equal times is kept.
    pub fn new(mut list: Vec<Intervention>) -> Self {
        list.sort_by_key(|i| i.at_ns);
        Self { list, done: 0 }
    }

    /// All interventions.
    pub fn list(&self) -> &[Intervention] {
        &self.list
    }

    /// When the next takes effect; the end of time if there is none.
    pub fn next(&self) -> SimTime {
        self.list.get(self.done).map_or(SimTime::MAX, |i| SimTime(i.at_ns))
    }

    /// Takes the next if it is due at `now`.
    pub fn take_due(&mut self, now: SimTime) -> Option<Intervention> {
        let next = self.list.get(self.done).filter(|i| i.at_ns <= now.0)?;
        self.done += 1;
        Some(next.clone())
    }

    /// Adds one that is still to come, after those of its time.
    pub fn insert(&mut self, intervention: Intervention) {
        let place = self.list.partition_point(|i| i.at_ns <= intervention.at_ns);
        self.list.insert(place.max(self.done), intervention);
    }

    /// Replaces those to come by what `list` has after those in force. Nothing new may come before `now_ns`.
    pub fn replace(&mut self, list: Vec<Intervention>, now_ns: u64) -> Result<(), ApplyError> {
        let new = Self::new(list);
        if let Some(i) = (0..self.done).find(|&i| new.list.get(i) != Some(&self.list[i])) {
            return Err(ApplyError::Past { at_ns: self.list[i].at_ns });
        }
        if let Some(late) = new.list[self.done..].first().filter(|i| i.at_ns < now_ns) {
            return Err(ApplyError::Late { at_ns: late.at_ns, now_ns });
        }
        self.list = new.list;
        Ok(())
    }
}
