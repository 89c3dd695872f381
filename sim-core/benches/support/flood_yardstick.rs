//! The yardstick: block flooding written by hand for nothing but speed.
//!
//! What the full model costs beyond this loop is the price of its generality. Physics: every node has a
//! FIFO uplink and a FIFO downlink; a node that sees a block for the first time sends it to its eight
//! neighbours, one after the other; latency is a base by region times a jitter factor drawn per message.
//! Two events a message (arrival at the downlink, download complete): 16 a node a block.

use sim_core::kernel::digest::DigestFold;
use sim_core::kernel::prefetch::prefetch;
use sim_core::kernel::{
    Digest, InverseCdf, NodeDigest, Purpose, SimDuration, Timed, Wheel, draw, random::uniform_below,
    transfer_time,
};

/// Neighbours of a node.
pub const DEGREE: usize = 8;
/// Blocks of a run, at most: a node remembers them in one word.
pub const BLOCKS_MAX: u32 = 32;
/// How many events ahead a node's line is fetched.
const AHEAD: usize = 8;
/// In `Hop::what`: the download is complete (else: the first bit has arrived).
const COMPLETE: u32 = 1 << 31;

/// A network and what is flooded over it.
pub struct Flood<'a> {
    /// Number of nodes.
    pub n_nodes: u32,
    /// [`DEGREE`] neighbours per node, node by node.
    pub adjacency: &'a [u32],
    /// Region of each node.
    pub region: &'a [u8],
    /// One-way latency in ns from region (row) to region (column): a square matrix.
    pub base_latency_ns: &'a [u64],
    /// Jitter factors.
    pub jitter: &'a InverseCdf,
    /// Size of a block.
    pub bytes: u64,
    /// Rate of every uplink.
    pub up_bps: u64,
    /// Rate of every downlink.
    pub down_bps: u64,
    /// Number of blocks, at most [`BLOCKS_MAX`].
    pub blocks: u32,
    /// Time between two blocks.
    pub gap_ns: u64,
    /// Seed of producers and jitter.
    pub seed: u64,
}

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YardstickResult {
    /// Events processed.
    pub events: u64,
    /// First receptions of a block by a node.
    pub deliveries: u64,
    /// All nodes' digests, folded in node order.
    pub digest: Digest,
}

/// 24 bytes: what a hop needs and not more.
#[derive(Clone, Copy, Default)]
struct Hop {
    time: u64,
    /// Sender and its message number (block * 8 + neighbour): with `what` unique.
    origin: u64,
    destination: u32,
    /// Block, and [`COMPLETE`].
    what: u32,
}

impl Timed for Hop {
    type Tie = (u32, u32, u64);

    #[inline(always)]
    fn time_ns(&self) -> u64 {
        self.time
    }

    #[inline(always)]
    fn tie(&self) -> Self::Tie {
        (self.what, self.destination, self.origin)
    }
}

/// All there is to know of a node, in one cache line.
#[derive(Clone)]
#[repr(C, align(64))]
struct Node {
    up_free: u64,
    down_free: u64,
    digest: NodeDigest,
    seen: u32,
    region: u8,
    neighbours: [u32; DEGREE],
}

const _: () = assert!(size_of::<Node>() == 64);

/// Floods all blocks and runs until nothing is left to happen.
pub fn run(flood: &Flood<'_>) -> YardstickResult {
    assert!(flood.blocks <= BLOCKS_MAX, "a node's memory of blocks is one word");
    assert_eq!(flood.adjacency.len(), flood.n_nodes as usize * DEGREE);
    let regions = flood.base_latency_ns.len().isqrt();
    assert_eq!(regions * regions, flood.base_latency_ns.len(), "a square matrix");
    let mut nodes: Vec<Node> = (flood.adjacency.as_chunks::<DEGREE>().0.iter())
        .zip(flood.region)
        .map(|(&neighbours, &region)| Node {
            up_free: 0,
            down_free: 0,
            digest: NodeDigest::new(),
            seen: 0,
            region,
            neighbours,
        })
        .collect();

    let mut queue = Wheel::<Hop>::new();
    for block in 0..flood.blocks {
        let bits = draw(flood.seed, Purpose::PROPOSER, 0, u64::from(block));
        queue.push(Hop {
            time: u64::from(block) * flood.gap_ns + 1,
            origin: u64::from(block),
            destination: uniform_below(bits, u64::from(flood.n_nodes)) as u32,
            what: block | COMPLETE,
        });
    }

    let upload = transfer_time(flood.bytes, flood.up_bps).as_nanos();
    let download = transfer_time(flood.bytes, flood.down_bps).as_nanos();
    let (mut events, mut deliveries) = (0, 0);
    while let Some(hop) = queue.pop() {
        events += 1;
        for next in queue.upcoming(AHEAD) {
            prefetch(&nodes, next.destination as usize);
        }
        let me = hop.destination;
        let node = &mut nodes[me as usize];
        node.digest.mix(hop.time ^ hop.origin);
        if hop.what & COMPLETE == 0 {
            let done = node.down_free.max(hop.time) + download;
            node.down_free = done;
            queue.push(Hop { time: done, what: hop.what | COMPLETE, ..hop });
            continue;
        }
        let block = hop.what & !COMPLETE;
        if node.seen >> block & 1 == 1 {
            continue;
        }
        node.seen |= 1 << block;
        deliveries += 1;
        let neighbours = node.neighbours;
        let latencies = &flood.base_latency_ns[node.region as usize * regions..][..regions];
        let mut sent = node.up_free.max(hop.time);
        node.up_free = sent + DEGREE as u64 * upload;
        let first = block * DEGREE as u32;
        for (message, neighbour) in (first..).zip(neighbours) {
            sent += upload;
            let base = SimDuration(latencies[flood.region[neighbour as usize] as usize]);
            let bits = draw(flood.seed, Purpose::LATENCY, u64::from(me), u64::from(message));
            let latency = flood.jitter.sample(bits).apply(base).as_nanos().max(1);
            queue.push(Hop {
                time: sent + latency,
                origin: u64::from(me) << 32 | u64::from(message),
                destination: neighbour,
                what: block,
            });
        }
    }

    let mut fold = DigestFold::new();
    nodes.iter().for_each(|node| fold.absorb(node.digest.value()));
    YardstickResult { events, deliveries, digest: fold.finish() }
}
