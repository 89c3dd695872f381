//! Lightcone's simulator: a deterministic discrete-event model of blockchain networks.
//!
//! Imports point down this list and never up; the `tidy` test enforces it.

pub mod kernel;
pub mod net;
pub mod gossip;
pub mod chain;
pub mod execution;
pub mod workload;
pub mod consensus;
pub mod rollup;
pub mod scenario;
pub mod observe;
pub mod simulation;
pub mod sweep;
pub mod compare;

// The README's examples are compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
