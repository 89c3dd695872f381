//! Sorting a few dozen 64-bit keys: without branches that depend on them.
//!
//! An insertion sort mispredicts about once a key, which costs more than all comparisons of a network.

use std::array;

/// Sorts ascending.
#[inline]
pub(super) fn sort_keys(keys: &mut [u64]) {
    match keys.len() {
        0..=1 => {}
        2..=4 => padded::<4>(keys),
        5..=8 => padded::<8>(keys),
        9..=16 => padded::<16>(keys),
        17..=32 => padded::<32>(keys),
        _ => keys.sort_unstable(),
    }
}

/// Sorts up to `N` keys as exactly `N`, filled up with the greatest key there is.
#[inline(always)]
fn padded<const N: usize>(keys: &mut [u64]) {
    let mut block: [u64; N] = array::from_fn(|i| if i < keys.len() { keys[i] } else { u64::MAX });
    network(&mut block);
    keys.copy_from_slice(&block[..keys.len()]);
}

/// Odd-even merge sort (K. E. Batcher, "Sorting networks and their applications", 1968): 5, 19, 63 and 191
/// exchanges for 4, 8, 16 and 32 keys. All bounds are constants, so it unrolls to straight-line code.
#[inline(always)]
fn network<const N: usize>(block: &mut [u64; N]) {
    let mut sorted = 1;
    while sorted < N {
        let mut distance = sorted;
        while distance > 0 {
            let mut start = distance % sorted;
            while start + distance < N {
                for i in start..(start + distance).min(N - distance) {
                    if i / (2 * sorted) == (i + distance) / (2 * sorted) {
                        let (a, b) = (block[i], block[i + distance]);
                        block[i] = a.min(b);
                        block[i + distance] = a.max(b);
                    }
                }
                start += 2 * distance;
            }
            distance /= 2;
        }
        sorted *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::{Purpose, draw};

    #[test]
    fn networks_sort_every_sequence_of_zeros_and_ones() {
        // The zero-one principle: a network that sorts these sorts everything.
        for bits in 0..1u64 << 16 {
            let mut block: [u64; 16] = array::from_fn(|i| bits >> i & 1);
            network(&mut block);
            assert!(block.is_sorted(), "{bits:016b}");
        }
    }

    #[test]
    fn keys_of_every_length_are_sorted() {
        for len in 0..100u64 {
            for round in 0..50 {
                let mut keys: Vec<u64> =
                    (0..len).map(|i| draw(round, Purpose::CONTENT, len, i) >> (round % 64)).collect();
                let mut expected = keys.clone();
                expected.sort_unstable();
                sort_keys(&mut keys);
                assert_eq!(keys, expected);
            }
        }
    }
}
