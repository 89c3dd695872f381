use super::*;
use rand::Rng;

const GOLDEN: [&str; 3] = ["0x4e7eac10648a26b1", "0xa2752a937188f7df", "0xb01696b1f37f42d1"];

#[test]
fn golden_draws() {
    assert_eq!(draw(0, Purpose(0), 0, 0), 0xb41d_a69f_bfef_c666, "Philox-2x64-7 of zeros");
    let draws = [
        draw(1, Purpose::LATENCY, 2, 3),
        draw(7, Purpose::WORKLOAD, u64::MAX, 1 << 40),
        draw(u64::MAX, Purpose::PROPOSER, 5, 0),
    ];
    assert_eq!(draws.map(|d| format!("{d:#018x}")), GOLDEN);
}

/// Chi-square of `counts` against equal expectation, as a standard normal number.
fn z_of_uniformity(counts: &[u64]) -> f64 {
    let n: u64 = counts.iter().sum();
    let expected = n as f64 / counts.len() as f64;
    let chi2: f64 = counts.iter().map(|&c| (c as f64 - expected) * (c as f64 - expected) / expected).sum();
    let freedom = counts.len() as f64 - 1.0;
    (chi2 - freedom) / (2.0 * freedom).sqrt()
}

/// |z| below 5: a right generator fails once in some million seeds, and the seeds here are fixed.
fn assert_uniform(counts: &[u64], what: &str) {
    let z = z_of_uniformity(counts);
    assert!(z.abs() < 5.0, "{what}: chi-square is {z:.1} standard deviations off");
}

