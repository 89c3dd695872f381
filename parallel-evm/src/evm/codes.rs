//! Codes with reference counts of their own.
//!
//! revm counts the references to a code atomically, dozens of times a transaction, and all accounts without code
//! share one. Threads that count at the same address slow each other down, so each has copies.

use revm::{bytecode::JumpTable, primitives::Bytes, state::Bytecode};

/// The code of accounts that have none.
pub(crate) fn own_empty() -> Bytecode {
    // SAFETY: one STOP and no jumps, as in `Bytecode::default()`.
    unsafe { Bytecode::new_analyzed(Bytes::from_static(&[0]), 0, JumpTable::default()) }
}

/// The same code.
pub(crate) fn own_copy(code: &Bytecode) -> Bytecode {
    let Some(table) = code.legacy_jump_table() else { return code.clone() };
    let (bytes, length) = (code.bytecode().clone(), code.original_byte_slice().len());
    // SAFETY: bytes, padding and jump table are those of an analysed code.
    unsafe { Bytecode::new_analyzed(bytes, length, table.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_equal_and_count_for_themselves() {
        let code = Bytecode::new_raw(Bytes::from_static(&[0x60, 0x5b, 0x5b, 0x7f]));
        let copy = own_copy(&code);
        assert_eq!((&copy, copy.hash_slow()), (&code, code.hash_slow()));
        assert_eq!(copy.legacy_jump_table(), code.legacy_jump_table());
        let empty = own_empty();
        assert_eq!((&empty, empty.hash_slow()), (&Bytecode::default(), revm::primitives::KECCAK_EMPTY));
        assert!(empty.is_empty() && !empty.is_default());
    }
}
