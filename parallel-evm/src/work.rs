//! Work vectors: how much of which kind of work a transaction does.
//!
//! A work vector counts what the EVM is asked to do, by class, in whole units. It is a property of the
//! transaction and the state it runs on. It must never depend on the host, on the engine or on time.

use std::fmt;

macro_rules! work_classes {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// A class of work; its documentation states the unit that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum WorkClass { $($(#[$doc])+ $variant,)+ }

        impl WorkClass {
            /// All classes, in the order of a [`WorkVector`]'s counters.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];
            /// How many classes there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The names of all classes in `snake_case`, in the order of [`Self::ALL`].
            pub const fn names() -> [&'static str; Self::COUNT] {
                [$($name),+]
            }
        }
    };
}

work_classes! {
    /// One cheap opcode: stack, addition, logic, shifts, jumps, environment, and the fixed part of opcodes
    /// whose data or access is counted elsewhere (`EXP`, copies, `SELFDESTRUCT`).
    Simple = "simple",
    /// One `DIV`, `SDIV`, `MOD`, `SMOD` or `ADDMOD`.
    Divide = "divide",
    /// One `MULMOD`.
    MulMod = "mul_mod",
    /// One significant byte in the exponent of an `EXP`.
    ExpByte = "exp_byte",
    /// One 32-byte word loaded, stored or copied in memory (a started word counts).
    MemoryWord = "memory_word",
    /// One `KECCAK256`.
    HashCall = "hash_call",
    /// One 32-byte word hashed by `KECCAK256` (a started word counts).
    HashWord = "hash_word",
    /// One slot fetched from the state: its first use in the transaction, by `SLOAD` or `SSTORE`.
    StorageReadCold = "storage_read_cold",
    /// One `SLOAD` of a slot the transaction has already fetched.
    StorageReadWarm = "storage_read_warm",
    /// One `SSTORE`.
    StorageWrite = "storage_write",
    /// One `TLOAD` or `TSTORE`.
    Transient = "transient",
    /// One account fetched from the state: its first use in the transaction.
    AccountCold = "account_cold",
    /// One access by an opcode to an account the transaction has already fetched.
    AccountWarm = "account_warm",
    /// One `CALL`, `CALLCODE`, `DELEGATECALL` or `STATICCALL`.
    Call = "call",
    /// One contract creation, by opcode or by the transaction itself.
    Create = "create",
    /// One byte of init code handed to a creation.
    CreateByte = "create_byte",
    /// One `LOG0` to `LOG4`.
    Log = "log",
    /// One byte of log data.
    LogByte = "log_byte",
    /// One call of the `ecrecover` precompile.
    Ecrecover = "ecrecover",
    /// One 32-byte input word of `sha256`, `ripemd160` or `identity` (a started word counts), or one round of
    /// `blake2f`.
    HashPrecompileWord = "hash_precompile_word",
    /// One unit of gas charged by the `modexp` precompile.
    ModExpGas = "mod_exp_gas",
    /// One unit of gas charged by any other precompile (pairings, point evaluation, ...).
    PrecompileGas = "precompile_gas",
    /// One transaction: always 1.
    Transaction = "transaction",
    /// One byte of the transaction's input.
    CalldataByte = "calldata_byte",
}

impl WorkClass {
    /// The class's name in `snake_case`.
    pub const fn name(self) -> &'static str {
        Self::names()[self as usize]
    }
}

/// Counts of work by class. Counters saturate instead of wrapping.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkVector([u32; WorkClass::COUNT]);

impl WorkVector {
    /// No work.
    pub const ZERO: Self = Self([0; WorkClass::COUNT]);

    /// The counters in the order of [`WorkClass::ALL`].
    pub const fn counts(&self) -> &[u32; WorkClass::COUNT] {
        &self.0
    }

    /// The counter of one class.
    #[inline]
    pub const fn get(&self, class: WorkClass) -> u32 {
        self.0[class as usize]
    }

    /// Adds units of one class.
    #[inline]
    pub const fn add(&mut self, class: WorkClass, units: u32) {
        self.0[class as usize] = self.0[class as usize].saturating_add(units);
    }

    /// Adds a count that may not fit 32 bits; what does not fit saturates.
    #[inline]
    pub(crate) fn add_wide(&mut self, class: WorkClass, units: u64) {
        self.add(class, u32::try_from(units).unwrap_or(u32::MAX));
    }

    /// Adds every counter of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(more);
        }
    }

    /// Whether no class exceeds its counter in `other`: a prefix is within its transaction's whole work.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(own, limit)| *own <= limit)
    }

    /// Classes with a count above zero, in order.
    pub fn iter(&self) -> impl Iterator<Item = (WorkClass, u32)> + '_ {
        WorkClass::ALL.into_iter().zip(self.0).filter(|(_, units)| *units > 0)
    }
}

impl fmt::Debug for WorkVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(class, units)| (class.name(), units))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_are_distinct_and_in_the_order_of_the_counters() {
        for (index, class) in WorkClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
            assert_eq!(class.name(), WorkClass::names()[index]);
        }
        let mut names = WorkClass::names().to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WorkClass::COUNT);
    }

    #[test]
    fn counters_saturate() {
        let mut work = WorkVector::ZERO;
        work.add(WorkClass::Log, u32::MAX);
        work.add(WorkClass::Log, 1);
        work.add_wide(WorkClass::Call, u64::MAX);
        assert_eq!(work.get(WorkClass::Log), u32::MAX);
        assert_eq!(work.get(WorkClass::Call), u32::MAX);
        assert!(WorkVector::ZERO.is_within(&work) && !work.is_within(&WorkVector::ZERO));
    }
}
