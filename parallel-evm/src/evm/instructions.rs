//! Instruction tables: revm's own, wrapped where something must be noted.
//!
//! The observing table notes only what decides conflicts: looks at balances and creations of contracts. The
//! counting table also counts every opcode in its class; the class is a constant of the wrapper, so that the
//! cost is one addition.

use super::{
    Ctx,
    observation::{Loaded, is_huge},
};
use crate::WorkClass;
use revm::{
    bytecode::opcode,
    context::JournalTr,
    interpreter::{
        Instruction, InstructionContext, InstructionExecResult,
        instructions::{InstructionTable, instruction_table},
        interpreter::EthInterpreter,
        interpreter_types::InputsTr,
    },
    primitives::{Address, KECCAK_EMPTY, U256, hardfork::SpecId},
};

type Table<'v> = InstructionTable<EthInterpreter, Ctx<'v>>;
type Step<'i, 'v> = InstructionContext<'i, Ctx<'v>, EthInterpreter>;

/// revm's table as it is: enough where nothing is noted.
pub(super) const fn plain_table<'v>() -> Table<'v> {
    instruction_table::<EthInterpreter, Ctx<'v>>()
}

/// revm's table, with observations of balances, emptiness and nonces noted.
pub(super) fn observing_table<'v>() -> Table<'v> {
    const { observing::<'v>() }
}

/// The table that observes and counts.
pub(super) fn counting_table<'v>() -> Table<'v> {
    const { counting::<'v>() }
}

const fn observing<'v>() -> Table<'v> {
    let mut table = plain_table::<'v>();
    table[opcode::BALANCE as usize] = Instruction::new(observe::<{ opcode::BALANCE }>);
    table[opcode::SELFBALANCE as usize] = Instruction::new(observe::<{ opcode::SELFBALANCE }>);
    table[opcode::EXTCODEHASH as usize] = Instruction::new(observe::<{ opcode::EXTCODEHASH }>);
    table[opcode::SELFDESTRUCT as usize] = Instruction::new(observe::<{ opcode::SELFDESTRUCT }>);
    table[opcode::CALL as usize] = Instruction::new(observe::<{ opcode::CALL }>);
    table[opcode::CALLCODE as usize] = Instruction::new(observe::<{ opcode::CALLCODE }>);
    table[opcode::CREATE as usize] = Instruction::new(observe::<{ opcode::CREATE }>);
    table[opcode::CREATE2 as usize] = Instruction::new(observe::<{ opcode::CREATE2 }>);
    table
}

/// Notes which balance, nonce or emptiness the opcode looks at, and runs it.
///
/// The journal's balances are provisional plus what the transaction has done so far; an account that the opcode
/// itself fetches is in the journal only afterwards. What is noted of an opcode that fails is noted in vain: a
/// dependence too many, never one too few. That a call or creation can pay for the value it passes on is checked
/// when its frame begins; no balance changes until then, so it is noted here.
fn observe<'v, const OP: u8>(mut step: Step<'_, 'v>) -> InstructionExecResult {
    let run = const { plain_table::<'v>()[OP as usize] };
    let own = step.interpreter.input.target_address();
    let db = step.host.journaled_state.db();
    if !db.noting.observations {
        return run.execute(step);
    }
    let (top, second, third) = (peek(&step, 0), peek(&step, 1), peek(&step, 2));
    let own_balance = current_balance(&step, own);
    let target = match OP {
        opcode::CALL | opcode::CALLCODE => second.map(address_of),
        _ => top.map(address_of),
    };
    let value = match OP {
        opcode::CALL | opcode::CALLCODE => third.unwrap_or_default(),
        opcode::CREATE | opcode::CREATE2 => top.unwrap_or_default(),
        opcode::SELFDESTRUCT => own_balance,
        _ => U256::ZERO,
    };
    // What it holds before the opcode pays it; what it is given if the opcode fetches it.
    let target_balance = match OP {
        opcode::SELFDESTRUCT => {
            target.filter(|to| is_loaded(&step, *to)).map(|to| current_balance(&step, to))
        }
        _ => None,
    };
    let db = step.host.journaled_state.db_mut();
    match OP {
        opcode::BALANCE => target.into_iter().for_each(|target| db.note_balance(target)),
        opcode::SELFBALANCE | opcode::SELFDESTRUCT => db.note_balance(own),
        opcode::CALL | opcode::CALLCODE if !value.is_zero() => db.note_balance(own),
        opcode::CREATE | opcode::CREATE2 => {
            db.note_balance(own);
            db.note_creator(own);
        }
        _ => {}
    }
    let result = run.execute(again(&mut step));
    match OP {
        opcode::BALANCE => seen(&mut step, target, Loaded::balance_seen),
        opcode::SELFBALANCE => seen(&mut step, Some(own), Loaded::balance_seen),
        opcode::EXTCODEHASH => emptiness_seen(&mut step, target, None),
        opcode::SELFDESTRUCT => {
            seen(&mut step, Some(own), Loaded::balance_seen);
            let log = &mut step.host.journaled_state.db_mut().log;
            let given = target.and_then(|to| log.loaded(to)).map(|loaded| loaded.read.balance);
            emptiness_seen(&mut step, target.filter(|to| *to != own), target_balance.or(given));
        }
        opcode::CALL | opcode::CALLCODE => {
            let spec = step.host.cfg.spec;
            if OP == opcode::CALL && (!value.is_zero() || !spec.is_enabled_in(SpecId::SPURIOUS_DRAGON)) {
                emptiness_seen(&mut step, target, None);
            }
            if !value.is_zero() {
                seen(&mut step, Some(own), |own| own.checked(own_balance, value));
            }
        }
        opcode::CREATE | opcode::CREATE2 => {
            seen(&mut step, Some(own), |own| {
                own.checked(own_balance, value);
                own.exact_nonce = true;
            });
        }
        _ => {}
    }
    let moves = !matches!(OP, opcode::BALANCE | opcode::SELFBALANCE | opcode::EXTCODEHASH);
    if moves && value <= own_balance && is_huge(value) {
        step.host.journaled_state.db_mut().log.huge = true;
    }
    result
}

fn is_loaded(step: &Step<'_, '_>, address: Address) -> bool {
    step.host.journaled_state.inner.state.contains_key(&address)
}

fn current_balance(step: &Step<'_, '_>, address: Address) -> U256 {
    step.host
        .journaled_state
        .inner
        .state
        .get(&address)
        .map(|account| account.info.balance)
        .unwrap_or_default()
}

fn seen(step: &mut Step<'_, '_>, address: Option<Address>, note: impl FnOnce(&mut Loaded)) {
    if let Some(address) = address
        && let Some(loaded) = step.host.journaled_state.db_mut().log.loaded(address)
    {
        note(loaded);
    }
}

/// The opcode asked whether the account is empty; `before`: its balance then, if not the one of now.
fn emptiness_seen(step: &mut Step<'_, '_>, address: Option<Address>, before: Option<U256>) {
    let Some(address) = address else { return };
    let clearing = step.host.cfg.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
    let Some(account) = step.host.journaled_state.inner.state.get(&address) else { return };
    let (now, nonce) = (account.info.balance, account.info.nonce);
    let has_code = account.info.code_hash != KECCAK_EMPTY;
    let Some(loaded) = step.host.journaled_state.db_mut().log.loaded(address) else { return };
    loaded.emptiness_seen(before.unwrap_or(now), nonce, has_code, clearing);
}

macro_rules! count_all {
    ($table:ident, $($op:literal)+) => { $( $table[$op] = Instruction::new(count::<$op>); )+ };
}

const fn counting<'v>() -> Table<'v> {
    let mut table = observing::<'v>();
    count_all!(table,
        0x00 0x01 0x02 0x03 0x04 0x05 0x06 0x07 0x08 0x09 0x0a 0x0b 0x0c 0x0d 0x0e 0x0f
        0x10 0x11 0x12 0x13 0x14 0x15 0x16 0x17 0x18 0x19 0x1a 0x1b 0x1c 0x1d 0x1e 0x1f
        0x20 0x30 0x31 0x32 0x33 0x34 0x35 0x36 0x37 0x38 0x39 0x3a 0x3b 0x3c 0x3d 0x3e 0x3f
        0x40 0x41 0x42 0x43 0x44 0x45 0x46 0x47 0x48 0x49 0x4a 0x4b
        0x50 0x51 0x52 0x53 0x54 0x55 0x56 0x57 0x58 0x59 0x5a 0x5b 0x5c 0x5d 0x5e 0x5f
        0x60 0x61 0x62 0x63 0x64 0x65 0x66 0x67 0x68 0x69 0x6a 0x6b 0x6c 0x6d 0x6e 0x6f
        0x70 0x71 0x72 0x73 0x74 0x75 0x76 0x77 0x78 0x79 0x7a 0x7b 0x7c 0x7d 0x7e 0x7f
        0x80 0x81 0x82 0x83 0x84 0x85 0x86 0x87 0x88 0x89 0x8a 0x8b 0x8c 0x8d 0x8e 0x8f
        0x90 0x91 0x92 0x93 0x94 0x95 0x96 0x97 0x98 0x99 0x9a 0x9b 0x9c 0x9d 0x9e 0x9f
        0xa0 0xa1 0xa2 0xa3 0xa4 0xe6 0xe7 0xe8
        0xf0 0xf1 0xf2 0xf3 0xf4 0xf5 0xfa 0xfd 0xfe 0xff
    );
    table
}

/// Counts the opcode in its class and the data it handles, and runs it.
fn count<'v, const OP: usize>(mut step: Step<'_, 'v>) -> InstructionExecResult {
    if let Some(class) = const { fixed_class(OP as u8) } {
        step.host.journaled_state.db_mut().work.add(class, 1);
    }
    let run = const { observing::<'v>()[OP] };
    match const { data(OP as u8) } {
        Data::None => run.execute(step),
        Data::Slot => {
            let fetched = step.host.journaled_state.db().log.slots.len();
            run.execute(again(&mut step))?;
            if step.host.journaled_state.db().log.slots.len() == fetched {
                step.host.journaled_state.db_mut().work.add(WorkClass::StorageReadWarm, 1);
            }
            Ok(())
        }
        Data::Account => counting_account(step, run),
        Data::Bytes { class, len_at, per_unit } => {
            let len = peek(&step, len_at);
            let result = if OP == opcode::EXTCODECOPY as usize {
                counting_account(again(&mut step), run)
            } else {
                run.execute(again(&mut step))
            };
            if let (Ok(()), Some(len)) = (&result, len) {
                let units = len.saturating_to::<u64>().div_ceil(per_unit);
                step.host.journaled_state.db_mut().work.add_wide(class, units);
            }
            result
        }
        Data::Exponent => {
            let bytes = peek(&step, 1).map_or(0, |exponent| exponent.byte_len() as u32);
            step.host.journaled_state.db_mut().work.add(WorkClass::ExpByte, bytes);
            run.execute(step)
        }
        Data::InitCode => {
            // Read before the opcode takes it off the stack; a creation always leaves the interpreter.
            let len = peek(&step, 2).map_or(0, |len| len.saturating_to::<u64>());
            let result = run.execute(again(&mut step));
            if len <= MAX_INIT_CODE_BYTES {
                step.host.journaled_state.db_mut().work.add_wide(WorkClass::CreateByte, len);
            }
            result
        }
    }
}

/// Runs an opcode that looks at an account; counts a warm access if it fetched none.
fn counting_account<'v>(
    mut step: Step<'_, 'v>,
    run: Instruction<EthInterpreter, Ctx<'v>>,
) -> InstructionExecResult {
    let fetched = step.host.journaled_state.db().log.account_prefixes.len();
    let result = run.execute(again(&mut step));
    if step.host.journaled_state.db().log.account_prefixes.len() == fetched {
        step.host.journaled_state.db_mut().work.add(WorkClass::AccountWarm, 1);
    }
    result
}

/// More init code than memory gas could ever pay for is an opcode that failed, not work.
const MAX_INIT_CODE_BYTES: u64 = 1 << 24;

/// What an opcode handles beyond its fixed part.
enum Data {
    None,
    Slot,
    Account,
    Bytes { class: WorkClass, len_at: usize, per_unit: u64 },
    Exponent,
    InitCode,
}

const fn data(op: u8) -> Data {
    const fn words(len_at: usize) -> Data {
        Data::Bytes { class: WorkClass::MemoryWord, len_at, per_unit: 32 }
    }
    match op {
        opcode::SLOAD => Data::Slot,
        opcode::BALANCE | opcode::SELFBALANCE | opcode::EXTCODESIZE | opcode::EXTCODEHASH => Data::Account,
        opcode::CALL | opcode::CALLCODE | opcode::DELEGATECALL | opcode::STATICCALL => Data::Account,
        opcode::SELFDESTRUCT => Data::Account,
        opcode::CALLDATACOPY | opcode::CODECOPY | opcode::RETURNDATACOPY | opcode::MCOPY => words(2),
        opcode::EXTCODECOPY => words(3),
        opcode::KECCAK256 => Data::Bytes { class: WorkClass::HashWord, len_at: 1, per_unit: 32 },
        opcode::LOG0 | opcode::LOG1 | opcode::LOG2 | opcode::LOG3 | opcode::LOG4 => {
            Data::Bytes { class: WorkClass::LogByte, len_at: 1, per_unit: 1 }
        }
        opcode::EXP => Data::Exponent,
        opcode::CREATE | opcode::CREATE2 => Data::InitCode,
        _ => Data::None,
    }
}

/// The class an opcode counts in, whatever its data; none if the access it makes is all its work.
const fn fixed_class(op: u8) -> Option<WorkClass> {
    Some(match op {
        opcode::SLOAD | opcode::BALANCE | opcode::SELFBALANCE => return None,
        opcode::EXTCODESIZE | opcode::EXTCODEHASH => return None,
        opcode::DIV | opcode::SDIV | opcode::MOD | opcode::SMOD | opcode::ADDMOD => WorkClass::Divide,
        opcode::MULMOD => WorkClass::MulMod,
        opcode::MLOAD | opcode::MSTORE | opcode::MSTORE8 => WorkClass::MemoryWord,
        opcode::KECCAK256 => WorkClass::HashCall,
        opcode::SSTORE => WorkClass::StorageWrite,
        opcode::TLOAD | opcode::TSTORE => WorkClass::Transient,
        opcode::CALL | opcode::CALLCODE | opcode::DELEGATECALL | opcode::STATICCALL => WorkClass::Call,
        opcode::CREATE | opcode::CREATE2 => WorkClass::Create,
        opcode::LOG0 | opcode::LOG1 | opcode::LOG2 | opcode::LOG3 | opcode::LOG4 => WorkClass::Log,
        _ => WorkClass::Simple,
    })
}

fn again<'s, 'v>(step: &'s mut Step<'_, 'v>) -> Step<'s, 'v> {
    InstructionContext { interpreter: &mut *step.interpreter, host: &mut *step.host }
}

fn peek(step: &Step<'_, '_>, depth: usize) -> Option<U256> {
    let words = step.interpreter.stack.data();
    words.len().checked_sub(depth + 1).map(|index| words[index])
}

fn address_of(word: U256) -> Address {
    Address::from_word(word.into())
}