#[test]
fn every_byte_of_a_draw_is_uniform_along_counter_entity_purpose_and_seed() {
    type Along = (&'static str, fn(u64) -> u64);
    let along: [Along; 4] = [
        ("counter", |i| draw(1, Purpose::LATENCY, 9, i)),
        ("entity", |i| draw(1, Purpose::LATENCY, i, 9)),
        ("purpose", |i| draw(1, Purpose(i as u32), 9, 9)),
        ("seed", |i| draw(i, Purpose::LATENCY, 9, 9)),
    ];
    for (name, f) in along {
        for byte in 0..8 {
            let mut counts = [0; 256];
            (0..1 << 18).for_each(|i| counts[(f(i) >> (byte * 8)) as usize & 255] += 1);
            assert_uniform(&counts, &format!("byte {byte} along {name}"));
        }
    }
}

#[test]
fn the_uniformity_test_can_fail() {
    let mut counts = [0; 256];
    // A bias of 5 % in half of the cells.
    (0..1u64 << 18).for_each(|i| {
        let bits = draw(1, Purpose::LATENCY, 9, i);
        counts[(bits & if bits >> 32 < u64::from(u32::MAX / 20) { 127 } else { 255 }) as usize] += 1;
    });
    assert!(z_of_uniformity(&counts) > 5.0);
}

#[test]
fn neighbouring_counters_entities_purposes_and_seeds_are_independent() {
    type Pair = (&'static str, fn(u64) -> (u64, u64));
    let pairs: [Pair; 5] = [
        ("counters", |i| (draw(3, Purpose::GOSSIP, 1, i), draw(3, Purpose::GOSSIP, 1, i + 1))),
        ("entities", |i| (draw(3, Purpose::GOSSIP, 1, i), draw(3, Purpose::GOSSIP, 2, i))),
        ("purposes", |i| (draw(3, Purpose::GOSSIP, 1, i), draw(3, Purpose::CONTENT, 1, i))),
        ("seeds", |i| (draw(3, Purpose::GOSSIP, 1, i), draw(4, Purpose::GOSSIP, 1, i))),
        ("words", |i| draw_pair(3, Purpose::GOSSIP, 1, i).into()),
    ];
    for (name, f) in pairs {
        let mut joint = vec![0; 1 << 12];
        let mut differing_bits = 0u64;
        for i in 0..1 << 18 {
            let (x, y) = f(i);
            joint[(x >> 58 << 6 | y >> 58) as usize] += 1;
            differing_bits += u64::from((x ^ y).count_ones());
        }
        assert_uniform(&joint, name);
        // 2^24 fair bits: standard deviation 2^11.
        assert!(differing_bits.abs_diff(1 << 23) < 5 << 11, "{name}: {differing_bits} bits differ");
    }
}

#[test]
fn uniform_below_covers_its_range_evenly() {
    let mut counts = [0; 7];
    (0..700_000).for_each(|i| counts[uniform_below(draw(2, Purpose::CONTENT, 0, i), 7) as usize] += 1);
    assert_uniform(&counts, "below 7");
    assert_eq!(uniform_below(0, 10), 0);
    assert_eq!(uniform_below(u64::MAX, 10), 9);
}

#[test]
fn unit_interval_is_half_open() {
    assert_eq!(unit_f64(0), 0.0);
    assert!(unit_f64(u64::MAX) < 1.0);
    assert!(!chance(0, 0.0) && chance(u64::MAX, 1.0));
}

/// Mean and variance of `n` samples.
fn moments(n: u64, f: impl Fn(u64) -> f64) -> (f64, f64) {
    let samples: Vec<f64> = (0..n).map(|i| f(draw(5, Purpose::WORKLOAD, 0, i))).collect();
    let mean = samples.iter().sum::<f64>() / n as f64;
    (mean, samples.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64)
}

#[test]
fn exponential_and_normal_have_their_moments() {
    // Five standard errors of 200,000 samples: mean 0.011, variance 0.032 (exponential) and 0.016 (normal).
    let (mean, variance) = moments(200_000, |bits| exponential(bits, 1.0));
    assert!((mean - 1.0).abs() < 0.011 && (variance - 1.0).abs() < 0.032, "{mean} {variance}");
    let (mean, variance) = moments(200_000, standard_normal);
    assert!(mean.abs() < 0.011 && (variance - 1.0).abs() < 0.016, "{mean} {variance}");
    let (mean, _) = moments(200_000, |bits| pareto(bits, 1.0, 4.0));
    assert!((mean - 4.0 / 3.0).abs() < 0.006, "{mean}: a Pareto of shape 4 has mean 4/3");
    assert_eq!(exponential_duration(0, SimDuration::from_secs(1)), SimDuration::ZERO);
    assert_eq!(log_normal(1 << 63, 3.0, 0.0), 3.0);
}

#[test]
fn weighted_choice_follows_the_weights() {
    let table = Weighted::new([5, 0, 1, 4]).unwrap();
    let mut counts = [0u64; 4];
    (0..100_000).for_each(|i| counts[table.sample(draw(6, Purpose::PROPOSER, 0, i))] += 1);
    assert_eq!(counts[1], 0, "weight zero is never chosen");
    for (i, share) in [(0, 0.5), (2, 0.1), (3, 0.4)] {
        // Five standard deviations of a share of 100,000 are at most 0.008.
        assert!((counts[i] as f64 / 1e5 - share).abs() < 0.008, "{counts:?}");
    }
    assert_eq!(Weighted::new([0, 0]), Err(WeightsError::NothingToChoose));
    assert_eq!(Weighted::new([u64::MAX, 1]), Err(WeightsError::TooLarge));
    let whole = Weighted::new([1, u64::MAX - 1]).unwrap();
    assert_eq!((whole.sample(0), whole.sample(u64::MAX)), (0, 1));
}

#[test]
fn zipf_follows_its_law() {
    let zipf = Zipf::new(100, 1.0).unwrap();
    let harmonic: f64 = (1..=100).map(|k| 1.0 / f64::from(k)).sum();
    let mut counts = [0u64; 100];
    (0..500_000).for_each(|i| counts[zipf.sample(draw(6, Purpose::WORKLOAD, 1, i))] += 1);
    for rank in [0, 1, 9, 99] {
        let expected = 1.0 / (rank as f64 + 1.0) / harmonic;
        assert!((zipf.probability(rank) - expected).abs() < 1e-11);
        let deviation = (expected * (1.0 - expected) / 5e5).sqrt();
        let share = counts[rank] as f64 / 5e5;
        assert!((share - expected).abs() < 5.0 * deviation, "rank {rank}: {share}, expected {expected}");
    }
    assert!((Zipf::new(4, 0.0).unwrap().probability(3) - 0.25).abs() < 1e-12);
    assert_eq!(Zipf::new(3, f64::NAN), Err(WeightsError::BadExponent));
    assert_eq!(Zipf::new(0, 1.0), Err(WeightsError::NothingToChoose));
}

#[test]
fn the_rand_adapter_yields_the_stream_and_shuffles_reproducibly() {
    let mut rng = DrawRng::new(8, Purpose::TOPOLOGY, 4);
    let words: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
    assert_eq!(words, (0..3).map(|i| draw(8, Purpose::TOPOLOGY, 4, i)).collect::<Vec<_>>());
    let mut bytes = [0; 12];
    DrawRng::new(8, Purpose::TOPOLOGY, 4).fill_bytes(&mut bytes);
    assert_eq!(bytes[..8], words[0].to_le_bytes());
    assert_eq!(bytes[8..], words[1].to_le_bytes()[..4]);
    let shuffled = |seed| {
        let mut items: Vec<u32> = (0..50).collect();
        DrawRng::new(seed, Purpose::GOSSIP, 0).shuffle(&mut items);
        items
    };
    assert_eq!(shuffled(1), shuffled(1));
    assert_ne!(shuffled(1), shuffled(2));
    let mut sorted = shuffled(1);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..50).collect::<Vec<_>>());
}
