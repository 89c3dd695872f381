#![doc = include_str!("../README.md")]

mod account;
mod block;
mod commit;
mod conflicts;
pub mod contracts;
mod delta;
mod error;
mod evm;
pub mod evm_block;
mod executor;
mod output;
mod overlay;
mod parallel;
mod receipt;
mod report;
mod serial;
mod state;
mod stress;
mod work;

pub use alloy_primitives::Bloom;
pub use block::Block;
pub use conflicts::{Conflicts, Dependencies, NotLower};
pub use delta::{AccountChange, AccountDelta, AccountFields, StateDelta};
pub use error::{ExecuteError, InvalidReason, StateError};
pub use executor::{Engine, Executor, is_small};
pub use output::{BlockOutput, Diagnostics};
pub use receipt::Receipt;
pub use report::{Access, BalanceUse, Location, TxReport};
pub use revm::{
    context::{
        BlockEnv, TxEnv,
        result::{InvalidHeader, InvalidTransaction},
    },
    primitives::{Address, B256, Bytes, Log, TxKind, U256, hardfork::SpecId},
    state::{AccountInfo, Bytecode},
};
pub use state::{MemoryState, PreState};
pub use stress::Stress;
pub use work::{WorkClass, WorkVector};
