//! One transaction on revm: run it against a view, log what it looks at, turn its journal into writes.
//!
//! Nothing here knows of other transactions or of threads. revm is used as it is, save for four changes: without
//! reports, ordinary transfers are executed without it;
//! opcodes that observe balances or nonces are noted, the beneficiary's fee is kept apart where possible, and,
//! when reports are wanted, every opcode and precompile is counted.

mod codes;
mod effects;
mod fee;
mod frames;
mod instructions;
mod observation;
mod precompiles;
mod runner;
mod trace;
mod transfer;
mod view;

pub(crate) use codes::own_copy;
pub(crate) use effects::{AccountEffect, Effects};
pub(crate) use observation::Loaded;
pub(crate) use runner::{Executed, Outcome, Runner};
pub(crate) use view::{Given, View};

use precompiles::CountingPrecompiles;
use revm::{
    Context, Journal,
    context::{BlockEnv, CfgEnv, Evm, TxEnv},
    handler::{EthFrame, instructions::EthInstructions},
    interpreter::interpreter::EthInterpreter,
};
use view::TxDb;

type Ctx<'v> = Context<BlockEnv, TxEnv, CfgEnv, TxDb<'v>, Journal<TxDb<'v>>, ()>;
type TxEvm<'v> =
    Evm<Ctx<'v>, (), EthInstructions<EthInterpreter, Ctx<'v>>, CountingPrecompiles, EthFrame<EthInterpreter>>;
