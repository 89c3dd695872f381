//! Parallel EVM execution.
