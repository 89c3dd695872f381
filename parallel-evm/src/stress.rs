//! Makes the parallel engine stumble, so that tests reach what seldom happens.

use crate::account::AccountRead;
use revm::primitives::{Address, U256};
use std::{thread, time::Duration};

/// How to disturb the parallel engine. Results stay what they are; only time is lost.
///
/// With any stress every transaction is first executed ahead, even alone, and blocks of any size go parallel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stress {
    /// Chooses when and where.
    pub seed: u64,
    /// Share of reads that are delayed, by a microsecond or a yield, percent.
    pub delays: u8,
    /// Share of checks that are taken to have failed, percent.
    pub aborts: u8,
    /// Give executions ahead wrong balances and nonces: the outcome must not depend on any value on which it
    /// does not say it depends.
    pub pretend: bool,
}

impl Stress {
    pub(crate) fn stumble(&self, salt: u64) {
        if self.delays == 0 {
            return;
        }
        let draw = mix(self.seed ^ salt.rotate_left(32));
        if draw % 100 < u64::from(self.delays) {
            match draw >> 60 {
                0..=2 => thread::sleep(Duration::from_micros(1)),
                _ => thread::yield_now(),
            }
        }
    }

    pub(crate) fn aborts(&self, index: usize, incarnation: u32) -> bool {
        let draw = mix(self.seed ^ 0xab ^ (index as u64) << 32 ^ u64::from(incarnation));
        draw % 100 < u64::from(self.aborts)
    }

    /// Whether a transaction that finds itself at the frontier may be committed without being recorded first.
    pub(crate) fn hurries(&self, index: usize) -> bool {
        mix(self.seed ^ 0xcd ^ (index as u64) << 32).is_multiple_of(2)
    }

    pub(crate) fn pretend(&self, read: &mut AccountRead, index: usize, address: Address) {
        if !self.pretend {
            return;
        }
        let mut low = [0; 8];
        low.copy_from_slice(&address[12..]);
        let draw = mix(self.seed ^ mix(u64::from_le_bytes(low)) ^ (index as u64) << 17);
        read.balance = match draw % 8 {
            0 => read.balance.saturating_add(U256::ONE),
            1 => read.balance.saturating_sub(U256::ONE),
            2 => U256::ZERO,
            3 => read.balance.saturating_add(U256::ONE << 90),
            4 => read.balance >> 1,
            _ => read.balance,
        };
        read.nonce = match (draw >> 8) % 6 {
            0 => read.nonce.saturating_add(1),
            1 => 0,
            _ => read.nonce,
        };
        read.exists |= !read.is_empty();
    }
}

pub(crate) const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
