//! People and their addresses.
//!
//! **Captures** accounts numbered from 0, each with an address that looks like a real one: 20 bytes, spread
//! evenly, hardly ever containing zero bytes, so that encoded sizes are those of real transactions.
//! **Leaves out** keys and signatures: nobody signs anything, signatures only have a size and a checking cost.
//! **Parameters** none. **Source** Ethereum yellow paper section 4.1 (an address is the last 20 bytes of a
//! Keccak-256 hash); here of a tag and a number instead of a public key. **Checked against** golden values in
//! this file's tests.

use alloy_primitives::{Address, keccak256};

/// What an address belongs to. Kinds keep their numbers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// Someone who sends transactions.
    Person,
    /// The beneficiary of the fees of a node's blocks.
    Proposer,
    /// A contract placed at genesis.
    Contract,
}

impl AccountKind {
    fn tag(self) -> &'static [u8] {
        match self {
            Self::Person => b"lightcone/person",
            Self::Proposer => b"lightcone/proposer",
            Self::Contract => b"lightcone/contract",
        }
    }
}

/// The address of account number `index` of a kind: the last 20 bytes of
/// `keccak256(tag || index as 8 bytes, big-endian)`. The same on every chain, as people's addresses are.
pub fn address(kind: AccountKind, index: u64) -> Address {
    let tag = kind.tag();
    let mut bytes = Vec::with_capacity(tag.len() + 8);
    bytes.extend_from_slice(tag);
    bytes.extend_from_slice(&index.to_be_bytes());
    Address::from_word(keccak256(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn addresses_never_change() {
        let of = |kind, index| address(kind, index).to_string();
        let found = [
            of(AccountKind::Person, 0),
            of(AccountKind::Person, 1),
            of(AccountKind::Proposer, 0),
            of(AccountKind::Contract, 7),
        ];
        let golden = [
            "0xf574aB8bD3619c4Bfb74550698AEa65F16d83165",
            "0x05CC21a286063E85F6C6BBd7A28fF2F04B015D8c",
            "0xE89A34f6c0603bFdA9E44D482728e98fB1e94C9f",
            "0x6586e0e7fAb697b9AE8777c693330D589006FeF3",
        ];
        assert_eq!(found, golden);
    }

    #[test]
    fn addresses_are_distinct_over_kinds_and_numbers() {
        let kinds = [AccountKind::Person, AccountKind::Proposer, AccountKind::Contract];
        let all: BTreeSet<Address> =
            kinds.iter().flat_map(|kind| (0..2_000).map(|index| address(*kind, index))).collect();
        assert_eq!(all.len(), 6_000);
    }
}
