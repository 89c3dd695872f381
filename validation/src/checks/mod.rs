//! The checks, one file a family.

pub mod amm;
pub mod bounds;
pub mod bridges;
pub mod concentrated;
pub mod duplicates;
pub mod fees;
pub mod forks;
pub mod hops;
pub mod liquidity;
pub mod markets;
pub mod queue;
pub mod rollups;
pub mod rumour;
pub mod schedules;
pub mod searchers;
