//! The simulator.

pub mod kernel;
