//! The interventions of a run, and the lists there were before: undo and redo.

use crate::change::Intervention;
use std::sync::Arc;

/// Lists of interventions, each an edit of the one before; the simulation follows the current one.
pub struct Script {
    lists: Vec<Arc<Vec<Intervention>>>,
    current: usize,
}

/// Edits that can be taken back.
const EDITS_MAX: usize = 500;

impl Script {
    /// Starts with what a scenario brings along.
    pub fn new(list: Vec<Intervention>) -> Self {
        Self { lists: vec![Arc::new(list)], current: 0 }
    }

    /// The list in force.
    pub fn list(&self) -> &Arc<Vec<Intervention>> {
        &self.lists[self.current]
    }

    /// Edits that can be taken back, and edits that can be made again.
    pub fn depth(&self) -> (usize, usize) {
        (self.current, self.lists.len() - 1 - self.current)
    }

    /// Notes an edit.
    pub fn edited(&mut self, list: Vec<Intervention>) {
        self.lists.truncate(self.current + 1);
        self.lists.push(Arc::new(list));
        if self.lists.len() > EDITS_MAX {
            self.lists.remove(0);
        }
        self.current = self.lists.len() - 1;
    }

    /// Goes back by one edit; the time from which on things are different, ns.
    pub fn undo(&mut self) -> Option<u64> {
        self.current = self.current.checked_sub(1)?;
        first_difference(&self.lists[self.current], &self.lists[self.current + 1])
    }

    /// Goes forward by one edit; the time from which on things are different, ns.
    pub fn redo(&mut self) -> Option<u64> {
        let next = self.current + 1;
        if next == self.lists.len() {
            return None;
        }
        self.current = next;
        first_difference(&self.lists[next - 1], &self.lists[next])
    }
}

/// The earliest time at which two lists differ.
pub fn first_difference(a: &[Intervention], b: &[Intervention]) -> Option<u64> {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    [a.get(same), b.get(same)].into_iter().flatten().map(|i| i.at_ns).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;

    fn load(at_ns: u64, factor_ppm: u64) -> Intervention {
        Intervention { at_ns, change: Change::Load { factor_ppm } }
    }

    #[test]
    fn undo_and_redo_say_from_when_on_things_are_different() {
        let (a, b, c) = (load(10, 1), load(20, 2), load(15, 3));
        let mut script = Script::new(vec![]);
        script.edited(vec![a.clone()]);
        script.edited(vec![a.clone(), b.clone()]);
        script.edited(vec![a.clone(), c.clone(), b.clone()]);
        assert_eq!(script.undo(), Some(15));
        assert_eq!(script.undo(), Some(20));
        assert_eq!(script.redo(), Some(20));
        assert_eq!(script.depth(), (2, 1));
        // A new edit: what was undone cannot come back.
        script.edited(vec![a.clone()]);
        assert_eq!((script.redo(), script.depth()), (None, (3, 0)));
        (0..3).for_each(|_| _ = script.undo());
        assert_eq!((script.undo(), script.list().len()), (None, 0));
    }
}
