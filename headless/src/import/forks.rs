//! Which rules hold at which block of the Ethereum main net.

/// First block of each fork (source: EIP-2982 and the clients' chain configurations).
const BY_NUMBER: [(u64, &str); 10] = [
    (0, "FRONTIER"),
    (1_150_000, "HOMESTEAD"),
    (2_463_000, "TANGERINE"),
    (2_675_000, "SPURIOUS_DRAGON"),
    (4_370_000, "BYZANTIUM"),
    (7_280_000, "PETERSBURG"),
    (9_069_000, "ISTANBUL"),
    (12_244_000, "BERLIN"),
    (12_965_000, "LONDON"),
    (15_537_394, "MERGE"),
];

/// First second of each later fork, Unix time.
const BY_TIME: [(u64, &str); 4] = [
    (1_681_338_455, "SHANGHAI"),
    (1_710_338_135, "CANCUN"),
    (1_746_612_311, "PRAGUE"),
    (1_764_798_551, "OSAKA"),
];

/// First second of each fork that changes nothing but blobs (EIP-7892), Unix time, with the update fraction of the
/// blob base fee from then on (EIP-8134, EIP-8135). Before, the fork's own holds.
const BLOB_FEES_BY_TIME: [(u64, u64); 2] = [(1_765_290_071, 8_346_193), (1_767_747_671, 11_684_671)];

/// The block at which the DAO's ether was moved, by no transaction.
pub const DAO_BLOCK: u64 = 1_920_000;

/// The rules of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The fork, as block files spell it.
    pub spec: String,
    /// The update fraction of the blob base fee, if not the fork's own.
    pub blob_fee_fraction: Option<u64>,
}

/// The rules of a main-net block; of another chain, what to do.
pub fn main_net(chain_id: u64, number: u64, timestamp: u64) -> Result<Rules, String> {
    if chain_id != 1 {
        return Err(format!(
            "the node serves chain {chain_id}, whose forks are not known here: say which rules hold with --fork, \
             such as --fork OSAKA"
        ));
    }
    let by_time = BY_TIME.iter().rev().find(|(from, _)| timestamp >= *from);
    let by_number = || BY_NUMBER.iter().rev().find(|(from, _)| number >= *from);
    let spec = by_time.or_else(by_number).map_or("FRONTIER", |(_, name)| *name).to_owned();
    let blob_fees = BLOB_FEES_BY_TIME.iter().rev().find(|(from, _)| timestamp >= *from);
    Ok(Rules { spec, blob_fee_fraction: blob_fees.map(|(_, fraction)| *fraction) })
}

/// Whether accounts may exist although they are empty: before EIP-161.
pub fn has_empty_accounts(spec: &str) -> bool {
    ["FRONTIER", "HOMESTEAD", "TANGERINE"].contains(&spec)
}

/// Whether receipts hold intermediate state roots, which an execution here does not know: before Byzantium.
pub fn has_state_roots_in_receipts(spec: &str) -> bool {
    has_empty_accounts(spec) || spec == "SPURIOUS_DRAGON"
}

#[cfg(test)]
mod tests {
    use super::main_net;

    #[test]
    fn forks_begin_where_they_began() {
        let early = [
            (46_147, 1_438_918_233, "FRONTIER"),
            (1_149_999, 1_457_981_342, "FRONTIER"),
            (1_150_000, 1_457_981_393, "HOMESTEAD"),
            (15_537_393, 1_663_224_162, "LONDON"),
            (15_537_394, 1_663_224_179, "MERGE"),
            (17_034_870, 1_681_338_455, "SHANGHAI"),
            (19_426_587, 1_710_338_135, "CANCUN"),
        ];
        for (number, timestamp, fork) in early {
            let rules = main_net(1, number, timestamp).unwrap();
            assert_eq!((rules.spec.as_str(), rules.blob_fee_fraction), (fork, None), "{number}");
        }
        // The last slot before each fork and its first, 12 s later; numbers no longer matter.
        let late = [
            (1_746_612_311, "CANCUN", None, "PRAGUE", None),
            (1_764_798_551, "PRAGUE", None, "OSAKA", None),
            (1_765_290_071, "OSAKA", None, "OSAKA", Some(8_346_193)),
            (1_767_747_671, "OSAKA", Some(8_346_193), "OSAKA", Some(11_684_671)),
        ];
        for (from, before, fraction_before, after, fraction_after) in late {
            // Slots are 12 s from 1 December 2020, 12:00:23 UTC.
            assert_eq!((from - 1_606_824_023) % 12, 0, "{from} is no slot");
            let rules = |timestamp| main_net(1, 30_000_000, timestamp).unwrap();
            assert_eq!(
                (rules(from - 12).spec.as_str(), rules(from - 12).blob_fee_fraction),
                (before, fraction_before)
            );
            assert_eq!((rules(from).spec.as_str(), rules(from).blob_fee_fraction), (after, fraction_after));
        }
        assert!(main_net(5, 1, 1).unwrap_err().contains("--fork"));
    }
}
