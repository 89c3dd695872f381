//! Storage of the wheel's buckets: chunks of events in one array, chained by number.
//!
//! A bucket is a single [`Chain`] word: the slot its next event goes to. Chunks freed by one bucket are
//! the first to be used by another, so memory follows the number of pending events, growing never copies
//! bucket by bucket, and cloning the pool is two `memcpy`s.

use crate::kernel::prefetch::prefetch;

/// Events per chunk. Small enough that half-empty tails of 256 buckets are nothing, large enough that
/// chunk changes are rare.
const CHUNK: u32 = 32;

/// A bucket's contents: where the next event goes. Zero is the empty chain (chunk 0 is never used).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain(u32);

impl Chain {
    pub(super) const EMPTY: Self = Self(0);

    #[inline(always)]
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[derive(Clone)]
pub(super) struct Pool<E> {
    slots: Vec<E>,
    /// For a chunk in a chain: the chunk filled before it. For a free chunk: the next free one. 0: none.
    links: Vec<u32>,
    free: u32,
}

impl<E: Copy> Pool<E> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), links: Vec::new(), free: 0 }
    }

    #[inline(always)]
    pub(super) fn get(&self, slot: u32) -> &E {
        &self.slots[slot as usize]
    }

    /// Appends to a chain. Returns whether the chain started a new chunk (so: whenever it was empty).
    #[inline(always)]
    pub(super) fn push(&mut self, chain: &mut Chain, event: E) -> bool {
        let full = chain.0.is_multiple_of(CHUNK);
        if full {
            *chain = self.start_chunk(*chain, event);
        }
        self.slots[chain.0 as usize] = event;
        chain.0 += 1;
        full
    }

    #[inline(never)]
    fn start_chunk(&mut self, chain: Chain, fill: E) -> Chain {
        let chunk = if self.free != 0 {
            let chunk = self.free;
            self.free = self.links[chunk as usize];
            chunk
        } else {
            let first = self.links.len().max(1);
            let slots = (first + 1) * CHUNK as usize;
            // The cursor of a full last chunk is one past its end and has to fit as well.
            assert!(slots <= u32::MAX as usize, "more than 2^32 events pending");
            self.slots.resize(slots, fill);
            self.links.resize(first + 1, 0);
            first as u32
        };
        self.links[chunk as usize] = if chain.is_empty() { 0 } else { (chain.0 - 1) / CHUNK };
        Chain(chunk * CHUNK)
    }

    /// Detaches the newest chunk: (first slot, number of events), and shortens the chain by it. The
    /// caller gives the chunk back with [`Pool::release`] when it has read it.
    #[inline]
    pub(super) fn detach(&mut self, chain: &mut Chain) -> Option<(u32, u32)> {
        let last = chain.0.checked_sub(1)?;
        let chunk = last / CHUNK;
        let below = self.links[chunk as usize];
        *chain = if below == 0 { Chain::EMPTY } else { Chain(below * CHUNK + CHUNK) };
        for line in 0..CHUNK as usize * size_of::<E>() / 64 {
            prefetch(&self.slots, (below * CHUNK) as usize + line * 64 / size_of::<E>());
        }
        Some((chunk * CHUNK, last % CHUNK + 1))
    }

    /// Returns a detached chunk for reuse.
    #[inline]
    pub(super) fn release(&mut self, first_slot: u32) {
        let chunk = first_slot / CHUNK;
        self.links[chunk as usize] = self.free;
        self.free = chunk;
    }

    /// Returns all chunks of a chain.
    #[inline]
    pub(super) fn release_all(&mut self, chain: &mut Chain) {
        while !chain.is_empty() {
            let chunk = (chain.0 - 1) / CHUNK;
            let below = self.links[chunk as usize];
            *chain = if below == 0 { Chain::EMPTY } else { Chain(below * CHUNK + CHUNK) };
            self.links[chunk as usize] = self.free;
            self.free = chunk;
        }
    }

    /// Visits every event of a chain with its slot, newest chunk first.
    #[inline(always)]
    pub(super) fn visit(&self, mut chain: Chain, mut f: impl FnMut(u32, &E)) {
        while !chain.is_empty() {
            let chunk = (chain.0 - 1) / CHUNK;
            let first = chunk * CHUNK;
            for (slot, event) in (first..).zip(&self.slots[first as usize..chain.0 as usize]) {
                f(slot, event);
            }
            let below = self.links[chunk as usize];
            chain = if below == 0 { Chain::EMPTY } else { Chain(below * CHUNK + CHUNK) };
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<E>() + self.links.capacity() * size_of::<u32>()
    }
}
