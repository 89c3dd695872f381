//! Identities: small integers that are the same in every run of the same plan.
//!
//! They index dense arrays and enter event keys and digests; a memory handle never does.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! dense_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The identity as an index into a dense array.
            #[inline(always)]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The identity of array position `index`.
            ///
            /// # Panics
            /// If `index` does not fit 32 bits.
            #[inline]
            pub const fn from_index(index: usize) -> Self {
                assert!(index <= u32::MAX as usize, "more than 2^32 identities");
                Self(index as u32)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

dense_id!(
    /// A machine with links. Nodes of a plan are numbered from 0 without gaps.
    NodeId,
    "n"
);
dense_id!(
    /// One of the chains of a simulation. There is no such thing as "the" chain.
    ChainId,
    "c"
);

/// Content identity: who produced it and which of its products it is.
///
/// Blocks, transactions, votes and messages are named so. Two runs that differ only in partitioning
/// give the same content the same identity, because a producer numbers its own products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemId {
    /// Number of the producer: a node, a user, a workload; each table of items says which.
    pub producer: u32,
    /// The producer's own count, from 0.
    pub sequence: u32,
}

impl ItemId {
    /// The item `sequence` of `producer`.
    #[inline]
    pub const fn new(producer: u32, sequence: u32) -> Self {
        Self { producer, sequence }
    }

    /// Both numbers in one word, in the same order as the identities themselves.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        (self.producer as u64) << 32 | self.sequence as u64
    }

    /// Inverse of [`ItemId::to_bits`].
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self { producer: (bits >> 32) as u32, sequence: bits as u32 }
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.producer, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_bits_keep_the_order_and_round_trip() {
        let items = [ItemId::new(0, 7), ItemId::new(1, 0), ItemId::new(1, u32::MAX), ItemId::new(2, 3)];
        assert!(items.windows(2).all(|w| w[0] < w[1] && w[0].to_bits() < w[1].to_bits()));
        assert!(items.iter().all(|&i| ItemId::from_bits(i.to_bits()) == i));
    }

    #[test]
    fn identities_print_with_their_kind() {
        assert_eq!(NodeId(7).to_string(), "n7");
        assert_eq!(ChainId::from_index(2).to_string(), "c2");
        assert_eq!(ItemId::new(4, 9).to_string(), "4/9");
    }
}
