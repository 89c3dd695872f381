//! Memory for calls, kept by each thread from block to block: stacks of some 300 kB would be allocated anew for every
//! block and thread. It holds nothing that an execution reads.

use revm::{
    context::LocalContext,
    context_interface::{FrameStack, LocalContextTr},
    handler::EthFrame,
    interpreter::interpreter::EthInterpreter,
};
use std::cell::RefCell;

/// How many calls deep most transactions go.
const DEPTH: usize = 8;

/// Longer memory is not kept.
const MEMORY_MAX_BYTES: usize = 1 << 20;

/// What an EVM needs for its calls.
pub(super) struct Frames {
    pub(super) stack: FrameStack<EthFrame<EthInterpreter>>,
    pub(super) local: LocalContext,
}

thread_local! {
    static KEPT: RefCell<Option<Frames>> = const { RefCell::new(None) };
}

impl Frames {
    /// Those that this thread has kept, or new ones.
    pub(super) fn take() -> Self {
        let kept = KEPT.try_with(RefCell::take).ok().flatten();
        kept.unwrap_or_else(|| Self {
            stack: FrameStack::new_prealloc(DEPTH),
            local: LocalContext::default(),
        })
    }

    /// Keeps them for the thread's next block.
    pub(super) fn keep(mut self) {
        self.local.clear();
        if self.local.shared_memory_buffer.borrow().capacity() <= MEMORY_MAX_BYTES {
            // Fails while the thread ends; then nobody needs them.
            let _ = KEPT.try_with(|kept| kept.replace(Some(self)));
        }
    }
}
