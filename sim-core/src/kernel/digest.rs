//! Digests: did two runs do the same, and if not, where did they part?
//!
//! Each node rolls a cheap hash over what it does. At the end of every simulated second the nodes' hashes
//! are folded by groups of nodes into a trail, so that comparing two trails finds the first second and
//! group that differ. A final digest names the whole run.
//!
//! **Not cryptographic.** The hashes find accidents, not adversaries: whoever wants a collision can
//! construct one.

use super::ids::NodeId;
use std::fmt;
use std::ops::Range;

/// Odd, with about as many ones as zeros in every byte: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The rolling, order-sensitive hash of one node: one multiplication per word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct NodeDigest(u64);

impl Default for NodeDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl NodeDigest {
    /// Of a node that has done nothing.
    #[inline]
    pub const fn new() -> Self {
        Self(GOLDEN)
    }

    /// Appends a word. For a fixed word this is a bijection of the state, so differences never die out.
    #[inline(always)]
    pub const fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(29) ^ word).wrapping_mul(GOLDEN);
    }

    /// The hash so far.
    #[inline]
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// 128 bits that name a run or a file, printed as 32 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

/// Folds words into a [`Digest`]: two 64-bit lanes, every word enters both, each lane feeds the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestFold {
    a: u64,
    b: u64,
    words: u64,
}

impl Default for DigestFold {
    fn default() -> Self {
        Self::new()
    }
}

impl DigestFold {
    /// Of no words.
    pub const fn new() -> Self {
        Self { a: GOLDEN, b: !GOLDEN, words: 0 }
    }

    /// Appends a word; for a fixed word a bijection of the 128 bits.
    #[inline]
    pub const fn absorb(&mut self, word: u64) {
        self.a = (self.a ^ word).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(31).wrapping_add(self.b);
        self.b = (self.b ^ word.rotate_left(32)).wrapping_mul(0x94D0_49BB_1331_11EB).rotate_left(29) ^ self.a;
        self.words += 1;
    }

    /// Appends bytes: their number, then the bytes in little-endian words padded with zeros.
    pub fn absorb_bytes(&mut self, bytes: &[u8]) {
        self.absorb(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.absorb(u64::from_le_bytes(word));
        }
    }

    /// The digest of the words so far and their number.
    pub const fn finish(mut self) -> Digest {
        self.absorb(self.words);
        // A few empty rounds let the last word reach every bit of both lanes.
        let mut round = 0;
        while round < 3 {
            self.absorb(round);
            round += 1;
        }
        Digest((avalanche(self.a) as u128) << 64 | avalanche(self.b) as u128)
    }
}

/// The finaliser of SplitMix64 (Stafford's variant 13).
const fn avalanche(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Node digests folded by (simulated second, group of nodes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestTrail {
    nodes: u32,
    group_size: u32,
    seconds: Vec<u64>,
    /// One row a recorded second, one 64-bit fold a group.
    folds: Vec<u64>,
}

/// Where two trails part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The first recorded second that differs.
    pub second: u64,
    /// Nodes of the first group that differs in it; all nodes if one run lacks the second or the trails
    /// have different shapes.
    pub nodes: Range<u32>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.nodes;
        write!(f, "second {}, nodes {} to {}", self.second, NodeId(start), NodeId(end.saturating_sub(1)))
    }
}

impl DigestTrail {
    /// An empty trail of `nodes` nodes in groups of `group_size` (the last may be smaller).
    ///
    /// # Panics
    /// If `group_size` is zero.
    pub fn new(nodes: u32, group_size: u32) -> Self {
        assert!(group_size > 0, "a group holds at least one node");
        Self { nodes, group_size, seconds: Vec::new(), folds: Vec::new() }
    }

    /// Records the state at the end of a simulated second, nodes in order of their number.
    ///
    /// # Panics
    /// If the seconds do not ascend or the number of nodes is not the trail's.
    pub fn record(&mut self, second: u64, digests: &[NodeDigest]) {
        assert!(self.seconds.last().is_none_or(|&last| last < second), "seconds of a trail ascend");
        assert_eq!(digests.len(), self.nodes as usize, "one digest a node");
        self.seconds.push(second);
        self.folds.extend(digests.chunks(self.group_size as usize).map(|group| {
            let mut fold = DigestFold::new();
            group.iter().for_each(|d| fold.absorb(d.value()));
            fold.finish().0 as u64
        }));
    }

    /// Seconds recorded, ascending.
    pub fn seconds(&self) -> &[u64] {
        &self.seconds
    }

    fn groups(&self) -> usize {
        self.nodes.div_ceil(self.group_size) as usize
    }

    fn row(&self, index: usize) -> &[u64] {
        &self.folds[index * self.groups()..(index + 1) * self.groups()]
    }

