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

/// The rules of a main-net block; of another chain, what to do.
pub fn main_net(chain_id: u64, number: u64, timestamp: u64) -> Result<&'static str, String> {
    if chain_id != 1 {
        return Err(format!(
            "the node serves chain {chain_id}, whose forks are not known here: say which rules hold with --fork, \
             such as --fork OSAKA"
        ));
    }
    let by_time = BY_TIME.iter().rev().find(|(from, _)| timestamp >= *from);
    let by_number = || BY_NUMBER.iter().rev().find(|(from, _)| number >= *from);
    Ok(by_time.or_else(by_number).map_or("FRONTIER", |(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::main_net;

    #[test]
    fn forks_begin_where_they_began() {
        for (number, timestamp, fork) in [
            (46_147, 1_438_918_233, "FRONTIER"),
            (1_149_999, 1_457_981_342, "FRONTIER"),
            (1_150_000, 1_457_981_393, "HOMESTEAD"),
            (15_537_393, 1_663_224_162, "LONDON"),
            (15_537_394, 1_663_224_179, "MERGE"),
            (17_034_870, 1_681_338_455, "SHANGHAI"),
            (19_426_587, 1_710_338_135, "CANCUN"),
        ] {
            assert_eq!(main_net(1, number, timestamp), Ok(fork), "{number}");
        }
        assert!(main_net(5, 1, 1).unwrap_err().contains("--fork"));
    }
}
