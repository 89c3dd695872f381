//! The ground everything else stands on: time, identities, the event queue, random draws,
//! portable mathematics and digests.
//!
//! **Imports:** nothing of the simulator. The kernel knows nothing of networks, blocks or chains.
//!
//! **Must never be true:**
//! - the order of two events depends on when they were pushed, on an address or on a thread;
//! - a random draw depends on how many draws came before it;
//! - a transcendental function is called anywhere but in [`math`];
//! - host time enters a result.

pub mod digest;
pub mod event;
pub mod ids;
pub mod jitter;
pub mod math;
pub mod prefetch;
pub mod random;
pub mod time;
pub mod wheel;

pub use digest::{Digest, DigestTrail, NodeDigest};
pub use event::{Event, EventKey, Kind, Moment};
pub use ids::{ChainId, ItemId, NodeId};
pub use jitter::{Factor, InverseCdf};
pub use random::{DrawRng, Purpose, draw};
pub use time::{BitsPerSec, Bytes, SimDuration, SimTime, transfer_time};
pub use wheel::{Timed, Wheel};
