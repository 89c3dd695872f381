//! Transcendental functions, the same bits on every platform.
//!
//! The only place where they are called. `std`'s come from the platform's C library and differ in the last
//! bit between systems; crates that go through `num-traits` switch between the two when another crate of
//! the build turns a feature on. These are the pure-Rust functions of the `libm` crate (a port of musl's),
//! and the tests pin their bit patterns, so that a new version of that crate cannot change results unseen.

/// Natural logarithm. NaN below zero, minus infinity at zero.
#[inline]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// `ln(1 + x)`, accurate near zero.
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// Base-2 logarithm.
#[inline]
pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}

/// Base-10 logarithm.
#[inline]
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// `e^x`.
#[inline]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// `2^x`.
#[inline]
pub fn exp2(x: f64) -> f64 {
    libm::exp2(x)
}

/// `e^x - 1`, accurate near zero.
#[inline]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// `x^y`.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Square root, correctly rounded.
#[inline]
pub fn sqrt(x: f64) -> f64 {
    libm::sqrt(x)
}

/// Cube root.
#[inline]
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

/// Sine of an angle in radians.
#[inline]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// Cosine of an angle in radians.
#[inline]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// Tangent of an angle in radians.
#[inline]
pub fn tan(x: f64) -> f64 {
    libm::tan(x)
}

/// Arc sine in radians. NaN outside [-1, 1].
#[inline]
pub fn asin(x: f64) -> f64 {
    libm::asin(x)
}

/// Arc cosine in radians. NaN outside [-1, 1].
#[inline]
pub fn acos(x: f64) -> f64 {
    libm::acos(x)
}

/// Angle in radians of the point (x, y), in (-pi, pi].
#[inline]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Hyperbolic tangent.
#[inline]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// Error function.
#[inline]
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// Complementary error function, accurate in the tail.
#[inline]
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// Natural logarithm of the absolute value of the gamma function.
#[inline]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Distribution function of the standard normal distribution.
#[inline]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Quantile of the standard normal distribution: the x with `normal_cdf(x) = p`.
///
/// Relative error below 1e-15 for p in [1e-300, 1 - 1e-16]; minus and plus infinity at 0 and 1, NaN outside.
/// Source: M. J. Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), routine PPND16.
pub fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(r, &CENTRAL);
    }
    let r = if q < 0.0 { p } else { 1.0 - p };
    if r == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = sqrt(-ln(r));
    let x = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &TAIL) };
    x.copysign(q)
}

type Rational = [[f64; 8]; 2];

fn ratio(r: f64, [numerator, denominator]: &Rational) -> f64 {
    let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, a| sum * r + a);
    horner(numerator) / horner(denominator)
}

const CENTRAL: Rational = [
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
];
const MIDDLE: Rational = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];
const TAIL: Rational = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_7e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// If one of these fails after an update of `libm`, results are no longer comparable with older ones:
    /// say so in the change log before changing the pattern.
    #[test]
    fn bit_patterns_are_pinned() {
        let values = [
            ln(2.0),
            ln(1e-9),
            ln_1p(1e-9),
            log2(10.0),
            log10(2.0),
            exp(1.0),
            exp(-20.5),
            exp2(0.3),
            exp_m1(1e-5),
            pow(1.1, 17.3),
            pow(3.0, -0.8),
            sqrt(2.0),
            cbrt(2.0),
            sin(1.0),
            cos(100.0),
            tan(0.7),
            asin(0.3),
            atan2(1.0, -2.0),
            tanh(0.4),
            erf(0.5),
            ln_gamma(7.5),
            normal_quantile(0.99),
        ];
        let bits = values.map(|x: f64| format!("{:#018x}", x.to_bits()));
        assert_eq!(bits, GOLDEN);
    }

    const GOLDEN: [&str; 22] = [
        "0x3fe62e42fefa39ef",
        "0xc034b927f32bffb8",
        "0x3e112e0be801f1d9",
        "0x400a934f0979a371",
        "0x3fd34413509f79ff",
        "0x4005bf0a8b14576a",
        "0x3e157a3afeed00ab",
        "0x3ff3b2c47bff8329",
        "0x3ee4f8bc681cdfb6",
        "0x4014cde7a98d2603",
        "0x3fda935a16704c72",
        "0x3ff6a09e667f3bcd",
        "0x3ff428a2f98d728b",
        "0x3feaed548f090cee",
        "0x3feb981dbf665fdf",
        "0x3feaf406c2fc78ae",
        "0x3fd380159e14f6ff",
        "0x40056c6e7397f5ae",
        "0x3fd8511573c242d6",
        "0x3fe0a7ef5c18edd2",
        "0x401e233060e41f80",
        "0x40029c5c4630ff0c",
    ];

    #[test]
    fn normal_quantile_meets_published_values() {
        // AS 241, table of test values.
        assert!((normal_quantile(0.25) + 0.674_489_750_196_081_7).abs() < 1e-15);
        assert!((normal_quantile(0.001) + 3.090_232_306_167_813_5).abs() < 1e-14);
        assert!((normal_quantile(1e-20) + 9.262_340_089_798_408).abs() < 1e-14);
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.5).is_nan());
    }

    #[test]
    fn normal_quantile_inverts_the_distribution_function() {
        for i in 1..1000 {
            let p = f64::from(i) / 1000.0;
            assert!((normal_cdf(normal_quantile(p)) - p).abs() < 1e-15, "at {p}");
        }
    }
}
