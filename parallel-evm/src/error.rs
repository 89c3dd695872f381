//! What can go wrong. Both engines report the same error for the same block: that of the lowest index.

use revm::{
    context::result::{InvalidHeader, InvalidTransaction},
    primitives::B256,
};
use thiserror::Error;

/// A [`PreState`](crate::PreState) could not answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StateError {
    /// An account names a code the state does not hold.
    #[error("no code with hash {0} in the pre-state")]
    MissingCode(B256),
    /// A block hash was asked for that the state does not hold.
    #[error("no hash of block {0} in the pre-state")]
    MissingBlockHash(u64),
    /// Any other failure of the state's storage.
    #[error("pre-state failed: {0}")]
    Backend(String),
}

/// Why a transaction cannot be part of the block.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidReason {
    /// The transaction breaks a rule of the protocol: nonce, funds, chain id, fees, gas, ...
    #[error(transparent)]
    Transaction(#[from] InvalidTransaction),
    /// The block's environment lacks what the fork requires.
    #[error(transparent)]
    Block(#[from] InvalidHeader),
    /// The transaction's gas limit exceeds what earlier transactions have left of the block's.
    #[error("gas limit {gas_limit} exceeds the {remaining} gas left in the block")]
    BlockGasLimit {
        /// The transaction's gas limit.
        gas_limit: u64,
        /// The block's gas limit less the gas used by earlier transactions.
        remaining: u64,
    },
    /// No fork up to Osaka knows transactions of this type.
    #[error("transaction type {0} is not known; known are 0 to 4")]
    UnknownType(u8),
    /// The EVM refused for another reason.
    #[error("{0}")]
    Other(String),
}

/// Why a block could not be executed. The block has no output then; the pre-state is untouched.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// A transaction cannot be part of the block; drop it or reorder, then try again.
    #[error("transaction {index} is invalid: {reason}")]
    InvalidTransaction {
        /// The transaction's index in the block.
        index: usize,
        /// What is wrong with it.
        reason: InvalidReason,
    },
    /// The pre-state could not answer a read of a transaction.
    #[error("transaction {index}: {error}")]
    State {
        /// The transaction's index in the block.
        index: usize,
        /// The state's answer.
        error: StateError,
    },
    /// Executing a transaction panicked: a defect in the pre-state, in this crate or below it.
    #[error("executing transaction {index} panicked")]
    WorkerPanicked {
        /// The transaction's index in the block.
        index: usize,
    },
}