    /// The digest of the whole trail.
    pub fn digest(&self) -> Digest {
        let mut fold = DigestFold::new();
        fold.absorb(u64::from(self.nodes));
        fold.absorb(u64::from(self.group_size));
        for (i, &second) in self.seconds.iter().enumerate() {
            fold.absorb(second);
            self.row(i).iter().for_each(|&group| fold.absorb(group));
        }
        fold.finish()
    }
}

/// The first second, and the first group of nodes in it, in which two trails differ.
pub fn first_divergence(a: &DigestTrail, b: &DigestTrail) -> Option<Divergence> {
    if (a.nodes, a.group_size) != (b.nodes, b.group_size) {
        let second = a.seconds.first().or(b.seconds.first()).copied().unwrap_or(0);
        return Some(Divergence { second, nodes: 0..a.nodes.max(b.nodes) });
    }
    for i in 0..a.seconds.len().max(b.seconds.len()) {
        let second = match (a.seconds.get(i), b.seconds.get(i)) {
            (Some(&s), Some(&t)) if s == t => s,
            (s, t) => {
                let second = s.into_iter().chain(t).min().copied().unwrap_or(0);
                return Some(Divergence { second, nodes: 0..a.nodes });
            }
        };
        if let Some(group) = a.row(i).iter().zip(b.row(i)).position(|(x, y)| x != y) {
            let start = group as u32 * a.group_size;
            return Some(Divergence { second, nodes: start..(start + a.group_size).min(a.nodes) });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(words: &[u64]) -> NodeDigest {
        let mut d = NodeDigest::new();
        words.iter().for_each(|&w| d.mix(w));
        d
    }

    fn fold(words: &[u64]) -> Digest {
        let mut f = DigestFold::new();
        words.iter().for_each(|&w| f.absorb(w));
        f.finish()
    }

    #[test]
    fn golden_vectors() {
        assert_eq!(node(&[]).value(), 0x9E37_79B9_7F4A_7C15);
        let texts = [
            format!("{:016x}", node(&[1, 2, 3]).value()),
            fold(&[]).to_string(),
            fold(&[1, 2, 3]).to_string(),
        ];
        assert_eq!(texts, GOLDEN_TEXTS);
    }
    const GOLDEN_TEXTS: [&str; 3] =
        ["5844e1f64cea9be7", "9dad048e815a540a15d8bfd670ca14e4", "4a287b6344d037299970ca7667c54353"];

    #[test]
    fn order_and_length_matter() {
        assert_ne!(node(&[1, 2]), node(&[2, 1]));
        assert_ne!(node(&[0]), node(&[0, 0]));
        assert_ne!(fold(&[1, 2]), fold(&[2, 1]));
        assert_ne!(fold(&[]), fold(&[0]));
        let bytes = |b: &[u8]| {
            let mut f = DigestFold::new();
            f.absorb_bytes(b);
            f.finish()
        };
        assert_ne!(bytes(b"ab"), bytes(b"ab\0"));
    }

    #[test]
    fn one_changed_bit_changes_about_half_of_the_digest() {
        let base = [7u64, 0, 1 << 40, 12];
        for position in 0..4 {
            for bit in 0..64 {
                let mut changed = base;
                changed[position] ^= 1 << bit;
                let flipped = (fold(&base).0 ^ fold(&changed).0).count_ones();
                // Binomial(128, 1/2): 64 +- 6 standard deviations of 5.7.
                assert!((30..=98).contains(&flipped), "word {position} bit {bit}: {flipped}");
            }
        }
    }

    #[test]
    fn text_round_trips() {
        let d = fold(&[5]);
        assert_eq!(d.to_string().parse(), Ok(d));
        assert_eq!(Digest(1).to_string().len(), 32);
    }

    #[test]
    fn a_divergence_is_located_by_second_and_group() {
        let mut nodes: Vec<NodeDigest> = (0..10).map(|i| node(&[i])).collect();
        let (mut a, mut b) = (DigestTrail::new(10, 4), DigestTrail::new(10, 4));
        a.record(0, &nodes);
        b.record(0, &nodes);
        assert_eq!(first_divergence(&a, &b), None);
        assert_eq!(a.digest(), b.digest());
        a.record(3, &nodes);
        nodes[9].mix(1);
        b.record(3, &nodes);
        assert_eq!(first_divergence(&a, &b), Some(Divergence { second: 3, nodes: 8..10 }));
        assert_ne!(a.digest(), b.digest());
    }

    #[test]
    fn a_missing_second_is_a_divergence_of_all_nodes() {
        let nodes = [node(&[1]), node(&[2])];
        let (mut a, mut b) = (DigestTrail::new(2, 1), DigestTrail::new(2, 1));
        a.record(1, &nodes);
        b.record(2, &nodes);
        assert_eq!(first_divergence(&a, &b), Some(Divergence { second: 1, nodes: 0..2 }));
        assert_eq!(
            first_divergence(&a, &DigestTrail::new(2, 1)),
            Some(Divergence { second: 1, nodes: 0..2 })
        );
    }
}
