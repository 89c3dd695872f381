//! Rollups: chains that order and execute on their own and publish what they did on another chain, the L1.
//!
//! One [`fleet::Fleet`] carries from one to a million rollups of a kind over the nodes of the simulation:
//!
//! * [`users`]: people at gateways (their RPC nodes) send transactions to the rollups' sequencers.
//! * [`resend`]: what is not answered is sent again.
//! * [`sequencer`] and `queue`: orders, executes (the same executor as every chain, on the node's own cores), confirms softly.
//! * `answers`: what sequencers tell.
//! * `shared`: one sequencer for all rollups of a fleet; bundles that are taken together or not at all.
//! * `fees`: the price of a rollup's gas.
//! * `based`: no sequencer: whoever proposes the L1's next block orders, executes and posts.
//! * [`batcher`]: collects what was executed, compresses it for real ([`compress`]), bids for space on the L1.
//! * `derive`: nodes that take only what is on the L1, fetch blobs, and execute.
//! * [`labels`]: soft, posted, L1-final, proven: what each user sees, and when.
//! * [`shares`]: what part of demand and of liquidity a rollup has. [`liquidity`]: trades on pools spread over chains.
//! * [`bridge`]: bridges between the rollups of a fleet, people who cross them, conservation of what is on them.
//! * `conservation`: after every block every token and all ether is accounted for.
//! * [`presets`]: parameters of known designs with their sources. [`record`]: what a run leaves behind.
//! * [`look`], [`samples`]: what a fleet looks like while it runs.
//!
//! A fleet acts only through messages and timers and sees the L1 through its own nodes' views
//! ([`crate::consensus::slots`]). A rollup nobody uses has no event pending and takes twelve bytes.
//!
//! May import kernel, net, gossip, chain, execution, workload and consensus. Must never be true: that a sequencer
//! orders a transaction that has not reached its node, that a batch counts as posted where the node has not
//! executed the L1 block with it, or that bytes are compressed by a ratio instead of a codec.

mod answers;
mod based;
pub mod batcher;
pub mod bridge;
pub mod compress;
mod conservation;
mod derive;
mod fees;
pub mod fleet;
pub mod labels;
pub mod liquidity;
pub mod look;
pub mod params;
pub mod presets;
mod queue;
pub mod record;
pub mod resend;
pub mod samples;
pub mod sequencer;
mod shared;
pub mod shares;
pub mod users;
