//! The network: bytes move here, and nobody knows what they mean.
//!
//! * [`data`]: published tables, region mixes and hardware classes, compiled in, each with its source.
//! * [`geography`]: distances, checks of latency tables, placement of nodes.
//! * [`topology`]: who is connected to whom.
//! * [`latency`]: one-way latencies with jitter, at run time.
//! * [`links`]: the arithmetic of access links.
//!
//! * [`fabric`]: the event-driven network; [`items`], [`message`], [`scheduler`] are its parts.
//!
//! May import `kernel`, nothing else. What must never be true here: knowledge of blocks, votes or transactions; a
//! random draw that does not come from the caller's counter-based source; a latency faster than light in
//! fibre.

mod bodies;
mod books;
pub mod data;
pub mod fabric;
pub mod geography;
pub mod topology;
pub mod items;
pub mod latency;
pub mod links;
pub mod message;
pub mod params;
pub mod scheduler;

pub use latency::LatencyModel;
pub use topology::Topology;
