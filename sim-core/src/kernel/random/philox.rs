//! Philox-2x64: a bijection of 128-bit counters, keyed by 64 bits.
//!
//! Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2,
//! 3" (SC 2011). Six rounds already pass BigCrush there; seven are the least for which the authors' code
//! publishes test vectors, and leave a margin.

const MULTIPLIER: u64 = 0xD2B7_4407_B1CE_6E93;
const WEYL: u64 = 0x9E37_79B9_7F4A_7C15;

/// `ROUNDS` rounds over the counter.
#[inline(always)]
pub(super) const fn philox2x64<const ROUNDS: u32>(counter: [u64; 2], key: u64) -> [u64; 2] {
    let [mut x, mut y] = counter;
    let mut k = key;
    let mut round = 0;
    while round < ROUNDS {
        let product = x as u128 * MULTIPLIER as u128;
        (x, y) = ((product >> 64) as u64 ^ k ^ y, product as u64);
        k = k.wrapping_add(WEYL);
        round += 1;
    }
    [x, y]
}

#[cfg(test)]
mod tests {
    use super::philox2x64;

    /// The authors' known-answer tests (Random123, `kat_vectors`).
    #[test]
    fn known_answers() {
        let pi = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
        let (ones, pi_key) = (u64::MAX, 0xa409_3822_299f_31d0);
        let seven = philox2x64::<7>;
        assert_eq!(seven([0, 0], 0), [0xb41d_a69f_bfef_c666, 0x511e_9ce1_a553_4056]);
        assert_eq!(seven([ones, ones], ones), [0xa469_6cc0_4462_015d, 0x7247_82da_e171_69e9]);
        assert_eq!(seven(pi, pi_key), [0x98ed_1534_392b_f372, 0x6752_8b15_6888_2fd5]);
        let ten = philox2x64::<10>;
        assert_eq!(ten([0, 0], 0), [0xca00_a045_9843_d731, 0x66c2_4222_c9a8_45b5]);
        assert_eq!(ten([ones, ones], ones), [0x65b0_21d6_0cd8_310f, 0x4d02_f322_2f86_df20]);
        assert_eq!(ten(pi, pi_key), [0x0a5e_742c_2997_341c, 0xb0f8_83d3_8000_de5d]);
    }
}
