//! Bounds of what a scenario may ask for. Each has a reason; beyond it a value is a slip, not a study.

/// Fewest nodes: one has nobody to talk to.
pub const NODES_MIN: u64 = 2;
/// Most nodes: 600 bytes a node and 20 connections each would need about 10 GB; ids are 32 bits wide.
pub const NODES_MAX: u64 = 10_000_000;
/// Most nodes of a full mesh: 12.5 million connections; it grows with the square.
pub const FULL_MESH_NODES_MAX: u64 = 5_000;
/// Most connections of a graph: 1 GB of neighbour lists.
pub const EDGES_MAX: u64 = 120_000_000;
/// Greatest mean degree: beyond it, use a full mesh.
pub const DEGREE_MAX: u64 = 1_000;
/// Most blocks of a run: over four months of Ethereum.
pub const BLOCKS_MAX: u64 = 1_000_000;
/// Most partitions; they only help where there are cores.
pub const PARTITIONS_MAX: u64 = 64;
/// Slowest access link, bit/s: a modem of 1960.
pub const RATE_MIN_BPS: u64 = 1_000;
/// Fastest access link, bit/s.
pub const RATE_MAX_BPS: u64 = 1_000_000_000_000;
/// Least and greatest factor on latencies, rates and speeds, ppm: a thousandth and a thousand times.
pub const SCALE_PPM: (u64, u64) = (1_000, 1_000_000_000);
/// Least and greatest number of cores.
pub const CORES: (u64, u64) = (1, 1_024);
/// Least and greatest slot time, ns: 1 ms to 1 h.
pub const SLOT_NS: (u64, u64) = (1_000_000, 3_600_000_000_000);
/// Least and greatest gas limit: one transfer; 1000 Ggas, 16,000 times Ethereum's.
pub const GAS_LIMIT: (u64, u64) = (21_000, 1_000_000_000_000);
/// Greatest price of gas, wei: 1 eth.
pub const PRICE_MAX_WEI: u64 = 1_000_000_000_000_000_000;
/// Greatest vote or aggregate, bytes.
pub const VOTE_MAX_BYTES: u64 = 1_000_000;
/// Greatest payload, bytes.
pub const PAYLOAD_MAX_BYTES: u64 = 1_000_000_000;
/// Most vote committees a slot (Ethereum has 64).
pub const COMMITTEES_MAX: u64 = 4_096;
/// Greatest gossipsub degree or history.
pub const MESH_MAX: u64 = 255;
/// Greatest transaction rate, thousandths of tx/s.
pub const TX_RATE_MAX_MILLI: u64 = 10_000_000_000;
/// Most accounts: about 20 GB of state.
pub const ACCOUNTS_MAX: u64 = 100_000_000;
/// Most contract instances of a kind.
pub const INSTANCES_MAX: u64 = 100_000;
/// Most iterations of a compute call: beyond the gas of any block.
pub const ITERATIONS_MAX: u64 = 1_000_000;
/// Greatest exponent of a Zipf law, ppm: at 10 the first takes 99.9 %.
pub const ZIPF_MAX_PPM: u64 = 10_000_000;
/// Greatest relative share: sums stay far from overflow.
pub const SHARE_MAX: u64 = 1_000_000_000_000;
/// Most further chains in one scenario file.
pub const CHAINS_MAX: usize = 1_000;
/// Most interventions in one run: each looks at every pending event.
pub const INTERVENTIONS_MAX: usize = 10_000;
/// Most arms in one scenario file.
pub const ARMS_MAX: usize = 256;
/// Most recorded blocks in one workload.
pub const BLOCK_FILES_MAX: usize = 100_000;
/// Events beyond which a run is refused: over a day at ten million events a second.
pub const EVENTS_MAX: u64 = 1_000_000_000_000;
/// Most blobs in a block: half a gigabyte.
pub const BLOBS_MAX: u64 = 4_096;
/// Most fleets of rollups in one scenario file.
pub const FLEETS_MAX: usize = 64;
/// Most rollups in a fleet.
pub const ROLLUPS_MAX: u64 = 1_000_000;
/// Most rollups of a fleet with arbitrageurs.
pub const WATCHED_ROLLUPS_MAX: u64 = 10_000;
/// Most bridges of a fleet.
pub const BRIDGES_MAX: usize = 16;
/// Most kinds of travellers of a fleet.
pub const TRAVELLERS_MAX: usize = 32;
/// Most nodes that run sequencers of one fleet.
pub const SEQUENCERS_MAX: u64 = 10_000;
