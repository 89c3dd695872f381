//! The optimistic engine. Not there yet: until it is, blocks run serially, with the same results.

use crate::{Block, BlockOutput, ExecuteError, PreState, serial};
use std::num::NonZeroUsize;

/// Executes a block.
pub(crate) fn execute(
    block: &Block,
    pre: &dyn PreState,
    reports: bool,
    _threads: NonZeroUsize,
) -> Result<BlockOutput, ExecuteError> {
    serial::execute(block, pre, reports)
}
