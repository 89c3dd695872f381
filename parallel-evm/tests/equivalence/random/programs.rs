//! Small programs, each for one trap. Arguments are words of the input; `GG` stands for all the gas there is to
//! pass on.

use parallel_evm::{Bytes, SpecId};

/// Deploys code that destroys itself in favour of the address it is given.
pub const INIT_OF_SUICIDAL: &str = "63600035ff6000526004601cf3";

/// What `GG` is before EIP-150, when asking for more than is left, after the call's own cost, fails: the block's
/// number. Elsewhere it is GAS.
pub const EARLY_CALL_GAS: u64 = 60_000;

/// Names for places in [`PROGRAMS`].
pub mod at {
    pub const LOOKS: usize = 0;
    pub const LOOKS_AT_COINBASE: usize = 1;
    pub const SUICIDAL: usize = 2;
    pub const CREATES2: usize = 3;
    pub const CREATES: usize = 4;
    pub const PASSES_ON: usize = 5;
    pub const PAYS: usize = 6;
    pub const REVERTS: usize = 7;
    pub const COUNTS: usize = 8;
    pub const PAYS_THEN_REVERTS: usize = 12;
    pub const CALLS: usize = 15;
    pub const DEEP: usize = 16;
    pub const LOOKS_AT_ITSELF: usize = 17;
    pub const CREATES_AND_DESTROYS: usize = 21;
    pub const CREATES_THEN_REVERTS: usize = 22;
}

pub const PROGRAMS: [&str; 24] = [
    // stores the balance of an address
    "600035 31 600055 00",
    // stores the balance of the coinbase
    "41 31 600055 00",
    // destroys itself in favour of an address
    "600035 ff",
    // creates (CREATE2, salt given, value passed on) a suicidal contract and stores its address
    "6c63600035ff6000526004601cf3 600052 600035 600d6013 34 f5 600055 00",
    // the same with CREATE: the address depends on the creator's nonce
    "6c63600035ff6000526004601cf3 600052 600d6013 34 f0 600055 00",
    // passes the value on to an address
    "6000600060006000 34 600035 GG f1 600055 00",
    // pays 5 wei of its own to an address, if it has them
    "6000600060006000 6005 600035 GG f1 600055 00",
    // counts, then reverts
    "600054 6001 01 600055 60006000fd",
    // counts: one hot slot
    "600054 6001 01 600055 00",
    // writes to a slot that depends on another
    "600054 6003 16 80 54 6001 01 90 55 600054 6001 01 600055 00",
    // stores the code hash of an address
    "600035 3f 600055 00",
    // stores the code size of an address
    "600035 3b 600055 00",
    // passes the value on to an address, then reverts unless told otherwise: a credit that never was
    "6000600060006000 34 600035 GG f1 50 602035 601a 57 60006000fd 5b 00",
    // pays the value to the sha256 precompile, with input, and stores whether that worked
    "600035600052 60206000602060003460 02 GG f1 600055 00",
    // calls itself with a wei of its own until gas or wei run out, and counts on the way back
    "6000600060006000 6001 30 GG f1 600054 01 600055 00",
    // calls an address with the whole input and the value, whatever it is, and stores the result
    "366000600037 6000600036600034 600035 GG f1 600055 00",
    // calls itself until gas or the stack of calls run out; adds the depth to slot 0
    "60206000600060006000 30 6107d0 3330141561753002 01 5a03 f1 50 600051 6001 01 600052 333014 6035 57 \
     600054 600051 01 600055 00 5b 60206000f3",
    // stores its own balance
    "47 600055 00",
    // stores twice what transient storage held, which is nothing
    "60005c 6001 01 80 60005d 60005c 01 600055 00",
    // runs the program of an address as its own
    "366000600037 600060003660006000 35 GG f4 600055 00",
    // borrows the program of an address, with the value paid to itself
    "6000600060006000 34 600035 GG f2 600055 00",
    // creates the suicidal contract (CREATE2) and has it destroy itself in favour of the second word
    "6c63600035ff6000526004601cf3 600052 600035 600d6013 34 f5 602035600052 60006000602060006000 85 GG f1 \
     600055 00",
    // creates the suicidal contract (CREATE2), then reverts
    "6c63600035ff6000526004601cf3 600052 600035 600d6013 34 f5 60006000fd",
    // calls an address that may change nothing
    "6000600060006000 600035 GG fa 600055 00",
];

/// A program's code under a fork.
pub fn code(text: &str, spec: SpecId) -> Bytes {
    let gas = if spec.is_enabled_in(SpecId::TANGERINE) { "5a" } else { "43" };
    bytes(&text.replace("GG", gas).replace(' ', ""))
}

pub fn bytes(text: &str) -> Bytes {
    Bytes::from(alloy_primitives::hex::decode(text).expect("hex"))
}
