//! Agreement: who makes blocks, when nodes vote, when a block is final. One file each.
//!
//! A protocol runs on every node of its chain. It is told about the node's own timers, items and messages,
//! acts through [`Host`], and may look at a block for a node only if that node has received it.
//!
//! Chains are plural: each chain of a simulation has its own instance, over the same nodes, links and CPUs.
//!
//! May import the kernel, net, gossip, chain, execution and workload. Must never be true: that a handler
//! reads another node's views, votes or queues.

pub mod broadcast;
pub mod ledger;
pub mod params;
pub mod slots;
pub mod votes;

pub use crate::execution::host::{Host, PassOn, RunError, Task, Tasks, timers};
