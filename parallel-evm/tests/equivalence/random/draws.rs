//! Where the choices come from.

/// The `index`-th draw of a stream: two bytes of what a fuzzer gives, as far as that goes, then SplitMix64's
/// finaliser over (seed, index).
pub struct Draws {
    seed: u64,
    index: u64,
    bytes: Vec<u8>,
}

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self { seed: mix(seed.wrapping_add(0x5851_f42d_4c95_7f2d)), index: 0, bytes: Vec::new() }
    }

    #[allow(dead_code, reason = "the fuzz target's way in")]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), ..Self::new(0) }
    }

    pub fn next(&mut self) -> u64 {
        self.index += 1;
        let at = (self.index as usize - 1) * 2;
        if let Some(pair) = self.bytes.get(at..at + 2) {
            return u64::from(u16::from_le_bytes([pair[0], pair[1]]));
        }
        mix(self.seed.wrapping_add(self.index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
