//! What nobody has written yet, known without a lock.
//!
//! Most of what transactions read is never written in a block. A location is hashed to a mark, which is set before
//! anything is written there, ever. While it is not set, the location holds what the pre-state says, and threads that
//! look share the mark's cache line. Marks are shared by locations: a set one says nothing.

use super::sync::{AtomicBool, SeqCst};

pub(super) struct Marks(Box<[AtomicBool]>);

impl Marks {
    /// `count`: a power of two.
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicBool::new(false)).collect())
    }

    /// Whether nothing with this hash was written.
    pub(super) fn is_clean(&self, hash: u64) -> bool {
        !self.of(hash).load(SeqCst)
    }

    /// Something with this hash is about to be written.
    pub(super) fn set(&self, hash: u64) {
        let mark = self.of(hash);
        // Setting it again would take the cache line from those who look.
        if !mark.load(SeqCst) {
            mark.store(true, SeqCst);
        }
    }

    fn of(&self, hash: u64) -> &AtomicBool {
        &self.0[hash as usize & (self.0.len() - 1)]
    }
}
