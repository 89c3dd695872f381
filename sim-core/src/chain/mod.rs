//! What a blockchain is made of, before anyone agrees on anything: accounts, transactions, blocks, the tree
//! they form, the pool of pending transactions and the market that prices them.
//!
//! Everything is a value that belongs to *a* chain; nothing here says "the" chain. Stores are shared between
//! the nodes of a chain, and a node's own view of them is given by closures ("does this node know that
//! block?"), so that memory does not grow with the number of nodes.
//!
//! May import: `kernel`, and the transaction types of `parallel-evm`. Must never: know of networks, of
//! simulated time's passing, or of what a transaction does when it runs.
//!
//! Identity: a block is (chain, proposer, slot), a transaction is (producer, sequence). Handles such as
//! [`tree::BlockIx`] and [`mempool::TxIx`] are positions in a store; they never decide an order and never
//! enter a digest.

pub mod account;
pub mod blob;
pub mod block;
pub mod fee_market;
pub mod mempool;
pub mod offer;
pub mod schedule;
pub mod transaction;
pub mod tree;
